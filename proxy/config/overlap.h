/* overlap.h: two services that want the same requests. */
#ifndef HOLDFAST_CONFIG_OVERLAP_H
#define HOLDFAST_CONFIG_OVERLAP_H

#include "config/loading.h"

/*
 * Complains of each service that has a host and a path which an earlier service, or it itself, has
 * too: no request could tell them apart. `list`: the setting of the services.
 */
void check_overlap(struct loading *l, config_setting_t *list);

#endif
