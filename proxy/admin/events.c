/* events.c: two halves that change places under a lock, as in record/sink.c; see events.h. */
#include "admin/events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct events {
	atomic_bool followed;
	int bell; /* eventfd */
	pthread_mutex_t lock;
	struct writer filling; /* under the lock; owns its bytes */
	uint64_t lost;         /* under the lock */
	struct writer taken;   /* the control thread's */
};

struct events *
events_create(void)
{
	struct events *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	(void)pthread_mutex_init(&e->lock, NULL);
	e->filling = writer_on(malloc(EVENTS_BYTES_MAX), EVENTS_BYTES_MAX);
	e->taken = writer_on(malloc(EVENTS_BYTES_MAX), EVENTS_BYTES_MAX);
	e->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (e->filling.at == NULL || e->taken.at == NULL || e->bell == -1)
		events_free(&e);
	return e;
}

void
events_free(struct events **held)
{
	struct events *e = *held;
	*held = NULL;
	if (e == NULL)
		return;
	if (e->bell != -1)
		(void)close(e->bell);
	free(e->filling.at);
	free(e->taken.at);
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}

void
events_follow(struct events *e, bool on)
{
	atomic_store_explicit(&e->followed, on, memory_order_relaxed);
}

int
events_bell(const struct events *e)
{
	return e->bell;
}

static void
ring(struct events *e)
{
	uint64_t one = 1;
	if (write(e->bell, &one, sizeof(one)) == -1)
		return; /* rung already, so often that it takes no more */
}

void
events_push(struct events *e, struct slice line)
{
	if (!atomic_load_explicit(&e->followed, memory_order_relaxed))
		return;
	(void)pthread_mutex_lock(&e->lock);
	bool first = e->filling.bytes == 0 && e->lost == 0;
	size_t before = e->filling.bytes;
	write_together(&e->filling, SLICE("data: "), line, SLICE("\n"));
	e->lost += e->filling.bytes == before;
	e->filling.overflow = false;
	(void)pthread_mutex_unlock(&e->lock);
	if (first)
		ring(e);
}

struct slice
events_take(struct events *e, uint64_t *lost)
{
	uint64_t rings;
	if (read(e->bell, &rings, sizeof(rings)) == -1)
		rings = 0; /* asked without being rung */
	(void)rings;
	(void)pthread_mutex_lock(&e->lock);
	struct writer empty = e->taken;
	empty.bytes = 0;
	e->taken = e->filling;
	e->filling = empty;
	*lost = e->lost;
	e->lost = 0;
	(void)pthread_mutex_unlock(&e->lock);
	return (struct slice){e->taken.at, e->taken.bytes};
}
