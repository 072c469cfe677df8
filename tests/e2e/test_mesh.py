"""Mesh: a node beside each member, any node takes any request (US 8,090,829; SEEDS C1 to C15). Real
processes on addresses of their own; requests go through every node."""

import collections
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from admin import Admin, listening
from holdfast import CHECKED, HOST, Holdfast, Origin, free_port, text_of, wait_until
from test_faults import preload

KEYED = {"keys": ["header:X-Key"]}
RETRY = {"retry": "60s"}


def address_of(number):
    """Of node `number`: an address of its own in 127.0.0.0/8."""
    return re.sub(r"^127\.\d+", f"127.{100 + number}", HOST), free_port()


class Mesh:
    """each: of (id, text of its address): more of the top level of that node's configuration. addresses: of (number):
    where it listens."""

    def __init__(self, ids="abc", behave=None, down=(), hops_max=None, each=None, addresses=address_of, conf=None,
                 **more):
        where = holdfast.folder()
        secret = os.path.join(where, "secret")
        with open(secret, "w") as f:
            f.write("0123456789abcdef" * 4)
        os.chmod(secret, 0o600)
        self.ids = ids
        self.origins = {i: Origin(i, behave) for i in ids}
        self.addresses = {i: addresses(n) for n, i in enumerate(ids)}
        cluster = {"name": "mesh", "hops_max": hops_max,
                   "nodes": [{"id": i, "http": text_of(self.addresses[i])} for i in ids], **(conf or {})}
        members = [holdfast.member(o, node=text_of(self.addresses[i])) for i, o in self.origins.items()]
        self.nodes = {}
        def start(i, **own):
            self.nodes[i] = Holdfast(members, address=self.addresses[i],
                                     top={"node": i, "cluster": cluster, **listening(),
                                          "secrets": [{"id": "k1", "file": secret}],
                                          **(each(i, text_of(self.addresses[i])) if each else {})}, **more, **own)

        self.start = start
        for i in ids:
            if i not in down:
                start(i)

    def order(self, key):
        return ordering.order(self.ids, ordering.digest(key))

    def keys_of(self, id, count):
        return [k for k in (f"k{n}" for n in range(10000)) if self.order(k)[0] == id][:count]

    def through(self, node, key, target="/", **more):
        return self.nodes[node].once(target, fields=[("X-Key", key)], **more)


def test_c01_c06_any_node_sends_a_request_to_its_primary():
    m = Mesh(session=KEYED)
    for n in range(12):
        key = f"k{n}"
        for i in m.ids:
            assert m.through(i, key).id == m.order(key)[0], (key, i)
    for i, o in m.origins.items():
        for request in o.requests:
            assert request.fields.get("Holdfast-Primary") == i
            assert not request.fields.all("Holdfast-Hop"), "the member sees no hop"


def test_c07_c12_the_backup_decides_for_itself_and_processes():
    """The primary's member is dead: its node, and every other, finds the same backup."""
    m = Mesh(session=KEYED, health=CHECKED)
    keys = m.keys_of("a", 6)
    m.origins["a"].go()
    for p in m.nodes.values():
        p.wait_event("member_down", member="a")
    for key in keys:
        for i in m.ids:
            r = m.through(i, key)
            assert r.id == m.order(key)[1], (key, i, r.id)
    lines = [e for p in m.nodes.values() for e in p.events("failover")]
    assert lines and all(e["primary"] == "a" and e["chosen"] == e["order"][0] for e in lines), lines


def test_a_request_goes_back_to_the_node_where_it_belongs():
    """The entry stands beside the first backup and does not know that the primary's member is dead: its
    node says so, and hands the request back, so that one node alone answers for the session."""
    m = Mesh(session=KEYED, passive=RETRY)
    keys = m.keys_of("a", 12)
    m.origins["a"].go()
    for key in keys:
        for i in m.ids:
            r = m.through(i, key, method="POST", body=b"x" * 1000)
            assert r.id == m.order(key)[1], (key, i, r.id)
    wait_until(lambda: any(p.requests(cause="taken_back") for p in m.nodes.values()), "it is told")
    worked = sum(len(o.requests) for o in m.origins.values())
    assert worked == len(keys) * len(m.ids), "each is processed once"


def test_a_request_comes_back_when_nobody_else_is_left():
    """The primary's member is dead, and so is the node of the first backup, which only shows when it is
    asked: the last one is the entry's own, and it serves."""
    m = Mesh(session=KEYED, passive=RETRY, down="c")
    m.origins["b"].go()
    keys = [k for k in m.keys_of("b", 40) if m.order(k) == ["b", "c", "a"]]
    assert len(keys) > 4
    for key in keys:
        r = m.through("a", key, method="POST", body=b"x" * 1000)
        assert (r.status, r.id) == (200, "a"), (key, r.status)
    assert len(m.origins["a"].requests) == len(keys), "each is processed once"
    wait_until(lambda: m.nodes["b"].requests(cause="taken_back"), "b handed it back")


def find_the_last(m, keys):
    """The members die but for the last one, which serves each request of all nodes, once."""
    last = m.ids[-1]
    for i in m.ids[:-1]:
        m.origins[i].go()
    asked = 0
    for n in range(keys):
        for entry in m.ids:
            for method, body in (("GET", None), ("POST", b"x" * 1000)):
                r = m.through(entry, f"k{n}", method=method, body=body)
                asked += 1
                assert r.status == 200 and r.id == last, (m.order(f"k{n}"), entry, method, r.body)
    assert len(m.origins[last].requests) == asked, "each is processed once"


def test_the_last_member_that_lives_is_found_from_everywhere():
    """All others are dead and no node knows of it but by asking: each hands the request back as far as it
    came, until somebody is left, at the latest the entry, whose member lives."""
    find_the_last(Mesh(session=KEYED, passive=RETRY), keys=10)


def test_the_last_member_that_lives_is_found_over_longer_ways():
    """Four nodes: whoever gets a request back may have to hand it back in turn."""
    find_the_last(Mesh(ids="abcd", session=KEYED, passive=RETRY, hops_max=4, service={"attempts_max": 4}), keys=15)


def test_what_is_found_out_by_asking_goes_back_as_well():
    """Nobody knows yet that the primary's member is dead; its node finds out, and the entry is the first
    backup: it is served there, not by the second."""
    m = Mesh(session=KEYED, passive=RETRY)
    key = next(k for k in m.keys_of("a", 50) if m.order(k)[1] == "b")
    m.origins["a"].go()
    assert m.through("b", key, method="POST", body=b"x" * 1000).id == "b"
    assert [len(o.requests) for o in m.origins.values()] == [0, 1, 0]


def test_a_dead_node_is_left_out_by_all_others():
    m = Mesh(session=KEYED, down="a", passive=RETRY)
    for key in m.keys_of("a", 8):
        assert {m.through(i, key).id for i in "bc"} == {m.order(key)[1]}


def test_10000_keys_one_processing_node_each():
    """The primary is killed; each of its keys goes through all survivors at once."""
    m = Mesh(ids="abcd", session=KEYED, passive=RETRY, workers=2)
    keys = m.keys_of("a", 500)
    m.nodes["a"].expected_exit = -signal.SIGKILL
    m.nodes["a"].kill()
    homes = collections.defaultdict(set)
    lock = threading.Lock()

    def ask(i):
        with m.nodes[i].client() as c:
            for key in keys:
                id = c.get(fields=[("X-Key", key)]).id
                with lock:
                    homes[key].add(id)

    threads = [threading.Thread(target=ask, args=(i,)) for i in "bcd"]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert len(homes) == len(keys)
    assert all(home == {m.order(key)[1]} for key, home in homes.items())
    spread = collections.Counter(next(iter(h)) for h in homes.values())
    assert set(spread) == set("bcd"), "different keys give different orderings (C13)"


def test_issued_sessions_keep_their_home_through_every_node():
    """No key: the entry issues the session, the node that serves it sends the tag."""
    m = Mesh()
    first = m.nodes["a"].browser()
    homes = collections.Counter()
    for n in range(12):
        entry = m.nodes[m.ids[n % 3]]
        b = entry.browser()
        home = b.get().id
        homes[home] += 1
        for other in m.nodes.values():
            b.address = other.address
            b.leave()
            assert b.get().id == home
    assert len(homes) > 1
    first.leave()


def test_the_tag_moves_with_a_failover_through_another_node():
    m = Mesh(session=KEYED, passive=RETRY, service={"session": {**KEYED, "failback": "stay"}})
    key = m.keys_of("a", 1)[0]
    b = m.nodes["c"].browser(fields=[("X-Key", key)])
    assert b.get().id == "a"
    m.origins["a"].go()
    backup = m.order(key)[1]
    assert b.get().id == backup
    m.origins["a"].come_back()
    for node in m.nodes.values():
        b.leave()
        b.address = node.address
        assert b.get().id == backup, "it stays where its state is"
    b.leave()


def test_the_client_is_who_he_is():
    """X-Forwarded-For and key rule ip name the client, not the nodes between."""
    m = Mesh(session=KEYED)
    key = m.keys_of("a", 1)[0]
    r = m.through("c", key)
    request = m.origins["a"].requests[-1]
    assert r.id == "a"
    assert request.fields.all("X-Forwarded-For") == ["127.0.0.1"], request.fields.all("X-Forwarded-For")


def test_no_node_twice_and_the_way_ends():
    """Nodes that disagree: b and c hold a for well, a's node is gone, and so are theirs."""
    m = Mesh(session=KEYED, hops_max=2, passive=RETRY)
    for o in m.origins.values():
        o.go()
    for key in ("k1", "k2", "k3"):
        for i in m.ids:
            assert m.through(i, key).status == 503
    said = lambda: [e["hops"] for p in m.nodes.values() for e in p.events("no_live_member")]
    hops = wait_until(lambda: len(said()) >= 3 and said(), "who ended it says so")
    assert max(hops) <= 1, "hops_max is 2: no third node"


def test_disagreement_is_told():
    """The sender holds the primary's node dead, the receiver does not."""
    m = Mesh(session=KEYED, passive={"retry": "60s", "fall": 1}, timeouts={"first_byte": "300ms"})
    key = next(k for k in m.keys_of("a", 50) if m.order(k)[1] == "b")
    m.nodes["a"].freeze()
    try:
        assert m.through("c", key).id == "b"
    finally:
        m.nodes["a"].signal(signal.SIGCONT)
    r = m.through("c", key)
    assert r.status == 200
    wait_until(lambda: m.nodes["b"].events("disagree", primary="a"), "b says that it sees a well")
    admin = Admin(m.nodes["b"])
    assert admin.status()["services"][0]["requests"]["disagreements"] == 1
    assert admin.metrics().value("holdfast_disagreements_total", service="shop") == 1


def test_forged_hops_count_for_nothing():
    m = Mesh(session=KEYED)
    key = m.keys_of("b", 1)[0]
    for value in ("v1; path=c; for=1.2.3.4; digest=00; primary=a; epoch=0; time=0; mac=00", "", "v2", "x" * 3000,
                  "v1; path=c; for=9.9.9.9; digest=" + "ab" * 16 + "; primary=a; epoch=0; time=%d; mac=%s" %
                  (time.time() * 1000, "00" * 16)):
        with m.nodes["a"].client() as c:
            r = c.get(fields=[("X-Key", key), ("Holdfast-Hop", value)])
            assert r.id == "b"
    assert not any(q.fields.all("Holdfast-Hop") for q in m.origins["b"].requests)
    assert all("9.9.9.9" not in (q.fields.get("X-Forwarded-For") or "") for q in m.origins["b"].requests)


def test_a_hop_of_another_time_counts_for_nothing_and_is_said():
    """b's clock is an hour ahead: what it hands on is taken for a client's, counted, and said with its name."""
    m = Mesh(ids="ab", session=KEYED, down="b")
    m.start("b", env={"LD_PRELOAD": preload(), "WALL_S": "3600"})
    key = m.keys_of("a", 1)[0]
    a = m.nodes["a"]
    assert m.through("b", key).id == "a", "a key says all that is needed"
    request = m.origins["a"].requests[-1]
    assert request.fields.all("X-Forwarded-For") == [m.addresses["b"][0]], "the client is whoever asked"
    assert Admin(a).metrics().value("holdfast_hops_total", found="stale") == 1
    wait_until(lambda: "a request that node b handed on is of 3" in a.stderr and "do the clocks of the nodes differ?" in a.stderr,
               "it is said")


def test_nodes_check_each_others_members():
    """A member dies unseen by traffic: the other nodes learn it from its node."""
    m = Mesh(session=KEYED, health=CHECKED)
    m.origins["a"].go()
    for i in m.ids:
        m.nodes[i].wait_event("member_down", member="a")
    m.origins["a"].come_back()
    for i in m.ids:
        m.nodes[i].wait_event("member_up", member="a")
    for key in m.keys_of("a", 3):
        assert {m.through(i, key).id for i in m.ids} == {"a"}


def test_bodies_and_tunnels_go_through_nodes():
    m = Mesh(session=KEYED)
    key = m.keys_of("a", 1)[0]
    body = bytes(range(256)) * 800
    r = m.nodes["c"].once("/", method="POST", fields=[("X-Key", key)], body=body)
    assert r.id == "a" and m.origins["a"].requests[-1].body == body


if __name__ == "__main__":
    holdfast.main()
