/*
 * forwarded.h: what proxies say of whom they ask for: Forwarded (RFC 7239) and X-Forwarded-For,
 * -Proto, -Host, read strictly and written anew.
 *
 *   Forwarded: for=192.0.2.7;proto=https;host=shop.example, for="[2001:db8::1]:4711"
 *   X-Forwarded-For: 192.0.2.7, 2001:db8::1            one element a proxy, the first one's first
 *
 * Anybody can send such fields: they are read only of senders that are trusted, and the client is
 * the last one in the list whom no trusted proxy stands for. One family is read, for who maintains
 * one passes the other on as a client made it up. What is malformed anywhere counts for nothing.
 */
#ifndef HOLDFAST_HTTP_FORWARDED_H
#define HOLDFAST_HTTP_FORWARDED_H

#include "base/network.h"
#include "http/head.h"

#define FORWARDED_HOPS_MAX       32   /* elements of all lines */
#define FORWARDED_BYTES_MAX      4096 /* of all values */
#define FORWARDED_PAIRS_MAX      16   /* parameters of one element */
#define FORWARDED_NODE_BYTES_MAX 64   /* of an obfuscated name */

enum forwarded_family {
	FORWARDED_BY_X,       /* X-Forwarded-For, -Proto, -Host */
	FORWARDED_BY_RFC7239, /* Forwarded */
};

/* Bits of enum forwarded_family. */
#define FORWARDED_WRITE_X       1U
#define FORWARDED_WRITE_RFC7239 2U

/* One proxy's element. Texts are borrowed from the head. */
struct forwarded_hop {
	struct slice text;  /* as it came */
	struct addr client; /* who asked that proxy; family 0: unknown, or an obfuscated name */
	struct slice proto; /* without quotes; empty: not said */
	struct slice host;
};

struct forwarded {
	enum forwarded_family family;
	size_t count;
	size_t home;        /* the element that tells of the client; meaningless when count is 0 */
	struct slice proto; /* value of X-Forwarded-Proto; empty: none */
	struct slice host;  /* value of X-Forwarded-Host; empty: none */
	struct forwarded_hop hop[FORWARDED_HOPS_MAX];
};

/* What this proxy saw of the request itself. */
struct forwarded_self {
	const struct addr *peer; /* without an IP address: "unknown" is written */
	struct slice proto;
	struct slice host; /* empty: none */
};

/* The fields of one family. False: malformed, or beyond a bound; *out is not to be used. */
bool forwarded_read(const struct http_head *head, enum forwarded_family family,
		    struct forwarded *out);
/*
 * Who asks: from the last element on to the first one that is not in `trusted`; an element without
 * an address ends the search. `peer` itself is trusted. Sets f->home.
 */
struct addr forwarded_client(struct forwarded *f, const struct network *trusted, size_t count,
			     const struct addr *peer);
/* Lines of the families in `write`: what was read, if anything (else NULL), extended by `self`. */
void forwarded_write(struct writer *w, unsigned write, const struct forwarded *f,
		     const struct forwarded_self *self);

#endif
