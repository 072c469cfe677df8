/* explain.c: see explain.h. */
#include "route/explain.h"

#include "base/digest.h"
#include "route/assign.h"
#include "route/rules.h"

#include <stdlib.h>

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
		struct view_opinion opinion = {.state = state,
					       .trial = !x->service->health.enabled};
		struct view *view = view_create(x->membership, 1, &opinion);
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
explained_tag(struct explained *x, const char *primary, const char *last, struct problem *p)
{
	enum result r = RESULT_OK;
	if (primary != NULL)
		r = find_member(x, slice_of(primary), "--primary", &x->primary, p);
	if (r == RESULT_OK && last != NULL)
		r = find_member(x, slice_of(last), "--last", &x->last, p);
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
	if (r == RESULT_OK)
		r = explained_tag(x, primary, last, p);
	if (r != RESULT_OK)
		explained_deinit(x);
	return r;
}

void
explained_init_live(struct explained *x, const struct config_service *service, struct view *view)
{
	*x = (struct explained){
	    .service = service,
	    .membership = membership_ref(view->membership),
	    .view = view_ref(view),
	    .rules = plan_rules_of(service),
	    .primary = MEMBER_NONE,
	    .last = MEMBER_NONE,
	};
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

uint32_t *
explained_order(const struct explained *x, const struct explanation *e, size_t *count)
{
	const struct membership *m = x->membership;
	uint32_t apart = x->rules.spread == SPREAD_ZONE ? e->primary : HASHRING_NONE;
	uint32_t *order = calloc(m->count + 1, sizeof(*order));
	if (order != NULL)
		*count = hashring_order(m->ring, e->digest.bytes, apart, order, m->count);
	return order;
}
