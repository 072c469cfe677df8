/* check.c: `holdfast check`: everything that is wrong with a configuration. */
#include "cli/cli.h"

#include "base/clock.h"
#include "base/handed.h"
#include "base/text.h"
#include "cli/config_question.h"
#include "config/config.h"
#include "members/resolver_ev.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What a configuration has; all 0 when it was refused. */
struct check_counts {
	size_t listeners;
	size_t services;
	size_t members;
};

static struct check_counts
count_of(const struct config *config)
{
	struct check_counts n = {0, 0, 0};
	if (config == NULL)
		return n;
	n.listeners = config->listener_count;
	n.services = config->service_count;
	for (size_t i = 0; i < config->service_count; i++)
		n.members += config->services[i].member_count;
	return n;
}

/* ---- as text ------------------------------------------------------------------------------- */

static const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* "conf/demo.conf: ok: 1 listener, 1 service, 3 members" */
static void
print_counts(const struct config *config, size_t warnings)
{
	struct check_counts n = count_of(config);
	(void)printf("%s: ok: %zu listener%s, %zu service%s, %zu member%s", config->file,
		     n.listeners, plural(n.listeners), n.services, plural(n.services), n.members,
		     plural(n.members));
	if (warnings > 0)
		(void)printf(", %zu warning%s", warnings, plural(warnings));
	(void)printf("\n");
}

/* ---- as JSON ------------------------------------------------------------------------------- */

/* Text of a file that may hold any bytes; what is no UTF-8 is escaped first. Never NULL. */
static json_t *
text_json(const char *text)
{
	json_t *made = json_string(text);
	if (made != NULL)
		return made;
	char escaped[1024];
	struct writer w = writer_on(escaped, sizeof(escaped));
	write_escaped(&w, (struct slice){text, strnlen(text, sizeof(escaped) / 4 - 1)});
	made = json_string(writer_text(&w));
	return made != NULL ? made : json_null();
}

static json_t *
findings_json(const struct config_findings *findings)
{
	json_t *list = json_array();
	for (size_t i = 0; i < findings->count; i++) {
		const struct config_finding *f = &findings->list[i];
		(void)json_array_append_new(
		    list, json_pack("{s:s, s:o, s:i, s:o, s:o, s:o}", "severity",
				    f->warning ? "warning" : "error", "file", text_json(f->file),
				    "line", f->line, "path", text_json(f->path), "value",
				    text_json(f->value), "reason", text_json(f->reason)));
	}
	return list;
}

static enum result
print_json(const char *file, const struct config *config, const struct config_findings *findings)
{
	struct check_counts n = count_of(config);
	json_t *root =
	    json_pack("{s:o, s:b, s:I, s:I, s:I, s:o, s:I}", "file", text_json(file), "ok",
		      config != NULL, "listeners", (json_int_t)n.listeners, "services",
		      (json_int_t)n.services, "members", (json_int_t)n.members, "findings",
		      findings_json(findings), "not_shown", (json_int_t)findings->not_shown);
	if (root == NULL)
		return RESULT_NO_MEMORY;
	bool written = json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
	json_decref(root);
	return written ? RESULT_OK : RESULT_IO;
}

/* ---- names ---------------------------------------------------------------------------------- */

#define NAMES_WAIT_MS 10000 /* for all of them */

static void
find_unresolved(const struct config *config, const struct names *book, size_t service,
		struct config_findings *findings)
{
	const struct config_service *s = &config->services[service];
	char reason[NAME_WHY_BYTES_MAX + 32];
	const struct name *name = NULL;
	if (s->discover.at.family != 0)
		name = names_find(book, s->discover.srv ? NAME_SRV : NAME_HOST,
				  addr_kept_text(&s->discover.at));
	if (name != NULL && name->count == 0) {
		(void)snprintf(reason, sizeof(reason), "does not resolve: %s", name->why);
		(void)config_find(findings, config, service, SIZE_MAX, "discover", false, reason);
	}
	for (size_t m = 0; m < s->member_count && s->discover.at.family == 0; m++) {
		if (s->members[m].origin.family != ADDR_NAME)
			continue;
		name = names_find(book, NAME_HOST, addr_kept_text(&s->members[m].origin));
		if (name == NULL || name->count > 0)
			continue;
		(void)snprintf(reason, sizeof(reason), "does not resolve: %s",
			       name->answered ? name->why : "no answer in time");
		(void)config_find(findings, config, service, m, "origin", false, reason);
	}
}

/* Names are asked for as they would be at the start, where such members would be down. */
static enum result
check_names(const struct config *config, struct config_findings *findings)
{
	struct names book = {.list = NULL};
	struct problem p = {""};
	enum result r = RESULT_OK;
	if (!names_want(&book, config, clock_ms()))
		r = RESULT_NO_MEMORY;
	if (r == RESULT_OK && book.count > 0)
		r = resolver_settle(&book, config, NAMES_WAIT_MS, -1, NULL, NULL, &p);
	for (size_t i = 0; r == RESULT_OK && book.count > 0 && i < config->service_count; i++)
		find_unresolved(config, &book, i, findings);
	names_deinit(&book);
	if (r == RESULT_OK && findings->errors > 0)
		r = RESULT_INVALID;
	return r;
}

/* ---- the command --------------------------------------------------------------------------- */

static int
check(const struct config_question *q)
{
	struct config *config = NULL;
	struct config_findings findings;
	handed_take();
	enum result r = config_load(q->config, CONFIG_FOR_CHECK, &config, &findings);
	if (r == RESULT_OK) {
		r = check_names(config, &findings);
		if (r != RESULT_OK)
			config_free(&config);
	}
	int status = r == RESULT_OK ? EXIT_SUCCESS : EXIT_USAGE;
	if (!q->json) {
		config_findings_print(&findings, stderr);
		if (r == RESULT_OK)
			print_counts(config, findings.count + findings.not_shown);
	} else if (print_json(q->config, config, &findings) != RESULT_OK) {
		status = cli_refuse(SUBCOMMAND_check, EXIT_USAGE, "the answer cannot be written");
	}
	config_findings_free(&findings);
	config_free(&config);
	return status;
}

int
cli_check(int argc, char **argv)
{
	struct config_question q;
	int status = config_question_parse(&q, SUBCOMMAND_check, argc, argv);
	return status == CLI_GO_ON ? check(&q) : status;
}
