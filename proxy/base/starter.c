/* starter.c: the node's side of starter.h. */
#include "base/starter.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct starter {
	int fd;
};

/* Errno when it is not. */
static int
await_ready(const struct starter *s)
{
	struct pollfd there = {.fd = s->fd, .events = POLLIN};
	char said = 0;
	int n = poll(&there, 1, STARTER_READY_MS);
	while (n == -1 && errno == EINTR)
		n = poll(&there, 1, STARTER_READY_MS);
	if (n != 1)
		return n == 0 ? ETIMEDOUT : errno;
	return recv(s->fd, &said, sizeof(said), 0) == 1 && said == STARTER_READY ? 0 : EPIPE;
}

enum result
starter_create(const struct starter_setup *setup, struct starter **out, struct problem *p)
{
	int pair[2];
	*out = NULL;
	struct starter *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		free(s);
		return problem_set(p, RESULT_IO, "socketpair: %s", strerror(errno));
	}
	pid_t pid = fork();
	if (pid == 0)
		starter_child_run(pair[1], setup);
	(void)close(pair[1]);
	s->fd = pair[0];
	if (pid == -1) {
		starter_free(&s);
		return problem_set(p, RESULT_IO, "fork: %s", strerror(errno));
	}
	int error = await_ready(s);
	if (error != 0) {
		starter_free(&s);
		return problem_set(p, RESULT_IO, "the process that starts programs: %s",
				   strerror(error));
	}
	*out = s;
	return RESULT_OK;
}

void
starter_free(struct starter **held)
{
	struct starter *s = *held;
	*held = NULL;
	if (s == NULL)
		return;
	(void)close(s->fd);
	free(s);
}

int
starter_fd(const struct starter *s)
{
	return s->fd;
}

bool
starter_hear(struct starter *s, struct starter_news *news, bool *gone)
{
	ssize_t n = recv(s->fd, news, sizeof(*news), MSG_DONTWAIT);
	*gone = n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
	return n == (ssize_t)sizeof(*news);
}

static bool
say(struct starter *s, const struct starter_request *request)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {(void *)(uintptr_t)request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (request->order.fd != -1) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		assert(head != NULL);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &request->order.fd, sizeof(int));
	}
	return sendmsg(s->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(*request);
}

bool
starter_start(struct starter *s, const struct starter_order *order)
{
	const struct starter_request request = {.order = *order};
	return say(s, &request);
}

void
starter_kill(struct starter *s, enum starter_job job)
{
	const struct starter_request request = {.order = {.job = job, .fd = -1}, .kill = true};
	(void)say(s, &request);
}
