/* library_loop.c: the library's datagrams, and a turn of its application's loop; see library.c. */
#include "cluster/library_inside.h"

#include "base/clock.h"
#include "base/digest.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#define TWIN_MS       300  /* another process of this id has so long to answer */
#define ASK_AGAIN_MS  1000 /* what is wanted, and is neither held nor asked for */
#define DATAGRAMS_MAX 256  /* of one turn */
#define DATAGRAM_ROOM (DATAGRAM_BYTES_MAX + 1) /* what is longer is seen to be */

/* ---- speaking ---------------------------------------------------------------------------------
 */

/* What cannot be sent is lost, as any datagram may be. */
static void
send_to(const struct holdfast_lease *l, const struct addr *to, const uint8_t *bytes, size_t count)
{
	struct sockaddr_storage name;
	socklen_t name_bytes = addr_to_sockaddr(to, &name);
	(void)sendto(l->socket, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&name,
		     name_bytes);
}

static void
flush_one(struct holdfast_lease *l, const struct outgoing *o)
{
	uint8_t bytes[DATAGRAM_BYTES_MAX];
	size_t count = datagram_encode(&l->codec, o, 0, 0, bytes);
	for (cluster_node i = 0; i < l->nodes.count; i++)
		if (i != l->nodes.self && (o->to == NODE_ALL || o->to == i))
			send_to(l, &l->nodes.node[i].address, bytes, count);
}

void
library_settle(struct holdfast_lease *l, uint64_t now)
{
	struct engine_event event;
	while (engine_take(&l->engine, &event)) {
		roles_event(&l->roles, now, &event, &l->out);
		document_unref(&event.document);
	}
	if (l->writer != NULL && register_writer_idle(l->writer)) {
		const struct register_image *image = embedded_save(&l->embedded);
		if (image != NULL)
			register_writer_put(l->writer, image);
	}
	for (size_t i = 0; i < l->out.count; i++)
		flush_one(l, &l->out.list[i]);
	l->out.count = 0;
}

/* ---- twins ------------------------------------------------------------------------------------
 */

static void
hear_twin(struct holdfast_lease *l, uint64_t now, const struct addr *from, const uint8_t *bytes,
	  size_t count)
{
	uint8_t answer[DATAGRAM_BYTES_MAX];
	if (twin_look(l->nonce, bytes, count) != TWIN_ASKS || now - l->twin_said < TWIN_ANSWER_MS)
		return;
	l->twin_said = now;
	send_to(l, from, answer, twin_say(&l->codec, l->nonce, twin_asked(bytes), answer));
}

static ssize_t
take_datagram(const struct holdfast_lease *l, uint8_t bytes[DATAGRAM_ROOM], struct addr *from)
{
	struct sockaddr_storage name;
	socklen_t name_bytes = sizeof(name);
	ssize_t count = recvfrom(l->socket, bytes, DATAGRAM_ROOM, MSG_DONTWAIT,
				 (struct sockaddr *)&name, &name_bytes);
	if (count != -1)
		addr_from_sockaddr((struct sockaddr *)&name, from);
	return count;
}

/* RESULT_LIMIT: there is one; RESULT_NOT_FOUND: nothing is known yet. */
static enum result
hear_for_twin(struct holdfast_lease *l, struct problem *p)
{
	uint8_t bytes[DATAGRAM_ROOM];
	struct incoming in;
	struct addr from;
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	ssize_t count = take_datagram(l, bytes, &from);
	if (count == -1 ||
	    datagram_decode(&l->codec, bytes, (size_t)count, &in) != DATAGRAM_DROP_TWIN)
		return RESULT_NOT_FOUND; /* what it was is said again */
	enum twin twin = twin_look(l->nonce, bytes, (size_t)count);
	if (twin == TWIN_IS_US)
		return RESULT_OK;
	if (twin != TWIN_ANSWERS)
		return RESULT_NOT_FOUND;
	write_addr(&w, &from);
	return problem_set(p, RESULT_LIMIT,
			   "node %s runs already, at %s: ids are for one process each",
			   l->nodes.node[l->nodes.self].id, writer_text(&w));
}

enum result
library_look_for_twin(struct holdfast_lease *l, struct problem *p)
{
	uint8_t bytes[DATAGRAM_BYTES_MAX];
	uint64_t ends = clock_boot_ms() + TWIN_MS;
	digest_random(l->nonce);
	send_to(l, &l->nodes.node[l->nodes.self].address, bytes,
		twin_say(&l->codec, l->nonce, NULL, bytes));
	for (;;) {
		uint64_t now = clock_boot_ms();
		if (now >= ends)
			return RESULT_OK; /* nobody is there, or nothing comes back to us from us */
		struct pollfd ready = {.fd = l->socket, .events = POLLIN};
		if (poll(&ready, 1, (int)(ends - now)) <= 0)
			continue;
		enum result r = hear_for_twin(l, p);
		if (r != RESULT_NOT_FOUND)
			return r;
	}
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

int
holdfast_lease_fd(const struct holdfast_lease *l)
{
	return l->epoll;
}

int
holdfast_lease_timeout(const struct holdfast_lease *l)
{
	uint64_t now = clock_boot_ms();
	uint64_t at = engine_next(&l->engine);
	uint64_t roles = roles_next(&l->roles);
	at = roles < at ? roles : at;
	at = l->ask_at < at ? l->ask_at : at;
	if (at <= now)
		return 0;
	return at - now < INT_MAX ? (int)(at - now) : INT_MAX;
}

static void
hear(struct holdfast_lease *l, uint64_t now, const struct addr *from, const uint8_t *bytes,
     size_t count)
{
	struct incoming in;
	enum datagram_drop drop = datagram_decode(&l->codec, bytes, count, &in);
	if (drop == DATAGRAM_DROP_TWIN)
		hear_twin(l, now, from, bytes, count);
	if (drop != DATAGRAM_LET_IN)
		return;
	if (in.type == DATAGRAM_LEARN)
		roles_receive(&l->roles, now, &in, &l->out);
	else
		(void)engine_receive(&l->engine, now, &in, &l->out);
	library_settle(l, now);
}

static void
hear_disk(struct holdfast_lease *l, uint64_t now)
{
	enum result r;
	struct problem p;
	if (l->writer == NULL || !register_writer_take(l->writer, &r, &p))
		return;
	if (r == RESULT_OK)
		embedded_saved(&l->embedded, now, &l->out);
	else if (r == RESULT_LIMIT)
		embedded_wait_for_room(&l->embedded, now, &p);
	else
		embedded_stop_voting(&l->embedded, &p);
	library_settle(l, now);
}

void
library_ask_on(struct holdfast_lease *l, uint64_t now)
{
	struct role_holder holder;
	const char *self = l->nodes.node[l->nodes.self].id;
	bool any = false;
	if (now < l->ask_at)
		return;
	for (size_t i = 0; i < ROLES_MAX; i++) {
		if (l->wanted[i][0] == '\0')
			continue;
		any = true;
		(void)roles_acquire(&l->roles, now, l->wanted[i], self, ROLE_TTL_MS_MAX, &holder,
				    &l->out);
	}
	l->ask_at = any ? now + ASK_AGAIN_MS : CLUSTER_NEVER;
}

void
holdfast_lease_turn(struct holdfast_lease *l)
{
	uint8_t bytes[DATAGRAM_ROOM];
	struct addr from;
	hear_disk(l, clock_boot_ms());
	for (size_t i = 0; i < DATAGRAMS_MAX; i++) {
		ssize_t count = take_datagram(l, bytes, &from);
		if (count == -1)
			break;
		hear(l, clock_boot_ms(), &from, bytes, (size_t)count);
	}
	uint64_t now = clock_boot_ms();
	engine_tick(&l->engine, now, &l->out);
	library_settle(l, now);
	roles_tick(&l->roles, now, &l->out);
	library_ask_on(l, now);
	library_settle(l, now);
}
