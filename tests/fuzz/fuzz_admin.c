/*
 * fuzz_admin.c: the input is what came to the admin listener. What must hold: nothing is changed
 * but by a POST with the field that no form can send, by a name that is known, of no other
 * origin; every answer of JSON is JSON, has a status that we know, and lines of its own that end
 * where they should; with a token configured nothing but 401 or a foreign name's 403 comes back.
 */
#include "admin/answers.h"
#include "base/digest.h"
#include "base/log.h"
#include "http/parse.h"

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

static bool changed;
static const char *token;
static struct http_head head;

static struct guard_rules
rules(void *node)
{
	static const char *const hosts[] = {"ops.example"};
	(void)node;
	return (struct guard_rules){.token = token, .hosts = hosts, .host_count = 1};
}

static bool
stopping(void *node)
{
	(void)node;
	return false;
}

static enum result
status(void *node, struct status *out)
{
	(void)node;
	out->node = "n\"<\n";
	out->config_file = "/etc/x";
	return RESULT_OK;
}

static enum result
explain(void *node, const struct admin_question *q, struct grow *out, struct problem *p)
{
	(void)node;
	CHECK(q->key.bytes <= SESSION_KEY_BYTES_MAX && q->service.bytes <= ID_BYTES_MAX);
	CHECK((q->key.bytes == 0) != (q->digest.bytes == 0));
	if (q->down != NULL)
		return problem_set(p, RESULT_NOT_FOUND, "no member %s", q->down);
	grow_text(out, "{}");
	return RESULT_OK;
}

static enum result
order(void *node, const struct admin_wish *wish, struct admin_granted *out, struct problem *p)
{
	(void)node;
	(void)p;
	CHECK(wish->id.bytes > 0 && wish->id.bytes <= ID_BYTES_MAX);
	changed = true;
	*out = (struct admin_granted){.service = "shop", .id = "a"};
	return RESULT_OK;
}

static enum result
reload(void *node, struct problem *p)
{
	(void)node;
	changed = true;
	return problem_set(p, RESULT_INVALID, "bad \"file\"\n");
}

static const struct admin_face face = {.rules = rules,
				       .stopping = stopping,
				       .status = status,
				       .explain = explain,
				       .order = order,
				       .reload = reload};

/* Whole lines, none of them empty: the head of an answer goes on behind them. */
static void
check_fields(const char *fields)
{
	while (*fields != '\0') {
		const char *end = strstr(fields, "\r\n");
		CHECK(end != NULL && end > fields);
		for (const char *at = fields; at < end; at++)
			CHECK(*at >= 0x20 && *at < 0x7f);
		fields = end + 2;
	}
}

static void
check_answer(const struct admin_answer *a)
{
	static const int known[] = {200, 400, 401, 403, 404, 405, 409, 422, 501, 503};
	size_t i = 0;
	while (i < sizeof(known) / sizeof(known[0]) && known[i] != a->status)
		i++;
	CHECK(i < sizeof(known) / sizeof(known[0]));
	CHECK(a->type != NULL && a->body.bytes > 0 && !a->body.failed);
	check_fields(a->fields);
	if (strcmp(a->type, "application/json") != 0)
		return;
	json_t *read = json_loadb(a->body.at, a->body.bytes, 0, NULL);
	CHECK(json_is_object(read));
	json_decref(read);
}

/* Who may: said here in other words than in guard.c. */
static void
check_change(void)
{
	size_t at = 0;
	const struct http_field *said = http_field_find(&head, SLICE("holdfast-admin"), &at);
	CHECK(head.method == METHOD_POST);
	CHECK(said != NULL && slice_equal(http_field_value(&head, said), SLICE("1")));
	bool numeric =
	    head.host.bytes > 0 && strspn(head.host.at, "0123456789.:[]abcdefABCDEF") > 0;
	CHECK(numeric || slice_has_prefix(head.host, SLICE("l")) ||
	      slice_has_prefix(head.host, SLICE("L")) || slice_has_prefix(head.host, SLICE("o")) ||
	      slice_has_prefix(head.host, SLICE("O")));
}

static void
ask(const char *with)
{
	struct admin_answer answer = {.status = 0};
	token = with;
	changed = false;
	struct admin_later later = {.answer = NULL};
	admin_answer(&face, &head, "192.0.2.1:5", &later, &answer);
	check_answer(&answer);
	if (changed)
		check_change();
	if (with != NULL)
		CHECK(!changed && (answer.status == 401 || answer.status == 403));
	admin_answer_deinit(&answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct parse_limits limits = {HTTP_HEAD_BYTES_MAX, 8192, 100};
	static struct parser *parser;
	size_t skipped;
	enum cause cause;
	const char *why;
	if (parser == NULL) {
		CHECK(digest_init());
		log_level_set(LOG_LEVEL_ERROR);
		parser = parser_create();
	}
	char *copy = malloc(bytes + 1); /* of the heap: overruns show */
	CHECK(copy != NULL);
	memcpy(copy, data, bytes);
	if (parse_request(parser, copy, bytes, &limits, &head, &skipped, &cause, &why) ==
	    PARSE_OK) {
		ask(NULL);
		ask("a token that nobody could guess");
	}
	free(copy);
	return 0;
}
