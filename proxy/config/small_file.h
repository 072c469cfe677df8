/*
 * small_file.h: a file of a secret, read whole onto the stack; wipe it with small_file_wipe when it
 * was one.
 */
#ifndef HOLDFAST_CONFIG_SMALL_FILE_H
#define HOLDFAST_CONFIG_SMALL_FILE_H

#include "base/text.h"
#include "result.h"

#include <sys/stat.h>

#define SMALL_FILE_BYTES_MAX 4096

struct small_file {
	size_t bytes;
	mode_t mode;
	char at[SMALL_FILE_BYTES_MAX + 1];
};

/*
 * Without waiting for the other end when it is no file. RESULT_NOT_FOUND; RESULT_INVALID: not a
 * file, or larger than SMALL_FILE_BYTES_MAX; RESULT_IO. The problem says which.
 */
enum result small_file_read(const char *path, struct small_file *f, struct problem *p);
/* RESULT_INVALID: others can read or change it; a group may read, no more. */
enum result small_file_check_mode(const struct small_file *f, struct problem *p);
/* All of it but one line end behind. */
struct slice small_file_line(const struct small_file *f);
void small_file_wipe(struct small_file *f);

#endif
