/*
 * server_ev.h: the admin listener and its connections, on the control thread's event base. Small
 * and slow by design: one request at a time on a connection, every number bounded; traffic is the
 * workers' and never waits for it.
 *
 *   accept -> READING -> (a whole request) -> ANSWERING -> READING ...
 *                    |                   `-> FOLLOWING (GET /events, or a role; until either side
 * ends)
 *                    `-> OWED (who has the question answers later: GET /v1/master)
 *                    `-> WAITING (another answer may come: asked for again when one may have)
 *                                        `-> LINGERING (the last answer; what still comes is
 * dropped)
 */
#ifndef HOLDFAST_ADMIN_SERVER_EV_H
#define HOLDFAST_ADMIN_SERVER_EV_H

#include "admin/events.h"
#include "admin/face.h"

#include <event2/event.h>

#define ADMIN_CONNECTIONS_MAX    128 /* followers, waiters, and 32 who just ask */
#define ADMIN_FOLLOWERS_MAX      16  /* of /events */
#define ADMIN_ROLE_FOLLOWERS_MAX 32
#define ADMIN_WAITERS_MAX        48 /* for a role; further ones are answered at once */
#define ADMIN_FOLLOWER_BYTES_MAX \
	((size_t)256 * 1024)                /* waiting for one follower; then it is dropped */
#define ADMIN_SEND_BUFFER_BYTES (64 * 1024) /* of the kernel, a follower */
#define ADMIN_BODY_BYTES_MAX    4096        /* of a request; nobody reads it */
#define ADMIN_REQUEST_MS        15000 /* from the connection, or an answer, to a whole request */
#define ADMIN_OWED_MS           (UINT64_C(3600) * 1000) /* for an answer that comes later */
#define ADMIN_ANSWER_MS         30000                   /* to take an answer */
#define ADMIN_LINGER_MS         2000
#define ADMIN_HEARTBEAT_MS      15000 /* a comment to followers, so that dead ones are found */

struct admin_server;

/* Takes the bound socket `fd` over, also on an error. `face` is copied; `events` is borrowed. */
enum result admin_server_create(struct event_base *base, int fd, const struct admin_face *face,
				struct events *events, struct admin_server **out,
				struct problem *p);
/* On the base's thread, or when its loop has ended. */
void admin_server_free(struct admin_server **server);

/* Nobody is accepted any more, and each connection ends with its present answer. */
void admin_server_leave(struct admin_server *server);
/* Who waits asks again, soon. */
void admin_server_wake(struct admin_server *server);
unsigned admin_server_followers(const struct admin_server *server);
uint64_t admin_server_dropped(const struct admin_server *server); /* followers, since start */
uint64_t admin_server_lost(const struct admin_server *server);    /* lines that nobody got */

#endif
