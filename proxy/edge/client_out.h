/*
 * client_out.h: the answering half of a client connection: heads and bodies are
 * composed in the worker's scratch, sent with as few calls as can be, and what
 * the kernel does not take waits in the client's own buffers.
 */
#ifndef HOLDFAST_EDGE_CLIENT_OUT_H
#define HOLDFAST_EDGE_CLIENT_OUT_H

#include "edge/client.h"

extern const struct door_ops client_door_ops;

static inline struct client *
client_of(struct door *d)
{
	return (struct client *)(void *)((char *)d - offsetof(struct client, door));
}

/* An answer of Holdfast's own, sent at once. */
void client_out_refuse(struct client *c, enum cause cause, uint16_t status, uint32_t retry_after_s);
/* The socket takes bytes again. */
void client_out_drain(struct client *c);

/* Notes how many bytes the client took out of the kernel's buffer since this was asked last. */
void client_out_heed(struct client *c);

/* In client.c. */
void client_bound(struct client *c); /* the bound on what the client is now waited for */
void client_want_body(struct door *d, bool on);
void client_done(struct door *d);

#endif
