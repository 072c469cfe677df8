/*
 * membership.h: changes of the membership as the admin interface is asked for them: from a query to
 * the change that the cluster's master makes (config/roster.h), and its outcome to an answer. Pure.
 *
 *   POST /v1/membership/add?id=d&origin=10.0.0.4:8080&weight=2[&service=shop][&epoch=7]
 *   POST /v1/membership/set?id=d&weight=3&zone=          an empty value: back to the default
 *   POST /v1/membership/remove?id=d        POST /v1/membership/rank?node=b&rank=1
 *   POST /v1/membership/publish            the file's members, at the master
 */
#ifndef HOLDFAST_ADMIN_MEMBERSHIP_H
#define HOLDFAST_ADMIN_MEMBERSHIP_H

#include "admin/routes.h"
#include "cluster/epoch.h"

#define CHANGE_TEXT_BYTES EPOCH_CHANGE_BYTES_MAX

struct admin_change {
	char text[CHANGE_TEXT_BYTES + 1];
	size_t bytes;
	uint64_t base; /* epoch, or EPOCH_ANY */
};

/* RESULT_INVALID: the query says no such change; the problem is one line. */
enum result admin_change_read(const struct admin_ask *ask, struct admin_change *out,
			      struct problem *p);
/* The status and body that an outcome is answered with; body: DONE and SAME. */
uint16_t admin_change_status(enum epoch_outcome outcome);
/* "... : why", for people. */
const char *admin_change_words(enum epoch_outcome outcome);

#endif
