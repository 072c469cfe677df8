/* test_access.c: both forms byte for byte, whatever a request holds, and the batch. */
#include "record/access.h"

#include "scratch.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* 2026-01-31 12:00:00.250 UTC */
#define WALL_MS UINT64_C(1769860800250)

static const struct addr client = {.family = AF_INET, .port = 40001, .ip = {192, 0, 2, 7}};
static const struct session_digest digest = {{0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f}};

static struct access_entry
usual_entry(void)
{
	return (struct access_entry){
	    .wall_ms = WALL_MS,
	    .client = &client,
	    .service = SLICE("shop"),
	    .method = SLICE("GET"),
	    .target = SLICE("/cart?x=1"),
	    .host = SLICE("shop.example"),
	    .referer = SLICE("http://shop.example/"),
	    .user_agent = SLICE("curl/8"),
	    .minor = 1,
	    .status = 200,
	    .bytes = 512,
	    .request_bytes = 3,
	    .duration_us = 1500,
	    .first_byte_us = 900,
	    .reached = true,
	    .connect_us = 61,
	    .affinity = AFFINITY_FAILOVER,
	    .cause = CAUSE_DONE,
	    .digest = &digest,
	    .member = SLICE("b"),
	    .primary = SLICE("a"),
	    .attempts = 2,
	    .request_id = 0xabc,
	};
}

static void
assert_json(const struct access_entry *entry, const char *want)
{
	char line[ACCESS_LINE_BYTES_MAX];
	struct writer w = writer_on(line, sizeof(line));
	write_access_json(&w, entry);
	assert_false(w.overflow);
	assert_string_equal(writer_text(&w), want);
}

static void
assert_combined(const struct access_entry *entry, const char *want)
{
	char line[ACCESS_LINE_BYTES_MAX];
	struct writer w = writer_on(line, sizeof(line));
	write_access_combined(&w, entry);
	assert_false(w.overflow);
	assert_string_equal(writer_text(&w), want);
}

/* ---- the two forms ------------------------------------------------------------------------- */

/* Every field, in its place. */
static void
writes_json(void **state)
{
	(void)state;
	struct access_entry entry = usual_entry();
	assert_json(
	    &entry,
	    "{\"ts\":\"2026-01-31T12:00:00.250Z\",\"client\":\"192.0.2.7:40001\","
	    "\"service\":\"shop\",\"method\":\"GET\",\"target\":\"/cart?x=1\","
	    "\"host\":\"shop.example\",\"protocol\":\"HTTP/1.1\","
	    "\"status\":200,\"bytes\":512,\"request_bytes\":3,"
	    "\"duration_ms\":1.500,\"first_byte_ms\":0.900,\"queue_ms\":0.000,\"connect_ms\":0.061,"
	    "\"affinity\":\"failover\",\"cause\":\"done\",\"session\":\"1a2b3c4d\","
	    "\"member\":\"b\",\"primary\":\"a\",\"attempts\":2,"
	    "\"request_id\":\"0000000000000abc\",\"point\":\"81df5ebf7d65d4df\"}\n");
}

static void
writes_combined(void **state)
{
	(void)state;
	struct access_entry entry = usual_entry();
	assert_combined(&entry,
			"192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] \"GET /cart?x=1 HTTP/1.1\" 200 "
			"512 \"http://shop.example/\" \"curl/8\" failover done b 1a2b3c4d 1.500\n");
}

/* A request that was refused before it could be read. */
static void
writes_what_is_not_known(void **state)
{
	(void)state;
	struct access_entry entry = {.wall_ms = WALL_MS,
				     .client = &client,
				     .status = 400,
				     .affinity = AFFINITY_NONE,
				     .cause = CAUSE_CLIENT_BAD_REQUEST};
	assert_json(
	    &entry,
	    "{\"ts\":\"2026-01-31T12:00:00.250Z\",\"client\":\"192.0.2.7:40001\","
	    "\"service\":null,\"method\":null,\"target\":null,\"host\":null,\"protocol\":null,"
	    "\"status\":400,\"bytes\":0,\"request_bytes\":0,\"duration_ms\":0.000,"
	    "\"first_byte_ms\":null,\"queue_ms\":0.000,\"connect_ms\":null,\"affinity\":\"none\","
	    "\"cause\":\"client_"
	    "bad_request\","
	    "\"session\":null,\"member\":null,\"primary\":null,\"attempts\":0,"
	    "\"request_id\":\"0000000000000000\",\"point\":null}\n");
	assert_combined(&entry, "192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] \"-\" 400 0 \"-\" "
				"\"-\" none client_bad_request - - 0.000\n");
}

/* Quotes, controls and bytes above ASCII cannot leave their field. */
static void
escapes_what_clients_send(void **state)
{
	(void)state;
	struct access_entry entry = usual_entry();
	entry.target = SLICE("/\"\\\n\x1b[31m\xff");
	entry.user_agent = SLICE("a\" 200 \"b\r\n");
	char line[ACCESS_LINE_BYTES_MAX];
	struct writer w = writer_on(line, sizeof(line));
	write_access_json(&w, &entry);
	assert_non_null(
	    strstr(writer_text(&w), "\"target\":\"/\\\"\\\\\\u000a\\u001b[31m\\u00ff\","));
	w = writer_on(line, sizeof(line));
	write_access_combined(&w, &entry);
	assert_non_null(strstr(writer_text(&w), "\"GET /\\x22\\x5c\\x0a\\x1b[31m\\xff HTTP/1.1\""));
	assert_non_null(strstr(line, "\"a\\x22 200 \\x22b\\x0d\\x0a\""));
	assert_ptr_equal(strchr(line, '\n'), line + w.bytes - 1);
}

/* A session key in a query, also in that of the page before, may be kept out. */
static void
hides_queries(void **state)
{
	(void)state;
	struct access_entry entry = usual_entry();
	char line[ACCESS_LINE_BYTES_MAX];
	entry.hide_query = true;
	entry.target = SLICE("/cart?sid=secret");
	entry.referer = SLICE("http://shop.example/?sid=secret?");
	struct writer w = writer_on(line, sizeof(line));
	write_access_json(&w, &entry);
	assert_non_null(strstr(writer_text(&w), "\"target\":\"/cart\","));
	assert_null(strstr(line, "secret"));
	w = writer_on(line, sizeof(line));
	write_access_combined(&w, &entry);
	assert_non_null(strstr(writer_text(&w), "\"GET /cart HTTP/1.1\" 200 512 "
						"\"http://shop.example/\" \"curl/8\""));
	assert_null(strstr(line, "secret"));
}

/* ---- bounds -------------------------------------------------------------------------------- */

/* An entry of which everything is as long and as hostile as can be. */
static struct access_entry
worst_entry(char fill)
{
	static char text[8192];
	memset(text, fill, sizeof(text));
	static const struct addr far = {.family = AF_INET6,
					.port = 65535,
					.ip = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct slice long_text = {text, sizeof(text)};
	return (struct access_entry){
	    .wall_ms = WALL_MS,
	    .client = &far,
	    .service = long_text,
	    .method = long_text,
	    .target = long_text,
	    .host = long_text,
	    .referer = long_text,
	    .user_agent = long_text,
	    .minor = 255,
	    .status = UINT16_MAX,
	    .bytes = UINT64_MAX,
	    .request_bytes = UINT64_MAX,
	    .duration_us = UINT64_MAX,
	    .first_byte_us = UINT64_MAX,
	    .reached = true,
	    .connect_us = UINT64_MAX,
	    .affinity = AFFINITY_FAILBACK,
	    .cause = CAUSE_MEMBER_CONNECT_TIMEOUT,
	    .digest = &digest,
	    .member = long_text,
	    .primary = long_text,
	    .attempts = UINT32_MAX,
	    .request_id = UINT64_MAX,
	};
}

/* However long its fields are, a request gets its line, and the line is whole. */
static void
always_fits(void **state)
{
	(void)state;
	const char fills[] = {'x', '"', '\n', '\xff'};
	char line[ACCESS_LINE_BYTES_MAX];
	for (size_t i = 0; i < sizeof(fills); i++) {
		struct access_entry entry = worst_entry(fills[i]);
		struct writer w = writer_on(line, sizeof(line));
		write_access_combined(&w, &entry);
		assert_false(w.overflow);
		w = writer_on(line, sizeof(line));
		write_access_json(&w, &entry);
		assert_false(w.overflow);
		json_t *json = json_loadb(line, w.bytes, JSON_DECODE_INT_AS_REAL, NULL);
		assert_non_null(json);
		json_decref(json);
	}
}

/* The target is cut to 1,024 bytes. */
static void
cuts_the_target(void **state)
{
	(void)state;
	struct access_entry entry = worst_entry('x');
	char line[ACCESS_LINE_BYTES_MAX];
	struct writer w = writer_on(line, sizeof(line));
	write_access_json(&w, &entry);
	json_t *json = json_loadb(line, w.bytes, JSON_DECODE_INT_AS_REAL, NULL);
	assert_int_equal(json_string_length(json_object_get(json, "target")), 1024);
	json_decref(json);
}

/* Memory that is too small is said, not overrun. */
static void
says_what_does_not_fit(void **state)
{
	(void)state;
	struct access_entry entry = usual_entry();
	char line[64];
	struct writer w = writer_on(line, sizeof(line));
	write_access_json(&w, &entry);
	assert_true(w.overflow);
}

/* ---- batch --------------------------------------------------------------------------------- */

static unsigned
count_of(const char *text, char c)
{
	unsigned count = 0;
	for (; *text != '\0'; text++)
		count += *text == c;
	return count;
}

/* Lines are held until a flush, or until no further one fits; none is lost on the way. */
static void
batches_lines(void **state)
{
	(void)state;
	struct sink *sink;
	assert_int_equal(sink_create(LOG_ACCESS, scratch_path("access.log"), &sink, NULL),
			 RESULT_OK);
	static struct access_batch batch;
	batch = (struct access_batch){.sink = sink, .combined = true};
	struct access_entry entry = usual_entry();
	access_batch_add(&batch, &entry);
	size_t line_bytes = batch.bytes;
	assert_int_equal(line_bytes, strlen("192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] "
					    "\"GET /cart?x=1 HTTP/1.1\" 200 512 "
					    "\"http://shop.example/\" \"curl/8\" failover done b "
					    "1a2b3c4d 1.500\n"));
	for (int i = 1; i < 1000; i++) {
		access_batch_add(&batch, &entry);
		assert_in_range(batch.bytes, line_bytes, sizeof(batch.held));
	}
	access_batch_flush(&batch);
	assert_int_equal(batch.bytes, 0);
	access_batch_flush(&batch);
	sink_free(&sink);
	assert_int_equal(count_of(scratch_read("access.log"), '\n'), 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_json),
	    cmocka_unit_test(writes_combined),
	    cmocka_unit_test(writes_what_is_not_known),
	    cmocka_unit_test(escapes_what_clients_send),
	    cmocka_unit_test(hides_queries),
	    cmocka_unit_test(always_fits),
	    cmocka_unit_test(cuts_the_target),
	    cmocka_unit_test(says_what_does_not_fit),
	    cmocka_unit_test_setup_teardown(batches_lines, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
