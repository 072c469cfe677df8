#!/usr/bin/env python3
"""The ordering of hashring/SPEC.md a second time, naively: Python 3, standard library only.

    naive.py check FILE   compare golden vectors with this implementation; 1 on any difference
    naive.py spec FILE    compare the logarithm table and the example in the specification
    naive.py golden       print the golden vectors (tests/golden/order-v1.txt)
    naive.py table        print hashring/logtable.c
    naive.py xxh3         compare the XXH3 written here with libxxhash, where it is installed

Nothing here is shared with the C library: XXH3 is written out, the logarithm table is computed
from its formula with integers of any length, and an order is a sort of all members.
"""

import functools
import hashlib
import sys

M32 = (1 << 32) - 1
M64 = (1 << 64) - 1

# ---- XXH3, 64 bits, default secret, seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) ----

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
PMX1, PMX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25


def le(data, at, count):
    return int.from_bytes(data[at:at + count], "little")


def swap(x, count):
    return int.from_bytes(x.to_bytes(count, "little"), "big")


def fold(a, b):
    product = a * b
    return (product & M64) ^ (product >> 64)


def xxh64_avalanche(x):
    x ^= x >> 33
    x = x * P64_2 & M64
    x ^= x >> 29
    x = x * P64_3 & M64
    return x ^ x >> 32


def avalanche(x):
    x ^= x >> 37
    x = x * PMX1 & M64
    return x ^ x >> 32


def mix16(data, at, secret_at):
    return fold(le(data, at, 8) ^ le(SECRET, secret_at, 8),
                le(data, at + 8, 8) ^ le(SECRET, secret_at + 8, 8))


def xxh3_short(data):
    n = len(data)
    if n == 0:
        return xxh64_avalanche(le(SECRET, 56, 8) ^ le(SECRET, 64, 8))
    if n <= 3:
        x = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
        return xxh64_avalanche(x ^ le(SECRET, 0, 4) ^ le(SECRET, 4, 4))
    if n <= 8:
        x = le(data, n - 4, 4) + (le(data, 0, 4) << 32)
        x ^= le(SECRET, 8, 8) ^ le(SECRET, 16, 8)
        x ^= (x << 49 | x >> 15) & M64 ^ (x << 24 | x >> 40) & M64
        x = x * PMX2 & M64
        x ^= (x >> 35) + n & M64
        x = x * PMX2 & M64
        return x ^ x >> 28
    low = le(data, 0, 8) ^ le(SECRET, 24, 8) ^ le(SECRET, 32, 8)
    high = le(data, n - 8, 8) ^ le(SECRET, 40, 8) ^ le(SECRET, 48, 8)
    return avalanche(n + swap(low, 8) + high + fold(low, high) & M64)


def xxh3_middle(data):
    n = len(data)
    acc = n * P64_1
    if n <= 128:
        for i in range((n - 1) // 32, -1, -1):
            acc += mix16(data, 16 * i, 32 * i) + mix16(data, n - 16 * (i + 1), 32 * i + 16)
        return avalanche(acc & M64)
    for i in range(8):
        acc += mix16(data, 16 * i, 16 * i)
    acc = avalanche(acc & M64)
    for i in range(8, n // 16):
        acc += mix16(data, 16 * i, 16 * (i - 8) + 3)
    acc += mix16(data, n - 16, 136 - 17)
    return avalanche(acc & M64)


def xxh3_long(data):
    n = len(data)
    acc = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]

    def stripe(at, secret_at):
        for i in range(8):
            value = le(data, at + 8 * i, 8)
            key = value ^ le(SECRET, secret_at + 8 * i, 8)
            acc[i ^ 1] = acc[i ^ 1] + value & M64
            acc[i] = acc[i] + (key & M32) * (key >> 32) & M64

    for number in range((n - 1) // 64):
        stripe(64 * number, 8 * (number % 16))
        if number % 16 == 15:
            for i in range(8):
                acc[i] ^= acc[i] >> 47
                acc[i] = (acc[i] ^ le(SECRET, 128 + 8 * i, 8)) * P32_1 & M64
    stripe(n - 64, 192 - 64 - 7)
    result = n * P64_1
    for i in range(4):
        result += fold(acc[2 * i] ^ le(SECRET, 11 + 16 * i, 8),
                       acc[2 * i + 1] ^ le(SECRET, 19 + 16 * i, 8))
    return avalanche(result & M64)


def xxh3(data):
    if len(data) <= 16:
        return xxh3_short(data)
    return xxh3_middle(data) if len(data) <= 240 else xxh3_long(data)


# ---- draws and cost --------------------------------------------------------------------------------


def draw32(x):
    x ^= x >> 16
    x = x * 0x7FEB352D & M32
    x ^= x >> 15
    x = x * 0x846CA68B & M32
    return x ^ x >> 16


def draw64(x):
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & M64
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & M64
    return x ^ x >> 33


def log2_fixed(i):
    """2^40 * log2(1 + i / 256), to the nearest integer: the logarithm's bits by repeated squaring."""
    if i == 256:
        return 1 << 40
    precision = 256
    x = (256 + i) << (precision - 8)
    log = 0
    for _ in range(64):
        x = x * x >> precision
        log <<= 1
        if x >> (precision + 1):
            x >>= 1
            log += 1
    return (log + (1 << 23)) >> 24


TABLE = [log2_fixed(i) for i in range(257)]


def cost_numerator(u):
    odd = 2 * u + 1
    octave = odd.bit_length() - 1
    scaled = odd << (32 - octave)
    i, rest = scaled >> 24 & 255, scaled & 0xFFFFFF
    log = (octave << 40) + TABLE[i] + ((TABLE[i + 1] - TABLE[i]) * rest >> 24)
    return (33 << 40) - log


# ---- rings -----------------------------------------------------------------------------------------


class Ring:
    def __init__(self, members):
        """members: list of (id bytes, weight, zone bytes; empty: no zone)"""
        self.members = members
        self.seeds = [xxh3(m[0]) for m in members]

    def fingerprint(self):
        h = 1
        for i in sorted(range(len(self.members)), key=lambda i: self.members[i][0]):
            _, weight, zone = self.members[i]
            for part in (self.seeds[i], weight, xxh3(zone) if zone else 0):
                h = draw64(h ^ part)
        return h

    def order(self, digest, apart):
        point = xxh3(digest)
        zone = self.members[apart][2] if apart is not None else b""
        rows = []
        for i, (ident, weight, own_zone) in enumerate(self.members):
            if weight == 0:
                continue
            second = apart is not None and (i == apart or (zone != b"" and own_zone == zone))
            cost = cost_numerator(draw32((point ^ self.seeds[i]) & M32))
            rows.append((second, cost, weight, M64 - draw64(point ^ self.seeds[i]), ident, i))

        def compare(a, b):
            if a[0] != b[0]:
                return -1 if b[0] else 1
            cost_a, cost_b = a[1] * b[2], b[1] * a[2]
            if cost_a != cost_b:
                return -1 if cost_a < cost_b else 1
            return -1 if a[3:5] < b[3:5] else 1

        return [row[5] for row in sorted(rows, key=functools.cmp_to_key(compare))]


# ---- golden vectors: a line format, described at the top of the file it writes ---------------------

HEAD = """\
# Holdfast, ordering version 1: golden vectors. hashring/SPEC.md says what they are vectors of;
# tests/hashring/naive.py wrote them and compares them, tests/hashring/test_golden.c compares them.
#
# x BYTES HASH                       XXH3 of BYTES bytes, byte i being (131 * i + BYTES) mod 256
# u DRAW COST                        cost numerator of a draw
# ring NAME MEMBERS FINGERPRINT      begins a ring of so many m lines
# m ID WEIGHT ZONE                   id and zone in hex; "-" is no zone
# q DIGEST APART LIVE ALIVE ORDER    one question about the last ring:
#   APART  index of a member, or "-"
#   LIVE   the live set in hex, member 0 in the lowest bit; "*" is all
#   ALIVE  first 4 live members of the order, or "-"
#   ORDER  whole order up to 16 places; of longer ones the first 16, "..", XXH3 of the whole order
#          as 32-bit little-endian numbers; "-" is an empty order
"""
PLACES = 16


class Chance:
    """A stream of numbers that no library release can change."""

    def __init__(self, seed):
        self.seed, self.turn = seed.encode(), 0

    def bytes(self, count):
        out = b""
        while len(out) < count:
            out += hashlib.sha256(self.seed + b"/%d" % self.turn).digest()
            self.turn += 1
        return out[:count]

    def below(self, bound):
        return int.from_bytes(self.bytes(8), "big") % bound

    def pick(self, values):
        return values[self.below(len(values))]


def indexes(numbers):
    return ",".join(str(n) for n in numbers) if numbers else "-"


def question_line(ring, digest, apart, live):
    order = ring.order(digest, apart)
    alive = [i for i in order if live is None or live >> i & 1][:4]
    if len(order) <= PLACES:
        text = indexes(order)
    else:
        whole = b"".join(i.to_bytes(4, "little") for i in order)
        text = "%s..%016x" % (indexes(order[:PLACES]), xxh3(whole))
    return "q %s %s %s %s %s" % (digest.hex(), "-" if apart is None else apart,
                                 "*" if live is None else "%x" % live, indexes(alive), text)


def ring_lines(name, ring):
    yield "ring %s %d %016x" % (name, len(ring.members), ring.fingerprint())
    for ident, weight, zone in ring.members:
        yield "m %s %d %s" % (ident.hex(), weight, zone.hex() or "-")


def questions(chance, ring, count, parts_live=True):
    size = len(ring.members)
    for number in range(count):
        apart = chance.below(size) if size and chance.below(3) == 0 else None
        live = None
        if size and parts_live and number % 2:
            live = chance.below(1 << 62) if size < 62 else int.from_bytes(
                chance.bytes(size // 8 + 1), "big")
            if chance.below(4) == 0:  # few live
                live &= int.from_bytes(chance.bytes(size // 8 + 1), "big")
                live &= int.from_bytes(chance.bytes(size // 8 + 1), "big")
            live &= (1 << size) - 1
        yield question_line(ring, chance.bytes(16), apart, live)


def names(count, pattern=b"member-%d"):
    return [pattern % i for i in range(count)]


def golden_rings(chance):
    zones = [b"", b"north", b"south", b"east"]
    some_id = lambda i, size: b"%d/" % i + chance.bytes(size - len(b"%d/" % i))
    weights = [1, 1, 1, 2, 3, 5, 10, 100, 1000, 40000, 65535]
    yield "empty", [], 4
    yield "single", [(b"only", 1, b"")], 8
    yield "single-heavy", [(b"\x00", 65535, b"\xff")], 4
    yield "nobody", [(b"a", 0, b""), (b"b", 0, b"z")], 4
    yield "pair", [(b"a", 1, b""), (b"b", 1, b"")], 40
    yield "pair-uneven", [(b"a", 1, b"z"), (b"b", 65535, b"")], 40
    yield "prefixes", [(b"a" * n, 7, b"z" * (n % 3)) for n in range(1, 17)], 40
    yield "equal-halves", EQUAL_HALVES, 60
    yield "id-lengths", [(some_id(n, n) if n > 3 else b"\xff" * n, 1 + n % 5, b"")
                         for n in range(1, 256)], 20
    for size in range(2, 17):
        yield "even-%d" % size, [(n, 1, b"") for n in names(size)], 25
        yield "mixed-%d" % size, [(n, chance.pick(weights), chance.pick(zones))
                                  for n in names(size, b"10.0.0.%d:8080")], 25
    for size in (63, 64, 65, 127, 129, 300):
        yield "wide-%d" % size, [(n, chance.pick([0, 1, 1, 4, 9]), chance.pick(zones))
                                 for n in names(size)], 24
        yield "even-%d" % size, [(n, 3, chance.pick(zones)) for n in names(size)], 24
    yield "weights-each-own", [(n, i * 331 + 1, chance.pick(zones))
                               for i, n in enumerate(names(190))], 24
    yield "large-even", [(n, 1, b"zone-%d" % (i % 3)) for i, n in enumerate(names(4096))], 24
    yield "large-mixed", [(n, chance.pick(weights), chance.pick(zones))
                          for n in names(4096, b"host-%d.example:80")], 24


# Different ids whose seeds are equal in the lower half: equal first draws for every session.
EQUAL_HALVES = [
    (b"node-622", 5, b""), (b"node-495543", 5, b""),
    (b"node-7561", 9, b""), (b"node-309590", 9, b""),
    (b"node-6271", 1, b""), (b"node-162235", 4, b""),
]


def golden_lines():
    yield from HEAD.splitlines()
    for size in list(range(0, 260)) + [511, 512, 513, 1024, 1025, 1087, 1088, 1089, 2048, 4000]:
        yield "x %d %016x" % (size, xxh3(bytes((131 * i + size) & 255 for i in range(size))))
    chance = Chance("holdfast ordering version 1")
    draws = [0, 1, 2, M32, M32 - 1, M32 >> 1, (M32 >> 1) + 1]
    for u in draws + [chance.below(1 << (1 + i % 32)) for i in range(200)]:
        yield "u %d %d" % (u, cost_numerator(u))
    for name, members, count in golden_rings(chance):
        ring = Ring(members)
        yield from ring_lines(name, ring)
        yield from questions(chance, ring, count)


def check_lines(lines):
    """Each line computed again from its inputs; returns (lines compared, list of differences)."""
    compared, wrong, ring, members, header = 0, [], None, [], None

    def expect(number, got, line):
        nonlocal compared
        compared += 1
        if got != line:
            wrong.append("line %d: %s\n  computed: %s" % (number, line[:200], got[:200]))

    for number, line in enumerate(lines, 1):
        word = line.split(" ")
        if word[0] == "x":
            data = bytes((131 * i + int(word[1])) & 255 for i in range(int(word[1])))
            expect(number, "x %s %016x" % (word[1], xxh3(data)), line)
        elif word[0] == "u":
            expect(number, "u %s %d" % (word[1], cost_numerator(int(word[1]))), line)
        elif word[0] in ("ring", "m"):
            if word[0] == "ring":
                header, members = (number, line, word), []
            else:
                zone = b"" if word[3] == "-" else bytes.fromhex(word[3])
                members.append((bytes.fromhex(word[1]), int(word[2]), zone))
            if len(members) == int(header[2][2]):
                ring = Ring(members)
                expect(header[0], next(ring_lines(header[2][1], ring)), header[1])
        elif word[0] == "q":
            expect(number, question_line(ring, bytes.fromhex(word[1]),
                                         None if word[2] == "-" else int(word[2]),
                                         None if word[3] == "*" else int(word[3], 16)), line)
        elif not line.startswith("#"):
            wrong.append("line %d: not a golden line" % number)
    return compared, wrong


def check(path):
    with open(path, encoding="ascii") as file:
        compared, wrong = check_lines(file.read().splitlines())
    for difference in wrong[:20]:
        print(difference)
    print("golden: %d lines compared, %d differ" % (compared, len(wrong)))
    return 1 if wrong or compared < 1000 else 0


EXAMPLE = [(b"a", 1, b"east"), (b"b", 2, b"east"), (b"c", 1, b"west"), (b"d", 3, b"")]
EXAMPLE_DIGEST = bytes(range(16))


def example_lines():
    """The worked example as SPEC.md prints it."""
    ring, point = Ring(EXAMPLE), xxh3(EXAMPLE_DIGEST)
    yield "digest %s   k = %016x" % (EXAMPLE_DIGEST.hex(), point)
    for (ident, weight, zone), seed in zip(EXAMPLE, ring.seeds):
        u = draw32((point ^ seed) & M32)
        yield "id %s  weight %d  zone %-4s  s = %016x  u = %08x  N = %-13d  t = %016x" % (
            ident.decode(), weight, zone.decode() or "-", seed, u, cost_numerator(u),
            draw64(point ^ seed))
    for apart in (None, 3, 0):
        order = [EXAMPLE[i][0].decode() for i in ring.order(EXAMPLE_DIGEST, apart)]
        yield "%s: %s" % ("order" if apart is None else
                          "order apart from " + EXAMPLE[apart][0].decode(), " ".join(order))
    yield "fingerprint %016x" % ring.fingerprint()


def table_rows():
    """The logarithm table as SPEC.md prints it."""
    for at in range(0, 257, 8):
        yield "%3d: %s" % (at, " ".join("%011x" % value for value in TABLE[at:at + 8]))


def check_spec(path):
    with open(path, encoding="utf-8") as file:
        lines = set(file.read().splitlines())
    missing = [line for line in list(example_lines()) + list(table_rows()) if line not in lines]
    for line in missing:
        print("%s lacks: %s" % (path, line))
    print("spec: table and example %s" % ("differ" if missing else "agree"))
    return 1 if missing else 0


def table():
    print("""\
/*
 * logtable.c: 2^40 * log2(1 + i / 256) to the nearest integer, i from 0 to 256;
 * see cost_numerator in order.h. Written by tests/hashring/naive.py table.
 */
#include "order.h"

const uint64_t hashring_log_table[LOG_TABLE_COUNT] = {""")
    for at in range(0, 257, 6):
        print("    " + " ".join("0x%011x," % value for value in TABLE[at:at + 6]))
    print("};")
    return 0


def compare_xxh3():
    import ctypes
    import ctypes.util
    name = ctypes.util.find_library("xxhash")
    if name is None:
        print("xxh3: libxxhash is not installed, nothing compared")
        return 1
    library = ctypes.CDLL(name)
    library.XXH3_64bits.restype = ctypes.c_uint64
    library.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    chance = Chance("xxh3")
    wrong = 0
    for size in list(range(600)) + [1023, 1024, 1025, 2047, 2048, 2049, 16384, 65536, 65599]:
        data = chance.bytes(size)
        wrong += xxh3(data) != library.XXH3_64bits(data, size)
    print("xxh3: 609 lengths compared, %d differ" % wrong)
    return 1 if wrong else 0


def golden():
    for line in golden_lines():
        print(line)
    return 0


def main(words):
    if len(words) == 2 and words[0] in ("check", "spec"):
        return (check if words[0] == "check" else check_spec)(words[1])
    actions = {"golden": golden, "table": table, "xxh3": compare_xxh3}
    if len(words) == 1 and words[0] in actions:
        return actions[words[0]]()
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
