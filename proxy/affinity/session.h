/*
 * session.h: whose session is this request (DESIGN section 6, step 1), and what
 * must the answer tell the client.
 *
 * First key rule that matches gives the key; else the tag gives the digest; else
 * a new session with 16 random bytes.
 *
 * Answers issue keys: cookie: and header: rules watch them, too, and response-cookie:
 * and response-header: find a key nowhere else. A key that an answer issues makes the
 * digest of the tag from there on, with the same primary. The next request is that
 * session's by what it brings back:
 *
 *   tag and key   some rule finds the same bytes in the request: key and tag agree
 *   tag alone     no rule finds a key there: the tag carries the digest
 *   key alone     the client kept no tag: the session's place is what the ordering says of the
 *                 key, which need not be where it was issued. There is no table of sessions;
 *                 for such clients the tag travels in the key itself (tag.suffix).
 *
 * A tag never steers a request in which a rule finds another key. So a rule is not asked
 * about an answer when one before it found the key in the request: that one will find
 * it again, and what the later one learned would be thrown away.
 */
#ifndef HOLDFAST_AFFINITY_SESSION_H
#define HOLDFAST_AFFINITY_SESSION_H

#include "affinity/cookie.h"
#include "affinity/keyrule.h"
#include "affinity/tag.h"
#include "config/config.h"

/* The session rules of one service, compiled; immutable. */
struct session_rules {
	struct keyrule **keys; /* owned */
	size_t key_count;
	bool learns; /* some rule may find a key in an answer */
	/* What is looked for in Cookie: the tag first (empty when it is a header), then by rule. */
	struct slice cookies[1 + KEY_RULES_MAX]; /* in the rules and in tag->name */
	uint8_t cookie_of_rule[KEY_RULES_MAX];   /* place in cookies; 0: not a cookie: rule */
	size_t cookie_count;
	struct tag_codec *codec; /* owned */
	uint8_t pool_key[POOL_KEY_BYTES];
	const struct config_tag *tag; /* borrowed from the configuration */
	struct slice tag_name;        /* of its cookie or header; borrowed from tag->name */
	struct slice tag_field;       /* of an answer that sets it: "set-cookie", or tag_name */
	char set_cookie_head[ID_BYTES_MAX * 2 + 16]; /* "Set-Cookie: NAME=" or "NAME: " */
	char set_cookie_tail[512]; /* "; Path=/; HttpOnly; SameSite=Lax\r\n" or "\r\n" */
	size_t set_cookie_head_bytes;
	size_t set_cookie_tail_bytes;
};

/*
 * secrets[0] signs, all verify. `service` must outlive the rules (tag is borrowed).
 * RESULT_INVALID: the problem names the key of the configuration ("keys[2]: ...",
 * "tag: path: ..."), what browsers would refuse included; RESULT_NO_MEMORY.
 */
enum result session_rules_create(const struct config_service *service,
				 const struct config_secret *secrets, size_t secret_count,
				 struct session_rules **out, struct problem *p);
void session_rules_free(struct session_rules **rules);

enum session_source { SESSION_FROM_KEY, SESSION_FROM_TAG, SESSION_ISSUED };

struct session {
	struct session_digest digest;
	enum session_source source;
	uint8_t rule;                /* index of the key rule that matched, when SESSION_FROM_KEY */
	bool tagged;                 /* claims below are valid (and belong to this digest) */
	struct tag_claims claims;    /* only when tagged */
	enum tag_rejection rejected; /* TAG_NONE: no tag, or a good one */
	/* what must not be forwarded to the member: */
	struct http_cut cuts[HTTP_CUTS_MAX];
	size_t cut_count;
	bool drop_header; /* the tag's header is to be left out */
};

/* Gives 16 random bytes; asked only when a session has to be issued. */
typedef void session_random_fn(uint8_t out[DIGEST_BYTES]);
/*
 * Fills *session from a request. A tag that is rejected never steers: the session is who it
 * would be without one, and `rejected` says why. What cuts and drop_header name is what
 * the member must not see, whether the tag was good or not.
 */
void session_identify(const struct session_rules *rules, const struct http_head *request,
		      const struct addr *client, session_random_fn *random,
		      struct session *session);

/*
 * *digest: the new one, when the answer issues or changes the key by a rule at or before the
 * one that matched. Asked only when rules->learns. False: the session stays who it is, *digest is
 * undefined.
 */
bool session_learn(const struct session_rules *rules, const struct session *session,
		   const struct http_head *response, struct session_digest *digest);

/* The whole line, "Set-Cookie: HOLDFAST=...; Path=/; HttpOnly; SameSite=Lax\r\n". */
void session_write_tag(const struct session_rules *rules, const struct tag_claims *claims,
		       struct writer *w);

#endif
