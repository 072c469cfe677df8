/* epochs.c: the membership's life at a node; see epochs.h. */
#include "node/epochs_inside.h"

#include "base/log.h"
#include "cluster/kept.h"

#include <stdlib.h>

struct outbox *
node_epochs_outbox(struct node_epochs *e)
{
	if (e->plane != NULL)
		return &e->plane->out;
	e->outbox->count = 0;
	return e->outbox;
}

/* Behind whatever was told to the machine from here. */
void
node_epochs_settle(struct node_epochs *e)
{
	if (e->plane != NULL) {
		plane_turn(e->plane, cluster_now());
		cluster_settle(e->node->cluster->live);
	}
	event_active(e->bell, EV_TIMEOUT, 0);
}

const struct roster *
node_epochs_newest(const struct node_epochs *e)
{
	return e->coming != NULL ? e->coming : e->roster;
}

bool
node_epochs_is_publish(struct slice change)
{
	return slice_equal(change, SLICE("{\"op\":\"publish\"}"));
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
		r = node_epochs_read_version(e->kept, &e->roster, &e->kept_version, &p);
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
	node_epochs_settle(e);
}

enum result
node_epochs_start(struct node *n, struct problem *p)
{
	struct node_epochs *e = n->epochs;
	uint8_t random[16];
	uint64_t nonce;
	if (e == NULL)
		return RESULT_OK;
	e->bell = event_new(n->base, -1, 0, node_epochs_on_bell, e);
	if (e->bell == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	digest_random(random);
	memcpy(&nonce, random, sizeof(nonce));
	struct epoch_host host = node_epochs_host(e);
	epochs_init(&e->machine, &e->nodes, &host, NULL, e->kept, &e->kept_version, nonce);
	document_unref(&e->kept);
	e->started = true;
	node_epochs_swapped(n);
	if (n->cluster != NULL && n->cluster->live != NULL) {
		join(e);
	} else if (e->nodes.count == 1) { /* there is nobody else to be it */
		struct claim self = {1, 0};
		epochs_master(&e->machine, cluster_now(), &self, node_epochs_outbox(e));
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
		epochs_tick(&e->machine, cluster_now(), node_epochs_outbox(e));
	if (e->next != NULL)
		event_active(e->bell, EV_TIMEOUT, 0);
	if (!atomic_exchange(&board->news, false))
		return;
	for (cluster_node i = 0; i < e->nodes.count; i++) {
		uint64_t epoch = atomic_load(&board->heard[i]);
		if (epoch > e->machine.held.epoch)
			epochs_heard(&e->machine, cluster_now(), i, epoch);
	}
	node_epochs_settle(e);
}

void
node_epochs_yield(struct node *n)
{
	struct node_epochs *e = n->epochs;
	if (e == NULL)
		return;
	fetch_free(&e->fetch);
	e->plane = NULL;
	e->started = false;
}

void
node_epochs_resume(struct node *n)
{
	struct node_epochs *e = n->epochs;
	if (e == NULL || e->bell == NULL)
		return;
	e->started = true;
	join(e);
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
	node_epochs_drop_coming(e);
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
	const struct roster *held = node_epochs_newest(e);
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
		node_epochs_fetch_ended(e, NULL, "the configuration was swapped");
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
	if (node_epochs_is_publish(text) && now != e->nodes.self)
		return problem_set(p, RESULT_LIMIT,
				   "a file can be published by the master alone: %s%s",
				   now == NODE_NONE ? "nobody is" : "that is ",
				   now == NODE_NONE ? "" : e->nodes.node[now].id);
	e->call = done;
	epochs_propose(&e->machine, cluster_now(), ticket, base, text, node_epochs_outbox(e));
	node_epochs_settle(e);
	return RESULT_OK;
}
