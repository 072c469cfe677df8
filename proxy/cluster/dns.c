/* dns.c: see dns.h. Sections are those of RFC 1035. */
#include "cluster/dns.h"

#include <string.h>

#define HEADER_BYTES     12
#define NAME_BYTES_MAX   255
#define LABEL_BYTES_MAX  63
#define NAME_OF_QUESTION 0xc00c /* 4.1.4: a pointer to the name behind the header */
#define CLASS_IN         1
#define CLASS_ANY        255

enum type { TYPE_A = 1, TYPE_TXT = 16, TYPE_AAAA = 28, TYPE_SRV = 33, TYPE_ANY = 255 };
enum rcode { NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED };

struct question {
	char name[NAME_BYTES_MAX + 1]; /* "master.shop", lower case, terminated */
	uint16_t type;
	uint16_t class;
	const uint8_t *wire; /* the name as it came, for SRV, whose target is never a pointer */
	size_t wire_bytes;
	size_t end; /* behind it */
};

/* ---- reading ----------------------------------------------------------------------------------
 */

static uint16_t
load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* 2.3.1: as in a name of ours; what stands in none, and would be taken for its dots or its end, is
 * none of its letters. */
static char
letter_of(uint8_t octet)
{
	if (octet == '.' || octet == 0)
		return '?';
	return ascii_lower((char)octet);
}

/* 3.1: labels, no pointers in a question. False: cut, or no name. */
static bool
read_name(const uint8_t *in, size_t bytes, struct question *q)
{
	struct writer w = writer_on(q->name, sizeof(q->name));
	size_t at = HEADER_BYTES;
	while (at < bytes && in[at] != 0) {
		size_t label = in[at++];
		if (label > LABEL_BYTES_MAX || bytes - at < label)
			return false;
		if (w.bytes > 0)
			write_char(&w, '.');
		for (size_t i = 0; i < label; i++)
			write_char(&w, letter_of(in[at + i]));
		at += label;
	}
	q->end = at + 1;
	q->wire = in + HEADER_BYTES;
	q->wire_bytes = q->end - HEADER_BYTES;
	(void)writer_text(&w);
	return at < bytes && !w.overflow;
}

static bool
read_question(const uint8_t *in, size_t bytes, struct question *q)
{
	if (load16(in + 4) != 1 || !read_name(in, bytes, q) || bytes - q->end < 4)
		return false;
	q->type = load16(in + q->end);
	q->class = load16(in + q->end + 2);
	q->end += 4;
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

struct answer {
	uint8_t *out;
	size_t bytes;
	unsigned records;
};

static void
put16(struct answer *a, unsigned value)
{
	a->out[a->bytes++] = (uint8_t)(value >> 8);
	a->out[a->bytes++] = (uint8_t)value;
}

static void
put_bytes(struct answer *a, const void *at, size_t bytes)
{
	memcpy(a->out + a->bytes, at, bytes);
	a->bytes += bytes;
}

/* 4.1.3: up to the length of the data. */
static void
put_record(struct answer *a, const struct dns_zone *zone, enum type type, size_t data_bytes)
{
	put16(a, NAME_OF_QUESTION);
	put16(a, type);
	put16(a, CLASS_IN);
	put16(a, zone->ttl_s >> 16);
	put16(a, zone->ttl_s & 0xffff);
	put16(a, (unsigned)data_bytes);
	a->records++;
}

static void
put_address(struct answer *a, const struct dns_zone *zone)
{
	bool v4 = zone->http.family == AF_INET;
	size_t bytes = v4 ? 4 : 16;
	put_record(a, zone, v4 ? TYPE_A : TYPE_AAAA, bytes);
	put_bytes(a, zone->http.ip, bytes);
}

static void
put_srv(struct answer *a, const struct dns_zone *zone, const struct question *q)
{
	put_record(a, zone, TYPE_SRV, 6 + q->wire_bytes);
	put16(a, 0);
	put16(a, 0);
	put16(a, zone->http.port);
	put_bytes(a, q->wire, q->wire_bytes);
}

static void
put_txt(struct answer *a, const struct dns_zone *zone)
{
	char text[2 * LABEL_BYTES_MAX + ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	size_t ends[3];
	write_literal(&w, "id=");
	write_slice(&w, zone->id);
	ends[0] = w.bytes;
	write_literal(&w, "term=");
	write_u64(&w, zone->term);
	ends[1] = w.bytes;
	write_literal(&w, "url=http://");
	write_addr(&w, &zone->http);
	ends[2] = w.bytes;
	if (w.overflow)
		return;
	put_record(a, zone, TYPE_TXT, w.bytes + 3);
	for (size_t i = 0, from = 0; i < 3; from = ends[i++]) {
		a->out[a->bytes++] = (uint8_t)(ends[i] - from);
		put_bytes(a, text + from, ends[i] - from);
	}
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* "master.shop" of "shop". *master: it is the name of the master, and there is one. */
static enum rcode
find_name(const struct dns_zone *zone, const struct question *q, bool *master)
{
	char cluster[NAME_BYTES_MAX + 1];
	struct writer w = writer_on(cluster, sizeof(cluster));
	for (size_t i = 0; i < zone->cluster.bytes; i++)
		write_char(&w, ascii_lower(zone->cluster.at[i]));
	struct slice name = slice_of(q->name);
	struct slice zone_name = slice_of(writer_text(&w));
	static const char ours[] = "master.";
	size_t before = name.bytes - zone_name.bytes; /* of what may stand before it */
	if (name.bytes < zone_name.bytes || (before > 0 && name.at[before - 1] != '.') ||
	    !slice_equal((struct slice){name.at + before, zone_name.bytes}, zone_name))
		return REFUSED;
	if (before != sizeof(ours) - 1 || memcmp(name.at, ours, before) != 0)
		return before == 0 ? NOERROR : NXDOMAIN;
	*master = zone->id.bytes > 0;
	return *master ? NOERROR : SERVFAIL;
}

static void
put_answers(struct answer *a, const struct dns_zone *zone, const struct question *q)
{
	bool any = q->type == TYPE_ANY;
	bool same_family = q->type == (zone->http.family == AF_INET ? TYPE_A : TYPE_AAAA);
	if (any || same_family)
		put_address(a, zone);
	if (any || q->type == TYPE_SRV)
		put_srv(a, zone, q);
	if (any || q->type == TYPE_TXT)
		put_txt(a, zone);
}

static void
finish(struct answer *a, const uint8_t *in, enum rcode rcode, bool question)
{
	memcpy(a->out, in, 2);
	a->out[2] =
	    (uint8_t)(0x80 | (in[2] & 0x79) | (rcode == REFUSED ? 0 : 0x04)); /* QR, AA, RD */
	a->out[3] = (uint8_t)rcode;
	memset(a->out + 4, 0, HEADER_BYTES - 4);
	a->out[5] = question;
	a->out[7] = (uint8_t)a->records;
}

size_t
dns_answer(const struct dns_zone *zone, const uint8_t *in, size_t bytes, uint8_t out[DNS_BYTES_MAX])
{
	struct question q;
	struct answer a = {out, HEADER_BYTES, 0};
	enum rcode rcode = FORMERR;
	if (bytes < HEADER_BYTES || bytes > DNS_BYTES_MAX || (in[2] & 0x80) != 0)
		return 0;
	bool good = read_question(in, bytes, &q);
	bool master = false;
	if ((in[2] & 0x78) != 0)
		rcode = NOTIMP;
	else if (good)
		rcode = q.class == CLASS_IN || q.class == CLASS_ANY ? find_name(zone, &q, &master)
								    : REFUSED;
	if (good)
		put_bytes(&a, in + HEADER_BYTES, q.end - HEADER_BYTES);
	if (rcode == NOERROR && master)
		put_answers(&a, zone, &q);
	finish(&a, in, rcode, good);
	return a.bytes;
}
