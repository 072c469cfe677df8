/* guard.c: see guard.h. */
#include "admin/guard.h"

#include "base/addr.h"
#include "base/digest.h"

/* ---- names ------------------------------------------------------------------------------------
 */

/* "name:80" without its port; of "[::1]:80" with its brackets. */
static struct slice
without_port(struct slice host)
{
	size_t end = host.bytes;
	while (end > 0 && host.at[end - 1] >= '0' && host.at[end - 1] <= '9')
		end--;
	if (end > 0 && host.at[end - 1] == ':' && (host.at[0] != '[' || host.at[end - 2] == ']'))
		return (struct slice){host.at, end - 1};
	return host;
}

static bool
is_ip(struct slice name)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	struct addr address;
	write_slice(&w, name);
	write_literal(&w, ":1");
	return !w.overflow &&
	       addr_parse((struct slice){text, w.bytes}, false, &address, NULL) == RESULT_OK;
}

static bool
host_is_known(const struct guard_rules *rules, struct slice host)
{
	struct slice name = without_port(host);
	if (is_ip(name) || slice_equal_nocase(name, SLICE("localhost")))
		return true;
	for (size_t i = 0; i < rules->host_count; i++) {
		if (slice_equal_nocase(name, slice_of(rules->hosts[i])))
			return true;
	}
	return false;
}

/* ---- fields -----------------------------------------------------------------------------------
 */

/* How often `name` stands there, and its first value. */
static size_t
find(const struct http_head *head, struct slice name, struct slice *value)
{
	size_t at = 0;
	size_t count = 0;
	const struct http_field *field;
	while ((field = http_field_find(head, name, &at)) != NULL) {
		if (count++ == 0)
			*value = http_field_value(head, field);
	}
	return count;
}

/* "http://HOST" with the very Host of the request: a proxy that ends TLS may say https. */
static bool
origin_is_own(const struct http_head *head)
{
	struct slice origin = SLICE_NONE;
	size_t count = find(head, SLICE("origin"), &origin);
	if (count == 0)
		return true;
	size_t scheme = slice_has_prefix(origin, SLICE("https://")) ? 8 : 7;
	if (count > 1 || (scheme == 7 && !slice_has_prefix(origin, SLICE("http://"))))
		return false;
	return slice_equal_nocase((struct slice){origin.at + scheme, origin.bytes - scheme},
				  head->host);
}

/* In constant time, of lengths as of bytes. */
static bool
same_secret(struct slice a, const char *b)
{
	uint8_t one[16];
	uint8_t other[16];
	digest_derive("holdfast admin token v1", SLICE_NONE, a.at, a.bytes, one);
	digest_derive("holdfast admin token v1", SLICE_NONE, b, strlen(b), other);
	return digest_equal(one, other, sizeof(one));
}

static enum guard_verdict
check_token(const struct guard_rules *rules, const struct http_head *head)
{
	struct slice value = SLICE_NONE;
	size_t count = find(head, SLICE("authorization"), &value);
	size_t blank = slice_find(value, ' ');
	struct slice scheme = {value.at, blank};
	if (count == 0)
		return GUARD_NO_TOKEN;
	if (count > 1 || blank == value.bytes || !slice_equal_nocase(scheme, SLICE("bearer")))
		return GUARD_BAD_TOKEN;
	struct slice said = slice_trim((struct slice){value.at + blank, value.bytes - blank});
	return same_secret(said, rules->token) ? GUARD_PASS : GUARD_BAD_TOKEN;
}

enum guard_verdict
guard_check(const struct guard_rules *rules, const struct http_head *head, bool changes)
{
	struct slice value = SLICE_NONE;
	if (!host_is_known(rules, head->host))
		return GUARD_BAD_HOST;
	if (!origin_is_own(head))
		return GUARD_BAD_ORIGIN;
	if (rules->token != NULL)
		return check_token(rules, head);
	if (!changes)
		return GUARD_PASS;
	bool said =
	    find(head, SLICE("holdfast-admin"), &value) == 1 && slice_equal(value, SLICE("1"));
	return said ? GUARD_PASS : GUARD_NO_FIELD;
}

static const struct {
	uint16_t status;
	const char *text;
} rows[] = {
    [GUARD_PASS] = {200, ""},
    [GUARD_BAD_HOST] = {403, "this Host is neither an IP address, localhost, nor in admin.hosts"},
    [GUARD_BAD_ORIGIN] = {403, "a page of another origin may not ask"},
    [GUARD_NO_TOKEN] = {401, "a token is wanted: Authorization: Bearer TOKEN"},
    [GUARD_BAD_TOKEN] = {401, "this is not the token"},
    [GUARD_NO_FIELD] = {403, "a change needs the field Holdfast-Admin: 1"},
};

uint16_t
guard_status(enum guard_verdict verdict)
{
	return rows[verdict].status;
}

const char *
guard_text(enum guard_verdict verdict)
{
	return rows[verdict].text;
}
