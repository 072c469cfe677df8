/*
 * keyrule.c: one rule of session.keys; see keyrule.h. Nothing is decoded: the key
 * is bytes of the request, so that every node and the member read the same ones.
 *
 * The odd decision: PCRE2 gets its memory for one match from the stack of the
 * caller (struct arena), since match data may not be shared by threads and the
 * request path does not allocate.
 */
#include "affinity/keyrule.h"

#include "affinity/cookie.h"
#include "affinity/credentials.h"
#include "affinity/json.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <stdalign.h>
#include <stdlib.h>

#define OPTIONS_MAX        8   /* of one rule */
#define OPTION_BYTES_MAX   16  /* of the mark in before: and after: */
#define REGEX_HEAP_KIB_MAX 256 /* what one match may take beyond the arena, without JIT */
#define REGEX_ARENA_BYTES  1024

enum option_kind { OPTION_BEFORE, OPTION_AFTER, OPTION_LOWER };

struct option {
	enum option_kind kind;
	uint8_t mark_bytes;
	char mark[OPTION_BYTES_MAX];
};

struct keyrule {
	enum keyrule_source source;
	size_t option_count;
	struct option option[OPTIONS_MAX];
	pcre2_code *regex;           /* owned; path: alone */
	pcre2_match_context *limits; /* owned; path: alone; only read by a match */
	struct slice name;           /* of cookie, header, parameter or claim; in `text` */
	char text[];
};

/* ---- compile ------------------------------------------------------------------------------- */

static enum result
header_check(struct slice name, struct problem *p)
{
	enum action { PASS, HOP, OWN, FRAME };
	static const struct {
		struct slice name;
		enum action action;
	} fields[] = {
#define FIELD(name, text, action) {{text, sizeof(text) - 1}, action},
#include "tbl/fields.h"
#undef FIELD
	};
	if (!cookie_name_valid(name))
		return problem_set(p, RESULT_INVALID, "not a header name");
	if (slice_equal_nocase(name, SLICE("cookie")) ||
	    slice_equal_nocase(name, SLICE("set-cookie")))
		return problem_set(p, RESULT_INVALID, "a cookie is named by cookie:NAME");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].action != PASS && slice_equal_nocase(name, fields[i].name) &&
		    !slice_equal_nocase(name, SLICE("host")))
			return problem_set(p, RESULT_INVALID,
					   "this header belongs to the connection or to Holdfast");
	}
	return RESULT_OK;
}

static enum result
query_check(struct slice name, struct problem *p)
{
	for (size_t i = 0; i < name.bytes; i++) {
		char c = name.at[i];
		if (c <= 0x20 || c >= 0x7f || c == '&' || c == '=' || c == '#')
			return problem_set(p, RESULT_INVALID, "not the name of a query parameter");
	}
	return RESULT_OK;
}

/* A claim's name may be any text, such as "https://shop.example/user". */
static enum result
claim_check(struct slice name, struct problem *p)
{
	static_assert(JSON_NAME_BYTES_MAX >= KEYRULE_TEXT_BYTES_MAX, "each name can be asked for");
	for (size_t i = 0; i < name.bytes; i++) {
		if ((uint8_t)name.at[i] < 0x20 || name.at[i] == 0x7f)
			return problem_set(p, RESULT_INVALID, "not the name of a claim");
	}
	return RESULT_OK;
}

static enum result
name_check(enum keyrule_source source, struct slice name, struct problem *p)
{
	switch (source) {
	case KEY_HEADER:
	case KEY_RESPONSE_HEADER:
		return header_check(name, p);
	case KEY_QUERY:
		return query_check(name, p);
	case KEY_BEARER:
		return claim_check(name, p);
	case KEY_BASIC:
		return slice_equal(name, SLICE("user"))
			   ? RESULT_OK
			   : problem_set(p, RESULT_INVALID,
					 "of Basic credentials there is basic:user alone");
	case KEY_CLIENT_CERT:
		return slice_equal(name, SLICE("subject")) || slice_equal(name, SLICE("san")) ||
			       slice_equal(name, SLICE("fingerprint"))
			   ? RESULT_OK
			   : problem_set(p, RESULT_INVALID,
					 "of a certificate there are client-cert:subject, "
					 "client-cert:san and client-cert:fingerprint");
	default:
		return cookie_name_valid(name)
			   ? RESULT_OK
			   : problem_set(p, RESULT_INVALID, "not a cookie name");
	}
}

static enum result
regex_compile(struct keyrule *rule, struct problem *p)
{
	int code;
	PCRE2_SIZE at;
	/* Bytes, whatever the pattern says of itself; `$` is the end alone. */
	rule->regex = pcre2_compile((PCRE2_SPTR)rule->name.at, rule->name.bytes,
				    PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_DOLLAR_ENDONLY, &code,
				    &at, NULL);
	if (rule->regex == NULL) {
		char text[128] = "";
		(void)pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
		return problem_set(p, RESULT_INVALID, "at character %zu of the expression: %s", at,
				   text);
	}
	uint32_t groups = 0;
	(void)pcre2_pattern_info(rule->regex, PCRE2_INFO_CAPTURECOUNT, &groups);
	if (groups == 0)
		return problem_set(p, RESULT_INVALID,
				   "the expression has no group: the key is what (...) matches");
	rule->limits = pcre2_match_context_create(NULL);
	if (rule->limits == NULL)
		return RESULT_NO_MEMORY;
	(void)pcre2_set_match_limit(rule->limits, KEYRULE_REGEX_MATCH_LIMIT);
	(void)pcre2_set_heap_limit(rule->limits, REGEX_HEAP_KIB_MAX);
	/* Without JIT (refused by the system, say) matches are slower, that is all. */
	(void)pcre2_jit_compile(rule->regex, PCRE2_JIT_COMPLETE);
	return RESULT_OK;
}

static enum result
option_compile(struct slice text, struct option *option, struct problem *p)
{
	struct slice mark;
	if (slice_equal(text, SLICE("lower"))) {
		option->kind = OPTION_LOWER;
		return RESULT_OK;
	}
	if (slice_has_prefix(text, SLICE("before:"))) {
		option->kind = OPTION_BEFORE;
		mark = (struct slice){text.at + 7, text.bytes - 7};
	} else if (slice_has_prefix(text, SLICE("after:"))) {
		option->kind = OPTION_AFTER;
		mark = (struct slice){text.at + 6, text.bytes - 6};
	} else {
		return problem_set(p, RESULT_INVALID,
				   "not an option; there are | before:S, | after:S and | lower");
	}
	if (mark.bytes == 0 || mark.bytes > OPTION_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "before: and after: want 1 to %d characters",
				   OPTION_BYTES_MAX);
	memcpy(option->mark, mark.at, mark.bytes);
	option->mark_bytes = (uint8_t)mark.bytes;
	return RESULT_OK;
}

/* Position of the next '|' with blanks on both sides (or at the end), or text.bytes. */
static size_t
find_bar(struct slice text)
{
	for (size_t i = 1; i < text.bytes; i++) {
		if (text.at[i] == '|' && text.at[i - 1] == ' ' &&
		    (i + 1 == text.bytes || text.at[i + 1] == ' '))
			return i;
	}
	return text.bytes;
}

static enum result
options_compile(struct keyrule *rule, struct slice rest, struct problem *p)
{
	while (rest.bytes > 0) {
		rest = (struct slice){rest.at + 1, rest.bytes - 1}; /* the bar */
		size_t bar = find_bar(rest);
		struct slice text = slice_trim((struct slice){rest.at, bar});
		if (rule->option_count == OPTIONS_MAX)
			return problem_set(p, RESULT_INVALID, "more than %d options", OPTIONS_MAX);
		enum result r = option_compile(text, &rule->option[rule->option_count], p);
		if (r != RESULT_OK) {
			char shown[64];
			struct writer w = writer_on(shown, sizeof(shown));
			write_escaped(&w, text);
			return problem_prefix(p, r, "\"%s\"", writer_text(&w));
		}
		rule->option_count++;
		rest = (struct slice){rest.at + bar, rest.bytes - bar};
	}
	return RESULT_OK;
}

static const struct {
	struct slice prefix;
	enum keyrule_source source;
} kinds[] = {
    {{"cookie:", 7}, KEY_COOKIE},
    {{"header:", 7}, KEY_HEADER},
    {{"query:", 6}, KEY_QUERY},
    {{"path:", 5}, KEY_PATH},
    {{"bearer:", 7}, KEY_BEARER},
    {{"basic:", 6}, KEY_BASIC},
    {{"client-cert:", 12}, KEY_CLIENT_CERT},
    {{"response-cookie:", 16}, KEY_RESPONSE_COOKIE},
    {{"response-header:", 16}, KEY_RESPONSE_HEADER},
};

static enum result
source_compile(struct keyrule *rule, struct slice text, struct problem *p)
{
	if (slice_equal(text, SLICE("ip"))) {
		rule->source = KEY_IP;
		return RESULT_OK;
	}
	size_t kind = 0;
	while (kind < sizeof(kinds) / sizeof(kinds[0]) &&
	       !slice_has_prefix(text, kinds[kind].prefix))
		kind++;
	if (kind == sizeof(kinds) / sizeof(kinds[0]))
		return problem_set(
		    p, RESULT_INVALID,
		    "not a key rule; there are cookie:NAME, header:NAME, query:NAME, "
		    "path:REGEX, bearer:CLAIM, basic:user, "
		    "client-cert:subject|san|fingerprint, ip, response-cookie:NAME and "
		    "response-header:NAME");
	rule->source = kinds[kind].source;
	size_t taken = kinds[kind].prefix.bytes;
	rule->name = slice_trim((struct slice){text.at + taken, text.bytes - taken});
	if (rule->name.bytes == 0)
		return problem_set(p, RESULT_INVALID, "nothing stands behind \"%.*s\"",
				   SLICE_ARG(kinds[kind].prefix));
	if (rule->source == KEY_PATH)
		return regex_compile(rule, p);
	/* '|' is a token character, but here it is far more likely an option without blanks. */
	if (slice_find(rule->name, '|') != rule->name.bytes)
		return problem_set(p, RESULT_INVALID,
				   "an option wants a blank on both sides of '|'");
	return name_check(rule->source, rule->name, p);
}

enum result
keyrule_compile(struct slice text, struct keyrule **out, struct problem *p)
{
	text = slice_trim(text);
	if (text.bytes > KEYRULE_TEXT_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "longer than %d bytes",
				   KEYRULE_TEXT_BYTES_MAX);
	struct keyrule *rule = calloc(1, sizeof(*rule) + text.bytes);
	if (rule == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (text.bytes != 0)
		memcpy(rule->text, text.at, text.bytes);
	struct slice kept = {rule->text, text.bytes};
	size_t bar = find_bar(kept);
	enum result r = source_compile(rule, slice_trim((struct slice){kept.at, bar}), p);
	if (r == RESULT_OK)
		r = options_compile(rule, (struct slice){kept.at + bar, kept.bytes - bar}, p);
	if (r != RESULT_OK) {
		keyrule_free(&rule);
		return r;
	}
	*out = rule;
	return RESULT_OK;
}

void
keyrule_free(struct keyrule **held)
{
	struct keyrule *rule = *held;
	if (rule == NULL)
		return;
	*held = NULL;
	pcre2_match_context_free(rule->limits);
	pcre2_code_free(rule->regex);
	free(rule);
}

enum keyrule_source
keyrule_source(const struct keyrule *rule)
{
	return rule->source;
}

struct slice
keyrule_name(const struct keyrule *rule)
{
	return rule->name;
}

/* ---- match --------------------------------------------------------------------------------- */

/* Position of `mark` in `s`, or s.bytes. */
static size_t
find_mark(struct slice s, const struct option *option)
{
	const char *hit = memmem(s.at, s.bytes, option->mark, option->mark_bytes);
	return hit == NULL ? s.bytes : (size_t)(hit - s.at);
}

static bool
apply_options(const struct keyrule *rule, char *scratch, struct slice *key)
{
	for (size_t i = 0; i < rule->option_count; i++) {
		const struct option *option = &rule->option[i];
		if (option->kind == OPTION_LOWER) {
			if (key->bytes > SESSION_KEY_BYTES_MAX)
				return false;
			/* key may already be in scratch, at or behind this place */
			for (size_t j = 0; j < key->bytes; j++)
				scratch[j] = ascii_lower(key->at[j]);
			key->at = scratch;
			continue;
		}
		size_t mark = find_mark(*key, option);
		if (mark == key->bytes)
			continue;
		if (option->kind == OPTION_BEFORE) {
			key->bytes = mark;
		} else {
			key->at += mark + option->mark_bytes;
			key->bytes -= mark + option->mark_bytes;
		}
	}
	return key->bytes > 0 && key->bytes <= SESSION_KEY_BYTES_MAX;
}

static bool
find_query(struct slice path, struct slice name, struct slice *value)
{
	size_t mark = slice_find(path, '?');
	if (mark == path.bytes)
		return false;
	struct slice rest = {path.at + mark + 1, path.bytes - mark - 1};
	while (rest.bytes > 0) {
		size_t stop = slice_find(rest, '&');
		if (stop > name.bytes && rest.at[name.bytes] == '=' &&
		    memcmp(rest.at, name.at, name.bytes) == 0) {
			*value = (struct slice){rest.at + name.bytes + 1, stop - name.bytes - 1};
			return true;
		}
		size_t taken = stop < rest.bytes ? stop + 1 : stop;
		rest.at += taken;
		rest.bytes -= taken;
	}
	return false;
}

/* Memory of one match. What does not fit (frames of a match without JIT) comes from the heap. */
struct arena {
	size_t used;
	alignas(max_align_t) unsigned char bytes[REGEX_ARENA_BYTES];
};

static void *
arena_get(PCRE2_SIZE bytes, void *context)
{
	struct arena *arena = context;
	if (bytes > sizeof(arena->bytes))
		return malloc(bytes);
	size_t rounded = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (rounded > sizeof(arena->bytes) - arena->used)
		return malloc(bytes);
	void *at = arena->bytes + arena->used;
	arena->used += rounded;
	return at;
}

static void
arena_put(void *at, void *context)
{
	const struct arena *arena = context;
	uintptr_t place = (uintptr_t)at;
	uintptr_t first = (uintptr_t)arena->bytes;
	if (at != NULL && (place < first || place >= first + sizeof(arena->bytes)))
		free(at);
}

static bool
find_path(const struct keyrule *rule, struct slice path, struct slice *value)
{
	path.bytes = slice_find(path, '?');
	struct arena arena;
	arena.used = 0;
	pcre2_general_context *memory = pcre2_general_context_create(arena_get, arena_put, &arena);
	pcre2_match_data *data = memory == NULL ? NULL : pcre2_match_data_create(2, memory);
	bool matched = false;
	if (data != NULL) {
		int groups = pcre2_match(rule->regex, (PCRE2_SPTR)path.at, path.bytes, 0, 0, data,
					 rule->limits);
		const PCRE2_SIZE *place = pcre2_get_ovector_pointer(data);
		/* 0: more groups than places, and group 1 was set or not. */
		if ((groups == 0 || groups > 1) && place[2] != PCRE2_UNSET && place[2] < place[3]) {
			*value = (struct slice){path.at + place[2], place[3] - place[2]};
			matched = true;
		}
	}
	pcre2_match_data_free(data);
	pcre2_general_context_free(memory);
	return matched;
}

static bool
find_header(const struct http_head *head, struct slice name, struct slice *value)
{
	size_t at = 0;
	const struct http_field *field = http_field_find(head, name, &at);
	if (field == NULL)
		return false;
	*value = http_field_value(head, field);
	return true;
}

static bool
find_credentials(const struct keyrule *rule, const struct http_head *request, char *scratch,
		 struct slice *key)
{
	struct slice value;
	if (!find_header(request, SLICE("authorization"), &value))
		return false;
	return rule->source == KEY_BEARER
		   ? credentials_bearer_claim(value, rule->name, scratch, key)
		   : credentials_basic_user(value, scratch, key);
}

static bool
find_identity(struct slice name, const struct tls_identity *identity, struct slice *key)
{
	if (identity == NULL)
		return false;
	*key = name.at[0] == 'f'                 ? identity->fingerprint
	       : slice_equal(name, SLICE("san")) ? identity->san
						 : identity->subject;
	return key->bytes > 0;
}

bool
keyrule_match(const struct keyrule *rule, const struct http_head *request,
	      struct keyrule_client client, char *scratch, struct slice *key)
{
	bool hit = false;
	switch (rule->source) {
	case KEY_COOKIE: {
		struct cookie_found f = cookie_find(request, rule->name, NULL, NULL);
		hit = f.count > 0;
		*key = f.value;
		break;
	}
	case KEY_HEADER:
		hit = find_header(request, rule->name, key);
		break;
	case KEY_QUERY:
		hit = find_query(request->path, rule->name, key);
		break;
	case KEY_PATH:
		hit = find_path(rule, request->path, key);
		break;
	case KEY_IP:
		if (addr_is_ip(client.address)) {
			struct writer w = writer_on(scratch, SESSION_KEY_BYTES_MAX);
			write_addr_ip(&w, client.address);
			*key = (struct slice){scratch, w.bytes};
			hit = true;
		}
		break;
	case KEY_BEARER:
	case KEY_BASIC:
		hit = find_credentials(rule, request, scratch, key);
		break;
	case KEY_CLIENT_CERT:
		hit = find_identity(rule->name, client.identity, key);
		break;
	case KEY_RESPONSE_COOKIE:
	case KEY_RESPONSE_HEADER:
		break;
	}
	return hit && apply_options(rule, scratch, key);
}

bool
keyrule_match_value(const struct keyrule *rule, struct slice value, char *scratch,
		    struct slice *key)
{
	*key = value;
	return apply_options(rule, scratch, key);
}

bool
keyrule_learns(const struct keyrule *rule)
{
	return rule->source == KEY_COOKIE || rule->source == KEY_RESPONSE_COOKIE ||
	       rule->source == KEY_HEADER || rule->source == KEY_RESPONSE_HEADER;
}

bool
keyrule_match_response(const struct keyrule *rule, const struct http_head *response, char *scratch,
		       struct slice *key)
{
	bool hit = false;
	if (rule->source == KEY_COOKIE || rule->source == KEY_RESPONSE_COOKIE) {
		bool deleted;
		hit = set_cookie_find(response, rule->name, key, &deleted) && !deleted;
	} else if (keyrule_learns(rule)) {
		hit = find_header(response, rule->name, key);
	}
	return hit && apply_options(rule, scratch, key);
}
