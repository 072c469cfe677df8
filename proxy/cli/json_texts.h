/* json_texts.h: members of JSON objects that a node or a log said, for printing. */
#ifndef HOLDFAST_CLI_JSON_TEXTS_H
#define HOLDFAST_CLI_JSON_TEXTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Escaped, "-" where there is none; cut to the room, which must hold 8 bytes. */
const char *json_text(const json_t *object, const char *key, char *room, size_t bytes);
/* 0 where there is none, or a negative one. */
uint64_t json_count(const json_t *object, const char *key);

#endif
