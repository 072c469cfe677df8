/* service.h: the configuration and the service that a command asks about. */
#ifndef HOLDFAST_CLI_SERVICE_H
#define HOLDFAST_CLI_SERVICE_H

#include "config/config.h"

/*
 * Loads `file` for a question and starts what digests need. On an error it was said on stderr, a
 * line a finding, and *out is NULL. Free with config_free.
 */
enum result cli_config_load(const char *file, enum config_purpose purpose, struct config **out);

/* By name; NULL: the only one. NULL with the problem set: there is none, or several. */
const struct config_service *cli_service_find(const struct config *config, const char *name,
					      struct problem *p);

/*
 * RESULT_NOT_FOUND: its members are discovered, so the configuration does not know them; the
 * problem says who does.
 */
enum result cli_service_listed(const struct config_service *service, struct problem *p);

#endif
