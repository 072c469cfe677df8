/*
 * metrics.c: see metrics.h. A family stands together, its HELP and TYPE before it; that each row of
 * the table has code here is tested.
 */
#include "admin/metrics.h"

#include <inttypes.h>
#include <stdio.h>

enum metric {
#define METRIC(ident, name, type, help) METRIC_##ident,
#include "tbl/metrics.h"
#undef METRIC
	METRICS
};

static const struct {
	const char *name;
	const char *type;
	const char *help;
} metrics[METRICS] = {
#define METRIC(ident, name, type, help) {name, type, help},
#include "tbl/metrics.h"
#undef METRIC
};

struct page {
	const struct status *s;
	struct grow *out;
	const char *name; /* of the family */
};

/* ---- one line ---------------------------------------------------------------------------------
 */

/* In a label: '\', '"' and line feed are escaped; the rest is UTF-8. */
static void
label_value(struct grow *out, const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '\n')
			grow_text(out, "\\n");
		else if (*at == '\\' || *at == '"')
			grow_bytes(out, (const char[]){'\\', *at}, 2);
		else
			grow_bytes(out, at, 1);
	}
}

/* "name{a="x",b="y"} "; up to the first NULL name. */
struct label {
	const char *name;
	const char *value;
};
#define LABELS_MAX 5

static void
begin(struct page *p, const char *suffix, const struct label labels[LABELS_MAX])
{
	grow_text(p->out, p->name);
	grow_text(p->out, suffix);
	for (size_t i = 0; i < LABELS_MAX && labels[i].name != NULL; i++) {
		grow_text(p->out, i == 0 ? "{" : ",");
		grow_text(p->out, labels[i].name);
		grow_text(p->out, "=\"");
		label_value(p->out, labels[i].value);
		grow_text(p->out, "\"");
	}
	grow_text(p->out, labels[0].name != NULL ? "} " : " ");
}

#define LABELS(...) ((const struct label[LABELS_MAX]){__VA_ARGS__})
#define NO_LABELS   LABELS({NULL, NULL})

static void
count(struct page *p, const struct label labels[LABELS_MAX], uint64_t value)
{
	begin(p, "", labels);
	grow_u64(p->out, value);
	grow_text(p->out, "\n");
}

/* A whole number of thousandths or millionths, as a decimal fraction: exact. */
static void
milliseconds(struct page *p, const struct label labels[LABELS_MAX], uint64_t ms)
{
	begin(p, "", labels);
	grow_format(p->out, "%" PRIu64 ".%03" PRIu64 "\n", ms / 1000, ms % 1000);
}

/* ---- the node ---------------------------------------------------------------------------------
 */

static void
node_family(struct page *p, enum metric metric)
{
	const struct status *s = p->s;
	switch (metric) {
	case METRIC_INFO:
		count(p, LABELS({"node", s->node != NULL ? s->node : "-"}, {"version", s->version}),
		      1);
		break;
	case METRIC_UPTIME:
		milliseconds(p, NO_LABELS, s->uptime_ms);
		break;
	case METRIC_STOPPING:
		count(p, NO_LABELS, s->stopping);
		break;
	case METRIC_CONFIG_AGE:
		milliseconds(p, NO_LABELS, s->config_ms);
		break;
	case METRIC_EPOCH:
		count(p, NO_LABELS, s->epoch);
		break;
	case METRIC_WORKERS:
		count(p, NO_LABELS, s->workers);
		break;
	case METRIC_CLIENTS:
		count(p, NO_LABELS, s->clients);
		break;
	case METRIC_CROWDED:
		count(p, NO_LABELS, s->crowded);
		break;
	case METRIC_HANDSHAKES:
		count(p, LABELS({"kind", "all"}), s->arrivals.handshakes);
		count(p, LABELS({"kind", "resumed"}), s->arrivals.resumed);
		count(p, LABELS({"kind", "tls_1_3"}), s->arrivals.tls_1_3);
		break;
	case METRIC_ARRIVALS_PROXIED:
		count(p, NO_LABELS, s->arrivals.proxied);
		break;
	case METRIC_ARRIVALS_ENDED:
		for (size_t i = 0; i < ARRIVAL_ENDS; i++)
			count(p, LABELS({"reason", arrival_end_text((enum arrival_end)i)}),
			      s->arrivals.ended[i]);
		break;
	case METRIC_HTTP2_OPEN:
		count(p, NO_LABELS, s->http2.connections - s->http2.ended_all);
		break;
	case METRIC_HTTP2_CONNECTIONS:
		count(p, NO_LABELS, s->http2.connections);
		break;
	case METRIC_HTTP2_ENDED:
		for (size_t i = 0; i < HTTP2_ENDS; i++)
			count(p, LABELS({"end", http2_end_text((enum http2_end)i)}),
			      s->http2.ended[i]);
		break;
	case METRIC_HTTP2_STREAMS:
		count(p, NO_LABELS, s->http2.streams);
		break;
	case METRIC_HTTP2_TUNNELS:
		count(p, NO_LABELS, s->http2.tunnels);
		break;
	case METRIC_HTTP2_RESETS:
		count(p, LABELS({"by", "client"}), s->http2.resets_received);
		count(p, LABELS({"by", "holdfast"}), s->http2.resets_sent);
		break;
	case METRIC_HTTP2_SLOW:
		count(p, NO_LABELS, s->http2.slow);
		break;
	case METRIC_HOPS:
		for (size_t i = 0; i < s->hop_kinds; i++)
			count(p, LABELS({"found", s->hops[i].found}), s->hops[i].count);
		break;
	case METRIC_LOG_LOST:
		count(p, LABELS({"log", "failover"}), s->failover_lost);
		count(p, LABELS({"log", "access"}), s->access_lost);
		break;
	case METRIC_SPANS:
		count(p, LABELS({"result", "sent"}), s->spans.sent);
		count(p, LABELS({"result", "dropped"}), s->spans.dropped);
		count(p, LABELS({"result", "refused"}), s->spans.refused);
		break;
	case METRIC_FOLLOWERS:
		count(p, NO_LABELS, s->followers);
		break;
	case METRIC_FOLLOWERS_DROPPED:
		count(p, NO_LABELS, s->followers_dropped);
		break;
	case METRIC_EVENTS_LOST:
		count(p, NO_LABELS, s->events_lost);
		break;
	case METRIC_CPU:
		milliseconds(p, NO_LABELS, s->process.cpu_ms);
		break;
	case METRIC_RESIDENT:
		count(p, NO_LABELS, s->process.resident_bytes);
		break;
	case METRIC_OPEN_FDS:
		count(p, NO_LABELS, s->process.descriptors);
		break;
	case METRIC_MAX_FDS:
		count(p, NO_LABELS, s->process.descriptors_max);
		break;
	case METRIC_RACE_OFFERS:
		count(p, NO_LABELS, s->race.offers);
		break;
	case METRIC_RACE_SILENCES:
		for (size_t i = 0; i < RACE_SILENCES; i++)
			count(p, LABELS({"reason", race_silence_text((enum race_silence)i)}),
			      s->race.silent[i]);
		break;
	case METRIC_NAME_RESOLVES:
		for (size_t i = 0; i < s->name_count; i++)
			count(p, LABELS({"name", s->name[i].name}), s->name[i].why == NULL);
		break;
	case METRIC_NAME_FAILURES:
		for (size_t i = 0; i < s->name_count; i++)
			count(p, LABELS({"name", s->name[i].name}), s->name[i].failures);
		break;
	case METRIC_START_TIME:
		milliseconds(p, NO_LABELS, s->wall_ms - s->uptime_ms);
		break;
	default:
		break;
	}
}

/* ---- the cluster ------------------------------------------------------------------------------
 */

static void
counts(struct page *p, const char *label, const struct status_count *list, size_t count_of)
{
	for (size_t i = 0; i < count_of; i++)
		count(p, LABELS({label, list[i].name}), list[i].count);
}

static void
nodes_family(struct page *p, enum metric metric, const struct status_cluster *c)
{
	for (size_t i = 0; i < c->node_count; i++) {
		const struct status_node *n = &c->node[i];
		bool known = metric == METRIC_NODE_HEARD ? n->heard_ms != STATUS_NEVER
							 : n->round_trip_ms > 0;
		uint64_t ms = metric == METRIC_NODE_HEARD ? n->heard_ms : n->round_trip_ms;
		if (known && !n->self)
			milliseconds(p, LABELS({"peer", n->id}), ms);
	}
}

static void
cluster_family(struct page *p, enum metric metric, const struct status_cluster *c)
{
	switch (metric) {
	case METRIC_MASTER:
		count(p,
		      LABELS({"cluster", c->name}, {"master", c->master != NULL ? c->master : ""}),
		      c->master != NULL && strcmp(c->master, c->self) == 0);
		break;
	case METRIC_TERM:
		count(p, NO_LABELS, c->term);
		break;
	case METRIC_VOTES:
		if (c->voter != NULL)
			count(p, NO_LABELS, strcmp(c->voter, "votes") == 0);
		break;
	case METRIC_LONGEST_WAIT:
		milliseconds(p, NO_LABELS, c->longest_wait_ms);
		break;
	case METRIC_NODE_HEARD:
	case METRIC_NODE_DELAY:
		nodes_family(p, metric, c);
		break;
	case METRIC_ELECTIONS:
		counts(p, "what", c->election, c->election_count);
		break;
	case METRIC_DATAGRAMS_IN:
		counts(p, "type", c->received, c->received_count);
		break;
	case METRIC_DATAGRAMS_OUT:
		counts(p, "type", c->sent, c->sent_count);
		break;
	case METRIC_DATAGRAMS_DROPPED:
		counts(p, "reason", c->dropped, c->dropped_count);
		break;
	default:
		break;
	}
}

/* ---- services ---------------------------------------------------------------------------------
 */

static void
histogram(struct page *p, const char *service, const struct status_latency *l)
{
	struct label labels[LABELS_MAX] = {{"service", service},
					   {"member", l->member[0] != '\0' ? l->member : "-"},
					   {"affinity", affinity_text(l->affinity)},
					   {"cause", cause_table[l->cause].text}};
	uint64_t seen = 0;
	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		char bound[32] = "+Inf";
		uint64_t us = latency_bound_us(i);
		if (us != UINT64_MAX)
			(void)snprintf(bound, sizeof(bound), "%" PRIu64 ".%06" PRIu64, us / 1000000,
				       us % 1000000);
		seen += l->sum.bucket[i];
		labels[LABELS_MAX - 1] = (struct label){"le", bound};
		begin(p, "_bucket", labels);
		grow_format(p->out, "%" PRIu64 "\n", seen);
	}
	labels[LABELS_MAX - 1] = (struct label){NULL, NULL};
	begin(p, "_sum", labels);
	grow_format(p->out, "%" PRIu64 ".%06" PRIu64 "\n", l->sum.sum_us / 1000000,
		    l->sum.sum_us % 1000000);
	begin(p, "_count", labels);
	grow_format(p->out, "%" PRIu64 "\n", seen);
}

/* Every kind that happened. */
static void
histograms(struct page *p, const char *service, const struct status_latencies *latencies)
{
	for (const struct status_latency *l = latencies->first; l != NULL; l = l->next)
		histogram(p, service, l);
}

static const char *
ticket_result(size_t rejection)
{
	return rejection == TICKET_NONE ? "opened"
					: ticket_rejection_text((enum ticket_rejection)rejection);
}

static void
tally_family(struct page *p, enum metric metric, const char *service, const struct tally_sum *t)
{
	static const char *const classes[TALLY_CLASSES] = {"none", "1xx", "2xx",
							   "3xx",  "4xx", "5xx"};
	switch (metric) {
	case METRIC_REQUESTS:
		for (size_t i = 0; i < CAUSES; i++)
			count(p, LABELS({"service", service}, {"cause", cause_table[i].text}),
			      t->cause[i]);
		break;
	case METRIC_AFFINITY:
		for (size_t i = 0; i < AFFINITIES; i++)
			count(p,
			      LABELS({"service", service},
				     {"affinity", affinity_text((enum affinity)i)}),
			      t->affinity[i]);
		break;
	case METRIC_RESPONSES:
		for (size_t i = 0; i < TALLY_CLASSES; i++)
			count(p, LABELS({"service", service}, {"class", classes[i]}), t->class[i]);
		break;
	case METRIC_BYTES_IN:
		count(p, LABELS({"service", service}), t->bytes_in);
		break;
	case METRIC_BYTES_OUT:
		count(p, LABELS({"service", service}), t->bytes_out);
		break;
	case METRIC_RETRIES:
		count(p, LABELS({"service", service}), t->retries);
		break;
	case METRIC_RETRIES_REFUSED:
		count(p, LABELS({"service", service}), t->retries_refused);
		break;
	case METRIC_DISAGREEMENTS:
		count(p, LABELS({"service", service}), t->disagreements);
		break;
	case METRIC_REJECTED:
		for (size_t i = TAG_NONE + 1; i < TAG_REJECTIONS; i++)
			count(p,
			      LABELS({"service", service},
				     {"reason", tag_rejection_text((enum tag_rejection)i)}),
			      t->rejected[i]);
		break;
	case METRIC_RACES:
		for (size_t i = 0; i < RACE_COUNTS; i++)
			count(p,
			      LABELS({"service", service},
				     {"outcome", race_count_text((enum race_count)i)}),
			      t->races[i]);
		break;
	case METRIC_MIRROR:
		for (size_t i = 0; i < MIRRORS; i++)
			count(p,
			      LABELS({"service", service},
				     {"outcome", mirror_text((enum mirror_count)i)}),
			      t->mirrors[i]);
		break;
	case METRIC_PLACEMENTS:
		for (size_t i = 0; i < PLACEMENTS; i++)
			count(p,
			      LABELS({"service", service},
				     {"by", placement_text((enum placement_count)i)}),
			      t->placements[i]);
		break;
	case METRIC_TICKETS:
		for (size_t i = 0; i < TICKET_REJECTIONS; i++)
			count(p, LABELS({"service", service}, {"result", ticket_result(i)}),
			      t->tickets[i]);
		break;
	default:
		break;
	}
}

/* ---- members ----------------------------------------------------------------------------------
 */

static void
checks(struct page *p, const char *service, const struct status_member *m)
{
	count(p, LABELS({"service", service}, {"member", m->id}, {"result", "well"}),
	      m->history.well);
	count(p, LABELS({"service", service}, {"member", m->id}, {"result", "failed"}),
	      m->history.failed);
}

static void
member_family(struct page *p, enum metric metric, const char *service,
	      const struct status_member *m)
{
	const struct label *labels = LABELS({"service", service}, {"member", m->id});
	switch (metric) {
	case METRIC_STATE:
		count(p, labels, m->state);
		break;
	case METRIC_OPERATIONAL:
		count(p, labels, member_state_operational(m->state));
		break;
	case METRIC_WEIGHT:
		count(p, labels, m->weight);
		break;
	case METRIC_SHARE:
		begin(p, "", labels);
		grow_format(p->out, "%" PRIu32 ".%02" PRIu32 "\n", m->share / 100, m->share % 100);
		break;
	case METRIC_SLOW_START:
		milliseconds(p, labels, m->history.slow_start_left_ms);
		break;
	case METRIC_WEIGHTS_REFUSED:
		count(p, labels, m->history.weights_refused);
		break;
	case METRIC_TRANSITIONS:
		count(p, labels, m->history.transitions);
		break;
	case METRIC_CHECKS:
		checks(p, service, m);
		break;
	case METRIC_CHECK:
		if (m->check.any)
			count(p, labels, m->check.well);
		break;
	case METRIC_ACTIVE:
		count(p, labels, m->active);
		break;
	case METRIC_WAITING:
		count(p, labels, m->waiting);
		break;
	case METRIC_ATTEMPTS:
		count(p, labels, m->attempts);
		break;
	case METRIC_FAILURES:
		count(p, labels, m->failures);
		break;
	default:
		break;
	}
}

static void
service_family(struct page *p, enum metric metric, const struct status_service *s)
{
	if (metric == METRIC_POOL) {
		char pool[2 * sizeof(uint64_t) + 1];
		(void)snprintf(pool, sizeof(pool), "%016" PRIx64, s->pool);
		count(p, LABELS({"service", s->name}, {"pool", pool}), 1);
		return;
	}
	if (metric == METRIC_DURATION) {
		histograms(p, s->name, &s->latencies);
		return;
	}
	tally_family(p, metric, s->name, &s->tally);
	for (size_t i = 0; i < s->member_count; i++)
		member_family(p, metric, s->name, &s->member[i]);
}

void
metrics_write(const struct status *s, struct grow *out)
{
	for (size_t i = 0; i < METRICS; i++) {
		struct page p = {s, out, metrics[i].name};
		enum metric metric = (enum metric)i;
		grow_format(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help,
			    metrics[i].name, metrics[i].type);
		node_family(&p, metric);
		if (s->cluster != NULL)
			cluster_family(&p, metric, s->cluster);
		tally_family(&p, metric, "-", &s->unrouted);
		if (metric == METRIC_DURATION)
			histograms(&p, "-", &s->unrouted_latencies);
		for (size_t j = 0; j < s->service_count; j++)
			service_family(&p, metric, &s->service[j]);
	}
}
