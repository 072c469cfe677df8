/* pool_inside.h: what a pool is made of; for the files of pool.h alone. */
#ifndef HOLDFAST_MEMBERS_POOL_INSIDE_H
#define HOLDFAST_MEMBERS_POOL_INSIDE_H

#include "members/pool.h"

#include <pthread.h>

struct pool {
	atomic_uint refs;
	pthread_mutex_t lock; /* guards what stands below, up to `generation` */
	struct membership *membership;
	struct verdict_rules rules;
	struct view *view;       /* current; one reference held */
	size_t weighty;          /* operational members that have a weight */
	size_t down;             /* members whose health is that */
	size_t draining;         /* members in that state */
	uint64_t risen_until_ms; /* by then the slow starts are over; 0: there are none */
	bool unpublished;        /* a verdict changed and there was no memory for its view */
	_Atomic uint64_t generation;
	unsigned workers;
	struct pool_observer observer;
};

#endif
