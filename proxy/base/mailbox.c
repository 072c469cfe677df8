/* mailbox.c: see mailbox.h. */
#include "base/mailbox.h"

void
mailbox_init(struct mailbox *m, size_t count_max, void (*ring)(void *), void *context)
{
	*m = (struct mailbox){.count_max = count_max, .ring = ring, .context = context};
	(void)pthread_mutex_init(&m->lock, NULL);
}

void
mailbox_deinit(struct mailbox *m)
{
	struct letter *letter;
	while ((letter = mailbox_take(m)) != NULL)
		letter->drop(letter);
	(void)pthread_mutex_destroy(&m->lock);
}

bool
mailbox_post(struct mailbox *m, struct letter *letter)
{
	(void)pthread_mutex_lock(&m->lock);
	bool room = m->count_max == 0 || m->count < m->count_max;
	bool first = m->first == NULL;
	if (room) {
		letter->next = NULL;
		if (first)
			m->first = letter;
		else
			m->last->next = letter;
		m->last = letter;
		m->count++;
	}
	(void)pthread_mutex_unlock(&m->lock);
	if (room && first && m->ring != NULL)
		m->ring(m->context);
	return room;
}

struct letter *
mailbox_take(struct mailbox *m)
{
	(void)pthread_mutex_lock(&m->lock);
	struct letter *letter = m->first;
	if (letter != NULL) {
		m->first = letter->next;
		m->count--;
	}
	(void)pthread_mutex_unlock(&m->lock);
	return letter;
}
