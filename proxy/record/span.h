/*
 * span.h: a span of a trace as plain data, and its form in OTLP (opentelemetry-proto, trace/v1;
 * JSON as the OTLP specification maps it: ids in hexadecimal, 64-bit numbers as texts). Attributes
 * by the semantic conventions for HTTP spans; what is Holdfast's own begins with "holdfast.".
 */
#ifndef HOLDFAST_RECORD_SPAN_H
#define HOLDFAST_RECORD_SPAN_H

#include "base/addr.h"
#include "base/grow.h"
#include "http/traceparent.h"
#include "vocab.h"

#define SPAN_STATE_BYTES  512 /* of tracestate; a longer one is left out (W3C: it may be) */
#define SPAN_PATH_BYTES   256 /* cut */
#define SPAN_HOST_BYTES   128
#define SPAN_METHOD_BYTES 16

enum span_kind { SPAN_SERVER = 2, SPAN_CLIENT = 3 }; /* numbers of OTLP */

struct span {
	struct traceparent id; /* its own */
	uint8_t parent[SPAN_ID_BYTES];
	bool has_parent;
	enum span_kind kind;
	uint64_t begun_us; /* since 1970-01-01 UTC */
	uint64_t ended_us;
	uint16_t status;        /* HTTP; 0: none */
	uint32_t attempt;       /* client: from 1 */
	uint32_t rank;          /* client; UINT32_MAX: none */
	enum reason failed;     /* client: why the attempt did; REASON_NONE: it did not */
	enum affinity affinity; /* server */
	enum cause cause;       /* server */
	bool over; /* client: the attempt that the exchange ended with: its cause holds */
	bool tls;
	uint8_t major; /* of HTTP, client's side */
	uint8_t minor;
	uint64_t request_id;
	char session[9]; /* as logs show it; "": none */
	char method[SPAN_METHOD_BYTES];
	char path[SPAN_PATH_BYTES]; /* without the query, where keys may stand */
	char host[SPAN_HOST_BYTES];
	char peer[ADDR_TEXT_BYTES_MAX]; /* server: the client's address; client: the member's */
	char service[ID_BYTES_MAX + 1];
	char member[ID_BYTES_MAX + 1];
	char primary[ID_BYTES_MAX + 1];
	char state[SPAN_STATE_BYTES + 1]; /* tracestate */
};

/* Texts into the span, cut where they do not fit. */
void span_text(char *to, size_t capacity, struct slice text);
/* One request to a collector: {"resourceSpans": ...}. */
void write_spans(struct grow *to, const char *node, const struct span *spans, size_t count);

#endif
