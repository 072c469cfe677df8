/*
 * context.h: what one listener's TLS is made of: its certificates and which name gets which, who
 * may come, and what tickets are bound to. Immutable, any number of threads at once,
 * reference-counted: a reload makes another one, and connections that are there keep theirs.
 *
 * TLS 1.2 and 1.3; ECDHE with AEAD ciphers alone, the server's order; no compression, renegotiation
 * or early data. The client's server name (SNI) selects the certificate before anything else
 * happens: the exact name, then a wildcard one label above, else the first certificate. Where
 * several have the name, it is the first of them whose kind of key the client takes: one with a key
 * of ECDSA and, behind it, one of RSA for clients that know nothing else.
 */
#ifndef HOLDFAST_TLS_CONTEXT_H
#define HOLDFAST_TLS_CONTEXT_H

#include "tls/certificate.h"
#include "tls/channel.h"

#define TLS_CERTIFICATES_MAX 256   /* of one listener */
#define TLS_NAMES_MAX        16384 /* of all of them */

enum tls_client_auth { TLS_CLIENT_NONE, TLS_CLIENT_OPTIONAL, TLS_CLIENT_REQUIRED };

struct tls_settings {
	const struct tls_files *files; /* borrowed for the call, all of it; at least one */
	size_t count;
	bool only_1_3;
	bool http1; /* offered by ALPN */
	bool http2; /* likewise, before HTTP/1.1 */
	enum tls_client_auth client_auth;
	const char *client_ca;     /* file; NULL: none */
	const char *ticket_secret; /* file; NULL: the process's own */
	struct slice place; /* the listener: without a shared secret, tickets are bound to it */
};

struct tls_context;

/* Reads all files. The errors of certificate.h, the problem begins with the file. */
enum result tls_context_create(const struct tls_settings *settings, struct tls_context **out,
			       struct problem *p);
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context **c);

/* The server's side of a connection. NULL: no memory. */
struct tls_channel *tls_context_accept(struct tls_context *c, int fd);

#endif
