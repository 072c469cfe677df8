"""SIGHUP: the configuration is read again, swapped whole or not at all, under load and without a lost
request. Small, so that it runs under ThreadSanitizer as well."""

import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import CHECKED, HOST, Holdfast, Load, Origin, free_port, is_listening, libconfig, text_of, wait_until

KEYED = {"keys": ["header:X-Key"]}


def write(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def hup(p, event="reload"):
    """Signals, and returns the line that says what came of it."""
    before = len(p.events(event))
    p.signal(signal.SIGHUP)
    return p.wait_event(event, count=before + 1)


def reload(p, members=None, **service):
    one = p.conf["services"][0]
    if members is not None:
        one["members"] = [holdfast.member(m) for m in members]
    one.update(service)
    write(p)
    return hup(p)


def key_of(id, ids):
    return next(k for k in (f"k{n}" for n in range(10000)) if ordering.order(ids, ordering.digest(k))[0] == id)


def descriptors(p):
    return len(os.listdir(f"/proc/{p.pid}/fd"))


# ---- what changes, and for whom -------------------------------------------------------------------


def test_a_member_comes_and_another_goes():
    a, b, c = Origin("a"), Origin("b"), Origin("c")
    p = Holdfast([a, b], session=KEYED)
    key = key_of("c", "abc")
    assert p.once(fields=[("X-Key", key)]).id in "ab"
    line = reload(p, [a, b, c])
    assert line["reason"] == "signal" and " shop +c" in line["evidence"], line
    assert p.once(fields=[("X-Key", key)]).id == "c"
    line = reload(p, [a, c])
    assert " shop -b" in line["evidence"], line
    homes = {p.once(fields=[("X-Key", f"k{n}")]).id for n in range(40)}
    assert homes == {"a", "c"}


def test_sessions_of_who_stays_stay():
    a, b, c = Origin("a"), Origin("b"), Origin("c")
    p = Holdfast([a, b], workers=2)
    browsers = [p.browser() for _ in range(20)]
    homes = [s.get().id for s in browsers]
    reload(p, [b, c, a])
    assert [s.get().id for s in browsers] == homes


def test_sessions_of_who_left_get_a_new_primary_and_the_log_says_so():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b])
    browsers = [p.browser() for _ in range(20)]
    homes = [s.get().id for s in browsers]
    assert set(homes) == {"a", "b"}
    reload(p, [b])
    assert {s.get().id for s in browsers} == {"b"}
    p.wait_event("rehomed", count=homes.count("a"))


def test_idle_connections_of_who_stays_are_used_again():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED)
    for origin, key in ((a, key_of("a", "ab")), (b, key_of("b", "ab"))):
        for _ in range(3):
            assert p.once(fields=[("X-Key", key)]).id == origin.id
        assert origin.accepted == 1
    reload(p, [a])
    wait_until(lambda: not b.connections, "the connections of who left are closed")
    for _ in range(3):
        assert p.once(fields=[("X-Key", key_of("a", "ab"))]).id == "a"
    assert a.accepted == 1, "a connection was thrown away"


def test_liveness_outlives_a_reload():
    """A member that is down stays down, though its checks begin anew: no request goes there."""
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, passive={"retry": "60s"})
    key = key_of("a", "ab")
    a.go()
    assert p.once(fields=[("X-Key", key)]).id == "b"
    p.wait_event("member_down", member="a")
    reload(p, attempts_max=2)
    r = p.once("/after", fields=[("X-Key", key)])
    assert r.id == "b" and p.wait_request(target="/after")["attempts"] == 1
    assert len(p.events("member_down")) == 1


def test_a_member_at_another_address_is_another_member():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, passive={"retry": "60s"})
    key = key_of("a", "ab")
    a.go()
    assert p.once(fields=[("X-Key", key)]).id == "b"
    p.wait_event("member_down", member="a")
    again = Origin("a")
    line = reload(p, [again, b])
    assert " shop ~a" in line["evidence"]
    assert p.once(fields=[("X-Key", key)]).id == "a" and again.requests
    summary = p.wait_event("outage_summary", member="a")
    assert "left the configuration" in summary["evidence"] and summary["sessions_moved"] >= 1


def test_exchanges_under_way_end_as_they_began():
    """The member that has the request leaves meanwhile."""
    slow = []

    def behave(connection, request):
        slow.append(connection)
        wait_until(lambda: released, "released")
        connection.answer(200, b"late")

    released = []
    a, b = Origin("a", behave), Origin("b")
    p = Holdfast([a], timeouts={"first_byte": "30s"})
    with p.client() as c:
        c.send(c.request_bytes())
        wait_until(lambda: slow, "the request arrives")
        reload(p, [b])
        assert p.once().id == "b"
        released.append(True)
        r = c.response()
        assert (r.status, r.body) == (200, b"late")
        assert c.get().id == "b", "the next one on this connection"


def test_services_come_and_go():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a])
    one = p.conf["services"][0]
    one["paths"] = ["/one"]
    two = {**one, "name": "two", "paths": ["/two"], "members": [holdfast.member(b)]}
    p.conf["services"] = [two, one]
    write(p)
    assert "+two" in hup(p)["evidence"]
    assert p.once("/one").id == "a" and p.once("/two").id == "b" and p.once("/").status == 404
    p.conf["services"] = [two]
    write(p)
    assert "-shop" in hup(p)["evidence"]
    assert p.once("/one").status == 404 and p.once("/two").id == "b"


def test_checks_follow_the_configuration():
    """Checks are switched on by a reload, find a member down, and are switched off again."""
    well = [True]
    a = Origin("a", probe=lambda connection, request: connection.answer(200 if well[0] else 503))
    b = Origin("b")
    p = Holdfast([a, b])
    reload(p, health=CHECKED)
    wait_until(lambda: a.probes and b.probes, "the checks begin")
    well[0] = False
    p.wait_event("member_down", member="a")
    well[0] = True
    p.wait_event("member_up", member="a")
    reload(p, health={"enabled": False})
    seen = a.probes
    for _ in range(10):
        time.sleep(0.05)  # several intervals
        p.once()
    assert a.probes - seen <= 1


def test_limits_and_timeouts_are_taken_over():
    p = Holdfast([Origin("a")])
    with p.client() as c:
        assert c.get("/" + "x" * 500).status == 200
        p.conf["limits"] = {"target_bytes_max": "64"}
        write(p)
        hup(p)
        assert c.get("/" + "x" * 500).status == 414


# ---- listeners ------------------------------------------------------------------------------------


def test_listeners_come_and_go():
    p = Holdfast([Origin("a")], workers=2)
    old, new = p.address, (HOST, free_port())
    kept = p.client()
    assert kept.get().status == 200
    p.conf["listeners"] = [{"address": text_of(old)}, {"address": text_of(new)}]
    write(p)
    hup(p)
    p.address = new
    assert [p.once().status for _ in range(8)] == [200] * 8
    p.conf["listeners"] = [{"address": text_of(new)}]
    write(p)
    hup(p)
    assert not is_listening(old) and p.once().status == 200
    assert kept.get().status == 200, "a connection that was accepted before goes on"


def test_nobody_is_lost_with_a_listener():
    """Connections that wait in the backlog of a listener that is closed are served."""
    p = Holdfast([Origin("a")])
    old, new = p.address, (HOST, free_port())
    p.conf["listeners"] = [{"address": text_of(new)}]
    write(p)
    p.freeze()
    clients = [p.client() for _ in range(20)]
    for c in clients:
        c.send(c.request_bytes())
    p.signal(signal.SIGHUP)
    p.signal(signal.SIGCONT)
    assert [c.response().status for c in clients] == [200] * 20
    p.wait_event("reload")
    assert not is_listening(old) and is_listening(new)


def test_an_address_that_is_taken_refuses_the_reload():
    p = Holdfast([Origin("a")])
    taken = Origin("x")
    p.conf["listeners"].append({"address": text_of(taken.address)})
    write(p)
    line = hup(p, "reload_refused")
    assert text_of(taken.address) in line["evidence"]
    assert p.once().status == 200


# ---- refused --------------------------------------------------------------------------------------


def test_a_bad_file_changes_nothing_and_says_why():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b])
    homes = [p.browser() for _ in range(6)]
    ids = [s.get().id for s in homes]
    before = descriptors(p)
    for text, said in (("listeners = (", "syntax"), ("workers = \"many\";\nworkerz = 1;\n", "4 findings"), ("", "listeners")):
        with open(p.conf_path, "w") as f:
            f.write(text)
        line = hup(p, "reload_refused")
        assert said in line["evidence"], line
        p.wait_said("reload refused")
        assert [s.get().id for s in homes] == ids
    os.unlink(p.conf_path)
    assert p.conf_path in hup(p, "reload_refused")["evidence"]
    assert [s.get().id for s in homes] == ids
    wait_until(lambda: descriptors(p) <= before, "no descriptor is left over")
    write(p)
    hup(p)
    assert [s.get().id for s in homes] == ids


def test_what_needs_a_restart_is_said():
    p = Holdfast([Origin("a")], workers=1)
    p.conf["workers"] = 2
    write(p)
    hup(p)
    p.wait_said("workers needs a restart")
    assert p.once().status == 200


# ---- logs -----------------------------------------------------------------------------------------


def test_logs_move():
    p = Holdfast([Origin("a")], workers=2)
    old_access, old_failover = p.access_path, p.failover_path
    p.once("/before")
    p.wait_request(target="/before")
    p.access_path, p.failover_path = old_access + ".new", old_failover + ".new"
    p.conf["log"].update(access=p.access_path, failover=p.failover_path)
    write(p)
    p.signal(signal.SIGHUP)
    p.wait_event("reload")
    p.once("/after")
    p.wait_request(target="/after")
    with open(old_access) as f:
        assert "/after" not in f.read()


def test_the_access_log_begins_and_ends():
    p = Holdfast([Origin("a")], top={"log": None})
    path = p.access_path
    p.conf["log"] = {"failover": p.failover_path}
    write(p)
    hup(p) if os.path.exists(p.failover_path) else p.signal(signal.SIGHUP)
    p.wait_event("reload")
    p.once("/unseen")
    p.conf["log"]["access"] = path
    write(p)
    hup(p)
    p.once("/seen")
    p.wait_request(target="/seen")
    del p.conf["log"]["access"]
    write(p)
    hup(p)
    p.once("/unseen")
    p.conf["log"]["access"] = path
    write(p)
    hup(p)
    p.once("/again")
    p.wait_request(target="/again")
    assert [e["target"] for e in p.requests()] == ["/seen", "/again"]


# ---- under load -----------------------------------------------------------------------------------


def test_no_request_is_lost_by_reloads_under_load():
    """Members, services, listeners and limits change thirty times while clients ask; one member of
    three leaves and comes back."""
    origins = [Origin(i) for i in "abc"]
    p = Holdfast(origins, health=CHECKED, workers=2)
    extra = {"address": text_of((HOST, free_port()))}
    load = Load(p, clients=6)
    try:
        for n in range(30):
            p.conf["listeners"] = [p.conf["listeners"][0]] + ([extra] if n % 3 == 0 else [])
            reload(p, origins[:2] if n % 2 else origins, attempts_max=2 + n % 2)
            load.wait_more(10)
    finally:
        outcomes = load.stop()
    assert len(outcomes) >= 300
    assert not load.failures(), load.failures()[:5]
    assert len(p.events("reload")) == 30 and not p.events("member_down")


def test_reloads_leave_nothing_behind():
    origins = [Origin(i) for i in "abc"]
    p = Holdfast(origins, workers=2)

    def settle():
        for n in range(3):
            reload(p, origins[n % 2:])
            p.once()
        wait_until(lambda: len(p.events("reload")) % 3 == 0, "settled")
        return descriptors(p), p.memory_bytes()

    for _ in range(5):
        settle()
    before = settle()
    for _ in range(30):
        after = settle()
    assert after[0] <= before[0] + 2, "descriptors grow"
    if not holdfast.sanitizer():
        assert after[1] <= before[1] + (1 << 20), "memory grows"


def pool_of(ids):
    return f"{ordering.ring(tuple((i.encode(), 1, b'') for i in sorted(ids))).fingerprint():016x}"


def test_a_line_names_the_pool_that_its_session_was_placed_by():
    """Also for requests that come while the members change."""
    a, b, c = (Origin(i) for i in "abc")
    p = Holdfast([a, b], session=KEYED, workers=2)
    ended = threading.Event()

    def ask(number):
        n = 0
        with p.client() as client:
            while not ended.is_set():
                n += 1
                assert client.request("GET", "/", fields=[("X-Key", f"k{number}.{n}")]).status == 200

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(60):
            reload(p, [a, b, c])
            reload(p, [a, b])
    finally:
        ended.set()
        for t in threads:
            t.join()
    lines = [e for e in p.events("assigned") if e["session"]]  # others count what was held back
    seen = {e["pool"] for e in lines}
    assert seen == {pool_of("ab"), pool_of("abc")}, (len(lines), seen)
    assert not [e for e in lines if e["pool"] == pool_of("ab") and "c" in (e["primary"], e["chosen"])]


if __name__ == "__main__":
    holdfast.main()
