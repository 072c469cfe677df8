/* disks.c: see disks.h. */
#include "disks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum phase { PHASE_WRITE, PHASE_TORN, PHASE_LOOK, PHASE_TELL };

/* One order, in one file. */
struct disks_operation {
	struct sim *sim;
	struct disks_operation *next; /* of all; those that are over are freed at the end */
	cluster_node node;
	size_t file;
	bool dead; /* its node crashed */
	bool over;
	enum phase phase;
	struct disk_file state;
	struct disk_order order;
	struct disk_answer answer;
};

/* A node's memory. */
struct state {
	struct disk disk;
	struct disk_file file[DISK_FILES_MAX];
	struct disks_operation *busy[DISK_FILES_MAX];
	bool waits[DISK_FILES_MAX]; /* the newest order is still to be given to the file */
	bool has_order;
	struct disk_order order; /* the newest */
};

/* ---- a file in memory ------------------------------------------------------------------------
 */

/* How much more is written before the power goes; SIZE_MAX: it stays. */
static size_t power = SIZE_MAX;

static long
read_pages(void *self, void *at, size_t bytes, uint64_t offset)
{
	const struct disks_file *f = self;
	long got = 0;
	for (size_t i = 0; i < bytes / DISK_PAGE_BYTES; i++) {
		size_t page = offset / DISK_PAGE_BYTES + i;
		uint8_t *to = (uint8_t *)at + i * DISK_PAGE_BYTES;
		if (page >= f->pages)
			break;
		if (f->page[page] == NULL)
			memset(to, 0, DISK_PAGE_BYTES);
		else
			memcpy(to, f->page[page], DISK_PAGE_BYTES);
		got += DISK_PAGE_BYTES;
	}
	return got;
}

static bool
write_pages(void *self, const void *at, size_t bytes, uint64_t offset)
{
	struct disks_file *f = self;
	for (size_t done = 0; done < bytes && power > 0;) {
		size_t page = (offset + done) / DISK_PAGE_BYTES;
		size_t from = (offset + done) % DISK_PAGE_BYTES;
		size_t count = DISK_PAGE_BYTES - from;
		if (page >= DISKS_PAGES)
			abort();
		if (count > bytes - done)
			count = bytes - done;
		if (count > power)
			count = power;
		if (page >= f->pages)
			f->pages = page + 1;
		if (f->page[page] == NULL)
			f->page[page] = calloc(1, DISK_PAGE_BYTES);
		if (f->page[page] == NULL)
			abort();
		memcpy(f->page[page] + from, (const uint8_t *)at + done, count);
		done += count;
		power -= power == SIZE_MAX ? 0 : count;
	}
	return true;
}

/* ---- operations ------------------------------------------------------------------------------
 */

static struct disks_world *
world_of(struct sim *s)
{
	return sim_world(s);
}

static void carry_out(struct sim *s, uint64_t operation);

static void
later(struct disks_operation *o, uint64_t delay_us)
{
	sim_at(o->sim, delay_us, carry_out, (uint64_t)(uintptr_t)o);
}

static void
end_operation(struct disks_operation *o)
{
	o->over = true;
	disk_answer_deinit(&o->answer);
	document_unref(&o->order.document);
	disk_file_deinit(&o->state);
}

/* Half of it, and nobody knows that it is half. */
static void
tear(struct disks_operation *o)
{
	struct disks_world *world = world_of(o->sim);
	struct disk_file state = o->state;
	struct disk_answer answer = {.number = 0};
	power = sim_draw(o->sim, 600);
	(void)disk_file_write(&state, &o->order, &answer);
	power = SIZE_MAX;
	disk_answer_deinit(&answer);
	world->torn++;
}

static void give(struct sim *s, cluster_node n, size_t file);

static void
tell(struct sim *s, cluster_node n, uint64_t now, uint64_t operation, struct outbox *out)
{
	struct disks_operation *o = (struct disks_operation *)(uintptr_t)operation;
	struct state *state = engines_state(s, n);
	struct disk_file own = state->file[o->file];
	(void)out;
	state->file[o->file] = o->state;
	state->file[o->file].buffer = own.buffer;
	state->busy[o->file] = NULL;
	disk_answered(&state->disk, now, o->file, &o->answer);
	end_operation(o);
	give(s, n, o->file);
	engines_pump(s, n, now);
}

static bool
fails(struct disks_operation *o)
{
	if (sim_now_us(o->sim) >= world_of(o->sim)->file[o->file].failed_until_us)
		return false;
	o->answer.number = o->order.number;
	o->answer.state = DISK_FILE_FAILED;
	o->state.known = false;
	(void)problem_set(&o->answer.problem, RESULT_IO, "read: %s", strerror(EIO));
	return true;
}

static void
carry_out(struct sim *s, uint64_t operation)
{
	struct disks_operation *o = (struct disks_operation *)(uintptr_t)operation;
	struct disks_world *world = world_of(s);
	uint64_t hung_us = world->file[o->file].hung_until_us;
	bool over = false;
	if (o->dead)
		return;
	if (sim_now_us(s) < hung_us || (sim_frozen(s, o->node) && sim_draw(s, 2) == 0)) {
		later(o, 1 + sim_draw(s, 10 * SIM_MS_US) +
			     (sim_now_us(s) < hung_us ? hung_us - sim_now_us(s) : 0));
		return;
	}
	switch (o->phase) {
	case PHASE_WRITE:
		o->phase = PHASE_TORN;
		if (o->order.writes && sim_draw(s, 8) == 0) {
			tear(o);
			later(o, 1 + sim_draw(s, world->write_us_max));
			return;
		}
		/* FALLTHROUGH */
	case PHASE_TORN:
		over = fails(o) || !disk_file_write(&o->state, &o->order, &o->answer);
		o->phase = over ? PHASE_TELL : PHASE_LOOK;
		break;
	case PHASE_LOOK:
		if (!fails(o))
			(void)disk_file_look(&o->state, &o->order, &o->answer);
		o->phase = PHASE_TELL;
		break;
	case PHASE_TELL:
		sim_after(s, o->node, 1 + sim_draw(s, SIM_MS_US), tell, operation);
		return;
	}
	later(o, 1 + sim_draw(s, world->look_us_max));
}

/* The newest order, to a file that is free. */
static void
give(struct sim *s, cluster_node n, size_t file)
{
	struct disks_world *world = world_of(s);
	struct state *state = engines_state(s, n);
	if (state->busy[file] != NULL || !state->waits[file])
		return;
	struct disks_operation *o = calloc(1, sizeof(*o));
	struct problem p;
	if (o == NULL || disk_file_init(&o->state, &state->file[file].bytes, "sim", n, world->files,
					&p) != RESULT_OK)
		abort();
	uint8_t *buffer = o->state.buffer;
	o->state = state->file[file];
	o->state.buffer = buffer;
	o->sim = s;
	o->node = n;
	o->file = file;
	o->order = state->order;
	o->order.document = document_ref(state->order.document);
	o->next = world->operations;
	world->operations = o;
	state->busy[file] = o;
	state->waits[file] = false;
	later(o, 1 + sim_draw(s, world->write_us_max));
}

/* ---- the driver ------------------------------------------------------------------------------
 */

struct disk *
disks_engine(struct sim *s, cluster_node n)
{
	struct state *state = engines_state(s, n);
	return &state->disk;
}

static struct engine
boot(struct sim *s, cluster_node n, uint64_t now, void *memory)
{
	struct disks_world *world = world_of(s);
	struct state *state = memory;
	struct problem p;
	for (size_t i = 0; i < world->files; i++) {
		const struct disk_bytes bytes = {
		    .self = &world->file[i], .read = read_pages, .write = write_pages};
		if (disk_file_init(&state->file[i], &bytes, "sim", n, world->files, &p) !=
		    RESULT_OK)
			abort();
	}
	disk_init(&state->disk, sim_nodes(s, n), &world->engines.timing, sim_incarnation(s, n), n,
		  world->files, now);
	return disk_engine(&state->disk);
}

static void
turn(struct sim *s, cluster_node n, uint64_t now, void *memory)
{
	struct disks_world *world = world_of(s);
	struct state *state = memory;
	struct disk_order order;
	if (state->disk.phase == DISK_STOPPED)
		sim_fail(s, "node %u stopped: %s", n, state->disk.problem.text);
	if (!disk_take_order(&state->disk, now, &order))
		return;
	document_unref(&state->order.document);
	state->order = order;
	for (size_t i = 0; i < world->files; i++) {
		state->waits[i] = true;
		give(s, n, i);
	}
}

static void
crashed(struct sim *s, cluster_node n, void *memory)
{
	struct disks_world *world = world_of(s);
	struct state *state = memory;
	(void)n;
	for (size_t i = 0; i < world->files; i++) {
		struct disks_operation *o = state->busy[i];
		struct disk_answer answer = {.number = 0};
		if (o != NULL) {
			bool writes = o->phase == PHASE_WRITE || o->phase == PHASE_TORN;
			uint64_t how = sim_draw(s, 3);
			if (writes && how == 1)
				tear(o);
			else if (writes && how == 2)
				(void)disk_file_write(&o->state, &o->order, &answer);
			disk_answer_deinit(&answer);
			o->dead = true;
			end_operation(o);
		}
		disk_file_deinit(&state->file[i]);
	}
	document_unref(&state->order.document);
	disk_deinit(&state->disk);
}

static void
end(struct sim *s)
{
	struct disks_world *world = world_of(s);
	while (world->operations != NULL) {
		struct disks_operation *o = world->operations;
		world->operations = o->next;
		if (!o->over)
			end_operation(o);
		free(o);
	}
	for (size_t i = 0; i < world->files; i++)
		for (size_t page = 0; page < DISKS_PAGES; page++)
			free(world->file[i].page[page]);
	sim_measure(s, "torn writes", world->torn);
}

const struct engines_driver disks_driver = {.state_bytes = sizeof(struct state),
					    .boot = boot,
					    .turn = turn,
					    .crashed = crashed,
					    .end = end};

/* ---- faults ----------------------------------------------------------------------------------
 */

static void
harm(struct sim *s, uint64_t unused)
{
	struct disks_world *world = world_of(s);
	struct disks_file *f = &world->file[sim_draw(s, world->files)];
	uint64_t now_us = sim_now_us(s);
	(void)unused;
	if (now_us >= world->until_us)
		return;
	uint64_t until_us = now_us + sim_draw(s, 3 * world->engines.timing.lease_ms * SIM_MS_US);
	until_us = until_us < world->until_us ? until_us : world->until_us;
	if (sim_draw(s, 2) == 0)
		f->hung_until_us = until_us;
	else
		f->failed_until_us = until_us;
	sim_at(s, sim_draw(s, 4 * SIM_SECOND_US), harm, 0);
}

void
disks_start(struct sim *s, size_t files, uint64_t until_us)
{
	struct disks_world *world = world_of(s);
	world->engines.driver = &disks_driver;
	world->files = files;
	world->until_us = until_us;
	world->write_us_max = sim_draw(s, 3) == 0 ? 20 * SIM_MS_US : 2 * SIM_MS_US;
	world->look_us_max = sim_draw(s, 3) == 0 ? 20 * SIM_MS_US : 2 * SIM_MS_US;
	if (sim_draw(s, 4) != 0)
		sim_at(s, ENGINES_BEGIN_US, harm, 0);
}
