/* scratch.h: a directory of its own for each case, and files read back. Included once a test. */
#ifndef HOLDFAST_TESTS_RECORD_SCRATCH_H
#define HOLDFAST_TESTS_RECORD_SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SCRATCH_WAIT_MS    15000 /* for something to happen; long: the machine may be busy */
#define SCRATCH_FILE_BYTES (16 * 1024 * 1024)

static char scratch_dir[64];
static char *scratch_text; /* of the file read last; owned */

static inline int
scratch_make(void **state)
{
	(void)state;
	(void)snprintf(scratch_dir, sizeof(scratch_dir), "/tmp/holdfast-record-XXXXXX");
	scratch_text = malloc(SCRATCH_FILE_BYTES + 1);
	return scratch_text != NULL && mkdtemp(scratch_dir) != NULL ? 0 : -1;
}

static inline int
scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

static inline int
scratch_remove(void **state)
{
	(void)state;
	free(scratch_text);
	scratch_text = NULL;
	return nftw(scratch_dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in the directory; of the last four calls. */
static inline const char *
scratch_path(const char *name)
{
	static char path[4][160];
	static unsigned turn;
	char *at = path[turn++ % 4];
	(void)snprintf(at, sizeof(path[0]), "%s/%s", scratch_dir, name);
	return at;
}

/* The whole file; "" when there is none. Good until the next call. */
static inline const char *
scratch_read(const char *name)
{
	size_t bytes = 0;
	int fd = open(scratch_path(name), O_RDONLY | O_CLOEXEC);
	while (fd != -1 && bytes < SCRATCH_FILE_BYTES) {
		ssize_t n = read(fd, scratch_text + bytes, SCRATCH_FILE_BYTES - bytes);
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	if (fd != -1)
		(void)close(fd);
	scratch_text[bytes] = '\0';
	return scratch_text;
}

static inline void
scratch_write(const char *name, const char *text)
{
	FILE *f = fopen(scratch_path(name), "ae");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static inline void
scratch_pause(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* Waits until the condition holds; the case fails when it never does. */
#define WAIT_FOR(condition)                                             \
	do {                                                            \
		int left = SCRATCH_WAIT_MS / 5;                         \
		while (!(condition) && left-- > 0)                      \
			scratch_pause();                                \
		if (left <= 0)                                          \
			fail_msg("never came to hold: %s", #condition); \
	} while (0)

#endif
