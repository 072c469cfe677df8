/*
 * answer.c: a member's answer on its way to the client: heads parsed, bodies
 * passed on as they come, framed anew by the door. A body that ends short is
 * never finished cleanly (RFC 9112 section 8).
 */
#include "http/websocket.h"
#include "relay/exchange.h"

#include <errno.h>
#include <sys/socket.h>

static void
wait_for_more(struct exchange *x)
{
	deadline_set(x->worker, &x->upstream->deadline, exchange_timeouts(x)->idle_ms);
}

/* After bytes were handed to the door: is the client gone, or too slow for more? False: x is over.
 */
static bool
after_door(struct exchange *x)
{
	struct door *door = x->door;
	struct upstream *u = x->upstream;
	if (door->gone) {
		exchange_over(x, CAUSE_CLIENT_ABORT);
		return false;
	}
	unsigned wants = u->io.wants & IO_WRITE;
	if (door->blocked) {
		/* The client's own deadline runs while it does not read. */
		deadline_clear(&u->deadline);
	} else {
		wants |= IO_READ;
		wait_for_more(x);
	}
	if (!io_want(&u->io, wants)) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return false;
	}
	return true;
}

void
answer_complete(struct exchange *x, struct slice trailers)
{
	struct door *door = x->door;
	door->ops->end(door, trailers);
	door->ops->flush(door);
	exchange_over(x, door->gone ? CAUSE_CLIENT_ABORT : CAUSE_DONE);
}

static void
evidence_against(struct exchange *x, enum reason why)
{
	struct member_live *live = x->upstream->live;
	struct member_load *load = &live->load[x->worker->number];
	atomic_fetch_add_explicit(&load->failures, 1, memory_order_relaxed);
	pool_evidence(x->slot->service->pool, live, EVIDENCE_LIVE_FAILED, why, x->worker->now_ms);
}

void
answer_truncated(struct exchange *x)
{
	evidence_against(x, REASON_TRUNCATED);
	exchange_fail(x, CAUSE_MEMBER_TRUNCATED);
}

void
answer_stalled(struct exchange *x)
{
	evidence_against(x, REASON_IDLE_TIMEOUT);
	exchange_fail(x, CAUSE_MEMBER_STALLED);
}

static void
answer_broken(struct exchange *x)
{
	evidence_against(x, REASON_BAD_ANSWER);
	exchange_fail(x, CAUSE_MEMBER_BAD_ANSWER);
}

/* ---- the body ---------------------------------------------------------------------------------
 */

static struct slice
good_trailers(struct exchange *x)
{
	struct writer out = writer_on(x->worker->added, sizeof(x->worker->added));
	struct slice lines = {x->trailers->data, x->trailers->to};
	if (!trailers_filter(lines, &out) || out.overflow)
		return SLICE_NONE;
	return (struct slice){out.at, out.bytes};
}

/* The end of what has no other; trailers may have come with it (h2_leg.h). */
static void
complete_at_end(struct exchange *x)
{
	struct slice trailers = SLICE_NONE;
	if (x->upstream->trailers != NULL) {
		x->trailers = x->upstream->trailers;
		x->upstream->trailers = NULL;
		trailers = good_trailers(x);
	}
	answer_complete(x, trailers);
}

/* False: x is over. */
static bool
pass_chunks(struct exchange *x, const char *at, size_t bytes)
{
	struct door *door = x->door;
	struct writer trailers = writer_on(x->trailers->data, HTTP_TRAILER_BYTES_MAX);
	trailers.bytes = x->trailers->to;
	for (;;) {
		size_t consumed;
		struct slice data;
		enum chunk_outcome outcome =
		    chunk_feed(&x->chunks, at, bytes, &consumed, &data, &trailers);
		at += consumed;
		bytes -= consumed;
		switch (outcome) {
		case CHUNK_DATA_READY:
			door->ops->data(door, data.at, data.bytes);
			break;
		case CHUNK_MORE:
			x->trailers->to = (uint32_t)trailers.bytes;
			return true;
		case CHUNK_END:
			x->trailers->to = (uint32_t)trailers.bytes;
			if (bytes > 0)
				x->member_keeps = false;
			answer_complete(x, good_trailers(x));
			return false;
		case CHUNK_BAD:
			answer_broken(x);
			return false;
		}
	}
}

/* False: x is over. */
static bool
pass_body(struct exchange *x, const char *at, size_t bytes)
{
	struct door *door = x->door;
	switch ((enum body_framing)x->answer_framing) {
	case BODY_CHUNKED:
		return pass_chunks(x, at, bytes);
	case BODY_CLOSE:
		if (bytes > 0)
			door->ops->data(door, at, bytes);
		return true;
	case BODY_NONE:
	case BODY_LENGTH:
		break;
	}
	size_t take = bytes < x->answer_left ? bytes : (size_t)x->answer_left;
	if (take > 0)
		door->ops->data(door, at, take);
	x->answer_left -= take;
	if (x->answer_left > 0)
		return true;
	/* Bytes behind the answer are no answer to anything (RFC 9112 section 9.2). */
	if (bytes > take)
		x->member_keeps = false;
	answer_complete(x, SLICE_NONE);
	return false;
}

static void
pass_and_flush(struct exchange *x, const char *at, size_t bytes)
{
	if (!pass_body(x, at, bytes))
		return;
	x->door->ops->flush(x->door);
	if (after_door(x) && !x->door->blocked && splice_wanted(x))
		splice_start(x);
}

/* ---- the head ---------------------------------------------------------------------------------
 */

/*
 * An interim answer leaves before anything else is looked at: what follows may end this attempt,
 * and the next one may wait while the door's room serves another client. False: x is over.
 */
static bool
pass_interim(struct exchange *x, const struct http_head *head)
{
	struct door *door = x->door;
	struct door_answer answer = {.head = head, .interim = true, .no_body = true};
	door->ops->respond(door, &answer);
	door->ops->flush(door);
	if (door->gone)
		exchange_over(x, CAUSE_CLIENT_ABORT);
	return !door->gone;
}

/* What the answer says of the member and of the session. */
static void
learn(struct exchange *x, const struct http_head *head)
{
	struct service *service = x->slot->service;
	struct member_live *live = x->upstream->live;
	x->answered_by = exchange_member(x);
	if (pool_wants_success(live))
		pool_evidence(service->pool, live, EVIDENCE_LIVE_OK, REASON_NONE,
			      x->worker->now_ms);
	retry_settle(x);
	if (x->unheld) /* it says nothing of the session */
		return;
	if (exchange_is_forwarded(x)) {
		mesh_learn(x, head);
		return;
	}
	journal_moved(x);
	struct session_digest changed;
	if (service->rules->learns && session_learn(service->rules, &x->session, head, &changed)) {
		journal_rehomed(x, &changed, REASON_KEY_CHANGED);
		x->session.digest = changed;
		x->session.tagged = false; /* what the client holds says another digest */
	}
}

static void
respond(struct exchange *x, const struct http_head *head, bool upgrade)
{
	struct door_answer answer = {
	    .head = head,
	    .upgrade = upgrade,
	    .no_body = head->framing == BODY_NONE && !upgrade,
	    .length_known = head->has_length && !upgrade,
	    .length = head->content_length,
	};
	if (!x->unheld)
		told_client(x, &answer);
	if (x->slot->service->rules->tag->carrier == TAG_HEADER && !exchange_is_forwarded(x))
		answer.drop_field = x->slot->service->rules->tag_name;
	x->door->ops->respond(x->door, &answer);
}

/* The answer itself, or the tunnel that a 101 opens. */
static void
begin_answer(struct exchange *x, const struct http_head *head, const char *at, size_t bytes)
{
	bool upgrade = head->status == 101;
	learn(x, head);
	x->answer_framing = head->framing;
	x->answer_left = head->framing == BODY_LENGTH ? head->content_length : 0;
	x->member_keeps = head->keep_alive && head->framing != BODY_CLOSE;
	if (!x->member_keeps && x->upstream->leg != NULL && head->framing == BODY_LENGTH)
		x->answer_framing = BODY_CLOSE; /* with its stream */
	x->upstream->large = false;
	exchange_to(x, upgrade ? EXCHANGE_TUNNEL : EXCHANGE_ANSWERING);
	if (head->framing == BODY_CHUNKED && !upgrade) {
		chunk_init(&x->chunks);
		x->trailers = buf_get(&x->worker->bufs);
		if (x->trailers == NULL) {
			exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
			return;
		}
	}
	respond(x, head, upgrade);
	if (upgrade)
		tunnel_start(x, at, bytes);
	else
		pass_and_flush(x, at, bytes);
}

static bool
offers(const struct http_head *request, struct slice protocol)
{
	size_t at = 0;
	const struct http_field *field;
	while ((field = http_field_find_id(request, FIELD_UPGRADE, &at)) != NULL) {
		struct slice rest = http_field_value(request, field);
		struct slice element;
		while (slice_next_element(&rest, &element)) {
			if (slice_equal_nocase(element, protocol))
				return true;
		}
	}
	return false;
}

/* A 101 names protocols, and only such as the client offered (RFC 9110 section 15.2.2). */
static bool
may_switch(const struct exchange *x, const struct http_head *head)
{
	if (!x->request.upgrade || !head->upgrade)
		return false;
	if (x->door->bridges)
		return websocket_agreed(&x->request, head);
	size_t at = 0;
	const struct http_field *field;
	while ((field = http_field_find_id(head, FIELD_UPGRADE, &at)) != NULL) {
		struct slice rest = http_field_value(head, field);
		struct slice element;
		while (slice_next_element(&rest, &element)) {
			if (!offers(&x->request, element))
				return false;
		}
	}
	return true;
}

/* An incomplete head waits in the connection's own buffer. */
static void
keep_partial(struct exchange *x, const char *at, size_t bytes)
{
	struct upstream *u = x->upstream;
	if (bytes >= BUF_BYTES) {
		attempt_failed(x, REASON_BAD_ANSWER);
		return;
	}
	if (u->in == NULL)
		u->in = buf_get(&x->worker->bufs);
	if (u->in == NULL) {
		exchange_fail(x, CAUSE_OUT_OF_RESOURCES);
		return;
	}
	memmove(u->in->data, at, bytes);
	u->in->to = (uint32_t)bytes;
}

/* Not a whole head. True: it was mended, and is to be read again. */
static __attribute__((noinline)) bool
on_no_head(struct exchange *x, char *at, size_t bytes, enum parse_outcome outcome)
{
	if (outcome == PARSE_MORE)
		keep_partial(x, at, bytes);
	else if (parse_mend_names(at, bytes))
		return true;
	else
		attempt_failed(x, REASON_BAD_ANSWER);
	return false;
}

/* A head of 1xx that ends nothing; behind it are `bytes`. True: another head is among them. */
static __attribute__((noinline)) bool
on_interim(struct exchange *x, struct http_head *head, size_t bytes)
{
	struct worker *w = x->worker;
	struct upstream *u = x->upstream;
	if (head->status == 101 || ++x->interims > INTERIMS_MAX) {
		attempt_failed(x, REASON_BAD_ANSWER);
		return false;
	}
	if (!pass_interim(x, head))
		return false;
	deadline_set(w, &u->deadline, exchange_timeouts(x)->first_byte_ms);
	if (bytes == 0)
		buf_put(&w->bufs, &u->in);
	return bytes > 0;
}

static void
on_heads(struct exchange *x, char *at, size_t bytes)
{
	struct worker *w = x->worker;
	struct http_head *head = &w->answer;
	enum cause cause;
	const char *why;
	for (;;) {
		enum parse_outcome outcome = parse_response(w->parser, at, bytes, &w->answer_limits,
							    x->request.method, head, &cause, &why);
		if (__builtin_expect(outcome != PARSE_OK, 0)) {
			if (!on_no_head(x, at, bytes, outcome))
				return;
			continue;
		}
		at += head->bytes;
		bytes -= head->bytes;
		if (head->status >= 200 || (head->status == 101 && may_switch(x, head)))
			break;
		if (!on_interim(x, head, bytes))
			return;
	}
	/* The connection may be idle again before the bytes were passed on. */
	struct buf *held = x->upstream->in;
	x->upstream->in = NULL;
	if (head->status < 409 || !retry_other(x, head, at, bytes))
		begin_answer(x, head, at, bytes);
	buf_put(&w->bufs, &held);
}

/*
 * Bytes into worker->bulk, or behind a partial head. -1: nothing there now; 0: the end or an error.
 * Where the latest answer was spliced, no more than a head and what fits beside it is copied of the
 * next.
 */
static ssize_t
receive(struct exchange *x, char **at, bool *clean)
{
	struct upstream *u = x->upstream;
	char *room = x->worker->bulk;
	size_t bytes = sizeof(x->worker->bulk);
	if (u->in != NULL) {
		room = u->in->data + u->in->to;
		bytes = buf_room(u->in);
	} else if (u->large) {
		bytes = BUF_BYTES;
	}
	ssize_t n = io_recv(&u->io, room, bytes);
	*at = room;
	*clean = n == 0;
	if (n == -1)
		return errno == EAGAIN ? -1 : 0;
	return n;
}

void
answer_on_readable(struct exchange *x)
{
	struct upstream *u = x->upstream;
	if (x->splicing) {
		splice_pump(x);
		return;
	}
	char *at;
	bool clean;
	ssize_t n = receive(x, &at, &clean);
	if (n == -1)
		return;
	if (x->state == EXCHANGE_ANSWERING) {
		if (n > 0)
			pass_and_flush(x, at, (size_t)n);
		else if (clean && x->answer_framing == BODY_CLOSE)
			complete_at_end(x);
		else
			answer_truncated(x);
		return;
	}
	if (n == 0) {
		attempt_failed(x, upstream_why_broken(u));
		return;
	}
	if (x->first_byte_us == 0)
		x->first_byte_us = x->worker->now_us;
	if (u->in != NULL) {
		u->in->to += (uint32_t)n;
		on_heads(x, u->in->data, u->in->to);
	} else {
		on_heads(x, at, (size_t)n);
	}
}

void
answer_on_drained(struct exchange *x)
{
	if (x->splicing)
		splice_pump(x);
	else
		(void)after_door(x);
}
