"""What a client of HTTP/2 can make Holdfast do for nothing is bounded: each class of flood that broke other
servers, by counters and memory (include/tbl/http2_ends.h, proxy/relay/h2_budget.h)."""

import os
import re
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import http2
from holdfast import HOST, Client, Ended, Holdfast, Origin, answering, free_port, text_of, wait_until
from http2 import Connection, literal

MEMORY_MAX = 6 << 20  # that a flood may cost, besides what the sanitizers take


def rows():
    with open(os.path.join(holdfast.ROOT, "include/tbl/http2_ends.h")) as f:
        return {m[2]: (m[1], int(m[4]), int(m[5]))
                for m in re.finditer(r'HTTP2_END\((\w+), "(\w+)", (\w+), (\d+), (\d+),', f.read())}


def burst(end):
    return rows()[end][1]


class Watched(Holdfast):
    """Counts by its metrics."""

    def __init__(self, members, top=None, **more):
        self.admin = (HOST, free_port())
        super().__init__(members, top={"admin": {"address": text_of(self.admin)}, **(top or {})}, **more)
        self.before = self.memory_bytes()

    def metric(self, name, **labels):
        with Client(self.admin) as c:
            text = c.get("/metrics").body.decode()
        for line in text.splitlines():
            if not re.match(f"holdfast_http2_{name}[ {{]", line):
                continue
            if all(f'{k}="{v}"' in line for k, v in labels.items()):
                return int(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no {name} {labels} in the metrics")

    def assert_ended(self, end, count=1):
        wait_until(lambda: self.metric("connections_ended_total", end=end) == count, f"{end} is counted")
        self.wait_request(count, cause="client_flood")

    def assert_memory(self, most=MEMORY_MAX):
        if not holdfast.sanitizer():
            grown = self.memory_bytes() - self.before
            assert grown < most, f"{grown} bytes more"

    def assert_well(self):
        with Connection(self.address) as c:
            assert c.get("/well").status == 200


def flood(p, data, end, count=None, prepare=None, values=()):
    """Sends `data` (of the number of the piece) again and again; the connection ends by `end`, before
    `count` pieces were worth it. Returns how many pieces went."""
    with Connection(p.address, values=values, acks=False) as c:
        c.settle()
        if prepare is not None:
            prepare(c)
        sent = 0
        try:
            for sent in range(count or burst(end) * 20):
                c.send(data(sent) if callable(data) else data)
        except OSError:
            pass
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, None)
    p.assert_ended(end)
    p.assert_memory()
    p.assert_well()
    return sent


def head_of(c, fields=(), method="GET"):
    return http2.block(c.head_fields(method, "/", fields))


# ---- streams that are broken off ----------------------------------------------------------------


def test_rapid_reset():
    a = Origin("a", lambda c, r: c.wait_end())
    p = Watched([a])
    with Connection(p.address, acks=False) as c:
        c.settle()
        head = head_of(c)
        try:
            for id in range(1, 20001, 2):
                c.send(http2.frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, id, head) +
                       http2.frame(http2.RST_STREAM, 0, id, struct.pack("!I", http2.CANCEL)))
        except OSError:
            pass
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, None)
    p.assert_ended("resets")
    allowed = burst("resets") + rows()["resets"][2] * 60
    assert p.metric("streams_total") <= allowed, "streams begun are bounded by resets"
    assert p.metric("resets_total", by="client") <= allowed
    a.behave = None
    p.assert_memory()
    p.assert_well()


def test_made_you_reset():
    """CVE-2025-8671: the client makes us reset, by mistakes behind requests that are whole."""
    a = Origin("a", lambda c, r: c.wait_end())
    p = Watched([a])
    with Connection(p.address, acks=False) as c:
        c.settle()
        head = head_of(c)
        try:
            for id in range(1, 20001, 2):
                c.send(http2.frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, id, head) +
                       http2.frame(http2.WINDOW_UPDATE, 0, id, struct.pack("!I", (1 << 31) - 1)))
        except OSError:
            pass
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, None)
    p.assert_ended("resets")
    allowed = burst("resets") + rows()["resets"][2] * 60
    assert p.metric("resets_total", by="holdfast") <= allowed and p.metric("streams_total") <= allowed
    a.behave = None
    p.assert_well()


def test_malformed_requests_count_as_resets():
    a = Origin("a")
    p = Watched([a])
    bad = http2.block([(":method", "GET"), (":path", "/"), (":scheme", "http"), ("Upper", "case")])
    flood(p, lambda i: http2.frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, 2 * i + 1, bad), "resets")
    assert [r.target for r in a.requests] == ["/well"]


def test_refused_streams_count_as_resets():
    a = Origin("a", lambda c, r: c.wait_end())
    p = Watched([a], top={"limits": {"streams_max": 2}})
    with Connection(p.address, acks=False) as c:
        head = head_of(c)
        c.frame(http2.SETTINGS, http2.ACK)
        try:
            for id in range(1, 20001, 2):
                c.frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, id, head)
        except OSError:
            pass
        c.until_closed()
    wait_until(lambda: p.metric("connections_ended_total", end="resets") +
               p.metric("connections_ended_total", end="protocol") == 1, "it ends")
    assert len(a.requests) <= 2


def test_cancelling_now_and_then_is_no_flood():
    a = Origin("a")
    p = Watched([a])
    with Connection(p.address) as c:
        for i in range(3 * burst("resets")):
            assert c.get().status == 200
            if i % 4 == 0:
                s = c.open("POST", "/", end=False)
                c.frame(http2.RST_STREAM, 0, s.id, struct.pack("!I", http2.CANCEL))
        assert c.get().status == 200


# ---- frames that get nowhere --------------------------------------------------------------------


def test_settings_flood():
    flood(Watched([Origin("a")]), http2.frame(http2.SETTINGS, 0, 0, http2.settings([(4, 65535)])), "settings")


def test_many_settings_in_one_frame():
    p = Watched([Origin("a")])
    with Connection(p.address) as c:
        c.frame(http2.SETTINGS, 0, 0, http2.settings([(4, 65535)] * 2000))
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, http2.PROTOCOL_ERROR)
    p.assert_well()


def test_ping_flood():
    flood(Watched([Origin("a")]), http2.frame(http2.PING, 0, 0, b"x" * 8), "pings")


def test_pings_that_are_not_read():
    """Their answers do not pile up."""
    p = Watched([Origin("a")])
    with Connection(p.address, receive_bytes=4096) as c:
        try:
            for _ in range(100000):
                c.frame(http2.PING, 0, 0, b"x" * 8)
        except OSError:
            pass
    p.assert_ended("pings")
    p.assert_memory()


def test_priority_flood():
    flood(Watched([Origin("a")]),
          lambda i: http2.frame(http2.PRIORITY, 0, 2 * i + 1, struct.pack("!IB", 0, 16)), "priorities", 20000)


def test_window_update_flood():
    flood(Watched([Origin("a")]), http2.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1)), "window_updates")


def test_empty_data_flood():
    a = Origin("a")
    p = Watched([a])

    def post(c):
        c.open("POST", "/", end=False)

    flood(p, http2.frame(http2.DATA, 0, 1), "empty_frames", prepare=post)


def test_padding_alone_is_empty():
    a = Origin("a")
    p = Watched([a])

    def post(c):
        c.open("POST", "/", end=False)

    flood(p, http2.frame(http2.DATA, http2.PADDED, 1, b"\x04" + b"\0" * 4), "empty_frames", prepare=post)


def test_unknown_frames():
    flood(Watched([Origin("a")]), http2.frame(0x77, 0, 0, b"?"), "unknown_frames")


def test_priority_updates():
    flood(Watched([Origin("a")]), http2.frame(http2.PRIORITY_UPDATE, 0, 0, struct.pack("!I", 1) + b"u=1"), "priorities",
          20000)


# ---- heads --------------------------------------------------------------------------------------


def test_continuation_flood():
    """CVE-2024-27316 and kin: a head that never ends."""
    p = Watched([Origin("a")])
    with Connection(p.address) as c:
        c.settle()
        c.frame(http2.HEADERS, http2.END_STREAM, 1, http2.block(c.head_fields()))
        sent = 0
        try:
            for sent in range(100000):
                c.frame(http2.CONTINUATION, 0, 1, literal("x-n", "v" * 50))
        except OSError:
            pass
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, None)
    p.assert_ended("head_frames")
    p.assert_memory()
    p.assert_well()


def test_empty_continuations():
    p = Watched([Origin("a")])
    with Connection(p.address) as c:
        c.settle()
        try:
            c.frame(http2.HEADERS, http2.END_STREAM, 1, http2.block(c.head_fields()))
            for _ in range(100000):
                c.frame(http2.CONTINUATION, 0, 1)
        except OSError:
            pass
        c.until_closed()
    p.assert_ended("head_frames")
    p.assert_well()


def bomb(c, count, name=b"x-bomb", value=b"b" * 4000):
    """One entry into the table, then its index again and again: a byte a field."""
    return http2.block(c.head_fields()) + literal(name, value, 0x40) + bytes([0x80 | 62]) * count


def test_hpack_bomb_by_bytes():
    """CVE-2016-6581: 16 KiB that unpack to 64 MiB."""
    a = Origin("a")
    p = Watched([a])
    with Connection(p.address) as c:
        c.settle()
        c.open(head=bomb(c, 12000))
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, None)
    p.assert_ended("head_bomb")
    p.assert_memory()
    p.assert_well()
    assert [r.target for r in a.requests] == ["/well"]


def test_hpack_bomb_by_count():
    a = Origin("a")
    p = Watched([a])
    with Connection(p.address) as c:
        c.settle()
        c.open(head=bomb(c, 12000, b"a", b""))
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, None)
    p.assert_ended("head_bomb")
    p.assert_well()


def test_cookie_crumbs_are_a_bomb_as_well():
    """Of the class of CVE-2026-49975: fields that are joined are counted one by one."""
    a = Origin("a")
    p = Watched([a])
    with Connection(p.address) as c:
        c.settle()
        s = c.open(head=bomb(c, 120, b"cookie", b"c=1"))
        assert c.answer(s).status == 431
        c.open(head=bomb(c, 12000, b"cookie", b"c=1"))
        assert c.until_closed() in (http2.ENHANCE_YOUR_CALM, None)
    p.assert_ended("head_bomb")
    assert not a.requests


def test_a_head_a_little_too_large_costs_its_stream_alone():
    p = Watched([Origin("a")])
    with Connection(p.address) as c:
        s = c.open(head=bomb(c, 8))
        assert c.answer(s).status == 431
        assert c.get().status == 200


def test_a_huge_table_size_is_not_taken_up():
    p = Watched([Origin("a")])
    with Connection(p.address, values=[(http2.HEADER_TABLE_SIZE, 1 << 30)]) as c:
        for _ in range(300):
            assert c.get("/" + "x" * 500).status == 200
    p.assert_memory()


def test_trailers_are_bounded():
    a = Origin("a")
    p = Watched([a])
    with Connection(p.address) as c:
        s = c.open("POST", "/", end=False)
        c.data(s, b"abc", end=False)
        c.trailers(s, [(f"x-{i}", "v" * 100) for i in range(100)])
        assert c.until_reset(s) == http2.PROTOCOL_ERROR
        assert c.get().status == 200
    p.wait_request(cause="client_bad_body")


# ---- windows and slowness -----------------------------------------------------------------------


def test_zero_windows_hold_bounded_memory():
    """CVE-2019-9511, -9517: 100 large answers asked for and not taken, then all are given up."""
    a = Origin("a", answering(200, b"w" * (2 << 20)))
    p = Watched([a], timeouts={"idle": "1s"}, rates={"period": "10s"})
    with Connection(p.address, values=[(http2.INITIAL_WINDOW_SIZE, 0)]) as c:
        streams = [c.open() for _ in range(100)]
        wait_until(lambda: len(a.requests) == 100, "all are at the member")
        p.assert_memory(40 << 20)
        for s in streams:
            assert c.until_reset(s) == http2.CANCEL
    wait_until(lambda: p.metric("streams_slow_total") == 100, "they are counted")
    p.wait_request(100, cause="client_slow")


def test_a_socket_that_is_not_read():
    a = Origin("a", answering(200, b"w" * (2 << 20)))
    p = Watched([a], timeouts={"idle": "500ms"}, rates={"period": "10s"})
    with Connection(p.address, receive_bytes=4096, updates=False,
                    values=[(http2.INITIAL_WINDOW_SIZE, (1 << 31) - 1)]) as c:
        c.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", (1 << 31) - 1 - 65535))
        for _ in range(100):
            c.open()
        wait_until(lambda: p.metric("connections_ended_total", end="slow") == 1, "it is given up")
        p.assert_memory(40 << 20)
    p.wait_request(cause="client_slow")


def test_windows_of_one_byte():
    a = Origin("a", answering(200, b"w" * 100000))
    p = Watched([a], timeouts={"idle": "1s"}, rates={"answer_min": "1MiB", "period": "500ms"})
    with Connection(p.address, updates=False, values=[(http2.INITIAL_WINDOW_SIZE, 1)]) as c:
        s = c.open()
        while s.reset is None:
            f = c.next_frame()
            if f.type == http2.DATA:
                c.frame(http2.WINDOW_UPDATE, 0, s.id, struct.pack("!I", 1))
        assert s.reset == http2.CANCEL and len(s.body) < 100000
    p.wait_request(cause="client_slow")


def test_an_end_that_waits_for_a_window():
    """All of the body was taken, exactly; what says that it ended was not: the stream ends all the same."""
    def later(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + holdfast.chunk(b"w" * 1000))
        go.wait(30)
        connection.send(b"0\r\n\r\n")

    go = threading.Event()
    p = Watched([Origin("a", later)], timeouts={"idle": "500ms"}, rates={"period": "10s"})
    with Connection(p.address, updates=False, values=[(http2.INITIAL_WINDOW_SIZE, 1000)]) as c:
        s = c.open()
        wait_until(lambda: c.next_frame() and len(s.body) == 1000, "the body")
        go.set()
        try:
            c.answer(s)
        except http2.Reset as e:
            assert e.code == http2.CANCEL
    wait_until(lambda: p.metric("connections") == 0, "nothing is left")


def test_a_window_that_overflows():
    p = Watched([Origin("a", answering(200, b"w" * 300000))])
    with Connection(p.address, updates=False) as c:
        s = c.open()
        c.frame(http2.WINDOW_UPDATE, 0, s.id, struct.pack("!I", (1 << 31) - 1))
        assert c.until_reset(s) == http2.FLOW_CONTROL_ERROR
        c.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", (1 << 31) - 1))
        assert c.until_closed() == http2.FLOW_CONTROL_ERROR
    wait_until(lambda: p.metric("connections_ended_total", end="protocol") == 1, "it is counted")
    p.wait_request(cause="client_protocol")


def test_more_data_than_the_window():
    """The member reads nothing, so that the window is not opened again."""
    over = threading.Event()
    a = Origin("a", lambda c, r: over.wait(holdfast.WAIT_S))
    a.on_accept = lambda c: c.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
    p = Watched([a])
    with Connection(p.address) as c:
        c.settle()
        s = c.open("POST", "/", end=False)
        for _ in range(1000):
            c.frame(http2.DATA, 0, s.id, b"d" * 16384)
        assert c.until_reset(s) == http2.FLOW_CONTROL_ERROR
        c.settle()
    over.set()
    p.assert_memory()
    a.behave = None
    p.assert_well()


def test_half_frames_cost_nothing():
    """HAProxy in 2026: a part of a PING made it spin."""
    p = Watched([Origin("a")])
    connections = []
    for data in (http2.frame(http2.PING, 0, 0, b"12345678")[:12], http2.frame(http2.SETTINGS)[:5],
                 http2.frame(http2.DATA, 0, 1, b"x" * 100)[:30]):
        c = Connection(p.address)
        c.settle()
        c.open("POST", "/", end=False)
        c.settle()
        c.send(data)
        connections.append(c)
    with Connection(p.address) as c:  # all was read
        c.settle()
    before = p.cpu_s()
    with Connection(p.address) as c:
        for _ in range(20):
            c.get()
    assert p.cpu_s() - before < 0.5, "it spins"
    for c in connections:
        c.reset()


def test_many_idle_connections():
    p = Watched([Origin("a")], timeouts={"idle": "60s"})
    connections = []
    for _ in range(100):
        c = Connection(p.address)
        assert c.get().status == 200
        connections.append(c)
    if not holdfast.sanitizer():
        each = (p.memory_bytes() - p.before) / 100
        assert each < 64 << 10, f"{each} bytes a connection"
    for c in connections:
        c.reset()


def test_connections_per_address():
    p = Watched([Origin("a")], top={"limits": {"connections_per_address": 2}})

    def one(**more):
        """Not from the address from which the driver itself looks whether Holdfast listens."""
        return Connection(p.address, source="127.0.0.8", **more)

    with one() as c, one() as d:
        assert c.get().status == 200 and d.get().status == 200
        with one(begin=False) as e:
            assert e.is_ended()
    p.wait_request(cause="client_connections")
    wait_until(lambda: p.metric("connections") == 0, "both are gone")
    with one() as c:
        assert c.get().status == 200


if __name__ == "__main__":
    holdfast.main()
