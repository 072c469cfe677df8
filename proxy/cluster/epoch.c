/* epoch.c: the machine of epochs: what is held, heard and fetched; see epoch.h. */
#include "cluster/epoch_inside.h"

#include <string.h>

int
epoch_compare(const struct epoch_version *a, const struct epoch_version *b)
{
	if (a->epoch != b->epoch)
		return a->epoch > b->epoch ? 1 : -1;
	if (a->epoch == 0)
		return 0;
	if (a->term != b->term)
		return a->term > b->term ? 1 : -1;
	return memcmp(a->digest, b->digest, sizeof(a->digest));
}

const char *
epoch_outcome_text(enum epoch_outcome outcome)
{
	static const char *const texts[EPOCH_OUTCOMES] = {
	    [EPOCH_DONE] = "done",           [EPOCH_SAME] = "same",
	    [EPOCH_STALE] = "stale",         [EPOCH_REFUSED] = "refused",
	    [EPOCH_NO_MASTER] = "no_master", [EPOCH_UNKNOWN] = "unknown",
	    [EPOCH_BUSY] = "busy",
	};
	return texts[outcome];
}

void
epochs_init(struct epochs *e, const struct cluster_nodes *nodes, const struct epoch_host *host,
	    const struct engine *engine, struct document *document,
	    const struct epoch_version *version, uint64_t nonce)
{
	memset(e, 0, sizeof(*e));
	e->nodes = nodes;
	e->host = *host;
	e->engine = engine;
	e->master.node = NODE_NONE;
	e->fetching = NODE_NONE;
	e->nonce = nonce;
	e->written_for = EPOCH_PROPOSALS_MAX;
	for (size_t i = 0; i < EPOCH_ANSWERS_KEPT; i++)
		e->answer[i].to = NODE_NONE;
	if (document != NULL) {
		e->document = document_ref(document);
		e->held = *version;
	}
}

void
epochs_deinit(struct epochs *e)
{
	document_unref(&e->document);
	document_unref(&e->written);
}

/* ---- what is held ---------------------------------------------------------------------------- */

static void
say(const struct epochs *e, cluster_node to, struct outbox *out)
{
	struct outgoing *o = outbox_add(out, to, DATAGRAM_EPOCH);
	put_u64(o, e->held.epoch);
	put_u64(o, e->held.term);
	put_bytes(o, e->held.digest, sizeof(e->held.digest));
}

void
epochs_announce(struct epochs *e, uint64_t now, struct outbox *out)
{
	e->announce_at = now + EPOCH_ANNOUNCE_MS;
	if (e->held.epoch > 0)
		say(e, NODE_ALL, out);
}

bool
epochs_hold(struct epochs *e, uint64_t now, struct document *d, const struct epoch_version *version,
	    struct outbox *out)
{
	if (!e->host.adopt(e->host.self, d, version)) {
		e->refused_epoch = version->epoch;
		e->refused_until = now + EPOCH_REFUSED_MS;
		e->counts.refused++;
		return false;
	}
	document_unref(&e->document);
	e->document = document_ref(d);
	e->held = *version;
	e->counts.adopted++;
	for (size_t i = 0; i < e->nodes->count; i++)
		e->peer[i].better = false;
	if (e->master.node == e->nodes->self)
		epochs_announce(e, now, out);
	epochs_settle_waiting(e);
	return true;
}

/* ---- what others hold ------------------------------------------------------------------------ */

static bool
has_more(const struct epochs *e, cluster_node n)
{
	return e->peer[n].epoch > e->held.epoch ||
	       (e->peer[n].better && e->peer[n].epoch == e->held.epoch);
}

bool
epochs_behind(const struct epochs *e)
{
	for (cluster_node n = 0; n < e->nodes->count; n++) {
		if (n != e->nodes->self && has_more(e, n))
			return true;
	}
	return false;
}

/* When this node may be asked for more; CLUSTER_NEVER: it has none. */
static uint64_t
askable_at(const struct epochs *e, cluster_node n)
{
	if (n == e->nodes->self || !has_more(e, n))
		return CLUSTER_NEVER;
	bool refused = e->peer[n].epoch <= e->refused_epoch;
	uint64_t at = e->peer[n].not_before;
	return refused && e->refused_until > at ? e->refused_until : at;
}

/* The highest; of equal ones the master. */
static cluster_node
whom_to_ask(const struct epochs *e, uint64_t now)
{
	cluster_node best = NODE_NONE;
	for (cluster_node n = 0; n < e->nodes->count; n++) {
		if (askable_at(e, n) > now)
			continue;
		if (best == NODE_NONE || e->peer[n].epoch > e->peer[best].epoch ||
		    (e->peer[n].epoch == e->peer[best].epoch && n == e->master.node))
			best = n;
	}
	return best;
}

static void
fetch(struct epochs *e, uint64_t now)
{
	if (e->fetching != NODE_NONE)
		return;
	cluster_node from = whom_to_ask(e, now);
	if (from == NODE_NONE)
		return;
	e->fetching = from;
	e->fetch_ends = now + EPOCH_FETCH_MS;
	e->counts.fetches++;
	e->host.fetch(e->host.self, from, e->peer[from].epoch);
}

void
epochs_heard(struct epochs *e, uint64_t now, cluster_node from, uint64_t epoch)
{
	if (from >= e->nodes->count || epoch == e->peer[from].epoch)
		return;
	e->peer[from].epoch = epoch; /* also a lower one: who lost it has nothing to give */
	e->peer[from].better = false;
	if (epoch > e->held.epoch)
		fetch(e, now);
}

void
epochs_fetched(struct epochs *e, uint64_t now, cluster_node from, struct document *d,
	       struct outbox *out)
{
	struct epoch_version version;
	struct problem p;
	if (from == e->fetching)
		e->fetching = NODE_NONE;
	bool good = d != NULL && e->host.read(e->host.self, d, &version, &p) == RESULT_OK;
	if (!good)
		e->counts.fetches_failed++;
	/* What it has now, whatever it said before: an epoch that it lost is not asked for again.
	 */
	if (good)
		e->peer[from].epoch = version.epoch;
	bool later = good && epoch_compare(&version, &e->held) > 0;
	if (!later)
		e->peer[from].not_before = now + EPOCH_RETRY_MS;
	if (later)
		(void)epochs_hold(e, now, d, &version, out);
	else if (good)
		e->peer[from].better = false;
	epochs_work(e, now, out);
	fetch(e, now);
}

void
epochs_retry(struct epochs *e)
{
	e->refused_until = 0;
}

/* Another master's document of our epoch: the later one counts, and both have to know it. */
static void
hear_epoch(struct epochs *e, uint64_t now, const struct incoming *in, struct outbox *out)
{
	struct body b = body_of(in->body, in->bytes);
	struct epoch_version theirs = {.epoch = get_u64(&b), .term = get_u64(&b)};
	const uint8_t *digest = get_bytes(&b, sizeof(theirs.digest));
	if (!body_whole(&b))
		return;
	memcpy(theirs.digest, digest, sizeof(theirs.digest));
	int order = epoch_compare(&theirs, &e->held);
	epochs_heard(e, now, in->from, theirs.epoch);
	if (theirs.epoch == e->held.epoch && order > 0) {
		e->peer[in->from].better = true;
		fetch(e, now);
	} else if (order < 0) {
		say(e, in->from, out);
	}
}

/* ---- events ---------------------------------------------------------------------------------- */

bool
epochs_receive(struct epochs *e, uint64_t now, const struct incoming *in, struct outbox *out)
{
	switch (in->type) {
	case DATAGRAM_EPOCH:
		hear_epoch(e, now, in, out);
		return true;
	case DATAGRAM_PROPOSAL:
		epochs_hear_proposal(e, now, in, out);
		return true;
	case DATAGRAM_ANSWER:
		epochs_hear_answer(e, now, in, out);
		return true;
	default:
		return false;
	}
}

void
epochs_tick(struct epochs *e, uint64_t now, struct outbox *out)
{
	if (e->fetching != NODE_NONE && now >= e->fetch_ends) {
		e->peer[e->fetching].not_before = now + EPOCH_RETRY_MS;
		e->fetching = NODE_NONE;
		e->counts.fetches_failed++;
	}
	fetch(e, now);
	if (e->master.node == e->nodes->self && now >= e->announce_at)
		epochs_announce(e, now, out);
	epochs_work(e, now, out);
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
epochs_next(const struct epochs *e)
{
	uint64_t next = CLUSTER_NEVER;
	if (e->fetching != NODE_NONE)
		next = e->fetch_ends;
	for (cluster_node n = 0; e->fetching == NODE_NONE && n < e->nodes->count; n++)
		next = sooner(next, askable_at(e, n));
	if (e->master.node == e->nodes->self)
		next = sooner(next, e->announce_at);
	if (e->state == EPOCH_READS)
		next = sooner(next, e->read_at);
	for (size_t i = 0; i < EPOCH_PROPOSALS_MAX; i++) {
		const struct epoch_proposal *p = &e->proposal[i];
		if (p->used && i != e->written_for)
			next = sooner(next, p->until);
		if (p->used && epochs_is_to_send(e, p))
			next = sooner(next, p->send_at);
	}
	return next;
}
