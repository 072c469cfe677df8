/*
 * register.c: reading, claiming and writing one role's register; see register.h.
 *
 *   read    ASKING -> settle
 *   claim   ASKING -> CLAIMING -> settle
 *   write   WRITING
 *   settle: PULLING if the newest value is not here, then WRITING unless a majority has it; of a
 *           claim always, as the first of its term
 */
#include "cluster/register.h"

#include "mutant.h"

#include <assert.h>
#include <string.h>

static uint64_t
bit(cluster_node node)
{
	return (uint64_t)1 << node;
}

static bool
is_majority(const struct role_turn *t, uint64_t nodes)
{
	return (size_t)__builtin_popcountll(nodes) >= cluster_majority(t->ground->nodes);
}

static uint32_t
own_alias(const struct role_turn *t)
{
	return cluster_alias(t->ground->nodes, t->ground->nodes->self);
}

static void
end(struct register_client *c, enum register_news news)
{
	c->job = REGISTER_NO_JOB;
	c->phase = REGISTER_IDLE;
	c->news = news;
	pull_stop(&c->pull);
}

/* ---- asking ----------------------------------------------------------------------------------
 */

/* What is written: a claim, one's own value, or a value that another wrote. */
static struct register_asked
written(const struct register_client *c, const struct role_turn *t)
{
	struct register_asked asked = {.number = c->number, .kind = REGISTER_VALUE};
	if (c->phase == REGISTER_CLAIMING) {
		asked.kind = REGISTER_CLAIM;
	} else {
		asked.head.stamp = c->known;
		asked.head.bytes = (uint32_t)c->document->bytes;
		memcpy(asked.head.digest, c->document->digest, sizeof(asked.head.digest));
	}
	if (c->job == REGISTER_READS) {
		asked.head.term = c->known.term;
		asked.head.claimant.node = ALIAS_NONE;
	} else {
		asked.head.term = c->term;
		asked.head.claimant = (struct claimant){own_alias(t), t->ground->boot};
	}
	return asked;
}

static void
ask_the_silent(struct register_client *c, const struct role_turn *t)
{
	const struct cluster_nodes *nodes = t->ground->nodes;
	c->resend_at = t->now + role_resend_ms(t->ground);
	struct register_asked asked = {.number = 0};
	if (c->phase != REGISTER_ASKING)
		asked = written(c, t);
	for (cluster_node i = 0; i < nodes->count; i++) {
		if (!nodes->node[i].voter || (c->answered & bit(i)) != 0)
			continue;
		if (c->phase == REGISTER_ASKING)
			put_u8(register_put(t->out, i, DATAGRAM_READ, t->role, c->number),
			       REGISTER_HEAD);
		else
			register_put_write(t->out, i, t->role, &asked);
	}
}

static void
enter(struct register_client *c, const struct role_turn *t, enum register_phase phase)
{
	if (c->number == 0)
		c->number = register_numbers_of(t->ground->boot);
	c->number++;
	c->phase = phase;
	c->answered = 0;
	ask_the_silent(c, t);
}

/* What the answers said so far is forgotten, and with it what was being fetched on their word. */
static void
forget_answers(struct register_client *c)
{
	pull_stop(&c->pull);
	c->best = (struct register_head){.term = 0};
	c->holders = 0;
	c->term = 0;
}

static void
ask_heads(struct register_client *c, const struct role_turn *t)
{
	forget_answers(c);
	enter(c, t, REGISTER_ASKING);
}

/* Somebody is faster: his value is on its way to the disks; look again when it may be there. */
static void
ask_heads_later(struct register_client *c, const struct role_turn *t)
{
	forget_answers(c);
	c->number++;
	c->phase = REGISTER_ASKING;
	c->answered = 0;
	c->resend_at = t->now + role_resend_ms(t->ground);
}

static void
claim_next(struct register_client *c, const struct role_turn *t)
{
	c->best = (struct register_head){.term = 0};
	c->holders = 0;
	c->term++;
	enter(c, t, REGISTER_CLAIMING);
}

/* ---- a majority answered ----------------------------------------------------------------------
 */

static void
finish(struct register_client *c)
{
	if (c->job == REGISTER_CLAIMS) {
		c->own_term = c->term;
		c->own_seq = 0;
	}
	end(c, c->job == REGISTER_READS    ? REGISTER_NEWS_READ
	       : c->job == REGISTER_CLAIMS ? REGISTER_NEWS_CLAIMED
					   : REGISTER_NEWS_WRITTEN);
}

static void
forget(struct register_client *c)
{
	document_unref(&c->document);
	c->known = (struct stamp){0, 0};
}

static void
pull_value(struct register_client *c, const struct role_turn *t)
{
	cluster_node holder = (cluster_node)__builtin_ctzll(c->holders);
	c->phase = REGISTER_PULLING;
	c->number++;
	c->resend_at = t->now + role_resend_ms(t->ground);
	(void)pull_start(&c->pull, t->role, &c->best, holder, c->number, role_resend_ms(t->ground),
			 t->now, t->out);
}

/*
 * A claim ends with a value of its own term at a majority, or found none at all. So what its owner
 * reads of an earlier term was written by a few and is not to be had by more: they are claimed.
 */
static bool
is_void(const struct register_client *c)
{
	return c->job == REGISTER_READS && c->best.stamp.term < c->own_term;
}

static void
settle(struct register_client *c, const struct role_turn *t)
{
	if (c->best.stamp.term == 0 || is_void(c)) {
		forget(c); /* nothing was ever written, whatever this node tried to write */
		finish(c);
	} else if (stamp_compare(&c->best.stamp, &c->known) != 0) {
		pull_value(c, t);
	} else if (c->job == REGISTER_CLAIMS) {
		c->known = (struct stamp){c->term, 0};
		enter(c, t, REGISTER_WRITING);
	} else if (is_majority(t, c->holders) ||
		   (c->job == REGISTER_READS && MUTANT == MUTANT_NO_WRITE_BACK)) {
		finish(c);
	} else {
		enter(c, t, REGISTER_WRITING);
	}
}

static void
know(struct register_client *c, const struct stamp *stamp, struct document *d)
{
	document_unref(&c->document);
	c->document = document_ref(d);
	c->known = *stamp;
}

/* ---- answers ---------------------------------------------------------------------------------
 */

static void
compare(struct register_client *c, cluster_node from, const struct register_head *head)
{
	int newer = stamp_compare(&head->stamp, &c->best.stamp);
	if (newer > 0) {
		c->best = *head;
		c->holders = 0;
	}
	if (newer >= 0)
		c->holders |= bit(from);
}

static void
on_head(struct register_client *c, const struct role_turn *t, cluster_node from,
	const struct register_head *head)
{
	c->answered |= bit(from);
	if (head->term > c->term)
		c->term = head->term;
	compare(c, from, head);
	if (!is_majority(t, c->answered))
		return;
	if (c->job == REGISTER_CLAIMS)
		claim_next(c, t);
	else
		settle(c, t);
}

static void
on_written(struct register_client *c, const struct role_turn *t, cluster_node from,
	   const struct register_head *head)
{
	c->answered |= bit(from);
	if (c->phase == REGISTER_CLAIMING)
		compare(c, from, head);
	if (!is_majority(t, c->answered))
		return;
	if (c->phase == REGISTER_CLAIMING)
		settle(c, t);
	else
		finish(c);
}

static void
on_outdated(struct register_client *c, const struct role_turn *t, const struct register_head *head)
{
	if (c->job == REGISTER_WRITES) {
		bool deposed = head->term > c->own_term;
		if (deposed)
			c->own_term = 0;
		end(c, deposed ? REGISTER_NEWS_DEPOSED : REGISTER_NEWS_UNWRITTEN);
	} else if (c->job == REGISTER_CLAIMS && c->phase == REGISTER_CLAIMING) {
		if (head->term > c->term)
			c->term = head->term;
		claim_next(c, t);
	} else {
		ask_heads_later(c, t);
	}
}

static bool
on_held(struct register_client *c, const struct role_turn *t, cluster_node from, uint64_t number,
	struct body *b)
{
	uint8_t what = get_u8(b);
	if (what == REGISTER_PIECE) {
		struct stamp stamp = c->pull.stamp;
		struct document *d =
		    pull_receive(&c->pull, t->now, from, t->role, number, b, t->out);
		if (d == NULL)
			return true;
		know(c, &stamp, d);
		document_unref(&d);
		settle(c, t);
		return true;
	}
	struct register_head head;
	register_head_get(b, &head);
	if (what != REGISTER_HEAD || !body_whole(b))
		return false;
	if (c->phase == REGISTER_IDLE || number != c->number)
		return true;
	if (c->phase == REGISTER_PULLING)
		ask_heads(c, t); /* the value that was asked for is there no more */
	else if (c->phase == REGISTER_ASKING && (c->answered & bit(from)) == 0)
		on_head(c, t, from, &head);
	return true;
}

bool
register_receive(struct register_client *c, const struct role_turn *t, cluster_node from,
		 enum datagram_type type, struct body *b)
{
	uint64_t number = get_u64(b);
	if (type == DATAGRAM_READ) {
		uint8_t what = get_u8(b);
		return what == REGISTER_PIECE &&
		       pull_answer(c->document, &c->known, from, t->role, number, b, t->out);
	}
	if (from >= t->ground->nodes->count || !t->ground->nodes->node[from].voter)
		return false;
	if (type == DATAGRAM_HELD)
		return on_held(c, t, from, number, b);
	struct register_head head;
	register_head_get(b, &head);
	if ((type != DATAGRAM_WRITTEN && type != DATAGRAM_OUTDATED) || !body_whole(b))
		return false;
	bool writing = c->phase == REGISTER_CLAIMING || c->phase == REGISTER_WRITING;
	if (!writing || number != c->number || (c->answered & bit(from)) != 0)
		return true;
	if (type == DATAGRAM_WRITTEN)
		on_written(c, t, from, &head);
	else
		on_outdated(c, t, &head);
	return true;
}

/* ---- jobs ------------------------------------------------------------------------------------
 */

static bool
start(struct register_client *c, enum register_job job, uint64_t deadline)
{
	if (c->job != REGISTER_NO_JOB)
		return false;
	c->job = job;
	c->deadline = deadline;
	c->news = REGISTER_NEWS_NONE;
	return true;
}

bool
register_read(struct register_client *c, const struct role_turn *t, uint64_t deadline)
{
	if (!start(c, REGISTER_READS, deadline))
		return false;
	ask_heads(c, t);
	return true;
}

bool
register_claim(struct register_client *c, const struct role_turn *t, uint64_t deadline)
{
	if (!start(c, REGISTER_CLAIMS, deadline))
		return false;
	c->own_term = 0;
	ask_heads(c, t);
	return true;
}

bool
register_write(struct register_client *c, const struct role_turn *t, struct document *d,
	       uint64_t deadline)
{
	assert(d->bytes > 0);
	if (c->own_term == 0 || !start(c, REGISTER_WRITES, deadline))
		return false;
	c->term = c->own_term;
	struct stamp stamp = {c->own_term, ++c->own_seq};
	know(c, &stamp, d);
	enter(c, t, REGISTER_WRITING);
	return true;
}

void
register_stop(struct register_client *c)
{
	end(c, REGISTER_NEWS_NONE);
}

void
register_forsake(struct register_client *c)
{
	end(c, REGISTER_NEWS_NONE);
	c->own_term = 0;
}

void
register_tick(struct register_client *c, const struct role_turn *t)
{
	if (c->job == REGISTER_NO_JOB)
		return;
	if (t->now >= c->deadline) {
		end(c, c->job == REGISTER_READS    ? REGISTER_NEWS_UNREAD
		       : c->job == REGISTER_CLAIMS ? REGISTER_NEWS_UNCLAIMED
						   : REGISTER_NEWS_UNWRITTEN);
		return;
	}
	pull_tick(&c->pull, t->now, t->out);
	if (c->phase == REGISTER_PULLING && !pull_active(&c->pull))
		ask_heads(c, t); /* its holder is gone, or it was damaged */
	else if (c->phase != REGISTER_PULLING && t->now >= c->resend_at)
		ask_the_silent(c, t);
}

uint64_t
register_next(const struct register_client *c)
{
	if (c->job == REGISTER_NO_JOB)
		return CLUSTER_NEVER;
	uint64_t next = c->phase == REGISTER_PULLING ? pull_next(&c->pull) : c->resend_at;
	if (c->phase == REGISTER_PULLING && !pull_active(&c->pull))
		next = c->resend_at;
	return next < c->deadline ? next : c->deadline;
}

enum register_news
register_take_news(struct register_client *c)
{
	enum register_news news = c->news;
	c->news = REGISTER_NEWS_NONE;
	return news;
}

void
register_client_deinit(struct register_client *c)
{
	end(c, REGISTER_NEWS_NONE);
	document_unref(&c->document);
}
