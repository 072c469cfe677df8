"""Digests and orderings a second time, for tests that ask whether a running Holdfast agrees with
the specification: tests/hashring/naive.py and tests/affinity/tag_vector.py do the work."""

import contextlib
import functools
import importlib.util
import io
import os

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(path):
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], os.path.join(TESTS, path))
    module = importlib.util.module_from_spec(spec)
    with contextlib.redirect_stdout(io.StringIO()):  # one prints its literals
        spec.loader.exec_module(module)
    return module


naive = load("hashring/naive.py")
vector = load("affinity/tag_vector.py")


@functools.cache
def digest(key, service="shop"):
    """The session digest, in hex, of a key where no session.pool_key is configured."""
    pool_key = vector.derive(b"holdfast pool key v1", service.encode(), b"")
    return vector.siphash_2_4_128(pool_key, key.encode("latin-1")).hex()


@functools.cache
def ring(members):
    return naive.Ring(members)


@functools.cache
def order_of(members, session, apart):
    return [members[n][0].decode() for n in ring(members).order(bytes.fromhex(session), apart)]


def order(ids, session, weights=None, zones=None, primary=None):
    """All ids in the order of a digest in hex. primary: the one that spread = "zone" keeps apart from."""
    members = tuple((i.encode(), (weights or {}).get(i, 1), (zones or {}).get(i, "").encode()) for i in ids)
    return list(order_of(members, session, ids.index(primary) if primary is not None else None))
