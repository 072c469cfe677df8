"""Leases between real processes whose datagrams are lost (SEEDS 003, L6, L9, L10): a holder that hears nothing any
more knows that it is over, and only then another node is granted the role."""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import wait_until
from tap import TappedCluster
from engine_suite import acquire, ask


def tapped():
    c = TappedCluster("abc", voters="abc", cluster={"lease": "1s"})
    c.wait_master()
    return c


def test_l10_a_cut_off_holder_stops_before_another_begins():
    """Watched by one clock: b is granted only after a has said no."""
    c = tapped()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    seen, ends = {}, threading.Event()

    def watch():
        while not ends.is_set():
            began = time.monotonic()
            if ask(c.nodes["a"], "renew", "batch", "p1", ttl="60s").status == 200:
                seen["yes_began"] = began
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        wait_until(lambda: "yes_began" in seen, "a says yes")
        c.tap.drop = lambda d: d.node == "a"
        got = acquire(c.nodes["b"], "batch", "p2", ttl="60s")
        granted = time.monotonic()
    finally:
        ends.set()
        watcher.join()
    assert got["term"] > first["term"]
    assert seen["yes_began"] < granted, (seen, granted)
    assert ask(c.nodes["a"], "renew", "batch", "p1").status == 409
    assert ask(c.nodes["a"], "acquire", "mail", "p1", wait="2s").status == 409  # a minority is nobody
    c.tap.drop = lambda d: False
    assert acquire(c.nodes["a"], "mail", "p1")["yours"]
    assert ask(c.nodes["b"], "renew", "batch", "p2").status == 200


def test_l6_the_masters_role_moves_to_the_majority():
    c = tapped()
    first = c.wait_master()
    term = c.nodes[first].told()["term"]
    rest = [i for i in c.ids if i != first]
    c.tap.drop = lambda d: d.node == first
    second = c.wait_master(among=rest, after=first)
    assert c.nodes[second].told()["term"] > term
    wait_until(lambda: c.nodes[first].told()["state"] != "master", "the old master knows")
    c.tap.drop = lambda d: False
    assert c.wait_master() == second


if __name__ == "__main__":
    holdfast.main()
