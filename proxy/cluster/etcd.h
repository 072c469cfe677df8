/*
 * etcd.h: the engine of an etcd cluster, version 3, by its JSON gateway; pure: it says what is to
 * be asked, one call at a time, and takes the answers. Who carries the calls is cluster/etcd_ev.h.
 *
 *   PREFIX/ROLE/holder   exists while the role is held: put under a lease of etcd's, only if it did
 *                        not exist; its create revision is the term, which etcd never gives again
 *   PREFIX/ROLE/last     put with it: its mod revision is the highest term that was claimed
 *   PREFIX/ROLE/value    term u64, seq u64, big-endian, then the value; only while holder exists
 *                        with the writer's create revision
 *
 *   acquire   lease/grant, kv/txn           renew   lease/keepalive, kv/txn (is it still mine?)
 *   release   lease/revoke                  read    kv/range       write   kv/txn
 *
 * The lease ends by this node's own clock (T from before the call that granted or renewed it, less
 * a margin), whatever etcd says or does not say: that is how a session's loss is found. That the
 * key exists at its create revision is asked behind every keepalive: a lease alone is no role.
 * A call whose answer did not come may have happened: its lease is revoked.
 */
#ifndef HOLDFAST_CLUSTER_ETCD_H
#define HOLDFAST_CLUSTER_ETCD_H

#include "cluster/engine.h"

#define ETCD_PREFIX_BYTES_MAX 160
#define ETCD_ANSWER_BYTES_MAX (4 * DOCUMENT_BYTES_MAX)

struct etcd_call {
	const char *path; /* "/v3/kv/txn"; static */
	char *body;       /* JSON, the taker frees it */
};

enum etcd_step {
	ETCD_NOTHING,
	ETCD_GRANT,
	ETCD_CLAIM,
	ETCD_ALIVE,
	ETCD_CHECK,
	ETCD_REVOKE,
	ETCD_READ,
	ETCD_WRITE,
};

struct etcd {
	const struct cluster_nodes *nodes; /* borrowed */
	struct lease_timing timing;
	uint64_t boot;
	char prefix[ETCD_PREFIX_BYTES_MAX];
	struct etcd_role {
		char role[ROLE_BYTES_MAX + 1]; /* "": free */
		bool wants;                    /* an attempt waits, or is under way */
		bool wants_read;
		bool owns;
		char lease[24];  /* etcd's id of it; "": none */
		char revoke[24]; /* one that is to be given back; "": none */
		uint64_t term;
		uint64_t seq;
		uint64_t until;
		uint64_t renew_at;
		struct document *writes; /* NULL: nothing is to be written */
	} role[ROLES_MAX];
	size_t turn; /* the role that is looked at first */

	/* The call under way. */
	enum etcd_step step;
	size_t of; /* role */
	bool sent;
	uint64_t began; /* of the call, or of the keepalive before a CHECK */
	bool given_up;  /* of the attempt: released meanwhile */
	struct engine_events events;
};

/* `cluster`: its name, part of the keys. Large: in place, on the heap. */
void etcd_init(struct etcd *e, const struct cluster_nodes *nodes, const struct lease_timing *timing,
	       uint64_t boot, const char *cluster);
void etcd_deinit(struct etcd *e);
struct engine etcd_engine(struct etcd *e);

/* What is to be asked now; false: nothing, or an answer is waited for. */
bool etcd_take_call(struct etcd *e, uint64_t now, struct etcd_call *call);
/* The answer to it; status 0: none came in time. `body` is borrowed. */
void etcd_answered(struct etcd *e, uint64_t now, int status, const char *body, size_t bytes);

#endif
