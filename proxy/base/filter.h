/*
 * filter.h: what this process may ask the kernel for, from the end of its start on: a list
 * (tbl/syscalls.h), held by seccomp-bpf, which nothing can take back. By phase and thread:
 *
 *   start            everything: sockets are bound, keys are read, rights dropped, the starter
 *                    forked (base/starter.h), which stays outside and starts programs
 *   from then on     the list: no program, process, user or namespace can be had; files can
 *   workers          the list without files: who reads what strangers send opens none
 *
 * What is on no list is refused with EPERM; what nobody does by accident ends the process, with a
 * line that says which call it was. Not under sanitizers and valgrind, which need more than this.
 */
#ifndef HOLDFAST_BASE_FILTER_H
#define HOLDFAST_BASE_FILTER_H

#include "result.h"

#include <stdbool.h>

/* For all threads of the process. RESULT_LIMIT: it cannot be had here, the problem says why;
 * nothing has changed. */
enum result filter_enter(struct problem *p);
/* For the calling thread, which is a worker; nothing where filter_enter was not successful. False:
 * it could not be had. */
bool filter_enter_worker(void);
/* Is it in force? "on", or why not. Static. */
const char *filter_state(void);

#endif
