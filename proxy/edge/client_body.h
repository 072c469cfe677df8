/*
 * client_body.h: the body of the request under way on a connection of HTTP/1.1, as its framing
 * divides it (RFC 9112 sections 6 and 7): told to the exchange piece by piece, and its end. What
 * was read behind it is kept in `in`, for the next request.
 */
#ifndef HOLDFAST_EDGE_CLIENT_BODY_H
#define HOLDFAST_EDGE_CLIENT_BODY_H

#include "edge/client.h"

/* What was read of it; for a length, no more than belong to it; NULL: it is in the exchange's pipe.
 * The exchange may be over then. */
void client_body_feed(struct client *c, const char *at, size_t bytes);
/* What came behind the head belongs to its body first. */
void client_body_feed_held(struct client *c);
/* A tunnel opened: what the client sent before it knew that belongs to it, its end as well. */
void client_body_feed_early(struct client *c);
/* It was read whole; `trailers` are fields that may be passed on. */
void client_body_end(struct client *c, struct slice trailers);

#endif
