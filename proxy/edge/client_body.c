/* client_body.c: see client_body.h. */
#include "edge/client_body.h"

void
client_body_end(struct client *c, struct slice trailers)
{
	c->body_ended = true;
	if (!c->door.blocked)
		deadline_clear(&c->deadline);
	exchange_on_body_end(c->exchange, trailers);
}

/* Bytes of a later request, that came with the end of a chunked body. */
static bool
keep_pipelined(struct client *c, const char *at, size_t bytes)
{
	if (bytes == 0)
		return true;
	struct buf *b = c->in;
	if (buf_room(b) < bytes) {
		b = buf_get(&c->io.worker->bufs);
		if (b == NULL)
			return false;
		c->in->next = b;
	}
	memcpy(b->data + b->to, at, bytes);
	b->to += (uint32_t)bytes;
	return true;
}

static void
chunked_end(struct client *c, const struct writer *raw, const char *rest, size_t bytes)
{
	struct worker *w = c->io.worker;
	struct writer good = writer_on(w->added, sizeof(w->added));
	bool ok = trailers_filter((struct slice){raw->at, raw->bytes}, &good) && !good.overflow;
	if (!ok) {
		c->close_after = true;
		exchange_on_client_error(c->exchange, CAUSE_CLIENT_BAD_BODY);
		return;
	}
	if (!keep_pipelined(c, rest, bytes))
		c->close_after = true;
	client_body_end(c, (struct slice){good.at, good.bytes});
}

static void
feed_chunked(struct client *c, const char *at, size_t bytes)
{
	struct exchange *x = c->exchange;
	if (c->trailers == NULL)
		c->trailers = buf_get(&c->io.worker->bufs);
	if (c->trailers == NULL) {
		exchange_on_client_error(x, CAUSE_OUT_OF_RESOURCES);
		return;
	}
	struct writer raw = writer_on(c->trailers->data, HTTP_TRAILER_BYTES_MAX);
	raw.bytes = c->trailers->to;
	while (c->exchange == x) {
		size_t consumed;
		struct slice data;
		enum chunk_outcome outcome =
		    chunk_feed(&c->chunks, at, bytes, &consumed, &data, &raw);
		at += consumed;
		bytes -= consumed;
		switch (outcome) {
		case CHUNK_DATA_READY:
			exchange_on_body_part(x, data.at, data.bytes);
			break;
		case CHUNK_MORE:
			c->trailers->to = (uint32_t)raw.bytes;
			exchange_body_flush(x);
			return;
		case CHUNK_END:
			chunked_end(c, &raw, at, bytes);
			buf_put(&c->io.worker->bufs, &c->trailers);
			return;
		case CHUNK_BAD:
			c->close_after = true;
			exchange_on_client_error(x, CAUSE_CLIENT_BAD_BODY);
			return;
		}
	}
}

void
client_body_feed(struct client *c, const char *at, size_t bytes)
{
	struct exchange *x = c->exchange;
	if (c->tunnel) {
		exchange_on_body(x, at, bytes);
		return;
	}
	if (c->framing_in == BODY_CHUNKED) {
		feed_chunked(c, at, bytes);
		return;
	}
	c->body_left -= bytes;
	bool last = c->body_left == 0;
	if (last)
		c->body_ended =
		    true; /* before the exchange may be over: the connection can go on */
	if (at != NULL)
		exchange_on_body(x, at, bytes);
	else
		exchange_body_flush(x);
	if (last && c->exchange == x)
		client_body_end(c, SLICE_NONE);
}

void
client_body_feed_held(struct client *c)
{
	if (c->body_ended || c->exchange == NULL)
		return;
	size_t held = buf_held(c->in) - c->head_bytes;
	if (held == 0)
		return;
	const char *at = c->in->data + c->in->from + c->head_bytes;
	if (c->framing_in == BODY_LENGTH && held > c->body_left)
		held = (size_t)c->body_left;
	if (c->framing_in == BODY_LENGTH) {
		c->head_bytes += (uint32_t)held;
		client_body_feed(c, at, held);
		return;
	}
	/* What is behind a chunked body is put behind the head again, so take it off first. */
	memcpy(c->io.worker->bulk, at, held);
	c->in->to -= (uint32_t)held;
	client_body_feed(c, c->io.worker->bulk, held);
}

void
client_body_feed_early(struct client *c)
{
	struct exchange *x = c->exchange;
	size_t held = c->in != NULL ? buf_held(c->in) - c->head_bytes : 0;
	if (held > 0) {
		const char *at = c->in->data + c->in->from + c->head_bytes;
		c->head_bytes += (uint32_t)held;
		exchange_on_body(x, at, held);
	}
	if (c->exchange == x && c->eof && !c->body_ended)
		client_body_end(c, SLICE_NONE);
}
