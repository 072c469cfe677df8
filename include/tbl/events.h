/*
 * events.h: EVENT(name, text, help): every event that the failover log can hold (DESIGN section 9).
 * `holdfast tail` filters, the writer and the tests read these rows.
 */
EVENT(FAILOVER, "failover", "a session moved to a backup because the server it lived on is not operational")
EVENT(FAILBACK, "failback", "a session moved back to its primary")
EVENT(ASSIGNED, "assigned", "a new session was given its primary")
EVENT(REHOMED, "rehomed", "a session got another primary or another digest")
EVENT(DISAGREE, "disagree", "two nodes hold different opinions of a primary")
EVENT(TAG_REJECTED, "tag_rejected", "a tag did not verify and was treated as absent")
EVENT(NO_LIVE_MEMBER, "no_live_member", "nothing operational was left to send a request to")
EVENT(MEMBER_DOWN, "member_down", "a member went down")
EVENT(MEMBER_UP, "member_up", "a member came back")
EVENT(OUTAGE_SUMMARY, "outage_summary", "what one outage cost, written when it is over and its sessions are back, or when the node ends")
EVENT(DRAIN_STARTED, "drain_started", "a member stopped taking new sessions")
EVENT(DRAIN_DONE, "drain_done", "a draining member serves no request any more")
EVENT(MASTER_ELECTED, "master_elected", "the cluster has a master")
EVENT(MASTER_LOST, "master_lost", "the cluster lost its master")
EVENT(ROLE_HELD, "role_held", "an application's process holds a role")
EVENT(ROLE_OVER, "role_over", "a process does not hold its role any more")
EVENT(EPOCH_ADOPTED, "epoch_adopted", "a newer membership was adopted")
EVENT(RELOAD, "reload", "the configuration was swapped")
EVENT(RELOAD_REFUSED, "reload_refused", "a new configuration was refused and the old one kept")
