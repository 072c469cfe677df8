/*
 * test_roster.c: the membership document: canonical, refused where a file would be, changed step by
 * step, and laid over a configuration.
 */
#include "config/roster.h"
#include "fixture.h"

#define MESH                                                                                   \
	"node = \"n1\"; cluster = { name = \"c\"; nodes = ( { id = \"n1\"; http = "            \
	"\"127.0.0.1:8080\"; }, { id = \"n2\"; http = \"127.0.0.2:8080\"; rank = 4; } ); };\n" \
	"secrets = ( { id = \"k\"; file = \"%s\"; } );\n"

static struct config *
load(const char *top, const char *service)
{
	struct config *config;
	struct config_findings findings;
	enum result r = config_load(put_config(top, service), CONFIG_FOR_RUN, &config, &findings);
	config_findings_print(&findings, stderr);
	config_findings_free(&findings);
	assert_int_equal(r, RESULT_OK);
	return config;
}

static struct config *
load_mesh(void)
{
	char top[1024];
	char secret[64];
	memset(secret, 'x', sizeof(secret));
	(void)snprintf(top, sizeof(top), MESH, put_file("secret", secret, sizeof(secret), 0600));
	return load(top, "");
}

static struct roster *
read_well(const char *text)
{
	struct roster *r;
	struct problem p = {""};
	if (roster_read(slice_of(text), &r, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	return r;
}

static const char *
written(const struct roster *r)
{
	static char text[4][2048];
	static unsigned next;
	char *to = text[next++ % 4];
	struct grow g;
	grow_init(&g, sizeof(text[0]));
	roster_write(r, &g);
	assert_false(g.failed);
	memcpy(to, g.at, g.bytes);
	to[g.bytes] = '\0';
	grow_deinit(&g);
	return to;
}

static void
the_file_is_epoch_0(void **state)
{
	(void)state;
	struct config *config = load_mesh();
	struct roster *r = roster_of(config);
	assert_string_equal(
	    written(r),
	    "{\"membership\":1,\"cluster\":\"c\",\"epoch\":0,\"term\":0,\"master\":\"\","
	    "\"services\":[{\"name\":\"shop\",\"members\":[{\"id\":\"a\",\"origin\":"
	    "\"127.0.0.1:9001\",\"connections_max\":15}]}],\"ranks\":{}}\n");
	assert_true(roster_is_of(r, config));
	roster_free(&r);
	config_free(&config);
}

#define WHOLE(services)                                                                 \
	"{\"membership\":1,\"cluster\":\"c\",\"epoch\":7,\"term\":3,\"master\":\"n1\"," \
	"\"services\":[" services "],\"ranks\":{\"n2\":1}}\n"
#define SHOP(members) "{\"name\":\"shop\",\"members\":[" members "]}"
#define A             "{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\"}"
#define B                                                                               \
	"{\"id\":\"b\",\"origin\":\"127.0.0.1:9002\",\"weight\":2,\"order\":\"drain\"," \
	"\"zone\":\"z\"}"

/* Whatever the order and the blanks: one form. */
static void
one_form(void **state)
{
	(void)state;
	struct roster *r = read_well(
	    "{ \"ranks\": {\"n2\": 1}, \"services\": [ {\"members\": [ {\"zone\":\"z\", "
	    "\"order\":\"drain\", \"weight\": 2, \"id\":\"b\",\"origin\":\"127.0.0.1:9002\"}, "
	    "{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\",\"weight\":1,\"order\":\"none\"} ], "
	    "\"name\": \"shop\"} ], \"master\":\"n1\",\"term\":3,\"epoch\":7,\"cluster\":\"c\","
	    "\"membership\":1}");
	assert_string_equal(written(r), WHOLE(SHOP(A "," B)));
	assert_int_equal(r->epoch, 7);
	assert_int_equal(r->services[0].members[1].order, MEMBER_ORDER_DRAIN);
	roster_free(&r);
}

static void
what_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
	    {"", "no JSON object"},
	    {"[]", "no JSON object"},
	    {"{}", "membership: a whole number is wanted"},
	    {"{\"membership\":2}", "not a membership of version 1"},
	    {WHOLE(""), NULL},
	    {WHOLE("1"), "services[0].name: a name is wanted"},
	    {WHOLE(SHOP("")), "services[0].members: 1 to 16384 are wanted"},
	    {WHOLE(SHOP("7")), "services[0].members[0]: an object is wanted"},
	    {WHOLE(SHOP("{}")), "services[0].members[0].id: missing"},
	    {WHOLE(SHOP("{\"id\":\"a\"}")), "services[0].members[0].origin: missing"},
	    {WHOLE(SHOP(A "," A)), "a stands there twice"},
	    {WHOLE(SHOP(A) "," SHOP(A)), "shop stands there twice"},
	    {WHOLE(SHOP("{\"id\":\"a b\",\"origin\":\"127.0.0.1:9001\"}")),
	     "services[0].members[0].id = \"a b\": not a name"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"x\"}")), "services[0].members[0].origin"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\",\"weight\":70000}")),
	     "services[0].members[0].weight = 70000: above 65535"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\",\"weight\":\"1\"}")),
	     "services[0].members[0].weight"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\",\"weight\":null}")),
	     "services[0].members[0].weight: unknown, or no such value"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\",\"colour\":1}")),
	     "unknown key"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\",\"a b\":1}")), "unknown"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"id\":\"b\",\"origin\":\"127.0.0.1:9001\"}")),
	     "no JSON object"},
	    {WHOLE(SHOP("{\"id\":\"a\\u0000\",\"origin\":\"127.0.0.1:9001\"}")), "no JSON object"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct roster *r;
		struct problem p = {""};
		enum result result = roster_read(slice_of(cases[i].text), &r, &p);
		if (cases[i].why == NULL) {
			assert_int_equal(result, RESULT_OK);
		} else if (result == RESULT_OK || strstr(p.text, cases[i].why) == NULL) {
			fail_msg("%s: \"%s\"", cases[i].text, p.text);
		}
		roster_free(&r);
	}
	char *long_one = malloc(ROSTER_BYTES_MAX + 1);
	assert_non_null(long_one);
	memset(long_one, ' ', ROSTER_BYTES_MAX + 1);
	struct roster *r;
	assert_int_equal(roster_read((struct slice){long_one, ROSTER_BYTES_MAX + 1}, &r, NULL),
			 RESULT_LIMIT);
	free(long_one);
}

static void
changes(void **state)
{
	static const struct {
		const char *change;
		enum result result;
		const char *after; /* of the members, or why not */
	} steps[] = {
	    {"{\"op\":\"add\",\"member\":{\"id\":\"b\",\"origin\":\"127.0.0.1:9002\",\"weight\":2,"
	     "\"order\":\"drain\",\"zone\":\"z\"}}",
	     RESULT_OK, A "," B},
	    {"{\"op\":\"add\",\"member\":{\"id\":\"b\",\"origin\":\"127.0.0.1:9003\"}}",
	     RESULT_LIMIT, "there is such a member already"},
	    {"{\"op\":\"add\",\"service\":\"x\",\"member\":{\"id\":\"b\",\"origin\":"
	     "\"127.0.0.1:9003\"}}",
	     RESULT_NOT_FOUND, "no such service"},
	    {"{\"op\":\"add\",\"member\":{\"id\":\"c\"}}", RESULT_INVALID,
	     "member.origin: missing"},
	    {"{\"op\":\"set\",\"member\":{\"id\":\"b\",\"weight\":1,\"zone\":null,\"order\":"
	     "\"none\"}}",
	     RESULT_OK, A ",{\"id\":\"b\",\"origin\":\"127.0.0.1:9002\"}"},
	    {"{\"op\":\"set\",\"member\":{\"id\":\"b\",\"weight\":-1}}", RESULT_INVALID,
	     "member.weight = -1: below 0"},
	    {"{\"op\":\"set\",\"member\":{\"id\":\"c\",\"weight\":1}}", RESULT_NOT_FOUND,
	     "no such member"},
	    {"{\"op\":\"remove\",\"member\":{\"id\":\"a\"}}", RESULT_OK,
	     "{\"id\":\"b\",\"origin\":\"127.0.0.1:9002\"}"},
	    {"{\"op\":\"remove\",\"service\":\"shop\",\"member\":{\"id\":\"a\"}}", RESULT_NOT_FOUND,
	     "no such member"},
	    {"{\"op\":\"remove\",\"member\":{\"id\":\"b\"}}", RESULT_LIMIT,
	     "the last member of service shop: it cannot be removed"},
	    {"{\"op\":\"paint\",\"member\":{\"id\":\"b\"}}", RESULT_INVALID, "no such change"},
	    {"{\"op\":\"add\"}", RESULT_INVALID, "a member's id is wanted"},
	    {"[]", RESULT_INVALID, "a change is a JSON object"},
	    {"{\"op\":\"rank\",\"node\":\"n2\",\"rank\":-1}", RESULT_INVALID, "a node and its"},
	};
	(void)state;
	struct roster *now = read_well(WHOLE(SHOP(A)));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct roster *next;
		struct problem p = {""};
		bool same;
		enum result r = roster_change(now, slice_of(steps[i].change), &next, &same, &p);
		if (r != steps[i].result)
			fail_msg("%s: %d, %s", steps[i].change, (int)r, p.text);
		const char *seen = r == RESULT_OK ? written(next) : p.text;
		if (strstr(seen, steps[i].after) == NULL)
			fail_msg("%s: %s", steps[i].change, seen);
		assert_false(r == RESULT_OK && same);
		if (r == RESULT_OK) {
			roster_free(&now);
			now = next;
		}
	}
	roster_free(&now);
}

/* Said again, it changes nothing, and that is known. */
static void
a_change_that_is_none(void **state)
{
	(void)state;
	struct roster *now = read_well(WHOLE(SHOP(A "," B)));
	struct roster *next;
	struct problem p = {""};
	bool same = false;
	assert_int_equal(
	    roster_change(now, SLICE("{\"op\":\"set\",\"member\":{\"id\":\"b\",\"weight\":2}}"),
			  &next, &same, &p),
	    RESULT_OK);
	assert_true(same);
	roster_free(&next);
	assert_int_equal(roster_change(now, SLICE("{\"op\":\"rank\",\"node\":\"n2\",\"rank\":1}"),
				       &next, &same, &p),
			 RESULT_OK);
	assert_true(same);
	roster_free(&next);
	roster_free(&now);
}

/* The document's members, the file's rules; which node stands before which member is found anew. */
static void
laid_over_a_file(void **state)
{
	(void)state;
	struct config *base = load_mesh();
	struct config *laid;
	struct problem p = {""};
	struct roster *r = read_well(WHOLE(
	    SHOP(A ",{\"id\":\"d\",\"origin\":\"127.0.0.1:9001\",\"node\":\"127.0.0.2:8080\"}")));
	assert_int_equal(config_with_roster(base, r, &laid, &p), RESULT_OK);
	assert_int_equal(laid->epoch, 7);
	assert_int_equal(laid->services[0].epoch, 7);
	assert_int_equal(laid->services[0].member_count, 2);
	assert_int_equal(laid->services[0].members[1].hop, 2);
	assert_int_equal(laid->cluster.nodes[1].rank, 1);
	assert_int_equal(base->cluster.nodes[1].rank, 4);
	assert_int_equal(base->services[0].member_count, 1);
	assert_string_equal(laid->services[0].tag.name, "HOLDFAST");
	assert_memory_equal(laid->secrets[0].master, base->secrets[0].master, 16);
	assert_false(roster_is_of(r, base));
	assert_true(roster_is_of(r, laid));
	config_free(&laid);
	roster_free(&r);
	config_free(&base);
}

/* What a file would be refused for, a document is. */
static void
what_cannot_be_laid_over(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
	    {"{\"membership\":1,\"cluster\":\"other\",\"epoch\":7,\"term\":3,\"master\":\"n1\","
	     "\"services\":[],\"ranks\":{}}",
	     "the membership of another cluster: other"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"127.0.0.1:8080\"}")),
	     "services[0].members[0].origin = \"127.0.0.1:8080\": this is listeners[0]"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"0.0.0.0:9001\"}")),
	     "not the address of one server"},
	    {WHOLE(SHOP("{\"id\":\"a\",\"origin\":\"127.0.0.1:9001\",\"node\":"
			"\"127.0.0.9:8080\"}")),
	     "services[0].members[0].node = \"127.0.0.9:8080\": none of cluster.nodes"},
	};
	(void)state;
	struct config *base = load_mesh();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *laid;
		struct problem p = {""};
		struct roster *r = read_well(cases[i].text);
		assert_int_equal(config_with_roster(base, r, &laid, &p), RESULT_INVALID);
		if (strstr(p.text, cases[i].why) == NULL)
			fail_msg("%s", p.text);
		assert_null(laid);
		roster_free(&r);
	}
	config_free(&base);
}

/* A service that the file does not have stays away; one that the document lacks keeps its own. */
static void
services_of_one_side(void **state)
{
	(void)state;
	struct config *base = load_mesh();
	struct config *laid;
	struct problem p = {""};
	struct roster *r = read_well(WHOLE("{\"name\":\"blog\",\"members\":[" A "]}"));
	assert_int_equal(config_with_roster(base, r, &laid, &p), RESULT_OK);
	assert_int_equal(laid->service_count, 1);
	assert_int_equal(laid->services[0].members[0].connections_max, 15);
	assert_int_equal(laid->services[0].epoch, 7);
	config_free(&laid);
	roster_free(&r);
	config_free(&base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_file_is_epoch_0),      cmocka_unit_test(one_form),
	    cmocka_unit_test(what_is_refused),          cmocka_unit_test(changes),
	    cmocka_unit_test(a_change_that_is_none),    cmocka_unit_test(laid_over_a_file),
	    cmocka_unit_test(what_cannot_be_laid_over), cmocka_unit_test(services_of_one_side),
	};
	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
