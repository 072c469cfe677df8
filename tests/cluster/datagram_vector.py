#!/usr/bin/env python3
"""The datagram of test_datagram.c, made a second time from its description in datagram.h alone.

Prints the literal that the test holds. SipHash and BLAKE2b are tests/affinity/tag_vector.py's, XXH3
tests/hashring/naive.py's.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import ordering  # noqa: E402

derive, siphash = ordering.vector.derive, ordering.vector.siphash_2_4_128


def alias(node):
    return ordering.naive.xxh3(node) & 0xFFFFFFFF


name, secret, master = b"shop", b"k1", bytes(range(16))
DECLARE, receiver_all = 12, 0xFFFFFFFF
head = (b"HFDG" + bytes([1, DECLARE]) + derive(b"holdfast datagram secret v1", secret, master)[:2]
        + derive(b"holdfast cluster v1", name, b"")[:8]
        + struct.pack(">IIQQQQ", alias(b"a"), receiver_all, 7, 1, 3, 5))
assert len(head) == 56
signed = head + b"body"
print((signed + siphash(derive(b"holdfast datagram mac v1", name, master), signed)).hex())
