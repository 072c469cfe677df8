/*
 * h2_session.c: what nghttp2 calls while it reads and writes frames. Here frames are counted
 * against the client's budget, and handed to their streams; nghttp2 is never called back for bytes
 * from here.
 */
#include "edge/h2_stream.h"

static struct h2_stream *
stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

/* ---- frames that begin ------------------------------------------------------------------------
 */

/*
 * A stream that was passed over can never be opened (RFC 9113 section 5.1.1). nghttp2, which cannot
 * remember every stream, is silent about it; the latest gap is remembered here.
 */
static bool
is_skipped(struct h2_connection *c, int32_t id)
{
	if (id <= c->last_id)
		return (id & 1) != 0 && id >= c->gap_from && id < c->gap_to;
	if (id > c->last_id + 2) {
		c->gap_from = c->last_id + 2;
		c->gap_to = id;
	}
	c->last_id = id;
	return false;
}

static bool
count_frame(struct h2_connection *c, const nghttp2_frame_hd *hd)
{
	enum http2_end why;
	if (hd->type == NGHTTP2_HEADERS && is_skipped(c, hd->stream_id)) {
		h2_connection_break(c, HTTP2_END_PROTOCOL);
		return false;
	}
	if (hd->type == NGHTTP2_RST_STREAM) {
		http2_add(&h2_counts(c)->resets_received);
		return h2_connection_spend(c, HTTP2_END_RESETS);
	}
	if (h2_budget_frame(&c->budget, hd, c->io.worker->now_ms, &why))
		return true;
	h2_connection_break(c, why);
	return false;
}

static bool
count_data(struct h2_connection *c, const nghttp2_frame *frame)
{
	enum http2_end why;
	if (h2_budget_data_frame(&c->budget, &frame->hd, frame->data.padlen, c->io.worker->now_ms,
				 &why))
		return true;
	h2_connection_break(c, why);
	return false;
}

static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
	(void)session;
	return count_frame(user, hd) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---- heads ------------------------------------------------------------------------------------
 */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_connection *c = user;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	/* nghttp2 passes over what is behind a GOAWAY when that is sent, not yet when it is said;
	 * the client asks for it again elsewhere. */
	if (c->goaway && frame->hd.stream_id > c->goaway_last)
		return 0;
	struct h2_stream *s = h2_stream_open(c, frame->hd.stream_id);
	if (s == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	(void)nghttp2_session_set_stream_user_data(session, s->id, s);
	return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
	  nghttp2_rcbuf *value, uint8_t flags, void *user)
{
	struct h2_stream *s = stream_of(session, frame->hd.stream_id);
	(void)flags;
	(void)user;
	if (s == NULL || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		h2_stream_trailer(s, slice_of_rcbuf(name), slice_of_rcbuf(value));
	else if (!h2_stream_field(s, name, value))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	return 0;
}

/* What nghttp2 would leave out is no request: a stream error. */
static int
on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		  nghttp2_rcbuf *value, uint8_t flags, void *user)
{
	(void)session;
	(void)frame;
	(void)name;
	(void)value;
	(void)flags;
	(void)user;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* ---- frames that are whole --------------------------------------------------------------------
 */

static void
on_headers(struct h2_stream *s, const nghttp2_frame *frame, bool ended)
{
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		h2_stream_begin(s, ended);
	else if (ended)
		h2_stream_body_end(s);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_connection *c = user;
	bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct h2_stream *s;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		s = stream_of(session, frame->hd.stream_id);
		if (s != NULL)
			on_headers(s, frame, ended);
		break;
	case NGHTTP2_DATA:
		s = stream_of(session, frame->hd.stream_id);
		if (!count_data(c, frame))
			return NGHTTP2_ERR_CALLBACK_FAILURE;
		if (s != NULL && ended)
			h2_stream_body_end(s);
		break;
	case NGHTTP2_PING:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
			h2_connection_acked(c);
		break;
	default:
		break;
	}
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at, size_t bytes,
	void *user)
{
	struct h2_stream *s = stream_of(session, id);
	(void)flags;
	(void)user;
	if (s != NULL)
		h2_stream_data(s, (const char *)at, bytes);
	else
		(void)nghttp2_session_consume(session, id, bytes);
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct h2_connection *c = user;
	struct h2_stream *s = stream_of(session, id);
	if (s == NULL)
		return 0;
	if (code == NGHTTP2_NO_ERROR && s->answer_ended) {
		c->answered++;
		h2_budget_stream(&c->budget);
	}
	h2_stream_close(s, CAUSE_CLIENT_ABORT);
	return 0;
}

/* ---- frames that leave ------------------------------------------------------------------------
 */

/* Was it the client's doing? Of errors of ours, and of answers that came early, it is not. */
static bool
is_clients_fault(uint32_t code)
{
	return code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR &&
	       code != NGHTTP2_CANCEL && code != NGHTTP2_CONNECT_ERROR;
}

/* The answer is out and the request is not whole: nobody wants the rest (RFC 9113 section 8.1). */
static void
end_early(nghttp2_session *session, int32_t id)
{
	struct h2_stream *s = stream_of(session, id);
	if (s != NULL && !s->body_ended && !s->reset)
		h2_stream_reset(s, NGHTTP2_NO_ERROR);
}

static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_connection *c = user;
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
		if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
			end_early(session, frame->hd.stream_id);
		break;
	case NGHTTP2_RST_STREAM:
		if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
			http2_add(&h2_counts(c)->resets_sent);
		if (is_clients_fault(frame->rst_stream.error_code))
			(void)h2_connection_spend(c, HTTP2_END_RESETS);
		break;
	case NGHTTP2_GOAWAY:
		h2_connection_said_goaway(c, frame->goaway.error_code);
		break;
	default:
		break;
	}
	return 0;
}

/* ---- making one -------------------------------------------------------------------------------
 */

bool
h2_session_callbacks(struct h2_worker *h)
{
	if (nghttp2_session_callbacks_new(&h->callbacks) != 0)
		return false;
	nghttp2_session_callbacks *cb = h->callbacks;
	nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback2(cb, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
	nghttp2_session_callbacks_set_send_data_callback(cb, h2_out_data);
	if (nghttp2_option_new(&h->option) != 0)
		return false;
	nghttp2_option_set_no_auto_window_update(h->option, 1);
	nghttp2_option_set_max_outbound_ack(h->option, H2_ACKS_MAX);
	nghttp2_option_set_max_settings(h->option, H2_SETTINGS_MAX);
	nghttp2_option_set_max_continuations(h->option, H2_CONTINUATIONS_MAX + 1);
	return true;
}

nghttp2_session *
h2_session_create(struct h2_connection *c)
{
	struct worker *w = c->io.worker;
	const struct config_limits *limits = &w->services->config->limits;
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams_max},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW_BYTES},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_bytes_max},
	    {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
	};
	nghttp2_session *session;
	if (nghttp2_session_server_new2(&session, w->h2->callbacks, c, w->h2->option) != 0)
		return NULL;
	int window = (int)limits->streams_max * H2_WINDOW_BYTES;
	if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
				    sizeof(settings) / sizeof(settings[0])) != 0 ||
	    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, window) != 0) {
		nghttp2_session_del(session);
		return NULL;
	}
	return session;
}
