/*
 * fuzz_srv.c: answers of any bytes to a question for a service's targets. What must hold: what is
 * kept are host names with ports, as many as have room, and nothing is read behind the answer; an
 * answer is read alike each time.
 */
#include "members/srv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 65535 /* of a message over TCP */

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct name_answer a;
	static struct name_answer again;
	if (bytes > BYTES_MAX)
		return 0;
	memset(&a, 0, sizeof(a));
	memset(&again, 0, sizeof(again));
	a.ttl_ms = UINT32_MAX;
	again.ttl_ms = UINT32_MAX;
	srv_read(data, (int)bytes, &a);
	CHECK(a.count <= NAME_ANSWERS_MAX && a.ttl_ms <= (uint64_t)UINT32_MAX * 1000);
	CHECK(a.more == 0 || a.count == NAME_ANSWERS_MAX);
	for (size_t i = 0; i < a.count; i++) {
		CHECK(a.target[i].host.family == ADDR_NAME && a.target[i].host.port != 0);
		CHECK(strlen(addr_kept_text(&a.target[i].host)) <= ADDR_NAME_BYTES_MAX);
	}
	srv_read(data, (int)bytes, &again);
	CHECK(again.why == a.why && again.ttl_ms == a.ttl_ms);
	CHECK(again.count >= a.count); /* once kept, a text is found again */
	return 0;
}
