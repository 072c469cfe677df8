/* epochs.c: see epochs.h. */
#include "node/epochs.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/fetch_ev.h"
#include "cluster/kept.h"
#include "node/cluster.h"

#include <event2/event.h>
#include <stdlib.h>

#define DONE_MAX      ((size_t)2 * EPOCH_PROPOSALS_MAX) /* that wait for the bell */
#define CHANGED_BYTES 256                               /* of what is said to have changed */
#define OP_PUBLISH    "{\"op\":\"publish\"}"

struct node_epochs {
	struct node *node;
	struct cluster_nodes nodes; /* by the places of cluster.nodes at the start */
	struct epochs machine;
	bool started;
	struct document *kept; /* of the last run, until the start; one reference */
	struct epoch_version kept_version;
	struct roster *file;   /* what the file says */
	struct roster *roster; /* what the services have; NULL: epoch 0 */
	struct roster *coming; /* adopted, until the bell */
	struct config *next;   /* the same, laid over the configuration */
	struct event *bell;
	struct plane *plane;   /* borrowed; NULL: no datagrams */
	struct outbox *outbox; /* owned, without a plane: nobody takes it */
	cluster_node wanted;   /* to be fetched from; NODE_NONE */
	cluster_node asked;    /* whom the fetch asks */
	struct fetch *fetch;   /* owned */
	bool fetch_over;
	struct document *fetched; /* one reference */
	struct node_done {
		node_proposed_fn *call;
		uint64_t ticket;
		enum epoch_outcome outcome;
		uint64_t epoch;
		char why[EPOCH_WHY_BYTES_MAX + 1];
	} done[DONE_MAX];
	size_t done_count;
	node_proposed_fn *call;
};

static struct outbox *
outbox_of(struct node_epochs *e)
{
	if (e->plane != NULL)
		return &e->plane->out;
	e->outbox->count = 0;
	return e->outbox;
}

/* Behind whatever was told to the machine from here. */
static void
settle(struct node_epochs *e)
{
	if (e->plane != NULL) {
		plane_turn(e->plane, cluster_now());
		cluster_settle(e->node->cluster->live);
	}
	event_active(e->bell, EV_TIMEOUT, 0);
}

static const struct roster *
newest(const struct node_epochs *e)
{
	return e->coming != NULL ? e->coming : e->roster;
}

/* ---- the machine's host -----------------------------------------------------------------------
 */

static enum result
read_version(const struct document *d, struct roster **roster, struct epoch_version *out,
	     struct problem *p)
{
	enum result r = roster_read((struct slice){(const char *)d->at, d->bytes}, roster, p);
	if (r != RESULT_OK)
		return r;
	*out = (struct epoch_version){.epoch = (*roster)->epoch, .term = (*roster)->term};
	memcpy(out->digest, d->digest, sizeof(out->digest));
	return RESULT_OK;
}

static enum result
host_read(void *self, const struct document *d, struct epoch_version *out, struct problem *p)
{
	struct roster *roster;
	(void)self;
	enum result r = read_version(d, &roster, out, p);
	roster_free(&roster);
	return r;
}

/* With this epoch, checked as a file would be, and its bytes. */
static enum result
seal(struct node_epochs *e, struct roster *roster, struct document **out, struct problem *p)
{
	const struct config *config = e->node->services->config;
	struct config *tried;
	struct grow text;
	(void)snprintf(roster->master, sizeof(roster->master), "%s",
		       e->nodes.node[e->nodes.self].id);
	(void)snprintf(roster->cluster, sizeof(roster->cluster), "%s", config->cluster.name);
	for (size_t i = 0; i < roster->rank_count; i++) {
		cluster_node n = 0;
		while (n < e->nodes.count &&
		       strcmp(e->nodes.node[n].id, roster->ranks[i].node) != 0)
			n++;
		if (n == e->nodes.count)
			return problem_set(p, RESULT_NOT_FOUND, "no such node");
	}
	enum result r = config_with_roster(config, roster, &tried, p);
	config_free(&tried);
	if (r != RESULT_OK)
		return r;
	grow_init(&text, ROSTER_BYTES_MAX);
	roster_write(roster, &text);
	*out = text.failed ? NULL : document_create(text.at, text.bytes);
	if (*out == NULL)
		r = problem_set(p, RESULT_LIMIT,
				"the membership has %zu bytes at most, or no memory",
				ROSTER_BYTES_MAX);
	grow_deinit(&text);
	return r;
}

static enum result
change(const struct node_epochs *e, struct slice text, struct roster **next, bool *same,
       struct problem *p)
{
	const struct roster *base = newest(e) != NULL ? newest(e) : e->file;
	*same = false;
	if (!slice_equal(text, SLICE(OP_PUBLISH)))
		return roster_change(base, text, next, same, p);
	*next = roster_copy(e->file);
	return *next == NULL ? problem_set(p, RESULT_NO_MEMORY, "no memory") : RESULT_OK;
}

static enum result
host_make(void *self, struct slice text, uint64_t epoch, uint64_t term, struct document **out,
	  struct problem *p)
{
	struct node_epochs *e = self;
	struct roster *next;
	bool same;
	*out = NULL;
	enum result r = change(e, text, &next, &same, p);
	if (r == RESULT_OK && !same) {
		next->epoch = epoch;
		next->term = term;
		r = seal(e, next, out, p);
	}
	roster_free(&next);
	return r;
}

static void
drop_coming(struct node_epochs *e)
{
	roster_free(&e->coming);
	config_free(&e->next);
}

static bool
host_adopt(void *self, struct document *d, const struct epoch_version *version)
{
	struct node_epochs *e = self;
	struct epoch_version same;
	struct roster *roster = NULL;
	struct config *laid = NULL;
	struct problem p = {""};
	enum result r = read_version(d, &roster, &same, &p);
	if (r == RESULT_OK)
		r = config_with_roster(e->node->services->config, roster, &laid, &p);
	if (r != RESULT_OK) {
		roster_free(&roster);
		log_error("membership of epoch %llu cannot be used here: %s",
			  (unsigned long long)version->epoch, p.text);
		return false;
	}
	if (kept_write(e->node->services->config->state_dir, d, &p) != RESULT_OK)
		log_error("membership of epoch %llu is not kept: %s",
			  (unsigned long long)version->epoch, p.text);
	drop_coming(e);
	e->coming = roster;
	e->next = laid;
	if (e->plane != NULL)
		plane_set_epoch(e->plane, version->epoch);
	event_active(e->bell, EV_TIMEOUT, 0);
	return true;
}

static void
host_fetch(void *self, cluster_node from, uint64_t epoch)
{
	struct node_epochs *e = self;
	(void)epoch;
	e->wanted = from;
	event_active(e->bell, EV_TIMEOUT, 0);
}

static void
host_done(void *self, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch, const char *why)
{
	struct node_epochs *e = self;
	if (e->done_count == DONE_MAX)
		return; /* who asked has a time limit */
	struct node_done *d = &e->done[e->done_count++];
	*d = (struct node_done){e->call, ticket, outcome, epoch, ""};
	(void)snprintf(d->why, sizeof(d->why), "%s", why);
	event_active(e->bell, EV_TIMEOUT, 0);
}

/* ---- the bell ---------------------------------------------------------------------------------
 */

static void
tell_adopted(const struct node_epochs *e, struct slice changed)
{
	struct failover_mastership line = {.event = EVENT_EPOCH_ADOPTED,
					   .master = slice_of(e->roster->master),
					   .term = e->roster->term,
					   .epoch = e->roster->epoch,
					   .evidence = changed};
	failover_log_master(e->node->shared.failover, &line);
	log_info("membership of epoch %llu adopted, published by %s in term %llu: %.*s",
		 (unsigned long long)e->roster->epoch, e->roster->master,
		 (unsigned long long)e->roster->term, SLICE_ARG(changed));
}

/* Without memory it stays as it is, and is tried again. */
static void
swap_coming(struct node_epochs *e)
{
	char text[CHANGED_BYTES];
	struct writer changed = writer_on(text, sizeof(text));
	struct problem p = {""};
	struct roster *roster = e->coming;
	if (e->next == NULL)
		return;
	struct config *next = e->next;
	e->next = NULL;
	e->coming = NULL;
	struct roster *before = e->roster;
	e->roster = roster;
	if (node_swap(e->node, &next, &changed, &p) != RESULT_OK) {
		log_error("membership of epoch %llu: %s", (unsigned long long)roster->epoch,
			  p.text);
		e->roster = before;
		e->coming = roster;
		e->next = next;
		return;
	}
	roster_free(&before);
	tell_adopted(e, (struct slice){changed.at, changed.bytes});
}

static void
on_fetched(void *context, struct document *d, const char *why)
{
	struct node_epochs *e = context;
	e->fetch_over = true;
	e->fetched = document_ref(d);
	if (d == NULL)
		log_line(LOG_LEVEL_DEBUG, "membership of node %s is not to be had: %s",
			 e->nodes.node[e->asked].id, why);
	event_active(e->bell, EV_TIMEOUT, 0);
}

static void
end_fetch(struct node_epochs *e)
{
	struct document *d = e->fetched;
	e->fetched = NULL;
	e->fetch_over = false;
	fetch_free(&e->fetch);
	epochs_fetched(&e->machine, cluster_now(), e->asked, d, outbox_of(e));
	document_unref(&d);
	settle(e);
}

/* By its id: a file that was read since may have another list. */
static const struct config_node *
find_node(const struct node_epochs *e, cluster_node node, uint16_t *place)
{
	const struct config_cluster *cluster = &e->node->services->config->cluster;
	for (size_t i = 0; i < cluster->node_count; i++) {
		*place = (uint16_t)i;
		if (strcmp(cluster->nodes[i].id, e->nodes.node[node].id) == 0)
			return &cluster->nodes[i];
	}
	return NULL;
}

static void
begin_fetch(struct node_epochs *e)
{
	const struct services *services = e->node->services;
	struct fetch_from from = {.base = e->node->base,
				  .hops = services->hops,
				  .cluster = &services->config->cluster,
				  .tls = services->tls,
				  .limit_ms = EPOCH_FETCH_MS};
	e->asked = e->wanted;
	e->wanted = NODE_NONE;
	if (services->hops != NULL && find_node(e, e->asked, &from.node) != NULL)
		e->fetch = fetch_start(&from, on_fetched, e);
	if (e->fetch == NULL) {
		e->fetch_over = true;
		end_fetch(e);
	}
}

static void
deliver(struct node_epochs *e)
{
	for (size_t i = 0; i < e->done_count; i++) {
		const struct node_done *d = &e->done[i];
		d->call(e->node, d->ticket, d->outcome, d->epoch, d->why);
	}
	e->done_count = 0;
}

static void
on_bell(evutil_socket_t fd, short what, void *context)
{
	struct node_epochs *e = context;
	(void)fd;
	(void)what;
	if (e->fetch_over)
		end_fetch(e);
	swap_coming(e);
	deliver(e);
	if (e->wanted != NODE_NONE && e->fetch == NULL)
		begin_fetch(e);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void
take_kept(struct node_epochs *e, struct config **config)
{
	struct problem p = {""};
	struct config *laid = NULL;
	const char *dir = (*config)->state_dir;
	enum result r = kept_read(dir, &e->kept, &p);
	if (r == RESULT_NOT_FOUND)
		return;
	if (r == RESULT_OK)
		r = read_version(e->kept, &e->roster, &e->kept_version, &p);
	if (r == RESULT_OK)
		r = config_with_roster(*config, e->roster, &laid, &p);
	if (r != RESULT_OK) {
		log_error("the membership kept in %s is not used: %s", dir, p.text);
		document_unref(&e->kept);
		roster_free(&e->roster);
		return;
	}
	config_free(config);
	*config = laid;
	log_info("membership of epoch %llu, as kept in %s", (unsigned long long)e->roster->epoch,
		 laid->state_dir);
}

static enum result
fill_nodes(struct cluster_nodes *nodes, const struct config_cluster *cluster, struct problem *p)
{
	nodes->count = (cluster_node)cluster->node_count;
	nodes->self = cluster->self;
	for (size_t i = 0; i < cluster->node_count; i++) {
		const struct config_node *from = &cluster->nodes[i];
		(void)snprintf(nodes->node[i].id, sizeof(nodes->node[i].id), "%s", from->id);
		nodes->node[i].rank = from->rank;
		nodes->node[i].voter = from->voter;
	}
	return cluster_nodes_seal(nodes, p);
}

enum result
node_epochs_create(struct node *n, struct config **config, struct problem *p)
{
	if ((*config)->cluster.node_count == 0)
		return RESULT_OK;
	struct node_epochs *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->epochs = e;
	e->node = n;
	e->wanted = NODE_NONE;
	e->asked = NODE_NONE;
	e->file = roster_of(*config);
	e->outbox = calloc(1, sizeof(*e->outbox));
	if (e->file == NULL || e->outbox == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	enum result r = fill_nodes(&e->nodes, &(*config)->cluster, p);
	if (r != RESULT_OK)
		return problem_prefix(p, r, "cluster.nodes");
	take_kept(e, config);
	return RESULT_OK;
}

static void
hear(void *self, uint64_t now, const struct incoming *in)
{
	struct node_epochs *e = self;
	epochs_heard(&e->machine, now, in->from, in->epoch);
}

static void
receive(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct node_epochs *e = self;
	(void)epochs_receive(&e->machine, now, in, out);
}

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	struct node_epochs *e = self;
	epochs_tick(&e->machine, now, out);
}

static uint64_t
next(const void *self)
{
	const struct node_epochs *e = self;
	return epochs_next(&e->machine);
}

static void
master(void *self, uint64_t now, const struct claim *claim, struct outbox *out)
{
	struct node_epochs *e = self;
	epochs_master(&e->machine, now, claim, out);
}

static void
role(void *self, uint64_t now, const struct engine_event *event, struct outbox *out)
{
	struct node_epochs *e = self;
	if (strcmp(event->role, ROLE_CLUSTER) == 0)
		epochs_engine(&e->machine, now, event, out);
}

static void
join(struct node_epochs *e)
{
	static const uint8_t types[] = {DATAGRAM_EPOCH, DATAGRAM_PROPOSAL, DATAGRAM_ANSWER};
	struct plane_party party = {.name = "epochs",
				    .self = e,
				    .types = types,
				    .type_count = sizeof(types),
				    .receive = receive,
				    .heard = hear,
				    .tick = tick,
				    .next = next,
				    .master = master,
				    .role = role};
	e->plane = cluster_plane(e->node->cluster->live);
	if (e->plane->engine.ops != NULL)
		e->machine.engine = &e->plane->engine;
	plane_set_epoch(e->plane, e->machine.held.epoch);
	plane_join(e->plane, &party);
	epochs_master(&e->machine, cluster_now(), &e->plane->master, &e->plane->out);
	settle(e);
}

enum result
node_epochs_start(struct node *n, struct problem *p)
{
	struct node_epochs *e = n->epochs;
	uint8_t random[16];
	uint64_t nonce;
	if (e == NULL)
		return RESULT_OK;
	struct epoch_host host = {.self = e,
				  .read = host_read,
				  .make = host_make,
				  .adopt = host_adopt,
				  .fetch = host_fetch,
				  .done = host_done};
	e->bell = event_new(n->base, -1, 0, on_bell, e);
	if (e->bell == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	digest_random(random);
	memcpy(&nonce, random, sizeof(nonce));
	epochs_init(&e->machine, &e->nodes, &host, NULL, e->kept, &e->kept_version, nonce);
	document_unref(&e->kept);
	e->started = true;
	node_epochs_swapped(n);
	if (n->cluster != NULL && n->cluster->live != NULL) {
		join(e);
	} else if (e->nodes.count == 1) { /* there is nobody else to be it */
		struct claim self = {1, 0};
		epochs_master(&e->machine, cluster_now(), &self, outbox_of(e));
	}
	return RESULT_OK;
}

void
node_epochs_tick(struct node *n)
{
	struct node_epochs *e = n->epochs;
	struct board *board = &n->shared.board;
	if (e == NULL || !e->started)
		return;
	if (e->plane == NULL)
		epochs_tick(&e->machine, cluster_now(), outbox_of(e));
	if (e->next != NULL)
		event_active(e->bell, EV_TIMEOUT, 0);
	if (!atomic_exchange(&board->news, false))
		return;
	for (cluster_node i = 0; i < e->nodes.count; i++) {
		uint64_t epoch = atomic_load(&board->heard[i]);
		if (epoch > e->machine.held.epoch)
			epochs_heard(&e->machine, cluster_now(), i, epoch);
	}
	settle(e);
}

void
node_epochs_stop(struct node *n)
{
	struct node_epochs *e = n->epochs;
	if (e == NULL)
		return;
	fetch_free(&e->fetch);
	if (e->bell != NULL)
		event_free(e->bell);
	e->bell = NULL;
	e->plane = NULL;
	e->started = false;
}

void
node_epochs_free(struct node *n)
{
	struct node_epochs *e = n->epochs;
	n->epochs = NULL;
	if (e == NULL)
		return;
	drop_coming(e);
	epochs_deinit(&e->machine);
	document_unref(&e->kept);
	document_unref(&e->fetched);
	roster_free(&e->roster);
	roster_free(&e->file);
	free(e->outbox);
	free(e);
}

/* ---- reload -----------------------------------------------------------------------------------
 */

enum result
node_epochs_lay(struct node *n, struct config **config, struct problem *p)
{
	struct node_epochs *e = n->epochs;
	struct config *laid;
	if (e == NULL || (*config)->cluster.node_count == 0)
		return RESULT_OK;
	struct roster *file = roster_of(*config);
	if (file == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	const struct roster *held = newest(e);
	if (held != NULL) {
		unsigned long long epoch = held->epoch;
		bool same = roster_is_of(held, *config);
		enum result r = config_with_roster(*config, held, &laid, p);
		if (r != RESULT_OK) {
			roster_free(&file);
			return problem_prefix(p, r, "with the membership of epoch %llu", epoch);
		}
		if (!same)
			log_warn("%s: its members are not those of epoch %llu, which stay: "
				 "`holdfast members publish` makes the file's the next epoch",
				 (*config)->file, epoch);
		config_free(config);
		*config = laid;
	}
	roster_free(&e->file);
	e->file = file;
	return RESULT_OK;
}

/* What others get that ask for it; secrets may be others now, too. */
void
node_epochs_swapped(struct node *n)
{
	struct node_epochs *e = n->epochs;
	struct grow text;
	char *sealed = NULL;
	size_t bytes = 0;
	if (e == NULL || !e->started)
		return;
	if (e->fetch != NULL && !e->fetch_over) {
		fetch_free(&e->fetch); /* it borrows from the services that go */
		on_fetched(e, NULL, "the configuration was swapped");
	}
	epochs_retry(&e->machine);
	grow_init(&text, ROSTER_BYTES_MAX);
	if (e->roster != NULL && n->services->hops != NULL) {
		roster_write(e->roster, &text);
		if (!text.failed)
			(void)hop_seal(n->services->hops, (struct slice){text.at, text.bytes},
				       &sealed, &bytes);
	}
	grow_deinit(&text);
	board_hold(&n->shared.board, sealed, bytes);
}

/* ---- asking -----------------------------------------------------------------------------------
 */

uint64_t
node_epochs_epoch(const struct node *n)
{
	return n->services->config->epoch;
}

enum result
node_epochs_write(const struct node *n, struct grow *out)
{
	const struct node_epochs *e = n->epochs;
	if (e == NULL)
		return RESULT_NOT_FOUND;
	roster_write(e->roster != NULL ? e->roster : e->file, out);
	return RESULT_OK;
}

enum result
node_epochs_propose(struct node *n, uint64_t ticket, uint64_t base, struct slice text,
		    node_proposed_fn *done, struct problem *p)
{
	struct node_epochs *e = n->epochs;
	if (e == NULL || !e->started)
		return problem_set(p, RESULT_NOT_FOUND,
				   "no cluster.nodes: the file says who is a member");
	cluster_node now = e->machine.master.node;
	if (slice_equal(text, SLICE(OP_PUBLISH)) && now != e->nodes.self)
		return problem_set(p, RESULT_LIMIT,
				   "a file can be published by the master alone: %s%s",
				   now == NODE_NONE ? "nobody is" : "that is ",
				   now == NODE_NONE ? "" : e->nodes.node[now].id);
	e->call = done;
	epochs_propose(&e->machine, cluster_now(), ticket, base, text, outbox_of(e));
	settle(e);
	return RESULT_OK;
}
