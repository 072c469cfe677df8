/* traceparent.c: see traceparent.h. */
#include "http/traceparent.h"

#define TRACE_AT 3
#define SPAN_AT  36
#define FLAGS_AT 53

static bool
is_lower_hex(struct slice text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		char c = text.at[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

/* `bytes` from 2 * bytes digits, which may not all be 0 unless `zero_ok`. */
static bool
read_hex(struct slice value, size_t at, uint8_t *out, size_t bytes, bool zero_ok)
{
	struct slice digits = {value.at + at, 2 * bytes};
	uint8_t any = zero_ok;
	if (!is_lower_hex(digits) || !hex_decode(digits, out, bytes))
		return false;
	for (size_t i = 0; i < bytes; i++)
		any |= out[i];
	return any != 0;
}

bool
traceparent_parse(struct slice value, struct traceparent *out)
{
	uint8_t version;
	if (value.bytes < TRACEPARENT_BYTES || value.at[2] != '-' || value.at[SPAN_AT - 1] != '-' ||
	    value.at[FLAGS_AT - 1] != '-' || !read_hex(value, 0, &version, 1, true))
		return false;
	bool longer = value.bytes > TRACEPARENT_BYTES;
	if (version == 0xff || (longer && (version == 0 || value.at[TRACEPARENT_BYTES] != '-')))
		return false;
	return read_hex(value, TRACE_AT, out->trace, TRACE_ID_BYTES, false) &&
	       read_hex(value, SPAN_AT, out->span, SPAN_ID_BYTES, false) &&
	       read_hex(value, FLAGS_AT, &out->flags, 1, true);
}

void
write_traceparent(struct writer *w, const struct traceparent *t)
{
	write_literal(w, "00-");
	write_hex_bytes(w, t->trace, sizeof(t->trace));
	write_char(w, '-');
	write_hex_bytes(w, t->span, sizeof(t->span));
	write_char(w, '-');
	write_hex_bytes(w, &t->flags, 1);
}
