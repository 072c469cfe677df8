/*
 * fuzz_forwarded.c: values of Forwarded and X-Forwarded-*, by the first byte. What must hold: what
 * is read keeps its bounds, is written in both families, and what is written is read again with the
 * same addresses and one more.
 */
#include "http/forwarded.h"
#include "http/parse.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)
#define TEXT_BYTES_MAX 12000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct parser *parser;
static struct http_head head;
static char text[TEXT_BYTES_MAX + 256];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	parser = parser_create();
	CHECK(parser != NULL);
	return 0;
}

static bool
parse(struct slice lines)
{
	static const struct parse_limits limits = {HTTP_HEAD_BYTES_MAX, 8192, 100};
	struct writer w = writer_on(text, sizeof(text));
	write_literal(&w, "GET / HTTP/1.1\r\nHost: h\r\n");
	write_slice(&w, lines);
	write_literal(&w, "\r\n");
	size_t skipped;
	enum cause cause;
	const char *why;
	return parse_request(parser, text, w.bytes, &limits, &head, &skipped, &cause, &why) ==
	       PARSE_OK;
}

static void
reads_again(enum forwarded_family family, const struct forwarded *f,
	    const struct forwarded_self *self)
{
	static char out[32768];
	static struct forwarded again;
	struct writer w = writer_on(out, sizeof(out));
	forwarded_write(&w, 1U << family, f, self);
	CHECK(!w.overflow);
	if (f->count == FORWARDED_HOPS_MAX || w.bytes > FORWARDED_BYTES_MAX)
		return;
	CHECK(parse((struct slice){out, w.bytes}) && forwarded_read(&head, family, &again));
	CHECK(again.count == f->count + 1 && addr_equal(&again.hop[f->count].client, self->peer));
	for (size_t i = 0; i < f->count; i++)
		CHECK(addr_equal(&again.hop[i].client, &f->hop[i].client));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct slice names[] = {{"Forwarded: ", 11},
					     {"X-Forwarded-For: ", 17},
					     {"X-Forwarded-Proto: ", 19},
					     {"X-Forwarded-Host: ", 18}};
	static char lines[TEXT_BYTES_MAX];
	static char kept[sizeof(text)];
	static struct forwarded f;
	struct network trusted = {.first = {.family = AF_INET, .ip = {10}}, .bits = 8};
	const struct addr peer = {.family = AF_INET, .ip = {10, 1, 1, 1}};
	if (bytes == 0 || bytes > TEXT_BYTES_MAX - 64)
		return 0;
	struct writer w = writer_on(lines, sizeof(lines));
	write_slice(&w, names[data[0] & 3]);
	write_bytes(&w, data + 1, bytes - 1);
	write_literal(&w, "\r\n");
	enum forwarded_family family = (data[0] & 3) == 0 ? FORWARDED_BY_RFC7239 : FORWARDED_BY_X;
	if (!parse((struct slice){lines, w.bytes}))
		return 0;
	memcpy(kept, text, sizeof(text));
	head.base = kept;
	if (!forwarded_read(&head, family, &f))
		return 0;
	CHECK(f.count <= FORWARDED_HOPS_MAX);
	(void)forwarded_client(&f, &trusted, 1, &peer);
	CHECK(f.count == 0 || f.home < f.count);
	const struct forwarded_self self = {&peer, SLICE("https"), SLICE("h:1")};
	reads_again(FORWARDED_BY_RFC7239, &f, &self);
	reads_again(FORWARDED_BY_X, &f, &self);
	return 0;
}
