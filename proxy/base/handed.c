/* handed.c: see handed.h. */
#include "base/handed.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD        3   /* SD_LISTEN_FDS_START */
#define NAME_BYTES_MAX  255 /* of systemd.socket(5), FileDescriptorName= */
#define NAMES_SHOWN_MAX 300

/* Filled by handed_take and handed_add, at the start, and never changed after. */
static struct {
	unsigned count;
	int fd[HANDED_MAX];
	char name[HANDED_MAX][NAME_BYTES_MAX + 1];
} handed;

/* Names stand in the order of the sockets, ':' between; who has none is called "unknown". */
static void
take_names(const char *names)
{
	struct slice rest = slice_of(names != NULL ? names : "");
	for (unsigned i = 0; i < handed.count; i++) {
		size_t colon = slice_find(rest, ':');
		struct slice name = {rest.at, colon};
		if (name.bytes == 0 || name.bytes > NAME_BYTES_MAX)
			name = SLICE("unknown");
		memcpy(handed.name[i], name.at, name.bytes);
		size_t taken = colon < rest.bytes ? colon + 1 : colon;
		rest = (struct slice){rest.at + taken, rest.bytes - taken};
	}
}

void
handed_take(void)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *count_text = getenv("LISTEN_FDS");
	uint64_t pid = 0;
	uint64_t count = 0;
	bool ours = pid_text != NULL && count_text != NULL &&
		    slice_to_u64(slice_of(pid_text), &pid) && pid == (uint64_t)getpid() &&
		    slice_to_u64(slice_of(count_text), &count);
	handed.count = !ours ? 0 : count < HANDED_MAX ? (unsigned)count : HANDED_MAX;
	take_names(getenv("LISTEN_FDNAMES"));
	for (unsigned i = 0; i < handed.count; i++) {
		handed.fd[i] = FIRST_FD + (int)i;
		(void)fcntl(handed.fd[i], F_SETFD, FD_CLOEXEC);
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

void
handed_add(const char *name, int fd)
{
	if (handed.count == HANDED_MAX) {
		(void)close(fd);
		return;
	}
	handed.fd[handed.count] = fd;
	size_t bytes = strnlen(name, NAME_BYTES_MAX);
	memcpy(handed.name[handed.count], name, bytes);
	handed.name[handed.count++][bytes] = '\0';
}

int
handed_at(unsigned place, const char **name)
{
	if (place >= handed.count)
		return -1;
	*name = handed.name[place];
	return handed.fd[place];
}

bool
handed_any(void)
{
	return handed.count > 0;
}

static void
say_missing(const char *name, struct problem *p)
{
	char text[NAMES_SHOWN_MAX];
	struct writer w = writer_on(text, sizeof(text));
	for (unsigned i = 0; i < handed.count; i++) {
		write_text(&w, i == 0 ? "" : ", ");
		write_escaped(&w, slice_of(handed.name[i]));
	}
	if (handed.count == 0)
		(void)problem_set(p, RESULT_NOT_FOUND,
				  "no socket is handed over to this process (LISTEN_FDS)");
	else
		(void)problem_set(p, RESULT_NOT_FOUND,
				  "no socket called %s is handed over; there are: %s", name,
				  writer_text(&w));
}

static bool
has_option(int fd, int option, int wanted)
{
	int value = -1;
	socklen_t bytes = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, option, &value, &bytes) == 0 && value == wanted;
}

int
handed_find(const char *name, struct problem *p)
{
	int found = -1;
	for (unsigned i = 0; i < handed.count; i++) {
		if (strcmp(handed.name[i], name) != 0)
			continue;
		if (found != -1) {
			(void)problem_set(p, RESULT_INVALID,
					  "several sockets are called %s: give each its own "
					  "FileDescriptorName",
					  name);
			return -1;
		}
		found = handed.fd[i];
	}
	if (found == -1) {
		say_missing(name, p);
	} else if (!has_option(found, SO_TYPE, SOCK_STREAM) ||
		   !has_option(found, SO_ACCEPTCONN, 1)) {
		(void)problem_set(p, RESULT_INVALID,
				  "what is handed over as %s is no listening stream socket "
				  "(ListenStream=, Accept=no)",
				  name);
		found = -1;
	}
	return found;
}
