/* grammar.c: llhttp's opinion of a start line and of the fields that frame a message. */
#include "http/parsing.h"

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

static const llhttp_settings_t settings = {.on_headers_complete = pause_at_body};

llhttp_errno_t
grammar_start(struct parser *p, llhttp_type_t type)
{
	llhttp_init(&p->grammar, type, &settings);
	return llhttp_execute(&p->grammar, p->start.at, p->start.bytes + 2);
}

/* Shows the fields whose ids are in `shown`, neighbours in one piece, and the empty line. */
static llhttp_errno_t
show(struct parser *p, const struct http_head *head, uint64_t shown)
{
	const size_t empty_line = head->bytes - 2;
	size_t from = empty_line; /* of the piece that is not yet shown */
	size_t to = from;
	for (size_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->field[i];
		if ((shown & ID_BIT(field->id)) == 0)
			continue;
		if (field->name_at != to) {
			llhttp_errno_t e =
			    to == empty_line
				? HPE_OK
				: llhttp_execute(&p->grammar, head->base + from, to - from);
			if (e != HPE_OK)
				return e;
			from = field->name_at;
		}
		to = field->name_at + field->line_bytes;
	}
	if (to != empty_line) {
		llhttp_errno_t e = llhttp_execute(&p->grammar, head->base + from, to - from);
		if (e != HPE_OK)
			return e;
		from = empty_line;
	}
	return llhttp_execute(&p->grammar, head->base + from, head->bytes - from);
}

/* Does llhttp read of the body's framing what we read? */
static bool
agrees(const llhttp_t *g, const struct http_head *head)
{
	return ((g->flags & F_CHUNKED) != 0) == head->chunked &&
	       ((g->flags & F_CONTENT_LENGTH) != 0) == head->has_length &&
	       (!head->has_length || g->content_length == head->content_length);
}

/*
 * A response's Content-Length beside a Transfer-Encoding counts for nothing and is not
 * shown; nor is one that is alone: read_content_length took digits and nothing else, of
 * which there is one reading (and llhttp's costs as much as the rest of a small answer).
 */
bool
grammar_rest(struct parser *p, const struct http_head *head)
{
	const llhttp_t *g = &p->grammar;
	uint64_t shown = p->seen & GRAMMAR_IDS;
	if (saw(p, FIELD_TRANSFER_ENCODING))
		shown &= ~ID_BIT(FIELD_CONTENT_LENGTH);
	if ((shown & ~ID_BIT(FIELD_CONTENT_LENGTH)) == 0)
		return true;
	if (show(p, head, shown) != HPE_PAUSED)
		return malformed(p, g->reason != NULL ? g->reason : "head without an end");
	return agrees(g, head) || malformed(p, "framing can be read in two ways");
}
