/*
 * lease_refusals.h: LEASE_REFUSAL(name, number, text, help): why a role was not granted. Numbers below 100
 * are part of the wire format, version 1; the others are found out by who asks.
 */
LEASE_REFUSAL(HELD, 1, "held", "somebody else holds it")
LEASE_REFUSAL(LOWER, 2, "outbid", "a higher ballot was promised")
LEASE_REFUSAL(SILENT, 3, "silent", "a voter that started again says nothing for a while")
LEASE_REFUSAL(TIMING, 4, "timing differs", "the asker's lease is longer than this voter's silence allows")
LEASE_REFUSAL(FULL, 5, "too many roles", "the voter's table of roles is full")
LEASE_REFUSAL(NO_MAJORITY, 100, "no majority", "too few voters answered in time")
LEASE_REFUSAL(NO_TERM, 101, "no term", "the lease was won, but the term could not be written in time")
