/*
 * websocket.h: what a server's agreement to speak WebSocket must carry (RFC 6455 section 4.1,
 * client requirement 4). Who passes a handshake on leaves the check to the client; who makes one
 * checks.
 */
#ifndef HOLDFAST_HTTP_WEBSOCKET_H
#define HOLDFAST_HTTP_WEBSOCKET_H

#include "http/head.h"

/* Is this 101 the answer to this request? Upgrade names websocket, and Sec-WebSocket-Accept stands
 * there once and is the base64 of SHA-1 of the request's Sec-WebSocket-Key and the protocol's own
 * text. False as well for want of memory. */
bool websocket_agreed(const struct http_head *request, const struct http_head *answer);

#endif
