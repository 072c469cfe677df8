/* top_cells.c: see top_cells.h. */
#include "cli/top_cells.h"

#include "cli/json_texts.h"
#include "cli/member_text.h"
#include "cli/table.h"

#include <inttypes.h>
#include <math.h>

const char *
top_number(double value, char text[TOP_CELL_BYTES])
{
	if (isnan(value))
		(void)snprintf(text, TOP_CELL_BYTES, "-");
	else
		(void)snprintf(text, TOP_CELL_BYTES, "%.*f", value >= 1000 ? 0 : 1, value);
	return text;
}

/* ---- members ----------------------------------------------------------------------------------
 */

static const struct top_member *
member(const void *row)
{
	return row;
}

static void
escaped(const char *from, char text[TOP_CELL_BYTES])
{
	struct writer w = writer_on(text, TOP_CELL_BYTES);
	write_escaped(&w, (struct slice){from, strnlen(from, TOP_CELL_BYTES / 4 - 1)});
	(void)writer_text(&w);
}

static void
cell_id(const void *row, char text[TOP_CELL_BYTES])
{
	escaped(member(row)->id, text);
}

static void
cell_service(const void *row, char text[TOP_CELL_BYTES])
{
	escaped(member(row)->service, text);
}

static void
cell_state(const void *row, char text[TOP_CELL_BYTES])
{
	(void)json_text(member(row)->json, "state", text, TOP_CELL_BYTES);
}

static void
cell_reason(const void *row, char text[TOP_CELL_BYTES])
{
	(void)json_text(member(row)->json, "reason", text, TOP_CELL_BYTES);
}

static void
cell_zone(const void *row, char text[TOP_CELL_BYTES])
{
	(void)json_text(member(row)->json, "zone", text, TOP_CELL_BYTES);
}

static void
cell_for(const void *row, char text[TOP_CELL_BYTES])
{
	(void)duration_text(json_count(member(row)->json, "state_ms"), text, TOP_CELL_BYTES);
}

/* "3", "3/100" with a bound, "100/100+7" when 7 wait */
static void
cell_load(const void *row, char text[TOP_CELL_BYTES])
{
	const json_t *m = member(row)->json;
	uint64_t most = json_count(m, "connections_max");
	uint64_t waiting = json_count(m, "waiting");
	struct writer w = writer_on(text, TOP_CELL_BYTES);
	write_u64(&w, json_count(m, "active"));
	if (most > 0)
		write_format(&w, "/%" PRIu64, most);
	if (waiting > 0)
		write_format(&w, "+%" PRIu64, waiting);
	(void)writer_text(&w);
}

static void
cell_requests(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(member(row)->rates.requests, text);
}

static void
cell_failures(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(member(row)->rates.failures, text);
}

static void
cell_p50(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(member(row)->rates.p50_ms, text);
}

static void
cell_p99(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(member(row)->rates.p99_ms, text);
}

static void
cell_failovers(const void *row, char text[TOP_CELL_BYTES])
{
	const struct top_member *m = member(row);
	if (m->failovers_known)
		(void)snprintf(text, TOP_CELL_BYTES, "%" PRIu64, m->failovers);
	else
		(void)top_number(NAN, text);
}

static void
cell_checks(const void *row, char text[TOP_CELL_BYTES])
{
	(void)last_checks(member(row)->json, text, TOP_CELL_BYTES);
}

const struct top_column top_member_columns[] = {
    {"MEMBER", false, 0, cell_id},      {"SERVICE", false, 6, cell_service},
    {"STATE", false, 0, cell_state},    {"ZONE", false, 7, cell_zone},
    {"LOAD", true, 2, cell_load},       {"REQ/S", true, 1, cell_requests},
    {"FAIL/S", true, 3, cell_failures}, {"P50 MS", true, 5, cell_p50},
    {"P99 MS", true, 4, cell_p99},      {"FAILOVERS", true, 8, cell_failovers},
    {"FOR", true, 9, cell_for},         {"REASON", false, 10, cell_reason},
    {"CHECKS", false, 11, cell_checks},
};
const size_t top_member_column_count = sizeof(top_member_columns) / sizeof(top_member_columns[0]);

/* ---- services ---------------------------------------------------------------------------------
 */

static const struct top_service *
service(const void *row)
{
	return row;
}

static void
cell_name(const void *row, char text[TOP_CELL_BYTES])
{
	escaped(service(row)->name, text);
}

static void
cell_members(const void *row, char text[TOP_CELL_BYTES])
{
	(void)states_text(json_object_get(service(row)->json, "members"), text, TOP_CELL_BYTES);
}

static void
cell_service_requests(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(service(row)->rates.requests, text);
}

static void
cell_errors(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(service(row)->rates.failures, text);
}

static void
cell_retries(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(service(row)->rates.retries, text);
}

static void
cell_failover_rate(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(service(row)->rates.failovers, text);
}

static void
cell_service_p50(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(service(row)->rates.p50_ms, text);
}

static void
cell_service_p99(const void *row, char text[TOP_CELL_BYTES])
{
	(void)top_number(service(row)->rates.p99_ms, text);
}

static void
cell_moved(const void *row, char text[TOP_CELL_BYTES])
{
	const json_t *requests = json_object_get(service(row)->json, "requests");
	(void)snprintf(text, TOP_CELL_BYTES, "%" PRIu64,
		       json_count(json_object_get(requests, "by_affinity"), "failover"));
}

const struct top_column top_service_columns[] = {
    {"SERVICE", false, 0, cell_name},          {"MEMBERS", false, 3, cell_members},
    {"REQ/S", true, 0, cell_service_requests}, {"ERR/S", true, 1, cell_errors},
    {"RETRY/S", true, 7, cell_retries},        {"P50 MS", true, 5, cell_service_p50},
    {"P99 MS", true, 4, cell_service_p99},     {"FAILOVER/S", true, 6, cell_failover_rate},
    {"FAILOVERS", true, 2, cell_moved},
};
const size_t top_service_column_count =
    sizeof(top_service_columns) / sizeof(top_service_columns[0]);
