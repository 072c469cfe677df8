/* members.c: changes of the membership that the admin interface is asked for, until they are
 * answered; see admin/membership.h. */
#include "node/members.h"

#include "admin/answers.h"
#include "node/epochs.h"

#include <stdlib.h>

struct node_change {
	struct node_change *next;
	struct admin_later *later; /* borrowed; NULL: nobody waits any more */
	uint64_t ticket;
};

enum result
node_membership(void *context, struct grow *out)
{
	return node_epochs_write(context, out);
}

static void
on_cancel(struct admin_later *later)
{
	struct node_change *c = later->keeper;
	c->later = NULL;
}

static void
on_done(struct node *n, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch,
	const char *why)
{
	struct admin_answer answer = {.status = 0};
	struct node_change **at = &n->changes;
	while (*at != NULL && (*at)->ticket != ticket)
		at = &(*at)->next;
	struct node_change *c = *at;
	if (c == NULL)
		return;
	*at = c->next;
	admin_answer_change(&answer, outcome, epoch, why);
	if (c->later != NULL)
		c->later->answer(c->later, &answer);
	admin_answer_deinit(&answer);
	free(c);
}

enum result
node_change(void *context, const struct admin_change *change, struct admin_later *later,
	    struct problem *p)
{
	struct node *n = context;
	struct node_change *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	*c = (struct node_change){n->changes, later, ++n->change_tickets};
	enum result r = node_epochs_propose(
	    n, c->ticket, change->base, (struct slice){change->text, change->bytes}, on_done, p);
	if (r != RESULT_OK) {
		free(c);
		return r;
	}
	n->changes = c;
	later->keeper = c;
	later->cancel = on_cancel;
	return RESULT_OK;
}

void
node_changes_free(struct node *n)
{
	while (n->changes != NULL) {
		struct node_change *c = n->changes;
		n->changes = c->next;
		free(c);
	}
}
