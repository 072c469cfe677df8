/*
 * question.h: who asks for the master, and waits: workers by letters (relay/question.h), the
 * admin interface, the name server. On the control thread.
 */
#ifndef HOLDFAST_NODE_QUESTION_H
#define HOLDFAST_NODE_QUESTION_H

#include "admin/face.h"
#include "base/rates.h"
#include "cluster/question.h"
#include "node/cluster.h"

#define QUESTIONS_POSTED_MAX  1024 /* letters of workers that were not read yet */
#define QUESTIONS_WAITING_MAX 1024 /* for the answer of one search */
#define QUESTIONS_A_WAKEUP    64   /* then heartbeats have their turn */

struct node_questions;

/* The mailbox for workers is in n->shared from here on. Before the workers. */
enum result node_questions_start(struct node *n, struct problem *p);
/* The workers have ended. *q may be NULL. */
void node_questions_stop(struct node_questions **q);
/* A search is over: all who wait are answered. */
void node_questions_answer(struct node_questions *q);
/* As admin_face's. */
bool node_questions_admin(struct node_questions *q, struct slice query, struct admin_later *later,
			  struct admin_answer *out);

struct node_questions_counts {
	uint64_t asked;
	uint64_t refused; /* above the rate, or too many wait */
	uint64_t waiting;
};
struct node_questions_counts node_questions_counted(const struct node_questions *q);

#endif
