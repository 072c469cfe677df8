/* fetch_ev.c: see fetch_ev.h. */
#include "cluster/fetch_ev.h"

#include "base/clock.h"
#include "http/parse.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_BYTES_MAX   8192
#define ANSWER_BYTES_MAX (HEAD_BYTES_MAX + HOP_SEAL_BYTES + DOCUMENT_BYTES_MAX)
#define REQUEST_BYTES    (HOP_TEXT_BYTES_MAX + 512)

struct fetch {
	struct fetch_from from;
	fetch_done_fn *done;
	void *context;
	struct bufferevent *io; /* owned */
	struct event *timer;    /* owned: the limit, or what was wrong at the start */
	bool over;
};

static void
end(struct fetch *f, struct document *d, const char *why)
{
	if (f->over)
		return;
	f->over = true;
	if (f->io != NULL)
		(void)bufferevent_disable(f->io, EV_READ | EV_WRITE);
	f->done(f->context, d, why);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	end(context, NULL, "no answer in time");
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* The whole answer, once its end came. */
static void
read_body(struct fetch *f, struct slice body)
{
	struct slice text;
	if (!hop_unseal(f->from.hops, body, &text)) {
		end(f, NULL, "its signature is wrong");
		return;
	}
	struct document *d = document_create(text.at, text.bytes);
	end(f, d, d == NULL ? "no memory" : "");
	document_unref(&d);
}

static void
read_answer(struct fetch *f, struct slice answer, bool ended)
{
	static const struct parse_limits limits = {
	    .head_bytes_max = HEAD_BYTES_MAX, .target_bytes_max = 1024, .fields_max = 50};
	struct http_head *head = malloc(sizeof(*head));
	struct parser *parser = parser_create();
	enum cause cause;
	const char *why = "no memory";
	enum parse_outcome outcome = PARSE_BAD;
	if (head != NULL && parser != NULL)
		outcome = parse_response(parser, answer.at, answer.bytes, &limits, METHOD_GET, head,
					 &cause, &why);
	bool whole = outcome == PARSE_OK && answer.bytes - head->bytes >= head->content_length;
	if (outcome == PARSE_BAD)
		end(f, NULL, why);
	else if (outcome == PARSE_OK && head->status != 200)
		end(f, NULL, head->status == 404 ? "it holds none" : "it refuses");
	else if (outcome == PARSE_OK && head->framing != BODY_LENGTH)
		end(f, NULL, "an answer without a length");
	else if (whole)
		read_body(f, (struct slice){answer.at + head->bytes, (size_t)head->content_length});
	else if (ended)
		end(f, NULL, "it broke off");
	parser_free(&parser);
	free(head);
}

static void
read_more(struct fetch *f, bool ended)
{
	struct evbuffer *in = bufferevent_get_input(f->io);
	size_t held = evbuffer_get_length(in);
	const char *at = (const char *)evbuffer_pullup(in, -1);
	if (held > ANSWER_BYTES_MAX)
		end(f, NULL, "too long");
	else if (at == NULL)
		read_answer(f, SLICE(""), ended);
	else
		read_answer(f, (struct slice){at, held}, ended);
}

static void
on_read(struct bufferevent *io, void *context)
{
	(void)io;
	read_more(context, false);
}

static void
on_event(struct bufferevent *io, short what, void *context)
{
	struct fetch *f = context;
	(void)io;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		return;
	if ((what & BEV_EVENT_EOF) != 0)
		read_more(f, true);
	else
		end(f, NULL, "it cannot be reached");
}

/* ---- the request ----------------------------------------------------------------------------- */

static void
write_request(const struct fetch *f, struct writer *w)
{
	const struct config_cluster *cluster = f->from.cluster;
	struct http_head request = {.method_text = SLICE("GET"),
				    .host = SLICE("holdfast"),
				    .path = SLICE(HOP_MEMBERSHIP_PATH)};
	struct hop hop = {.path = {cluster->self},
			  .path_count = 1,
			  .client = cluster->nodes[cluster->self].http,
			  .time_ms = clock_wall_ms()};
	write_literal(w, "GET " HOP_MEMBERSHIP_PATH
			 " HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\nHoldfast-Hop: ");
	hop_write(f->from.hops, &hop, &request, w);
	write_literal(w, "\r\n\r\n");
}

/* As with all that goes from node to node: from the address at which this one is asked. */
static bool
connect_to(struct fetch *f)
{
	const struct config_cluster *cluster = f->from.cluster;
	struct sockaddr_storage to;
	socklen_t bytes = addr_to_sockaddr(&cluster->nodes[f->from.node].http, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	f->io = bufferevent_socket_new(f->from.base, fd,
				       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (f->io == NULL) {
		(void)close(fd);
		return false;
	}
	bufferevent_setcb(f->io, on_read, NULL, on_event, f);
	return addr_bind_source(fd, &cluster->nodes[cluster->self].http) &&
	       bufferevent_socket_connect(f->io, (struct sockaddr *)&to, (int)bytes) == 0;
}

struct fetch *
fetch_start(const struct fetch_from *from, fetch_done_fn *done, void *context)
{
	char text[REQUEST_BYTES];
	struct writer w = writer_on(text, sizeof(text));
	struct fetch *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->from = *from;
	f->done = done;
	f->context = context;
	f->timer = evtimer_new(from->base, on_timer, f);
	write_request(f, &w);
	struct timeval limit = {.tv_sec = (time_t)(from->limit_ms / 1000),
				.tv_usec = (suseconds_t)(from->limit_ms % 1000 * 1000)};
	bool begun = f->timer != NULL && !w.overflow && event_add(f->timer, &limit) == 0 &&
		     connect_to(f) && bufferevent_write(f->io, text, w.bytes) == 0 &&
		     bufferevent_enable(f->io, EV_READ | EV_WRITE) == 0;
	if (!begun)
		fetch_free(&f);
	return f;
}

void
fetch_free(struct fetch **held)
{
	struct fetch *f = *held;
	*held = NULL;
	if (f == NULL)
		return;
	f->over = true;
	if (f->io != NULL)
		bufferevent_free(f->io);
	if (f->timer != NULL)
		event_free(f->timer);
	free(f);
}
