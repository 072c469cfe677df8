/* test_context.c: contexts of listeners: what is agreed upon with clients of every kind, which
 * certificate they get, who may come, and what is told of it. */
#include "tls/context.h"

#include "files.h"

#include <sys/socket.h>

/* ---- a client ---------------------------------------------------------------------------------
 */

struct visit {
	enum tls_handshake outcome; /* the server's */
	char protocol[16];
	char common_name[64]; /* of the certificate that was shown */
	struct tls_facts facts;
	char identity[TLS_COMMON_BYTES_MAX + 1]; /* common name as the server has it */
};

struct visitor {
	const char *name; /* NULL: none */
	struct slice alpn;
	const struct issued *own; /* NULL: no certificate */
	int version;              /* 0: any */
};

static SSL *
client_of(const struct visitor *v, int fd)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	assert_non_null(context);
	if (v->version != 0) {
		(void)SSL_CTX_set_min_proto_version(context, v->version);
		(void)SSL_CTX_set_max_proto_version(context, v->version);
	}
	if (v->own != NULL) {
		assert_int_equal(SSL_CTX_use_certificate_chain_file(context, v->own->certificate),
				 1);
		assert_int_equal(
		    SSL_CTX_use_PrivateKey_file(context, v->own->key, SSL_FILETYPE_PEM), 1);
	}
	SSL *ssl = SSL_new(context);
	SSL_CTX_free(context);
	assert_non_null(ssl);
	if (v->name != NULL)
		(void)SSL_set_tlsext_host_name(ssl, v->name);
	if (v->alpn.bytes > 0)
		assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)v->alpn.at,
						     (unsigned)v->alpn.bytes),
				 0);
	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	SSL_set_connect_state(ssl);
	return ssl;
}

static void
note(struct visit *seen, const struct tls_channel *inner, SSL *outer)
{
	const struct slice protocol = inner->facts.protocol;
	X509 *shown = SSL_get0_peer_certificate(outer);
	if (protocol.bytes > 0)
		memcpy(seen->protocol, protocol.at, protocol.bytes);
	if (shown != NULL)
		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName,
						seen->common_name, sizeof(seen->common_name));
	seen->facts = inner->facts;
	if (inner->facts.identity != NULL) {
		struct slice cn = inner->facts.identity->common_name;
		if (cn.bytes > 0)
			memcpy(seen->identity, cn.at, cn.bytes);
	}
}

static struct visit
visit(struct tls_context *server, const struct visitor *v)
{
	struct visit seen = {.outcome = TLS_HANDSHAKE_WAITS};
	int fds[2];
	bool write;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct tls_channel *inner = tls_context_accept(server, fds[1]);
	SSL *outer = client_of(v, fds[0]);
	assert_non_null(inner);
	for (int i = 0; i < 10; i++) {
		(void)SSL_do_handshake(outer);
		if (seen.outcome == TLS_HANDSHAKE_WAITS)
			seen.outcome = tls_channel_handshake(inner, &write);
	}
	if (seen.outcome == TLS_HANDSHAKE_DONE)
		note(&seen, inner, outer);
	SSL_free(outer);
	tls_channel_free(&inner);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return seen;
}

static struct tls_context *
server_of(struct tls_settings s, const struct issued *list, size_t count)
{
	struct tls_files files[4];
	struct tls_context *c = NULL;
	struct problem p = {""};
	for (size_t i = 0; i < count; i++)
		files[i] = (struct tls_files){list[i].certificate, list[i].key, NULL};
	s.files = files;
	s.count = count;
	s.place = SLICE("here");
	if (tls_context_create(&s, &c, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	return c;
}

/* ---- cases ------------------------------------------------------------------------------------
 */

#define H2     "\x02h2"
#define HTTP1  "\x08http/1.1"
#define OTHERS "\x06spdy/3"

/* By the server's order; nothing in common ends the handshake, no wish at all does not. */
static void
protocols_are_agreed_upon(void **state)
{
	static const struct {
		bool http1;
		bool http2;
		struct slice wanted;
		const char *agreed; /* NULL: none in common */
	} cases[] = {
	    {true, true, {HTTP1 H2, 12}, "h2"},
	    {true, true, {HTTP1, 9}, "http/1.1"},
	    {true, true, {NULL, 0}, ""},
	    {true, true, {OTHERS, 7}, NULL},
	    {true, false, {HTTP1 H2, 12}, "http/1.1"},
	    {true, false, {H2, 3}, NULL},
	    {false, true, {HTTP1 H2, 12}, "h2"},
	    {false, true, {HTTP1, 9}, NULL},
	    {false, true, {NULL, 0}, ""},
	};
	(void)state;
	struct authority a = authority_make("root");
	struct issued own = issue(&a, "x", "DNS:x", 3600);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_context *server = server_of(
		    (struct tls_settings){.http1 = cases[i].http1, .http2 = cases[i].http2}, &own,
		    1);
		struct visit v = visit(server, &(struct visitor){.alpn = cases[i].wanted});
		if (cases[i].agreed == NULL)
			assert_int_equal(v.outcome, TLS_HANDSHAKE_ALPN);
		else
			assert_string_equal(v.protocol, cases[i].agreed);
		tls_context_unref(&server);
	}
	authority_deinit(&a);
}

/* The exact name, then a wildcard one label above, else the first. */
static void
names_select(void **state)
{
	static const struct {
		const char *asked;
		const char *shown;
	} cases[] = {
	    {NULL, "first"},
	    {"first.example", "first"},
	    {"x.wild.example", "exact"},
	    {"X.Wild.Example", "exact"},
	    {"y.wild.example", "wild"},
	    {"z.y.wild.example", "first"},
	    {"wild.example", "first"},
	    {"unknown.example", "first"},
	};
	(void)state;
	struct authority a = authority_make("root");
	struct issued list[] = {issue(&a, "first", "DNS:first.example", 3600),
				issue(&a, "wild", "DNS:*.wild.example", 3600),
				issue(&a, "exact", "DNS:x.wild.example", 3600)};
	struct tls_context *server = server_of((struct tls_settings){.http1 = true}, list, 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct visit v = visit(server, &(struct visitor){.name = cases[i].asked});
		assert_int_equal(v.outcome, TLS_HANDSHAKE_DONE);
		assert_string_equal(v.common_name, cases[i].shown);
	}
	tls_context_unref(&server);
	authority_deinit(&a);
}

static void
clients_show_certificates(void **state)
{
	static const enum tls_client_auth wanted[] = {TLS_CLIENT_NONE, TLS_CLIENT_OPTIONAL,
						      TLS_CLIENT_REQUIRED};
	(void)state;
	struct authority a = authority_make("root");
	struct authority stranger = authority_make("stranger");
	struct issued own = issue(&a, "x", "DNS:x", 3600);
	struct issued good = issue(&a, "client", "DNS:c", 3600);
	struct issued bad = issue(&stranger, "client", "DNS:c", 3600);
	for (size_t i = 0; i < 3; i++) {
		struct tls_settings s = {
		    .http1 = true, .client_auth = wanted[i], .client_ca = a.file};
		struct tls_context *server = server_of(s, &own, 1);
		struct visit v = visit(server, &(struct visitor){.own = NULL});
		bool required = wanted[i] == TLS_CLIENT_REQUIRED;
		assert_int_equal(v.outcome,
				 required ? TLS_HANDSHAKE_CERTIFICATE : TLS_HANDSHAKE_DONE);
		v = visit(server, &(struct visitor){.own = &good});
		assert_int_equal(v.outcome, TLS_HANDSHAKE_DONE);
		assert_string_equal(v.identity, wanted[i] == TLS_CLIENT_NONE ? "" : "client");
		v = visit(server, &(struct visitor){.own = &bad});
		assert_int_equal(v.outcome, wanted[i] == TLS_CLIENT_NONE
						? TLS_HANDSHAKE_DONE
						: TLS_HANDSHAKE_CERTIFICATE);
		tls_context_unref(&server);
	}
	authority_deinit(&a);
	authority_deinit(&stranger);
}

static void
facts_are_told(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct issued own = issue(&a, "x", "DNS:shop.example", 3600);
	struct tls_context *server =
	    server_of((struct tls_settings){.http1 = true, .http2 = true}, &own, 1);
	struct visit v = visit(server, &(struct visitor){.version = TLS1_2_VERSION});
	assert_true(slice_equal(v.facts.version, SLICE("TLSv1.2")));
	v = visit(server, &(struct visitor){.name = "Shop.Example"});
	assert_true(slice_equal(v.facts.version, SLICE("TLSv1.3")));
	assert_true(slice_has_prefix(v.facts.cipher, SLICE("TLS_")));
	assert_true(slice_equal(v.facts.sig_alg, SLICE("ecdsa-with-SHA256")));
	assert_string_equal(v.facts.key_alg, "EC256");
	assert_false(v.facts.resumed);
	assert_null(v.facts.identity);
	tls_context_unref(&server);
	server = server_of((struct tls_settings){.http1 = true, .only_1_3 = true}, &own, 1);
	v = visit(server, &(struct visitor){.version = TLS1_2_VERSION});
	assert_int_equal(v.outcome, TLS_HANDSHAKE_VERSION);
	tls_context_unref(&server);
	authority_deinit(&a);
}

/* A connection keeps its context; what is wrong with a file begins with its name. */
static void
lives_as_long_as_it_is_used(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct issued own = issue(&a, "x", "DNS:x", 3600);
	struct tls_context *first = server_of((struct tls_settings){.http1 = true}, &own, 1);
	struct tls_context *second = tls_context_ref(first);
	assert_ptr_equal(first, second);
	tls_context_unref(&first);
	assert_null(first);
	assert_int_equal(visit(second, &(struct visitor){.name = NULL}).outcome,
			 TLS_HANDSHAKE_DONE);
	tls_context_unref(&second);
	tls_context_unref(&second); /* NULL is nothing */
	struct tls_files missing = {own.certificate, "/nonexistent/key", NULL};
	struct tls_settings s = {.files = &missing, .count = 1, .place = SLICE("here")};
	struct problem p = {""};
	assert_int_equal(tls_context_create(&s, &first, &p), RESULT_NOT_FOUND);
	assert_null(first);
	assert_non_null(strstr(p.text, "/nonexistent/key"));
	authority_deinit(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(protocols_are_agreed_upon),   cmocka_unit_test(names_select),
	    cmocka_unit_test(clients_show_certificates),   cmocka_unit_test(facts_are_told),
	    cmocka_unit_test(lives_as_long_as_it_is_used),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
