/* status_json.c: see status_json.h. */
#include "admin/status_json.h"

#include "base/clock.h"

#include <jansson.h>

/* json_object_set_new takes the value over, also when it fails: then the object lacks the key, and
 * the dump is refused by the check at the end. */
static void
set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

static void
set_count(json_t *object, const char *key, uint64_t count)
{
	set(object, key, json_integer((json_int_t)count));
}

/* NULL, and what is not UTF-8, as null. */
static void
set_text(json_t *object, const char *key, const char *text)
{
	json_t *value = text != NULL ? json_string(text) : NULL;
	set(object, key, value != NULL ? value : json_null());
}

static void
set_time(json_t *object, const char *key, uint64_t wall_ms)
{
	char text[32];
	struct writer w = writer_on(text, sizeof(text));
	write_timestamp(&w, wall_ms);
	set_text(object, key, writer_text(&w));
}

/* ---- counters ---------------------------------------------------------------------------------
 */

static json_t *
causes_json(const struct tally_sum *t)
{
	json_t *o = json_object();
	for (size_t i = 0; i < CAUSES; i++) {
		if (t->cause[i] > 0)
			set_count(o, cause_table[i].text, t->cause[i]);
	}
	return o;
}

static json_t *
affinities_json(const struct tally_sum *t)
{
	json_t *o = json_object();
	for (size_t i = 0; i < AFFINITIES; i++)
		set_count(o, affinity_text((enum affinity)i), t->affinity[i]);
	return o;
}

static json_t *
classes_json(const struct tally_sum *t)
{
	static const char *const names[TALLY_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
	json_t *o = json_object();
	for (size_t i = 0; i < TALLY_CLASSES; i++)
		set_count(o, names[i], t->class[i]);
	return o;
}

static json_t *
rejections_json(const struct tally_sum *t)
{
	json_t *o = json_object();
	for (size_t i = TAG_NONE + 1; i < TAG_REJECTIONS; i++) {
		if (t->rejected[i] > 0)
			set_count(o, tag_rejection_text((enum tag_rejection)i), t->rejected[i]);
	}
	return o;
}

static uint64_t
requests_of(const struct tally_sum *t)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < CAUSES; i++)
		sum += t->cause[i];
	return sum;
}

static json_t *
requests_json(const struct tally_sum *t)
{
	json_t *o = json_object();
	uint64_t timed = 0;
	for (size_t i = 0; i < TALLY_BUCKETS; i++)
		timed += t->bucket[i];
	set_count(o, "total", requests_of(t));
	set(o, "by_cause", causes_json(t));
	set(o, "by_affinity", affinities_json(t));
	set(o, "by_status", classes_json(t));
	set_count(o, "retries", t->retries);
	set_count(o, "bytes_in", t->bytes_in);
	set_count(o, "bytes_out", t->bytes_out);
	set(o, "tags_rejected", rejections_json(t));
	set(o, "mean_ms",
	    timed > 0 ? json_real((double)t->duration_us / (double)timed / 1000) : json_null());
	return o;
}

/* ---- members ----------------------------------------------------------------------------------
 */

static json_t *
check_json(const struct status_check *check, uint64_t wall_ms)
{
	if (!check->any)
		return json_null();
	json_t *o = json_object();
	set(o, "well", json_boolean(check->well));
	set_text(o, "seen", check->seen);
	set_time(o, "at", wall_ms - check->ago_ms);
	return o;
}

static json_t *
member_json(const struct status_member *m, uint64_t wall_ms)
{
	json_t *o = json_object();
	set_text(o, "id", m->id);
	set_text(o, "origin", m->origin);
	set_text(o, "zone", m->zone);
	set_count(o, "weight", m->weight);
	set_text(o, "state", member_state_text(m->state));
	set_text(o, "reason", reason_text(m->reason));
	set_text(o, "order", m->order == MEMBER_UP ? NULL : member_state_text(m->order));
	set_time(o, "since", wall_ms - m->state_ms);
	set_count(o, "state_ms", m->state_ms);
	set(o, "check", check_json(&m->check, wall_ms));
	set_count(o, "active", m->active);
	set_count(o, "attempts", m->attempts);
	set_count(o, "failures", m->failures);
	return o;
}

static json_t *
service_json(const struct status_service *s, uint64_t wall_ms)
{
	char pool[2 * sizeof(uint64_t) + 1];
	json_t *o = json_object();
	json_t *members = json_array();
	(void)snprintf(pool, sizeof(pool), "%016llx", (unsigned long long)s->pool);
	for (size_t i = 0; i < s->member_count; i++)
		(void)json_array_append_new(members, member_json(&s->member[i], wall_ms));
	set_text(o, "name", s->name);
	set_text(o, "pool", pool);
	set(o, "requests", requests_json(&s->tally));
	set(o, "members", members);
	return o;
}

/* ---- all --------------------------------------------------------------------------------------
 */

static json_t *
process_json(const struct status_process *p)
{
	json_t *o = json_object();
	set_count(o, "pid", (uint64_t)p->pid);
	set_count(o, "cpu_ms", p->cpu_ms);
	set_count(o, "resident_bytes", p->resident_bytes);
	set_count(o, "descriptors", p->descriptors);
	set_count(o, "descriptors_max", p->descriptors_max);
	return o;
}

static json_t *
config_json(const struct status *s)
{
	json_t *o = json_object();
	set_text(o, "file", s->config_file);
	set_time(o, "loaded", s->wall_ms - s->config_ms);
	return o;
}

static json_t *
logs_json(const struct status *s)
{
	json_t *o = json_object();
	set_count(o, "failover_lost", s->failover_lost);
	set_count(o, "access_lost", s->access_lost);
	set_count(o, "followers", s->followers);
	set_count(o, "followers_dropped", s->followers_dropped);
	set_count(o, "events_lost", s->events_lost);
	return o;
}

static int
put(const char *at, size_t bytes, void *context)
{
	struct grow *out = context;
	grow_bytes(out, at, bytes);
	return out->failed ? -1 : 0;
}

void
status_json(const struct status *s, struct grow *out)
{
	json_t *o = json_object();
	json_t *services = json_array();
	for (size_t i = 0; i < s->service_count; i++)
		(void)json_array_append_new(services, service_json(&s->service[i], s->wall_ms));
	set_text(o, "node", s->node);
	set_text(o, "version", s->version);
	set_time(o, "time", s->wall_ms);
	set_time(o, "started", s->wall_ms - s->uptime_ms);
	set_count(o, "uptime_ms", s->uptime_ms);
	set(o, "stopping", json_boolean(s->stopping));
	set(o, "process", process_json(&s->process));
	set(o, "config", config_json(s));
	set_count(o, "workers", s->workers);
	set_count(o, "clients", s->clients);
	set(o, "logs", logs_json(s));
	set(o, "unrouted", requests_json(&s->unrouted));
	set(o, "services", services);
	if (o == NULL || json_dump_callback(o, put, out, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
		out->failed = true;
	json_decref(o);
	grow_text(out, "\n");
}
