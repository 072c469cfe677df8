/* status_latency.c: see status_latency.h. */
#include "admin/status.h"

static struct status_latency *
append(struct status *s, struct status_latencies *to, const struct status_latency *kind)
{
	struct status_latency *made = status_alloc(s, sizeof(*made));
	if (made == NULL)
		return NULL;
	*made = *kind;
	if (to->last != NULL)
		to->last->next = made;
	else
		to->first = made;
	to->last = made;
	return made;
}

bool
status_latency_add_done(struct status *s, struct status_latencies *to, const char *member,
			const struct latency_sum done[AFFINITIES])
{
	for (size_t i = 0; i < AFFINITIES; i++) {
		struct status_latency kind = {.member = member,
					      .affinity = (enum affinity)i,
					      .cause = CAUSE_DONE,
					      .sum = done[i]};
		if (kind.sum.count > 0 && append(s, to, &kind) == NULL)
			return false;
	}
	return true;
}

/* ---- endings ----------------------------------------------------------------------------------
 */

struct gathering {
	struct status *status;
	struct status_latencies *to;
	size_t kinds;
	bool failed;
};

static struct status_latency *
find(struct status_latency *from, const char *member, enum affinity affinity, enum cause cause)
{
	while (from != NULL && (from->cause != cause || from->affinity != affinity ||
				strcmp(from->member, member) != 0))
		from = from->next;
	return from;
}

/* Workers have each their own list of kinds; here every kind stands once. */
static void
gather(void *context, const struct ending *ending)
{
	struct gathering *g = context;
	struct latency_sum sum = {0};
	latency_read(&ending->latency, &sum);
	if (sum.count == 0 || g->failed)
		return;
	bool others = g->kinds >= STATUS_ENDINGS_MAX;
	struct status_latency kind = {.member = others ? "" : ending->member,
				      .affinity = others ? AFFINITY_NONE : ending->affinity,
				      .cause = ending->cause};
	struct status_latency *at =
	    find(g->to->first, ending->member, ending->affinity, kind.cause);
	if (at == NULL)
		at = find(g->to->first, kind.member, kind.affinity, kind.cause);
	if (at == NULL) {
		kind.member = status_text(g->status, kind.member);
		at = append(g->status, g->to, &kind);
		g->kinds++;
	}
	if (at != NULL)
		latency_read(&ending->latency, &at->sum);
	else
		g->failed = true;
}

bool
status_latency_add_endings(struct status *s, struct status_latencies *to, const struct tally *tally)
{
	struct gathering g = {.status = s, .to = to};
	tally_endings(tally, gather, &g);
	return !g.failed;
}

struct latency_sum
status_latency_all(const struct status_latencies *l)
{
	struct latency_sum all = {0};
	for (const struct status_latency *at = l->first; at != NULL; at = at->next) {
		all.sum_us += at->sum.sum_us;
		all.count += at->sum.count;
		for (size_t i = 0; i < LATENCY_BUCKETS; i++)
			all.bucket[i] += at->sum.bucket[i];
	}
	return all;
}
