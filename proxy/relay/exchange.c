/*
 * exchange.c: the life of an exchange: from a parsed head on, and the one way
 * out. Where it goes is in decide.c, what an attempt does in attempt.c, the answer in answer.c.
 */
#include "relay/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "relay/mirror.h"
#include "relay/placing.h"
#include "relay/racing.h"
#include "relay/trace.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define MALFORMED_SAY_MS    10000 /* between two lines about it, of one worker */
#define EXCHANGE_SPARES_MAX 4096

struct exchange *
exchange_get(struct worker *w, struct door *door)
{
	struct exchange *x = w->spare_exchanges;
	if (x != NULL)
		w->spare_exchanges = x->next;
	else
		x = malloc(sizeof(*x));
	if (x == NULL)
		return NULL;
	w->exchanges++;
	x->worker = w;
	x->door = door;
	x->state = EXCHANGE_PLANNED;
	x->composed = false;
	x->reached = false;
	x->fresh_only = false;
	x->retried_here = false;
	x->request_chunked = false;
	x->member_keeps = false;
	x->splicing = false;
	x->primary_gone = false;
	x->hopped = false;
	x->returns = false;
	x->forwarded = false;
	x->behind = false;
	x->half_closed = false;
	x->waits = false;
	x->spilled = 0;
	x->places = NULL;
	x->queue_us = 0;
	x->repeats = false;
	x->passed = false;
	x->unheld = false;
	x->raced = false;
	x->mirrored = false;
	x->copy = false;
	x->trace = NULL;
	x->ticket_rejection = TICKET_NONE;
	x->interims = 0;
	x->slot = NULL;
	x->lease = NULL;
	x->upstream = NULL;
	x->step = 0;
	x->attempts = 0;
	x->failed_why = REASON_NONE;
	x->failed_member = MEMBER_NONE;
	x->answered_by = MEMBER_NONE;
	x->evidence[0] = '\0';
	x->head_rest = NULL;
	body_queue_init(&x->body);
	x->body_pipe = NULL;
	x->body_piped = 0;
	x->body_received = 0;
	x->trailers = NULL;
	x->pipe = NULL;
	x->piped = 0;
	x->first_byte_us = 0;
	x->connect_us = 0;
	x->wasted_us = 0;
	x->plan.step_count = 0;
	x->plan.skipped_count = 0;
	x->plan.home = MEMBER_NONE;
	x->plan.refuse_status = 0;
	x->plan.affinity = AFFINITY_NONE;
	x->whom.primary = MEMBER_NONE;
	x->whom.last = MEMBER_NONE;
	return x;
}

static void
exchange_drop(struct worker *w, struct trash *t)
{
	struct exchange *x = (struct exchange *)(void *)t;
	assert(w->exchanges > 0);
	w->exchanges--;
	if (x->slot != NULL)
		worker_generation_put(x->slot->generation);
	if (w->exchanges > EXCHANGE_SPARES_MAX) {
		free(x);
		return;
	}
	x->next = w->spare_exchanges;
	w->spare_exchanges = x;
}

void
exchange_put_unused(struct exchange *x)
{
	exchange_drop(x->worker, &x->trash);
}

void
exchange_spares_free(struct worker *w)
{
	while (w->spare_exchanges != NULL) {
		struct exchange *x = w->spare_exchanges;
		w->spare_exchanges = x->next;
		free(x);
	}
}

/* Legal moves: row = from, bit = to. */
static const uint16_t moves[] = {
    [EXCHANGE_PLANNED] = 1 << EXCHANGE_RACING | 1 << EXCHANGE_PLACING | 1 << EXCHANGE_QUEUED |
			 1 << EXCHANGE_CONNECTING | 1 << EXCHANGE_WAITING | 1 << EXCHANGE_ASKING |
			 1 << EXCHANGE_OVER,
    [EXCHANGE_RACING] = 1 << EXCHANGE_PLANNED,
    [EXCHANGE_PLACING] = 1 << EXCHANGE_PLANNED,
    [EXCHANGE_QUEUED] = 1 << EXCHANGE_PLANNED,
    [EXCHANGE_CONNECTING] = 1 << EXCHANGE_WAITING | 1 << EXCHANGE_PLANNED | 1 << EXCHANGE_OVER,
    [EXCHANGE_WAITING] =
	1 << EXCHANGE_PLANNED | 1 << EXCHANGE_ANSWERING | 1 << EXCHANGE_TUNNEL | 1 << EXCHANGE_OVER,
    [EXCHANGE_ANSWERING] = 1 << EXCHANGE_OVER,
    [EXCHANGE_TUNNEL] = 1 << EXCHANGE_OVER,
    [EXCHANGE_ASKING] = 1 << EXCHANGE_OVER,
    [EXCHANGE_OVER] = 0,
};

void
exchange_to(struct exchange *x, enum exchange_state next)
{
	assert((moves[x->state] >> next & 1) != 0);
	x->state = (uint8_t)next;
}

struct membership *
exchange_membership(const struct exchange *x)
{
	return x->lease->view->membership;
}

static const struct config_service *
bounds_of(const struct exchange *x)
{
	return x->slot != NULL ? x->slot->service->config
			       : &x->worker->services->config->services[0];
}

const struct config_timeouts *
exchange_timeouts(const struct exchange *x)
{
	return &bounds_of(x)->timeouts;
}

const struct config_rates *
exchange_rates(const struct exchange *x)
{
	return &bounds_of(x)->rates;
}

/* Answers that Holdfast gives itself before any member is asked. True: x is over. */
static bool
answer_here(struct exchange *x)
{
	const struct http_head *request = &x->request;
	if (request->method != METHOD_TRACE && request->method != METHOD_OPTIONS)
		return false;
	size_t at = 0;
	const struct http_field *field = http_field_find_id(request, FIELD_MAX_FORWARDS, &at);
	uint64_t left;
	if (field == NULL || !slice_to_u64(http_field_value(request, field), &left) || left != 0)
		return false;
	x->door->ops->echo(x->door);
	exchange_over(x, CAUSE_ANSWERED_HERE);
	return true;
}

/* Does an element of Via name this very node, whatever it says of the version? */
static bool
is_own_via(const struct worker *w, struct slice element)
{
	struct slice own = w->via[0];
	own.at += VIA_VERSION_BYTES;
	own.bytes -= VIA_VERSION_BYTES;
	while (element.bytes > 0 && element.at[0] != ' ' && element.at[0] != '\t') {
		element.at++;
		element.bytes--;
	}
	return slice_equal(slice_trim(element), own);
}

/* The request came back (RFC 9110 section 7.6). */
static bool
is_loop(struct exchange *x)
{
	if (!x->request.has_via)
		return false;
	size_t at = 0;
	const struct http_field *field;
	while ((field = http_field_find_id(&x->request, FIELD_VIA, &at)) != NULL) {
		struct slice rest = http_field_value(&x->request, field);
		struct slice element;
		while (slice_next_element(&rest, &element)) {
			if (is_own_via(x->worker, element))
				return true;
		}
	}
	return false;
}

/* Once in a while: a proxy that errs does so with every request. */
static void
say_malformed(struct exchange *x)
{
	struct worker *w = x->worker;
	char text[ADDR_TEXT_BYTES_MAX];
	struct slice ip = addr_ip_text(x->door->peer, text);
	if (w->malformed_said_ms != 0 && w->now_ms - w->malformed_said_ms < MALFORMED_SAY_MS)
		return;
	w->malformed_said_ms = w->now_ms;
	log_warn("what %.*s, which is in forwarded.trusted, says of whom it asks for is malformed, "
		 "and dropped",
		 SLICE_ARG(ip));
}

/* A proxy before this one may have said who asks. */
static __attribute__((noinline)) void
learn_client(struct exchange *x)
{
	const struct forwarding *rules = &x->worker->services->forwarding;
	struct forwarded came;
	if (!forwarding_trusts(rules, x->door->peer))
		return;
	x->forwarded = forwarded_read(&x->request, rules->read, &came);
	if (!x->forwarded) {
		say_malformed(x);
		return;
	}
	x->forwarded_client = forwarded_client(&came, rules->trusted, rules->count, x->door->peer);
	x->client = &x->forwarded_client;
}

static inline void
find_client(struct exchange *x)
{
	x->client = x->door->peer;
	if ((x->request.ids & x->worker->services->forwarding.reads) != 0)
		learn_client(x);
}

void
exchange_find_client(struct exchange *x)
{
	find_client(x);
}

void
exchange_begin(struct exchange *x)
{
	struct worker *w = x->worker;
	x->begun_us = w->now_us;
	x->begun_wall_ms = w->access != NULL ? clock_wall_ms() : 0;
	find_client(x);
	x->request_id = w->shared->instance + (++w->request_serial * WORKERS_MAX + w->number);
	if (w->services->traces)
		trace_begin(x);
	if (is_loop(x)) {
		exchange_fail(x, CAUSE_LOOP);
		return;
	}
	if (w->services->hops != NULL && (mesh_enter(x) || question_enter(x)))
		return;
	if (answer_here(x) || !exchange_route(x))
		return;
	x->request_chunked = x->request.framing == BODY_CHUNKED;
	x->body.ended = !http_request_has_body(&x->request);
	if (!x->hopped || !mesh_waits(x))
		exchange_decide(x);
}

void
exchange_hold_upstream(struct exchange *x, struct upstream *u)
{
	x->upstream = u;
	exchange_link(x);
}

void
exchange_link(struct exchange *x)
{
	struct worker *w = x->worker;
	x->prev = NULL;
	x->next = w->asking;
	if (w->asking != NULL)
		w->asking->prev = x;
	w->asking = x;
}

void
exchange_unlink(struct exchange *x)
{
	if (x->prev != NULL)
		x->prev->next = x->next;
	else
		x->worker->asking = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
}

void
exchange_release_upstream(struct exchange *x, bool reusable)
{
	struct upstream *u = x->upstream;
	if (u == NULL)
		return;
	x->upstream = NULL;
	exchange_unlink(x);
	struct member_load *load = &u->live->load[x->worker->number];
	unsigned active = atomic_load_explicit(&load->active, memory_order_relaxed);
	atomic_store_explicit(&load->active, active - 1, memory_order_relaxed);
	if (reusable)
		upstream_put_idle(u, x->slot->service->config);
	else
		upstream_close(u);
}

void
exchange_over(struct exchange *x, enum cause cause)
{
	struct worker *w = x->worker;
	struct door *door = x->door;
	x->cause = cause;
	if (x->behind)
		mesh_unlink(x);
	if (x->state == EXCHANGE_QUEUED)
		place_unqueue(x);
	else if (x->state == EXCHANGE_RACING)
		racing_leave(x);
	else if (x->state == EXCHANGE_PLACING)
		placing_leave(x);
	else if (x->state == EXCHANGE_ASKING)
		question_forget(x);
	exchange_to(x, EXCHANGE_OVER);
	bool reusable = cause == CAUSE_DONE && x->member_keeps && attempt_all_sent(x) &&
			!x->upstream->write_broken;
	exchange_release_upstream(x, reusable);
	if (x->places != NULL)
		place_leave(x);
	if (x->waits)
		retry_settle(x);
	journal_over(x);
	if (x->trace != NULL)
		trace_over(x);
	if (x->mirrored)
		mirror_offer(x);
	if (x->raced)
		racing_forget(x);
	if (x->pipe != NULL)
		worker_pipe_put(w, &x->pipe, x->piped == 0);
	if (x->body_pipe != NULL)
		worker_pipe_put(w, &x->body_pipe, x->body_piped == 0);
	while (x->head_rest != NULL) {
		struct buf *b = x->head_rest;
		x->head_rest = b->next;
		buf_put(&w->bufs, &b);
	}
	if (x->body.first != NULL)
		body_queue_clear(&x->body, &w->bufs);
	buf_put(&w->bufs, &x->trailers);
	if (x->lease != NULL)
		worker_view_put(w, &x->lease);
	worker_trash(w, &x->trash, exchange_drop);
	door->ops->done(door);
}

void
exchange_fail(struct exchange *x, enum cause cause)
{
	struct door *door = x->door;
	uint16_t status = cause_table[cause].status;
	if (cause == CAUSE_STRICT)
		status = x->plan.refuse_status;
	bool begun = x->state == EXCHANGE_ANSWERING || x->state == EXCHANGE_TUNNEL;
	if (begun || status == 0) {
		door->ops->abort(door);
	} else {
		uint32_t retry_after_s = 0;
		if (status == 503 && x->slot != NULL)
			retry_after_s = x->slot->service->config->retry_after_s;
		door->ops->refuse(door, cause, status, retry_after_s);
	}
	exchange_over(x, cause);
}

void
exchange_on_body_part(struct exchange *x, const char *at, size_t bytes)
{
	struct worker *w = x->worker;
	const struct config_service *c = x->slot->service->config;
	bool tunnel = x->state == EXCHANGE_TUNNEL;
	x->body_received += bytes;
	if (!tunnel && c->body_bytes_max != 0 && x->body_received > c->body_bytes_max) {
		exchange_fail(x, CAUSE_CLIENT_BODY_TOO_LARGE);
		return;
	}
	bool ok = true;
	if (x->request_chunked && !tunnel) {
		char size[20];
		struct writer line = writer_on(size, sizeof(size));
		write_chunk_size(&line, bytes);
		ok = body_queue_append(&x->body, &w->bufs, line.at, line.bytes) &&
		     body_queue_append(&x->body, &w->bufs, at, bytes) &&
		     body_queue_append(&x->body, &w->bufs, "\r\n", 2);
	} else {
		ok = body_queue_append(&x->body, &w->bufs, at, bytes);
	}
	if (!ok) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return;
	}
	if (x->body.replayable && x->body.total > c->replay_bytes_max)
		body_queue_no_replay(&x->body, &w->bufs);
}

void
exchange_body_flush(struct exchange *x)
{
	if (x->state >= EXCHANGE_WAITING)
		attempt_send(x);
	if (x->state != EXCHANGE_OVER && attempt_holds_body(x, BODY_UNSENT_HIGH))
		x->door->ops->want_body(x->door, false);
}

void
exchange_on_body(struct exchange *x, const char *at, size_t bytes)
{
	exchange_on_body_part(x, at, bytes);
	if (x->state != EXCHANGE_OVER)
		exchange_body_flush(x);
}

void
exchange_on_body_end(struct exchange *x, struct slice trailers)
{
	struct worker *w = x->worker;
	bool ok = true;
	if (x->request_chunked && x->state != EXCHANGE_TUNNEL)
		ok = body_queue_append(&x->body, &w->bufs, "0\r\n", 3) &&
		     body_queue_append(&x->body, &w->bufs, trailers.at, trailers.bytes) &&
		     body_queue_append(&x->body, &w->bufs, "\r\n", 2);
	x->body.ended = true;
	if (!ok) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return;
	}
	if (x->state >= EXCHANGE_WAITING)
		attempt_send(x);
}

void
exchange_on_client_drained(struct exchange *x)
{
	if (x->state == EXCHANGE_TUNNEL)
		tunnel_on_drained(x);
	else if (x->state == EXCHANGE_ANSWERING)
		answer_on_drained(x);
}

void
exchange_on_client_gone(struct exchange *x, enum cause cause)
{
	exchange_over(x, cause);
}

void
exchange_on_client_error(struct exchange *x, enum cause cause)
{
	exchange_fail(x, cause);
}

void
exchange_on_unconnected(struct exchange *x, enum reason why)
{
	if (why == REASON_NONE)
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
	else
		attempt_failed(x, why);
}

void
exchange_on_connected(struct exchange *x)
{
	x->connect_us = x->worker->now_us - x->attempt_us;
	if (!io_want(&x->upstream->io, IO_READ)) {
		attempt_failed(x, REASON_CONNECT_FAILED);
		return;
	}
	exchange_to(x, EXCHANGE_WAITING);
	attempt_send(x);
}

void
exchange_on_member(struct exchange *x, unsigned events)
{
	if (x->state == EXCHANGE_TUNNEL) {
		tunnel_on_member(x, events);
		return;
	}
	if ((events & IO_WRITE) != 0) {
		attempt_send(x);
		if (x->state == EXCHANGE_OVER || x->upstream == NULL)
			return;
	}
	if ((events & IO_READ) != 0)
		answer_on_readable(x);
}

void
exchange_on_member_deadline(struct exchange *x)
{
	switch ((enum exchange_state)x->state) {
	case EXCHANGE_CONNECTING:
		attempt_failed(x, upstream_why_unconnected(x->upstream));
		break;
	case EXCHANGE_WAITING:
		/* A member cannot answer what the client has not sent yet; the client has its own
		 * bound. */
		if (!x->body.ended && x->body.unsent == 0)
			deadline_set(x->worker, &x->upstream->deadline,
				     exchange_timeouts(x)->first_byte_ms);
		else
			attempt_failed(x, REASON_FIRST_BYTE_TIMEOUT);
		break;
	case EXCHANGE_ANSWERING:
		/* A member that answered early may be waiting for the rest of the request. */
		if (!x->body.ended && x->body.unsent == 0)
			deadline_set(x->worker, &x->upstream->deadline,
				     exchange_timeouts(x)->idle_ms);
		else
			answer_stalled(x);
		break;
	case EXCHANGE_TUNNEL:
		exchange_over(x, CAUSE_TUNNEL_DONE);
		break;
	case EXCHANGE_PLANNED:
	case EXCHANGE_RACING:
	case EXCHANGE_PLACING:
	case EXCHANGE_QUEUED:
	case EXCHANGE_ASKING:
	case EXCHANGE_OVER:
		break;
	}
}

void
exchanges_review(struct worker *w, struct service_slot *slot)
{
	struct view_lease *lease = worker_view_get(w, slot);
	if (lease == NULL)
		return;
	struct exchange *next;
	for (struct exchange *x = w->asking; x != NULL; x = next) {
		next = x->next; /* what begins anew is linked before x; nothing is freed until the
				   sweep */
		if (x->slot->service->pool == slot->service->pool)
			attempt_review(x, lease->view);
	}
	worker_view_put(w, &lease);
}
