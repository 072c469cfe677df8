/* test_pool.c: evidence in, views out, from one thread and from many. */
#include "members/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#define THREADS 4
#define ROUNDS  2000

static struct pool *pool;

/* What the observer was told. */
static struct {
	unsigned changes;
	unsigned probes;
	struct pool_change last;
	char seen[64];
	struct member_live *probed;
} told;

static void
on_change(void *context, const struct pool_change *change)
{
	assert_ptr_equal(context, &told);
	told.changes++;
	told.last = *change;
	(void)snprintf(told.seen, sizeof(told.seen), "%s", change->seen);
}

static void
on_probe(void *context, struct member_live *member)
{
	assert_ptr_equal(context, &told);
	told.probes++;
	told.probed = member;
	/* Under no lock: the pool may be asked. */
	struct view *view = pool_view(pool);
	view_unref(&view);
}

static void
pool_build(const struct config_service *service)
{
	struct problem p = {""};
	memset(&told, 0, sizeof(told));
	if (pool_create(service, (struct pool_tls){NULL, NULL}, 2, &pool, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	pool_observe(pool, (struct pool_observer){
			       .changed = on_change, .probe = on_probe, .context = &told});
}

static int
stop(void **state)
{
	(void)state;
	pool_unref(&pool);
	assert_null(pool);
	return 0;
}

/* The current view as letters, "UDS". */
static void
assert_states(const char *want)
{
	struct view *view = pool_view(pool);
	char got[FIXTURE_MEMBERS_MAX + 1] = "";
	for (size_t i = 0; i < view->membership->count; i++)
		got[i] = "USRDM"[view->state[i]];
	assert_int_equal(view->generation, pool_generation(pool));
	view_unref(&view);
	assert_string_equal(got, want);
}

/* All up before anything is known; one view until something changes. */
static void
begins_up(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	uint64_t generation = pool_generation(pool);
	assert_states("UUU");
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_PROBE_OK, REASON_NONE, 1);
	pool_evidence(pool, live_of(pool, 1), EVIDENCE_LIVE_OK, REASON_NONE, 1);
	pool_tick(pool, 100000);
	assert_int_equal(pool_generation(pool), generation);
	assert_int_equal(told.changes, 0);
	(void)stop(state);
}

/* A change is a new view; who holds the old one keeps what it said. */
static void
a_change_is_a_new_view(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	struct view *before = pool_view(pool);
	pool_evidence(pool, live_of(pool, 1), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 5);
	assert_states("UDU");
	assert_int_equal(pool_generation(pool), before->generation + 1);
	assert_true(view_is_operational(before, 1));
	struct view *after = pool_view(pool);
	assert_false(view_is_operational(after, 1));
	assert_ptr_equal(after->membership, before->membership);
	view_unref(&before);
	view_unref(&after);
	assert_int_equal(told.changes, 1);
	assert_int_equal(told.last.member, 1);
	assert_int_equal(told.last.reason, REASON_CONNECT_REFUSED);
	assert_int_equal(told.last.evidence, EVIDENCE_LIVE_FAILED);
	assert_int_equal(told.last.verdict.before, MEMBER_UP);
	assert_int_equal(told.last.verdict.after, MEMBER_DOWN);
	(void)stop(state);
}

/* What a probe saw reaches the observer. */
static void
what_was_seen_is_told(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	(void)pool_checked(pool, live_of(pool, 0),
			   &(struct pool_check){.why = REASON_PROBE_STATUS,
						.now_ms = 1,
						.seen = "probe 127.0.0.1:9001: status 500"});
	assert_string_equal(told.seen, "probe 127.0.0.1:9001: status 500");
	pool_evidence(pool, live_of(pool, 1), EVIDENCE_PROBE_FAILED, REASON_PROBE_TIMEOUT, 1);
	assert_string_equal(told.seen, "");
	assert_states("DD"); /* the last one too: probes may */
	(void)stop(state);
}

/* A suspect member is checked at once, and goes down when the check agrees. */
static void
suspects_are_checked(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	pool_evidence(pool, live_of(pool, 2), EVIDENCE_LIVE_FAILED, REASON_FIRST_BYTE_TIMEOUT, 5);
	assert_states("UUS");
	assert_int_equal(told.probes, 1);
	assert_ptr_equal(told.probed, live_of(pool, 2));
	pool_evidence(pool, live_of(pool, 2), EVIDENCE_PROBE_FAILED, REASON_PROBE_TIMEOUT, 6);
	assert_states("UUD");
	assert_int_equal(told.probes, 1);
	(void)stop(state);
}

/* A success is asked for while a row of failures goes on, and ends it. */
static void
successes_are_wanted_after_failures(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	assert_false(pool_wants_success(live_of(pool, 0)));
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_FAILED, REASON_RESET, 1);
	assert_true(pool_wants_success(live_of(pool, 0)));
	assert_false(pool_wants_success(live_of(pool, 1)));
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_PROBE_OK, REASON_NONE, 2);
	assert_states("UU");
	assert_true(pool_wants_success(live_of(pool, 0))); /* requests fail in a row all the same */
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_OK, REASON_NONE, 3);
	assert_false(pool_wants_success(live_of(pool, 0)));
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 4);
	assert_states("DU");
	assert_false(pool_wants_success(live_of(pool, 0))); /* down: its answers prove nothing */
	(void)stop(state);
}

/* Traffic takes members out one by one, but for the last that has a weight. */
static void
the_last_one_stays(void **state)
{
	(void)state;
	struct config_service service = fixture_service(4);
	fixture_list[3].weight = 0;
	pool_build(&service);
	for (uint32_t i = 0; i < 4; i++)
		pool_evidence(pool, live_of(pool, i), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED,
			      1);
	assert_states("DDSD");
	pool_evidence(pool, live_of(pool, 2), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 2);
	assert_states("DDSD");
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_PROBE_OK, REASON_NONE, 3);
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_PROBE_OK, REASON_NONE, 4);
	assert_states("UDSD");
	pool_evidence(pool, live_of(pool, 2), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 5);
	assert_states("UDDD");
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 6);
	assert_states("SDDD");
	(void)stop(state);
}

/* Without active checks a down member gets its turn after passive.retry, and new sessions with it.
 */
static void
down_members_get_another_turn(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	service.health.enabled = false;
	pool_build(&service);
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 1000);
	assert_states("DU");
	pool_tick(pool, 5999);
	assert_states("DU");
	pool_tick(pool, 6000);
	assert_states("SU");
	struct view *view = pool_view(pool);
	assert_int_equal(view->takes_new[0], 3);
	view_unref(&view);
	assert_true(pool_wants_success(live_of(pool, 0)));
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_OK, REASON_NONE, 6010);
	assert_states("UU");
	assert_int_equal(told.last.verdict.outage_ms, 5010);
	assert_int_equal(told.probes, 0);
	(void)stop(state);
}

/* With them it does not. */
static void
time_alone_brings_nobody_back(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 1000);
	pool_tick(pool, 1000000);
	assert_states("DU");
	(void)stop(state);
}

/* Requests in flight: a worker's own count, and the sum. */
static void
load_is_summed_over_workers(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	assert_ptr_not_equal(&live_of(pool, 1)->load[0], &live_of(pool, 1)->load[1]);
	assert_int_equal((uintptr_t)&live_of(pool, 2)->load[1] % 64, 0);
	atomic_store(&live_of(pool, 1)->load[0].active, 3);
	atomic_store(&live_of(pool, 1)->load[1].active, 4);
	assert_int_equal(member_live_active(live_of(pool, 1)), 7);
	assert_int_equal(member_live_active(live_of(pool, 0)), 0);
	assert_int_equal(member_live_active(live_of(pool, 2)), 0);
	(void)stop(state);
}

/* A service that cannot be: the problem says why. */
static void
a_bad_membership_is_refused(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	struct problem p = {""};
	fixture_list[1].id = TEXT("a");
	assert_int_equal(pool_create(&service, (struct pool_tls){NULL, NULL}, 1, &pool, &p),
			 RESULT_INVALID);
	assert_null(pool);
	assert_true(p.text[0] != '\0');
}

/* ---- threads ---- */

static atomic_uint running;

/* A worker: takes the view when the number moved, and finds that it agrees with itself. */
static void *
reads(void *context)
{
	(void)context;
	struct view *view = pool_view(pool);
	while (atomic_load(&running) > 0) {
		if (view->generation == pool_generation(pool))
			continue;
		uint64_t known = view->generation;
		view_unref(&view);
		view = pool_view(pool);
		size_t operational = 0;
		for (uint32_t i = 0; i < view->membership->count; i++)
			operational += view_is_operational(view, i);
		if (view->generation < known || operational != view->operational_count)
			return pool;
	}
	view_unref(&view);
	return NULL;
}

/* Evidence for and against one member. */
static void *
reports(void *context)
{
	uint32_t member = *(const uint32_t *)context;
	for (unsigned i = 0; i < ROUNDS; i++) {
		pool_evidence(pool, live_of(pool, member), EVIDENCE_LIVE_FAILED,
			      REASON_CONNECT_REFUSED, i + 1);
		(void)pool_wants_success(live_of(pool, member));
		pool_evidence(pool, live_of(pool, member), EVIDENCE_PROBE_OK, REASON_NONE, i + 1);
		pool_evidence(pool, live_of(pool, member), EVIDENCE_PROBE_OK, REASON_NONE, i + 1);
		pool_tick(pool, i + 1);
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Each change is one view and one call of the observer, whoever reports at the same time. */
static void
many_threads(void **state)
{
	(void)state;
	static uint32_t member[THREADS] = {0, 1, 2, 3};
	struct config_service service = fixture_service(THREADS + 1);
	pthread_t reporters[THREADS];
	pthread_t readers[2];
	pool_build(&service);
	uint64_t generation = pool_generation(pool);
	atomic_store(&running, THREADS);
	for (size_t i = 0; i < COUNT(readers); i++)
		assert_int_equal(pthread_create(&readers[i], NULL, reads, NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&reporters[i], NULL, reports, &member[i]), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(reporters[i], NULL), 0);
	for (size_t i = 0; i < COUNT(readers); i++) {
		void *wrong;
		assert_int_equal(pthread_join(readers[i], &wrong), 0);
		assert_null(wrong);
	}
	/* Down and up again a round: the fifth member was always there to be the last. */
	assert_int_equal(told.changes, 2 * THREADS * ROUNDS);
	assert_int_equal(pool_generation(pool) - generation, told.changes);
	assert_states("UUUUU");
	(void)stop(state);
}

/* The operator's order stands until he takes it back; evidence counts beneath it. */
static void
orders_stand(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	pool_order(pool, live_of(pool, 0), MEMBER_MAINT, 10);
	assert_states("MUU");
	assert_int_equal(told.changes, 1);
	assert_int_equal(told.last.reason, REASON_MAINT);
	assert_int_equal(told.last.evidence, EVIDENCE_ORDER);
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_PROBE_FAILED, REASON_PROBE_FAILED, 20);
	assert_states("MUU");
	pool_order(pool, live_of(pool, 1), MEMBER_DRAIN, 30);
	assert_states("MRU");
	pool_evidence(pool, live_of(pool, 1), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 40);
	assert_states("MDU");
	assert_int_equal(told.probes, 0);
	pool_order(pool, live_of(pool, 0), MEMBER_UP, 50);
	assert_states("DDU");
	assert_int_equal(told.last.reason, REASON_PROBE_FAILED);
	assert_int_equal(told.probes, 1);
	assert_ptr_equal(told.probed, live_of(pool, 0));
	(void)stop(state);
}

/* Nobody is left by an order: passive evidence still spares the last one. */
static void
orders_count_for_the_last_one(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	pool_order(pool, live_of(pool, 0), MEMBER_MAINT, 10);
	pool_evidence(pool, live_of(pool, 1), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 20);
	assert_states("MS");
	pool_order(pool, live_of(pool, 0), MEMBER_UP, 30);
	pool_evidence(pool, live_of(pool, 1), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 40);
	assert_states("UD");
	(void)stop(state);
}

/* Told of once, when no worker has a request there any more. */
static void
a_drain_is_told_done(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	struct member_live *a = live_of(pool, 0);
	atomic_store(&a->load[1].active, 1);
	pool_order(pool, a, MEMBER_DRAIN, 10);
	pool_tick(pool, 20);
	assert_int_equal(told.changes, 1);
	assert_false(told.last.verdict.drained);
	atomic_store(&a->load[1].active, 0);
	pool_tick(pool, 70);
	assert_int_equal(told.changes, 2);
	assert_true(told.last.verdict.drained);
	assert_int_equal(told.last.member, 0);
	pool_tick(pool, 120);
	assert_int_equal(told.changes, 2);
	assert_states("RU");
	(void)stop(state);
}

/* All that a status shows, of one moment. */
static void
is_read_whole(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	struct member_live *b = live_of(pool, 1);
	atomic_store(&b->load[0].active, 2);
	atomic_store(&b->load[1].active, 3);
	atomic_store(&b->load[1].attempts, 40);
	atomic_store(&b->load[0].failures, 5);
	(void)pool_checked(pool, b,
			   &(struct pool_check){.why = REASON_PROBE_STATUS,
						.now_ms = 900,
						.seen = "probe 127.0.0.1:9002: status 500"});
	pool_order(pool, live_of(pool, 2), MEMBER_DRAIN, 1000);
	struct pool_reading reading;
	assert_int_equal(pool_read(pool, 2000, &reading), RESULT_OK);
	assert_int_equal(reading.membership->count, 3);
	assert_int_equal(reading.member[0].state, MEMBER_UP);
	assert_int_equal(reading.member[0].check.at_ms, 0);
	assert_int_equal(reading.member[1].state, MEMBER_DOWN);
	assert_int_equal(reading.member[1].reason, REASON_PROBE_STATUS);
	assert_int_equal(reading.member[1].since_ms, 900);
	assert_int_equal(reading.member[1].active, 5);
	assert_int_equal(reading.member[1].attempts, 40);
	assert_int_equal(reading.member[1].failures, 5);
	assert_int_equal(reading.member[1].check.at_ms, 900);
	assert_false(reading.member[1].check.well);
	assert_string_equal(reading.member[1].check.seen, "probe 127.0.0.1:9002: status 500");
	assert_int_equal(reading.member[2].state, MEMBER_DRAIN);
	assert_int_equal(reading.member[2].order, MEMBER_DRAIN);
	pool_reading_deinit(&reading);
	(void)stop(state);
}

/* A reload gives the member another address: what the operator said of it still holds. */
static void
orders_outlive_an_address(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	pool_order(pool, live_of(pool, 0), MEMBER_MAINT, 10);
	pool_order(pool, live_of(pool, 1), MEMBER_DRAIN, 10);
	fixture_list[0].origin.port = 9999;
	struct pool_revision *revision;
	struct problem p;
	assert_int_equal(pool_revise(pool, &service, (struct pool_tls){NULL, NULL}, &revision, &p),
			 RESULT_OK);
	pool_commit(pool, &revision);
	assert_states("MR");
	pool_order(pool, live_of(pool, 0), MEMBER_UP, 20);
	assert_states("UR");
	(void)stop(state);
}

/* The members `ids`, e.g. "ac", of the fixture's list; `moved`: one of them is elsewhere. */
static void
revise(const char *ids, char moved)
{
	static struct config_member list[FIXTURE_MEMBERS_MAX];
	struct config_service service = fixture_service(4);
	struct pool_revision *revision = NULL;
	struct problem p = {""};
	for (size_t i = 0; ids[i] != '\0'; i++) {
		list[i] = fixture_list[ids[i] - 'a'];
		if (ids[i] == moved)
			list[i].origin.port = 19000;
	}
	service.members = list;
	service.member_count = strlen(ids);
	if (pool_revise(pool, &service, (struct pool_tls){NULL, NULL}, &revision, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	pool_commit(pool, &revision);
	assert_null(revision);
}

/* Who stays, wherever it stands now, keeps verdict and counters; the others begin anew or are gone.
 */
static void
a_revision_keeps_who_stays(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	struct member_live *a = live_of(pool, 0);
	struct member_live *b = member_live_ref(live_of(pool, 1));
	struct member_live *c = live_of(pool, 2);
	atomic_store(&c->load[0].active, 3);
	pool_evidence(pool, c, EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 1);
	assert_states("UUD");
	struct view *held = pool_view(pool);
	revise("cda", '-');
	assert_states("DUU");
	assert_ptr_equal(live_of(pool, 0), c);
	assert_ptr_equal(live_of(pool, 2), a);
	assert_int_equal(member_live_active(c), 3);
	assert_true(atomic_load(&b->retired));
	assert_false(atomic_load(&c->retired));
	assert_int_equal(membership_find(held->membership, &held->membership->member[2]), 2);
	struct view *now = pool_view(pool);
	assert_int_equal(membership_find(now->membership, &held->membership->member[2]), 0);
	assert_int_equal(membership_find(now->membership, &held->membership->member[1]),
			 MEMBER_NONE);
	view_unref(&now);
	/* Evidence against who left is nobody's; c is told of by its new place. */
	unsigned changes = told.changes;
	pool_evidence(pool, b, EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 2);
	assert_int_equal(told.changes, changes);
	pool_evidence(pool, c, EVIDENCE_PROBE_OK, REASON_NONE, 3);
	pool_evidence(pool, c, EVIDENCE_PROBE_OK, REASON_NONE, 4);
	assert_states("UUU");
	assert_int_equal(told.last.member, 0);
	assert_int_equal(held->state[2], MEMBER_DOWN);
	view_unref(&held);
	member_live_unref(&b);
	(void)stop(state);
}

static void
another_address_is_another_member(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 1);
	assert_states("DU");
	revise("ab", 'a');
	assert_states("UU");
	(void)stop(state);
}

/* Which member is the last one is counted anew. */
static void
the_last_one_stays_after_a_revision(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	pool_build(&service);
	pool_evidence(pool, live_of(pool, 0), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 1);
	revise("ab", '-');
	pool_evidence(pool, live_of(pool, 1), EVIDENCE_LIVE_FAILED, REASON_CONNECT_REFUSED, 2);
	assert_states("DS");
	(void)stop(state);
}

static void
a_bad_revision_changes_nothing(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	struct problem p = {""};
	struct pool_revision *revision = NULL;
	pool_build(&service);
	uint64_t generation = pool_generation(pool);
	fixture_list[1].id = fixture_list[0].id;
	assert_int_equal(pool_revise(pool, &service, (struct pool_tls){NULL, NULL}, &revision, &p),
			 RESULT_INVALID);
	assert_null(revision);
	assert_int_equal(pool_generation(pool), generation);
	assert_states("UU");
	(void)stop(state);
}

static void
check(uint32_t member, bool well, const char *weight, uint64_t now_ms)
{
	struct pool_check c = {.well = well,
			       .why = well ? REASON_NONE : REASON_PROBE_STATUS,
			       .now_ms = now_ms,
			       .seen = ""};
	c.unsaid = weight != NULL && !weight_parse(slice_of(weight), &c.said);
	(void)pool_checked(pool, live_of(pool, member), &c);
}

static struct pool_member
reading_of(uint32_t member, uint64_t now_ms)
{
	struct pool_reading reading;
	assert_int_equal(pool_read(pool, now_ms, &reading), RESULT_OK);
	struct pool_member m = reading.member[member];
	pool_reading_deinit(&reading);
	return m;
}

static bool
takes_new(uint32_t member)
{
	struct view *view = pool_view(pool);
	bool takes = (view->takes_new[0] >> member & 1) != 0;
	view_unref(&view);
	return takes;
}

static void
reload(const struct config_service *service)
{
	struct problem p = {""};
	struct pool_revision *revision;
	assert_int_equal(pool_revise(pool, service, (struct pool_tls){NULL, NULL}, &revision, &p),
			 RESULT_OK);
	pool_commit(pool, &revision);
}

/* A weight is a new view only when somebody begins or ceases to take new sessions. */
static void
weights_are_taken(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	pool_build(&service);
	check(0, true, NULL, 1);
	uint64_t generation = pool_generation(pool);
	check(0, true, "50%", 2);
	assert_int_equal(pool_generation(pool), generation + 1); /* the first that says anything */
	check(0, true, "60%", 3);
	check(1, true, "7", 3);
	check(0, true, "lots", 4);
	assert_int_equal(pool_generation(pool), generation + 1);
	assert_int_equal(reading_of(0, 4).share, 60);
	assert_int_equal(reading_of(0, 4).weights_refused, 1);
	assert_int_equal(reading_of(1, 4).share, 700);
	check(0, true, "0", 5);
	assert_int_equal(pool_generation(pool), generation + 2);
	assert_false(takes_new(0));
	assert_states("UU");
	check(0, false, NULL, 6); /* what is ill says nothing */
	assert_false(takes_new(0));
	check(0, true, NULL, 7);
	assert_true(takes_new(0));
	assert_int_equal(reading_of(0, 7).share, 100);
	assert_int_equal(told.changes, 0);
	(void)stop(state);
}

/* Who came back grows; the end is a view in which nothing is looked up any more. */
static void
a_slow_start_ends(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	service.health.slow_start_ms = 9000;
	pool_build(&service);
	check(0, false, NULL, 1000);
	check(0, true, NULL, 2000);
	check(0, true, NULL, 3000);
	assert_states("UU");
	assert_int_equal(reading_of(0, 3000).share, 10);
	assert_int_equal(reading_of(0, 3000).slow_start_left_ms, 9000);
	assert_int_equal(reading_of(0, 7000).share, 50);
	assert_int_equal(reading_of(1, 7000).share, 100);
	struct view *view = pool_view(pool);
	assert_true(view->graded);
	assert_int_equal(view_share(view, 0, 7000), 50);
	view_unref(&view);
	reload(&service);
	assert_int_equal(reading_of(0, 7000).share, 50); /* a reload changes nothing of it */
	pool_tick(pool, 11999);
	assert_int_equal(reading_of(0, 11999).share, 90);
	pool_tick(pool, 12000);
	view = pool_view(pool);
	assert_false(view->graded);
	view_unref(&view);
	assert_int_equal(reading_of(0, 12000).share, 100);
	assert_int_equal(reading_of(0, 12000).slow_start_left_ms, 0);
	(void)stop(state);
}

/* What of its past a reload leaves to a member, and what the new rules take. */
static void
a_reload_keeps_the_past(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	service.health.slow_start_ms = 9000;
	pool_build(&service);
	check(0, false, NULL, 1000);
	check(0, true, "25%", 2000);
	check(0, true, "25%", 3000);
	service = fixture_service(3);
	service.health.slow_start_ms = 0; /* from here on */
	reload(&service);
	struct pool_member a = reading_of(0, 3000);
	char checks[HISTORY_CHECKS_MAX + 1];
	history_checks_text(&a.history, checks);
	assert_string_equal(checks, "011");
	assert_int_equal(history_transitions_kept(&a.history), 2);
	assert_int_equal(history_transition_at(&a.history, 0)->to, MEMBER_DOWN);
	assert_int_equal(history_transition_at(&a.history, 0)->reason, REASON_PROBE_STATUS);
	assert_int_equal(history_transition_at(&a.history, 1)->at_ms, 3000);
	assert_int_equal(a.share, 25);
	assert_int_equal(a.slow_start_left_ms, 0);
	assert_int_equal(reading_of(2, 3000).history.well, 0);
	service.health.enabled = false; /* nobody is asked any more */
	reload(&service);
	assert_int_equal(reading_of(0, 3000).share, 100);
	(void)stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(begins_up),
	    cmocka_unit_test(a_change_is_a_new_view),
	    cmocka_unit_test(what_was_seen_is_told),
	    cmocka_unit_test(suspects_are_checked),
	    cmocka_unit_test(successes_are_wanted_after_failures),
	    cmocka_unit_test(the_last_one_stays),
	    cmocka_unit_test(down_members_get_another_turn),
	    cmocka_unit_test(time_alone_brings_nobody_back),
	    cmocka_unit_test(load_is_summed_over_workers),
	    cmocka_unit_test(a_bad_membership_is_refused),
	    cmocka_unit_test(a_revision_keeps_who_stays),
	    cmocka_unit_test(another_address_is_another_member),
	    cmocka_unit_test(the_last_one_stays_after_a_revision),
	    cmocka_unit_test(a_bad_revision_changes_nothing),
	    cmocka_unit_test(many_threads),
	    cmocka_unit_test(orders_stand),
	    cmocka_unit_test(orders_count_for_the_last_one),
	    cmocka_unit_test(a_drain_is_told_done),
	    cmocka_unit_test(is_read_whole),
	    cmocka_unit_test(orders_outlive_an_address),
	    cmocka_unit_test(weights_are_taken),
	    cmocka_unit_test(a_slow_start_ends),
	    cmocka_unit_test(a_reload_keeps_the_past),
	};
	return cmocka_run_group_tests_name("pool", tests, NULL, stop);
}
