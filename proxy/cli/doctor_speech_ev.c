/* doctor_speech_ev.c: see doctor_speech_ev.h. A round is a pool and its checks, for as long as each
 * member needs for one verdict. */
#include "cli/doctor_speech_ev.h"

#include "base/clock.h"
#include "members/probe_ev.h"
#include "route/service.h"

#include <stdlib.h>

#define ROUND_INTERVAL_MS 3000 /* the first checks are spread over it, at most */
#define ROUND_TICK_US     5000

/* What came of asking a member in one way. */
struct found {
	bool well;
	enum reason why; /* it is not well; NONE: it was not asked, or not to an end */
	char seen[SPEECH_BYTES_MAX];
};

/* ---- the ways there are -----------------------------------------------------------------------
 */

struct manner {
	bool tls;
	bool http2;
};

static struct manner
manner_of(const struct config_service *s)
{
	return (struct manner){s->tls.enabled, s->protocol == MEMBER_HTTP2};
}

static const char *
manner_text(struct manner m)
{
	static const char *const texts[2][2] = {{"HTTP/1.1", "HTTP/2"},
						{"HTTP/1.1 over TLS", "HTTP/2 over TLS"}};
	return texts[m.tls][m.http2];
}

/*
 * The other ways, in the order in which they are tried. TLS first: who speaks that may answer what
 * is not TLS in plain HTTP, with 400.
 */
#define OTHER_MANNERS 3
static void
other_manners(struct manner m, struct manner out[OTHER_MANNERS])
{
	size_t count = 0;
	for (int tls = 1; tls >= 0; tls--) {
		for (int same = 1; same >= 0; same--) {
			struct manner other = {tls == 1, same == 1 ? m.http2 : !m.http2};
			if (other.tls != m.tls || other.http2 != m.http2)
				out[count++] = other;
		}
	}
}

/* Does health.path stand for something? */
static bool
is_checked(const struct config_service *s)
{
	return s->health.enabled && s->health.path != NULL;
}

static char root_path[] = "/";

/* The service as it is asked: one check a member is a verdict. */
static struct config_service
asked_as_configured(const struct config_service *s)
{
	struct config_service as = *s;
	if (!is_checked(s)) {
		as.health.path = root_path;
		as.health.timeout_ms = SPEECH_ASK_MS;
	}
	as.health.enabled = true;
	as.health.interval_ms = ROUND_INTERVAL_MS;
	as.health.fall = 1;
	as.health.rise = 1;
	return as;
}

static struct config_service
asked_otherwise(const struct config_service *s, struct manner m)
{
	struct config_service as = asked_as_configured(s);
	as.health.path = root_path;
	as.health.timeout_ms = SPEECH_ASK_MS;
	as.health.expect_low = 100;
	as.health.expect_high = 599;
	as.tls.enabled = m.tls;
	as.tls.verify = false;
	as.protocol = m.http2 ? MEMBER_HTTP2 : MEMBER_HTTP1;
	return as;
}

/* ---- a round ----------------------------------------------------------------------------------
 */

struct round {
	struct event_base *base;
	struct event *tick;
	struct tls_client *tls; /* NULL: plain */
	struct pool *pool;
	struct prober *prober;
	struct found *found; /* borrowed; by place in the pool */
	size_t count;
};

/* "probe ORIGIN: what" */
static void
on_change(void *context, const struct pool_change *change)
{
	const struct round *r = context;
	struct found *f = &r->found[change->member];
	const char *origin = change->membership->member[change->member].origin_text;
	size_t ahead = strlen("probe ") + strlen(origin) + strlen(": ");
	bool whole = strlen(change->seen) > ahead;
	if (change->verdict.after != MEMBER_DOWN || f->why != REASON_NONE)
		return;
	f->why = change->reason;
	(void)snprintf(f->seen, sizeof(f->seen), "%s", change->seen + (whole ? ahead : 0));
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
}

/* Has each member its verdict? */
static bool
is_over(const struct round *r)
{
	bool over = true;
	struct view *view = pool_view(r->pool);
	for (size_t i = 0; i < r->count; i++) {
		struct found *f = &r->found[i];
		const struct member_live *live = view->membership->member[i].live;
		f->well = f->why == REASON_NONE && pool_is_checked(r->pool, live, 0);
		over &= f->well || f->why != REASON_NONE;
	}
	view_unref(&view);
	return over;
}

static bool
round_begin(struct round *r, const struct config_service *as)
{
	const struct timeval tick = {.tv_usec = ROUND_TICK_US};
	struct problem p = {""};
	r->base = event_base_new();
	if (r->base == NULL || service_tls_create(&as->tls, as->protocol == MEMBER_HTTP2, NULL,
						  &r->tls, &p) != RESULT_OK)
		return false;
	r->tick = event_new(r->base, -1, EV_PERSIST, on_tick, NULL);
	if (r->tick == NULL || event_add(r->tick, &tick) != 0)
		return false;
	if (pool_create(as, (struct pool_tls){r->tls, NULL}, 1, &r->pool, &p) != RESULT_OK)
		return false;
	pool_observe(r->pool, (struct pool_observer){.changed = on_change, .context = r});
	return prober_start(r->base, as, r->pool, (struct prober_node){.hops = NULL}, &r->prober,
			    &p) == RESULT_OK;
}

static void
round_end(struct round *r)
{
	prober_stop(&r->prober);
	pool_unref(&r->pool);
	tls_client_unref(&r->tls);
	if (r->tick != NULL)
		event_free(r->tick);
	if (r->base != NULL)
		event_base_free(r->base);
}

/* Asks the service's members, all together. */
static void
round_run(const struct config_service *as, struct found *found)
{
	struct round r = {.found = found, .count = as->member_count};
	/* A check that begins anew may do so a few times. */
	uint64_t limit_ms = ROUND_INTERVAL_MS + (1 + PROBE_EXCUSED_MAX) * as->health.timeout_ms;
	uint64_t until_ms = clock_ms() + limit_ms;
	if (round_begin(&r, as)) {
		while (!is_over(&r) && clock_ms() < until_ms)
			(void)event_base_loop(r.base, EVLOOP_ONCE);
	}
	round_end(&r);
}

/* ---- what it comes to -------------------------------------------------------------------------
 */

/* A member under examination. */
struct asking {
	struct speech *speech;
	struct found configured;
	const char *spoken; /* in another way than configured; NULL: none is known */
};

/* What a server of TLS may say to who speaks without. */
static bool
is_bad_request(const struct found *f)
{
	return f->why == REASON_PROBE_STATUS && strcmp(f->seen, "status 400") == 0;
}

/* Is it worth asking in the manner `other`? */
static bool
wants(const struct asking *a, struct manner configured, struct manner other)
{
	switch (a->configured.why) {
	case REASON_PROBE_STATUS:
		return is_bad_request(&a->configured) && !configured.tls && other.tls;
	case REASON_PROBE_FAILED:
	case REASON_PROBE_TIMEOUT:
	case REASON_TLS_FAILED:
	case REASON_TLS_TIMEOUT:
	case REASON_NOT_HTTP2:
		return true;
	default:
		return false; /* well, or the right way, and refused */
	}
}

/* Those of `list` at `which`, asked as `as` says. */
static void
ask(struct config_service as, const struct asking *list, const size_t *which, size_t count,
    struct found *found)
{
	struct config_member *members = calloc(count + 1, sizeof(*members));
	memset(found, 0, count * sizeof(*found));
	for (size_t i = 0; members != NULL && i < count; i++) {
		const struct speech *s = list[which[i]].speech;
		members[i] = *s->member;
		members[i].resolved = s->at;
	}
	as.members = members;
	as.member_count = count;
	if (members != NULL && count > 0)
		round_run(&as, found);
	free(members);
}

static void
ask_otherwise(const struct config_service *s, struct manner m, struct asking *list, size_t count,
	      size_t *which, struct found *found)
{
	size_t some = 0;
	for (size_t i = 0; i < count; i++) {
		if (list[i].spoken == NULL && wants(&list[i], manner_of(s), m))
			which[some++] = i;
	}
	ask(asked_otherwise(s, m), list, which, some, found);
	for (size_t i = 0; i < some; i++) {
		if (found[i].well)
			list[which[i]].spoken = manner_text(m);
		else if (found[i].why == REASON_TLS_REFUSED)
			list[which[i]].spoken = "TLS";
	}
}

/* Nothing, where it answers as it should. */
static void
tell(const struct asking *a, const struct config_service *s)
{
	char address[ADDR_TEXT_BYTES_MAX];
	struct writer at = writer_on(address, sizeof(address));
	struct speech *to = a->speech;
	const struct found *f = &a->configured;
	const char *wanted = manner_text(manner_of(s));
	bool slow = f->why == REASON_PROBE_TIMEOUT || f->why == REASON_PROBE_STATUS;
	write_addr(&at, &to->member->origin);
	if (f->why == REASON_NONE || (slow && !is_checked(s) && a->spoken == NULL))
		return;
	if (a->spoken != NULL)
		(void)snprintf(to->wrong, sizeof(to->wrong), "%s speaks %s, and %s is configured",
			       writer_text(&at), a->spoken, wanted);
	else if (f->why == REASON_PROBE_STATUS)
		(void)snprintf(to->wrong, sizeof(to->wrong),
			       "%s answers GET %.64s with %s, and %d to %d are well",
			       writer_text(&at), s->health.path, f->seen, s->health.expect_low,
			       s->health.expect_high);
	else
		(void)snprintf(to->wrong, sizeof(to->wrong), "%s does not answer by %s: %.96s",
			       writer_text(&at), wanted, f->seen);
}

static void
examine(const struct config_service *s, struct asking *list, size_t count, size_t *which,
	struct found *found)
{
	struct manner others[OTHER_MANNERS];
	for (size_t i = 0; i < count; i++)
		which[i] = i;
	ask(asked_as_configured(s), list, which, count, found);
	for (size_t i = 0; i < count; i++)
		list[i].configured = found[i];
	other_manners(manner_of(s), others);
	for (size_t i = 0; i < OTHER_MANNERS; i++)
		ask_otherwise(s, others[i], list, count, which, found);
	for (size_t i = 0; i < count; i++)
		tell(&list[i], s);
}

void
speech_all(const struct config_service *service, struct speech *list, size_t count)
{
	struct asking *asking = calloc(count + 1, sizeof(*asking));
	struct found *found = calloc(count + 1, sizeof(*found));
	size_t *which = calloc(count + 1, sizeof(*which));
	for (size_t i = 0; asking != NULL && i < count; i++)
		asking[i].speech = &list[i];
	if (asking != NULL && found != NULL && which != NULL)
		examine(service, asking, count, which, found);
	free(which);
	free(found);
	free(asking);
}
