/* change.c: see change.h. */
#include "cli/change.h"

#include "base/text.h"
#include "config/values.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#define FIELD_BYTES_MAX (ID_BYTES_MAX + 1) /* one more than any field may have is refused */

static const char *
option_of(enum change_kind kind)
{
	static const char *const names[] = {
	    [CHANGE_ADD] = "--add", [CHANGE_REMOVE] = "--remove", [CHANGE_WEIGHT] = "--weight"};
	return names[kind];
}

enum result
changes_add(struct changes *changes, enum change_kind kind, const char *text, struct problem *p)
{
	if (changes->count == CHANGES_MAX)
		return problem_set(p, RESULT_LIMIT, "more than %d changes", CHANGES_MAX);
	changes->list[changes->count++] = (struct change){kind, text};
	return RESULT_OK;
}

/* ---- fields -------------------------------------------------------------------------------- */

/* One value into the member's field by the row of its key: what the file may say, this may. */
static enum result
store(struct config_member *m, const char *path, struct slice text, struct problem *p)
{
	char field[FIELD_BYTES_MAX + 1];
	uint64_t number = 0;
	struct value value = {.type = VALUE_TEXT, .text = field};
	struct writer w = writer_on(field, sizeof(field));
	write_slice(&w, (struct slice){text.at, text.bytes < FIELD_BYTES_MAX ? text.bytes
									     : FIELD_BYTES_MAX});
	(void)writer_text(&w);
	const struct key_row *row = key_row_find(path);
	if (row->kind == KIND_COUNT) {
		if (!slice_to_u64(text, &number) || number > INT64_MAX)
			return problem_set(p, RESULT_INVALID, "weight: a number is wanted");
		value = (struct value){.type = VALUE_NUMBER, .number = (int64_t)number};
	}
	enum result r = value_store(row, &value, m, p);
	return r == RESULT_OK ? r : problem_prefix(p, r, "%s", key_row_relative(row));
}

static enum result
store_weight(struct config_member *m, struct slice text, struct problem *p)
{
	return store(m, "services[].members[].weight", text, p);
}

/* Takes what stands before the next ':' off `rest`. */
static struct slice
next_field(struct slice *rest)
{
	size_t end = slice_find(*rest, ':');
	struct slice field = {rest->at, end};
	size_t taken = end < rest->bytes ? end + 1 : end;
	*rest = (struct slice){rest->at + taken, rest->bytes - taken};
	return field;
}

/* What stands behind the second ':' is the zone, which may hold more of them. */
static enum result
read_member(struct slice text, struct config_member *m, struct problem *p)
{
	*m = (struct config_member){.weight = 1, .origin = {.family = AF_INET}};
	struct slice rest = text;
	struct slice id = next_field(&rest);
	bool has_weight = id.bytes < text.bytes;
	struct slice weight = next_field(&rest);
	bool has_zone = id.bytes + 1 + weight.bytes < text.bytes;
	enum result r = store(m, "services[].members[].id", id, p);
	if (r == RESULT_OK && has_weight)
		r = store_weight(m, weight, p);
	if (r == RESULT_OK && has_zone)
		r = store(m, "services[].members[].zone", rest, p);
	assert(r != RESULT_OK || m->id != NULL);
	return r;
}

static void
member_deinit(struct config_member *m)
{
	free(m->id);
	free(m->zone);
}

/* ---- changes ------------------------------------------------------------------------------- */

/* Its index; MEMBER_NONE: none. */
static uint32_t
member_by_id(const struct config_service *s, struct slice id)
{
	for (uint32_t i = 0; i < s->member_count; i++) {
		if (slice_equal(slice_of(s->members[i].id), id))
			return i;
	}
	return MEMBER_NONE;
}

static enum result
find(const struct changed *c, struct slice id, uint32_t *at, struct problem *p)
{
	*at = member_by_id(&c->service, id);
	if (*at != MEMBER_NONE)
		return RESULT_OK;
	char text[4 * ID_BYTES_MAX + 1];
	struct writer w = writer_on(text, sizeof(text));
	id.bytes = id.bytes < ID_BYTES_MAX ? id.bytes : ID_BYTES_MAX;
	write_escaped(&w, id);
	return problem_set(p, RESULT_NOT_FOUND, "service %s has no member %s", c->service.name,
			   writer_text(&w));
}

static enum result
add(struct changed *c, struct slice text, struct problem *p)
{
	struct config_member made;
	if (c->service.member_count == MEMBERS_MAX)
		return problem_set(p, RESULT_LIMIT, "more than %d members", MEMBERS_MAX);
	enum result r = read_member(text, &made, p);
	if (r == RESULT_OK && member_by_id(&c->service, slice_of(made.id)) != MEMBER_NONE)
		r = problem_set(p, RESULT_INVALID, "service %s has a member %s already",
				c->service.name, made.id);
	if (r != RESULT_OK) {
		member_deinit(&made);
		return r;
	}
	c->was[c->service.member_count] = member_by_id(c->before, slice_of(made.id));
	c->service.members[c->service.member_count++] = made;
	return RESULT_OK;
}

static enum result
remove_all(struct changed *c, struct slice ids, struct problem *p)
{
	struct slice id;
	uint32_t at;
	while (slice_next_element(&ids, &id)) {
		enum result r = find(c, id, &at, p);
		if (r != RESULT_OK)
			return r;
		size_t behind = c->service.member_count - at - 1;
		if (at >= c->added_from)
			member_deinit(&c->service.members[at]);
		else
			c->added_from--;
		memmove(&c->service.members[at], &c->service.members[at + 1],
			behind * sizeof(c->service.members[0]));
		memmove(&c->was[at], &c->was[at + 1], behind * sizeof(c->was[0]));
		c->service.member_count--;
	}
	return RESULT_OK;
}

static enum result
weigh(struct changed *c, struct slice text, struct problem *p)
{
	uint32_t at;
	size_t sign = slice_find(text, '=');
	if (sign == text.bytes)
		return problem_set(p, RESULT_INVALID, "ID=N is wanted");
	enum result r = find(c, (struct slice){text.at, sign}, &at, p);
	if (r == RESULT_OK)
		r = store_weight(&c->service.members[at],
				 (struct slice){text.at + sign + 1, text.bytes - sign - 1}, p);
	return r;
}

static enum result
apply(struct changed *c, const struct change *change, struct problem *p)
{
	struct slice text = slice_of(change->text);
	enum result r = change->kind == CHANGE_ADD      ? add(c, text, p)
			: change->kind == CHANGE_REMOVE ? remove_all(c, text, p)
							: weigh(c, text, p);
	return r == RESULT_OK ? r : problem_prefix(p, r, "%s", option_of(change->kind));
}

enum result
changed_init(struct changed *c, const struct config_service *service, const struct changes *changes,
	     struct problem *p)
{
	size_t most = service->member_count + changes->count;
	*c = (struct changed){
	    .before = service, .service = *service, .added_from = service->member_count};
	c->service.members = calloc(most + 1, sizeof(c->service.members[0]));
	c->was = calloc(most + 1, sizeof(c->was[0]));
	if (c->service.members == NULL || c->was == NULL) {
		c->service.member_count = 0;
		changed_deinit(c);
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	memcpy(c->service.members, service->members,
	       service->member_count * sizeof(service->members[0]));
	for (uint32_t i = 0; i < service->member_count; i++)
		c->was[i] = i;
	enum result r = RESULT_OK;
	for (size_t i = 0; i < changes->count && r == RESULT_OK; i++)
		r = apply(c, &changes->list[i], p);
	if (r != RESULT_OK)
		changed_deinit(c);
	return r;
}

void
changed_deinit(struct changed *c)
{
	for (size_t i = c->added_from; i < c->service.member_count; i++)
		member_deinit(&c->service.members[i]);
	free(c->service.members);
	free(c->was);
}
