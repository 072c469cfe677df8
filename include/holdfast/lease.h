/*
 * holdfast/lease.h: roles of which each has one holder at a time, inside an application: the whole
 * face of libholdfast-lease.a. The same service that a Holdfast node offers over HTTP
 * (POST /v1/roles/NAME/acquire), without the node: the application's processes are the cluster.
 * (US 9,596,301: a leader election service, in its form as a library.)
 *
 *   process a --.                     each process is a node: an id, an address for datagrams, a
 *   process b ---+-- UDP datagrams    directory of its own. Three, five, seven or nine are voters;
 *   process c --'                     a majority of them must be up for anything to be granted
 *
 *   holdfast_lease_open
 *        |     .-------------------------------------------------.
 *        v     v                                                 |
 *      poll({holdfast_lease_fd, POLLIN}, holdfast_lease_timeout) |  the application's own loop
 *              |                                                 |
 *      holdfast_lease_turn                                       |
 *      holdfast_lease_event, until there is none ----------------'
 *
 * What it promises, while clocks run within 1 % of each other, whatever happens to processes,
 * machines and network:
 *   - a role has one holder in the whole cluster, or none;
 *   - holdfast_lease_holds says no before any other process can be granted the role, also in a
 *     process that was stopped, or whose machine slept. HOLDFAST_LEASE_OVER says the same as soon
 *     as the application turns;
 *   - each grant of a role has a term higher than all before it, over every restart. Let what is
 *     written in the name of a role carry its term, and refuse a lower one than was seen there:
 *     that holds whatever clocks do.
 *
 * Units are milliseconds. Ids and names of roles are 1 to 64 of A-Z a-z 0-9 . _ : - and at most 128
 * roles are known at a time; "cluster" is reserved. All texts and bytes that are passed are copied.
 *
 * One handle is for one thread at a time; handles know nothing of each other. A voter has one more
 * thread, which waits for its disk and takes no signals. Nothing here blocks for longer than some
 * system calls, but open (up to 300 ms) and close (until the disk has what is being written).
 * A handle is of no use in a child after fork(2): close its descriptors by execve(2).
 *
 * Links with libsodium, libxxhash and the C library's threads: -lsodium -lxxhash -lpthread.
 */
#ifndef HOLDFAST_LEASE_H
#define HOLDFAST_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOLDFAST_LEASE_NODES_MAX    64
#define HOLDFAST_LEASE_VOTERS_MAX   9
#define HOLDFAST_LEASE_NAME_BYTES   65 /* of an id or a role, with the 0 behind it */
#define HOLDFAST_LEASE_REASON_BYTES 512
#define HOLDFAST_LEASE_MS_MIN       500
#define HOLDFAST_LEASE_MS_MAX       3600000
#define HOLDFAST_LEASE_SECRET_MIN   32 /* bytes */

struct holdfast_lease; /* opaque */

enum holdfast_lease_result {
	HOLDFAST_LEASE_OK = 0,
	HOLDFAST_LEASE_NO_MEMORY,
	HOLDFAST_LEASE_INVALID, /* what was passed breaks a rule of this page */
	HOLDFAST_LEASE_BUSY,    /* another process has the directory, or runs as this node */
	HOLDFAST_LEASE_IO,      /* the operating system refused */
	HOLDFAST_LEASE_FULL,    /* too many roles are asked for */
	HOLDFAST_LEASE_TOO_FEW, /* readmit: too few of the other voters vote */
};

/* One line for a person. Always ended by a 0. */
struct holdfast_lease_reason {
	char text[HOLDFAST_LEASE_REASON_BYTES];
};

struct holdfast_lease_node {
	const char *id;
	const char *address; /* of its datagrams: "10.0.0.1:7946", "[2001:db8::1]:7946" */
	bool voter;
};

/* The same in all processes, but for self and state_dir. */
struct holdfast_lease_setup {
	const char *cluster; /* datagrams of other clusters are not heard */
	const struct holdfast_lease_node *nodes;
	size_t node_count;
	const char *self;      /* the id of this process */
	const char *state_dir; /* exists; of this process alone, and kept: see readmit */
	const void *secret;    /* who does not know it is not heard */
	size_t secret_bytes;
	uint32_t lease_ms; /* a holder that is gone is missed for so long; 0: 10,000 */
};

/*
 * *out is NULL unless the result is HOLDFAST_LEASE_OK; `reason` (may be NULL) says why. A damaged
 * or lost register is no error here: such a voter runs, and does not vote; see
 * holdfast_lease_voter.
 */
enum holdfast_lease_result holdfast_lease_open(const struct holdfast_lease_setup *setup,
					       struct holdfast_lease **out,
					       struct holdfast_lease_reason *reason);
/* Gives all roles back, so that others need not wait for them, and frees. *lease may be NULL. */
void holdfast_lease_close(struct holdfast_lease **lease);

/* ---- the application's loop ----------------------------------------------------------------- */

/* One descriptor, for poll(2), epoll(7) and the like; the same as long as the handle lives. It is
 * level-triggered: readable until holdfast_lease_turn. Do not read it. */
int holdfast_lease_fd(const struct holdfast_lease *lease);
/* Milliseconds until holdfast_lease_turn is to be called although nothing came; 0: now. */
int holdfast_lease_timeout(const struct holdfast_lease *lease);
/* Hears what came, lets time pass, speaks. Called too late, roles are lost; never is one kept. */
void holdfast_lease_turn(struct holdfast_lease *lease);

/* ---- roles ---------------------------------------------------------------------------------- */

/*
 * From now on this process asks for the role, holds it when it can, and asks again when it was
 * lost, until release. OK: it is being asked for, or was before; INVALID: a bad name; FULL.
 */
enum holdfast_lease_result holdfast_lease_acquire(struct holdfast_lease *lease, const char *role);
/* From here on it is held no more, and asked for no more; others are told. INVALID: it was not. */
enum holdfast_lease_result holdfast_lease_release(struct holdfast_lease *lease, const char *role);

/*
 * Is it this process's, in this very moment? To be asked right before each use. `term` and
 * `left_ms`, for how much longer at least, may be NULL and are set when the answer is yes.
 */
bool holdfast_lease_holds(const struct holdfast_lease *lease, const char *role, uint64_t *term,
			  uint64_t *left_ms);

struct holdfast_lease_holder {
	char role[HOLDFAST_LEASE_NAME_BYTES];
	char node[HOLDFAST_LEASE_NAME_BYTES]; /* "": nobody that is known of */
	bool mine;
	uint64_t term; /* the highest that is known; 0: none */
};

/* Who holds it, as far as this process heard; asks nobody. */
void holdfast_lease_look(const struct holdfast_lease *lease, const char *role,
			 struct holdfast_lease_holder *out);

enum holdfast_lease_event_kind {
	HOLDFAST_LEASE_HELD = 1, /* by who.node */
	HOLDFAST_LEASE_OVER,     /* it is not who.node's any more */
};

struct holdfast_lease_event {
	enum holdfast_lease_event_kind kind;
	struct holdfast_lease_holder who;
};

/* What happened to roles, of this process and of others, oldest first. False: nothing more. At most
 * 256 wait to be taken; further ones are not told, but holdfast_lease_look knows. */
bool holdfast_lease_event(struct holdfast_lease *lease, struct holdfast_lease_event *event);

/* ---- voters --------------------------------------------------------------------------------- */

enum holdfast_lease_vote {
	HOLDFAST_LEASE_NO_VOTER,
	HOLDFAST_LEASE_BEGINS, /* until all voters of a new cluster were seen once */
	HOLDFAST_LEASE_VOTES,
	HOLDFAST_LEASE_STOPPED,  /* its register is lost or damaged, or its disk failed; of a full
				    one it goes on when there is room */
	HOLDFAST_LEASE_LEARNING, /* re-admitted: it reads from the others what it forgot */
};

/* `reason`: why it is stopped; else "". May be NULL. */
enum holdfast_lease_vote holdfast_lease_voter(const struct holdfast_lease *lease,
					      struct holdfast_lease_reason *reason);
/*
 * A voter keeps what it promised in state_dir/register. When that is gone for good, a person says
 * so by this, and the voter begins again with what a majority of the others know. OK; INVALID:
 * nothing was lost; TOO_FEW.
 */
enum holdfast_lease_result holdfast_lease_readmit(struct holdfast_lease *lease,
						  struct holdfast_lease_reason *reason);

#ifdef __cplusplus
}
#endif

#endif
