/* disk_file.c: see disk_file.h. */
#include "cluster/disk_file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (DOCUMENT_BYTES_MAX + DISK_PAGE_BYTES)

static size_t
whole_pages(size_t bytes)
{
	return (bytes + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES * DISK_PAGE_BYTES;
}

static bool
failed(struct disk_file *f, struct disk_answer *a, enum disk_file_state state)
{
	f->known = false;
	a->state = state;
	return false;
}

static bool
failed_by(struct disk_file *f, struct disk_answer *a, const char *what)
{
	(void)problem_set(&a->problem, RESULT_IO, "%s: %s", what, strerror(errno));
	return failed(f, a, DISK_FILE_FAILED);
}

/* Into the buffer; what is behind the end of the file is zeros. */
static bool
read_bytes(struct disk_file *f, size_t bytes, uint64_t offset)
{
	long got = f->bytes.read(f->bytes.self, f->buffer, bytes, offset);
	if (got == -1)
		return false;
	memset(f->buffer + got, 0, bytes - (size_t)got);
	return true;
}

/* ---- looking ---------------------------------------------------------------------------------
 */

static bool
look_at_title(struct disk_file *f, struct disk_answer *a)
{
	if (!read_bytes(f, DISK_PAGE_BYTES, 0))
		return failed_by(f, a, "read");
	switch (disk_title_check(f->buffer, f->cluster, f->files, &a->problem)) {
	case RESULT_OK:
		return true;
	case RESULT_NOT_FOUND:
		return failed(f, a, DISK_FILE_EMPTY);
	default:
		return failed(f, a, DISK_FILE_FOREIGN);
	}
}

/*
 * The newer of both tables. False: it is damaged. A slot that was written once has two tables, so
 * a damaged one beside an empty one is a first write that was never over.
 */
static bool
newest_table(const uint8_t *at, struct disk_block *out, bool *found, size_t *copy)
{
	enum disk_table first = disk_block_decode(at, out);
	struct disk_block second;
	enum disk_table other = disk_block_decode(at + DISK_TABLE_BYTES, &second);
	*copy = 0;
	*found = first == DISK_TABLE_WHOLE;
	if (other == DISK_TABLE_WHOLE &&
	    (!*found || disk_version_compare(&second.version, &out->version) > 0)) {
		*out = second;
		*copy = 1;
		*found = true;
	}
	return *found || first == DISK_TABLE_EMPTY || other == DISK_TABLE_EMPTY;
}

static void
know_own(struct disk_file *f, const struct disk_block *b, size_t copy)
{
	f->known = true;
	f->has_block = b != NULL;
	f->value_bytes = 0;
	f->place = 0;
	if (b == NULL)
		return;
	f->version = b->version;
	f->copy = copy;
	f->place = b->value_place;
	f->value_bytes = b->value_bytes;
	memcpy(f->value_digest, b->value_digest, sizeof(f->value_digest));
}

/* What was written is there, and nothing else. */
static bool
check_own(struct disk_file *f, const struct disk_order *order, const struct disk_block *b,
	  struct disk_answer *a)
{
	int newer = b == NULL ? -1 : disk_version_compare(&b->version, &order->block.version);
	if (newer == 0)
		return true;
	if (newer > 0) {
		(void)problem_set(&a->problem, RESULT_INVALID,
				  "somebody else writes this node's block: another process runs as "
				  "this node");
		return failed(f, a, DISK_FILE_TWIN);
	}
	(void)problem_set(&a->problem, RESULT_IO, "what was written is not what is read");
	return failed(f, a, DISK_FILE_FAILED);
}

/* False: it failed. *end: the file ends before this slot. */
static bool
look_at_slot(struct disk_file *f, const struct disk_order *order, size_t slot,
	     struct disk_answer *a, bool *end)
{
	struct disk_block *b = malloc(sizeof(*b));
	bool found = false;
	size_t copy = 0;
	long got =
	    f->bytes.read(f->bytes.self, f->buffer, 2 * DISK_TABLE_BYTES, disk_table_at(slot, 0));
	if (b == NULL || got == -1) {
		free(b);
		return failed_by(f, a, "read");
	}
	*end = got == 0;
	memset(f->buffer + got, 0, 2 * DISK_TABLE_BYTES - (size_t)got);
	bool whole = newest_table(f->buffer, b, &found, &copy);
	if (found)
		a->block[slot] = b;
	else
		free(b);
	if (!whole) {
		(void)problem_set(&a->problem, RESULT_INVALID, "block %zu is damaged", slot + 1);
		return failed(f, a, DISK_FILE_FAILED);
	}
	if (slot != f->slot)
		return true;
	if (order->writes)
		return check_own(f, order, a->block[slot], a);
	know_own(f, a->block[slot], copy);
	return true;
}

static const struct disk_block *
newest_stamp(const struct disk_answer *a, size_t *slot)
{
	struct stamp newest = {0, 0};
	const struct disk_block *of = NULL;
	for (size_t i = 0; i < DISK_SLOTS; i++) {
		const struct disk_record *r =
		    a->block[i] == NULL ? NULL : disk_block_find(a->block[i], ROLE_CLUSTER);
		if (r == NULL || stamp_compare(&r->stamp, &newest) <= 0)
			continue;
		newest = r->stamp;
		of = a->block[i];
		*slot = i;
	}
	return of;
}

static bool
look_at_value(struct disk_file *f, const struct disk_order *order, struct disk_answer *a)
{
	size_t slot = 0;
	const struct disk_block *b = newest_stamp(a, &slot);
	if (b == NULL || b->value_bytes == 0 ||
	    (order->document != NULL &&
	     memcmp(order->document->digest, b->value_digest, sizeof(b->value_digest)) == 0))
		return true;
	if (!read_bytes(f, whole_pages(b->value_bytes), disk_value_at(slot, b->value_place)))
		return failed_by(f, a, "read");
	a->document = document_create(f->buffer, b->value_bytes);
	if (a->document != NULL &&
	    memcmp(a->document->digest, b->value_digest, sizeof(b->value_digest)) == 0)
		return true;
	(void)problem_set(&a->problem, RESULT_INVALID, "the value of block %zu is damaged",
			  slot + 1);
	return failed(f, a, DISK_FILE_FAILED);
}

bool
disk_file_look(struct disk_file *f, const struct disk_order *order, struct disk_answer *a)
{
	bool end = false;
	a->number = order->number;
	if (!look_at_title(f, a))
		return false;
	if (!order->writes)
		know_own(f, NULL, 0);
	for (size_t slot = 0; slot < DISK_SLOTS && !end; slot++)
		if (!look_at_slot(f, order, slot, a, &end))
			return false;
	if (!look_at_value(f, order, a))
		return false;
	a->state = DISK_FILE_WELL;
	return true;
}

/* ---- writing ---------------------------------------------------------------------------------
 */

static bool
write_title(struct disk_file *f, struct disk_answer *a)
{
	if (!read_bytes(f, DISK_PAGE_BYTES, 0))
		return failed_by(f, a, "read");
	if (disk_title_check(f->buffer, f->cluster, f->files, NULL) != RESULT_NOT_FOUND)
		return true;
	disk_title_encode(f->cluster, f->files, f->buffer);
	return f->bytes.write(f->bytes.self, f->buffer, DISK_PAGE_BYTES, 0) ||
	       failed_by(f, a, "write");
}

/* How this node's block stands in the file, before it is written over. */
static bool
learn_own(struct disk_file *f, struct disk_answer *a)
{
	struct disk_block b;
	bool found = false;
	size_t copy = 0;
	if (f->known)
		return true;
	if (!look_at_title(f, a))
		return false;
	if (!read_bytes(f, 2 * DISK_TABLE_BYTES, disk_table_at(f->slot, 0)))
		return failed_by(f, a, "read");
	(void)newest_table(f->buffer, &b, &found, &copy); /* a damaged one is written anew */
	know_own(f, found ? &b : NULL, copy);
	return true;
}

static bool
has_value(const struct disk_file *f, const struct disk_block *b)
{
	return f->has_block && f->value_bytes == b->value_bytes &&
	       memcmp(f->value_digest, b->value_digest, sizeof(b->value_digest)) == 0;
}

static bool
write_value(struct disk_file *f, const struct disk_order *order, struct disk_block *b)
{
	b->value_place = (uint8_t)f->place;
	if (b->value_bytes == 0 || has_value(f, b))
		return true;
	assert(order->document != NULL && order->document->bytes == b->value_bytes);
	size_t bytes = whole_pages(b->value_bytes);
	b->value_place = (uint8_t)(1 - f->place);
	memset(f->buffer, 0, bytes);
	memcpy(f->buffer, order->document->at, b->value_bytes);
	return f->bytes.write(f->bytes.self, f->buffer, bytes,
			      disk_value_at(f->slot, b->value_place));
}

static bool
write_block(struct disk_file *f, const struct disk_order *order, struct disk_answer *a)
{
	struct disk_block b = order->block;
	bool first = !f->has_block;
	size_t copy = first ? 0 : 1 - f->copy;
	if (!write_value(f, order, &b))
		return failed_by(f, a, "write");
	size_t bytes = whole_pages(disk_block_encode(&b, f->buffer));
	if (!f->bytes.write(f->bytes.self, f->buffer, bytes, disk_table_at(f->slot, copy)) ||
	    (first && !f->bytes.write(f->bytes.self, f->buffer, bytes, disk_table_at(f->slot, 1))))
		return failed_by(f, a, "write");
	know_own(f, &b, first ? 1 : copy);
	return true;
}

bool
disk_file_write(struct disk_file *f, const struct disk_order *order, struct disk_answer *a)
{
	a->number = order->number;
	if (order->format && !write_title(f, a))
		return false;
	if (!order->writes)
		return true;
	if (!learn_own(f, a))
		return false;
	if (f->has_block && disk_version_compare(&f->version, &order->block.version) == 0)
		return true;
	return write_block(f, order, a);
}

/* ---- life ------------------------------------------------------------------------------------
 */

enum result
disk_file_init(struct disk_file *f, const struct disk_bytes *bytes, const char *cluster,
	       size_t slot, size_t files, struct problem *p)
{
	*f = (struct disk_file){.bytes = *bytes, .files = files, .slot = slot};
	(void)snprintf(f->cluster, sizeof(f->cluster), "%s", cluster);
	f->buffer = aligned_alloc(DISK_PAGE_BYTES, whole_pages(BUFFER_BYTES));
	return f->buffer == NULL ? problem_set(p, RESULT_NO_MEMORY, "no memory") : RESULT_OK;
}

void
disk_file_deinit(struct disk_file *f)
{
	free(f->buffer);
	f->buffer = NULL;
}
