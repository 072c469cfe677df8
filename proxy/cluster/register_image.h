/*
 * register_image.h: what one voter keeps of the storage register, as it stands on its disk: for
 * each role the highest term that was claimed, and the value with its timestamp.
 *
 * The register is one value a role, kept by the voters: majority read with write-back, majority
 * write (Attiya, Bar-Noy, Dolev, "Sharing memory robustly in message-passing systems", 1995), with
 * the lease's owner as its one writer. It does not trust the lease for that: a term is claimed
 * first, each voter grants a term to one claimant only and from then on refuses writes of lower
 * terms (the first phase of Lamport's Paxos). So terms strictly grow and have one owner each
 * whatever clocks do.
 */
#ifndef HOLDFAST_CLUSTER_REGISTER_IMAGE_H
#define HOLDFAST_CLUSTER_REGISTER_IMAGE_H

#include "cluster/body.h"
#include "cluster/document.h"
#include "cluster/role.h"

/* A value's timestamp: its writer's term, and its writes counted. 0,0: nothing was written yet. */
struct stamp {
	uint64_t term;
	uint64_t seq;
};
int stamp_compare(const struct stamp *a, const struct stamp *b);
void stamp_put(struct outgoing *o, const struct stamp *stamp);
struct stamp stamp_get(struct body *b);

/* Who claimed a term. */
struct claimant {
	uint32_t node; /* alias; ALIAS_NONE: unknown, the value came by a reader's write-back */
	uint64_t boot;
};
bool claimant_equal(const struct claimant *a, const struct claimant *b);

struct register_head {
	uint64_t term; /* highest claimed */
	struct claimant claimant;
	struct stamp stamp; /* of the value */
	uint32_t bytes;     /* of the value */
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
};
/* As in HELD, WRITTEN, OUTDATED: 56 bytes. */
void register_head_put(struct outgoing *o, const struct register_head *head);
void register_head_get(struct body *b, struct register_head *head);

struct register_entry {
	char role[ROLE_BYTES_MAX + 1];
	struct register_head head;
	struct document *document; /* one reference; NULL while nothing was written */
	uint64_t used;             /* counts claims and writes: the least is forgotten first */
};

struct register_image {
	bool begun; /* all voters were seen with an empty register, once (cluster/voter.h) */
	uint64_t uses;
	/*
	 * The highest term of any role that was forgotten: a role that is not in the table has this
	 * one. So terms grow even for roles whose place was given to others.
	 */
	uint64_t floor;
	size_t count;
	struct register_entry entry[ROLES_MAX];
};

void register_image_deinit(struct register_image *image);
/* References, not bytes. `to` is initialised, or zeroed. */
void register_image_copy(struct register_image *to, const struct register_image *from);
/* NULL: not in the table. */
struct register_entry *register_image_find(struct register_image *image, const char *role);
/* Finds, or makes one: the place of the least used role without a value may be taken. NULL: none.
 */
struct register_entry *register_image_add(struct register_image *image, const char *role);
/* The role's head, or that of a role that is not in the table. */
struct register_head register_image_head(const struct register_image *image, const char *role);

#endif
