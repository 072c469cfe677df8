/*
 * test_disk.c: the engine of shared files: what stands in them, and two nodes over one file in
 * memory, by one clock; every order is carried out at once. What chance does to them is the
 * simulator's business.
 */
#include "cluster/disk_file.h"
#include "nodes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NODES      2
#define LEASE_MS   1000
#define FILE_BYTES ((size_t)(1 + NODES) * DISK_SLOT_BYTES)
#define GUARD_MS   (LEASE_MS + LEASE_MS * LEASE_DRIFT_PER_MILLE / 1000 + 1)

static uint8_t *memory;
static size_t end_of_file;
static size_t writes_left; /* calls that are still carried out whole; the next one is torn */
static bool fails;
static uint64_t now;

static struct node {
	struct cluster_nodes nodes;
	struct disk *disk;
	struct disk_file file;
	struct engine engine;
	struct engine_event last[ENGINE_UNWRITTEN + 1]; /* of each kind */
	unsigned told[ENGINE_UNWRITTEN + 1];
} node[NODES];

/* ---- the file -------------------------------------------------------------------------------- */

static long
read_memory(void *self, void *at, size_t bytes, uint64_t offset)
{
	(void)self;
	errno = EIO;
	if (fails)
		return -1;
	size_t there = offset >= end_of_file ? 0 : end_of_file - (size_t)offset;
	size_t count = bytes < there ? bytes : there;
	memcpy(at, memory + offset, count);
	return (long)count;
}

static bool
write_memory(void *self, const void *at, size_t bytes, uint64_t offset)
{
	(void)self;
	assert_true(offset % DISK_PAGE_BYTES == 0 && bytes % DISK_PAGE_BYTES == 0);
	assert_true(offset + bytes <= FILE_BYTES);
	errno = EIO;
	if (fails)
		return false;
	memcpy(memory + offset, at, writes_left == 0 ? 100 : bytes);
	if (offset + bytes > end_of_file)
		end_of_file = (size_t)offset + bytes;
	return writes_left == 0 ? false : (writes_left--, true);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void
boot(size_t n, uint64_t boot)
{
	static const struct disk_bytes bytes = {.read = read_memory, .write = write_memory};
	struct node *me = &node[n];
	struct lease_timing timing = lease_timing_of(LEASE_MS);
	struct problem p;
	memset(me->told, 0, sizeof(me->told));
	me->nodes = nodes_made(NODES, (cluster_node)n);
	me->disk = malloc(sizeof(*me->disk));
	assert_non_null(me->disk);
	disk_init(me->disk, &me->nodes, &timing, boot, n, 1, now);
	assert_int_equal(disk_file_init(&me->file, &bytes, "shop", n, 1, &p), RESULT_OK);
	me->engine = disk_engine(me->disk);
}

static void
halt(size_t n)
{
	struct node *me = &node[n];
	for (size_t i = 0; i <= ENGINE_UNWRITTEN; i++)
		document_unref(&me->last[i].document);
	disk_deinit(me->disk);
	free(me->disk);
	disk_file_deinit(&me->file);
	me->disk = NULL;
}

static void
turn(size_t n)
{
	struct node *me = &node[n];
	struct engine_event event;
	struct disk_order order;
	while (engine_take(&me->engine, &event)) {
		me->told[event.kind]++;
		document_unref(&me->last[event.kind].document);
		me->last[event.kind] = event;
	}
	if (!disk_take_order(me->disk, now, &order))
		return;
	struct disk_answer answer = {.number = 0};
	if (disk_file_write(&me->file, &order, &answer))
		(void)disk_file_look(&me->file, &order, &answer);
	document_unref(&order.document);
	disk_answered(me->disk, now, 0, &answer);
}

static void
pass(uint64_t ms)
{
	struct outbox out = {.count = 0};
	for (uint64_t end = now + ms; now < end; now++)
		for (size_t n = 0; n < NODES; n++) {
			if (node[n].disk == NULL)
				continue;
			engine_tick(&node[n].engine, now, &out);
			turn(n);
		}
}

static void
acquire(size_t n, const char *role)
{
	struct outbox out = {.count = 0};
	engine_acquire(&node[n].engine, now, role, &out);
}

static bool
owns(size_t n, const char *role)
{
	return engine_owns(&node[n].engine, now, role, NULL, NULL);
}

static int
setup(void **state)
{
	(void)state;
	memory = calloc(1, FILE_BYTES);
	assert_non_null(memory);
	end_of_file = 0;
	writes_left = SIZE_MAX;
	fails = false;
	now = 1000;
	boot(0, 1);
	boot(1, 1);
	pass(200);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t n = 0; n < NODES; n++)
		if (node[n].disk != NULL)
			halt(n);
	free(memory);
	return 0;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static struct disk_block
full_block(void)
{
	struct disk_block b = {.version = {3, 4}, .floor = 5, .value_bytes = 6, .value_place = 1};
	memset(b.node, 'n', ID_BYTES_MAX);
	memset(b.value_digest, 7, sizeof(b.value_digest));
	for (b.count = 0; b.count < DISK_RECORDS_MAX; b.count++) {
		struct disk_record *r = &b.record[b.count];
		memset(r->role, 'r', ROLE_BYTES_MAX);
		r->role[0] = (char)('A' + b.count / 26);
		r->role[1] = (char)('a' + b.count % 26);
		r->claim = UINT64_MAX - b.count;
		r->held = (struct disk_hold){UINT64_MAX, 2, 3, DISK_HOLD_VOID};
		r->stamp = (struct stamp){8, 9};
	}
	return b;
}

static void
a_full_table_comes_back_as_it_was(void **state)
{
	(void)state;
	static uint8_t at[DISK_TABLE_BYTES];
	struct disk_block b = full_block();
	struct disk_block back;
	assert_true(disk_block_encode(&b, at) <= sizeof(at));
	assert_int_equal(disk_block_decode(at, &back), DISK_TABLE_WHOLE);
	assert_string_equal(back.node, b.node);
	assert_int_equal(disk_version_compare(&back.version, &b.version), 0);
	assert_int_equal(back.floor, 5);
	assert_int_equal(back.value_bytes, 6);
	assert_int_equal(back.count, b.count);
	for (size_t i = 0; i < b.count; i++) {
		const struct disk_record *r = disk_block_find(&back, b.record[i].role);
		assert_non_null(r);
		assert_true(r->claim == b.record[i].claim);
		assert_true(r->held.term == UINT64_MAX && r->held.end == DISK_HOLD_VOID);
		assert_true(r->stamp.term == 8 && r->stamp.seq == 9);
	}
}

/* A bit anywhere, an end anywhere: never taken for whole, never for empty. */
static void
damage_is_seen(void **state)
{
	(void)state;
	static uint8_t at[DISK_TABLE_BYTES];
	static uint8_t bad[DISK_TABLE_BYTES];
	struct disk_block b = full_block();
	b.count = 3;
	size_t bytes = disk_block_encode(&b, at);
	for (size_t i = 0; i < bytes; i++) {
		memcpy(bad, at, sizeof(bad));
		bad[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(disk_block_decode(bad, &b), DISK_TABLE_TORN);
		memset(bad, 0, sizeof(bad));
		memcpy(bad, at, i);
		assert_int_equal(disk_block_decode(bad, &b),
				 i == 0 ? DISK_TABLE_EMPTY : DISK_TABLE_TORN);
	}
}

static void
titles_say_whose_it_is(void **state)
{
	(void)state;
	uint8_t at[DISK_PAGE_BYTES] = {0};
	struct problem p;
	assert_int_equal(disk_title_check(at, "shop", 3, &p), RESULT_NOT_FOUND);
	disk_title_encode("shop", 3, at);
	assert_int_equal(disk_title_check(at, "shop", 3, &p), RESULT_OK);
	assert_int_equal(disk_title_check(at, "shop", 1, &p), RESULT_INVALID);
	assert_string_equal(p.text, "one of 3 files, and 1 are configured");
	assert_int_equal(disk_title_check(at, "other", 3, &p), RESULT_INVALID);
	assert_string_equal(p.text, "the file of cluster shop");
	at[20] ^= 1;
	assert_int_equal(disk_title_check(at, "shop", 3, &p), RESULT_INVALID);
}

/* ---- two nodes ------------------------------------------------------------------------------- */

static void
one_is_granted_it_and_renews(void **state)
{
	(void)state;
	acquire(0, "batch");
	pass(10);
	acquire(1, "batch");
	pass(10);
	assert_int_equal(node[0].told[ENGINE_GRANTED], 1);
	assert_int_equal(node[1].told[ENGINE_REFUSED], 1);
	assert_int_equal(node[1].last[ENGINE_REFUSED].refusal, LEASE_REFUSED_HELD);
	pass(5 * LEASE_MS);
	assert_true(owns(0, "batch"));
	assert_true(node[0].told[ENGINE_RENEWED] >= 14);
	assert_int_equal(node[0].told[ENGINE_LOST], 0);
}

static void
a_release_hands_over_at_once(void **state)
{
	(void)state;
	struct outbox out = {.count = 0};
	acquire(0, "batch");
	pass(10);
	uint64_t term = node[0].last[ENGINE_GRANTED].term;
	engine_release(&node[0].engine, now, "batch", &out);
	assert_false(owns(0, "batch"));
	pass(5);
	acquire(1, "batch");
	pass(10);
	assert_true(owns(1, "batch"));
	assert_true(node[1].last[ENGINE_GRANTED].term > term);
}

/* Not a moment before the lease stood still, however often it is asked. */
static void
a_dead_holders_role_is_free_when_it_stood_still(void **state)
{
	(void)state;
	acquire(0, "batch");
	pass(LEASE_MS);
	uint64_t until = node[0].last[ENGINE_RENEWED].until;
	halt(0);
	uint64_t died = now;
	while (!owns(1, "batch") && now < died + 3 * LEASE_MS) {
		acquire(1, "batch");
		pass(5);
	}
	assert_true(owns(1, "batch"));
	assert_true(now > until && now > died + GUARD_MS - LEASE_MS / 2);
	assert_true(now <= died + GUARD_MS + LEASE_MS / 4 + 50);
}

static void
a_file_that_fails_ends_leases_by_their_time(void **state)
{
	(void)state;
	acquire(0, "batch");
	pass(10);
	fails = true;
	pass(LEASE_MS);
	assert_false(owns(0, "batch"));
	assert_int_equal(node[0].told[ENGINE_LOST], 1);
	acquire(1, "batch");
	pass(LEASE_MS);
	assert_int_equal(node[1].last[ENGINE_REFUSED].refusal, LEASE_REFUSED_NO_MAJORITY);
	fails = false;
	pass(LEASE_MS);
	acquire(1, "batch");
	pass(GUARD_MS);
	acquire(1, "batch");
	pass(50);
	assert_true(owns(1, "batch"));
}

static void
a_value_is_read_by_all_and_outlives_its_writer(void **state)
{
	(void)state;
	struct outbox out = {.count = 0};
	static uint8_t large[DOCUMENT_BYTES_MAX];
	memset(large, 'v', sizeof(large));
	struct document *d = document_create(large, sizeof(large));
	assert_non_null(d);
	acquire(0, ROLE_CLUSTER);
	pass(10);
	engine_write(&node[0].engine, now, ROLE_CLUSTER, d, &out);
	engine_write(&node[0].engine, now, ROLE_CLUSTER, d, &out); /* one at a time */
	pass(10);
	assert_int_equal(node[0].told[ENGINE_WRITTEN], 1);
	assert_int_equal(node[0].told[ENGINE_UNWRITTEN], 1);
	halt(0);
	pass(GUARD_MS + LEASE_MS);
	acquire(1, ROLE_CLUSTER);
	engine_read(&node[1].engine, now, ROLE_CLUSTER, &out);
	pass(20);
	assert_true(owns(1, ROLE_CLUSTER));
	assert_int_equal(node[1].told[ENGINE_READ], 1);
	const struct document *read = node[1].last[ENGINE_READ].document;
	assert_non_null(read);
	assert_memory_equal(read->digest, d->digest, sizeof(d->digest));
	document_unref(&d);
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

/* The table that is torn is not the one that was written last. */
static void
a_torn_write_leaves_what_was_there(void **state)
{
	(void)state;
	acquire(0, "batch");
	pass(10);
	writes_left = 0;
	pass(LEASE_MS / 3 + 1);
	halt(0);
	writes_left = SIZE_MAX;
	boot(0, 2);
	pass(20);
	assert_int_equal(node[0].disk->phase, DISK_RUNS);
	acquire(0, "batch");
	pass(10);
	assert_false(owns(0, "batch")); /* what it held before is another's for now */
	pass(2 * GUARD_MS);
	acquire(0, "batch");
	pass(20);
	assert_true(owns(0, "batch"));
}

static void
a_damaged_block_is_never_empty(void **state)
{
	(void)state;
	acquire(0, "batch");
	pass(LEASE_MS);
	halt(0);
	memory[disk_table_at(0, 0) + 50] ^= 1;
	memory[disk_table_at(0, 1) + 50] ^= 1;
	acquire(1, "batch");
	pass(3 * GUARD_MS);
	assert_int_equal(node[1].told[ENGINE_GRANTED], 0);
	boot(0, 2);
	pass(LEASE_MS);
	assert_int_equal(node[0].disk->phase, DISK_JOINS);
	assert_string_equal(node[0].disk->answer[0].problem.text, "block 1 is damaged");
}

static void
a_twin_stops_both_grants_and_reads(void **state)
{
	(void)state;
	struct outbox out = {.count = 0};
	acquire(0, "batch");
	pass(10);
	struct node first = node[0];
	boot(0, 2); /* the same block, by somebody else */
	pass(20);
	struct node second = node[0];
	node[0] = first;
	pass(LEASE_MS / 2);
	assert_int_equal(node[0].disk->phase, DISK_STOPPED);
	assert_int_equal(node[0].told[ENGINE_LOST], 1);
	acquire(0, "batch");
	engine_read(&node[0].engine, now, "batch", &out);
	turn(0);
	assert_int_equal(node[0].told[ENGINE_REFUSED], 1);
	assert_int_equal(node[0].told[ENGINE_UNREAD], 1);
	halt(0);
	node[0] = second;
}

static void
a_block_of_another_node_or_a_later_start_is_not_taken(void **state)
{
	(void)state;
	halt(0);
	boot(0, 1); /* its block says 1 already */
	pass(50);
	assert_int_equal(node[0].disk->phase, DISK_STOPPED);
	halt(0);
	boot(0, 2);
	node[0].disk->own.node[0] = 'z';
	pass(50);
	assert_int_equal(node[0].disk->phase, DISK_STOPPED);
	assert_string_equal(node[0].disk->problem.text, "block 1 is that of node a");
}

int
main(void)
{
#define FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_table_comes_back_as_it_was),
	    cmocka_unit_test(damage_is_seen),
	    cmocka_unit_test(titles_say_whose_it_is),
	    FILES(one_is_granted_it_and_renews),
	    FILES(a_release_hands_over_at_once),
	    FILES(a_dead_holders_role_is_free_when_it_stood_still),
	    FILES(a_file_that_fails_ends_leases_by_their_time),
	    FILES(a_value_is_read_by_all_and_outlives_its_writer),
	    FILES(a_torn_write_leaves_what_was_there),
	    FILES(a_damaged_block_is_never_empty),
	    FILES(a_twin_stops_both_grants_and_reads),
	    FILES(a_block_of_another_node_or_a_later_start_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
