"""HTTP/2 from clients: the same exchange as HTTP/1.1 behind another door; see proxy/edge/h2_connection.h.
Its floods are in test_h2_limits.py, what the specification says case by case in test_h2spec.py."""

import base64
import hashlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import http2
from holdfast import (HOST, Ended, Holdfast, Origin, answering, closing, dying_after, free_port, latin,
                      text_of, wait_until)
from http2 import Connection, Reset, SecureConnection
from tls import Authority

BIG = 300000


def sha(data):
    return hashlib.sha256(data).hexdigest()


def pattern(count):
    return (bytes(i * 7 % 251 for i in range(251)) * (count // 251 + 1))[:count]


# ---- the exchange -------------------------------------------------------------------------------


def test_requests_and_answers():
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address) as c:
        r = c.get("/x?y=1", fields=[("x-note", "one")])
        assert r.status == 200 and r.json["method"] == "GET" and r.json["target"] == "/x?y=1"
        assert r.got.get("Host") == c.host and r.got.get("X-Note") == "one"
        assert r.got.get("X-Forwarded-Proto") == "http" and r.got.get("Via").startswith("2.0 ")
        assert r.fields.has("date") and r.fields.get("content-length") == str(len(r.body))
        r = c.request("POST", "/p", body=b"hello", fields=[("content-length", "5")])
        assert r.json["body"] == "hello" and r.json["framing"] == 5
        r = c.request("POST", "/p", body=b"hello there")
        assert r.json["body"] == "hello there" and r.json["framing"] == "chunked"
        assert c.request("POST", "/p").got.get("Content-Length") == "0"
        assert c.request("DELETE", "/p").json["framing"] is None
        r = c.request("HEAD", "/h")
        assert r.status == 200 and r.body == b"" and int(r.fields.get("content-length")) > 0
    e = p.wait_request(target="/x?y=1")
    assert e["protocol"] == "HTTP/2.0" and e["cause"] == "done" and e["bytes"] > 0
    p.wait_request(target="/h", method="HEAD", bytes=0, cause="done")


def test_both_protocols_on_one_listener():
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address) as c:
        assert c.get().json["id"] == "a"
    r = p.once("/one")
    assert r.status == 200
    assert p.wait_request(target="/one")["protocol"] == "HTTP/1.1"


def test_a_preface_in_pieces():
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address, begin=False) as c:
        data = http2.PREFACE + http2.frame(http2.SETTINGS) + http2.frame(
            http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, 1, http2.block(c.head_fields()))
        c.streams[1] = http2.Stream(1)
        for byte in data:
            c.send(bytes([byte]))
        assert c.answer(c.streams[1]).status == 200


def test_http2_can_be_switched_off():
    a = Origin("a")
    address = (HOST, free_port())
    p = Holdfast([a], address=address, top={"listeners": [{"address": text_of(address), "http2": False}]})
    with p.client() as c:
        c.send(http2.PREFACE)
        r = c.response()
        assert r.status == 505 and r.closes


def test_by_alpn_over_tls():
    root = Authority()
    a = Origin("a")
    address = (HOST, free_port())
    certificate = root.issue("shop.example")
    p = Holdfast([a], address=address, top={
        "listeners": [{"address": text_of(address), "tls": {"certificates": [certificate.conf()]}}]})
    with SecureConnection(address, root) as c:
        r = c.get("/s")
        assert r.status == 200 and r.got.get("X-Forwarded-Proto") == "https"
        assert r.got.get("Host") == "shop.example"
        body = pattern(BIG)
        r = c.request("POST", "/up", body=body)
        assert r.json["body_bytes"] == len(body)
    assert p.wait_request(target="/s")["protocol"] == "HTTP/2.0"


def test_without_alpn_tls_is_http_1():
    root = Authority()
    a = Origin("a")
    address = (HOST, free_port())
    Holdfast([a], address=address, top={"listeners": [
        {"address": text_of(address), "tls": {"certificates": [root.issue("shop.example").conf()]}}]})
    from tls import TlsClient
    with TlsClient(address, root) as c:
        assert c.sock.selected_alpn_protocol() is None
        assert c.get().status == 200
    with TlsClient(address, root) as c:  # prior knowledge is for plain connections alone
        c.send(http2.PREFACE)
        assert c.response().status == 505


def test_many_streams_at_once():
    gate = threading.Event()

    def late(connection, request):
        gate.wait(30)
        connection.answer(200, request.target.encode())

    a = Origin("a", late)
    p = Holdfast([a])
    with Connection(p.address) as c:
        streams = [c.open("GET", f"/{i}") for i in range(100)]
        wait_until(lambda: len(a.requests) == 100, "all are at the member")
        gate.set()
        for i, s in enumerate(streams):
            assert c.answer(s).body == b"/%d" % i


def test_above_streams_max_streams_are_refused():
    gate = threading.Event()

    def late(connection, request):
        gate.wait(30)
        connection.answer(200, b"late")

    a = Origin("a", late)
    p = Holdfast([a], top={"limits": {"streams_max": 3}})
    with Connection(p.address) as c:
        streams = [c.open("GET", f"/{i}") for i in range(4)]
        assert c.until_reset(streams[3]) == http2.REFUSED_STREAM
        assert c.their[http2.MAX_CONCURRENT_STREAMS] == 3
        gate.set()
        assert all(c.answer(s).status == 200 for s in streams[:3])
    assert len(a.requests) == 3


def test_large_bodies_both_ways():
    body = pattern(BIG)

    def echo(connection, request):
        got = request.read_body()
        connection.answer(200, got, [("X-Sha", sha(got))], framing="chunked")

    a = Origin("a", echo)
    p = Holdfast([a])
    with Connection(p.address) as c:
        r = c.request("PUT", "/big", body=body, fields=[("content-length", str(len(body)))])
        assert r.fields.get("x-sha") == sha(body) and r.body == body
        assert not r.fields.has("content-length")
    e = p.wait_request(target="/big")
    assert e["bytes"] == len(body) and e["request_bytes"] == len(body)


def test_trailers_both_ways():
    def behave(connection, request):
        request.read_body()
        names = ",".join(n + "=" + v for n, v in request.trailers)
        connection.answer(200, b"x" * 10, [("X-Got", names), ("Trailer", "Grpc-Status")], framing="chunked",
                          trailers=[("Grpc-Status", "0"), ("Grpc-Message", "ok")])

    a = Origin("a", behave)
    p = Holdfast([a])
    with Connection(p.address) as c:
        r = c.request("POST", "/svc/Method", body=b"abc", trailers=[("x-sum", "6")],
                      fields=[("te", "trailers"), ("content-type", "application/grpc")])
        assert "x-sum=6" in r.fields.get("x-got") and r.body == b"x" * 10
        assert r.trailers.get("grpc-status") == "0" and r.trailers.get("grpc-message") == "ok"
    got = a.requests[0].fields
    assert got.get("TE") == "trailers" and got.get("Content-Type") == "application/grpc"


def test_trailers_never_carry_what_decides():
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address) as c:
        r = c.request("POST", "/t", body=b"abc", trailers=[("x-ok", "1"), ("host", "other"),
                                                            ("holdfast-hop", "x")])
        names = {n.lower() for n, _ in r.json["trailers"]}
        assert names == {"x-ok"}, names


def test_interim_answers():
    def behave(connection, request):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        connection.answer(200, b"done")

    a = Origin("a", behave)
    p = Holdfast([a])
    with Connection(p.address) as c:
        r = c.get()
        assert [s for s, _ in r.interim] == [103] and r.interim[0][1].get("link") == "</a.css>; rel=preload"
        assert r.status == 200 and r.body == b"done"


def test_expect_100_continue():
    def behave(connection, request):
        if request.fields.has("Expect"):
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.answer(200, request.read_body())

    a = Origin("a", behave)
    p = Holdfast([a])
    with Connection(p.address) as c:
        s = c.open("POST", "/e", fields=[("expect", "100-continue")], end=False)
        wait_until(lambda: c.next_frame() and s.interim, "100")
        assert s.interim[0][0] == 100
        c.data(s, b"now")
        assert c.answer(s).body == b"now"


def test_answers_without_content():
    def behave(connection, request):
        request.read_body()
        status = int(request.target[1:])
        connection.send(b"HTTP/1.1 %d X\r\n%s\r\n" % (status, b"Content-Length: 5\r\n" if status == 304 else b""))

    a = Origin("a", behave)
    p = Holdfast([a])
    with Connection(p.address) as c:
        for status in (204, 304):
            r = c.get(f"/{status}")
            assert r.status == status and r.body == b"" and r.data_frames == 0
        assert not c.get("/204").fields.has("content-length")


def test_cookie_crumbs_are_joined():
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address) as c:
        r = c.get("/", fields=[("cookie", "a=1"), ("x-between", "yes"), ("cookie", "b=2"), ("cookie", "c=3; d=4"),
                               ("x-last", "z")])
        assert r.got.all("cookie") == ["a=1; b=2; c=3; d=4"]
        assert r.got.get("x-between") == "yes" and r.got.get("x-last") == "z"


def test_host_and_authority_agree():
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address) as c:
        assert c.get("/", fields=[("host", c.host)]).got.all("Host") == [c.host]
        assert c.get("/", fields=[("host", "other.example")]).status == 400
        s = c.open(head=[(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "by-host.example")])
        assert c.answer(s).got.get("Host") == "by-host.example"
        s = c.open(head=[(":method", "GET"), (":scheme", "http"), (":path", "/")])
        assert c.until_reset(s) == http2.PROTOCOL_ERROR
        assert c.get("/", authority="user@shop.example").status == 400


def test_requests_that_cannot_be_served():
    a = Origin("a")
    p = Holdfast([a], top={"limits": {"head_bytes_max": "4KiB", "target_bytes_max": "1KiB", "headers_max": 20}})
    with Connection(p.address) as c:
        assert c.get("/" + "x" * 1100).status == 414
        assert c.get("/", fields=[("x-big", "v" * 5000)]).status == 431
        assert c.get("/", fields=[("x", str(i)) for i in range(40)]).status == 431
        assert c.get("/", fields=[("cookie", f"c{i}=1") for i in range(40)]).status == 431
        assert c.answer(c.open(head=[(":method", "CONNECT"), (":authority", "x:1")])).status == 501
        assert c.request("BREW").status == 501
        assert c.get("/#f").status == 400
        s = c.open(head=c.head_fields(scheme="ftp"))
        assert c.answer(s).status == 400
        assert c.get("/fine").status == 200
    assert [r.target for r in a.requests] == ["/fine"]


def test_a_member_that_dies_in_its_answer():
    a = Origin("a", dying_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"))
    p = Holdfast([a])
    with Connection(p.address) as c:
        s = c.open()
        assert c.until_reset(s) == http2.INTERNAL_ERROR and not s.ended
    p.wait_request(cause="member_truncated")


def test_a_client_that_resets():
    gate = threading.Event()

    def late(connection, request):
        gate.wait(30)
        return False

    a = Origin("a", late)
    p = Holdfast([a])
    with Connection(p.address) as c:
        s = c.open()
        wait_until(lambda: a.requests, "it is there")
        c.frame(http2.RST_STREAM, 0, s.id, struct.pack("!I", http2.CANCEL))
        p.wait_request(cause="client_abort")
        gate.set()
        a.behave = None
        assert c.get("/next").status == 200


def test_an_early_answer_ends_the_upload():
    a = Origin("a", answering(200))
    p = Holdfast([a], service={"body_bytes_max": "1KiB"})
    with Connection(p.address) as c:
        s = c.open("POST", "/up", fields=[("content-length", "100000")], end=False)
        assert c.answer(s).status == 413
        assert c.until_reset(s) == http2.NO_ERROR
        assert c.get("/").status == 200


# ---- flow control -------------------------------------------------------------------------------


def test_a_member_that_does_not_read_holds_the_client():
    gate = threading.Event()

    def slow(connection, request):
        gate.wait(30)
        connection.answer(200, b"%d" % len(request.read_body()))

    a = Origin("a", slow)
    p = Holdfast([a])
    before = p.memory_bytes()
    body = b"z" * (8 << 20)
    with Connection(p.address) as c:
        c.settle()
        s = c.open("POST", "/up", end=False)
        sent = 0
        c.sock.settimeout(1)
        try:
            while sent < len(body):
                room = min(c.windows[0], c.windows.setdefault(s.id, c.initial()), 16384)
                if room == 0:
                    c.next_frame()
                    continue
                c.frame(http2.DATA, 0, s.id, body[:room])
                c.windows[0] -= room
                c.windows[s.id] -= room
                sent += room
        except TimeoutError:
            pass
        # What sockets hold between us and the member is the kernel's; the rest is bounded.
        assert sent < len(body), "the window never closed"
        assert p.memory_bytes() - before < 4 << 20
        c.sock.settimeout(30)
        gate.set()
        c.data(s, b"end")
        assert c.answer(s).body == b"%d" % (sent + 3)


def test_a_client_that_gives_no_window_holds_the_member():
    body = pattern(6 << 20)
    a = Origin("a", answering(200, body))
    p = Holdfast([a])
    before = p.memory_bytes()
    with Connection(p.address, updates=False, values=[(http2.INITIAL_WINDOW_SIZE, 0)]) as c:
        c.settle()
        s = c.open()
        c.expect(http2.HEADERS)
        c.settle()
        assert s.body == b"" and p.memory_bytes() - before < 4 << 20
        c.frame(http2.WINDOW_UPDATE, 0, s.id, struct.pack("!I", 1))
        c.expect(http2.DATA)
        assert s.body == body[:1]
        c.updates = True
        c.frame(http2.WINDOW_UPDATE, 0, s.id, struct.pack("!I", 1 << 20))
        c.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 20))
        assert c.answer(s).body == body


def test_one_slow_stream_holds_no_other():
    body = pattern(1 << 20)
    a = Origin("a", answering(200, body))
    p = Holdfast([a])
    with Connection(p.address, updates=False, values=[(http2.INITIAL_WINDOW_SIZE, 1000)]) as c:
        c.settle()
        c.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 30))
        slow = c.open("GET", "/slow")
        other = c.open("GET", "/other")
        c.frame(http2.WINDOW_UPDATE, 0, other.id, struct.pack("!I", 2 << 20))
        assert c.answer(other).body == body
        while len(slow.body) < 1000:  # as much as it opened
            c.next_frame()
        assert slow.body == body[:1000]


def test_a_window_that_never_opens_ends_the_stream():
    a = Origin("a", answering(200, b"y" * 200000))
    p = Holdfast([a], timeouts={"idle": "300ms"}, rates={"period": "10s"})
    with Connection(p.address, values=[(http2.INITIAL_WINDOW_SIZE, 0)]) as c:
        assert c.until_reset(c.open()) == http2.CANCEL
    p.wait_request(cause="client_slow")


def test_a_small_answer_that_is_not_taken_ends_as_well():
    a = Origin("a", answering(200, b"small"))
    p = Holdfast([a], timeouts={"idle": "300ms"}, rates={"period": "10s"})
    with Connection(p.address, values=[(http2.INITIAL_WINDOW_SIZE, 0)]) as c:
        assert c.until_reset(c.open()) == http2.CANCEL
    p.wait_request(cause="client_slow")


# ---- WebSocket ----------------------------------------------------------------------------------


def accepts(connection, request):
    key = request.fields.get("Sec-WebSocket-Key")
    mark = base64.b64encode(hashlib.sha1(latin(key) + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + mark + b"\r\nSec-WebSocket-Protocol: chat\r\n\r\nhello")
    try:
        while True:
            connection.send(connection.wire.some().upper())
    except Ended:
        connection.send(b"bye")
    return False


def connect_head(c, path="/ws", protocol="websocket"):
    return [(":method", "CONNECT"), (":protocol", protocol), (":scheme", c.scheme), (":path", path),
            (":authority", c.host), ("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat"),
            ("origin", "http://shop.example")]


def test_websocket_by_extended_connect():
    a = Origin("a", accepts)
    p = Holdfast([a])
    with Connection(p.address) as c:
        c.settle()
        assert c.their[http2.ENABLE_CONNECT_PROTOCOL] == 1
        s = c.open(head=connect_head(c), end=False)
        wait_until(lambda: c.next_frame() and s.body, "the first bytes")
        assert s.status == 200 and not s.fields.has("sec-websocket-accept")
        assert s.fields.get("sec-websocket-protocol") == "chat" and s.body == b"hello"
        c.data(s, b"abc", end=False)
        wait_until(lambda: c.next_frame() and s.body == b"helloABC", "an echo")
        c.data(s, b"", end=True)
        c.answer(s)
        assert s.body == b"helloABCbye"
    r = a.requests[0]
    assert r.method == "GET" and r.target == "/ws" and r.fields.get("Upgrade") == "websocket"
    assert r.fields.get("Connection").lower() == "upgrade" and r.fields.get("Sec-WebSocket-Version") == "13"
    assert len(base64.b64decode(r.fields.get("Sec-WebSocket-Key"))) == 16 and r.framing is None
    assert p.wait_request(target="/ws")["cause"] == "tunnel_done"


def test_websocket_that_the_member_refuses():
    a = Origin("a", answering(403, b"no"))
    b = Origin("b", answering(200, b"what?"))
    p = Holdfast([a])
    q = Holdfast([b])
    with Connection(p.address) as c:
        s = c.open(head=connect_head(c), end=False)
        assert c.answer(s).status == 403 and s.body == b"no"
    with Connection(q.address) as c:
        s = c.open(head=connect_head(c), end=False)
        assert c.answer(s).status == 502
        s = c.open(head=connect_head(c, protocol="mystery"), end=False)
        assert c.answer(s).status == 501


def test_data_before_the_tunnel_is_open_waits():
    gate = threading.Event()

    def late(connection, request):
        gate.wait(30)
        return accepts(connection, request)

    a = Origin("a", late)
    p = Holdfast([a])
    with Connection(p.address) as c:
        s = c.open(head=connect_head(c), end=False)
        c.data(s, b"early", end=False)
        c.settle()
        gate.set()
        wait_until(lambda: c.next_frame() and s.body == b"helloEARLY", "what came early")


# ---- affinity -----------------------------------------------------------------------------------


def test_a_session_stays_with_its_server():
    a, b, d = Origin("a"), Origin("b"), Origin("d")
    p = Holdfast([a, b, d])
    homes = {}
    with Connection(p.address) as c:
        for i in range(12):
            r = c.get()
            homes[i] = (r.json["id"], r.cookies()["HOLDFAST"])
        for home, tag in homes.values():
            for _ in range(3):
                r = c.get("/", fields=[("cookie", "x=1"), ("cookie", f"HOLDFAST={tag}"), ("cookie", "y=2")])
                assert r.json["id"] == home and not r.fields.has("set-cookie")
                assert r.got.all("cookie") == ["x=1; y=2"]
    r = p.browser(fields=[("Cookie", f"HOLDFAST={homes[0][1]}")]).get()
    assert r.id == homes[0][0], "HTTP/1.1 reads the same tag"


def test_failover_by_key():
    a, b, d = Origin("a"), Origin("b"), Origin("d")
    p = Holdfast([a, b, d], session={"keys": ["cookie:SID"]})
    origins = {o.id: o for o in (a, b, d)}
    with Connection(p.address) as c:
        key = [("cookie", "SID=abc")]
        r = c.get("/", fields=key)
        home, tag = r.json["id"], r.cookies()["HOLDFAST"]
        origins[home].go()
        r = c.get("/", fields=key + [("cookie", f"HOLDFAST={tag}")])
        assert r.status == 200 and r.json["id"] != home
        assert r.got.get("Holdfast-Failover").startswith(f"from={home}")
        p.wait_event("failover", primary=home)
        with p.client() as one:
            again = one.get(fields=[("Cookie", f"SID=abc; HOLDFAST={tag}")])
            assert again.id == r.json["id"], "the same order for both protocols"


def test_a_pass_goes_on_and_never_reaches_the_client():
    def passes(connection, request):
        request.read_body()
        connection.answer(421, b"not mine", [("Holdfast-Pass", "1")])

    a, b = Origin("a", passes), Origin("b", passes)
    p = Holdfast([a, b])
    with Connection(p.address) as c:
        r = c.get("/nobody")
        assert r.status == 503 and not r.fields.has("holdfast-pass")
        b.behave = None
        assert c.get("/somebody").json["id"] == "b"
        a.behave = b.behave = answering(421, b"the application's own")
        r = c.get("/own")
        assert r.status == 421 and r.body == b"the application's own"


def test_replays_of_bodies():
    a, b = Origin("a", closing), Origin("b", closing)
    p = Holdfast([a, b])
    with Connection(p.address) as c:
        assert c.request("POST", "/once", body=b"pay").status == 502
        assert len(a.requests) + len(b.requests) == 1
        b.behave = None
        a.behave = closing
        assert c.request("PUT", "/twice", body=b"put it").json["body"] == "put it"


# ---- ends ---------------------------------------------------------------------------------------


def test_idle_connections_end_with_goaway():
    a = Origin("a")
    p = Holdfast([a], timeouts={"idle": "200ms"})
    with Connection(p.address) as c:
        assert c.get().status == 200
        assert c.until_closed() == http2.NO_ERROR
        assert c.goaways[-1].last_stream == 1


def test_a_preface_and_no_request():
    a = Origin("a")
    p = Holdfast([a], timeouts={"header": "200ms"})
    with Connection(p.address) as c:
        assert c.until_closed() == http2.NO_ERROR
    with Connection(p.address, begin=False, acks=False) as c:
        c.send(http2.PREFACE[:20])
        assert c.until_closed() == http2.NO_ERROR
    p.wait_request(2, cause="client_head_timeout")


def test_half_a_head_ends_the_connection():
    a = Origin("a")
    p = Holdfast([a], timeouts={"header": "300ms"})
    with Connection(p.address) as c:
        assert c.get().status == 200
        c.send(http2.frame(http2.HEADERS, http2.END_STREAM, 3, http2.block(c.head_fields())))
        c.until_closed()
    p.wait_request(cause="client_head_timeout")
    with Connection(p.address) as c:
        assert c.get().status == 200
        c.send(http2.frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, 3, http2.block(c.head_fields()))[:20])
        c.until_closed()
    p.wait_request(2, cause="client_head_timeout")


def test_a_body_that_stops():
    a = Origin("a")
    p = Holdfast([a], timeouts={"idle": "300ms"})
    with Connection(p.address) as c:
        s = c.open("POST", "/b", end=False)
        c.data(s, b"some", end=False)
        assert c.answer(s).status == 408
        assert c.until_reset(s) == http2.NO_ERROR
    p.wait_request(cause="client_body_timeout")


def test_requests_max_says_goaway():
    a = Origin("a")
    p = Holdfast([a], top={"limits": {"requests_max": 3}})
    with Connection(p.address) as c:
        for _ in range(3):
            assert c.get().status == 200
        assert c.until_closed() == http2.NO_ERROR
        assert [g.last_stream for g in c.goaways] == [0x7fffffff, 5]


def test_stop_finishes_what_is_under_way():
    gate = threading.Event()

    def late(connection, request):
        gate.wait(30)
        connection.answer(200, b"late")

    a = Origin("a", late)
    p = Holdfast([a], top={"stop": "20s"})
    with Connection(p.address) as c, Connection(p.address) as resting:
        resting.settle()
        s = c.open()
        wait_until(lambda: a.requests, "it is there")
        p.signal(signal.SIGTERM)
        c.expect(http2.GOAWAY)
        assert c.goaways[0].last_stream == 0x7fffffff
        c.expect(http2.GOAWAY)
        assert c.goaways[1].last_stream == s.id
        assert resting.until_closed() == http2.NO_ERROR
        gate.set()
        assert c.answer(s).body == b"late"
        assert c.until_closed() == http2.NO_ERROR
    assert p.wait() == 0


def test_requests_between_notice_and_goaway_are_served():
    a = Origin("a")
    p = Holdfast([a], top={"stop": "20s"})
    with Connection(p.address, acks=False) as c:
        c.frame(http2.SETTINGS, http2.ACK)
        assert c.get().status == 200
        p.signal(signal.SIGTERM)
        c.expect(http2.GOAWAY)
        assert c.get("/in-between").status == 200, "the PING was not answered yet"
        c.expect(http2.GOAWAY)  # it never is
        assert c.goaways[-1].last_stream == 3
        assert c.until_closed() == http2.NO_ERROR


def test_reload_says_goaway_and_loses_nothing():
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address) as c:
        assert c.get().status == 200
        p.signal(signal.SIGHUP)
        p.wait_event("reload")
        c.expect(http2.GOAWAY)
        assert c.get("/after").status == 200, "between the notice and the GOAWAY that counts"
        assert c.until_closed() == http2.NO_ERROR
    with Connection(p.address) as c:
        assert c.get().status == 200


def test_hard_stop():
    a = Origin("a", lambda c, r: c.wait_end())
    p = Holdfast([a])
    with Connection(p.address) as c:
        c.open()
        wait_until(lambda: a.requests, "it is there")
        p.signal(signal.SIGTERM)
        p.signal(signal.SIGTERM)
        c.until_closed()
    p.expected_exit = p.wait()


def test_a_client_that_leaves():
    a = Origin("a", lambda c, r: c.wait_end())
    p = Holdfast([a])
    for _ in range(5):
        with Connection(p.address) as c:
            for _ in range(5):
                c.open()
            c.settle()
            c.reset()
    p.wait_request(25, cause="client_abort")


def test_a_client_that_ends_its_side():
    body = pattern(200000)
    a = Origin("a", answering(200, body))
    p = Holdfast([a])
    with Connection(p.address, updates=False, acks=False, values=[(http2.INITIAL_WINDOW_SIZE, 1 << 20)]) as c:
        c.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 20))
        s = c.open()
        c.half_close()
        assert c.answer(s).body == body, "what windows allow is still sent"
        c.until_closed()
    with Connection(p.address, updates=False, acks=False) as c:
        s = c.open()
        c.half_close()
        c.until_closed()
        assert not s.ended and len(s.body) == http2.WINDOW_BYTES
    p.wait_request(cause="client_abort")


# ---- other people's clients ---------------------------------------------------------------------


def run(*argv, limit_s=60):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=limit_s)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_curl():
    a = Origin("a")
    p = Holdfast([a])
    url = f"http://{text_of(p.address)}/curl"
    if "HTTP2" not in run("curl", "--version"):
        return
    out = run("curl", "-s", "--http2-prior-knowledge", "-w", "%{http_version} %{http_code}", "-d", "x" * 100000, url)
    assert out.endswith("2 200"), out
    assert a.requests[0].body == b"x" * 100000


def test_nghttp():
    a = Origin("a")
    p = Holdfast([a])
    assert shutil.which("nghttp"), "Debian's nghttp2-client is in tests/lib/deps.sh"
    out = run("nghttp", "-v", f"http://{text_of(p.address)}/n", "--trailer", "x-t: 1", "-d", "/etc/hostname")
    assert ":status: 200" in out and "x-t" in out


def test_h2load():
    a = Origin("a", answering(200, b"x" * 20000))
    p = Holdfast([a], workers=2)
    out = run("h2load", "-n", "2000", "-c", "10", "-m", "20", f"http://{text_of(p.address)}/load")
    assert "2000 succeeded, 0 failed, 0 errored" in out, out
    wait_until(lambda: len(p.requests(protocol="HTTP/2.0", cause="done")) == 2000, "all are logged")


if __name__ == "__main__":
    from holdfast import main
    main()
