/*
 * leader.c: an application that leads roles, by holdfast/lease.h alone: an example, and what
 * tests/e2e/test_library.py runs.
 *
 *   leader LEASE_MS SECRET_FILE STATE_DIR SELF NODE...     NODE: ID=HOST:PORT, or with ,observer
 *
 * Its own poll loop waits for two descriptors: standard input, which stands for all that the
 * application does besides, and the lease's. Commands, a line each:
 *
 *   acquire ROLE | release ROLE | holds ROLE | look ROLE | voter | readmit | quit
 *
 * Each line that it prints begins with CLOCK_BOOTTIME in milliseconds.
 */
#include "holdfast/lease.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES   256
#define SECRET_BYTES 4096

__attribute__((format(printf, 1, 2))) static void
tell(const char *format, ...)
{
	struct timespec now;
	va_list args;
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	(void)printf("%lld ", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)printf("\n");
	(void)fflush(stdout);
}

/* ---- what is commanded ------------------------------------------------------------------------
 */

static void
tell_holds(const struct holdfast_lease *lease, const char *role)
{
	uint64_t term;
	uint64_t left_ms;
	if (holdfast_lease_holds(lease, role, &term, &left_ms))
		tell("yes %s term %" PRIu64 " left %" PRIu64, role, term, left_ms);
	else
		tell("no %s", role);
}

static void
tell_voter(const struct holdfast_lease *lease)
{
	static const char *const words[] = {"observer", "begins", "votes", "stopped", "learning"};
	struct holdfast_lease_reason reason;
	enum holdfast_lease_vote vote = holdfast_lease_voter(lease, &reason);
	tell("voter %s %s", words[vote], reason.text);
}

static void
look(const struct holdfast_lease *lease, const char *role)
{
	struct holdfast_lease_holder who;
	holdfast_lease_look(lease, role, &who);
	tell("look %s by %s term %" PRIu64 "%s", role, who.node[0] != '\0' ? who.node : "-",
	     who.term, who.mine ? " mine" : "");
}

/* False: it is to end. */
static bool
carry_out(struct holdfast_lease *lease, char *line)
{
	char *word = strtok(line, " \n");
	const char *role = strtok(NULL, " \n");
	struct holdfast_lease_reason reason = {""};
	if (word == NULL)
		return true;
	if (role == NULL)
		role = "";
	if (strcmp(word, "quit") == 0)
		return false;
	if (strcmp(word, "acquire") == 0)
		tell("acquire %s %d", role, holdfast_lease_acquire(lease, role));
	else if (strcmp(word, "release") == 0)
		tell("release %s %d", role, holdfast_lease_release(lease, role));
	else if (strcmp(word, "holds") == 0)
		tell_holds(lease, role);
	else if (strcmp(word, "look") == 0)
		look(lease, role);
	else if (strcmp(word, "voter") == 0)
		tell_voter(lease);
	else if (strcmp(word, "readmit") == 0)
		tell("readmit %d %s", holdfast_lease_readmit(lease, &reason), reason.text);
	return true;
}

/* False: the end of it, or `quit`. */
static bool
read_commands(struct holdfast_lease *lease)
{
	static char room[LINE_BYTES];
	static size_t bytes;
	ssize_t got = read(STDIN_FILENO, room + bytes, sizeof(room) - 1 - bytes);
	if (got <= 0)
		return false;
	bytes += (size_t)got;
	room[bytes] = '\0';
	for (char *end = strchr(room, '\n'); end != NULL; end = strchr(room, '\n')) {
		char line[LINE_BYTES];
		size_t length = (size_t)(end + 1 - room);
		memcpy(line, room, length);
		line[length] = '\0';
		bytes -= length;
		memmove(room, end + 1, bytes + 1);
		if (!carry_out(lease, line))
			return false;
	}
	return bytes < sizeof(room) - 1;
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void
tell_events(struct holdfast_lease *lease)
{
	struct holdfast_lease_event event;
	while (holdfast_lease_event(lease, &event))
		tell("%s %s by %s term %" PRIu64 "%s",
		     event.kind == HOLDFAST_LEASE_HELD ? "held" : "over", event.who.role,
		     event.who.node, event.who.term, event.who.mine ? " mine" : "");
}

static void
loop(struct holdfast_lease *lease)
{
	bool goes_on = true;
	while (goes_on) {
		struct pollfd ready[] = {
		    {.fd = STDIN_FILENO, .events = POLLIN},
		    {.fd = holdfast_lease_fd(lease), .events = POLLIN},
		};
		(void)poll(ready, 2, holdfast_lease_timeout(lease));
		holdfast_lease_turn(lease);
		tell_events(lease);
		if (ready[0].revents != 0)
			goes_on = read_commands(lease);
	}
}

/* ---- the start --------------------------------------------------------------------------------
 */

static size_t
read_secret(const char *path, unsigned char room[SECRET_BYTES])
{
	FILE *file = fopen(path, "rb");
	size_t bytes = file == NULL ? 0 : fread(room, 1, SECRET_BYTES, file);
	if (file != NULL)
		(void)fclose(file);
	return bytes;
}

/* "b=127.0.0.2:7946,observer", which is cut into its parts. */
static struct holdfast_lease_node
node_of(char *text)
{
	char *address = strchr(text, '=');
	char *observer = strstr(text, ",observer");
	if (address != NULL)
		*address++ = '\0';
	if (observer != NULL)
		*observer = '\0';
	return (struct holdfast_lease_node){text, address, observer == NULL};
}

int
main(int argc, char **argv)
{
	struct holdfast_lease_node nodes[HOLDFAST_LEASE_NODES_MAX];
	unsigned char secret[SECRET_BYTES];
	struct holdfast_lease *lease;
	struct holdfast_lease_reason reason;
	if (argc < 6 || argc - 5 > HOLDFAST_LEASE_NODES_MAX) {
		(void)fprintf(stderr,
			      "leader LEASE_MS SECRET_FILE STATE_DIR SELF ID=HOST:PORT...\n");
		return 2;
	}
	struct holdfast_lease_setup setup = {.cluster = "leaders",
					     .nodes = nodes,
					     .self = argv[4],
					     .state_dir = argv[3],
					     .secret = secret,
					     .lease_ms = (uint32_t)strtoul(argv[1], NULL, 10)};
	for (int i = 5; i < argc; i++)
		nodes[setup.node_count++] = node_of(argv[i]);
	setup.secret_bytes = read_secret(argv[2], secret);
	enum holdfast_lease_result r = holdfast_lease_open(&setup, &lease, &reason);
	if (r != HOLDFAST_LEASE_OK) {
		(void)fprintf(stderr, "leader: %s\n", reason.text);
		return 10 + (int)r;
	}
	tell("open");
	loop(lease);
	holdfast_lease_close(&lease);
	return 0;
}
