/*
 * own_answer.h: what Holdfast says itself, whichever door it goes through: the part of it that no
 * protocol changes. The caller sets date, close and head_only.
 */
#ifndef HOLDFAST_EDGE_OWN_ANSWER_H
#define HOLDFAST_EDGE_OWN_ANSWER_H

#include "http/forward.h"
#include "relay/exchange.h"

#define OWN_LINE_BYTES_MAX 64

/* By the cause's row. `x` NULL: there is no exchange. `line` is lent to the answer. */
struct own_response own_refusal(const struct exchange *x, enum cause cause, uint16_t status,
				uint32_t retry_after_s, char line[OWN_LINE_BYTES_MAX]);
/* TRACE and OPTIONS end here at Max-Forwards: 0 (RFC 9110 sections 7.6.2, 9.3.7, 9.3.8). */
struct own_response own_echo(const struct http_head *request);
/*
 * Where clients show certificates, what they were asked for under one name is good for no other
 * host (RFC 9110 section 15.5.20). `tls` is not NULL.
 */
bool is_misdirected(const struct tls_facts *tls, const struct http_head *request);

#endif
