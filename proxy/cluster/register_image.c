/* register_image.c: one voter's part of the register; see register_image.h. */
#include "cluster/register_image.h"

#include <string.h>

int
stamp_compare(const struct stamp *a, const struct stamp *b)
{
	if (a->term != b->term)
		return a->term < b->term ? -1 : 1;
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return 0;
}

void
stamp_put(struct outgoing *o, const struct stamp *stamp)
{
	put_u64(o, stamp->term);
	put_u64(o, stamp->seq);
}

struct stamp
stamp_get(struct body *b)
{
	struct stamp stamp;
	stamp.term = get_u64(b);
	stamp.seq = get_u64(b);
	return stamp;
}

bool
claimant_equal(const struct claimant *a, const struct claimant *b)
{
	return a->node == b->node && a->boot == b->boot;
}

void
register_head_put(struct outgoing *o, const struct register_head *head)
{
	put_u64(o, head->term);
	put_u32(o, head->claimant.node);
	put_u64(o, head->claimant.boot);
	stamp_put(o, &head->stamp);
	put_u32(o, head->bytes);
	put_bytes(o, head->digest, sizeof(head->digest));
}

void
register_head_get(struct body *b, struct register_head *head)
{
	*head = (struct register_head){.term = get_u64(b)};
	head->claimant.node = get_u32(b);
	head->claimant.boot = get_u64(b);
	head->stamp = stamp_get(b);
	head->bytes = get_u32(b);
	const uint8_t *digest = get_bytes(b, sizeof(head->digest));
	if (digest != NULL)
		memcpy(head->digest, digest, sizeof(head->digest));
	if (head->bytes > DOCUMENT_BYTES_MAX)
		b->bad = true;
}

void
register_image_deinit(struct register_image *image)
{
	for (size_t i = 0; i < image->count; i++)
		document_unref(&image->entry[i].document);
	image->count = 0;
}

void
register_image_copy(struct register_image *to, const struct register_image *from)
{
	for (size_t i = 0; i < from->count; i++)
		(void)document_ref(from->entry[i].document);
	register_image_deinit(to);
	*to = *from;
}

struct register_entry *
register_image_find(struct register_image *image, const char *role)
{
	for (size_t i = 0; i < image->count; i++)
		if (strcmp(image->entry[i].role, role) == 0)
			return &image->entry[i];
	return NULL;
}

static struct register_entry *
least_used(struct register_image *image)
{
	struct register_entry *least = NULL;
	for (size_t i = 0; i < image->count; i++) {
		struct register_entry *e = &image->entry[i];
		if (e->head.stamp.term == 0 && (least == NULL || e->used < least->used))
			least = e;
	}
	return least;
}

struct register_entry *
register_image_add(struct register_image *image, const char *role)
{
	struct register_entry *e = register_image_find(image, role);
	if (e != NULL)
		return e;
	if (image->count < ROLES_MAX) {
		e = &image->entry[image->count++];
	} else {
		e = least_used(image);
		if (e == NULL)
			return NULL;
		if (e->head.term > image->floor)
			image->floor = e->head.term;
	}
	*e = (struct register_entry){.head.term = image->floor};
	memcpy(e->role, role, strlen(role) + 1);
	return e;
}

struct register_head
register_image_head(const struct register_image *image, const char *role)
{
	for (size_t i = 0; i < image->count; i++)
		if (strcmp(image->entry[i].role, role) == 0)
			return image->entry[i].head;
	return (struct register_head){.term = image->floor};
}
