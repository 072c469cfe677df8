/*
 * weight.h: how much of its weight counts when a member is given new sessions that may go anywhere.
 * Two things take from it: what the member says in its health answers, and the time since it came
 * back (slow start). Pure.
 *
 *   Holdfast-Weight: 50%    half of the configured weight (0% to 1000%)
 *   Holdfast-Weight: 3      as if 3 were configured (0 to 65535)
 *   Holdfast-Weight: 0      no new sessions
 *   without the field       the configured weight
 *
 * The ordering does not know of it: that is made from the configuration alone, so that all nodes
 * have the same one whatever their checks saw.
 */
#ifndef HOLDFAST_MEMBERS_WEIGHT_H
#define HOLDFAST_MEMBERS_WEIGHT_H

#include "base/text.h"
#include "vocab.h"

#define WEIGHT_PERCENT_MAX 1000
#define WEIGHT_UNIT        100 /* shares are counted in hundredths of a weight */
#define WEIGHT_SHARE_MAX   ((uint64_t)MEMBER_WEIGHT_MAX * WEIGHT_UNIT)
#define WEIGHT_RAMP_STEPS  10 /* a slow start begins with one of them */
#define WEIGHT_TEXT_BYTES  8  /* "65535", "1000%"; terminated */

enum weight_form { WEIGHT_CONFIGURED, WEIGHT_PERCENT, WEIGHT_NUMBER };

/* What a member said. Zeroed: nothing, its configured weight holds. */
struct weight_said {
	uint16_t form; /* enum weight_form */
	uint16_t value;
};

/* A field's value. "100%" is the configured weight. False: neither a number nor a percentage in
 * range; *out is as it was. */
bool weight_parse(struct slice value, struct weight_said *out);
/* As it is shown: "50%", "3", or "" when nothing was said. */
void weight_text(struct weight_said said, char text[WEIGHT_TEXT_BYTES]);
bool weight_equal(struct weight_said a, struct weight_said b);
/* True: it asks for no new sessions. */
bool weight_is_none(struct weight_said said);

/*
 * Tenths of the weight that a member has in its slow start: 1 at first, and one more after each
 * ninth of slow_start_ms, 10 at its end. risen_ms: when it came back; 0: it has none.
 */
unsigned weight_ramp(uint64_t risen_ms, uint64_t slow_start_ms, uint64_t now_ms);
/* Hundredths of a weight, at most WEIGHT_SHARE_MAX. Whoever has a weight and asks for more than
 * none has at least one. */
uint32_t weight_share(uint32_t configured, struct weight_said said, unsigned ramp);

#endif
