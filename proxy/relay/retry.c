/*
 * retry.c: after an attempt: what it leaves in the log, and whether another one may follow (RFC
 * 9110 section 9.2.2): what was not sent may always go elsewhere; what was sent only when the
 * method is idempotent, or when the member says that it did not process it (a pass: 421 with
 * Holdfast-Pass). A connection that breaks before an answer proves nothing: the member may have
 * read the request, and its reset overtakes the acknowledgement. And only while the whole request
 * can be sent again, and within the budget (budget.h).
 */
#include "relay/budget.h"
#include "relay/racing.h"
#include "relay/trace.h"

#include <assert.h>

enum cause
retry_cause(enum reason why)
{
	switch (why) {
	case REASON_CONNECT_TIMEOUT:
		return CAUSE_MEMBER_CONNECT_TIMEOUT;
	case REASON_TLS_EXPIRED:
	case REASON_TLS_NAME:
	case REASON_TLS_UNTRUSTED:
	case REASON_TLS_REFUSED:
	case REASON_TLS_FAILED:
	case REASON_TLS_TIMEOUT:
		return CAUSE_MEMBER_TLS;
	case REASON_RESET:
	case REASON_CLOSED_IDLE:
	case REASON_DOWN:
	case REASON_MAINT:
		return CAUSE_MEMBER_CLOSED;
	case REASON_FIRST_BYTE_TIMEOUT:
		return CAUSE_MEMBER_FIRST_BYTE;
	case REASON_BAD_ANSWER:
	case REASON_HTTP2_BROKEN:
		return CAUSE_MEMBER_BAD_ANSWER;
	case REASON_STREAM_REFUSED:
		return CAUSE_MEMBER_REFUSED;
	case REASON_NO_TUNNEL:
		return CAUSE_NO_TUNNEL;
	case REASON_BUSY:
		return CAUSE_BUSY;
	default:
		return CAUSE_MEMBER_CONNECT;
	}
}

/* ---- what an attempt leaves -------------------------------------------------------------------
 */

/* What was seen, for the log: "connection refused by 127.0.0.1:9001". */
static void
note_evidence(struct exchange *x, enum reason why)
{
	static const char *const seen[] = {
	    [REASON_CONNECT_REFUSED] = "connection refused by",
	    [REASON_CONNECT_TIMEOUT] = "no connection in time to",
	    [REASON_CONNECT_FAILED] = "connection failed to",
	    [REASON_TLS_EXPIRED] = "a certificate that is not valid now from",
	    [REASON_TLS_NAME] = "a certificate for another name from",
	    [REASON_TLS_UNTRUSTED] = "a certificate that nobody trusted signed from",
	    [REASON_TLS_REFUSED] = "the TLS handshake was refused by",
	    [REASON_TLS_FAILED] = "no TLS handshake with",
	    [REASON_TLS_TIMEOUT] = "connected, but no TLS handshake in time with",
	    [REASON_NOT_HTTP2] = "connected, but no HTTP/2 with",
	    [REASON_STREAM_REFUSED] = "the stream was refused, unprocessed, by",
	    [REASON_HTTP2_BROKEN] = "HTTP/2 was broken by",
	    [REASON_NO_TUNNEL] = "no WebSocket over HTTP/2 at",
	    [REASON_UNRESOLVED] = "no address is known of",
	    [REASON_CLOSED_IDLE] = "pooled connection closed by",
	    [REASON_RESET] = "connection broken before an answer by",
	    [REASON_FIRST_BYTE_TIMEOUT] = "no answer in time from",
	    [REASON_BAD_ANSWER] = "an answer that is not HTTP from",
	    [REASON_DOWN] = "found dead while it was asked:",
	    [REASON_MAINT] = "taken out by the operator while it was asked:",
	    [REASON_PASSED] = "passed on by",
	    [REASON_BUSY] = "full:",
	    [REASON_TICKET] = "ticket refused by",
	};
	const struct membership_member *m = &exchange_membership(x)->member[exchange_member(x)];
	struct writer text = writer_on(x->evidence, sizeof(x->evidence));
	write_text(&text, seen[why]);
	write_char(&text, ' ');
	write_text(&text, m->origin_text);
	(void)writer_text(&text);
}

void
retry_note_skipped(struct exchange *x, uint32_t member, enum reason why)
{
	struct plan *plan = &x->plan;
	if (plan->skipped_count < PLAN_SKIPPED_MAX)
		plan->skipped[plan->skipped_count++] = (struct plan_skipped){member, why};
}

/* Who was asked in vain stands in the line with those that were not asked. */
void
retry_note_left(struct exchange *x, enum reason why)
{
	x->failed_why = why;
	x->failed_member = exchange_member(x);
	retry_note_skipped(x, x->failed_member, why);
	note_evidence(x, why);
}

void
retry_note_busy(struct exchange *x)
{
	retry_note_left(x, REASON_BUSY);
}

static void
note_attempt(struct exchange *x, enum reason why)
{
	x->wasted_us += x->worker->now_us - x->attempt_us;
	x->connect_us = 0;
	if (x->trace != NULL)
		trace_failed(x, why);
	retry_note_left(x, why);
}

void
retry_note_failure(struct exchange *x, enum reason why)
{
	struct worker *w = x->worker;
	struct member_live *live = exchange_live(x);
	note_attempt(x, why);
	if (why == REASON_MAINT || why == REASON_NO_TUNNEL) /* nothing is wrong with the member */
		return;
	atomic_fetch_add_explicit(&live->load[w->number].failures, 1, memory_order_relaxed);
	if (why != REASON_DOWN) /* that is a verdict already */
		pool_evidence(x->slot->service->pool, live, EVIDENCE_LIVE_FAILED, why, w->now_ms);
}

/* ---- may another follow? ----------------------------------------------------------------------
 */

static bool
was_sent(const struct exchange *x)
{
	return upstream_was_sent(x->upstream);
}

bool
retry_may_repeat(const struct exchange *x, enum reason why)
{
	if (!body_queue_is_whole(&x->body) || why == REASON_BAD_ANSWER)
		return false;
	return !was_sent(x) || http_method_idempotent(x->request.method);
}

uint32_t
retry_place_in(const struct exchange *x, const struct view *view, uint32_t member)
{
	const struct membership *mine = exchange_membership(x);
	if (view->membership == mine)
		return member;
	return membership_find(view->membership, &mine->member[member]);
}

/* By now, not by the view that the exchange began with. */
static bool
takes_part(const struct exchange *x, uint32_t member)
{
	struct view *view = pool_view(x->slot->service->pool);
	uint32_t place = retry_place_in(x, view, member);
	bool yes = place != MEMBER_NONE && view_is_operational(view, place);
	view_unref(&view);
	return yes;
}

/* One more repeat under way, if the service may have it. */
static bool
take_from_budget(struct exchange *x)
{
	const struct config_service *config = x->slot->service->config;
	struct service_slot *slot = x->slot;
	if (x->repeats)
		return true;
	if (!budget_allows(config->retry_budget, config->retry_min, slot->waiting,
			   slot->repeated)) {
		tally_add(&slot->tally->retries_refused, 1);
		return false;
	}
	x->repeats = true;
	slot->repeated++;
	return true;
}

static bool
has_next_step(const struct exchange *x)
{
	return x->step + 1 < exchange_steps(x);
}

bool
retry_affords(struct exchange *x)
{
	if (!has_next_step(x) || !was_sent(x) || !takes_part(x, exchange_member(x)))
		return true;
	return take_from_budget(x);
}

void
retry_settle(struct exchange *x)
{
	struct service_slot *slot = x->slot;
	assert(x->waits && slot->waiting > 0 && slot->repeated >= x->repeats);
	slot->waiting--;
	slot->repeated -= x->repeats;
	x->waits = false;
	x->repeats = false;
}

/* ---- a second chance --------------------------------------------------------------------------
 */

static bool
says_pass(const struct http_head *head)
{
	size_t at = 0;
	const struct http_field *field = http_field_find_id(head, FIELD_HOLDFAST_PASS, &at);
	return field != NULL && slice_equal(http_field_value(head, field), SLICE("1"));
}

/* Is the answer all here, so that nothing of it can be taken for the next one? */
static bool
is_whole(const struct http_head *head, const char *at, size_t bytes)
{
	struct chunk_decoder chunks;
	char room[HTTP_TRAILER_BYTES_MAX];
	struct writer trailers = writer_on(room, sizeof(room));
	switch ((enum body_framing)head->framing) {
	case BODY_NONE:
		return bytes == 0;
	case BODY_LENGTH:
		return bytes == head->content_length;
	case BODY_CLOSE:
		return false;
	case BODY_CHUNKED:
		break;
	}
	chunk_init(&chunks);
	enum chunk_outcome outcome = CHUNK_DATA_READY;
	while (outcome == CHUNK_DATA_READY) {
		size_t consumed;
		struct slice data;
		outcome = chunk_feed(&chunks, at, bytes, &consumed, &data, &trailers);
		at += consumed;
		bytes -= consumed;
	}
	return outcome == CHUNK_END && bytes == 0;
}

/* May the connection be used again, as its answer is all here? */
static bool
keeps_after(const struct exchange *x, const struct http_head *head, const char *at, size_t bytes)
{
	return head->keep_alive && attempt_all_sent(x) && !x->upstream->write_broken &&
	       is_whole(head, at, bytes);
}

/* The node before the member says that it is dead, and that the request has been where it belongs.
 */
static bool
take_back(struct exchange *x, const struct http_head *head, const char *at, size_t bytes)
{
	struct member_live *live = exchange_live(x);
	note_attempt(x, REASON_DOWN);
	pool_evidence(x->slot->service->pool, live, EVIDENCE_LIVE_FAILED, REASON_DOWN,
		      x->worker->now_ms);
	if (mesh_goes_back(x))
		exchange_fail(x, CAUSE_TAKEN_BACK);
	else if (has_next_step(x) && body_queue_is_whole(&x->body))
		attempt_next(x, keeps_after(x, head, at, bytes));
	else
		exchange_fail(x, x->hopped && x->returns ? CAUSE_TAKEN_BACK : CAUSE_NO_LIVE_MEMBER);
	return true;
}

/* The winner of a race does not take its ticket any more, or its node has no room: an answer of its
 * own, for nobody processed it. */
static bool
retry_race(struct exchange *x, const struct http_head *head, const char *at, size_t bytes)
{
	if (!x->raced)
		return false;
	bool stale = head->status == 409 && http_head_has(head, FIELD_HOLDFAST_TICKET);
	bool full = head->status == 503 && exchange_is_forwarded(x) &&
		    !http_head_has(head, FIELD_HOLDFAST_SERVED);
	if (!stale && !full)
		return false;
	if (!racing_may_repeat(x))
		return false;
	note_attempt(x, stale ? REASON_TICKET : REASON_BUSY);
	if (full)
		racing_leave_out(x);
	return racing_repeat(x, keeps_after(x, head, at, bytes));
}

static bool
retry_pass(struct exchange *x, const struct http_head *head, const char *at, size_t bytes)
{
	struct upstream *u = x->upstream;
	if (!says_pass(head))
		return false;
	if (exchange_is_forwarded(x))
		return take_back(x, head, at, bytes);
	note_attempt(x, REASON_PASSED);
	x->passed = true;
	if (!has_next_step(x) || !body_queue_is_whole(&x->body)) {
		x->unheld = true;
		journal_stuck(x, REASON_PASSED);
		return false;
	}
	if (!take_from_budget(x)) {
		x->unheld = true;
		journal_stuck(x, REASON_RETRY_BUDGET);
		return false;
	}
	if (pool_wants_success(u->live))
		pool_evidence(x->slot->service->pool, u->live, EVIDENCE_LIVE_OK, REASON_NONE,
			      x->worker->now_ms);
	attempt_next(x, keeps_after(x, head, at, bytes));
	return true;
}

bool
retry_other(struct exchange *x, const struct http_head *head, const char *at, size_t bytes)
{
	if (x->copy)
		return false;
	if (head->status == 421)
		return retry_pass(x, head, at, bytes);
	return retry_race(x, head, at, bytes);
}
