/*
 * asking.h: what the commands that ask a running node have in common: how it is found, what it must
 * be told, and how its answer is wanted.
 */
#ifndef HOLDFAST_CLI_ASKING_H
#define HOLDFAST_CLI_ASKING_H

#include "cli/json_texts.h"
#include "cli/node_client.h"
#include "cli/options.h"
#include "config/config.h"

#include <stdint.h>

#define ADMIN_DEFAULT "127.0.0.1:8081" /* where a node is asked when nothing is said */

struct asking {
	enum subcommand command;
	const char *config;     /* the address and token stand there */
	const char *admin;      /* HOST:PORT; NULL: see config */
	const char *token_file; /* NULL: the configuration's */
	const char *service;    /* NULL: all */
	const char *epoch;      /* of a change; NULL: any */
	uint64_t samples;       /* verify; 0: not said */
	bool json;
	struct cli_operands rest;
};

/* Parses argv by the table; CLI_GO_ON, or the exit status. */
int asking_parse(struct asking *a, enum subcommand command, int argc, char **argv);
/* The node that is meant. CLI_GO_ON, or the exit status: the error was said. */
int asking_open(const struct asking *a, struct node_client **out);
/*
 * A node by its id in cluster.nodes of `config` (NULL: none is known), else at the address that
 * `name` is. The token is that of --token-file, else the configuration's.
 */
int asking_open_node(const struct asking *a, const struct config *config, const char *name,
		     struct node_client **out);
/*
 * One question, whose answer must be good: CLI_GO_ON, or the exit status: what was wrong was said.
 */
int asking_ask(const struct asking *a, struct node_client *c, const char *method,
	       const char *target, struct node_answer *out);
/* "holdfast drain: TEXT"; the exit status that belongs to the result. */
int asking_refuse(const struct asking *a, enum result r, const struct problem *p);

/* Adds "name=value" to a target, encoded (RFC 3986). */
void target_add(struct writer *target, const char *name, const char *value);
/* Encodes one segment of a path. */
void target_segment(struct writer *target, const char *text);

#endif
