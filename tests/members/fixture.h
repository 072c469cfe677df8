/*
 * fixture.h: a service of members named by single letters, and views of them written as texts:
 * "UUSD" is a and b up, c suspect, d down (R: draining, M: maintenance).
 */
#ifndef HOLDFAST_TESTS_MEMBERS_FIXTURE_H
#define HOLDFAST_TESTS_MEMBERS_FIXTURE_H

#include "base/digest.h"
#include "config/config.h"
#include "members/view.h"

#include <stdio.h>

#define TEXT(literal)       ((char *)(uintptr_t)(literal)) /* the configuration owns mutable strings */
#define COUNT(table)        (sizeof(table) / sizeof((table)[0]))
#define FIXTURE_MEMBERS_MAX 26

static struct config_member fixture_list[FIXTURE_MEMBERS_MAX];
static char fixture_ids[FIXTURE_MEMBERS_MAX][2];

/* `count` members a, b, c ... of weight 1 at 127.0.0.1:9001 and on, without zones. */
static inline struct config_service
fixture_service(size_t count)
{
	struct config_service service = {
	    .name = TEXT("shop"),
	    .health =
		{.enabled = true, .fall = 2, .rise = 2, .expect_low = 200, .expect_high = 399},
	    .passive = {.enabled = true, .fall = 3, .retry_ms = 5000},
	    .members = fixture_list,
	    .member_count = count,
	};
	digest_default_pool_key(SLICE("shop"), service.pool_key);
	for (size_t i = 0; i < count; i++) {
		fixture_ids[i][0] = (char)('a' + i);
		fixture_list[i] = (struct config_member){
		    .id = fixture_ids[i],
		    .origin = {.family = AF_INET,
			       .port = (uint16_t)(9001 + i),
			       .ip = {127, 0, 0, 1}},
		    .weight = 1,
		};
	}
	return service;
}

static inline struct membership *
fixture_membership(const struct config_service *service)
{
	struct membership *m;
	struct problem p = {""};
	if (membership_create(service, &m, &p) != RESULT_OK)
		fail_msg("%s", p.text);
	return m;
}

static inline enum member_state
fixture_state(char letter)
{
	static const char letters[] = "USRDM"; /* in the order of enum member_state */
	const char *at = strchr(letters, letter);
	assert_true(letter != '\0' && at != NULL);
	return (enum member_state)(at - letters);
}

/* A letter a member. */
static inline struct view *
fixture_view(struct membership *m, const char *states)
{
	uint8_t state[FIXTURE_MEMBERS_MAX];
	assert_int_equal(strlen(states), m->count);
	for (size_t i = 0; i < m->count; i++)
		state[i] = (uint8_t)fixture_state(states[i]);
	struct view *v = view_create(m, 1, &(struct view_opinion){.state = state});
	assert_non_null(v);
	return v;
}

static inline struct session_digest
fixture_digest(uint64_t number)
{
	struct session_digest digest = {{0}};
	memcpy(digest.bytes, &number, sizeof(number));
	return digest;
}

/* The first digest by number whose order is a, b, c ... */
static inline struct session_digest
fixture_digest_in_order(const struct membership *m)
{
	for (uint64_t number = 0;; number++) {
		struct session_digest digest = fixture_digest(number);
		uint32_t order[FIXTURE_MEMBERS_MAX];
		size_t placed = hashring_order(m->ring, digest.bytes, HASHRING_NONE, order,
					       FIXTURE_MEMBERS_MAX);
		size_t i = 0;
		while (i < placed && order[i] == i)
			i++;
		if (i == placed)
			return digest;
	}
}

/* 'a' for member 0; '-' for none. */
static inline uint32_t
fixture_member(char letter)
{
	return letter == '-' ? MEMBER_NONE : (uint32_t)(letter - 'a');
}

/* By its place in the pool's present membership; lives as long as that. */
#define live_of(pool_, member_) fixture_live(pool_view(pool_), member_)
static inline struct member_live *
fixture_live(struct view *view, uint32_t member)
{
	struct member_live *live = view->membership->member[member].live;
	view_unref(&view);
	return live;
}

#endif
