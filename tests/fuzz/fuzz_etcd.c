/*
 * fuzz_etcd.c: the engine of an etcd cluster, whose answers are of any bytes, or none, or late.
 * What must hold, whatever etcd says: a role is owned until the time that was told and not a moment
 * longer, no longer than a lease; each attempt, read and write ends in one event; an event's
 * document belongs to who takes it; every call is JSON.
 *
 * Input: events: how much later, what, for which role; what is answered stands behind a length, or
 * is one of the answers that etcd gives when all is well.
 */
#include "cluster/etcd.h"
#include "cluster/nodes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define ROLES    3
#define LEASE_MS 10000

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

/* What was told, and what is waited for. */
struct told {
	bool granted;
	uint64_t until;
	unsigned asking; /* attempts, reads, writes without an event */
	unsigned reading;
	unsigned writing;
};

static const char *const roles[ROLES] = {"cluster", "r1", "r2"};
static struct etcd e;
static struct engine engine;
static struct outbox out;
static struct told told[ROLES];
static bool called;

static uint8_t
take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static void
hear(uint64_t now, const struct engine_event *event)
{
	size_t i = 0;
	while (strcmp(roles[i], event->role) != 0)
		CHECK(++i < ROLES);
	struct told *t = &told[i];
	switch (event->kind) {
	case ENGINE_GRANTED:
		CHECK(!t->granted && t->asking > 0);
		t->granted = true;
		t->asking = 0;
		break;
	case ENGINE_RENEWED:
		CHECK(t->granted);
		break;
	case ENGINE_REFUSED:
		CHECK(!t->granted);
		t->asking = 0;
		break;
	case ENGINE_LOST:
		CHECK(t->granted);
		t->granted = false;
		break;
	case ENGINE_READ:
	case ENGINE_UNREAD:
		CHECK(t->reading > 0);
		break;
	case ENGINE_WRITTEN:
	case ENGINE_UNWRITTEN:
		CHECK(t->writing > 0);
		t->writing--;
		break;
	}
	if (event->kind == ENGINE_GRANTED || event->kind == ENGINE_RENEWED) {
		CHECK(event->until > now && event->until <= now + LEASE_MS);
		t->until = event->until;
	}
	CHECK((event->kind == ENGINE_READ || event->kind == ENGINE_WRITTEN) ||
	      event->document == NULL);
}

static void
hear_all(uint64_t now)
{
	struct engine_event event;
	while (engine_take(&engine, &event)) {
		hear(now, &event);
		document_unref(&event.document);
	}
}

static void
check(uint64_t now)
{
	for (size_t i = 0; i < ROLES; i++) {
		uint64_t term;
		uint64_t until;
		bool owns = engine_owns(&engine, now, roles[i], &term, &until);
		CHECK(owns == (told[i].granted && now < told[i].until));
		CHECK(!owns || (term != 0 && until == told[i].until));
	}
	CHECK(out.count == 0);
}

/* Answers as they are when all is well, for what was asked. */
static const char *
good_answer(uint8_t which)
{
	static const char *const answers[] = {
	    "{\"header\":{\"revision\":\"7\"},\"ID\":\"7587\",\"TTL\":\"10\"}",
	    "{\"header\":{\"revision\":\"8\"},\"succeeded\":true}",
	    "{\"header\":{\"revision\":\"9\"}}",
	    "{\"result\":{\"header\":{\"revision\":\"9\"},\"ID\":\"7587\",\"TTL\":\"10\"}}",
	    "{\"result\":{\"ID\":\"7587\"}}",
	    ("{\"kvs\":[{\"key\":\"aG9sZGZhc3Qvc2hvcC9jbHVzdGVyL2xhc3Q=\",\"mod_revision\":\"5\"},"
	     "{\"key\":\"aG9sZGZhc3Qvc2hvcC9jbHVzdGVyL3ZhbHVl\",\"value\":"
	     "\"AAAAAAAAAAUAAAAAAAAAAXZhbHVl\"}]}")};
	return answers[which % (sizeof(answers) / sizeof(answers[0]))];
}

static void
answer(struct input *in, uint64_t now, uint8_t how)
{
	if (!called)
		return;
	called = false;
	if ((how & 0x80) == 0) {
		const char *text = good_answer(how >> 4);
		etcd_answered(&e, now, 200, text, strlen(text));
		return;
	}
	size_t bytes = (size_t)take(in) * 4;
	bytes = bytes < in->left ? bytes : in->left;
	etcd_answered(&e, now, (how & 0x40) != 0 ? 200 : take(in), (const char *)in->at, bytes);
	in->at += bytes;
	in->left -= bytes < in->left ? bytes : in->left;
}

static void
write_value(uint64_t now, size_t role)
{
	struct document *d = document_create("value", 5);
	CHECK(d != NULL);
	told[role].writing++;
	engine_write(&engine, now, roles[role], d, &out);
	document_unref(&d);
}

static void
happen(struct input *in, uint64_t now)
{
	uint8_t what = take(in);
	size_t role = what % ROLES;
	switch (what / ROLES % 8) {
	case 0:
		told[role].asking++;
		engine_acquire(&engine, now, roles[role], &out);
		if (told[role].granted && now < told[role].until)
			told[role].asking = 0; /* it has it */
		break;
	case 1:
		engine_release(&engine, now, roles[role], &out);
		told[role].granted = false;
		told[role].asking = 0;
		break;
	case 2:
		told[role].reading++;
		engine_read(&engine, now, roles[role], &out);
		break;
	case 3:
		write_value(now, role);
		break;
	case 4:
		break;
	default:
		answer(in, now, take(in));
		break;
	}
}

static void
call(uint64_t now)
{
	struct etcd_call c;
	if (!etcd_take_call(&e, now, &c))
		return;
	CHECK(!called);
	called = true;
	json_t *body = json_loads(c.body, 0, NULL);
	CHECK(json_is_object(body) && strncmp(c.path, "/v3/", 4) == 0);
	json_decref(body);
	free(c.body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {data, bytes};
	struct cluster_nodes nodes = nodes_made(3, 1);
	struct lease_timing timing = lease_timing_of(LEASE_MS);
	uint64_t now = 1000;
	memset(told, 0, sizeof(told));
	called = false;
	out.count = 0;
	etcd_init(&e, &nodes, &timing, 1, "shop");
	engine = etcd_engine(&e);
	while (in.left > 0) {
		uint8_t later = take(&in);
		now += (uint64_t)later * later / 8;
		engine_tick(&engine, now, &out);
		hear_all(now);
		happen(&in, now);
		call(now);
		hear_all(now);
		check(now);
	}
	etcd_deinit(&e);
	return 0;
}
