/*
 * asked.h: one request on its way to its answer, for the files of answers (answers.c,
 * answers_roles.c) alone.
 */
#ifndef HOLDFAST_ADMIN_ASKED_H
#define HOLDFAST_ADMIN_ASKED_H

#include "admin/answers.h"
#include "admin/routes.h"

#define JSON_TYPE   "application/json"
#define EVENTS_TYPE "text/event-stream"

struct asked {
	const struct admin_face *face;
	const struct admin_ask *ask;
	const char *peer;
	struct admin_later *later;
	struct admin_answer *out;
};

/* A value of the query into `room`; none: empty. False: the answer is a refusal. */
bool asked_slice(const struct asked *a, const char *name, char *room, size_t bytes,
		 struct slice *out);
/* The same, terminated; NULL: none. A 0 byte in it is no name of anything. */
bool asked_text(const struct asked *a, const char *name, char *room, size_t bytes,
		const char **out);
/* "brief=1": yes. */
bool asked_flag(const struct asked *a, const char *name, bool *out);

/* Routes of answers_roles.c. */
void answer_role(const struct asked *a);
void answer_role_acquire(const struct asked *a);
void answer_role_renew(const struct asked *a);
void answer_role_release(const struct asked *a);

#endif
