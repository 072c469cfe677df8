/*
 * h2_link_session.c: what nghttp2 calls while it reads and writes frames of a member. Here frames
 * are counted against the member's budget, heads become text, and all is laid into legs; no
 * exchange is called from here.
 */
#include "relay/h2_links.h"

#include "relay/exchange.h"

static struct h2_leg *
leg_of(nghttp2_session *session, int32_t id)
{
	return id == 0 ? NULL : nghttp2_session_get_stream_user_data(session, id);
}

/* ---- frames that begin ------------------------------------------------------------------------
 */

/* Is it of the connection, or of a stream that is there? Others are counted when it was read: of
 * some nghttp2 tells nobody. */
static void
note_known(struct h2_link *link, const nghttp2_frame_hd *hd)
{
	if (hd->stream_id == 0 || leg_of(link->wire.session, hd->stream_id) != NULL)
		link->known += H2_FRAME_HEAD_BYTES + hd->length;
}

static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
	struct h2_link *link = user;
	enum http2_end why;
	(void)session;
	note_known(link, hd);
	if (h2_budget_frame(&link->budget, hd, link->worker->now_ms, &why))
		return 0;
	h2_link_exceed(link, why);
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static bool
count_data(struct h2_link *link, const nghttp2_frame *frame)
{
	enum http2_end why;
	if (h2_budget_data_frame(&link->budget, &frame->hd, frame->data.padlen,
				 link->worker->now_ms, &why))
		return true;
	h2_link_exceed(link, why);
	return false;
}

/* ---- heads ------------------------------------------------------------------------------------
 */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_link *link = user;
	(void)session;
	(void)frame;
	if (link->block == NULL)
		link->block = buf_get(&link->worker->bufs);
	if (link->block != NULL)
		link->block->to = 0;
	link->unpacked = 0;
	link->fields = 0;
	link->status = 0;
	link->has_length = false;
	link->bad_block = link->block == NULL;
	return 0;
}

/* Are the bounds kept? Those of a bomb count what is thrown away, too. */
static bool
count_field(struct h2_link *link, struct slice name, struct slice value)
{
	link->fields++;
	link->unpacked += name.bytes + value.bytes;
	if (link->fields <= H2_LINK_HEAD_FACTOR * HTTP_FIELDS_MAX &&
	    link->unpacked <= (size_t)H2_LINK_HEAD_FACTOR * HTTP_HEAD_BYTES_MAX)
		return true;
	h2_link_exceed(link, HTTP2_END_HEAD_BOMB);
	return false;
}

/* What a tunnel is opened with becomes the upgrade that was asked for. */
static void
write_switch(struct writer *text, const struct h2_leg *leg)
{
	write_together(text,
		       SLICE("HTTP/1.1 101 \r\nconnection: upgrade\r\nupgrade: websocket\r\n"),
		       SLICE("sec-websocket-accept: "),
		       ((struct slice){leg->accept, sizeof(leg->accept)}), SLICE("\r\n"));
}

static bool
is_tunnel(const struct h2_leg *leg, uint16_t status)
{
	return leg->tunnel_asked && status / 100 == 2;
}

static void
add_status(struct h2_link *link, const struct h2_leg *leg, struct writer *text, struct slice value)
{
	uint64_t status;
	if (value.bytes != 3 || !slice_to_u64(value, &status) || status < 100) {
		link->bad_block = true;
		return;
	}
	link->status = (uint16_t)status;
	if (is_tunnel(leg, link->status))
		write_switch(text, leg);
	else
		write_together(text, SLICE("HTTP/1.1 "), value, SLICE(" \r\n"));
}

static void
add_field(struct h2_link *link, const struct h2_leg *leg, struct slice name, struct slice value)
{
	struct writer text = writer_on(link->block->data, HTTP_HEAD_BYTES_MAX / 2);
	text.bytes = link->block->to;
	bool is_length = slice_equal(name, SLICE("content-length"));
	link->has_length |= is_length;
	if (slice_equal(name, SLICE(":status")))
		add_status(link, leg, &text, value);
	else if (!is_length || !is_tunnel(leg, link->status))
		link->bad_block |= !h2_line_add(&text, name, value);
	link->bad_block |= text.overflow;
	link->block->to = (uint32_t)text.bytes;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name_held,
	  nghttp2_rcbuf *value_held, uint8_t flags, void *user)
{
	struct h2_link *link = user;
	struct h2_leg *leg = leg_of(session, frame->hd.stream_id);
	struct slice name = slice_of_rcbuf(name_held);
	struct slice value = slice_of_rcbuf(value_held);
	(void)flags;
	if (!count_field(link, name, value))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (leg == NULL || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (leg->final)
		h2_leg_trailer(leg, name, value);
	else if (!link->bad_block)
		add_field(link, leg, name, value);
	return 0;
}

/* What nghttp2 would leave out is no answer: a stream error. */
static int
on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		  nghttp2_rcbuf *value, uint8_t flags, void *user)
{
	struct h2_leg *leg = leg_of(session, frame->hd.stream_id);
	(void)name;
	(void)value;
	(void)flags;
	(void)user;
	if (leg != NULL)
		leg->malformed = true;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int
on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	struct h2_leg *leg = leg_of(session, frame->hd.stream_id);
	(void)error;
	(void)user;
	if (leg != NULL)
		leg->malformed = true;
	return 0;
}

/* ---- frames that are whole --------------------------------------------------------------------
 */

/* The member's answer cannot be understood. */
static void
refuse(struct h2_link *link, struct h2_leg *leg)
{
	leg->malformed = true;
	h2_leg_broken(leg, REASON_RESET);
	(void)nghttp2_submit_rst_stream(link->wire.session, NGHTTP2_FLAG_NONE, leg->id,
					NGHTTP2_PROTOCOL_ERROR);
}

/* No memory for it, which is not the member's fault. */
static void
break_off(struct h2_link *link, struct h2_leg *leg)
{
	h2_leg_broken(leg, REASON_RESET);
	(void)nghttp2_submit_rst_stream(link->wire.session, NGHTTP2_FLAG_NONE, leg->id,
					NGHTTP2_INTERNAL_ERROR);
}

/* Behind such a head nothing comes, whatever its fields say (RFC 9110 section 6.4.1). */
static bool
is_bodiless(const struct h2_leg *leg, uint16_t status)
{
	return leg->head_only || status == 204 || status == 304;
}

/* The end of the head as text; `ended`: with the stream. False: it does not fit. */
static bool
end_text(struct h2_link *link, const struct h2_leg *leg, bool ended)
{
	struct writer text = writer_on(link->block->data, HTTP_HEAD_BYTES_MAX);
	text.bytes = link->block->to;
	if (link->status >= 200 && !is_tunnel(leg, link->status)) {
		/* One request a stream; and one that ends with its head is known to be empty. */
		write_literal(&text, "connection: close\r\n");
		if (ended && !link->has_length && !is_bodiless(leg, link->status))
			write_literal(&text, "content-length: 0\r\n");
	}
	write_literal(&text, "\r\n");
	link->block->to = (uint32_t)text.bytes;
	return !text.overflow;
}

static void
on_head(struct h2_link *link, struct h2_leg *leg, bool ended)
{
	bool interim = link->status < 200;
	if (link->bad_block || link->status == 0 || !end_text(link, leg, ended)) {
		refuse(link, leg);
		return;
	}
	leg->spoken = true;
	/* Interim answers are for who reads them: none waits for long. */
	if (interim && leg->text > HTTP_HEAD_BYTES_MAX)
		return;
	leg->final = !interim;
	leg->bodiless = leg->final && is_bodiless(leg, link->status);
	if (!h2_leg_text(leg, (struct slice){link->block->data, link->block->to}))
		break_off(link, leg);
}

static void
on_headers(struct h2_link *link, struct h2_leg *leg, bool ended)
{
	if (leg != NULL && leg->final && leg->malformed)
		refuse(link, leg);
	else if (leg != NULL && !leg->final)
		on_head(link, leg, ended);
	buf_put(&link->worker->bufs, &link->block);
}

/* How many streams it takes, and whether tunnels. */
static void
on_settings(nghttp2_session *session, struct h2_link *link)
{
	uint32_t theirs =
	    nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	link->streams_max = theirs < H2_LINK_STREAMS_MAX ? theirs : H2_LINK_STREAMS_MAX;
	link->line->live->load[link->worker->number].streams_max = link->streams_max;
	link->fewer |= link->streams_max < link->leg_count;
	link->tunnels = nghttp2_session_get_remote_settings(
			    session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
	link->greeted = true;
	h2_link_wake(link);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_link *link = user;
	struct h2_leg *leg = leg_of(session, frame->hd.stream_id);
	bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		on_headers(link, leg, ends);
		if (leg != NULL && ends && !leg->broken)
			h2_leg_over(leg);
		break;
	case NGHTTP2_DATA:
		if (!count_data(link, frame))
			return NGHTTP2_ERR_CALLBACK_FAILURE;
		if (leg != NULL && ends && !leg->broken)
			h2_leg_over(leg);
		break;
	case NGHTTP2_SETTINGS:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
			on_settings(session, link);
		break;
	case NGHTTP2_GOAWAY: /* streams above its last one are closed by nghttp2, as refused */
		link->leaving = true;
		h2_link_wake(link);
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
	struct h2_link *link = user;
	struct h2_leg *leg = leg_of(session, id);
	(void)flags;
	if (leg == NULL)
		(void)nghttp2_session_consume(session, id, bytes);
	else if (!h2_leg_data(leg, at, bytes))
		break_off(link, leg);
	h2_link_wake(link);
	return 0;
}

/* The stream is over: by both ends, or by a RST_STREAM or GOAWAY of either side. */
static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct h2_link *link = user;
	struct h2_leg *leg = leg_of(session, id);
	if (leg == NULL)
		return 0;
	if (leg->over)
		h2_budget_stream(&link->budget);
	if (leg->held > 0)
		(void)nghttp2_session_consume_connection(session, (size_t)leg->held);
	h2_link_let_go(leg);
	h2_leg_broken(leg, code == NGHTTP2_REFUSED_STREAM && !leg->spoken ? REASON_STREAM_REFUSED
									  : REASON_RESET);
	h2_leg_settle(leg);
	return 0;
}

/* ---- frames that leave ------------------------------------------------------------------------
 */

static int
on_frame_leaves(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_leg *leg = leg_of(session, frame->hd.stream_id);
	(void)user;
	if (leg != NULL && frame->hd.type == NGHTTP2_HEADERS)
		leg->on_wire = true;
	return 0;
}

static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_link *link = user;
	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
		link->broken = true;
	return 0;
}

/* A request that nghttp2 does not send, as the member said goodbye: its stream never was. */
static int
on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	struct h2_link *link = user;
	(void)error;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct h2_leg *leg = link->legs;
	while (leg != NULL && leg->id != frame->hd.stream_id)
		leg = leg->next;
	if (leg == NULL)
		return 0;
	link->leaving = true;
	/* nghttp2 had opened it, and closes it next. */
	(void)nghttp2_session_set_stream_user_data(session, leg->id, NULL);
	h2_link_let_go(leg);
	h2_leg_broken(leg, REASON_STREAM_REFUSED);
	h2_leg_settle(leg);
	return 0;
}

static int
send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length,
	  nghttp2_data_source *source, void *user)
{
	struct h2_link *link = user;
	struct h2_leg *leg = leg_of(session, frame->hd.stream_id);
	int error = 0;
	(void)source;
	if (leg == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	char *to = h2_wire_data(&link->wire, head, length, &error);
	if (to == NULL)
		return error;
	h2_leg_take(leg, to, length);
	h2_budget_data(&link->budget);
	return 0;
}

/* ---- making one -------------------------------------------------------------------------------
 */

bool
h2_link_callbacks(struct h2_links *h)
{
	if (nghttp2_session_callbacks_new(&h->callbacks) != 0)
		return false;
	nghttp2_session_callbacks *cb = h->callbacks;
	nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback2(cb, on_invalid_header);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	nghttp2_session_callbacks_set_before_frame_send_callback(cb, on_frame_leaves);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(cb, on_frame_not_sent);
	nghttp2_session_callbacks_set_send_data_callback(cb, send_data);
	if (nghttp2_option_new(&h->option) != 0)
		return false;
	nghttp2_option_set_no_auto_window_update(h->option, 1);
	nghttp2_option_set_max_outbound_ack(h->option, H2_LINK_ACKS_MAX);
	nghttp2_option_set_max_settings(h->option, H2_LINK_SETTINGS_MAX);
	nghttp2_option_set_max_continuations(h->option, H2_CONTINUATIONS_MAX + 1);
	return true;
}

nghttp2_session *
h2_link_session(struct h2_link *link)
{
	static const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_LINK_WINDOW_BYTES},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_BYTES_MAX},
	};
	const struct h2_links *h = link->worker->links;
	nghttp2_session *session;
	if (nghttp2_session_client_new2(&session, h->callbacks, link, h->option) != 0)
		return NULL;
	int window = H2_LINK_STREAMS_MAX * H2_LINK_WINDOW_BYTES;
	if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
				    sizeof(settings) / sizeof(settings[0])) != 0 ||
	    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, window) != 0) {
		nghttp2_session_del(session);
		return NULL;
	}
	return session;
}
