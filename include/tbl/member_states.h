/*
 * member_states.h: MEMBER_STATE(name, text, operational, takes_new, help)
 * operational: sessions that live there may go on there.
 * takes_new:   new sessions are placed there.
 * New rows are appended only: the numbers are published in metrics.
 */
MEMBER_STATE(UP, "up", true, true, "answers; takes everything")
MEMBER_STATE(SUSPECT, "suspect", true, false, "failed lately; serves its sessions until it is proved dead or well")
MEMBER_STATE(DRAIN, "drain", true, false, "serves the sessions that live there, gets no new ones")
MEMBER_STATE(DOWN, "down", false, false, "proved dead by probe or traffic")
MEMBER_STATE(MAINT, "maint", false, false, "taken out by the operator")
