"""The engine etcd: the suite that all engines pass, and what is its own."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import engine_suite
import holdfast
from engine_suite import Etcd, acquire

engine_suite.add_tests(globals(), Etcd)

def test_a_key_that_was_deleted_is_a_role_that_was_lost():
    """The zombie of election libraries: the session lives, the key does not."""
    e = Etcd("ab")
    first = acquire(e.nodes["a"], "batch", "p1", ttl="60s")
    e.servers[0].delete("holdfast/shop/batch/holder")
    e.nodes["a"].wait_event("role_over")
    got = acquire(e.nodes["b"], "batch", "p2")
    assert got["term"] > first["term"]


if __name__ == "__main__":
    holdfast.main()
