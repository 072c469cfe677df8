/*
 * kept.h: the membership that a node held last, in its state_dir: one line of checksum, then the
 * document. Whole or as it was before: written beside, synced, renamed.
 *
 *   holdfast membership 1 XXH3-128-IN-HEX BYTES
 *   {"membership":1,...}
 */
#ifndef HOLDFAST_CLUSTER_KEPT_H
#define HOLDFAST_CLUSTER_KEPT_H

#include "cluster/document.h"
#include "result.h"

#define KEPT_FILE_NAME "membership"

/* RESULT_IO: the problem says what; the file is as it was. */
enum result kept_write(const char *state_dir, const struct document *d, struct problem *p);
/*
 * RESULT_NOT_FOUND: there is none. RESULT_INVALID: damaged, longer than DOCUMENT_BYTES_MAX, or none
 * of this version; RESULT_IO; RESULT_NO_MEMORY. *out: one reference, the caller's.
 */
enum result kept_read(const char *state_dir, struct document **out, struct problem *p);

#endif
