/* embedded_ev.c: see embedded_ev.h. */
#include "cluster/embedded_ev.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct embedded_live {
	struct embedded engine;
	struct register_writer *writer; /* owned */
	void (*stored)(void *context);
	void *context;
	enum voter_status said; /* in the log */
	bool said_full;         /* likewise: it was for want of room */
	struct event *told;
};

/* ---- the control thread's side ----------------------------------------------------------------
 */

/* What people must know of the vote. */
static void
say(struct embedded_live *e)
{
	const struct voter *v = &e->engine.voter;
	if (!e->engine.is_voter || (v->status == e->said && v->full == e->said_full))
		return;
	if (v->status == VOTER_STOPPED && v->lost)
		log_error("cluster: this node does not vote: %s; when it is certain that the "
			  "register will not come back: holdfast members readmit %s",
			  v->problem.text, v->nodes->node[v->nodes->self].id);
	else if (v->status == VOTER_STOPPED && v->full)
		log_error("cluster: this node does not vote: %s; it does again when there is room, "
			  "which is tried every %d s",
			  v->problem.text, VOTER_ROOM_MS / 1000);
	else if (v->status == VOTER_STOPPED)
		log_error("cluster: this node does not vote: %s; until that is mended and it is "
			  "started again",
			  v->problem.text);
	else if (v->status == VOTER_READY && e->said == VOTER_LEARNING)
		log_info("cluster: this node votes again: %zu roles were learnt from the other "
			 "voters",
			 v->durable.count);
	else if (v->status == VOTER_READY && e->said_full)
		log_info("cluster: this node votes again: its disk has room");
	e->said = v->status;
	e->said_full = v->full;
}

void
embedded_live_turn(struct embedded_live *e)
{
	say(e);
	if (!register_writer_idle(e->writer))
		return;
	const struct register_image *image = embedded_save(&e->engine);
	if (image != NULL)
		register_writer_put(e->writer, image);
}

void
embedded_live_stored(struct embedded_live *e, uint64_t now, struct outbox *out)
{
	enum result r;
	struct problem p;
	if (!register_writer_take(e->writer, &r, &p))
		return;
	if (r == RESULT_OK)
		embedded_saved(&e->engine, now, out);
	else if (r == RESULT_LIMIT)
		embedded_wait_for_room(&e->engine, now, &p);
	else
		embedded_stop_voting(&e->engine, &p);
}

static void
on_told(evutil_socket_t fd, short what, void *context)
{
	const struct embedded_live *e = context;
	(void)fd;
	(void)what;
	e->stored(e->context);
}

struct engine
embedded_live_engine(struct embedded_live *e)
{
	return embedded_engine(&e->engine);
}

enum result
embedded_live_readmit(struct embedded_live *e, uint64_t now, struct problem *p)
{
	return embedded_readmit(&e->engine, now, p);
}

uint64_t
embedded_live_silent_ms(const struct embedded_live *e, uint64_t now)
{
	uint64_t until = e->engine.ground.silent_until;
	return until > now ? until - now : 0;
}

const struct voter *
embedded_live_voter(const struct embedded_live *e)
{
	return e->engine.is_voter ? &e->engine.voter : NULL;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool
arm(struct embedded_live *e, struct event_base *base)
{
	e->told = event_new(base, register_writer_fd(e->writer), EV_READ | EV_PERSIST, on_told, e);
	return e->told != NULL && event_add(e->told, NULL) == 0;
}

enum result
embedded_live_create(struct event_base *base, const struct embedded_live_setup *setup, uint64_t now,
		     struct embedded_live **out, struct problem *p)
{
	*out = NULL;
	struct embedded_live *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	e->stored = setup->stored;
	e->context = setup->context;
	embedded_init(&e->engine, setup->nodes, &setup->timing, setup->file->boot, setup->image,
		      now);
	if (setup->damaged != NULL && setup->file->foreign)
		embedded_stop_voting(&e->engine, setup->damaged);
	else if (setup->damaged != NULL)
		embedded_lose_register(&e->engine, setup->damaged);
	enum result r = register_writer_create(setup->file, &e->writer, p);
	if (r == RESULT_OK && !arm(e, base))
		r = problem_set(p, RESULT_IO, "the engine: %s", strerror(errno));
	if (r != RESULT_OK)
		embedded_live_free(&e);
	*out = e;
	return r;
}

void
embedded_live_free(struct embedded_live **held)
{
	struct embedded_live *e = *held;
	*held = NULL;
	if (e == NULL)
		return;
	if (e->told != NULL)
		event_free(e->told);
	register_writer_free(&e->writer);
	embedded_deinit(&e->engine);
	free(e);
}
