/* explain_answer.c: see explain_answer.h. */
#include "cli/explain_answer.h"

#include "admin/explain_json.h"
#include "route/assign.h"

#include <stdlib.h>

/* Of a key each byte of which is written as \u00xx, two ids, a digest and the names. */
#define LINE_BYTES_MAX (6 * (SESSION_KEY_BYTES_MAX + 2 * ID_BYTES_MAX) + 256)
/* An object of some 100 bytes for each of MEMBERS_MAX. */
#define ANSWER_BYTES_MAX ((size_t)64 * 1024 * 1024)

static const char *
id_of(const struct explained *x, uint32_t member)
{
	return member == MEMBER_NONE ? "-" : x->membership->member[member].id;
}

static const char *
zone_of(const struct explained *x, uint32_t member)
{
	const char *zone = x->membership->member[member].zone;
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

/* ---- as text ----------------------------------------------------------------------------------
 */

static void
print_order(const struct explained *x, const struct explanation *e, FILE *to)
{
	size_t count = 0;
	uint32_t *order = explained_order(x, e, &count);
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
		    "note       assign = %s chooses the primary of a new session as it comes; "
		    "its first place in the order stands for it here (--primary ID)\n",
		    method == ASSIGN_MASTER        ? "master"
		    : method == ASSIGN_RACE        ? "race"
		    : method == ASSIGN_ROUND_ROBIN ? "round_robin"
						   : "least_requests");
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

enum result
explanation_print_json(const struct explained *x, const struct explanation *e, FILE *to)
{
	struct grow text;
	grow_init(&text, ANSWER_BYTES_MAX);
	explain_json(x, e, &text);
	enum result r = text.failed ? RESULT_NO_MEMORY : RESULT_OK;
	if (r == RESULT_OK && fwrite(text.at, 1, text.bytes, to) != text.bytes)
		r = RESULT_IO;
	grow_deinit(&text);
	return r;
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
