/* test_exposition.c: histograms of a page of metrics, and quantiles of what came between two pages.
 */
#include "cli/exposition.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define FAMILY "holdfast_request_duration_seconds"

static void
read_page(struct histograms *h, const char *page)
{
	histograms_init(h);
	assert_true(histograms_read(h, slice_of(page)));
}

static const char by_service[] =
    "# HELP " FAMILY " text\n"
    "# TYPE " FAMILY " histogram\n" FAMILY "_bucket{service=\"shop\",le=\"0.001\"} 10\n" FAMILY
    "_bucket{service=\"shop\",le=\"0.002\"} 30\n" FAMILY
    "_bucket{service=\"shop\",le=\"+Inf\"} 40\n" FAMILY "_sum{service=\"shop\"} 0.5\n" FAMILY
    "_count{service=\"shop\"} 40\n"
    "other_bucket{service=\"shop\",le=\"0.001\"} 7\n";

static void
a_page_by_service(void **state)
{
	struct histograms h;
	(void)state;
	read_page(&h, by_service);
	const struct histogram *one = histograms_find(&h, "shop", "");
	assert_non_null(one);
	assert_int_equal(h.count, 1);
	assert_int_equal(one->buckets, 3);
	assert_int_equal(histogram_total(one), 40);
	assert_null(histograms_find(&h, "other", ""));
	/* 20 of 40: in the middle of the second bucket. */
	assert_float_equal(histogram_quantile(one, NULL, 0.5), 0.0015, 1e-9);
	/* Above the last finite bound nothing is known but that. */
	assert_float_equal(histogram_quantile(one, NULL, 0.99), 0.002, 1e-9);
	histograms_deinit(&h);
}

/* Kinds with labels of their own are summed: by member, and all of a service. */
static void
a_page_by_member(void **state)
{
	static const char page[] = FAMILY
	    "_bucket{service=\"s\",member=\"a\",affinity=\"hit\",cause=\"done\",le=\"0.001\"} "
	    "1\n" FAMILY "_bucket{service=\"s\",member=\"a\",affinity=\"hit\",cause=\"done\",le=\"+"
	    "Inf\"} 2\n" FAMILY
	    "_count{service=\"s\",member=\"a\",affinity=\"hit\",cause=\"done\"} 2\n" FAMILY
	    "_bucket{service=\"s\",member=\"a\",affinity=\"failover\",cause=\"done\",le=\"0.001\"} "
	    "4\n" FAMILY "_bucket{service=\"s\",member=\"a\",affinity=\"failover\",cause=\"done\","
	    "le=\"+Inf\"} 8\n" FAMILY
	    "_count{service=\"s\",member=\"a\",affinity=\"failover\",cause=\"done\"} 8\n" FAMILY
	    "_bucket{service=\"s\",member=\"-\",affinity=\"none\",cause=\"x\",le=\"0.001\"} "
	    "16\n" FAMILY
	    "_bucket{service=\"s\",member=\"-\",affinity=\"none\",cause=\"x\",le=\"+Inf\"} 32\n";
	struct histograms h;
	(void)state;
	read_page(&h, page);
	assert_int_equal(h.count, 2);
	const struct histogram *a = histograms_find(&h, "s", "a");
	const struct histogram *all = histograms_find(&h, "s", "");
	assert_int_equal(a->count[0], 5);
	assert_int_equal(histogram_total(a), 10);
	assert_int_equal(a->failovers, 8);
	assert_int_equal(all->count[0], 21);
	assert_int_equal(histogram_total(all), 42);
	histograms_deinit(&h);
}

static void
what_came_between(void **state)
{
	static const char later[] = FAMILY "_bucket{service=\"shop\",le=\"0.001\"} 10\n" FAMILY
					   "_bucket{service=\"shop\",le=\"0.002\"} 30\n" FAMILY
					   "_bucket{service=\"shop\",le=\"0.004\"} 130\n" FAMILY
					   "_bucket{service=\"shop\",le=\"+Inf\"} 140\n";
	struct histograms then;
	struct histograms now;
	(void)state;
	read_page(&then, by_service);
	read_page(&now, later);
	const struct histogram *a = histograms_find(&then, "shop", "");
	const struct histogram *b = histograms_find(&now, "shop", "");
	assert_true(isnan(histogram_quantile(a, a, 0.5)));
	assert_true(isnan(histogram_quantile(NULL, NULL, 0.5)));
	assert_int_equal(histogram_total(NULL), 0);
	double p50 = histogram_quantile(b, NULL, 0.5);
	assert_true(p50 > 0.002 && p50 < 0.004);
	histograms_deinit(&then);
	histograms_deinit(&now);
}

static void
lines_that_are_none(void **state)
{
	static const char *const pages[] = {
	    "",
	    "\n\n",
	    FAMILY,
	    FAMILY "_bucket{",
	    FAMILY "_bucket{service=\"s\"",
	    FAMILY "_bucket{service=s,le=\"1\"} 1\n",
	    FAMILY "_bucket{service=\"s\",le=\"1\"}\n",
	    FAMILY "_bucket{service=\"s\",le=\"1\"} -1\n",
	    FAMILY "_bucket{service=\"s\",le=\"1\"} many\n",
	    FAMILY "_bucket{=\"s\"} 1 2\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct histograms h;
		read_page(&h, pages[i]);
		assert_int_equal(h.count, 0);
		histograms_deinit(&h);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_page_by_service),
	    cmocka_unit_test(a_page_by_member),
	    cmocka_unit_test(what_came_between),
	    cmocka_unit_test(lines_that_are_none),
	};
	return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
