/* placement.c: see placement.h. */
#include "node/placement.h"

#include "base/clock.h"
#include "cluster/place_wire.h"
#include "node/cluster.h"
#include "node/race.h"
#include "route/assign.h"

/* NULL: it is not placed by a master. */
static struct service *
service_named(const struct node *n, const char *name)
{
	struct service *s = services_find(n->services, slice_of(name));
	return s != NULL && s->config->assign == ASSIGN_MASTER ? s : NULL;
}

static void
place(struct service *s, struct place_answer *answer)
{
	struct view *view = pool_view(s->pool);
	const struct assign_inputs in = {
	    .method = ASSIGN_ROUND_ROBIN,
	    .view = view,
	    .turn = atomic_fetch_add_explicit(&s->turn, 1, memory_order_relaxed),
	    .now_ms = clock_ms(),
	};
	uint32_t member = assign_primary(&in);
	if (member != MEMBER_NONE)
		answer->member = view->membership->member[member].alias;
	view_unref(&view);
}

bool
node_placement_hear(struct node *n, const struct addr *from, const uint8_t *bytes, size_t count)
{
	struct place_question question;
	struct place_answer answer = {.member = 0};
	uint8_t out[RACE_DATAGRAM_BYTES_MAX];
	if (!place_is_datagram(bytes, count))
		return false;
	const struct race_seal *seal = n->services->seal;
	if (seal == NULL || !place_read_question(seal, bytes, count, &question))
		return true; /* a forger's, or of a node with another configuration: silence */
	const struct plane *plane = cluster_plane(n->cluster->live);
	struct service *s = service_named(n, question.service);
	memcpy(answer.tag, question.tag, RACE_TAG_BYTES);
	if (plane->master.node == plane->nodes->self && s != NULL) {
		answer.term = plane->master.term;
		place(s, &answer);
	}
	node_race_send(n, from, out, place_write_answer(seal, &answer, out));
	return true;
}
