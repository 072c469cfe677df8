/* explain_answer.h: what route/explain.h says, as text, as JSON, or a line a key. */
#ifndef HOLDFAST_CLI_EXPLAIN_ANSWER_H
#define HOLDFAST_CLI_EXPLAIN_ANSWER_H

#include "route/explain.h"

#include <stdio.h>

void explanation_print(const struct explained *x, const struct explanation *e, FILE *to);
enum result explanation_print_json(const struct explained *x, const struct explanation *e,
				   FILE *to);
/* "key TAB digest TAB primary TAB chosen"; "-" for none. The key is escaped. */
void explanation_print_line(const struct explained *x, struct slice key,
			    const struct explanation *e, FILE *to);
/* The same as a JSON object in one line; null for none. */
void explanation_print_json_line(const struct explained *x, struct slice key,
				 const struct explanation *e, FILE *to);

#endif
