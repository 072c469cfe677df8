/*
 * register_file.h: what a node keeps of the cluster in its state directory: its boot counter and,
 * of a voter, the register (cluster/register_image.h). Blocking; whoever must not wait calls it
 * from a thread of its own.
 *
 *   STATE_DIR/lock       locked while the node runs: one process a directory
 *   STATE_DIR/register   written anew as register.new, which is always a new file, synced, renamed,
 *                        the directory synced. One that was not synced whole is removed: after a
 *                        failed fsync(2) the kernel may hold its pages for clean, and a second one
 *                        of the same file says nothing
 *   STATE_DIR/register.damaged  what could not be believed, kept when its voter was re-admitted
 *
 * The file, integers big-endian, texts behind a length byte:
 *
 *   "HOLDFAST REGISTER 1\n", cluster text, node text, boot u64, flags u8, uses u64, floor u64,
 *   count u16, count times: role text, head 56, used u64, value if head.bytes != 0;
 *   XXH3-128 of all before it
 *
 *   flags: 1 there is an image, 2 begun
 *
 * A file that is damaged, of another node or another cluster is left as it is, and nothing is
 * written; until one that is damaged is set aside.
 */
#ifndef HOLDFAST_CLUSTER_REGISTER_FILE_H
#define HOLDFAST_CLUSTER_REGISTER_FILE_H

#include "cluster/register_image.h"

#define REGISTER_FILE_BYTES_MAX (64L * 1024 * 1024)
#define REGISTER_FILE_NAME      "register"
#define REGISTER_DAMAGED_NAME   REGISTER_FILE_NAME ".damaged"
#define REGISTER_LOCK_NAME      "lock"

struct register_file {
	int directory;
	int lock;
	bool writable;   /* what was found was whole, or nothing was there, or it is set aside */
	bool foreign;    /* what was found is whole, and another node's or cluster's */
	char where[256]; /* for messages: the file's path, cut if it must be */
	char cluster[ID_BYTES_MAX + 1];
	char node[ID_BYTES_MAX + 1];
	uint64_t boot;
};

/*
 * Locks, reads, counts this boot and writes that down. `boot_floor`: seconds since 1970; the boot
 * counter is never below it, so that it grows even when the file was lost. `image` is initialised
 * by this call whatever the result; *has_image: a register was there.
 *   RESULT_OK
 *   RESULT_LIMIT      another process has the directory: `f` is closed
 *   RESULT_IO         the directory or the file cannot be used: `f` is closed
 *   RESULT_INVALID    the file is damaged or somebody else's: `f` is open, boot is the floor, and
 *                     nothing will be written: such a node does not vote
 *   RESULT_NO_MEMORY  `f` is closed
 */
enum result register_file_open(struct register_file *f, const char *state_dir, const char *cluster,
			       const char *node, uint64_t boot_floor, struct register_image *image,
			       bool *has_image, struct problem *p);
/*
 * NULL: no image.
 *   RESULT_LIMIT      no room: the disk or a quota is full, or files may not grow further. The file
 *                     is what it was before, untouched; the same may be tried again
 *   RESULT_IO, RESULT_NO_MEMORY  the file is what it was before, or this one, perhaps not synced
 */
enum result register_file_store(const struct register_file *f, const struct register_image *image,
				struct problem *p);
/*
 * Renames what could not be believed, so that the next store has its place; nothing when the file
 * is writable. RESULT_INVALID: it is another node's, which may need it; RESULT_IO.
 */
enum result register_file_set_aside(struct register_file *f, struct problem *p);
void register_file_close(struct register_file *f);

/* The bytes: for tests, and for whoever looks into such a file. */
/* NULL: no memory. Freed by the caller. */
uint8_t *register_file_encode(const struct register_file *f, const struct register_image *image,
			      size_t *bytes);
/* f->cluster and f->node are compared, f->boot is set. */
enum result register_file_decode(struct register_file *f, const uint8_t *at, size_t bytes,
				 struct register_image *image, bool *has_image, struct problem *p);

#endif
