"""Fenced routes on real processes: a deposed holder's write gets 412 (SEEDS 003, test of Kleppmann's fencing)."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import wait_until
from engine_suite import acquire, ask


def fenced(lease="1s", **more):
    c = Cluster("abc", voters="abc", cluster={"lease": lease}, service={"fence": "batch"}, **more)
    c.wait_master()
    return c


def write(c, node, term, method="POST"):
    fields = [] if term is None else [("Holdfast-Term", str(term))]
    with holdfast.Client(c.http[node]) as client:
        return client.request(method, "/x", fields=fields)


def settled(c, node, term, status=200):
    """What the fence answers when it knows: 503 until then, also again when its node was kept from running, and
    never anything else."""
    def known():
        r = write(c, node, term)
        assert r.status in (status, 503), r.status
        return r.status == status
    wait_until(known, f"{node} answers a write with term {term} by {status}")


def test_only_the_present_holder_writes():
    c = fenced()
    got = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    for node in "abc":
        settled(c, node, got["term"])
        settled(c, node, got["term"] + 1, 412)
        settled(c, node, got["term"] - 1, 412)
        settled(c, node, "x", 412)
        settled(c, node, None, 428)
        assert write(c, node, None, "GET").status == 200
    assert c.nodes["a"].wait_request(cause="fenced")["status"] == 412


def test_a_frozen_holder_that_wakes_gets_412():
    """kill -STOP for three leases, -CONT: its next fenced write is refused, at every node."""
    c = fenced()
    got = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    settled(c, "b", got["term"])
    c.nodes["a"].freeze()
    taken = acquire(c.nodes["b"], "batch", "p2", ttl="60s")
    assert taken["term"] > got["term"]
    # From the moment on at which the next one is told: at once, no grace.
    for node in "bc":
        assert write(c, node, got["term"]).status in (412, 503)
    c.nodes["a"].thaw()
    assert write(c, "a", got["term"]).status in (412, 503)
    for node in "abc":
        settled(c, node, taken["term"])
        settled(c, node, got["term"], 412)


def test_two_counters_written_by_deposed_holders_never_go_back():
    """Holders take turns and are deposed; each goes on writing with its old term. What a member took is in the
    order of the terms."""
    c = fenced()
    taken, terms = [], []
    for turn in range(4):
        node = "abc"[turn % 3]
        got = acquire(c.nodes[node], "batch", f"p{turn}", ttl="60s")
        for old in terms:
            for i in "abc":
                assert write(c, i, old).status in (412, 503)
        terms.append(got["term"])
        for i in "abc":
            if write(c, i, got["term"]).status == 200:
                taken.append(got["term"])
        if turn % 2 == 0:
            assert ask(c.nodes[node], "release", "batch", f"p{turn}").status == 200
        else:
            c.nodes[node].die()
            c.nodes[node].come_back()
    assert taken == sorted(taken) and terms == sorted(set(terms)), (taken, terms)


def test_without_a_majority_nothing_with_a_term_passes():
    c = fenced()
    got = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    settled(c, "a", got["term"])
    c.nodes["b"].die()
    c.nodes["c"].die()
    wait_until(lambda: write(c, "a", got["term"]).status == 503, "a does not know any more")
    assert write(c, "a", None, "GET").status in (200, 502)


def test_a_fence_needs_the_lease():
    path = os.path.join(holdfast.folder(), "fence.conf")
    with open(path, "w") as f:
        f.write("""listeners = ( { address = "127.0.0.1:8080"; } );
services = ( { name = "shop"; fence = "batch"; members = ( { id = "a"; origin = "127.0.0.1:9001"; } ); } );
""")
    program = os.path.join(os.environ.get("B", "build"), "holdfast")
    r = subprocess.run([program, "check", "-c", path], capture_output=True, text=True, check=False)
    assert r.returncode == 2 and "services[0].fence" in r.stderr and "safety" in r.stderr, (r.returncode, r.stderr)


if __name__ == "__main__":
    holdfast.main()
