/*
 * addresses.c: connections by address; see addresses.h. A fixed number of parts,
 * each a hash table with a lock of its own, so that workers seldom meet.
 */
#include "edge/addresses.h"

#include "base/digest.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PARTS      64
#define PART_SLOTS (ADDRESSES_MAX / PARTS)
#define NO_SLOT    UINT16_MAX

static_assert(PART_SLOTS < NO_SLOT, "a slot's number fits");

struct slot {
	uint64_t prefix; /* IPv4: the address; IPv6: its first 64 bits */
	uint32_t count;  /* connections; 0: the slot is free */
	uint16_t next;   /* in its chain, or among the free */
	uint16_t family;
};

struct part {
	pthread_mutex_t lock;
	uint16_t used;              /* slots[used..] were never taken */
	uint16_t free;              /* first of those given back */
	uint16_t chain[PART_SLOTS]; /* first slot; NO_SLOT: none */
	struct slot slots[PART_SLOTS];
};

struct addresses {
	uint8_t key[16];
	struct part part[PARTS];
};

struct addresses *
addresses_create(void)
{
	struct addresses *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	digest_random(a->key);
	for (size_t i = 0; i < PARTS; i++) {
		struct part *part = &a->part[i];
		(void)pthread_mutex_init(&part->lock, NULL);
		part->free = NO_SLOT;
		memset(part->chain, 0xff, sizeof(part->chain));
	}
	return a;
}

void
addresses_free(struct addresses **held)
{
	struct addresses *a = *held;
	if (a == NULL)
		return;
	*held = NULL;
	for (size_t i = 0; i < PARTS; i++)
		(void)pthread_mutex_destroy(&a->part[i].lock);
	free(a);
}

static uint64_t
prefix_of(const struct addr *peer)
{
	uint64_t prefix = 0;
	memcpy(&prefix, peer->ip, peer->family == AF_INET ? 4 : sizeof(prefix));
	return prefix;
}

/* The part and the chain in which the address stands, if it does. */
static struct part *
find_chain(struct addresses *a, const struct addr *peer, uint16_t **chain)
{
	struct {
		uint64_t prefix;
		uint64_t family;
	} name = {prefix_of(peer), peer->family};
	uint8_t mac[16];
	uint16_t at[2];
	digest_mac(a->key, &name, sizeof(name), mac);
	memcpy(at, mac, sizeof(at));
	struct part *part = &a->part[at[0] % PARTS];
	*chain = &part->chain[at[1] % PART_SLOTS];
	return part;
}

/* The link that points to the address's slot, or the last one of the chain. */
static uint16_t *
find_link(struct part *part, uint16_t *chain, const struct addr *peer)
{
	uint64_t prefix = prefix_of(peer);
	uint16_t *link = chain;
	while (*link != NO_SLOT) {
		struct slot *slot = &part->slots[*link];
		if (slot->prefix == prefix && slot->family == peer->family)
			break;
		link = &slot->next;
	}
	return link;
}

static enum address_answer
add(struct part *part, uint16_t *link, const struct addr *peer)
{
	uint16_t number = part->free;
	if (number != NO_SLOT)
		part->free = part->slots[number].next;
	else if (part->used < PART_SLOTS)
		number = part->used++;
	else
		return ADDRESS_UNCOUNTED;
	part->slots[number] = (struct slot){
	    .prefix = prefix_of(peer), .count = 1, .next = NO_SLOT, .family = peer->family};
	*link = number;
	return ADDRESS_COUNTED;
}

enum address_answer
addresses_enter(struct addresses *a, const struct addr *peer, uint32_t most)
{
	uint16_t *chain;
	struct part *part = find_chain(a, peer, &chain);
	enum address_answer answer = ADDRESS_COUNTED;
	(void)pthread_mutex_lock(&part->lock);
	uint16_t *link = find_link(part, chain, peer);
	if (*link == NO_SLOT)
		answer = add(part, link, peer);
	else if (part->slots[*link].count >= most)
		answer = ADDRESS_REFUSED;
	else
		part->slots[*link].count++;
	(void)pthread_mutex_unlock(&part->lock);
	return answer;
}

void
addresses_leave(struct addresses *a, const struct addr *peer)
{
	uint16_t *chain;
	struct part *part = find_chain(a, peer, &chain);
	(void)pthread_mutex_lock(&part->lock);
	uint16_t *link = find_link(part, chain, peer);
	assert(*link != NO_SLOT);
	struct slot *slot = &part->slots[*link];
	if (--slot->count == 0) {
		uint16_t number = *link;
		*link = slot->next;
		slot->next = part->free;
		part->free = number;
	}
	(void)pthread_mutex_unlock(&part->lock);
}
