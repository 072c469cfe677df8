/* admission.c: see admission.h. */
#include "edge/admission.h"

#include "base/log.h"
#include "edge/addresses.h"
#include "relay/exchange.h"

#define ADMISSION_SAY_MS 10000 /* between two lines about it, of one worker */

static void
turn_away(struct worker *w, const struct addr *peer)
{
	journal_refused(w, peer, CAUSE_CLIENT_CONNECTIONS);
	unsigned long long count =
	    1 + atomic_fetch_add_explicit(&w->shared->crowded, 1, memory_order_relaxed);
	if (w->crowded_said_ms != 0 && w->now_ms - w->crowded_said_ms < ADMISSION_SAY_MS)
		return;
	w->crowded_said_ms = w->now_ms;
	char ip[ADDR_TEXT_BYTES_MAX];
	struct slice text = addr_ip_text(peer, ip);
	log_warn("connections above limits.connections_per_address are closed, %llu so far, now "
		 "one of %.*s",
		 count, (int)text.bytes, text.at);
}

bool
admit(struct worker *w, const struct addr *peer, bool *counted)
{
	uint32_t most = w->services->config->limits.connections_per_address;
	*counted = false;
	if (most == 0 || !addr_is_ip(peer))
		return true;
	enum address_answer answer = addresses_enter(w->shared->addresses, peer, most);
	*counted = answer == ADDRESS_COUNTED;
	if (answer == ADDRESS_REFUSED)
		turn_away(w, peer);
	return answer != ADDRESS_REFUSED;
}
