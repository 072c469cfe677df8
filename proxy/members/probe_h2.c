/* probe_h2.c: see probe_h2.h. */
#include "members/probe_h2.h"

#include "http/h2_request.h"

#include <stdlib.h>
#include <string.h>

struct probe_h2 {
	nghttp2_session *session; /* owned */
	struct writer *answer;    /* of probe_h2_feed */
	const char *why;          /* NULL: nothing is wrong */
	size_t from;
	size_t to;
	bool over;
	bool final;
	bool goaway; /* came: answers that are under way may still come */
	char out[PROBE_H2_OUT_BYTES];
};

/* ---- what came --------------------------------------------------------------------------------
 */

/* Of the one request; what is pushed is none. */
static bool
is_answer(const nghttp2_frame *frame)
{
	return frame->hd.stream_id == 1 &&
	       (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	  size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags, void *user)
{
	struct probe_h2 *p = user;
	struct slice n = {(const char *)name, name_bytes};
	struct slice v = {(const char *)value, value_bytes};
	(void)session;
	(void)flags;
	if (p->final || !is_answer(frame))
		return 0; /* trailers */
	if (slice_equal(n, SLICE(":status")))
		write_together(p->answer, SLICE("HTTP/1.1 "), v, SLICE(" \r\n"));
	else
		write_together(p->answer, n, SLICE(": "), v, SLICE("\r\n"));
	if (p->answer->overflow)
		p->why = "a head that is too large";
	return 0;
}

/* nghttp2 has checked that a head begins with its :status. */
static bool
is_interim(const struct writer *answer)
{
	static const char line[] = "HTTP/1.1 1";
	size_t at = answer->bytes;
	while (at > 0 && (at < 4 || memcmp(answer->at + at - 4, "\r\n\r\n", 4) != 0))
		at--;
	return answer->bytes - at > sizeof(line) &&
	       memcmp(answer->at + at, line, sizeof(line) - 1) == 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct probe_h2 *p = user;
	(void)session;
	p->goaway |= frame->hd.type == NGHTTP2_GOAWAY;
	if (!is_answer(frame))
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && !p->final) {
		p->final = !is_interim(p->answer);
		write_literal(p->answer, "\r\n");
	}
	p->over |= (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	return 0;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
	struct probe_h2 *p = user;
	(void)session;
	(void)code;
	if (id == 1 && !p->over && p->why == NULL)
		p->why = "the stream was reset";
	return 0;
}

static const char *
why_not(const struct probe_h2 *p)
{
	if (p->why != NULL)
		return p->why;
	/* What nghttp2 finds fault with it ends by itself, when that is sent. */
	bool ends = nghttp2_session_want_read(p->session) == 0 ||
		    (!p->goaway && nghttp2_session_check_request_allowed(p->session) == 0);
	return ends && !p->over ? "not an HTTP/2 answer" : NULL;
}

enum probe_h2_state
probe_h2_feed(struct probe_h2 *p, const void *at, size_t bytes, struct writer *answer,
	      const char **why)
{
	p->answer = answer;
	ssize_t n = nghttp2_session_mem_recv(p->session, at, bytes);
	p->answer = NULL;
	*why = n < 0 ? "not an HTTP/2 answer" : why_not(p);
	if (*why != NULL)
		return PROBE_H2_BROKEN;
	return p->over ? PROBE_H2_OVER : PROBE_H2_OPEN;
}

/* ---- what is sent -----------------------------------------------------------------------------
 */

struct slice
probe_h2_out(struct probe_h2 *p)
{
	const uint8_t *at;
	ssize_t n;
	while ((n = nghttp2_session_mem_send(p->session, &at)) > 0) {
		if ((size_t)n > sizeof(p->out) - p->to) {
			p->why = "more questions than answers";
			break;
		}
		memcpy(p->out + p->to, at, (size_t)n);
		p->to += (size_t)n;
	}
	return (struct slice){p->out + p->from, p->to - p->from};
}

void
probe_h2_sent(struct probe_h2 *p, size_t bytes)
{
	p->from += bytes;
	if (p->from == p->to) {
		p->from = 0;
		p->to = 0;
	}
}

/* ---- life -------------------------------------------------------------------------------------
 */

static nghttp2_session *
create_session(struct probe_h2 *p)
{
	nghttp2_session_callbacks *cb;
	nghttp2_session *session = NULL;
	if (nghttp2_session_callbacks_new(&cb) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	if (nghttp2_session_client_new(&session, cb, p) != 0)
		session = NULL;
	nghttp2_session_callbacks_del(cb);
	return session;
}

static bool
submit(struct probe_h2 *p, char *request, size_t bytes, bool secure)
{
	static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
	struct h2_request r;
	if (!h2_request_read(&r, request, bytes))
		return false;
	h2_request_begin(&r, secure, false);
	return nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, settings, 1) == 0 &&
	       nghttp2_submit_request(p->session, NULL, r.fields.list + r.begin,
				      r.fields.count - r.begin, NULL, NULL) > 0;
}

struct probe_h2 *
probe_h2_create(char *request, size_t bytes, bool secure)
{
	struct probe_h2 *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->session = create_session(p);
	if (p->session == NULL || !submit(p, request, bytes, secure))
		probe_h2_free(&p);
	return p;
}

void
probe_h2_free(struct probe_h2 **held)
{
	struct probe_h2 *p = *held;
	*held = NULL;
	if (p == NULL)
		return;
	nghttp2_session_del(p->session);
	free(p);
}
