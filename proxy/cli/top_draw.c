/* top_draw.c: see top_draw.h. A canvas takes one line after another and cuts each to the width. */
#include "cli/top_draw.h"

#include "cli/json_texts.h"
#include "cli/table.h"
#include "cli/top_cells.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#define LINE_BYTES        2048
#define SERVICES_SHOWN    8 /* where lines are few; all with --once */
#define MEMBERS_KEPT      3 /* lines of members that services leave room for */
#define TRANSITIONS_SHOWN 32
#define GAP               2 /* blanks between two columns */

enum style { STYLE_NONE, STYLE_HEAD, STYLE_GOOD, STYLE_WARNING, STYLE_BAD, STYLE_SELECTED };

struct canvas {
	struct grow *out;
	size_t columns;
	size_t left; /* lines */
	bool live;   /* else plain text */
	bool color;
};

/* ---- lines ------------------------------------------------------------------------------------
 */

/* Bold and reverse are no colours. */
static const char *
begin_style(const struct canvas *c, enum style style)
{
	static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[32m",
					    "\x1b[33m", "\x1b[31m", "\x1b[7m"};
	bool colored = style == STYLE_GOOD || style == STYLE_WARNING || style == STYLE_BAD;
	return !c->live || (colored && !c->color) ? "" : codes[style];
}

static void
put_line(struct canvas *c, enum style style, const char *text)
{
	if (c->left == 0)
		return;
	c->left--;
	const char *code = begin_style(c, style);
	size_t bytes = strnlen(text, c->live ? c->columns : LINE_BYTES);
	while (!c->live && bytes > 0 && text[bytes - 1] == ' ')
		bytes--;
	grow_text(c->out, code);
	grow_bytes(c->out, text, bytes);
	grow_text(c->out, code[0] != '\0' ? "\x1b[0m" : "");
	/* At the last line no line feed: the screen would roll. */
	grow_text(c->out, !c->live ? "\n" : c->left > 0 ? "\x1b[K\r\n" : "\x1b[K");
}

__attribute__((format(printf, 3, 4))) static void
put(struct canvas *c, enum style style, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_line(c, style, text);
}

/* ---- tables -----------------------------------------------------------------------------------
 */

struct grid {
	const struct top_column *column;
	size_t count;
	const char *rows; /* of row_bytes each */
	size_t row_bytes;
	size_t row_count;
	size_t width[TOP_CELLS_MAX]; /* 0: not shown */
};

static const void *
row_at(const struct grid *g, size_t i)
{
	return g->rows + i * g->row_bytes;
}

static size_t
total_width(const struct grid *g)
{
	size_t total = 0;
	for (size_t i = 0; i < g->count; i++)
		total += g->width[i] > 0 ? g->width[i] + GAP : 0;
	return total > 0 ? total - GAP : 0;
}

/* What is most spared goes, until the rest fits. */
static void
fit(struct grid *g, size_t columns)
{
	while (total_width(g) > columns) {
		size_t worst = g->count;
		for (size_t i = 0; i < g->count; i++) {
			bool there = g->width[i] > 0 && g->column[i].spare > 0;
			if (there &&
			    (worst == g->count || g->column[i].spare > g->column[worst].spare))
				worst = i;
		}
		if (worst == g->count)
			return;
		g->width[worst] = 0;
	}
}

static void
measure(struct grid *g)
{
	char text[TOP_CELL_BYTES];
	for (size_t i = 0; i < g->count; i++) {
		g->width[i] = strlen(g->column[i].head);
		for (size_t r = 0; r < g->row_count; r++) {
			g->column[i].cell(row_at(g, r), text);
			size_t bytes = strlen(text);
			g->width[i] = bytes > g->width[i] ? bytes : g->width[i];
		}
	}
}

/* `row` NULL: the heads. */
static void
put_row(struct canvas *c, const struct grid *g, const void *row, enum style style, const char *mark)
{
	char line[LINE_BYTES];
	char text[TOP_CELL_BYTES];
	struct writer w = writer_on(line, sizeof(line));
	write_text(&w, mark);
	for (size_t i = 0; i < g->count; i++) {
		if (g->width[i] == 0)
			continue;
		if (row != NULL)
			g->column[i].cell(row, text);
		write_format(&w, "%*s%*s", w.bytes > strlen(mark) ? GAP : 0, "",
			     g->column[i].right ? (int)g->width[i] : -(int)g->width[i],
			     row != NULL ? text : g->column[i].head);
	}
	put_line(c, style, writer_text(&w));
}

/* ---- the node ---------------------------------------------------------------------------------
 */

static uint64_t
disagreements(const struct top_model *m)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < m->service_count; i++)
		sum += json_count(json_object_get(m->service[i].json, "requests"), "disagreements");
	return sum;
}

static void
put_process(struct canvas *c, const struct top_model *m)
{
	char cpu[TOP_CELL_BYTES];
	const json_t *s = m->now.status;
	const json_t *process = json_object_get(s, "process");
	put(c, STYLE_NONE,
	    "%" PRIu64 " workers, CPU %s %% of a core, %.1f MiB, %" PRIu64 " of %" PRIu64
	    " descriptors, %" PRIu64 " clients, epoch %" PRIu64,
	    json_count(s, "workers"), top_number(m->cpu * 100, cpu),
	    (double)json_count(process, "resident_bytes") / 1048576,
	    json_count(process, "descriptors"), json_count(process, "descriptors_max"),
	    json_count(s, "clients"), json_count(s, "epoch"));
}

static void
put_cluster(struct canvas *c, const struct top_model *m)
{
	char text[5][TOP_CELL_BYTES];
	const json_t *cluster = json_object_get(m->now.status, "cluster");
	const json_t *nodes = json_object_get(cluster, "nodes");
	size_t heard = 0;
	size_t i;
	const json_t *n;
	if (!json_is_object(cluster))
		return;
	json_array_foreach(nodes, i, n) heard += json_is_integer(json_object_get(n, "heard_ms"));
	bool whole = heard == json_array_size(nodes);
	bool led = json_is_string(json_object_get(cluster, "master"));
	put(c, whole && led ? STYLE_NONE : STYLE_WARNING,
	    "cluster %s: %s (%s), master %s, term %" PRIu64 " for %s; %zu of %zu nodes heard; "
	    "%" PRIu64 " disagreements",
	    json_text(cluster, "name", text[0], TOP_CELL_BYTES),
	    json_text(cluster, "self", text[1], TOP_CELL_BYTES),
	    json_text(cluster, "state", text[2], TOP_CELL_BYTES),
	    json_text(cluster, "master", text[3], TOP_CELL_BYTES), json_count(cluster, "term"),
	    duration_text(json_count(cluster, "since_ms"), text[4], TOP_CELL_BYTES), heard,
	    json_array_size(nodes), disagreements(m));
}

static void
put_node(struct canvas *c, const struct top_model *m, const struct top_screen *s)
{
	char text[4][TOP_CELL_BYTES];
	char where[LINE_BYTES];
	const json_t *status = m->now.status;
	struct writer w = writer_on(where, sizeof(where));
	write_escaped(&w, slice_of(s->where));
	put(c, STYLE_HEAD, "holdfast %s%s  node %s at %s  up %s  every %s",
	    json_text(status, "version", text[0], TOP_CELL_BYTES), s->paused ? "  PAUSED" : "",
	    json_text(status, "node", text[1], TOP_CELL_BYTES), writer_text(&w),
	    duration_text(json_count(status, "uptime_ms"), text[2], TOP_CELL_BYTES),
	    duration_text(s->interval_ms, text[3], TOP_CELL_BYTES));
}

static void
put_away(struct canvas *c, const struct top_model *m, const struct top_screen *s)
{
	char why[LINE_BYTES / 2];
	char ago[TOP_CELL_BYTES];
	struct writer w = writer_on(why, sizeof(why));
	if (s->away == NULL)
		return;
	struct slice text = {s->away, strnlen(s->away, sizeof(why) / 4 - 1)};
	struct slice where = slice_of(s->where); /* stands in the first line */
	if (slice_has_prefix(text, where) && text.bytes > where.bytes + 2)
		text = (struct slice){text.at + where.bytes + 2, text.bytes - where.bytes - 2};
	write_escaped(&w, text);
	put(c, STYLE_BAD, "NO ANSWER for %s: %s", duration_text(s->away_ms, ago, TOP_CELL_BYTES),
	    writer_text(&w));
	put(c, STYLE_BAD, "%s",
	    m->now.status != NULL ? "what stands below is the last that it said"
				  : "it is asked again");
}

static void
put_top(struct canvas *c, const struct top_model *m, const struct top_screen *s)
{
	put_node(c, m, s);
	put_away(c, m, s);
	if (m->now.status == NULL)
		return;
	put_process(c, m);
	put_cluster(c, m);
}

/* ---- services and members ---------------------------------------------------------------------
 */

/* Rows of services that leave room for members, which are what most look for; 0: no table. */
static size_t
services_room(const struct canvas *c, const struct top_model *m)
{
	size_t kept = m->member_count < MEMBERS_KEPT ? m->member_count : MEMBERS_KEPT;
	size_t others = 2 + 2 + kept + 1; /* a blank and a head each, and the keys */
	size_t room = c->left > others ? c->left - others : 0;
	if (room >= m->service_count && m->service_count <= SERVICES_SHOWN)
		return m->service_count;
	if (room < 2)
		return 0;
	return room - 1 < SERVICES_SHOWN ? room - 1 : SERVICES_SHOWN; /* "more" has a line */
}

static void
put_services(struct canvas *c, const struct top_model *m)
{
	struct grid g = {.column = top_service_columns,
			 .count = top_service_column_count,
			 .rows = (const char *)m->service,
			 .row_bytes = sizeof(*m->service),
			 .row_count = m->service_count};
	size_t most = c->live ? services_room(c, m) : m->service_count;
	if (most == 0)
		return;
	measure(&g);
	if (c->live)
		fit(&g, c->columns);
	put_line(c, STYLE_NONE, "");
	put_row(c, &g, NULL, STYLE_HEAD, "");
	for (size_t i = 0; i < m->service_count && i < most; i++)
		put_row(c, &g, &m->service[i], STYLE_NONE, "");
	if (m->service_count > most)
		put(c, STYLE_NONE, "%zu services more", m->service_count - most);
}

static enum style
style_of(const struct top_member *m)
{
	const char *state = json_string_value(json_object_get(m->json, "state"));
	if (state == NULL || strcmp(state, "up") == 0)
		return STYLE_GOOD;
	return strcmp(state, "down") == 0 ? STYLE_BAD : STYLE_WARNING;
}

void
top_member_name(const struct top_member *m, struct writer *w)
{
	write_text(w, m->service);
	write_char(w, '/');
	write_text(w, m->id);
}

size_t
top_selected(const struct top_model *m, const struct top_screen *s)
{
	char name[2 * HISTOGRAM_NAME_BYTES + 2];
	for (size_t i = 0; s->selected != NULL && i < m->member_count; i++) {
		struct writer w = writer_on(name, sizeof(name));
		top_member_name(&m->member[i], &w);
		if (strcmp(writer_text(&w), s->selected) == 0)
			return i;
	}
	return 0;
}

/* The selected one is among the `room` that are seen. */
static void
scroll(struct top_screen *s, size_t selected, size_t count, size_t room)
{
	if (selected < s->first)
		s->first = selected;
	if (room > 0 && selected >= s->first + room)
		s->first = selected - room + 1;
	if (s->first > 0 && s->first + room > count)
		s->first = count > room ? count - room : 0;
}

static void
put_members(struct canvas *c, const struct top_model *m, struct top_screen *s)
{
	struct grid g = {.column = top_member_columns,
			 .count = top_member_column_count,
			 .rows = (const char *)m->member,
			 .row_bytes = sizeof(*m->member),
			 .row_count = m->member_count};
	size_t selected = top_selected(m, s);
	measure(&g);
	if (c->live)
		fit(&g, c->columns - 1); /* the mark stands before it */
	put_line(c, STYLE_NONE, "");
	put_row(c, &g, NULL, STYLE_HEAD, c->live ? " " : "");
	size_t room = c->live && c->left > 0 ? c->left - 1 : m->member_count; /* keys: below */
	if (c->live)
		scroll(s, selected, m->member_count, room);
	for (size_t i = c->live ? s->first : 0; i < m->member_count && room > 0; i++, room--) {
		bool here = c->live && i == selected;
		put_row(c, &g, &m->member[i], here ? STYLE_SELECTED : style_of(&m->member[i]),
			!c->live ? ""
			: here   ? ">"
				 : " ");
	}
}

/* ---- one member -------------------------------------------------------------------------------
 */

static void
put_transitions(struct canvas *c, const json_t *list)
{
	char text[4][TOP_CELL_BYTES];
	size_t count = json_array_size(list);
	if (count > 0)
		put_line(c, STYLE_HEAD, "changes of state, the last one first");
	for (size_t i = 0; i < count && i < TRANSITIONS_SHOWN && c->left > 1; i++) {
		const json_t *t = json_array_get(list, count - 1 - i);
		put(c, STYLE_NONE, "%s  %s -> %s  %s", json_text(t, "at", text[0], TOP_CELL_BYTES),
		    json_text(t, "from", text[1], TOP_CELL_BYTES),
		    json_text(t, "to", text[2], TOP_CELL_BYTES),
		    json_text(t, "reason", text[3], TOP_CELL_BYTES));
	}
}

static void
put_check(struct canvas *c, const json_t *m)
{
	char text[4][LINE_BYTES / 8];
	const json_t *check = json_object_get(m, "check");
	const json_t *health = json_object_get(m, "health");
	if (json_is_object(check))
		put(c, STYLE_NONE, "last check  %s, %s, at %s",
		    json_is_true(json_object_get(check, "well")) ? "well" : "failed",
		    json_text(check, "seen", text[0], sizeof(text[0])),
		    json_text(check, "at", text[1], sizeof(text[1])));
	put(c, STYLE_NONE, "checks      %" PRIu64 " well, %" PRIu64 " failed; 1 well, 0 failed: %s",
	    json_count(health, "well"), json_count(health, "failed"),
	    json_text(health, "history", text[2], sizeof(text[2])));
}

static void
put_member(struct canvas *c, const struct top_model *m, const struct top_screen *s)
{
	char text[8][TOP_CELL_BYTES];
	put_line(c, STYLE_NONE, "");
	if (m->member_count == 0) {
		put_line(c, STYLE_NONE, "no members");
		return;
	}
	const struct top_member *one = &m->member[top_selected(m, s)];
	const json_t *j = one->json;
	top_member_columns[0].cell(one, text[0]);
	top_member_columns[1].cell(one, text[1]);
	put(c, STYLE_HEAD, "member %s of %s", text[0], text[1]);
	put(c, style_of(one), "state       %s: %s, since %s",
	    json_text(j, "state", text[0], TOP_CELL_BYTES),
	    json_text(j, "reason", text[1], TOP_CELL_BYTES),
	    json_text(j, "since", text[2], TOP_CELL_BYTES));
	put(c, STYLE_NONE,
	    "origin      %s, zone %s, weight %" PRIu64 ", share of new sessions %.2f",
	    json_text(j, "origin", text[0], TOP_CELL_BYTES),
	    json_text(j, "zone", text[1], TOP_CELL_BYTES), json_count(j, "weight"),
	    json_number_value(json_object_get(j, "share")));
	put(c, STYLE_NONE, "order       %s", json_text(j, "order", text[0], TOP_CELL_BYTES));
	put(c, STYLE_NONE,
	    "load        %" PRIu64 " requests, %" PRIu64 " waiting; bound %" PRIu64 " (0: none)",
	    json_count(j, "active"), json_count(j, "waiting"), json_count(j, "connections_max"));
	put(c, STYLE_NONE, "attempts    %" PRIu64 ", %s/s; failed %" PRIu64 ", %s/s",
	    json_count(j, "attempts"), top_number(one->rates.requests, text[0]),
	    json_count(j, "failures"), top_number(one->rates.failures, text[1]));
	put(c, STYLE_NONE, "latency     p50 %s ms, p99 %s ms; failovers to it %" PRIu64 ", %s/s",
	    top_number(one->rates.p50_ms, text[0]), top_number(one->rates.p99_ms, text[1]),
	    one->failovers, top_number(one->rates.failovers, text[2]));
	put_check(c, j);
	put_transitions(c, json_object_get(j, "transitions"));
}

/* ---- help -------------------------------------------------------------------------------------
 */

static void
put_help(struct canvas *c)
{
	static const char *const lines[] = {
	    "",
	    "q, Ctrl-C      quit",
	    "up, down, j, k select a member; Page Up, Page Down, Home, End",
	    "Enter          the selected member, all of it; again, Esc: back",
	    "s              sort by the next of: configured, state, load, req/s, fail/s,",
	    "               failovers, p99, name;  r: the other way round",
	    "p, space       pause: what is shown stays, nothing is asked",
	    "h, ?           this; Esc: back",
	    "",
	    "Rates are differences of counters between two answers. P50, P99: what half, 99 of",
	    "100 requests of that time took at most. LOAD: requests in flight, /bound, +waiting.",
	    "FAILOVERS: requests that a member served in another's place, since the start.",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && c->left > 1; i++)
		put_line(c, STYLE_NONE, lines[i]);
}

/* The last line. */
static void
put_keys(struct canvas *c, const struct top_screen *s)
{
	while (c->left > 1)
		put_line(c, STYLE_NONE, "");
	if (s->page == TOP_PAGE_MEMBERS)
		put(c, STYLE_HEAD, "q quit  h help  s sort: %s%s  p %s  Enter detail",
		    top_sort_text(s->sort), s->reverse ? " reversed" : "",
		    s->paused ? "go on" : "pause");
	else
		put(c, STYLE_HEAD, "q quit  Esc back");
}

/* ---- the face ---------------------------------------------------------------------------------
 */

void
top_draw(const struct top_model *m, struct top_screen *s, struct grow *out)
{
	struct canvas c = {out, s->columns, s->lines, true, s->color};
	grow_text(out, "\x1b[H");
	if (s->columns < TOP_COLUMNS_MIN || s->lines < TOP_LINES_MIN) {
		put(&c, STYLE_NONE, "too small: %dx%d", TOP_COLUMNS_MIN, TOP_LINES_MIN);
		grow_text(out, "\x1b[J");
		return;
	}
	put_top(&c, m, s);
	if (s->page == TOP_PAGE_HELP) {
		put_help(&c);
	} else if (m->now.status != NULL && s->page == TOP_PAGE_MEMBER) {
		put_member(&c, m, s);
	} else if (m->now.status != NULL) {
		put_services(&c, m);
		put_members(&c, m, s);
	}
	put_keys(&c, s);
}

void
top_print(const struct top_model *m, const struct top_screen *s, FILE *to)
{
	struct grow text;
	struct top_screen plain = *s;
	grow_init(&text, TOP_BYTES_MAX);
	struct canvas c = {&text, 0, SIZE_MAX, false, false};
	put_top(&c, m, s);
	put_services(&c, m);
	put_members(&c, m, &plain);
	(void)fwrite(text.at, 1, text.bytes, to);
	grow_deinit(&text);
}
