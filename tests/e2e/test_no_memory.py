"""The n-th allocation fails, for every n: of the whole process, from its start to its end. Ours and
libevent's are made to fail (tests/faults/alloc_run.c); libconfig ends the process by itself when it has
no memory, and PCRE2 keeps its own. Either the process says in one line why it does not start, or it
serves: one exchange may suffer, never its neighbours, and nothing crashes or leaks."""

import concurrent.futures
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Client, Ended, Holdfast, Origin, built, chunk, free_port, is_listening, sanitizer, wait_until

AT_ONCE = 4
MOST = 2000            # allocations of such a process; far more than there are
BIG = 400000
HARMED_MAX = 2         # by one failure: an exchange, and the next on its connection


def behave(connection, request):
    if request.target == "/big":
        connection.answer(200, b"A" * BIG)
    elif request.target == "/echo":
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        connection.send(connection.wire.take(5))
        return False
    else:
        connection.answer(200, request.read_body() + b".", framing="chunked")


def get(address, target="/", body=b"."):
    with Client(address, timeout_s=holdfast.WAIT_S) as c:
        r = c.get(target)
        return r.status == 200 and r.body == body or r.status


def post(address):
    with Client(address, timeout_s=holdfast.WAIT_S) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nX-Key: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        c.send(chunk(b"B" * 20000) + chunk(b"C" * 30000) + b"0\r\n\r\n")
        r = c.response()
        return r.status == 200 and r.body == b"B" * 20000 + b"C" * 30000 + b"." or r.status


def tunnel(address):
    with Client(address, timeout_s=holdfast.WAIT_S) as c:
        c.send(b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello")
        r = c.response()
        return r.status == 101 and c.take(5) == b"hello" or r.status


def pipelined(address):
    with Client(address, timeout_s=holdfast.WAIT_S) as c:
        c.send(c.request_bytes() * 2)
        first = c.response()
        return first.status == 200 and c.response().status == 200 or first.status


def outcome(exchange, address):
    """True: as it should be. Else it was refused, or broken off so that it shows."""
    try:
        got = exchange(address)
    except (Ended, OSError):
        return False
    if got is True:
        return True
    assert got in (200, 503), f"{exchange.__name__} got {got}"
    return False


def large(address):
    return get(address, "/big", b"A" * BIG)


SCRIPT = (get, post, large, tunnel, pipelined, get)


def start(h):
    """The process with its environment; True: it serves."""
    holdfast.Process.__init__(h, [h.program, "run", "-c", h.conf_path], h.where, env=h.env)
    wait_until(lambda: h.child.poll() is not None or is_listening(h.address), "it serves or ends")
    return h.child.poll() is None


def said(h):
    """All but what libevent says beside our own."""
    return [line for line in h.stderr.splitlines() if " info: " not in line and " warn: libevent: " not in line]


def refused_to_start(h, number):
    assert h.child.returncode in (1, 2), f"allocation {number}: ended with {h.child.returncode}\n{h.stderr}"
    assert len(said(h)) == 1 and "memory" in h.stderr, f"allocation {number}: said\n{h.stderr}"
    assert not h.reports(), f"allocation {number}:\n{h.reports()}"
    return False


def run(h, number, and_on):
    """One life with one failure. True: nothing failed any more."""
    count = os.path.join(h.where, "count")
    if os.path.exists(count):
        os.unlink(count)
    h.env = {"ALLOC_FAIL": f"{number}{'+' if and_on else ''}", "ALLOC_COUNT": count}
    if not start(h):
        return refused_to_start(h, number)
    results = [outcome(e, h.address) for e in SCRIPT]
    if not any(results) and not and_on:  # it does not start, but its sockets were open already
        h.child.wait(holdfast.WAIT_S)
        return refused_to_start(h, number)
    if not and_on:
        assert results.count(False) <= HARMED_MAX, f"allocation {number}: {results}\n{h.stderr}"
        assert outcome(get, h.address) or outcome(get, h.address), f"allocation {number}: nothing is served any more"
    h.child.send_signal(signal.SIGTERM)
    status = h.child.wait(holdfast.WAIT_S)
    if status != 0 and not any(results):
        return refused_to_start(h, number)
    assert status == 0, f"allocation {number}: it ended with {status}\n{h.stderr}"
    assert not h.reports(), f"allocation {number}:\n{h.reports()}"
    with open(count) as f:
        return f.read().split()[1] == "0"


def every_number(and_on):
    """Lives side by side, each its share of the numbers. Sanitizers cost time: they get a third."""
    a, b = Origin("a", behave), Origin("b", behave)
    program = built("tests/faults/holdfast")
    lives = [Holdfast([a, b], session={"keys": ["header:X-Key", "path:/x/([a-z]+)"]}, passive={"fall": 1000},
                      program=program, start=False, top={"secrets": None}) for _ in range(AT_ONCE)]
    step = 3 if sanitizer() else 1
    numbers = iter(range(int(and_on) % step, MOST, step))

    def live(h):
        tried = 0
        for number in numbers:
            tried += 1
            if run(h, number, and_on):
                return tried
        raise AssertionError(f"{MOST} allocations are not enough")

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        tried = sum(pool.map(live, lives))
    for h in lives:
        h.child = None
    assert tried * step > 100, f"only {tried} allocations were tried"
    print(f"       {tried} of about {tried * step} allocations")


def test_each_allocation_fails_once():
    every_number(and_on=False)


def test_from_each_allocation_on_all_fail():
    every_number(and_on=True)


def test_commands_without_memory():
    """check and explain: a clean refusal as well."""
    program = built("tests/faults/holdfast")
    import subprocess
    for argv in (["check", "-c", "conf/holdfast.conf"], ["explain", "-c", "conf/demo.conf", "alice"]):
        for number in range(0, MOST, 3 if sanitizer() else 1):
            count = os.path.join(holdfast.folder(), "count")
            done = subprocess.run([program, *argv], capture_output=True, text=True, cwd=holdfast.ROOT, timeout=holdfast.WAIT_S,
                                  env={**os.environ, "ALLOC_FAIL": str(number), "ALLOC_COUNT": count})
            if done.returncode == 0:
                with open(count) as f:
                    if f.read().split()[1] == "0":
                        break
                continue
            assert done.returncode in (1, 2), f"{argv} {number}: {done.returncode}\n{done.stderr}"
            assert re.search("memory", done.stderr), f"{argv} {number}: {done.stderr}"
        else:
            raise AssertionError(f"{argv}: {MOST} allocations are not enough")
        assert number > 10


if __name__ == "__main__":
    holdfast.main()
