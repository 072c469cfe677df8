/* log_source.c: see log_source.h. gzip(1) is Debian's: it is essential there. */
#include "cli/log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* RFC 1952 section 2.3.1. */
static bool
is_packed(FILE *f)
{
	int first = getc(f);
	int second = first == 0x1f ? getc(f) : EOF;
	rewind(f);
	return first == 0x1f && second == 0x8b;
}

/* gzip -dc reads the file as its standard input: no name of ours is an option to it. */
static enum result
unpack(struct log_source *s, struct problem *p)
{
	char program[] = "gzip";
	char how[] = "-dc";
	char *const argv[] = {program, how, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) == -1)
		return problem_set(p, RESULT_IO, "%s: %s", s->name, strerror(errno));
	(void)lseek(fileno(s->from), 0, SEEK_SET);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, fileno(s->from), STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	/* What it has to say, its exit status says. */
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int error = posix_spawnp(&s->unpacker, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1]);
	(void)fclose(s->from);
	s->from = error == 0 ? fdopen(ends[0], "r") : NULL;
	if (s->from != NULL)
		return RESULT_OK;
	(void)close(ends[0]);
	return problem_set(p, RESULT_IO, "%s: gzip: %s", s->name,
			   strerror(error != 0 ? error : errno));
}

enum result
log_source_open(struct log_source *s, const char *name, struct problem *p)
{
	bool standard = strcmp(name, "-") == 0;
	s->name = standard ? "standard input" : name;
	s->from = standard ? stdin : fopen(name, "re");
	s->unpacker = 0;
	if (s->from == NULL)
		return problem_set(p, RESULT_IO, "%s: %s", name, strerror(errno));
	return standard || !is_packed(s->from) ? RESULT_OK : unpack(s, p);
}

/* Bytes of the next line into s->line; SIZE_MAX: too long. *ended: by the end of the file. */
static size_t
read_line(struct log_source *s, bool *ended)
{
	size_t bytes = 0;
	int c;
	while ((c = getc_unlocked(s->from)) != '\n' && c != EOF) {
		if (bytes < sizeof(s->line))
			s->line[bytes] = (char)c;
		bytes++;
	}
	*ended = c == EOF;
	return bytes <= sizeof(s->line) ? bytes : SIZE_MAX;
}

enum result
log_source_next(struct log_source *s, struct slice *line, struct problem *p)
{
	bool ended = false;
	errno = 0;
	size_t bytes = read_line(s, &ended);
	if (ferror(s->from) != 0)
		return problem_set(p, RESULT_IO, "%s: %s", s->name, strerror(errno));
	if (ended && bytes == 0)
		return RESULT_NOT_FOUND;
	if (bytes == SIZE_MAX)
		return problem_set(p, RESULT_LIMIT, "%s: a line of more than %d bytes", s->name,
				   LOG_SOURCE_LINE_BYTES);
	*line = (struct slice){s->line, bytes};
	return RESULT_OK;
}

enum result
log_source_close(struct log_source *s, struct problem *p)
{
	int status = 0;
	if (s->from != NULL && s->from != stdin)
		(void)fclose(s->from);
	s->from = NULL;
	if (s->unpacker == 0)
		return RESULT_OK;
	while (waitpid(s->unpacker, &status, 0) == -1 && errno == EINTR)
		;
	/* 2: a warning, as of what stands behind the end. */
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2))
		return RESULT_OK;
	return problem_set(p, RESULT_IO, "%s: damaged or cut: what stands before that was read",
			   s->name);
}
