/*
 * role.h: what the machines of a role share: its name, the time constants of its lease, and what
 * every event brings. A role is system-wide and has one holder at a time, or none; `cluster` is the
 * master's.
 */
#ifndef HOLDFAST_CLUSTER_ROLE_H
#define HOLDFAST_CLUSTER_ROLE_H

#include "cluster/machine.h"

#include <string.h>

#define ROLE_BYTES_MAX ID_BYTES_MAX
#define ROLES_MAX      128 /* that a node knows at a time */
#define ROLE_CLUSTER   "cluster"

struct lease_timing {
	uint32_t lease_ms;       /* T */
	uint32_t negotiation_ms; /* TN: a ballot dies this long after its PREPARE */
	uint32_t silence_ms;     /* M: of a voter that started again */
};

/* What the machines of all roles at a node share; borrowed by each call. */
struct role_ground {
	const struct cluster_nodes *nodes;
	struct lease_timing timing;
	uint64_t boot;         /* of this node's run: grows with every start, at least 1 */
	uint64_t silent_until; /* R6; of a voter */
};

/* What every event brings; borrowed for the call. */
struct role_turn {
	const struct role_ground *ground;
	const char *role; /* 1 to ROLE_BYTES_MAX bytes */
	uint64_t now;
	struct outbox *out;
};

/* What was not answered is asked for again; a negotiation has room for four times. */
static inline uint64_t
role_resend_ms(const struct role_ground *ground)
{
	return ground->timing.negotiation_ms / 4 + 1;
}

/* Of the same name. Tables of roles are looked through often, and most of their places are free. */
static inline bool
role_is(const char *role, const char *name)
{
	return role[0] == name[0] && strcmp(role, name) == 0;
}

#endif
