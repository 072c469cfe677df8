/*
 * test_secrets.c: secrets from files and from the state directory, pool keys, and what
 * is left behind in the file system.
 */
#include "base/digest.h"
#include "fixture.h"

static struct config *config;
static struct config_findings findings;
static const char bytes_32[] = "0123456789abcdef0123456789abcdef";

static enum result
load(const char *file, enum config_purpose purpose)
{
	config_findings_free(&findings);
	config_free(&config);
	return config_load(file, purpose, &config, &findings);
}

static int
stop(void **state)
{
	(void)state;
	config_findings_free(&findings);
	config_free(&config);
	return 0;
}

static bool
exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static void
remove_state(void)
{
	(void)unlink(in_dir("state/secret"));
	(void)rmdir(in_dir("state"));
	assert_false(exists(in_dir("state")));
}

/* ---- the secret of the state directory ------------------------------------------------------- */

/* Made once, for its owner alone, and the same from then on. */
static void
keeps_a_secret_of_its_own(void **state)
{
	(void)state;
	struct stat st;
	uint8_t first[16];
	remove_state();
	assert_int_equal(load(put_config("", ""), CONFIG_FOR_RUN), RESULT_OK);
	assert_finding(&findings, "", NULL);
	assert_int_equal(config->secret_count, 1);
	assert_string_equal(config->secrets[0].id, "auto");
	memcpy(first, config->secrets[0].master, sizeof(first));
	assert_int_equal(stat(in_dir("state/secret"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	assert_int_equal(stat(in_dir("state"), &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	assert_int_equal(st.st_nlink, 2);

	assert_int_equal(load(in_dir("holdfast.conf"), CONFIG_FOR_RUN), RESULT_OK);
	assert_memory_equal(config->secrets[0].master, first, sizeof(first));
	assert_int_equal(load(in_dir("holdfast.conf"), CONFIG_FOR_CHECK), RESULT_OK);
	assert_memory_equal(config->secrets[0].master, first, sizeof(first));

	/* Another one is another one. */
	remove_state();
	assert_int_equal(load(in_dir("holdfast.conf"), CONFIG_FOR_RUN), RESULT_OK);
	assert_memory_not_equal(config->secrets[0].master, first, sizeof(first));
}

/* Nothing but its name remains in the directory: the temporary file is gone. */
static void
leaves_no_temporary_file(void **state)
{
	(void)state;
	remove_state();
	assert_int_equal(load(put_config("", ""), CONFIG_FOR_RUN), RESULT_OK);
	assert_int_equal(unlink(in_dir("state/secret")), 0);
	assert_int_equal(rmdir(in_dir("state")), 0); /* it was empty */
}

/* Check and explain write nothing, nor does a configuration that is refused. */
static void
writes_only_to_run(void **state)
{
	(void)state;
	remove_state();
	assert_int_equal(load(put_config("", ""), CONFIG_FOR_CHECK), RESULT_OK);
	assert_int_equal(config->secret_count, 1);
	assert_false(exists(in_dir("state")));
	assert_int_equal(load(in_dir("holdfast.conf"), CONFIG_FOR_EXPLAIN), RESULT_OK);
	assert_int_equal(config->secret_count, 1);
	assert_false(exists(in_dir("state")));
	assert_int_equal(load(put_config("workers = 999;", ""), CONFIG_FOR_RUN), RESULT_INVALID);
	assert_finding(&findings, "workers", "above 256");
	assert_false(exists(in_dir("state")));
}

/* A secret of the state directory that others can read, or that is cut, is not replaced. */
static void
refuses_a_bad_state_secret(void **state)
{
	(void)state;
	remove_state();
	assert_int_equal(mkdir(in_dir("state"), 0755), 0);
	(void)put_file("state/secret", bytes_32, 32, 0644);
	for (enum config_purpose purpose = CONFIG_FOR_RUN; purpose <= CONFIG_FOR_CHECK; purpose++) {
		assert_int_equal(load(put_config("", ""), purpose), RESULT_INVALID);
		assert_finding(&findings, "state_dir", "(mode 0644)");
	}
	(void)put_file("state/secret", bytes_32, 31, 0600);
	assert_int_equal(load(put_config("", ""), CONFIG_FOR_RUN), RESULT_INVALID);
	assert_finding(&findings, "state_dir", "31 bytes, fewer than 32");
	assert_int_equal(load(put_config("", ""), CONFIG_FOR_EXPLAIN), RESULT_OK);
	remove_state();
}

/* The directory is made, but not the directories above it. */
static void
makes_one_directory(void **state)
{
	(void)state;
	char text[512];
	int bytes =
	    snprintf(text, sizeof(text),
		     "state_dir = \"%s/no/state\"; listeners = ( { address = \"127.0.0.1:1\"; } );"
		     "services = ( { name = \"s\"; members = ( { id = \"a\"; "
		     "origin = \"127.0.0.1:2\"; } ); } );\n",
		     dir);
	const char *file = put_file("deep.conf", text, (size_t)bytes, 0644);
	assert_int_equal(load(file, CONFIG_FOR_RUN), RESULT_INVALID);
	assert_finding(&findings, "state_dir", "No such file");
	assert_false(exists(in_dir("no")));
}

/* ---- configured secrets ---------------------------------------------------------------------- */

static enum result
load_with_secret(const void *at, size_t bytes, mode_t mode)
{
	char top[256];
	const char *file = put_file("secret", at, bytes, mode);
	(void)snprintf(top, sizeof(top), "secrets = ( { id = \"k1\"; file = \"%s\"; } );", file);
	return load(put_config(top, ""), CONFIG_FOR_RUN);
}

/* From 32 to 4,096 bytes, of any kind; the key depends on the id and on every byte. */
static void
bounds_the_bytes(void **state)
{
	(void)state;
	static char large[4097];
	uint8_t expected[16];
	remove_state();
	assert_int_equal(load_with_secret(bytes_32, 31, 0600), RESULT_INVALID);
	assert_finding(&findings, "secrets[0].file", "31 bytes, fewer than 32");
	assert_int_equal(load_with_secret(large, 4097, 0600), RESULT_INVALID);
	assert_finding(&findings, "secrets[0].file", "larger than 4096 bytes");
	assert_int_equal(load_with_secret(large, 4096, 0600), RESULT_OK);
	assert_int_equal(load_with_secret(bytes_32, 32, 0600), RESULT_OK);
	digest_derive("holdfast secret v1", SLICE("k1"), bytes_32, 32, expected);
	assert_memory_equal(config->secrets[0].master, expected, sizeof(expected));
	assert_false(exists(in_dir("state"))); /* no other one is made */
}

/* The group may read, nobody else may do anything. */
static void
bounds_the_mode(void **state)
{
	(void)state;
	static const mode_t refused[] = {0604, 0602, 0601, 0620, 0610};
	assert_int_equal(load_with_secret(bytes_32, 32, 0400), RESULT_OK);
	assert_int_equal(load_with_secret(bytes_32, 32, 0640), RESULT_OK);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(load_with_secret(bytes_32, 32, refused[i]), RESULT_INVALID);
		assert_finding(&findings, "secrets[0].file", "others can read or change it");
	}
	assert_int_equal(load(in_dir("holdfast.conf"), CONFIG_FOR_CHECK), RESULT_INVALID);
	assert_int_equal(load(in_dir("holdfast.conf"), CONFIG_FOR_EXPLAIN), RESULT_OK);
}

/* ---- the admin interface's token --------------------------------------------------------------
 */

static enum result
load_with_token(const char *text, mode_t mode)
{
	char top[256];
	const char *file = put_file("token", text, strlen(text), mode);
	(void)snprintf(top, sizeof(top),
		       "admin = { address = \"127.0.0.1:8081\"; token_file = \"%s\"; };", file);
	return load(put_config(top, ""), CONFIG_FOR_RUN);
}

/* One line of a file that others cannot read. */
static void
reads_a_token(void **state)
{
	(void)state;
	assert_int_equal(load_with_token("0123456789abcdef\n", 0600), RESULT_OK);
	assert_string_equal(config->admin_token, "0123456789abcdef");
	assert_int_equal(load_with_token("0123456789abcdef0", 0640), RESULT_OK);
	assert_string_equal(config->admin_token, "0123456789abcdef0");
	assert_int_equal(load_with_token("0123456789abcdef\r\n", 0600), RESULT_OK);
	assert_string_equal(config->admin_token, "0123456789abcdef");
}

static void
refuses_a_token(void **state)
{
	(void)state;
	assert_int_equal(load_with_token("0123456789abcde\n", 0600), RESULT_INVALID);
	assert_finding(&findings, "admin.token_file", "shorter than 16 bytes");
	assert_int_equal(load_with_token("0123456789 abcdef\n", 0600), RESULT_INVALID);
	assert_finding(&findings, "admin.token_file", "one line of printable ASCII");
	assert_int_equal(load_with_token("0123456789abcdef\nmore\n", 0600), RESULT_INVALID);
	assert_finding(&findings, "admin.token_file", "one line of printable ASCII");
	assert_int_equal(load_with_token("0123456789abcdef\n", 0604), RESULT_INVALID);
	assert_finding(&findings, "admin.token_file", "others can read or change it");
	assert_int_equal(load(in_dir("holdfast.conf"), CONFIG_FOR_EXPLAIN), RESULT_OK);
	assert_null(config->admin_token);
}

/* A pipe that nobody writes to is refused, not waited for. */
static void
waits_for_no_pipe(void **state)
{
	(void)state;
	char top[256];
	const char *pipe_name = in_dir("pipe");
	assert_int_equal(mkfifo(pipe_name, 0600), 0);
	(void)snprintf(top, sizeof(top), "secrets = ( { id = \"k1\"; file = \"%s\"; } );",
		       pipe_name);
	assert_int_equal(load(put_config(top, ""), CONFIG_FOR_RUN), RESULT_INVALID);
	assert_finding(&findings, "secrets[0].file", "not a file");
}

/* ---- pool keys ------------------------------------------------------------------------------- */

static enum result
load_with_pool_key(const void *at, size_t bytes, mode_t mode)
{
	char service[256];
	const char *file = put_file("pool", at, bytes, mode);
	(void)snprintf(service, sizeof(service), "session = { pool_key = \"%s\"; };", file);
	return load(put_config("", service), CONFIG_FOR_EXPLAIN);
}

/* 16 bytes as they are, 32 digits in either case, with or without the end of a line. */
static void
reads_pool_keys(void **state)
{
	(void)state;
	static const uint8_t key[POOL_KEY_BYTES] = {0x00, 0x0a, 0xff, 0x10, 4,  5,  6,  7,
						    8,    9,    10,   11,   12, 13, 14, 15};
	static const char *const texts[] = {
	    "000aff100405060708090a0b0c0d0e0f",
	    "000AFF100405060708090a0b0c0d0e0f\n",
	    "000aff100405060708090a0b0c0d0e0f\r\n",
	};
	assert_int_equal(load_with_pool_key(key, sizeof(key), 0600), RESULT_OK);
	assert_finding(&findings, "", NULL);
	assert_memory_equal(config->services[0].pool_key, key, sizeof(key));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(load_with_pool_key(texts[i], strlen(texts[i]), 0600), RESULT_OK);
		assert_memory_equal(config->services[0].pool_key, key, sizeof(key));
	}
}

/* Anything else is no pool key, also for explain, which needs it; a mode is only warned of. */
static void
refuses_pool_keys(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
					    "\n",
					    "000aff100405060708090a0b0c0d0e0",
					    "0123456789abcdef\n",
					    "000aff100405060708090a0b0c0d0e0g",
					    "000aff100405060708090a0b0c0d0e0f\n\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(load_with_pool_key(texts[i], strlen(texts[i]), 0600),
				 RESULT_INVALID);
		assert_finding(&findings, "services[0].session.pool_key",
			       "neither 16 bytes nor 32 hex digits");
	}
	assert_int_equal(load_with_pool_key(bytes_32, 32, 0644), RESULT_OK);
	assert_finding(&findings, "services[0].session.pool_key", "others can read");
	assert_true(findings.list[0].warning);
}

/* Without a file anyone can compute it from the service's name. */
static void
derives_pool_keys(void **state)
{
	(void)state;
	uint8_t expected[POOL_KEY_BYTES];
	assert_int_equal(load(put_config("", ""), CONFIG_FOR_EXPLAIN), RESULT_OK);
	digest_default_pool_key(SLICE("shop"), expected);
	assert_memory_equal(config->services[0].pool_key, expected, sizeof(expected));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(keeps_a_secret_of_its_own, stop),
	    cmocka_unit_test_teardown(leaves_no_temporary_file, stop),
	    cmocka_unit_test_teardown(writes_only_to_run, stop),
	    cmocka_unit_test_teardown(refuses_a_bad_state_secret, stop),
	    cmocka_unit_test_teardown(makes_one_directory, stop),
	    cmocka_unit_test_teardown(bounds_the_bytes, stop),
	    cmocka_unit_test_teardown(bounds_the_mode, stop),
	    cmocka_unit_test_teardown(reads_a_token, stop),
	    cmocka_unit_test_teardown(refuses_a_token, stop),
	    cmocka_unit_test_teardown(waits_for_no_pipe, stop),
	    cmocka_unit_test_teardown(reads_pool_keys, stop),
	    cmocka_unit_test_teardown(refuses_pool_keys, stop),
	    cmocka_unit_test_teardown(derives_pool_keys, stop),
	};
	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
