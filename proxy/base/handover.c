/* handover.c: see handover.h. */
#include "base/handover.h"

#include "base/handed.h"
#include "base/starter.h"
#include "base/text.h"
#include "vocab.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(HANDOVER_FDS_MAX * sizeof(int))];
};

/* ---- messages ---------------------------------------------------------------------------------
 */

bool
handover_say(int link, const char *text, const int *fds, size_t count)
{
	union control control;
	size_t bytes = strlen(text);
	struct iovec part = {(void *)(uintptr_t)text, bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (count > 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		assert(head != NULL);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	}
	return sendmsg(link, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes;
}

static void
take_descriptors(struct msghdr *message, struct handover_message *out)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
	     head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(out->fd, CMSG_DATA(head), count * sizeof(int));
		out->fd_count = count;
	}
}

static ssize_t
receive(int link, struct handover_message *out)
{
	union control control;
	struct iovec part = {out->text, sizeof(out->text) - 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(link, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n > 0)
		take_descriptors(&message, out);
	return n;
}

bool
handover_hear(int link, int wait_ms, struct handover_message *out)
{
	struct pollfd one = {.fd = link, .events = POLLIN};
	out->fd_count = 0;
	for (;;) {
		ssize_t n = receive(link, out);
		if (n > 0) {
			out->text[n] = '\0';
			return true;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			errno = 0;
			return false;
		}
		int ready = poll(&one, 1, wait_ms);
		if (ready == 0 || (ready == -1 && errno != EINTR)) {
			errno = ETIMEDOUT;
			return false;
		}
	}
}

/* ---- what was inherited -----------------------------------------------------------------------
 */

struct inherited_socket {
	int fd; /* -1: taken */
	char *name;
};

static struct {
	bool any;
	int link;
	size_t count;
	struct inherited_socket
	    *socket; /* for the life of the process: `name`s are freed at the end */
	size_t file_count;
	struct {
		struct local_file file;
		char path[108]; /* as sun_path */
	} file[2 * LISTENERS_MAX];
} inherited;

static enum result
keep_sockets(const char *name, const struct handover_message *m, struct problem *p)
{
	size_t count = inherited.count + m->fd_count;
	struct inherited_socket *list = NULL;
	if (count <= HANDOVER_SOCKETS_MAX)
		list = realloc(inherited.socket, count * sizeof(*list));
	for (size_t i = 0; list == NULL && i < m->fd_count; i++)
		(void)close(m->fd[i]);
	if (list == NULL)
		return problem_set(p, RESULT_LIMIT, "too many sockets are handed over");
	inherited.socket = list;
	size_t named = 0;
	for (size_t i = 0; i < m->fd_count; i++) {
		struct inherited_socket *s = &list[inherited.count++];
		*s = (struct inherited_socket){m->fd[i], strdup(name)};
		named += s->name != NULL;
	}
	return named == m->fd_count ? RESULT_OK : problem_set(p, RESULT_NO_MEMORY, "no memory");
}

/* A number and the blank behind it, taken off `text`. False: that is not what stands there. */
static bool
take_number(const char **text, unsigned long long *number)
{
	char *end;
	*number = strtoull(*text, &end, 10);
	if (end == *text || *end != ' ')
		return false;
	*text = end + 1;
	return true;
}

/* "device inode path" */
static void
keep_file(const char *text)
{
	unsigned long long device;
	unsigned long long inode;
	size_t most = sizeof(inherited.file) / sizeof(inherited.file[0]);
	if (inherited.file_count == most || !take_number(&text, &device) ||
	    !take_number(&text, &inode))
		return;
	inherited.file[inherited.file_count].file =
	    (struct local_file){(dev_t)device, (ino_t)inode};
	(void)snprintf(inherited.file[inherited.file_count].path, sizeof(inherited.file[0].path),
		       "%s", text);
	inherited.file_count++;
}

static enum result
keep(const struct handover_message *m, struct problem *p)
{
	static const char handed[] = "socket handed ";
	if (strncmp(m->text, handed, sizeof(handed) - 1) == 0 && m->fd_count == 1) {
		handed_add(m->text + sizeof(handed) - 1, m->fd[0]);
		return RESULT_OK;
	}
	if (strncmp(m->text, "socket ", 7) == 0)
		return keep_sockets(m->text + 7, m, p);
	if (strncmp(m->text, "file ", 5) == 0)
		keep_file(m->text + 5);
	return RESULT_OK;
}

enum result
inherited_take(struct problem *p)
{
	const char *number = getenv(STARTER_FD_NAME);
	uint64_t link = 0;
	inherited.link = -1;
	if (number == NULL)
		return RESULT_OK;
	if (!slice_to_u64(slice_of(number), &link) || link > INT32_MAX ||
	    fcntl((int)link, F_SETFD, FD_CLOEXEC) == -1)
		return problem_set(p, RESULT_IO, "%s=%s: no descriptor of this process",
				   STARTER_FD_NAME, number);
	(void)unsetenv(STARTER_FD_NAME);
	inherited.any = true;
	inherited.link = (int)link;
	struct handover_message m;
	enum result r = RESULT_OK;
	while (r == RESULT_OK) {
		if (!handover_hear(inherited.link, HANDOVER_WAIT_MS, &m))
			return problem_set(p, RESULT_IO, "the process before hands nothing over");
		if (strcmp(m.text, "sockets end") == 0)
			break;
		r = keep(&m, p);
	}
	return r;
}

int
inherited_link(void)
{
	return inherited.any ? inherited.link : -1;
}

void
inherited_end(void)
{
	if (inherited_link() != -1)
		(void)close(inherited.link);
	inherited.link = -1;
}

void
inherited_refuse(const char *why)
{
	char text[HANDOVER_BYTES_MAX];
	if (inherited_link() == -1)
		return;
	(void)snprintf(text, sizeof(text), "failed %s", why);
	(void)handover_say(inherited.link, text, NULL, 0);
	inherited_end();
}

size_t
inherited_count(const char *name)
{
	size_t count = 0;
	for (size_t i = 0; i < inherited.count; i++) {
		const struct inherited_socket *s = &inherited.socket[i];
		count += s->fd != -1 && s->name != NULL && strcmp(s->name, name) == 0;
	}
	return count;
}

int
inherited_socket(const char *name)
{
	for (size_t i = 0; i < inherited.count; i++) {
		struct inherited_socket *s = &inherited.socket[i];
		if (s->fd == -1 || s->name == NULL || strcmp(s->name, name) != 0)
			continue;
		int fd = s->fd;
		s->fd = -1;
		return fd;
	}
	return -1;
}

const char *
inherited_name(const char *kind, const struct addr *address, char *text, size_t bytes)
{
	struct writer w = writer_on(text, bytes);
	write_format(&w, "%s ", kind);
	write_addr(&w, address);
	return writer_text(&w);
}

bool
inherited_file(const char *path, struct local_file *out)
{
	for (size_t i = 0; i < inherited.file_count; i++) {
		if (strcmp(inherited.file[i].path, path) != 0)
			continue;
		*out = inherited.file[i].file;
		return true;
	}
	return false;
}

void
inherited_close_rest(void)
{
	for (size_t i = 0; i < inherited.count; i++) {
		if (inherited.socket[i].fd != -1)
			(void)close(inherited.socket[i].fd);
		free(inherited.socket[i].name);
	}
	free(inherited.socket);
	inherited.socket = NULL;
	inherited.count = 0;
}
