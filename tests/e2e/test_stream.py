"""Bodies, both ways, of any size and at any pace; ends and aborts at any byte."""

import hashlib
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import (Ended, Holdfast, Malformed, Origin, answering, chunk, dying_after, sanitizer, saying, wait_until)

MIB = 1 << 20
BLOCK = random.Random(1).randbytes(MIB + 17)
SIZES = [0, 1, 2, 4095, 4096, 16384, 65535, 65536, 65537, MIB + 1, 50 * MIB]
# What the process may grow by while a client does not read. Sanitizers keep what was freed.
GROWTH = (256 if sanitizer() else 24) * MIB


def pieces(size):
    """The same bytes for the same size, never the same twice in a row."""
    at = 0
    while size > 0:
        piece = BLOCK[at % 1000:at % 1000 + min(size, 100000 + at % 7777)]
        at += len(piece)
        size -= len(piece)
        yield piece


def hash_of(size):
    h = hashlib.sha256()
    for piece in pieces(size):
        h.update(piece)
    return h.hexdigest()


def digesting(h, counter=None):
    def sink(piece):
        h.update(piece)
        if counter is not None:
            counter.append(len(piece))
    return sink


def send_body(send, size, framing):
    for piece in pieces(size):
        send(chunk(piece) if framing == "chunked" else piece)
    if framing == "chunked":
        send(b"0\r\n\r\n")


def download(connection, request):
    """/SIZE/FRAMING: so many bytes in that framing."""
    size, framing = request.target[1:].split("/")
    head = {"length": b"Content-Length: %s\r\n" % size.encode(), "chunked": b"Transfer-Encoding: chunked\r\n",
            "close": b""}[framing]
    connection.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
    send_body(connection.send, int(size), framing)
    return framing != "close"


def upload(connection, request):
    """Answers with the hash of what came."""
    h = hashlib.sha256()
    request.trailers, request.chunks = connection.wire.body(request.framing, digesting(h))
    request.body = b""
    connection.answer(200, h.hexdigest().encode())


def test_answers_of_all_sizes():
    p = Holdfast([Origin("a", download)])
    for framing in ("length", "chunked", "close"):
        with p.client() as c:
            for size in SIZES:
                c.send(c.request_bytes(target=f"/{size}/{framing}"))
                h, counts = hashlib.sha256(), []
                r = c.response(sink=digesting(h, counts))
                assert r.status == 200 and sum(counts) == size and h.hexdigest() == hash_of(size), (framing, size)
    p.stop()
    assert [e["bytes"] for e in p.requests()] == SIZES * 3


def test_requests_of_all_sizes():
    p = Holdfast([Origin("a", upload)])
    for framing in ("length", "chunked"):
        with p.client() as c:
            for size in SIZES:
                line = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: %d" % size
                c.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + line + b"\r\n\r\n")
                send_body(c.send, size, framing)
                assert c.response().body.decode() == hash_of(size), (framing, size)
    p.stop()
    assert [e["request_bytes"] for e in p.requests()] == SIZES * 2


def test_both_ways_at_once():
    """The member sends back each piece as it comes; the client sends and reads at the same time."""
    size = 20 * MIB

    def echo(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.wire.body(request.framing, lambda piece: connection.send(chunk(piece)))
        request.body = b""
        connection.send(b"0\r\n\r\n")

    p = Holdfast([Origin("a", echo)])
    with p.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        sender = threading.Thread(target=send_body, args=(c.send, size, "chunked"), daemon=True)
        sender.start()
        h = hashlib.sha256()
        assert c.response(sink=digesting(h)).status == 200
        sender.join(holdfast.WAIT_S)
        assert h.hexdigest() == hash_of(size)


def test_http_1_0_on_either_side():
    a = Origin("a", download)
    p = Holdfast([a])
    for framing in ("length", "chunked", "close"):
        with p.client() as c:
            c.send(c.request_bytes(target=f"/{3 * MIB}/{framing}", version="1.0"))
            h = hashlib.sha256()
            r = c.response(sink=digesting(h))
            assert r.framing in (None, 3 * MIB) and h.hexdigest() == hash_of(3 * MIB)
            assert c.is_ended()

    def old(connection, request):
        connection.send(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\n")
        send_body(connection.send, MIB, "close")
        return False

    a.behave = old
    for version in ("1.0", "1.1"):
        with p.client() as c:
            c.send(c.request_bytes(version=version))
            h = hashlib.sha256()
            assert c.response(sink=digesting(h)).status == 200 and h.hexdigest() == hash_of(MIB)


def test_trailers_both_ways():
    def behave(connection, request):
        body = request.read_body()
        assert request.trailers == [("X-Sum", "1"), ("X-Other", "2")]
        connection.answer(200, body, [("Trailer", "X-Back")], framing="chunked", trailers=[("X-Back", "3")])

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        for _ in range(3):
            r = c.exchange(b"POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\nTrailer: X-Sum, X-Other\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"hello") + chunk(b"world") +
                           b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n")
            assert r.body == b"helloworld" and r.trailers == [("X-Back", "3")]


def test_server_sent_events_are_not_held_back():
    """Each event is sent only after the one before it was received."""
    received = threading.Semaphore(0)

    def behave(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
                        (b"Transfer-Encoding: chunked\r\n\r\n" if request.target == "/chunked" else b"\r\n"))
        for n in range(20):
            event = b"data: %d\n\n" % n
            connection.send(chunk(event) if request.target == "/chunked" else event)
            assert received.acquire(timeout=holdfast.WAIT_S), f"event {n} does not arrive"
        if request.target == "/chunked":
            connection.send(b"0\r\n\r\n")
        return request.target == "/chunked"

    p = Holdfast([Origin("a", behave)])
    for target in ("/chunked", "/close"):
        with p.client() as c:
            c.send(c.request_bytes(target=target))
            assert c.head().status == 200
            for n in range(20):
                c.until(b"data: %d\n\n" % n)
                received.release()


def test_a_head_is_not_held_back_either():
    go_on = threading.Event()

    def behave(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        assert go_on.wait(holdfast.WAIT_S)
        connection.send(b"hi")

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        c.send(c.request_bytes())
        assert c.head().status == 200
        go_on.set()
        assert c.take(2) == b"hi"


# ---- back-pressure -------------------------------------------------------------------------------


def settled(value):
    """Until value() has not changed for a second; returns it."""
    last, since = value(), time.monotonic()

    def stands():
        nonlocal last, since
        now = value()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 1

    wait_until(stands, "it stops", 60)
    return last


def test_a_client_that_does_not_read_stops_its_member():
    """16 clients ask for 40 MiB each and do not read: kernel buffers fill, Holdfast's stay bounded."""
    size, sent = 40 * MIB, []

    def behave(connection, request):
        framing = request.target[1:]
        connection.send(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: %d" % size if framing == "length"
                                                  else b"Transfer-Encoding: chunked") + b"\r\n\r\n")

        def counted(data):
            connection.send(data)
            sent.append(len(data))

        send_body(counted, size, framing)

    p = Holdfast([Origin("a", behave)])
    assert p.once("/length").status == 200
    for framing in ("length", "chunked"):
        sent.clear()
        before = p.memory_bytes()
        clients = [p.client(receive_bytes=32768) for _ in range(16)]
        for c in clients:
            c.send(c.request_bytes(target="/" + framing))
        stopped = settled(lambda: sum(sent))
        assert stopped < 16 * size, "nobody held the members back"
        growth = p.memory_bytes() - before
        assert growth < GROWTH, f"{growth >> 20} MiB for 16 clients that do not read"
        for c in clients[:4]:
            h = hashlib.sha256()
            c.response(sink=digesting(h))
            assert h.hexdigest() == hash_of(size), framing
        for c in clients:
            c.__exit__()


def test_a_member_that_does_not_read_stops_its_client():
    go_on = threading.Event()

    def behave(connection, request):
        go_on.wait(holdfast.TEST_LIMIT_S)
        upload(connection, request)

    p = Holdfast([Origin("a", behave)])
    size = 40 * MIB
    sent = []

    def send_all(c, framing):
        def counted(data):
            c.send(data)
            sent.append(len(data))
        send_body(counted, size, framing)

    for framing in ("length", "chunked"):
        go_on.clear()
        sent.clear()
        before = p.memory_bytes()
        clients = [p.client() for _ in range(8)]
        senders = []
        for c in clients:
            line = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: %d" % size
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + line + b"\r\n\r\n")
            senders.append(threading.Thread(target=send_all, args=(c, framing), daemon=True))
            senders[-1].start()
        stopped = settled(lambda: sum(sent))
        assert stopped < 8 * size, "nobody held the clients back"
        growth = p.memory_bytes() - before
        assert growth < GROWTH, f"{growth >> 20} MiB for 8 members that do not read"
        go_on.set()
        for c in clients:
            assert c.response().body.decode() == hash_of(size)
        for s in senders:
            s.join(holdfast.WAIT_S)
        for c in clients:
            c.__exit__()


def test_a_client_that_never_reads_is_let_go():
    p = Holdfast([Origin("a", download)], timeouts={"idle": "700ms"})
    c = p.client(receive_bytes=4096)
    c.send(c.request_bytes(target=f"/{30 * MIB}/length"))
    assert p.wait_request(cause="client_slow")["bytes"] < 30 * MIB


# ---- answers that come early, ends that come early -----------------------------------------------


def test_an_early_answer_reaches_a_client_that_still_sends():
    a = Origin("a", lambda c, q: c.answer(413, b"too much", [("Connection", "close")]) or False)
    p = Holdfast([a])
    for _ in range(5):
        with p.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (50 * MIB))

            def go_on():
                try:
                    send_body(c.send, 50 * MIB, "length")
                except OSError:
                    pass

            sender = threading.Thread(target=go_on, daemon=True)
            sender.start()
            r = c.response()
            assert r.status == 413 and r.body == b"too much" and r.closes
            c.reset()
            sender.join(holdfast.WAIT_S)
    a.behave = None
    assert p.once().status == 200


def test_an_early_answer_whose_member_reads_on():
    """The answer may be over long before the body: then the connections are not used for more."""
    def behave(connection, request):
        connection.answer(200, b"enough")
        connection.wait_end()
        return False

    a = Origin("a", behave)
    p = Holdfast([a])
    with p.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc")
        r = c.response()
        assert r.body == b"enough" and r.closes
    a.behave = answering(200, b"next")
    assert p.once().body == b"next"
    assert a.requests[-1].connection.number == 2


def test_a_client_that_ends_its_side_still_gets_its_answer():
    a = Origin("a", download)
    p = Holdfast([a])
    with p.client() as c:
        c.send(c.request_bytes(target=f"/{5 * MIB}/length"))
        c.half_close()
        h = hashlib.sha256()
        c.response(sink=digesting(h))
        assert h.hexdigest() == hash_of(5 * MIB)
        assert c.is_ended()
    with p.client() as c:
        c.send(c.request_bytes(target="/3/length") * 5)
        c.half_close()
        for _ in range(5):
            assert len(c.response().body) == 3
        assert c.is_ended()


def test_pipelined_large_answers():
    p = Holdfast([Origin("a", download)])
    with p.client(receive_bytes=65536) as c:
        sizes = [MIB, 0, 3 * MIB, 1, 70000, 2 * MIB]
        framings = ["length", "chunked"] * 3
        c.send(b"".join(c.request_bytes(target=f"/{s}/{f}") for s, f in zip(sizes, framings)))
        for size in sizes:
            h = hashlib.sha256()
            c.response(sink=digesting(h))
            assert h.hexdigest() == hash_of(size), size


def test_100_continue_with_a_large_body():
    def behave(connection, request):
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        upload(connection, request)

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        for _ in range(2):
            c.send(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (5 * MIB))
            assert c.head().status == 100
            send_body(c.send, 5 * MIB, "length")
            assert c.response().body.decode() == hash_of(5 * MIB)


def test_a_tunnel_carries_much_both_ways():
    size = 10 * MIB

    def behave(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        try:
            while True:
                connection.send(connection.wire.some())
        except Ended:
            return False

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        assert c.get(fields=[("Connection", "Upgrade"), ("Upgrade", "echo")]).status == 101

        def send_all():
            send_body(c.send, size, "length")
            c.half_close()

        sender = threading.Thread(target=send_all, daemon=True)
        sender.start()
        h = hashlib.sha256()
        c.pass_on(size, digesting(h))
        sender.join(holdfast.WAIT_S)
        assert h.hexdigest() == hash_of(size)
        assert c.is_ended()


# ---- aborts at every byte ------------------------------------------------------------------------

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-Some: field\r\n\r\nhello, world",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x\r\n, world\r\n0\r\nX-T: 1\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world",
}


def test_a_member_that_dies_at_any_byte():
    """Its client gets the whole answer, an error of ours, or one that is visibly incomplete."""
    a = Origin("a")
    p = Holdfast([a])
    for name, answer in ANSWERS.items():
        for cut in range(len(answer) + 1):
            for reset in (False, True):
                a.behave = dying_after(answer[:cut], reset)
                with p.client() as c:
                    c.send(c.request_bytes())
                    try:
                        r = c.response()
                    except Ended:
                        assert cut < len(answer), (name, cut)
                        continue
                    whole = r.status == 200 and r.body == b"hello, world"
                    # A reset may overtake what was sent before it.
                    assert (r.status == 502 and (cut < len(answer) or reset)) or \
                        (whole and cut == len(answer)), (name, cut, reset, r.head, r.body)
    a.behave = None
    assert p.once().status == 200
    wait_until(lambda: len(a.connections) <= 1, "the members' connections end")


def test_a_client_that_goes_at_any_byte_of_its_request():
    a = Origin("a")
    p = Holdfast([a])
    assert p.once().status == 200
    before = p.descriptors()
    for request in (b"GET /x HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\n\r\n",
                    b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789",
                    b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: 1\r\n\r\n"):
        for cut in range(len(request) + 1):
            for way in ("close", "reset"):
                c = p.client()
                c.send(request[:cut])
                getattr(c, way)()
                holdfast.started.remove(c)
    assert p.once().status == 200
    wait_until(lambda: p.descriptors() <= before + 2, "all descriptors are given back")
    whole = [r for r in a.requests if r.body is not None and r.target == "/x"]
    assert all(r.body in (b"", b"0123456789", b"hello") for r in whole), "half a body looked whole"


def test_a_client_that_goes_at_many_bytes_of_its_answer():
    a = Origin("a", download)
    p = Holdfast([a])
    assert p.once("/1/length").status == 200
    before = p.descriptors()
    for framing in ("length", "chunked", "close"):
        for count in (0, 1, 10, 100, 1000, 65536, 300000, 3 * MIB):
            for way in ("close", "reset"):
                c = p.client()
                c.send(c.request_bytes(target=f"/{4 * MIB}/{framing}"))
                if count:
                    c.take(count)
                getattr(c, way)()
                holdfast.started.remove(c)
    wait_until(lambda: p.descriptors() <= before + 2, "all descriptors are given back")
    assert p.once("/1/length").status == 200
    p.stop()
    assert {e["cause"] for e in p.requests()} <= {"done", "client_abort"}
    assert not p.events("member_down"), "the members are not to blame"


def test_every_split_of_a_pipeline_is_the_same():
    requests = (b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                b"POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                b"POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                b"GET /4 HTTP/1.1\r\nHost: h\r\n\r\n")
    p = Holdfast([Origin("a")])
    with p.client() as c:
        for cut in range(1, len(requests)):
            c.send(requests[:cut])
            if cut % 3 == 0:
                time.sleep(0.002)  # so that it is really two pieces, mostly
            c.send(requests[cut:])
            got = [c.response().json for _ in range(4)]
            assert [g["target"] for g in got] == ["/1", "/2", "/3", "/4"]
            assert [g["body"] for g in got] == ["", "abc", "abc", ""]


def test_answers_in_pieces_of_every_size():
    answer = ANSWERS["chunked"]

    def behave(connection, request):
        step = int(request.target[1:])
        for at in range(0, len(answer), step):
            connection.send(answer[at:at + step])

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        for step in range(1, 60):
            r = c.get(f"/{step}")
            assert r.body == b"hello, world" and r.trailers in ([("X-T", "1")], [])


def random_request(chance, n):
    """(bytes, method, what the member must have seen)"""
    method = chance.choice(["GET", "POST", "PUT", "HEAD", "DELETE"])
    size = chance.choice([0, 1, 10, 100, 1000, 5000, 20000, 70000]) if method != "HEAD" else 0
    body = BLOCK[n * 7:n * 7 + size]
    head = f"{method} /{n} HTTP/1.1\r\nHost: h\r\nX-Pad: {'x' * chance.randrange(300)}\r\n".encode()
    if not size and chance.random() < 0.5:
        return head + b"\r\n", method, hashlib.sha256(b"").hexdigest()
    if chance.random() < 0.5:
        return head + b"Content-Length: %d\r\n\r\n" % size + body, method, hashlib.sha256(body).hexdigest()
    chunks, at = b"", 0
    while at < size:
        step = chance.choice([1, 2, 15, 16, 17, 255, 4096, 16384, 60000])
        chunks += chunk(body[at:at + step])
        at += step
    return (head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" +
            chance.choice([b"", b"X-T: 1\r\n"]) + b"\r\n", method, hashlib.sha256(body).hexdigest())


def random_answer(connection, request):
    """In one of many forms, cut in random pieces: the target, the hash of what came, some padding."""
    body = request.read_body()
    n = int(request.target[1:])
    chance = random.Random(n * 1000003 + len(body))
    content = f"{n} {hashlib.sha256(body).hexdigest()} ".encode()
    content += BLOCK[:chance.choice([0, 1, 1000, 16384, 65536, 200000])]
    interim = b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n" * chance.choice([0, 0, 0, 1, 3])
    framing = chance.choice(["length", "chunked", "chunked"])
    closes = chance.random() < 0.05
    more = b"X-N: %d\r\n" % n + (b"Connection: close\r\n" if closes else b"")
    if request.method == "HEAD":
        data = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (more, len(content))
    elif framing == "length":
        data = b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (more, len(content)) + content
    else:
        data = b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n" % more
        at = 0
        while at < len(content):
            step = chance.choice([1, 3, 100, 4095, 16384, 65536])
            data += chunk(content[at:at + step])
            at += step
        data += b"0\r\n\r\n"
    data = interim + data
    cuts = sorted(chance.randrange(len(data)) for _ in range(chance.choice([0, 0, 1, 3, 8])))
    for a, b in zip([0] + cuts, cuts + [len(data)]):
        connection.send(data[a:b])
    return not closes


def test_random_pipelines():
    """Random requests, framed and cut at random, in one stream; answers framed and cut at random."""
    p = Holdfast([Origin("a", random_answer)])
    for seed in range(12):
        chance = random.Random(seed)
        requests = [random_request(chance, n) for n in range(60)]
        stream = b"".join(data for data, _, _ in requests)
        cuts = sorted(chance.randrange(len(stream)) for _ in range(chance.choice([0, 10, 100, 1000])))

        def send_all(c):
            try:
                for a, b in zip([0] + cuts, cuts + [len(stream)]):
                    c.send(stream[a:b])
            except OSError:
                pass  # the reader says what is wrong

        with p.client() as c:
            sender = threading.Thread(target=send_all, args=(c,), daemon=True)
            sender.start()
            for n, (_, method, seen) in enumerate(requests):
                try:
                    r = c.response(method)
                except (Ended, Malformed) as e:
                    raise AssertionError(f"seed {seed}, request {n}: {e}") from None
                assert r.status == 200 and r.fields.all("X-N") == [str(n)], (seed, n, r.head)
                if method != "HEAD":
                    assert r.body.startswith(f"{n} {seen} ".encode()), (seed, n, r.body[:100])
                    rest = r.body[len(f"{n} {seen} "):]
                    assert rest == BLOCK[:len(rest)], (seed, n)
            sender.join(holdfast.WAIT_S)


def test_a_long_pipeline():
    p = Holdfast([Origin("a", answering(200, b"hi"))])
    with p.client() as c:
        data = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 3000
        sender = threading.Thread(target=c.send, args=(data,), daemon=True)
        sender.start()
        for _ in range(3000):
            assert c.response().body == b"hi"
        sender.join(holdfast.WAIT_S)


def test_what_breaks_off_leaves_nothing_behind():
    """Large answers that end short or are not read to the end; what follows them is pure."""
    def behave(connection, request):
        if request.target == "/short":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 * MIB) + b"SHORT" * 400000)
            return False
        return download(connection, request)

    p = Holdfast([Origin("a", behave)])
    for n in range(20):
        with p.client(receive_bytes=65536) as c:
            c.send(c.request_bytes(target="/short" if n % 2 else f"/{6 * MIB}/length"))
            c.take(200 + 100000 * (n % 5))
        with p.client() as c:
            for framing in ("length", "chunked"):
                c.send(c.request_bytes(target=f"/{2 * MIB}/{framing}"))
                h = hashlib.sha256()
                c.response(sink=digesting(h))
                assert h.hexdigest() == hash_of(2 * MIB), (n, framing)


def test_a_client_that_resets_lets_its_member_go():
    """The member waits, or sends: it sees that nobody is there any more."""
    ended = threading.Event()

    def behave(connection, request):
        try:
            if request.target == "/stream":
                connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            while request.target == "/stream":
                connection.send(b"x" * 1000)
                time.sleep(0.001)
        except OSError:
            pass
        connection.wait_end()
        ended.set()
        return False

    a = Origin("a", behave)
    p = Holdfast([a])
    for target in ("/wait", "/stream"):
        ended.clear()
        c = p.client()
        c.send(c.request_bytes(target=target))
        if target == "/stream":
            c.take(2000)
        else:
            wait_until(lambda: a.requests, "the request arrives")
        c.reset()
        assert ended.wait(holdfast.WAIT_S), f"{target}: the member is not told"
    p.stop()
    assert [e["cause"] for e in p.requests()] == ["client_abort"] * 2


def test_a_member_that_dies_in_the_middle_of_an_upload():
    """The client that still sends gets 502 and the end, and what comes after is another exchange."""
    def behave(connection, request):
        connection.wire.take(100000)
        return False

    a = Origin("a", behave)
    p = Holdfast([a])
    for framing in (b"Content-Length: %d" % (20 * MIB), b"Transfer-Encoding: chunked"):
        with p.client() as c:
            c.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n")

            def go_on():
                try:
                    send_body(c.send, 20 * MIB, "chunked" if b"chunked" in framing else "length")
                except OSError:
                    pass

            sender = threading.Thread(target=go_on, daemon=True)
            sender.start()
            assert c.response().status == 502
            c.reset()
            sender.join(holdfast.WAIT_S)
    a.behave = None
    assert p.once().status == 200
    assert len(a.requests) == 3, "nothing was sent twice"


def test_garbage_from_a_member_never_stops_holdfast():
    seeds = [answer for answer in ANSWERS.values()]
    a = Origin("a")
    p = Holdfast([a])
    state = 12345
    for n in range(300):
        data = bytearray(seeds[n % 3])
        for _ in range(1 + n % 3):
            state = (state * 1103515245 + 12345) & 0x7fffffff
            data[state % len(data)] = state >> 16 & 255
        a.behave = saying(bytes(data), close=True)
        with p.client() as c:
            c.send(c.request_bytes())
            try:
                r = c.response()
                assert r.status >= 200
            except Ended:
                pass
            except Malformed as e:
                raise AssertionError(f"{e} out of {bytes(data)!r}") from None
    a.behave = None
    assert p.once().status == 200


REQUESTS = [
    b"GET /1?x=y HTTP/1.1\r\nHost: h\r\nCookie: a=b; HOLDFAST=x; c=d\r\nConnection: keep-alive, X\r\nX: 1\r\n\r\n",
    b"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"PUT /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    b"GET http://h/4 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nVia: 1.1 x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 3\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
]
TOKENS = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"\xff", b"0", b"9999999999999999999", b"chunked", b"close",
          b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: Host\r\n", b"Host: evil\r\n", b"\r\n\r\n",
          b"HOLDFAST=", b"=", b"\"", b"%00", b"#", b"HTTP/1.0"]


def mutated(chance):
    data = bytearray(chance.choice(REQUESTS))
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data[at:at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            data[at:at] = chance.choice(TOKENS)
        elif kind == 2:
            del data[at:at + chance.choice([1, 2, 10])]
        else:
            other = chance.choice(REQUESTS)
            data[at:] = other[chance.randrange(len(other)):]
    return bytes(data)


def test_garbage_from_a_client_never_reaches_a_member():
    """Whatever mutated requests look like: what members get is strict HTTP (an origin that gets anything
    else fails the test), what clients get is too, and no request is made up out of another one's body."""
    a = Origin("a")
    p = Holdfast([a])
    chance = random.Random(20)
    answered = 0
    for n in range(1500):
        data = mutated(chance)
        with p.client() as c:
            c.send(data)
            c.half_close()
            try:
                while True:
                    r = c.response("GET")
                    answered += r.status == 200
            except Ended as e:
                assert not e.held, (n, data, e.held)
            except Malformed as e:
                raise AssertionError(f"{n}: {e} after {data!r}") from None
    assert answered > 200, answered
    assert p.once().status == 200


def test_a_client_that_sends_slowly_is_not_its_members_fault():
    """first_byte counts from when the member can answer, not while the client still sends."""
    p = Holdfast([Origin("a")], timeouts={"first_byte": "1s"})
    with p.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.25)
            c.send(b"x")
        assert c.response().json["body"] == "x" * 10


def test_timeouts_of_a_tunnel():
    """timeouts.tunnel ends it, timeouts.idle does not."""
    def behave(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        connection.send(connection.wire.some())
        connection.wait_end()
        return False

    upgrade = [("Connection", "Upgrade"), ("Upgrade", "x")]
    p = Holdfast([Origin("a", behave)], timeouts={"idle": "200ms"})
    with p.client() as c:
        assert c.get(fields=upgrade).status == 101
        time.sleep(0.6)
        c.send(b"still")
        assert c.take(5) == b"still"
    q = Holdfast([Origin("a", behave)], timeouts={"tunnel": "400ms"})
    with q.client() as c:
        assert c.get(fields=upgrade).status == 101
        assert c.is_ended()
    assert q.wait_request(cause="tunnel_done")["status"] == 101


if __name__ == "__main__":
    holdfast.main()
