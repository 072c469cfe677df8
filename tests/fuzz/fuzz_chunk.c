/*
 * fuzz_chunk.c: the first byte seeds the sizes of the pieces, the rest is a chunked body.
 * What must hold: pieces give what the whole gives; llhttp, where it takes the body, reads
 * the same payload; trailers that were let through are let through again, unchanged.
 */
#include "http/chunk.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)
#define BODY_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct decoded {
	enum chunk_outcome outcome;
	size_t taken;
	size_t bytes;
	char payload[BODY_MAX];
	struct writer trailers;
	char trailer_bytes[HTTP_TRAILER_BYTES_MAX];
};

static struct decoded whole;
static struct decoded pieces;
static struct decoded theirs;

static void
feed(struct decoded *out, struct chunk_decoder *d, const uint8_t *data, size_t bytes)
{
	char *copy = malloc(bytes + 1);
	CHECK(copy != NULL);
	memcpy(copy, data, bytes);
	size_t at = 0;
	do {
		size_t consumed = 0;
		struct slice part = SLICE_NONE;
		out->outcome =
		    chunk_feed(d, copy + at, bytes - at, &consumed, &part, &out->trailers);
		CHECK(consumed <= bytes - at);
		if (out->outcome == CHUNK_DATA_READY) {
			CHECK(part.bytes > 0 && part.at + part.bytes == copy + at + consumed);
			memcpy(out->payload + out->bytes, part.at, part.bytes);
			out->bytes += part.bytes;
		}
		at += consumed;
	} while (out->outcome == CHUNK_DATA_READY);
	CHECK(out->outcome != CHUNK_MORE || at == bytes);
	out->taken += at;
	free(copy);
}

static void
begin(struct decoded *out, struct chunk_decoder *d)
{
	chunk_init(d);
	out->taken = 0;
	out->bytes = 0;
	out->trailers = writer_on(out->trailer_bytes, sizeof(out->trailer_bytes));
}

static void
decode_pieces(uint32_t seed, const uint8_t *data, size_t bytes)
{
	struct chunk_decoder d;
	begin(&pieces, &d);
	size_t at = 0;
	do {
		seed = seed * 1664525 + 1013904223;
		size_t take = seed >> 24 & 31;
		if (take > bytes - at)
			take = bytes - at;
		feed(&pieces, &d, data + at, take);
		at += take;
	} while (pieces.outcome == CHUNK_MORE && at < bytes);
}

static void
check_pieces(void)
{
	CHECK(pieces.outcome == whole.outcome);
	if (whole.outcome == CHUNK_BAD)
		return;
	CHECK(pieces.taken == whole.taken && pieces.bytes == whole.bytes);
	CHECK(memcmp(pieces.payload, whole.payload, whole.bytes) == 0);
	CHECK(pieces.trailers.bytes == whole.trailers.bytes);
	CHECK(memcmp(pieces.trailer_bytes, whole.trailer_bytes, whole.trailers.bytes) == 0);
}

static int
on_body(llhttp_t *g, const char *at, size_t bytes)
{
	(void)g;
	memcpy(theirs.payload + theirs.bytes, at, bytes);
	theirs.bytes += bytes;
	return 0;
}

static int
on_complete(llhttp_t *g)
{
	(void)g;
	return HPE_PAUSED;
}

static void
check_by_llhttp(const uint8_t *data)
{
	static const llhttp_settings_t settings = {.on_body = on_body,
						   .on_message_complete = on_complete};
	static const char start[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
	llhttp_t g;
	llhttp_init(&g, HTTP_REQUEST, &settings);
	theirs.bytes = 0;
	CHECK(llhttp_execute(&g, start, sizeof(start) - 1) == HPE_OK);
	if (llhttp_execute(&g, (const char *)data, whole.taken) != HPE_PAUSED)
		return; /* it is strict about what is written in extensions and trailers */
	CHECK(theirs.bytes == whole.bytes);
	CHECK(memcmp(theirs.payload, whole.payload, whole.bytes) == 0);
}

static void
check_trailers(void)
{
	char once[HTTP_TRAILER_BYTES_MAX];
	char twice[HTTP_TRAILER_BYTES_MAX];
	struct writer a = writer_on(once, sizeof(once));
	struct writer b = writer_on(twice, sizeof(twice));
	if (!trailers_filter((struct slice){whole.trailer_bytes, whole.trailers.bytes}, &a))
		return;
	CHECK(!a.overflow && a.bytes <= whole.trailers.bytes);
	CHECK(trailers_filter((struct slice){once, a.bytes}, &b));
	CHECK(a.bytes == b.bytes && memcmp(once, twice, a.bytes) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes == 0 || bytes > BODY_MAX)
		return 0;
	struct chunk_decoder d;
	begin(&whole, &d);
	feed(&whole, &d, data + 1, bytes - 1);
	decode_pieces(data[0], data + 1, bytes - 1);
	check_pieces();
	if (whole.outcome == CHUNK_END) {
		check_by_llhttp(data + 1);
		check_trailers();
	}
	return 0;
}
