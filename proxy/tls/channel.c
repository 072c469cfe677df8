/* channel.c: one connection's TLS; see channel.h. */
#include "tls/channel.h"

#include "tls/context.h"
#include "tls/identity.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

/* Where pieces become one record. Nobody else runs on the thread between its use and the call. */
static _Thread_local char gathered[TLS_RECORD_BYTES_MAX];

struct tls_channel *
tls_channel_create(SSL *ssl, int fd)
{
	struct tls_channel *c = calloc(1, sizeof(*c));
	if (c == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		free(c);
		return NULL;
	}
	c->ssl = ssl;
	(void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_set_read_ahead(ssl, 1);
	SSL_set_app_data(ssl, c);
	return c;
}

void
tls_channel_free(struct tls_channel **held)
{
	struct tls_channel *c = *held;
	*held = NULL;
	if (c == NULL)
		return;
	/* Else OpenSSL takes its session for broken, and resumes it no more. */
	if (!c->broken)
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	tls_context_unref(&c->context);
	free(c->identity_text);
	free(c);
}

/* ---- the handshake ----------------------------------------------------------------------------
 */

/* 0: `error` is no alert that the other side sent. */
static uint8_t
alert_of(unsigned long error)
{
	int reason = ERR_GET_REASON(error);
	bool is = ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
		  reason < SSL_AD_REASON_OFFSET + 256;
	return is ? (uint8_t)(reason - SSL_AD_REASON_OFFSET) : 0;
}

static enum tls_handshake
failure_of(unsigned long error)
{
	if (error == 0)
		return TLS_HANDSHAKE_CLOSED;
	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ? TLS_HANDSHAKE_NO_MEMORY
								     : TLS_HANDSHAKE_FAILED;
	if (alert_of(error) != 0)
		return TLS_HANDSHAKE_ALERT;
	switch (ERR_GET_REASON(error)) {
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return TLS_HANDSHAKE_CLOSED;
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
		return TLS_HANDSHAKE_NOT_TLS;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_INAPPROPRIATE_FALLBACK:
		return TLS_HANDSHAKE_VERSION;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_GROUPS:
		return TLS_HANDSHAKE_CIPHER;
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return TLS_HANDSHAKE_ALPN;
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return TLS_HANDSHAKE_CERTIFICATE;
	case ERR_R_MALLOC_FAILURE:
		return TLS_HANDSHAKE_NO_MEMORY;
	default:
		return TLS_HANDSHAKE_FAILED;
	}
}

/* Of our certificate: as HAProxy names them. */
static void
read_own(struct tls_facts *facts, X509 *own)
{
	EVP_PKEY *key = own == NULL ? NULL : X509_get0_pubkey(own);
	if (key == NULL)
		return;
	struct writer w = writer_on(facts->key_alg, sizeof(facts->key_alg));
	int kind = EVP_PKEY_get_base_id(key);
	write_text(&w, kind == EVP_PKEY_RSA  ? "RSA"
		       : kind == EVP_PKEY_EC ? "EC"
					     : OBJ_nid2sn(kind));
	if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_EC)
		write_u64(&w, (uint64_t)EVP_PKEY_get_bits(key));
	(void)writer_text(&w);
	facts->sig_alg = slice_of(OBJ_nid2sn(X509_get_signature_nid(own)));
}

static bool
settle(struct tls_channel *c)
{
	c->kernel_sends = BIO_get_ktls_send(SSL_get_wbio(c->ssl)) > 0;
	c->held = SSL_has_pending(c->ssl) == 1;
	c->facts.version = slice_of(SSL_get_version(c->ssl));
	c->facts.cipher = slice_of(SSL_get_cipher_name(c->ssl));
	c->facts.resumed = SSL_session_reused(c->ssl) == 1;
	c->facts.server_name = slice_of(c->server_name);
	const unsigned char *protocol;
	unsigned bytes;
	SSL_get0_alpn_selected(c->ssl, &protocol, &bytes);
	c->facts.protocol = (struct slice){(const char *)protocol, bytes};
	if (!SSL_is_server(c->ssl))
		return true;
	read_own(&c->facts, SSL_get_certificate(c->ssl));
	X509 *peer = SSL_get0_peer_certificate(c->ssl);
	if (peer == NULL || SSL_get_verify_result(c->ssl) != X509_V_OK)
		return true;
	c->facts.identity = &c->identity;
	return tls_identity_read(peer, &c->identity, &c->identity_text);
}

enum tls_handshake
tls_channel_handshake(struct tls_channel *c, bool *write)
{
	ERR_clear_error();
	int done = SSL_do_handshake(c->ssl);
	*write = false;
	if (done == 1) {
		return settle(c) ? TLS_HANDSHAKE_DONE : TLS_HANDSHAKE_NO_MEMORY;
	}
	int error = SSL_get_error(c->ssl, done);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		*write = error == SSL_ERROR_WANT_WRITE;
		return TLS_HANDSHAKE_WAITS;
	}
	c->broken = true;
	if (error == SSL_ERROR_SSL)
		c->alert = alert_of(ERR_peek_last_error());
	enum tls_handshake failure =
	    error == SSL_ERROR_SSL ? failure_of(ERR_peek_last_error()) : TLS_HANDSHAKE_CLOSED;
	ERR_clear_error();
	return failure;
}

/* ---- bytes ------------------------------------------------------------------------------------
 */

/* An end for good; errno says which. */
static ssize_t
break_off(struct tls_channel *c, int error, int system_error)
{
	unsigned long reason = ERR_peek_last_error();
	c->broken = true;
	c->held = false;
	c->alert = error == SSL_ERROR_SSL ? alert_of(reason) : 0;
	if (error == SSL_ERROR_SYSCALL)
		errno = system_error != 0 && system_error != EAGAIN ? system_error : ECONNRESET;
	else if (ERR_GET_LIB(reason) == ERR_LIB_SSL &&
		 ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		errno = ECONNRESET;
	else if (ERR_GET_REASON(reason) == ERR_R_MALLOC_FAILURE)
		errno = ENOMEM;
	else
		errno = EPROTO;
	ERR_clear_error();
	if (errno == ENOMEM)
		errno = EPROTO; /* ENOMEM of a socket is no end; this is one */
	return -1;
}

/* After a call that moved nothing. */
static ssize_t
stand_still(struct tls_channel *c, int result, bool *other_way, int other_error)
{
	int system_error = errno;
	int error = SSL_get_error(c->ssl, result);
	switch (error) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		*other_way = error == other_error;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return break_off(c, error, system_error);
	}
}

ssize_t
tls_channel_recv(struct tls_channel *c, void *at, size_t bytes)
{
	size_t got = 0;
	size_t n;
	if (c->broken) {
		errno = ECONNRESET;
		return -1;
	}
	ERR_clear_error();
	c->recv_waits_write = false;
	do {
		errno = 0;
		int result = SSL_read_ex(c->ssl, (char *)at + got, bytes - got, &n);
		if (result != 1) {
			c->held = false;
			if (got == 0)
				return stand_still(c, result, &c->recv_waits_write,
						   SSL_ERROR_WANT_WRITE);
			/* What it was, the next call says. An alert or an end is not forgotten. */
			c->held = SSL_get_error(c->ssl, result) != SSL_ERROR_WANT_READ;
			ERR_clear_error();
			return (ssize_t)got;
		}
		got += n;
		c->held = SSL_has_pending(c->ssl) == 1;
	} while (got < bytes && c->held);
	return (ssize_t)got;
}

/* Bytes [0, bytes) of the pieces behind the first `skip`, in one place. */
static const char *
gather(const struct iovec *pieces, int count, size_t skip, size_t bytes)
{
	size_t at = 0;
	for (int i = 0; i < count && at < bytes; i++) {
		size_t here = pieces[i].iov_len;
		if (skip >= here) {
			skip -= here;
			continue;
		}
		const char *from = (const char *)pieces[i].iov_base + skip;
		size_t take = here - skip;
		skip = 0;
		if (at == 0 && take >= bytes)
			return from; /* one piece has it all */
		if (take > bytes - at)
			take = bytes - at;
		memcpy(gathered + at, from, take);
		at += take;
	}
	assert(at == bytes);
	return gathered;
}

/* The other side closed or reset; errno says which. */
static bool
socket_refused(struct tls_channel *c, int result)
{
	int system_error = errno;
	c->deaf = SSL_get_error(c->ssl, result) == SSL_ERROR_SYSCALL && system_error != 0 &&
		  system_error != EAGAIN;
	if (c->deaf)
		ERR_clear_error();
	errno = system_error;
	return c->deaf;
}

ssize_t
tls_channel_send(struct tls_channel *c, const struct iovec *pieces, int count)
{
	size_t bytes = 0;
	size_t sent = 0;
	if (c->broken || c->deaf) {
		errno = EPIPE;
		return -1;
	}
	for (int i = 0; i < count; i++)
		bytes += pieces[i].iov_len;
	ERR_clear_error();
	c->send_waits_read = false;
	while (sent < bytes) {
		size_t part =
		    bytes - sent < TLS_RECORD_BYTES_MAX ? bytes - sent : TLS_RECORD_BYTES_MAX;
		if (c->pending > 0) {
			assert(part >= c->pending);
			part = c->pending;
		}
		size_t n;
		errno = 0;
		int result = SSL_write_ex(c->ssl, gather(pieces, count, sent, part), part, &n);
		if (result != 1 && socket_refused(c, result)) {
			c->pending = 0;
			return sent > 0 ? (ssize_t)sent : -1;
		}
		if (result != 1) {
			ssize_t what =
			    stand_still(c, result, &c->send_waits_read, SSL_ERROR_WANT_READ);
			c->pending = !c->broken && what == -1 ? part : 0;
			if (sent > 0 && !c->broken)
				return (ssize_t)sent;
			if (what == 0)
				errno = EPIPE;
			return -1;
		}
		c->pending = 0;
		sent += n;
	}
	return (ssize_t)sent;
}

void
tls_channel_goodbye(struct tls_channel *c)
{
	if (c->broken || c->deaf || c->pending > 0 || SSL_in_init(c->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(c->ssl);
	ERR_clear_error();
}
