/* proxy_out.c: see proxy_out.h. */
#include "base/proxy_out.h"

#include <errno.h>

#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_LOCAL     0x20
#define V2_PROXY     0x21
#define V2_UNSPEC    0x00
#define V2_TCP4      0x11
#define V2_TCP6      0x21
#define V2_FIXED     16 /* signature, version and command, family, length */

/* Types of TLVs. */
#define TLV_ALPN        0x01
#define TLV_AUTHORITY   0x02
#define TLV_UNIQUE_ID   0x05
#define TLV_SSL         0x20
#define TLV_SSL_VERSION 0x21
#define TLV_SSL_CN      0x22
#define TLV_SSL_CIPHER  0x23
#define TLV_SSL_SIG_ALG 0x24
#define TLV_SSL_KEY_ALG 0x25

/* Of the TLV_SSL's first byte. */
#define CLIENT_SSL       0x01
#define CLIENT_CERT_CONN 0x02
#define CLIENT_CERT_SESS 0x04

/* As an IPv6 address: ::ffff:192.0.2.1. */
static struct addr
as_ipv6(const struct addr *a)
{
	struct addr six = {.family = AF_INET6, .port = a->port};
	if (a->family == AF_INET6)
		return *a;
	six.ip[10] = 0xff;
	six.ip[11] = 0xff;
	memcpy(six.ip + 12, a->ip, 4);
	return six;
}

static void
write_line(struct writer *w, const struct addr *from, const struct addr *to)
{
	char text[2][ADDR_TEXT_BYTES_MAX];
	write_text(w, from->family == AF_INET ? "PROXY TCP4 " : "PROXY TCP6 ");
	write_together(w, addr_ip_text(from, text[0]), SLICE(" "), addr_ip_text(to, text[1]),
		       SLICE(" "));
	write_u64(w, from->port);
	write_char(w, ' ');
	write_u64(w, to->port);
	write_literal(w, "\r\n");
}

static void
write_u16(struct writer *w, uint16_t number)
{
	const uint8_t bytes[2] = {(uint8_t)(number >> 8), (uint8_t)number};
	write_bytes(w, bytes, sizeof(bytes));
}

/* The bytes from `at` on are these two bytes' length; they stand right before. */
static void
put_length(struct writer *w, size_t at)
{
	if (w->overflow)
		return;
	size_t bytes = w->bytes - at;
	w->at[at - 2] = (char)(uint8_t)(bytes >> 8);
	w->at[at - 1] = (char)(uint8_t)bytes;
}

static void
write_tlv(struct writer *w, uint8_t type, struct slice value)
{
	if (value.bytes == 0 || value.bytes > PROXY_OUT_TEXT_BYTES_MAX)
		return;
	write_bytes(w, &type, 1);
	write_u16(w, (uint16_t)value.bytes);
	write_slice(w, value);
}

/* Section 2.2.6. `verify` is zero only with a certificate that was verified. */
static void
write_ssl(struct writer *w, const struct proxy_about *about)
{
	uint8_t client = CLIENT_SSL;
	if (about->certified)
		client |= about->resumed ? CLIENT_CERT_SESS : CLIENT_CERT_CONN | CLIENT_CERT_SESS;
	const uint8_t first[] = {TLV_SSL, 0, 0, client, 0, 0, 0, about->certified ? 0 : 1};
	size_t from = w->bytes + 3;
	write_bytes(w, first, sizeof(first));
	write_tlv(w, TLV_SSL_VERSION, about->version);
	write_tlv(w, TLV_SSL_CN, about->common_name);
	write_tlv(w, TLV_SSL_CIPHER, about->cipher);
	write_tlv(w, TLV_SSL_SIG_ALG, about->sig_alg);
	write_tlv(w, TLV_SSL_KEY_ALG, about->key_alg);
	put_length(w, from);
}

static void
write_about(struct writer *w, const struct proxy_about *about)
{
	write_tlv(w, TLV_UNIQUE_ID, about->unique_id);
	if (!about->tls)
		return;
	write_tlv(w, TLV_ALPN, about->alpn);
	write_tlv(w, TLV_AUTHORITY, about->authority);
	write_ssl(w, about);
}

static void
write_v2(struct writer *w, uint8_t command, const struct addr *from, const struct addr *to)
{
	size_t ip = from == NULL ? 0 : from->family == AF_INET ? 4 : 16;
	uint8_t kind = ip == 0 ? V2_UNSPEC : ip == 4 ? V2_TCP4 : V2_TCP6;
	write_literal(w, V2_SIGNATURE);
	write_bytes(w, &command, 1);
	write_bytes(w, &kind, 1);
	write_u16(w, (uint16_t)(ip == 0 ? 0 : 2 * ip + 4));
	if (ip == 0)
		return;
	write_bytes(w, from->ip, ip);
	write_bytes(w, to->ip, ip);
	write_u16(w, from->port);
	write_u16(w, to->port);
}

void
proxy_out_write(struct writer *w, enum proxy_out version, const struct addr *client,
		const struct addr *at, const struct proxy_about *about)
{
	bool known = client != NULL && addr_is_ip(client);
	size_t begun = w->bytes;
	struct addr from = {.family = 0};
	struct addr to = {.family = 0};
	if (known) {
		from = *client;
		to.family = client->family;
		if (at != NULL && addr_is_ip(at))
			to = *at;
	}
	if (from.family != to.family) {
		from = as_ipv6(&from);
		to = as_ipv6(&to);
	}
	if (version == PROXY_OUT_V1) {
		if (known)
			write_line(w, &from, &to);
		else
			write_literal(w, "PROXY UNKNOWN\r\n");
		return;
	}
	write_v2(w, client == NULL ? V2_LOCAL : V2_PROXY, known ? &from : NULL, &to);
	if (version == PROXY_OUT_V2_TLS && about != NULL) {
		write_about(w, about);
		put_length(w, begun + V2_FIXED);
	}
}

bool
proxy_out_send(int fd, enum proxy_out version, const struct addr *client, const struct addr *at,
	       const struct proxy_about *about)
{
	char header[PROXY_OUT_BYTES_MAX];
	struct writer w = writer_on(header, sizeof(header));
	proxy_out_write(&w, version, client, at, about);
	ssize_t sent = send(fd, w.at, w.bytes, MSG_NOSIGNAL);
	if (sent >= 0 && (size_t)sent != w.bytes)
		errno = ENOBUFS;
	return sent >= 0 && (size_t)sent == w.bytes && !w.overflow;
}
