/*
 * change.h: a service as it would be with members added, taken away, or of another weight: what
 * `holdfast what-if` compares with the service as it is.
 */
#ifndef HOLDFAST_CLI_CHANGE_H
#define HOLDFAST_CLI_CHANGE_H

#include "config/config.h"

#define CHANGES_MAX 1024 /* of one question */

enum change_kind { CHANGE_ADD, CHANGE_REMOVE, CHANGE_WEIGHT };

/* As they were told, in that sequence; the texts are borrowed. */
struct changes {
	size_t count;
	struct change {
		enum change_kind kind;
		const char *text;
	} list[CHANGES_MAX];
};

/* RESULT_LIMIT: more than CHANGES_MAX. What the texts say is looked at by changed_init. */
enum result changes_add(struct changes *changes, enum change_kind kind, const char *text,
			struct problem *p);

struct changed {
	const struct config_service *before; /* borrowed */
	struct config_service service;       /* the lists are borrowed, but `members` */
	uint32_t *was;     /* by member: its index before; MEMBER_NONE: it is new */
	size_t added_from; /* members from here on are owned, those before borrowed */
};

/*
 * CHANGE_ADD: "ID[:WEIGHT[:ZONE]]", weight 1, no zone (so an id that is added holds no ':').
 * CHANGE_REMOVE: "ID,ID...". CHANGE_WEIGHT: "ID=N". Bounds and forms are those of the
 * configuration. Who is taken away and added again is the same member. On an error the problem
 * names the option, and *c needs no deinit. `service` must outlive *c.
 */
enum result changed_init(struct changed *c, const struct config_service *service,
			 const struct changes *changes, struct problem *p);
void changed_deinit(struct changed *c);

#endif
