/* boot.c: the boot counter of a node; see setup.h. Written beside the old one and renamed, so that a
 * crash leaves one or the other. */
#include "cluster/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_TEXT_BYTES_MAX 24
#define BOOT_FILE           "cluster.boot"
#define BOOT_FILE_NEW       "cluster.boot.new"
#define LOCK_FILE           "cluster.lock"
#define STATE_DIR_MODE      0750

static enum result
failed(struct problem *p, const char *dir, const char *name)
{
	return problem_set(p, RESULT_IO, "%s/%s: %s", dir, name, strerror(errno));
}

/* 0: there is no file. */
static enum result
read_boot(int dir, const char *path, uint64_t *boot, struct problem *p)
{
	char text[BOOT_TEXT_BYTES_MAX];
	*boot = 0;
	int fd = openat(dir, BOOT_FILE, O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return RESULT_OK;
	if (fd == -1)
		return failed(p, path, BOOT_FILE);
	ssize_t bytes = read(fd, text, sizeof(text));
	(void)close(fd);
	if (bytes == -1)
		return failed(p, path, BOOT_FILE);
	struct slice digits = {text, (size_t)bytes};
	if (digits.bytes > 0 && text[digits.bytes - 1] == '\n')
		digits.bytes--;
	if (!slice_to_u64(digits, boot) || *boot == 0 || *boot == UINT64_MAX)
		return problem_set(p, RESULT_INVALID,
				   "%s/%s holds no boot counter; without the file it begins anew",
				   path, BOOT_FILE);
	return RESULT_OK;
}

static bool
put_boot(int dir, uint64_t boot)
{
	int fd = openat(dir, BOOT_FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd == -1)
		return false;
	char text[BOOT_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_u64(&w, boot);
	write_char(&w, '\n');
	bool put = write(fd, text, w.bytes) == (ssize_t)w.bytes && fsync(fd) == 0;
	(void)close(fd);
	return put && renameat(dir, BOOT_FILE_NEW, dir, BOOT_FILE) == 0 && fsync(dir) == 0;
}

static enum result
lock_dir(int dir, const char *path, int *lock, struct problem *p)
{
	*lock = openat(dir, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (*lock == -1)
		return failed(p, path, LOCK_FILE);
	if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
		return RESULT_OK;
	enum result r =
	    errno == EWOULDBLOCK
		? problem_set(p, RESULT_INVALID,
			      "%s/%s: another process runs as a node with this state_dir", path,
			      LOCK_FILE)
		: failed(p, path, LOCK_FILE);
	(void)close(*lock);
	*lock = -1;
	return r;
}

static enum result
count_boot(int dir, const char *path, uint64_t wall_s, uint64_t *boot, struct problem *p)
{
	uint64_t before;
	enum result r = read_boot(dir, path, &before, p);
	if (r != RESULT_OK)
		return r;
	*boot = before + 1 > wall_s ? before + 1 : wall_s;
	return put_boot(dir, *boot) ? RESULT_OK : failed(p, path, BOOT_FILE);
}

enum result
boot_begin(const char *state_dir, uint64_t wall_s, uint64_t *boot, int *lock, struct problem *p)
{
	*lock = -1;
	if (mkdir(state_dir, STATE_DIR_MODE) == -1 && errno != EEXIST)
		return problem_set(p, RESULT_IO, "%s: %s", state_dir, strerror(errno));
	int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return problem_set(p, RESULT_IO, "%s: %s", state_dir, strerror(errno));
	enum result r = lock_dir(dir, state_dir, lock, p);
	if (r == RESULT_OK)
		r = count_boot(dir, state_dir, wall_s, boot, p);
	if (r != RESULT_OK && *lock != -1) {
		(void)close(*lock);
		*lock = -1;
	}
	(void)close(dir);
	return r;
}
