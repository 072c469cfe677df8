/* endpoint.h: an http:// address that something is posted to. */
#ifndef HOLDFAST_BASE_ENDPOINT_H
#define HOLDFAST_BASE_ENDPOINT_H

#include "base/addr.h"

#define ENDPOINT_BYTES_MAX 512

/* Where a collector listens: "http://127.0.0.1:4318/v1/traces". */
struct endpoint {
	struct addr addr;
	struct slice host; /* with port, as it stands in the text */
	const char *path;
};
/* Slices of the text. RESULT_INVALID: the problem says why. */
enum result endpoint_parse(const char *text, struct endpoint *out, struct problem *p);

#endif
