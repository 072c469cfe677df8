"""The control plane on real processes: ranked timers (US 6,889,338; SEEDS E1 to E16)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import wait_until


def test_three_nodes_have_one_master_and_all_know_it():
    c = Cluster("abc")
    master = c.wait_master()
    told = c.nodes[master].told()
    assert told["state"] == "master" and told["self"] == master, told
    assert told["safety"] == "advisory", told
    for i, node in c.nodes.items():
        line = node.wait_event("master_elected")
        assert line["chosen"] is not None and line["term"] > 0, line
        assert node.told()["term"] == told["term"]


def test_a_master_that_is_killed_is_followed_by_the_next():
    c = Cluster("abc")
    first = c.wait_master()
    c.nodes[first].die()
    rest = [i for i in c.ids if i != first]
    second = c.wait_master(among=rest, after=first)
    for i in rest:
        lost = c.nodes[i].wait_event("master_lost")
        assert lost["from"] == first
        c.nodes[i].wait_event("master_elected", chosen=second)
        order = [(e["event"], e["chosen"]) for e in c.nodes[i].events() if e["event"].startswith("master_")]
        assert order.index(("master_lost", None)) < order.index(("master_elected", second)), order


def test_with_three_voters_the_master_has_the_lease():
    c = Cluster("abc", voters="abc", cluster={"lease": "1s"})
    first = c.wait_master()
    told = c.nodes[first].told()
    assert (told["safety"], told["engine"], told["state"]) == ("lease", "embedded", "master"), told
    c.nodes[first].die()
    rest = [i for i in c.ids if i != first]
    second = c.wait_master(among=rest, after=first)
    assert c.nodes[second].told()["term"] > told["term"]
    c.nodes[first].come_back()
    assert c.wait_master() == second


if __name__ == "__main__":
    holdfast.main()
