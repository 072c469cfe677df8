/*
 * explain.h: where sessions of one service go, asked beside the request path: by `holdfast
 * explain`, what-if and the admin interface. The decision itself is that of the request path:
 * route/plan.h.
 */
#ifndef HOLDFAST_ROUTE_EXPLAIN_H
#define HOLDFAST_ROUTE_EXPLAIN_H

#include "config/config.h"
#include "members/view.h"
#include "route/plan.h"

/* One service as the question sees it. */
struct explained {
	const struct config_service *service; /* borrowed */
	struct membership *membership;        /* one reference */
	struct view *view;                    /* one reference */
	struct plan_rules rules;
	uint32_t primary; /* as the session's tag says; MEMBER_NONE: no tag, the order decides */
	uint32_t last;
	bool idle; /* the session was without a request for session.stay_until_idle */
};

/* As if these members were in a state. */
struct explained_marks {
	const char *ids; /* with ',' between */
	enum member_state state;
	const char *option; /* for the problem: "--down" */
};

/*
 * `down`: ids with ',' between; NULL: none. `primary`, `last`: ids of a tag; NULL: none. On an
 * error the problem says it in one line and *x needs no deinit.
 */
enum result explained_init(struct explained *x, const struct config_service *service,
			   const char *down, const char *primary, const char *last,
			   struct problem *p);
/* The same of a running node: who is up by its own view. Cannot fail. */
void explained_init_live(struct explained *x, const struct config_service *service,
			 struct view *view);
void explained_deinit(struct explained *x);
/* As if the session's tag named these; as with explained_init. */
enum result explained_tag(struct explained *x, const char *primary, const char *last,
			  struct problem *p);
/* Changes the view; on an error the problem says it in one line and *x is as it was. */
enum result explained_mark(struct explained *x, const struct explained_marks *marks,
			   struct problem *p);

struct explanation {
	struct session_digest digest;
	bool from_key;    /* else the digest was given */
	uint32_t primary; /* MEMBER_NONE: no member has a weight */
	struct plan plan;
};
void explain_digest(const struct explained *x, struct session_digest digest,
		    struct explanation *out);
/* The digest of a session key under the service's pool key, then as above. */
void explain_key(const struct explained *x, struct slice key, struct explanation *out);
/* As explain_digest, but with this primary and last instead of those of *x. */
void explain_session(const struct explained *x, struct session_digest digest, uint32_t primary,
		     uint32_t last, struct explanation *out);
/* Who serves it; MEMBER_NONE: nobody. */
uint32_t explanation_chosen(const struct explanation *e);
/* The whole order, *count of them; free it. NULL: no memory. */
uint32_t *explained_order(const struct explained *x, const struct explanation *e, size_t *count);

#endif
