"""Long bodies that go from socket to socket through pipes: their edges, and what stands before and behind them."""

import hashlib
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Holdfast, Origin, wait_until
from test_stream import MIB, digesting, download, hash_of, pieces, send_body, upload

LONG = 8 * MIB  # more than sockets and pipes hold while nobody reads


def pipes_of(p):
    """How many ends of pipes the process has open."""
    found = 0
    for fd in os.listdir(f"/proc/{p.pid}/fd"):
        try:
            found += os.readlink(f"/proc/{p.pid}/fd/{fd}").startswith("pipe:")
        except FileNotFoundError:
            pass
    return found


def post(size, target="/"):
    return b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (target.encode(), size)


class Gate:
    """A member that reads nothing of a body before it is opened."""

    def __init__(self, then):
        self.opened = threading.Event()
        self.then = then

    def __call__(self, connection, request):
        assert self.opened.wait(holdfast.TEST_LIMIT_S)
        return self.then(connection, request)


def sending(c, size):
    """A thread that sends a body until it is all sent, or nobody takes it."""
    def work():
        try:
            send_body(c.send, size, "length")
        except OSError:
            pass

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def until_spliced(p, before):
    wait_until(lambda: pipes_of(p) > before, "a pipe is used")


def test_an_upload_goes_by_a_pipe_and_is_exact():
    gate = Gate(upload)
    p = Holdfast([Origin("a", gate)])
    before = pipes_of(p)
    with p.client() as c:
        c.send(post(LONG))
        sender = sending(c, LONG)
        until_spliced(p, before)
        gate.opened.set()
        assert c.response().body.decode() == hash_of(LONG)
        sender.join(holdfast.WAIT_S)
        for size in (1, 65537, 98304, 98305, MIB, 3 * MIB + 1):
            c.send(post(size))
            send_body(c.send, size, "length")
            assert c.response().body.decode() == hash_of(size), size


def test_the_next_request_behind_a_spliced_body_is_a_request():
    p = Holdfast([Origin("a", lambda c, q: upload(c, q) if q.method == "POST" else c.answer(200, b"got"))])
    for size in (200000, MIB, LONG):
        with p.client() as c:
            def work(c=c, size=size):
                for _ in range(3):
                    c.send(post(size))
                    send_body(lambda piece: c.send(piece), size, "length")
                    c.send(c.request_bytes(target="/next"))

            sender = threading.Thread(target=work, daemon=True)
            sender.start()
            for _ in range(3):
                assert c.response().body.decode() == hash_of(size)
                assert c.response().body == b"got"
            sender.join(holdfast.WAIT_S)


def test_the_next_request_behind_a_chunked_body_is_a_request():
    p = Holdfast([Origin("a", lambda c, q: upload(c, q) if q.method == "POST" else c.answer(200, b"got"))])
    body = b"".join(pieces(300000))
    for each in (1, 7, 1000, 65536, 150000):
        whole = b"".join(holdfast.chunk(body[at:at + each]) for at in range(0, len(body) if each > 7 else 5000, each))
        of = hashlib.sha256(body if each > 7 else body[:-(-5000 // each) * each]).hexdigest()
        with p.client() as c:
            one = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + whole + b"0\r\n\r\n"
            sender = threading.Thread(target=c.send, args=((one + c.request_bytes(target="/next")) * 3,), daemon=True)
            sender.start()
            for _ in range(3):
                assert c.response().body.decode() == of, each
                assert c.response().body == b"got"
            sender.join(holdfast.WAIT_S)


def test_a_pipe_that_is_full_of_little():
    """Segments of a byte each fill a pipe long before its bytes do."""
    gate = Gate(upload)
    p = Holdfast([Origin("a", gate)])
    before = pipes_of(p)
    size = LONG + 3000
    with p.client() as c:
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c.send(post(size))

        def work():
            body = b"".join(pieces(size))
            c.send(body[:200000])
            for at in range(200000, 203000):
                c.send(body[at:at + 1])
            c.send(body[203000:])

        sender = threading.Thread(target=work, daemon=True)
        sender.start()
        until_spliced(p, before)
        gate.opened.set()
        assert c.response().body.decode() == hash_of(size)
        sender.join(holdfast.WAIT_S)


def test_a_client_that_goes_while_its_body_is_in_a_pipe():
    """By a reset, by its end, by half of it: the member sees no whole request, and the next one is pure."""
    whole = []

    def keep(connection, request):
        upload(connection, request)
        whole.append(request.target)

    gate = Gate(keep)
    a = Origin("a", gate)
    p = Holdfast([a])
    before = pipes_of(p)
    for way in ("reset", "close", "half"):
        gate.opened.clear()
        c = p.client()
        c.send(post(2 * LONG, "/" + way))
        sender = sending(c, LONG // 16)
        until_spliced(p, before)
        sender.join(holdfast.WAIT_S)
        if way == "half":
            c.sock.shutdown(socket.SHUT_WR)
        elif way == "reset":
            c.reset()
        else:
            c.close()
        p.wait_request(cause="client_abort", target="/" + way)
        gate.opened.set()
        with p.client() as d:
            d.send(post(MIB))
            send_body(d.send, MIB, "length")
            assert d.response().body.decode() == hash_of(MIB), way
        c.close()
    wait_until(lambda: len(whole) >= 3, "three whole requests")  # told after their answers
    assert whole == ["/"] * 3


def test_a_member_that_goes_while_a_body_is_in_a_pipe():
    """The client gets 502; what waited in the pipe reaches nobody else."""
    die = threading.Event()

    def dying(connection, request):
        assert die.wait(holdfast.TEST_LIMIT_S)
        connection.wire.reset()
        return False

    a = Origin("a", dying)
    p = Holdfast([a])
    before = pipes_of(p)
    for _ in range(3):
        die.clear()
        a.behave = dying
        with p.client() as c:
            c.send(post(LONG))
            sender = sending(c, LONG)
            until_spliced(p, before)
            die.set()
            assert c.response().status == 502
            c.reset()
            sender.join(holdfast.WAIT_S)
        a.behave = upload
        with p.client() as c:
            c.send(post(MIB))
            send_body(c.send, MIB, "length")
            assert c.response().body.decode() == hash_of(MIB)


def test_an_early_answer_over_a_full_pipe():
    """It reaches the client, though the member reads nothing of the body."""
    gate = threading.Event()

    def early(connection, request):
        connection.answer(200, b"enough")
        gate.wait(holdfast.TEST_LIMIT_S)
        return False

    a = Origin("a", early)
    p = Holdfast([a])
    with p.client() as c:
        c.send(post(LONG))
        sender = sending(c, LONG)
        r = c.response()
        assert r.body == b"enough" and r.closes
        c.reset()
        sender.join(holdfast.WAIT_S)
    gate.set()
    a.behave = upload
    with p.client() as c:
        c.send(post(MIB))
        send_body(c.send, MIB, "length")
        assert c.response().body.decode() == hash_of(MIB)


def test_both_bodies_of_an_exchange_go_by_pipes():
    """A long request and a long answer at the same time."""
    def echo(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % request.framing)
        connection.wire.body(request.framing, connection.send)
        request.body = b""

    p = Holdfast([Origin("a", echo)])
    for _ in range(2):
        with p.client() as c:
            c.send(post(4 * LONG))
            sender = sending(c, 4 * LONG)
            h = hashlib.sha256()
            assert c.response(sink=digesting(h)).status == 200
            sender.join(holdfast.WAIT_S)
            assert h.hexdigest() == hash_of(4 * LONG)


def test_long_and_short_answers_take_turns():
    """What is read ahead of an answer depends on the one before it; what the client gets does not."""
    p = Holdfast([Origin("a", download)])
    sizes = [MIB, 1, MIB, 16000, 16384, 16385, 300000, 40000, 49151, MIB, 49152, 65536, MIB, 0, 98304]
    with p.client() as c:
        for framing in ("length", "chunked", "length"):
            for size in sizes:
                c.send(c.request_bytes(target=f"/{size}/{framing}"))
                h, counts = hashlib.sha256(), []
                assert c.response(sink=digesting(h, counts)).status == 200
                assert sum(counts) == size and h.hexdigest() == hash_of(size), (framing, size)


if __name__ == "__main__":
    holdfast.main()
