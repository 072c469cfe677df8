/* cluster_status.c: what the control plane says of itself; see admin/status_cluster.h. */
#include "node/cluster.h"

#include "admin/status.h"
#include "base/clock.h"

static const char *
address_text(struct status *out, const struct addr *address)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, address);
	return status_text(out, writer_text(&w));
}

static void
read_node(const struct plane *plane, cluster_node i, uint64_t now, struct status_node *to)
{
	const struct cluster_member *node = &plane->nodes->node[i];
	const struct election_peer *peer = &plane->election.peer[i];
	to->rank = node->rank;
	to->voter = node->voter;
	to->self = i == plane->nodes->self;
	to->fit = to->self ? plane->election.fit : peer->fit;
	to->round_trip_ms = delays_between(&plane->election.delays, plane->nodes->self, i);
	to->heard_ms = STATUS_NEVER;
	if (to->self)
		to->heard_ms = 0;
	else if (peer->heard_at != CLUSTER_NEVER)
		to->heard_ms = now - peer->heard_at;
}

static enum result
read_nodes(const struct node *n, struct status *out, struct status_cluster *to)
{
	const struct plane *plane = cluster_plane(n->cluster->live);
	const struct config_cluster *config = &n->services->config->cluster;
	to->node = status_alloc(out, (plane->nodes->count + 1) * sizeof(*to->node));
	if (to->node == NULL)
		return RESULT_NO_MEMORY;
	for (cluster_node i = 0; i < plane->nodes->count; i++) {
		struct status_node *node = &to->node[i];
		read_node(plane, i, cluster_now(), node);
		node->id = status_text(out, plane->nodes->node[i].id);
		node->address = address_text(out, &plane->nodes->node[i].address);
		for (size_t k = 0; k < config->node_count; k++) {
			if (strcmp(config->nodes[k].id, plane->nodes->node[i].id) == 0)
				node->http = address_text(out, &config->nodes[k].http);
		}
		to->node_count++;
	}
	return RESULT_OK;
}

/* ---- counters ---------------------------------------------------------------------------------
 */

struct counting {
	struct status *out;
	struct status_count *list; /* NULL: no memory */
	size_t count;
	size_t room;
};

static struct counting
counting_begin(struct status *out, size_t room)
{
	return (struct counting){out, status_alloc(out, room * sizeof(struct status_count)), 0,
				 room};
}

static void
add(struct counting *c, const char *name, uint64_t count)
{
	if (c->list != NULL && c->count < c->room)
		c->list[c->count++] = (struct status_count){name, count};
}

/* "heartbeat" */
static const char *
type_name(struct status *out, uint8_t type)
{
	char text[ID_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	for (const char *at = datagram_type_text(type); *at != '\0'; at++)
		write_char(&w, ascii_lower(*at));
	return status_text(out, writer_text(&w));
}

/* Types of which there were any. */
static void
read_types(struct status *out, const uint64_t counts[PLANE_TYPES], struct status_count **list,
	   size_t *count)
{
	static const uint8_t types[] = {
#define DATAGRAM(name, number, help) (number),
#include "tbl/datagrams.h"
#undef DATAGRAM
	};
	struct counting c = counting_begin(out, sizeof(types));
	for (size_t i = 0; i < sizeof(types); i++) {
		if (counts[types[i]] > 0)
			add(&c, type_name(out, types[i]), counts[types[i]]);
	}
	*list = c.list;
	*count = c.count;
}

static void
read_drops(struct status *out, struct cluster *live, struct status_cluster *to)
{
	const struct plane *plane = cluster_plane(live);
	struct counting c = counting_begin(out, DATAGRAM_DROPS + 3);
	for (size_t i = 0; i < DATAGRAM_DROPS; i++)
		add(&c, datagram_drop_text((enum datagram_drop)i), plane->codec.dropped[i]);
	add(&c, "unknown_type", plane->unknown);
	add(&c, "outbox_full", plane->out.lost);
	add(&c, "unsent", cluster_counted(live)->unsent);
	to->dropped = c.list;
	to->dropped_count = c.count;
}

/* What an election costs: what was said of who is master, to each node once. */
static uint64_t
election_messages(const struct plane *plane)
{
	static const uint8_t types[] = {DATAGRAM_SUSPECT, DATAGRAM_REFUTE, DATAGRAM_DECLARE,
					DATAGRAM_REVOKE, DATAGRAM_INVITE};
	uint64_t sum = 0;
	for (size_t i = 0; i < sizeof(types); i++)
		sum += plane->sent[types[i]];
	return sum;
}

static void
read_election(struct status *out, const struct plane *plane, struct status_cluster *to)
{
	const struct election_counts *counts = &plane->election.counts;
	struct counting c = counting_begin(out, 9);
	add(&c, "suspected", counts->suspected);
	add(&c, "refuted", counts->refuted);
	add(&c, "stood", counts->stood);
	add(&c, "won", counts->won);
	add(&c, "contested", counts->contested);
	add(&c, "revoked", counts->revoked);
	add(&c, "searches", plane->ask.searches);
	add(&c, "verified", plane->ask.verified);
	add(&c, "messages", election_messages(plane));
	to->election = c.list;
	to->election_count = c.count;
}

/* ---- all --------------------------------------------------------------------------------------
 */

static void
read_master(struct status *out, const struct plane *plane, struct status_cluster *to)
{
	uint64_t now = cluster_now();
	to->state = election_state_text(plane->election.state);
	to->fit = plane->election.fit;
	if (plane->master.node != NODE_NONE)
		to->master = status_text(out, plane->nodes->node[plane->master.node].id);
	to->term = plane->master.term;
	to->term_seen = election_term(&plane->election);
	to->epoch = plane->epoch;
	to->boot = plane->codec.incarnation;
	to->master_ms = now - plane->master_since;
	uint32_t age_ms = election_evidence_age(&plane->election, now);
	to->evidence_ms = age_ms == UINT32_MAX ? STATUS_NEVER : age_ms;
	to->longest_wait_ms = election_longest_wait(&plane->election);
}

/* "votes", "stopped": why, ... */
static void
read_voter(struct status *out, const struct node_cluster *c, struct status_cluster *to)
{
	const struct voter *v = c->engine != NULL ? embedded_live_voter(c->engine) : NULL;
	if (v == NULL)
		return;
	to->voter = voter_status_text(v->status);
	if (v->status == VOTER_STOPPED)
		to->voter_problem = status_text(out, v->problem.text);
}

enum result
node_cluster_status(struct node *n, struct status *out)
{
	if (n->cluster == NULL || n->cluster->live == NULL)
		return RESULT_OK;
	struct cluster *live = n->cluster->live;
	const struct plane *plane = cluster_plane(live);
	const struct config_cluster *config = &n->services->config->cluster;
	struct status_cluster *to = status_alloc(out, sizeof(*to));
	if (to == NULL)
		return RESULT_NO_MEMORY;
	bool lease = plane->election.rules.safety == ELECTION_LEASE;
	to->name = status_text(out, config->name);
	to->self = status_text(out, plane->nodes->node[plane->nodes->self].id);
	to->safety = lease ? "lease" : "advisory";
	to->engine = !lease                     ? NULL
		     : n->cluster->etcd != NULL ? "etcd"
		     : n->cluster->disk != NULL ? "disk"
						: "embedded";
	read_master(out, plane, to);
	read_voter(out, n->cluster, to);
	read_types(out, plane->received, &to->received, &to->received_count);
	read_types(out, plane->sent, &to->sent, &to->sent_count);
	read_drops(out, live, to);
	read_election(out, plane, to);
	out->cluster = to;
	return read_nodes(n, out, to);
}
