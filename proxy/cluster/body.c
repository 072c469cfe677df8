/* body.c: reading and writing bodies; see body.h. */
#include "cluster/body.h"

#include "cluster/bigendian.h"

#include <assert.h>
#include <string.h>

void
put_bytes(struct outgoing *o, const void *at, size_t bytes)
{
	if (o == NULL)
		return;
	assert(bytes <= body_room(o));
	if (bytes != 0)
		memcpy(o->body + o->bytes, at, bytes);
	o->bytes = (uint16_t)(o->bytes + bytes);
}

static void
put_number(struct outgoing *o, uint64_t value, size_t bytes)
{
	uint8_t digits[8];
	store(digits, value, bytes);
	put_bytes(o, digits, bytes);
}

void
put_u8(struct outgoing *o, uint8_t value)
{
	put_number(o, value, 1);
}

void
put_u16(struct outgoing *o, uint16_t value)
{
	put_number(o, value, 2);
}

void
put_u32(struct outgoing *o, uint32_t value)
{
	put_number(o, value, 4);
}

void
put_u64(struct outgoing *o, uint64_t value)
{
	put_number(o, value, 8);
}

void
put_text(struct outgoing *o, const char *terminated)
{
	size_t bytes = strlen(terminated);
	assert(bytes <= BODY_TEXT_BYTES_MAX);
	put_u8(o, (uint8_t)bytes);
	put_bytes(o, terminated, bytes);
}

void
put_node(struct outgoing *o, const struct cluster_nodes *nodes, cluster_node node)
{
	put_u32(o, cluster_alias(nodes, node));
}

size_t
body_room(const struct outgoing *o)
{
	return sizeof(o->body) - o->bytes;
}

const uint8_t *
get_bytes(struct body *b, size_t bytes)
{
	if (b->bad || b->left < bytes) {
		b->bad = true;
		return NULL;
	}
	const uint8_t *at = b->at;
	b->at += bytes;
	b->left -= bytes;
	return at;
}

static uint64_t
get_number(struct body *b, size_t bytes)
{
	const uint8_t *at = get_bytes(b, bytes);
	return at != NULL ? load(at, bytes) : 0;
}

uint8_t
get_u8(struct body *b)
{
	return (uint8_t)get_number(b, 1);
}

uint16_t
get_u16(struct body *b)
{
	return (uint16_t)get_number(b, 2);
}

uint32_t
get_u32(struct body *b)
{
	return (uint32_t)get_number(b, 4);
}

uint64_t
get_u64(struct body *b)
{
	return get_number(b, 8);
}

cluster_node
get_node(struct body *b, const struct cluster_nodes *nodes)
{
	return cluster_by_alias(nodes, get_u32(b));
}

void
get_text(struct body *b, char *out, size_t capacity)
{
	size_t bytes = get_u8(b);
	const uint8_t *at = get_bytes(b, bytes);
	out[0] = '\0';
	if (at == NULL)
		return;
	if (bytes >= capacity || memchr(at, '\0', bytes) != NULL) {
		b->bad = true;
		return;
	}
	memcpy(out, at, bytes);
	out[bytes] = '\0';
}

bool
body_whole(const struct body *b)
{
	return !b->bad && b->left == 0;
}
