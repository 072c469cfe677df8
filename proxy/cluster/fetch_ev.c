/*
 * fetch_ev.c: see fetch_ev.h.
 *
 *   connecting --> [shaking hands -->] asking --sent--> listening --> done
 */
#include "cluster/fetch_ev.h"

#include "base/clock.h"
#include "http/parse.h"
#include "tls/channel.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_BYTES_MAX   8192
#define ANSWER_BYTES_MAX (HEAD_BYTES_MAX + HOP_SEAL_BYTES + DOCUMENT_BYTES_MAX)
#define REQUEST_BYTES    (HOP_TEXT_BYTES_MAX + 512)
#define READ_BYTES       16384 /* at once */

struct fetch {
	struct fetch_from from;
	fetch_done_fn *done;
	void *context;
	int fd;                      /* owned; -1: none */
	struct event *io;            /* owned: of fd */
	struct event *timer;         /* owned: the limit */
	struct tls_channel *channel; /* owned; NULL: plain, or not connected yet */
	bool connected;
	bool shaken; /* the channel's handshake is done */
	bool over;
	size_t sent;         /* bytes of the request */
	struct evbuffer *in; /* owned: what came of the answer */
	size_t request_bytes;
	char request[REQUEST_BYTES];
};

static void
end(struct fetch *f, struct document *d, const char *why)
{
	if (f->over)
		return;
	f->over = true;
	if (f->io != NULL)
		(void)event_del(f->io);
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
	size_t held = evbuffer_get_length(f->in);
	const char *at = (const char *)evbuffer_pullup(f->in, -1);
	if (held > ANSWER_BYTES_MAX)
		end(f, NULL, "too long");
	else if (at == NULL)
		read_answer(f, SLICE(""), ended);
	else
		read_answer(f, (struct slice){at, held}, ended);
}

static void
receive(struct fetch *f)
{
	char bytes[READ_BYTES];
	ssize_t n;
	do {
		n = f->channel != NULL ? tls_channel_recv(f->channel, bytes, sizeof(bytes))
				       : recv(f->fd, bytes, sizeof(bytes), 0);
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR)
				end(f, NULL, "it broke off");
			return;
		}
		if (evbuffer_add(f->in, bytes, (size_t)n) == -1)
			end(f, NULL, "no memory");
		else
			read_more(f, n == 0);
	} while (!f->over && n > 0 && f->channel != NULL && f->channel->held);
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

static void on_ready(evutil_socket_t fd, short what, void *context);

static void
watch(struct fetch *f, short what)
{
	(void)event_del(f->io);
	if (event_assign(f->io, f->from.base, f->fd, (short)(what | EV_PERSIST), on_ready, f) ==
		-1 ||
	    event_add(f->io, NULL) == -1)
		end(f, NULL, "no memory");
}

static void
send_request(struct fetch *f)
{
	struct iovec rest = {f->request + f->sent, f->request_bytes - f->sent};
	ssize_t n = f->channel != NULL ? tls_channel_send(f->channel, &rest, 1)
				       : send(f->fd, rest.iov_base, rest.iov_len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		end(f, NULL, "it broke off");
	if (n > 0)
		f->sent += (size_t)n;
	if (f->sent == f->request_bytes)
		watch(f, EV_READ);
}

/* ---- the connection -------------------------------------------------------------------------- */

static void
shake_hands(struct fetch *f)
{
	bool write;
	char text[256];
	struct writer why = writer_on(text, sizeof(text));
	enum tls_handshake state = tls_channel_handshake(f->channel, &write);
	f->shaken = state == TLS_HANDSHAKE_DONE;
	if (f->shaken) {
		watch(f, EV_WRITE);
	} else if (state == TLS_HANDSHAKE_WAITS) {
		watch(f, write ? EV_WRITE : EV_READ);
	} else {
		write_tls_failure(&why, f->channel, state);
		end(f, NULL, writer_text(&why));
	}
}

static void
connected(struct fetch *f)
{
	int error = 0;
	socklen_t bytes = sizeof(error);
	const struct addr *to = &f->from.cluster->nodes[f->from.node].http;
	if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == -1 || error != 0) {
		end(f, NULL, "it cannot be reached");
		return;
	}
	f->connected = true;
	if (f->from.tls == NULL)
		return;
	f->channel = tls_client_connect(f->from.tls, f->fd, to, NULL);
	if (f->channel == NULL)
		end(f, NULL, "no memory");
}

static void
on_ready(evutil_socket_t fd, short what, void *context)
{
	struct fetch *f = context;
	(void)fd;
	(void)what;
	if (!f->connected)
		connected(f);
	if (f->over)
		return;
	if (f->channel != NULL && !f->shaken)
		shake_hands(f);
	else if (f->sent < f->request_bytes)
		send_request(f);
	else
		receive(f);
}

/* As with all that goes from node to node: from the address at which this one is asked. */
static bool
connect_to(struct fetch *f)
{
	const struct config_cluster *cluster = f->from.cluster;
	struct sockaddr_storage to;
	socklen_t bytes = addr_to_sockaddr(&cluster->nodes[f->from.node].http, &to);
	f->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd == -1 || !addr_bind_source(f->fd, &cluster->nodes[cluster->self].http))
		return false;
	if (connect(f->fd, (struct sockaddr *)&to, bytes) == -1 && errno != EINPROGRESS)
		return false;
	f->io = event_new(f->from.base, f->fd, EV_WRITE | EV_PERSIST, on_ready, f);
	return f->io != NULL && event_add(f->io, NULL) == 0;
}

struct fetch *
fetch_start(const struct fetch_from *from, fetch_done_fn *done, void *context)
{
	struct fetch *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	struct writer w = writer_on(f->request, sizeof(f->request));
	f->from = *from;
	f->fd = -1;
	f->done = done;
	f->context = context;
	f->in = evbuffer_new();
	f->timer = evtimer_new(from->base, on_timer, f);
	write_request(f, &w);
	f->request_bytes = w.bytes;
	struct timeval limit = {.tv_sec = (time_t)(from->limit_ms / 1000),
				.tv_usec = (suseconds_t)(from->limit_ms % 1000 * 1000)};
	bool begun = f->in != NULL && f->timer != NULL && !w.overflow &&
		     event_add(f->timer, &limit) == 0 && connect_to(f);
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
		event_free(f->io);
	if (f->timer != NULL)
		event_free(f->timer);
	if (f->in != NULL)
		evbuffer_free(f->in);
	tls_channel_free(&f->channel);
	if (f->fd != -1)
		(void)close(f->fd);
	free(f);
}
