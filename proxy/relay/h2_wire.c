/* h2_wire.c: see h2_wire.h. */
#include "relay/h2_wire.h"

#include <assert.h>
#include <errno.h>
#include <sys/uio.h>

#define OUT_PIECES_MAX  16 /* of one sendmsg(2) */
#define DATA_HEAD_BYTES 9

bool
h2_chain_put(struct worker *w, struct buf **first, struct buf **last, const char *at, size_t bytes)
{
	while (bytes > 0) {
		struct buf *b = *last;
		if (b == NULL || buf_room(b) == 0) {
			b = buf_get(&w->bufs);
			if (b == NULL)
				return false;
			if (*last == NULL)
				*first = b;
			else
				(*last)->next = b;
			*last = b;
		}
		size_t take = bytes < buf_room(b) ? bytes : buf_room(b);
		memcpy(b->data + b->to, at, take);
		b->to += (uint32_t)take;
		at += take;
		bytes -= take;
	}
	return true;
}

void
h2_chain_take(struct worker *w, struct buf **first, struct buf **last, char *to, size_t bytes)
{
	while (bytes > 0) {
		struct buf *b = *first;
		size_t take = bytes < buf_held(b) ? bytes : buf_held(b);
		memcpy(to, b->data + b->from, take);
		b->from += (uint32_t)take;
		to += take;
		bytes -= take;
		if (buf_held(b) > 0)
			return;
		*first = b->next;
		buf_put(&w->bufs, &b);
	}
	if (*first == NULL)
		*last = NULL;
}

/* Bytes that the socket took; a broken connection takes all and sets `gone`. */
static size_t
send_some(struct h2_wire *wire, struct iovec *pieces, int count, size_t bytes)
{
	ssize_t n = io_send(wire->io, pieces, count);
	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return 0;
	wire->gone = true;
	return bytes;
}

/* Without memory it is gone: what follows could not be understood. */
static void
keep(struct h2_wire *wire, const char *at, size_t bytes)
{
	if (!h2_chain_put(wire->io->worker, &wire->out, &wire->out_last, at, bytes))
		wire->gone = true;
}

/* The scratch is empty afterwards. */
static void
send_gathered(struct h2_wire *wire)
{
	struct writer *out = wire->scratch;
	size_t bytes = out->bytes;
	out->bytes = 0;
	if (bytes == 0 || wire->gone)
		return;
	struct iovec piece = {out->at, bytes};
	size_t sent = wire->out == NULL ? send_some(wire, &piece, 1, bytes) : 0;
	keep(wire, out->at + sent, bytes - sent);
}

/* Is there room for so many bytes, now or after a send? */
static bool
make_room(struct h2_wire *wire, size_t bytes)
{
	const struct writer *out = wire->scratch;
	if (out->capacity - out->bytes >= bytes)
		return true;
	send_gathered(wire);
	return wire->out == NULL && !wire->gone;
}

char *
h2_wire_data(struct h2_wire *wire, const uint8_t *head, size_t length, int *error)
{
	struct writer *out = wire->scratch;
	if (!make_room(wire, DATA_HEAD_BYTES + length)) {
		*error = wire->gone ? NGHTTP2_ERR_CALLBACK_FAILURE : NGHTTP2_ERR_WOULDBLOCK;
		return NULL;
	}
	write_bytes(out, head, DATA_HEAD_BYTES);
	char *at = out->at + out->bytes;
	out->bytes += length;
	return at;
}

void
h2_wire_pump(struct h2_wire *wire)
{
	struct writer *out = wire->scratch;
	assert(!wire->running);
	wire->running = true;
	while (wire->out == NULL && !wire->gone) {
		const uint8_t *at;
		ssize_t n = nghttp2_session_mem_send(wire->session, &at);
		if (n < 0) {
			wire->gone = true;
			wire->no_memory = true;
		}
		if (n <= 0)
			break;
		/* No frame but DATA is larger than the scratch: a head is bounded far below it. */
		if (!make_room(wire, (size_t)n) && wire->gone)
			break;
		if (wire->out != NULL)
			keep(wire, (const char *)at, (size_t)n);
		else
			write_bytes(out, at, (size_t)n);
	}
	wire->running = false;
	send_gathered(wire);
}

void
h2_wire_drain(struct h2_wire *wire)
{
	struct iovec pieces[OUT_PIECES_MAX];
	int count = 0;
	size_t bytes = 0;
	for (struct buf *b = wire->out; b != NULL && count < OUT_PIECES_MAX; b = b->next) {
		pieces[count++] = (struct iovec){b->data + b->from, buf_held(b)};
		bytes += buf_held(b);
	}
	if (count > 0)
		buf_chain_drop(&wire->io->worker->bufs, &wire->out,
			       send_some(wire, pieces, count, bytes));
	if (wire->out == NULL)
		wire->out_last = NULL;
}

void
h2_wire_drop(struct h2_wire *wire)
{
	buf_chain_put(&wire->io->worker->bufs, &wire->out);
	wire->out_last = NULL;
}
