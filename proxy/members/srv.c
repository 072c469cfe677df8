/* srv.c: see srv.h. */
#include "members/srv.h"

#include <ares.h>
#include <arpa/nameser.h>

static uint16_t
read_u16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Behind the name at `at`; NULL: it is cut or malformed. *name: for ares_free_string. */
static const unsigned char *
skip_name(const unsigned char *at, const unsigned char *all, int bytes, char **name)
{
	long taken;
	if (at == NULL || at > all + bytes ||
	    ares_expand_name(at, all, bytes, name, &taken) != ARES_SUCCESS)
		return NULL;
	return at + taken;
}

static void
add_target(struct name_answer *a, const unsigned char *data, const char *name)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	size_t bytes = strlen(name);
	write_bytes(&w, name, bytes > 0 && name[bytes - 1] == '.' ? bytes - 1 : bytes);
	write_format(&w, ":%u", read_u16(data + 4));
	struct addr host;
	/* "." says that there is no such service (RFC 2782); what is no host name is none of ours.
	 */
	if (w.overflow ||
	    addr_parse_form((struct slice){text, w.bytes}, ADDR_FORM_NAME, &host, NULL) !=
		RESULT_OK ||
	    host.family != ADDR_NAME)
		return;
	if (a->count == NAME_ANSWERS_MAX) {
		a->more++;
		return;
	}
	a->target[a->count++] = (struct name_target){host, read_u16(data), read_u16(data + 2)};
}

/* One record; NULL: it is malformed. */
static const unsigned char *
read_record(const unsigned char *at, const unsigned char *all, int bytes, struct name_answer *a)
{
	char *name = NULL;
	at = skip_name(at, all, bytes, &name);
	if (at != NULL)
		ares_free_string(name);
	if (at == NULL || all + bytes - at < 10)
		return NULL;
	uint16_t type = read_u16(at);
	uint64_t ttl_ms = ((uint64_t)read_u16(at + 4) << 16 | read_u16(at + 6)) * 1000;
	uint16_t length = read_u16(at + 8);
	at += 10;
	if (all + bytes - at < length)
		return NULL;
	if (type == ns_t_srv && length > 6) {
		if (skip_name(at + 6, all, bytes, &name) == NULL)
			return NULL;
		add_target(a, at, name);
		ares_free_string(name);
		a->ttl_ms = ttl_ms < a->ttl_ms ? ttl_ms : a->ttl_ms;
	}
	return at + length;
}

void
srv_read(const unsigned char *all, int bytes, struct name_answer *a)
{
	char *name = NULL;
	if (bytes < NS_HFIXEDSZ)
		return;
	const unsigned char *at = all + NS_HFIXEDSZ;
	for (unsigned i = read_u16(all + 4); i > 0 && at != NULL; i--) {
		at = skip_name(at, all, bytes, &name);
		if (at == NULL)
			break;
		ares_free_string(name);
		at += 4;
	}
	for (unsigned i = read_u16(all + 6); i > 0 && at != NULL; i--)
		at = read_record(at, all, bytes, a);
	if (at == NULL)
		a->why = "an answer that is malformed";
}
