"""System calls that do what they may and seldom do (tests/faults/shim.c): they take a few bytes, are
interrupted, have nothing just now, find no descriptor or no memory, lose a connection before it is
accepted. Where nothing is really missing the outcome is the same; where something is, those go without
for whom there is none, and nobody else."""

import hashlib
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Browser, Client, Ended, Holdfast, Load, Origin, answer_json, built, chunk, sanitizer, wait_until

BIG = 600000
BLOCK = bytes(range(256)) * (BIG // 256 + 1)


def preload():
    """The shim, behind what a sanitizer wants to be first."""
    first = ""
    if sanitizer():
        name = "libasan.so" if sanitizer() == "address" else "libtsan.so"
        first = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True).stdout.strip() + " "
    return first + built("tests/faults/shim.so")


class Faulty(Holdfast):
    def __init__(self, members, faults, **more):
        self.count_path = os.path.join(holdfast.folder(), "faults")
        super().__init__(members, env={"LD_PRELOAD": preload(), "FAULTS": faults, "FAULTS_COUNT": self.count_path}, **more)

    def struck(self):
        """After the end: fault to how often."""
        self.stop()
        with open(self.count_path) as f:
            return {name: int(count) for name, count in (line.split() for line in f)}


# ---- nothing is missing --------------------------------------------------------------------------


def behave(connection, request):
    """/SIZE/FRAMING: so many bytes; /echo: a tunnel; else what was got."""
    if request.target == "/echo":
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        left = BIG
        while left > 0:
            data = connection.wire.some()
            connection.send(data)
            left -= len(data)
        return False
    if request.target.count("/") == 2:
        _, size, framing = request.target.split("/")
        request.read_body()
        connection.send(b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n")
        connection.answer(200, BLOCK[:int(size)], framing=framing, trailers=[("X-T", "1")])
        return framing != "close"
    return answer_json(connection, request)


def downloads(p):
    with p.client() as c:
        for size in (0, 1, 5000, 70000, BIG):
            for framing in ("length", "chunked"):
                r = c.get(f"/{size}/{framing}")
                assert r.status == 200 and r.body == BLOCK[:size] and len(r.interim) == 1, (size, framing)
        r = c.get("/5000/close")
        assert r.body == BLOCK[:5000] and r.framing == "chunked"


def uploads(p):
    with p.client() as c:
        for size in (0, 1, 20000, 200000):
            r = c.request("PUT", "/", body=BLOCK[:size])
            assert r.json["body_bytes"] == size and r.json["body"] == BLOCK[:1000][:size].decode("latin-1")
            head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            data = b"".join(chunk(BLOCK[at:at + 3001][:size - at]) for at in range(0, size, 3001))
            c.send(head + data + b"0\r\nX-T: 1\r\n\r\n")
            r = c.response()
            assert r.json["body_bytes"] == size and r.json["trailers"] == [["X-T", "1"]]


def pipelines(p):
    with p.client() as c:
        c.send(b"".join(c.request_bytes("POST" if n % 2 else "GET", f"/n{n}", body=b"x" * n if n % 2 else None)
                        for n in range(60)))
        for n in range(60):
            r = c.response()
            assert r.json["target"] == f"/n{n}" and r.json["body_bytes"] == (n if n % 2 else 0)


def tunnels(p):
    with p.client() as c:
        c.send(b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        assert c.response().status == 101
        sender = threading.Thread(target=c.send, args=(BLOCK[:BIG],), daemon=True)
        sender.start()
        assert hashlib.sha256(c.take(BIG)).digest() == hashlib.sha256(BLOCK[:BIG]).digest()
        sender.join(holdfast.WAIT_S)


def old_ones(p):
    with p.client() as c:
        r = c.exchange(b"GET /70000/chunked HTTP/1.0\r\nHost: h\r\n\r\n")
        assert r.body == BLOCK[:70000] and r.framing is None


def sessions(p):
    browser = Browser(p.address)
    ids = {browser.get("/").id for _ in range(20)}
    assert len(ids) == 1
    browser.leave()


def malformed(p):
    for data in (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        with p.client() as c:
            c.send(data)
            r = c.response()
            assert r.status == 400 and r.closes
    assert p.once("/").status == 200


def script(faults, *wanted):
    p = Faulty([Origin("a", behave), Origin("b", behave)], faults, workers=2)
    for part in (downloads, uploads, pipelines, tunnels, old_ones, sessions, malformed):
        part(p)
    assert {e["cause"] for e in p.requests()} <= {"done", "tunnel_done", "client_bad_request"}, p.requests()
    assert not p.events("member_down") and not p.events("failover")
    struck = p.struck()
    assert all(struck[name] > 20 for name in wanted), struck


def test_calls_that_take_a_few_bytes():
    script("short=60", "short")


def test_calls_that_are_interrupted():
    script("eintr=40", "eintr")


def test_calls_that_have_nothing_just_now():
    script("again=30", "again")


def test_all_of_these():
    script("short=30 eintr=15 again=15", "short", "eintr", "again")


# ---- connections that do not come ----------------------------------------------------------------


def served(p, attempts=200):
    """Tries until one is served; a connection that is closed unheard is no answer."""
    for _ in range(attempts):
        try:
            with Client(p.address, timeout_s=holdfast.WAIT_S) as c:
                r = c.get("/")
                assert r.status == 200
                return True
        except (Ended, OSError):
            pass
    return False


def storm(faults, *wanted, lost, each=40):
    p = Faulty([Origin("a")], faults, workers=2)
    failed, wrong = [], []

    def ask():
        for _ in range(each):
            try:
                with Client(p.address, timeout_s=holdfast.WAIT_S) as c:
                    assert c.get("/").status == 200
            except (Ended, OSError) as e:
                failed.append(e)
            except AssertionError as e:
                wrong.append(e)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(holdfast.TEST_LIMIT_S)
    assert not any(t.is_alive() for t in threads), "a connection is never accepted"
    assert served(p)
    assert not wrong
    assert lost or not failed, failed[:3]
    struck = p.struck()
    assert all(struck[name] > 10 for name in wanted), struck
    assert len(failed) <= struck["abort"], (len(failed), struck)


def test_connections_that_end_before_they_are_accepted():
    """ECONNABORTED and its like: those behind them are accepted all the same."""
    storm("abort=40", "abort", lost=True)


def test_accept_without_a_descriptor():
    """EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection waits, nobody is lost, nothing spins."""
    storm("nofd=30", "nofd", lost=False, each=10)


def test_accept_that_is_interrupted():
    storm("eintr=50", "eintr", lost=False)


# ---- something is missing ------------------------------------------------------------------------


def test_no_descriptor_for_a_member():
    """Some requests get 503, the member is not blamed, the others are served."""
    a = Origin("a", behave=answer_json)
    p = Faulty([a], "nosocket=30", service={"pool_max": 0}, passive={"fall": 1})
    statuses = [p.once("/").status for _ in range(200)]
    assert set(statuses) == {200, 503}, set(statuses)
    wait_until(lambda: len(p.requests(cause="out_of_resources")) == statuses.count(503), "each 503 is logged")
    assert not p.events("member_down")
    p.struck()


def test_no_local_port_for_a_member():
    """EADDRNOTAVAIL says nothing of the member: some requests get 503, and it stays up."""
    p = Faulty([Origin("a", behave=answer_json)], "noport=30", service={"pool_max": 0}, passive={"fall": 1})
    statuses = [p.once("/").status for _ in range(200)]
    assert set(statuses) == {200, 503}, set(statuses)
    wait_until(lambda: len(p.requests(cause="out_of_resources")) == statuses.count(503), "each 503 is logged")
    assert not p.events("member_down")
    assert p.struck()["noport"] > 20


def test_no_pipe_for_a_large_answer():
    p = Faulty([Origin("a", behave)], "nosocket=50", service={"pool_max": 256})
    with p.client() as c:
        for _ in range(30):
            r = c.get(f"/{BIG}/length")
            assert r.status in (200, 503)
            assert r.status == 503 or r.body == BLOCK[:BIG]
    p.struck()


def test_the_kernel_watches_no_more():
    """epoll_ctl: ENOMEM. A connection that cannot be watched ends; what is answered is right."""
    p = Faulty([Origin("a"), Origin("b")], "nomem=3", workers=2)
    load = Load(p, clients=6, each=150, body=b"x" * 3000, method="PUT")
    load.join()
    good = [o for o in load.outcomes if o.status == 200 and not o.error]
    wrong = [o.error for o in load.outcomes if o.error and not o.error.startswith(("Ended", "OSError", "Connection", "BrokenPipe"))]
    assert not wrong, wrong[:3]
    assert len(good) > len(load.outcomes) / 2, (len(good), len(load.outcomes))
    assert {o.status for o in load.outcomes} <= {200, 502, 503, None}
    assert served(p)
    assert p.struck()["nomem"] > 5


if __name__ == "__main__":
    holdfast.main()
