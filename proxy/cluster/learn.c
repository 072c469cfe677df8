/* learn.c: a voter that lost its register reads the others'; see learn.h. */
#include "cluster/learn.h"

#include "cluster/register_wire.h"
#include "mutant.h"

#include <string.h>

/* ---- the other side --------------------------------------------------------------------------
 */

bool
learn_answer(const struct register_image *image, cluster_node to, uint64_t number, struct body *b,
	     struct outbox *out)
{
	uint16_t place = get_u16(b);
	if (!body_whole(b))
		return false;
	struct outgoing *o = register_put(out, to, DATAGRAM_HELD, "", number);
	put_u8(o, REGISTER_ENTRY);
	put_u16(o, place);
	put_u16(o, (uint16_t)image->count);
	put_u64(o, image->floor);
	if (place >= image->count)
		return true;
	put_text(o, image->entry[place].role);
	register_head_put(o, &image->entry[place].head);
	return true;
}

/* ---- asking ----------------------------------------------------------------------------------
 */

static uint64_t
bit(cluster_node node)
{
	return (uint64_t)1 << node;
}

size_t
learn_needs(const struct cluster_nodes *nodes)
{
	size_t others = 0;
	for (cluster_node i = 0; i < nodes->count; i++)
		others += nodes->node[i].voter && i != nodes->self;
	return MUTANT == MUTANT_LEARNS_OF_ONE ? 1 : others / 2 + 1;
}

size_t
learn_told(const struct learn *l)
{
	size_t told = 0;
	for (cluster_node i = 0; i < l->nodes->count; i++)
		told += l->source[i].whole;
	return told;
}

static void
ask(const struct learn *l, cluster_node voter, struct outbox *out)
{
	struct outgoing *o = register_put(out, voter, DATAGRAM_READ, "", l->number);
	put_u8(o, REGISTER_ENTRY);
	put_u16(o, l->source[voter].next);
}

static void
ask_the_silent(struct learn *l, uint64_t now, struct outbox *out)
{
	l->resend_at = now + l->resend_ms;
	for (cluster_node i = 0; i < l->nodes->count; i++)
		if (l->nodes->node[i].voter && i != l->nodes->self && !l->source[i].whole)
			ask(l, i, out);
}

/* From the beginning: answers to what was asked before do not count. */
static void
ask_all(struct learn *l, uint64_t now, struct outbox *out)
{
	pull_stop(&l->pull);
	register_image_deinit(&l->image);
	l->image = (struct register_image){.begun = false};
	memset(l->source, 0, sizeof(l->source));
	memset(l->told_by, 0, sizeof(l->told_by));
	l->number++;
	l->phase = LEARN_ASKING;
	ask_the_silent(l, now, out);
}

/* ---- values ----------------------------------------------------------------------------------
 */

static void
finish(struct learn *l)
{
	l->image.begun = true;
	l->phase = LEARN_DONE;
}

static void
pull_at(struct learn *l, size_t place, uint64_t now, struct outbox *out)
{
	const struct register_entry *e = &l->image.entry[place];
	l->pulling = place;
	(void)pull_start(&l->pull, e->role, &e->head, l->holder[place],
			 l->number | REGISTER_NUMBERS_OF_VOTERS, l->resend_ms, now, out);
	l->resend_at = now + l->resend_ms; /* without memory: once more */
}

/* The next value whose bytes are not here, or all is there. */
static void
pull_on(struct learn *l, uint64_t now, struct outbox *out)
{
	for (size_t i = 0; i < l->image.count; i++) {
		const struct register_entry *e = &l->image.entry[i];
		if (e->document != NULL || e->head.stamp.term == 0)
			continue;
		pull_at(l, i, now, out);
		return;
	}
	finish(l);
}

static void
on_piece(struct learn *l, uint64_t now, cluster_node from, uint64_t number, const char *role,
	 struct body *b, struct outbox *out)
{
	struct document *d = pull_receive(&l->pull, now, from, role, number, b, out);
	if (d == NULL)
		return;
	l->image.entry[l->pulling].document = d;
	pull_on(l, now, out);
}

/* The value that was asked for is there no more: a later one is. */
static bool
on_later_value(struct learn *l, uint64_t now, cluster_node from, uint64_t number, const char *role,
	       struct body *b, struct outbox *out)
{
	struct register_head head;
	register_head_get(b, &head);
	if (!body_whole(b))
		return false;
	struct register_entry *e = &l->image.entry[l->pulling];
	bool asked = pull_active(&l->pull) && from == l->pull.from && number == l->pull.number &&
		     strcmp(role, e->role) == 0;
	if (!asked || head.bytes == 0 || stamp_compare(&head.stamp, &e->head.stamp) <= 0)
		return true;
	uint64_t term = e->head.term;
	struct claimant claimant = e->head.claimant;
	e->head = head;
	if (term > head.term) {
		e->head.term = term;
		e->head.claimant = claimant;
	}
	pull_at(l, l->pulling, now, out);
	return true;
}

/* ---- entries ---------------------------------------------------------------------------------
 */

/* The higher term with its claimant, the newer value. */
static void
merge(struct learn *l, cluster_node from, const char *role, const struct register_head *head)
{
	struct register_entry *e = register_image_add(&l->image, role);
	if (e == NULL)
		return; /* every place has a value: such a table nobody can have */
	size_t place = (size_t)(e - l->image.entry);
	if (e->used == 0) {
		/* A new one, or in the place of one that went to the floor. */
		uint64_t floor = l->image.floor;
		e->head = *head;
		if (head->term < floor) {
			e->head.term = floor;
			e->head.claimant = (struct claimant){ALIAS_NONE, 0};
		}
		l->told_by[place] = 0;
		l->holder[place] = from;
	} else if (head->term > e->head.term) {
		e->head.term = head->term;
		e->head.claimant = head->claimant;
	}
	if (stamp_compare(&head->stamp, &e->head.stamp) > 0) {
		e->head.stamp = head->stamp;
		e->head.bytes = head->bytes;
		memcpy(e->head.digest, head->digest, sizeof(e->head.digest));
		l->holder[place] = from;
	}
	e->used = ++l->image.uses;
	l->told_by[place] |= bit(from);
}

/* Roles that are not in the table of one of those who told may have had its floor there. */
static void
raise(struct learn *l)
{
	for (cluster_node i = 0; i < l->nodes->count; i++) {
		const struct learn_source *s = &l->source[i];
		if (!s->whole)
			continue;
		if (s->floor > l->image.floor)
			l->image.floor = s->floor;
		for (size_t place = 0; place < l->image.count; place++) {
			struct register_head *head = &l->image.entry[place].head;
			if ((l->told_by[place] & bit(i)) != 0 || head->term >= s->floor)
				continue;
			head->term = s->floor;
			head->claimant = (struct claimant){ALIAS_NONE, 0};
		}
	}
}

static bool
on_entry(struct learn *l, uint64_t now, cluster_node from, uint64_t number, struct body *b,
	 struct outbox *out)
{
	struct learn_source *s = &l->source[from];
	char role[ROLE_BYTES_MAX + 1] = "";
	struct register_head head = {.term = 0};
	uint16_t place = get_u16(b);
	uint16_t count = get_u16(b);
	uint64_t floor = get_u64(b);
	bool has_entry = place < count;
	if (has_entry) {
		get_text(b, role, sizeof(role));
		register_head_get(b, &head);
	}
	if (!body_whole(b) || count > ROLES_MAX || (has_entry && role[0] == '\0') ||
	    (head.bytes == 0) != (head.stamp.term == 0))
		return false;
	if (l->phase != LEARN_ASKING || number != l->number || s->whole || place != s->next)
		return true;
	if (floor > s->floor)
		s->floor = floor;
	if (has_entry)
		merge(l, from, role, &head);
	s->next = (uint16_t)(place + 1);
	s->whole = s->next >= count;
	if (!s->whole)
		ask(l, from, out);
	if (learn_told(l) < learn_needs(l->nodes))
		return true;
	raise(l);
	l->phase = LEARN_PULLING;
	pull_on(l, now, out);
	return true;
}

/* ---- events ----------------------------------------------------------------------------------
 */

bool
learn_receive(struct learn *l, uint64_t now, cluster_node from, uint64_t number, const char *role,
	      uint8_t what, struct body *b, struct outbox *out)
{
	if (!l->nodes->node[from].voter)
		return false;
	if (what == REGISTER_ENTRY)
		return on_entry(l, now, from, number, b, out);
	if (l->phase != LEARN_PULLING)
		return true;
	if (what == REGISTER_HEAD)
		return on_later_value(l, now, from, number, role, b, out);
	if (what == REGISTER_PIECE)
		on_piece(l, now, from, number, role, b, out);
	return true;
}

void
learn_tick(struct learn *l, uint64_t now, struct outbox *out)
{
	bool silence = now < l->silent_until && MUTANT != MUTANT_LEARNS_AT_ONCE;
	if (l->phase == LEARN_SILENT && !silence) {
		ask_all(l, now, out);
	} else if (l->phase == LEARN_ASKING && now >= l->resend_at) {
		ask_the_silent(l, now, out);
	} else if (l->phase == LEARN_PULLING) {
		pull_tick(&l->pull, now, out);
		if (!pull_active(&l->pull) && now >= l->resend_at)
			ask_all(l, now, out);
	}
}

uint64_t
learn_next(const struct learn *l)
{
	switch (l->phase) {
	case LEARN_SILENT:
		return l->silent_until;
	case LEARN_ASKING:
		return l->resend_at;
	case LEARN_PULLING:
		return pull_active(&l->pull) ? pull_next(&l->pull) : l->resend_at;
	case LEARN_NOT:
	case LEARN_DONE:
		break;
	}
	return CLUSTER_NEVER;
}

/* ---- life ------------------------------------------------------------------------------------
 */

void
learn_begin(struct learn *l, const struct cluster_nodes *nodes, uint64_t silent_until,
	    uint64_t number, uint64_t resend_ms)
{
	*l = (struct learn){.phase = LEARN_SILENT,
			    .nodes = nodes,
			    .silent_until = silent_until,
			    .number = number,
			    .resend_ms = resend_ms};
}

void
learn_deinit(struct learn *l)
{
	pull_stop(&l->pull);
	register_image_deinit(&l->image);
	l->phase = LEARN_NOT;
}
