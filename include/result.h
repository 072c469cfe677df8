/*
 * result.h: what an operation that can fail says.
 *
 * Three kinds of wrong are never mixed: a programmer's error asserts, an
 * operating error returns a `enum result` and fills a `struct problem`, the end
 * of a request is a cause (tbl/causes.h).
 */
#ifndef HOLDFAST_RESULT_H
#define HOLDFAST_RESULT_H

#include <stdarg.h>
#include <stddef.h>

enum result {
	RESULT_OK = 0,
	RESULT_NO_MEMORY, /* an allocation failed; nothing was changed */
	RESULT_INVALID,   /* the input breaks a rule; the problem says which */
	RESULT_LIMIT,     /* a named bound was hit */
	RESULT_IO,        /* the operating system refused; the problem ends with strerror */
	RESULT_NOT_FOUND, /* no such thing */
};

#define PROBLEM_BYTES_MAX 512

/* One line for a person: "outer: inner". Always terminated, cut when too long. */
struct problem {
	char text[PROBLEM_BYTES_MAX];
};

/* Replaces the text. `p` may be NULL (the caller does not care). Returns `code`. */
enum result problem_set(struct problem *p, enum result code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text, as the error travels outward. Returns `code`. */
enum result problem_prefix(struct problem *p, enum result code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
