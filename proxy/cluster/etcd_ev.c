/* etcd_ev.c: see etcd_ev.h. */
#include "cluster/etcd_ev.h"

#include "base/clock.h"
#include "base/log.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#define WARN_MS 10000

struct etcd_live {
	struct evhttp_connection *connection; /* owned */
	void (*answered)(void *context);
	void *context;
	bool ends;        /* what still comes is for nobody */
	uint64_t said_at; /* that it does not answer; 0: not yet */
	char authority[ADDR_TEXT_BYTES_MAX];
	struct etcd engine;
};

static void
warn(struct etcd_live *e, uint64_t now, int status)
{
	if (e->said_at != 0 && now - e->said_at < WARN_MS)
		return;
	e->said_at = now;
	if (status == 0)
		log_warn("cluster: etcd at %s does not answer", e->authority);
	else
		log_warn("cluster: etcd at %s answers %d", e->authority, status);
}

static void
on_answer(struct evhttp_request *request, void *context)
{
	struct etcd_live *e = context;
	if (e->ends)
		return;
	uint64_t now = clock_boot_ms();
	int status = request == NULL ? 0 : evhttp_request_get_response_code(request);
	struct evbuffer *body = status == 0 ? NULL : evhttp_request_get_input_buffer(request);
	size_t bytes = body == NULL ? 0 : evbuffer_get_length(body);
	const char *at = body == NULL ? NULL : (const char *)evbuffer_pullup(body, -1);
	if (status != 200)
		warn(e, now, status);
	etcd_answered(&e->engine, now, status, at == NULL ? "" : at, bytes);
	e->answered(e->context);
}

/* False: it could not even be sent. */
static bool
send_call(struct etcd_live *e, const struct etcd_call *call)
{
	struct evhttp_request *request = evhttp_request_new(on_answer, e);
	if (request == NULL)
		return false;
	struct evkeyvalq *fields = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	if (evhttp_add_header(fields, "Host", e->authority) == -1 ||
	    evhttp_add_header(fields, "Content-Type", "application/json") == -1 ||
	    evbuffer_add(body, call->body, strlen(call->body)) == -1) {
		evhttp_request_free(request);
		return false;
	}
	/* Takes the request over, also on an error. */
	return evhttp_make_request(e->connection, request, EVHTTP_REQ_POST, call->path) == 0;
}

void
etcd_live_turn(struct etcd_live *e)
{
	struct etcd_call call;
	uint64_t now = clock_boot_ms();
	if (!etcd_take_call(&e->engine, now, &call))
		return;
	bool sent = send_call(e, &call);
	free(call.body);
	if (!sent) {
		warn(e, now, 0);
		etcd_answered(&e->engine, now, 0, "", 0); /* told with the next event */
	}
}

enum result
etcd_live_create(struct event_base *base, const struct etcd_live_setup *setup,
		 struct etcd_live **out, struct problem *p)
{
	struct etcd_live *e = calloc(1, sizeof(*e));
	*out = NULL;
	if (e == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	struct writer w = writer_on(e->authority, sizeof(e->authority));
	write_addr(&w, &setup->endpoint);
	(void)writer_text(&w);
	char host[ADDR_TEXT_BYTES_MAX];
	(void)snprintf(host, sizeof(host), "%s", e->authority);
	char *colon = strrchr(host, ':');
	*colon = '\0';
	char *name = host;
	if (name[0] == '[') { /* an IPv6 address goes without brackets there */
		name++;
		name[strlen(name) - 1] = '\0';
	}
	uint32_t limit_ms = setup->timing.negotiation_ms;
	struct timeval limit = {.tv_sec = limit_ms / 1000,
				.tv_usec = (suseconds_t)(limit_ms % 1000) * 1000};
	e->connection =
	    evhttp_connection_base_new(base, NULL, name, (uint16_t)strtoul(colon + 1, NULL, 10));
	if (e->connection == NULL) {
		free(e);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	evhttp_connection_set_timeout_tv(e->connection, &limit);
	evhttp_connection_set_retries(e->connection, 0);
	evhttp_connection_set_max_body_size(e->connection, ETCD_ANSWER_BYTES_MAX);
	e->answered = setup->answered;
	e->context = setup->context;
	etcd_init(&e->engine, setup->nodes, &setup->timing, setup->boot, setup->cluster);
	*out = e;
	return RESULT_OK;
}

void
etcd_live_free(struct etcd_live **held)
{
	struct etcd_live *e = *held;
	*held = NULL;
	if (e == NULL)
		return;
	e->ends = true;
	evhttp_connection_free(e->connection);
	etcd_deinit(&e->engine);
	free(e);
}

struct engine
etcd_live_engine(struct etcd_live *e)
{
	return etcd_engine(&e->engine);
}
