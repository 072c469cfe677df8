/* kept.c: the membership in a file; see kept.h. */
#include "cluster/kept.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TITLE          "holdfast membership 1 "
#define TITLE_BYTES    (sizeof(TITLE) - 1)
#define LINE_BYTES_MAX (TITLE_BYTES + (size_t)2 * DOCUMENT_DIGEST_BYTES + 1 + U64_DIGITS_MAX + 1)
#define PATH_BYTES_MAX 4200 /* CONFIG_TEXT_BYTES_MAX and a name */

static bool
path_of(const char *state_dir, const char *behind, char path[PATH_BYTES_MAX])
{
	int bytes = snprintf(path, PATH_BYTES_MAX, "%s/" KEPT_FILE_NAME "%s", state_dir, behind);
	return bytes > 0 && bytes < PATH_BYTES_MAX;
}

static enum result
io_error(struct problem *p, const char *path)
{
	return problem_set(p, RESULT_IO, "%s: %s", path, strerror(errno));
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool
write_all(int fd, const void *from, size_t bytes)
{
	const char *at = from;
	while (bytes > 0) {
		ssize_t put = write(fd, at, bytes);
		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		at += put;
		bytes -= (size_t)put;
	}
	return true;
}

/* So that the new name is there after a crash, too. */
static bool
sync_directory(const char *state_dir)
{
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd != -1 && fsync(fd) == 0;
	if (fd != -1)
		(void)close(fd);
	return synced;
}

enum result
kept_write(const char *state_dir, const struct document *d, struct problem *p)
{
	char path[PATH_BYTES_MAX];
	char fresh[PATH_BYTES_MAX];
	char line[LINE_BYTES_MAX];
	struct writer w = writer_on(line, sizeof(line));
	if (!path_of(state_dir, "", path) || !path_of(state_dir, ".new", fresh))
		return problem_set(p, RESULT_IO, "state_dir: too long");
	write_literal(&w, TITLE);
	write_hex_bytes(&w, d->digest, sizeof(d->digest));
	write_char(&w, ' ');
	write_u64(&w, d->bytes);
	write_char(&w, '\n');
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd == -1)
		return io_error(p, fresh);
	bool whole =
	    write_all(fd, line, w.bytes) && write_all(fd, d->at, d->bytes) && fsync(fd) == 0;
	enum result r = whole ? RESULT_OK : io_error(p, fresh);
	if (close(fd) == -1 && r == RESULT_OK)
		r = io_error(p, fresh);
	if (r == RESULT_OK && rename(fresh, path) == -1)
		r = io_error(p, path);
	if (r != RESULT_OK)
		(void)unlink(fresh);
	else if (!sync_directory(state_dir))
		r = io_error(p, state_dir);
	return r;
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum result
read_file(const char *path, char **out, size_t *bytes, struct problem *p)
{
	size_t room = LINE_BYTES_MAX + DOCUMENT_BYTES_MAX + 1;
	FILE *from = fopen(path, "re");
	if (from == NULL && errno == ENOENT)
		return problem_set(p, RESULT_NOT_FOUND, "%s: there is none", path);
	if (from == NULL)
		return io_error(p, path);
	*out = malloc(room);
	if (*out == NULL) {
		(void)fclose(from);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	*bytes = fread(*out, 1, room, from);
	enum result r = ferror(from) ? io_error(p, path) : RESULT_OK;
	(void)fclose(from);
	return r;
}

/* What stands behind the line, if it is what the line says. */
static struct document *
check(struct slice file)
{
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
	uint64_t bytes;
	size_t end = slice_find(file, '\n');
	size_t digits = TITLE_BYTES + 2 * sizeof(digest) + 1;
	if (file.at == NULL || !slice_has_prefix(file, SLICE(TITLE)) || end == file.bytes ||
	    end <= digits ||
	    !hex_decode((struct slice){file.at + TITLE_BYTES, 2 * sizeof(digest)}, digest,
			sizeof(digest)) ||
	    !slice_to_u64((struct slice){file.at + digits, end - digits}, &bytes) ||
	    file.at[digits - 1] != ' ' || bytes != file.bytes - end - 1)
		return NULL;
	struct document *d = document_create(file.at + end + 1, (size_t)bytes);
	if (d != NULL && memcmp(d->digest, digest, sizeof(digest)) != 0)
		document_unref(&d);
	return d;
}

enum result
kept_read(const char *state_dir, struct document **out, struct problem *p)
{
	char path[PATH_BYTES_MAX];
	char *at = NULL;
	size_t bytes = 0;
	*out = NULL;
	if (!path_of(state_dir, "", path))
		return problem_set(p, RESULT_IO, "state_dir: too long");
	enum result r = read_file(path, &at, &bytes, p);
	if (r == RESULT_OK) {
		*out = check((struct slice){at, bytes});
		if (*out == NULL)
			r = problem_set(p, RESULT_INVALID, "%s: damaged", path);
	}
	free(at);
	return r;
}
