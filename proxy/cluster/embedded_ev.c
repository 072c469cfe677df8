/* embedded_ev.c: see embedded_ev.h. */
#include "cluster/embedded_ev.h"

#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum writer_state {
	WRITER_IDLE,
	WRITER_WANTED, /* image is to be written */
	WRITER_DONE,   /* result holds how it went */
	WRITER_ENDS,
};

struct embedded_live {
	struct embedded engine;
	struct register_file *file; /* the thread's, once it runs */
	void (*stored)(void *context);
	void *context;
	enum voter_status said; /* in the log */
	struct event *told;
	int told_fd; /* written by the thread */
	bool started;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock */
	enum writer_state state;
	const struct register_image *image; /* the voter's */
	enum result result;
	struct problem problem;
};

/* ---- the writing thread -----------------------------------------------------------------------
 */

static void
store(struct embedded_live *e)
{
	const struct register_image *image = e->image;
	struct problem p = {""};
	(void)pthread_mutex_unlock(&e->lock);
	enum result r = register_file_set_aside(e->file, &p);
	if (r == RESULT_OK)
		r = register_file_store(e->file, image, &p);
	(void)pthread_mutex_lock(&e->lock);
	e->result = r;
	e->problem = p;
	if (e->state == WRITER_WANTED)
		e->state = WRITER_DONE;
	uint64_t one = 1;
	if (write(e->told_fd, &one, sizeof(one)) == -1)
		return; /* a counter at its limit: it was told often enough */
}

static void *
run(void *context)
{
	struct embedded_live *e = context;
	(void)pthread_mutex_lock(&e->lock);
	while (e->state != WRITER_ENDS) {
		if (e->state == WRITER_WANTED)
			store(e);
		else
			(void)pthread_cond_wait(&e->changed, &e->lock);
	}
	(void)pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* ---- the control thread's side ----------------------------------------------------------------
 */

/* What people must know of the vote. */
static void
say(struct embedded_live *e)
{
	const struct voter *v = &e->engine.voter;
	if (!e->engine.is_voter || v->status == e->said)
		return;
	if (v->status == VOTER_STOPPED && v->lost)
		log_error("cluster: this node does not vote: %s; when it is certain that the "
			  "register will not come back: holdfast members readmit %s",
			  v->problem.text, v->nodes->node[v->nodes->self].id);
	else if (v->status == VOTER_STOPPED)
		log_error("cluster: this node does not vote: %s", v->problem.text);
	else if (v->status == VOTER_READY && e->said == VOTER_LEARNING)
		log_info("cluster: this node votes again: %zu roles were learnt from the other "
			 "voters",
			 v->durable.count);
	e->said = v->status;
}

void
embedded_live_turn(struct embedded_live *e)
{
	say(e);
	(void)pthread_mutex_lock(&e->lock);
	if (e->state == WRITER_IDLE) {
		e->image = embedded_save(&e->engine);
		if (e->image != NULL) {
			e->state = WRITER_WANTED;
			(void)pthread_cond_signal(&e->changed);
		}
	}
	(void)pthread_mutex_unlock(&e->lock);
}

void
embedded_live_stored(struct embedded_live *e, uint64_t now, struct outbox *out)
{
	(void)pthread_mutex_lock(&e->lock);
	bool done = e->state == WRITER_DONE;
	enum result r = e->result;
	struct problem p = e->problem;
	if (done)
		e->state = WRITER_IDLE;
	(void)pthread_mutex_unlock(&e->lock);
	if (!done)
		return;
	if (r == RESULT_OK) {
		embedded_saved(&e->engine, now, out);
		return;
	}
	embedded_stop_voting(&e->engine, &p);
}

static void
on_told(evutil_socket_t fd, short what, void *context)
{
	struct embedded_live *e = context;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof(count)) != -1)
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
	e->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (e->told_fd == -1)
		return false;
	e->told = event_new(base, e->told_fd, EV_READ | EV_PERSIST, on_told, e);
	if (e->told == NULL || event_add(e->told, NULL) == -1)
		return false;
	int error = pthread_create(&e->thread, NULL, run, e);
	e->started = error == 0;
	errno = error;
	return e->started;
}

enum result
embedded_live_create(struct event_base *base, const struct embedded_live_setup *setup, uint64_t now,
		     struct embedded_live **out, struct problem *p)
{
	*out = NULL;
	struct embedded_live *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	e->file = setup->file;
	e->stored = setup->stored;
	e->context = setup->context;
	e->told_fd = -1;
	(void)pthread_mutex_init(&e->lock, NULL);
	(void)pthread_cond_init(&e->changed, NULL);
	embedded_init(&e->engine, setup->nodes, &setup->timing, setup->file->boot, setup->image,
		      now);
	if (setup->damaged != NULL && setup->file->foreign)
		embedded_stop_voting(&e->engine, setup->damaged);
	else if (setup->damaged != NULL)
		embedded_lose_register(&e->engine, setup->damaged);
	if (!arm(e, base)) {
		embedded_live_free(&e);
		return problem_set(p, RESULT_IO, "the engine's thread: %s", strerror(errno));
	}
	*out = e;
	return RESULT_OK;
}

static void
end_thread(struct embedded_live *e)
{
	(void)pthread_mutex_lock(&e->lock);
	e->state = WRITER_ENDS;
	(void)pthread_cond_signal(&e->changed);
	(void)pthread_mutex_unlock(&e->lock);
	(void)pthread_join(e->thread, NULL);
}

void
embedded_live_free(struct embedded_live **held)
{
	struct embedded_live *e = *held;
	*held = NULL;
	if (e == NULL)
		return;
	if (e->started)
		end_thread(e);
	if (e->told != NULL)
		event_free(e->told);
	if (e->told_fd != -1)
		(void)close(e->told_fd);
	embedded_deinit(&e->engine);
	(void)pthread_cond_destroy(&e->changed);
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}
