/* what_if_log.c: see what_if_log.h. */
#include "cli/what_if_log.h"

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/json_texts.h"
#include "cli/log_line.h"
#include "cli/log_source.h"
#include "cli/options.h"
#include "cli/service.h"
#include "cli/sessions.h"
#include "cli/table.h"
#include "cli/tail_line.h"
#include "hashring.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>

#define PERCENT_BYTES 32

/* What the lines were. */
struct line_counts {
	uint64_t read;
	uint64_t unreadable; /* cut, or no line of an access log in JSON */
	uint64_t older;      /* than --since */
	uint64_t pointless;  /* of a session, but without its point: written by an older Holdfast */
	uint64_t foreign;    /* of services that are not asked about */
};

/* One service that the change can be made to. */
struct changed_service {
	const struct config_service *service;
	struct comparison c; /* moves: as the sessions are; tagged: if none kept its tag */
	uint64_t sessions;
	uint64_t untagged;
	uint64_t shown;
	uint64_t not_shown;
};

struct work {
	const struct log_question *q;
	struct tail_filter since;
	struct changed_service *list;
	size_t count;
	struct sessions sessions;
	struct line_counts lines;
	json_t *moves; /* with --json: a list a service */
};

static int
refuse(const struct problem *p)
{
	return cli_refuse(SUBCOMMAND_what_if, EXIT_USAGE, p->text);
}

/* ---- services ---------------------------------------------------------------------------------
 */

static enum result
add_service(struct work *w, const struct config_service *s, struct problem *p)
{
	struct changed_service *to = &w->list[w->count];
	*to = (struct changed_service){.service = s};
	enum result r = cli_service_listed(s, p);
	if (r == RESULT_OK)
		r = comparison_init(&to->c, s, w->q->changes, w->q->down, p);
	w->count += r == RESULT_OK;
	return r;
}

/* The one that is named; else all to which the change can be made, one at least. */
static enum result
add_services(struct work *w, const struct config *config, struct problem *p)
{
	bool named = w->q->service != NULL || config->service_count == 1;
	w->list = calloc(config->service_count, sizeof(*w->list));
	if (w->list == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (named) {
		const struct config_service *s = cli_service_find(config, w->q->service, p);
		return s != NULL ? add_service(w, s, p) : RESULT_NOT_FOUND;
	}
	enum result r = RESULT_NOT_FOUND;
	for (size_t i = 0; i < config->service_count; i++)
		r = add_service(w, &config->services[i], p);
	return w->count > 0 ? RESULT_OK : r;
}

/* SIZE_MAX: not asked about. */
static size_t
service_of(const struct work *w, struct slice name)
{
	for (size_t i = 0; i < w->count; i++) {
		if (slice_equal(slice_of(w->list[i].service->name), name))
			return i;
	}
	return SIZE_MAX;
}

/* ---- lines ------------------------------------------------------------------------------------
 */

static uint32_t
member_of(const struct work *w, size_t service, const json_t *line, const char *key)
{
	struct slice id = log_line_text(line, key);
	const struct comparison *c = &w->list[service].c;
	return id.bytes > 0 ? membership_by_id(c->before.membership, id) : MEMBER_NONE;
}

/* False: no memory. */
static bool
take_session(struct work *w, const json_t *line, size_t service, struct slice stamp)
{
	struct seen_session seen = {.service = (uint32_t)service};
	struct slice digits = log_line_text(line, "session");
	uint64_t point;
	if (!hex_decode(log_line_text(line, "point"), (uint8_t *)&point, sizeof(point)) ||
	    digits.bytes != SESSION_DIGITS) {
		w->lines.pointless++;
		return true;
	}
	seen.point = be64toh(point);
	seen.primary = member_of(w, service, line, "primary");
	seen.last = member_of(w, service, line, "member");
	seen.fresh =
	    slice_equal(log_line_text(line, "affinity"), slice_of(affinity_text(AFFINITY_NEW)));
	memcpy(seen.stamp, stamp.at, sizeof(seen.stamp));
	memcpy(seen.digits, digits.at, sizeof(seen.digits));
	return sessions_add(&w->sessions, &seen);
}

static bool
is_since(const struct work *w, struct slice stamp)
{
	return w->since.since_bytes == 0 ||
	       memcmp(stamp.at, w->since.since, w->since.since_bytes) >= 0;
}

static bool
take_object(struct work *w, const json_t *line)
{
	struct slice stamp = log_line_text(line, "ts");
	struct slice name = log_line_text(line, "service");
	if (stamp.bytes != SESSION_STAMP_BYTES || json_object_get(line, "affinity") == NULL) {
		w->lines.unreadable++;
		return true;
	}
	if (!is_since(w, stamp)) {
		w->lines.older++;
		return true;
	}
	if (log_line_text(line, "session").bytes == 0)
		return true;
	size_t service = service_of(w, name);
	w->lines.foreign += service == SIZE_MAX;
	return service == SIZE_MAX || take_session(w, line, service, stamp);
}

/* False: no memory. */
static bool
take_line(struct work *w, struct slice text)
{
	json_error_t error;
	w->lines.read++;
	json_t *line = json_loadb(text.at, text.bytes, 0, &error);
	bool whole = true;
	if (json_is_object(line))
		whole = take_object(w, line);
	else
		w->lines.unreadable++;
	json_decref(line);
	return whole;
}

static enum result
read_file(struct work *w, const char *name, struct problem *p)
{
	static struct log_source source;
	struct problem damage = {""};
	struct slice line;
	enum result r = log_source_open(&source, name, p);
	if (r != RESULT_OK)
		return r;
	while ((r = log_source_next(&source, &line, p)) == RESULT_OK || r == RESULT_LIMIT) {
		if (r == RESULT_LIMIT) {
			w->lines.read++;
			w->lines.unreadable++;
		} else if (!take_line(w, line)) {
			r = problem_set(p, RESULT_NO_MEMORY, "no memory");
			break;
		}
	}
	if (log_source_close(&source, &damage) != RESULT_OK && r == RESULT_NOT_FOUND)
		(void)fprintf(stderr, "holdfast what-if: %s\n", damage.text);
	return r == RESULT_NOT_FOUND ? RESULT_OK : r;
}

/* ---- moves ------------------------------------------------------------------------------------
 */

/* "-": nobody. */
static const char *
id_text(const struct comparison *c, uint32_t number)
{
	const char *id = comparison_id(c, number);
	return id != NULL ? id : "-";
}

static void
tell_move(struct work *w, struct changed_service *s, const struct seen_session *seen, uint32_t from,
	  uint32_t to)
{
	if (w->q->summary_only)
		return;
	if (!w->q->all && s->shown == MOVES_SHOWN) {
		s->not_shown++;
		return;
	}
	s->shown++;
	char digits[SESSION_DIGITS + 1] = "";
	memcpy(digits, seen->digits, SESSION_DIGITS);
	if (w->moves == NULL)
		(void)printf("%s\t%s\t%s\n", digits, id_text(&s->c, from), id_text(&s->c, to));
	else
		(void)json_array_append_new(w->moves,
					    json_pack("{s:s, s:s?, s:s?}", "session", digits,
						      "from", comparison_id(&s->c, from), "to",
						      comparison_id(&s->c, to)));
}

static void
compare_session(struct work *w, struct changed_service *s, const struct seen_session *seen)
{
	struct session_digest digest = {{0}};
	struct compared_session where;
	bool untagged = session_is_untagged(seen);
	hashring_digest_at(seen->point, digest.bytes);
	comparison_session(&s->c, digest, seen->primary, seen->last, &where);
	uint32_t from = untagged ? where.key_from : where.from;
	uint32_t to = untagged ? where.key_to : where.to;
	s->sessions++;
	s->untagged += untagged;
	moves_count(&s->c.moves, from, to);
	moves_count(&s->c.tagged, where.key_from, where.key_to);
	if (from != to)
		tell_move(w, s, seen, from, to);
}

static void
compare_service(struct work *w, size_t number)
{
	for (size_t i = 0; i < w->sessions.count; i++) {
		if (w->sessions.slot[i].service == number)
			compare_session(w, &w->list[number], &w->sessions.slot[i]);
	}
	moves_sort(&w->list[number].c.moves);
}

/* ---- as text ----------------------------------------------------------------------------------
 */

static const char *
percent(uint64_t part, uint64_t all, char text[PERCENT_BYTES])
{
	(void)snprintf(text, PERCENT_BYTES, "%.2f %%",
		       all > 0 ? 100 * (double)part / (double)all : 0);
	return text;
}

/* The row "-" stands only when a session was left without a member. */
static size_t
rows(const struct comparison *c)
{
	return c->count + (c->moves.before[c->count] + c->moves.after[c->count] > 0);
}

static void
print_tables(const struct changed_service *s)
{
	const struct moves *m = &s->c.moves;
	struct table t;
	table_init(&t, "member,>before,>after");
	for (size_t i = 0; i < rows(&s->c); i++) {
		table_text(&t, id_text(&s->c, (uint32_t)i));
		table_number(&t, m->before[i]);
		table_number(&t, m->after[i]);
	}
	(void)printf("\n");
	table_print(&t, stdout);
	if (m->pair_count == 0)
		return;
	table_init(&t, "from,to,>sessions");
	for (size_t i = 0; i < m->pair_count; i++) {
		table_text(&t, id_text(&s->c, m->pair[i].from));
		table_text(&t, id_text(&s->c, m->pair[i].to));
		table_number(&t, m->pair[i].keys);
	}
	(void)printf("\n");
	table_print(&t, stdout);
}

static unsigned long long
fingerprint(const struct explained *x)
{
	return hashring_fingerprint(x->membership->ring);
}

static void
print_service(const struct changed_service *s)
{
	char text[PERCENT_BYTES];
	const struct moves *m = &s->c.moves;
	const struct moves *by_key = &s->c.tagged;
	if (s->not_shown > 0)
		(void)printf("%" PRIu64 " more; --all names them\n", s->not_shown);
	if (s->shown > 0)
		(void)printf("\n");
	(void)printf("service   %s\npool      %016llx -> %016llx\n", s->service->name,
		     fingerprint(&s->c.before), fingerprint(&s->c.after));
	(void)printf("sessions  %" PRIu64 ", %" PRIu64 " of them by clients that send no tag\n",
		     s->sessions, s->untagged);
	(void)printf("moved     %" PRIu64 " of %" PRIu64 " sessions: %s\n", m->moved, m->keys,
		     percent(m->moved, m->keys, text));
	(void)printf("by key    %" PRIu64 " of %" PRIu64
		     " sessions: %s, if no client sent its tag\n",
		     by_key->moved, by_key->keys, percent(by_key->moved, by_key->keys, text));
	print_tables(s);
}

static void
print_lines(const struct work *w)
{
	const struct line_counts *n = &w->lines;
	(void)printf("lines     %" PRIu64 " read, %" PRIu64 " unreadable, %" PRIu64
		     " from before, %" PRIu64 " of other services, %" PRIu64 " without a point\n",
		     n->read, n->unreadable, n->older, n->foreign, n->pointless);
	if (w->sessions.left_out > 0)
		(void)printf("left out  %" PRIu64 " requests of more than %d sessions\n",
			     w->sessions.left_out, SESSIONS_MAX);
}

/* ---- as JSON ----------------------------------------------------------------------------------
 */

static json_t *
count_json(uint64_t count)
{
	return json_integer((json_int_t)count);
}

static json_t *
members_json(const struct comparison *c)
{
	json_t *list = json_array();
	for (size_t i = 0; i < rows(c); i++)
		(void)json_array_append_new(list, json_pack("{s:s?, s:o, s:o}", "member",
							    comparison_id(c, (uint32_t)i), "before",
							    count_json(c->moves.before[i]), "after",
							    count_json(c->moves.after[i])));
	return list;
}

static json_t *
pairs_json(const struct comparison *c)
{
	json_t *list = json_array();
	for (size_t i = 0; i < c->moves.pair_count; i++)
		(void)json_array_append_new(
		    list,
		    json_pack("{s:s?, s:s?, s:o}", "from", comparison_id(c, c->moves.pair[i].from),
			      "to", comparison_id(c, c->moves.pair[i].to), "sessions",
			      count_json(c->moves.pair[i].keys)));
	return list;
}

/* Takes the list of moves. */
static json_t *
service_json(const struct changed_service *s, json_t *moves)
{
	char before[17];
	char after[17];
	(void)snprintf(before, sizeof(before), "%016llx", fingerprint(&s->c.before));
	(void)snprintf(after, sizeof(after), "%016llx", fingerprint(&s->c.after));
	return json_pack(
	    "{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "service", s->service->name,
	    "pool_before", before, "pool_after", after, "sessions", count_json(s->sessions),
	    "untagged", count_json(s->untagged), "moved", count_json(s->c.moves.moved),
	    "moved_by_key", count_json(s->c.tagged.moved), "members", members_json(&s->c), "pairs",
	    pairs_json(&s->c), "moves", moves, "moves_not_shown", count_json(s->not_shown));
}

static json_t *
lines_json(const struct work *w)
{
	const struct line_counts *n = &w->lines;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "read", count_json(n->read),
			 "unreadable", count_json(n->unreadable), "from_before",
			 count_json(n->older), "of_other_services", count_json(n->foreign),
			 "without_a_point", count_json(n->pointless), "of_sessions_left_out",
			 count_json(w->sessions.left_out));
}

/* ---- all --------------------------------------------------------------------------------------
 */

static void
tell_text(struct work *w)
{
	print_lines(w);
	for (size_t i = 0; i < w->count; i++) {
		(void)printf("\n");
		compare_service(w, i);
		print_service(&w->list[i]);
	}
}

static void
tell_json(struct work *w)
{
	json_t *services = json_array();
	for (size_t i = 0; i < w->count; i++) {
		w->moves = json_array();
		compare_service(w, i);
		(void)json_array_append_new(services, service_json(&w->list[i], w->moves));
		w->moves = NULL;
	}
	json_t *root = json_pack("{s:o, s:o}", "lines", lines_json(w), "services", services);
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	(void)printf("\n");
	json_decref(root);
}

static enum result
read_all(struct work *w, struct problem *p)
{
	const struct log_question *q = w->q;
	if (q->since != NULL &&
	    tail_filter_set_since(&w->since, q->since, clock_wall_ms(), p) != RESULT_OK)
		return RESULT_INVALID;
	for (size_t i = 0; i < q->files; i++) {
		enum result r = read_file(w, q->file[i], p);
		if (r != RESULT_OK)
			return r;
	}
	if (w->lines.read > 0 && w->lines.unreadable == w->lines.read)
		return problem_set(
		    p, RESULT_INVALID,
		    "--log: no line is one of an access log in JSON (log.access_format)");
	return RESULT_OK;
}

static int
answer(struct work *w)
{
	bool served = true;
	sessions_sort(&w->sessions);
	if (w->q->json)
		tell_json(w);
	else
		tell_text(w);
	for (size_t i = 0; i < w->count; i++)
		served = served && w->list[i].c.moves.after[w->list[i].c.count] == 0;
	return served ? EXIT_SUCCESS : EXIT_NEGATIVE;
}

int
what_if_log(const struct config *config, const struct log_question *q)
{
	struct work w = {.q = q};
	struct problem p = {""};
	sessions_init(&w.sessions);
	enum result r = add_services(&w, config, &p);
	if (r == RESULT_OK)
		r = read_all(&w, &p);
	int status = r == RESULT_OK ? answer(&w) : refuse(&p);
	for (size_t i = 0; i < w.count; i++)
		comparison_deinit(&w.list[i].c);
	free(w.list);
	sessions_deinit(&w.sessions);
	return status;
}
