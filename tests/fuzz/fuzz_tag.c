/*
 * fuzz_tag.c: a Cookie value of any bytes before session_identify. The keys are fixed,
 * and '%' stands for a good tag, so that the fuzzer gets behind the MAC. What must
 * hold: what verifies is byte for byte what would be written; base64url has one text
 * for each byte string; a rejected tag leaves the session without claims.
 */
#include "affinity/head_text.h"
#include "affinity/session.h"
#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)
#define TEXT(literal) ((char *)(uintptr_t)(literal))

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static char *keys[] = {TEXT("cookie:K | before:."), TEXT("query:q")};
static struct config_service service = {
    .name = TEXT("shop"),
    .keys = keys,
    .key_count = 2,
    .tag = {.name = TEXT("H"), .path = TEXT("/"), .same_site = SAME_SITE_LAX},
};
static const struct config_secret secret = {.id = TEXT("k1"), .master = {1}};
static struct session_rules *rules;
static char good[TAG_TEXT_BYTES];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(digest_init());
	CHECK(session_rules_create(&service, &secret, 1, &rules, NULL) == RESULT_OK);
	struct tag_claims claims = {.primary = 1, .last = 2, .rank = 3};
	digest_session(rules->pool_key, SLICE("key"), &claims.digest);
	struct writer w = writer_on(good, sizeof(good));
	tag_write(rules->codec, &claims, &w);
	return 0;
}

static void
random_zero(uint8_t out[DIGEST_BYTES])
{
	memset(out, 0, DIGEST_BYTES);
}

/* The text as it is: as base64url and as a tag. */
static void
check_text(struct slice text)
{
	uint8_t bytes[4096];
	long made = base64url_decode(text, bytes, sizeof(bytes));
	if (made >= 0) {
		char again[6000];
		struct writer w = writer_on(again, sizeof(again));
		write_base64url(&w, bytes, (size_t)made);
		CHECK(slice_equal(text, (struct slice){again, w.bytes}));
	}
	struct tag_claims claims;
	if (tag_read(rules->codec, text, &claims) == TAG_NONE) {
		char again[TAG_TEXT_BYTES];
		struct writer w = writer_on(again, sizeof(again));
		tag_write(rules->codec, &claims, &w);
		CHECK(slice_equal(text, (struct slice){again, w.bytes}));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static char text[HTTP_HEAD_BYTES_MAX];
	static struct http_head head;
	check_text((struct slice){(const char *)data, bytes});

	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "GET /?x HTTP/1.1\r\nCookie: ");
	for (size_t i = 0; i < bytes; i++) {
		if (data[i] == '%')
			write_bytes(&w, good, sizeof(good));
		else
			write_bytes(&w, data + i, 1);
	}
	write_literal(&w, "\r\n\r\n");
	if (w.overflow)
		return 0;
	head_split((struct slice){text, w.bytes}, &head);
	static const struct addr client;
	struct session session;
	session_identify(rules, &head, &client, random_zero, &session);
	struct cookie_found tag = cookie_find(&head, SLICE("H"), NULL, NULL);
	CHECK(session.cut_count <= HTTP_CUTS_MAX && !session.drop_header);
	CHECK(!session.tagged || session.rejected == TAG_NONE);
	CHECK((session.rejected == TAG_DOUBLED) == tag.differ);
	CHECK(tag.count > 0 || (!session.tagged && session.rejected == TAG_NONE));
	if (session.tagged) {
		CHECK(slice_equal(tag.value, (struct slice){good, sizeof(good)}));
		CHECK(memcmp(session.digest.bytes, session.claims.digest.bytes, DIGEST_BYTES) == 0);
		CHECK(session.claims.primary == 1 && session.claims.rank == 3);
	}
	if (session.source == SESSION_FROM_TAG)
		CHECK(session.tagged);
	if (session.source == SESSION_FROM_KEY)
		CHECK(cookie_find(&head, SLICE("K"), NULL, NULL).count > 0);
	struct session_digest digest;
	if (session_learn(rules, &session, &head, &digest))
		CHECK(memcmp(digest.bytes, session.digest.bytes, DIGEST_BYTES) != 0);
	return 0;
}
