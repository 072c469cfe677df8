/* membership.c: see membership.h. */
#include "admin/membership.h"

#include <string.h>

#define VALUE_BYTES_MAX 128

static const struct change_key {
	struct slice name;
	bool number;
} keys[] = {
    {{"id", 2}, false},    {{"origin", 6}, false},
    {{"weight", 6}, true}, {{"connections_max", 15}, true},
    {{"order", 5}, false}, {{"zone", 4}, false},
    {{"node", 4}, false},
};

struct reading {
	const struct admin_ask *ask;
	struct writer *out;
	struct problem *problem;
};

/* RESULT_NOT_FOUND: it is not asked for. */
static enum result
value_of(const struct reading *r, struct slice name, char room[VALUE_BYTES_MAX],
	 struct slice *value)
{
	bool bad;
	if (query_value(r->ask->query, name, room, VALUE_BYTES_MAX, value, &bad))
		return RESULT_OK;
	if (bad)
		return problem_set(r->problem, RESULT_INVALID, "%.*s: too long, or encoded wrongly",
				   SLICE_ARG(name));
	return RESULT_NOT_FOUND;
}

/* ,"name":"value" or a number, or null where it is to be the default. */
static enum result
put(const struct reading *r, struct slice name, bool number)
{
	char room[VALUE_BYTES_MAX];
	struct slice value;
	uint64_t count;
	enum result found = value_of(r, name, room, &value);
	if (found != RESULT_OK)
		return found == RESULT_NOT_FOUND ? RESULT_OK : found;
	bool first = r->out->bytes > 0 && r->out->at[r->out->bytes - 1] == '{';
	write_together(r->out, first ? SLICE("\"") : SLICE(",\""), name, SLICE("\":"));
	if (value.bytes == 0)
		write_literal(r->out, "null");
	else if (!number)
		write_json_string(r->out, value);
	else if (slice_to_u64(value, &count) && count <= INT64_MAX)
		write_u64(r->out, count);
	else
		return problem_set(r->problem, RESULT_INVALID, "%.*s: a whole number is wanted",
				   SLICE_ARG(name));
	return RESULT_OK;
}

static enum result
put_member(const struct reading *r)
{
	enum result result = put(r, SLICE("service"), false);
	write_literal(r->out, ",\"member\":{");
	for (size_t i = 0; result == RESULT_OK && i < sizeof(keys) / sizeof(keys[0]); i++)
		result = put(r, keys[i].name, keys[i].number);
	write_char(r->out, '}');
	return result;
}

static enum result
put_rank(const struct reading *r)
{
	enum result result = put(r, SLICE("node"), false);
	return result == RESULT_OK ? put(r, SLICE("rank"), true) : result;
}

static enum result
read_base(const struct reading *r, uint64_t *base)
{
	char room[VALUE_BYTES_MAX];
	struct slice value;
	enum result found = value_of(r, SLICE("epoch"), room, &value);
	*base = EPOCH_ANY;
	if (found == RESULT_NOT_FOUND)
		return RESULT_OK;
	if (found == RESULT_OK && !slice_to_u64(value, base))
		found = problem_set(r->problem, RESULT_INVALID, "epoch: a whole number is wanted");
	return found;
}

enum result
admin_change_read(const struct admin_ask *ask, struct admin_change *out, struct problem *p)
{
	struct writer w = writer_on(out->text, CHANGE_TEXT_BYTES);
	struct reading r = {ask, &w, p};
	bool member = slice_equal(ask->id, SLICE("add")) || slice_equal(ask->id, SLICE("set")) ||
		      slice_equal(ask->id, SLICE("remove"));
	bool rank = slice_equal(ask->id, SLICE("rank"));
	if (!member && !rank && !slice_equal(ask->id, SLICE("publish")))
		return problem_set(p, RESULT_NOT_FOUND,
				   "no such change: add, set, remove, rank, publish");
	write_together(&w, SLICE("{\"op\":\""), ask->id, SLICE("\""));
	enum result result = member ? put_member(&r) : rank ? put_rank(&r) : RESULT_OK;
	write_char(&w, '}');
	if (result == RESULT_OK && w.overflow)
		result = problem_set(p, RESULT_INVALID, "too long");
	if (result == RESULT_OK)
		result = read_base(&r, &out->base);
	out->bytes = w.bytes;
	return result;
}

uint16_t
admin_change_status(enum epoch_outcome outcome)
{
	static const uint16_t status[EPOCH_OUTCOMES] = {
	    [EPOCH_DONE] = 200,    [EPOCH_SAME] = 200,      [EPOCH_STALE] = 409,
	    [EPOCH_REFUSED] = 422, [EPOCH_NO_MASTER] = 503, [EPOCH_UNKNOWN] = 504,
	    [EPOCH_BUSY] = 503,
	};
	return status[outcome];
}

const char *
admin_change_words(enum epoch_outcome outcome)
{
	static const char *const words[EPOCH_OUTCOMES] = {
	    [EPOCH_DONE] = "published",          [EPOCH_SAME] = "nothing changed",
	    [EPOCH_STALE] = "not published",     [EPOCH_REFUSED] = "refused",
	    [EPOCH_NO_MASTER] = "not published", [EPOCH_UNKNOWN] = "published or not",
	    [EPOCH_BUSY] = "not published",
	};
	return words[outcome];
}
