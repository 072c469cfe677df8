/*
 * fuzz_h2_member.c: the input is a script of what members of HTTP/2 say to one worker, and of what
 * its clients do meanwhile: answers frame by frame in any order, streams and connections that end
 * anywhere, limits that change, frames and bytes of any kind. What must hold stands in
 * gate/h2_peer.h and gate/gate.h: no answer is taken for another, none that broke looks whole, what
 * cannot be repeated is not, nothing spins, nothing is left.
 *
 * A letter says what happens, the bytes behind it to whom and how; anything else is skipped. R: a
 * request that came, by its age, the latest is 0. M: a member, C: a client.
 *
 *   a C method size   asks              l C hard      leaves           k C on        reads
 *   h R status flags  a head            d R size flags  DATA           t R           trailers
 *   x R code          RST_STREAM        z R           an answer, whole
 *   g M R code        GOAWAY, R the last                               s M id value  SETTINGS
 *   w R size          WINDOW_UPDATE     W M size      of the connection
 *   f M type flags R length ...         any frame     b M length ...   any bytes
 *   c M hard          closes            D M on        reads nothing
 *   i on              new connections say no SETTINGS                  G M           now they do
 *   T time            passes            r read write  bytes of one call
 *   n number on       an allocation fails; `on`: all behind it         e M news      as of gate.h
 *   S hard            stops
 */
#include "base/text.h"
#include "gate/alloc.h"
#include "gate/h2_peer.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 200
#define COUNT(t)   (sizeof(t) / sizeof((t)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct script {
	const uint8_t *at;
	size_t left;
	unsigned events;
	bool stopped;
};

static const size_t sizes[16] = {0,     1,     2,     10,    100,   1000,  4096,  9000,
				 16384, 16385, 20480, 30000, 40000, 65535, 65536, 70000};
static const uint64_t times_ms[16] = {1,    10,   50,   100,  500,  900,  1000, 1500,
				      2000, 2100, 3000, 3500, 4000, 5100, 6000, 10000};
static const size_t calls[16] = {0,   1,    2,    3,    7,    9,     16,    17,
				 100, 1000, 1460, 4096, 5000, 16384, 20000, 40000};
static const char *const methods[] = {"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE"};
static const int statuses[16] = {200, 200, 204, 304, 404, 500, 103, 100,
				 101, 421, 200, 503, 99,  206, 599, 301};
static const uint32_t values[16] = {0,        1,         2,        3,         10,    100,
				    128,      1000,      16384,    65535,     65536, 100000,
				    1u << 24, INT32_MAX, 1u << 31, UINT32_MAX};

static unsigned
take(struct script *s)
{
	if (s->left == 0)
		return 0;
	s->left--;
	return *s->at++;
}

static unsigned
take_digit(struct script *s)
{
	return take(s) & 15;
}

static unsigned
take_client(struct script *s)
{
	return take_digit(s) % GATE_CLIENTS;
}

/* NULL: none came. */
static struct h2_asked *
take_asked(struct script *s)
{
	size_t age = take_digit(s);
	size_t count = h2_peers.asked_count;
	return count > 0 ? h2_asked(count - 1 - age % count) : NULL;
}

/* NULL: it has none that is open. */
static struct h2_peer *
take_peer(struct script *s)
{
	return h2_peer(take_digit(s) % 2);
}

static void
ask(struct script *s)
{
	unsigned client = take_client(s);
	const char *method = methods[take_digit(s) % COUNT(methods)];
	size_t bytes = sizes[take_digit(s)];
	if (!s->stopped)
		(void)h2_ask(client, method, bytes);
}

static void
say_head(struct script *s, struct h2_asked *a)
{
	static const char *const fields[] = {NULL, "x-a: b\n", "set-cookie: SID=1\n",
					     "holdfast-pass: 1\n"};
	int status = statuses[take_digit(s)];
	unsigned flags = take(s);
	char length[40];
	(void)snprintf(length, sizeof(length), "content-length: %zu\n", sizes[flags >> 4 & 15]);
	if (a != NULL)
		h2_head(a, status, (flags & 1) != 0 ? NGHTTP2_FLAG_END_STREAM : 0,
			(flags & 2) != 0 ? length : fields[flags >> 2 & 3]);
}

/* Of a stream that is over it is no part of the answer. */
static void
say_data(struct script *s, struct h2_asked *a)
{
	static const char zeros[16];
	size_t bytes = sizes[take_digit(s)];
	uint8_t flags = (take(s) & 1) != 0 ? NGHTTP2_FLAG_END_STREAM : 0;
	if (a != NULL && !a->said_all && !a->over && a->answered)
		h2_data(a, bytes, flags);
	else if (a != NULL)
		h2_frame(a->peer, NGHTTP2_DATA, flags, a->id, zeros, bytes % sizeof(zeros));
}

/* A length, then so many bytes. */
static struct slice
take_bytes(struct script *s)
{
	size_t bytes = take(s);
	struct slice raw = {(const char *)s->at, bytes < s->left ? bytes : s->left};
	s->at += raw.bytes;
	s->left -= raw.bytes;
	return raw;
}

static void
say_frame(struct script *s)
{
	struct h2_peer *p = take_peer(s);
	uint8_t type = (uint8_t)take(s);
	uint8_t flags = (uint8_t)take(s);
	const struct h2_asked *a = take_asked(s);
	struct slice payload = take_bytes(s);
	if (p == NULL)
		return;
	p->raw = true;
	h2_frame(p, type, flags, a != NULL && a->peer == p ? a->id : 0, payload.at, payload.bytes);
}

static void
move_stream(struct script *s, char what)
{
	struct h2_asked *a = take_asked(s);
	switch (what) {
	case 'h':
		say_head(s, a);
		return;
	case 'd':
		say_data(s, a);
		return;
	case 't':
		if (a != NULL && !a->over && !a->said_all)
			h2_trailers(a, "x-sum: 1\n");
		return;
	case 'x': {
		uint32_t code = take_digit(s);
		if (a != NULL)
			h2_reset(a, code);
		return;
	}
	case 'w': {
		uint32_t bytes = values[take_digit(s)];
		if (a != NULL)
			h2_window(a->peer, a->id, bytes);
		return;
	}
	default:
		if (a != NULL && !a->answered && !a->over)
			h2_answer(a, 1 + a->number * 100);
		return;
	}
}

static void
move_connection(struct script *s, char what)
{
	struct h2_peer *p = take_peer(s);
	struct slice raw;
	uint32_t value;
	const struct h2_asked *a;
	switch (what) {
	case 'g':
		a = take_asked(s);
		value = take_digit(s);
		if (p != NULL)
			h2_goaway(p, a != NULL ? a->id : 0, value);
		return;
	case 's':
		value = take_digit(s);
		if (p != NULL)
			h2_settings(p, (uint16_t)value, values[take_digit(s)]);
		return;
	case 'W':
		value = values[take_digit(s)];
		if (p != NULL)
			h2_window(p, 0, value);
		return;
	case 'b':
		raw = take_bytes(s);
		if (p != NULL)
			h2_peer_raw(p, raw.at, raw.bytes);
		return;
	case 'G':
		if (p != NULL && !p->settled)
			h2_greet(p);
		return;
	default:
		if (p != NULL)
			h2_peer_close(p, take_digit(s) % 2 == 1);
		return;
	}
}

static void
change_world(struct script *s, char what)
{
	unsigned first = take_digit(s);
	switch (what) {
	case 'l':
		gate_leave(first % GATE_CLIENTS, take_digit(s) % 2 == 1);
		break;
	case 'k':
		gate.client[first % GATE_CLIENTS].reads = take_digit(s) % 2 == 1;
		break;
	case 'D':
		h2_peers.deaf[first % 2] = take_digit(s) % 2 == 1;
		break;
	case 'i':
		h2_peers.silent = first % 2 == 1;
		break;
	case 'T':
		gate_wait(times_ms[first]);
		break;
	case 'r':
		mem_net.read_max = calls[first];
		mem_net.write_max = calls[take_digit(s)];
		gate.drips |= mem_net.read_max != 0;
		break;
	case 'n':
		gate.short_of = true;
		alloc_fail_at(first, take_digit(s) % 2 == 1);
		break;
	case 'e':
		gate_tell(first % 2, (enum gate_news)(take_digit(s) % GATE_NEWS));
		break;
	default:
		s->stopped = true;
		gate_stop(first % 2 == 1);
		break;
	}
}

static void
act(struct script *s, char what)
{
	if (what == '\0')
		return;
	if (what == 'a')
		ask(s);
	else if (what == 'f')
		say_frame(s);
	else if (strchr("hdtxwz", what) != NULL)
		move_stream(s, what);
	else if (strchr("gsWbGc", what) != NULL)
		move_connection(s, what);
	else if (strchr("lkDiTrneS", what) != NULL)
		change_world(s, what);
	else
		return;
	s->events++;
	gate_run();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct script s = {.at = data, .left = bytes};
	CHECK(h2_begin());
	while (s.left > 0 && s.events < EVENTS_MAX)
		act(&s, (char)take(&s));
	h2_end();
	return 0;
}
