/* etcd_call.c: what etcd is asked, in JSON; see etcd.h. */
#include "cluster/etcd_inside.h"

#include "cluster/bigendian.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *
encoded(const void *at, size_t bytes)
{
	char *text = malloc(ETCD_ENCODED(bytes));
	if (text == NULL)
		return NULL;
	(void)sodium_bin2base64(text, ETCD_ENCODED(bytes), at, bytes, ETCD_VARIANT);
	json_t *string = json_string(text);
	free(text);
	return string;
}

json_t *
etcd_key(const struct etcd *e, const struct etcd_role *r, const char *what)
{
	char text[ETCD_KEY_BYTES_MAX];
	int bytes = snprintf(text, sizeof(text), "%s/%s/%s", e->prefix, r->role, what);
	return encoded(text, (size_t)bytes);
}

static json_t *
put(const struct etcd *e, const struct etcd_role *r, const char *what, json_t *value,
    const char *lease)
{
	json_t *put = json_pack("{s:o, s:o}", "key", etcd_key(e, r, what), "value", value);
	if (lease != NULL)
		(void)json_object_set_new(put, "lease", json_string(lease));
	return json_pack("{s:o}", "requestPut", put);
}

/* Only where the holder's key has that create revision; 0: where there is none. */
static json_t *
txn(const struct etcd *e, const struct etcd_role *r, uint64_t revision, json_t *success)
{
	char number[24];
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)revision);
	return json_pack("{s:[{s:o, s:s, s:s, s:s}], s:o}", "compare", "key",
			 etcd_key(e, r, "holder"), "result", "EQUAL", "target", "CREATE",
			 "create_revision", number, "success", success);
}

static json_t *
claim(const struct etcd *e, const struct etcd_role *r)
{
	char who[ID_BYTES_MAX + 32];
	int bytes = snprintf(who, sizeof(who), "%s %llu", e->nodes->node[e->nodes->self].id,
			     (unsigned long long)e->boot);
	json_t *puts = json_array();
	(void)json_array_append_new(puts,
				    put(e, r, "holder", encoded(who, (size_t)bytes), r->lease));
	(void)json_array_append_new(puts, put(e, r, "last", encoded(who, (size_t)bytes), NULL));
	return txn(e, r, 0, puts);
}

static json_t *
write_of(const struct etcd *e, const struct etcd_role *r)
{
	size_t bytes = ETCD_STAMP_BYTES + r->writes->bytes;
	uint8_t *at = malloc(bytes);
	if (at == NULL)
		return NULL;
	store(at, r->term, 8);
	store(at + 8, r->seq + 1, 8);
	memcpy(at + ETCD_STAMP_BYTES, r->writes->at, r->writes->bytes);
	json_t *puts = json_array();
	(void)json_array_append_new(puts, put(e, r, "value", encoded(at, bytes), NULL));
	free(at);
	return txn(e, r, r->term, puts);
}

json_t *
etcd_body_of_step(const struct etcd *e, const struct etcd_role *r)
{
	char ttl[24];
	switch (e->step) {
	case ETCD_GRANT:
		(void)snprintf(ttl, sizeof(ttl), "%u", (e->timing.lease_ms + 999) / 1000);
		return json_pack("{s:s}", "TTL", ttl);
	case ETCD_CLAIM:
		return claim(e, r);
	case ETCD_ALIVE:
		return json_pack("{s:s}", "ID", r->lease);
	case ETCD_CHECK:
		return txn(e, r, r->term, json_array());
	case ETCD_REVOKE:
		return json_pack("{s:s}", "ID", r->revoke);
	case ETCD_READ:
		return json_pack("{s:o, s:o}", "key", etcd_key(e, r, ""), "range_end",
				 etcd_key(e, r, "~"));
	case ETCD_WRITE:
		return write_of(e, r);
	case ETCD_NOTHING:
		break;
	}
	return NULL;
}

const char *
etcd_path_of_step(enum etcd_step step)
{
	static const char *const paths[] = {
	    [ETCD_GRANT] = "/v3/lease/grant",     [ETCD_CLAIM] = "/v3/kv/txn",
	    [ETCD_ALIVE] = "/v3/lease/keepalive", [ETCD_CHECK] = "/v3/kv/txn",
	    [ETCD_REVOKE] = "/v3/lease/revoke",   [ETCD_READ] = "/v3/kv/range",
	    [ETCD_WRITE] = "/v3/kv/txn",
	};
	return paths[step];
}
