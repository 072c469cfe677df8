/*
 * roles.h: roles for applications (US 9,596,301: a local election service in every node that
 * processes ask for the leadership of system-wide roles). Pure: a machine beside the others; it
 * speaks to the engine for the role, and to other nodes of who holds it.
 *
 *   process --acquire, renew, release--> roles --engine_acquire, engine_release--> engine
 *                                          ^------- GRANTED, RENEWED, LOST --------'
 *
 * A holder is a process: a text of its own choice, that no other process uses. A node asks for a
 * role in its name while the process goes on asking, and gives it back when its ttl ends without
 * another word. One process a role and node; others are told who it is, and ask again.
 *
 *   IDLE -acquire-> ASKING -GRANTED-> SETTLING -(settle_ms)-> HELD
 *                     ^ `-REFUSED-> RESTING -.
 *                     `---------------------'      any -release, ttl, LOST-> IDLE
 *
 * SETTLING is for the fence (cluster/fence.h): fences look at the register every settle_ms at the
 * latest; when the process is told that it holds the role, every fence that still works knows its
 * term. A process that was deposed gets nothing through from then on, whatever it believes.
 *
 * LEARN, to all, by the holder's node when it is told, renewed, or over: role text, holder text,
 * term u64, rest u32 in ms, 0: over.
 */
#ifndef HOLDFAST_CLUSTER_ROLES_H
#define HOLDFAST_CLUSTER_ROLES_H

#include "cluster/engine.h"

#define ROLE_HOLDER_BYTES_MAX 128
#define ROLE_TTL_MS_MIN       100
#define ROLE_TTL_MS_MAX       (UINT64_C(3600) * 1000)
#define ROLE_NOTICES_MAX      ((size_t)2 * ROLES_MAX)

enum role_state { ROLE_IDLE, ROLE_ASKING, ROLE_RESTING, ROLE_SETTLING, ROLE_HELD };

/* Who holds a role, as this node knows. */
struct role_holder {
	char holder[ROLE_HOLDER_BYTES_MAX + 1]; /* "": nobody that is known of */
	cluster_node node;
	uint64_t term;       /* highest known, also of who holds it no more; 0: none */
	uint64_t expires_ms; /* from now; 0: it is over */
};

enum role_verdict {
	ROLE_YOURS,     /* held, in this very moment */
	ROLE_PENDING,   /* asked for, and not decided */
	ROLE_TAKEN,     /* somebody else's */
	ROLE_NOT_YOURS, /* renew, release: it is not, or no more */
	ROLE_FULL,      /* ROLES_MAX are in use */
	ROLE_RESERVED,  /* `cluster` is the master's */
	ROLE_NO_ENGINE, /* safety is advisory: nobody can promise one holder */
};

/* Something that people and processes are told of. */
struct role_notice {
	char role[ROLE_BYTES_MAX + 1];
	char holder[ROLE_HOLDER_BYTES_MAX + 1];
	bool held; /* else it is over */
	cluster_node node;
	uint64_t term;
};

struct roles {
	const struct cluster_nodes *nodes; /* borrowed */
	struct engine engine;              /* ops NULL: none */
	uint32_t settle_ms;
	uint32_t rest_ms; /* after a refusal, at least; its own on each node */
	struct role_entry {
		char role[ROLE_BYTES_MAX + 1]; /* "": free */
		enum role_state state;
		char wants[ROLE_HOLDER_BYTES_MAX + 1]; /* the process of this node */
		uint64_t keep_until;                   /* without another word of it */
		uint64_t at;    /* RESTING: ask again; SETTLING: then it is held */
		uint64_t until; /* SETTLING, HELD: as the engine granted it */
		uint64_t term;
		struct role_known {
			char holder[ROLE_HOLDER_BYTES_MAX + 1];
			cluster_node node;
			uint64_t term;
			uint64_t until;
		} known;
	} list[ROLES_MAX];
	struct role_notice notice[ROLE_NOTICES_MAX];
	size_t notice_first;
	size_t notice_count;
	uint64_t notices_lost;
	uint64_t changes; /* counts all that may change an answer */
};

/* T / 20; the same on all nodes: fences count on it. */
uint32_t roles_settle_ms(uint32_t lease_ms);
/* A role's name: 1 to ROLE_BYTES_MAX of A-Z a-z 0-9 . _ : - as all ids. */
bool role_name_good(const char *role);
/* A holder: 1 to ROLE_HOLDER_BYTES_MAX printable bytes of ASCII without blank, quote, backslash. */
bool role_holder_good(const char *holder);

/* `engine` is copied; ops NULL: every verdict is ROLE_NO_ENGINE. */
void roles_init(struct roles *r, const struct cluster_nodes *nodes, const struct engine *engine,
		uint32_t lease_ms);

/*
 * Names and holders are good. Asking goes on for ttl_ms after the last call, then the role is given
 * back. *out is filled whatever the verdict.
 */
enum role_verdict roles_acquire(struct roles *r, uint64_t now, const char *role, const char *holder,
				uint64_t ttl_ms, struct role_holder *out, struct outbox *box);
/* As acquire, but what is not held is not asked for. */
enum role_verdict roles_renew(struct roles *r, uint64_t now, const char *role, const char *holder,
			      uint64_t ttl_ms, struct role_holder *out);
/* Given back, or not asked for any more: ROLE_YOURS; or ROLE_NOT_YOURS. */
enum role_verdict roles_release(struct roles *r, uint64_t now, const char *role, const char *holder,
				struct role_holder *out, struct outbox *box);
/* Who holds it; asks nobody. */
void roles_look(const struct roles *r, uint64_t now, const char *role, struct role_holder *out);

/* To be asked right before each use: held by this process, and nobody else can have it. */
bool roles_holds(const struct roles *r, uint64_t now, const char *role, const char *holder);

/* As a party of the plane. */
void roles_receive(struct roles *r, uint64_t now, const struct incoming *in, struct outbox *out);
void roles_event(struct roles *r, uint64_t now, const struct engine_event *event,
		 struct outbox *out);
void roles_tick(struct roles *r, uint64_t now, struct outbox *out);
uint64_t roles_next(const struct roles *r);
/* The node stops: all that is held is given back. */
void roles_leave(struct roles *r, uint64_t now, struct outbox *out);
/* False: nothing more. */
bool roles_take(struct roles *r, struct role_notice *out);

#endif
