/* test_answers.c: whole answers, of a node that is only told of. */
#include "admin/answers.h"
#include "base/digest.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "head.h"
#include "model.h"

#define OWN    "Host: localhost\r\n"
#define CHANGE OWN "Holdfast-Admin: 1\r\n"

/* What the node was asked, and what it says. */
static struct {
	enum result says;
	bool stopping;
	struct admin_wish wish;
	char key[64];
	char down[64];
	unsigned reloads;
} told;

static struct admin_answer answer;

static struct guard_rules
rules(void *node)
{
	assert_ptr_equal(node, &told);
	return (struct guard_rules){.token = NULL};
}

static bool
stopping(void *node)
{
	(void)node;
	return told.stopping;
}

static enum result
status(void *node, struct status *out)
{
	(void)node;
	*out = model();
	return told.says;
}

static enum result
explain(void *node, const struct admin_question *q, struct grow *out, struct problem *p)
{
	(void)node;
	(void)snprintf(told.key, sizeof(told.key), "%.*s", SLICE_ARG(q->key));
	(void)snprintf(told.down, sizeof(told.down), "%s", q->down != NULL ? q->down : "");
	grow_text(out, "{\"explained\":true}");
	return told.says == RESULT_OK ? RESULT_OK : problem_set(p, told.says, "why \"%d\"", 1);
}

static enum result
order(void *node, const struct admin_wish *wish, struct admin_granted *out, struct problem *p)
{
	(void)node;
	told.wish = *wish;
	*out = (struct admin_granted){
	    .service = "shop", .id = "a", .state = MEMBER_DRAIN, .order = wish->order, .active = 2};
	return told.says == RESULT_OK ? RESULT_OK : problem_set(p, told.says, "no");
}

static enum result
reload(void *node, struct problem *p)
{
	(void)node;
	told.reloads++;
	return told.says == RESULT_OK ? RESULT_OK : problem_set(p, told.says, "line 3");
}

static enum result
readmit(void *node, struct slice id, struct admin_readmitted *out, struct problem *p)
{
	(void)node;
	*out = (struct admin_readmitted){.silent_ms = 1200};
	(void)snprintf(out->node, sizeof(out->node), "%.*s", SLICE_ARG(id));
	return told.says == RESULT_OK ? RESULT_OK : problem_set(p, told.says, "why");
}

static struct admin_later later;

/* At once, or later, by told.says. */
static bool
master(void *node, struct slice query, struct admin_later *to, struct admin_answer *out)
{
	(void)node;
	assert_ptr_equal(to, &later);
	(void)snprintf(told.key, sizeof(told.key), "%.*s", SLICE_ARG(query));
	if (told.says != RESULT_OK)
		return false;
	admin_answer_begin(out, 200, "application/json");
	grow_text(&out->body, "{\"master\":true}");
	return true;
}

static struct admin_face face;

static int
start(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	face = (struct admin_face){.node = &told,
				   .rules = rules,
				   .stopping = stopping,
				   .status = status,
				   .explain = explain,
				   .order = order,
				   .master = master,
				   .readmit = readmit,
				   .reload = reload};
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	admin_answer_deinit(&answer);
	return 0;
}

/* The status; the body stays in `answer`. */
static int
ask(const char *request, const char *lines)
{
	admin_answer_deinit(&answer);
	answer = (struct admin_answer){.status = 0};
	admin_answer(&face, head_of(request, lines), "127.0.0.1:5", &later, &answer);
	return answer.status;
}

static void
assert_body(const char *want)
{
	assert_int_equal(answer.body.bytes, strlen(want));
	assert_memory_equal(answer.body.at, want, answer.body.bytes);
}

static void
assert_error(const char *want)
{
	json_t *read = json_loadb(answer.body.at, answer.body.bytes, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(read, "error")), want);
	assert_string_equal(answer.type, "application/json");
	json_decref(read);
}

static void
who_looks(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /status", OWN), 200);
	assert_string_equal(answer.type, "application/json");
	assert_int_equal(ask("GET /metrics", OWN), 200);
	assert_string_equal(answer.type, "text/plain; version=0.0.4; charset=utf-8");
	assert_int_equal(ask("GET /", OWN), 200);
	assert_non_null(strstr(answer.fields, "Content-Security-Policy: default-src 'none'; "));
	assert_int_equal(ask("HEAD /health", OWN), 200);
	assert_true(answer.head_only);
	assert_int_equal(ask("GET /events", OWN), 200);
	assert_true(answer.follow);
	assert_false(answer.head_only);
	assert_int_equal(ask("HEAD /events", OWN), 200);
	assert_true(answer.head_only);
	assert_true(answer.follow); /* what has no end has no length */
	assert_int_equal(ask("GET /status?brief=1", OWN), 200);
	assert_int_equal(ask("GET /status?brief=0", OWN), 200);
	assert_int_equal(ask("GET /status?brief=%zz", OWN), 400);
	told.says = RESULT_NO_MEMORY;
	assert_int_equal(ask("GET /status", OWN), 503);
	assert_int_equal(ask("GET /metrics", OWN), 503);
	assert_int_equal(ask("GET /", OWN), 503);
	assert_error("no memory");
	told.stopping = true;
	assert_int_equal(ask("GET /health", OWN), 503);
	assert_body("{\"status\":\"stopping\"}\n");
}

static void
who_asks_where(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /explain?down=b%2Cc&key=a+b", OWN), 200);
	assert_body("{\"explained\":true}");
	assert_string_equal(told.key, "a b");
	assert_string_equal(told.down, "b,c");
	assert_int_equal(ask("GET /explain?key=a&digest=00", OWN), 400);
	assert_int_equal(ask("GET /explain", OWN), 400);
	assert_int_equal(ask("GET /explain?key=%", OWN), 400);
	assert_error("key: too long, or encoded wrongly");
	told.says = RESULT_NOT_FOUND;
	assert_int_equal(ask("GET /explain?key=a", OWN), 404);
	assert_error("why \"1\"");
	told.says = RESULT_INVALID;
	assert_int_equal(ask("GET /explain?key=a", OWN), 400);
}

static void
who_steers(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		enum member_state order;
		bool drain_only;
	} orders[] = {{"POST /members/a/drain?service=shop", MEMBER_DRAIN, false},
		      {"POST /members/a/maint?service=shop", MEMBER_MAINT, false},
		      {"POST /members/a/up?service=shop", MEMBER_UP, false},
		      {"POST /members/a/undrain?service=shop", MEMBER_UP, true}};
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		memset(&told.wish, 0, sizeof(told.wish));
		assert_int_equal(ask(orders[i].request, OWN), 403);
		assert_null(told.wish.id.at); /* nobody was asked */
		assert_int_equal(ask(orders[i].request, CHANGE), 200);
		assert_int_equal(told.wish.order, orders[i].order);
		assert_int_equal(told.wish.drain_only, orders[i].drain_only);
	}
	assert_body("{\"service\":\"shop\",\"member\":\"a\",\"order\":null,\"state\":\"drain\","
		    "\"active\":2}\n");
	static const struct {
		enum result says;
		int status;
	} refusals[] = {{RESULT_NOT_FOUND, 404}, {RESULT_INVALID, 409}, {RESULT_LIMIT, 409}};
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		told.says = refusals[i].says;
		assert_int_equal(ask("POST /members/a/drain", CHANGE), refusals[i].status);
		assert_error("no");
	}
}

static struct admin_role role_now;

static enum result
role(void *node, const struct admin_role_ask *a, struct admin_role *out, struct problem *p)
{
	(void)node;
	assert_int_equal(a->what, ADMIN_ROLE_LOOK);
	*out = role_now;
	return told.says == RESULT_OK ? RESULT_OK : problem_set(p, told.says, "why");
}

/* NULL: nothing is told. */
static void
assert_told(struct admin_role_seen *seen, const char *begins)
{
	struct grow text;
	grow_init(&text, 1000);
	assert_int_equal(admin_role_event(&face, "batch", seen, &text), begins != NULL);
	if (begins != NULL)
		assert_memory_equal(text.at, begins, strlen(begins));
	grow_deinit(&text);
}

/* What changed is told, and not what only goes on. */
static void
who_follows_a_role(void **state)
{
	struct admin_role_seen seen = {.told = false};
	(void)state;
	face.role = role;
	role_now = (struct admin_role){.term = 0};
	assert_told(&seen, "event: free\ndata: {\"role\":\"batch\",\"held\":false,");
	assert_told(&seen, NULL);
	role_now = (struct admin_role){.term = 3, .expires_ms = 900, .holder = "p1", .node = "a"};
	assert_told(&seen, "event: held\ndata: {\"role\":\"batch\",\"held\":true,\"yours\":false,"
			   "\"holder\":\"p1\",\"node\":\"a\",\"term\":3,\"expires_in\":0.900}\n\n");
	role_now.expires_ms = 1000; /* renewed */
	assert_told(&seen, NULL);
	role_now.term = 4; /* lost and won again, unseen */
	assert_told(&seen, "event: held\n");
	(void)snprintf(role_now.holder, sizeof(role_now.holder), "p2");
	assert_told(&seen, "event: held\n");
	told.says = RESULT_IO;
	role_now.expires_ms = 0;
	assert_told(&seen, NULL);
	told.says = RESULT_OK;
	assert_told(&seen, "event: free\n");
	face.role = NULL;
	assert_told(&seen, NULL);
}

static void
who_readmits_a_voter(void **state)
{
	(void)state;
	assert_int_equal(ask("POST /v1/voter/readmit?node=a", OWN), 403);
	assert_int_equal(ask("POST /v1/voter/readmit?node=a", CHANGE), 200);
	assert_body("{\"node\":\"a\",\"state\":\"learning\",\"silent_ms\":1200}\n");
	told.says = RESULT_LIMIT; /* too few others know */
	assert_int_equal(ask("POST /v1/voter/readmit?node=a", CHANGE), 409);
	told.says = RESULT_INVALID; /* nothing is lost */
	assert_int_equal(ask("POST /v1/voter/readmit?node=a", CHANGE), 409);
	told.says = RESULT_NOT_FOUND;
	assert_int_equal(ask("POST /v1/voter/readmit", CHANGE), 404);
	assert_error("why");
}

static void
who_reloads(void **state)
{
	(void)state;
	assert_int_equal(ask("POST /reload", OWN), 403);
	assert_int_equal(told.reloads, 0);
	assert_int_equal(ask("POST /reload", CHANGE), 200);
	assert_int_equal(told.reloads, 1);
	told.says = RESULT_INVALID;
	assert_int_equal(ask("POST /reload", CHANGE), 422);
	assert_error("line 3");
	told.stopping = true;
	assert_int_equal(ask("POST /reload", CHANGE), 503);
	assert_int_equal(told.reloads, 2);
	face.reload = NULL;
	assert_int_equal(ask("POST /reload", CHANGE), 501);
	assert_error("not in this version");
}

static void
who_is_turned_away(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /nope", OWN), 404);
	assert_int_equal(ask("PUT /status", OWN), 405);
	assert_string_equal(answer.fields, "Allow: GET, HEAD\r\n");
	assert_int_equal(ask("GET /reload", OWN), 405);
	assert_string_equal(answer.fields, "Allow: POST\r\n");
	assert_int_equal(ask("GET /nope", "Host: evil.example\r\n"), 403);
	assert_string_equal(answer.fields, "");
}

/* The client's question: now, later, or not without a cluster. */
static void
who_is_master(void **state)
{
	(void)state;
	assert_int_equal(ask("GET /v1/master?dead=a", OWN), 200);
	assert_string_equal(told.key, "dead=a");
	assert_false(answer.later);
	told.says = RESULT_LIMIT;
	(void)ask("HEAD /v1/master", OWN);
	assert_true(answer.later);
	assert_true(answer.head_only);
	face.master = NULL;
	assert_int_equal(ask("GET /v1/master", OWN), 404);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(who_looks, start, stop),
	    cmocka_unit_test_setup_teardown(who_asks_where, start, stop),
	    cmocka_unit_test_setup_teardown(who_steers, start, stop),
	    cmocka_unit_test_setup_teardown(who_follows_a_role, start, stop),
	    cmocka_unit_test_setup_teardown(who_readmits_a_voter, start, stop),
	    cmocka_unit_test_setup_teardown(who_reloads, start, stop),
	    cmocka_unit_test_setup_teardown(who_is_master, start, stop),
	    cmocka_unit_test_setup_teardown(who_is_turned_away, start, stop),
	};
	log_level_set(LOG_LEVEL_ERROR);
	return digest_init() ? cmocka_run_group_tests_name("answers", tests, NULL, NULL) : 1;
}
