/* racing.c: races of one worker's exchanges; see racing.h. The sockets are racing_socket.c's. */
#include "relay/racing_inside.h"

#include "base/clock.h"
#include "base/digest.h"

#include <assert.h>
#include <stdlib.h>

#define NO_PLACE UINT16_MAX

/* One exchange's; owned by it from the first race to its end. */
struct racer {
	struct trash trash; /* first */
	struct exchange *exchange;
	struct race race;
	uint16_t node[RACE_SERVERS_MAX]; /* places in cluster.nodes, by the race's servers */
	size_t node_count;
	uint64_t left_out; /* by places in cluster.nodes: those that won and had no room */
	uint32_t member;   /* that won; MEMBER_NONE: nobody yet */
	char ticket[TICKET_TEXT_BYTES];
	struct racer *next; /* in the worker's list, while it races */
	struct racer *prev;
};

static void on_datagram(void *context, const uint8_t *bytes, size_t count);
static void on_time(void *context);

/* ---- the worker's list ------------------------------------------------------------------------
 */

struct racing *
racing_of(struct worker *w)
{
	if (w->racing != NULL)
		return w->racing;
	struct racing *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	const struct config_cluster *cluster = &w->services->config->cluster;
	if (!racing_socket_open(&r->socket, w, &cluster->nodes[cluster->self].address,
				(struct racing_ear){on_datagram, on_time, w})) {
		free(r);
		return NULL;
	}
	w->racing = r;
	return r;
}

void
racing_free(struct worker *w)
{
	struct racing *r = w->racing;
	w->racing = NULL;
	if (r == NULL)
		return;
	assert(r->count == 0 && r->placing_count == 0);
	racing_socket_close(&r->socket);
	free(r);
}

static void
link_in(struct racing *r, struct racer *e)
{
	e->prev = NULL;
	e->next = r->first;
	if (r->first != NULL)
		r->first->prev = e;
	r->first = e;
	r->count++;
}

/* Not in the list any more, and its exchange not in RACING. */
static void
link_out(struct racer *e)
{
	struct exchange *x = e->exchange;
	struct racing *r = x->worker->racing;
	if (e->prev != NULL)
		e->prev->next = e->next;
	else
		r->first = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	r->count--;
	x->queue_us += x->worker->now_us - x->attempt_us;
	exchange_to(x, EXCHANGE_PLANNED);
}

static void
count(const struct exchange *x, enum race_count what)
{
	tally_add(&x->slot->tally->races[what], 1);
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static uint16_t
place_of(const struct config_cluster *cluster, const struct membership_member *m)
{
	return m->own ? cluster->self : m->hop != 0 ? (uint16_t)(m->hop - 1) : NO_PLACE;
}

static const struct config *
config_of(const struct exchange *x)
{
	return x->slot->generation->services->config;
}

/* Each node once, whatever this one thinks of it. */
static void
find_nodes(struct racer *e)
{
	const struct config_cluster *cluster = &config_of(e->exchange)->cluster;
	const struct membership *m = exchange_membership(e->exchange);
	uint64_t seen = e->left_out;
	static_assert(NODES_MAX <= 64, "a bit each");
	e->node_count = 0;
	for (size_t i = 0; i < m->count; i++) {
		uint16_t place = place_of(cluster, &m->member[i]);
		if (place == NO_PLACE || (seen >> place & 1) != 0)
			continue;
		seen |= UINT64_C(1) << place;
		e->node[e->node_count++] = place;
	}
}

static void
send_inits(const struct racer *e, const size_t *server, size_t servers)
{
	const struct exchange *x = e->exchange;
	const struct config_cluster *cluster = &config_of(x)->cluster;
	struct race_init init = {.attempt = (uint8_t)e->race.attempt, .bind = TICKET_BIND_SECRET};
	struct ticket_bind bind =
	    ticket_bind_secret((struct slice){(const char *)x->session.digest.bytes, DIGEST_BYTES});
	struct racing_batch batch = {.count = 0};
	memcpy(init.tag, e->race.tag, RACE_TAG_BYTES);
	memcpy(init.hash, bind.value, TICKET_BIND_BYTES);
	memcpy(init.service, x->slot->service->name.at, x->slot->service->name.bytes);
	batch.bytes = race_write_init(x->slot->generation->services->seal, &init, batch.datagram);
	for (size_t i = 0; i < servers; i++)
		batch.to[batch.count++] = &cluster->nodes[e->node[server[i]]].address;
	racing_socket_send(&x->worker->racing->socket, &batch);
}

/* Those whose turn it is: all of them at once, or one after another (race.stagger). */
static void
ask_due(struct racer *e, uint64_t now_us)
{
	size_t server[RACE_SERVERS_MAX];
	size_t servers = race_ask(&e->race, now_us, server);
	if (servers > 0)
		send_inits(e, server, servers);
	racing_socket_wake(&e->exchange->worker->racing->socket, race_next(&e->race));
}

/* One attempt: a tag of its own. */
static void
attempt(struct racer *e)
{
	struct exchange *x = e->exchange;
	const struct config_race *config = &x->slot->service->config->race;
	const struct race_rules rules = {.servers = e->node_count,
					 .limit_us = config->limit_ms * 1000,
					 .stagger_us = config->stagger_ms * 1000};
	uint8_t tag[RACE_TAG_BYTES];
	uint64_t now_us = clock_us();
	digest_random(tag);
	race_start(&e->race, now_us, &rules, tag, prng_next(&x->worker->prng));
	ask_due(e, now_us);
}

static void
begin(struct racer *e)
{
	struct exchange *x = e->exchange;
	x->attempt_us = x->worker->now_us;
	exchange_to(x, EXCHANGE_RACING);
	link_in(x->worker->racing, e);
	attempt(e);
}

bool
racing_start(struct exchange *x)
{
	struct racing *r = racing_of(x->worker);
	struct racer *e = NULL;
	if (r != NULL && r->count < RACES_MAX && x->slot->generation->services->seal != NULL)
		e = calloc(1, sizeof(*e));
	if (e != NULL) {
		e->exchange = x;
		e->member = MEMBER_NONE;
		find_nodes(e);
	}
	if (e == NULL || e->node_count < 2) {
		free(e);
		count(x, RACE_COUNT_CROWDED);
		return false;
	}
	x->raced = true;
	x->racer = e;
	begin(e);
	return true;
}

/* ---- what comes of it -------------------------------------------------------------------------
 */

/* For the line that says to whom the session was given. */
static void
note_winner(const struct racer *e)
{
	struct exchange *x = e->exchange;
	const struct membership_member *m = &exchange_membership(x)->member[e->member];
	struct writer text = writer_on(x->evidence, sizeof(x->evidence));
	write_format(&text, "race: the first of %zu after %llu us, attempt %u: ", e->node_count,
		     (unsigned long long)e->race.took_us[e->race.winner], e->race.attempt);
	write_slice(&text, (struct slice){m->id, m->id_bytes});
	(void)writer_text(&text);
}

static void
won(struct racer *e, uint32_t member)
{
	struct exchange *x = e->exchange;
	struct writer text = writer_on(e->ticket, sizeof(e->ticket));
	ticket_write(&text, e->race.ticket);
	e->member = member;
	count(x, RACE_COUNT_WON);
	if (exchange_membership(x)->member[member].own) /* nobody else is to be shown it */
		tally_add(&x->slot->tally->tickets[TICKET_NONE], 1);
	note_winner(e);
	link_out(e);
	x->whom.primary = member;
	exchange_plan(x);
}

/* By the ordering, which is what x->whom says then. */
static void
fall_back(struct racer *e)
{
	struct exchange *x = e->exchange;
	count(x, RACE_COUNT_FALLBACK);
	journal_race_fallback(x);
	if (newcomer_admit(x))
		exchange_plan(x);
}

static struct racer *
find_by_tag(const struct racing *r, const uint8_t tag[RACE_TAG_BYTES])
{
	for (struct racer *e = r->first; e != NULL; e = e->next) {
		if (memcmp(e->race.tag, tag, RACE_TAG_BYTES) == 0)
			return e;
	}
	return NULL;
}

/* The seal says that a node sent it, so it was asked: nothing else is known of the tag any more. */
static void
count_late(struct worker *w, const struct race_offer *offer)
{
	uint32_t service = ticket_for_service(offer->ticket);
	for (size_t i = 0; i < w->services->count; i++) {
		if (w->services->list[i].ticket_service != service)
			continue;
		tally_add(&w->generation->slot[i].tally->races[RACE_COUNT_LATE], 1);
		return;
	}
}

/* Which of the race's servers stands beside `member`; node_count: none of them. */
static size_t
server_of(const struct racer *e, uint32_t member)
{
	const struct exchange *x = e->exchange;
	uint16_t place = place_of(&config_of(x)->cluster, &exchange_membership(x)->member[member]);
	size_t server = 0;
	while (server < e->node_count && e->node[server] != place)
		server++;
	return server;
}

static void
on_datagram(void *context, const uint8_t *bytes, size_t bytes_count)
{
	struct worker *w = context;
	struct race_offer offer;
	if (!race_is_datagram(bytes, bytes_count)) {
		placing_hear(w, bytes, bytes_count);
		return;
	}
	if (w->services->seal == NULL ||
	    race_read_offer(w->services->seal, bytes, bytes_count, &offer) != RACE_SEALED)
		return;
	struct racer *e = find_by_tag(w->racing, offer.tag);
	if (e == NULL) {
		count_late(w, &offer);
		return;
	}
	const struct view *view = e->exchange->lease->view;
	uint32_t member = membership_by_alias(view->membership, ticket_member(offer.ticket));
	/* Who cannot be reached from here would win in vain. */
	if (member == MEMBER_NONE || !view_is_operational(view, member))
		return;
	if (race_offered(&e->race, clock_us(), server_of(e, member), &offer) == RACE_WON)
		won(e, member);
}

/* NULL: none is due, and *next says when. */
static struct racer *
find_due(const struct racing *r, uint64_t now_us, uint64_t *next)
{
	*next = RACE_NEVER;
	for (struct racer *e = r->first; e != NULL; e = e->next) {
		if (race_next(&e->race) <= now_us)
			return e;
		if (race_next(&e->race) < *next)
			*next = race_next(&e->race);
	}
	return NULL;
}

static void
on_time(void *context)
{
	struct worker *w = context;
	struct racing *r = w->racing;
	struct racer *e;
	uint64_t next;
	uint64_t now_us = clock_us();
	while ((e = find_due(r, now_us, &next)) != NULL) {
		if (!race_is_over(&e->race, now_us)) {
			ask_due(e, now_us);
		} else if (race_again(&e->race, now_us)) {
			count(e->exchange, RACE_COUNT_SECOND);
			attempt(e);
		} else {
			link_out(e);
			fall_back(e);
		}
	}
	uint64_t placing_next = placing_time(w, now_us);
	next = placing_next < next ? placing_next : next;
	if (next != RACE_NEVER)
		racing_socket_wake(&r->socket, next);
}

/* ---- the exchange -----------------------------------------------------------------------------
 */

void
racing_leave(struct exchange *x)
{
	link_out(x->racer);
}

static void
racer_drop(struct worker *w, struct trash *t)
{
	(void)w;
	free(t);
}

void
racing_forget(struct exchange *x)
{
	struct racer *e = x->racer;
	x->raced = false;
	x->racer = NULL;
	worker_trash(x->worker, &e->trash, racer_drop);
}

struct slice
racing_ticket(const struct exchange *x)
{
	const struct racer *e = x->racer;
	if (e->race.state != RACE_CHOSEN || exchange_member(x) != e->member)
		return SLICE_NONE;
	return (struct slice){e->ticket, sizeof(e->ticket)};
}

bool
racing_may_repeat(const struct exchange *x)
{
	const struct racer *e = x->racer;
	return e->race.state == RACE_CHOSEN && exchange_member(x) == e->member &&
	       body_queue_is_whole(&x->body);
}

void
racing_leave_out(struct exchange *x)
{
	struct racer *e = x->racer;
	const struct membership_member *m = &exchange_membership(x)->member[e->member];
	uint16_t place = place_of(&config_of(x)->cluster, m);
	if (place != NO_PLACE)
		e->left_out |= UINT64_C(1) << place;
}

/* The first in the order whose node was not left out; the first, when all were. */
static void
choose_by_ordering(struct racer *e)
{
	struct exchange *x = e->exchange;
	const struct membership *m = exchange_membership(x);
	exchange_by_ordering(x);
	if (e->left_out == 0)
		return;
	plan_make(&x->slot->service->plan, &x->whom, x->lease->view, &x->plan);
	for (uint32_t i = 0; i < x->plan.step_count; i++) {
		uint32_t member = x->plan.step[i].member;
		uint16_t place = place_of(&config_of(x)->cluster, &m->member[member]);
		if (place == NO_PLACE || (e->left_out >> place & 1) == 0) {
			x->whom.primary = member;
			return;
		}
	}
}

bool
racing_repeat(struct exchange *x, bool reusable)
{
	struct racer *e = x->racer;
	if (!racing_may_repeat(x))
		return false;
	count(x, RACE_COUNT_REFUSED);
	attempt_abandon(x, reusable);
	x->step = 0;
	e->member = MEMBER_NONE;
	bool again = race_refused(&e->race);
	choose_by_ordering(e);
	find_nodes(e);
	if (again && e->node_count >= 2 && x->worker->racing->count < RACES_MAX)
		begin(e);
	else
		fall_back(e);
	return true;
}
