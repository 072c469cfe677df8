/* test_keyrule.c: rules of session.keys: which are refused, and what the others find. */
#include "affinity/keyrule.h"
#include "head_text.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct keyrule *
compiled(const char *text)
{
	struct keyrule *rule = NULL;
	struct problem p = {""};
	if (keyrule_compile(slice_of(text), &rule, &p) != RESULT_OK)
		fail_msg("%s: %s", text, p.text);
	return rule;
}

/* Rules that are taken, and their source. */
static void
takes_good_rules(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum keyrule_source source;
		const char *name;
	} rows[] = {
	    {"cookie:JSESSIONID", KEY_COOKIE, "JSESSIONID"},
	    {" cookie:JSESSIONID ", KEY_COOKIE, "JSESSIONID"},
	    {"cookie:JSESSIONID | before:.", KEY_COOKIE, "JSESSIONID"},
	    {"cookie:JSESSIONID | after:! | before:. | lower", KEY_COOKIE, "JSESSIONID"},
	    {"cookie:a | before:| | after:||", KEY_COOKIE, "a"},
	    {"cookie:a | before:a b", KEY_COOKIE, "a"},
	    {"cookie:a | before:1234567890123456", KEY_COOKIE, "a"},
	    {"header:X-Session-Id | lower", KEY_HEADER, "X-Session-Id"},
	    {"header:Authorization", KEY_HEADER, "Authorization"},
	    {"header:Host", KEY_HEADER, "Host"},
	    {"query:sid", KEY_QUERY, "sid"},
	    {"query:a%5Bb", KEY_QUERY, "a%5Bb"},
	    {"path:^/u/([^/]+)", KEY_PATH, "^/u/([^/]+)"},
	    {"path:^/(a|b)/", KEY_PATH, "^/(a|b)/"},
	    {"path:(?:x)(?<id>y) | lower", KEY_PATH, "(?:x)(?<id>y)"},
	    {"ip", KEY_IP, ""},
	    {"ip | before:.", KEY_IP, ""},
	    {"bearer:sub", KEY_BEARER, "sub"},
	    {"bearer:https://shop.example/user id | lower", KEY_BEARER,
	     "https://shop.example/user id"},
	    {"basic:user", KEY_BASIC, "user"},
	    {"response-cookie:SID | before:.", KEY_RESPONSE_COOKIE, "SID"},
	    {"response-header:Mcp-Session-Id", KEY_RESPONSE_HEADER, "Mcp-Session-Id"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keyrule *rule = compiled(rows[i].text);
		assert_int_equal(keyrule_source(rule), rows[i].source);
		assert_true(slice_equal(keyrule_name(rule), slice_of(rows[i].name)));
		keyrule_free(&rule);
		assert_null(rule);
	}
}

/* Rules that are refused, with words that help. */
static void
refuses_bad_rules(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
	    {"", "not a key rule"},
	    {"   ", "not a key rule"},
	    {"JSESSIONID", "cookie:NAME"},
	    {"Cookie:a", "not a key rule"},
	    {"bearer sub", "bearer:CLAIM"},
	    {"bearer:", "nothing stands behind"},
	    {"bearer:a\tb", "not the name of a claim"},
	    {"bearer:a\x7f", "not the name of a claim"},
	    {"bearer:sub|lower", "blank on both sides"},
	    {"basic:", "nothing stands behind"},
	    {"basic:password", "basic:user alone"},
	    {"response-cookie:", "nothing stands behind"},
	    {"response-cookie:a b", "not a cookie name"},
	    {"response-header:X Y", "not a header name"},
	    {"response-header:Set-Cookie", "cookie:NAME"},
	    {"response-header:Holdfast-Pass", "belongs to"},
	    {"response-query:a", "not a key rule"},
	    {"ip:", "not a key rule"},
	    {"ip | ", "not an option"},
	    {"cookie:", "nothing stands behind"},
	    {"cookie: | lower", "nothing stands behind"},
	    {"cookie:a b", "not a cookie name"},
	    {"cookie:a;b", "not a cookie name"},
	    {"cookie:a=b", "not a cookie name"},
	    {"cookie:a|lower", "blank on both sides"},
	    {"cookie:a |lower", "blank on both sides"},
	    {"cookie:a | upper", "\"upper\": not an option"},
	    {"cookie:a | Lower", "not an option"},
	    {"cookie:a | lower lower", "not an option"},
	    {"cookie:a | ", "not an option"},
	    {"cookie:a | | lower", "not an option"},
	    {"cookie:a | before", "not an option"},
	    {"cookie:a | before:", "1 to 16"},
	    {"cookie:a | after: | lower", "1 to 16"},
	    {"cookie:a | before:12345678901234567", "1 to 16"},
	    {"cookie:a | lower | lower | lower | lower | lower | lower | lower | lower | lower",
	     "more than 8 options"},
	    {"header:", "nothing stands behind"},
	    {"header:X Y", "not a header name"},
	    {"header:X:", "not a header name"},
	    {"header:Cookie", "cookie:NAME"},
	    {"header:set-cookie", "cookie:NAME"},
	    {"header:Connection", "belongs to"},
	    {"header:Content-Length", "belongs to"},
	    {"header:Holdfast-Session", "belongs to"},
	    {"query:a=b", "query parameter"},
	    {"query:a&b", "query parameter"},
	    {"query:a b", "query parameter"},
	    {"path:", "nothing stands behind"},
	    {"path:^/x", "no group"},
	    {"path:^/(?:x)", "no group"},
	    {"path:^/(x", "at character"},
	    {"path:(*UTF)(x)", "at character"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keyrule *rule = NULL;
		struct problem p = {""};
		if (keyrule_compile(slice_of(rows[i].text), &rule, &p) != RESULT_INVALID)
			fail_msg("taken: %s", rows[i].text);
		assert_null(rule);
		if (strstr(p.text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].text, p.text);
	}
	char longer[KEYRULE_TEXT_BYTES_MAX + 2];
	memset(longer, 'a', sizeof(longer));
	static const char kind[] = {'c', 'o', 'o', 'k', 'i', 'e', ':'};
	memcpy(longer, kind, sizeof(kind));
	struct keyrule *rule = NULL;
	assert_int_equal(keyrule_compile((struct slice){longer, sizeof(longer)}, &rule, NULL),
			 RESULT_INVALID);
	assert_int_equal(keyrule_compile((struct slice){longer, sizeof(longer) - 2}, &rule, NULL),
			 RESULT_OK);
	keyrule_free(&rule);
	keyrule_free(&rule);
}

static struct http_head head;
static char scratch[SESSION_KEY_BYTES_MAX];
static const struct addr client = {.family = AF_INET, .port = 4711, .ip = {192, 0, 2, 7}};

/* NULL: the rule does not match. */
static void
assert_key(const char *rule_text, const char *head_text, const char *want)
{
	struct keyrule *rule = compiled(rule_text);
	head_split(slice_of(head_text), &head);
	struct slice key;
	bool matched =
	    keyrule_match(rule, &head, (struct keyrule_client){&client, NULL}, scratch, &key);
	if (matched != (want != NULL))
		fail_msg("%s on %s: %s", rule_text, head_text,
			 matched ? "matches" : "does not match");
	if (matched && !slice_equal(key, slice_of(want)))
		fail_msg("%s on %s: %.*s", rule_text, head_text, SLICE_ARG(key));
	keyrule_free(&rule);
}

#define GET(target, fields) "GET " target " HTTP/1.1\r\n" fields "\r\n"

/* Keys of requests, source by source. */
static void
finds_keys(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		const char *head;
		const char *key;
	} rows[] = {
	    /* cookie */
	    {"cookie:J", GET("/", "Cookie: J=abc\r\n"), "abc"},
	    {"cookie:J", GET("/", "Cookie: a=1; J=abc; b=2\r\n"), "abc"},
	    {"cookie:J", GET("/", "Cookie: a=1\r\nCookie: J=x; J=y\r\n"), "x"},
	    {"cookie:J", GET("/", "Cookie: J=%41\r\n"), "%41"},
	    {"cookie:J", GET("/", "Cookie: J=\"abc\"\r\n"), "\"abc\""},
	    {"cookie:J", GET("/", "Cookie: j=abc\r\n"), NULL},
	    {"cookie:J", GET("/", "Cookie: J=\r\n"), NULL},
	    {"cookie:J", GET("/", ""), NULL},
	    /* header */
	    {"header:X-Id", GET("/", "x-id:  Abc  \r\n"), "Abc"},
	    {"header:X-Id", GET("/", "X-Id: 1\r\nX-Id: 2\r\n"), "1"},
	    {"header:X-Id", GET("/", "X-Id:\r\n"), NULL},
	    {"header:X-Id", GET("/", "X-Id2: 1\r\n"), NULL},
	    /* query: raw names, raw values, the first */
	    {"query:sid", GET("/?sid=abc", ""), "abc"},
	    {"query:sid", GET("/p?a=1&sid=a%20b&sid=2", ""), "a%20b"},
	    {"query:sid", GET("/p?a=1&sid=x?y=z", ""), "x?y=z"},
	    {"query:sid", GET("/p?xsid=1&sid2=2&SID=3&sid", ""), NULL},
	    {"query:sid", GET("/p?%73id=1", ""), NULL},
	    {"query:sid", GET("/sid=1", ""), NULL},
	    {"query:sid", GET("/p?", ""), NULL},
	    {"query:sid", GET("/p?&&sid=7&", ""), "7"},
	    {"query:sid", GET("/p?sid=", ""), NULL},
	    {"query:sid", GET("/p?sid=&sid=2", ""), NULL},
	    {"query:sid", GET("*", ""), NULL},
	    /* path: group 1, without the query, anchored when asked */
	    {"path:^/u/([^/]+)", GET("/u/ann/x", ""), "ann"},
	    {"path:/u/([^/]+)", GET("/x/u/ann", ""), "ann"},
	    {"path:^/u/([^/]+)", GET("/x/u/ann", ""), NULL},
	    {"path:^/u/(.+)$", GET("/u/ann?u=/u/bob", ""), "ann"},
	    {"path:\\?(.*)", GET("/u?x", ""), NULL},
	    {"path:^/u/(x)?", GET("/u/", ""), NULL},
	    {"path:^/u/(x*)", GET("/u/", ""), NULL},
	    {"path:^/(a)(b)(c)(d)(e)", GET("/abcde", ""), "a"},
	    {"path:^/(?:(a)|b)(b)(c)", GET("/bbc", ""), NULL},
	    {"path:;jsessionid=(\\w+)", GET("/x;jsessionid=A1", ""), "A1"},
	    {"path:(\\xe4.)", GET("/\xe4\xf6", ""), "\xe4\xf6"},
	    /* credentials; credentials.h's own tests have the rest */
	    {"bearer:sub", GET("/", "authorization: Bearer e30.eyJzdWIiOiJBbm4uWCJ9.\r\n"),
	     "Ann.X"},
	    {"bearer:sub | before:. | lower",
	     GET("/", "Authorization: bearer e30.eyJzdWIiOiJBbm4uWCJ9.c2ln\r\n"), "ann"},
	    {"bearer:Sub", GET("/", "Authorization: Bearer e30.eyJzdWIiOiJBbm4uWCJ9.\r\n"), NULL},
	    {"bearer:sub", GET("/", "Authorization: Basic YW5uOng=\r\n"), NULL},
	    {"bearer:sub", GET("/", "Proxy-Authorization: Bearer e30.eyJzdWIiOiJBbm4uWCJ9.\r\n"),
	     NULL},
	    {"bearer:sub", GET("/", ""), NULL},
	    {"basic:user", GET("/", "Authorization: Basic QW5uQHg6cHc=\r\n"), "Ann@x"},
	    {"basic:user | before:@ | lower", GET("/", "Authorization: Basic QW5uQHg6cHc=\r\n"),
	     "ann"},
	    {"basic:user", GET("/", "Authorization: Bearer e30.eyJzdWIiOiJBbm4uWCJ9.\r\n"), NULL},
	    {"basic:user", GET("/", ""), NULL},
	    /* what stands in answers alone */
	    {"response-cookie:J", GET("/", "Cookie: J=abc\r\nSet-Cookie: J=abc\r\n"), NULL},
	    {"response-header:X-Id", GET("/", "X-Id: abc\r\n"), NULL},
	    /* ip: without the port */
	    {"ip", GET("/", ""), "192.0.2.7"},
	    /* options, in order */
	    {"cookie:J | before:.", GET("/", "Cookie: J=ab.c.d\r\n"), "ab"},
	    {"cookie:J | before:.", GET("/", "Cookie: J=ab\r\n"), "ab"},
	    {"cookie:J | before:.", GET("/", "Cookie: J=.ab\r\n"), NULL},
	    {"cookie:J | after:!", GET("/", "Cookie: J=ab!c!d\r\n"), "c!d"},
	    {"cookie:J | after:!", GET("/", "Cookie: J=ab!\r\n"), NULL},
	    {"cookie:J | after:! | before:.", GET("/", "Cookie: J=a.b!c.d\r\n"), "c"},
	    {"cookie:J | before:. | after:!", GET("/", "Cookie: J=a!b.c!d\r\n"), "b"},
	    {"cookie:J | before:--x", GET("/", "Cookie: J=a-b--c--x\r\n"), "a-b--c"},
	    {"cookie:J | lower", GET("/", "Cookie: J=AbC.\xc4\r\n"), "abc.\xc4"},
	    {"cookie:J | before:B", GET("/", "Cookie: J=abAB\r\n"), "abA"},
	    {"cookie:J | lower | before:B", GET("/", "Cookie: J=abAB\r\n"), "abab"},
	    {"cookie:J | lower | after:b | lower", GET("/", "Cookie: J=ABAB\r\n"), "ab"},
	    {"ip | after:. | lower", GET("/", ""), "0.2.7"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_key(rows[i].rule, rows[i].head, rows[i].key);
}

/* An IPv6 client has its canonical text; a client without an address has no key. */
static void
ip_of_other_clients(void **state)
{
	(void)state;
	struct keyrule *rule = compiled("ip");
	const struct addr v6 = {
	    .family = AF_INET6, .port = 1, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	const struct addr none = {.family = 0};
	struct slice key;
	assert_true(keyrule_match(rule, &head, (struct keyrule_client){&v6, NULL}, scratch, &key));
	assert_true(slice_equal(key, SLICE("2001:db8::1")));
	assert_false(
	    keyrule_match(rule, &head, (struct keyrule_client){&none, NULL}, scratch, &key));
	keyrule_free(&rule);
}

/* The longest key that is taken has SESSION_KEY_BYTES_MAX bytes, before or after options. */
static void
bounds_the_key(void **state)
{
	(void)state;
	static char text[SESSION_KEY_BYTES_MAX + 200];
	for (size_t over = 0; over < 2; over++) {
		struct writer w = writer_on(text, sizeof(text));
		write_literal(&w, "GET / HTTP/1.1\r\nCookie: J=");
		for (size_t i = 0; i < SESSION_KEY_BYTES_MAX + over; i++)
			write_char(&w, 'K');
		write_literal(&w, "\r\nX-Id: .KEY\r\n\r\n");
		head_split((struct slice){text, w.bytes}, &head);
		static const char *const rules[] = {"cookie:J", "cookie:J | lower"};
		for (size_t i = 0; i < COUNT(rules); i++) {
			struct keyrule *rule = compiled(rules[i]);
			struct slice key;
			assert_int_equal(keyrule_match(rule, &head,
						       (struct keyrule_client){&client, NULL},
						       scratch, &key),
					 over == 0);
			if (over == 0)
				assert_int_equal(key.bytes, SESSION_KEY_BYTES_MAX);
			keyrule_free(&rule);
		}
	}
}

/* An expression that would run for ever stops at its limit and finds nothing. */
static void
stops_a_runaway_expression(void **state)
{
	(void)state;
	static char text[8192];
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "GET /");
	for (size_t i = 0; i < 4000; i++)
		write_char(&w, 'a');
	write_literal(&w, "! HTTP/1.1\r\n\r\n");
	head_split((struct slice){text, w.bytes}, &head);
	static const char *const rules[] = {"path:^/((a+)+)$", "path:^/((a|a)*)*$",
					    "path:^/((?:a*)*b)"};
	for (size_t i = 0; i < COUNT(rules); i++) {
		struct keyrule *rule = compiled(rules[i]);
		struct slice key;
		assert_false(keyrule_match(rule, &head, (struct keyrule_client){&client, NULL},
					   scratch, &key));
		keyrule_free(&rule);
	}
}

struct matcher {
	const struct keyrule *rule;
	unsigned number;
	bool ok;
};

static void *
match_often(void *context)
{
	struct matcher *m = context;
	char text[64];
	char want[16];
	(void)snprintf(text, sizeof(text), "GET /u/%uX/ HTTP/1.1\r\n\r\n", m->number);
	(void)snprintf(want, sizeof(want), "%ux", m->number);
	struct http_head *own = malloc(sizeof(*own));
	if (own == NULL)
		return NULL;
	head_split(slice_of(text), own);
	m->ok = true;
	for (int i = 0; i < 5000; i++) {
		char space[SESSION_KEY_BYTES_MAX];
		struct slice key = SLICE_NONE;
		m->ok &= keyrule_match(m->rule, own, (struct keyrule_client){&client, NULL}, space,
				       &key) &&
			 slice_equal(key, slice_of(want));
	}
	free(own);
	return NULL;
}

/* One rule serves many threads at once; each gets its own key. */
static void
matches_in_threads(void **state)
{
	(void)state;
	struct keyrule *rule = compiled("path:^/u/([^/]+)/ | lower");
	pthread_t threads[4];
	struct matcher matchers[4];
	for (unsigned i = 0; i < 4; i++) {
		matchers[i] = (struct matcher){rule, i * 1111, false};
		assert_int_equal(pthread_create(&threads[i], NULL, match_often, &matchers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(matchers[i].ok);
	}
	keyrule_free(&rule);
}

#define ANSWER(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n"

/* Keys that an answer issues. */
static void
finds_issued_keys(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		const char *head;
		const char *key;
	} rows[] = {
	    {"cookie:J", ANSWER("Set-Cookie: J=abc; Path=/\r\n"), "abc"},
	    {"cookie:J | before:.", ANSWER("Set-Cookie: J=abc.n1; Path=/\r\n"), "abc"},
	    {"cookie:J | lower", ANSWER("Set-Cookie: J=ABC\r\n"), "abc"},
	    {"cookie:J", ANSWER("Set-Cookie: J=1\r\nSet-Cookie: J=2\r\n"), "2"},
	    {"cookie:J", ANSWER("Set-Cookie: J=; Max-Age=0\r\n"), NULL},
	    {"cookie:J", ANSWER("Set-Cookie: J=x; Max-Age=0\r\n"), NULL},
	    {"cookie:J", ANSWER("Cookie: J=x\r\n"), NULL},
	    {"cookie:J", ANSWER("Set-Cookie: K=x\r\n"), NULL},
	    {"header:X-Id", ANSWER("x-id: abc\r\n"), "abc"},
	    {"header:X-Id", ANSWER("X-Id: \r\n"), NULL},
	    {"header:X-Id", ANSWER(""), NULL},
	    {"response-cookie:J", ANSWER("Set-Cookie: J=abc; Path=/\r\n"), "abc"},
	    {"response-cookie:J | before:. | lower", ANSWER("Set-Cookie: J=Abc.N1\r\n"), "abc"},
	    {"response-cookie:J", ANSWER("Set-Cookie: J=; Max-Age=0\r\n"), NULL},
	    {"response-cookie:J", ANSWER("J: abc\r\n"), NULL},
	    {"response-header:X-Id", ANSWER("x-id: abc\r\n"), "abc"},
	    {"response-header:X-Id | after:=", ANSWER("x-id: v=abc\r\n"), "abc"},
	    {"response-header:X-Id", ANSWER("Set-Cookie: X-Id=abc\r\n"), NULL},
	    {"bearer:sub", ANSWER("Authorization: Bearer e30.eyJzdWIiOiJBbm4uWCJ9.\r\n"), NULL},
	    {"basic:user", ANSWER("Authorization: Basic YW5uOng=\r\n"), NULL},
	    {"query:J", ANSWER("Set-Cookie: J=abc\r\n"), NULL},
	    {"path:(J)", ANSWER("Set-Cookie: J=abc\r\n"), NULL},
	    {"ip", ANSWER("Set-Cookie: J=abc\r\n"), NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keyrule *rule = compiled(rows[i].rule);
		head_split(slice_of(rows[i].head), &head);
		struct slice key;
		bool matched = keyrule_match_response(rule, &head, scratch, &key);
		assert_true(keyrule_learns(rule) || !matched);
		if (matched != (rows[i].key != NULL))
			fail_msg("%s on %s", rows[i].rule, rows[i].head);
		if (matched)
			assert_true(slice_equal(key, slice_of(rows[i].key)));
		keyrule_free(&rule);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_good_rules),   cmocka_unit_test(refuses_bad_rules),
	    cmocka_unit_test(finds_keys),         cmocka_unit_test(ip_of_other_clients),
	    cmocka_unit_test(bounds_the_key),     cmocka_unit_test(stops_a_runaway_expression),
	    cmocka_unit_test(matches_in_threads), cmocka_unit_test(finds_issued_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
