/*
 * chunk.h: the chunked coding (RFC 9112 section 7.1), strictly: CRLF only, hex
 * size without overflow, extensions skipped and bounded (HTTP_CHUNK_LINE_MAX a
 * line, HTTP_CHUNK_EXTENSIONS_MAX a body), trailers bounded (HTTP_TRAILER_BYTES_MAX).
 * Our own decoder, because the packaged llhttp takes bare LF in chunk lines and has
 * no bound on extensions.
 */
#ifndef HOLDFAST_HTTP_CHUNK_H
#define HOLDFAST_HTTP_CHUNK_H

#include "http/head.h"

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_SIZE_BLANK, /* behind the size; only an extension may follow */
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_START, /* at the start of a trailer line, or of the empty line */
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF, /* of the empty line */
	CHUNK_DONE,
};

struct chunk_decoder {
	uint64_t left;            /* data bytes left in this chunk */
	uint32_t extension_bytes; /* of all chunks so far */
	uint16_t line_bytes;      /* of this size line so far */
	uint16_t trailer_bytes;   /* so far */
	uint8_t state;            /* enum chunk_state */
	bool digits;              /* this size line has one */
};

enum chunk_outcome {
	CHUNK_DATA_READY, /* *data is payload, borrowed from the input; call again with the rest */
	CHUNK_MORE,       /* all input was consumed */
	CHUNK_END, /* the last chunk and the trailers are complete; input behind is not touched */
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
