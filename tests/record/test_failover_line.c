/* test_failover_line.c: the failover log's lines byte for byte, escaped, and always whole. */
#include "record/failover_line.h"

#include "members_text.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table)  (sizeof(table) / sizeof((table)[0]))
#define TEXT(literal) ((char *)(uintptr_t)(literal)) /* a membership owns mutable strings */
#define WALL_MS       UINT64_C(1769860800250)        /* 2026-01-31 12:00:00.250 UTC */

static const struct session_digest digest = {{0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f}};
static char line[FAILOVER_LINE_BYTES_MAX + 1];

static int
start(void **state)
{
	(void)state;
	static char *const names[] = {TEXT("a"), TEXT("b"), TEXT("c")};
	members_name(names, COUNT(names));
	return 0;
}

static struct failover_entry
usual_entry(const struct plan *plan)
{
	return (struct failover_entry){
	    .wall_ms = WALL_MS,
	    .event = EVENT_FAILOVER,
	    .node = SLICE("n1"),
	    .service = SLICE("shop"),
	    .digest = &digest,
	    .primary = SLICE("a"),
	    .reason = "connect_refused",
	    .evidence = SLICE("connect to 127.0.0.1:9001: refused"),
	    .plan = plan,
	    .membership = &members,
	    .chosen = SLICE("b"),
	    .rank = 1,
	    .attempt_ms = 12,
	    .hops = 0,
	    .epoch = 7,
	    .pool = 0xfeed,
	    .request_id = 0xabc,
	    .moves = true,
	    .from = SLICE("a"),
	};
}

static const char *
written(const struct failover_entry *entry)
{
	struct writer w = writer_on(line, sizeof(line));
	write_failover_line(&w, entry);
	assert_false(w.overflow);
	return writer_text(&w);
}

static json_t *
parsed(const struct failover_entry *entry)
{
	json_error_t error;
	json_t *json = json_loads(written(entry), JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		fail_msg("%s: %s", error.text, line);
	return json;
}

/* ---- the fields ---------------------------------------------------------------------------- */

/* A session's move: the fixed fields in their order, then where it came from. */
static void
writes_a_move(void **state)
{
	(void)state;
	struct plan plan = {.step = {{1, STEP_BACKUP}, {2, STEP_BACKUP}},
			    .step_count = 2,
			    .skipped = {{0, REASON_DOWN}},
			    .skipped_count = 1};
	struct failover_entry entry = usual_entry(&plan);
	assert_string_equal(
	    written(&entry),
	    "{\"ts\":\"2026-01-31T12:00:00.250Z\",\"event\":\"failover\",\"node\":\"n1\","
	    "\"service\":\"shop\",\"session\":\"1a2b3c4d\",\"primary\":\"a\","
	    "\"reason\":\"connect_refused\","
	    "\"evidence\":\"connect to 127.0.0.1:9001: refused\",\"order\":[\"b\",\"c\"],"
	    "\"skipped\":[{\"id\":\"a\",\"why\":\"down\"}],\"chosen\":\"b\",\"rank\":1,"
	    "\"attempt_ms\":12,\"hops\":0,\"epoch\":7,\"pool\":\"000000000000feed\","
	    "\"request_id\":\"0000000000000abc\",\"from\":\"a\"}\n");
}

/* Every fixed field is there when nothing applies. */
static void
writes_null_for_what_does_not_apply(void **state)
{
	(void)state;
	struct failover_entry entry = {.wall_ms = WALL_MS,
				       .event = EVENT_RELOAD,
				       .reason = "none",
				       .rank = FAILOVER_NUMBER_NONE,
				       .attempt_ms = FAILOVER_NUMBER_NONE,
				       .hops = FAILOVER_NUMBER_NONE,
				       .epoch = FAILOVER_NUMBER_NONE};
	assert_string_equal(
	    written(&entry),
	    "{\"ts\":\"2026-01-31T12:00:00.250Z\",\"event\":\"reload\",\"node\":\"-\","
	    "\"service\":null,\"session\":null,\"primary\":null,\"reason\":\"none\","
	    "\"evidence\":null,\"order\":[],\"skipped\":[],\"chosen\":null,\"rank\":null,"
	    "\"attempt_ms\":null,\"hops\":null,\"epoch\":null,\"pool\":null,"
	    "\"request_id\":null}\n");
	entry.moves = true;
	assert_non_null(strstr(written(&entry), "\"request_id\":null,\"from\":null}\n"));
}

/* What an outage cost stands behind the fixed fields. */
static void
writes_an_outage(void **state)
{
	(void)state;
	struct outage outage = {
	    .phase = OUTAGE_OVER,
	    .moved = {.kept = 9, .back = 6, .label = {5, 3, [OUTAGE_HEIRS_MAX] = 1}},
	    .requests_failed = 2,
	    .requests_retried = 7,
	    .detection_ms = 130,
	    .heir_count = 2,
	    .heir = {{.id = "b", .id_bytes = 1}, {.id = "c", .id_bytes = 1}}};
	struct failover_entry entry = usual_entry(NULL);
	entry.event = EVENT_OUTAGE_SUMMARY;
	entry.moves = false;
	entry.member = SLICE("a");
	entry.suppressed = 4;
	entry.outage = &outage;
	entry.outage_ms = 61000;
	const char *tail = strstr(written(&entry), ",\"member\"");
	assert_non_null(tail);
	assert_string_equal(tail,
			    ",\"member\":\"a\",\"suppressed\":4,\"sessions_moved\":9,"
			    "\"moved_to\":[{\"id\":\"b\",\"count\":5},{\"id\":\"c\",\"count\":3}],"
			    "\"moved_elsewhere\":1,\"requests_failed\":2,\"detection_ms\":130,"
			    "\"outage_ms\":61000,\"requests_retried\":7,\"failbacks\":6,"
			    "\"estimated\":false,\"ongoing\":false}\n");
	outage.phase = OUTAGE_GOING_ON;
	outage.moved.depth = 1;
	tail = strstr(written(&entry), ",\"sessions_moved\":18,\"moved_to\":[{\"id\":\"b\",");
	assert_non_null(tail);
	tail = strstr(tail, "\"failbacks\":12,\"estimated\":true,\"ongoing\":true}\n");
	assert_non_null(tail);
}

/* Each event has the name that the table gives it. */
static void
names_every_event(void **state)
{
	(void)state;
	static const char *const names[] = {
#define EVENT(name, text, help) text,
#include "tbl/events.h"
#undef EVENT
	};
	for (unsigned i = 0; i < EVENTS; i++) {
		struct failover_entry entry = usual_entry(NULL);
		entry.event = (enum event_kind)i;
		json_t *json = parsed(&entry);
		assert_string_equal(json_string_value(json_object_get(json, "event")), names[i]);
		json_decref(json);
	}
}

/* ---- hostile and large --------------------------------------------------------------------- */

/* Whatever evidence holds, the line is printable ASCII and means what was given. */
static void
escapes_evidence(void **state)
{
	(void)state;
	char bytes[256];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i + 1);
	struct failover_entry entry = usual_entry(NULL);
	entry.evidence = (struct slice){bytes, 127};
	json_t *json = parsed(&entry);
	json_t *evidence = json_object_get(json, "evidence");
	assert_int_equal(json_string_length(evidence), 127);
	assert_memory_equal(json_string_value(evidence), bytes, 127);
	json_decref(json);
	entry.evidence = (struct slice){bytes, sizeof(bytes)};
	for (const char *at = written(&entry); at[1] != '\0'; at++)
		assert_in_range(*at, 0x20, 0x7e);
}

static void
fill_plan(struct plan *plan, size_t members_count)
{
	plan->step_count = PLAN_STEPS_MAX;
	plan->skipped_count = 1000; /* more than are listed */
	for (uint32_t i = 0; i < PLAN_STEPS_MAX; i++)
		plan->step[i].member = i % (uint32_t)members_count;
	for (uint32_t i = 0; i < PLAN_SKIPPED_MAX; i++)
		plan->skipped[i] = (struct plan_skipped){i % (uint32_t)members_count, REASON_DOWN};
}

/* Long names: the lists are as long as allowed; names that swell: shorter, and the line whole. */
static void
always_fits(void **state)
{
	(void)state;
	static char plain[ID_BYTES_MAX + 1];
	static char swelling[ID_BYTES_MAX + 1];
	memset(plain, 'x', ID_BYTES_MAX);
	memset(swelling, '\x01', ID_BYTES_MAX);
	struct plan plan = {.step_count = 0};
	fill_plan(&plan, 1);
	members_name((char *const[]){plain}, 1);
	struct failover_entry entry = usual_entry(&plan);
	json_t *json = parsed(&entry);
	assert_int_equal(json_array_size(json_object_get(json, "order")), FAILOVER_ORDER_MAX);
	assert_int_equal(json_array_size(json_object_get(json, "skipped")), FAILOVER_ORDER_MAX);
	json_decref(json);

	static char evidence[4096];
	memset(evidence, '\n', sizeof(evidence));
	struct slice id = {swelling, ID_BYTES_MAX};
	members_name((char *const[]){swelling}, 1);
	entry.service = entry.primary = entry.chosen = entry.from = id;
	entry.evidence = (struct slice){evidence, sizeof(evidence)};
	json = parsed(&entry);
	assert_in_range(json_array_size(json_object_get(json, "order")), 0, FAILOVER_ORDER_MAX / 2);
	assert_int_equal(json_string_length(json_object_get(json, "evidence")),
			 FAILOVER_EVIDENCE_MAX);
	json_decref(json);
}

/* Heirs that are not listed for want of room are in "moved_elsewhere": the sum holds. */
static void
keeps_the_sum_of_an_outage(void **state)
{
	(void)state;
	struct outage outage = {
	    .moved = {.kept = OUTAGE_HEIRS_MAX * 10 + 3, .label = {[OUTAGE_HEIRS_MAX] = 3}},
	    .heir_count = OUTAGE_HEIRS_MAX};
	for (size_t i = 0; i < OUTAGE_HEIRS_MAX; i++) {
		memset(outage.heir[i].id, '\x02', ID_BYTES_MAX);
		outage.heir[i].id_bytes = ID_BYTES_MAX;
		outage.moved.label[i] = 10;
	}
	struct failover_entry entry = usual_entry(NULL);
	entry.outage = &outage;
	json_t *json = parsed(&entry);
	size_t listed = json_array_size(json_object_get(json, "moved_to"));
	assert_in_range(listed, 1, OUTAGE_HEIRS_MAX - 1);
	assert_int_equal(json_integer_value(json_object_get(json, "moved_elsewhere")),
			 3 + 10 * (OUTAGE_HEIRS_MAX - listed));
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(writes_a_move, start),
	    cmocka_unit_test_setup(writes_null_for_what_does_not_apply, start),
	    cmocka_unit_test_setup(writes_an_outage, start),
	    cmocka_unit_test_setup(names_every_event, start),
	    cmocka_unit_test_setup(escapes_evidence, start),
	    cmocka_unit_test_setup(always_fits, start),
	    cmocka_unit_test_setup(keeps_the_sum_of_an_outage, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
