/*
 * test_probe_ev.c: checks against real sockets on 127.0.0.1 that do what servers do when they are
 * ill. Servers and checks share one event base; a guard ends a test that hangs.
 */
#include "members/probe_ev.h"

#include <dirent.h>
#include <event2/event.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

#define GUARD_S     20
#define CLIENTS     64 /* connections of a server, at most */
#define DESCRIPTORS 64 /* of the process, where they run out */
#define NEVER_MS    3600000
#define PATIENT_MS  15000 /* timeouts that are not to pass */
#define HASTY_MS    40    /* timeouts that are to pass */

enum manner {
	ANSWERS,
	REFUSES_STATUS, /* 500 */
	SILENT,         /* accepts, reads, never answers */
	TRICKLES,       /* a byte now and then */
	GARBAGE,
	CLOSES,      /* reads and closes */
	HALF_A_HEAD, /* and closes */
	WEIGHS,      /* 50 % of its weight */
	BABBLES,     /* a weight that is none */
	PAUSES,      /* the whole process, server and checks, while a check is under way */
};

/* One server, the accepting half of every test. */
static struct {
	int fd;
	struct addr address;
	enum manner manner;
	struct event *event;
	struct event *client[CLIENTS];
	size_t clients;
	unsigned requests;
	unsigned wanted; /* requests, until the loop ends; 0: none */
	char request[1024];
} server;

static struct event_base *base;
static struct pool *pool;
static struct config_service service;

/* What the pool said last; the loop ends at each change. */
static struct {
	unsigned changes;
	enum member_state after;
	enum reason reason;
	char seen[PROBLEM_BYTES_MAX];
} told;

#define DOTS "................................"
static const char *const texts[] = {
    [ANSWERS] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    [REFUSES_STATUS] = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    [SILENT] = "",
    [TRICKLES] = "HTTP/1.1 200 OK\r\nX-Slow: " DOTS DOTS DOTS DOTS "\r\n\r\n",
    [GARBAGE] = "220 mail.example ESMTP\r\n\r\n",
    [CLOSES] = "",
    [HALF_A_HEAD] = "HTTP/1.1 200 OK\r\nContent-",
    [WEIGHS] = "HTTP/1.1 200 OK\r\nHoldfast-Weight: 50%\r\n\r\n",
    [PAUSES] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    [BABBLES] = "HTTP/1.1 200 OK\r\nHoldfast-Weight: lots\r\n\r\n",
};

/* ---- the server ---- */

static void
client_close(size_t i)
{
	evutil_socket_t fd = event_get_fd(server.client[i]);
	event_free(server.client[i]);
	(void)close(fd);
	server.client[i] = NULL;
}

static void
say(evutil_socket_t fd, size_t from, size_t bytes)
{
	/* A check that has given up is gone: nothing to say, then. */
	(void)!send(fd, texts[server.manner] + from, bytes, MSG_NOSIGNAL);
}

static void
on_client(evutil_socket_t fd, short what, void *context)
{
	size_t i = (size_t)(uintptr_t)context;
	static size_t trickled[CLIENTS];
	if ((what & EV_TIMEOUT) != 0) {
		if (server.manner == TRICKLES && trickled[i] < strlen(texts[TRICKLES]))
			say(fd, trickled[i]++, 1);
		return;
	}
	ssize_t n = recv(fd, server.request, sizeof(server.request) - 1, 0);
	if (n <= 0) {
		client_close(i);
		return;
	}
	server.request[n] = '\0';
	trickled[i] = 0;
	if (server.manner != TRICKLES)
		say(fd, 0, strlen(texts[server.manner]));
	if (server.manner == CLOSES || server.manner == HALF_A_HEAD)
		client_close(i);
	if (++server.requests == server.wanted)
		(void)event_base_loopbreak(base);
}

static void
on_accept(evutil_socket_t fd, short what, void *context)
{
	(void)what;
	(void)context;
	if (server.manner == PAUSES && server.clients % 2 == 0)
		(void)usleep(5 * HASTY_MS * 1000);
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(client != -1);
	size_t i = server.clients++;
	assert_true(i < CLIENTS);
	server.client[i] = event_new(base, client, EV_READ | EV_TIMEOUT | EV_PERSIST, on_client,
				     (void *)(uintptr_t)i);
	assert_non_null(server.client[i]);
	struct timeval trickle = {.tv_usec = 2000};
	assert_int_equal(event_add(server.client[i], &trickle), 0);
}

/* A socket of its own port; not listening yet. */
static void
server_bind(void)
{
	struct sockaddr_storage name;
	struct addr any = {.family = AF_INET, .ip = {127, 0, 0, 1}};
	socklen_t bytes = addr_to_sockaddr(&any, &name);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(server.fd != -1);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&name, bytes), 0);
	bytes = sizeof(name);
	assert_int_equal(getsockname(server.fd, (struct sockaddr *)&name, &bytes), 0);
	addr_from_sockaddr((struct sockaddr *)&name, &server.address);
}

static void
server_listen(enum manner manner)
{
	server.manner = manner;
	assert_int_equal(listen(server.fd, 64), 0);
	server.event = event_new(base, server.fd, EV_READ | EV_PERSIST, on_accept, NULL);
	assert_non_null(server.event);
	assert_int_equal(event_add(server.event, NULL), 0);
}

/* ---- checks ---- */

static void
on_change(void *context, const struct pool_change *change)
{
	(void)context;
	told.changes++;
	told.after = (enum member_state)change->verdict.after;
	told.reason = change->reason;
	(void)snprintf(told.seen, sizeof(told.seen), "%s", change->seen);
	(void)event_base_loopbreak(base);
}

static int descriptors_before;

static int
descriptors(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

static int
start(void **state)
{
	(void)state;
	descriptors_before = descriptors();
	memset(&server, 0, sizeof(server));
	memset(&told, 0, sizeof(told));
	base = event_base_new();
	assert_non_null(base);
	server_bind();
	return 0;
}

/* `members` at the server's address, checked every 10 ms. */
static void
pool_build(size_t members, uint64_t timeout_ms)
{
	struct problem p = {""};
	service = fixture_service(members);
	for (size_t i = 0; i < members; i++)
		fixture_list[i].origin = server.address;
	service.health.path = TEXT("/healthz");
	service.health.interval_ms = 10;
	service.health.fast_interval_ms = 20; /* in vain: never longer than the interval */
	service.health.timeout_ms = timeout_ms;
	if (pool_create(&service, (struct pool_tls){NULL, NULL}, 1, &pool, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	pool_observe(pool, (struct pool_observer){.changed = on_change});
}

static struct prober *
prober_begin(void)
{
	struct prober *prober;
	struct problem p = {""};
	if (prober_start(base, &service, pool, (struct prober_node){.hops = NULL}, &prober, &p) !=
	    RESULT_OK)
		fail_msg("%s", p.text);
	return prober;
}

static void
on_guard(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	*(bool *)context = true;
	(void)event_base_loopbreak(base);
}

/* Until something breaks the loop: a change, or the requests wanted. */
static void
run(void)
{
	bool hangs = false;
	struct event *guard = event_new(base, -1, 0, on_guard, &hangs);
	struct timeval delay = {.tv_sec = GUARD_S};
	assert_int_equal(event_add(guard, &delay), 0);
	assert_int_equal(event_base_dispatch(base), 0);
	event_free(guard);
	assert_false(hangs);
}

/* Ends everything; nothing may be left open. */
static int
stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < server.clients; i++) {
		if (server.client[i] != NULL)
			client_close(i);
	}
	if (server.event != NULL)
		event_free(server.event);
	if (server.fd != -1)
		(void)close(server.fd);
	event_base_free(base);
	pool_unref(&pool);
	assert_int_equal(descriptors(), descriptors_before);
	return 0;
}

/* "probe 127.0.0.1:PORT: " and what was seen. */
static void
assert_seen(const char *want)
{
	char text[PROBLEM_BYTES_MAX];
	(void)snprintf(text, sizeof(text), "probe 127.0.0.1:%d: %s", server.address.port, want);
	told.seen[strlen(text) < sizeof(told.seen) ? strlen(text) : 0] = '\0'; /* its beginning */
	assert_string_equal(told.seen, text);
}

static void
assert_goes_down(enum manner manner, uint64_t timeout_ms, enum reason reason, const char *seen)
{
	server_listen(manner);
	pool_build(1, timeout_ms);
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.after, MEMBER_DOWN);
	assert_int_equal(told.reason, reason);
	assert_seen(seen);
	prober_stop(&prober);
	assert_null(prober);
}

/* Nobody listens. */
static void
refused(void **state)
{
	(void)state;
	pool_build(1, PATIENT_MS);
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.after, MEMBER_DOWN);
	assert_int_equal(told.reason, REASON_PROBE_FAILED);
	assert_seen("connection refused");
	prober_stop(&prober);
}

/* It listens, but its queue is full: no connection comes about. */
static void
not_accepted(void **state)
{
	(void)state;
	enum { CALLERS = 4 };
	int caller[CALLERS];
	struct sockaddr_storage name;
	socklen_t bytes = addr_to_sockaddr(&server.address, &name);
	assert_int_equal(listen(server.fd, 0), 0);
	for (size_t i = 0; i < CALLERS; i++) {
		caller[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(caller[i] != -1);
		(void)connect(caller[i], (struct sockaddr *)&name, bytes);
	}
	pool_build(1, HASTY_MS);
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.reason, REASON_PROBE_TIMEOUT);
	assert_seen("no connection in time");
	prober_stop(&prober);
	for (size_t i = 0; i < CALLERS; i++)
		(void)close(caller[i]);
}

/* Accepts and never answers: a listening socket is not a working server. */
static void
silent(void **state)
{
	(void)state;
	assert_goes_down(SILENT, HASTY_MS, REASON_PROBE_TIMEOUT, "no answer in time");
}

/* Each byte comes in time, the whole does not. */
static void
trickling(void **state)
{
	(void)state;
	assert_goes_down(TRICKLES, HASTY_MS, REASON_PROBE_TIMEOUT, "no ");
}

static void
garbage(void **state)
{
	(void)state;
	assert_goes_down(GARBAGE, PATIENT_MS, REASON_PROBE_FAILED, "not an HTTP answer: ");
}

static void
closing(void **state)
{
	(void)state;
	assert_goes_down(CLOSES, PATIENT_MS, REASON_PROBE_FAILED, "closed without an answer");
}

static void
half_a_head(void **state)
{
	(void)state;
	assert_goes_down(HALF_A_HEAD, PATIENT_MS, REASON_PROBE_FAILED,
			 "closed within the answer's head");
}

static void
wrong_status(void **state)
{
	(void)state;
	assert_goes_down(REFUSES_STATUS, PATIENT_MS, REASON_PROBE_STATUS, "status 500");
}

/* Ill, then well: `rise` checks bring it back, by a request as configured. */
static void
comes_back(void **state)
{
	(void)state;
	server_listen(REFUSES_STATUS);
	pool_build(1, PATIENT_MS);
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.after, MEMBER_DOWN);
	unsigned asked = server.requests;
	server.manner = ANSWERS;
	run();
	assert_int_equal(told.after, MEMBER_UP);
	assert_int_equal(server.requests - asked, service.health.rise);
	assert_seen("well");
	assert_int_equal(strncmp(server.request, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:", 39),
			 0);
	prober_stop(&prober);
}

/* `fall` failures in a row once it was well. */
static void
falls_after_a_row(void **state)
{
	(void)state;
	server_listen(ANSWERS);
	pool_build(1, PATIENT_MS);
	server.wanted = 3;
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.changes, 0);
	/* The last answer is on its way and may still be counted as well. */
	server.manner = REFUSES_STATUS;
	unsigned asked = server.requests;
	run();
	assert_int_equal(told.after, MEMBER_DOWN);
	assert_int_equal(server.requests - asked, service.health.fall);
	prober_stop(&prober);
}

/* Without a path a connection is enough. */
static void
by_connection_alone(void **state)
{
	(void)state;
	pool_build(1, PATIENT_MS);
	service.health.path = NULL;
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.after, MEMBER_DOWN);
	assert_seen("connection refused");
	server_listen(SILENT);
	run();
	assert_int_equal(told.after, MEMBER_UP);
	assert_seen("well");
	assert_int_equal(server.requests, 0);
	prober_stop(&prober);
}

/* Every member is checked soon after the start, however long the interval. */
static void
all_members_are_checked(void **state)
{
	(void)state;
	server_listen(ANSWERS);
	pool_build(20, PATIENT_MS);
	service.health.interval_ms = NEVER_MS;
	server.wanted = 20;
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(server.requests, 20);
	assert_int_equal(told.changes, 0);
	prober_stop(&prober);
}

/* While a check waits for its answer, it may be stopped; nothing is left open. */
static void
stops_within_a_check(void **state)
{
	(void)state;
	server_listen(SILENT);
	pool_build(3, PATIENT_MS);
	server.wanted = 3;
	struct prober *prober = prober_begin();
	run();
	prober_stop(&prober);
	assert_int_equal(told.changes, 0);
}

/* A check that is under way is not cut short by a question. */
static void
asked_within_a_check(void **state)
{
	(void)state;
	server_listen(SILENT);
	pool_build(1, PATIENT_MS);
	server.wanted = 1;
	struct prober *prober = prober_begin();
	run();
	prober_check_now(prober, live_of(pool, 0));
	struct timeval a_while = {.tv_usec = 100000};
	assert_int_equal(event_base_loopexit(base, &a_while), 0);
	run();
	assert_int_equal(told.changes, 0);
	assert_int_equal(server.requests, 1);
	prober_stop(&prober);
}

static void *
asks_for_checks(void *context)
{
	struct prober *prober = context;
	for (int i = 0; i < 1000; i++)
		prober_check_now(prober, live_of(pool, (uint32_t)(i % 2)));
	return NULL;
}

/* Other threads ask: the member is checked before its time, once for many questions. */
static void
asked_by_other_threads(void **state)
{
	(void)state;
	pthread_t threads[3];
	server_listen(ANSWERS);
	pool_build(2, PATIENT_MS);
	service.health.interval_ms = NEVER_MS;
	server.wanted = 2;
	struct prober *prober = prober_begin();
	run();
	server.wanted = 4;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, asks_for_checks, prober), 0);
	run();
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(server.requests, 4);
	assert_int_equal(told.changes, 0);
	prober_stop(&prober);
}

/* A failed check is followed by the next one soon: an hour's interval does not delay the verdict.
 */
static void
an_open_verdict_is_soon_closed(void **state)
{
	(void)state;
	server_listen(REFUSES_STATUS);
	pool_build(1, PATIENT_MS);
	service.health.interval_ms = NEVER_MS;
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.after, MEMBER_DOWN);
	server.manner = ANSWERS;
	prober_check_now(prober, live_of(pool, 0));
	run(); /* asked for once, and then by itself */
	assert_int_equal(told.after, MEMBER_UP);
	server.manner = REFUSES_STATUS;
	prober_check_now(prober, live_of(pool, 0));
	run();
	assert_int_equal(told.after, MEMBER_DOWN);
	assert_int_equal(server.requests, 1 + service.health.rise + service.health.fall);
	prober_stop(&prober);
}

static struct pool_member
reading_of(uint32_t member)
{
	struct pool_reading reading;
	assert_int_equal(pool_read(pool, 1, &reading), RESULT_OK);
	struct pool_member m = reading.member[member];
	pool_reading_deinit(&reading);
	return m;
}

/* What an answer says of the weight arrives; what is no weight changes nothing and is counted. */
static void
weights_arrive(void **state)
{
	(void)state;
	server_listen(WEIGHS);
	pool_build(1, PATIENT_MS);
	struct prober *prober = prober_begin();
	server.wanted = 2;
	run();
	assert_int_equal(reading_of(0).share, WEIGHT_UNIT / 2);
	server.manner = BABBLES;
	server.wanted = 5;
	run();
	assert_int_equal(reading_of(0).share, WEIGHT_UNIT / 2);
	assert_true(reading_of(0).weights_refused > 0);
	server.manner = ANSWERS;
	server.wanted = 8;
	run();
	assert_int_equal(reading_of(0).share, WEIGHT_UNIT);
	prober_stop(&prober);
}

/* Nor does time that passed while the process did not run: the check begins anew. */
static void
pauses_are_no_evidence(void **state)
{
	(void)state;
	server_listen(PAUSES);
	pool_build(1, HASTY_MS);
	server.wanted = 6;
	struct prober *prober = prober_begin();
	run();
	assert_int_equal(told.changes, 0);
	assert_int_equal(server.requests, 6);
	prober_stop(&prober);
}

/* Nothing of this node's own wants makes a member ill: no descriptor is left to check with. */
static void
own_wants_are_no_evidence(void **state)
{
	(void)state;
	struct rlimit was;
	int hoard[DESCRIPTORS];
	size_t count = 0;
	server_listen(ANSWERS);
	pool_build(1, PATIENT_MS);
	struct prober *prober = prober_begin();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	struct rlimit few = {.rlim_cur = DESCRIPTORS, .rlim_max = was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (count < DESCRIPTORS && (hoard[count] = dup(server.fd)) != -1)
		count++;
	assert_true(count < DESCRIPTORS);
	struct timeval a_while = {.tv_usec = 50000};
	assert_int_equal(event_base_loopexit(base, &a_while), 0);
	run();
	assert_int_equal(told.changes, 0);
	while (count > 0)
		(void)close(hoard[--count]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	server.wanted = 1;
	run(); /* and is checked as soon as there is one */
	assert_int_equal(server.requests, 1);
	prober_stop(&prober);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(refused),
	    CASE(not_accepted),
	    CASE(silent),
	    CASE(trickling),
	    CASE(garbage),
	    CASE(closing),
	    CASE(half_a_head),
	    CASE(wrong_status),
	    CASE(comes_back),
	    CASE(falls_after_a_row),
	    CASE(by_connection_alone),
	    CASE(all_members_are_checked),
	    CASE(stops_within_a_check),
	    CASE(asked_within_a_check),
	    CASE(asked_by_other_threads),
	    CASE(an_open_verdict_is_soon_closed),
	    CASE(weights_arrive),
	    CASE(pauses_are_no_evidence),
	    CASE(own_wants_are_no_evidence),
	};
	return cmocka_run_group_tests_name("probe_ev", tests, NULL, NULL);
}
