/*
 * compare_print.c: the answer of `holdfast what-if` as text or as one JSON object. Keys are
 * printed as they come, counts behind the last, so that nothing has to be kept.
 */
#include "cli/compare.h"

#include <math.h>

#define PAIRS_SHOWN 40 /* in the text; JSON has all that were counted */
/* Of a key: each byte escaped, quotes, terminator. */
#define KEY_TEXT_BYTES_MAX (6 * SESSION_KEY_BYTES_MAX + 3)

/* ---- what both forms say ------------------------------------------------------------------- */

/* What is printed, and what its lines have in common. */
struct answer {
	const struct comparison *c;
	const struct moves *m; /* whose members and pairs are shown */
	double weight_before;  /* sum */
	double weight_after;   /* of who serves then; NAN: shares are not known */
	double moved;          /* expected parts of the keys; NAN: not known */
	double tagged;
	FILE *to;
};

static const struct moves *
moves_of(const struct comparison *c, const struct comparison_form *form)
{
	return form->tagged ? &c->tagged : &c->moves;
}

static double
part(uint64_t keys, uint64_t all)
{
	return all > 0 ? (double)keys / (double)all : 0;
}

static double
weight_after(const struct comparison *c, size_t number)
{
	const struct expected_member *m = &c->member[number];
	return m->down && c->service->strict == 0 ? 0 : m->after;
}

/* Share of the sessions by the weights, of a member that serves; NAN: not known. */
static double
share(const struct answer *a, size_t number, bool after)
{
	const struct comparison *c = a->c;
	if (!after)
		return a->weight_before > 0 ? c->member[number].before / a->weight_before : 0;
	if (c->member[number].down || a->weight_after == 0)
		return 0;
	return weight_after(c, number) / a->weight_after;
}

/*
 * With spread = "zone", who is next depends on the zone of who is down: the weights alone do not
 * tell. How many move they tell as long as nothing else changes: who is up keeps what was his.
 */
static enum result
expect(struct answer *a, struct problem *p)
{
	const struct comparison *c = a->c;
	bool down = false;
	bool weights = false;
	for (size_t i = 0; i < c->count; i++) {
		a->weight_before += c->member[i].before;
		a->weight_after += weight_after(c, i);
		down |= c->member[i].down;
		weights |= c->member[i].before != c->member[i].after;
	}
	bool zones = down && c->service->spread == SPREAD_ZONE && c->service->strict == 0;
	a->tagged = expected_moved_tagged(c->member, c->count);
	enum result r =
	    expected_moved(c->member, c->count, zones || c->service->strict != 0, &a->moved, p);
	if (zones)
		a->weight_after = NAN;
	if (zones && weights)
		a->moved = NAN;
	return r;
}

static const char *
id_text(const struct comparison *c, uint32_t number)
{
	const char *id = comparison_id(c, number);
	return id != NULL ? id : "-";
}

static unsigned long long
fingerprint(const struct explained *x)
{
	return hashring_fingerprint(x->membership->ring);
}

/* ---- as text ------------------------------------------------------------------------------- */

/* "25.00 %", or "-"; right-adjusted. */
static void
print_percent(double value, FILE *to)
{
	if (isnan(value))
		(void)fprintf(to, "%8s  ", "-");
	else
		(void)fprintf(to, "%8.2f %%", 100 * value);
}

static void
print_moved(const char *what, const struct moves *m, double expected, FILE *to)
{
	(void)fprintf(to, "%-9s %llu of %llu keys:", what, (unsigned long long)m->moved,
		      (unsigned long long)m->keys);
	print_percent(part(m->moved, m->keys), to);
	(void)fprintf(to, ", expected");
	print_percent(expected, to);
	(void)fputc('\n', to);
}

static int
id_width(const struct comparison *c)
{
	int width = (int)strlen("member");
	for (uint32_t i = 0; i < c->count; i++) {
		int bytes = (int)strlen(comparison_id(c, i));
		width = bytes > width ? bytes : width;
	}
	return width;
}

static void
print_side(const struct answer *a, uint32_t number, bool after)
{
	uint64_t keys = after ? a->m->after[number] : a->m->before[number];
	(void)fprintf(a->to, "  %10llu ", (unsigned long long)keys);
	print_percent(part(keys, a->m->keys), a->to);
	(void)fputc(' ', a->to);
	print_percent(number < a->c->count ? share(a, number, after) : NAN, a->to);
}

/* The row "nobody" stands only when a key was left without a member. */
static uint32_t
rows(const struct answer *a)
{
	size_t nobody = a->c->count;
	return (uint32_t)(a->m->before[nobody] + a->m->after[nobody] > 0 ? nobody + 1 : nobody);
}

static void
print_members(const struct answer *a, int width)
{
	(void)fprintf(a->to, "\n%-*s  %10s %10s %10s  %10s %10s %10s\n", width, "member", "before",
		      "share", "expected", "after", "share", "expected");
	for (uint32_t i = 0; i < rows(a); i++) {
		(void)fprintf(a->to, "%-*s", width, id_text(a->c, i));
		print_side(a, i, false);
		print_side(a, i, true);
		(void)fputc('\n', a->to);
	}
}

static void
print_pairs(const struct answer *a, int width)
{
	const struct moves *m = a->m;
	if (m->pair_count == 0)
		return;
	(void)fprintf(a->to, "\n%-*s  %-*s  %10s %10s\n", width, "from", width, "to", "keys",
		      "share");
	for (size_t i = 0; i < m->pair_count && i < PAIRS_SHOWN; i++) {
		(void)fprintf(a->to, "%-*s  %-*s  %10llu ", width, id_text(a->c, m->pair[i].from),
			      width, id_text(a->c, m->pair[i].to),
			      (unsigned long long)m->pair[i].keys);
		print_percent(part(m->pair[i].keys, m->keys), a->to);
		(void)fputc('\n', a->to);
	}
	if (m->pair_count > PAIRS_SHOWN)
		(void)fprintf(a->to, "%zu more pairs\n", m->pair_count - PAIRS_SHOWN);
}

static void
print_text_end(const struct answer *a)
{
	const struct comparison *c = a->c;
	int width = id_width(c);
	(void)fprintf(a->to, "service   %s\npool      %016llx -> %016llx\n", c->service->name,
		      fingerprint(&c->before), fingerprint(&c->after));
	print_moved("moved", &c->moves, a->moved, a->to);
	print_moved("tagged", &c->tagged, a->tagged, a->to);
	print_members(a, width);
	print_pairs(a, width);
	if (c->service->key_count == 0)
		(void)fprintf(a->to,
			      "\nnote      without session.keys Holdfast issues the sessions\n");
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static void
print_number(const char *name, double value, FILE *to)
{
	if (isnan(value))
		(void)fprintf(to, ", \"%s\": null", name);
	else
		(void)fprintf(to, ", \"%s\": %.6f", name, value);
}

/* The id is a name of letters, digits and . _ : -, so nothing is to be escaped. */
static void
print_id(const char *id, FILE *to)
{
	if (id == NULL)
		(void)fprintf(to, "null");
	else
		(void)fprintf(to, "\"%s\"", id);
}

static void
print_counts(const char *name, const struct moves *m, double expected, FILE *to)
{
	(void)fprintf(to, "\"%s\": {\"keys\": %llu", name, (unsigned long long)m->moved);
	print_number("share", part(m->moved, m->keys), to);
	print_number("expected", expected, to);
	(void)fprintf(to, "},\n");
}

static void
print_json_side(const struct answer *a, const char *name, uint32_t number, bool after)
{
	uint64_t keys = after ? a->m->after[number] : a->m->before[number];
	(void)fprintf(a->to, ", \"%s\": {\"keys\": %llu", name, (unsigned long long)keys);
	print_number("share", part(keys, a->m->keys), a->to);
	print_number("expected", number < a->c->count ? share(a, number, after) : NAN, a->to);
	(void)fprintf(a->to, "}");
}

static void
print_json_members(const struct answer *a)
{
	(void)fprintf(a->to, "\"members\": [");
	for (uint32_t i = 0; i < rows(a); i++) {
		(void)fprintf(a->to, "%s{\"member\": ", i > 0 ? ",\n " : "\n ");
		print_id(comparison_id(a->c, i), a->to);
		print_json_side(a, "before", i, false);
		print_json_side(a, "after", i, true);
		(void)fprintf(a->to, "}");
	}
	(void)fprintf(a->to, "],\n");
}

static void
print_json_pairs(const struct answer *a)
{
	const struct moves *m = a->m;
	(void)fprintf(a->to, "\"pairs\": [");
	for (size_t i = 0; i < m->pair_count; i++) {
		(void)fprintf(a->to, "%s{\"from\": ", i > 0 ? ",\n " : "\n ");
		print_id(comparison_id(a->c, m->pair[i].from), a->to);
		(void)fprintf(a->to, ", \"to\": ");
		print_id(comparison_id(a->c, m->pair[i].to), a->to);
		(void)fprintf(a->to, ", \"keys\": %llu}", (unsigned long long)m->pair[i].keys);
	}
	(void)fprintf(a->to, "],\n\"keys_in_further_pairs\": %llu}\n",
		      (unsigned long long)m->unpaired);
}

static void
print_json_end(const struct answer *a)
{
	(void)fprintf(a->to, "],\n\"keys\": %llu,\n", (unsigned long long)a->m->keys);
	print_counts("moved", &a->c->moves, a->moved, a->to);
	print_counts("tagged", &a->c->tagged, a->tagged, a->to);
	print_json_members(a);
	print_json_pairs(a);
}

/* ---- the face ------------------------------------------------------------------------------ */

void
comparison_print_begin(const struct comparison *c, const struct comparison_form *form, FILE *to)
{
	if (form->json)
		(void)fprintf(to,
			      "{\"service\": \"%s\",\n\"pool_before\": \"%016llx\",\n"
			      "\"pool_after\": \"%016llx\",\n\"moves\": [",
			      c->service->name, fingerprint(&c->before), fingerprint(&c->after));
}

void
comparison_print_key(const struct comparison *c, const struct comparison_form *form,
		     struct slice key, const struct compared_key *where, FILE *to)
{
	char text[KEY_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	uint32_t after = form->tagged ? where->after_tagged : where->after;
	if (form->summary_only || after == where->before)
		return;
	if (!form->json) {
		write_escaped(&w, key);
		(void)fprintf(to, "%s\t%s\t%s\n", writer_text(&w), id_text(c, where->before),
			      id_text(c, after));
		return;
	}
	write_json_string(&w, key);
	(void)fprintf(to,
		      "%s{\"key\": %s, \"from\": ", moves_of(c, form)->moved > 1 ? ",\n " : "\n ",
		      writer_text(&w));
	print_id(comparison_id(c, where->before), to);
	(void)fprintf(to, ", \"to\": ");
	print_id(comparison_id(c, after), to);
	(void)fprintf(to, "}");
}

enum result
comparison_print_end(struct comparison *c, const struct comparison_form *form, FILE *to,
		     struct problem *p)
{
	struct answer a = {.c = c, .m = moves_of(c, form), .to = to};
	enum result r = expect(&a, p);
	if (r != RESULT_OK)
		return r;
	moves_sort(form->tagged ? &c->tagged : &c->moves);
	if (form->json) {
		print_json_end(&a);
		return RESULT_OK;
	}
	if (a.m->moved > 0 && !form->summary_only)
		(void)fputc('\n', to); /* behind the list of keys */
	print_text_end(&a);
	return RESULT_OK;
}
