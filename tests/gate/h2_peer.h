/*
 * h2_peer.h: members of the gate that speak HTTP/2: nghttp2 as a server reads what they get, and
 * what they say is said frame by frame, as it should be or not.
 *
 * Each request that comes must be one that a client of the gate asked: its body gate_pattern of its
 * number; and one that is not idempotent comes once, and once more for each time that a member said
 * it did not process it. Each answer carries X-Token, which nobody else writes: at the client it
 * stands with the request that it was given to, and its body is the answer's own, whole if it looks
 * so (h2_peer_raw: of a connection that said bytes of any kind it is enough that it had that
 * request).
 */
#ifndef HOLDFAST_TESTS_GATE_H2_PEER_H
#define HOLDFAST_TESTS_GATE_H2_PEER_H

#include "gate/gate.h"

#include <nghttp2/nghttp2.h>

#define H2_PEERS_MAX    1024 /* connections of one script */
#define H2_ASKED_MAX    1024 /* requests that came */
#define H2_SETTINGS_MAX 4
#define H2_CONF         "tests/gate/gate_h2.conf"

struct h2_asked;

/* A member's side of one connection. */
struct h2_peer {
	struct mem_end *end; /* NULL: it is closed */
	nghttp2_session *session;
	unsigned member;
	struct gate_bytes in;
	struct gate_bytes out;
	bool greeted;  /* the preface came */
	bool settled;  /* its SETTINGS were said */
	unsigned acks; /* of SETTINGS, that came */
	bool raw;      /* it said bytes that are not of this file */
	bool goaway;   /* came */
	int32_t last;  /* of the GOAWAY that it said; INT32_MAX: none */
	size_t asked_count;
};

/* A request that came. */
struct h2_asked {
	struct h2_peer *peer;
	int32_t id;
	unsigned number; /* GATE_REQUESTS_MAX: none of ours */
	bool ended;      /* it is whole */
	bool over;       /* the stream is */
	bool refused;    /* and the member said that it did not process it */
	uint32_t code;   /* of the RST_STREAM that came */
	bool was_reset;  /* one came */
	bool answered;   /* h2_head: a final head */
	size_t body_bytes;
	size_t trailers;
	char head[2048]; /* "name: value\n", as it came */
	size_t head_bytes;
	char token[24];
	size_t said;       /* bytes of the answer's body */
	bool said_all;     /* and its end */
	int64_t announced; /* its Content-Length; -1: none */
};

struct h2_peers {
	size_t peer_count;
	size_t asked_count;
	nghttp2_settings_entry settings[H2_SETTINGS_MAX]; /* of connections from now on */
	size_t setting_count;
	bool silent;             /* these say nothing by themselves */
	bool deaf[GATE_MEMBERS]; /* read nothing */
	bool answers;            /* requests that are whole are answered at once */
	struct h2_peer
	    peer[H2_PEERS_MAX]; /* these and the next last: only what is used is ever set */
	struct h2_asked asked[H2_ASKED_MAX];
};
extern struct h2_peers h2_peers;

/* gate_begin with members of HTTP/2. */
bool h2_begin(void);
/* gate_end, and all of here is freed. */
void h2_end(void);
/* The member's latest connection that is open; NULL: none. */
struct h2_peer *h2_peer(unsigned member);
/* The `n`-th request that came, from 0; it is there. */
struct h2_asked *h2_asked(size_t n);

/* A client asks, all at once. The request's number. */
unsigned h2_ask(unsigned client, const char *method, size_t body_bytes);

/* Its SETTINGS, of a connection that began silent. */
void h2_greet(struct h2_peer *p);
/* Frames. What is said waits for the next round of the loop. */
void h2_frame(struct h2_peer *p, uint8_t type, uint8_t flags, int32_t id, const void *payload,
	      size_t bytes);
void h2_peer_raw(struct h2_peer *p, const void *at, size_t bytes);
/* `fields`: "name: value\n" lines or NULL. A final head has a token. */
void h2_head(struct h2_asked *a, int status, uint8_t flags, const char *fields);
void h2_trailers(struct h2_asked *a, const char *fields);
/* So many bytes more of its answer. */
void h2_data(struct h2_asked *a, size_t bytes, uint8_t flags);
void h2_reset(struct h2_asked *a, uint32_t code);
void h2_goaway(struct h2_peer *p, int32_t last, uint32_t code);
void h2_settings(struct h2_peer *p, uint16_t id, uint32_t value);
void h2_window(struct h2_peer *p, int32_t id, uint32_t bytes);
/* 200, a body of so many bytes, and the end. */
void h2_answer(struct h2_asked *a, size_t bytes);
void h2_peer_close(struct h2_peer *p, bool hard);

#endif
