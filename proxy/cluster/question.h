/*
 * question.h: the client's question as HTTP has it: GET /v1/master (US 9,667,750; cluster/ask.h is
 * the machine behind it).
 *
 *   ?dead=ID    the client found that master dead        ?term=N  the highest term it was told
 *   ?follow=1   307 to the master instead of an answer about it; never to a lower term
 *
 *   200 {"cluster","master":{"id","url","http"},"term","epoch","valid_for_ms","how","by",
 *        "members":[{"id","url","http","rank","voter"}],"longest_wait_ms"}
 *   503 the same with "master":null and "reason", and Retry-After
 *   how: "cached" or "elected"; null when there is none. by: the node that answers.
 *
 * Pure.
 */
#ifndef HOLDFAST_CLUSTER_QUESTION_H
#define HOLDFAST_CLUSTER_QUESTION_H

#include "base/grow.h"
#include "base/text.h"
#include "cluster/plane.h"
#include "config/config.h"

#define QUESTION_PATH             "/v1/master"
#define QUESTION_BYTES_MAX        256 /* of the query; more is refused */
#define QUESTION_FIELDS_BYTES_MAX 256
#define QUESTION_BODY_BYTES_MAX   ((size_t)64 * 1024)

struct question {
	struct ask_question ask;
	bool follow;
};

/* `query`: without '?'. RESULT_INVALID: a node that is none, or no number. Other keys are ignored.
 */
enum result question_parse(struct slice query, const struct cluster_nodes *nodes,
			   struct question *out, struct problem *p);

/* A whole answer; JSON. */
struct question_reply {
	uint16_t status;
	char fields[QUESTION_FIELDS_BYTES_MAX]; /* whole lines: Retry-After, Location; terminated */
	struct grow body;                       /* owned */
};
void question_reply_deinit(struct question_reply *reply);

/* `nodes`: for their HTTP addresses; by id. body.failed: no memory. */
void question_reply(const struct plane *plane, const struct config_cluster *nodes,
		    const struct question *question, const struct ask_answer *answer,
		    struct question_reply *out);
/* {"error": text} */
void question_refuse(struct question_reply *out, uint16_t status, uint32_t retry_after_s,
		     const char *text);

#endif
