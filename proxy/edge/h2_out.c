/*
 * h2_out.c: frames on their way to a socket: gathered in the worker's scratch, sent with as few
 * calls as can be; what the socket does not take waits in the connection's buffers, and nghttp2 is
 * asked for no more until that is gone.
 */
#include "edge/h2_stream.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/uio.h>

#define OUT_PIECES_MAX  16 /* of one sendmsg(2) */
#define DATA_HEAD_BYTES 9

void
h2_out_heed(struct h2_connection *c)
{
	struct tcp_info info;
	socklen_t bytes = sizeof(info);
	if (getsockopt(c->io.fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == -1 ||
	    info.tcpi_bytes_acked <= c->taken)
		return;
	pace_moved(&c->pace, info.tcpi_bytes_acked - c->taken, c->io.worker->now_ms);
	c->taken = info.tcpi_bytes_acked;
}

/* Bytes that the socket took; a broken connection takes all and sets `gone`. */
static size_t
send_some(struct h2_connection *c, struct iovec *pieces, int count, size_t bytes)
{
	ssize_t n = io_send(&c->io, pieces, count);
	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return 0;
	c->gone = true;
	return bytes;
}

static void
keep(struct h2_connection *c, const char *at, size_t bytes)
{
	while (bytes > 0) {
		if (c->out_last == NULL || buf_room(c->out_last) == 0) {
			struct buf *b = buf_get(&c->io.worker->bufs);
			if (b == NULL) {
				c->gone = true; /* what follows could not be understood */
				return;
			}
			if (c->out_last == NULL)
				c->out = b;
			else
				c->out_last->next = b;
			c->out_last = b;
		}
		struct buf *b = c->out_last;
		size_t take = bytes < buf_room(b) ? bytes : buf_room(b);
		memcpy(b->data + b->to, at, take);
		b->to += (uint32_t)take;
		at += take;
		bytes -= take;
	}
}

/* The scratch is empty afterwards. */
static void
send_gathered(struct h2_connection *c)
{
	struct writer *out = &c->io.worker->h2->out;
	size_t bytes = out->bytes;
	out->bytes = 0;
	if (bytes == 0 || c->gone)
		return;
	struct iovec piece = {out->at, bytes};
	size_t sent = c->out == NULL ? send_some(c, &piece, 1, bytes) : 0;
	keep(c, out->at + sent, bytes - sent);
}

/* Is there room for so many bytes, now or after a send? */
static bool
make_room(struct h2_connection *c, size_t bytes)
{
	const struct writer *out = &c->io.worker->h2->out;
	if (out->capacity - out->bytes >= bytes)
		return true;
	send_gathered(c);
	return c->out == NULL && !c->gone;
}

int
h2_out_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length,
	    nghttp2_data_source *source, void *user)
{
	struct h2_connection *c = user;
	struct h2_stream *s = source->ptr;
	struct writer *out = &c->io.worker->h2->out;
	(void)session;
	(void)frame;
	if (!make_room(c, DATA_HEAD_BYTES + length))
		return c->gone ? NGHTTP2_ERR_CALLBACK_FAILURE : NGHTTP2_ERR_WOULDBLOCK;
	write_bytes(out, head, DATA_HEAD_BYTES);
	h2_answer_take(s, out->at + out->bytes, length);
	out->bytes += length;
	h2_budget_data(&c->budget);
	return 0;
}

void
h2_out_pump(struct h2_connection *c)
{
	struct writer *out = &c->io.worker->h2->out;
	assert(!c->running);
	c->running = true;
	while (c->out == NULL && !c->gone) {
		const uint8_t *at;
		ssize_t n = nghttp2_session_mem_send(c->session, &at);
		if (n < 0) {
			c->gone = true;
			c->why = HTTP2_END_NO_MEMORY;
		}
		if (n <= 0)
			break;
		/* No frame but DATA is larger than the scratch: a head is bounded far below it. */
		if (!make_room(c, (size_t)n) && c->gone)
			break;
		if (c->out != NULL)
			keep(c, (const char *)at, (size_t)n);
		else
			write_bytes(out, at, (size_t)n);
	}
	c->running = false;
	send_gathered(c);
}

static void
drop_sent(struct h2_connection *c, size_t sent)
{
	buf_chain_drop(&c->io.worker->bufs, &c->out, sent);
	if (c->out == NULL)
		c->out_last = NULL;
}

void
h2_out_drain(struct h2_connection *c)
{
	struct iovec pieces[OUT_PIECES_MAX];
	int count = 0;
	size_t bytes = 0;
	for (struct buf *b = c->out; b != NULL && count < OUT_PIECES_MAX; b = b->next) {
		pieces[count++] = (struct iovec){b->data + b->from, buf_held(b)};
		bytes += buf_held(b);
	}
	if (count > 0)
		drop_sent(c, send_some(c, pieces, count, bytes));
}

void
h2_out_drop(struct h2_connection *c)
{
	while (c->out != NULL) {
		struct buf *b = c->out;
		c->out = b->next;
		buf_put(&c->io.worker->bufs, &b);
	}
	c->out_last = NULL;
}
