/* test_dns.c: the master's name (RFC 1035): each kind of question, what is none, and bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster/dns.h"

static struct dns_zone zone;
static uint8_t out[DNS_BYTES_MAX];

static int
start(void **state)
{
	(void)state;
	zone = (struct dns_zone){
	    .cluster = SLICE("Shop.eu"),
	    .id = SLICE("a"),
	    .http = {.family = AF_INET, .port = 8080, .ip = {10, 0, 0, 1}},
	    .term = 7,
	    .ttl_s = 2,
	};
	return 0;
}

/* One question in `in`; its bytes. */
static size_t
question(uint8_t in[DNS_BYTES_MAX], const char *name, unsigned type)
{
	static const uint8_t header[12] = {0x12, 0x34, 1, 0, 0, 1};
	size_t at = sizeof(header);
	memcpy(in, header, sizeof(header));
	while (*name != '\0') {
		size_t label = strcspn(name, ".");
		in[at++] = (uint8_t)label;
		memcpy(in + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	const uint8_t end[] = {0, 0, (uint8_t)type, 0, 1};
	memcpy(in + at, end, sizeof(end));
	return at + sizeof(end);
}

static size_t
ask(const char *name, unsigned type)
{
	uint8_t in[DNS_BYTES_MAX];
	size_t bytes = question(in, name, type);
	size_t answered = dns_answer(&zone, in, bytes, out);
	assert_true(answered >= bytes);
	assert_memory_equal(out, in, 2);
	assert_memory_equal(out + 12, in + 12, bytes - 12); /* the question comes back */
	assert_int_equal(out[2] & 0x80, 0x80);
	return answered - bytes;
}

static unsigned
rcode(void)
{
	return out[3] & 15;
}

/* The address, in the family that it has, whatever the case of the name. */
static void
addresses(void **state)
{
	(void)state;
	static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 2, 0, 4, 10, 0, 0, 1};
	assert_int_equal(ask("MASTER.shop.EU", 1), sizeof(record));
	size_t at = 12 + 16 + 4;
	assert_memory_equal(out + at, record, sizeof(record));
	assert_int_equal(out[7], 1);
	assert_int_equal(ask("master.shop.eu", 28), 0);
	assert_int_equal(rcode(), 0);
	zone.http.family = AF_INET6;
	assert_int_equal(ask("master.shop.eu", 28), 12 + 16);
	assert_int_equal(ask("master.shop.eu", 1), 0);
}

/* SRV has the port and the whole name; TXT says who, in which term, and where. */
static void
service_and_text(void **state)
{
	(void)state;
	assert_int_equal(ask("master.shop.eu", 33), 12 + 6 + 16);
	const uint8_t *data = out + 12 + 20 + 12;
	assert_int_equal(data[4] << 8 | data[5], 8080);
	assert_int_equal(data[6], 6); /* "master", no pointer (RFC 2782) */
	assert_true(ask("master.shop.eu", 16) > 0);
	data = out + 12 + 20 + 12;
	assert_memory_equal(data, "\4id=a\6term=7\30url=http://10.0.0.1:8080", 37);
	assert_true(ask("master.shop.eu", 255) > 0);
	assert_int_equal(out[7], 3);
	assert_int_equal(ask("master.shop.eu", 15), 0); /* MX */
	assert_int_equal(rcode(), 0);
}

/* Beside the name, outside of the cluster's, and while nobody is master. */
static void
other_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned rcode;
	} rows[] = {{"shop.eu", 0},
		    {"x.shop.eu", 3},
		    {"x.master.shop.eu", 3},
		    {"master.shop.com", 5},
		    {"xshop.eu", 5},
		    {"eu", 5},
		    {"", 5},
		    {"masterxshop.eu", 5},
		    {"master.xshop.eu", 5}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ask(rows[i].name, 1), 0);
		assert_int_equal(rcode(), rows[i].rcode);
	}
	zone.id = SLICE_NONE;
	assert_int_equal(ask("master.shop.eu", 1), 0);
	assert_int_equal(rcode(), 2);
}

/* What is no question gets no answer; a bad one gets FORMERR, another operation NOTIMP. */
static void
bad_questions(void **state)
{
	(void)state;
	uint8_t in[DNS_BYTES_MAX];
	size_t bytes = question(in, "master.shop.eu", 1);
	for (size_t cut = 0; cut < bytes; cut++) {
		size_t answered = dns_answer(&zone, in, cut, out);
		assert_int_equal(answered, cut < 12 ? 0 : 12);
		if (answered > 0)
			assert_int_equal(rcode(), 1);
	}
	assert_int_equal(dns_answer(&zone, in, DNS_BYTES_MAX + 1, out), 0);
	in[2] |= 0x80; /* an answer */
	assert_int_equal(dns_answer(&zone, in, bytes, out), 0);
	in[2] = 0x10; /* STATUS */
	assert_true(dns_answer(&zone, in, bytes, out) > 0);
	assert_int_equal(rcode(), 4);
	in[2] = 0;
	in[5] = 2; /* two questions */
	assert_int_equal(dns_answer(&zone, in, bytes, out), 12);
	assert_int_equal(rcode(), 1);
	in[5] = 1;
	in[12] = 0xc0; /* a pointer */
	assert_int_equal(dns_answer(&zone, in, bytes, out), 12);
	assert_int_equal(rcode(), 1);
}

/* The cluster's own name is not the master's, though it may begin like it. */
static void
a_cluster_called_master(void **state)
{
	(void)state;
	zone.cluster = SLICE("master.eu");
	assert_int_equal(ask("master.eu", 255), 0);
	assert_int_equal(rcode(), 0);
	assert_true(ask("master.master.eu", 255) > 0);
}

/* A dot or a 0 within a label is no dot between labels, and no end of the name (RFC 1035, 3.1). */
static void
letters_that_are_none(void **state)
{
	(void)state;
	uint8_t in[DNS_BYTES_MAX];
	size_t bytes = question(in, "master.Shop.eu", 1);
	in[12] = 11; /* "master.Shop" as one label; its dot is the length that stood there */
	in[12 + 7] = '.';
	assert_true(dns_answer(&zone, in, bytes, out) > 0);
	assert_int_equal(rcode(), 5);
	bytes = question(in, "master.Shop.euxyz", 1);
	in[12 + 7 + 5 + 3] = 0; /* "eu\0yz" */
	assert_true(dns_answer(&zone, in, bytes, out) > 0);
	assert_int_equal(rcode(), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(addresses, start),
	    cmocka_unit_test_setup(service_and_text, start),
	    cmocka_unit_test_setup(other_names, start),
	    cmocka_unit_test_setup(bad_questions, start),
	    cmocka_unit_test_setup(a_cluster_called_master, start),
	    cmocka_unit_test_setup(letters_that_are_none, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
