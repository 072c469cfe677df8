/*
 * test_failover.c: from what happens to what stands in the file: sessions, transitions, outages
 * and what the rate limit holds back. The time is the test's; the lines are read back as JSON.
 */
#include "record/failover.h"

#include "members_text.h"
#include "scratch.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(table)  (sizeof(table) / sizeof((table)[0]))
#define TEXT(literal) ((char *)(uintptr_t)(literal)) /* a membership owns mutable strings */
#define SHOP          SLICE("shop")
#define LINES_MAX     20000
#define THREADS       4
#define THREAD_LINES  1000

enum { A, B, C };

static struct view members_view = {.membership = &members};
static struct failover_log *failover;
static uint64_t now_ms;
static bool returns; /* sessions go home by themselves */
static json_t *row[LINES_MAX];
static size_t row_count;

/* ---- fixture ------------------------------------------------------------------------------- */

static uint64_t
test_now_ms(void)
{
	return now_ms;
}

static uint64_t
test_wall_ms(void)
{
	return UINT64_C(1769860800000) + now_ms;
}

static int
start(void **state)
{
	static char *const names[] = {TEXT("a"), TEXT("b"), TEXT("c")};
	members_name(names, COUNT(names));
	now_ms = 1000;
	returns = false;
	if (scratch_make(state) != 0)
		return -1;
	struct failover_clock clock = {test_now_ms, test_wall_ms};
	if (failover_log_create(scratch_path("log"), "n1", &failover, NULL) != RESULT_OK)
		return -1;
	failover_log_set_clock(failover, clock);
	return 0;
}

static int
stop(void **state)
{
	failover_log_free(&failover);
	while (row_count > 0)
		json_decref(row[--row_count]);
	return scratch_remove(state);
}

/* Of one session or another. */
static void
session_of(uint8_t number, enum event_kind event, uint32_t from, uint32_t chosen)
{
	const struct session_digest digest = {
	    {0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f, [DIGEST_BYTES - 9] = number}};
	struct plan plan = {.step = {{chosen, STEP_BACKUP}}, .step_count = 1};
	failover_log_session(failover, &(struct failover_line){
					   .event = event,
					   .service = SHOP,
					   .digest = &digest,
					   .view = &members_view,
					   .primary = A,
					   .from = from,
					   .chosen = chosen,
					   .reason = reason_text(REASON_CONNECT_REFUSED),
					   .evidence = "connect to 127.0.0.1:9001: refused",
					   .plan = chosen != MEMBER_NONE ? &plan : NULL,
					   .rank = 1,
					   .attempt_ms = 3,
					   .pool = 0xfeed,
					   .request_id = 0xabc,
					   .of_outage = true,
					   .returns = returns,
				       });
}

static void
session(enum event_kind event, uint32_t from, uint32_t chosen)
{
	session_of(0, event, from, chosen);
}

static void
went(uint32_t member, enum member_state before, enum member_state after, enum reason reason)
{
	struct pool_change change = {
	    .member = member,
	    .verdict = {.changed = true,
			.before = (uint8_t)before,
			.after = (uint8_t)after,
			.detection_ms = after == MEMBER_DOWN ? 130 : 0},
	    .reason = reason,
	    .evidence = after == MEMBER_UP ? EVIDENCE_PROBE_OK : EVIDENCE_LIVE_FAILED,
	    .membership = &members,
	};
	failover_log_member(failover, SHOP, 0xfeed, &change);
}

static void
drained(uint32_t member)
{
	struct pool_change change = {
	    .member = member,
	    .verdict = {.before = MEMBER_DRAIN, .after = MEMBER_DRAIN, .drained = true},
	    .reason = REASON_DRAIN,
	    .evidence = EVIDENCE_TICK,
	    .membership = &members,
	};
	failover_log_member(failover, SHOP, 0xfeed, &change);
}

/* Ends the log and reads all of it. */
static void
read_back(void)
{
	failover_log_free(&failover);
	assert_null(failover);
	char *at = (char *)(uintptr_t)scratch_read("log");
	while (*at != '\0') {
		char *end = strchr(at, '\n');
		assert_non_null(end);
		assert_in_range(row_count, 0, LINES_MAX - 1);
		row[row_count] = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
		if (row[row_count] == NULL)
			fail_msg("not JSON: %.*s", (int)(end - at), at);
		row_count++;
		at = end + 1;
	}
}

static const char *
text(size_t at, const char *name)
{
	assert_in_range(at, 0, row_count - 1);
	const char *value = json_string_value(json_object_get(row[at], name));
	return value != NULL ? value : "";
}

static long long
number(size_t at, const char *name)
{
	assert_in_range(at, 0, row_count - 1);
	json_t *value = json_object_get(row[at], name);
	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void
assert_events(const char *const *want, size_t count)
{
	for (size_t i = 0; i < count && i < row_count; i++)
		assert_string_equal(text(i, "event"), want[i]);
	assert_int_equal(row_count, count);
}
#define ASSERT_EVENTS(...)                                \
	assert_events((const char *const[]){__VA_ARGS__}, \
		      COUNT(((const char *const[]){__VA_ARGS__})))

/* ---- sessions ------------------------------------------------------------------------------ */

/* A move names both ends, the node, the ring and the time. */
static void
writes_a_session(void **state)
{
	(void)state;
	session(EVENT_FAILOVER, A, B);
	session(EVENT_NO_LIVE_MEMBER, A, MEMBER_NONE);
	read_back();
	ASSERT_EVENTS("failover", "no_live_member");
	assert_string_equal(text(0, "ts"), "2026-01-31T12:00:01.000Z");
	assert_string_equal(text(0, "node"), "n1");
	assert_string_equal(text(0, "session"), "1a2b3c4d");
	assert_string_equal(text(0, "from"), "a");
	assert_string_equal(text(0, "chosen"), "b");
	assert_string_equal(text(0, "pool"), "000000000000feed");
	assert_int_equal(number(0, "epoch"), 7);
	assert_true(json_is_null(json_object_get(row[1], "chosen")));
	assert_int_equal(json_array_size(json_object_get(row[1], "order")), 0);
}

/* ---- rate limit ---------------------------------------------------------------------------- */

/* Above the limit lines are counted; the next one of the kind says how many. */
static void
counts_what_it_holds_back(void **state)
{
	(void)state;
	for (int i = 0; i < FAILOVER_LINES_PER_S_MAX + 50; i++)
		session(EVENT_FAILOVER, A, B);
	session(EVENT_FAILOVER, C, B);
	now_ms += 1000;
	session(EVENT_FAILOVER, A, B);
	read_back();
	assert_int_equal(row_count, FAILOVER_LINES_PER_S_MAX + 2);
	assert_int_equal(number(row_count - 2, "suppressed"), -1);
	assert_int_equal(number(row_count - 1, "suppressed"), 50);
}

/* Clients that keep no tag are assigned with each request: what is written of it is a bound of the
 * service, not of each of its members. */
static void
assigns_are_limited_by_service(void **state)
{
	(void)state;
	for (int i = 0; i < FAILOVER_LINES_PER_S_MAX; i++) {
		session(EVENT_ASSIGNED, MEMBER_NONE, A);
		session(EVENT_ASSIGNED, MEMBER_NONE, B);
	}
	now_ms += 1000;
	session(EVENT_ASSIGNED, MEMBER_NONE, C);
	read_back();
	assert_int_equal(row_count, FAILOVER_LINES_PER_S_MAX + 1);
	assert_int_equal(number(row_count - 1, "suppressed"), FAILOVER_LINES_PER_S_MAX);
}

/* When no line follows, a tick writes the count, about the member and no session. */
static void
tick_writes_what_is_held(void **state)
{
	(void)state;
	for (int i = 0; i < FAILOVER_LINES_PER_S_MAX + 50; i++)
		session(EVENT_FAILOVER, A, B);
	failover_log_tick(failover, now_ms + 999);
	failover_log_tick(failover, now_ms + 1000);
	failover_log_tick(failover, now_ms + 2000);
	read_back();
	assert_int_equal(row_count, FAILOVER_LINES_PER_S_MAX + 1);
	assert_string_equal(text(row_count - 1, "event"), "failover");
	assert_string_equal(text(row_count - 1, "service"), "shop");
	assert_string_equal(text(row_count - 1, "member"), "a");
	assert_true(json_is_null(json_object_get(row[row_count - 1], "session")));
	assert_int_equal(number(row_count - 1, "suppressed"), 50);
}

/* ... and so does the end. */
static void
free_writes_what_is_held(void **state)
{
	(void)state;
	for (int i = 0; i < FAILOVER_LINES_PER_S_MAX + 1; i++)
		session(EVENT_TAG_REJECTED, MEMBER_NONE, MEMBER_NONE);
	read_back();
	assert_int_equal(row_count, FAILOVER_LINES_PER_S_MAX + 1);
	assert_int_equal(number(row_count - 1, "suppressed"), 1);
	assert_null(json_object_get(row[row_count - 1], "member"));
}

static void *
move_many(void *context)
{
	(void)context;
	for (int i = 0; i < THREAD_LINES; i++)
		session(EVENT_FAILOVER, A, i % 2 == 0 ? B : C);
	return NULL;
}

/* Threads that log at once: written and held back lines make the sum, and so do the outage's. */
static void
counts_for_many_threads(void **state)
{
	(void)state;
	pthread_t thread[THREADS];
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_CONNECT_REFUSED);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, move_many, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	went(A, MEMBER_DOWN, MEMBER_UP, REASON_NONE);
	read_back();
	assert_int_equal(row_count, 1 + FAILOVER_LINES_PER_S_MAX + 3);
	assert_int_equal(number(row_count - 1, "suppressed"),
			 THREADS * THREAD_LINES - FAILOVER_LINES_PER_S_MAX);
	assert_int_equal(number(row_count - 2, "sessions_moved"), 1); /* however often it asks */
}

/* ---- members ------------------------------------------------------------------------------- */

/* Down, up, and what it cost: moves with their heirs, failures, detection and duration. */
static void
sums_up_an_outage(void **state)
{
	(void)state;
	went(A, MEMBER_UP, MEMBER_SUSPECT, REASON_RESET);
	failover_log_request_failed(failover, SHOP, SLICE("a"), false);
	went(A, MEMBER_SUSPECT, MEMBER_DOWN, REASON_CONNECT_REFUSED);
	session_of(1, EVENT_FAILOVER, A, B);
	session_of(2, EVENT_FAILOVER, A, C);
	session_of(3, EVENT_FAILOVER, A, B);
	session_of(4, EVENT_FAILOVER, A, MEMBER_NONE); /* could not go anywhere */
	session(EVENT_ASSIGNED, MEMBER_NONE, B);
	failover_log_request_failed(failover, SHOP, SLICE("a"), false);
	failover_log_request_failed(failover, SHOP, SLICE("b"), false);
	now_ms += 61000;
	went(A, MEMBER_DOWN, MEMBER_UP, REASON_NONE);
	session(EVENT_FAILBACK, B, A);
	read_back();
	ASSERT_EVENTS("member_down", "failover", "failover", "failover", "failover", "assigned",
		      "member_up", "outage_summary", "failback");
	assert_string_equal(text(0, "member"), "a");
	assert_string_equal(text(0, "reason"), "connect_refused");
	assert_string_equal(text(0, "evidence"), "traffic: suspect -> down, detected in 130 ms");
	assert_true(json_is_null(json_object_get(row[0], "attempt_ms")));
	assert_null(json_object_get(row[0], "from"));
	assert_string_equal(text(6, "evidence"), "active check: down -> up");
	assert_string_equal(text(7, "member"), "a");
	assert_string_equal(text(7, "reason"), "connect_refused");
	assert_int_equal(number(7, "sessions_moved"), 3);
	assert_int_equal(number(7, "requests_failed"), 2);
	assert_int_equal(number(7, "detection_ms"), 130);
	assert_int_equal(number(7, "outage_ms"), 61000);
	json_t *heirs = json_object_get(row[7], "moved_to");
	assert_int_equal(json_array_size(heirs), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(heirs, 0), "count")), 2);
}

/* A trial that fails is inside the outage; one that is passed ends it. */
static void
an_outage_spans_its_trials(void **state)
{
	(void)state;
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_RESET);
	now_ms += 5000;
	went(A, MEMBER_DOWN, MEMBER_SUSPECT, REASON_NONE);
	went(A, MEMBER_SUSPECT, MEMBER_DOWN, REASON_CONNECT_REFUSED);
	now_ms += 5000;
	went(A, MEMBER_DOWN, MEMBER_SUSPECT, REASON_NONE);
	went(A, MEMBER_SUSPECT, MEMBER_UP, REASON_NONE);
	read_back();
	ASSERT_EVENTS("member_down", "member_up", "outage_summary");
	assert_string_equal(text(2, "reason"), "reset");
	assert_int_equal(number(2, "outage_ms"), 10000);
}

static bool
outage_line_is(size_t at, long long moved, long long failbacks, bool ongoing)
{
	return number(at, "sessions_moved") == moved && number(at, "failbacks") == failbacks &&
	       json_is_true(json_object_get(row[at], "ongoing")) == ongoing;
}

/* Sessions that go home are waited for, clients without tags among them; then the line is written,
 * with the time until the member was up. */
static void
a_summary_waits_for_failbacks(void **state)
{
	(void)state;
	returns = true;
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_RESET);
	session_of(1, EVENT_FAILOVER, A, B);
	session_of(2, EVENT_FAILOVER, A, B);
	now_ms += 9000;
	went(A, MEMBER_DOWN, MEMBER_UP, REASON_NONE);
	session_of(1, EVENT_FAILBACK, B, A);
	failover_log_tick(failover, now_ms);
	now_ms += 2000;
	session_of(2, EVENT_ASSIGNED, MEMBER_NONE, A);
	failover_log_tick(failover, now_ms);
	failover_log_tick(failover, now_ms);
	read_back();
	ASSERT_EVENTS("member_down", "failover", "failover", "member_up", "failback", "assigned",
		      "outage_summary");
	assert_true(outage_line_is(6, 2, 2, false));
	assert_int_equal(number(6, "outage_ms"), 9000);
	assert_int_equal(number(6, "epoch"), 7);
	assert_string_equal(text(6, "pool"), "000000000000feed");
}

/* Down again before all are back: the first summary comes first. */
static void
a_second_outage_settles_the_first(void **state)
{
	(void)state;
	returns = true;
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_RESET);
	session_of(1, EVENT_FAILOVER, A, B);
	went(A, MEMBER_DOWN, MEMBER_UP, REASON_NONE);
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_CONNECT_REFUSED);
	failover_log_request_failed(failover, SHOP, SLICE("a"), true);
	read_back();
	ASSERT_EVENTS("member_down", "failover", "member_up", "outage_summary", "member_down",
		      "outage_summary");
	assert_true(outage_line_is(3, 1, 0, false));
	assert_true(outage_line_is(5, 0, 0, true));
	assert_string_equal(text(5, "reason"), "connect_refused");
	assert_int_equal(number(5, "requests_retried"), 1);
}

/* What lasts when the node ends is summed up as it stands. */
static void
the_end_sums_up_what_lasts(void **state)
{
	(void)state;
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_RESET);
	session_of(1, EVENT_FAILOVER, A, B);
	failover_log_request_failed(failover, SHOP, SLICE("b"), false); /* brews and is nothing */
	now_ms += 4000;
	read_back();
	ASSERT_EVENTS("member_down", "failover", "outage_summary");
	assert_true(outage_line_is(2, 1, 0, true));
	assert_int_equal(number(2, "outage_ms"), 4000);
	assert_int_equal(number(2, "detection_ms"), 130);
}

/* Who leaves the configuration while it is down ends its outage; who is well leaves silently. */
static void
an_outage_ends_with_its_member(void **state)
{
	(void)state;
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_RESET);
	failover_log_request_failed(failover, SHOP, SLICE("a"), false);
	now_ms += 7000;
	failover_log_member_left(failover, SHOP, SLICE("b"));
	failover_log_member_left(failover, SHOP, SLICE("a"));
	failover_log_member_left(failover, SHOP, SLICE("a"));
	read_back();
	ASSERT_EVENTS("member_down", "outage_summary");
	assert_string_equal(text(1, "reason"), "reset");
	assert_string_equal(text(1, "member"), "a");
	assert_int_equal(number(1, "outage_ms"), 7000);
	assert_int_equal(number(1, "requests_failed"), 1);
}

/* Suspicion that comes to nothing is no event; what failed then is no outage's. */
static void
suspicion_is_no_outage(void **state)
{
	(void)state;
	went(A, MEMBER_UP, MEMBER_SUSPECT, REASON_RESET);
	failover_log_request_failed(failover, SHOP, SLICE("a"), false);
	went(A, MEMBER_SUSPECT, MEMBER_UP, REASON_NONE);
	went(A, MEMBER_UP, MEMBER_DOWN, REASON_PROBE_FAILED);
	went(A, MEMBER_DOWN, MEMBER_UP, REASON_NONE);
	read_back();
	ASSERT_EVENTS("member_down", "member_up", "outage_summary");
	assert_int_equal(number(2, "requests_failed"), 0);
}

/* What the operator does: taken out, brought back to drain. */
static void
tells_what_the_operator_does(void **state)
{
	(void)state;
	went(A, MEMBER_UP, MEMBER_MAINT, REASON_MAINT);
	went(A, MEMBER_MAINT, MEMBER_DOWN, REASON_PROBE_FAILED);
	went(A, MEMBER_DOWN, MEMBER_DRAIN, REASON_DRAIN);
	went(B, MEMBER_UP, MEMBER_DRAIN, REASON_DRAIN);
	drained(B);
	went(B, MEMBER_DRAIN, MEMBER_UP, REASON_NONE);
	read_back();
	ASSERT_EVENTS("member_down", "member_up", "outage_summary", "drain_started",
		      "drain_started", "drain_done", "member_up");
	assert_string_equal(text(0, "reason"), "maint");
	assert_string_equal(text(4, "member"), "b");
	assert_string_equal(text(5, "reason"), "drain");
	assert_string_equal(text(5, "evidence"), "no request is under way there");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(writes_a_session, start, stop),
	    cmocka_unit_test_setup_teardown(counts_what_it_holds_back, start, stop),
	    cmocka_unit_test_setup_teardown(assigns_are_limited_by_service, start, stop),
	    cmocka_unit_test_setup_teardown(tick_writes_what_is_held, start, stop),
	    cmocka_unit_test_setup_teardown(free_writes_what_is_held, start, stop),
	    cmocka_unit_test_setup_teardown(counts_for_many_threads, start, stop),
	    cmocka_unit_test_setup_teardown(sums_up_an_outage, start, stop),
	    cmocka_unit_test_setup_teardown(an_outage_spans_its_trials, start, stop),
	    cmocka_unit_test_setup_teardown(a_summary_waits_for_failbacks, start, stop),
	    cmocka_unit_test_setup_teardown(a_second_outage_settles_the_first, start, stop),
	    cmocka_unit_test_setup_teardown(the_end_sums_up_what_lasts, start, stop),
	    cmocka_unit_test_setup_teardown(an_outage_ends_with_its_member, start, stop),
	    cmocka_unit_test_setup_teardown(suspicion_is_no_outage, start, stop),
	    cmocka_unit_test_setup_teardown(tells_what_the_operator_does, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
