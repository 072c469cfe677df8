"""Members and clients that do anything at any time, from a seed; then all are well again, and so must
be every session: chaos, then heal."""

import collections
import json
import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import CHECKED, Client, Ended, Holdfast, Origin, chunk, wait_until

IDS = "abcd"
CLIENTS = 8
STEPS = 60
PADS = [0, 0, 10, 1000, 20000, 300000]


class Chaos:
    def __init__(self, seed, **more):
        self.seed = seed
        self.well = False
        self.lock = threading.Lock()
        self.worked_on = collections.Counter()  # mark of a POST -> times
        self.problems = []
        self.dice = random.Random(seed)
        self.origins = [Origin(i, self.behave) for i in IDS]
        self.p = Holdfast(self.origins, **more)

    def die(self, many):
        with self.lock:
            return self.dice.randrange(many)

    # ---- members

    def behave(self, connection, request):
        body = request.read_body()
        mark = request.fields.get("X-Mark")
        if connection.gone:
            return False
        if request.method == "POST":
            with self.lock:
                self.worked_on[mark] += 1
        pad = "x" * PADS[self.die(len(PADS))]
        content = json.dumps({"id": connection.origin.id, "mark": mark, "bytes": len(body), "pad": pad}).encode()
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content
        if self.die(2):
            half = len(content) // 2
            pieces = [c for c in (content[:half], content[half:]) if c]
            whole = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, pieces)) +
                     b"0\r\n\r\n")
        what = 99 if self.well else self.die(40)
        if what == 0:
            return False
        if what == 1:
            connection.wire.reset()
            return False
        if what == 2:
            connection.send(whole[:self.die(len(whole))])
            return False
        if what == 3:
            connection.send(b"HTTP/1.1 2oo OK\r\n\r\n")
            return False
        if what == 4:
            connection.wait_end()
            return False
        if what == 5:
            connection.send(b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n" * 2)
        connection.send(whole)
        return what != 6

    def come_and_go(self, ending):
        dice = random.Random(self.seed + 1)
        while not ending.wait(0.05):
            o = dice.choice(self.origins)
            o.go(reset=dice.random() < 0.5)
            ending.wait(0.05)
            o.come_back()

    # ---- clients

    def client(self, number):
        dice = random.Random(self.seed * 100 + number)
        cookie = None
        connection = None
        try:
            for step in range(STEPS):
                if connection is None:
                    connection = Client(self.p.address, timeout_s=60)
                cookie, goes_on = self.step(connection, dice, f"{number}-{step}", cookie)
                if not goes_on:
                    connection.__exit__()
                    connection = None
        except Exception as e:
            self.problems.append(f"client {number}: {type(e).__name__}: {e}")

    def step(self, c, dice, mark, cookie):
        """One request, or what is left of it: (cookie, whether the connection goes on)."""
        method = dice.choice(["GET", "GET", "POST", "PUT"])
        size = dice.choice([0, 10, 5000, 150000]) if method != "GET" else 0
        fields = [("X-Mark", mark)] + ([("Cookie", cookie)] if cookie else [])
        data = c.request_bytes(method, "/", fields=fields, body=b"b" * size if method != "GET" else None)
        what = dice.randrange(20)
        if what == 0:
            c.send(data[:dice.randrange(len(data))])
            c.reset()
            return cookie, False
        try:
            c.send(data)
            if what == 1:
                c.reset()
                return cookie, False
            if what == 2:
                c.some()
                return cookie, False
            r = c.response(method)
        except (Ended, ConnectionError):
            return cookie, False  # broken off: it does not look complete
        if r.status == 200:
            told = r.json
            if told["mark"] != mark or told["bytes"] != size:
                raise AssertionError(f"the answer to {mark} with {size} bytes is {told['mark']} with {told['bytes']}")
        elif r.status not in (502, 503, 504):
            raise AssertionError(f"{r.line!r} to {mark}")
        tag = r.cookies().get("HOLDFAST")
        return f"HOLDFAST={tag}" if tag else cookie, not r.closes

    # ---- both phases

    def run(self):
        p = self.p
        ending = threading.Event()
        weather = threading.Thread(target=self.come_and_go, args=(ending,), daemon=True)
        threads = [threading.Thread(target=self.client, args=(n,), daemon=True) for n in range(CLIENTS)]
        for t in threads + [weather]:
            t.start()
        for t in threads:
            t.join(holdfast.TEST_LIMIT_S)
            assert not t.is_alive(), f"seed {self.seed}: a client waits for ever"
        ending.set()
        weather.join(holdfast.WAIT_S)
        assert not self.problems, (self.seed, self.problems)
        twice = {m: n for m, n in self.worked_on.items() if n > 1}
        assert not twice, f"seed {self.seed}: a POST was worked on twice: {twice}"
        self.well = True
        wait_until(lambda: all(p.once(fields=[("X-Mark", "well")]).status == 200 for _ in range(12)), "all is well")
        browsers = [p.browser(fields=[("X-Mark", "well")]) for _ in range(12)]
        homes = [b.get().json["id"] for b in browsers]
        assert [b.get().json["id"] for b in browsers] == homes
        for b in browsers:
            b.leave()
        wait_until(lambda: p.descriptors() < 150, "descriptors are given back")
        p.stop()
        causes = {e["cause"] for e in p.requests(status=200)}
        assert causes <= {"done", "client_abort", "member_truncated", "client_slow"}, causes
        assert p.events(), "every line of the failover log parses"


def test_chaos_without_checks():
    for seed in (1, 2):
        Chaos(seed, workers=1, timeouts={"first_byte": "300ms"}, passive={"retry": "200ms"}).run()
        assert not holdfast.finish()


def test_chaos_with_checks_and_workers():
    for seed in (3, 4):
        Chaos(seed, workers=3, timeouts={"first_byte": "300ms"}, health=CHECKED).run()
        assert not holdfast.finish()


if __name__ == "__main__":
    holdfast.main()
