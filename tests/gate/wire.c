/* wire.c: HTTP/1 messages read strictly; see wire.h. */
#include "gate/wire.h"

#include "gate/alloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- texts --------------------------------------------------------------------------------- */

bool
wire_is(struct wire_text text, const char *word)
{
	return text.bytes == strlen(word) && memcmp(text.at, word, text.bytes) == 0;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

bool
wire_is_nocase(struct wire_text text, const char *word)
{
	if (text.bytes != strlen(word))
		return false;
	for (size_t i = 0; i < text.bytes; i++) {
		if (lower(text.at[i]) != lower(word[i]))
			return false;
	}
	return true;
}

static bool
is_token(struct wire_text text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < text.bytes; i++) {
		char c = text.at[i];
		bool alnum = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
		if (!alnum && (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return text.bytes > 0;
}

/* Nothing that could end a line, or be taken for its end. */
static bool
is_value(struct wire_text text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static struct wire_text
trimmed(struct wire_text text)
{
	while (text.bytes > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
		text = (struct wire_text){text.at + 1, text.bytes - 1};
	while (text.bytes > 0 &&
	       (text.at[text.bytes - 1] == ' ' || text.at[text.bytes - 1] == '\t'))
		text.bytes--;
	return text;
}

/* Up to the first `mark`, which is taken as well. False: there is none. */
static bool
cut(struct wire_text *rest, char mark, struct wire_text *before)
{
	const char *at = rest->bytes > 0 ? memchr(rest->at, mark, rest->bytes) : NULL;
	if (at == NULL)
		return false;
	*before = (struct wire_text){rest->at, (size_t)(at - rest->at)};
	rest->bytes -= before->bytes + 1;
	rest->at = at + 1;
	return true;
}

static bool
number(struct wire_text text, unsigned base, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.bytes; i++) {
		int c = lower(text.at[i]);
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: 16;
		if (digit >= base || *out > (UINT64_MAX - digit) / base)
			return false;
		*out = *out * base + digit;
	}
	return text.bytes > 0;
}

/* ---- fields -------------------------------------------------------------------------------- */

const struct wire_field *
wire_find(const struct wire_message *m, const char *name)
{
	for (size_t i = 0; i < m->field_count; i++) {
		if (wire_is_nocase(m->field[i].name, name))
			return &m->field[i];
	}
	return NULL;
}

size_t
wire_count(const struct wire_message *m, const char *name)
{
	size_t count = 0;
	for (size_t i = 0; i < m->field_count; i++)
		count += wire_is_nocase(m->field[i].name, name);
	return count;
}

int64_t
wire_number(const struct wire_message *m, const char *name)
{
	const struct wire_field *field = wire_find(m, name);
	uint64_t value;
	return field != NULL && number(field->value, 10, &value) ? (int64_t)value : -1;
}

bool
wire_lists(const struct wire_message *m, const char *name, const char *option)
{
	for (size_t i = 0; i < m->field_count; i++) {
		struct wire_text rest = m->field[i].value;
		struct wire_text element;
		if (!wire_is_nocase(m->field[i].name, name))
			continue;
		while (cut(&rest, ',', &element)) {
			if (wire_is_nocase(trimmed(element), option))
				return true;
		}
		if (wire_is_nocase(trimmed(rest), option))
			return true;
	}
	return false;
}

static enum wire_outcome
bad(struct wire_message *m, const char *why)
{
	m->why = why;
	return WIRE_BAD;
}

/* One line without its CRLF. A line feed or carriage return elsewhere is not one. */
static enum wire_outcome
take_line(struct wire_text *rest, struct wire_text *line, struct wire_message *m)
{
	if (!cut(rest, '\n', line))
		return WIRE_PART;
	if (line->bytes == 0 || line->at[line->bytes - 1] != '\r')
		return bad(m, "a line feed alone");
	line->bytes--;
	return line->bytes > 0 && memchr(line->at, '\r', line->bytes) != NULL
		   ? bad(m, "a carriage return in a line")
		   : WIRE_WHOLE;
}

/* Field lines up to the empty one; `kept`: into m->field. */
static enum wire_outcome
take_fields(struct wire_text *rest, struct wire_message *m, bool kept)
{
	for (;;) {
		struct wire_text line;
		struct wire_text name;
		enum wire_outcome outcome = take_line(rest, &line, m);
		if (outcome != WIRE_WHOLE || line.bytes == 0)
			return outcome;
		if (!cut(&line, ':', &name) || !is_token(name) || !is_value(line))
			return bad(m, "a field line");
		if (!kept) {
			m->trailer_count++;
			continue;
		}
		if (m->field_count == WIRE_FIELDS_MAX)
			return bad(m, "too many fields");
		m->field[m->field_count++] = (struct wire_field){name, trimmed(line)};
	}
}

static enum wire_outcome
find_framing(struct wire_message *m, bool request, bool bodiless)
{
	const struct wire_field *coding = wire_find(m, "Transfer-Encoding");
	const struct wire_field *length = wire_find(m, "Content-Length");
	if (wire_count(m, "Transfer-Encoding") + wire_count(m, "Content-Length") > 1)
		return bad(m, "more than one framing");
	if (coding != NULL) {
		if (!wire_is_nocase(coding->value, "chunked"))
			return bad(m, "a transfer coding");
		if (m->minor == 0)
			return bad(m, "a transfer coding in HTTP/1.0");
		m->framing = WIRE_CHUNKED;
	} else if (length != NULL) {
		if (!number(length->value, 10, &m->length))
			return bad(m, "a length");
		m->framing = WIRE_LENGTH;
	} else {
		m->framing = request ? WIRE_NO_BODY : WIRE_TO_THE_END;
	}
	if (bodiless)
		m->framing = WIRE_NO_BODY;
	return WIRE_WHOLE;
}

/* ---- bodies -------------------------------------------------------------------------------- */

static void
keep(struct wire_message *m, const char *at, size_t bytes)
{
	m->body = alloc_safe(m->body, m->body_bytes + bytes + 1);
	if (bytes > 0)
		memcpy(m->body + m->body_bytes, at, bytes);
	m->body_bytes += bytes;
}

static enum wire_outcome
take_bytes(struct wire_text *rest, uint64_t bytes, struct wire_message *m)
{
	size_t take = bytes < rest->bytes ? (size_t)bytes : rest->bytes;
	keep(m, rest->at, take);
	rest->at += take;
	rest->bytes -= take;
	return take == bytes ? WIRE_WHOLE : WIRE_PART;
}

static enum wire_outcome
take_chunks(struct wire_text *rest, struct wire_message *m)
{
	for (;;) {
		struct wire_text line;
		uint64_t size;
		enum wire_outcome outcome = take_line(rest, &line, m);
		if (outcome != WIRE_WHOLE)
			return outcome;
		/* Extensions are not forbidden, but ours has none. */
		if (line.bytes > 16 || !number(line, 16, &size))
			return bad(m, "a chunk size");
		if (size == 0)
			return take_fields(rest, m, false);
		outcome = take_bytes(rest, size, m);
		if (outcome == WIRE_WHOLE)
			outcome = take_line(rest, &line, m);
		if (outcome != WIRE_WHOLE)
			return outcome;
		if (line.bytes != 0)
			return bad(m, "no end of line behind a chunk");
	}
}

static enum wire_outcome
take_body(struct wire_text *rest, bool ended, struct wire_message *m)
{
	switch (m->framing) {
	case WIRE_LENGTH:
		return take_bytes(rest, m->length, m);
	case WIRE_CHUNKED:
		return take_chunks(rest, m);
	case WIRE_TO_THE_END:
		(void)take_bytes(rest, rest->bytes, m);
		return ended ? WIRE_WHOLE : WIRE_PART;
	case WIRE_NO_BODY:
		break;
	}
	return WIRE_WHOLE;
}

/* ---- messages ------------------------------------------------------------------------------ */

static bool
take_version(struct wire_text text, struct wire_message *m)
{
	m->minor = wire_is(text, "HTTP/1.1");
	return m->minor == 1 || wire_is(text, "HTTP/1.0");
}

enum wire_outcome
wire_request(const char *at, size_t bytes, struct wire_message *m)
{
	struct wire_text rest = {at, bytes};
	memset(m, 0, offsetof(struct wire_message, field));
	enum wire_outcome outcome = take_line(&rest, &m->line, m);
	if (outcome != WIRE_WHOLE)
		return outcome;
	struct wire_text line = m->line;
	if (!cut(&line, ' ', &m->method) || !cut(&line, ' ', &m->target) || !is_token(m->method) ||
	    m->target.bytes == 0 || !is_value(m->target) || !take_version(line, m))
		return bad(m, "a request line");
	outcome = take_fields(&rest, m, true);
	if (outcome == WIRE_WHOLE)
		outcome = find_framing(m, true, false);
	if (outcome != WIRE_WHOLE)
		return outcome;
	m->has_head = true;
	outcome = take_body(&rest, false, m);
	m->bytes = bytes - rest.bytes;
	return outcome;
}

enum wire_outcome
wire_answer(const char *at, size_t bytes, bool ended, bool to_head, struct wire_message *m)
{
	struct wire_text rest = {at, bytes};
	struct wire_text version;
	struct wire_text digits;
	uint64_t status = 0;
	memset(m, 0, offsetof(struct wire_message, field));
	enum wire_outcome outcome = take_line(&rest, &m->line, m);
	if (outcome != WIRE_WHOLE)
		return outcome;
	struct wire_text line = m->line;
	if (!cut(&line, ' ', &version) || !cut(&line, ' ', &digits) || !take_version(version, m) ||
	    digits.bytes != 3 || !number(digits, 10, &status) || status < 100 || !is_value(line))
		return bad(m, "a status line");
	m->status = (int)status;
	outcome = take_fields(&rest, m, true);
	bool bodiless = to_head || status < 200 || status == 204 || status == 304;
	if (outcome == WIRE_WHOLE)
		outcome = find_framing(m, false, bodiless);
	if (outcome != WIRE_WHOLE)
		return outcome;
	m->has_head = true;
	if ((status < 200 || status == 204) &&
	    wire_count(m, "Transfer-Encoding") + wire_count(m, "Content-Length") > 0)
		return bad(m, "a framing where no body can be");
	outcome = take_body(&rest, ended, m);
	m->bytes = bytes - rest.bytes;
	return outcome;
}

void
wire_free(struct wire_message *m)
{
	free(m->body);
	m->body = NULL;
}
