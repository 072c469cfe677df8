"""A role is followed by a stream of events (GET /v1/roles/NAME?follow=1): how it is, and every change that a follower
is there to read; bounded, whatever followers do, and over when the node is."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import Admin, Follower
from cluster import Cluster
from holdfast import Ended, wait_until
from test_roles import acquire, ask, look, three

FOLLOWERS_MAX = 32  # ADMIN_ROLE_FOLLOWERS_MAX


class At(Admin):
    def __init__(self, node):
        self.address, self.token = node.admin_address, None


def follow(node, role, **more):
    return Follower(At(node), f"/v1/roles/{role}?follow=1", **more)


def release(node, role, holder):
    assert ask(node, "release", role, holder).status == 200


def ended(follower):
    follower.wire.sock.settimeout(holdfast.WAIT_S)
    try:
        while True:
            follower.wire.some()
    except Ended:
        return True


def test_every_node_tells_how_a_role_goes():
    c = three()
    followers = {i: follow(n, "batch") for i, n in c.nodes.items()}
    for f in followers.values():
        kind, told = f.next()
        assert (kind, told["held"], told["holder"], told["term"]) == ("free", False, None, None), told
    terms = []
    for i in "ab":
        got = acquire(c.nodes[i], "batch", f"p-{i}")
        terms.append(got["term"])
        for f in followers.values():
            kind, told = f.next()
            assert (kind, told["held"], told["holder"], told["node"], told["term"]) == (
                "held", True, f"p-{i}", i, got["term"]), told
            assert told["role"] == "batch" and not told["yours"] and 0 < told["expires_in"] <= 1
        release(c.nodes[i], "batch", f"p-{i}")
        for f in followers.values():
            kind, told = f.next()
            assert (kind, told["held"], told["holder"], told["term"]) == ("free", False, None, got["term"]), told
    assert terms == sorted(set(terms))


def test_renewals_are_no_events_and_the_first_one_says_how_it_is():
    c = three()
    got = acquire(c.nodes["a"], "batch", "p1")
    f = follow(c.nodes["b"], "batch")
    assert f.next()[1]["term"] == got["term"]
    for _ in range(20):
        assert ask(c.nodes["a"], "renew", "batch", "p1").status == 200
    other = acquire(c.nodes["a"], "mail", "p1")  # nor what becomes of another role
    assert other["yours"]
    release(c.nodes["a"], "batch", "p1")
    assert f.next()[0] == "free"


def test_a_holder_that_dies_is_followed_by_the_next():
    """Without a word of its node: its time ends by the clocks of the others."""
    c = three()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    f = follow(c.nodes["b"], "batch")
    assert f.next()[1]["holder"] == "p1"
    c.nodes["a"].die()
    kind, told = f.next()
    assert kind == "free" and told["term"] == first["term"], told
    got = acquire(c.nodes["c"], "batch", "p2")
    kind, told = f.next()
    assert (kind, told["holder"], told["term"]) == ("held", "p2", got["term"]) and got["term"] > first["term"]


def test_the_masters_role_is_followed_as_well():
    c = three()
    f = follow(c.nodes["a"], "cluster")
    kind, told = f.next()
    assert kind == "held" and told["holder"] == c.nodes["a"].master(), told


def test_who_does_not_read_is_told_the_end_alone():
    """A role goes to and fro; nothing piles up for a follower that sleeps, and others are not held up."""
    c = three()
    a = c.nodes["a"]
    asleep = follow(a, "batch", receive_bytes=2048)
    awake = follow(c.nodes["b"], "batch")
    assert awake.next()[0] == "free"
    for n in range(40):
        got = acquire(a, "batch", f"p{n}")
        while True:  # two changes may be one event, when they were faster
            kind, told = awake.next()
            if told["holder"] == f"p{n}":
                break
        release(a, "batch", f"p{n}")
    wait_until(lambda: awake.next()[1]["term"] == got["term"], "the last one is told")
    last = None
    while last != ("free", got["term"]):
        kind, told = asleep.next()
        last = kind, told["term"]
    assert a.status()["logs"]["followers_dropped"] == 0


def test_followers_are_bounded():
    c = three()
    a = c.nodes["a"]
    many = [follow(a, f"r{n}") for n in range(FOLLOWERS_MAX)]
    r = a.admin("/v1/roles/batch?follow=1")
    assert r.status == 503 and "followers" in r.json["error"], r.body
    assert look(a, "batch")["held"] is False  # others are answered
    events = Follower(At(a))  # and the log has followers of its own
    many.pop().wire.sock.close()
    wait_until(lambda: follow_or_none(a), "a place is free again")
    events.wire.sock.close()


def follow_or_none(node):
    with holdfast.Client(node.admin_address) as client:
        client.send(client.request_bytes("GET", "/v1/roles/batch?follow=1"))
        return b" 200 " in client.some()


def test_a_stream_ends_with_the_node():
    c = three()
    f = follow(c.nodes["c"], "batch")
    assert f.next()[0] == "free"
    c.nodes["c"].stop()
    assert ended(f)


def test_what_cannot_be_followed():
    c = three()
    a = c.nodes["a"]
    assert a.admin("/v1/roles/b%20x?follow=1").status == 400
    r = a.admin("/v1/roles/batch?follow=0")
    assert r.status == 200 and r.json["role"] == "batch"
    r = a.admin("/v1/roles/batch?follow=1", method="HEAD")
    assert r.status == 200 and r.fields.get("Content-Type") == "text/event-stream"
    lone = Cluster("a").nodes["a"]  # advisory: nobody can be granted a role; there is nothing to tell but that
    f = follow(lone, "batch")
    assert f.next()[0] == "free"


if __name__ == "__main__":
    holdfast.main()
