/*
 * fixture.h: configurations as text, in a directory of their own that ends with the
 * test.
 */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include "config/config.h"

#include "../affinity/head_text.h" /* http_field_find, which key rules link with */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_NAME_BYTES 256

static char dir[64];

/* "DIR/name"; a ring of names, so that several can stand in one expression. */
static inline const char *
in_dir(const char *name)
{
	static char names[4][FILE_NAME_BYTES];
	static unsigned next;
	char *made = names[next++ % 4];
	(void)snprintf(made, FILE_NAME_BYTES, "%s/%s", dir, name);
	return made;
}

static inline int
dir_make(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/holdfast-test.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static inline int
dir_remove(void **state)
{
	(void)state;
	char command[128];
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command); /* NOLINT(cert-env33-c): a directory that we made */
}

static inline const char *
put_file(const char *name, const void *at, size_t bytes, mode_t mode)
{
	const char *path = in_dir(name);
	(void)unlink(path);
	FILE *to = fopen(path, "w");
	assert_non_null(to);
	assert_int_equal(fwrite(at, 1, bytes, to), bytes);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

/* Listener, one service with one member, and what `top` and `service` add; state_dir is DIR/state.
 */
static inline const char *
put_config(const char *top, const char *service)
{
	char text[4096];
	int bytes = snprintf(text, sizeof(text),
			     "state_dir = \"%s/state\";\n%s\n"
			     "listeners = ( { address = \"127.0.0.1:8080\"; } );\n"
			     "services = ( { name = \"shop\"; %s\n"
			     "members = ( { id = \"a\"; origin = \"127.0.0.1:9001\"; "
			     "connections_max = 15; } ); } );\n",
			     dir, top, service);
	return put_file("holdfast.conf", text, (size_t)bytes, 0644);
}

/* The only finding, or no finding at all when `reason` is NULL. */
static inline void
assert_finding(const struct config_findings *findings, const char *path, const char *reason)
{
	if (reason == NULL && findings->count > 0)
		fail_msg("%s: %s", findings->list[0].path, findings->list[0].reason);
	assert_int_equal(findings->count, reason == NULL ? 0 : 1);
	if (reason == NULL)
		return;
	assert_string_equal(findings->list[0].path, path);
	assert_non_null(strstr(findings->list[0].reason, reason));
}

#endif
