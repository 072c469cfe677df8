/* h2_leg.c: see h2_leg.h. */
#include "relay/h2_leg.h"

#include "relay/exchange.h"
#include "relay/h2_link.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define PSEUDOS_MAX ((size_t)5)

static struct h2_leg *
leg_of(const struct io *io)
{
	const struct upstream *u = io->owner;
	return u->leg;
}

/* ---- life and death ---------------------------------------------------------------------------
 */

static void
leg_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

void
h2_leg_settle(struct h2_leg *leg)
{
	struct worker *w = leg->worker;
	if (leg->u != NULL || leg->link != NULL || leg->in_news || leg->settled)
		return;
	leg->settled = true;
	deadline_remove(w, &leg->linger);
	buf_chain_put(&w->bufs, &leg->queue);
	buf_chain_put(&w->bufs, &leg->in);
	buf_put(&w->bufs, &leg->trailers_in);
	buf_put(&w->bufs, &leg->trailers_out);
	worker_trash(w, &leg->trash, leg_drop);
}

/* The member may send as many on this connection again. */
static void
consume(struct h2_leg *leg, uint64_t bytes)
{
	leg->held -= bytes;
	if (bytes == 0 || leg->link == NULL)
		return;
	(void)nghttp2_session_consume(leg->link->wire.session, leg->id, (size_t)bytes);
	h2_link_wake(leg->link);
}

/* The stream is to be no more. */
static void
reset(struct h2_leg *leg, uint32_t code)
{
	struct h2_link *link = leg->link;
	if (leg->id != 0) {
		consume(leg, leg->held);
		(void)nghttp2_session_set_stream_user_data(link->wire.session, leg->id, NULL);
		(void)nghttp2_submit_rst_stream(link->wire.session, NGHTTP2_FLAG_NONE, leg->id,
						code);
	}
	h2_link_let_go(leg);
}

static void
on_linger(struct deadline *d)
{
	struct h2_leg *leg = (struct h2_leg *)(void *)((char *)d - offsetof(struct h2_leg, linger));
	if (leg->link != NULL)
		reset(leg, NGHTTP2_CANCEL);
	h2_leg_settle(leg);
}

/* A member that let a request wait in vain, and said nothing else either, may be gone unnoticed. */
static void
doubt_link(const struct h2_leg *leg)
{
	const struct exchange *x = leg->u->exchange;
	struct h2_link *link = leg->link;
	if (x == NULL || x->failed_why != REASON_FIRST_BYTE_TIMEOUT || leg->spoken)
		return;
	if (link->heard_ms <= x->attempt_us / 1000)
		link->leaving = true;
}

void
h2_leg_leave(struct h2_leg *leg)
{
	struct h2_link *link = leg->link;
	if (link != NULL)
		doubt_link(leg);
	leg->u = NULL;
	if (link != NULL && leg->bodiless && leg->sent_all)
		deadline_set(leg->worker, &leg->linger, H2_LEG_LINGER_MS);
	else if (link != NULL)
		reset(leg, NGHTTP2_CANCEL);
	h2_leg_settle(leg);
}

void
h2_leg_broken(struct h2_leg *leg, enum reason why)
{
	if (leg->over || leg->broken)
		return;
	leg->broken = true;
	bool no_answer = leg->malformed && !leg->final && why == REASON_RESET;
	leg->why = (uint8_t)(no_answer ? REASON_BAD_ANSWER : why);
	h2_leg_news(leg);
}

enum reason
h2_leg_why(struct h2_leg *leg)
{
	struct upstream *u = leg->u;
	/* An end without an answer is none. */
	enum reason why = leg->broken ? (enum reason)leg->why : REASON_BAD_ANSWER;
	bool proved = why == REASON_STREAM_REFUSED || why == REASON_NO_TUNNEL;
	bool broke = why == REASON_RESET || why == REASON_HTTP2_BROKEN;
	if (proved || (!leg->on_wire && broke))
		u->sent = u->sent_before;
	return why;
}

/* ---- news -------------------------------------------------------------------------------------
 */

static unsigned
available(const struct h2_leg *leg)
{
	unsigned events = 0;
	if (leg->in != NULL || leg->over || leg->broken)
		events |= IO_READ;
	if (leg->broken || leg->queued < H2_LEG_QUEUE_RESUME)
		events |= IO_WRITE;
	return events;
}

void
h2_leg_news(struct h2_leg *leg)
{
	struct h2_links *h = leg->worker->links;
	if (leg->in_news)
		return;
	leg->in_news = true;
	leg->next_news = NULL;
	if (h->news_last == NULL)
		h->news = leg;
	else
		h->news_last->next_news = leg;
	h->news_last = leg;
	turn_ask(leg->worker);
}

static void
want(struct io *io)
{
	struct h2_leg *leg = leg_of(io);
	if ((available(leg) & io->wants) != 0)
		h2_leg_news(leg);
}

void
h2_leg_tell(struct h2_leg *leg)
{
	struct upstream *u = leg->u;
	if (u == NULL || u->state != UPSTREAM_BUSY) {
		h2_leg_settle(leg);
		return;
	}
	unsigned events = available(leg) & u->io.wants;
	if (events == 0)
		return;
	u->io.ready(u, events);
	if (leg->u != NULL)
		want(&leg->u->io);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

bool
h2_leg_text(struct h2_leg *leg, struct slice head)
{
	if (leg->u == NULL)
		return true;
	leg->text += head.bytes;
	h2_leg_news(leg);
	return h2_chain_put(leg->worker, &leg->in, &leg->in_last, head.at, head.bytes);
}

bool
h2_leg_data(struct h2_leg *leg, const uint8_t *at, size_t bytes)
{
	leg->held += bytes;
	if (leg->u == NULL || leg->broken) {
		consume(leg, bytes);
		return true;
	}
	h2_leg_news(leg);
	return h2_chain_put(leg->worker, &leg->in, &leg->in_last, (const char *)at, bytes);
}

void
h2_leg_trailer(struct h2_leg *leg, struct slice name, struct slice value)
{
	if (leg->trailers_in == NULL)
		leg->trailers_in = buf_get(&leg->worker->bufs);
	if (leg->trailers_in == NULL) {
		leg->malformed = true;
		return;
	}
	struct writer lines = writer_on(leg->trailers_in->data, HTTP_TRAILER_BYTES_MAX);
	lines.bytes = leg->trailers_in->to;
	leg->malformed |= !h2_line_add(&lines, name, value);
	leg->trailers_in->to = (uint32_t)lines.bytes;
}

void
h2_leg_over(struct h2_leg *leg)
{
	leg->over = true;
	h2_leg_news(leg);
}

static ssize_t
leg_recv(struct io *io, void *at, size_t bytes)
{
	struct h2_leg *leg = leg_of(io);
	uint64_t waits = leg->text + leg->held;
	if (waits == 0 && leg->over) {
		leg->u->trailers = leg->trailers_in;
		leg->trailers_in = NULL;
		return 0;
	}
	if (waits == 0) {
		errno = leg->broken ? ECONNRESET : EAGAIN;
		return -1;
	}
	size_t take = waits < bytes ? (size_t)waits : bytes;
	uint64_t of_text = take < leg->text ? take : leg->text;
	h2_chain_take(leg->worker, &leg->in, &leg->in_last, at, take);
	leg->text -= of_text;
	consume(leg, take - of_text);
	return (ssize_t)take;
}

/* ---- the request's head -----------------------------------------------------------------------
 */

/* RFC 6455 section 4.2.2. */
static bool
make_accept(struct h2_leg *leg, struct slice key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[128];
	struct writer w = writer_on(text, sizeof(text));
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned char base64[2 * EVP_MAX_MD_SIZE];
	unsigned bytes = 0;
	write_slice(&w, key);
	write_literal(&w, guid);
	if (w.overflow || EVP_Digest(text, w.bytes, digest, &bytes, EVP_sha1(), NULL) != 1)
		return false;
	(void)EVP_EncodeBlock(base64, digest, (int)bytes);
	memcpy(leg->accept, base64, sizeof(leg->accept));
	return true;
}

/* A request as it is taken apart. */
struct taken {
	struct h2_fields fields; /* pseudo-fields before PSEUDOS_MAX, the others behind */
	struct slice host;
	struct slice key; /* of a WebSocket */
	bool websocket;
};

static void
note_upgrade(struct taken *t, struct slice protocols)
{
	struct slice element;
	while (slice_next_element(&protocols, &element))
		t->websocket |= slice_equal_nocase(element, SLICE("websocket"));
}

/* Hop-by-hop fields go no further (RFC 9113 section 8.2.2); of what they say some is needed. False:
 * too many fields. */
static bool
take_line(struct h2_leg *leg, struct taken *t, struct slice name, struct slice value)
{
	switch (field_lookup(name)) {
	case FIELD_HOST:
		t->host = value;
		return true;
	case FIELD_CONNECTION:
		return true;
	case FIELD_UPGRADE:
		note_upgrade(t, value);
		return true;
	case FIELD_TRANSFER_ENCODING:
		leg->body = BODY_CHUNKED;
		chunk_init(&leg->chunks);
		return true;
	case FIELD_CONTENT_LENGTH:
		leg->body = BODY_LENGTH;
		(void)slice_to_u64(value, &leg->body_left);
		break;
	default:
		break;
	}
	if (slice_equal(name, SLICE("sec-websocket-key"))) {
		t->key = value;
		return true;
	}
	return h2_fields_add(&t->fields, name, value);
}

static bool
take_apart(struct h2_leg *leg, struct taken *t, char *at, size_t bytes, struct slice *method,
	   struct slice *path)
{
	const char *end = at + bytes - 2; /* of the empty line */
	struct slice name;
	struct slice value;
	t->fields.count = PSEUDOS_MAX;
	t->host = SLICE_NONE;
	t->key = SLICE_NONE;
	t->websocket = false;
	if (!h2_next_start(&at, end, method, path))
		return false;
	while (at < end) {
		if (!h2_next_line(&at, end, &name, &value) || !take_line(leg, t, name, value))
			return false;
	}
	return true;
}

/* Lays the pseudo-fields right before the others; returns where they begin. */
static size_t
put_pseudos(struct taken *t, const struct h2_leg *leg, struct slice method, struct slice path)
{
	size_t last = t->fields.count;
	size_t begin = PSEUDOS_MAX - 3 - (t->host.bytes > 0) - leg->tunnel_asked;
	bool secure = leg->link->line->live->tls != NULL;
	t->fields.count = begin;
	(void)h2_fields_add(&t->fields, SLICE(":method"),
			    leg->tunnel_asked ? SLICE("CONNECT") : method);
	(void)h2_fields_add(&t->fields, SLICE(":scheme"), secure ? SLICE("https") : SLICE("http"));
	(void)h2_fields_add(&t->fields, SLICE(":path"), path);
	if (t->host.bytes > 0)
		(void)h2_fields_add(&t->fields, SLICE(":authority"), t->host);
	if (leg->tunnel_asked)
		(void)h2_fields_add(&t->fields, SLICE(":protocol"), SLICE("websocket"));
	t->fields.count = last;
	return begin;
}

/* The key is not told to the member: the handshake is ours (RFC 8441 section 5.1). */
static bool
ask_tunnel(struct h2_leg *leg, const struct taken *t)
{
	if (!leg->link->tunnels) {
		leg->why = REASON_NO_TUNNEL;
		return false;
	}
	leg->tunnel_asked = true;
	return make_accept(leg, t->key);
}

static bool
submit(struct h2_leg *leg, const struct h2_fields *f, size_t begin)
{
	const nghttp2_data_provider provider = {{.ptr = NULL}, h2_leg_read};
	leg->id = nghttp2_submit_request(leg->link->wire.session, NULL, f->list + begin,
					 f->count - begin, leg->sent_all ? NULL : &provider, leg);
	if (leg->id > 0)
		return true;
	leg->id = 0;
	leg->link->leaving = true;
	return false;
}

/* `at`: the whole head as text, which is written into. False: it cannot be sent; leg->why. */
static bool
begin_request(struct h2_leg *leg, char *at, size_t bytes)
{
	struct taken t; /* its list is not filled before its time: it is large */
	struct slice method;
	struct slice path;
	leg->why = REASON_RESET;
	leg->body = BODY_NONE;
	if (!take_apart(leg, &t, at, bytes, &method, &path))
		return false;
	if (t.websocket && !ask_tunnel(leg, &t))
		return false;
	leg->head_only = slice_equal(method, SLICE("HEAD"));
	leg->sent_all = !leg->tunnel_asked && (leg->body == BODY_NONE ||
					       (leg->body == BODY_LENGTH && leg->body_left == 0));
	size_t begin = put_pseudos(&t, leg, method, path);
	return submit(leg, &t.fields, begin);
}

/* ---- the request's body -----------------------------------------------------------------------
 */

/* Takes what there is room for. -1: no memory. */
static ssize_t
enqueue(struct h2_leg *leg, const char *at, size_t bytes)
{
	size_t room = leg->queued < H2_LEG_QUEUE_MAX ? H2_LEG_QUEUE_MAX - (size_t)leg->queued : 0;
	size_t take = bytes < room ? bytes : room;
	if (!h2_chain_put(leg->worker, &leg->queue, &leg->queue_last, at, take))
		return -1;
	leg->queued += take;
	return (ssize_t)take;
}

/* Chunks of ours are opened again: DATA frames have lengths of their own. */
static ssize_t
enqueue_chunks(struct h2_leg *leg, const char *at, size_t bytes)
{
	size_t taken = 0;
	if (leg->trailers_out == NULL)
		leg->trailers_out = buf_get(&leg->worker->bufs);
	if (leg->trailers_out == NULL)
		return -1;
	struct writer trailers = writer_on(leg->trailers_out->data, HTTP_TRAILER_BYTES_MAX);
	trailers.bytes = leg->trailers_out->to;
	while (taken < bytes && !leg->sent_all && leg->queued < H2_LEG_QUEUE_MAX) {
		size_t consumed;
		struct slice data;
		size_t room = H2_LEG_QUEUE_MAX - (size_t)leg->queued;
		size_t part = bytes - taken < room ? bytes - taken : room;
		enum chunk_outcome outcome =
		    chunk_feed(&leg->chunks, at + taken, part, &consumed, &data, &trailers);
		taken += consumed;
		if (outcome == CHUNK_BAD ||
		    (outcome == CHUNK_DATA_READY && enqueue(leg, data.at, data.bytes) == -1))
			return -1;
		leg->sent_all = outcome == CHUNK_END;
	}
	leg->trailers_out->to = (uint32_t)trailers.bytes;
	return (ssize_t)taken;
}

static ssize_t
take_body(struct h2_leg *leg, const char *at, size_t bytes)
{
	if (leg->body == BODY_CHUNKED && !leg->tunnel_asked)
		return enqueue_chunks(leg, at, bytes);
	ssize_t n = enqueue(leg, at, bytes);
	if (n > 0 && leg->body == BODY_LENGTH && !leg->tunnel_asked) {
		leg->body_left -= (uint64_t)n;
		leg->sent_all = leg->body_left == 0;
	}
	return n;
}

/* nghttp2 may go on with the stream. */
static void
resume(struct h2_leg *leg)
{
	if (leg->deferred) {
		leg->deferred = false;
		(void)nghttp2_session_resume_data(leg->link->wire.session, leg->id);
	}
	h2_link_wake(leg->link);
}

static ssize_t
give_up(struct h2_leg *leg)
{
	if (leg->link != NULL)
		reset(leg, NGHTTP2_CANCEL);
	h2_leg_broken(leg, (enum reason)leg->why);
	errno = EPIPE;
	return -1;
}

static ssize_t
leg_send(struct io *io, struct iovec *pieces, int count)
{
	struct h2_leg *leg = leg_of(io);
	size_t taken = 0;
	int i = 0;
	if (leg->link == NULL || leg->broken) {
		errno = EPIPE;
		return -1;
	}
	if (leg->id == 0) { /* the head comes whole, and first (attempt.c) */
		if (!begin_request(leg, pieces[0].iov_base, pieces[0].iov_len))
			return give_up(leg);
		taken = pieces[i++].iov_len;
	}
	for (; i < count; i++) {
		ssize_t n = take_body(leg, pieces[i].iov_base, pieces[i].iov_len);
		if (n == -1)
			return give_up(leg);
		taken += (size_t)n;
		if ((size_t)n < pieces[i].iov_len)
			break;
	}
	resume(leg);
	if (taken > 0)
		return (ssize_t)taken;
	errno = EAGAIN;
	return -1;
}

/* Nothing more will be sent: the client's end of a tunnel. */
static void
leg_shutdown(struct io *io)
{
	struct h2_leg *leg = leg_of(io);
	leg->sent_all = true;
	if (leg->link != NULL)
		resume(leg);
}

void
h2_leg_take(struct h2_leg *leg, char *to, size_t bytes)
{
	h2_chain_take(leg->worker, &leg->queue, &leg->queue_last, to, bytes);
	leg->queued -= bytes;
	if (leg->u != NULL && (leg->u->io.wants & IO_WRITE) != 0 &&
	    leg->queued < H2_LEG_QUEUE_RESUME)
		h2_leg_news(leg);
}

/* False: there are none. */
static bool
submit_trailers(const struct h2_leg *leg)
{
	struct h2_fields f;
	f.count = 0;
	if (leg->trailers_out == NULL || leg->trailers_out->to == 0 ||
	    !h2_fields_add_lines(&f, leg->trailers_out->data, leg->trailers_out->to, SLICE_NONE))
		return false;
	(void)nghttp2_submit_trailer(leg->link->wire.session, leg->id, f.list, f.count);
	return true;
}

ssize_t
h2_leg_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t length, uint32_t *flags,
	    nghttp2_data_source *source, void *user)
{
	struct h2_leg *leg = nghttp2_session_get_stream_user_data(session, id);
	(void)to;
	(void)source;
	(void)user;
	if (leg == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (leg->queued == 0 && !leg->sent_all) {
		leg->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (length > leg->queued)
		length = (size_t)leg->queued;
	if (!leg->sent_all || length < leg->queued)
		return (ssize_t)length;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (submit_trailers(leg))
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return (ssize_t)length;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static const struct io_way way = {
    .recv = leg_recv, .send = leg_send, .want = want, .shutdown = leg_shutdown};

void
h2_leg_join(struct h2_leg *leg, struct h2_link *link)
{
	leg->link = link;
	leg->prev = NULL;
	leg->next = link->legs;
	if (leg->next != NULL)
		leg->next->prev = leg;
	link->legs = leg;
	link->leg_count++;
}

struct upstream *
h2_leg_open(struct h2_link *link, struct exchange *x)
{
	struct worker *w = link->worker;
	struct h2_leg *leg = calloc(1, sizeof(*leg));
	struct upstream *u = leg != NULL ? upstream_create(w, link->line->live, -1) : NULL;
	if (u == NULL) {
		free(leg);
		return NULL;
	}
	leg->worker = w;
	leg->linger.fire = on_linger;
	leg->u = u;
	h2_leg_join(leg, link);
	u->leg = leg;
	u->io.way = &way;
	u->exchange = x;
	u->reused = link->state == H2_LINK_OPEN;
	u->state = u->reused ? UPSTREAM_BUSY : UPSTREAM_CONNECTING;
	u->io.wants = u->reused ? IO_READ : 0;
	return u;
}
