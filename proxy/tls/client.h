/*
 * client.h: TLS towards servers: what the connections to the members of one service, or to the
 * other nodes, have in common: whom they trust, by which name, and what they show of themselves.
 * Immutable, any number of threads at once, reference-counted.
 *
 * TLS 1.2 and 1.3 as towards clients (suites.h); no renegotiation, compression or early data. The
 * server's chain must lead to an authority of the file (or of the system), be valid now, and carry
 * the name, or, where none is set, the address that was connected to; unless `verify` is off.
 *
 * Sessions are resumed by tickets. They are kept by who connects, one store a member and worker, so
 * that nothing is shared; a session is only as good as what it was verified with: a store belongs
 * to one client, and what expired since is not resumed.
 */
#ifndef HOLDFAST_TLS_CLIENT_H
#define HOLDFAST_TLS_CLIENT_H

#include "base/addr.h"
#include "result.h"
#include "tls/facts.h"
#include "vocab.h"

#include <stdbool.h>

#define TLS_TICKETS_MAX 4 /* of one store; the newest are kept */

struct tls_channel;
struct tls_files;

struct tls_client_settings {
	const char *ca;   /* file (PEM); NULL: the system's */
	const char *name; /* SNI, and what certificates must carry; NULL: the address */
	bool verify;
	bool only_1_3;
	bool http2; /* is asked for by ALPN, and nothing else; facts.protocol has what is spoken */
	const struct tls_files *own; /* the client's certificate; NULL: none */
};

struct tls_client;

/*
 * Reads all files. `before`: an earlier one, or NULL; where nothing differs it is that one again,
 * so connections and tickets stay good. The errors of certificate.h, the problem begins with the
 * file.
 */
enum result tls_client_create(const struct tls_client_settings *settings, struct tls_client *before,
			      struct tls_client **out, struct problem *p);
struct tls_client *tls_client_ref(struct tls_client *c);
/* *c may be NULL. */
void tls_client_unref(struct tls_client **c);

/* Tickets of one server; not thread-safe. Zeroed is empty. */
struct tls_tickets {
	void *kept[TLS_TICKETS_MAX]; /* SSL_SESSION, owned; oldest first */
	unsigned count;
};
void tls_tickets_deinit(struct tls_tickets *t);

/*
 * The client's side of a connection to `to`, over `fd`, which stays the caller's. `tickets` is
 * borrowed while the channel lives, and always of the same client; NULL: nothing is resumed. NULL:
 * no memory.
 */
struct tls_channel *tls_client_connect(struct tls_client *c, int fd, const struct addr *to,
				       struct tls_tickets *tickets);

/* Why the handshake of tls_client_connect failed; NONE: for want of memory. */
enum reason tls_client_reason(const struct tls_channel *channel, enum tls_handshake failure);
/* The same in words: "TLS: certificate has expired". */
void write_tls_failure(struct writer *w, const struct tls_channel *channel,
		       enum tls_handshake failure);
/*
 * After an error of tls_channel_recv on a connection that never brought a byte: the server refused
 * this client, as TLS 1.3 lets it do only after the client's handshake is done. It read nothing of
 * what was sent behind that.
 */
bool tls_client_was_refused(const struct tls_channel *channel);

#endif
