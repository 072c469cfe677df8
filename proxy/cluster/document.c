/* document.c: shared bytes; see document.h. */
#include "cluster/document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void
document_digest(const void *at, size_t bytes, uint8_t digest[DOCUMENT_DIGEST_BYTES])
{
	XXH128_canonical_t canonical;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(at, bytes));
	memcpy(digest, canonical.digest, DOCUMENT_DIGEST_BYTES);
}

struct document *
document_create(const void *at, size_t bytes)
{
	if (bytes > DOCUMENT_BYTES_MAX)
		return NULL;
	struct document *d = malloc(sizeof(*d) + bytes);
	if (d == NULL)
		return NULL;
	d->references = 1;
	d->bytes = bytes;
	if (bytes != 0)
		memcpy(d->at, at, bytes);
	document_digest(d->at, bytes, d->digest);
	return d;
}

struct document *
document_ref(struct document *d)
{
	if (d != NULL)
		d->references++;
	return d;
}

void
document_unref(struct document **d)
{
	struct document *mine = *d;
	*d = NULL;
	if (mine == NULL)
		return;
	assert(mine->references > 0);
	if (--mine->references == 0)
		free(mine);
}
