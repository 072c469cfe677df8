/*
 * access.h: one line a request, JSON or combined, with affinity outcome and cause.
 * Formatting is pure; each worker batches its lines and hands them to the sink.
 */
#ifndef HOLDFAST_RECORD_ACCESS_H
#define HOLDFAST_RECORD_ACCESS_H

#include "base/addr.h"
#include "base/text.h"
#include "http/head.h"
#include "record/sink.h"
#include "tls/facts.h"
#include "vocab.h"

#define ACCESS_LINE_BYTES_MAX  4096
#define ACCESS_BATCH_BYTES_MAX 32768

struct access_entry {
	uint64_t wall_ms; /* of the request's arrival */
	const struct addr *client;
	struct slice service; /* empty: none */
	struct slice method;
	struct slice target; /* as received; cut to 1,024 bytes */
	bool hide_query;     /* target and referer end before their first '?' */
	struct slice host;
	struct slice referer;    /* combined only */
	struct slice user_agent; /* combined only */
	uint8_t minor;
	uint16_t status;        /* sent to the client; 0: none */
	uint64_t bytes;         /* of body, sent to the client */
	uint64_t request_bytes; /* of body, received */
	uint64_t duration_us;   /* from the request's head to the end of the exchange */
	uint64_t first_byte_us; /* from there to the member's first byte; 0: none */
	bool reached;           /* a member was connected to: connect_us holds */
	uint64_t queue_us;      /* waiting for a place at a member that is full */
	uint64_t connect_us;    /* the last attempt's connecting; 0: its connection was there */
	enum affinity affinity;
	enum cause cause;
	const struct session_digest *digest; /* NULL: none */
	struct slice member;                 /* id that answered; empty: none */
	struct slice primary;
	uint32_t attempts;
	uint64_t request_id;
	const struct tls_facts *tls; /* of the client's connection; NULL: plain */
};
/*
 * One line with '\n'. An entry that does not fit sets overflow. JSON: one object (conf/README.md
 * has the fields), times in ms with three places. Combined: the form that Apache and nginx call so,
 * escaped as nginx does (\xHH for '"', '\' and all but printable ASCII, so that a field ends at
 * the next quote whatever it holds), then behind it: affinity cause member session duration_ms.
 */
void write_access_json(struct writer *w, const struct access_entry *entry);
void write_access_combined(struct writer *w, const struct access_entry *entry);

/* One a worker; not thread-safe. */
struct access_batch {
	struct sink *sink; /* borrowed */
	bool combined;
	bool hide_query;
	size_t bytes;
	char held[ACCESS_BATCH_BYTES_MAX];
};
void access_batch_add(struct access_batch *batch, const struct access_entry *entry);
void access_batch_flush(struct access_batch *batch); /* call every 100 ms and at the end */

#endif
