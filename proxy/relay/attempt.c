/*
 * attempt.c: one try of an exchange at one member: a connection, the request sent, and the next
 * try when it fails. Whether there may be one is said in retry.c.
 */
#include "relay/racing.h"
#include "relay/trace.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#define PIECES_MAX 16 /* of one sendmsg(2) */

/* No member that could be asked took even a connection. */
static bool
nobody_lives(const struct exchange *x)
{
	const struct plan *plan = &x->plan;
	bool all = plan->step_count < x->slot->service->config->attempts_max ||
		   plan->step_count >= x->lease->view->operational_count;
	return !x->reached && all && x->step >= plan->step_count && x->failed_why != REASON_BUSY;
}

/* The plan is used up. */
static void
give_up(struct exchange *x)
{
	if (x->hopped && x->returns && !x->reached) {
		/* Nothing was sent to anybody: the node that had it may know better. */
		exchange_fail(x, CAUSE_TAKEN_BACK);
		return;
	}
	if (x->copy) { /* nobody waits for it */
		exchange_fail(x, retry_cause(x->failed_why));
		return;
	}
	bool nobody = nobody_lives(x);
	uint16_t strict = x->slot->service->plan.strict;
	if (nobody)
		journal_nobody(x);
	else
		journal_stuck(x, x->failed_why);
	if (nobody && strict != 0) {
		/* The others may live; they are not asked. */
		x->plan.refuse_status = strict;
		exchange_fail(x, CAUSE_STRICT);
		return;
	}
	exchange_fail(x, nobody ? CAUSE_NO_LIVE_MEMBER : retry_cause(x->failed_why));
}

static void
count_begun(struct exchange *x, struct member_live *live)
{
	struct member_load *load = &live->load[x->worker->number];
	x->latency = atomic_load_explicit(&load->latency, memory_order_relaxed);
	/* Written by this worker alone: no read-modify-write is needed. */
	unsigned active = atomic_load_explicit(&load->active, memory_order_relaxed);
	atomic_store_explicit(&load->active, active + 1, memory_order_relaxed);
	unsigned long long attempts = atomic_load_explicit(&load->attempts, memory_order_relaxed);
	atomic_store_explicit(&load->attempts, attempts + 1, memory_order_relaxed);
}

static enum upstream_choice
choice_of(const struct exchange *x)
{
	if (x->fresh_only)
		return UPSTREAM_FRESH;
	return http_method_idempotent(x->request.method) ? UPSTREAM_ANY : UPSTREAM_CERTAIN;
}

void
attempt_start(struct exchange *x)
{
	struct worker *w = x->worker;
	const struct service *service = x->slot->service;
	/* A plan has a first step. */
	for (; x->step == 0 || x->step < exchange_steps(x); x->step++) {
		struct member_live *live = exchange_live(x);
		if (places_bounds(&live->places) && x->places == NULL) {
			enum place place = place_take(x);
			if (place == PLACE_NONE)
				continue;
			if (place != PLACE_HELD)
				return;
			live = exchange_live(x);
		}
		enum reason why = REASON_NONE;
		x->attempts++;
		x->interims = 0;
		x->attempt_us = w->now_us;
		x->composed = false;
		struct upstream *u = upstream_get(w, live, x, choice_of(x), &why);
		if (u != NULL) {
			exchange_hold_upstream(x, u);
			count_begun(x, live);
			if (u->state != UPSTREAM_BUSY) {
				exchange_to(x, EXCHANGE_CONNECTING);
				deadline_set(w, &u->deadline, service->config->timeouts.connect_ms);
				return;
			}
			exchange_to(x, EXCHANGE_WAITING);
			attempt_send(x);
			return;
		}
		if (why == REASON_NONE) {
			exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
			return;
		}
		if (x->places != NULL)
			place_leave(x);
		retry_note_failure(x, why);
		if (x->raced && racing_repeat(x, false))
			return;
		if (x->step + 1 < exchange_steps(x))
			journal_retried(x);
		x->fresh_only = false;
		x->retried_here = false;
	}
	give_up(x);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

/* The request head for this member into worker->request. False: it does not fit. */
static bool
compose(struct exchange *x, struct slice *head)
{
	struct worker *w = x->worker;
	struct writer out = writer_on(w->request, sizeof(w->request));
	struct forward_request r = {
	    .head = &x->request,
	    .via = w->via[x->request.minor],
	    .framing = x->request.framing,
	    .content_length = x->request.content_length,
	};
	if (exchange_is_forwarded(x)) {
		r.added = mesh_told(x); /* and the tag as it came: the next node reads it anew */
		if (r.added.bytes == 0)
			return false;
	} else {
		r.added = told_member(x);
		r.cuts = x->session.cuts;
		r.cut_count = x->session.cut_count;
		r.cut_id = x->slot->service->rules->cut_id;
		if (x->session.drop_header)
			r.drop_field = x->slot->service->rules->tag_name;
	}
	if (x->request.method == METHOD_TRACE || x->request.method == METHOD_OPTIONS) {
		size_t at = 0;
		const struct http_field *field =
		    http_field_find_id(&x->request, FIELD_MAX_FORWARDS, &at);
		uint64_t left;
		if (field != NULL && slice_to_u64(http_field_value(&x->request, field), &left)) {
			r.max_forwards = true;
			r.max_forwards_value = left - 1; /* 0 was answered here */
		}
	}
	if (x->trace != NULL)
		r.added = trace_tell(x, r.added);
	write_request_head(&out, &r);
	*head = (struct slice){out.at, out.bytes};
	return !out.overflow;
}

/* Keeps what the kernel did not take of a head. */
static bool
keep_head_rest(struct exchange *x, struct slice rest)
{
	struct buf **end = &x->head_rest;
	while (rest.bytes > 0) {
		struct buf *b = buf_get(&x->worker->bufs);
		if (b == NULL)
			return false;
		size_t take = rest.bytes < BUF_BYTES ? rest.bytes : BUF_BYTES;
		memcpy(b->data, rest.at, take);
		b->to = (uint32_t)take;
		*end = b;
		end = &b->next;
		rest.at += take;
		rest.bytes -= take;
	}
	return true;
}

static void
head_rest_sent(struct exchange *x, size_t *bytes)
{
	while (x->head_rest != NULL && *bytes > 0) {
		struct buf *b = x->head_rest;
		size_t take = *bytes < buf_held(b) ? *bytes : buf_held(b);
		b->from += (uint32_t)take;
		*bytes -= take;
		if (buf_held(b) > 0)
			return;
		x->head_rest = b->next;
		buf_put(&x->worker->bufs, &b);
	}
}

static void
head_rest_drop(struct exchange *x)
{
	while (x->head_rest != NULL) {
		struct buf *b = x->head_rest;
		x->head_rest = b->next;
		buf_put(&x->worker->bufs, &b);
	}
}

bool
attempt_all_sent(const struct exchange *x)
{
	return x->composed && x->head_rest == NULL && x->body.ended && x->body.unsent == 0;
}

/*
 * How long the member has. A node that was asked by another and asks a third one in turn waits half
 * as long for each node before it: so its answer still comes in time for who waits for it.
 */
static uint64_t
first_byte_ms(const struct exchange *x)
{
	uint64_t ms = x->slot->service->config->timeouts.first_byte_ms;
	if (x->hopped && exchange_is_forwarded(x))
		ms >>= x->hop.path_count;
	return ms > 0 ? ms : 1;
}

/* After a send: what is watched, how long the member has, and whether the client is read again. */
static void
after_send(struct exchange *x)
{
	struct upstream *u = x->upstream;
	bool rest = !u->write_broken && (x->head_rest != NULL || x->body.unsent > 0);
	bool reads = x->state != EXCHANGE_ANSWERING && x->state != EXCHANGE_TUNNEL;
	if (!reads)
		reads = (u->io.wants & IO_READ) != 0;
	if (!io_want(&u->io, (reads ? IO_READ : 0) | (rest ? IO_WRITE : 0))) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return;
	}
	if (!x->body.ended && !attempt_holds_body(x, BODY_UNSENT_RESUME - 1))
		x->door->ops->want_body(x->door, true);
}

static int
pieces_of(const struct exchange *x, struct slice head, struct iovec *pieces)
{
	int count = 0;
	if (head.bytes > 0)
		pieces[count++] = (struct iovec){(void *)(uintptr_t)head.at, head.bytes};
	for (struct buf *b = x->head_rest; b != NULL && count < PIECES_MAX; b = b->next)
		pieces[count++] = (struct iovec){b->data + b->from, buf_held(b)};
	return count + body_queue_pieces(&x->body, pieces + count, PIECES_MAX - count);
}

/* One sendmsg(2) of head, rest and body. Returns the bytes taken; a broken connection takes all. */
static size_t
send_pieces(struct exchange *x, struct slice head)
{
	struct upstream *u = x->upstream;
	struct iovec pieces[PIECES_MAX];
	int count = pieces_of(x, head, pieces);
	ssize_t n = io_send(&u->io, pieces, count);
	if (n >= 0) {
		u->sent += (uint64_t)n;
		return (size_t)n;
	}
	/* The answer may have come before the break: reading says. */
	if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM)
		u->write_broken = true;
	return 0;
}

/* Right before it leaves: a request may have waited. False: it was refused. */
static bool
passes_fence(struct exchange *x)
{
	const char *role = x->slot->service->config->fence;
	if (role == NULL)
		return true;
	enum cause cause =
	    fences_judge(&x->worker->shared->fences, role, &x->request, clock_boot_ms());
	if (cause == CAUSE_DONE)
		return true;
	exchange_fail(x, cause);
	return false;
}

static void
send_first(struct exchange *x)
{
	struct worker *w = x->worker;
	struct upstream *u = x->upstream;
	struct slice head;
	if (!passes_fence(x))
		return;
	if (!compose(x, &head)) {
		exchange_fail(x, CAUSE_CLIENT_HEAD_TOO_LARGE);
		return;
	}
	x->composed = true;
	x->reached = true;
	size_t sent = send_pieces(x, head);
	size_t of_head = sent < head.bytes ? sent : head.bytes;
	if (!keep_head_rest(x, (struct slice){head.at + of_head, head.bytes - of_head})) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return;
	}
	body_queue_sent(&x->body, &w->bufs, sent - of_head);
	deadline_set(w, &u->deadline, first_byte_ms(x));
	after_send(x);
}

/* More of what is left of a request. Returns the bytes taken. */
static size_t
send_rest(struct exchange *x)
{
	if (x->body_piped > 0)
		return splice_body_on(x);
	size_t sent = send_pieces(x, SLICE_NONE);
	size_t of_body = sent;
	head_rest_sent(x, &of_body);
	body_queue_sent(&x->body, &x->worker->bufs, of_body);
	return sent;
}

void
attempt_send(struct exchange *x)
{
	struct worker *w = x->worker;
	struct upstream *u = x->upstream;
	if (!x->composed) {
		send_first(x);
		return;
	}
	if (!u->write_broken && (x->head_rest != NULL || x->body.unsent > 0)) {
		size_t sent = send_rest(x);
		if (sent > 0 && x->state == EXCHANGE_WAITING)
			deadline_set(w, &u->deadline, first_byte_ms(x));
		if (sent > 0 && x->state == EXCHANGE_ANSWERING && !x->door->blocked)
			deadline_set(w, &u->deadline, exchange_timeouts(x)->idle_ms);
	}
	if (u->write_broken) {
		/* Nobody will take the rest; it is read from the client and thrown away. */
		head_rest_drop(x);
		if (x->body_pipe != NULL)
			splice_body_drop(x);
		if (!x->body.replayable)
			body_queue_sent(&x->body, &w->bufs, x->body.unsent);
	}
	if (x->state == EXCHANGE_TUNNEL)
		tunnel_on_sent(x);
	after_send(x);
}

/* ---- failing ----------------------------------------------------------------------------------
 */

/* Lets go of the member; to PLANNED. */
static void
let_go(struct exchange *x, bool reusable)
{
	head_rest_drop(x);
	exchange_release_upstream(x, reusable);
	if (x->places != NULL && !x->retried_here)
		place_leave(x);
	exchange_to(x, EXCHANGE_PLANNED);
	body_queue_rewind(&x->body);
}

/* Tries the plan from x->step on. */
static void
start_anew(struct exchange *x, bool reusable)
{
	let_go(x, reusable);
	attempt_start(x);
}

void
attempt_abandon(struct exchange *x, bool reusable)
{
	x->retried_here = false;
	x->fresh_only = false;
	if (x->state != EXCHANGE_PLANNED) /* else it could not even begin */
		let_go(x, reusable);
}

void
attempt_next(struct exchange *x, bool reusable)
{
	x->step++;
	x->retried_here = false;
	x->fresh_only = false;
	start_anew(x, reusable);
}

/* The member closed a pooled connection, or takes no more requests on it, as it may: no evidence,
 * one more try there. */
static bool
try_here_again(struct exchange *x, enum reason why)
{
	const struct upstream *u = x->upstream;
	bool broke = why == REASON_RESET || why == REASON_HTTP2_BROKEN;
	bool stale = (u->reused && broke && u->in == NULL) || why == REASON_STREAM_REFUSED;
	if (!stale || x->retried_here || !retry_may_repeat(x, why))
		return false;
	if (x->trace != NULL)
		trace_failed(x, why);
	x->wasted_us += x->worker->now_us - x->attempt_us;
	x->retried_here = true;
	x->fresh_only = true;
	start_anew(x, false);
	return true;
}

void
attempt_failed(struct exchange *x, enum reason why)
{
	if (try_here_again(x, why))
		return;
	bool repeat = retry_may_repeat(x, why);
	retry_note_failure(x, why);
	if (x->copy) {
		head_rest_drop(x);
		exchange_fail(x, retry_cause(why));
		return;
	}
	if (x->raced && repeat && racing_repeat(x, false))
		return;
	if (!repeat || !retry_affords(x)) {
		journal_stuck(x, repeat ? REASON_RETRY_BUDGET : why);
		head_rest_drop(x);
		exchange_fail(x, retry_cause(why));
		return;
	}
	if (mesh_goes_back(x)) {
		head_rest_drop(x);
		exchange_fail(x, CAUSE_TAKEN_BACK);
		return;
	}
	if (why != REASON_MAINT && x->step + 1 < exchange_steps(x))
		journal_retried(x);
	attempt_next(x, false);
}

/* Is anybody left to ask who lives by this view? */
static bool
has_next(const struct exchange *x, const struct view *view)
{
	uint32_t steps = exchange_steps(x);
	for (uint32_t step = x->step + 1; step < steps; step++) {
		uint32_t place = retry_place_in(x, view, x->plan.step[step].member);
		if (place != MEMBER_NONE && view_is_operational(view, place))
			return true;
	}
	return false;
}

/* Nobody is waited for who is not there. */
static void
leave_queue(struct exchange *x, enum reason why)
{
	place_unqueue(x);
	retry_note_left(x, why);
	x->step++;
	attempt_start(x);
}

void
attempt_review(struct exchange *x, const struct view *view)
{
	bool waits = x->state == EXCHANGE_CONNECTING || x->state == EXCHANGE_WAITING;
	bool queued = x->state == EXCHANGE_QUEUED;
	if (!queued && (!waits || x->upstream->in != NULL))
		return;
	/* Who left the membership may finish what it was given. */
	uint32_t place = retry_place_in(x, view, exchange_member(x));
	if (place == MEMBER_NONE || view_is_operational(view, place) || !has_next(x, view))
		return;
	enum reason why = view->state[place] == MEMBER_MAINT ? REASON_MAINT : REASON_DOWN;
	if (queued)
		leave_queue(x, why);
	else if (retry_may_repeat(x, why))
		attempt_failed(x, why);
}
