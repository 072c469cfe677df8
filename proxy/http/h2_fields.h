/*
 * h2_fields.h: lines of a head or of trailers as fields of HTTP/2, and the other way (RFC 9113
 * sections 8.2 and 8.3): what both sides of Holdfast have of it in common. Pure; of nghttp2 the
 * shape of a field alone.
 */
#ifndef HOLDFAST_HTTP_H2_FIELDS_H
#define HOLDFAST_HTTP_H2_FIELDS_H

#include "http/head.h"

#include <nghttp2/nghttp2.h>

#define H2_LINES_MAX (HTTP_FIELDS_MAX + 64) /* of one head that is sent */

struct h2_fields {
	nghttp2_nv list[H2_LINES_MAX]; /* borrowed bytes */
	size_t count;
	char status[3];
};

/* The first field of an answer. */
void h2_fields_begin(struct h2_fields *f, uint16_t status);
/* One more. False: too many. */
bool h2_fields_add(struct h2_fields *f, struct slice name, struct slice value);
/*
 * Lines, each with its CRLF; names are made lower case where they stand. `but`: a name in lower
 * case that is left out; may be empty. False: too many, or no lines.
 */
bool h2_fields_add_lines(struct h2_fields *f, char *at, size_t bytes, struct slice but);
/* The method and target of the request's start line that *at begins with; *at moves behind it.
 * False: it is none. */
bool h2_next_start(char **at, const char *end, struct slice *method, struct slice *path);
/* The line that *at begins with, without its CRLF, in its two parts, the name made lower case;
 * *at moves behind it. False: it is no line. */
bool h2_next_line(char **at, const char *end, struct slice *name, struct slice *value);

/* A token without upper case (section 8.2.1). */
bool h2_name_valid(struct slice name);
/* Without controls, and without blanks at its ends. */
bool h2_value_valid(struct slice value);
/* A field as a line behind the others. False: malformed, or no room for it. */
bool h2_line_add(struct writer *lines, struct slice name, struct slice value);

#endif
