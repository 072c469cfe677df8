/* endpoint.c: see endpoint.h. */
#include "base/endpoint.h"

enum result
endpoint_parse(const char *text, struct endpoint *out, struct problem *p)
{
	static const struct slice scheme = {"http://", 7};
	if (!slice_has_prefix(slice_of(text), scheme))
		return problem_set(
		    p, RESULT_INVALID,
		    "no \"http://address:port/path\"; a collector beside this node takes "
		    "what is to leave it encrypted");
	struct slice rest = slice_of(text + scheme.bytes);
	size_t host = slice_find(rest, '/');
	if (rest.bytes > ENDPOINT_BYTES_MAX - scheme.bytes)
		return problem_set(p, RESULT_INVALID, "too long");
	for (size_t i = 0; i < rest.bytes; i++) {
		if ((unsigned char)rest.at[i] <= ' ' || (unsigned char)rest.at[i] >= 0x7f)
			return problem_set(p, RESULT_INVALID, "a blank or control, or no ASCII");
	}
	out->host = (struct slice){rest.at, host};
	out->path = host < rest.bytes ? rest.at + host : "/v1/traces";
	return addr_parse(out->host, false, &out->addr, p);
}
