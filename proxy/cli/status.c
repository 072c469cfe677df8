/* status.c: `holdfast status` and `holdfast members`: what a running node says of itself. */
#include "cli/cli.h"

#include "cli/asking.h"
#include "cli/member_text.h"
#include "cli/members_change.h"
#include "cli/table.h"
#include "vocab.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHANGE_TARGET_BYTES 2048
#define TEXT_BYTES          1024

static void
print_json(const json_t *json)
{
	(void)json_dumpf(json, stdout, JSON_INDENT(2));
	(void)printf("\n");
}

/* ---- status -----------------------------------------------------------------------------------
 */

static void
print_node(const json_t *s)
{
	char a[TEXT_BYTES];
	char b[TEXT_BYTES];
	const json_t *config = json_object_get(s, "config");
	const json_t *logs = json_object_get(s, "logs");
	(void)printf("node      %s, holdfast %s, process %" PRIu64 "\n",
		     json_text(s, "node", a, sizeof(a)), json_text(s, "version", b, sizeof(b)),
		     json_count(json_object_get(s, "process"), "pid"));
	(void)printf("up        %s, since %s%s\n",
		     duration_text(json_count(s, "uptime_ms"), a, sizeof(a)),
		     json_text(s, "started", b, sizeof(b)),
		     json_is_true(json_object_get(s, "stopping")) ? ", stopping" : "");
	(void)printf("config    %s, loaded %s\n", json_text(config, "file", a, sizeof(a)),
		     json_text(config, "loaded", b, sizeof(b)));
	(void)printf("clients   %" PRIu64 " connections, %" PRIu64 " workers\n",
		     json_count(s, "clients"), json_count(s, "workers"));
	(void)printf("lost      %" PRIu64 " lines of the failover log, %" PRIu64
		     " of the access log\n",
		     json_count(logs, "failover_lost"), json_count(logs, "access_lost"));
}

static void
print_services(const json_t *services)
{
	char text[TEXT_BYTES];
	struct table t;
	size_t i;
	const json_t *s;
	table_init(&t, "service,pool,members,>requests,>errors,>retries,>new,>hit,>failover,"
		       ">failback");
	json_array_foreach(services, i, s)
	{
		const json_t *requests = json_object_get(s, "requests");
		const json_t *outcomes = json_object_get(requests, "by_affinity");
		table_text(&t, json_text(s, "name", text, sizeof(text)));
		table_text(&t, json_text(s, "pool", text, sizeof(text)));
		table_text(&t, states_text(json_object_get(s, "members"), text, sizeof(text)));
		table_number(&t, json_count(requests, "total"));
		table_number(&t, errors_of(requests));
		table_number(&t, json_count(requests, "retries"));
		for (int a = AFFINITY_NEW; a <= AFFINITY_FAILBACK; a++)
			table_number(&t, json_count(outcomes, affinity_text((enum affinity)a)));
	}
	(void)printf("\n");
	table_print(&t, stdout);
}

/* "cluster shop: a (backup), master b, term 7 for 3 min 5 s, 3 nodes, 2 heard" */
static void
print_cluster(const json_t *c)
{
	char text[5][TEXT_BYTES];
	size_t heard = 0;
	size_t i;
	const json_t *n;
	const json_t *nodes = json_object_get(c, "nodes");
	if (!json_is_object(c))
		return;
	json_array_foreach(nodes, i, n) heard += json_is_integer(json_object_get(n, "heard_ms"));
	(void)printf(
	    "cluster %s: %s (%s), master %s, term %" PRIu64 " for %s; %zu of %zu nodes "
	    "heard\n",
	    json_text(c, "name", text[0], TEXT_BYTES), json_text(c, "self", text[1], TEXT_BYTES),
	    json_text(c, "state", text[2], TEXT_BYTES), json_text(c, "master", text[3], TEXT_BYTES),
	    json_count(c, "term"), duration_text(json_count(c, "since_ms"), text[4], TEXT_BYTES),
	    heard, json_array_size(nodes));
	if (json_is_string(json_object_get(c, "voter")))
		(void)printf("voter     %s%s%s\n", json_text(c, "voter", text[0], TEXT_BYTES),
			     json_is_string(json_object_get(c, "voter_problem")) ? ": " : "",
			     json_is_string(json_object_get(c, "voter_problem"))
				 ? json_text(c, "voter_problem", text[1], TEXT_BYTES)
				 : "");
}

int
cli_status(int argc, char **argv)
{
	struct asking a;
	struct node_client *c = NULL;
	struct node_answer answer;
	int status = asking_parse(&a, SUBCOMMAND_status, argc, argv);
	if (status == CLI_GO_ON && a.rest.count > 0)
		status = cli_refuse(a.command, EXIT_USAGE, "takes no operands");
	if (status == CLI_GO_ON)
		status = asking_open(&a, &c);
	if (status == CLI_GO_ON)
		status = asking_ask(&a, c, "GET", "/status", &answer);
	node_client_free(&c);
	if (status != CLI_GO_ON)
		return status;
	if (a.json) {
		print_json(answer.json);
	} else {
		print_node(answer.json);
		print_cluster(json_object_get(answer.json, "cluster"));
		print_services(json_object_get(answer.json, "services"));
	}
	node_answer_deinit(&answer);
	return EXIT_SUCCESS;
}

/* ---- members ----------------------------------------------------------------------------------
 */

static bool
is_asked_for(const struct asking *a, const json_t *service)
{
	const char *name = json_string_value(json_object_get(service, "name"));
	return a->service == NULL || (name != NULL && strcmp(a->service, name) == 0);
}

/* Of new sessions that are placed by load or in turn. */
static const char *
share_text(const json_t *m, char *text, size_t bytes)
{
	struct writer w = writer_on(text, bytes);
	write_format(&w, "%.2f", json_number_value(json_object_get(m, "share")));
	return writer_text(&w);
}

static void
add_member(struct table *t, const json_t *service, const json_t *m)
{
	static const char *const texts[] = {"id", "origin", "zone", "state", "reason"};
	static const char *const counts[] = {"active", "attempts", "failures"};
	char text[TEXT_BYTES];
	const json_t *check = json_object_get(m, "check");
	table_text(t, json_text(service, "name", text, sizeof(text)));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		table_text(t, json_text(m, texts[i], text, sizeof(text)));
	table_text(t, duration_text(json_count(m, "state_ms"), text, sizeof(text)));
	table_number(t, json_count(m, "weight"));
	table_text(t, share_text(m, text, sizeof(text)));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		table_number(t, json_count(m, counts[i]));
	table_text(t, last_checks(m, text, sizeof(text)));
	table_text(t, !json_is_object(check) ? "-"
		      : json_is_true(json_object_get(check, "well"))
			  ? "well"
			  : json_text(check, "seen", text, sizeof(text)));
}

static size_t
print_members(const struct asking *a, const json_t *services)
{
	struct table t;
	size_t count = 0;
	size_t i;
	const json_t *s;
	table_init(&t, "service,member,origin,zone,state,reason,for,>weight,>share,>active,"
		       ">attempts,>failed,checks,last check");
	json_array_foreach(services, i, s)
	{
		size_t j;
		const json_t *m;
		if (!is_asked_for(a, s))
			continue;
		json_array_foreach(json_object_get(s, "members"), j, m)
		{
			add_member(&t, s, m);
		}
		count++;
	}
	table_print(&t, stdout);
	return count;
}

/* The same objects as in the status, each with its service. */
static void
print_members_json(const struct asking *a, const json_t *services)
{
	json_t *list = json_array();
	size_t i;
	const json_t *s;
	json_array_foreach(services, i, s)
	{
		size_t j;
		const json_t *m;
		if (!is_asked_for(a, s))
			continue;
		json_array_foreach(json_object_get(s, "members"), j, m)
		{
			json_t *one = json_pack("{s:O}", "service", json_object_get(s, "name"));
			(void)json_object_update(one, (json_t *)(uintptr_t)m);
			(void)json_array_append_new(list, one);
		}
	}
	print_json(list);
	json_decref(list);
}

static bool
has_service(const struct asking *a, const json_t *services)
{
	size_t i;
	const json_t *s;
	json_array_foreach(services, i, s)
	{
		if (is_asked_for(a, s))
			return true;
	}
	return false;
}

/* "voter a: silent for 12 s, then ..." */
static void
print_readmitted(const json_t *answer)
{
	char node[TEXT_BYTES];
	char silent[TEXT_BYTES];
	(void)printf("voter %s: silent for %s more, then it learns what the other voters hold, and "
		     "votes; `holdfast status` tells\n",
		     json_text(answer, "node", node, sizeof(node)),
		     duration_text(json_count(answer, "silent_ms"), silent, sizeof(silent)));
}

/* "published as epoch 8" */
static void
print_change(const struct asking *a, const json_t *answer)
{
	bool done = json_is_true(json_object_get(answer, "changed"));
	unsigned long long epoch = json_count(answer, "epoch");
	if (a->json)
		print_json(answer);
	else if (json_object_get(answer, "silent_ms") != NULL)
		print_readmitted(answer);
	else if (done)
		(void)printf("published as epoch %llu\n", epoch);
	else
		(void)printf("it is so already, in epoch %llu\n", epoch);
}

static int
change_members(const struct asking *a)
{
	char target[CHANGE_TARGET_BYTES];
	struct writer w = writer_on(target, sizeof(target));
	struct node_client *c = NULL;
	struct node_answer answer;
	struct problem p = {""};
	if (members_target(&a->rest, &w, &p) != RESULT_OK)
		return cli_refuse(a->command, EXIT_USAGE, p.text);
	if (a->service != NULL)
		target_add(&w, "service", a->service);
	if (a->epoch != NULL)
		target_add(&w, "epoch", a->epoch);
	const char *text = writer_text(&w);
	if (w.overflow)
		return cli_refuse(a->command, EXIT_USAGE, "too long");
	int status = asking_open(a, &c);
	if (status == CLI_GO_ON)
		status = asking_ask(a, c, "POST", text, &answer);
	node_client_free(&c);
	if (status != CLI_GO_ON)
		return status;
	print_change(a, answer.json);
	node_answer_deinit(&answer);
	return EXIT_SUCCESS;
}

int
cli_members(int argc, char **argv)
{
	struct asking a;
	struct node_client *c = NULL;
	struct node_answer answer;
	int status = asking_parse(&a, SUBCOMMAND_members, argc, argv);
	if (status == CLI_GO_ON && a.rest.count > 0)
		return change_members(&a);
	if (status == CLI_GO_ON && a.epoch != NULL)
		status = cli_refuse(a.command, EXIT_USAGE, "--epoch: of a change alone");
	if (status == CLI_GO_ON)
		status = asking_open(&a, &c);
	if (status == CLI_GO_ON)
		status = asking_ask(&a, c, "GET", "/status", &answer);
	node_client_free(&c);
	if (status != CLI_GO_ON)
		return status;
	const json_t *services = json_object_get(answer.json, "services");
	status = EXIT_SUCCESS;
	if (!has_service(&a, services))
		status = cli_refuse(a.command, EXIT_NEGATIVE, "--service: no such service");
	else if (a.json)
		print_members_json(&a, services);
	else
		(void)print_members(&a, services);
	node_answer_deinit(&answer);
	return status;
}
