/*
 * epochs.h: documents that are a number, a term and a row of letters, for the tests of the machine
 * of epochs: a change appends its letter; "!" is refused, "=" changes nothing.
 */
#ifndef TESTS_CLUSTER_EPOCHS_H
#define TESTS_CLUSTER_EPOCHS_H

#include "cluster/epoch.h"

#include <stdio.h>
#include <string.h>

#define LETTERS_MAX 512

struct letters {
	uint64_t epoch;
	uint64_t term;
	char made[LETTERS_MAX];
};

static inline struct letters
letters_of(const struct document *d)
{
	struct letters l = {.epoch = 0};
	if (d != NULL && d->bytes == sizeof(l))
		memcpy(&l, d->at, sizeof(l));
	return l;
}

static inline enum result
letters_read(void *self, const struct document *d, struct epoch_version *out, struct problem *p)
{
	struct letters l = letters_of(d);
	(void)self;
	if (d->bytes != sizeof(l))
		return problem_set(p, RESULT_INVALID, "no letters");
	*out = (struct epoch_version){.epoch = l.epoch, .term = l.term};
	memcpy(out->digest, d->digest, sizeof(out->digest));
	return RESULT_OK;
}

static inline enum result
letters_make(const struct document *held, struct slice change, uint64_t epoch, uint64_t term,
	     struct document **out, struct problem *p)
{
	struct letters l = letters_of(held);
	*out = NULL;
	if (change.at[0] == '!')
		return problem_set(p, RESULT_INVALID, "refused by its letter");
	if (change.at[0] == '=')
		return RESULT_OK;
	size_t bytes = strlen(l.made);
	if (bytes + 1 == LETTERS_MAX)
		return problem_set(p, RESULT_LIMIT, "too many letters");
	l.made[bytes] = change.at[0];
	l.epoch = epoch;
	l.term = term;
	*out = document_create(&l, sizeof(l));
	return *out == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

#endif
