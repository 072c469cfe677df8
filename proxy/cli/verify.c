/*
 * verify.c: `holdfast verify`: do several nodes agree? Each is compared with the first that
 * answers: epoch and versions, the pools' fingerprints, and the orders of some sample keys, as each
 * computes them. Who gives no answer is a difference, too; the others are compared all the same.
 */
#include "cli/verify.h"

#include "cli/asking.h"
#include "cli/cli.h"
#include "cli/service.h"
#include "vocab.h"

#include <inttypes.h>
#include <stdlib.h>

#define VERIFIED_MAX     64
#define SAMPLES_DEFAULT  8
#define TARGET_BYTES_MAX 4096

struct node {
	const char *name; /* borrowed: as it was told, or its id */
	struct node_client *client;
	bool silent;
	struct node_answer status;
	struct node_answer order; /* of the present key */
};

struct verification {
	const struct asking *asking;
	struct config *config; /* NULL: none was told */
	struct node *node;
	size_t count;
	size_t first; /* that answers: whom the others are compared with */
	struct differences found;
};

static struct verified
seen(const struct verification *v, size_t number, const struct node_answer *answer)
{
	return (struct verified){v->node[number].name, answer->json};
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* CLI_GO_ON also when it gives no answer: then it is silent from here on. */
static int
ask(struct verification *v, struct node *n, const char *target, struct node_answer *out)
{
	struct problem p = {""};
	*out = (struct node_answer){.status = 0};
	if (n->silent)
		return CLI_GO_ON;
	enum result r = node_client_ask(n->client, "GET", target, out, &p);
	if (r == RESULT_IO) {
		n->silent = true;
		differ_silent(&v->found, p.text);
		return CLI_GO_ON;
	}
	if (r == RESULT_OK)
		r = node_answer_check(n->client, out, &p);
	if (r == RESULT_OK)
		return CLI_GO_ON;
	bool usage = out->status == 400 || out->status == 401 || out->status == 403;
	node_answer_deinit(out);
	return cli_refuse(v->asking->command, usage ? EXIT_USAGE : EXIT_NEGATIVE, p.text);
}

static int
open_all(struct verification *v)
{
	int status = CLI_GO_ON;
	for (size_t i = 0; i < v->count && status == CLI_GO_ON; i++) {
		struct node *n = &v->node[i];
		n->name = v->asking->rest.count > 0 ? v->asking->rest.at[i]
						    : v->config->cluster.nodes[i].id;
		status = asking_open_node(v->asking, v->config, n->name, &n->client);
	}
	return status;
}

static int
ask_statuses(struct verification *v, const char *target)
{
	int status = CLI_GO_ON;
	for (size_t i = 0; i < v->count && status == CLI_GO_ON; i++) {
		struct node *n = &v->node[i];
		node_answer_deinit(&n->status);
		status = ask(v, n, target, &n->status);
	}
	v->first = 0;
	while (v->first < v->count && v->node[v->first].silent)
		v->first++;
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
		status = ask(v, n, text, &n->order);
		if (status != CLI_GO_ON || i == v->first || n->order.json == NULL ||
		    v->node[v->first].order.json == NULL)
			continue;
		struct verified first = seen(v, v->first, &v->node[v->first].order);
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
	for (size_t n = v->first + 1; n < v->count; n++) {
		if (v->node[n].silent)
			continue;
		struct verified first = seen(v, v->first, &v->node[v->first].status);
		struct verified other = seen(v, n, &v->node[n].status);
		compare_nodes_alone(found, &first, &other);
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
	if (status == CLI_GO_ON && v->first < v->count)
		compare_nodes(v, &v->found);
	return status;
}

static int
compare_all(struct verification *v)
{
	const char *wanted = v->asking->service;
	int status = compare_pools(v);
	if (status != CLI_GO_ON || v->first == v->count)
		return status;
	const json_t *services = json_object_get(v->node[v->first].status.json, "services");
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
	json_array_foreach(v->found.list, i, one)
	{
		bool of_node = json_is_null(json_object_get(one, "service"));
		(void)printf("%s%s%s\n",
			     of_node ? "" : json_text(one, "service", service, sizeof(service)),
			     of_node ? "" : ": ", json_text(one, "text", text, sizeof(text)));
	}
	if (v->found.not_shown > 0)
		(void)printf("and %zu differences more\n", v->found.not_shown);
}

/* What each says of itself; null: nothing. */
static json_t *
answers_json(const struct verification *v)
{
	static const char *const keys[] = {"version", "ordering_version", "tag_version", "epoch"};
	json_t *list = json_array();
	for (size_t i = 0; i < v->count; i++) {
		const json_t *status = v->node[i].silent ? NULL : v->node[i].status.json;
		json_t *one = status != NULL ? json_object() : json_null();
		for (size_t k = 0; status != NULL && k < sizeof(keys) / sizeof(keys[0]); k++)
			(void)json_object_set(one, keys[k], json_object_get(status, keys[k]));
		(void)json_array_append_new(list, one);
	}
	return list;
}

static void
print_json(const struct verification *v)
{
	json_t *nodes = json_array();
	for (size_t i = 0; i < v->count; i++)
		(void)json_array_append_new(nodes, json_string(v->node[i].name));
	json_t *o =
	    json_pack("{s:o, s:b, s:O, s:I, s:o}", "nodes", nodes, "same",
		      differences_count(&v->found) == 0, "differences", v->found.list, "not_shown",
		      (json_int_t)v->found.not_shown, "answers", answers_json(v));
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
	bool known = v->asking->service == NULL || v->first == v->count;
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
	config_free(&v->config);
}

/* Whom to ask. CLI_GO_ON, or the exit status. */
static int
find_nodes(struct verification *v)
{
	const struct asking *a = v->asking;
	if (a->config != NULL &&
	    cli_config_load(a->config, CONFIG_FOR_EXPLAIN, &v->config) != RESULT_OK)
		return EXIT_USAGE;
	v->count = (size_t)a->rest.count;
	if (v->count == 0 && v->config != NULL)
		v->count = v->config->cluster.node_count;
	if (v->count < 2 || v->count > VERIFIED_MAX)
		return cli_refuse(
		    a->command, EXIT_USAGE,
		    "two nodes or more are wanted: HOST:PORT, or -c FILE with cluster.nodes");
	v->node = calloc(v->count, sizeof(*v->node));
	return v->node != NULL ? CLI_GO_ON : cli_refuse(a->command, EXIT_NEGATIVE, "no memory");
}

int
cli_verify(int argc, char **argv)
{
	struct asking a;
	int status = asking_parse(&a, SUBCOMMAND_verify, argc, argv);
	if (status != CLI_GO_ON)
		return status;
	struct verification v = {.asking = &a};
	if (!differences_init(&v.found))
		return cli_refuse(a.command, EXIT_NEGATIVE, "no memory");
	status = find_nodes(&v);
	if (status == CLI_GO_ON)
		status = verify(&v);
	drop(&v);
	return status;
}
