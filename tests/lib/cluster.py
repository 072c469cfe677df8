"""Clusters of real nodes for the end-to-end tests: n processes on addresses of their own in
127.0.0.0/8, one secret, one list of nodes, each with a member beside it.

    c = Cluster("abc")                     three nodes, started; safety as the configuration decides
    c.wait_master()                        all of them name the same one
    c.nodes["a"].kill(); c.wait_master(among="bc")

`detect` is fast by default, so that a test waits for a fraction of a second; conditions are waited
for with the patience of holdfast.WAIT_S. Keys of `cluster` and `top` override the configuration's.
"""

import json
import os
import re
import signal
import socket
import struct

import holdfast
from holdfast import HOST, Holdfast, Origin, free_port, text_of, wait_until

DETECT = {"period": "200ms", "timeout": "100ms", "t1": "50ms"}


def host_of(number):
    """An address of its own for node `number`; no other test process has it."""
    return re.sub(r"^127\.\d+", f"127.{130 + number}", HOST)


def free_datagram_port(host):
    counter = holdfast.next_shared_port if host == "::1" else holdfast.next_port
    counter[0] += 1
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind((host, counter[0]))
                return counter[0]
            except OSError:
                counter[0] += 1


class Node(Holdfast):
    """A Holdfast with its id, the address of its datagrams, and its admin interface."""

    def __init__(self, cluster, id, top=None, **more):
        self.id, self.cluster = id, cluster
        self.admin_address = (cluster.hosts[id], free_port(cluster.hosts[id]))
        self.stopped = False
        super().__init__(cluster.members, address=cluster.http[id],
                         top={"node": id, "secrets": [{"id": "k1", "file": cluster.secret}],
                              "cluster": cluster.conf,
                              "admin": {"address": text_of(self.admin_address)}, **(top or {})}, **more)

    def admin(self, target="/status", method="GET"):
        with holdfast.Client(self.admin_address) as c:
            return c.request(method, target)

    def status(self):
        return self.admin().json

    def told(self):
        """The cluster's part of the status."""
        return self.status()["cluster"]

    def master(self):
        return self.told()["master"]

    def freeze(self):
        self.stopped = True
        super().freeze()

    def thaw(self):
        self.stopped = False
        self.signal(signal.SIGCONT)

    def die(self):
        """kill -9, and gone."""
        self.expected_exit = -signal.SIGKILL
        self.stopped = False
        self.signal(signal.SIGKILL)
        self.wait()

    def come_back(self):
        self.expected_exit = 0
        self.start()

    def stop(self):
        if self.stopped:
            self.thaw()
        super().stop()


class Cluster:
    """`voters`: ids of those that vote. `ranks`: {id: rank}; else the place in `ids`. `host`: of all of them; else
    each has its own."""

    def __init__(self, ids="abc", voters="", ranks=None, cluster=None, start=None, origins=True, behave=None,
                 tap=None, host=None, **more):
        where = holdfast.folder()
        self.secret = os.path.join(where, "secret")
        with open(self.secret, "w") as f:
            f.write("0123456789abcdef" * 4)
        os.chmod(self.secret, 0o600)
        self.ids, self.more = ids, more
        self.hosts = {i: host or host_of(n) for n, i in enumerate(ids)}
        self.http = {i: (self.hosts[i], free_port(self.hosts[i])) for i in ids}
        self.datagrams = {i: (self.hosts[i], free_datagram_port(self.hosts[i])) for i in ids}
        self.ranks = {i: (ranks or {}).get(i, n) for n, i in enumerate(ids)}
        self.origins = {i: Origin(i, behave) for i in ids} if origins else {}
        self.members = ([holdfast.member(o, node=text_of(self.http[i])) for i, o in self.origins.items()] or
                        [holdfast.member(Origin("solo"))])
        self.conf = {"name": "shop", "detect": DETECT,
                     "nodes": [{"id": i, "http": text_of(self.http[i]), "address": text_of(self.datagrams[i]),
                                "rank": self.ranks[i], "voter": i in voters} for i in ids],
                     **(cluster or {})}
        self.nodes = {}
        for i in ids if start is None else start:
            self.start(i)

    def start(self, id, **more):
        """Another one: its own keys of `top` may be given."""
        self.nodes[id] = Node(self, id, **{**self.more, **more})
        return self.nodes[id]

    def masters(self, among=None):
        """{id: who that node says is master}"""
        return {i: self.nodes[i].master() for i in among or self.nodes}

    def agreed(self, among=None, master=None, after=None):
        """The one that all of them name: `master`, when that is said, and not `after`; else None."""
        said = set(self.masters(among).values())
        if len(said) != 1 or None in said or after in said or (master is not None and said != {master}):
            return None
        return said.pop()

    def wait_master(self, among=None, master=None, after=None):
        return wait_until(lambda: self.agreed(among, master, after),
                          f"{among or self.ids} name one master {master or ''}")

    def seen(self, event, **fields):
        """{id: lines of that event}"""
        return {i: n.events(event, **fields) for i, n in self.nodes.items()}


class Speaker:
    """Somebody who sends datagrams: forged, cut, of another cluster. Knows the format, and the key
    when he is given the secret's."""

    MAGIC = b"HFDG"

    def __init__(self, host=HOST):
        self.sock = socket.socket(type=socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        holdfast.track(self)

    def send(self, data, to):
        self.sock.sendto(data, to)

    def stop(self):
        self.sock.close()

    @staticmethod
    def header(version=1, type=1, secret=0, cluster=0, sender=1, receiver=0xffffffff, incarnation=1, sequence=1,
               epoch=0, term=0):
        return Speaker.MAGIC + struct.pack(">BBHQIIQQQQ", version, type, secret, cluster, sender, receiver,
                                           incarnation, sequence, epoch, term)
