/*
 * notify.h: what a service manager is told: the protocol of sd_notify(3), datagrams of "NAME=value"
 * lines to the UNIX socket that NOTIFY_SOCKET names. All of it is silent without that.
 *
 *   READY=1       clients are served; after a reload: the new configuration is in force
 *   RELOADING=1   a reload was asked for, with the time of it (MONOTONIC_USEC)
 *   STOPPING=1    exchanges may finish
 *   STATUS=       a line for people
 *   WATCHDOG=1    control thread and workers go round: when the manager gave WATCHDOG_USEC, after
 *                 half of it
 */
#ifndef HOLDFAST_NODE_NOTIFY_H
#define HOLDFAST_NODE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody is told */
	socklen_t to_bytes;
	struct sockaddr_un to;
	uint64_t feed_every_ms; /* 0: no watchdog */
	uint64_t fed_ms;
};

/* Reads the environment, and removes what it read: programs that we start are not the service. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
/* One or more lines; the manager is not waited for. */
void notify_say(const struct notify *n, const char *lines);
/* RELOADING=1; ended by READY=1, also when the reload was refused. */
void notify_reloading(const struct notify *n);
/* Is the watchdog to be fed now? */
bool notify_is_due(const struct notify *n, uint64_t now_ms);
void notify_feed(struct notify *n, uint64_t now_ms);

#endif
