/* disk.c: rounds, time, and what the node asks of the engine; see disk.h. */
#include "cluster/disk_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPT_PARTS 2 /* of T: an acquire has an answer within a half */
#define ROUND_PARTS   4 /* of T: a round takes that long at most; and between two looks */
#define RENEW_PARTS   3
#define PAUSE_PARTS   8 /* of TN */

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
part(const struct disk *d, unsigned parts)
{
	return d->timing.lease_ms / parts + 1;
}

uint64_t
disk_pause_ms(const struct disk *d)
{
	return d->timing.negotiation_ms / PAUSE_PARTS + 1;
}

uint64_t
disk_held_until(const struct disk *d, uint64_t began)
{
	uint64_t t = d->timing.lease_ms;
	return began + t - t * LEASE_MARGIN_PER_MILLE / 1000;
}

/* ---- time ------------------------------------------------------------------------------------
 */

static void
pass_time_of(struct disk *d, struct disk_role *r, uint64_t now)
{
	if (r->state == DISK_HELD && now >= r->until)
		disk_lose(d, r);
	else if (r->state != DISK_IDLE && r->state != DISK_HELD && now >= r->attempt_ends)
		disk_refuse(d, r, LEASE_REFUSED_NO_MAJORITY, part(d, ROUND_PARTS));
	if (r->reads && now >= r->read_ends)
		disk_unread(d, r);
}

/* What this node held in former runs is over. */
static void
clear(struct disk *d)
{
	d->clear_at = CLUSTER_NEVER;
	for (size_t i = 0; i < d->own.count; i++) {
		struct disk_hold *held = &d->own.record[i].held;
		if (held->boot == d->boot || held->end != DISK_HOLD_LIVES)
			continue;
		held->end = DISK_HOLD_RELEASED;
		d->changed = true;
	}
}

static void
round_failed(struct disk *d, uint64_t now)
{
	d->under_way = false;
	d->rest_until = now + disk_pause_ms(d);
}

static void
pass_time(struct disk *d, uint64_t now)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (d->role[i].role[0] != '\0')
			pass_time_of(d, &d->role[i], now);
	if (d->phase == DISK_RUNS && now >= d->clear_at)
		clear(d);
	if (!d->under_way || now < d->ends)
		return;
	round_failed(d, now);
	if (d->phase == DISK_JOINS)
		disk_join(d, now);
}

static uint64_t
wish_of(const struct disk_role *r)
{
	uint64_t wish = CLUSTER_NEVER;
	if (r->state == DISK_HELD)
		wish = r->renew_at;
	else if (r->state != DISK_IDLE)
		wish = r->at;
	if (r->reads)
		wish = sooner(wish, r->read_at);
	return r->writes ? 0 : wish;
}

/* When the next round is to begin. */
static uint64_t
wish(const struct disk *d)
{
	if (d->under_way || d->phase == DISK_STOPPED)
		return CLUSTER_NEVER;
	uint64_t wish = d->look_at;
	for (size_t i = 0; d->phase == DISK_RUNS && i < ROLES_MAX; i++)
		if (d->role[i].role[0] != '\0')
			wish = sooner(wish, wish_of(&d->role[i]));
	if (d->changed && d->phase == DISK_RUNS)
		wish = 0;
	return wish > d->rest_until ? wish : d->rest_until;
}

/* ---- rounds ----------------------------------------------------------------------------------
 */

void
disk_answer_deinit(struct disk_answer *a)
{
	for (size_t i = 0; i < DISK_SLOTS; i++)
		free(a->block[i]);
	document_unref(&a->document);
	memset(a, 0, sizeof(*a));
}

/* What is held is held from when this round begins, if it counts. */
static void
count_on(struct disk *d, struct disk_role *r, uint64_t now)
{
	struct disk_record *o = disk_block_find(&d->own, r->role);
	r->renews = r->state == DISK_HELD && now >= r->renew_at;
	if (r->state != DISK_TAKES && r->state != DISK_ADOPTS && !r->renews)
		return;
	assert(o != NULL);
	o->held.seq++;
	r->began = now;
	d->changed = true;
}

static void
begin(struct disk *d, uint64_t now)
{
	for (size_t i = 0; i < DISK_FILES_MAX; i++)
		disk_answer_deinit(&d->answer[i]);
	d->round++;
	d->under_way = true;
	d->began = now;
	d->ends = now + part(d, ROUND_PARTS);
	d->look_at = d->ends;
	if (d->phase != DISK_RUNS)
		return;
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (d->role[i].role[0] != '\0')
			count_on(d, &d->role[i], now);
	if (d->changed)
		d->own.version.count++;
	d->changed = false;
}

bool
disk_take_order(struct disk *d, uint64_t now, struct disk_order *order)
{
	if (now < wish(d))
		return false;
	begin(d, now);
	*order = (struct disk_order){.number = d->round,
				     .format = d->format,
				     .writes = d->phase == DISK_RUNS,
				     .block = d->own,
				     .document = document_ref(d->document)};
	return true;
}

static size_t
count_answers(const struct disk *d, enum disk_file_state low)
{
	size_t count = 0;
	for (size_t i = 0; i < d->files; i++)
		count += d->answer[i].state >= low;
	return count;
}

void
disk_answered(struct disk *d, uint64_t now, size_t file, struct disk_answer *answer)
{
	pass_time(d, now);
	if (!d->under_way || answer->number != d->round ||
	    d->answer[file].state != DISK_FILE_SILENT) {
		disk_answer_deinit(answer);
		return;
	}
	struct disk_answer *mine = &d->answer[file];
	*mine = *answer;
	memset(answer, 0, sizeof(*answer));
	size_t well = 0;
	for (size_t i = 0; i < d->files; i++)
		well += d->answer[i].state == DISK_FILE_WELL;
	bool all = count_answers(d, DISK_FILE_WELL) == d->files;
	if (mine->state == DISK_FILE_TWIN) {
		disk_stop(d, &mine->problem);
	} else if (d->phase == DISK_RUNS && well > d->files / 2) {
		d->under_way = false;
		disk_conclude(d, now);
	} else if (all) {
		round_failed(d, now);
		if (d->phase == DISK_JOINS)
			disk_join(d, now);
	}
}

/* ---- the engine ------------------------------------------------------------------------------
 */

static void
tick(void *self, uint64_t now, struct outbox *out)
{
	(void)out;
	pass_time(self, now);
}

static uint64_t
next(const void *self)
{
	const struct disk *d = self;
	uint64_t next = wish(d);
	if (d->phase == DISK_RUNS)
		next = sooner(next, d->clear_at);
	if (d->under_way)
		next = sooner(next, d->ends);
	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct disk_role *r = &d->role[i];
		if (r->role[0] == '\0')
			continue;
		if (r->state == DISK_HELD)
			next = sooner(next, r->until);
		else if (r->state != DISK_IDLE)
			next = sooner(next, r->attempt_ends);
		if (r->reads)
			next = sooner(next, r->read_ends);
	}
	return next;
}

static void
acquire(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct disk *d = self;
	struct disk_role *r = disk_add_role(d, role);
	(void)out;
	if (r == NULL) {
		disk_tell_refused(d, role, LEASE_REFUSED_FULL, 0);
		return;
	}
	if (r->state != DISK_IDLE)
		return;
	r->state = DISK_LOOKS;
	r->round = d->round + 1;
	r->at = now;
	r->attempt_ends = now + part(d, ATTEMPT_PARTS);
	if (d->phase == DISK_STOPPED)
		disk_refuse(d, r, LEASE_REFUSED_NO_MAJORITY, d->timing.lease_ms);
}

static void
release(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct disk *d = self;
	struct disk_role *r = disk_find_role(d, role);
	(void)now;
	(void)out;
	if (r == NULL || r->state == DISK_IDLE)
		return;
	disk_take_back(d, r, r->state == DISK_HELD ? DISK_HOLD_RELEASED : DISK_HOLD_VOID);
	r->state = DISK_IDLE;
	if (r->writes)
		disk_tell(d, r, ENGINE_UNWRITTEN);
	r->writes = false;
}

static bool
owns(const void *self, uint64_t now, const char *role, uint64_t *term, uint64_t *until)
{
	const struct disk *d = self;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct disk_role *r = &d->role[i];
		if (strcmp(r->role, role) != 0)
			continue;
		if (term != NULL)
			*term = r->term;
		if (until != NULL)
			*until = r->until;
		return r->state == DISK_HELD && now < r->until;
	}
	return false;
}

static void
read_value(void *self, uint64_t now, const char *role, struct outbox *out)
{
	struct disk *d = self;
	struct disk_role *r = disk_add_role(d, role);
	(void)out;
	if (r == NULL || d->phase == DISK_STOPPED) {
		const struct engine_event event = {.kind = ENGINE_UNREAD};
		engine_events_put(&d->events, role, &event);
		return;
	}
	/* One answer for all who asked: of a round that began after the last of them. */
	r->read_round = d->round + 1;
	if (r->reads)
		return;
	r->reads = true;
	r->read_at = now;
	r->read_ends = now + d->timing.lease_ms;
}

static void
write_value(void *self, uint64_t now, const char *role, struct document *document,
	    struct outbox *out)
{
	struct disk *d = self;
	struct disk_role *r = disk_find_role(d, role);
	(void)out;
	if (r == NULL || r->state != DISK_HELD || now >= r->until || r->writes ||
	    strcmp(role, ROLE_CLUSTER) != 0) {
		const struct engine_event event = {.kind = ENGINE_UNWRITTEN};
		engine_events_put(&d->events, role, &event);
		return;
	}
	struct disk_record *o = disk_block_find(&d->own, role);
	assert(o != NULL && o->stamp.term == r->term);
	o->stamp.seq++;
	struct document *former = d->document;
	d->document = document_ref(document);
	document_unref(&former);
	d->own.value_bytes = (uint32_t)document->bytes;
	memcpy(d->own.value_digest, document->digest, sizeof(document->digest));
	d->changed = true;
	r->writes = true;
	r->write_round = d->round + 1;
}

static bool
take(void *self, struct engine_event *event)
{
	struct disk *d = self;
	return engine_events_take(&d->events, event);
}

struct engine
disk_engine(struct disk *d)
{
	static const struct engine_ops ops = {
	    .tick = tick,
	    .next = next,
	    .acquire = acquire,
	    .release = release,
	    .owns = owns,
	    .read = read_value,
	    .write = write_value,
	    .take = take,
	};
	return (struct engine){&ops, d};
}

void
disk_init(struct disk *d, const struct cluster_nodes *nodes, const struct lease_timing *timing,
	  uint64_t boot, size_t slot, size_t files, uint64_t now)
{
	assert(slot < DISK_SLOTS && files >= 1 && files <= DISK_FILES_MAX && boot >= 1);
	assert(lease_timing_sound(timing));
	memset(d, 0, sizeof(*d));
	d->nodes = nodes;
	d->timing = *timing;
	d->boot = boot;
	d->slot = slot;
	d->files = files;
	d->look_at = now;
	d->clear_at =
	    now + timing->lease_ms + (uint64_t)timing->lease_ms * LEASE_DRIFT_PER_MILLE / 1000 + 1;
	(void)snprintf(d->own.node, sizeof(d->own.node), "%s", nodes->node[nodes->self].id);
	(void)problem_set(&d->problem, RESULT_IO, "the files have not answered yet");
}

void
disk_deinit(struct disk *d)
{
	for (size_t i = 0; i < DISK_FILES_MAX; i++)
		disk_answer_deinit(&d->answer[i]);
	document_unref(&d->document);
	engine_events_deinit(&d->events);
}
