/*
 * race_wire_inside.h: header, seal and texts of datagrams in the form of a race's: for race_wire.c
 * and place_wire.c alone.
 */
#ifndef HOLDFAST_CLUSTER_RACE_WIRE_INSIDE_H
#define HOLDFAST_CLUSTER_RACE_WIRE_INSIDE_H

#include "cluster/race_wire.h"

#define RACE_HEADER_BYTES 16
#define RACE_MAC_BYTES    16

bool race_has_type(const uint8_t *bytes, size_t count, enum datagram_type type);
/* Header, and MAC where there is a seal, around the body that stands there. Returns all bytes. */
size_t race_finish(const struct race_seal *seal, enum datagram_type type, size_t body_bytes,
		   uint8_t bytes[RACE_DATAGRAM_BYTES_MAX]);
/* Whose it is; *body_bytes of body follow the header. */
enum race_read race_unwrap(const struct race_seal *seal, enum datagram_type type,
			   const uint8_t *bytes, size_t count, size_t *body_bytes);
/* A text behind its length byte: visible ASCII, terminated in `out`. Returns its end; 0: bad. */
size_t race_text_at(const uint8_t *body, size_t bytes, size_t at, char *out, size_t bytes_max);
size_t race_put_text_at(uint8_t *body, size_t at, const char *text);

#endif
