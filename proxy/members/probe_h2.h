/*
 * probe_h2.h: the request of an active check and its answer as frames of HTTP/2, for members that
 * speak that: bytes in and out, and in between the texts that probe.h knows. One request a
 * connection. Pure.
 *
 * Bounds: PROBE_H2_OUT_BYTES wait to be sent, more is no check; the answer's text has the room that
 * the caller gives.
 */
#ifndef HOLDFAST_MEMBERS_PROBE_H2_H
#define HOLDFAST_MEMBERS_PROBE_H2_H

#include "base/text.h"

#include <stdbool.h>

#define PROBE_H2_OUT_BYTES 32768

struct probe_h2;

/* `request`: its head as text, which is written into; `secure`: behind TLS. NULL: no memory. */
struct probe_h2 *probe_h2_create(char *request, size_t bytes, bool secure);
void probe_h2_free(struct probe_h2 **p);

/* What is to be sent now; then probe_h2_sent says how much of it was. */
struct slice probe_h2_out(struct probe_h2 *p);
void probe_h2_sent(struct probe_h2 *p, size_t bytes);

enum probe_h2_state {
	PROBE_H2_OPEN,
	PROBE_H2_OVER,   /* the answer ended */
	PROBE_H2_BROKEN, /* *why says how; static */
};
/* What came; heads of the answer are appended to `answer` as HTTP/1.1 has them. */
enum probe_h2_state probe_h2_feed(struct probe_h2 *p, const void *at, size_t bytes,
				  struct writer *answer, const char **why);

#endif
