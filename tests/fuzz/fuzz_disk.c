/*
 * fuzz_disk.c: any bytes as a table in a shared file (cluster/disk_block.h), with the sum made
 * right, so that the fuzzer gets behind it; and as a title. What must hold: a table that is taken
 * for whole is what its writer would have written, byte for byte.
 */
#include "cluster/disk_block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

#define HEAD_BYTES 8 /* magic, bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
try_table(const uint8_t *data, size_t bytes)
{
	static uint8_t at[DISK_TABLE_BYTES];
	static uint8_t again[DISK_TABLE_BYTES];
	static struct disk_block b;
	size_t room = DISK_TABLE_BYTES - HEAD_BYTES - DOCUMENT_DIGEST_BYTES;
	if (bytes > room)
		bytes = room;
	size_t sum_at = HEAD_BYTES + bytes;
	size_t total = sum_at + DOCUMENT_DIGEST_BYTES;
	memset(at, 0, sizeof(at));
	memcpy(at, "HFDB", 4);
	at[6] = (uint8_t)(total >> 8);
	at[7] = (uint8_t)total;
	if (bytes != 0)
		memcpy(at + HEAD_BYTES, data, bytes);
	document_digest(at, sum_at, at + sum_at);
	if (disk_block_decode(at, &b) != DISK_TABLE_WHOLE)
		return;
	CHECK(disk_block_encode(&b, again) == total);
	CHECK(memcmp(at, again, sizeof(at)) == 0);
}

static void
try_bytes(const uint8_t *data, size_t bytes)
{
	static uint8_t at[DISK_TABLE_BYTES];
	static struct disk_block b;
	struct problem p;
	memset(at, 0, sizeof(at));
	memcpy(at, data, bytes < sizeof(at) ? bytes : sizeof(at));
	(void)disk_block_decode(at, &b);
	(void)disk_title_check(at, "shop", 3, &p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes == 0)
		return 0;
	if (data[0] == 0)
		try_bytes(data + 1, bytes - 1);
	else
		try_table(data + 1, bytes - 1);
	return 0;
}
