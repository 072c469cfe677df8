/* check.c: `holdfast check -c FILE`: everything that is wrong with a configuration. */
#include "cli/cli.h"

#include "config/config.h"

#include <stdlib.h>
#include <string.h>

static const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* "conf/demo.conf: ok: 1 listener, 1 service, 3 members" */
static void
print_counts(const struct config *config, size_t warnings)
{
	size_t members = 0;
	for (size_t i = 0; i < config->service_count; i++)
		members += config->services[i].member_count;
	(void)printf("%s: ok: %zu listener%s, %zu service%s, %zu member%s", config->file,
		     config->listener_count, plural(config->listener_count), config->service_count,
		     plural(config->service_count), members, plural(members));
	if (warnings > 0)
		(void)printf(", %zu warning%s", warnings, plural(warnings));
	(void)printf("\n");
}

int
cli_check(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "-c") != 0) {
		(void)fprintf(stderr, "holdfast check: usage: holdfast check -c FILE\n");
		return EXIT_USAGE;
	}
	struct config *config = NULL;
	struct config_findings findings;
	enum result r = config_load(argv[2], CONFIG_FOR_CHECK, &config, &findings);
	config_findings_print(&findings, stderr);
	if (r == RESULT_OK)
		print_counts(config, findings.count + findings.not_shown);
	config_findings_free(&findings);
	config_free(&config);
	return r == RESULT_OK ? EXIT_SUCCESS : EXIT_USAGE;
}
