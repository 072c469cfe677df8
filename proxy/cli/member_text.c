/* member_text.c: see member_text.h. */
#include "cli/member_text.h"

#include "base/text.h"
#include "vocab.h"

const char *
states_text(const json_t *members, char *text, size_t bytes)
{
	struct writer w = writer_on(text, bytes);
	for (int state = 0; state < MEMBER_STATES; state++) {
		const char *name = member_state_text((enum member_state)state);
		size_t count = 0;
		size_t i;
		const json_t *m;
		json_array_foreach(members, i, m)
		{
			const char *is = json_string_value(json_object_get(m, "state"));
			count += is != NULL && strcmp(is, name) == 0;
		}
		if (count > 0)
			write_format(&w, "%s%zu %s", w.bytes > 0 ? ", " : "", count, name);
	}
	return writer_text(&w);
}

const char *
last_checks(const json_t *member, char *text, size_t bytes)
{
	struct writer w = writer_on(text, bytes);
	const json_t *health = json_object_get(member, "health");
	const char *all = json_string_value(json_object_get(health, "history"));
	size_t count = all != NULL ? strlen(all) : 0;
	for (size_t i = count > CHECKS_SHOWN_MAX ? count - CHECKS_SHOWN_MAX : 0; i < count; i++)
		write_char(&w, all[i] == '1' ? '+' : '-');
	if (count == 0)
		write_char(&w, '.');
	return writer_text(&w);
}

uint64_t
errors_of(const json_t *requests)
{
	const json_t *causes = json_object_get(requests, "by_cause");
	json_int_t sum = 0;
	for (size_t i = 0; i < CAUSES; i++)
		sum += cause_table[i].is_error
			   ? json_integer_value(json_object_get(causes, cause_table[i].text))
			   : 0;
	return sum > 0 ? (uint64_t)sum : 0;
}
