/* members_change.c: see members_change.h. */
#include "cli/members_change.h"

#include <string.h>

/* The operands of an action by name, and what it says besides; then KEY=VALUE, if it takes any. */
static const struct action {
	const char *name;
	const char *target;
	const char *operand[2]; /* NULL: no more */
	const char *key;        /* said besides; NULL: nothing */
	const char *value;
	bool pairs;
} actions[] = {
    {"add", "/v1/membership/add", {"id", "origin"}, NULL, NULL, true},
    {"set", "/v1/membership/set", {"id", NULL}, NULL, NULL, true},
    {"weight", "/v1/membership/set", {"id", "weight"}, NULL, NULL, false},
    {"drain", "/v1/membership/set", {"id", NULL}, "order", "drain", false},
    {"maint", "/v1/membership/set", {"id", NULL}, "order", "maint", false},
    {"undrain", "/v1/membership/set", {"id", NULL}, "order", "none", false},
    {"up", "/v1/membership/set", {"id", NULL}, "order", "none", false},
    {"remove", "/v1/membership/remove", {"id", NULL}, NULL, NULL, false},
    {"rank", "/v1/membership/rank", {"node", "rank"}, NULL, NULL, false},
    {"publish", "/v1/membership/publish", {NULL, NULL}, NULL, NULL, false},
    {"readmit", "/v1/voter/readmit", {"node", NULL}, NULL, NULL, false},
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const char *const keys[] = {"origin", "weight", "connections_max", "order", "zone", "node"};

static enum result
add_pair(struct writer *target, const char *text, struct problem *p)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t bytes = strlen(keys[i]);
		if (strncmp(text, keys[i], bytes) == 0 && text[bytes] == '=') {
			target_add(target, keys[i], text + bytes + 1);
			return RESULT_OK;
		}
	}
	return problem_set(p, RESULT_INVALID,
			   "%.64s: KEY=VALUE is wanted, of origin, weight, connections_max, order, "
			   "zone, node",
			   text);
}

static enum result
wrong_count(const struct action *a, struct problem *p)
{
	return problem_set(
	    p, RESULT_INVALID, "%s%s%s%s%s%s: no other operands are wanted", a->name,
	    a->operand[0] != NULL ? " " : "", a->operand[0] != NULL ? a->operand[0] : "",
	    a->operand[1] != NULL ? " " : "", a->operand[1] != NULL ? a->operand[1] : "",
	    a->pairs ? " [KEY=VALUE...]" : "");
}

enum result
members_target(const struct cli_operands *operands, struct writer *target, struct problem *p)
{
	size_t at = 0;
	while (at < ACTIONS && strcmp(actions[at].name, operands->at[0]) != 0)
		at++;
	if (at == ACTIONS)
		return problem_set(p, RESULT_INVALID,
				   "%.64s: add, set, weight, drain, maint, undrain, up, remove, "
				   "rank, publish or readmit is wanted",
				   operands->at[0]);
	const struct action *a = &actions[at];
	int used = 1;
	write_text(target, a->target);
	for (size_t i = 0; i < 2 && a->operand[i] != NULL; i++) {
		if (used == operands->count)
			return wrong_count(a, p);
		target_add(target, a->operand[i], operands->at[used++]);
	}
	if (a->key != NULL)
		target_add(target, a->key, a->value);
	if (used < operands->count && !a->pairs)
		return wrong_count(a, p);
	enum result r = RESULT_OK;
	for (; r == RESULT_OK && used < operands->count; used++)
		r = add_pair(target, operands->at[used], p);
	return r;
}
