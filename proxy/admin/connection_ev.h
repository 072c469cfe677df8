/*
 * connection_ev.h: one connection of the admin server, and what of the server it works with; for
 * server_ev.c and connection_ev.c alone. server_ev.h has the phases.
 */
#ifndef HOLDFAST_ADMIN_CONNECTION_EV_H
#define HOLDFAST_ADMIN_CONNECTION_EV_H

#include "admin/answers.h"
#include "admin/server_ev.h"
#include "base/addr.h"
#include "http/parse.h"

#include <event2/bufferevent.h>

enum connection_phase {
	CONNECTION_READING,
	CONNECTION_WAITING,
	CONNECTION_OWED,
	CONNECTION_ANSWERING,
	CONNECTION_FOLLOWING,
	CONNECTION_LINGERING
};

struct connection {
	struct admin_server *server;
	struct connection *next;
	struct connection *prev;
	struct bufferevent *io; /* owned */
	enum connection_phase phase;
	bool close_after;            /* the present answer is the last */
	bool continued;              /* the present request's body was asked for */
	uint64_t deadline_ms;        /* of the phase */
	uint64_t wait_ends;          /* of the present request; 0: it has not waited */
	bool head_only;              /* OWED: of the answer */
	char role[ID_BYTES_MAX + 1]; /* FOLLOWING: of this role; "": of the log */
	struct admin_role_seen seen; /* of the role */
	struct admin_later later;    /* OWED: whoever has the question answers by it */
	char peer[ADDR_TEXT_BYTES_MAX];
};

struct admin_server {
	struct event_base *base; /* borrowed */
	struct admin_face face;
	struct events *events; /* borrowed */
	struct event *accept;
	struct event *sweep; /* deadlines, every SWEEP_PERIOD_S */
	struct event *bell;  /* of `events` */
	struct event *wake;  /* who waits asks again */
	int fd;
	bool left;                /* another process listens */
	bool paused;              /* no descriptor was left: accepts again at the next sweep */
	struct connection *first; /* the newest */
	unsigned connections;
	unsigned followers; /* of the log */
	unsigned role_followers;
	uint64_t dropped;
	uint64_t lost;
	uint64_t heartbeat_ms; /* of the last one */
	struct parser *parser;
	struct http_head head; /* scratch */
};

/* Takes the descriptor over. False: no memory, and it is the caller's. */
bool connection_open(struct admin_server *s, int fd, const struct sockaddr *from);
void connection_free(struct connection *c);
/* Takes one request from the front. False: there is none, or the connection is gone. */
bool connection_take_request(struct connection *c);
/* An answer to what is no request that could be carried out; the last one. */
void connection_refuse(struct connection *c, uint16_t status, const char *text);
/*
 * What became of its role since, in one event; nothing while it has not read the last one, which is
 * told when it has, if it still is so. Who reads nothing at all is gone with his deadline.
 */
void connection_tell_role(struct connection *c);

#endif
