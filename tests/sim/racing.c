/* racing.c: nodes that race for their clients; see racing.h. */
#include "racing.h"

#include "base/digest.h"
#include "cluster/body.h"

#include <stdlib.h>
#include <string.h>

#define AT_ONCE_MAX 256
#define SERVICE     7U
#define TTL_MS      10000U
#define CALL_US     (20 * SIM_MS_US) /* from the offer to the session's first request */
#define PAUSE_US    (50 * SIM_MS_US) /* a connection to who is frozen waits */

struct asked {
	bool used;
	uint64_t number; /* of the client */
	uint8_t secret[16];
	struct race race;
};

struct racing_node {
	struct ticket_keys keys;
	struct race_host host;
	size_t asking; /* of asked, used */
	struct asked asked[AT_ONCE_MAX];
};

static void open_session(struct sim *s, uint64_t number);

static void
draw_bytes(struct sim *s, uint8_t bytes[16])
{
	for (size_t i = 0; i < 16; i++)
		bytes[i] = (uint8_t)sim_draw(s, 256);
}

static struct ticket_bind
bind_of(const struct asked *a)
{
	return ticket_bind_secret((struct slice){(const char *)a->secret, sizeof(a->secret)});
}

/* ---- answering --------------------------------------------------------------------------------
 */

static void
hear_init(struct sim *s, cluster_node n, uint64_t now, cluster_node from, const uint8_t *bytes,
	  size_t count)
{
	struct racing_node *node = sim_state(s, n);
	const struct racing_world *w = sim_world(s);
	struct race_init init;
	if (race_read_init(NULL, bytes, count, &init) == RACE_BAD) {
		sim_fail(s, "an INIT came damaged");
		return;
	}
	struct race_condition c = {
	    .fresh = n != from || !w->own_silent,
	    .takes_new = true,
	    .load_ppm = w->shaped ? (uint32_t)(w->load[n] * 1000000 / w->capacity) : 0,
	    .spread_us = RACING_SPREAD_MS * 1000,
	};
	struct race_pending p = {.client.port = from, .sealed = true};
	if (!w->shaped)
		c.spread_us = 0;
	memcpy(p.tag, init.tag, sizeof(p.tag));
	p.bind.kind = init.bind;
	memcpy(p.bind.value, init.hash, sizeof(p.bind.value));
	(void)race_host_hear(&node->host, now * 1000, &c, count, race_offer_bytes(NULL, "u"),
			     sim_draw(s, UINT32_MAX), &p);
}

static struct race_offer
offer_of(struct sim *s, cluster_node n, uint64_t now, const struct race_pending *p)
{
	struct racing_node *node = sim_state(s, n);
	struct race_offer offer = {.url = "u"};
	const struct ticket_claims claims = {
	    .member = n + 1U, .service = SERVICE, .issued_ms = now, .ttl_ms = TTL_MS};
	memcpy(offer.tag, p->tag, sizeof(offer.tag));
	ticket_keys_tell_time(&node->keys, now);
	ticket_make(&node->keys, &claims, &p->bind, offer.ticket);
	return offer;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static void
finish(struct sim *s, struct asked *a, enum racing_end end, cluster_node home)
{
	struct racing_world *w = sim_world(s);
	struct racing_client *c = &w->client[a->number];
	struct racing_node *entry = sim_state(s, c->entry);
	if (c->end != RACING_OPEN_YET)
		sim_fail(s, "client %llu got two sessions", (unsigned long long)a->number);
	c->end = end;
	c->home = home;
	w->load[home]++;
	a->used = false;
	entry->asking--;
}

static void
attempt(struct sim *s, cluster_node n, uint64_t now, struct asked *a, struct outbox *out)
{
	uint8_t tag[RACE_TAG_BYTES];
	size_t server[RACE_SERVERS_MAX];
	uint8_t bytes[RACE_DATAGRAM_BYTES_MAX];
	draw_bytes(s, tag);
	const struct race_rules rules = {.servers = sim_count(s),
					 .limit_us = RACING_LIMIT_MS * 1000};
	race_start(&a->race, now * 1000, &rules, tag, sim_draw(s, UINT32_MAX));
	struct race_init init = {
	    .attempt = (uint8_t)a->race.attempt, .bind = TICKET_BIND_SECRET, .service = "shop"};
	struct ticket_bind bind = bind_of(a);
	memcpy(init.tag, tag, sizeof(tag));
	memcpy(init.hash, bind.value, sizeof(init.hash));
	size_t count = race_write_init(NULL, &init, bytes);
	size_t servers = race_ask(&a->race, now * 1000, server);
	for (size_t i = 0; i < servers; i++) {
		cluster_node to = (cluster_node)server[i];
		if (to == n)
			hear_init(s, n, now, n, bytes, count);
		else
			put_bytes(outbox_add(out, to, DATAGRAM_RACE_INIT), bytes, count);
	}
}

/* A race is over without a session: another, or the ordering. */
static void
go_on(struct sim *s, cluster_node n, uint64_t now, struct asked *a, bool again, struct outbox *out)
{
	struct racing_world *w = sim_world(s);
	if (again) {
		w->again++;
		attempt(s, n, now, a, out);
	} else {
		finish(s, a, RACING_BY_ORDERING, (cluster_node)(a->number % sim_count(s)));
	}
}

static void
hear_offer(struct sim *s, cluster_node n, uint64_t now, cluster_node from,
	   const struct race_offer *offer)
{
	struct racing_node *node = sim_state(s, n);
	struct racing_world *w = sim_world(s);
	for (size_t i = 0; i < AT_ONCE_MAX; i++) {
		struct asked *a = &node->asked[i];
		if (!a->used)
			continue;
		enum race_heard heard = race_offered(&a->race, now * 1000, from, offer);
		w->late += heard == RACE_LATE;
		if (heard == RACE_WON)
			sim_at(s, CALL_US, open_session, a->number);
		if (heard != RACE_STRANGER)
			return;
	}
	w->late++; /* the session is open already */
}

static struct asked *
asked_by(struct sim *s, uint64_t number)
{
	const struct racing_world *w = sim_world(s);
	const struct racing_client *c = &w->client[number];
	if (!sim_on(s, c->entry) || sim_incarnation(s, c->entry) != c->incarnation)
		return NULL;
	struct racing_node *node = sim_state(s, c->entry);
	for (size_t i = 0; i < AT_ONCE_MAX; i++) {
		if (node->asked[i].used && node->asked[i].number == number)
			return &node->asked[i];
	}
	return NULL;
}

static void
on_refused(struct sim *s, cluster_node n, uint64_t now, uint64_t number, struct outbox *out)
{
	struct asked *a = asked_by(s, number);
	if (a != NULL)
		go_on(s, n, now, a, race_refused(&a->race), out);
}

/* The first request, with the ticket: by a connection, so it comes, or is known not to. */
static void
open_session(struct sim *s, uint64_t number)
{
	struct racing_world *w = sim_world(s);
	struct asked *a = asked_by(s, number);
	if (a == NULL)
		return; /* its entry is gone, and the client with it */
	cluster_node home = (cluster_node)a->race.winner;
	if (sim_frozen(s, home)) {
		sim_at(s, PAUSE_US, open_session, number);
		return;
	}
	enum ticket_rejection rejection = TICKET_UNKNOWN_KEY; /* nobody is there */
	if (sim_on(s, home)) {
		struct racing_node *node = sim_state(s, home);
		char text[TICKET_TEXT_BYTES];
		struct writer out = writer_on(text, sizeof(text));
		struct ticket_bind bind = bind_of(a);
		const struct ticket_claims want = {.member = home + 1U, .service = SERVICE};
		struct ticket_claims claims;
		uint64_t now = sim_local_ms(s, home);
		ticket_write(&out, a->race.ticket);
		ticket_keys_tell_time(&node->keys, now);
		rejection = ticket_check(&node->keys, (struct slice){text, sizeof(text)}, &want,
					 &bind, now, &claims);
	}
	if (rejection == TICKET_NONE) {
		race_opened(&a->race);
		finish(s, a, RACING_OPENED, home);
		return;
	}
	w->refused++;
	sim_after(s, w->client[number].entry, 1, on_refused, number);
}

static void
on_client(struct sim *s, cluster_node n, uint64_t now, uint64_t number, struct outbox *out)
{
	struct racing_node *node = sim_state(s, n);
	for (size_t i = 0; i < AT_ONCE_MAX; i++) {
		struct asked *a = &node->asked[i];
		if (a->used)
			continue;
		memset(a, 0, sizeof(*a));
		a->used = true;
		node->asking++;
		a->number = number;
		draw_bytes(s, a->secret);
		attempt(s, n, now, a, out);
		return;
	}
	sim_fail(s, "too many races at once");
}

void
racing_come(struct sim *s, cluster_node entry)
{
	struct racing_world *w = sim_world(s);
	if (w->clients == RACING_CLIENTS_MAX) {
		sim_fail(s, "too many clients");
		return;
	}
	uint64_t number = w->clients++;
	w->client[number] =
	    (struct racing_client){.entry = entry, .incarnation = sim_incarnation(s, entry)};
	sim_after(s, entry, 1, on_client, number);
}

/* ---- the program ------------------------------------------------------------------------------
 */

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	(void)out;
	struct racing_node *node = sim_state(s, n);
	uint8_t master[16];
	draw_bytes(s, master);
	ticket_keys_init(&node->keys, master, now);
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	(void)out;
	struct race_offer offer;
	if (in->type == DATAGRAM_RACE_INIT)
		hear_init(s, n, now, in->from, in->body, in->bytes);
	else if (race_read_offer(NULL, in->body, in->bytes, &offer) != RACE_BAD)
		hear_offer(s, n, now, in->from, &offer);
	else
		sim_fail(s, "an OFFER came damaged");
}

static void
answer_due(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct racing_node *node = sim_state(s, n);
	struct race_pending p;
	while (race_host_due(&node->host, now * 1000, &p)) {
		struct race_offer offer = offer_of(s, n, now, &p);
		uint8_t bytes[RACE_DATAGRAM_BYTES_MAX];
		size_t count = race_write_offer(NULL, &offer, bytes);
		if (p.client.port == n)
			hear_offer(s, n, now, n, &offer);
		else
			put_bytes(outbox_add(out, p.client.port, DATAGRAM_RACE_OFFER), bytes,
				  count);
	}
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct racing_node *node = sim_state(s, n);
	answer_due(s, n, now, out);
	for (size_t i = 0; i < AT_ONCE_MAX && node->asking > 0; i++) {
		struct asked *a = &node->asked[i];
		if (a->used && race_next(&a->race) <= now * 1000)
			go_on(s, n, now, a, race_again(&a->race, now * 1000), out);
	}
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	const struct racing_node *node = sim_state(s, n);
	uint64_t soonest = race_host_next(&node->host);
	for (size_t i = 0; i < AT_ONCE_MAX && node->asking > 0; i++) {
		if (node->asked[i].used && race_next(&node->asked[i].race) < soonest)
			soonest = race_next(&node->asked[i].race);
	}
	return soonest == RACE_NEVER ? CLUSTER_NEVER : (soonest + 999) / 1000;
}

const struct sim_program racing_program = {.state_bytes = sizeof(struct racing_node),
					   .boot = boot,
					   .receive = receive,
					   .tick = tick,
					   .next = next};

void
racing_cluster(struct sim *s, cluster_node count)
{
	struct cluster_nodes nodes = {.count = count};
	for (size_t i = 0; i < count; i++)
		nodes.node[i].id[0] = (char)('a' + i);
	if (!digest_init() || cluster_nodes_seal(&nodes, NULL) != RESULT_OK)
		abort();
	sim_cluster(s, &nodes);
	for (cluster_node n = 0; n < count; n++)
		sim_boot(s, n);
}

void
racing_end(struct sim *s)
{
	struct racing_world *w = sim_world(s);
	for (uint64_t i = 0; i < w->clients; i++) {
		struct racing_client *c = &w->client[i];
		bool lost = sim_incarnation(s, c->entry) != c->incarnation;
		if (c->end == RACING_OPEN_YET && !lost)
			sim_fail(s, "client %llu has no session", (unsigned long long)i);
		if (c->end == RACING_OPEN_YET)
			c->end = RACING_LOST;
	}
	for (cluster_node n = 0; n < sim_count(s); n++) {
		const struct racing_node *node = sim_state(s, n);
		if (sim_on(s, n) && node->host.count > 0)
			sim_fail(s, "node %u still holds answers", n);
	}
}
