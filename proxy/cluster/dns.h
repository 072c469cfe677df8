/*
 * dns.h: one name by DNS (RFC 1035, 2782): `master.CLUSTER.` is where the master's HTTP is. A small
 * authoritative answer, pure: one datagram in, one out.
 *
 *   A, AAAA   the master's address, of that family
 *   SRV       0 0 PORT master.CLUSTER.
 *   TXT       "id=a" "term=7" "url=http://10.0.0.1:8080"
 *   else      no data; of a name beside it NXDOMAIN, of one outside of CLUSTER. REFUSED; nobody is
 *             master: SERVFAIL, which nobody keeps
 */
#ifndef HOLDFAST_CLUSTER_DNS_H
#define HOLDFAST_CLUSTER_DNS_H

#include "base/addr.h"
#include "base/text.h"

#define DNS_BYTES_MAX 512 /* of a datagram, both ways */

struct dns_zone {
	struct slice cluster;
	struct slice id;  /* of the master; empty: there is none */
	struct addr http; /* of the master */
	uint64_t term;
	uint32_t ttl_s;
};

/* Bytes written to `out`; 0: it is no question and gets no answer. */
size_t dns_answer(const struct dns_zone *zone, const uint8_t *in, size_t bytes,
		  uint8_t out[DNS_BYTES_MAX]);

#endif
