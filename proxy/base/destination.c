/* destination.c: see destination.h. */
#include "base/destination.h"

static enum result
check_socket(const char *path, struct problem *p)
{
	if (path[0] != '/')
		return problem_set(p, RESULT_INVALID,
				   "neither a socket's whole path nor an address:port");
	if (strlen(path) > ADDR_PATH_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "a socket's path has at most %d bytes",
				   ADDR_PATH_BYTES_MAX);
	return RESULT_OK;
}

static enum result
parse_syslog(const char *where, struct destination *out, struct problem *p)
{
	struct destination d = {.kind = TO_SYSLOG, .path = SYSLOG_SOCKET};
	enum result r = RESULT_OK;
	if (where[0] == '/') {
		d.path = where;
		r = check_socket(where, p);
	} else if (where[0] != '\0') {
		d.path = NULL;
		r = addr_parse(slice_of(where), false, &d.addr, p);
	}
	if (r == RESULT_OK)
		*out = d;
	return r;
}

enum result
destination_parse(const char *text, struct destination *out, struct problem *p)
{
	struct destination d = {.kind = TO_FILE, .path = text};
	enum result r = RESULT_OK;
	if (text == NULL || strcmp(text, "stderr") == 0) {
		d = (struct destination){.kind = TO_STDERR};
	} else if (strcmp(text, "stdout") == 0) {
		d = (struct destination){.kind = TO_STDOUT};
	} else if (strncmp(text, "syslog:", 7) == 0) {
		return parse_syslog(text + 7, out, p);
	} else if (strncmp(text, "journald:", 9) == 0) {
		d = (struct destination){.kind = TO_JOURNALD, .path = JOURNALD_SOCKET};
		if (text[9] != '\0') {
			d.path = text + 9;
			r = check_socket(d.path, p);
		}
	}
	if (r == RESULT_OK)
		*out = d;
	return r;
}
