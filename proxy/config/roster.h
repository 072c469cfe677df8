/*
 * roster.h: the membership document: who is a member of each service, under one epoch (DESIGN
 * section 10). The configuration file gives epoch 0; the cluster's master publishes the next ones
 * (cluster/epoch.h), and every node lays the one that it holds over its file: the file says what
 * services there are and their rules, the document who their members are.
 *
 *   {"membership":1,"cluster":"shop","epoch":7,"term":3,"master":"a",
 *    "services":[{"name":"shop","members":[{"id":"a","origin":"127.0.0.1:9001","weight":2}]}],
 *    "ranks":{"b":1}}
 *
 * A member's keys are those of the configuration, checked by the same rows and the same code; what
 * has its default is left out. Canonical: keys in the order of the rows, services, members and
 * ranks by the bytes of their names, no blanks; equal contents are equal bytes. term, master: who
 * published it. ranks: of cluster.nodes, where they are others than the file's.
 *
 * Plain data, owned by whoever holds it; nothing here does I/O or asks for the time.
 */
#ifndef HOLDFAST_CONFIG_ROSTER_H
#define HOLDFAST_CONFIG_ROSTER_H

#include "base/grow.h"
#include "config/config.h"

#define ROSTER_BYTES_MAX  ((size_t)256 * 1024) /* as the storage register takes it */
#define ROSTER_CHANGE_MAX 1000                 /* bytes of a change: it goes in one datagram */

struct roster_service {
	char *name;
	struct config_member *members; /* by id */
	size_t member_count;
};

struct roster_rank {
	char *node;
	uint32_t rank;
};

struct roster {
	uint64_t epoch;
	uint64_t term;
	char cluster[ID_BYTES_MAX + 1];
	char master[ID_BYTES_MAX + 1];
	struct roster_service *services; /* by name */
	size_t service_count;
	struct roster_rank *ranks; /* by node */
	size_t rank_count;
};

/* What the file says: epoch 0. NULL: no memory. */
struct roster *roster_of(const struct config *config);
void roster_free(struct roster **roster);

/*
 * Reads a document. RESULT_INVALID: the problem says what and where ("services[0].members[2].weight
 * = 70000: above 65535"); RESULT_LIMIT: longer than ROSTER_BYTES_MAX; RESULT_NO_MEMORY.
 */
enum result roster_read(struct slice text, struct roster **out, struct problem *p);
/* Canonical bytes; out->failed: no memory, or more than `out` takes. */
void roster_write(const struct roster *roster, struct grow *out);

/*
 * One change, as JSON, made to a copy; epoch, term and master stay.
 *   {"op":"add","service":"shop","member":{"id":"d","origin":"10.0.0.4:8080","weight":2}}
 *   {"op":"set","service":"shop","member":{"id":"d","weight":3,"order":"drain"}}
 *   {"op":"remove","service":"shop","member":{"id":"d"}}
 *   {"op":"rank","node":"b","rank":2}
 * "service" may be absent where one service is meant without doubt. *same: nothing changed by it.
 * RESULT_NOT_FOUND: no such member, service or node; RESULT_LIMIT: a duplicate, or the last member;
 * RESULT_INVALID.
 */
enum result roster_change(const struct roster *roster, struct slice change, struct roster **out,
			  bool *same, struct problem *p);

/*
 * A copy of `base` with the roster's members, epoch and ranks; every check of members that a file
 * goes through is made. Services that the document does not name keep theirs; those that the file
 * does not name are left out. RESULT_INVALID: of another cluster, or the first finding.
 */
enum result config_with_roster(const struct config *base, const struct roster *roster,
			       struct config **out, struct problem *p);
/* Whether the file's members are the roster's, in all services that both name. */
bool roster_is_of(const struct roster *roster, const struct config *config);

/* ---- between the files of this room ---- */

/* Sorts all lists; false: a name stands twice, *twice is it. */
bool roster_sort(struct roster *roster, const char **twice);
struct roster_service *roster_find_service(const struct roster *roster, const char *name);
struct roster *roster_copy(const struct roster *roster);
/* libjansson's json_t, opaque here. One member as an object; NULL: no memory. */
struct json_t *roster_member_json(const struct config_member *member);
/* The reverse, into zeroed *member; `where` stands before the problem. */
enum result roster_member_read(const struct json_t *object, const char *where,
			       struct config_member *member, struct problem *p);

#endif
