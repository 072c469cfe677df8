/*
 * choose.c: what choosing costs, without a request around it: the first live member of the order,
 * and the plan with the rank, as a request asks them.
 *
 *   choose [-q]      a JSON object a line; -q: a tenth of the work
 *
 * For each size of the pool none, a third and nine tenths of the members are dead; sessions are
 * all different. plan_ns: their member is up; plan_dead_ns: it is dead, so that the order decides
 * and those who are passed over are listed. least_requests_ns, round_robin_ns: a new session's
 * primary.
 */
#include "base/digest.h"
#include "config/config.h"
#include "members/view.h"
#include "route/assign.h"
#include "route/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSIONS 4096 /* asked in turn */

struct pool {
	struct membership *membership;
	struct view *view;
	size_t members;
	uint32_t weights; /* distinct */
	const char *dead;
};

static unsigned sink; /* answers end here, so that nothing is optimised away */

static void
die(const char *what)
{
	(void)fprintf(stderr, "choose: %s\n", what);
	exit(1);
}

static double
now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct membership *
membership_of(size_t count, uint32_t weights)
{
	static struct config_member list[MEMBERS_MAX];
	static char ids[MEMBERS_MAX][8];
	struct config_service service = {.name = ids[0], .members = list, .member_count = count};
	struct membership *m;
	struct problem p;
	for (uint32_t i = 0; i < count; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "m%05u", (unsigned)i);
		list[i] = (struct config_member){
		    .id = ids[i], .origin = {.family = 2 /* AF_INET */}, .weight = 1 + i % weights};
	}
	if (membership_create(&service, &m, &p) != RESULT_OK)
		die(p.text);
	return m;
}

/* Of `of` members `dead` are dead, spread over the list. */
static struct view *
view_of(struct membership *m, uint32_t dead, uint32_t of)
{
	static uint8_t state[MEMBERS_MAX];
	for (uint32_t i = 0; i < m->count; i++)
		state[i] = (i * UINT32_C(2654435761) >> 16) % of < dead ? MEMBER_DOWN : MEMBER_UP;
	struct view *view = view_create(m, 1, &(struct view_opinion){.state = state});
	if (view == NULL)
		die("no memory");
	return view;
}

/* A session whose member is up, or dead; false: there is none. */
static bool
session_of(const struct pool *pool, uint32_t number, bool up, struct plan_session *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->digest.bytes, &number, sizeof(number));
	uint32_t count = (uint32_t)pool->members;
	uint32_t member = number * UINT32_C(40503) % count;
	for (uint32_t i = 0; i < count; i++, member = (member + 1) % count) {
		if (view_is_operational(pool->view, member) != up)
			continue;
		s->primary = member;
		s->last = member;
		return true;
	}
	return false;
}

static double
first_ns(const struct pool *pool, unsigned turns)
{
	uint8_t digest[DIGEST_BYTES] = {0};
	double began = now_ns();
	for (unsigned i = 0; i < turns; i++) {
		memcpy(digest, &i, sizeof(i));
		sink += hashring_first(pool->membership->ring, digest, HASHRING_NONE,
				       pool->view->backups);
	}
	return (now_ns() - began) / turns;
}

/* Negative: there is no such session. */
static double
plan_ns(const struct pool *pool, unsigned turns, bool up)
{
	static const struct plan_rules rules = {.failback = FAILBACK_STAY, .attempts_max = 3};
	static struct plan_session sessions[SESSIONS];
	for (uint32_t i = 0; i < SESSIONS; i++) {
		if (!session_of(pool, i, up, &sessions[i]))
			return -1;
	}
	double began = now_ns();
	for (unsigned i = 0; i < turns; i++) {
		const struct plan_session *s = &sessions[i % SESSIONS];
		struct plan plan;
		plan_make(&rules, s, pool->view, &plan);
		sink += plan.step[0].rank != PLAN_RANK_UNASKED
			    ? plan.step[0].rank
			    : hashring_rank(pool->membership->ring, s->digest.bytes, HASHRING_NONE,
					    plan.step[0].member);
	}
	return (now_ns() - began) / turns;
}

static unsigned
no_load(const void *context, uint32_t member)
{
	(void)context;
	return member & 3;
}

/* A new session's primary. */
static double
assign_ns(const struct pool *pool, unsigned turns, enum assign_method method)
{
	struct assign_inputs in = {.method = method, .view = pool->view, .load = no_load};
	double began = now_ns();
	for (unsigned i = 0; i < turns; i++) {
		in.turn = i;
		in.draw = i * UINT64_C(0x9e3779b97f4a7c15);
		sink += assign_primary(&in);
	}
	return (now_ns() - began) / turns;
}

static void
print_ns(const char *name, double ns)
{
	if (ns < 0)
		(void)printf(", \"%s\": null", name);
	else
		(void)printf(", \"%s\": %.1f", name, ns);
}

static void
measure(size_t members, uint32_t weights, bool quick)
{
	static const struct {
		const char *name;
		uint32_t dead;
		uint32_t of;
	} dead[] = {{"none", 0, 1}, {"1/3", 1, 3}, {"9/10", 9, 10}};
	unsigned turns = (unsigned)(200000000 / (members * 2 + 400)) / (quick ? 10 : 1);
	struct pool pool = {
	    .membership = membership_of(members, weights), .members = members, .weights = weights};
	for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++) {
		pool.view = view_of(pool.membership, dead[i].dead, dead[i].of);
		(void)printf("{\"members\": %zu, \"weights\": %u, \"dead\": \"%s\"", members,
			     (unsigned)weights, dead[i].name);
		print_ns("first_ns", first_ns(&pool, turns));
		print_ns("plan_ns", plan_ns(&pool, turns, true));
		print_ns("plan_dead_ns", plan_ns(&pool, turns, false));
		print_ns("least_requests_ns", assign_ns(&pool, turns, ASSIGN_LEAST_REQUESTS));
		print_ns("round_robin_ns", assign_ns(&pool, turns, ASSIGN_ROUND_ROBIN));
		(void)printf("}\n");
		view_unref(&pool.view);
	}
	membership_unref(&pool.membership);
}

int
main(int argc, char **argv)
{
	static const size_t sizes[] = {3, 10, 100, 1000, 10000};
	bool quick = argc == 2 && strcmp(argv[1], "-q") == 0;
	if (!digest_init())
		die("libsodium cannot be started");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		measure(sizes[i], 1, quick);
	measure(1000, 3, quick);
	measure(1000, 10, quick);
	measure(1000, 100, quick);
	return sink == 0; /* all answers 0: something is wrong */
}
