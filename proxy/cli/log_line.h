/*
 * log_line.h: a line of the failover log, read: the object, its texts and numbers. Borrowed from
 * the object until json_decref.
 */
#ifndef HOLDFAST_CLI_LOG_LINE_H
#define HOLDFAST_CLI_LOG_LINE_H

#include "base/text.h"
#include "vocab.h"

#include <jansson.h>

#define LOG_LINE_BYTES_MAX 16384

/* NULL: Holdfast did not write it: no JSON object, no event, bytes outside printable ASCII. */
json_t *log_line_parse(struct slice line);
/* Empty: absent, null, or no string. */
struct slice log_line_text(const json_t *object, const char *name);
/* -1: absent, null, or no number. */
long long log_line_number(const json_t *object, const char *name);
/* A timestamp, "2026-01-31T12:00:00.250Z", in ms since 1970; -1: another form. */
int64_t log_line_time(struct slice ts);
/* EVENTS: no such event. */
enum event_kind log_event_find(struct slice name);

#endif
