/* test_guard.c: who is let in: names, origins, tokens, and the field that no form can send. */
#include "admin/guard.h"
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "head.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TOKEN        "0123456789abcdef"

static const char *const names[] = {"ops.example", "admin"};
static const struct guard_rules open_rules = {.hosts = names, .host_count = COUNT(names)};
static const struct guard_rules token_rules = {.token = TOKEN};

struct visit {
	const struct guard_rules *rules;
	bool changes;
	const char *lines;
	enum guard_verdict want;
};

#define OWN "Host: 127.0.0.1:8081\r\n"

static const struct visit visits[] = {
    /* names */
    {&open_rules, false, OWN, GUARD_PASS},
    {&open_rules, false, "Host: 127.0.0.1\r\n", GUARD_PASS},
    {&open_rules, false, "Host: [::1]:8081\r\n", GUARD_PASS},
    {&open_rules, false, "Host: [2001:db8::7]\r\n", GUARD_PASS},
    {&open_rules, false, "Host: LOCALHOST:1\r\n", GUARD_PASS},
    {&open_rules, false, "Host: Ops.Example\r\n", GUARD_PASS},
    {&open_rules, false, "Host: admin:8081\r\n", GUARD_PASS},
    {&open_rules, false, "Host: evil.example\r\n", GUARD_BAD_HOST},
    {&open_rules, false, "Host: ops.example.evil.example\r\n", GUARD_BAD_HOST},
    {&open_rules, false, "Host: x.ops.example\r\n", GUARD_BAD_HOST},
    {&open_rules, false, "Host: ops.example.\r\n", GUARD_BAD_HOST},
    {&open_rules, false, "Host: 127.0.0.1.evil.example\r\n", GUARD_BAD_HOST},
    {&open_rules, false, "Host: 127.1\r\n", GUARD_BAD_HOST},
    {&open_rules, false, "Host: 2130706433\r\n", GUARD_BAD_HOST},
    {&open_rules, false, "Host: \r\n", GUARD_BAD_HOST},
    {&token_rules, false, "Host: ops.example\r\nAuthorization: Bearer " TOKEN "\r\n",
     GUARD_BAD_HOST},
    /* origins */
    {&open_rules, false, OWN "Origin: http://127.0.0.1:8081\r\n", GUARD_PASS},
    {&open_rules, false, "Host: ADMIN\r\nOrigin: https://admin\r\n", GUARD_PASS},
    {&open_rules, false, OWN "Origin: http://127.0.0.1\r\n", GUARD_BAD_ORIGIN},
    {&open_rules, false, OWN "Origin: http://127.0.0.1:80811\r\n", GUARD_BAD_ORIGIN},
    {&open_rules, false, OWN "Origin: http://evil.example\r\n", GUARD_BAD_ORIGIN},
    {&open_rules, false, OWN "Origin: null\r\n", GUARD_BAD_ORIGIN},
    {&open_rules, false, OWN "Origin: \r\n", GUARD_BAD_ORIGIN},
    {&open_rules, false, OWN "Origin: 127.0.0.1:8081\r\n", GUARD_BAD_ORIGIN},
    {&open_rules, false, OWN "Origin: http://127.0.0.1:8081\r\nOrigin: http://127.0.0.1:8081\r\n",
     GUARD_BAD_ORIGIN},
    /* changes without a token */
    {&open_rules, true, OWN, GUARD_NO_FIELD},
    {&open_rules, true, OWN "Holdfast-Admin: 1\r\n", GUARD_PASS},
    {&open_rules, true, OWN "holdfast-admin:  1 \r\n", GUARD_PASS},
    {&open_rules, true, OWN "Holdfast-Admin: 11\r\n", GUARD_NO_FIELD},
    {&open_rules, true, OWN "Holdfast-Admin: \r\n", GUARD_NO_FIELD},
    {&open_rules, true, OWN "Holdfast-Admin: 1\r\nHoldfast-Admin: 1\r\n", GUARD_NO_FIELD},
    {&open_rules, true, OWN "Authorization: Bearer " TOKEN "\r\n", GUARD_NO_FIELD},
    /* with a token */
    {&token_rules, false, OWN, GUARD_NO_TOKEN},
    {&token_rules, true, OWN "Holdfast-Admin: 1\r\n", GUARD_NO_TOKEN},
    {&token_rules, false, OWN "Authorization: Bearer " TOKEN "\r\n", GUARD_PASS},
    {&token_rules, true, OWN "Authorization: bearer  " TOKEN " \r\n", GUARD_PASS},
    {&token_rules, false, OWN "Authorization: Bearer " TOKEN "0\r\n", GUARD_BAD_TOKEN},
    {&token_rules, false, OWN "Authorization: Bearer 0123456789abcde\r\n", GUARD_BAD_TOKEN},
    {&token_rules, false, OWN "Authorization: Bearer 0123456789ABCDEF\r\n", GUARD_BAD_TOKEN},
    {&token_rules, false, OWN "Authorization: Bearer\r\n", GUARD_BAD_TOKEN},
    {&token_rules, false, OWN "Authorization: \r\n", GUARD_BAD_TOKEN},
    {&token_rules, false, OWN "Authorization: Basic " TOKEN "\r\n", GUARD_BAD_TOKEN},
    {&token_rules, false, OWN "Authorization: " TOKEN "\r\n", GUARD_BAD_TOKEN},
    {&token_rules, false,
     OWN "Authorization: Bearer " TOKEN "\r\nAuthorization: Bearer " TOKEN "\r\n", GUARD_BAD_TOKEN},
};

static void
each_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(visits); i++) {
		const struct visit *v = &visits[i];
		const struct http_head *head = head_of(v->changes ? "POST /" : "GET /", v->lines);
		enum guard_verdict got = guard_check(v->rules, head, v->changes);
		if (got != v->want)
			fail_msg("%s%d, not %d", v->lines, (int)got, (int)v->want);
	}
}

/* An absolute target's host is the one that counts. */
static void
targets_have_hosts(void **state)
{
	(void)state;
	const struct http_head *head = head_of("GET http://evil.example/", OWN);
	assert_int_equal(guard_check(&open_rules, head, false), GUARD_BAD_HOST);
	head = head_of("GET http://localhost:5/", "Host: evil.example\r\n");
	assert_int_equal(guard_check(&open_rules, head, false), GUARD_PASS);
}

static void
verdicts_have_statuses(void **state)
{
	(void)state;
	assert_int_equal(guard_status(GUARD_BAD_HOST), 403);
	assert_int_equal(guard_status(GUARD_BAD_ORIGIN), 403);
	assert_int_equal(guard_status(GUARD_NO_FIELD), 403);
	assert_int_equal(guard_status(GUARD_NO_TOKEN), 401);
	assert_int_equal(guard_status(GUARD_BAD_TOKEN), 401);
	for (int v = GUARD_BAD_HOST; v <= GUARD_NO_FIELD; v++)
		assert_true(strlen(guard_text((enum guard_verdict)v)) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_is_judged),
	    cmocka_unit_test(targets_have_hosts),
	    cmocka_unit_test(verdicts_have_statuses),
	};
	return digest_init() ? cmocka_run_group_tests_name("guard", tests, NULL, NULL) : 1;
}
