/*
 * failover.c: the failover log; see failover.h. Here the parts meet: the limiter says whether a
 * line is written, the table of outages counts it either way, failover_line makes its text, the
 * sink writes it. One lock guards limiter and outages; a line is formatted outside of it.
 */
#include "record/failover.h"

#include "base/clock.h"
#include "record/limiter.h"

#include <pthread.h>
#include <stdlib.h>

struct failover_log {
	struct sink *sink;
	char *node; /* owned; NULL: none */
	struct failover_clock clock;
	failover_tap *tap; /* NULL: none */
	void *tap_context;
	pthread_mutex_t lock;
	/* under the lock */
	struct limiter limiter;
	struct outages outages;
};

/* ---- lifecycle ----------------------------------------------------------------------------- */

enum result
failover_log_create(const char *path, const char *node, struct failover_log **out,
		    struct problem *p)
{
	struct failover_log *log = calloc(1, sizeof(*log));
	if (log == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	log->node = node != NULL ? strdup(node) : NULL;
	if (node != NULL && log->node == NULL) {
		free(log);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	enum result r = sink_create(LOG_FAILOVER, path, &log->sink, p);
	if (r != RESULT_OK) {
		free(log->node);
		free(log);
		return r;
	}
	log->clock = (struct failover_clock){.now_ms = clock_ms, .wall_ms = clock_wall_ms};
	(void)pthread_mutex_init(&log->lock, NULL);
	*out = log;
	return RESULT_OK;
}

void
failover_log_set_clock(struct failover_log *log, struct failover_clock clock)
{
	log->clock = clock;
}

void
failover_log_tap(struct failover_log *log, failover_tap *tap, void *context)
{
	log->tap = tap;
	log->tap_context = context;
}

void
failover_log_reopen(struct failover_log *log)
{
	sink_reopen(log->sink);
}

bool
failover_log_redirect(struct failover_log *log, const char *path)
{
	return sink_redirect(log->sink, path);
}

uint64_t
failover_log_lost(const struct failover_log *log)
{
	return sink_lost(log->sink);
}

/* ---- writing ------------------------------------------------------------------------------- */

static void
write_entry(struct failover_log *log, struct failover_entry *entry)
{
	char line[FAILOVER_LINE_BYTES_MAX];
	struct writer w = writer_on(line, sizeof(line));
	entry->wall_ms = log->clock.wall_ms();
	entry->node = log->node != NULL ? slice_of(log->node) : SLICE_NONE;
	write_failover_line(&w, entry);
	sink_append(log->sink, (struct slice){line, w.bytes});
	if (log->tap != NULL)
		log->tap(log->tap_context, (struct slice){line, w.bytes});
}

/* Of no session: nothing of one is known. */
static struct failover_entry
plain_entry(enum event_kind event, struct slice service, const char *reason, struct slice evidence)
{
	return (struct failover_entry){
	    .event = event,
	    .service = service,
	    .reason = reason,
	    .evidence = evidence,
	    .rank = FAILOVER_NUMBER_NONE,
	    .attempt_ms = FAILOVER_NUMBER_NONE,
	    .hops = FAILOVER_NUMBER_NONE,
	    .epoch = FAILOVER_NUMBER_NONE,
	};
}

/* A line with nothing but what was held back. */
static void
write_held(void *context, struct limiter_subject subject, uint64_t suppressed)
{
	struct failover_entry entry =
	    plain_entry(subject.event, subject.service, reason_text(REASON_NONE),
			SLICE("lines held back by the rate limit"));
	entry.member = subject.member;
	entry.suppressed = suppressed;
	write_entry(context, &entry);
}

static void
write_summary(struct failover_log *log, const struct outage *o, uint64_t now_ms,
	      struct slice evidence)
{
	struct failover_entry entry =
	    plain_entry(EVENT_OUTAGE_SUMMARY, (struct slice){o->service, o->service_bytes},
			reason_text(o->why), evidence);
	uint64_t until_ms = o->phase == OUTAGE_OVER ? o->until_ms : now_ms;
	entry.epoch = o->epoch;
	entry.pool = o->pool;
	entry.member = (struct slice){o->member, o->member_bytes};
	entry.outage = o;
	if (until_ms > o->since_ms)
		entry.outage_ms = until_ms - o->since_ms;
	write_entry(log, &entry);
}

/* Of `member`, or of everybody: outages that are settled, or with `all` every one. */
static void
write_summaries(struct failover_log *log, struct slice service, struct slice member, bool all,
		struct slice evidence)
{
	bool more;
	do {
		uint64_t now_ms = log->clock.now_ms();
		(void)pthread_mutex_lock(&log->lock);
		struct outage *o = outages_take(&log->outages, service, member, all, now_ms);
		(void)pthread_mutex_unlock(&log->lock);
		if (o != NULL)
			write_summary(log, o, now_ms, evidence);
		more = o != NULL;
		outage_free(&o);
	} while (more);
}

void
failover_log_reload(struct failover_log *log, enum event_kind event, const char *asked_by,
		    struct slice evidence)
{
	struct failover_entry entry = plain_entry(event, SLICE_NONE, asked_by, evidence);
	write_entry(log, &entry);
}

void
failover_log_master(struct failover_log *log, const struct failover_mastership *m)
{
	struct failover_entry entry =
	    plain_entry(m->event, SLICE_NONE, reason_text(REASON_NONE), m->evidence);
	entry.chosen = m->master;
	entry.moves = true;
	entry.from = m->before;
	entry.epoch = m->epoch;
	entry.term = m->term;
	write_entry(log, &entry);
}

void
failover_log_tick(struct failover_log *log, uint64_t now_ms)
{
	(void)pthread_mutex_lock(&log->lock);
	limiter_tick(&log->limiter, now_ms, false, write_held, log);
	outages_tick(&log->outages, now_ms);
	(void)pthread_mutex_unlock(&log->lock);
	write_summaries(log, SLICE_NONE, SLICE_NONE, false, SLICE("the member is up"));
}

void
failover_log_free(struct failover_log **held)
{
	struct failover_log *log = *held;
	if (log == NULL)
		return;
	*held = NULL;
	limiter_tick(&log->limiter, 0, true, write_held, log);
	write_summaries(log, SLICE_NONE, SLICE_NONE, true, SLICE("the log ends"));
	sink_free(&log->sink);
	outages_deinit(&log->outages);
	(void)pthread_mutex_destroy(&log->lock);
	free(log->node);
	free(log);
}

/* ---- sessions ------------------------------------------------------------------------------ */

static struct slice
member_id(const struct membership *membership, uint32_t member)
{
	if (member == MEMBER_NONE)
		return SLICE_NONE;
	return (struct slice){membership->member[member].id, membership->member[member].id_bytes};
}

static struct failover_entry
session_entry(const struct failover_line *line)
{
	const struct membership *membership = line->view->membership;
	return (struct failover_entry){
	    .event = line->event,
	    .service = line->service,
	    .digest = line->digest,
	    .primary = member_id(membership, line->primary),
	    .reason = line->reason,
	    .evidence = slice_of(line->evidence),
	    .plan = line->plan,
	    .membership = membership,
	    .chosen = member_id(membership, line->chosen),
	    .rank = line->rank != UINT32_MAX ? line->rank : FAILOVER_NUMBER_NONE,
	    .attempt_ms = line->attempt_ms,
	    .hops = line->hops,
	    .epoch = membership->epoch,
	    .pool = line->pool,
	    .request_id = line->request_id,
	    .moves = true,
	    .from = member_id(membership, line->from),
	};
}

/* Its move, or that it is back: a client that keeps no tag is assigned to its home each time. The
 * lock is held. */
static void
count_session(struct failover_log *log, const struct failover_line *line,
	      const struct failover_entry *entry, uint64_t now_ms)
{
	struct outage_session session = {line->digest, line->returns};
	if (entry->chosen.bytes == 0 || line->digest == NULL)
		return;
	if (line->event == EVENT_FAILOVER && line->of_outage)
		outages_count_move(&log->outages, line->service, entry->from, entry->chosen,
				   &session, now_ms);
	else if (line->event == EVENT_FAILBACK || line->event == EVENT_ASSIGNED)
		outages_count_back(&log->outages, line->service, entry->chosen, line->digest,
				   now_ms);
}

void
failover_log_session(struct failover_log *log, const struct failover_line *line)
{
	struct failover_entry entry = session_entry(line);
	struct slice about = entry.from.bytes > 0 ? entry.from : entry.chosen;
	/* Clients that keep no tag are assigned with each request, to whichever of the members:
	 * that is news of the service. */
	if (line->event == EVENT_ASSIGNED || line->event == EVENT_PLACED)
		about = SLICE_NONE;
	struct limiter_subject subject = {line->event, line->service, about};
	uint64_t now_ms = log->clock.now_ms();
	static const struct limiter_bounds bounds = {FAILOVER_LINES_PER_S_MAX,
						     FAILOVER_EVENTS_PER_S_MAX};
	(void)pthread_mutex_lock(&log->lock);
	count_session(log, line, &entry, now_ms);
	bool pass = limiter_pass(&log->limiter, subject, bounds, now_ms, &entry.suppressed);
	(void)pthread_mutex_unlock(&log->lock);
	if (pass)
		write_entry(log, &entry);
}

void
failover_log_request_failed(struct failover_log *log, struct slice service, struct slice member,
			    bool retried)
{
	uint64_t now_ms = log->clock.now_ms();
	(void)pthread_mutex_lock(&log->lock);
	outages_count_failed(&log->outages, service, member, retried, now_ms);
	(void)pthread_mutex_unlock(&log->lock);
}

/* ---- members ------------------------------------------------------------------------------- */

/* A change of state as the log sees it. */
struct transition {
	struct slice service;
	struct slice member;
	uint64_t pool;
	const struct pool_change *change;
};

static const char *
evidence_source(enum evidence_kind kind)
{
	switch (kind) {
	case EVIDENCE_PROBE_OK:
	case EVIDENCE_PROBE_FAILED:
		return "active check";
	case EVIDENCE_LIVE_OK:
	case EVIDENCE_LIVE_FAILED:
		return "traffic";
	case EVIDENCE_TICK:
		return "time";
	case EVIDENCE_ORDER:
		return "operator";
	}
	return "?";
}

/* "active check: up -> down, detected in 1203 ms" */
static struct slice
transition_evidence(struct writer *w, const struct pool_change *change)
{
	const struct verdict_change *verdict = &change->verdict;
	if (verdict->drained) {
		write_literal(w, "no request is under way there");
		return (struct slice){w->at, w->bytes};
	}
	write_format(w, "%s: %s -> %s", evidence_source(change->evidence),
		     member_state_text((enum member_state)verdict->before),
		     member_state_text((enum member_state)verdict->after));
	if (change->seen != NULL && change->seen[0] != '\0')
		write_format(w, ", %s", change->seen);
	if (verdict->detection_ms > 0)
		write_format(w, ", detected in %llu ms", (unsigned long long)verdict->detection_ms);
	return (struct slice){w->at, w->bytes};
}

static void
write_transition(struct failover_log *log, const struct transition *t, enum event_kind event,
		 enum reason why, uint64_t now_ms)
{
	char text[FAILOVER_EVIDENCE_MAX];
	struct writer w = writer_on(text, sizeof(text));
	struct failover_entry entry =
	    plain_entry(event, t->service, reason_text(why), transition_evidence(&w, t->change));
	entry.epoch = t->change->membership->epoch;
	entry.pool = t->pool;
	entry.member = t->member;
	struct limiter_subject subject = {event, t->service, t->member};
	/* One of each member of ever so many is news: no bound on them together. */
	static const struct limiter_bounds bounds = {FAILOVER_LINES_PER_S_MAX, UINT32_MAX};
	(void)pthread_mutex_lock(&log->lock);
	bool pass = limiter_pass(&log->limiter, subject, bounds, now_ms, &entry.suppressed);
	(void)pthread_mutex_unlock(&log->lock);
	if (pass)
		write_entry(log, &entry);
}

static bool
outage_goes_on(struct failover_log *log, const struct transition *t)
{
	(void)pthread_mutex_lock(&log->lock);
	bool goes_on = outages_find(&log->outages, t->service, t->member) != NULL;
	(void)pthread_mutex_unlock(&log->lock);
	return goes_on;
}

/* True: this is news; inside an outage that is going on it is not. One before it is settled now,
 * however many of its sessions are back. */
static bool
outage_begins(struct failover_log *log, const struct transition *t, uint64_t now_ms)
{
	if (outage_goes_on(log, t))
		return false;
	write_summaries(log, t->service, t->member, true, SLICE("the member is down again"));
	(void)pthread_mutex_lock(&log->lock);
	struct outage *o = outages_begin(&log->outages, t->service, t->member, t->change->reason,
					 t->change->verdict.detection_ms, now_ms);
	if (o != NULL) {
		o->epoch = t->change->membership->epoch;
		o->pool = t->pool;
	}
	(void)pthread_mutex_unlock(&log->lock);
	return true;
}

void
failover_log_outage_goes_on(struct failover_log *log, struct slice service, struct slice member,
			    enum reason why, uint64_t since_ms)
{
	(void)pthread_mutex_lock(&log->lock);
	(void)outages_begin(&log->outages, service, member, why, 0, since_ms);
	(void)pthread_mutex_unlock(&log->lock);
}

static bool
outage_ends(struct failover_log *log, struct slice service, struct slice member, uint64_t now_ms)
{
	(void)pthread_mutex_lock(&log->lock);
	bool ends = outages_end(&log->outages, service, member, now_ms);
	(void)pthread_mutex_unlock(&log->lock);
	return ends;
}

void
failover_log_member_left(struct failover_log *log, struct slice service, struct slice member)
{
	(void)outage_ends(log, service, member, log->clock.now_ms());
	write_summaries(log, service, member, true, SLICE("the member left the configuration"));
}

void
failover_log_member(struct failover_log *log, struct slice service, uint64_t pool,
		    const struct pool_change *change)
{
	struct transition t = {.service = service,
			       .member = member_id(change->membership, change->member),
			       .pool = pool,
			       .change = change};
	enum member_state before = (enum member_state)change->verdict.before;
	enum member_state after = (enum member_state)change->verdict.after;
	uint64_t now_ms = log->clock.now_ms();
	if (change->verdict.drained) {
		write_transition(log, &t, EVENT_DRAIN_DONE, REASON_DRAIN, now_ms);
		return;
	}
	if (!member_state_operational(after)) {
		if (member_state_operational(before) && outage_begins(log, &t, now_ms))
			write_transition(log, &t, EVENT_MEMBER_DOWN, change->reason, now_ms);
		return;
	}
	/* Suspect is a trial: the outage goes on until it is passed. */
	if (after == MEMBER_SUSPECT)
		return;
	bool ends = outage_ends(log, t.service, t.member, now_ms);
	if (ends || !member_state_operational(before) || before == MEMBER_DRAIN)
		write_transition(log, &t, EVENT_MEMBER_UP, change->reason, now_ms);
	if (ends)
		write_summaries(log, t.service, t.member, false, SLICE("the member is up"));
	if (after == MEMBER_DRAIN)
		write_transition(log, &t, EVENT_DRAIN_STARTED, REASON_DRAIN, now_ms);
}
