/* load_tls.c: see load_tls.h. */
#include "load_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CIPHER "TLS_AES_128_GCM_SHA256"
#define NAME   "bench.test"

struct tls_link {
	SSL *ssl;
	SSL_SESSION *ticket; /* the last that came; NULL: none yet */
};

static SSL_CTX *context;
static bool resuming;

static int
on_ticket(SSL *ssl, SSL_SESSION *ticket)
{
	struct tls_link *l = SSL_get_app_data(ssl);
	SSL_SESSION_free(l->ticket);
	l->ticket = ticket;
	return 1; /* the reference is ours */
}

void
tls_begin(const char *ca, bool resume)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	resuming = resume;
	context = SSL_CTX_new(TLS_client_method());
	if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(context, CIPHER) != 1 ||
	    SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
	    SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1) != 0 ||
	    SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (!resume)
		return;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, on_ticket);
}

struct tls_link *
tls_link_create(void)
{
	return calloc(1, sizeof(struct tls_link));
}

bool
tls_link_open(struct tls_link *l, int fd)
{
	l->ssl = SSL_new(context);
	if (l->ssl == NULL || SSL_set_fd(l->ssl, fd) != 1 ||
	    SSL_set_tlsext_host_name(l->ssl, NAME) != 1 || SSL_set1_host(l->ssl, NAME) != 1)
		return false;
	SSL_set_app_data(l->ssl, l);
	SSL_set_connect_state(l->ssl);
	return l->ticket == NULL || SSL_set_session(l->ssl, l->ticket) == 1;
}

void
tls_link_close(struct tls_link *l)
{
	(void)SSL_shutdown(l->ssl);
	ERR_clear_error();
	SSL_free(l->ssl);
	l->ssl = NULL;
}

/* What was agreed upon is what all are compared by. */
static const char *
check(const struct tls_link *l)
{
	const unsigned char *alpn;
	unsigned bytes;
	SSL_get0_alpn_selected(l->ssl, &alpn, &bytes);
	if (SSL_version(l->ssl) != TLS1_3_VERSION)
		return "not TLS 1.3";
	if (strcmp(SSL_get_cipher_name(l->ssl), CIPHER) != 0)
		return "another cipher than " CIPHER;
	if (SSL_get_negotiated_group(l->ssl) != NID_X25519)
		return "another group than X25519";
	if (bytes != 8 || memcmp(alpn, "http/1.1", 8) != 0)
		return "no http/1.1 by ALPN";
	if (SSL_session_reused(l->ssl) != (l->ticket != NULL))
		return l->ticket != NULL ? "a session was not resumed" : "a session was resumed";
	return NULL;
}

const char *
tls_link_handshake(struct tls_link *l)
{
	int done = SSL_do_handshake(l->ssl);
	if (done == 1)
		return check(l);
	if (SSL_get_error(l->ssl, done) == SSL_ERROR_WANT_READ)
		return "";
	const char *why = ERR_reason_error_string(ERR_peek_error());
	return why != NULL ? why : "closed within the handshake";
}

ssize_t
tls_link_send(struct tls_link *l, const void *at, size_t bytes)
{
	size_t n;
	return SSL_write_ex(l->ssl, at, bytes, &n) == 1 ? (ssize_t)n : -1;
}

ssize_t
tls_link_recv(struct tls_link *l, void *at, size_t bytes)
{
	size_t n;
	int got = SSL_read_ex(l->ssl, at, bytes, &n);
	if (got == 1)
		return (ssize_t)n;
	int error = SSL_get_error(l->ssl, got);
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = error == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
	ERR_clear_error();
	return -1;
}

bool
tls_link_holds(const struct tls_link *l)
{
	return l->ssl != NULL && SSL_pending(l->ssl) > 0;
}
