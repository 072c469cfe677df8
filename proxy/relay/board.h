/*
 * board.h: what workers and the control thread tell each other: the workers, which epochs hops of
 * other nodes named; the control thread, which membership it holds, so that a worker can give it to
 * a node that asks, and who is master.
 */
#ifndef HOLDFAST_RELAY_BOARD_H
#define HOLDFAST_RELAY_BOARD_H

#include "vocab.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct board {
	atomic_ullong heard[NODES_MAX]; /* by place in cluster.nodes; the highest so far */
	atomic_bool news;               /* some of them grew */
	atomic_uint master;             /* 1 + place in cluster.nodes; 0: nobody is */
	atomic_ullong master_term;
	pthread_mutex_t lock;
	char *text; /* under the lock; owned; the document as it is sent, NULL: epoch 0 */
	size_t bytes;
};

void board_init(struct board *b);
void board_deinit(struct board *b);
/* By any worker: that node holds this epoch. */
void board_hear(struct board *b, size_t node, uint64_t epoch);
/* By the control thread. `master` as above; the two may be read apart: the term is for logs. */
void board_master(struct board *b, unsigned master, uint64_t term);
/* By the control thread; takes the text over. */
void board_hold(struct board *b, char *text, size_t bytes);
/* A copy for the caller to free; NULL: there is none, or no memory. */
char *board_copy(struct board *b, size_t *bytes);

#endif
