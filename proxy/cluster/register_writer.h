/*
 * register_writer.h: a thread that puts a voter's register on disk, as a sync takes as long as the
 * disk likes and heartbeats do not wait for it. It takes no signals.
 *
 *   register_writer_put --image--> thread: register_file_store (fsync)
 *   fd readable, register_writer_take <---'
 *
 * One image at a time, which stays untouched meanwhile (cluster/voter.h). A damaged file is set
 * aside when a voter that was re-admitted has something to put in its place, and not before.
 *
 * RESULT_LIMIT of register_writer_take: there was no room, as of register_file_store; all others
 * are for good.
 */
#ifndef HOLDFAST_CLUSTER_REGISTER_WRITER_H
#define HOLDFAST_CLUSTER_REGISTER_WRITER_H

#include "cluster/register_file.h"

struct register_writer;

/* `file` is open and the thread's until register_writer_free. RESULT_NO_MEMORY, RESULT_IO. */
enum result register_writer_create(struct register_file *file, struct register_writer **out,
				   struct problem *p);
/* Waits for what is being written. *w may be NULL. */
void register_writer_free(struct register_writer **w);
/* Readable when something was written: to be read by register_writer_take alone. */
int register_writer_fd(const struct register_writer *w);
/* Nothing is being written, and nothing waits to be taken. */
bool register_writer_idle(struct register_writer *w);
/* It is idle. `image` is borrowed until it was taken. */
void register_writer_put(struct register_writer *w, const struct register_image *image);
/* How it went: false, nothing is done yet. */
bool register_writer_take(struct register_writer *w, enum result *r, struct problem *p);

#endif
