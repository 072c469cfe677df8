/*
 * json.h: one member of a JSON object (RFC 8259), read from hostile bytes without
 * an allocation and without recursion, for a claim of a JWT.
 */
#ifndef HOLDFAST_AFFINITY_JSON_H
#define HOLDFAST_AFFINITY_JSON_H

#include "base/text.h"

#define JSON_DEPTH_MAX      64   /* arrays and objects within each other, below the outermost */
#define JSON_NAME_BYTES_MAX 1024 /* of a member's name that can be asked for, decoded */

/*
 * The value of the member `name` of the object that `text` is: of a string its characters in
 * UTF-8, escapes decoded; of a whole number its digits as written ("-7"). Appended to `out`.
 * False: the text is not one well-formed object (UTF-8 throughout, no lone surrogate, not
 * deeper than JSON_DEPTH_MAX), or the member is not there, is there twice (RFC 7519 section 4),
 * is of another type, or does not fit; what `out` holds then means nothing.
 */
bool json_member(struct slice text, struct slice name, struct writer *out);

#endif
