/*
 * place_wire.h: how the master is asked where a new session goes, as it stands on the wire: in the
 * form of a race's datagrams (race_wire.h), always sealed, with the same rule: nobody is sent more
 * than he sent, and a replay gives nothing to anybody.
 *
 *   PLACE    tag 16 | service, a length byte before it | zeros
 *   PLACED   tag 16 | member 4 | term 8
 */
#ifndef HOLDFAST_CLUSTER_PLACE_WIRE_H
#define HOLDFAST_CLUSTER_PLACE_WIRE_H

#include "cluster/race_wire.h"

struct place_question {
	uint8_t tag[RACE_TAG_BYTES];
	char service[ID_BYTES_MAX + 1];
};

struct place_answer {
	uint8_t tag[RACE_TAG_BYTES];
	uint32_t member; /* alias; 0: who was asked is not master, or has nobody to name */
	uint64_t term;   /* of the master */
};

/* Is it one of these, whatever it is worth? */
bool place_is_datagram(const uint8_t *bytes, size_t count);
/* Return the bytes. */
size_t place_write_question(const struct race_seal *seal, const struct place_question *question,
			    uint8_t bytes[RACE_DATAGRAM_BYTES_MAX]);
size_t place_write_answer(const struct race_seal *seal, const struct place_answer *answer,
			  uint8_t bytes[RACE_DATAGRAM_BYTES_MAX]);
/* False: not of a node of this cluster, or damaged. */
bool place_read_question(const struct race_seal *seal, const uint8_t *bytes, size_t count,
			 struct place_question *question);
bool place_read_answer(const struct race_seal *seal, const uint8_t *bytes, size_t count,
		       struct place_answer *answer);

#endif
