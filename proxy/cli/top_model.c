/* top_model.c: see top_model.h. */
#include "cli/top_model.h"

#include "cli/member_text.h"
#include "vocab.h"

#include <math.h>
#include <stdlib.h>

/* ---- samples ----------------------------------------------------------------------------------
 */

void
top_sample_deinit(struct top_sample *s)
{
	json_decref(s->status);
	s->status = NULL;
	histograms_deinit(&s->latencies);
}

void
top_model_init(struct top_model *m)
{
	*m = (struct top_model){.cpu = NAN};
}

static void
forget_rows(struct top_model *m)
{
	free(m->service);
	free(m->member);
	m->service = NULL;
	m->member = NULL;
	m->service_count = 0;
	m->member_count = 0;
}

void
top_model_deinit(struct top_model *m)
{
	forget_rows(m);
	top_sample_deinit(&m->now);
	top_sample_deinit(&m->then);
	top_model_init(m);
}

static const char *
text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "-";
}

static uint64_t
count_at(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));
	return value > 0 ? (uint64_t)value : 0;
}

/* ---- rates ------------------------------------------------------------------------------------
 */

/* NAN: there was nothing before, or the counter began anew. */
static double
rate(const struct top_model *m, const json_t *before, uint64_t then, uint64_t now)
{
	if (m->seconds <= 0 || before == NULL || now < then)
		return NAN;
	return (double)(now - then) / m->seconds;
}

/* The object of a list whose `key` is `value`; where it stood before is tried first. */
static const json_t *
find_in(const json_t *list, size_t hint, const char *key, const char *value)
{
	const json_t *one = json_array_get(list, hint);
	if (one != NULL && strcmp(text_at(one, key), value) == 0)
		return one;
	size_t i;
	json_array_foreach(list, i, one)
	{
		if (strcmp(text_at(one, key), value) == 0)
			return one;
	}
	return NULL;
}

static void
set_latencies(const struct top_model *m, const char *service, const char *member,
	      struct top_rates *out, uint64_t *failovers, bool *known)
{
	const struct histogram *now = histograms_find(&m->now.latencies, service, member);
	const struct histogram *then =
	    m->seconds > 0 ? histograms_find(&m->then.latencies, service, member) : NULL;
	uint64_t before = then != NULL ? then->failovers : 0;
	out->p50_ms = m->seconds > 0 ? histogram_quantile(now, then, 0.50) * 1000 : NAN;
	out->p99_ms = m->seconds > 0 ? histogram_quantile(now, then, 0.99) * 1000 : NAN;
	*known = now != NULL && histogram_total(now) > 0;
	*failovers = now != NULL ? now->failovers : 0;
	out->failovers = m->seconds > 0 && *known && *failovers >= before
			     ? (double)(*failovers - before) / m->seconds
			     : NAN;
}

static void
set_service(const struct top_model *m, struct top_service *s, const json_t *before)
{
	const json_t *now = json_object_get(s->json, "requests");
	const json_t *then = json_object_get(before, "requests");
	const char *failover = affinity_text(AFFINITY_FAILOVER);
	bool known;
	uint64_t moved;
	set_latencies(m, s->name, "", &s->rates, &moved, &known);
	s->rates.requests = rate(m, then, count_at(then, "total"), count_at(now, "total"));
	s->rates.retries = rate(m, then, count_at(then, "retries"), count_at(now, "retries"));
	s->rates.failures = rate(m, then, errors_of(then), errors_of(now));
	s->rates.failovers = rate(m, then, count_at(json_object_get(then, "by_affinity"), failover),
				  count_at(json_object_get(now, "by_affinity"), failover));
}

static void
set_member(const struct top_model *m, struct top_member *one, const json_t *before)
{
	set_latencies(m, one->service, one->id, &one->rates, &one->failovers,
		      &one->failovers_known);
	one->rates.requests =
	    rate(m, before, count_at(before, "attempts"), count_at(one->json, "attempts"));
	one->rates.failures =
	    rate(m, before, count_at(before, "failures"), count_at(one->json, "failures"));
	one->rates.retries = NAN;
}

/* ---- rows -------------------------------------------------------------------------------------
 */

static bool
is_wanted(const json_t *service, const char *name)
{
	return name == NULL || strcmp(text_at(service, "name"), name) == 0;
}

static void
add_members(struct top_model *m, const struct top_service *s, const json_t *before)
{
	const json_t *then = json_object_get(before, "members");
	size_t i;
	const json_t *one;
	json_array_foreach(json_object_get(s->json, "members"), i, one)
	{
		struct top_member *member = &m->member[m->member_count++];
		*member = (struct top_member){.json = one,
					      .service = s->name,
					      .id = text_at(one, "id"),
					      .place = m->member_count};
		set_member(m, member, find_in(then, i, "id", member->id));
	}
}

static bool
make_rows(struct top_model *m, const char *wanted)
{
	const json_t *services = json_object_get(m->now.status, "services");
	const json_t *then = json_object_get(m->then.status, "services");
	size_t members = 0;
	size_t i;
	const json_t *s;
	json_array_foreach(services, i, s) members +=
	    json_array_size(json_object_get(s, "members"));
	forget_rows(m);
	m->service = calloc(json_array_size(services) + 1, sizeof(*m->service));
	m->member = calloc(members + 1, sizeof(*m->member));
	if (m->service == NULL || m->member == NULL)
		return false;
	json_array_foreach(services, i, s)
	{
		if (!is_wanted(s, wanted))
			continue;
		struct top_service *one = &m->service[m->service_count++];
		*one = (struct top_service){.json = s, .name = text_at(s, "name")};
		const json_t *before = find_in(then, i, "name", one->name);
		set_service(m, one, before);
		add_members(m, one, before);
	}
	return true;
}

/* The same process, and time went on. */
static void
compare(struct top_model *m)
{
	const json_t *now = json_object_get(m->now.status, "process");
	const json_t *then = json_object_get(m->then.status, "process");
	uint64_t at = count_at(m->now.status, "uptime_ms");
	uint64_t before = count_at(m->then.status, "uptime_ms");
	m->seconds = 0;
	m->cpu = NAN;
	if (m->then.status == NULL || count_at(now, "pid") != count_at(then, "pid") || at <= before)
		return;
	m->seconds = (double)(at - before) / 1000;
	m->cpu = rate(m, then, count_at(then, "cpu_ms"), count_at(now, "cpu_ms")) / 1000;
}

bool
top_model_take(struct top_model *m, struct top_sample *sample, const char *service)
{
	top_sample_deinit(&m->then);
	m->then = m->now;
	m->now = *sample;
	*sample = (struct top_sample){.status = NULL};
	histograms_init(&sample->latencies);
	compare(m);
	if (make_rows(m, service))
		return true;
	top_model_deinit(m);
	return false;
}

/* ---- sequence ---------------------------------------------------------------------------------
 */

const char *
top_sort_text(enum top_sort sort)
{
	static const char *const texts[TOP_SORTS] = {"configured", "state",     "load", "req/s",
						     "fail/s",     "failovers", "p99",  "name"};
	return texts[sort];
}

static double
state_weight(const struct top_member *m)
{
	static const enum member_state worst[] = {MEMBER_UP, MEMBER_DRAIN, MEMBER_MAINT,
						  MEMBER_SUSPECT, MEMBER_DOWN};
	for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++) {
		if (strcmp(text_at(m->json, "state"), member_state_text(worst[i])) == 0)
			return (double)i;
	}
	return 0;
}

static double
weight_of(const struct top_member *m, enum top_sort sort)
{
	switch (sort) {
	case TOP_SORT_STATE:
		return state_weight(m);
	case TOP_SORT_LOAD:
		return (double)count_at(m->json, "active");
	case TOP_SORT_REQUESTS:
		return m->rates.requests;
	case TOP_SORT_FAILURES:
		return m->rates.failures;
	case TOP_SORT_FAILOVERS:
		return (double)m->failovers;
	case TOP_SORT_LATENCY:
		return m->rates.p99_ms;
	default:
		return 0;
	}
}

struct sequence {
	enum top_sort sort;
	bool reverse;
};

/* What is not known stands last. */
static int
compare_weights(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a < b) - (a > b);
}

static int
compare_members(const void *one, const void *other, void *context)
{
	const struct top_member *a = one;
	const struct top_member *b = other;
	const struct sequence *s = context;
	int found = s->sort == TOP_SORT_NAME
			? strcmp(a->id, b->id)
			: compare_weights(weight_of(a, s->sort), weight_of(b, s->sort));
	if (found == 0)
		found = (a->place > b->place) - (a->place < b->place);
	return s->reverse ? -found : found;
}

void
top_model_sort(struct top_model *m, enum top_sort sort, bool reverse)
{
	struct sequence s = {sort, reverse};
	qsort_r(m->member, m->member_count, sizeof(*m->member), compare_members, &s);
}

/* ---- as JSON ----------------------------------------------------------------------------------
 */

static void
put_rate(json_t *o, const char *key, double value)
{
	(void)json_object_set_new(
	    o, key, isnan(value) ? json_null() : json_real(round(value * 1000) / 1000));
}

static void
put_rates(json_t *o, const struct top_rates *r)
{
	put_rate(o, "requests_per_s", r->requests);
	put_rate(o, "failures_per_s", r->failures);
	put_rate(o, "failovers_per_s", r->failovers);
	put_rate(o, "p50_ms", r->p50_ms);
	put_rate(o, "p99_ms", r->p99_ms);
}

static json_t *
member_json(const struct top_member *m)
{
	static const char *const same[] = {"id",      "origin",          "zone",     "weight",
					   "state",   "reason",          "state_ms", "active",
					   "waiting", "connections_max", "attempts", "failures"};
	json_t *o = json_pack("{s:s}", "service", m->service);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		(void)json_object_set(o, same[i], json_object_get(m->json, same[i]));
	(void)json_object_set_new(o, "failovers",
				  m->failovers_known ? json_integer((json_int_t)m->failovers)
						     : json_null());
	put_rates(o, &m->rates);
	return o;
}

static json_t *
service_json(const struct top_service *s)
{
	static const char *const same[] = {"total", "retries", "disagreements"};
	const json_t *requests = json_object_get(s->json, "requests");
	json_t *o = json_pack("{s:s}", "name", s->name);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		(void)json_object_set(o, same[i], json_object_get(requests, same[i]));
	(void)json_object_set(o, "by_affinity", json_object_get(requests, "by_affinity"));
	put_rates(o, &s->rates);
	put_rate(o, "retries_per_s", s->rates.retries);
	return o;
}

json_t *
top_model_json(const struct top_model *m)
{
	static const char *const same[] = {"node",    "version", "time",    "uptime_ms", "epoch",
					   "workers", "clients", "process", "cluster"};
	json_t *o = json_object();
	json_t *services = json_array();
	json_t *members = json_array();
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		(void)json_object_set(o, same[i], json_object_get(m->now.status, same[i]));
	put_rate(o, "over_s", m->seconds);
	put_rate(o, "cpu_cores", m->cpu);
	for (size_t i = 0; i < m->service_count; i++)
		(void)json_array_append_new(services, service_json(&m->service[i]));
	for (size_t i = 0; i < m->member_count; i++)
		(void)json_array_append_new(members, member_json(&m->member[i]));
	(void)json_object_set_new(o, "services", services);
	(void)json_object_set_new(o, "members", members);
	return o;
}
