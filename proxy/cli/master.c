/*
 * master.c: `holdfast master HOST:PORT...`: the client of US 9,667,750: asks any node who is
 * master, the next one when one gives no answer; with --follow it goes there, and says so when the
 * master that was named does not answer.
 */
#include "cli/cli.h"

#include "cli/asking.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FOLLOWS_MAX      3
#define TARGET_BYTES_MAX 512
#define TEXT_BYTES       256

struct wanted {
	enum subcommand command;
	bool json;
	bool follow;
	const char *dead; /* NULL: the user says nothing */
	struct cli_operands nodes;
};

/* What is known so far. */
struct known {
	uint64_t term;          /* the highest that was told */
	char dead[TEXT_BYTES];  /* a master that did not answer; "": none */
	struct problem problem; /* the last */
};

static enum result
set(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct wanted *w = context;
	(void)p;
	if (option == OPTION_JSON)
		w->json = true;
	else if (option == OPTION_FOLLOW)
		w->follow = true;
	else if (option == OPTION_DEAD)
		w->dead = value;
	return RESULT_OK;
}

static void
write_target(struct writer *w, const struct known *known)
{
	char term[32];
	write_literal(w, "/v1/master");
	if (known->dead[0] != '\0')
		target_add(w, "dead", known->dead);
	if (known->term > 0) {
		(void)snprintf(term, sizeof(term), "%" PRIu64, known->term);
		target_add(w, "term", term);
	}
}

/* *json is the answer that names a master; else known->problem says why not. */
static enum result
ask_at(const char *where, struct known *known, json_t **json)
{
	char target[TARGET_BYTES_MAX];
	struct writer w = writer_on(target, sizeof(target));
	struct node_client *c = NULL;
	struct node_answer answer = {.json = NULL};
	char why[TEXT_BYTES];
	write_target(&w, known);
	enum result r = node_client_create(where, NULL, &c, &known->problem);
	if (r == RESULT_OK)
		r = node_client_ask(c, "GET", writer_text(&w), &answer, &known->problem);
	if (r == RESULT_OK && answer.status == 503)
		r = problem_set(&known->problem, RESULT_NOT_FOUND, "%s: no master: %s", where,
				json_text(answer.json, "reason", why, sizeof(why)));
	else if (r == RESULT_OK)
		r = node_answer_check(c, &answer, &known->problem);
	if (r == RESULT_OK)
		*json = json_incref(answer.json);
	node_answer_deinit(&answer);
	node_client_free(&c);
	return r;
}

/* Any of the nodes, in turn. */
static json_t *
ask_all(const struct wanted *w, struct known *known)
{
	json_t *json = NULL;
	for (int i = 0; i < w->nodes.count; i++) {
		if (ask_at(w->nodes.at[i], known, &json) == RESULT_OK)
			return json;
	}
	return NULL;
}

static void
learn(struct known *known, const json_t *json)
{
	uint64_t term = json_count(json, "term");
	if (term > known->term)
		known->term = term;
}

/* To the master that was named; it may name another one. NULL: nobody could be reached. */
static json_t *
follow(const struct wanted *w, struct known *known, json_t *json)
{
	char id[TEXT_BYTES];
	char http[TEXT_BYTES];
	for (unsigned i = 0; json != NULL && i < FOLLOWS_MAX; i++) {
		const json_t *master = json_object_get(json, "master");
		json_t *next = NULL;
		learn(known, json);
		(void)json_text(master, "id", id, sizeof(id));
		const char *by = json_string_value(json_object_get(json, "by"));
		if (by != NULL && strcmp(by, id) == 0)
			return json;
		(void)json_text(master, "http", http, sizeof(http));
		json_decref(json);
		known->dead[0] = '\0';
		if (ask_at(http, known, &next) == RESULT_IO) {
			(void)snprintf(known->dead, sizeof(known->dead), "%s", id);
			next = ask_all(w, known);
		}
		json = next;
	}
	return json;
}

static void
print(const json_t *json)
{
	char id[TEXT_BYTES];
	char url[TEXT_BYTES];
	char how[TEXT_BYTES];
	char by[TEXT_BYTES];
	char valid[32];
	const json_t *master = json_object_get(json, "master");
	(void)printf("%s %s term %" PRIu64 ", %s, valid for %s, said %s\n",
		     json_text(master, "id", id, sizeof(id)),
		     json_text(master, "url", url, sizeof(url)), json_count(json, "term"),
		     json_text(json, "how", how, sizeof(how)),
		     duration_text(json_count(json, "valid_for_ms"), valid, sizeof(valid)),
		     json_text(json, "by", by, sizeof(by)));
}

int
cli_master(int argc, char **argv)
{
	struct wanted w = {.command = SUBCOMMAND_master};
	struct known known = {.term = 0};
	int status = cli_parse(w.command, argc, argv, set, &w, &w.nodes);
	if (status != CLI_GO_ON)
		return status;
	if (w.nodes.count == 0)
		return cli_refuse(w.command, EXIT_USAGE, "nodes are wanted: HOST:PORT...");
	if (w.dead != NULL)
		(void)snprintf(known.dead, sizeof(known.dead), "%s", w.dead);
	json_t *json = ask_all(&w, &known);
	if (json != NULL && w.follow)
		json = follow(&w, &known, json);
	if (json == NULL)
		return cli_refuse(w.command, EXIT_NEGATIVE, known.problem.text);
	if (w.json) {
		(void)json_dumpf(json, stdout, 0);
		(void)printf("\n");
	} else {
		print(json);
	}
	json_decref(json);
	return EXIT_SUCCESS;
}
