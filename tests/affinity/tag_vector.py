#!/usr/bin/env python3
"""The tag of test_tag.c, made a second time from its description in tag.h alone.

Prints the literals that the test holds. SipHash-2-4-128 is written out here;
BLAKE2b is hashlib's.
"""
import base64
import hashlib
import struct

MASK = (1 << 64) - 1


def rotl(x, n):
    return (x << n | x >> (64 - n)) & MASK


def siphash_2_4_128(key, message):
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = rotl(v[1], 13) ^ v[0]
            v[0] = rotl(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = rotl(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = rotl(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = rotl(v[1], 17) ^ v[2]
            v[2] = rotl(v[2], 32)

    padded = message + b"\0" * (7 - len(message) % 8) + bytes([len(message) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xEE
    rounds(4)
    low = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(4)
    return struct.pack("<QQ", low, v[0] ^ v[1] ^ v[2] ^ v[3])


def derive(purpose, name, secret):
    text = purpose + b"\0" + name + b"\0" + secret
    return hashlib.blake2b(text, digest_size=16).digest()


def alias(pool_key, member):
    (value,) = struct.unpack("<I", derive(b"holdfast member alias v1", member, pool_key)[:4])
    return value or 1


service = b"shop"
secret_id = b"k1"
master = bytes(range(16))
pool_key = derive(b"holdfast pool key v1", service, b"")
digest = siphash_2_4_128(pool_key, b"0123456789ABCDEF")
body = (bytes([1])
        + derive(b"holdfast tag secret v1", secret_id, master)[:2]
        + digest
        + struct.pack("<IIHI", alias(pool_key, b"a"), alias(pool_key, b"b"), 1, 1700000000)
        + derive(b"holdfast tag pool v1", service, pool_key)[:2])
tag = body + siphash_2_4_128(derive(b"holdfast tag mac v1", service, master), body)

print("pool key ", pool_key.hex())
print("digest   ", digest.hex())
print("alias a  ", hex(alias(pool_key, b"a")))
print("alias b  ", hex(alias(pool_key, b"b")))
print("tag      ", base64.urlsafe_b64encode(tag).decode())
