"""A tap on the datagrams of a cluster's nodes: stands at the address that the list of nodes names,
before the socket where the node really listens; tells what passed, holds it, delays it, loses it.

    c = TappedCluster("abc", session={"assign": "race"})
    c.tap.hold = lambda d: d.kind == OFFER          kept until release()
    c.tap.drop = lambda d: d.node == "b"
    c.tap.delay_s["b"] = 0.05                       both ways together
    [d for d in c.tap.passed if d.kind == INIT]
"""

import heapq
import select
import socket
import threading
import time

from cluster import Cluster, free_datagram_port
from holdfast import HOST, text_of, track

MAGIC = b"HFRC"
INIT, OFFER, OTHER = "init", "offer", "other"
BYTES_MAX = 2048


class Datagram:
    """`node`: whose socket it goes to or comes from. `peer`: who asks there."""

    def __init__(self, node, peer, data, to_node):
        self.node, self.peer, self.data, self.to_node = node, peer, data, to_node
        self.kind = OTHER
        if data[:4] == MAGIC:
            self.kind = {40: INIT, 41: OFFER}.get(data[5], OTHER)
        self.at = time.monotonic()

    @property
    def type(self):
        """Of a datagram between nodes (include/tbl/datagrams.h); None: it is none."""
        return self.data[5] if self.data[:4] == b"HFDG" else None

    @property
    def tag(self):
        return self.data[16:32]

    @property
    def ticket(self):
        """Of an OFFER."""
        return self.data[32:80]

    @property
    def service(self):
        """Of an INIT."""
        length = self.data[16 + 34]
        return self.data[16 + 35:16 + 35 + length].decode()


class Tap:
    def __init__(self):
        self.passed, self.held = [], []
        self.hold = self.drop = lambda d: False
        self.double = lambda d: False
        self.delay_s = {}
        self.lock = threading.Lock()
        self.fronts, self.backs, self.due = {}, {}, []
        self.wake_r, self.wake_w = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.ended = False
        track(self)

    def add(self, node, front, real):
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.bind(front)
        self.fronts[s] = (node, real)

    def start(self):
        self.thread.start()

    def back(self, front, peer):
        """The socket that speaks to the real one for `peer`."""
        node, real = self.fronts[front]
        key = (node, peer)
        for s, (k, _) in self.backs.items():
            if k == key:
                return s
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.bind((HOST, 0))
        s.connect(real)
        self.backs[s] = (key, front)
        return s

    def take(self, s, data, peer):
        if s in self.fronts:
            d = Datagram(self.fronts[s][0], peer, data, True)
            d.send = lambda b=self.back(s, peer): b.send(data)
        else:
            (node, peer), front = self.backs[s]
            d = Datagram(node, peer, data, False)
            d.send = lambda: front.sendto(data, peer)
        with self.lock:
            self.passed.append(d)
            if self.drop(d):
                return
            if self.hold(d):
                self.held.append(d)
                return
        for _ in range(2 if self.double(d) else 1):
            heapq.heappush(self.due, (d.at + self.delay_s.get(d.node, 0) / 2, id(d), d))

    def run(self):
        while not self.ended:
            now = time.monotonic()
            while self.due and self.due[0][0] <= now:
                try:
                    heapq.heappop(self.due)[2].send()
                except OSError:
                    pass  # nobody is there any more
            wait = self.due[0][0] - now if self.due else 1
            ready, _, _ = select.select([self.wake_r, *self.fronts, *self.backs], [], [], max(wait, 0))
            for s in ready:
                try:
                    data, peer = s.recvfrom(BYTES_MAX)
                except OSError:
                    continue
                if s is not self.wake_r:
                    self.take(s, data, peer)

    def of(self, kind):
        with self.lock:
            return [d for d in self.passed if d.kind == kind]

    def races(self):
        """{tag: (its INITs, its OFFERs)}"""
        races = {}
        for d in self.of(INIT) + self.of(OFFER):
            races.setdefault(d.tag, ([], []))[d.kind == OFFER].append(d)
        return races

    def clear(self):
        with self.lock:
            self.passed.clear()

    def release(self, first=lambda d: 0):
        """What is held goes on, in the order of first(d)."""
        with self.lock:
            held, self.held = sorted(self.held, key=first), []
        for d in held:
            d.send()

    def stop(self):
        self.ended = True
        self.wake_w.send(b"x")
        if self.thread.is_alive():
            self.thread.join(10)
        for s in [*self.fronts, *self.backs, self.wake_r, self.wake_w]:
            s.close()


class TappedCluster(Cluster):
    """As Cluster; self.datagrams are the tap's addresses, self.real where the nodes listen."""

    def __init__(self, ids="abc", start=None, **more):
        super().__init__(ids, start=(), **more)
        self.tap = Tap()
        self.real = {i: (self.hosts[i], free_datagram_port(self.hosts[i])) for i in ids}
        for i in ids:
            self.tap.add(i, self.datagrams[i], self.real[i])
        self.tap.start()
        for i in ids if start is None else start:
            self.begin(i)

    def begin(self, id, **more):
        conf = {**self.conf, "listen": text_of(self.real[id])}
        return self.start(id, top={"cluster": conf, **more.pop("top", {})}, **more)
