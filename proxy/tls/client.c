/* client.c: TLS towards servers; see client.h. */
#include "tls/client.h"

#include "tls/certificate.h"
#include "tls/channel.h"
#include "tls/suites.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct tls_client {
	atomic_uint refs;
	SSL_CTX *ssl;
	char *name;                     /* owned; NULL: none */
	uint8_t print[TLS_FINGERPRINT]; /* of all that it was made of */
};

/* ---- what it is made of -----------------------------------------------------------------------
 */

/* While one is made. */
struct making {
	const struct tls_client_settings *settings;
	STACK_OF(X509) * authorities; /* NULL: the system's */
	struct tls_certificate own;   /* leaf NULL: none */
	EVP_MD_CTX *digest;
};

static void
digest_certificate(EVP_MD_CTX *digest, X509 *x)
{
	unsigned char print[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;
	(void)X509_digest(x, EVP_sha256(), print, &bytes);
	(void)EVP_DigestUpdate(digest, print, bytes);
}

static void
digest_list(EVP_MD_CTX *digest, STACK_OF(X509) * list)
{
	int count = sk_X509_num(list);
	(void)EVP_DigestUpdate(digest, &count, sizeof(count));
	for (int i = 0; i < count; i++)
		digest_certificate(digest, sk_X509_value(list, i));
}

/* A file or directory of the system, as far as one sees a change from outside. */
static void
digest_place(EVP_MD_CTX *digest, const char *variable, const char *otherwise)
{
	const char *path = getenv(variable);
	struct stat st;
	if (path == NULL)
		path = otherwise;
	if (stat(path, &st) == -1)
		return;
	(void)EVP_DigestUpdate(digest, &st.st_mtim, sizeof(st.st_mtim));
	(void)EVP_DigestUpdate(digest, &st.st_size, sizeof(st.st_size));
}

static bool
digest_all(const struct making *m, uint8_t print[TLS_FINGERPRINT])
{
	const struct tls_client_settings *s = m->settings;
	uint8_t flags[] = {s->verify, s->only_1_3, s->http2, s->ca != NULL, m->own.leaf != NULL};
	unsigned bytes = 0;
	(void)EVP_DigestUpdate(m->digest, flags, sizeof(flags));
	if (s->name != NULL)
		(void)EVP_DigestUpdate(m->digest, s->name, strlen(s->name) + 1);
	if (m->authorities != NULL) {
		digest_list(m->digest, m->authorities);
	} else {
		digest_place(m->digest, X509_get_default_cert_file_env(),
			     X509_get_default_cert_file());
		digest_place(m->digest, X509_get_default_cert_dir_env(),
			     X509_get_default_cert_dir());
	}
	if (m->own.leaf != NULL) {
		digest_certificate(m->digest, m->own.leaf);
		digest_list(m->digest, m->own.chain);
	}
	return EVP_DigestFinal_ex(m->digest, print, &bytes) == 1 && bytes == TLS_FINGERPRINT;
}

static enum result
read_files(struct making *m, struct problem *p)
{
	const struct tls_client_settings *s = m->settings;
	if (s->ca != NULL && s->verify) {
		enum result r = tls_authorities_read(s->ca, &m->authorities, p);
		if (r != RESULT_OK)
			return problem_prefix(p, r, "%s", s->ca);
	}
	if (s->own != NULL) {
		const char *const names[] = {s->own->certificate, s->own->key, NULL};
		enum tls_file which;
		enum result r = tls_certificate_read(s->own, &m->own, &which, p);
		if (r != RESULT_OK)
			return problem_prefix(p, r, "%s", names[which]);
	}
	return RESULT_OK;
}

/* ---- making one -------------------------------------------------------------------------------
 */

static void
session_free(void *session)
{
	SSL_SESSION_free(session);
}

/* A ticket came: with the answer's first bytes (TLS 1.3) or in the handshake. 1: it is kept. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_channel *channel = SSL_get_app_data(ssl);
	struct tls_tickets *t = channel == NULL ? NULL : channel->tickets;
	if (t == NULL)
		return 0;
	if (t->count == TLS_TICKETS_MAX) {
		session_free(t->kept[0]);
		t->count--;
		memmove(t->kept, t->kept + 1, t->count * sizeof(t->kept[0]));
	}
	t->kept[t->count++] = session;
	return 1;
}

static bool
set_rules(SSL_CTX *ssl, const struct tls_client_settings *s)
{
	static const unsigned char http1[] = "\x08http/1.1";
	static const unsigned char http2[] = "\x02h2";
	(void)SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_session_cache_mode(ssl,
					     SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ssl, on_session);
	SSL_CTX_set_verify_depth(ssl, TLS_VERIFY_DEPTH);
	SSL_CTX_set_verify(ssl, s->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	return SSL_CTX_set_min_proto_version(ssl, s->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) ==
		   1 &&
	       SSL_CTX_set_cipher_list(ssl, TLS_CIPHERS_1_2) == 1 &&
	       SSL_CTX_set_ciphersuites(ssl, TLS_CIPHERS_1_3) == 1 &&
	       SSL_CTX_set1_groups_list(ssl, TLS_GROUPS) == 1 &&
	       SSL_CTX_set_alpn_protos(ssl, s->http2 ? http2 : http1,
				       s->http2 ? sizeof(http2) - 1 : sizeof(http1) - 1) == 0;
}

static bool
set_trust(SSL_CTX *ssl, const struct making *m)
{
	if (!m->settings->verify)
		return true;
	if (m->authorities == NULL)
		return SSL_CTX_set_default_verify_paths(ssl) == 1;
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	for (int i = 0; i < sk_X509_num(m->authorities); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(m->authorities, i)) != 1)
			return false;
	}
	return true;
}

static bool
set_all(SSL_CTX *ssl, const struct making *m)
{
	return set_rules(ssl, m->settings) && set_trust(ssl, m) &&
	       (m->own.leaf == NULL ||
		SSL_CTX_use_cert_and_key(ssl, m->own.leaf, m->own.key, m->own.chain, 1) == 1);
}

static enum result
make(const struct making *m, const uint8_t print[TLS_FINGERPRINT], struct tls_client **out,
     struct problem *p)
{
	struct tls_client *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	atomic_init(&c->refs, 1);
	memcpy(c->print, print, sizeof(c->print));
	ERR_clear_error();
	c->ssl = SSL_CTX_new(TLS_client_method());
	const char *name = m->settings->name;
	c->name = name == NULL ? NULL : strdup(name);
	if (c->ssl == NULL || (c->name == NULL) != (name == NULL) || !set_all(c->ssl, m)) {
		const char *text = ERR_reason_error_string(ERR_peek_last_error());
		enum result r = problem_set(p, RESULT_INVALID, "TLS: %s",
					    text == NULL ? "refused by OpenSSL" : text);
		ERR_clear_error();
		tls_client_unref(&c);
		return r;
	}
	*out = c;
	return RESULT_OK;
}

enum result
tls_client_create(const struct tls_client_settings *settings, struct tls_client *before,
		  struct tls_client **out, struct problem *p)
{
	struct making m = {.settings = settings, .digest = EVP_MD_CTX_new()};
	uint8_t print[TLS_FINGERPRINT] = {0};
	*out = NULL;
	enum result r = m.digest != NULL && EVP_DigestInit_ex(m.digest, EVP_sha256(), NULL) == 1
			    ? read_files(&m, p)
			    : problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (r == RESULT_OK && !digest_all(&m, print))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (r == RESULT_OK && before != NULL && memcmp(before->print, print, sizeof(print)) == 0)
		*out = tls_client_ref(before);
	else if (r == RESULT_OK)
		r = make(&m, print, out, p);
	sk_X509_pop_free(m.authorities, X509_free);
	tls_certificate_deinit(&m.own);
	EVP_MD_CTX_free(m.digest);
	return r;
}

struct tls_client *
tls_client_ref(struct tls_client *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
tls_client_unref(struct tls_client **held)
{
	struct tls_client *c = *held;
	*held = NULL;
	if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(c->ssl);
	free(c->name);
	free(c);
}

/* ---- tickets ----------------------------------------------------------------------------------
 */

void
tls_tickets_deinit(struct tls_tickets *t)
{
	while (t->count > 0)
		session_free(t->kept[--t->count]);
}

/* What was verified then would not be now. */
static bool
is_outdated(const SSL_SESSION *session)
{
	X509 *peer = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);
	return peer == NULL || X509_cmp_current_time(X509_get0_notAfter(peer)) < 0;
}

/* The newest. Of TLS 1.3 each is used once (RFC 8446 appendix C.4). False: no memory. */
static bool
resume(SSL *ssl, struct tls_tickets *t)
{
	while (t->count > 0) {
		SSL_SESSION *session = t->kept[t->count - 1];
		bool good = SSL_SESSION_is_resumable(session) == 1 && !is_outdated(session);
		bool set = !good || SSL_set_session(ssl, session) == 1;
		bool once = SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
		if (!good || once) {
			t->count--;
			session_free(session);
		}
		if (good)
			return set;
	}
	return true;
}

/* ---- connections ------------------------------------------------------------------------------
 */

/* As whom the server must show itself. */
static bool
set_name(SSL *ssl, const struct tls_client *c, const struct addr *to)
{
	X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);
	const char *name = c->name;
	if (name == NULL && to->family == ADDR_NAME)
		name = addr_kept_text(to);
	if (name == NULL && addr_is_ip(to))
		return X509_VERIFY_PARAM_set1_ip(rules, to->ip, to->family == AF_INET ? 4 : 16) ==
		       1;
	if (name == NULL)
		return SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE; /* the configuration has one */
	X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(rules, name, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct tls_channel *
tls_client_connect(struct tls_client *c, int fd, const struct addr *to, struct tls_tickets *tickets)
{
	ERR_clear_error();
	SSL *ssl = SSL_new(c->ssl);
	if (ssl == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	if (!set_name(ssl, c, to) || (tickets != NULL && !resume(ssl, tickets))) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	struct tls_channel *channel = tls_channel_create(ssl, fd);
	if (channel != NULL)
		channel->tickets = tickets;
	ERR_clear_error();
	return channel;
}

/* ---- what went wrong --------------------------------------------------------------------------
 */

enum reason
tls_client_reason(const struct tls_channel *channel, enum tls_handshake failure)
{
	switch (failure) {
	case TLS_HANDSHAKE_NO_MEMORY:
		return REASON_NONE;
	case TLS_HANDSHAKE_ALERT:
		return REASON_TLS_REFUSED;
	case TLS_HANDSHAKE_CERTIFICATE:
		break;
	default:
		return REASON_TLS_FAILED;
	}
	switch (SSL_get_verify_result(channel->ssl)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return REASON_TLS_EXPIRED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return REASON_TLS_NAME;
	default:
		return REASON_TLS_UNTRUSTED;
	}
}

void
write_tls_failure(struct writer *w, const struct tls_channel *channel, enum tls_handshake failure)
{
	write_literal(w, "TLS: ");
	switch (failure) {
	case TLS_HANDSHAKE_CLOSED:
		write_literal(w, "closed in the handshake");
		break;
	case TLS_HANDSHAKE_VERSION:
	case TLS_HANDSHAKE_NOT_TLS:
		write_literal(w, "what came is no TLS, or no version that is spoken here");
		break;
	case TLS_HANDSHAKE_CIPHER:
		write_literal(w, "no cipher, group or signature in common");
		break;
	case TLS_HANDSHAKE_ALERT:
		write_together(w, SLICE("refused with the alert "),
			       slice_of(SSL_alert_desc_string_long(channel->alert)));
		break;
	case TLS_HANDSHAKE_CERTIFICATE:
		write_text(w, X509_verify_cert_error_string(SSL_get_verify_result(channel->ssl)));
		break;
	case TLS_HANDSHAKE_NO_MEMORY:
		write_literal(w, "no memory");
		break;
	default:
		write_literal(w, "what came breaks the protocol");
		break;
	}
}

/* What servers send who do not take this client, or its certificate (RFC 8446 section 6.2). */
bool
tls_client_was_refused(const struct tls_channel *channel)
{
	switch (channel->alert) {
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return true;
	default:
		return false;
	}
}
