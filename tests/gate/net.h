/*
 * net.h: a network in memory, for tests of relay and edge without a kernel: stream
 * connections with bounded windows, ends and resets, pipes, one loop. It takes the place
 * of relay/io_ev.c and of the system calls that the two rooms make (the linker's --wrap);
 * descriptors that are not of this network go to the real ones. Time stands still but for
 * mem_wait. One thread, one network.
 *
 *   test <-> struct mem_end ==== connection ==== descriptor <-> the program under test
 *
 * What a kernel may do with bytes at its pleasure the test chooses: how many a call takes
 * (mem_net.read_max, write_max), how many wait (window), in which order events come
 * (backwards), and when there are no descriptors left.
 */
#ifndef HOLDFAST_TESTS_GATE_NET_H
#define HOLDFAST_TESTS_GATE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A wrong expectation ends the process, in a fuzzer as in a unit test. */
void mem_broken(const char *file, int line, const char *what) __attribute__((noreturn));
#define CHECK(condition)                                               \
	do {                                                           \
		if (!(condition))                                      \
			mem_broken(__FILE__, __LINE__, "" #condition); \
	} while (0)

#define MEM_SMALL_CALLS 20000
#define MEM_WINDOW      65536 /* bytes that wait in one direction of a connection */
#define MEM_WALL_MS     UINT64_C(1790000000000)

enum mem_connect {
	MEM_ACCEPT,     /* in the next round of the loop */
	MEM_ACCEPT_NOW, /* within connect(2) */
	MEM_REFUSE,
	MEM_REFUSE_NOW,
	MEM_HOLE,    /* neither, ever */
	MEM_NO_PORT, /* no local port is left */
};

struct mem_end;
struct worker;

struct mem_net {
	uint64_t now_ms;
	size_t read_max;    /* of one call; 0: no bound */
	size_t write_max;   /* likewise */
	size_t small_calls; /* that these bounds still apply to */
	size_t window;      /* of connections made from now on */
	bool no_descriptors;
	bool no_writing; /* the kernel refuses to watch for writing beside reading */
	bool backwards;  /* events of a round come in the other order */
	/* Connections to members. */
	enum mem_connect (*connect)(uint16_t port);
	void (*accepted)(uint16_t port, struct mem_end *end); /* owned by the test from here on */
	void (*explain)(void); /* says what is known when something is broken; may be NULL */
	void (*turn)(void);    /* the test's, after each round of the loop; may be NULL */
};
extern struct mem_net mem_net;

/* Nothing may be open. */
void mem_net_begin(void);
/* Descriptors that the program holds. */
size_t mem_net_open(void);

/* A connected pair: the program's descriptor and the test's end. -1: none is left. */
int mem_pair(struct mem_end **end);

/* ---- the test's end ---- */

/* Bytes taken from what the program sent; 0: nothing waits. */
size_t mem_read(struct mem_end *end, char *at, size_t bytes);
/* How much could be read. */
size_t mem_waits(const struct mem_end *end);
/* Bytes that found room. None do when the program's side is gone. */
size_t mem_write(struct mem_end *end, const char *at, size_t bytes);
void mem_half_close(struct mem_end *end);
/* Nothing more comes: the program's side has ended, and all it sent was read. */
bool mem_is_ended(const struct mem_end *end);
bool mem_is_reset(const struct mem_end *end);
/* Frees the end. A close with unread bytes resets, as a kernel does. */
void mem_close(struct mem_end **end);
void mem_reset(struct mem_end **end);

/* ---- the loop ---- */

/* Rounds until nothing is ready and nothing moves. A loop that spins is broken. */
void mem_run(struct worker *w);
/* Time passes, in steps of `step_ms`, with a tick of the worker each. */
void mem_wait(struct worker *w, uint64_t ms, uint64_t step_ms);

#endif
