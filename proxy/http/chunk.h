/*
 * chunk.h: the chunked coding (RFC 9112 section 7.1), strictly: CRLF only, hex
 * size without overflow, extensions skipped and bounded by HTTP_CHUNK_LINE_MAX,
 * trailers bounded by HTTP_TRAILER_BYTES_MAX. Our own decoder, because the
 * packaged llhttp takes bare LF in chunk lines and has no bound on extensions.
 */
#ifndef HOLDFAST_HTTP_CHUNK_H
#define HOLDFAST_HTTP_CHUNK_H

#include "http/head.h"

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER, /* collecting trailer lines */
	CHUNK_DONE,
};

struct chunk_decoder {
	uint64_t left;         /* data bytes left in this chunk */
	uint16_t line_bytes;   /* of the size line so far */
	uint8_t state;         /* enum chunk_state */
	uint8_t digits;        /* of the size so far */
	uint16_t trailer_bytes; /* so far */
	uint8_t trailer_end;   /* bytes matched of the empty line's CRLF at a line start */
};

enum chunk_outcome {
	CHUNK_DATA_READY, /* *data is payload, borrowed from the input; call again with the rest */
	CHUNK_MORE,       /* all input was consumed */
	CHUNK_END,        /* the last chunk and the trailers are complete; input behind is not touched */
	CHUNK_BAD,
};

void chunk_init(struct chunk_decoder *d);
/*
 * Feeds bytes[0..count); *consumed says how many were taken. Trailer lines are
 * appended as they come to `trailers` (a writer of at least
 * HTTP_TRAILER_BYTES_MAX bytes, kept by the caller; NULL: thrown away); after
 * CHUNK_END it holds whole lines, each with CRLF, without the empty line.
 */
enum chunk_outcome chunk_feed(struct chunk_decoder *d, const char *bytes, size_t count,
			      size_t *consumed, struct slice *data, struct writer *trailers);

/*
 * Checks complete trailer lines and writes those that may be forwarded: well-formed,
 * and not framing, routing, authentication, cookie, Holdfast-* or hop-by-hop
 * (RFC 9110 section 6.5.1). False: malformed.
 */
bool trailers_filter(struct slice lines, struct writer *out);

/* Writes the chunk's size line ("1a\r\n"); the data and CRLF follow from the caller. */
void write_chunk_size(struct writer *w, uint64_t bytes);

#endif
