/*
 * fuzz_plane.c: a whole control plane (one of three voters: election, question, lease, register,
 * membership) among peers that have the secret and say anything: datagrams of every type under a
 * valid MAC, so that what stands behind the MAC is reached. What must hold, whatever they say: the
 * plane says little and loses none of it, wants to be called again, is master only by a lease that
 * its engine has at that time, and holds memberships of growing versions alone.
 *
 * Input: a byte for the rules; then events: how much later, what, and its arguments. In a body a0
 * to a2 stand for the alias of a node, a3 for the name of the role `cluster`, a4 for a name of an
 * application's, a5 for eight bytes of zeros; a body can also begin with what this node itself said
 * last in that type, where ballots and numbers stand that nobody guesses. The voter may have lost
 * its register, and be re-admitted (cluster/learn.h); tests/fuzz/corpus/plane/learns_* go that way.
 */
#include "cluster/embedded.h"
#include "cluster/epoch.h"
#include "cluster/nodes.h"
#include "cluster/plane.h"

#include <stdio.h>
#include <stdlib.h>

#define NODES         3
#define SELF          1
#define LEASE_MS      1000
#define SAID_MAX      OUTBOX_MAX
#define VERSION_BYTES 16

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct input {
	const uint8_t *at;
	size_t left;
};

static const uint8_t types[] = {
#define DATAGRAM(name, number, help) (number),
#include "tbl/datagrams.h"
#undef DATAGRAM
    255};

static const uint8_t key[16] = {1};
static const struct datagram_secret secret = {{"k1", 2}, key};
static struct cluster_nodes nodes;
static struct cluster_nodes theirs[NODES];
static struct datagram_codec peer[NODES];
static struct embedded embedded;
static struct plane plane;
static struct epochs epochs;
static struct outgoing said[PLANE_TYPES]; /* last, by type */
static cluster_node fetching;
static bool leased;

static uint8_t
take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* ---- the membership's host: a document is its version, and anything ----------------------------
 */

static enum result
host_read(void *self, const struct document *d, struct epoch_version *out, struct problem *p)
{
	struct body b = body_of(d->at, d->bytes);
	(void)self;
	(void)p;
	*out = (struct epoch_version){.epoch = get_u64(&b), .term = get_u64(&b)};
	memcpy(out->digest, d->digest, sizeof(out->digest));
	return b.bad || out->epoch == 0 ? RESULT_INVALID : RESULT_OK;
}

static enum result
host_make(void *self, struct slice change, uint64_t epoch, uint64_t term, struct document **out,
	  struct problem *p)
{
	static struct outgoing text;
	(void)self;
	*out = NULL;
	if (change.bytes == 0 || change.bytes > 900)
		return problem_set(p, RESULT_INVALID, "no change");
	text.bytes = 0;
	put_u64(&text, epoch);
	put_u64(&text, term);
	put_bytes(&text, change.at, change.bytes);
	*out = document_create(text.body, text.bytes);
	return *out == NULL ? RESULT_NO_MEMORY : RESULT_OK;
}

static bool
host_adopt(void *self, struct document *d, const struct epoch_version *version)
{
	(void)self;
	CHECK(epoch_compare(version, &epochs.held) > 0);
	plane_set_epoch(&plane, version->epoch);
	return (d->bytes & 7) != 7; /* some cannot be used here */
}

static void
host_fetch(void *self, cluster_node from, uint64_t epoch)
{
	(void)self;
	(void)epoch;
	CHECK(from < NODES && from != SELF); /* in place of one that took too long */
	fetching = from;
}

static void
host_done(void *self, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch, const char *why)
{
	(void)self;
	(void)ticket;
	(void)epoch;
	CHECK(outcome < EPOCH_OUTCOMES && strlen(why) <= EPOCH_WHY_BYTES_MAX);
}

static void
hear(void *self, uint64_t now, const struct incoming *in)
{
	epochs_heard(self, now, in->from, in->epoch);
}

static void
receive_epochs(void *self, uint64_t now, const struct incoming *in, struct outbox *out)
{
	(void)epochs_receive(self, now, in, out);
}

static void
tick_epochs(void *self, uint64_t now, struct outbox *out)
{
	epochs_tick(self, now, out);
}

static uint64_t
next_epochs(const void *self)
{
	return epochs_next(self);
}

static void
hear_master(void *self, uint64_t now, const struct claim *master, struct outbox *out)
{
	epochs_master(self, now, master, out);
}

static void
hear_role(void *self, uint64_t now, const struct engine_event *event, struct outbox *out)
{
	if (strcmp(event->role, ROLE_CLUSTER) == 0)
		epochs_engine(self, now, event, out);
}

static void
join_epochs(uint64_t now)
{
	static const uint8_t own[] = {DATAGRAM_EPOCH, DATAGRAM_PROPOSAL, DATAGRAM_ANSWER};
	static const struct epoch_host host = {.read = host_read,
					       .make = host_make,
					       .adopt = host_adopt,
					       .fetch = host_fetch,
					       .done = host_done};
	const struct plane_party party = {.name = "epochs",
					  .self = &epochs,
					  .types = own,
					  .type_count = sizeof(own),
					  .receive = receive_epochs,
					  .heard = hear,
					  .tick = tick_epochs,
					  .next = next_epochs,
					  .master = hear_master,
					  .role = hear_role};
	fetching = NODE_NONE;
	epochs_init(&epochs, &nodes, &host, leased ? &plane.engine : NULL, NULL, NULL, now);
	plane_join(&plane, &party);
	epochs_master(&epochs, now, &plane.master, &plane.out);
}

/* ---- the node, and its peers --------------------------------------------------------------------
 */

static void
begin(uint8_t kind, uint64_t now)
{
	nodes = nodes_made(NODES, SELF);
	nodes.node[0].rank = (kind & 4) != 0 ? 9 : 0;
	leased = (kind & 1) != 0;
	struct plane_setup setup = {
	    .nodes = &nodes,
	    .name = SLICE("shop"),
	    .secrets = {secret},
	    .secret_count = 1,
	    .election = {.safety = leased ? ELECTION_LEASE : ELECTION_ADVISORY,
			 .period_ms = 200,
			 .timeout_ms = 60,
			 .t1_ms = 30,
			 .ask_ms = LEASE_MS,
			 .preempt_ms = (kind & 2) != 0 ? 0 : CLUSTER_NEVER},
	    .ask = {.ping_ms = 60, .win_ms = LEASE_MS, .rest_ms = 200},
	    .boot = 1,
	};
	struct lease_timing timing = lease_timing_of(LEASE_MS);
	static struct register_image empty;
	static const struct problem lost = {"lost"};
	for (cluster_node n = 0; n < NODES; n++) {
		theirs[n] = nodes;
		theirs[n].self = n;
		datagram_codec_init(&peer[n], setup.name, &secret, 1, &theirs[n], 1);
	}
	memset(said, 0, sizeof(said));
	struct engine engine = {NULL, NULL};
	if (leased) {
		embedded_init(&embedded, &nodes, &timing, 1, (kind & 8) != 0 ? &empty : NULL, now);
		if ((kind & 16) != 0)
			embedded_lose_register(&embedded, &lost);
		engine = embedded_engine(&embedded);
	}
	plane_init(&plane, &setup, leased ? &engine : NULL, now);
	join_epochs(now);
}

/* What it says is remembered, and goes nowhere. */
static void
remember(void *context, cluster_node to, const uint8_t *bytes, size_t count)
{
	struct incoming in;
	(void)context;
	CHECK(to < NODES && to != SELF);
	CHECK(datagram_decode(&peer[to], bytes, count, &in) == DATAGRAM_LET_IN);
	said[in.type].bytes = (uint16_t)in.bytes;
	memcpy(said[in.type].body, in.body, in.bytes);
}

static void
put_word(struct outgoing *o, uint8_t word)
{
	static const uint8_t zeros[8];
	if (word < 0xa0 + NODES)
		put_u32(o, nodes.node[word - 0xa0].alias);
	else if (word == 0xa3)
		put_text(o, ROLE_CLUSTER);
	else if (word == 0xa4)
		put_text(o, "r1");
	else
		put_bytes(o, zeros, sizeof(zeros));
}

static void
fill(struct input *in, struct outgoing *o)
{
	uint8_t begins = take(in);
	size_t want = take(in);
	if ((begins & 1) != 0) { /* as this node began, up to a byte */
		const struct outgoing *was = &said[types[(begins >> 1) % sizeof(types)]];
		size_t bytes = take(in);
		put_bytes(o, was->body, bytes < was->bytes ? bytes : was->bytes);
	}
	want = want == 255 ? 900 : want;
	for (size_t i = 0; i < want && in->left > 0 && body_room(o) >= 16; i++) {
		uint8_t b = take(in);
		if (b >= 0xa0 && b <= 0xa5)
			put_word(o, b);
		else
			put_u8(o, b);
	}
}

static void
receive(struct input *in, uint64_t now)
{
	static struct outgoing o;
	uint8_t datagram[DATAGRAM_BYTES_MAX];
	uint8_t what = take(in);
	cluster_node from = (what & 1) != 0 ? 0 : 2;
	o.to = (what & 2) != 0 ? NODE_ALL : SELF;
	o.type = types[(what >> 2) % sizeof(types)];
	o.bytes = 0;
	uint64_t epoch = take(in);
	uint64_t term = take(in);
	fill(in, &o);
	size_t count = datagram_encode(&peer[from], &o, epoch, term, datagram);
	CHECK(plane_receive(&plane, now, datagram, count) == DATAGRAM_LET_IN);
}

static void
end_fetch(struct input *in, uint64_t now)
{
	struct document *d = NULL;
	cluster_node from = fetching;
	if (from == NODE_NONE)
		return;
	size_t bytes = take(in);
	bytes = bytes < in->left ? bytes : in->left;
	if (bytes > 0)
		d = document_create(in->at, bytes);
	in->at += bytes;
	in->left -= bytes;
	fetching = NODE_NONE;
	epochs_fetched(&epochs, now, from, d, &plane.out);
	document_unref(&d);
	plane_turn(&plane, now);
}

static void
ask(struct input *in, uint64_t now)
{
	uint8_t what = take(in);
	struct ask_question question = {.dead = (what & 1) != 0 ? (cluster_node)(what / 2 % NODES)
								: (cluster_node)NODE_NONE,
					.term = what / 16};
	struct ask_answer answer;
	if (plane_ask(&plane, now, &question, &answer))
		CHECK(answer.master.node == NODE_NONE || answer.master.node < NODES);
}

/* The operator's word that a register is lost, also where none is. */
static void
readmit(uint64_t now)
{
	struct problem p;
	bool lost = embedded.voter.lost;
	enum result r = embedded_readmit(&embedded, now, &p);
	CHECK(r != RESULT_OK || lost || embedded.voter.status == VOTER_LEARNING);
	CHECK(r == RESULT_OK || embedded.voter.lost == lost);
}

static void
want_role(struct input *in, uint64_t now)
{
	uint8_t what = take(in);
	if (!leased)
		return;
	if ((what & 3) == 0)
		engine_acquire(&plane.engine, now, "r1", &plane.out);
	else if ((what & 3) == 1)
		engine_release(&plane.engine, now, "r1", &plane.out);
	else if ((what & 7) == 3)
		readmit(now);
	else
		engine_read(&plane.engine, now, ROLE_CLUSTER, &plane.out);
	plane_turn(&plane, now);
}

static void
happen(struct input *in, uint64_t now)
{
	static const char change[] = "a change";
	switch (take(in) % 12) {
	case 0:
		ask(in, now);
		break;
	case 1:
		want_role(in, now);
		break;
	case 2:
		plane_set_fit(&plane, now, (take(in) & 1) != 0);
		break;
	case 3:
		epochs_propose(&epochs, now, 1, (take(in) & 1) != 0 ? EPOCH_ANY : 1, SLICE(change),
			       &plane.out);
		plane_turn(&plane, now);
		break;
	case 4:
		end_fetch(in, now);
		break;
	case 5:
		if (leased && embedded_save(&embedded) != NULL) {
			embedded_saved(&embedded, now, &plane.out);
			plane_turn(&plane, now);
		}
		break;
	default:
		receive(in, now);
		break;
	}
}

static void
check(uint64_t now)
{
	bool master =
	    plane.election.state == ELECTION_CLAIM || plane.election.state == ELECTION_MASTER;
	struct plane_change news;
	CHECK(plane.out.lost == 0 && plane.out.count <= SAID_MAX / 2);
	CHECK(plane.master.node < NODES || plane.master.node == NODE_NONE);
	CHECK(plane_next(&plane) != CLUSTER_NEVER);
	CHECK(!master || !leased || engine_owns(&plane.engine, now, ROLE_CLUSTER, NULL, NULL));
	CHECK(!leased || embedded.voter.waiting_count <= VOTER_WAITING_MAX);
	CHECK(!leased || embedded.voter.status != VOTER_LEARNING ||
	      embedded.voter.learn.image.count <= ROLES_MAX);
	if (plane_take_change(&plane, now, &news))
		CHECK(news.after.node == plane.master.node);
	(void)plane_take_answered(&plane);
	plane_flush(&plane, remember, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {data, bytes};
	uint64_t now = 1000;
	begin(take(&in), now);
	while (in.left > 0) {
		uint8_t later = take(&in);
		now += (uint64_t)later * later / 32;
		if (now >= plane_next(&plane))
			plane_tick(&plane, now);
		else
			happen(&in, now);
		check(now);
	}
	epochs_deinit(&epochs);
	if (leased)
		embedded_deinit(&embedded);
	return 0;
}
