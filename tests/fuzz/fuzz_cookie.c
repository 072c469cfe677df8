/*
 * fuzz_cookie.c: Cookie and Set-Cookie lines of any bytes. The input is the fields of
 * a head. What must hold: cuts are ascending, apart, within Cookie values; what they
 * leave keeps every other pair; one pass for many names finds what a pass a name finds.
 */
#include "affinity/cookie.h"
#include "affinity/head_text.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct http_head head;
static struct http_head left_head;
static char text[HTTP_HEAD_BYTES_MAX];
static char left[HTTP_HEAD_BYTES_MAX];

static void
check_cuts(const struct http_cut *cuts, size_t count)
{
	CHECK(count <= HTTP_CUTS_MAX);
	for (size_t i = 0; i < count; i++) {
		bool inside = false;
		for (size_t f = 0; f < head.field_count; f++) {
			const struct http_field *field = &head.field[f];
			inside |=
			    field->id == FIELD_COOKIE && cuts[i].at >= field->value_at &&
			    cuts[i].at + cuts[i].bytes <= field->value_at + field->value_bytes;
		}
		CHECK(inside);
		CHECK(cuts[i].bytes > 0);
		CHECK(i == 0 || cuts[i].at > cuts[i - 1].at + cuts[i - 1].bytes);
	}
}

/* The head without the cut bytes, in `left`. */
static size_t
cut_out(size_t bytes, const struct http_cut *cuts, size_t count)
{
	size_t made = 0;
	size_t cut = 0;
	for (size_t at = 0; at < bytes; at++) {
		while (cut < count && at >= cuts[cut].at + cuts[cut].bytes)
			cut++;
		if (cut == count || at < cuts[cut].at)
			left[made++] = text[at];
	}
	return made;
}

/* The next pair that is neither empty nor named H, over all Cookie lines. */
static bool
next_other(const struct http_head *h, size_t *field, size_t *at, struct slice *pair)
{
	for (; *field < h->field_count; ++*field, *at = 0) {
		if (h->field[*field].id != FIELD_COOKIE)
			continue;
		struct slice value = http_field_value(h, &h->field[*field]);
		while (*at < value.bytes) {
			struct slice rest = {value.at + *at, value.bytes - *at};
			size_t stop = slice_find(rest, ';');
			*at += stop + 1;
			*pair = slice_trim((struct slice){rest.at, stop});
			if (pair->bytes > 0 && !slice_has_prefix(*pair, SLICE("H=")))
				return true;
		}
	}
	return false;
}

static void
check_others(void)
{
	size_t field[2] = {0, 0};
	size_t at[2] = {0, 0};
	struct slice before;
	struct slice after;
	while (next_other(&head, &field[0], &at[0], &before)) {
		CHECK(next_other(&left_head, &field[1], &at[1], &after));
		CHECK(slice_equal(before, after));
	}
	CHECK(!next_other(&left_head, &field[1], &at[1], &after));
}

/* One after the other, the same values as in one pass. */
static void
check_walk(struct slice name, const struct cookie_found *found)
{
	struct cookie_cursor cursor = {0, 0};
	struct slice value;
	size_t count = 0;
	bool differ = false;
	for (; cookie_next(&head, name, &cursor, &value); count++) {
		CHECK(count > 0 || slice_equal(value, found->value));
		CHECK(count > 0 || value.bytes == 0 || value.at == found->value.at);
		differ |= !slice_equal(value, found->value);
	}
	CHECK(count == found->count && differ == found->differ);
	CHECK(!cookie_next(&head, name, &cursor, &value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "GET / HTTP/1.1\r\n");
	write_bytes(&w, data, bytes);
	if (w.overflow)
		return 0;
	head_split((struct slice){text, w.bytes}, &head);

	struct http_cut cuts[HTTP_CUTS_MAX];
	size_t count = 0;
	struct cookie_found one = cookie_find(&head, SLICE("H"), cuts, &count);
	check_cuts(cuts, count);
	CHECK((one.count == 0) == (count == 0));
	CHECK(!one.differ || one.count > 1);

	const struct slice names[] = {SLICE("H"), SLICE("a"), SLICE("JSESSIONID")};
	struct cookie_found found[3];
	cookie_find_all(&head, names, 3, found, NULL, NULL);
	for (size_t i = 0; i < 3; i++) {
		struct cookie_found alone = cookie_find(&head, names[i], NULL, NULL);
		CHECK(alone.count == found[i].count && alone.differ == found[i].differ);
		CHECK(alone.count == 0 || alone.value.at == found[i].value.at);
		check_walk(names[i], &alone);
	}

	head_split((struct slice){left, cut_out(w.bytes, cuts, count)}, &left_head);
	check_others();
	if (count < HTTP_CUTS_MAX)
		CHECK(cookie_find(&left_head, SLICE("H"), NULL, NULL).count == 0);

	struct slice value;
	bool deleted;
	if (set_cookie_find(&head, SLICE("H"), &value, &deleted)) {
		CHECK(value.bytes == 0 ||
		      (value.at >= text && value.at + value.bytes <= text + w.bytes));
		CHECK(slice_find(value, ';') == value.bytes);
		CHECK(deleted || value.bytes > 0);
	}
	return 0;
}
