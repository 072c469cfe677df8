/*
 * sink.h: a log that never stops traffic. Lines are appended to memory and written by one writer
 * thread to a file, or to syslog or the journal (base/destination.h); a full disk or a missing
 * directory is said once (and once more when it is over), lines that do not fit into SINK_BYTES_MAX
 * are counted, not waited for. The file is opened with O_APPEND, made with mode 0640, opened again
 * on sink_reopen and when the path names another file or none (moved by logrotate), looked at once
 * a second; a socket likewise.
 */
#ifndef HOLDFAST_RECORD_SINK_H
#define HOLDFAST_RECORD_SINK_H

#include "base/text.h"
#include "record/log_line.h"
#include "result.h"

#define SINK_BYTES_MAX (4 * 1024 * 1024) /* waiting to be written, a sink */

struct sink;
/* `to`: a destination; NULL: stderr. Never fails for one that cannot be opened: that is said and
 * retried. */
enum result sink_create(enum log_kind kind, const char *to, struct sink **out, struct problem *p);
/* Writes what is waiting (bounded by 2 s), then frees. */
void sink_free(struct sink **sink);
/* `line` ends with '\n' and may hold several lines. Thread-safe; never blocks on the disk. */
void sink_append(struct sink *sink, struct slice lines);
void sink_reopen(struct sink *sink);
/* From here on lines go to the destination `path` (NULL: stderr). False: no memory; they go where
 * they went. */
bool sink_redirect(struct sink *sink, const char *path);
/* Lines that were lost so far (no room, or not writable). */
uint64_t sink_lost(const struct sink *sink);

#endif
