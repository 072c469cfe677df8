/* race.c: `holdfast race`: asks several nodes at once who takes a new session. */
#include "cli/cli.h"

#include "base/digest.h"
#include "cli/options.h"
#include "cli/race_open.h"

#include <inttypes.h>
#include <stdlib.h>

#define LIMIT_MS_DEFAULT 1000 /* far nodes, too */
#define LIMIT_MS_MAX     60000
#define LATE_OPEN_US     20000 /* a session that is to be opened does not wait longer */

struct request {
	struct race_run run;
	uint64_t limit_ms;
	uint64_t stagger_ms;
	const char *host; /* NULL: the winner's address */
	bool open;
	bool json;
	struct cli_operands nodes;
	bool opened; /* `answer` is there */
	struct race_opened answer;
};

/* ---- what is wanted ---------------------------------------------------------------------------
 */

static bool
is_visible(const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		if (*at <= ' ' || *at >= 0x7f)
			return false;
	}
	return text[0] != '\0';
}

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct request *r = context;
	switch (option) {
	case OPTION_SERVICE:
		if (strlen(value) > ID_BYTES_MAX || !is_visible(value))
			return problem_set(p, RESULT_INVALID,
					   "--service: no service has that name");
		r->run.service = value;
		break;
	case OPTION_LIMIT:
		if (!slice_to_u64(slice_of(value), &r->limit_ms) || r->limit_ms == 0 ||
		    r->limit_ms > LIMIT_MS_MAX)
			return problem_set(p, RESULT_INVALID,
					   "--limit: 1 to %d milliseconds are wanted",
					   LIMIT_MS_MAX);
		break;
	case OPTION_STAGGER:
		if (!slice_to_u64(slice_of(value), &r->stagger_ms) || r->stagger_ms > LIMIT_MS_MAX)
			return problem_set(p, RESULT_INVALID,
					   "--stagger: 0 to %d milliseconds are wanted",
					   LIMIT_MS_MAX);
		break;
	case OPTION_BIND:
		if (strcmp(value, "secret") != 0 && strcmp(value, "address") != 0)
			return problem_set(p, RESULT_INVALID,
					   "--bind: secret or address is wanted");
		r->run.bind = value[0] == 's' ? TICKET_BIND_SECRET : TICKET_BIND_ADDRESS;
		break;
	case OPTION_HOST:
		if (strlen(value) > 255 || !is_visible(value))
			return problem_set(p, RESULT_INVALID, "--host: not a host's name");
		r->host = value;
		break;
	case OPTION_OPEN:
		r->open = true;
		break;
	default:
		r->json = true; /* the table lets no other through */
		break;
	}
	return RESULT_OK;
}

static enum result
find_nodes(struct request *r, struct problem *p)
{
	if (r->nodes.count < 2 || r->nodes.count > RACE_SERVERS_MAX)
		return problem_set(p, RESULT_INVALID,
				   "2 to %d nodes are wanted, HOST:PORT of their datagrams",
				   RACE_SERVERS_MAX);
	for (int i = 0; i < r->nodes.count; i++) {
		enum result found = race_find(r->nodes.at[i], &r->run.node[i], p);
		if (found != RESULT_OK)
			return found;
		for (int j = 0; j < i; j++) {
			if (addr_equal(&r->run.node[i], &r->run.node[j]))
				return problem_set(p, RESULT_INVALID, "%s: the same node twice",
						   r->nodes.at[i]);
		}
	}
	r->run.count = (size_t)r->nodes.count;
	if (r->stagger_ms >= r->limit_ms)
		return problem_set(p, RESULT_INVALID,
				   "--stagger: less than --limit is wanted, or one node alone is "
				   "asked");
	r->run.limit_us = r->limit_ms * 1000;
	r->run.stagger_us = r->stagger_ms * 1000;
	r->run.late_us = r->open && LATE_OPEN_US < r->run.limit_us ? LATE_OPEN_US : r->run.limit_us;
	return RESULT_OK;
}

/* ---- what came of it --------------------------------------------------------------------------
 */

static bool
was_asked(const struct race *race, size_t node)
{
	for (size_t i = 0; i < race->asked; i++) {
		if (race->order[i] == node)
			return true;
	}
	return false;
}

static const char *
result_of(const struct request *r, size_t node)
{
	const struct race *race = &r->run.race;
	if (race->state != RACE_FALLBACK && !was_asked(race, node))
		return "unasked";
	if (race->state == RACE_FALLBACK || race->took_us[node] == RACE_NEVER)
		return "silent";
	return node == race->winner ? "won" : "late";
}

static void
print_text(const struct request *r)
{
	const struct race *race = &r->run.race;
	for (size_t i = 0; i < r->run.count; i++) {
		const char *result = result_of(r, i);
		char took[32] = "-";
		if (race->took_us[i] != RACE_NEVER && result[0] != 's')
			(void)snprintf(took, sizeof(took), "%" PRIu64 ".%03" PRIu64 " ms",
				       race->took_us[i] / 1000, race->took_us[i] % 1000);
		(void)printf("%-24s %12s  %s%s%s\n", r->nodes.at[i], took, result,
			     result[0] == 'w' ? ", opens at " : "",
			     result[0] == 'w' ? race->url : "");
	}
	if (race->state == RACE_FALLBACK)
		(void)printf("nobody offers, in %u attempts\n", race->attempt);
	if (!r->opened)
		return;
	(void)printf("opened                   %12d  %s\n", r->answer.status,
		     r->answer.reason[0] != '\0' ? r->answer.reason : r->answer.cookie);
}

static void
print_value(const char *name, const char *value, bool is_text)
{
	char text[6 * RACE_COOKIE_BYTES_MAX + 8];
	struct writer w = writer_on(text, sizeof(text));
	if (is_text && value != NULL)
		write_json_string(&w, slice_of(value));
	else
		write_text(&w, value == NULL ? "null" : value);
	(void)printf("\"%s\": %s", name, writer_text(&w));
}

static void
print_nodes(const struct request *r)
{
	const struct race *race = &r->run.race;
	(void)printf(", \"nodes\": [");
	for (size_t i = 0; i < r->run.count; i++) {
		const char *result = result_of(r, i);
		char took[32] = "null";
		if (race->took_us[i] != RACE_NEVER && result[0] != 's')
			(void)snprintf(took, sizeof(took), "%" PRIu64 ".%03" PRIu64,
				       race->took_us[i] / 1000, race->took_us[i] % 1000);
		(void)printf("%s{", i > 0 ? ", " : "");
		print_value("node", r->nodes.at[i], true);
		(void)printf(", \"result\": \"%s\", \"ms\": %s}", result, took);
	}
	(void)printf("], \"late\": %" PRIu64 ", \"strangers\": %" PRIu64, race->late,
		     r->run.strangers);
}

static void
print_json(const struct request *r)
{
	const struct race *race = &r->run.race;
	bool won = race->state != RACE_FALLBACK;
	char ticket[256];
	struct writer w = writer_on(ticket, sizeof(ticket));
	write_race_ticket(&w, &r->run);
	(void)printf("{");
	print_value("winner", won ? r->nodes.at[race->winner] : NULL, true);
	(void)printf(", \"attempt\": %u, ", race->attempt);
	print_value("url", won ? race->url : NULL, true);
	(void)printf(", ");
	print_value("ticket", won ? writer_text(&w) : NULL, true);
	print_nodes(r);
	if (r->opened) {
		(void)printf(", \"opened\": {\"status\": %d, ", r->answer.status);
		print_value("ticket", r->answer.reason[0] != '\0' ? r->answer.reason : NULL, true);
		(void)printf(", ");
		print_value("cookie", r->answer.cookie[0] != '\0' ? r->answer.cookie : NULL, true);
		(void)printf("}");
	}
	(void)printf("}\n");
}

static int
carry_out(struct request *r)
{
	struct problem p;
	enum result result = race_run(&r->run, &p);
	if (result != RESULT_OK)
		return cli_refuse(SUBCOMMAND_race, EXIT_NEGATIVE, p.text);
	bool won = r->run.race.state == RACE_CHOSEN;
	if (won && r->open) {
		result = race_open(&r->run, r->host, &r->answer, &p);
		r->opened = result == RESULT_OK;
	}
	if (r->json)
		print_json(r);
	else
		print_text(r);
	if (result != RESULT_OK)
		return cli_refuse(SUBCOMMAND_race, EXIT_NEGATIVE, p.text);
	bool good = won && (!r->opened || r->answer.status < 400);
	return good ? EXIT_SUCCESS : EXIT_NEGATIVE;
}

int
cli_race(int argc, char **argv)
{
	static struct request r;
	struct problem p;
	r = (struct request){.limit_ms = LIMIT_MS_DEFAULT,
			     .run = {.service = "", .bind = TICKET_BIND_SECRET}};
	int status = cli_parse(SUBCOMMAND_race, argc, argv, set_option, &r, &r.nodes);
	if (status != CLI_GO_ON)
		return status;
	if (!digest_init())
		return cli_refuse(SUBCOMMAND_race, EXIT_USAGE, "libsodium cannot start");
	enum result found = find_nodes(&r, &p);
	if (found != RESULT_OK)
		return cli_refuse(SUBCOMMAND_race,
				  found == RESULT_INVALID ? EXIT_USAGE : EXIT_NEGATIVE, p.text);
	return carry_out(&r);
}
