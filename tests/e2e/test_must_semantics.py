"""tests/requirements.md, 47 to 57: semantics, failover, cookies, forwarding, WebSocket.
(58 to 60 are about HTTP/2, which is not spoken here.)"""

import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import (Holdfast, Origin, answering, assert_refused, closing, dying_after, resetting, saying, silent,
                      wait_until)

UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
WEBSOCKET = UPGRADE + [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
                       ("Sec-WebSocket-Protocol", "chat, superchat"),
                       ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"


def total(*origins):
    return sum(len(o.requests) for o in origins)


def test_must_47_a_post_that_was_sent_is_never_sent_again():
    for behave, status in ((closing, 502), (resetting, 502)):
        a, b, c = (Origin(i, behave) for i in "abc")
        p = Holdfast([a, b, c])
        for n, method in enumerate(("POST", "PATCH", "POST"), 1):
            body = None if n == 3 else b"pay once"
            r = p.once(method=method, body=body, fields=[] if body else [("Content-Length", "0")])
            assert r.status == status, r.head
            assert total(a, b, c) == n, f"{method} was sent {total(a, b, c) - n + 1} times"
        assert p.wait_request(cause="member_closed", count=3)["attempts"] == 1
        holdfast.finish()


def test_must_47_nor_when_its_answer_is_late():
    origins = [Origin(i, silent) for i in "abc"]
    p = Holdfast(origins, timeouts={"first_byte": "200ms"})
    assert p.once(method="POST", body=b"x").status == 504
    assert total(*origins) == 1


def test_must_47_nor_when_its_answer_is_garbage_or_short():
    origins = [Origin(i, dying_after(b"HTTP/1.1 2")) for i in "abc"]
    p = Holdfast(origins)
    for _ in range(2):
        assert p.once(method="POST", body=b"x").status == 502
    assert total(*origins) == 2
    for o in origins:
        o.behave = saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", close=True)
    assert p.once(method="POST", body=b"x").status == 502
    assert total(*origins) == 3


def test_must_47_nor_on_a_connection_that_was_used_before():
    """The member takes the POST from a pooled connection, and dies: it may have worked on it."""
    def behave(connection, request):
        request.read_body()
        if request.method == "POST":
            return False
        connection.answer(200, b"ok")

    origins = [Origin(i, behave) for i in "abc"]
    p = Holdfast(origins)
    b = p.browser()
    for n in range(1, 4):
        assert b.get().status == 200
        assert b.request("POST", body=b"pay once").status == 502
        posts = [r for o in origins for r in o.requests if r.method == "POST"]
        assert len(posts) == n
        assert posts[-1].connection.number and len([r for o in origins for r in o.requests]) == 2 * n


def test_must_47_nor_after_a_reset_that_overtakes_the_acknowledgement():
    """On a connection that was used for a while, the kernel delays its acknowledgements: a member can have
    read the POST, and worked on it, though nothing of it was acknowledged when the reset comes."""
    def behave(connection, request):
        request.read_body()
        if request.method == "POST":
            connection.wire.reset()
            return False
        connection.answer(200, b"ok")

    origins = [Origin(i, behave) for i in "abc"]
    p = Holdfast(origins)
    for n in range(1, 6):
        b = p.browser()
        assert b.request("PUT", body=b"x" * 200000).status == 200
        for _ in range(10):
            assert b.get().status == 200
        r = b.request("POST", body=b"")
        posts = [q for o in origins for q in o.requests if q.method == "POST"]
        assert len(posts) == n and r.status == 502, f"a POST that was read was sent {len(posts) - n + 1} times"


def test_must_47_a_get_goes_on_to_the_next():
    a, b = Origin("a", closing), Origin("b", closing)
    p = Holdfast([a, b], session={"assign": "round_robin"})
    b.behave = None
    answers = [p.once() for _ in range(4)]
    assert [r.status for r in answers] == [200] * 4 and {r.id for r in answers} == {"b"}
    assert len(a.requests) > 0


def test_must_48_no_content_in_the_answer_to_head():
    def behave(connection, request):
        body = b"" if request.method == "HEAD" else b"hello"
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)

    a = Origin("a", behave)
    p = Holdfast([a], service={"paths": ["/app"]})
    with p.client() as c:
        r = c.get("/app", method="HEAD")
        assert r.fields.all("Content-Length") == ["5"] and r.body == b""
        r = c.get("/none", method="HEAD")
        assert r.status == 404 and r.body == b""
        assert c.get("/app").body == b"hello"


def test_must_48_nor_in_the_refusal_of_one():
    """Malformed, too large or never complete, but a HEAD all the same."""
    p = Holdfast([Origin("a")], timeouts={"header": "300ms"})
    for data, status in ((b"HEAD / HTTP/1.1\r\n\r\n", 400), (b"\r\nHEAD / HTTP/1.1\r\nHost: h\r\nX y\r\n\r\n", 400),
                         (b"HEAD /" + b"x" * 20000 + b" HTTP/1.1\r\n", 414), (b"HEAD / HTTP/9.9\r\n\r\n", 505),
                         (b"HEAD / HTTP/1.1\r\nHost", 408)):
        with p.client() as c:
            c.send(data)
            r = c.response("HEAD")
            assert r.status == status and r.closes and int(r.fields.get("Content-Length")) > 0, (data[:40], r.head)
            assert c.is_ended(), data[:40]


def test_must_49_the_head_goes_on_before_the_body_comes():
    def behave(connection, request):
        assert request.fields.all("Expect") == ["100-continue"]
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.answer(200, request.read_body())

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        for framing, body in ((b"Content-Length: 5", b"hello"),
                              (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n")):
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" + framing + b"\r\n\r\n")
            assert c.head().status == 100
            assert c.exchange(body).body == b"hello"


def test_must_49_a_final_answer_instead_of_100():
    a = Origin("a", lambda connection, request: connection.answer(403, b"no"))
    p = Holdfast([a])
    with p.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        r = c.response()
        assert r.status == 403 and r.body == b"no"
        if r.closes:
            assert c.is_ended()
        else:
            assert c.exchange(b"hello" + NEXT).status == 403


def test_must_49_expect_is_ignored_in_http_1_0():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        r = c.exchange(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
        assert r.interim == [] and r.json["body"] == "hello"


def test_must_49_an_unknown_expectation():
    a = Origin("a")
    p = Holdfast([a])
    assert_refused(p, b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\nhello" + NEXT, 417,
                   origins=[a])


def test_must_50_interim_answers_are_forwarded():
    interim = [(102, []), (103, [("Link", "</a.css>; rel=preload"), ("Link", "</b.js>")]), (199, [("X", "1")])]

    def behave(connection, request):
        for status, fields in interim:
            connection.send(b"HTTP/1.1 %d Wait\r\n" % status + holdfast.field_lines(fields) + b"\r\n")
        connection.answer(200, b"done")

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        for _ in range(2):
            r = c.get()
            assert r.body == b"done" and [i.status for i in r.interim] == [102, 103, 199]
            assert r.interim[1].fields.all("Link") == ["</a.css>; rel=preload", "</b.js>"]
            assert not any(i.fields.has("Set-Cookie") for i in r.interim)


def test_must_50_at_once_and_not_with_the_final_one():
    go_on = threading.Event()

    def behave(connection, request):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")
        assert go_on.wait(holdfast.WAIT_S)
        connection.answer(200, b"done")

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        c.send(NEXT)
        assert c.head().status == 103
        go_on.set()
        assert c.response().body == b"done"


def test_must_50_never_to_http_1_0():
    a = Origin("a", saying(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
                           b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
    p = Holdfast([a])
    with p.client() as c:
        r = c.get(version="1.0")
        assert r.interim == [] and r.body == b"hi"


def test_must_51_upgrade_needs_http_1_1_and_its_option():
    a = Origin("a")
    p = Holdfast([a])
    for version, fields in (("1.0", UPGRADE), ("1.1", UPGRADE[1:]),
                            ("1.1", [("Connection", "keep-alive")] + UPGRADE[1:])):
        with p.client() as c:
            r = c.get(version=version, fields=fields)
            assert r.status == 200 and not r.got.has("Upgrade"), (version, fields)
    assert p.once(fields=UPGRADE).got.all("Upgrade") == ["websocket"]


def test_must_51_a_101_that_nobody_asked_for():
    a = Origin("a", saying(SWITCH + b"\r\nsecret", close=True))
    p = Holdfast([a])
    for fields in ([], UPGRADE[1:]):
        with p.client() as c:
            r = c.get(fields=fields)
            assert r.status == 502 and b"secret" not in r.body
    with p.client() as c:
        assert c.get(version="1.0", fields=UPGRADE).status == 502


def test_must_51_a_101_for_a_protocol_that_was_not_offered():
    a = Origin("a", saying(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nsecret",
                           close=True))
    p = Holdfast([a])
    with p.client() as c:
        r = c.get(fields=UPGRADE)
        assert r.status == 502, r.head


def test_must_51_an_upgrade_that_is_refused_is_a_usual_exchange():
    a = Origin("a", answering(426, b"no", [("Upgrade", "foo")]))
    p = Holdfast([a])
    with p.client() as c:
        for _ in range(3):
            assert c.get(fields=UPGRADE).body == b"no"


def test_must_52_statuses_of_our_own():
    a = Origin("a", dying_after(b"garbage\r\n\r\n"))
    p = Holdfast([a], timeouts={"first_byte": "200ms"})
    assert p.once().status == 502
    a.behave = silent
    assert p.once(method="POST", body=b"").status == 504
    a.go()
    r = p.once()
    assert r.status == 503 and r.fields.all("Retry-After") == ["1"]
    causes = [p.wait_request(count=n)["cause"] for n in (1, 2, 3)]
    assert causes == ["member_bad_answer", "member_first_byte", "no_live_member"]


def test_must_53_connect_is_refused():
    a = Origin("a")
    p = Holdfast([a])
    for target in (b"h:443", b"/", b"http://h/"):
        assert_refused(p, b"CONNECT " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n" + NEXT, 501, 405, 400, origins=[a])


def test_must_53_what_is_outstanding_is_delivered_before_the_end():
    big = os.urandom(3 << 20)
    got = []

    def behave(connection, request):
        connection.send(SWITCH + b"\r\n")
        if request.target == "/member-ends":
            connection.send(big)
        else:
            got.append(connection.wire.rest())
            connection.send(b"%d bytes" % len(got[-1]))
        return False

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        assert c.get("/member-ends", fields=UPGRADE).status == 101
        assert c.rest() == big
    with p.client() as c:
        assert c.get("/client-ends", fields=UPGRADE).status == 101
        c.send(big)
        c.half_close()
        assert c.rest() == b"%d bytes" % len(big)
    assert got == [big]


def test_must_54_only_our_cookie_is_taken_out():
    a = Origin("a")
    p = Holdfast([a])
    b = p.browser()
    b.get()
    tag = b.cookies["HOLDFAST"]
    for sent, kept in (("a=1; HOLDFAST={}; b=2", ["a=1; b=2"]), ("HOLDFAST={}", []), ("HOLDFAST={}; a=1", ["a=1"]),
                       ("a=1; HOLDFAST={}", ["a=1"]), ("a=1;HOLDFAST={};b=2", ["a=1;b=2"]),
                       ("HOLDFAST2=x; XHOLDFAST=y; holdfast=z", ["HOLDFAST2=x; XHOLDFAST=y; holdfast=z"]),
                       ("a=\"HOLDFAST=x\"; b=HOLDFAST=y", ["a=\"HOLDFAST=x\"; b=HOLDFAST=y"]),
                       ("a=1; ; b = 2;; c", ["a=1; ; b = 2;; c"])):
        got = p.once(fields=[("Cookie", sent.format(tag))]).got.all("Cookie")
        assert got == kept, (sent, got)


def test_must_54_all_cookie_lines_are_read():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b])
    browser = p.browser()
    home = browser.get().id
    tag = browser.cookies["HOLDFAST"]
    r = p.once(fields=[("Cookie", "x=1"), ("Cookie", f"y=2; HOLDFAST={tag}"), ("Cookie", "z=3")])
    assert r.id == home and not r.fields.has("Set-Cookie")
    assert r.got.all("Cookie") == ["x=1", "y=2", "z=3"]


def test_must_54_two_different_tags_steer_nobody():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b])
    one, two = p.browser(), p.browser()
    one.get(), two.get()
    r = p.once(fields=[("Cookie", f"HOLDFAST={one.cookies['HOLDFAST']}; HOLDFAST={two.cookies['HOLDFAST']}")])
    assert r.status == 200 and r.cookies().get("HOLDFAST"), "a new tag"
    assert not r.got.has("Cookie")
    assert p.wait_event("tag_rejected")["reason"] == "doubled"


def test_must_54_one_set_cookie_a_line():
    cookies = ["a=1; Path=/", "b=2, 3; Expires=Wed, 21 Oct 2037 07:28:00 GMT"]
    p = Holdfast([Origin("a", answering(200, b"", [("Set-Cookie", c) for c in cookies]))])
    lines = p.once().fields.all("Set-Cookie")
    assert sorted(lines)[1:] == sorted(cookies) and len(lines) == 3 and sorted(lines)[0].startswith("HOLDFAST=")


def test_must_55_our_cookie():
    for tag, rest in (({}, r"; Path=/; HttpOnly; SameSite=Lax"),
                      ({"secure": True, "same_site": "strict"}, r"; Path=/; Secure; HttpOnly; SameSite=Strict"),
                      ({"http_only": False, "same_site": "absent", "path": "/app", "domain": "shop.example",
                        "max_age": "1h"}, r"; Path=/app; Domain=shop\.example; Max-Age=3600")):
        p = Holdfast([Origin("a")], session={"tag": {"cookie": "T", **tag}})
        line, = p.once().fields.all("Set-Cookie")
        value, _, attributes = line.partition(";")
        assert re.fullmatch(r"T=[A-Za-z0-9_-]{1,96}", value), line
        got = {x.strip() for x in attributes.split(";")}
        want = {x.replace("\\", "").strip() for x in rest.split(";") if x}
        assert got == want, line
        holdfast.finish()


def test_must_56_x_forwarded_fields():
    a = Origin("a")
    p = Holdfast([a])
    got = p.once(host="shop.example:81").got
    assert got.all("X-Forwarded-For") == ["127.0.0.1"]
    assert got.all("X-Forwarded-Proto") == ["http"] and got.all("X-Forwarded-Host") == ["shop.example:81"]
    got = p.once(host="shop.example:81", fields=[("X-Forwarded-For", "1.2.3.4, 5.6.7.8"), ("X-Forwarded-For", "::1"),
                                                 ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "www"),
                                                 ("Forwarded", "for=1.2.3.4")]).got
    assert got.all("X-Forwarded-For") == ["127.0.0.1"] and not got.has("Forwarded"), "nobody is trusted"
    assert got.all("X-Forwarded-Proto") == ["http"] and got.all("X-Forwarded-Host") == ["shop.example:81"]


def test_must_56_the_clients_own_address():
    p = Holdfast([Origin("a")])
    with p.client(source="127.9.8.7") as c:
        assert c.get().got.all("X-Forwarded-For") == ["127.9.8.7"]
    assert p.wait_request()["client"].startswith("127.9.8.7:")


def test_must_57_a_websocket_handshake_and_its_frames():
    frames = bytes(range(256)) * 40
    answer = [("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), ("Sec-WebSocket-Protocol", "chat"),
              ("Sec-WebSocket-Extensions", "permessage-deflate")]

    def behave(connection, request):
        connection.send(SWITCH + holdfast.field_lines(answer) + b"\r\n" + frames)
        connection.send(connection.wire.take(len(frames))[::-1])
        connection.wait_end()
        return False

    a = Origin("a", behave)
    p = Holdfast([a])
    with p.client() as c:
        c.send(c.request_bytes(fields=WEBSOCKET) + frames[:7])  # the first of it before the answer came
        r = c.response()
        assert r.status == 101 and r.fields.all("Upgrade") == ["websocket"]
        assert [o.lower() for o in r.fields.all("Connection")] == ["upgrade"]
        for name, value in answer:
            assert r.fields.all(name) == [value]
        assert c.take(len(frames)) == frames
        c.send(frames[7:])
        assert c.take(len(frames)) == frames[::-1]
    got = a.requests[0].fields
    for name, value in WEBSOCKET[2:]:
        assert got.all(name) == [value]
    assert p.wait_request(cause="tunnel_done")["status"] == 101


def test_must_57_a_websocket_stays_with_its_session():
    def behave(connection, request):
        if request.fields.has("Upgrade"):
            connection.send(SWITCH + b"X-Id: " + connection.origin.id.encode() + b"\r\n\r\n")
            return False
        return holdfast.answer_json(connection, request)

    p = Holdfast([Origin(i, behave) for i in "abcde"])
    for _ in range(8):
        b = p.browser()
        home = b.get().id
        with p.client() as c:
            r = c.get(fields=WEBSOCKET + [("Cookie", "HOLDFAST=" + b.cookies["HOLDFAST"])])
            assert r.status == 101 and r.fields.get("X-Id") == home and not r.fields.has("Set-Cookie")
            assert c.is_ended()


def test_the_end_of_a_client_ends_its_tunnel_at_the_member():
    ended = threading.Event()

    def behave(connection, request):
        connection.send(SWITCH + b"\r\n")
        connection.wait_end()
        ended.set()
        return False

    p = Holdfast([Origin("a", behave)])
    for reset in (False, True):
        ended.clear()
        c = p.client()
        assert c.get(fields=UPGRADE).status == 101
        c.reset() if reset else c.close()
        assert ended.wait(holdfast.WAIT_S)
    wait_until(lambda: len(p.requests(cause="tunnel_done")) == 2, "both tunnels end")


if __name__ == "__main__":
    holdfast.main()
