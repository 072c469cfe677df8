/*
 * status_json.c: see status_json.h. Written out directly: with a thousand members a tree of values
 * takes several times as long, and where memory ends, a tree silently lacks a branch.
 */
#include "admin/status_json.h"

#include "admin/json_put.h"
#include "admin/status_cluster.h"
#include "affinity/tag.h"
#include "hashring.h"

#include <inttypes.h>

/* ---- counters ---------------------------------------------------------------------------------
 */

static void
put_causes(struct grow *out, const struct tally_sum *t)
{
	put_json_key(out, "by_cause");
	grow_text(out, "{");
	for (size_t i = 0; i < CAUSES; i++) {
		if (t->cause[i] > 0)
			put_json_count(out, cause_table[i].text, t->cause[i]);
	}
	grow_text(out, "}");
}

static void
put_affinities(struct grow *out, const struct tally_sum *t)
{
	put_json_key(out, "by_affinity");
	grow_text(out, "{");
	for (size_t i = 0; i < AFFINITIES; i++)
		put_json_count(out, affinity_text((enum affinity)i), t->affinity[i]);
	grow_text(out, "}");
}

static void
put_classes(struct grow *out, const struct tally_sum *t)
{
	static const char *const names[TALLY_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
	put_json_key(out, "by_status");
	grow_text(out, "{");
	for (size_t i = 0; i < TALLY_CLASSES; i++)
		put_json_count(out, names[i], t->class[i]);
	grow_text(out, "}");
}

static void
put_rejections(struct grow *out, const struct tally_sum *t)
{
	put_json_key(out, "tags_rejected");
	grow_text(out, "{");
	for (size_t i = TAG_NONE + 1; i < TAG_REJECTIONS; i++) {
		if (t->rejected[i] > 0)
			put_json_count(out, tag_rejection_text((enum tag_rejection)i),
				       t->rejected[i]);
	}
	grow_text(out, "}");
}

/* Only what is not 0: most services hold no races, and ask no master. */
static void
put_races(struct grow *out, const struct tally_sum *t)
{
	put_json_key(out, "races");
	grow_text(out, "{");
	for (size_t i = 0; i < RACE_COUNTS; i++) {
		if (t->races[i] > 0)
			put_json_count(out, race_count_text((enum race_count)i), t->races[i]);
	}
	grow_text(out, "}");
	put_json_key(out, "mirror");
	grow_text(out, "{");
	for (size_t i = 0; i < MIRRORS; i++) {
		if (t->mirrors[i] > 0)
			put_json_count(out, mirror_text((enum mirror_count)i), t->mirrors[i]);
	}
	grow_text(out, "}");
	put_json_key(out, "placements");
	grow_text(out, "{");
	for (size_t i = 0; i < PLACEMENTS; i++) {
		if (t->placements[i] > 0)
			put_json_count(out, placement_text((enum placement_count)i),
				       t->placements[i]);
	}
	grow_text(out, "}");
	put_json_key(out, "tickets");
	grow_text(out, "{");
	for (size_t i = 0; i < TICKET_REJECTIONS; i++) {
		const char *name =
		    i == TICKET_NONE ? "opened" : ticket_rejection_text((enum ticket_rejection)i);
		if (t->tickets[i] > 0)
			put_json_count(out, name, t->tickets[i]);
	}
	grow_text(out, "}");
}

/* Mean duration of the requests that are in a histogram. */
static void
put_mean(struct grow *out, const struct status_latencies *latencies)
{
	struct latency_sum all = status_latency_all(latencies);
	put_json_key(out, "mean_ms");
	if (all.count > 0)
		grow_format(out, "%.3f", (double)all.sum_us / (double)all.count / 1000);
	else
		grow_text(out, "null");
}

static void
put_requests(struct grow *out, const char *name, const struct tally_sum *t,
	     const struct status_latencies *latencies)
{
	uint64_t total = 0;
	for (size_t i = 0; i < CAUSES; i++)
		total += t->cause[i];
	put_json_key(out, name);
	grow_text(out, "{");
	put_json_count(out, "total", total);
	put_causes(out, t);
	put_affinities(out, t);
	put_classes(out, t);
	put_json_count(out, "retries", t->retries);
	put_json_count(out, "retries_refused", t->retries_refused);
	put_json_count(out, "disagreements", t->disagreements);
	put_json_count(out, "bytes_in", t->bytes_in);
	put_json_count(out, "bytes_out", t->bytes_out);
	put_rejections(out, t);
	put_mean(out, latencies);
	grow_text(out, "}");
}

/* ---- members ----------------------------------------------------------------------------------
 */

static void
put_check(struct grow *out, const struct status_check *check, uint64_t wall_ms)
{
	put_json_key(out, "check");
	if (!check->any) {
		grow_text(out, "null");
		return;
	}
	grow_text(out, "{");
	put_json_bool(out, "well", check->well);
	put_json_text(out, "seen", check->seen);
	put_json_time(out, "at", wall_ms - check->ago_ms);
	grow_text(out, "}");
}

/* Hundredths. */
static void
put_share(struct grow *out, const char *name, uint32_t share)
{
	put_json_key(out, name);
	grow_format(out, "%" PRIu32 ".%02" PRIu32, share / 100, share % 100);
}

static void
put_history(struct grow *out, const struct status_history *h)
{
	put_json_key(out, "health");
	grow_text(out, "{");
	put_json_text(out, "history", h->last);
	put_json_count(out, "well", h->well);
	put_json_count(out, "failed", h->failed);
	put_json_text(out, "weight", h->weight);
	put_json_count(out, "weights_refused", h->weights_refused);
	put_json_count(out, "slow_start_left_ms", h->slow_start_left_ms);
	put_json_count(out, "transitions", h->transitions);
	grow_text(out, "}");
}

static void
put_transitions(struct grow *out, const struct status_history *h, uint64_t wall_ms)
{
	put_json_key(out, "transitions");
	grow_text(out, "[");
	for (size_t i = 0; i < h->kept; i++) {
		const struct status_transition *t = &h->at[i];
		grow_text(out, i > 0 ? ",{" : "{");
		put_json_time(out, "at", wall_ms - t->ago_ms);
		put_json_text(out, "from", member_state_text(t->from));
		put_json_text(out, "to", member_state_text(t->to));
		put_json_text(out, "reason", reason_text(t->reason));
		grow_text(out, "}");
	}
	grow_text(out, "]");
}

static void
put_member(struct grow *out, const struct status_member *m, uint64_t wall_ms)
{
	grow_text(out, "{");
	put_json_text(out, "id", m->id);
	put_json_text(out, "origin", m->origin);
	put_json_text(out, "zone", m->zone);
	put_json_count(out, "weight", m->weight);
	put_json_text(out, "state", member_state_text(m->state));
	put_json_text(out, "reason", reason_text(m->reason));
	put_json_text(out, "order", m->order == MEMBER_UP ? NULL : member_state_text(m->order));
	put_json_time(out, "since", wall_ms - m->state_ms);
	put_json_count(out, "state_ms", m->state_ms);
	put_check(out, &m->check, wall_ms);
	put_json_count(out, "active", m->active);
	put_json_count(out, "connections_max", m->active_max);
	put_json_count(out, "waiting", m->waiting);
	put_json_count(out, "attempts", m->attempts);
	put_json_count(out, "failures", m->failures);
	put_share(out, "share", m->share);
	put_history(out, &m->history);
	put_transitions(out, &m->history, wall_ms);
	grow_text(out, "}");
}

static void
put_members(struct grow *out, const struct status_service *s, uint64_t wall_ms)
{
	put_json_key(out, "members");
	grow_text(out, "[");
	for (size_t i = 0; i < s->member_count; i++) {
		grow_text(out, i > 0 ? "," : "");
		put_member(out, &s->member[i], wall_ms);
	}
	grow_text(out, "]");
}

static void
put_service(struct grow *out, const struct status_service *s, uint64_t wall_ms, bool brief)
{
	char pool[2 * sizeof(uint64_t) + 1];
	struct writer w = writer_on(pool, sizeof(pool));
	write_format(&w, "%016" PRIx64, s->pool);
	grow_text(out, "{");
	put_json_text(out, "name", s->name);
	put_json_text(out, "pool", pool);
	put_requests(out, "requests", &s->tally, &s->latencies);
	put_races(out, &s->tally);
	if (!brief)
		put_members(out, s, wall_ms);
	grow_text(out, "}");
}

/* ---- all --------------------------------------------------------------------------------------
 */

static void
put_process(struct grow *out, const struct status_process *p)
{
	put_json_key(out, "process");
	grow_text(out, "{");
	put_json_count(out, "pid", (uint64_t)p->pid);
	put_json_count(out, "cpu_ms", p->cpu_ms);
	put_json_count(out, "resident_bytes", p->resident_bytes);
	put_json_count(out, "descriptors", p->descriptors);
	put_json_count(out, "descriptors_max", p->descriptors_max);
	put_json_text(out, "seccomp", p->seccomp);
	grow_text(out, "}");
}

static void
put_config(struct grow *out, const struct status *s)
{
	put_json_key(out, "config");
	grow_text(out, "{");
	put_json_text(out, "file", s->config_file);
	put_json_time(out, "loaded", s->wall_ms - s->config_ms);
	grow_text(out, "}");
}

static void
put_logs(struct grow *out, const struct status *s)
{
	put_json_key(out, "logs");
	grow_text(out, "{");
	put_json_count(out, "failover_lost", s->failover_lost);
	put_json_count(out, "access_lost", s->access_lost);
	put_json_count(out, "followers", s->followers);
	put_json_count(out, "followers_dropped", s->followers_dropped);
	put_json_count(out, "events_lost", s->events_lost);
	grow_text(out, "}");
}

static void
put_hops(struct grow *out, const struct status *s)
{
	put_json_key(out, "hops");
	grow_text(out, "{");
	for (size_t i = 0; i < s->hop_kinds; i++)
		put_json_count(out, s->hops[i].found, s->hops[i].count);
	grow_text(out, "}");
}

/* What this node answered in races. */
static void
put_race(struct grow *out, const struct status_race *r)
{
	put_json_key(out, "race");
	grow_text(out, "{");
	put_json_count(out, "offers", r->offers);
	put_json_key(out, "silent");
	grow_text(out, "{");
	for (size_t i = 0; i < RACE_SILENCES; i++) {
		if (r->silent[i] > 0)
			put_json_count(out, race_silence_text((enum race_silence)i), r->silent[i]);
	}
	grow_text(out, "}}");
}

static void
put_arrivals(struct grow *out, const struct status_arrivals *a)
{
	put_json_key(out, "arrivals");
	grow_text(out, "{");
	put_json_count(out, "handshakes", a->handshakes);
	put_json_count(out, "resumed", a->resumed);
	put_json_count(out, "tls_1_3", a->tls_1_3);
	put_json_count(out, "proxied", a->proxied);
	put_json_key(out, "ended");
	grow_text(out, "{");
	for (size_t i = 0; i < ARRIVAL_ENDS; i++)
		put_json_count(out, arrival_end_text((enum arrival_end)i), a->ended[i]);
	grow_text(out, "}}");
}

/* "a, b" as a list. */
static void
put_meanings(struct grow *out, const char *means)
{
	struct slice rest = slice_of(means);
	struct slice one;
	put_json_key(out, "addresses");
	grow_text(out, "[");
	for (bool first = true; slice_next_element(&rest, &one); first = false)
		grow_format(out, "%s\"%.*s\"", first ? "" : ",", SLICE_ARG(one));
	grow_text(out, "]");
}

static void
put_names(struct grow *out, const struct status *s)
{
	put_json_key(out, "names");
	grow_text(out, "[");
	for (size_t i = 0; i < s->name_count; i++) {
		const struct status_name *n = &s->name[i];
		grow_text(out, i > 0 ? ",{" : "{");
		put_json_text(out, "name", n->name);
		put_json_bool(out, "resolves", n->why == NULL);
		put_meanings(out, n->means);
		put_json_text(out, "why", n->why);
		put_json_count(out, "for_ms", n->for_ms);
		put_json_count(out, "failures", n->failures);
		grow_text(out, "}");
	}
	grow_text(out, "]");
}

static void
put_http2(struct grow *out, const struct http2_sum *h)
{
	put_json_key(out, "http2");
	grow_text(out, "{");
	put_json_count(out, "open", h->connections - h->ended_all);
	put_json_count(out, "connections", h->connections);
	put_json_count(out, "streams", h->streams);
	put_json_count(out, "tunnels", h->tunnels);
	put_json_count(out, "resets_received", h->resets_received);
	put_json_count(out, "resets_sent", h->resets_sent);
	put_json_count(out, "streams_slow", h->slow);
	put_json_key(out, "ended");
	grow_text(out, "{");
	for (size_t i = 0; i < HTTP2_ENDS; i++)
		put_json_count(out, http2_end_text((enum http2_end)i), h->ended[i]);
	grow_text(out, "}}");
}

static void
put_status(struct grow *out, const struct status *s, bool brief)
{
	grow_text(out, "{");
	put_json_text(out, "node", s->node);
	put_json_text(out, "version", s->version);
	put_json_count(out, "ordering_version", HASHRING_VERSION);
	put_json_count(out, "tag_version", TAG_VERSION);
	put_json_time(out, "time", s->wall_ms);
	put_json_time(out, "started", s->wall_ms - s->uptime_ms);
	put_json_count(out, "uptime_ms", s->uptime_ms);
	put_json_bool(out, "stopping", s->stopping);
	put_process(out, &s->process);
	put_config(out, s);
	if (s->cluster != NULL)
		status_cluster_json(s->cluster, s->wall_ms, out);
	put_json_count(out, "epoch", s->epoch);
	put_json_count(out, "workers", s->workers);
	put_json_count(out, "clients", s->clients);
	put_json_count(out, "crowded", s->crowded);
	put_arrivals(out, &s->arrivals);
	put_http2(out, &s->http2);
	put_hops(out, s);
	put_logs(out, s);
	put_race(out, &s->race);
	put_names(out, s);
	put_requests(out, "unrouted", &s->unrouted, &s->unrouted_latencies);
	put_json_key(out, "services");
	grow_text(out, "[");
	for (size_t i = 0; i < s->service_count; i++) {
		grow_text(out, i > 0 ? "," : "");
		put_service(out, &s->service[i], s->wall_ms, brief);
	}
	grow_text(out, "]}\n");
}

void
status_json(const struct status *s, struct grow *out)
{
	put_status(out, s, false);
}

void
status_json_brief(const struct status *s, struct grow *out)
{
	put_status(out, s, true);
}
