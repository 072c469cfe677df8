/*
 * fuzz_roster.c: the membership document, and changes of it, of any bytes. What must hold: what is
 * refused says why; what is read is written in one form, which is read as the same; a change gives
 * a document again, and what changed nothing is what it was; what is laid over a configuration
 * keeps the configuration's bounds, or is refused with a reason.
 *
 * Input: a document; behind the first 0 byte a change, behind each further one another.
 */
#include "affinity/head_text.h"
#include "config/roster.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct config *base;

/* A descriptor's name that stays readable: nothing is left in the file system. */
static const char *
memory_file(const char *text, char name[32])
{
	int fd = memfd_create("fuzz", 0);
	CHECK(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(fchmod(fd, 0600) == 0);
	(void)snprintf(name, 32, "/proc/self/fd/%d", fd);
	return name;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char secret[32];
	char file[32];
	char text[1024];
	struct config_findings findings;
	(void)argc;
	(void)argv;
	(void)snprintf(
	    text, sizeof(text),
	    "state_dir = \"/tmp\"; node = \"n1\";\n"
	    "cluster = { name = \"c\"; nodes = ( { id = \"n1\"; http = \"127.0.0.1:8080\"; },"
	    " { id = \"n2\"; http = \"127.0.0.2:8080\"; rank = 4; } ); };\n"
	    "secrets = ( { id = \"k\"; file = \"%s\"; } );\n"
	    "listeners = ( { address = \"127.0.0.1:8080\"; } );\n"
	    "services = ( { name = \"shop\"; members = ("
	    "{ id = \"a\"; origin = \"127.0.0.1:9001\"; },"
	    "{ id = \"b\"; origin = \"127.0.0.1:9002\"; node = \"127.0.0.2:8080\"; } ); } );\n",
	    memory_file("0123456789abcdef0123456789abcdef", secret));
	enum result r = config_load(memory_file(text, file), CONFIG_FOR_RUN, &base, &findings);
	config_findings_print(&findings, stderr);
	CHECK(r == RESULT_OK);
	config_findings_free(&findings);
	return 0;
}

static void
write_it(const struct roster *roster, struct grow *to)
{
	grow_init(to, (size_t)8 * ROSTER_BYTES_MAX);
	roster_write(roster, to);
	CHECK(!to->failed && to->bytes > 0);
}

/* Read, written, read: one form. Longer than a document may be: refused, though its parts are not.
 */
static void
check_form(const struct roster *roster)
{
	struct grow text;
	struct grow again;
	struct roster *read;
	struct problem p = {""};
	write_it(roster, &text);
	enum result r = roster_read((struct slice){text.at, text.bytes}, &read, &p);
	CHECK(r == RESULT_OK || (r == RESULT_LIMIT && text.bytes > ROSTER_BYTES_MAX));
	if (r == RESULT_OK) {
		write_it(read, &again);
		CHECK(again.bytes == text.bytes && memcmp(again.at, text.at, text.bytes) == 0);
		grow_deinit(&again);
	}
	roster_free(&read);
	grow_deinit(&text);
}

static void
check_laid(const struct roster *roster)
{
	struct config *laid;
	struct problem p = {""};
	enum result r = config_with_roster(base, roster, &laid, &p);
	CHECK((r == RESULT_OK) == (laid != NULL) && (r == RESULT_OK || p.text[0] != '\0'));
	if (laid == NULL)
		return;
	CHECK(laid->epoch == roster->epoch && laid->service_count == 1);
	const struct config_service *s = &laid->services[0];
	CHECK(s->member_count >= 1 && s->member_count <= MEMBERS_MAX);
	for (size_t i = 0; i < s->member_count; i++) {
		CHECK(s->members[i].id != NULL && s->members[i].origin.family != 0);
		CHECK(s->members[i].weight <= MEMBER_WEIGHT_MAX);
	}
	struct roster *of = roster_of(laid);
	CHECK(of != NULL && roster_is_of(of, laid));
	roster_free(&of);
	config_free(&laid);
}

static void
check_same(const struct roster *a, const struct roster *b)
{
	struct grow x;
	struct grow y;
	write_it(a, &x);
	write_it(b, &y);
	CHECK(x.bytes == y.bytes && memcmp(x.at, y.at, x.bytes) == 0);
	grow_deinit(&x);
	grow_deinit(&y);
}

/* Takes the change; *roster is what came of it. */
static void
change(struct roster **roster, struct slice text)
{
	struct roster *next;
	struct problem p = {""};
	bool same = false;
	enum result r = roster_change(*roster, text, &next, &same, &p);
	CHECK((r == RESULT_OK) == (next != NULL) && (r == RESULT_OK || p.text[0] != '\0'));
	if (next == NULL)
		return;
	check_form(next);
	if (same)
		check_same(*roster, next);
	roster_free(roster);
	*roster = next;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct roster *roster;
	struct problem p = {""};
	struct slice rest = {(const char *)data, bytes};
	struct slice text = {rest.at, slice_find(rest, '\0')};
	enum result r = roster_read(text, &roster, &p);
	CHECK((r == RESULT_OK) == (roster != NULL) && (r == RESULT_OK || p.text[0] != '\0'));
	if (roster == NULL)
		return 0;
	check_form(roster);
	check_laid(roster);
	while (rest.bytes > text.bytes) {
		rest = (struct slice){rest.at + text.bytes + 1, rest.bytes - text.bytes - 1};
		text = (struct slice){rest.at, slice_find(rest, '\0')};
		change(&roster, text);
	}
	check_laid(roster);
	roster_free(&roster);
	return 0;
}
