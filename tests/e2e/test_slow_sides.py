"""Slow sides, floods and half-sent things: clients that do not read or drip, members that never come
to an answer. Nobody waits for ever, nobody pays for somebody else's pace, and what was broken off never
looks whole."""

import fcntl
import os
import signal
import struct
import sys
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import CHECKED, CRLF, Ended, Holdfast, Origin, chunk, wait_until

MIB = 1 << 20
BIG = 30 * MIB          # more than what sockets hold
IDLE = {"idle": "700ms"}
SECOND = b"answer to the second"
INTERIMS_MAX = 64       # 1xx answers before a final one


def is_held(p, c):
    """Has the process still a descriptor of this client's connection?"""
    port = f":{c.sock.getsockname()[1]:04X}"
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(port) and row[9] != "0"}
    for name in os.listdir(f"/proc/{p.pid}/fd"):
        try:
            if os.readlink(f"/proc/{p.pid}/fd/{name}") in sockets:
                return True
        except FileNotFoundError:
            pass
    return False


def wait_let_go(p, clients):
    wait_until(lambda: not any(is_held(p, c) for c in clients), "the descriptors are given back", 10)


def everything(c):
    """(what still comes, did it end in a reset)"""
    try:
        return c.rest(), False
    except Ended as e:
        return e.held, True


def send_big(connection, framing):
    """BIG bytes; False when nobody takes them any more."""
    line = b"Content-Length: %d" % BIG if framing == "length" else b"Transfer-Encoding: chunked"
    piece = b"A" * 65536
    try:
        connection.send(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n")
        for _ in range(BIG // len(piece)):
            connection.send(piece if framing == "length" else chunk(piece))
        if framing == "chunked":
            connection.send(b"0\r\n\r\n")
    except OSError:
        return False
    return True


# ---- clients that do not read --------------------------------------------------------------------


def slow_and_pipelined(framing):
    def behave(connection, request):
        if request.target == "/big":
            return send_big(connection, framing)
        return connection.answer(200, SECOND)

    a = Origin("a", behave)
    p = Holdfast([a], timeouts=IDLE)
    c = p.client(receive_bytes=4096)
    c.send(c.request_bytes(target="/big") + c.request_bytes(target="/second"))
    assert p.wait_request(target="/big")["cause"] == "client_slow"
    wait_let_go(p, [c])
    got, _ = everything(c)
    assert len(got) < BIG, "the answer came whole"
    assert SECOND not in got and got.count(b"HTTP/1.1 200") == 1, "something follows what was broken off"
    assert [r.target for r in a.requests] == ["/big"], "the second request was begun"
    assert len(p.requests()) == 1


def test_nothing_follows_a_long_answer_that_was_broken_off():
    slow_and_pipelined("length")


def test_nothing_follows_a_chunked_answer_that_was_broken_off():
    slow_and_pipelined("chunked")


def test_the_end_of_a_body_does_not_excuse_a_client_that_does_not_read():
    """The answer is held up before the request is whole; then the rest of the request comes."""
    blocks = []

    def behave(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while len(blocks) < BIG // 65536:
                connection.send(chunk(b"A" * 65536))
                blocks.append(time.monotonic())
        except OSError:
            pass
        return False

    p = Holdfast([Origin("a", behave)], timeouts={"idle": "1s"})
    c = p.client(receive_bytes=4096)
    c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
    wait_until(lambda: blocks and time.monotonic() - blocks[-1] > 0.2, "the answer is held up")
    assert len(blocks) < BIG // 65536
    c.send(b"67890")
    wait_until(p.requests, "the exchange ends", 10)
    assert p.requests()[0]["cause"] == "client_slow"
    wait_let_go(p, [c])


def test_an_end_that_only_the_close_tells_is_never_clean_when_cut():
    """An HTTP/1.0 client knows the answer's end by the close alone. Of answers about as long as what
    sockets hold, some are all with Holdfast when the client has been waited for long enough."""
    def behave(connection, request):
        size = int(request.target[1:])
        data = b"".join(chunk(b"A" * min(20000, size - at)) for at in range(0, size, 20000))
        try:
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data + b"0\r\n\r\n")
        except OSError:
            return False
        return True

    p = Holdfast([Origin("a", behave)], timeouts=IDLE)

    def ask(size):
        c = p.client(receive_bytes=4096)
        c.send(b"GET /%d HTTP/1.0\r\n\r\n" % size)
        return size, c

    ask(BIG)
    held = p.wait_request(target=f"/{BIG}")["bytes"]
    asked = [ask(size) for size in range(held - 120000, held + 40000, 5000)]
    p.wait_request(count=1 + len(asked))
    wait_let_go(p, [c for _, c in asked])
    for size, c in asked:
        got, reset = everything(c)
        body = got.partition(b"\r\n\r\n")[2]
        assert len(body) == size or reset, f"a clean end after {len(body)} bytes of {size}"


# ---- clients that send slowly --------------------------------------------------------------------


def early(connection, request):
    """Answers as soon as the request's head is there, and ends when its body has ended."""
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"go on"))
    body = request.read_body()
    connection.send(chunk(b", %d" % len(body)) + b"0\r\n\r\n")


def test_members_that_answer_early_do_not_pay_for_slow_clients():
    """Clients that drip, stop in the middle, or go."""
    def start():
        c = p.client()
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n")
        return c

    p = Holdfast([Origin("a", early), Origin("b", early)], timeouts={"idle": "400ms"}, passive={"fall": 2})
    dripping = [start() for _ in range(8)]
    stopping = [start() for _ in range(8)]
    for _ in range(10):
        for c in dripping:
            try:
                c.send(b"x")
            except OSError:
                pass  # the records say why
        time.sleep(0.1)
    for c in dripping:
        c.reset()
    p.wait_request(count=len(dripping) + len(stopping))
    p.stop()
    assert not p.events("member_down"), "a member is down that only waited for its clients"
    causes = sorted({e["cause"] for e in p.requests()})
    assert causes == ["client_abort", "client_body_timeout"], causes
    for c in stopping:
        got, _ = everything(c)
        assert b"go on" in got and not got.endswith(b"0\r\n\r\n"), "what was broken off looks whole"


def test_an_upload_may_last_longer_than_idle_behind_an_early_answer():
    p = Holdfast([Origin("a", early)], timeouts={"idle": "500ms"})
    with p.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 16\r\n\r\n")
        for _ in range(16):
            c.send(b"x")
            time.sleep(0.1)
        r = c.response()
        assert r.status == 200 and r.body == b"go on, 16"
    assert p.wait_request()["cause"] == "done"


# ---- interim answers without an end --------------------------------------------------------------


def test_a_flood_of_interim_answers_ends():
    """The client reads nothing of it."""
    block = (b"HTTP/1.1 102 Processing\r\nX: " + b"y" * 900 + b"\r\n\r\n") * 64
    broken_off = threading.Event()
    ending = threading.Event()

    def behave(connection, request):
        try:
            for _ in range(200 * MIB // len(block)):
                if ending.is_set():
                    return False
                connection.send(block)
        except OSError:
            broken_off.set()
        return False

    p = Holdfast([Origin("a", behave)])
    before = p.memory_bytes()
    c = p.client(receive_bytes=4096)
    c.send(c.request_bytes())
    try:
        growth = []

        def is_over():
            growth.append(p.memory_bytes() - before)
            return p.requests() or growth[-1] > 64 * MIB

        wait_until(is_over, "the exchange ends", 10)
        assert max(growth) < 64 * MIB, "interim answers are kept without a bound"
        assert broken_off.wait(10), "the member may go on"
    finally:
        ending.set()
    assert (p.requests()[0]["status"], p.requests()[0]["cause"]) == (502, "member_bad_answer")


def test_interim_answers_do_not_keep_a_request_alive_for_ever():
    def behave(connection, request):
        most = int(request.target[1:])
        for n in range(most):
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            time.sleep(0.02)
        connection.answer(200, b"at last")

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        r = c.get(f"/{INTERIMS_MAX // 2}")
        assert r.status == 200 and r.body == b"at last" and len(r.interim) == INTERIMS_MAX // 2
    with p.client() as c:
        r = c.get(f"/{2 * INTERIMS_MAX}")
        assert r.status == 502 and len(r.interim) <= INTERIMS_MAX, (r.line, len(r.interim))
    assert p.wait_request(count=2)["cause"] == "member_bad_answer"


# ---- full buffers --------------------------------------------------------------------------------

TRAILERS = b"X-T: " + b"t" * 2000 + CRLF


def chunked_rest(total, last):
    """The rest of a body whose open chunk lacks `last` bytes, in chunks, with TRAILERS: total bytes."""
    tail = b"0\r\n" + TRAILERS + CRLF
    data = b"B" * last + CRLF
    while len(data) + len(tail) < total:
        left = total - len(data) - len(tail)
        step = min(left, 2000) if left >= 2020 or left <= 2000 else left - 100
        size = next(n for n in range(step - 5, step - 9, -1) if len(chunk(b"C" * n)) == step)
        data += chunk(b"C" * size)
    data += tail
    assert len(data) == total
    return data


def test_trailers_find_room_behind_as_much_as_is_read_at_once():
    """The end of an answer comes in one piece of about 64 KiB, as when Holdfast was busy."""
    totals = range(65516, 65548)
    sent = [threading.Event() for _ in totals]
    go_on = threading.Event()
    sockets = []

    def behave(connection, request):
        if request.target == "/second":
            connection.answer(200, SECOND)
            return
        number = int(request.target[1:])
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\nA" % 4001)
        assert go_on.wait(holdfast.WAIT_S)
        connection.send(chunked_rest(totals[number], 4000))
        sockets.append(connection.wire.sock)
        sent[number].set()

    def have_arrived():
        return not any(struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, b"\0" * 4))[0] for s in sockets)

    p = Holdfast([Origin("a", behave)])
    clients = [p.client() for _ in totals]
    for n, c in enumerate(clients):
        c.send(c.request_bytes(target=f"/{n}") + c.request_bytes(target="/second"))
    heads = [c.head() for c in clients]
    for c in clients:
        while b"A\r\n" not in c.held:
            c.fill()
    p.freeze()
    try:
        go_on.set()
        for e in sent:
            assert e.wait(holdfast.WAIT_S)
        wait_until(have_arrived, "what was sent arrives")
    finally:
        p.signal(signal.SIGCONT)
    for total, head, c in zip(totals, heads, clients):
        pieces = []
        trailers, _ = c.body(head.framing, pieces.append)
        body = b"".join(pieces)
        assert trailers == [("X-T", "t" * 2000)], total
        assert body == b"A" + b"B" * 4000 + b"C" * (len(body) - 4001) and len(body) > 60000, total
        assert c.response().body == SECOND, total


# ---- the only one there is -----------------------------------------------------------------------


def test_a_request_is_left_with_the_only_member_though_its_checks_fail():
    """Nobody else could be asked; the member answers after it was found down."""
    found_down = threading.Event()
    healthy = [True]

    def behave(connection, request):
        found_down.wait(holdfast.WAIT_S)
        connection.answer(200, b"late")

    def probe(connection, request):
        connection.answer(200 if healthy[0] else 503)

    a = Origin("a", behave, probe=probe)
    p = Holdfast([a], health=CHECKED)
    with p.client() as c:
        c.send(c.request_bytes())
        wait_until(lambda: a.requests, "the request arrives")
        healthy[0] = False
        p.wait_event("member_down")
        time.sleep(0.2)
        found_down.set()
        r = c.response()
        assert (r.status, r.body) == (200, b"late")
    assert p.wait_request()["cause"] == "done" and len(a.requests) == 1


if __name__ == "__main__":
    holdfast.main()
