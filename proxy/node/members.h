/* members.h: the membership as the admin interface asks for it; see admin/face.h. */
#ifndef HOLDFAST_NODE_MEMBERS_H
#define HOLDFAST_NODE_MEMBERS_H

#include "admin/face.h"
#include "node/node.h"

/* As the functions of that name in struct admin_face. */
enum result node_membership(void *node, struct grow *out);
enum result node_change(void *node, const struct admin_change *change, struct admin_later *later,
			struct problem *p);
/* The admin interface is gone. */
void node_changes_free(struct node *n);

#endif
