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
 * Where the tag is a suffix of the application's session id (suffix.h), the id is a key
 * as well: behind session.keys stands one rule more, cookie:NAME or header:NAME of the
 * carrier. Rules see the id without its suffix, in requests as in answers, and a suffix
 * counts only beside a key that it was issued for: behind another session's id it is
 * nothing. Of several ids in one request the first counts, as to the application; of
 * several suffixes behind that same id, the one issued last.
 *
 * A tag never steers a request in which a rule finds another key. So a rule is not asked
 * about an answer when one before it found the key in the request: that one will find
 * it again, and what the later one learned would be thrown away.
 */
#ifndef HOLDFAST_AFFINITY_SESSION_H
#define HOLDFAST_AFFINITY_SESSION_H

#include "affinity/keyrule.h"
#include "affinity/suffix.h"
#include "config/config.h"

/* session.keys, and the rule that a suffix adds. */
#define SESSION_RULES_MAX (KEY_RULES_MAX + 1)
/* Values that rules are asked about: of the tag and of cookies, then of the carrier of a suffix. */
#define SESSION_CARRIER (1 + SESSION_RULES_MAX)
#define SESSION_VALUES  (SESSION_CARRIER + 1)

/* The session rules of one service, compiled; immutable. */
struct session_rules {
	struct keyrule **keys; /* owned */
	size_t key_count;
	bool learns;        /* some rule may find a key in an answer */
	bool asks_identity; /* some rule asks for the client's certificate */
	/* What is looked for in Cookie: the tag first (empty when it is no cookie of its own), then
	 * by rule, but for the carrier of a suffix. */
	struct slice cookies[1 + SESSION_RULES_MAX]; /* in the rules and in tag->name */
	/* Place of its value: in cookies, or SESSION_CARRIER; 0: the rule finds its own. */
	uint8_t value_of_rule[SESSION_RULES_MAX];
	size_t cookie_count;
	struct tag_codec *codec; /* owned */
	uint8_t pool_key[POOL_KEY_BYTES];
	const struct config_tag *tag;  /* borrowed from the configuration */
	struct slice tag_name;         /* of its cookie or header; borrowed from tag->name */
	struct suffix_carrier carrier; /* the same for suffixes */
	uint8_t cut_id;                /* enum field_id of the fields that a tag is cut out of */
	bool by_suffix;                /* the tag is a suffix of what the cookie or header holds */
	struct slice tag_field;        /* of an answer that sets it: "set-cookie", or tag_name */
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
	/* rules->by_suffix: the client's session id, to put a new tag behind; else not set */
	struct suffix_split id; /* id.id empty: it has none */
	/* what must not be forwarded to the member: */
	struct http_cut cuts[HTTP_CUTS_MAX]; /* in fields of rules->cut_id */
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
		      struct keyrule_client client, session_random_fn *random,
		      struct session *session);

/*
 * *digest: the new one, when the answer issues or changes the key by a rule at or before the
 * one that matched. Asked only when rules->learns. False: the session stays who it is, *digest is
 * undefined.
 */
bool session_learn(const struct session_rules *rules, const struct session *session,
		   const struct http_head *response, struct session_digest *digest);

/* The whole line, "Set-Cookie: HOLDFAST=...; Path=/; HttpOnly; SameSite=Lax\r\n". Not for suffixes.
 */
void session_write_tag(const struct session_rules *rules, const struct tag_claims *claims,
		       struct writer *w);

/* What an answer must become to carry the tag as a suffix. */
struct session_suffix {
	enum suffix_answer answer;
	struct suffix_places places; /* SUFFIX_ISSUED: the tag goes into these lines */
};

/*
 * Only for rules->by_suffix. False: this answer carries no tag. An answer that issues the id
 * always carries one, for it overwrites what the client holds; one that is silent does when the tag
 * is `news` and the client sent an id, by a line of its own that sets the same id with the new
 * tag; a cookie then has the attributes of session.tag, for nobody knows the application's.
 */
bool session_wants_suffix(const struct session_rules *rules, const struct session *session,
			  const struct http_head *response, bool news,
			  struct session_suffix *suffix);
/* "~TAG" for the places, or, when there is none, the whole line. */
void session_write_suffix(const struct session_rules *rules, const struct session *session,
			  const struct session_suffix *suffix, const struct tag_claims *claims,
			  struct writer *w);

#endif
