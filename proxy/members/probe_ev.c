/*
 * probe_ev.c: the checks of a service's members, begun, asked for and ended together; see
 * probe_ev.h. A check itself is in check_ev.c.
 */
#include "members/check_ev.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- asked for by others ----------------------------------------------------------------------
 */

void
prober_check_now(struct prober *p, const struct member_live *member)
{
	size_t at = 0;
	while (at < p->membership->count && p->membership->member[at].live != member)
		at++;
	if (at == p->membership->count)
		return;
	struct check *c = &p->check[at];
	(void)pthread_mutex_lock(&p->lock);
	bool news = !c->is_asked;
	if (news) {
		c->is_asked = true;
		c->next_asked = p->asked;
		p->asked = c;
	}
	(void)pthread_mutex_unlock(&p->lock);
	uint64_t one = 1;
	if (news && write(p->bell, &one, sizeof(one)) == -1)
		log_warn("a check is put off: %s", strerror(errno));
}

static struct check *
take_asked(struct prober *p)
{
	(void)pthread_mutex_lock(&p->lock);
	struct check *c = p->asked;
	if (c != NULL) {
		p->asked = c->next_asked;
		c->is_asked = false;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return c;
}

static void
on_bell(evutil_socket_t fd, short what, void *context)
{
	struct prober *p = context;
	uint64_t rings;
	(void)what;
	if (read(fd, &rings, sizeof(rings)) == -1)
		return;
	struct check *c;
	while ((c = take_asked(p)) != NULL) {
		if (c->fd != -1)
			continue;
		uint64_t since_ms = clock_ms() - c->begun_ms;
		uint64_t gap_ms = check_fast_ms(p);
		check_set_timer(c, since_ms < gap_ms ? gap_ms - since_ms : 0);
	}
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool
checks_create(struct prober *p)
{
	size_t count = p->membership->count;
	uint64_t spread_ms = (uint64_t)count * PROBE_START_SPREAD_MS;
	if (spread_ms > p->service->health.interval_ms)
		spread_ms = p->service->health.interval_ms;
	p->check = calloc(count + 1, sizeof(*p->check));
	if (p->check == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		p->check[i].prober = p;
		p->check[i].member = (uint32_t)i;
		p->check[i].fd = -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct check *c = &p->check[i];
		c->timer = event_new(p->base, -1, 0, check_on_timer, c);
		if (c->timer == NULL)
			return false;
		check_set_timer(c, prng_next(&p->prng) % (spread_ms + 1));
	}
	return true;
}

static bool
prober_init(struct prober *p)
{
	prng_seed(&p->prng);
	p->parser = parser_create();
	p->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->parser == NULL || p->bell == -1)
		return false;
	p->wake = event_new(p->base, p->bell, EV_READ | EV_PERSIST, on_bell, p);
	return p->wake != NULL && event_add(p->wake, NULL) == 0 && checks_create(p);
}

enum result
prober_start(struct event_base *base, const struct config_service *service, struct pool *pool,
	     struct prober_node node, struct prober **out, struct problem *p)
{
	*out = NULL;
	struct prober *prober = calloc(1, sizeof(*prober));
	if (prober == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	prober->base = base;
	prober->service = service;
	prober->pool = pool;
	prober->node = node;
	prober->bell = -1;
	struct view *view = pool_view(pool);
	prober->membership = membership_ref(view->membership);
	view_unref(&view);
	(void)pthread_mutex_init(&prober->lock, NULL);
	if (!prober_init(prober)) {
		prober_stop(&prober);
		return problem_set(p, RESULT_NO_MEMORY, "no memory or no descriptor for checks");
	}
	*out = prober;
	return RESULT_OK;
}

void
prober_stop(struct prober **held)
{
	struct prober *p = *held;
	*held = NULL;
	if (p == NULL)
		return;
	for (size_t i = 0; p->check != NULL && i < p->membership->count; i++) {
		check_let_go(&p->check[i]);
		tls_tickets_deinit(&p->check[i].tickets);
		if (p->check[i].timer != NULL)
			event_free(p->check[i].timer);
	}
	free(p->check);
	if (p->wake != NULL)
		event_free(p->wake);
	if (p->bell != -1)
		(void)close(p->bell);
	parser_free(&p->parser);
	membership_unref(&p->membership);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}
