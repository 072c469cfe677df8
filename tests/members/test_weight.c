/* test_weight.c: what a member says of its weight, and what becomes of it. */
#include "members/weight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *value;
	const char *text; /* NULL: refused */
	uint32_t of_1;    /* share of a member of weight 1 and 40 */
	uint32_t of_40;
} values[] = {
    {"100%", "", 100, 4000},
    {"50%", "50%", 50, 2000},
    {"1%", "1%", 1, 40},
    {"0%", "0%", 0, 0},
    {"250%", "250%", 250, 10000},
    {"1000%", "1000%", 1000, 40000},
    {"007%", "7%", 7, 280},
    {"0", "0", 0, 0},
    {"3", "3", 300, 300},
    {"100", "100", 10000, 10000},
    {"65535", "65535", WEIGHT_SHARE_MAX, WEIGHT_SHARE_MAX},
    {"65536", NULL, 0, 0},
    {"1001%", NULL, 0, 0},
    {"", NULL, 0, 0},
    {"%", NULL, 0, 0},
    {"-1", NULL, 0, 0},
    {"+1", NULL, 0, 0},
    {"1.5", NULL, 0, 0},
    {"50 %", NULL, 0, 0},
    {"50%%", NULL, 0, 0},
    {"50%, 60%", NULL, 0, 0},
    {"1e2", NULL, 0, 0},
    {"0x10", NULL, 0, 0},
    {"ready", NULL, 0, 0},
    {"99999999999999999999", NULL, 0, 0},
};

static void
reads_and_shows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		char text[WEIGHT_TEXT_BYTES];
		struct weight_said said = {.form = WEIGHT_NUMBER, .value = 4711};
		bool ok = weight_parse(slice_of(values[i].value), &said);
		if (ok != (values[i].text != NULL))
			fail_msg("\"%s\": %d", values[i].value, ok);
		if (!ok) {
			assert_int_equal(said.value, 4711); /* as it was */
			continue;
		}
		weight_text(said, text);
		assert_string_equal(text, values[i].text);
		assert_int_equal(weight_share(1, said, WEIGHT_RAMP_STEPS), values[i].of_1);
		assert_int_equal(weight_share(40, said, WEIGHT_RAMP_STEPS), values[i].of_40);
		assert_int_equal(weight_is_none(said), values[i].of_40 == 0);
	}
}

/* Nothing said: the configured weight. Who has none gets none whatever it says. */
static void
scales_what_is_configured(void **state)
{
	(void)state;
	struct weight_said nothing = {0};
	struct weight_said much = {.form = WEIGHT_NUMBER, .value = 100};
	struct weight_said tenfold = {.form = WEIGHT_PERCENT, .value = 1000};
	assert_int_equal(weight_share(7, nothing, WEIGHT_RAMP_STEPS), 700);
	assert_false(weight_is_none(nothing));
	assert_int_equal(weight_share(0, much, WEIGHT_RAMP_STEPS), 0);
	assert_int_equal(weight_share(MEMBER_WEIGHT_MAX, tenfold, WEIGHT_RAMP_STEPS),
			 WEIGHT_SHARE_MAX);
	assert_true(weight_equal(much, much));
	assert_false(weight_equal(much, tenfold));
}

/* A tenth at first, a tenth more after each ninth, all of it at the end and without an end. */
static void
a_slow_start_grows(void **state)
{
	(void)state;
	assert_int_equal(weight_ramp(0, 9000, 5000), WEIGHT_RAMP_STEPS);
	assert_int_equal(weight_ramp(5000, 0, 5000), WEIGHT_RAMP_STEPS);
	assert_int_equal(weight_ramp(5000, 9000, 5000), 1);
	assert_int_equal(weight_ramp(5000, 9000, 4000), 1); /* clocks of two threads */
	assert_int_equal(weight_ramp(5000, 9000, 5999), 1);
	assert_int_equal(weight_ramp(5000, 9000, 6000), 2);
	assert_int_equal(weight_ramp(5000, 9000, 13999), 9);
	assert_int_equal(weight_ramp(5000, 9000, 14000), WEIGHT_RAMP_STEPS);
	assert_int_equal(weight_ramp(5000, 9000, UINT64_MAX), WEIGHT_RAMP_STEPS);
	struct weight_said little = {.form = WEIGHT_PERCENT, .value = 1};
	assert_int_equal(weight_share(40, (struct weight_said){0}, 1), 400);
	assert_int_equal(weight_share(1, little, 1), 1); /* never nothing */
	assert_int_equal(weight_share(1, (struct weight_said){.form = WEIGHT_NUMBER}, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_and_shows),
	    cmocka_unit_test(scales_what_is_configured),
	    cmocka_unit_test(a_slow_start_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
