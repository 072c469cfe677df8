/* answers.c: see answers.h. One function a route, found by the route's row. */
#include "admin/answers.h"

#include "admin/asked.h"
#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/status_json.h"
#include "base/digest.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- errors -----------------------------------------------------------------------------------
 */

void
admin_answer_begin(struct admin_answer *out, uint16_t status, const char *type)
{
	admin_answer_deinit(out);
	*out = (struct admin_answer){.status = status, .type = type};
	grow_init(&out->body, ADMIN_ANSWER_BYTES_MAX);
}

static void add_field(struct admin_answer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
add_field(struct admin_answer *out, const char *format, ...)
{
	size_t held = strlen(out->fields);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(out->fields + held, sizeof(out->fields) - held, format, args);
	va_end(args);
}

void
admin_refuse(struct admin_answer *out, uint16_t status, const char *text)
{
	char room[6 * PROBLEM_BYTES_MAX + 2];
	struct writer w = writer_on(room, sizeof(room));
	admin_answer_begin(out, status, JSON_TYPE);
	write_json_string(&w, slice_of(text));
	grow_text(&out->body, "{\"error\":");
	grow_slice(&out->body, (struct slice){w.at, w.bytes});
	grow_text(&out->body, "}\n");
}

static void
refuse(const struct asked *a, enum result r, const struct problem *p)
{
	static const uint16_t status[] = {
	    [RESULT_OK] = 200,    [RESULT_NO_MEMORY] = 503, [RESULT_INVALID] = 400,
	    [RESULT_LIMIT] = 409, [RESULT_IO] = 500,        [RESULT_NOT_FOUND] = 404,
	};
	admin_refuse(a->out, status[r], p->text);
}

/* ---- looking ----------------------------------------------------------------------------------
 */

typedef void rendering(const struct status *s, struct grow *out);

static void
render(const struct asked *a, rendering *as, const char *type)
{
	struct status s;
	status_init(&s);
	admin_answer_begin(a->out, 200, type);
	if (a->face->status(a->face->node, &s) == RESULT_OK)
		as(&s, &a->out->body);
	else
		a->out->body.failed = true;
	status_deinit(&s);
	if (a->out->body.failed)
		admin_refuse(a->out, 503, "no memory");
}

static void
answer_metrics(const struct asked *a)
{
	render(a, metrics_write, METRICS_TYPE);
}

/* Another nonce for each page. */
static void
begin_page(struct admin_answer *out, uint16_t status, char nonce[PAGE_NONCE_BYTES])
{
	uint8_t random[16];
	struct writer w = writer_on(nonce, PAGE_NONCE_BYTES);
	digest_random(random);
	write_base64url(&w, random, sizeof(random));
	admin_answer_begin(out, status, PAGE_TYPE);
	add_field(out, "Content-Security-Policy: " PAGE_POLICY_FORMAT "\r\n", writer_text(&w),
		  nonce);
}

static void
answer_page(const struct asked *a)
{
	char nonce[PAGE_NONCE_BYTES];
	struct status s;
	status_init(&s);
	begin_page(a->out, 200, nonce);
	if (a->face->status(a->face->node, &s) == RESULT_OK)
		page_write(&s, nonce, &a->out->body);
	else
		a->out->body.failed = true;
	status_deinit(&s);
	if (a->out->body.failed)
		admin_refuse(a->out, 503, "no memory");
}

static void
answer_health(const struct asked *a)
{
	bool stopping = a->face->stopping(a->face->node);
	admin_answer_begin(a->out, stopping ? 503 : 200, JSON_TYPE);
	grow_text(&a->out->body,
		  stopping ? "{\"status\":\"stopping\"}\n" : "{\"status\":\"ok\"}\n");
}

static void
answer_events(const struct asked *a)
{
	admin_answer_begin(a->out, 200, EVENTS_TYPE);
	grow_text(&a->out->body, "retry: 2000\n: the failover log's lines from here on\n\n");
	a->out->follow = true;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* Values of a query; each has its own room. */
struct explain_room {
	char service[ID_BYTES_MAX];
	char key[SESSION_KEY_BYTES_MAX];
	char digest[2 * DIGEST_BYTES];
	char down[ROUTE_TARGET_BYTES_MAX + 1];
	char primary[ID_BYTES_MAX + 1];
	char last[ID_BYTES_MAX + 1];
};

bool
asked_slice(const struct asked *a, const char *name, char *room, size_t bytes, struct slice *out)
{
	bool bad;
	*out = SLICE_NONE;
	(void)query_value(a->ask->query, slice_of(name), room, bytes, out, &bad);
	if (bad) {
		char text[64];
		(void)snprintf(text, sizeof(text), "%s: too long, or encoded wrongly", name);
		admin_refuse(a->out, 400, text);
	}
	return !bad;
}

bool
asked_text(const struct asked *a, const char *name, char *room, size_t bytes, const char **out)
{
	struct slice value;
	*out = NULL;
	if (!asked_slice(a, name, room, bytes - 1, &value))
		return false;
	if (value.bytes > 0) {
		room[value.bytes] = '\0';
		*out = room;
	}
	return true;
}

bool
asked_flag(const struct asked *a, const char *name, bool *out)
{
	char room[2];
	struct slice value;
	bool whole = asked_slice(a, name, room, sizeof(room), &value);
	*out = whole && slice_equal(value, SLICE("1"));
	return whole;
}

static void
answer_status(const struct asked *a)
{
	bool brief;
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (asked_flag(a, "brief", &brief))
		render(a, brief ? status_json_brief : status_json, JSON_TYPE);
}

static bool
take_question(const struct asked *a, struct explain_room *room, struct admin_question *q)
{
	return asked_flag(a, "brief", &q->brief) &&
	       asked_slice(a, "service", room->service, sizeof(room->service), &q->service) &&
	       asked_slice(a, "key", room->key, sizeof(room->key), &q->key) &&
	       asked_slice(a, "digest", room->digest, sizeof(room->digest), &q->digest) &&
	       asked_text(a, "down", room->down, sizeof(room->down), &q->down) &&
	       asked_text(a, "primary", room->primary, sizeof(room->primary), &q->primary) &&
	       asked_text(a, "last", room->last, sizeof(room->last), &q->last);
}

static void
answer_explain(const struct asked *a)
{
	struct explain_room room;
	struct admin_question q;
	struct problem p = {""};
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (!take_question(a, &room, &q))
		return;
	if ((q.key.bytes == 0) == (q.digest.bytes == 0)) {
		admin_refuse(a->out, 400, "a key or a digest is wanted: ?key= or ?digest=");
		return;
	}
	enum result r = a->face->explain(a->face->node, &q, &a->out->body, &p);
	if (r != RESULT_OK)
		refuse(a, r, &p);
	else if (a->out->body.failed)
		admin_refuse(a->out, 503, "no memory");
}

/* ---- steering ---------------------------------------------------------------------------------
 */

static void
grant(const struct asked *a, const struct admin_granted *g)
{
	const char *order = g->order == MEMBER_UP ? "none" : member_state_text(g->order);
	log_info("admin: %s of %s: order %s, by %s", g->id, g->service, order, a->peer);
	/* Names are letters, digits and . _ : - (KIND_ID): nothing to escape. */
	grow_format(&a->out->body,
		    "{\"service\":\"%s\",\"member\":\"%s\",\"order\":%s%s%s,\"state\":\"%s\","
		    "\"active\":%u}\n",
		    g->service, g->id, g->order == MEMBER_UP ? "" : "\"",
		    g->order == MEMBER_UP ? "null" : order, g->order == MEMBER_UP ? "" : "\"",
		    member_state_text(g->state), g->active);
}

static void
give_order(const struct asked *a, enum member_state order, bool drain_only)
{
	char service[ID_BYTES_MAX];
	struct admin_wish wish = {.id = a->ask->id, .order = order, .drain_only = drain_only};
	struct admin_granted granted;
	struct problem p = {""};
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (!asked_slice(a, "service", service, sizeof(service), &wish.service))
		return;
	enum result r = a->face->order(a->face->node, &wish, &granted, &p);
	if (r == RESULT_OK)
		grant(a, &granted);
	else if (r == RESULT_INVALID) /* which one is meant? */
		admin_refuse(a->out, 409, p.text);
	else
		refuse(a, r, &p);
}

static void
answer_drain(const struct asked *a)
{
	give_order(a, MEMBER_DRAIN, false);
}

static void
answer_undrain(const struct asked *a)
{
	give_order(a, MEMBER_UP, true);
}

static void
answer_maint(const struct asked *a)
{
	give_order(a, MEMBER_MAINT, false);
}

static void
answer_up(const struct asked *a)
{
	give_order(a, MEMBER_UP, false);
}

/* ---- the cluster ------------------------------------------------------------------------------
 */

static void
answer_master(const struct asked *a)
{
	if (a->face->master == NULL)
		admin_refuse(a->out, 404, "no cluster with addresses is configured");
	else
		a->out->later = !a->face->master(a->face->node, a->ask->query, a->later, a->out);
}

/* ---- the membership ---------------------------------------------------------------------------
 */

#define NO_CLUSTER "no cluster: the file says who is a member"

static void
answer_membership(const struct asked *a)
{
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (a->face->membership == NULL ||
	    a->face->membership(a->face->node, &a->out->body) != RESULT_OK)
		admin_refuse(a->out, 404, NO_CLUSTER);
	else if (a->out->body.failed)
		admin_refuse(a->out, 503, "no memory");
}

static void
answer_change(const struct asked *a)
{
	struct admin_change change;
	struct problem p = {NO_CLUSTER};
	enum result r = RESULT_NOT_FOUND;
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (a->face->change != NULL)
		r = admin_change_read(a->ask, &change, &p);
	if (r == RESULT_OK) {
		log_info("admin: %.*s, by %s", (int)change.bytes, change.text, a->peer);
		r = a->face->change(a->face->node, &change, a->later, &p);
	}
	if (r != RESULT_OK)
		refuse(a, r, &p);
	a->out->later = r == RESULT_OK;
}

void
admin_answer_change(struct admin_answer *out, enum epoch_outcome outcome, uint64_t epoch,
		    const char *why)
{
	uint16_t status = admin_change_status(outcome);
	if (status == 200) {
		admin_answer_begin(out, status, JSON_TYPE);
		grow_format(&out->body, "{\"epoch\":%llu,\"changed\":%s}\n",
			    (unsigned long long)epoch, outcome == EPOCH_DONE ? "true" : "false");
		return;
	}
	char text[PROBLEM_BYTES_MAX];
	(void)snprintf(text, sizeof(text), "%s: %s (epoch %llu)", admin_change_words(outcome), why,
		       (unsigned long long)epoch);
	admin_refuse(out, status, text);
}

static void
answer_readmit(const struct asked *a)
{
	char room[ID_BYTES_MAX];
	struct slice id;
	struct admin_readmitted done;
	struct problem p = {"not in this version"};
	enum result r = RESULT_NOT_FOUND;
	admin_answer_begin(a->out, 200, JSON_TYPE);
	if (!asked_slice(a, "node", room, sizeof(room), &id))
		return;
	if (a->face->readmit != NULL)
		r = a->face->readmit(a->face->node, id, &done, &p);
	if (r != RESULT_OK) {
		refuse(a, r == RESULT_INVALID ? RESULT_LIMIT : r, &p);
		return;
	}
	log_info("admin: voter %s is re-admitted, by %s", done.node, a->peer);
	grow_format(&a->out->body, "{\"node\":\"%s\",\"state\":\"learning\",\"silent_ms\":%llu}\n",
		    done.node, (unsigned long long)done.silent_ms);
}

static void
answer_reload(const struct asked *a)
{
	struct problem p = {""};
	if (a->face->reload == NULL) {
		admin_refuse(a->out, 501, "not in this version");
		return;
	}
	if (a->face->stopping(a->face->node)) {
		admin_refuse(a->out, 503, "the node is stopping");
		return;
	}
	log_info("admin: reload, by %s", a->peer);
	if (a->face->reload(a->face->node, &p) != RESULT_OK) {
		admin_refuse(a->out, 422, p.text);
		return;
	}
	admin_answer_begin(a->out, 200, JSON_TYPE);
	grow_text(&a->out->body, "{\"reloaded\":true}\n");
}

/* ---- the face ---------------------------------------------------------------------------------
 */

static void (*const answers[ADMIN_ROUTES])(const struct asked *a) = {
#define ADMIN_ROUTE(ident, method, path, help) answer_##ident,
#include "tbl/admin_routes.h"
#undef ADMIN_ROUTE
};

/* A browser has no way to say the token with its first request: the page asks for it. */
static void
ask_for_token(struct admin_answer *out)
{
	char nonce[PAGE_NONCE_BYTES];
	begin_page(out, 401, nonce);
	page_write_shell(nonce, &out->body);
	if (out->body.failed)
		admin_refuse(out, 503, "no memory");
}

static bool
is_let_in(const struct asked *a, const struct http_head *head)
{
	struct guard_rules rules = a->face->rules(a->face->node);
	/* A method that a path has not is none of a change: it is refused below. */
	enum guard_verdict verdict = guard_check(&rules, head, a->ask->changes);
	if (verdict == GUARD_PASS)
		return true;
	if (verdict == GUARD_NO_TOKEN && a->ask->route == ROUTE_page)
		ask_for_token(a->out);
	else
		admin_refuse(a->out, guard_status(verdict), guard_text(verdict));
	if (guard_status(verdict) == 401)
		add_field(a->out, "WWW-Authenticate: Bearer realm=\"holdfast\"\r\n");
	return false;
}

void
admin_answer(const struct admin_face *face, const struct http_head *head, const char *peer,
	     struct admin_later *later, struct admin_answer *out)
{
	struct admin_ask ask;
	struct asked a = {face, &ask, peer, later, out};
	route_find(head, &ask);
	if (is_let_in(&a, head)) {
		if (ask.route == ROUTE_NOT_FOUND) {
			admin_refuse(out, 404, "no such thing here");
		} else if (ask.route == ROUTE_NOT_ALLOWED) {
			admin_refuse(out, 405, "not with this method");
			add_field(out, "Allow: %s\r\n", ask.allowed);
		} else {
			answers[ask.route](&a);
		}
	}
	out->head_only = ask.head_only;
}

void
admin_answer_deinit(struct admin_answer *answer)
{
	grow_deinit(&answer->body);
}
