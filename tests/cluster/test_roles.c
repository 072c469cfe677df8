/* test_roles.c: roles for the processes of two nodes, over an engine that the test moves by hand.
 */
#include "cluster/roles.h"
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define LEASE_MS  1000
#define SETTLE_MS 50
#define TTL_MS    400

/* What the roles asked of it; it owns what the test says. */
static struct {
	unsigned acquired;
	unsigned released;
	char last[ROLE_BYTES_MAX + 1];
	bool owns;
	uint64_t until;
} fake;

static void
fake_acquire(void *self, uint64_t now, const char *role, struct outbox *out)
{
	(void)self;
	(void)now;
	(void)out;
	fake.acquired++;
	memcpy(fake.last, role, strlen(role) + 1);
}

static void
fake_release(void *self, uint64_t now, const char *role, struct outbox *out)
{
	(void)self;
	(void)now;
	(void)role;
	(void)out;
	fake.released++;
	fake.owns = false;
}

static bool
fake_owns(const void *self, uint64_t now, const char *role, uint64_t *term, uint64_t *until)
{
	(void)self;
	(void)role;
	(void)term;
	if (until != NULL)
		*until = fake.until;
	return fake.owns && now < fake.until;
}

static const struct engine_ops ops = {
    .acquire = fake_acquire, .release = fake_release, .owns = fake_owns};

static struct cluster_nodes nodes[2];
static struct roles roles[2]; /* of nodes a and b; the engine is a's */
static struct outbox out;
static struct role_holder holder;
static uint64_t now;

static int
setup(void **state)
{
	struct engine engine = {&ops, NULL};
	(void)state;
	memset(&fake, 0, sizeof(fake));
	now = 1000;
	for (cluster_node n = 0; n < 2; n++) {
		nodes[n] = nodes_made(2, n);
		roles_init(&roles[n], &nodes[n], &engine, LEASE_MS);
	}
	out.count = 0;
	return 0;
}

static enum role_verdict
acquire(const char *role, const char *who)
{
	return roles_acquire(&roles[0], now, role, who, TTL_MS, &holder, &out);
}

static void
event(enum engine_event_kind kind, const char *role, uint64_t term)
{
	struct engine_event e = {.kind = kind, .term = term, .until = fake.until};
	memcpy(e.role, role, strlen(role) + 1);
	roles_event(&roles[0], now, &e, &out);
}

static void
grant(const char *role, uint64_t term)
{
	fake.owns = true;
	fake.until = now + LEASE_MS;
	event(ENGINE_GRANTED, role, term);
}

static void
pass(uint64_t ms)
{
	for (uint64_t end = now + ms; now < end; now++)
		roles_tick(&roles[0], now, &out);
	roles_tick(&roles[0], now, &out);
}

/* What a said, b hears. */
static void
carry(void)
{
	for (size_t i = 0; i < out.count; i++) {
		const struct outgoing *o = &out.list[i];
		struct incoming in = {
		    .from = 0, .type = o->type, .body = o->body, .bytes = o->bytes};
		roles_receive(&roles[1], now, &in, &out);
	}
	out.count = 0;
}

static void
a_process_gets_a_role_and_its_term(void **state)
{
	(void)state;
	assert_int_equal(acquire("batch", "p1"), ROLE_PENDING);
	assert_int_equal(fake.acquired, 1);
	assert_int_equal(acquire("batch", "p1"), ROLE_PENDING); /* asks once */
	assert_int_equal(fake.acquired, 1);
	grant("batch", 7);
	assert_int_equal(acquire("batch", "p1"), ROLE_PENDING); /* fences do not know yet */
	pass(SETTLE_MS);
	assert_int_equal(acquire("batch", "p1"), ROLE_YOURS);
	assert_string_equal(holder.holder, "p1");
	assert_int_equal(holder.term, 7);
	assert_int_equal(holder.expires_ms, TTL_MS);
}

/* One process a node has it; the other is told who. */
static void
another_process_is_told_who_has_it(void **state)
{
	(void)state;
	(void)acquire("batch", "p1");
	assert_int_equal(acquire("batch", "p2"), ROLE_TAKEN);
	grant("batch", 7);
	pass(SETTLE_MS);
	assert_int_equal(acquire("batch", "p2"), ROLE_TAKEN);
	assert_string_equal(holder.holder, "p1");
	assert_int_equal(roles_renew(&roles[0], now, "batch", "p2", TTL_MS, &holder),
			 ROLE_NOT_YOURS);
	assert_int_equal(roles_release(&roles[0], now, "batch", "p2", &holder, &out),
			 ROLE_NOT_YOURS);
	assert_int_equal(fake.released, 0);
}

/* A process that does not ask any more loses it, though its node lives. */
static void
who_stops_asking_loses_it(void **state)
{
	(void)state;
	(void)acquire("batch", "p1");
	grant("batch", 7);
	pass(SETTLE_MS);
	for (int i = 0; i < 10; i++) {
		fake.until = now + LEASE_MS;
		event(ENGINE_RENEWED, "batch", 7);
		assert_int_equal(roles_renew(&roles[0], now, "batch", "p1", TTL_MS, &holder),
				 ROLE_YOURS);
		pass(TTL_MS - 1);
	}
	assert_int_equal(fake.released, 0);
	pass(1);
	assert_int_equal(fake.released, 1);
	assert_int_equal(roles_renew(&roles[0], now, "batch", "p1", TTL_MS, &holder),
			 ROLE_NOT_YOURS);
}

static void
who_only_waits_and_stops_asking_is_forgotten(void **state)
{
	(void)state;
	(void)acquire("batch", "p1");
	event(ENGINE_REFUSED, "batch", 0);
	pass(TTL_MS);
	assert_int_equal(fake.released, 1);
	unsigned before = fake.acquired;
	pass(5000);
	assert_int_equal(fake.acquired, before);
}

static void
a_refusal_is_asked_again(void **state)
{
	(void)state;
	(void)acquire("batch", "p1");
	for (unsigned i = 2; i < 10; i++) {
		event(ENGINE_REFUSED, "batch", 0);
		pass(99);
		(void)acquire("batch", "p1");
		pass(1);
		assert_int_equal(fake.acquired, i);
	}
}

/* L2, L3: roles are independent; two processes have two. */
static void
l3_two_processes_lead_two_roles(void **state)
{
	(void)state;
	(void)acquire("batch", "p1");
	(void)acquire("mail", "p2");
	grant("batch", 7);
	grant("mail", 3);
	pass(SETTLE_MS);
	assert_int_equal(acquire("batch", "p1"), ROLE_YOURS);
	assert_int_equal(holder.term, 7);
	assert_int_equal(acquire("mail", "p2"), ROLE_YOURS);
	assert_int_equal(holder.term, 3);
	event(ENGINE_LOST, "mail", 3);
	assert_int_equal(acquire("batch", "p1"), ROLE_YOURS);
	assert_int_equal(acquire("mail", "p2"), ROLE_PENDING);
}

/* L10: what is over by the clock is not said to be held, also before anybody told so. */
static void
l10_time_is_looked_at_when_it_is_said(void **state)
{
	(void)state;
	(void)roles_acquire(&roles[0], now, "batch", "p1", 5000, &holder, &out);
	grant("batch", 7);
	pass(SETTLE_MS);
	now = fake.until - 1;
	assert_int_equal(roles_renew(&roles[0], now, "batch", "p1", 5000, &holder), ROLE_YOURS);
	now = fake.until;
	assert_int_equal(roles_renew(&roles[0], now, "batch", "p1", 5000, &holder), ROLE_NOT_YOURS);
	assert_int_equal(holder.expires_ms, 0);
}

/* Other nodes know who holds it, until when, and when it is over; terms do not go back. */
/* Lost because its time ended, not given back: those who listen beside it are told, too. */
static void
what_time_ends_is_told(void **state)
{
	struct role_notice n;
	(void)state;
	(void)roles_acquire(&roles[0], now, "batch", "p1", ROLE_TTL_MS_MAX, &holder, &out);
	grant("batch", 7);
	pass(SETTLE_MS);
	assert_true(roles_holds(&roles[0], now, "batch", "p1"));
	assert_false(roles_holds(&roles[0], now, "batch", "p2"));
	assert_false(roles_holds(&roles[0], now, "", ""));
	assert_true(roles_take(&roles[0], &n));
	assert_true(n.held);
	now = fake.until;
	assert_false(roles_holds(&roles[0], now, "batch", "p1"));
	event(ENGINE_LOST, "batch", 7);
	assert_true(roles_take(&roles[0], &n));
	assert_false(n.held);
	assert_int_equal(n.term, 7);
	pass(LEASE_MS);
	assert_false(roles_take(&roles[0], &n)); /* once */
}

static void
other_nodes_learn(void **state)
{
	(void)state;
	struct role_notice n;
	(void)acquire("batch", "p1");
	grant("batch", 7);
	pass(SETTLE_MS);
	carry();
	roles_look(&roles[1], now, "batch", &holder);
	assert_string_equal(holder.holder, "p1");
	assert_int_equal(holder.node, 0);
	assert_int_equal(holder.term, 7);
	assert_in_range(holder.expires_ms, LEASE_MS - SETTLE_MS - 1, LEASE_MS);
	assert_true(roles_take(&roles[1], &n));
	assert_true(n.held);
	assert_string_equal(n.holder, "p1");
	assert_false(roles_take(&roles[1], &n));
	assert_int_equal(roles_release(&roles[0], now, "batch", "p1", &holder, &out), ROLE_YOURS);
	carry();
	roles_look(&roles[1], now, "batch", &holder);
	assert_string_equal(holder.holder, "");
	assert_int_equal(holder.term, 7);
	assert_true(roles_take(&roles[1], &n));
	assert_false(n.held);
}

/* Its holder's node is gone: nothing is heard, and it is over. */
static void
what_is_not_heard_of_is_over(void **state)
{
	(void)state;
	struct role_notice n;
	(void)acquire("batch", "p1");
	grant("batch", 7);
	pass(SETTLE_MS);
	carry();
	assert_true(roles_take(&roles[1], &n));
	now += LEASE_MS;
	assert_int_equal(roles_next(&roles[1]) <= now, 1);
	roles_tick(&roles[1], now, &out);
	assert_true(roles_take(&roles[1], &n));
	assert_false(n.held);
	roles_look(&roles[1], now, "batch", &holder);
	assert_int_equal(holder.expires_ms, 0);
}

static void
what_is_refused_and_bad(void **state)
{
	(void)state;
	struct engine none = {NULL, NULL};
	assert_int_equal(acquire(ROLE_CLUSTER, "p1"), ROLE_RESERVED);
	assert_true(role_name_good("a.b-c:D_9"));
	assert_false(role_name_good(""));
	assert_false(role_name_good("a/b"));
	assert_false(role_holder_good("a b"));
	assert_false(role_holder_good("a\"b"));
	assert_true(role_holder_good("host:123/main"));
	roles_init(&roles[0], &nodes[0], &none, LEASE_MS);
	assert_int_equal(acquire("batch", "p1"), ROLE_NO_ENGINE);
	roles_tick(&roles[0], now, &out);
	assert_int_equal(roles_next(&roles[0]), CLUSTER_NEVER);
}

static void
the_table_is_bounded(void **state)
{
	(void)state;
	char role[16];
	for (unsigned i = 0; i < ROLES_MAX; i++) {
		(void)snprintf(role, sizeof(role), "r%u", i);
		assert_int_equal(acquire(role, "p1"), ROLE_PENDING);
	}
	assert_int_equal(acquire("one-more", "p1"), ROLE_FULL);
	assert_int_equal(roles_release(&roles[0], now, "r5", "p1", &holder, &out), ROLE_YOURS);
	assert_int_equal(acquire("one-more", "p1"), ROLE_PENDING);
}

/* Cut, damaged, or with more behind: dropped, and nothing changes. */
static void
bad_learns_are_dropped(void **state)
{
	(void)state;
	(void)acquire("batch", "p1");
	grant("batch", 7);
	out.count = 0;
	pass(SETTLE_MS);
	assert_int_equal(out.count, 1);
	struct outgoing o = out.list[0];
	for (uint16_t bytes = 0; bytes <= o.bytes + 1; bytes++) {
		struct incoming in = {.from = 0, .type = o.type, .body = o.body, .bytes = bytes};
		if (bytes == o.bytes)
			continue;
		roles_receive(&roles[1], now, &in, &out);
		roles_look(&roles[1], now, "batch", &holder);
		assert_int_equal(holder.term, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_process_gets_a_role_and_its_term, setup),
	    cmocka_unit_test_setup(another_process_is_told_who_has_it, setup),
	    cmocka_unit_test_setup(who_stops_asking_loses_it, setup),
	    cmocka_unit_test_setup(who_only_waits_and_stops_asking_is_forgotten, setup),
	    cmocka_unit_test_setup(a_refusal_is_asked_again, setup),
	    cmocka_unit_test_setup(l3_two_processes_lead_two_roles, setup),
	    cmocka_unit_test_setup(l10_time_is_looked_at_when_it_is_said, setup),
	    cmocka_unit_test_setup(what_time_ends_is_told, setup),
	    cmocka_unit_test_setup(other_nodes_learn, setup),
	    cmocka_unit_test_setup(what_is_not_heard_of_is_over, setup),
	    cmocka_unit_test_setup(what_is_refused_and_bad, setup),
	    cmocka_unit_test_setup(the_table_is_bounded, setup),
	    cmocka_unit_test_setup(bad_learns_are_dropped, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
