/* grammar.c: llhttp's opinion of a start line and of a Transfer-Encoding. */
#include "http/parsing.h"

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

bool
grammar_coding(struct parser *p, const struct http_head *head)
{
	llhttp_t *g = &p->grammar;
	const struct http_field *field = &head->field[p->first[FIELD_TRANSFER_ENCODING]];
	llhttp_errno_t e = llhttp_execute(g, head->base + field->name_at, field->line_bytes);
	if (e == HPE_OK)
		e = llhttp_execute(g, head->base + head->bytes - 2, 2);
	if (e != HPE_PAUSED)
		return malformed(p, g->reason != NULL ? g->reason : "head without an end");
	return (g->flags & F_CHUNKED) != 0 || malformed(p, "coding can be read in two ways");
}
