/* arrival.c: see arrival.h. */
#include "edge/arrival.h"

#include "edge/addresses.h"
#include "edge/admission.h"
#include "edge/client.h"
#include "edge/h2_connection.h"
#include "edge/proxy_header.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct arrival {
	struct trash trash; /* first */
	struct io io;       /* plain: the channel's descriptor is watched as the handshake says */
	struct deadline deadline;
	struct arrival *next; /* in worker->arrivals */
	struct arrival *prev;
	struct addr peer;
	bool counted; /* by its address */
	bool http1;   /* is spoken there */
	bool http2;
	struct tls_context *tls;     /* one reference; NULL: no handshake follows */
	struct tls_channel *channel; /* owned; NULL: not yet */
	struct buf *header; /* of a PROXY header that is not whole; NULL: none is awaited */
};

/* ---- life -------------------------------------------------------------------------------------
 */

static void
arrival_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

/* Everything but the descriptor. */
static void
leave(struct arrival *a)
{
	struct worker *w = a->io.worker;
	if (a->prev != NULL)
		a->prev->next = a->next;
	else
		w->arrivals = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	atomic_fetch_sub_explicit(&w->shared->clients, 1, memory_order_relaxed);
	deadline_remove(w, &a->deadline);
	buf_put(&w->bufs, &a->header);
	tls_context_unref(&a->tls);
	(void)io_want(&a->io, 0);
	worker_trash(w, &a->trash, arrival_drop);
}

static void
end(struct arrival *a, enum arrival_end why)
{
	struct worker *w = a->io.worker;
	arrivals_add(&w->shared->arrivals.ended[why]);
	leave(a);
	tls_channel_free(&a->channel);
	if (a->counted)
		addresses_leave(w->shared->addresses, &a->peer);
	io_close(&a->io);
}

/* The descriptor and the channel go on as a client's, of the protocol that ALPN settled. */
static void
promote(struct arrival *a)
{
	int fd = a->io.fd;
	bool h2 =
	    a->channel != NULL ? slice_equal(a->channel->facts.protocol, SLICE("h2")) : !a->http1;
	if (!h2 && !a->http1) { /* it named none */
		end(a, ARRIVAL_ALPN);
		return;
	}
	leave(a);
	a->io.fd = -1;
	if (h2)
		(void)h2_connection_open(a->io.worker, fd, a->channel, &a->peer, a->counted,
					 SLICE_NONE);
	else
		(void)client_open(a->io.worker, fd, a->channel, &a->peer, a->counted,
				  a->http2 && a->channel == NULL);
}

/* Plain HTTP where TLS is spoken: it is told so, in its own words. */
static void
tell_not_tls(struct arrival *a)
{
	int fd = a->io.fd;
	arrivals_add(&a->io.worker->shared->arrivals.ended[ARRIVAL_NOT_TLS]);
	leave(a);
	tls_channel_free(&a->channel);
	a->io.fd = -1;
	client_open_refused(a->io.worker, fd, &a->peer, a->counted, CAUSE_CLIENT_NOT_TLS);
}

/* ---- TLS --------------------------------------------------------------------------------------
 */

static enum arrival_end
end_of(enum tls_handshake failure)
{
	static const enum arrival_end ends[] = {
	    [TLS_HANDSHAKE_CLOSED] = ARRIVAL_CLOSED,
	    [TLS_HANDSHAKE_NOT_TLS] = ARRIVAL_NOT_TLS,
	    [TLS_HANDSHAKE_VERSION] = ARRIVAL_VERSION,
	    [TLS_HANDSHAKE_CIPHER] = ARRIVAL_CIPHER,
	    [TLS_HANDSHAKE_ALPN] = ARRIVAL_ALPN,
	    [TLS_HANDSHAKE_CERTIFICATE] = ARRIVAL_CERTIFICATE,
	    [TLS_HANDSHAKE_ALERT] = ARRIVAL_ALERT,
	    [TLS_HANDSHAKE_FAILED] = ARRIVAL_PROTOCOL,
	    [TLS_HANDSHAKE_NO_MEMORY] = ARRIVAL_NO_MEMORY,
	};
	return ends[failure];
}

static void
count_handshake(const struct arrival *a)
{
	struct arrivals *counts = &a->io.worker->shared->arrivals;
	const struct tls_facts *facts = &a->channel->facts;
	arrivals_add(&counts->handshakes);
	if (facts->resumed)
		arrivals_add(&counts->resumed);
	if (slice_equal(facts->version, SLICE("TLSv1.3")))
		arrivals_add(&counts->tls_1_3);
}

static void
shake_hands(struct arrival *a)
{
	bool write;
	enum tls_handshake state = tls_channel_handshake(a->channel, &write);
	if (state == TLS_HANDSHAKE_WAITS) {
		if (!io_want(&a->io, write ? IO_WRITE : IO_READ))
			end(a, ARRIVAL_NO_MEMORY);
	} else if (state == TLS_HANDSHAKE_DONE) {
		count_handshake(a);
		promote(a);
	} else if (state == TLS_HANDSHAKE_NOT_TLS) {
		tell_not_tls(a);
	} else {
		end(a, end_of(state));
	}
}

/* The client is known. `waits`: its next bytes may be there already. */
static void
enter(struct arrival *a, bool waits)
{
	if (!admit(a->io.worker, &a->peer, &a->counted)) {
		leave(a);
		io_close(&a->io);
		return;
	}
	if (a->tls == NULL) {
		promote(a);
		return;
	}
	a->channel = tls_context_accept(a->tls, a->io.fd);
	if (a->channel == NULL)
		end(a, ARRIVAL_NO_MEMORY);
	else if (waits)
		shake_hands(a);
}

/* ---- PROXY ------------------------------------------------------------------------------------
 */

/* Takes what was only looked at so far. */
static bool
consume(const struct arrival *a, size_t bytes)
{
	char taken[PROXY_HEADER_BYTES_MAX];
	return bytes == 0 || recv(a->io.fd, taken, bytes, MSG_DONTWAIT) == (ssize_t)bytes;
}

/*
 * What follows the header is left to the kernel. A part of a header is taken, though: it would show
 * the descriptor as readable for ever.
 */
static void
read_header(struct arrival *a)
{
	static_assert(BUF_BYTES >= PROXY_HEADER_BYTES_MAX, "a buffer holds a header");
	struct buf *b = a->header;
	struct proxy_header header;
	const char *why = "";
	size_t room = PROXY_HEADER_BYTES_MAX - b->to;
	ssize_t n = recv(a->io.fd, b->data + b->to, room, MSG_PEEK | MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(a, ARRIVAL_CLOSED);
		return;
	}
	size_t before = b->to;
	enum proxy_outcome outcome = proxy_header_parse(b->data, before + (size_t)n, &header, &why);
	size_t take = outcome == PROXY_DONE ? header.bytes - before : (size_t)n;
	if (outcome == PROXY_BAD || !consume(a, take)) {
		log_debug("PROXY header refused: %s", why);
		end(a, ARRIVAL_PROXY_HEADER);
		return;
	}
	b->to += (uint32_t)take;
	if (outcome == PROXY_MORE)
		return;
	buf_put(&a->io.worker->bufs, &a->header);
	arrivals_add(&a->io.worker->shared->arrivals.proxied);
	if (header.client.family != 0)
		a->peer = header.client;
	enter(a, true);
}

static void
on_ready(void *owner, unsigned events)
{
	struct arrival *a = owner;
	(void)events;
	if (a->header != NULL)
		read_header(a);
	else if (a->channel != NULL)
		shake_hands(a);
}

static void
on_deadline(struct deadline *d)
{
	end((struct arrival *)(void *)((char *)d - offsetof(struct arrival, deadline)),
	    ARRIVAL_TIMEOUT);
}

/* ---- open, stop -------------------------------------------------------------------------------
 */

static void
begin(struct arrival *a, const struct entrance *entrance)
{
	struct worker *w = a->io.worker;
	if (entrance->proxy_count > 0) {
		if (!networks_have(entrance->proxies, entrance->proxy_count, &a->peer)) {
			end(a, ARRIVAL_PROXY_SENDER);
			return;
		}
		a->header = buf_get(&w->bufs);
		if (a->header == NULL || !io_want(&a->io, IO_READ))
			end(a, ARRIVAL_NO_MEMORY);
		return;
	}
	if (!io_want(&a->io, IO_READ))
		end(a, ARRIVAL_NO_MEMORY);
	else
		enter(a, false);
}

void
arrival_open(struct worker *w, int fd, const struct addr *peer, const struct entrance *entrance)
{
	struct arrival *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		arrivals_add(&w->shared->arrivals.ended[ARRIVAL_NO_MEMORY]);
		(void)close(fd);
		return;
	}
	io_init(&a->io, w, fd, on_ready, a);
	a->peer = *peer;
	a->http1 = entrance->config->http1;
	a->http2 = entrance->config->http2;
	a->tls = entrance->tls == NULL ? NULL : tls_context_ref(entrance->tls);
	a->deadline.fire = on_deadline;
	a->next = w->arrivals;
	if (w->arrivals != NULL)
		w->arrivals->prev = a;
	w->arrivals = a;
	atomic_fetch_add_explicit(&w->shared->clients, 1, memory_order_relaxed);
	deadline_set(w, &a->deadline, entrance->config->handshake_ms);
	begin(a, entrance);
}

void
arrivals_abort(struct worker *w)
{
	while (w->arrivals != NULL)
		end(w->arrivals, ARRIVAL_SHUTDOWN);
}
