/* tail_summary.c: see tail_summary.h. */
#include "cli/tail_summary.h"

#define TEXT_BYTES 512

/* Printable ASCII, cut at the room. */
static void
keep(char *room, size_t bytes, struct slice text)
{
	size_t i = 0;
	for (; i < text.bytes && i < bytes - 1; i++)
		room[i] = text.at[i];
	room[i] = '\0';
	for (; i > 0; i--)
		if (room[i - 1] < 0x20 || room[i - 1] == 0x7f)
			room[i - 1] = '?';
}

static void
cell(struct table *t, const char *text)
{
	table_text(t, text[0] != '\0' ? text : "-");
}

/* A number that the line may not have. */
static void
cell_number(struct table *t, const json_t *object, const char *name)
{
	long long number = log_line_number(object, name);
	if (number >= 0)
		table_number(t, (uint64_t)number);
	else
		table_text(t, "-");
}

static void
cell_duration(struct table *t, const json_t *object, const char *name)
{
	char room[TEXT_BYTES];
	long long ms = log_line_number(object, name);
	table_text(t, ms >= 0 ? duration_text((uint64_t)ms, room, sizeof(room)) : "-");
}

static bool
is_same(const struct summary_open *o, const json_t *object, struct slice member)
{
	return slice_equal(slice_of(o->node), log_line_text(object, "node")) &&
	       slice_equal(slice_of(o->service), log_line_text(object, "service")) &&
	       slice_equal(slice_of(o->member), member);
}

static struct summary_open *
find(struct tail_summary *s, const json_t *object, const char *name)
{
	struct slice member = log_line_text(object, name);
	for (size_t i = 0; i < s->opens; i++)
		if (is_same(&s->open[i], object, member))
			return &s->open[i];
	return NULL;
}

static void
begin(struct tail_summary *s, const json_t *object)
{
	if (s->opens == SUMMARY_OPEN_MAX || find(s, object, "member") != NULL)
		return;
	struct summary_open *o = &s->open[s->opens++];
	o->moved = 0;
	keep(o->node, sizeof(o->node), log_line_text(object, "node"));
	keep(o->service, sizeof(o->service), log_line_text(object, "service"));
	keep(o->member, sizeof(o->member), log_line_text(object, "member"));
	keep(o->since, sizeof(o->since), log_line_text(object, "ts"));
	keep(o->reason, sizeof(o->reason), log_line_text(object, "reason"));
}

/* "b x12, c x9" */
static void
cell_heirs(struct table *t, const json_t *object)
{
	char text[TEXT_BYTES];
	char shown[TEXT_BYTES];
	struct writer w = writer_on(text, sizeof(text) - 1);
	const json_t *heirs = json_object_get(object, "moved_to");
	for (size_t i = 0; i < json_array_size(heirs); i++) {
		const json_t *heir = json_array_get(heirs, i);
		write_text(&w, i > 0 ? ", " : "");
		write_slice(&w, log_line_text(heir, "id"));
		write_format(&w, " x%lld", log_line_number(heir, "count"));
	}
	keep(shown, sizeof(shown), (struct slice){w.at, w.overflow ? 0 : w.bytes});
	cell(t, shown);
}

static void
end(struct tail_summary *s, const json_t *object)
{
	char text[TEXT_BYTES];
	struct summary_open *o = find(s, object, "member");
	static const char *const texts[] = {"node", "service", "member", "reason"};
	cell(&s->table, o != NULL ? o->since : "");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		keep(text, sizeof(text), log_line_text(object, texts[i]));
		cell(&s->table, text);
	}
	cell_duration(&s->table, object, "outage_ms");
	cell_number(&s->table, object, "detection_ms");
	cell_number(&s->table, object, "sessions_moved");
	cell_heirs(&s->table, object);
	cell_number(&s->table, object, "requests_failed");
	cell_number(&s->table, object, "requests_retried");
	cell_number(&s->table, object, "failbacks");
	if (o != NULL)
		*o = s->open[--s->opens];
}

static void
row_of_open(struct tail_summary *s, const struct summary_open *o)
{
	cell(&s->table, o->since);
	cell(&s->table, o->node);
	cell(&s->table, o->service);
	cell(&s->table, o->member);
	cell(&s->table, o->reason);
	table_text(&s->table, "goes on");
	table_text(&s->table, "-");
	table_number(&s->table, o->moved);
	for (int i = 0; i < 4; i++)
		table_text(&s->table, "-");
}

void
tail_summary_init(struct tail_summary *s)
{
	s->opens = 0;
	table_init(&s->table,
		   "since,node,service,member,reason,>out for,>seen in ms,>moved,to,>failed,"
		   ">retried,>back");
}

void
tail_summary_line(struct tail_summary *s, struct slice line)
{
	json_t *object = log_line_parse(line);
	if (object == NULL)
		return;
	enum event_kind event = log_event_find(log_line_text(object, "event"));
	struct summary_open *left = event == EVENT_FAILOVER ? find(s, object, "from") : NULL;
	if (event == EVENT_MEMBER_DOWN)
		begin(s, object);
	else if (event == EVENT_OUTAGE_SUMMARY)
		end(s, object);
	if (left != NULL)
		left->moved++;
	json_decref(object);
}

void
tail_summary_print(struct tail_summary *s, FILE *to)
{
	for (size_t i = 0; i < s->opens; i++)
		row_of_open(s, &s->open[i]);
	table_print(&s->table, to);
}
