/*
 * starter.h: the process beside the node that starts programs for it: the hooks of a cluster, and
 * the program that takes the node's place at an upgrade. It is forked when rights are dropped and
 * before any thread runs, so that the node itself never needs to execute anything, nor may: what
 * can be started stands here from the beginning, and nobody can ask for another program later.
 *
 *   node --SOCK_SEQPACKET: what, with which numbers--> starter --posix_spawn--> program
 *        <--its pid, how it ended--
 *
 * It has the node's user and no descriptor of it, ignores the node's signals and ends with the
 * node, as the socket does; what it started goes on. Only for one that has a limit it stays, until
 * that has ended or is killed.
 */
#ifndef HOLDFAST_BASE_STARTER_H
#define HOLDFAST_BASE_STARTER_H

#include "result.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STARTER_FD_NAME  "HOLDFAST_UPGRADE" /* in the environment of the program that takes over */
#define STARTER_CHECK_MS 1000  /* between two looks for the end of a program without a pidfd */
#define STARTER_READY_MS 10000 /* a starter that is not there by then will not come */

enum starter_job { STARTER_ON_MASTER, STARTER_ON_BACKUP, STARTER_UPGRADE, STARTER_JOBS };

/* Borrowed for the call. */
struct starter_setup {
	const char *program[STARTER_JOBS];     /* NULL: there is none */
	const char *const *argv[STARTER_JOBS]; /* what stands behind the program's name, to NULL */
};

/* What became of a program. */
struct starter_news {
	enum starter_job job;
	pid_t pid;  /* of the program; 0: it could not be started: `error` */
	int error;  /* errno */
	bool ended; /* with `status`, as waitpid(2) has it; else: it was started */
	bool late;  /* it took longer than its limit, and was killed with its group */
	int status;
};

struct starter;

/*
 * Forks, and waits until the starter holds no descriptor of this process but its own: else a
 * listener of a node that dies right behind its start would stay, with clients who wait in it. No
 * other thread may run. RESULT_IO, RESULT_NO_MEMORY.
 */
enum result starter_create(const struct starter_setup *setup, struct starter **out,
			   struct problem *p);
/* The starter ends, as above; nobody waits for it. *s may be NULL. */
void starter_free(struct starter **s);

/* Readable when there is news, or when the starter is no more. */
int starter_fd(const struct starter *s);
/* The next news. False: none now; `*gone`: and never again. */
bool starter_hear(struct starter *s, struct starter_news *news, bool *gone);

/* Numbers become texts behind the job's arguments. One of a job at a time: another one while it
 * runs is not started, and told so (EBUSY). `limit_ms`: 0: none. */
struct starter_order {
	enum starter_job job;
	uint32_t number_count; /* 2 at most */
	uint64_t number[2];
	uint64_t limit_ms;
	int fd; /* passed on as STARTER_FD_NAME says; -1: none */
};
/* False: the starter is no more. */
bool starter_start(struct starter *s, const struct starter_order *order);
/* Kills it, if it runs: its end will be told. */
void starter_kill(struct starter *s, enum starter_job job);

/* In starter_child.c, for starter.c alone; it sends STARTER_READY when it is there. */
#define STARTER_READY 'r'
struct starter_request {
	struct starter_order order;
	bool kill;
};
void starter_child_run(int fd, const struct starter_setup *setup) __attribute__((noreturn));

#endif
