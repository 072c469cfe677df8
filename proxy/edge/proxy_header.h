/*
 * proxy_header.h: the PROXY protocol, versions 1 and 2: what a proxy before us says of the
 * connection, ahead of its first byte (HAProxy's doc/proxy-protocol.txt, 2020/03/05).
 *
 *   v1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n             at most 107 bytes
 *   v2   12 bytes of signature, version and command, family, length, addresses, TLVs
 *
 * Fed, never read: of a part it says that more is wanted, and all of that part belongs to the
 * header; of a whole it says how many bytes it took. Strict: what the specification does not allow
 * is bad, for a sender that errs here may err about who the client is.
 */
#ifndef HOLDFAST_EDGE_PROXY_HEADER_H
#define HOLDFAST_EDGE_PROXY_HEADER_H

#include "base/addr.h"

#define PROXY_HEADER_BYTES_MAX 4096 /* of a whole one, with its TLVs */

enum proxy_outcome {
	PROXY_MORE, /* what there is begins a header */
	PROXY_DONE,
	PROXY_BAD,
};

struct proxy_header {
	size_t bytes;       /* that it took */
	struct addr client; /* family 0: the sender speaks for itself (LOCAL, UNKNOWN, UNSPEC), or
			     * of something without an IP address: the connection's own holds */
};

/* BAD: *why says it, static text. `bytes` may reach beyond the header. */
enum proxy_outcome proxy_header_parse(const char *at, size_t bytes, struct proxy_header *out,
				      const char **why);

#endif
