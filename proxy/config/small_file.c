/* small_file.c: see small_file.h. */
#include "config/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MODE_REFUSED (S_IWGRP | S_IXGRP | S_IRWXO)

static enum result
read_all(int fd, struct small_file *f, struct problem *p)
{
	while (f->bytes < sizeof(f->at)) {
		ssize_t got = read(fd, f->at + f->bytes, sizeof(f->at) - f->bytes);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return problem_set(p, RESULT_IO, "%s", strerror(errno));
		if (got == 0)
			return RESULT_OK;
		f->bytes += (size_t)got;
	}
	return problem_set(p, RESULT_INVALID, "larger than %d bytes", SMALL_FILE_BYTES_MAX);
}

enum result
small_file_read(const char *path, struct small_file *f, struct problem *p)
{
	struct stat st = {.st_mode = 0};
	f->bytes = 0;
	f->mode = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return problem_set(p, errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO, "%s",
				   strerror(errno));
	enum result r;
	if (fstat(fd, &st) == -1)
		r = problem_set(p, RESULT_IO, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		r = problem_set(p, RESULT_INVALID, "not a file");
	else
		r = read_all(fd, f, p);
	f->mode = st.st_mode;
	(void)close(fd);
	return r;
}

enum result
small_file_check_mode(const struct small_file *f, struct problem *p)
{
	if ((f->mode & MODE_REFUSED) == 0)
		return RESULT_OK;
	return problem_set(p, RESULT_INVALID, "others can read or change it (mode %04o)",
			   (unsigned)f->mode & 07777U);
}

struct slice
small_file_line(const struct small_file *f)
{
	struct slice text = {f->at, f->bytes};
	if (text.bytes > 0 && text.at[text.bytes - 1] == '\n')
		text.bytes--;
	if (text.bytes > 0 && text.at[text.bytes - 1] == '\r')
		text.bytes--;
	return text;
}

void
small_file_wipe(struct small_file *f)
{
	explicit_bzero(f, sizeof(*f));
}
