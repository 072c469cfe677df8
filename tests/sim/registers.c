/* registers.c: the checker of histories; see registers.h. */
#include "registers.h"

#include <stdio.h>
#include <stdlib.h>

struct zone {
	uint64_t value;
	uint64_t write_start;
	uint64_t first_end;
	uint64_t last_start;
	bool written;
	bool read;
};

size_t
register_history_begin(struct register_history *h, bool write, uint64_t value, uint64_t now)
{
	if (h->count == REGISTER_OPERATIONS_MAX)
		return REGISTER_OPERATIONS_MAX;
	h->operation[h->count] = (struct register_operation){write, value, now, REGISTER_PENDING};
	return h->count++;
}

static int
by_value(const void *a, const void *b)
{
	const struct register_operation *x = a;
	const struct register_operation *y = b;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return 0;
}

static bool
forward(const struct zone *z)
{
	return z->first_end < z->last_start;
}

static const char *
say(const char *what, const struct zone *a, const struct zone *b)
{
	static char text[200];
	(void)snprintf(text, sizeof(text), "%s: values %llu and %llu", what,
		       (unsigned long long)a->value, (unsigned long long)b->value);
	return text;
}

static const char *
compare(const struct zone *a, const struct zone *b)
{
	if (forward(a) && forward(b) && a->first_end < b->last_start &&
	    b->first_end < a->last_start)
		return say("each was read between the other's write and read", a, b);
	if (forward(a) && !forward(b) && a->first_end < b->last_start &&
	    b->first_end < a->last_start)
		return say("the second was there only while the first was", a, b);
	return NULL;
}

/* Zones of all values that were read or whose write ended. */
static size_t
make_zones(struct register_operation *sorted, size_t count, struct zone *zones)
{
	size_t made = 0;
	for (size_t i = 0; i < count;) {
		struct zone z = {.value = sorted[i].value, .first_end = REGISTER_PENDING};
		for (; i < count && sorted[i].value == z.value; i++) {
			const struct register_operation *o = &sorted[i];
			z.written = z.written || o->write;
			z.read = z.read || !o->write;
			if (o->write)
				z.write_start = o->start;
			z.first_end = o->end < z.first_end ? o->end : z.first_end;
			z.last_start = o->start > z.last_start ? o->start : z.last_start;
		}
		if (z.value == 0) { /* written before all */
			z.written = true;
			z.first_end = 0;
		}
		if (z.first_end != REGISTER_PENDING)
			zones[made++] = z;
	}
	return made;
}

static const char *
check_zones(const struct zone *zones, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!zones[i].written)
			return say("read, and never written", &zones[i], &zones[i]);
		if (zones[i].read && zones[i].value != 0 &&
		    zones[i].first_end < zones[i].write_start)
			return say("read before it was written", &zones[i], &zones[i]);
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			const char *found = i == j ? NULL : compare(&zones[i], &zones[j]);
			if (found != NULL)
				return found;
		}
	}
	return NULL;
}

const char *
register_history_check(const struct register_history *h)
{
	struct register_operation *sorted = calloc(h->count + 1, sizeof(*sorted));
	struct zone *zones = calloc(h->count + 1, sizeof(*zones));
	if (sorted == NULL || zones == NULL)
		abort();
	size_t count = 0;
	for (size_t i = 0; i < h->count; i++)
		if (h->operation[i].write || h->operation[i].end != REGISTER_PENDING)
			sorted[count++] = h->operation[i];
	qsort(sorted, count, sizeof(*sorted), by_value);
	const char *found = check_zones(zones, make_zones(sorted, count, zones));
	free(sorted);
	free(zones);
	return found;
}
