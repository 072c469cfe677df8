/*
 * clock.h: the only place that asks the operating system for the time. Decisions
 * take `now_ms` as an argument; timers run on the monotonic clock; the wall
 * clock is for log lines and tags alone.
 */
#ifndef HOLDFAST_BASE_CLOCK_H
#define HOLDFAST_BASE_CLOCK_H

#include "base/text.h"

#include <stdint.h>

uint64_t clock_ms(void);      /* monotonic milliseconds */
uint64_t clock_us(void);      /* monotonic microseconds */
uint64_t clock_wall_ms(void); /* milliseconds since 1970-01-01 UTC */
uint64_t clock_boot_ms(void); /* monotonic, and goes on while the machine is suspended: leases */

/* RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.000Z */
void write_timestamp(struct writer *w, uint64_t wall_ms);
/* IMF-fixdate (RFC 9110 section 5.6.7): Sun, 06 Nov 1994 08:49:37 GMT */
void write_http_date(struct writer *w, uint64_t wall_ms);

#endif
