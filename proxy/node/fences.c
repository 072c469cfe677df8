/* fences.c: see fences.h. */
#include "node/fences.h"

#include "base/log.h"
#include "cluster/plane.h"
#include "config/config.h"

#include <string.h>

#define ROUNDS_A_SETTLE 3

static size_t
count_of(const struct node_fences *f)
{
	return atomic_load_explicit(&f->shared->count, memory_order_relaxed);
}

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	struct node_fences *f = self;
	for (size_t i = 0; i < count_of(f); i++) {
		if (f->engine.ops == NULL || f->round[i].asked_at != 0 || now < f->round[i].next)
			continue;
		f->round[i].asked_at = now;
		engine_read(&f->engine, now, f->shared->list[i].role, out);
	}
}

static uint64_t
next(const void *self)
{
	const struct node_fences *f = self;
	uint64_t next = CLUSTER_NEVER;
	for (size_t i = 0; f->engine.ops != NULL && i < count_of(f); i++)
		if (f->round[i].asked_at == 0 && f->round[i].next < next)
			next = f->round[i].next;
	return next;
}

static void
on_role(void *self, uint64_t now, const struct engine_event *event, struct outbox *out)
{
	struct node_fences *f = self;
	(void)out;
	if (event->kind != ENGINE_READ && event->kind != ENGINE_UNREAD)
		return;
	for (size_t i = 0; i < count_of(f); i++) {
		struct fence *fence = &f->shared->list[i];
		if (f->round[i].asked_at == 0 || strcmp(fence->role, event->role) != 0)
			continue;
		if (event->kind == ENGINE_READ)
			fence_learn(fence, event->term, f->round[i].asked_at);
		f->round[i].next = f->round[i].asked_at + f->period_ms;
		if (f->round[i].next <= now)
			f->round[i].next = now + 1;
		f->round[i].asked_at = 0;
	}
}

static void
hear(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	(void)self; /* no datagram is its own */
	(void)now;
	(void)in;
	(void)out;
}

void
node_fences_start(struct node_fences *f, struct plane *plane, const struct engine *engine,
		  struct fences *shared, uint32_t lease_ms)
{
	uint32_t settle_ms = roles_settle_ms(lease_ms);
	*f = (struct node_fences){.shared = shared, .engine = *engine};
	f->period_ms = settle_ms / ROUNDS_A_SETTLE + 1;
	atomic_store(&shared->fence_ms, settle_ms * FENCE_PER_MILLE_OF_SETTLE / 1000);
	const struct plane_party party = {.name = "fences",
					  .self = f,
					  .receive = hear,
					  .tick = tick,
					  .next = next,
					  .role = on_role};
	plane_join(plane, &party);
}

void
node_fences_adopt(struct node_fences *f, const struct config *config)
{
	for (size_t i = 0; i < config->service_count; i++) {
		const char *role = config->services[i].fence;
		if (role != NULL && fences_add(f->shared, role) == NULL)
			log_error("service %s: fence: more than %d roles", config->services[i].name,
				  FENCES_MAX);
	}
}
