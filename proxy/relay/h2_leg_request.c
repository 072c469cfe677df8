/* h2_leg_request.c: the request of a leg on its way to the member; see h2_leg.h. */
#include "http/h2_request.h"
#include "relay/h2_links.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

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

/* The key is not told to the member: the handshake is ours (RFC 8441 section 5.1). */
static bool
ask_tunnel(struct h2_leg *leg, struct slice key)
{
	if (!leg->link->tunnels) {
		leg->why = REASON_NO_TUNNEL;
		return false;
	}
	leg->tunnel_asked = true;
	return make_accept(leg, key);
}

static bool
submit(struct h2_leg *leg, const struct h2_request *r)
{
	const nghttp2_data_provider provider = {{.ptr = NULL}, h2_leg_read};
	leg->id = nghttp2_submit_request(leg->link->wire.session, NULL, r->fields.list + r->begin,
					 r->fields.count - r->begin,
					 leg->sent_all ? NULL : &provider, leg);
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
	struct h2_request r;
	leg->why = REASON_RESET;
	if (!h2_request_read(&r, at, bytes) || (r.websocket && !ask_tunnel(leg, r.key)))
		return false;
	leg->body = r.framing;
	leg->body_left = r.content_length;
	leg->head_only = slice_equal(r.method, SLICE("HEAD"));
	leg->sent_all = !leg->tunnel_asked && r.framing != BODY_CHUNKED && r.content_length == 0;
	chunk_init(&leg->chunks);
	h2_request_begin(&r, leg->link->line->live->tls != NULL, leg->tunnel_asked);
	return submit(leg, &r);
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
		h2_leg_reset(leg, NGHTTP2_CANCEL);
	h2_leg_broken(leg, (enum reason)leg->why);
	errno = EPIPE;
	return -1;
}

ssize_t
h2_leg_send(struct io *io, struct iovec *pieces, int count)
{
	struct h2_leg *leg = h2_leg_of(io);
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

/* The client's end of a tunnel. */
void
h2_leg_shutdown(struct io *io)
{
	struct h2_leg *leg = h2_leg_of(io);
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
