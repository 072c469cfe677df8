"""HTTP/2 to members: requests of many clients over shared connections, heads, bodies and trailers both ways,
what is proof that nothing was processed, and that failover is as with HTTP/1.1; see proxy/relay/h2_link.h and
h2_leg.h."""

import hashlib
import os
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from h2_origin import H2Origin, echo_json
from holdfast import CHECKED, Holdfast, Origin, chunk, wait_until
from http2 import (CANCEL, ENABLE_CONNECT_PROTOCOL, INITIAL_WINDOW_SIZE, INTERNAL_ERROR, MAX_CONCURRENT_STREAMS,
                   REFUSED_STREAM, Connection)
from tls import Authority, server_context

NAME = "app.example"
KEYED = {"keys": ["header:X-Key"]}
CHUNKED = [("Transfer-Encoding", "chunked")]


def before(members, **more):
    """Holdfast before members that speak HTTP/2."""
    return Holdfast(members, service={"protocol": "h2", **more.pop("service", {})}, **more)


def key_of(id, ids="ab"):
    return next(k for k in (f"k{n}" for n in range(1000)) if ordering.order(ids, ordering.digest(k))[0] == id)


def at_once(count, what):
    """Runs what(i) in so many threads; their results."""
    results = [None] * count

    def run(i):
        results[i] = what(i)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(holdfast.TEST_LIMIT_S)
    assert None not in results
    return results


class Gate:
    """behave that holds streams back until the test lets them go."""

    def __init__(self):
        self.open = threading.Event()

    def __call__(self, s):
        assert self.open.wait(holdfast.TEST_LIMIT_S)
        echo_json(s)


# ---- requests -----------------------------------------------------------------------------------


def test_a_request_becomes_a_stream_and_its_answer_an_answer():
    a = H2Origin("a")
    p = before([a])
    with p.client() as c:
        r = c.get("/x?y=1", fields=[("X-Own", "Mixed Case"), ("Connection", "x-hop"), ("X-Hop", "1"), ("Cookie", "a=1")])
        assert r.status == 200 and r.json["target"] == "/x?y=1" and r.json["method"] == "GET"
        assert r.json["pseudo"][":scheme"] == "http" and r.json["pseudo"][":authority"] == c.host
        got = dict(r.json["fields"])
        assert got["x-own"] == "Mixed Case" and got["cookie"] == "a=1" and "x-hop" not in got
        assert got["holdfast-primary"] == "a" and got["via"].startswith("1.1 holdfast")
        assert r.fields.get("Content-Length") == str(len(r.body)) and not r.fields.has("Connection")
        assert c.get("/", method="HEAD").body == b""
    assert p.wait_request()["cause"] == "done"
    p.stop()


def test_requests_of_many_clients_share_one_connection():
    gate = Gate()
    a = H2Origin("a", gate)
    p = before([a])

    def ask(i):
        with p.client() as c:
            return c.get(f"/{i}")
    done = []
    t = threading.Thread(target=lambda: done.extend(at_once(40, ask)))
    t.start()
    wait_until(lambda: len(a.requests) == 40, "all streams are open at once")
    gate.open.set()
    t.join(holdfast.TEST_LIMIT_S)
    assert sorted(r.json["target"] for r in done) == sorted(f"/{i}" for i in range(40))
    assert {r.json["connection"] for r in done} == {1} and a.accepted == 1
    p.stop()


def test_no_more_streams_than_the_member_allows():
    gate = Gate()
    a = H2Origin("a", gate, values={MAX_CONCURRENT_STREAMS: 3})
    p = before([a])

    def ask(i):
        with p.client() as c:
            return c.get(f"/{i}")
    done = []
    t = threading.Thread(target=lambda: done.extend(at_once(10, ask)))
    t.start()
    wait_until(lambda: len(a.requests) == 10, "every request is there")
    assert a.accepted >= 4 and all(len(c.streams) <= 3 for c in a.links)
    gate.open.set()
    t.join(holdfast.TEST_LIMIT_S)
    assert all(r.status == 200 for r in done)
    p.stop()


def test_bodies_of_all_kinds_both_ways():
    def echo(s):
        s.answer(200, s.read_body(), length=s.target != "/open")
    a = H2Origin("a", echo)
    p = before([a])
    big = os.urandom(3 << 20)
    with p.client() as c:
        for target in ("/length", "/open"):
            for body in (b"", b"x", big):
                r = c.request("POST", target, body=body)
                assert r.status == 200 and r.body == body
        for target in ("/length", "/open"):
            c.send(c.request_bytes("POST", target, fields=CHUNKED))
            for at in range(0, len(big), 70001):
                c.send(chunk(big[at:at + 70001]))
            c.send(b"0\r\n\r\n")
            r = c.response("POST") if hasattr(c, "response") else c.read_response("POST")
            assert r.status == 200 and r.body == big
    assert a.accepted == 1
    p.stop()


def test_a_slow_client_holds_the_member_back_and_memory_is_bounded():
    body = os.urandom(1 << 20) * 32
    sent = []

    def behave(s):
        for at in range(0, len(body), 16384):
            if at == 0:
                s.respond(200)
            s.data(body[at:at + 16384])
            sent.append(at)
        s.end()
    a = H2Origin("a", behave)
    p = before([a], timeouts={"idle": "60s"}, rates={"answer_min": "0"})
    before_bytes = p.memory_bytes()
    with p.client(receive_bytes=16384) as c:
        c.send(c.request_bytes())
        wait_until(lambda: len(sent) > 4, "the answer flows")
        with p.client() as other:  # the connection serves others meanwhile
            other.send(other.request_bytes())
            wait_until(lambda: len(a.requests) == 2, "another stream")
        held = len(sent) * 16384
        assert held < 16 << 20, held
        assert p.memory_bytes() - before_bytes < 16 << 20
        digest = hashlib.sha256()
        r = c.response("GET")
        digest.update(r.body)
        assert digest.digest() == hashlib.sha256(body).digest()
    p.stop()


def test_a_member_that_takes_no_body_holds_the_client_back():
    def behave(s):
        s.updates = False
        s.wait(lambda: len(s.body) >= 65535)
        go.wait(holdfast.TEST_LIMIT_S)
        s.updates = True
        s.connection.grant(s.id, len(s.body))
        s.answer(200, hashlib.sha256(s.read_body()).hexdigest().encode())
    go = threading.Event()
    a = H2Origin("a", behave)
    p = before([a], rates={"body_min": "0"})
    body = os.urandom(1 << 20) * 24
    before_bytes = p.memory_bytes()
    with p.client() as c:
        done = []
        t = threading.Thread(target=lambda: done.append(c.request("POST", "/", body=body)))
        t.start()
        wait_until(lambda: a.requests and len(a.requests[0].body) >= 65535, "the member's window is used up")
        assert len(a.requests[0].body) == 65535
        assert p.memory_bytes() - before_bytes < 8 << 20
        go.set()
        t.join(holdfast.TEST_LIMIT_S)
        assert done[0].body == hashlib.sha256(body).hexdigest().encode()
    p.stop()


def test_answers_without_a_body_keep_the_connection():
    def behave(s):
        if s.target == "/204":
            s.respond(204, end=True)
        elif s.target == "/304":
            s.respond(304, [("etag", '"1"')])
            s.end()  # in a frame of its own
        elif s.target == "/head":
            s.respond(200, [("content-length", "77")])
            s.end()
        else:
            s.respond(200, end=True)
    a = H2Origin("a", behave)
    p = before([a])
    with p.client() as c:
        for _ in range(3):
            assert c.get("/204").status == 204 and c.get("/304").status == 304
            r = c.get("/head", method="HEAD")
            assert r.status == 200 and r.fields.get("Content-Length") == "77"
            r = c.get("/empty")
            assert r.status == 200 and r.body == b"" and r.fields.get("Content-Length") == "0"
    assert a.accepted == 1 and a.links[0].resets == 0
    p.stop()


def test_interim_answers_come_first():
    def behave(s):
        s.respond(103, [("link", "</a.css>")])
        s.respond(103, [("link", "</b.css>")])
        s.answer(200, b"done")
    a = H2Origin("a", behave)
    p = before([a])
    with Connection(p.address) as c:
        r = c.get("/")
        assert [(status, f.get("link")) for status, f in r.interim] == [(103, "</a.css>"), (103, "</b.css>")]
        assert r.status == 200 and r.body == b"done"
    p.stop()


def test_100_continue_is_the_members():
    def behave(s):
        assert s.fields.get("expect") == "100-continue" and not s.body
        s.respond(100)
        s.answer(200, s.read_body())
    a = H2Origin("a", behave)
    p = before([a])
    with p.client() as c:
        c.send(c.request_bytes("PUT", "/", fields=[("Expect", "100-continue"), ("Content-Length", "4")]))
        assert b"100" in c.until(b"\r\n\r\n")
        c.send(b"body")
        r = c.response("PUT")
        assert r.status == 200 and r.body == b"body"
    p.stop()


# ---- trailers, gRPC -----------------------------------------------------------------------------


def test_trailers_both_ways_and_grpc_passes_whole():
    def behave(s):
        body = s.read_body()
        assert s.fields.get("te") == "trailers" and s.trailers == [("x-sum", "7")], (s.fields, s.trailers)
        s.answer(200, body[::-1], [("content-type", "application/grpc")],
                 trailers=[("grpc-status", "0"), ("grpc-message", "fine")], length=s.target == "/length")
    a = H2Origin("a", behave)
    p = before([a])
    with Connection(p.address) as c:
        for path in ("/length", "/open"):
            r = c.request("POST", path, [("te", "trailers"), ("content-type", "application/grpc")], b"abc",
                          trailers=[("x-sum", "7")])
            assert r.status == 200 and r.body == b"cba"
            assert r.trailers == [("grpc-status", "0"), ("grpc-message", "fine")]
    with p.client() as c:
        c.send(c.request_bytes("POST", "/open", fields=[*CHUNKED, ("TE", "trailers"), ("Connection", "te")]))
        c.send(b"3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n")
        r = c.response("POST")
        assert r.body == b"cba" and ("grpc-status", "0") in [(n.lower(), v) for n, v in r.trailers]
    p.stop()


def test_grpc_answers_of_trailers_alone_stay_one_head():
    a = H2Origin("a", lambda s: s.respond(200, [("content-type", "application/grpc"), ("grpc-status", "5")], end=True))
    p = before([a])
    with Connection(p.address) as c:
        r = c.request("POST", "/", [("te", "trailers")], b"abc")
        assert r.fields.get("grpc-status") == "5" and r.data_frames == 0 and r.body == b""
    p.stop()


def test_grpc_streams_in_both_directions_at_once():
    def behave(s):
        s.respond(200, [("content-type", "application/grpc")])
        for n in range(1, 6):
            s.wait(lambda n=n: len(s.body) >= n)
            s.data(b"%d" % n)
        s.read_body()
        s.end([("grpc-status", "0")])
    a = H2Origin("a", behave)
    p = before([a])
    with Connection(p.address) as c:
        s = c.open("POST", "/", [("te", "trailers")], end=False)
        for n in range(1, 6):
            c.data(s, b"x", end=n == 5)
            while len(s.body) < n:
                c.next_frame()
        c.answer(s)
        assert s.body == b"12345" and s.trailers == [("grpc-status", "0")]
    p.stop()


# ---- what is proof ------------------------------------------------------------------------------


def test_a_refused_stream_is_sent_again_even_a_post():
    seen = []

    def behave(s):
        seen.append(s.method)
        if len(seen) == 1:
            s.reset(REFUSED_STREAM)
            return
        echo_json(s)
    a = H2Origin("a", behave)
    p = before([a])
    with p.client() as c:
        r = c.request("POST", "/", body=b"once")
        assert r.status == 200 and r.json["body"] == "once" and seen == ["POST", "POST"]
    assert not p.events("failover") and not p.events("member_down")
    p.stop()


def test_a_post_refused_by_its_server_goes_to_the_backup():
    refused = []

    def behave(s):
        refused.append(s)
        s.reset(REFUSED_STREAM)
    a, b = H2Origin("a", behave), H2Origin("b")
    p = before([a, b], session=KEYED)
    with p.client() as c:
        r = c.request("POST", "/", body=b"x", fields=[("X-Key", key_of("a"))])
        assert r.status == 200 and r.json["id"] == "b" and len(refused) == 2
        assert dict(r.json["fields"])["holdfast-failover"] == "from=a; reason=stream_refused"
    e = p.wait_event("failover")
    assert e["reason"] == "stream_refused" and e["primary"] == "a" and e["chosen"] == "b"
    assert "refused, unprocessed" in e["evidence"]
    p.stop()


def test_refused_by_all_is_said():
    a = H2Origin("a", lambda s: s.reset(REFUSED_STREAM))
    p = before([a], passive={"enabled": False})
    with p.client() as c:
        assert c.request("POST", "/", body=b"x").status == 503
    assert p.wait_request()["cause"] == "member_refused"
    p.stop()


def test_streams_above_the_goaway_are_sent_again_and_those_below_finish():
    gate = threading.Event()

    def behave(s):
        c = s.connection
        if c.number == 1 and s.target == "/second":
            s.read_body()
            c.goodbye(next(t.id for t in c.streams.values() if t.target == "/first"))
            return
        if s.target == "/first":
            assert gate.wait(holdfast.TEST_LIMIT_S)
        echo_json(s)
    a = H2Origin("a", behave)
    p = before([a])
    with p.client() as c, p.client() as d:
        c.send(c.request_bytes("POST", "/first", body=b"1"))
        wait_until(lambda: len(a.requests) == 1, "the first stream")
        r = d.request("POST", "/second", body=b"2")
        assert r.json["connection"] == 2 and r.json["body"] == "2"
        gate.set()
        r = c.response("POST")
        assert r.json["connection"] == 1 and r.json["body"] == "1"
    wait_until(lambda: a.links[0].over, "the connection that says goodbye is closed")
    assert a.links[0].goaway == 0
    assert not p.events("failover")
    p.stop()


def test_a_graceful_goaway_moves_new_requests_alone():
    gate = threading.Event()

    def behave(s):
        if s.target == "/long":
            s.connection.goodbye(2**31 - 1)
            gate.wait(holdfast.TEST_LIMIT_S)
        echo_json(s)
    a = H2Origin("a", behave)
    p = before([a])
    with p.client() as c, p.client() as d:
        c.send(c.request_bytes("POST", "/long", body=b"1"))
        wait_until(lambda: d.get("/").json["connection"] == 2, "new requests go to a new connection")
        gate.set()
        assert c.response("POST").json["connection"] == 1
    p.stop()


def test_any_other_loss_is_decided_as_for_http11():
    lost = []

    def behave(s):
        if s.target == "/lost":
            lost.append(s.method)
            s.read_body()
            if s.fields.get("x-how") == "reset":
                s.reset(INTERNAL_ERROR)
            else:
                s.connection.close()
            return
        echo_json(s)
    for how in ("reset", "close"):
        a, b = H2Origin("a", behave), H2Origin("b", echo_json)
        p = before([a, b], session=KEYED, passive={"fall": 1000})
        fields = [("X-Key", key_of("a")), ("X-How", how)]
        with p.client() as c:
            lost.clear()
            assert c.request("POST", "/lost", body=b"x", fields=fields).status == 502
            assert lost == ["POST"] and not b.requests
        assert p.wait_request(cause="member_closed")
        with p.client() as c:
            r = c.get("/lost", fields=fields)
            assert r.status == 200 and r.json["id"] == "b"
        assert p.wait_event("failover")["reason"] == "reset"
        p.stop()
        a.stop(), b.stop()


def test_an_answer_that_breaks_is_never_whole():
    def behave(s):
        s.respond(200, [("content-length", "100")] if s.target == "/length" else [])
        s.data(b"part")
        if s.target == "/short":
            s.end()
        elif s.method == "GET":
            s.reset(INTERNAL_ERROR)
        else:
            s.connection.close()
    a = H2Origin("a", behave)
    p = before([a], passive={"fall": 1000})
    for target in ("/length", "/open"):
        for method in ("GET", "PUT"):
            with p.client() as c:
                c.send(c.request_bytes(method, target, body=b"" if method == "PUT" else None))
                got = c.rest() if target == "/length" else c.rest()
                got = got[0] if isinstance(got, tuple) else got
                assert got is None or not got.endswith(b"0\r\n\r\n")
    wait_until(lambda: len(p.requests(cause="member_truncated")) == 4, "each is said to be truncated")
    p.stop()


# ---- ends ---------------------------------------------------------------------------------------


def test_a_client_that_goes_away_resets_its_stream_alone():
    gone = []

    def behave(s):
        if s.target == "/wait":
            gone.append(s.until_reset())
            return
        echo_json(s)
    a = H2Origin("a", behave)
    p = before([a])
    with p.client() as c:
        c.send(c.request_bytes("GET", "/wait"))
        wait_until(lambda: len(a.requests) == 1, "the stream")
        c.reset()
    wait_until(lambda: gone == [CANCEL], "it is reset")
    with p.client() as c:
        assert c.get("/").json["connection"] == 1
    p.stop()


def test_idle_connections_close_in_order():
    a = H2Origin("a")
    p = before([a], timeouts={"pool_idle": "300ms"})
    assert p.once().status == 200
    wait_until(lambda: a.links[0].over and a.links[0].goaway == 0, "a GOAWAY, and the end")
    assert p.once().json["connection"] == 2
    p.stop()


def test_a_post_never_goes_to_a_connection_that_ended_while_it_rested():
    a = H2Origin("a")
    p = before([a])
    for n in range(1, 6):
        with p.client() as c:
            assert c.request("POST", "/", body=b"x").json["connection"] == n
        a.links[-1].close()
    p.stop()


def test_a_reload_and_a_stop_lose_nothing():
    gate = Gate()
    a = H2Origin("a", gate)
    p = before([a])
    with p.client() as c:
        c.send(c.request_bytes("POST", "/", body=b"x"))
        wait_until(lambda: len(a.requests) == 1, "the stream")
        p.conf["services"][0]["protocol"] = "http/1.1"
        p.conf["services"][0]["protocol"] = "h2"
        with open(p.conf_path, "w") as f:
            f.write("".join(f"{k} = {holdfast.libconfig(v)};\n" for k, v in p.conf.items() if v is not None))
        p.signal(1)
        p.wait_event("reload")
        gate.open.set()
        assert c.response("POST").status == 200
    p.stop()


def test_a_service_changes_its_protocol_by_reload():
    a, plain = H2Origin("a"), Origin("b")
    p = before([a])
    assert p.once().json["id"] == "a"
    p.conf["services"][0]["protocol"] = "http/1.1"
    p.conf["services"][0]["members"] = [holdfast.member(plain)]
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {holdfast.libconfig(v)};\n" for k, v in p.conf.items() if v is not None))
    p.signal(1)
    p.wait_event("reload")
    wait_until(lambda: p.once().json["id"] == "b", "HTTP/1.1 is spoken")
    wait_until(lambda: a.links[0].over, "the connection of before is closed")
    p.stop()


# ---- failover -----------------------------------------------------------------------------------


def test_sessions_fail_over_and_stay_as_with_http11():
    a, b = H2Origin("a"), H2Origin("b")
    p = before([a, b], health=CHECKED)
    c = p.browser()
    home = c.get().json["id"]
    other = b if home == "a" else a
    (a if home == "a" else b).go()
    r = c.get()
    assert r.status == 200 and r.json["id"] == other.id
    assert dict(r.json["fields"])["holdfast-failover"].startswith(f"from={home}; reason=")
    assert c.get().json["id"] == other.id
    e = p.wait_event("failover")
    assert e["primary"] == home and e["chosen"] == other.id and e["rank"] is not None
    p.wait_event("member_down")
    p.stop()


def test_a_member_that_speaks_http11_alone_is_found_out_before_anything_is_sent():
    def complain(connection):
        connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return False
    a, b = Origin("a"), H2Origin("b")
    a.on_accept = complain
    p = before([a, b], session=KEYED)
    with p.client() as c:
        r = c.request("POST", "/", body=b"x", fields=[("X-Key", key_of("a"))])
        assert r.status == 200 and r.json["id"] == "b"
    assert p.wait_event("failover")["reason"] == "not_http2"
    p.stop()


def test_a_member_that_never_greets_is_left_in_time():
    a, b = H2Origin("a", on_greet=lambda c: True), H2Origin("b")
    p = before([a, b], session=KEYED, timeouts={"connect": "300ms"})
    with p.client() as c:
        r = c.request("POST", "/", body=b"x", fields=[("X-Key", key_of("a"))])
        assert r.status == 200 and r.json["id"] == "b"
    assert p.wait_event("failover")["reason"] == "not_http2"
    p.stop()


def test_checks_speak_http2_as_well():
    well = threading.Event()
    well.set()
    a = H2Origin("a", probe=lambda s: s.answer(200 if well.is_set() else 500, b"x"))
    p = before([a, H2Origin("b")], health=CHECKED)
    wait_until(lambda: a.probes > 2, "checks come by HTTP/2")
    assert p.once().status == 200 and not p.events("member_down")
    well.clear()
    e = p.wait_event("member_down")
    assert "status 500" in e["evidence"], e
    well.set()
    p.wait_event("member_up")
    p.stop()


# ---- TLS ----------------------------------------------------------------------------------------


def test_over_tls_by_alpn_and_a_member_without_it_is_not_asked():
    root = Authority()
    context = server_context(root.issue(NAME))
    context.set_alpn_protocols(["h2"])
    plain = server_context(root.issue(NAME))
    plain.set_alpn_protocols(["http/1.1"])
    tls = {"enabled": True, "ca": root.file, "name": NAME}
    a, b = H2Origin("a", context=context), H2Origin("b", context=plain)
    p = before([a, b], service={"tls": tls}, session=KEYED, passive={"fall": 1000})
    with p.client() as c:
        for _ in range(3):
            r = c.request("POST", "/", body=b"x", fields=[("X-Key", key_of("a"))])
            assert r.json["id"] == "a" and r.json["pseudo"][":scheme"] == "https"
        r = c.request("POST", "/", body=b"x", fields=[("X-Key", key_of("b"))])
        assert r.json["id"] == "a" and a.accepted == 1
    assert p.wait_event("failover")["reason"] in ("not_http2", "tls_refused", "tls_failed")
    p.stop()


# ---- WebSocket ----------------------------------------------------------------------------------


KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", KEY),
           ("Sec-WebSocket-Version", "13")]


def echo_tunnel(s):
    assert s.method == "CONNECT" and s.pseudo[":protocol"] == "websocket" and s.pseudo[":path"] == "/chat"
    assert s.fields.get("sec-websocket-version") == "13" and not s.fields.has("sec-websocket-key")
    s.respond(200, [("sec-websocket-protocol", "chat")])
    done = 0
    while True:
        s.wait(lambda: len(s.body) > done or s.ended)
        piece, done = bytes(s.body[done:]), len(s.body)
        if piece:
            s.data(piece.upper())
        elif s.ended:
            return s.end()


def test_websocket_becomes_extended_connect():
    a = H2Origin("a", echo_tunnel, values={ENABLE_CONNECT_PROTOCOL: 1})
    p = before([a])
    with p.client() as c:
        c.send(c.request_bytes("GET", "/chat", fields=UPGRADE))
        head = c.until(b"\r\n\r\n").lower()
        assert head.startswith(b"http/1.1 101") and b"s3pplmbitxaq9kygzzhzrbk+xoo=" in head, head
        assert b"sec-websocket-protocol: chat" in head and b"upgrade: websocket" in head
        c.send(b"hello")
        assert c.take(5) == b"HELLO"
        c.sock.shutdown(1)
        assert c.is_ended()
    assert p.wait_request(cause="tunnel_done")
    with Connection(p.address) as c:
        s = c.open("CONNECT", "/chat", end=False, head=[
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", c.host),
            (":path", "/chat"), ("sec-websocket-version", "13")])
        while s.status is None:
            c.next_frame()
        assert s.status == 200
        c.data(s, b"hello", end=False)
        while s.body != b"HELLO":
            c.next_frame()
        c.data(s, b"", end=True)
        c.answer(s)
    p.stop()


def test_websocket_at_a_member_without_tunnels_is_refused_honestly():
    a = H2Origin("a")
    p = before([a])
    with p.client() as c:
        r = c.get("/chat", fields=UPGRADE)
        assert r.status == 501 and not a.requests
    assert p.wait_request()["cause"] == "no_tunnel"
    assert not p.events("member_down")
    with p.client() as c:  # what no stream of HTTP/2 can become is not asked for
        r = c.get("/", fields=[("Connection", "Upgrade"), ("Upgrade", "other/1")])
        assert r.status == 200
    p.stop()


def test_a_refused_tunnel_is_an_answer_like_any_other():
    a = H2Origin("a", lambda s: s.answer(403, b"no"), values={ENABLE_CONNECT_PROTOCOL: 1})
    p = before([a])
    with p.client() as c:
        r = c.get("/chat", fields=UPGRADE)
        assert r.status == 403 and r.body == b"no"
    p.stop()


if __name__ == "__main__":
    holdfast.main()
