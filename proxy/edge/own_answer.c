/* own_answer.c: see own_answer.h. */
#include "edge/own_answer.h"

struct own_response
own_refusal(const struct exchange *x, enum cause cause, uint16_t status, uint32_t retry_after_s,
	    char line[OWN_LINE_BYTES_MAX])
{
	struct own_response r = {
	    .status = status,
	    .detail = slice_of(cause_table[cause].text),
	    .retry_after_s = retry_after_s,
	};
	if (cause == CAUSE_TAKEN_BACK)
		r.added = SLICE("Holdfast-Pass: 1\r\n");
	if (cause == CAUSE_TICKET_REJECTED) {
		enum ticket_rejection why = x->ticket_rejection;
		struct writer w = writer_on(line, OWN_LINE_BYTES_MAX);
		write_together(&w, SLICE("Holdfast-Ticket: rejected; reason="),
			       slice_of(ticket_rejection_text(why)), SLICE("\r\n"));
		r.added = (struct slice){w.at, w.bytes};
	}
	return r;
}

struct own_response
own_echo(const struct http_head *request)
{
	struct own_response r = {.status = 200, .detail = SLICE("holdfast")};
	if (request->method == METHOD_TRACE) {
		/* Never the fields: cookies and credentials are in them. */
		r.detail = request->target;
	} else {
		r.added = SLICE("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH\r\n");
	}
	return r;
}

bool
is_misdirected(const struct tls_facts *tls, const struct http_head *request)
{
	if (!tls->named_strictly)
		return false;
	/* Nodes connect by a name of their own. Who has no right to the field gets nothing by it:
	 * the authorities are those of the listener, whatever the name. */
	if (http_head_has(request, FIELD_HOLDFAST_HOP))
		return false;
	struct slice host = request->host;
	host.bytes = slice_find(host, ':'); /* a name, for an address is never a server name */
	return !slice_equal_nocase(host, tls->server_name);
}
