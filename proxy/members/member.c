/* member.c: what of a member outlives a reload; see member.h. */
#include "members/member.h"

#include <stdlib.h>
#include <string.h>

struct member_live *
member_live_create(const struct addr *origin, const struct addr *source, struct tls_client *tls,
		   unsigned workers)
{
	/* The loads are padded to a cache line; malloc aligns to less. */
	size_t bytes = sizeof(struct member_live) + workers * sizeof(struct member_load);
	struct member_live *m = aligned_alloc(_Alignof(struct member_load), bytes);
	if (m == NULL)
		return NULL;
	memset(m, 0, bytes);
	atomic_init(&m->refs, 1);
	m->workers = workers;
	m->origin = *origin;
	m->source = *source;
	m->tls = tls == NULL ? NULL : tls_client_ref(tls);
	m->verdict.state = MEMBER_UP;
	m->place = MEMBER_NONE;
	places_init(&m->places);
	return m;
}

void
member_live_succeed(struct member_live *m, const struct member_live *before)
{
	unsigned workers = m->workers < before->workers ? m->workers : before->workers;
	m->verdict = before->verdict;
	m->check = before->check;
	m->history = before->history;
	m->weights_refused = before->weights_refused;
	atomic_store_explicit(&m->said, atomic_load_explicit(&before->said, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&m->wants_success,
			      atomic_load_explicit(&before->wants_success, memory_order_relaxed),
			      memory_order_relaxed);
	/* Nobody counts in `m` yet. What still ends at `before` is counted there, and lost. */
	for (unsigned i = 0; i < workers; i++) {
		const struct member_load *from = &before->load[i];
		atomic_store_explicit(&m->load[i].attempts,
				      atomic_load_explicit(&from->attempts, memory_order_relaxed),
				      memory_order_relaxed);
		atomic_store_explicit(&m->load[i].failures,
				      atomic_load_explicit(&from->failures, memory_order_relaxed),
				      memory_order_relaxed);
		/* The same worker counts in both. */
		struct latency_cell *latency =
		    atomic_load_explicit(&from->latency, memory_order_acquire);
		if (latency != NULL)
			atomic_store_explicit(&m->load[i].latency, latency_cell_ref(latency),
					      memory_order_release);
	}
}

struct latency_cell *
member_live_latency(struct member_live *m, unsigned worker)
{
	struct member_load *load = &m->load[worker];
	struct latency_cell *cell = atomic_load_explicit(&load->latency, memory_order_relaxed);
	if (cell == NULL) {
		cell = latency_cell_create();
		atomic_store_explicit(&load->latency, cell, memory_order_release);
	}
	return cell;
}

void
member_live_read_latency(const struct member_live *m, struct latency_sum done[AFFINITIES])
{
	for (unsigned worker = 0; worker < m->workers; worker++) {
		const struct latency_cell *cell =
		    atomic_load_explicit(&m->load[worker].latency, memory_order_acquire);
		for (size_t i = 0; cell != NULL && i < AFFINITIES; i++)
			latency_read(&cell->done[i], &done[i]);
	}
}

struct member_live *
member_live_ref(struct member_live *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void
member_live_unref(struct member_live **held)
{
	struct member_live *m = *held;
	*held = NULL;
	if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	places_deinit(&m->places);
	for (unsigned worker = 0; worker < m->workers; worker++) {
		struct tls_tickets *tickets = m->load[worker].tickets;
		latency_cell_unref(
		    atomic_load_explicit(&m->load[worker].latency, memory_order_acquire));
		if (tickets != NULL)
			tls_tickets_deinit(tickets);
		free(tickets);
	}
	tls_client_unref(&m->tls);
	free(m);
}

unsigned
member_live_active(const struct member_live *m)
{
	unsigned sum = 0;
	for (unsigned worker = 0; worker < m->workers; worker++)
		sum += atomic_load_explicit(&m->load[worker].active, memory_order_relaxed);
	return sum;
}
