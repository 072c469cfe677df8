/*
 * disk_file.h: one shared file of the engine `disk`: carries an order out. Blocking, and without
 * anything of the operating system: the bytes come and go through struct disk_bytes, which is a
 * file (cluster/disk_ev.c), or the simulator's memory.
 *
 * Tables are read both and the newest whole one counts; the other one is written next, so a write
 * that is torn leaves what stood there. A value goes to the place that the newest table does not
 * name, before the table that names it.
 */
#ifndef HOLDFAST_CLUSTER_DISK_FILE_H
#define HOLDFAST_CLUSTER_DISK_FILE_H

#include "cluster/disk.h"

/* Buffers are aligned to a page, and so are bytes and offset. */
struct disk_bytes {
	void *self; /* borrowed */
	/* How many were read: fewer at the end of the file. -1: errno. */
	long (*read)(void *self, void *at, size_t bytes, uint64_t offset);
	/* On the disk when it returns. False: errno. */
	bool (*write)(void *self, const void *at, size_t bytes, uint64_t offset);
};

struct disk_file {
	struct disk_bytes bytes;
	char cluster[ID_BYTES_MAX + 1];
	size_t files;
	size_t slot;
	uint8_t *buffer; /* owned; a value and a page */

	/* This node's block, as it stands in this file; meaningless unless known. */
	bool known;
	bool has_block;
	struct disk_version version;
	size_t copy; /* the table that has it */
	size_t place;
	uint32_t value_bytes;
	uint8_t value_digest[DOCUMENT_DIGEST_BYTES];
};

/* RESULT_NO_MEMORY. `slot`, `files`: as for disk_init. */
enum result disk_file_init(struct disk_file *f, const struct disk_bytes *bytes, const char *cluster,
			   size_t slot, size_t files, struct problem *p);
void disk_file_deinit(struct disk_file *f);

/*
 * Both phases of an order, one after the other, on any thread. False: it is over, *answer says why;
 * a file that failed, or was opened anew, is looked at before it is written again. *answer: zeroed.
 */
bool disk_file_write(struct disk_file *f, const struct disk_order *order,
		     struct disk_answer *answer);
bool disk_file_look(struct disk_file *f, const struct disk_order *order,
		    struct disk_answer *answer);

#endif
