/*
 * handover.h: what one process hands to the next at an upgrade: messages over a pair of
 * SOCK_SEQPACKET sockets, text with descriptors beside it, and, of the process that takes over, the
 * sockets that it was given. Texts are lines without an end: a word, then what belongs to it.
 *
 *   old -> new   socket NAME (with up to HANDOVER_FDS_MAX descriptors; again for more)
 *                file DEVICE INODE PATH        of a UNIX listener
 *                sockets end
 *   new -> old   failed WHY | prepared VERSION
 *   old -> new   member ..., tickets ...       see node/upgrade_state.h
 *                state end
 *   new -> old   ready
 *   old -> new   yours ASKED_BY PID VERSION    the old one lets go
 *
 * NAME: "listener 127.0.0.1:8080", "admin ...", "cluster ...", "dns ...", "handed web".
 */
#ifndef HOLDFAST_BASE_HANDOVER_H
#define HOLDFAST_BASE_HANDOVER_H

#include "base/addr.h"
#include "base/local_socket.h"

#define HANDOVER_BYTES_MAX   1024 /* of a message's text, with its NUL */
#define HANDOVER_FDS_MAX     64
#define HANDOVER_SOCKETS_MAX 20000 /* of all messages */
#define HANDOVER_WAIT_MS     10000 /* the old process answers at once, or is no more */

/* ---- messages */

struct handover_message {
	char text[HANDOVER_BYTES_MAX];
	size_t fd_count;
	int fd[HANDOVER_FDS_MAX]; /* the receiver's own, close-on-exec */
};
/* False: errno; EAGAIN: later. Never waits. */
bool handover_say(int link, const char *text, const int *fds, size_t count);
/* Waits for `wait_ms` at most. False: nothing came (errno ETIMEDOUT), or the other side is no more
 * (0). */
bool handover_hear(int link, int wait_ms, struct handover_message *out);

/* ---- the process that takes over */

/*
 * Once, before the configuration is read: takes what is handed over, when the environment says so.
 * RESULT_IO, RESULT_LIMIT: it cannot be taken, and this process must not go on.
 */
enum result inherited_take(struct problem *p);
/* The link to the process before; -1: there is none. */
int inherited_link(void);
void inherited_end(void); /* closes it */
/* Says why this process does not take over; nothing without a link. */
void inherited_refuse(const char *why);
/* How many sockets of that name wait to be taken. */
size_t inherited_count(const char *name);
/* The next one of that name, now the caller's; -1: there is none. */
int inherited_socket(const char *name);
/* "listener ADDRESS" and the like. */
const char *inherited_name(const char *kind, const struct addr *address, char *text, size_t bytes);
/* The file of a UNIX listener, to be removed when it is closed for good. False: not known. */
bool inherited_file(const char *path, struct local_file *out);
/* Closes what nobody took: who waits there is told so by the other process, or by the kernel. */
void inherited_close_rest(void);

#endif
