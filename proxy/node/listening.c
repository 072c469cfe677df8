/* listening.c: see listening.h. */
#include "node/listening.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By address; more than workers when the process before had more of these. */
struct bound {
	size_t count;
	int fd[WORKERS_MAX];
};

/* A worker after another, and each worker's in the order of the configuration. */
static enum result
lay_out(struct node *n, const struct config *config, const struct bound *bound, struct problem *p)
{
	size_t total = 0;
	for (size_t i = 0; i < config->listener_count; i++)
		total += bound[i].count;
	n->sockets = calloc(total + 1, sizeof(*n->sockets));
	if (n->sockets == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (unsigned worker = 0; worker < n->workers; worker++) {
		for (size_t i = 0; i < config->listener_count; i++) {
			for (size_t j = worker; j < bound[i].count; j += n->workers)
				n->sockets[n->socket_count++] = (struct listener_socket){
				    bound[i].fd[j], worker, config->listeners[i].address};
		}
	}
	return RESULT_OK;
}

static void
close_all(const struct bound *bound, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < bound[i].count; j++)
			(void)close(bound[i].fd[j]);
	}
}

enum result
node_listening_bind(struct node *n, struct problem *p)
{
	const struct config *config = n->services->config;
	struct bound *bound = calloc(config->listener_count, sizeof(*bound));
	if (bound == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	enum result r = RESULT_OK;
	for (size_t i = 0; r == RESULT_OK && i < config->listener_count; i++) {
		bound[i].count =
		    listener_bind_all(&config->listeners[i], n->workers, &n->files, bound[i].fd, p);
		if (bound[i].count == 0)
			r = RESULT_IO;
	}
	if (r == RESULT_OK)
		r = lay_out(n, config, bound, p);
	if (r != RESULT_OK)
		close_all(bound, config->listener_count);
	free(bound);
	return r;
}

size_t
node_listening_of(const struct node *n, unsigned worker, const struct listener_socket **out)
{
	size_t first = 0;
	while (first < n->socket_count && n->sockets[first].worker != worker)
		first++;
	size_t count = 0;
	while (first + count < n->socket_count && n->sockets[first + count].worker == worker)
		count++;
	*out = n->sockets + first;
	return count;
}

void
node_listening_given(struct node *n)
{
	n->sockets_given = true;
}

bool
node_listening_add(struct node *n, const struct listener_socket *socket)
{
	struct listener_socket *list = realloc(n->sockets, (n->socket_count + 1) * sizeof(*list));
	if (list == NULL)
		return false;
	n->sockets = list;
	list[n->socket_count++] = *socket;
	return true;
}

static bool
is_listed(const struct config *config, const struct addr *address)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		if (addr_equal(&config->listeners[i].address, address))
			return true;
	}
	return false;
}

void
node_listening_keep(struct node *n, const struct config *config)
{
	size_t kept = 0;
	for (size_t i = 0; i < n->socket_count; i++) {
		if (is_listed(config, &n->sockets[i].address))
			n->sockets[kept++] = n->sockets[i];
	}
	n->socket_count = kept;
}

void
node_listening_free(struct node *n)
{
	for (size_t i = 0; !n->sockets_given && i < n->socket_count; i++)
		(void)close(n->sockets[i].fd);
	free(n->sockets);
	n->sockets = NULL;
	n->socket_count = 0;
}
