/*
 * traceparent.h: the field of that name (W3C Trace Context, section 3.2): whose child a request is.
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version, trace id, id of the parent span, flags (1: sampled)
 */
#ifndef HOLDFAST_HTTP_TRACEPARENT_H
#define HOLDFAST_HTTP_TRACEPARENT_H

#include "base/text.h"

#define TRACE_ID_BYTES    16
#define SPAN_ID_BYTES     8
#define TRACEPARENT_BYTES 55 /* of version 00 */
#define TRACE_SAMPLED     1

struct traceparent {
	uint8_t trace[TRACE_ID_BYTES];
	uint8_t span[SPAN_ID_BYTES];
	uint8_t flags;
};

/* Of versions above 00 what is known of it. False: it is malformed, and counts as absent. */
bool traceparent_parse(struct slice value, struct traceparent *out);
/* In version 00. */
void write_traceparent(struct writer *w, const struct traceparent *t);

#endif
