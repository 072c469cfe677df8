/* model.h: a status with something of everything, hostile texts included. */
#ifndef HOLDFAST_TESTS_ADMIN_MODEL_H
#define HOLDFAST_TESTS_ADMIN_MODEL_H

#include "admin/status.h"

#define HOSTILE "<b>\"\\\n\x1b&'"

static struct status_member model_members[2];
static struct status_service model_services[2];
static struct status_transition model_transitions[2];

static inline struct status
model(void)
{
	model_transitions[0] =
	    (struct status_transition){3000, MEMBER_UP, MEMBER_SUSPECT, REASON_RESET};
	model_transitions[1] =
	    (struct status_transition){500, MEMBER_SUSPECT, MEMBER_DOWN, REASON_PROBE_STATUS};
	model_members[0] = (struct status_member){
	    .id = "a",
	    .origin = "127.0.0.1:9001",
	    .weight = 2,
	    .share = 105,
	    .state = MEMBER_DOWN,
	    .order = MEMBER_DRAIN,
	    .reason = REASON_PROBE_STATUS,
	    .state_ms = 61500,
	    .check = {.any = true, .ago_ms = 250, .seen = HOSTILE},
	    .history = {.well = 60,
			.failed = 7,
			.last = "110",
			.weight = "50%",
			.weights_refused = 8,
			.slow_start_left_ms = 1500,
			.transitions = 34,
			.at = model_transitions,
			.kept = 2},
	    .active = 3,
	    .attempts = 40,
	    .failures = 5,
	};
	model_members[1] = (struct status_member){.id = "b", .origin = "[::1]:9002", .zone = "z"};
	model_services[0] = (struct status_service){
	    .name = "shop", .pool = 0xfeed, .member = model_members, .member_count = 2};
	model_services[1] = (struct status_service){.name = "empty", .pool = UINT64_MAX};
	struct tally_sum *t = &model_services[0].tally;
	t->cause[CAUSE_DONE] = 7;
	t->cause[CAUSE_CLIENT_ABORT] = 2;
	t->affinity[AFFINITY_HIT] = 9;
	t->class[2] = 7;
	t->class[0] = 2;
	t->bytes_in = 11;
	t->bytes_out = INT64_MAX;
	t->retries = 1;
	t->rejected[TAG_BAD_MAC] = 4;
	static struct status_latency hit = {
	    .member = "a", .affinity = AFFINITY_HIT, .cause = CAUSE_DONE};
	static struct status_latency gone = {.member = "", .cause = CAUSE_CLIENT_ABORT};
	hit.sum = (struct latency_sum){.sum_us = 9000009, .count = 9};
	hit.sum.bucket[0] = 6;
	hit.sum.bucket[LATENCY_BUCKETS - 1] = 3;
	hit.next = &gone;
	gone.sum = (struct latency_sum){.sum_us = 200, .count = 1};
	gone.sum.bucket[1] = 1;
	model_services[0].latencies = (struct status_latencies){&hit, &gone};
	static struct status_node nodes[] = {
	    {.id = "n1", .address = "10.0.0.1:7946", .http = "10.0.0.1:8080", .self = true},
	    {.id = "n2", .heard_ms = STATUS_NEVER, .rank = 1, .voter = true},
	    {.id = "n3", .heard_ms = 250, .round_trip_ms = 7},
	};
	static struct status_count told[] = {{"won", 2}};
	static struct status_count types[] = {{"heartbeat", 12}};
	static struct status_count drops[] = {{"mac", 3}, {"old", 0}};
	static struct status_cluster cluster = {.name = "shop",
						.self = "n1",
						.safety = "lease",
						.engine = "embedded",
						.voter = "votes",
						.state = "master",
						.master = "n1",
						.term = 7,
						.term_seen = 8,
						.epoch = 5,
						.boot = 9,
						.master_ms = 61500,
						.evidence_ms = STATUS_NEVER,
						.longest_wait_ms = 275,
						.node = nodes,
						.node_count = 3,
						.election = told,
						.election_count = 1,
						.received = types,
						.received_count = 1,
						.sent = types,
						.sent_count = 1,
						.dropped = drops,
						.dropped_count = 2};
	static struct status_name names[] = {
	    {.name = "app.internal", .means = "10.0.0.4, 10.0.0.5", .for_ms = 100},
	    {.name = "b.internal", .means = "", .why = "no such name", .failures = 3},
	};
	return (struct status){
	    .name = names,
	    .name_count = 2,
	    .cluster = &cluster,
	    .wall_ms = UINT64_C(1767225600500), /* 2026-01-01T00:00:00.500Z */
	    .uptime_ms = 90061000,
	    .node = "n1",
	    .version = "9.9",
	    .process = {.pid = 42,
			.cpu_ms = 1250,
			.resident_bytes = 4096,
			.descriptors = 7,
			.descriptors_max = 1024,
			.seccomp = "on"},
	    .config_file = HOSTILE,
	    .config_ms = 500,
	    .workers = 2,
	    .clients = 5,
	    .crowded = 8,
	    .hops = {{"good", 12}, {"bad_mac", 1}},
	    .hop_kinds = 2,
	    .failover_lost = 1,
	    .access_lost = 2,
	    .followers = 3,
	    .followers_dropped = 4,
	    .events_lost = 6,
	    .service = model_services,
	    .service_count = 2,
	};
}

#endif
