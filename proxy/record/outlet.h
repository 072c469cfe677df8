/*
 * outlet.h: where a sink's writer puts lines: a file, stderr or stdout as they are; to syslog and
 * the journal each as a datagram. Used by that one thread; nothing in it waits but outlet_wait.
 */
#ifndef HOLDFAST_RECORD_OUTLET_H
#define HOLDFAST_RECORD_OUTLET_H

#include "base/destination.h"
#include "record/log_line.h"

#include <sys/types.h>

struct outlet {
	enum log_kind kind;
	struct destination to;
	char *text;   /* owned: what `to` was read from; NULL: stderr */
	int fd;       /* -1: not open */
	bool regular; /* a file: write(2) does not wait for a reader */
	dev_t dev;
	ino_t ino;
	char host[256];
};

void outlet_init(struct outlet *o, enum log_kind kind);
void outlet_deinit(struct outlet *o); /* closes */
/* Takes the text over; it was checked when the configuration was read. Closed afterwards. */
void outlet_set(struct outlet *o, char *text);
const char *outlet_name(const struct outlet *o);
/* 0 or errno. *other: not the file that was open before. */
int outlet_open(struct outlet *o, bool *other);
void outlet_close(struct outlet *o);
/* False: its path names another file or socket than ours, or none. */
bool outlet_in_place(const struct outlet *o);
/* May be written without waiting, when `wait_ms` have passed at most. */
bool outlet_wait(const struct outlet *o, int wait_ms);
/*
 * Some of the lines, at least one whole line to a datagram. How many bytes are done; -1: errno, of
 * which EAGAIN and EINTR mean that the other side is slow. A line that is too large for a datagram
 * goes as a memory file to the journal, and cut to syslog.
 */
ssize_t outlet_write(const struct outlet *o, struct slice lines);

/* The facility of all lines from here on; 0 to 23. Thread-safe. */
void outlet_facility_set(unsigned facility);

#endif
