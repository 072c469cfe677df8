/*
 * resolver_ev.h: asks the DNS and /etc/hosts what names stand for (c-ares, which keeps forged and
 * late answers away), on a loop of the control thread; no request ever waits for it.
 */
#ifndef HOLDFAST_MEMBERS_RESOLVER_EV_H
#define HOLDFAST_MEMBERS_RESOLVER_EV_H

#include "members/names.h"

struct event_base;
struct resolver;

typedef void resolver_fn(void *context, enum name_kind kind, const char *text,
			 const struct name_answer *answer);

/* `config` is borrowed until resolver_free. RESULT_INVALID: servers that are none. */
enum result resolver_create(struct event_base *base, const struct config_resolver *config,
			    resolver_fn *answered, void *context, struct resolver **out,
			    struct problem *p);
/* `text` is borrowed until the answer, which may come before this returns. */
void resolver_ask(struct resolver *r, enum name_kind kind, const char *text);
/* No answer comes any more. Not from within `answered`. */
void resolver_free(struct resolver **r);

/*
 * Asks for all that is due in the book, on a loop of its own, until all have an answer or limit_ms
 * are over, or `stop_fd` is readable (-1: there is none). `told` hears what is new.
 */
typedef void resolver_news_fn(void *context, const struct name *name, enum name_news news);
enum result resolver_settle(struct names *book, const struct config *config, uint64_t limit_ms,
			    int stop_fd, resolver_news_fn *told, void *context, struct problem *p);

#endif
