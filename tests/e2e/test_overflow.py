"""Members that are full: requests wait for a place, or go to the next in order (members[].connections_max,
overflow, queue_max, queue_timeout)."""

import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from admin import Admin, listening
from holdfast import CHECKED, UNCHECKED, Ended, Holdfast, Origin, OriginProcess, answer_json, libconfig, member, wait_until

IDS = "abc"
KEYED = {"keys": ["header:X-Key"]}


def order_of(key, ids=IDS):
    return ordering.order(ids, ordering.digest(key))


def keys_of(id, count, ids=IDS):
    return [k for k in (f"k{n}" for n in range(10000)) if order_of(k, ids)[0] == id][:count]


class Held:
    """Behaviour of an origin whose answers wait until they are let go; knows how many were there at once."""

    def __init__(self):
        self.lock = threading.Condition()
        self.inside = self.most = self.free = 0
        self.came = []

    def __call__(self, connection, request):
        request.read_body()
        with self.lock:
            self.came.append(request.target)
            self.inside += 1
            self.most = max(self.most, self.inside)
            done = self.lock.wait_for(lambda: self.free > 0, holdfast.WAIT_S)
            self.free -= 1
            self.inside -= 1
        if not done:
            return False
        answer_json(connection, request)

    def let_go(self, count=1):
        with self.lock:
            self.free += count
            self.lock.notify_all()


def bounded(max=1, overflow="queue", session=KEYED, ids=IDS, workers=1, **service):
    """(p, origins by id, admin): every member takes `max` requests."""
    origins = {i: Origin(i) for i in ids}
    p = Holdfast([member(o, connections_max=max) for o in origins.values()], session=session, workers=workers,
                 top=listening(), service={"overflow": overflow, **service})
    return p, origins, Admin(p)


def begin(p, key, target="/", method="GET", **more):
    c = p.client()
    c.send(c.request_bytes(method, target, fields=[("X-Key", key)], **more))
    return c


def wait_for_queue(admin, id, count):
    wait_until(lambda: admin.member(id)["waiting"] == count, f"{count} wait for {id}")


# ---- the queue ----------------------------------------------------------------------------------


def test_requests_wait_for_their_member_in_turn():
    p, origins, admin = bounded()
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = []
    for n in range(6):
        clients.append(begin(p, "k1", f"/{n}"))
        if n == 0:
            wait_until(lambda: held.inside == 1, "the first is there")
        else:
            wait_for_queue(admin, home, n)
    assert admin.member(home)["connections_max"] == 1 and admin.member(home)["active"] == 1
    assert admin.metrics().value("holdfast_member_waiting_requests", service="shop", member=home) == 5
    for n, c in enumerate(clients):
        held.let_go()
        r = c.response()
        assert r.status == 200 and r.id == home and r.json["target"] == f"/{n}"
    assert held.most == 1 and held.came == [f"/{n}" for n in range(6)]
    p.stop()
    waited = [e["queue_ms"] for e in sorted(p.requests(), key=lambda e: e["target"])]
    assert waited[0] == 0 and all(ms > 0 for ms in waited[1:])
    assert {e["affinity"] for e in p.requests()} == {"new"} and not p.events("failover")


def test_places_are_shared_by_all_workers():
    """60 clients of two workers at one member with three places: never more than three, in turn, all served."""
    p, origins, admin = bounded(max=3, workers=2)
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = []
    for n in range(60):
        clients.append(begin(p, "k1", f"/{n}"))
        if n < 3:
            wait_until(lambda: held.inside == n + 1, "they are there")
        else:
            wait_for_queue(admin, home, n - 2)
    for n, c in enumerate(clients):
        held.let_go()
        wait_until(lambda: len(held.came) >= min(60, n + 4), "the next one is let in")
    assert all(c.response().id == home for c in clients)
    assert held.most == 3
    assert held.came[3:] == [f"/{n}" for n in range(3, 60)], "first come, first served, whoever's worker it is"
    wait_until(lambda: admin.member(home)["active"] == 0, "nobody is there")


def test_the_queue_is_bounded():
    p, origins, admin = bounded(queue_max=2, retry_after="3s")
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = [begin(p, "k1")]
    wait_until(lambda: held.inside == 1, "the first is there")
    clients += [begin(p, "k1") for _ in range(2)]
    wait_for_queue(admin, home, 2)
    with p.client() as c:
        for method in ("GET", "POST"):
            r = c.request(method, fields=[("X-Key", "k1")], body=b"x" if method == "POST" else None)
            assert r.status == 503 and r.fields.all("Retry-After") == ["3"] and not r.fields.has("Set-Cookie")
    other = next(i for i in IDS if i != home)
    assert p.once(fields=[("X-Key", keys_of(other, 1)[0])]).id == other
    held.let_go(3)
    assert all(c.response().status == 200 for c in clients)
    event = p.wait_event("failover")
    assert (event["reason"], event["from"], event["chosen"]) == ("busy", home, None)
    assert event["skipped"] == [{"id": home, "why": "busy"}]
    p.stop()
    assert [e["attempts"] for e in p.requests(cause="queue_full")] == [0, 0]
    assert not p.events("member_down") and not p.events("outage_summary")


def test_no_queue_at_all():
    p, origins, _ = bounded(queue_max=0)
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    first = begin(p, "k1")
    wait_until(lambda: held.inside == 1, "the first is there")
    assert p.once(fields=[("X-Key", "k1")]).status == 503
    held.let_go()
    assert first.response().status == 200


def test_nobody_waits_for_ever():
    p, origins, admin = bounded(queue_timeout="200ms")
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    first = begin(p, "k1")
    wait_until(lambda: held.inside == 1, "the first is there")
    r = p.once(fields=[("X-Key", "k1")])
    assert r.status == 503 and r.fields.has("Retry-After")
    late = p.wait_request(cause="queue_timeout")
    assert late["queue_ms"] >= 200 and late["attempts"] == 0
    assert p.wait_event("failover")["reason"] == "busy"
    held.let_go(2)
    assert first.response().status == 200 and p.once(fields=[("X-Key", "k1")]).id == home
    assert admin.member(home)["waiting"] == 0


def test_a_client_that_goes_leaves_the_queue():
    p, origins, admin = bounded()
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = [begin(p, "k1", "/first")]
    wait_until(lambda: held.inside == 1, "the first is there")
    for n in range(3):
        clients.append(begin(p, "k1", f"/{n}"))
        wait_for_queue(admin, home, n + 1)
    clients[1].reset()
    wait_for_queue(admin, home, 2)
    clients[3].reset()
    wait_for_queue(admin, home, 1)
    held.let_go(2)
    assert clients[0].response().status == clients[2].response().status == 200
    assert held.came == ["/first", "/1"]
    wait_until(lambda: admin.member(home)["active"] == 0, "no place is lost")
    held.let_go()
    assert p.once(fields=[("X-Key", "k1")]).id == home


def test_a_body_is_read_while_its_request_waits():
    p, origins, admin = bounded()
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    first = begin(p, "k1")
    wait_until(lambda: held.inside == 1, "the first is there")
    body = os.urandom(3 << 20)
    answers = []

    def post():
        with p.client() as c:
            answers.append(c.request("POST", fields=[("X-Key", "k1")], body=body))

    thread = threading.Thread(target=post)
    thread.start()
    wait_for_queue(admin, home, 1)
    held.let_go(2)
    thread.join(holdfast.WAIT_S)
    assert first.response().status == 200 and answers[0].json["body_bytes"] == len(body)
    assert origins[home].requests[1].body == body


def test_a_tunnel_holds_its_place():
    def switch(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n")
        connection.wait_end()
        return False

    p, origins, admin = bounded()
    home = order_of("k1")[0]
    origins[home].behave = switch
    tunnel = p.client()
    tunnel.send(b"GET /ws HTTP/1.1\r\nHost: h\r\nX-Key: k1\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n")
    assert tunnel.response().status == 101
    origins[home].behave = None
    waiting = begin(p, "k1")
    wait_for_queue(admin, home, 1)
    tunnel.close()
    assert waiting.response().id == home


def test_nobody_waits_for_a_dead_member():
    """Those that wait when it dies go on to the next in their order."""
    a = OriginProcess("a")
    others = [Origin(i) for i in "bc"]
    p = Holdfast([member(a, connections_max=1)] + others, session=KEYED, health=CHECKED, top=listening(),
                 service={"queue_timeout": "1m"})
    admin = Admin(p)
    key = keys_of("a", 1)[0]
    wait_until(lambda: admin.member("a")["check"], "the first check")
    first = p.client()  # half a request holds the place
    first.send(f"POST / HTTP/1.1\r\nHost: h\r\nX-Key: {key}\r\nContent-Length: 10\r\n\r\n12345".encode())
    wait_until(lambda: admin.member("a")["active"] == 1, "the first is there")
    clients = []
    for n in range(5):
        clients.append(begin(p, key))
        wait_for_queue(admin, "a", n + 1)
    a.kill()
    for c in clients:
        r = c.response()
        assert r.status == 200 and r.id == order_of(key)[1]
    assert first.response("POST").status == 502
    p.stop()
    assert {e["reason"] for e in p.events("failover") if e["chosen"]} <= {"down", "connect_refused", "reset"}


def test_nobody_waits_for_a_member_in_maintenance():
    p, origins, admin = bounded(queue_timeout="1m")
    home, second, _ = order_of("k1")
    held = origins[home].behave = Held()
    first = begin(p, "k1", method="POST", body=b"x")
    wait_until(lambda: held.inside == 1, "the first is there")
    waiting = begin(p, "k1")
    wait_for_queue(admin, home, 1)
    admin.post(f"/members/{home}/drain")
    wait_for_queue(admin, home, 1)  # a fresh session by key may go elsewhere, but it waits where it began
    admin.post(f"/members/{home}/maint")
    assert waiting.response().id == second
    assert p.wait_event("failover")["reason"] == "maint"
    held.let_go()
    assert first.response().status == 200


def test_a_stop_lets_the_queue_end():
    p, origins, admin = bounded()
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = [begin(p, "k1")]
    wait_until(lambda: held.inside == 1, "the first is there")
    clients += [begin(p, "k1") for _ in range(3)]
    wait_for_queue(admin, home, 3)
    p.signal(signal.SIGTERM)
    held.let_go(4)
    assert all(c.response().status == 200 for c in clients)
    assert p.wait() == 0


def test_a_stop_at_once_breaks_the_queue_off():
    p, origins, admin = bounded()
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = [begin(p, "k1")]
    wait_until(lambda: held.inside == 1, "the first is there")
    clients += [begin(p, "k1") for _ in range(3)]
    wait_for_queue(admin, home, 3)
    p.stop(signal.SIGQUIT)
    for c in clients:
        try:
            assert c.response().status >= 500
        except Ended:
            pass
    held.let_go(4)


# ---- a reload -----------------------------------------------------------------------------------


def rewrite(p, origins, max, **service):
    one = p.conf["services"][0]
    one["members"] = [member(o, connections_max=max) for o in origins.values()]
    one.update(service)
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))
    before = len(p.events("reload"))
    p.signal(signal.SIGHUP)
    p.wait_event("reload", count=before + 1)


def test_a_reload_changes_the_bound():
    p, origins, admin = bounded()
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = [begin(p, "k1")]
    wait_until(lambda: held.inside == 1, "the first is there")
    for n in range(7):
        clients.append(begin(p, "k1"))
        wait_for_queue(admin, home, n + 1)
    rewrite(p, origins, 3)
    wait_until(lambda: held.inside == 3, "there is room for two more")
    assert admin.member(home)["waiting"] == 5
    rewrite(p, origins, 1)
    held.let_go(2)
    wait_until(lambda: held.inside == 1, "two are gone, and nobody was let in")
    assert admin.member(home)["waiting"] == 5
    rewrite(p, origins, 0)
    wait_until(lambda: held.inside == 6, "there is no bound")
    clients.append(begin(p, "k1"))
    wait_until(lambda: held.inside == 7, "one that is not counted")
    rewrite(p, origins, 2)
    held.let_go(7)
    assert all(c.response().id == home for c in clients)
    wait_until(lambda: admin.member(home)["active"] == 0, "all are gone")
    clients = [begin(p, "k1") for _ in range(4)]
    wait_until(lambda: held.inside == 2, "two are there")
    wait_for_queue(admin, home, 2)
    held.let_go(4)
    assert all(c.response().id == home for c in clients)


def test_a_member_that_leaves_serves_its_queue():
    p, origins, admin = bounded()
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    clients = [begin(p, "k1")]
    wait_until(lambda: held.inside == 1, "the first is there")
    clients += [begin(p, "k1") for _ in range(3)]
    wait_for_queue(admin, home, 3)
    rest = {i: o for i, o in origins.items() if i != home}
    rewrite(p, rest, 1)
    held.let_go(4)
    assert all(c.response().id == home for c in clients)
    assert p.once(fields=[("X-Key", "k1")]).id == order_of("k1", "".join(rest))[0]


# ---- the next in order --------------------------------------------------------------------------


def test_a_full_member_spills_over():
    """The next in order serves it; the session stays where it lives, and is there again when there is room."""
    for method in ("GET", "POST"):
        p, origins, admin = bounded(overflow="next")
        home, second, _ = order_of("k1")
        b = p.browser(fields=[("X-Key", "k1")])
        assert b.get().id == home
        held = origins[home].behave = Held()
        holder = begin(p, "k1")
        wait_until(lambda: held.inside == 1, "it is full")
        for _ in range(3):
            r = b.request(method, body=b"x" * 100 if method == "POST" else None)
            assert r.id == second and not r.fields.has("Set-Cookie")
            assert r.got.get("Holdfast-Failover") == f"from={home}; reason=busy"
            assert r.got.get("Holdfast-Served-Before") == r.got.get("Holdfast-Primary") == home
        held.let_go()
        assert holder.response().status == 200
        origins[home].behave = None
        r = b.get()
        assert r.id == home and not r.got.has("Holdfast-Failover")
        event = p.wait_event("failover")
        assert (event["reason"], event["from"], event["chosen"]) == ("busy", home, second)
        assert event["skipped"] == [{"id": home, "why": "busy"}] and event["order"][:2] == [home, second]
        assert holdfast.text_of(origins[home].address) in event["evidence"]
        p.stop()
        assert [e["affinity"] for e in p.requests() if e["target"] == "/" and e["member"] == second] == ["spill"] * 3
        assert not p.events("outage_summary") and not p.events("member_down")
        holdfast.finish()


def test_members_that_are_full_are_no_attempts():
    """One attempt is allowed, and it is made at the first that has room."""
    p, origins, admin = bounded(overflow="next", attempts_max=1, ids="abcde")
    order = order_of("k1", "abcde")
    held = {i: Held() for i in order}
    for i in order[:4]:
        origins[i].behave = held[i]
    clients = []
    for i in order[:4]:
        clients.append(begin(p, "k1"))
        wait_until(lambda: held[i].inside == 1, f"the place at {i} is taken")
    r = p.once(fields=[("X-Key", "k1")])
    assert r.id == order[4] and r.got.get("Holdfast-Rank") == "4"
    for i in order[:4]:
        held[i].let_go()
    assert [c.response().id for c in clients] == order[:4]
    p.stop()
    assert all(e["attempts"] == 1 for e in p.requests())


def test_everybody_is_full():
    p, origins, admin = bounded(overflow="next", retry_after="2s")
    held = Held()
    for o in origins.values():
        o.behave = held
    clients = []
    for n in range(3):
        clients.append(begin(p, "k1"))
        wait_until(lambda: held.inside == n + 1, "one more place is taken")
    with p.client() as c:
        r = c.get(fields=[("X-Key", "k1")])
        assert r.status == 503 and r.fields.all("Retry-After") == ["2"] and not r.fields.has("Set-Cookie")
        held.let_go(3)
        assert all(x.response().status == 200 for x in clients)
        held.let_go()
        assert c.get(fields=[("X-Key", "k1")]).status == 200
    entry = p.wait_request(cause="busy")
    assert entry["status"] == 503 and entry["attempts"] == 0
    event = p.wait_event("failover", chosen=None)
    assert [s["why"] for s in event["skipped"]] == ["busy"] * 3 and event["reason"] == "busy"


def test_a_dead_member_and_a_full_one():
    """The session's home is gone and the next is full: it moves to the third, for good."""
    p, origins, admin = bounded(overflow="next")
    home, second, third = order_of("k1")
    held = origins[second].behave = Held()
    key = keys_of(second, 1)[0]
    holder = begin(p, key)
    wait_until(lambda: held.inside == 1, "it is full")
    b = p.browser(fields=[("X-Key", "k1")])
    assert b.get().id == home
    origins[home].go()
    r = b.get()
    assert r.id == third and r.cookies().get("HOLDFAST")
    assert b.get().id == third and not b.get().fields.has("Set-Cookie")
    held.let_go()
    assert holder.response().id == second
    event = p.wait_event("failover", chosen=third)
    assert [s["id"] for s in event["skipped"]] == [home, second] and event["skipped"][1]["why"] == "busy"


def test_strict_and_full():
    p, origins, admin = bounded(overflow="next", session={**KEYED, "strict": 409})
    home = order_of("k1")[0]
    held = origins[home].behave = Held()
    holder = begin(p, "k1")
    wait_until(lambda: held.inside == 1, "it is full")
    assert p.once(fields=[("X-Key", "k1")]).status == 503
    assert p.wait_request(status=503)["cause"] == "busy"
    held.let_go()
    assert holder.response().status == 200


# ---- sessions that begin ------------------------------------------------------------------------


def test_a_new_session_begins_where_there_is_room():
    """That Holdfast issues: it has no home yet, so its home is where there is room, whatever `overflow` says."""
    for overflow in ("queue", "next"):
        p, origins, admin = bounded(overflow=overflow, session={"assign": "ordering", "failback": "return"})
        held = Held()
        for o in origins.values():
            o.behave = held
        clients, homes = [], []
        for n in range(3):
            clients.append(p.client())
            clients[-1].send(clients[-1].request_bytes())
            wait_until(lambda: held.inside == n + 1, "one more place is taken")
        held.let_go(3)
        answers = [c.response() for c in clients]
        assert sorted(r.id for r in answers) == list(IDS), "one each"
        for c, r in zip(clients, answers):
            order = ordering.order(IDS, r.got.get("Holdfast-Session"))
            assert r.got.get("Holdfast-Primary") == r.id and not r.got.has("Holdfast-Failover")
            assert r.got.get("Holdfast-Rank") == str(order.index(r.id))
            assert r.got.get("Holdfast-Backups").split(",") == [i for i in order if i != r.id]
            held.let_go()
            again = c.get(fields=[("Cookie", f"HOLDFAST={r.cookies()['HOLDFAST']}")])
            assert again.id == r.id, "it is at home"
        p.stop()
        assert [e["affinity"] for e in p.requests()] == ["new"] * 3 + ["hit"] * 3
        assert len(p.events("assigned")) == 3 and not p.events("failover")
        holdfast.finish()


def test_a_new_session_waits_when_there_is_no_room():
    p, origins, admin = bounded(ids="ab", session={})
    held = Held()
    for o in origins.values():
        o.behave = held
    clients = [p.client() for _ in range(3)]
    for n, c in enumerate(clients):
        c.send(c.request_bytes())
        if n < 2:
            wait_until(lambda: held.inside == n + 1, "one more place is taken")
    wait_until(lambda: sum(admin.member(i)["waiting"] for i in "ab") == 1, "the third waits")
    held.let_go(3)
    assert all(c.response().status == 200 for c in clients)


# ---- all together -------------------------------------------------------------------------------


def test_no_place_is_lost():
    """Two workers, clients that leave in the queue, requests that fail, members that die: in the end there is
    as much room as before."""
    def nasty(connection, request):
        request.read_body()
        if hash(request.target) % 5 == 0:
            return False
        answer_json(connection, request)

    for overflow in ("queue", "next"):
        origins = {i: Origin(i, nasty) for i in IDS}
        p = Holdfast([member(o, connections_max=2) for o in origins.values()], session=KEYED, workers=2,
                     top=listening(), health=CHECKED, service={"overflow": overflow, "queue_max": 8, "queue_timeout": "1s"})
        admin = Admin(p)

        def many(seed):
            for n in range(60):
                try:
                    with p.client() as c:
                        c.send(c.request_bytes(target=f"/{seed}/{n}", fields=[("X-Key", f"k{n % 7}")]))
                        if (n + seed) % 4 == 0:
                            c.reset()
                        else:
                            assert c.response().status in (200, 502, 503)
                except (Ended, OSError):
                    pass

        threads = [threading.Thread(target=many, args=(seed,)) for seed in range(12)]
        for t in threads:
            t.start()
        origins["a"].go()
        p.wait_event("member_down", member="a")
        origins["a"].come_back()
        for t in threads:
            t.join(holdfast.TEST_LIMIT_S)
        for o in origins.values():
            wait_until(lambda: admin.member(o.id)["state"] == "up", f"{o.id} is well")
        held = {i: Held() for i in IDS}
        for i, o in origins.items():
            o.behave = held[i]
        clients = []
        for i in IDS:
            wait_until(lambda: admin.member(i)["active"] == admin.member(i)["waiting"] == 0, "all are gone")
            clients += [begin(p, keys_of(i, 1)[0]) for _ in range(2)]
            wait_until(lambda: held[i].inside == 2, f"there is room for two at {i}")
        for h in held.values():
            h.let_go(2)
        assert all(c.response().status == 200 for c in clients)
        p.stop()
        holdfast.finish()


if __name__ == "__main__":
    holdfast.main()
