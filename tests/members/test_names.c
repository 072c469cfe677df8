/* test_names.c: the book of names: what is asked when, what answers make of it, what is laid. */
#include "members/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct config_resolver resolver = {
    .ttl_min_ms = 1000, .ttl_max_ms = 60000, .retry_ms = 2000};
static struct config_member members[2];
static struct config_service service;
static struct config config;
static struct names book;
static struct name_answer answer;

static const char *
text_of(const char *origin)
{
	struct addr a;
	assert_int_equal(addr_parse_form(slice_of(origin), ADDR_FORM_NAME, &a, NULL), RESULT_OK);
	return addr_kept_text(&a);
}

static int
up(void **state)
{
	(void)state;
	members[0] = (struct config_member){.weight = 1};
	members[1] = (struct config_member){.weight = 1};
	(void)addr_parse_form(SLICE("a.test:80"), ADDR_FORM_NAME, &members[0].origin, NULL);
	(void)addr_parse_form(SLICE("10.0.0.9:81"), ADDR_FORM_NAME, &members[1].origin, NULL);
	service = (struct config_service){.members = members, .member_count = 2};
	config = (struct config){.services = &service, .service_count = 1};
	book = (struct names){.list = NULL};
	memset(&answer, 0, sizeof(answer));
	return 0;
}

static int
down(void **state)
{
	(void)state;
	names_deinit(&book);
	return 0;
}

static void
says(const char *const *ips, size_t count, uint64_t ttl_ms)
{
	answer = (struct name_answer){.ttl_ms = ttl_ms, .count = count};
	for (size_t i = 0; i < count; i++)
		assert_true(addr_parse_ip(slice_of(ips[i]), &answer.address[i]));
}

#define SAYS(ttl_ms, ...)                        \
	says((const char *const[]){__VA_ARGS__}, \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), ttl_ms)

static enum name_news
ask(uint64_t now_ms)
{
	struct name *name = names_due(&book, now_ms);
	assert_non_null(name);
	return names_answer(&book, name->kind, name->text, &answer, &resolver, now_ms);
}

static const char *
laid(void)
{
	static char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	assert_true(names_lay(&book, &config));
	write_addr(&w, &members[0].resolved);
	return writer_text(&w);
}

/* By the TTL within its bounds, and after a failure when retry is over. */
static void
asks_again_in_time(void **state)
{
	(void)state;
	assert_true(names_want(&book, &config, 100));
	assert_int_equal(book.count, 1);
	assert_false(names_settled(&book));
	SAYS(5000, "10.0.0.1");
	assert_int_equal(ask(100), NAME_CHANGED);
	assert_true(names_settled(&book));
	assert_int_equal(names_next_ms(&book), 5100);
	assert_null(names_due(&book, 5099));
	SAYS(0, "10.0.0.1");
	assert_int_equal(ask(5100), NAME_SAME);
	assert_int_equal(names_next_ms(&book), 6100);
	SAYS(UINT32_MAX, "10.0.0.1");
	assert_int_equal(ask(6100), NAME_SAME);
	assert_int_equal(names_next_ms(&book), 66100);
	answer = (struct name_answer){.why = "gone"};
	assert_int_equal(ask(66100), NAME_FAILED);
	assert_int_equal(names_next_ms(&book), 68100);
	assert_int_equal(ask(68100), NAME_SAME);
	assert_string_equal(laid(), "10.0.0.1:80");
	SAYS(1000, "10.0.0.1");
	assert_int_equal(ask(70100), NAME_BACK);
	struct name *name = names_due(&book, 80000);
	assert_ptr_equal(name, &book.list[0]);
	assert_null(names_due(&book, 80000));
	assert_int_equal(names_next_ms(&book), UINT64_MAX);
	names_unask(&book);
	assert_non_null(names_due(&book, 80000));
}

static void
stays_where_it_was(void **state)
{
	(void)state;
	assert_true(names_want(&book, &config, 0));
	assert_string_equal(laid(), "-:0");
	SAYS(1000, "2001:db8::1", "10.0.0.7", "10.0.0.5", "10.0.0.7");
	assert_int_equal(ask(0), NAME_CHANGED);
	assert_int_equal(book.list[0].count, 3);
	assert_string_equal(laid(), "10.0.0.5:80");
	SAYS(1000, "10.0.0.5", "10.0.0.1");
	assert_int_equal(ask(2000), NAME_CHANGED);
	assert_string_equal(laid(), "10.0.0.5:80");
	SAYS(1000, "10.0.0.1", "10.0.0.5");
	assert_int_equal(ask(4000), NAME_SAME);
	SAYS(1000, "10.0.0.2", "10.0.0.1");
	assert_int_equal(ask(6000), NAME_CHANGED);
	assert_string_equal(laid(), "10.0.0.1:80");
	SAYS(1000, "2001:db8::1");
	assert_int_equal(ask(8000), NAME_CHANGED);
	assert_string_equal(laid(), "[2001:db8::1]:80");
}

/* Who is named no more is forgotten, also while he is asked for. */
static void
forgets(void **state)
{
	(void)state;
	const char *text = text_of("a.test:80");
	assert_true(names_want(&book, &config, 0));
	assert_non_null(names_due(&book, 0));
	service.member_count = 0;
	assert_true(names_want(&book, &config, 0));
	names_forget(&book);
	assert_int_equal(book.count, 0);
	SAYS(1000, "10.0.0.1");
	assert_int_equal(names_answer(&book, NAME_HOST, text, &answer, &resolver, 1), NAME_SAME);
	assert_null(names_find(&book, NAME_HOST, text));
}

static void
target(const char *host, uint16_t priority, uint16_t weight)
{
	struct name_target *t = &answer.target[answer.count++];
	assert_int_equal(addr_parse_form(slice_of(host), ADDR_FORM_NAME, &t->host, NULL),
			 RESULT_OK);
	t->priority = priority;
	t->weight = weight;
}

static void
makes_members_of_targets(void **state)
{
	(void)state;
	service = (struct config_service){.discover = {.srv = true}};
	(void)addr_parse_form(SLICE("_http._tcp.test:1"), ADDR_FORM_NAME, &service.discover.at,
			      NULL);
	assert_true(names_want(&book, &config, 0));
	answer.ttl_ms = 1000;
	target("b.test:81", 5, 3);
	target("a.test:80", 5, 0);
	target("b.test:81", 5, 4);
	target("c.test:80", 9, 1);
	assert_int_equal(ask(0), NAME_CHANGED);
	assert_true(names_want(&book, &config, 0));
	assert_int_equal(book.count, 3);
	SAYS(9000, "10.0.0.1");
	assert_int_equal(ask(0), NAME_CHANGED);
	assert_true(names_lay(&book, &config));
	assert_int_equal(service.member_count, 2);
	assert_string_equal(service.members[0].id, "a.test:80");
	assert_string_equal(service.members[1].id, "b.test:81");
	assert_int_equal(service.members[0].weight, 1);
	assert_int_equal(service.members[1].weight, 4); /* of the two, whichever came first */
	assert_int_equal(service.members[0].resolved.family, AF_INET);
	assert_int_equal(service.members[1].resolved.family, 0);
	for (size_t i = 0; i < service.member_count; i++)
		free(service.members[i].id);
	free(service.members);
}

static void
makes_members_of_addresses(void **state)
{
	(void)state;
	service = (struct config_service){.discover = {.srv = false}};
	(void)addr_parse_form(SLICE("a.test:8080"), ADDR_FORM_NAME, &service.discover.at, NULL);
	assert_true(names_want(&book, &config, 0));
	SAYS(1000, "2001:db8::1", "10.0.0.2");
	assert_int_equal(ask(0), NAME_CHANGED);
	assert_true(names_lay(&book, &config));
	assert_int_equal(service.member_count, 2);
	assert_string_equal(service.members[0].id, "10.0.0.2:8080");
	assert_string_equal(service.members[1].id, "v6-2001:db8::1-8080");
	assert_int_equal(service.members[1].origin.port, 8080);
	SAYS(1000, "10.0.0.3");
	assert_int_equal(ask(2000), NAME_CHANGED);
	assert_true(names_lay(&book, &config));
	assert_int_equal(service.member_count, 1);
	assert_string_equal(service.members[0].id, "10.0.0.3:8080");
	free(service.members[0].id);
	free(service.members);
}

/* One whose id would be longer than 64 bytes, and those for which an answer had no room. */
static void
says_what_makes_no_member(void **state)
{
	static const char long_one[] =
	    "a-host-of-a-name-that-is-too-long-for-an-id.in-a-zone-of-some.test:80";
	(void)state;
	service = (struct config_service){.discover = {.srv = true}};
	(void)addr_parse_form(SLICE("_http._tcp.test:1"), ADDR_FORM_NAME, &service.discover.at,
			      NULL);
	assert_true(names_want(&book, &config, 0));
	for (unsigned round = 0; round < 3; round++) {
		answer = (struct name_answer){.ttl_ms = 1000, .count = 2, .more = 3 * (round == 1)};
		(void)addr_parse_form(SLICE("one.test:80"), ADDR_FORM_NAME, &answer.target[0].host,
				      NULL);
		(void)addr_parse_form(round < 2 ? slice_of(long_one) : SLICE("two.test:80"),
				      ADDR_FORM_NAME, &answer.target[1].host, NULL);
		assert_int_equal(ask(2000 * round), NAME_CHANGED);
		assert_true(names_lay(&book, &config));
		assert_int_equal(service.member_count, round < 2 ? 1 : 2);
		const struct name *name = names_left_out(&book);
		assert_non_null(name);
		assert_int_equal(name->left_out, round == 0 ? 1 : round == 1 ? 4 : 0);
		assert_null(names_left_out(&book)); /* it was told */
	}
	for (size_t i = 0; i < service.member_count; i++)
		free(service.members[i].id);
	free(service.members);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(asks_again_in_time, up, down),
	    cmocka_unit_test_setup_teardown(stays_where_it_was, up, down),
	    cmocka_unit_test_setup_teardown(forgets, up, down),
	    cmocka_unit_test_setup_teardown(makes_members_of_targets, up, down),
	    cmocka_unit_test_setup_teardown(makes_members_of_addresses, up, down),
	    cmocka_unit_test_setup_teardown(says_what_makes_no_member, up, down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
