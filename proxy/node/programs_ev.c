/* programs_ev.c: see programs.h. */
#include "node/programs.h"

#include "node/cluster.h"
#include "node/upgrade.h"

#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct node_programs {
	struct starter *starter; /* owned */
	struct event *news;
};

/*
 * The file that this process was started by, as it was called: so that a symbolic link is followed
 * anew. Found by PATH: the file that runs.
 */
static const char *
own_program(char *text, size_t bytes)
{
	const char *called = program_invocation_name;
	char where[PATH_MAX];
	if (called[0] == '/')
		return called;
	if (strchr(called, '/') != NULL && getcwd(where, sizeof(where)) != NULL &&
	    (size_t)snprintf(text, bytes, "%s/%s", where, called) < bytes)
		return text;
	ssize_t n = readlink("/proc/self/exe", text, bytes - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? text : NULL;
}

enum result
node_programs_create(struct node *n, struct problem *p)
{
	const struct config *config = n->services->config;
	char own[2 * PATH_MAX];
	const char *cluster = config->cluster.name != NULL ? config->cluster.name : "-";
	const char *const master[] = {"INSTANCE", cluster, "MASTER", NULL};
	const char *const backup[] = {"INSTANCE", cluster, "BACKUP", NULL};
	const char *const upgrade[] = {"run", "-c", config->file, NULL};
	const struct starter_setup setup = {
	    .program = {config->cluster.on_master, config->cluster.on_backup,
			own_program(own, sizeof(own))},
	    .argv = {master, backup, upgrade},
	};
	n->programs = calloc(1, sizeof(*n->programs));
	if (n->programs == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	return starter_create(&setup, &n->programs->starter, p);
}

struct starter *
node_starter(const struct node *n)
{
	return n->programs->starter;
}

static void
on_news(evutil_socket_t fd, short what, void *context)
{
	struct node *n = context;
	struct starter_news news;
	bool gone = false;
	(void)fd;
	(void)what;
	while (starter_hear(n->programs->starter, &news, &gone)) {
		if (news.job == STARTER_UPGRADE)
			node_upgrade_hear(n, &news);
		else if (n->cluster != NULL && n->cluster->hooks != NULL)
			hooks_hear(n->cluster->hooks, &news);
	}
	if (!gone)
		return;
	log_error("the process that starts programs is no more: neither hooks nor an upgrade can "
		  "be started");
	event_free(n->programs->news);
	n->programs->news = NULL;
}

enum result
node_programs_start(struct node *n, struct problem *p)
{
	struct node_programs *s = n->programs;
	s->news = event_new(n->base, starter_fd(s->starter), EV_READ | EV_PERSIST, on_news, n);
	if (s->news == NULL || event_add(s->news, NULL) == -1)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	return RESULT_OK;
}

void
node_programs_stop(struct node *n)
{
	if (n->programs != NULL && n->programs->news != NULL)
		event_free(n->programs->news);
	if (n->programs != NULL)
		n->programs->news = NULL;
}

void
node_programs_free(struct node *n)
{
	if (n->programs == NULL)
		return;
	node_programs_stop(n);
	starter_free(&n->programs->starter);
	free(n->programs);
	n->programs = NULL;
}
