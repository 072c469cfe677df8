/*
 * listener.h: listening sockets. Each worker has one of its own for each
 * configured address (SO_REUSEPORT: the kernel spreads new connections), bound
 * before the workers start and before rights are dropped.
 */
#ifndef HOLDFAST_EDGE_LISTENER_H
#define HOLDFAST_EDGE_LISTENER_H

#include "base/local_socket.h"
#include "relay/worker.h"

#define LISTEN_BACKLOG      4096  /* cut by net.core.somaxconn */
#define LISTENER_ACCEPT_MAX 64    /* connections taken in one go: the others wait their turn */
#define LISTENER_SAY_MS     10000 /* between two lines about a shortage */
#define LISTENER_PAUSE_MS   50    /* after the last descriptor was used up */

/*
 * A bound socket; it listens, and clients can connect, from listener_start on. `first`: nobody else
 * may listen there yet; further ones of this process join it. -1: the problem says why.
 */
int listener_bind(const struct addr *address, bool first, struct problem *p);
/* Files of UNIX sockets that this process made. */
struct listener_files {
	size_t count;
	struct {
		struct addr address;
		struct local_file file;
	} list[2 * LISTENERS_MAX + 1];
};

/*
 * One socket for each of `workers`: of their own for an IP address, one that they share for a UNIX
 * socket, whose file is noted, and for what is handed over. Those that were inherited of the
 * process before are used in their place (base/handover.h), and may be more: each is to be listened
 * on, for clients wait there. Returns how many; 0: the problem says why, and none is open.
 */
size_t listener_bind_all(const struct config_listener *c, unsigned workers,
			 struct listener_files *files, int fds[WORKERS_MAX], struct problem *p);
/* The same for the admin interface, whose connections the control thread takes. */
int listener_bind_admin(const struct config *config, struct listener_files *files,
			struct problem *p);
/* Removes the files of those that are neither `also` (NULL: nobody) nor of the list. */
void listener_files_keep(struct listener_files *files, const struct addr *also,
			 const struct config_listener *list, size_t count);

/* A bound socket on its way to its worker. */
struct listener_socket {
	int fd;
	unsigned worker; /* whose it is */
	struct addr address;
};

/* Listens, and accepts for `w`; takes the socket over. False: errno says why; it is closed by
 * listeners_close. */
bool listener_start(struct worker *w, const struct listener_socket *socket);
/* Closes those whose address is none of the list, as listeners_close does; the others go by the
 * worker's present generation. */
void listeners_keep(struct worker *w, const struct config_listener *list, size_t count);
/* Takes what is waiting in the backlogs, then closes all listeners of the worker. What waits at a
 * socket that was handed over is left to who takes it next. */
void listeners_close(struct worker *w);
/* Closes them; what waits in the backlogs is the next process's, which has these sockets, too. */
void listeners_leave(struct worker *w);

#endif
