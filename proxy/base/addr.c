/* addr.c: compact socket addresses; see addr.h. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define KEPT_CHAINS     4096
#define LABEL_BYTES_MAX 63

static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) > ADDR_PATH_BYTES_MAX,
	      "a path and its end fit");

/* ---- texts that are kept ----------------------------------------------------------------------
 */

struct kept {
	struct kept *next;
	size_t bytes;
	char text[]; /* terminated */
};

/* Grows by what configurations name, and is never freed: addresses point into it. */
static struct {
	pthread_mutex_t lock;
	size_t count;
	struct kept *chain[KEPT_CHAINS];
} kept_texts = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* FNV-1a; who writes configurations attacks nobody with them. */
static struct kept **
chain_of(struct slice text)
{
	uint32_t hash = 2166136261U;
	for (size_t i = 0; i < text.bytes; i++)
		hash = (hash ^ (uint8_t)text.at[i]) * 16777619U;
	return &kept_texts.chain[hash % KEPT_CHAINS];
}

static struct kept *
find_or_add(struct slice text, enum result *r)
{
	struct kept **chain = chain_of(text);
	for (struct kept *k = *chain; k != NULL; k = k->next) {
		if (slice_equal((struct slice){k->text, k->bytes}, text))
			return k;
	}
	*r = RESULT_LIMIT;
	if (kept_texts.count == ADDR_KEPT_MAX)
		return NULL;
	*r = RESULT_NO_MEMORY;
	struct kept *k = malloc(sizeof(*k) + text.bytes + 1);
	if (k == NULL)
		return NULL;
	*k = (struct kept){*chain, text.bytes};
	memcpy(k->text, text.at, text.bytes);
	k->text[text.bytes] = '\0';
	*chain = k;
	kept_texts.count++;
	return k;
}

static enum result
keep(struct addr *a, uint16_t family, struct slice text, struct problem *p)
{
	enum result r = RESULT_OK;
	(void)pthread_mutex_lock(&kept_texts.lock);
	const struct kept *k = find_or_add(text, &r);
	(void)pthread_mutex_unlock(&kept_texts.lock);
	if (k == NULL)
		return problem_set(
		    p, r, r == RESULT_LIMIT ? "too many names since the start" : "no memory");
	const char *at = k->text;
	memset(a, 0, sizeof(*a));
	a->family = family;
	memcpy(a->ip, &at, sizeof(at));
	return RESULT_OK;
}

const char *
addr_kept_text(const struct addr *a)
{
	const char *at = NULL;
	if (a->family == AF_UNIX || a->family == ADDR_HANDED || a->family == ADDR_NAME)
		memcpy(&at, a->ip, sizeof(at));
	return at != NULL ? at : "";
}

/* ---- reading ----------------------------------------------------------------------------------
 */

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
		if (slice_find(host, '%') != host.bytes)
			return problem_set(p, RESULT_INVALID, "%s", ADDR_NO_ZONES);
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

static enum result
parse_unix(struct slice path, struct addr *out, struct problem *p)
{
	if (path.bytes < 2 || path.at[0] != '/' || slice_find(path, '\0') != path.bytes)
		return problem_set(p, RESULT_INVALID,
				   "not a path from the root, such as \"unix:/run/app.sock\"");
	if (path.bytes > ADDR_PATH_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "a path longer than %d bytes",
				   ADDR_PATH_BYTES_MAX);
	return keep(out, AF_UNIX, path, p);
}

/* As systemd has them: sd_listen_fds_with_names(3). */
static enum result
parse_handed(struct slice name, struct addr *out, struct problem *p)
{
	bool bad = name.bytes == 0 || name.bytes > ADDR_HANDED_BYTES_MAX;
	for (size_t i = 0; i < name.bytes; i++)
		bad |= name.at[i] <= 0x20 || name.at[i] >= 0x7f || name.at[i] == ':';
	if (bad)
		return problem_set(p, RESULT_INVALID,
				   "not the name of a socket, such as \"fd:web\"");
	return keep(out, ADDR_HANDED, name, p);
}

static bool
is_label(struct slice label)
{
	bool good = label.bytes > 0 && label.bytes <= LABEL_BYTES_MAX;
	for (size_t i = 0; good && i < label.bytes; i++) {
		char c = ascii_lower(label.at[i]);
		good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
	}
	return good;
}

/* Labels of letters, digits, '-' and '_'; the last one not of digits alone: that is no name. */
static bool
is_host_name(struct slice name)
{
	struct slice rest = name;
	if (rest.bytes == 0 || rest.bytes > ADDR_NAME_BYTES_MAX)
		return false;
	for (;;) {
		uint64_t number;
		size_t dot = slice_find(rest, '.');
		struct slice label = {rest.at, dot};
		if (!is_label(label))
			return false;
		if (dot == rest.bytes)
			return !slice_to_u64(label, &number);
		rest = (struct slice){rest.at + dot + 1, rest.bytes - dot - 1};
	}
}

static enum result
parse_name(struct slice text, struct addr *out, struct problem *p)
{
	char lower[ADDR_NAME_BYTES_MAX];
	uint64_t port;
	size_t colon = slice_find(text, ':');
	struct slice name = {text.at, colon};
	if (colon == text.bytes || !is_host_name(name))
		return RESULT_NOT_FOUND;
	struct slice digits = {text.at + colon + 1, text.bytes - colon - 1};
	if (digits.bytes > 5 || !slice_to_u64(digits, &port) || port == 0 || port > UINT16_MAX)
		return problem_set(p, RESULT_INVALID, "not a port from 1 to 65535");
	for (size_t i = 0; i < name.bytes; i++)
		lower[i] = ascii_lower(name.at[i]);
	enum result r = keep(out, ADDR_NAME, (struct slice){lower, name.bytes}, p);
	if (r == RESULT_OK)
		out->port = (uint16_t)port;
	return r;
}

enum result
addr_parse_form(struct slice text, unsigned forms, struct addr *out, struct problem *p)
{
	if ((forms & ADDR_FORM_UNIX) != 0 && slice_has_prefix(text, SLICE("unix:")))
		return parse_unix((struct slice){text.at + 5, text.bytes - 5}, out, p);
	if ((forms & ADDR_FORM_HANDED) != 0 && slice_has_prefix(text, SLICE("fd:")))
		return parse_handed((struct slice){text.at + 3, text.bytes - 3}, out, p);
	if ((forms & ADDR_FORM_NAME) != 0) {
		enum result r = parse_name(text, out, p);
		if (r != RESULT_NOT_FOUND)
			return r;
	}
	return addr_parse(text, false, out, p);
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
	if (a->family == AF_UNIX) {
		struct sockaddr_un *un = (struct sockaddr_un *)out;
		size_t bytes = strlen(addr_kept_text(a));
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, addr_kept_text(a), bytes);
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1);
	}
	if (!addr_is_ip(a))
		return 0;
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
	} else if (from->sa_family == AF_UNIX) {
		out->family = AF_UNIX; /* nobody asks for the path of a client */
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
	if (a->family == AF_UNIX)
		return SLICE("unknown");
	if (a->family != AF_INET6 || inet_ntop(a->family, a->ip, text, ADDR_TEXT_BYTES_MAX) == NULL)
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
	if (a->family == AF_UNIX || a->family == ADDR_HANDED) {
		write_text(w, a->family == AF_UNIX ? "unix:" : "fd:");
		write_text(w, addr_kept_text(a));
		return;
	}
	if (a->family == ADDR_NAME) {
		write_text(w, addr_kept_text(a));
		write_char(w, ':');
		write_u64(w, a->port);
		return;
	}
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
addr_is_link_local(const struct addr *a)
{
	return a->family == AF_INET6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];
	return addr_is_ip(a) && memcmp(a->ip, zero, a->family == AF_INET6 ? 16 : 4) == 0;
}
