/*
 * destination.h: where a log goes:
 *
 *   stderr, stdout, /var/log/holdfast/access.log
 *   syslog:, syslog:/dev/log           RFC 5424 in datagrams of a UNIX socket; default /dev/log
 *   syslog:192.0.2.1:514               ... of UDP (RFC 5426)
 *   journald:, journald:/run/socket    the native protocol of systemd-journald
 */
#ifndef HOLDFAST_BASE_DESTINATION_H
#define HOLDFAST_BASE_DESTINATION_H

#include "base/addr.h"

#define SYSLOG_SOCKET   "/dev/log"
#define JOURNALD_SOCKET "/run/systemd/journal/socket"

enum destination_kind { TO_STDERR, TO_STDOUT, TO_FILE, TO_SYSLOG, TO_JOURNALD };

struct destination {
	enum destination_kind kind;
	const char *path; /* of a file or socket; borrowed from the text, or static */
	struct addr addr; /* TO_SYSLOG by UDP; family 0: by `path` */
};

/* NULL is stderr. RESULT_INVALID: the problem says why; *out is untouched. */
enum result destination_parse(const char *text, struct destination *out, struct problem *p);

static inline bool
destination_is_datagram(const struct destination *d)
{
	return d->kind == TO_SYSLOG || d->kind == TO_JOURNALD;
}

#endif
