/* fence.c: see fence.h. */
#include "relay/fence.h"

#include <string.h>

static struct fence *
find(struct fences *f, const char *role)
{
	size_t count = atomic_load_explicit(&f->count, memory_order_acquire);
	for (size_t i = 0; i < count; i++)
		if (strcmp(f->list[i].role, role) == 0)
			return &f->list[i];
	return NULL;
}

struct fence *
fences_add(struct fences *f, const char *role)
{
	struct fence *fence = find(f, role);
	size_t count = atomic_load_explicit(&f->count, memory_order_relaxed);
	if (fence != NULL || count == FENCES_MAX)
		return fence;
	fence = &f->list[count];
	memcpy(fence->role, role, strlen(role) + 1);
	atomic_store_explicit(&f->count, count + 1, memory_order_release);
	return fence;
}

/* The term first: who sees the time sees a term that is at least as new. */
void
fence_learn(struct fence *fence, uint64_t term, uint64_t asked_at)
{
	atomic_store_explicit(&fence->term, term, memory_order_relaxed);
	atomic_store_explicit(&fence->asked_at, asked_at, memory_order_release);
}

static bool
is_safe(const struct http_head *head)
{
	return head->method == METHOD_GET || head->method == METHOD_HEAD ||
	       head->method == METHOD_OPTIONS || head->method == METHOD_TRACE;
}

enum cause
fences_judge(struct fences *f, const char *role, const struct http_head *head, uint64_t now)
{
	size_t at = 0;
	uint64_t term;
	if (!http_head_has(head, FIELD_HOLDFAST_TERM))
		return is_safe(head) ? CAUSE_DONE : CAUSE_FENCE_NO_TERM;
	struct fence *fence = find(f, role);
	if (fence == NULL)
		return CAUSE_FENCE_UNSURE;
	uint64_t asked_at = atomic_load_explicit(&fence->asked_at, memory_order_acquire);
	uint64_t known = atomic_load_explicit(&fence->term, memory_order_relaxed);
	unsigned fence_ms = atomic_load_explicit(&f->fence_ms, memory_order_relaxed);
	if (asked_at == 0 || now >= asked_at + fence_ms)
		return CAUSE_FENCE_UNSURE;
	const struct http_field *field = http_field_find_id(head, FIELD_HOLDFAST_TERM, &at);
	if (!slice_to_u64(http_field_value(head, field), &term) || term != known ||
	    http_field_find_id(head, FIELD_HOLDFAST_TERM, &at) != NULL)
		return CAUSE_FENCED;
	return CAUSE_DONE;
}
