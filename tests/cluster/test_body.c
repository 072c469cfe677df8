/* test_body.c: what is put into a body comes out of it, and nothing else does. */
#include "cluster/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct outbox out;

static struct outgoing *
fresh(void)
{
	out.count = 0;
	return outbox_add(&out, NODE_ALL, DATAGRAM_PREPARE);
}

/* Integers are big-endian: the bytes are part of the wire format. */
static void
bytes_are_big_endian(void **state)
{
	(void)state;
	struct outgoing *o = fresh();
	put_u8(o, 0x01);
	put_u16(o, 0x0203);
	put_u32(o, 0x04050607);
	put_u64(o, 0x08090a0b0c0d0e0f);
	put_text(o, "xyz");
	static const uint8_t expected[] = {1,  2,  3,  4,  5,  6, 7,   8,   9,  10,
					   11, 12, 13, 14, 15, 3, 'x', 'y', 'z'};
	assert_int_equal(o->bytes, sizeof(expected));
	assert_memory_equal(o->body, expected, sizeof(expected));
}

static void
what_is_put_is_got(void **state)
{
	(void)state;
	struct outgoing *o = fresh();
	put_u8(o, 255);
	put_u16(o, 65535);
	put_u32(o, UINT32_MAX);
	put_u64(o, UINT64_MAX - 1);
	put_text(o, "");
	put_text(o, "role");
	put_bytes(o, "abc", 3);
	struct body b = body_of(o->body, o->bytes);
	char text[8];
	assert_int_equal(get_u8(&b), 255);
	assert_int_equal(get_u16(&b), 65535);
	assert_int_equal(get_u32(&b), UINT32_MAX);
	assert_true(get_u64(&b) == UINT64_MAX - 1);
	get_text(&b, text, sizeof(text));
	assert_string_equal(text, "");
	get_text(&b, text, sizeof(text));
	assert_string_equal(text, "role");
	assert_false(body_whole(&b)); /* something is left */
	assert_memory_equal(get_bytes(&b, 3), "abc", 3);
	assert_true(body_whole(&b));
}

/* Cut at any byte, a body is bad, and stays so. */
static void
cut_is_bad(void **state)
{
	(void)state;
	struct outgoing *o = fresh();
	put_u16(o, 7);
	put_text(o, "role");
	put_u64(o, 9);
	for (size_t bytes = 0; bytes < o->bytes; bytes++) {
		struct body b = body_of(o->body, bytes);
		char text[8];
		(void)get_u16(&b);
		get_text(&b, text, sizeof(text));
		assert_int_equal(get_u64(&b), 0);
		assert_true(b.bad);
		assert_int_equal(get_u8(&b), 0);
		assert_false(body_whole(&b));
	}
}

/* A text that is too long for its place, or hides a 0 byte, is bad and empty. */
static void
bad_texts(void **state)
{
	(void)state;
	static const uint8_t longer[] = {4, 'r', 'o', 'l', 'e'};
	static const uint8_t hidden[] = {3, 'a', 0, 'b'};
	char text[5] = "????";
	struct body b = body_of(longer, sizeof(longer));
	get_text(&b, text, 4);
	assert_true(b.bad);
	assert_string_equal(text, "");
	b = body_of(longer, sizeof(longer));
	get_text(&b, text, 5);
	assert_string_equal(text, "role");
	assert_true(body_whole(&b));
	b = body_of(hidden, sizeof(hidden));
	get_text(&b, text, sizeof(text));
	assert_true(b.bad);
	assert_string_equal(text, "");
}

/* A full outbox loses messages and counts them; writing into none is harmless. */
static void
a_full_outbox_loses(void **state)
{
	(void)state;
	out.count = 0;
	out.lost = 0;
	for (size_t i = 0; i < OUTBOX_MAX; i++)
		assert_non_null(outbox_add(&out, 0, DATAGRAM_PREPARE));
	struct outgoing *o = outbox_add(&out, 0, DATAGRAM_PREPARE);
	assert_null(o);
	put_u64(o, 1);
	put_text(o, "role");
	assert_int_equal(out.lost, 1);
	assert_int_equal(out.count, OUTBOX_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_are_big_endian), cmocka_unit_test(what_is_put_is_got),
	    cmocka_unit_test(cut_is_bad),           cmocka_unit_test(bad_texts),
	    cmocka_unit_test(a_full_outbox_loses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
