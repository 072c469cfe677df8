/*
 * doctor.h: what the parts of `holdfast doctor` have in common: each examines one thing and says a
 * line of what it found.
 */
#ifndef HOLDFAST_CLI_DOCTOR_H
#define HOLDFAST_CLI_DOCTOR_H

#include "config/config.h"

#include <jansson.h>

enum grade { GRADE_OK, GRADE_WARNING, GRADE_BAD, GRADES };

struct doctor {
	const char *file;
	const struct config *config; /* NULL until it was read */
	json_t *list;                /* NULL: lines of text */
	size_t count[GRADES];
};

/* A line; what is not printable ASCII is escaped. */
void doctor_say(struct doctor *d, enum grade grade, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Until when the certificates are valid that listeners show, and this node to members and nodes. */
void doctor_certificates(struct doctor *d);
/* Can each log be written where it is to go? */
void doctor_logs(struct doctor *d);
/* How far the clocks of the other nodes are from ours, as their admin interfaces say. */
void doctor_clocks(struct doctor *d);

#endif
