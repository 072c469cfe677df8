/* hook_ev.c: see hook_ev.h. The end of a program is told by its pidfd, not by SIGCHLD. */
#include "cluster/hook_ev.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBER_BYTES 24

/* What is to be told. */
struct told {
	char *program; /* owned; NULL: nothing */
	char cluster[ID_BYTES_MAX + 1];
	uint32_t limit_ms;
	struct hook_news news;
};

struct hooks {
	struct event_base *base; /* borrowed */
	struct told waits;
	struct told runs;
	pid_t pid; /* 0: none runs */
	int pid_fd;
	struct event *ended; /* readable, or its time is over */
};

static void start(struct hooks *h);

static void
forget(struct told *told)
{
	free(told->program);
	*told = (struct told){.program = NULL};
}

static void
say_end(const struct hooks *h, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_info("cluster: %s has run", h->runs.program);
	else if (WIFEXITED(status))
		log_warn("cluster: %s ended with %d", h->runs.program, WEXITSTATUS(status));
	else
		log_warn("cluster: %s ended by signal %d", h->runs.program, WTERMSIG(status));
}

static void
on_end(evutil_socket_t fd, short what, void *context)
{
	struct hooks *h = context;
	int status = 0;
	(void)fd;
	if ((what & EV_TIMEOUT) != 0) {
		log_warn("cluster: %s took longer than %u ms and is killed", h->runs.program,
			 h->runs.limit_ms);
		(void)kill(-h->pid, SIGKILL);
		(void)event_add(h->ended, NULL);
		return;
	}
	if (waitpid(h->pid, &status, WNOHANG) != h->pid)
		return;
	say_end(h, status);
	event_free(h->ended);
	(void)close(h->pid_fd);
	h->ended = NULL;
	h->pid = 0;
	forget(&h->runs);
	start(h);
}

/* A group of its own, no signal blocked or ignored, nothing to read. */
static int
spawn(const struct told *told, pid_t *pid)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;
	sigset_t all;
	char rank[NUMBER_BYTES];
	char term[NUMBER_BYTES];
	char instance[] = "INSTANCE";
	char state[] = "BACKUP";
	(void)snprintf(rank, sizeof(rank), "%" PRIu32, told->news.rank);
	(void)snprintf(term, sizeof(term), "%" PRIu64, told->news.term);
	if (told->news.master)
		memcpy(state, "MASTER", sizeof(state));
	char cluster[ID_BYTES_MAX + 1];
	memcpy(cluster, told->cluster, sizeof(cluster));
	char *argv[] = {told->program, instance, cluster, state, rank, term, NULL};
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&how);
	(void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", 0, 0);
	(void)posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						 POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&how, 0);
	(void)posix_spawnattr_setsigmask(&how, &none);
	(void)posix_spawnattr_setsigdefault(&how, &all);
	int error = posix_spawn(pid, told->program, &files, &how, argv, environ);
	(void)posix_spawnattr_destroy(&how);
	(void)posix_spawn_file_actions_destroy(&files);
	return error;
}

static bool
watch(struct hooks *h)
{
	struct timeval limit = {.tv_sec = h->runs.limit_ms / 1000,
				.tv_usec = (long)(h->runs.limit_ms % 1000) * 1000};
	h->pid_fd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	if (h->pid_fd == -1)
		return false;
	h->ended = event_new(h->base, h->pid_fd, EV_READ, on_end, h);
	return h->ended != NULL && event_add(h->ended, &limit) == 0;
}

/* The next one, if none runs. */
static void
start(struct hooks *h)
{
	if (h->pid != 0 || h->waits.program == NULL)
		return;
	h->runs = h->waits;
	h->waits = (struct told){.program = NULL};
	int error = spawn(&h->runs, &h->pid);
	if (error == 0 && watch(h))
		return;
	log_error("cluster: %s: %s", h->runs.program, strerror(error != 0 ? error : errno));
	if (error == 0)
		(void)kill(-h->pid, SIGKILL);
	h->pid = 0;
	forget(&h->runs);
}

void
hooks_tell(struct hooks *h, const struct config_cluster *cluster, const struct hook_news *news)
{
	const char *program = news->master ? cluster->on_master : cluster->on_backup;
	forget(&h->waits);
	if (program == NULL)
		return;
	h->waits = (struct told){
	    .program = strdup(program), .limit_ms = cluster->hook_timeout_ms, .news = *news};
	(void)snprintf(h->waits.cluster, sizeof(h->waits.cluster), "%s", cluster->name);
	start(h);
}

struct hooks *
hooks_create(struct event_base *base)
{
	struct hooks *h = calloc(1, sizeof(*h));
	if (h != NULL)
		h->base = base;
	return h;
}

void
hooks_free(struct hooks **held)
{
	struct hooks *h = *held;
	*held = NULL;
	if (h == NULL)
		return;
	if (h->ended != NULL)
		event_free(h->ended);
	if (h->pid != 0)
		(void)close(h->pid_fd);
	forget(&h->waits);
	forget(&h->runs);
	free(h);
}
