/* epoch_publish.c: proposals, and what the master makes of them; see epoch.h. */
#include "cluster/epoch_inside.h"
#include "mutant.h"

#include <stdio.h>
#include <string.h>

#define WHY_DOUBT "the master was lost meanwhile: look whether it was made"

static bool
is_master(const struct epochs *e)
{
	return e->master.node == e->nodes->self;
}

/* ---- the end of a proposal ------------------------------------------------------------------- */

static void
send_answer(const struct epochs *e, const struct epoch_answer *a, struct outbox *out)
{
	struct outgoing *o = outbox_add(out, a->to, DATAGRAM_ANSWER);
	(void)e;
	put_u64(o, a->nonce);
	put_u8(o, (uint8_t)a->outcome);
	put_u64(o, a->epoch);
	put_text(o, a->why);
}

static void
finish(struct epochs *e, struct epoch_proposal *p, enum epoch_outcome outcome, const char *why,
       struct outbox *out)
{
	p->used = false;
	if (p->from == e->nodes->self) {
		e->host.done(e->host.self, p->ticket, outcome, e->held.epoch, why);
		return;
	}
	struct epoch_answer *a = &e->answer[e->answer_next++ % EPOCH_ANSWERS_KEPT];
	*a = (struct epoch_answer){p->from, p->nonce, outcome, e->held.epoch, ""};
	(void)snprintf(a->why, sizeof(a->why), "%s", why);
	send_answer(e, a, out);
}

void
epochs_settle_waiting(struct epochs *e)
{
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		struct epoch_proposal *p = &e->proposal[i];
		if (p->used && p->waits && p->base <= e->held.epoch)
			finish(e, p, EPOCH_DONE, "", NULL);
	}
}

/* Its time is over. What another node proposed, that node counts for itself. */
static void
expire(struct epochs *e, struct epoch_proposal *p, struct outbox *out)
{
	if (p->from != e->nodes->self)
		p->used = false;
	else if (p->waits)
		finish(e, p, EPOCH_DONE, "this node does not hold it yet", out);
	else if (p->sent)
		finish(e, p, EPOCH_UNKNOWN, "the master gave no answer: look whether it was made",
		       out);
	else if (e->master.node == NODE_NONE)
		finish(e, p, EPOCH_NO_MASTER, "nobody is master", out);
	else
		finish(e, p, EPOCH_NO_MASTER, "the master is not ready to publish", out);
}

/* ---- the master's part ----------------------------------------------------------------------- */

static void
ask_register(struct epochs *e, uint64_t now, struct outbox *out)
{
	e->state = EPOCH_READS;
	e->read_at = CLUSTER_NEVER; /* until it is answered */
	engine_read(e->engine, now, ROLE_CLUSTER, out);
}

/* Holds the document that was written, and answers who proposed it. */
static void
publish(struct epochs *e, uint64_t now, struct outbox *out)
{
	struct document *d = e->written;
	size_t place = e->written_for;
	e->written = NULL;
	e->written_for = EPOCH_PROPOSALS_MAX;
	e->doubt = false;
	bool held = epoch_compare(&e->written_version, &e->held) <= 0 ||
		    epochs_hold(e, now, d, &e->written_version, out);
	document_unref(&d);
	e->counts.published += held;
	if (place < EPOCH_PROPOSALS_MAX)
		finish(e, &e->proposal[place], held ? EPOCH_DONE : EPOCH_UNKNOWN,
		       held ? "" : "it was written, and this node cannot use it", out);
}

/* It may have been written or not, and nobody who would know is left. */
static void
give_up_written(struct epochs *e, enum epoch_outcome outcome, const char *why, struct outbox *out)
{
	size_t place = e->written_for;
	document_unref(&e->written);
	e->written_for = EPOCH_PROPOSALS_MAX;
	e->doubt = false;
	if (place < EPOCH_PROPOSALS_MAX)
		finish(e, &e->proposal[place], outcome, why, out);
}

static void
write_out(struct epochs *e, uint64_t now, size_t place, struct document *d, struct outbox *out)
{
	struct problem p = {""};
	e->written = d;
	e->written_for = place;
	if (e->host.read(e->host.self, d, &e->written_version, &p) != RESULT_OK) {
		give_up_written(e, EPOCH_REFUSED, p.text, out);
		return;
	}
	e->proposal[place].sent = true;
	if (e->engine == NULL) {
		publish(e, now, out);
		return;
	}
	e->state = EPOCH_WRITES;
	engine_write(e->engine, now, ROLE_CLUSTER, d, out);
}

/* Compare-and-set, then the change itself. */
static void
decide(struct epochs *e, uint64_t now, size_t place, struct outbox *out)
{
	struct epoch_proposal *p = &e->proposal[place];
	struct slice change = {p->change, p->bytes};
	struct document *d = NULL;
	struct problem problem = {""};
	if (MUTANT != MUTANT_NO_COMPARE && p->base != EPOCH_ANY && p->base != e->held.epoch) {
		/* Of our own: the master before us may have made it, and its answer was lost. */
		finish(e, p, p->doubt ? EPOCH_UNKNOWN : EPOCH_STALE,
		       p->doubt ? WHY_DOUBT : "it was made against another epoch", out);
		return;
	}
	enum result r =
	    e->host.make(e->host.self, change, e->held.epoch + 1, e->master.term, &d, &problem);
	problem.text[EPOCH_WHY_BYTES_MAX] = '\0';
	if (r != RESULT_OK)
		finish(e, p, EPOCH_REFUSED, problem.text, out);
	else if (d == NULL)
		finish(e, p, EPOCH_SAME, "", out);
	else
		write_out(e, now, place, d, out);
}

/* The first that came; EPOCH_PROPOSALS_MAX: none. */
static size_t
first_proposal(const struct epochs *e)
{
	size_t first = EPOCH_PROPOSALS_MAX;
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		if (e->proposal[i].used && !e->proposal[i].waits &&
		    (first == EPOCH_PROPOSALS_MAX ||
		     e->proposal[i].number < e->proposal[first].number))
			first = i;
	}
	return first;
}

void
epochs_engine(struct epochs *e, uint64_t now, const struct engine_event *event, struct outbox *out)
{
	struct epoch_version version;
	struct problem p;
	bool read = event->kind == ENGINE_READ && event->document != NULL &&
		    e->host.read(e->host.self, event->document, &version, &p) == RESULT_OK;
	switch (event->kind) {
	case ENGINE_WRITTEN:
		if (e->state == EPOCH_WRITES)
			e->state = EPOCH_READY;
		if (e->written != NULL)
			publish(e, now, out);
		break;
	case ENGINE_UNWRITTEN:
		e->doubt = e->written != NULL;
		if (e->state == EPOCH_WRITES)
			ask_register(e, now, out);
		else
			give_up_written(e, EPOCH_UNKNOWN,
					"the master lost its role: look whether it was made", out);
		break;
	case ENGINE_READ:
		if (e->state != EPOCH_READS)
			break;
		e->state = EPOCH_READY;
		if (read && e->doubt && epoch_compare(&version, &e->written_version) == 0)
			publish(e, now, out);
		else if (read && epoch_compare(&version, &e->held) > 0)
			(void)epochs_hold(e, now, event->document, &version, out);
		/* A few may have it all the same, and the next master may find it there. */
		if (e->doubt)
			give_up_written(e, EPOCH_UNKNOWN, "no majority wrote it down", out);
		break;
	case ENGINE_UNREAD:
		if (e->state == EPOCH_READS)
			e->read_at = now + EPOCH_READ_AGAIN_MS;
		break;
	default:
		break;
	}
	epochs_work(e, now, out);
}

void
epochs_master(struct epochs *e, uint64_t now, const struct claim *master, struct outbox *out)
{
	bool was = is_master(e);
	bool other = master->node != e->master.node || master->term != e->master.term;
	e->master = *master;
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		struct epoch_proposal *p = &e->proposal[i];
		if (!p->used)
			continue;
		p->doubt |= other && p->sent;
		p->send_at = now;
		/* Who sent it here asks the next one. */
		if (!is_master(e) && p->from != e->nodes->self && i != e->written_for)
			p->used = false;
	}
	if (is_master(e)) {
		e->announce_at = now;
		if (e->engine != NULL && MUTANT != MUTANT_NO_READ)
			ask_register(e, now, out);
		else
			e->state = EPOCH_READY;
	} else if (was) {
		e->state = EPOCH_FOLLOWS;
		if (e->doubt)
			give_up_written(e, EPOCH_UNKNOWN,
					"the master lost its role: look whether it was made", out);
	}
	epochs_work(e, now, out);
}

/* ---- proposals of other nodes ---------------------------------------------------------------- */

static struct epoch_proposal *
room(struct epochs *e)
{
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		if (!e->proposal[i].used)
			return &e->proposal[i];
	}
	return NULL;
}

/* It came before: its answer was lost, or it is being worked on. */
static bool
is_known(struct epochs *e, cluster_node from, uint64_t nonce, struct outbox *out)
{
	for (size_t i = 0; i < EPOCH_ANSWERS_KEPT; i++) {
		if (e->answer[i].to == from && e->answer[i].nonce == nonce) {
			send_answer(e, &e->answer[i], out);
			return true;
		}
	}
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		const struct epoch_proposal *p = &e->proposal[i];
		if (p->used && p->from == from && p->nonce == nonce)
			return true;
	}
	return false;
}

void
epochs_hear_proposal(struct epochs *e, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct body b = body_of(in->body, in->bytes);
	uint64_t nonce = get_u64(&b);
	uint64_t base = get_u64(&b);
	size_t bytes = b.left;
	const uint8_t *change = get_bytes(&b, bytes);
	if (!body_whole(&b) || bytes == 0 || bytes > EPOCH_CHANGE_BYTES_MAX || !is_master(e) ||
	    is_known(e, in->from, nonce, out))
		return;
	struct epoch_proposal *p = room(e);
	if (p == NULL)
		return; /* it comes again */
	*p = (struct epoch_proposal){.used = true,
				     .from = in->from,
				     .nonce = nonce,
				     .base = base,
				     .number = e->numbers++,
				     .until = now + EPOCH_PROPOSAL_MS,
				     .bytes = bytes};
	memcpy(p->change, change, bytes);
	epochs_work(e, now, out);
}

/* ---- proposals of this node ------------------------------------------------------------------ */

void
epochs_hear_answer(struct epochs *e, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct body b = body_of(in->body, in->bytes);
	char why[BODY_TEXT_BYTES_MAX + 1];
	uint64_t nonce = get_u64(&b);
	uint8_t outcome = get_u8(&b);
	uint64_t epoch = get_u64(&b);
	get_text(&b, why, sizeof(why));
	if (!body_whole(&b) || outcome >= EPOCH_OUTCOMES)
		return;
	epochs_heard(e, now, in->from, epoch);
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		struct epoch_proposal *p = &e->proposal[i];
		/* What this node writes as master itself ends with that. */
		if (!p->used || p->from != e->nodes->self || p->nonce != nonce || p->waits ||
		    i == e->written_for)
			continue;
		if (outcome == EPOCH_DONE && epoch > e->held.epoch) {
			p->waits = true;
			p->base = epoch;
		} else if (outcome == EPOCH_STALE && p->doubt) {
			finish(e, p, EPOCH_UNKNOWN, WHY_DOUBT, out);
		} else if (outcome == EPOCH_STALE && !p->pinned) {
			p->base = epoch; /* this node was behind: against what the master holds */
			p->nonce = ++e->nonce;
			p->sent = false; /* that one is over */
			p->send_at = now;
			epochs_work(e, now, out);
		} else {
			finish(e, p, (enum epoch_outcome)outcome, why, out);
		}
		return;
	}
}

void
epochs_propose(struct epochs *e, uint64_t now, uint64_t ticket, uint64_t base, struct slice change,
	       struct outbox *out)
{
	struct epoch_proposal *p = room(e);
	if (p == NULL || change.bytes > EPOCH_CHANGE_BYTES_MAX) {
		e->host.done(e->host.self, ticket, p == NULL ? EPOCH_BUSY : EPOCH_REFUSED,
			     e->held.epoch,
			     p == NULL ? "other changes are under way" : "the change is too long");
		return;
	}
	*p = (struct epoch_proposal){.used = true,
				     .pinned = base != EPOCH_ANY,
				     .from = e->nodes->self,
				     .to = NODE_NONE,
				     .nonce = ++e->nonce,
				     .ticket = ticket,
				     .base = base,
				     .number = e->numbers++,
				     .until = now + EPOCH_PROPOSAL_MS,
				     .send_at = now,
				     .bytes = change.bytes};
	memcpy(p->change, change.at, change.bytes);
	epochs_work(e, now, out);
}

bool
epochs_is_to_send(const struct epochs *e, const struct epoch_proposal *p)
{
	return p->from == e->nodes->self && !p->waits && !is_master(e) &&
	       e->master.node != NODE_NONE;
}

static void
send_proposal(struct epochs *e, uint64_t now, struct epoch_proposal *p, struct outbox *out)
{
	/* From the first time on it is a change of that very epoch, whoever is master. */
	if (p->base == EPOCH_ANY)
		p->base = e->held.epoch;
	/* Who is master may have been started anew since, and not know what it did with it. */
	p->doubt |= p->sent;
	p->sent = true;
	p->to = e->master.node;
	p->send_at = now + EPOCH_RESEND_MS;
	struct outgoing *o = outbox_add(out, p->to, DATAGRAM_PROPOSAL);
	put_u64(o, p->nonce);
	put_u64(o, p->base);
	put_bytes(o, p->change, p->bytes);
}

/* ---- all ------------------------------------------------------------------------------------- */

void
epochs_work(struct epochs *e, uint64_t now, struct outbox *out)
{
	if (e->state == EPOCH_READS && now >= e->read_at)
		ask_register(e, now, out);
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		struct epoch_proposal *p = &e->proposal[i];
		if (p->used && now >= p->until && i != e->written_for)
			expire(e, p, out);
		else if (p->used && epochs_is_to_send(e, p) && now >= p->send_at)
			send_proposal(e, now, p, out);
	}
	/* A write of an earlier time as master may not have ended yet. */
	while (is_master(e) && e->state == EPOCH_READY && e->written == NULL && !epochs_behind(e)) {
		size_t place = first_proposal(e);
		if (place == EPOCH_PROPOSALS_MAX)
			break;
		decide(e, now, place, out);
	}
}
