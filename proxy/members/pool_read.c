/* pool_read.c: all members of a pool at one moment; see pool.h. */
#include "members/pool_inside.h"

#include <stdlib.h>

static void
read_load(const struct member_live *member, struct pool_member *out)
{
	out->waiting = places_waiting(&member->places);
	for (unsigned worker = 0; worker < member->workers; worker++) {
		const struct member_load *load = &member->load[worker];
		out->active += atomic_load_explicit(&load->active, memory_order_relaxed);
		out->attempts += atomic_load_explicit(&load->attempts, memory_order_relaxed);
		out->failures += atomic_load_explicit(&load->failures, memory_order_relaxed);
	}
}

/* The lock is held. */
static struct pool_member
read_member(const struct pool *pool, const struct membership_member *m, uint64_t now_ms)
{
	const struct member_live *live = m->live;
	const struct verdict *v = &live->verdict;
	uint64_t over_ms = v->risen_ms != 0 ? v->risen_ms + pool->rules.slow_start_ms : 0;
	unsigned ramp = weight_ramp(v->risen_ms, pool->rules.slow_start_ms, now_ms);
	struct pool_member out = {
	    .state = (enum member_state)v->state,
	    .order = (enum member_state)v->order,
	    .reason = verdict_reason(v),
	    .since_ms = v->since_ms,
	    .check = live->check,
	    .history = live->history,
	    .said = atomic_load_explicit(&live->said, memory_order_relaxed),
	    .weights_refused = live->weights_refused,
	    .slow_start_left_ms = over_ms > now_ms ? over_ms - now_ms : 0,
	};
	out.share = weight_share(m->weight, out.said, ramp);
	return out;
}

bool
pool_is_checked(struct pool *pool, const struct member_live *member, uint64_t since_ms)
{
	(void)pthread_mutex_lock(&pool->lock);
	bool is = member->check.well && member->check.at_ms >= since_ms;
	(void)pthread_mutex_unlock(&pool->lock);
	return is;
}

enum result
pool_read(struct pool *pool, uint64_t now_ms, struct pool_reading *out)
{
	struct view *view = pool_view(pool);
	struct membership *m = membership_ref(view->membership);
	view_unref(&view);
	*out = (struct pool_reading){m, calloc(m->count + 1, sizeof(*out->member))};
	if (out->member == NULL) {
		membership_unref(&out->membership);
		return RESULT_NO_MEMORY;
	}
	(void)pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < m->count; i++)
		out->member[i] = read_member(pool, &m->member[i], now_ms);
	(void)pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < m->count; i++)
		read_load(m->member[i].live, &out->member[i]);
	return RESULT_OK;
}

void
pool_reading_deinit(struct pool_reading *reading)
{
	membership_unref(&reading->membership);
	free(reading->member);
	reading->member = NULL;
}
