"""Which service a request is for: hosts, paths, listeners (DESIGN section 3)."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import Client, Holdfast, Origin, assert_refused, free_port, member

KEYED = {"keys": ["header:X-Key"]}


def services(*rules):
    """One service a rule, its only member named as it is: (Holdfast, origins by name)."""
    origins = {name: Origin(name) for name, _ in rules}
    plain = {"health": {"enabled": False}}
    return Holdfast([], services=[{"name": name, **rule, **plain, "members": [member(origins[name])]}
                                  for name, rule in rules]), origins


def test_services_by_host():
    p, _ = services(("exact", {"hosts": ["shop.example"]}), ("wild", {"hosts": ["*.example"]}),
                    ("deep", {"hosts": ["*.shop.example"]}), ("rest", {}))
    for host, want in (("shop.example", "exact"), ("SHOP.Example:8080", "exact"), ("x.example", "wild"),
                       ("a.b.example", "wild"), ("a.shop.example", "deep"), ("a.b.shop.example:1", "deep"),
                       ("example", "rest"), ("xshop.example.org", "rest"), ("127.0.0.1", "rest"), ("[::1]:80", "rest")):
        assert p.once(host=host).id == want, host
    with p.client() as c:
        assert c.get(version="1.0", host="").id == "rest"


def test_services_by_path():
    p, _ = services(("app", {"paths": ["/app"]}), ("api", {"paths": ["/app/api", "/v1/"]}),
                    ("img", {"paths": ["/img"]}))
    for target, want in (("/app", "app"), ("/app/", "app"), ("/app?x", "app"), ("/app/x", "app"), ("/app/api", "api"),
                         ("/app/api/x?y=/img", "api"), ("/app/apix", "app"), ("/v1/x", "api"), ("/img/1", "img")):
        assert p.once(target).id == want, target
    for target in ("/", "/application", "/ap", "/imgs", "/v2", "/x/app", "/?/app", "//app", "/App"):
        assert p.once(target).status == 404, target
    assert p.wait_request(status=404)["cause"] == "no_service"


def test_the_host_counts_more_than_the_path():
    p, _ = services(("host", {"hosts": ["a.example"]}), ("path", {"paths": ["/x/y/z"]}),
                    ("both", {"hosts": ["a.example"], "paths": ["/x"]}))
    assert p.once("/x/y/z", host="a.example").id == "both"
    assert p.once("/y", host="a.example").id == "host"
    assert p.once("/x/y/z", host="b.example").id == "path"
    assert p.once("/x", host="b.example").status == 404


def test_an_absolute_target_chooses_the_service():
    p, _ = services(("one", {"hosts": ["one.example"]}), ("two", {"hosts": ["two.example"]}))
    assert p.once("http://two.example/", host="one.example").id == "two"
    assert p.once("HTTP://ONE.example:80/x", host="two.example").json["target"] == "/x"
    for target in (b"http://user@one.example/", b"http://one.example:x/", b"ftp://one.example/", b"http://[::1/"):
        assert_refused(p, b"GET " + target + b" HTTP/1.1\r\nHost: one.example\r\n\r\n", 400)


def test_each_service_has_sessions_of_its_own():
    a = Origin("a")
    plain = {"health": {"enabled": False}, "session": KEYED, "members": [member(a)]}
    p = Holdfast([], services=[{"name": n, "paths": ["/" + n], **plain} for n in ("one", "two")])
    sessions = [p.once(t, fields=[("X-Key", "k")]).got.get("Holdfast-Session") for t in ("/one", "/two")]
    assert sessions == [ordering.digest("k", "one"), ordering.digest("k", "two")]


def test_ipv6_on_both_sides():
    with socket.socket(socket.AF_INET6) as origin, socket.socket(socket.AF_INET6) as free:
        origin.bind(("::1", 0))
        origin.listen()
        origin.settimeout(holdfast.WAIT_S)
        free.bind(("::1", 0))  # [::1] is everybody's: a port that nobody has
        port = free.getsockname()[1]
        free.close()
        here = (holdfast.HOST, port)
        Holdfast([("a", f"[::1]:{origin.getsockname()[1]}")], session={"keys": ["ip"]}, address=here,
                 top={"listeners": [{"address": f"[::1]:{port}"}, {"address": holdfast.text_of(here)}]})
        with socket.create_connection(("::1", port), holdfast.WAIT_S) as c:
            c.sendall(b"GET / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
            member_side, _ = origin.accept()
            with member_side:
                request = holdfast.Request(None, holdfast.Wire(member_side).until(b"\r\n\r\n"))
                member_side.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                assert holdfast.Wire(c).rest().startswith(b"HTTP/1.1 200 OK\r\n")
    assert request.fields.all("X-Forwarded-For") == ["::1"]
    assert request.fields.get("Holdfast-Session") == ordering.digest("::1")


def test_requests_with_bodies_whatever_the_method():
    p = Holdfast([Origin("a")])
    with p.client() as c:
        for method in ("GET", "DELETE", "OPTIONS", "POST", "PURGE"):
            assert c.request(method, body=b"abc").json["body"] == "abc", method
            r = c.exchange(method.encode() + b" / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            assert r.json["body"] == "abc" and r.json["framing"] == "chunked", method
        r = c.request("POST", body=b"")
        assert r.json["framing"] == 0 and r.json["body"] == ""
        assert c.get().json["framing"] is None


def test_several_listeners():
    a = Origin("a")
    addresses = [(holdfast.HOST, free_port()) for _ in range(3)]
    p = Holdfast([a], address=addresses[0], workers=2,
                 top={"listeners": [{"address": holdfast.text_of(x)} for x in addresses]})
    for address in addresses:
        with Client(address) as c:
            assert c.get().id == "a"
    p.stop()
    assert len(p.requests()) == 3


if __name__ == "__main__":
    holdfast.main()
