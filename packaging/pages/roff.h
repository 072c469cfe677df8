/*
 * roff.h: manual pages in the macros of man(7), from plain text: what would be a request or an
 * escape in it is text on the page.
 */
#ifndef HOLDFAST_PAGES_ROFF_H
#define HOLDFAST_PAGES_ROFF_H

#include <stdio.h>

/* "holdfast.conf", 5, "configuration of Holdfast": header and the section NAME. */
void roff_title(FILE *to, const char *name, int section, const char *about);
void roff_section(FILE *to, const char *heading);
void roff_subsection(FILE *to, const char *heading);
/* A paragraph. */
void roff_text(FILE *to, const char *text);
/* A word in bold, what is said of it indented below: begun by the word, ended by anything else. */
void roff_item(FILE *to, const char *word, const char *text);
/* A further line of the same item. */
void roff_more(FILE *to, const char *text);
/* As it is, in a typewriter's letters; lines end with '\n'. */
void roff_example(FILE *to, const char *lines);
/* Text of the present paragraph, without an end. */
void roff_run(FILE *to, const char *text);

#endif
