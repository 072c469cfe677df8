/*
 * status_json.c: see status_json.h. Written out directly: with a thousand members a tree of values
 * takes several times as long, and where memory ends, a tree silently lacks a branch.
 */
#include "admin/status_json.h"

#include "base/clock.h"

#include <inttypes.h>

/* ---- values -----------------------------------------------------------------------------------
 */

/* "name": with a comma before it, unless it is the first in its object. */
static void
key(struct grow *out, const char *name)
{
	bool first = out->bytes > 0 && out->at[out->bytes - 1] == '{';
	grow_text(out, first ? "\"" : ",\"");
	grow_text(out, name);
	grow_text(out, "\":");
}

static void
put_count(struct grow *out, const char *name, uint64_t count)
{
	key(out, name);
	grow_u64(out, count);
}

static void
put_bool(struct grow *out, const char *name, bool value)
{
	key(out, name);
	grow_text(out, value ? "true" : "false");
}

/* In pieces, so that it may have any length. NULL: null. */
static void
put_text(struct grow *out, const char *name, const char *text)
{
	key(out, name);
	if (text == NULL) {
		grow_text(out, "null");
		return;
	}
	grow_text(out, "\"");
	for (const char *at = text; *at != '\0'; at++) {
		bool plain = *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\';
		if (plain)
			grow_bytes(out, at, 1);
		else
			grow_format(out, "\\u%04x", (unsigned)(unsigned char)*at);
	}
	grow_text(out, "\"");
}

static void
put_time(struct grow *out, const char *name, uint64_t wall_ms)
{
	char text[32];
	struct writer w = writer_on(text, sizeof(text));
	write_timestamp(&w, wall_ms);
	put_text(out, name, writer_text(&w));
}

/* ---- counters ---------------------------------------------------------------------------------
 */

static void
put_causes(struct grow *out, const struct tally_sum *t)
{
	key(out, "by_cause");
	grow_text(out, "{");
	for (size_t i = 0; i < CAUSES; i++) {
		if (t->cause[i] > 0)
			put_count(out, cause_table[i].text, t->cause[i]);
	}
	grow_text(out, "}");
}

static void
put_affinities(struct grow *out, const struct tally_sum *t)
{
	key(out, "by_affinity");
	grow_text(out, "{");
	for (size_t i = 0; i < AFFINITIES; i++)
		put_count(out, affinity_text((enum affinity)i), t->affinity[i]);
	grow_text(out, "}");
}

static void
put_classes(struct grow *out, const struct tally_sum *t)
{
	static const char *const names[TALLY_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
	key(out, "by_status");
	grow_text(out, "{");
	for (size_t i = 0; i < TALLY_CLASSES; i++)
		put_count(out, names[i], t->class[i]);
	grow_text(out, "}");
}

static void
put_rejections(struct grow *out, const struct tally_sum *t)
{
	key(out, "tags_rejected");
	grow_text(out, "{");
	for (size_t i = TAG_NONE + 1; i < TAG_REJECTIONS; i++) {
		if (t->rejected[i] > 0)
			put_count(out, tag_rejection_text((enum tag_rejection)i), t->rejected[i]);
	}
	grow_text(out, "}");
}

/* Mean duration of the requests that are in a bucket. */
static void
put_mean(struct grow *out, const struct tally_sum *t)
{
	uint64_t timed = 0;
	for (size_t i = 0; i < TALLY_BUCKETS; i++)
		timed += t->bucket[i];
	key(out, "mean_ms");
	if (timed > 0)
		grow_format(out, "%.3f", (double)t->duration_us / (double)timed / 1000);
	else
		grow_text(out, "null");
}

static void
put_requests(struct grow *out, const char *name, const struct tally_sum *t)
{
	uint64_t total = 0;
	for (size_t i = 0; i < CAUSES; i++)
		total += t->cause[i];
	key(out, name);
	grow_text(out, "{");
	put_count(out, "total", total);
	put_causes(out, t);
	put_affinities(out, t);
	put_classes(out, t);
	put_count(out, "retries", t->retries);
	put_count(out, "retries_refused", t->retries_refused);
	put_count(out, "bytes_in", t->bytes_in);
	put_count(out, "bytes_out", t->bytes_out);
	put_rejections(out, t);
	put_mean(out, t);
	grow_text(out, "}");
}

/* ---- members ----------------------------------------------------------------------------------
 */

static void
put_check(struct grow *out, const struct status_check *check, uint64_t wall_ms)
{
	key(out, "check");
	if (!check->any) {
		grow_text(out, "null");
		return;
	}
	grow_text(out, "{");
	put_bool(out, "well", check->well);
	put_text(out, "seen", check->seen);
	put_time(out, "at", wall_ms - check->ago_ms);
	grow_text(out, "}");
}

static void
put_member(struct grow *out, const struct status_member *m, uint64_t wall_ms)
{
	grow_text(out, "{");
	put_text(out, "id", m->id);
	put_text(out, "origin", m->origin);
	put_text(out, "zone", m->zone);
	put_count(out, "weight", m->weight);
	put_text(out, "state", member_state_text(m->state));
	put_text(out, "reason", reason_text(m->reason));
	put_text(out, "order", m->order == MEMBER_UP ? NULL : member_state_text(m->order));
	put_time(out, "since", wall_ms - m->state_ms);
	put_count(out, "state_ms", m->state_ms);
	put_check(out, &m->check, wall_ms);
	put_count(out, "active", m->active);
	put_count(out, "connections_max", m->active_max);
	put_count(out, "waiting", m->waiting);
	put_count(out, "attempts", m->attempts);
	put_count(out, "failures", m->failures);
	grow_text(out, "}");
}

static void
put_service(struct grow *out, const struct status_service *s, uint64_t wall_ms)
{
	char pool[2 * sizeof(uint64_t) + 1];
	struct writer w = writer_on(pool, sizeof(pool));
	write_format(&w, "%016" PRIx64, s->pool);
	grow_text(out, "{");
	put_text(out, "name", s->name);
	put_text(out, "pool", pool);
	put_requests(out, "requests", &s->tally);
	key(out, "members");
	grow_text(out, "[");
	for (size_t i = 0; i < s->member_count; i++) {
		grow_text(out, i > 0 ? "," : "");
		put_member(out, &s->member[i], wall_ms);
	}
	grow_text(out, "]}");
}

/* ---- all --------------------------------------------------------------------------------------
 */

static void
put_process(struct grow *out, const struct status_process *p)
{
	key(out, "process");
	grow_text(out, "{");
	put_count(out, "pid", (uint64_t)p->pid);
	put_count(out, "cpu_ms", p->cpu_ms);
	put_count(out, "resident_bytes", p->resident_bytes);
	put_count(out, "descriptors", p->descriptors);
	put_count(out, "descriptors_max", p->descriptors_max);
	grow_text(out, "}");
}

static void
put_config(struct grow *out, const struct status *s)
{
	key(out, "config");
	grow_text(out, "{");
	put_text(out, "file", s->config_file);
	put_time(out, "loaded", s->wall_ms - s->config_ms);
	grow_text(out, "}");
}

static void
put_logs(struct grow *out, const struct status *s)
{
	key(out, "logs");
	grow_text(out, "{");
	put_count(out, "failover_lost", s->failover_lost);
	put_count(out, "access_lost", s->access_lost);
	put_count(out, "followers", s->followers);
	put_count(out, "followers_dropped", s->followers_dropped);
	put_count(out, "events_lost", s->events_lost);
	grow_text(out, "}");
}

static void
put_hops(struct grow *out, const struct status *s)
{
	key(out, "hops");
	grow_text(out, "{");
	for (size_t i = 0; i < s->hop_kinds; i++)
		put_count(out, s->hops[i].found, s->hops[i].count);
	grow_text(out, "}");
}

void
status_json(const struct status *s, struct grow *out)
{
	grow_text(out, "{");
	put_text(out, "node", s->node);
	put_text(out, "version", s->version);
	put_time(out, "time", s->wall_ms);
	put_time(out, "started", s->wall_ms - s->uptime_ms);
	put_count(out, "uptime_ms", s->uptime_ms);
	put_bool(out, "stopping", s->stopping);
	put_process(out, &s->process);
	put_config(out, s);
	put_count(out, "workers", s->workers);
	put_count(out, "clients", s->clients);
	put_count(out, "crowded", s->crowded);
	put_hops(out, s);
	put_logs(out, s);
	put_requests(out, "unrouted", &s->unrouted);
	key(out, "services");
	grow_text(out, "[");
	for (size_t i = 0; i < s->service_count; i++) {
		grow_text(out, i > 0 ? "," : "");
		put_service(out, &s->service[i], s->wall_ms);
	}
	grow_text(out, "]}\n");
}
