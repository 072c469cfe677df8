/* introduce.c: see introduce.h. */
#include "relay/introduce.h"

#include "relay/exchange.h"

#include <endian.h>
#include <sys/socket.h>

#include <assert.h>

#define ID_DIGITS 16 /* as the access log writes request_id */

/* Where the client connected to; family 0: unknown. */
static struct addr
place_of(const struct door *door)
{
	struct sockaddr_storage name;
	socklen_t bytes = sizeof(name);
	struct addr at = {.family = 0};
	if (getsockname(door->fd, (struct sockaddr *)&name, &bytes) == 0)
		addr_from_sockaddr((struct sockaddr *)&name, &at);
	return at;
}

/* The TLS of this connection is the client's own, unless another proxy or node asks for it. */
static struct proxy_about
about(const struct exchange *x, char id[ID_DIGITS])
{
	struct writer w = writer_on(id, ID_DIGITS);
	uint64_t number = htobe64(x->request_id);
	write_hex_bytes(&w, (const uint8_t *)&number, sizeof(number));
	struct proxy_about a = {.unique_id = {id, w.bytes}};
	const struct tls_facts *facts = x->forwarded || x->hopped ? NULL : x->door->tls;
	if (facts == NULL)
		return a;
	a.tls = true;
	a.alpn = facts->protocol;
	a.authority = facts->server_name;
	a.version = facts->version;
	a.cipher = facts->cipher;
	a.sig_alg = facts->sig_alg;
	a.key_alg = slice_of(facts->key_alg);
	a.resumed = facts->resumed;
	a.certified = facts->identity != NULL;
	if (a.certified)
		a.common_name = facts->identity->common_name;
	return a;
}

bool
introduce_client(const struct upstream *u, const struct exchange *x)
{
	char id[ID_DIGITS];
	assert(x != NULL); /* many clients share a connection of HTTP/2: there it is refused */
	struct addr at = place_of(x->door);
	struct proxy_about more = about(x, id);
	return proxy_out_send(u->io.fd, (enum proxy_out)u->live->proxy, x->client, &at, &more);
}
