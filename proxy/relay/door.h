/*
 * door.h: what an exchange needs of the side that the client stands on. HTTP/1.1
 * (edge/client.c) is one door; an exchange knows no connection behind it, so
 * that another door can speak another protocol.
 *
 * Answers are queued with respond/data/end and leave with flush; a door that
 * cannot take more sets `blocked` and calls exchange_on_client_drained when it
 * can. A door never frees itself inside one of these calls.
 */
#ifndef HOLDFAST_RELAY_DOOR_H
#define HOLDFAST_RELAY_DOOR_H

#include "http/cache.h"
#include "tls/facts.h"

struct door;

struct door_answer {
	const struct http_head *head; /* the member's; borrowed for the call */
	struct slice added;           /* whole lines */
	struct slice drop_field;      /* a field of the member's that is left out; may be empty */
	struct slice
	    tag_field; /* of the field that sets the tag: keep shared caches off; may be empty */
	const struct http_insert *inserts; /* into lines of the head; only with tag_field */
	size_t insert_count;
	bool interim; /* 1xx: another head follows */
	bool upgrade; /* 101: bytes in both directions follow */
	bool no_body; /* HEAD, 204, 304 */
	bool length_known;
	uint64_t length;
};

/* A whole answer of Holdfast's own. */
struct door_words {
	uint16_t status;
	struct slice added; /* whole lines; may be empty */
	struct slice type;
	struct slice body; /* DOOR_WORDS_BYTES_MAX at most */
};
#define DOOR_WORDS_BYTES_MAX 32768

struct door_ops {
	void (*respond)(struct door *d, const struct door_answer *answer);
	void (*data)(struct door *d, const char *at, size_t bytes);
	void (*end)(struct door *d, struct slice trailers); /* the answer is complete */
	void (*flush)(struct door *d);
	/* Holdfast's own answer by the cause's row; `detail` is static text. Complete with the
	 * call. */
	void (*refuse)(struct door *d, enum cause cause, uint16_t status, uint32_t retry_after_s);
	/* A document of Holdfast's own, of this media type. Complete with the call. */
	void (*give)(struct door *d, struct slice type, struct slice body);
	void (*say)(struct door *d, const struct door_words *words); /* complete with the call */
	void (*echo)(struct door *d);  /* TRACE or OPTIONS that ends here */
	void (*abort)(struct door *d); /* the answer cannot be completed: never a clean end */
	void (*want_body)(struct door *d, bool on);
	/* The exchange is over; the door may begin the next one. `x` is not to be used any more. */
	void (*done)(struct door *d);
	/* Bytes were written to `fd` beside the queue (splice): counts them; `more` did not fit. */
	void (*spliced)(struct door *d, uint64_t bytes, bool more);
};

struct door {
	const struct door_ops *ops;
	int fd;              /* borrowed, for splice */
	uint16_t status;     /* of the final answer, as sent; 0: none yet */
	bool blocked;        /* bytes wait that the client did not take yet */
	bool gone : 1;       /* the client is not there any more */
	bool bridges : 1;    /* a tunnel's handshake is its own: the answer to it is checked */
	bool spliceable : 1; /* plain socket: bodies of a known length may go by splice(2) */
	struct addr *peer;   /* borrowed */
	const struct tls_facts *tls; /* borrowed; NULL: plain */
	uint64_t sent;               /* body bytes of this answer handed to the client */
};

#endif
