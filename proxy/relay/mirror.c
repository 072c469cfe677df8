/* mirror.c: see mirror.h. The door that leads nowhere is mirror_door.h's. */
#include "relay/mirror.h"

#include "relay/mirror_door.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HOME_ELSEWHERE (MEMBER_NONE - 1) /* no member of the plan */

/* A request that waits, or is under way; owned by its lane. */
struct mirror_copy {
	struct door door; /* first */
	struct addr peer; /* whose request it was, or the proxy's before us */
	struct worker *worker;
	struct mirror_lane *lane;
	struct service_slot *slot; /* a user of its generation */
	struct exchange *exchange; /* NULL: it waits */
	struct mirror_copy *next;
	struct session_digest digest;
	uint32_t primary; /* aliases: views may change meanwhile */
	uint32_t served;
	uint32_t backup;
	uint32_t head_bytes;
	uint32_t body_bytes;
	uint32_t identity_bytes;
	bool chunked;
	bool hopped;            /* its request was */
	struct tls_facts facts; /* what the client came by, without what went with its connection */
	struct tls_identity identity;
	char bytes[]; /* head, then the body as it is sent, then what `identity` points into */
};

struct mirror_lane {
	struct mirror_copy *first; /* the one under way, when `busy` */
	struct mirror_copy *last;
	bool busy;
	bool running; /* lane_run is on the stack, or nothing is to begin any more */
};

struct mirror_lanes {
	size_t count;
	size_t bytes;
	struct mirror_lane lane[MIRROR_LANES];
};

static size_t
size_of(const struct mirror_copy *c)
{
	return sizeof(*c) + c->head_bytes + c->body_bytes + c->identity_bytes;
}

/* The one at its front. */
static void
lane_drop(struct mirror_lane *lane)
{
	struct mirror_copy *c = lane->first;
	struct mirror_lanes *lanes = c->worker->mirror;
	lane->first = c->next;
	lanes->count--;
	lanes->bytes -= size_of(c);
	worker_generation_put(c->slot->generation);
	free(c);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

/* The request came through nodes that may get its copy: that is no loop. */
static void
forget_way(struct http_head *request)
{
	request->has_via = false;
	for (size_t i = 0; i < request->field_count; i++)
		request->field[i].drop |= request->field[i].id == FIELD_VIA;
}

static bool
parse(struct mirror_copy *c, struct exchange *x)
{
	size_t skipped;
	enum cause cause;
	const char *why;
	if (parse_request(c->worker->parser, c->bytes, c->head_bytes, &c->worker->limits,
			  &x->request, &skipped, &cause, &why) != PARSE_OK)
		return false;
	forget_way(&x->request);
	return true;
}

void
mirror_mark(struct exchange *x, uint32_t member)
{
	x->copy = true;
	x->unheld = true;
	x->attempts = 1; /* so it is not counted with the plain ones (journal_over) */
	x->returns = false;
	x->plan.step[0] = (struct plan_step){member, STEP_BACKUP, PLAN_RANK_UNASKED};
	x->plan.step_count = 1;
	x->plan.skipped_count = 0;
	x->plan.home = HOME_ELSEWHERE;
	x->plan.affinity = AFFINITY_NONE;
}

/* Whose it is, where it goes. False: nobody is there any more. */
static bool
decide(struct mirror_copy *c, struct exchange *x)
{
	const struct view *view = x->lease->view;
	uint32_t backup = membership_by_alias(view->membership, c->backup);
	exchange_find_client(x);
	session_identify(c->slot->service->rules, &x->request,
			 (struct keyrule_client){x->client, exchange_identity(x)}, digest_random,
			 &x->session);
	x->session.digest = c->digest;
	x->whom = (struct plan_session){
	    .digest = c->digest,
	    .primary = membership_by_alias(view->membership, c->primary),
	    .last = membership_by_alias(view->membership, c->served),
	};
	if (backup == MEMBER_NONE || x->whom.primary == MEMBER_NONE ||
	    !view_is_operational(view, backup))
		return false;
	mirror_mark(x, backup);
	return true;
}

static bool
prepare(struct mirror_copy *c, struct exchange *x)
{
	struct worker *w = c->worker;
	x->lease = worker_view_get(w, c->slot);
	if (x->lease == NULL)
		return false;
	x->slot = c->slot;
	x->slot->generation->users++;
	if (!parse(c, x) || !decide(c, x) ||
	    !body_queue_append(&x->body, &w->bufs, c->bytes + c->head_bytes, c->body_bytes))
		return false;
	x->request_chunked = c->chunked;
	x->introduced = c->hopped;
	x->body.ended = true;
	return true;
}

/* In EXCHANGE_PLANNED, before anything was sent. */
static void
give_up(struct exchange *x)
{
	body_queue_clear(&x->body, &x->worker->bufs);
	if (x->lease != NULL)
		worker_view_put(x->worker, &x->lease);
	exchange_put_unused(x);
}

/* False: it goes nowhere. */
static bool
copy_start(struct mirror_copy *c)
{
	struct worker *w = c->worker;
	struct exchange *x = exchange_get(w, &c->door);
	if (x == NULL)
		return false;
	x->begun_us = w->now_us;
	x->begun_wall_ms = 0;
	x->request_id = w->shared->instance + (++w->request_serial * WORKERS_MAX + w->number);
	if (!prepare(c, x)) {
		give_up(x);
		return false;
	}
	c->exchange = x;
	x->waits = true;
	x->slot->waiting++;
	attempt_start(x);
	return true;
}

/* One at a time; those that fail at once end here, not each within the one before it. */
static void
lane_run(struct mirror_lane *lane)
{
	if (lane->running)
		return;
	lane->running = true;
	while (!lane->busy && lane->first != NULL) {
		struct mirror_copy *c = lane->first;
		lane->busy = true;
		if (copy_start(c))
			continue;
		tally_add(&c->slot->tally->mirrors[MIRROR_NOBODY], 1);
		lane_drop(lane);
		lane->busy = false;
	}
	lane->running = false;
}

/* The exchange is over. */
static void
on_done(struct door *d)
{
	struct mirror_copy *c = (struct mirror_copy *)(void *)d;
	struct mirror_lane *lane = c->lane;
	assert(lane->first == c);
	lane_drop(lane);
	lane->busy = false;
	lane_run(lane);
}

/* ---- taking -----------------------------------------------------------------------------------
 */

static struct mirror_lanes *
lanes_of(struct worker *w)
{
	if (w->mirror == NULL)
		w->mirror = calloc(1, sizeof(*w->mirror));
	return w->mirror;
}

static void
copy_bytes(struct mirror_copy *c, const struct exchange *x)
{
	size_t at = c->head_bytes;
	memcpy(c->bytes, x->request.base, c->head_bytes);
	for (const struct buf *b = x->body.first; b != NULL; b = b->next) {
		memcpy(c->bytes + at, b->data + b->from, buf_held(b));
		at += buf_held(b);
	}
	assert(at == (size_t)c->head_bytes + c->body_bytes);
}

static size_t
identity_bytes(const struct tls_identity *i)
{
	return i == NULL
		   ? 0
		   : i->subject.bytes + i->san.bytes + i->fingerprint.bytes + i->common_name.bytes;
}

/* Appends to what the copy owns. */
static struct slice
keep(struct writer *w, struct slice text)
{
	struct slice kept = {w->at + w->bytes, text.bytes};
	write_slice(w, text);
	return kept;
}

/*
 * Its client is who the request's was, with his certificate: a backup that did not know who asks
 * would refuse what the member granted, and not be warm. Of the TLS that is all, and by what he
 * came; the connection may be gone.
 */
static void
copy_facts(struct mirror_copy *c, const struct exchange *x, const struct tls_identity *identity)
{
	struct writer w = writer_on(c->bytes + c->head_bytes + c->body_bytes, c->identity_bytes);
	if (x->door->tls == NULL && identity == NULL)
		return;
	if (x->door->tls != NULL && !x->hopped)
		c->facts = *x->door->tls;
	c->facts.server_name = SLICE_NONE;
	c->facts.protocol = SLICE_NONE;
	c->facts.identity = NULL;
	c->door.tls = &c->facts;
	if (identity == NULL)
		return;
	c->identity = (struct tls_identity){
	    .subject = keep(&w, identity->subject),
	    .san = keep(&w, identity->san),
	    .fingerprint = keep(&w, identity->fingerprint),
	    .common_name = keep(&w, identity->common_name),
	};
	c->facts.identity = &c->identity;
}

static struct mirror_copy *
copy_of(struct exchange *x, uint32_t backup)
{
	static const struct door_ops ops = {MIRROR_DOOR, .done = on_done};
	const struct membership *m = exchange_membership(x);
	const struct tls_identity *identity = exchange_identity(x);
	size_t text_bytes = identity_bytes(identity);
	struct mirror_copy *c =
	    calloc(1, sizeof(*c) + x->request.bytes + (size_t)x->body.total + text_bytes);
	if (c == NULL)
		return NULL;
	c->peer = x->hopped ? *x->client : *x->door->peer;
	c->door = (struct door){.ops = &ops, .fd = -1, .peer = &c->peer};
	c->worker = x->worker;
	c->slot = x->slot;
	c->digest = x->session.digest;
	c->primary = m->member[x->whom.primary].alias;
	c->served = m->member[x->answered_by].alias;
	c->backup = m->member[backup].alias;
	c->head_bytes = x->request.bytes;
	c->body_bytes = (uint32_t)x->body.total;
	c->identity_bytes = (uint32_t)text_bytes;
	c->chunked = x->request_chunked;
	c->hopped = x->hopped;
	copy_bytes(c, x);
	copy_facts(c, x, identity);
	return c;
}

/* Why it cannot be copied; MIRROR_SENT: it can. */
static enum mirror_count
obstacle(const struct exchange *x, const struct mirror_lanes *lanes, uint32_t backup)
{
	const struct body_queue *body = &x->body;
	bool whole = body->ended && body->unsent == 0 && (body->replayable || body->total == 0);
	if (backup == MEMBER_NONE)
		return MIRROR_NOBODY;
	if (!whole || x->body_received > x->slot->service->config->mirror_bytes_max)
		return MIRROR_LARGE;
	size_t bytes = sizeof(struct mirror_copy) + x->request.bytes + (size_t)body->total +
		       identity_bytes(exchange_identity(x));
	if (lanes == NULL || lanes->count == MIRROR_COPIES_MAX ||
	    bytes > MIRROR_BYTES_MAX - lanes->bytes)
		return MIRROR_CROWDED;
	return MIRROR_SENT;
}

static void
lane_add(struct mirror_lanes *lanes, struct mirror_copy *c)
{
	struct mirror_lane *lane = &lanes->lane[c->digest.bytes[0] % MIRROR_LANES];
	c->lane = lane;
	if (lane->first == NULL)
		lane->first = c;
	else
		lane->last->next = c;
	lane->last = c;
	lanes->count++;
	lanes->bytes += size_of(c);
	c->slot->generation->users++;
	lane_run(lane);
}

void
mirror_offer(struct exchange *x)
{
	/* What a member of this node's answered in whole; others' nodes copy what theirs answered.
	 */
	if (x->cause != CAUSE_DONE || x->answered_by == MEMBER_NONE || x->unheld ||
	    exchange_is_forwarded(x) || x->request.upgrade || x->request.method == METHOD_TRACE)
		return;
	struct mirror_lanes *lanes = lanes_of(x->worker);
	uint32_t backup = told_first_backup(x);
	enum mirror_count why = obstacle(x, lanes, backup);
	struct mirror_copy *c = why == MIRROR_SENT ? copy_of(x, backup) : NULL;
	if (c != NULL)
		lane_add(lanes, c);
	else
		tally_add(&x->slot->tally->mirrors[why == MIRROR_SENT ? MIRROR_CROWDED : why], 1);
}

void
mirror_stop(struct worker *w)
{
	struct mirror_lanes *lanes = w->mirror;
	if (lanes == NULL)
		return;
	for (size_t i = 0; i < MIRROR_LANES; i++) {
		struct mirror_lane *lane = &lanes->lane[i];
		lane->running = true;
		if (lane->busy)
			exchange_over(lane->first->exchange, CAUSE_SHUTDOWN);
		while (lane->first != NULL)
			lane_drop(lane);
	}
	assert(lanes->count == 0 && lanes->bytes == 0);
	w->mirror = NULL;
	free(lanes);
}
