/* tail_file.c: reading a log that is still written; see tail_file.h. */
#include "cli/tail_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void
tail_file_init(struct tail_file *f, const char *path)
{
	memset(f, 0, sizeof(*f));
	f->path = path;
	f->fd = -1;
}

void
tail_file_deinit(struct tail_file *f)
{
	if (f->fd != -1)
		(void)close(f->fd);
	f->fd = -1;
}

static void
seek(struct tail_file *f, off_t offset)
{
	f->offset = offset;
	f->at = 0;
	f->bytes = 0;
	f->held = 0;
}

enum result
tail_file_open(struct tail_file *f, struct problem *p)
{
	struct stat st;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return problem_set(p, errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO, "%s: %s",
				   f->path, strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return problem_set(p, RESULT_INVALID, "%s: not a file", f->path);
	}
	tail_file_deinit(f);
	f->fd = fd;
	f->end = false;
	f->moved_ms = 0;
	seek(f, 0);
	return RESULT_OK;
}

/* False: at the end of what is there. */
static bool
read_block(struct tail_file *f)
{
	ssize_t n = f->fd != -1 ? pread(f->fd, f->block, sizeof(f->block), f->offset) : 0;
	if (n <= 0)
		return false;
	f->offset += n;
	f->at = 0;
	f->bytes = (size_t)n;
	return true;
}

/* Takes from the block up to and with the next '\n'; false: there was none. */
static bool
take_line(struct tail_file *f)
{
	struct slice rest = {f->block + f->at, f->bytes - f->at};
	size_t taken = slice_find(rest, '\n');
	size_t room = sizeof(f->line) - f->held;
	size_t kept = taken < room ? taken : room;
	memcpy(f->line + f->held, rest.at, kept);
	f->held += kept;
	f->at += taken < rest.bytes ? taken + 1 : taken;
	return taken < rest.bytes;
}

bool
tail_file_next(struct tail_file *f, struct slice *line)
{
	bool whole = false;
	while (!whole && (f->at < f->bytes || read_block(f)))
		whole = take_line(f);
	if (!whole && !(f->end && f->held > 0))
		return false;
	*line = (struct slice){f->line, f->held};
	f->held = 0;
	return true;
}

/* Goes to the first line that begins at `from` or behind it. */
static void
seek_line(struct tail_file *f, off_t from)
{
	struct slice rest_of_line;
	seek(f, from > 0 ? from - 1 : 0);
	if (from > 0)
		(void)tail_file_next(f, &rest_of_line);
}

static uint64_t
count_matches(struct tail_file *f, off_t from, tail_match_fn *match, const void *context)
{
	struct slice line;
	uint64_t count = 0;
	seek_line(f, from);
	while (tail_file_next(f, &line))
		count += match(context, line);
	return count;
}

/* Looks at twice as much from the end each time, so the work is bounded by twice what is needed. */
void
tail_file_seek_last(struct tail_file *f, uint64_t count, tail_match_fn *match, const void *context)
{
	struct stat st;
	off_t from = 0;
	uint64_t matches = 0;
	if (f->fd == -1 || fstat(f->fd, &st) == -1)
		return;
	for (off_t window = sizeof(f->block);; window *= 2) {
		from = st.st_size > window ? st.st_size - window : 0;
		matches = count_matches(f, from, match, context);
		if (from == 0 || matches >= count)
			break;
	}
	struct slice line;
	seek_line(f, from);
	while (matches > count && tail_file_next(f, &line))
		matches -= match(context, line);
}

/* True: shorter than what was read of it. */
static bool
was_truncated(const struct tail_file *f)
{
	struct stat st;
	return fstat(f->fd, &st) == 0 && st.st_size < f->offset;
}

enum place { PLACE_SAME, PLACE_NONE, PLACE_EMPTY, PLACE_OTHER };

/* What the path names now. */
static enum place
place_of(const struct tail_file *f)
{
	struct stat ours;
	struct stat named;
	if (stat(f->path, &named) == -1)
		return PLACE_NONE;
	if (fstat(f->fd, &ours) == 0 && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
		return PLACE_SAME;
	return named.st_size > 0 ? PLACE_OTHER : PLACE_EMPTY;
}

bool
tail_file_follow(struct tail_file *f, uint64_t now_ms)
{
	if (f->fd == -1)
		return tail_file_open(f, NULL) == RESULT_OK;
	if (was_truncated(f)) {
		seek(f, 0);
		return true;
	}
	enum place place = place_of(f);
	if (place == PLACE_SAME || place == PLACE_NONE) {
		f->moved_ms = 0;
		return false;
	}
	/* The first time only noted: what came between our last read and now is read first. */
	if (f->moved_ms == 0) {
		f->moved_ms = now_ms;
		return false;
	}
	/* As long as nothing is in the new one, its writer may still be at the old one. */
	if (place == PLACE_EMPTY && now_ms - f->moved_ms < TAIL_LINGER_MS)
		return false;
	if (f->held > 0) {
		f->end = true;
		return true;
	}
	return tail_file_open(f, NULL) == RESULT_OK;
}
