/*
 * fuzz_proxy.c: PROXY headers of any bytes. What must hold: a header takes no more than there is
 * and than its bound; a part of what is whole is never refused nor whole; bytes behind it change
 * nothing; who is bad names no client.
 */
#include "edge/proxy_header.h"

#include <stdio.h>
#include <stdlib.h>

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
	struct proxy_header whole;
	const char *why = NULL;
	const char *at = (const char *)data;
	enum proxy_outcome outcome = proxy_header_parse(at, bytes, &whole, &why);
	CHECK((outcome == PROXY_BAD) == (why != NULL));
	CHECK(outcome == PROXY_DONE || whole.client.family == 0);
	if (outcome == PROXY_MORE)
		CHECK(bytes < PROXY_HEADER_BYTES_MAX);
	if (outcome != PROXY_DONE)
		return 0;
	CHECK(whole.bytes > 0 && whole.bytes <= bytes && whole.bytes <= PROXY_HEADER_BYTES_MAX);
	struct proxy_header again;
	CHECK(proxy_header_parse(at, whole.bytes, &again, &why) == PROXY_DONE);
	CHECK(again.bytes == whole.bytes && addr_equal(&again.client, &whole.client));
	for (size_t cut = 0; cut < whole.bytes; cut++)
		CHECK(proxy_header_parse(at, cut, &again, &why) == PROXY_MORE);
	return 0;
}
