/*
 * guard.h: who may ask what. Pure.
 *
 * - Host names an IP address, localhost, or a configured name: a page on the web whose name was
 *   pointed at this address (DNS rebinding) gets nothing.
 * - Origin, when there is one, is this very listener's: no page of elsewhere asks.
 * - With a token configured everyone says it: "Authorization: Bearer TOKEN".
 * - What changes something has the token, or the field "Holdfast-Admin: 1": no form and no simple
 *   request of a browser can send either, and asking first (CORS) is never answered with yes.
 */
#ifndef HOLDFAST_ADMIN_GUARD_H
#define HOLDFAST_ADMIN_GUARD_H

#include "http/head.h"

struct guard_rules {
	const char *token;        /* borrowed; NULL: none */
	const char *const *hosts; /* borrowed; lower case */
	size_t host_count;
};

enum guard_verdict {
	GUARD_PASS,
	GUARD_BAD_HOST,
	GUARD_BAD_ORIGIN,
	GUARD_NO_TOKEN,  /* none was said */
	GUARD_BAD_TOKEN, /* another one was said */
	GUARD_NO_FIELD,  /* a change without token and field */
};

/* A head that the parser let through has one Host at most. */
enum guard_verdict guard_check(const struct guard_rules *rules, const struct http_head *head,
			       bool changes);
/* The status that is answered, and a sentence. */
uint16_t guard_status(enum guard_verdict verdict);
const char *guard_text(enum guard_verdict verdict);

#endif
