/*
 * access.c: the access log's two forms; see access.h. What comes from a request is cut, before
 * and after escaping, so that every request gets its line, whatever it holds.
 */
#include "record/access.h"

#include "base/clock.h"
#include "hashring.h"

#include <assert.h>
#include <endian.h>
#include <time.h>

/* Of one field: bytes taken from the request, bytes written after escaping. */
struct field_bound {
	size_t taken_max;
	size_t escaped_max;
};

static const struct field_bound bound_target = {1024, 1400};
static const struct field_bound bound_host = {256, 300};
static const struct field_bound bound_method = {32, 64};
static const struct field_bound bound_name = {ID_BYTES_MAX, 128};
static const struct field_bound bound_agent = {512, 700};

#define ESCAPED_BYTES_MAX 6 /* \u00XX */
#define SESSION_BYTES     4 /* of the digest, shown as 8 hex digits */

static bool
is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static struct slice
cut(struct slice s, struct field_bound bound)
{
	size_t escaped = 0;
	for (size_t i = 0; i < s.bytes; i++) {
		escaped += is_plain(s.at[i]) ? 1 : ESCAPED_BYTES_MAX;
		if (i >= bound.taken_max || escaped > bound.escaped_max)
			return (struct slice){s.at, i};
	}
	return s;
}

static struct slice
without_query(const struct access_entry *e, struct slice s)
{
	return e->hide_query ? (struct slice){s.at, slice_find(s, '?')} : s;
}

/* Milliseconds with three places: 1.500 */
static void
write_ms(struct writer *w, uint64_t us)
{
	unsigned rest = (unsigned)(us % 1000);
	const char places[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
			       (char)('0' + rest % 10)};
	write_u64(w, us / 1000);
	write_bytes(w, places, sizeof(places));
}

/* ---- JSON ---------------------------------------------------------------------------------- */

/* Empty: null. */
static void
json_text(struct writer *w, struct slice value, struct field_bound bound)
{
	if (value.bytes == 0)
		write_literal(w, "null");
	else
		write_json_string(w, cut(value, bound));
}

static void
json_client(struct writer *w, const struct addr *client)
{
	write_char(w, '"');
	write_addr(w, client);
	write_char(w, '"');
}

static void
json_session(struct writer *w, const struct session_digest *digest)
{
	if (digest == NULL) {
		write_literal(w, "null");
		return;
	}
	write_char(w, '"');
	write_hex_bytes(w, digest->bytes, SESSION_BYTES);
	write_char(w, '"');
}

/* Where the session stands in the ordering: what `holdfast what-if --log` asks again. */
static void
json_point(struct writer *w, const struct session_digest *digest)
{
	if (digest == NULL) {
		write_literal(w, ",\"point\":null");
		return;
	}
	uint64_t point = htobe64(hashring_point(digest->bytes));
	write_literal(w, ",\"point\":\"");
	write_hex_bytes(w, (const uint8_t *)&point, sizeof(point));
	write_char(w, '"');
}

static void
json_u64(struct writer *w, const char *name, uint64_t value)
{
	write_text(w, name);
	write_u64(w, value);
}

static void
write_protocol(struct writer *w, uint8_t minor)
{
	if (minor == HTTP_MINOR_OF_2) {
		write_literal(w, "HTTP/2.0");
		return;
	}
	write_literal(w, "HTTP/1.");
	write_u64(w, minor);
}

/* null when the request could not be read. */
static void
json_protocol(struct writer *w, const struct access_entry *e)
{
	write_literal(w, ",\"protocol\":");
	if (e->method.bytes == 0) {
		write_literal(w, "null");
		return;
	}
	write_char(w, '"');
	write_protocol(w, e->minor);
	write_char(w, '"');
}

static void
json_ms(struct writer *w, const char *name, uint64_t us, bool known)
{
	write_text(w, name);
	if (known)
		write_ms(w, us);
	else
		write_literal(w, "null");
}

/* Fields that lines of plain connections have not. */
static void
json_tls(struct writer *w, const struct tls_facts *tls)
{
	write_literal(w, ",\"tls_version\":");
	json_text(w, tls->version, bound_name);
	write_literal(w, ",\"tls_cipher\":");
	json_text(w, tls->cipher, bound_name);
	write_literal(w, ",\"server_name\":");
	json_text(w, tls->server_name, bound_host);
	write_text(w, tls->resumed ? ",\"tls_resumed\":true" : ",\"tls_resumed\":false");
}

void
write_access_json(struct writer *w, const struct access_entry *e)
{
	write_literal(w, "{\"ts\":\"");
	write_timestamp(w, e->wall_ms);
	write_literal(w, "\",\"client\":");
	json_client(w, e->client);
	write_literal(w, ",\"service\":");
	json_text(w, e->service, bound_name);
	write_literal(w, ",\"method\":");
	json_text(w, e->method, bound_method);
	write_literal(w, ",\"target\":");
	json_text(w, without_query(e, e->target), bound_target);
	write_literal(w, ",\"host\":");
	json_text(w, e->host, bound_host);
	json_protocol(w, e);
	json_u64(w, ",\"status\":", e->status);
	json_u64(w, ",\"bytes\":", e->bytes);
	json_u64(w, ",\"request_bytes\":", e->request_bytes);
	write_literal(w, ",\"duration_ms\":");
	write_ms(w, e->duration_us);
	json_ms(w, ",\"first_byte_ms\":", e->first_byte_us, e->first_byte_us != 0);
	json_ms(w, ",\"queue_ms\":", e->queue_us, true);
	json_ms(w, ",\"connect_ms\":", e->connect_us, e->reached);
	write_literal(w, ",\"affinity\":\"");
	write_text(w, affinity_text(e->affinity));
	write_literal(w, "\",\"cause\":\"");
	write_text(w, cause_table[e->cause].text);
	write_literal(w, "\",\"session\":");
	json_session(w, e->digest);
	write_literal(w, ",\"member\":");
	json_text(w, e->member, bound_name);
	write_literal(w, ",\"primary\":");
	json_text(w, e->primary, bound_name);
	json_u64(w, ",\"attempts\":", e->attempts);
	write_literal(w, ",\"request_id\":\"");
	uint64_t id = htobe64(e->request_id);
	write_hex_bytes(w, (const uint8_t *)&id, sizeof(id));
	write_char(w, '"');
	json_point(w, e->digest);
	if (e->tls != NULL)
		json_tls(w, e->tls);
	write_literal(w, "}\n");
}

/* ---- combined ------------------------------------------------------------------------------ */

/* Empty: "-". */
static void
plain_text(struct writer *w, struct slice value, struct field_bound bound)
{
	if (value.bytes == 0)
		write_char(w, '-');
	else
		write_escaped(w, cut(value, bound));
}

static void
quoted_text(struct writer *w, struct slice value, struct field_bound bound)
{
	write_literal(w, " \"");
	plain_text(w, value, bound);
	write_char(w, '"');
}

/* [31/Jan/2026:12:00:00 +0000] */
static void
write_clf_time(struct writer *w, uint64_t wall_ms)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm t;
	(void)gmtime_r(&seconds, &t);
	write_format(w, "[%02d/%s/%04d:%02d:%02d:%02d +0000]", t.tm_mday, months[t.tm_mon],
		     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static void
write_request_line(struct writer *w, const struct access_entry *e)
{
	write_literal(w, " \"");
	plain_text(w, e->method, bound_method);
	if (e->method.bytes > 0) {
		write_char(w, ' ');
		plain_text(w, without_query(e, e->target), bound_target);
		write_char(w, ' ');
		write_protocol(w, e->minor);
	}
	write_char(w, '"');
}

void
write_access_combined(struct writer *w, const struct access_entry *e)
{
	write_addr_ip(w, e->client);
	write_literal(w, " - - ");
	write_clf_time(w, e->wall_ms);
	write_request_line(w, e);
	write_format(w, " %03u %llu", e->status, (unsigned long long)e->bytes);
	quoted_text(w, without_query(e, e->referer), bound_agent);
	quoted_text(w, e->user_agent, bound_agent);
	write_char(w, ' ');
	write_text(w, affinity_text(e->affinity));
	write_char(w, ' ');
	write_text(w, cause_table[e->cause].text);
	write_char(w, ' ');
	plain_text(w, e->member, bound_name);
	write_char(w, ' ');
	if (e->digest != NULL)
		write_hex_bytes(w, e->digest->bytes, SESSION_BYTES);
	else
		write_char(w, '-');
	write_char(w, ' ');
	write_ms(w, e->duration_us);
	write_char(w, '\n');
}

/* ---- batch --------------------------------------------------------------------------------- */

void
access_batch_add(struct access_batch *batch, const struct access_entry *entry)
{
	if (sizeof(batch->held) - batch->bytes < ACCESS_LINE_BYTES_MAX)
		access_batch_flush(batch);
	struct writer w = writer_on(batch->held + batch->bytes, ACCESS_LINE_BYTES_MAX);
	if (batch->combined)
		write_access_combined(&w, entry);
	else
		write_access_json(&w, entry);
	assert(!w.overflow);
	batch->bytes += w.bytes;
}

void
access_batch_flush(struct access_batch *batch)
{
	if (batch->bytes > 0)
		sink_append(batch->sink, (struct slice){batch->held, batch->bytes});
	batch->bytes = 0;
}
