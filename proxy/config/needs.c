/*
 * needs.c: does what is configured fit into what there is (base/room.h)? limits.connections_max
 * says how many connections may be there at once; with a request under way each wants two
 * descriptors, and buffers. Warnings: the numbers are the worst case, and another machine may have
 * more.
 */
#include "config/loading.h"
#include "config/rows.h"

#include "base/buf.h"
#include "base/room.h"

#define BUFFERS_EACH    4           /* head, body, answer, what waits for the client */
#define TLS_BYTES_EACH  (48 * 1024) /* of OpenSSL: a connection and its buffers */
#define KIB             1024
#define DESCRIPTORS_OWN 64 /* logs, timers, state_dir */

/* Of one connection of HTTP/1.1 with a request under way. */
static uint64_t
bytes_each(const struct config *config)
{
	uint64_t replay = 0;
	bool tls = false;
	for (size_t i = 0; i < config->service_count; i++) {
		if (config->services[i].replay_bytes_max > replay)
			replay = config->services[i].replay_bytes_max;
	}
	for (size_t i = 0; i < config->listener_count; i++)
		tls = tls || config->listeners[i].tls.certificate_count > 0;
	return BUFFERS_EACH * sizeof(struct buf) + replay + (tls ? TLS_BYTES_EACH : 0);
}

void
check_needs(struct loading *l)
{
	const struct config *config = l->config;
	uint64_t most = config->limits.connections_max;
	config_setting_t *at = config_setting_lookup(l->root, "limits.connections_max");
	struct room room;
	if (most == 0 || at == NULL || l->purpose == CONFIG_FOR_EXPLAIN)
		return;
	room_read(&room);
	uint64_t descriptors = 2 * most + DESCRIPTORS_OWN;
	uint64_t each = bytes_each(config);
	if (descriptors > room.descriptors)
		warn(l, at, NULL,
		     "so many connections, each with a request under way, want %llu descriptors; "
		     "%llu may be open (RLIMIT_NOFILE)",
		     (unsigned long long)descriptors, (unsigned long long)room.descriptors);
	if (most > room.memory_bytes / each)
		warn(l, at, NULL,
		     "so many connections, each with a request under way, may take %llu KiB of "
		     "memory, "
		     "%llu KiB each; %llu KiB may be had (%s)",
		     (unsigned long long)(most * each / KIB), (unsigned long long)(each / KIB),
		     (unsigned long long)(room.memory_bytes / KIB), room.memory_by);
}
