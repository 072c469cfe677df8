/*
 * keyrule.h: where the session key stands in a request, or in the answer that
 * issues it: one rule of session.keys, compiled.
 *
 *   cookie:NAME  header:NAME  query:NAME  path:REGEX (group 1, PCRE2)  ip
 *   bearer:CLAIM (of a JWT)  basic:user (both read, not trusted: see credentials.h)
 *   client-cert:subject|san|fingerprint (of a certificate that was verified: tls/facts.h)
 *   response-cookie:NAME  response-header:NAME (found in answers alone)
 *   with options  | before:S  | after:S  | lower
 *
 * `before:.` keeps what stands before the first '.', `after:!` what stands after
 * the first '!'; S has 1 to 16 characters; each leaves a key without the mark as it
 * is. `lower` is ASCII's. Options apply in the order in which they are written; '|'
 * begins one only with a blank on both sides, so that path:^/(a|b)/ means itself.
 *
 * Nothing is decoded but credentials. A cookie, header or parameter that is repeated counts by its
 * first. The path is matched without the query, by bytes, anchored only where the
 * expression says so. A rule that finds nothing, or an empty key, or one longer than
 * SESSION_KEY_BYTES_MAX, or whose expression hits its limit, does not match.
 */
#ifndef HOLDFAST_AFFINITY_KEYRULE_H
#define HOLDFAST_AFFINITY_KEYRULE_H

#include "base/addr.h"
#include "http/head.h"
#include "tls/facts.h"

#define KEYRULE_REGEX_MATCH_LIMIT 10000 /* PCRE2 match limit of one path:REGEX */
#define KEYRULE_TEXT_BYTES_MAX    1024  /* of a rule as written */

enum keyrule_source {
	KEY_COOKIE,
	KEY_HEADER,
	KEY_QUERY,
	KEY_PATH,
	KEY_IP,
	KEY_BEARER,
	KEY_BASIC,
	KEY_CLIENT_CERT,
	KEY_RESPONSE_COOKIE,
	KEY_RESPONSE_HEADER,
};

struct keyrule; /* immutable after compile; any number of threads may match at once */

/* RESULT_INVALID: the problem says what is wrong with `text`; RESULT_NO_MEMORY. */
enum result keyrule_compile(struct slice text, struct keyrule **out, struct problem *p);
void keyrule_free(struct keyrule **rule);
enum keyrule_source keyrule_source(const struct keyrule *rule);
/* Of the cookie, header, parameter or claim; the expression of a path; "user" of basic; "subject"
 * and its like of a certificate; empty for ip. Lives as long as the rule. */
struct slice keyrule_name(const struct keyrule *rule);

/* Who asks, besides what the request says. */
struct keyrule_client {
	const struct addr *address;
	const struct tls_identity *identity; /* NULL: without a certificate */
};

/*
 * The session key of a request by this rule. On true *key is borrowed from the head,
 * the identity or, when an option changed its bytes or the source is `ip` or credentials, from
 * scratch (SESSION_KEY_BYTES_MAX bytes given by the caller).
 */
bool keyrule_match(const struct keyrule *rule, const struct http_head *request,
		   struct keyrule_client client, char *scratch, struct slice *key);
/* The same for a rule of source KEY_COOKIE whose cookie the caller has found. */
bool keyrule_match_value(const struct keyrule *rule, struct slice value, char *scratch,
			 struct slice *key);

/* May an answer issue a key for this rule: cookie, header and what stands in answers alone. */
bool keyrule_learns(const struct keyrule *rule);
/*
 * The key that an answer issues for this rule: the value of a Set-Cookie with the
 * rule's cookie name, or the response header of the rule's name, options applied.
 * False: none, or the answer deletes the cookie (empty value, Max-Age <= 0), or the rule
 * does not learn.
 */
bool keyrule_match_response(const struct keyrule *rule, const struct http_head *response,
			    char *scratch, struct slice *key);

#endif
