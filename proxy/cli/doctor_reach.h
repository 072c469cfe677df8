/*
 * doctor_reach.h: can these addresses be connected to from here? Many at once, within one time
 * each.
 */
#ifndef HOLDFAST_CLI_DOCTOR_REACH_H
#define HOLDFAST_CLI_DOCTOR_REACH_H

#include "base/addr.h"

#define REACH_AT_ONCE_MAX 64

struct reach {
	const struct addr *to; /* IP, UNIX, or a name: of that the first address that it has */
	uint32_t limit_ms;
	struct addr at; /* what was connected to; family 0: the name has no address */
	int error;      /* errno; 0: it answers; ETIMEDOUT; ENXIO: the name has no address */
};

/* Fills in `at` and `error` of each. Connections are closed at once. */
void reach_all(struct reach *list, size_t count);

#endif
