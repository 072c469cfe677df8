/* credentials.c: a key from Authorization; see credentials.h. */
#include "affinity/credentials.h"

#include "affinity/json.h"

#include <sodium.h>

/* What stands behind the scheme and its blanks. */
static bool
take_scheme(struct slice value, struct slice scheme, struct slice *rest)
{
	if (value.bytes <= scheme.bytes ||
	    !slice_equal_nocase((struct slice){value.at, scheme.bytes}, scheme) ||
	    value.at[scheme.bytes] != ' ')
		return false;
	*rest = slice_trim((struct slice){value.at + scheme.bytes, value.bytes - scheme.bytes});
	return rest->bytes > 0;
}

static bool
is_base64url(struct slice text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		char c = text.at[i];
		char lower = ascii_lower(c);
		if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && c != '-' &&
		    c != '_')
			return false;
	}
	return true;
}

/* The second of three parts. */
static bool
find_payload(struct slice token, struct slice *payload)
{
	struct slice part[3];
	for (size_t i = 0; i < 3; i++) {
		size_t dot = slice_find(token, '.');
		bool last = dot == token.bytes;
		if (last != (i == 2))
			return false;
		part[i] = (struct slice){token.at, dot};
		size_t taken = last ? dot : dot + 1;
		token = (struct slice){token.at + taken, token.bytes - taken};
	}
	*payload = part[1];
	return part[0].bytes > 0 && is_base64url(part[0]) && is_base64url(part[2]);
}

bool
credentials_bearer_claim(struct slice value, struct slice claim, char *scratch, struct slice *key)
{
	struct slice token;
	struct slice payload;
	uint8_t text[JWT_PAYLOAD_BYTES_MAX];
	if (!take_scheme(value, SLICE("bearer"), &token) || !find_payload(token, &payload))
		return false;
	long bytes = base64url_decode(payload, text, sizeof(text));
	if (bytes <= 0)
		return false;
	struct writer out = writer_on(scratch, SESSION_KEY_BYTES_MAX);
	if (!json_member((struct slice){(const char *)text, (size_t)bytes}, claim, &out))
		return false;
	*key = (struct slice){scratch, out.bytes};
	return out.bytes > 0;
}

/* base64 with its padding (RFC 4648 section 4) as base64url without. */
static bool
respell(struct slice base64, struct writer *out)
{
	if (base64.bytes % 4 != 0)
		return false;
	for (int i = 0; i < 2 && base64.bytes > 0 && base64.at[base64.bytes - 1] == '='; i++)
		base64.bytes--;
	for (size_t i = 0; i < base64.bytes; i++) {
		char c = base64.at[i];
		if (c == '-' || c == '_')
			return false;
		if (c == '+')
			c = '-';
		else if (c == '/')
			c = '_';
		write_char(out, c);
	}
	return !out->overflow;
}

/* Bytes before the colon, or 0: none, or one of RFC 7617's forbidden control characters. */
static size_t
user_bytes(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == ':')
			return i;
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
			return 0;
	}
	return 0;
}

bool
credentials_basic_user(struct slice value, char *scratch, struct slice *key)
{
	struct slice base64;
	char spelled[SESSION_KEY_BYTES_MAX / 3 * 4];
	struct writer w = writer_on(spelled, sizeof(spelled));
	if (!take_scheme(value, SLICE("basic"), &base64) || !respell(base64, &w))
		return false;
	long decoded = base64url_decode((struct slice){spelled, w.bytes}, (uint8_t *)scratch,
					SESSION_KEY_BYTES_MAX);
	size_t bytes = decoded > 0 ? user_bytes(scratch, (size_t)decoded) : 0;
	/* The password has no business here. */
	sodium_memzero(spelled, w.bytes);
	sodium_memzero(scratch + bytes, SESSION_KEY_BYTES_MAX - bytes);
	*key = (struct slice){scratch, bytes};
	return bytes > 0;
}
