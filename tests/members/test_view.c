/* test_view.c: memberships from a configuration, and the sets of a view. */
#include "members/view.h"

#include "affinity/tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

/* Names, addresses, weights and aliases are the configuration's. */
static void
membership_is_what_was_configured(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	fixture_list[1].weight = 7;
	struct membership *m = fixture_membership(&service);
	assert_int_equal(m->count, 3);
	assert_int_equal(m->epoch, 0);
	assert_int_equal(hashring_count(m->ring), 3);
	assert_string_equal(m->member[1].id, "b");
	assert_int_equal(m->member[1].id_bytes, 1);
	assert_int_equal(m->member[1].weight, 7);
	assert_string_equal(m->member[1].origin_text, "127.0.0.1:9002");
	for (uint32_t i = 0; i < 3; i++) {
		struct slice id = {m->member[i].id, m->member[i].id_bytes};
		assert_int_equal(m->member[i].alias, tag_alias(service.pool_key, id));
		assert_int_equal(membership_by_alias(m, m->member[i].alias), i);
		assert_int_equal(membership_by_id(m, id), i);
	}
	membership_unref(&m);
	assert_null(m);
}

/* Aliases of tags whose member left; ids that never were. */
static void
unknown_members_are_none(void **state)
{
	(void)state;
	struct config_service service = fixture_service(5);
	struct membership *m = fixture_membership(&service);
	assert_int_equal(membership_by_alias(m, 0), MEMBER_NONE);
	for (uint32_t alias = 1; alias < 1000; alias++)
		assert_int_equal(membership_by_alias(m, alias), MEMBER_NONE);
	assert_int_equal(membership_by_id(m, SLICE("")), MEMBER_NONE);
	assert_int_equal(membership_by_id(m, SLICE("ab")), MEMBER_NONE);
	membership_unref(&m);
	service.member_count = 0;
	m = fixture_membership(&service);
	assert_int_equal(membership_by_alias(m, 1), MEMBER_NONE);
	assert_int_equal(membership_by_id(m, SLICE("a")), MEMBER_NONE);
	membership_unref(&m);
}

/* Zones and weights reach the ring: it is that of the same members built by hand. */
static void
ring_knows_zones_and_weights(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	fixture_list[0].zone = TEXT("east");
	fixture_list[1].weight = 3;
	struct membership *m = fixture_membership(&service);
	const struct hashring_member list[] = {{"a", 1, 1, "east", 4}, {"b", 1, 3, NULL, 0}};
	struct hashring *ring;
	assert_int_equal(hashring_create(list, 2, &ring, NULL), HASHRING_OK);
	assert_int_equal(hashring_fingerprint(m->ring), hashring_fingerprint(ring));
	hashring_free(&ring);
	membership_unref(&m);
}

/* Two ids whose 32-bit aliases under this service's pool key are equal: a tag could not tell them
 * apart. */
static void
alias_clash_is_refused(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	struct membership *m;
	struct problem p = {""};
	fixture_list[0].id = TEXT("m13710");
	fixture_list[2].id = TEXT("m46167");
	assert_int_equal(membership_create(&service, &m, &p), RESULT_INVALID);
	assert_null(m);
	assert_string_equal(p.text, "members m13710 and m46167 have the same alias in tags: "
				    "rename one of them");
}

/* The same id twice, should a configuration come by another way than the loader. */
static void
duplicate_ids_are_refused(void **state)
{
	(void)state;
	struct config_service service = fixture_service(3);
	struct membership *m;
	struct problem p = {""};
	fixture_list[2].id = TEXT("a");
	assert_int_equal(membership_create(&service, &m, &p), RESULT_INVALID);
	assert_null(m);
	assert_non_null(strstr(p.text, "member a:"));
}

static void
assert_set(const hashring_word *set, const char *want)
{
	for (size_t i = 0; want[i] != '\0'; i++)
		assert_int_equal(set[i / 64] >> (i % 64) & 1, want[i] == '1');
}

/* Which states are in which set. */
static void
sets_of_a_view(void **state)
{
	(void)state;
	struct config_service service = fixture_service(5);
	struct membership *m = fixture_membership(&service);
	struct view *v = fixture_view(m, "USRDM");
	assert_set(v->operational, "11100");
	assert_set(v->backups, "11000");
	assert_set(v->takes_new, "10000");
	assert_int_equal(v->operational_count, 3);
	assert_int_equal(v->backups_count, 2);
	assert_int_equal(v->up_count, 1);
	assert_true(view_is_operational(v, 2));
	assert_false(view_is_operational(v, 3));
	view_unref(&v);
	assert_null(v);
	const uint8_t states[] = {MEMBER_UP, MEMBER_SUSPECT, MEMBER_DRAIN, MEMBER_DOWN,
				  MEMBER_MAINT};
	v = view_create(
	    m, 9,
	    &(struct view_opinion){.state = states,
				   .trial = true}); /* nobody checks: a suspect one is tried */
	assert_set(v->takes_new, "11000");
	assert_int_equal(v->generation, 9);
	view_unref(&v);
	membership_unref(&m);
}

/* More members than one word of a set holds. */
static void
views_of_many_members(void **state)
{
	(void)state;
	enum { MANY = 200 };
	static struct config_member list[MANY];
	static char ids[MANY][8];
	struct config_service service = fixture_service(0);
	uint8_t states[MANY] = {MEMBER_UP};
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "m%zu", i);
		list[i] = (struct config_member){.id = ids[i], .weight = 1};
		states[i] = i % 3 == 0 ? MEMBER_DOWN : MEMBER_UP;
	}
	service.members = list;
	service.member_count = MANY;
	struct membership *m = fixture_membership(&service);
	struct view *v = view_create(m, 1, &(struct view_opinion){.state = states});
	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(view_is_operational(v, i), i % 3 != 0);
		assert_int_equal(membership_by_alias(m, m->member[i].alias), i);
	}
	assert_int_equal(v->operational_count, 133);
	view_unref(&v);
	membership_unref(&m);
}

/* A view keeps its membership; the last reference frees both. */
static void
references_are_counted(void **state)
{
	(void)state;
	struct config_service service = fixture_service(2);
	struct membership *m = fixture_membership(&service);
	struct view *v = fixture_view(m, "UU");
	membership_unref(&m);
	struct view *held = view_ref(v);
	view_unref(&v);
	assert_int_equal(atomic_load(&held->refs), 1);
	assert_string_equal(held->membership->member[1].id, "b");
	assert_int_equal(atomic_load(&held->membership->refs), 1);
	view_unref(&held);
	view_unref(&held); /* nothing held: nothing to give back */
	membership_unref(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(membership_is_what_was_configured),
	    cmocka_unit_test(unknown_members_are_none),
	    cmocka_unit_test(ring_knows_zones_and_weights),
	    cmocka_unit_test(alias_clash_is_refused),
	    cmocka_unit_test(duplicate_ids_are_refused),
	    cmocka_unit_test(sets_of_a_view),
	    cmocka_unit_test(views_of_many_members),
	    cmocka_unit_test(references_are_counted),
	};
	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
