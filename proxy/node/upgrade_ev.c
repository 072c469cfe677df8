/* upgrade_ev.c: see upgrade.h. */
#include "node/upgrade.h"

#include "node/cluster.h"
#include "node/listening.h"
#include "node/notify.h"
#include "node/programs.h"
#include "node/upgrade_state.h"

#include "base/clock.h"
#include "base/handed.h"
#include "base/handover.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHY_BYTES_MAX 512
#define END_WAIT_S    2 /* for how the new process ended, when it is known that it has */

/* A message that waits to be taken. */
struct said {
	struct said *next;
	size_t fd_count;
	int fd[HANDOVER_FDS_MAX]; /* borrowed: they are open while an upgrade is under way */
	char text[];
};

struct node_upgrade {
	enum upgrade_phase phase;
	pid_t pid;
	int link; /* -1: none */
	struct event *readable;
	struct event *writable;
	struct event *limit;
	struct said *first;
	struct said *last;
	char asked_by[32];
	char why[WHY_BYTES_MAX];
	bool ended;        /* the link is at its end; why is not known yet */
	bool reload_later; /* one was asked for meanwhile */
	bool no_memory;
};

/* ---- saying -----------------------------------------------------------------------------------
 */

static void
say(struct node_upgrade *u, const char *text, const int *fds, size_t count)
{
	size_t bytes = strlen(text) + 1;
	struct said *s = calloc(1, sizeof(*s) + bytes);
	if (s == NULL) {
		u->no_memory = true;
		return;
	}
	memcpy(s->text, text, bytes);
	for (size_t i = 0; i < count; i++)
		s->fd[i] = fds[i];
	s->fd_count = count;
	if (u->first == NULL)
		u->first = s;
	else
		u->last->next = s;
	u->last = s;
	(void)event_add(u->writable, NULL);
}

static void
say_socket(struct node_upgrade *u, const char *name, const int *fds, size_t count)
{
	char text[HANDOVER_BYTES_MAX];
	(void)snprintf(text, sizeof(text), "socket %.1000s", name);
	say(u, text, fds, count);
}

static void
on_writable(evutil_socket_t fd, short what, void *context)
{
	const struct node *n = context;
	struct node_upgrade *u = n->upgrade;
	(void)what;
	while (u->first != NULL &&
	       handover_say(fd, u->first->text, u->first->fd, u->first->fd_count)) {
		struct said *s = u->first;
		u->first = s->next;
		free(s);
	}
	if (u->first != NULL && errno == EAGAIN)
		(void)event_add(u->writable, NULL); /* another error shows at the link's end */
}

/* ---- what is handed over ----------------------------------------------------------------------
 */

/* All of one address in as many messages as it needs; of a UNIX socket and of what the manager
 * handed over the workers have copies of one. */
static void
say_listener(struct node *n, const struct addr *address)
{
	char name[HANDOVER_BYTES_MAX];
	int fds[HANDOVER_FDS_MAX];
	size_t count = 0;
	(void)inherited_name("listener", address, name, sizeof(name));
	for (size_t i = 0; i < n->socket_count; i++) {
		if (!addr_equal(&n->sockets[i].address, address))
			continue;
		fds[count++] = n->sockets[i].fd;
		bool last = !addr_is_ip(address);
		if (count == HANDOVER_FDS_MAX || last) {
			say_socket(n->upgrade, name, fds, count);
			count = 0;
		}
		if (last)
			return;
	}
	if (count > 0)
		say_socket(n->upgrade, name, fds, count);
}

static void
say_files(struct node *n)
{
	char text[HANDOVER_BYTES_MAX];
	for (size_t i = 0; i < n->files.count; i++) {
		(void)snprintf(text, sizeof(text), "file %llu %llu %s",
			       (unsigned long long)n->files.list[i].file.device,
			       (unsigned long long)n->files.list[i].file.inode,
			       addr_kept_text(&n->files.list[i].address));
		say(n->upgrade, text, NULL, 0);
	}
}

static void
say_handed(struct node_upgrade *u)
{
	char text[HANDOVER_BYTES_MAX];
	const char *name;
	int fd;
	for (unsigned i = 0; (fd = handed_at(i, &name)) != -1; i++) {
		(void)snprintf(text, sizeof(text), "handed %s", name);
		say_socket(u, text, &fd, 1);
	}
}

static void
say_one(struct node_upgrade *u, const char *kind, const struct addr *address, int fd)
{
	char name[HANDOVER_BYTES_MAX];
	if (fd != -1)
		say_socket(u, inherited_name(kind, address, name, sizeof(name)), &fd, 1);
}

static void
say_sockets(struct node *n)
{
	const struct config *config = n->services->config;
	struct node_upgrade *u = n->upgrade;
	for (size_t i = 0; i < config->listener_count; i++)
		say_listener(n, &config->listeners[i].address);
	say_files(n);
	say_handed(u);
	say_one(u, "admin", &n->admin_address, n->admin_listening);
	node_cluster_sockets(n, u, say_one);
	say(u, "sockets end", NULL, 0);
}

static void
say_member(struct node *n, const struct service *s, const struct membership_member *member)
{
	char text[HANDOVER_BYTES_MAX];
	char origin[ADDR_TEXT_BYTES_MAX];
	struct writer at = writer_on(origin, sizeof(origin));
	write_addr(&at, &member->origin);
	struct upgrade_member m = {
	    .service = s->name,
	    .id = {member->id, member->id_bytes},
	    .verdict = pool_verdict(s->pool, member->live),
	    .given = node_order_given(s->config, member->id),
	};
	m.origin = slice_of(writer_text(&at));
	struct writer w = writer_on(text, sizeof(text));
	upgrade_member_write(&w, &m);
	if (!w.overflow)
		say(n->upgrade, writer_text(&w), NULL, 0);
}

static void
say_state(struct node *n)
{
	char text[HANDOVER_BYTES_MAX];
	for (size_t i = 0; i < n->services->count; i++) {
		const struct service *s = &n->services->list[i];
		struct view *view = pool_view(s->pool);
		for (uint32_t m = 0; m < view->membership->count; m++)
			say_member(n, s, &view->membership->member[m]);
		view_unref(&view);
	}
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "tickets ");
	write_hex_bytes(&w, n->shared.tickets, sizeof(n->shared.tickets));
	say(n->upgrade, writer_text(&w), NULL, 0);
	say(n->upgrade, "state end", NULL, 0);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static void
close_link(struct node_upgrade *u)
{
	if (u->readable != NULL)
		event_free(u->readable);
	if (u->writable != NULL)
		event_free(u->writable);
	if (u->limit != NULL)
		event_free(u->limit);
	u->readable = u->writable = u->limit = NULL;
	if (u->link != -1)
		(void)close(u->link);
	u->link = -1;
	while (u->first != NULL) {
		struct said *s = u->first;
		u->first = s->next;
		free(s);
	}
	u->last = NULL;
	u->ended = false;
}

bool
node_upgrade_is_under_way(const struct node *n)
{
	return n->upgrade->phase == UPGRADE_STARTED || n->upgrade->phase == UPGRADE_PREPARED;
}

/* It did not come to pass: everything goes on here. */
static void
refuse(struct node *n, const char *why)
{
	struct node_upgrade *u = n->upgrade;
	bool yielded = u->phase == UPGRADE_PREPARED;
	if (!node_upgrade_is_under_way(n))
		return;
	if (why != u->why)
		(void)snprintf(u->why, sizeof(u->why), "%s", why);
	u->phase = UPGRADE_REFUSED;
	close_link(u);
	starter_kill(node_starter(n), STARTER_UPGRADE);
	log_error("upgrade refused, this process goes on: %s", u->why);
	failover_log_reload(n->shared.failover, EVENT_UPGRADE_REFUSED, u->asked_by,
			    slice_of(u->why));
	if (yielded)
		node_cluster_resume(n);
	node_say_manager(n, "READY=1\nSTATUS=serves; an upgrade was refused, the log says why");
	if (u->reload_later)
		(void)raise(SIGHUP);
}

void
node_upgrade_abandon(struct node *n, const char *why)
{
	refuse(n, why);
}

/* The other process accepts. */
static void
complete(struct node *n)
{
	struct node_upgrade *u = n->upgrade;
	char text[HANDOVER_BYTES_MAX];
	(void)snprintf(text, sizeof(text), "MAINPID=%ld", (long)u->pid);
	node_say_manager(n, text);
	(void)snprintf(text, sizeof(text), "yours %s %ld %s", u->asked_by, (long)getpid(),
		       HOLDFAST_VERSION);
	if (!handover_say(u->link, text, NULL, 0))
		log_warn("upgrade: process %ld is not told that it has taken over: %s",
			 (long)u->pid, strerror(errno));
	u->phase = UPGRADE_DONE;
	n->files.count = 0; /* the other's */
	if (u->reload_later)
		(void)kill(u->pid, SIGHUP);
	close_link(u);
	log_info("process %ld has taken over: this one ends when its connections have",
		 (long)u->pid);
	node_hand_over(n);
}

/* ---- hearing ----------------------------------------------------------------------------------
 */

static void
on_prepared(struct node *n)
{
	struct node_upgrade *u = n->upgrade;
	if (u->phase != UPGRADE_STARTED)
		return;
	u->phase = UPGRADE_PREPARED;
	node_cluster_yield(n);
	say_state(n);
	if (u->no_memory)
		refuse(n, "no memory");
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct node *n = context;
	struct node_upgrade *u = n->upgrade;
	struct handover_message m;
	const struct timeval wait = {.tv_sec = END_WAIT_S};
	(void)what;
	if (!handover_hear(fd, 0, &m)) {
		if (errno == ETIMEDOUT)
			return;
		/* How it ended is told by the starter. */
		u->ended = true;
		(void)event_del(u->readable);
		(void)event_add(u->limit, &wait);
		return;
	}
	for (size_t i = 0; i < m.fd_count; i++)
		(void)close(m.fd[i]);
	if (strncmp(m.text, "failed ", 7) == 0) {
		(void)snprintf(u->why, sizeof(u->why), "the new process: %.480s", m.text + 7);
		refuse(n, u->why);
	} else if (strncmp(m.text, "prepared", 8) == 0) {
		on_prepared(n);
	} else if (strcmp(m.text, "ready") == 0 && u->phase == UPGRADE_PREPARED) {
		complete(n);
	}
}

static void
on_limit(evutil_socket_t fd, short what, void *context)
{
	struct node *n = context;
	char text[WHY_BYTES_MAX];
	(void)fd;
	(void)what;
	if (n->upgrade->ended)
		(void)snprintf(text, sizeof(text), "the new process is gone");
	else
		(void)snprintf(text, sizeof(text), "the new process was not ready within %llu ms",
			       (unsigned long long)n->services->config->upgrade.ready_ms);
	refuse(n, text);
}

void
node_upgrade_hear(struct node *n, const struct starter_news *news)
{
	struct node_upgrade *u = n->upgrade;
	char text[WHY_BYTES_MAX];
	if (news->ended && u->phase == UPGRADE_DONE && news->pid == u->pid)
		log_error("process %ld, which has taken over, is gone", (long)news->pid);
	if (!node_upgrade_is_under_way(n))
		return;
	if (news->error != 0)
		(void)snprintf(text, sizeof(text), "the program cannot be started: %s",
			       strerror(news->error));
	else if (!news->ended)
		u->pid = news->pid;
	else if (news->pid != u->pid)
		return; /* of an earlier one */
	else if (WIFEXITED(news->status))
		(void)snprintf(text, sizeof(text),
			       "the new process ended with %d before it was ready",
			       WEXITSTATUS(news->status));
	else
		(void)snprintf(text, sizeof(text),
			       "the new process ended by signal %d before it was ready",
			       WTERMSIG(news->status));
	if (news->error != 0 || news->ended)
		refuse(n, text);
}

/* ---- beginning --------------------------------------------------------------------------------
 */

static bool
arm(struct node *n)
{
	struct node_upgrade *u = n->upgrade;
	uint64_t ready_ms = n->services->config->upgrade.ready_ms;
	const struct timeval limit = {.tv_sec = (time_t)(ready_ms / 1000),
				      .tv_usec = (suseconds_t)(ready_ms % 1000 * 1000)};
	u->readable = event_new(n->base, u->link, EV_READ | EV_PERSIST, on_readable, n);
	u->writable = event_new(n->base, u->link, EV_WRITE, on_writable, n);
	u->limit = event_new(n->base, -1, 0, on_limit, n);
	return u->readable != NULL && u->writable != NULL && u->limit != NULL &&
	       event_add(u->readable, NULL) == 0 && event_add(u->limit, &limit) == 0;
}

static enum result
begin(struct node *n, struct problem *p)
{
	struct node_upgrade *u = n->upgrade;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return problem_set(p, RESULT_IO, "socketpair: %s", strerror(errno));
	u->link = pair[0];
	u->pid = 0;
	u->no_memory = false;
	u->reload_later = false;
	const struct starter_order order = {.job = STARTER_UPGRADE, .fd = pair[1]};
	enum result r = RESULT_OK;
	if (!arm(n))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	else if (!starter_start(node_starter(n), &order))
		r = problem_set(p, RESULT_IO, "the process that starts programs is no more");
	(void)close(pair[1]);
	if (r != RESULT_OK) {
		close_link(u);
		return r;
	}
	u->phase = UPGRADE_STARTED;
	say_sockets(n);
	if (u->no_memory)
		refuse(n, "no memory");
	return RESULT_OK;
}

enum result
node_upgrade(struct node *n, const char *asked_by, struct problem *p)
{
	struct node_upgrade *u = n->upgrade;
	enum result r = RESULT_OK;
	if (node_upgrade_is_under_way(n))
		r = problem_set(p, RESULT_LIMIT, "an upgrade is under way");
	else if (n->stopping || n->handed_over)
		r = problem_set(p, RESULT_LIMIT, "this process is about to end");
	else if (getpid() == 1)
		r = problem_set(p, RESULT_LIMIT,
				"this is the first process of its container, whose end ends all "
				"others");
	if (r != RESULT_OK)
		return r;
	(void)snprintf(u->asked_by, sizeof(u->asked_by), "%s", asked_by);
	node_say_manager_reloading(n);
	log_info("upgrade: another process is started");
	r = begin(n, p);
	if (r == RESULT_OK)
		return r;
	(void)snprintf(u->why, sizeof(u->why), "%s", p->text);
	u->phase = UPGRADE_REFUSED;
	failover_log_reload(n->shared.failover, EVENT_UPGRADE_REFUSED, asked_by, slice_of(u->why));
	node_say_manager(n, "READY=1\nSTATUS=serves; an upgrade was refused, the log says why");
	return r;
}

void
node_upgrade_reload_later(struct node *n)
{
	n->upgrade->reload_later = true;
}

struct upgrade_status
node_upgrade_status(const struct node *n)
{
	const struct node_upgrade *u = n->upgrade;
	return (struct upgrade_status){u->phase, u->pid, u->why};
}

/* ---- life -------------------------------------------------------------------------------------
 */

enum result
node_upgrade_create(struct node *n, struct problem *p)
{
	n->upgrade = calloc(1, sizeof(*n->upgrade));
	if (n->upgrade == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->upgrade->link = -1;
	return RESULT_OK;
}

void
node_upgrade_free(struct node *n)
{
	if (n->upgrade == NULL)
		return;
	close_link(n->upgrade);
	free(n->upgrade);
	n->upgrade = NULL;
}
