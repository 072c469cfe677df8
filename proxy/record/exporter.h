/*
 * exporter.h: spans on their way to a collector (OTLP over HTTP). Workers put them into a queue
 * with a bound; a thread of its own takes them out once a second, or when many wait, and posts
 * them. What finds no room, and what the collector does not take, is counted and gone: nobody waits
 * for either.
 */
#ifndef HOLDFAST_RECORD_EXPORTER_H
#define HOLDFAST_RECORD_EXPORTER_H

#include "base/endpoint.h"
#include "record/span.h"
#include "result.h"

#define SPANS_QUEUED_MAX 2048 /* waiting; about 1.8 KiB each */
#define SPANS_SENT_MAX   256  /* in one request */

struct exporter;

/* Without a thread and a queue for now. `node`: the node's id, or NULL. NULL: no memory. */
struct exporter *exporter_create(const char *node);
/* Spans go there from here on; NULL: none are made any more, the last go where they went. By one
 * thread; false: no memory, or no thread, and all stays as it was. */
bool exporter_direct(struct exporter *e, const char *endpoint);
/* Copies. Any thread; never waits for the collector. */
void exporter_add(struct exporter *e, const struct span *span);
/* Posts what waits, within a bound; *e may be NULL. */
void exporter_free(struct exporter **e);

/* Posts a request without spans: the status of the answer; 0: none within limit_ms, errno says why.
 */
unsigned exporter_try(const char *endpoint, uint64_t limit_ms);

struct exporter_counts {
	uint64_t sent;
	uint64_t dropped; /* found no room */
	uint64_t refused; /* the collector did not take them, or is away */
};
struct exporter_counts exporter_counts(const struct exporter *e);

#endif
