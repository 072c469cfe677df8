/*
 * main.c: runs scenarios over many seeds.
 *
 *   sim [--scenario NAME] [--seeds N] [--first N]    default: all scenarios, 300 seeds from 1
 *       [--jobs N]                                   N processes; default: one a processor
 *   sim --scenario NAME --seed N [--trace [LINES]]   one run; the last LINES lines (1000)
 *   sim --mutant --scenario NAME [--seeds N]         must fail: for machines with a cure taken out
 *   sim --list
 *
 * A line a scenario: seeds, events, and what it measured as name mean/max; the same for any number
 * of processes. The lowest seed that fails prints itself, why, and the end of its trace. Ends with
 * "N passed, N failed".
 */
#include "base/digest.h"
#include "jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_LINES_FAILED 120
#define TRACE_LINES_ASKED  1000

#define SCENARIO(name)     extern const struct sim_scenario scenario_##name;
#include "scenarios.h"
#undef SCENARIO

static const struct sim_scenario *const scenarios[] = {
#define SCENARIO(name) &scenario_##name,
#include "scenarios.h"
#undef SCENARIO
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

struct asked {
	const char *scenario; /* NULL: all */
	uint64_t seeds;
	uint64_t first;
	uint64_t jobs;
	size_t trace_lines; /* 0: only of what fails */
	bool mutant;
	bool single;
};

static void
print_passed(const struct sim_scenario *scenario, uint64_t seeds, const struct sim_outcome *total)
{
	(void)printf("%-16s %" PRIu64 " seeds, %" PRIu64 " events", scenario->name, seeds,
		     total->events);
	for (size_t i = 0; i < SIM_MEASURES_MAX && total->measured[i].name != NULL; i++) {
		const struct sim_measured *m = &total->measured[i];
		(void)printf("; %s %.1f/%" PRIu64, m->name, (double)m->sum / (double)m->count,
			     m->max);
	}
	(void)printf("\n");
}

/* The seed that failed is run once more: for its text, and the end of its trace. */
static void
print_failed(const struct sim_scenario *scenario, const struct jobs_result *result)
{
	static struct sim_outcome one;
	if (result->died_of == 0)
		sim_run(scenario, result->seed, TRACE_LINES_FAILED, &one);
	(void)printf("%-16s FAILED, seed %" PRIu64 ": %s%s\n", scenario->name, result->seed,
		     one.text, result->died_of != 0 ? strsignal(result->died_of) : "");
	(void)printf("again: build/tests/sim/sim --scenario %s --seed %" PRIu64 " --trace\n",
		     scenario->name, result->seed);
}

/* A mutant has been caught. */
static void
print_shown(const struct sim_scenario *scenario, const struct jobs_result *result)
{
	static struct sim_outcome one;
	if (result->died_of == 0)
		sim_run(scenario, result->seed, 0, &one);
	(void)printf("%-16s seed %" PRIu64 " shows it: %s%s\n", scenario->name, result->seed,
		     one.text, result->died_of != 0 ? strsignal(result->died_of) : "");
}

/* In this very process, traced as asked for. True: it did not fail. */
static bool
run_seed(const struct sim_scenario *scenario, const struct asked *asked)
{
	static struct sim_outcome one;
	sim_run(scenario, asked->first, asked->trace_lines, &one);
	if (one.failed)
		(void)printf("%-16s FAILED, seed %" PRIu64 ": %s\n", scenario->name, asked->first,
			     one.text);
	else
		print_passed(scenario, 1, &one);
	return !one.failed;
}

/* True: no seed failed. */
static bool
run_scenario(const struct sim_scenario *scenario, const struct asked *asked)
{
	static struct jobs_result result;
	if (asked->single)
		return run_seed(scenario, asked);
	jobs_run(scenario, asked->first, asked->seeds, (unsigned)asked->jobs, &result);
	if (!result.failed)
		print_passed(scenario, asked->seeds, &result.total);
	else if (asked->mutant)
		print_shown(scenario, &result);
	else
		print_failed(scenario, &result);
	(void)fflush(stdout);
	return !result.failed;
}

static int
usage(void)
{
	(void)fprintf(stderr,
		      "usage: sim [--scenario NAME] [--seeds N] [--first N] [--jobs N] [--mutant]\n"
		      "       sim --scenario NAME --seed N [--trace [LINES]]\n"
		      "       sim --list\n");
	return 2;
}

static int
list(void)
{
	for (size_t i = 0; i < SCENARIOS; i++)
		(void)printf("%-16s %s\n", scenarios[i]->name, scenarios[i]->help);
	return 0;
}

/* Takes the number behind an option, if there is one. */
static bool
number(int argc, char **argv, int *at, uint64_t *out)
{
	return *at + 1 < argc && slice_to_u64(slice_of(argv[*at + 1]), out) && ++*at > 0;
}

static bool
parse(int argc, char **argv, struct asked *asked)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		bool ok = true;
		if (strcmp(word, "--scenario") == 0 && i + 1 < argc) {
			asked->scenario = argv[++i];
		} else if (strcmp(word, "--seeds") == 0) {
			ok = number(argc, argv, &i, &asked->seeds);
		} else if (strcmp(word, "--jobs") == 0) {
			ok = number(argc, argv, &i, &asked->jobs) && asked->jobs >= 1 &&
			     asked->jobs <= JOBS_MAX;
		} else if (strcmp(word, "--first") == 0) {
			ok = number(argc, argv, &i, &asked->first);
		} else if (strcmp(word, "--seed") == 0) {
			ok = number(argc, argv, &i, &asked->first);
			asked->single = true;
		} else if (strcmp(word, "--trace") == 0) {
			uint64_t lines = TRACE_LINES_ASKED;
			(void)number(argc, argv, &i, &lines);
			asked->trace_lines = lines;
		} else if (strcmp(word, "--mutant") == 0) {
			asked->mutant = true;
		} else {
			ok = false;
		}
		if (!ok)
			return false;
	}
	return (!asked->single && asked->trace_lines == 0) || asked->scenario != NULL;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	struct asked asked = {.seeds = 300, .first = 1, .jobs = jobs_usual()};
	if (!digest_init() || !parse(argc, argv, &asked))
		return usage();
	unsigned passed = 0;
	unsigned failed = 0;
	for (size_t i = 0; i < SCENARIOS; i++) {
		const struct sim_scenario *scenario = scenarios[i];
		if (asked.scenario != NULL && strcmp(asked.scenario, scenario->name) != 0)
			continue;
		bool well = run_scenario(scenario, &asked);
		if (well != asked.mutant)
			passed++;
		else
			failed++;
	}
	if (passed + failed == 0)
		return usage();
	(void)printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
