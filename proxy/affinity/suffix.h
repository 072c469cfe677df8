/*
 * suffix.h: the tag as suffix of the session id that the application itself issues,
 * in its cookie or its header: "abc~TAG". For clients that keep nothing else.
 *
 *   member  -> client   Set-Cookie: JSESSIONID=abc; Path=/app     abc~TAG; Path=/app
 *   client  -> member   Cookie: JSESSIONID=abc~TAG                 abc
 *
 * A suffix is '~' and what has a tag's length and letters, and nothing else is: what is
 * shorter, longer or of other letters belongs to the application's value, so that
 * whatever the application issues comes back to it unchanged. In a value in quotes it
 * stands before the closing one. Whether it is a good tag is asked afterwards: it is
 * cut off all the same.
 */
#ifndef HOLDFAST_AFFINITY_SUFFIX_H
#define HOLDFAST_AFFINITY_SUFFIX_H

#include "affinity/cookie.h"
#include "affinity/tag.h"

#define SUFFIX_MARK  '~'
#define SUFFIX_BYTES (1 + TAG_TEXT_BYTES)
/* Name and value of a cookie: browsers keep no longer one (RFC 6265bis section 5.6). Neither an
 * id in a cookie nor one in a header grows beyond it. */
#define SUFFIXED_BYTES_MAX 4096

/* A value from a client, taken apart. */
struct suffix_split {
	struct slice id;  /* the application's value, but for the closing quote */
	bool quoted;      /* one stands behind: id begins with the opening one */
	struct slice tag; /* empty: has none */
};
struct suffix_split suffix_split(struct slice value);

/* Where the id of a session travels. */
struct suffix_carrier {
	struct slice name; /* of the cookie or header; borrowed */
	bool cookie;
};

/* Over the values that a request carries, in its order; start zeroed. Fields that are not
 * forwarded are passed over. False: no more. */
struct suffix_cursor {
	struct cookie_cursor cookie;
	size_t field;
};
bool suffix_next(const struct suffix_carrier *carrier, const struct http_head *request,
		 struct suffix_cursor *cursor, struct slice *value);

/* May the tag be put behind this id: not empty, and not too long then. */
bool suffix_fits(const struct suffix_carrier *carrier, struct slice id);

enum suffix_answer {
	SUFFIX_ISSUED, /* the answer issues an id: the tag belongs behind it, wherever it came from
			*/
	SUFFIX_ENDED,  /* it takes the id away */
	SUFFIX_SILENT, /* it says nothing of it */
};

struct suffix_places {
	uint32_t at[HTTP_INSERTS_MAX]; /* offsets in head->base, ascending */
	size_t count;                  /* 0, too, when the id is too long for a tag */
};

/*
 * What an answer does with the id. The last Set-Cookie of the name counts (what a client keeps),
 * the first header. places: behind that id, in each line that issues the same one, the last
 * HTTP_INSERTS_MAX of them.
 */
enum suffix_answer suffix_find_places(const struct suffix_carrier *carrier,
				      const struct http_head *response,
				      struct suffix_places *places);

#endif
