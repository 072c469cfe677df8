/*
 * response.c: conclusions from a response's head, above all how its body ends (RFC 9112
 * section 6.3). Faulty but clear framing is used, and then the connection is not.
 */
#include "http/octets.h"
#include "http/parsing.h"

/* HTTP-version SP 3DIGIT [ SP reason ]; a missing last blank is forgiven, ours has it. */
static bool
read_status_line(struct parser *p, struct http_head *head)
{
	struct slice line = p->start;
	const size_t status_end = VERSION_BYTES + 1 + STATUS_BYTES;
	bool known = false;
	const char *at = line.at;
	if (line.bytes < status_end || !read_version(at, &head->minor, &known) || !known)
		return malformed(p, "malformed HTTP version");
	const char *digits = at + VERSION_BYTES + 1;
	if (digits[-1] != ' ' || digits[0] < '1' || digits[0] > '9' || !is_digit(digits[1]) ||
	    !is_digit(digits[2]))
		return malformed(p, "malformed status");
	head->status =
	    (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0');
	if (line.bytes > status_end) {
		if (at[status_end] != ' ')
			return malformed(p, "malformed status");
		head->reason = (struct slice){at + status_end + 1, line.bytes - status_end - 1};
	}
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
	return grammar_coding(p, head);
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

bool
check_response(struct parser *p, struct http_head *head, enum http_method request_method)
{
	if (!read_status_line(p, head))
		return false;
	if (grammar_start(p, HTTP_RESPONSE) != HPE_OK)
		return malformed(p, p->grammar.reason);
	if (p->grammar.status_code != head->status)
		return malformed(p, "malformed status");
	if (saw(p, FIELD_CONNECTION) && !read_connection(p, head, false))
		return false;
	bool upgrade = saw(p, FIELD_UPGRADE) && (p->options & OPTION_UPGRADE) != 0;
	bool keep_alive = head->minor == 1 || (p->options & OPTION_KEEP_ALIVE) != 0;
	head->keep_alive = keep_alive && (p->options & OPTION_CLOSE) == 0;
	head->upgrade = upgrade && head->minor == 1;
	if (!read_response_framing(p, head))
		return false;
	settle_response_framing(head, request_method);
	head->has_date = saw(p, FIELD_DATE) && !head->field[p->first[FIELD_DATE]].drop;
	head->has_via = saw(p, FIELD_VIA);
	return true;
}
