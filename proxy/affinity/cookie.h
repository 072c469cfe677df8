/*
 * cookie.h: Cookie and Set-Cookie read as bytes (RFC 6265 sections 4 and 5.4).
 * Attack surface from both sides: only exact names match, nothing is decoded,
 * other cookies are never altered.
 */
#ifndef HOLDFAST_AFFINITY_COOKIE_H
#define HOLDFAST_AFFINITY_COOKIE_H

#include "http/forward.h"

/*
 * Finds cookie `name` in all Cookie lines of a request. Returns how many there are;
 * *value is the first one's value (quotes kept), borrowed. When cuts is not NULL, up
 * to HTTP_CUTS_MAX ranges that remove every occurrence with one separator each are
 * appended to it, ascending.
 */
size_t cookie_find(const struct http_head *request, struct slice name, struct slice *value,
		   struct http_cut *cuts, size_t *cut_count);

/*
 * Finds Set-Cookie for `name`, the last one when repeated (what a client keeps).
 * *deleted: empty value or Max-Age <= 0 or an Expires in 1970. False: none.
 */
bool set_cookie_find(const struct http_head *response, struct slice name, struct slice *value,
		     bool *deleted);

/* RFC 9110 token / RFC 6265 cookie-name. */
bool cookie_name_valid(struct slice name);

#endif
