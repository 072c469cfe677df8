/*
 * elections.h: a few elections around a table: a network without loss, 1 ms a link, clocks that
 * agree. What chance does to them is the simulator's business (tests/sim); here every millisecond
 * is known.
 */
#ifndef HOLDFAST_TESTS_CLUSTER_ELECTIONS_H
#define HOLDFAST_TESTS_CLUSTER_ELECTIONS_H

#include "cluster/election_inside.h"
#include "nodes.h"

#define TABLE_NODES  16
#define TABLE_FLIGHT 4096

struct table {
	cluster_node count;
	uint64_t now;
	struct cluster_nodes nodes[TABLE_NODES];
	struct election_rules rules[TABLE_NODES];
	struct election e[TABLE_NODES];
	bool off[TABLE_NODES];
	bool cut[TABLE_NODES][TABLE_NODES];
	struct outbox out;
	size_t flying;
	struct flight {
		cluster_node from;
		cluster_node to;
		uint64_t at;
		struct outgoing o;
		uint64_t term;
	} flight[TABLE_FLIGHT];
	uint64_t sent[256];        /* copies, by type */
	struct outgoing last[256]; /* the last of each type */
	cluster_node last_from[256];
};

static const struct election_rules table_rules = {.safety = ELECTION_ADVISORY,
						  .period_ms = 1000,
						  .timeout_ms = 300,
						  .t1_ms = 150,
						  .ask_ms = 2000,
						  .preempt_ms = CLUSTER_NEVER};

static inline void
table_send(struct table *t, cluster_node from)
{
	for (size_t i = 0; i < t->out.count; i++) {
		const struct outgoing *o = &t->out.list[i];
		t->last[o->type] = *o;
		t->last_from[o->type] = from;
		for (cluster_node to = 0; to < t->count; to++) {
			if (to == from || (o->to != to && o->to != NODE_ALL))
				continue;
			t->sent[o->type]++;
			if (t->cut[from][to])
				continue;
			assert(t->flying < TABLE_FLIGHT);
			t->flight[t->flying++] =
			    (struct flight){from, to, t->now + 1, *o, election_term(&t->e[from])};
		}
	}
	t->out.count = 0;
}

static inline void
table_boot(struct table *t, cluster_node n, uint64_t incarnation)
{
	t->off[n] = false;
	election_init(&t->e[n], &t->nodes[n], &t->rules[n], incarnation, t->now, &t->out);
	table_send(t, n);
}

/* Nodes a, b, .. of rank 0, 1, ..; none is on. */
static inline void
table_lay(struct table *t, cluster_node count, const struct election_rules *rules)
{
	memset(t, 0, sizeof(*t));
	t->count = count;
	t->now = 1000;
	for (cluster_node n = 0; n < count; n++) {
		t->nodes[n] = nodes_made(count, n);
		t->rules[n] = *rules;
		t->off[n] = true;
	}
}

static inline void
table_deliver(struct table *t, const struct flight *f)
{
	const struct incoming in = {.from = f->from,
				    .type = f->o.type,
				    .incarnation = 1,
				    .term = f->term,
				    .body = f->o.body,
				    .bytes = f->o.bytes};
	(void)election_receive(&t->e[f->to], t->now, &in, &t->out);
	table_send(t, f->to);
}

/* One millisecond. */
static inline void
table_step(struct table *t)
{
	t->now++;
	for (size_t i = 0; i < t->flying;) {
		struct flight f = t->flight[i];
		if (f.at > t->now) {
			i++;
			continue;
		}
		t->flying--;
		memmove(&t->flight[i], &t->flight[i + 1], (t->flying - i) * sizeof(f));
		if (!t->off[f.to])
			table_deliver(t, &f);
	}
	for (cluster_node n = 0; n < t->count; n++) {
		if (t->off[n] || election_next(&t->e[n]) > t->now)
			continue;
		election_tick(&t->e[n], t->now, &t->out);
		table_send(t, n);
	}
}

static inline void
table_run(struct table *t, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++)
		table_step(t);
}

/* All on, and long enough for a master: node 0. */
static inline void
table_start(struct table *t, cluster_node count, const struct election_rules *rules)
{
	table_lay(t, count, rules);
	for (cluster_node n = 0; n < count; n++)
		table_boot(t, n, 1);
	table_run(t, 5000);
	memset(t->sent, 0, sizeof(t->sent));
}

/* The master of all that are on; NODE_NONE when they do not agree. */
static inline cluster_node
table_master(const struct table *t)
{
	cluster_node master = NODE_NONE;
	for (cluster_node n = 0; n < t->count; n++) {
		cluster_node one = t->off[n] ? master : election_master(&t->e[n]).node;
		if (one == NODE_NONE ? !t->off[n] : master != NODE_NONE && one != master)
			return NODE_NONE;
		master = one;
	}
	return master;
}

/* `from` says this to `to`, right now. */
static inline void
table_say(struct table *t, cluster_node from, cluster_node to, const struct outgoing *o)
{
	struct flight f = {from, to, t->now, *o, election_term(&t->e[from])};
	table_deliver(t, &f);
}

static inline uint64_t
table_election_messages(const struct table *t)
{
	return t->sent[DATAGRAM_SUSPECT] + t->sent[DATAGRAM_REFUTE] + t->sent[DATAGRAM_DECLARE] +
	       t->sent[DATAGRAM_REVOKE] + t->sent[DATAGRAM_INVITE];
}

#endif
