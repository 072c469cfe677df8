/*
 * fuzz_h2.c: bytes behind a connection preface, to one worker in the network of gate/net.h, in
 * pieces; members answer plainly. What must hold: nothing breaks, the loop never spins, members get
 * strict HTTP/1.1 whatever the frames were, and when time has passed nothing is left (gate/gate.h).
 *
 * First byte: bit 0, the preface and SETTINGS are put before the input; bits 1 to 3, pieces of so
 * many bytes (0: all at once); bit 4, the client goes away hard at the end.
 */
#include "gate/gate.h"

#define PIECE_SHIFT 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	if (bytes == 0 || !gate_begin())
		return 0;
	uint8_t way = data[0];
	const char *at = (const char *)data + 1;
	size_t left = bytes - 1;
	size_t piece = (size_t)(way >> 1 & 7) << PIECE_SHIFT;
	gate_open(0);
	if ((way & 1) != 0)
		gate_raw(0, hello, sizeof(hello) - 1);
	while (left > 0) {
		size_t take = piece > 0 && piece < left ? piece : left;
		gate_raw(0, at, take);
		at += take;
		left -= take;
	}
	gate_leave(0, (way >> 4 & 1) != 0);
	gate_end();
	return 0;
}
