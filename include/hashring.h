/*
 * hashring.h: the whole face of libhashring.a.
 *
 * One question: given a set of members and 16 bytes that name a session, in
 * which order do the members stand for that session? The answer is a pure
 * function of (member set, digest): not of liveness, of the order in which
 * members were listed, of addresses, clock, platform or floating point. Weighted
 * rendezvous hashing, version 1, specified byte for byte in hashring/SPEC.md
 * (Thaler and Ravishankar, "Using name-based mappings to increase hit rates",
 * 1998; the weight formula after Schindelhauer and Schomaker, 2005). Version 1
 * never changes its answers.
 *
 * Liveness only filters: a caller passes the set of members that may be chosen,
 * and taking a member away never changes the order of the others.
 *
 * No I/O, no clock, no log, no allocation after create. A ring is immutable, so
 * any number of threads may ask it at once.
 */
#ifndef HASHRING_H
#define HASHRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASHRING_VERSION      1
#define HASHRING_DIGEST_BYTES 16
#define HASHRING_MEMBERS_MAX  16384
#define HASHRING_ID_BYTES_MAX 255
#define HASHRING_WEIGHT_MAX   65535
#define HASHRING_NONE         UINT32_MAX

struct hashring; /* opaque, immutable */

/* What the ring is told of one member; all pointers are read during create only. */
struct hashring_member {
	const void *id; /* identity: these bytes, nothing else */
	size_t id_bytes;
	uint32_t weight;  /* 1 .. HASHRING_WEIGHT_MAX; 0: never chosen, stands in no order */
	const void *zone; /* compared as bytes; NULL or empty: no zone of its own */
	size_t zone_bytes;
};

enum hashring_error {
	HASHRING_OK = 0,
	HASHRING_NO_MEMORY,
	HASHRING_TOO_MANY,     /* more than HASHRING_MEMBERS_MAX */
	HASHRING_BAD_ID,       /* empty, or longer than HASHRING_ID_BYTES_MAX */
	HASHRING_DUPLICATE_ID, /* two members with the same id bytes */
	HASHRING_BAD_WEIGHT,   /* above HASHRING_WEIGHT_MAX */
};

/*
 * Builds a ring of `count` members (0 is a valid, empty ring). Members are named
 * afterwards by their index in `members`. On error *out is NULL and, for the
 * last three errors, *culprit (may be NULL) is the index of the member at fault.
 * Free with hashring_free.
 */
enum hashring_error hashring_create(const struct hashring_member *members, size_t count,
				    struct hashring **out, size_t *culprit);
void hashring_free(struct hashring **ring); /* nulls; NULL is allowed */
size_t hashring_count(const struct hashring *ring);
const char *hashring_error_text(enum hashring_error error);

/*
 * A set of members, by index: bit (i % 64) of word (i / 64). A function that
 * takes a set reads ceil(count / 64) words, and of the last word only the bits
 * that stand for members; NULL means all members.
 */
typedef uint64_t hashring_word;
#define HASHRING_WORDS(count) (((count) + 63) / 64)

/*
 * `apart`: HASHRING_NONE for the plain order; else a member's index, and members
 * outside that member's zone come first, each group in the plain order (the rule
 * of spread = "zone"; `apart` itself is in the second group). A member without a
 * zone is alone in its zone. An index out of range is taken as HASHRING_NONE; a
 * member of weight 0 is allowed, its zone counts.
 */

/*
 * First member of the order that is in `live`, without building the order; HASHRING_NONE: none.
 * One vector scan of the members, grouped by weight: quick while distinct weights are few.
 */
uint32_t hashring_first(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
			uint32_t apart, const hashring_word *live);

/*
 * The first `want` members of the order that are in `live`, into out[0..]; returns how many
 * there were (<= want). One scan for each when want is small: what a request needs.
 */
size_t hashring_first_n(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
			uint32_t apart, const hashring_word *live, uint32_t *out, size_t want);

/*
 * The same set in the ring's own sequence: made once where many questions are asked of one set, as
 * of who is alive. `lanes` has hashring_lane_bytes(ring) bytes, and is good for this ring alone.
 */
size_t hashring_lane_bytes(const struct hashring *ring);
void hashring_lanes(const struct hashring *ring, const hashring_word *live, uint8_t *lanes);

/*
 * What a request asks, in one pass while want <= 2: the first `want` members of the order that are
 * in a set, and the place of another one in the whole order.
 */
struct hashring_near {
	const uint8_t *lanes;    /* the set, from hashring_lanes; NULL: all members */
	const uint32_t *without; /* members that are left out, though they are in it */
	size_t without_count;
	uint32_t apart;
	uint32_t ranked; /* whose place is asked; HASHRING_NONE: nobody's */
};
/*
 * Into out[0..]; returns how many there were (<= want). *rank is the place of `ranked`, as
 * hashring_rank says it. Uses up to 16 KiB of stack.
 */
size_t hashring_near(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
		     const struct hashring_near *near, uint32_t *out, size_t want, uint32_t *rank);

/*
 * The member at place k (0 is first) of the whole order; HASHRING_NONE: fewer than k + 1 members
 * stand in it. Uses up to 64 KiB of stack.
 */
uint32_t hashring_kth(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
		      uint32_t apart, size_t k);

/* The place of `member` in the whole order, HASHRING_NONE when its weight is 0 or it is out of
 * range. */
uint32_t hashring_rank(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
		       uint32_t apart, uint32_t member);

/* The whole order into out[0 .. capacity); returns how many were written. */
size_t hashring_order(const struct hashring *ring, const uint8_t digest[HASHRING_DIGEST_BYTES],
		      uint32_t apart, uint32_t *out, size_t capacity);

/*
 * Walks the order from the front, one member a call, in place and without allocation. Each call
 * is a pass over all members: for a known few places hashring_first_n is quicker.
 */
struct hashring_iter {
	const struct hashring *ring; /* borrowed; must outlive the iterator */
	uint64_t point;
	uint32_t apart;
	uint32_t last; /* the member given last; HASHRING_NONE before the first */
	bool done;
};
void hashring_iter_init(struct hashring_iter *iter, const struct hashring *ring,
			const uint8_t digest[HASHRING_DIGEST_BYTES], uint32_t apart);
/* HASHRING_NONE at the end, and ever after. */
uint32_t hashring_iter_next(struct hashring_iter *iter);

/*
 * The session point (SPEC.md): all that the orders take of a digest, so that who keeps the point
 * alone can ask again. It does not tell the digest: 2^64 digests have it.
 */
uint64_t hashring_point(const uint8_t digest[HASHRING_DIGEST_BYTES]);
/* One of them: whatever is asked of it is answered as for every other one. */
void hashring_digest_at(uint64_t point, uint8_t digest[HASHRING_DIGEST_BYTES]);

/*
 * 64 bits that two nodes can compare: equal for equal (id, weight, zone) sets,
 * whatever the order in which they were listed. Members of weight 0 count.
 */
uint64_t hashring_fingerprint(const struct hashring *ring);

#endif
