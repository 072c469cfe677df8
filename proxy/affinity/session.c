/*
 * session.c: whose session is this; see session.h. Key rules and the tag meet
 * here and nowhere else.
 */
#include "affinity/session.h"

#include "base/digest.h"

#include <assert.h>
#include <stdlib.h>

/* ---- rules --------------------------------------------------------------------------------- */

/* A value that goes into a Set-Cookie attribute: printable ASCII without ';'. */
static bool
attribute_valid(struct slice value)
{
	for (size_t i = 0; i < value.bytes; i++) {
		if (value.at[i] < 0x20 || value.at[i] >= 0x7f || value.at[i] == ';')
			return false;
	}
	return value.bytes > 0;
}

static bool
has_prefix_nocase(struct slice s, struct slice prefix)
{
	return s.bytes >= prefix.bytes &&
	       slice_equal_nocase((struct slice){s.at, prefix.bytes}, prefix);
}

/* What a name promises of its cookie (RFC 6265bis section 4.1.3), case-insensitive; browsers throw
 * away what does not keep it. */
static enum result
cookie_prefix_check(const struct config_tag *tag, struct problem *p)
{
	struct slice name = slice_of(tag->name);
	bool host = has_prefix_nocase(name, SLICE("__Host-"));
	bool http = has_prefix_nocase(name, SLICE("__Http-")) ||
		    has_prefix_nocase(name, SLICE("__Host-Http-"));
	bool secure = host || http || has_prefix_nocase(name, SLICE("__Secure-"));
	if (secure && !tag->secure)
		return problem_set(p, RESULT_INVALID, "cookie: this prefix needs secure = true");
	if (http && !tag->http_only)
		return problem_set(p, RESULT_INVALID, "cookie: this prefix needs http_only = true");
	if (host && (tag->domain != NULL || (tag->path != NULL && strcmp(tag->path, "/") != 0)))
		return problem_set(p, RESULT_INVALID,
				   "cookie: __Host- allows no domain and no path but \"/\"");
	return RESULT_OK;
}

static enum result
cookie_tag_check(const struct config_tag *tag, struct problem *p)
{
	if (!cookie_name_valid(slice_of(tag->name)))
		return problem_set(p, RESULT_INVALID, "cookie: not a cookie name");
	if (tag->path != NULL && (tag->path[0] != '/' || !attribute_valid(slice_of(tag->path))))
		return problem_set(
		    p, RESULT_INVALID,
		    "path: must begin with '/' and hold printable ASCII without ';'");
	if (tag->domain != NULL &&
	    (!attribute_valid(slice_of(tag->domain)) || strpbrk(tag->domain, " ,/:") != NULL))
		return problem_set(p, RESULT_INVALID, "domain: not a domain name");
	/* What every browser would throw away. */
	if (tag->same_site == SAME_SITE_NONE && !tag->secure)
		return problem_set(p, RESULT_INVALID, "same_site: \"none\" needs secure = true");
	if (tag->partitioned && !tag->secure)
		return problem_set(p, RESULT_INVALID, "partitioned: needs secure = true");
	return cookie_prefix_check(tag, p);
}

static enum result
header_tag_check(const struct config_tag *tag, struct problem *p)
{
	static const struct slice known[] = {
#define FIELD(name, text, action) {text, sizeof(text) - 1},
#include "tbl/fields.h"
#undef FIELD
	};
	struct slice name = slice_of(tag->name);
	if (!cookie_name_valid(name))
		return problem_set(p, RESULT_INVALID, "header: not a header name");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (slice_equal_nocase(name, known[i]))
			return problem_set(p, RESULT_INVALID,
					   "header: this one has a meaning of its own");
	}
	return RESULT_OK;
}

static void
write_cookie_tail(struct writer *w, const struct config_tag *tag)
{
	static const char *const same_site[] = {
	    [SAME_SITE_NONE] = "; SameSite=None",
	    [SAME_SITE_LAX] = "; SameSite=Lax",
	    [SAME_SITE_STRICT] = "; SameSite=Strict",
	    [SAME_SITE_ABSENT] = "",
	};
	write_literal(w, "; Path=");
	write_text(w, tag->path != NULL ? tag->path : "/");
	if (tag->domain != NULL) {
		write_literal(w, "; Domain=");
		write_text(w, tag->domain);
	}
	if (tag->max_age_s != 0) {
		write_literal(w, "; Max-Age=");
		write_u64(w, tag->max_age_s);
	}
	if (tag->secure)
		write_literal(w, "; Secure");
	if (tag->http_only)
		write_literal(w, "; HttpOnly");
	write_text(w, same_site[tag->same_site]);
	if (tag->partitioned)
		write_literal(w, "; Partitioned");
}

/* The line around the tag, written once. */
static enum result
compose_line(struct session_rules *rules, struct problem *p)
{
	const struct config_tag *tag = rules->tag;
	bool cookie = tag->carrier == TAG_COOKIE;
	if (tag->name == NULL || tag->name[0] == '\0')
		return problem_set(p, RESULT_INVALID, "no name");
	enum result r = cookie ? cookie_tag_check(tag, p) : header_tag_check(tag, p);
	if (r != RESULT_OK)
		return r;
	rules->tag_name = slice_of(tag->name);
	rules->tag_field = cookie ? SLICE("set-cookie") : rules->tag_name;
	rules->cookies[0] = cookie ? rules->tag_name : SLICE_NONE;
	rules->cookie_count = 1;
	struct writer head = writer_on(rules->set_cookie_head, sizeof(rules->set_cookie_head));
	struct writer tail = writer_on(rules->set_cookie_tail, sizeof(rules->set_cookie_tail));
	if (cookie)
		write_literal(&head, "Set-Cookie: ");
	write_slice(&head, rules->tag_name);
	write_bytes(&head, cookie ? "=" : ": ", cookie ? 1 : 2);
	if (cookie)
		write_cookie_tail(&tail, tag);
	write_literal(&tail, "\r\n");
	rules->set_cookie_head_bytes = head.bytes;
	rules->set_cookie_tail_bytes = tail.bytes;
	if (head.overflow || tail.overflow)
		return problem_set(p, RESULT_INVALID, "name, path and domain are too long");
	return RESULT_OK;
}

/* A key that is the tag itself would change with every tag. */
static bool
names_the_tag(const struct session_rules *rules, const struct keyrule *key)
{
	bool cookie = rules->tag->carrier == TAG_COOKIE;
	switch (keyrule_source(key)) {
	case KEY_COOKIE:
	case KEY_RESPONSE_COOKIE:
		return cookie && slice_equal(keyrule_name(key), rules->tag_name);
	case KEY_HEADER:
	case KEY_RESPONSE_HEADER:
		return !cookie && slice_equal_nocase(keyrule_name(key), rules->tag_name);
	default:
		return false;
	}
}

static enum result
compile_keys(struct session_rules *rules, const struct config_service *service, struct problem *p)
{
	if (service->key_count == 0)
		return RESULT_OK;
	rules->keys = calloc(service->key_count, sizeof(struct keyrule *));
	if (rules->keys == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (size_t i = 0; i < service->key_count; i++) {
		enum result r = keyrule_compile(slice_of(service->keys[i]), &rules->keys[i], p);
		if (r != RESULT_OK)
			return problem_prefix(p, r, "keys[%zu]", i);
		rules->key_count++;
		if (names_the_tag(rules, rules->keys[i]))
			return problem_set(p, RESULT_INVALID,
					   "keys[%zu]: this is the tag's own name", i);
		rules->learns |= keyrule_learns(rules->keys[i]);
		if (keyrule_source(rules->keys[i]) == KEY_COOKIE) {
			rules->cookie_of_rule[i] = (uint8_t)rules->cookie_count;
			rules->cookies[rules->cookie_count++] = keyrule_name(rules->keys[i]);
		}
	}
	return RESULT_OK;
}

static enum result
create_codec(struct session_rules *rules, const struct config_service *service,
	     const struct config_secret *secrets, size_t secret_count, struct problem *p)
{
	struct tag_secret borrowed[SECRETS_MAX];
	if (secret_count == 0 || secret_count > SECRETS_MAX)
		return problem_set(p, RESULT_INVALID, "secrets: from 1 to %d are wanted",
				   SECRETS_MAX);
	for (size_t i = 0; i < secret_count; i++)
		borrowed[i] = (struct tag_secret){slice_of(secrets[i].id), secrets[i].master};
	enum result r = tag_codec_create(slice_of(service->name), service->pool_key, borrowed,
					 secret_count, &rules->codec);
	return r == RESULT_OK ? r : problem_set(p, r, "no memory");
}

enum result
session_rules_create(const struct config_service *service, const struct config_secret *secrets,
		     size_t secret_count, struct session_rules **out, struct problem *p)
{
	if (service->key_count > KEY_RULES_MAX)
		return problem_set(p, RESULT_INVALID, "keys: more than %d rules", KEY_RULES_MAX);
	struct session_rules *rules = calloc(1, sizeof(*rules));
	if (rules == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	rules->tag = &service->tag;
	memcpy(rules->pool_key, service->pool_key, POOL_KEY_BYTES);
	enum result r = compose_line(rules, p);
	if (r != RESULT_OK)
		(void)problem_prefix(p, r, "tag");
	if (r == RESULT_OK)
		r = compile_keys(rules, service, p);
	if (r == RESULT_OK)
		r = create_codec(rules, service, secrets, secret_count, p);
	if (r != RESULT_OK) {
		session_rules_free(&rules);
		return r;
	}
	*out = rules;
	return RESULT_OK;
}

void
session_rules_free(struct session_rules **held)
{
	struct session_rules *rules = *held;
	if (rules == NULL)
		return;
	*held = NULL;
	tag_codec_free(&rules->codec);
	for (size_t i = 0; i < rules->key_count; i++)
		keyrule_free(&rules->keys[i]);
	free(rules->keys);
	free(rules);
}

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

/* `cookies` are those found for rules->cookies. */
static bool
find_key(const struct session_rules *rules, const struct http_head *request,
	 const struct addr *client, const struct cookie_found *cookies, struct session *session)
{
	char scratch[SESSION_KEY_BYTES_MAX];
	for (size_t i = 0; i < rules->key_count; i++) {
		const struct keyrule *rule = rules->keys[i];
		size_t cookie = rules->cookie_of_rule[i];
		struct slice key;
		if (cookie == 0
			? !keyrule_match(rule, request, client, scratch, &key)
			: cookies[cookie].count == 0 ||
			      !keyrule_match_value(rule, cookies[cookie].value, scratch, &key))
			continue;
		digest_session(rules->pool_key, key, &session->digest);
		session->rule = (uint8_t)i;
		return true;
	}
	return false;
}

void
session_identify(const struct session_rules *rules, const struct http_head *request,
		 const struct addr *client, session_random_fn *random, struct session *session)
{
	session->rule = 0;
	session->tagged = false;
	session->rejected = TAG_NONE;
	session->cut_count = 0;
	session->drop_header = false;

	struct cookie_found cookies[1 + KEY_RULES_MAX];
	if (rules->tag->carrier == TAG_COOKIE) {
		cookie_find_all(request, rules->cookies, rules->cookie_count, cookies,
				session->cuts, &session->cut_count);
	} else {
		cookies[0] = find_tag_header(rules, request);
		session->drop_header = cookies[0].count > 0;
		if (rules->cookie_count > 1)
			cookie_find_all(request, rules->cookies + 1, rules->cookie_count - 1,
					cookies + 1, NULL, NULL);
	}
	const struct cookie_found *tag = &cookies[0];
	if (tag->differ)
		session->rejected = TAG_DOUBLED;
	else if (tag->count > 0)
		session->rejected = tag_read(rules->codec, tag->value, &session->claims);
	bool good = tag->count > 0 && session->rejected == TAG_NONE;

	if (find_key(rules, request, client, cookies, session)) {
		session->source = SESSION_FROM_KEY;
		session->tagged = good && digest_equal(session->digest.bytes,
						       session->claims.digest.bytes, DIGEST_BYTES);
		if (good && !session->tagged)
			session->rejected = TAG_OTHER_SESSION;
	} else if (good) {
		session->source = SESSION_FROM_TAG;
		session->tagged = true;
		session->digest = session->claims.digest;
	} else {
		session->source = SESSION_ISSUED;
		random(session->digest.bytes);
	}
}

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
