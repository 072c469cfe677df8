/* admin.c: the node as its admin interface sees it; see admin/face.h. */
#include "node/node.h"

#include "node/cluster.h"
#include "node/question.h"

#include "admin/explain_json.h"
#include "admin/server_ev.h"
#include "base/clock.h"
#include "base/log.h"
#include "edge/listener.h"
#include "node/members.h"
#include "node/roles.h"
#include "route/explain.h"

#include <assert.h>
#include <string.h>

/* ---- looking ----------------------------------------------------------------------------------
 */

static struct guard_rules
rules(void *context)
{
	const struct node *n = context;
	const struct config *config = n->services->config;
	return (struct guard_rules){.token = config->admin_token,
				    .hosts = (const char *const *)config->admin_hosts,
				    .host_count = config->admin_host_count};
}

static bool
stopping(void *context)
{
	const struct node *n = context;
	return n->stopping;
}

static enum result
status(void *context, struct status *out)
{
	return node_status(context, out);
}

static struct service *
find_service(const struct node *n, struct slice name, struct problem *p)
{
	struct service *s = NULL;
	if (name.bytes > 0)
		s = services_find(n->services, name);
	else if (n->services->count == 1)
		s = &n->services->list[0];
	if (s == NULL)
		(void)problem_set(p, RESULT_NOT_FOUND,
				  name.bytes > 0 ? "no such service"
						 : "several services: which one is wanted?");
	return s;
}

/* The texts of options begin with "--". */
static enum result
plain_problem(struct problem *p, enum result r)
{
	if (r != RESULT_OK && strncmp(p->text, "--", 2) == 0)
		memmove(p->text, p->text + 2, strlen(p->text + 2) + 1);
	return r;
}

static enum result
answer(struct explained *x, const struct admin_question *q, struct grow *out, struct problem *p)
{
	struct explanation e;
	struct session_digest digest = {{0}};
	struct explained_marks down = {q->down, MEMBER_DOWN, "down"};
	enum result r = RESULT_OK;
	if (q->down != NULL)
		r = explained_mark(x, &down, p);
	if (r == RESULT_OK)
		r = plain_problem(p, explained_tag(x, q->primary, q->last, p));
	if (r != RESULT_OK)
		return r;
	if (q->digest.bytes == 0)
		explain_key(x, q->key, &e);
	else if (hex_decode(q->digest, digest.bytes, DIGEST_BYTES))
		explain_digest(x, digest, &e);
	else
		return problem_set(p, RESULT_INVALID, "digest: %d hex digits are wanted",
				   2 * DIGEST_BYTES);
	if (q->brief)
		explain_json_brief(x, &e, out);
	else
		explain_json(x, &e, out);
	return RESULT_OK;
}

static enum result
explain(void *context, const struct admin_question *q, struct grow *out, struct problem *p)
{
	const struct node *n = context;
	const struct service *service = find_service(n, q->service, p);
	if (service == NULL)
		return q->service.bytes > 0 ? RESULT_NOT_FOUND : RESULT_INVALID;
	struct explained x;
	struct view *view = pool_view(service->pool);
	explained_init_live(&x, service->config, view);
	view_unref(&view);
	enum result r = answer(&x, q, out, p);
	explained_deinit(&x);
	return r;
}

/* ---- steering ---------------------------------------------------------------------------------
 */

/* A member and the view that names it; one reference. */
struct found {
	struct service *service;
	struct view *view;
	uint32_t member;
};

static enum result
find_member(const struct node *n, const struct admin_wish *wish, struct found *out,
	    struct problem *p)
{
	*out = (struct found){.view = NULL};
	for (size_t i = 0; i < n->services->count; i++) {
		struct service *s = &n->services->list[i];
		if (wish->service.bytes > 0 && !slice_equal(wish->service, s->name))
			continue;
		struct view *view = pool_view(s->pool);
		uint32_t member = membership_by_id(view->membership, wish->id);
		if (member == MEMBER_NONE) {
			view_unref(&view);
			continue;
		}
		if (out->view != NULL) {
			(void)problem_set(p, RESULT_INVALID,
					  "services %s and %s have such a member: which one is "
					  "meant?",
					  out->service->config->name, s->config->name);
			view_unref(&view);
			view_unref(&out->view);
			return RESULT_INVALID;
		}
		*out = (struct found){s, view, member};
	}
	if (out->view == NULL)
		return problem_set(p, RESULT_NOT_FOUND, "no such member");
	return RESULT_OK;
}

static void
describe(const struct found *f, struct admin_granted *out)
{
	struct view *now = pool_view(f->service->pool);
	const struct membership_member *m = &f->view->membership->member[f->member];
	(void)snprintf(out->service, sizeof(out->service), "%s", f->service->config->name);
	(void)snprintf(out->id, sizeof(out->id), "%s", m->id);
	out->state = (enum member_state)now->state[f->member];
	/* Orders are given on this thread alone. */
	out->order = (enum member_state)m->live->verdict.order;
	out->active = member_live_active(m->live);
	view_unref(&now);
}

static enum result
order(void *context, const struct admin_wish *wish, struct admin_granted *out, struct problem *p)
{
	const struct node *n = context;
	struct found f;
	enum result r = find_member(n, wish, &f, p);
	if (r != RESULT_OK)
		return r;
	assert(f.view != NULL);
	struct member_live *live = f.view->membership->member[f.member].live;
	if (wish->drain_only && live->verdict.order == MEMBER_MAINT)
		r = problem_set(p, RESULT_LIMIT, "it is in maintenance, which `up` takes back");
	else
		pool_order(f.service->pool, live, wish->order, clock_ms());
	describe(&f, out);
	view_unref(&f.view);
	return r;
}

static enum result
reload(void *context, struct problem *p)
{
	return node_reload(context, "admin", p);
}

static bool
master(void *context, struct slice query, struct admin_later *later, struct admin_answer *out)
{
	const struct node *n = context;
	return node_questions_admin(n->cluster->questions, query, later, out);
}

/* ---- life -------------------------------------------------------------------------------------
 */

enum result
node_admin_bind(struct node *n, struct problem *p)
{
	const struct config *config = n->services->config;
	if (!config->admin_enabled)
		return RESULT_OK;
	n->admin_fd = listener_bind_admin(config, &n->files, p);
	if (n->admin_fd == -1)
		return problem_prefix(p, RESULT_IO, "admin");
	n->admin_listening = n->admin_fd;
	n->admin_address = config->admin;
	n->events = events_create();
	return n->events != NULL ? RESULT_OK : problem_set(p, RESULT_NO_MEMORY, "no memory");
}

static void
tap(void *context, struct slice line)
{
	events_push(context, line);
}

enum result
node_admin_start(struct node *n, struct problem *p)
{
	static const struct admin_face plain = {.rules = rules,
						.stopping = stopping,
						.status = status,
						.explain = explain,
						.order = order,
						.membership = node_membership,
						.change = node_change,
						.readmit = node_cluster_readmit,
						.reload = reload,
						.role = node_role};
	if (n->admin_fd == -1)
		return RESULT_OK;
	struct admin_face face = plain;
	int fd = n->admin_fd;
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	face.node = n;
	face.master = n->cluster != NULL ? master : NULL;
	n->admin_fd = -1; /* the server's, whatever happens */
	failover_log_tap(n->shared.failover, tap, n->events);
	enum result r = admin_server_create(n->base, fd, &face, n->events, &n->admin, p);
	if (r != RESULT_OK)
		return problem_prefix(p, r, "admin");
	write_addr(&w, &n->services->config->admin);
	log_info("admin interface on %s", writer_text(&w));
	return RESULT_OK;
}

void
node_admin_wake(struct node *n)
{
	if (n->admin != NULL)
		admin_server_wake(n->admin);
}

void
node_admin_leave(struct node *n)
{
	if (n->admin != NULL)
		admin_server_leave(n->admin);
}

void
node_admin_stop(struct node *n)
{
	admin_server_free(&n->admin);
}
