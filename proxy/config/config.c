/* config.c: the end of a struct config; what its rows own, they free. */
#include "config/config.h"

#include "config/rows.h"

#include <stdlib.h>
#include <string.h>

void
config_free(struct config **held)
{
	struct config *config = *held;
	if (config == NULL)
		return;
	*held = NULL;
	for (size_t i = 0; i < config->secret_count; i++)
		explicit_bzero(config->secrets[i].master, sizeof(config->secrets[i].master));
	key_scope_free(SCOPE_config, config);
	free(config->file);
	free(config);
}
