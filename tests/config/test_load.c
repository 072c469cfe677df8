/*
 * test_load.c: files into configurations: what is wrong with each of tests/config/bad
 * (NAME.conf, and NAME.txt with every line that is said of it), and what a file that
 * cannot be read gives.
 */
#include "fixture.h"

#include <glob.h>

#define BAD_FILES_MIN 30 /* so that a test without files does not pass */

static struct config *config;
static struct config_findings findings;

static enum result
load(const char *file)
{
	config_findings_free(&findings);
	config_free(&config);
	return config_load(file, CONFIG_FOR_CHECK, &config, &findings);
}

static int
stop(void **state)
{
	(void)state;
	config_findings_free(&findings);
	config_free(&config);
	assert_null(config);
	return 0;
}

static char *
whole_file(const char *path)
{
	static char text[64 * 1024];
	FILE *from = fopen(path, "r");
	if (from == NULL)
		fail_msg("%s cannot be read", path);
	size_t bytes = fread(text, 1, sizeof(text) - 1, from);
	(void)fclose(from);
	text[bytes] = '\0';
	return text;
}

static void
check_bad_file(const char *file)
{
	char expected[FILE_NAME_BYTES];
	char *said = NULL;
	size_t bytes = 0;
	(void)snprintf(expected, sizeof(expected), "%.*stxt", (int)(strlen(file) - 4), file);
	enum result r = load(file);
	FILE *to = open_memstream(&said, &bytes);
	assert_non_null(to);
	config_findings_print(&findings, to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(said, whole_file(expected));
	free(said);
	assert_true(findings.count > 0);
	assert_int_equal(r, findings.errors > 0 ? RESULT_INVALID : RESULT_OK);
	assert_int_equal(config == NULL, findings.errors > 0);
}

/* Every mistake is found, all at once, with file, line, path, value and reason. */
static void
says_what_is_wrong(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob("tests/config/bad/*.conf", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= BAD_FILES_MIN);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_bad_file(found.gl_pathv[i]);
	globfree(&found);
}

/* A file that is not there, and one that is none, are no syntax errors. */
static void
says_what_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(load("/nonexistent/x.conf"), RESULT_NOT_FOUND);
	assert_finding(&findings, "", "No such file");
	assert_int_equal(findings.errors, 1);
	assert_string_equal(findings.list[0].file, "/nonexistent/x.conf");
	assert_int_equal(load("/"), RESULT_IO);
	assert_finding(&findings, "", "Is a directory");
	assert_null(config);
}

/* A file above the bound is not even parsed; one at the bound is. */
static void
bounds_the_file(void **state)
{
	(void)state;
	size_t bytes = CONFIG_FILE_BYTES_MAX + 1;
	char *text = malloc(bytes);
	assert_non_null(text);
	memset(text, '\n', bytes);
	assert_int_equal(load(put_file("large.conf", text, bytes, 0644)), RESULT_LIMIT);
	assert_finding(&findings, "", "larger than 16777216 bytes");
	assert_int_equal(load(put_file("large.conf", text, bytes - 1, 0644)), RESULT_INVALID);
	assert_int_equal(findings.errors, 2); /* no listeners, no services */
	free(text);
}

/* What does not fit into the list of findings is counted. */
static void
counts_what_it_does_not_show(void **state)
{
	(void)state;
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);
	assert_non_null(to);
	for (int i = 0; i < CONFIG_FINDINGS_MAX + 48; i++)
		(void)fprintf(to, "k%d = 1;\n", i);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(load(put_file("many.conf", text, bytes, 0644)), RESULT_INVALID);
	free(text);
	assert_int_equal(findings.count, CONFIG_FINDINGS_MAX);
	assert_int_equal(findings.not_shown, 50);
	assert_int_equal(findings.errors, CONFIG_FINDINGS_MAX + 50);
	assert_int_equal(findings.list[CONFIG_FINDINGS_MAX - 1].line, CONFIG_FINDINGS_MAX);
}

/* A byte that ends a text for others is no end of the file for us. */
static void
refuses_a_nul_byte(void **state)
{
	(void)state;
	static const char text[] = "workers = 1;\n\0workers = 2;\n";
	assert_int_equal(load(put_file("nul.conf", text, sizeof(text) - 1, 0644)), RESULT_INVALID);
	assert_finding(&findings, "", "NUL");
	assert_int_equal(findings.list[0].line, 2);
}

/* The largest service there may be, and one member more. */
static void
bounds_the_members(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		char *text = NULL;
		size_t bytes = 0;
		FILE *to = open_memstream(&text, &bytes);
		assert_non_null(to);
		(void)fprintf(to, "listeners = ( { address = \"127.0.0.1:1\"; } );\n"
				  "services = ( { name = \"s\"; members = (\n");
		for (int i = 0; i < MEMBERS_MAX + more; i++)
			(void)fprintf(to, "%s{ id = \"m%d\"; origin = \"10.0.%d.%d:80\"; }\n",
				      i == 0 ? "" : ",", i, i / 256, i % 256);
		(void)fprintf(to, "); } );\n");
		assert_int_equal(fclose(to), 0);
		enum result r = load(put_file("members.conf", text, bytes, 0644));
		free(text);
		assert_int_equal(r, more == 0 ? RESULT_OK : RESULT_INVALID);
		assert_finding(&findings, "services[0].members",
			       more == 0 ? NULL : "16385 of them, above 16384");
		if (more == 0)
			assert_int_equal(config->services[0].member_count, MEMBERS_MAX);
	}
}

/* Every kind of value arrives where it belongs. */
static void
reads_values(void **state)
{
	(void)state;
	const char *file = put_config(
	    "node = \"n1\"; workers = 3; user = \"www\"; stop = \"1m\";\n"
	    "log = { failover = \"f\"; access = \"a\"; access_format = \"combined\"; "
	    "level = \"debug\"; };\n"
	    "limits = { head_bytes_max = \"4KiB\"; target_bytes_max = \"2048\"; headers_max = 7; "
	    "connections_max = 8; requests_max = 2147483647; };",
	    "hosts = [ \"Shop.Example\", \"*.EXAMPLE\", \"[::1]\" ]; paths = ( \"/a\", \"/b/\" );\n"
	    "session = { keys = [ \"cookie:S | before:.\", \"ip\" ]; assign = \"round_robin\";\n"
	    "  failback = \"return\"; strict = 503; spread = \"zone\";\n"
	    "  tag = { cookie = \"T\"; path = \"/a\"; domain = \"example\"; secure = true;\n"
	    "    http_only = false; same_site = \"none\"; max_age = \"2m\"; }; };\n"
	    "health = { enabled = false; path = \"/h?x\"; host = \"h\"; expect_low = 204;\n"
	    "  expect_high = 299; interval = \"2s\"; timeout = \"1s\"; fall = 4; rise = 5; "
	    "  fast_interval = \"30ms\"; slow_start = \"1m\"; };\n"
	    "passive = { enabled = true; fall = 6; retry = \"7s\"; };\n"
	    "timeouts = { connect = \"11ms\"; first_byte = \"12ms\"; idle = \"13ms\";\n"
	    "  header = \"14ms\"; tunnel = \"15ms\"; pool_idle = \"16ms\"; };\n"
	    "attempts_max = 2; replay_bytes_max = \"1KiB\"; body_bytes_max = \"5GiB\";\n"
	    "retry_budget = \"35%\"; retry_min = 12; overflow = \"next\"; queue_max = 13; "
	    "queue_timeout = \"14s\"; pool_max = 9; retry_after = \"1m\";");
	assert_int_equal(load(file), RESULT_OK);
	assert_finding(&findings, "", NULL);

	assert_string_equal(config->file, file);
	assert_string_equal(config->node, "n1");
	assert_int_equal(config->workers, 3);
	assert_string_equal(config->user, "www");
	assert_int_equal(config->stop_ms, 60000);
	assert_string_equal(config->log_failover, "f");
	assert_string_equal(config->log_access, "a");
	assert_true(config->log_access_combined);
	assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(config->limits.head_bytes_max, 4096);
	assert_int_equal(config->limits.target_bytes_max, 2048);
	assert_int_equal(config->limits.headers_max, 7);
	assert_int_equal(config->limits.connections_max, 8);
	assert_int_equal(config->limits.requests_max, INT32_MAX);
	assert_int_equal(config->listener_count, 1);
	assert_int_equal(config->listeners[0].address.port, 8080);
	assert_false(config->admin_enabled);

	const struct config_service *s = &config->services[0];
	assert_int_equal(config->service_count, 1);
	assert_string_equal(s->name, "shop");
	assert_int_equal(s->line, 6);
	assert_int_equal(s->members[0].line, 18);
	assert_int_equal(s->host_count, 3);
	assert_string_equal(s->hosts[0], "shop.example");
	assert_string_equal(s->hosts[1], "*.example");
	assert_int_equal(s->path_count, 2);
	assert_string_equal(s->paths[1], "/b/");
	assert_int_equal(s->key_count, 2);
	assert_string_equal(s->keys[0], "cookie:S | before:.");
	assert_int_equal(s->assign, ASSIGN_ROUND_ROBIN);
	assert_int_equal(s->failback, FAILBACK_RETURN);
	assert_int_equal(s->strict, 503);
	assert_int_equal(s->spread, SPREAD_ZONE);
	assert_int_equal(s->attempts_max, 2);
	assert_int_equal(s->retry_budget, 35);
	assert_int_equal(s->retry_min, 12);
	assert_int_equal(s->overflow, OVERFLOW_NEXT);
	assert_int_equal(s->queue_max, 13);
	assert_int_equal(s->members[0].connections_max, 15);
	assert_int_equal(s->queue_timeout_ms, 14000);
	assert_int_equal(s->replay_bytes_max, 1024);
	assert_true(s->body_bytes_max == UINT64_C(5) << 30);
	assert_int_equal(s->pool_max, 9);
	assert_int_equal(s->retry_after_s, 60);

	assert_int_equal(s->tag.carrier, TAG_COOKIE);
	assert_string_equal(s->tag.name, "T");
	assert_string_equal(s->tag.path, "/a");
	assert_string_equal(s->tag.domain, "example");
	assert_true(s->tag.secure);
	assert_false(s->tag.http_only);
	assert_int_equal(s->tag.same_site, SAME_SITE_NONE);
	assert_int_equal(s->tag.max_age_s, 120);

	assert_false(s->health.enabled);
	assert_string_equal(s->health.path, "/h?x");
	assert_string_equal(s->health.host, "h");
	assert_int_equal(s->health.expect_low, 204);
	assert_int_equal(s->health.expect_high, 299);
	assert_int_equal(s->health.interval_ms, 2000);
	assert_int_equal(s->health.timeout_ms, 1000);
	assert_int_equal(s->health.fast_interval_ms, 30);
	assert_int_equal(s->health.slow_start_ms, 60000);
	assert_int_equal(s->health.fall, 4);
	assert_int_equal(s->health.rise, 5);
	assert_int_equal(s->passive.fall, 6);
	assert_int_equal(s->passive.retry_ms, 7000);
	assert_int_equal(s->timeouts.connect_ms, 11);
	assert_int_equal(s->timeouts.first_byte_ms, 12);
	assert_int_equal(s->timeouts.idle_ms, 13);
	assert_int_equal(s->timeouts.header_ms, 14);
	assert_int_equal(s->timeouts.tunnel_ms, 15);
	assert_int_equal(s->timeouts.pool_idle_ms, 16);
}

/* A header carries the tag instead of the cookie. */
static void
reads_a_tag_header(void **state)
{
	(void)state;
	assert_int_equal(load(put_config("", "session = { tag = { header = \"X-Tag\"; }; };")),
			 RESULT_OK);
	assert_finding(&findings, "", NULL);
	assert_int_equal(config->services[0].tag.carrier, TAG_HEADER);
	assert_string_equal(config->services[0].tag.name, "X-Tag");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(says_what_is_wrong, stop),
	    cmocka_unit_test_teardown(says_what_cannot_be_read, stop),
	    cmocka_unit_test_teardown(bounds_the_file, stop),
	    cmocka_unit_test_teardown(counts_what_it_does_not_show, stop),
	    cmocka_unit_test_teardown(refuses_a_nul_byte, stop),
	    cmocka_unit_test_teardown(bounds_the_members, stop),
	    cmocka_unit_test_teardown(reads_values, stop),
	    cmocka_unit_test_teardown(reads_a_tag_header, stop),
	};
	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
