/*
 * h2_links.h: the connections of one worker to members that speak HTTP/2 (h2_link.h): which one
 * carries a request, which of them have something to be done at the end of a round (turn.h), and
 * that none outlives its worker.
 *
 * A member's links stand in live->load[].links, latest first, as long as requests may find them; a
 * link that lives stands in `all`.
 */
#ifndef HOLDFAST_RELAY_H2_LINKS_H
#define HOLDFAST_RELAY_H2_LINKS_H

#include "relay/h2_link.h"

/* What a worker has for members that speak HTTP/2, made with the first link. */
struct h2_links {
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	struct h2_link *all;  /* that are not closed, linked */
	struct h2_link *turn; /* that have something to send */
	struct h2_leg *news;  /* that have something to tell, oldest first */
	struct h2_leg *news_last;
	struct writer out; /* frames on their way to a socket; empty between calls */
	char out_bytes[SCRATCH_BYTES];
};

/* A leg of a link to this member, for `x`. The arguments and errors of upstream_get. */
struct upstream *h2_links_get(struct worker *w, struct member_live *live, struct exchange *x,
			      enum upstream_choice choice, enum reason *reason);
/* A link that takes one more stream, or will: one that is there if the choice allows, else a new
 * one. NULL: *reason says why (NONE: for want of something here). */
struct h2_link *h2_links_with_room(struct worker *w, struct member_live *live,
				   const struct config_service *config, enum upstream_choice choice,
				   enum reason *reason);
/* Those that rest, of this worker; the others when they come to rest. */
void h2_links_close_idle(struct worker *w, struct member_live *live);
/* How many rest. */
uint32_t h2_links_resting(const struct worker *w, const struct member_live *live);
/* The end of a round of the loop. */
void h2_links_turn(struct worker *w);
/* The worker's end: nobody holds a leg any more. */
void h2_links_release(struct worker *w);

/* ---- for h2_link.c ---- */

/* It lives, and requests may find it. */
void h2_links_add(struct h2_link *link);
/* Requests find it no more. */
void h2_links_hide(struct h2_link *link);
/* It is closed: out of all lists. */
void h2_links_remove(struct h2_link *link);

#endif
