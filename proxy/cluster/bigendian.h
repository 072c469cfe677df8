/*
 * bigendian.h: unsigned integers as bytes, the greatest first (network byte order, RFC 1700), at
 * fixed places of a datagram, a ticket or a file. What moves along as it is read is body.h.
 */
#ifndef HOLDFAST_CLUSTER_BIGENDIAN_H
#define HOLDFAST_CLUSTER_BIGENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* The lowest `bytes` bytes of `value` (1 to 8) into at[0 .. bytes). */
static inline void
store(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

/* Of at[0 .. bytes), 1 to 8 of them. */
static inline uint64_t
load(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

#endif
