/* steer.c: `holdfast drain`, undrain, maint, up and reload: what changes a running node. */
#include "cli/cli.h"

#include "cli/asking.h"

#include <inttypes.h>
#include <stdlib.h>

#define TARGET_BYTES_MAX 4096
#define TEXT_BYTES       256

/* A question that changes something; the answer is printed by `print`, or as JSON. */
static int
tell(struct asking *a, const char *target, void (*print)(const json_t *answer))
{
	struct node_client *c = NULL;
	struct node_answer answer;
	int status = asking_open(a, &c);
	if (status == CLI_GO_ON)
		status = asking_ask(a, c, "POST", target, &answer);
	node_client_free(&c);
	if (status != CLI_GO_ON)
		return status;
	if (a->json) {
		(void)json_dumpf(answer.json, stdout, 0);
		(void)printf("\n");
	} else {
		print(answer.json);
	}
	node_answer_deinit(&answer);
	return EXIT_SUCCESS;
}

/* "a of shop: drain, 3 requests in flight" */
static void
print_granted(const json_t *granted)
{
	char member[TEXT_BYTES];
	char service[TEXT_BYTES];
	char state[TEXT_BYTES];
	uint64_t active = json_count(granted, "active");
	(void)printf("%s of %s: %s, %" PRIu64 " request%s in flight\n",
		     json_text(granted, "member", member, sizeof(member)),
		     json_text(granted, "service", service, sizeof(service)),
		     json_text(granted, "state", state, sizeof(state)), active,
		     active == 1 ? "" : "s");
}

static int
order(enum subcommand command, int argc, char **argv)
{
	struct asking a;
	char target[TARGET_BYTES_MAX];
	struct writer w = writer_on(target, sizeof(target));
	int status = asking_parse(&a, command, argc, argv);
	if (status != CLI_GO_ON)
		return status;
	if (a.rest.count != 1 || a.rest.at[0][0] == '\0')
		return cli_refuse(command, EXIT_USAGE, "one member's ID is wanted");
	write_literal(&w, "/members/");
	target_segment(&w, a.rest.at[0]);
	write_char(&w, '/');
	write_text(&w, subcommand_name(command));
	if (a.service != NULL)
		target_add(&w, "service", a.service);
	const char *text = writer_text(&w);
	if (w.overflow)
		return cli_refuse(command, EXIT_USAGE, "no member has such an ID");
	return tell(&a, text, print_granted);
}

int
cli_drain(int argc, char **argv)
{
	return order(SUBCOMMAND_drain, argc, argv);
}

int
cli_undrain(int argc, char **argv)
{
	return order(SUBCOMMAND_undrain, argc, argv);
}

int
cli_maint(int argc, char **argv)
{
	return order(SUBCOMMAND_maint, argc, argv);
}

int
cli_up(int argc, char **argv)
{
	return order(SUBCOMMAND_up, argc, argv);
}

static void
print_reloaded(const json_t *answer)
{
	(void)answer;
	(void)printf("reloaded\n");
}

int
cli_reload(int argc, char **argv)
{
	struct asking a;
	int status = asking_parse(&a, SUBCOMMAND_reload, argc, argv);
	if (status != CLI_GO_ON)
		return status;
	if (a.rest.count > 0)
		return cli_refuse(a.command, EXIT_USAGE, "takes no operands");
	return tell(&a, "/reload", print_reloaded);
}
