/*
 * disks.h: shared files for the engine `disk`, in memory: every order is carried out by the
 * product's cluster/disk_file.c, its two phases at instants of their own. Files are slow, hang,
 * fail, and writes are torn: for a while, when others may read what is half written, or for good,
 * when the node that writes crashes.
 */
#ifndef HOLDFAST_TESTS_SIM_DISKS_H
#define HOLDFAST_TESTS_SIM_DISKS_H

#include "cluster/disk_file.h"
#include "engines.h"

#define DISKS_PAGES ((size_t)(DISK_SLOT_BYTES / DISK_PAGE_BYTES) * (CLUSTER_NODES_MAX + 1))

struct disks_operation;

/* The world of scenarios with this driver begins with it. */
struct disks_world {
	struct engines_world engines; /* first */
	size_t files;
	uint64_t write_us_max;
	uint64_t look_us_max;
	uint64_t until_us; /* faults of files go on */
	uint64_t torn;     /* how many writes were */
	struct disks_file {
		size_t pages;               /* to its end */
		uint8_t *page[DISKS_PAGES]; /* NULL: zeros */
		uint64_t hung_until_us;
		uint64_t failed_until_us;
	} file[DISK_FILES_MAX];
	struct disks_operation *operations; /* all that are under way, also of crashed nodes */
};

extern const struct engines_driver disks_driver;

/* Sets the driver, the files; from ENGINES_BEGIN_US to `until_us` they hang and fail. */
void disks_start(struct sim *s, size_t files, uint64_t until_us);
struct disk *disks_engine(struct sim *s, cluster_node n);

#endif
