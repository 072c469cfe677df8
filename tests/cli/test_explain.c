/* test_explain.c: the command as it is called: options in any order, answers, exit status. */
#include "cli/cli.h"

#include "../config/fixture.h"
#include "base/digest.h"
#include "cli/explain_answer.h"
#include "cli/explain_live.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define WORDS_MAX    16
#define KEYS         2000

static char out[256 * 1024];
static char err[4096];

static const char two_services[] =
    "state_dir = \"/nowhere\";\n"
    "listeners = ( { address = \"127.0.0.1:8080\"; } );\n"
    "services = (\n"
    " { name = \"shop\"; hosts = [ \"shop.example\" ];\n"
    "   session = { keys = [ \"cookie:SID\" ]; spread = \"zone\"; };\n"
    "   members = ( { id = \"a\"; origin = \"127.0.0.1:9001\"; zone = \"east\"; },\n"
    "               { id = \"b\"; origin = \"127.0.0.1:9002\"; zone = \"east\"; },\n"
    "               { id = \"c\"; origin = \"127.0.0.1:9003\"; weight = 3; } ); },\n"
    " { name = \"rigid\"; hosts = [ \"rigid.example\" ];\n"
    "   session = { assign = \"round_robin\"; strict = 409; tag = { cookie = \"R\"; }; };\n"
    "   members = ( { id = \"x\"; origin = \"127.0.0.1:9004\"; },\n"
    "               { id = \"y\"; origin = \"127.0.0.1:9005\"; } ); } );\n";

/* No node is asked here: tests/e2e/test_explain_live.py does. */
int
explain_live(const struct live_question *q, const struct config *config)
{
	(void)q;
	(void)config;
	return EXIT_NEGATIVE;
}

static int
start(void **state)
{
	if (dir_make(state) != 0 || !digest_init())
		return -1;
	(void)put_file("two.conf", two_services, strlen(two_services), 0600);
	return 0;
}

/* ---- calling ---- */

static int
divert(int fd, const char *name)
{
	int kept = dup(fd);
	int to = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(kept != -1 && to != -1);
	assert_int_equal(dup2(to, fd), fd);
	(void)close(to);
	return kept;
}

static void
restore(int fd, int kept)
{
	assert_int_equal(dup2(kept, fd), fd);
	(void)close(kept);
}

static void
read_back(const char *name, char *to, size_t capacity)
{
	FILE *from = fopen(in_dir(name), "r");
	assert_non_null(from);
	size_t bytes = fread(to, 1, capacity - 1, from);
	assert_true(bytes < capacity - 1);
	to[bytes] = '\0';
	(void)fclose(from);
}

/* `words` behind "explain", separated by single blanks; "%C" is the configuration. */
static int
explain(const char *words)
{
	static char copy[4096];
	char *argv[WORDS_MAX + 1] = {NULL};
	int argc = 0;
	(void)snprintf(copy, sizeof(copy), "explain %s", words);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = strcmp(word, "%C") == 0   ? (char *)(uintptr_t)in_dir("two.conf")
			       : strcmp(word, "%K") == 0 ? (char *)(uintptr_t)in_dir("keys")
							 : word;
	}
	(void)fflush(stdout);
	int kept_out = divert(STDOUT_FILENO, "out");
	int kept_err = divert(STDERR_FILENO, "err");
	int status = cli_explain(argc, argv);
	(void)fflush(stdout);
	restore(STDOUT_FILENO, kept_out);
	restore(STDERR_FILENO, kept_err);
	read_back("out", out, sizeof(out));
	read_back("err", err, sizeof(err));
	return status;
}

static void
assert_says(const char *line)
{
	if (strstr(out, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, out);
}

/* Any key will do. */
static const char key[] = "key-5";

static void
explained(struct explained *x, const struct config *config, size_t number)
{
	struct problem p;
	if (explained_init(x, &config->services[number], NULL, NULL, NULL, &p) != RESULT_OK)
		fail_msg("%s", p.text);
}

static struct config *
load(void)
{
	struct config *config;
	struct config_findings findings;
	assert_int_equal(config_load(in_dir("two.conf"), CONFIG_FOR_EXPLAIN, &config, &findings),
			 RESULT_OK);
	config_findings_free(&findings);
	return config;
}

/* ---- answers ---- */

/* Digest, order with weight, state and zone, every attempt with its reason; in any order. */
static void
says_where_and_why(void **state)
{
	(void)state;
	struct config *config = load();
	struct explained x;
	struct explanation e;
	char line[128];
	explained(&x, config, 0);
	explain_key(&x, slice_of(key), &e);
	struct session_digest digest;
	digest_session(config->services[0].pool_key, slice_of(key), &digest);
	assert_memory_equal(e.digest.bytes, digest.bytes, DIGEST_BYTES);
	assert_int_equal(explain("-c %C --service shop key-5"), EXIT_SUCCESS);
	assert_string_equal(err, "");
	assert_says("service    shop\n");
	char hex[2 * DIGEST_BYTES + 1];
	struct writer w = writer_on(hex, sizeof(hex));
	write_hex_bytes(&w, digest.bytes, DIGEST_BYTES);
	(void)snprintf(line, sizeof(line), "digest     %s\n", writer_text(&w));
	assert_says(line);
	for (uint32_t i = 0; i < e.plan.step_count; i++) {
		const char *id = x.membership->member[e.plan.step[i].member].id;
		(void)snprintf(line, sizeof(line), "attempt    %s: %s\n", id,
			       i == 0 ? "the session's primary" : "next in the order");
		assert_says(line);
	}
	(void)snprintf(line, sizeof(line), "chosen     %s: new\n",
		       x.membership->member[e.primary].id);
	assert_says(line);
	assert_says("  c            3  up     -\n");
	assert_says("  a            1  up     east\n");
	static char first[sizeof(out)];
	memcpy(first, out, sizeof(out));
	assert_int_equal(explain("key-5 --service=shop --config %C"), EXIT_SUCCESS);
	assert_string_equal(out, first);
	explained_deinit(&x);
	config_free(&config);
}

/* With members down: who was passed over, and who comes next. */
static void
says_what_a_death_changes(void **state)
{
	(void)state;
	assert_int_equal(explain("--down a,b -c %C --service shop key-5"), EXIT_SUCCESS);
	assert_says("chosen     c: ");
	assert_says("  a            1  down   east\n");
	assert_int_equal(explain("--down b -c %C --service shop --primary b --last b key-5"),
			 EXIT_SUCCESS);
	assert_says("skipped    b: down\n");
	/* spread = "zone": c stands apart from b, a beside it. */
	assert_says("attempt    c: next in the order\nattempt    a: next in the order\n"
		    "chosen     c: failover\n");
	assert_int_equal(explain("-c %C --service shop --primary b --last c key-5"), EXIT_SUCCESS);
	assert_says(
	    "attempt    c: where it was served last\nattempt    b: the session's primary\n");
	assert_says("chosen     c: hit\n");
}

/* Nobody would serve it: exit 1. */
static void
says_when_nobody_is_left(void **state)
{
	(void)state;
	assert_int_equal(explain("--down a,b,c -c %C --service shop key-5"), EXIT_NEGATIVE);
	assert_says("chosen     none: no live member\n");
	assert_int_equal(explain("--down x -c %C --service rigid --primary x key-5"),
			 EXIT_NEGATIVE);
	assert_says("chosen     none: strict, answered with 409\n");
	assert_string_equal(err, "");
}

/* What the key alone cannot say is noted. */
static void
notes_what_depends_on_load(void **state)
{
	(void)state;
	assert_int_equal(explain("-c %C --service rigid key-5"), EXIT_SUCCESS);
	assert_says("note       assign = round_robin ");
	assert_says("note       without session.keys ");
	assert_int_equal(explain("-c %C --service rigid --primary x key-5"), EXIT_SUCCESS);
	assert_null(strstr(out, "note       assign"));
	assert_int_equal(explain("-c %C --service rigid --primary x --digest "
				 "000102030405060708090a0b0c0d0e0f"),
			 EXIT_SUCCESS);
	assert_null(strstr(out, "note"));
	assert_int_equal(explain("-c %C --service shop key-5"), EXIT_SUCCESS);
	assert_null(strstr(out, "note"));
}

/* A digest, as Holdfast-Session has it, stands for its key; a key may begin with '-'. */
static void
takes_digests_and_odd_keys(void **state)
{
	(void)state;
	assert_int_equal(explain("-c %C --service shop -- --key"), EXIT_SUCCESS);
	char words[128];
	char hex[2 * DIGEST_BYTES + 1];
	const char *at = strstr(out, "digest     ");
	assert_non_null(at);
	(void)snprintf(hex, sizeof(hex), "%s", at + strlen("digest     "));
	static char first[sizeof(out)];
	memcpy(first, out, sizeof(out));
	(void)snprintf(words, sizeof(words), "--digest -c %%C --service shop %s", hex);
	assert_int_equal(explain(words), EXIT_SUCCESS);
	assert_string_equal(out, first);
}

/* JSON says the same. */
static void
says_it_in_json(void **state)
{
	(void)state;
	assert_int_equal(explain("--json --down c -c %C --service shop --primary c key-5"),
			 EXIT_SUCCESS);
	json_error_t error;
	json_t *root = json_loads(out, 0, &error);
	if (root == NULL)
		fail_msg("%s: %s", error.text, out);
	const char *service;
	const char *primary;
	const char *chosen;
	const char *affinity;
	const char *skipped;
	const char *why;
	json_t *order;
	json_t *plan;
	int attempts;
	assert_int_equal(json_unpack(root, "{s:s, s:s, s:s, s:s, s:[{s:s, s:s}], s:o, s:o, s:i}",
				     "service", &service, "primary", &primary, "chosen", &chosen,
				     "affinity", &affinity, "skipped", "member", &skipped, "why",
				     &why, "order", &order, "plan", &plan, "attempts", &attempts),
			 0);
	assert_string_equal(service, "shop");
	assert_string_equal(primary, "c");
	assert_string_equal(affinity, "failover");
	assert_string_equal(skipped, "c");
	assert_string_equal(why, "down");
	assert_int_equal(json_array_size(order), 3);
	assert_int_equal(json_array_size(plan), 2);
	assert_int_equal(attempts, 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(plan, 0), "member")),
			    chosen);
	json_decref(root);
	assert_int_equal(explain("--json --down a,b,c -c %C --service shop key-5"), EXIT_NEGATIVE);
	root = json_loads(out, 0, &error);
	assert_non_null(root);
	assert_true(json_is_null(json_object_get(root, "chosen")));
	json_decref(root);
}

/* A line a key; each is what that key alone gets. */
static void
answers_a_file_of_keys(void **state)
{
	(void)state;
	static char keys[KEYS * 16];
	struct writer w = writer_on(keys, sizeof(keys));
	for (int i = 0; i < KEYS; i++)
		write_format(&w, "key-%d\n", i);
	(void)put_file("keys", keys, w.bytes - 1, 0600); /* the last line need not end */
	assert_int_equal(explain("--down b -c %C --service shop --keys-file %K"), EXIT_SUCCESS);
	struct config *config = load();
	struct explained x;
	struct problem p;
	assert_int_equal(explained_init(&x, &config->services[0], "b", NULL, NULL, &p), RESULT_OK);
	const char *at = out;
	for (int i = 0; i < KEYS; i++) {
		char text[16];
		struct explanation e;
		(void)snprintf(text, sizeof(text), "key-%d", i);
		explain_key(&x, slice_of(text), &e);
		char hex[2 * DIGEST_BYTES + 1];
		struct writer digest = writer_on(hex, sizeof(hex));
		write_hex_bytes(&digest, e.digest.bytes, DIGEST_BYTES);
		char want[128];
		int bytes = snprintf(want, sizeof(want), "%s\t%s\t%s\t%s\n", text,
				     writer_text(&digest), x.membership->member[e.primary].id,
				     x.membership->member[e.plan.step[0].member].id);
		assert_int_equal(strncmp(at, want, (size_t)bytes), 0);
		assert_true(e.plan.step[0].member != 1);
		at += bytes;
	}
	assert_string_equal(at, "");
	explained_deinit(&x);
	config_free(&config);
	assert_int_equal(explain("--down a,b,c -c %C --service shop --keys-file %K"),
			 EXIT_NEGATIVE);
	assert_non_null(strstr(out, "\t-\n"));
	/* What a terminal would obey is escaped. */
	(void)put_file("keys", "a\x1b[2J\tb\n", 8, 0600);
	assert_int_equal(explain("-c %C --service shop --keys-file %K"), EXIT_SUCCESS);
	assert_int_equal(strncmp(out, "a\\x1b[2J\\x09b\t", 14), 0);
}

/* ---- errors ---- */

static const struct {
	const char *words;
	const char *error;
} errors[] = {
    {"key", "-c FILE or --live NODE is wanted"},
    {"-c", "-c: a value is wanted"},
    {"-c %C --service shop", "one KEY is wanted"},
    {"-c %C --service shop k l", "one KEY is wanted"},
    {"-c %C --wrong k", "--wrong: unknown option; holdfast help explain lists them"},
    {"-c %C k", "several services: --service NAME is wanted"},
    {"-c %C --service nobody k", "--service: no such service"},
    {"-c %C --service shop --down a,zz k", "--down: service shop has no member zz"},
    {"-c %C --service shop --down a,\x1b k", "--down: service shop has no member \\x1b"},
    {"-c %C --service shop --primary q k", "--primary: service shop has no member q"},
    {"-c %C --service shop --last q k", "--last: service shop has no member q"},
    {"-c %C --service shop --digest 0011", "--digest: 32 hex digits are wanted"},
    {"-c %C --service shop --keys-file %K k", "--keys-file goes without KEY and --digest"},
    {"-c %C --service shop --keys-file %K --digest", "--keys-file goes without KEY and --digest"},
};

/* One line on stderr, nothing on stdout, exit 2. */
static void
errors_are_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		char want[256];
		(void)snprintf(want, sizeof(want), "holdfast explain: %s\n", errors[i].error);
		assert_int_equal(explain(errors[i].words), EXIT_USAGE);
		assert_string_equal(err, want);
		assert_string_equal(out, "");
	}
}

/* Files that are not there, keys that are none. */
static void
files_that_do_not_work(void **state)
{
	(void)state;
	assert_int_equal(explain("-c /nowhere/at.all --service shop k"), EXIT_USAGE);
	assert_non_null(strstr(err, "/nowhere/at.all"));
	assert_int_equal(explain("-c %C --service shop --keys-file /nowhere/keys"), EXIT_USAGE);
	assert_non_null(strstr(err, "/nowhere/keys: No such file or directory"));
	(void)put_file("keys", "one\n\ntwo\n", 9, 0600);
	assert_int_equal(explain("-c %C --service shop --keys-file %K"), EXIT_USAGE);
	assert_non_null(strstr(err, "keys:2: a key has 1 to 4096 bytes\n"));
	assert_int_equal(strncmp(out, "one\t", 4), 0); /* what came before is answered */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_where_and_why),
	    cmocka_unit_test(says_what_a_death_changes),
	    cmocka_unit_test(says_when_nobody_is_left),
	    cmocka_unit_test(notes_what_depends_on_load),
	    cmocka_unit_test(takes_digests_and_odd_keys),
	    cmocka_unit_test(says_it_in_json),
	    cmocka_unit_test(answers_a_file_of_keys),
	    cmocka_unit_test(errors_are_one_line),
	    cmocka_unit_test(files_that_do_not_work),
	};
	return cmocka_run_group_tests_name("explain", tests, start, dir_remove);
}
