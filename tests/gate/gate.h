/*
 * gate.h: one worker of Holdfast between clients and members that a script moves, in the
 * network of net.h. Whatever the script does, this must hold (gate_end checks it, and
 * members check each request as it comes):
 *
 *   - members get strict HTTP, one request after another, never two at once; a request
 *     that is not idempotent reaches one member connection at most;
 *   - clients get strict HTTP: one final answer a request, in order, each the answer that
 *     a member gave to that very request (or one of Holdfast's own); a whole answer has
 *     all its bytes and no others, one that ended short never looks whole;
 *   - the loop never spins, buffers are bounded, and when time has passed nothing is left:
 *     no exchange, no connection, no buffer, no descriptor.
 *
 * Requests are /r<number>.<what nobody else writes>, answers carry X-Answer: <number>,
 * bodies are gate_pattern of these numbers: so the checks need not know the script.
 */
#ifndef HOLDFAST_TESTS_GATE_GATE_H
#define HOLDFAST_TESTS_GATE_GATE_H

#include "gate/net.h"
#include "gate/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_CLIENTS      4
#define GATE_MEMBERS      3
#define GATE_PORT         9001 /* of member 0 */
#define GATE_REQUESTS_MAX 128  /* of one script */
#define GATE_ANSWERS_MAX  512
#define GATE_SERVERS_MAX  64 /* connections to members at one time */
#define GATE_ASKED_MAX    40 /* requests on one client connection */

struct gate_bytes {
	char *at; /* owned */
	size_t bytes;
	size_t room;
	size_t done; /* of what is to be sent: already was */
};

/* One request that a client was told to send. */
struct gate_request {
	const char *method;
	int minor;
	bool repeatable; /* idempotent */
	bool upgrade;
	size_t body_bytes;
	unsigned seen;    /* connections to members on which it began */
	unsigned passes;  /* members that said they did not process it */
	size_t begins_at; /* in its client's stream */
	size_t ends_at;
	bool tainted; /* its client sent bytes of another kind as well */
};

/* One final answer that a member was told to give. */
struct gate_answer {
	unsigned request; /* GATE_REQUESTS_MAX: to nobody */
	size_t body_bytes;
	bool cut; /* the member broke it off, visibly */
};

struct gate_client {
	struct mem_end *end; /* NULL: not open, or closed by the script */
	struct gate_bytes out;
	struct gate_bytes got;
	bool used;
	bool reads;
	bool tainted; /* sent bytes that are not the gate's own */
	bool left;    /* closed or reset by the script */
	bool ended;   /* the program closed */
	bool reset;
	unsigned asked[GATE_ASKED_MAX]; /* requests, in order */
	size_t asked_count;
	/* What a check found. */
	size_t answered; /* final answers */
	int status[GATE_ASKED_MAX];
	size_t body_bytes[GATE_ASKED_MAX];
	bool whole[GATE_ASKED_MAX];
};

enum gate_way {
	WAY_BY_HAND,   /* the script answers */
	WAY_PLAIN,     /* when the request is whole */
	WAY_EARLY,     /* when its head is there */
	WAY_INTERIM,   /* 100 and 103 first */
	WAY_CLOSING,   /* says close, and does */
	WAY_DYING,     /* closes behind its answer without a word of it */
	WAY_MUTE,      /* closes instead of an answer */
	WAY_RESETTING, /* resets instead of an answer */
	WAY_CUTTING,   /* closes in the middle of its answer */
	WAY_PASSING,   /* 421: another member holds the session */
	GATE_WAYS
};

struct gate_member {
	enum mem_connect connect;
	enum gate_way way;
	bool reads;
};

/* A member's side of one connection. */
struct gate_server {
	struct mem_end *end; /* NULL: the slot is free */
	unsigned member;
	struct gate_bytes got;
	struct gate_bytes out;
	bool begun;       /* a request has begun */
	unsigned request; /* its number; GATE_REQUESTS_MAX: none of ours */
	bool whole;       /* it is all there */
	bool head;        /* its head is */
	bool to_head;
	bool upgrade;
	size_t bytes;    /* of the whole request */
	size_t look_at;  /* bytes with which it is read again */
	bool answering;  /* a final answer is queued */
	unsigned answer; /* its number */
	size_t body_at;  /* where its body begins in `out` */
	bool to_the_end; /* its end is the close */
	bool tunnel;
	bool closing;   /* once `out` was sent */
	bool cutting;   /* likewise, though it was not */
	bool hard;      /* by a reset */
	size_t push;    /* bytes of `out` that may go; SIZE_MAX: all that comes */
	uint64_t began; /* order of beginnings */
};

struct gate {
	struct worker *worker;
	struct gate_client client[GATE_CLIENTS];
	struct gate_member member[GATE_MEMBERS];
	struct gate_server server[GATE_SERVERS_MAX];
	struct gate_request request[GATE_REQUESTS_MAX];
	unsigned request_count;
	struct gate_answer answer[GATE_ANSWERS_MAX];
	unsigned answer_count;
	uint64_t beginnings;
	bool strange;   /* some member sent bytes that are not the gate's own */
	bool drips;     /* calls took only a part of what was there */
	bool short_of;  /* something was taken away: memory, descriptors, time */
	unsigned turns; /* of the configuration: reloads */
	bool settled;
	void (*seen)(const struct wire_message *m); /* told of each whole request; may be NULL */
	void (*turned)(void); /* members of another kind (h2_peer.h); may be NULL */
	/* Of a final answer at its client; may be NULL. */
	void (*judge)(const struct wire_message *m, unsigned request, bool to_head, bool whole);
};
extern struct gate gate;

/* The path of request `number`. */
#define GATE_TARGET_BYTES 24
void gate_target(unsigned number, char out[GATE_TARGET_BYTES]);
char gate_pattern(unsigned number, size_t at);
void gate_put(struct gate_bytes *b, const char *at, size_t bytes);

/* Builds the worker. False: no memory (alloc.h); then there is nothing to end. */
bool gate_begin(void);
/* With another configuration than CONF. */
bool gate_begin_with(const char *conf);
/* Lets everybody end well and checks all. */
void gate_settle(void);
/* The same, unless it was done, and frees all. */
void gate_end(void);
/* The same worker, the other configuration. False: no memory, it goes on as it was. */
bool gate_reload(void);
/* Everybody moves until nothing does. */
void gate_run(void);
void gate_wait(uint64_t ms);
/* A member goes down or up by checks, or is ordered to drain, to maint, to neither. */
enum gate_news { NEWS_DOWN, NEWS_UP, NEWS_DRAIN, NEWS_MAINT, NEWS_NO_ORDER, GATE_NEWS };
void gate_tell(unsigned member, enum gate_news news);
/* No new requests, as with SIGTERM; or broken off, as with SIGQUIT. */
void gate_stop(bool hard);

/* ---- clients (gate_client.c) ---- */

struct gate_ask {
	const char *method;
	int minor;
	enum wire_framing framing; /* WIRE_NO_BODY, WIRE_LENGTH, WIRE_CHUNKED */
	size_t body_bytes;
	size_t chunk_bytes; /* 0: one chunk */
	int key;            /* X-Key; -1: none */
	bool tag;           /* the cookie that came last */
	bool expect;
	bool close;
	bool upgrade;
	bool other_service;
};
void gate_open(unsigned client);
void gate_ask(unsigned client, const struct gate_ask *ask);
void gate_push(unsigned client, size_t bytes);
void gate_raw(unsigned client, const char *at, size_t bytes);
/* Closes or resets from the client's side, and checks what it got. */
void gate_leave(unsigned client, bool hard);
void gate_client_turn(struct gate_client *c);
/* Checks what came so far; fills answered, status, ... */
void gate_client_check(struct gate_client *c);
void gate_client_free(struct gate_client *c);

/* ---- members (gate_server.c) ---- */

struct gate_reply {
	int status;
	enum wire_framing framing; /* WIRE_LENGTH, WIRE_CHUNKED, WIRE_TO_THE_END */
	size_t body_bytes;
	int minor;
	bool interim;
	bool close;
	bool trailers;
	bool pass; /* Holdfast-Pass: 1 */
	bool held; /* nothing is sent before gate_server_push */
};
/* The connection of the member whose request began first and has no answer; NULL: none. */
struct gate_server *gate_asked(unsigned member);
/* Any connection of the member, the latest. NULL: none. */
struct gate_server *gate_connection(unsigned member);
void gate_reply(struct gate_server *s, const struct gate_reply *reply);
void gate_server_push(struct gate_server *s, size_t bytes);
void gate_server_raw(struct gate_server *s, const char *at, size_t bytes);
/*
 * A whole answer that nobody asked for; on a connection that rests, or behind an answer. `at_once`:
 * this client sends what it has at the same time; may be NULL.
 */
void gate_server_volunteer(struct gate_server *s, struct gate_client *at_once);
void gate_server_close(struct gate_server *s, bool hard);
void gate_server_turn(struct gate_server *s);
void gate_accepted(uint16_t port, struct mem_end *end);
enum mem_connect gate_connects(uint16_t port);

/* ---- scripts (gate_script.c) ---- */

/* gate_begin, all that the script says, gate_end. Any bytes are a script. */
void gate_play(const uint8_t *script, size_t bytes);
/* The middle part alone. */
void gate_act(const uint8_t *script, size_t bytes);

#endif
