/*
 * node_client.h: asks a running node's admin interface, one question after another on one
 * connection. Blocks, within bounds: of time for each question, of bytes for each answer.
 */
#ifndef HOLDFAST_CLI_NODE_CLIENT_H
#define HOLDFAST_CLI_NODE_CLIENT_H

#include "base/text.h"
#include "result.h"

#include <jansson.h>

#define NODE_ASK_MS           10000 /* a question, from connecting to the answer's last byte */
#define NODE_INTERRUPTED      "interrupted"
#define NODE_ANSWER_BYTES_MAX ((size_t)128 * 1024 * 1024)
#define NODE_NAME_BYTES_MAX   262 /* "name:port" */

struct node_client;

/*
 * `where`: "address:port", or a name instead of the address. `token`: NULL: none. Both are copied;
 * nothing is asked yet. RESULT_INVALID: neither; RESULT_NOT_FOUND: no such name.
 */
enum result node_client_create(const char *where, const char *token, struct node_client **out,
			       struct problem *p);
void node_client_free(struct node_client **c); /* NULL is allowed */
/*
 * From here on a question takes `limit_ms` at most, and is given up as soon as `fd` is readable
 * (RESULT_LIMIT, "interrupted"): for who has something else to attend to. fd -1: none.
 */
void node_client_attend(struct node_client *c, int fd, uint64_t limit_ms);
/* As it was told. */
const char *node_client_name(const struct node_client *c);

struct node_answer {
	int status;
	json_t *json; /* owned */
};
/*
 * RESULT_IO: no answer, or one that is not Holdfast's; the problem begins with the node. Any status
 * is an answer: node_answer_check says what it means.
 */
enum result node_client_ask(struct node_client *c, const char *method, const char *target,
			    struct node_answer *out, struct problem *p);
/* The same for an answer that is no JSON: *body lives until the next question. GET alone. */
enum result node_client_read(struct node_client *c, const char *target, int *status,
			     struct slice *body, struct problem *p);
void node_answer_deinit(struct node_answer *a);
/* RESULT_OK: 200. Else the problem is what the node said. */
enum result node_answer_check(const struct node_client *c, const struct node_answer *a,
			      struct problem *p);

#endif
