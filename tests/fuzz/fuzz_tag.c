/*
 * fuzz_tag.c: a Cookie value of any bytes before session_identify. The keys are fixed,
 * and '%' stands for a good tag, so that the fuzzer gets behind the MAC. What must
 * hold: what verifies is byte for byte what would be written; base64url has one text
 * for each byte string; a rejected tag leaves the session without claims. The same value with
 * the tag as suffix of the cookie S: it counts only behind the id that it was issued for,
 * whatever comes is cut off, and what an answer issues comes back as it was.
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
static struct config_service suffixed = {
    .name = TEXT("shop"),
    .tag = {.carrier = TAG_SUFFIX_COOKIE,
	    .name = TEXT("S"),
	    .path = TEXT("/"),
	    .same_site = SAME_SITE_LAX},
};
static const struct config_secret secret = {.id = TEXT("k1"), .master = {1}};
static struct session_rules *rules;
static struct session_rules *suffix_rules;
static char good[TAG_TEXT_BYTES];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(digest_init());
	CHECK(session_rules_create(&service, &secret, 1, &rules, NULL) == RESULT_OK);
	CHECK(session_rules_create(&suffixed, &secret, 1, &suffix_rules, NULL) == RESULT_OK);
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

/* The head without what is cut, in `left`. */
static struct slice
cut_out(const struct http_head *head, const struct session *session, char *left)
{
	size_t made = 0;
	size_t cut = 0;
	for (size_t at = 0; at < head->bytes; at++) {
		while (cut < session->cut_count &&
		       at >= session->cuts[cut].at + session->cuts[cut].bytes)
			cut++;
		if (cut == session->cut_count || at < session->cuts[cut].at)
			left[made++] = head->base[at];
	}
	return (struct slice){left, made};
}

static void
check_cut(const struct http_head *head, const struct session *session)
{
	static char left[HTTP_HEAD_BYTES_MAX];
	static struct http_head member;
	head_split(cut_out(head, session, left), &member);
	struct cookie_cursor came = {0, 0};
	struct cookie_cursor sees = {0, 0};
	struct slice value;
	struct slice seen;
	for (size_t cut = 0; cookie_next(head, SLICE("S"), &came, &value);) {
		CHECK(cookie_next(&member, SLICE("S"), &sees, &seen));
		struct suffix_split split = suffix_split(value);
		if (split.tag.bytes == 0 || cut++ >= HTTP_CUTS_MAX)
			CHECK(slice_equal(seen, value));
		else if (split.quoted)
			CHECK(slice_has_prefix(seen, split.id) && seen.bytes == split.id.bytes + 1);
		else /* blanks that stood before the suffix are nothing now */
			CHECK(slice_equal(seen, slice_trim(split.id)));
	}
	CHECK(!cookie_next(&member, SLICE("S"), &sees, &seen));
}

static void
check_suffix(const struct http_head *head)
{
	static const struct addr client;
	struct session session;
	session_identify(suffix_rules, head, (struct keyrule_client){&client, NULL}, random_zero,
			 &session);
	CHECK(session.source != SESSION_FROM_TAG && session.cut_count <= HTTP_CUTS_MAX);
	if (session.tagged) {
		CHECK(session.rejected == TAG_NONE && session.claims.primary == 1);
		CHECK(slice_equal(session.id.id, SLICE("key")) && !session.id.quoted);
	}
	check_cut(head, &session);
}

/* What an answer issues is put together with a tag, and taken apart again. */
static void
check_issued(const struct http_head *answer)
{
	struct session session = {.source = SESSION_ISSUED};
	struct session_suffix suffix;
	struct slice id;
	bool deleted;
	bool set = set_cookie_find(answer, SLICE("S"), &id, &deleted);
	if (!session_wants_suffix(suffix_rules, &session, answer, true, &suffix))
		return;
	CHECK(set && !deleted && suffix.places.count > 0);
	for (size_t i = 0; i < suffix.places.count; i++) {
		static char sent[HTTP_HEAD_BYTES_MAX + SUFFIX_BYTES];
		const char *place = answer->base + suffix.places.at[i];
		bool quoted = id.bytes > 1 && *id.at == '"' && id.at[id.bytes - 1] == '"';
		size_t before = id.bytes - quoted;
		CHECK(memcmp(place - before, id.at, id.bytes) == 0);
		struct writer w = writer_on(sent, sizeof(sent));
		write_bytes(&w, place - before, before);
		write_char(&w, SUFFIX_MARK);
		write_bytes(&w, good, sizeof(good));
		write_bytes(&w, place, quoted);
		struct suffix_split split = suffix_split((struct slice){sent, w.bytes});
		CHECK(slice_equal(split.tag, (struct slice){good, sizeof(good)}));
		CHECK(split.id.bytes == before && split.quoted == quoted);
	}
}

/* `fields`, with a tag for each '%', as a head. */
static bool
compose(struct slice start, struct slice fields, char *text, struct http_head *head)
{
	struct writer w = writer_on(text, HTTP_HEAD_BYTES_MAX);
	write_slice(&w, start);
	for (size_t i = 0; i < fields.bytes; i++) {
		if (fields.at[i] == '%')
			write_bytes(&w, good, sizeof(good));
		else
			write_char(&w, fields.at[i]);
	}
	write_literal(&w, "\r\n\r\n");
	head_split((struct slice){text, w.bytes}, head);
	return !w.overflow;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static char text[HTTP_HEAD_BYTES_MAX];
	static struct http_head head;
	check_text((struct slice){(const char *)data, bytes});

	struct slice fields = {(const char *)data, bytes};
	if (!compose(SLICE("HTTP/1.1 200 OK\r\nSet-Cookie: "), fields, text, &head))
		return 0;
	check_issued(&head);
	if (!compose(SLICE("GET /?x HTTP/1.1\r\nCookie: "), fields, text, &head))
		return 0;
	check_suffix(&head);
	static const struct addr client;
	struct session session;
	session_identify(rules, &head, (struct keyrule_client){&client, NULL}, random_zero,
			 &session);
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
