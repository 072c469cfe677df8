/* test_session.c: whose session a request is, with key rules and tags together. */
#include "session_fixture.h"

/* Neither key nor tag: 16 random bytes, and nothing to cut. */
static void
issues_a_new_session(void **state)
{
	(void)state;
	rules_build(1);
	identify("Cookie: a=1\r\n", "");
	assert_int_equal(session.source, SESSION_ISSUED);
	assert_int_equal(session.digest.bytes[15], 7);
	assert_int_equal(session.rejected, TAG_NONE);
	assert_int_equal(session.cut_count, 0);
	assert_int_equal(session.tagged, false);
	assert_int_equal(session.drop_header, false);
}

/* The first rule that matches gives the key, in the order of the rules. */
static void
first_rule_that_matches(void **state)
{
	(void)state;
	rules_build(1);
	identify("X-Session-Id: x\r\nCookie: JSESSIONID=abc.node1\r\n", "");
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_int_equal(session.rule, 0);
	assert_digest(session.digest, digest_of("abc"));
	identify("X-Session-Id: x\r\nCookie: JSESSIONID=\r\n", "");
	assert_int_equal(session.rule, 1);
	assert_digest(session.digest, digest_of("x"));
	assert_int_equal(session.tagged, false);
}

/* A good tag gives the digest when no rule matches; the member never sees it. */
static void
tag_gives_the_digest(void **state)
{
	(void)state;
	rules_build(1);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("someone"), tag);
	identify("Cookie: a=1; HOLDFAST=%T; b=2\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_TAG);
	assert_true(session.tagged);
	assert_digest(session.digest, digest_of("someone"));
	assert_int_equal(session.claims.primary, 11);
	assert_int_equal(session.claims.last, 22);
	assert_int_equal(session.claims.rank, 3);
	assert_int_equal(session.rejected, TAG_NONE);
	assert_int_equal(session.cut_count, 1);
	assert_memory_equal(head.base + session.cuts[0].at, "; HOLDFAST=", 11);
	assert_int_equal(session.cuts[0].bytes, 11 + TAG_TEXT_BYTES);
	assert_int_equal(session.drop_header, false);
}

/* Key and tag of one session: the key is the source, the claims hold. */
static void
key_and_its_tag(void **state)
{
	(void)state;
	rules_build(1);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("abc"), tag);
	identify("Cookie: HOLDFAST=%T; JSESSIONID=abc.n1\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_true(session.tagged);
	assert_int_equal(session.claims.primary, 11);
	assert_int_equal(session.rejected, TAG_NONE);
}

/* The tag of another session never steers this one. */
static void
key_and_another_tag(void **state)
{
	(void)state;
	rules_build(1);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("other"), tag);
	identify("Cookie: HOLDFAST=%T; JSESSIONID=abc\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_false(session.tagged);
	assert_int_equal(session.rejected, TAG_OTHER_SESSION);
	assert_digest(session.digest, digest_of("abc"));
	assert_int_equal(session.cut_count, 1);
}

/* A tag that does not verify is as none, is cut all the same, and says why. */
static void
rejected_tags(void **state)
{
	(void)state;
	rules_build(1);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("abc"), tag);
	tag[40] = tag[40] == 'A' ? 'B' : 'A';
	identify("Cookie: HOLDFAST=%T\r\n", tag);
	assert_int_equal(session.source, SESSION_ISSUED);
	assert_int_equal(session.rejected, TAG_BAD_MAC);
	assert_false(session.tagged);
	assert_int_equal(session.cut_count, 1);
	identify("Cookie: HOLDFAST=; x=1\r\n", tag);
	assert_int_equal(session.rejected, TAG_MALFORMED);
	assert_int_equal(session.cut_count, 1);
	identify("Cookie: HOLDFAST=%T; JSESSIONID=abc\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_int_equal(session.rejected, TAG_BAD_MAC);
	assert_false(session.tagged);
}

/* The same tag twice is one tag; two different ones are none, though each is good. */
static void
doubled_tags(void **state)
{
	(void)state;
	rules_build(1);
	char one[TAG_TEXT_BYTES + 1];
	char two[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("one"), one);
	make_tag(digest_of("two"), two);
	identify("Cookie: HOLDFAST=%T; HOLDFAST=%T\r\nCookie: a=1; HOLDFAST=%T\r\n", one);
	assert_int_equal(session.source, SESSION_FROM_TAG);
	assert_int_equal(session.cut_count, 2);
	char fields[512];
	(void)snprintf(fields, sizeof(fields), "Cookie: HOLDFAST=%s; a=1; HOLDFAST=%s\r\n", one,
		       two);
	identify(fields, "");
	assert_int_equal(session.source, SESSION_ISSUED);
	assert_int_equal(session.rejected, TAG_DOUBLED);
	assert_false(session.tagged);
	assert_int_equal(session.cut_count, 2);
}

/* After a rotation the old tag is good, and said to be old. */
static void
rotated_secret(void **state)
{
	(void)state;
	rules_build(1);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("abc"), tag);
	struct config_secret kept = secrets[0];
	secrets[0] = secrets[1];
	secrets[1] = kept;
	rules_build(2);
	identify("Cookie: HOLDFAST=%T\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_TAG);
	assert_true(session.claims.old_secret);
	rules_build(1);
	identify("Cookie: HOLDFAST=%T\r\n", tag);
	assert_int_equal(session.rejected, TAG_UNKNOWN_SECRET);
	secrets[1] = secrets[0];
	secrets[0] = kept;
}

/* A tag in a header: read from there, left out of what is forwarded; a cookie of that name is
 * nobody's. */
static void
tag_in_a_header(void **state)
{
	(void)state;
	service.tag.carrier = TAG_HEADER;
	service.tag.name = TEXT("X-Holdfast-Tag");
	rules_build(1);
	char one[TAG_TEXT_BYTES + 1];
	char two[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("abc"), one);
	make_tag(digest_of("two"), two);
	identify("x-holdfast-tag: %T\r\nCookie: a=1; X-Holdfast-Tag=9; =7\r\n", one);
	assert_int_equal(session.source, SESSION_FROM_TAG);
	assert_true(session.drop_header);
	assert_int_equal(session.cut_count, 0);
	identify("X-Holdfast-Tag: %T\r\nX-Holdfast-Tag: %T\r\nCookie: JSESSIONID=abc\r\n", one);
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_true(session.tagged);
	char fields[512];
	(void)snprintf(fields, sizeof(fields), "X-Holdfast-Tag: %s\r\nX-Holdfast-Tag: %s\r\n", one,
		       two);
	identify(fields, "");
	assert_int_equal(session.rejected, TAG_DOUBLED);
	assert_true(session.drop_header);
	identify("Cookie: X-Holdfast-Tag=%T\r\n", one);
	assert_int_equal(session.source, SESSION_ISSUED);
	assert_int_equal(session.rejected, TAG_NONE);
	assert_false(session.drop_header);

	char line[200];
	struct writer w = writer_on(line, sizeof(line));
	struct tag_claims claims = {.primary = 1};
	session_write_tag(rules, &claims, &w);
	assert_int_equal(w.bytes, 16 + TAG_TEXT_BYTES + 2);
	assert_memory_equal(line, "X-Holdfast-Tag: ", 16);
	assert_memory_equal(line + 16 + TAG_TEXT_BYTES, "\r\n", 2);
}

/* Without rules, and without cookies to look for, the header tag alone works. */
static void
no_rules_at_all(void **state)
{
	(void)state;
	service.key_count = 0;
	service.keys = NULL;
	service.tag.carrier = TAG_HEADER;
	service.tag.name = TEXT("X-Tag");
	rules_build(1);
	identify("Cookie: a=1\r\n", "");
	assert_int_equal(session.source, SESSION_ISSUED);
	assert_int_equal(session.cut_count, 0);
}

/* What an answer says of the key, for a session without a key and for ones with. */
static void
learns_from_answers(void **state)
{
	(void)state;
	rules_build(1);
	static const struct {
		const char *request;
		const char *answer;
		const char *key; /* NULL: nothing new */
	} rows[] = {
	    {"", ANSWER("Set-Cookie: JSESSIONID=new.n1; Path=/\r\n"), "new"},
	    {"", ANSWER("X-Session-Id: new\r\n"), "new"},
	    {"", ANSWER("X-Session-Id: b\r\nSet-Cookie: JSESSIONID=a\r\n"), "a"},
	    {"", ANSWER("Set-Cookie: OTHER=new\r\n"), NULL},
	    {"", ANSWER("Set-Cookie: JSESSIONID=; Max-Age=0\r\n"), NULL},
	    {"Cookie: JSESSIONID=abc\r\n", ANSWER("Set-Cookie: JSESSIONID=new\r\n"), "new"},
	    {"Cookie: JSESSIONID=abc\r\n", ANSWER("Set-Cookie: JSESSIONID=abc.n2\r\n"), NULL},
	    {"Cookie: JSESSIONID=abc\r\n", ANSWER("X-Session-Id: new\r\n"), NULL},
	    {"X-Session-Id: x\r\n", ANSWER("X-Session-Id: x\r\n"), NULL},
	    {"X-Session-Id: x\r\n", ANSWER("X-Session-Id: y\r\n"), "y"},
	    {"X-Session-Id: x\r\n", ANSWER("Set-Cookie: JSESSIONID=new\r\n"), "new"},
	    {"X-Session-Id: x\r\n", ANSWER("Set-Cookie: JSESSIONID=x\r\n"), NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		identify(rows[i].request, "");
		struct session_digest digest;
		bool learned = learns(rows[i].answer, &digest);
		if (learned != (rows[i].key != NULL))
			fail_msg("%s -> %s", rows[i].request, rows[i].answer);
		if (rows[i].key != NULL)
			assert_digest(digest, digest_of(rows[i].key));
	}
}

/* What is learned makes the next request, with the new key and the new tag, at home. */
static void
learned_key_is_at_home(void **state)
{
	(void)state;
	rules_build(1);
	identify("", "");
	struct session_digest digest;
	assert_true(learns(ANSWER("Set-Cookie: JSESSIONID=new.n1\r\n"), &digest));
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest, tag);
	identify("Cookie: JSESSIONID=new.n1; HOLDFAST=%T\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_true(session.tagged);
	assert_int_equal(session.rejected, TAG_NONE);
}

/* A key that stands in answers alone: afterwards the tag carries the session. */
static void
learned_key_without_a_key_in_requests(void **state)
{
	(void)state;
	static char *learning[] = {TEXT("response-cookie:SID"), TEXT("response-header:X-Sid")};
	use_keys(learning, COUNT(learning));
	identify("Cookie: SID=abc\r\nX-Sid: abc\r\n", "");
	assert_int_equal(session.source, SESSION_ISSUED);
	struct session_digest digest;
	assert_true(learns(ANSWER("X-Sid: b\r\nSet-Cookie: SID=abc\r\n"), &digest));
	assert_digest(digest, digest_of("abc"));
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest, tag);
	identify("Cookie: SID=whatever; HOLDFAST=%T\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_TAG);
	assert_digest(session.digest, digest_of("abc"));
	/* said again, it is nothing new; another one is */
	assert_false(learns(ANSWER("Set-Cookie: SID=abc\r\n"), &digest));
	assert_true(learns(ANSWER("Set-Cookie: SID=def\r\n"), &digest));
	assert_digest(digest, digest_of("def"));
}

/* What an answer issues in a header comes back in the query: one session, key and tag agree. */
static void
learned_key_comes_back_elsewhere(void **state)
{
	(void)state;
	static char *both[] = {TEXT("query:q"), TEXT("response-header:X-Sid")};
	use_keys(both, COUNT(both));
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("1"), tag); /* identify() asks for /p?q=1 */
	identify("Cookie: HOLDFAST=%T\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_true(session.tagged);
	/* the query's rule comes first and will find its key again: nothing else is learned */
	struct session_digest digest;
	assert_false(learns(ANSWER("X-Sid: 2\r\n"), &digest));
	static char *first[] = {TEXT("response-header:X-Sid"), TEXT("query:q")};
	use_keys(first, COUNT(first));
	identify("", "");
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_true(learns(ANSWER("X-Sid: 2\r\n"), &digest));
	assert_digest(digest, digest_of("2"));
	assert_false(learns(ANSWER("X-Sid: 1\r\n"), &digest));
}

/* Whether answers are looked into at all is known when the rules are made. */
static void
knows_what_learns(void **state)
{
	(void)state;
	static const struct {
		char *rule;
		bool learns;
	} rows[] = {
	    {TEXT("cookie:a"), true},
	    {TEXT("header:a"), true},
	    {TEXT("response-cookie:a"), true},
	    {TEXT("response-header:a"), true},
	    {TEXT("query:a"), false},
	    {TEXT("path:(a)"), false},
	    {TEXT("ip"), false},
	    {TEXT("bearer:sub"), false},
	    {TEXT("basic:user"), false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *one[] = {TEXT("ip"), rows[i].rule};
		use_keys(one, COUNT(one));
		assert_int_equal(rules->learns, rows[i].learns);
	}
	use_keys(NULL, 0);
	assert_false(rules->learns);
}

/* The line that sets the tag, for each set of attributes. */
static void
writes_the_line(void **state)
{
	(void)state;
	static const struct {
		struct config_tag tag;
		const char *tail;
	} rows[] = {
	    {{.name = TEXT("HOLDFAST"),
	      .path = TEXT("/"),
	      .http_only = true,
	      .same_site = SAME_SITE_LAX},
	     "; Path=/; HttpOnly; SameSite=Lax\r\n"},
	    {{.name = TEXT("HOLDFAST"), .same_site = SAME_SITE_ABSENT}, "; Path=/\r\n"},
	    {{.name = TEXT("HOLDFAST"),
	      .path = TEXT("/shop"),
	      .domain = TEXT("shop.example"),
	      .max_age_s = 86400,
	      .secure = true,
	      .http_only = true,
	      .same_site = SAME_SITE_NONE},
	     "; Path=/shop; Domain=shop.example; Max-Age=86400; Secure; HttpOnly; "
	     "SameSite=None\r\n"},
	    {{.name = TEXT("HOLDFAST"),
	      .path = TEXT("/"),
	      .secure = true,
	      .same_site = SAME_SITE_STRICT},
	     "; Path=/; Secure; SameSite=Strict\r\n"},
	    {{.name = TEXT("__Host-Http-A"),
	      .secure = true,
	      .http_only = true,
	      .partitioned = true,
	      .same_site = SAME_SITE_NONE},
	     "; Path=/; Secure; HttpOnly; SameSite=None; Partitioned\r\n"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		service.tag = rows[i].tag;
		rules_build(1);
		struct tag_claims claims = {.primary = 1};
		char line[512];
		struct writer w = writer_on(line, sizeof(line));
		session_write_tag(rules, &claims, &w);
		char want[512];
		struct writer v = writer_on(want, sizeof(want));
		write_literal(&v, "Set-Cookie: ");
		write_text(&v, rows[i].tag.name);
		write_literal(&v, "=");
		tag_write(rules->codec, &claims, &v);
		write_text(&v, rows[i].tail);
		assert_true(
		    slice_equal((struct slice){line, w.bytes}, (struct slice){want, v.bytes}));
	}
}

/* A configuration that would break a line, or that browsers would refuse, is refused here. */
static void
refuses_bad_tags(void **state)
{
	(void)state;
	static char longer[600];
	memset(longer, 'a', sizeof(longer) - 1);
	longer[0] = '/';
	static const struct {
		struct config_tag tag;
		const char *says;
	} rows[] = {
	    {{.name = NULL}, "no name"},
	    {{.name = TEXT("")}, "no name"},
	    {{.name = TEXT("A B")}, "not a cookie name"},
	    {{.name = TEXT("A;B")}, "not a cookie name"},
	    {{.name = TEXT("A\r\nX")}, "not a cookie name"},
	    {{.name = longer + 1, .same_site = SAME_SITE_LAX}, "too long"},
	    {{.name = TEXT("A"), .path = TEXT("shop")}, "path"},
	    {{.name = TEXT("A"), .path = TEXT("")}, "path"},
	    {{.name = TEXT("A"), .path = TEXT("/;Domain=x")}, "path"},
	    {{.name = TEXT("A"), .path = TEXT("/\r\nX: y")}, "path"},
	    {{.name = TEXT("A"), .path = TEXT("/\x7f")}, "path"},
	    {{.name = TEXT("A"), .path = longer, .same_site = SAME_SITE_LAX}, "too long"},
	    {{.name = TEXT("A"), .domain = TEXT("")}, "domain"},
	    {{.name = TEXT("A"), .domain = TEXT("a.b;Secure")}, "domain"},
	    {{.name = TEXT("A"), .domain = TEXT("a.b\n")}, "domain"},
	    {{.name = TEXT("A"), .domain = TEXT("a.b:80")}, "domain"},
	    {{.name = TEXT("A"), .same_site = SAME_SITE_NONE}, "same_site"},
	    {{.name = TEXT("__Secure-A"), .same_site = SAME_SITE_LAX}, "prefix"},
	    {{.name = TEXT("__Host-A"), .same_site = SAME_SITE_LAX}, "prefix"},
	    {{.name = TEXT("__secure-A"), .same_site = SAME_SITE_LAX}, "prefix"},
	    {{.name = TEXT("__HTTP-A"), .http_only = true, .same_site = SAME_SITE_LAX}, "prefix"},
	    {{.name = TEXT("__Http-A"), .secure = true}, "http_only"},
	    {{.name = TEXT("__Host-Http-A"), .secure = true}, "http_only"},
	    {{.name = TEXT("A"), .partitioned = true, .same_site = SAME_SITE_LAX}, "partitioned"},
	    {{.name = TEXT("__Host-A"), .secure = true, .path = TEXT("/x")}, "__Host-"},
	    {{.name = TEXT("__Host-A"), .secure = true, .domain = TEXT("a.b")}, "__Host-"},
	    {{.carrier = TAG_HEADER, .name = TEXT("X Y")}, "not a header name"},
	    {{.carrier = TAG_HEADER, .name = TEXT("Host")}, "meaning of its own"},
	    {{.carrier = TAG_HEADER, .name = TEXT("cookie")}, "meaning of its own"},
	    {{.carrier = TAG_HEADER, .name = TEXT("holdfast-session")}, "meaning of its own"},
	    /* the tag as its own key */
	    {{.name = TEXT("JSESSIONID"), .same_site = SAME_SITE_LAX}, "keys[0]"},
	    {{.carrier = TAG_HEADER, .name = TEXT("x-session-id")}, "keys[1]"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		service.tag = rows[i].tag;
		struct session_rules *none = NULL;
		struct problem p = {""};
		assert_int_equal(session_rules_create(&service, secrets, 1, &none, &p),
				 RESULT_INVALID);
		assert_null(none);
		if (strstr(p.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, p.text);
	}
}

/* A bad rule is named by its place; too many rules and secrets are refused. */
static void
refuses_bad_lists(void **state)
{
	(void)state;
	char *bad[KEY_RULES_MAX + 1];
	for (size_t i = 0; i < COUNT(bad); i++)
		bad[i] = TEXT("query:sid");
	struct session_rules *none = NULL;
	struct problem p = {""};
	service.keys = bad;
	service.key_count = COUNT(bad);
	assert_int_equal(session_rules_create(&service, secrets, 1, &none, &p), RESULT_INVALID);
	service.key_count = COUNT(bad) - 1;
	bad[2] = TEXT("cookie:");
	assert_int_equal(session_rules_create(&service, secrets, 1, &none, &p), RESULT_INVALID);
	assert_non_null(strstr(p.text, "keys[2]: "));
	bad[2] = TEXT("cookie:a");
	assert_int_equal(session_rules_create(&service, secrets, 0, &none, &p), RESULT_INVALID);
	assert_int_equal(session_rules_create(&service, secrets, SECRETS_MAX + 1, &none, &p),
			 RESULT_INVALID);
	assert_int_equal(session_rules_create(&service, secrets, 2, &none, &p), RESULT_OK);
	session_rules_free(&none);
}

/* The most rules there may be, all of cookies: the last one is found as the first. */
static void
many_cookie_rules(void **state)
{
	(void)state;
	static char names[KEY_RULES_MAX][16];
	char *many[KEY_RULES_MAX];
	for (size_t i = 0; i < KEY_RULES_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "cookie:c%02u", (unsigned)(i % 100));
		many[i] = names[i];
	}
	service.keys = many;
	service.key_count = KEY_RULES_MAX;
	rules_build(1);
	identify("Cookie: c99=1; c15=last\r\n", "");
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_int_equal(session.rule, 15);
	assert_digest(session.digest, digest_of("last"));
	identify("Cookie: c15=last; c03=third; c03=x\r\n", "");
	assert_int_equal(session.rule, 3);
	assert_digest(session.digest, digest_of("third"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(issues_a_new_session),
	    CASE(first_rule_that_matches),
	    CASE(tag_gives_the_digest),
	    CASE(key_and_its_tag),
	    CASE(key_and_another_tag),
	    CASE(rejected_tags),
	    CASE(doubled_tags),
	    CASE(rotated_secret),
	    CASE(tag_in_a_header),
	    CASE(no_rules_at_all),
	    CASE(learns_from_answers),
	    CASE(learned_key_is_at_home),
	    CASE(writes_the_line),
	    CASE(refuses_bad_tags),
	    CASE(refuses_bad_lists),
	    CASE(many_cookie_rules),
	    CASE(learned_key_without_a_key_in_requests),
	    CASE(learned_key_comes_back_elsewhere),
	    CASE(knows_what_learns),
	};
	return cmocka_run_group_tests(tests, start_all, NULL);
}
