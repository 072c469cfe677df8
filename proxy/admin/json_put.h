/*
 * json_put.h: members of a JSON object, written out directly. A comma stands before each but the
 * first behind a '{'.
 */
#ifndef HOLDFAST_ADMIN_JSON_PUT_H
#define HOLDFAST_ADMIN_JSON_PUT_H

#include "base/grow.h"

#include <stdbool.h>

/* "name": whose value the caller writes. */
void put_json_key(struct grow *out, const char *name);
void put_json_count(struct grow *out, const char *name, uint64_t count);
void put_json_bool(struct grow *out, const char *name, bool value);
/* Of any length. NULL: null. */
void put_json_text(struct grow *out, const char *name, const char *text);
void put_json_time(struct grow *out, const char *name, uint64_t wall_ms);

#endif
