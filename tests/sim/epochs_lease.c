/*
 * epochs_lease.c: the membership by epochs under a lease: five nodes run the machine; the lease and
 * the register are the scenario's own model of what an engine promises (cluster/engine.h): one
 * holder at a time, writes of others come to nothing, and a write that is not confirmed may have
 * happened. Nodes crash, freeze, are cut off and come back with what their disk has; holders
 * change.
 *
 *   - what a node holds never goes back, over restarts as well;
 *   - no two documents of one epoch are ever held;
 *   - each document is the one before and one change more, and no change is made twice;
 *   - what was said to be done is in the last document; what was said not to be, is not;
 *   - when all faults are over, all hold one document, and the next change is made.
 */
#include "sim.h"

#include "cluster/epoch.h"

#include <assert.h>
#include <string.h>

#define NODES      5
#define CHAOS_US   (30 * SIM_SECOND_US)
#define AFTER_US   (20 * SIM_SECOND_US)
#define TOKENS_MAX 200 /* changes of a run */
#define EPOCHS_MAX (TOKENS_MAX + 1)
#define LATE_TOKEN (TOKENS_MAX - 1) /* the change behind all faults */

struct chain {
	uint64_t epoch;
	uint64_t term;
	uint32_t count;
	uint16_t token[TOKENS_MAX];
};

struct epochs_node {
	struct epochs epochs;
	struct epoch_host host;
	struct engine engine;
	struct sim *sim;
	cluster_node self;
};

struct epochs_disk {
	struct document *document;
	struct epoch_version version;
};

struct epochs_world {
	cluster_node holder; /* NODE_NONE: nobody */
	uint64_t term;
	struct document *value; /* of the register */
	bool known[EPOCHS_MAX]; /* the document of an epoch, as first held */
	uint8_t digest[EPOCHS_MAX][DOCUMENT_DIGEST_BYTES];
	uint32_t tokens;
	bool over[TOKENS_MAX];
	enum epoch_outcome outcome[TOKENS_MAX];
	uint64_t begun_us[TOKENS_MAX];
};

static struct chain
chain_of(const struct document *d)
{
	struct chain c = {.epoch = 0};
	if (d != NULL)
		memcpy(&c, d->at, sizeof(c));
	return c;
}

/* ---- the machine's host ---------------------------------------------------------------------- */

static enum result
host_read(void *self, const struct document *d, struct epoch_version *out, struct problem *p)
{
	struct chain c = chain_of(d);
	(void)self;
	(void)p;
	assert(d != NULL);
	*out = (struct epoch_version){.epoch = c.epoch, .term = c.term};
	memcpy(out->digest, d->digest, sizeof(out->digest));
	return RESULT_OK;
}

static enum result
host_make(void *self, struct slice change, uint64_t epoch, uint64_t term, struct document **out,
	  struct problem *p)
{
	const struct epochs_node *n = self;
	struct chain c = chain_of(n->epochs.document);
	*out = NULL;
	if (c.count == TOKENS_MAX)
		return problem_set(p, RESULT_LIMIT, "full");
	memcpy(&c.token[c.count++], change.at, sizeof(uint16_t));
	c.epoch = epoch;
	c.term = term;
	*out = document_create(&c, sizeof(c));
	return *out == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

static void
check_chain(struct sim *s, const struct chain *c)
{
	bool seen[TOKENS_MAX] = {false};
	if (c->epoch != c->count)
		sim_fail(s, "epoch %llu has %u changes", (unsigned long long)c->epoch, c->count);
	for (uint32_t i = 0; i < c->count && !sim_failed(s); i++) {
		if (seen[c->token[i]])
			sim_fail(s, "change %u was made twice", c->token[i]);
		seen[c->token[i]] = true;
	}
}

static bool
host_adopt(void *self, struct document *d, const struct epoch_version *version)
{
	struct epochs_node *n = self;
	struct epochs_world *w = sim_world(n->sim);
	struct epochs_disk *disk = sim_disk(n->sim, n->self);
	struct chain c = chain_of(d);
	assert(d != NULL);
	if (version->epoch <= disk->version.epoch)
		sim_fail(n->sim, "node %u goes back", n->self);
	check_chain(n->sim, &c);
	if (w->known[c.epoch] && memcmp(w->digest[c.epoch], d->digest, sizeof(d->digest)) != 0)
		sim_fail(n->sim, "two documents of epoch %llu", (unsigned long long)c.epoch);
	w->known[c.epoch] = true;
	memcpy(w->digest[c.epoch], d->digest, sizeof(d->digest));
	document_unref(&disk->document);
	disk->document = document_ref(d);
	disk->version = *version;
	sim_note(n->sim, n->self, "holds epoch %llu", (unsigned long long)c.epoch);
	return true;
}

static void
fetched(struct sim *s, cluster_node n, uint64_t now, uint64_t from, struct outbox *out)
{
	struct epochs_node *node = sim_state(s, n);
	const struct epochs_disk *disk = sim_disk(s, (cluster_node)from);
	bool reached = sim_on(s, (cluster_node)from) && !sim_frozen(s, (cluster_node)from) &&
		       !sim_link(s, (cluster_node)from, n)->cut &&
		       !sim_link(s, n, (cluster_node)from)->cut;
	epochs_fetched(&node->epochs, now, (cluster_node)from, reached ? disk->document : NULL,
		       out);
}

static void
host_fetch(void *self, cluster_node from, uint64_t epoch)
{
	struct epochs_node *n = self;
	(void)epoch;
	sim_after(n->sim, n->self, sim_between(n->sim, 500, 20000), fetched, from);
}

static void
host_done(void *self, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch, const char *why)
{
	struct epochs_node *n = self;
	struct epochs_world *w = sim_world(n->sim);
	(void)epoch;
	(void)why;
	if (w->over[ticket])
		sim_fail(n->sim, "change %u ended twice", (unsigned)ticket);
	w->over[ticket] = true;
	w->outcome[ticket] = outcome;
	sim_note(n->sim, n->self, "change %u: %s", (unsigned)ticket, epoch_outcome_text(outcome));
	sim_measure(n->sim, "change, ms", (sim_now_us(n->sim) - w->begun_us[ticket]) / 1000);
}

/* ---- the engine, as it promises -------------------------------------------------------------- */

static void
tell(struct sim *s, cluster_node n, uint64_t now, enum engine_event_kind kind, struct document *d,
     struct outbox *out)
{
	struct epochs_node *node = sim_state(s, n);
	struct engine_event event = {.kind = kind, .document = d};
	epochs_engine(&node->epochs, now, &event, out);
}

static void
read_ends(struct sim *s, cluster_node n, uint64_t now, uint64_t term, struct outbox *out)
{
	const struct epochs_world *w = sim_world(s);
	bool holds = w->holder == n && w->term == term;
	tell(s, n, now, holds ? ENGINE_READ : ENGINE_UNREAD, holds ? w->value : NULL, out);
}

static void
engine_reads(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct epochs_node *n = self;
	const struct epochs_world *w = sim_world(n->sim);
	(void)now;
	(void)role;
	(void)out;
	sim_after(n->sim, n->self, sim_between(n->sim, 1000, 50000), read_ends, w->term);
}

static void
written(struct sim *s, cluster_node n, uint64_t now, uint64_t well, struct outbox *out)
{
	struct epochs_node *node = sim_state(s, n);
	struct document *d = document_ref(node->epochs.written);
	tell(s, n, now, well ? ENGINE_WRITTEN : ENGINE_UNWRITTEN, d, out);
	document_unref(&d);
}

static void
engine_writes(void *self, uint64_t now, const char *role, struct document *d, struct outbox *out)
{
	struct epochs_node *n = self;
	struct epochs_world *w = sim_world(n->sim);
	bool holds = w->holder == n->self && w->term == chain_of(d).term;
	uint32_t doubt_ppm = sim_now_us(n->sim) < CHAOS_US ? 150000 : 0;
	bool happens = holds && !sim_chance(n->sim, doubt_ppm);
	bool confirmed = happens && !sim_chance(n->sim, doubt_ppm);
	(void)now;
	(void)role;
	(void)out;
	if (happens) {
		document_unref(&w->value);
		w->value = document_ref(d);
	}
	sim_after(n->sim, n->self, sim_between(n->sim, 1000, 80000), written, confirmed);
}

static const struct engine_ops ops = {.read = engine_reads, .write = engine_writes};

/* ---- the program ----------------------------------------------------------------------------- */

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct epochs_node *node = sim_state(s, n);
	struct epochs_disk *disk = sim_disk(s, n);
	const struct epochs_world *w = sim_world(s);
	node->sim = s;
	node->self = n;
	node->engine = (struct engine){&ops, node};
	struct epoch_host host = {.self = node,
				  .read = host_read,
				  .make = host_make,
				  .adopt = host_adopt,
				  .fetch = host_fetch,
				  .done = host_done};
	epochs_init(&node->epochs, sim_nodes(s, n), &host, &node->engine, disk->document,
		    &disk->version, sim_draw(s, UINT64_MAX));
	struct claim master = {w->term, w->holder == n ? NODE_NONE : w->holder};
	epochs_master(&node->epochs, now, &master, out);
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct epochs_node *node = sim_state(s, n);
	epochs_heard(&node->epochs, now, in->from, in->epoch);
	(void)epochs_receive(&node->epochs, now, in, out);
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct epochs_node *node = sim_state(s, n);
	epochs_tick(&node->epochs, now, out);
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	const struct epochs_node *node = sim_state(s, n);
	return epochs_next(&node->epochs);
}

static void
head(struct sim *s, cluster_node n, uint64_t *epoch, uint64_t *term)
{
	const struct epochs_node *node = sim_state(s, n);
	*epoch = node->epochs.held.epoch;
	*term = node->epochs.master.term;
}

/* Whoever asked there hears nothing any more, and counts it as unknown. */
static void
crashed(struct sim *s, cluster_node n)
{
	struct epochs_node *node = sim_state(s, n);
	struct epochs_world *w = sim_world(s);
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		const struct epoch_proposal *p = &node->epochs.proposal[i];
		if (p->used && p->from == n) {
			w->over[p->ticket] = true;
			w->outcome[p->ticket] = EPOCH_UNKNOWN;
		}
	}
	epochs_deinit(&node->epochs);
}

static const struct sim_program program = {
    .state_bytes = sizeof(struct epochs_node),
    .disk_bytes = sizeof(struct epochs_disk),
    .boot = boot,
    .receive = receive,
    .tick = tick,
    .next = next,
    .head = head,
    .crashed = crashed,
};

/* ---- holders and changes --------------------------------------------------------------------- */

static void
hear_master(struct sim *s, cluster_node n, uint64_t now, uint64_t term, struct outbox *out)
{
	const struct epochs_world *w = sim_world(s);
	struct epochs_node *node = sim_state(s, n);
	struct claim master = {w->term, w->holder};
	if (w->term == term)
		epochs_master(&node->epochs, now, &master, out);
}

static void
tell_all(struct sim *s)
{
	const struct epochs_world *w = sim_world(s);
	for (cluster_node n = 0; n < NODES; n++) {
		if (sim_on(s, n))
			sim_after(s, n, sim_between(s, 0, 300000), hear_master, w->term);
	}
}

static void
grant(struct sim *s, uint64_t last)
{
	struct epochs_world *w = sim_world(s);
	cluster_node to = (cluster_node)sim_draw(s, NODES);
	if (!sim_on(s, to) || sim_frozen(s, to)) {
		sim_at(s, 100000, grant, last);
		return;
	}
	w->holder = to;
	w->term++;
	tell_all(s);
}

/* Its time is over; somebody is granted it later. */
static void
change_holder(struct sim *s, uint64_t argument)
{
	struct epochs_world *w = sim_world(s);
	bool last = sim_now_us(s) >= CHAOS_US;
	(void)argument;
	w->holder = NODE_NONE;
	w->term++;
	tell_all(s);
	sim_at(s, sim_between(s, 0, 800000), grant, last);
	if (!last)
		sim_at(s, sim_between(s, 300000, 4000000), change_holder, 0);
}

static void
begin_change(struct sim *s, cluster_node n, uint64_t now, uint64_t token, struct outbox *out)
{
	struct epochs_node *node = sim_state(s, n);
	uint16_t number = (uint16_t)token;
	uint64_t base = sim_chance(s, 300000) ? node->epochs.held.epoch : EPOCH_ANY;
	struct epochs_world *w = sim_world(s);
	w->begun_us[token] = sim_now_us(s);
	epochs_propose(&node->epochs, now, token, base,
		       (struct slice){(const char *)&number, sizeof(number)}, out);
}

static void
propose(struct sim *s, uint64_t argument)
{
	struct epochs_world *w = sim_world(s);
	cluster_node n = (cluster_node)sim_draw(s, NODES);
	(void)argument;
	if (sim_on(s, n) && !sim_frozen(s, n) && w->tokens < LATE_TOKEN)
		sim_after(s, n, 0, begin_change, w->tokens++);
	if (sim_now_us(s) < CHAOS_US)
		sim_at(s, sim_between(s, 50000, 600000), propose, 0);
}

static void
propose_late(struct sim *s, uint64_t argument)
{
	(void)argument;
	sim_after(s, (cluster_node)sim_draw(s, NODES), 0, begin_change, LATE_TOKEN);
}

/* ---- the scenario ---------------------------------------------------------------------------- */

static void
start(struct sim *s)
{
	static struct cluster_nodes nodes;
	struct epochs_world *w = sim_world(s);
	memset(&nodes, 0, sizeof(nodes));
	nodes.count = NODES;
	for (cluster_node n = 0; n < NODES; n++)
		nodes.node[n].id[0] = (char)('a' + n);
	(void)cluster_nodes_seal(&nodes, NULL);
	w->holder = NODE_NONE;
	sim_cluster(s, &nodes);
	for (cluster_node n = 0; n < NODES; n++)
		sim_boot(s, n);
	struct sim_chaos chaos = {.until_us = CHAOS_US,
				  .every_us = 700000,
				  .last_us = 1500000,
				  .crashes = true,
				  .freezes = true,
				  .cuts = true,
				  .partitions = true,
				  .loss_ppm = 200000};
	sim_chaos(s, &chaos);
	sim_at(s, 100000, change_holder, 0);
	sim_at(s, 200000, propose, 0);
	sim_at(s, CHAOS_US + 1000, change_holder, 0);
	sim_at(s, CHAOS_US + 5 * SIM_SECOND_US, propose_late, 0);
}

static bool
has(const struct chain *c, uint32_t token)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->token[i] == token)
			return true;
	}
	return false;
}

static void
check_outcomes(struct sim *s, const struct chain *last)
{
	const struct epochs_world *w = sim_world(s);
	uint64_t done = 0;
	for (uint32_t i = 0; i < TOKENS_MAX && !sim_failed(s); i++) {
		if (!w->over[i])
			continue;
		bool made = has(last, i);
		done += w->outcome[i] == EPOCH_DONE;
		if (w->outcome[i] == EPOCH_DONE && !made)
			sim_fail(s, "change %u was done and is lost", i);
		if ((w->outcome[i] == EPOCH_STALE || w->outcome[i] == EPOCH_NO_MASTER ||
		     w->outcome[i] == EPOCH_BUSY) &&
		    made)
			sim_fail(s, "change %u was said not to be made", i);
	}
	sim_measure(s, "changes done", done);
	if (!w->over[LATE_TOKEN] || w->outcome[LATE_TOKEN] != EPOCH_DONE)
		sim_fail(s, "the change behind all faults was not made");
}

static void
end(struct sim *s)
{
	struct epochs_world *w = sim_world(s);
	const struct epochs_disk *first = sim_disk(s, 0);
	struct chain last = chain_of(first->document);
	for (cluster_node n = 1; n < NODES; n++) {
		const struct epochs_disk *disk = sim_disk(s, n);
		if (epoch_compare(&first->version, &disk->version) != 0)
			sim_fail(s, "node %u holds epoch %llu, node 0 %llu", n,
				 (unsigned long long)disk->version.epoch,
				 (unsigned long long)first->version.epoch);
	}
	if (!sim_failed(s))
		check_outcomes(s, &last);
	for (cluster_node n = 0; n < NODES; n++) {
		struct epochs_disk *disk = sim_disk(s, n);
		sim_crash(s, n);
		document_unref(&disk->document);
	}
	document_unref(&w->value);
}

const struct sim_scenario scenario_epochs_lease = {
    .name = "epochs_lease",
    .help = "changes of the membership: one document an epoch, none made twice, all converge",
    .program = &program,
    .world_bytes = sizeof(struct epochs_world),
    .length_us = CHAOS_US + AFTER_US,
    .start = start,
    .end = end,
};
