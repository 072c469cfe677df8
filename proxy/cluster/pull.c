/* pull.c: fetching a document in pieces; see pull.h. */
#include "cluster/pull.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void
ask(const struct pull *p, size_t piece, struct outbox *out)
{
	struct outgoing *o = outbox_add(out, p->from, DATAGRAM_READ);
	put_text(o, p->role);
	put_u64(o, p->number);
	put_u8(o, REGISTER_PIECE);
	stamp_put(o, &p->stamp);
	put_u32(o, (uint32_t)(piece * PIECE_BYTES));
}

static void
ask_on(struct pull *p, uint64_t now, struct outbox *out)
{
	while (p->asked < p->pieces && p->asked - p->got < PIECE_WINDOW)
		ask(p, p->asked++, out);
	p->resend_at = now + p->resend_ms;
}

bool
pull_start(struct pull *p, const char *role, const struct register_head *head, cluster_node from,
	   uint64_t number, uint64_t resend_ms, uint64_t now, struct outbox *out)
{
	assert(head->bytes > 0 && head->bytes <= DOCUMENT_BYTES_MAX);
	pull_stop(p);
	p->at = malloc(head->bytes);
	if (p->at == NULL)
		return false;
	p->from = from;
	p->number = number;
	memcpy(p->role, role, strlen(role) + 1);
	p->stamp = head->stamp;
	memcpy(p->digest, head->digest, sizeof(p->digest));
	p->bytes = head->bytes;
	p->pieces = (head->bytes + PIECE_BYTES - 1) / PIECE_BYTES;
	p->resend_ms = resend_ms;
	ask_on(p, now, out);
	return true;
}

void
pull_stop(struct pull *p)
{
	free(p->at);
	*p = (struct pull){.at = NULL};
}

static struct document *
finish(struct pull *p)
{
	struct document *d = document_create(p->at, p->bytes);
	if (d != NULL && memcmp(d->digest, p->digest, sizeof(p->digest)) != 0)
		document_unref(&d);
	pull_stop(p);
	return d;
}

struct document *
pull_receive(struct pull *p, uint64_t now, cluster_node from, const char *role, uint64_t number,
	     struct body *b, struct outbox *out)
{
	struct stamp stamp = stamp_get(b);
	size_t offset = get_u32(b);
	if (b->bad || p->at == NULL || from != p->from || number != p->number ||
	    strcmp(role, p->role) != 0 || stamp_compare(&stamp, &p->stamp) != 0)
		return NULL;
	size_t piece = offset / PIECE_BYTES;
	if (offset % PIECE_BYTES != 0 || piece >= p->pieces || p->has[piece])
		return NULL;
	size_t bytes = p->bytes - offset < PIECE_BYTES ? p->bytes - offset : PIECE_BYTES;
	const uint8_t *at = get_bytes(b, bytes);
	if (at == NULL || !body_whole(b))
		return NULL;
	memcpy(p->at + offset, at, bytes);
	p->has[piece] = 1;
	p->got++;
	p->tries = 0;
	if (p->got == p->pieces)
		return finish(p);
	ask_on(p, now, out);
	return NULL;
}

void
pull_tick(struct pull *p, uint64_t now, struct outbox *out)
{
	if (p->at == NULL || now < p->resend_at)
		return;
	if (p->tries++ == PULL_TRIES) {
		pull_stop(p);
		return;
	}
	size_t again = 0;
	for (size_t i = 0; i < p->asked && again < PIECE_WINDOW; i++) {
		if (p->has[i])
			continue;
		ask(p, i, out);
		again++;
	}
	p->resend_at = now + p->resend_ms;
}

uint64_t
pull_next(const struct pull *p)
{
	return p->at == NULL ? CLUSTER_NEVER : p->resend_at;
}

bool
pull_answer(const struct document *d, const struct stamp *stamp, cluster_node to, const char *role,
	    uint64_t number, struct body *b, struct outbox *out)
{
	struct stamp wanted = stamp_get(b);
	size_t offset = get_u32(b);
	if (!body_whole(b) || d == NULL || stamp_compare(&wanted, stamp) != 0 ||
	    offset >= d->bytes || offset % PIECE_BYTES != 0)
		return false;
	size_t bytes = d->bytes - offset < PIECE_BYTES ? d->bytes - offset : PIECE_BYTES;
	struct outgoing *o = outbox_add(out, to, DATAGRAM_HELD);
	put_text(o, role);
	put_u64(o, number);
	put_u8(o, REGISTER_PIECE);
	stamp_put(o, stamp);
	put_u32(o, (uint32_t)offset);
	put_bytes(o, d->at + offset, bytes);
	return true;
}
