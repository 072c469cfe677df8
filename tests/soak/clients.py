"""The clients of the soak: browsers that ask one thing after another, each in its thread, and write down
what they sent and what came back (history.Asked).

What a client does comes from the seed and its number. Kinds of session: `issued` keeps the tag and has no
key, `keyed` has a key and keeps the tag, `bare` has a key and keeps nothing.
"""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import holdfast
import member
from history import Asked
from holdfast import Client, Ended, Malformed, chunk

REPLAY_BYTES = 64 * 1024
SESSION_REQUESTS = 80   # on average
# (share, method, X-Do, body bytes, chunked)
MENU = [(40, "GET", "plain", 0, False), (6, "GET", "wait", 0, False), (6, "GET", "stream", 0, False),
        (3, "GET", "big", 0, False), (3, "HEAD", "plain", 0, False), (20, "POST", "plain", 200, False),
        (5, "POST", "wait", 200, False), (3, "POST", "plain", 5000, True), (2, "POST", "stream", 100000, False),
        (6, "PUT", "plain", 3000, False), (2, "PUT", "wait", 20000, True), (1, "PUT", "plain", 100000, False)]
LEAVE_SHARE, ANEW_SHARE, PIPELINED_SHARE = 0.01, 0.05, 0.03


class Session:
    """What a client keeps: its key, and its tag together with what the tag says."""

    def __init__(self, name, service, kind):
        self.name, self.service, self.kind = name, service, kind
        self.key = None if kind == "issued" else f"key-{name}"
        self.cookie = None
        self.tag = None

    def take(self, response, asked):
        """The tag of an answer, if it sets one."""
        cookie = response.cookies().get(cookie_of(self.service))
        asked.new_tag = cookie is not None
        if cookie is not None and self.kind != "bare":
            self.cookie = cookie
            self.tag = (asked.primary, asked.member)


def cookie_of(service):
    return f"HOLDFAST_{service}"


class Caller:
    """One client: a session at a time, and one connection."""

    def __init__(self, number, seed, address, services, pause_s):
        self.number, self.address, self.services, self.pause_s = number, address, services, pause_s
        self.dice = random.Random(f"client {seed} {number}")
        self.sessions = self.requests = 0
        self.connection = None
        self.asked = []
        self.begin_session()

    def begin_session(self):
        self.sessions += 1
        self.session = Session(f"{self.number}.{self.sessions}", self.dice.choice(self.services),
                               self.dice.choice(["issued", "issued", "keyed", "bare"]))

    # ---- one request

    def compose(self):
        """(what is asked, its bytes)"""
        s, dice = self.session, self.dice
        _, method, what, size, chunked = dice.choices(MENU, [row[0] for row in MENU])[0]
        self.requests += 1
        size = dice.randrange(size // 2, size + 1) if size else 0
        a = Asked(f"{self.number}-{self.requests}", s.service, method, key=s.key, session=s.name, tag=s.tag,
                  whole=size < REPLAY_BYTES - 1024, sent=size)
        if what == "wait":
            what = f"wait={dice.randrange(20, 300)}"
        fields = [("X-Mark", a.mark), ("X-Do", what)]
        if s.key:
            fields.append(("X-Key", s.key))
        if s.cookie:
            fields.append(("Cookie", f"other=1; {cookie_of(s.service)}={s.cookie}"))
        body = a.mark.encode() * (size // len(a.mark) + 1)
        body = body[:size]
        if method in ("GET", "HEAD"):
            body = None
        elif chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        data = self.connection.request_bytes(method, f"/{s.service}/{a.mark}", fields=fields,
                                             body=None if chunked else body)
        if chunked and body is not None:
            half = size // 2
            data += b"".join(chunk(piece) for piece in (body[:half], body[half:]) if piece) + b"0\r\n\r\n"
        return a, data

    def receive(self, a):
        """Reads one answer into `a`. True: the connection goes on."""
        c = self.connection
        r = c.head(a.method)
        while r.status < 200:
            r = c.head(a.method)
        a.status = r.status
        if r.status == 200:
            a.echoed, a.answer = r.fields.get("X-Mark"), r.fields.get("X-Answer")
            a.member, a.primary, a.digest = (r.fields.get(f"X-{n}") for n in ("Member", "Primary", "Session"))
            self.session.take(r, a)
        pieces = []
        if holdfast.has_body(a.method, r.status):
            c.body("close" if r.framing is None else r.framing, pieces.append)
        body = b"".join(pieces)
        a.bytes = len(body)
        line = member.body_of(a.mark, a.answer)
        if r.status == 200 and a.method != "HEAD" and (not body or body != line * (len(body) // len(line))):
            a.body_is = repr(body[:100])
        return not r.closes

    def exchange(self, pipelined):
        """One request, or several before the first answer."""
        composed = [self.compose() for _ in range(pipelined)]
        self.asked += [a for a, _ in composed]
        leaves = pipelined == 1 and self.dice.random() < LEAVE_SHARE
        goes_on = True
        for a, _ in composed:
            a.began = time.time()
        try:
            self.connection.send(b"".join(data for _, data in composed))
        except (Ended, OSError):
            pass                       # the answer may be there all the same
        if leaves:
            composed[0][0].left = True
            self.connection.reset()
            goes_on = False
            composed[0][0].ended = time.time()
            composed = []
        for a, _ in composed:
            if goes_on:
                goes_on = self.receive_one(a)
            else:
                a.left, a.ended = True, time.time()  # behind an answer that was the last
        return goes_on

    def receive_one(self, a):
        try:
            goes_on = self.receive(a)
        except (Ended, OSError) as e:
            a.broken = f"{type(e).__name__}{' (reset)' if getattr(e, 'reset', False) else ''}"
            goes_on = False
        except Malformed as e:
            a.body_is = f"not HTTP: {e}"
            goes_on = False
        a.ended = time.time()
        return goes_on

    # ---- time

    def connect(self):
        """A connection; None: not now."""
        return Client(self.address, timeout_s=60)

    def step(self):
        if self.dice.random() < 1 / SESSION_REQUESTS:
            self.begin_session()
        if self.dice.random() < ANEW_SHARE:
            self.leave()
        if self.connection is None:
            self.connection = self.connect()
        if self.connection is None:
            return
        # Two at once without a tag would be two new sessions.
        known = self.session.key or self.session.tag
        if not self.exchange(2 if self.dice.random() < PIPELINED_SHARE and known else 1):
            self.leave()

    def leave(self):
        if self.connection is not None:
            self.connection.__exit__()
            self.connection = None

    def run(self, ending):
        while not ending.wait(self.dice.uniform(0, 2 * self.pause_s)):
            self.step()
        self.leave()


class Crowd:
    """All clients; the load goes on and off, the sessions stay."""

    def __init__(self, count, seed, address, services, rate, kind=Caller):
        self.callers = [kind(n, seed, address, services, count / rate) for n in range(count)]
        self.problems = []
        self.threads = []

    def start(self):
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(c,), daemon=True) for c in self.callers]
        for t in self.threads:
            t.start()

    def run(self, caller):
        try:
            caller.run(self.ending)
        except Exception as e:
            self.problems.append(f"client {caller.number}: {type(e).__name__}: {e}")

    def stop(self):
        self.ending.set()
        for t in self.threads:
            t.join(holdfast.TEST_LIMIT_S)
            if t.is_alive():
                self.problems.append("a client waits for ever")
        self.threads = []

    @property
    def asked(self):
        return [a for c in self.callers for a in c.asked]
