/*
 * library_inside.h: the library's parts among themselves: library.c (opening, roles, votes),
 * library_loop.c (datagrams, twins, a turn of the loop).
 */
#ifndef HOLDFAST_CLUSTER_LIBRARY_INSIDE_H
#define HOLDFAST_CLUSTER_LIBRARY_INSIDE_H

#include "holdfast/lease.h"

#include "cluster/datagram.h"
#include "cluster/embedded.h"
#include "cluster/register_writer.h"
#include "cluster/roles.h"
#include "cluster/twin.h"

struct holdfast_lease {
	int socket;
	int epoll;
	bool has_file;
	struct register_file file;
	struct register_writer *writer; /* owned; of a voter */
	struct cluster_nodes nodes;
	struct datagram_codec codec;
	struct engine engine; /* of `embedded` */
	struct roles roles;
	char wanted[ROLES_MAX][ROLE_BYTES_MAX + 1]; /* "": free */
	uint64_t ask_at;
	uint64_t twin_said;
	uint8_t nonce[TWIN_NONCE_BYTES];
	struct outbox out;
	struct embedded embedded;
};

/* Behind every event: what the engine tells goes to the roles, what is to be kept to the disk. */
void library_settle(struct holdfast_lease *l, uint64_t now);
/* Roles that are wanted are asked for as long as this process turns. */
void library_ask_on(struct holdfast_lease *l, uint64_t now);
/* RESULT_LIMIT: another process runs as this node. Waits for it to say so. */
enum result library_look_for_twin(struct holdfast_lease *l, struct problem *p);

#endif
