"""Roles for applications on real processes: five nodes' services, processes that ask them (US
9,596,301; SEEDS 003, L1 to L12)."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import wait_until

LEASE = {"lease": "1s"}
ADMIN = [("Holdfast-Admin", "1")]


def three(**more):
    c = Cluster("abc", voters="abc", cluster={**LEASE, **more})
    c.wait_master()
    return c


def ask(node, what, role, holder, **query):
    query = "&".join(f"{k}={v}" for k, v in {"holder": holder, **query}.items())
    with holdfast.Client(node.admin_address) as client:
        return client.request("POST", f"/v1/roles/{role}/{what}?{query}", fields=ADMIN)


def acquire(node, role, holder, ttl="10s", wait="20s"):
    r = ask(node, "acquire", role, holder, ttl=ttl, wait=wait)
    assert r.status == 200 and r.json["yours"], (r.status, r.body)
    return r.json


def look(node, role):
    r = node.admin(f"/v1/roles/{role}")
    assert r.status == 200, r.body
    return r.json


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


def test_l2_l3_two_processes_lead_two_roles_at_once():
    c = three()
    one = acquire(c.nodes["a"], "batch", "p1")
    two = acquire(c.nodes["b"], "mail", "p2")
    three_ = acquire(c.nodes["a"], "third", "p3")
    assert ask(c.nodes["a"], "renew", "batch", "p1").json["term"] == one["term"]
    assert ask(c.nodes["b"], "renew", "mail", "p2").json["term"] == two["term"]
    assert ask(c.nodes["a"], "renew", "third", "p3").json["term"] == three_["term"]
    assert ask(c.nodes["a"], "renew", "mail", "p2").status == 409


def test_l4_the_masters_role_is_reserved_and_shown():
    c = three()
    master = c.wait_master()
    assert ask(c.nodes["a"], "acquire", "cluster", "p1").status == 409
    told = look(c.nodes["b"], "cluster")
    assert told["holder"] == master and told["term"] == c.nodes[master].told()["term"], told


def test_l5_of_two_nodes_that_ask_exactly_one_gets_it():
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


def test_l6_a_minority_may_be_down():
    c = three()
    c.nodes["c"].die()
    first = acquire(c.nodes["a"], "batch", "p1")
    assert ask(c.nodes["a"], "release", "batch", "p1").status == 200
    assert acquire(c.nodes["b"], "batch", "p2")["term"] > first["term"]
    c.nodes["b"].die()
    alone = ask(c.nodes["a"], "acquire", "mail", "p1", wait="3s", ttl="10s")
    assert alone.status == 409, alone.body


def test_l9_a_dead_holders_role_goes_to_the_next():
    c = three()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    c.nodes["a"].die()
    got = acquire(c.nodes["b"], "batch", "p2")
    assert got["term"] > first["term"]


def test_who_stops_asking_loses_it_though_the_node_lives():
    c = three()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="500ms")
    got = acquire(c.nodes["b"], "batch", "p2")
    assert got["term"] > first["term"]
    assert ask(c.nodes["a"], "renew", "batch", "p1").status == 409


def test_l10_a_frozen_holder_knows_that_it_is_over():
    c = three()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    c.nodes["a"].freeze()
    got = acquire(c.nodes["b"], "batch", "p2")
    assert got["term"] > first["term"]
    c.nodes["a"].thaw()
    late = ask(c.nodes["a"], "renew", "batch", "p1", ttl="60s")
    assert late.status == 409 and not late.json["yours"], late.body


def test_l11_terms_grow_over_the_restart_of_all():
    c = three()
    terms = []
    for round in range(3):
        terms.append(acquire(c.nodes["abc"[round]], "batch", "p1", wait="30s")["term"])
        for node in c.nodes.values():
            node.die()
        for node in c.nodes.values():
            node.come_back()
    assert terms == sorted(set(terms)), terms


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
