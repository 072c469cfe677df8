/*
 * answers.h: from a request's head to the whole answer; the table of routes carried out. Pure but
 * for what it asks of the node.
 */
#ifndef HOLDFAST_ADMIN_ANSWERS_H
#define HOLDFAST_ADMIN_ANSWERS_H

#include "admin/face.h"
#include "http/head.h"

#define ADMIN_ANSWER_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define ADMIN_FIELDS_BYTES_MAX 512
#define ADMIN_WAIT_MS_MAX      60000

struct admin_answer {
	uint16_t status;
	const char *type;                    /* Content-Type; static */
	struct grow body;                    /* owned */
	char fields[ADMIN_FIELDS_BYTES_MAX]; /* whole lines that this answer has more, terminated */
	bool follow;                         /* events follow, without an end */
	char role[ID_BYTES_MAX + 1];         /* with follow: of this role; "": the log's lines */
	uint32_t wait_ms;                    /* not 0: asked for again, it may be another one */
	bool head_only;                      /* nothing follows, not even a body: a HEAD */
	bool later; /* it comes by `later` of admin_answer; only head_only is set beside */
};

/*
 * `peer`: who asks, for the process log. *out is zeroed before, here and for admin_refuse, and
 * freed with admin_answer_deinit behind. `later`: for answers that come later; it outlives them, or
 * its cancel is called.
 */
void admin_answer(const struct admin_face *face, const struct http_head *head, const char *peer,
		  struct admin_later *later, struct admin_answer *out);
/* Whatever was there goes: an empty answer of that status and type, to be filled. */
void admin_answer_begin(struct admin_answer *out, uint16_t status, const char *type);
/* The answer to a change; `why` may be empty. */
void admin_answer_change(struct admin_answer *out, enum epoch_outcome outcome, uint64_t epoch,
			 const char *why);
/* What could not even be understood: {"error": text}. */
void admin_refuse(struct admin_answer *out, uint16_t status, const char *text);
void admin_answer_deinit(struct admin_answer *answer);

/* What a follower of a role was told last. Zeroed: nothing. */
struct admin_role_seen {
	bool told;
	bool held;
	uint64_t term;
	char holder[ADMIN_HOLDER_BYTES];
};

/*
 * A server-sent event with the role as it is now, when that is something else than was told last:
 * so what changes while a follower does not read is not kept for it. False: nothing is to be told.
 */
bool admin_role_event(const struct admin_face *face, const char *role, struct admin_role_seen *seen,
		      struct grow *out);

#endif
