/*
 * registers.h: is a history of reads and writes of one register linearizable? All written values
 * differ, so the question is answered in polynomial time (Gibbons, Korach, "Testing shared
 * memories", 1997, section 4): take each value's write and reads together; they must fit between
 * the first end and the last start among them ("zone"; forward when the first end comes before the
 * last start). The history is linearizable if nothing is read before its write began, no two
 * forward zones overlap, and no backward zone lies within a forward one.
 */
#ifndef HOLDFAST_TESTS_SIM_REGISTERS_H
#define HOLDFAST_TESTS_SIM_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTER_OPERATIONS_MAX 8192
#define REGISTER_PENDING        UINT64_MAX

struct register_history {
	size_t count;
	struct register_operation {
		bool write;
		uint64_t value; /* 0: what stands there at the start */
		uint64_t start;
		uint64_t end; /* REGISTER_PENDING: it may have happened at any time, or never */
	} operation[REGISTER_OPERATIONS_MAX];
};

/* Returns its place; REGISTER_OPERATIONS_MAX: no room, and it is not recorded. */
size_t register_history_begin(struct register_history *h, bool write, uint64_t value, uint64_t now);
/* NULL: linearizable. Else one sentence. */
const char *register_history_check(const struct register_history *h);

#endif
