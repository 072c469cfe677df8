/* race_ev.c: see race.h. */
#include "node/race.h"

#include "admin/status.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/race_host.h"
#include "members/fullness.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define RECENT_FADES_MS                                                           \
	1443 /* a session just begun counts as a request that long: halves in 1 s \
	      */

/* A service as it stands in this node's offers. */
struct offered {
	uint64_t at_ms; /* when it was looked at; 0: not yet */
	struct race_condition condition;
	uint32_t member; /* alias of the own one that has most room; 0: there is none */
	uint64_t epoch;
	uint64_t opened;       /* sessions that tickets opened, in all */
	uint64_t recent_milli; /* of these, what is not in flight yet, fading */
};

struct node_race {
	struct node *node;
	int fd; /* of the cluster's socket, duplicated */
	int timer_fd;
	struct event *timer;
	uint64_t wakes_us; /* RACE_NEVER: not set */
	struct prng prng;
	struct ticket_keys keys;
	struct services *services; /* that `offered` is of; compared alone */
	struct offered offered[SERVICES_MAX];
	struct race_host host;
};

/* ---- the member beside this node --------------------------------------------------------------
 */

static void
fade(struct offered *o, uint64_t opened, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms - o->at_ms;
	if (o->at_ms == 0)
		o->opened = opened;
	if (passed_ms >= RECENT_FADES_MS)
		o->recent_milli = 0;
	o->recent_milli -= o->recent_milli * passed_ms / RECENT_FADES_MS;
	o->recent_milli += (opened - o->opened) * 1000;
	o->opened = opened;
}

static bool
is_fresh(const struct service *s, const struct member_live *live, uint64_t now_ms)
{
	const struct config_health *h = &s->config->health;
	uint64_t age_ms = 2 * h->interval_ms + h->timeout_ms;
	return !h->enabled || pool_is_checked(s->pool, live, now_ms > age_ms ? now_ms - age_ms : 0);
}

static void
look_at_member(struct offered *o, const struct service *s, const struct view *view, uint32_t at,
	       uint64_t now_ms)
{
	const struct config_race *rules = &s->config->race;
	const struct membership_member *m = &view->membership->member[at];
	struct race_condition c = {
	    .fresh = is_fresh(s, m->live, now_ms),
	    .takes_new = (view->takes_new[at / 64] >> (at % 64) & 1) != 0,
	    .load_ppm = fullness_of(m, rules->full, o->recent_milli),
	    .spread_us = rules->spread_ms * 1000,
	};
	/* Only what is there makes it full; what is on its way makes it later. */
	if (c.load_ppm == FULLNESS_ALL && fullness_of(m, rules->full, 0) < FULLNESS_ALL)
		c.load_ppm = FULLNESS_ALL - 1;
	bool well = c.fresh && c.takes_new;
	bool was_well = o->condition.fresh && o->condition.takes_new;
	if (o->member != 0 &&
	    (was_well > well || (was_well == well && o->condition.load_ppm <= c.load_ppm)))
		return;
	o->member = m->alias;
	o->condition = c;
}

/* At most once a millisecond. */
static struct offered *
look(struct node_race *r, const struct service *s, uint64_t now_ms)
{
	if (r->services != r->node->services) {
		r->services = r->node->services;
		memset(r->offered, 0, sizeof(r->offered));
	}
	struct offered *o = &r->offered[s->number];
	if (o->at_ms == now_ms)
		return o;
	struct tally_sum sum;
	tally_read(s->tally, &sum);
	fade(o, sum.tickets[TICKET_NONE], now_ms);
	struct view *view = pool_view(s->pool);
	o->at_ms = now_ms;
	o->member = 0;
	o->epoch = view->membership->epoch;
	o->condition = (struct race_condition){.fresh = false};
	for (uint32_t i = 0; i < view->membership->count; i++) {
		if (view->membership->member[i].own)
			look_at_member(o, s, view, i, now_ms);
	}
	view_unref(&view);
	o->condition.takes_new &= !r->node->stopping;
	return o;
}

/* ---- saying -----------------------------------------------------------------------------------
 */

static void
wake(struct node_race *r)
{
	uint64_t at_us = race_host_next(&r->host);
	if (at_us == r->wakes_us || at_us == RACE_NEVER)
		return;
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_us / 1000000),
					       .tv_nsec = (long)(at_us % 1000000) * 1000L}};
	r->wakes_us = at_us;
	(void)timerfd_settime(r->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void
url_of(const struct node *n, char url[RACE_URL_BYTES_MAX + 1])
{
	const struct config_cluster *cluster = &n->services->config->cluster;
	struct writer w = writer_on(url, RACE_URL_BYTES_MAX + 1);
	write_literal(&w, "http://");
	write_addr(&w, &cluster->nodes[cluster->self].http);
	write_literal(&w, "/");
	(void)writer_text(&w);
}

void
node_race_send(const struct node *n, const struct addr *to, const uint8_t *bytes, size_t count)
{
	struct sockaddr_storage name;
	if (n->race == NULL)
		return;
	socklen_t name_bytes = addr_to_sockaddr(to, &name);
	(void)sendto(n->race->fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL,
		     (struct sockaddr *)&name, name_bytes);
}

static void
send_offer(struct node_race *r, const struct race_pending *p, const struct service *s,
	   const struct offered *o)
{
	struct race_offer offer;
	uint8_t bytes[RACE_DATAGRAM_BYTES_MAX];
	const struct ticket_claims claims = {
	    .member = o->member,
	    .service = s->ticket_service,
	    .epoch = o->epoch,
	    .issued_ms = o->at_ms,
	    .ttl_ms = (uint32_t)s->config->race.ticket_ttl_ms,
	};
	ticket_keys_tell_time(&r->keys, o->at_ms);
	memcpy(offer.tag, p->tag, RACE_TAG_BYTES);
	ticket_make(&r->keys, &claims, &p->bind, offer.ticket);
	url_of(r->node, offer.url);
	const struct race_seal *seal = p->sealed ? r->node->services->seal : NULL;
	size_t count = race_write_offer(seal, &offer, bytes);
	node_race_send(r->node, &p->client, bytes, count);
}

static const struct service *
service_of_ticket(const struct node *n, uint32_t ticket_service)
{
	for (size_t i = 0; i < n->services->count; i++) {
		const struct service *s = &n->services->list[i];
		if (s->gives_tickets && s->ticket_service == ticket_service)
			return s;
	}
	return NULL;
}

/* The member may have changed while the answer waited. */
static void
answer(struct node_race *r, const struct race_pending *p, uint64_t now_ms)
{
	const struct service *s = service_of_ticket(r->node, p->service);
	const struct offered *o = s != NULL ? look(r, s, now_ms) : NULL;
	if (o == NULL || o->member == 0)
		race_host_silent(&r->host, RACE_SILENT_SERVICE);
	else if (!o->condition.fresh)
		race_host_silent(&r->host, RACE_SILENT_STALE);
	else if (!o->condition.takes_new)
		race_host_silent(&r->host, RACE_SILENT_DRAIN);
	else
		send_offer(r, p, s, o);
}

static void
answer_due(struct node_race *r)
{
	struct race_pending p;
	uint64_t now_us = clock_us();
	while (race_host_due(&r->host, now_us, &p))
		answer(r, &p, now_us / 1000);
	wake(r);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct node_race *r = context;
	uint64_t times;
	(void)what;
	if (read(fd, &times, sizeof(times)) == -1)
		return; /* set anew since */
	r->wakes_us = RACE_NEVER;
	answer_due(r);
}

/* ---- hearing ----------------------------------------------------------------------------------
 */

/* "": the only one that gives tickets. NULL: none, or several. */
static const struct service *
service_named(const struct node *n, const char *name)
{
	const struct service *found = NULL;
	for (size_t i = 0; i < n->services->count; i++) {
		const struct service *s = &n->services->list[i];
		if (!s->gives_tickets || (name[0] != '\0' && strcmp(name, s->config->name) != 0))
			continue;
		if (found != NULL)
			return NULL;
		found = s;
	}
	return found;
}

static void
hear_init(struct node_race *r, const struct addr *from, const struct race_init *init,
	  struct race_pending *p, size_t count)
{
	uint64_t now_us = clock_us();
	const struct service *s = service_named(r->node, init->service);
	const struct offered *o = s != NULL ? look(r, s, now_us / 1000) : NULL;
	if (o == NULL || o->member == 0) {
		race_host_silent(&r->host, RACE_SILENT_SERVICE);
		return;
	}
	char url[RACE_URL_BYTES_MAX + 1];
	url_of(r->node, url);
	memcpy(p->tag, init->tag, RACE_TAG_BYTES);
	p->client = *from;
	p->service = s->ticket_service;
	if (init->bind == TICKET_BIND_ADDRESS) {
		p->bind = ticket_bind_address(from);
	} else {
		p->bind.kind = TICKET_BIND_SECRET;
		memcpy(p->bind.value, init->hash, TICKET_BIND_BYTES);
	}
	const struct race_seal *seal = p->sealed ? r->node->services->seal : NULL;
	(void)race_host_hear(&r->host, now_us, &o->condition, count, race_offer_bytes(seal, url),
			     prng_next(&r->prng), p);
	wake(r);
}

bool
node_race_hear(struct node *n, const struct addr *from, const uint8_t *bytes, size_t count)
{
	struct node_race *r = n->race;
	struct race_init init;
	if (r == NULL || !race_is_datagram(bytes, count))
		return false;
	enum race_read read = race_read_init(n->services->seal, bytes, count, &init);
	struct race_pending pending = {.sealed = read == RACE_SEALED};
	if (read == RACE_BAD)
		race_host_silent(&r->host, RACE_SILENT_BAD);
	else
		hear_init(r, from, &init, &pending, count);
	return true;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool
arm(struct node_race *r, int fd)
{
	r->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (r->fd == -1 || r->timer_fd == -1)
		return false;
	r->timer = event_new(r->node->base, r->timer_fd, EV_READ | EV_PERSIST, on_timer, r);
	return r->timer != NULL && event_add(r->timer, NULL) == 0;
}

enum result
node_race_start(struct node *n, int fd, struct problem *p)
{
	if (fd == -1)
		return RESULT_OK;
	struct node_race *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->race = r;
	r->node = n;
	r->fd = -1;
	r->timer_fd = -1;
	r->wakes_us = RACE_NEVER;
	prng_seed(&r->prng);
	digest_random(r->host.rates.key);
	ticket_keys_init(&r->keys, n->shared.tickets, clock_ms());
	return arm(r, fd) ? RESULT_OK : problem_set(p, RESULT_IO, "races: %s", strerror(errno));
}

void
node_race_stop(struct node *n)
{
	struct node_race *r = n->race;
	n->race = NULL;
	if (r == NULL)
		return;
	if (r->timer != NULL)
		event_free(r->timer);
	if (r->timer_fd != -1)
		(void)close(r->timer_fd);
	if (r->fd != -1)
		(void)close(r->fd);
	free(r);
}

void
node_race_status(const struct node *n, struct status_race *out)
{
	const struct node_race *r = n->race;
	if (r == NULL)
		return;
	out->offers = r->host.silent[RACE_OFFERS];
	memcpy(out->silent, r->host.silent, sizeof(out->silent));
}
