/* room.c: see room.h. */
#include "base/room.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#define CGROUPS "/sys/fs/cgroup"

static void
bound(struct room *room, uint64_t bytes, const char *by)
{
	if (bytes >= room->memory_bytes)
		return;
	room->memory_bytes = bytes;
	room->memory_by = by;
}

/* "0::/system.slice/holdfast.service": the group in the one hierarchy of version 2. */
static int
own_group(char *path, size_t bytes)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	int found = 0;
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			found = (size_t)snprintf(path, bytes, CGROUPS "%s", line + 3) < bytes;
	}
	if (f != NULL)
		(void)fclose(f);
	return found;
}

/* "max", or no such file, bounds nothing. */
static void
bound_by_group(struct room *room, const char *path)
{
	char name[PATH_MAX + 16];
	char text[32];
	(void)snprintf(name, sizeof(name), "%s/memory.max", path);
	FILE *f = fopen(name, "re");
	if (f == NULL)
		return;
	if (fgets(text, sizeof(text), f) != NULL) {
		char *end;
		unsigned long long bytes = strtoull(text, &end, 10);
		if (end != text)
			bound(room, bytes, "cgroup memory.max");
	}
	(void)fclose(f);
}

static void
bound_by_groups(struct room *room)
{
	char path[PATH_MAX];
	if (!own_group(path, sizeof(path)))
		return;
	for (int i = 0; i < ROOM_CGROUPS_DEEP; i++) {
		bound_by_group(room, path);
		char *last = strrchr(path, '/');
		if (last == NULL || strcmp(path, CGROUPS) == 0)
			return;
		*last = '\0';
	}
}

void
room_read(struct room *out)
{
	struct rlimit limit;
	struct sysinfo machine;
	*out = (struct room){UINT64_MAX, UINT64_MAX, "nothing"};
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		out->descriptors = limit.rlim_max;
	if (sysinfo(&machine) == 0)
		bound(out, (uint64_t)machine.totalram * machine.mem_unit, "the machine's memory");
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		bound(out, limit.rlim_cur, "RLIMIT_AS");
	bound_by_groups(out);
}
