/* routes.c: see routes.h. */
#include "admin/routes.h"

static const struct route_row {
	enum http_method method;
	struct slice path;
} rows[ADMIN_ROUTES] = {
#define ADMIN_ROUTE(ident, method, path, help) {METHOD_##method, {path, sizeof(path) - 1}},
#include "tbl/admin_routes.h"
#undef ADMIN_ROUTE
};

/* ---- decoding ---------------------------------------------------------------------------------
 */

/* RFC 3986 section 2.1. False: a '%' without two hex digits, or no room. */
static bool
percent_decode(struct slice text, bool plus_is_blank, char *out, size_t capacity, size_t *bytes)
{
	*bytes = 0;
	for (size_t i = 0; i < text.bytes; i++) {
		uint8_t c = (uint8_t)text.at[i];
		if (*bytes == capacity)
			return false;
		if (c == '%') {
			if (text.bytes - i < 3 ||
			    !hex_decode((struct slice){text.at + i + 1, 2}, &c, 1))
				return false;
			i += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		out[(*bytes)++] = (char)c;
	}
	return true;
}

bool
query_value(struct slice query, struct slice name, char *out, size_t capacity, struct slice *value,
	    bool *bad)
{
	*bad = false;
	while (query.bytes > 0) {
		size_t end = slice_find(query, '&');
		struct slice pair = {query.at, end};
		size_t equals = slice_find(pair, '=');
		end += end < query.bytes;
		query = (struct slice){query.at + end, query.bytes - end};
		if (!slice_equal((struct slice){pair.at, equals}, name))
			continue;
		equals += equals < pair.bytes;
		size_t bytes;
		*bad = !percent_decode((struct slice){pair.at + equals, pair.bytes - equals}, true,
				       out, capacity, &bytes);
		*value = (struct slice){out, bytes};
		return !*bad;
	}
	return false;
}

/* ---- matching ---------------------------------------------------------------------------------
 */

/* "/members/a/drain" by "/members/{star}/drain"; *id is what stands for the star. */
static bool
path_matches(struct slice pattern, struct slice path, struct slice *id)
{
	size_t star = slice_find(pattern, '*');
	*id = SLICE_NONE;
	if (star == pattern.bytes)
		return slice_equal(pattern, path);
	struct slice before = {pattern.at, star};
	struct slice behind = {pattern.at + star + 1, pattern.bytes - star - 1};
	if (path.bytes <= before.bytes + behind.bytes || !slice_has_prefix(path, before))
		return false;
	size_t bytes = path.bytes - before.bytes - behind.bytes;
	struct slice end = {path.at + before.bytes + bytes, behind.bytes};
	*id = (struct slice){path.at + before.bytes, bytes};
	return slice_equal(end, behind) && slice_find(*id, '/') == id->bytes;
}

void
route_find(const struct http_head *head, struct admin_ask *ask)
{
	size_t mark = slice_find(head->path, '?');
	struct slice path = {head->path.at, mark};
	enum http_method method = (enum http_method)head->method;
	mark += mark < head->path.bytes;
	*ask = (struct admin_ask){
	    .route = ROUTE_NOT_FOUND,
	    .head_only = method == METHOD_HEAD,
	    .query = {head->path.at + mark, head->path.bytes - mark},
	};
	if (method == METHOD_HEAD)
		method = METHOD_GET;
	if (path.bytes == 0) /* of an absolute target with a query alone */
		path = SLICE("/");
	for (size_t i = 0; i < ADMIN_ROUTES; i++) {
		struct slice id;
		size_t bytes = 0;
		if (!path_matches(rows[i].path, path, &id))
			continue;
		if (rows[i].method != method) {
			ask->route = ROUTE_NOT_ALLOWED;
			ask->allowed = rows[i].method == METHOD_POST ? "POST" : "GET, HEAD";
			return;
		}
		if (!percent_decode(id, false, ask->room, sizeof(ask->room), &bytes))
			return; /* no member has such an id */
		ask->id = (struct slice){ask->room, bytes};
		ask->route = (enum admin_route)i;
		ask->changes = method == METHOD_POST;
		return;
	}
}
