/* register_writer.c: see register_writer.h. */
#include "cluster/register_writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
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

struct register_writer {
	struct register_file *file; /* the thread's */
	int told_fd;                /* written by the thread */
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

/* ---- the thread -------------------------------------------------------------------------------
 */

static void
store(struct register_writer *w)
{
	const struct register_image *image = w->image;
	struct problem p = {""};
	(void)pthread_mutex_unlock(&w->lock);
	enum result r = register_file_set_aside(w->file, &p);
	if (r == RESULT_OK)
		r = register_file_store(w->file, image, &p);
	(void)pthread_mutex_lock(&w->lock);
	w->result = r;
	w->problem = p;
	if (w->state == WRITER_WANTED)
		w->state = WRITER_DONE;
	uint64_t one = 1;
	if (write(w->told_fd, &one, sizeof(one)) == -1)
		return; /* a counter at its limit: it was told often enough */
}

static void *
run(void *context)
{
	struct register_writer *w = context;
	(void)pthread_mutex_lock(&w->lock);
	while (w->state != WRITER_ENDS) {
		if (w->state == WRITER_WANTED)
			store(w);
		else
			(void)pthread_cond_wait(&w->changed, &w->lock);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the other side ---------------------------------------------------------------------------
 */

int
register_writer_fd(const struct register_writer *w)
{
	return w->told_fd;
}

bool
register_writer_idle(struct register_writer *w)
{
	(void)pthread_mutex_lock(&w->lock);
	bool idle = w->state == WRITER_IDLE;
	(void)pthread_mutex_unlock(&w->lock);
	return idle;
}

void
register_writer_put(struct register_writer *w, const struct register_image *image)
{
	(void)pthread_mutex_lock(&w->lock);
	assert(w->state == WRITER_IDLE);
	w->image = image;
	w->state = WRITER_WANTED;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}

bool
register_writer_take(struct register_writer *w, enum result *r, struct problem *p)
{
	uint64_t count;
	if (read(w->told_fd, &count, sizeof(count)) == -1 && errno != EAGAIN)
		return false;
	(void)pthread_mutex_lock(&w->lock);
	bool done = w->state == WRITER_DONE;
	if (done) {
		w->state = WRITER_IDLE;
		*r = w->result;
		*p = w->problem;
	}
	(void)pthread_mutex_unlock(&w->lock);
	return done;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static int
start(struct register_writer *w)
{
	sigset_t all;
	sigset_t before;
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSYS); /* a system call that is forbidden is said (base/filter.h) */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&w->thread, NULL, run, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->started = error == 0;
	return error;
}

enum result
register_writer_create(struct register_file *file, struct register_writer **out, struct problem *p)
{
	struct register_writer *w = calloc(1, sizeof(*w));
	*out = NULL;
	if (w == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	w->file = file;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->changed, NULL);
	w->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int error = w->told_fd == -1 ? errno : start(w);
	if (error != 0) {
		register_writer_free(&w);
		return problem_set(p, RESULT_IO, "the register's thread: %s", strerror(error));
	}
	*out = w;
	return RESULT_OK;
}

static void
end_thread(struct register_writer *w)
{
	(void)pthread_mutex_lock(&w->lock);
	w->state = WRITER_ENDS;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
}

void
register_writer_free(struct register_writer **held)
{
	struct register_writer *w = *held;
	*held = NULL;
	if (w == NULL)
		return;
	if (w->started)
		end_thread(w);
	if (w->told_fd != -1)
		(void)close(w->told_fd);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}
