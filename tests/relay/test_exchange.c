/*
 * test_exchange.c: whole exchanges as scripts (gate/gate_script.c), those that the fuzzer begins
 * with: as they are; with calls that take a byte or two; with each allocation failing, one at a
 * time and all from one on. What must hold stands in gate/gate.h.
 */
#include "gate/alloc.h"
#include "gate/gate.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CORPUS           "tests/fuzz/corpus/exchange"
#define SCRIPT_BYTES_MAX 1024
#define SCRIPTS_MAX      200
#define ALLOCATIONS_MAX  2000

struct script {
	char name[64];
	uint8_t bytes[SCRIPT_BYTES_MAX];
	size_t count;
};

static struct script scripts[SCRIPTS_MAX];
static size_t script_count;

static void
read_script(const char *name)
{
	char path[300];
	assert_true(script_count < SCRIPTS_MAX);
	struct script *s = &scripts[script_count++];
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	(void)snprintf(path, sizeof(path), CORPUS "/%s", name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	s->count = fread(s->bytes, 1, sizeof(s->bytes), f);
	assert_true(s->count > 0 && s->count < sizeof(s->bytes));
	(void)fclose(f);
}

static int
read_scripts(void **state)
{
	struct dirent *entry;
	DIR *d = opendir(CORPUS);
	(void)state;
	if (d == NULL)
		return -1;
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != '.')
			read_script(entry->d_name);
	}
	(void)closedir(d);
	return script_count >= 20 ? 0 : -1;
}

static void
scripts_as_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < script_count; i++)
		gate_play(scripts[i].bytes, scripts[i].count);
}

/* Those that take memory or descriptors away themselves are left out of what follows. */
static bool
takes_away(const struct script *s)
{
	return strncmp(s->name, "no_", 3) == 0;
}

/* ---- short reads and writes ---------------------------------------------------------------- */

/* What each client got: kept after the gate has ended. */
struct result {
	size_t answered;
	int status[GATE_ASKED_MAX];
	size_t body_bytes[GATE_ASKED_MAX];
	bool whole[GATE_ASKED_MAX];
};

static void
play(const struct script *s, size_t read_max, size_t write_max, struct result *out)
{
	assert_true(gate_begin());
	mem_net.read_max = read_max;
	mem_net.write_max = write_max;
	gate.drips = read_max != 0;
	gate_act(s->bytes, s->count);
	gate_settle();
	for (size_t i = 0; i < GATE_CLIENTS; i++) {
		const struct gate_client *c = &gate.client[i];
		out[i].answered = c->answered;
		memcpy(out[i].status, c->status, sizeof(c->status));
		memcpy(out[i].body_bytes, c->body_bytes, sizeof(c->body_bytes));
		memcpy(out[i].whole, c->whole, sizeof(c->whole));
	}
	gate_end();
}

static void
compare(const struct script *s, const struct result *a, const struct result *b)
{
	for (size_t i = 0; i < GATE_CLIENTS; i++) {
		if (a[i].answered != b[i].answered)
			fail_msg("%s: client %zu got %zu and %zu answers", s->name, i,
				 a[i].answered, b[i].answered);
		for (size_t n = 0; n < a[i].answered; n++) {
			bool same = a[i].status[n] == b[i].status[n] &&
				    a[i].whole[n] == b[i].whole[n] &&
				    (!a[i].whole[n] || a[i].body_bytes[n] == b[i].body_bytes[n]);
			if (!same)
				fail_msg("%s: client %zu, answer %zu: %d and %d", s->name, i, n,
					 a[i].status[n], b[i].status[n]);
		}
	}
}

static void
calls_that_take_little(void **state)
{
	static const size_t most[][2] = {{1, 0}, {0, 1}, {7, 3}, {4096, 100}};
	static struct result plain[GATE_CLIENTS];
	static struct result other[GATE_CLIENTS];
	(void)state;
	for (size_t i = 0; i < script_count; i++) {
		/* Whether an early answer is over before its request is a matter of pace. */
		if (takes_away(&scripts[i]) || strncmp(scripts[i].name, "early", 5) == 0)
			continue;
		play(&scripts[i], 0, 0, plain);
		for (size_t n = 0; n < sizeof(most) / sizeof(most[0]); n++) {
			play(&scripts[i], most[n][0], most[n][1], other);
			compare(&scripts[i], plain, other);
		}
	}
}

/* ---- allocations that fail ----------------------------------------------------------------- */

/* Whichever fails while a worker is made: it says so, and nothing is left (the sanitizers look). */
static void
no_memory_at_the_start(void **state)
{
	(void)state;
	for (int on = 0; on <= 1; on++) {
		uint64_t number = 0;
		bool failed = true;
		for (; failed; number++) {
			assert_true(number < ALLOCATIONS_MAX);
			alloc_fail_at(number, on == 1);
			bool begun = gate_begin();
			failed = alloc_fail_end();
			assert_true(begun || failed);
			if (begun)
				gate_end();
		}
		assert_true(number > 100);
	}
}

/* Whichever fails in an exchange: what must hold holds, and later requests are served. */
static void
no_memory_in(const struct script *s, bool on)
{
	bool failed = !takes_away(s);
	for (uint64_t number = 0; failed; number++) {
		assert_true(number < ALLOCATIONS_MAX);
		assert_true(gate_begin());
		gate.short_of = true;
		alloc_fail_at(number, on);
		gate_act(s->bytes, s->count);
		failed = alloc_fail_end();
		gate_open(0);
		gate_ask(0, &(struct gate_ask){.method = "GET", .minor = 1, .key = 1});
		gate_push(0, SIZE_MAX);
		gate_end();
	}
}

static void
no_memory_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < script_count; i++)
		no_memory_in(&scripts[i], false);
}

static void
no_memory_any_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < script_count; i++)
		no_memory_in(&scripts[i], true);
}

/* `test_exchange PATTERN`: those whose names match. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scripts_as_they_are),    cmocka_unit_test(calls_that_take_little),
	    cmocka_unit_test(no_memory_at_the_start), cmocka_unit_test(no_memory_once),
	    cmocka_unit_test(no_memory_any_more),
	};
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, read_scripts, NULL);
}
