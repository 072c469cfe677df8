/* proxy_header.c: see proxy_header.h. */
#include "edge/proxy_header.h"

#include <netinet/in.h>

#define V1_BYTES_MAX  107
#define V1_PREFIX     "PROXY "
#define V2_FIXED      16 /* signature, version and command, family, length */
#define V2_SIGNATURE  "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE     12 /* bytes of it */
#define TLV_FIXED     3  /* type, length */
#define TLV_CRC32C    0x03
#define V2_IPV4_BYTES 12
#define V2_IPV6_BYTES 36
#define V2_UNIX_BYTES 216

static enum proxy_outcome
bad(const char **why, const char *text)
{
	*why = text;
	return PROXY_BAD;
}

/* ---- version 1 --------------------------------------------------------------------------------
 */

/* The next word of the line; words stand one blank apart. */
static struct slice
next_word(struct slice *rest)
{
	size_t blank = slice_find(*rest, ' ');
	struct slice word = {rest->at, blank};
	size_t taken = blank < rest->bytes ? blank + 1 : blank;
	*rest = (struct slice){rest->at + taken, rest->bytes - taken};
	return word;
}

/* As text; an IPv4 address within IPv6 becomes that. */
static bool
parse_ip(struct slice text, uint16_t family, struct addr *out)
{
	struct sockaddr_storage name;
	if (slice_find(text, '\0') != text.bytes || !addr_parse_ip(text, out) ||
	    out->family != family)
		return false;
	(void)addr_to_sockaddr(out, &name);
	addr_from_sockaddr((struct sockaddr *)&name, out);
	return true;
}

/* Decimal, without sign and leading zeros. */
static bool
parse_port(struct slice text, uint16_t *out)
{
	uint64_t port;
	if (text.bytes == 0 || text.bytes > 5 || (text.bytes > 1 && text.at[0] == '0') ||
	    !slice_to_u64(text, &port) || port > UINT16_MAX)
		return false;
	*out = (uint16_t)port;
	return true;
}

static enum proxy_outcome
parse_line(struct slice line, struct proxy_header *out, const char **why)
{
	struct slice rest = {line.at + sizeof(V1_PREFIX) - 1, line.bytes - (sizeof(V1_PREFIX) - 1)};
	struct slice family = next_word(&rest);
	if (slice_equal(family, SLICE("UNKNOWN")))
		return PROXY_DONE; /* whatever follows is to be ignored (section 2.1) */
	bool four = slice_equal(family, SLICE("TCP4"));
	if (!four && !slice_equal(family, SLICE("TCP6")))
		return bad(why, "a family other than TCP4, TCP6 and UNKNOWN");
	struct slice words[4];
	for (int i = 0; i < 4; i++)
		words[i] = next_word(&rest);
	struct addr from;
	struct addr to;
	uint16_t to_port;
	uint16_t wanted = four ? AF_INET : AF_INET6;
	if (line.at[line.bytes - 1] == ' ' || rest.bytes > 0 ||
	    !parse_ip(words[0], wanted, &from) || !parse_ip(words[1], wanted, &to) ||
	    !parse_port(words[2], &from.port) || !parse_port(words[3], &to_port))
		return bad(why, "not two addresses and two ports");
	out->client = from;
	return PROXY_DONE;
}

static enum proxy_outcome
parse_v1(const char *at, size_t bytes, struct proxy_header *out, const char **why)
{
	size_t most = bytes < V1_BYTES_MAX ? bytes : V1_BYTES_MAX;
	struct slice all = {at, most};
	size_t end = slice_find(all, '\r');
	if (slice_find(all, '\n') < end)
		return bad(why, "a line that does not end with CR LF");
	if (end + 1 >= most)
		return bytes >= V1_BYTES_MAX ? bad(why, "a line longer than 107 bytes")
					     : PROXY_MORE;
	if (at[end + 1] != '\n')
		return bad(why, "a line that does not end with CR LF");
	out->bytes = end + 2;
	return parse_line((struct slice){at, end}, out, why);
}

/* ---- version 2 --------------------------------------------------------------------------------
 */

static uint16_t
read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* CRC-32C (Castagnoli, reflected 0x82f63b78) of a header whose checksum counts as zeros. */
static uint32_t
crc32c(const uint8_t *at, size_t bytes, size_t zeros_from)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < bytes; i++) {
		crc ^= i >= zeros_from && i < zeros_from + 4 ? 0 : at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78U & (0U - (crc & 1U)));
	}
	return ~crc;
}

static enum proxy_outcome
check_tlvs(const uint8_t *at, size_t from, size_t bytes, const char **why)
{
	while (from < bytes) {
		if (bytes - from < TLV_FIXED || bytes - from - TLV_FIXED < read_u16(at + from + 1))
			return bad(why, "a TLV that ends behind the header");
		size_t length = read_u16(at + from + 1);
		size_t value = from + TLV_FIXED;
		if (at[from] == TLV_CRC32C) {
			if (length != 4)
				return bad(why, "a checksum that is not 4 bytes");
			uint32_t told =
			    (uint32_t)read_u16(at + value) << 16 | read_u16(at + value + 2);
			if (crc32c(at, bytes, value) != told)
				return bad(why, "a checksum that does not fit");
		}
		from = value + length;
	}
	return PROXY_DONE;
}

/* Bytes of the addresses; *client is set for those of TCP over IP. */
static size_t
read_addresses(const uint8_t *at, struct addr *client)
{
	switch (at[13] >> 4) {
	case 1:
	case 2: {
		bool four = at[13] >> 4 == 1;
		size_t ip = four ? 4 : 16;
		if ((at[13] & 15) == 1) {
			struct sockaddr_storage name = {.ss_family = four ? AF_INET : AF_INET6};
			struct sockaddr_in *in = (struct sockaddr_in *)(void *)&name;
			struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&name;
			memcpy(four ? (void *)&in->sin_addr : (void *)&in6->sin6_addr,
			       at + V2_FIXED, ip);
			memcpy(four ? &in->sin_port : &in6->sin6_port, at + V2_FIXED + 2 * ip, 2);
			addr_from_sockaddr((struct sockaddr *)&name, client);
		}
		return four ? V2_IPV4_BYTES : V2_IPV6_BYTES;
	}
	case 3:
		return V2_UNIX_BYTES;
	default:
		return 0;
	}
}

static enum proxy_outcome
parse_v2(const uint8_t *at, size_t bytes, struct proxy_header *out, const char **why)
{
	if (bytes < V2_FIXED)
		return PROXY_MORE;
	if (at[12] >> 4 != 2 || (at[12] & 15) > 1)
		return bad(why, "a version other than 2, or an unknown command");
	if (at[13] >> 4 > 3 || (at[13] & 15) > 2)
		return bad(why, "an unknown family or protocol");
	size_t whole = (size_t)V2_FIXED + read_u16(at + 14);
	if (whole > PROXY_HEADER_BYTES_MAX)
		return bad(why, "longer than 4,096 bytes");
	if (bytes < whole)
		return PROXY_MORE;
	out->bytes = whole;
	bool local = (at[12] & 15) == 0;
	if (local) /* the rest is to be skipped (section 2.2) */
		return PROXY_DONE;
	static const uint8_t least[] = {0, V2_IPV4_BYTES, V2_IPV6_BYTES, V2_UNIX_BYTES};
	if (whole - V2_FIXED < least[at[13] >> 4])
		return bad(why, "shorter than its addresses");
	/* Of an unspecified family nobody knows what the bytes are. */
	if (at[13] >> 4 == 0)
		return PROXY_DONE;
	struct addr client = {.family = 0};
	size_t tlvs = V2_FIXED + read_addresses(at, &client);
	enum proxy_outcome outcome = check_tlvs(at, tlvs, whole, why);
	if (outcome == PROXY_DONE)
		out->client = client;
	return outcome;
}

enum proxy_outcome
proxy_header_parse(const char *at, size_t bytes, struct proxy_header *out, const char **why)
{
	static const char signature[SIGNATURE + 1] = V2_SIGNATURE;
	static const char prefix[] = V1_PREFIX;
	size_t held = bytes < SIGNATURE ? bytes : SIGNATURE;
	*out = (struct proxy_header){.bytes = 0};
	if (bytes == 0)
		return PROXY_MORE;
	if (memcmp(at, signature, held) == 0)
		return held < SIGNATURE ? PROXY_MORE
					: parse_v2((const uint8_t *)at, bytes, out, why);
	held = bytes < sizeof(prefix) - 1 ? bytes : sizeof(prefix) - 1;
	if (memcmp(at, prefix, held) != 0)
		return bad(why, "no PROXY header");
	return held < sizeof(prefix) - 1 ? PROXY_MORE : parse_v1(at, bytes, out, why);
}
