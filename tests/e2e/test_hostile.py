"""tests/requirements.md, classes of faults: what no single requirement covers."""

import glob
import gzip
import itertools
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Ended, Holdfast, Origin, answering, assert_refused, sanitizer, wait_until

NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
HEAD_MOST = 16384
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]


# ---- framing ------------------------------------------------------------------------------------

COUNT = b"%d" % len(HIDDEN)
# Field lines, and what they say: True: it counts, False: it is refused, None: refused or counted.
LENGTHS = (([], None, 0), ([b"Content-Length: " + COUNT], True, len(HIDDEN)), ([b"Content-Length: 0"], True, 0),
           ([b"content-length:" + COUNT + b"\t"], True, len(HIDDEN)), ([b"Content-Length: " + COUNT] * 2, None, len(HIDDEN)),
           ([b"Content-Length: 0", b"Content-Length: " + COUNT], False, 0), ([b"Content-Length: +" + COUNT], False, 0),
           ([b"Content-Length: " + COUNT + b", " + COUNT], None, len(HIDDEN)), ([b"Content_Length: " + COUNT], None, 0))
CODINGS = (([], None), ([b"Transfer-Encoding: chunked"], True), ([b"transfer-encoding:  CHUNKED "], True),
           ([b"Transfer-Encoding: chunked\t"], None),  # not read alike by everybody
           ([b"Transfer-Encoding: identity"], False), ([b"Transfer-Encoding: chunked"] * 2, False),
           ([b"Transfer-Encoding: \tchunked,"], False), ([b"Transfer-Encoding: x, chunked"], False),
           ([b"Transfer-Encoding : chunked"], False), ([b"Transfer_Encoding: chunked"], None))
BODIES = (HIDDEN, b"0\r\n\r\n", holdfast.chunk(HIDDEN) + b"0\r\n\r\n")


def framed(lengths, codings, version):
    return b"POST /first HTTP/" + version + b"\r\nHost: h\r\n" + b"".join(l + b"\r\n" for l in lengths + codings) + b"\r\n"


def answers_to(p, data):
    """Answers up to the end: (statuses, True when the last one said that it is the last)."""
    statuses, closes = [], False
    with p.client() as c:
        c.send(data)
        c.half_close()
        try:
            while True:
                r = c.response()
                statuses.append(r.status)
                closes = r.closes
        except Ended as e:
            assert e.held == b"", e.held
    return statuses, closes


def reading(length, coding, data, version):
    """What these bytes behind a head are: (may be refused, body, targets of the requests behind it); body None: the
    first request must be refused."""
    coded = bool(coding[0]) and b"_" not in coding[0][0]
    counted = bool(length[0]) and b"_" not in length[0][0]
    if coding[1] is False or (counted and length[1] is False) or (coded and (counted or version == b"1.0")):
        return True, None, []
    body, rest = data[:length[2]], data[length[2]:]
    if coded:
        end = data.find(b"0\r\n\r\n")
        if end < 0 or data.startswith(HIDDEN):
            return True, None, []
        body, rest = (HIDDEN if end else b""), data[end + 5:]
    targets = []
    while version == b"1.1" and rest.startswith((HIDDEN, NEXT)):
        request = HIDDEN if rest.startswith(HIDDEN) else NEXT
        targets.append(request.split()[1].decode())
        rest = rest[len(request):]
    return (counted and length[1] is None) or (coded and coding[1] is None), body, targets


def test_a_wellformed_message_ends_where_both_sides_say():
    """A head with some framing, bytes that look like a request, another request: a reading of our own, Holdfast and
    the member find the same requests in it, or it is refused, and then it is the last."""
    a = Origin("a")
    p = Holdfast([a])
    seen = set()
    for length, coding, body, version in itertools.product(LENGTHS, CODINGS, BODIES, (b"1.1", b"1.0")):
        optional, want, behind = reading(length, coding, body + NEXT, version)
        before = len(a.requests)
        statuses, closes = answers_to(p, framed(length[0], coding[0], version) + body + NEXT)
        got = a.requests[before:]
        what = (length[0], coding[0], body, version, statuses, [(r.line, r.body) for r in got])
        good = statuses.count(200)
        assert statuses[:good] == [200] * good and len(statuses) <= good + 1, what
        assert statuses[-1] == 200 or closes, what
        whole = [r for r in got if r.body is not None]
        assert len(whole) == good, what
        if want is None or (optional and not good):
            assert good == 0 and statuses[0] in (400, 501), what
        else:
            assert [(r.target, r.body) for r in whole] == [("/first", want)] + [(t, b"") for t in behind], what
        seen.add((want, good))
    assert {(None, 0), (b"", 1), (b"", 2), (HIDDEN, 1), (HIDDEN, 2), (b"", 3)} <= seen, seen


def test_every_refusal_of_a_message_ends_its_connection():
    a = Origin("a")
    p = Holdfast([a])
    paths = sorted(glob.glob(os.path.join(holdfast.ROOT, "tests", "messages", "requests", "bad_*")))
    assert len(paths) >= 15
    for path in paths:
        with open(path, "rb") as f:
            data = f.read()
        before = len(a.requests)
        statuses, closes = answers_to(p, data + NEXT * 3)
        assert len(statuses) == 1 and 400 <= statuses[0] < 506 and closes, (path, statuses)
        assert all(r.body is None for r in a.requests[before:]), path
    assert p.once().status == 200


def test_requests_behind_a_chunked_body_whose_head_left_no_room():
    """What came with the end of a body is kept, whatever else the connection holds."""
    a = Origin("a")
    p = Holdfast([a])
    line = b"POST /large HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX: "
    for size in (HEAD_MOST, HEAD_MOST - 1, HEAD_MOST - 40, HEAD_MOST // 2):
        for count in (1, 30, 200):
            before = len(a.requests)
            with p.client() as c:
                c.send(line + b"x" * (size - len(line) - 4) + b"\r\n\r\n")
                wait_until(lambda: len(a.requests) > before, "the head is there")
                c.send(b"2\r\nhi\r\n0\r\n\r\n" + NEXT * count)
                assert c.response().json["body"] == "hi"
                assert all(c.response().json["target"] == "/next" for _ in range(count))
            assert len(a.requests) == before + 1 + count, (size, count)


def test_the_largest_heads_are_sent_whole_or_refused():
    """With all that is added to them: nothing is cut off."""
    a = Origin("a")
    p = Holdfast([a])
    seen = set()
    for host in (100, 2000, 8000, 14000):
        for size in (HEAD_MOST - 2, HEAD_MOST // 2):
            name = "h" * host
            head = f"GET / HTTP/1.1\r\nHost: {name}\r\nX-Forwarded-For: 1.2.3.4\r\nX: ".encode()
            fill = b"x" * max(0, size - len(head) - 4)
            with p.client() as c:
                r = c.exchange(head + fill + b"\r\n\r\n")
            seen.add(r.status)
            if r.status == 200:
                assert r.got.all("Host") == [name] and r.got.all("X") == [fill.decode()]
                assert r.got.all("X-Forwarded-Host") == [name] and r.got.has("Holdfast-Session") and r.got.has("Via")
                assert ", ".join(r.got.all("X-Forwarded-For")) == "127.0.0.1", "nobody is trusted"
            else:
                assert r.status in (400, 431) and r.closes, r.head
    assert 200 in seen


# ---- members that cannot be reached ----------------------------------------------------------------


def test_a_member_at_an_address_that_nobody_routes():
    """connect(2) fails at once, and not because it was refused: nothing was sent, so a POST goes on as well."""
    nobody = ("n", ("224.0.0.1", 9))
    a = Origin("a")
    p = Holdfast([nobody, a], session={"assign": "round_robin"}, passive={"enabled": False})
    for _ in range(4):
        r = p.once(method="POST", body=b"once")
        assert r.status == 200 and r.id == "a"
    assert p.wait_event("failover")["reason"] == "connect_failed"
    assert [q.body for q in a.requests] == [b"once"] * 4
    alone = Holdfast([nobody], passive={"enabled": False})
    assert alone.once().status in (502, 503)


# ---- tunnels ------------------------------------------------------------------------------------


def test_an_upgrade_with_a_body_is_refused():
    a = Origin("a")
    p = Holdfast([a])
    head = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    for rest in (b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
                 b"Transfer-Encoding: chunked\r\n\r\n" + holdfast.chunk(HIDDEN) + b"0\r\n\r\n"):
        assert_refused(p, head + rest + NEXT, 400, origins=[a])


def test_a_tunnels_connection_is_never_used_again():
    """The member goes on as if it spoke HTTP: what it says in the tunnel answers nobody else."""
    def behave(connection, request):
        if not request.fields.has("Upgrade"):
            return holdfast.answer_json(connection, request)
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        connection.wire.rest()
        connection.answer(200, b"of the tunnel")
        connection.wait_end()
        return False

    a = Origin("a", behave)
    p = Holdfast([a])
    for _ in range(3):
        with p.client() as c:
            before = c.get().json["id"]
            assert c.get(fields=UPGRADE).status == 101
            c.send(HIDDEN)
            c.half_close()
            assert c.rest().endswith(b"of the tunnel") and before == "a"
        tunnel = a.requests[-1].connection.number
        assert p.once("/after").json["target"] == "/after"
        assert a.requests[-1].connection.number != tunnel
    assert "/smuggled" not in [r.target for r in a.requests]


# ---- texts of our own ---------------------------------------------------------------------------


def test_names_of_the_configuration_cannot_split_a_message():
    """Whatever of the configuration goes into a message: no line can be ended in it."""
    good = Holdfast([Origin("a")], start=False)
    with open(good.conf_path) as f:
        text = f.read()
    assert holdfast.holdfast("check", "-c", good.conf_path)[0] == 0

    def refused(top="", service="", session="", old=None, new=None):
        path = os.path.join(holdfast.folder(), "bad.conf")
        changed = text.replace(old, new) if old else text
        changed = re.sub(r"services = \(\s*\{", lambda m: m[0] + service + session, top + changed, count=1)
        assert changed != text
        with open(path, "w") as f:
            f.write(changed)
        status, _, err = holdfast.holdfast("check", "-c", path)
        assert status == 2 and "bad.conf:" in err, (changed[:400], err)
        assert "\r" not in err and "x: 1\n" not in err, "its text is escaped where it is told"

    for end in ("\\r\\nX: 1", "\\n", "\\r", "\\x00", "\\x1b[2J", ";", ","):
        refused(top=f'node = "n{end}";\n')
        refused(old='id = "a"', new=f'id = "a{end}"')
        for key in ("cookie", "header", "suffix", "path", "domain"):
            if (key, end) in (("path", ","), ("suffix", ",")):
                continue
            first = "" if key in ("cookie", "header", "suffix") else 'cookie = "T"; '
            value = ("/a" if key == "path" else "a") + end
            refused(session=f' session = {{ tag = {{ {first}{key} = "{value}"; }}; }};')
        refused(session=f' session = {{ keys = [ "cookie:a{end}" ]; }};')


# ---- content ------------------------------------------------------------------------------------


def test_compressed_content_is_passed_as_it_came():
    """A few KiB that would become 64 MiB: nobody unpacks them here."""
    packed = gzip.compress(bytes(64 << 20), mtime=0)
    a = Origin("a", answering(200, packed, [("Content-Encoding", "gzip")]))
    p = Holdfast([a])
    assert p.once().body == packed
    before = p.memory_bytes()
    for framing in ("length", "chunked"):
        a.behave = answering(200, packed, [("Content-Encoding", "gzip"), ("ETag", '"x"')], framing=framing)
        r = p.once(fields=[("Accept-Encoding", "gzip;q=0.5, br")])
        assert r.body == packed and r.fields.all("Content-Encoding") == ["gzip"] and r.fields.all("ETag") == ['"x"']
        assert a.requests[-1].fields.all("Accept-Encoding") == ["gzip;q=0.5, br"]
    assert p.once(method="POST", body=packed, fields=[("Content-Encoding", "gzip")]).status == 200
    assert a.requests[-1].body is None or a.requests[-1].body == packed
    assert p.memory_bytes() - before < (32 << 20 if sanitizer() else 4 << 20)


if __name__ == "__main__":
    holdfast.main()
