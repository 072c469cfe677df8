/*
 * cookie.h: Cookie and Set-Cookie read as bytes (RFC 6265 sections 4 and 5.4).
 * Attack surface from both sides: only exact names match, nothing is decoded,
 * other cookies are never altered.
 */
#ifndef HOLDFAST_AFFINITY_COOKIE_H
#define HOLDFAST_AFFINITY_COOKIE_H

#include "http/forward.h"

struct cookie_found {
	size_t count;       /* pairs of that name, over all Cookie lines */
	struct slice value; /* of the first, quotes kept; borrowed from the head */
	bool differ;        /* the values of the others are not all the same */
};

/*
 * Finds cookies (at least one name, none empty) in all Cookie lines of a request; each line is read
 * once, however many names. found[i].value is set only when found[i].count is not 0.
 *
 * When cuts is not NULL, ranges that remove every occurrence of names[0] with one
 * separator each are appended to it, ascending, those that touch joined:
 * "a=1; NAME=x; b=2" is left as "a=1; b=2". A value of nothing else is cut whole. Where
 * more than HTTP_CUTS_MAX ranges apart would be needed (other cookies between nine of
 * the same name: nobody's browser) the rest stays.
 */
void cookie_find_all(const struct http_head *request, const struct slice *names, size_t name_count,
		     struct cookie_found *found, struct http_cut *cuts, size_t *cut_count);
/* The same for one name. */
struct cookie_found cookie_find(const struct http_head *request, struct slice name,
				struct http_cut *cuts, size_t *cut_count);

/*
 * The values of one cookie, those that cookie_find counts, one after the other: zeroed at the
 * start. False: no more.
 */
struct cookie_cursor {
	size_t field;
	size_t at; /* in its value */
};
bool cookie_next(const struct http_head *request, struct slice name, struct cookie_cursor *cursor,
		 struct slice *value);

struct set_cookie {
	struct slice value;      /* quotes kept */
	struct slice attributes; /* from the ';' on; may be empty */
};
/* The next Set-Cookie for `name` at or behind field *line (start with 0), which moves behind it.
 * False: no more. */
bool set_cookie_next(const struct http_head *response, struct slice name, size_t *line,
		     struct set_cookie *cookie);
/*
 * Finds Set-Cookie for `name`, the last one when repeated (what a client keeps).
 * *deleted: empty value, Max-Age <= 0, or an Expires in 1970 or another year long gone.
 * False: none, *value and *deleted untouched.
 */
bool set_cookie_find(const struct http_head *response, struct slice name, struct slice *value,
		     bool *deleted);

/* RFC 9110 token / RFC 6265 cookie-name. */
bool cookie_name_valid(struct slice name);

#endif
