/*
 * load_tls.h: TLS for the clients of load.c: version 1.3, X25519, TLS_AES_128_GCM_SHA256 and
 * http/1.1 by ALPN, or an error: who is compared speaks the same.
 */
#ifndef HOLDFAST_BENCH_LOAD_TLS_H
#define HOLDFAST_BENCH_LOAD_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_link; /* a slot for one connection after the other; remembers the last ticket */

/* Of all connections: who signs the proxy's certificate for bench.test (PEM). Ends the process when
 * it cannot be read. `resume`: each but a slot's first connection must be resumed; else none may.
 */
void tls_begin(const char *ca, bool resume);
/* NULL: no memory. */
struct tls_link *tls_link_create(void);
/* Begins anew on a connected descriptor. False: no memory. */
bool tls_link_open(struct tls_link *l, int fd);
/* Says goodbye, and leaves the descriptor open. */
void tls_link_close(struct tls_link *l);
/* NULL: done; "": goes on when there is something to read; else what went wrong. */
const char *tls_link_handshake(struct tls_link *l);
/* As send(2) and recv(2). */
ssize_t tls_link_send(struct tls_link *l, const void *at, size_t bytes);
ssize_t tls_link_recv(struct tls_link *l, void *at, size_t bytes);
/* Bytes that were read from the descriptor wait here. */
bool tls_link_holds(const struct tls_link *l);

#endif
