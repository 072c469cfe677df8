/*
 * face.h: what the admin interface can ask of the node that it belongs to. All of it is called on
 * the control thread. A node gives it; tests give another one.
 */
#ifndef HOLDFAST_ADMIN_FACE_H
#define HOLDFAST_ADMIN_FACE_H

#include "admin/guard.h"
#include "admin/membership.h"
#include "admin/status.h"
#include "base/grow.h"
#include "result.h"

/* Where does a session go? Texts may be NULL; either key or digest is there. */
struct admin_question {
	struct slice service; /* empty: the only one */
	struct slice key;
	struct slice digest; /* 32 hex digits, instead of a key; empty: none */
	const char *down;    /* as if these were down, besides those that are; ids with ',' */
	const char *primary; /* ids, as a tag would name them */
	const char *last;
	bool brief; /* explain_json_brief */
};

/* What the operator wants of a member. */
struct admin_wish {
	struct slice service; /* empty: whichever has the id */
	struct slice id;
	enum member_state order; /* DRAIN, MAINT; UP: none */
	bool drain_only;         /* of an order that is taken back: only a drain */
};

struct admin_granted {
	char service[ID_BYTES_MAX + 1];
	char id[ID_BYTES_MAX + 1];
	enum member_state state;
	enum member_state order;
	unsigned active;
};

enum admin_role_what { ADMIN_ROLE_LOOK, ADMIN_ROLE_ACQUIRE, ADMIN_ROLE_RENEW, ADMIN_ROLE_RELEASE };

/* What a process wants of a role (cluster/roles.h). */
struct admin_role_ask {
	enum admin_role_what what;
	const char *role;
	const char *holder;
	uint64_t ttl_ms;
};

#define ADMIN_HOLDER_BYTES 160

struct admin_role {
	bool yours;
	bool pending;                    /* asked for: asking again later may get it */
	const char *reason;              /* why it is not yours; static */
	char holder[ADMIN_HOLDER_BYTES]; /* empty: nobody that is known of */
	char node[ID_BYTES_MAX + 1];
	uint64_t term;       /* 0: none is known */
	uint64_t expires_ms; /* 0: nobody holds it */
};

/* A voter that begins again (cluster/learn.h). */
struct admin_readmitted {
	char node[ID_BYTES_MAX + 1];
	uint64_t silent_ms; /* that are left */
};

/*
 * An answer that comes later: who took the question calls `answer` once, on the control thread and
 * not before the call that gave it the question has returned. Before that it may be told by
 * `cancel` that nobody waits any more: then it must not answer.
 */
struct admin_answer;
struct admin_later {
	void (*answer)(struct admin_later *later, struct admin_answer *answer);
	void (*cancel)(struct admin_later *later); /* set by who took the question */
	void *keeper;                              /* its own */
};

struct admin_face {
	void *node;
	/* Good until the next call of anything here. */
	struct guard_rules (*rules)(void *node);
	bool (*stopping)(void *node);
	/* *out is an initialised status. */
	enum result (*status)(void *node, struct status *out);
	/* One JSON object. RESULT_NOT_FOUND: no such service or member; RESULT_INVALID. */
	enum result (*explain)(void *node, const struct admin_question *question, struct grow *out,
			       struct problem *p);
	/* RESULT_NOT_FOUND: no such id; RESULT_INVALID: in several services; RESULT_LIMIT: it is in
	 * maintenance, and a drain was to be taken back. */
	enum result (*order)(void *node, const struct admin_wish *wish, struct admin_granted *out,
			     struct problem *p);
	/*
	 * NULL: this version cannot. RESULT_INVALID: a bad name; RESULT_IO: no majority can be
	 * asked for, as the cluster is advisory or there is none. *out is filled with RESULT_OK.
	 */
	enum result (*role)(void *node, const struct admin_role_ask *ask, struct admin_role *out,
			    struct problem *p);
	/*
	 * GET /v1/master with this query: into *answer (true), or later. NULL: there is no control
	 * plane.
	 */
	bool (*master)(void *node, struct slice query, struct admin_later *later,
		       struct admin_answer *answer);
	/* The document; RESULT_NOT_FOUND: no cluster. Both may be NULL: the same. */
	enum result (*membership)(void *node, struct grow *out);
	/* RESULT_OK: its answer comes later, by admin_answer_change. */
	enum result (*change)(void *node, const struct admin_change *change,
			      struct admin_later *later, struct problem *p);
	/*
	 * `id` must be this node's. RESULT_NOT_FOUND: it is another's, or no voter's;
	 * RESULT_INVALID: nothing is lost; RESULT_LIMIT: too few others know. NULL: this version
	 * cannot.
	 */
	enum result (*readmit)(void *node, struct slice id, struct admin_readmitted *out,
			       struct problem *p);
	/* NULL: this version cannot. Anything but RESULT_OK: the old configuration stays. */
	enum result (*reload)(void *node, struct problem *p);
};

#endif
