/* proxy_out.c: see proxy_out.h. */
#include "base/proxy_out.h"

#include <errno.h>

#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_LOCAL     0x20
#define V2_PROXY     0x21
#define V2_UNSPEC    0x00
#define V2_TCP4      0x11
#define V2_TCP6      0x21

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
		const struct addr *at)
{
	bool known = client != NULL && addr_is_ip(client);
	if (!known && version == PROXY_OUT_V1) {
		write_literal(w, "PROXY UNKNOWN\r\n");
		return;
	}
	if (!known) {
		write_v2(w, client == NULL ? V2_LOCAL : V2_PROXY, NULL, NULL);
		return;
	}
	struct addr from = *client;
	struct addr to = {.family = client->family};
	if (at != NULL && addr_is_ip(at))
		to = *at;
	if (from.family != to.family) {
		from = as_ipv6(&from);
		to = as_ipv6(&to);
	}
	if (version == PROXY_OUT_V1)
		write_line(w, &from, &to);
	else
		write_v2(w, V2_PROXY, &from, &to);
}

bool
proxy_out_send(int fd, enum proxy_out version, const struct addr *client, const struct addr *at)
{
	char header[PROXY_OUT_BYTES_MAX];
	struct writer w = writer_on(header, sizeof(header));
	proxy_out_write(&w, version, client, at);
	ssize_t sent = send(fd, w.at, w.bytes, MSG_NOSIGNAL);
	if (sent >= 0 && (size_t)sent != w.bytes)
		errno = ENOBUFS;
	return sent >= 0 && (size_t)sent == w.bytes && !w.overflow;
}
