/*
 * disk_block.h: what stands in a shared file of the engine `disk`, as bytes; pure.
 *
 *   offset 0            the title, a page: whose file this is, and how many there are of them
 *   (1 + slot) MiB      the block of the node that has the slot; nobody else writes there:
 *           + 0, + 16 KiB        its table, twice; written by turns, so that a write that is torn
 *                                leaves the one before
 *           + 64 KiB, + 512 KiB  places for the value of the role `cluster`, by turns likewise
 *
 * Integers are big-endian, texts stand behind a length byte:
 *
 *   title  "HOLDFAST DISK 1\n", cluster text, files u8, XXH3-128 of all before it
 *   table  "HFDB", bytes u32 with the sum, id text, boot u64, count u64, floor u64, value place u8,
 *          bytes u32, digest 16, records u16; of each: role text, claim u64, held term u64,
 *          boot u64, seq u64, end u8, stamp term u64, seq u64; XXH3-128 of all before it
 */
#ifndef HOLDFAST_CLUSTER_DISK_BLOCK_H
#define HOLDFAST_CLUSTER_DISK_BLOCK_H

#include "cluster/register_image.h"

#define DISK_SLOTS           NODES_MAX
#define DISK_PAGE_BYTES      4096
#define DISK_TABLE_BYTES     ((size_t)16 * 1024)
#define DISK_SLOT_BYTES      (UINT64_C(1024) * 1024)
#define DISK_PLACES          2
#define DISK_RECORDS_MAX     ROLES_MAX
#define DISK_TITLE_BYTES_MAX DISK_PAGE_BYTES

/* A node's tables, in the order of writing. */
struct disk_version {
	uint64_t boot;
	uint64_t count;
};
int disk_version_compare(const struct disk_version *a, const struct disk_version *b);

/* That a node holds a role, or once held it. Term 0: it never did. */
struct disk_hold {
	uint64_t term;
	uint64_t boot; /* of the node that held it: another run is another holder */
	uint64_t seq;  /* renewals */
	enum disk_hold_end {
		DISK_HOLD_LIVES,
		DISK_HOLD_RELEASED, /* nobody acts on it any more */
		DISK_HOLD_VOID,     /* it was given up before anybody was told of it */
	} end;
};

struct disk_record {
	char role[ROLE_BYTES_MAX + 1];
	uint64_t claim; /* the term that the node is about to hold it with; 0: none */
	struct disk_hold held;
	struct stamp stamp; /* of the value, the node's own or as it read it; 0,0: none */
};

struct disk_block {
	char node[ID_BYTES_MAX + 1];
	struct disk_version version;
	uint64_t floor; /* the highest term of any record that is not in the table any more */
	/* The value of the role `cluster`; 0 bytes: none. */
	uint32_t value_bytes;
	uint8_t value_digest[DOCUMENT_DIGEST_BYTES];
	uint8_t value_place; /* 0 .. DISK_PLACES - 1; its own in every file */
	size_t count;
	struct disk_record record[DISK_RECORDS_MAX];
};

/* NULL: none. */
struct disk_record *disk_block_find(struct disk_block *b, const char *role);

/* Into at[0 .. DISK_TABLE_BYTES), zeros behind it. Returns the bytes that are not zeros. */
size_t disk_block_encode(const struct disk_block *b, uint8_t *at);
enum disk_table {
	DISK_TABLE_EMPTY, /* never written */
	DISK_TABLE_TORN,  /* damaged, or half written */
	DISK_TABLE_WHOLE,
};
/* at[0 .. DISK_TABLE_BYTES); *b is meaningless unless WHOLE. */
enum disk_table disk_block_decode(const uint8_t *at, struct disk_block *b);

/* Into at[0 .. DISK_PAGE_BYTES). */
void disk_title_encode(const char *cluster, size_t files, uint8_t *at);
/* RESULT_NOT_FOUND: nothing stands there; RESULT_INVALID: another title, or a damaged one. */
enum result disk_title_check(const uint8_t *at, const char *cluster, size_t files,
			     struct problem *p);

static inline uint64_t
disk_slot_at(size_t slot)
{
	return (1 + (uint64_t)slot) * DISK_SLOT_BYTES;
}

/* `copy`: 0, 1 */
static inline uint64_t
disk_table_at(size_t slot, size_t copy)
{
	return disk_slot_at(slot) + copy * DISK_TABLE_BYTES;
}

static inline uint64_t
disk_value_at(size_t slot, size_t place)
{
	return disk_slot_at(slot) + (place == 0 ? UINT64_C(64) : UINT64_C(512)) * 1024;
}

#endif
