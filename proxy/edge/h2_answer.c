/*
 * h2_answer.c: the door: answers of an exchange as frames of its stream. A head is made as for
 * HTTP/1.1, with everything that is added, cut and put in there, and its lines become fields; so
 * that what a client is told does not depend on the protocol it is told in.
 */
#include "edge/h2_stream.h"
#include "edge/own_answer.h"

/* ---- the queue --------------------------------------------------------------------------------
 */

static void
enqueue(struct h2_stream *s, const char *at, size_t bytes)
{
	struct h2_connection *c = s->connection;
	if (s->queued == 0 && bytes > 0)
		c->queued++;
	if (!h2_chain_put(c->io.worker, &s->queue, &s->queue_last, at, bytes)) {
		s->door.gone = true; /* the answer cannot be completed */
		if (s->queued == 0)
			c->queued--;
		return;
	}
	s->queued += bytes;
}

void
h2_answer_take(struct h2_stream *s, char *to, size_t bytes)
{
	struct h2_connection *c = s->connection;
	assert(bytes <= s->queued);
	if (bytes == 0)
		return;
	s->queued -= bytes;
	if (s->deadline.timer.deadline_ms != 0)
		pace_moved(&s->pace, bytes, c->io.worker->now_ms);
	h2_chain_take(c->io.worker, &s->queue, &s->queue_last, to, bytes);
	c->drained |= s->door.blocked;
	if (s->queued == 0) {
		c->queued--;
		if (!s->unended) /* else the end may be waiting for a window, too */
			h2_stream_bound(s);
	}
}

void
h2_answer_drop(struct h2_stream *s)
{
	struct h2_connection *c = s->connection;
	if (s->queued > 0)
		c->queued--;
	s->queued = 0;
	while (s->queue != NULL) {
		struct buf *b = s->queue;
		s->queue = b->next;
		buf_put(&c->io.worker->bufs, &b);
	}
	s->queue_last = NULL;
}

/* ---- heads ------------------------------------------------------------------------------------
 */

/* False: they are no lines. */
static bool
submit_trailers(struct h2_stream *s)
{
	struct h2_fields f;
	f.count = 0;
	if (!h2_fields_add_lines(&f, s->trailers->data, s->trailers->to, SLICE_NONE))
		return false;
	(void)nghttp2_submit_trailer(s->connection->wire.session, s->id, f.list, f.count);
	return true;
}

/* Where the data comes from: the queue, without a copy of nghttp2's own. */
static ssize_t
read_queue(nghttp2_session *session, int32_t id, uint8_t *to, size_t length, uint32_t *flags,
	   nghttp2_data_source *source, void *user)
{
	struct h2_stream *s = source->ptr;
	(void)session;
	(void)id;
	(void)to;
	(void)user;
	if (s->queued == 0 && !s->answer_ended) {
		s->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (length > s->queued)
		length = (size_t)s->queued;
	if (!s->answer_ended || length < s->queued)
		return (ssize_t)length;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (s->trailers != NULL && submit_trailers(s))
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return (ssize_t)length;
}

static void
submit(struct h2_stream *s, const struct h2_fields *f, bool body)
{
	const nghttp2_data_provider provider = {{.ptr = s}, read_queue};
	s->responded = true;
	s->body_follows = body;
	if (!body)
		s->answer_ended = true;
	(void)nghttp2_submit_response(s->connection->wire.session, s->id, f->list, f->count,
				      body ? &provider : NULL);
	h2_connection_wake(s->connection);
}

/* The status that a client of HTTP/2 gets for a member's. */
static uint16_t
status_for(const struct h2_stream *s, uint16_t status)
{
	if (status == 101)
		return 200;
	/* A success of CONNECT would open what the member did not (RFC 8441 section 5). */
	if (s->tunnel_asked && status / 100 == 2)
		return 502;
	/* A pass that nobody is left for says nothing of this connection, on which such a client
	 * would not ask again (RFC 9110 section 15.5.20). */
	if (status == 421 && s->exchange->unheld)
		return 503;
	return status;
}

static void
respond(struct door *d, const struct door_answer *answer)
{
	struct h2_stream *s = h2_stream_of(d);
	struct h2_connection *c = s->connection;
	struct worker *w = c->io.worker;
	uint16_t status = answer->head->status;
	/* Interim answers are for who reads them: none waits for a client that does not. */
	if (s->reset || (answer->interim && c->wire.out != NULL))
		return;
	struct forward_response r = {
	    .head = answer->head,
	    .added = answer->added,
	    .drop_field = answer->drop_field,
	    .framing = answer->length_known ? BODY_LENGTH : BODY_NONE,
	    .length_known = answer->length_known && !answer->interim && status != 204,
	    .content_length = answer->length,
	    .tag_field = answer->tag_field,
	    .inserts = answer->inserts,
	    .insert_count = answer->insert_count,
	};
	if (!answer->interim) {
		status = status_for(s, status);
		d->status = status;
		s->tunnel = answer->upgrade;
		if (!answer->head->has_date)
			r.date = worker_date(w);
	}
	struct writer text = writer_on(w->h2->text, sizeof(w->h2->text));
	write_response_head(&text, &r);
	char *lines = memchr(text.at, '\n', text.bytes);
	struct h2_fields f;
	h2_fields_begin(&f, status);
	/* The handshake of a tunnel is ours (RFC 8441 section 5.1). */
	if (text.overflow || lines == NULL ||
	    !h2_fields_add_lines(&f, lines + 1, (size_t)(text.at + text.bytes - 2 - (lines + 1)),
				 answer->upgrade ? SLICE("sec-websocket-accept") : SLICE_NONE)) {
		d->gone = true; /* never half a head */
		return;
	}
	if (answer->interim) {
		(void)nghttp2_submit_headers(c->wire.session, NGHTTP2_FLAG_NONE, s->id, NULL,
					     f.list, f.count, NULL);
		h2_connection_wake(c);
		return;
	}
	submit(s, &f, !answer->no_body && !(answer->length_known && answer->length == 0));
}

/* ---- the body ---------------------------------------------------------------------------------
 */

/* Never sent from here: a frame that leaves may end the very exchange that calls. */
static void
relieve(struct h2_stream *s)
{
	struct h2_connection *c = s->connection;
	if (s->deferred) {
		s->deferred = false;
		(void)nghttp2_session_resume_data(c->wire.session, s->id);
	}
	h2_connection_wake(c);
}

static void
data(struct door *d, const char *at, size_t bytes)
{
	struct h2_stream *s = h2_stream_of(d);
	if (!s->body_follows || s->reset || bytes == 0)
		return;
	d->sent += bytes;
	enqueue(s, at, bytes);
	relieve(s);
	if (s->queued > H2_QUEUE_HIGH)
		d->blocked = true;
}

/* Even an empty DATA frame that says so waits for a window that is not empty: nghttp2 has it so. */
static void
mark_ended(struct h2_stream *s)
{
	s->answer_ended = true;
	s->unended = true;
	s->connection->unended++;
}

static void
end(struct door *d, struct slice trailers)
{
	struct h2_stream *s = h2_stream_of(d);
	struct worker *w = s->connection->io.worker;
	if (s->answer_ended || s->reset)
		return;
	mark_ended(s);
	buf_put(&w->bufs, &s->trailers);
	if (trailers.bytes > 0 && trailers.bytes <= BUF_BYTES) {
		s->trailers = buf_get(&w->bufs);
		if (s->trailers == NULL) {
			h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
			return;
		}
		memcpy(s->trailers->data, trailers.at, trailers.bytes);
		s->trailers->to = (uint32_t)trailers.bytes;
	}
	relieve(s);
}

static void
flush(struct door *d)
{
	struct h2_stream *s = h2_stream_of(d);
	/* The queue lost bytes that nobody will see: the answer is broken. */
	if (d->gone && !s->reset)
		h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
}

static void
abort_answer(struct door *d)
{
	h2_stream_reset(h2_stream_of(d), NGHTTP2_INTERNAL_ERROR);
}

/* ---- answers of our own -----------------------------------------------------------------------
 */

static void
say_own(struct h2_stream *s, struct own_response *r)
{
	struct worker *w = s->connection->io.worker;
	if (s->reset || s->responded)
		return;
	r->date = worker_date(w);
	r->head_only = s->head_only;
	struct writer text = writer_on(w->h2->text, sizeof(w->h2->text));
	write_own_response(&text, r);
	char *lines = memchr(text.at, '\n', text.bytes);
	char *body = memmem(text.at, text.bytes, "\r\n\r\n", 4);
	struct h2_fields f;
	s->door.status = r->status;
	h2_fields_begin(&f, r->status);
	if (text.overflow || lines == NULL || body == NULL ||
	    !h2_fields_add_lines(&f, lines + 1, (size_t)(body + 2 - (lines + 1)), SLICE_NONE)) {
		h2_stream_reset(s, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	body += 4;
	size_t bytes = (size_t)(text.at + text.bytes - body);
	submit(s, &f, bytes > 0);
	enqueue(s, body, bytes);
	if (!s->answer_ended)
		mark_ended(s);
}

void
h2_answer_refuse(struct h2_stream *s, enum cause cause, uint16_t status, uint32_t retry_after_s)
{
	char line[OWN_LINE_BYTES_MAX];
	struct own_response r = own_refusal(s->exchange, cause, status, retry_after_s, line);
	say_own(s, &r);
}

static void
refuse(struct door *d, enum cause cause, uint16_t status, uint32_t retry_after_s)
{
	h2_answer_refuse(h2_stream_of(d), cause, status, retry_after_s);
}

static void
give(struct door *d, struct slice type, struct slice body)
{
	struct own_response r = {.status = 200, .type = type, .body = body};
	d->sent = h2_stream_of(d)->head_only ? 0 : body.bytes;
	say_own(h2_stream_of(d), &r);
}

static void
say(struct door *d, const struct door_words *words)
{
	struct own_response r = {
	    .status = words->status,
	    .type = words->type,
	    .body = words->body,
	    .added = words->added,
	};
	say_own(h2_stream_of(d), &r);
}

static void
echo(struct door *d)
{
	struct h2_stream *s = h2_stream_of(d);
	struct own_response r = own_echo(&s->exchange->request);
	say_own(s, &r);
}

/* Never: no stream is spliceable. */
static void
spliced(struct door *d, uint64_t bytes, bool more)
{
	(void)bytes;
	(void)more;
	assert(!d->spliceable);
}

const struct door_ops h2_door_ops = {
    .respond = respond,
    .data = data,
    .end = end,
    .flush = flush,
    .refuse = refuse,
    .give = give,
    .say = say,
    .echo = echo,
    .abort = abort_answer,
    .want_body = h2_stream_want_body,
    .done = h2_stream_done,
    .spliced = spliced,
};
