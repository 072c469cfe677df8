/* local_socket.c: see local_socket.h. */
#include "base/local_socket.h"

#include "base/text.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_BYTES_MAX 64 /* of a user or group */

/* ---- rights -----------------------------------------------------------------------------------
 */

enum result
local_mode_parse(const char *text, mode_t *mode, struct problem *p)
{
	size_t digits = strspn(text, "01234567");
	unsigned value = 0;
	for (size_t i = 0; i < digits && digits <= 4; i++)
		value = value * 8 + (unsigned)(text[i] - '0');
	if (digits == 0 || digits > 4 || text[digits] != '\0' || value > 0777)
		return problem_set(p, RESULT_INVALID,
				   "not the rights of a file in octal, such as \"0660\"");
	*mode = value;
	return RESULT_OK;
}

enum result
local_owner_find(const char *text, uid_t *uid, gid_t *gid, struct problem *p)
{
	char user[NAME_BYTES_MAX + 1];
	size_t colon = strcspn(text, ":");
	const char *group = text[colon] == ':' ? text + colon + 1 : NULL;
	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (colon > NAME_BYTES_MAX || (group != NULL && *group == '\0') ||
	    (colon == 0 && group == NULL))
		return problem_set(p, RESULT_INVALID, "not \"user\", \"user:group\" or \":group\"");
	memcpy(user, text, colon);
	user[colon] = '\0';
	if (colon > 0) {
		const struct passwd *who = getpwnam(user);
		if (who == NULL)
			return problem_set(p, RESULT_INVALID, "no such user: %s", user);
		*uid = who->pw_uid;
	}
	if (group != NULL) {
		const struct group *which = getgrnam(group);
		if (which == NULL)
			return problem_set(p, RESULT_INVALID, "no such group: %s", group);
		*gid = which->gr_gid;
	}
	return RESULT_OK;
}

enum result
local_socket_dress(const char *path, const struct local_rights *rights, struct problem *p)
{
	mode_t mode = 0;
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	enum result r = RESULT_OK;
	if (rights->mode != NULL)
		r = local_mode_parse(rights->mode, &mode, p);
	if (r == RESULT_OK && rights->owner != NULL)
		r = local_owner_find(rights->owner, &uid, &gid, p);
	if (r != RESULT_OK)
		return r;
	if (rights->mode != NULL && chmod(path, mode) == -1)
		return problem_set(p, RESULT_IO, "mode: %s", strerror(errno));
	if (rights->owner != NULL && chown(path, uid, gid) == -1)
		return problem_set(p, RESULT_IO, "owner: %s", strerror(errno));
	return RESULT_OK;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static socklen_t
name_of(const char *path, struct sockaddr_un *name)
{
	size_t bytes = strlen(path);
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(name->sun_path, path, bytes < sizeof(name->sun_path) ? bytes : 0);
	return (socklen_t)sizeof(*name);
}

enum result
local_path_check(const char *path, struct problem *p)
{
	char directory[PATH_MAX];
	struct stat there;
	const char *last = strrchr(path, '/');
	size_t bytes = last == path ? 1 : (size_t)(last - path);
	memcpy(directory, path, bytes);
	directory[bytes] = '\0';
	if (stat(directory, &there) == -1)
		return problem_set(p, RESULT_IO, "%s: %s", directory, strerror(errno));
	if (!S_ISDIR(there.st_mode))
		return problem_set(p, RESULT_INVALID, "%s is no directory", directory);
	if (lstat(path, &there) == 0 && !S_ISSOCK(there.st_mode))
		return problem_set(p, RESULT_INVALID, "there is a file that is no socket");
	return RESULT_OK;
}

/* Does somebody listen? Who does not is dead: the file alone is left of it. */
static bool
is_stale(const char *path)
{
	struct sockaddr_un name;
	struct stat there;
	socklen_t bytes = name_of(path, &name);
	if (lstat(path, &there) == -1 || !S_ISSOCK(there.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	bool refused = connect(fd, (struct sockaddr *)&name, bytes) == -1 && errno == ECONNREFUSED;
	(void)close(fd);
	return refused;
}

static bool
bind_there(int fd, const char *path)
{
	struct sockaddr_un name;
	socklen_t bytes = name_of(path, &name);
	if (bind(fd, (struct sockaddr *)&name, bytes) == 0)
		return true;
	if (errno != EADDRINUSE)
		return false;
	if (!is_stale(path)) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(path) == 0 && bind(fd, (struct sockaddr *)&name, bytes) == 0;
}

int
local_socket_bind(const char *path, const struct local_rights *rights, struct local_file *file,
		  struct problem *p)
{
	struct stat there;
	if (local_path_check(path, p) != RESULT_OK)
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || !bind_there(fd, path) || lstat(path, &there) == -1) {
		(void)problem_set(p, RESULT_IO, "%s", strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	*file = (struct local_file){there.st_dev, there.st_ino};
	if (local_socket_dress(path, rights, p) == RESULT_OK)
		return fd;
	local_socket_unlink(path, file);
	(void)close(fd);
	return -1;
}

void
local_socket_unlink(const char *path, const struct local_file *file)
{
	struct stat there;
	if (lstat(path, &there) == 0 && there.st_dev == file->device && there.st_ino == file->inode)
		(void)unlink(path);
}
