/*
 * tail_file.h: a growing file, line by line, through rotation: moved and made anew, truncated, or
 * not there yet. The time is an argument; nothing here waits.
 */
#ifndef HOLDFAST_CLI_TAIL_FILE_H
#define HOLDFAST_CLI_TAIL_FILE_H

#include "base/text.h"
#include "cli/tail_line.h"

#include <sys/types.h>

#define TAIL_BLOCK_BYTES (64 * 1024)
/* A moved file may still be written to until its writer looks; after this it is left. */
#define TAIL_LINGER_MS 3000

struct tail_file {
	const char *path;  /* borrowed */
	int fd;            /* -1: not open (yet) */
	bool end;          /* no more will come: what is left of a last line is one */
	uint64_t moved_ms; /* when the path was first seen to name another file; 0: it does not */
	off_t offset;      /* of the file, behind the block */
	size_t at;         /* in the block */
	size_t bytes;      /* of the block */
	size_t held;       /* of a line that is not complete */
	char block[TAIL_BLOCK_BYTES];
	char line[TAIL_LINE_BYTES_MAX]; /* what is longer is cut */
};

void tail_file_init(struct tail_file *f, const char *path);
void tail_file_deinit(struct tail_file *f);
/* RESULT_NOT_FOUND: no such file, it may still come; RESULT_IO, RESULT_INVALID: it cannot be read.
 */
enum result tail_file_open(struct tail_file *f, struct problem *p);

typedef bool tail_match_fn(const void *context, struct slice line);
/*
 * Goes behind the line before the last `count` that match; to the beginning when there are not
 * more. What does not match may stand between.
 */
void tail_file_seek_last(struct tail_file *f, uint64_t count, tail_match_fn *match,
			 const void *context);

/* The next line without '\n', good until the next call. False: no more for now. */
bool tail_file_next(struct tail_file *f, struct slice *line);
/*
 * After tail_file_next said false: is the path still ours? True: something changed, ask
 * tail_file_next again. Call it every 100 ms or so.
 */
bool tail_file_follow(struct tail_file *f, uint64_t now_ms);

#endif
