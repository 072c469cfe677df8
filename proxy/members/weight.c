/* weight.c: see weight.h. */
#include "members/weight.h"

#include <assert.h>

bool
weight_parse(struct slice value, struct weight_said *out)
{
	uint64_t number;
	bool percent = value.bytes > 1 && value.at[value.bytes - 1] == '%';
	struct slice digits = {value.at, value.bytes - percent};
	uint64_t most = percent ? WEIGHT_PERCENT_MAX : MEMBER_WEIGHT_MAX;
	if (!slice_to_u64(digits, &number) || number > most)
		return false;
	if (percent && number == 100)
		*out = (struct weight_said){.form = WEIGHT_CONFIGURED};
	else
		*out = (struct weight_said){.form = percent ? WEIGHT_PERCENT : WEIGHT_NUMBER,
					    .value = (uint16_t)number};
	return true;
}

void
weight_text(struct weight_said said, char text[WEIGHT_TEXT_BYTES])
{
	struct writer w = writer_on(text, WEIGHT_TEXT_BYTES);
	if (said.form != WEIGHT_CONFIGURED)
		write_u64(&w, said.value);
	if (said.form == WEIGHT_PERCENT)
		write_char(&w, '%');
	(void)writer_text(&w);
}

bool
weight_equal(struct weight_said a, struct weight_said b)
{
	return a.form == b.form && a.value == b.value;
}

bool
weight_is_none(struct weight_said said)
{
	return said.form != WEIGHT_CONFIGURED && said.value == 0;
}

unsigned
weight_ramp(uint64_t risen_ms, uint64_t slow_start_ms, uint64_t now_ms)
{
	uint64_t age_ms = now_ms > risen_ms ? now_ms - risen_ms : 0;
	if (risen_ms == 0 || age_ms >= slow_start_ms)
		return WEIGHT_RAMP_STEPS;
	return 1 + (unsigned)((WEIGHT_RAMP_STEPS - 1) * age_ms / slow_start_ms);
}

uint32_t
weight_share(uint32_t configured, struct weight_said said, unsigned ramp)
{
	assert(ramp > 0 && ramp <= WEIGHT_RAMP_STEPS);
	uint64_t share = (uint64_t)configured * WEIGHT_UNIT;
	if (configured == 0 || weight_is_none(said))
		return 0;
	if (said.form == WEIGHT_PERCENT)
		share = (uint64_t)configured * said.value * WEIGHT_UNIT / 100;
	else if (said.form == WEIGHT_NUMBER)
		share = (uint64_t)said.value * WEIGHT_UNIT;
	if (share > WEIGHT_SHARE_MAX)
		share = WEIGHT_SHARE_MAX;
	share = share * ramp / WEIGHT_RAMP_STEPS;
	return share > 0 ? (uint32_t)share : 1;
}
