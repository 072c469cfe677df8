/*
 * request.c: conclusions from a request's head: RFC 9112 sections 3, 6 and 9, RFC 9110
 * sections 7 and 10.1. What could be understood in two ways is refused.
 */
#include "http/octets.h"
#include "http/parsing.h"

#include <arpa/inet.h>

/* ---- the request line ----------------------------------------------------------------------- */

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

static bool
read_request_line(struct parser *p, const struct parse_limits *limits, struct http_head *head)
{
	struct slice line = p->start;
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

/* ---- host and target ------------------------------------------------------------------------ */

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

/* uri-host [ ":" port ]; not empty; a piece of the head. */
static bool
host_valid(const struct http_head *head, struct slice host)
{
	if (host.at[0] == '[')
		return ip_literal_valid(host);
	/* What stands behind a host, a blank or a CR or '/', is not plain. */
	size_t i = (size_t)(skip_plain(host.at, head->base + head->bytes) - host.at);
	for (;;) {
		uint8_t byte;
		while (i < host.bytes && is_reg_name[(uint8_t)host.at[i]])
			i++;
		if (host.bytes - i < 3 || host.at[i] != '%' ||
		    !hex_decode((struct slice){host.at + i + 1, 2}, &byte, 1))
			break;
		i += 3;
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
	return head->host.bytes == 0 || host_valid(head, head->host) ||
	       malformed(p, "invalid Host");
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
	if (path == 0 || !host_valid(head, head->host))
		return malformed(p, "invalid authority in the request target");
	if (path == rest.bytes)
		head->path = head->method == METHOD_OPTIONS ? SLICE("*") : SLICE("/");
	else
		head->path = (struct slice){rest.at + path, rest.bytes - path};
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

/* ---- the body ------------------------------------------------------------------------------- */

/*
 * A Transfer-Encoding that is not one "chunked": 501 when another coding is below it; when it is
 * not the last one nobody can say where the body ends, whatever the last one is: 400 (RFC 9112
 * section 6.3, which goes before the 501 of section 6.1).
 */
static bool
refuse_codings(struct parser *p, const struct http_head *head)
{
	bool chunked = false;
	bool other = false;
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
		}
	}
	if (other && chunked)
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
		return grammar_coding(p, head);
	}
	if (saw(p, FIELD_CONTENT_LENGTH)) {
		if (!read_content_length(p, head))
			return false;
		head->framing = BODY_LENGTH;
	}
	return true;
}

/* ---- all of it ------------------------------------------------------------------------------ */

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
request_grammar(struct parser *p, struct http_head *head)
{
	llhttp_errno_t e = grammar_start(p, HTTP_REQUEST);
	if (e == HPE_INVALID_METHOD || e == HPE_INVALID_CONSTANT || p->grammar.method > HTTP_SOURCE)
		return refuse(p, CAUSE_CLIENT_METHOD, "method not implemented");
	if (e != HPE_OK)
		return malformed(p, p->grammar.reason);
	head->method = method_kind(p->grammar.method);
	return true;
}

bool
check_request(struct parser *p, struct http_head *head, const struct parse_limits *limits)
{
	if (!read_request_line(p, limits, head))
		return false;
	if (slice_equal(head->method_text, SLICE("CONNECT")))
		return refuse(p, CAUSE_CLIENT_METHOD, "CONNECT is not served here");
	return request_grammar(p, head) && conclude_request(p, head);
}
