"""mirror = "first-backup" (US 6,889,338, paragraphs 9 and 28; SEEDS E15 and A5): the member that would get a
session next gets copies of its requests, in order; nobody waits for it, and its answers go nowhere."""

import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import holdfast
import ordering
from cluster import Cluster
from holdfast import Holdfast, Origin, wait_until
from test_mesh import KEYED, RETRY, Mesh

ON = {"mirror": "first-backup"}
HEAD = "Holdfast-Mirror"


def mirrored(node):
    return node.status()["services"][0]["mirror"]


def gateway(ids="abc", behave=None, **more):
    origins = {i: Origin(i, behave) for i in ids}
    address = (holdfast.HOST, holdfast.free_port())
    more.setdefault("session", KEYED)
    p = Holdfast(list(origins.values()), service={**ON, **more.pop("service", {})},
                 top={"admin": {"address": holdfast.text_of(address)}}, **more)
    p.status = lambda: Holdfast.client(type("At", (), {"address": address})()).get("/status").json
    return p, origins


def order(key, ids="abc"):
    return ordering.order(ids, ordering.digest(key))


def keyed(p, key, target="/", **more):
    return p.once(target, fields=[("X-Key", key)], **more)


def copies(origin, target=None):
    return [r for r in origin.requests if r.fields.has(HEAD) and (target is None or r.target == target)]


def own(origin):
    return [r for r in origin.requests if not r.fields.has(HEAD)]


# ---- what the backup gets -----------------------------------------------------------------------


def test_e15_the_first_backup_processes_each_request_too_and_the_home_answers():
    p, origins = gateway()
    for n in range(8):
        key = f"k{n}"
        home, backup, other = order(key)
        r = keyed(p, key, f"/{key}?a=b", method="POST", body=b"x" * 700)
        assert (r.status, r.id) == (200, home)
        wait_until(lambda: copies(origins[backup], f"/{key}?a=b"), "the copy comes")
        copy = copies(origins[backup], f"/{key}?a=b")[0]
        first = next(q for q in own(origins[home]) if q.target == copy.target)
        assert (copy.method, copy.body) == ("POST", b"x" * 700)
        assert copy.fields.all(HEAD) == ["first-backup"]
        for name in ("Holdfast-Session", "Holdfast-Primary", "X-Key", "Host", "X-Forwarded-For"):
            assert copy.fields.all(name) == first.fields.all(name), name
        assert copy.fields.get("Holdfast-Rank") == "1" and not copy.fields.has("Holdfast-Failover")
        assert not copies(origins[other], copy.target) and not copies(origins[home], copy.target)
    wait_until(lambda: mirrored(p) == {"sent": 8}, "all of them are answered")


def test_e15_in_a_cluster_through_every_node():
    """Client, any node, the master's or not: the home answers, the node beside the first backup has its copy."""
    c = Cluster("abc", session=KEYED, service=ON)
    c.wait_master()
    for n in range(6):
        key = f"k{n}"
        home, backup, other = order(key)
        for i in c.ids:
            target = f"/{key}/{i}"
            assert c.nodes[i].once(target, fields=[("X-Key", key)]).id == home
            wait_until(lambda: copies(c.origins[backup], target), "the copy comes")
            copy = copies(c.origins[backup], target)[0]
            assert copy.fields.get("Holdfast-Primary") == home and not copy.fields.has("Holdfast-Backups")
            assert not copies(c.origins[other]) or copies(c.origins[other], target) == []
    wait_until(lambda: sum(mirrored(n).get("sent", 0) for n in c.nodes.values()) == 18, "sent")
    wait_until(lambda: sum(mirrored(n).get("taken", 0) for n in c.nodes.values()) == 18, "taken")
    assert all(len(own(o)) + len(copies(o)) == len(o.requests) for o in c.origins.values())
    assert sum(len(copies(o)) for o in c.origins.values()) == 18, "each once: a copy is not copied"


def test_copies_of_a_session_come_in_order():
    """The backup is slower than the home: nobody waits, and nothing overtakes."""
    gate = threading.Event()

    def behave(connection, request):
        if request.fields.has(HEAD):
            gate.wait(holdfast.WAIT_S)
        holdfast.answer_json(connection, request)

    p, origins = gateway(behave=behave)
    home, backup, _ = order("k1")
    try:
        for n in range(40):
            assert keyed(p, "k1", f"/{n}").id == home
        assert len(copies(origins[backup])) <= 1, "one at a time"
    finally:
        gate.set()
    wait_until(lambda: len(copies(origins[backup])) == 40, "all of them come")
    assert [r.target for r in copies(origins[backup])] == [f"/{n}" for n in range(40)]


def test_the_backup_is_warm_when_it_takes_over():
    """Servers that copy nothing themselves: the count goes on, for the backup processed all of it."""
    counts = {i: {} for i in "abc"}

    def behaviour(id):
        def behave(connection, request):
            session = request.fields.get("Holdfast-Session")
            counts[id][session] = counts[id].get(session, 0) + 1
            connection.answer(200, str(counts[id][session]).encode(), fields=[("X-Id", id)])
        return behave

    origins = {i: Origin(i, behaviour(i)) for i in "abc"}
    p = Holdfast(list(origins.values()), session=KEYED, service=ON, passive=RETRY)
    home, backup, _ = order("k1")
    for n in range(10):
        assert keyed(p, "k1").body == str(n + 1).encode()
    wait_until(lambda: list(counts[backup].values()) == [10], "the backup has seen all ten")
    origins[home].go()
    r = keyed(p, "k1")
    assert (r.body, r.fields.get("X-Id")) == (b"11", backup)


# ---- nobody waits, nothing grows -----------------------------------------------------------------


def test_a_backup_that_hangs_delays_nobody_and_is_bounded():
    hang = threading.Event()

    def behave(connection, request):
        if request.fields.has(HEAD):
            hang.wait(holdfast.TEST_LIMIT_S)
        holdfast.answer_json(connection, request)

    p, origins = gateway(behave=behave)
    home = order("k1")[0]
    try:
        with p.client() as client:
            for _ in range(30):
                client.send(client.request_bytes(fields=[("X-Key", "k1")]) * 50)
                for _ in range(50):
                    assert client.response().id == home
        told = mirrored(p)
        assert told["crowded"] == 1500 - 1024, told
        before = p.memory_bytes()
        for _ in range(200):
            assert keyed(p, "k1").id == home
        assert p.memory_bytes() - before < 1 << 20
        assert mirrored(p)["crowded"] == 1700 - 1024
    finally:
        hang.set()
    wait_until(lambda: mirrored(p).get("sent") == 1024, "what waited goes on")
    assert len(own(origins[home])) == 1700


def test_a_dead_backup_is_found_and_left_out():
    p, origins = gateway(passive=RETRY)
    home, backup, third = order("k1")
    origins[backup].go()
    assert keyed(p, "k1", "/1").id == home
    p.wait_event("member_down", member=backup)
    assert keyed(p, "k1", "/2").id == home
    wait_until(lambda: copies(origins[third], "/2"), "the next one gets copies")
    assert not p.events("failover"), "no session moved"
    told = wait_until(lambda: mirrored(p) if mirrored(p).get("sent") else None, "counted")
    assert told == {"failed": 1, "sent": 1}, told


def test_an_answer_of_any_kind_goes_nowhere():
    """Errors, passes, endless bodies, broken framing: the home's clients see nothing of them."""
    kinds = {"/500": lambda c: c.answer(500, b"no"), "/421": lambda c: c.answer(421, b"", fields=[("Holdfast-Pass", "1")]),
             "/close": lambda c: False, "/bad": lambda c: c.send(b"nonsense\r\n\r\n"),
             "/long": lambda c: c.answer(200, b"y" * (3 << 20)), "/cookie": lambda c: c.answer(200, b"", fields=[("Set-Cookie", "a=b")])}

    def behave(connection, request):
        if not request.fields.has(HEAD):
            return holdfast.answer_json(connection, request)
        try:
            return kinds[request.target](connection)
        except OSError:
            return False

    p, origins = gateway(behave=behave, passive={"fall": 100})
    home, backup, _ = order("k1")
    with p.client() as client:
        for target in kinds:
            r = client.get(target, fields=[("X-Key", "k1")])
            assert (r.status, r.id) == (200, home) and not any("a=b" in v for v in r.fields.all("Set-Cookie"))
            wait_until(lambda t=target: copies(origins[backup], t), f"{target} was copied")
        assert client.get("/500", fields=[("X-Key", "k1")]).id == home
    wait_until(lambda: sum(mirrored(p).values()) == len(kinds) + 1, "each ended")
    assert mirrored(p)["failed"] == 3, mirrored(p)
    assert not p.events("failover") and not p.events("rehomed")


def test_large_bodies_are_not_copied():
    p, origins = gateway(service={"mirror_bytes_max": "1KiB"})
    home, backup, _ = order("k1")
    for size in (1024, 1025, 200_000):
        assert keyed(p, "k1", f"/{size}", method="POST", body=b"z" * size).id == home
    with p.client() as client:
        client.send(client.request_bytes("POST", "/chunked", fields=[("X-Key", "k1"), ("Transfer-Encoding", "chunked")]) +
                    holdfast.chunk(b"c" * 400) + holdfast.chunk(b"c" * 200) + b"0\r\n\r\n")
        assert client.response("POST").id == home
    wait_until(lambda: copies(origins[backup], "/chunked"), "the small ones are copied")
    assert [r.target for r in copies(origins[backup])] == ["/1024", "/chunked"]
    assert copies(origins[backup], "/chunked")[0].body == b"c" * 600
    assert mirrored(p)["large"] == 2


# ---- who is believed ----------------------------------------------------------------------------


def test_what_clients_say_of_it_is_dropped():
    p, origins = gateway(service={"mirror": "off"})
    home = order("k1")[0]
    assert p.once(fields=[("X-Key", "k1"), (HEAD, "first-backup")]).id == home
    assert not origins[home].requests[0].fields.has(HEAD)
    m = Mesh(session=KEYED, service=ON)
    key = m.keys_of("a", 1)[0]
    assert m.nodes["b"].once(fields=[("X-Key", key), (HEAD, "first-backup")]).id == "a"
    assert not own(m.origins["b"]), "it is no copy because somebody says so"


def test_a_session_away_from_home_is_mirrored_to_who_comes_next():
    p, origins = gateway(health=holdfast.CHECKED, session={"failback": "stay", "tag": {"cookie": "HOLDFAST"}, **KEYED})
    home, backup, third = order("k1")
    b = p.browser(fields=[("X-Key", "k1")])
    assert b.get("/0").id == home
    origins[home].go()
    assert b.get("/1").id == backup
    wait_until(lambda: copies(origins[third], "/1"), "behind the backup stands the third")
    origins[home].start()
    p.wait_event("member_up", member=home)
    assert b.get("/2").id == backup
    wait_until(lambda: copies(origins[home], "/2"), "its primary is who gets it next")


# ---- the rest of the product --------------------------------------------------------------------


def test_copies_stand_in_no_count_of_requests():
    p, origins = gateway()
    for n in range(10):
        keyed(p, f"k{n}")
    wait_until(lambda: mirrored(p).get("sent") == 10, "copied")
    told = p.status()["services"][0]["requests"]
    assert told["total"] == 10, told
    wait_until(lambda: len(p.requests()) == 10, "lines of clients' requests alone")
    assert len(p.events("assigned")) == 10 and not p.events("failover")
    with holdfast.Client((holdfast.HOST, int(p.conf["admin"]["address"].split(":")[1]))) as c:
        text = c.get("/metrics").body.decode()
    assert 'holdfast_mirrored_total{service="shop",outcome="sent"} 10' in text


def test_it_begins_and_ends_with_a_reload_and_the_node_ends_cleanly():
    hang = threading.Event()

    def behave(connection, request):
        if request.fields.has(HEAD):
            hang.wait(holdfast.TEST_LIMIT_S)
        holdfast.answer_json(connection, request)

    p, origins = gateway(behave=behave)
    backup = order("k1")[1]
    try:
        for n in range(5):
            keyed(p, "k1", f"/{n}")
        wait_until(lambda: copies(origins[backup]), "one is under way")
        with open(p.conf_path) as f:
            text = f.read()
        with open(p.conf_path, "w") as f:
            f.write(text.replace('"first-backup"', '"off"'))
        p.signal(signal.SIGHUP)
        p.wait_event("reload")
        for n in range(5):
            keyed(p, "k1", f"/off{n}")
        p.stop()  # with copies under way: exit status 0, and nothing is left
    finally:
        hang.set()
    assert not any(r.target.startswith("/off") for r in copies(origins[backup]))


def test_check_refuses_what_cannot_be():
    p = Holdfast([Origin("a"), Origin("b")], service={**ON, "mirror_bytes_max": "128KiB"}, session={"strict": 503}, start=False)
    status, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert status != 0 and 'mirror_bytes_max = "128KiB": more than replay_bytes_max' in err, err
    assert "session.strict forbids backups" in err, err


if __name__ == "__main__":
    holdfast.main()
