/* notify.c: see notify.h. */
#include "node/notify.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RELOADING_BYTES_MAX 64

/* "/run/systemd/notify", or "@name" for one without a file. */
static bool
address_of(const char *name, struct notify *n)
{
	size_t bytes = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || bytes < 2 || bytes >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, bytes);
	if (name[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
	return true;
}

/* WATCHDOG_PID says whose dog it is: sd_watchdog_enabled(3). */
static uint64_t
feed_every(void)
{
	uint64_t us = 0;
	uint64_t pid = 0;
	const char *period = getenv("WATCHDOG_USEC");
	const char *whose = getenv("WATCHDOG_PID");
	if (period == NULL || !slice_to_u64(slice_of(period), &us))
		return 0;
	if (whose != NULL && (!slice_to_u64(slice_of(whose), &pid) || pid != (uint64_t)getpid()))
		return 0;
	uint64_t half_ms = us / 2000;
	return us > 0 && half_ms == 0 ? 1 : half_ms;
}

void
notify_open(struct notify *n)
{
	*n = (struct notify){.fd = -1};
	const char *name = getenv("NOTIFY_SOCKET");
	if (name != NULL && !address_of(name, n))
		log_warn("NOTIFY_SOCKET %s: no address of a socket; nobody is notified", name);
	else if (name != NULL)
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd != -1)
		n->feed_every_ms = feed_every();
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

void
notify_close(struct notify *n)
{
	if (n->fd != -1)
		(void)close(n->fd);
	n->fd = -1;
}

void
notify_say(const struct notify *n, const char *lines)
{
	if (n->fd == -1)
		return;
	size_t bytes = strlen(lines);
	if (sendto(n->fd, lines, bytes, MSG_NOSIGNAL, (const struct sockaddr *)&n->to,
		   n->to_bytes) != (ssize_t)bytes)
		log_warn("the service manager is not told: %s", strerror(errno));
}

void
notify_reloading(const struct notify *n)
{
	char text[RELOADING_BYTES_MAX];
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	struct writer w = writer_on(text, sizeof(text));
	write_format(&w, "RELOADING=1\nMONOTONIC_USEC=%llu",
		     (unsigned long long)now.tv_sec * 1000000 +
			 (unsigned long long)now.tv_nsec / 1000);
	notify_say(n, writer_text(&w));
}

bool
notify_is_due(const struct notify *n, uint64_t now_ms)
{
	return n->feed_every_ms != 0 && now_ms - n->fed_ms >= n->feed_every_ms;
}

void
notify_feed(struct notify *n, uint64_t now_ms)
{
	n->fed_ms = now_ms;
	notify_say(n, "WATCHDOG=1");
}
