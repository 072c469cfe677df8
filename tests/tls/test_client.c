/* test_client.c: TLS towards servers, against contexts of listeners; see proxy/tls/client.h,
 * context.h. */
#include "tls/client.h"

#include "tls/context.h"

#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- fixture: two sides -----------------------------------------------------------------------
 */

static struct tls_context *
server_of(const struct issued *list, size_t count)
{
	struct tls_files files[4];
	struct tls_context *c = NULL;
	struct problem p = {""};
	for (size_t i = 0; i < count; i++)
		files[i] = (struct tls_files){list[i].certificate, list[i].key, NULL};
	struct tls_settings s = {.files = files, .count = count, .place = SLICE("here")};
	if (tls_context_create(&s, &c, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	return c;
}

static struct tls_client *
client_of(const struct authority *a, const char *name, struct tls_client *before)
{
	struct tls_client *c = NULL;
	struct problem p = {""};
	struct tls_client_settings s = {.ca = a->file, .name = name, .verify = true};
	if (tls_client_create(&s, before, &c, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	return c;
}

struct meeting {
	enum tls_handshake outcome; /* the client's */
	enum reason why;
	bool resumed;
	char name[TLS_NAME_BYTES_MAX + 1]; /* that the server was asked by */
};

/* Both shake hands; the server says a byte, so that its tickets are read. */
static struct meeting
meet(struct tls_client *client, struct tls_context *server, struct tls_tickets *tickets)
{
	struct meeting m = {.outcome = TLS_HANDSHAKE_WAITS};
	int fds[2];
	char byte = 'x';
	bool write;
	struct addr to;
	assert_true(addr_parse_ip(SLICE("192.0.2.1"), &to));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct tls_channel *outer = tls_client_connect(client, fds[0], &to, tickets);
	struct tls_channel *inner = tls_context_accept(server, fds[1]);
	enum tls_handshake other = TLS_HANDSHAKE_WAITS;
	assert_non_null(outer);
	assert_non_null(inner);
	for (int i = 0; i < 10; i++) {
		if (m.outcome == TLS_HANDSHAKE_WAITS)
			m.outcome = tls_channel_handshake(outer, &write);
		if (other == TLS_HANDSHAKE_WAITS)
			other = tls_channel_handshake(inner, &write);
	}
	if (m.outcome == TLS_HANDSHAKE_DONE) {
		assert_int_equal(other, TLS_HANDSHAKE_DONE);
		assert_int_equal(tls_channel_send(inner, &(struct iovec){&byte, 1}, 1), 1);
		assert_int_equal(tls_channel_recv(outer, &byte, 1), 1);
	} else {
		m.why = tls_client_reason(outer, m.outcome);
	}
	m.resumed = outer->facts.resumed;
	(void)snprintf(m.name, sizeof(m.name), "%s", inner->server_name);
	tls_channel_free(&outer);
	tls_channel_free(&inner);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return m;
}

/* ---- cases ------------------------------------------------------------------------------------
 */

static void
who_is_believed(void **state)
{
	static const struct {
		const char *asked; /* NULL: the address */
		const char *san;
		long to_s;
		bool other_authority;
		enum reason why;
	} cases[] = {
	    {"app.example", "DNS:app.example", 3600, false, REASON_NONE},
	    {"app.shop.example", "DNS:*.shop.example", 3600, false, REASON_NONE},
	    {NULL, "IP:192.0.2.1", 3600, false, REASON_NONE},
	    {NULL, "IP:192.0.2.2", 3600, false, REASON_TLS_NAME},
	    {NULL, "DNS:192.0.2.1", 3600, false, REASON_TLS_NAME},
	    {"app.example", "DNS:other.example", 3600, false, REASON_TLS_NAME},
	    {"app.example", "DNS:a*.example", 3600, false, REASON_TLS_NAME},
	    {"app.example", "DNS:app.example", -60, false, REASON_TLS_EXPIRED},
	    {"app.example", "DNS:app.example", 3600, true, REASON_TLS_UNTRUSTED},
	};
	(void)state;
	struct authority a = authority_make("root");
	struct authority b = authority_make("other");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct issued own =
		    issue(cases[i].other_authority ? &b : &a, "x", cases[i].san, cases[i].to_s);
		struct tls_context *server = server_of(&own, 1);
		struct tls_client *client = client_of(&a, cases[i].asked, NULL);
		struct meeting m = meet(client, server, NULL);
		assert_int_equal(m.why, cases[i].why);
		assert_int_equal(m.outcome == TLS_HANDSHAKE_DONE, cases[i].why == REASON_NONE);
		assert_string_equal(m.name, cases[i].asked == NULL ? "" : cases[i].asked);
		tls_client_unref(&client);
		tls_context_unref(&server);
	}
	authority_deinit(&a);
	authority_deinit(&b);
}

/* The name that is asked for selects the certificate; the first one is for all others. */
static void
names_select(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct issued list[] = {issue(&a, "first", "DNS:first.example", 3600),
				issue(&a, "wild", "DNS:*.wild.example", 3600),
				issue(&a, "exact", "DNS:x.wild.example", 3600)};
	struct tls_context *server = server_of(list, 3);
	static const char *const good[] = {"first.example", "y.wild.example", "x.wild.example"};
	for (size_t i = 0; i < 3; i++) {
		struct tls_client *client = client_of(&a, good[i], NULL);
		assert_int_equal(meet(client, server, NULL).outcome, TLS_HANDSHAKE_DONE);
		tls_client_unref(&client);
	}
	struct tls_client *client = client_of(&a, "z.y.wild.example", NULL);
	assert_int_equal(meet(client, server, NULL).why, REASON_TLS_NAME);
	tls_client_unref(&client);
	tls_context_unref(&server);
	authority_deinit(&a);
}

/* Tickets are kept up to their bound, resume, and are another listener's nothing. */
static void
tickets_resume(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct issued own = issue(&a, "x", "DNS:app.example", 3600);
	struct issued renewed = issue(&a, "x", "DNS:app.example", 3600);
	struct tls_context *server = server_of(&own, 1);
	struct tls_context *other = server_of(&renewed, 1);
	struct tls_client *client = client_of(&a, "app.example", NULL);
	struct tls_tickets tickets = {.count = 0};
	assert_false(meet(client, server, &tickets).resumed);
	assert_true(tickets.count > 0);
	for (int i = 0; i < 2 * TLS_TICKETS_MAX; i++) {
		assert_true(meet(client, server, &tickets).resumed);
		assert_in_range(tickets.count, 1, TLS_TICKETS_MAX);
	}
	assert_false(meet(client, other, &tickets).resumed);
	tls_tickets_deinit(&tickets);
	assert_int_equal(tickets.count, 0);
	tls_client_unref(&client);
	tls_context_unref(&server);
	tls_context_unref(&other);
	authority_deinit(&a);
}

/* What did not change is the same one again; anything else is another. */
static void
the_same_again(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct authority b = authority_make("root");
	struct tls_client *first = client_of(&a, "app.example", NULL);
	struct tls_client *same = client_of(&a, "app.example", first);
	struct tls_client *name = client_of(&a, "app2.example", first);
	struct tls_client *trust = client_of(&b, "app.example", first);
	assert_ptr_equal(first, same);
	assert_ptr_not_equal(first, name);
	assert_ptr_not_equal(first, trust);
	write_certificate(a.file, b.certificate);
	struct tls_client *changed = client_of(&a, "app.example", first);
	assert_ptr_not_equal(first, changed);
	tls_client_unref(&first);
	tls_client_unref(&same);
	tls_client_unref(&name);
	tls_client_unref(&trust);
	tls_client_unref(&changed);
	authority_deinit(&a);
	authority_deinit(&b);
}

/* Files that are missing or do not fit are named. */
static void
bad_files_are_named(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct issued one = issue(&a, "x", "DNS:x", 3600);
	struct issued two = issue(&a, "y", "DNS:y", 3600);
	struct tls_files halves = {one.certificate, two.key, NULL};
	struct tls_client *c = NULL;
	struct problem p = {""};
	struct tls_client_settings s = {.ca = "/nonexistent/ca.pem", .verify = true};
	assert_int_equal(tls_client_create(&s, NULL, &c, &p), RESULT_NOT_FOUND);
	assert_non_null(strstr(p.text, "/nonexistent/ca.pem: "));
	assert_null(c);
	s = (struct tls_client_settings){.ca = a.file, .verify = true, .own = &halves};
	assert_int_equal(tls_client_create(&s, NULL, &c, &p), RESULT_INVALID);
	assert_non_null(strstr(p.text, "not the key of the certificate"));
	assert_int_equal(chmod(two.key, 0644), 0);
	halves = (struct tls_files){two.certificate, two.key, NULL};
	assert_int_equal(tls_client_create(&s, NULL, &c, &p), RESULT_INVALID);
	assert_non_null(strstr(p.text, "others can read"));
	authority_deinit(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_believed),     cmocka_unit_test(names_select),
	    cmocka_unit_test(tickets_resume),      cmocka_unit_test(the_same_again),
	    cmocka_unit_test(bad_files_are_named),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
