/*
 * etcd_inside.h: the engine's parts among themselves: etcd.c (roles, what is next, what the node
 * asks), etcd_call.c (what etcd is asked), etcd_answer.c (what follows from what it says).
 */
#ifndef HOLDFAST_CLUSTER_ETCD_INSIDE_H
#define HOLDFAST_CLUSTER_ETCD_INSIDE_H

#include "cluster/etcd.h"

#include <jansson.h>
#include <sodium.h>

#define ETCD_KEY_BYTES_MAX (ETCD_PREFIX_BYTES_MAX + ROLE_BYTES_MAX + 16)
#define ETCD_STAMP_BYTES   16
#define ETCD_TRUTH_PARTS   3 /* of T between renewals, and before a refusal is asked again */
/* Of that many bytes as base64, with the 0 behind it. */
#define ETCD_ENCODED(bytes) (((bytes) + 2) / 3 * 4 + 1)
#define ETCD_VARIANT        sodium_base64_VARIANT_ORIGINAL

void etcd_tell(struct etcd *e, const struct etcd_role *r, enum engine_event_kind kind);
/* It is wanted no more. */
void etcd_refuse(struct etcd *e, struct etcd_role *r, enum lease_refusal why);
/* The lease of etcd's, if there is one, is to be given back. */
void etcd_revoke_later(struct etcd_role *r);
/* Held no more, in this very moment. */
void etcd_lose(struct etcd *e, struct etcd_role *r);
/* What time alone has ended comes first. */
void etcd_expire(struct etcd *e, uint64_t now);

/* A key of the role, in base64. NULL: no memory. */
json_t *etcd_key(const struct etcd *e, const struct etcd_role *r, const char *what);
/* Of e->step. NULL: no memory, or none is to be asked. */
json_t *etcd_body_of_step(const struct etcd *e, const struct etcd_role *r);
const char *etcd_path_of_step(enum etcd_step step);

#endif
