/* asking.c: see asking.h. */
#include "cli/asking.h"

#include "cli/cli.h"
#include "cli/service.h"
#include "config/small_file.h"

#include <inttypes.h>
#include <stdlib.h>

#define SAMPLES_MAX 10000

/* ---- options ----------------------------------------------------------------------------------
 */

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct asking *a = context;
	switch (option) {
	case OPTION_CONFIG:
		a->config = value;
		break;
	case OPTION_ADMIN:
		a->admin = value;
		break;
	case OPTION_TOKEN_FILE:
		a->token_file = value;
		break;
	case OPTION_EPOCH:
		a->epoch = value;
		break;
	case OPTION_SERVICE:
		a->service = value;
		break;
	case OPTION_SAMPLES:
		if (!slice_to_u64(slice_of(value), &a->samples) || a->samples == 0 ||
		    a->samples > SAMPLES_MAX)
			return problem_set(p, RESULT_INVALID, "--samples: 1 to %d are wanted",
					   SAMPLES_MAX);
		break;
	default:
		a->json = true; /* the table lets no other through */
		break;
	}
	return RESULT_OK;
}

int
asking_parse(struct asking *a, enum subcommand command, int argc, char **argv)
{
	*a = (struct asking){.command = command};
	int status = cli_parse(command, argc, argv, set_option, a, &a->rest);
	if (status == CLI_GO_ON && a->config != NULL && a->admin != NULL)
		return cli_refuse(command, EXIT_USAGE, "-c FILE or --admin HOST:PORT, not both");
	return status;
}

int
asking_refuse(const struct asking *a, enum result r, const struct problem *p)
{
	bool negative = r == RESULT_IO || r == RESULT_NOT_FOUND || r == RESULT_LIMIT;
	return cli_refuse(a->command, negative ? EXIT_NEGATIVE : EXIT_USAGE, p->text);
}

/* ---- the node ---------------------------------------------------------------------------------
 */

/* The token's file, or `token` when none was named. */
static int
open_with(const struct asking *a, const char *where, const char *token, struct node_client **out)
{
	struct problem p = {""};
	struct small_file f;
	char *read = NULL;
	enum result r = RESULT_OK;
	if (a->token_file != NULL) {
		r = small_file_read(a->token_file, &f, &p);
		if (r != RESULT_OK) {
			(void)problem_prefix(&p, r, "--token-file: %s", a->token_file);
			return cli_refuse(a->command, EXIT_USAGE, p.text);
		}
		struct slice line = small_file_line(&f);
		read = strndup(line.at, line.bytes);
		token = read;
		small_file_wipe(&f);
	}
	r = node_client_create(where, token, out, &p);
	free(read);
	return r == RESULT_OK ? CLI_GO_ON : asking_refuse(a, r, &p);
}

/* Where it listens, a client may not call: every address is its own. */
static void
write_where(struct writer *w, const struct addr *admin)
{
	struct addr to = *admin;
	if (addr_is_any(&to) && to.family == AF_INET)
		memcpy(to.ip, (const uint8_t[]){127, 0, 0, 1}, 4);
	else if (addr_is_any(&to))
		to.ip[15] = 1;
	write_addr(w, &to);
}

/* SIZE_MAX: none of cluster.nodes has this id. */
static size_t
find_node(const struct config *config, const char *id)
{
	for (size_t i = 0; config != NULL && i < config->cluster.node_count; i++) {
		if (strcmp(config->cluster.nodes[i].id, id) == 0)
			return i;
	}
	return SIZE_MAX;
}

int
asking_open_node(const struct asking *a, const struct config *config, const char *name,
		 struct node_client **out)
{
	char where[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(where, sizeof(where));
	struct problem p = {""};
	const char *token = config != NULL ? config->admin_token : NULL;
	size_t place = find_node(config, name);
	*out = NULL;
	if (place == SIZE_MAX)
		return open_with(a, name, token, out);
	const struct addr *admin = &config->cluster.nodes[place].admin;
	if (admin->family == 0 && place == config->cluster.self && config->admin_enabled)
		admin = &config->admin;
	if (admin->family == 0) {
		(void)problem_set(
		    &p, RESULT_INVALID,
		    "node %s: cluster.nodes[%zu].admin does not say where it is asked", name,
		    place);
		return cli_refuse(a->command, EXIT_USAGE, p.text);
	}
	write_where(&w, admin);
	return open_with(a, writer_text(&w), token, out);
}

static int
open_configured(const struct asking *a, struct node_client **out)
{
	struct config *config;
	char where[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(where, sizeof(where));
	if (cli_config_load(a->config, CONFIG_FOR_EXPLAIN, &config) != RESULT_OK)
		return EXIT_USAGE;
	int status;
	if (config->admin_enabled) {
		write_where(&w, &config->admin);
		status = open_with(a, writer_text(&w), config->admin_token, out);
	} else {
		status = cli_refuse(a->command, EXIT_USAGE,
				    "the configuration has no admin.address: nobody can be asked");
	}
	config_free(&config);
	return status;
}

int
asking_open(const struct asking *a, struct node_client **out)
{
	*out = NULL;
	if (a->config != NULL)
		return open_configured(a, out);
	return open_with(a, a->admin != NULL ? a->admin : ADMIN_DEFAULT, NULL, out);
}

int
asking_ask(const struct asking *a, struct node_client *c, const char *method, const char *target,
	   struct node_answer *out)
{
	struct problem p = {""};
	enum result r = node_client_ask(c, method, target, out, &p);
	if (r != RESULT_OK)
		return asking_refuse(a, r, &p);
	if (node_answer_check(c, out, &p) == RESULT_OK)
		return CLI_GO_ON;
	/* Who asks is not let in, or asks wrongly; the rest is the node's answer. */
	bool usage = out->status == 400 || out->status == 401 || out->status == 403;
	node_answer_deinit(out);
	return cli_refuse(a->command, usage ? EXIT_USAGE : EXIT_NEGATIVE, p.text);
}

/* ---- targets ----------------------------------------------------------------------------------
 */

void
target_segment(struct writer *target, const char *text)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			write_char(target, *text);
		else
			write_format(target, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

void
target_add(struct writer *target, const char *name, const char *value)
{
	bool first = memchr(target->at, '?', target->bytes) == NULL;
	write_char(target, first ? '?' : '&');
	write_text(target, name);
	write_char(target, '=');
	target_segment(target, value);
}
