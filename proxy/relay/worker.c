/* worker.c: what a request needs on its thread; see worker.h. The loop itself is in worker_ev.c. */
#include "relay/worker.h"
#include "relay/h2_links.h"

#include "base/clock.h"
#include "relay/racing.h"
#include "relay/upstream.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- generations ------------------------------------------------------------------------------
 */

struct worker_generation *
worker_generation_create(struct services *services)
{
	struct worker_generation *g =
	    calloc(1, sizeof(*g) + services->count * sizeof(struct service_slot));
	if (g == NULL)
		return NULL;
	g->users = 1;
	g->services = services_ref(services);
	for (size_t i = 0; i < services->count; i++) {
		g->slot[i].generation = g;
		g->slot[i].service = &services->list[i];
	}
	return g;
}

void
worker_generation_put(struct worker_generation *g)
{
	if (--g->users > 0)
		return;
	services_unref(&g->services);
	free(g);
}

static struct service_slot *
slot_of_pool(struct worker_generation *g, const struct pool *pool)
{
	for (size_t i = 0; i < g->services->count; i++) {
		if (g->slot[i].service->pool == pool)
			return &g->slot[i];
	}
	return NULL;
}

/* Keeps the idle connections of a later membership alone; `m` NULL: none. */
static void
keep_idle_of(struct worker *w, struct service_slot *slot, struct membership *m)
{
	struct membership *before = slot->membership;
	slot->membership = m == NULL ? NULL : membership_ref(m);
	for (size_t i = 0; before != NULL && i < before->count; i++) {
		if (m == NULL || membership_find(m, &before->member[i]) == MEMBER_NONE)
			upstreams_close_idle(w, before->member[i].live);
	}
	membership_unref(&before);
}

/* Hands what belongs to the services to those of the next generation; the rest ends. */
static void
slots_hand_over(struct worker *w, struct worker_generation *from, struct worker_generation *to)
{
	for (size_t i = 0; i < from->services->count; i++) {
		struct service_slot *old = &from->slot[i];
		struct service_slot *next =
		    to == NULL ? NULL : slot_of_pool(to, old->service->pool);
		if (next != NULL) {
			next->lease = old->lease;
			next->membership = old->membership;
			next->reviewed = old->reviewed;
			old->lease = NULL;
			old->membership = NULL;
			continue;
		}
		keep_idle_of(w, old, NULL);
		if (old->lease != NULL)
			worker_view_put(w, &old->lease);
	}
}

static void
take_limits(struct worker *w)
{
	const struct config_limits *limits = &w->services->config->limits;
	w->limits = (struct parse_limits){.head_bytes_max = limits->head_bytes_max,
					  .target_bytes_max = limits->target_bytes_max,
					  .fields_max = limits->headers_max};
}

static bool
log_access_to(struct worker *w, struct sink *sink)
{
	if (w->access != NULL)
		access_batch_flush(w->access);
	if (w->access == NULL && sink != NULL)
		w->access = calloc(1, sizeof(*w->access));
	if (sink == NULL) {
		free(w->access);
		w->access = NULL;
		return true;
	}
	if (w->access == NULL)
		return false;
	w->access->sink = sink;
	w->access->combined = w->services->config->log_access_combined;
	w->access->hide_query = !w->services->config->log_access_query;
	return true;
}

bool
worker_adopt(struct worker *w, struct worker_generation *next, struct sink *access)
{
	struct worker_generation *before = w->generation;
	w->generation = next;
	w->services = next->services;
	for (size_t i = 0; i < next->services->count; i++) {
		assert(next->slot[i].service != NULL);
		next->slot[i].tally = tally_cell(next->slot[i].service->tally, w->number);
	}
	if (before != NULL) {
		slots_hand_over(w, before, next);
		worker_generation_put(before);
	}
	take_limits(w);
	return log_access_to(w, access);
}

/* ---- the worker -------------------------------------------------------------------------------
 */

struct worker *
worker_create(unsigned number, struct worker_shared *shared, struct event_base *base)
{
	struct worker_generation *g = worker_generation_create(shared->services);
	struct worker *w = calloc(1, sizeof(*w));
	if (w == NULL || g == NULL) {
		free(w);
		if (g != NULL)
			worker_generation_put(g);
		return NULL;
	}
	w->number = number;
	w->shared = shared;
	w->base = base;
	w->unrouted = tally_cell(shared->unrouted, number);
	for (size_t i = 0; i < VIA_VERSIONS; i++)
		w->via[i] = slice_of(shared->via[i]);
	buf_pool_init(&w->bufs, 0);
	places_mailbox_init(&w->mailbox);
	mailbox_init(&w->letters, 0, NULL, NULL);
	prng_seed(&w->prng);
	worker_tell_time(w);
	wheel_init(&w->wheel, w->now_ms);
	ticket_keys_init(&w->tickets, shared->tickets, w->now_ms);
	w->out = writer_on(w->out_bytes, sizeof(w->out_bytes));
	w->answer_limits = (struct parse_limits){.head_bytes_max = HTTP_HEAD_BYTES_MAX,
						 .target_bytes_max = HTTP_HEAD_BYTES_MAX,
						 .fields_max = HTTP_FIELDS_MAX};
	w->parser = parser_create();
	bool logs = worker_adopt(w, g, shared->access);
	if (w->parser == NULL || !logs)
		worker_free(&w);
	return w;
}

static void
pipes_free(struct worker *w)
{
	while (w->spare_pipes != NULL) {
		struct pipe_pair *pipe = w->spare_pipes;
		w->spare_pipes = pipe->next;
		(void)close(pipe->in);
		(void)close(pipe->out);
		free(pipe);
	}
}

void
worker_free(struct worker **held)
{
	struct worker *w = *held;
	if (w == NULL)
		return;
	*held = NULL;
	assert(w->client_count == 0 && w->exchanges == 0);
	racing_free(w);
	slots_hand_over(w, w->generation, NULL);
	h2_links_release(w);
	worker_sweep(w);
	worker_generation_put(w->generation);
	exchange_spares_free(w);
	pipes_free(w);
	(void)log_access_to(w, NULL);
	parser_free(&w->parser);
	places_mailbox_deinit(&w->mailbox);
	mailbox_deinit(&w->letters);
	buf_pool_deinit(&w->bufs);
	free(w);
}

void
worker_tell_time(struct worker *w)
{
	w->now_us = clock_us();
	w->now_ms = w->now_us / 1000;
	w->time_stale = false;
}

struct slice
worker_date(struct worker *w)
{
	uint64_t wall_ms = clock_wall_ms();
	if (wall_ms / 1000 != w->date_s) {
		struct writer text = writer_on(w->date, sizeof(w->date));
		write_http_date(&text, wall_ms);
		(void)writer_text(&text);
		w->date_s = wall_ms / 1000;
	}
	return slice_of(w->date);
}

void
worker_trash(struct worker *w, struct trash *t, void (*drop)(struct worker *, struct trash *))
{
	t->drop = drop;
	t->next = w->trash;
	w->trash = t;
}

void
worker_sweep(struct worker *w)
{
	while (w->trash != NULL) {
		struct trash *t = w->trash;
		w->trash = t->next;
		t->drop(w, t);
	}
}

static void
expire(struct wheel_timer *timer, void *context)
{
	struct deadline *d = (struct deadline *)timer;
	(void)context;
	d->fire(d);
}

/* Opinions change rarely: exchanges under way hear of it here, new ones at once. */
static void
review_views(struct worker *w)
{
	for (size_t i = 0; i < w->services->count; i++) {
		struct service_slot *slot = &w->generation->slot[i];
		uint64_t generation = pool_generation(slot->service->pool);
		if (slot->reviewed == generation)
			continue;
		slot->reviewed = generation;
		exchanges_review(w, slot);
	}
}

void
worker_tick(struct worker *w)
{
	worker_tell_time(w);
	review_views(w);
	if (w->behind != NULL)
		mesh_go_on(w);
	wheel_run(&w->wheel, w->now_ms, expire, w);
	if (w->access != NULL)
		access_batch_flush(w->access);
	worker_sweep(w);
}

static void
lease_drop(struct view_lease *lease)
{
	assert(lease->users > 0);
	if (--lease->users == 0) {
		view_unref(&lease->view);
		free(lease);
	}
}

struct view_lease *
worker_view_get(struct worker *w, struct service_slot *slot)
{
	struct view_lease *lease = slot->lease;
	if (lease == NULL || lease->view->generation != pool_generation(slot->service->pool)) {
		struct view_lease *fresh = malloc(sizeof(*fresh));
		if (fresh == NULL && lease == NULL)
			return NULL;
		if (fresh != NULL) {
			fresh->view = pool_view(slot->service->pool);
			fresh->users = 1;
			if (lease != NULL)
				lease_drop(lease);
			slot->lease = fresh;
			lease = fresh;
			if (slot->membership != fresh->view->membership)
				keep_idle_of(w, slot, fresh->view->membership);
		}
	}
	lease->users++;
	return lease;
}

void
worker_view_put(struct worker *w, struct view_lease **lease)
{
	(void)w;
	lease_drop(*lease);
	*lease = NULL;
}

struct pipe_pair *
worker_pipe_get(struct worker *w)
{
	struct pipe_pair *pipe = w->spare_pipes;
	if (pipe != NULL) {
		w->spare_pipes = pipe->next;
		w->spare_pipe_count--;
		return pipe;
	}
	int ends[2];
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1)
		return NULL;
	pipe = malloc(sizeof(*pipe));
	if (pipe == NULL) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return NULL;
	}
	/* Larger is faster; the default works where the limit forbids it. */
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	*pipe = (struct pipe_pair){.out = ends[0], .in = ends[1]};
	return pipe;
}

void
worker_pipe_put(struct worker *w, struct pipe_pair **held, bool clean)
{
	struct pipe_pair *pipe = *held;
	*held = NULL;
	if (pipe == NULL)
		return;
	if (clean && w->spare_pipe_count < PIPES_SPARE_MAX) {
		pipe->next = w->spare_pipes;
		w->spare_pipes = pipe;
		w->spare_pipe_count++;
		return;
	}
	(void)close(pipe->in);
	(void)close(pipe->out);
	free(pipe);
}
