"""Clients that ask much at once over HTTP/2 and leave, and those beside them (proxy/edge/h2_in.c)."""

import os
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import http2
from holdfast import HOST, Client, Holdfast, Origin, answering, free_port, text_of, wait_until
from http2 import Connection, SecureConnection
from tls import Authority

REQUESTS = 100  # limits.streams_max as it is
AT_ONCE = 8     # H2_HEADS_AT_ONCE


class Counted(Holdfast):
    """Is hit while it stands still: what a client did is complete before Holdfast hears of any of it."""

    def __init__(self, members, address=None, **top):
        self.admin = (HOST, free_port())
        super().__init__(members, address=address, top={"admin": {"address": text_of(self.admin)}, **top})

    def metric(self, name):
        with Client(self.admin) as c:
            for line in c.get("/metrics").body.decode().splitlines():
                if line.startswith(f"holdfast_http2_{name} "):
                    return int(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no {name} in the metrics")

    def wait_left(self, count):
        wait_until(lambda: self.metric('connections_ended_total{end="left"}') == count, f"{count} are seen to have left")


def ask_all(c, count=REQUESTS, path="/leaving", body=None):
    """In one piece."""
    head = http2.block(c.head_fields("GET" if body is None else "POST", path))
    flags = http2.END_HEADERS | (http2.END_STREAM if body is None else 0)
    data = b""
    for i in range(count):
        id = c.next_stream
        c.next_stream += 2
        c.streams[id] = http2.Stream(id)
        data += http2.frame(http2.HEADERS, flags, id, head)
        if body is not None:
            data += http2.frame(http2.DATA, http2.END_STREAM, id, body)
    c.send(data)
    return list(c.streams.values())


def leave(c, hard):
    if hard:
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.sock.close()


def asked_for(origin, target):
    return sum(r.target == target for r in origin.requests)


def hit(p, clients, hard):
    """So many ask and leave while Holdfast stands still, and one asks as much and stays."""
    p.freeze()
    stays = Connection(p.address)
    streams = ask_all(stays, path="/stays")
    for _ in range(clients):
        c = Connection(p.address)
        ask_all(c)
        leave(c, hard)
    plain = Client(p.address)
    plain.send(plain.request_bytes("GET", "/plain"))
    p.signal(signal.SIGCONT)
    assert plain.response().status == 200
    assert {stays.answer(s).status for s in streams} == {200}
    plain.close()
    stays.close()


def check(hard):
    clients = 20
    a = Origin("a")
    p = Counted([a])
    hit(p, clients, hard)
    p.wait_left(clients)
    assert asked_for(a, "/stays") == REQUESTS and asked_for(a, "/plain") == 1
    # Who closed without breaking is known by the answer to SETTINGS, which may take a moment.
    most = 0 if hard else clients * AT_ONCE
    assert asked_for(a, "/leaving") <= most, "nothing is begun for who is seen to be gone"
    assert p.metric("streams_total") <= REQUESTS + most


def test_who_broke_the_connection_is_asked_for_nothing():
    check(hard=True)


def test_who_closed_it_is_asked_for_no_more_than_a_few():
    check(hard=False)


def test_who_closes_later_is_asked_for_a_part():
    """SETTINGS are out when the client closes, so that only answers tell that nobody reads."""
    clients = 20
    a = Origin("a")
    p = Counted([a])
    there = [Connection(p.address) for _ in range(clients)]
    for c in there:
        c.settle()
    p.freeze()
    for c in there:
        ask_all(c)
        leave(c, hard=False)
    p.signal(signal.SIGCONT)
    p.wait_left(clients)
    assert asked_for(a, "/leaving") <= p.metric("streams_total") < clients * REQUESTS // 2
    with Connection(p.address) as c:
        assert c.get("/well").status == 200


def test_who_ends_its_side_and_reads_has_all_answers():
    a = Origin("a")
    p = Counted([a])
    p.freeze()
    with Connection(p.address, updates=False, acks=False) as c:
        streams = ask_all(c)
        c.half_close()
        p.signal(signal.SIGCONT)
        assert {c.answer(s).status for s in streams} == {200}
        c.until_closed()
    assert asked_for(a, "/leaving") == REQUESTS
    wait_until(lambda: p.metric('connections_ended_total{end="done"}') == 1, "it is counted")


def upload_many(c, a):
    """What waits is more than is read at a time: bodies come whole, each to its own request."""
    body = b"0123456789" * 60
    c.settle()
    for s in ask_all(c, path="/upload", body=body):
        assert c.answer(s).status == 200
    assert [r.body for r in a.requests if r.target == "/upload"] == [body] * REQUESTS


def test_bodies_among_many_requests():
    a = Origin("a")
    p = Counted([a])
    with Connection(p.address) as c:
        upload_many(c, a)


def test_many_requests_over_tls():
    """Records that were read ahead wait in the channel; who says goodbye or breaks off is seen to have left."""
    root = Authority()
    address = (HOST, free_port())
    a = Origin("a")
    p = Counted([a], address=address, listeners=[
        {"address": text_of(address), "tls": {"certificates": [root.issue("shop.example").conf()]}}])
    with SecureConnection(address, root) as c:
        upload_many(c, a)
    there = [SecureConnection(address, root) for _ in range(4)]
    for c in there:
        c.settle()
    p.freeze()
    for i, c in enumerate(there):
        ask_all(c)
        leave(c, hard=i % 2 == 0)
    p.signal(signal.SIGCONT)
    p.wait_left(len(there))
    assert asked_for(a, "/leaving") <= p.metric("streams_total") - REQUESTS < len(there) * REQUESTS // 2


def test_each_begins_a_few_in_its_turn():
    """Two ask at once; the member has what the second one asks for first before all of the first one's."""
    a = Origin("a", answering(200, b"ok"))
    p = Counted([a])
    p.freeze()
    many = Connection(p.address)
    ask_all(many, path="/many")
    few = Connection(p.address)
    ask_all(few, AT_ONCE // 2, path="/few")
    p.signal(signal.SIGCONT)
    for c in (many, few):
        for s in list(c.streams.values()):
            assert c.answer(s).status == 200
    begun = [e["target"] for e in wait_until(lambda: len(p.requests()) == REQUESTS + AT_ONCE // 2 and
             sorted(p.requests(), key=lambda e: int(e["request_id"], 16)), "all are logged")]
    assert "/many" in begun[begun.index("/few"):], "who asks little does not wait for all of who asks much"
    many.close()
    few.close()


if __name__ == "__main__":
    holdfast.main()
