/*
 * forward.c: heads to bytes; see forward.h. A head is copied in runs: a line that is
 * left out, or a piece that is cut out of one, ends a run and the next one begins
 * behind it. What Holdfast says itself follows the fields.
 */
#include "http/forward.h"

#include <assert.h>

#define REASON_AT (sizeof("HTTP/1.1 200 ") - 1) /* in a status line that has its last blank */

/* The received lines that are still to be copied begin at base + from. */
struct run {
	const char *base;
	uint32_t from;
};

static void
run_skip(struct run *run, struct writer *w, uint32_t at, uint32_t bytes)
{
	write_bytes(w, run->base + run->from, at - run->from);
	run->from = at + bytes;
}

static void
run_skip_line(struct run *run, struct writer *w, const struct http_field *field)
{
	run_skip(run, w, field->name_at, field->line_bytes);
}

/* To the empty line, which is not copied. */
static void
run_end(struct run *run, struct writer *w, const struct http_head *head)
{
	run_skip(run, w, head->bytes - 2, 0);
}

/* Offset of the first field's line, or of the empty line. */
static uint32_t
fields_at(const struct http_head *head)
{
	return head->field_count > 0 ? head->field[0].name_at : head->bytes - 2;
}

static bool
is_named(const struct http_head *head, const struct http_field *field, struct slice name)
{
	return name.bytes > 0 && field->name_bytes == name.bytes &&
	       slice_equal_nocase(http_field_name(head, field), name);
}

static void
write_line(struct writer *w, struct slice name_and_colon, struct slice value)
{
	write_together(w, name_and_colon, value, SLICE("\r\n"));
}

static void
write_length(struct writer *w, uint64_t bytes)
{
	char digits[U64_DIGITS_MAX];
	write_together(w, SLICE("Content-Length: "), u64_text(bytes, digits), SLICE("\r\n"));
}

/* The Upgrade lines as received, and the option that makes them count. */
static void
write_upgrade(struct writer *w, const struct http_head *head)
{
	size_t at = 0;
	const struct http_field *field;
	while ((field = http_field_find_id(head, FIELD_UPGRADE, &at)) != NULL)
		write_slice(w, http_field_line(head, field));
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Takes the cuts of this field, if there are any, out of the run; the whole line when nothing of it
 * is left. */
static size_t
cut_field(struct run *run, struct writer *w, const struct forward_request *r, size_t next,
	  const struct http_field *field)
{
	uint32_t end = field->value_at + field->value_bytes;
	while (next < r->cut_count && r->cuts[next].at < field->value_at)
		next++; /* of a line that was left out */
	bool whole = next < r->cut_count && r->cuts[next].at == field->value_at &&
		     r->cuts[next].bytes == field->value_bytes;
	if (whole) {
		run_skip_line(run, w, field);
		return next + 1;
	}
	for (; next < r->cut_count && r->cuts[next].at < end; next++)
		run_skip(run, w, r->cuts[next].at, r->cuts[next].bytes);
	return next;
}

/* Are the received start line and, behind it, Host what is to be sent? Most are. */
static bool
begins_as_received(const struct http_head *head)
{
	return head->minor == 1 && head->path.at == head->target.at && head->field_count > 0 &&
	       head->field[0].id == FIELD_HOST &&
	       head->host.at == head->base + head->field[0].value_at;
}

static void
write_request_start(struct writer *w, const struct http_head *head)
{
	write_slice(w, head->method_text);
	write_char(w, ' ');
	if (head->path.at[0] == '?')
		write_char(w, '/');
	write_slice(w, head->path);
	write_literal(w, " HTTP/1.1\r\nHost: ");
	write_slice(w, head->host);
	write_literal(w, "\r\n");
}

static void
write_request_lines(struct writer *w, const struct forward_request *r)
{
	const struct http_head *head = r->head;
	struct run run = {head->base, 0};
	size_t first = 1;
	size_t cut = 0;
	if (!begins_as_received(head)) {
		write_request_start(w, head);
		run.from = fields_at(head);
		first = 0;
	}
	for (size_t i = first; i < head->field_count; i++) {
		const struct http_field *field = &head->field[i];
		if (field->drop || is_named(head, field, r->drop_field) ||
		    (field->id == FIELD_MAX_FORWARDS && r->max_forwards))
			run_skip_line(&run, w, field);
		else if (field->id == r->cut_id && cut < r->cut_count)
			cut = cut_field(&run, w, r, cut, field);
	}
	run_end(&run, w, head);
}

static void
write_request_connection(struct writer *w, const struct http_head *head)
{
	if (head->te_trailers)
		write_literal(w, "TE: trailers\r\n");
	if (head->upgrade)
		write_upgrade(w, head);
	if (head->upgrade && head->te_trailers)
		write_literal(w, "Connection: upgrade, te\r\n");
	else if (head->upgrade)
		write_literal(w, "Connection: upgrade\r\n");
	else if (head->te_trailers)
		write_literal(w, "Connection: te\r\n");
}

void
write_request_head(struct writer *w, const struct forward_request *r)
{
	const struct http_head *head = r->head;
	assert(r->framing != BODY_CLOSE);
	write_request_lines(w, r);
	if (r->max_forwards) {
		write_literal(w, "Max-Forwards: ");
		write_u64(w, r->max_forwards_value);
		write_literal(w, "\r\n");
	}
	if (r->via.bytes > 0)
		write_line(w, SLICE("Via: "), r->via);
	if (r->framing == BODY_LENGTH)
		write_length(w, r->content_length);
	else if (r->framing == BODY_CHUNKED)
		write_literal(w, "Transfer-Encoding: chunked\r\n");
	write_request_connection(w, head);
	write_together(w, r->added, SLICE("\r\n"));
}

/* ---- responses
 * ----------------------------------------------------------------------------------- */

static void
write_status_line(struct writer *w, uint16_t status, struct slice reason)
{
	char line[] = "HTTP/1.1 000 ";
	line[9] = (char)('0' + status / 100);
	line[10] = (char)('0' + status / 10 % 10);
	line[11] = (char)('0' + status % 10);
	write_bytes(w, line, sizeof(line) - 1);
	write_slice(w, reason);
	write_literal(w, "\r\n");
}

/* The start of a run: a status line that is ours already is copied with the fields. */
static struct run
begin_response(struct writer *w, const struct http_head *head)
{
	struct run run = {head->base, 0};
	if (head->minor == 0 || head->reason.at != head->base + REASON_AT) {
		write_status_line(w, head->status, head->reason);
		run.from = fields_at(head);
	}
	return run;
}

static void
write_response_lines(struct writer *w, const struct forward_response *r)
{
	const struct http_head *head = r->head;
	struct run run = begin_response(w, head);
	for (size_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->field[i];
		if (field->drop || is_named(head, field, r->drop_field))
			run_skip_line(&run, w, field);
	}
	run_end(&run, w, head);
}

/* All that is put into a head, ascending. */
struct inserts {
	struct http_insert list[HTTP_INSERTS_MAX + CACHE_INSERTS_MAX];
	size_t count;
};

static void
insert_all(struct inserts *all, const struct http_insert *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t place = all->count++;
		assert(place < HTTP_INSERTS_MAX + CACHE_INSERTS_MAX);
		for (; place > 0 && all->list[place - 1].at > list[i].at; place--)
			all->list[place] = all->list[place - 1];
		all->list[place] = list[i];
	}
}

/* The same with what is put into lines. */
static void
write_edited_lines(struct writer *w, const struct forward_response *r,
		   const struct inserts *inserts)
{
	const struct http_head *head = r->head;
	struct run run = begin_response(w, head);
	size_t next = 0;
	for (size_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->field[i];
		uint32_t end = field->name_at + field->line_bytes;
		bool skipped = field->drop || is_named(head, field, r->drop_field);
		if (skipped)
			run_skip_line(&run, w, field);
		for (; next < inserts->count && inserts->list[next].at < end; next++) {
			if (skipped)
				continue;
			run_skip(&run, w, inserts->list[next].at, 0);
			write_slice(w, inserts->list[next].text);
		}
	}
	run_end(&run, w, head);
}

/* An answer that sets a tag: what it says to caches, and what is put into its lines. */
static void
write_tagged_lines(struct writer *w, const struct forward_response *r)
{
	struct cache_edit cache;
	struct inserts all = {.count = 0};
	cache_protect(r->head, r->tag_field, &cache);
	insert_all(&all, r->inserts, r->insert_count);
	insert_all(&all, cache.insert, cache.insert_count);
	write_edited_lines(w, r, &all);
	if (cache.line)
		write_together(w, SLICE("Cache-Control: no-cache=\""), r->tag_field,
			       SLICE("\"\r\n"));
}

/* RFC 9112 section 6.1: neither field in 1xx and 204, never both. */
static void
write_response_framing(struct writer *w, const struct forward_response *r)
{
	if (r->head->status < 200 || r->head->status == 204)
		return;
	if (r->framing == BODY_CHUNKED)
		write_literal(w, "Transfer-Encoding: chunked\r\n");
	else if (r->length_known)
		write_length(w, r->content_length);
}

void
write_response_head(struct writer *w, const struct forward_response *r)
{
	const struct http_head *head = r->head;
	assert(!(r->close && r->keep_alive));
	assert(r->insert_count == 0 || r->tag_field.bytes > 0);
	if (r->tag_field.bytes == 0)
		write_response_lines(w, r);
	else
		write_tagged_lines(w, r);
	if (r->date.bytes > 0 && !head->has_date)
		write_line(w, SLICE("Date: "), r->date);
	if (r->via.bytes > 0)
		write_line(w, SLICE("Via: "), r->via);
	write_response_framing(w, r);
	if (r->upgrade) {
		write_upgrade(w, head);
		write_literal(w, "Connection: upgrade\r\n");
	} else if (r->close) {
		write_literal(w, "Connection: close\r\n");
	} else if (r->keep_alive) {
		write_literal(w, "Connection: keep-alive\r\n");
	}
	write_together(w, r->added, SLICE("\r\n"));
}

/* ---- answers of our own
 * ---------------------------------------------------------------------------- */

void
write_own_response(struct writer *w, const struct own_response *r)
{
	struct slice text = slice_of(http_status_text(r->status));
	bool own_body = r->type.bytes > 0;
	uint64_t body = 3 + 1 + text.bytes + 2 + r->detail.bytes + 1; /* "503 text: detail\n" */
	write_status_line(w, r->status, text);
	write_line(w, SLICE("Content-Type: "), own_body ? r->type : SLICE("text/plain"));
	write_literal(w, "Cache-Control: no-store\r\n");
	write_length(w, own_body ? r->body.bytes : body);
	if (r->date.bytes > 0)
		write_line(w, SLICE("Date: "), r->date);
	if (r->retry_after_s > 0) {
		write_literal(w, "Retry-After: ");
		write_u64(w, r->retry_after_s);
		write_literal(w, "\r\n");
	}
	if (r->close)
		write_literal(w, "Connection: close\r\n");
	write_slice(w, r->added);
	write_literal(w, "\r\n");
	if (r->head_only)
		return;
	if (own_body) {
		write_slice(w, r->body);
		return;
	}
	write_u64(w, r->status);
	write_char(w, ' ');
	write_slice(w, text);
	write_literal(w, ": ");
	write_slice(w, r->detail);
	write_char(w, '\n');
}

const char *
http_status_text(uint16_t status)
{
	static const struct {
		uint16_t status;
		const char *text;
	} rows[] = {
	    {100, "Continue"},
	    {101, "Switching Protocols"},
	    {200, "OK"},
	    {201, "Created"},
	    {202, "Accepted"},
	    {203, "Non-Authoritative Information"},
	    {204, "No Content"},
	    {205, "Reset Content"},
	    {206, "Partial Content"},
	    {300, "Multiple Choices"},
	    {301, "Moved Permanently"},
	    {302, "Found"},
	    {303, "See Other"},
	    {304, "Not Modified"},
	    {305, "Use Proxy"},
	    {307, "Temporary Redirect"},
	    {308, "Permanent Redirect"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {402, "Payment Required"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {406, "Not Acceptable"},
	    {407, "Proxy Authentication Required"},
	    {408, "Request Timeout"},
	    {409, "Conflict"},
	    {410, "Gone"},
	    {411, "Length Required"},
	    {412, "Precondition Failed"},
	    {413, "Content Too Large"},
	    {414, "URI Too Long"},
	    {415, "Unsupported Media Type"},
	    {416, "Range Not Satisfiable"},
	    {417, "Expectation Failed"},
	    {421, "Misdirected Request"},
	    {422, "Unprocessable Content"},
	    {426, "Upgrade Required"},
	    {428, "Precondition Required"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {502, "Bad Gateway"},
	    {503, "Service Unavailable"},
	    {504, "Gateway Timeout"},
	    {505, "HTTP Version Not Supported"},
	    {508, "Loop Detected"},
	    {511, "Network Authentication Required"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].status == status)
			return rows[i].text;
	}
	return "Unknown";
}
