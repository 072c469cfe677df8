/* election_wire.c: bodies of the election's datagrams; see election_inside.h. */
#include "cluster/election_inside.h"

#define FLAG_FIT 1

void
put_claim(struct outgoing *o, const struct cluster_nodes *nodes, const struct claim *claim)
{
	put_u64(o, claim->term);
	put_node(o, nodes, claim->node);
}

struct claim
get_claim(struct body *b, const struct cluster_nodes *nodes)
{
	struct claim claim;
	claim.term = get_u64(b);
	claim.node = get_node(b, nodes);
	if (claim.node >= nodes->count || claim.term == 0 || claim.term > ELECTION_TERM_MAX)
		claim = (struct claim){0, NODE_NONE};
	return claim;
}

void
put_word(struct outgoing *o, const struct cluster_nodes *nodes, const struct word *word)
{
	put_u8(o, (uint8_t)word->state);
	put_u8(o, word->fit ? FLAG_FIT : 0);
	put_claim(o, nodes, &word->claim);
	put_u32(o, word->age_ms);
}

struct word
get_word(struct body *b, const struct cluster_nodes *nodes)
{
	struct word word;
	uint8_t state = get_u8(b);
	if (state > ELECTION_MASTER)
		b->bad = true;
	word.state = (enum election_state)(b->bad ? ELECTION_JOIN : state);
	word.fit = (get_u8(b) & FLAG_FIT) != 0;
	word.claim = get_claim(b, nodes);
	word.age_ms = get_u32(b);
	return word;
}

void
put_echo(struct outgoing *o, const struct echo *echo)
{
	put_u64(o, echo->incarnation);
	put_u64(o, echo->sent_at);
}

struct echo
get_echo(struct body *b)
{
	struct echo echo;
	echo.incarnation = get_u64(b);
	echo.sent_at = get_u64(b);
	return echo;
}

void
put_revoke(struct outgoing *o, const struct cluster_nodes *nodes, const struct revoke *revoke)
{
	put_u8(o, (uint8_t)revoke->kind);
	put_node(o, nodes, revoke->rejected);
	put_u64(o, revoke->winner.term);
	put_node(o, nodes, revoke->winner.node);
	put_u32(o, revoke->age_ms);
}

struct revoke
get_revoke(struct body *b, const struct cluster_nodes *nodes)
{
	struct revoke revoke;
	uint8_t kind = get_u8(b);
	if (kind > REVOKE_RESIGN)
		b->bad = true;
	revoke.kind = (enum revoke_kind)(b->bad ? REVOKE_FACT : kind);
	revoke.rejected = get_node(b, nodes);
	revoke.winner.term = get_u64(b);
	revoke.winner.node = get_node(b, nodes);
	if (revoke.winner.term > ELECTION_TERM_MAX)
		b->bad = true;
	if (revoke.winner.node >= nodes->count)
		revoke.winner.node = NODE_NONE;
	revoke.age_ms = get_u32(b);
	return revoke;
}
