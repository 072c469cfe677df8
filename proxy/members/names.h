/*
 * names.h: the book of host names that members stand under: what each stands for, when it is to be
 * asked again, and a configuration made of that. Pure: who asks is members/resolver_ev.h.
 *
 *   origin = "app.internal:8080"                  one member at one address of the name
 *   discover = "dns://app.internal:8080"          a member for each address; its id is the address
 *   discover = "dns+srv://_http._tcp.internal"    a member for each target of the best priority;
 * its id is "target:port", which outlives its addresses
 *
 * Ids come from the answers alone, so that nodes which get the same answers have the same ordering.
 * A name that has several addresses stands for the one that it stood for before, as long as that is
 * among them, else for the first by its bytes, IPv4 before IPv6. A name that does not resolve any
 * more keeps its last addresses.
 */
#ifndef HOLDFAST_MEMBERS_NAMES_H
#define HOLDFAST_MEMBERS_NAMES_H

#include "config/config.h"

#define NAME_ANSWERS_MAX   256 /* addresses or targets of one name; further ones are left out */
#define NAME_WHY_BYTES_MAX 96
#define NAMES_MAX          ((size_t)2 * MEMBERS_MAX)
#define NAMES_ASKED_MAX    32 /* at once */

enum name_kind { NAME_HOST, NAME_SRV };

struct name_target {
	struct addr host; /* ADDR_NAME, with its port */
	uint16_t priority;
	uint16_t weight;
};

/* What a question came to. */
struct name_answer {
	const char *why; /* it failed; static. NULL: well */
	uint64_t ttl_ms;
	size_t count;
	size_t more;                                 /* for which there was no room */
	struct addr address[NAME_ANSWERS_MAX];       /* NAME_HOST; ports are 0 */
	struct name_target target[NAME_ANSWERS_MAX]; /* NAME_SRV */
};

struct name {
	enum name_kind kind;
	const char *text; /* kept for the life of the process (base/addr.h) */
	size_t count;
	struct addr *address;       /* owned; NAME_HOST: sorted */
	struct name_target *target; /* owned; NAME_SRV: sorted */
	struct addr chosen;         /* NAME_HOST: family 0: none yet */
	size_t more;                /* answers beyond NAME_ANSWERS_MAX */
	size_t left_out; /* of `discover`: answers that make no member, these and others */
	size_t left_out_told;
	uint64_t ask_at_ms;
	bool wanted;
	bool asking;
	bool answered; /* once at least, well or not */
	bool failing;
	char why[NAME_WHY_BYTES_MAX]; /* while failing */
	uint64_t since_ms;            /* of the present failing or not */
	uint64_t failures;
};

struct names {
	struct name *list; /* owned */
	size_t count;
	size_t capacity;
};

void names_deinit(struct names *n);
/* What the configuration names, and what those names name, is wanted, and nothing else. False: no
 * memory. */
bool names_want(struct names *n, const struct config *config, uint64_t now_ms);
/* All that is not wanted. */
void names_forget(struct names *n);
/* The next one that is to be asked now, marked as asked; NULL: none, or enough are asked already.
 */
struct name *names_due(struct names *n, uint64_t now_ms);
/* When there will be one; UINT64_MAX: when an answer came. */
uint64_t names_next_ms(const struct names *n);
/* Nobody is asked any more: what had no answer is due again. */
void names_unask(struct names *n);
/* Has every name an answer, or failed? */
bool names_settled(const struct names *n);

enum name_news { NAME_SAME, NAME_CHANGED, NAME_FAILED, NAME_BACK, NAME_BACK_CHANGED };
/*
 * Takes the answer over and says what is new. `resolver`: bounds of the TTL. Of who is not asked
 * any more nothing is new. No memory: as if it had failed.
 */
enum name_news names_answer(struct names *n, enum name_kind kind, const char *text,
			    const struct name_answer *answer,
			    const struct config_resolver *resolver, uint64_t now_ms);
/* Lays what is known over the members. False: no memory. */
bool names_lay(struct names *n, struct config *config);
/*
 * A name of whose answers another number than before makes no members: their ids (TARGET:PORT) are
 * longer than ID_BYTES_MAX, or there are too many. NULL: there is no such name any more.
 */
const struct name *names_left_out(struct names *n);
/* NULL: no such name. */
const struct name *names_find(const struct names *n, enum name_kind kind, const char *text);

#endif
