"""Races, who is asked when: one node after another (session.race.stagger), and whoever is next when the winner
has no room. Real nodes and a tap on their datagrams."""

import collections
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import text_of, wait_until
from tap import INIT, OFFER, TappedCluster

IDS = "abc"
STAGGERED = {"assign": "race", "race": {"limit": "4s", "stagger": "1500ms", "spread": "10ms"}}
PATIENT = {"assign": "race", "race": {"limit": "4s", "spread": "10ms"}}


def races(node):
    return node.status()["services"][0]["races"]


def new_session(node, **more):
    with node.client() as c:
        return c.get(**more)


def active(node, id):
    return next(m["active"] for m in node.status()["services"][0]["members"] if m["id"] == id)


def test_with_a_stagger_one_is_asked_and_the_rest_only_when_it_is_silent():
    c = TappedCluster(IDS, session=STAGGERED)
    for n in range(6):
        assert new_session(c.nodes[IDS[n % 3]]).status == 200
    for tag, (inits, offers) in c.tap.races().items():
        assert len(inits) == len(offers) == 1, "who is asked offers at once: nobody else is asked"
    assert sum(races(n).get("won", 0) for n in c.nodes.values()) == 6


def test_the_next_is_asked_a_stagger_later():
    """Offers of the first two are lost: the third is asked, and has it."""
    c = TappedCluster(IDS, session=STAGGERED)
    seen = []

    def lost(d):
        if d.kind == INIT:
            seen.append(d.node)
        return d.kind == OFFER and d.node in seen[:2]

    c.tap.drop = lost
    answer = new_session(c.nodes["a"])
    assert (answer.status, answer.id) == (200, seen[2]), (seen, answer)
    inits = c.tap.of(INIT)
    assert sorted(d.node for d in inits) == list(IDS) and len({d.tag for d in inits}) == 1
    apart = [b.at - a.at for a, b in zip(inits, inits[1:])]
    assert all(gap > 1.0 for gap in apart), apart  # never earlier; the tap adds little
    assert races(c.nodes["a"]) == {"won": 1}


def test_who_is_asked_first_is_drawn():
    c = TappedCluster(IDS, session=STAGGERED)
    first = collections.Counter(new_session(c.nodes["a"]).id for _ in range(60))
    assert set(first) == set(IDS), first


def test_the_command_staggers_too():
    c = Cluster(IDS, session={"assign": "race"})
    where = [text_of(c.datagrams[i]) for i in IDS]
    status, out, err = holdfast.holdfast("race", "--json", "--stagger", "500", *where)
    told = json.loads(out)
    assert status == 0, err
    assert sorted(n["result"] for n in told["nodes"]) == ["unasked", "unasked", "won"], told
    offered = sum(n.status()["race"]["offers"] for n in c.nodes.values())
    assert offered == 1
    assert holdfast.holdfast("race", "--limit", "100", "--stagger", "100", *where)[0] == 2
    assert holdfast.holdfast("race", "--stagger", "x", *where)[0] == 2


def test_check_refuses_a_stagger_that_leaves_one_node():
    c = Cluster(IDS, session={"assign": "race", "race": {"limit": "20ms", "stagger": "5ms"}})
    path = c.nodes["a"].conf_path
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace('stagger = "5ms"', 'stagger = "20ms"'))
    status, _, err = holdfast.holdfast("check", "-c", path)
    assert status != 0 and 'session.race.stagger = "20ms": not less than session.race.limit' in err, err


def test_a_winner_without_room_is_followed_by_another():
    """The winner's member gets full between its offer and the request: its node answers 503, the next race leaves
    it out, the client sees nothing of it; a POST as well, for nobody worked on it."""
    hold = threading.Event()

    def behave(connection, request):
        if request.target == "/hold":
            hold.wait(holdfast.WAIT_S)
        holdfast.answer_json(connection, request)

    c = TappedCluster(IDS, start="", session={**PATIENT, "keys": ["header:X-Key"]}, behave=behave)
    for m in c.members:
        m["connections_max"] = 1
    for i in IDS:
        c.begin(i, service={"queue_max": 0})
    try:
        c.tap.drop = lambda d: d.kind == OFFER and d.node != "b"
        lives = c.nodes["b"].browser(fields=[("X-Key", "k0")])
        assert lives.get().id == "b"
        wait_until(lambda: active(c.nodes["b"], "b") == 0, "b is idle again")
        c.tap.drop = lambda d: False
        c.tap.clear()
        c.tap.hold = lambda d: d.kind == OFFER
        answers = []
        t = threading.Thread(target=lambda: answers.append(
            new_session(c.nodes["a"], method="POST", body=b"x" * 500, fields=[("X-Key", "k1")])))
        t.start()
        wait_until(lambda: len(c.tap.held) == 3, "three offers")
        holder = c.nodes["b"].client()
        holder.send(holder.request_bytes(target="/hold", fields=[("X-Key", "k0"), ("Cookie", "; ".join(
            f"{k}={v}" for k, v in lives.cookies.items()))]))
        wait_until(lambda: active(c.nodes["b"], "b") == 1, "b is full")
        c.tap.hold = lambda d: False
        c.tap.release(lambda d: d.node != "b")
        t.join(holdfast.WAIT_S)
        assert answers and answers[0].status == 200 and answers[0].id in "ac", answers
        told = races(c.nodes["a"])
        assert (told["won"], told["refused"]) == (2, 1), told
        second = [d for d in c.tap.of(INIT) if d.data[32] == 2]
        assert sorted(d.node for d in second) == ["a", "c"], "who has no room is not asked again"
        worked = [r for o in c.origins.values() for r in o.requests if r.method == "POST"]
        assert len(worked) == 1 and worked[0].body == b"x" * 500
        wait_until(lambda: c.nodes["b"].requests(cause="queue_full"), "its node says so")
    finally:
        hold.set()


if __name__ == "__main__":
    holdfast.main()
