/*
 * shim.c: a library for LD_PRELOAD that makes system calls do what a kernel may do and seldom
 * does: take less than was offered, be interrupted, have nothing just now, run out of
 * descriptors, lose a connection before it is accepted. FAULTS in the environment says what, in
 * percent of calls, by names from the table below: FAULTS="short=50 eintr=10 abort=20", from the
 * first connection on. The draws come from a fixed sequence.
 *
 * HANG_WRITES=PATH: as long as there is such a file, pwrite does not come back: a disk that hangs.
 *
 * WALL_S=SECONDS: the wall clock is so far ahead, or behind when it is negative.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum fault {
	FAULT_SHORT,    /* recv, send, splice take a few bytes */
	FAULT_EINTR,    /* recv, send, splice, accept, epoll_wait are interrupted */
	FAULT_AGAIN,    /* recv, send, splice have nothing just now */
	FAULT_ABORT,    /* accept: ECONNABORTED, and other ends of a connection that waited */
	FAULT_NOFD,     /* accept: EMFILE, ENFILE and their like */
	FAULT_NOSOCKET, /* socket, pipe2: the same */
	FAULT_NOMEM,    /* send: ENOBUFS; epoll_ctl: ENOMEM */
	FAULT_NOPORT,   /* connect: EADDRNOTAVAIL */
	FAULT_HANG,     /* accept never comes back */
	FAULT_PROGRAM,  /* accept: the worker executes a program, as a stranger would have it */
	FAULT_SPAWN,    /* the same, in a process that it forks */
	FAULT_FILE,     /* accept: the worker opens a file; counted when it cannot */
	FAULTS
};

static const char *const names[FAULTS] = {"short", "eintr",    "again", "abort",
					  "nofd",  "nosocket", "nomem", "noport",
					  "hang",  "program",  "spawn", "file"};
static unsigned percent[FAULTS];
static atomic_bool armed; /* by the first connection: a start is not disturbed */
static atomic_ullong drawn;
static atomic_ullong struck[FAULTS];

static time_t wall_s;

/* Not by the C library's syscall(), which would have to be looked up first: a sanitizer asks for
 * the time while it begins, and within that look-up. */
static long
ask_clock(clockid_t id, struct timespec *t)
{
#ifdef __x86_64__
	long done;
	__asm__ volatile("syscall"
			 : "=a"(done)
			 : "a"(SYS_clock_gettime), "D"(id), "S"(t)
			 : "rcx", "r11", "memory");
	return done;
#else
	return syscall(SYS_clock_gettime, id, t) == 0 ? 0 : -errno;
#endif
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	long done = ask_clock(id, t);
	if (done != 0) {
		errno = (int)-done;
		return -1;
	}
	if (id == CLOCK_REALTIME)
		t->tv_sec += wall_s;
	return 0;
}

static uint64_t
draw(void)
{
	uint64_t z = (atomic_fetch_add(&drawn, 1) + 1) * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static bool
strikes(enum fault fault)
{
	if (percent[fault] == 0 || !atomic_load(&armed) || draw() % 100 >= percent[fault])
		return false;
	atomic_fetch_add(&struck[fault], 1);
	return true;
}

/* At the end: how often each fault struck, so that a test knows that it tested something. */
static void
report(void)
{
	const char *path = getenv("FAULTS_COUNT");
	FILE *f = path != NULL ? fopen(path, "w") : NULL;
	if (f == NULL)
		return;
	for (int i = 0; i < FAULTS; i++)
		(void)fprintf(f, "%s %llu\n", names[i], (unsigned long long)struck[i]);
	(void)fclose(f);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("FAULTS");
	const char *wall = getenv("WALL_S");
	wall_s = wall != NULL ? strtol(wall, NULL, 10) : 0;
	(void)atexit(report);
	for (int i = 0; text != NULL && i < FAULTS; i++) {
		const char *at = strstr(text, names[i]);
		if (at != NULL)
			percent[i] = (unsigned)strtoul(at + strlen(names[i]) + 1, NULL, 10);
	}
}

/* What somebody would try who has taken a worker over. */
static void
break_out(void)
{
	static char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
	if (strikes(FAULT_PROGRAM))
		(void)execv(argv[0], argv);
	if (strikes(FAULT_SPAWN) && fork() == 0)
		_exit(0);
	if (percent[FAULT_FILE] == 0 || !atomic_load(&armed))
		return;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == EPERM)
		atomic_fetch_add(&struck[FAULT_FILE], 1);
	else if (fd != -1)
		(void)close(fd);
}

static long
fail(int error)
{
	errno = error;
	return -1;
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* What may happen before a call that moves bytes. 0: nothing. */
static int
hindrance(void)
{
	if (strikes(FAULT_EINTR))
		return EINTR;
	return strikes(FAULT_AGAIN) ? EAGAIN : 0;
}

static size_t
shorter(size_t bytes)
{
	return bytes > 1 && strikes(FAULT_SHORT) ? 1 + draw() % (bytes < 20 ? bytes - 1 : 19)
						 : bytes;
}

static long
send_list(int fd, const struct msghdr *message, int flags)
{
	struct iovec first = message->msg_iov[0];
	if (message->msg_iovlen == 0 || !strikes(FAULT_SHORT))
		return REAL(sendmsg)(fd, message, flags);
	first.iov_len = shorter(first.iov_len);
	return REAL(send)(fd, first.iov_base, first.iov_len, flags);
}

/* relay/io_ev.c calls the kernel this way. */
long
syscall(long number, ...)
{
	long a[6];
	va_list list;
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	bool moves = number == SYS_recvfrom || number == SYS_sendto || number == SYS_sendmsg;
	int error = moves ? hindrance() : 0;
	if (error == 0 && number != SYS_recvfrom && moves && strikes(FAULT_NOMEM))
		error = ENOBUFS;
	if (error != 0)
		return fail(error);
	if (number == SYS_recvfrom)
		return REAL(recv)((int)a[0], (void *)a[1], shorter((size_t)a[2]), (int)a[3]);
	if (number == SYS_sendto)
		return REAL(send)((int)a[0], (void *)a[1], shorter((size_t)a[2]), (int)a[3]);
	if (number == SYS_sendmsg)
		return send_list((int)a[0], (const struct msghdr *)a[1], (int)a[2]);
	return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t
splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t bytes, unsigned flags)
{
	int error = hindrance();
	if (error != 0)
		return fail(error);
	return REAL(splice)(from, from_at, to, to_at, shorter(bytes), flags);
}

int
accept4(int fd, struct sockaddr *name, socklen_t *bytes, int flags)
{
	static const int lost[] = {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH};
	static const int none[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
	while (strikes(FAULT_HANG))
		(void)pause();
	break_out();
	if (strikes(FAULT_EINTR))
		return (int)fail(EINTR);
	if (strikes(FAULT_NOFD))
		return (int)fail(none[draw() % 4]);
	if (strikes(FAULT_ABORT)) {
		int gone = REAL(accept4)(fd, name, bytes, flags);
		if (gone != -1)
			(void)close(gone);
		return (int)fail(lost[draw() % 4]);
	}
	int accepted = REAL(accept4)(fd, name, bytes, flags);
	if (accepted != -1)
		atomic_store(&armed, true);
	return accepted;
}

int
socket(int family, int type, int protocol)
{
	if ((type & SOCK_NONBLOCK) != 0 && strikes(FAULT_NOSOCKET))
		return (int)fail(draw() % 2 == 0 ? EMFILE : ENFILE);
	return REAL(socket)(family, type, protocol);
}

int
connect(int fd, const struct sockaddr *name, socklen_t bytes)
{
	if (name->sa_family != AF_UNIX && strikes(FAULT_NOPORT))
		return (int)fail(EADDRNOTAVAIL);
	return REAL(connect)(fd, name, bytes);
}

int
pipe2(int ends[2], int flags)
{
	if (strikes(FAULT_NOSOCKET))
		return (int)fail(EMFILE);
	return REAL(pipe2)(ends, flags);
}

ssize_t
pwrite(int fd, const void *at, size_t bytes, off_t offset)
{
	const char *while_there = getenv("HANG_WRITES");
	while (while_there != NULL && access(while_there, F_OK) == 0)
		(void)usleep(10000);
	return REAL(pwrite)(fd, at, bytes, offset);
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	if (strikes(FAULT_EINTR))
		return (int)fail(EINTR);
	return REAL(epoll_wait)(fd, events, most, timeout);
}

int
epoll_ctl(int fd, int what, int which, struct epoll_event *event)
{
	if (what != EPOLL_CTL_DEL && strikes(FAULT_NOMEM))
		return (int)fail(ENOMEM);
	return REAL(epoll_ctl)(fd, what, which, event);
}
