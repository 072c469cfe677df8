"""When members stand for master, seen on the wire: each in its turn by rank, so far apart as the measured delays say
(US 6,889,338: integral periodic timers; SEEDS E4 to E6). Whatever would tell one of the other's election is lost."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import wait_until
from tap import TappedCluster

HEARTBEAT, REPLY, REFUTE, DECLARE, REVOKE = 1, 3, 11, 12, 13
# Far apart: what a busy machine adds is little beside it.
SLOW = {"period": "2s", "timeout": "1800ms", "t1": "100ms"}
ONE_WAY_S = 0.3


def sender(c, d):
    """Of a datagram between nodes: by the socket that it came from."""
    return next((i for i in c.ids if c.real[i] == d.peer), None)


def stood(c):
    """Who declared itself, in the order in which they did; each once."""
    with c.tap.lock:
        said = [sender(c, d) for d in c.tap.passed if d.type == DECLARE and d.to_node]
    return list(dict.fromkeys(said))


def test_e04_e05_e06_each_stands_in_its_turn_by_rank_and_measured_delay():
    c = TappedCluster("abcd", ranks={"a": 3, "b": 0, "c": 2, "d": 1}, cluster={"detect": SLOW})
    c.tap.delay_s = {i: ONE_WAY_S for i in c.ids}
    first = c.wait_master()
    for n in c.nodes.values():
        wait_until(lambda n=n: all((x["round_trip_ms"] or 0) >= 1000 * ONE_WAY_S for x in n.told()["nodes"] if not x["self"]),
                   "the delays are measured")
    by_rank = sorted((i for i in c.ids if i != first), key=c.ranks.get)
    c.tap.drop = lambda d: d.type in (HEARTBEAT, REPLY, REFUTE, DECLARE, REVOKE)
    c.tap.clear()
    c.nodes[first].die()
    wait_until(lambda: len(stood(c)) == 3, "all three stand, as none hears of another")
    assert stood(c) == by_rank, (stood(c), by_rank)
    with c.tap.lock:
        at = {}
        for d in c.tap.passed:
            if d.type == DECLARE and d.to_node:
                at.setdefault(sender(c, d), d.at)
    apart = [at[b] - at[a] for a, b in zip(by_rank, by_rank[1:])]
    assert all(gap > 0.1 for gap in apart), apart


def test_e07_e08_who_waits_accepts_what_a_declare_alone_says():
    """Nothing else comes through: no heartbeat, answer or hearsay tells who is master. Who waits for its turn hears the
    best one's Declare, follows it, and never stands."""
    c = TappedCluster("abcd", cluster={"detect": SLOW})
    c.tap.delay_s = {i: ONE_WAY_S for i in c.ids}
    first = c.wait_master()
    for n in c.nodes.values():
        wait_until(lambda n=n: all((x["round_trip_ms"] or 0) >= 1000 * ONE_WAY_S for x in n.told()["nodes"] if not x["self"]),
                   "the delays are measured")
    by_rank = sorted((i for i in c.ids if i != first), key=c.ranks.get)
    before = {i: c.nodes[i].told()["election"]["stood"] for i in by_rank}
    c.tap.drop = lambda d: d.type in (HEARTBEAT, REPLY, REFUTE, REVOKE)
    c.tap.clear()
    c.nodes[first].die()
    c.wait_master(among=by_rank, master=by_rank[0])
    c.tap.drop = lambda d: False
    heard = {i: c.nodes[i].told()["received"].get("heartbeat", 0) for i in by_rank}
    for i in by_rank:  # two periods of all: whose timer ran on would have stood by then
        wait_until(lambda i=i: c.nodes[i].told()["received"].get("heartbeat", 0) >= heard[i] + 4, "heartbeats go on")
    assert stood(c) == by_rank[:1], stood(c)
    assert all(c.nodes[i].told()["election"]["stood"] == before[i] for i in by_rank[1:])
    assert c.agreed(by_rank) == by_rank[0]


def test_e16_two_masters_of_a_split_become_one():
    """Each half elects one (advisory: nobody blocks); when they hear of each other again, one of them steps down."""
    c = TappedCluster("abcd")
    c.wait_master()
    halves = ("ab", "cd")
    half = {i: n for n, ids in enumerate(halves) for i in ids}
    c.tap.drop = lambda d: d.to_node and sender(c, d) is not None and half[sender(c, d)] != half[d.node]

    def split():
        said = [c.agreed(ids) for ids in halves]
        return said if all(m is not None and m in ids for m, ids in zip(said, halves)) else None

    masters = wait_until(split, "each half has a master of its own")
    c.tap.drop = lambda d: False
    winner = c.wait_master()
    assert winner in masters
    wait_until(lambda: [i for i, n in c.nodes.items() if n.told()["state"] == "master"] == [winner], "one master")
    loser = next(m for m in masters if m != winner)
    assert c.nodes[loser].told()["state"] == "backup"


if __name__ == "__main__":
    holdfast.main()
