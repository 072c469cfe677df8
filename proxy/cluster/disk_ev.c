/* disk_ev.c: see disk_ev.h. */
#include "cluster/disk_ev.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/disk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* One that is done, one under way, one that waits, at the end. */
#define SPENT_MAX 3

/* One file and its thread. */
struct keeper {
	char *path; /* owned */
	int told_fd;
	bool started;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* the thread's */
	int fd;
	struct disk_file file;
	/* under the lock */
	bool ends;
	bool wanted; /* order is to be carried out */
	bool done;   /* answer is to be taken */
	struct disk_order order;
	struct disk_answer answer;
	/* Documents of orders that are over: their references are the control thread's affair. */
	struct document *spent[SPENT_MAX];
	size_t spent_count;
	/* the control thread's */
	uint64_t busy_since; /* 0: it has answered */
	bool silent;         /* and that was said */
	struct problem said; /* what was said of it last; "": it is well */
};

struct disk_live {
	struct disk engine;
	enum disk_phase said_phase;
	void (*answered)(void *context);
	void *context;
	struct event *told;
	int told_fd; /* written by the threads */
	size_t count;
	struct keeper *keeper[DISK_FILES_MAX]; /* owned */
};

/* ---- a file's thread --------------------------------------------------------------------------
 */

static long
read_file(void *self, void *at, size_t bytes, uint64_t offset)
{
	const struct keeper *k = self;
	size_t got = 0;
	while (got < bytes) {
		ssize_t more =
		    pread(k->fd, (uint8_t *)at + got, bytes - got, (off_t)(offset + got));
		if (more == -1 && errno == EINTR)
			continue;
		if (more == -1)
			return -1;
		if (more == 0)
			break;
		got += (size_t)more;
		if (got % DISK_PAGE_BYTES != 0)
			break; /* its end: O_DIRECT reads no further from there */
	}
	return (long)got;
}

static bool
write_file(void *self, const void *at, size_t bytes, uint64_t offset)
{
	const struct keeper *k = self;
	for (size_t put = 0; put < bytes;) {
		ssize_t more =
		    pwrite(k->fd, (const uint8_t *)at + put, bytes - put, (off_t)(offset + put));
		if (more == -1 && errno == EINTR)
			continue;
		if (more == 0)
			errno = ENOSPC;
		if (more <= 0)
			return false;
		put += (size_t)more;
	}
	return true;
}

static void
close_file(struct keeper *k)
{
	if (k->fd != -1)
		(void)close(k->fd);
	k->fd = -1;
	k->file.known = false;
}

static bool
open_file(struct keeper *k, struct problem *p)
{
	struct stat by_name;
	struct stat by_fd;
	if (stat(k->path, &by_name) == -1) {
		(void)problem_set(p, RESULT_IO, "%s", strerror(errno));
		return false;
	}
	if (!S_ISREG(by_name.st_mode) && !S_ISBLK(by_name.st_mode)) {
		(void)problem_set(p, RESULT_IO, "neither a file nor a block device");
		return false;
	}
	if (k->fd != -1 && fstat(k->fd, &by_fd) == 0 && by_fd.st_dev == by_name.st_dev &&
	    by_fd.st_ino == by_name.st_ino)
		return true;
	close_file(k);
	int flags = O_RDWR | O_DSYNC | O_CLOEXEC;
	k->fd = open(k->path, flags | O_DIRECT);
	if (k->fd == -1 && errno == EINVAL)
		k->fd = open(k->path, flags);
	if (k->fd == -1)
		(void)problem_set(p, RESULT_IO, "%s", strerror(errno));
	return k->fd != -1;
}

static void
carry_out(struct keeper *k, const struct disk_order *order, struct disk_answer *answer)
{
	answer->number = order->number;
	if (!open_file(k, &answer->problem))
		answer->state = DISK_FILE_FAILED;
	else if (disk_file_write(&k->file, order, answer))
		(void)disk_file_look(&k->file, order, answer);
	if (answer->state == DISK_FILE_FAILED)
		close_file(k);
}

/* With the lock. */
static void
work(struct keeper *k)
{
	struct disk_order *order = malloc(sizeof(*order));
	struct disk_answer *answer = calloc(1, sizeof(*answer));
	if (order != NULL)
		*order = k->order;
	struct document *document = k->order.document;
	uint64_t number = k->order.number;
	k->wanted = false;
	k->order.document = NULL;
	if (order != NULL && answer != NULL) {
		(void)pthread_mutex_unlock(&k->lock);
		carry_out(k, order, answer);
		(void)pthread_mutex_lock(&k->lock);
	}
	disk_answer_deinit(&k->answer);
	if (answer != NULL)
		k->answer = *answer;
	if (order == NULL || answer == NULL) {
		k->answer.number = number;
		k->answer.state = DISK_FILE_FAILED;
		(void)problem_set(&k->answer.problem, RESULT_NO_MEMORY, "no memory");
	}
	k->done = true;
	if (document != NULL)
		k->spent[k->spent_count++] = document;
	free(order);
	free(answer);
	uint64_t one = 1;
	if (write(k->told_fd, &one, sizeof(one)) == -1)
		return; /* a counter at its limit: it was told often enough */
}

static void *
run(void *context)
{
	struct keeper *k = context;
	(void)pthread_mutex_lock(&k->lock);
	while (k->wanted || !k->ends) {
		if (k->wanted && (!k->done || k->ends))
			work(k);
		else
			(void)pthread_cond_wait(&k->changed, &k->lock);
	}
	(void)pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* ---- what is said ----------------------------------------------------------------------------
 */

static void
say_file(const struct disk_live *e, struct keeper *k, const struct disk_answer *answer)
{
	bool well = answer->state == DISK_FILE_WELL;
	const char *problem = well ? "" : answer->problem.text;
	if (answer->state == DISK_FILE_EMPTY && e->engine.phase == DISK_JOINS &&
	    k->said.text[0] == '\0')
		return; /* all of them may be */
	if (strcmp(problem, k->said.text) == 0 && !k->silent)
		return;
	if (answer->state == DISK_FILE_EMPTY)
		log_error(
		    "cluster: %s is empty, and others are not: it lost what it held, and does "
		    "not count",
		    k->path);
	else if (!well)
		log_warn("cluster: %s: %s", k->path, problem);
	else
		log_info("cluster: %s answers again", k->path);
	k->silent = false;
	(void)problem_set(&k->said, RESULT_OK, "%s", problem);
}

static void
say_phase(struct disk_live *e)
{
	const struct disk *d = &e->engine;
	if (d->phase == e->said_phase)
		return;
	e->said_phase = d->phase;
	if (d->phase == DISK_STOPPED)
		log_error("cluster: this node holds no role any more: %s", d->problem.text);
	else
		log_info("cluster: block %zu is this node's, in %zu file%s", d->slot + 1, d->files,
			 d->files == 1 ? "" : "s");
}

static void
say_silence(const struct disk_live *e, struct keeper *k, uint64_t now)
{
	if (k->busy_since == 0 || k->silent || now - k->busy_since < e->engine.timing.lease_ms)
		return;
	k->silent = true;
	log_warn("cluster: %s does not answer", k->path);
}

/* ---- the control thread's side ----------------------------------------------------------------
 */

static void
give(struct disk_live *e, struct keeper *k, const struct disk_order *order, uint64_t now)
{
	(void)pthread_mutex_lock(&k->lock);
	document_unref(&k->order.document); /* of one that was not begun */
	k->order = *order;
	k->order.document = document_ref(order->document);
	k->wanted = true;
	(void)pthread_cond_signal(&k->changed);
	(void)pthread_mutex_unlock(&k->lock);
	say_silence(e, k, now);
	if (k->busy_since == 0)
		k->busy_since = now;
}

void
disk_live_turn(struct disk_live *e)
{
	uint64_t now = clock_boot_ms();
	struct disk_order order;
	say_phase(e);
	if (!disk_take_order(&e->engine, now, &order))
		return;
	for (size_t i = 0; i < e->count; i++)
		give(e, e->keeper[i], &order, now);
	document_unref(&order.document);
}

/* With the lock, or without a thread. */
static void
drop_spent(struct keeper *k)
{
	while (k->spent_count > 0)
		document_unref(&k->spent[--k->spent_count]);
}

static bool
take(struct keeper *k, struct disk_answer *answer)
{
	(void)pthread_mutex_lock(&k->lock);
	bool done = k->done;
	if (done) {
		*answer = k->answer;
		memset(&k->answer, 0, sizeof(k->answer));
		k->done = false;
		drop_spent(k);
		(void)pthread_cond_signal(&k->changed);
		if (!k->wanted)
			k->busy_since = 0;
	}
	(void)pthread_mutex_unlock(&k->lock);
	return done;
}

static void
on_told(evutil_socket_t fd, short what, void *context)
{
	struct disk_live *e = context;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	for (size_t i = 0; i < e->count; i++) {
		struct disk_answer answer;
		if (!take(e->keeper[i], &answer))
			continue;
		say_file(e, e->keeper[i], &answer);
		disk_answered(&e->engine, clock_boot_ms(), i, &answer);
	}
	e->answered(e->context);
}

struct engine
disk_live_engine(struct disk_live *e)
{
	return disk_engine(&e->engine);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void
free_keeper(struct keeper *k)
{
	close_file(k);
	disk_answer_deinit(&k->answer);
	document_unref(&k->order.document);
	drop_spent(k);
	disk_file_deinit(&k->file);
	(void)pthread_cond_destroy(&k->changed);
	(void)pthread_mutex_destroy(&k->lock);
	if (k->told_fd != -1)
		(void)close(k->told_fd);
	free(k->path);
	free(k);
}

static enum result
add_keeper(struct disk_live *e, const struct disk_live_setup *setup, struct problem *p)
{
	struct keeper *k = calloc(1, sizeof(*k));
	if (k == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	const struct disk_bytes bytes = {.self = k, .read = read_file, .write = write_file};
	k->fd = -1;
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_cond_init(&k->changed, NULL);
	e->keeper[e->count] = k;
	k->path = strdup(setup->files[e->count++]);
	k->told_fd = fcntl(e->told_fd, F_DUPFD_CLOEXEC, 0);
	enum result r =
	    disk_file_init(&k->file, &bytes, setup->cluster, setup->slot, setup->file_count, p);
	if (r != RESULT_OK || k->path == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	int error = k->told_fd == -1 ? errno : pthread_create(&k->thread, NULL, run, k);
	k->started = error == 0;
	if (!k->started)
		return problem_set(p, RESULT_IO, "the engine's thread: %s", strerror(error));
	return RESULT_OK;
}

static enum result
arm(struct disk_live *e, struct event_base *base, struct problem *p)
{
	e->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (e->told_fd == -1)
		return problem_set(p, RESULT_IO, "eventfd: %s", strerror(errno));
	e->told = event_new(base, e->told_fd, EV_READ | EV_PERSIST, on_told, e);
	if (e->told == NULL || event_add(e->told, NULL) == -1)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	return RESULT_OK;
}

enum result
disk_live_create(struct event_base *base, const struct disk_live_setup *setup, uint64_t now,
		 struct disk_live **out, struct problem *p)
{
	*out = NULL;
	struct disk_live *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	e->told_fd = -1;
	e->answered = setup->answered;
	e->context = setup->context;
	disk_init(&e->engine, setup->nodes, &setup->timing, setup->boot, setup->slot,
		  setup->file_count, now);
	enum result r = arm(e, base, p);
	while (r == RESULT_OK && e->count < setup->file_count)
		r = add_keeper(e, setup, p);
	if (r != RESULT_OK) {
		disk_live_free(&e);
		return r;
	}
	*out = e;
	return RESULT_OK;
}

static void
end_keeper(struct keeper *k, const struct timespec *until)
{
	if (k->started && pthread_timedjoin_np(k->thread, NULL, until) != 0) {
		/* The thread keeps what it uses until the process is over. */
		log_error("cluster: %s does not answer", k->path);
		(void)pthread_detach(k->thread);
		return;
	}
	free_keeper(k);
}

void
disk_live_free(struct disk_live **held)
{
	struct disk_live *e = *held;
	*held = NULL;
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->count; i++) {
		struct keeper *k = e->keeper[i];
		(void)pthread_mutex_lock(&k->lock);
		k->ends = true;
		(void)pthread_cond_signal(&k->changed);
		(void)pthread_mutex_unlock(&k->lock);
	}
	uint64_t until_ms = clock_wall_ms() + DISK_JOIN_MS;
	const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
				       .tv_nsec = (long)(until_ms % 1000) * 1000000};
	for (size_t i = 0; i < e->count; i++)
		end_keeper(e->keeper[i], &until);
	if (e->told != NULL)
		event_free(e->told);
	if (e->told_fd != -1)
		(void)close(e->told_fd);
	disk_deinit(&e->engine);
	free(e);
}
