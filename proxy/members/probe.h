/*
 * probe.h: what an active check sends, and what it makes of the bytes that come
 * back. Pure; the sockets are in probe_ev.c.
 */
#ifndef HOLDFAST_MEMBERS_PROBE_H
#define HOLDFAST_MEMBERS_PROBE_H

#include "affinity/hop.h"
#include "config/config.h"
#include "http/parse.h"
#include "members/weight.h"

#define PROBE_REQUEST_BYTES_MAX (8 * 1024)
#define PROBE_ANSWER_BYTES_MAX \
	((size_t)HTTP_HEAD_BYTES_MAX) /* read of one answer, interim ones included */
#define PROBE_SEEN_BYTES_MAX 160

/* GET of health.path, one request a connection. `origin` is its Host unless one is configured. */
void write_probe_request(struct writer *w, const struct config_health *health, struct slice origin);
/*
 * The same to a node, which answers for the member beside it (affinity/hop.h): 200 or 503. `self`:
 * place of the asking node in cluster.nodes, `from` its address; `now_ms`: wall clock.
 */
void write_node_probe_request(struct writer *w, const struct hop_codec *hops, uint16_t self,
			      const struct addr *from, struct slice service, uint64_t now_ms);

enum probe_outcome { PROBE_OPEN, PROBE_WELL, PROBE_ILL };

/* What an answer says besides its status, if it is well. */
struct probe_finding {
	enum reason why;          /* PROBE_ILL: PROBE_STATUS or PROBE_FAILED */
	struct weight_said said;  /* Holdfast-Weight */
	bool unsaid;              /* it is no weight, or there are several */
	struct slice unsaid_text; /* that; in `answer` */
};

/*
 * Judges what was read so far. PROBE_OPEN: more is wanted (never after `ended`, nor of a full
 * buffer). PROBE_ILL: `seen` is told what it was, without the member's name: "status 500". `head`
 * is scratch.
 */
enum probe_outcome probe_judge(struct parser *parser, struct http_head *head,
			       const struct config_health *health, struct slice answer, bool ended,
			       struct probe_finding *finding, struct writer *seen);

#endif
