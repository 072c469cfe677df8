/*
 * scan.c: the first look at a head: where its lines end, what its fields are called, and
 * nothing in it that is no text. Bytes are looked at in blocks for controls, of which a
 * good head has those of its CRLFs alone; all else is done once for a line.
 */
#include "http/octets.h"
#include "http/parsing.h"

/* What stands at `control`, where a line should end, is no CRLF. */
static enum parse_outcome
no_line_end(struct parser *p, const char *control, const char *end)
{
	if (control == end || (*control == '\r' && control + 1 == end))
		return PARSE_MORE;
	if (*control == '\r')
		(void)malformed(p, "bare CR");
	else
		(void)malformed(p, *control == '\n' ? "bare LF" : "control character in the head");
	return PARSE_BAD;
}

static inline bool
is_line_end(const char *control, const char *end)
{
	return end - control >= 2 && memcmp(control, "\r\n", 2) == 0;
}

/* Behind the name that a line begins with; the line has a CR, `end` is that of all bytes. */
static inline const char *
name_end(const char *line, const char *end)
{
	line = skip_plain(line, end);
	if (*line == ':')
		return line;
	while (is_token[(uint8_t)*line])
		line++;
	return line;
}

size_t
field_line_check(struct slice lines, struct slice *name)
{
	const char *end = lines.at + lines.bytes;
	const char *stop = find_control(lines.at, lines.at, end);
	if (!is_line_end(stop, end))
		return 0;
	const char *after = name_end(lines.at, end);
	*name = (struct slice){lines.at, (size_t)(after - lines.at)};
	return *after == ':' && name->bytes > 0 ? (size_t)(stop + 2 - lines.at) : 0;
}

static bool
refuse_name(struct parser *p, const char *line, const char *after)
{
	bool first = line == p->start.at + p->start.bytes + 2;
	if (is_blank(*line))
		return malformed(p, first ? "white space before the first field" : "folded line");
	if (*after == ':')
		return malformed(p, "empty field name");
	return malformed(p, is_blank(*after) ? "white space in or behind a field name"
					     : "malformed field name");
}

/* A field that Holdfast knows stands at `place`. */
static inline void
note_id(struct parser *p, struct http_head *head, enum field_id id, size_t place)
{
	if ((p->seen & ID_BIT(id)) == 0)
		p->first[id] = (uint16_t)place;
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

/* One line, its CRLF at `stop`, into *field. False: it is no field. */
static inline bool
read_field(const char *base, const char *line, const char *stop, const char *end,
	   struct http_field *field)
{
	const char *after = name_end(line, end);
	const char *from = after + 1;
	const char *to = stop;
	if (*after != ':' || after == line)
		return false;
	while (is_blank(*from)) /* the CR ends it */
		from++;
	while (is_blank(to[-1])) /* the colon ends it */
		to--;
	struct slice name = {line, (size_t)(after - line)};
	enum field_id id = field_lookup(name);
	*field = (struct http_field){
	    .name_at = (uint32_t)(line - base),
	    .value_at = (uint32_t)(from - base),
	    .value_bytes = to > from ? (uint32_t)(to - from) : 0,
	    .name_bytes = (uint16_t)name.bytes,
	    .id = (uint8_t)id,
	    .drop = field_drops[id],
	    .line_bytes = (uint32_t)(stop + 2 - line),
	};
	/* Fields of Holdfast's own that this version does not know are nobody else's to send. */
	if (id == FIELD_OTHER && (*line | CASE_BIT) == 'h')
		field->drop = field_is_holdfast(name);
	return true;
}

enum parse_outcome
scan(struct parser *p, const char *base, const char *end, const struct parse_limits *limits,
     struct http_head *head)
{
	const char *stop = find_control(base, base, end);
	if (!is_line_end(stop, end))
		return no_line_end(p, stop, end);
	p->start = (struct slice){base, (size_t)(stop - base)};
	struct http_field *field = head->field;
	const struct http_field *fields_end = field + limits->fields_max;
	for (;;) {
		const char *line = stop + 2;
		stop = find_control(base, line, end);
		if (!is_line_end(stop, end))
			return no_line_end(p, stop, end);
		if (stop == line)
			break;
		if (field == fields_end) {
			(void)refuse(p, CAUSE_CLIENT_HEAD_TOO_LARGE, "too many fields");
			return PARSE_BAD;
		}
		if (!read_field(base, line, stop, end, field)) {
			(void)refuse_name(p, line, name_end(line, end));
			return PARSE_BAD;
		}
		if (field->id != FIELD_OTHER)
			note_id(p, head, field->id, (size_t)(field - head->field));
		field++;
	}
	head->field_count = (uint16_t)(field - head->field);
	head->ids = p->seen;
	head->bytes = (uint32_t)(stop + 2 - base);
	return PARSE_OK;
}

bool
parse_mend_names(char *bytes, size_t count)
{
	const char *end = bytes + count;
	bool mended = false;
	char *line = bytes;
	char *stop;
	while ((stop = memmem(line, (size_t)(end - line), "\r\n", 2)) != NULL && stop != line) {
		char *name = line;
		while (is_token[(uint8_t)*name])
			name++;
		char *colon = name;
		while (is_blank(*colon))
			colon++;
		/* A status line has no colon there. */
		if (name != line && colon != name && *colon == ':') {
			*name = ':';
			*colon = ' ';
			mended = true;
		}
		line = stop + 2;
	}
	return mended;
}
