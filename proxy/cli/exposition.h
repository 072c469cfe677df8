/*
 * exposition.h: durations in a page of metrics (Prometheus text format 0.0.4): histograms of
 * holdfast_request_duration_seconds, summed by service and by member. Pure.
 *
 *   page, then  ---histograms_read--> struct histograms -+- histogram_between -->
 * histogram_quantile page, now   ---histograms_read--> struct histograms -'
 */
#ifndef HOLDFAST_CLI_EXPOSITION_H
#define HOLDFAST_CLI_EXPOSITION_H

#include "base/text.h"

#define HISTOGRAM_BUCKETS_MAX 64
#define HISTOGRAMS_MAX        32768 /* further ones are left out */
#define HISTOGRAM_NAME_BYTES  256

struct histogram {
	char service[HISTOGRAM_NAME_BYTES];
	char member[HISTOGRAM_NAME_BYTES]; /* "": all of the service */
	size_t buckets;
	double bound_s[HISTOGRAM_BUCKETS_MAX]; /* upper ones; the last is infinite */
	uint64_t count[HISTOGRAM_BUCKETS_MAX]; /* cumulative: up to the bound */
	uint64_t failovers;                    /* of these, requests that came here on a failover */
};

struct histograms {
	struct histogram *list; /* owned */
	size_t count;
	size_t capacity;
	size_t present[2]; /* of a service, a member: where the last line was counted, as the next
			      often is */
};

void histograms_init(struct histograms *h);
void histograms_deinit(struct histograms *h);
/* Adds all lines of the page; lines that are none are left out. False: no memory. */
bool histograms_read(struct histograms *h, struct slice page);
/* NULL: there is none. `member` "": all of the service. */
const struct histogram *histograms_find(const struct histograms *h, const char *service,
					const char *member);

/*
 * The q-quantile (0 .. 1) in seconds of what was counted after `then` (NULL: since ever), straight
 * within a bucket, as PromQL's histogram_quantile. NAN: nothing was counted.
 */
double histogram_quantile(const struct histogram *now, const struct histogram *then, double q);
/* How many were counted. */
uint64_t histogram_total(const struct histogram *h); /* NULL: 0 */

#endif
