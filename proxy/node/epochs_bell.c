/* epochs_bell.c: what follows from the machine's events, behind them; see epochs_inside.h. */
#include "node/epochs_inside.h"

#include "base/log.h"

#define CHANGED_BYTES 256 /* of what is said to have changed */

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

void
node_epochs_fetch_ended(void *context, struct document *d, const char *why)
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
	epochs_fetched(&e->machine, cluster_now(), e->asked, d, node_epochs_outbox(e));
	document_unref(&d);
	node_epochs_settle(e);
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
		e->fetch = fetch_start(&from, node_epochs_fetch_ended, e);
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

void
node_epochs_on_bell(evutil_socket_t fd, short what, void *context)
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
