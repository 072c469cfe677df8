/* starter_child.c: the process that starter.h is about. One thread; nothing but starting. */
#include "base/starter.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 8
#define NUMBER_BYTES  24
#define PASSED_FD     3 /* of the program that gets one */
#define PASSED_TEXT   STARTER_FD_NAME "=3"

struct job {
	pid_t pid;  /* 0: none runs */
	int pid_fd; /* -1: none; then its end is looked for every STARTER_CHECK_MS */
	bool late;
	bool killed;       /* asked for: its end is near */
	uint64_t until_ms; /* 0: for ever */
};

struct child {
	int fd;
	const struct starter_setup *setup;
	struct job job[STARTER_JOBS];
};

static void
tell(const struct child *c, const struct starter_news *news)
{
	(void)send(c->fd, news, sizeof(*news), MSG_NOSIGNAL);
}

/* ---- starting ---------------------------------------------------------------------------------
 */

static bool
begins(const char *entry, const char *name)
{
	size_t bytes = strlen(name);
	return strncmp(entry, name, bytes) == 0 && entry[bytes] == '=';
}

/* What is not for a hook is for who takes the node's place, and the other way round. */
static bool
is_left_out(const char *entry, enum starter_job job)
{
	static const char *const never[] = {STARTER_FD_NAME, "WATCHDOG_PID", "LISTEN_PID",
					    "LISTEN_FDS", "LISTEN_FDNAMES"};
	static const char *const service[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC"};
	bool out = false;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		out = out || begins(entry, never[i]);
	for (size_t i = 0; job != STARTER_UPGRADE && i < sizeof(service) / sizeof(service[0]); i++)
		out = out || begins(entry, service[i]);
	return out;
}

/* NULL: no memory. The entries are borrowed. */
static char **
environment(enum starter_job job)
{
	static char passed[] = PASSED_TEXT;
	extern char **environ;
	size_t count = 0;
	while (environ[count] != NULL)
		count++;
	char **list = calloc(count + 2, sizeof(char *));
	if (list == NULL)
		return NULL;
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_left_out(environ[i], job))
			list[kept++] = environ[i];
	}
	if (job == STARTER_UPGRADE)
		list[kept] = passed;
	return list;
}

/* A group of its own, no signal blocked or ignored, nothing to read. */
static int
spawn(const char *program, char **argv, char **environ_of, int fd, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;
	sigset_t all;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&how);
	(void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", 0, 0);
	if (fd != -1)
		(void)posix_spawn_file_actions_adddup2(&files, fd, PASSED_FD);
	(void)posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						 POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&how, 0);
	(void)posix_spawnattr_setsigmask(&how, &none);
	(void)posix_spawnattr_setsigdefault(&how, &all);
	int error = posix_spawn(pid, program, &files, &how, argv, environ_of);
	(void)posix_spawnattr_destroy(&how);
	(void)posix_spawn_file_actions_destroy(&files);
	return error;
}

static int
run(const struct child *c, const struct starter_order *order, pid_t *pid)
{
	const char *program = c->setup->program[order->job];
	const char *const *argv = c->setup->argv[order->job];
	char *list[ARGUMENTS_MAX + 4] = {NULL};
	char number[2][NUMBER_BYTES];
	size_t count = 0;
	if (program == NULL)
		return ENOENT;
	list[count++] = (char *)(uintptr_t)program;
	for (; argv[count - 1] != NULL && count <= ARGUMENTS_MAX; count++)
		list[count] = (char *)(uintptr_t)argv[count - 1];
	for (uint32_t i = 0; i < order->number_count && i < 2; i++) {
		(void)snprintf(number[i], NUMBER_BYTES, "%" PRIu64, order->number[i]);
		list[count++] = number[i];
	}
	char **environ_of = environment(order->job);
	if (environ_of == NULL)
		return ENOMEM;
	int error = spawn(program, list, environ_of, order->fd, pid);
	free(environ_of);
	return error;
}

/* True: it has ended, which is told. */
static bool
reap(struct child *c, enum starter_job which, int how)
{
	struct job *job = &c->job[which];
	struct starter_news news = {.job = which, .pid = job->pid, .ended = true};
	if (job->pid == 0 || waitpid(job->pid, &news.status, how) != job->pid)
		return job->pid == 0;
	news.late = job->late;
	if (job->pid_fd != -1)
		(void)close(job->pid_fd);
	job->pid = 0;
	tell(c, &news);
	return true;
}

static void
start(struct child *c, const struct starter_order *order)
{
	struct job *job = &c->job[order->job];
	(void)reap(c, order->job, job->killed ? 0 : WNOHANG);
	struct starter_news news = {.job = order->job};
	news.error = job->pid != 0 ? EBUSY : run(c, order, &news.pid);
	if (news.error != 0) {
		news.pid = 0;
	} else {
		*job = (struct job){.pid = news.pid};
		job->pid_fd = (int)syscall(SYS_pidfd_open, news.pid, 0);
		job->until_ms = order->limit_ms == 0 ? 0 : clock_ms() + order->limit_ms;
	}
	tell(c, &news);
}

/* ---- hearing ----------------------------------------------------------------------------------
 */

/* One request. False: the node is no more. */
static bool
hear(struct child *c)
{
	struct starter_request request;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {&request, sizeof(request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
	if (n == -1 && errno == EINTR)
		return true;
	if (n != (ssize_t)sizeof(request) || request.order.job >= STARTER_JOBS)
		return false;
	const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	request.order.fd = -1;
	if (head != NULL && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&request.order.fd, CMSG_DATA(head), sizeof(int));
	struct job *job = &c->job[request.order.job];
	if (!request.kill) {
		start(c, &request.order);
	} else if (job->pid != 0) {
		job->killed = true;
		(void)kill(-job->pid, SIGKILL);
	}
	if (request.order.fd != -1)
		(void)close(request.order.fd);
	return true;
}

static void
look_after(struct child *c, enum starter_job which, uint64_t now_ms)
{
	struct job *job = &c->job[which];
	if (reap(c, which, WNOHANG) || job->late)
		return;
	job->late = job->until_ms != 0 && now_ms >= job->until_ms;
	if (job->late)
		(void)kill(-job->pid, SIGKILL);
}

static int
wait_ms(const struct child *c, uint64_t now_ms)
{
	int most = -1;
	for (size_t i = 0; i < STARTER_JOBS; i++) {
		const struct job *job = &c->job[i];
		int own = -1;
		if (job->pid != 0 && job->pid_fd == -1)
			own = STARTER_CHECK_MS;
		else if (job->pid != 0 && job->until_ms != 0 && !job->late)
			own = job->until_ms > now_ms ? (int)(job->until_ms - now_ms) + 1 : 0;
		if (own != -1 && (most == -1 || own < most))
			most = own;
	}
	return most;
}

/* False: the node is no more. */
static bool
turn(struct child *c)
{
	struct pollfd list[1 + STARTER_JOBS];
	list[0] = (struct pollfd){.fd = c->fd, .events = POLLIN};
	for (size_t i = 0; i < STARTER_JOBS; i++) {
		const struct job *job = &c->job[i];
		list[1 + i] =
		    (struct pollfd){.fd = job->pid != 0 ? job->pid_fd : -1, .events = POLLIN};
	}
	if (poll(list, 1 + STARTER_JOBS, wait_ms(c, clock_ms())) == -1)
		return errno == EINTR;
	for (size_t i = 0; i < STARTER_JOBS; i++)
		look_after(c, (enum starter_job)i, clock_ms());
	return list[0].revents == 0 || hear(c);
}

/* ---- life -------------------------------------------------------------------------------------
 */

/* A program that may run so long and no longer: also when nobody is told any more. */
static bool
owes_end(const struct child *c)
{
	bool owes = false;
	for (size_t i = 0; i < STARTER_JOBS; i++)
		owes = owes || (c->job[i].pid != 0 && c->job[i].until_ms != 0);
	return owes;
}

/* Signals of a terminal or a service manager go to the whole group: they are the node's. */
static void
ignore_signals(void)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)signal(numbers[i], SIG_IGN);
}

/* A listener that were open here would go on when the node has closed it. */
static void
close_others(int fd)
{
	if (fd > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0U, 0);
}

void
starter_child_run(int fd, const struct starter_setup *setup)
{
	struct child c = {.fd = fd, .setup = setup};
	static const char ready = STARTER_READY;
	ignore_signals();
	close_others(fd);
	(void)send(fd, &ready, sizeof(ready), MSG_NOSIGNAL);
	(void)prctl(PR_SET_NAME, "holdfast-start");
	while (turn(&c))
		continue;
	(void)close(c.fd);
	c.fd = -1;
	while (owes_end(&c) && turn(&c))
		continue;
	_exit(0);
}
