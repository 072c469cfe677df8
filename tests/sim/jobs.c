/* jobs.c: seeds over several processes; see jobs.h. */
#include "jobs.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SEED UINT64_MAX

/* What the processes share. Seeds are taken in their order: all below the lowest that failed were
 * taken before it, and are run to their end. */
struct board {
	_Atomic uint64_t next;
	_Atomic uint64_t lowest; /* that failed; NO_SEED: none */
	struct job {
		_Atomic uint64_t seed; /* that it is at */
		struct sim_outcome total;
	} job[JOBS_MAX];
};

static void
add_measured(struct sim_outcome *total, const struct sim_measured *m)
{
	for (size_t i = 0; i < SIM_MEASURES_MAX; i++) {
		struct sim_measured *t = &total->measured[i];
		if (t->name != NULL && strcmp(t->name, m->name) != 0)
			continue;
		t->name = m->name;
		t->count += m->count;
		t->sum += m->sum;
		t->max = m->max > t->max ? m->max : t->max;
		break;
	}
}

static void
add_outcome(struct sim_outcome *total, const struct sim_outcome *one)
{
	total->events += one->events;
	for (size_t i = 0; i < SIM_MEASURES_MAX && one->measured[i].name != NULL; i++)
		add_measured(total, &one->measured[i]);
}

/* In the order of their names: whose came first is a matter of chance. */
static int
by_name(const void *a, const void *b)
{
	const struct sim_measured *x = a;
	const struct sim_measured *y = b;
	if (x->name == NULL || y->name == NULL)
		return (x->name == NULL) - (y->name == NULL);
	return strcmp(x->name, y->name);
}

static void
lower(_Atomic uint64_t *lowest, uint64_t seed)
{
	uint64_t was = atomic_load(lowest);
	while (seed < was && !atomic_compare_exchange_weak(lowest, &was, seed))
		;
}

static void
work(const struct sim_scenario *scenario, struct board *board, struct job *job, uint64_t end)
{
	static struct sim_outcome one;
	for (;;) {
		uint64_t seed = atomic_fetch_add(&board->next, 1);
		if (seed >= end || seed > atomic_load(&board->lowest))
			return;
		atomic_store(&job->seed, seed);
		sim_run(scenario, seed, 0, &one);
		add_outcome(&job->total, &one);
		if (one.failed)
			lower(&board->lowest, seed);
	}
}

static pid_t
begin(const struct sim_scenario *scenario, struct board *board, struct job *job, uint64_t end)
{
	pid_t parent = getpid();
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == -1) {
		perror("sim: fork");
		exit(2);
	}
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() == parent)
		work(scenario, board, job, end);
	_exit(0);
}

/* Waits for all; whose process died is a seed that failed. */
static void
wait_for(struct board *board, const pid_t *pids, unsigned jobs, struct jobs_result *result)
{
	for (unsigned j = 0; j < jobs; j++) {
		int status = 0;
		while (waitpid(pids[j], &status, 0) == -1)
			;
		if (status == 0)
			continue;
		uint64_t seed = atomic_load(&board->job[j].seed);
		if (seed < atomic_load(&board->lowest))
			result->died_of = WIFSIGNALED(status) ? WTERMSIG(status) : SIGABRT;
		lower(&board->lowest, seed);
	}
}

void
jobs_run(const struct sim_scenario *scenario, uint64_t first, uint64_t seeds, unsigned jobs,
	 struct jobs_result *result)
{
	assert(jobs >= 1 && jobs <= JOBS_MAX);
	memset(result, 0, sizeof(*result));
	struct board *board =
	    mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		abort();
	atomic_store(&board->next, first);
	atomic_store(&board->lowest, NO_SEED);
	pid_t pids[JOBS_MAX];
	for (unsigned j = 0; jobs > 1 && j < jobs; j++)
		pids[j] = begin(scenario, board, &board->job[j], first + seeds);
	if (jobs == 1)
		work(scenario, board, &board->job[0], first + seeds);
	else
		wait_for(board, pids, jobs, result);
	result->seed = atomic_load(&board->lowest);
	result->failed = result->seed != NO_SEED;
	for (unsigned j = 0; j < jobs; j++)
		add_outcome(&result->total, &board->job[j].total);
	qsort(result->total.measured, SIM_MEASURES_MAX, sizeof(result->total.measured[0]), by_name);
	(void)munmap(board, sizeof(*board));
}

unsigned
jobs_usual(void)
{
	long there = sysconf(_SC_NPROCESSORS_ONLN);
	return there < 1 ? 1 : there > JOBS_MAX ? JOBS_MAX : (unsigned)there;
}
