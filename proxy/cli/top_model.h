/*
 * top_model.h: what `holdfast top` shows: the last status and metrics of a node, and rates from the
 * differences to those before. Pure: answers come in as they were heard, nothing asks or draws
 * here.
 */
#ifndef HOLDFAST_CLI_TOP_MODEL_H
#define HOLDFAST_CLI_TOP_MODEL_H

#include "cli/exposition.h"

#include <jansson.h>

/* One answer of the node; owned by the model once it was taken. */
struct top_sample {
	json_t *status; /* NULL: none */
	struct histograms latencies;
};
void top_sample_deinit(struct top_sample *s);

/* Rates are a second's; NAN: not known yet, or nothing happened that has a duration. */
struct top_rates {
	double requests;
	double failures; /* of a service: requests that ended with an error */
	double retries;  /* of a service */
	double failovers;
	double p50_ms;
	double p99_ms;
};

struct top_member {
	const json_t *json; /* borrowed from the sample */
	const char *service;
	const char *id;
	size_t place;       /* in the configuration's sequence */
	uint64_t failovers; /* requests that it served in another's place */
	bool failovers_known;
	struct top_rates rates;
};

struct top_service {
	const json_t *json;
	const char *name;
	struct top_rates rates;
};

struct top_model {
	struct top_sample now;
	struct top_sample then; /* NULL: there is none to compare with */
	double seconds;         /* between them, by the node's clock; 0: rates are unknown */
	struct top_service *service;
	size_t service_count;
	struct top_member *member;
	size_t member_count;
	double cpu; /* cores in use; NAN */
};

/* What members are ordered by; of equal ones the configuration's sequence stays. */
enum top_sort {
	TOP_SORT_CONFIGURED,
	TOP_SORT_STATE, /* the worst first, as all counts: the most first */
	TOP_SORT_LOAD,
	TOP_SORT_REQUESTS,
	TOP_SORT_FAILURES,
	TOP_SORT_FAILOVERS,
	TOP_SORT_LATENCY,
	TOP_SORT_NAME,
	TOP_SORTS
};
const char *top_sort_text(enum top_sort sort);

void top_model_init(struct top_model *m);
void top_model_deinit(struct top_model *m);
/*
 * Consumes the sample. A node that was started anew is not compared with what it was before.
 * `service`: members and services of this name only; NULL: all. False: no memory; the model is
 * empty.
 */
bool top_model_take(struct top_model *m, struct top_sample *sample, const char *service);
void top_model_sort(struct top_model *m, enum top_sort sort, bool reverse);

/* As one JSON object, owned; NULL: no memory. */
json_t *top_model_json(const struct top_model *m);

#endif
