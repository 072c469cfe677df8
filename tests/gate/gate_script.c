/*
 * gate_script.c: bytes as a script for the gate. One letter says what happens, the bytes behind it
 * to whom and how (their low four bits count, so '0' to '9' and 'a'.. mean what they look like);
 * anything else is skipped, so that every input is a script. M stands for a member, C for a client.
 *
 *   o C                 opens a connection
 *   q C method framing size key flags     asks (the table below), sends nothing yet
 *   p C bytes           sends of what it asked; '?' all
 *   g C                 the same as: q C 0 0 0 C 0, p C ?
 *   w C length ...      sends these bytes
 *   h C  c C  r C       half-closes, closes, resets
 *   d C on              reads, or does not
 *   m M connect way     how connections to the member end, what it does by itself
 *   a M status framing size flags         answers the oldest request that has no answer
 *   P M bytes           sends of what it answered and held back
 *   W M length ...      sends these bytes, whatever was asked
 *   u M                 sends a whole answer that nobody asked for
 *   U M C               the same, while the client sends what it asked: the loop sees both at once
 *   C M  R M            closes, resets its latest connection
 *   D M on              reads, or does not
 *   e M news            goes down, up; is ordered to drain, to maint, to neither
 *   t time              time passes
 *   l read write        bytes that one call takes at most
 *   b on                events come in the other order
 *   f number on         an allocation fails; `on`: all behind it as well
 *   n on                there are no descriptors
 *   L                   reloads
 *   S hard              stops
 */
#include "gate/gate.h"

#include "gate/alloc.h"

struct script {
	const uint8_t *at;
	size_t left;
	unsigned events;
};

#define EVENTS_MAX    400 /* of one script */
#define SLOW_STEPS    32  /* longest wait */
#define TOTAL_WAIT_MS 600000

static const size_t sizes[16] = {0,     1,     2,     10,    100,   1000,  4096,   16383,
				 16384, 16385, 20480, 40000, 65536, 65537, 100000, 150001};
static const uint64_t times_ms[16] = {1,    10,   50,   100,  500,  990,  1000,  1500,
				      2000, 2100, 3000, 4000, 5000, 6000, 10000, 20000};
static const size_t calls[16] = {0,    1,    2,    3,    7,     16,    17,    100,
				 1000, 1460, 4096, 5000, 16384, 20000, 40000, 65535};
static const char *const methods[16] = {"GET",   "HEAD",  "POST", "PUT",  "DELETE", "OPTIONS",
					"PATCH", "TRACE", "GET",  "POST", "POST",   "PUT",
					"GET",   "POST",  "GET",  "HEAD"};
static const int statuses[16] = {200, 204, 304, 404, 500, 201, 206, 301,
				 503, 421, 200, 200, 200, 200, 599, 200};

static unsigned
take_byte(struct script *s)
{
	if (s->left == 0)
		return 0;
	s->left--;
	return *s->at++;
}

static unsigned
take_digit(struct script *s)
{
	return take_byte(s) & 15;
}

static unsigned
take_client(struct script *s)
{
	return take_digit(s) % GATE_CLIENTS;
}

static unsigned
take_member(struct script *s)
{
	return take_digit(s) % GATE_MEMBERS;
}

static size_t
take_bytes(struct script *s)
{
	unsigned byte = take_byte(s);
	return byte == '?' ? SIZE_MAX : sizes[byte & 15];
}

/* Two digits of a length, then so many bytes. */
static struct wire_text
take_raw(struct script *s)
{
	size_t bytes = take_byte(s);
	struct wire_text raw = {(const char *)s->at, bytes < s->left ? bytes : s->left};
	s->at += raw.bytes;
	s->left -= raw.bytes;
	return raw;
}

static void
ask(struct script *s)
{
	unsigned client = take_client(s);
	unsigned method = take_digit(s);
	unsigned framing = take_digit(s);
	size_t bytes = sizes[take_digit(s)];
	unsigned key = take_digit(s);
	unsigned flags = take_digit(s);
	static const enum wire_framing framings[] = {WIRE_NO_BODY, WIRE_LENGTH, WIRE_CHUNKED,
						     WIRE_CHUNKED};
	struct gate_ask a = {
	    .method = methods[method],
	    .minor = framing / 4 % 2 == 0,
	    .framing = framings[framing % 4],
	    .body_bytes = bytes,
	    .chunk_bytes = framing % 4 == 3 ? 1 + bytes / 5 : 0,
	    .key = key == 15 ? -1 : (int)key,
	    .tag = (flags & 1) != 0,
	    .expect = (flags & 2) != 0,
	    .close = (flags & 4) != 0,
	    .upgrade = (flags & 8) != 0,
	    .other_service = framing / 8 != 0,
	};
	if (a.minor == 0 && a.framing == WIRE_CHUNKED)
		a.framing = WIRE_LENGTH;
	gate_ask(client, &a);
}

static void
ask_plainly(unsigned client)
{
	struct gate_ask a = {.method = "GET", .minor = 1, .key = (int)client};
	gate_ask(client, &a);
	gate_push(client, SIZE_MAX);
}

static void
answer(struct script *s)
{
	struct gate_server *server = gate_asked(take_member(s));
	int status = statuses[take_digit(s)];
	unsigned framing = take_digit(s);
	size_t bytes = sizes[take_digit(s)];
	unsigned flags = take_digit(s);
	static const enum wire_framing framings[] = {WIRE_LENGTH, WIRE_CHUNKED, WIRE_TO_THE_END,
						     WIRE_CHUNKED};
	if (server == NULL)
		return;
	struct gate_reply reply = {
	    .status = status,
	    .framing = framings[framing % 4],
	    .body_bytes = bytes,
	    .minor = framing / 4 % 2 == 0,
	    .interim = (flags & 1) != 0,
	    .close = (flags & 2) != 0,
	    .trailers = (flags & 4) != 0,
	    .held = (flags & 8) != 0,
	    .pass = status == 421,
	};
	gate_reply(server, &reply);
}

static void
set_member(struct script *s)
{
	struct gate_member *m = &gate.member[take_member(s)];
	m->connect = (enum mem_connect)(take_digit(s) % (MEM_NO_PORT + 1));
	m->way = (enum gate_way)(take_digit(s) % GATE_WAYS);
	gate.short_of |= m->connect == MEM_NO_PORT;
}

static void
move_connection(struct script *s, char what)
{
	struct gate_server *server = gate_connection(take_member(s));
	if (what == 'W') {
		struct wire_text raw = take_raw(s);
		if (server != NULL)
			gate_server_raw(server, raw.at, raw.bytes);
		return;
	}
	size_t bytes = what == 'P' ? take_bytes(s) : 0;
	unsigned client = what == 'U' ? take_client(s) : 0;
	if (server == NULL)
		return;
	if (what == 'P')
		gate_server_push(server, bytes);
	else if (what == 'u')
		gate_server_volunteer(server, NULL);
	else if (what == 'U')
		gate_server_volunteer(server, &gate.client[client]);
	else
		gate_server_close(server, what == 'R');
}

static void
move_client(struct script *s, char what)
{
	unsigned client = take_client(s);
	struct gate_client *c = &gate.client[client];
	struct wire_text raw;
	switch (what) {
	case 'o':
		gate_open(client);
		break;
	case 'p':
		gate_push(client, take_bytes(s));
		break;
	case 'g':
		ask_plainly(client);
		break;
	case 'w':
		raw = take_raw(s);
		gate_raw(client, raw.at, raw.bytes);
		break;
	case 'h':
		if (c->end != NULL)
			mem_half_close(c->end);
		break;
	case 'd':
		c->reads = take_digit(s) % 2 == 1;
		break;
	default:
		gate_leave(client, what == 'r');
		break;
	}
}

static void
change_world(struct script *s, char what)
{
	unsigned first = take_digit(s);
	unsigned second = what == 'l' || what == 'f' || what == 'e' ? take_digit(s) : 0;
	switch (what) {
	case 't':
		gate_wait(times_ms[first]);
		break;
	case 'l':
		mem_net.read_max = calls[first];
		mem_net.write_max = calls[second];
		gate.drips |= mem_net.read_max != 0;
		break;
	case 'b':
		mem_net.backwards = first % 2 == 1;
		break;
	case 'f':
		gate.short_of = true;
		alloc_fail_at(first, second % 2 == 1);
		break;
	case 'n':
		gate.short_of = true;
		mem_net.no_descriptors = first % 2 == 1;
		break;
	case 'e':
		gate_tell(first % GATE_MEMBERS, (enum gate_news)(second % GATE_NEWS));
		break;
	default:
		gate_stop(first % 2 == 1);
		break;
	}
}

static void
act(struct script *s, char what)
{
	switch (what) {
	case 'q':
		ask(s);
		break;
	case 'm':
		set_member(s);
		break;
	case 'a':
		answer(s);
		break;
	case 'D': {
		struct gate_member *m = &gate.member[take_member(s)];
		m->reads = take_digit(s) % 2 == 1;
		break;
	}
	case 'L':
		(void)gate_reload();
		break;
	case 'P':
	case 'W':
	case 'C':
	case 'R':
	case 'u':
	case 'U':
		move_connection(s, what);
		break;
	case 'o':
	case 'p':
	case 'g':
	case 'w':
	case 'h':
	case 'd':
	case 'c':
	case 'r':
		move_client(s, what);
		break;
	case 't':
	case 'l':
	case 'b':
	case 'f':
	case 'n':
	case 'e':
	case 'S':
		change_world(s, what);
		break;
	default:
		return;
	}
	s->events++;
	gate_run();
}

void
gate_act(const uint8_t *script, size_t bytes)
{
	struct script s = {.at = script, .left = bytes};
	while (s.left > 0 && s.events < EVENTS_MAX)
		act(&s, (char)take_byte(&s));
}

void
gate_play(const uint8_t *script, size_t bytes)
{
	CHECK(gate_begin());
	gate_act(script, bytes);
	gate_end();
}
