/*
 * session.c: whose session is this; see session.h. Key rules and the tag meet
 * here and nowhere else.
 */
#include "affinity/session.h"

#include "base/digest.h"

/* ---- a request ----------------------------------------------------------------------------- */

/* The same as cookie_find for a tag that is carried by a header. */
static struct cookie_found
find_tag_header(const struct session_rules *rules, const struct http_head *request)
{
	struct cookie_found found = {.count = 0};
	size_t at = 0;
	const struct http_field *field = http_field_find(request, rules->tag_name, &at);
	for (; field != NULL; field = http_field_find(request, rules->tag_name, &at)) {
		struct slice value = http_field_value(request, field);
		if (found.count++ == 0)
			found.value = value;
		else if (!slice_equal(found.value, value))
			found.differ = true;
	}
	return found;
}

/* `found`: those for rules->cookies, and the one at SESSION_CARRIER. */
static inline bool
find_key(const struct session_rules *rules, const struct http_head *request,
	 struct keyrule_client client, const struct cookie_found *found, struct session *session)
{
	char scratch[SESSION_KEY_BYTES_MAX];
	for (size_t i = 0; i < rules->key_count; i++) {
		const struct keyrule *rule = rules->keys[i];
		size_t value = rules->value_of_rule[i];
		struct slice key;
		if (value == 0 ? !keyrule_match(rule, request, client, scratch, &key)
			       : found[value].count == 0 ||
				     !keyrule_match_value(rule, found[value].value, scratch, &key))
			continue;
		digest_session(rules->pool_key, key, &session->digest);
		session->rule = (uint8_t)i;
		return true;
	}
	return false;
}

/* The key, then the tag, then a new session. good: session->claims are of a tag that verified. */
static inline void
settle(const struct session_rules *rules, const struct http_head *request,
       struct keyrule_client client, const struct cookie_found *found, bool good,
       session_random_fn *random, struct session *session)
{
	if (rules->key_count > 0 && find_key(rules, request, client, found, session)) {
		session->source = SESSION_FROM_KEY;
		session->tagged = good && digest_equal(session->digest.bytes,
						       session->claims.digest.bytes, DIGEST_BYTES);
		if (good && !session->tagged)
			session->rejected = TAG_OTHER_SESSION;
	} else if (good && !rules->by_suffix) {
		session->source = SESSION_FROM_TAG;
		session->tagged = true;
		session->digest = session->claims.digest;
	} else {
		if (good) /* a suffix of nothing */
			session->rejected = TAG_OTHER_SESSION;
		session->source = SESSION_ISSUED;
		random(session->digest.bytes);
	}
}

/* ---- a tag that is a suffix ----------------------------------------------------------------- */

static bool
same_id(const struct suffix_split *a, const struct suffix_split *b)
{
	return a->quoted == b->quoted && slice_equal(a->id, b->id);
}

/* Seconds that may wrap. */
static bool
is_older(const struct tag_claims *a, const struct tag_claims *b)
{
	return (int32_t)(a->issued_s - b->issued_s) < 0;
}

static void
cut_suffix(const struct http_head *request, const struct suffix_split *split,
	   struct session *session)
{
	if (session->cut_count == HTTP_CUTS_MAX)
		return;
	session->cuts[session->cut_count++] =
	    (struct http_cut){(uint32_t)(split->tag.at - 1 - request->base), SUFFIX_BYTES};
}

/* All ids of the request: suffixes are cut, those of the first id are read. True: one is good. */
static bool
read_suffixes(const struct session_rules *rules, const struct http_head *request,
	      struct session *session)
{
	struct suffix_cursor cursor = {{0, 0}, 0};
	struct slice value;
	bool first = true;
	bool good = false;
	session->id = (struct suffix_split){.id = SLICE_NONE};
	while (suffix_next(&rules->carrier, request, &cursor, &value)) {
		struct suffix_split split = suffix_split(value);
		if (first)
			session->id = split;
		first = false;
		if (split.tag.bytes == 0)
			continue;
		cut_suffix(request, &split, session);
		if (!same_id(&split, &session->id))
			continue;
		struct tag_claims claims;
		enum tag_rejection why = tag_read(rules->codec, split.tag, &claims);
		if (why == TAG_NONE && (!good || !is_older(&claims, &session->claims)))
			session->claims = claims;
		good |= why == TAG_NONE;
		session->rejected = good ? TAG_NONE : why;
	}
	return good;
}

/* The application's value as one piece; a quoted one is put together in `joined`. */
static struct cookie_found
join_id(const struct suffix_split *split, char joined[SESSION_KEY_BYTES_MAX])
{
	struct cookie_found found = {.count = split->id.bytes > 0, .value = split->id};
	if (!split->quoted)
		return found;
	struct writer w = writer_on(joined, SESSION_KEY_BYTES_MAX);
	write_slice(&w, split->id);
	write_char(&w, '"');
	found.count = !w.overflow;
	found.value = (struct slice){joined, w.bytes};
	return found;
}

/* Apart, so that others do not carry its stack. */
static __attribute__((noinline)) void
identify_by_suffix(const struct session_rules *rules, const struct http_head *request,
		   struct keyrule_client client, session_random_fn *random, struct session *session)
{
	char joined[SESSION_KEY_BYTES_MAX];
	struct cookie_found found[SESSION_VALUES];
	bool good = read_suffixes(rules, request, session);
	if (rules->cookie_count > 1)
		cookie_find_all(request, rules->cookies + 1, rules->cookie_count - 1, found + 1,
				NULL, NULL);
	found[SESSION_CARRIER] = join_id(&session->id, joined);
	settle(rules, request, client, found, good, random, session);
}

/* ---- all ------------------------------------------------------------------------------------ */

void
session_identify(const struct session_rules *rules, const struct http_head *request,
		 struct keyrule_client client, session_random_fn *random, struct session *session)
{
	session->rule = 0;
	session->tagged = false;
	session->rejected = TAG_NONE;
	session->cut_count = 0;
	session->drop_header = false;

	struct cookie_found found[SESSION_VALUES];
	if (rules->tag->carrier == TAG_COOKIE) {
		cookie_find_all(request, rules->cookies, rules->cookie_count, found, session->cuts,
				&session->cut_count);
	} else if (rules->by_suffix) {
		identify_by_suffix(rules, request, client, random, session);
		return;
	} else {
		found[0] = find_tag_header(rules, request);
		session->drop_header = found[0].count > 0;
		if (rules->cookie_count > 1)
			cookie_find_all(request, rules->cookies + 1, rules->cookie_count - 1,
					found + 1, NULL, NULL);
	}
	const struct cookie_found *tag = &found[0];
	if (tag->differ)
		session->rejected = TAG_DOUBLED;
	else if (tag->count > 0)
		session->rejected = tag_read(rules->codec, tag->value, &session->claims);
	bool good = tag->count > 0 && session->rejected == TAG_NONE;
	settle(rules, request, client, found, good, random, session);
}

/* ---- an answer ------------------------------------------------------------------------------ */

bool
session_learn(const struct session_rules *rules, const struct session *session,
	      const struct http_head *response, struct session_digest *digest)
{
	/* A rule behind the one that matched will not be asked next time either. */
	size_t count =
	    session->source == SESSION_FROM_KEY ? (size_t)session->rule + 1 : rules->key_count;
	char scratch[SESSION_KEY_BYTES_MAX];
	for (size_t i = 0; i < count; i++) {
		struct slice key;
		if (!keyrule_match_response(rules->keys[i], response, scratch, &key))
			continue;
		digest_session(rules->pool_key, key, digest);
		return !digest_equal(digest->bytes, session->digest.bytes, DIGEST_BYTES);
	}
	return false;
}

void
session_write_tag(const struct session_rules *rules, const struct tag_claims *claims,
		  struct writer *w)
{
	write_bytes(w, rules->set_cookie_head, rules->set_cookie_head_bytes);
	tag_write(rules->codec, claims, w);
	write_bytes(w, rules->set_cookie_tail, rules->set_cookie_tail_bytes);
}

bool
session_wants_suffix(const struct session_rules *rules, const struct session *session,
		     const struct http_head *response, bool news, struct session_suffix *suffix)
{
	suffix->answer = suffix_find_places(&rules->carrier, response, &suffix->places);
	switch (suffix->answer) {
	case SUFFIX_ISSUED:
		return suffix->places.count > 0;
	case SUFFIX_SILENT:
		return news && suffix_fits(&rules->carrier, session->id.id);
	default:
		return false;
	}
}

void
session_write_suffix(const struct session_rules *rules, const struct session *session,
		     const struct session_suffix *suffix, const struct tag_claims *claims,
		     struct writer *w)
{
	bool line = suffix->answer == SUFFIX_SILENT;
	if (line) {
		write_bytes(w, rules->set_cookie_head, rules->set_cookie_head_bytes);
		write_slice(w, session->id.id);
	}
	write_char(w, SUFFIX_MARK);
	tag_write(rules->codec, claims, w);
	if (line) {
		if (session->id.quoted)
			write_char(w, '"');
		write_bytes(w, rules->set_cookie_tail, rules->set_cookie_tail_bytes);
	}
}
