/*
 * wire.h: a reader of HTTP/1 messages that shares nothing with proxy/http: what Holdfast
 * sends must be read by it without a doubt. Strict: whatever RFC 9112 lets a recipient
 * refuse is refused. It reads whole messages in memory, from the start each time.
 */
#ifndef HOLDFAST_TESTS_GATE_WIRE_H
#define HOLDFAST_TESTS_GATE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_FIELDS_MAX 300

struct wire_text {
	const char *at;
	size_t bytes;
};

struct wire_field {
	struct wire_text name;
	struct wire_text value;
};

enum wire_framing { WIRE_NO_BODY, WIRE_LENGTH, WIRE_CHUNKED, WIRE_TO_THE_END };

enum wire_outcome {
	WIRE_WHOLE,
	WIRE_PART, /* a good beginning */
	WIRE_BAD,  /* `why` says what is wrong */
};

struct wire_message {
	bool has_head; /* the fields below are known, in WIRE_PART as well */
	struct wire_text line;
	struct wire_text method; /* of a request */
	struct wire_text target;
	int status; /* of an answer */
	int minor;
	size_t field_count;
	enum wire_framing framing;
	uint64_t length;
	char *body; /* owned; without chunk framing, as much as has come */
	size_t body_bytes;
	size_t trailer_count;
	size_t bytes; /* of the whole message */
	const char *why;
	struct wire_field field[WIRE_FIELDS_MAX]; /* last: what is behind field_count is not set */
};

/*
 * `ended`: no more bytes will come, which is the end of a body that goes to the end.
 * Always to be freed with wire_free.
 */
enum wire_outcome wire_request(const char *at, size_t bytes, struct wire_message *m);
enum wire_outcome wire_answer(const char *at, size_t bytes, bool ended, bool to_head,
			      struct wire_message *m);
void wire_free(struct wire_message *m);

bool wire_is(struct wire_text text, const char *word);
bool wire_is_nocase(struct wire_text text, const char *word);
/* The first field of this name; NULL: none. */
const struct wire_field *wire_find(const struct wire_message *m, const char *name);
size_t wire_count(const struct wire_message *m, const char *name);
/* A field that is a number; -1: there is none. */
int64_t wire_number(const struct wire_message *m, const char *name);
/* Does a list field name this option? */
bool wire_lists(const struct wire_message *m, const char *name, const char *option);

#endif
