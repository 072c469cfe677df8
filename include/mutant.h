/*
 * mutant.h: a mutant is a machine with one of its cures taken out. Built for the simulator alone,
 * with -DMUTANT=MUTANT_<name> for the file that has the cure; a mutant that no scenario catches is
 * a cure that no test needs. In the product MUTANT is MUTANT_NONE, and the compiler sees only the
 * cure. Which file and which scenario belong to a mutant stands in the Makefile (MUTANTS).
 */
#ifndef HOLDFAST_MUTANT_H
#define HOLDFAST_MUTANT_H

enum mutant {
	MUTANT_NONE,
	MUTANT_NO_REPLAY_CHECK, /* datagram: what is not newer is let in */
	MUTANT_NO_MAC,          /* datagram: what is damaged is let in */
	MUTANT_NO_SILENCE,      /* election: every better node contests, as in Fig. 9 (SEEDS D1) */
	MUTANT_NO_SUSPECT,      /* election: each node finds out by itself (D2) */
	MUTANT_NO_TIE_BREAK,    /* election: equal ranks are equal (D3) */
	MUTANT_NO_TERM,         /* election: what is old counts as new (D4) */

	MUTANT_NO_RESTART_SILENCE, /* lease: a voter that started again answers at once (R6) */
	MUTANT_OWNER_OF_ANY_RUN,   /* lease: who started again owns what it owned before */
	MUTANT_SHORT_LOCK,         /* lease: the voter's timer is shorter than the owner's */
	MUTANT_TIME_STANDS,        /* embedded: a message counts before the time that has passed */
	MUTANT_NO_SYNC,            /* voter: answers what is not on disk yet */
	MUTANT_VOTES_EMPTY,        /* voter: without its file it starts with nothing */
	MUTANT_LEARNS_AT_ONCE,     /* learn: who lost its file asks the others without silence */
	MUTANT_LEARNS_OF_ONE,      /* learn: it believes the first that tells */
	MUTANT_NO_COMPARE,         /* epoch: a change counts whatever epoch it was made against */
	MUTANT_NO_READ,            /* epoch: a new master does not ask what was written before */
	MUTANT_TRUSTS_SENDER,  /* onward: a node serves what it is sent, its own view aside (C9) */
	MUTANT_FORGETS_WAY,    /* onward: where a request has been does not matter */
	MUTANT_DECIDES_BEHIND, /* onward: a node decides with the membership that it has */
	MUTANT_NO_WRITE_BACK,  /* register: readers leave the newest value where it is */

	MUTANT_NO_STANDSTILL,  /* disk: a role is taken whose holder may still renew it */
	MUTANT_NO_SECOND_LOOK, /* disk: what was written as taken is not followed by a look */
	MUTANT_OWN_RUNS_ALIKE, /* disk: a holder that started again is the same one */
	MUTANT_NO_COPY,        /* disk: readers leave the newest value in a minority of the files */
	MUTANT_NO_SUM,         /* disk: a block that was half written is believed */
};

#ifndef MUTANT
#define MUTANT MUTANT_NONE
#endif

#endif
