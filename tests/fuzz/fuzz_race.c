/*
 * fuzz_race.c: any bytes before the readers of a race's datagrams and of tickets. The first byte
 * says how the rest arrives: as it is, or with header and MAC made right. What must hold: what is
 * read is what would have been written; nobody is sent more than he sent; a ticket that was not
 * made here opens nothing.
 */
#include "base/digest.h"
#include "cluster/race.h"

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

#define HEADER_BYTES 16
#define MAC_BYTES    16

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const uint8_t master[16] = {1};
static const struct datagram_secret secret = {{"k1", 2}, master};
static struct race_seal seal;
static struct ticket_keys keys;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(digest_init());
	race_seal_init(&seal, SLICE("shop"), &secret, 1);
	ticket_keys_init(&keys, master, 1000);
	return 0;
}

static void
dress(uint8_t how, uint8_t *datagram, size_t count)
{
	memset(datagram, 0, HEADER_BYTES);
	memcpy(datagram, (const uint8_t[]){'H', 'F', 'R', 'C', 1}, 5);
	datagram[5] = (how & 2) != 0 ? DATAGRAM_RACE_INIT : DATAGRAM_RACE_OFFER;
	if ((how & 4) == 0)
		return;
	datagram[6] = (uint8_t)(seal.key[0].secret >> 8);
	datagram[7] = (uint8_t)seal.key[0].secret;
	for (size_t i = 0; i < 8; i++)
		datagram[8 + i] = (uint8_t)(seal.cluster >> 8 * (7 - i));
	digest_mac(seal.key[0].mac, datagram, count - MAC_BYTES, datagram + count - MAC_BYTES);
}

static void
read_offer(const uint8_t *datagram, size_t count)
{
	uint8_t again[RACE_DATAGRAM_BYTES_MAX];
	struct race_offer offer;
	enum race_read read = race_read_offer(&seal, datagram, count, &offer);
	if (read == RACE_BAD)
		return;
	const struct race_seal *by = read == RACE_SEALED ? &seal : NULL;
	CHECK(race_write_offer(by, &offer, again) == count);
	CHECK(memcmp(again, datagram, count) == 0);
}

static void
read_init(const uint8_t *datagram, size_t count)
{
	uint8_t again[RACE_DATAGRAM_BYTES_MAX];
	struct race_init init;
	struct race_init twice;
	enum race_read read = race_read_init(&seal, datagram, count, &init);
	if (read == RACE_BAD)
		return;
	const struct race_seal *by = read == RACE_SEALED ? &seal : NULL;
	CHECK(race_read_init(&seal, again, race_write_init(by, &init, again), &twice) == read);
	CHECK(strcmp(init.service, twice.service) == 0 && init.bind == twice.bind);
	CHECK(memcmp(init.tag, twice.tag, RACE_TAG_BYTES) == 0);
}

static void
read_ticket(const uint8_t *at, size_t bytes)
{
	const struct ticket_claims want = {.member = 1, .service = 2};
	const struct ticket_bind bind = {.kind = TICKET_BIND_SECRET};
	struct ticket_claims claims;
	struct slice text = {(const char *)at, bytes};
	CHECK(ticket_check(&keys, text, &want, &bind, 1000, &claims) != TICKET_NONE);
	CHECK((ticket_binding(text) != 0) ||
	      ticket_check(&keys, text, &want, &bind, 1000, &claims) == TICKET_MALFORMED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t datagram[2 * RACE_DATAGRAM_BYTES_MAX];
	if (bytes == 0 || bytes - 1 > sizeof(datagram))
		return 0;
	size_t count = bytes - 1;
	memcpy(datagram, data + 1, count);
	read_ticket(datagram, count);
	if ((data[0] & 1) != 0 && count >= HEADER_BYTES + MAC_BYTES)
		dress(data[0], datagram, count);
	read_offer(datagram, count);
	read_init(datagram, count);
	return 0;
}
