/* expected.c: see expected.h. Members with the same two weights are taken together. */
#include "cli/expected.h"

#include <stdlib.h>

struct kind {
	double before;
	double after; /* 0: nobody is moved to it */
	double members;
	double serving; /* of these, how many can serve */
};

static int
kind_compare(const void *left, const void *right)
{
	const struct kind *a = left;
	const struct kind *b = right;
	if (a->before != b->before)
		return a->before < b->before ? -1 : 1;
	return (a->after > b->after) - (a->after < b->after);
}

/* Sorts, and puts equal ones together; returns how many there are. */
static size_t
merge(struct kind *kinds, size_t count)
{
	size_t held = 0;
	qsort(kinds, count, sizeof(*kinds), kind_compare);
	for (size_t i = 0; i < count; i++) {
		if (held > 0 && kind_compare(&kinds[held - 1], &kinds[i]) == 0) {
			kinds[held - 1].members += 1;
			kinds[held - 1].serving += kinds[i].serving;
		} else {
			kinds[held++] = kinds[i];
		}
	}
	return held;
}

/* The part that has this one member as its first before and after. */
static double
stays_with(const struct kind *kinds, size_t count, const struct kind *it)
{
	double sum = 0;
	for (size_t j = 0; j < count; j++) {
		double w = kinds[j].before / it->before;
		double v = kinds[j].after / it->after;
		sum += kinds[j].members * (w > v ? w : v);
	}
	return 1 / sum;
}

/* Nobody serves before or after: all stay with nobody, or all move. */
static bool
is_served(const struct kind *kinds, size_t count, bool after)
{
	bool any = false;
	for (size_t i = 0; i < count; i++)
		any |= (after ? kinds[i].after : kinds[i].before) > 0;
	return any;
}

static double
stays(const struct kind *kinds, size_t count)
{
	if (!is_served(kinds, count, false))
		return is_served(kinds, count, true) ? 0 : 1;
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		if (kinds[i].before > 0 && kinds[i].after > 0 && kinds[i].serving > 0)
			sum += kinds[i].serving * stays_with(kinds, count, &kinds[i]);
	}
	return sum;
}

enum result
expected_moved(const struct expected_member *members, size_t count, bool strict, double *moved,
	       struct problem *p)
{
	struct kind *kinds = calloc(count + 1, sizeof(*kinds));
	if (kinds == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (size_t i = 0; i < count; i++) {
		const struct expected_member *m = &members[i];
		kinds[i] = (struct kind){
		    .before = m->before,
		    .after = m->down && !strict ? 0 : m->after,
		    .members = 1,
		    .serving = !m->down,
		};
	}
	double stay = stays(kinds, merge(kinds, count));
	*moved = stay < 1 ? 1 - stay : 0; /* a sum may be above 1 in its last digit */
	free(kinds);
	return RESULT_OK;
}

double
expected_moved_tagged(const struct expected_member *members, size_t count)
{
	double all = 0;
	double moved = 0;
	for (size_t i = 0; i < count; i++) {
		all += members[i].before;
		if (members[i].down || members[i].gone)
			moved += members[i].before;
	}
	return all > 0 ? moved / all : 0;
}
