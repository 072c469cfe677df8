/*
 * local_socket.h: a listening UNIX socket as a file: who may connect, and whose it is. A file that
 * a dead process left behind is removed; one on which somebody listens is not, nor anything else.
 */
#ifndef HOLDFAST_BASE_LOCAL_SOCKET_H
#define HOLDFAST_BASE_LOCAL_SOCKET_H

#include "result.h"

#include <stdbool.h>
#include <sys/types.h>

/* The file that was made, to be known again. */
struct local_file {
	dev_t device;
	ino_t inode;
};

struct local_rights {
	const char *mode;  /* "0660"; NULL: by the umask */
	const char *owner; /* "user", "user:group" or ":group"; NULL: who binds */
};

/* Both may be used to try. RESULT_INVALID: the problem says why. */
enum result local_mode_parse(const char *text, mode_t *mode, struct problem *p);
/* (uid_t)-1, (gid_t)-1: not named. */
enum result local_owner_find(const char *text, uid_t *uid, gid_t *gid, struct problem *p);
/* Whether a socket can be made there: a directory, and no other file in the way. */
enum result local_path_check(const char *path, struct problem *p);

/* Binds; nobody can connect before listen(2). -1: the problem says why. */
int local_socket_bind(const char *path, const struct local_rights *rights, struct local_file *file,
		      struct problem *p);
enum result local_socket_dress(const char *path, const struct local_rights *rights,
			       struct problem *p);
/* Removes it if it is still that file. */
void local_socket_unlink(const char *path, const struct local_file *file);

#endif
