/*
 * compare.h: one service before and after a change, key by key: the answer of `holdfast what-if`.
 *
 *   changes ->  service before  -> explain -+
 *               service after   -> explain -+-> moves (counted), and expected by the weights
 *
 * Members of both are numbered together: those before by their index, then those that are new.
 */
#ifndef HOLDFAST_CLI_COMPARE_H
#define HOLDFAST_CLI_COMPARE_H

#include "cli/change.h"
#include "cli/expected.h"
#include "cli/explain_answer.h"
#include "cli/moves.h"

struct comparison {
	const struct config_service *service; /* as it is; borrowed */
	struct changed changed;
	struct explained before;
	struct explained after;
	size_t count;                   /* members of both together; this number: nobody */
	uint32_t *number;               /* by member after */
	uint32_t *after_index;          /* by number; MEMBER_NONE: gone */
	struct expected_member *member; /* by number */
	struct moves moves;             /* each key by itself, without a tag */
	struct moves tagged;            /* each key with the tag that it got before */
};

/* Where one key goes, by number. */
struct compared_key {
	uint32_t before;
	uint32_t after;
	uint32_t after_tagged;
};

/* `down`: members after the change that are down then, "ID,ID..."; NULL: none. */
enum result comparison_init(struct comparison *c, const struct config_service *service,
			    const struct changes *changes, const char *down, struct problem *p);
void comparison_deinit(struct comparison *c);
/* Counts a key in moves and tagged. */
void comparison_key(struct comparison *c, struct slice key, struct compared_key *out);

/* A session of which more is known than its key. */
struct compared_session {
	uint32_t from; /* where it goes with its tag: primary and last server */
	uint32_t to;
	uint32_t key_from; /* where it would go without one */
	uint32_t key_to;
};
/* Indices of members before, or MEMBER_NONE. Counts nothing. */
void comparison_session(const struct comparison *c, struct session_digest digest, uint32_t primary,
			uint32_t last, struct compared_session *out);

const char *comparison_id(const struct comparison *c, uint32_t number); /* NULL: nobody */

/* How it is printed. */
struct comparison_form {
	bool json;
	bool tagged;       /* the moves of sessions that hold their tags */
	bool summary_only; /* no line a key that moves */
};

/* What stands before the first key, a key (nothing when it stays), and all behind the last. */
void comparison_print_begin(const struct comparison *c, const struct comparison_form *form,
			    FILE *to);
void comparison_print_key(const struct comparison *c, const struct comparison_form *form,
			  struct slice key, const struct compared_key *where, FILE *to);
enum result comparison_print_end(struct comparison *c, const struct comparison_form *form, FILE *to,
				 struct problem *p);

#endif
