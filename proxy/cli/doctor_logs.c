/*
 * doctor_logs.c: see doctor.h. A node whose log cannot be written serves all the same, says so
 * once, and keeps some lines in memory; that is better known before.
 */
#include "base/destination.h"
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096

/* Of the directory that a file would be made in; 0: it can be. */
static int
directory_error(const char *path)
{
	char directory[PATH_BYTES_MAX];
	const char *slash = strrchr(path, '/');
	size_t bytes = slash == NULL || slash == path ? 1 : (size_t)(slash - path);
	if (bytes >= sizeof(directory))
		return ENAMETOOLONG;
	memcpy(directory, slash == NULL ? "." : path, bytes);
	directory[bytes] = '\0';
	return access(directory, W_OK | X_OK) == 0 ? 0 : errno;
}

static int
file_error(const char *path)
{
	struct stat s;
	if (stat(path, &s) == 0) {
		if (S_ISDIR(s.st_mode))
			return EISDIR;
		return access(path, W_OK) == 0 ? 0 : errno;
	}
	return errno == ENOENT ? directory_error(path) : errno;
}

static int
destination_error(const struct destination *to)
{
	if (to->kind == TO_FILE)
		return file_error(to->path);
	if (!destination_is_datagram(to) || to->addr.family != 0)
		return 0;
	return access(to->path, W_OK) == 0 ? 0 : errno;
}

static void
examine_log(struct doctor *d, const char *key, const char *text)
{
	struct destination to;
	if (text == NULL || destination_parse(text, &to, NULL) != RESULT_OK)
		return;
	int error = destination_error(&to);
	/* Who is not root yet cannot know what `user` may. */
	enum grade grade = d->config->user != NULL && geteuid() != 0 ? GRADE_WARNING : GRADE_BAD;
	if (error == 0)
		doctor_say(d, GRADE_OK, "log", "%s: %s", key, text);
	else
		doctor_say(d, grade, "log", "%s: %s: %s", key, text, strerror(error));
}

void
doctor_logs(struct doctor *d)
{
	examine_log(d, "failover", d->config->log_failover);
	examine_log(d, "access", d->config->log_access);
	examine_log(d, "process", d->config->log_process);
}
