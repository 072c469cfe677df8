/* gate.c: a worker between what a script moves: its life, its time, its end; see gate.h. */
#include "gate/gate.h"

#include "base/log.h"
#include "edge/client.h"
#include "edge/h2_connection.h"
#include "gate/alloc.h"
#include "record/sink.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define CONF           "tests/gate/gate.conf"
#define CONF_RELOADED  "tests/gate/gate_reloaded.conf"
#define SETTLE_MS      50000 /* longer than any two timeouts */
#define SETTLE_STEP_MS 1000
#define EXPLAIN_BYTES  1500
#define BUFS_MAX       64 /* of one exchange: replay, what waits on both sides, heads */

struct gate gate;
static struct worker_shared shared;

char
gate_pattern(unsigned number, size_t at)
{
	return (char)('a' + (number + at + at / 251) % 26);
}

void
gate_target(unsigned number, char out[GATE_TARGET_BYTES])
{
	(void)snprintf(out, GATE_TARGET_BYTES, "/r%u.%08x", number,
		       (number + 77) * 2654435761U ^ 0x5bd1e995U);
}

void
gate_put(struct gate_bytes *b, const char *at, size_t bytes)
{
	if (b->bytes + bytes > b->room) {
		b->room = (b->bytes + bytes) * 2;
		b->at = alloc_safe(b->at, b->room);
	}
	if (bytes > 0)
		memcpy(b->at + b->bytes, at, bytes);
	b->bytes += bytes;
}

/* ---- logs: record/sink.h without files --------------------------------------------------------
 */

/* Nothing of any input leaves a line, or makes one unreadable. */
void
sink_append(struct sink *sink, struct slice lines)
{
	(void)sink;
	CHECK(lines.bytes > 0 && lines.at[lines.bytes - 1] == '\n');
	for (size_t i = 0; i < lines.bytes; i++) {
		char c = lines.at[i];
		CHECK(c == '\n' || (c >= ' ' && c <= '~'));
		CHECK(c != '\n' || (i > 0 && lines.at[i - 1] == '}'));
		CHECK(i == 0 || lines.at[i - 1] != '\n' || c == '{');
	}
}

enum result
sink_create(enum log_kind kind, const char *path, struct sink **out, struct problem *p)
{
	(void)kind;
	(void)path;
	*out = malloc(1); /* nobody looks inside */
	return *out != NULL ? RESULT_OK : problem_set(p, RESULT_NO_MEMORY, "no memory");
}

void
exporter_add(struct exporter *e, const struct span *span)
{
	(void)e;
	(void)span;
	assert(!"nothing is traced here");
}

void
sink_free(struct sink **sink)
{
	free(*sink);
	*sink = NULL;
}

void
sink_reopen(struct sink *sink)
{
	(void)sink;
}

bool
sink_redirect(struct sink *sink, const char *path)
{
	(void)sink;
	(void)path;
	return true;
}

uint64_t
sink_lost(const struct sink *sink)
{
	(void)sink;
	return 0;
}

/* ---- chance: the same in each run -------------------------------------------------------------
 */

static uint64_t chance;

static void
draw(void *at, size_t bytes)
{
	unsigned char *out = at;
	for (size_t i = 0; i < bytes; i++) {
		chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		out[i] = (unsigned char)(chance >> 56);
	}
}

static uint32_t
draw_number(void)
{
	uint32_t number;
	draw(&number, sizeof(number));
	return number;
}

static const char *
draw_name(void)
{
	return "gate";
}

static struct randombytes_implementation drawing = {
    .implementation_name = draw_name,
    .random = draw_number,
    .buf = draw,
};

/* ---- what was going on ------------------------------------------------------------------------
 */

static void
say_bytes(const char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		char c = at[i];
		if (c == '\n')
			(void)fprintf(stderr, "\\n\n    ");
		else if (c >= ' ' && c <= '~')
			(void)fputc(c, stderr);
		else
			(void)fprintf(stderr, "\\x%02x", (unsigned char)c);
	}
}

/* The beginning, and the end where something may stand that is too much. */
static void
say(const char *whose, size_t number, const char *what, const struct gate_bytes *b, size_t bytes)
{
	(void)fprintf(stderr, "%s %zu %s %zu bytes: ", whose, number, what, bytes);
	if (bytes <= 2 * EXPLAIN_BYTES) {
		say_bytes(b->at, bytes);
	} else {
		say_bytes(b->at, EXPLAIN_BYTES);
		(void)fputs("\n    ...\n    ", stderr);
		say_bytes(b->at + bytes - EXPLAIN_BYTES, EXPLAIN_BYTES);
	}
	(void)fputc('\n', stderr);
}

static void
explain(void)
{
	for (size_t i = 0; i < GATE_CLIENTS; i++) {
		const struct gate_client *c = &gate.client[i];
		if (!c->used)
			continue;
		say("client", i, "sent", &c->out, c->out.done);
		say("client", i, "got", &c->got, c->got.bytes);
		(void)fprintf(stderr, "client %zu:%s%s%s%s asked %zu, answered %zu\n", i,
			      c->tainted ? " tainted" : "", c->left ? " left" : "",
			      c->ended ? " ended" : "", c->reset ? " reset" : "", c->asked_count,
			      c->answered);
	}
	for (size_t i = 0; i < GATE_SERVERS_MAX; i++) {
		const struct gate_server *s = &gate.server[i];
		if (s->end == NULL)
			continue;
		say("member", s->member, "got", &s->got, s->got.bytes);
		say("member", s->member, "sent", &s->out, s->out.done);
	}
	(void)fprintf(stderr, "%s%s\n", gate.strange ? "strange " : "",
		      gate.short_of ? "short" : "");
}

/* ---- begin ------------------------------------------------------------------------------------
 */

static bool
load(const char *file, struct services *before, struct services **out)
{
	struct config *config = NULL;
	struct config_findings findings;
	struct problem p = {""};
	enum result r = config_load(file, CONFIG_FOR_EXPLAIN, &config, &findings);
	if (r != RESULT_OK)
		CHECK(findings.errors > 0 && r == RESULT_NO_MEMORY);
	config_findings_free(&findings);
	if (r == RESULT_OK)
		r = services_create(&config, 1, before, out, &p);
	config_free(&config);
	CHECK(r == RESULT_OK || r == RESULT_NO_MEMORY);
	return r == RESULT_OK;
}

static bool
assemble(const char *conf)
{
	struct problem p = {""};
	(void)strcpy(shared.via[0], "1.0 holdfast-gate");
	(void)strcpy(shared.via[1], "1.1 holdfast-gate");
	(void)strcpy(shared.via[2], "2.0 holdfast-gate");
	shared.workers = 1;
	shared.instance = UINT64_C(0x1122334455660000);
	shared.unrouted = tally_create(1);
	if (shared.unrouted == NULL || !load(conf, NULL, &shared.services))
		return false;
	if (failover_log_create(NULL, "gate", &shared.failover, &p) != RESULT_OK ||
	    sink_create(LOG_ACCESS, NULL, &shared.access, &p) != RESULT_OK)
		return false;
	gate.worker = worker_create(0, &shared, NULL);
	return gate.worker != NULL;
}

static void
take_apart(void)
{
	if (gate.worker != NULL)
		h2_release(gate.worker);
	worker_free(&gate.worker);
	services_unref(&shared.services);
	sink_free(&shared.access);
	failover_log_free(&shared.failover);
	tally_unref(&shared.unrouted);
	shared = (struct worker_shared){0};
}

bool
gate_begin(void)
{
	return gate_begin_with(CONF);
}

bool
gate_begin_with(const char *conf)
{
	static bool ready;
	if (!ready) {
		CHECK(randombytes_set_implementation(&drawing) == 0 && digest_init());
		log_level_set(LOG_LEVEL_ERROR);
		ready = true;
	}
	chance = 1;
	mem_net_begin();
	mem_net.connect = gate_connects;
	mem_net.accepted = gate_accepted;
	mem_net.explain = explain;
	memset(&gate, 0, sizeof(gate));
	for (size_t i = 0; i < GATE_MEMBERS; i++)
		gate.member[i] = (struct gate_member){.way = WAY_PLAIN, .reads = true};
	if (assemble(conf))
		return true;
	take_apart();
	return false;
}

bool
gate_reload(void)
{
	struct services *next = NULL;
	const char *file = gate.turns % 2 == 0 ? CONF_RELOADED : CONF;
	if (!load(file, shared.services, &next))
		return false;
	struct worker_generation *g = worker_generation_create(next);
	if (g == NULL) {
		services_unref(&next);
		return false;
	}
	services_commit(next);
	services_unref(&shared.services);
	shared.services = next;
	(void)worker_adopt(gate.worker, g, shared.access);
	gate.turns++;
	return true;
}

/* ---- time -------------------------------------------------------------------------------------
 */

static void
turn(void)
{
	size_t held_max = GATE_CLIENTS * BUFS_MAX;
	CHECK(gate.worker->bufs.held <= held_max);
	for (size_t i = 0; i < GATE_SERVERS_MAX; i++) {
		if (gate.server[i].end != NULL)
			gate_server_turn(&gate.server[i]);
	}
	for (size_t i = 0; i < GATE_CLIENTS; i++) {
		if (gate.client[i].end != NULL)
			gate_client_turn(&gate.client[i]);
	}
	if (gate.turned != NULL)
		gate.turned();
}

void
gate_run(void)
{
	mem_net.turn = turn;
	mem_run(gate.worker);
}

void
gate_wait(uint64_t ms)
{
	mem_net.turn = turn;
	mem_wait(gate.worker, ms, ms < SETTLE_STEP_MS ? ms : SETTLE_STEP_MS);
}

/* ---- news of members --------------------------------------------------------------------------
 */

static void
tell_pool(struct pool *pool, unsigned member, enum gate_news news)
{
	static const enum member_state orders[] = {
	    [NEWS_DRAIN] = MEMBER_DRAIN, [NEWS_MAINT] = MEMBER_MAINT, [NEWS_NO_ORDER] = MEMBER_UP};
	struct view *view = pool_view(pool);
	for (size_t i = 0; i < view->membership->count; i++) {
		struct membership_member *m = &view->membership->member[i];
		if (m->id[0] != (char)('a' + member))
			continue;
		if (news >= NEWS_DRAIN)
			pool_order(pool, m->live, orders[news], mem_net.now_ms);
		for (int n = 0; n < 2 && news < NEWS_DRAIN; n++)
			pool_evidence(pool, m->live,
				      news == NEWS_UP ? EVIDENCE_PROBE_OK : EVIDENCE_PROBE_FAILED,
				      news == NEWS_UP ? REASON_NONE : REASON_PROBE_FAILED,
				      mem_net.now_ms);
	}
	view_unref(&view);
}

void
gate_tell(unsigned member, enum gate_news news)
{
	for (size_t i = 0; i < shared.services->count; i++)
		tell_pool(shared.services->list[i].pool, member, news);
}

void
gate_stop(bool hard)
{
	struct worker *w = gate.worker;
	w->stopping = true;
	w->time_stale = true;
	worker_time(w);
	clients_stop(w);
	h2_connections_stop(w);
	if (hard) {
		gate.short_of = true;
		clients_abort(w);
		h2_connections_abort(w);
	}
	worker_sweep(w);
	gate_run();
}

/* ---- end --------------------------------------------------------------------------------------
 */

/* Nobody hinders anybody any more. */
static void
calm_down(void)
{
	(void)alloc_fail_end();
	mem_net.read_max = mem_net.write_max = 0;
	mem_net.no_descriptors = false;
	mem_net.no_writing = false;
	for (size_t i = 0; i < GATE_MEMBERS; i++)
		gate.member[i] = (struct gate_member){.way = WAY_PLAIN, .reads = true};
	for (size_t i = 0; i < GATE_SERVERS_MAX; i++) {
		if (gate.server[i].end != NULL)
			gate_server_push(&gate.server[i], SIZE_MAX);
	}
	for (unsigned i = 0; i < GATE_CLIENTS; i++) {
		gate.client[i].reads = true;
		if (gate.client[i].end != NULL)
			gate_push(i, SIZE_MAX);
	}
	gate_run();
}

static void
check_nothing_is_left(void)
{
	struct worker *w = gate.worker;
	CHECK(w->exchanges == 0 && w->asking == NULL);
	CHECK(w->client_count == 0 && w->clients == NULL && shared.clients == 0);
	CHECK(w->bufs.held == 0);
	CHECK(w->generation->users == 1);
	for (size_t i = 0; i < shared.services->count; i++) {
		struct view *view = pool_view(shared.services->list[i].pool);
		for (size_t m = 0; m < view->membership->count; m++)
			CHECK(member_live_active(view->membership->member[m].live) == 0);
		view_unref(&view);
	}
}

void
gate_settle(void)
{
	calm_down();
	gate_wait(SETTLE_MS);
	check_nothing_is_left();
	for (size_t i = 0; i < GATE_CLIENTS; i++) {
		if (gate.client[i].used)
			gate_client_check(&gate.client[i]);
	}
	gate.settled = true;
}

void
gate_end(void)
{
	if (!gate.settled)
		gate_settle();
	for (size_t i = 0; i < GATE_CLIENTS; i++)
		gate_client_free(&gate.client[i]);
	take_apart();
	for (size_t i = 0; i < GATE_SERVERS_MAX; i++) {
		if (gate.server[i].end != NULL)
			gate_server_close(&gate.server[i], false);
	}
	CHECK(mem_net_open() == 0);
}
