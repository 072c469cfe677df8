/* service.c: see service.h. */
#include "cli/service.h"

#include "base/digest.h"

#include <string.h>

enum result
cli_config_load(const char *file, enum config_purpose purpose, struct config **out)
{
	struct config_findings findings;
	*out = NULL;
	if (!digest_init()) {
		(void)fprintf(stderr, "holdfast: libsodium cannot be started\n");
		return RESULT_IO;
	}
	enum result r = config_load(file, purpose, out, &findings);
	if (r != RESULT_OK)
		config_findings_print(&findings, stderr);
	config_findings_free(&findings);
	return r;
}

const struct config_service *
cli_service_find(const struct config *config, const char *name, struct problem *p)
{
	if (name == NULL && config->service_count == 1)
		return &config->services[0];
	for (size_t i = 0; name != NULL && i < config->service_count; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return &config->services[i];
	}
	(void)problem_set(p, RESULT_NOT_FOUND,
			  name != NULL ? "--service: no such service"
				       : "several services: --service NAME is wanted");
	return NULL;
}

enum result
cli_service_listed(const struct config_service *service, struct problem *p)
{
	if (service->discover.at.family == 0)
		return RESULT_OK;
	return problem_set(
	    p, RESULT_NOT_FOUND,
	    "members of service %s are discovered (%s%s): the configuration does not "
	    "know them; a running node does: explain --live NODE",
	    service->name, service->discover.srv ? "dns+srv://" : "dns://",
	    addr_kept_text(&service->discover.at));
}
