"""The cluster of a chaos run: nodes whose links can be cut (links.py), a server in a process of its own
beside each, and one who watches what every node says of itself."""

import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib"), os.path.join(os.path.dirname(HERE), "soak")]
import holdfast
from cluster import Cluster
from clients import Caller, cookie_of
from holdfast import Client, Ended, free_port, text_of
from links import Links
from soak import Server
from verdicts import Document, Sighting

FAILBACK = {"go": "stay", "back": "return", "race": "stay"}
KEYED = ("go", "back")               # where a key has its home by the ordering; in the other, new sessions are raced
RACE = {"limit": "200ms", "spread": "20ms"}
HEALTH = {"path": "/healthz", "interval": "500ms", "timeout": "2s", "fall": 2, "rise": 2}
TIMEOUTS = {"connect": "1s", "first_byte": "6s", "idle": "10s", "pool_idle": "1s"}
DETECT = {"period": "300ms", "timeout": "200ms", "t1": "50ms"}
LEASE = "2s"
LOOK_S, LOOK_LIMIT_S = 0.25, 3.0
ROAM_SHARE, AGAIN_SHARE = 0.25, 0.3


class LinkedCluster(Cluster):
    """The addresses in the list of nodes are those of the relay; self.http are where the nodes listen."""

    def __init__(self, ids, folder):
        super().__init__(ids, voters=ids, start="", origins=False,
                         cluster={"safety": "lease", "lease": LEASE, "detect": DETECT})
        self.servers = {i: Server(i, folder) for i in ids}
        for server in self.servers.values():
            server.start()
        self.fronts, self.http = self.http, {i: (self.hosts[i], free_port(self.hosts[i])) for i in ids}
        self.started = {i: [] for i in ids}
        self.links = Links(self.hosts)
        for i in ids:
            listen = (self.hosts[i], free_port(self.hosts[i]))
            self.links.add(i, self.fronts[i], self.http[i], self.datagrams[i], listen)
            self.start(i, top={"cluster": {**self.conf, "listen": text_of(listen)}}, services=self.services(), workers=2, start=False)
        self.links.start()
        for i in ids:
            self.begin(i)

    def services(self):
        members = [{"id": i, "origin": text_of(s.address), "node": text_of(self.fronts[i])}
                   for i, s in self.servers.items()]
        return [{"name": name, "paths": [f"/{name}"], "health": HEALTH, "timeouts": TIMEOUTS, "attempts_max": 6,
                 "retry_budget": "100%", "session": {"failback": failback, "tag": {"cookie": cookie_of(name)}, **by},
                 "members": members}
                for name, failback in FAILBACK.items()
                for by in [{"keys": ["header:X-Key"]} if name in KEYED else {"assign": "race", "race": RACE}]]

    def operands(self, words):
        """Of `holdfast members`; who is added again comes with his addresses."""
        if words[0] != "add":
            return words
        return [*words, text_of(self.servers[words[1]].address), f"node={text_of(self.fronts[words[1]])}"]

    # ---- what is done to nodes

    def begin(self, id):
        """Starts a process of this node; its logs are files of their own."""
        node = self.nodes[id]
        count = len(self.started[id])
        for path in (node.failover_path, node.access_path):
            if os.path.exists(path):
                os.rename(path, f"{path}.{count}")
        self.started[id].append(time.time())
        node.come_back()
        self.links.listen(id)

    def kill(self, id):
        self.check_running(id)
        self.links.deafen(id)
        self.nodes[id].die()

    def check_running(self, id):
        node = self.nodes[id]
        if node.child.poll() is not None:
            raise AssertionError(f"node {id} ended by itself with {node.child.returncode}:\n{node.stderr[-5000:]}")

    # ---- what they say

    def is_well(self):
        """All name one master and one epoch, and hold every member for up (or drained, as published)."""
        said = set()
        for i, node in self.nodes.items():
            self.check_running(i)
            status = node.status()
            said.add((status["cluster"]["master"], status["cluster"]["epoch"]))
            if not all(m["state"] in ("up", "drain") for s in status["services"] for m in s["members"]):
                return False
        return len(said) == 1 and said.pop()[0] is not None

    def races_won(self):
        return sum((s.get("races") or {}).get("won", 0) for node in self.nodes.values() for s in node.status()["services"])


class Witness:
    """Asks every node again and again who it is, and what membership it holds."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.sightings, self.documents, self.problems = [], [], []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.watch, args=(i,), daemon=True) for i in cluster.ids]
        for t in self.threads:
            t.start()

    def watch(self, id):
        held = set()
        while not self.ending.wait(LOOK_S):
            try:
                self.look(id, held)
            except (OSError, Ended):
                pass                    # it is gone, or stopped
            except Exception as e:
                self.problems.append(f"node {id}: {type(e).__name__}: {e}")
                return

    def ask(self, id, target):
        with Client(self.cluster.nodes[id].admin_address, timeout_s=LOOK_LIMIT_S) as c:
            return c.get(target).json

    def look(self, id, held):
        incarnation, since = len(self.cluster.started[id]), time.time()
        told = self.ask(id, "/status")["cluster"]
        if incarnation != len(self.cluster.started[id]):
            return
        self.sightings.append(Sighting(id, incarnation, since, time.time(), told["state"], told["master"], told["term"],
                                       told["epoch"]))
        if told["epoch"] not in held:
            document = self.ask(id, "/v1/membership")
            held.add(document["epoch"])
            self.documents.append(Document(id, document["epoch"], members_of(document)))

    def stop(self):
        self.ending.set()
        for t in self.threads:
            t.join(holdfast.WAIT_S)


def members_of(document):
    return {s["name"]: {m["id"]: [m.get("weight", 1), m.get("order", "none") == "drain"] for m in s["members"]}
            for s in document["services"] if s["name"] in FAILBACK}


class Roamer(Caller):
    """A client that goes through another node now and then; `address` are all of theirs."""

    entry = None

    def begin_session(self):
        """Sessions with a key of their own have nothing to race for."""
        super().begin_session()
        while self.session.service not in KEYED and self.session.key:
            super().begin_session()

    def connect(self):
        self.entry = self.dice.choice(sorted(self.address))
        try:
            return Client(self.address[self.entry], timeout_s=60)
        except OSError:
            return None

    def compose(self):
        asked, data = super().compose()
        asked.entry = self.entry
        return asked, data

    def step(self):
        if self.dice.random() < ROAM_SHARE:
            self.leave()
        if self.session.service not in KEYED and self.dice.random() < AGAIN_SHARE:
            self.begin_session()     # to be raced for
        super().step()
