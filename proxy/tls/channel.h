/*
 * channel.h: TLS on one connection, over a descriptor that does not block. Knows
 * neither events nor HTTP: each call does what can be done now, as recv(2) and
 * send(2) do, and `waits_*` say what the descriptor must become before the same
 * call can do more.
 *
 *            tls_channel_recv / send            bytes of the application
 *   ------------------ SSL ------------------
 *            read(2) / write(2)                 records (RFC 8446 section 5)
 *
 * Records are read ahead: one read(2) takes what is there, so bytes may wait here while the
 * descriptor is silent (`held`). Small pieces leave as one record. A record that the kernel did not
 * take whole stays here; its bytes count as sent only when it left, and until then the next call
 * must offer the same bytes again, however they are cut into pieces: that is what a caller does who
 * queues what was not sent.
 *
 * After an error nothing but tls_channel_free is useful; but where the socket refused to send, what
 * the other side said before (an answer, an alert) can still be read.
 */
#ifndef HOLDFAST_TLS_CHANNEL_H
#define HOLDFAST_TLS_CHANNEL_H

#include "tls/facts.h"

#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define TLS_RECORD_BYTES_MAX 16384 /* of the application, in one record (RFC 8446 section 5.1) */

struct tls_channel {
	struct tls_context *context;  /* the server's side: one reference; NULL: the client's */
	SSL *ssl;                     /* owned */
	size_t pending;               /* bytes of the record that the kernel did not take whole */
	bool held;                    /* bytes wait here: the next recv needs no readiness */
	bool recv_waits_write;        /* recv can go on when the descriptor is writable */
	bool send_waits_read;         /* send can go on when it is readable */
	bool kernel_sends;            /* kTLS: the kernel makes the records of what is sent */
	bool broken;                  /* an error that ends it: not even a goodbye */
	bool deaf;                    /* the socket takes no more; what came can still be read */
	uint8_t alert;                /* fatal, of the other side; 0: none (close_notify is none) */
	struct tls_facts facts;       /* after the handshake */
	struct tls_identity identity; /* likewise */
	char server_name[TLS_NAME_BYTES_MAX + 1];
	void *reader;              /* of who reads it, for `next` */
	struct tls_channel *next;  /* in a list of those that hold bytes to be read */
	struct tls_channel **slot; /* what points to it there; NULL: in none */
	char *identity_text;       /* owned; what `identity` points into; NULL: no certificate */
	struct tls_tickets
	    *tickets; /* the client's side: where new ones go; borrowed; NULL: nowhere */
};

/* Takes `ssl` over, in the server's or the client's role, on `fd`, which stays the caller's.
 * NULL: no memory; `ssl` is freed. */
struct tls_channel *tls_channel_create(SSL *ssl, int fd);
/* Frees; says nothing to the other side. */
void tls_channel_free(struct tls_channel **c);

/* Goes on with the handshake. WAITS: *write says which readiness is waited for, else reading. */
enum tls_handshake tls_channel_handshake(struct tls_channel *c, bool *write);

/* Bytes; 0: the other side said goodbye (close_notify). -1: errno EAGAIN, or ECONNRESET when it
 * ended without (a truncation), or EPROTO when what came is not the protocol, or the socket's. */
ssize_t tls_channel_recv(struct tls_channel *c, void *at, size_t bytes);
/* Bytes of the pieces that left whole; -1 with errno EAGAIN when none could. */
ssize_t tls_channel_send(struct tls_channel *c, const struct iovec *pieces, int count);
/* Says goodbye (close_notify), as far as the kernel takes it now; nothing is sent afterwards. Not
 * behind a record that left in part. */
void tls_channel_goodbye(struct tls_channel *c);

#endif
