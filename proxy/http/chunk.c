/*
 * chunk.c: the chunked coding; see chunk.h.
 *
 *   SIZE -> [SIZE_BLANK ->] [EXTENSION ->] SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE
 *   size 0: SIZE_LF -> TRAILER_START -> TRAILER -> TRAILER_LF -> TRAILER_START
 *                      TRAILER_START -> END_LF -> DONE
 *
 * Size lines are walked byte by byte; data and trailer lines are taken in runs.
 */
#include "http/chunk.h"

#include "http/octets.h"
#include "http/parse.h"

#define SIZE_MAX_BEFORE_DIGIT (INT64_MAX >> 4) /* one more hexadecimal digit fits */

void
chunk_init(struct chunk_decoder *d)
{
	*d = (struct chunk_decoder){.state = CHUNK_SIZE};
}

/* ---- size lines ----------------------------------------------------------------------------- */

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
to(struct chunk_decoder *d, enum chunk_state next)
{
	d->state = (uint8_t)next;
	return true;
}

/* Behind the digits: CRLF, or an extension, which blanks may stand before (RFC 9112, 7.1.1). */
static bool
after_digits(struct chunk_decoder *d, char c)
{
	if (c == ';')
		return to(d, CHUNK_EXTENSION);
	if (is_blank(c))
		return to(d, CHUNK_SIZE_BLANK);
	return c == '\r' && d->state == CHUNK_SIZE && to(d, CHUNK_SIZE_LF);
}

static bool
size_digit(struct chunk_decoder *d, char c)
{
	int digit = hex_value(c);
	if (digit < 0)
		return d->digits && after_digits(d, c);
	if (d->left > SIZE_MAX_BEFORE_DIGIT)
		return false;
	d->left = d->left << 4 | (uint64_t)digit;
	d->digits = true;
	return true;
}

static bool
extension_byte(struct chunk_decoder *d, char c)
{
	if (c == '\r')
		return to(d, CHUNK_SIZE_LF);
	d->extension_bytes++;
	return !is_control(c) && d->extension_bytes <= HTTP_CHUNK_EXTENSIONS_MAX;
}

static bool
size_line_end(struct chunk_decoder *d, char c)
{
	d->line_bytes = 0;
	d->digits = false;
	return c == '\n' && to(d, d->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_START);
}

/* Counts all of a size line but its CRLF. */
static bool
line_fits(struct chunk_decoder *d, char c)
{
	if (c != '\r')
		d->line_bytes++;
	return d->line_bytes <= HTTP_CHUNK_LINE_MAX;
}

/* One byte outside data and trailer lines. False: malformed. */
static bool
step(struct chunk_decoder *d, char c)
{
	switch ((enum chunk_state)d->state) {
	case CHUNK_SIZE:
		return line_fits(d, c) && size_digit(d, c);
	case CHUNK_SIZE_BLANK:
		return line_fits(d, c) && after_digits(d, c);
	case CHUNK_EXTENSION:
		return line_fits(d, c) && extension_byte(d, c);
	case CHUNK_SIZE_LF:
		return size_line_end(d, c);
	case CHUNK_DATA_CR:
		return c == '\r' && to(d, CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return c == '\n' && to(d, CHUNK_SIZE);
	case CHUNK_END_LF:
		return c == '\n' && to(d, CHUNK_DONE);
	case CHUNK_DATA:
	case CHUNK_TRAILER_START:
	case CHUNK_TRAILER:
	case CHUNK_TRAILER_LF:
	case CHUNK_DONE:
		break;
	}
	return false;
}

/* ---- trailers
 * ------------------------------------------------------------------------------------ */

/* Takes bytes of trailer lines up to and with one CRLF, or the CR of the empty line. 0: malformed.
 */
static size_t
take_trailer(struct chunk_decoder *d, const char *at, size_t count, struct writer *trailers)
{
	if (d->state == CHUNK_TRAILER_START && *at == '\r') {
		d->state = CHUNK_END_LF;
		return 1;
	}
	size_t taken = 0;
	if (d->state == CHUNK_TRAILER_LF) {
		if (*at != '\n')
			return 0;
		d->state = CHUNK_TRAILER_START;
		taken = 1;
	} else {
		while (taken < count && !is_control(at[taken]))
			taken++;
		d->state = CHUNK_TRAILER;
		if (taken < count) {
			if (at[taken] != '\r')
				return 0;
			d->state = CHUNK_TRAILER_LF;
			taken++;
		}
	}
	if (d->trailer_bytes + taken > HTTP_TRAILER_BYTES_MAX)
		return 0;
	d->trailer_bytes = (uint16_t)(d->trailer_bytes + taken);
	if (trailers == NULL)
		return taken;
	write_bytes(trailers, at, taken);
	return trailers->overflow ? 0 : taken;
}

/* ---- feeding
 * --------------------------------------------------------------------------------------- */

static struct slice
take_data(struct chunk_decoder *d, const char *at, size_t count)
{
	size_t take = count < d->left ? count : (size_t)d->left;
	d->left -= take;
	if (d->left == 0)
		d->state = CHUNK_DATA_CR;
	return (struct slice){at, take};
}

enum chunk_outcome
chunk_feed(struct chunk_decoder *d, const char *bytes, size_t count, size_t *consumed,
	   struct slice *data, struct writer *trailers)
{
	size_t at = 0;
	while (at < count && d->state != CHUNK_DONE) {
		size_t taken = 1;
		if (d->state == CHUNK_DATA) {
			*data = take_data(d, bytes + at, count - at);
			*consumed = at + data->bytes;
			return CHUNK_DATA_READY;
		}
		if (d->state == CHUNK_TRAILER_START || d->state == CHUNK_TRAILER ||
		    d->state == CHUNK_TRAILER_LF)
			taken = take_trailer(d, bytes + at, count - at, trailers);
		else if (!step(d, bytes[at]))
			taken = 0;
		if (taken == 0) {
			*consumed = at;
			return CHUNK_BAD;
		}
		at += taken;
	}
	*consumed = at;
	return d->state == CHUNK_DONE ? CHUNK_END : CHUNK_MORE;
}

void
write_chunk_size(struct writer *w, uint64_t bytes)
{
	write_hex_u64(w, bytes);
	write_literal(w, "\r\n");
}

/* ---- which trailers go on
 * --------------------------------------------------------------------------- */

/*
 * Besides the fields that Holdfast knows, none of which is a trailer: authentication,
 * conditions, content and response control (RFC 9110 section 6.5.1).
 */
static bool
is_forbidden_trailer(struct slice name)
{
	static const char *const names[] = {
	    "age",
	    "authentication-info",
	    "content-encoding",
	    "content-location",
	    "content-range",
	    "content-type",
	    "cookie2",
	    "expires",
	    "if-match",
	    "if-modified-since",
	    "if-none-match",
	    "if-range",
	    "if-unmodified-since",
	    "location",
	    "pragma",
	    "proxy-authenticate",
	    "proxy-authentication-info",
	    "proxy-authorization",
	    "range",
	    "retry-after",
	    "set-cookie2",
	    "vary",
	    "warning",
	    "www-authenticate",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_equal_nocase(name, slice_of(names[i])))
			return true;
	}
	return false;
}

bool
trailers_filter(struct slice lines, struct writer *out)
{
	while (lines.bytes > 0) {
		struct slice name;
		size_t bytes = field_line_check(lines, &name);
		if (bytes == 0)
			return false;
		bool known = field_lookup(name) != FIELD_OTHER || field_is_holdfast(name);
		if (!known && !is_forbidden_trailer(name))
			write_bytes(out, lines.at, bytes);
		lines.at += bytes;
		lines.bytes -= bytes;
	}
	return true;
}
