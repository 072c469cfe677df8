/*
 * status_json.h: the status as one JSON object (GET /status, `holdfast status --json`): fields are
 * only ever added. Durations are in milliseconds (_ms), times in RFC 3339.
 */
#ifndef HOLDFAST_ADMIN_STATUS_JSON_H
#define HOLDFAST_ADMIN_STATUS_JSON_H

#include "admin/status.h"
#include "base/grow.h"

void status_json(const struct status *s, struct grow *out);
/* The same, its services without their "members": what nodes are compared by (`holdfast verify`).
 */
void status_json_brief(const struct status *s, struct grow *out);

#endif
