"""assign = "master" (US 9,667,750; SEEDS M12, M13, and A3): the cluster's master says where new sessions go, by
weight over all nodes; nobody waits for it. Real nodes, and a tap on their datagrams."""

import collections
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from cluster import Cluster
from holdfast import CHECKED, wait_until
from tap import TappedCluster

MASTER = {"assign": "master", "placement": {"limit": "2s"}}
QUICK = {"assign": "master", "placement": {"limit": "50ms"}}
PLACE, PLACED = 42, 43


def placements(node):
    return node.status()["services"][0]["placements"]


def rest(c, *gone):
    return [i for i in c.ids if i not in gone]


def new_session(node, **more):
    with node.client() as c:
        return c.get(**more)


def is_place(d, kind):
    return d.data[:4] == b"HFRC" and d.data[5] == kind


def said(node, evidence):
    """Lines of its log that begin so, when there are some."""
    return wait_until(lambda: [e for e in node.events("placed") if e["evidence"].startswith(evidence)], f"it says {evidence}")


def kept(node):
    """All workers have heard who is master: sessions are placed by it."""
    def once():
        new_session(node)
        return {"own", "master"} & set(placements(node))
    wait_until(once, "the master places")


def test_m12_new_sessions_of_any_node_are_assigned_by_the_master():
    c = Cluster("abc", session=MASTER)
    master = c.wait_master()
    for i in c.ids:
        kept(c.nodes[i])
        before = placements(c.nodes[i])
        homes = [new_session(c.nodes[i]).id for _ in range(6)]
        assert collections.Counter(homes) == {i: 2 for i in c.ids}, homes
        by = "own" if i == master else "master"
        assert placements(c.nodes[i])[by] == before.get(by, 0) + 6, placements(c.nodes[i])


def test_m12_who_assigned_is_in_the_log_and_the_metrics():
    c = Cluster("abc", session=MASTER)
    master = c.wait_master()
    term = c.nodes[master].told()["term"]
    entry = rest(c, master)[0]
    for i in (master, entry):
        kept(c.nodes[i])
        home = new_session(c.nodes[i]).id
        line = said(c.nodes[i], f"this node, master in term {term}: {home}" if i == master else
                    f"master {master}, term {term}, after ")[-1]
        assert line["chosen"] == line["primary"] and line["evidence"].endswith(f": {line['chosen']}"), line
        text = c.nodes[i].admin("/metrics").body.decode()
        by = "own" if i == master else "master"
        assert f'holdfast_placements_total{{service="shop",by="{by}"}} {placements(c.nodes[i])[by]}' in text
        assert 'holdfast_placements_total{service="shop",by="silent"} 0' in text
    status, out, _ = holdfast.holdfast("explain", "-c", c.nodes["a"].conf_path, "k1")
    assert status == 0 and "assign = master chooses the primary of a new session" in out, out


def test_m13_the_master_balances_over_all_by_weight():
    """30,000 sessions through all nodes at once: each member has its share within 5 %."""
    c = Cluster("abc", start="", session=MASTER)
    for m, weight in zip(c.members, (1, 2, 3)):
        m["weight"] = weight
    for i in c.ids:
        c.start(i)
    c.wait_master()
    for i in c.ids:
        kept(c.nodes[i])
    count = 10_000
    seen, problems = collections.Counter(), []

    def ask(i):
        homes = collections.Counter()
        try:
            with c.nodes[i].client() as client:
                for _ in range(count // 50):
                    client.send(client.request_bytes() * 50)
                    for _ in range(50):
                        homes[client.response().id] += 1
        except Exception as e:
            problems.append(repr(e))
        seen.update(homes)

    threads = [threading.Thread(target=ask, args=(i,)) for i in c.ids]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not problems, problems
    total = 3 * count
    assert sum(seen.values()) == total
    for i, weight in zip(c.ids, (1, 2, 3)):
        assert abs(seen[i] / total - weight / 6) <= 0.05 * weight / 6, seen


def test_a_session_stays_through_every_node():
    c = Cluster("abc", session=MASTER)
    c.wait_master()
    for n in range(6):
        b = c.nodes[c.ids[n % 3]].browser()
        home = b.get().id
        for i in c.ids:
            b.address = c.nodes[i].address
            b.leave()
            assert b.get().id == home
        b.leave()
    asked = sum(sum(placements(n).values()) for n in c.nodes.values())
    assert asked == 6, "sessions that exist need no master"


def test_the_master_killed_nobody_waits_for_an_election():
    """A long detection: nobody is elected while the test runs. Every new session is answered, by the ordering."""
    c = Cluster("abc", session={**QUICK, "keys": ["header:X-Key"]}, passive={"retry": "60s"},
                cluster={"detect": {"period": "20s", "timeout": "5s", "t1": "10s"}})
    first = c.wait_master()
    others = rest(c, first)
    for i in others:
        kept(c.nodes[i])
    c.nodes[first].die()
    for n in range(8):
        key = f"k{n}"
        order = ordering.order(c.ids, ordering.digest(key))
        for i in others:
            r = new_session(c.nodes[i], fields=[("X-Key", key)])
            assert (r.status, r.id) == (200, [m for m in order if m != first][0]), (key, i, r)
    for i in others:
        assert placements(c.nodes[i])["silent"] == 8, placements(c.nodes[i])
        assert c.nodes[i].told()["master"] == first, "still the one that is dead"
        said(c.nodes[i], "silent: by the ordering: ")


def test_the_master_killed_the_next_one_places():
    c = Cluster("abc", session=QUICK, passive={"retry": "60s"}, health=CHECKED)
    first = c.wait_master()
    for i in c.ids:
        kept(c.nodes[i])
    c.nodes[first].die()
    others = rest(c, first)
    for n in range(20):
        assert new_session(c.nodes[others[n % 2]]).status == 200
    second = c.wait_master(among=others, after=first)
    entry = c.nodes[rest(c, first, second)[0]]

    def by_the_new_one():
        new_session(entry)
        return [e for e in entry.events("placed") if e["evidence"].startswith(f"master {second}, ")]
    wait_until(by_the_new_one, "the new master places")
    wait_until(lambda: entry.events("member_down", member=first), "the dead one's member is known to be away")
    wait_until(lambda: c.nodes[second].events("member_down", member=first), "at the master, too")
    assert {new_session(entry).id for _ in range(8)} == set(others)


def test_without_a_master_the_ordering_decides_at_once():
    """Two of three voters are dead: under the lease nobody is master."""
    c = Cluster("abc", voters="abc", session={**MASTER, "keys": ["header:X-Key"]}, cluster={"lease": "1s"},
                passive={"retry": "60s"})
    master = c.wait_master()
    for i in rest(c, master):
        c.nodes[i].die()
    last = c.nodes[master]
    wait_until(lambda: last.told()["master"] is None, "nobody is master")
    wait_until(lambda: new_session(last, fields=[("X-Key", "k0")]).status == 200 and placements(last).get("nobody"),
               "it is placed by the ordering")
    said(last, "nobody: by the ordering: ")


def test_an_answer_that_comes_too_late_changes_nothing():
    c = TappedCluster("abc", session={**QUICK, "keys": ["header:X-Key"]})
    master = c.wait_master()
    entry = c.nodes[rest(c, master)[0]]
    kept(entry)
    c.tap.hold = lambda d: is_place(d, PLACED)
    homes = [new_session(entry, fields=[("X-Key", f"k{n}")]).id for n in range(5)]
    assert homes == [ordering.order(c.ids, ordering.digest(f"k{n}"))[0] for n in range(5)]
    assert placements(entry)["silent"] == 5
    before = placements(entry)
    c.tap.hold = lambda d: False
    c.tap.release()
    for d in list(c.tap.passed):
        if is_place(d, PLACED):
            d.send()  # and once more
    assert new_session(entry).status == 200
    assert placements(entry) == {**before, "master": before["master"] + 1}


def test_forged_questions_are_not_answered():
    c = TappedCluster("abc", session=MASTER)
    master = c.wait_master()
    entry = c.nodes[rest(c, master)[0]]
    kept(entry)
    asked = next(d for d in c.tap.passed if is_place(d, PLACE))
    assert len(asked.data) >= len(next(d for d in c.tap.passed if is_place(d, PLACED)).data), "never more than was sent"
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind((holdfast.HOST, 0))
        s.settimeout(holdfast.WAIT_S)
        for n in range(len(asked.data)):
            forged = bytearray(asked.data)
            forged[n] ^= 1 << n % 8
            s.sendto(forged, c.real[master])
            s.sendto(asked.data[:n], c.real[master])
        s.sendto(asked.data, c.real[master])  # a replay is answered, and names nobody's session
        assert s.recv(300)[5] == PLACED
        s.setblocking(False)
        try:
            raise AssertionError(s.recv(300))
        except BlockingIOError:
            pass
    assert c.wait_master() == master and new_session(entry).status == 200


def test_a_body_that_comes_meanwhile_is_not_lost():
    c = TappedCluster("abc", session=MASTER)
    master = c.wait_master()
    entry = c.nodes[rest(c, master)[0]]
    kept(entry)
    c.tap.hold = lambda d: is_place(d, PLACED)
    body = bytes(range(256)) * 2000
    client = entry.client()
    t = threading.Thread(target=lambda: client.send(client.request_bytes("POST", body=body)))
    t.start()
    wait_until(lambda: c.tap.held, "the master answered")
    c.tap.hold = lambda d: False
    c.tap.release()
    r = client.response("POST")
    t.join(holdfast.WAIT_S)
    assert r.status == 200
    assert [q.body for o in c.origins.values() for q in o.requests if q.method == "POST"] == [body]


def test_a_client_that_leaves_meanwhile_ends_it():
    c = TappedCluster("abc", session=MASTER)
    master = c.wait_master()
    entry = c.nodes[rest(c, master)[0]]
    kept(entry)
    c.tap.hold = lambda d: is_place(d, PLACED)
    client = entry.client()
    client.send(client.request_bytes(target="/left"))
    wait_until(lambda: c.tap.held, "the master answered")
    client.stop()
    entry.wait_request(target="/left")
    c.tap.hold = lambda d: False
    c.tap.release()
    assert new_session(entry).status == 200


def test_check_wants_a_control_plane():
    p = holdfast.Holdfast([holdfast.Origin("x")], session={"assign": "master"}, start=False)
    status, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert status != 0 and "session.assign" in err and "there is no master" in err, err
    c = Cluster("abc", session=MASTER, start="")
    node = c.start("a", start=False)
    status, out, err = holdfast.holdfast("check", "-c", node.conf_path)
    assert status == 0, err


if __name__ == "__main__":
    holdfast.main()
