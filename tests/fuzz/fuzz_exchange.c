/*
 * fuzz_exchange.c: the input is a script (gate/gate_script.c) of what clients and members do to
 * one worker: requests and answers in pieces, raw bytes, ends and resets at any time, time that
 * passes, members that go down, reloads, allocations that fail. What must hold stands in
 * gate/gate.h.
 */
#include "gate/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	gate_play(data, bytes);
	return 0;
}
