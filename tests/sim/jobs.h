/*
 * jobs.h: the seeds of a scenario, run by several processes at a time. What comes out does not
 * depend on how many there are, nor on which of them was faster: sums, maxima, and the lowest seed
 * that fails, up to which all were run.
 */
#ifndef HOLDFAST_TESTS_SIM_JOBS_H
#define HOLDFAST_TESTS_SIM_JOBS_H

#include "sim.h"

#define JOBS_MAX 64

struct jobs_result {
	bool failed;
	uint64_t seed;            /* the lowest that failed */
	int died_of;              /* the signal that ended its process; 0: it failed by itself */
	struct sim_outcome total; /* events and measures of all, when none failed */
};

/* `jobs` 1: in this very process, where a crash is its own message, and leaks are seen. */
void jobs_run(const struct sim_scenario *scenario, uint64_t first, uint64_t seeds, unsigned jobs,
	      struct jobs_result *result);
/* As many as processors are to be had. */
unsigned jobs_usual(void);

#endif
