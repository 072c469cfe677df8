"""SIGUSR2 at a node of a cluster: the process before lets go of state_dir, lock and mastership before
the next one has them; or takes part again when nobody took over."""

import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import Client, wait_until
from test_cluster import hook
from test_upgrade import IMPOSTOR, Crowd, ended, follow, refused, script, upgrade


def held_twice(nodes):
    """Terms of the mastership that two nodes held, by what each said of itself."""
    held = {}
    for id, n in nodes.items():
        for line in n.events("master_elected"):
            if line["chosen"] == id:
                held.setdefault(line["term"], set()).add(id)
    return {term: ids for term, ids in held.items() if len(ids) > 1}


def test_every_node_of_a_cluster_with_leases_is_upgraded_in_turn():
    c = Cluster("abc", voters="abc", cluster={"lease": "2s"})
    c.wait_master()
    for id in "abc":
        before = upgrade(c.nodes[id])
        ended(before)
        wait_until(lambda: c.agreed(), "all name one master", 60)
    assert held_twice(c.nodes) == {}
    for id in "abc":
        assert "another process" not in c.nodes[id].stderr.replace("another process is started", "")
        terms = [line["term"] for line in c.nodes[id].events("master_elected")]
        assert terms == sorted(terms), terms


def test_requests_through_all_nodes_lose_nothing_while_each_is_upgraded():
    c = Cluster("abc")
    c.wait_master()
    crowd = Crowd()
    for id in "abc":
        for i in range(2):
            crowd.add(f"{id}{i}", lambda id=id: Client(c.http[id]))
        crowd.add(f"{id}post", lambda id=id: Client(c.http[id]), body=b"z" * 2000, rest_s=0.05)
        crowd.add(f"{id}fresh", lambda id=id: Client(c.http[id]), fresh=True)
    for _ in range(2):
        for id in "abc":
            crowd.wait_more(60)
            upgrade(c.nodes[id])
    crowd.wait_more(60)
    crowd.stop()
    assert crowd.failures() == [], crowd.failures()[:5]


def test_hooks_are_run_by_the_process_that_took_over():
    out = os.path.join(holdfast.folder(), "out")
    path = hook(f'echo "$@" >> {out}; env | grep -c -e NOTIFY -e HOLDFAST_UPGRADE >> {out}\n')
    c = Cluster("a", cluster={"on_master": path})
    c.wait_master()
    read = lambda: re.findall(r"^INSTANCE shop MASTER 0 \d+\n0$", open(out).read(), re.M) if os.path.exists(out) else []
    wait_until(lambda: len(read()) == 1, "on_master was run")
    ended(upgrade(c.nodes["a"]))
    wait_until(lambda: len(read()) == 2, "and again by the next process")


def test_who_is_not_followed_takes_part_again():
    """The next process dies when this one has left already."""
    program = os.path.join(holdfast.folder(), "holdfast")
    shutil.copy2(holdfast.binary(), program)
    c = Cluster("abc", voters="abc", cluster={"lease": "2s"}, program=program)
    c.wait_master()
    script(program, IMPOSTOR, shell="/usr/bin/env python3")
    for id in "abc":
        refused(c.nodes[id], "ended with 5 before it was ready")
        wait_until(lambda: "this process takes part again" in c.nodes[id].stderr, "it takes part again")
        wait_until(lambda: c.agreed(), "all name one master", 60)
    assert held_twice(c.nodes) == {}
    shutil.copy2(holdfast.binary(), program + ".new")
    os.rename(program + ".new", program)
    b = c.nodes["b"]
    b.signal(signal.SIGUSR2)
    follow(b, b.wait_event("upgraded"))
    wait_until(lambda: c.agreed(), "all name one master", 60)
    assert held_twice(c.nodes) == {}


if __name__ == "__main__":
    holdfast.main()
