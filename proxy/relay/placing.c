/* placing.c: see placing.h. */
#include "base/clock.h"
#include "base/digest.h"
#include "cluster/place_wire.h"
#include "relay/racing_inside.h"
#include "route/assign.h"

#include <assert.h>
#include <stdlib.h>

/* One exchange's question; owned by it while it waits. */
struct placer {
	struct trash trash; /* first */
	struct exchange *exchange;
	uint8_t tag[RACE_TAG_BYTES];
	unsigned master; /* place in cluster.nodes */
	uint64_t asked_us;
	uint64_t ends_us;
	struct placer *next; /* in the worker's list */
	struct placer *prev;
};

static const struct config_cluster *
cluster_of(const struct exchange *x)
{
	return &x->slot->generation->services->config->cluster;
}

/* ---- what is said of it -----------------------------------------------------------------------
 */

/* Who placed it, or why the ordering did: counted, and into the evidence of its line. */
static void
note(struct exchange *x, enum placement_count by, unsigned master, uint64_t term, uint64_t took_us)
{
	const struct membership_member *m = &exchange_membership(x)->member[x->whom.primary];
	struct writer text = writer_on(x->evidence, sizeof(x->evidence));
	tally_add(&x->slot->tally->placements[by], 1);
	if (by == PLACEMENT_OWN)
		write_format(&text, "this node, master in term %llu: ", (unsigned long long)term);
	else if (by == PLACEMENT_MASTER)
		write_format(
		    &text, "master %s, term %llu, after %llu us: ", cluster_of(x)->nodes[master].id,
		    (unsigned long long)term, (unsigned long long)took_us);
	else
		write_format(&text, "%s: by the ordering: ", placement_text(by));
	write_slice(&text, (struct slice){m->id, m->id_bytes});
	(void)writer_text(&text);
	journal_placed(x);
}

/* ---- this node is master ----------------------------------------------------------------------
 */

/* In turn with those that other nodes ask for (node/placement.c). */
static void
place_here(struct exchange *x, uint64_t term)
{
	const struct assign_inputs in = {
	    .method = ASSIGN_ROUND_ROBIN,
	    .view = x->lease->view,
	    .turn = atomic_fetch_add_explicit(&x->slot->service->turn, 1, memory_order_relaxed),
	    .now_ms = x->worker->now_ms,
	};
	x->whom.primary = assign_primary(&in);
	note(x, PLACEMENT_OWN, 0, term, 0);
}

/* ---- another one is ---------------------------------------------------------------------------
 */

static void
link_in(struct racing *r, struct placer *e)
{
	e->prev = NULL;
	e->next = r->placing;
	if (r->placing != NULL)
		r->placing->prev = e;
	r->placing = e;
	r->placing_count++;
}

static void
placer_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

void
placing_leave(struct exchange *x)
{
	struct placer *e = x->placer;
	struct racing *r = x->worker->racing;
	if (e->prev != NULL)
		e->prev->next = e->next;
	else
		r->placing = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	r->placing_count--;
	x->queue_us += x->worker->now_us - x->attempt_us;
	x->placer = NULL;
	exchange_to(x, EXCHANGE_PLANNED);
	worker_trash(x->worker, &e->trash, placer_drop);
}

static void
ask(struct placer *e)
{
	const struct exchange *x = e->exchange;
	struct racing *r = x->worker->racing;
	struct place_question question;
	struct racing_batch batch = {.count = 1};
	const struct slice name = x->slot->service->name;
	memcpy(question.tag, e->tag, RACE_TAG_BYTES);
	memcpy(question.service, name.at, name.bytes);
	question.service[name.bytes] = '\0';
	batch.to[0] = &cluster_of(x)->nodes[e->master].address;
	batch.bytes =
	    place_write_question(x->slot->generation->services->seal, &question, batch.datagram);
	racing_socket_send(&r->socket, &batch);
	racing_socket_wake(&r->socket, e->ends_us);
}

static bool
ask_master(struct exchange *x, unsigned master)
{
	struct worker *w = x->worker;
	struct racing *r = racing_of(w);
	if (r == NULL || r->placing_count == PLACINGS_MAX ||
	    x->slot->generation->services->seal == NULL)
		return false;
	struct placer *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return false;
	e->exchange = x;
	e->master = master;
	e->asked_us = clock_us();
	e->ends_us = e->asked_us + x->slot->service->config->placement_limit_ms * 1000;
	digest_random(e->tag);
	x->placer = e;
	x->attempt_us = w->now_us;
	exchange_to(x, EXCHANGE_PLACING);
	link_in(r, e);
	ask(e);
	return true;
}

bool
placing_start(struct exchange *x)
{
	struct board *board = &x->worker->shared->board;
	unsigned master = atomic_load_explicit(&board->master, memory_order_acquire);
	if (x->whom.primary == MEMBER_NONE)
		return false;
	if (master == 0 || master > cluster_of(x)->node_count) {
		note(x, PLACEMENT_NOBODY, 0, 0, 0);
		return false;
	}
	if (master - 1 == cluster_of(x)->self) {
		place_here(x, atomic_load_explicit(&board->master_term, memory_order_relaxed));
		return false;
	}
	if (ask_master(x, master - 1))
		return true;
	note(x, PLACEMENT_CROWDED, 0, 0, 0);
	return false;
}

/* ---- what comes of it -------------------------------------------------------------------------
 */

static void
go_on(struct exchange *x)
{
	if (newcomer_admit(x))
		exchange_plan(x);
}

void
placing_hear(struct worker *w, const uint8_t *bytes, size_t count)
{
	struct place_answer answer;
	if (w->services->seal == NULL ||
	    !place_read_answer(w->services->seal, bytes, count, &answer))
		return;
	struct placer *e = w->racing->placing;
	while (e != NULL && memcmp(e->tag, answer.tag, RACE_TAG_BYTES) != 0)
		e = e->next;
	if (e == NULL)
		return; /* too late */
	struct exchange *x = e->exchange;
	unsigned master = e->master;
	uint64_t took_us = clock_us() - e->asked_us;
	const struct view *view = x->lease->view;
	uint32_t member =
	    answer.member == 0 ? MEMBER_NONE : membership_by_alias(view->membership, answer.member);
	placing_leave(x);
	if (member == MEMBER_NONE || !view_is_operational(view, member)) {
		note(x, answer.member == 0 ? PLACEMENT_DEPOSED : PLACEMENT_UNFIT, 0, 0, 0);
	} else {
		x->whom.primary = member;
		note(x, PLACEMENT_MASTER, master, answer.term, took_us);
	}
	go_on(x);
}

/* NULL: none is over its limit, and *next says when. */
static struct placer *
find_over(const struct racing *r, uint64_t now_us, uint64_t *next)
{
	*next = RACE_NEVER;
	for (struct placer *e = r->placing; e != NULL; e = e->next) {
		if (e->ends_us <= now_us)
			return e;
		if (e->ends_us < *next)
			*next = e->ends_us;
	}
	return NULL;
}

uint64_t
placing_time(struct worker *w, uint64_t now_us)
{
	struct placer *e;
	uint64_t next;
	while ((e = find_over(w->racing, now_us, &next)) != NULL) {
		struct exchange *x = e->exchange;
		placing_leave(x);
		note(x, PLACEMENT_SILENT, 0, 0, 0);
		go_on(x);
	}
	return next;
}
