/*
 * srv.h: targets of a service from a server's answer of any bytes (RFC 1035 section 4, RFC 2782).
 * c-ares' own reading of SRV keeps no TTL; its reading of names is used.
 */
#ifndef HOLDFAST_MEMBERS_SRV_H
#define HOLDFAST_MEMBERS_SRV_H

#include "members/names.h"

/*
 * Adds the targets that are host names to *a, whose ttl_ms becomes the least of theirs, if that is
 * less; `more` counts those without room. a->why: it is malformed, and nothing of it is to be used.
 */
void srv_read(const unsigned char *all, int bytes, struct name_answer *a);

#endif
