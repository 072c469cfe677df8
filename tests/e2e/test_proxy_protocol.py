"""PROXY headers at listeners: see proxy/edge/proxy_header.h and arrival.h."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import HOST, Client, Ended, Holdfast, Origin, free_port, text_of, wait_until
from tls import Authority, TlsClient

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(ip="192.0.2.7", port=56324, tlvs=b"", command=0x21):
    body = socket.inet_aton(ip) + socket.inet_aton("198.51.100.1") + struct.pack("!HH", port, 443) + tlvs
    return SIGNATURE + struct.pack("!BBH", command, 0x11, len(body)) + body


def behind(members, networks=("127.0.0.0/8",), listener=None, **more):
    address, admin = (HOST, free_port()), (HOST, free_port())
    top = {"listeners": [{"address": text_of(address), "proxy_protocol": list(networks), **(listener or {})}],
           "admin": {"address": text_of(admin)}, **more.pop("top", {})}
    p = Holdfast(members, address=address, top=top, **more)
    p.admin = admin
    return p


def arrivals(p):
    with Client(p.admin) as c:
        return c.get("/status").json["arrivals"]


def test_the_client_of_the_header_counts():
    a = Origin("a")
    p = behind([a], session={"keys": ["ip"]})
    for header in (LINE, v2(), v2(tlvs=b"\x01\x00\x02h2")):
        with p.client() as c:
            c.send(header)
            for _ in range(2):
                assert dict(c.get("/").json["fields"])["X-Forwarded-For"] == "192.0.2.7"
    assert len({dict(r.fields)["Holdfast-Session"] for r in a.requests}) == 1
    assert p.wait_request(client="192.0.2.7:56324", count=6)
    assert arrivals(p)["proxied"] == 3


def test_headers_cut_anywhere_and_with_a_request_behind():
    p = behind([Origin("a")])
    for header in (LINE, v2(tlvs=b"\x04\x00\x03abc")):
        for cut in range(1, len(header) + 1):
            with p.client() as c:
                c.send(header[:cut])
                c.send(header[cut:] + c.request_bytes())
                assert dict(c.response().json["fields"])["X-Forwarded-For"] == "192.0.2.7"


def test_who_speaks_for_itself():
    p = behind([Origin("a")])
    for header in (b"PROXY UNKNOWN\r\n", v2(command=0x20)):
        with p.client() as c:
            c.send(header)
            assert dict(c.get("/").json["fields"])["X-Forwarded-For"].startswith("127.")


def test_only_from_listed_networks():
    a = Origin("a")
    p = behind([a], networks=["10.0.0.0/8", "2001:db8::/32"])
    with p.client() as c:
        try:
            c.send(LINE + c.request_bytes())
            assert c.is_ended()
        except (Ended, OSError):
            pass
    assert not a.requests
    wait_until(lambda: arrivals(p)["ended"]["proxy_sender"] >= 1, "it is counted")


def test_no_header_and_wrong_ones_are_closed():
    a = Origin("a")
    p = behind([a], listener={"handshake": "300ms"})
    for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 1.2.3.4\r\n", SIGNATURE + b"\x31\x11\0\0",
                 v2(tlvs=b"\x03\x00\x04abcd"), b"PROXY UNKNOWN " + b"x" * 200):
        with p.client() as c:
            c.send(data)
            try:
                while True:
                    c.fill()
            except (Ended, OSError):
                pass
            assert not c.held
    assert arrivals(p)["ended"]["proxy_header"] == 5
    with p.client() as c:
        c.send(LINE[:10])
        assert c.is_ended()
    assert arrivals(p)["ended"]["timeout"] == 1
    assert not a.requests


def test_addresses_are_counted_by_the_client():
    p = behind([Origin("a")], top={"limits": {"connections_per_address": 1}})
    with p.client() as one, p.client() as two, p.client() as again:
        one.send(LINE)
        assert one.get("/").status == 200
        two.send(v2("192.0.2.8"))
        assert two.get("/").status == 200
        again.send(LINE)
        assert again.is_ended()


def test_ahead_of_tls():
    root = Authority()
    p = behind([Origin("a")], listener={"tls": {"certificates": [root.issue("shop.example").conf()]}})
    for header in (LINE, v2()):
        with TlsClient(p.address, root, first=header) as c:
            fields = dict(c.get("/").json["fields"])
            assert fields["X-Forwarded-For"] == "192.0.2.7" and fields["X-Forwarded-Proto"] == "https"


if __name__ == "__main__":
    holdfast.main()
