/*
 * fuzz_dns.c: questions of any bytes, to a node whose cluster has a master or none. What must hold:
 * an answer is an answer to that question and says how much stands in it; nothing is answered that
 * is an answer itself, so that two servers never talk to each other; a question is answered alike
 * each time, and in a datagram.
 *
 * Input: a byte for the zone, then the datagram.
 */
#include "cluster/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 12
#define RECORD_BYTES 12 /* with a pointer for its name; then the data */

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static unsigned
load16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static struct dns_zone
zone_of(uint8_t kind)
{
	static const char id[] = "node-of-many-letters-that-is-the-master-of-this-cluster-just-now";
	struct slice http = (kind & 2) != 0 ? SLICE("[2001:db8::1]:8080") : SLICE("10.0.0.1:8080");
	struct dns_zone zone = {.cluster = SLICE("Shop"), .term = UINT64_MAX, .ttl_s = 1};
	if ((kind & 4) != 0)
		zone.cluster = SLICE("master.shop");
	if ((kind & 1) == 0)
		return zone;
	zone.id = (struct slice){id, 1 + (kind >> 3) % (sizeof(id) - 1)};
	CHECK(addr_parse(http, false, &zone.http, NULL) == RESULT_OK);
	return zone;
}

/* Behind the question: as many records as are said, whole, and nothing behind them. */
static void
check_records(const uint8_t *out, size_t bytes, size_t at)
{
	for (unsigned left = load16(out + 6) + load16(out + 8) + load16(out + 10); left > 0;
	     left--) {
		CHECK(bytes - at >= RECORD_BYTES && (out[at] & 0xc0) == 0xc0);
		size_t data = load16(out + at + 10);
		CHECK(bytes - at - RECORD_BYTES >= data);
		at += RECORD_BYTES + data;
	}
	CHECK(at == bytes);
}

static void
check_answer(const uint8_t *in, const uint8_t *out, size_t bytes)
{
	CHECK(bytes >= HEADER_BYTES && bytes <= DNS_BYTES_MAX);
	CHECK(memcmp(in, out, 2) == 0);                     /* its number */
	CHECK((out[2] & 0x80) != 0 && (in[2] & 0x80) == 0); /* an answer, to no answer */
	CHECK((out[2] & 0x79) == (in[2] & 0x79));           /* opcode and "recursion desired" */
	CHECK(load16(out + 4) <= 1);
	size_t at = HEADER_BYTES;
	if (load16(out + 4) == 1) {
		while (out[at] != 0)
			at += 1U + out[at];
		at += 5;
		CHECK(at <= bytes &&
		      memcmp(in + HEADER_BYTES, out + HEADER_BYTES, at - HEADER_BYTES) == 0);
	}
	check_records(out, bytes, at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t out[DNS_BYTES_MAX];
	uint8_t again[DNS_BYTES_MAX];
	if (bytes == 0)
		return 0;
	struct dns_zone zone = zone_of(data[0]);
	size_t count = dns_answer(&zone, data + 1, bytes - 1, out);
	if (count == 0)
		return 0;
	check_answer(data + 1, out, count);
	CHECK(zone.id.bytes > 0 || load16(out + 6) == 0);
	CHECK(dns_answer(&zone, data + 1, bytes - 1, again) == count);
	CHECK(memcmp(out, again, count) == 0);
	CHECK(dns_answer(&zone, out, count, again) == 0);
	return 0;
}
