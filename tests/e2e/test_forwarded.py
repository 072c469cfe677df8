"""Who the client is when other proxies stand before us: `forwarded`, see proxy/http/forwarded.h."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Holdfast, Origin, libconfig

NET = ["127.0.0.0/8", "2001:db8::/32"]
FIELDS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")


def behind(members=None, **forwarded):
    return Holdfast(members or [Origin("a")], session={"keys": ["ip"]}, top={"forwarded": forwarded})


def write(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def told(r):
    return {n: r.got.all(n) for n in FIELDS if r.got.has(n)}


def asked(p, fields, **more):
    return told(p.once(host="h:81", fields=fields, **more))


def test_trusted_proxies_are_extended():
    p = behind(trusted=NET)
    assert asked(p, [("X-Forwarded-For", "6.6.6.6, 192.0.2.7"), ("X-Forwarded-For", "[2001:db8::9]:80"),
                     ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "www.example")]) == {
        "X-Forwarded-For": ["6.6.6.6, 192.0.2.7, [2001:db8::9]:80, 127.0.0.1"],
        "X-Forwarded-Proto": ["https"], "X-Forwarded-Host": ["www.example"]}
    assert p.wait_request(client="192.0.2.7:0"), "the access log names the right-most one that is not trusted"
    assert asked(p, []) == {"X-Forwarded-For": ["127.0.0.1"], "X-Forwarded-Proto": ["http"], "X-Forwarded-Host": ["h:81"]}


def test_others_are_dropped():
    p = behind(trusted=["10.0.0.0/8"])
    came = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "www"),
            ("Forwarded", "for=192.0.2.7")]
    with p.client(source="127.1.2.3") as c:
        assert told(c.get(host="h:81", fields=came)) == {
            "X-Forwarded-For": ["127.1.2.3"], "X-Forwarded-Proto": ["http"], "X-Forwarded-Host": ["h:81"]}
    assert p.wait_request()["client"].startswith("127.1.2.3:")


def test_the_key_is_the_clients_address():
    a = Origin("a")
    p = behind([a], trusted=NET)
    for chain in ("192.0.2.7", "6.6.6.6, 192.0.2.7", "192.0.2.7, 127.5.5.5", "192.0.2.7:4711"):
        p.once(fields=[("X-Forwarded-For", chain)])
    assert len({r.fields.get("Holdfast-Session") for r in a.requests}) == 1
    p.once(fields=[("X-Forwarded-For", "192.0.2.8")])
    p.once(fields=[("X-Forwarded-For", "192.0.2.7, _hidden")])
    assert len({r.fields.get("Holdfast-Session") for r in a.requests}) == 3


def test_what_is_malformed_counts_for_nothing():
    p = behind(trusted=NET)
    own = {"X-Forwarded-For": ["127.0.0.1"], "X-Forwarded-Proto": ["http"], "X-Forwarded-Host": ["h:81"]}
    for fields in ([("X-Forwarded-For", "nobody")], [("X-Forwarded-For", "192.0.2.7, ::1::")],
                   [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "a b")],
                   [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Host", 'a"')],
                   [("X-Forwarded-For", ",".join(["192.0.2.7"] * 33))]):
        assert asked(p, fields) == own, fields
    assert p.stderr.count("is malformed, and dropped") in (1, 2), "once in a while, a worker"


def test_rfc7239_is_read_and_written():
    p = behind(trusted=NET, read="forwarded", write="forwarded")
    assert asked(p, [("Forwarded", 'for="[2001:db8:1::7]";proto=https, for=192.0.2.7'), ("X-Forwarded-For", "6.6.6.6"),
                     ("X-Forwarded-Proto", "gopher")]) == {
        "Forwarded": ['for="[2001:db8:1::7]";proto=https, for=192.0.2.7, for=127.0.0.1;proto=http;host="h:81"']}
    assert p.wait_request(client="192.0.2.7:0")
    assert asked(p, [("Forwarded", "for=192.0.2.7; proto=http")]) == {"Forwarded": ['for=127.0.0.1;proto=http;host="h:81"']}


def test_one_family_into_the_other():
    p = behind(trusted=NET, read="forwarded", write="both")
    assert asked(p, [("Forwarded", 'for=_x, for="192.0.2.7:5";proto=https;host=www, for="[2001:db8::5]"')]) == {
        "Forwarded": ['for=_x, for="192.0.2.7:5";proto=https;host=www, for="[2001:db8::5]", for=127.0.0.1;proto=http;host="h:81"'],
        "X-Forwarded-For": ["unknown, 192.0.2.7, 2001:db8::5, 127.0.0.1"], "X-Forwarded-Proto": ["https"],
        "X-Forwarded-Host": ["www"]}
    p = behind(trusted=NET, write="forwarded")
    assert asked(p, [("X-Forwarded-For", "192.0.2.7, ::1"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=6.6.6.6")]) == {
        "Forwarded": ['for=192.0.2.7, for="[::1]";proto=https, for=127.0.0.1;proto=http;host="h:81"']}


def test_a_reload_changes_whom_we_trust():
    p = behind(trusted=["10.0.0.0/8"])
    with p.client() as c:
        field = [("X-Forwarded-For", "192.0.2.7")]
        assert told(c.get(fields=field))["X-Forwarded-For"] == ["127.0.0.1"]
        p.conf["forwarded"] = {"trusted": NET}
        write(p)
        p.signal(signal.SIGHUP)
        p.wait_event("reload")
        assert told(c.get(fields=field))["X-Forwarded-For"] == ["192.0.2.7, 127.0.0.1"]


if __name__ == "__main__":
    holdfast.main()
