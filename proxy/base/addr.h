/*
 * addr.h: an IP address and port in 20 bytes (a sockaddr_storage has 128, which
 * an idle connection cannot afford).
 */
#ifndef HOLDFAST_BASE_ADDR_H
#define HOLDFAST_BASE_ADDR_H

#include "base/text.h"
#include "result.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT_BYTES_MAX 64 /* "[v6]:port" with terminator fits */

struct addr {
	uint16_t family; /* AF_INET, AF_INET6; 0: none */
	uint16_t port;   /* host order */
	uint8_t ip[16];  /* network order; the first 4 for AF_INET */
};

/*
 * "192.0.2.1:80" or "[2001:db8::1]:80"; numeric only, the port is required and
 * not 0 unless `port_zero_ok`.
 */
enum result addr_parse(struct slice text, bool port_zero_ok, struct addr *out, struct problem *p);
/* "192.0.2.1" or "2001:db8::1"; the port becomes 0. */
bool addr_parse_ip(struct slice text, struct addr *out);
/* Connections of `fd` come from this address, whatever its port; family 0: from any. False: errno.
 */
bool addr_bind_source(int fd, const struct addr *source);
/* Returns the length for bind(2) and connect(2). */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* An IPv4-mapped IPv6 address becomes AF_INET, so that one client has one text. */
void addr_from_sockaddr(const struct sockaddr *from, struct addr *out);
void write_addr(struct writer *w, const struct addr *a);    /* with port */
void write_addr_ip(struct writer *w, const struct addr *a); /* without port and brackets */
/* The same, in `text` or static: for write_together. */
struct slice addr_ip_text(const struct addr *a, char text[ADDR_TEXT_BYTES_MAX]);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
bool addr_is_any(const struct addr *a); /* 0.0.0.0 or :: */

#endif
