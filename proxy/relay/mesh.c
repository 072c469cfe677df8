/*
 * mesh.c: requests that go from node to node (DESIGN section 8; US 8,090,829). The receiver makes
 * the whole decision again: it reads key and tag for itself and plans by its own view; what the hop
 * says stands in only where the request carries neither yet.
 *
 *   entry --Holdfast-Hop--> node --> its member        answer: the tag, Holdfast-Served
 *                             `----> another node, never one that had the request
 */
#include "relay/mirror.h"
#include "relay/racing.h"

#include "base/clock.h"
#include "base/log.h"
#include "route/onward.h"

#include <stdlib.h>

#define MESH_BEHIND_MS 1000  /* of a request; then it is decided with what is held */
#define MESH_SAY_MS    10000 /* between two lines about clocks, of one worker */

/* ---- who comes --------------------------------------------------------------------------------
 */

/* A node signed it, long ago or in time to come: it is played again, or a clock is wrong. */
static void
say_stale(struct worker *w, const struct hop *hop)
{
	const char *from = w->services->config->cluster.nodes[hop->path[hop->path_count - 1]].id;
	long long behind_ms = (long long)clock_wall_ms() - (long long)hop->time_ms;
	if (w->stale_said_ms != 0 && w->now_ms - w->stale_said_ms < MESH_SAY_MS)
		return;
	w->stale_said_ms = w->now_ms;
	log_warn("a request that node %s handed on is of %lld s %s: it is taken for a client's; do "
		 "the clocks of the nodes differ?",
		 from, (behind_ms < 0 ? -behind_ms : behind_ms) / 1000,
		 behind_ms < 0 ? "ahead" : "ago");
}

static void
read_hop(struct exchange *x)
{
	size_t at = 0;
	const struct http_field *field = http_field_find_id(&x->request, FIELD_HOLDFAST_HOP, &at);
	enum hop_fault fault =
	    hop_read(x->worker->services->hops, http_field_value(&x->request, field), &x->request,
		     x->door->peer, clock_wall_ms(), &x->hop);
	x->hopped = fault == HOP_GOOD;
	x->copy = x->hopped && x->hop.mirror;
	if (x->hopped)
		x->client = &x->hop.client;
	if (fault == HOP_STALE)
		say_stale(x->worker, &x->hop);
	struct worker_hops *counts = &x->worker->hops;
	atomic_ullong *count = &counts->fault[fault];
	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* How the member beside this node is, in the service of that name. */
static bool
own_member_lives(struct worker *w, struct slice name)
{
	const struct service *service = services_find(w->services, name);
	if (service == NULL)
		return false;
	struct view_lease *lease = worker_view_get(w, &w->generation->slot[service->number]);
	if (lease == NULL)
		return false;
	bool lives = false;
	for (uint32_t i = 0; i < lease->view->membership->count; i++)
		lives |=
		    lease->view->membership->member[i].own && view_is_operational(lease->view, i);
	worker_view_put(w, &lease);
	return lives;
}

/* Another node's check of our member. */
static bool
answer_health(struct exchange *x)
{
	struct slice name = x->request.path;
	if (!slice_has_prefix(name, SLICE(HOP_HEALTH_PATH)))
		return false;
	name.at += sizeof(HOP_HEALTH_PATH) - 1;
	name.bytes -= sizeof(HOP_HEALTH_PATH) - 1;
	uint16_t status = own_member_lives(x->worker, name) ? 200 : 503;
	x->door->ops->refuse(x->door, CAUSE_ANSWERED_HERE, status, 0);
	exchange_over(x, CAUSE_ANSWERED_HERE);
	return true;
}

/* Another node fetches the membership that this one holds. */
static bool
answer_membership(struct exchange *x)
{
	size_t bytes = 0;
	if (!slice_equal(x->request.path, SLICE(HOP_MEMBERSHIP_PATH)))
		return false;
	char *text = board_copy(&x->worker->shared->board, &bytes);
	if (text == NULL)
		x->door->ops->refuse(x->door, CAUSE_ANSWERED_HERE, 404, 0);
	else
		x->door->ops->give(x->door, SLICE("application/octet-stream"),
				   (struct slice){text, bytes});
	free(text);
	exchange_over(x, CAUSE_ANSWERED_HERE);
	return true;
}

bool
mesh_enter(struct exchange *x)
{
	if (!http_head_has(&x->request, FIELD_HOLDFAST_HOP))
		return false;
	read_hop(x);
	/* What a client asks through another node goes to the application, whatever its path. */
	return x->hopped && hop_is_own(&x->hop) && (answer_health(x) || answer_membership(x));
}

/* ---- epochs ------------------------------------------------------------------------------------
 */

bool
mesh_waits(struct exchange *x)
{
	struct worker *w = x->worker;
	if (!onward_is_behind(&x->hop, x->lease->view))
		return false;
	board_hear(&w->shared->board, x->hop.path[x->hop.path_count - 1], x->hop.epoch);
	x->behind = true;
	x->behind_until_ms = w->now_ms + MESH_BEHIND_MS;
	x->prev = NULL;
	x->next = w->behind;
	if (w->behind != NULL)
		w->behind->prev = x;
	w->behind = x;
	return true;
}

void
mesh_unlink(struct exchange *x)
{
	x->behind = false;
	if (x->prev != NULL)
		x->prev->next = x->next;
	else
		x->worker->behind = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
}

/*
 * What was read of the hop names nodes by their places in the configuration that it began in; a
 * membership changes none of them, and with another file it is read again.
 */
static bool
read_again(struct exchange *x)
{
	x->client = x->door->peer;
	if (x->worker->services->hops == NULL)
		x->hopped = false;
	else
		read_hop(x);
	return exchange_route(x);
}

/* Another generation is there, or the pool's members are of that epoch already. */
static bool
need_not_wait(struct worker *w, const struct exchange *x)
{
	if (x->slot->generation != w->generation || w->now_ms >= x->behind_until_ms)
		return true;
	struct view_lease *lease = worker_view_get(w, x->slot);
	bool there = lease != NULL && lease->view->membership->epoch >= x->hop.epoch;
	if (lease != NULL)
		worker_view_put(w, &lease);
	return there;
}

void
mesh_go_on(struct worker *w)
{
	struct exchange *next;
	for (struct exchange *x = w->behind; x != NULL; x = next) {
		next = x->next;
		if (!need_not_wait(w, x))
			continue;
		mesh_unlink(x);
		if (read_again(x))
			exchange_decide(x);
	}
}

/* The generation that it began in: places in cluster.nodes are of that one. */
static const struct services *
services_of(const struct exchange *x)
{
	return x->slot->generation->services;
}

/* ---- where it may go --------------------------------------------------------------------------
 */

static const struct hop *
hop_of(const struct exchange *x)
{
	return x->hopped ? &x->hop : NULL;
}

/* What the node beside the primary says is evidence for us; another's opinion is told. */
static void
compare_views(struct exchange *x)
{
	switch (onward_compare(&x->hop, x->lease->view, x->whom.primary)) {
	case ONWARD_AGREES:
		break;
	case ONWARD_EVIDENCE:
		pool_evidence(x->slot->service->pool,
			      exchange_membership(x)->member[x->whom.primary].live,
			      EVIDENCE_LIVE_FAILED, REASON_DOWN, x->worker->now_ms);
		break;
	case ONWARD_DISAGREES:
		journal_disagree(x);
		break;
	}
}

static struct plan_way
way_of(const struct exchange *x)
{
	const struct config_cluster *cluster = &services_of(x)->config->cluster;
	return onward_way(hop_of(x), cluster->self, cluster->hops_max);
}

bool
mesh_goes_back(struct exchange *x)
{
	if (!x->hopped || !x->returns || x->whom.primary == MEMBER_NONE)
		return false;
	struct plan_way way = way_of(x);
	struct plan whole;
	uint32_t asked[PLAN_STEPS_MAX];
	size_t count = 0;
	while (count <= x->step && count < x->plan.step_count) {
		asked[count] = x->plan.step[count].member;
		count++;
	}
	plan_make(&x->slot->service->plan, &x->whom, x->lease->view, &whole);
	return onward_goes_back_after(&x->hop, x->lease->view, &way, &whole, asked, count);
}

/* A copy is for the member beside this node, wherever its session lives. */
static bool
restrict_copy(struct exchange *x)
{
	const struct view *view = x->lease->view;
	uint32_t own = 0;
	while (own < view->membership->count &&
	       (!view->membership->member[own].own || !view_is_operational(view, own)))
		own++;
	if (own == view->membership->count) {
		exchange_fail(x, CAUSE_NO_LIVE_MEMBER);
		return true;
	}
	mirror_mark(x, own);
	return false;
}

bool
mesh_restrict(struct exchange *x)
{
	if (x->copy)
		return restrict_copy(x);
	const struct view *view = x->lease->view;
	struct plan_way way = way_of(x);
	if (x->hopped) {
		compare_views(x);
		x->returns = onward_may_return(&x->hop, view, &way, &x->plan);
	}
	if (onward_goes_back(hop_of(x), view, &way, &x->plan)) {
		exchange_fail(x, CAUSE_TAKEN_BACK);
		return true;
	}
	onward_restrict(hop_of(x), &x->slot->service->plan, &x->whom, view, &way, &x->plan);
	if (x->plan.step_count == 0 && x->returns) {
		/* Nobody is left to ask here: a node before this one may know better. */
		exchange_fail(x, CAUSE_TAKEN_BACK);
		return true;
	}
	return false;
}

/* The whole body is here, or will be kept, and there is another place to ask; or whoever sent it
 * has said so, and it goes all the way back. */
static bool
can_return(const struct exchange *x)
{
	const struct config_service *c = x->slot->service->config;
	if (x->returns)
		return true;
	bool kept = !http_request_has_body(&x->request) ||
		    (x->request.has_length && x->request.content_length <= c->replay_bytes_max);
	return kept && x->body.replayable &&
	       x->step + 1 < plan_attempts(&x->slot->service->plan, &x->plan);
}

struct slice
mesh_told(struct exchange *x)
{
	struct worker *w = x->worker;
	const struct membership *m = exchange_membership(x);
	const struct membership_member *primary = &m->member[x->whom.primary];
	struct hop hop = {.client = *x->client,
			  .digest = x->session.digest,
			  .primary = {primary->id, primary->id_bytes},
			  .mirror = x->copy,
			  .can_return = can_return(x),
			  .epoch = m->epoch,
			  .time_ms = clock_wall_ms()};
	const struct tls_identity *identity = exchange_identity(x);
	if (identity != NULL)
		hop.identity = *identity;
	onward_tell(hop_of(x), services_of(x)->config->cluster.self, x->lease->view, &x->plan,
		    &hop);
	struct writer out = writer_on(w->added, sizeof(w->added));
	write_told_forwarded(&out, x);
	write_literal(&out, "Holdfast-Hop: ");
	hop_write(services_of(x)->hops, &hop, &x->request, &out);
	write_literal(&out, "\r\n");
	if (x->raced) {
		struct slice ticket = racing_ticket(x);
		if (ticket.bytes > 0)
			write_together(&out, SLICE("Holdfast-Ticket: "), ticket, SLICE("\r\n"));
	}
	return out.overflow ? SLICE_NONE : (struct slice){out.at, out.bytes};
}

/* ---- what came of it --------------------------------------------------------------------------
 */

void
write_mesh_served(struct writer *w, const struct exchange *x)
{
	const struct membership_member *m = &exchange_membership(x)->member[x->answered_by];
	uint64_t epoch = exchange_membership(x)->epoch;
	write_together(w, SLICE("Holdfast-Served: "), (struct slice){m->id, m->id_bytes},
		       SLICE("; "), slice_of(affinity_text(x->plan.affinity)));
	if (epoch > x->hop.epoch) {
		write_literal(w, "; epoch=");
		write_u64(w, epoch);
	}
	write_literal(w, "\r\n");
}

static enum affinity
affinity_of(struct slice text)
{
	for (int i = 0; i < AFFINITIES; i++) {
		if (slice_equal(slice_of(affinity_text((enum affinity)i)), text))
			return (enum affinity)i;
	}
	return AFFINITY_PASS;
}

/* "; name" behind the id, or "; epoch=N". */
static void
learn_parameter(struct exchange *x, struct slice parameter)
{
	static const struct slice name = {"epoch=", 6};
	uint64_t epoch;
	if (!slice_has_prefix(parameter, name)) {
		x->plan.affinity = affinity_of(parameter);
		return;
	}
	uint16_t hop = exchange_membership(x)->member[exchange_member(x)].hop;
	parameter = (struct slice){parameter.at + name.bytes, parameter.bytes - name.bytes};
	if (hop != 0 && slice_to_u64(parameter, &epoch))
		board_hear(&x->worker->shared->board, hop - 1U, epoch);
}

void
mesh_learn(struct exchange *x, const struct http_head *head)
{
	size_t at = 0;
	const struct http_field *field = http_field_find_id(head, FIELD_HOLDFAST_SERVED, &at);
	if (field == NULL)
		return; /* an answer of the node's own */
	struct slice rest = http_field_value(head, field);
	struct slice id = {rest.at, slice_find(rest, ';')};
	uint32_t member = membership_by_id(exchange_membership(x), id);
	size_t bytes = id.bytes;
	while (rest.bytes > bytes + 2) {
		rest = (struct slice){rest.at + bytes + 2, rest.bytes - bytes - 2};
		bytes = slice_find(rest, ';');
		if (member != MEMBER_NONE || slice_has_prefix(rest, SLICE("epoch=")))
			learn_parameter(x, (struct slice){rest.at, bytes});
	}
	if (member != MEMBER_NONE && member != x->answered_by) {
		struct latency_cell *latency = member_live_latency(
		    exchange_membership(x)->member[member].live, x->worker->number);
		x->answered_by = member;
		x->latency = latency != NULL ? latency : x->latency;
	}
}
