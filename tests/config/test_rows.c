/*
 * test_rows.c: the table of keys against itself, and against conf/holdfast.conf:
 * every key stands there, and where it is commented out as a default it has the
 * default's value.
 */
#include "config/rows.h"
#include "fixture.h"

#include <glob.h>
#include <libconfig.h>

#define SAMPLES_MIN 3

/* Paths are unique, and each stands in the scope that it says. */
static void
rows_are_consistent(void **state)
{
	(void)state;
	assert_true(key_row_count > 50);
	for (size_t i = 0; i < key_row_count; i++) {
		const struct key_row *row = &key_rows[i];
		const char *prefix = key_scopes[row->scope].prefix;
		assert_ptr_equal(key_row_find(row->path), row);
		assert_int_equal(strncmp(row->path, prefix, strlen(prefix)), 0);
		assert_null(strstr(key_row_relative(row), "[]"));
		assert_true(row->offset + row->width <= key_scopes[row->scope].bytes);
		assert_true(row->low <= row->high);
		assert_true(strlen(row->help) > 0);
		assert_false(key_is_group(row->path) && row->kind != KIND_LIST);
	}
	assert_true(key_is_group("services[].session"));
	assert_false(key_is_group("services[].sess"));
	assert_null(key_row_find("services[].session"));
	assert_null(key_row_find(""));
}

/* What belongs to later versions is known by key, or by how its value begins. */
static void
later_keys(void **state)
{
	(void)state;
	assert_false(key_is_later("services[].mirror", "first-backup"));
	assert_false(key_is_later("cluster.engine", "disk"));
	assert_false(key_is_later("services[].session.assign", "master"));
}

/* ---- conf/holdfast.conf ---------------------------------------------------------------------- */

/* "\t#workers = 0;" and "\t# user = ...;" without their marks; sentences stay comments. */
static void
uncomment(FILE *from, FILE *to, bool examples)
{
	char line[256];
	while (fgets(line, sizeof(line), from) != NULL) {
		char *at = line + strspn(line, " \t");
		size_t mark = at[0] != '#' ? 0 : examples && at[1] == ' ' ? 2 : 1;
		size_t name = strspn(at + mark, "abcdefghijklmnopqrstuvwxyz_0123456789");
		bool key = name > 0 && strncmp(at + mark + name, " = ", 3) == 0;
		(void)fprintf(to, "%s\n", key ? at + mark : line);
	}
}

static void
read_sample(config_t *tree, bool examples)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *from = fopen("conf/holdfast.conf", "r");
	FILE *to = open_memstream(&text, &bytes);
	assert_non_null(from);
	assert_non_null(to);
	uncomment(from, to, examples);
	(void)fclose(from);
	assert_int_equal(fclose(to), 0);
	config_init(tree);
	if (config_read_string(tree, text) != CONFIG_TRUE)
		fail_msg("line %d: %s", config_error_line(tree), config_error_text(tree));
	free(text);
}

/* The setting of a row, in the first element of each list: "services.[0].name" for libconfig. */
static config_setting_t *
setting_of(const config_t *tree, const struct key_row *row)
{
	char path[128];
	struct writer w = writer_on(path, sizeof(path));
	for (const char *at = row->path; *at != '\0'; at++) {
		if (*at == '[')
			write_literal(&w, ".[0");
		else
			write_char(&w, *at);
	}
	return config_lookup(tree, writer_text(&w));
}

static void
assert_default(const struct key_row *row, config_setting_t *setting)
{
	char text[32];
	const char *value = config_setting_get_string(setting);
	if (config_setting_type(setting) == CONFIG_TYPE_BOOL) {
		value = config_setting_get_bool(setting) ? "true" : "false";
	} else if (config_setting_is_number(setting)) {
		(void)snprintf(text, sizeof(text), "%lld", config_setting_get_int64(setting));
		value = text;
	}
	assert_string_equal(value, row->default_text);
}

/* Every key is in the sample. */
static void
sample_has_every_key(void **state)
{
	(void)state;
	config_t tree;
	read_sample(&tree, true);
	for (size_t i = 0; i < key_row_count; i++) {
		if (setting_of(&tree, &key_rows[i]) == NULL)
			fail_msg("conf/holdfast.conf has no %s", key_rows[i].path);
	}
	config_destroy(&tree);
}

/* What has a default is there as "#key = default;", and all of that together changes nothing. */
static void
sample_shows_defaults(void **state)
{
	(void)state;
	config_t tree;
	read_sample(&tree, false);
	for (size_t i = 0; i < key_row_count; i++) {
		const struct key_row *row = &key_rows[i];
		if (row->default_text == NULL || row->default_text == config_required)
			continue;
		config_setting_t *setting = setting_of(&tree, row);
		if (setting == NULL)
			fail_msg("conf/holdfast.conf does not show the default of %s", row->path);
		else
			assert_default(row, setting);
	}
	config_destroy(&tree);
}

static void
assert_loads(const char *file)
{
	struct config *config = NULL;
	struct config_findings findings;
	enum result r = config_load(file, CONFIG_FOR_EXPLAIN, &config, &findings);
	assert_finding(&findings, "", NULL);
	assert_int_equal(r, RESULT_OK);
	config_findings_free(&findings);
	config_free(&config);
}

/* Every shipped file loads as it stands, without a warning. */
static void
samples_load(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob("conf/*.conf", 0, NULL, &found), 0);
	assert_int_equal(glob("conf/examples/*.conf", GLOB_APPEND, NULL, &found), 0);
	assert_true(found.gl_pathc >= SAMPLES_MIN);
	for (size_t i = 0; i < found.gl_pathc; i++)
		assert_loads(found.gl_pathv[i]);
	globfree(&found);
}

/* Defaults are the ones that config.h promises. */
static void
defaults(void **state)
{
	(void)state;
	struct config *config = NULL;
	struct config_findings findings;
	assert_int_equal(config_load(put_config("", ""), CONFIG_FOR_EXPLAIN, &config, &findings),
			 RESULT_OK);
	const struct config_service *s = &config->services[0];
	assert_null(config->node);
	assert_int_equal(config->workers, 0);
	assert_int_equal(config->stop_ms, 30000);
	assert_null(config->log_failover);
	assert_null(config->log_access);
	assert_false(config->log_access_combined);
	assert_int_equal(config->log_level, LOG_LEVEL_INFO);
	assert_int_equal(config->limits.head_bytes_max, 16384);
	assert_int_equal(config->secret_count, 1);
	assert_int_equal(s->host_count + s->path_count + s->key_count, 0);
	assert_string_equal(s->tag.name, "HOLDFAST");
	assert_string_equal(s->tag.path, "/");
	assert_null(s->tag.domain);
	assert_false(s->tag.secure);
	assert_true(s->tag.http_only);
	assert_int_equal(s->tag.same_site, SAME_SITE_LAX);
	assert_int_equal(s->assign, ASSIGN_DEFAULT);
	assert_int_equal(s->failback, FAILBACK_STAY);
	assert_true(s->health.enabled);
	assert_null(s->health.path);
	assert_int_equal(s->health.interval_ms, 1000);
	assert_true(s->passive.enabled);
	assert_int_equal(s->attempts_max, 3);
	assert_int_equal(s->replay_bytes_max, 65536);
	assert_int_equal(s->members[0].weight, 1);
	assert_null(s->members[0].zone);
	config_findings_free(&findings);
	config_free(&config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_consistent),  cmocka_unit_test(later_keys),
	    cmocka_unit_test(sample_has_every_key), cmocka_unit_test(sample_shows_defaults),
	    cmocka_unit_test(samples_load),         cmocka_unit_test(defaults),
	};
	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
