/*
 * context.c: see context.h.
 *
 * Each certificate has an SSL_CTX; a connection begins with that of the first one, and its
 * ClientHello, seen before anything of it is worked on, moves it to another. All are made alike,
 * for a connection keeps what it began with in all but the certificate.
 */
#include "tls/context.h"

#include "tls/hello.h"
#include "tls/identity.h"
#include "tls/suites.h"
#include "tls/ticket.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct entry {
	struct tls_context *owner;
	SSL_CTX *ssl;
	unsigned char *ocsp; /* by OPENSSL_malloc; NULL: none */
	size_t ocsp_bytes;
	int64_t ocsp_until_s; /* wall time */
	int key;              /* EVP_PKEY_... */
	uint8_t ticket_root[TICKET_ROOT_BYTES];
};

struct name {
	char *text; /* owned; of a wildcard: ".example.com" */
	size_t entry;
};

struct tls_context {
	atomic_uint refs;
	enum tls_client_auth client_auth;
	struct slice protocols; /* as ALPN writes them, in our order */
	EVP_CIPHER *ticket_cipher;
	struct name *names; /* by text */
	size_t name_count;
	const char *first_name; /* one of the first certificate's; NULL: it has none */
	size_t count;
	struct entry entry[];
};

/* ---- names ------------------------------------------------------------------------------------
 */

static int
compare_names(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;
	int order = strcmp(x->text, y->text);
	return order != 0 ? order : x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* The first of those who have it. */
static size_t
find_first(const struct tls_context *c, const char *text)
{
	size_t low = 0;
	size_t high = c->name_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(c->names[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first certificate that has the name and whose key the client takes, or else the first that
 * has the name; SIZE_MAX: none. */
static size_t
find_exact(const struct tls_context *c, SSL *ssl, const char *text)
{
	size_t first = find_first(c, text);
	size_t i = first;
	while (i < c->name_count && strcmp(c->names[i].text, text) == 0) {
		if (hello_takes_key(ssl, c->entry[c->names[i].entry].key))
			return c->names[i].entry;
		i++;
	}
	return i > first ? c->names[first].entry : SIZE_MAX;
}

static size_t
find_name(const struct tls_context *c, SSL *ssl, const char *text)
{
	size_t found = find_exact(c, ssl, text);
	const char *dot = strchr(text, '.');
	if (found == SIZE_MAX && dot != NULL && dot != text)
		found = find_exact(c, ssl, dot);
	return found;
}

/* For all other names. */
static size_t
find_default(const struct tls_context *c, SSL *ssl)
{
	return c->first_name == NULL ? 0 : find_exact(c, ssl, c->first_name);
}

/* Into names as they are looked up. False: no name, or no memory (*full). */
static bool
add_name(struct tls_context *c, size_t entry, const char *at, size_t bytes, bool *failed)
{
	if (bytes > 1 && at[0] == '*' && at[1] == '.') {
		at++;
		bytes--;
	}
	if (bytes == 0 || bytes > TLS_NAME_BYTES_MAX || c->name_count == TLS_NAMES_MAX ||
	    memchr(at, '\0', bytes) != NULL)
		return false;
	if (c->name_count % 64 == 0) {
		struct name *more = realloc(c->names, (c->name_count + 64) * sizeof(*more));
		if (more == NULL) {
			*failed = true;
			return false;
		}
		c->names = more;
	}
	char *text = strndup(at, bytes);
	if (text == NULL) {
		*failed = true;
		return false;
	}
	for (char *ch = text; *ch != '\0'; ch++)
		*ch = ascii_lower(*ch);
	if (entry == 0 && c->first_name == NULL)
		c->first_name = text;
	c->names[c->name_count++] = (struct name){text, entry};
	return true;
}

/* DNS names of the certificate; the common name where it has none (RFC 6125 section 6.4.4). */
static bool
add_names(struct tls_context *c, size_t entry, X509 *leaf)
{
	bool failed = false;
	bool any = false;
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int type;
		const ASN1_STRING *s =
		    GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
		if (type == GEN_DNS)
			any |= add_name(c, entry, (const char *)ASN1_STRING_get0_data(s),
					(size_t)ASN1_STRING_length(s), &failed);
	}
	GENERAL_NAMES_free(names);
	char common[TLS_NAME_BYTES_MAX + 1];
	int bytes = any ? -1
			: X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName,
						    common, sizeof(common));
	if (bytes > 0)
		(void)add_name(c, entry, common, (size_t)bytes, &failed);
	return !failed;
}

/* ---- a ClientHello ----------------------------------------------------------------------------
 */

static int
on_client_hello(SSL *ssl, int *alert, void *context)
{
	struct tls_context *c = context;
	struct tls_channel *channel = SSL_get_app_data(ssl);
	size_t entry = SIZE_MAX;
	(void)alert;
	if (hello_server_name(ssl, channel->server_name)) {
		entry = find_name(c, ssl, channel->server_name);
		channel->facts.named_strictly = c->client_auth != TLS_CLIENT_NONE;
	} else {
		channel->server_name[0] = '\0';
	}
	if (entry == SIZE_MAX)
		entry = find_default(c, ssl);
	(void)SSL_set_SSL_CTX(ssl, c->entry[entry].ssl);
	/* A session of another name or listener is none here, whatever its ticket says. */
	if (SSL_set_session_id_context(ssl, c->entry[entry].ticket_root, SSL_MAX_SID_CTX_LENGTH) !=
	    1)
		return SSL_CLIENT_HELLO_ERROR;
	return SSL_CLIENT_HELLO_SUCCESS;
}

static struct slice
protocols_of(const struct tls_settings *s)
{
	struct slice all = SLICE("\x02h2\x08http/1.1");
	return s->http1 && s->http2 ? all
	       : s->http2           ? (struct slice){all.at, 3}
				    : (struct slice){all.at + 3, all.bytes - 3};
}

/* The server's order. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes, const unsigned char *in,
	unsigned in_bytes, void *context)
{
	const struct tls_context *c = context;
	unsigned char *selected;
	(void)ssl;
	if (SSL_select_next_proto(&selected, out_bytes, (const unsigned char *)c->protocols.at,
				  (unsigned)c->protocols.bytes, in,
				  in_bytes) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = selected;
	return SSL_TLSEXT_ERR_OK;
}

static int
on_status(SSL *ssl, void *context)
{
	const struct entry *e = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	(void)context;
	unsigned char *copy = e->ocsp == NULL || e->ocsp_until_s < (int64_t)time(NULL)
				  ? NULL
				  : OPENSSL_memdup(e->ocsp, e->ocsp_bytes);
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)e->ocsp_bytes);
	return SSL_TLSEXT_ERR_OK;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *crypt, EVP_MAC_CTX *mac,
	  int seal)
{
	const struct entry *e = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	int said = ticket_crypt(e->ticket_root, (int64_t)time(NULL), e->owner->ticket_cipher, name,
				iv, crypt, mac, seal);
	/* Clients of TLS 1.3 use each ticket once (RFC 8446 appendix C.4): they get another. */
	return !seal && said == 1 && SSL_version(ssl) == TLS1_3_VERSION ? 2 : said;
}

/* ---- making one -------------------------------------------------------------------------------
 */

static enum result
openssl_problem(struct problem *p, const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(error);
	enum result r = problem_set(p, RESULT_INVALID, "%s: %s", what,
				    text == NULL ? "refused by OpenSSL" : text);
	ERR_clear_error();
	return r;
}

static bool
set_rules(SSL_CTX *ssl, const struct tls_settings *s, struct tls_context *c)
{
	(void)SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					   SSL_OP_CIPHER_SERVER_PREFERENCE |
					   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_ENABLE_KTLS);
	(void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_timeout(ssl, TICKET_PERIOD_S);
	SSL_CTX_set_client_hello_cb(ssl, on_client_hello, c);
	SSL_CTX_set_alpn_select_cb(ssl, on_alpn, c);
	(void)SSL_CTX_set_tlsext_status_cb(ssl, on_status);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket);
	return SSL_CTX_set_min_proto_version(ssl, s->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) ==
		   1 &&
	       SSL_CTX_set_cipher_list(ssl, TLS_CIPHERS_1_2) == 1 &&
	       SSL_CTX_set_ciphersuites(ssl, TLS_CIPHERS_1_3) == 1 &&
	       SSL_CTX_set1_groups_list(ssl, TLS_GROUPS) == 1;
}

/* Who may sign client certificates, and that they are asked for. */
static bool
set_client_auth(SSL_CTX *ssl, const struct tls_settings *s, STACK_OF(X509) * authorities)
{
	if (s->client_auth == TLS_CLIENT_NONE)
		return true;
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	for (int i = 0; i < sk_X509_num(authorities); i++) {
		X509 *x = sk_X509_value(authorities, i);
		if (X509_STORE_add_cert(store, x) != 1 || SSL_CTX_add_client_CA(ssl, x) != 1)
			return false;
	}
	SSL_CTX_set_verify_depth(ssl, TLS_VERIFY_DEPTH);
	SSL_CTX_set_verify(
	    ssl,
	    SSL_VERIFY_PEER |
		(s->client_auth == TLS_CLIENT_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
	    NULL);
	return true;
}

/* What a ticket of this entry is good for, and nowhere else. */
struct bound {
	uint8_t certificate[TLS_FINGERPRINT];
	uint8_t authorities[TLS_FINGERPRINT];
	uint8_t rules[2]; /* client_auth, only_1_3 */
	char place[64];   /* zeros with a shared secret */
};

static void
digest_authorities(STACK_OF(X509) * authorities, uint8_t out[TLS_FINGERPRINT])
{
	for (int i = 0; i < sk_X509_num(authorities); i++) {
		unsigned char print[EVP_MAX_MD_SIZE];
		unsigned bytes = 0;
		(void)X509_digest(sk_X509_value(authorities, i), EVP_sha256(), print, &bytes);
		for (unsigned b = 0; b < bytes && b < TLS_FINGERPRINT; b++)
			out[b] = (uint8_t)(out[b] * 31 + print[b]);
	}
}

struct secret {
	uint8_t bytes[TICKET_SECRET_BYTES_MAX];
	size_t count;
	bool shared;
};

static void
bind_tickets(struct entry *e, const struct tls_settings *s, const struct secret *secret,
	     const struct tls_certificate *certificate, STACK_OF(X509) * authorities)
{
	struct bound bound = {.rules = {(uint8_t)s->client_auth, s->only_1_3}};
	memcpy(bound.certificate, certificate->fingerprint, sizeof(bound.certificate));
	digest_authorities(authorities, bound.authorities);
	size_t bytes = s->place.bytes < sizeof(bound.place) ? s->place.bytes : sizeof(bound.place);
	if (!secret->shared && bytes > 0)
		memcpy(bound.place, s->place.at, bytes);
	ticket_root_derive(secret->bytes, secret->count, &bound, sizeof(bound), e->ticket_root);
}

static enum result
fill_entry(struct tls_context *c, struct tls_certificate *certificate, const struct tls_settings *s,
	   const struct secret *secret, STACK_OF(X509) * authorities, struct problem *p)
{
	struct entry *e = &c->entry[c->count];
	e->owner = c;
	e->ssl = SSL_CTX_new(TLS_server_method());
	if (e->ssl == NULL || !add_names(c, c->count, certificate->leaf))
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	(void)SSL_CTX_set_app_data(e->ssl, e);
	ERR_clear_error();
	if (!set_rules(e->ssl, s, c) || !set_client_auth(e->ssl, s, authorities))
		return openssl_problem(p, "TLS");
	if (SSL_CTX_use_cert_and_key(e->ssl, certificate->leaf, certificate->key,
				     certificate->chain, 1) != 1)
		return openssl_problem(p, "not fit for TLS");
	bind_tickets(e, s, secret, certificate, authorities);
	e->ocsp = certificate->ocsp;
	e->ocsp_bytes = certificate->ocsp_bytes;
	e->ocsp_until_s = certificate->ocsp_until_s;
	e->key = EVP_PKEY_get_base_id(certificate->key);
	certificate->ocsp = NULL;
	return RESULT_OK;
}

static enum result
add_entry(struct tls_context *c, const struct tls_files *files, const struct tls_settings *s,
	  const struct secret *secret, STACK_OF(X509) * authorities, struct problem *p)
{
	struct tls_certificate certificate;
	enum tls_file which;
	enum result r = tls_certificate_read(files, &certificate, &which, p);
	const char *const names[] = {files->certificate, files->key, files->ocsp};
	if (r != RESULT_OK)
		return problem_prefix(p, r, "%s", names[which]);
	r = fill_entry(c, &certificate, s, secret, authorities, p);
	c->count++; /* also what is half made is freed */
	tls_certificate_deinit(&certificate);
	return r == RESULT_OK ? r : problem_prefix(p, r, "%s", files->certificate);
}

static enum result
read_secret(const char *path, struct secret *secret, struct problem *p)
{
	if (path == NULL) {
		memcpy(secret->bytes, ticket_process_secret(), TICKET_ROOT_BYTES);
		secret->count = TICKET_ROOT_BYTES;
		return RESULT_OK;
	}
	secret->shared = true;
	enum result r =
	    tls_secret_read(path, secret->bytes, sizeof(secret->bytes), &secret->count, p);
	if (r == RESULT_OK && secret->count < TICKET_SECRET_BYTES)
		r = problem_set(p, RESULT_INVALID, "%zu bytes, fewer than %d", secret->count,
				TICKET_SECRET_BYTES);
	return r == RESULT_OK ? r : problem_prefix(p, r, "%s", path);
}

static void
context_free(struct tls_context *c)
{
	for (size_t i = 0; i < c->count; i++) {
		SSL_CTX_free(c->entry[i].ssl);
		OPENSSL_free(c->entry[i].ocsp);
	}
	for (size_t i = 0; i < c->name_count; i++)
		free(c->names[i].text);
	free(c->names);
	EVP_CIPHER_free(c->ticket_cipher);
	free(c);
}

enum result
tls_context_create(const struct tls_settings *s, struct tls_context **out, struct problem *p)
{
	struct secret secret = {.count = 0};
	STACK_OF(X509) *authorities = NULL;
	struct tls_context *c = calloc(1, sizeof(*c) + s->count * sizeof(c->entry[0]));
	*out = NULL;
	if (c == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	atomic_init(&c->refs, 1);
	c->client_auth = s->client_auth;
	c->protocols = protocols_of(s);
	c->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	enum result r = c->ticket_cipher == NULL ? openssl_problem(p, "AES-256-CBC") : RESULT_OK;
	if (r == RESULT_OK)
		r = read_secret(s->ticket_secret, &secret, p);
	if (r == RESULT_OK && s->client_ca != NULL) {
		r = tls_authorities_read(s->client_ca, &authorities, p);
		if (r != RESULT_OK)
			(void)problem_prefix(p, r, "%s", s->client_ca);
	}
	for (size_t i = 0; r == RESULT_OK && i < s->count; i++)
		r = add_entry(c, &s->files[i], s, &secret, authorities, p);
	if (c->name_count > 1)
		qsort(c->names, c->name_count, sizeof(c->names[0]), compare_names);
	sk_X509_pop_free(authorities, X509_free);
	OPENSSL_cleanse(&secret, sizeof(secret));
	if (r == RESULT_OK)
		*out = c;
	else
		context_free(c);
	return r;
}

struct tls_context *
tls_context_ref(struct tls_context *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void
tls_context_unref(struct tls_context **held)
{
	struct tls_context *c = *held;
	*held = NULL;
	if (c != NULL && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		context_free(c);
}

struct tls_channel *
tls_context_accept(struct tls_context *c, int fd)
{
	SSL *ssl = SSL_new(c->entry[0].ssl);
	if (ssl == NULL)
		return NULL;
	SSL_set_accept_state(ssl);
	struct tls_channel *channel = tls_channel_create(ssl, fd);
	if (channel != NULL)
		channel->context = tls_context_ref(c);
	ERR_clear_error();
	return channel;
}
