/* explain_json.h: what route/explain.h says, as one JSON object. */
#ifndef HOLDFAST_ADMIN_EXPLAIN_JSON_H
#define HOLDFAST_ADMIN_EXPLAIN_JSON_H

#include "base/grow.h"
#include "route/explain.h"

void explain_json(const struct explained *x, const struct explanation *e, struct grow *out);
/* What two nodes are compared by: service, digest, pool, and the order as ids alone. */
void explain_json_brief(const struct explained *x, const struct explanation *e, struct grow *out);

#endif
