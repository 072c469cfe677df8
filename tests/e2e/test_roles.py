"""Roles for applications on real processes: the nodes' services, processes that ask them (US 9,596,301; SEEDS 003, L1
and L4). What every engine must do is in tests/lib/engine_suite.py."""

import os
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from engine_suite import ADMIN, acquire, ask, look
from holdfast import wait_until

LEASE = {"lease": "1s"}


def three(**more):
    c = Cluster("abc", voters="abc", cluster={**LEASE, **more})
    c.wait_master()
    return c


def test_l1_every_node_has_the_service_for_processes_beside_it():
    c = three()
    terms = []
    for i, node in c.nodes.items():
        got = acquire(node, "batch", f"p-{i}")
        assert (got["holder"], got["node"], got["role"]) == (f"p-{i}", i, "batch"), got
        assert 0 < got["expires_in"] <= 1.0, got
        terms.append(got["term"])
        assert ask(node, "release", "batch", f"p-{i}").status == 200
    assert terms == sorted(set(terms)), terms


def test_l4_the_masters_role_is_reserved_and_shown():
    c = three()
    master = c.wait_master()
    assert ask(c.nodes["a"], "acquire", "cluster", "p1").status == 409
    told = look(c.nodes["b"], "cluster")
    assert told["holder"] == master and told["term"] == c.nodes[master].told()["term"], told


def test_who_is_refused_is_told_the_holder():
    c = three()
    acquire(c.nodes["a"], "batch", "p1")
    refused = ask(c.nodes["b"], "acquire", "batch", "p2", ttl="10s")
    assert refused.status == 409 and not refused.json["yours"], refused.body
    other = ask(c.nodes["a"], "acquire", "batch", "p3")
    assert other.status == 409 and other.json["holder"] == "p1", other.body
    wait_until(lambda: look(c.nodes["b"], "batch")["holder"] == "p1", "b knows the holder")
    assert ask(c.nodes["a"], "release", "batch", "p1").status == 200
    got = acquire(c.nodes["b"], "batch", "p2")
    wait_until(lambda: look(c.nodes["a"], "batch")["holder"] == "p2", "a knows the next holder")
    assert look(c.nodes["a"], "batch")["term"] == got["term"]


def test_who_waits_for_a_role_keeps_nobody_from_asking():
    """A hundred processes wait; the holder beside them renews, operators look, and the first one is granted it."""
    c = three()
    b = c.nodes["b"]
    acquire(b, "mail", "p0", ttl="60s")
    acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    many = [holdfast.Client(b.admin_address) for _ in range(100)]
    for n, client in enumerate(many):
        client.send(client.request_bytes("POST", f"/v1/roles/batch/acquire?holder=w{n}&wait=60s", fields=ADMIN, body=b""))
    ready = select.select([x.sock for x in many], [], [], holdfast.WAIT_S)[0]
    assert ready, "those for whom there is no room are answered at once"
    assert b.admin().status == 200 and ask(b, "renew", "mail", "p0").status == 200
    assert ask(c.nodes["a"], "release", "batch", "p1").status == 200
    for client in many:
        if client.sock in ready:
            r = client.response()
            assert r.status == 409 and not r.json["yours"], r.body
    wait_until(lambda: (look(b, "batch")["holder"] or "").startswith("w"), "one of those who waited holds it")


def test_events_tell_who_holds_what():
    c = three()
    got = acquire(c.nodes["a"], "batch", "p1")
    for i in "abc":
        line = c.nodes[i].wait_event("role_held")
        assert line["term"] == got["term"] and line["chosen"] == "a" and "p1" in line["evidence"], line
    assert ask(c.nodes["a"], "release", "batch", "p1").status == 200
    for i in "abc":
        assert c.nodes[i].wait_event("role_over")["from"] == "a"


def test_bad_questions_get_one_clear_error():
    c = Cluster("a")
    a = c.nodes["a"]
    for what, status, text in (("/v1/roles/b%20x/acquire?holder=p", 400, "a role is"),
                               ("/v1/roles/batch/acquire", 400, "holder"),
                               ("/v1/roles/batch/acquire?holder=p%22", 400, "holder"),
                               ("/v1/roles/batch/acquire?holder=p&ttl=soon", 400, "ttl"),
                               ("/v1/roles/batch/acquire?holder=p", 501, "advisory")):
        with holdfast.Client(a.admin_address) as client:
            r = client.request("POST", what, fields=ADMIN)
        assert r.status == status and text in r.json["error"], (what, r.status, r.body)
    with holdfast.Client(a.admin_address) as client:
        assert client.request("POST", "/v1/roles/batch/acquire?holder=p").status == 403
        assert client.request("GET", "/v1/roles/batch/acquire?holder=p").status == 405


if __name__ == "__main__":
    holdfast.main()
