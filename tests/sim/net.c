/* net.c: the links of the simulator: what a node says, on its way to the others; see sim.h. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

const struct sim_link sim_link_lan = {.base_us = 100, .jitter_us = 200};

struct sim_link *
sim_link(struct sim *s, cluster_node from, cluster_node to)
{
	return &s->link[from][to];
}

void
sim_links(struct sim *s, const struct sim_link *all)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t j = 0; j < s->count; j++)
			s->link[i][j] = *all;
	}
}

void
sim_cut(struct sim *s, cluster_node from, cluster_node to)
{
	sim_note(s, from, "! cut to %s", sim_name(s, to));
	s->link[from][to].cut = true;
}

void
sim_partition(struct sim *s, uint64_t side)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t j = 0; j < s->count; j++) {
			if ((side >> i & 1) != (side >> j & 1))
				s->link[i][j].cut = true;
		}
	}
	sim_note(s, 0, "! partition %llx", (unsigned long long)side);
}

void
sim_heal(struct sim *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t j = 0; j < s->count; j++) {
			struct sim_link *link = &s->link[i][j];
			link->cut = false;
			link->loss_ppm = link->duplicate_ppm = 0;
			link->late_ppm = link->damage_ppm = 0;
		}
	}
	sim_note(s, 0, "! the network heals");
}

uint64_t
sim_sent(const struct sim *s, enum datagram_type type)
{
	return s->sent[type];
}

static void
damage(struct sim *s, uint8_t *datagram, uint64_t *bytes)
{
	if (sim_chance(s, 500000))
		*bytes = sim_draw(s, *bytes);
	else
		datagram[sim_draw(s, *bytes)] ^= (uint8_t)(1U << sim_draw(s, 8));
}

static void
carry(struct sim *s, const struct sim_link *link, cluster_node to, const uint8_t *datagram,
      size_t bytes)
{
	struct sim_event e = {.kind = SIM_DATAGRAM, .node = to, .argument = bytes};
	e.what.datagram = malloc(bytes);
	if (e.what.datagram == NULL)
		abort();
	memcpy(e.what.datagram, datagram, bytes);
	e.at_us = s->now_us + 1 + link->base_us + sim_draw(s, link->jitter_us + 1);
	if (sim_chance(s, link->late_ppm))
		e.at_us += sim_draw(s, link->late_us + 1);
	if (sim_chance(s, link->damage_ppm))
		damage(s, e.what.datagram, &e.argument);
	sim_push(s, e);
}

static void
send_one(struct sim *s, cluster_node from, cluster_node to, uint8_t type, const uint8_t *datagram,
	 size_t bytes)
{
	const struct sim_link *link = &s->link[from][to];
	s->sent[type]++;
	if (link->cut || sim_chance(s, link->loss_ppm))
		return;
	carry(s, link, to, datagram, bytes);
	if (sim_chance(s, link->duplicate_ppm))
		carry(s, link, to, datagram, bytes);
}

void
sim_flush(struct sim *s, cluster_node n)
{
	uint8_t datagram[DATAGRAM_BYTES_MAX];
	uint64_t epoch = 0;
	uint64_t term = 0;
	if (s->scenario->program->head != NULL)
		s->scenario->program->head(s, n, &epoch, &term);
	for (size_t i = 0; i < s->out.count; i++) {
		const struct outgoing *o = &s->out.list[i];
		size_t bytes = datagram_encode(&s->node[n].codec, o, epoch, term, datagram);
		sim_note(s, n, "> %s to %s", datagram_type_text(o->type),
			 o->to == NODE_ALL ? "all" : sim_name(s, o->to));
		for (cluster_node to = 0; to < s->count; to++) {
			if (to != n && (o->to == to || o->to == NODE_ALL))
				send_one(s, n, to, o->type, datagram, bytes);
		}
	}
	if (s->out.lost > 0)
		sim_fail(s, "node %s fills its outbox", sim_name(s, n));
	s->out.count = 0;
}

void
sim_arrive(struct sim *s, cluster_node n, const uint8_t *datagram, size_t bytes)
{
	struct incoming in;
	enum datagram_drop drop = datagram_decode(&s->node[n].codec, datagram, bytes, &in);
	if (drop != DATAGRAM_LET_IN) {
		sim_note(s, n, "x dropped: %s", datagram_drop_text(drop));
		return;
	}
	sim_note(s, n, "< %s from %s", datagram_type_text(in.type), sim_name(s, in.from));
	s->scenario->program->receive(s, n, sim_local_ms(s, n), &in, &s->out);
}
