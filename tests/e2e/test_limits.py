"""What one client may take: connections of an address, and time by being slow."""

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Ended, Holdfast, Origin, answering, text_of, wait_until

POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
BIG = 40 << 20


def is_closed_unheard(c):
    """Not one byte, then the end; a reset when it had sent something."""
    try:
        return c.rest() == b""
    except Ended as e:
        return e.held == b""


def send_until_refused(c, piece, pause_s, limit_s):
    """Sends piece after piece; True: until the other side had enough."""
    end = time.monotonic() + limit_s
    c.sock.settimeout(pause_s)
    while time.monotonic() < end:
        try:
            c.send(piece)
            c.fill()
        except TimeoutError:
            continue
        except (Ended, OSError):
            break
        break
    else:
        return False
    c.sock.settimeout(holdfast.WAIT_S)
    return True


# ---- slow bodies ---------------------------------------------------------------------------------


def slow_body(head, piece):
    a = Origin("a")
    p = Holdfast([a], timeouts={"idle": "20s"}, rates={"body_min": "2000", "period": "300ms"}, passive={"fall": 1})
    with p.client() as c:
        c.send(head)
        assert send_until_refused(c, piece, 0.03, 15), "a dripping body is waited for for ever"
        r = c.response()
        assert r.status == 408 and r.closes and r.reason == "Request Timeout"
    assert p.wait_request(cause="client_body_timeout")["status"] == 408
    assert not p.events("member_down"), "the member pays for its client"
    assert p.once().status == 200


def test_a_dripping_body_gets_408():
    slow_body(POST % 100000, b"x")


def test_a_dripping_chunked_body_gets_408():
    """One byte in a chunk of its own: six are sent, and those count."""
    slow_body(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")


def test_a_body_that_is_fast_enough_may_take_its_time():
    """Over many periods, in pieces with pauses between them."""
    p = Holdfast([Origin("a")], timeouts={"idle": "5s"}, rates={"body_min": "1000", "period": "1s"})
    with p.client() as c:
        c.send(POST % 100000)
        for _ in range(50):
            c.send(b"x" * 2000)
            time.sleep(0.05)
        r = c.response()
        assert r.status == 200 and r.json["body_bytes"] == 100000
    assert p.wait_request()["cause"] == "done"


def test_without_a_rate_only_the_pause_counts():
    p = Holdfast([Origin("a")], timeouts={"idle": "5s"}, rates={"body_min": "0", "period": "100ms"})
    with p.client() as c:
        c.send(POST % 25)
        for _ in range(25):
            c.send(b"x")
            time.sleep(0.04)
        assert c.response().json["body_bytes"] == 25


def test_a_member_that_is_slow_to_take_a_body_is_not_its_clients_fault():
    """The client sends as fast as it may; the member does not read for many periods."""
    go_on = threading.Event()

    def behave(connection, request):
        assert go_on.wait(holdfast.WAIT_S)
        connection.answer(200, b"%d" % len(request.read_body()))

    a = Origin("a", behave)
    a.on_accept = lambda c: c.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
    p = Holdfast([a], timeouts={"idle": "20s"}, rates={"body_min": "1000", "period": "1s"})
    with p.client() as c:
        c.send(POST % BIG)
        sender = threading.Thread(target=c.send, args=(b"x" * BIG,), daemon=True)
        sender.start()
        time.sleep(3)  # three periods
        assert not p.requests(), p.requests()
        go_on.set()
        assert c.response().body == b"%d" % BIG
        sender.join(holdfast.WAIT_S)


def test_a_tunnel_may_be_quiet():
    """What goes through an upgraded connection has no rate: only what waits has."""
    def behave(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        for _ in range(8):
            connection.send(connection.wire.take(1))
        return False

    p = Holdfast([Origin("a", behave)], rates={"body_min": "1MiB", "answer_min": "1MiB", "period": "50ms"})
    with p.client() as c:
        c.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        assert c.response().status == 101
        for byte in b"12345678":
            time.sleep(0.1)
            c.send(bytes([byte]))
            assert c.take(1) == bytes([byte])
        assert c.is_ended()


# ---- slow readers --------------------------------------------------------------------------------


def download(rate_min, period, piece, pause_s, receive_bytes):
    """A client that takes `piece` bytes after each pause, until the end: (entry of the log, client)"""
    p = Holdfast([Origin("a", answering(200, b"A" * BIG))], timeouts={"idle": "20s"},
                 rates={"answer_min": rate_min, "period": period})
    c = p.client(receive_bytes=receive_bytes)
    c.send(c.request_bytes())
    end = time.monotonic() + holdfast.WAIT_S
    while not p.requests() and time.monotonic() < end:
        time.sleep(pause_s)
        try:
            c.sock.recv(piece)
        except OSError:
            break
    return p.wait_request(), c


def test_a_client_that_reads_too_slowly_is_let_go():
    """About 100 KB a second, where it must be 1 MiB. It always takes something, so idle says nothing."""
    entry, _ = download("1MiB", "400ms", 2000, 0.02, 4096)
    assert entry["cause"] == "client_slow" and entry["bytes"] < BIG, entry


def test_a_client_that_reads_fast_enough_gets_all():
    entry, _ = download("10KiB", "1s", 1 << 20, 0.01, 1 << 20)
    assert entry["cause"] == "done" and entry["bytes"] == BIG, entry


def test_a_member_that_is_slow_is_not_its_clients_fault():
    """Nothing waits for the client: it has no rate to keep."""
    def behave(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            connection.send(b"x")
            time.sleep(0.05)

    p = Holdfast([Origin("a", behave)], rates={"answer_min": "1MiB", "period": "100ms"})
    assert p.once().body == b"x" * 20
    assert p.wait_request()["cause"] == "done"


# ---- connections of one address ------------------------------------------------------------------


def crowded(count, top=None, **more):
    return Holdfast([Origin("a", answering(200, b"ok"))],
                    top={"limits": {"connections_per_address": count}, **(top or {})}, **more)


def one_more(p, source="127.0.0.8"):
    """By default not from the address from which the driver itself looks whether Holdfast listens."""
    return p.client(source=source)


def hold(p, count, **more):
    clients = [one_more(p, **more) for _ in range(count)]
    for c in clients:
        assert c.get().status == 200
    return clients


def test_connections_per_address():
    """Loopback addresses are addresses like any other."""
    p = crowded(count=3)
    mine = hold(p, 3)
    with one_more(p) as c:
        c.send(c.request_bytes())
        assert is_closed_unheard(c)
    entry = p.wait_request(cause="client_connections")
    assert entry["status"] == 0 and entry["client"].split(":")[0].startswith("127."), entry
    p.wait_said("connections_per_address")
    others = hold(p, 3, source="127.0.0.9")  # somebody else is not concerned
    mine[0].close()
    wait_until(lambda: try_one(p), "what is closed makes room")
    for c in mine[1:] + others:
        assert c.get().status == 200, "a connection that was there before suffers"


def try_one(p):
    with one_more(p) as c:
        c.send(c.request_bytes())
        try:
            return c.response().status == 200
        except Ended:
            return False


def test_connections_per_address_of_all_workers_together():
    p = crowded(count=10, workers=4)
    hold(p, 10)
    refused = [one_more(p) for _ in range(20)]
    assert all(is_closed_unheard(c) for c in refused)
    p.wait_request(count=20, cause="client_connections")
    p.stop()
    assert len(p.requests(cause="client_connections")) == 20


def test_connections_that_come_and_go_are_all_given_back():
    """Ends of every kind; the limit is never reached by what is gone."""
    p = crowded(count=4)
    for n in range(40):
        kind = n % 4
        wait_until(lambda: try_one(p), "room for one more")
        c = one_more(p)
        if kind == 0:
            c.close()
        elif kind == 1:
            c.send(b"no HTTP\r\n\r\n")
            c.rest()
            c.close()
        elif kind == 2:
            c.send(c.request_bytes()[:-1])
            c.reset()
        else:
            c.send(c.request_bytes(fields=[("Connection", "close")]))
            c.rest()
            c.close()
        holdfast.started.remove(c)
    wait_until(lambda: try_one(p), "room for one more")


def has_ipv6():
    with socket.socket(socket.AF_INET6) as s:
        try:
            s.bind(("::1", 0))
            return True
        except OSError:
            return False


def test_ipv6_counts_as_well():
    if not has_ipv6():
        print("       no IPv6 on this machine: the unit test has the rule")
        return
    address, port = (holdfast.HOST, holdfast.free_port()), holdfast.free_port()
    p = crowded(count=1, address=address, top={"listeners": [{"address": text_of(address)}, {"address": f"[::1]:{port}"}]})
    first, second = (socket.create_connection(("::1", port), holdfast.WAIT_S) for _ in range(2))
    with first, second:
        first.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert first.recv(100).startswith(b"HTTP/1.1 200 ")
        assert second.recv(100) == b""
    assert p.wait_request(cause="client_connections")["client"].startswith(("::1", "[::1]"))


if __name__ == "__main__":
    holdfast.main()
