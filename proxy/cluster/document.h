/*
 * document.h: bytes that several hold and nobody changes: what the register keeps for a role (the
 * membership of role `cluster`). Reference-counted, one thread's.
 */
#ifndef HOLDFAST_CLUSTER_DOCUMENT_H
#define HOLDFAST_CLUSTER_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCUMENT_BYTES_MAX    ((size_t)256 * 1024)
#define DOCUMENT_DIGEST_BYTES 16 /* XXH3-128 of the bytes: pieces were put together rightly */

struct document {
	size_t references;
	size_t bytes;
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
	uint8_t at[];
};

/* A copy, with one reference. NULL: no memory, or longer than DOCUMENT_BYTES_MAX. */
struct document *document_create(const void *at, size_t bytes);
/* NULL stays NULL. */
struct document *document_ref(struct document *d);
void document_unref(struct document **d);
void document_digest(const void *at, size_t bytes, uint8_t digest[DOCUMENT_DIGEST_BYTES]);

#endif
