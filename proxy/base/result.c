/* result.c: the text of an operating error, written outward: "outer: inner". */
#include "result.h"

#include <stdio.h>
#include <string.h>

enum result
problem_set(struct problem *p, enum result code, const char *format, ...)
{
	if (p == NULL)
		return code;
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(p->text, sizeof(p->text), format, ap);
	va_end(ap);
	return code;
}

enum result
problem_prefix(struct problem *p, enum result code, const char *format, ...)
{
	if (p == NULL)
		return code;
	struct problem inner = *p;
	va_list ap;
	va_start(ap, format);
	int used = vsnprintf(p->text, sizeof(p->text), format, ap);
	va_end(ap);
	if (used < 0 || (size_t)used >= sizeof(p->text))
		return code;
	int room = (int)sizeof(p->text) - used;
	(void)snprintf(p->text + used, (size_t)room, ": %.*s", room > 3 ? room - 3 : 0, inner.text);
	return code;
}
