/*
 * body.h: large bodies for load.c and origin.c: sent from one block that is written again and
 * again, and received without looking at them.
 */
#ifndef HOLDFAST_BENCH_BODY_H
#define HOLDFAST_BENCH_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_BLOCK_BYTES (1 << 20)
#define BODY_CHUNK_BYTES 65536

/* A body as it goes over the wire, sent by anybody any number of times. */
struct body {
	char *block;
	size_t block_bytes;  /* with the framing of its chunks */
	uint64_t wire_bytes; /* blocks, and the last chunk */
	uint64_t block_end;  /* where the last chunk begins */
	char framing[64];    /* the field that says it, with CRLF */
};

/* `bytes` of payload: up to BODY_BLOCK_BYTES, or a multiple of it. False: no memory, or neither. */
bool body_make(struct body *b, uint64_t bytes, bool chunked);
/* Sends on from *sent. 1: all is sent; 0: the socket is full; -1: it is gone. */
int body_send(const struct body *b, int fd, uint64_t *sent);

/* A chunked body that comes in. Zeroed: at its start. */
struct chunk_skip {
	uint64_t left;    /* of a chunk's data, with its CRLF: may be thrown away unseen */
	uint64_t size;    /* that the line so far says */
	uint64_t payload; /* bytes of data that were announced so far */
	unsigned line;    /* bytes of the line so far */
	bool last;        /* the last chunk's size was there */
	bool done;
};

/* How many of these bytes belong to the body. */
size_t chunk_skip(struct chunk_skip *s, const char *at, size_t bytes);

#endif
