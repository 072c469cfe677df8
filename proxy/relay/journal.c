/* journal.c: what an exchange leaves in the failover log and the access log. */
#include "relay/exchange.h"

#include "base/clock.h"

static struct failover_line
line_of(const struct exchange *x, enum event_kind event)
{
	return (struct failover_line){
	    .event = event,
	    .service = x->slot->service->name,
	    .digest = &x->session.digest,
	    .view = x->lease->view,
	    .primary = x->whom.primary,
	    .from = x->plan.home,
	    .chosen = MEMBER_NONE,
	    .reason = reason_text(REASON_NONE),
	    .evidence = x->evidence,
	    .plan = &x->plan,
	    .rank = UINT32_MAX,
	    .attempt_ms = x->wasted_us / 1000,
	    /* Of the members that the plan was made of: a reload changes them for requests under
	       way. */
	    .pool = hashring_fingerprint(x->lease->view->membership->ring),
	    .request_id = x->request_id,
	    .hops = x->hopped ? (uint32_t)x->hop.path_count : 0,
	};
}

void
journal_rejected_tag(struct exchange *x)
{
	struct failover_line line = line_of(x, EVENT_TAG_REJECTED);
	line.from = MEMBER_NONE;
	line.plan = NULL;
	line.reason = tag_rejection_text(x->session.rejected);
	failover_log_session(x->worker->shared->failover, &line);
	tally_add(&x->slot->tally->rejected[x->session.rejected], 1);
}

void
journal_race_fallback(struct exchange *x)
{
	struct failover_line line = line_of(x, EVENT_RACE_FALLBACK);
	line.from = MEMBER_NONE;
	line.plan = NULL;
	failover_log_session(x->worker->shared->failover, &line);
}

void
journal_placed(struct exchange *x)
{
	struct failover_line line = line_of(x, EVENT_PLACED);
	line.from = MEMBER_NONE;
	line.plan = NULL;
	line.chosen = x->whom.primary;
	failover_log_session(x->worker->shared->failover, &line);
}

void
journal_ticket_rejected(struct exchange *x, enum ticket_rejection rejection)
{
	struct failover_line line = line_of(x, EVENT_TICKET_REJECTED);
	line.from = MEMBER_NONE;
	line.plan = NULL;
	line.reason = ticket_rejection_text(rejection);
	failover_log_session(x->worker->shared->failover, &line);
}

/* Did the session leave its home because that is gone, rather than for what is no outage? */
static bool
is_of_outage(const struct exchange *x)
{
	enum reason why = told_left(x);
	return why != REASON_PASSED && why != REASON_BUSY && why != REASON_DRAIN &&
	       why != REASON_SUSPECT;
}

void
journal_moved(struct exchange *x)
{
	if (x->primary_gone)
		journal_rehomed(x, &x->session.digest, REASON_GONE);
	bool home = x->answered_by == x->plan.home;
	if (home && !x->whom.fresh) {
		x->plan.affinity = AFFINITY_HIT; /* also when a failback was tried in vain */
		return;
	}
	enum event_kind event = EVENT_ASSIGNED;
	if (!home) {
		bool back = x->plan.affinity == AFFINITY_FAILBACK && x->step == 0;
		event = back ? EVENT_FAILBACK : EVENT_FAILOVER;
		x->plan.affinity = x->passed       ? AFFINITY_PASS
				   : told_stays(x) ? AFFINITY_SPILL
				   : back          ? AFFINITY_FAILBACK
						   : AFFINITY_FAILOVER;
	}
	struct failover_line line = line_of(x, event);
	line.chosen = x->answered_by;
	line.rank = told_rank(x, x->answered_by);
	line.of_outage = is_of_outage(x);
	line.returns = x->whom.fresh || x->slot->service->plan.failback != FAILBACK_STAY;
	if (home)
		line.from = MEMBER_NONE;
	else
		line.reason = reason_text(told_reason(x));
	failover_log_session(x->worker->shared->failover, &line);
}

void
journal_nobody(struct exchange *x)
{
	struct failover_line line = line_of(x, EVENT_NO_LIVE_MEMBER);
	line.reason = reason_text(told_reason(x));
	failover_log_session(x->worker->shared->failover, &line);
}

void
journal_disagree(struct exchange *x)
{
	struct failover_line line = line_of(x, EVENT_DISAGREE);
	line.from = MEMBER_NONE;
	line.reason = reason_text(REASON_DOWN);
	tally_add(&x->slot->tally->disagreements, 1);
	failover_log_session(x->worker->shared->failover, &line);
}

void
journal_stuck(struct exchange *x, enum reason why)
{
	struct failover_line line = line_of(x, EVENT_FAILOVER);
	if (x->passed)
		x->plan.affinity = AFFINITY_PASS;
	line.from = x->failed_member;
	line.reason = reason_text(why);
	failover_log_session(x->worker->shared->failover, &line);
}

void
journal_rehomed(struct exchange *x, const struct session_digest *digest, enum reason why)
{
	struct failover_line line = line_of(x, EVENT_REHOMED);
	line.digest = digest;
	line.chosen = x->answered_by;
	line.reason = reason_text(why);
	failover_log_session(x->worker->shared->failover, &line);
}

static struct slice
member_name(const struct exchange *x, uint32_t member)
{
	if (member == MEMBER_NONE || x->lease == NULL)
		return SLICE_NONE;
	const struct membership_member *m = &exchange_membership(x)->member[member];
	return (struct slice){m->id, m->id_bytes};
}

static struct slice
field_of(const struct exchange *x, struct slice name)
{
	size_t at = 0;
	const struct http_field *field = http_field_find(&x->request, name, &at);
	return field != NULL ? http_field_value(&x->request, field) : SLICE_NONE;
}

static void
access_entry(struct exchange *x)
{
	struct worker *w = x->worker;
	struct access_entry entry = {
	    .wall_ms = x->begun_wall_ms,
	    .client = x->client,
	    .method = x->request.method_text,
	    .target = x->request.target,
	    .hide_query = w->access->hide_query,
	    .host = x->request.host,
	    .minor = x->request.minor,
	    .status = x->door->status,
	    .bytes = x->door->sent,
	    .request_bytes = x->body_received,
	    .duration_us = w->now_us - x->begun_us,
	    .reached = x->reached,
	    .connect_us = x->connect_us,
	    .queue_us = x->queue_us,
	    .affinity = x->plan.affinity,
	    .cause = x->cause,
	    .member = member_name(x, x->answered_by),
	    .primary = member_name(x, x->whom.primary),
	    .attempts = x->attempts,
	    .request_id = x->request_id,
	    .tls = x->door->tls,
	};
	if (x->slot != NULL) {
		entry.service = x->slot->service->name;
		entry.digest = x->whom.primary != MEMBER_NONE ? &x->session.digest : NULL;
	}
	if (x->first_byte_us != 0)
		entry.first_byte_us = x->first_byte_us - x->begun_us;
	if (w->access->combined) {
		entry.referer = field_of(x, SLICE("referer"));
		entry.user_agent = field_of(x, SLICE("user-agent"));
	}
	access_batch_add(w->access, &entry);
}

/* The member that an error is counted against. */
static uint32_t
guilty(const struct exchange *x)
{
	return x->answered_by != MEMBER_NONE ? x->answered_by : x->failed_member;
}

/* Whose the time was that it took. */
static uint32_t
timed(const struct exchange *x)
{
	uint32_t member = guilty(x);
	bool asked = x->attempts > 0 && x->step < x->plan.step_count;
	return member == MEMBER_NONE && asked ? exchange_member(x) : member;
}

void
journal_retried(struct exchange *x)
{
	failover_log_request_failed(x->worker->shared->failover, x->slot->service->name,
				    member_name(x, x->failed_member), true);
}

static void __attribute__((noinline, cold)) count(struct exchange *x)
{
	struct worker *w = x->worker;
	const struct cause_row *row = &cause_table[x->cause];
	bool against = row->against_member || x->cause == CAUSE_NO_LIVE_MEMBER;
	if (row->is_error && against && x->slot != NULL)
		failover_log_request_failed(w->shared->failover, x->slot->service->name,
					    member_name(x, guilty(x)), false);
	struct tally_entry entry = {
	    .cause = x->cause,
	    .affinity = x->plan.affinity,
	    .status = x->door->status,
	    .attempts = x->attempts,
	    .bytes_in = x->body_received,
	    .bytes_out = x->door->sent,
	    .duration_us = w->now_us - x->begun_us,
	    .latency = x->attempts > 0 ? x->latency : NULL,
	    .member = member_name(x, timed(x)),
	};
	tally_count(x->slot != NULL ? x->slot->tally : w->unrouted, &entry);
}

static void
mirror_count(const struct exchange *x)
{
	enum mirror_count what = x->cause != CAUSE_DONE ? MIRROR_FAILED
				 : x->hopped            ? MIRROR_TAKEN
							: MIRROR_SENT;
	tally_add(&x->slot->tally->mirrors[what], 1);
}

void
journal_over(struct exchange *x)
{
	struct worker *w = x->worker;
	if (x->cause == CAUSE_DONE && x->attempts == 1 && x->body_received == 0)
		tally_count_plain(x->slot->tally, x->latency, x->plan.affinity, x->door->status,
				  x->door->sent, w->now_us - x->begun_us);
	else if (x->copy) {
		mirror_count(x); /* no client's: in no counter of requests, and no line */
		return;
	} else
		count(x);
	if (w->access != NULL)
		access_entry(x);
}

static void
journal_unread(struct worker *w, const struct addr *peer, enum cause cause, uint16_t status)
{
	tally_count(w->unrouted, &(struct tally_entry){
				     .cause = cause, .affinity = AFFINITY_NONE, .status = status});
	if (w->access == NULL)
		return;
	struct access_entry entry = {
	    .wall_ms = clock_wall_ms(),
	    .client = peer,
	    .status = status,
	    .affinity = AFFINITY_NONE,
	    .cause = cause,
	};
	access_batch_add(w->access, &entry);
}

void
journal_refused(struct worker *w, const struct addr *peer, enum cause cause)
{
	journal_unread(w, peer, cause, cause_table[cause].status);
}

void
journal_closed(struct worker *w, const struct addr *peer, enum cause cause)
{
	journal_unread(w, peer, cause, 0);
}
