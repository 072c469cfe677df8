/* engines.c: what the scenarios of leases and roles share; see engines.h. */
#include "engines.h"

#include <stdlib.h>
#include <string.h>

const char *const engines_role[ENGINES_ROLES] = {ROLE_CLUSTER, "r1", "r2"};

/* A node's memory: the engine, and the processes beside it that want roles. */
struct node {
	struct engine engine;
	uint64_t ask_at[ENGINES_ROLES]; /* CLUSTER_NEVER: an acquire is under way, or it is held */
	uint64_t leave_at[ENGINES_ROLES]; /* held, and then given back */
	uint64_t read_at;
	uint64_t write_at;
	size_t reading; /* in the history; REGISTER_OPERATIONS_MAX: none is recorded */
	size_t writing;
	uint64_t read_term; /* the last grant when the read began */
	bool reads;
	bool writes;
	_Alignas(max_align_t) uint8_t state[ENGINES_STATE_BYTES_MAX]; /* the driver's */
};

static struct node *
at(struct sim *s, cluster_node n)
{
	return sim_state(s, n);
}

struct embedded *
engines_embedded(struct sim *s, cluster_node n)
{
	return engines_state(s, n);
}

void *
engines_state(struct sim *s, cluster_node n)
{
	return at(s, n)->state;
}

static uint64_t
waits_ms(struct sim *s, cluster_node n)
{
	const struct engines_world *world = sim_world(s);
	if (world->rush)
		return sim_draw(s, 30);
	return 150 + 60 * (uint64_t)n; /* as the election's D_i are: each its own */
}

static bool
late(struct sim *s)
{
	return sim_now_us(s) > sim_chaos_end(s);
}

static size_t
role_index(const char *role)
{
	size_t i = 0;
	while (i + 1 < ENGINES_ROLES && strcmp(engines_role[i], role) != 0)
		i++;
	return i;
}

/* ---- what the engine tells --------------------------------------------------------------------
 */

static uint64_t
value_of(const struct document *d)
{
	uint64_t value = 0;
	if (d != NULL)
		memcpy(&value, d->at, sizeof(value));
	return value;
}

/* Terms grow from grant to grant; where clocks run wild, a term has one owner. */
static void
check_term(struct sim *s, cluster_node n, size_t role, uint64_t term)
{
	struct engines_world *world = sim_world(s);
	if (!world->wild_clocks && term <= world->term[role])
		sim_fail(s, "node %u: %s was granted with term %llu after term %llu", n,
			 engines_role[role], (unsigned long long)term,
			 (unsigned long long)world->term[role]);
	for (size_t i = 0; i < world->owners; i++)
		if (world->owned[i].role == role && world->owned[i].term == term)
			sim_fail(s, "node %u: term %llu of %s has an owner", n,
				 (unsigned long long)term, engines_role[role]);
	if (world->owners == ENGINES_OWNERS_MAX)
		return;
	world->owned[world->owners].role = role;
	world->owned[world->owners++].term = term;
	if (term > world->term[role])
		world->term[role] = term;
}

static void
on_granted(struct sim *s, cluster_node n, uint64_t now, size_t role, const struct engine_event *e)
{
	struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	struct engines_hold *hold = &world->hold[n][role];
	if (hold->told)
		sim_fail(s, "node %u: %s was granted twice", n, e->role);
	if (sim_now_us(s) < world->ghost_until_us[n][role] && !world->wild_clocks)
		sim_fail(s, "node %u: %s was granted while its former run may act on it", n,
			 e->role);
	check_term(s, n, role, e->term);
	if (world->holder[role] != n)
		world->takeovers++;
	world->holder[role] = n;
	world->granted[role] += late(s);
	*hold = (struct engines_hold){true, e->until, e->term};
	node->leave_at[role] = CLUSTER_NEVER;
	if (world->rush || (world->restless && sim_draw(s, 3) == 0))
		node->leave_at[role] =
		    now + sim_draw(s, (world->rush ? 1 : 10) * world->timing.lease_ms);
	if (role == 0)
		node->write_at = now + sim_draw(s, 100);
	sim_note(s, n, "# granted %s, term %llu", e->role, (unsigned long long)e->term);
}

static void
on_read(struct sim *s, cluster_node n, const struct engine_event *e)
{
	struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	bool well = e->kind == ENGINE_READ;
	node->reads = false;
	world->read_late += well && late(s);
	if (well && e->term < node->read_term && !world->wild_clocks)
		sim_fail(s, "node %u read term %llu, %llu was granted before", n,
			 (unsigned long long)e->term, (unsigned long long)node->read_term);
	sim_note(s, n, "# read %llu", well ? (unsigned long long)value_of(e->document) : 0);
	if (node->reading == REGISTER_OPERATIONS_MAX)
		return;
	struct register_operation *o = &world->history.operation[node->reading];
	o->value = value_of(e->document);
	if (well)
		o->end = sim_now_us(s);
}

static void
on_written(struct sim *s, cluster_node n, const struct engine_event *e)
{
	struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	bool well = e->kind == ENGINE_WRITTEN;
	node->writes = false;
	world->written_late += well && late(s);
	sim_note(s, n, "# %s %llu", well ? "written" : "unwritten",
		 well ? (unsigned long long)value_of(e->document) : 0);
	if (node->writing != REGISTER_OPERATIONS_MAX && well)
		world->history.operation[node->writing].end = sim_now_us(s);
}

static void
on_event(struct sim *s, cluster_node n, uint64_t now, const struct engine_event *e)
{
	struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	size_t role = role_index(e->role);
	switch (e->kind) {
	case ENGINE_GRANTED:
		on_granted(s, n, now, role, e);
		break;
	case ENGINE_RENEWED:
		world->hold[n][role].until = e->until;
		break;
	case ENGINE_REFUSED:
		node->ask_at[role] = now + waits_ms(s, n) + (world->rush ? 0 : e->wait_ms);
		sim_note(s, n, "# refused %s: %s", e->role, lease_refusal_text(e->refusal));
		break;
	case ENGINE_LOST:
		if (!world->hold[n][role].told)
			sim_fail(s, "node %u: %s was lost and not held", n, e->role);
		world->hold[n][role].told = false;
		node->ask_at[role] = now + waits_ms(s, n);
		node->leave_at[role] = CLUSTER_NEVER;
		sim_note(s, n, "# lost %s", e->role);
		break;
	case ENGINE_READ:
	case ENGINE_UNREAD:
		on_read(s, n, e);
		break;
	case ENGINE_WRITTEN:
	case ENGINE_UNWRITTEN:
		on_written(s, n, e);
		break;
	}
}

/* ---- the engine `embedded` -------------------------------------------------------------------
 */

static void
put_on_disk(struct sim *s, cluster_node n)
{
	struct engines_disk *disk = sim_disk(s, n);
	disk->has_image = true;
	register_image_copy(&disk->image, &engines_embedded(s, n)->voter.saving);
}

static void
saved(struct sim *s, cluster_node n, uint64_t now, uint64_t unused, struct outbox *out)
{
	(void)unused;
	put_on_disk(s, n);
	embedded_saved(engines_embedded(s, n), now, out);
	engines_pump(s, n, now);
}

static void
no_room(struct sim *s, cluster_node n, uint64_t now, uint64_t unused, struct outbox *out)
{
	const struct problem why = {"no space"};
	(void)unused;
	(void)out;
	embedded_wait_for_room(engines_embedded(s, n), now, &why);
	engines_pump(s, n, now);
}

static struct engine
boot_embedded(struct sim *s, cluster_node n, uint64_t now, void *state)
{
	const struct engines_world *world = sim_world(s);
	const struct engines_disk *disk = sim_disk(s, n);
	embedded_init(state, sim_nodes(s, n), &world->timing, sim_incarnation(s, n),
		      disk->has_image ? &disk->image : NULL, now);
	return embedded_engine(state);
}

static void
turn_embedded(struct sim *s, cluster_node n, uint64_t now, void *state)
{
	const struct engines_world *world = sim_world(s);
	(void)now;
	if (embedded_save(state) == NULL)
		return;
	bool full = world->full_one_in != 0 && sim_draw(s, world->full_one_in) == 0;
	sim_after(s, n, 300 + sim_draw(s, world->save_us_max), full ? no_room : saved, 0);
}

static void
crashed_embedded(struct sim *s, cluster_node n, void *state)
{
	struct embedded *embedded = state;
	/* What was on its way to the disk is there, or is not. */
	if (embedded->is_voter && embedded->voter.saving_up_to != 0 && sim_draw(s, 2) == 0)
		put_on_disk(s, n);
	embedded_deinit(embedded);
}

static void
end_embedded(struct sim *s)
{
	for (cluster_node n = 0; n < sim_count(s); n++) {
		struct engines_disk *disk = sim_disk(s, n);
		register_image_deinit(&disk->image);
	}
}

static const struct engines_driver embedded_driver = {.state_bytes = sizeof(struct embedded),
						      .boot = boot_embedded,
						      .turn = turn_embedded,
						      .crashed = crashed_embedded,
						      .end = end_embedded};

void
engines_pump(struct sim *s, cluster_node n, uint64_t now)
{
	const struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	struct engine_event event;
	while (engine_take(&node->engine, &event)) {
		on_event(s, n, now, &event);
		document_unref(&event.document);
	}
	world->driver->turn(s, n, now, node->state);
}

/* ---- the program -----------------------------------------------------------------------------
 */

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	(void)out;
	node->engine = world->driver->boot(s, n, now, node->state);
	for (size_t role = 0; role < ENGINES_ROLES; role++) {
		node->ask_at[role] = now + sim_draw(s, 2000);
		node->leave_at[role] = CLUSTER_NEVER;
		world->hold[n][role].told = false;
	}
	node->read_at = now + sim_draw(s, 2000);
	node->write_at = CLUSTER_NEVER;
	engines_pump(s, n, now);
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	if (!engine_receive(&at(s, n)->engine, now, in, out))
		sim_fail(s, "a type that is not the engine's");
	engines_pump(s, n, now);
}

static void
write_value(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	static uint8_t bytes[DOCUMENT_BYTES_MAX];
	uint64_t value = ++world->values;
	size_t size = 8 + sim_draw(s, sim_draw(s, 8) == 0 ? world->document_bytes_max : 500);
	memset(bytes, (int)(value % 251), size);
	memcpy(bytes, &value, sizeof(value));
	struct document *d = document_create(bytes, size);
	if (d == NULL)
		abort();
	node->writes = true;
	node->writing = register_history_begin(&world->history, true, value, sim_now_us(s));
	sim_note(s, n, "# writes %llu, %zu bytes", (unsigned long long)value, size);
	engine_write(&node->engine, now, ROLE_CLUSTER, d, out);
	document_unref(&d);
}

static void
act(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	for (size_t role = 0; role < ENGINES_ROLES; role++) {
		if (now >= node->leave_at[role]) {
			node->leave_at[role] = CLUSTER_NEVER;
			world->hold[n][role].told = false;
			node->ask_at[role] = now + (world->rush ? 0 : world->timing.lease_ms);
			sim_note(s, n, "# releases %s", engines_role[role]);
			engine_release(&node->engine, now, engines_role[role], out);
		}
		if (now >= node->ask_at[role]) {
			node->ask_at[role] = CLUSTER_NEVER;
			engine_acquire(&node->engine, now, engines_role[role], out);
		}
	}
	if (now >= node->read_at && !node->reads) {
		node->read_at = now + 50 + sim_draw(s, 1000);
		node->reads = true;
		node->read_term = world->term[0];
		node->reading = register_history_begin(&world->history, false, 0, sim_now_us(s));
		engine_read(&node->engine, now, ROLE_CLUSTER, out);
	}
	if (now >= node->write_at && !node->writes) {
		node->write_at = CLUSTER_NEVER;
		if (engine_owns(&node->engine, now, ROLE_CLUSTER, NULL, NULL)) {
			node->write_at = now + 20 + sim_draw(s, 1000);
			write_value(s, n, now, out);
		}
	}
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	engine_tick(&at(s, n)->engine, now, out);
	engines_pump(s, n, now);
	act(s, n, now, out);
	engines_pump(s, n, now);
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	const struct node *node = at(s, n);
	uint64_t when = engine_next(&node->engine);
	for (size_t role = 0; role < ENGINES_ROLES; role++)
		when = sooner(when, sooner(node->ask_at[role], node->leave_at[role]));
	if (!node->reads)
		when = sooner(when, node->read_at);
	if (!node->writes)
		when = sooner(when, node->write_at);
	return when;
}

/* The processes beside the node do not know: they go on until the time that they were told. */
static void
leave_ghosts(struct sim *s, cluster_node n)
{
	struct engines_world *world = sim_world(s);
	uint64_t now = sim_local_ms(s, n);
	for (size_t role = 0; role < ENGINES_ROLES; role++) {
		const struct engines_hold *hold = &world->hold[n][role];
		if (!hold->told || now >= hold->until)
			continue;
		uint64_t rest_us = (hold->until - now) * SIM_MS_US;
		world->ghost_until_us[n][role] =
		    sim_now_us(s) +
		    (uint64_t)((int64_t)rest_us * 1000000 / (1000000 + world->rate_ppm[n]));
		world->hold[n][role].told = false;
	}
}

static void
crashed(struct sim *s, cluster_node n)
{
	const struct engines_world *world = sim_world(s);
	struct node *node = at(s, n);
	leave_ghosts(s, n);
	world->driver->crashed(s, n, node->state);
}

const struct sim_program engines_program = {.state_bytes = sizeof(struct node),
					    .disk_bytes = sizeof(struct engines_disk),
					    .boot = boot,
					    .receive = receive,
					    .tick = tick,
					    .next = next,
					    .crashed = crashed};

/* ---- the world -------------------------------------------------------------------------------
 */

static void
boot_one(struct sim *s, uint64_t n)
{
	sim_boot(s, (cluster_node)n);
}

void
engines_start(struct sim *s, cluster_node count, size_t voters, uint32_t lease_ms)
{
	struct engines_world *world = sim_world(s);
	struct cluster_nodes nodes = {.count = count};
	for (cluster_node i = 0; i < count; i++) {
		nodes.node[i].id[0] = (char)('a' + i);
		nodes.node[i].rank = i;
		nodes.node[i].voter = i < voters;
	}
	if (cluster_nodes_seal(&nodes, NULL) != RESULT_OK)
		abort();
	if (world->driver == NULL)
		world->driver = &embedded_driver;
	if (world->driver->state_bytes > ENGINES_STATE_BYTES_MAX)
		abort();
	world->timing = lease_timing_of(lease_ms);
	world->document_bytes_max = 3000;
	world->save_us_max = 20 * SIM_MS_US;
	for (size_t role = 0; role < ENGINES_ROLES; role++)
		world->holder[role] = NODE_NONE;
	sim_cluster(s, &nodes);
	for (cluster_node n = 0; n < count; n++) {
		/* The ends of what is allowed come often. */
		int64_t rate = (int64_t)sim_draw(s, 20001) - 10000;
		if (sim_draw(s, 2) == 0)
			rate = rate < 0 ? -10000 : 10000;
		world->rate_ppm[n] = rate;
		sim_clock_rate(s, n, rate);
		sim_at(s, sim_draw(s, SIM_SECOND_US), boot_one, n);
	}
}

static void
chaos_begins(struct sim *s, uint64_t until_us)
{
	const struct sim_chaos chaos = {.until_us = until_us,
					.every_us = sim_between(s, 300, 3000) * SIM_MS_US,
					.last_us = sim_between(s, 100, 6000) * SIM_MS_US,
					.crashes = sim_draw(s, 4) != 0,
					.freezes = sim_draw(s, 4) != 0,
					.cuts = sim_draw(s, 4) != 0,
					.partitions = sim_draw(s, 4) != 0,
					.loss_ppm = (uint32_t)sim_draw(s, 200001)};
	sim_chaos(s, &chaos);
}

void
engines_chaos(struct sim *s, uint64_t until_us)
{
	struct engines_world *world = sim_world(s);
	size_t voters = 3 + 2 * sim_draw(s, 2);
	cluster_node nodes = (cluster_node)(voters + sim_draw(s, 2));
	uint32_t lease_ms = (uint32_t)sim_between(s, 500, 4000);
	engines_start(s, nodes, voters, lease_ms);
	world->restless = sim_draw(s, 2) == 0;
	if (sim_draw(s, 8) == 0)
		world->document_bytes_max = 100000;
	struct sim_link link = sim_link_lan;
	/* Two round trips, of 4 % at most, have room in a negotiation, of 20 %. */
	link.base_us = sim_draw(s, 3) == 0 ? sim_draw(s, lease_ms * 10) : link.base_us;
	link.jitter_us = sim_draw(s, 3) == 0 ? sim_draw(s, lease_ms * 10) : link.jitter_us;
	sim_links(s, &link);
	sim_at(s, ENGINES_BEGIN_US, chaos_begins, until_us);
}

static void
watch_freezes(struct sim *s, struct engines_world *world, cluster_node n)
{
	bool frozen = sim_on(s, n) && sim_frozen(s, n);
	if (world->was_frozen[n] && !frozen)
		world->thawed_us[n] = sim_now_us(s);
	world->was_frozen[n] = frozen;
}

/* Running, it is told in time. */
static void
check_told(struct sim *s, const struct engines_world *world, cluster_node n, size_t role)
{
	const struct engines_hold *hold = &world->hold[n][role];
	bool awake = sim_on(s, n) && !sim_frozen(s, n) &&
		     (world->thawed_us[n] == 0 ||
		      sim_now_us(s) > world->thawed_us[n] + ENGINES_TOLD_LATE_MS * SIM_MS_US);
	if (awake && hold->told && sim_local_ms(s, n) > hold->until + ENGINES_TOLD_LATE_MS)
		sim_fail(s, "node %u was not told that it lost %s", n, engines_role[role]);
}

static bool
holds(struct sim *s, const struct engines_world *world, cluster_node n, size_t role)
{
	if (sim_now_us(s) < world->ghost_until_us[n][role])
		return true;
	uint64_t term;
	uint64_t until;
	if (!sim_on(s, n) ||
	    !engine_owns(&at(s, n)->engine, sim_local_ms(s, n), engines_role[role], &term, &until))
		return false;
	const struct engines_hold *hold = &world->hold[n][role];
	if (!hold->told || hold->term != term || hold->until != until)
		sim_fail(s, "node %u: what it owns of %s is not what it was told", n,
			 engines_role[role]);
	return true;
}

void
engines_check(struct sim *s)
{
	struct engines_world *world = sim_world(s);
	for (cluster_node n = 0; n < sim_count(s); n++)
		watch_freezes(s, world, n);
	for (size_t role = 0; role < ENGINES_ROLES; role++) {
		cluster_node holder = NODE_NONE;
		for (cluster_node n = 0; n < sim_count(s); n++) {
			check_told(s, world, n, role);
			if (!holds(s, world, n, role))
				continue;
			if (holder != NODE_NONE && !world->wild_clocks)
				sim_fail(s, "%s is held by nodes %u and %u", engines_role[role],
					 holder, n);
			holder = n;
		}
	}
}

void
engines_end(struct sim *s)
{
	struct engines_world *world = sim_world(s);
	for (size_t role = 0; role < ENGINES_ROLES; role++) {
		bool held = world->granted[role] > 0;
		for (cluster_node n = 0; n < sim_count(s); n++)
			held = held || holds(s, world, n, role);
		if (!held && !world->may_be_stuck)
			sim_fail(s, "nobody holds %s in the end", engines_role[role]);
	}
	if (world->read_late == 0 && !world->may_be_stuck)
		sim_fail(s, "nobody could read in the end");
	if (world->written_late == 0 && !world->may_be_stuck)
		sim_fail(s, "nobody could write in the end");
	const char *found = register_history_check(&world->history);
	if (found != NULL)
		sim_fail(s, "the register: %s", found);
	sim_measure(s, "takeovers", world->takeovers);
	sim_measure(s, "operations", world->history.count);
	for (cluster_node n = 0; n < sim_count(s); n++)
		sim_crash(s, n);
	world->driver->end(s);
}
