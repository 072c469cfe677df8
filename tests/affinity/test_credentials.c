/* test_credentials.c: claims of bearer tokens, users of Basic credentials, and all that is neither.
 */
#include "affinity/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char scratch[SESSION_KEY_BYTES_MAX];

static void
assert_key(bool found, struct slice key, const char *value, const char *want)
{
	if (found != (want != NULL))
		fail_msg("%s: %s", value, found ? "has a key" : "has none");
	if (found && want != NULL && !slice_equal(key, slice_of(want)))
		fail_msg("%s: %.*s", value, SLICE_ARG(key));
	assert_true(!found || key.at == scratch);
}

static void
assert_claim(const char *value, const char *claim, const char *want)
{
	struct slice key = SLICE_NONE;
	bool found = credentials_bearer_claim(slice_of(value), slice_of(claim), scratch, &key);
	assert_key(found, key, value, want);
}

static void
assert_user(const char *value, const char *want)
{
	struct slice key = SLICE_NONE;
	bool found = credentials_basic_user(slice_of(value), scratch, &key);
	assert_key(found, key, value, want);
}

/* eyJzdWIiOiJhbm4iLCJuIjo3fQ is {"sub":"ann","n":7}. */
static void
finds_claims(void **state)
{
	(void)state;
	assert_claim("Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.c2ln", "sub", "ann");
	assert_claim("Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.c2ln", "n", "7");
	assert_claim("Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.", "sub", "ann");
	assert_claim("bEARER   e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x", "sub", "ann");
	/* RFC 7519 section 3.1 */
	static const char rfc[] = "Bearer eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
				  ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF"
				  "tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
				  ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	assert_claim(rfc, "iss", "joe");
	assert_claim(rfc, "exp", "1300819380");
	assert_claim(rfc, "http://example.com/is_root", NULL);
	assert_claim(rfc, "alg", NULL);
}

static void
refuses_other_tokens(void **state)
{
	(void)state;
	static const char *const values[] = {
	    "",
	    "Bearer",
	    "Bearer ",
	    "Basic e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x",
	    "Bearere30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x",
	    "Bearer:e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x",
	    "Bearer opaque",
	    "Bearer eyJzdWIiOiJhbm4iLCJuIjo3fQ",
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ",
	    "Bearer .eyJzdWIiOiJhbm4iLCJuIjo3fQ.x",
	    "Bearer e30..x",
	    "Bearer ..",
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x.",
	    "Bearer a.eyJzdWIiOiJhbm4iLCJuIjo3fQ.b.c.d", /* encrypted */
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ==.x",
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3f.x",
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fR.x", /* bits left over */
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3+Q.x",
	    "Bearer e30.eyJzdWIi OiJhbm4iLCJuIjo3fQ.x",
	    "Bearer e3=.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x",
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x=",
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x y",
	    "Bearer \"e30.eyJzdWIiOiJhbm4iLCJuIjo3fQ.x\"",
	    "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo3.x", /* cut */
	    "Bearer e30.WyJzdWIiLCJhbm4iXQ.x",       /* ["sub","ann"] */
	    "Bearer e30.eyJzdWIiOiIifQ.x",           /* {"sub":""} */
	    "Bearer e30.eyJzdWIiOlsiYW5uIl19.x",     /* {"sub":["ann"]} */
	    "Bearer e30.e30.x",
	};
	for (size_t i = 0; i < COUNT(values); i++)
		assert_claim(values[i], "sub", NULL);
}

/* The largest payload, and the largest claim, that are read; one byte more is not. */
static void
bounds_a_token(void **state)
{
	(void)state;
	static const struct {
		size_t value_bytes;
		size_t rest_bytes;
		bool found;
	} rows[] = {
	    {SESSION_KEY_BYTES_MAX, 0, true},
	    {SESSION_KEY_BYTES_MAX + 1, 0, false},
	    {3, JWT_PAYLOAD_BYTES_MAX - 13, true},
	    {3, JWT_PAYLOAD_BYTES_MAX - 12, false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		static char json[JWT_PAYLOAD_BYTES_MAX + 1];
		static char text[2 * JWT_PAYLOAD_BYTES_MAX];
		struct writer w = writer_on(json, sizeof(json));
		write_literal(&w, "{\"sub\":\"");
		for (size_t n = 0; n < rows[i].value_bytes; n++)
			write_char(&w, 'a');
		write_literal(&w, "\"}");
		for (size_t n = 0; n < rows[i].rest_bytes; n++)
			write_char(&w, ' ');
		assert_false(w.overflow);
		struct writer t = writer_on(text, sizeof(text));
		write_literal(&t, "Bearer e30.");
		write_base64url(&t, (const uint8_t *)json, w.bytes);
		write_literal(&t, ".");
		struct slice key;
		bool found = credentials_bearer_claim((struct slice){text, t.bytes}, SLICE("sub"),
						      scratch, &key);
		if (found != rows[i].found)
			fail_msg("row %zu", i);
		if (found)
			assert_int_equal(key.bytes, rows[i].value_bytes);
	}
}

static void
finds_users(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		const char *user;
	} rows[] = {
	    {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin"}, /* RFC 7617 section 2 */
	    {"Basic dGVzdDoxMjPCow==", "test"},                /* section 2.1 */
	    {"bAsIc   YW5uOg==", "ann"},                       /* no password */
	    {"Basic YW5uOmE6Yg==", "ann"},                     /* a colon in it */
	    {"Basic YSBiOng=", "a b"},
	    {"Basic w6TDtjp4", "\xc3\xa4\xc3\xb6"},
	    {"Basic 5Pb8Og==", "\xe4\xf6\xfc"},
	    {"Basic Pz8+Pz8/Ong=", "?\?>?\?\?"}, /* '+' and '/' */
	    {"Basic YW5uOgECf38=", "ann"},       /* what the password holds is nobody's business */
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_user(rows[i].value, rows[i].user);
}

static void
refuses_other_credentials(void **state)
{
	(void)state;
	static const char *const values[] = {
	    "",
	    "Basic",
	    "Basic ",
	    "Bearer YW5uOng=",
	    "BasicYW5uOng=",
	    "Basic\tYW5uOng=",
	    "Basic YW5u",     /* no colon */
	    "Basic OmFubg==", /* no user */
	    "Basic YW5uOng",  /* no padding */
	    "Basic YW5uOng==",
	    "Basic YW5uOg=",
	    "Basic YW5uOg===",
	    "Basic ====",
	    "Basic =",
	    "Basic YW5=Ong=",
	    "Basic YW5u Ong=",
	    "Basic YW5u.Ong",
	    "Basic Pz8-Pz8_Ong=",
	    "Basic YW5uOh==", /* bits left over */
	    "Basic YQpiOng=", /* "a\nb:x" */
	    "Basic YX9iOng=", /* "a\x7f" "b:x" */
	    "Basic YQBiOng=", /* "a\0b:x" */
	    "Basic \"YW5uOng=\"",
	    "Basic user=ann",
	};
	for (size_t i = 0; i < COUNT(values); i++)
		assert_user(values[i], NULL);
}

/* The password does not stay behind; what is too long is not read. */
static void
forgets_the_password(void **state)
{
	(void)state;
	assert_user("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin");
	assert_null(memmem(scratch, sizeof(scratch), "sesame", 6));
	assert_null(memmem(scratch, sizeof(scratch), "open", 4));
	static char text[SESSION_KEY_BYTES_MAX * 2];
	for (size_t over = 0; over < 2; over++) {
		struct writer w = writer_on(text, sizeof(text));
		write_literal(&w, "Basic YW5uOng6");
		size_t groups = SESSION_KEY_BYTES_MAX / 3 - 2 + over;
		for (size_t i = 0; i < groups; i++)
			write_literal(&w, "eHh4");
		struct slice key;
		assert_int_equal(
		    credentials_basic_user((struct slice){text, w.bytes}, scratch, &key),
		    over == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_claims),
	    cmocka_unit_test(refuses_other_tokens),
	    cmocka_unit_test(bounds_a_token),
	    cmocka_unit_test(finds_users),
	    cmocka_unit_test(refuses_other_credentials),
	    cmocka_unit_test(forgets_the_password),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
