"""tests/requirements.md, 31 to 46: framing."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Ended, Holdfast, Origin, answering, assert_refused, dying_after, saying

NEXT = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


def post(*lines, body=b"", version=b"1.1"):
    return (b"POST / HTTP/" + version + b"\r\nHost: h\r\n" + b"".join(line + b"\r\n" for line in lines) +
            b"\r\n" + body)


def assert_all_refused(requests, *statuses):
    a = Origin("a")
    p = Holdfast([a])
    for data in requests:
        assert_refused(p, data + NEXT, *statuses, origins=[a])
    assert p.once().status == 200


def assert_bad_bodies(bodies):
    """Their heads are good and may reach the member; nothing whole does."""
    a = Origin("a")
    p = Holdfast([a])
    for body in bodies:
        assert_refused(p, post(b"Transfer-Encoding: chunked", body=body) + NEXT, 400)
    assert all(r.body is None and r.method == "POST" for r in a.requests), [r.line for r in a.requests]
    assert p.once().status == 200


def broken_off(p, target="/", version="1.1"):
    """One request whose answer must not look complete; returns (bytes that came, how it ended)."""
    with p.client() as c:
        c.send(c.request_bytes(target=target, version=version))
        try:
            r = c.response()
        except Ended as e:
            return e
        raise AssertionError(f"a short answer looks complete: {r.head!r} {r.body[:100]!r}")


def test_must_31_chunked_is_applied_once():
    assert_all_refused([post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")],
                       400, 501)


def test_must_31_other_codings_are_not_guessed():
    assert_all_refused([post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: chunked;a=b", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: \"chunked\"", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding:", body=b"0\r\n\r\n")], 400, 501)


def test_must_32_both_framings_are_refused():
    assert_all_refused([post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: chunked", b"Content-Length: 0", body=b"0\r\n\r\n"),
                        post(b"transfer-encoding: CHUNKED", b"content-length: 5", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: identity", b"Content-Length: 5", body=b"hello")], 400, 501)


def test_must_33_transfer_encoding_in_http_1_0():
    assert_all_refused([post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", version=b"1.0"),
                        post(b"Transfer-Encoding: chunked", b"Connection: keep-alive", body=b"0\r\n\r\n",
                             version=b"1.0")], 400)


def test_must_33_transfer_encoding_in_an_http_1_0_answer():
    a = Origin("a", saying(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
                           b"2\r\nhi\r\n0\r\n\r\n"))
    p = Holdfast([a])
    with p.client() as c:
        r = c.get()
        assert r.status == 502 or r.body == b"hi", r.head
        assert not r.fields.has("Content-Length") or r.fields.get("Content-Length") == str(len(r.body))
    a.behave = answering(200, b"next")
    assert p.once().body == b"next"
    assert a.requests[-1].connection.number > 1, "that connection was used again"


def test_must_34_the_last_coding_of_a_request_is_chunked():
    assert_all_refused([post(b"Transfer-Encoding: gzip", body=b"x"),
                        post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: foo", body=b"x"),
                        post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
                        post(b"Transfer-Encoding: chunked, foo", body=b"0\r\n\r\n")], 400)
    assert_all_refused([post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n")], 501)


def test_must_35_36_a_member_that_sends_both():
    """The length is not believed, and never sent on."""
    a = Origin("a", saying(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"2\r\nhi\r\n0\r\n\r\n", close=True))
    p = Holdfast([a])
    r = p.once()
    assert r.status == 502 or (r.framing == "chunked" and r.body == b"hi"), r.head
    a.behave = answering(200, b"next")
    assert p.once().body == b"next"


def test_must_36_a_framing_is_written_anew():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        r = c.exchange(post(b"Content-Length: 0000000005", body=b"hello"))
        assert r.got.all("Content-Length") == ["5"] and r.json["body"] == "hello"
        r = c.exchange(post(b"transfer-ENCODING: Chunked", body=b"0005;x=y\r\nhello\r\n000\r\n\r\n"))
        assert r.got.all("Transfer-Encoding") == ["chunked"] and r.json["body"] == "hello"
    assert b";x" not in a.requests[-1].head


def test_must_37_an_invalid_length_in_a_request():
    assert_all_refused([post(b"Content-Length: " + v, body=b"hello") for v in
                        (b"", b"-1", b"+5", b"5x", b"0x5", b"5 5", b"5;", b"5.0", b"1e1", b"\"5\"", b",5", b"5,",
                         b"5,6", b"\xb5")] + [post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello")], 400)


def test_must_37_an_invalid_length_in_an_answer():
    a = Origin("a")
    p = Holdfast([a])
    for value in (b"", b"-1", b"+2", b"2x", b"0x2", b"2,3", b"2 2", b"2\r\nContent-Length: 3"):
        a.behave = saying(b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\nhi")
        assert p.once().status == 502, value
    a.behave = answering(200, b"next")
    assert p.once().body == b"next"


def test_must_38_the_same_length_twice():
    a = Origin("a")
    p = Holdfast([a])
    for lines in ((b"Content-Length: 5, 5",), (b"Content-Length: 5", b"Content-Length: 5")):
        with p.client() as c:
            r = c.exchange(post(*lines, body=b"hello"))
            if r.status == 400:
                assert r.closes and c.is_ended()
                continue
            assert r.got.all("Content-Length") == ["5"] and r.json["body"] == "hello"
            assert c.get().status == 200
    a.behave = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi")
    r = p.once()
    assert r.status == 502 or (r.fields.all("Content-Length") == ["2"] and r.body == b"hi")


def test_must_38_a_length_that_overflows():
    assert_all_refused([post(b"Content-Length: " + v) for v in
                        (b"18446744073709551616", b"18446744073709551621", b"99999999999999999999", b"9" * 200,
                         b"36893488147419103237")], 400, 413)
    a = Origin("a", saying(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nhi", close=True))
    assert Holdfast([a]).once().status == 502


def test_must_39_no_framing_in_1xx_and_204():
    a = Origin("a", saying(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: <x>\r\n\r\n"
                           b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"))
    p = Holdfast([a])
    with p.client() as c:
        for _ in range(2):
            r = c.get()  # the client refuses framing in 1xx and 204
            assert r.status in (204, 502)
    a.behave = saying(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert p.once().status in (204, 502)


def test_must_40_no_body_whatever_the_fields_say():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        for answer, method, status in (
                (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HEAD", 200),
                (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", 200),
                (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "GET", 304),
                (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", 304),
                (b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n", "GET", 204)):
            a.behave = saying(answer)
            r = c.get(method=method)
            assert r.status == status and r.body == b""
            a.behave = answering(200, b"next")
            assert c.get().body == b"next", answer
    assert len({r.connection.number for r in a.requests}) == 1


def test_must_41_no_transfer_encoding_towards_http_1_0():
    a = Origin("a", answering(200, b"hello", framing="chunked", trailers=[("X-T", "1")]))
    p = Holdfast([a])
    with p.client() as c:
        r = c.get(version="1.0")
        assert not r.fields.has("Transfer-Encoding") and r.body == b"hello" and not r.fields.has("X-T")


def test_must_42_a_chunk_size_that_overflows():
    assert_bad_bodies([size + b"\r\nhello\r\n0\r\n\r\n" for size in
                       (b"10000000000000000", b"10000000000000005", b"fffffffffffffffff", b"1" + b"0" * 64)])
    a = Origin("a", saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nhi\r\n0\r\n\r\n",
                           close=True))
    broken_off(Holdfast([a]))


def test_must_42_a_malformed_chunk():
    assert_bad_bodies([b"x\r\n", b"-1\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n", b" 5\r\nhello\r\n",
                         b"\r\n5\r\nhello\r\n", b"5\nhello\n0\n\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhelloxx0\r\n\r\n",
                         b"5\r\nhello\n0\r\n\r\n", b"5 \nhello\r\n", b"5;x\nhello\r\n0\r\n\r\n", b";x\r\n",
                         b"5\r\r\nhello\r\n0\r\n\r\n", b"0\r\nX : 1\r\n\r\n", b"0\r\nX: a\rb\r\n\r\n",
                         b"0\r\n folded\r\n\r\n"])


def test_must_42_a_malformed_chunk_of_a_member():
    a = Origin("a")
    p = Holdfast([a])
    for body in (b"x\r\n", b"2\nhi\n0\n\n", b"2\r\nhi0\r\n\r\n", b"-2\r\nhi\r\n"):
        a.behave = saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body, close=True)
        broken_off(p)
    a.behave = answering(200, b"next")
    assert p.once().body == b"next"


def test_must_43_chunk_extensions_are_ignored_and_bounded():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        r = c.exchange(post(b"Transfer-Encoding: chunked",
                            body=b"5;a=b;c=\"d\"\r\nhello\r\n0;last\r\n\r\n"))
        assert r.json["body"] == "hello"
    assert_refused(p, post(b"Transfer-Encoding: chunked", body=b"5;" + b"x" * 300 + b"\r\nhello\r\n0\r\n\r\n"), 400)
    assert_refused(p, post(b"Transfer-Encoding: chunked", body=b"0" * 300 + b"5\r\nhello\r\n0\r\n\r\n"), 400)


def test_must_44_trailers_are_never_merged():
    trailers = b"X-Good: 1\r\nContent-Length: 3\r\nHost: evil\r\nTransfer-Encoding: chunked\r\nCookie: a=b\r\n" \
               b"Authorization: x\r\nHoldfast-Session: 00\r\nSet-Cookie: x=y\r\nConnection: close\r\n"
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        r = c.exchange(post(b"Transfer-Encoding: chunked", b"Trailer: X-Good",
                            body=b"2\r\nhi\r\n0\r\n" + trailers + b"\r\n"))
        assert r.status == 200
        assert not r.got.has("X-Good") and r.got.all("Host") == ["h"] and not r.got.has("Cookie")
        assert [n for n, _ in r.json["trailers"]] in ([], ["X-Good"]), r.json["trailers"]
        assert c.get().status == 200
    a.behave = saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + trailers + b"\r\n")
    r = p.once()
    assert r.body == b"hi" and not r.fields.has("X-Good") and not r.fields.has("x") and "x" not in r.cookies()
    assert [n for n, _ in r.trailers] in ([], ["X-Good"])


def test_must_44_too_many_trailers():
    body = b"2\r\nhi\r\n0\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 100) for n in range(100)) + b"\r\n"
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        assert c.exchange(post(b"Transfer-Encoding: chunked", body=body)).status in (400, 431, 200)
    assert p.once().status == 200


def test_must_45_a_short_body_is_never_finished_cleanly():
    a = Origin("a")
    p = Holdfast([a])
    length = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    for answer in (length, chunked, chunked + b"5\r\nwor", chunked + b"0\r\n", chunked + b"0\r\nX: 1\r\n"):
        for reset in (False, True):
            a.behave = dying_after(answer, reset)
            broken_off(p)
    assert p.wait_request(cause="member_truncated")["status"] == 200
    a.behave = answering(200, b"next")
    assert p.once().body == b"next"


def test_must_45_nor_for_a_client_that_goes_by_the_close():
    """HTTP/1.0 knows the end of such a body by the close: ours must not look like one."""
    a = Origin("a", dying_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"))
    p = Holdfast([a])
    assert broken_off(p, version="1.0").reset


def test_must_45_a_member_that_resets_where_its_close_is_the_end():
    a = Origin("a", dying_after(b"HTTP/1.1 200 OK\r\n\r\nhello", reset=True))
    p = Holdfast([a])
    broken_off(p)
    a.behave = dying_after(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert p.once().body == b"hello"


def test_must_45_a_head_that_ends_short():
    a = Origin("a", dying_after(b"HTTP/1.1 200 OK\r\nContent-Le"))
    p = Holdfast([a])
    r = p.once()
    assert r.status == 502


def test_must_46_extra_bytes_are_not_another_answer():
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        for answer, method in ((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "GET"),
                               (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "GET"),
                               (b"HTTP/1.1 204 No Content\r\n\r\n", "GET"),
                               (b"HTTP/1.1 304 Not Modified\r\n\r\n", "GET"),
                               (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HEAD")):
            a.behave = saying(answer + evil)
            r = c.get(method=method)
            assert r.body in (b"hi", b"")
            a.behave = answering(200, b"next")
            assert c.get().body == b"next", answer
    numbers = [r.connection.number for r in a.requests]
    assert all(numbers[n] != numbers[n + 1] for n in range(0, len(numbers), 2)), numbers


def test_a_body_above_the_bound_gets_413():
    a = Origin("a")
    p = Holdfast([a], service={"body_bytes_max": "1000"})
    with p.client() as c:
        assert c.request("POST", body=b"x" * 1000).json["body_bytes"] == 1000
    assert_refused(p, post(b"Content-Length: 1001", body=b"x" * 1001), 413)
    with p.client() as c:
        c.send(post(b"Transfer-Encoding: chunked", body=b"1f4\r\n" + b"x" * 500 + b"\r\n"))
        c.send(b"1f5\r\n" + b"x" * 501 + b"\r\n")
        r = c.response()
        assert r.status == 413 and r.closes
    assert p.wait_request(cause="client_body_too_large", count=2)["status"] == 413


def test_a_body_that_stops_gets_408():
    p = Holdfast([Origin("a")], timeouts={"idle": "300ms"})
    with p.client() as c:
        r = c.exchange(post(b"Content-Length: 10", body=b"hello"))
        assert r.status == 408 and r.closes and c.is_ended()
    assert p.wait_request(cause="client_body_timeout")["status"] == 408


if __name__ == "__main__":
    holdfast.main()
