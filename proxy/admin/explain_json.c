/* explain_json.c: see explain_json.h. */
#include "admin/explain_json.h"

#include <jansson.h>
#include <stdlib.h>

static const char *
id_of(const struct explained *x, uint32_t member)
{
	return member == MEMBER_NONE ? "-" : x->membership->member[member].id;
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

static json_t *
order_json(const struct explained *x, const struct explanation *e)
{
	size_t count = 0;
	uint32_t *order = explained_order(x, e, &count);
	json_t *list = json_array();
	for (size_t i = 0; order != NULL && i < count; i++) {
		const char *zone = x->membership->member[order[i]].zone;
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

static int
put(const char *at, size_t bytes, void *context)
{
	struct grow *out = context;
	grow_bytes(out, at, bytes);
	return out->failed ? -1 : 0;
}

void
explain_json(const struct explained *x, const struct explanation *e, struct grow *out)
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
	if (root == NULL || json_dump_callback(root, put, out, JSON_INDENT(2)) != 0)
		out->failed = true;
	json_decref(root);
	grow_text(out, "\n");
}

static void
put_text(struct grow *out, const char *before, const char *text)
{
	char room[6 * ID_BYTES_MAX + 3];
	struct writer w = writer_on(room, sizeof(room));
	write_json_string(&w, slice_of(text));
	grow_text(out, before);
	grow_slice(out, (struct slice){w.at, w.bytes});
}

void
explain_json_brief(const struct explained *x, const struct explanation *e, struct grow *out)
{
	char digest[2 * DIGEST_BYTES + 1];
	size_t count = 0;
	uint32_t *order = explained_order(x, e, &count);
	put_text(out, "{\"service\":", x->service->name);
	put_text(out, ",\"digest\":", digest_text(e->digest, digest));
	grow_format(out, ",\"pool\":\"%016llx\"",
		    (unsigned long long)hashring_fingerprint(x->membership->ring));
	grow_text(out, ",\"order\":[");
	for (size_t i = 0; order != NULL && i < count; i++)
		put_text(out, i > 0 ? "," : "", id_of(x, order[i]));
	grow_text(out, "]}\n");
	out->failed |= order == NULL;
	free(order);
}
