/* sim.c: nodes, clocks and the order of events; see sim.h. */
#include "inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
zeroed(size_t bytes)
{
	void *at = calloc(1, bytes > 0 ? bytes : 1);
	if (at == NULL)
		abort();
	return at;
}

/* ---- the heap of events --------------------------------------------------------------------- */

static bool
sooner(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void
sim_push(struct sim *s, struct sim_event event)
{
	if (s->heap_count == SIM_EVENTS_MAX) {
		sim_fail(s, "%d events wait: an explosion", SIM_EVENTS_MAX);
		if (event.kind == SIM_DATAGRAM)
			free(event.what.datagram);
		return;
	}
	if (s->heap_count == s->heap_room) {
		s->heap_room = s->heap_room == 0 ? 256 : s->heap_room * 2;
		struct sim_event *heap = realloc(s->heap, s->heap_room * sizeof(heap[0]));
		if (heap == NULL)
			abort();
		s->heap = heap;
	}
	event.order = s->orders++;
	size_t at = s->heap_count++;
	for (; at > 0 && sooner(&event, &s->heap[(at - 1) / 2]); at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = event;
}

static struct sim_event
pop(struct sim *s)
{
	struct sim_event first = s->heap[0];
	struct sim_event last = s->heap[--s->heap_count];
	size_t at = 0;
	for (size_t child; (child = 2 * at + 1) < s->heap_count; at = child) {
		if (child + 1 < s->heap_count && sooner(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!sooner(&s->heap[child], &last))
			break;
		s->heap[at] = s->heap[child];
	}
	s->heap[at] = last;
	return first;
}

/* ---- time and chance ------------------------------------------------------------------------ */

uint64_t
sim_now_us(const struct sim *s)
{
	return s->now_us;
}

static int64_t
local_us(const struct sim_node *node, uint64_t true_us)
{
	int64_t t = (int64_t)true_us;
	return node->clock_offset_us + t + t * node->clock_off_ppm / 1000000;
}

uint64_t
sim_local_ms(const struct sim *s, cluster_node n)
{
	return (uint64_t)local_us(&s->node[n], s->now_us) / 1000;
}

/* The first instant of true time at which the node's clock shows `local_ms`. */
static uint64_t
true_us(const struct sim_node *node, uint64_t local_ms)
{
	int64_t want = (int64_t)local_ms * 1000;
	int64_t t = (want - node->clock_offset_us) * 1000000 / (1000000 + node->clock_off_ppm) - 2;
	t = t < 0 ? 0 : t;
	while (local_us(node, (uint64_t)t) < want)
		t++;
	return (uint64_t)t;
}

void
sim_clock_rate(struct sim *s, cluster_node n, int64_t off_ppm)
{
	s->node[n].clock_off_ppm = off_ppm;
}

void
sim_late(struct sim *s, uint64_t late_us)
{
	s->late_us = late_us;
}

uint64_t
sim_draw(struct sim *s, uint64_t below)
{
	assert(below >= 1);
	return prng_next(&s->chance) % below;
}

uint64_t
sim_between(struct sim *s, uint64_t low, uint64_t high)
{
	assert(low <= high);
	return low + sim_draw(s, high - low + 1);
}

bool
sim_chance(struct sim *s, uint32_t ppm)
{
	return ppm > 0 && sim_draw(s, 1000000) < ppm;
}

void
sim_at(struct sim *s, uint64_t delay_us, sim_call *call, uint64_t argument)
{
	struct sim_event e = {.at_us = s->now_us + delay_us, .kind = SIM_CALL};
	e.what.call = call;
	e.argument = argument;
	sim_push(s, e);
}

void
sim_after(struct sim *s, cluster_node n, uint64_t delay_us, sim_node_call *call, uint64_t argument)
{
	struct sim_event e = {.at_us = s->now_us + delay_us, .kind = SIM_NODE_CALL, .node = n};
	e.incarnation = s->node[n].incarnation;
	e.what.node_call = call;
	e.argument = argument;
	sim_push(s, e);
}

/* ---- nodes ---------------------------------------------------------------------------------- */

void
sim_cluster(struct sim *s, const struct cluster_nodes *nodes)
{
	const struct sim_program *program = s->scenario->program;
	assert(s->count == 0);
	s->count = nodes->count;
	for (cluster_node n = 0; n < s->count; n++) {
		struct sim_node *node = &s->node[n];
		node->nodes = *nodes;
		node->nodes.self = n;
		node->state = zeroed(program->state_bytes);
		node->disk = zeroed(program->disk_bytes);
		node->clock_offset_us = (int64_t)sim_draw(s, 1000 * SIM_SECOND_US);
		node->clock_off_ppm = (int64_t)sim_draw(s, 20001) - 10000;
	}
	sim_links(s, &sim_link_lan);
}

cluster_node
sim_count(const struct sim *s)
{
	return s->count;
}

struct cluster_nodes *
sim_nodes(struct sim *s, cluster_node n)
{
	return &s->node[n].nodes;
}

void *
sim_state(struct sim *s, cluster_node n)
{
	return s->node[n].state;
}

void *
sim_disk(struct sim *s, cluster_node n)
{
	return s->node[n].disk;
}

void *
sim_world(struct sim *s)
{
	return s->world;
}

uint64_t
sim_incarnation(const struct sim *s, cluster_node n)
{
	return s->node[n].incarnation;
}

bool
sim_on(const struct sim *s, cluster_node n)
{
	return s->node[n].on;
}

bool
sim_frozen(const struct sim *s, cluster_node n)
{
	return s->node[n].frozen;
}

void
sim_length(struct sim *s, uint64_t length_us)
{
	s->length_us = length_us;
}

/* After anything happened on the node: sends what it said, and sees when it wants its tick. */
static void
settle(struct sim *s, cluster_node n)
{
	struct sim_node *node = &s->node[n];
	if (!node->on)
		return;
	sim_flush(s, n);
	uint64_t wanted = s->scenario->program->next(s, n);
	if (wanted == node->wanted_ms && node->tick_us > s->now_us)
		return;
	node->wanted_ms = wanted;
	node->tick_us = UINT64_MAX;
	if (wanted == CLUSTER_NEVER)
		return;
	node->tick_us = true_us(node, wanted) + sim_draw(s, s->late_us + 1);
	if (node->tick_us <= s->now_us)
		node->tick_us = s->now_us + 1;
}

static void
tick(struct sim *s, cluster_node n)
{
	s->node[n].tick_us = UINT64_MAX;
	s->node[n].wanted_ms = CLUSTER_NEVER;
	s->scenario->program->tick(s, n, sim_local_ms(s, n), &s->out);
	settle(s, n);
}

void
sim_boot(struct sim *s, cluster_node n)
{
	static const uint8_t master[16] = {'s', 'i', 'm'};
	static const struct datagram_secret secret = {{"k1", 2}, master};
	struct sim_node *node = &s->node[n];
	if (node->on)
		return;
	node->on = true;
	node->frozen = false;
	node->backlog_count = 0;
	node->incarnation++;
	if (sim_chance(s, 500000)) /* the machine started, not the process alone: another clock */
		node->clock_offset_us = (int64_t)sim_draw(s, SIM_SECOND_US);
	node->wanted_ms = CLUSTER_NEVER;
	node->tick_us = UINT64_MAX;
	memset(node->state, 0, s->scenario->program->state_bytes);
	datagram_codec_init(&node->codec, SLICE("sim"), &secret, 1, &node->nodes,
			    node->incarnation);
	sim_note(s, n, "! boots");
	s->scenario->program->boot(s, n, sim_local_ms(s, n), &s->out);
	settle(s, n);
}

static void
drop_backlog(struct sim_node *node)
{
	for (size_t i = 0; i < node->backlog_count; i++) {
		if (node->backlog[i].kind == SIM_DATAGRAM)
			free(node->backlog[i].what.datagram);
	}
	node->backlog_count = 0;
}

void
sim_crash(struct sim *s, cluster_node n)
{
	struct sim_node *node = &s->node[n];
	if (!node->on)
		return;
	sim_note(s, n, "! crashes");
	if (s->scenario->program->crashed != NULL)
		s->scenario->program->crashed(s, n);
	node->on = false;
	node->frozen = false;
	drop_backlog(node);
}

void
sim_freeze(struct sim *s, cluster_node n)
{
	struct sim_node *node = &s->node[n];
	if (!node->on || node->frozen)
		return;
	sim_note(s, n, "! freezes");
	node->frozen = true;
}

/* What waited comes in its order; the tick that is overdue before it, or after. */
void
sim_thaw(struct sim *s, cluster_node n)
{
	struct sim_node *node = &s->node[n];
	if (!node->on || !node->frozen)
		return;
	sim_note(s, n, "! thaws");
	node->frozen = false;
	for (size_t i = 0; i < node->backlog_count; i++) {
		node->backlog[i].at_us = s->now_us + 1;
		sim_push(s, node->backlog[i]);
	}
	node->backlog_count = 0;
	if (node->tick_us <= s->now_us)
		node->tick_us = s->now_us + sim_draw(s, 2) * 2;
}

void
sim_repair(struct sim *s)
{
	sim_heal(s);
	for (cluster_node n = 0; n < s->count; n++) {
		sim_thaw(s, n);
		sim_boot(s, n);
	}
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void
happen_on_node(struct sim *s, struct sim_event *e)
{
	struct sim_node *node = &s->node[e->node];
	if (node->on && node->frozen && node->backlog_count < SIM_BACKLOG_MAX) {
		node->backlog[node->backlog_count++] = *e;
		return;
	}
	if (e->kind == SIM_DATAGRAM) {
		if (node->on && !node->frozen) {
			sim_arrive(s, e->node, e->what.datagram, e->argument);
			settle(s, e->node);
		}
		free(e->what.datagram);
	} else if (node->on && !node->frozen && node->incarnation == e->incarnation) {
		e->what.node_call(s, e->node, sim_local_ms(s, e->node), e->argument, &s->out);
		settle(s, e->node);
	}
}

/* The next thing of all: a tick, or what stands first in the heap. False: nothing until the end. */
static bool
step(struct sim *s)
{
	cluster_node first = NODE_NONE;
	uint64_t at_us = s->heap_count > 0 ? s->heap[0].at_us : UINT64_MAX;
	for (cluster_node n = 0; n < s->count; n++) {
		const struct sim_node *node = &s->node[n];
		if (node->on && !node->frozen && node->tick_us < at_us) {
			at_us = node->tick_us;
			first = n;
		}
	}
	if (at_us > s->length_us)
		return false;
	s->now_us = at_us;
	if (++s->outcome->events > SIM_EVENTS_RUN_MAX)
		sim_fail(s, "more than %d events: a loop", SIM_EVENTS_RUN_MAX);
	if (first != NODE_NONE) {
		tick(s, first);
	} else {
		struct sim_event e = pop(s);
		if (e.kind == SIM_CALL)
			e.what.call(s, e.argument);
		else
			happen_on_node(s, &e);
	}
	if (s->scenario->check != NULL && !s->outcome->failed)
		s->scenario->check(s);
	return !s->outcome->failed;
}

static void
clear(struct sim *s)
{
	for (size_t i = 0; i < s->heap_count; i++) {
		if (s->heap[i].kind == SIM_DATAGRAM)
			free(s->heap[i].what.datagram);
	}
	free(s->heap);
	for (cluster_node n = 0; n < s->count; n++) {
		drop_backlog(&s->node[n]);
		free(s->node[n].state);
		free(s->node[n].disk);
	}
	free(s->world);
}

void
sim_run(const struct sim_scenario *scenario, uint64_t seed, size_t trace_lines,
	struct sim_outcome *outcome)
{
	static struct sim s;
	memset(&s, 0, sizeof(s));
	memset(outcome, 0, sizeof(*outcome));
	s.scenario = scenario;
	s.outcome = outcome;
	s.chance.state = seed;
	s.length_us = scenario->length_us;
	s.late_us = 2 * SIM_MS_US;
	s.world = zeroed(scenario->world_bytes);
	sim_trace_start(&s, trace_lines);
	scenario->start(&s);
	assert(s.count > 0);
	while (step(&s))
		;
	s.now_us = s.outcome->failed ? s.now_us : s.length_us;
	if (scenario->end != NULL && !outcome->failed)
		scenario->end(&s);
	sim_trace_end(&s);
	clear(&s);
}
