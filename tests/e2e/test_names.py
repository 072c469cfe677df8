"""Members by name: resolved at start, again when the TTL is over; services and names of several addresses as members."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from dns import Dns
from holdfast import CHECKED, HOST, Holdfast, Origin, free_port, libconfig, text_of, wait_until
from tls import Authority, TlsOrigin, server_context

KEYED = {"keys": ["header:X-Key"]}
OTHER = HOST.rsplit(".", 1)[0] + "." + str(int(HOST.rsplit(".", 1)[1]) ^ 1)
FAST = {"timeout": "300ms", "tries": 1, "ttl_min": "50ms", "retry": "100ms"}


def named(dns, members, top=None, **more):
    """members: (id, "name:port") or origins."""
    return Holdfast(members, top={"resolver": {"servers": [dns.text()], **FAST}, **(top or {})}, **more)


def at(host, port=None, id="a", behave=None):
    return Origin(id, behave, address=(host, port or free_port(host)))


def write(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def hup(p, event="reload"):
    before = len(p.events(event))
    p.signal(signal.SIGHUP)
    return p.wait_event(event, count=before + 1)


def says(p, text):
    wait_until(lambda: text in p.stderr, f"{text!r} in {p.stderr!r}")


def test_a_member_by_name():
    d = Dns()
    d.a("app.test", HOST)
    a = at(HOST)
    p = named(d, [("a", f"app.test:{a.address[1]}")], health=CHECKED)
    assert p.once(host="shop").json["id"] == "a"
    wait_until(lambda: a.probes, "it is checked")
    n = d.asked("app.test")
    wait_until(lambda: d.asked("app.test") >= n + 4, "it is asked for again when its TTL is over")
    assert p.stderr.count("name app.test: ") == 1, "what is no news is not said"


def test_an_address_that_changes():
    """Identity, ordering and sessions stay; connections to the old address end with their requests."""
    d = Dns()
    d.a("app.test", HOST)
    a, b = at(HOST, id="a"), at(HOST, id="b")
    moved = at(OTHER, a.address[1], id="a2")
    p = named(d, [("a", f"app.test:{a.address[1]}"), ("b", text_of(b.address))], session=KEYED, workers=2)
    key = next(f"k{n}" for n in range(99) if ordering.order("ab", ordering.digest(f"k{n}"))[0] == "a")
    c = p.browser()
    field = [("X-Key", key)]
    assert c.get(fields=field).id == "a"
    release = []
    def slow(connection, request):
        while request.target == "/slow" and not release:
            time.sleep(0.01)
        return holdfast.answer_json(connection, request)
    a.behave = slow
    with p.client() as waiting:
        waiting.send(waiting.request_bytes("POST", "/slow", fields=field, body=b"x"))
        wait_until(lambda: any(r.target == "/slow" for r in a.requests), "it is asked")
        d.a("app.test", OTHER)
        wait_until(lambda: c.get(fields=field).id == "a2", "requests go to the new address")
        release.append(1)
        assert waiting.response().json["id"] == "a", "what was under way ends where it began"
    wait_until(lambda: not a.connections, "no connection to the old address is kept")
    told = moved.requests[-1].fields
    assert told.get("Holdfast-Primary") == "a" and told.get("Holdfast-Rank") == "0"
    assert not p.events("failover") and not p.events("member_down")
    p.wait_said(f"name app.test: {OTHER}", "names: shop ~a")


def test_a_name_that_resolves_no_more():
    d = Dns()
    d.a("app.test", HOST)
    a = at(HOST)
    admin = (HOST, free_port())
    p = named(d, [("a", f"app.test:{a.address[1]}")], top={"admin": {"address": text_of(admin)}})
    for how, why in (("NXDOMAIN", "no such name"), ("SERVFAIL", "no server of names answers"), ("REFUSED", "no server of names answers"), ("silent", "no answer in time")):
        d.fail("app.test", how)
        turn = ["NXDOMAIN", "SERVFAIL", "REFUSED", "silent"].index(how) + 1
        wait_until(lambda: p.stderr.count("name app.test does not resolve any more") == turn, f"{how} is said")
        assert f"does not resolve any more, {why}" in p.stderr.splitlines()[-1]
        n = d.asked("app.test")
        wait_until(lambda: d.asked("app.test") >= n + 3, "it is asked for again")
        assert p.once().json["id"] == "a", "it keeps its last address"
        with holdfast.Client(admin) as c:
            name, = c.get("/status").json["names"]
            assert name["name"] == "app.test" and name["resolves"] is False and name["addresses"] == [HOST] and name["why"]
            assert 'holdfast_name_resolves{name="app.test"} 0' in c.get("/metrics").body.decode()
        d.a("app.test", HOST)
        wait_until(lambda: p.stderr.count("resolves again") == turn, "it is back")
    assert p.stderr.count("does not resolve any more") == 4, "once a change"
    with holdfast.Client(admin) as c:
        assert 'holdfast_name_resolves{name="app.test"} 1' in c.get("/metrics").body.decode()


def test_a_name_that_does_not_resolve_at_the_start():
    d = Dns()
    b = at(HOST, id="b")
    port = free_port(HOST)
    p = named(d, [("a", f"app.test:{port}"), ("b", text_of(b.address))], session=KEYED)
    says(p, "name app.test does not resolve: no such name (NXDOMAIN): who stands under it is down")
    for n in range(10):
        assert p.once(fields=[("X-Key", f"k{n}")]).id == "b", "others are untouched"
    p.wait_event("member_down", member="a", reason="unresolved")
    code, out, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert code == 2 and f"services[0].members[0].origin = \"app.test:{port}\": does not resolve: no such name" in err, err
    a = at(HOST, port)
    d.a("app.test", HOST)
    key = next(f"k{n}" for n in range(99) if ordering.order("ab", ordering.digest(f"k{n}"))[0] == "a")
    wait_until(lambda: p.once(fields=[("X-Key", key)]).id == "a", "it comes up when its name resolves")
    assert holdfast.holdfast("check", "-c", p.conf_path)[0] == 0
    assert a.requests


def test_nothing_resolves_and_checks_are_on():
    d = Dns()
    d.fail("app.test", "silent")
    p = named(d, [("a", "app.test:80")], health=CHECKED)
    assert p.once().status == 503
    p.wait_event("member_down", reason="unresolved")


def test_several_addresses_and_forged_answers():
    """The one that was used before, else the first by its bytes, IPv4 before IPv6; another id is no answer."""
    d = Dns(forge=True)
    d.a("app.test", OTHER, HOST, "::1", ttl=60)
    low, high = sorted([HOST, OTHER], key=lambda h: [int(x) for x in h.split(".")])
    a = at(low)
    q = at(high, a.address[1], id="q")
    p = named(d, [("a", f"app.test:{a.address[1]}")])
    assert p.once().json["id"] == "a"
    d = Dns()
    d.a("app.test", high)
    p = named(d, [("a", f"app.test:{a.address[1]}")])
    assert p.once().json["id"] == "q"
    d.a("app.test", low, high)
    n = d.asked("app.test")
    wait_until(lambda: d.asked("app.test") >= n + 4, "it is asked for again")
    assert p.once().json["id"] == "q", "it stays where it is as long as that is among them"
    d.a("six.test", "::1")
    six = Origin("six", address=("::1", free_port("::1")))
    p = named(d, [("a", f"six.test:{six.address[1]}")])
    assert p.once().json["id"] == "six"


def test_answers_that_need_tcp():
    d = Dns(truncate=True)
    d.a("app.test", HOST)
    a = at(HOST)
    p = named(d, [("a", f"app.test:{a.address[1]}")])
    assert p.once().json["id"] == "a" and d.tcp_count > 0


def test_tls_to_a_name():
    """The certificate is checked against the name that was configured, not against the address."""
    root = Authority()
    context = server_context(root.issue("app.test"))
    d = Dns()
    d.a("app.test", HOST)
    d.a("other.test", HOST)
    a = TlsOrigin("a", context)
    for name, status in (("app.test", 200), ("other.test", 503)):
        p = named(d, [("a", f"{name}:{a.address[1]}")], service={"tls": {"enabled": True, "ca": root.file}})
        assert p.once().status == status
    assert a.names[0] == "app.test"
    p = named(d, [("a", f"app.test:{a.address[1]}")], service={"tls": {"enabled": True, "ca": root.file}}, health=CHECKED)
    wait_until(lambda: a.probes, "it is checked under its name")


def test_the_file_of_hosts():
    a = Origin("a", address=("127.0.0.1", free_port("127.0.0.1")))
    p = named(Dns(), [("a", f"localhost:{a.address[1]}")])
    assert p.once().json["id"] == "a"


def test_reloads_with_names():
    d = Dns()
    d.a("one.test", HOST, ttl=60)
    d.a("two.test", OTHER, ttl=60)
    a = at(HOST)
    b = at(OTHER, a.address[1], id="b")
    p = named(d, [("a", f"one.test:{a.address[1]}")])
    with p.client() as c:
        assert c.get().json["id"] == "a"
        connection = c.get().json["connection"]
        hup(p)
        assert c.get().json["connection"] == connection, "who stays keeps its connections"
        p.conf["services"][0]["members"][0]["origin"] = f"two.test:{a.address[1]}"
        write(p)
        hup(p)
        assert c.get().json["id"] == "b"
        p.conf["services"][0]["members"] = [{"id": "a", "origin": "no name:80"}]
        write(p)
        hup(p, "reload_refused")
        assert c.get().json["id"] == "b"


def test_members_by_addresses():
    d = Dns()
    a, port = at(HOST), None
    b = at(OTHER, a.address[1], id="b")
    d.a("app.test", HOST, OTHER)
    p = named(d, [], session=KEYED, services=[{"name": "shop", "session": KEYED, "health": {"enabled": False},
                                               "discover": f"dns://app.test:{a.address[1]}"}])
    ids = sorted(f"{h}:{a.address[1]}" for h in (HOST, OTHER))
    by = {f"{HOST}:{a.address[1]}": "a", f"{OTHER}:{a.address[1]}": "b"}
    for n in range(20):
        home = ordering.order(ids, ordering.digest(f"k{n}"))[0]
        assert p.once(fields=[("X-Key", f"k{n}")]).id == by[home], "ids come from the answer alone"
    d.a("app.test", OTHER)
    wait_until(lambda: {p.once(fields=[("X-Key", f"k{n}")]).id for n in range(40)} == {"b"}, "who is not named any more is gone")
    d.a("app.test", OTHER, HOST)
    wait_until(lambda: {p.once(fields=[("X-Key", f"k{n}")]).id for n in range(40)} == {"a", "b"}, "and comes back")
    d.fail("app.test", "NXDOMAIN")
    says(p, "does not resolve any more")
    assert {p.once(fields=[("X-Key", f"k{n}")]).id for n in range(40)} == {"a", "b"}, "they stay"


def test_members_by_services():
    d = Dns()
    a, b, c = at(HOST), at(HOST, id="b"), at(HOST, id="c")
    d.a("one.test", HOST)
    d.a("two.test", HOST)
    d.srv("_http._tcp.test", (1, 10, a.address[1], "one.test"), (1, 30, b.address[1], "two.test"), (2, 1, c.address[1], "two.test"))
    admin = (HOST, free_port())
    p = named(d, [], top={"admin": {"address": text_of(admin)}},
              services=[{"name": "shop", "session": KEYED, "health": {"enabled": False}, "discover": "dns+srv://_http._tcp.test"}])
    with holdfast.Client(admin) as client:
        members = client.get("/status").json["services"][0]["members"]
    assert {m["id"]: m["weight"] for m in members} == {f"one.test:{a.address[1]}": 10, f"two.test:{b.address[1]}": 30}, members
    seen = {p.once(fields=[("X-Key", f"k{n}")]).id for n in range(40)}
    assert seen == {"a", "b"}, "of the best priority alone"
    moved = at(OTHER, a.address[1], id="a2")
    d.a("one.test", OTHER)
    wait_until(lambda: {p.once(fields=[("X-Key", f"k{n}")]).id for n in range(40)} == {"a2", "b"}, "a target keeps its id at another address")
    assert not p.events("rehomed")
    d.srv("_http._tcp.test", (2, 1, c.address[1], "two.test"))
    wait_until(lambda: {p.once(fields=[("X-Key", f"k{n}")]).id for n in range(40)} == {"c"}, "the next priority")
    assert moved.requests


def test_check_of_names():
    d = Dns()
    p = Holdfast([], start=False, top={"resolver": {"servers": [d.text()], **FAST}},
                 services=[{"name": "shop", "discover": "dns+srv://_x._tcp.test"}, {"name": "b", "hosts": ["b"], "discover": "dns://app.test:80"}])
    code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert code == 2 and 'services[0].discover = "dns+srv://_x._tcp.test": does not resolve: no such name' in err, err
    assert "services[1].discover" in err


def test_targets_that_can_have_no_id_are_said():
    """An id is TARGET:PORT and has 64 bytes at most."""
    a, d = Origin("a"), Dns()
    long_one = "a-host-of-a-name-that-is-too-long-for-an-id.in-a-zone-of-some.test"
    d.a("one.test", a.address[0])
    d.a(long_one, a.address[0])
    d.srv("_http._tcp.test", (1, 10, a.address[1], "one.test"), (1, 10, a.address[1], long_one))
    p = Holdfast([], services=[{"name": "shop", "health": holdfast.UNCHECKED, "discover": "dns+srv://_http._tcp.test"}],
                 top={"resolver": {"servers": [d.text()], "ttl_min": "100ms", "ttl_max": "100ms"}})
    assert p.once().id == "a"
    assert p.stderr.count("name _http._tcp.test: 1 of its answers make no members") == 1, p.stderr
    d.srv("_http._tcp.test", (1, 10, a.address[1], "one.test"))
    wait_until(lambda: "all of its answers are members" in p.stderr, "it is said that it is over")
    assert p.stderr.count("make no members") == 1


if __name__ == "__main__":
    holdfast.main()
