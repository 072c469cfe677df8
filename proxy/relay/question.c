/* question.c: see question.h. */
#include "relay/question.h"

#include "relay/exchange.h"

#include <stdlib.h>

#define QUESTION_PATH "/v1/master"

static bool
is_question(const struct exchange *x, struct slice *query)
{
	struct slice path = x->request.path;
	size_t bytes = sizeof(QUESTION_PATH) - 1;
	if (!slice_has_prefix(path, SLICE(QUESTION_PATH)) ||
	    (path.bytes > bytes && path.at[bytes] != '?') ||
	    !x->worker->services->config->cluster.question)
		return false;
	bytes += path.bytes > bytes;
	*query = (struct slice){path.at + bytes, path.bytes - bytes};
	return true;
}

void
question_free(struct letter *letter)
{
	struct question_letter *a = (struct question_letter *)(void *)letter;
	free(a->fields);
	free(a->body);
	free(a);
}

/* Back at the worker. */
static void
come_back(struct letter *letter, void *reader)
{
	struct question_letter *a = (struct question_letter *)(void *)letter;
	struct exchange *x = a->exchange;
	(void)reader;
	if (x != NULL) {
		const struct door_words words = {
		    .status = a->status,
		    .added = slice_of(a->fields == NULL ? "" : a->fields),
		    .type = SLICE("application/json"),
		    .body = {a->body, a->body_bytes},
		};
		if (a->body == NULL)
			x->door->ops->refuse(x->door, CAUSE_OUT_OF_RESOURCES, 503, 1);
		else
			x->door->ops->say(x->door, &words);
		exchange_over(x, CAUSE_ANSWERED_HERE);
	}
	question_free(letter);
}

void
question_send_back(struct question_letter *a)
{
	a->letter.deliver = come_back;
	a->letter.drop = question_free;
	(void)mailbox_post(a->back, &a->letter); /* without a bound: it takes all */
}

void
question_forget(struct exchange *x)
{
	x->asking->exchange = NULL;
}

static void
refuse(struct exchange *x, enum cause cause, uint16_t status)
{
	x->door->ops->refuse(x->door, cause, status, status == 503 ? 1 : 0);
	exchange_over(x, CAUSE_ANSWERED_HERE);
}

static void
send_letter(struct exchange *x, struct slice query)
{
	struct worker *w = x->worker;
	struct question_letter *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		refuse(x, CAUSE_OUT_OF_RESOURCES, 503);
		return;
	}
	memcpy(a->query, query.at, query.bytes);
	a->query_bytes = query.bytes;
	a->client = *x->client;
	a->back = &w->letters;
	a->exchange = x;
	a->letter.deliver = w->shared->on_question;
	a->letter.drop = question_free;
	x->asking = a;
	exchange_to(x, EXCHANGE_ASKING);
	if (!mailbox_post(w->shared->questions, &a->letter)) {
		refuse(x, CAUSE_OUT_OF_RESOURCES, 503);
		question_free(&a->letter);
	}
}

bool
question_enter(struct exchange *x)
{
	struct slice query;
	if (x->worker->shared->questions == NULL || !is_question(x, &query))
		return false;
	bool reads = x->request.method == METHOD_GET || x->request.method == METHOD_HEAD;
	if (!reads)
		refuse(x, CAUSE_CLIENT_METHOD, 405);
	else if (http_request_has_body(&x->request))
		refuse(x, CAUSE_CLIENT_BODY_TOO_LARGE, 413);
	else if (query.bytes > QUESTION_QUERY_BYTES_MAX)
		refuse(x, CAUSE_CLIENT_TARGET_TOO_LONG, 414);
	else
		send_letter(x, query);
	return true;
}
