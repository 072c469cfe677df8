/* question.c: see question.h. */
#include "node/question.h"

#include "admin/answers.h"
#include "relay/question.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* One that waits for a search's end. */
struct waiting {
	struct waiting *next;
	struct question question;
	struct question_letter *asking; /* a worker's letter; NULL: */
	struct admin_later *later;      /*   the admin interface; NULL: it left */
};

struct node_questions {
	struct node *node;
	struct mailbox mailbox;
	int bell_fd;
	struct event *bell;
	struct rates rates;
	struct waiting *first;
	struct node_questions_counts counts;
};

/* ---- answers ----------------------------------------------------------------------------------
 */

static void
make_reply(const struct node_questions *q, const struct question *question,
	   const struct ask_answer *answer, struct question_reply *out)
{
	struct node *n = q->node;
	question_reply(cluster_plane(n->cluster->live), &n->services->config->cluster, question,
		       answer, out);
}

static void
to_worker(struct question_letter *a, struct question_reply *reply)
{
	a->status = reply->status;
	a->fields = strdup(reply->fields);
	if (!reply->body.failed && a->fields != NULL) {
		a->body = reply->body.at;
		a->body_bytes = reply->body.bytes;
		reply->body.at = NULL;
		reply->body.bytes = 0;
	}
	question_reply_deinit(reply);
	question_send_back(a);
}

static void
to_admin(struct admin_answer *out, struct question_reply *reply)
{
	if (reply->body.failed) {
		admin_refuse(out, 503, "no memory");
	} else {
		admin_answer_begin(out, reply->status, "application/json");
		grow_slice(&out->body, (struct slice){reply->body.at, reply->body.bytes});
		(void)snprintf(out->fields, sizeof(out->fields), "%s", reply->fields);
	}
	question_reply_deinit(reply);
}

static void
answer_one(const struct node_questions *q, struct waiting *w)
{
	struct question_reply reply;
	struct ask_answer answer =
	    plane_answer(cluster_plane(q->node->cluster->live), cluster_now(), &w->question.ask);
	if (w->asking == NULL && w->later == NULL)
		return;
	make_reply(q, &w->question, &answer, &reply);
	if (w->asking != NULL) {
		to_worker(w->asking, &reply);
		return;
	}
	struct admin_answer out = {.status = 0};
	to_admin(&out, &reply);
	w->later->answer(w->later, &out);
	admin_answer_deinit(&out);
}

void
node_questions_answer(struct node_questions *q)
{
	struct waiting *list = q->first;
	q->first = NULL;
	q->counts.waiting = 0;
	while (list != NULL) {
		struct waiting *w = list;
		list = w->next;
		answer_one(q, w);
		free(w);
	}
}

/* ---- questions --------------------------------------------------------------------------------
 */

enum asked { ASKED_ANSWERED, ASKED_WAITS, ASKED_REFUSED };

/* Into *reply at once, or into the list as **waits. */
static enum asked
ask(struct node_questions *q, struct slice query, struct question_reply *reply,
    struct waiting **waits)
{
	struct question question;
	struct ask_answer answer;
	struct problem p;
	q->counts.asked++;
	if (q->node->cluster->live == NULL) {
		q->counts.refused++;
		question_refuse(reply, 503, 1, "this process has left the cluster");
		return ASKED_REFUSED;
	}
	struct plane *plane = cluster_plane(q->node->cluster->live);
	if (question_parse(query, plane->nodes, &question, &p) != RESULT_OK) {
		question_refuse(reply, 400, 0, p.text);
		return ASKED_REFUSED;
	}
	if (plane_ask(plane, cluster_now(), &question.ask, &answer)) {
		make_reply(q, &question, &answer, reply);
		return ASKED_ANSWERED;
	}
	struct waiting *w =
	    q->counts.waiting < QUESTIONS_WAITING_MAX ? calloc(1, sizeof(*w)) : NULL;
	if (w == NULL) {
		q->counts.refused++;
		question_refuse(reply, 503, 1, "too many wait for an answer");
		return ASKED_REFUSED;
	}
	w->question = question;
	w->next = q->first;
	q->first = w;
	q->counts.waiting++;
	*waits = w;
	return ASKED_WAITS;
}

/* A worker's letter. */
static void
on_letter(struct letter *letter, void *reader)
{
	struct node_questions *q = reader;
	struct question_letter *a = (struct question_letter *)(void *)letter;
	struct question_reply reply;
	struct waiting *waits;
	uint64_t per_s = q->node->services->config->cluster.questions_per_s;
	if (!rates_let(&q->rates, &a->client, per_s, cluster_now())) {
		q->counts.refused++;
		question_refuse(&reply, 429, 1, "too many questions");
		to_worker(a, &reply);
	} else if (ask(q, (struct slice){a->query, a->query_bytes}, &reply, &waits) ==
		   ASKED_WAITS) {
		waits->asking = a;
	} else {
		to_worker(a, &reply);
	}
}

static void
on_bell(evutil_socket_t fd, short what, void *context)
{
	struct node_questions *q = context;
	uint64_t count;
	(void)what;
	(void)!read(fd, &count, sizeof(count));
	unsigned taken = 0;
	struct letter *letter = NULL;
	while (taken < QUESTIONS_A_WAKEUP && (letter = mailbox_take(&q->mailbox)) != NULL) {
		letter->deliver(letter, q);
		taken++;
	}
	if (letter != NULL) /* there may be more: after the others' turn */
		event_active(q->bell, EV_READ, 0);
	if (q->node->cluster->live != NULL)
		cluster_settle(q->node->cluster->live);
}

static void
ring(void *context)
{
	const struct node_questions *q = context;
	uint64_t one = 1;
	(void)!write(q->bell_fd, &one, sizeof(one));
}

/* ---- the admin interface ----------------------------------------------------------------------
 */

static void
on_cancel(struct admin_later *later)
{
	struct waiting *w = later->keeper;
	w->later = NULL;
}

bool
node_questions_admin(struct node_questions *q, struct slice query, struct admin_later *later,
		     struct admin_answer *out)
{
	struct question_reply reply;
	struct waiting *waits;
	enum asked asked = ask(q, query, &reply, &waits);
	if (asked == ASKED_WAITS) {
		waits->later = later;
		later->keeper = waits;
		later->cancel = on_cancel;
		/* What is to be sent goes out behind this call: it may be answered at once. */
		ring(q);
		return false;
	}
	to_admin(out, &reply);
	return true;
}

/* ---- life -------------------------------------------------------------------------------------
 */

struct node_questions_counts
node_questions_counted(const struct node_questions *q)
{
	return q->counts;
}

enum result
node_questions_start(struct node *n, struct problem *p)
{
	struct node_questions *q = calloc(1, sizeof(*q));
	if (q == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	q->node = n;
	n->cluster->questions = q;
	mailbox_init(&q->mailbox, QUESTIONS_POSTED_MAX, ring, q);
	digest_random(q->rates.key);
	q->bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->bell_fd == -1)
		return problem_set(p, RESULT_IO, "eventfd: %s", strerror(errno));
	q->bell = event_new(n->base, q->bell_fd, EV_READ | EV_PERSIST, on_bell, q);
	if (q->bell == NULL || event_add(q->bell, NULL) == -1)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->shared.questions = &q->mailbox;
	n->shared.on_question = on_letter;
	return RESULT_OK;
}

void
node_questions_stop(struct node_questions **held)
{
	struct node_questions *q = *held;
	*held = NULL;
	if (q == NULL)
		return;
	while (q->first != NULL) {
		struct waiting *w = q->first;
		q->first = w->next;
		if (w->asking != NULL)
			question_free(&w->asking->letter);
		free(w);
	}
	mailbox_deinit(&q->mailbox);
	if (q->bell != NULL)
		event_free(q->bell);
	if (q->bell_fd != -1)
		(void)close(q->bell_fd);
	free(q);
}
