"""Members of HTTP/2 that are hostile or broken: floods, bombs, frames that may not be, connections that end
anywhere. What holds each time: the connection is ended where nothing else helps, memory stays bounded and
nothing spins, the client gets one clear error or what a backup answers, a POST is sent twice only when it was
proved that nobody processed it, requests at another member go on, and the failover log says why. All of it in
clear and over TLS."""

import functools
import os
import re
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import h2_origin
import holdfast
import test_upstream_h2
from h2_origin import echo_json
from holdfast import CHECKED, Ended, sanitizer, wait_until
from http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
                   INTERNAL_ERROR, MAX_CONCURRENT_STREAMS, NO_ERROR, PADDED, PING, PRIORITY, PRIORITY_UPDATE, PUSH_PROMISE,
                   REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, integer, literal, settings)
from test_upstream_h2 import KEYED, NAME, Gate, key_of
from tls import Authority, server_context

FLOOD_BYTES = 48 << 20  # far above what sockets hold; who takes it all is not bounded
GROWTH_BYTES = (256 if sanitizer() else 24) << 20
UNBROKEN = {"fall": 1000}
ROUNDS = 4
over = None  # TLS, while a test runs over it: context of the members, and their service's keys


class Tls:
    def __init__(self):
        root = Authority()
        self.context = server_context(root.issue(NAME))
        self.context.set_alpn_protocols(["h2"])
        self.conf = {"enabled": True, "ca": root.file, "name": NAME}


def H2Origin(*args, **more):
    return h2_origin.H2Origin(*args, context=over and over.context, **more)


def before(members, **more):
    service = {**({"tls": over.conf} if over else {}), **more.pop("service", {})}
    return test_upstream_h2.before(members, service=service, **more)


def rounds():
    return 1 if over else ROUNDS


def times(count):
    return count // 5 if over else count


def peak_bytes(p):
    with open(f"/proc/{p.pid}/status") as f:
        return int(re.search(r"^VmHWM:\s+(\d+)", f.read(), re.M)[1]) * 1024


def is_at_rest(p):
    before_s = p.cpu_s()
    time.sleep(0.3)
    return p.cpu_s() - before_s < 0.1


def endlessly(piece, first=b""):
    """Until the connection is ended; a problem of the test when it never is."""
    def behave(s):
        many = piece(s) * (1 + 65536 // len(piece(s)))
        sent = 0
        s.connection.send(first(s) if callable(first) else first)
        while sent < FLOOD_BYTES:
            s.connection.send(many)
            sent += len(many)
        s.origin.problems.append("a flood was taken without end")
    return behave


def saying(*frames):
    """Frames, each of the stream."""
    def behave(s):
        for f in frames:
            s.connection.send(f(s))
    return behave


def of(type, flags=0, payload=b"", stream=None):
    return lambda s: frame(type, flags, s.id if stream is None else stream, payload)


def head(s, fields=(), flags=END_HEADERS):
    return frame(HEADERS, flags, s.id, block([(":status", "200"), *fields]))


STATUS = block([(":status", "200")])
LARGE = literal("x-large", "v" * 3900, 0x40)  # into the table: 62


def closing_within(payload):
    def behave(s):
        s.connection.send(payload(s))
        s.connection.close()
    return behave


def more(value):
    return struct.pack("!I", value)


# Ended by Holdfast, and said to be so: reason http2_broken.
BREAKING = {
    "CONTINUATION without end": endlessly(of(CONTINUATION, 0, literal("x-a", "b")), of(HEADERS, 0, STATUS)),
    "empty CONTINUATION without end": endlessly(of(CONTINUATION), of(HEADERS, 0, STATUS)),
    "a head that unpacks to too many bytes": saying(
        of(HEADERS, END_HEADERS | END_STREAM, STATUS + LARGE + integer(62, 7, 0x80) * 8000)),
    "a head of too many fields": saying(of(HEADERS, END_HEADERS | END_STREAM, STATUS + integer(15, 7, 0x80) * 12000)),
    "a head of too many bytes": saying(
        of(HEADERS, 0, STATUS),
        *[of(CONTINUATION, END_HEADERS if n == 4 else 0, literal("x-a", "b" * 16000)) for n in range(5)]),
    "SETTINGS without end": endlessly(of(SETTINGS, 0, settings([(INITIAL_WINDOW_SIZE, 70000)]), 0)),
    "SETTINGS of too many values": saying(of(SETTINGS, 0, settings([(MAX_CONCURRENT_STREAMS, 100)] * 200), 0)),
    "PING without end": endlessly(of(PING, 0, b"12345678", 0)),
    "PRIORITY without end": endlessly(of(PRIORITY, 0, b"\0\0\0\0\1")),
    "PRIORITY_UPDATE without end": endlessly(of(PRIORITY_UPDATE, 0, b"\0\0\0\1u=1", 0)),
    "unknown frames without end": endlessly(of(0xfa, 0, b"x", 0)),
    "WINDOW_UPDATE without end": endlessly(of(WINDOW_UPDATE, 0, more(1), 0)),
    "GOAWAY without end": endlessly(of(GOAWAY, 0, struct.pack("!II", 2**31 - 1, NO_ERROR), 0)),
    "WINDOW_UPDATE over the connection's most": saying(of(WINDOW_UPDATE, 0, more(2**31 - 1), 0)),
    "WINDOW_UPDATE of nothing, of the connection": saying(of(WINDOW_UPDATE, 0, more(0), 0)),
    "a window too large": saying(of(SETTINGS, 0, settings([(INITIAL_WINDOW_SIZE, 2**31)]), 0)),
    "DATA of a stream that never was": saying(of(DATA, 0, b"x", 99)),
    "RST_STREAM of a stream that never was": saying(of(RST_STREAM, 0, more(0), 99)),
    "HEADERS of a stream of its own": saying(of(HEADERS, END_HEADERS, STATUS, 2)),
    "PUSH_PROMISE": saying(lambda s: frame(PUSH_PROMISE, END_HEADERS, s.id, more(2) + STATUS)),
    "DATA of the connection": saying(of(DATA, 0, b"x", 0)),
    "HPACK that is none": saying(of(HEADERS, END_HEADERS, b"\xff\xff\xff\xff\xff\xff")),
    "GOAWAY that rises": saying(of(GOAWAY, 0, struct.pack("!II", 1 << 20 | 1, 0), 0),
                                of(GOAWAY, 0, struct.pack("!II", 1 << 21 | 1, 0), 0)),
    "a frame above the most": saying(lambda s: frame(DATA, 0, s.id, b"x" * 16385)),
    "SETTINGS of half a value": saying(of(SETTINGS, 0, b"\0\3\0", 0)),
    "another frame in a head": saying(of(HEADERS, 0, STATUS), of(PING, 0, b"12345678", 0)),
    "DATA before the head": saying(of(DATA, 0, b"x")),
    "garbage": saying(lambda s: bytes(range(256)) * 64),
    "HTTP/1.1": saying(lambda s: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * 400),
}

# The connection breaks before an answer: reset, as with HTTP/1.1.
ENDING = {
    "the end in a frame's head": closing_within(lambda s: b"\0\0"),
    "the end in a frame": closing_within(lambda s: frame(HEADERS, END_HEADERS, s.id, STATUS)[:-3]),
    "the end in a head": closing_within(of(HEADERS, 0, STATUS)),
    "RST_STREAM": saying(of(RST_STREAM, 0, more(INTERNAL_ERROR))),
    "RST_STREAM without an error": saying(of(RST_STREAM, 0, more(NO_ERROR))),
}

# An answer that is none: a clear error, and the connection goes on.
MALFORMED = {
    "no status": saying(of(HEADERS, END_HEADERS | END_STREAM, block([("x-a", "b")]))),
    "a status of letters": saying(of(HEADERS, END_HEADERS | END_STREAM, block([(":status", "abc")]))),
    "two statuses": saying(of(HEADERS, END_HEADERS | END_STREAM, STATUS + STATUS)),
    "a field of a request": saying(of(HEADERS, END_HEADERS | END_STREAM, STATUS + block([(":path", "/")]))),
    "a name in capitals": saying(of(HEADERS, END_HEADERS | END_STREAM, STATUS + block([("X-A", "b")]))),
    "a line end in a value": saying(of(HEADERS, END_HEADERS | END_STREAM, STATUS + block([("x-a", "b\r\nx-b: c")]))),
    "a field of the connection": saying(of(HEADERS, END_HEADERS | END_STREAM, STATUS + block([("connection", "close")]))),
    "two lengths": saying(of(HEADERS, END_HEADERS, STATUS + block([("content-length", "1"), ("content-length", "2")]))),
    "an interim answer that ends": saying(of(HEADERS, END_HEADERS | END_STREAM, block([(":status", "103")]))),
    "too large a head, within the connection's bounds": saying(
        of(HEADERS, 0, STATUS), of(CONTINUATION, END_HEADERS, literal("x-a", "b" * 15000) + literal("x-b", "c" * 900))),
    "the end before the length": saying(lambda s: head(s, [("content-length", "5")], END_HEADERS | END_STREAM)),
}


class Watched:
    """Holdfast before a hostile member a and an innocent one b, at which a request waits all the while."""

    def __init__(self, behave, **more):
        self.gate = Gate()
        self.methods = []

        def bad(s):
            if s.target != "/bad":
                return echo_json(s)
            self.methods.append(s.method)
            s.read_body()
            return behave(s)
        self.a = H2Origin("a", bad, **more.pop("a", {}))
        self.b = H2Origin("b", lambda s: self.gate(s) if s.target == "/held" else echo_json(s))
        self.p = before([self.a, self.b], session=KEYED, passive=more.pop("passive", UNBROKEN), **more)
        self.at_a, self.at_b = [[("X-Key", key_of(i))] for i in "ab"]
        assert self.ask("GET", "/", self.at_b).json["id"] == "b"
        self.held = self.p.client()
        self.held.send(self.held.request_bytes("POST", "/held", body=b"x", fields=self.at_b))
        wait_until(lambda: [s for s in self.b.requests if s.target == "/held"], "a request waits at b")
        self.peak = peak_bytes(self.p)

    def ask(self, method="GET", target="/bad", fields=None):
        with self.p.client() as c:
            return c.request(method, target, body=b"x" if method == "POST" else None, fields=fields or self.at_a)

    def posts_at_b(self):
        return [s for s in self.b.requests if s.target == "/bad" and s.method == "POST"]

    def end(self, at_a=True):
        """b never knew; and a, when it behaves, is a member as before."""
        assert peak_bytes(self.p) - self.peak < GROWTH_BYTES, peak_bytes(self.p) - self.peak
        if at_a:
            assert self.ask("POST", "/", self.at_a).json["id"] == "a"
        wait_until(lambda: is_at_rest(self.p), "nothing spins")
        self.gate.open.set()
        r = self.held.response("POST")
        assert r.json["id"] == "b" and r.json["connection"] == 1 and self.b.accepted == 1
        assert not self.p.events("member_down", member="b")
        self.held.stop()
        self.p.stop()
        problems = self.a.problems + self.b.problems
        self.a.stop(), self.b.stop()
        assert not problems, problems


def attack(attacks, reason, cause, repeats, evidence):
    """One Holdfast and one hostile member for all: each attack finds what the ones before left behind."""
    todo = {}
    w = Watched(lambda s: todo["attack"](s))
    for what, todo["attack"] in attacks.items():
        for n in range(rounds()):
            count = len(w.p.events("failover")), len(w.p.requests(cause=cause))
            w.methods.clear()
            r = w.ask("GET")
            assert r.status == (200 if repeats else 502), (what, r.status)
            assert w.methods in (["GET"], ["GET", "GET"]), (what, w.methods)  # once more, where it had one open
            if repeats:
                assert r.json["id"] == "b", what
                assert dict(r.json["fields"])["holdfast-failover"] == f"from=a; reason={reason}", what
                e = w.p.wait_event("failover", count[0] + 1)
                e = w.p.events("failover")[-1]
                assert (e["reason"], e["primary"], e["chosen"]) == (reason, "a", "b"), (what, e)
                assert evidence in e["evidence"], (what, e)
            w.methods.clear()
            r = w.ask("POST")
            assert (r.status, w.methods) == (502, ["POST"]), (what, r.status, w.methods)
            wait_until(lambda: len(w.p.requests(cause=cause)) == count[1] + (1 if repeats else 2), f"{what}: {cause}")
        assert not w.posts_at_b(), what
        assert peak_bytes(w.p) - w.peak < GROWTH_BYTES, (what, peak_bytes(w.p) - w.peak)
    w.end()


def test_who_breaks_the_protocol_is_left_and_it_is_said():
    attack(BREAKING, "http2_broken", "member_bad_answer", True, "HTTP/2 was broken by")


def test_ends_anywhere_are_broken_connections():
    attack(ENDING, "reset", "member_closed", True, "connection broken before an answer")


def test_an_answer_that_is_none_is_an_error_of_its_stream_alone():
    attack(MALFORMED, "bad_answer", "member_bad_answer", False, None)


def test_evidence_takes_the_member_down_and_says_why():
    w = Watched(endlessly(of(PING, 0, b"12345678", 0)), passive={"fall": 3})
    for _ in range(3):
        assert w.ask("GET").json["id"] == "b"
    e = w.p.wait_event("member_down", member="a")
    assert e["reason"] == "http2_broken", e
    assert w.ask("POST", "/", w.at_a).json["id"] == "b", "nobody asks it any more"
    w.end(at_a=False)


def test_innocent_streams_of_a_broken_connection_are_asked_again_when_they_may():
    """What was there before the flood on the same connection: a GET is asked again, a POST ends with one error."""
    flood = endlessly(of(PING, 0, b"12345678", 0))
    w = Watched(lambda s: flood(s) if s.fields.get("x-flood") else
                echo_json(s) if s.connection.number > 1 else s.until_reset())
    answers = {}

    def ask(method):
        answers[method] = w.ask(method)
    threads = [threading.Thread(target=ask, args=(m,)) for m in ("GET", "POST")]
    for t in threads:
        t.start()
    wait_until(lambda: sorted(w.methods) == ["GET", "POST"], "both wait")
    assert w.ask("GET", fields=[*w.at_a, ("X-Flood", "1")]).json["id"] == "b"
    for t in threads:
        t.join(holdfast.TEST_LIMIT_S)
    assert answers["GET"].status == 200 and answers["POST"].status == 502 and not w.posts_at_b()
    assert w.methods.count("POST") == 1
    w.end()


# ---- while an answer comes ----------------------------------------------------------------------


def streaming(*what):
    def behave(s):
        s.respond(200)
        s.data(b"part")
        for act in what:
            act(s)
    return behave


def cut(w, method="GET"):
    """The client sees an answer that is not whole."""
    with w.p.client() as c:
        c.send(c.request_bytes(method, "/bad", fields=w.at_a, body=b"x" if method == "POST" else None))
        try:
            got = c.rest()
        except Ended as e:
            got = e.held
        got = got[0] if isinstance(got, tuple) else got
        return bytes(got or b"")


def test_what_breaks_an_answer_cuts_it():
    breaks = {
        "empty DATA without end": streaming(endlessly(of(DATA))),
        "empty padded DATA without end": streaming(endlessly(of(DATA, PADDED, b"\x02\0\0"))),
        "WINDOW_UPDATE of nothing": streaming(saying(of(WINDOW_UPDATE, 0, more(0)), of(WINDOW_UPDATE, 0, more(0), 0))),
        "HEADERS within": streaming(saying(lambda s: head(s))),
        "more than the length": saying(lambda s: head(s, [("content-length", "5")]), of(DATA, 0, b"12"),
                                       of(DATA, END_STREAM, b"345678")),
        "less than the length": saying(lambda s: head(s, [("content-length", "5")]), of(DATA, END_STREAM, b"12")),
        "trailers that are none": streaming(saying(of(HEADERS, END_HEADERS | END_STREAM, block([(":status", "200")])))),
        "a bomb of trailers": streaming(saying(
            of(HEADERS, END_HEADERS | END_STREAM, LARGE + integer(62, 7, 0x80) * 8000))),
        "padding beyond the frame": streaming(saying(of(DATA, PADDED, b"\xff123"))),
        "the end in a frame": streaming(closing_within(lambda s: frame(DATA, 0, s.id, b"x" * 100)[:50])),
    }
    todo = {}
    w = Watched(lambda s: todo["it"](s))
    for n, (what, todo["it"]) in enumerate(breaks.items()):
        got = cut(w)
        assert got.startswith(b"HTTP/1.1 200") and not got.endswith(b"0\r\n\r\n") and b"678" not in got, (what, got)
        wait_until(lambda: len(w.p.requests(cause="member_truncated")) + len(w.p.requests(cause="member_bad_answer")) == n + 1,
                   what)
    w.end()


def test_data_over_the_window_ends_it():
    """The client takes nothing, so the member may send a window; it sends all it can."""
    w = Watched(streaming(endlessly(of(DATA, 0, b"x" * 16000))))
    with w.p.client(receive_bytes=4096) as c:
        c.send(c.request_bytes("GET", "/bad", fields=w.at_a))
        wait_until(lambda: any(s.target == "/bad" and s.connection.over for s in w.a.requests), "all is ended")
    wait_until(lambda: w.p.requests(target="/bad"), "and the client's answer")
    w.end()


def test_frames_of_streams_that_are_no_more_are_bounded():
    """What was on its way is taken; then the connection is ended, as nobody else can stop it."""
    strays = {"DATA": of(DATA, 0, b"x" * 16000), "HEADERS": lambda s: head(s, (), END_HEADERS | END_STREAM),
              "RST_STREAM": of(RST_STREAM, 0, more(0)), "WINDOW_UPDATE": of(WINDOW_UPDATE, 0, more(1))}
    todo = {}
    ended = []

    def behave(s):
        s.respond(200)
        s.data(b"part")
        if todo["reset"]:
            s.reset(INTERNAL_ERROR)
        else:
            s.until_reset()
        try:
            endlessly(todo["stray"])(s)
        finally:
            ended.append(s)
    w = Watched(behave)
    for what, todo["stray"] in strays.items():
        for todo["reset"] in (False, True):
            ended.clear()
            with w.p.client() as c:
                c.send(c.request_bytes("GET", "/bad", fields=w.at_a))
                c.until(b"part")
                c.reset()
            wait_until(lambda: ended and ended[0].connection.over, what)
    w.end()


def test_an_early_answer_with_its_reset_breaks_nothing():
    """RFC 9113 section 8.1: who answers before the request is there may ask for no more of it."""
    gate = Gate()

    def behave(s):
        if s.method == "GET":
            return gate(s)
        s.answer(413, b"too much")
        s.reset(NO_ERROR)
    a = H2Origin("a", behave)
    p = before([a])
    held = p.client()
    held.send(held.request_bytes())
    wait_until(lambda: a.requests, "a request waits")
    for n in range(times(300)):
        with p.client() as c:
            c.send(c.request_bytes("POST", "/", fields=[("Content-Length", "100000")]) + b"x" * 10)
            assert c.response("POST").status == 413, n
    gate.open.set()
    assert held.response().json["connection"] == 1 and a.accepted == 1
    held.stop()
    p.stop()


def test_frames_behind_the_end_change_no_answer():
    behind = {
        "HEADERS": saying(lambda s: head(s, (), END_HEADERS | END_STREAM)),
        "DATA": saying(of(DATA, END_STREAM, b"more")),
        "RST_STREAM": saying(of(RST_STREAM, 0, more(INTERNAL_ERROR))),
        "WINDOW_UPDATE": saying(of(WINDOW_UPDATE, 0, more(2**31 - 1))),
    }
    for what, late in behind.items():
        def behave(s):
            s.answer(200, b"whole")
            late(s)
        w = Watched(behave)
        for method in ("GET", "POST") * 3:
            r = w.ask(method)
            assert (r.status, r.body) == (200, b"whole"), what
        assert not w.p.events("failover"), what
        w.end()


# ---- without an answer --------------------------------------------------------------------------


def test_interim_answers_without_end_are_no_answer():
    def behave(s):
        piece = frame(HEADERS, END_HEADERS, s.id, block([(":status", "103"), ("link", "</x>; rel=preload")])) * 500
        while s.code is None:
            s.connection.send(piece)
    w = Watched(behave)
    with w.p.client() as c:
        c.send(c.request_bytes("POST", "/bad", fields=w.at_a, body=b"x"))
        got = b""
        while b"HTTP/1.1 50" not in got and b"HTTP/1.1 200" not in got:
            try:
                got = got[-40:] + c.some()
            except Ended:
                break
    assert w.p.wait_request(target="/bad")["cause"] == "member_bad_answer"
    assert "an answer that is not HTTP" in w.p.wait_event("failover", reason="bad_answer")["evidence"]
    assert not w.posts_at_b() and w.methods == ["POST"]
    w.end()


def test_a_member_that_takes_no_streams_is_left_unasked():
    w = Watched(echo_json, a={"values": {MAX_CONCURRENT_STREAMS: 0}}, service={"pool_max": 2})
    for _ in range(20):
        r = w.ask("POST")
        assert r.status == 200 and r.json["id"] == "b"
    assert not w.methods and w.p.wait_event("failover")["reason"] == "stream_refused"
    wait_until(lambda: len(w.a.connections) <= 2, "few of its connections are kept")
    w.end(at_a=False)


def test_a_member_that_stops_taking_streams_finishes_those_it_has():
    def behave(s):
        if s.connection.number == 1 and s.method == "POST":
            s.connection.frame(SETTINGS, 0, 0, settings([(MAX_CONCURRENT_STREAMS, 0)]))
        echo_json(s)
    w = Watched(behave)
    assert w.ask("POST").json["connection"] == 1
    wait_until(lambda: w.ask("GET").json["connection"] == 2, "new ones go to a new connection")
    w.end()


def test_each_stream_reset_is_bounded_and_served():
    w = Watched(saying(of(RST_STREAM, 0, more(INTERNAL_ERROR))))
    with w.p.client() as c:
        for n in range(times(450)):
            r = c.get("/bad", fields=w.at_a)
            assert r.status == 200 and r.json["id"] == "b", n
    assert w.a.accepted == 1, "each ended one request; the member's evidence bounds them"
    reasons = {e["reason"] for e in w.p.events("failover")}
    assert reasons == {"reset"}, reasons
    w.end()


def test_each_stream_refused_is_served_by_the_backup_once():
    w = Watched(saying(of(RST_STREAM, 0, more(REFUSED_STREAM))))
    with w.p.client() as c:
        for n in range(times(250)):
            r = c.request("POST", "/bad", fields=w.at_a, body=b"%d" % n)
            assert r.status == 200 and r.json["id"] == "b" and r.json["body"] == "%d" % n, n
    assert [bytes(s.body) for s in w.posts_at_b()] == [b"%d" % n for n in range(times(250))]
    w.end()


def test_a_member_that_reads_nothing_while_it_floods():
    """What waits to be sent is bounded, and the client does not wait for its socket."""
    stuck = threading.Event()

    def greet(c):
        c.frame(SETTINGS, 0, 0, settings([(INITIAL_WINDOW_SIZE, 2**31 - 1)]))
        c.frame(WINDOW_UPDATE, 0, 0, more(2**30))
        if stuck.is_set():
            return True
        stuck.set()
        c.read_frame(), c.read_frame()
        threading.Event().wait(1)
        try:
            for _ in range(1000):
                c.send(frame(PING, 0, 0, b"12345678") * 1000)
        except OSError:
            pass
        c.origin.ended = True
        return False
    a, b = H2Origin("a", on_greet=greet), H2Origin("b")
    a.ended = False
    p = before([a, b], session=KEYED, passive=UNBROKEN, timeouts={"first_byte": "600s", "idle": "600s"},
               service={"body_bytes_max": "1GiB"})
    with p.client() as c:
        peak = peak_bytes(p)
        try:
            c.send(b"POST /big HTTP/1.1\r\nHost: h\r\nX-Key: " + key_of("a").encode() + b"\r\nContent-Length: 67108864\r\n\r\n")
            for _ in range(1024):
                c.send(b"x" * 65536)
        except (OSError, Ended):
            pass
        wait_until(lambda: a.ended, "the connection is ended")
        wait_until(lambda: p.requests(cause="member_bad_answer"), "and the client told")
        assert peak_bytes(p) - peak < GROWTH_BYTES and not b.requests
    wait_until(lambda: is_at_rest(p), "nothing spins")
    p.stop()
    a.stop(), b.stop()


# ---- before the greeting ------------------------------------------------------------------------


def test_who_greets_with_something_else_got_nothing():
    def greeting(data):
        def greet(c):
            c.send(data)
            try:
                while c.wire.some():
                    pass
            except Ended:
                pass
            return False
        return greet
    told = frame(SETTINGS, 0, 0, settings([(MAX_CONCURRENT_STREAMS, 1)]))
    greetings = {
        "garbage": b"\x00\xff" * 5000,
        "a line of another protocol": b"220 mail.example ESMTP\r\n" * 10,
        "PING first": frame(PING, 0, 0, b"12345678") + told,
        "an acknowledgement first": frame(SETTINGS, ACK) + told,
        "SETTINGS of too many values": frame(SETTINGS, 0, 0, settings([(3, 1)] * 2000)),
        "half of SETTINGS": told[:-3],
        "bytes of SETTINGS that never end": b"\0\x40\0\4\0\0\0\0\0" + b"\0\3\0\0\0\1" * 100,
        "nothing": b"",
    }
    for what, data in greetings.items():
        w = Watched(echo_json, a={"on_greet": greeting(data)}, timeouts={"connect": "300ms"})
        r = w.ask("POST")
        assert r.status == 200 and r.json["id"] == "b" and not w.methods and len(w.posts_at_b()) == 1, what
        e = w.p.wait_event("failover")
        assert e["reason"] == "not_http2" and "no HTTP/2" in e["evidence"], (what, e)
        w.end(at_a=False)


# ---- checks -------------------------------------------------------------------------------------


def test_hostile_answers_to_checks_are_failed_checks():
    probes = {
        "PING without end": endlessly(of(PING, 0, b"12345678", 0)),
        "SETTINGS without end": endlessly(of(SETTINGS, 0, settings([(INITIAL_WINDOW_SIZE, 70000)]), 0)),
        "CONTINUATION without end": endlessly(of(CONTINUATION, 0, literal("x-a", "b")), of(HEADERS, 0, STATUS)),
        "interim answers without end": endlessly(of(HEADERS, END_HEADERS, block([(":status", "103")]))),
        "a bomb": saying(of(HEADERS, END_HEADERS | END_STREAM, STATUS + LARGE + integer(62, 7, 0x80) * 8000)),
        "garbage": saying(lambda s: bytes(range(256)) * 64),
        "RST_STREAM": saying(of(RST_STREAM, 0, more(INTERNAL_ERROR))),
    }
    for what, probe in probes.items():
        a, b = H2Origin("a", probe=probe), H2Origin("b")
        p = before([a, b], health={**CHECKED, "timeout": "500ms"})
        peak = peak_bytes(p)
        e = wait_until(lambda: p.events("member_down", member="a"), what)[0]
        assert e["reason"].startswith("probe_") and e["evidence"], (what, e)
        assert p.once().json["id"] == "b", what
        assert peak_bytes(p) - peak < GROWTH_BYTES, (what, peak_bytes(p) - peak)
        assert not p.events("member_down", member="b")
        p.stop()
        a.stop(), b.stop()


# ---- over TLS -----------------------------------------------------------------------------------


def over_tls(test):
    @functools.wraps(test)
    def run():
        global over
        over = Tls()
        try:
            test()
        finally:
            over = None
    run.__name__ = test.__name__ + "_over_tls"
    return run


for test in [value for name, value in globals().items() if name.startswith("test_") and callable(value)]:
    globals()[test.__name__ + "_over_tls"] = over_tls(test)


if __name__ == "__main__":
    holdfast.main()
