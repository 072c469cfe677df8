/* forwarded.c: see forwarded.h. */
#include "http/forwarded.h"

#include "http/octets.h"

#define PROTO_BYTES_MAX 16
#define HOST_BYTES_MAX  255
#define IPV6_BYTES_MAX  45

/* ---- names of nodes (RFC 7239 section 6) ------------------------------------------------------
 */

static bool
is_alnum(char c)
{
	return is_digit(c) || ((c | CASE_BIT) >= 'a' && (c | CASE_BIT) <= 'z');
}

/* "_hidden", of a node or a port. */
static bool
is_obfuscated(struct slice text)
{
	if (text.bytes < 2 || text.bytes > FORWARDED_NODE_BYTES_MAX || text.at[0] != '_')
		return false;
	for (size_t i = 1; i < text.bytes; i++) {
		char c = text.at[i];
		if (!is_alnum(c) && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

static bool
is_port(struct slice text)
{
	uint64_t port;
	return is_obfuscated(text) ||
	       (text.bytes <= 5 && slice_to_u64(text, &port) && port <= UINT16_MAX);
}

/* An IPv4 address within IPv6 becomes that: one client has one address. */
static bool
read_ip(struct slice text, uint16_t family, struct addr *out)
{
	struct sockaddr_storage name;
	if (text.bytes > IPV6_BYTES_MAX || !addr_parse_ip(text, out) || out->family != family)
		return false;
	(void)addr_to_sockaddr(out, &name);
	addr_from_sockaddr((struct sockaddr *)&name, out);
	return true;
}

static bool
read_bracketed(struct slice text, struct addr *out)
{
	size_t close = slice_find(text, ']');
	if (close == text.bytes || !read_ip((struct slice){text.at + 1, close - 1}, AF_INET6, out))
		return false;
	struct slice rest = {text.at + close + 1, text.bytes - close - 1};
	return rest.bytes == 0 ||
	       (rest.at[0] == ':' && is_port((struct slice){rest.at + 1, rest.bytes - 1}));
}

/* 192.0.2.1, [2001:db8::1], unknown or _name, and a port behind ':'; `bare`: IPv6 also without. */
static bool
read_node(struct slice text, bool bare, struct addr *out)
{
	*out = (struct addr){.family = 0};
	if (text.bytes == 0)
		return false;
	if (text.at[0] == '[')
		return read_bracketed(text, out);
	if (bare && read_ip(text, AF_INET6, out))
		return true;
	size_t colon = slice_find(text, ':');
	if (colon < text.bytes &&
	    !is_port((struct slice){text.at + colon + 1, text.bytes - colon - 1}))
		return false;
	struct slice name = {text.at, colon};
	if (read_ip(name, AF_INET, out))
		return true;
	*out = (struct addr){.family = 0};
	return slice_equal_nocase(name, SLICE("unknown")) || is_obfuscated(name);
}

/* A scheme: RFC 3986 section 3.1. */
static bool
is_proto(struct slice text)
{
	if (text.bytes == 0 || text.bytes > PROTO_BYTES_MAX || !is_alnum(text.at[0]) ||
	    is_digit(text.at[0]))
		return false;
	for (size_t i = 1; i < text.bytes; i++) {
		char c = text.at[i];
		if (!is_alnum(c) && c != '+' && c != '-' && c != '.')
			return false;
	}
	return true;
}

static bool
is_host(struct slice text)
{
	if (text.bytes == 0 || text.bytes > HOST_BYTES_MAX)
		return false;
	for (size_t i = 0; i < text.bytes; i++) {
		uint8_t c = (uint8_t)text.at[i];
		if (!is_reg_name[c] && c != ':' && c != '[' && c != ']' && c != '%')
			return false;
	}
	return slice_find(text, ',') == text.bytes && slice_find(text, ';') == text.bytes;
}

/* ---- Forwarded --------------------------------------------------------------------------------
 */

struct cursor {
	const char *at;
	const char *end;
};

static struct slice
take_token(struct cursor *c)
{
	const char *from = c->at;
	while (c->at < c->end && is_token[(uint8_t)*c->at])
		c->at++;
	return (struct slice){from, (size_t)(c->at - from)};
}

/* Behind the opening quote. *escaped: the text is not what it stands for. False: no end. */
static bool
take_quoted(struct cursor *c, struct slice *out, bool *escaped)
{
	const char *from = c->at;
	*escaped = false;
	for (; c->at < c->end && *c->at != '"'; c->at++) {
		if (*c->at != '\\')
			continue;
		*escaped = true;
		if (++c->at == c->end)
			return false;
	}
	if (c->at == c->end)
		return false;
	*out = (struct slice){from, (size_t)(c->at - from)};
	c->at++;
	return true;
}

enum pair { PAIR_FOR = 1, PAIR_BY = 2, PAIR_HOST = 4, PAIR_PROTO = 8, PAIR_OTHER = 0 };

static enum pair
pair_of(struct slice name)
{
	static const struct {
		struct slice name;
		enum pair pair;
	} pairs[] = {{{"for", 3}, PAIR_FOR},
		     {{"by", 2}, PAIR_BY},
		     {{"host", 4}, PAIR_HOST},
		     {{"proto", 5}, PAIR_PROTO}};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (slice_equal_nocase(name, pairs[i].name))
			return pairs[i].pair;
	}
	return PAIR_OTHER;
}

static bool
keep_pair(enum pair pair, struct slice value, struct forwarded_hop *hop)
{
	struct addr by;
	switch (pair) {
	case PAIR_FOR:
		return read_node(value, false, &hop->client);
	case PAIR_BY:
		return read_node(value, false, &by);
	case PAIR_HOST:
		hop->host = value;
		return is_host(value);
	case PAIR_PROTO:
		hop->proto = value;
		return is_proto(value);
	case PAIR_OTHER:
	default:
		return true;
	}
}

/* token "=" ( token / quoted-string ); each of those that are known once an element. */
static bool
read_pair(struct cursor *c, unsigned *seen, struct forwarded_hop *hop)
{
	struct slice name = take_token(c);
	struct slice value;
	bool escaped = false;
	if (name.bytes == 0 || c->at == c->end || *c->at++ != '=')
		return false;
	if (c->at < c->end && *c->at == '"') {
		c->at++;
		if (!take_quoted(c, &value, &escaped))
			return false;
	} else {
		value = take_token(c);
		if (value.bytes == 0)
			return false;
	}
	enum pair pair = pair_of(name);
	if (pair != PAIR_OTHER && ((*seen & (unsigned)pair) != 0 || escaped))
		return false;
	*seen |= (unsigned)pair;
	return keep_pair(pair, value, hop);
}

/* Up to the ',' or the end. */
static bool
read_element(struct cursor *c, struct forwarded_hop *hop)
{
	const char *from = c->at;
	unsigned seen = 0;
	*hop = (struct forwarded_hop){.client = {.family = 0}};
	for (size_t pairs = 0; pairs < FORWARDED_PAIRS_MAX; pairs++) {
		if (c->at < c->end && is_token[(uint8_t)*c->at] && !read_pair(c, &seen, hop))
			return false;
		if (c->at == c->end || *c->at != ';') {
			hop->text = (struct slice){from, (size_t)(c->at - from)};
			return true;
		}
		c->at++;
	}
	return false;
}

static void
skip_blanks(struct cursor *c)
{
	while (c->at < c->end && is_blank(*c->at))
		c->at++;
}

/* Empty elements count for nothing (RFC 9110 section 5.6.1). */
static bool
read_elements(struct slice value, struct forwarded *out)
{
	struct cursor c = {value.at, value.at + value.bytes};
	for (;;) {
		struct forwarded_hop hop;
		skip_blanks(&c);
		if (!read_element(&c, &hop))
			return false;
		skip_blanks(&c);
		if (c.at < c.end && *c.at != ',')
			return false;
		if (hop.text.bytes > 0) {
			if (out->count == FORWARDED_HOPS_MAX)
				return false;
			out->hop[out->count++] = hop;
		}
		if (c.at == c.end)
			return true;
		c.at++;
	}
}

/* ---- X-Forwarded-* ----------------------------------------------------------------------------
 */

static bool
read_addresses(struct slice value, struct forwarded *out)
{
	struct slice element;
	while (slice_next_element(&value, &element)) {
		if (out->count == FORWARDED_HOPS_MAX)
			return false;
		struct forwarded_hop *hop = &out->hop[out->count++];
		*hop = (struct forwarded_hop){.text = element};
		if (!read_node(element, true, &hop->client))
			return false;
	}
	return true;
}

/* One line, of elements that are each `valid`. */
static bool
read_list(struct slice value, bool (*valid)(struct slice text), struct slice *out)
{
	struct slice rest = value;
	struct slice element;
	size_t count = 0;
	if (out->bytes > 0)
		return false;
	for (; slice_next_element(&rest, &element); count++) {
		if (!valid(element))
			return false;
	}
	*out = value;
	return count > 0;
}

static bool
read_field(const struct http_field *field, struct slice value, struct forwarded *out)
{
	bool x = out->family == FORWARDED_BY_X;
	switch (field->id) {
	case FIELD_FORWARDED:
		return x || read_elements(value, out);
	case FIELD_X_FORWARDED_FOR:
		return !x || read_addresses(value, out);
	case FIELD_X_FORWARDED_PROTO:
		return !x || read_list(value, is_proto, &out->proto);
	case FIELD_X_FORWARDED_HOST:
		return !x || read_list(value, is_host, &out->host);
	default:
		return true;
	}
}

static bool
is_forwarded(uint8_t id)
{
	return id == FIELD_FORWARDED || id == FIELD_X_FORWARDED_FOR ||
	       id == FIELD_X_FORWARDED_PROTO || id == FIELD_X_FORWARDED_HOST;
}

bool
forwarded_read(const struct http_head *head, enum forwarded_family family, struct forwarded *out)
{
	size_t bytes = 0;
	out->family = family;
	out->count = 0;
	out->home = 0;
	out->proto = SLICE_NONE;
	out->host = SLICE_NONE;
	for (size_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->field[i];
		if (!is_forwarded(field->id))
			continue;
		bytes += field->value_bytes;
		if (bytes > FORWARDED_BYTES_MAX ||
		    !read_field(field, http_field_value(head, field), out))
			return false;
	}
	return true;
}

struct addr
forwarded_client(struct forwarded *f, const struct network *trusted, size_t count,
		 const struct addr *peer)
{
	struct addr client = *peer;
	f->home = 0;
	for (size_t i = f->count; i > 0; i--) {
		const struct addr *hop = &f->hop[i - 1].client;
		f->home = i - 1;
		if (hop->family == 0)
			break;
		client = *hop;
		if (!networks_have(trusted, count, hop))
			break;
	}
	return client;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static bool
is_all_token(struct slice text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		if (!is_token[(uint8_t)text.at[i]])
			return false;
	}
	return text.bytes > 0;
}

/* What may stand here holds neither '"' nor '\'. */
static void
write_value(struct writer *w, struct slice name, struct slice value)
{
	struct slice quote = is_all_token(value) ? SLICE_NONE : SLICE("\"");
	write_together(w, name, quote, value, quote);
}

static void
write_for(struct writer *w, const struct addr *client)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct slice ip = addr_ip_text(client, text);
	if (client->family == AF_INET6)
		write_together(w, SLICE("for=\"["), ip, SLICE("]\""));
	else
		write_together(w, SLICE("for="), client->family == AF_INET ? ip : SLICE("unknown"));
}

static struct slice
first_of(struct slice list)
{
	struct slice element = SLICE_NONE;
	(void)slice_next_element(&list, &element);
	return element;
}

/* A hop of the other family. */
static void
write_translated(struct writer *w, const struct forwarded *f, size_t i)
{
	write_for(w, &f->hop[i].client);
	if (i != f->home)
		return;
	if (f->proto.bytes > 0)
		write_value(w, SLICE(";proto="), first_of(f->proto));
	if (f->host.bytes > 0)
		write_value(w, SLICE(";host="), first_of(f->host));
}

static void
write_rfc7239(struct writer *w, const struct forwarded *f, const struct forwarded_self *self)
{
	write_literal(w, "Forwarded: ");
	for (size_t i = 0; f != NULL && i < f->count; i++) {
		if (f->family == FORWARDED_BY_RFC7239)
			write_slice(w, f->hop[i].text);
		else
			write_translated(w, f, i);
		write_literal(w, ", ");
	}
	write_for(w, self->peer);
	write_value(w, SLICE(";proto="), self->proto);
	if (self->host.bytes > 0)
		write_value(w, SLICE(";host="), self->host);
	write_literal(w, "\r\n");
}

static void
write_x_hop(struct writer *w, const struct forwarded *f, size_t i)
{
	char text[ADDR_TEXT_BYTES_MAX];
	const struct forwarded_hop *hop = &f->hop[i];
	if (f->family == FORWARDED_BY_X)
		write_slice(w, hop->text);
	else
		write_slice(w, hop->client.family == 0 ? SLICE("unknown")
						       : addr_ip_text(&hop->client, text));
}

/* What the client said to the first of the proxies; `own`: to this one. */
static struct slice
told_or(const struct forwarded *f, bool proto, struct slice own)
{
	struct slice told = SLICE_NONE;
	if (f != NULL && f->family == FORWARDED_BY_X)
		told = proto ? f->proto : f->host;
	else if (f != NULL && f->count > 0)
		told = proto ? f->hop[f->home].proto : f->hop[f->home].host;
	return told.bytes > 0 ? told : own;
}

static void
write_x(struct writer *w, const struct forwarded *f, const struct forwarded_self *self)
{
	char text[ADDR_TEXT_BYTES_MAX];
	write_literal(w, "X-Forwarded-For: ");
	for (size_t i = 0; f != NULL && i < f->count; i++) {
		write_x_hop(w, f, i);
		write_literal(w, ", ");
	}
	bool known = self->peer->family == AF_INET || self->peer->family == AF_INET6;
	write_together(w, known ? addr_ip_text(self->peer, text) : SLICE("unknown"),
		       SLICE("\r\nX-Forwarded-Proto: "), told_or(f, true, self->proto),
		       SLICE("\r\n"));
	struct slice host = told_or(f, false, self->host);
	if (host.bytes > 0)
		write_together(w, SLICE("X-Forwarded-Host: "), host, SLICE("\r\n"));
}

void
forwarded_write(struct writer *w, unsigned write, const struct forwarded *f,
		const struct forwarded_self *self)
{
	if ((write & FORWARDED_WRITE_X) != 0)
		write_x(w, f, self);
	if ((write & FORWARDED_WRITE_RFC7239) != 0)
		write_rfc7239(w, f, self);
}
