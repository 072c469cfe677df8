/* place_wire.c: PLACE and PLACED as bytes; see place_wire.h. */
#include "cluster/place_wire.h"

#include "cluster/bigendian.h"
#include "cluster/race_wire_inside.h"

#include <assert.h>
#include <string.h>

/* In both, after the header. */
#define AT_TAG 0
/* In a PLACE. */
#define AT_SERVICE          (AT_TAG + RACE_TAG_BYTES)
#define QUESTION_BODY_BYTES (AT_SERVICE + 1 + ID_BYTES_MAX)
/* In a PLACED. */
#define AT_MEMBER         (AT_TAG + RACE_TAG_BYTES)
#define AT_TERM           (AT_MEMBER + 4)
#define ANSWER_BODY_BYTES (AT_TERM + 8)

static_assert(RACE_HEADER_BYTES + QUESTION_BODY_BYTES + RACE_MAC_BYTES <= RACE_DATAGRAM_BYTES_MAX,
	      "a PLACE fits");
static_assert(ANSWER_BODY_BYTES <= QUESTION_BODY_BYTES, "nobody is sent more than he sent");

bool
place_is_datagram(const uint8_t *bytes, size_t count)
{
	return race_has_type(bytes, count, DATAGRAM_PLACE) ||
	       race_has_type(bytes, count, DATAGRAM_PLACED);
}

size_t
place_write_question(const struct race_seal *seal, const struct place_question *question,
		     uint8_t bytes[RACE_DATAGRAM_BYTES_MAX])
{
	uint8_t *body = bytes + RACE_HEADER_BYTES;
	memset(body, 0, QUESTION_BODY_BYTES);
	memcpy(body + AT_TAG, question->tag, RACE_TAG_BYTES);
	(void)race_put_text_at(body, AT_SERVICE, question->service);
	return race_finish(seal, DATAGRAM_PLACE, QUESTION_BODY_BYTES, bytes);
}

size_t
place_write_answer(const struct race_seal *seal, const struct place_answer *answer,
		   uint8_t bytes[RACE_DATAGRAM_BYTES_MAX])
{
	uint8_t *body = bytes + RACE_HEADER_BYTES;
	memcpy(body + AT_TAG, answer->tag, RACE_TAG_BYTES);
	store(body + AT_MEMBER, answer->member, 4);
	store(body + AT_TERM, answer->term, 8);
	return race_finish(seal, DATAGRAM_PLACED, ANSWER_BODY_BYTES, bytes);
}

bool
place_read_question(const struct race_seal *seal, const uint8_t *bytes, size_t count,
		    struct place_question *question)
{
	size_t body_bytes;
	const uint8_t *body = bytes + RACE_HEADER_BYTES;
	if (race_unwrap(seal, DATAGRAM_PLACE, bytes, count, &body_bytes) != RACE_SEALED ||
	    body_bytes != QUESTION_BODY_BYTES)
		return false;
	memcpy(question->tag, body + AT_TAG, RACE_TAG_BYTES);
	return race_text_at(body, body_bytes, AT_SERVICE, question->service, ID_BYTES_MAX) != 0;
}

bool
place_read_answer(const struct race_seal *seal, const uint8_t *bytes, size_t count,
		  struct place_answer *answer)
{
	size_t body_bytes;
	const uint8_t *body = bytes + RACE_HEADER_BYTES;
	if (race_unwrap(seal, DATAGRAM_PLACED, bytes, count, &body_bytes) != RACE_SEALED ||
	    body_bytes != ANSWER_BODY_BYTES)
		return false;
	memcpy(answer->tag, body + AT_TAG, RACE_TAG_BYTES);
	answer->member = (uint32_t)load(body + AT_MEMBER, 4);
	answer->term = load(body + AT_TERM, 8);
	return true;
}
