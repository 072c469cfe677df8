/* test_change.c: a service with other members: forms, bounds, and who is who afterwards. */
#include "cli/change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct config_member members[] = {
    {.id = (char[]){"a"}, .weight = 1},
    {.id = (char[]){"b"}, .weight = 2, .zone = (char[]){"z"}},
    {.id = (char[]){"c"}, .weight = 3},
};
static const struct config_service shop = {
    .name = (char[]){"shop"}, .members = members, .member_count = 3};

static struct changed changed;
static struct problem problem;

#define CHANGES(...)                                                            \
	&(const struct changes)                                                 \
	{                                                                       \
		sizeof((struct change[]){__VA_ARGS__}) / sizeof(struct change), \
		{                                                               \
			__VA_ARGS__                                             \
		}                                                               \
	}

/* "a:1 b:2@z c:3": ids, weights, zones, and the index before behind '=' ("-": new). */
static void
assert_becomes(const struct changes *changes, const char *want)
{
	char got[512] = "";
	size_t at = 0;
	assert_int_equal(changed_init(&changed, &shop, changes, &problem), RESULT_OK);
	for (size_t i = 0; i < changed.service.member_count; i++) {
		const struct config_member *m = &changed.service.members[i];
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s:%u%s%s=", i > 0 ? " " : "",
				       m->id, m->weight, m->zone != NULL ? "@" : "",
				       m->zone != NULL ? m->zone : "");
		if (changed.was[i] == MEMBER_NONE)
			at += (size_t)snprintf(got + at, sizeof(got) - at, "-");
		else
			at += (size_t)snprintf(got + at, sizeof(got) - at, "%u", changed.was[i]);
	}
	changed_deinit(&changed);
	assert_string_equal(got, want);
	assert_int_equal(members[0].weight, 1); /* the service itself is not touched */
	assert_int_equal(members[2].weight, 3);
}

static void
members_are_added(void **state)
{
	(void)state;
	assert_becomes(CHANGES({CHANGE_ADD, "d"}), "a:1=0 b:2@z=1 c:3=2 d:1=-");
	assert_becomes(CHANGES({CHANGE_ADD, "d:7"}, {CHANGE_ADD, "e:0:east:1"}),
		       "a:1=0 b:2@z=1 c:3=2 d:7=- e:0@east:1=-");
}

static void
members_are_removed(void **state)
{
	(void)state;
	assert_becomes(CHANGES({CHANGE_REMOVE, "b"}), "a:1=0 c:3=2");
	assert_becomes(CHANGES({CHANGE_REMOVE, "a, c"}, {CHANGE_REMOVE, "b"}), "");
	assert_becomes(CHANGES({CHANGE_ADD, "d"}, {CHANGE_REMOVE, "a,d"}), "b:2@z=1 c:3=2");
}

static void
weights_are_changed(void **state)
{
	(void)state;
	assert_becomes(CHANGES({CHANGE_WEIGHT, "a=9"}, {CHANGE_WEIGHT, "c=0"}),
		       "a:9=0 b:2@z=1 c:0=2");
	assert_becomes(CHANGES({CHANGE_ADD, "d"}, {CHANGE_WEIGHT, "d=4"}),
		       "a:1=0 b:2@z=1 c:3=2 d:4=-");
}

/* The same id is the same server. */
static void
who_comes_back_is_who_he_was(void **state)
{
	(void)state;
	assert_becomes(CHANGES({CHANGE_REMOVE, "b"}, {CHANGE_ADD, "b:5"}), "a:1=0 c:3=2 b:5=1");
}

static void
bad_changes_are_refused(void **state)
{
	static const struct {
		struct change change;
		const char *error;
	} bad[] = {
	    {{CHANGE_ADD, ""}, "--add: id: empty"},
	    {{CHANGE_ADD, ":2"}, "--add: id: empty"},
	    {{CHANGE_ADD, "-d"},
	     "--add: id: not a name: letters, digits and . _ : - are allowed, "
	     "the first a letter or digit"},
	    {{CHANGE_ADD, "d:"}, "--add: weight: a number is wanted"},
	    {{CHANGE_ADD, "d:x"}, "--add: weight: a number is wanted"},
	    {{CHANGE_ADD, "d:65536"}, "--add: weight: above 65535"},
	    {{CHANGE_ADD, "d:1:"}, "--add: zone: empty"},
	    {{CHANGE_ADD, "d:1:\n"},
	     "--add: zone: not a name: letters, digits and . _ : - are "
	     "allowed, the first a letter or digit"},
	    {{CHANGE_ADD, "a"}, "--add: service shop has a member a already"},
	    {{CHANGE_REMOVE, "a,x\x1b"}, "--remove: service shop has no member x\\x1b"},
	    {{CHANGE_WEIGHT, "a"}, "--weight: ID=N is wanted"},
	    {{CHANGE_WEIGHT, "a=-1"}, "--weight: weight: a number is wanted"},
	    {{CHANGE_WEIGHT, "a=18446744073709551615"}, "--weight: weight: a number is wanted"},
	    {{CHANGE_WEIGHT, "x=1"}, "--weight: service shop has no member x"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct changes one = {1, {bad[i].change}};
		assert_int_not_equal(changed_init(&changed, &shop, &one, &problem), RESULT_OK);
		assert_string_equal(problem.text, bad[i].error);
	}
	char longer[ID_BYTES_MAX + 20];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	struct changes one = {1, {{CHANGE_ADD, longer}}};
	assert_int_equal(changed_init(&changed, &shop, &one, &problem), RESULT_INVALID);
	assert_string_equal(problem.text, "--add: id: longer than 64 bytes");
}

static void
changes_are_bounded(void **state)
{
	(void)state;
	static struct changes many;
	for (int i = 0; i < CHANGES_MAX; i++)
		assert_int_equal(changes_add(&many, CHANGE_REMOVE, "a", &problem), RESULT_OK);
	assert_int_equal(changes_add(&many, CHANGE_REMOVE, "a", &problem), RESULT_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_are_added),
	    cmocka_unit_test(members_are_removed),
	    cmocka_unit_test(weights_are_changed),
	    cmocka_unit_test(who_comes_back_is_who_he_was),
	    cmocka_unit_test(bad_changes_are_refused),
	    cmocka_unit_test(changes_are_bounded),
	};
	return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
