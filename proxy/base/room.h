/*
 * room.h: what the machine, the service manager and the shell leave to this process: descriptors
 * (RLIMIT_NOFILE, as far as it may be raised) and memory (cgroup v2's memory.max of its own group
 * and all above, RLIMIT_AS, the machine's own), the least of them.
 */
#ifndef HOLDFAST_BASE_ROOM_H
#define HOLDFAST_BASE_ROOM_H

#include <stdint.h>

#define ROOM_CGROUPS_DEEP 32 /* groups within groups that are looked at */

struct room {
	uint64_t descriptors;
	uint64_t memory_bytes;
	const char *memory_by; /* who bounds it; static */
};

/* Reads files; at the start, and for questions. What cannot be read bounds nothing. */
void room_read(struct room *out);

#endif
