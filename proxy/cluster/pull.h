/*
 * pull.h: fetching a document in pieces from one node that has it, over datagrams: READ asks for a
 * piece, HELD brings it. A window of pieces is under way; what did not come is asked for again.
 */
#ifndef HOLDFAST_CLUSTER_PULL_H
#define HOLDFAST_CLUSTER_PULL_H

#include "cluster/register_image.h"

#define PIECE_BYTES  1000
#define PIECES_MAX   ((DOCUMENT_BYTES_MAX + PIECE_BYTES - 1) / PIECE_BYTES)
#define PIECE_WINDOW 16
#define PULL_TRIES   4 /* resends in a row that bring nothing, then it is given up */

/* READ and HELD begin with the role's name (text), the request's number (u64), and one of these: */
enum register_what {
	REGISTER_HEAD = 1,   /* READ: nothing more; HELD: the head */
	REGISTER_PIECE = 2,  /* both: stamp u64 u64, offset u32; HELD: then the bytes to the end */
	REGISTER_STATUS = 3, /* both with no role; HELD: enum voter_status u8 (cluster/voter.h) */
	REGISTER_ENTRY = 4,  /* both with no role: place u16; HELD: then how many there are u16,
				floor u64, and of a place that has one role text, head */
};

/*
 * A voter's questions for a value carry their number with this bit, that no client's number has:
 * else a late answer to one of them may be taken for an answer to this node's own client, whose
 * numbers are counted in the same way.
 */
#define REGISTER_NUMBERS_OF_VOTERS (UINT64_C(1) << 63)

/* Zeroed: none under way. */
struct pull {
	uint8_t *at; /* owned; NULL: none under way */
	cluster_node from;
	uint64_t number;
	char role[ROLE_BYTES_MAX + 1];
	struct stamp stamp;
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
	size_t bytes;
	size_t pieces;
	size_t asked; /* pieces before this one were asked for */
	size_t got;
	uint8_t has[PIECES_MAX]; /* bool a piece */
	uint64_t resend_ms;
	uint64_t resend_at;
	unsigned tries; /* resends in a row that brought nothing */
};

/* Begins, in place of what was under way. False: no memory. bytes is not 0. */
bool pull_start(struct pull *p, const char *role, const struct register_head *head,
		cluster_node from, uint64_t number, uint64_t resend_ms, uint64_t now,
		struct outbox *out);
/* A HELD piece, `b` behind its `what`. NULL: it was not the last; else the document, whole and
 * right. A document that is not what the head said ends the pull: see pull_active. */
struct document *pull_receive(struct pull *p, uint64_t now, cluster_node from, const char *role,
			      uint64_t number, struct body *b, struct outbox *out);
void pull_tick(struct pull *p, uint64_t now, struct outbox *out);
uint64_t pull_next(const struct pull *p);
void pull_stop(struct pull *p);
static inline bool
pull_active(const struct pull *p)
{
	return p->at != NULL;
}

/* Answers a READ for a piece: `b` behind its `what`. False: it is not of this value, or bad. */
bool pull_answer(const struct document *d, const struct stamp *stamp, cluster_node to,
		 const char *role, uint64_t number, struct body *b, struct outbox *out);

#endif
