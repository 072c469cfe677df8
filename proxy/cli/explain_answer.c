/* explain_answer.c: see explain_answer.h. */
#include "cli/explain_answer.h"

#include "base/digest.h"
#include "route/assign.h"
#include "route/rules.h"

#include <jansson.h>
#include <stdlib.h>

/* Of a key each byte of which is written as \u00xx, two ids, a digest and the names. */
#define LINE_BYTES_MAX (6 * (SESSION_KEY_BYTES_MAX + 2 * ID_BYTES_MAX) + 256)

/* ---- the service ------------------------------------------------------------------------------
 */

static enum result
find_member(const struct explained *x, struct slice id, const char *option, uint32_t *out,
	    struct problem *p)
{
	*out = membership_by_id(x->membership, id);
	if (*out != MEMBER_NONE)
		return RESULT_OK;
	char text[4 * ID_BYTES_MAX + 1];
	struct writer w = writer_on(text, sizeof(text));
	id.bytes = id.bytes < ID_BYTES_MAX ? id.bytes : ID_BYTES_MAX;
	write_escaped(&w, id);
	return problem_set(p, RESULT_NOT_FOUND, "%s: service %s has no member %s", option,
			   x->service->name, writer_text(&w));
}

/* Sets the states of these members. */
static enum result
mark(const struct explained *x, const struct explained_marks *marks, uint8_t *state,
     struct problem *p)
{
	struct slice rest = slice_of(marks->ids);
	struct slice id;
	while (slice_next_element(&rest, &id)) {
		uint32_t member;
		enum result r = find_member(x, id, marks->option, &member, p);
		if (r != RESULT_OK)
			return r;
		state[member] = (uint8_t)marks->state;
	}
	return RESULT_OK;
}

enum result
explained_mark(struct explained *x, const struct explained_marks *marks, struct problem *p)
{
	size_t count = x->membership->count;
	uint8_t *state = calloc(count + 1, sizeof(*state));
	if (state == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (x->view != NULL)
		memcpy(state, x->view->state, count);
	enum result r = marks != NULL ? mark(x, marks, state, p) : RESULT_OK;
	if (r == RESULT_OK) {
		struct view *view =
		    view_create(x->membership, 1, state, !x->service->health.enabled);
		if (view == NULL) {
			r = problem_set(p, RESULT_NO_MEMORY, "no memory");
		} else {
			view_unref(&x->view);
			x->view = view;
		}
	}
	free(state);
	return r;
}

enum result
explained_init(struct explained *x, const struct config_service *service, const char *down,
	       const char *primary, const char *last, struct problem *p)
{
	*x = (struct explained){
	    .service = service,
	    .rules = plan_rules_of(service),
	    .primary = MEMBER_NONE,
	    .last = MEMBER_NONE,
	};
	enum result r = membership_create(service, &x->membership, p);
	if (r == RESULT_OK)
		r = explained_mark(
		    x, down != NULL ? &(struct explained_marks){down, MEMBER_DOWN, "--down"} : NULL,
		    p);
	if (r == RESULT_OK && primary != NULL)
		r = find_member(x, slice_of(primary), "--primary", &x->primary, p);
	if (r == RESULT_OK && last != NULL)
		r = find_member(x, slice_of(last), "--last", &x->last, p);
	if (r != RESULT_OK)
		explained_deinit(x);
	return r;
}

void
explained_deinit(struct explained *x)
{
	view_unref(&x->view);
	membership_unref(&x->membership);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

void
explain_session(const struct explained *x, struct session_digest digest, uint32_t primary,
		uint32_t last, struct explanation *out)
{
	struct assign_inputs in = {.method = ASSIGN_ORDERING, .digest = digest, .view = x->view};
	out->digest = digest;
	out->from_key = false;
	out->primary = primary != MEMBER_NONE ? primary : assign_primary(&in);
	struct plan_session session = {
	    .digest = digest,
	    .primary = out->primary,
	    .last = last,
	    .fresh = primary == MEMBER_NONE && last == MEMBER_NONE,
	    .idle = x->idle && x->rules.failback == FAILBACK_STAY_UNTIL_IDLE,
	};
	plan_make(&x->rules, &session, x->view, &out->plan);
}

void
explain_digest(const struct explained *x, struct session_digest digest, struct explanation *out)
{
	explain_session(x, digest, x->primary, x->last, out);
}

void
explain_key(const struct explained *x, struct slice key, struct explanation *out)
{
	struct session_digest digest;
	digest_session(x->service->pool_key, key, &digest);
	explain_digest(x, digest, out);
	out->from_key = true;
}

uint32_t
explanation_chosen(const struct explanation *e)
{
	return e->plan.step_count > 0 ? e->plan.step[0].member : MEMBER_NONE;
}

static const char *
id_of(const struct explained *x, uint32_t member)
{
	return member == MEMBER_NONE ? "-" : x->membership->member[member].id;
}

static const char *
zone_of(const struct explained *x, uint32_t member)
{
	const char *zone = x->service->members[member].zone;
	return zone != NULL ? zone : "-";
}

static const char *
state_text(const struct explained *x, uint32_t member)
{
	return member_state_text((enum member_state)x->view->state[member]);
}

/* 32 hex digits, terminated. */
static const char *
digest_text(struct session_digest digest, char text[2 * DIGEST_BYTES + 1])
{
	struct writer w = writer_on(text, 2 * DIGEST_BYTES + 1);
	write_hex_bytes(&w, digest.bytes, DIGEST_BYTES);
	return writer_text(&w);
}

/* The whole order; free it. NULL: no memory. */
static uint32_t *
order_of(const struct explained *x, const struct explanation *e, size_t *count)
{
	const struct membership *m = x->membership;
	uint32_t apart = x->rules.spread == SPREAD_ZONE ? e->primary : HASHRING_NONE;
	uint32_t *order = calloc(m->count + 1, sizeof(*order));
	if (order != NULL)
		*count = hashring_order(m->ring, e->digest.bytes, apart, order, m->count);
	return order;
}

/* ---- as text ----------------------------------------------------------------------------------
 */

static void
print_order(const struct explained *x, const struct explanation *e, FILE *to)
{
	size_t count = 0;
	uint32_t *order = order_of(x, e, &count);
	if (order == NULL)
		return;
	int width = (int)strlen("member");
	for (size_t i = 0; i < count; i++) {
		int bytes = (int)x->membership->member[order[i]].id_bytes;
		width = bytes > width ? bytes : width;
	}
	(void)fprintf(to, "\nrank  %-*s  weight  state  zone\n", width, "member");
	for (size_t i = 0; i < count; i++)
		(void)fprintf(to, "%4zu  %-*s  %6u  %-5s  %s\n", i, width, id_of(x, order[i]),
			      x->membership->member[order[i]].weight, state_text(x, order[i]),
			      zone_of(x, order[i]));
	free(order);
}

static const char *
why_text(enum step_why why)
{
	static const char *const texts[] = {
	    [STEP_PRIMARY] = "the session's primary",
	    [STEP_LAST] = "where it was served last",
	    [STEP_BACKUP] = "next in the order",
	};
	return texts[why];
}

static void
print_plan(const struct explained *x, const struct explanation *e, FILE *to)
{
	uint32_t attempts = plan_attempts(&x->rules, &e->plan);
	(void)fprintf(to, "\n");
	for (uint32_t i = 0; i < e->plan.skipped_count; i++)
		(void)fprintf(to, "skipped    %s: %s\n", id_of(x, e->plan.skipped[i].member),
			      reason_text(e->plan.skipped[i].why));
	for (uint32_t i = 0; i < e->plan.step_count; i++)
		(void)fprintf(to, "%s  %s: %s\n", i < attempts ? "attempt  " : "backup   ",
			      id_of(x, e->plan.step[i].member), why_text(e->plan.step[i].why));
}

/* What a key alone cannot say. */
static void
print_notes(const struct explained *x, const struct explanation *e, FILE *to)
{
	enum assign_method method = assign_method_for(x->rules.assign, true);
	if (e->from_key && x->service->key_count == 0)
		(void)fprintf(
		    to, "note       without session.keys Holdfast issues the sessions: what a "
			"member is told in Holdfast-Session goes with --digest\n");
	if (method != ASSIGN_ORDERING && x->primary == MEMBER_NONE)
		(void)fprintf(
		    to,
		    "note       assign = %s chooses the primary of a new session by load or turn; "
		    "its first place in the order stands for it here (--primary ID)\n",
		    method == ASSIGN_ROUND_ROBIN ? "round_robin" : "least_requests");
	if (x->rules.failback == FAILBACK_STAY_UNTIL_IDLE && !x->idle && x->last != MEMBER_NONE &&
	    x->last != e->primary)
		(void)fprintf(to,
			      "note       after %us without a request the session goes home "
			      "(--idle)\n",
			      x->service->stay_until_idle_s);
}

void
explanation_print(const struct explained *x, const struct explanation *e, FILE *to)
{
	char digest[2 * DIGEST_BYTES + 1];
	(void)fprintf(to, "service    %s\ndigest     %s\npool       %016llx\nprimary    %s\n",
		      x->service->name, digest_text(e->digest, digest),
		      (unsigned long long)hashring_fingerprint(x->membership->ring),
		      id_of(x, e->primary));
	print_order(x, e, to);
	print_plan(x, e, to);
	if (e->plan.step_count > 0)
		(void)fprintf(to, "chosen     %s: %s\n", id_of(x, explanation_chosen(e)),
			      affinity_text(e->plan.affinity));
	else if (e->plan.refuse_status != 0)
		(void)fprintf(to, "chosen     none: strict, answered with %d\n",
			      e->plan.refuse_status);
	else
		(void)fprintf(to, "chosen     none: no live member\n");
	print_notes(x, e, to);
}

/* ---- as JSON ----------------------------------------------------------------------------------
 */

static json_t *
order_json(const struct explained *x, const struct explanation *e)
{
	size_t count = 0;
	uint32_t *order = order_of(x, e, &count);
	json_t *list = json_array();
	for (size_t i = 0; order != NULL && i < count; i++) {
		const char *zone = x->service->members[order[i]].zone;
		(void)json_array_append_new(
		    list, json_pack("{s:I, s:s, s:I, s:s, s:s?}", "rank", (json_int_t)i, "member",
				    id_of(x, order[i]), "weight",
				    (json_int_t)x->membership->member[order[i]].weight, "state",
				    state_text(x, order[i]), "zone", zone));
	}
	free(order);
	return list;
}

static json_t *
steps_json(const struct explained *x, const struct plan *plan)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < plan->step_count; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s}", "member",
							    id_of(x, plan->step[i].member), "why",
							    step_why_text(plan->step[i].why)));
	return list;
}

static json_t *
skipped_json(const struct explained *x, const struct plan *plan)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < plan->skipped_count; i++)
		(void)json_array_append_new(
		    list, json_pack("{s:s, s:s}", "member", id_of(x, plan->skipped[i].member),
				    "why", reason_text(plan->skipped[i].why)));
	return list;
}

enum result
explanation_print_json(const struct explained *x, const struct explanation *e, FILE *to)
{
	char digest[2 * DIGEST_BYTES + 1];
	char pool[2 * sizeof(uint64_t) + 1];
	bool served = e->plan.step_count > 0;
	(void)snprintf(pool, sizeof(pool), "%016llx",
		       (unsigned long long)hashring_fingerprint(x->membership->ring));
	json_t *root = json_pack(
	    "{s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:I, s:s?, s:s?, s:i}", "service",
	    x->service->name, "digest", digest_text(e->digest, digest), "pool", pool, "primary",
	    e->primary != MEMBER_NONE ? id_of(x, e->primary) : NULL, "order", order_json(x, e),
	    "skipped", skipped_json(x, &e->plan), "plan", steps_json(x, &e->plan), "attempts",
	    (json_int_t)plan_attempts(&x->rules, &e->plan), "chosen",
	    served ? id_of(x, explanation_chosen(e)) : NULL, "affinity",
	    served ? affinity_text(e->plan.affinity) : NULL, "refuse_status",
	    (int)e->plan.refuse_status);
	if (root == NULL)
		return RESULT_NO_MEMORY;
	bool written = json_dumpf(root, to, JSON_INDENT(2)) == 0 && fputc('\n', to) != EOF;
	json_decref(root);
	return written ? RESULT_OK : RESULT_IO;
}

/* ---- a line a key -----------------------------------------------------------------------------
 */

void
explanation_print_line(const struct explained *x, struct slice key, const struct explanation *e,
		       FILE *to)
{
	char text[4 * SESSION_KEY_BYTES_MAX + 1];
	char digest[2 * DIGEST_BYTES + 1];
	struct writer w = writer_on(text, sizeof(text));
	write_escaped(&w, key);
	(void)fprintf(to, "%s\t%s\t%s\t%s\n", writer_text(&w), digest_text(e->digest, digest),
		      id_of(x, e->primary), id_of(x, explanation_chosen(e)));
}

static void
write_id(struct writer *w, const struct explained *x, uint32_t member)
{
	if (member == MEMBER_NONE)
		write_text(w, "null");
	else
		write_json_string(w, slice_of(id_of(x, member)));
}

void
explanation_print_json_line(const struct explained *x, struct slice key,
			    const struct explanation *e, FILE *to)
{
	char text[LINE_BYTES_MAX];
	char digest[2 * DIGEST_BYTES + 1];
	struct writer w = writer_on(text, sizeof(text));
	write_text(&w, "{\"key\": ");
	write_json_string(&w, key);
	write_format(&w, ", \"digest\": \"%s\", \"primary\": ", digest_text(e->digest, digest));
	write_id(&w, x, e->primary);
	write_text(&w, ", \"chosen\": ");
	write_id(&w, x, explanation_chosen(e));
	write_text(&w, "}\n");
	(void)fwrite(w.at, 1, w.bytes, to);
}
