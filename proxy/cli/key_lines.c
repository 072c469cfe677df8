/* key_lines.c: see key_lines.h. */
#include "cli/key_lines.h"

#include <errno.h>

enum result
key_lines_open(struct key_lines *k, const char *name, struct problem *p)
{
	bool standard = strcmp(name, "-") == 0;
	k->from = standard ? stdin : fopen(name, "re");
	k->name = standard ? "standard input" : name;
	k->number = 0;
	if (k->from == NULL)
		return problem_set(p, RESULT_IO, "%s: %s", name, strerror(errno));
	return RESULT_OK;
}

void
key_lines_close(struct key_lines *k)
{
	if (k->from != stdin)
		(void)fclose(k->from);
	k->from = NULL;
}

/* Bytes of the next line into k->line; SIZE_MAX: too long. *ended: by the end of the file. */
static size_t
read_line(struct key_lines *k, bool *ended)
{
	size_t bytes = 0;
	int c;
	while ((c = getc_unlocked(k->from)) != '\n' && c != EOF) {
		if (bytes == sizeof(k->line))
			return SIZE_MAX;
		k->line[bytes++] = (char)c;
	}
	*ended = c == EOF;
	return bytes;
}

enum result
key_lines_next(struct key_lines *k, struct slice *key, struct problem *p)
{
	bool ended = false;
	errno = 0;
	size_t bytes = read_line(k, &ended);
	if (ferror(k->from) != 0)
		return problem_set(p, RESULT_IO, "%s: %s", k->name, strerror(errno));
	if (ended && bytes == 0)
		return RESULT_NOT_FOUND;
	k->number++;
	if (bytes != SIZE_MAX && bytes > 0 && k->line[bytes - 1] == '\r')
		bytes--;
	if (bytes == SIZE_MAX || bytes == 0)
		return problem_set(p, RESULT_INVALID, "%s:%llu: a key has 1 to %d bytes", k->name,
				   (unsigned long long)k->number, SESSION_KEY_BYTES_MAX);
	*key = (struct slice){k->line, bytes};
	return RESULT_OK;
}
