/*
 * fuzz_keyrule.c: the first line of the input is a key rule, the rest a head (start
 * line and fields). What must hold: a rule is taken or refused with words; a key is
 * not empty, not too long, and lies in the head or in the scratch bytes; matching twice
 * gives the same key.
 */
#include "affinity/head_text.h"
#include "affinity/keyrule.h"

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

static bool
within(struct slice key, const char *at, size_t bytes)
{
	return key.at >= at && key.at + key.bytes <= at + bytes;
}

static void
check_key(struct slice key, struct slice text, const char *scratch)
{
	CHECK(key.bytes > 0 && key.bytes <= SESSION_KEY_BYTES_MAX);
	CHECK(within(key, text.at, text.bytes) || within(key, scratch, SESSION_KEY_BYTES_MAX));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice input = {(const char *)data, bytes};
	size_t line = slice_find(input, '\n');
	struct keyrule *rule = NULL;
	struct problem p = {""};
	enum result r = keyrule_compile((struct slice){input.at, line}, &rule, &p);
	if (r != RESULT_OK) {
		CHECK(r == RESULT_INVALID && rule == NULL && p.text[0] != '\0');
		return 0;
	}
	size_t taken = line < bytes ? line + 1 : line;
	struct slice text = {input.at + taken, bytes - taken};
	static struct http_head head;
	head_split(text, &head);
	static const struct addr client = {.family = AF_INET, .ip = {192, 0, 2, 1}};
	char *scratch = malloc(SESSION_KEY_BYTES_MAX); /* of the heap: overruns show */
	char *second = malloc(SESSION_KEY_BYTES_MAX);
	CHECK(scratch != NULL && second != NULL);
	struct slice key;
	struct slice again;
	bool matched =
	    keyrule_match(rule, &head, (struct keyrule_client){&client, NULL}, scratch, &key);
	if (matched)
		check_key(key, text, scratch);
	CHECK(keyrule_match(rule, &head, (struct keyrule_client){&client, NULL}, second, &again) ==
	      matched);
	CHECK(!matched || slice_equal(key, again));
	if (keyrule_match_response(rule, &head, scratch, &key))
		check_key(key, text, scratch);
	free(scratch);
	free(second);
	keyrule_free(&rule);
	return 0;
}
