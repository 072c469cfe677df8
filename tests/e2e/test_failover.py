"""What becomes of requests when members fail (DESIGN sections 6 and 7)."""

import itertools
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import (CHECKED, BlackHole, Ended, Holdfast, Load, Origin, OriginProcess, answer_json, answering, chunk,
                      closing, resetting, saying, silent, wait_until)

IDS = "abcde"
KEYED = {"keys": ["header:X-Key"]}
# A black hole is only found by a limit on time. Generous, so that a busy machine makes none.
LIMITED = {**CHECKED, "timeout": "1500ms", "interval": "200ms", "fall": 3}


def order_of(key, ids=IDS):
    return ordering.order(ids, ordering.digest(key))


def key_of(id, ids=IDS):
    return keys_of(id, 1, ids)[0]


def keys_of(id, count, ids=IDS):
    return list(itertools.islice((f"k{n}" for n in range(10000) if order_of(f"k{n}", ids)[0] == id), count))


def ask(p, key, **more):
    return p.once(fields=[("X-Key", key)], **more)


def put_back(origins, behave=None):
    for o in origins:
        o.behave = behave


# ---- what was not sent goes on, whatever it is ---------------------------------------------------


def test_a_refused_connection_goes_on_to_the_next():
    origins = {i: Origin(i, start=i != "a") for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED)
    for n, method in enumerate(("GET", "POST", "PATCH", "PURGE")):
        key = keys_of("a", 4)[n]
        r = ask(p, key, method=method, body=b"x" * 1000 if method != "GET" else None)
        assert r.status == 200 and r.id == order_of(key)[1], method
    event = p.wait_event("failover")
    assert event["reason"] == "connect_refused" and origins["a"].id == event["from"]
    assert text_in(event["evidence"], holdfast.text_of(origins["a"].address))
    assert p.wait_event("member_down", member="a")["reason"] == "connect_refused"
    p.stop()
    attempts = [e["attempts"] for e in p.requests()]
    assert attempts == [2, 1, 1, 1], "who refused once is not asked again"


def text_in(text, part):
    return text is not None and part in text


def test_a_large_body_goes_on_when_nothing_was_sent():
    """More than replay_bytes_max: it streams to the member that takes the connection."""
    origins = {i: Origin(i, start=i != "a") for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED)
    r = ask(p, key_of("a"), method="POST", body=b"x" * (3 << 20))
    assert r.status == 200 and r.json["body_bytes"] == 3 << 20


def test_a_connection_that_never_comes_goes_on_to_the_next():
    hole = BlackHole("a")
    origins = [hole] + [Origin(i) for i in "bcde"]
    p = Holdfast(origins, session=KEYED, timeouts={"connect": "300ms"})
    keys = keys_of("a", 6)
    for n, key in enumerate(keys):
        r = ask(p, key, method="GET" if n % 2 else "POST", body=None if n % 2 else b"x")
        assert r.status == 200 and r.id == order_of(key)[1], (key, r.id)
    assert p.wait_event("failover")["reason"] == "connect_timeout"
    assert p.wait_event("member_down", member="a")["reason"] == "connect_timeout"
    p.stop()
    attempts = [e["attempts"] for e in p.requests()]
    assert attempts[:3] == [2, 2, 2] and set(attempts[3:]) == {1}, attempts


def test_every_connection_times_out():
    p = Holdfast([BlackHole("a"), BlackHole("b")], timeouts={"connect": "200ms"})
    assert p.once().status in (503, 504)
    assert p.wait_request()["cause"] in ("no_live_member", "member_connect_timeout")


# ---- what was sent goes on only when it may ------------------------------------------------------


def test_a_reset_before_an_answer():
    for behave in (closing, resetting):
        origins = {i: Origin(i) for i in IDS}
        p = Holdfast(list(origins.values()), session=KEYED)
        origins["a"].behave = behave
        key = key_of("a")
        r = ask(p, key)
        assert r.status == 200 and r.id == order_of(key)[1]
        assert r.got.get("Holdfast-Failover") == "from=a; reason=reset"
        assert p.wait_event("failover")["reason"] == "reset"
        assert ask(p, key, method="POST", body=b"x").status == 502
        event = p.wait_event("failover", chosen=None)
        assert event["reason"] == "reset" and event["from"] == "a", "the log says why it stopped here"
        assert sum(len(o.requests) for o in origins.values()) == 3
        holdfast.finish()


def test_an_answer_that_never_comes():
    origins = {i: Origin(i) for i in IDS}
    origins["a"].behave = silent
    p = Holdfast(list(origins.values()), session=KEYED, timeouts={"first_byte": "500ms"})
    key = key_of("a")
    r = ask(p, key)
    assert r.status == 200 and r.id == order_of(key)[1]
    assert r.got.get("Holdfast-Failover") == "from=a; reason=first_byte_timeout"
    assert ask(p, key, method="POST", body=b"x").status == 504
    p.stop()
    assert [e["cause"] for e in p.requests()] == ["done", "member_first_byte"]


def test_half_a_head_is_not_an_answer():
    origins = {i: Origin(i) for i in IDS}
    origins["a"].behave = saying(b"HTTP/1.1 200 OK\r\nContent-", close=True)
    p = Holdfast(list(origins.values()), session=KEYED)
    key = key_of("a")
    r = ask(p, key)
    assert r.status in (200, 502)
    if r.status == 200:
        assert r.id == order_of(key)[1]
    assert ask(p, key, method="POST", body=b"x").status == 502


def test_a_body_is_sent_again_whole():
    origins = {i: Origin(i) for i in IDS}
    origins["a"].behave = closing
    p = Holdfast(list(origins.values()), session=KEYED)
    keys = keys_of("a", 3)
    body = os.urandom(60000)
    with p.client() as c:
        r = c.request("PUT", fields=[("X-Key", keys[0])], body=body)
        assert r.id == order_of(keys[0])[1]
        r = c.exchange(b"PUT / HTTP/1.1\r\nHost: h\r\nX-Key: " + keys[1].encode() +
                       b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(body[:20000]) + chunk(body[20000:]) +
                       b"0\r\nX-T: 1\r\n\r\n")
        assert r.id == order_of(keys[1])[1] and r.json["trailers"] == [["X-T", "1"]]
    whole = [q.body for o in origins.values() for q in o.requests]
    assert whole == [body] * 4, [len(b) for b in whole]


def test_a_body_above_the_replay_bound_is_not_sent_again():
    origins = {i: Origin(i) for i in IDS}
    origins["a"].behave = closing
    p = Holdfast(list(origins.values()), session=KEYED, service={"replay_bytes_max": "1KiB"})
    assert ask(p, key_of("a"), method="PUT", body=b"x" * 100000).status == 502
    assert ask(p, key_of("a"), method="PUT", body=b"x" * 500).status == 200
    assert [len(o.requests) for o in origins.values() if o.id != "a"].count(1) == 1


def test_attempts_max():
    origins = [Origin(i, closing) for i in IDS]
    p = Holdfast(origins, session=KEYED, service={"attempts_max": 2}, passive={"enabled": False})
    assert ask(p, "k1").status == 502
    assert sum(len(o.requests) for o in origins) == 2
    asked = [o.id for o in sorted(origins, key=lambda o: order_of("k1").index(o.id)) if o.requests]
    assert asked == order_of("k1")[:2]
    p.stop()
    assert [e["attempts"] for e in p.requests()] == [2]


def test_the_request_is_built_anew_for_each_member():
    origins = {i: Origin(i) for i in IDS}
    first, second, third = order_of("k1")[:3]
    origins[first].behave = origins[second].behave = closing
    p = Holdfast(list(origins.values()), session=KEYED)
    r = ask(p, "k1")
    assert r.id == third
    for id, backups in ((first, [second, third]), (second, [third, order_of("k1")[3]])):
        got = origins[id].requests[0].fields
        assert got.get("Holdfast-Backups").split(",")[0] == backups[0]
        assert len(got.all("Holdfast-Session")) == len(got.all("X-Forwarded-For")) == len(got.all("Via")) == 1
    for name in ("Holdfast-Session", "X-Forwarded-For", "Via", "Holdfast-Failover"):
        assert len(r.got.all(name)) == 1
    assert r.got.get("Holdfast-Rank") == "2"


def test_an_expectation_goes_on_with_its_request():
    """The member dies before it said 100: the next one says it, and the body is sent once."""
    def behave(connection, request):
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        answer_json(connection, request)

    origins = {i: Origin(i, behave) for i in IDS}
    origins["a"].behave = lambda connection, request: False
    p = Holdfast(list(origins.values()), session=KEYED)
    key = key_of("a")
    with p.client() as c:
        c.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" +
               b"X-Key: %s\r\n\r\n" % key.encode())
        assert c.head().status == 100
        r = c.exchange(b"hello")
        assert r.id == order_of(key)[1] and r.json["body"] == "hello"


def test_an_upgrade_goes_on_to_the_next():
    def behave(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n" +
                        connection.origin.id.encode())
        return False

    origins = {i: Origin(i, behave) for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED)
    for n, key in enumerate(keys_of("a", 2)):
        if n == 0:
            origins["a"].behave = closing
        else:
            origins["a"].go()
        with p.client() as c:
            r = c.get(fields=[("X-Key", key), ("Connection", "Upgrade"), ("Upgrade", "x")])
            assert r.status == 101 and c.rest().decode() == order_of(key)[1]


def test_an_interim_answer_is_no_answer():
    """The member says 103 and dies: the request is repeated all the same, a POST is not."""
    origins = {i: Origin(i) for i in IDS}
    origins["a"].behave = saying(b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n", close=True)
    p = Holdfast(list(origins.values()), session=KEYED)
    key = key_of("a")
    r = ask(p, key)
    assert r.status == 200 and r.id == order_of(key)[1] and len(r.interim) == 1
    r = ask(p, key, method="POST", body=b"x")
    assert r.status == 502
    assert sum(len(o.requests) for o in origins.values()) == 3


def test_a_member_that_left_the_membership():
    """Its sessions are given the first of the order that is left, on every node alike, and told so."""
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()))
    browsers = [p.browser() for _ in range(20)]
    homes = [b.get().id for b in browsers]
    p.stop()
    left = [o for i, o in origins.items() if i != homes[0]]
    q = Holdfast(left, top={"state_dir": p.where})
    for b, home in zip(browsers, homes):
        b.leave()
        b.address = q.address
        r = b.get()
        if home == homes[0]:
            want = ordering.order([o.id for o in left], r.got.get("Holdfast-Session"))[0]
            assert r.id == want and r.got.get("Holdfast-Primary") == want and r.fields.has("Set-Cookie")
        else:
            assert r.id == home and not r.fields.has("Set-Cookie")
        again = b.get()
        assert again.id == r.id and not again.fields.has("Set-Cookie")
    q.stop()
    assert not q.events("tag_rejected")
    rehomed = q.events("rehomed")
    assert len(rehomed) == homes.count(homes[0]) and {e["reason"] for e in rehomed} == {"gone"}, rehomed


def test_lines_that_are_held_back_are_counted():
    """More events of one kind in a second than the log takes: none is lost from the count."""
    p = Holdfast([Origin("a", answering(200, b"hi"))])
    load = [p.client() for _ in range(8)]
    for _ in range(100):
        for c in load:
            c.send(c.request_bytes())
        for c in load:
            assert c.response().status == 200
    p.stop()
    lines = p.events("assigned")
    shown = [e for e in lines if e["session"] is not None]
    assert len(shown) + sum(e.get("suppressed", 0) for e in lines) == 800, len(lines)


# ---- pooled connections --------------------------------------------------------------------------


def test_connections_are_used_again():
    a = Origin("a")
    p = Holdfast([a])
    for _ in range(50):
        assert p.once().status == 200
    assert a.accepted == 1


def test_a_member_that_closes_each_connection_behind_our_back():
    """It says nothing of closing: the next request may meet the end. Nothing is seen twice, and
    what may be repeated never fails."""
    a = Origin("a", lambda c, q: answer_json(c, q) or False)
    p = Holdfast([a, Origin("b", a.behave)])
    b = p.browser()
    failed = 0
    for n in range(200):
        method = "POST" if n % 2 else "GET"
        r = b.request(method, f"/{n}", body=b"x" if n % 2 else None)
        assert r.status == 200 or method == "POST"
        failed += r.status != 200
    seen = [q.target for o in holdfast.started if isinstance(o, Origin) for q in o.requests if q.method == "POST"]
    assert len(seen) == len(set(seen)), "a POST was seen twice"
    assert failed < 100 and len(seen) >= 100 - failed


def test_an_idle_connection_that_ends_is_nobodys_failure():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], passive={"fall": 1})
    browser = p.browser()
    home = browser.get().id
    origin = a if home == "a" else b
    for n in range(5):
        for c in list(origin.connections):
            c.wire.sock.shutdown(holdfast.socket.SHUT_RDWR)
        wait_until(lambda: not origin.connections, "the connections end")
        r = browser.request("POST", body=b"x")
        assert r.status == 200 and r.id == home
    p.stop()
    assert not p.events("member_down") and not p.events("failover")


def test_a_member_that_says_close_is_not_used_again():
    a = Origin("a", answering(200, b"hi", [("Connection", "close")]))
    p = Holdfast([a])
    with p.client() as c:
        for _ in range(5):
            r = c.get()
            assert r.status == 200 and not r.closes
    assert a.accepted == 5


def test_pool_idle_and_pool_max():
    a = Origin("a")
    p = Holdfast([a], timeouts={"pool_idle": "200ms"})
    assert p.once().status == 200
    wait_until(lambda: not a.connections, "the unused connection is closed")
    q = Holdfast([a], service={"pool_max": 0})
    before = a.accepted
    for _ in range(3):
        assert q.once().status == 200
    assert a.accepted == before + 3


# ---- death while an answer streams ---------------------------------------------------------------


def test_death_while_streaming():
    """The client sees that its answer is incomplete, and the session goes on elsewhere."""
    members = {i: OriginProcess(i) for i in "abc"}
    stream = Origin("s", lambda c, q: stream_forever(c))
    p = Holdfast([stream] + list(members.values()), session=KEYED)
    ids = ["s", "a", "b", "c"]
    key = key_of("s", ids)
    with p.client() as c:
        c.send(c.request_bytes(fields=[("X-Key", key)]))
        r = c.head()
        assert r.status == 200 and r.framing == "chunked"
        c.take(100000)
        stream.go(reset=True)
        try:
            while True:
                last = c.some()
        except Ended as e:
            assert not (last + e.held).endswith(b"0\r\n\r\n"), "it looks complete"
    r = ask(p, key)
    assert r.status == 200 and r.id == order_of(key, ids)[1]
    assert p.wait_request(cause="member_truncated")["member"] == "s"


def stream_forever(connection):
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            connection.send(chunk(b"x" * 50000))
    except OSError:
        return False


def test_an_answer_that_stops_is_broken_off():
    def behave(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        connection.wait_end()
        return False

    p = Holdfast([Origin("a", behave)], timeouts={"idle": "400ms"})
    with p.client() as c:
        c.send(c.request_bytes())
        try:
            c.response()
            raise AssertionError("a short answer looks complete")
        except Ended:
            pass
    assert p.wait_request(cause="member_stalled")["status"] == 200


# ---- verdicts ------------------------------------------------------------------------------------


def test_passive_evidence_takes_a_member_out_and_one_success_brings_it_back():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, passive={"fall": 3, "retry": "300ms"})
    keys = keys_of("a", 5, "ab")
    a.behave = closing
    for key in keys[:3]:
        assert ask(p, key).id == "b"
    event = p.wait_event("member_down", member="a")
    assert event["reason"] == "reset"
    put_back([a])
    wait_until(lambda: ask(p, keys[4]).id == "a", "a is tried again")
    p.wait_event("member_up", member="a")
    summary = p.wait_event("outage_summary", member="a")
    assert summary["outage_ms"] > 0 and summary["requests_failed"] == 0


def test_passive_evidence_never_takes_the_last_one_out():
    a = Origin("a", closing)
    p = Holdfast([a], passive={"fall": 1})
    for _ in range(5):
        assert p.once().status == 502
    put_back([a])
    assert p.once().status == 200
    p.stop()
    assert not p.events("member_down")


def test_passive_can_be_off():
    a, b = Origin("a", closing), Origin("b")
    p = Holdfast([a, b], session=KEYED, passive={"enabled": False, "fall": 1})
    for key in keys_of("a", 5, "ab"):
        assert ask(p, key).id == "b"
    p.stop()
    assert len(a.requests) == 5 and not p.events("member_down")


def test_a_check_is_not_fooled():
    """By a socket that accepts and never answers, by garbage, half a head, a wrong status."""
    cases = {"a": (silent, "probe_timeout"), "b": (saying(b"SSH-2.0-OpenSSH\r\n\r\n", close=True), "probe_failed"),
             "c": (saying(b"HTTP/1.1 200 OK\r\nX: ", close=True), "probe_failed"),
             "d": (answering(500, b"no"), "probe_status")}
    origins = [Origin(i, probe=probe) for i, (probe, _) in cases.items()] + [Origin("e")]
    p = Holdfast(origins, session=KEYED, health=LIMITED)
    for id, (_, reason) in cases.items():
        assert p.wait_event("member_down", member=id)["reason"] == reason
    for n in range(10):
        assert ask(p, f"k{n}").id == "e"
    assert not any(o.requests for o in origins[:4]) and origins[4].probes > 0


def test_a_check_that_nobody_accepts():
    hole, gone, well = BlackHole("a"), Origin("b", start=False), Origin("c")
    p = Holdfast([hole, gone, well], health=LIMITED)
    assert p.wait_event("member_down", member="a")["reason"] == "probe_timeout"
    assert p.wait_event("member_down", member="b")["reason"] in ("probe_failed", "connect_refused")
    assert p.once().id == "c"


def test_a_connection_is_enough_where_no_path_is_checked():
    a, b = Origin("a"), Origin("b", start=False)
    a.on_accept = lambda connection: connection.wait_end()
    p = Holdfast([a, b], health={**CHECKED, "path": None})
    p.wait_event("member_down", member="b")
    wait_until(lambda: a.accepted >= 4, "several checks")
    p.stop()
    assert not p.events("member_down", member="a")


def test_expected_statuses_of_a_check():
    a = Origin("a", probe=answering(404, b""))
    b = Origin("b", probe=answering(204, b""))
    p = Holdfast([a, b], health={**CHECKED, "expect_low": 404, "expect_high": 404, "host": "check.example"})
    assert p.wait_event("member_down", member="b")["reason"] == "probe_status"
    assert p.once().id == "a"


def test_rise_and_fall():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], health={**CHECKED, "rise": 3})
    a.probe = answering(503, b"")
    p.wait_event("member_down", member="a")
    a.probe = None
    at = a.probes
    p.wait_event("member_up", member="a")
    assert a.probes >= at + 3
    assert p.wait_event("outage_summary", member="a")["outage_ms"] > 0


# ---- outages under load --------------------------------------------------------------------------


def homes(load):
    """Client number to the id of its first answer."""
    first = {}
    for o in load.outcomes:
        first.setdefault(o.client, o.id)
    return first


def assert_moved_well(load, dead):
    """Nobody saw an error; who lived at `dead` went to one backup, who lived elsewhere stayed."""
    assert not load.failures(), load.failures()[:5]
    for client, home in homes(load).items():
        ids = [o.id for o in load.outcomes if o.client == client]
        if home != dead:
            assert set(ids) == {home}, (client, ids)
        else:
            moved = ids.index(next(i for i in ids if i != dead))
            assert len(set(ids[moved:])) == 1, (client, ids)


def load_with_keys(p, count, keys):
    return Load(p, clients=count, fields=lambda i: [("X-Key", keys[i])])


def test_kill_9_under_load_costs_no_client_anything():
    members = {i: OriginProcess(i) for i in "abcd"}
    keys = [f"k{n}" for n in range(12)]
    p = Holdfast(list(members.values()), session=KEYED, health=CHECKED, workers=2)
    load = load_with_keys(p, 12, keys)
    load.wait_more(300)
    dead = order_of(keys[0], "abcd")[0]
    members[dead].kill()
    load.wait_more(600)
    load.stop()
    assert_moved_well(load, dead)
    hit = [i for i, k in enumerate(keys) if order_of(k, "abcd")[0] == dead]
    for i in hit:
        after = [o.id for o in load.outcomes if o.client == i][-1]
        assert after == order_of(keys[i], "abcd")[1]
    members[dead].begin()
    p.wait_event("member_up", member=dead)
    summary = p.wait_event("outage_summary", member=dead)
    assert summary["sessions_moved"] == len(hit) and summary["requests_failed"] == 0, summary
    assert sum(m["count"] for m in summary["moved_to"]) == len(hit)
    assert {m["id"] for m in summary["moved_to"]} == {order_of(keys[i], "abcd")[1] for i in hit}
    assert summary["outage_ms"] > 0 and summary["detection_ms"] >= 0


def test_kill_9_without_checks():
    """Passive evidence alone: the same promise."""
    members = {i: OriginProcess(i) for i in "abc"}
    p = Holdfast(list(members.values()), workers=2)
    load = Load(p, clients=9)
    load.wait_more(200)
    dead = homes(load)[0]
    members[dead].kill()
    load.wait_more(400)
    load.stop()
    assert_moved_well(load, dead)


def test_one_after_another_until_one_is_left():
    members = {i: OriginProcess(i) for i in "abcd"}
    p = Holdfast(list(members.values()), health=CHECKED, workers=2)
    load = Load(p, clients=8)
    for id in "abc":
        load.wait_more(100)
        members[id].kill()
    load.wait_more(200)
    load.stop()
    assert not load.failures(), load.failures()[:5]
    last = {o.client: o.id for o in load.outcomes}
    assert set(last.values()) == {"d"}


def test_a_black_hole_moves_each_session_to_its_one_backup():
    """A member that is stopped keeps its connections and says nothing."""
    members = {i: OriginProcess(i) for i in "abcd"}
    keys = [f"k{n}" for n in range(12)]
    p = Holdfast(list(members.values()), session=KEYED, health=LIMITED, timeouts={"first_byte": "1500ms"})
    load = load_with_keys(p, 12, keys)
    load.wait_more(100)
    dead = order_of(keys[0], "abcd")[0]
    members[dead].freeze()
    assert p.wait_event("member_down", member=dead)["reason"] in ("probe_timeout", "first_byte_timeout")
    load.wait_more(300)
    load.stop()
    assert not load.failures(), load.failures()[:5]
    for i, key in enumerate(keys):
        order = order_of(key, "abcd")
        ids = [o.id for o in load.outcomes if o.client == i]
        if order[0] == dead:
            assert set(ids) == set(order[:2]) and ids[-1] == order[1], (key, ids)
    members[dead].signal(signal.SIGCONT)
    p.wait_event("member_up", member=dead)


def test_who_waits_for_a_member_found_dead_asks_the_next():
    """A check finds the member dead long before the answer would be late; a POST may not be moved."""
    members = {i: OriginProcess(i) for i in "ab"}
    p = Holdfast(list(members.values()), session=KEYED, health=LIMITED, timeouts={"first_byte": "10m"})
    key = key_of("a", "ab")
    assert ask(p, key).id == "a"
    with p.client() as poster:
        members["a"].freeze()
        poster.send(b"POST / HTTP/1.1\r\nHost: h\r\nX-Key: %s\r\nContent-Length: 2\r\n\r\nhi" % key.encode())
        assert ask(p, key).id == "b"
        event = p.wait_event("failover", chosen="b")
        assert event["reason"] == "down" and "found dead" in event["evidence"]
        members["a"].signal(signal.SIGCONT)
        assert poster.response("POST").id == "a"


def test_posts_under_an_outage_are_seen_once():
    """A POST that meets the end of its member gets an error or an answer, and is never worked on twice."""
    lock, seen = threading.Lock(), []

    def behave(connection, request):
        request.read_body()
        if connection.gone:
            return False
        with lock:
            seen.append(request.fields.get("X-Exchange"))
        answer_json(connection, request)

    origins = [Origin(i, behave) for i in "abc"]
    p = Holdfast(origins, workers=2)
    load = Load(p, clients=6, method="POST", body=b"pay once")
    for o in origins[:2]:
        load.wait_more(60)
        o.go()
        load.wait_more(60)
        o.come_back()
    load.stop()
    assert len(seen) == len(set(seen)), "a POST was worked on twice"
    errors = [f for f in load.failures() if f[2] not in (502, 503, 504)]
    assert not errors, errors[:5]
    answered = {f"{o.client}-{o.number}" for o in load.outcomes if o.status == 200}
    assert answered <= set(seen)


def test_sessions_keep_their_counts_where_they_are():
    """What the members count in memory grows by one a request, for every session, without an outage."""
    p = Holdfast([OriginProcess(i) for i in "abc"], workers=2)
    browsers = [p.browser() for _ in range(15)]
    for n in range(1, 6):
        for b in browsers:
            assert b.get().json["count"] == n


if __name__ == "__main__":
    holdfast.main()
