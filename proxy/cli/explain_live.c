/* explain_live.c: see explain_live.h. The node's answer is that of GET /explain. */
#include "cli/explain_live.h"

#include "admin/explain_json.h"
#include "cli/asking.h"
#include "cli/cli.h"
#include "cli/service.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>

#define TARGET_BYTES_MAX 16384
#define TEXT_BYTES       1024
#define ANSWER_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* ---- asking -----------------------------------------------------------------------------------
 */

static void
add_if_told(struct writer *w, const char *name, const char *value)
{
	if (value != NULL)
		target_add(w, name, value);
}

/* CLI_GO_ON, or the exit status. */
static int
ask(const struct live_question *q, const struct config *config, struct node_answer *out)
{
	char target[TARGET_BYTES_MAX];
	struct asking a = {.command = SUBCOMMAND_explain, .token_file = q->token_file};
	struct writer w = writer_on(target, sizeof(target));
	struct node_client *c = NULL;
	write_literal(&w, "/explain");
	target_add(&w, q->is_digest ? "digest" : "key", q->key);
	add_if_told(&w, "service", q->service);
	add_if_told(&w, "down", q->down);
	add_if_told(&w, "primary", q->primary);
	add_if_told(&w, "last", q->last);
	if (w.overflow)
		return cli_refuse(a.command, EXIT_USAGE, "too long");
	int status = asking_open_node(&a, config, q->node, &c);
	if (status == CLI_GO_ON)
		status = asking_ask(&a, c, "GET", writer_text(&w), out);
	node_client_free(&c);
	return status;
}

/* ---- what the configuration says ---------------------------------------------------------------
 */

/* The same answer, computed here. NULL: the reason was put into *p. */
static json_t *
computed(const struct live_question *q, const struct config *config, struct problem *p)
{
	struct explained x;
	struct explanation e;
	struct session_digest digest = {{0}};
	struct grow text;
	const struct config_service *service = cli_service_find(config, q->service, p);
	if (service == NULL || cli_service_listed(service, p) != RESULT_OK ||
	    explained_init(&x, service, q->down, q->primary, q->last, p) != RESULT_OK)
		return NULL;
	if (!q->is_digest)
		explain_key(&x, slice_of(q->key), &e);
	else if (hex_decode(slice_of(q->key), digest.bytes, DIGEST_BYTES))
		explain_digest(&x, digest, &e);
	grow_init(&text, ANSWER_BYTES_MAX);
	explain_json(&x, &e, &text);
	json_t *answer = text.failed ? NULL : json_loadb(text.at, text.bytes, 0, NULL);
	if (answer == NULL)
		(void)problem_set(p, RESULT_NO_MEMORY, "no memory");
	grow_deinit(&text);
	explained_deinit(&x);
	return answer;
}

static void
add_difference(json_t *list, const char *what, const char *there, const char *here)
{
	char text[2 * TEXT_BYTES + 128];
	(void)snprintf(text, sizeof(text), "%s: %s, by the configuration %s", what, there, here);
	(void)json_array_append_new(list, json_string(text));
}

static void
compare_text(json_t *list, const json_t *live, const json_t *own, const char *key, const char *what)
{
	char there[TEXT_BYTES];
	char here[TEXT_BYTES];
	(void)json_text(live, key, there, sizeof(there));
	(void)json_text(own, key, here, sizeof(here));
	if (strcmp(there, here) != 0)
		add_difference(list, what, there, here);
}

/* The first rank at which the orders differ. */
static void
compare_order(json_t *list, const json_t *live, const json_t *own)
{
	char what[64];
	char there[TEXT_BYTES];
	char here[TEXT_BYTES];
	const json_t *a = json_object_get(live, "order");
	const json_t *b = json_object_get(own, "order");
	for (size_t i = 0; i < json_array_size(a) || i < json_array_size(b); i++) {
		(void)json_text(json_array_get(a, i), "member", there, sizeof(there));
		(void)json_text(json_array_get(b, i), "member", here, sizeof(here));
		if (strcmp(there, here) == 0)
			continue;
		(void)snprintf(what, sizeof(what), "rank %zu", i);
		add_difference(list, what, there, here);
		return;
	}
}

/* Sentences; owned. The configuration takes all members to be up. */
static json_t *
differences(const json_t *live, const json_t *own)
{
	json_t *list = json_array();
	compare_text(list, live, own, "digest", "digest");
	compare_text(list, live, own, "pool", "pool");
	compare_order(list, live, own);
	compare_text(list, live, own, "primary", "primary");
	compare_text(list, live, own, "chosen", "chosen");
	return list;
}

/* ---- as text ----------------------------------------------------------------------------------
 */

static void
print_order(const json_t *order)
{
	char text[TEXT_BYTES];
	struct table t;
	size_t i;
	const json_t *m;
	table_init(&t, ">rank,member,>weight,state,zone");
	json_array_foreach(order, i, m)
	{
		table_number(&t, i);
		table_text(&t, json_text(m, "member", text, sizeof(text)));
		table_number(&t, json_count(m, "weight"));
		table_text(&t, json_text(m, "state", text, sizeof(text)));
		table_text(&t, json_text(m, "zone", text, sizeof(text)));
	}
	(void)printf("\n");
	table_print(&t, stdout);
	(void)printf("\n");
}

/* The words of `holdfast explain`; of a newer node its own. */
static const char *
why_text(const char *why)
{
	static const struct {
		const char *word;
		const char *text;
	} texts[] = {{"primary", "the session's primary"},
		     {"last", "where it was served last"},
		     {"backup", "next in the order"}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].word, why) == 0)
			return texts[i].text;
	}
	return why;
}

static void
print_steps(const json_t *answer)
{
	char id[TEXT_BYTES];
	char why[TEXT_BYTES];
	uint64_t attempts = json_count(answer, "attempts");
	size_t i;
	const json_t *m;
	json_array_foreach(json_object_get(answer, "skipped"), i, m)
	{
		(void)printf("skipped    %s: %s\n", json_text(m, "member", id, sizeof(id)),
			     json_text(m, "why", why, sizeof(why)));
	}
	json_array_foreach(json_object_get(answer, "plan"), i, m)
	{
		(void)printf("%s  %s: %s\n", i < attempts ? "attempt  " : "backup   ",
			     json_text(m, "member", id, sizeof(id)),
			     why_text(json_text(m, "why", why, sizeof(why))));
	}
}

static void
print_chosen(const json_t *answer)
{
	char id[TEXT_BYTES];
	char how[TEXT_BYTES];
	uint64_t refused = json_count(answer, "refuse_status");
	if (json_is_string(json_object_get(answer, "chosen")))
		(void)printf("chosen     %s: %s\n", json_text(answer, "chosen", id, sizeof(id)),
			     json_text(answer, "affinity", how, sizeof(how)));
	else if (refused != 0)
		(void)printf("chosen     none: strict, answered with %" PRIu64 "\n", refused);
	else
		(void)printf("chosen     none: no live member\n");
}

static void
print_compared(const json_t *list)
{
	size_t i;
	const json_t *text;
	if (json_array_size(list) == 0)
		(void)printf("compared   the configuration says the same\n");
	json_array_foreach(list, i, text)
	{
		(void)printf("differs    %s\n", json_string_value(text));
	}
}

static void
print_text(const struct live_question *q, const json_t *answer)
{
	static const char *const heads[] = {"service", "digest", "pool", "primary"};
	char text[TEXT_BYTES];
	struct writer w = writer_on(text, sizeof(text));
	write_escaped(&w, slice_of(q->node));
	(void)printf("node       %s, as it sees its members now\n", writer_text(&w));
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		(void)printf("%-9s  %s\n", heads[i],
			     json_text(answer, heads[i], text, sizeof(text)));
	print_order(json_object_get(answer, "order"));
	print_steps(answer);
	print_chosen(answer);
	if (q->primary == NULL && q->last == NULL)
		(void)printf(
		    "note       of a session without a tag; --primary and --last say what a "
		    "tag names\n");
}

/* ---- all --------------------------------------------------------------------------------------
 */

/* `own`: NULL: no configuration was told, or it cannot say: *p has why. */
static void
print(const struct live_question *q, json_t *answer, const json_t *own, const struct problem *p)
{
	json_t *list = own != NULL ? differences(answer, own) : NULL;
	if (!q->json) {
		print_text(q, answer);
		if (list != NULL)
			print_compared(list);
		else if (p->text[0] != '\0')
			(void)printf("compared   not: %s\n", p->text);
	} else {
		(void)json_object_set_new(answer, "node", json_string(q->node));
		if (list != NULL)
			(void)json_object_set(answer, "differences", list);
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
		(void)printf("\n");
	}
	json_decref(list);
}

int
explain_live(const struct live_question *q, const struct config *config)
{
	struct node_answer answer = {.status = 0};
	struct problem p = {""};
	int status = ask(q, config, &answer);
	if (status != CLI_GO_ON)
		return status;
	json_t *own = config != NULL ? computed(q, config, &p) : NULL;
	print(q, answer.json, own, &p);
	bool served = json_is_string(json_object_get(answer.json, "chosen"));
	json_decref(own);
	node_answer_deinit(&answer);
	return served ? EXIT_SUCCESS : EXIT_NEGATIVE;
}
