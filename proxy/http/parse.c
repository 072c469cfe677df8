/*
 * parse.c: bytes to heads; see parse.h.
 *
 *   bytes -> scan -> start line -> llhttp -> conclusions -> head
 *            lines, names,         start line and      framing, connection,
 *            values, fields        framing fields      host, what is dropped
 *
 * The odd decision: llhttp is shown the start line and the fields that it draws
 * conclusions from, not the others. All that it would say of those is that a name
 * is a token and a value has no control in it, and the scan has said so already,
 * more strictly and at a sixth of the price. Where both have an opinion they must agree.
 */
#include "http/parse.h"

#include <arpa/inet.h>
#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LEADING_CRLF_MAX   2         /* empty lines before a request line */
#define CONNECTION_MAX     32        /* elements of all Connection fields of one head */
#define CONTENT_LENGTH_MAX INT64_MAX /* what every file offset can hold */
#define PORT_MAX           65535     /* in Host */
#define VERSION_BYTES      8         /* "HTTP/1.1" */
#define STATUS_BYTES       3         /* "200" */
#define COOKIE_MASK_BITS   64        /* places that cookie_fields can tell */

/* Initialises a slice in a static table. */
#define TEXT(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

#define ID_BIT(id) (UINT64_C(1) << (id))
static_assert(FIELD_IDS <= 64, "every field id has a bit");

/* Options that Connection may name; all else it names is a field to be dropped. */
enum connection_option {
	OPTION_CLOSE = 1,
	OPTION_KEEP_ALIVE = 2,
	OPTION_UPGRADE = 4,
	OPTION_TE = 8,
};

struct parser {
	llhttp_t grammar;
	uint64_t seen;             /* ID_BIT: a field of that id is in the head */
	uint64_t repeated;         /* ID_BIT: ... on more than one line */
	uint16_t first[FIELD_IDS]; /* place of its first line; only where seen */
	unsigned options;          /* enum connection_option, of all Connection fields */
	enum cause cause;          /* of a refusal */
	const char *why;
};

/* ---- characters ------------------------------------------------------------------------------ */

#define DIGITS  ['0' ... '9'] = true
#define LETTERS ['a' ... 'z'] = true, ['A' ... 'Z'] = true

/* tchar of RFC 9110 section 5.6.2. */
static const bool is_token[256] = {
    DIGITS,       LETTERS,       ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true,
    ['&'] = true, ['\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true,
    ['^'] = true, ['_'] = true,  ['`'] = true, ['|'] = true, ['~'] = true,
};

/* What a request target may hold: printable ASCII without '#', which no target has. */
static const bool is_target[256] = {['!'] = true, ['"'] = true, ['$' ... '~'] = true};

/* unreserved and sub-delims of RFC 3986 section 2; '%' is looked at apart. */
static const bool is_reg_name[256] = {
    DIGITS,       LETTERS,      ['-'] = true, ['.'] = true,  ['_'] = true, ['~'] = true,
    ['!'] = true, ['$'] = true, ['&'] = true, ['\''] = true, ['('] = true, [')'] = true,
    ['*'] = true, ['+'] = true, [','] = true, [';'] = true,  ['='] = true,
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
slice_is_token(struct slice s)
{
	for (size_t i = 0; i < s.bytes; i++) {
		if (!is_token[(uint8_t)s.at[i]])
			return false;
	}
	return s.bytes > 0;
}

/* A control other than HTAB; DEL is one. */
static bool
is_control(char c)
{
	return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

#ifdef __SSE2__
#define BLOCK_BYTES 16

/* Bit i: at[i] is a control other than HTAB. */
static inline unsigned
block_controls(const char *at)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
	__m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
	__m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

/* The first control other than HTAB, or `end`. Bytes from `low` on may be looked at. */
static inline const char *
find_control(const char *low, const char *at, const char *end)
{
	for (; end - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
		unsigned controls = block_controls(at);
		if (controls != 0)
			return at + __builtin_ctz(controls);
	}
	if (end - low >= BLOCK_BYTES && at < end) {
		/* The last block again, without what of it stands before `at`. */
		unsigned controls = block_controls(end - BLOCK_BYTES) >> (BLOCK_BYTES - (end - at));
		return controls != 0 ? at + __builtin_ctz(controls) : end;
	}
	while (at < end && !is_control(*at))
		at++;
	return at;
}
#else
static inline const char *
find_control(const char *low, const char *at, const char *end)
{
	(void)low;
	while (at < end && !is_control(*at))
		at++;
	return at;
}
#endif

/* ---- names of fields ---------------------------------------------------------------------------
 */

static const struct slice field_texts[FIELD_IDS] = {
#define FIELD(name, text, action) [FIELD_##name] = {text, sizeof(text) - 1},
#include "tbl/fields.h"
#undef FIELD
};

enum field_action { ACTION_PASS, ACTION_HOP, ACTION_OWN, ACTION_FRAME };

static const uint8_t field_actions[FIELD_IDS] = {
#define FIELD(name, text, action) [FIELD_##name] = ACTION_##action,
#include "tbl/fields.h"
#undef FIELD
};

/* Set of the ids whose text has `bytes` characters; a constant where `bytes` is one. */
static inline __attribute__((always_inline)) uint64_t
ids_of_length(size_t bytes)
{
	return UINT64_C(0)
#define FIELD(name, text, action) | (uint64_t)(sizeof(text) - 1 == bytes) << FIELD_##name
#include "tbl/fields.h"
#undef FIELD
	    ;
}

#define FIELD_TEXT_MIN 2
#define FIELD_TEXT_MAX 22
#define FIELD(name, text, action)                                                               \
	static_assert(sizeof(text) - 1 >= FIELD_TEXT_MIN && sizeof(text) - 1 <= FIELD_TEXT_MAX, \
		      "ids_by_length has a row for " text);
#include "tbl/fields.h"
#undef FIELD

static uint64_t
ids_by_length(size_t bytes)
{
#define LENGTH(n) \
	case n:   \
		return ids_of_length(n);
	switch (bytes) {
		LENGTH(2)
		LENGTH(3)
		LENGTH(4)
		LENGTH(5) LENGTH(6) LENGTH(7) LENGTH(8) LENGTH(9) LENGTH(10) LENGTH(11) LENGTH(12)
		    LENGTH(13) LENGTH(14) LENGTH(15) LENGTH(16) LENGTH(17) LENGTH(18) LENGTH(19)
			LENGTH(20) LENGTH(21) LENGTH(22) default : return 0;
	}
#undef LENGTH
}

/* Both have `bytes` characters; `lower` is lower-case letters and '-', `at` is a token. */
static bool
same_name(const char *at, const char *lower, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if ((at[i] | 0x20) != lower[i])
			return false;
	}
	return true;
}

enum field_id
field_lookup(struct slice name)
{
	uint64_t left = ids_by_length(name.bytes);
	for (; left != 0; left &= left - 1) {
		int id = __builtin_ctzll(left);
		if (same_name(name.at, field_texts[id].at, name.bytes))
			return (enum field_id)id;
	}
	return FIELD_OTHER;
}

/* Fields of Holdfast's own that this version does not know are nobody else's to send. */
bool
field_is_holdfast(struct slice name)
{
	static const struct slice prefix = TEXT("holdfast-");
	return name.bytes > prefix.bytes && same_name(name.at, prefix.at, prefix.bytes);
}

const struct http_field *
http_field_find(const struct http_head *head, struct slice name, size_t *at)
{
	for (size_t i = *at; i < head->field_count; i++) {
		if (slice_equal_nocase(http_field_name(head, &head->field[i]), name)) {
			*at = i + 1;
			return &head->field[i];
		}
	}
	*at = head->field_count;
	return NULL;
}

const struct http_field *
http_field_find_id(const struct http_head *head, enum field_id id, size_t *at)
{
	for (size_t i = *at; i < head->field_count; i++) {
		if (head->field[i].id == id) {
			*at = i + 1;
			return &head->field[i];
		}
	}
	*at = head->field_count;
	return NULL;
}

/* ---- refusals ----------------------------------------------------------------------------------
 */

static bool
refuse(struct parser *p, enum cause cause, const char *why)
{
	p->cause = cause;
	p->why = why;
	return false;
}

static bool
malformed(struct parser *p, const char *why)
{
	return refuse(p, CAUSE_CLIENT_BAD_REQUEST, why);
}

static enum parse_outcome
bad(struct parser *p, const char *why)
{
	(void)malformed(p, why);
	return PARSE_BAD;
}

/* ---- the scan ----------------------------------------------------------------------------------
 */

/* *stop is the CR of the line's CRLF. */
static inline enum parse_outcome
find_line_end(struct parser *p, const char *low, const char *at, const char *end, const char **stop)
{
	const char *control = find_control(low, at, end);
	*stop = control;
	if (control == end)
		return PARSE_MORE;
	if (*control != '\r')
		return bad(p, *control == '\n' ? "bare LF" : "control character in the head");
	if (control + 1 == end)
		return PARSE_MORE;
	if (control[1] != '\n')
		return bad(p, "bare CR");
	return PARSE_OK;
}

static const char *
why_no_name(const struct http_head *head, const char *line, const char *after)
{
	if (is_blank(*line))
		return head->field_count == 0 ? "white space before the first field"
					      : "folded line";
	if (*after == ':')
		return "empty field name";
	return is_blank(*after) ? "white space in or behind a field name" : "malformed field name";
}

static void
note_id(struct parser *p, struct http_head *head, enum field_id id)
{
	uint16_t place = head->field_count;
	if ((p->seen & ID_BIT(id)) == 0)
		p->first[id] = place;
	else
		p->repeated |= ID_BIT(id);
	p->seen |= ID_BIT(id);
	if (id != FIELD_COOKIE && id != FIELD_SET_COOKIE)
		return;
	if (place < COOKIE_MASK_BITS)
		head->cookie_fields |= UINT64_C(1) << place;
	else
		head->cookie_more = true;
}

static const char *
name_end(const char *line)
{
	while (is_token[(uint8_t)*line]) /* stops at the line's CR at the latest */
		line++;
	return line;
}

size_t
field_line_check(struct slice lines, struct slice *name)
{
	const char *end = lines.at + lines.bytes;
	const char *stop = find_control(lines.at, lines.at, end);
	if (end - stop < 2 || memcmp(stop, "\r\n", 2) != 0)
		return 0;
	const char *after = name_end(lines.at);
	*name = (struct slice){lines.at, (size_t)(after - lines.at)};
	return *after == ':' && name->bytes > 0 ? (size_t)(stop + 2 - lines.at) : 0;
}

/* One field line, without its CRLF at `stop`, becomes the next field. */
static inline bool
read_field(struct parser *p, struct http_head *head, const char *line, const char *stop)
{
	const char *after = name_end(line);
	if (*after != ':' || after == line)
		return malformed(p, why_no_name(head, line, after));
	const char *from = after + 1;
	const char *to = stop;
	while (from < to && is_blank(*from))
		from++;
	while (from < to && is_blank(to[-1]))
		to--;
	struct slice name = {line, (size_t)(after - line)};
	enum field_id id = field_lookup(name);
	struct http_field *field = &head->field[head->field_count];
	field->name_at = (uint32_t)(line - head->base);
	field->value_at = (uint32_t)(from - head->base);
	field->value_bytes = (uint32_t)(to - from);
	field->name_bytes = (uint16_t)name.bytes;
	field->id = (uint8_t)id;
	field->drop = field_actions[id] != ACTION_PASS;
	field->line_bytes = (uint32_t)(stop + 2 - line);
	if (id != FIELD_OTHER)
		note_id(p, head, id);
	else if ((*line | 0x20) == 'h' && field_is_holdfast(name))
		field->drop = true;
	head->field_count++;
	return true;
}

/*
 * From the start line's first byte to the empty line. *start gets the start line
 * without its CRLF, as soon as it is whole.
 */
static enum parse_outcome
scan(struct parser *p, const char *at, const char *end, const struct parse_limits *limits,
     struct http_head *head, struct slice *start)
{
	const char *low = at;
	const char *stop;
	enum parse_outcome outcome = find_line_end(p, low, at, end, &stop);
	if (outcome != PARSE_OK)
		return outcome;
	*start = (struct slice){at, (size_t)(stop - at)};
	for (;;) {
		at = stop + 2;
		outcome = find_line_end(p, low, at, end, &stop);
		if (outcome != PARSE_OK)
			return outcome;
		if (stop == at)
			break;
		if (head->field_count == limits->fields_max) {
			(void)refuse(p, CAUSE_CLIENT_HEAD_TOO_LARGE, "too many fields");
			return PARSE_BAD;
		}
		if (!read_field(p, head, at, stop))
			return PARSE_BAD;
	}
	head->bytes = (uint32_t)(stop + 2 - head->base);
	return PARSE_OK;
}

/* ---- the grammar, by llhttp
 * ---------------------------------------------------------------------- */

/* What llhttp draws conclusions from. */
#define GRAMMAR_IDS                                                                          \
	(ID_BIT(FIELD_CONNECTION) | ID_BIT(FIELD_PROXY_CONNECTION) | ID_BIT(FIELD_UPGRADE) | \
	 ID_BIT(FIELD_TRANSFER_ENCODING) | ID_BIT(FIELD_CONTENT_LENGTH))

static int
pause_at_body(llhttp_t *grammar)
{
	(void)grammar;
	return HPE_PAUSED;
}

static const llhttp_settings_t grammar_settings = {.on_headers_complete = pause_at_body};

/* The start line with its CRLF. */
static llhttp_errno_t
grammar_start(struct parser *p, llhttp_type_t type, struct slice start)
{
	llhttp_init(&p->grammar, type, &grammar_settings);
	return llhttp_execute(&p->grammar, start.at, start.bytes + 2);
}

/*
 * The framing fields and the empty line. A response's Content-Length beside a
 * Transfer-Encoding counts for nothing and is not shown.
 */
static bool
grammar_rest(struct parser *p, const struct http_head *head)
{
	llhttp_t *g = &p->grammar;
	uint64_t shown = p->seen & GRAMMAR_IDS;
	if ((shown & ID_BIT(FIELD_TRANSFER_ENCODING)) != 0)
		shown &= ~ID_BIT(FIELD_CONTENT_LENGTH);
	for (size_t i = 0; shown != 0 && i < head->field_count; i++) {
		const struct http_field *field = &head->field[i];
		if ((shown & ID_BIT(field->id)) == 0)
			continue;
		if (llhttp_execute(g, head->base + field->name_at, field->line_bytes) != HPE_OK)
			return malformed(p, g->reason);
	}
	if (llhttp_execute(g, head->base + head->bytes - 2, 2) != HPE_PAUSED)
		return malformed(p, g->reason != NULL ? g->reason : "head without an end");
	return true;
}

/* Does llhttp read of the body's framing what we read? */
static bool
grammar_agrees(struct parser *p, const struct http_head *head)
{
	const llhttp_t *g = &p->grammar;
	bool same = ((g->flags & F_CHUNKED) != 0) == head->chunked &&
		    ((g->flags & F_CONTENT_LENGTH) != 0) == head->has_length &&
		    (!head->has_length || g->content_length == head->content_length);
	return same || malformed(p, "framing can be read in two ways");
}

/* ---- conclusions that requests and responses share
 * ----------------------------------------------- */

static inline bool
saw(const struct parser *p, enum field_id id)
{
	return (p->seen & ID_BIT(id)) != 0;
}

static inline bool
saw_twice(const struct parser *p, enum field_id id)
{
	return (p->repeated & ID_BIT(id)) != 0;
}

/* Value of the first field of that id; it was seen. */
static inline struct slice
first_value(const struct parser *p, const struct http_head *head, enum field_id id)
{
	return http_field_value(head, &head->field[p->first[id]]);
}

static unsigned
option_of(struct slice element)
{
	static const struct {
		struct slice text;
		unsigned option;
	} options[] = {
	    {TEXT("close"), OPTION_CLOSE},
	    {TEXT("keep-alive"), OPTION_KEEP_ALIVE},
	    {TEXT("upgrade"), OPTION_UPGRADE},
	    {TEXT("te"), OPTION_TE},
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (slice_equal_nocase(element, options[i].text))
			return options[i].option;
	}
	return 0;
}

/* Names that no client may have taken out of its request on the way (RFC 9110 section 7.6.1). */
static bool
may_not_be_nominated(struct slice name)
{
	switch (field_lookup(name)) {
	case FIELD_HOST:
	case FIELD_COOKIE:
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRANSFER_ENCODING:
		return true;
	default:
		return field_is_holdfast(name) ||
		       slice_equal_nocase(name, SLICE("content-encoding"));
	}
}

static void
drop_named(struct http_head *head, struct slice name)
{
	for (size_t i = 0; i < head->field_count; i++) {
		struct http_field *field = &head->field[i];
		if (field->name_bytes == name.bytes &&
		    slice_equal_nocase(http_field_name(head, field), name))
			field->drop = true;
	}
}

/* Every Connection field: options are noted, fields named there are dropped. */
static bool
read_connection(struct parser *p, struct http_head *head, bool request)
{
	size_t elements = 0;
	size_t at = p->first[FIELD_CONNECTION];
	const struct http_field *field;
	while ((field = http_field_find_id(head, FIELD_CONNECTION, &at)) != NULL) {
		struct slice rest = http_field_value(head, field);
		struct slice element;
		while (slice_next_element(&rest, &element)) {
			if (++elements > CONNECTION_MAX)
				return malformed(p, "too many elements in Connection");
			unsigned option = option_of(element);
			p->options |= option;
			if (option != 0)
				continue;
			if (request && !slice_is_token(element))
				return malformed(p, "malformed Connection");
			if (request && may_not_be_nominated(element))
				return malformed(p, "Connection names a field that must stay");
			drop_named(head, element);
		}
	}
	return true;
}

static bool
read_content_length(struct parser *p, struct http_head *head)
{
	if (saw_twice(p, FIELD_CONTENT_LENGTH))
		return malformed(p, "Content-Length repeated");
	struct slice value = first_value(p, head, FIELD_CONTENT_LENGTH);
	if (!slice_to_u64(value, &head->content_length) ||
	    head->content_length > CONTENT_LENGTH_MAX)
		return malformed(p, "invalid Content-Length");
	head->has_length = true;
	return true;
}

/* Is the whole of Transfer-Encoding one "chunked"? Anything around it is not. */
static bool
is_chunked_alone(const struct parser *p, const struct http_head *head)
{
	return !saw_twice(p, FIELD_TRANSFER_ENCODING) &&
	       slice_equal_nocase(first_value(p, head, FIELD_TRANSFER_ENCODING), SLICE("chunked"));
}

/* An element of a comma-separated field of that id, without parameters, any case. */
static bool
has_element(const struct parser *p, const struct http_head *head, enum field_id id,
	    struct slice wanted)
{
	size_t at = p->first[id];
	const struct http_field *field;
	while ((field = http_field_find_id(head, id, &at)) != NULL) {
		struct slice rest = http_field_value(head, field);
		struct slice element;
		while (slice_next_element(&rest, &element)) {
			if (slice_equal_nocase(element, wanted))
				return true;
		}
	}
	return false;
}

/* Marks the fields of that id as not forwarded. */
static void
drop_id(const struct parser *p, struct http_head *head, enum field_id id)
{
	for (size_t i = p->first[id]; i < head->field_count; i++) {
		if (head->field[i].id == id)
			head->field[i].drop = true;
	}
}

static void
begin_head(struct parser *p, const char *base, struct http_head *head)
{
	p->seen = 0;
	p->repeated = 0;
	p->options = 0;
	/* All but the fields, of which those below field_count are written. */
	memset(head, 0, offsetof(struct http_head, field));
	head->base = base;
}

/* ---- the request line
 * ---------------------------------------------------------------------------- */

static uint8_t
method_kind(uint8_t number)
{
	switch (number) {
	case HTTP_GET:
		return METHOD_GET;
	case HTTP_HEAD:
		return METHOD_HEAD;
	case HTTP_POST:
		return METHOD_POST;
	case HTTP_PUT:
		return METHOD_PUT;
	case HTTP_DELETE:
		return METHOD_DELETE;
	case HTTP_OPTIONS:
		return METHOD_OPTIONS;
	case HTTP_TRACE:
		return METHOD_TRACE;
	case HTTP_PATCH:
		return METHOD_PATCH;
	case HTTP_PROPFIND:
	case HTTP_REPORT:
	case HTTP_SEARCH:
		return METHOD_OTHER_SAFE;
	default:
		return METHOD_OTHER;
	}
}

bool
http_method_idempotent(enum http_method method)
{
	switch (method) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_PUT:
	case METHOD_DELETE:
	case METHOD_OPTIONS:
	case METHOD_TRACE:
	case METHOD_OTHER_SAFE:
		return true;
	case METHOD_POST:
	case METHOD_PATCH:
	case METHOD_OTHER:
		break;
	}
	return false;
}

/* "HTTP/1.0" or "HTTP/1.1" into *minor. *known is false for a version that we do not speak. */
static bool
read_version(const char *at, uint8_t *minor, bool *known)
{
	if (memcmp(at, "HTTP/", 5) != 0 || !is_digit(at[5]) || at[6] != '.' || !is_digit(at[7]))
		return false;
	*known = at[5] == '1' && at[7] <= '1';
	*minor = (uint8_t)(at[7] - '0');
	return true;
}

static bool
read_request_line(struct parser *p, struct slice line, const struct parse_limits *limits,
		  struct http_head *head)
{
	const char *at = line.at;
	const char *end = line.at + line.bytes;
	while (is_token[(uint8_t)*at])
		at++;
	if (at == line.at || *at != ' ')
		return malformed(p, "malformed method");
	head->method_text = (struct slice){line.at, (size_t)(at - line.at)};
	at++;
	head->target.at = at;
	while (is_target[(uint8_t)*at])
		at++;
	head->target.bytes = (size_t)(at - head->target.at);
	if (head->target.bytes > limits->target_bytes_max)
		return refuse(p, CAUSE_CLIENT_TARGET_TOO_LONG, "request target too long");
	if (head->target.bytes == 0 || *at != ' ')
		return malformed(p, "malformed request target");
	at++;
	bool known = false;
	if (end - at != VERSION_BYTES || !read_version(at, &head->minor, &known))
		return malformed(p, "malformed HTTP version");
	if (!known)
		return refuse(p, CAUSE_CLIENT_VERSION, "HTTP version not spoken here");
	return true;
}

/* ---- host and target
 * ----------------------------------------------------------------------------- */

/* `text` stands behind the host: nothing, or ':' and a port that may be empty. */
static bool
port_valid(struct slice text)
{
	if (text.bytes == 0)
		return true;
	uint64_t port = 0;
	struct slice digits = {text.at + 1, text.bytes - 1};
	return text.at[0] == ':' &&
	       (digits.bytes == 0 || (slice_to_u64(digits, &port) && port <= PORT_MAX));
}

/* "[2001:db8::1]:80" */
static bool
ip_literal_valid(struct slice host)
{
	size_t close = slice_find(host, ']');
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	if (close == host.bytes || close - 1 >= sizeof(text))
		return false;
	memcpy(text, host.at + 1, close - 1);
	text[close - 1] = '\0';
	return inet_pton(AF_INET6, text, &ip) == 1 &&
	       port_valid((struct slice){host.at + close + 1, host.bytes - close - 1});
}

/* uri-host [ ":" port ]; not empty. */
static bool
host_valid(struct slice host)
{
	if (host.at[0] == '[')
		return ip_literal_valid(host);
	size_t i = 0;
	while (i < host.bytes) {
		uint8_t byte;
		if (is_reg_name[(uint8_t)host.at[i]])
			i++;
		else if (host.at[i] == '%' && host.bytes - i > 2 &&
			 hex_decode((struct slice){host.at + i + 1, 2}, &byte, 1))
			i += 3;
		else
			break;
	}
	return i > 0 && port_valid((struct slice){host.at + i, host.bytes - i});
}

/* The Host field: once in 1.1, at most once in 1.0, of valid form wherever it stands. */
static bool
read_host(struct parser *p, struct http_head *head)
{
	if (!saw(p, FIELD_HOST))
		return head->minor == 0 || malformed(p, "no Host");
	if (saw_twice(p, FIELD_HOST))
		return malformed(p, "Host repeated");
	head->host = first_value(p, head, FIELD_HOST);
	return head->host.bytes == 0 || host_valid(head->host) || malformed(p, "invalid Host");
}

/* http://authority/path?query: the authority is the host, whatever Host says. */
static bool
read_absolute(struct parser *p, struct http_head *head)
{
	struct slice rest = head->target;
	size_t scheme = slice_find(rest, ':');
	struct slice name = {rest.at, scheme};
	if (!slice_equal_nocase(name, SLICE("http")) && !slice_equal_nocase(name, SLICE("https")))
		return malformed(p, "request target is neither a path nor an http URI");
	rest.at += scheme;
	rest.bytes -= scheme;
	if (!slice_has_prefix(rest, SLICE("://")))
		return malformed(p, "request target without authority");
	rest.at += 3;
	rest.bytes -= 3;
	size_t path = 0;
	while (path < rest.bytes && rest.at[path] != '/' && rest.at[path] != '?')
		path++;
	head->host = (struct slice){rest.at, path};
	if (path == 0 || !host_valid(head->host))
		return malformed(p, "invalid authority in the request target");
	if (path == rest.bytes)
		head->path = head->method == METHOD_OPTIONS ? SLICE("*") : SLICE("/");
	else if (rest.at[path] == '/')
		head->path = (struct slice){rest.at + path, rest.bytes - path};
	else
		return malformed(p, "request target with a query but no path");
	return true;
}

static bool
read_target(struct parser *p, struct http_head *head)
{
	if (!read_host(p, head))
		return false;
	if (head->target.at[0] != '/') {
		bool asterisk = slice_equal(head->target, SLICE("*"));
		if (!asterisk)
			return read_absolute(p, head);
		if (head->method != METHOD_OPTIONS)
			return malformed(p, "request target * is for OPTIONS only");
	}
	head->path = head->target;
	return true;
}

/* ---- conclusions of a request
 * --------------------------------------------------------------------- */

static bool
coding_known(struct slice coding)
{
	static const struct slice known[] = {
	    TEXT("gzip"),     TEXT("x-gzip"),     TEXT("deflate"),
	    TEXT("compress"), TEXT("x-compress"), TEXT("identity"),
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (slice_equal_nocase(coding, known[i]))
			return true;
	}
	return false;
}

/* A Transfer-Encoding that is not one "chunked": which status does it deserve? */
static bool
refuse_codings(struct parser *p, const struct http_head *head)
{
	bool chunked = false;
	bool other = false;
	bool unknown = false;
	size_t at = p->first[FIELD_TRANSFER_ENCODING];
	const struct http_field *field;
	while ((field = http_field_find_id(head, FIELD_TRANSFER_ENCODING, &at)) != NULL) {
		struct slice rest = http_field_value(head, field);
		struct slice coding;
		while (slice_next_element(&rest, &coding)) {
			if (chunked)
				return malformed(p, "chunked is not the last transfer coding");
			if (!slice_is_token(coding))
				return malformed(p, "malformed Transfer-Encoding");
			chunked = slice_equal_nocase(coding, SLICE("chunked"));
			other |= !chunked;
			unknown |= !chunked && !coding_known(coding);
		}
	}
	if (unknown || (other && chunked))
		return refuse(p, CAUSE_CLIENT_METHOD, "transfer coding not implemented");
	return malformed(p, other ? "the last transfer coding is not chunked"
				  : "malformed Transfer-Encoding");
}

static bool
request_framing(struct parser *p, struct http_head *head)
{
	head->framing = BODY_NONE;
	if (saw(p, FIELD_TRANSFER_ENCODING)) {
		if (saw(p, FIELD_CONTENT_LENGTH))
			return malformed(p, "Content-Length beside Transfer-Encoding");
		if (head->minor == 0)
			return malformed(p, "Transfer-Encoding in HTTP/1.0");
		if (!is_chunked_alone(p, head))
			return refuse_codings(p, head);
		head->chunked = true;
		head->framing = BODY_CHUNKED;
	} else if (saw(p, FIELD_CONTENT_LENGTH)) {
		if (!read_content_length(p, head))
			return false;
		head->framing = BODY_LENGTH;
	}
	return true;
}

/* Only 100-continue is known. In HTTP/1.0, and where no content follows, it means nothing. */
static bool
read_expect(struct parser *p, struct http_head *head)
{
	if (head->minor == 0) {
		drop_id(p, head, FIELD_EXPECT);
		return true;
	}
	size_t at = p->first[FIELD_EXPECT];
	const struct http_field *field;
	while ((field = http_field_find_id(head, FIELD_EXPECT, &at)) != NULL) {
		struct slice value = http_field_value(head, field);
		if (!slice_equal_nocase(value, SLICE("100-continue")))
			return refuse(p, CAUSE_CLIENT_EXPECTATION, "unknown expectation");
	}
	head->expect_continue = http_request_has_body(head);
	if (!head->expect_continue)
		drop_id(p, head, FIELD_EXPECT);
	return true;
}

/*
 * Upgrade counts in HTTP/1.1 and with the connection option only. "h2c" is not passed
 * on: behind a proxy it opens a second way into the member that nobody looks at.
 */
static bool
read_upgrade(struct parser *p, struct http_head *head)
{
	if (head->minor == 0 || (p->options & OPTION_UPGRADE) == 0 ||
	    has_element(p, head, FIELD_UPGRADE, SLICE("h2c")))
		return true;
	if (http_request_has_body(head))
		return malformed(p, "Upgrade in a request with a body");
	head->upgrade = true;
	return true;
}

/* Max-Forwards counts for these two methods alone (RFC 9110 section 7.6.2). */
static bool
read_max_forwards(struct parser *p, const struct http_head *head)
{
	uint64_t left;
	if (head->method != METHOD_TRACE && head->method != METHOD_OPTIONS)
		return true;
	if (saw_twice(p, FIELD_MAX_FORWARDS) ||
	    !slice_to_u64(first_value(p, head, FIELD_MAX_FORWARDS), &left))
		return malformed(p, "invalid Max-Forwards");
	return true;
}

static bool
conclude_request(struct parser *p, struct http_head *head)
{
	if (saw(p, FIELD_CONNECTION) && !read_connection(p, head, true))
		return false;
	head->keep_alive = head->minor == 1 && (p->options & OPTION_CLOSE) == 0;
	if (!read_target(p, head) || !request_framing(p, head))
		return false;
	if (saw(p, FIELD_EXPECT) && !read_expect(p, head))
		return false;
	if (saw(p, FIELD_UPGRADE) && !read_upgrade(p, head))
		return false;
	if (saw(p, FIELD_MAX_FORWARDS) && !read_max_forwards(p, head))
		return false;
	if (saw(p, FIELD_TE) && (p->options & OPTION_TE) != 0 && head->minor == 1)
		head->te_trailers = has_element(p, head, FIELD_TE, SLICE("trailers"));
	head->has_date = saw(p, FIELD_DATE);
	head->has_via = saw(p, FIELD_VIA);
	return true;
}

/* What llhttp finds wrong in a start line that we let pass: a method it does not know, one of
 * another protocol, or a target. */
static bool
request_grammar(struct parser *p, struct http_head *head, struct slice start)
{
	llhttp_errno_t e = grammar_start(p, HTTP_REQUEST, start);
	if (e == HPE_INVALID_METHOD || e == HPE_INVALID_CONSTANT || p->grammar.method > HTTP_SOURCE)
		return refuse(p, CAUSE_CLIENT_METHOD, "method not implemented");
	if (e != HPE_OK)
		return malformed(p, p->grammar.reason);
	head->method = method_kind(p->grammar.method);
	return true;
}

static bool
check_request(struct parser *p, struct http_head *head, struct slice start,
	      const struct parse_limits *limits)
{
	if (!read_request_line(p, start, limits, head))
		return false;
	if (slice_equal(head->method_text, SLICE("CONNECT")))
		return refuse(p, CAUSE_CLIENT_METHOD, "CONNECT is not served here");
	return request_grammar(p, head, start) && conclude_request(p, head) &&
	       grammar_rest(p, head) && grammar_agrees(p, head);
}

/* An incomplete head fills the bound: is it the target's fault? */
static void
refuse_too_large(struct parser *p, const char *at, size_t count, const struct parse_limits *limits)
{
	const char *line = memchr(at, '\r', count);
	struct slice rest = {at, line != NULL ? (size_t)(line - at) : count};
	size_t method = slice_find(rest, ' ');
	size_t target = 0;
	if (method < rest.bytes) {
		rest.at += method + 1;
		rest.bytes -= method + 1;
		target = slice_find(rest, ' ');
	}
	if (target > limits->target_bytes_max)
		(void)refuse(p, CAUSE_CLIENT_TARGET_TOO_LONG, "request target too long");
	else
		(void)refuse(p, CAUSE_CLIENT_HEAD_TOO_LARGE, "head too large");
}

static enum parse_outcome
parse_bounded(struct parser *p, const char *bytes, size_t count, const struct parse_limits *limits,
	      struct http_head *head, size_t *skipped)
{
	bool full = count >= limits->head_bytes_max;
	const char *end = bytes + (full ? limits->head_bytes_max : count);
	const char *base = bytes;
	for (int i = 0; i < LEADING_CRLF_MAX && end - base >= 2 && memcmp(base, "\r\n", 2) == 0;
	     i++)
		base += 2;
	*skipped = (size_t)(base - bytes);
	begin_head(p, base, head);
	struct slice start;
	enum parse_outcome outcome = scan(p, base, end, limits, head, &start);
	if (outcome == PARSE_MORE && full) {
		refuse_too_large(p, base, (size_t)(end - base), limits);
		return PARSE_BAD;
	}
	if (outcome == PARSE_OK && !check_request(p, head, start, limits))
		return PARSE_BAD;
	return outcome;
}

enum parse_outcome
parse_request(struct parser *p, const char *bytes, size_t count, const struct parse_limits *limits,
	      struct http_head *head, size_t *skipped, enum cause *cause, const char **why)
{
	assert(limits->fields_max <= HTTP_FIELDS_MAX);
	enum parse_outcome outcome = parse_bounded(p, bytes, count, limits, head, skipped);
	if (outcome == PARSE_BAD) {
		*cause = p->cause;
		*why = p->why;
	}
	return outcome;
}

/* ---- responses
 * ------------------------------------------------------------------------------------ */

/* HTTP-version SP 3DIGIT [ SP reason ]; a missing last blank is forgiven, ours has it. */
static bool
read_status_line(struct parser *p, struct slice line, struct http_head *head)
{
	const size_t status_end = VERSION_BYTES + 1 + STATUS_BYTES;
	bool known = false;
	const char *at = line.at;
	if (line.bytes < status_end || !read_version(at, &head->minor, &known) || !known)
		return malformed(p, "malformed HTTP version");
	uint64_t status = 0;
	struct slice digits = {at + VERSION_BYTES + 1, STATUS_BYTES};
	if (at[VERSION_BYTES] != ' ' || !slice_to_u64(digits, &status) || status < 100)
		return malformed(p, "malformed status");
	if (line.bytes > status_end) {
		if (at[status_end] != ' ')
			return malformed(p, "malformed status");
		head->reason = (struct slice){at + status_end + 1, line.bytes - status_end - 1};
	}
	head->status = (uint16_t)status;
	return true;
}

static void
forget_length(struct http_head *head)
{
	head->has_length = false;
	head->content_length = 0;
}

static bool
read_response_framing(struct parser *p, struct http_head *head)
{
	if (saw(p, FIELD_CONTENT_LENGTH) && !read_content_length(p, head))
		return false;
	if (!saw(p, FIELD_TRANSFER_ENCODING))
		return true;
	if (!is_chunked_alone(p, head))
		return malformed(p, "transfer coding other than chunked");
	/* Faulty beside a length or in HTTP/1.0: used, and then the connection is not. */
	if (head->has_length || head->minor == 0)
		head->keep_alive = false;
	head->chunked = true;
	forget_length(head);
	return true;
}

/* RFC 9112 section 6.3, in its order. */
static void
settle_response_framing(struct http_head *head, enum http_method request_method)
{
	bool fieldless = head->status < 200 || head->status == 204;
	if (fieldless) {
		if (head->chunked || (head->has_length && head->content_length > 0))
			head->keep_alive = false;
		head->chunked = false;
		forget_length(head);
	}
	if (fieldless || head->status == 304 || request_method == METHOD_HEAD) {
		head->framing = BODY_NONE;
	} else if (head->chunked) {
		head->framing = BODY_CHUNKED;
	} else if (head->has_length) {
		head->framing = BODY_LENGTH;
	} else {
		head->framing = BODY_CLOSE;
		head->keep_alive = false;
	}
}

static bool
response_grammar(struct parser *p, const struct http_head *head, struct slice start)
{
	if (grammar_start(p, HTTP_RESPONSE, start) != HPE_OK)
		return malformed(p, p->grammar.reason);
	return p->grammar.status_code == head->status || malformed(p, "malformed status");
}

static bool
check_response(struct parser *p, struct http_head *head, struct slice start,
	       enum http_method request_method)
{
	if (!read_status_line(p, start, head) || !response_grammar(p, head, start))
		return false;
	if (saw(p, FIELD_CONNECTION) && !read_connection(p, head, false))
		return false;
	head->keep_alive = (p->options & OPTION_CLOSE) == 0 &&
			   (head->minor == 1 || (p->options & OPTION_KEEP_ALIVE) != 0);
	head->upgrade =
	    head->minor == 1 && saw(p, FIELD_UPGRADE) && (p->options & OPTION_UPGRADE) != 0;
	if (!read_response_framing(p, head) || !grammar_rest(p, head) || !grammar_agrees(p, head))
		return false;
	settle_response_framing(head, request_method);
	head->has_date = saw(p, FIELD_DATE) && !head->field[p->first[FIELD_DATE]].drop;
	head->has_via = saw(p, FIELD_VIA);
	return true;
}

enum parse_outcome
parse_response(struct parser *p, const char *bytes, size_t count, const struct parse_limits *limits,
	       enum http_method request_method, struct http_head *head, enum cause *cause,
	       const char **why)
{
	assert(limits->fields_max <= HTTP_FIELDS_MAX);
	bool full = count >= limits->head_bytes_max;
	begin_head(p, bytes, head);
	struct slice start;
	const char *end = bytes + (full ? limits->head_bytes_max : count);
	enum parse_outcome outcome = scan(p, bytes, end, limits, head, &start);
	if (outcome == PARSE_MORE && full)
		outcome = bad(p, "head too large");
	else if (outcome == PARSE_OK && !check_response(p, head, start, request_method))
		outcome = PARSE_BAD;
	if (outcome == PARSE_BAD) {
		*cause = CAUSE_MEMBER_BAD_ANSWER;
		*why = p->why;
	}
	return outcome;
}

/* ---- life
 * ------------------------------------------------------------------------------------------ */

struct parser *
parser_create(void)
{
	return calloc(1, sizeof(struct parser));
}

void
parser_free(struct parser **held)
{
	free(*held);
	*held = NULL;
}
