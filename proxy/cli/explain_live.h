/*
 * explain_live.h: `holdfast explain --live`: where a session goes by the present view of a running
 * node, from its admin interface; beside it, when a configuration is told as well, what differs
 * from the configuration's own explanation.
 */
#ifndef HOLDFAST_CLI_EXPLAIN_LIVE_H
#define HOLDFAST_CLI_EXPLAIN_LIVE_H

#include "config/config.h"
#include "route/explain.h"

/* Texts are borrowed; NULL: not told. */
struct live_question {
	const char *node; /* id of cluster.nodes, or HOST:PORT */
	const char *token_file;
	const char *service;
	const char *key;
	const char *down;
	const char *primary;
	const char *last;
	bool is_digest; /* the key is one, in hex */
	bool json;
};

/* `config`: NULL: none. The exit status; an error was said. */
int explain_live(const struct live_question *q, const struct config *config);

#endif
