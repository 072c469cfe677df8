/* member_text.h: what a status says of members and requests, in a few characters. */
#ifndef HOLDFAST_CLI_MEMBER_TEXT_H
#define HOLDFAST_CLI_MEMBER_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKS_SHOWN_MAX 16

/* "2 up, 1 down", of a list of members. */
const char *states_text(const json_t *members, char *text, size_t bytes);
/* The last ones, the newest last: "+" well, "-" failed; "." none. */
const char *last_checks(const json_t *member, char *text, size_t bytes);
/* Requests that ended with a cause that is an error. NULL: 0. */
uint64_t errors_of(const json_t *requests);

#endif
