/*
 * test_golden.c: the library against tests/golden/order-v1.txt, which a second
 * implementation wrote (naive.py; the format is described at the top of the
 * file). Version 1 is frozen: if this test fails, the code is wrong, not the file.
 */
#include "fixture.h"

#define PATH        "tests/golden/order-v1.txt"
#define LINE_BYTES  8192
#define MEMBERS_MAX 4096
#define PLACES      16 /* of a longer order; the rest is a checksum */
#define ALIVE       4

struct reading {
	unsigned line;
	struct hashring_member member[MEMBERS_MAX]; /* ids and zones owned */
	size_t expected;
	size_t count;
	uint64_t fingerprint;
	struct hashring *ring;
	size_t questions;
};

static uint8_t
nibble(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);
	assert_non_null(at);
	return (uint8_t)(at - digits);
}

/* Hex to owned bytes; "-" is NULL and 0 bytes. */
static uint8_t *
hex_bytes(const char *hex, size_t *bytes)
{
	*bytes = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
	uint8_t *out = *bytes == 0 ? NULL : malloc(*bytes);
	for (size_t i = 0; i < *bytes; i++)
		out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return out;
}

static void
ring_drop(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++) {
		union {
			const void *borrowed;
			void *owned;
		} id = {r->member[i].id}, zone = {r->member[i].zone};
		free(id.owned);
		free(zone.owned);
	}
	r->count = 0;
	hashring_free(&r->ring);
}

static void
ring_complete(struct reading *r)
{
	if (r->count < r->expected)
		return;
	assert_int_equal(hashring_create(r->member, r->count, &r->ring, NULL), HASHRING_OK);
	assert_int_equal(hashring_fingerprint(r->ring), r->fingerprint);
}

static void
read_ring(struct reading *r, char *word[])
{
	ring_drop(r);
	r->expected = strtoul(word[2], NULL, 10);
	r->fingerprint = strtoull(word[3], NULL, 16);
	assert_true(r->expected <= MEMBERS_MAX);
	ring_complete(r);
}

static void
read_member(struct reading *r, char *word[])
{
	assert_true(r->count < r->expected);
	struct hashring_member *m = &r->member[r->count++];
	m->id = hex_bytes(word[1], &m->id_bytes);
	m->weight = (uint32_t)strtoul(word[2], NULL, 10);
	m->zone = hex_bytes(word[3], &m->zone_bytes);
	ring_complete(r);
}

static void
read_live(const char *hex, hashring_word live[HASHRING_WORDS(MEMBERS_MAX)])
{
	size_t digits = strlen(hex);
	memset(live, 0, HASHRING_WORDS(MEMBERS_MAX) * sizeof(*live));
	assert_true(digits <= MEMBERS_MAX / 4);
	for (size_t i = 0; i < digits; i++)
		live[i / 16] |= (hashring_word)nibble(hex[digits - 1 - i]) << (4 * (i % 16));
}

/* "3,0,2" as numbers; returns how many, and in *end what follows. */
static size_t
read_indexes(char *text, uint32_t *out, size_t capacity, char **end)
{
	size_t count = 0;
	*end = text;
	if (*text == '-')
		return 0;
	for (;;) {
		assert_true(count < capacity);
		out[count++] = (uint32_t)strtoul(*end, end, 10);
		if (**end != ',')
			return count;
		(*end)++;
	}
}

static uint64_t
order_checksum(const uint32_t *order, size_t count)
{
	static uint8_t bytes[4 * MEMBERS_MAX];
	for (size_t i = 0; i < count; i++)
		for (size_t b = 0; b < 4; b++)
			bytes[4 * i + b] = (uint8_t)(order[i] >> (8 * b));
	return hashring_hash(bytes, 4 * count);
}

static void
check_question(struct reading *r, char *word[])
{
	static uint32_t order[MEMBERS_MAX];
	static hashring_word words[HASHRING_WORDS(MEMBERS_MAX)];
	size_t bytes;
	char *end;
	assert_non_null(r->ring);
	uint8_t *digest = hex_bytes(word[1], &bytes);
	assert_int_equal(bytes, HASHRING_DIGEST_BYTES);
	uint32_t apart = *word[2] == '-' ? HASHRING_NONE : (uint32_t)strtoul(word[2], NULL, 10);
	const hashring_word *live = NULL;
	if (*word[3] != '*') {
		read_live(word[3], words);
		live = words;
	}

	uint32_t want[PLACES];
	uint32_t alive[ALIVE];
	size_t wanted = read_indexes(word[4], want, ALIVE, &end);
	assert_int_equal(hashring_first_n(r->ring, digest, apart, live, alive, ALIVE), wanted);
	assert_memory_equal(alive, want, wanted * sizeof(*want));
	assert_int_equal(hashring_first(r->ring, digest, apart, live),
			 wanted > 0 ? want[0] : HASHRING_NONE);

	wanted = read_indexes(word[5], want, PLACES, &end);
	size_t stands = hashring_order(r->ring, digest, apart, order, MEMBERS_MAX);
	if (strncmp(end, "..", 2) == 0) {
		assert_int_equal(wanted, PLACES);
		assert_true(stands > PLACES);
		assert_int_equal(order_checksum(order, stands), strtoull(end + 2, NULL, 16));
	} else {
		assert_int_equal(stands, wanted);
	}
	assert_memory_equal(order, want, wanted * sizeof(*want));
	r->questions++;
	free(digest);
}

static void
check_hash(char *word[])
{
	uint8_t data[4096];
	size_t bytes = strtoul(word[1], NULL, 10);
	assert_true(bytes <= sizeof(data));
	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(131 * i + bytes);
	assert_int_equal(hashring_hash(data, bytes), strtoull(word[2], NULL, 16));
}

static void
check_line(struct reading *r, char *text)
{
	char *word[7] = {NULL};
	char *rest = text;
	size_t count = 0;
	for (char *w; count < 7 && (w = strtok_r(rest, " \n", &rest)) != NULL;)
		word[count++] = w;
	if (count == 0 || word[0][0] == '#')
		return;
	if (strcmp(word[0], "q") == 0 && count == 6)
		check_question(r, word);
	else if (strcmp(word[0], "m") == 0 && count == 4)
		read_member(r, word);
	else if (strcmp(word[0], "ring") == 0 && count == 4)
		read_ring(r, word);
	else if (strcmp(word[0], "x") == 0 && count == 3)
		check_hash(word);
	else if (strcmp(word[0], "u") == 0 && count == 3)
		assert_int_equal(cost_numerator((uint32_t)strtoul(word[1], NULL, 10)),
				 strtoull(word[2], NULL, 10));
	else
		fail_msg("%s:%u: not a golden line", PATH, r->line);
}

/* Every vector, in order; a failure names the line it stopped at. */
static void
test_golden_vectors(void **state)
{
	struct reading *r = *state;
	char text[LINE_BYTES];
	FILE *file = fopen(PATH, "r");
	if (file == NULL)
		fail_msg("%s: not found; run from the root of the tree", PATH);
	while (fgets(text, sizeof(text), file) != NULL) {
		r->line++;
		assert_non_null(strchr(text, '\n'));
		check_line(r, text);
	}
	assert_int_equal(fclose(file), 0);
	assert_true(r->questions >= 1000);
}

static int
setup(void **state)
{
	*state = calloc(1, sizeof(struct reading));
	return *state == NULL;
}

static int
teardown(void **state)
{
	struct reading *r = *state;
	fprintf(stderr, "%s: read to line %u, %zu questions\n", PATH, r->line, r->questions);
	ring_drop(r);
	free(r);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_golden_vectors, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
