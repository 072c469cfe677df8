/*
 * log.h: the process log: what happens to Holdfast itself, on stderr, one line a
 * message, safe from every thread; or where log_divert says. Sessions and members are the failover
 * log's.
 */
#ifndef HOLDFAST_BASE_LOG_H
#define HOLDFAST_BASE_LOG_H

#include "base/text.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages above the level are not written. Set once at start; default info. */
void log_level_set(enum log_level level);
/* False: no such level. */
int log_level_parse(const char *text, enum log_level *out);
/* Lines go there from here on, with their '\n', from every thread: it must not wait. Once. */
typedef void log_taker(void *context, struct slice line);
void log_divert(log_taker *taker, void *context);
/* To stderr whatever happens: about what takes the lines. */
void log_aside(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text from traffic must be escaped by the caller (write_escaped). */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
