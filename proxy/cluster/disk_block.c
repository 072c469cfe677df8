/* disk_block.c: see disk_block.h. */
#include "cluster/disk_block.h"

#include "base/text.h"
#include "cluster/bigendian.h"
#include "mutant.h"

#include <assert.h>
#include <string.h>

#define TABLE_MAGIC       "HFDB"
#define TABLE_MAGIC_BYTES 4
#define TITLE_MAGIC       "HOLDFAST DISK 1\n"
#define TITLE_MAGIC_BYTES (sizeof(TITLE_MAGIC) - 1)
#define RECORD_BYTES_MAX  (1 + ROLE_BYTES_MAX + 8 + 8 + 8 + 8 + 1 + 8 + 8)
#define HEAD_BYTES_MAX \
	(TABLE_MAGIC_BYTES + 4 + 1 + ID_BYTES_MAX + 8 + 8 + 8 + 1 + 4 + DOCUMENT_DIGEST_BYTES + 2)

static_assert(HEAD_BYTES_MAX + DISK_RECORDS_MAX * RECORD_BYTES_MAX + DOCUMENT_DIGEST_BYTES <=
		  DISK_TABLE_BYTES,
	      "a full table has room");
static_assert((size_t)64 * 1024 + DOCUMENT_BYTES_MAX <= (size_t)512 * 1024 &&
		  (size_t)512 * 1024 + DOCUMENT_BYTES_MAX <= DISK_SLOT_BYTES,
	      "values have room");

int
disk_version_compare(const struct disk_version *a, const struct disk_version *b)
{
	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	return (a->count > b->count) - (a->count < b->count);
}

struct disk_record *
disk_block_find(struct disk_block *b, const char *role)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->record[i].role, role) == 0)
			return &b->record[i];
	return NULL;
}

/* ---- writing ---------------------------------------------------------------------------------
 */

static void
write_number(struct writer *w, uint64_t value, size_t bytes)
{
	uint8_t at[8];
	store(at, value, bytes);
	write_bytes(w, at, bytes);
}

static void
write_short_text(struct writer *w, const char *text)
{
	size_t bytes = strlen(text);
	write_number(w, bytes, 1);
	write_bytes(w, text, bytes);
}

static void
write_record(struct writer *w, const struct disk_record *r)
{
	write_short_text(w, r->role);
	write_number(w, r->claim, 8);
	write_number(w, r->held.term, 8);
	write_number(w, r->held.boot, 8);
	write_number(w, r->held.seq, 8);
	write_number(w, r->held.end, 1);
	write_number(w, r->stamp.term, 8);
	write_number(w, r->stamp.seq, 8);
}

static void
write_sum(struct writer *w, const uint8_t *at)
{
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
	document_digest(at, w->bytes, digest);
	write_bytes(w, digest, sizeof(digest));
	assert(!w->overflow);
}

size_t
disk_block_encode(const struct disk_block *b, uint8_t *at)
{
	memset(at, 0, DISK_TABLE_BYTES);
	struct writer w = writer_on((char *)at, DISK_TABLE_BYTES);
	write_literal(&w, TABLE_MAGIC);
	write_number(&w, 0, 4); /* below, when it is known */
	write_short_text(&w, b->node);
	write_number(&w, b->version.boot, 8);
	write_number(&w, b->version.count, 8);
	write_number(&w, b->floor, 8);
	write_number(&w, b->value_place, 1);
	write_number(&w, b->value_bytes, 4);
	write_bytes(&w, b->value_digest, sizeof(b->value_digest));
	write_number(&w, b->count, 2);
	for (size_t i = 0; i < b->count; i++)
		write_record(&w, &b->record[i]);
	store(at + TABLE_MAGIC_BYTES, w.bytes + DOCUMENT_DIGEST_BYTES, 4);
	write_sum(&w, at);
	return w.bytes;
}

void
disk_title_encode(const char *cluster, size_t files, uint8_t *at)
{
	memset(at, 0, DISK_PAGE_BYTES);
	struct writer w = writer_on((char *)at, DISK_PAGE_BYTES);
	write_literal(&w, TITLE_MAGIC);
	write_short_text(&w, cluster);
	write_number(&w, files, 1);
	write_sum(&w, at);
}

/* ---- reading ---------------------------------------------------------------------------------
 */

static bool
is_zero(const uint8_t *at, size_t bytes)
{
	return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
}

static bool
sum_fits(const uint8_t *at, size_t bytes)
{
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
	if (MUTANT == MUTANT_NO_SUM)
		return true;
	document_digest(at, bytes - sizeof(digest), digest);
	return memcmp(digest, at + bytes - sizeof(digest), sizeof(digest)) == 0;
}

static bool
read_record(struct body *in, struct disk_block *b)
{
	struct disk_record r = {.claim = 0};
	get_text(in, r.role, sizeof(r.role));
	r.claim = get_u64(in);
	r.held.term = get_u64(in);
	r.held.boot = get_u64(in);
	r.held.seq = get_u64(in);
	uint8_t end = get_u8(in);
	r.held.end = (enum disk_hold_end)end;
	r.stamp = stamp_get(in);
	if (in->bad || end > DISK_HOLD_VOID || r.role[0] == '\0' ||
	    disk_block_find(b, r.role) != NULL)
		return false;
	b->record[b->count++] = r;
	return true;
}

static bool
read_table(struct body *in, struct disk_block *b)
{
	get_text(in, b->node, sizeof(b->node));
	b->version.boot = get_u64(in);
	b->version.count = get_u64(in);
	b->floor = get_u64(in);
	b->value_place = get_u8(in);
	b->value_bytes = get_u32(in);
	const uint8_t *digest = get_bytes(in, sizeof(b->value_digest));
	size_t count = get_u16(in);
	b->count = 0;
	if (in->bad || count > DISK_RECORDS_MAX || b->value_place >= DISK_PLACES ||
	    b->value_bytes > DOCUMENT_BYTES_MAX || b->node[0] == '\0')
		return false;
	memcpy(b->value_digest, digest, sizeof(b->value_digest));
	for (size_t i = 0; i < count; i++)
		if (!read_record(in, b))
			return false;
	return body_whole(in);
}

enum disk_table
disk_block_decode(const uint8_t *at, struct disk_block *b)
{
	size_t bytes = (size_t)load(at + TABLE_MAGIC_BYTES, 4);
	if (is_zero(at, DISK_TABLE_BYTES))
		return DISK_TABLE_EMPTY;
	if (memcmp(at, TABLE_MAGIC, TABLE_MAGIC_BYTES) != 0 || bytes > DISK_TABLE_BYTES ||
	    bytes < TABLE_MAGIC_BYTES + 4 + DOCUMENT_DIGEST_BYTES || !sum_fits(at, bytes))
		return DISK_TABLE_TORN;
	struct body in = body_of(at + TABLE_MAGIC_BYTES + 4,
				 bytes - TABLE_MAGIC_BYTES - 4 - DOCUMENT_DIGEST_BYTES);
	return read_table(&in, b) ? DISK_TABLE_WHOLE : DISK_TABLE_TORN;
}

enum result
disk_title_check(const uint8_t *at, const char *cluster, size_t files, struct problem *p)
{
	char found[ID_BYTES_MAX + 1];
	if (is_zero(at, DISK_PAGE_BYTES))
		return problem_set(p, RESULT_NOT_FOUND, "empty");
	struct body in = body_of(at + TITLE_MAGIC_BYTES, DISK_PAGE_BYTES - TITLE_MAGIC_BYTES);
	get_text(&in, found, sizeof(found));
	size_t count = get_u8(&in);
	size_t bytes = (size_t)(in.at - at) + DOCUMENT_DIGEST_BYTES;
	if (memcmp(at, TITLE_MAGIC, TITLE_MAGIC_BYTES) != 0 || in.bad || !sum_fits(at, bytes))
		return problem_set(p, RESULT_INVALID, "not a file of this engine, or damaged");
	if (strcmp(found, cluster) != 0)
		return problem_set(p, RESULT_INVALID, "the file of cluster %s", found);
	if (count != files)
		return problem_set(p, RESULT_INVALID, "one of %zu files, and %zu are configured",
				   count, files);
	return RESULT_OK;
}
