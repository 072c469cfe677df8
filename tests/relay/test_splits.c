/*
 * test_splits.c: the same bytes have the same outcome however they come. Each message of
 * tests/messages goes through a whole worker (gate/gate.h) in one piece, cut at every byte, byte by
 * byte, and with a second one behind it in the same piece.
 */
#include "gate/gate.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGE_BYTES_MAX 4096
#define MESSAGES_MAX      64
#define OUTCOME_BYTES_MAX 8192

struct message {
	char name[64];
	char bytes[MESSAGE_BYTES_MAX];
	size_t count;
};

static struct message messages[MESSAGES_MAX];
static size_t message_count;

/* What came of it, as text: what the client got, what the member did. */
static char outcome[OUTCOME_BYTES_MAX];
static char expected[OUTCOME_BYTES_MAX];

static void
read_message(const char *folder, const char *name)
{
	char path[512];
	assert_true(message_count < MESSAGES_MAX);
	struct message *m = &messages[message_count++];
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	m->count = fread(m->bytes, 1, sizeof(m->bytes), f);
	assert_true(m->count > 0 && m->count < sizeof(m->bytes));
	(void)fclose(f);
}

static void
read_messages(const char *folder)
{
	struct dirent *entry;
	DIR *d = opendir(folder);
	assert_non_null(d);
	message_count = 0;
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != '.')
			read_message(folder, entry->d_name);
	}
	(void)closedir(d);
	assert_true(message_count >= 20);
}

/* ---- outcomes ------------------------------------------------------------------------------ */

static void
note(const char *text, size_t bytes)
{
	size_t at = strlen(outcome);
	assert_true(at + bytes + 1 < sizeof(outcome));
	memcpy(outcome + at, text, bytes);
	for (size_t i = at; i < at + bytes; i++) {
		if (outcome[i] == '\0')
			outcome[i] = '0';
	}
	outcome[at + bytes] = '\0';
}

static void
note_number(const char *name, long long number)
{
	char text[64];
	(void)snprintf(text, sizeof(text), " %s=%lld", name, number);
	note(text, strlen(text));
}

/* All but how a body was cut into chunks. */
static void
note_message(const struct wire_message *m, enum wire_outcome how)
{
	note(m->line.at, m->line.bytes);
	for (size_t i = 0; i < m->field_count; i++) {
		note("|", 1);
		note(m->field[i].name.at, m->field[i].name.bytes);
		note(":", 1);
		note(m->field[i].value.at, m->field[i].value.bytes);
	}
	note_number("outcome", how);
	note_number("trailers", (long long)m->trailer_count);
	note_number("body", (long long)m->body_bytes);
	note("\n", 1);
	note(m->body == NULL ? "" : m->body, m->body_bytes < 200 ? m->body_bytes : 200);
	note("\n", 1);
}

static void
note_client(const struct gate_client *c, bool to_head)
{
	static struct wire_message m;
	size_t at = 0;
	while (at < c->got.bytes) {
		enum wire_outcome how =
		    wire_answer(c->got.at + at, c->got.bytes - at, c->ended, to_head, &m);
		assert_int_not_equal(how, WIRE_BAD);
		if (!m.has_head)
			break;
		note_message(&m, how);
		at += how == WIRE_WHOLE ? m.bytes : c->got.bytes - at;
		wire_free(&m);
	}
	note_number("left", (long long)(c->got.bytes - at));
	note_number("closed", c->ended);
}

static void
begin(void)
{
	assert_true(gate_begin());
	outcome[0] = '\0';
}

/* ---- requests ------------------------------------------------------------------------------ */

static void
note_seen(const struct wire_message *m)
{
	note("member: ", 8);
	note_message(m, WIRE_WHOLE);
}

/* Sends the pieces, waits until everything is over, and takes down what came of it. */
static void
send_pieces(const struct message *m, size_t times, size_t cut, size_t step)
{
	begin();
	gate.seen = note_seen;
	gate_open(0);
	size_t total = m->count * times;
	for (size_t from = 0; from < total;) {
		char piece[2 * MESSAGE_BYTES_MAX];
		size_t to = step != 0 ? from + step : from < cut ? cut : total;
		to = to < total ? to : total;
		for (size_t i = from; i < to; i++)
			piece[i - from] = m->bytes[i % m->count];
		gate_raw(0, piece, to - from);
		from = to;
	}
	gate_wait(100);
	note_client(&gate.client[0], memcmp(m->bytes, "HEAD", 4) == 0);
	gate_end();
}

static void
compare(const struct message *m, size_t cut)
{
	if (strcmp(outcome, expected) != 0)
		fail_msg("%s, cut at %zu:\n%s\n-- instead of --\n%s", m->name, cut, outcome,
			 expected);
}

static void
requests_cut_anywhere(void **state)
{
	(void)state;
	read_messages("tests/messages/requests");
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		send_pieces(m, 1, 0, 0);
		memcpy(expected, outcome, sizeof(expected));
		bool bad = strncmp(m->name, "bad_", 4) == 0;
		bool refused =
		    strstr(outcome, "HTTP/1.1 4") != NULL || strstr(outcome, "HTTP/1.1 5") != NULL;
		if (refused != bad)
			fail_msg("%s:\n%s", m->name, outcome);
		for (size_t cut = 1; cut < m->count; cut++) {
			send_pieces(m, 1, cut, 0);
			compare(m, cut);
		}
		for (size_t step = 1; step <= 3; step++) {
			send_pieces(m, 1, 0, step);
			compare(m, step);
		}
	}
}

/* Two of them in one piece, which is cut anywhere, are the same as one after the other. */
static void
requests_together(void **state)
{
	(void)state;
	read_messages("tests/messages/requests");
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		send_pieces(m, 2, m->count, 0);
		memcpy(expected, outcome, sizeof(expected));
		for (size_t cut = 0; cut < 2 * m->count; cut++) {
			send_pieces(m, 2, cut, 0);
			compare(m, cut);
		}
		send_pieces(m, 2, 0, 1);
		compare(m, 1);
	}
}

/* ---- answers ------------------------------------------------------------------------------- */

static void
answer_pieces(const struct message *m, size_t cut, size_t step)
{
	begin();
	for (size_t i = 0; i < GATE_MEMBERS; i++)
		gate.member[i].way = WAY_BY_HAND;
	gate_open(0);
	gate_ask(0, &(struct gate_ask){.method = "POST", .minor = 1, .key = 1});
	gate_push(0, SIZE_MAX);
	struct gate_server *s = NULL;
	for (unsigned i = 0; i < GATE_MEMBERS && s == NULL; i++)
		s = gate_asked(i);
	assert_non_null(s);
	for (size_t from = 0; from < m->count && s->end != NULL;) {
		size_t to = step != 0 ? from + step : from < cut ? cut : m->count;
		to = to < m->count ? to : m->count;
		gate_server_raw(s, m->bytes + from, to - from);
		gate_run();
		from = to;
	}
	if (s->end != NULL)
		gate_server_close(s, false);
	gate_run();
	gate_wait(100);
	note_client(&gate.client[0], false);
	gate_end();
}

static void
answers_cut_anywhere(void **state)
{
	(void)state;
	read_messages("tests/messages/answers");
	for (size_t i = 0; i < message_count; i++) {
		const struct message *m = &messages[i];
		answer_pieces(m, 0, 0);
		memcpy(expected, outcome, sizeof(expected));
		bool bad =
		    strncmp(m->name, "bad_", 4) == 0 && strncmp(m->name, "bad_chunk", 9) != 0;
		if ((strstr(outcome, "HTTP/1.1 502") != NULL) != bad)
			fail_msg("%s:\n%s", m->name, outcome);
		for (size_t cut = 1; cut < m->count; cut++) {
			answer_pieces(m, cut, 0);
			compare(m, cut);
		}
		for (size_t step = 1; step <= 3; step++) {
			answer_pieces(m, 0, step);
			compare(m, step);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_cut_anywhere),
	    cmocka_unit_test(requests_together),
	    cmocka_unit_test(answers_cut_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
