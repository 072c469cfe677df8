"""proxy_protocol = "v2-tls": what members are told of the client's TLS ahead of a connection; PROXY headers ahead of
TLS towards members; and headers that one Holdfast writes and another reads."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import HOST, Holdfast, Origin, free_port, text_of, wait_until
from http2 import SecureConnection
from test_proxy_out import SIGNATURE, Told
from tls import Authority, TlsClient, TlsOrigin, server_context

ALPN, AUTHORITY, UNIQUE_ID, SSL = 1, 2, 5, 0x20
VERSION, CN, CIPHER, SIG_ALG, KEY_ALG = range(0x21, 0x26)
BY_TLS, ON_CONNECTION, IN_SESSION = 1, 2, 4


def tlvs(data):
    found = {}
    while data:
        kind, length = struct.unpack("!BH", data[:3])
        assert kind not in found and len(data) >= 3 + length
        found[kind], data = data[3:3 + length], data[3 + length:]
    return found


def read_all(take):
    """(client, TLVs, flags and verify of the SSL one, TLVs within it); of a check: None."""
    head = take(16)
    assert head[:12] == SIGNATURE, head
    body = take(struct.unpack("!H", head[14:])[0])
    if head[12] == 0x20:
        assert body == b""
        return None
    size = {0x11: 4, 0x21: 16, 0: 0}[head[13]]
    family = socket.AF_INET if size == 4 else socket.AF_INET6
    client = (socket.inet_ntop(family, body[:size]), struct.unpack("!H", body[2 * size:2 * size + 2])[0]) if size else None
    outer = tlvs(body[2 * size + 4 if size else 0:])
    inner = outer.pop(SSL, None)
    state = struct.unpack("!BI", inner[:5]) if inner else None
    return client, outer, state, tlvs(inner[5:]) if inner else {}


def told(id="a"):
    return Told(id, lambda wire: read_all(wire.take))


class Fronted(Holdfast):
    def __init__(self, members, root, auth="optional", service=None, **more):
        self.plain, self.root = (HOST, free_port()), root
        address = (HOST, free_port())
        top = {"listeners": [{"address": text_of(self.plain)}, {"address": text_of(address), "tls": {
            "certificates": [root.issue("shop.example").conf()], "client_auth": auth, "client_ca": root.file}}],
            **more.pop("top", {})}
        super().__init__(members, address=address, top=top,
                         service={"proxy_protocol": "v2-tls", **(service or {})}, **more)


def test_by_what_the_client_came():
    root, a = Authority(), told()
    p = Fronted([a], root)
    mine = root.issue("client.example", usage="clientAuth", subject="/O=Shop/CN=Zoë, the first")
    for certificate in (None, mine):
        with TlsClient(p.address, root, certificate=certificate, alpn=["http/1.1"]) as c:
            assert c.get().status == 200
            client, outer, state, inner = a.headers[-1]
            assert client == c.sock.getsockname()
            assert outer.pop(UNIQUE_ID).decode() == p.wait_request(count=len(a.headers))["request_id"]
            assert outer == {ALPN: b"http/1.1", AUTHORITY: b"shop.example"}
            assert inner.pop(VERSION).decode() == c.sock.version() and inner.pop(CIPHER).decode() == c.sock.cipher()[0]
            assert inner.pop(KEY_ALG) == b"EC256" and inner.pop(SIG_ALG) == b"ecdsa-with-SHA256"
            if certificate is None:
                assert state == (BY_TLS, 1) and inner == {}
            else:
                assert state == (BY_TLS | ON_CONNECTION | IN_SESSION, 0)
                assert inner == {CN: "Zoë, the first".encode()}
            session, context = c.sock.session, c.context
    with TlsClient(p.address, root, context=context, session=session) as c:
        assert c.sock.session_reused and c.get().status == 200
    assert a.headers[-1][2] == (BY_TLS | IN_SESSION, 0) and a.headers[-1][3][CN] == "Zoë, the first".encode()


def test_by_http2_each_stream_has_a_connection():
    root, a = Authority(), told()
    p = Fronted([a], root)
    with SecureConnection(p.address, root) as c:
        for _ in range(3):
            assert c.get("/").status == 200
        assert [h[1][ALPN] for h in a.headers] == [b"h2"] * 3
        assert len({h[1][UNIQUE_ID] for h in a.headers}) == 3 and {h[0] for h in a.headers} == {c.sock.getsockname()}


def test_without_tls_and_of_checks():
    root, a = Authority(), told()
    p = Fronted([a], root, health=holdfast.CHECKED)
    with holdfast.Client(p.plain) as c:
        assert c.get().status == 200
        mine = [h for h in a.headers if h is not None]
        assert mine[0][0] == c.sock.getsockname() and set(mine[0][1]) == {UNIQUE_ID} and mine[0][2] is None
    wait_until(lambda: a.probes >= 2, "checks are answered")
    assert [h for h in a.headers if h is None]


def test_a_trusted_proxys_tls_is_not_the_clients():
    root, a = Authority(), told()
    p = Fronted([a], root, top={"forwarded": {"trusted": ["127.0.0.0/8"]}})
    with TlsClient(p.address, root) as c:
        assert c.get(fields=[("X-Forwarded-For", "192.0.2.7")]).status == 200
        assert a.headers[-1][0] == ("192.0.2.7", 0) and set(a.headers[-1][1]) == {UNIQUE_ID} and a.headers[-1][2] is None
        assert c.get().status == 200, "the proxy asks for itself"
        assert a.headers[-1][0] == c.sock.getsockname() and a.headers[-1][2] == (BY_TLS, 1)


class BehindTls(TlsOrigin):
    """The header comes first, then TLS."""

    def __init__(self, id, context, read, **more):
        self.headers, self.read = [], read
        super().__init__(id, context, **more)

    def serve(self, connection):
        sock = connection.wire.sock
        self.headers.append(self.read(lambda count: sock.recv(count, socket.MSG_WAITALL)))
        super().serve(connection)


def read_line(take):
    line = b""
    while not line.endswith(b"\r\n"):
        line += take(1)
    return line.decode().split()[1:3]


def test_the_header_stands_before_the_members_tls():
    for version, read in (("v1", read_line), ("v2", read_all), ("v2-tls", read_all)):
        root = Authority()
        own = root.issue("member.example")
        a = BehindTls("a", server_context(own), read)
        p = Fronted([a], root, health=holdfast.CHECKED, service={
            "proxy_protocol": version, "tls": {"enabled": True, "ca": root.file, "name": "member.example"}})
        with TlsClient(p.address, root) as c:
            for _ in range(2):
                assert c.get().status == 200
            mine = [h for h in a.headers if h not in (None, ["UNKNOWN"])]
            assert len(mine) == 2, "a connection a request"
            at = c.sock.getsockname()
            assert all(h == ["TCP4", at[0]] if version == "v1" else h[0] == at for h in mine), mine
            assert all((h[2] is not None) == (version == "v2-tls") for h in mine if version != "v1")
        wait_until(lambda: a.probes >= 2, "checks are answered")
        assert len(a.headers) > len(mine) and a.names[-1] == "member.example"
        holdfast.finish()


def test_another_holdfast_reads_it():
    """In the clear and ahead of TLS: the second one tells its member of the first one's client."""
    root, a = Authority(), Origin("a")
    own = root.issue("shop.example")
    for tls in (False, True):
        inner_at = (HOST, free_port())
        listener = {"address": text_of(inner_at), "proxy_protocol": ["127.0.0.0/8"]}
        if tls:
            listener["tls"] = {"certificates": [own.conf()]}
        Holdfast([a], address=inner_at, top={"listeners": [listener]})
        secured = {"tls": {"enabled": True, "ca": root.file, "name": "shop.example"}} if tls else {}
        p = Fronted([("in", inner_at)], root, service=secured)
        with TlsClient(p.address, root, source="127.8.7.6") as c:
            r = c.get()
            assert r.status == 200
            assert r.got.get("X-Forwarded-For").split(", ")[-1] == "127.8.7.6", r.got
        p.stop()


if __name__ == "__main__":
    holdfast.main()
