/* test_outlet.c: datagrams to sockets of the test's own: whole lines, full queues, memory files. */
#include "record/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];
static int reader = -1;
static struct outlet outlet;

static void
listen_at(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path);
	reader = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_not_equal(reader, -1);
	assert_int_equal(bind(reader, (struct sockaddr *)&at, sizeof(at)), 0);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/holdfast-outlet-%d", (int)getpid());
	listen_at();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	outlet_deinit(&outlet);
	(void)close(reader);
	(void)unlink(path);
	return 0;
}

static void
open_as(enum log_kind kind, const char *scheme)
{
	char to[80];
	bool other = false;
	(void)snprintf(to, sizeof(to), "%s:%s", scheme, path);
	outlet_init(&outlet, kind);
	outlet_set(&outlet, strdup(to));
	assert_int_equal(outlet_open(&outlet, &other), 0);
	assert_true(other);
	assert_true(outlet_in_place(&outlet));
}

static ssize_t
received(char *to, size_t capacity)
{
	ssize_t n = recv(reader, to, capacity - 1, 0);
	to[n > 0 ? n : 0] = '\0';
	return n;
}

static void
each_line_is_a_datagram(void **state)
{
	(void)state;
	char got[512];
	open_as(LOG_PROCESS, "syslog");
	struct slice lines = SLICE("T info: one\n\nT warn: two\n");
	while (lines.bytes > 0) {
		ssize_t n = outlet_write(&outlet, lines);
		assert_true(n > 0);
		lines = (struct slice){lines.at + n, lines.bytes - (size_t)n};
	}
	assert_true(received(got, sizeof(got)) > 0);
	assert_non_null(strstr(got, "<30>1 T "));
	assert_non_null(strstr(got, " process - one"));
	assert_true(received(got, sizeof(got)) > 0);
	assert_non_null(strstr(got, " process - two"));
	assert_int_equal(received(got, sizeof(got)), -1);
}

static void
a_full_queue_does_not_wait(void **state)
{
	(void)state;
	open_as(LOG_ACCESS, "journald");
	unsigned sent = 0;
	while (outlet_write(&outlet, SLICE("line\n")) > 0)
		sent++;
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 0);
	assert_false(outlet_wait(&outlet, 0));
	char got[512];
	assert_true(received(got, sizeof(got)) > 0);
	assert_true(outlet_wait(&outlet, 1000));
	assert_int_equal(outlet_write(&outlet, SLICE("line\n")), 5);
}

static void
a_new_listener_is_noticed(void **state)
{
	(void)state;
	open_as(LOG_ACCESS, "syslog");
	(void)close(reader);
	assert_int_equal(outlet_write(&outlet, SLICE("line\n")), -1);
	assert_int_equal(errno, ECONNREFUSED);
	char kept[80];
	(void)snprintf(kept, sizeof(kept), "%s.old",
		       path); /* so that its number is not used again */
	assert_int_equal(rename(path, kept), 0);
	assert_false(outlet_in_place(&outlet));
	listen_at();
	(void)unlink(kept);
	assert_false(outlet_in_place(&outlet));
	bool other = false;
	outlet_close(&outlet);
	assert_int_equal(outlet_open(&outlet, &other), 0);
	assert_true(other);
	assert_int_equal(outlet_write(&outlet, SLICE("line\n")), 5);
}

/* What comes with a datagram: the descriptor of a sealed file with the entry. */
static int
received_file(void)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof(control)};
	assert_int_equal(recvmsg(reader, &message, 0), 0);
	assert_int_equal(control.head.cmsg_type, SCM_RIGHTS);
	int fd;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

static void
large_entries_go_as_files(void **state)
{
	(void)state;
	static char line[16001];
	open_as(LOG_ACCESS, "journald");
	assert_int_equal(setsockopt(outlet.fd, SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int)), 0);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(outlet_write(&outlet, (struct slice){line, sizeof(line)}), sizeof(line));
	int fd = received_file();
	assert_int_equal(fcntl(fd, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	static char entry[LOG_DATAGRAM_BYTES_MAX];
	ssize_t n = pread(fd, entry, sizeof(entry), 0);
	assert_true(n > (ssize_t)sizeof(line));
	assert_memory_equal(entry, "MESSAGE=xxx", 11);
	assert_memory_equal(entry + n - 20, "HOLDFAST_LOG=access\n", 20);
	(void)close(fd);
}

/* Syslog has nothing of the kind: the line is cut. */
static void
large_lines_are_cut_for_syslog(void **state)
{
	(void)state;
	static char line[16001];
	static char got[LOG_DATAGRAM_BYTES_MAX];
	open_as(LOG_ACCESS, "syslog");
	assert_int_equal(setsockopt(outlet.fd, SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int)), 0);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(outlet_write(&outlet, (struct slice){line, sizeof(line)}), sizeof(line));
	ssize_t n = received(got, sizeof(got));
	assert_true(n >= 480 && n < (ssize_t)sizeof(line));
	assert_memory_equal(got, "<30>1 ", 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_line_is_a_datagram, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_full_queue_does_not_wait, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_new_listener_is_noticed, setup, teardown),
	    cmocka_unit_test_setup_teardown(large_entries_go_as_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(large_lines_are_cut_for_syslog, setup, teardown),
	};
	return cmocka_run_group_tests_name("outlet", tests, NULL, NULL);
}
