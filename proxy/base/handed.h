/*
 * handed.h: listening sockets that the service manager hands over at the start of the process, each
 * under a name: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES of sd_listen_fds(3). They stay open as long
 * as the process lives, so that a reload can take up what no listener used before.
 */
#ifndef HOLDFAST_BASE_HANDED_H
#define HOLDFAST_BASE_HANDED_H

#include "result.h"

#include <stdbool.h>

#define HANDED_MAX 64 /* sockets */

/*
 * Once, before any descriptor is opened and any thread is started. Nothing is handed over when the
 * variables are not for this process; they are removed from the environment.
 */
void handed_take(void);
/* One more, that the process before had of the manager; takes `fd` over. At the start as well. */
void handed_add(const char *name, int fd);
/* The socket at that place, borrowed, and its name; -1: there are no more. */
int handed_at(unsigned place, const char **name);
/* Was any socket handed over? */
bool handed_any(void);
/*
 * The one listening stream socket of that name, borrowed. -1: the problem says what is wrong and
 * which names there are.
 */
int handed_find(const char *name, struct problem *p);

#endif
