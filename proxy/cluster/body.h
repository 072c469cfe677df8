/*
 * body.h: the bytes of a datagram's body: integers big-endian, texts behind a length byte.
 *
 * Writing goes into a message of the outbox; NULL (the outbox was full) is written to in vain, and
 * a body never grows past CLUSTER_BODY_BYTES_MAX: that is the writer's fault and asserted. Reading
 * takes from the front, remembers in `bad` that something was missing or broke a rule, and gives
 * zeros from then on: read all, ask once, with body_whole.
 */
#ifndef HOLDFAST_CLUSTER_BODY_H
#define HOLDFAST_CLUSTER_BODY_H

#include "cluster/machine.h"

#define BODY_TEXT_BYTES_MAX 255

void put_u8(struct outgoing *o, uint8_t value);
void put_u16(struct outgoing *o, uint16_t value);
void put_u32(struct outgoing *o, uint32_t value);
void put_u64(struct outgoing *o, uint64_t value);
void put_text(struct outgoing *o, const char *terminated); /* BODY_TEXT_BYTES_MAX at most */
void put_bytes(struct outgoing *o, const void *at, size_t bytes);
/* As an alias; NODE_NONE and NODE_ALL have theirs. */
void put_node(struct outgoing *o, const struct cluster_nodes *nodes, cluster_node node);
size_t body_room(const struct outgoing *o); /* bytes that may still be put */

struct body {
	const uint8_t *at; /* borrowed */
	size_t left;       /* bytes */
	bool bad;
};

static inline struct body
body_of(const void *at, size_t bytes)
{
	return (struct body){at, bytes, false};
}

uint8_t get_u8(struct body *b);
uint16_t get_u16(struct body *b);
uint32_t get_u32(struct body *b);
uint64_t get_u64(struct body *b);
/* NODE_NONE also for a node that this one does not know. */
cluster_node get_node(struct body *b, const struct cluster_nodes *nodes);
/* Terminated. Bad, and then empty: `capacity` is too small, or a 0 byte within. */
void get_text(struct body *b, char *out, size_t capacity);
/* `bytes` of them, borrowed; NULL when there are fewer. */
const uint8_t *get_bytes(struct body *b, size_t bytes);
/* Nothing was bad and nothing is left. */
bool body_whole(const struct body *b);

#endif
