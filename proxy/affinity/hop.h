/*
 * hop.h: the field with which one node hands a request to another (DESIGN section 8):
 *
 *   Holdfast-Hop: v1; path=a,b; for=192.0.2.7; digest=HEX; primary=a; epoch=0; time=MS; mac=HEX
 *
 * path: the nodes that had the request, first to last; the last one sends it. for: the client's
 * address, as the first of them saw it, or "unix". digest, primary: whose session the sender takes
 * it for; what the receiver reads for itself (key, tag) goes before it, these stand in where the
 * request carries neither yet. "; back" and "; down" may follow: the sender can take the request
 * back, and it holds the primary not operational. "; mirror" before them: a copy of a request that
 * the sender's member served; the receiver's member gets it, and nobody its answer. epoch: of the
 * sender's membership. time: milliseconds since 1970, not older than HOP_AGE_MS.
 *
 * mac: SipHash-2-4-128 over all before "; mac=" and the request's method, host and target, and,
 * where a client certificate is told of, the Holdfast-Client- fields, each after a 0 byte, under a
 * key derived from (secret, cluster's name) by BLAKE2b. The first secret signs, all verify. So a
 * field is worth nothing on another request, in another cluster, or later.
 */
#ifndef HOLDFAST_AFFINITY_HOP_H
#define HOLDFAST_AFFINITY_HOP_H

#include "base/addr.h"
#include "config/config.h"
#include "http/head.h"
#include "tls/facts.h"

#define HOP_AGE_MS         30000 /* and as much ahead: clocks of nodes differ */
#define HOP_DOWN_MAX       8     /* members told of */
#define HOP_TEXT_BYTES_MAX 2048  /* of the field's value */
/* With a service's name behind it: GET by a node asks how the member beside another node is; 200
 * when it is operational, else 503. */
#define HOP_HEALTH_PATH "/.holdfast/health/"
/* GET by a node asks for the membership that another one holds: sealed; 404: epoch 0. */
#define HOP_MEMBERSHIP_PATH "/.holdfast/membership"
#define HOP_SEAL_BYTES      33 /* before what is sealed: a MAC in hexadecimal, and a line end */

/* Keys of one cluster, and who its nodes are; immutable; any number of threads. */
struct hop_codec;

enum hop_fault {
	HOP_GOOD,
	HOP_MALFORMED,
	HOP_UNKNOWN_NODE, /* in the path, or the last one's address is not where it came from */
	HOP_BAD_MAC,
	HOP_STALE,
	HOP_FAULTS
};

struct hop {
	uint64_t visited; /* bit of a place in cluster.nodes: that node had the request */
	uint16_t path[HOPS_MAX];
	size_t path_count;
	struct addr client; /* port 0 */
	struct session_digest digest;
	/* The client's, as the first node verified it, in fields beside this one; no text: none.
	 * Borrowed from the request. */
	struct tls_identity identity;
	struct slice primary; /* id; borrowed from the text; empty: none */
	bool mirror;          /* a copy, for the receiver's own member */
	bool can_return;      /* the sender takes it back when it belongs to a node of the path */
	struct slice down[HOP_DOWN_MAX]; /* ids; borrowed from the text */
	size_t down_count;
	uint64_t epoch;
	uint64_t time_ms;
};

/* config: its cluster and secrets are borrowed and outlive the codec. NULL: no memory. */
struct hop_codec *hop_codec_create(const struct config *config);
void hop_codec_free(struct hop_codec **codec);

/* Did the sender pass over the member of this id? */
bool hop_tells_down(const struct hop *hop, struct slice id);
/* The value alone. Nothing is written, and w->overflow set, when it does not fit. */
void hop_write(const struct hop_codec *codec, const struct hop *hop,
	       const struct http_head *request, struct writer *w);
/*
 * `from`: whom the request came from; its port does not matter. `now_ms`: wall clock. Fills *hop
 * when HOP_GOOD; otherwise the field is to be treated as absent.
 */
enum hop_fault hop_read(const struct hop_codec *codec, struct slice text,
			const struct http_head *request, const struct addr *from, uint64_t now_ms,
			struct hop *hop);
/* A request of the node itself, on no client's behalf. */
bool hop_is_own(const struct hop *hop);
/*
 * What a node sends another in an answer: the MAC, under the same key, of "holdfast sealed\n" and
 * the text. *out is for the caller to free. False: no memory.
 */
bool hop_seal(const struct hop_codec *codec, struct slice text, char **out, size_t *bytes);
/* *text: what was sealed; borrowed from `sealed`. False: no memory, or a signature that is wrong.
 */
bool hop_unseal(const struct hop_codec *codec, struct slice sealed, struct slice *text);
/* "bad_mac"; static. */
const char *hop_fault_text(enum hop_fault fault);

#endif
