/*
 * sim.h: the deterministic simulator of the control plane. Nodes run the very object code of the
 * product (machines and datagram codec); the network, the clocks, the disks and the faults are
 * drawn from one seed. A run is a function of (scenario, seed): a seed that fails, fails again.
 *
 *   build/tests/sim/sim --scenario NAME --seed N --trace     shows what happened
 *
 * True time is in microseconds from 0 and nobody's clock. Each node has a clock of milliseconds
 * with an offset and a rate of its own (+-1 % by default), and is called only with that; like a
 * real event loop it is called a little late. What a node says goes through datagram_encode, the
 * links and datagram_decode.
 *
 * A scenario is a file of its own: a program (what each node runs), a start (the cluster, the
 * links, the faults), invariants that are asked after every event, so at every instant of true time
 * at which anything can have changed, and an end that asks for liveness. Its row stands in
 * scenarios.h.
 *
 * The trace, a line an event, newest last:
 *     true ms | node | incarnation | its clock, ms | what
 *     what:  > TYPE to NODE      sent (a link may still lose it)
 *            < TYPE from NODE    let in        x TYPE from NODE: reason    dropped by the codec
 *            ! ...               a fault       # ...    sim_note
 */
#ifndef HOLDFAST_TESTS_SIM_H
#define HOLDFAST_TESTS_SIM_H

#include "cluster/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_EVENTS_MAX   200000 /* waiting at once: more is an explosion, and fails the run */
#define SIM_BACKLOG_MAX  256    /* datagrams that wait in a frozen node's socket */
#define SIM_MEASURES_MAX 24
#define SIM_SECOND_US    UINT64_C(1000000)
#define SIM_MS_US        UINT64_C(1000)

struct sim;

/*
 * What every node runs. `now` is the node's own clock, ms. State is the node's memory: zeroed at
 * each boot, gone with a crash. Disk is zeroed once and stays; a program changes it in sim_after,
 * so that a crash can come between asking and having.
 */
struct sim_program {
	size_t state_bytes;
	size_t disk_bytes;
	void (*boot)(struct sim *s, cluster_node n, uint64_t now, struct outbox *out);
	void (*receive)(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in,
			struct outbox *out);
	void (*tick)(struct sim *s, cluster_node n, uint64_t now, struct outbox *out);
	/* The node's clock when it wants its next tick; CLUSTER_NEVER: none. */
	uint64_t (*next)(struct sim *s, cluster_node n);
	/* What stands in the header of what it sends; NULL: zeros. */
	void (*head)(struct sim *s, cluster_node n, uint64_t *epoch, uint64_t *term);
	/* Before its memory goes; NULL: nothing to do. */
	void (*crashed)(struct sim *s, cluster_node n);
};

struct sim_scenario {
	const char *name;
	const char *help; /* one sentence: what is shown */
	const struct sim_program *program;
	size_t world_bytes; /* of sim_world: the scenario's own memory, zeroed for each run */
	uint64_t length_us; /* of a run, true time; start may set another by sim_length */
	/* Must call sim_cluster; then links, faults (sim_at, sim_chaos), boots (sim_boot). */
	void (*start)(struct sim *s);
	void (*check)(struct sim *s); /* after every event; NULL: nothing */
	void (*end)(struct sim *s);   /* at length_us; NULL: nothing */
};

/* ---- the cluster ---------------------------------------------------------------------------- */

/* `nodes` as configured; self is set for each. All nodes are off; all links are sim_link_lan. */
void sim_cluster(struct sim *s, const struct cluster_nodes *nodes);
cluster_node sim_count(const struct sim *s);
/* Each node's own copy, which its machines may borrow; self is right. */
struct cluster_nodes *sim_nodes(struct sim *s, cluster_node n);
void *sim_state(struct sim *s, cluster_node n);
void *sim_disk(struct sim *s, cluster_node n);
void *sim_world(struct sim *s);
uint64_t sim_incarnation(const struct sim *s, cluster_node n); /* boots so far */
bool sim_on(const struct sim *s, cluster_node n);              /* booted and not crashed */
bool sim_frozen(const struct sim *s, cluster_node n);
void sim_length(struct sim *s, uint64_t length_us);

/* ---- time and chance ------------------------------------------------------------------------ */

uint64_t sim_now_us(const struct sim *s);                   /* true time */
uint64_t sim_local_ms(const struct sim *s, cluster_node n); /* that node's clock */
/* Rates are parts per million off; default within +-10000. To be set before a boot. */
void sim_clock_rate(struct sim *s, cluster_node n, int64_t off_ppm);
/* How late a tick comes at most; default 2 ms. */
void sim_late(struct sim *s, uint64_t late_us);
uint64_t sim_draw(struct sim *s, uint64_t below);                 /* 0 .. below - 1; below >= 1 */
uint64_t sim_between(struct sim *s, uint64_t low, uint64_t high); /* both may come */
bool sim_chance(struct sim *s, uint32_t ppm);

typedef void sim_call(struct sim *s, uint64_t argument);
typedef void sim_node_call(struct sim *s, cluster_node n, uint64_t now, uint64_t argument,
			   struct outbox *out);
/* In the world, `delay_us` from now. */
void sim_at(struct sim *s, uint64_t delay_us, sim_call *call, uint64_t argument);
/*
 * On a node, from now: an answer of its disk, of an engine, of its operator. Lost when the node
 * crashes before; a frozen node takes it when it thaws.
 */
void sim_after(struct sim *s, cluster_node n, uint64_t delay_us, sim_node_call *call,
	       uint64_t argument);

/* ---- the network ---------------------------------------------------------------------------- */

/* One direction between two nodes. Each datagram takes base_us + draw(jitter_us). */
struct sim_link {
	uint64_t base_us;
	uint64_t jitter_us;
	uint32_t loss_ppm;
	uint32_t duplicate_ppm; /* comes twice, each with its own jitter */
	uint32_t late_ppm;      /* comes up to late_us later: overtaken by many */
	uint32_t damage_ppm;    /* one bit is flipped, or the end is cut off */
	uint64_t late_us;
	bool cut;
};

extern const struct sim_link sim_link_lan; /* 100 us + 200 us, nothing goes wrong */

struct sim_link *sim_link(struct sim *s, cluster_node from, cluster_node to);
void sim_links(struct sim *s, const struct sim_link *all);
void sim_cut(struct sim *s, cluster_node from, cluster_node to); /* one way */
/* Both ways between nodes whose bits differ. */
void sim_partition(struct sim *s, uint64_t side);
/* No link is cut or lossy any more; delays stay. */
void sim_heal(struct sim *s);
/* Copies that were handed to links, of one type. */
uint64_t sim_sent(const struct sim *s, enum datagram_type type);

/* ---- faults --------------------------------------------------------------------------------- */

void sim_boot(struct sim *s, cluster_node n);  /* first start, or after a crash */
void sim_crash(struct sim *s, cluster_node n); /* memory is gone; no effect when off */
void sim_freeze(struct sim *s, cluster_node n);
void sim_thaw(struct sim *s, cluster_node n);
/* Boots what is off, thaws what is frozen, heals the links. */
void sim_repair(struct sim *s);

/* Faults drawn at random until `until_us` of true time, when sim_repair ends them. 0: none of a
 * kind. */
struct sim_chaos {
	uint64_t until_us;
	uint64_t every_us; /* mean time between two faults */
	uint64_t last_us;  /* mean length of one */
	bool crashes;
	bool freezes;
	bool cuts;         /* one-way, and both ways */
	bool partitions;   /* into two sides */
	uint32_t loss_ppm; /* all the time, of every link: up to this much, and duplicates, late
			      ones, damage a tenth of it */
};
void sim_chaos(struct sim *s, const struct sim_chaos *chaos);
/* Until when faults go on; 0: no chaos was asked for. */
uint64_t sim_chaos_end(const struct sim *s);

/* ---- findings ------------------------------------------------------------------------------- */

/* The run is over and has failed; the first failure stands. */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sim_failed(const struct sim *s);
/* A line in the trace; costs nothing when nobody reads it. */
void sim_note(struct sim *s, cluster_node n, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Mean and maximum over all seeds are printed by name. `name` is a literal. */
void sim_measure(struct sim *s, const char *name, uint64_t value);

/* ---- for the runner ------------------------------------------------------------------------- */

struct sim_outcome {
	bool failed;
	char text[512]; /* of the failure: with true time */
	uint64_t events;
	struct sim_measured {
		const char *name;
		uint64_t count;
		uint64_t sum;
		uint64_t max;
	} measured[SIM_MEASURES_MAX];
};

/* One run. `trace_lines`: how many of the last lines are printed to stdout at the end; 0: none. */
void sim_run(const struct sim_scenario *scenario, uint64_t seed, size_t trace_lines,
	     struct sim_outcome *outcome);

#endif
