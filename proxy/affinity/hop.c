/* hop.c: a request from node to node; see hop.h. */
#include "affinity/hop.h"

#include "base/digest.h"

#include <stdlib.h>

#define MAC_BYTES        16
#define MAC_TEXT         "; mac="
#define SIGNED_BYTES_MAX (HOP_TEXT_BYTES_MAX + 3 * HTTP_HEAD_BYTES_MAX)

struct hop_codec {
	const struct config_cluster *cluster;
	size_t key_count;
	uint8_t key[SECRETS_MAX][16];
};

struct hop_codec *
hop_codec_create(const struct config *config)
{
	struct hop_codec *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->cluster = &config->cluster;
	c->key_count = config->secret_count;
	struct slice name = slice_of(config->cluster.name == NULL ? "" : config->cluster.name);
	for (size_t i = 0; i < c->key_count; i++)
		digest_derive("holdfast hop v1", name, config->secrets[i].master,
			      sizeof(config->secrets[i].master), c->key[i]);
	return c;
}

void
hop_codec_free(struct hop_codec **held)
{
	struct hop_codec *c = *held;
	*held = NULL;
	if (c == NULL)
		return;
	explicit_bzero(c->key, sizeof(c->key));
	free(c);
}

const char *
hop_fault_text(enum hop_fault fault)
{
	static const char *const texts[HOP_FAULTS] = {
	    [HOP_GOOD] = "good",
	    [HOP_MALFORMED] = "malformed",
	    [HOP_UNKNOWN_NODE] = "unknown_node",
	    [HOP_BAD_MAC] = "bad_mac",
	    [HOP_STALE] = "stale",
	};
	return texts[fault];
}

static void
write_identity(struct writer *w, const struct tls_identity *identity)
{
	if (identity->fingerprint.bytes == 0)
		return;
	write_char(w, '\0');
	write_slice(w, identity->subject);
	write_char(w, '\0');
	write_slice(w, identity->san);
	write_char(w, '\0');
	write_slice(w, identity->fingerprint);
}

/* What the mac stands for. False: longer than any request head. */
static bool
mac_of(const uint8_t key[16], struct slice text, const struct http_head *request,
       const struct tls_identity *identity, uint8_t out[MAC_BYTES])
{
	char bytes[SIGNED_BYTES_MAX];
	struct writer w = writer_on(bytes, sizeof(bytes));
	write_slice(&w, text);
	write_char(&w, '\0');
	write_slice(&w, request->method_text);
	write_char(&w, '\0');
	write_slice(&w, request->host);
	write_char(&w, '\0');
	if (request->path.bytes > 0 && request->path.at[0] == '?')
		write_char(&w, '/'); /* as it is sent */
	write_slice(&w, request->path);
	write_identity(&w, identity);
	if (!w.overflow)
		digest_mac(key, bytes, w.bytes, out);
	return !w.overflow;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static void
write_claims(const struct hop_codec *c, const struct hop *hop, struct writer *w)
{
	char client[ADDR_TEXT_BYTES_MAX];
	write_literal(w, "v1; path=");
	for (size_t i = 0; i < hop->path_count; i++) {
		if (i > 0)
			write_char(w, ',');
		write_text(w, c->cluster->nodes[hop->path[i]].id);
	}
	write_literal(w, "; for=");
	write_slice(w, hop->client.family == AF_UNIX ? SLICE("unix")
						     : addr_ip_text(&hop->client, client));
	write_literal(w, "; digest=");
	write_hex_bytes(w, hop->digest.bytes, sizeof(hop->digest.bytes));
	write_literal(w, "; primary=");
	write_slice(w, hop->primary);
	if (hop->mirror)
		write_literal(w, "; mirror");
	if (hop->can_return)
		write_literal(w, "; back");
	for (size_t i = 0; i < hop->down_count; i++)
		write_together(w, i == 0 ? SLICE("; down=") : SLICE(","), hop->down[i]);
	write_literal(w, "; epoch=");
	write_u64(w, hop->epoch);
	write_literal(w, "; time=");
	write_u64(w, hop->time_ms);
}

void
hop_write(const struct hop_codec *c, const struct hop *hop, const struct http_head *request,
	  struct writer *w)
{
	char text[HOP_TEXT_BYTES_MAX];
	struct writer value = writer_on(text, sizeof(text));
	uint8_t mac[MAC_BYTES];
	write_claims(c, hop, &value);
	if (value.overflow ||
	    !mac_of(c->key[0], (struct slice){text, value.bytes}, request, &hop->identity, mac)) {
		w->overflow = true;
		return;
	}
	write_literal(&value, MAC_TEXT);
	write_hex_bytes(&value, mac, sizeof(mac));
	if (value.overflow)
		w->overflow = true;
	else
		write_slice(w, (struct slice){text, value.bytes});
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Takes `literal` off the front. */
static bool
skip(struct slice *rest, struct slice literal)
{
	if (!slice_has_prefix(*rest, literal))
		return false;
	rest->at += literal.bytes;
	rest->bytes -= literal.bytes;
	return true;
}

/* "name" and the value up to the next ';' or the end. */
static bool
take(struct slice *rest, struct slice name, struct slice *value)
{
	if (!skip(rest, name))
		return false;
	size_t bytes = slice_find(*rest, ';');
	*value = (struct slice){rest->at, bytes};
	rest->at += bytes;
	rest->bytes -= bytes;
	return true;
}

static uint16_t
node_by_id(const struct config_cluster *cluster, struct slice id)
{
	for (size_t i = 0; i < cluster->node_count; i++) {
		if (slice_equal(slice_of(cluster->nodes[i].id), id))
			return (uint16_t)i;
	}
	return UINT16_MAX;
}

static enum hop_fault
read_path(const struct hop_codec *c, struct slice rest, struct hop *hop)
{
	struct slice id;
	while (slice_next_element(&rest, &id)) {
		uint16_t node = node_by_id(c->cluster, id);
		if (node == UINT16_MAX)
			return HOP_UNKNOWN_NODE;
		if (hop->path_count == HOPS_MAX || (hop->visited >> node & 1) != 0)
			return HOP_MALFORMED;
		hop->path[hop->path_count++] = node;
		hop->visited |= UINT64_C(1) << node;
	}
	return hop->path_count == 0 ? HOP_MALFORMED : HOP_GOOD;
}

static bool
read_down(struct slice *rest, struct hop *hop)
{
	struct slice list;
	struct slice id;
	if (!take(rest, SLICE("; down="), &list))
		return true;
	while (slice_next_element(&list, &id)) {
		if (hop->down_count == HOP_DOWN_MAX)
			return false;
		hop->down[hop->down_count++] = id;
	}
	return true;
}

bool
hop_tells_down(const struct hop *hop, struct slice id)
{
	for (size_t i = 0; i < hop->down_count; i++) {
		if (slice_equal(hop->down[i], id))
			return true;
	}
	return false;
}

static bool
read_client(struct slice text, struct addr *out)
{
	*out = (struct addr){.family = AF_UNIX};
	return slice_equal(text, SLICE("unix")) || addr_parse_ip(text, out);
}

static enum hop_fault
read_claims(const struct hop_codec *c, struct slice rest, struct hop *hop)
{
	struct slice path;
	struct slice client;
	struct slice digest;
	struct slice epoch;
	struct slice time;
	*hop = (struct hop){.visited = 0};
	if (!skip(&rest, SLICE("v1; ")) || !take(&rest, SLICE("path="), &path) ||
	    !take(&rest, SLICE("; for="), &client) || !take(&rest, SLICE("; digest="), &digest) ||
	    !take(&rest, SLICE("; primary="), &hop->primary))
		return HOP_MALFORMED;
	hop->mirror = skip(&rest, SLICE("; mirror"));
	hop->can_return = skip(&rest, SLICE("; back"));
	if (!read_down(&rest, hop))
		return HOP_MALFORMED;
	if (!take(&rest, SLICE("; epoch="), &epoch) || !take(&rest, SLICE("; time="), &time) ||
	    rest.bytes != 0 || !slice_to_u64(epoch, &hop->epoch) ||
	    !slice_to_u64(time, &hop->time_ms) || !read_client(client, &hop->client) ||
	    !hex_decode(digest, hop->digest.bytes, sizeof(hop->digest.bytes)))
		return HOP_MALFORMED;
	return read_path(c, path, hop);
}

static bool
is_signed(const struct hop_codec *c, struct slice text, struct slice mac_text,
	  const struct http_head *request, const struct tls_identity *identity)
{
	uint8_t given[MAC_BYTES];
	uint8_t mac[MAC_BYTES];
	if (!hex_decode(mac_text, given, sizeof(given)))
		return false;
	bool good = false;
	for (size_t i = 0; i < c->key_count; i++)
		good |= mac_of(c->key[i], text, request, identity, mac) &&
			digest_equal(mac, given, sizeof(mac));
	return good;
}

static struct slice
first_of(const struct http_head *request, enum field_id id)
{
	for (size_t i = 0; i < request->field_count; i++) {
		if (request->field[i].id == id)
			return http_field_value(request, &request->field[i]);
	}
	return SLICE_NONE;
}

/* A node sends from the address at which it is asked. */
static bool
comes_from(const struct hop_codec *c, const struct hop *hop, const struct addr *from)
{
	const struct addr *node = &c->cluster->nodes[hop->path[hop->path_count - 1]].http;
	return from->family == node->family && memcmp(from->ip, node->ip, sizeof(from->ip)) == 0;
}

enum hop_fault
hop_read(const struct hop_codec *c, struct slice text, const struct http_head *request,
	 const struct addr *from, uint64_t now_ms, struct hop *hop)
{
	size_t mac_at = sizeof(MAC_TEXT) - 1 + 2 * (size_t)MAC_BYTES;
	if (text.bytes > HOP_TEXT_BYTES_MAX || text.bytes <= mac_at)
		return HOP_MALFORMED;
	struct slice claims = {text.at, text.bytes - mac_at};
	struct slice mac = {text.at + claims.bytes, mac_at};
	if (!skip(&mac, SLICE(MAC_TEXT)))
		return HOP_MALFORMED;
	struct tls_identity identity = {
	    .subject = first_of(request, FIELD_HOLDFAST_CLIENT_SUBJECT),
	    .san = first_of(request, FIELD_HOLDFAST_CLIENT_SAN),
	    .fingerprint = first_of(request, FIELD_HOLDFAST_CLIENT_FINGERPRINT),
	};
	if (!is_signed(c, claims, mac, request, &identity))
		return HOP_BAD_MAC;
	enum hop_fault fault = read_claims(c, claims, hop);
	if (fault != HOP_GOOD)
		return fault;
	if (identity.fingerprint.bytes > 0)
		hop->identity = identity;
	if (!comes_from(c, hop, from))
		return HOP_UNKNOWN_NODE;
	uint64_t apart = hop->time_ms > now_ms ? hop->time_ms - now_ms : now_ms - hop->time_ms;
	return apart > HOP_AGE_MS ? HOP_STALE : HOP_GOOD;
}

bool
hop_is_own(const struct hop *hop)
{
	static const struct session_digest none;
	return hop->path_count == 1 && hop->primary.bytes == 0 &&
	       memcmp(&hop->digest, &none, sizeof(none)) == 0;
}

/* ---- what is sealed ---------------------------------------------------------------------------
 */

#define SEAL_TITLE "holdfast sealed\n" /* no hop begins so */

/* Of the title and the text. False: no memory. */
static bool
seal_mac(const uint8_t key[16], struct slice text, uint8_t mac[MAC_BYTES])
{
	size_t title = sizeof(SEAL_TITLE) - 1;
	char *bytes = malloc(title + text.bytes);
	if (bytes == NULL)
		return false;
	memcpy(bytes, SEAL_TITLE, title);
	if (text.bytes > 0)
		memcpy(bytes + title, text.at, text.bytes);
	digest_mac(key, bytes, title + text.bytes, mac);
	free(bytes);
	return true;
}

bool
hop_seal(const struct hop_codec *c, struct slice text, char **out, size_t *bytes)
{
	uint8_t mac[MAC_BYTES];
	*bytes = HOP_SEAL_BYTES + text.bytes;
	*out = malloc(*bytes);
	if (*out == NULL || !seal_mac(c->key[0], text, mac)) {
		free(*out);
		*out = NULL;
		return false;
	}
	struct writer w = writer_on(*out, *bytes);
	write_hex_bytes(&w, mac, sizeof(mac));
	write_char(&w, '\n');
	write_slice(&w, text);
	assert(!w.overflow);
	return true;
}

bool
hop_unseal(const struct hop_codec *c, struct slice sealed, struct slice *text)
{
	uint8_t given[MAC_BYTES];
	uint8_t mac[MAC_BYTES];
	if (sealed.bytes < HOP_SEAL_BYTES || sealed.at[HOP_SEAL_BYTES - 1] != '\n' ||
	    !hex_decode((struct slice){sealed.at, HOP_SEAL_BYTES - 1}, given, sizeof(given)))
		return false;
	*text = (struct slice){sealed.at + HOP_SEAL_BYTES, sealed.bytes - HOP_SEAL_BYTES};
	bool good = false;
	for (size_t i = 0; i < c->key_count; i++)
		good |= seal_mac(c->key[i], *text, mac) && digest_equal(mac, given, sizeof(mac));
	return good;
}
