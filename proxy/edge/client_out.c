/* client_out.c: answers to a client; see client_out.h. */
#include "edge/client_out.h"

#include "edge/own_answer.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HEAD_ROOM       (HTTP_HEAD_BYTES_MAX + 8192) /* a member's head and what is added to it */
#define CHUNK_ROOM      64                           /* a chunk's size line, or its end */
#define DATA_COPY_MAX   4096 /* smaller pieces are gathered in the scratch */
#define OUT_PIECES_MAX  16   /* of one sendmsg(2) */
#define DATA_PIECES_MAX 3    /* scratch, data, chunk end */

/* ---- sending ----------------------------------------------------------------------------------
 */

/* `sent` bytes more went into the buffer of a UNIX socket; what is not there any more was taken. */
static void
heed_local(struct client *c, uint64_t sent)
{
	int held = 0;
	if (ioctl(c->io.fd, SIOCOUTQ, &held) == -1)
		return;
	uint64_t before = c->taken + sent;
	if (before > (uint64_t)held)
		pace_moved(&c->pace, before - (uint64_t)held, c->io.worker->now_ms);
	c->taken = (uint64_t)held;
}

void
client_out_heed(struct client *c)
{
	if (c->local) {
		heed_local(c, 0);
		return;
	}
	struct tcp_info info;
	socklen_t bytes = sizeof(info);
	if (getsockopt(c->io.fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == -1 ||
	    info.tcpi_bytes_acked <= c->taken)
		return;
	pace_moved(&c->pace, info.tcpi_bytes_acked - c->taken, c->io.worker->now_ms);
	c->taken = info.tcpi_bytes_acked;
}

/* Bytes wait: from now on the client's pace is measured by what it takes. */
static void
block(struct client *c)
{
	if (c->door.blocked)
		return;
	int domain = 0;
	socklen_t size = sizeof(domain);
	c->local =
	    getsockopt(c->io.fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
	if (c->local)
		heed_local(c, 0);
	c->door.blocked = true;
	client_bound(c);
}

/* Returns the bytes the kernel took; a broken connection takes all and sets door.gone. */
static size_t
send_some(struct client *c, struct iovec *pieces, int count, size_t bytes)
{
	ssize_t n = io_send(&c->io, pieces, count);
	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return 0;
	c->door.gone = true;
	return bytes;
}

/* Behind what waits already. */
static void
keep(struct client *c, const char *at, size_t bytes)
{
	while (bytes > 0) {
		if (c->out_last == NULL || buf_room(c->out_last) == 0) {
			struct buf *b = buf_get(&c->io.worker->bufs);
			if (b == NULL) {
				c->door.gone = true; /* the answer cannot be completed */
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

static void
send_or_keep(struct client *c, struct iovec *pieces, int count)
{
	size_t bytes = 0;
	for (int i = 0; i < count; i++)
		bytes += pieces[i].iov_len;
	if (bytes == 0 || c->door.gone)
		return;
	size_t sent = c->out == NULL ? send_some(c, pieces, count, bytes) : 0;
	if (sent == bytes)
		return;
	for (int i = 0; i < count; i++) {
		size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
		keep(c, (const char *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
		sent -= skip;
	}
	block(c);
	(void)io_want(&c->io, c->io.wants | IO_WRITE);
}

static struct iovec
scratch_piece(struct client *c)
{
	struct writer *out = &c->io.worker->out;
	struct iovec piece = {out->at, out->bytes};
	out->bytes = 0;
	out->overflow = false;
	return piece;
}

static void
flush(struct door *d)
{
	struct client *c = client_of(d);
	struct writer *out = &c->io.worker->out;
	if (out->overflow)
		d->gone = true; /* something was left out: nothing of it may leave */
	if (out->bytes == 0 && !out->overflow)
		return;
	struct iovec piece = scratch_piece(c);
	send_or_keep(c, &piece, 1);
}

/* The scratch has room for so many bytes from here on. */
static void
make_room(struct client *c, size_t bytes)
{
	const struct writer *out = &c->io.worker->out;
	if (out->capacity - out->bytes < bytes)
		flush(&c->door);
}

static void
drop_sent(struct client *c, size_t sent)
{
	buf_chain_drop(&c->io.worker->bufs, &c->out, sent);
	if (c->out == NULL)
		c->out_last = NULL;
}

void
client_out_drain(struct client *c)
{
	struct iovec pieces[OUT_PIECES_MAX];
	int count = 0;
	size_t bytes = 0;
	for (struct buf *b = c->out; b != NULL && count < OUT_PIECES_MAX; b = b->next) {
		pieces[count++] = (struct iovec){b->data + b->from, buf_held(b)};
		bytes += buf_held(b);
	}
	size_t sent = count > 0 ? send_some(c, pieces, count, bytes) : 0;
	drop_sent(c, sent);
	if (c->local)
		heed_local(c, sent);
	if (c->out != NULL || c->door.gone)
		return;
	c->door.blocked = false;
	client_bound(c);
	(void)io_want(&c->io, c->io.wants & ~IO_WRITE);
	if (c->exchange != NULL)
		exchange_on_client_drained(c->exchange);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* How the end of the body will be known to this client (RFC 9112 section 6). */
static uint8_t
framing_for(const struct client *c, const struct door_answer *answer)
{
	if (answer->no_body || answer->interim)
		return BODY_NONE;
	if (answer->length_known)
		return BODY_LENGTH;
	return c->minor >= 1 ? BODY_CHUNKED : BODY_CLOSE;
}

/* Whole: what it calls has other callers as well, and would stay outside of it. */
__attribute__((flatten)) static void
respond(struct door *d, const struct door_answer *answer)
{
	struct client *c = client_of(d);
	struct worker *w = c->io.worker;
	/* Interim answers are for who reads them: none waits for a client that does not. */
	if (answer->interim && (c->minor == 0 || d->blocked))
		return;
	make_room(c, HEAD_ROOM);
	uint8_t framing = framing_for(c, answer);
	struct forward_response r = {
	    .head = answer->head,
	    .added = answer->added,
	    .drop_field = answer->drop_field,
	    .framing = answer->upgrade ? BODY_NONE : framing,
	    .length_known = answer->length_known && !answer->interim && answer->head->status != 204,
	    .content_length = answer->length,
	    .upgrade = answer->upgrade,
	    .tag_field = answer->tag_field,
	    .inserts = answer->inserts,
	    .insert_count = answer->insert_count,
	};
	if (!answer->interim) {
		if (framing == BODY_CLOSE || !c->body_ended)
			c->close_after = true;
		c->framing_out = framing;
		d->status = answer->head->status;
		r.close = c->close_after && !answer->upgrade;
		if (!answer->head->has_date)
			r.date = worker_date(w);
	}
	if (answer->upgrade) {
		c->tunnel = true;
		c->body_ended = false;
		c->body_paused = true; /* until the exchange asks for the tunnel's bytes */
		c->framing_out = BODY_CLOSE;
		d->spliceable = false;
	}
	write_response_head(&w->out, &r);
	if (w->out.overflow) {
		/* Cannot be while heads are bounded far below the scratch; never send half a head.
		 */
		w->out.overflow = false;
		d->gone = true;
	}
}

/* Payload as it goes over the wire: with chunk framing when that is how the answer ends. */
static void
data(struct door *d, const char *at, size_t bytes)
{
	struct client *c = client_of(d);
	struct writer *out = &c->io.worker->out;
	bool chunked = c->framing_out == BODY_CHUNKED;
	if (c->framing_out == BODY_NONE || bytes == 0 || d->gone)
		return;
	d->sent += bytes;
	make_room(c, CHUNK_ROOM);
	if (chunked)
		write_chunk_size(out, bytes);
	if (bytes <= DATA_COPY_MAX && out->capacity - out->bytes > bytes + CHUNK_ROOM) {
		write_bytes(out, at, bytes);
		if (chunked)
			write_literal(out, "\r\n");
		return;
	}
	struct iovec pieces[DATA_PIECES_MAX];
	int count = 0;
	pieces[count++] = scratch_piece(c);
	pieces[count++] = (struct iovec){(void *)(uintptr_t)at, bytes};
	if (chunked)
		pieces[count++] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
	send_or_keep(c, pieces, count);
}

static void
end(struct door *d, struct slice trailers)
{
	struct client *c = client_of(d);
	struct writer *out = &c->io.worker->out;
	if (c->framing_out != BODY_CHUNKED)
		return;
	make_room(c, CHUNK_ROOM + trailers.bytes);
	write_literal(out, "0\r\n");
	write_slice(out, trailers);
	write_literal(out, "\r\n");
}

void
client_out_refuse(struct client *c, enum cause cause, uint16_t status, uint32_t retry_after_s)
{
	struct worker *w = c->io.worker;
	if (!c->body_ended)
		c->close_after = true;
	char line[OWN_LINE_BYTES_MAX];
	struct own_response r = own_refusal(c->exchange, cause, status, retry_after_s, line);
	r.date = worker_date(w);
	r.close = c->close_after;
	r.head_only = c->head_only;
	c->door.status = status;
	write_own_response(&w->out, &r);
	flush(&c->door);
}

static void
refuse(struct door *d, enum cause cause, uint16_t status, uint32_t retry_after_s)
{
	client_out_refuse(client_of(d), cause, status, retry_after_s);
}

static void
give(struct door *d, struct slice type, struct slice body)
{
	struct client *c = client_of(d);
	struct worker *w = c->io.worker;
	char digits[U64_DIGITS_MAX];
	if (!c->body_ended)
		c->close_after = true;
	make_room(c, HEAD_ROOM);
	d->status = 200;
	d->sent = c->head_only ? 0 : body.bytes;
	write_together(&w->out, SLICE("HTTP/1.1 200 OK\r\nContent-Type: "), type,
		       SLICE("\r\nCache-Control: no-store\r\nContent-Length: "),
		       u64_text(body.bytes, digits), SLICE("\r\nDate: "), worker_date(w),
		       c->close_after ? SLICE("\r\nConnection: close\r\n\r\n") : SLICE("\r\n\r\n"));
	struct iovec pieces[] = {scratch_piece(c),
				 {(void *)(uintptr_t)body.at, c->head_only ? 0 : body.bytes}};
	send_or_keep(c, pieces, 2);
}

static void
say(struct door *d, const struct door_words *words)
{
	struct client *c = client_of(d);
	struct worker *w = c->io.worker;
	struct own_response r = {
	    .status = words->status,
	    .type = words->type,
	    .body = words->body,
	    .added = words->added,
	    .date = worker_date(w),
	    .close = c->close_after,
	    .head_only = c->head_only,
	};
	d->status = words->status;
	make_room(c, DOOR_WORDS_BYTES_MAX);
	write_own_response(&w->out, &r);
	flush(d);
}

static void
echo(struct door *d)
{
	struct client *c = client_of(d);
	struct worker *w = c->io.worker;
	struct own_response r = own_echo(&c->exchange->request);
	r.date = worker_date(w);
	r.close = c->close_after;
	d->status = r.status;
	write_own_response(&w->out, &r);
	flush(d);
}

static void
abort_answer(struct door *d)
{
	struct client *c = client_of(d);
	flush(d);
	c->close_after = true;
	/* Where only the close says the end, it must not look like one. */
	if (c->framing_out == BODY_CLOSE)
		c->reset_after = true;
}

static void
spliced(struct door *d, uint64_t bytes, bool more)
{
	struct client *c = client_of(d);
	d->sent += bytes;
	if (c->local && d->blocked)
		heed_local(c, bytes);
	if (more) {
		block(c);
	} else if (d->blocked) {
		d->blocked = false;
		client_bound(c);
	}
	unsigned wants = more ? c->io.wants | IO_WRITE : c->io.wants & ~IO_WRITE;
	if (!io_want(&c->io, wants))
		d->gone = true;
}

const struct door_ops client_door_ops = {
    .respond = respond,
    .data = data,
    .end = end,
    .flush = flush,
    .refuse = refuse,
    .give = give,
    .say = say,
    .echo = echo,
    .abort = abort_answer,
    .want_body = client_want_body,
    .done = client_done,
    .spliced = spliced,
};
