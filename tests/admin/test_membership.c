/* test_membership.c: changes of the membership as they are asked for over HTTP. */
#include "admin/membership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
changes(void **state)
{
	static const struct {
		const char *op;
		const char *query;
		enum result result;
		const char *text; /* the change, or why not */
	} cases[] = {
	    {"add", "id=d&origin=10.0.0.4%3A8080&weight=2", RESULT_OK,
	     "{\"op\":\"add\",\"member\":{\"id\":\"d\",\"origin\":\"10.0.0.4:8080\",\"weight\":2}"
	     "}"},
	    {"set", "zone=&id=d&service=shop&order=drain", RESULT_OK,
	     "{\"op\":\"set\",\"service\":\"shop\",\"member\":{\"id\":\"d\",\"order\":\"drain\","
	     "\"zone\":null}}"},
	    {"remove", "id=d%22", RESULT_OK, "{\"op\":\"remove\",\"member\":{\"id\":\"d\\\"\"}}"},
	    {"rank", "node=b&rank=3", RESULT_OK, "{\"op\":\"rank\",\"node\":\"b\",\"rank\":3}"},
	    {"publish", "", RESULT_OK, "{\"op\":\"publish\"}"},
	    {"set", "id=d&weight=-1", RESULT_INVALID, "weight: a whole number is wanted"},
	    {"set", "id=d&weight=99999999999999999999", RESULT_INVALID, "a whole number"},
	    {"set", "id=d&zone=%", RESULT_INVALID, "zone: too long, or encoded wrongly"},
	    {"set", "id=d&epoch=x", RESULT_INVALID, "epoch: a whole number is wanted"},
	    {"paint", "id=d", RESULT_NOT_FOUND, "no such change"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct admin_ask ask = {.query = slice_of(cases[i].query),
					.id = slice_of(cases[i].op)};
		struct admin_change change;
		struct problem p = {""};
		enum result r = admin_change_read(&ask, &change, &p);
		const char *seen = p.text;
		if (r == RESULT_OK) {
			change.text[change.bytes] = '\0';
			seen = change.text;
			assert_true(change.base == EPOCH_ANY);
		}
		if (r != cases[i].result || strstr(seen, cases[i].text) == NULL)
			fail_msg("%s?%s: %s", cases[i].op, cases[i].query, seen);
	}
}

static void
bases_and_outcomes(void **state)
{
	struct admin_ask ask = {.query = SLICE("id=d&epoch=7"), .id = SLICE("remove")};
	struct admin_change change;
	(void)state;
	assert_int_equal(admin_change_read(&ask, &change, NULL), RESULT_OK);
	assert_int_equal(change.base, 7);
	assert_int_equal(admin_change_status(EPOCH_DONE), 200);
	assert_int_equal(admin_change_status(EPOCH_SAME), 200);
	for (int i = 0; i < EPOCH_OUTCOMES; i++) {
		assert_true(admin_change_words((enum epoch_outcome)i)[0] != '\0');
		if (i != EPOCH_DONE && i != EPOCH_SAME)
			assert_true(admin_change_status((enum epoch_outcome)i) >= 400);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(changes),
	    cmocka_unit_test(bases_and_outcomes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
