/* exposition.c: see exposition.h. */
#include "cli/exposition.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FAMILY "holdfast_request_duration_seconds"

struct line {
	bool bucket; /* else the count */
	struct slice service;
	struct slice member; /* empty: no label */
	struct slice affinity;
	struct slice bound;
	uint64_t value;
};

/* ---- one line ---------------------------------------------------------------------------------
 */

/* name="value" off *rest, which begins behind '{' or ','. No value of ours holds a '"'. */
static bool
next_label(struct slice *rest, struct slice *name, struct slice *value)
{
	size_t equals = slice_find(*rest, '=');
	if (equals + 1 >= rest->bytes || rest->at[equals + 1] != '"')
		return false;
	*name = (struct slice){rest->at, equals};
	*rest = (struct slice){rest->at + equals + 2, rest->bytes - equals - 2};
	size_t end = slice_find(*rest, '"');
	if (end == rest->bytes)
		return false;
	*value = (struct slice){rest->at, end};
	*rest = (struct slice){rest->at + end + 1, rest->bytes - end - 1};
	if (rest->bytes > 0 && rest->at[0] == ',')
		*rest = (struct slice){rest->at + 1, rest->bytes - 1};
	return true;
}

static void
take_label(struct line *line, struct slice name, struct slice value)
{
	if (slice_equal(name, SLICE("service")))
		line->service = value;
	else if (slice_equal(name, SLICE("member")) && !slice_equal(value, SLICE("-")))
		line->member = value;
	else if (slice_equal(name, SLICE("affinity")))
		line->affinity = value;
	else if (slice_equal(name, SLICE("le")))
		line->bound = value;
}

/* Cuts what stands before it off. */
static bool
skip(struct slice *s, struct slice prefix)
{
	if (!slice_has_prefix(*s, prefix))
		return false;
	*s = (struct slice){s->at + prefix.bytes, s->bytes - prefix.bytes};
	return true;
}

static bool
read_line(struct slice text, struct line *out)
{
	struct slice name;
	struct slice value;
	*out = (struct line){.bucket = true};
	if (!skip(&text, SLICE(FAMILY)))
		return false;
	if (!skip(&text, SLICE("_bucket{"))) {
		out->bucket = false;
		if (!skip(&text, SLICE("_count{")))
			return false;
	}
	while (text.bytes > 0 && text.at[0] != '}') {
		if (!next_label(&text, &name, &value))
			return false;
		take_label(out, name, value);
	}
	return skip(&text, SLICE("} ")) && slice_to_u64(text, &out->value) &&
	       out->service.bytes < HISTOGRAM_NAME_BYTES &&
	       out->member.bytes < HISTOGRAM_NAME_BYTES;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

void
histograms_init(struct histograms *h)
{
	*h = (struct histograms){.list = NULL};
}

void
histograms_deinit(struct histograms *h)
{
	free(h->list);
	histograms_init(h);
}

static bool
is_of(const struct histogram *one, struct slice service, struct slice member)
{
	return slice_equal(slice_of(one->service), service) &&
	       slice_equal(slice_of(one->member), member);
}

/* Its place; SIZE_MAX: it is not there. */
static size_t
place_of(const struct histograms *h, struct slice service, struct slice member)
{
	for (size_t i = 0; i < h->count; i++) {
		if (is_of(&h->list[i], service, member))
			return i;
	}
	return SIZE_MAX;
}

const struct histogram *
histograms_find(const struct histograms *h, const char *service, const char *member)
{
	size_t place = place_of(h, slice_of(service), slice_of(member));
	return place != SIZE_MAX ? &h->list[place] : NULL;
}

static bool
grow_list(struct histograms *h)
{
	if (h->count < h->capacity)
		return true;
	size_t wanted = h->capacity > 0 ? 2 * h->capacity : 16;
	struct histogram *list = realloc(h->list, wanted * sizeof(*list));
	if (list == NULL)
		return false;
	h->list = list;
	h->capacity = wanted;
	return true;
}

/* NULL: above the bound, or no memory: *whole is false then. */
static struct histogram *
get(struct histograms *h, struct slice service, struct slice member, bool *whole)
{
	size_t *present = &h->present[member.bytes > 0];
	assert(h->list != NULL || h->count == 0);
	if (*present < h->count && is_of(&h->list[*present], service, member))
		return &h->list[*present];
	*present = place_of(h, service, member);
	if (*present != SIZE_MAX)
		return &h->list[*present];
	*present = h->count;
	if (h->count == HISTOGRAMS_MAX)
		return NULL;
	*whole = grow_list(h);
	if (!*whole)
		return NULL;
	struct histogram *one = &h->list[h->count++];
	*one = (struct histogram){.buckets = 0};
	(void)snprintf(one->service, sizeof(one->service), "%.*s", SLICE_ARG(service));
	(void)snprintf(one->member, sizeof(one->member), "%.*s", SLICE_ARG(member));
	return one;
}

/* Bounds come in the same sequence in all of them. */
static void
add_bucket(struct histogram *one, const struct line *line)
{
	char text[64];
	if (line->bound.bytes == 0 || line->bound.bytes >= sizeof(text))
		return;
	(void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(line->bound));
	double bound = slice_equal(line->bound, SLICE("+Inf")) ? INFINITY : strtod(text, NULL);
	size_t i = 0;
	while (i < one->buckets && one->bound_s[i] < bound)
		i++;
	if (i == HISTOGRAM_BUCKETS_MAX || (i < one->buckets && one->bound_s[i] > bound))
		return;
	if (i == one->buckets) {
		one->bound_s[one->buckets++] = bound;
		one->count[i] = 0;
	}
	one->count[i] += line->value;
}

static bool
add_line(struct histograms *h, const struct line *line, struct slice member)
{
	bool whole = true;
	struct histogram *one = get(h, line->service, member, &whole);
	if (one == NULL)
		return whole;
	if (line->bucket)
		add_bucket(one, line);
	else if (slice_equal(line->affinity, SLICE("failover")))
		one->failovers += line->value;
	return true;
}

bool
histograms_read(struct histograms *h, struct slice page)
{
	bool whole = true;
	while (page.bytes > 0 && whole) {
		struct line line;
		size_t end = slice_find(page, '\n');
		if (read_line((struct slice){page.at, end}, &line)) {

			whole = add_line(h, &line, SLICE_NONE);
			if (whole && line.member.bytes > 0)
				whole = add_line(h, &line, line.member);
		}
		end += end < page.bytes;
		page = (struct slice){page.at + end, page.bytes - end};
	}
	return whole;
}

/* ---- what they say ----------------------------------------------------------------------------
 */

uint64_t
histogram_total(const struct histogram *h)
{
	return h != NULL && h->buckets > 0 ? h->count[h->buckets - 1] : 0;
}

/* Counted up to bound `i` after `then`. */
static double
up_to(const struct histogram *now, const struct histogram *then, size_t i)
{
	uint64_t before = then != NULL && i < then->buckets ? then->count[i] : 0;
	return now->count[i] > before ? (double)(now->count[i] - before) : 0;
}

double
histogram_quantile(const struct histogram *now, const struct histogram *then, double q)
{
	if (now == NULL || now->buckets == 0 || up_to(now, then, now->buckets - 1) <= 0)
		return NAN;
	double wanted = q * up_to(now, then, now->buckets - 1);
	size_t i = 0;
	while (i + 1 < now->buckets && up_to(now, then, i) < wanted)
		i++;
	double low = i > 0 ? now->bound_s[i - 1] : 0;
	double below = i > 0 ? up_to(now, then, i - 1) : 0;
	double within = up_to(now, then, i) - below;
	if (isinf(now->bound_s[i]) || within <= 0)
		return low;
	return low + (now->bound_s[i] - low) * (wanted - below) / within;
}
