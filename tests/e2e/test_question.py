"""The client's question, GET /v1/master (US 9,667,750; SEEDS M1 to M14), on real processes."""

import collections
import json
import os
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import holdfast as command
from holdfast import text_of, wait_until
from tap import TappedCluster

HEARTBEAT = 1  # include/tbl/datagrams.h
TERM = 48      # its place in a datagram's header (cluster/datagram.h)


def ask(node, query=""):
    return node.once("/v1/master" + query)


def test_m01_m02_m10_any_node_answers_from_what_it_knows():
    c = Cluster("abc")
    master = c.wait_master()
    for i, node in c.nodes.items():
        before = node.told()["election"]["searches"]
        for r in (ask(node), node.admin("/v1/master")):
            assert r.status == 200, r.body
            assert r.json["master"] == {"id": master, "url": "http://" + text_of(c.http[master]),
                                        "http": text_of(c.http[master])}, r.json
            assert r.json["by"] == i and r.json["how"] == "cached", r.json
            assert [m["id"] for m in r.json["members"]] == list(c.ids)
            assert 0 < r.json["valid_for_ms"] <= 3 * 200
        assert node.told()["election"]["searches"] == before


def test_the_answer_is_well_formed_and_the_path_is_guarded():
    c = Cluster("abc")
    c.wait_master()
    a = c.nodes["a"]
    assert a.once("/v1/master", method="HEAD").status == 200
    assert a.once("/v1/master", method="POST", body=b"x").status == 405
    assert ask(a, "?dead=nobody").status == 400
    assert ask(a, "?term=x").status == 400
    assert ask(a, "?" + "x" * 300).status == 414
    assert ask(a, "/more").json["id"], "another path is the application's"
    assert ask(a, "?term=1&follow=0&other=2").status == 200
    assert a.once("/v1/masters").json["id"]


def test_the_command_asks_in_turn():
    c = Cluster("abc")
    master = c.wait_master()
    dead = text_of((c.hosts["a"], holdfast.free_port(c.hosts["a"])))
    status, out, err = command("master", dead, text_of(c.http["b"]))
    assert status == 0 and out.startswith(f"{master} http://{text_of(c.http[master])} term "), (out, err)
    status, out, err = command("master", "--json", "--follow", text_of(c.http["b"]))
    told = json.loads(out)
    assert status == 0 and told["by"] == told["master"]["id"] == master, (out, err)
    status, out, err = command("master", dead)
    assert status == 1 and not out and dead in err, (status, out, err)
    assert command("master")[0] == 2


SLOW = {"period": "5s", "timeout": "400ms", "t1": "2s"}  # by themselves nodes find out and stand too late


def slow_cluster(ids="abcde"):
    c = Cluster(ids, cluster={"detect": SLOW})
    return c, c.wait_master()


def rest(c, *gone):
    return [i for i in c.ids if i not in gone]


def ask_until(node, query="", after=None):
    """The first answer that names a master, another one than `after`: what a node saw a moment ago
    stands against what a client says, so the client comes again."""
    def once():
        r = ask(node, query)
        return r if r.status == 200 and r.json["master"]["id"] != after else None
    return wait_until(once, "a master is named")


def test_m03_m04_m05_m07_m08_a_dead_master_is_verified_and_the_best_is_elected():
    c, first = slow_cluster()
    c.nodes[first].die()
    others = rest(c, first)
    asked = c.nodes[others[-1]]
    r = ask_until(asked, f"?dead={first}", after=first)
    best = others[0]  # ranks follow the ids
    assert r.json["master"]["id"] == best and r.json["how"] == "elected", r.json
    assert asked.told()["sent"].get("invite", 0) >= 1 and asked.told()["election"]["searches"] >= 1
    again = ask(asked)  # M7: from the cache
    assert again.json["master"]["id"] == best and asked.told()["election"]["searches"] == 1


def test_m06_who_is_not_reached_is_passed_over():
    c, first = slow_cluster()
    second, third = rest(c, first)[:2]
    c.nodes[first].die()
    c.nodes[second].die()
    r = ask_until(c.nodes[rest(c, first, second)[-1]], f"?dead={first}", after=first)
    assert r.json["master"]["id"] == third, r.json


def test_m06_a_node_whose_service_is_ill_is_passed_over():
    c = Cluster("abc", cluster={"detect": SLOW}, health=holdfast.CHECKED)
    first = c.wait_master()
    second, third = rest(c, first)
    c.origins[second].go()
    wait_until(lambda: c.nodes[second].told()["fit"] is False, "it is ill")
    c.nodes[first].die()
    r = ask_until(c.nodes[third], f"?dead={first}", after=first)
    assert r.json["master"]["id"] == third, r.json


def test_m02_what_is_not_fresh_any_more_is_not_answered():
    """A node stands still while the master dies and another is elected, and hears nothing of it. What it knew is three
    heartbeats old when it is asked: it looks for itself, and never names the dead one."""
    c = TappedCluster("abc")
    first = c.wait_master()
    asked, other = rest(c, first)
    with c.nodes[asked].client() as client:
        assert client.get("/v1/master").json["master"]["id"] == first
        c.nodes[asked].freeze()
        c.tap.drop = lambda d: d.node == asked or d.peer == c.real[asked]
        c.nodes[first].die()
        c.wait_master(among=[other], after=first)
        sent = c.nodes[other].told()["sent"]["heartbeat"]
        wait_until(lambda: c.nodes[other].told()["sent"]["heartbeat"] >= sent + 4 * 2, "four periods")
        client.send(client.request_bytes("GET", "/v1/master"))
        c.nodes[asked].thaw()
        r = client.response()
    assert r.status in (200, 503) and (r.json["master"] or {}).get("id") != first, r.body


def test_m09_every_server_is_told_by_heartbeat():
    c, first = slow_cluster()
    others = rest(c, first)
    c.nodes[first].die()
    best = ask_until(c.nodes[others[-1]], f"?dead={first}", after=first).json["master"]["id"]
    assert c.wait_master(among=others, after=first) == best


def test_m09_the_asked_node_tells_every_other_before_its_own_time_has_come():
    """On the wire, with periods so long that no heartbeat of their own comes in between."""
    c = TappedCluster("abcd", cluster={"detect": dict(SLOW, period="60s")})
    first = c.wait_master()
    others = rest(c, first)
    asked = others[-1]
    c.nodes[first].die()
    c.tap.clear()
    named = ask_until(c.nodes[asked], f"?dead={first}", after=first).json
    assert named["how"] == "elected", named

    def told():
        with c.tap.lock:
            return {d.node for d in c.tap.passed if d.type == HEARTBEAT and d.to_node and d.peer == c.real[asked] and
                    struct.unpack(">Q", d.data[TERM:TERM + 8])[0] == named["term"]}

    wait_until(lambda: told() >= set(others) - {asked}, "a heartbeat of the asked node goes to all")


def test_m11_m14_the_client_ends_at_the_master():
    c = Cluster("abc")
    master = c.wait_master()
    other = rest(c, master)[0]
    r = ask(c.nodes[other], "?follow=1")
    assert r.status == 307, r.status
    location = r.fields.get("Location")
    assert location.startswith(f"http://{text_of(c.http[master])}/v1/master?follow=1&term="), location
    at_master = ask(c.nodes[master], location[location.index("?"):])
    assert at_master.status == 200 and at_master.json["by"] == at_master.json["master"]["id"] == master
    assert ask(c.nodes[other], "?follow=1&term=999999").status != 307, "never to a lower term"


def test_m12_m13_the_master_forwards_by_weight():
    c = Cluster("abc", session={"keys": ["header:X-Key"]})
    c.wait_master()
    for n in c.nodes.values():
        n.stop()
    for m, weight in zip(c.members, (1, 1, 2)):
        m["weight"] = weight
    for i in c.ids:
        c.start(i)
    master = c.wait_master()
    seen = collections.Counter()
    with c.nodes[master].client() as client:
        for n in range(3000):
            seen[client.get("/", fields=[("X-Key", f"k{n}")]).id] += 1
    for i, share in zip(c.ids, (0.25, 0.25, 0.5)):
        assert abs(seen[i] / 3000 - share) < 0.05, seen


def test_a_wrong_claim_causes_a_verification_and_no_more():
    c = Cluster("abc")
    master = c.wait_master()
    other = c.nodes[rest(c, master)[0]]
    term = other.told()["term"]
    for _ in range(5):
        assert ask(other, f"?dead={master}").json["master"]["id"] == master
    assert c.wait_master() == master and other.told()["term"] == term


def test_100_clients_ask_5_nodes_at_once_and_get_one_answer():
    c = Cluster("abcde", start="")
    for i in c.ids:
        c.start(i)
    answers, problems = [], []

    def one(n):
        try:
            answers.append(ask_until(c.nodes[c.ids[n % 5]]).json)
        except Exception as e:
            problems.append(repr(e))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not problems, problems[:3]
    assert len({(a["master"]["id"], a["term"]) for a in answers}) == 1, answers[:3]
    for n in c.nodes.values():
        assert n.told()["election"]["searches"] <= 1, "one search at a time, whoever asks"


def test_a_flood_of_questions_is_turned_away_and_the_rest_goes_on():
    c = Cluster("abc", cluster={"questions_per_s": 5})
    master = c.wait_master()
    node = c.nodes[master]
    with node.client() as client:
        statuses = collections.Counter(client.get("/v1/master").status for _ in range(300))
        assert statuses[200] >= 5 and statuses[429] >= 200, statuses
        assert client.get("/").status == 200
    assert c.wait_master() == master


def test_the_path_belongs_to_the_applications_where_there_is_no_cluster_or_it_says_so():
    alone = holdfast.Holdfast([holdfast.Origin("x")])
    assert alone.once("/v1/master").json["id"] == "x"
    c = Cluster("ab", cluster={"question": False})
    c.wait_master()
    assert ask(c.nodes["a"]).json["id"] in "ab"
    assert c.nodes["a"].admin("/v1/master").status == 200


if __name__ == "__main__":
    holdfast.main()
