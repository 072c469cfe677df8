/* voter.c: one voter's side of the register; see voter.h. */
#include "cluster/voter.h"

#include "cluster/register_wire.h"
#include "mutant.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NAMES_BYTES_MAX 160 /* of the voters that a message names */

const char *
voter_status_text(enum voter_status status)
{
	switch (status) {
	case VOTER_NEW:
	case VOTER_EMPTY:
		return "begins";
	case VOTER_READY:
		return "votes";
	case VOTER_LEARNING:
		return "learning";
	case VOTER_STOPPED:
		break;
	}
	return "stopped";
}

static void
change(struct voter *v)
{
	v->changes++;
}

/* ---- how a cluster begins --------------------------------------------------------------------
 */

static bool
others_are(const struct voter *v, enum voter_status at_least)
{
	for (size_t i = 0; i < v->nodes->count; i++) {
		bool other = v->nodes->node[i].voter && i != v->nodes->self;
		if (other && (v->heard[i] < at_least || v->heard[i] == VOTER_STOPPED))
			return false;
	}
	return true;
}

static bool
any_is_ready(const struct voter *v)
{
	for (size_t i = 0; i < v->nodes->count; i++)
		if (v->heard[i] == VOTER_READY)
			return true;
	return false;
}

/* A step is taken in `latest`; the status follows when it is on disk. */
static void
begin(struct voter *v)
{
	bool has_file = v->status != VOTER_NEW;
	if (v->changes != v->saved_up_to || v->status == VOTER_READY)
		return;
	/* The mutant always does what comes last here. NOLINTNEXTLINE(bugprone-branch-clone) */
	if (MUTANT == MUTANT_VOTES_EMPTY) {
		v->latest.begun = true;
		change(v);
	} else if (!has_file && any_is_ready(v)) {
		struct problem why;
		(void)problem_set(
		    &why, RESULT_INVALID,
		    "the register's file is missing, but the cluster is not new: this "
		    "voter has lost what it promised and does not vote");
		voter_lose(v, &why);
	} else if (!has_file && others_are(v, VOTER_NEW)) {
		change(v);
	} else if (has_file && (any_is_ready(v) || others_are(v, VOTER_EMPTY))) {
		v->latest.begun = true;
		change(v);
	}
}

static void
ask_others(const struct voter *v, struct outbox *out)
{
	for (cluster_node i = 0; i < v->nodes->count; i++)
		if (v->nodes->node[i].voter && i != v->nodes->self)
			put_u8(register_put(out, i, DATAGRAM_READ, "", 0), REGISTER_STATUS);
}

static bool
on_status(struct voter *v, uint64_t now, cluster_node from, struct body *b)
{
	uint8_t status = get_u8(b);
	if (!body_whole(b) || status < VOTER_NEW || status > VOTER_STOPPED)
		return false;
	v->heard[from] = status;
	v->heard_at[from] = now;
	if (v->status == VOTER_NEW || v->status == VOTER_EMPTY)
		begin(v);
	return true;
}

/* ---- reading ---------------------------------------------------------------------------------
 */

static void
answer_head(const struct voter *v, cluster_node to, enum datagram_type type, const char *role,
	    uint64_t number, struct outbox *out)
{
	/* A refusal promises nothing: it names what stands in the way, on disk or not yet. */
	struct register_head head =
	    register_image_head(type == DATAGRAM_OUTDATED ? &v->latest : &v->durable, role);
	struct outgoing *o = register_put(out, to, type, role, number);
	if (type == DATAGRAM_HELD)
		put_u8(o, REGISTER_HEAD);
	register_head_put(o, &head);
}

static bool
on_read(struct voter *v, cluster_node from, const char *role, struct body *b, struct outbox *out)
{
	uint64_t number = get_u64(b);
	uint8_t what = get_u8(b);
	if (what == REGISTER_STATUS && body_whole(b)) {
		struct outgoing *o = register_put(out, from, DATAGRAM_HELD, role, number);
		put_u8(o, REGISTER_STATUS);
		put_u8(o, (uint8_t)(v->status == VOTER_LEARNING ? VOTER_STOPPED : v->status));
		return true;
	}
	if (v->status != VOTER_READY)
		return true;
	if (what == REGISTER_ENTRY)
		return learn_answer(&v->durable, from, number, b, out);
	if (what == REGISTER_HEAD && body_whole(b)) {
		answer_head(v, from, DATAGRAM_HELD, role, number, out);
		return true;
	}
	if (what != REGISTER_PIECE)
		return false;
	const struct register_entry *e = register_image_find(&v->durable, role);
	struct body piece = *b;
	if (e == NULL || !pull_answer(e->document, &e->head.stamp, from, role, number, &piece, out))
		answer_head(v, from, DATAGRAM_HELD, role, number, out);
	return true;
}

/* ---- writing ---------------------------------------------------------------------------------
 */

/* WRITTEN, when what is in `latest` now is on disk. Full: the writer asks again. */
static void
answer_later(struct voter *v, cluster_node to, const char *role, uint64_t number,
	     struct outbox *out)
{
	if (v->changes == v->saved_up_to || MUTANT == MUTANT_NO_SYNC) {
		answer_head(v, to, DATAGRAM_WRITTEN, role, number, out);
		return;
	}
	for (size_t i = 0; i < v->waiting_count; i++)
		if (v->waiting[i].to == to && v->waiting[i].number == number &&
		    strcmp(v->waiting[i].role, role) == 0)
			return;
	if (v->waiting_count == VOTER_WAITING_MAX)
		return;
	v->waiting[v->waiting_count].to = to;
	v->waiting[v->waiting_count].number = number;
	memcpy(v->waiting[v->waiting_count].role, role, strlen(role) + 1);
	v->waiting[v->waiting_count++].change = v->changes;
}

static bool
on_claim(struct voter *v, cluster_node from, const char *role, uint64_t number,
	 const struct register_head *asked, struct outbox *out)
{
	struct register_entry *e = register_image_add(&v->latest, role);
	if (e == NULL)
		return true; /* no room; the claim ends for want of time */
	if (asked->term > e->head.term) {
		e->head.term = asked->term;
		e->head.claimant = asked->claimant;
		e->used = ++v->latest.uses;
		change(v);
	} else if (asked->term < e->head.term ||
		   !claimant_equal(&asked->claimant, &e->head.claimant)) {
		answer_head(v, from, DATAGRAM_OUTDATED, role, number, out);
		return true;
	}
	answer_later(v, from, role, number, out);
	return true;
}

/* Has the writer's term the say here? One that nobody is known to have claimed goes to the first.
 */
static bool
may_write(const struct register_head *ours, const struct register_head *asked)
{
	if (asked->term != ours->term)
		return asked->term > ours->term;
	return ours->claimant.node == ALIAS_NONE || asked->claimant.node == ALIAS_NONE ||
	       claimant_equal(&ours->claimant, &asked->claimant);
}

static void
keep(struct voter *v, struct register_entry *e, const struct register_head *asked,
     struct document *d)
{
	struct claimant claimant = e->head.claimant;
	if (asked->term > e->head.term || claimant.node == ALIAS_NONE)
		claimant = asked->claimant;
	e->head = *asked;
	e->head.claimant = claimant;
	document_unref(&e->document);
	e->document = document_ref(d);
	e->used = ++v->latest.uses;
	change(v);
}

/* What is being fetched already is not worse. */
static bool
pulls_better(const struct voter *v, const char *role, const struct register_head *asked)
{
	return pull_active(&v->pull) && strcmp(v->pull.role, role) == 0 &&
	       v->pulled.head.term >= asked->term &&
	       stamp_compare(&v->pulled.head.stamp, &asked->stamp) >= 0;
}

/* Only its timestamp is another: it need not come again. */
static bool
is_same_value(const struct register_entry *e, const struct register_head *asked)
{
	return e->document != NULL && e->head.bytes == asked->bytes &&
	       memcmp(e->head.digest, asked->digest, sizeof(asked->digest)) == 0;
}

static bool
on_value(struct voter *v, uint64_t now, cluster_node from, const char *role, uint64_t number,
	 const struct register_head *asked, struct outbox *out)
{
	struct register_entry *e = register_image_add(&v->latest, role);
	if (e == NULL)
		return true;
	int newer = stamp_compare(&asked->stamp, &e->head.stamp);
	if (newer < 0 || !may_write(&e->head, asked)) {
		answer_head(v, from, DATAGRAM_OUTDATED, role, number, out);
		return true;
	}
	if (newer == 0 && asked->term > e->head.term) {
		e->head.term = asked->term;
		e->head.claimant = asked->claimant;
		change(v);
	}
	if (newer == 0) {
		answer_later(v, from, role, number, out);
		return true;
	}
	if (is_same_value(e, asked)) {
		struct document *d = document_ref(e->document);
		keep(v, e, asked, d);
		document_unref(&d);
		answer_later(v, from, role, number, out);
		return true;
	}
	if (pulls_better(v, role, asked))
		return true; /* the writer asks again */
	v->pulled.head = *asked;
	v->pulled.from = from;
	v->pulled.number = number;
	(void)pull_start(&v->pull, role, asked, from, number | REGISTER_NUMBERS_OF_VOTERS,
			 v->resend_ms, now, out);
	return true;
}

static bool
on_write(struct voter *v, uint64_t now, cluster_node from, const char *role, struct body *b,
	 struct outbox *out)
{
	struct register_asked asked;
	if (!register_get_write(b, &asked))
		return false;
	bool own = asked.head.claimant.node == v->nodes->node[from].alias;
	if (asked.kind == REGISTER_CLAIM)
		return own && on_claim(v, from, role, asked.number, &asked.head, out);
	if (!own && asked.head.claimant.node != ALIAS_NONE)
		return false;
	return on_value(v, now, from, role, asked.number, &asked.head, out);
}

/* A piece of the value that is being written. What was there when it was announced may have
 * changed. */
static bool
on_piece(struct voter *v, uint64_t now, cluster_node from, const char *role, uint64_t number,
	 struct body *b, struct outbox *out)
{
	struct document *d = pull_receive(&v->pull, now, from, role, number, b, out);
	if (d == NULL)
		return true;
	struct register_entry *e = register_image_add(&v->latest, role);
	if (e != NULL && may_write(&e->head, &v->pulled.head) &&
	    stamp_compare(&v->pulled.head.stamp, &e->head.stamp) > 0) {
		keep(v, e, &v->pulled.head, d);
		answer_later(v, from, role, v->pulled.number, out);
	}
	document_unref(&d);
	return true;
}

/* ---- re-admission ----------------------------------------------------------------------------
 */

/* What was learnt is put on disk as any change is; voter_saved makes it vote. Always true. */
static bool
end_learning(struct voter *v)
{
	if (v->learn.phase != LEARN_DONE)
		return true;
	register_image_copy(&v->latest, &v->learn.image);
	learn_deinit(&v->learn);
	change(v);
	return true;
}

/* "b, c" of the other voters: those that vote and were heard of late, or all of them. */
static size_t
name_others(const struct voter *v, uint64_t now, bool ready, char *out, size_t room)
{
	size_t count = 0;
	size_t used = 0;
	out[0] = '\0';
	for (cluster_node i = 0; i < v->nodes->count; i++) {
		bool is_ready =
		    v->heard[i] == VOTER_READY && now - v->heard_at[i] <= VOTER_HEARD_MS_MAX;
		if (!v->nodes->node[i].voter || i == v->nodes->self || (ready && !is_ready))
			continue;
		if (used < room)
			used += (size_t)snprintf(out + used, room - used, "%s%s",
						 count > 0 ? ", " : "", v->nodes->node[i].id);
		count++;
	}
	return count;
}

enum result
voter_readmit(struct voter *v, uint64_t now, uint64_t silent_until, uint64_t number,
	      struct problem *p)
{
	char ready[NAMES_BYTES_MAX];
	char others[NAMES_BYTES_MAX];
	if (v->status == VOTER_LEARNING)
		return RESULT_OK;
	if (v->status != VOTER_STOPPED)
		return problem_set(p, RESULT_INVALID, "this voter has lost nothing");
	if (v->full)
		return problem_set(p, RESULT_INVALID,
				   "this voter has lost nothing, its disk has no room: %.200s",
				   v->problem.text);
	if (!v->lost)
		return problem_set(p, RESULT_INVALID,
				   "this voter was stopped by something else; mend that and start "
				   "the node again: %.200s",
				   v->problem.text);
	size_t voting = name_others(v, now, true, ready, sizeof(ready));
	size_t all = name_others(v, now, false, others, sizeof(others));
	if (voting < learn_needs(v->nodes))
		return problem_set(
		    p, RESULT_LIMIT,
		    "%zu of the other voters (%s) must vote, as what this one promised may be "
		    "known to some of them alone; of late these do: %s",
		    learn_needs(v->nodes), all > 0 ? others : "there are none",
		    voting > 0 ? ready : "none");
	learn_begin(&v->learn, v->nodes, silent_until, number, v->resend_ms);
	v->lost = false;
	v->status = VOTER_LEARNING;
	return RESULT_OK;
}

/* ---- events ----------------------------------------------------------------------------------
 */

bool
voter_receive(struct voter *v, uint64_t now, cluster_node from, enum datagram_type type,
	      const char *role, struct body *b, struct outbox *out)
{
	if (type == DATAGRAM_READ)
		return on_read(v, from, role, b, out);
	if (type == DATAGRAM_WRITE)
		return v->status != VOTER_READY || on_write(v, now, from, role, b, out);
	if (type != DATAGRAM_HELD)
		return false;
	uint64_t number = get_u64(b);
	uint8_t what = get_u8(b);
	if (what == REGISTER_STATUS)
		return on_status(v, now, from, b);
	if (v->status == VOTER_LEARNING)
		return learn_receive(&v->learn, now, from, number, role, what, b, out) &&
		       end_learning(v);
	if (what == REGISTER_PIECE && v->status == VOTER_READY)
		return on_piece(v, now, from, role, number, b, out);
	return true;
}

/* How the others are: until it votes, and when it must know whom to learn from. */
static bool
asks(const struct voter *v)
{
	return v->status == VOTER_NEW || v->status == VOTER_EMPTY || v->lost;
}

void
voter_tick(struct voter *v, uint64_t now, struct outbox *out)
{
	pull_tick(&v->pull, now, out);
	if (v->status == VOTER_LEARNING) {
		learn_tick(&v->learn, now, out);
		(void)end_learning(v);
	} else if (v->full) {
		v->room_due |= now >= v->room_at && v->saving_up_to == 0;
	} else if (asks(v) && now >= v->ask_at) {
		v->ask_at = now + (v->lost ? VOTER_ASK_LOST_MS : VOTER_ASK_MS);
		if (!v->lost)
			begin(v);
		ask_others(v, out);
	}
}

uint64_t
voter_next(const struct voter *v)
{
	uint64_t next = pull_next(&v->pull);
	if (v->status == VOTER_LEARNING)
		return learn_next(&v->learn);
	if (v->full)
		return v->saving_up_to != 0 ? CLUSTER_NEVER : v->room_at;
	return asks(v) && v->ask_at < next ? v->ask_at : next;
}

const struct register_image *
voter_save(struct voter *v)
{
	bool able = v->status != VOTER_STOPPED || v->room_due;
	if (!able || v->saving_up_to != 0 || v->changes == v->saved_up_to)
		return NULL;
	v->room_due = false;
	register_image_copy(&v->saving, &v->latest);
	v->saving_up_to = v->changes;
	return &v->saving;
}

void
voter_saved(struct voter *v, struct outbox *out)
{
	assert(v->saving_up_to != 0);
	register_image_copy(&v->durable, &v->saving);
	v->saved_up_to = v->saving_up_to;
	v->saving_up_to = 0;
	if (v->status == VOTER_STOPPED && !v->full)
		return;
	v->full = false;
	v->status = v->durable.begun ? VOTER_READY : VOTER_EMPTY;
	size_t left = 0;
	for (size_t i = 0; i < v->waiting_count; i++) {
		if (v->waiting[i].change > v->saved_up_to)
			v->waiting[left++] = v->waiting[i];
		else
			answer_head(v, v->waiting[i].to, DATAGRAM_WRITTEN, v->waiting[i].role,
				    v->waiting[i].number, out);
	}
	v->waiting_count = left;
	begin(v);
}

/* ---- life ------------------------------------------------------------------------------------
 */

void
voter_init(struct voter *v, const struct cluster_nodes *nodes, const struct register_image *image,
	   uint64_t resend_ms, uint64_t now)
{
	memset(v, 0, sizeof(*v));
	v->nodes = nodes;
	v->resend_ms = resend_ms;
	v->ask_at = now;
	v->status = image == NULL ? VOTER_NEW : image->begun ? VOTER_READY : VOTER_EMPTY;
	if (image == NULL)
		return;
	register_image_copy(&v->latest, image);
	register_image_copy(&v->durable, image);
}

void
voter_deinit(struct voter *v)
{
	pull_stop(&v->pull);
	learn_deinit(&v->learn);
	register_image_deinit(&v->latest);
	register_image_deinit(&v->saving);
	register_image_deinit(&v->durable);
}

void
voter_stop(struct voter *v, const struct problem *why)
{
	v->status = VOTER_STOPPED;
	v->lost = false;
	v->full = false;
	v->room_due = false;
	v->problem = *why;
	v->waiting_count = 0;
	pull_stop(&v->pull);
	learn_deinit(&v->learn);
}

void
voter_wait_for_room(struct voter *v, uint64_t now, const struct problem *why)
{
	assert(v->saving_up_to != 0);
	v->saving_up_to = 0;
	if (v->status == VOTER_STOPPED && !v->full)
		return;
	voter_stop(v, why);
	v->full = true;
	v->room_at = now + VOTER_ROOM_MS;
}

void
voter_lose(struct voter *v, const struct problem *why)
{
	voter_stop(v, why);
	v->lost = true;
}
