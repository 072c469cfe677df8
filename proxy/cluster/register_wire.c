/* register_wire.c: bodies of the register's datagrams; see register_wire.h. */
#include "cluster/register_wire.h"

struct outgoing *
register_put(struct outbox *out, cluster_node to, enum datagram_type type, const char *role,
	     uint64_t number)
{
	struct outgoing *o = outbox_add(out, to, type);
	put_text(o, role);
	put_u64(o, number);
	return o;
}

void
register_put_write(struct outbox *out, cluster_node to, const char *role,
		   const struct register_asked *asked)
{
	struct outgoing *o = register_put(out, to, DATAGRAM_WRITE, role, asked->number);
	put_u8(o, (uint8_t)asked->kind);
	register_head_put(o, &asked->head);
}

bool
register_get_write(struct body *b, struct register_asked *asked)
{
	asked->number = get_u64(b);
	uint8_t kind = get_u8(b);
	register_head_get(b, &asked->head);
	asked->kind = (enum register_kind)kind;
	const struct register_head *head = &asked->head;
	if (!body_whole(b) || head->term == 0)
		return false;
	if (kind == REGISTER_CLAIM)
		return head->claimant.node != ALIAS_NONE;
	bool as_owner = head->claimant.node != ALIAS_NONE;
	return kind == REGISTER_VALUE && head->bytes != 0 && head->stamp.term != 0 &&
	       (as_owner ? head->stamp.term <= head->term : head->stamp.term == head->term);
}
