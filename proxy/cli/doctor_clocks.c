/*
 * doctor_clocks.c: see doctor.h. A node's time is that of its status; half of the round trip is
 * what is not known of it (Cristian, "Probabilistic clock synchronization", 1989).
 */
#include "base/clock.h"
#include "cli/doctor.h"
#include "cli/log_line.h"
#include "cli/node_client.h"

#include <inttypes.h>
#include <stdlib.h>

#define ANSWER_MS     1000
#define APART_WARN_MS 1000
#define APART_BAD_MS  30000 /* hops and tickets that are older are refused */

static void
say_difference(struct doctor *d, const char *id, int64_t apart_ms, uint64_t trip_ms)
{
	uint64_t by = (uint64_t)llabs((long long)apart_ms);
	enum grade grade = by >= APART_BAD_MS                  ? GRADE_BAD
			   : by >= APART_WARN_MS + trip_ms / 2 ? GRADE_WARNING
							       : GRADE_OK;
	doctor_say(d, grade, "clock of node",
		   "%s: %" PRIu64 " ms %s ours, to within %" PRIu64 " ms%s", id, by,
		   apart_ms < 0 ? "behind" : "ahead of", trip_ms / 2,
		   grade == GRADE_BAD ? ": it refuses what we hand it as too old" : "");
}

static void
ask(struct doctor *d, const struct config_node *n, struct node_client *c)
{
	struct node_answer answer;
	struct problem p = {""};
	int64_t theirs_ms = -1;
	uint64_t began_ms = clock_wall_ms();
	enum result r = node_client_ask(c, "GET", "/status?brief=1", &answer, &p);
	uint64_t ended_ms = clock_wall_ms();
	if (r == RESULT_OK)
		r = node_answer_check(c, &answer, &p);
	if (r != RESULT_OK)
		doctor_say(d, GRADE_WARNING, "clock of node", "%s: not known: %s", n->id, p.text);
	else if ((theirs_ms = log_line_time(log_line_text(answer.json, "time"))) == -1)
		doctor_say(d, GRADE_WARNING, "clock of node", "%s: not known: it says no time",
			   n->id);
	else
		say_difference(d, n->id, theirs_ms - (int64_t)((began_ms + ended_ms) / 2),
			       ended_ms > began_ms ? ended_ms - began_ms : 0);
	node_answer_deinit(&answer);
}

static void
examine(struct doctor *d, size_t place)
{
	const struct config_node *n = &d->config->cluster.nodes[place];
	char where[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(where, sizeof(where));
	struct node_client *c = NULL;
	struct problem p = {""};
	if (n->admin.family == 0) {
		doctor_say(d, GRADE_OK, "clock of node",
			   "%s: not asked: cluster.nodes[%zu].admin does not say where", n->id,
			   place);
		return;
	}
	write_addr(&w, &n->admin);
	if (node_client_create(writer_text(&w), d->config->admin_token, &c, &p) != RESULT_OK) {
		doctor_say(d, GRADE_WARNING, "clock of node", "%s: not known: %s", n->id, p.text);
		return;
	}
	node_client_attend(c, -1, ANSWER_MS);
	ask(d, n, c);
	node_client_free(&c);
}

void
doctor_clocks(struct doctor *d)
{
	for (size_t i = 0; i < d->config->cluster.node_count; i++) {
		if (i != d->config->cluster.self)
			examine(d, i);
	}
}
