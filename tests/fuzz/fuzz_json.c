/*
 * fuzz_json.c: any bytes as a JSON text, asked for the member "sub", beside jansson. What
 * must hold: what json_member finds, jansson finds with the same value; what jansson
 * takes and is no deeper than ours may be, json_member finds when it is a text or whole.
 */
#include "affinity/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)
#define VALUE_BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Texts that jansson cannot hold though they are JSON: large numbers, NUL in a name. */
static bool
is_jansson_limit(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);
	return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

static void
check_same(struct slice found, const json_t *value)
{
	if (json_is_string(value)) {
		struct slice text = {json_string_value(value), json_string_length(value)};
		CHECK(slice_equal(found, text));
		return;
	}
	CHECK(json_is_integer(value));
	char digits[64];
	CHECK(found.bytes < sizeof(digits));
	memcpy(digits, found.at, found.bytes);
	digits[found.bytes] = '\0';
	CHECK(strtoll(digits, NULL, 10) == json_integer_value(value));
}

static size_t
count_opened(struct slice text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.bytes; i++)
		count += text.at[i] == '[' || text.at[i] == '{';
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *copy = malloc(bytes + 1); /* of the heap: overruns show */
	char *space = malloc(VALUE_BYTES_MAX);
	CHECK(copy != NULL && space != NULL);
	memcpy(copy, data, bytes);
	struct slice text = {copy, bytes};
	struct writer out = writer_on(space, VALUE_BYTES_MAX);
	bool found = json_member(text, SLICE("sub"), &out);
	json_error_t error;
	json_t *root = json_loadb(copy, bytes, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	json_t *value = json_object_get(root, "sub");
	if (found && root != NULL) {
		CHECK(value != NULL);
		check_same((struct slice){space, out.bytes}, value);
	} else if (found) {
		CHECK(is_jansson_limit(&error) ||
		      json_error_code(&error) == json_error_duplicate_key);
	} else if (json_is_string(value) || json_is_integer(value)) {
		/* jansson takes a NUL behind a number. */
		CHECK(out.overflow || count_opened(text) > JSON_DEPTH_MAX ||
		      memchr(copy, '\0', bytes) != NULL);
	}
	json_decref(root);
	free(space);
	free(copy);
	return 0;
}
