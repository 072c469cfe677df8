/* resolver_ev.c: see resolver_ev.h. */
#include "members/resolver_ev.h"

#include "base/clock.h"
#include "members/srv.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>

#define WATCHES_MAX   64    /* sockets at once */
#define SERVERS_BYTES 2048  /* of all servers as a text */
#define RENEW_MS      30000 /* an idle channel reads resolv.conf again after that time */

struct watch {
	struct resolver *resolver;
	struct event *event; /* NULL: free */
	ares_socket_t fd;
};

struct resolver {
	struct event_base *base;              /* borrowed */
	const struct config_resolver *config; /* borrowed */
	resolver_fn *answered;
	void *context;
	ares_channel channel;
	struct event *timer;
	uint64_t made_ms; /* the channel */
	unsigned asking;
	struct watch watch[WATCHES_MAX];
};

struct question {
	struct resolver *resolver;
	enum name_kind kind;
	const char *text;
};

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void
set_timer(struct resolver *r)
{
	struct timeval wait;
	if (ares_timeout(r->channel, NULL, &wait) != NULL)
		(void)evtimer_add(r->timer, &wait);
	else
		(void)evtimer_del(r->timer);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct resolver *r = context;
	(void)fd;
	(void)what;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(r);
}

static void
on_ready(evutil_socket_t fd, short what, void *context)
{
	struct resolver *r = ((struct watch *)context)->resolver;
	ares_process_fd(r->channel, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
			(what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	set_timer(r);
}

static struct watch *
watch_of(struct resolver *r, ares_socket_t fd)
{
	struct watch *spare = NULL;
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		struct watch *w = &r->watch[i];
		if (w->event != NULL && w->fd == fd)
			return w;
		if (w->event == NULL)
			spare = w;
	}
	return spare;
}

/* Of a socket that cannot be watched the question times out. */
static void
on_socket(void *context, ares_socket_t fd, int reads, int writes)
{
	struct resolver *r = context;
	struct watch *w = watch_of(r, fd);
	if (w == NULL)
		return;
	if (w->event != NULL)
		event_free(w->event);
	w->event = NULL;
	short what = (short)((reads ? EV_READ : 0) | (writes ? EV_WRITE : 0));
	if (what == 0)
		return;
	*w = (struct watch){r, event_new(r->base, fd, (short)(what | EV_PERSIST), on_ready, w), fd};
	if (w->event != NULL)
		(void)event_add(w->event, NULL);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool
set_servers(struct resolver *r)
{
	char text[SERVERS_BYTES];
	struct writer w = writer_on(text, sizeof(text));
	if (r->config->server_count == 0)
		return true; /* those of resolv.conf */
	for (size_t i = 0; i < r->config->server_count; i++) {
		write_text(&w, i == 0 ? "" : ",");
		write_text(&w, r->config->servers[i]);
	}
	const char *list = writer_text(&w);
	return !w.overflow && ares_set_servers_ports_csv(r->channel, list) == ARES_SUCCESS;
}

static enum result
open_channel(struct resolver *r, struct problem *p)
{
	struct ares_options options = {.timeout = (int)r->config->timeout_ms,
				       .tries = (int)r->config->tries,
				       .sock_state_cb = on_socket,
				       .sock_state_cb_data = r};
	int status = ares_init_options(
	    &r->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS) {
		r->channel = NULL;
		return problem_set(p, status == ARES_ENOMEM ? RESULT_NO_MEMORY : RESULT_IO,
				   "resolver: %s", ares_strerror(status));
	}
	r->made_ms = clock_ms();
	if (!set_servers(r))
		return problem_set(p, RESULT_INVALID, "resolver.servers: not to be used");
	return RESULT_OK;
}

enum result
resolver_create(struct event_base *base, const struct config_resolver *config,
		resolver_fn *answered, void *context, struct resolver **out, struct problem *p)
{
	*out = NULL;
	struct resolver *r = calloc(1, sizeof(*r));
	if (r == NULL || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(r);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	*r = (struct resolver){
	    .base = base, .config = config, .answered = answered, .context = context};
	r->timer = evtimer_new(base, on_timer, r);
	enum result result =
	    r->timer == NULL ? problem_set(p, RESULT_NO_MEMORY, "no memory") : open_channel(r, p);
	if (result != RESULT_OK)
		resolver_free(&r);
	*out = r;
	return result;
}

void
resolver_free(struct resolver **held)
{
	struct resolver *r = *held;
	*held = NULL;
	if (r == NULL)
		return;
	r->answered = NULL;
	if (r->channel != NULL)
		ares_destroy(r->channel);
	for (size_t i = 0; i < WATCHES_MAX; i++) {
		if (r->watch[i].event != NULL)
			event_free(r->watch[i].event);
	}
	if (r->timer != NULL)
		event_free(r->timer);
	ares_library_cleanup();
	free(r);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static const char *
why_of(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return "no such name (NXDOMAIN)";
	case ARES_ENODATA:
		return "no address under this name";
	case ARES_ESERVFAIL:
		return "the server failed (SERVFAIL)";
	case ARES_EREFUSED:
		return "the server refuses to answer";
	case ARES_ETIMEOUT:
		return "no answer in time";
	case ARES_ECONNREFUSED:
		return "no server of names answers, but with failures";
	default:
		return ares_strerror(status);
	}
}

static void
tell(struct question *q, const struct name_answer *answer)
{
	struct resolver *r = q->resolver;
	r->asking--;
	if (r->answered != NULL)
		r->answered(r->context, q->kind, q->text, answer);
	free(q);
}

static void
on_addresses(void *context, int status, int timeouts, struct ares_addrinfo *found)
{
	struct question *q = context;
	struct name_answer *a = calloc(1, sizeof(*a));
	static const struct name_answer none = {.why = "no memory"};
	(void)timeouts;
	uint64_t ttl_s = UINT32_MAX;
	for (const struct ares_addrinfo_node *node =
		 status == ARES_SUCCESS && a != NULL ? found->nodes : NULL;
	     node != NULL && a->count < NAME_ANSWERS_MAX; node = node->ai_next) {
		addr_from_sockaddr(node->ai_addr, &a->address[a->count]);
		a->address[a->count].port = 0;
		a->count += addr_is_ip(&a->address[a->count]);
		uint64_t ttl = node->ai_ttl > 0 ? (uint64_t)node->ai_ttl : 0;
		ttl_s = ttl < ttl_s ? ttl : ttl_s;
	}
	if (a != NULL) {
		a->ttl_ms = ttl_s * 1000;
		a->why = a->count > 0             ? NULL
			 : status == ARES_SUCCESS ? why_of(ARES_ENODATA)
						  : why_of(status);
	}
	tell(q, a != NULL ? a : &none);
	free(a);
	if (found != NULL)
		ares_freeaddrinfo(found);
}

static void
on_targets(void *context, int status, int timeouts, unsigned char *all, int bytes)
{
	struct question *q = context;
	static const struct name_answer none = {.why = "no memory"};
	struct name_answer *a = calloc(1, sizeof(*a));
	(void)timeouts;
	if (a == NULL) {
		tell(q, &none);
		return;
	}
	a->ttl_ms = UINT32_MAX;
	if (status == ARES_SUCCESS)
		srv_read(all, bytes, a);
	else
		a->why = why_of(status);
	if (a->why == NULL && a->count == 0)
		a->why = "no target of this service";
	tell(q, a);
	free(a);
}

/* ---- questions --------------------------------------------------------------------------------
 */

/* Nobody is asked: whatever resolv.conf says now holds from here on. */
static void
renew(struct resolver *r)
{
	struct problem p;
	if (r->asking > 0 || clock_ms() - r->made_ms < RENEW_MS)
		return;
	ares_channel before = r->channel;
	if (open_channel(r, &p) == RESULT_OK) {
		ares_destroy(before);
		return;
	}
	if (r->channel != NULL)
		ares_destroy(r->channel);
	r->channel = before;
	r->made_ms = clock_ms();
}

void
resolver_ask(struct resolver *r, enum name_kind kind, const char *text)
{
	static const struct name_answer none = {.why = "no memory"};
	struct question *q = malloc(sizeof(*q));
	if (q == NULL) {
		r->answered(r->context, kind, text, &none);
		return;
	}
	renew(r);
	*q = (struct question){r, kind, text};
	r->asking++;
	if (kind == NAME_HOST) {
		struct ares_addrinfo_hints hints = {
		    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
		ares_getaddrinfo(r->channel, text, NULL, &hints, on_addresses, q);
	} else {
		ares_query(r->channel, text, ns_c_in, ns_t_srv, on_targets, q);
	}
	set_timer(r);
}

/* ---- all at once ------------------------------------------------------------------------------
 */

struct settling {
	struct names *book;
	const struct config *config;
	resolver_news_fn *told;
	void *context;
	bool stopped; /* from outside */
};

static void
on_settled(void *context, enum name_kind kind, const char *text, const struct name_answer *answer)
{
	struct settling *s = context;
	enum name_news news =
	    names_answer(s->book, kind, text, answer, &s->config->resolver, clock_ms());
	const struct name *name = names_find(s->book, kind, text);
	if (name != NULL && s->told != NULL)
		s->told(s->context, name, news);
}

static bool
ask_due(struct settling *s, struct resolver *r)
{
	struct name *name;
	uint64_t now_ms = clock_ms();
	if (!names_want(s->book, s->config, now_ms))
		return false;
	while ((name = names_due(s->book, now_ms)) != NULL)
		resolver_ask(r, name->kind, name->text);
	return true;
}

static void
on_stop(evutil_socket_t fd, short what, void *context)
{
	struct settling *s = context;
	(void)fd;
	(void)what;
	s->stopped = true;
}

/* Until all have an answer, or it is over. */
static enum result
settle(struct settling *s, struct event_base *base, struct resolver *r, uint64_t limit_ms,
       struct problem *p)
{
	uint64_t until_ms = clock_ms() + limit_ms;
	while (!s->stopped) {
		uint64_t now_ms = clock_ms();
		if (!ask_due(s, r))
			return problem_set(p, RESULT_NO_MEMORY, "no memory");
		if (names_settled(s->book) || now_ms >= until_ms)
			break;
		uint64_t left_ms = until_ms - now_ms;
		struct timeval wait = {.tv_sec = (time_t)(left_ms / 1000),
				       .tv_usec = (suseconds_t)(left_ms % 1000 * 1000)};
		(void)event_base_loopexit(base, &wait);
		(void)event_base_loop(base, EVLOOP_ONCE);
	}
	return RESULT_OK;
}

enum result
resolver_settle(struct names *book, const struct config *config, uint64_t limit_ms, int stop_fd,
		resolver_news_fn *told, void *context, struct problem *p)
{
	struct settling s = {.book = book, .config = config, .told = told, .context = context};
	struct resolver *r = NULL;
	struct event *stop = NULL;
	struct event_base *base = event_base_new();
	enum result result = base == NULL
				 ? problem_set(p, RESULT_NO_MEMORY, "no memory")
				 : resolver_create(base, &config->resolver, on_settled, &s, &r, p);
	if (result == RESULT_OK && stop_fd != -1) {
		stop = event_new(base, stop_fd, EV_READ, on_stop, &s);
		if (stop == NULL || event_add(stop, NULL) != 0)
			result = problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	if (result == RESULT_OK && r != NULL)
		result = settle(&s, base, r, limit_ms, p);
	if (stop != NULL)
		event_free(stop);
	resolver_free(&r);
	names_unask(book);
	if (base != NULL)
		event_base_free(base);
	return result;
}
