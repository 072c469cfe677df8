/* addr.c: compact socket addresses; see addr.h. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum result
addr_parse(struct slice text, bool port_zero_ok, struct addr *out, struct problem *p)
{
	static const char shape[] = "not an address such as \"127.0.0.1:8080\" or \"[::1]:8080\"";
	bool v6 = text.bytes > 0 && text.at[0] == '[';
	struct slice host;
	struct slice port;
	if (v6) {
		size_t close = slice_find(text, ']');
		if (close + 1 >= text.bytes || text.at[close + 1] != ':')
			return problem_set(p, RESULT_INVALID, "%s", shape);
		host = (struct slice){text.at + 1, close - 1};
		port = (struct slice){text.at + close + 2, text.bytes - close - 2};
	} else {
		size_t colon = slice_find(text, ':');
		if (colon == text.bytes)
			return problem_set(p, RESULT_INVALID, "%s", shape);
		host = (struct slice){text.at, colon};
		port = (struct slice){text.at + colon + 1, text.bytes - colon - 1};
	}
	char terminated[INET6_ADDRSTRLEN];
	if (host.bytes == 0 || host.bytes >= sizeof(terminated) ||
	    slice_find(host, '\0') != host.bytes)
		return problem_set(p, RESULT_INVALID, "%s", shape);
	memcpy(terminated, host.at, host.bytes);
	terminated[host.bytes] = '\0';
	memset(out, 0, sizeof(*out));
	out->family = v6 ? AF_INET6 : AF_INET;
	if (inet_pton(out->family, terminated, out->ip) != 1)
		return problem_set(p, RESULT_INVALID, "%s", shape);
	uint64_t number;
	if (port.bytes > 5 || !slice_to_u64(port, &number) || number > UINT16_MAX ||
	    (number == 0 && !port_zero_ok))
		return problem_set(p, RESULT_INVALID, "not a port from 1 to 65535");
	out->port = (uint16_t)number;
	return RESULT_OK;
}

bool
addr_parse_ip(struct slice text, struct addr *out)
{
	char terminated[INET6_ADDRSTRLEN];
	*out = (struct addr){.family = 0};
	if (text.bytes == 0 || text.bytes >= sizeof(terminated))
		return false;
	memcpy(terminated, text.at, text.bytes);
	terminated[text.bytes] = '\0';
	out->family = slice_find(text, ':') == text.bytes ? AF_INET : AF_INET6;
	return inet_pton(out->family, terminated, out->ip) == 1;
}

bool
addr_bind_source(int fd, const struct addr *source)
{
	if (source->family == 0)
		return true;
	struct addr from = *source;
	struct sockaddr_storage name;
	from.port = 0;
	socklen_t bytes = addr_to_sockaddr(&from, &name);
	/* The port is chosen by connect(2), for the whole pair: there are more of them then. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	return bind(fd, (struct sockaddr *)&name, bytes) == 0;
}

socklen_t
addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof(*in6);
	}
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	in->sin_family = AF_INET;
	in->sin_port = htons(a->port);
	memcpy(&in->sin_addr, a->ip, 4);
	return sizeof(*in);
}

void
addr_from_sockaddr(const struct sockaddr *from, struct addr *out)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	memset(out, 0, sizeof(*out));
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;
		out->family = AF_INET;
		out->port = ntohs(in->sin_port);
		memcpy(out->ip, &in->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
		out->port = ntohs(in6->sin6_port);
		bool is_mapped = memcmp(&in6->sin6_addr, mapped, sizeof(mapped)) == 0;
		out->family = is_mapped ? AF_INET : AF_INET6;
		memcpy(out->ip, (const uint8_t *)&in6->sin6_addr + (is_mapped ? 12 : 0),
		       is_mapped ? 4 : 16);
	}
}

/* Every request writes its client's; inet_ntop goes through printf. */
static struct slice
ipv4_text(const uint8_t ip[4], char text[ADDR_TEXT_BYTES_MAX])
{
	char *to = text;
	for (size_t i = 0; i < 4; i++) {
		unsigned part = ip[i];
		if (part >= 100) {
			*to++ = (char)('0' + part / 100);
			part %= 100;
			*to++ = (char)('0' + part / 10);
			part %= 10;
		} else if (part >= 10) {
			*to++ = (char)('0' + part / 10);
			part %= 10;
		}
		*to++ = (char)('0' + part);
		*to++ = '.';
	}
	to--;
	return (struct slice){text, (size_t)(to - text)};
}

struct slice
addr_ip_text(const struct addr *a, char text[ADDR_TEXT_BYTES_MAX])
{
	if (a->family == AF_INET)
		return ipv4_text(a->ip, text);
	if (a->family == 0 || inet_ntop(a->family, a->ip, text, ADDR_TEXT_BYTES_MAX) == NULL)
		return SLICE("-");
	return slice_of(text);
}

void
write_addr_ip(struct writer *w, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES_MAX];
	write_slice(w, addr_ip_text(a, text));
}

void
write_addr(struct writer *w, const struct addr *a)
{
	if (a->family == AF_INET6)
		write_char(w, '[');
	write_addr_ip(w, a);
	if (a->family == AF_INET6)
		write_char(w, ']');
	write_char(w, ':');
	write_u64(w, a->port);
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool
addr_is_loopback(const struct addr *a)
{
	if (a->family == AF_INET)
		return a->ip[0] == 127;
	/* No struct in6_addr: that must be aligned, and this is not. */
	return a->family == AF_INET6 && memcmp(a->ip, &in6addr_loopback, sizeof(a->ip)) == 0;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];
	return memcmp(a->ip, zero, a->family == AF_INET6 ? 16 : 4) == 0;
}
