/*
 * metrics.h: the status in the Prometheus text format, version 0.0.4. The families are the rows of
 * include/tbl/metrics.h.
 */
#ifndef HOLDFAST_ADMIN_METRICS_H
#define HOLDFAST_ADMIN_METRICS_H

#include "admin/status.h"
#include "base/grow.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void metrics_write(const struct status *s, struct grow *out);

#endif
