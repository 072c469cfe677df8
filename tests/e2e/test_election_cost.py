"""What an election costs, counted twice: by a tap that every datagram of the cluster passes, and by the nodes' own
counters, which are in status and metrics (SEEDS E12: at most 4N messages)."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import wait_until
from tap import TappedCluster

ELECTION = {10: "suspect", 11: "refute", 12: "declare", 13: "revoke", 14: "invite"}


def rest(c, *gone):
    return [i for i in c.ids if i not in gone]


def on_the_wire(c):
    """Datagrams of elections that came out of a node, each to one other."""
    with c.tap.lock:
        return sum(d.type in ELECTION and d.to_node for d in c.tap.passed)


def counted(c, among):
    return sum(c.nodes[i].told()["election"]["messages"] for i in among)


def settled(c, among, master):
    """Two heartbeats of all since: what is to be said was said, and seen."""
    before = {i: c.nodes[i].told()["received"].get("heartbeat", 0) for i in among}
    for i in among:
        wait_until(lambda i=i: c.nodes[i].told()["received"]["heartbeat"] >= before[i] + 2 * len(among), "heartbeats go on")
    assert c.agreed(among) == master


def terms(c, among):
    return {e["term"] for i in among for e in c.nodes[i].events("master_elected")}


def elections(c, among, known):
    """How many there were since: a new term is one, and so is a suspicion of somebody who was only kept from running
    and says so to each of the others."""
    with c.tap.lock:
        refuted = sum(ELECTION.get(d.type) == "refute" and d.to_node for d in c.tap.passed)
    return max(1, len(terms(c, among) - known)) + -(-refuted // (len(c.ids) - 1))


def lose_the_master(c):
    """The others elect one, for 4N messages at most, by their counters and on the wire."""
    first = c.wait_master()
    settled(c, c.ids, first)
    among = rest(c, first)
    known = terms(c, c.ids)
    before = counted(c, among)
    c.tap.clear()
    c.nodes[first].die()
    second = c.wait_master(among=among, after=first)
    settled(c, among, second)
    spent = counted(c, among) - before
    wait_until(lambda: on_the_wire(c) == counted(c, among) - before, "tap and counters agree")
    held = elections(c, among, known)
    assert len(among) <= spent <= 4 * len(c.ids) * held, (spent, held)


def test_e12_an_election_costs_at_most_4n_messages_on_the_wire_and_by_the_counters():
    c = TappedCluster("abcde")
    lose_the_master(c)
    kinds = {ELECTION[d.type] for d in c.tap.passed if d.type in ELECTION}
    assert "declare" in kinds and "suspect" in kinds, kinds


def test_e12_the_first_election_costs_no_more():
    c = TappedCluster("abcde")
    master = c.wait_master()
    settled(c, c.ids, master)
    assert counted(c, c.ids) <= 4 * len(c.ids) * len({e["term"] for n in c.nodes.values() for e in n.events("master_elected")})


def test_e12_with_the_lease_who_stands_costs_no_more():
    """What the lease itself asks of its voters, after that, is told apart: `sent` by type."""
    c = TappedCluster("abcde", voters="abcde", cluster={"lease": "1s"})
    lose_the_master(c)


def test_messages_stand_in_the_metrics():
    c = TappedCluster("abc")
    master = c.wait_master()
    settled(c, c.ids, master)
    node = c.nodes[master]
    text = node.admin("/metrics").body.decode()
    said = int(re.search(r'^holdfast_cluster_elections_total\{what="messages"\} (\d+)$', text, re.M)[1])
    assert said == node.told()["election"]["messages"] >= 2
    by_type = sum(int(n) for t, n in re.findall(r'^holdfast_cluster_datagrams_sent_total\{type="(\w+)"\} (\d+)$', text, re.M)
                  if t in ELECTION.values())
    assert by_type == said


if __name__ == "__main__":
    holdfast.main()
