/* test_channel.c: TLS over sockets that take and give little: see proxy/tls/channel.h. */
#include "tls/channel.h"

#include "pair.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- fixture ----------------------------------------------------------------------------------
 */

/*
 * client <-> outer[0] = outer[1] ~~ inner[1] = inner[0] <-> server
 * `carry` moves bytes from one socketpair to the other, as many as the test wants.
 */
struct fixture {
	SSL_CTX *server_context;
	SSL_CTX *client_context;
	struct tls_channel *server;
	struct tls_channel *client;
	int outer[2];
	int inner[2];
};

static void
open_pair(int fds[2], int buffer_bytes)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	for (int i = 0; i < 2 && buffer_bytes > 0; i++)
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
				 sizeof(buffer_bytes));
}

static void
prepare(struct fixture *f, int version, int buffer_bytes)
{
	EVP_PKEY *key = make_key();
	X509 *certificate = make_certificate(key, "test", NULL, -60, 3600, NULL, NULL, false);
	f->server_context = SSL_CTX_new(TLS_server_method());
	f->client_context = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_use_certificate(f->server_context, certificate);
	(void)SSL_CTX_use_PrivateKey(f->server_context, key);
	(void)SSL_CTX_set_min_proto_version(f->client_context, version);
	(void)SSL_CTX_set_max_proto_version(f->client_context, version);
	X509_free(certificate);
	EVP_PKEY_free(key);
	open_pair(f->outer, buffer_bytes);
	open_pair(f->inner, buffer_bytes);
	SSL *server = SSL_new(f->server_context);
	SSL_set_accept_state(server);
	f->server = tls_channel_create(server, f->inner[0]);
	SSL *client = SSL_new(f->client_context);
	SSL_set_connect_state(client);
	f->client = tls_channel_create(client, f->outer[0]);
	assert_non_null(f->server);
	assert_non_null(f->client);
}

static void
clean(struct fixture *f)
{
	tls_channel_free(&f->server);
	tls_channel_free(&f->client);
	for (int i = 0; i < 2; i++) {
		(void)close(f->outer[i]);
		(void)close(f->inner[i]);
	}
	SSL_CTX_free(f->server_context);
	SSL_CTX_free(f->client_context);
}

/* Up to `most` bytes from one descriptor to another; how many. */
static size_t
carry(int from, int to, size_t most)
{
	char held[65536];
	size_t moved = 0;
	while (moved < most) {
		size_t want = most - moved < sizeof(held) ? most - moved : sizeof(held);
		ssize_t n = recv(from, held, want, MSG_PEEK | MSG_DONTWAIT);
		if (n <= 0)
			break;
		ssize_t put = send(to, held, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put <= 0)
			break;
		(void)recv(from, held, (size_t)put, MSG_DONTWAIT);
		moved += (size_t)put;
	}
	return moved;
}

static void
carry_both(struct fixture *f, size_t most)
{
	(void)carry(f->outer[1], f->inner[1], most);
	(void)carry(f->inner[1], f->outer[1], most);
}

/* Both handshakes, `step` bytes at a time. */
static void
shake(struct fixture *f, size_t step)
{
	bool write;
	enum tls_handshake server = TLS_HANDSHAKE_WAITS;
	enum tls_handshake client = TLS_HANDSHAKE_WAITS;
	for (int i = 0; i < 100000; i++) {
		if (client == TLS_HANDSHAKE_WAITS)
			client = tls_channel_handshake(f->client, &write);
		if (server == TLS_HANDSHAKE_WAITS)
			server = tls_channel_handshake(f->server, &write);
		carry_both(f, step);
		if (client == TLS_HANDSHAKE_DONE && server == TLS_HANDSHAKE_DONE)
			break;
	}
	assert_int_equal(client, TLS_HANDSHAKE_DONE);
	assert_int_equal(server, TLS_HANDSHAKE_DONE);
	/* The tickets of TLS 1.3 come behind it, and are no bytes. */
	char byte;
	carry_both(f, SIZE_MAX);
	assert_int_equal(tls_channel_recv(f->client, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
begin(struct fixture *f, int version, int buffer_bytes)
{
	prepare(f, version, buffer_bytes);
	shake(f, SIZE_MAX);
}

static ssize_t
send_text(struct tls_channel *c, const char *text)
{
	struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};
	return tls_channel_send(c, &piece, 1);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
/* NOLINTNEXTLINE(bugprone-macro-parentheses): it is declared here */
#define EACH_VERSION(i) for (size_t i = 0; i < 2; i++)

/* ---- cases ------------------------------------------------------------------------------------
 */

/* The facts are those of the handshake, whatever the sizes in which its bytes came. */
static void
shakes_in_any_steps(void **state)
{
	(void)state;
	static const size_t steps[] = {1, 7, 100, SIZE_MAX};
	EACH_VERSION(i)
	{
		for (size_t s = 0; s < 4; s++) {
			struct fixture f;
			prepare(&f, versions[i], 0);
			shake(&f, steps[s]);
			assert_string_equal(f.server->facts.version.at,
					    versions[i] == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
			assert_false(f.server->facts.resumed);
			assert_false(f.server->held);
			clean(&f);
		}
	}
}

/* Pieces become one record, and one read takes what came. */
static void
gathers_pieces(void **state)
{
	(void)state;
	EACH_VERSION(i)
	{
		struct fixture f;
		char got[64];
		begin(&f, versions[i], 0);
		struct iovec pieces[] = {{(void *)(uintptr_t) "HTTP/1.1 200 OK\r\n", 17},
					 {(void *)(uintptr_t) "", 0},
					 {(void *)(uintptr_t) "\r\n", 2},
					 {(void *)(uintptr_t) "body", 4}};
		assert_int_equal(tls_channel_send(f.server, pieces, 4), 23);
		unsigned char head[5];
		assert_int_equal(recv(f.inner[1], head, 5, MSG_PEEK), 5);
		ssize_t all = recv(f.inner[1], (char[4096]){0}, 4096, MSG_PEEK);
		assert_int_equal(all, 5 + head[3] * 256 + head[4]); /* one record, no more */
		carry_both(&f, SIZE_MAX);
		assert_int_equal(tls_channel_recv(f.client, got, sizeof(got)), 23);
		assert_memory_equal(got, "HTTP/1.1 200 OK\r\n\r\nbody", 23);
		assert_false(f.client->held);
		clean(&f);
	}
}

/* What was read ahead is held until it was taken; a silent descriptor is not asked for it. */
static void
holds_what_was_read_ahead(void **state)
{
	(void)state;
	struct fixture f;
	char got[4];
	begin(&f, TLS1_3_VERSION, 0);
	assert_int_equal(send_text(f.client, "first"), 5);
	assert_int_equal(send_text(f.client, "second"), 6);
	carry_both(&f, SIZE_MAX);
	assert_int_equal(tls_channel_recv(f.server, got, 4), 4);
	assert_memory_equal(got, "firs", 4);
	assert_true(f.server->held);
	assert_int_equal(recv(f.inner[0], got, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	assert_int_equal(tls_channel_recv(f.server, got, 4), 4);
	assert_memory_equal(got, "tsec", 4);
	assert_true(f.server->held);
	assert_int_equal(tls_channel_recv(f.server, got, 4), 3);
	assert_memory_equal(got, "ond", 3);
	assert_false(f.server->held);
	clean(&f);
}

/* Two records cut at every byte: what is whole comes, a part is never held out as bytes. */
static void
waits_for_whole_records(void **state)
{
	(void)state;
	for (size_t cut = 0;; cut++) {
		struct fixture f;
		char got[32];
		size_t count = 0;
		begin(&f, TLS1_3_VERSION, 0);
		assert_int_equal(send_text(f.client, "one"), 3);
		assert_int_equal(send_text(f.client, "two"), 3);
		size_t moved = carry(f.outer[1], f.inner[1], cut);
		ssize_t n;
		while ((n = tls_channel_recv(f.server, got + count, sizeof(got) - count)) > 0)
			count += (size_t)n;
		assert_int_equal(n, -1);
		assert_int_equal(errno, EAGAIN);
		assert_false(f.server->held);
		assert_true(count == 0 || count == 3 || count == 6);
		(void)carry(f.outer[1], f.inner[1], SIZE_MAX);
		while (count < 6 && (n = tls_channel_recv(f.server, got + count, 6)) > 0)
			count += (size_t)n;
		assert_int_equal(count, 6);
		assert_memory_equal(got, "onetwo", 6);
		clean(&f);
		if (moved < cut)
			break;
	}
}

/* A caller that queues what was not sent, and offers it cut otherwise. */
struct sender {
	const char *at;
	size_t bytes;
	unsigned seed;
};

static size_t
random_below(struct sender *s, size_t bound)
{
	s->seed = s->seed * 1103515245U + 12345U;
	return (s->seed >> 16) % bound;
}

static bool
offer(struct sender *s, struct tls_channel *c, bool *refused)
{
	struct iovec pieces[6];
	int count = 0;
	size_t offered = 0;
	size_t least = c->pending; /* all that waits is offered again, and more */
	while (count < 6 && offered < s->bytes) {
		size_t bytes = 1 + random_below(s, 30000);
		if (count == 5 && offered + bytes < least)
			bytes = least - offered;
		if (bytes > s->bytes - offered)
			bytes = s->bytes - offered;
		pieces[count++] = (struct iovec){(void *)(uintptr_t)(s->at + offered), bytes};
		offered += bytes;
	}
	ssize_t n = tls_channel_send(c, pieces, count);
	*refused |= n == -1;
	if (n == -1)
		assert_int_equal(errno, EAGAIN);
	else
		assert_true((size_t)n <= offered);
	s->at += n > 0 ? n : 0;
	s->bytes -= n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* Sockets that take little at a time: not a byte is lost, doubled or moved. */
static void
survives_tiny_buffers(void **state)
{
	(void)state;
	enum { BYTES = 700000 };
	char *sent = malloc(BYTES);
	char *got = malloc(BYTES);
	for (size_t i = 0; i < BYTES; i++)
		sent[i] = (char)(i * 2654435761U >> 13);
	EACH_VERSION(i)
	{
		struct fixture f;
		struct sender s = {sent, BYTES, 7};
		size_t count = 0;
		bool refused = false;
		begin(&f, versions[i], 2048);
		for (int round = 0; count < BYTES && round < 1000000; round++) {
			if (s.bytes > 0)
				(void)offer(&s, f.server, &refused);
			(void)carry(f.inner[1], f.outer[1], 1 + random_below(&s, 5000));
			ssize_t n = tls_channel_recv(f.client, got + count,
						     1 + random_below(&s, BYTES - count));
			count += n > 0 ? (size_t)n : 0;
		}
		assert_int_equal(count, BYTES);
		assert_memory_equal(sent, got, BYTES);
		assert_true(refused);
		assert_int_equal(s.bytes, 0);
		clean(&f);
	}
	free(sent);
	free(got);
}

/* Bytes count as sent when their record left whole. */
static void
counts_whole_records(void **state)
{
	(void)state;
	static char data[TLS_RECORD_BYTES_MAX * 8];
	struct fixture f;
	begin(&f, TLS1_3_VERSION, 2048);
	struct iovec piece = {data, sizeof(data)};
	ssize_t n = tls_channel_send(f.server, &piece, 1);
	assert_true(n == -1 || n % TLS_RECORD_BYTES_MAX == 0);
	assert_int_equal(f.server->pending, TLS_RECORD_BYTES_MAX);
	tls_channel_goodbye(f.server); /* not into the middle of a record */
	size_t sent = n > 0 ? (size_t)n : 0;
	(void)carry(f.inner[1], f.outer[1], 1000);
	for (int i = 0; i < 1000 && f.server->pending > 0; i++) {
		char got[4096];
		(void)carry(f.inner[1], f.outer[1], SIZE_MAX);
		ssize_t r = tls_channel_recv(f.client, got, sizeof(got));
		assert_true(r > 0 || errno == EAGAIN);
		struct iovec rest = {data + sent, TLS_RECORD_BYTES_MAX};
		n = tls_channel_send(f.server, &rest, 1);
		sent += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(f.server->pending, 0);
	clean(&f);
}

/* A goodbye is an end; an end without is a break, also after bytes. */
static void
knows_truncation(void **state)
{
	(void)state;
	EACH_VERSION(i)
	{
		for (int said = 0; said < 2; said++) {
			struct fixture f;
			char got[32];
			begin(&f, versions[i], 0);
			assert_int_equal(send_text(f.client, "last words"), 10);
			if (said == 1)
				tls_channel_goodbye(f.client);
			carry_both(&f, SIZE_MAX);
			assert_int_equal(shutdown(f.inner[1], SHUT_WR), 0);
			assert_int_equal(tls_channel_recv(f.server, got, sizeof(got)), 10);
			ssize_t n = tls_channel_recv(f.server, got, sizeof(got));
			if (said == 1) {
				assert_int_equal(n, 0);
				assert_int_equal(tls_channel_recv(f.server, got, sizeof(got)), 0);
				/* Its own side stays open (RFC 8446 section 6.1). */
				assert_int_equal(send_text(f.server, "answer"), 6);
			} else {
				assert_int_equal(n, -1);
				assert_int_equal(errno, ECONNRESET);
				assert_true(f.server->broken);
				assert_int_equal(send_text(f.server, "answer"), -1);
				assert_int_equal(errno, EPIPE);
			}
			clean(&f);
		}
	}
}

/* A byte that was changed on its way ends the connection; nothing of its record is given out. */
static void
refuses_what_is_forged(void **state)
{
	(void)state;
	EACH_VERSION(i)
	{
		struct fixture f;
		char raw[256];
		char got[32];
		begin(&f, versions[i], 0);
		assert_int_equal(send_text(f.client, "transfer 100"), 12);
		ssize_t n = recv(f.outer[1], raw, sizeof(raw), 0);
		assert_true(n > 20);
		raw[n - 3] ^= 1;
		assert_int_equal(send(f.inner[1], raw, (size_t)n, 0), n);
		assert_int_equal(tls_channel_recv(f.server, got, sizeof(got)), -1);
		assert_int_equal(errno, EPROTO);
		assert_false(f.server->held);
		clean(&f);
	}
}

/* Keys that change under way (RFC 8446 section 4.6.3) are nobody's matter. */
static void
updates_keys(void **state)
{
	(void)state;
	struct fixture f;
	char got[32];
	begin(&f, TLS1_3_VERSION, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(SSL_key_update(f.client->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(send_text(f.client, "ask"), 3);
		carry_both(&f, SIZE_MAX);
		assert_int_equal(tls_channel_recv(f.server, got, sizeof(got)), 3);
		assert_int_equal(send_text(f.server, "told"), 4);
		carry_both(&f, SIZE_MAX);
		assert_int_equal(tls_channel_recv(f.client, got, sizeof(got)), 4);
	}
	clean(&f);
}

/* Keys are to be changed while the kernel takes nothing: reading waits for writing, says so, and
 * goes on. */
static void
reads_when_it_must_write_first(void **state)
{
	(void)state;
	static char data[TLS_RECORD_BYTES_MAX * 4];
	struct fixture f;
	char got[TLS_RECORD_BYTES_MAX];
	begin(&f, TLS1_3_VERSION, 2048);
	struct iovec piece = {data, sizeof(data)};
	ssize_t n = tls_channel_send(f.server, &piece, 1);
	size_t left = sizeof(data) - (n > 0 ? (size_t)n : 0);
	assert_true(f.server->pending > 0);
	assert_int_equal(SSL_key_update(f.client->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_int_equal(send_text(f.client, "ask"), 3);
	size_t asked = 0;
	size_t taken = 0;
	for (int i = 0; i < 10000 && (asked < 3 || taken < sizeof(data)); i++) {
		(void)carry(f.outer[1], f.inner[1], SIZE_MAX);
		n = tls_channel_recv(f.server, got + asked, 3 - asked + 1);
		assert_true(n > 0 || errno == EAGAIN);
		asked += n > 0 ? (size_t)n : 0;
		piece = (struct iovec){data + sizeof(data) - left, left};
		n = left > 0 ? tls_channel_send(f.server, &piece, 1) : -1;
		left -= n > 0 ? (size_t)n : 0;
		(void)carry(f.inner[1], f.outer[1], SIZE_MAX);
		n = tls_channel_recv(f.client, got, sizeof(got));
		taken += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(asked, 3);
	assert_int_equal(taken, sizeof(data));
	clean(&f);
}

/* What is no handshake says what it is. */
static void
tells_failures_apart(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		bool end;
		enum tls_handshake failure;
	} cases[] = {
	    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, TLS_HANDSHAKE_NOT_TLS},
	    {"POST / HTTP/1.1\r\n", false, TLS_HANDSHAKE_NOT_TLS},
	    {"", true, TLS_HANDSHAKE_CLOSED},
	    {"\x16\x03\x01", true, TLS_HANDSHAKE_CLOSED},
	    {"\x15\x03\x01\x00\x02\x02\x28", false, TLS_HANDSHAKE_FAILED},
	    {"SSH-2.0-OpenSSH_9.2\r\n", false, TLS_HANDSHAKE_VERSION},
	    {"", false, TLS_HANDSHAKE_WAITS},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		bool write;
		size_t bytes =
		    cases[i].failure == TLS_HANDSHAKE_FAILED ? 7 : strlen(cases[i].bytes);
		prepare(&f, TLS1_3_VERSION, 0);
		assert_int_equal(send(f.inner[1], cases[i].bytes, bytes, 0), bytes);
		if (cases[i].end)
			(void)shutdown(f.inner[1], SHUT_WR);
		enum tls_handshake failure = tls_channel_handshake(f.server, &write);
		assert_int_equal(failure, cases[i].failure);
		clean(&f);
	}
}

int
main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shakes_in_any_steps),
	    cmocka_unit_test(gathers_pieces),
	    cmocka_unit_test(holds_what_was_read_ahead),
	    cmocka_unit_test(waits_for_whole_records),
	    cmocka_unit_test(survives_tiny_buffers),
	    cmocka_unit_test(counts_whole_records),
	    cmocka_unit_test(knows_truncation),
	    cmocka_unit_test(refuses_what_is_forged),
	    cmocka_unit_test(updates_keys),
	    cmocka_unit_test(reads_when_it_must_write_first),
	    cmocka_unit_test(tells_failures_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
