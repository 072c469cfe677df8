/* check_end_ev.c: how a check ends, and when the next one begins; see check_ev.h. */
#include "members/check_ev.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void
check_set_timer(struct check *c, uint64_t delay_ms)
{
	struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
				.tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
	(void)event_add(c->timer, &delay);
}

void
check_set_due(struct check *c, uint64_t now_ms)
{
	uint64_t left_ms = c->ends_ms > now_ms ? c->ends_ms - now_ms : 0;
	uint64_t delay_ms = left_ms < PROBE_TURN_MS ? left_ms : PROBE_TURN_MS;
	c->due_ms = now_ms + delay_ms;
	check_set_timer(c, delay_ms);
}

uint64_t
check_fast_ms(const struct prober *p)
{
	const struct config_health *h = &p->service->health;
	return h->fast_interval_ms < h->interval_ms ? h->fast_interval_ms : h->interval_ms;
}

/* +-10 % */
static uint64_t
jittered(struct prober *p, uint64_t interval_ms)
{
	return interval_ms - interval_ms / 10 + prng_next(&p->prng) % (interval_ms / 5 + 1);
}

/* `open`: the verdict is. */
static void
wait_for_next(struct check *c, bool open, uint64_t now_ms)
{
	struct prober *p = c->prober;
	uint64_t interval_ms = open ? check_fast_ms(p) : p->service->health.interval_ms;
	uint64_t next_ms = c->begun_ms + jittered(p, interval_ms);
	check_set_timer(c, next_ms > now_ms ? next_ms - now_ms : 0);
}

void
check_let_go(struct check *c)
{
	if (c->io != NULL)
		event_free(c->io);
	c->io = NULL;
	if (c->channel != NULL)
		tls_channel_goodbye(c->channel);
	tls_channel_free(&c->channel);
	probe_h2_free(&c->h2);
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	free(c->answer);
	c->answer = NULL;
	c->held = 0;
	c->sent = 0;
	c->connected = false;
	c->shaken = false;
	c->heard = false;
}

bool
check_start_over(struct check *c, uint64_t now_ms)
{
	if (now_ms <= c->due_ms + PROBE_LATE_MS || c->excused >= PROBE_EXCUSED_MAX)
		return false;
	log_debug("service %s: a check of %s begins anew: this node did not run for %llu ms",
		  c->prober->service->name, c->prober->membership->member[c->member].id,
		  (unsigned long long)(now_ms - c->due_ms));
	c->excused++;
	check_let_go(c);
	check_set_timer(c, 0);
	return true;
}

/* ---- ends of a check --------------------------------------------------------------------------
 */

struct slice
check_origin(const struct check *c)
{
	return slice_of(c->prober->membership->member[c->member].origin_text);
}

/* What is no weight is said once, until a good one comes. */
static void
tell_unsaid(struct check *c, const struct probe_finding *f)
{
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer value = writer_on(text, sizeof(text));
	struct slice shown = f->unsaid_text;
	if (shown.bytes > WEIGHT_SHOWN_BYTES_MAX)
		shown.bytes = WEIGHT_SHOWN_BYTES_MAX;
	write_escaped(&value, shown);
	if (!c->unsaid)
		log_warn("service %s: member %s says Holdfast-Weight: %s, which is not one field "
			 "with a number up to %d or a percentage up to %d%%: ignored",
			 c->prober->service->name, c->prober->membership->member[c->member].id,
			 writer_text(&value), MEMBER_WEIGHT_MAX, WEIGHT_PERCENT_MAX);
	c->unsaid = true;
}

/* A member may say another one with every check: only what opens or closes it is news. */
static void
tell_weight(const struct check *c, const struct pool_outcome *o)
{
	char weight[WEIGHT_TEXT_BYTES];
	const char *service = c->prober->service->name;
	const char *member = c->prober->membership->member[c->member].id;
	weight_text(o->after, weight);
	if (weight_is_none(o->after))
		log_info("service %s: member %s takes no new sessions (Holdfast-Weight: %s)",
			 service, member, weight);
	else if (weight_is_none(o->before))
		log_info("service %s: member %s takes new sessions again", service, member);
	else
		log_debug("service %s: member %s has the weight %s for new sessions", service,
			  member, weight[0] != '\0' ? weight : "that is configured");
}

void
check_finish(struct check *c, enum probe_outcome outcome, const struct probe_finding *f,
	     const char *what)
{
	struct prober *p = c->prober;
	uint64_t now_ms = clock_ms();
	if (outcome != PROBE_WELL && check_start_over(c, now_ms))
		return;
	c->excused = 0;
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer seen = writer_on(text, sizeof(text));
	write_format(&seen, "probe %.*s: %s", SLICE_ARG(check_origin(c)), what);
	struct pool_check check = {.well = outcome == PROBE_WELL,
				   .why = f->why,
				   .now_ms = now_ms,
				   .seen = writer_text(&seen),
				   .said = f->said,
				   .unsaid = f->unsaid};
	if (f->unsaid)
		tell_unsaid(c, f);
	else if (check.well)
		c->unsaid = false;
	check_let_go(c);
	log_debug("service %s: %s", p->service->name, check.seen);
	struct pool_outcome told =
	    pool_checked(p->pool, p->membership->member[c->member].live, &check);
	wait_for_next(c, told.open, now_ms);
	if (!weight_equal(told.before, told.after))
		tell_weight(c, &told);
}

void
check_finish_ill(struct check *c, enum reason why, const char *what)
{
	check_finish(c, PROBE_ILL, &(struct probe_finding){.why = why}, what);
}

static void
fail(struct check *c, int error)
{
	char text[PROBE_SEEN_BYTES_MAX];
	struct writer what = writer_on(text, sizeof(text));
	write_text(&what, strerror(error));
	text[0] = ascii_lower(text[0]);
	check_finish_ill(c, REASON_PROBE_FAILED, writer_text(&what));
}

void
check_put_off(struct check *c, int error)
{
	struct prober *p = c->prober;
	if (!p->lacking)
		log_warn("service %s: a check is put off: %s", p->service->name, strerror(error));
	p->lacking = true;
	check_let_go(c);
	wait_for_next(c, false, clock_ms());
}

static bool
is_lack(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == EADDRNOTAVAIL || error == EAGAIN;
}

void
check_end_badly(struct check *c, int error)
{
	if (is_lack(error))
		check_put_off(c, error);
	else
		fail(c, error);
}
