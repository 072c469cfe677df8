/*
 * question.h: a client's question for the master (cluster/question.h) on a traffic listener: it
 * goes from the worker to the control thread as a letter, and comes back as one. The worker waits
 * for nothing; a client that leaves meanwhile is forgotten, and the letter freed when it is back.
 */
#ifndef HOLDFAST_RELAY_QUESTION_H
#define HOLDFAST_RELAY_QUESTION_H

#include "base/addr.h"
#include "base/mailbox.h"
#include "base/text.h"

#include <stdint.h>

#define QUESTION_QUERY_BYTES_MAX 256

struct exchange;
struct worker;

struct question_letter {
	struct letter letter;      /* first; to the control thread, then back */
	struct mailbox *back;      /* borrowed; the worker's */
	struct exchange *exchange; /* the worker's affair; NULL: the client left */
	struct addr client;
	char query[QUESTION_QUERY_BYTES_MAX];
	size_t query_bytes;
	/* The answer; by the control thread. */
	uint16_t status;
	char *fields; /* owned; whole lines, terminated */
	char *body;   /* owned */
	size_t body_bytes;
};

/* Is x the question? True: it was taken, and may be over. Only with a cluster. */
bool question_enter(struct exchange *x);
/* The client left. */
void question_forget(struct exchange *x);
/* By the control thread: the answer is in *a, which is the worker's again. */
void question_send_back(struct question_letter *a);
void question_free(struct letter *letter);

#endif
