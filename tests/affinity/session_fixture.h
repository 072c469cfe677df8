/*
 * session_fixture.h: a service of three key rules, its compiled session rules, and a request
 * to be identified. Include it in one file of a program.
 */
#ifndef HOLDFAST_TESTS_SESSION_FIXTURE_H
#define HOLDFAST_TESTS_SESSION_FIXTURE_H

#include "affinity/session.h"

#include "base/digest.h"
#include "head_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table)  (sizeof(table) / sizeof((table)[0]))
#define TEXT(literal) ((char *)(uintptr_t)(literal)) /* the configuration owns mutable strings */

static struct config_secret secrets[2] = {
    {.id = TEXT("k1"), .master = {1, 2, 3}},
    {.id = TEXT("k0"), .master = {4, 5, 6}},
};
static char *keys[] = {TEXT("cookie:JSESSIONID | before:."), TEXT("header:X-Session-Id"),
		       TEXT("query:sid")};
static struct config_service service;
static struct session_rules *rules;
static struct http_head head;
static struct session session;
static const struct addr client = {.family = AF_INET, .port = 1, .ip = {192, 0, 2, 1}};

static inline void
service_reset(void)
{
	service = (struct config_service){
	    .name = TEXT("shop"),
	    .keys = keys,
	    .key_count = COUNT(keys),
	    .tag = {.carrier = TAG_COOKIE,
		    .name = TEXT("HOLDFAST"),
		    .path = TEXT("/"),
		    .http_only = true,
		    .same_site = SAME_SITE_LAX},
	};
	digest_default_pool_key(SLICE("shop"), service.pool_key);
}

static inline void
rules_build(size_t secret_count)
{
	struct problem p = {""};
	session_rules_free(&rules);
	if (session_rules_create(&service, secrets, secret_count, &rules, &p) != RESULT_OK)
		fail_msg("%s", p.text);
}

static inline int
start(void **state)
{
	(void)state;
	service_reset();
	return 0;
}

static inline int
stop(void **state)
{
	(void)state;
	session_rules_free(&rules);
	assert_null(rules);
	return 0;
}

static unsigned random_calls;

static inline void
random_sevens(uint8_t out[DIGEST_BYTES])
{
	random_calls++;
	memset(out, 7, DIGEST_BYTES);
}

/* "%T" stands for the tag. */
static inline void
identify(const char *fields, const char *tag)
{
	static char text[HTTP_HEAD_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "GET /p?q=1 HTTP/1.1\r\n");
	for (const char *at = fields; *at != '\0'; at++) {
		if (at[0] == '%' && at[1] == 'T') {
			write_text(&w, tag);
			at++;
		} else {
			write_char(&w, *at);
		}
	}
	write_literal(&w, "\r\n");
	assert_false(w.overflow);
	head_split((struct slice){text, w.bytes}, &head);
	memset(&session, 0xa5, sizeof(session)); /* what is not filled in shows */
	random_calls = 0;
	session_identify(rules, &head, (struct keyrule_client){&client, NULL}, random_sevens,
			 &session);
	assert_int_equal(random_calls, session.source == SESSION_ISSUED);
}

static inline struct session_digest
digest_of(const char *key)
{
	struct session_digest digest;
	digest_session(service.pool_key, slice_of(key), &digest);
	return digest;
}

static inline void
make_tag(struct session_digest digest, char text[TAG_TEXT_BYTES + 1])
{
	struct tag_claims claims = {
	    .digest = digest, .primary = 11, .last = 22, .rank = 3, .issued_s = 4};
	struct writer w = writer_on(text, TAG_TEXT_BYTES + 1);
	tag_write(rules->codec, &claims, &w);
	(void)writer_text(&w);
}

static inline void
assert_digest(struct session_digest got, struct session_digest want)
{
	assert_memory_equal(got.bytes, want.bytes, DIGEST_BYTES);
}

static inline void
use_keys(char **rules_text, size_t count)
{
	service.keys = rules_text;
	service.key_count = count;
	rules_build(1);
}

static inline bool
learns(const char *answer, struct session_digest *digest)
{
	static struct http_head response;
	head_split(slice_of(answer), &response);
	return session_learn(rules, &session, &response, digest);
}

#define ANSWER(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n"

static inline int
start_all(void **state)
{
	(void)state;
	return digest_init() ? 0 : -1;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)

#endif
