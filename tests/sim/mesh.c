/* mesh.c: nodes that forward requests to each other; see mesh.h. */
#include "mesh.h"

#include "base/digest.h"
#include "config/config.h"
#include "route/assign.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MASTER       0
#define CONNECT_US   (300 * SIM_MS_US) /* a connection that is not made is given up */
#define SERVE_US     (5 * SIM_MS_US)
#define ROUND_US     (20 * SIM_MS_US) /* of a worker's clock: who waits for a membership looks */
#define NO_LEG       MESH_LEGS_MAX
#define ADDRESS_PORT 8080

struct node {
	struct epochs epochs;
	struct sim *sim;
	cluster_node self;
	struct pool *pool;
	struct config_member members[MESH_NODES];
	uint64_t probe_at;
};

struct disk {
	struct document *document;
	struct epoch_version version;
};

static char ids[MESH_NODES][2] = {"a", "b", "c", "d", "e"};

static const struct pool_tls no_tls = {NULL, NULL};

static const struct plan_rules rules_of_all = {
    .assign = ASSIGN_ORDERING, .spread = SPREAD_ANY, .attempts_max = 3};

/* A leg by one number, as an argument. */
static uint64_t
name_of(size_t request, size_t leg)
{
	return request * MESH_LEGS_MAX + leg;
}

static struct mesh_request *
request_of(struct sim *s, uint64_t name)
{
	struct mesh_world *w = sim_world(s);
	return &w->request[name / MESH_LEGS_MAX];
}

static struct mesh_leg *
leg_of(struct sim *s, uint64_t name)
{
	return &request_of(s, name)->leg[name % MESH_LEGS_MAX];
}

static struct plan_rules
rules(struct sim *s)
{
	const struct mesh_world *w = sim_world(s);
	struct plan_rules r = rules_of_all;
	r.failback = w->failback;
	return r;
}

/* ---- the membership ---------------------------------------------------------------------------
 */

static struct config_service
service_of(struct node *n, const struct mesh_roster *roster)
{
	struct config_service service = {.name = (char *)(uintptr_t) "shop",
					 .health = {.enabled = true,
						    .fall = 2,
						    .rise = 2,
						    .expect_low = 200,
						    .expect_high = 399},
					 .passive = {.enabled = true, .fall = 3, .retry_ms = 5000},
					 .members = n->members,
					 .epoch = roster->epoch};
	digest_default_pool_key(SLICE("shop"), service.pool_key);
	for (cluster_node i = 0; i < MESH_NODES; i++) {
		if (roster->member[i] == 0)
			continue;
		struct addr at = {
		    .family = AF_INET, .port = ADDRESS_PORT, .ip = {127, 0, 0, (uint8_t)(1 + i)}};
		n->members[service.member_count++] =
		    (struct config_member){.id = ids[i],
					   .weight = roster->member[i],
					   .origin = at,
					   .node = at,
					   .hop = i == n->self ? 0 : (uint16_t)(i + 1)};
	}
	return service;
}

static struct mesh_roster
roster_of(const struct document *d)
{
	struct mesh_roster r = {.member = {1, 1, 1, 1, 1}};
	if (d != NULL)
		memcpy(&r, d->at, sizeof(r));
	return r;
}

static enum result
host_read(void *self, const struct document *d, struct epoch_version *out, struct problem *p)
{
	struct mesh_roster r = roster_of(d);
	(void)self;
	(void)p;
	assert(d != NULL);
	*out = (struct epoch_version){.epoch = r.epoch, .term = r.term};
	memcpy(out->digest, d->digest, sizeof(out->digest));
	return RESULT_OK;
}

static enum result
host_make(void *self, struct slice change, uint64_t epoch, uint64_t term, struct document **out,
	  struct problem *p)
{
	struct node *n = self;
	struct mesh_world *w = sim_world(n->sim);
	struct mesh_roster r = {.epoch = epoch, .term = term};
	assert(change.at != NULL && change.bytes == sizeof(r.member));
	memcpy(r.member, change.at, sizeof(r.member));
	if (epoch >= MESH_EPOCHS_MAX)
		return problem_set(p, RESULT_LIMIT, "too many");
	w->roster[epoch] = r;
	w->epochs = epoch;
	*out = document_create(&r, sizeof(r));
	return *out == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

static bool
host_adopt(void *self, struct document *d, const struct epoch_version *version)
{
	struct node *n = self;
	struct disk *disk = sim_disk(n->sim, n->self);
	struct mesh_roster roster = roster_of(d);
	struct config_service service = service_of(n, &roster);
	struct pool_revision *revision;
	if (pool_revise(n->pool, &service, no_tls, &revision, NULL) != RESULT_OK)
		abort();
	pool_commit(n->pool, &revision);
	document_unref(&disk->document);
	disk->document = document_ref(d);
	disk->version = *version;
	sim_note(n->sim, n->self, "# holds epoch %llu", (unsigned long long)version->epoch);
	return true;
}

/* By TCP: both directions are needed, and somebody who answers. */
static bool
reaches(struct sim *s, cluster_node from, cluster_node to)
{
	return sim_on(s, to) && !sim_link(s, from, to)->cut && !sim_link(s, to, from)->cut;
}

static void
fetched(struct sim *s, cluster_node n, uint64_t now, uint64_t from, struct outbox *out)
{
	struct node *node = sim_state(s, n);
	const struct disk *disk = sim_disk(s, (cluster_node)from);
	bool good = reaches(s, n, (cluster_node)from) && !sim_frozen(s, (cluster_node)from);
	epochs_fetched(&node->epochs, now, (cluster_node)from, good ? disk->document : NULL, out);
}

static void
host_fetch(void *self, cluster_node from, uint64_t epoch)
{
	struct node *n = self;
	(void)epoch;
	sim_after(n->sim, n->self, sim_between(n->sim, 500, 20000), fetched, from);
}

static void
host_done(void *self, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch, const char *why)
{
	(void)self;
	(void)ticket;
	(void)outcome;
	(void)epoch;
	(void)why;
}

uint64_t
mesh_epoch(struct sim *s, cluster_node n)
{
	const struct node *node = sim_state(s, n);
	return node->epochs.held.epoch;
}

static void
propose(struct sim *s, cluster_node n, uint64_t now, uint64_t members, struct outbox *out)
{
	struct node *node = sim_state(s, n);
	char change[MESH_NODES];
	for (size_t i = 0; i < MESH_NODES; i++)
		change[i] = (char)(members >> 4 * i & 15);
	epochs_propose(&node->epochs, now, 0, EPOCH_ANY, (struct slice){change, sizeof(change)},
		       out);
}

void
mesh_publish(struct sim *s)
{
	uint64_t members = 0;
	size_t count = 0;
	for (size_t i = 0; i < MESH_NODES; i++) {
		uint64_t weight = sim_draw(s, 4) == 0 ? 0 : sim_between(s, 1, 3);
		members |= weight << 4 * i;
		count += weight > 0;
	}
	if (count >= 2)
		sim_after(s, MASTER, 1, propose, members);
}

/* ---- how others are ---------------------------------------------------------------------------
 */

static struct mesh_leg *
begin_leg(struct sim *s, uint64_t name, cluster_node n)
{
	struct mesh_leg *leg = leg_of(s, name);
	leg->node = n;
	leg->incarnation = sim_incarnation(s, n);
	leg->child = NO_LEG;
	return leg;
}

static cluster_node
node_of(const struct membership_member *m)
{
	return (cluster_node)(m->id[0] - 'a');
}

/* What a node says of the member beside it. */
static bool
says_well(struct sim *s, cluster_node n)
{
	const struct node *node = sim_state(s, n);
	struct view *view = pool_view(node->pool);
	bool well = false;
	for (uint32_t i = 0; i < view->membership->count; i++)
		well |= view->membership->member[i].own && view_is_operational(view, i);
	view_unref(&view);
	return well;
}

static void
probe(struct sim *s, cluster_node n, uint64_t now)
{
	const struct mesh_world *w = sim_world(s);
	struct node *node = sim_state(s, n);
	struct view *view = pool_view(node->pool);
	for (uint32_t i = 0; i < view->membership->count; i++) {
		const struct membership_member *m = &view->membership->member[i];
		cluster_node at = node_of(m);
		bool well = at == n ? !w->server_down[n]
				    : reaches(s, n, at) && !sim_frozen(s, at) && says_well(s, at);
		pool_evidence(node->pool, m->live, well ? EVIDENCE_PROBE_OK : EVIDENCE_PROBE_FAILED,
			      well ? REASON_NONE : REASON_CONNECT_TIMEOUT, now);
	}
	view_unref(&view);
	node->probe_at = now + MESH_PROBE_MS - 50 + sim_draw(s, 100);
}

/* ---- a request's end --------------------------------------------------------------------------
 */

enum word { WORD_ANSWER, WORD_ERROR, WORD_BACK };

static void hear(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out);

static void
end_request(struct sim *s, struct mesh_request *r, enum mesh_end end)
{
	struct mesh_world *w = sim_world(s);
	if (r->end != MESH_UNDER_WAY)
		return;
	r->end = end;
	w->key[r->key].busy = false;
	sim_measure(s, "request ms", (sim_now_us(s) - r->begun_us) / 1000);
}

/* The tag goes with the answer. */
static void
tag(struct sim *s, struct mesh_request *r, const struct mesh_leg *leg)
{
	struct mesh_world *w = sim_world(s);
	struct mesh_key *key = &w->key[r->key];
	if (r->end != MESH_UNDER_WAY)
		return;
	key->primary = node_of(&leg->view->membership->member[leg->session.primary]);
	key->last = leg->node;
	key->tagged = true;
}

/* Words are told apart by what stands in the leg's own record: over, and its last step. */
static void
say(struct sim *s, uint64_t name, enum word word)
{
	struct mesh_request *r = request_of(s, name);
	struct mesh_leg *leg = leg_of(s, name);
	leg->over = true;
	view_unref(&leg->view);
	sim_note(s, leg->node, "# request %llu: %s", (unsigned long long)(name / MESH_LEGS_MAX),
		 word == WORD_ANSWER ? "answers"
		 : word == WORD_BACK ? "gives back"
				     : "error");
	if (leg->parent == NO_LEG) {
		end_request(s, r, word == WORD_ANSWER ? MESH_ANSWERED : MESH_ERROR);
		return;
	}
	const struct mesh_leg *to = &r->leg[leg->parent];
	if (!sim_link(s, leg->node, to->node)->cut)
		sim_after(s, to->node, 200 + sim_draw(s, 300), hear, name << 2 | word);
}

/* ---- attempts ---------------------------------------------------------------------------------
 */

static void attempt(struct sim *s, uint64_t name, uint64_t now);
static void arrive(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out);

static void
note_skipped(struct mesh_leg *leg, enum reason why)
{
	if (leg->plan.skipped_count < PLAN_SKIPPED_MAX)
		leg->plan.skipped[leg->plan.skipped_count++] =
		    (struct plan_skipped){leg->plan.step[leg->step].member, why};
}

/* By now, not by the view that the leg began with. */
static bool
takes_part(const struct node *node, const struct mesh_leg *leg, uint32_t member)
{
	struct view *view = pool_view(node->pool);
	uint32_t place =
	    view->membership == leg->view->membership
		? member
		: membership_find(view->membership, &leg->view->membership->member[member]);
	bool yes = place != MEMBER_NONE && view_is_operational(view, place);
	view_unref(&view);
	return yes;
}

static bool
goes_back_after(struct sim *s, const struct mesh_leg *leg)
{
	const struct plan_rules r = rules(s);
	uint32_t asked[PLAN_STEPS_MAX];
	struct plan whole;
	if (!leg->hopped || !leg->returns)
		return false;
	for (uint32_t i = 0; i <= leg->step; i++)
		asked[i] = leg->plan.step[i].member;
	struct plan_way way = onward_way(&leg->hop, leg->node, MESH_HOPS_MAX);
	plan_make(&r, &leg->session, leg->view, &whole);
	return onward_goes_back_after(&leg->hop, leg->view, &way, &whole, asked, leg->step + 1U);
}

/* Nothing was sent, or it came back: the next one that lives. */
static void
go_on(struct sim *s, uint64_t name, uint64_t now, enum reason why)
{
	struct mesh_leg *leg = leg_of(s, name);
	struct node *node = sim_state(s, leg->node);
	const struct plan_rules r = rules(s);
	note_skipped(leg, why);
	pool_evidence(node->pool,
		      leg->view->membership->member[leg->plan.step[leg->step].member].live,
		      EVIDENCE_LIVE_FAILED, why, now);
	if (goes_back_after(s, leg)) {
		say(s, name, WORD_BACK);
		return;
	}
	uint32_t steps = plan_attempts(&r, &leg->plan);
	do
		leg->step++;
	while (leg->step < steps && !takes_part(node, leg, leg->plan.step[leg->step].member));
	if (leg->step < steps)
		attempt(s, name, now);
	else
		say(s, name,
		    leg->hopped && leg->returns && why == REASON_DOWN ? WORD_BACK : WORD_ERROR);
}

static bool
is_mine(struct sim *s, uint64_t name, cluster_node n)
{
	const struct mesh_leg *leg = leg_of(s, name);
	return leg->node == n && leg->incarnation == sim_incarnation(s, n) && !leg->over;
}

static void
give_up_connecting(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out)
{
	(void)out;
	if (is_mine(s, name, n))
		go_on(s, name, now, REASON_CONNECT_TIMEOUT);
}

static void
be_refused(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out)
{
	(void)out;
	if (is_mine(s, name, n))
		go_on(s, name, now, REASON_CONNECT_REFUSED);
}

/* It was sent, and nobody says what became of it: it is not sent again. */
static void
give_up_waiting(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out)
{
	struct mesh_leg *child = leg_of(s, name);
	uint64_t parent = name - name % MESH_LEGS_MAX + child->parent;
	(void)out;
	if (!is_mine(s, parent, n) || leg_of(s, parent)->child != name % MESH_LEGS_MAX)
		return;
	struct mesh_leg *leg = leg_of(s, parent);
	struct node *node = sim_state(s, n);
	pool_evidence(node->pool,
		      leg->view->membership->member[leg->plan.step[leg->step].member].live,
		      EVIDENCE_LIVE_FAILED, REASON_FIRST_BYTE_TIMEOUT, now);
	say(s, parent, WORD_ERROR);
}

static void
process(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out)
{
	const struct mesh_world *w = sim_world(s);
	struct mesh_request *r = request_of(s, name);
	(void)out;
	if (!is_mine(s, name, n))
		return;
	if (w->server_down[n]) {
		go_on(s, name, now, REASON_CONNECT_REFUSED);
		return;
	}
	if (++r->processed > 1)
		sim_fail(s, "request %llu was processed by %s, and before by %s",
			 (unsigned long long)(name / MESH_LEGS_MAX), ids[n], ids[r->processed_by]);
	r->processed_by = n;
	sim_note(s, n, "# request %llu is processed", (unsigned long long)(name / MESH_LEGS_MAX));
	tag(s, r, leg_of(s, name));
	say(s, name, WORD_ANSWER);
}

/* The connection is made: the request is on its way, and may come whenever its node wakes. */
static void
hand_on(struct sim *s, uint64_t name, cluster_node to)
{
	struct mesh_request *r = request_of(s, name);
	struct mesh_leg *leg = leg_of(s, name);
	const struct plan_rules rule = rules(s);
	if (r->leg_count == MESH_LEGS_MAX) {
		sim_fail(s, "more than %d legs", MESH_LEGS_MAX);
		return;
	}
	size_t place = r->leg_count++;
	uint64_t child_name = name - name % MESH_LEGS_MAX + place;
	struct mesh_leg *child = begin_leg(s, child_name, to);
	const struct membership *m = leg->view->membership;
	const struct membership_member *primary = &m->member[leg->session.primary];
	leg->child = place;
	child->parent = name % MESH_LEGS_MAX;
	child->hopped = true;
	child->hop.primary = slice_of(ids[node_of(primary)]);
	child->hop.can_return = leg->returns || leg->step + 1 < plan_attempts(&rule, &leg->plan);
	child->hop.epoch = m->epoch;
	onward_tell(leg->hopped ? &leg->hop : NULL, leg->node, leg->view, &leg->plan, &child->hop);
	for (size_t i = 0; i < child->hop.down_count; i++) /* views end before requests do */
		child->hop.down[i] = slice_of(ids[child->hop.down[i].at[0] - 'a']);
	for (size_t i = 0; i < child->hop.path_count; i++)
		child->hop.visited |= UINT64_C(1) << child->hop.path[i];
	sim_after(s, to, 200 + sim_draw(s, 300), arrive, child_name);
	sim_after(s, leg->node, MESH_WAIT_US, give_up_waiting, child_name);
}

static void
attempt(struct sim *s, uint64_t name, uint64_t now)
{
	struct mesh_leg *leg = leg_of(s, name);
	const struct membership_member *m =
	    &leg->view->membership->member[leg->plan.step[leg->step].member];
	cluster_node to = node_of(m);
	(void)now;
	if (m->own)
		sim_after(s, leg->node, 100 + sim_draw(s, SERVE_US), process, name);
	else if (sim_link(s, leg->node, to)->cut || sim_link(s, to, leg->node)->cut)
		sim_after(s, leg->node, CONNECT_US, give_up_connecting, name);
	else if (!sim_on(s, to))
		sim_after(s, leg->node, 300, be_refused, name);
	else
		hand_on(s, name, to);
}

/* A word from the node that it was handed to. */
static void
hear(struct sim *s, cluster_node n, uint64_t now, uint64_t argument, struct outbox *out)
{
	enum word word = (enum word)(argument & 3);
	uint64_t name = argument >> 2;
	const struct mesh_leg *child = leg_of(s, name);
	uint64_t parent = name - name % MESH_LEGS_MAX + child->parent;
	struct node *node = sim_state(s, n);
	(void)out;
	if (!is_mine(s, parent, n) || leg_of(s, parent)->child != name % MESH_LEGS_MAX)
		return;
	struct mesh_leg *leg = leg_of(s, parent);
	leg->child = NO_LEG;
	if (word != WORD_BACK)
		say(s, parent, word);
	else
		go_on(s, parent, now, REASON_DOWN);
	(void)node;
}

/* ---- the decision -----------------------------------------------------------------------------
 */

static void
find_session(struct sim *s, const struct mesh_request *r, struct mesh_leg *leg)
{
	const struct mesh_world *w = sim_world(s);
	const struct mesh_key *key = &w->key[r->key];
	const struct membership *m = leg->view->membership;
	leg->session = (struct plan_session){.digest = key->digest,
					     .primary = MEMBER_NONE,
					     .last = MEMBER_NONE,
					     .fresh = !key->tagged};
	if (key->tagged) {
		leg->session.primary = membership_by_id(m, slice_of(ids[key->primary]));
		leg->session.last = membership_by_id(m, slice_of(ids[key->last]));
	} else if (leg->hopped) {
		leg->session.primary = membership_by_id(m, leg->hop.primary);
	}
	const struct assign_inputs in = {
	    .method = ASSIGN_ORDERING, .digest = key->digest, .view = leg->view};
	if (leg->session.primary == MEMBER_NONE)
		leg->session.primary = assign_primary(&in);
}

/* The same rule in words of its own: of the whole plan the first that is here, or behind a node
 * that did not have it; when there is none, the member beside this node. */
static void
check_own_decision(struct sim *s, const struct mesh_leg *leg, const struct plan *whole)
{
	const struct membership *m = leg->view->membership;
	bool last = leg->hopped && leg->hop.path_count + 1 >= MESH_HOPS_MAX;
	uint32_t want = MEMBER_NONE;
	for (uint32_t i = 0; i < whole->step_count && want == MEMBER_NONE; i++) {
		cluster_node at = node_of(&m->member[whole->step[i].member]);
		bool visited = false;
		for (size_t j = 0; leg->hopped && j < leg->hop.path_count; j++)
			visited |= leg->hop.path[j] == at;
		if (at == leg->node || (!visited && !last))
			want = whole->step[i].member;
	}
	for (uint32_t i = 0; i < m->count && want == MEMBER_NONE; i++) {
		if (m->member[i].own && view_is_operational(leg->view, i))
			want = i;
	}
	uint32_t got = leg->plan.step_count > 0 ? leg->plan.step[0].member : MEMBER_NONE;
	if (got != want)
		sim_fail(s, "node %s sends to %s, its own view says %s", ids[leg->node],
			 got == MEMBER_NONE ? "nobody" : m->member[got].id,
			 want == MEMBER_NONE ? "nobody" : m->member[want].id);
}

static void
compare_views(struct node *node, const struct mesh_leg *leg, uint64_t now)
{
	const struct view *view = leg->view;
	if (onward_compare(&leg->hop, view, leg->session.primary) == ONWARD_EVIDENCE)
		pool_evidence(node->pool, view->membership->member[leg->session.primary].live,
			      EVIDENCE_LIVE_FAILED, REASON_DOWN, now);
}

static void
decide(struct sim *s, uint64_t name, uint64_t now)
{
	struct mesh_leg *leg = leg_of(s, name);
	struct node *node = sim_state(s, leg->node);
	const struct plan_rules r = rules(s);
	const struct hop *hop = leg->hopped ? &leg->hop : NULL;
	struct plan_way way = onward_way(hop, leg->node, MESH_HOPS_MAX);
	if (hop != NULL && hop->epoch > leg->view->membership->epoch &&
	    (leg->behind_until == 0 || now < leg->behind_until))
		sim_fail(s, "node %s decides with epoch %llu what came with %llu", ids[leg->node],
			 (unsigned long long)leg->view->membership->epoch,
			 (unsigned long long)hop->epoch);
	find_session(s, request_of(s, name), leg);
	plan_make(&r, &leg->session, leg->view, &leg->plan);
	struct plan whole = leg->plan;
	if (hop != NULL) {
		compare_views(node, leg, now);
		leg->returns = onward_may_return(hop, leg->view, &way, &leg->plan);
	}
	if (onward_goes_back(hop, leg->view, &way, &leg->plan)) {
		say(s, name, WORD_BACK);
		return;
	}
	onward_restrict(hop, &r, &leg->session, leg->view, &way, &leg->plan);
	check_own_decision(s, leg, &whole);
	leg->step = 0;
	if (leg->plan.step_count == 0)
		say(s, name, leg->returns ? WORD_BACK : WORD_ERROR);
	else
		attempt(s, name, now);
}

static void
look_again(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out)
{
	struct mesh_leg *leg = leg_of(s, name);
	struct node *node = sim_state(s, n);
	(void)out;
	if (!is_mine(s, name, n))
		return;
	view_unref(&leg->view);
	leg->view = pool_view(node->pool);
	if (onward_is_behind(&leg->hop, leg->view) && now < leg->behind_until)
		sim_after(s, n, ROUND_US, look_again, name);
	else
		decide(s, name, now);
}

static void
check_path(struct sim *s, const struct mesh_leg *leg)
{
	if (leg->hop.path_count >= MESH_HOPS_MAX)
		sim_fail(s, "%zu nodes had it before %s", leg->hop.path_count, ids[leg->node]);
	for (size_t i = 0; i < leg->hop.path_count; i++) {
		if (leg->hop.path[i] == leg->node)
			sim_fail(s, "node %s has it again", ids[leg->node]);
	}
}

static void
arrive(struct sim *s, cluster_node n, uint64_t now, uint64_t name, struct outbox *out)
{
	struct mesh_leg *leg = leg_of(s, name);
	struct node *node = sim_state(s, n);
	(void)out;
	if (!is_mine(s, name, n))
		return;
	leg->view = pool_view(node->pool);
	sim_note(s, n, "# request %llu of key %zu comes, with epoch %llu",
		 (unsigned long long)(name / MESH_LEGS_MAX), request_of(s, name)->key,
		 (unsigned long long)leg->hop.epoch);
	if (leg->hopped)
		check_path(s, leg);
	if (!leg->hopped || !onward_is_behind(&leg->hop, leg->view)) {
		decide(s, name, now);
		return;
	}
	((struct mesh_world *)sim_world(s))->behind++;
	epochs_heard(&node->epochs, now, leg->hop.path[leg->hop.path_count - 1], leg->hop.epoch);
	leg->behind_until = now + MESH_BEHIND_MS;
	sim_after(s, n, ROUND_US, look_again, name);
}

/* ---- clients ----------------------------------------------------------------------------------
 */

static void
lose_patience(struct sim *s, uint64_t number)
{
	struct mesh_world *w = sim_world(s);
	end_request(s, &w->request[number], MESH_NO_WORD);
}

void
mesh_ask(struct sim *s)
{
	struct mesh_world *w = sim_world(s);
	cluster_node entry = (cluster_node)sim_draw(s, MESH_NODES);
	size_t key = sim_draw(s, MESH_KEYS);
	if (w->key[key].busy || !sim_on(s, entry) || w->requests == MESH_REQUESTS_MAX) {
		w->not_begun++;
		return;
	}
	uint64_t number = w->requests++;
	struct mesh_request *r = &w->request[number];
	r->key = key;
	r->entry = entry;
	r->home = NODE_NONE;
	if (w->key[key].tagged)
		r->home = w->failback == FAILBACK_STAY ? w->key[key].last : w->key[key].primary;
	r->begun_us = sim_now_us(s);
	r->leg_count = 1;
	w->key[key].busy = true;
	begin_leg(s, name_of(number, 0), entry)->parent = NO_LEG;
	sim_after(s, entry, 100, arrive, name_of(number, 0));
	sim_at(s, MESH_PATIENCE_US, lose_patience, number);
}

/* ---- the program ------------------------------------------------------------------------------
 */

static void
boot(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct node *node = sim_state(s, n);
	const struct disk *disk = sim_disk(s, n);
	const struct epoch_host host = {.self = node,
					.read = host_read,
					.make = host_make,
					.adopt = host_adopt,
					.fetch = host_fetch,
					.done = host_done};
	struct mesh_roster roster = roster_of(disk->document);
	const struct claim master = {1, MASTER};
	node->sim = s;
	node->self = n;
	struct config_service service = service_of(node, &roster);
	if (pool_create(&service, no_tls, 1, &node->pool, NULL) != RESULT_OK)
		abort();
	epochs_init(&node->epochs, sim_nodes(s, n), &host, NULL, disk->document, &disk->version,
		    sim_draw(s, UINT64_MAX));
	epochs_master(&node->epochs, now, &master, out);
	node->probe_at = now + sim_draw(s, MESH_PROBE_MS);
}

static void
receive(struct sim *s, cluster_node n, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct node *node = sim_state(s, n);
	epochs_heard(&node->epochs, now, in->from, in->epoch);
	(void)epochs_receive(&node->epochs, now, in, out);
}

static void
tick(struct sim *s, cluster_node n, uint64_t now, struct outbox *out)
{
	struct node *node = sim_state(s, n);
	epochs_tick(&node->epochs, now, out);
	if (now >= node->probe_at)
		probe(s, n, now);
}

static uint64_t
next(struct sim *s, cluster_node n)
{
	const struct node *node = sim_state(s, n);
	uint64_t epochs = epochs_next(&node->epochs);
	return epochs < node->probe_at ? epochs : node->probe_at;
}

static void
head(struct sim *s, cluster_node n, uint64_t *epoch, uint64_t *term)
{
	*epoch = mesh_epoch(s, n);
	*term = 1;
}

/* What it had under way is gone with it. */
static void
crashed(struct sim *s, cluster_node n)
{
	struct mesh_world *w = sim_world(s);
	struct node *node = sim_state(s, n);
	for (uint64_t i = 0; i < w->requests; i++) {
		for (size_t j = 0; j < w->request[i].leg_count; j++) {
			struct mesh_leg *leg = &w->request[i].leg[j];
			if (leg->node != n || leg->over)
				continue;
			leg->over = true;
			view_unref(&leg->view);
			if (leg->parent == NO_LEG) /* the connection breaks */
				end_request(s, &w->request[i], MESH_ERROR);
		}
	}
	epochs_deinit(&node->epochs);
	pool_unref(&node->pool);
}

const struct sim_program mesh_program = {
    .state_bytes = sizeof(struct node),
    .disk_bytes = sizeof(struct disk),
    .boot = boot,
    .receive = receive,
    .tick = tick,
    .next = next,
    .head = head,
    .crashed = crashed,
};

void
mesh_start(struct sim *s)
{
	static struct cluster_nodes nodes;
	struct mesh_world *w = sim_world(s);
	memset(&nodes, 0, sizeof(nodes));
	nodes.count = MESH_NODES;
	for (cluster_node n = 0; n < MESH_NODES; n++)
		nodes.node[n].id[0] = ids[n][0];
	if (!digest_init() || cluster_nodes_seal(&nodes, NULL) != RESULT_OK)
		abort();
	w->failback = sim_draw(s, 2) == 0 ? FAILBACK_STAY : FAILBACK_RETURN;
	for (size_t k = 0; k < MESH_KEYS; k++)
		for (size_t i = 0; i < DIGEST_BYTES; i++)
			w->key[k].digest.bytes[i] = (uint8_t)sim_draw(s, 256);
	sim_cluster(s, &nodes);
	for (cluster_node n = 0; n < MESH_NODES; n++)
		sim_boot(s, n);
}

void
mesh_end_run(struct sim *s)
{
	for (cluster_node n = 0; n < MESH_NODES; n++) {
		struct disk *disk = sim_disk(s, n);
		sim_crash(s, n);
		document_unref(&disk->document);
	}
}
