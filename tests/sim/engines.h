/*
 * engines.h: what the scenarios of leases and roles share: a program that runs an engine on every
 * node (cluster/engine.h), with processes that want roles, give them back, write and read the value
 * of the role `cluster`; and what must hold of every engine, whatever happens to nodes, clocks,
 * network and disks:
 *
 *   - no role has two holders at any instant of true time. A holder is whoever engine_owns says yes
 * to, by the clock of its node, and the process beside a node that crashed, until the time it was
 * told;
 *   - a holder is told of its loss when its time is over, and not later than a loop may be late;
 *   - a node that started again is not granted what processes of its former run may still act on;
 *   - terms of a role strictly grow, from grant to grant, over all restarts;
 *   - reads and writes of the value are linearizable (registers.h);
 *   - when all faults are over, every role gets a holder, a write and a read succeed.
 */
#ifndef HOLDFAST_TESTS_SIM_ENGINES_H
#define HOLDFAST_TESTS_SIM_ENGINES_H

#include "cluster/embedded.h"
#include "registers.h"
#include "sim.h"

#define ENGINES_ROLES        3 /* cluster, r1, r2 */
#define ENGINES_TOLD_LATE_MS 10
#define ENGINES_OWNERS_MAX   4096
#define ENGINES_BEGIN_US     (8 * SIM_SECOND_US) /* all voters were seen once; cluster/voter.h */

/* Which engine runs, and what stands between it and its disk. */
struct engines_driver {
	size_t state_bytes; /* of a node's memory */
	struct engine (*boot)(struct sim *s, cluster_node n, uint64_t now, void *state);
	/* After every event: what it wants of its disk. */
	void (*turn)(struct sim *s, cluster_node n, uint64_t now, void *state);
	void (*crashed)(struct sim *s, cluster_node n, void *state);
	void (*end)(struct sim *s); /* behind all crashes */
};

struct engines_hold {
	bool told; /* granted, and not told of a loss */
	uint64_t until;
	uint64_t term;
};

/* Stands first in the world of every such scenario. */
struct engines_world {
	const struct engines_driver *driver; /* NULL: that of the engine `embedded` */
	struct lease_timing timing;
	int64_t rate_ppm[CLUSTER_NODES_MAX];
	uint64_t thawed_us[CLUSTER_NODES_MAX];
	bool was_frozen[CLUSTER_NODES_MAX];
	struct engines_hold hold[CLUSTER_NODES_MAX][ENGINES_ROLES];
	uint64_t ghost_until_us[CLUSTER_NODES_MAX][ENGINES_ROLES]; /* processes of crashed nodes */
	uint64_t term[ENGINES_ROLES];                              /* of the last grant */
	uint64_t granted[ENGINES_ROLES];                           /* since the faults ended */
	uint64_t takeovers; /* grants to another node than before */
	cluster_node holder[ENGINES_ROLES];
	uint64_t values; /* written so far: their names */
	struct register_history history;
	uint64_t read_late; /* since the faults ended */
	uint64_t written_late;
	uint64_t document_bytes_max;
	uint64_t save_us_max; /* a disk takes so long */
	uint64_t full_one_in; /* of so many images one finds no room there; 0: none */
	bool restless;        /* processes give roles back now and then */
	bool rush;            /* all ask at once, and again */
	bool wild_clocks;     /* leases may overlap; terms must not */
	bool may_be_stuck;    /* liveness is not asked for */
	uint64_t owners;      /* of terms, below */
	struct {
		size_t role;
		uint64_t term;
	} owned[ENGINES_OWNERS_MAX];
};

struct engines_disk {
	bool has_image;
	struct register_image image;
};

/* The node's memory has room for the state of any driver. */
#define ENGINES_STATE_BYTES_MAX ((size_t)1024 * 1024)
extern const struct sim_program engines_program;

extern const char *const engines_role[ENGINES_ROLES];

/* `count` nodes of which the first `voters` are voters; clocks within +-1 %; all boot within 1 s.
 */
void engines_start(struct sim *s, cluster_node count, size_t voters, uint32_t lease_ms);
/* engines_start with what the seed says, and all faults from ENGINES_BEGIN_US to `until_us`. */
void engines_chaos(struct sim *s, uint64_t until_us);
void engines_check(struct sim *s);
/* Liveness, and the history; ends all nodes. */
void engines_end(struct sim *s);
struct embedded *engines_embedded(struct sim *s, cluster_node n);
/* For drivers: the node's state, as boot was given it; and: the engine may have something to tell.
 */
void *engines_state(struct sim *s, cluster_node n);
void engines_pump(struct sim *s, cluster_node n, uint64_t now);

#endif
