/*
 * library.c: libholdfast-lease.a (holdfast/lease.h): engine, roles, datagrams and register in an
 * application's own loop. What cluster_ev.c and node/roles.c are to a node, without libevent.
 *
 *     socket --datagram--> codec --> engine, roles --events--> queue of the application
 *     writer --fd--------> voter        |
 *          (both behind one epoll fd)   `--> outbox --> codec --> socket
 */
#include "cluster/library_inside.h"

#include "base/clock.h"
#include "base/digest.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECRET_ID     "lease"
#define LEASE_MS      10000
#define RECEIVE_BYTES (1 << 20)

_Static_assert(HOLDFAST_LEASE_NAME_BYTES == ROLE_BYTES_MAX + 1, "as in the header");
_Static_assert(HOLDFAST_LEASE_NODES_MAX == CLUSTER_NODES_MAX, "as in the header");
_Static_assert(HOLDFAST_LEASE_VOTERS_MAX == CLUSTER_VOTERS_MAX, "as in the header");
_Static_assert(HOLDFAST_LEASE_REASON_BYTES == PROBLEM_BYTES_MAX, "as in the header");

static enum holdfast_lease_result
result_of(enum result r)
{
	switch (r) {
	case RESULT_OK:
		return HOLDFAST_LEASE_OK;
	case RESULT_NO_MEMORY:
		return HOLDFAST_LEASE_NO_MEMORY;
	case RESULT_LIMIT:
		return HOLDFAST_LEASE_BUSY;
	case RESULT_IO:
		return HOLDFAST_LEASE_IO;
	case RESULT_INVALID:
	case RESULT_NOT_FOUND:
		break;
	}
	return HOLDFAST_LEASE_INVALID;
}

static void
say(struct holdfast_lease_reason *reason, const char *text)
{
	if (reason != NULL)
		(void)snprintf(reason->text, sizeof(reason->text), "%s", text);
}

/* ---- roles ------------------------------------------------------------------------------------
 */

/* "": a free place. NULL: none. */
static char *
wanted(struct holdfast_lease *l, const char *role)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (strcmp(l->wanted[i], role) == 0)
			return l->wanted[i];
	return NULL;
}

enum holdfast_lease_result
holdfast_lease_acquire(struct holdfast_lease *l, const char *role)
{
	if (!role_name_good(role) || strcmp(role, ROLE_CLUSTER) == 0)
		return HOLDFAST_LEASE_INVALID;
	if (wanted(l, role) != NULL)
		return HOLDFAST_LEASE_OK;
	char *place = wanted(l, "");
	if (place == NULL)
		return HOLDFAST_LEASE_FULL;
	memcpy(place, role, strlen(role) + 1);
	l->ask_at = 0;
	uint64_t now = clock_boot_ms();
	library_ask_on(l, now);
	library_settle(l, now);
	return HOLDFAST_LEASE_OK;
}

enum holdfast_lease_result
holdfast_lease_release(struct holdfast_lease *l, const char *role)
{
	struct role_holder holder;
	char *place = role_name_good(role) ? wanted(l, role) : NULL;
	if (place == NULL)
		return HOLDFAST_LEASE_INVALID;
	place[0] = '\0';
	uint64_t now = clock_boot_ms();
	(void)roles_release(&l->roles, now, role, l->nodes.node[l->nodes.self].id, &holder,
			    &l->out);
	library_settle(l, now);
	return HOLDFAST_LEASE_OK;
}

bool
holdfast_lease_holds(const struct holdfast_lease *l, const char *role, uint64_t *term,
		     uint64_t *left_ms)
{
	uint64_t now = clock_boot_ms();
	uint64_t owned_term;
	uint64_t until;
	const char *self = l->nodes.node[l->nodes.self].id;
	if (!roles_holds(&l->roles, now, role, self) ||
	    !engine_owns(&l->engine, now, role, &owned_term, &until))
		return false;
	if (term != NULL)
		*term = owned_term;
	if (left_ms != NULL)
		*left_ms = until - now;
	return true;
}

static void
describe(const struct holdfast_lease *l, const char *role, cluster_node node, uint64_t term,
	 struct holdfast_lease_holder *out)
{
	*out = (struct holdfast_lease_holder){.mine = node == l->nodes.self, .term = term};
	(void)snprintf(out->role, sizeof(out->role), "%s", role);
	if (node != NODE_NONE)
		(void)snprintf(out->node, sizeof(out->node), "%s", l->nodes.node[node].id);
}

void
holdfast_lease_look(const struct holdfast_lease *l, const char *role,
		    struct holdfast_lease_holder *out)
{
	struct role_holder holder = {.node = NODE_NONE};
	if (role_name_good(role))
		roles_look(&l->roles, clock_boot_ms(), role, &holder);
	describe(l, role, holder.expires_ms > 0 ? holder.node : NODE_NONE, holder.term, out);
	out->mine = out->mine && holdfast_lease_holds(l, role, NULL, NULL);
}

bool
holdfast_lease_event(struct holdfast_lease *l, struct holdfast_lease_event *event)
{
	struct role_notice n;
	if (!roles_take(&l->roles, &n))
		return false;
	event->kind = n.held ? HOLDFAST_LEASE_HELD : HOLDFAST_LEASE_OVER;
	describe(l, n.role, n.node, n.term, &event->who);
	return true;
}

/* ---- voters -----------------------------------------------------------------------------------
 */

enum holdfast_lease_vote
holdfast_lease_voter(const struct holdfast_lease *l, struct holdfast_lease_reason *reason)
{
	const struct voter *v = &l->embedded.voter;
	say(reason, "");
	if (!l->embedded.is_voter)
		return HOLDFAST_LEASE_NO_VOTER;
	switch (v->status) {
	case VOTER_NEW:
	case VOTER_EMPTY:
		return HOLDFAST_LEASE_BEGINS;
	case VOTER_READY:
		return HOLDFAST_LEASE_VOTES;
	case VOTER_LEARNING:
		return HOLDFAST_LEASE_LEARNING;
	case VOTER_STOPPED:
		break;
	}
	say(reason, v->problem.text);
	return HOLDFAST_LEASE_STOPPED;
}

enum holdfast_lease_result
holdfast_lease_readmit(struct holdfast_lease *l, struct holdfast_lease_reason *reason)
{
	struct problem p = {""};
	uint64_t now = clock_boot_ms();
	enum result r = embedded_readmit(&l->embedded, now, &p);
	say(reason, p.text);
	library_settle(l, now);
	return r == RESULT_LIMIT ? HOLDFAST_LEASE_TOO_FEW : result_of(r);
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static enum result
read_node(const struct holdfast_lease_node *from, struct cluster_member *to, uint32_t rank,
	  struct problem *p)
{
	if (from->id == NULL || !role_name_good(from->id) || from->address == NULL)
		return problem_set(p, RESULT_INVALID, "a node wants an id and an address");
	(void)snprintf(to->id, sizeof(to->id), "%s", from->id);
	to->rank = rank;
	to->voter = from->voter;
	enum result r = addr_parse(slice_of(from->address), false, &to->address, p);
	return r == RESULT_OK ? r : problem_prefix(p, r, "the address of node %s", to->id);
}

static enum result
read_nodes(struct holdfast_lease *l, const struct holdfast_lease_setup *setup, struct problem *p)
{
	size_t voters = 0;
	if (setup->node_count == 0 || setup->node_count > CLUSTER_NODES_MAX)
		return problem_set(p, RESULT_INVALID, "1 to %d nodes are wanted",
				   CLUSTER_NODES_MAX);
	l->nodes.count = (cluster_node)setup->node_count;
	l->nodes.self = NODE_NONE;
	for (size_t i = 0; i < setup->node_count; i++) {
		struct cluster_member *to = &l->nodes.node[i];
		enum result r = read_node(&setup->nodes[i], to, (uint32_t)i, p);
		if (r != RESULT_OK)
			return r;
		voters += to->voter;
		if (setup->self != NULL && strcmp(to->id, setup->self) == 0)
			l->nodes.self = (cluster_node)i;
	}
	if (l->nodes.self == NODE_NONE)
		return problem_set(p, RESULT_INVALID, "self is none of the nodes");
	if (voters == 0 || voters > CLUSTER_VOTERS_MAX)
		return problem_set(p, RESULT_INVALID, "1 to %d voters are wanted",
				   CLUSTER_VOTERS_MAX);
	return cluster_nodes_seal(&l->nodes, p);
}

static enum result
read_setup(const struct holdfast_lease_setup *setup, uint32_t *lease_ms, struct problem *p)
{
	*lease_ms = setup->lease_ms == 0 ? LEASE_MS : setup->lease_ms;
	if (setup->cluster == NULL || !role_name_good(setup->cluster))
		return problem_set(p, RESULT_INVALID, "a name for the cluster is wanted");
	if (setup->state_dir == NULL)
		return problem_set(p, RESULT_INVALID, "a state_dir is wanted");
	if (setup->secret == NULL || setup->secret_bytes < HOLDFAST_LEASE_SECRET_MIN)
		return problem_set(p, RESULT_INVALID, "a secret of %d bytes at least is wanted",
				   HOLDFAST_LEASE_SECRET_MIN);
	if (*lease_ms < HOLDFAST_LEASE_MS_MIN || *lease_ms > HOLDFAST_LEASE_MS_MAX)
		return problem_set(p, RESULT_INVALID, "a lease has %d ms to 1 h",
				   HOLDFAST_LEASE_MS_MIN);
	return digest_init() ? RESULT_OK : problem_set(p, RESULT_IO, "libsodium cannot start");
}

static enum result
bind_socket(struct holdfast_lease *l, struct problem *p)
{
	const struct cluster_member *self = &l->nodes.node[l->nodes.self];
	struct sockaddr_storage name;
	socklen_t bytes = addr_to_sockaddr(&self->address, &name);
	int on = 1;
	int room = RECEIVE_BYTES;
	l->socket = socket(self->address.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool ok = l->socket != -1;
	if (ok && self->address.family == AF_INET6)
		ok = setsockopt(l->socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0;
	ok = ok && bind(l->socket, (struct sockaddr *)&name, bytes) == 0;
	if (!ok)
		return problem_set(p, errno == EADDRINUSE ? RESULT_LIMIT : RESULT_IO,
				   "the address of node %s: %s", self->id, strerror(errno));
	(void)setsockopt(l->socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return RESULT_OK;
}

static bool
watch(const struct holdfast_lease *l, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum result
start_engine(struct holdfast_lease *l, const struct holdfast_lease_setup *setup, uint32_t lease_ms,
	     struct problem *p)
{
	struct register_image image;
	struct problem damaged = {""};
	struct lease_timing timing = lease_timing_of(lease_ms);
	bool has_image;
	enum result r = register_file_open(&l->file, setup->state_dir, setup->cluster, setup->self,
					   clock_wall_ms() / 1000, &image, &has_image, &damaged);
	if (r != RESULT_OK && r != RESULT_INVALID)
		return problem_set(p, r, "%s", damaged.text);
	l->has_file = true;
	embedded_init(&l->embedded, &l->nodes, &timing, l->file.boot, has_image ? &image : NULL,
		      clock_boot_ms());
	register_image_deinit(&image);
	if (r == RESULT_INVALID && l->file.foreign)
		embedded_stop_voting(&l->embedded, &damaged);
	else if (r == RESULT_INVALID)
		embedded_lose_register(&l->embedded, &damaged);
	l->engine = embedded_engine(&l->embedded);
	roles_init(&l->roles, &l->nodes, &l->engine, lease_ms);
	if (l->embedded.is_voter)
		return register_writer_create(&l->file, &l->writer, p);
	return RESULT_OK;
}

static enum result
open_all(struct holdfast_lease *l, const struct holdfast_lease_setup *setup, struct problem *p)
{
	uint32_t lease_ms;
	uint8_t master[16];
	enum result r = read_setup(setup, &lease_ms, p);
	if (r == RESULT_OK)
		r = read_nodes(l, setup, p);
	if (r == RESULT_OK)
		r = bind_socket(l, p);
	if (r == RESULT_OK)
		r = start_engine(l, setup, lease_ms, p);
	if (r != RESULT_OK)
		return r;
	digest_derive("holdfast secret v1", SLICE(SECRET_ID), setup->secret, setup->secret_bytes,
		      master);
	const struct datagram_secret secret = {SLICE(SECRET_ID), master};
	datagram_codec_init(&l->codec, slice_of(setup->cluster), &secret, 1, &l->nodes,
			    l->file.boot);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll == -1 || !watch(l, l->socket) ||
	    (l->writer != NULL && !watch(l, register_writer_fd(l->writer))))
		return problem_set(p, RESULT_IO, "epoll: %s", strerror(errno));
	return library_look_for_twin(l, p);
}

static void
free_all(struct holdfast_lease *l)
{
	register_writer_free(&l->writer);
	if (l->engine.ops != NULL)
		embedded_deinit(&l->embedded);
	if (l->has_file)
		register_file_close(&l->file);
	if (l->epoll != -1)
		(void)close(l->epoll);
	if (l->socket != -1)
		(void)close(l->socket);
	free(l);
}

enum holdfast_lease_result
holdfast_lease_open(const struct holdfast_lease_setup *setup, struct holdfast_lease **out,
		    struct holdfast_lease_reason *reason)
{
	struct problem p = {""};
	struct holdfast_lease *l = calloc(1, sizeof(*l));
	*out = NULL;
	say(reason, "no memory");
	if (l == NULL)
		return HOLDFAST_LEASE_NO_MEMORY;
	l->socket = l->epoll = -1;
	l->ask_at = CLUSTER_NEVER;
	enum result r = open_all(l, setup, &p);
	say(reason, p.text);
	if (r == RESULT_OK)
		*out = l;
	else
		free_all(l);
	return result_of(r);
}

void
holdfast_lease_close(struct holdfast_lease **held)
{
	struct holdfast_lease *l = *held;
	*held = NULL;
	if (l == NULL)
		return;
	uint64_t now = clock_boot_ms();
	roles_leave(&l->roles, now, &l->out);
	library_settle(l, now);
	free_all(l);
}
