/* roff.c: see roff.h. */
#include "roff.h"

#include <ctype.h>

#include "vocab.h"

/* man(7), groff_char(7): these would be typeset as something else. */
static const char *
escape_of(char c)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '-':
		return "\\-";
	case '^':
		return "\\(ha";
	case '~':
		return "\\(ti";
	case '`':
		return "\\(ga";
	case '\'':
		return "\\(aq";
	case '"':
		return "\\(dq";
	default:
		return NULL;
	}
}

void
roff_run(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *escape = escape_of(*text);
		if (escape != NULL)
			(void)fputs(escape, to);
		else
			(void)fputc(*text, to);
	}
}

/* A line of text that begins with a dot would be a request. */
static void
run_line(FILE *to, const char *text)
{
	if (*text == '.')
		(void)fputs("\\&", to);
	roff_run(to, text);
	(void)fputc('\n', to);
}

static void
request(FILE *to, const char *name, const char *argument)
{
	(void)fprintf(to, ".%s \"", name);
	roff_run(to, argument);
	(void)fputs("\"\n", to);
}

void
roff_title(FILE *to, const char *name, int section, const char *about)
{
	(void)fputs(
	    ".\\\" Written from the tables that the program reads (include/tbl); not by hand.\n",
	    to);
	(void)fputs(".TH \"", to);
	for (const char *c = name; *c != '\0'; c++)
		(void)fputc(toupper((unsigned char)*c), to);
	(void)fprintf(to, "\" %d \"\" \"Holdfast %s\" \"Holdfast\"\n", section, HOLDFAST_VERSION);
	roff_section(to, "NAME");
	roff_run(to, name);
	(void)fputs(" \\- ", to);
	run_line(to, about);
}

void
roff_section(FILE *to, const char *heading)
{
	request(to, "SH", heading);
}

void
roff_subsection(FILE *to, const char *heading)
{
	request(to, "SS", heading);
}

void
roff_text(FILE *to, const char *text)
{
	(void)fputs(".PP\n", to);
	run_line(to, text);
}

void
roff_item(FILE *to, const char *word, const char *text)
{
	(void)fputs(".TP\n", to);
	request(to, "B", word);
	run_line(to, text);
}

void
roff_more(FILE *to, const char *text)
{
	(void)fputs(".br\n", to);
	run_line(to, text);
}

void
roff_example(FILE *to, const char *lines)
{
	(void)fputs(".PP\n.RS 4\n.EX\n", to);
	bool begins = true;
	for (; *lines != '\0'; lines++) {
		const char one[] = {*lines, '\0'};
		if (begins && *lines == '.')
			(void)fputs("\\&", to);
		if (*lines == '\n')
			(void)fputc('\n', to);
		else
			roff_run(to, one);
		begins = *lines == '\n';
	}
	(void)fputs(".EE\n.RE\n", to);
}
