/* test_session_suffix.c: sessions whose tag is a suffix of the application's own session id. */
#include "session_fixture.h"

static void
use_suffix(enum tag_carrier carrier, const char *name, char **rules_text, size_t count)
{
	service.tag.carrier = carrier;
	service.tag.name = TEXT(name);
	use_keys(rules_text, count);
}

static void
make_tag_at(struct session_digest digest, uint32_t last, uint32_t issued_s,
	    char text[TAG_TEXT_BYTES + 1])
{
	struct tag_claims claims = {
	    .digest = digest, .primary = 11, .last = last, .rank = 3, .issued_s = issued_s};
	struct writer w = writer_on(text, TAG_TEXT_BYTES + 1);
	tag_write(rules->codec, &claims, &w);
	(void)writer_text(&w);
}

/* What of the head is left when the cuts are made. */
static const char *
forwarded(void)
{
	static char text[HTTP_HEAD_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	uint32_t from = 0;
	for (size_t i = 0; i < session.cut_count; i++) {
		assert_true(session.cuts[i].at >= from);
		write_bytes(&w, head.base + from, session.cuts[i].at - from);
		from = session.cuts[i].at + session.cuts[i].bytes;
	}
	write_bytes(&w, head.base + from, head.bytes - from);
	return writer_text(&w);
}

/* The tag behind the id: the key is the id, the member sees the id, rules or not. */
static void
suffix_of_a_cookie(void **state)
{
	(void)state;
	static char *other[] = {TEXT("query:sid"), TEXT("cookie:X")};
	static char *cut[] = {TEXT("cookie:SID | before:.")};
	static const struct {
		char **keys;
		size_t count;
		const char *key;
	} rows[] = {{NULL, 0, "Abc.n1"}, {other, COUNT(other), "Abc.n1"}, {cut, COUNT(cut), "Abc"}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		use_suffix(TAG_SUFFIX_COOKIE, "SID", rows[i].keys, rows[i].count);
		assert_true(rules->learns);
		char tag[TAG_TEXT_BYTES + 1];
		make_tag(digest_of(rows[i].key), tag);
		identify("Cookie: a=1; SID=Abc.n1~%T; b=2\r\n", tag);
		assert_int_equal(session.source, SESSION_FROM_KEY);
		assert_true(session.tagged);
		assert_int_equal(session.claims.last, 22);
		assert_int_equal(session.rejected, TAG_NONE);
		assert_digest(session.digest, digest_of(rows[i].key));
		assert_string_equal(forwarded(), "GET /p?q=1 HTTP/1.1\r\n"
						 "Cookie: a=1; SID=Abc.n1; b=2\r\n\r\n");
		identify("Cookie: SID=Abc.n1\r\n", "");
		assert_int_equal(session.source, SESSION_FROM_KEY);
		assert_false(session.tagged);
		assert_int_equal(session.rejected, TAG_NONE);
		assert_int_equal(session.cut_count, 0);
		assert_digest(session.digest, digest_of(rows[i].key));
	}
	identify("Cookie: a=1\r\n", "");
	assert_int_equal(session.source, SESSION_ISSUED);
}

/* The same in a header, and in a value in quotes. */
static void
suffix_of_a_header(void **state)
{
	(void)state;
	use_suffix(TAG_SUFFIX_HEADER, "Mcp-Session-Id", NULL, 0);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("abc"), tag);
	identify("A: 1\r\nmcp-session-id: abc~%T\r\nCookie: Mcp-Session-Id=x~%T\r\n", tag);
	assert_int_equal(session.source, SESSION_FROM_KEY);
	assert_true(session.tagged);
	assert_digest(session.digest, digest_of("abc"));
	assert_false(session.drop_header);
	assert_int_equal(session.cut_count, 1);
	assert_int_equal(session.cuts[0].bytes, SUFFIX_BYTES);
	assert_int_equal(head.base[session.cuts[0].at - 1], 'c');
	use_suffix(TAG_SUFFIX_COOKIE, "SID", NULL, 0);
	make_tag(digest_of("\"abc\""), tag);
	identify("Cookie: SID=\"abc~%T\"\r\n", tag);
	assert_true(session.tagged);
	assert_string_equal(forwarded(), "GET /p?q=1 HTTP/1.1\r\nCookie: SID=\"abc\"\r\n\r\n");
	identify("Cookie: SID=\"abc\"\r\n", "");
	assert_digest(session.digest, digest_of("\"abc\""));
}

/* A suffix never steers but beside the id that it was issued for; it is cut all the same. */
static void
suffixes_that_do_not_count(void **state)
{
	(void)state;
	use_suffix(TAG_SUFFIX_COOKIE, "SID", NULL, 0);
	char tag[TAG_TEXT_BYTES + 1];
	char fields[512];
	make_tag(digest_of("abc"), tag);
	/* behind another id, and behind none */
	identify("Cookie: SID=other~%T\r\n", tag);
	assert_int_equal(session.rejected, TAG_OTHER_SESSION);
	assert_false(session.tagged);
	assert_digest(session.digest, digest_of("other"));
	assert_int_equal(session.cut_count, 1);
	identify("Cookie: SID=~%T\r\n", tag);
	assert_int_equal(session.source, SESSION_ISSUED);
	assert_int_equal(session.rejected, TAG_OTHER_SESSION);
	assert_int_equal(session.cut_count, 1);
	/* forged at each character */
	for (size_t at = 0; at < TAG_TEXT_BYTES; at++) {
		char forged[TAG_TEXT_BYTES + 1];
		memcpy(forged, tag, sizeof(forged));
		forged[at] = forged[at] == 'A' ? 'B' : 'A';
		identify("Cookie: SID=abc~%T\r\n", forged);
		assert_int_not_equal(session.rejected, TAG_NONE);
		assert_false(session.tagged);
		assert_digest(session.digest, digest_of("abc"));
		assert_int_equal(session.cut_count, 1);
		/* cut short, it is part of an id that nobody issued */
		(void)snprintf(fields, sizeof(fields), "Cookie: SID=abc~%.*s\r\n", (int)at, tag);
		identify(fields, "");
		assert_false(session.tagged);
		assert_int_equal(session.cut_count, 0);
		assert_int_equal(session.source, SESSION_FROM_KEY);
		assert_memory_not_equal(session.digest.bytes, digest_of("abc").bytes, DIGEST_BYTES);
	}
	/* a cookie of the name that a tag of its own would have */
	identify("Cookie: HOLDFAST=%T\r\nHOLDFAST: %T\r\nSID: abc~%T\r\n", tag);
	assert_int_equal(session.source, SESSION_ISSUED);
	assert_int_equal(session.rejected, TAG_NONE);
	assert_int_equal(session.cut_count, 0);
}

/* Several cookies of the name: all are cut, the first names the session, the tag that was issued
 * last behind that same id counts. */
static void
suffixes_of_several_cookies(void **state)
{
	(void)state;
	use_suffix(TAG_SUFFIX_COOKIE, "SID", NULL, 0);
	char older[TAG_TEXT_BYTES + 1];
	char newer[TAG_TEXT_BYTES + 1];
	char other[TAG_TEXT_BYTES + 1];
	char fields[1024];
	make_tag_at(digest_of("abc"), 22, 1000, older);
	make_tag_at(digest_of("abc"), 33, 1001, newer);
	make_tag_at(digest_of("def"), 44, 2000, other);
	const char *const orders[][2] = {{older, newer}, {newer, older}};
	for (size_t i = 0; i < COUNT(orders); i++) {
		(void)snprintf(
		    fields, sizeof(fields),
		    "Cookie: SID=abc~%s; SID=def~%s\r\nCookie: x=1; SID=abc~%s; SID=abc\r\n",
		    orders[i][0], other, orders[i][1]);
		identify(fields, "");
		assert_true(session.tagged);
		assert_int_equal(session.claims.last, 33);
		assert_int_equal(session.rejected, TAG_NONE);
		assert_string_equal(forwarded(),
				    "GET /p?q=1 HTTP/1.1\r\nCookie: SID=abc; SID=def\r\n"
				    "Cookie: x=1; SID=abc; SID=abc\r\n\r\n");
	}
	/* one that is good is enough, wherever a bad one stands */
	char bad[TAG_TEXT_BYTES + 1];
	memcpy(bad, newer, sizeof(bad));
	bad[50] = bad[50] == 'A' ? 'B' : 'A';
	const char *const mixed[][2] = {{bad, older}, {older, bad}};
	for (size_t i = 0; i < COUNT(mixed); i++) {
		(void)snprintf(fields, sizeof(fields), "Cookie: SID=abc~%s; SID=abc~%s\r\n",
			       mixed[i][0], mixed[i][1]);
		identify(fields, "");
		assert_true(session.tagged);
		assert_int_equal(session.claims.last, 22);
	}
	/* of the same second, the one further behind; seconds may wrap */
	make_tag_at(digest_of("abc"), 55, 1000, other);
	(void)snprintf(fields, sizeof(fields), "Cookie: SID=abc~%s; SID=abc~%s\r\n", older, other);
	identify(fields, "");
	assert_int_equal(session.claims.last, 55);
	make_tag_at(digest_of("abc"), 66, UINT32_MAX, other);
	make_tag_at(digest_of("abc"), 77, 0, newer);
	(void)snprintf(fields, sizeof(fields), "Cookie: SID=abc~%s; SID=abc~%s\r\n", newer, other);
	identify(fields, "");
	assert_int_equal(session.claims.last, 77);
}

/* More cookies of the name than cuts: the rest stays as it came, and the session is who it is. */
static void
more_suffixes_than_cuts(void **state)
{
	(void)state;
	use_suffix(TAG_SUFFIX_COOKIE, "SID", NULL, 0);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("abc"), tag);
	char fields[2048];
	struct writer w = writer_on(fields, sizeof(fields));
	write_literal(&w, "Cookie: a=1");
	for (size_t i = 0; i < HTTP_CUTS_MAX + 3; i++)
		write_format(&w, "; SID=abc~%s", tag);
	write_literal(&w, "\r\n");
	identify(writer_text(&w), "");
	assert_true(session.tagged);
	assert_int_equal(session.cut_count, HTTP_CUTS_MAX);
	const char *left = forwarded();
	size_t tags = 0;
	for (; (left = strstr(left, tag)) != NULL; left++)
		tags++;
	assert_int_equal(tags, 3);
}

/* A key that comes before the carrier's names the session; its tag travels behind the id. */
static void
suffix_with_a_key_from_elsewhere(void **state)
{
	(void)state;
	static char *query[] = {TEXT("query:q")};
	use_suffix(TAG_SUFFIX_COOKIE, "SID", query, COUNT(query));
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("1"), tag);
	identify("Cookie: SID=abc~%T\r\n", tag);
	assert_digest(session.digest, digest_of("1"));
	assert_true(session.tagged);
	struct session_digest digest;
	assert_false(learns(ANSWER("Set-Cookie: SID=new\r\n"), &digest));
	/* the key found in the answer is the id without anything */
	use_suffix(TAG_SUFFIX_COOKIE, "SID", NULL, 0);
	identify("Cookie: SID=abc~%T\r\n", tag);
	assert_true(learns(ANSWER("Set-Cookie: SID=new; Path=/\r\n"), &digest));
	assert_digest(digest, digest_of("new"));
	assert_false(learns(ANSWER("Set-Cookie: SID=abc; Path=/\r\n"), &digest));
}

/* When an answer carries the suffix, and what is written. */
static void
writes_suffixes(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		const char *answer;
		bool news;
		const char *line; /* "": into the answer's own; NULL: no tag */
	} rows[] = {
	    {"", ANSWER("Set-Cookie: SID=a; Path=/x\r\n"), true, ""},
	    {"Cookie: SID=a\r\n", ANSWER("Set-Cookie: SID=a\r\n"), false, ""},
	    {"Cookie: SID=b\r\n", ANSWER("Set-Cookie: SID=a\r\n"), true, ""},
	    {"Cookie: SID=a\r\n", ANSWER("Set-Cookie: SID=; Max-Age=0\r\n"), true, NULL},
	    {"Cookie: SID=a\r\n", ANSWER(""), false, NULL},
	    {"Cookie: SID=a\r\n", ANSWER(""), true,
	     "Set-Cookie: SID=a~%T; Path=/; HttpOnly; SameSite=Lax\r\n"},
	    {"Cookie: SID=\"a\"\r\n", ANSWER(""), true,
	     "Set-Cookie: SID=\"a~%T\"; Path=/; HttpOnly; SameSite=Lax\r\n"},
	    {"Cookie: SID=a; SID=b\r\n", ANSWER("Set-Cookie: A=1\r\n"), true,
	     "Set-Cookie: SID=a~%T; Path=/; HttpOnly; SameSite=Lax\r\n"},
	    {"", ANSWER(""), true, NULL},
	    {"Cookie: SID=\r\n", ANSWER(""), true, NULL},
	};
	use_suffix(TAG_SUFFIX_COOKIE, "SID", NULL, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		static struct http_head response;
		identify(rows[i].request, "");
		head_split(slice_of(rows[i].answer), &response);
		struct session_suffix suffix;
		bool wants =
		    session_wants_suffix(rules, &session, &response, rows[i].news, &suffix);
		if (wants != (rows[i].line != NULL))
			fail_msg("row %zu", i);
		if (!wants)
			continue;
		char tag[TAG_TEXT_BYTES + 1];
		char want[512];
		char got[512];
		struct tag_claims claims = {.primary = 1};
		struct writer t = writer_on(tag, sizeof(tag));
		tag_write(rules->codec, &claims, &t);
		bool own = rows[i].line[0] != '\0';
		const char *mark = own ? strstr(rows[i].line, "%T") : rows[i].line;
		assert_non_null(mark);
		(void)snprintf(want, sizeof(want), "%.*s%s%s%s", (int)(mark - rows[i].line),
			       rows[i].line, own ? "" : "~", (writer_text(&t)),
			       own ? mark + 2 : "");
		struct writer w = writer_on(got, sizeof(got));
		session_write_suffix(rules, &session, &suffix, &claims, &w);
		assert_string_equal(writer_text(&w), want);
		assert_int_equal(suffix.places.count, !own);
	}
	use_suffix(TAG_SUFFIX_HEADER, "X-Sid", NULL, 0);
	static struct http_head response;
	identify("X-Sid: a\r\n", "");
	head_split(SLICE(ANSWER("")), &response);
	struct session_suffix suffix;
	assert_true(session_wants_suffix(rules, &session, &response, true, &suffix));
	char line[200];
	struct writer w = writer_on(line, sizeof(line));
	struct tag_claims claims = {.primary = 1};
	session_write_suffix(rules, &session, &suffix, &claims, &w);
	assert_int_equal(w.bytes, 10 + SUFFIX_BYTES);
	assert_memory_equal(line, "X-Sid: a~", 9);
}

/* Names that cannot carry a suffix. */
static void
refuses_bad_suffixes(void **state)
{
	(void)state;
	static const struct {
		struct config_tag tag;
		const char *says;
	} rows[] = {
	    {{.carrier = TAG_SUFFIX_COOKIE, .name = TEXT(""), .same_site = SAME_SITE_LAX},
	     "no name"},
	    {{.carrier = TAG_SUFFIX_COOKIE, .name = TEXT("A B"), .same_site = SAME_SITE_LAX},
	     "suffix: not a cookie name"},
	    {{.carrier = TAG_SUFFIX_COOKIE, .name = TEXT("A|B"), .same_site = SAME_SITE_LAX},
	     "tag: suffix"},
	    {{.carrier = TAG_SUFFIX_COOKIE, .name = TEXT("__Host-A"), .same_site = SAME_SITE_LAX},
	     "suffix: this prefix"},
	    {{.carrier = TAG_SUFFIX_HEADER, .name = TEXT("A:B")}, "suffix: not a header name"},
	    {{.carrier = TAG_SUFFIX_HEADER, .name = TEXT("Cookie")},
	     "suffix: this one has a meaning"},
	    {{.carrier = TAG_SUFFIX_HEADER, .name = TEXT("Authorization")}, "suffix: this one"},
	    {{.carrier = TAG_SUFFIX_HEADER, .name = TEXT("holdfast-x")}, "suffix: this header"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		service.tag = rows[i].tag;
		service.key_count = 0;
		struct session_rules *none = NULL;
		struct problem p = {""};
		assert_int_equal(session_rules_create(&service, secrets, 1, &none, &p),
				 RESULT_INVALID);
		assert_null(none);
		if (strstr(p.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, p.text);
	}
}

/* The most rules there may be, and the carrier's behind them. */
static void
suffix_behind_many_rules(void **state)
{
	(void)state;
	char *many[KEY_RULES_MAX];
	for (size_t i = 0; i < KEY_RULES_MAX; i++)
		many[i] = TEXT("cookie:other");
	use_suffix(TAG_SUFFIX_COOKIE, "SID", many, KEY_RULES_MAX);
	char tag[TAG_TEXT_BYTES + 1];
	make_tag(digest_of("abc"), tag);
	identify("Cookie: SID=abc~%T\r\n", tag);
	assert_int_equal(session.rule, KEY_RULES_MAX);
	assert_true(session.tagged);
	identify("Cookie: other=1; SID=abc~%T\r\n", tag);
	assert_int_equal(session.rule, 0);
	assert_int_equal(session.rejected, TAG_OTHER_SESSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(suffix_of_a_cookie),
	    CASE(suffix_of_a_header),
	    CASE(suffixes_that_do_not_count),
	    CASE(suffixes_of_several_cookies),
	    CASE(more_suffixes_than_cuts),
	    CASE(suffix_with_a_key_from_elsewhere),
	    CASE(writes_suffixes),
	    CASE(refuses_bad_suffixes),
	    CASE(suffix_behind_many_rules),
	};
	return cmocka_run_group_tests(tests, start_all, NULL);
}
