/*
 * addr.h: an IP address and port in 20 bytes (a sockaddr_storage has 128, which
 * an idle connection cannot afford); also what stands for one:
 *
 *   unix:/run/app.sock     a UNIX socket
 *   fd:web                 a socket that the service manager hands over (base/handed.h)
 *   app.internal:8080      a host name, which is resolved later
 *
 * Of these the text is kept once for the life of the process, and the address holds where: equal
 * ones compare equal as bytes. Whoever connects through a UNIX socket has a family, and no text.
 */
#ifndef HOLDFAST_BASE_ADDR_H
#define HOLDFAST_BASE_ADDR_H

#include "base/text.h"
#include "result.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT_BYTES_MAX   272 /* the longest of all forms, with terminator */
#define ADDR_NAME_BYTES_MAX   253 /* of a host name */
#define ADDR_PATH_BYTES_MAX   107 /* of a UNIX socket: sun_path without its end */
#define ADDR_HANDED_BYTES_MAX 255
#define ADDR_KEPT_MAX         65536 /* texts kept by one process */

/* Families beside those of the kernel. */
#define ADDR_HANDED 0xfd00
#define ADDR_NAME   0xfd01

struct addr {
	uint16_t family; /* AF_INET, AF_INET6, AF_UNIX, ADDR_HANDED, ADDR_NAME; 0: none */
	uint16_t port;   /* host order; of a name as well */
	uint8_t ip[16];  /* network order; the first 4 for AF_INET; else where the text stands */
};

/* What addr_parse_form takes beside IP addresses. */
#define ADDR_FORM_UNIX   1U
#define ADDR_FORM_HANDED 2U
#define ADDR_FORM_NAME   4U

/*
 * "192.0.2.1:80" or "[2001:db8::1]:80"; numeric only, the port is required and
 * not 0 unless `port_zero_ok`.
 */
enum result addr_parse(struct slice text, bool port_zero_ok, struct addr *out, struct problem *p);
/* The same, or one of `forms`. RESULT_NO_MEMORY; RESULT_LIMIT: too many texts are kept. */
enum result addr_parse_form(struct slice text, unsigned forms, struct addr *out, struct problem *p);
/* The path, the name of what is handed over, or the host; "" for an IP address or a UNIX client. */
const char *addr_kept_text(const struct addr *a);
/* An IP address, of whatever family. */
static inline bool
addr_is_ip(const struct addr *a)
{
	return a->family == AF_INET || a->family == AF_INET6;
}
/* "192.0.2.1" or "2001:db8::1"; the port becomes 0. */
bool addr_parse_ip(struct slice text, struct addr *out);
/* Connections of `fd` come from this address, whatever its port; family 0: from any. False: errno.
 */
bool addr_bind_source(int fd, const struct addr *source);
/* Returns the length for bind(2) and connect(2); of what is neither IP nor UNIX 0. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* An IPv4-mapped IPv6 address becomes AF_INET, so that one client has one text. */
void addr_from_sockaddr(const struct sockaddr *from, struct addr *out);
void write_addr(struct writer *w, const struct addr *a);    /* with port */
void write_addr_ip(struct writer *w, const struct addr *a); /* without port and brackets */
/* The same, in `text` or static: for write_together; "unknown" of a UNIX client, as RFC 7239 says.
 */
struct slice addr_ip_text(const struct addr *a, char text[ADDR_TEXT_BYTES_MAX]);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
/* Of IPv6: it means something only with a zone ("fe80::1%eth0"), which has no room here. */
bool addr_is_link_local(const struct addr *a);
#define ADDR_NO_ZONES \
	"zones (%eth0) are not supported, so link-local addresses (fe80::) are not either"
bool addr_is_any(const struct addr *a); /* 0.0.0.0 or :: */

#endif
