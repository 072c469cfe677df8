/* test_renderings.c: one status, three texts: JSON, metrics, page. */
#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/status_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "model.h"

#define ENOUGH ((size_t)4 * 1024 * 1024)

static struct grow out;

static int
stop(void **state)
{
	(void)state;
	grow_deinit(&out);
	return 0;
}

static const char *
text(void)
{
	assert_false(out.failed);
	grow_bytes(&out, "", 1);
	return out.at;
}

static void
assert_has(const char *part)
{
	if (strstr(out.at, part) == NULL)
		fail_msg("there is no: %s", part);
}

static void
assert_has_not(const char *part)
{
	if (strstr(out.at, part) != NULL)
		fail_msg("there is: %s", part);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static json_t *
read_json(const struct status *s)
{
	json_error_t error;
	grow_init(&out, ENOUGH);
	status_json(s, &out);
	json_t *read = json_loads(text(), JSON_REJECT_DUPLICATES, &error);
	if (read == NULL)
		fail_msg("%s", error.text);
	return read;
}

static const json_t *
at(const json_t *from, const char *path)
{
	char rest[128];
	(void)snprintf(rest, sizeof(rest), "%s", path);
	for (char *key = strtok(rest, "."); key != NULL; key = strtok(NULL, ".")) {
		from = json_is_array(from) ? json_array_get(from, strtoul(key, NULL, 10))
					   : json_object_get(from, key);
		if (from == NULL)
			fail_msg("no %s", path);
	}
	return from;
}

#define ASSERT_COUNT(json, path, want) \
	assert_int_equal(json_integer_value(at((json), (path))), (want))
#define ASSERT_TEXT(json, path, want) \
	assert_string_equal(json_string_value(at((json), (path))), (want))

static void
json_has_everything(void **state)
{
	(void)state;
	struct status s = model();
	json_t *j = read_json(&s);
	ASSERT_TEXT(j, "node", "n1");
	ASSERT_TEXT(j, "time", "2026-01-01T00:00:00.500Z");
	ASSERT_TEXT(j, "started", "2025-12-30T22:58:59.500Z");
	ASSERT_TEXT(j, "config.loaded", "2026-01-01T00:00:00.000Z");
	ASSERT_TEXT(j, "config.file", "<b>\"\\\n\x1b&'");
	ASSERT_COUNT(j, "process.pid", 42);
	ASSERT_COUNT(j, "logs.events_lost", 6);
	ASSERT_COUNT(j, "crowded", 8);
	ASSERT_COUNT(j, "hops.bad_mac", 1);
	ASSERT_COUNT(j, "unrouted.total", 0);
	ASSERT_TEXT(j, "services.0.pool", "000000000000feed");
	ASSERT_TEXT(j, "services.1.pool", "ffffffffffffffff");
	ASSERT_COUNT(j, "services.0.requests.total", 9);
	ASSERT_COUNT(j, "services.0.requests.by_cause.client_abort", 2);
	ASSERT_COUNT(j, "services.0.requests.by_affinity.hit", 9);
	ASSERT_COUNT(j, "services.0.requests.by_status.none", 2);
	ASSERT_COUNT(j, "services.0.requests.tags_rejected.bad_mac", 4);
	assert_true(json_real_value(at(j, "services.0.requests.mean_ms")) > 900);
	assert_true(json_is_null(at(j, "services.1.requests.mean_ms")));
	assert_int_equal(json_array_size(at(j, "services.1.members")), 0);
	ASSERT_TEXT(j, "services.0.members.0.state", "down");
	ASSERT_TEXT(j, "services.0.members.0.order", "drain");
	ASSERT_TEXT(j, "services.0.members.0.reason", "probe_status");
	ASSERT_TEXT(j, "services.0.members.0.since", "2025-12-31T23:58:59.000Z");
	ASSERT_TEXT(j, "services.0.members.0.check.at", "2026-01-01T00:00:00.250Z");
	ASSERT_TEXT(j, "services.0.members.0.check.seen", HOSTILE);
	assert_true(json_is_null(at(j, "services.0.members.0.zone")));
	ASSERT_TEXT(j, "services.0.members.0.health.history", "110");
	ASSERT_TEXT(j, "services.0.members.0.health.weight", "50%");
	ASSERT_COUNT(j, "services.0.members.0.health.well", 60);
	ASSERT_COUNT(j, "services.0.members.0.health.failed", 7);
	ASSERT_COUNT(j, "services.0.members.0.health.weights_refused", 8);
	ASSERT_COUNT(j, "services.0.members.0.health.slow_start_left_ms", 1500);
	ASSERT_COUNT(j, "services.0.members.0.health.transitions", 34);
	assert_int_equal(json_array_size(at(j, "services.0.members.0.transitions")), 2);
	ASSERT_TEXT(j, "services.0.members.0.transitions.0.at", "2025-12-31T23:59:57.500Z");
	ASSERT_TEXT(j, "services.0.members.0.transitions.0.from", "up");
	ASSERT_TEXT(j, "services.0.members.0.transitions.1.to", "down");
	ASSERT_TEXT(j, "services.0.members.0.transitions.1.reason", "probe_status");
	assert_true(json_number_value(at(j, "services.0.members.0.share")) == 1.05);
	assert_true(json_is_null(at(j, "services.0.members.1.health.weight")));
	assert_int_equal(json_array_size(at(j, "services.0.members.1.transitions")), 0);
	ASSERT_TEXT(j, "services.0.members.1.zone", "z");
	assert_true(json_is_null(at(j, "services.0.members.1.order")));
	assert_true(json_is_null(at(j, "services.0.members.1.check")));
	json_decref(j);
}

/* Everything but the members. */
static void
json_may_be_brief(void **state)
{
	(void)state;
	struct status s = model();
	json_t *whole = read_json(&s);
	json_t *services = json_object_get(whole, "services");
	size_t i;
	json_t *one;
	json_array_foreach(services, i, one)
	{
		assert_int_equal(json_object_del(one, "members"), 0);
	}
	grow_deinit(&out);
	grow_init(&out, ENOUGH);
	status_json_brief(&s, &out);
	json_t *brief = json_loads(text(), JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(services), 2);
	assert_true(json_equal(brief, whole));
	json_decref(brief);
	json_decref(whole);
}

/* A file may have any name. */
static void
json_is_ascii(void **state)
{
	(void)state;
	struct status s = model();
	s.config_file = "/etc/\xff\xc3\xbc.conf";
	s.node = NULL;
	json_t *j = read_json(&s);
	for (const char *c = out.at; *c != '\0'; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	assert_true(json_is_null(at(j, "node")));
	json_decref(j);
}

/* ---- metrics ----------------------------------------------------------------------------------
 */

static void
metrics_have_their_values(void **state)
{
	(void)state;
	struct status s = model();
	grow_init(&out, ENOUGH);
	metrics_write(&s, &out);
	(void)text();
	assert_has("\nholdfast_info{node=\"n1\",version=\"9.9\"} 1\n");
	assert_has("\nholdfast_uptime_seconds 90061.000\n");
	assert_has("\nholdfast_config_age_seconds 0.500\n");
	assert_has("\nprocess_cpu_seconds_total 1.250\n");
	assert_has("\nprocess_start_time_seconds 1767135539.500\n");
	assert_has("\nholdfast_hops_total{found=\"good\"} 12\n");
	assert_has("\nholdfast_cluster_master{cluster=\"shop\",master=\"n1\"} 1\n");
	assert_has("\nholdfast_cluster_votes 1\n");
	assert_has("\nholdfast_cluster_longest_wait_seconds 0.275\n");
	assert_has("\nholdfast_cluster_node_heard_seconds{peer=\"n3\"} 0.250\n");
	assert_has("\nholdfast_cluster_datagrams_dropped_total{reason=\"mac\"} 3\n");
	assert_has("\nholdfast_log_lines_lost_total{log=\"access\"} 2\n");
	assert_has("\nholdfast_requests_total{service=\"shop\",cause=\"done\"} 7\n");
	assert_has("\nholdfast_requests_total{service=\"-\",cause=\"no_service\"} 0\n");
	assert_has("\nholdfast_responses_total{service=\"shop\",class=\"2xx\"} 7\n");
	assert_has("\nholdfast_response_body_bytes_total{service=\"shop\"} 9223372036854775807\n");
#define OF_A      "{service=\"shop\",member=\"a\",affinity=\"hit\",cause=\"done\""
#define OF_NOBODY "{service=\"shop\",member=\"-\",affinity=\"none\",cause=\"client_abort\""
	assert_has("_bucket" OF_A ",le=\"0.000128\"} 6\n");
	assert_has("_bucket" OF_A ",le=\"67.108864\"} 6\n");
	assert_has("_bucket" OF_A ",le=\"+Inf\"} 9\n");
	assert_has("_sum" OF_A "} 9.000009\n");
	assert_has("_count" OF_A "} 9\n");
	assert_has("_bucket" OF_NOBODY ",le=\"0.000128\"} 0\n");
	assert_has("_bucket" OF_NOBODY ",le=\"0.000256\"} 1\n");
	assert_has("_sum" OF_NOBODY "} 0.000200\n");
	assert_has("\nholdfast_member_state{service=\"shop\",member=\"a\"} 3\n");
	assert_has("\nholdfast_member_check_well{service=\"shop\",member=\"a\"} 0\n");
	assert_has_not("holdfast_member_check_well{service=\"shop\",member=\"b\"}");
	assert_has("\nholdfast_member_share{service=\"shop\",member=\"a\"} 1.05\n");
	assert_has("\nholdfast_member_share{service=\"shop\",member=\"b\"} 0.00\n");
	assert_has("\nholdfast_member_slow_start_seconds{service=\"shop\",member=\"a\"} 1.500\n");
	assert_has("\nholdfast_member_weights_refused_total{service=\"shop\",member=\"a\"} 8\n");
	assert_has("\nholdfast_member_transitions_total{service=\"shop\",member=\"a\"} 34\n");
	assert_has("_checks_total{service=\"shop\",member=\"a\",result=\"well\"} 60\n");
	assert_has("_checks_total{service=\"shop\",member=\"a\",result=\"failed\"} 7\n");
}

/* Each family of the table has samples. */
static void
metrics_are_complete(void **state)
{
	(void)state;
	struct status s = model();
	grow_init(&out, ENOUGH);
	metrics_write(&s, &out);
	(void)text();
#define METRIC(ident, name, type, help)                \
	assert_has("# TYPE " name " " type "\n" name); \
	assert_has("# HELP " name " ");
#include "tbl/metrics.h"
#undef METRIC
}

static void
labels_are_escaped(void **state)
{
	(void)state;
	struct status s = model();
	s.node = "a\"b\\c\nd";
	grow_init(&out, ENOUGH);
	metrics_write(&s, &out);
	(void)text();
	assert_has("node=\"a\\\"b\\\\c\\nd\"");
}

/* ---- page -------------------------------------------------------------------------------------
 */

static void
page_is_escaped(void **state)
{
	(void)state;
	struct status s = model();
	s.node = HOSTILE;
	grow_init(&out, ENOUGH);
	page_write(&s, "NONCE", &out);
	(void)text();
	assert_has_not("<b>");
	assert_has("&lt;b&gt;&quot;\\");
	assert_has("&amp;&#39;");
	assert_has("<style nonce=\"NONCE\">");
	assert_has("<td class=down>down</td><td>probe_status</td><td>1 min 1 s</td>");
	assert_has("up for 1 d 1 h");
	assert_has("<td class=n>2 (now 1.05)</td>");
	assert_has("<td class=h title=\"60 checks well, 7 failed\"><span class=up>&#9615;&#9615;"
		   "</span><span class=down>&#9601;</span></td>");
	assert_has("9 requests, 2 ended by an error, 1 retries");
}

/* ---- where memory ends ------------------------------------------------------------------------
 */

static void
a_bound_is_said(void **state)
{
	(void)state;
	struct status s = model();
	for (size_t bound = 0; bound < 3000; bound += 7) {
		grow_init(&out, bound);
		status_json(&s, &out);
		assert_true(out.failed || out.bytes <= bound);
		grow_deinit(&out);
		grow_init(&out, bound);
		metrics_write(&s, &out);
		assert_true(out.failed);
		grow_deinit(&out);
		grow_init(&out, bound);
		page_write(&s, "N", &out);
		assert_true(out.failed || out.bytes <= bound);
		grow_deinit(&out);
	}
}

/* What goes with a status lasts as long, and no longer. */
static void
a_status_owns_its_texts(void **state)
{
	(void)state;
	struct status s;
	status_init(&s);
	char text_of[] = "text";
	const char *copy = status_text(&s, text_of);
	text_of[0] = 'n';
	assert_string_equal(copy, "text");
	assert_null(status_text(&s, NULL));
	char *large = status_alloc(&s, 1000000);
	assert_non_null(large);
	for (size_t i = 0; i < 1000000; i++)
		assert_int_equal(large[i], 0);
	for (int i = 0; i < 100000; i++)
		assert_string_equal(status_text(&s, "another"), "another");
	assert_string_equal(copy, "text");
	status_deinit(&s);
	assert_null(s.memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(json_has_everything, stop),
	    cmocka_unit_test_teardown(json_may_be_brief, stop),
	    cmocka_unit_test_teardown(json_is_ascii, stop),
	    cmocka_unit_test_teardown(metrics_have_their_values, stop),
	    cmocka_unit_test_teardown(metrics_are_complete, stop),
	    cmocka_unit_test_teardown(labels_are_escaped, stop),
	    cmocka_unit_test_teardown(page_is_escaped, stop),
	    cmocka_unit_test_teardown(a_bound_is_said, stop),
	    cmocka_unit_test(a_status_owns_its_texts),
	};
	return cmocka_run_group_tests_name("renderings", tests, NULL, NULL);
}
