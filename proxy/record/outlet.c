/* outlet.c: see outlet.h. */
#include "record/outlet.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OUTLET_FILE_MODE 0640
#define SYSLOG_BYTES_MIN 480 /* RFC 5426 section 3.2: what everybody takes */

static atomic_uint facility_now = LOG_FACILITY_DEFAULT;

void
outlet_facility_set(unsigned facility)
{
	atomic_store(&facility_now, facility);
}

void
outlet_init(struct outlet *o, enum log_kind kind)
{
	*o = (struct outlet){.kind = kind, .fd = -1};
}

void
outlet_deinit(struct outlet *o)
{
	outlet_close(o);
	free(o->text);
	o->text = NULL;
}

void
outlet_set(struct outlet *o, char *text)
{
	outlet_close(o);
	free(o->text);
	o->text = text;
	if (destination_parse(text, &o->to, NULL) != RESULT_OK)
		o->to = (struct destination){.kind = TO_STDERR};
}

const char *
outlet_name(const struct outlet *o)
{
	return o->text != NULL ? o->text : "stderr";
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static int
adopt(struct outlet *o, int fd, bool *other)
{
	struct stat st = {.st_mode = S_IFREG};
	if (o->to.kind == TO_SYSLOG || o->to.kind == TO_JOURNALD) {
		/* Of a socket's path: the descriptor has another inode. */
		st = (struct stat){0};
		if (o->to.path != NULL)
			(void)stat(o->to.path, &st);
	} else {
		(void)fstat(fd, &st);
	}
	*other = st.st_dev != o->dev || st.st_ino != o->ino;
	o->fd = fd;
	o->regular = S_ISREG(st.st_mode);
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	return 0;
}

static int
connect_to(struct outlet *o, bool *other)
{
	struct sockaddr_storage at;
	socklen_t bytes;
	if (o->to.path != NULL) {
		struct sockaddr_un *un = (struct sockaddr_un *)(void *)&at;
		memset(&at, 0, sizeof(at));
		un->sun_family = AF_UNIX;
		strncpy(un->sun_path, o->to.path, sizeof(un->sun_path) - 1);
		bytes = sizeof(*un);
	} else {
		bytes = addr_to_sockaddr(&o->to.addr, &at);
	}
	int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno;
	if (connect(fd, (struct sockaddr *)&at, bytes) == -1) {
		int error = errno;
		(void)close(fd);
		return error;
	}
	if (gethostname(o->host, sizeof(o->host)) == -1 || o->host[0] == '\0')
		memcpy(o->host, "-", 2);
	o->host[sizeof(o->host) - 1] = '\0';
	return adopt(o, fd, other);
}

/* O_NONBLOCK: a FIFO without a reader must not hold us; it means nothing to a file. */
int
outlet_open(struct outlet *o, bool *other)
{
	switch (o->to.kind) {
	case TO_STDERR:
		return adopt(o, STDERR_FILENO, other);
	case TO_STDOUT:
		return adopt(o, STDOUT_FILENO, other);
	case TO_SYSLOG:
	case TO_JOURNALD:
		return connect_to(o, other);
	case TO_FILE:
		break;
	}
	int fd = open(o->to.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      OUTLET_FILE_MODE);
	return fd == -1 ? errno : adopt(o, fd, other);
}

void
outlet_close(struct outlet *o)
{
	bool own = o->to.kind != TO_STDERR && o->to.kind != TO_STDOUT;
	if (o->fd != -1 && own)
		(void)close(o->fd);
	o->fd = -1;
}

bool
outlet_in_place(const struct outlet *o)
{
	struct stat st;
	bool has_path =
	    o->to.kind == TO_FILE || (destination_is_datagram(&o->to) && o->to.path != NULL);
	return !has_path ||
	       (stat(o->to.path, &st) == 0 && st.st_dev == o->dev && st.st_ino == o->ino);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

bool
outlet_wait(const struct outlet *o, int wait_ms)
{
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};
	return o->regular || poll(&p, 1, wait_ms) > 0;
}

/* How much may be written at once: all of it, or as many whole lines as a pipe takes as one. */
static size_t
chunk_bytes(const struct outlet *o, struct slice lines)
{
	if (o->regular || lines.bytes <= PIPE_BUF)
		return lines.bytes;
	const char *end = memrchr(lines.at, '\n', PIPE_BUF);
	return end != NULL ? (size_t)(end - lines.at) + 1 : PIPE_BUF;
}

/* The journal reads a sealed memory file whose descriptor it is sent with an empty datagram. */
static ssize_t
send_as_file(int fd, struct slice entry)
{
	int memory = memfd_create("holdfast-journal", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (memory == -1)
		return -1;
	ssize_t sent = write(memory, entry.at, entry.bytes) == (ssize_t)entry.bytes ? 0 : -1;
	if (sent == 0 && fcntl(memory, F_ADD_SEALS,
			       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0) {
		union {
			struct cmsghdr head;
			char space[CMSG_SPACE(sizeof(int))];
		} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
				      .cmsg_level = SOL_SOCKET,
				      .cmsg_type = SCM_RIGHTS}};
		memcpy(CMSG_DATA(&control.head), &memory, sizeof(int));
		struct msghdr message = {.msg_control = &control,
					 .msg_controllen = sizeof(control.space)};
		sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	int error = errno;
	(void)close(memory);
	errno = error;
	return sent;
}

static ssize_t
send_line(const struct outlet *o, struct slice line)
{
	char text[LOG_DATAGRAM_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	struct log_origin origin = {o->host, atomic_load(&facility_now), (int)getpid()};
	if (o->to.kind == TO_JOURNALD)
		write_journal_entry(&w, &origin, o->kind, line);
	else
		write_syslog_line(&w, &origin, o->kind, line, clock_wall_ms());
	ssize_t n = send(o->fd, text, w.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n != -1 || errno != EMSGSIZE)
		return n;
	if (o->to.kind == TO_JOURNALD)
		return send_as_file(o->fd, (struct slice){text, w.bytes});
	for (size_t most = w.bytes / 2; n == -1 && errno == EMSGSIZE && most >= SYSLOG_BYTES_MIN;
	     most /= 2)
		n = send(o->fd, text, most, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n;
}

ssize_t
outlet_write(const struct outlet *o, struct slice lines)
{
	if (!destination_is_datagram(&o->to))
		return write(o->fd, lines.at, chunk_bytes(o, lines));
	struct slice line = {lines.at, slice_find(lines, '\n')};
	size_t done = line.bytes < lines.bytes ? line.bytes + 1 : line.bytes;
	if (line.bytes > 0 && send_line(o, line) == -1) {
		/* The kernel's queues are full: as a pipe is. */
		if (errno == ENOBUFS)
			errno = EAGAIN;
		return -1;
	}
	return (ssize_t)done;
}
