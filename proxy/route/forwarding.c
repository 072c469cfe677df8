/* forwarding.c: see forwarding.h. */
#include "route/forwarding.h"

#include <stdlib.h>

enum result
forwarding_init(struct forwarding *f, const struct config_forwarded *config, struct problem *p)
{
	static const unsigned writes[] = {
	    [CONFIG_WRITE_X_FORWARDED] = FORWARDED_WRITE_X,
	    [CONFIG_WRITE_FORWARDED] = FORWARDED_WRITE_RFC7239,
	    [CONFIG_WRITE_BOTH] = FORWARDED_WRITE_X | FORWARDED_WRITE_RFC7239,
	};
	bool x = config->read == CONFIG_READ_X_FORWARDED;
	f->read = x ? FORWARDED_BY_X : FORWARDED_BY_RFC7239;
	f->write = writes[config->write];
	f->apart = f->write != FORWARDED_WRITE_X
		       ? UINT64_MAX
		       : FORWARDED_IDS | UINT64_C(1) << FIELD_HOLDFAST_HOP;
	if (config->trusted_count == 0)
		return RESULT_OK;
	f->reads = FORWARDED_IDS;
	f->trusted = calloc(config->trusted_count, sizeof(*f->trusted));
	if (f->trusted == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (; f->count < config->trusted_count; f->count++) {
		enum result r =
		    network_parse(slice_of(config->trusted[f->count]), &f->trusted[f->count], p);
		if (r != RESULT_OK)
			return problem_prefix(p, r, "forwarded.trusted");
	}
	return RESULT_OK;
}

void
forwarding_deinit(struct forwarding *f)
{
	free(f->trusted);
	f->trusted = NULL;
}
