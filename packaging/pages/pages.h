/*
 * pages.h: the files that `make install` writes from the tables of include/tbl: manual pages and
 * completions of shells. A program of the build alone (main.c); nothing of it is in holdfast.
 */
#ifndef HOLDFAST_PAGES_PAGES_H
#define HOLDFAST_PAGES_PAGES_H

#include <stdio.h>

void page_command(FILE *to); /* holdfast(1) */
void page_config(FILE *to);  /* holdfast.conf(5) */
void page_logs(FILE *to);    /* holdfast-logs(5) */
void complete_bash(FILE *to);
void complete_zsh(FILE *to);
void complete_fish(FILE *to);

#endif
