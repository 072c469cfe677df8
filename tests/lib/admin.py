"""A client of the admin interface, and a strict reader of the Prometheus text format 0.0.4.

    p = Holdfast([a], top=listening())      an admin address of its own
    admin = Admin(p)
    admin.status()["services"][0]["members"]
    admin.post("/members/a/drain")
    admin.metrics().value("holdfast_requests_total", service="shop", cause="done")
"""

import json
import math
import random
import re
import socket

import holdfast
from holdfast import Client, text_of, wait_until

CHANGE = ("Holdfast-Admin", "1")


def listening(address=None, **more):
    """The top of a configuration with an admin address; the address stands in it."""
    return {"admin": {"address": text_of(address or (holdfast.HOST, holdfast.free_port())), **more}}


def port_of_all():
    """A port that is free on every address; not where other tests at the same time look for theirs."""
    for _ in range(1000):
        port = random.randrange(20000, 31000)
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                continue
        return port
    raise AssertionError("no port is free")


def address_of(p):
    host, _, port = p.conf["admin"]["address"].rpartition(":")
    return host.strip("[]"), int(port)


class Admin:
    def __init__(self, p, token=None):
        self.address = address_of(p)
        self.token = token

    def client(self, **more):
        return Client(self.address, **more)

    def request(self, method, target, fields=(), **more):
        lines = [("Authorization", f"Bearer {self.token}")] if self.token else []
        with self.client() as c:
            return c.request(method, target, fields=lines + list(fields), **more)

    def get(self, target, **more):
        return self.request("GET", target, **more)

    def post(self, target, **more):
        """A change that must be granted; its JSON."""
        r = self.request("POST", target, fields=[CHANGE], **more)
        assert r.status == 200, (r.status, r.body)
        return r.json

    def json(self, target):
        r = self.get(target)
        assert r.status == 200 and r.fields.get("Content-Type") == "application/json", (r.head, r.body)
        return r.json

    def status(self):
        return self.json("/status")

    def service(self, name="shop"):
        return next(s for s in self.status()["services"] if s["name"] == name)

    def member(self, id, service="shop"):
        return next(m for m in self.service(service)["members"] if m["id"] == id)

    def wait_total(self, count, service="shop"):
        """A request is counted when it is over, a moment after its answer was read."""
        wait_until(lambda: self.service(service)["requests"]["total"] >= count, f"{count} requests are counted")
        assert self.service(service)["requests"]["total"] == count

    def metrics(self):
        r = self.get("/metrics")
        assert r.status == 200
        assert r.fields.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        return Metrics(r.body.decode("utf-8"))


class Follower:
    """One connection that reads /events, or another stream."""

    def __init__(self, admin, target="/events", **more):
        self.wire = admin.client(**more)
        fields = [("Authorization", f"Bearer {admin.token}")] if admin.token else []
        self.wire.send(self.wire.request_bytes("GET", target, fields=fields))
        self.head = self.wire.head()

    def next(self):
        """The next event's name ("message" if it has none) and JSON; comments and retry are passed over."""
        while True:
            block = self.wire.until(b"\n\n")[:-2].decode("utf-8").split("\n")
            fields = [line.partition(": ")[::2] for line in block if not line.startswith(":")]
            data = [v for n, v in fields if n == "data"]
            if data:
                return dict(fields).get("event", "message"), json.loads("\n".join(data))

    def wait(self, event, **fields):
        while True:
            _, line = self.next()
            if line.get("event") == event and all(line.get(k) == v for k, v in fields.items()):
                return line


# ---- metrics ------------------------------------------------------------------------------------

METRIC_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({METRIC_NAME})(?:\{{((?:{LABEL},)*{LABEL})\}})? (\S+)")
VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class Metrics:
    """Reads one exposition and refuses what a strict reader could."""

    def __init__(self, text):
        assert text.endswith("\n") and "\r" not in text
        self.types = {}
        self.helps = {}
        self.samples = {}
        self.family = None
        for line in text.split("\n")[:-1]:
            self.take(line)
        for family, type in self.types.items():
            if type == "counter":
                assert family.endswith("_total"), family
            if type == "histogram":
                self.check_histogram(family)

    def take(self, line):
        comment = re.fullmatch(rf"# (HELP|TYPE) ({METRIC_NAME}) (.+)", line)
        if comment and comment[1] == "HELP":
            assert comment[2] not in self.helps, f"a second HELP: {line}"
            assert not re.search(r"\\(?![\\n])", comment[3]), line
            self.helps[comment[2]] = comment[3]
            self.family = comment[2]
            return
        if comment:
            assert self.family == comment[2] and comment[2] not in self.types, f"TYPE out of place: {line}"
            assert comment[3] in TYPES, line
            self.types[comment[2]] = comment[3]
            return
        sample = SAMPLE.fullmatch(line)
        assert sample, f"not a sample: {line!r}"
        name, labels, value = sample[1], re.findall(LABEL, sample[2] or ""), sample[sample.re.groups]
        assert VALUE.fullmatch(value), line
        names = [n for n, _ in labels]
        assert len(set(names)) == len(names), f"a label twice: {line}"
        self.check_family(name, names)
        key = (name, tuple(sorted((n, unescape(v)) for n, v in labels)))
        assert key not in self.samples, f"a second time: {line}"
        self.samples[key] = float(value)
        if self.types[self.family] in ("counter", "histogram"):
            assert self.samples[key] >= 0, line

    def check_family(self, name, labels):
        assert self.family in self.types, f"{name}: no TYPE before it"
        if self.types[self.family] == "histogram":
            assert name in [self.family + end for end in ("_bucket", "_sum", "_count")], name
            assert ("le" in labels) == name.endswith("_bucket"), name
        else:
            assert name == self.family, f"{name} stands in {self.family}"

    def check_histogram(self, family):
        series = {}
        for (name, labels), value in self.samples.items():
            if name == family + "_bucket":
                bound = float(dict(labels)["le"].replace("+Inf", "inf"))
                series.setdefault(tuple(l for l in labels if l[0] != "le"), []).append((bound, value))
        for labels, buckets in series.items():
            bounds = [b for b, _ in buckets]
            counts = [c for _, c in buckets]
            assert bounds == sorted(set(bounds)) and math.isinf(bounds[-1]), (family, labels)
            assert counts == sorted(counts), (family, labels)
            assert self.samples[(family + "_count", labels)] == counts[-1]
            assert (family + "_sum", labels) in self.samples

    def all(self, name, **labels):
        """Label sets and values of this sample that have these labels."""
        return [(dict(k[1]), v) for k, v in self.samples.items()
                if k[0] == name and all(dict(k[1]).get(n) == v2 for n, v2 in labels.items())]

    def value(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, (name, labels, found)
        return found[0][1]

    def total(self, name, **labels):
        return sum(v for _, v in self.all(name, **labels))


def unescape(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)
