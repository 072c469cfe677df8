"""HTTP/2 clients before a mesh: any node takes any stream, one node a key, trailers and WebSockets through a hop; and
the member's answer to a WebSocket handshake that Holdfast makes is checked (RFC 6455 section 4.1)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import holdfast
from holdfast import CHECKED, HOST, Holdfast, Origin, free_port, text_of, wait_until
from http2 import Connection, SecureConnection
from test_h2 import accepts, connect_head
from test_mesh import KEYED, Mesh
from tls import Authority

WRONG = {
    "none": b"",
    "another's": b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    "empty": b"Sec-WebSocket-Accept: \r\n",
}


def agreeing(mark):
    def behave(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                        mark + b"\r\nhello")
        connection.wait_end()
        return False
    return behave


def secured(**more):
    root = Authority()
    doors = {i: (HOST, free_port()) for i in "abc"}
    m = Mesh("abc", session=KEYED, each=lambda i, own: {"listeners": [{"address": own}, {
        "address": text_of(doors[i]), "tls": {"certificates": [root.issue("shop.example").conf()]}}]}, **more)
    return m, lambda i: SecureConnection(doors[i], root)


def test_one_node_a_key_whichever_node_is_asked():
    m, over_tls = secured()
    for i in m.ids:
        for connect in (lambda: Connection(m.nodes[i].address), lambda: over_tls(i)):
            with connect() as c:
                streams = {k: c.open("POST", f"/{k}", fields=[("x-key", k), ("trailer", "x-sum")], end=False)
                           for k in (f"k{n}" for n in range(12))}
                for k, s in streams.items():
                    c.data(s, b"x" * 20000, end=False)
                    c.trailers(s, [("x-sum", k)])
                for k, s in streams.items():
                    assert c.answer(s).status == 200
                    assert (s.json["id"], s.json["body_bytes"], s.json["trailers"]) == (
                        m.order(k)[0], 20000, [["x-sum", k]]), (i, k)
                    assert s.got.get("X-Forwarded-Proto") == c.scheme and not s.got.has("Holdfast-Hop")
                    assert s.got.all("X-Forwarded-For") == [c.sock.getsockname()[0]]


def test_the_backup_takes_over():
    m, over_tls = secured(health=CHECKED)
    keys = m.keys_of("a", 5)
    m.origins["a"].go()
    for p in m.nodes.values():
        p.wait_event("member_down", member="a")
    for i in m.ids:
        with over_tls(i) as c:
            for k in keys:
                s = c.request("POST", "/", fields=[("x-key", k)], body=b"x" * 3000)
                assert (s.status, s.json["id"]) == (200, m.order(k)[1]), (i, k)


def test_a_websocket_through_each_node():
    m, over_tls = secured(behave=accepts)
    for i in m.ids:
        for n, id in enumerate("abc"):
            key = m.keys_of(id, 1)[0]
            with over_tls(i) as c:
                c.settle()
                s = c.open(head=connect_head(c, path=f"/{i}{n}") + [("x-key", key)], end=False)
                wait_until(lambda: c.next_frame() and s.body == b"hello", "the first bytes")
                assert s.status == 200
                c.data(s, b"abc", end=False)
                wait_until(lambda: c.next_frame() and s.body == b"helloABC", "an echo")
                c.data(s, b"", end=True)
                assert c.answer(s).body == b"helloABCbye"
            assert [r for r in m.origins[id].requests if r.target == f"/{i}{n}"]


def test_a_wrong_answer_to_the_handshake_is_an_error():
    for what, mark in WRONG.items():
        a = Origin("a", agreeing(mark))
        p = Holdfast([a])
        with Connection(p.address) as c:
            s = c.open(head=connect_head(c), end=False)
            assert c.answer(s).status == 502 and b"hello" not in s.body, what
        assert p.wait_request(target="/ws")["cause"] == "member_bad_answer"
        # A client that made the handshake itself checks it itself.
        with p.client() as c:
            r = c.get("/ws", fields=[("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                     ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")])
            assert r.status == 101 and c.take(5) == b"hello"
        p.stop()


def test_a_wrong_answer_behind_a_hop():
    m, over_tls = secured(behave=agreeing(WRONG["another's"]))
    for i in m.ids:
        with over_tls(i) as c:
            s = c.open(head=connect_head(c) + [("x-key", "k1")], end=False)
            assert c.answer(s).status == 502 and b"hello" not in s.body, i


if __name__ == "__main__":
    holdfast.main()
