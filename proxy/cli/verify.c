/*
 * verify.c: `holdfast verify`: do several nodes agree? Each is compared with the first: the pools'
 * fingerprints, and the orders of some sample keys, as each computes them.
 */
#include "cli/verify.h"

#include "cli/asking.h"
#include "cli/cli.h"
#include "vocab.h"

#include <inttypes.h>
#include <stdlib.h>

#define NODES_MAX        64
#define SAMPLES_DEFAULT  8
#define TARGET_BYTES_MAX 4096

struct node {
	struct node_client *client;
	struct node_answer status;
	struct node_answer order; /* of the present key */
};

struct verification {
	const struct asking *asking;
	struct node *node;
	size_t count;
	struct differences found;
};

static struct verified
seen(const struct verification *v, size_t number, const struct node_answer *answer)
{
	return (struct verified){v->asking->rest.at[number], answer->json};
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static int
open_all(struct verification *v)
{
	int status = CLI_GO_ON;
	for (size_t i = 0; i < v->count && status == CLI_GO_ON; i++)
		status = asking_open_at(v->asking, v->asking->rest.at[i], &v->node[i].client);
	return status;
}

static int
ask_statuses(struct verification *v, const char *target)
{
	int status = CLI_GO_ON;
	for (size_t i = 0; i < v->count && status == CLI_GO_ON; i++) {
		struct node *n = &v->node[i];
		node_answer_deinit(&n->status);
		status = asking_ask(v->asking, n->client, "GET", target, &n->status);
	}
	return status;
}

/* A node that has not the service was found already; it is left out. */
static bool
has_service(const struct node *n, const char *service)
{
	size_t i;
	const json_t *s;
	json_array_foreach(json_object_get(n->status.json, "services"), i, s)
	{
		const char *name = json_string_value(json_object_get(s, "name"));
		if (name != NULL && strcmp(name, service) == 0)
			return true;
	}
	return false;
}

static int
compare_key(struct verification *v, const char *service, const char *key)
{
	char target[TARGET_BYTES_MAX];
	struct writer w = writer_on(target, sizeof(target));
	write_literal(&w, "/explain");
	target_add(&w, "service", service);
	target_add(&w, "key", key);
	target_add(&w, "brief", "1");
	const char *text = writer_text(&w);
	int status = CLI_GO_ON;
	for (size_t i = 0; i < v->count && status == CLI_GO_ON; i++) {
		struct node *n = &v->node[i];
		if (!has_service(n, service))
			continue;
		status = asking_ask(v->asking, n->client, "GET", text, &n->order);
		if (status != CLI_GO_ON || i == 0)
			continue;
		struct verified first = seen(v, 0, &v->node[0].order);
		struct verified other = seen(v, i, &n->order);
		compare_orders(&v->found, service, key, &first, &other);
	}
	for (size_t i = 0; i < v->count; i++)
		node_answer_deinit(&v->node[i].order);
	return status;
}

static int
compare_samples(struct verification *v, const char *service)
{
	uint64_t samples = v->asking->samples != 0 ? v->asking->samples : SAMPLES_DEFAULT;
	int status = CLI_GO_ON;
	for (uint64_t i = 0; i < samples && status == CLI_GO_ON; i++) {
		char key[32];
		(void)snprintf(key, sizeof(key), "sample-%" PRIu64, i);
		status = compare_key(v, service, key);
	}
	return status;
}

static void
compare_nodes(struct verification *v, struct differences *found)
{
	for (size_t n = 1; n < v->count; n++) {
		struct verified first = seen(v, 0, &v->node[0].status);
		struct verified other = seen(v, n, &v->node[n].status);
		compare_statuses(found, &first, &other, v->asking->service);
	}
}

/* Members are asked for, and compared, only when there is a difference to be found in them. */
static int
compare_pools(struct verification *v)
{
	struct differences brief;
	if (!differences_init(&brief))
		return cli_refuse(v->asking->command, EXIT_NEGATIVE, "no memory");
	compare_nodes(v, &brief);
	bool same = differences_count(&brief) == 0;
	differences_deinit(&brief);
	int status = same ? CLI_GO_ON : ask_statuses(v, "/status");
	if (status == CLI_GO_ON)
		compare_nodes(v, &v->found);
	return status;
}

static int
compare_all(struct verification *v)
{
	const char *wanted = v->asking->service;
	int status = compare_pools(v);
	const json_t *services = json_object_get(v->node[0].status.json, "services");
	size_t i;
	const json_t *s;
	json_array_foreach(services, i, s)
	{
		const char *name = json_string_value(json_object_get(s, "name"));
		if (name != NULL && (wanted == NULL || strcmp(name, wanted) == 0) &&
		    status == CLI_GO_ON)
			status = compare_samples(v, name);
	}
	return status;
}

/* ---- telling ----------------------------------------------------------------------------------
 */

static void
print_text(const struct verification *v)
{
	char service[TARGET_BYTES_MAX];
	char text[TARGET_BYTES_MAX];
	size_t i;
	const json_t *one;
	if (differences_count(&v->found) == 0)
		(void)printf("the same: %zu nodes\n", v->count);
	json_array_foreach(v->found.list, i, one)(void)
	    printf("%s: %s\n", json_text(one, "service", service, sizeof(service)),
		   json_text(one, "text", text, sizeof(text)));
	if (v->found.not_shown > 0)
		(void)printf("and %zu differences more\n", v->found.not_shown);
}

static void
print_json(const struct verification *v)
{
	json_t *nodes = json_array();
	for (size_t i = 0; i < v->count; i++)
		(void)json_array_append_new(nodes, json_string(v->asking->rest.at[i]));
	json_t *o = json_pack("{s:o, s:b, s:O, s:I}", "nodes", nodes, "same",
			      differences_count(&v->found) == 0, "differences", v->found.list,
			      "not_shown", (json_int_t)v->found.not_shown);
	(void)json_dumpf(o, stdout, JSON_INDENT(2));
	(void)printf("\n");
	json_decref(o);
}

/* ---- all --------------------------------------------------------------------------------------
 */

static int
verify(struct verification *v)
{
	int status = open_all(v);
	if (status == CLI_GO_ON)
		status = ask_statuses(v, "/status?brief=1");
	if (status != CLI_GO_ON)
		return status;
	bool known = v->asking->service == NULL;
	for (size_t i = 0; i < v->count; i++)
		known = known || has_service(&v->node[i], v->asking->service);
	if (!known)
		return cli_refuse(v->asking->command, EXIT_NEGATIVE, "--service: no such service");
	status = compare_all(v);
	if (status != CLI_GO_ON)
		return status;
	if (v->asking->json)
		print_json(v);
	else
		print_text(v);
	return differences_count(&v->found) == 0 ? EXIT_SUCCESS : EXIT_NEGATIVE;
}

static void
drop(struct verification *v)
{
	for (size_t i = 0; v->node != NULL && i < v->count; i++) {
		node_answer_deinit(&v->node[i].status);
		node_client_free(&v->node[i].client);
	}
	free(v->node);
	differences_deinit(&v->found);
}

int
cli_verify(int argc, char **argv)
{
	struct asking a;
	int status = asking_parse(&a, SUBCOMMAND_verify, argc, argv);
	if (status != CLI_GO_ON)
		return status;
	if (a.rest.count < 2 || a.rest.count > NODES_MAX)
		return cli_refuse(a.command, EXIT_USAGE, "two nodes or more are wanted: HOST:PORT");
	struct verification v = {.asking = &a, .count = (size_t)a.rest.count};
	v.node = calloc(v.count, sizeof(*v.node));
	if (differences_init(&v.found) && v.node != NULL)
		status = verify(&v);
	else
		status = cli_refuse(a.command, EXIT_NEGATIVE, "no memory");
	drop(&v);
	return status;
}
