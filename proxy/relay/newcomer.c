/*
 * newcomer.c: new sessions of services that give out tickets (assign = "race", admission =
 * "ticket"), or ask the master (assign = "master"): one that shows a ticket of this node lives
 * here; others race for a place, are given one, or come in while there is room. Sessions that live
 * somewhere already never come here.
 *
 *   Holdfast-Ticket: TICKET                 of the entry node, bound to the session's digest
 *   Holdfast-Ticket: TICKET; secret=HEX     of a client that raced itself; no secret when it is
 *                                           bound to the client's address
 */
#include "relay/placing.h"
#include "relay/racing.h"

#include "members/fullness.h"

#define SECRET_BYTES_MAX 64

static const struct config_service *
config_of(const struct exchange *x)
{
	return x->slot->service->config;
}

/* ---- tickets ----------------------------------------------------------------------------------
 */

/* "secret=HEX" into bytes. 0: none, or not that. */
static size_t
secret_of(struct slice parameter, uint8_t bytes[SECRET_BYTES_MAX])
{
	struct slice name = SLICE("secret=");
	struct slice hex = slice_trim(parameter);
	if (!slice_has_prefix(hex, name) || (hex.bytes - name.bytes) / 2 > SECRET_BYTES_MAX)
		return 0;
	hex.at += name.bytes;
	hex.bytes -= name.bytes;
	return hex_decode(hex, bytes, hex.bytes / 2) ? hex.bytes / 2 : 0;
}

/* What the ticket must be bound to, for whoever shows it here. */
static struct ticket_bind
binding(const struct exchange *x, struct slice text, struct slice parameter)
{
	uint8_t secret[SECRET_BYTES_MAX];
	if (x->hopped)
		return ticket_bind_secret(
		    (struct slice){(const char *)x->session.digest.bytes, DIGEST_BYTES});
	if (ticket_binding(text) == TICKET_BIND_ADDRESS)
		return ticket_bind_address(x->door->peer);
	size_t bytes = secret_of(parameter, secret);
	return ticket_bind_secret((struct slice){(const char *)secret, bytes});
}

static enum ticket_rejection
check(struct exchange *x, struct slice text, struct slice parameter, uint32_t *member)
{
	struct worker *w = x->worker;
	const struct membership *m = exchange_membership(x);
	struct ticket_bind bind = binding(x, text, parameter);
	struct ticket_claims want = {.service = x->slot->service->ticket_service,
				     .member = ticket_claimed_member(text)};
	struct ticket_claims claims;
	ticket_keys_tell_time(&w->tickets, w->now_ms);
	enum ticket_rejection rejection =
	    ticket_check(&w->tickets, text, &want, &bind, w->now_ms, &claims);
	if (rejection != TICKET_NONE)
		return rejection;
	*member = membership_by_alias(m, claims.member);
	return *member != MEMBER_NONE && m->member[*member].own ? TICKET_NONE : TICKET_OTHER_MEMBER;
}

/* True: x is over. */
static bool
show_ticket(struct exchange *x)
{
	size_t at = 0;
	const struct http_field *field =
	    http_field_find_id(&x->request, FIELD_HOLDFAST_TICKET, &at);
	struct slice value = http_field_value(&x->request, field);
	size_t end = slice_find(value, ';');
	struct slice text = slice_trim((struct slice){value.at, end});
	struct slice parameter = SLICE_NONE;
	uint32_t member;
	if (end < value.bytes)
		parameter = (struct slice){value.at + end + 1, value.bytes - end - 1};
	enum ticket_rejection rejection = check(x, text, parameter, &member);
	tally_add(&x->slot->tally->tickets[rejection], 1);
	if (rejection != TICKET_NONE) {
		x->ticket_rejection = (uint8_t)rejection;
		journal_ticket_rejected(x, rejection);
		exchange_fail(x, CAUSE_TICKET_REJECTED);
		return true;
	}
	x->whom.primary = member;
	if (!x->hopped && x->session.source == SESSION_ISSUED) {
		ticket_session(text, &x->session.digest);
		x->whom.digest = x->session.digest;
	}
	return false;
}

/* ---- those without ----------------------------------------------------------------------------
 */

bool
newcomer_admit(struct exchange *x)
{
	const struct config_service *c = config_of(x);
	if (c->admission != ADMISSION_TICKET || x->whom.primary == MEMBER_NONE)
		return true;
	const struct membership_member *m = &exchange_membership(x)->member[x->whom.primary];
	if (!m->own)
		return true; /* its node asks */
	if (fullness_of(m, c->race.full, 0) < c->race.busy * (FULLNESS_ALL / 100))
		return true;
	exchange_fail(x, CAUSE_TICKET_WANTED);
	return false;
}

bool
newcomer_enter(struct exchange *x)
{
	if (x->slot->service->gives_tickets && http_head_has(&x->request, FIELD_HOLDFAST_TICKET))
		return show_ticket(x);
	if (!x->hopped && config_of(x)->assign == ASSIGN_MASTER && placing_start(x))
		return true;
	if (!x->hopped && config_of(x)->assign == ASSIGN_RACE && racing_start(x))
		return true;
	return !newcomer_admit(x);
}
