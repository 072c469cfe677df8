/* status_cluster.c: see status_cluster.h. */
#include "admin/status_cluster.h"

#include "admin/json_put.h"

static void
put_ms(struct grow *out, const char *name, uint64_t ms)
{
	if (ms != STATUS_NEVER) {
		put_json_count(out, name, ms);
		return;
	}
	put_json_key(out, name);
	grow_text(out, "null");
}

static void
put_node(struct grow *out, const struct status_node *n)
{
	grow_text(out, "{");
	put_json_text(out, "id", n->id);
	put_json_text(out, "address", n->address);
	put_json_text(out, "http", n->http);
	put_json_count(out, "rank", n->rank);
	put_json_bool(out, "voter", n->voter);
	put_json_bool(out, "self", n->self);
	put_json_bool(out, "fit", n->fit);
	put_ms(out, "heard_ms", n->heard_ms);
	put_ms(out, "round_trip_ms", n->round_trip_ms > 0 ? n->round_trip_ms : STATUS_NEVER);
	grow_text(out, "}");
}

static void
put_counts(struct grow *out, const char *name, const struct status_count *list, size_t count)
{
	put_json_key(out, name);
	grow_text(out, "{");
	for (size_t i = 0; i < count; i++)
		put_json_count(out, list[i].name, list[i].count);
	grow_text(out, "}");
}

void
status_cluster_json(const struct status_cluster *c, uint64_t wall_ms, struct grow *out)
{
	put_json_key(out, "cluster");
	grow_text(out, "{");
	put_json_text(out, "name", c->name);
	put_json_text(out, "self", c->self);
	put_json_text(out, "safety", c->safety);
	put_json_text(out, "engine", c->engine);
	put_json_text(out, "state", c->state);
	put_json_text(out, "voter", c->voter);
	put_json_text(out, "voter_problem", c->voter_problem);
	put_json_bool(out, "fit", c->fit);
	put_json_text(out, "master", c->master);
	put_json_count(out, "term", c->term);
	put_json_count(out, "term_seen", c->term_seen);
	put_json_count(out, "epoch", c->epoch);
	put_json_count(out, "boot", c->boot);
	put_json_time(out, "since", wall_ms - c->master_ms);
	put_json_count(out, "since_ms", c->master_ms);
	put_ms(out, "evidence_ms", c->evidence_ms);
	put_json_count(out, "longest_wait_ms", c->longest_wait_ms);
	put_json_key(out, "nodes");
	grow_text(out, "[");
	for (size_t i = 0; i < c->node_count; i++) {
		grow_text(out, i > 0 ? "," : "");
		put_node(out, &c->node[i]);
	}
	grow_text(out, "]");
	put_counts(out, "election", c->election, c->election_count);
	put_counts(out, "received", c->received, c->received_count);
	put_counts(out, "sent", c->sent, c->sent_count);
	put_counts(out, "dropped", c->dropped, c->dropped_count);
	grow_text(out, "}");
}
