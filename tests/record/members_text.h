/* members_text.h: a membership of named members, without a configuration or a ring. */
#ifndef HOLDFAST_TESTS_RECORD_MEMBERS_TEXT_H
#define HOLDFAST_TESTS_RECORD_MEMBERS_TEXT_H

#include "members/view.h"

#include <string.h>

#define MEMBERS_TEXT_MAX 64

static struct membership_member members_row[MEMBERS_TEXT_MAX];
static struct membership members = {.epoch = 7, .member = members_row};

/* The names stand in the memory of the caller. */
static inline void
members_name(char *const *names, size_t count)
{
	members.count = count;
	for (size_t i = 0; i < count; i++) {
		members_row[i].id = names[i];
		members_row[i].id_bytes = strlen(names[i]);
	}
}

#endif
