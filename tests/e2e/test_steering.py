"""The admin interface as those use it who steer: drain, maint, up, reload, and the log's lines live."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from admin import CHANGE, Admin, Follower, listening
from holdfast import CHECKED, UNCHECKED, Ended, Holdfast, Origin, answer_json, libconfig, member, silent, wait_until

KEYED = {"keys": ["header:X-Key"]}
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]


def order_of(key, ids="abc"):
    return ordering.order(ids, ordering.digest(key))


def key_of(id, ids="abc"):
    return next(f"k{n}" for n in range(10000) if order_of(f"k{n}", ids)[0] == id)


def web_socket(connection, request):
    """Answers an upgrade and echoes; anything else as usual."""
    if not request.fields.has("Upgrade"):
        return answer_json(connection, request)
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    try:
        while True:
            connection.send(connection.wire.some())
    except Ended:
        return False


def tunnel(p, key):
    c = p.client()
    assert c.get(fields=UPGRADE + [("X-Key", key)]).status == 101
    return c


# ---- drain --------------------------------------------------------------------------------------


def test_drain_keeps_who_is_there_and_takes_no_new_ones():
    p = Holdfast([Origin(i) for i in "abc"], workers=2, top=listening())
    admin = Admin(p)
    living = [p.browser() for _ in range(30)]
    homes = {b: b.get().id for b in living}
    assert set(homes.values()) == set("abc")
    assert admin.post("/members/a/drain") == {"service": "shop", "member": "a", "order": "drain", "state": "drain",
                                              "active": 0}
    p.wait_event("drain_started", member="a", reason="drain")
    for b in living:
        r = b.get()
        assert r.id == homes[b], "sessions that live there stay"
    new = [p.browser().get().id for _ in range(30)]
    assert set(new) == {"b", "c"}
    m = admin.member("a")
    assert m["state"] == m["order"] == m["reason"] == "drain"
    assert admin.metrics().value("holdfast_member_state", member="a") == 2
    assert admin.post("/members/a/undrain")["state"] == "up"
    p.wait_event("member_up", member="a", evidence="operator: drain -> up")
    assert "a" in {p.browser().get().id for _ in range(30)}
    assert {e["member"] for e in p.events("drain_started")} == {"a"} and not p.events("member_down")


def test_drain_of_keyed_sessions():
    """Without a tag nobody knows whether a session lives there: it is a new one."""
    p = Holdfast([Origin(i) for i in "abc"], session=KEYED, top=listening())
    key = key_of("a")
    b = p.browser(fields=[("X-Key", key)])
    assert b.get().id == "a"
    Admin(p).post("/members/a/drain")
    assert b.get().id == "a"
    assert p.once(fields=[("X-Key", key)]).id == order_of(key)[1]


def test_drain_done_when_the_last_tunnel_ends():
    p = Holdfast([Origin(i, web_socket) for i in "abc"], session=KEYED, top=listening())
    admin = Admin(p)
    tunnels = [tunnel(p, key_of("a")) for _ in range(3)]
    wait_until(lambda: admin.member("a")["active"] == 3, "tunnels are counted as active")
    assert admin.metrics().value("holdfast_member_active_requests", member="a") == 3
    assert admin.post("/members/a/drain")["active"] == 3
    p.wait_event("drain_started", member="a")
    for n, c in enumerate(tunnels):
        c.send(b"still there")
        assert c.take(11) == b"still there"
        assert not p.events("drain_done")
        c.close()
        wait_until(lambda: admin.member("a")["active"] == 2 - n, "one less")
    done = p.wait_event("drain_done", member="a")
    assert done["reason"] == "drain" and done["evidence"] == "no request is under way there"
    admin.wait_total(3)
    time.sleep(0.2)
    assert len(p.events("drain_done")) == 1
    requests = admin.service()["requests"]
    assert requests["by_cause"] == {"tunnel_done": 3} and requests["mean_ms"] is None, "in no histogram"
    assert requests["bytes_in"] == requests["bytes_out"] == 33


def test_drain_done_at_once_when_nobody_is_there():
    p = Holdfast([Origin(i) for i in "ab"], top=listening())
    admin = Admin(p)
    for n in (1, 2):
        admin.post("/members/b/drain")
        p.wait_event("drain_done", member="b", count=n)
        admin.post("/members/b/up")
        p.wait_event("member_up", member="b", count=n)
    assert [e["event"] for e in p.events()] == ["drain_started", "drain_done", "member_up"] * 2


def test_a_draining_member_that_dies():
    """Its sessions move; when it is back it drains on."""
    a = Origin("a")
    p = Holdfast([a, Origin("b")], session=KEYED, health=CHECKED, top=listening())
    admin = Admin(p)
    key = key_of("a", "ab")
    browser = p.browser(fields=[("X-Key", key)])
    assert browser.get().id == "a"
    admin.post("/members/a/drain")
    a.go()
    p.wait_event("member_down", member="a")
    m = admin.member("a")
    assert m["state"] == "down" and m["order"] == "drain"
    assert browser.get().id == "b"
    a.come_back()
    p.wait_event("member_up", member="a")
    wait_until(lambda: admin.member("a")["state"] == "drain", "it drains on")
    assert p.once(fields=[("X-Key", key)]).id == "b"


def test_everybody_drains():
    """Nothing else is left: better there than nowhere."""
    p = Holdfast([Origin(i) for i in "ab"], top=listening())
    for id in "ab":
        Admin(p).post(f"/members/{id}/drain")
    assert p.once().status == 200


# ---- maint --------------------------------------------------------------------------------------


def test_maint_moves_everybody():
    p = Holdfast([Origin(i) for i in "abc"], session=KEYED, workers=2, top=listening())
    admin = Admin(p)
    key = key_of("a")
    browser = p.browser(fields=[("X-Key", key)])
    assert browser.get().id == "a"
    assert admin.post("/members/a/maint")["state"] == "maint"
    down = p.wait_event("member_down", member="a")
    assert down["reason"] == "maint" and down["evidence"] == "operator: up -> maint"
    assert browser.get().id == order_of(key)[1]
    moved = p.wait_event("failover", primary="a")
    assert moved["reason"] == "maint" and moved["skipped"] == [{"id": "a", "why": "maint"}]
    assert admin.post("/members/a/up") == {"service": "shop", "member": "a", "order": None, "state": "up", "active": 0}
    p.wait_event("member_up", member="a")
    assert p.wait_event("outage_summary", member="a")["sessions_moved"] == 1
    assert p.once(fields=[("X-Key", key)]).id == "a"


def test_maint_moves_who_waits():
    """A GET that waits for an answer goes elsewhere at once; it is no failure of the member's. A POST
    that is there may not be sent again: it is waited for."""
    a = Origin("a", silent)
    p = Holdfast([a, Origin("b")], session=KEYED, workers=2, top=listening())
    admin = Admin(p)
    key = ("X-Key", key_of("a", "ab"))
    gets = [p.client() for _ in range(8)]
    for c in gets:
        c.send(c.request_bytes(fields=[key]))
    post = p.client()
    post.send(post.request_bytes("POST", fields=[key], body=b"once"))
    wait_until(lambda: len(a.requests) == 9, "all are at a")
    assert admin.member("a")["active"] == 9
    admin.post("/members/a/maint")
    for c in gets:
        assert c.response().id == "b"
    moved = p.wait_event("failover", count=8)
    assert moved["reason"] == "maint" and moved["evidence"].startswith("taken out by the operator while it was asked")
    m = wait_until(lambda: (lambda m: m if m["active"] == 1 else None)(admin.member("a")), "the POST alone is left")
    assert m["failures"] == 0
    assert [q.method for q in a.requests].count("POST") == 1
    a.go()
    assert post.response().status == 502, "not sent again"


def test_maint_leaves_what_is_streaming():
    p = Holdfast([Origin(i, web_socket) for i in "abc"], session=KEYED, top=listening())
    admin = Admin(p)
    c = tunnel(p, key_of("a"))
    admin.post("/members/a/maint")
    p.wait_event("member_down", member="a")
    c.send(b"on")
    assert c.take(2) == b"on"
    assert admin.member("a")["active"] == 1


def test_up_returns_to_what_the_checks_say():
    a = Origin("a")
    p = Holdfast([a, Origin("b")], session=KEYED, health=CHECKED, top=listening())
    admin = Admin(p)
    wait_until(lambda: a.probes > 0, "a is checked")
    admin.post("/members/a/maint")
    a.go()
    wait_until(lambda: admin.member("a")["check"] and not admin.member("a")["check"]["well"],
               "checks go on meanwhile")
    time.sleep(0.5)
    assert admin.member("a")["state"] == "maint"
    assert admin.post("/members/a/up")["state"] == "down", "as the checks found it"
    assert not p.events("member_up")
    a.come_back()
    p.wait_event("member_up", member="a")
    summary = p.wait_event("outage_summary", member="a")
    assert summary["reason"] == "maint", "the outage began when it was taken out"


def test_orders_follow_each_other():
    p = Holdfast([Origin(i) for i in "ab"], top=listening())
    admin = Admin(p)
    for word, order, state in (("drain", "drain", "drain"), ("drain", "drain", "drain"), ("maint", "maint", "maint"),
                               ("drain", "drain", "drain"), ("undrain", None, "up"), ("undrain", None, "up"),
                               ("maint", "maint", "maint"), ("up", None, "up"), ("up", None, "up")):
        r = admin.post(f"/members/a/{word}")
        assert (r["order"], r["state"]) == (order, state), word
    admin.post("/members/a/maint")
    r = admin.request("POST", "/members/a/undrain", fields=[CHANGE])
    assert r.status == 409 and "maintenance" in r.json["error"]
    assert admin.member("a")["state"] == "maint"


def test_nobody_is_left():
    p = Holdfast([Origin(i) for i in "ab"], top=listening())
    for id in "ab":
        Admin(p).post(f"/members/{id}/maint")
    r = p.once()
    assert r.status == 503 and r.fields.has("Retry-After")


def test_whom_an_order_means():
    services = [{"name": n, "hosts": [f"{n}.example"], "health": UNCHECKED,
                 "members": [member(Origin(i)) for i in ids]} for n, ids in (("s1", "ab"), ("s2", "bc"))]
    p = Holdfast([], services=services, top=listening())
    admin = Admin(p)
    assert admin.post("/members/a/drain")["service"] == "s1"
    assert admin.post("/members/c/drain?service=s2")["service"] == "s2"
    r = admin.request("POST", "/members/b/drain", fields=[CHANGE])
    assert r.status == 409 and "s1 and s2" in r.json["error"]
    assert admin.post("/members/b/drain?service=s2")["service"] == "s2"
    assert admin.member("b", "s1")["state"] == "up" and admin.member("b", "s2")["state"] == "drain"
    for target in ("/members/z/drain", "/members/a/drain?service=s2", "/members/a/drain?service=s3",
                   "/members/%61%00/drain", "/members/%zz/drain", f"/members/{'a' * 300}/drain",
                   "/members/a%2fdrain/drain"):
        assert admin.request("POST", target, fields=[CHANGE]).status == 404, target
    assert admin.post("/members/%61/up")["member"] == "a"
    assert admin.request("POST", "/members/a/drain?service=" + "s" * 100, fields=[CHANGE]).status == 400


def test_orders_under_load():
    """Drained, taken out and back, one after the other, while everybody asks: no request fails."""
    p = Holdfast([Origin(i) for i in "abc"], workers=3, health=CHECKED, top=listening())
    admin = Admin(p)
    load = holdfast.Load(p, clients=9)
    for id in "abcabc":
        for word in ("drain", "maint", "up"):
            load.wait_more(30)
            admin.post(f"/members/{id}/{word}")
    load.wait_more(60)
    load.stop()
    assert not load.failures(), load.failures()[:5]
    assert sum(m["attempts"] for m in admin.service()["members"]) >= len(load.outcomes)


# ---- reload -------------------------------------------------------------------------------------


def write_conf(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def test_reload():
    a, b, c = (Origin(i) for i in "abc")
    p = Holdfast([a, b], session=KEYED, top=listening())
    admin = Admin(p)
    admin.post("/members/b/drain")
    for n in range(20):
        p.once(fields=[("X-Key", f"k{n}")])
    admin.wait_total(20)
    before = admin.status()
    p.conf["services"][0]["members"].append(member(c))
    write_conf(p)
    assert admin.post("/reload") == {"reloaded": True}
    assert p.wait_event("reload")["reason"] == "admin"
    after = admin.status()
    assert [m["id"] for m in after["services"][0]["members"]] == ["a", "b", "c"]
    assert after["services"][0]["pool"] != before["services"][0]["pool"]
    assert after["config"]["loaded"] > before["config"]["loaded"] and after["started"] == before["started"]
    assert admin.member("b")["order"] == "drain", "orders outlive a reload"
    old, new = before["services"][0]["requests"], after["services"][0]["requests"]
    assert new["total"] == old["total"] == 20, "counters do, too"
    p.once(fields=[("X-Key", "k0")])
    admin.wait_total(21)


def test_reload_refused():
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    loaded = admin.status()["config"]["loaded"]
    good = p.conf["services"][0]["members"]
    p.conf["services"][0]["members"] = [{"id": "a", "origin": "nowhere"}]
    write_conf(p)
    r = admin.request("POST", "/reload", fields=[CHANGE])
    assert r.status == 422 and "services[0].members[0].origin" in r.json["error"], r.body
    p.wait_event("reload_refused", reason="admin")
    assert admin.status()["config"]["loaded"] == loaded and p.once().status == 200
    p.conf["services"][0]["members"] = good
    write_conf(p)
    admin.post("/reload")


def test_reload_takes_up_names_and_says_what_waits():
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    assert admin.get("/health", host="ops.example").status == 403
    p.conf["admin"] = {**p.conf["admin"], "hosts": ["ops.example"]}
    write_conf(p)
    admin.post("/reload")
    assert admin.get("/health", host="ops.example").status == 200
    p.conf["admin"] = {**p.conf["admin"], "address": holdfast.text_of((holdfast.HOST, holdfast.free_port()))}
    write_conf(p)
    admin.post("/reload")
    p.wait_said("a change of admin.address needs a restart")
    assert admin.get("/health").status == 200


# ---- events -------------------------------------------------------------------------------------


def test_events_are_the_log_live():
    a = Origin("a")
    p = Holdfast([a, Origin("b")], session=KEYED, workers=2, top=listening())
    admin = Admin(p)
    p.once(fields=[("X-Key", "k0")])
    p.wait_event("assigned")
    followers = [Follower(admin) for _ in range(3)]
    for f in followers:
        assert f.head.status == 200 and f.head.fields.get("Content-Type") == "text/event-stream"
        assert f.head.fields.get("Cache-Control") == "no-store" and not f.head.fields.has("Content-Length")
    wait_until(lambda: admin.status()["logs"]["followers"] == 3, "three follow")
    before = len(p.events())
    key = key_of("a", "ab")
    browser = p.browser(fields=[("X-Key", key)])
    browser.get()
    a.go()
    browser.get()
    admin.post("/members/b/drain")
    p.wait_event("drain_done", member="b")
    lines = p.events()[before:]
    assert [e["event"] for e in lines][0] == "assigned" and len(lines) >= 5
    for f in followers:
        assert [f.next() for _ in lines] == [("message", e) for e in lines]
        f.wire.close()
    wait_until(lambda: admin.status()["logs"]["followers"] == 0, "nobody follows")
    assert admin.status()["logs"]["followers_dropped"] == 0


def test_events_with_a_disk_that_is_full():
    """The log's file takes nothing; those who follow see it all the same."""
    if not os.path.exists("/dev/full"):
        return
    p = Holdfast([Origin(i) for i in "ab"], top={**listening(), "log": {"failover": "/dev/full"}})
    admin = Admin(p)
    follower = Follower(admin)
    admin.post("/members/a/drain")
    assert follower.wait("drain_started")["member"] == "a"


def test_a_slow_follower_is_dropped():
    """It neither holds up the others nor the node; it is counted, and closed."""
    p = Holdfast([Origin(f"a{n}") for n in range(30)], health=CHECKED, top=listening())
    admin = Admin(p)
    slow = Follower(admin, receive_bytes=4096)
    quick = Follower(admin)
    sent = received = 0
    end = time.monotonic() + holdfast.WAIT_S
    with admin.client() as c:
        while admin.status()["logs"]["followers_dropped"] == 0:
            assert time.monotonic() < end, f"not dropped after {sent} orders"
            for n in range(30):
                for word in ("maint", "up"):
                    r = c.request("POST", f"/members/a{n}/{word}", fields=[CHANGE])
                    assert r.status == 200, r.body
            sent += 30
            while received < sent:
                received += quick.next()[1]["event"] == "member_down"
    logs = admin.status()["logs"]
    assert logs["followers_dropped"] == 1 and logs["followers"] == 1
    assert admin.metrics().value("holdfast_event_followers_dropped_total") == 1
    slow.wire.sock.settimeout(holdfast.WAIT_S)
    try:
        while True:
            slow.wire.some()
    except Ended:
        pass
    p.wait_said("reads /events too slowly and is dropped")


def test_followers_are_bounded():
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    followers = [Follower(admin) for _ in range(16)]
    assert all(f.head.status == 200 for f in followers)
    assert admin.get("/events").status == 503
    assert admin.get("/health").status == 200
    followers[0].wire.close()
    wait_until(lambda: admin.status()["logs"]["followers"] == 15, "one went")
    assert Follower(admin).head.status == 200


def test_followers_come_and_go_under_load():
    a = Origin("a")
    p = Holdfast([a, Origin("b"), Origin("c")], workers=3, health=CHECKED, top=listening())
    admin = Admin(p)
    load = holdfast.Load(p, clients=6)
    for n in range(12):
        f = Follower(admin)
        load.wait_more(10)
        admin.post(f"/members/{'bc'[n % 2]}/{'maint' if n % 4 < 2 else 'up'}")
        assert f.next()[1]["service"] == "shop"
        if n % 2:
            f.wire.reset()
        else:
            f.wire.close()
    load.stop()
    assert not load.failures(), load.failures()[:5]


def test_stop_ends_followers():
    p = Holdfast([Origin("a")], top=listening())
    f = Follower(Admin(p))
    p.stop()
    f.wire.sock.settimeout(holdfast.WAIT_S)
    try:
        while True:
            f.wire.some()
    except Ended as e:
        assert not e.reset


if __name__ == "__main__":
    holdfast.main()
