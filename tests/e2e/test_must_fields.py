"""tests/requirements.md, 16 to 30: fields."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Holdfast, Origin, answering, assert_refused, saying, wait_until
from http2 import Connection

NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"


def request_with(*lines):
    return b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def answer_with(*lines):
    return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\nhi"


def assert_bad_answers(*answers):
    """Each of these as a member's answer becomes 502, and nothing of it is seen."""
    a = Origin("a")
    p = Holdfast([a])
    for answer in answers:
        a.behave = saying(answer, close=True)
        r = p.once()
        assert r.status == 502 and b"hi" not in r.body and not r.fields.has("X"), f"{answer!r} got {r.head!r}"
    assert len(p.requests(cause="member_bad_answer")) > 0 or p.wait_request(cause="member_bad_answer")


def test_must_16_space_before_the_colon():
    a = Origin("a")
    p = Holdfast([a])
    for line in (b"X : 1", b"X\t: 1", b"Content-Length : 0", b"Transfer-Encoding : chunked", b" : 1"):
        assert_refused(p, request_with(line) + NEXT, 400, origins=[a])


def test_must_16_space_before_the_colon_is_taken_out_of_answers():
    a = Origin("a")
    p = Holdfast([a], health=holdfast.CHECKED)
    a.probe = saying(answer_with(b"Server \t : s"))
    for lines, want in (((b"X : 1",), ["1"]), ((b"X \t :1", b"Y: 2", b"x  :  3"), ["1", "3"]), ((b"X\t:",), [""])):
        a.behave = saying(answer_with(*lines))
        with p.client() as c:
            c.send(c.request_bytes())
            head = c.until(b"\r\n\r\n")
            assert b" :" not in head and b"\t:" not in head, head
            r = holdfast.Response(head)
            assert r.status == 200 and r.fields.all("X") == want and c.take(2) == b"hi", head
    # What it frames counts as if it had been written well.
    a.behave = saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    r = p.once()
    assert r.body == b"hi" and r.fields.all("Transfer-Encoding") == ["chunked"] and not r.fields.has("Content-Length")
    a.behave = saying(b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\nHoldfast-Session : x\r\n\r\nhi")
    r = p.once()
    assert r.body == b"hi" and r.framing == 2 and not r.fields.has("Holdfast-Session")
    # In pieces.
    def slowly(connection, request):
        for piece in (b"HTTP/1.1 200 OK\r\nX :", b" 1\r\nY  ", b": 2\r\nContent-Length ", b": 2\r\n\r", b"\nhi"):
            connection.send(piece)
            time.sleep(0.01)
    a.behave = slowly
    r = p.once()
    assert r.body == b"hi" and r.fields.all("X") == ["1"] and r.fields.all("Y") == ["2"], r.head
    assert not p.events("member_down"), "its checks are written like its answers"
    wait_until(lambda: a.probes >= 3, "checks")
    assert not p.events("member_down")


def test_must_16_an_empty_or_bad_name():
    a = Origin("a")
    p = Holdfast([a])
    for line in (b": 1", b"X", b"X y: 1", b"X\xff: 1", b"X(: 1", b"\x00: 1", b"X\x7f: 1"):
        assert_refused(p, request_with(line) + NEXT, 400, origins=[a])
    assert_bad_answers(answer_with(b": 1"), answer_with(b"X"), answer_with(b"X y: 1"), answer_with(b"X y : 1"),
                       answer_with(b" : 1"), answer_with(b" X: 1"))


def test_must_17_obs_fold():
    a = Origin("a")
    p = Holdfast([a])
    for lines in ((b"X: 1", b" 2"), (b"X: 1", b"\t2"), (b"X: 1", b" Content-Length: 5")):
        assert_refused(p, request_with(*lines) + NEXT, 400, origins=[a])
    assert_bad_answers(answer_with(b"X: 1", b" 2"), answer_with(b"X: 1", b"\tSet-Cookie: a=b"))


def test_must_18_unknown_fields_pass():
    sent = [("X-Unknown", "1"), ("Foo", ""), ("A" * 200, "b"), ("Dnt", "1"), ("sec-ch-ua", '"a;b"')]
    a = Origin("a", answering(200, b"hi", sent))
    p = Holdfast([a])
    r = p.once(fields=sent)
    for name, value in sent:
        assert a.requests[0].fields.all(name) == [value], name
        assert r.fields.all(name) == [value], name
    names = [n for n, _ in a.requests[0].fields]
    assert [n for n, _ in sent] == [n for n in names if n in dict(sent)], "names keep their case and order"


def test_must_19_lines_of_one_name_keep_their_order():
    values = ["3", "1", "2, 0", "1"]
    cookies = ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT", "a=3"]
    fields = [("X-List", v) for v in values] + [("Set-Cookie", v) for v in cookies]
    a = Origin("a", answering(200, b"hi", fields))
    p = Holdfast([a])
    r = p.once(fields=[("X-List", v) for v in values])
    assert a.requests[0].fields.all("X-List") == values
    assert r.fields.all("X-List") == values
    assert [v for v in r.fields.all("Set-Cookie") if not v.startswith("HOLDFAST=")] == cookies


def test_must_20_cr_lf_nul_in_a_value():
    a = Origin("a")
    p = Holdfast([a])
    for bad in (b"\0", b"\r", b"\n", b"\x01", b"\x0b", b"\x1b", b"\x7f"):
        assert_refused(p, request_with(b"X: a" + bad + b"b") + NEXT, 400, origins=[a])
    assert_bad_answers(*(answer_with(b"X: a" + bad + b"b") for bad in (b"\0", b"\r", b"\x01")))


def test_must_20_nothing_of_a_request_gets_into_a_log_line():
    a = Origin("a")
    p = Holdfast([a])
    assert p.once('/"},{"event":"evil\\').status in (200, 400)
    with p.client() as c:
        c.send(b"GET /\x1b[31m HTTP/1.1\r\nHost: h\r\n\r\n")
        assert c.response().status == 400
    assert p.once("/x", fields=[("Referer", "\xff\"\\")]).status == 200
    p.wait_request(target="/x")
    with open(p.access_path, "rb") as f:
        text = f.read()
    assert all(b == 10 or 0x20 <= b < 0x7f for b in text)
    assert len(p.requests()) >= 2  # every line parses


def test_must_21_too_large_fields_get_431():
    a = Origin("a")
    p = Holdfast([a], top={"limits": {"head_bytes_max": "4KiB", "headers_max": 20}})
    assert_refused(p, request_with(b"X: " + b"x" * 4096) + NEXT, 431, origins=[a])
    assert_refused(p, request_with(*[b"X: %d" % n for n in range(20)]) + NEXT, 431, origins=[a])
    assert_refused(p, b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 5000, 431, origins=[a])
    assert p.once(fields=[("X", str(n)) for n in range(19)]).status == 200
    assert p.once(fields=[("X", "x" * 3900)]).status == 200
    assert p.wait_request(cause="client_head_too_large")["status"] == 431


def test_must_21_a_head_of_the_default_size():
    a = Origin("a", answering(200, b"hi"))
    p = Holdfast([a])
    assert p.once(fields=[("X", "x" * 8000), ("Y", "y" * 8000)]).status == 200
    assert_refused(p, request_with(b"X: " + b"x" * 17000) + NEXT, 431, origins=[a])


def test_must_21_a_members_head_that_is_too_large():
    assert_bad_answers(answer_with(b"X: " + b"x" * 20000), answer_with(b"X: " + b"x" * 100000),
                       answer_with(*[b"X: %d" % n for n in range(300)]))


def test_must_22_fields_named_in_connection_go():
    a = Origin("a", answering(200, b"hi", [("Connection", "X-Hop, x-other"), ("X-Hop", "1"), ("X-Other", "2"),
                                           ("X-Stays", "3"), ("X-Hop", "4")]))
    p = Holdfast([a])
    r = p.once(fields=[("X-Hop", "1"), ("Connection", "x-hop"), ("Connection", " , X-Other ,,"),
                       ("X-Other", "2"), ("X-Stays", "3"), ("X-HOP", "4")])
    for fields in (a.requests[0].fields, r.fields):
        assert not fields.has("X-Hop") and not fields.has("X-Other")
        assert fields.all("X-Stays") == ["3"]
    assert not a.requests[0].fields.has("Connection")


def test_must_22_connection_may_not_name_what_everybody_needs():
    """Else a client takes away what we or the member rely on (hop-by-hop abuse)."""
    a = Origin("a")
    p = Holdfast([a], session={"tag": {"header": "X-Tag"}})
    for name in (b"Host", b"Cookie", b"Content-Length", b"Transfer-Encoding"):
        body = {b"Content-Length": b"Content-Length: 2", b"Transfer-Encoding": b"Transfer-Encoding: chunked"}
        lines = [b"Connection: " + name, b"Cookie: a=b"] + ([body[name]] if name in body else [])
        assert_refused(p, request_with(*lines), 400, origins=[a])


def test_must_22_ours_are_added_after_and_cannot_be_nominated_away():
    a = Origin("a")
    p = Holdfast([a])
    r = p.once(fields=[("Connection", "X-Forwarded-For, Via, Holdfast-Session, X-Forwarded-Proto"),
                       ("X-Forwarded-For", "9.9.9.9")])
    if r.status == 400:
        return
    assert r.got.all("X-Forwarded-For") and len(r.got.all("Holdfast-Session")) == 1 and r.got.all("Via")
    assert "9.9.9.9" not in r.got.get("X-Forwarded-For")


def test_must_23_hop_by_hop_fields_are_dropped():
    hop = [("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"), ("TE", "gzip"), ("Upgrade", "h2c")]
    a = Origin("a", answering(200, b"hi", [h for h in hop if h[0] != "TE"]))
    p = Holdfast([a])
    r = p.once(fields=hop + [("Connection", "keep-alive")])
    for name, _ in hop:
        assert not a.requests[0].fields.has(name), name
        assert not r.fields.has(name), name
    for value in a.requests[0].fields.all("Connection"):
        assert value.lower() == "keep-alive"


def test_our_own_names_reach_no_member_in_any_spelling():
    """Holdfast_Primary is HTTP_HOLDFAST_PRIMARY to a server of CGI's kind, as Holdfast-Primary is."""
    a = Origin("a", answering(200, b"hi", [("Holdfast_Rank", "evil"), ("X-Holdfast_Rank", "fine")]))
    p = Holdfast([a])
    sent = ["Holdfast-Primary", "HOLDFAST_PRIMARY", "holdfast-client_subject", "Holdfast_Client_Subject", "Holdfast_Term"]
    r = p.once(fields=[(name, "evil") for name in sent] + [("X_Holdfast_Primary", "fine"), ("Holdfast", "fine")])
    assert [n for n, v in a.requests[0].fields if v == "evil"] == []
    assert [n for n, v in a.requests[0].fields if v == "fine"] == ["X_Holdfast_Primary", "Holdfast"]
    assert not r.fields.has("Holdfast_Rank") and r.fields.has("X-Holdfast_Rank")


def test_must_24_max_forwards():
    a = Origin("a")
    p = Holdfast([a])
    for method in ("TRACE", "OPTIONS"):
        assert p.once(method=method, fields=[("Max-Forwards", "5")]).got.all("Max-Forwards") == ["4"]
        assert p.once(method=method, fields=[("Max-Forwards", "1")]).got.all("Max-Forwards") == ["0"]
        seen = len(a.requests)
        assert p.once("/secret", method=method, fields=[("Max-Forwards", "0")]).status == 200
        assert len(a.requests) == seen, f"{method} with Max-Forwards: 0 was forwarded"
    assert p.once(fields=[("Max-Forwards", "0")]).got.all("Max-Forwards") == ["0"], "not for GET"


def test_must_24_the_echo_holds_no_credentials():
    p = Holdfast([Origin("a")])
    r = p.once(method="TRACE", fields=[("Max-Forwards", "0"), ("Cookie", "sid=secret1"),
                                       ("Authorization", "Basic secret2")])
    assert r.status == 200 and b"secret" not in r.body


def test_must_25_via_on_every_request():
    a = Origin("a")
    p = Holdfast([a], top={"node": "n1"})
    assert p.once().got.all("Via") == ["1.1 holdfast-n1"]
    via = p.once(fields=[("Via", "1.0 fred, 1.1 p.example"), ("Via", "1.1 q")]).got.all("Via")
    assert ", ".join(via) == "1.0 fred, 1.1 p.example, 1.1 q, 1.1 holdfast-n1"
    with p.client() as c:
        r = c.get(version="1.0")
        assert r.got.all("Via") == ["1.0 holdfast-n1"]
    with Connection(p.address) as c:
        assert c.get("/").got.all("Via") == ["2.0 holdfast-n1"]


def test_must_26_a_missing_date_is_added():
    a = Origin("a", answering(200, b"hi"))
    p = Holdfast([a])
    dates = p.once().fields.all("Date")
    assert len(dates) == 1 and dates[0].endswith(" GMT")
    a.behave = answering(200, b"hi", [("Date", "Wed, 21 Oct 2015 07:28:00 GMT")])
    assert p.once().fields.all("Date") == ["Wed, 21 Oct 2015 07:28:00 GMT"]


def test_must_27_te_only_with_its_connection_option():
    a = Origin("a")
    p = Holdfast([a])
    got = p.once(fields=[("TE", "trailers")]).got
    assert not got.has("TE")
    got = p.once(fields=[("TE", "trailers"), ("Connection", "TE")]).got
    assert got.all("TE") == ["trailers"] and [v.lower() for v in got.all("Connection")] == ["te"]
    got = p.once(fields=[("TE", "trailers, gzip;q=0.5"), ("Connection", "close, te")]).got
    assert got.all("TE") in ([], ["trailers"])


def test_must_28_credentials_are_untouched():
    fields = [("WWW-Authenticate", 'Basic realm="a, b", Digest nonce="x=="'), ("WWW-Authenticate", "Bearer"),
              ("Authentication-Info", "x"), ("Proxy-Authenticate", "Basic")]
    a = Origin("a", answering(401, b"no", fields))
    p = Holdfast([a])
    r = p.once(fields=[("Authorization", "Basic QTpC=="), ("Proxy-Authorization", "Basic x")])
    assert r.status == 401
    assert r.fields.all("WWW-Authenticate") == [fields[0][1], "Bearer"]
    assert a.requests[0].fields.all("Authorization") == ["Basic QTpC=="]


def test_must_29_allow_is_untouched():
    a = Origin("a", answering(405, b"", [("Allow", "GET,  FOO ,HEAD")]))
    p = Holdfast([a])
    r = p.once(method="PUT", body=b"x")
    assert r.status == 405 and r.fields.all("Allow") == ["GET,  FOO ,HEAD"]


def test_must_30_conditions_are_only_forwarded():
    conditions = [("If-None-Match", '"x", W/"y"'), ("If-Modified-Since", "Wed, 21 Oct 2015 07:28:00 GMT"),
                  ("If-Match", "*"), ("If-Unmodified-Since", "x"), ("If-Range", '"x"'), ("Range", "bytes=0-1")]
    a = Origin("a", answering(200, b"all of it", [("ETag", '"x"')]))
    p = Holdfast([a])
    r = p.once(fields=conditions)
    assert r.status == 200 and r.body == b"all of it"
    for name, value in conditions:
        assert a.requests[0].fields.all(name) == [value]
    a.behave = saying(b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")
    assert p.once(fields=conditions).status == 304
    a.behave = answering(206, b"al", [("Content-Range", "bytes 0-1/9")])
    r = p.once(fields=conditions)
    assert r.status == 206 and r.fields.get("Content-Range") == "bytes 0-1/9"


def test_caching_fields_are_untouched():
    fields = [("Vary", "Cookie, X"), ("Cache-Control", "private, max-age=5"), ("Age", "3"), ("Expires", "0")]
    a = Origin("a", answering(200, b"hi", fields))
    p = Holdfast([a])
    b = p.browser()
    first, second = b.get(), b.get()
    assert first.fields.has("Set-Cookie") and not second.fields.has("Set-Cookie")
    for name, value in fields:
        assert second.fields.all(name) == [value]
        assert value in ", ".join(first.fields.all(name))


def test_an_answer_that_sets_the_tag_is_kept_out_of_shared_caches():
    a = Origin("a", answering(200, b"hi", [("Cache-Control", "public, max-age=60")]))
    p = Holdfast([a])
    b = p.browser()
    control = ", ".join(b.get().fields.all("Cache-Control")).replace(" ", "")
    assert 'no-cache="set-cookie"' in control or "private" in control or "no-store" in control, control
    assert b.get().fields.all("Cache-Control") == ["public, max-age=60"]


if __name__ == "__main__":
    holdfast.main()
