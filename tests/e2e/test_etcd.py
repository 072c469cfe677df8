"""The engine etcd against a real etcd server, that this test starts: mastership, roles and terms of two nodes."""

import base64
import json
import os
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import HOST, free_port, wait_until
from test_roles import acquire, ask, look


class Etcd:
    def __init__(self):
        self.where = holdfast.folder()
        self.port, self.peer = free_port(HOST), free_port(HOST)
        self.start()
        holdfast.track(self)

    def start(self):
        url, peer = f"http://{HOST}:{self.port}", f"http://{HOST}:{self.peer}"
        with open(os.path.join(self.where, "log"), "ab") as log:
            self.child = subprocess.Popen(
                ["etcd", "--data-dir", os.path.join(self.where, "data"), "--listen-client-urls", url,
                 "--advertise-client-urls", url, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", f"default={peer}", "--unsafe-no-fsync"], stdout=log, stderr=log)
        wait_until(self.answers, "etcd answers")

    def answers(self):
        try:
            return self.call("/v3/kv/range", {"key": "YQ=="}) is not None
        except OSError:
            return False

    def call(self, path, body):
        request = urllib.request.Request(f"http://{HOST}:{self.port}{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def delete(self, key):
        return self.call("/v3/kv/deleterange", {"key": base64.b64encode(key.encode()).decode()})

    def stop(self):
        self.child.kill()
        self.child.wait()


def two(ids="ab"):
    etcd = Etcd()
    c = Cluster(ids, cluster={"engine": "etcd", "lease": "2s", "etcd": {"endpoint": f"{HOST}:{etcd.port}"}})
    c.wait_master()
    return etcd, c


def test_two_nodes_have_a_safe_master():
    etcd, c = two()
    first = c.wait_master()
    told = c.nodes[first].told()
    assert (told["safety"], told["engine"]) == ("lease", "etcd"), told
    c.nodes[first].die()
    other = "ab".replace(first, "")
    c.wait_master(among=other, master=other)
    assert c.nodes[other].told()["term"] > told["term"]


def test_l1_l5_roles_are_granted_once_and_terms_grow():
    etcd, c = two()
    terms = []
    for turn in range(3):
        node, rest = ("a", "b") if turn % 2 == 0 else ("b", "a")
        got = acquire(c.nodes[node], "batch", f"p{turn}", ttl="60s")
        terms.append(got["term"])
        assert ask(c.nodes[rest], "acquire", "batch", "other", ttl="1s").status == 409
        assert ask(c.nodes[node], "renew", "batch", f"p{turn}").status == 200
        assert ask(c.nodes[node], "release", "batch", f"p{turn}").status == 200
    assert terms == sorted(set(terms)), terms


def test_l9_a_dead_holders_role_goes_to_the_next():
    etcd, c = two()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    c.nodes["a"].die()
    assert acquire(c.nodes["b"], "batch", "p2", ttl="60s")["term"] > first["term"]


def test_l10_a_frozen_holder_knows_that_it_is_over():
    etcd, c = two()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    c.nodes["a"].freeze()
    assert acquire(c.nodes["b"], "batch", "p2", ttl="60s")["term"] > first["term"]
    c.nodes["a"].thaw()
    assert ask(c.nodes["a"], "renew", "batch", "p1").status == 409


def test_without_etcd_the_holder_stops_in_time_and_goes_on_when_it_is_back():
    etcd, c = two()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    etcd.stop()
    wait_until(lambda: ask(c.nodes["a"], "renew", "batch", "p1").status == 409, "a lost it by its own clock")
    etcd.start()
    assert acquire(c.nodes["b"], "batch", "p2")["term"] > first["term"]
    c.wait_master()


def test_a_key_that_was_deleted_is_a_role_that_was_lost():
    """The zombie of election libraries: the session lives, the key does not."""
    etcd, c = two()
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    etcd.delete("holdfast/shop/batch/holder")
    c.nodes["a"].wait_event("role_over")
    got = acquire(c.nodes["b"], "batch", "p2")
    assert got["term"] > first["term"]


if __name__ == "__main__":
    holdfast.main()
