/*
 * events.h: the failover log's lines on their way from whoever writes them to the followers of
 * GET /events. Writers copy a line into memory and go on; the control thread is rung and takes
 * what waits, already in the form of server-sent events (WHATWG HTML, section 9.2).
 *
 *   workers, checks --events_push--> waiting (bounded) --events_take--> followers' connections
 */
#ifndef HOLDFAST_ADMIN_EVENTS_H
#define HOLDFAST_ADMIN_EVENTS_H

#include "base/text.h"

#define EVENTS_BYTES_MAX ((size_t)256 * 1024) /* waiting; what does not fit is counted */

struct events;

/* NULL: no memory or no descriptor. */
struct events *events_create(void);
void events_free(struct events **e);

/* One line with '\n'. Any thread; nothing but one load when nobody follows. */
void events_push(struct events *e, struct slice line);

/* The rest is the control thread's. */

/* Is anybody following? */
void events_follow(struct events *e, bool on);
/* Readable when something waits. */
int events_bell(const struct events *e);
/* What waited, good until the next call. *lost: lines that found no room since the last call. */
struct slice events_take(struct events *e, uint64_t *lost);

#endif
