/*
 * told.c: what Holdfast adds to a message: to the member, whose session this is
 * and where its state should be kept (DESIGN section 6); to the client, the tag.
 */
#include "relay/exchange.h"

#include "affinity/idle.h"
#include "base/clock.h"

static struct slice
id_of(const struct membership *m, uint32_t member)
{
	return (struct slice){m->member[member].id, m->member[member].id_bytes};
}

/* The member's place in the whole order of this session. */
uint32_t
told_rank(const struct exchange *x, uint32_t member)
{
	for (uint32_t i = 0; i < x->plan.step_count; i++) {
		if (x->plan.step[i].member == member && x->plan.step[i].rank != PLAN_RANK_UNASKED)
			return x->plan.step[i].rank;
	}
	const struct service *service = x->slot->service;
	uint32_t apart = service->plan.spread == SPREAD_ZONE ? x->whom.primary : HASHRING_NONE;
	return hashring_rank(exchange_membership(x)->ring, x->session.digest.bytes, apart, member);
}

/* Inlined into the way of most requests. */
static inline __attribute__((always_inline)) void
write_behind(struct writer *out, const struct exchange *x, const struct plan *plan, uint32_t first)
{
	const struct membership *m = exchange_membership(x);
	if (first >= plan->step_count)
		return;
	write_together(out, SLICE("Holdfast-Backups: "), id_of(m, plan->step[first].member));
	for (uint32_t i = first + 1; i < plan->step_count && i < first + BACKUPS_TOLD; i++)
		write_together(out, SLICE(","), id_of(m, plan->step[i].member));
	write_literal(out, "\r\n");
}

/* Nodes that had the request are no places to hand it on to; the session may go there all the same.
 */
static uint32_t
plan_whole(const struct exchange *x, struct plan *whole)
{
	uint32_t at = 0;
	plan_make(&x->slot->service->plan, &x->whom, x->lease->view, whole);
	while (at < whole->step_count && whole->step[at].member != exchange_member(x))
		at++;
	return at < whole->step_count ? at + 1 : 0;
}

static __attribute__((noinline)) void
write_backups_of_hopped(struct writer *out, const struct exchange *x)
{
	struct plan whole;
	uint32_t first = plan_whole(x, &whole);
	if (!x->copy)
		write_behind(out, x, &whole, first);
}

static uint32_t
member_of(const struct plan *plan, uint32_t step)
{
	return step < plan->step_count ? plan->step[step].member : MEMBER_NONE;
}

uint32_t
told_first_backup(const struct exchange *x)
{
	struct plan whole;
	if (!x->hopped)
		return member_of(&x->plan, x->step + 1);
	uint32_t first = plan_whole(x, &whole);
	return member_of(&whole, first);
}

static void
write_backups(struct writer *out, const struct exchange *x)
{
	if (x->hopped)
		write_backups_of_hopped(out, x);
	else
		write_behind(out, x, &x->plan, x->step + 1);
}

enum reason
told_left(const struct exchange *x)
{
	for (uint32_t i = 0; i < x->plan.skipped_count; i++) {
		if (x->plan.skipped[i].member == x->plan.home)
			return x->plan.skipped[i].why;
	}
	return REASON_NONE;
}

bool
told_stays_full(const struct exchange *x)
{
	return !x->whom.fresh && told_left(x) == REASON_BUSY;
}

/* Why the session is not where it lived. */
enum reason
told_reason(const struct exchange *x)
{
	if (x->failed_why != REASON_NONE)
		return x->failed_why;
	if (x->plan.skipped_count > 0)
		return x->plan.skipped[0].why;
	if (x->plan.affinity == AFFINITY_FAILBACK)
		return x->whom.idle ? REASON_IDLE : REASON_PRIMARY_BACK;
	return REASON_DOWN;
}

static void
write_session(struct writer *out, const struct exchange *x)
{
	const struct membership *m = exchange_membership(x);
	uint32_t member = x->plan.step[x->step].member;
	char hex[2 * DIGEST_BYTES];
	struct writer digest = writer_on(hex, sizeof(hex));
	write_hex_bytes(&digest, x->session.digest.bytes, DIGEST_BYTES);
	write_together(out, SLICE("Holdfast-Session: "), (struct slice){hex, sizeof(hex)},
		       SLICE("\r\nHoldfast-Primary: "), id_of(m, x->whom.primary), SLICE("\r\n"));
	if (x->whom.last != MEMBER_NONE)
		write_together(out, SLICE("Holdfast-Served-Before: "), id_of(m, x->whom.last),
			       SLICE("\r\n"));
	uint32_t rank = told_rank(x, member);
	if (rank != HASHRING_NONE) {
		char digits[U64_DIGITS_MAX];
		write_together(out, SLICE("Holdfast-Rank: "), u64_text(rank, digits),
			       SLICE("\r\n"));
	}
	write_backups(out, x);
	if (member == x->plan.home || x->plan.home == MEMBER_NONE)
		return;
	if (x->copy)
		write_literal(out, "Holdfast-Mirror: first-backup\r\n");
	else
		write_together(out, SLICE("Holdfast-Failover: from="), id_of(m, x->plan.home),
			       SLICE("; reason="), slice_of(reason_text(told_reason(x))),
			       SLICE("\r\n"));
}

static struct slice
scheme_of(const struct exchange *x)
{
	return x->door->tls != NULL ? SLICE("https") : SLICE("http");
}

/* Who the client is by its certificate. Apart, for mostly there is none. */
static __attribute__((noinline)) void
write_identity(struct writer *out, const struct exchange *x)
{
	const struct tls_identity *identity = exchange_identity(x);
	if (identity == NULL)
		return;
	if (identity->subject.bytes > 0)
		write_together(out, SLICE("Holdfast-Client-Subject: "), identity->subject,
			       SLICE("\r\n"));
	if (identity->san.bytes > 0)
		write_together(out, SLICE("Holdfast-Client-San: "), identity->san, SLICE("\r\n"));
	write_together(out, SLICE("Holdfast-Client-Fingerprint: "), identity->fingerprint,
		       SLICE("\r\n"));
}

/* What came is left out; of a trusted sender it stands in the lines that are written. */
__attribute__((noinline)) void
write_told_forwarded(struct writer *out, struct exchange *x)
{
	const struct forwarding *rules = &x->slot->generation->services->forwarding;
	struct http_head *request = &x->request;
	struct forwarded came;
	struct forwarded_self self = {x->door->peer, scheme_of(x), request->host};
	write_identity(out, x);
	if (x->hopped || (x->copy && x->introduced)) /* the first node has written them */
		return;
	bool told = x->forwarded && forwarded_read(request, rules->read, &came);
	if (told)
		(void)forwarded_client(&came, rules->trusted, rules->count, x->door->peer);
	forwarded_write(out, rules->write, told ? &came : NULL, &self);
	for (size_t i = 0; i < request->field_count; i++) {
		if ((FORWARDED_IDS >> request->field[i].id & 1) != 0)
			request->field[i].drop = true;
	}
}

/* Mostly nothing came: the three lines in one go. */
static void
write_forwarded(struct writer *out, struct exchange *x)
{
	const struct http_head *request = &x->request;
	if ((request->ids & x->worker->services->forwarding.apart) != 0 ||
	    request->host.bytes == 0) {
		write_told_forwarded(out, x);
		return;
	}
	if (x->door->tls != NULL)
		write_identity(out, x);
	char text[ADDR_TEXT_BYTES_MAX];
	write_together(out, SLICE("X-Forwarded-For: "), addr_ip_text(x->door->peer, text),
		       SLICE("\r\nX-Forwarded-Proto: "), scheme_of(x),
		       SLICE("\r\nX-Forwarded-Host: "), request->host, SLICE("\r\n"));
}

struct slice
told_member(struct exchange *x)
{
	struct writer out = writer_on(x->worker->added, sizeof(x->worker->added));
	write_forwarded(&out, x);
	write_session(&out, x);
	return (struct slice){out.at, out.bytes};
}

/* failback = "stay_until_idle": a session that lives away from home shows that it is not idle. */
static bool
tag_is_due(const struct exchange *x)
{
	const struct config_service *config = x->slot->service->config;
	return config->failback == FAILBACK_STAY_UNTIL_IDLE &&
	       idle_tag_is_due(config->stay_until_idle_s, x->session.claims.issued_s,
			       (uint32_t)(clock_wall_ms() / 1000));
}

/* A tag is sent only when it says something new. */
static bool
tag_is_news(const struct exchange *x, uint32_t primary, uint32_t last)
{
	const struct session *s = &x->session;
	return !s->tagged || s->claims.old_secret || s->claims.primary != primary ||
	       s->claims.last != last || (primary != last && tag_is_due(x));
}

/* From this answer on. */
static uint32_t
lives_at(const struct exchange *x)
{
	return told_stays(x) ? x->plan.home : x->answered_by;
}

static struct tag_claims
claims_of(const struct exchange *x, uint32_t primary, uint32_t last)
{
	uint32_t rank = told_rank(x, lives_at(x));
	return (struct tag_claims){
	    .digest = x->session.digest,
	    .primary = primary,
	    .last = last,
	    .rank = rank < TAG_RANK_NONE ? (uint16_t)rank : TAG_RANK_NONE,
	    .issued_s = (uint32_t)(clock_wall_ms() / 1000),
	};
}

/* The tag behind the application's session id: a line of its own in `out`, or put into the lines
 * that issue it; that text stays where it is, behind what `out` says it holds. */
static void
tell_suffix(struct exchange *x, const struct session_suffix *suffix,
	    const struct tag_claims *claims, struct writer *out, struct door_answer *answer)
{
	struct worker *w = x->worker;
	size_t from = out->bytes;
	session_write_suffix(x->slot->service->rules, &x->session, suffix, claims, out);
	if (suffix->answer == SUFFIX_SILENT)
		return;
	struct slice text = {out->at + from, out->bytes - from};
	out->bytes = from;
	for (size_t i = 0; i < suffix->places.count; i++)
		w->inserts[i] = (struct http_insert){suffix->places.at[i], text};
	answer->inserts = w->inserts;
	answer->insert_count = suffix->places.count;
}

/* Apart, for most answers have nothing to tell. */
static __attribute__((noinline)) void
tell(struct exchange *x, bool news, uint32_t primary, uint32_t last, struct writer *out,
     struct door_answer *answer)
{
	const struct session_rules *rules = x->slot->service->rules;
	struct session_suffix suffix;
	if (rules->by_suffix &&
	    !session_wants_suffix(rules, &x->session, answer->head, news, &suffix))
		return;
	struct tag_claims claims = claims_of(x, primary, last);
	answer->tag_field = rules->tag_field;
	if (rules->by_suffix)
		tell_suffix(x, &suffix, &claims, out, answer);
	else
		session_write_tag(rules, &claims, out);
}

void
told_client(struct exchange *x, struct door_answer *answer)
{
	if (exchange_is_forwarded(x)) /* who served it has said it */
		return;
	const struct membership *m = exchange_membership(x);
	uint32_t primary = m->member[x->whom.primary].alias;
	uint32_t last = m->member[lives_at(x)].alias;
	struct writer out = writer_on(x->worker->added, sizeof(x->worker->added));
	if (x->hopped)
		write_mesh_served(&out, x);
	bool news = tag_is_news(x, primary, last);
	if (news || x->slot->service->rules->by_suffix)
		tell(x, news, primary, last, &out, answer);
	answer->added = (struct slice){out.at, out.bytes};
}
