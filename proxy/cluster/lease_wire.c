/* lease_wire.c: bodies of the lease's datagrams; see lease_wire.h. */
#include "cluster/lease_wire.h"

struct outgoing *
lease_put_head(struct outbox *out, cluster_node to, enum datagram_type type, const char *role,
	       const struct ballot *ballot)
{
	struct outgoing *o = outbox_add(out, to, type);
	put_text(o, role);
	put_u64(o, ballot->round);
	put_u32(o, ballot->owner);
	put_u64(o, ballot->boot);
	return o;
}

struct ballot
lease_get_ballot(struct body *b)
{
	struct ballot ballot;
	ballot.round = get_u64(b);
	ballot.owner = get_u32(b);
	ballot.boot = get_u64(b);
	return ballot;
}

bool
lease_get_asked(struct body *b, const struct cluster_nodes *nodes, enum datagram_type type,
		cluster_node from, struct lease_asked *out)
{
	*out = (struct lease_asked){.from = from, .ballot = lease_get_ballot(b)};
	if (type != DATAGRAM_RELEASE) {
		out->lease_ms = get_u32(b);
		out->negotiation_ms = get_u32(b);
	}
	return body_whole(b) && out->ballot.round != 0 && from < nodes->count &&
	       out->ballot.owner == nodes->node[from].alias;
}

const char *
lease_refusal_text(enum lease_refusal refusal)
{
	switch (refusal) {
#define LEASE_REFUSAL(name, number, text, help) \
	case LEASE_REFUSED_##name:              \
		return text;
#include "tbl/lease_refusals.h"
#undef LEASE_REFUSAL
	case LEASE_REFUSED_NOT:
		break;
	}
	return "";
}
