/* takeover.c: see takeover.h. */
#include "node/takeover.h"

#include "node/upgrade_state.h"

#include "base/handover.h"
#include "base/log.h"

#include <string.h>
#include <unistd.h>

/* ---- members ----------------------------------------------------------------------------------
 */

static bool
is_at(const struct membership_member *member, struct slice origin)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, &member->origin);
	return slice_equal(slice_of(writer_text(&w)), origin);
}

/* An order that this configuration gives anew holds; else what an operator said last. */
static void
restore(struct node *n, const struct service *s, const struct membership_member *member,
	const struct upgrade_member *m)
{
	struct verdict v = m->verdict;
	enum member_state given = node_order_given(s->config, member->id);
	if (given != m->given)
		v.order = (uint8_t)given;
	pool_restore(s->pool, member->live, &v);
	if (v.outage_since_ms != 0)
		failover_log_outage_goes_on(n->shared.failover, s->name, m->id,
					    (enum reason)v.reason, v.outage_since_ms);
}

static void
take_member(struct node *n, const struct upgrade_member *m)
{
	const struct service *s = services_find(n->services, m->service);
	if (s == NULL)
		return;
	struct view *view = pool_view(s->pool);
	uint32_t at = membership_by_id(view->membership, m->id);
	if (at != MEMBER_NONE && is_at(&view->membership->member[at], m->origin))
		restore(n, s, &view->membership->member[at], m);
	view_unref(&view);
}

static void
take_line(struct node *n, const char *text)
{
	static const char tickets[] = "tickets ";
	struct upgrade_member m;
	struct slice line = slice_of(text);
	if (upgrade_member_read(line, &m))
		take_member(n, &m);
	else if (slice_has_prefix(line, SLICE("tickets ")))
		(void)hex_decode((struct slice){line.at + sizeof(tickets) - 1,
						line.bytes - (sizeof(tickets) - 1)},
				 n->shared.tickets, sizeof(n->shared.tickets));
}

enum result
node_takeover_state(struct node *n, struct problem *p)
{
	struct handover_message m;
	int link = inherited_link();
	if (link == -1)
		return RESULT_OK;
	inherited_close_rest();
	if (!handover_say(link, "prepared " HOLDFAST_VERSION, NULL, 0))
		return problem_set(p, RESULT_IO, "the process before is no more");
	for (;;) {
		if (!handover_hear(link, HANDOVER_WAIT_MS, &m))
			return problem_set(p, RESULT_IO, "the process before says nothing");
		if (strcmp(m.text, "state end") == 0)
			return RESULT_OK;
		take_line(n, m.text);
	}
}

/* ---- ready ------------------------------------------------------------------------------------
 */

static void
log_upgraded(struct node *n, const char *said)
{
	char asked_by[32] = "-";
	char pid[24] = "-";
	char version[64] = "-";
	char text[FAILOVER_EVIDENCE_MAX];
	(void)sscanf(said, "yours %31s %23s %63s", asked_by, pid, version);
	struct writer w = writer_on(text, sizeof(text));
	write_format(&w, "process %ld (%s) has taken over from %s (", (long)getpid(),
		     HOLDFAST_VERSION, pid);
	write_escaped(&w, slice_of(version));
	write_literal(&w, ")");
	failover_log_reload(n->shared.failover, EVENT_UPGRADED, asked_by,
			    (struct slice){text, w.bytes});
	log_info("%s", writer_text(&w));
}

void
node_takeover_ready(struct node *n)
{
	struct handover_message m;
	int link = inherited_link();
	if (link == -1)
		return;
	/* From here on this process serves, whatever the other one does; if that has given it up
	 * meanwhile, it kills it. */
	if (!handover_say(link, "ready", NULL, 0) || !handover_hear(link, HANDOVER_WAIT_MS, &m))
		log_warn("upgrade: the process before does not say that it has let go");
	else
		log_upgraded(n, m.text);
	inherited_end();
}
