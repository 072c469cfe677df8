"""tests/requirements.md, 1 to 15: connections, versions, routing."""

import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Ended, Holdfast, Origin, answering, assert_refused, free_port, member, saying

NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"


def test_must_01_a_bare_cr_is_refused():
    a = Origin("a")
    p = Holdfast([a])
    for data in (b"GET / HTTP/1.1\r\nHost: h\rX: 1\r\n\r\n",
                 b"GET / HTTP/1.1\rHost: h\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
                 b"GET /\r HTTP/1.1\r\nHost: h\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\n\r\r\n\r\n"):
        assert_refused(p, data + NEXT, 400, origins=[a])


def test_must_01_a_bare_lf_is_refused():
    a = Origin("a")
    p = Holdfast([a])
    for data in (b"GET / HTTP/1.1\nHost: h\n\n",
                 b"GET / HTTP/1.1\r\nHost: h\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\nX: 1\n\n"):
        assert_refused(p, data + NEXT, 400, origins=[a])


def test_must_01_heads_are_octets():
    """Bytes above 127 in a value mean nothing to us and arrive as they were sent."""
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        r = c.exchange(b"GET / HTTP/1.1\r\nHost: h\r\nX-Octets: \xff\x80\xc3\xa4\r\n\r\n")
        assert r.status == 200
    assert a.requests[0].fields.all("X-Octets") == ["\xff\x80\xc3\xa4"]


def test_must_02_white_space_before_the_first_field_is_refused():
    a = Origin("a")
    p = Holdfast([a])
    for data in (b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
                 b"GET / HTTP/1.1\r\n\tHost: h\r\nHost: h\r\n\r\n",
                 b"GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n"):
        assert_refused(p, data + NEXT, 400, origins=[a])


def test_must_03_our_own_version_is_sent():
    a = Origin("a", saying(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", close=True))
    p = Holdfast([a])
    with p.client() as c:
        r = c.get(version="1.0")
        assert r.status == 200 and r.body == b"hi" and r.minor == 1, r.head
    assert a.requests[0].minor == 1, a.requests[0].line


def test_must_03_other_versions_are_refused():
    a = Origin("a")
    p = Holdfast([a])
    for version in (b"HTTP/2.0", b"HTTP/3.0", b"HTTP/1.2", b"HTTP/9.9"):
        assert_refused(p, b"GET / " + version + b"\r\nHost: h\r\n\r\n" + NEXT, 505, origins=[a])
    for line in (b"GET / http/1.1", b"GET / HTTP/1", b"GET / HTTP/11.1", b"GET / HTTP/1.1 ", b"GET /",
                 b"GET / HTTQ/1.1", b"GET  / HTTP/1.1", b" GET / HTTP/1.1", b"GET / x HTTP/1.1"):
        assert_refused(p, line + b"\r\nHost: h\r\n\r\n" + NEXT, 400, 505, origins=[a])


def test_must_04_a_long_target_gets_414():
    a = Origin("a")
    p = Holdfast([a], top={"limits": {"target_bytes_max": "1KiB"}})
    assert_refused(p, b"GET /" + b"x" * 1024 + b" HTTP/1.1\r\nHost: h\r\n\r\n" + NEXT, 414, origins=[a])
    r = p.once("/" + "x" * 1023)
    assert r.status == 200 and r.json["target"] == "/" + "x" * 1023
    assert p.wait_request(cause="client_target_too_long")["status"] == 414


def test_must_05_host_missing_repeated_or_invalid_gets_400():
    a = Origin("a")
    p = Holdfast([a])
    for fields in (b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nhost: b\r\n", b"Host: a b\r\n",
                   b"Host: a/b\r\n", b"Host: u@a\r\n", b"Host: a:b\r\n", b"Host: a:99999999\r\n",
                   b"Host: [::1\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n"):
        assert_refused(p, b"GET / HTTP/1.1\r\n" + fields + b"\r\n" + NEXT, 400, origins=[a])
    for host in ("h", "h:80", "127.0.0.1:8080", "[::1]:80", "a.b-c.example"):
        r = p.once(host=host)
        assert r.status == 200 and r.got.all("Host") == [host], host


def test_must_05_an_http_1_0_request_needs_no_host():
    p = Holdfast([Origin("a")])
    with p.client() as c:
        assert c.get(version="1.0", host="").status == 200


def test_must_06_the_authority_of_an_absolute_target_replaces_host():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([], services=[
        {"name": "one", "hosts": ["one.example"], "health": {"enabled": False}, "members": [member(a)]},
        {"name": "two", "hosts": ["two.example"], "health": {"enabled": False}, "members": [member(b)]}])
    r = p.once("http://two.example/x?y=1", host="one.example")
    assert r.id == "b" and r.json["target"] == "/x?y=1"
    assert r.got.all("Host") == ["two.example"]


def test_must_07_options_of_the_whole_server():
    a = Origin("a")
    p = Holdfast([a])
    for target, sent in (("*", "*"), ("http://h", "*"), ("http://h/", "/"), ("/x", "/x")):
        r = p.once(target, method="OPTIONS", host="h")
        assert r.status == 200 and r.json["target"] == sent, (target, r.body)


def test_must_07_an_asterisk_is_for_options_only():
    a = Origin("a")
    p = Holdfast([a])
    for method in (b"GET", b"POST", b"HEAD", b"DELETE"):
        assert_refused(p, method + b" * HTTP/1.1\r\nHost: h\r\n\r\n" + NEXT, 400, origins=[a])


def test_must_08_the_space_before_an_empty_reason_stays():
    a = Origin("a", saying(b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"))
    p = Holdfast([a])
    assert p.once().line == b"HTTP/1.1 200 "
    a.behave = saying(b"HTTP/1.1 299 a strange one\r\nContent-Length: 0\r\n\r\n")
    assert p.once().line == b"HTTP/1.1 299 a strange one"


def test_must_09_an_answer_before_the_end_of_the_body_ends_the_connection():
    a = Origin("a")
    p = Holdfast([a], service={"paths": ["/app"]})
    for framing, begin in (("Content-Length: 300000", b"x" * 1000),
                           ("Transfer-Encoding: chunked", b"3e8\r\n" + b"x" * 1000)):
        with p.client() as c:
            c.send(b"POST /other HTTP/1.1\r\nHost: h\r\n" + framing.encode() + b"\r\n\r\n" + begin)
            r = c.response()
            assert r.status == 404 and r.closes
            c.sock.sendall(b"GET /app HTTP/1.1\r\nHost: h\r\n\r\n" * 20)  # of that body, whatever it looks like
            c.half_close()
            assert c.is_ended()
    assert not a.requests


def test_must_09_a_body_read_whole_lets_the_connection_go_on():
    a = Origin("a")
    p = Holdfast([a], service={"paths": ["/app"]})
    with p.client() as c:
        assert c.get("/other").status == 404
        assert c.get("/app").status == 200
        assert c.request("POST", "/app", body=b"x" * 70000).json["body_bytes"] == 70000
        assert c.get("/app").status == 200


def test_must_10_an_http_1_0_client_is_closed_after_each_answer():
    p = Holdfast([Origin("a")])
    for fields in ([], [("Connection", "keep-alive")], [("Connection", "close")]):
        with p.client() as c:
            r = c.get(version="1.0", fields=fields)
            assert r.status == 200 and "keep-alive" not in (r.fields.get("Connection") or "").lower()
            assert c.is_ended()


def test_must_11_pipelined_answers_come_in_order():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        c.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(200)))
        for n in range(200):
            r = c.response()
            assert r.json["target"] == f"/{n}"
    assert [r.target for r in a.requests] == [f"/{n}" for n in range(200)]
    assert a.accepted == 1, "one client in turn needs one connection"


def test_must_11_pipelined_with_bodies_and_our_own_answers():
    a = Origin("a")
    p = Holdfast([a], service={"paths": ["/app"]})
    with p.client() as c:
        c.send(b"POST /app/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
               b"GET /none HTTP/1.1\r\nHost: h\r\n\r\n"
               b"PUT /app/2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
               b"HEAD /app/3 HTTP/1.1\r\nHost: h\r\n\r\n"
               b"GET /app/4 HTTP/1.1\r\nHost: h\r\n\r\n")
        assert c.response().json["body"] == "hello"
        assert c.response().status == 404
        assert c.response().json["body"] == "abc"
        assert c.response("HEAD").body == b""
        assert c.response().json["target"] == "/app/4"


def test_must_12_nothing_is_processed_after_close():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        c.send(b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + NEXT)
        r = c.response()
        assert r.json["target"] == "/last" and r.closes
        assert c.is_ended()
    assert [r.target for r in a.requests] == ["/last"]


def test_must_12_requests_max_says_close():
    a = Origin("a")
    p = Holdfast([a], top={"limits": {"requests_max": 2}})
    with p.client() as c:
        c.send(NEXT * 3)
        assert not c.response().closes
        assert c.response().closes
        assert c.is_ended()
    assert len(a.requests) == 2


def test_must_13_bytes_of_an_idle_member_connection_are_no_answer():
    answered, ended = threading.Event(), threading.Event()

    def behave(connection, request):
        connection.answer(200, b"mine")
        if connection.number == 1:
            assert answered.wait(holdfast.WAIT_S)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
            connection.wait_end()
            ended.set()
            return False

    a = Origin("a", behave)
    p = Holdfast([a])
    with p.client() as c:
        assert c.get().body == b"mine"
        answered.set()
        assert ended.wait(holdfast.WAIT_S), "the connection is not closed"
        assert c.get().body == b"mine"
    assert [r.connection.number for r in a.requests] == [1, 2]


def test_must_13_nor_when_the_next_request_is_there_before_they_are_read():
    """Both wait while Holdfast is stopped: it reads the client's request first, then the member's bytes,
    which were sent before that request and cannot be its answer."""
    connections = []

    def behave(connection, request):
        connections.append(connection)
        connection.answer(200, b"mine")

    a = Origin("a", behave)
    p = Holdfast([a])
    with p.client() as c:
        assert c.get().body == b"mine"
        p.freeze()
        try:
            with open(f"/proc/{p.pid}/stat") as f:
                holdfast.wait_until(lambda: f.seek(0) == 0 and f.read().rsplit(") ")[1][0] == "T", "Holdfast stops")
            c.send(NEXT)
            connections[0].send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
        finally:
            p.signal(signal.SIGCONT)
        assert c.response().body == b"mine"


def test_must_14_a_request_that_comes_back_is_refused():
    a = Origin("a")
    p = Holdfast([a], top={"node": "n1"})
    for via in ("1.1 holdfast-n1", "1.0 other, 1.1 holdfast-n1", "1.1 holdfast-n1, 1.1 other",
                "1.0 holdfast-n1", "2.0 holdfast-n1", "HTTP/1.1 holdfast-n1", "2 x,1.0\tholdfast-n1"):
        assert p.once(fields=[("Via", via)]).status == 508
    assert p.wait_request(cause="loop")["status"] == 508
    assert not a.requests
    for via in ("1.1 holdfast-n2", "holdfast-n1", "1.1", "1.1 1.1 holdfast-n1", "1.1 x-holdfast-n1", "1.1 holdfast-n1x"):
        assert p.once(fields=[("Via", via)]).status == 200


def test_must_14_two_gateways_in_a_circle_end_it():
    first = (holdfast.HOST, free_port())
    second = (holdfast.HOST, free_port())
    p = Holdfast([("q", second)], address=first, top={"node": "p"})
    q = Holdfast([("p", first)], address=second, top={"node": "q"})
    assert p.once().status == 508
    p.wait_request(cause="loop")
    p.wait_request(count=2)
    q.wait_request()
    assert len(p.requests()) == 2 and len(q.requests()) == 1


def test_must_14_a_name_is_made_up_for_a_node_without_one():
    a = Origin("a")
    p, q = Holdfast([a]), Holdfast([a])
    via = [x.once().got.get("Via") for x in (p, q)]
    assert via[0] != via[1]
    assert p.once(fields=[("Via", via[0])]).status == 508
    assert p.once(fields=[("Via", via[1])]).status == 200


def test_must_15_path_and_query_are_not_touched():
    a = Origin("a")
    p = Holdfast([a])
    for target in ("/a//b/../c/./d", "/%41%2f%2F%zz%", "/x?y=%00&z=+&&=", "/~user;v=1,2", "/a?b?c=/../", "//double",
                   "/ünïcode".encode().decode("latin-1"), "/'\"<>[]{}|\\^`"):
        r = p.once(target)
        odd = any(b <= 0x20 or b >= 0x7f or chr(b) in "\"<>\\^`{|}" for b in target.encode("latin-1"))
        if r.status == 400 and odd:
            continue  # may be refused, but not changed
        assert r.status == 200 and r.json["target"] == target, (target, r.body)
    assert p.once("http://h", host="h").json["target"] == "/"
    assert p.once("http://h?q=1", host="h").json["target"] == "/?q=1"


def test_must_15_a_fragment_or_a_control_in_a_target_is_refused():
    a = Origin("a")
    p = Holdfast([a])
    for target in (b"/a#b", b"/a\tb", b"/a\x00b", b"/a\x7fb", b"/a\x01", b"a/b", b"http://", b"http:///x", b"://h/"):
        assert_refused(p, b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n" + NEXT, 400, origins=[a])


def test_heads_that_come_byte_by_byte():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        for byte in b"\r\nPOST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc":
            c.send(bytes([byte]))
        r = c.response()
        assert r.json["target"] == "/slow" and r.json["body"] == "abc"


def test_answers_that_come_byte_by_byte():
    def behave(connection, request):
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n":
            connection.send(bytes([byte]))

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        for _ in range(3):
            r = c.get(fields=[("TE", "trailers"), ("Connection", "TE")])
            assert r.body == b"abc" and r.trailers == [("X-T", "1")]


def test_a_slow_head_gets_408():
    a = Origin("a")
    p = Holdfast([a], timeouts={"header": "300ms"})
    with p.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow")
        r = c.response()
        assert r.status == 408 and r.closes and c.is_ended()
    assert p.wait_request(cause="client_head_timeout")["status"] == 408


def test_an_idle_connection_is_closed_without_a_word():
    p = Holdfast([Origin("a")], timeouts={"idle": "300ms"})
    with p.client() as c:
        assert c.get().status == 200
        assert c.is_ended()


def test_connections_max_makes_new_ones_wait():
    p = Holdfast([Origin("a", answering(200, b"ok"))], top={"limits": {"connections_max": 2}})
    first, second, third = p.client(), p.client(), p.client()
    assert first.get().status == 200 and second.get().status == 200
    third.send(NEXT)
    third.sock.settimeout(0.5)
    try:
        third.fill()
        raise AssertionError("a third connection was served")
    except TimeoutError:
        pass
    third.sock.settimeout(holdfast.WAIT_S)
    first.close()
    assert third.response().status == 200


def test_methods_that_are_not_known_are_refused_or_passed_on_whole():
    a = Origin("a")
    p = Holdfast([a])
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "REPORT", "SEARCH", "PURGE"):
        assert p.once(method=method).json["method"] == method
    with p.client() as c:
        c.send(b"FROBNICATE / HTTP/1.1\r\nHost: h\r\n\r\n")
        r = c.response()
        assert r.status in (400, 501) or r.json["method"] == "FROBNICATE"
    for line in (b"G(T / HTTP/1.1", b"\x80GET / HTTP/1.1"):
        assert_refused(p, line + b"\r\nHost: h\r\n\r\n" + NEXT, 400, 501, origins=[a])


def test_a_connection_closed_in_the_middle_of_a_head_costs_nothing():
    a = Origin("a")
    p = Holdfast([a])
    for cut in range(1, len(NEXT)):
        with p.client() as c:
            c.send(NEXT[:cut])
            c.half_close()
            try:
                rest = c.rest()
                assert rest == b"" or rest.startswith(b"HTTP/1.1 400 "), rest
            except Ended:
                pass
    assert p.once().status == 200
    assert [r.target for r in a.requests] == ["/"]


if __name__ == "__main__":
    holdfast.main()
