/*
 * fuzz_escape.c: any bytes as what clients send, before everything that writes text for logs and
 * terminals. What must hold: a log line is printable ASCII, ends with its one '\n', fits, and is
 * JSON that means the very bytes that came; what `holdfast tail` prints holds no byte that a
 * terminal obeys; reading any line ends well.
 */
#include "cli/tail_line.h"
#include "record/access.h"
#include "record/failover_line.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* access.c links with it; nothing is batched here. */
void
sink_append(struct sink *sink, struct slice lines)
{
	(void)sink;
	(void)lines;
}

static void
check_printable(struct slice line)
{
	CHECK(line.bytes > 0 && line.at[line.bytes - 1] == '\n');
	for (size_t i = 0; i + 1 < line.bytes; i++)
		CHECK(line.at[i] >= 0x20 && line.at[i] < 0x7f);
}

/* A JSON string stands for each byte by the character of the same number. */
static void
check_means(const json_t *string, struct slice want)
{
	CHECK(json_is_string(string));
	const uint8_t *at = (const uint8_t *)json_string_value(string);
	const uint8_t *end = at + json_string_length(string);
	for (size_t i = 0; i < want.bytes; i++) {
		uint8_t c = (uint8_t)want.at[i];
		CHECK(at < end);
		if (c < 0x80) {
			CHECK(*at++ == c);
		} else {
			CHECK(end - at >= 2 && at[0] == (0xc0 | c >> 6) &&
			      at[1] == (0x80 | (c & 0x3f)));
			at += 2;
		}
	}
	CHECK(at == end);
}

static json_t *
check_json(struct slice line)
{
	check_printable(line);
	json_t *json =
	    json_loadb(line.at, line.bytes, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	CHECK(json_is_object(json));
	return json;
}

static void
check_failover(struct slice text)
{
	static char memory[FAILOVER_LINE_BYTES_MAX];
	struct writer w = writer_on(memory, sizeof(memory));
	struct slice id = {text.at, text.bytes < ID_BYTES_MAX ? text.bytes : ID_BYTES_MAX};
	struct failover_entry entry = {.event = EVENT_FAILOVER,
				       .service = id,
				       .reason = "none",
				       .evidence = text,
				       .chosen = id,
				       .moves = true,
				       .from = id,
				       .member = id};
	write_failover_line(&w, &entry);
	CHECK(!w.overflow);
	json_t *json = check_json((struct slice){w.at, w.bytes});
	if (text.bytes > 0 && text.bytes <= FAILOVER_EVIDENCE_MAX)
		check_means(json_object_get(json, "evidence"), text);
	if (id.bytes > 0)
		check_means(json_object_get(json, "service"), id);
	json_decref(json);

	static char shown[TAIL_TEXT_BYTES_MAX];
	static const struct tail_filter all;
	struct writer tail = writer_on(shown, sizeof(shown));
	CHECK(tail_write(&tail, &all, (struct slice){w.at, w.bytes - 1}, false) == TAIL_PASSES);
	CHECK(!tail.overflow);
	check_printable((struct slice){tail.at, tail.bytes});
}

static void
check_access(struct slice text)
{
	static char memory[ACCESS_LINE_BYTES_MAX];
	static const struct addr client;
	struct access_entry entry = {.client = &client,
				     .service = text,
				     .method = text,
				     .target = text,
				     .host = text,
				     .referer = text,
				     .user_agent = text,
				     .member = text,
				     .primary = text};
	struct writer w = writer_on(memory, sizeof(memory));
	write_access_combined(&w, &entry);
	CHECK(!w.overflow);
	check_printable((struct slice){w.at, w.bytes});
	w = writer_on(memory, sizeof(memory));
	write_access_json(&w, &entry);
	CHECK(!w.overflow);
	json_t *json = check_json((struct slice){w.at, w.bytes});
	if (text.bytes > 0 && text.bytes <= 200) /* never cut */
		check_means(json_object_get(json, "target"), text);
	json_decref(json);
}

/* The bytes as a line of the log. */
static void
check_tail(struct slice line)
{
	static char memory[TAIL_TEXT_BYTES_MAX];
	struct tail_filter filter = {.service = SLICE("s")};
	struct writer w = writer_on(memory, sizeof(memory));
	if (line.bytes > TAIL_LINE_BYTES_MAX)
		line.bytes = TAIL_LINE_BYTES_MAX;
	CHECK(tail_judge(&filter, line) == tail_write(&w, &filter, line, false));
	CHECK(!w.overflow);
	w = writer_on(memory, sizeof(memory));
	filter.service = SLICE_NONE;
	CHECK(tail_write(&w, &filter, line, false) != TAIL_FILTERED);
	CHECK(!w.overflow);
	check_printable((struct slice){w.at, w.bytes});
	if (tail_filter_add_events(&filter, line, NULL) == RESULT_OK)
		CHECK(filter.some_events);
	(void)tail_filter_set_session(&filter, line, NULL);
	CHECK(filter.session_digits <= TAIL_SESSION_DIGITS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice text = {(const char *)data, bytes};
	check_failover(text);
	check_access(text);
	check_tail(text);
	return 0;
}
