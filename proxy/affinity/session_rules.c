/*
 * session_rules.c: session.keys and session.tag of one service, checked and compiled;
 * see session.h. What browsers would refuse is refused here.
 */
#include "affinity/session.h"

#include <stdlib.h>

/* ---- the tag -------------------------------------------------------------------------------- */

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
is_suffix(const struct config_tag *tag)
{
	return tag->carrier == TAG_SUFFIX_COOKIE || tag->carrier == TAG_SUFFIX_HEADER;
}

static bool
is_cookie(const struct config_tag *tag)
{
	return tag->carrier == TAG_COOKIE || tag->carrier == TAG_SUFFIX_COOKIE;
}

/* The key of the configuration that names the carrier. */
static const char *
name_key(const struct config_tag *tag)
{
	return is_suffix(tag) ? "suffix" : is_cookie(tag) ? "cookie" : "header";
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
		return problem_set(p, RESULT_INVALID, "%s: this prefix needs secure = true",
				   name_key(tag));
	if (http && !tag->http_only)
		return problem_set(p, RESULT_INVALID, "cookie: this prefix needs http_only = true");
	if (host && (tag->domain != NULL || (tag->path != NULL && strcmp(tag->path, "/") != 0)))
		return problem_set(p, RESULT_INVALID,
				   "%s: __Host- allows no domain and no path but \"/\"",
				   name_key(tag));
	return RESULT_OK;
}

static enum result
cookie_tag_check(const struct config_tag *tag, struct problem *p)
{
	if (!cookie_name_valid(slice_of(tag->name)))
		return problem_set(p, RESULT_INVALID, "%s: not a cookie name", name_key(tag));
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
		return problem_set(p, RESULT_INVALID, "%s: not a header name", name_key(tag));
	if (is_suffix(tag) && has_prefix_nocase(name, SLICE("Holdfast-")))
		return problem_set(p, RESULT_INVALID, "suffix: this header belongs to Holdfast");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (slice_equal_nocase(name, known[i]))
			return problem_set(p, RESULT_INVALID,
					   "%s: this one has a meaning of its own", name_key(tag));
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
	bool cookie = is_cookie(tag);
	if (tag->name == NULL || tag->name[0] == '\0')
		return problem_set(p, RESULT_INVALID, "%s: no name", name_key(tag));
	enum result r = cookie ? cookie_tag_check(tag, p) : header_tag_check(tag, p);
	if (r != RESULT_OK)
		return r;
	rules->tag_name = slice_of(tag->name);
	rules->tag_field = cookie ? SLICE("set-cookie") : rules->tag_name;
	rules->by_suffix = is_suffix(tag);
	rules->cut_id = cookie ? FIELD_COOKIE : FIELD_OTHER;
	rules->carrier = (struct suffix_carrier){rules->tag_name, cookie};
	rules->cookies[0] = tag->carrier == TAG_COOKIE ? rules->tag_name : SLICE_NONE;
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

/* ---- the keys ------------------------------------------------------------------------------- */

/* Does the rule look where the tag stands? */
static bool
names_the_carrier(const struct session_rules *rules, const struct keyrule *key)
{
	bool cookie = is_cookie(rules->tag);
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

/* Where the value for rule `i` will be found. */
static void
place_value(struct session_rules *rules, size_t i)
{
	const struct keyrule *key = rules->keys[i];
	bool cookie = keyrule_source(key) == KEY_COOKIE;
	if (names_the_carrier(rules, key) && (cookie || keyrule_source(key) == KEY_HEADER)) {
		rules->value_of_rule[i] = SESSION_CARRIER;
	} else if (cookie) {
		rules->value_of_rule[i] = (uint8_t)rules->cookie_count;
		rules->cookies[rules->cookie_count++] = keyrule_name(key);
	}
}

static enum result
add_rule(struct session_rules *rules, struct slice text, struct problem *p)
{
	size_t i = rules->key_count;
	enum result r = keyrule_compile(text, &rules->keys[i], p);
	if (r != RESULT_OK)
		return r;
	rules->key_count++;
	/* A key that is the tag itself would change with every tag. */
	if (!rules->by_suffix && names_the_carrier(rules, rules->keys[i]))
		return problem_set(p, RESULT_INVALID, "this is the tag's own name");
	rules->learns |= keyrule_learns(rules->keys[i]);
	rules->asks_identity |= keyrule_source(rules->keys[i]) == KEY_CLIENT_CERT;
	place_value(rules, i);
	return RESULT_OK;
}

/* The rule that a suffix adds. */
static enum result
add_carrier_rule(struct session_rules *rules, struct problem *p)
{
	char text[ID_BYTES_MAX + 16];
	struct writer w = writer_on(text, sizeof(text));
	write_text(&w, is_cookie(rules->tag) ? "cookie:" : "header:");
	write_slice(&w, rules->tag_name);
	enum result r = add_rule(rules, (struct slice){text, w.bytes}, p);
	return r == RESULT_INVALID ? problem_prefix(p, r, "tag: suffix") : r;
}

static enum result
compile_keys(struct session_rules *rules, const struct config_service *service, struct problem *p)
{
	if (service->key_count == 0 && !rules->by_suffix)
		return RESULT_OK;
	rules->keys = calloc(service->key_count + 1, sizeof(struct keyrule *));
	if (rules->keys == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (size_t i = 0; i < service->key_count; i++) {
		enum result r = add_rule(rules, slice_of(service->keys[i]), p);
		if (r != RESULT_OK)
			return problem_prefix(p, r, "keys[%zu]", i);
	}
	return rules->by_suffix ? add_carrier_rule(rules, p) : RESULT_OK;
}

/* ---- all ------------------------------------------------------------------------------------ */

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
