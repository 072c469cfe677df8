/* race_ask.c: see race_ask.h. */
#include "cli/race_ask.h"

#include "base/clock.h"
#include "base/digest.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES_MAX 255

/* ---- nodes ------------------------------------------------------------------------------------
 */

static enum result
look_up(const char *name, const char *port, struct addr *out, struct problem *p)
{
	struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int error = getaddrinfo(name, port, &hints, &found);
	if (error != 0)
		return problem_set(p, RESULT_NOT_FOUND, "%s: %s", name, gai_strerror(error));
	addr_from_sockaddr(found->ai_addr, out);
	freeaddrinfo(found);
	return RESULT_OK;
}

enum result
race_find(const char *where, struct addr *out, struct problem *p)
{
	char name[NAME_BYTES_MAX + 1];
	if (addr_parse(slice_of(where), false, out, NULL) == RESULT_OK)
		return RESULT_OK;
	const char *colon = strrchr(where, ':');
	if (colon == NULL || colon == where || colon[1] == '\0' || where[0] == '[' ||
	    (size_t)(colon - where) > NAME_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "%s: HOST:PORT is wanted", where);
	memcpy(name, where, (size_t)(colon - where));
	name[colon - where] = '\0';
	return look_up(name, colon + 1, out, p);
}

/* ---- datagrams --------------------------------------------------------------------------------
 */

enum { SOCKETS = 2 };

static int
family_of(int socket)
{
	return socket == 0 ? AF_INET : AF_INET6;
}

static void
send_inits(const struct race_run *r, const int *sockets, const size_t *node, size_t nodes)
{
	struct race_init init = {.attempt = (uint8_t)r->race.attempt, .bind = r->bind};
	uint8_t bytes[RACE_DATAGRAM_BYTES_MAX];
	struct sockaddr_storage name[RACE_SERVERS_MAX];
	struct mmsghdr header[RACE_SERVERS_MAX];
	memcpy(init.tag, r->race.tag, RACE_TAG_BYTES);
	(void)snprintf(init.service, sizeof(init.service), "%s", r->service);
	if (r->bind == TICKET_BIND_SECRET)
		memcpy(
		    init.hash,
		    ticket_bind_secret((struct slice){(const char *)r->secret, sizeof(r->secret)})
			.value,
		    sizeof(init.hash));
	struct iovec piece = {bytes, race_write_init(NULL, &init, bytes)};
	for (int s = 0; s < SOCKETS; s++) {
		unsigned count = 0;
		for (size_t i = 0; i < nodes; i++) {
			const struct addr *to = &r->node[node[i]];
			if (to->family != family_of(s))
				continue;
			header[count] = (struct mmsghdr){
			    .msg_hdr = {.msg_name = &name[count],
					.msg_namelen = addr_to_sockaddr(to, &name[count]),
					.msg_iov = &piece,
					.msg_iovlen = 1}};
			count++;
		}
		/* Who cannot be sent to is passed over: it is silent. */
		for (unsigned done = 0; done < count;) {
			int sent = sendmmsg(sockets[s], header + done, count - done, 0);
			done += sent > 0 ? (unsigned)sent : 1;
		}
	}
}

static size_t
node_of(const struct race_run *r, const struct addr *from)
{
	size_t at = 0;
	while (at < r->count && !addr_equal(&r->node[at], from))
		at++;
	return at;
}

/* Everything that is there. */
static void
hear(struct race_run *r, int fd)
{
	uint8_t bytes[RACE_DATAGRAM_BYTES_MAX + 1];
	struct sockaddr_storage name;
	for (;;) {
		socklen_t name_bytes = sizeof(name);
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT,
				     (struct sockaddr *)&name, &name_bytes);
		if (n == -1 && errno == ECONNREFUSED) /* of one that is not there */
			continue;
		if (n == -1)
			return;
		struct race_offer offer;
		struct addr from;
		addr_from_sockaddr((struct sockaddr *)&name, &from);
		if (race_read_offer(NULL, bytes, (size_t)n, &offer) == RACE_BAD ||
		    race_offered(&r->race, clock_us(), node_of(r, &from), &offer) == RACE_STRANGER)
			r->strangers++;
	}
}

/* ---- the race ---------------------------------------------------------------------------------
 */

static bool
all_answered(const struct race_run *r)
{
	for (size_t i = 0; i < r->race.asked; i++) {
		if (r->race.took_us[r->race.order[i]] == RACE_NEVER)
			return false;
	}
	return true;
}

/* What comes until then. */
static void
hear_until(struct race_run *r, const int *sockets, uint64_t now_us, uint64_t until_us)
{
	struct pollfd fds[SOCKETS] = {{.fd = sockets[0], .events = POLLIN},
				      {.fd = sockets[1], .events = POLLIN}};
	if (poll(fds, SOCKETS, (int)((until_us - now_us + 999) / 1000)) <= 0)
		return;
	for (int s = 0; s < SOCKETS; s++) {
		if (fds[s].revents != 0)
			hear(r, sockets[s]);
	}
}

static void
hear_late(struct race_run *r, const int *sockets, uint64_t until_us)
{
	uint64_t now_us = clock_us();
	for (; !all_answered(r) && now_us < until_us; now_us = clock_us())
		hear_until(r, sockets, now_us, until_us);
}

/* Until somebody won, or until its limit. */
static void
attempt(struct race_run *r, const int *sockets)
{
	const struct race_rules rules = {r->count, r->limit_us, r->stagger_us};
	uint8_t tag[RACE_TAG_BYTES];
	size_t node[RACE_SERVERS_MAX];
	struct prng chance;
	prng_seed(&chance);
	digest_random(tag);
	uint64_t now_us = clock_us();
	race_start(&r->race, now_us, &rules, tag, prng_next(&chance));
	for (; r->race.state == RACE_RACING && !race_is_over(&r->race, now_us);
	     now_us = clock_us()) {
		size_t nodes = race_ask(&r->race, now_us, node);
		if (nodes > 0)
			send_inits(r, sockets, node, nodes);
		hear_until(r, sockets, now_us, race_next(&r->race));
	}
}

enum result
race_run(struct race_run *r, struct problem *p)
{
	int sockets[SOCKETS];
	memset(&r->race, 0, sizeof(r->race));
	r->strangers = 0;
	digest_random(r->secret);
	for (int s = 0; s < SOCKETS; s++)
		sockets[s] = socket(family_of(s), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sockets[0] == -1 && sockets[1] == -1)
		return problem_set(p, RESULT_IO, "socket: %s", strerror(errno));
	do
		attempt(r, sockets);
	while (r->race.state == RACE_RACING && race_again(&r->race, clock_us()));
	if (r->race.state == RACE_CHOSEN)
		hear_late(r, sockets, clock_us() + r->late_us);
	for (int s = 0; s < SOCKETS; s++) {
		if (sockets[s] != -1)
			(void)close(sockets[s]);
	}
	return RESULT_OK;
}
