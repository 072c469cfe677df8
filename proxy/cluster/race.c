/* race.c: the asking side of a race; see race.h. */
#include "cluster/race.h"

#include "base/digest.h"

#include <assert.h>
#include <string.h>

static void
drop_tag(struct race *r)
{
	memcpy(r->gone[r->gone_count++], r->tag, RACE_TAG_BYTES);
	memset(r->tag, 0, RACE_TAG_BYTES);
}

/* Fisher and Yates, by draws of SplitMix64 from the one that was given. */
static void
shuffle(uint8_t *order, size_t count, uint64_t draw)
{
	struct prng chance = {draw};
	for (size_t i = 0; i < count; i++)
		order[i] = (uint8_t)i;
	for (size_t i = count; i > 1; i--) {
		size_t j = prng_next(&chance) % i;
		uint8_t kept = order[i - 1];
		order[i - 1] = order[j];
		order[j] = kept;
	}
}

void
race_start(struct race *r, uint64_t now_us, const struct race_rules *rules,
	   const uint8_t tag[RACE_TAG_BYTES], uint64_t draw)
{
	assert(rules->servers >= 2 && rules->servers <= RACE_SERVERS_MAX);
	assert(r->attempt < RACE_ATTEMPTS_MAX);
	r->state = RACE_RACING;
	r->servers = rules->servers;
	r->attempt++;
	r->stagger_us = rules->stagger_us;
	r->sent_us = now_us;
	r->ends_us = now_us + rules->limit_us;
	r->asked = 0;
	memcpy(r->tag, tag, RACE_TAG_BYTES);
	for (size_t i = 0; i < RACE_SERVERS_MAX; i++)
		r->took_us[i] = RACE_NEVER;
	shuffle(r->order, rules->servers, draw);
}

/* When the nth of the order is asked. */
static uint64_t
ask_at(const struct race *r, size_t nth)
{
	return r->sent_us + nth * r->stagger_us;
}

size_t
race_ask(struct race *r, uint64_t now_us, size_t server[RACE_SERVERS_MAX])
{
	size_t count = 0;
	if (r->state != RACE_RACING || now_us >= r->ends_us)
		return 0;
	while (r->asked < r->servers && ask_at(r, r->asked) <= now_us)
		server[count++] = r->order[r->asked++];
	return count;
}

/* How long after its INIT a server answers now. */
static uint64_t
took(const struct race *r, uint64_t now_us, size_t server)
{
	size_t nth = 0;
	while (r->order[nth] != server)
		nth++;
	uint64_t asked_us = ask_at(r, nth);
	return now_us > asked_us ? now_us - asked_us : 0;
}

static bool
is_gone(const struct race *r, const uint8_t tag[RACE_TAG_BYTES])
{
	for (unsigned i = 0; i < r->gone_count; i++) {
		if (digest_equal(tag, r->gone[i], RACE_TAG_BYTES))
			return true;
	}
	return false;
}

enum race_heard
race_offered(struct race *r, uint64_t now_us, size_t server, const struct race_offer *offer)
{
	bool current = r->state == RACE_RACING && digest_equal(offer->tag, r->tag, RACE_TAG_BYTES);
	if (server >= r->servers || (!current && !is_gone(r, offer->tag)))
		return RACE_STRANGER;
	if (!current) {
		r->late++;
		if (r->state != RACE_RACING && r->took_us[server] == RACE_NEVER)
			r->took_us[server] = took(r, now_us, server);
		return RACE_LATE;
	}
	r->took_us[server] = took(r, now_us, server);
	r->state = RACE_CHOSEN;
	r->winner = server;
	memcpy(r->ticket, offer->ticket, TICKET_BYTES);
	memcpy(r->url, offer->url, sizeof(r->url));
	drop_tag(r);
	return RACE_WON;
}

static bool
next_attempt(struct race *r)
{
	bool again = r->attempt < RACE_ATTEMPTS_MAX;
	r->state = again ? RACE_IDLE : RACE_FALLBACK;
	return again;
}

bool
race_is_over(const struct race *r, uint64_t now_us)
{
	return r->state == RACE_RACING && now_us >= r->ends_us;
}

bool
race_again(struct race *r, uint64_t now_us)
{
	assert(race_is_over(r, now_us));
	drop_tag(r);
	return next_attempt(r);
}

void
race_opened(struct race *r)
{
	assert(r->state == RACE_CHOSEN);
	r->state = RACE_OPEN;
}

bool
race_refused(struct race *r)
{
	assert(r->state == RACE_CHOSEN);
	memset(r->ticket, 0, sizeof(r->ticket));
	return next_attempt(r);
}

uint64_t
race_next(const struct race *r)
{
	if (r->state != RACE_RACING)
		return RACE_NEVER;
	uint64_t ask_us = r->asked < r->servers ? ask_at(r, r->asked) : RACE_NEVER;
	return ask_us < r->ends_us ? ask_us : r->ends_us;
}
