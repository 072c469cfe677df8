"""What every engine of leases must do, on real processes: one suite, run for each of them by
tests/e2e/test_engines_<engine>.py (SEEDS 003, L2, L3, L5 to L11; L8: disk passes the same).

    engine_suite.add_tests(globals(), Disk)     test_disk_l5_... and so on, one a case

An engine here is a class: a cluster of nodes a, b, c with what keeps their leases, some of which may be taken away
(`lose`: "minority", "majority") and given back (`heal`).
"""

import base64
import json
import os
import subprocess
import threading
import time
import urllib.request

import holdfast
from cluster import Cluster
from holdfast import HOST, free_port, text_of, wait_until

ADMIN = [("Holdfast-Admin", "1")]


# ---- asking the roles interface


def ask(node, what, role, holder, **query):
    query = "&".join(f"{k}={v}" for k, v in {"holder": holder, **query}.items())
    with holdfast.Client(node.admin_address) as client:
        return client.request("POST", f"/v1/roles/{role}/{what}?{query}", fields=ADMIN)


def acquire(node, role, holder, ttl="10s", wait="20s"):
    r = ask(node, "acquire", role, holder, ttl=ttl, wait=wait)
    assert r.status == 200 and r.json["yours"], (r.status, r.body)
    return r.json


def renews(node, role, holder):
    return ask(node, "renew", role, holder, ttl="60s").status == 200


def look(node, role):
    r = node.admin(f"/v1/roles/{role}")
    assert r.status == 200, r.body
    return r.json


# ---- the engines


class Embedded:
    """The voters are the nodes themselves."""

    name = "embedded"
    lease = "1s"

    def __init__(self, ids="abc", **more):
        self.lost = []
        self.cluster = Cluster(ids, voters=ids, cluster={"lease": self.lease, **self.keys()}, **more)
        self.nodes = self.cluster.nodes
        self.cluster.wait_master()

    def keys(self):
        return {}

    def lose(self, how):
        """Node a is spared: it is asked."""
        self.lost = ["c"] if how == "minority" else ["b", "c"]
        for i in self.lost:
            self.nodes[i].die()

    def heal(self):
        for i in self.lost:
            self.nodes[i].come_back()
        self.lost = []

    def asked(self):
        """Two nodes that may be asked while something is lost."""
        return self.nodes["a"], self.nodes["a" if "b" in self.lost else "b"]


class Disk(Embedded):
    """Three shared files; one that was renamed is as good as a disk that is not there."""

    name = "disk"

    def keys(self):
        where = holdfast.folder()
        self.files = [os.path.join(where, f"leases{i}") for i in range(3)]
        for path in self.files:
            open(path, "wb").close()
        return {"engine": "disk", "disk": {"files": self.files}}

    def lose(self, how):
        self.lost = self.files[:1] if how == "minority" else self.files[:2]
        for path in self.lost:
            os.rename(path, path + ".gone")

    def heal(self):
        for path in self.lost:
            os.rename(path + ".gone", path)
        self.lost = []


class EtcdServer:
    """One of an etcd cluster; `peers`: {name: url}."""

    def __init__(self, name, peers, port):
        self.where = holdfast.folder()
        self.name, self.peers, self.port = name, peers, port
        self.child = None
        self.start()
        holdfast.track(self)

    def start(self):
        url = f"http://{HOST}:{self.port}"
        with open(os.path.join(self.where, "log"), "ab") as log:
            self.child = subprocess.Popen(
                ["etcd", "--name", self.name, "--data-dir", os.path.join(self.where, "data"),
                 "--listen-client-urls", url, "--advertise-client-urls", url,
                 "--listen-peer-urls", self.peers[self.name], "--initial-advertise-peer-urls", self.peers[self.name],
                 "--initial-cluster", ",".join(f"{n}={u}" for n, u in self.peers.items()), "--unsafe-no-fsync"],
                stdout=log, stderr=log)

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


class Etcd(Embedded):
    """A real etcd cluster of three; the nodes ask the first."""

    name = "etcd"
    lease = "2s"  # etcd's own leases are no shorter

    def keys(self):
        peers = {n: f"http://{HOST}:{free_port(HOST)}" for n in "xyz"}
        self.servers = [EtcdServer(n, peers, free_port(HOST)) for n in peers]
        for server in self.servers:
            wait_until(server.answers, "etcd answers")
        return {"engine": "etcd", "etcd": {"endpoint": f"{HOST}:{self.servers[0].port}"}}

    def lose(self, how):
        self.lost = self.servers[2:] if how == "minority" else self.servers[1:]
        for server in self.lost:
            server.stop()

    def heal(self):
        for server in self.lost:
            server.start()
        for server in self.lost:
            wait_until(server.answers, "etcd answers")
        self.lost = []


# ---- the cases


def the_status_names_it(e):
    told = e.nodes["a"].told()
    assert (told["safety"], told["engine"]) == ("lease", e.name), told


def l2_l3_roles_are_independent(e):
    """Two processes lead two roles at once, one a third; nobody renews another's."""
    one = acquire(e.nodes["a"], "batch", "p1")
    two = acquire(e.nodes["b"], "mail", "p2")
    third = acquire(e.nodes["a"], "third", "p3")
    assert ask(e.nodes["a"], "renew", "batch", "p1").json["term"] == one["term"]
    assert ask(e.nodes["b"], "renew", "mail", "p2").json["term"] == two["term"]
    assert ask(e.nodes["a"], "renew", "third", "p3").json["term"] == third["term"]
    assert ask(e.nodes["a"], "renew", "mail", "p2").status == 409
    assert ask(e.nodes["a"], "release", "batch", "p1").status == 200
    assert ask(e.nodes["b"], "renew", "mail", "p2").status == 200


def l5_of_many_that_ask_at_once_one_gets_it(e):
    """Three nodes, two processes each, all at once: one holder, and all of the others hear no."""
    answers = {}

    def one(i, p):
        answers[i, p] = ask(e.nodes[i], "acquire", "batch", f"{p}-{i}", ttl="60s", wait="5s")

    threads = [threading.Thread(target=one, args=(i, p)) for i in "abc" for p in ("p", "q")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(r.status for r in answers.values()) == [200] + [409] * 5, {k: r.body for k, r in answers.items()}
    holder = next(f"{p}-{i}" for (i, p), r in answers.items() if r.status == 200)
    assert all(r.json["yours"] == (r.status == 200) for r in answers.values())
    for i in "abc":
        wait_until(lambda i=i: look(e.nodes[i], "batch")["holder"] == holder, f"{i} knows {holder}")


def l5_release_hands_over(e):
    """Each term is above the one before, whoever gives back to whom."""
    terms = []
    for turn, i in enumerate("abcab"):
        got = acquire(e.nodes[i], "batch", f"p{turn}", ttl="60s")
        terms.append(got["term"])
        other = e.nodes["b" if i == "a" else "a"]
        assert ask(other, "acquire", "batch", "other", ttl="1s").status == 409
        assert ask(e.nodes[i], "release", "batch", f"p{turn}").status == 200
        assert not renews(e.nodes[i], "batch", f"p{turn}")
    assert terms == sorted(set(terms)), terms


def l6_a_minority_may_be_lost(e):
    e.lose("minority")
    first, second = e.asked()
    got = acquire(first, "batch", "p1", wait="30s")
    assert renews(first, "batch", "p1")
    assert ask(first, "release", "batch", "p1").status == 200
    assert acquire(second, "batch", "p2", wait="30s")["term"] > got["term"]
    e.heal()
    assert acquire(second, "mail", "p2", wait="30s")["yours"]


def l6_l9_without_a_majority_nobody_holds_anything(e):
    """The holder stops by its own clock, nobody is granted anything; with a majority it goes on, above the old term."""
    first = acquire(e.nodes["a"], "batch", "p1", ttl="60s")
    e.lose("majority")
    wait_until(lambda: not renews(e.nodes["a"], "batch", "p1"), "the holder lost it by its own clock")
    for node in e.asked():
        assert ask(node, "acquire", "mail", "p2", ttl="10s", wait="3s").status == 409
    wait_until(lambda: e.nodes["a"].told()["state"] != "master", "nobody is master")
    e.heal()
    assert acquire(e.nodes["b"], "batch", "p2", wait="40s")["term"] > first["term"]
    e.cluster.wait_master()


def l7_the_value_is_the_last_that_was_written(e):
    """The membership goes over from master to master: each change is made on top of the one before."""
    c = e.cluster
    epochs = []
    for weight in ("2", "3", "4"):
        master = c.wait_master()
        status, out, err = holdfast.holdfast("members", "--admin", text_of(e.nodes["a"].admin_address), "--json",
                                             "weight", "b", weight)
        assert status == 0, err
        epochs.append(json.loads(out)["epoch"])
        wait_until(lambda: {n.told()["epoch"] for n in e.nodes.values()} == {epochs[-1]}, f"epoch {epochs[-1]}")
        e.nodes[master].die()
        e.nodes[master].come_back()
        c.wait_master()
    assert epochs == [1, 2, 3], epochs
    for node in e.nodes.values():
        members = {m["id"]: m for m in node.admin("/v1/membership").json["services"][0]["members"]}
        assert members["b"]["weight"] == 4, members


def l9_a_dead_holders_role_goes_on_after_its_lease(e):
    """kill -9. What the holder's process was told counts from when it asked: until then nobody else is granted it."""
    acquire(e.nodes["a"], "batch", "p1", ttl="60s")
    asked = time.monotonic()
    told = ask(e.nodes["a"], "renew", "batch", "p1", ttl="60s").json
    e.nodes["a"].die()
    got = acquire(e.nodes["b"], "batch", "p2", ttl="60s", wait="30s")
    assert got["term"] > told["term"]
    assert time.monotonic() >= asked + told["expires_in"], (asked, told)


def l9_who_stops_asking_loses_it_though_the_node_lives(e):
    first = acquire(e.nodes["a"], "batch", "p1", ttl="500ms")
    assert acquire(e.nodes["b"], "batch", "p2", wait="30s")["term"] > first["term"]
    assert not renews(e.nodes["a"], "batch", "p1")


def l10_a_frozen_holder_knows_that_it_is_over(e):
    """SIGSTOP, SIGCONT: its first word after that is no."""
    first = acquire(e.nodes["a"], "batch", "p1", ttl="60s")
    e.nodes["a"].freeze()
    got = acquire(e.nodes["b"], "batch", "p2", ttl="60s", wait="30s")
    assert got["term"] > first["term"]
    e.nodes["a"].thaw()
    late = ask(e.nodes["a"], "renew", "batch", "p1", ttl="60s")
    assert late.status == 409 and not late.json["yours"], late.body
    assert renews(e.nodes["b"], "batch", "p2")


def l10_yes_is_never_said_by_two(e):
    """Holders frozen and killed again and again, all watched by one clock: who says yes began to be asked before the
    next was granted it."""
    lock, said, ends = threading.Lock(), {}, threading.Event()

    def watch(i):
        while not ends.is_set():
            began = time.monotonic()
            try:
                yes = renews(e.nodes[i], "batch", f"p-{i}")
            except (OSError, holdfast.Ended):
                yes = False  # it died as it was asked
            if yes:
                with lock:
                    said[i] = began
            time.sleep(0.01)

    watchers = [threading.Thread(target=watch, args=(i,)) for i in "abc"]
    acquire(e.nodes["a"], "batch", "p-a", ttl="60s")
    for t in watchers:
        t.start()
    try:
        terms = []
        for turn, (former, i) in enumerate(("ab", "bc", "ca")):
            wait_until(lambda former=former: former in said, f"{former} says yes")
            if turn == 1:
                e.nodes[former].die()
            else:
                e.nodes[former].freeze()
            terms.append(acquire(e.nodes[i], "batch", f"p-{i}", ttl="60s", wait="30s")["term"])
            granted = time.monotonic()
            if turn == 1:
                e.nodes[former].come_back()
            else:
                e.nodes[former].thaw()
            wait_until(lambda i=i: i in said, f"{i} says yes")
            with lock:
                assert said[former] < granted, (said, granted)
                del said[former]
    finally:
        ends.set()
        for t in watchers:
            t.join()
    assert terms == sorted(set(terms)), terms


def l11_terms_grow_over_the_restart_of_all(e):
    terms = []
    for i in "abc":
        terms.append(acquire(e.nodes[i], "batch", "p1", wait="40s")["term"])
        for node in e.nodes.values():
            node.die()
        for node in e.nodes.values():
            node.come_back()
    assert terms == sorted(set(terms)), terms


def two_nodes_have_a_safe_master(e):
    """What embedded cannot give them: two nodes are no majority without each other."""
    first = e.cluster.wait_master()
    term = e.nodes[first].told()["term"]
    e.nodes[first].die()
    other = "ab".replace(first, "")
    e.cluster.wait_master(among=other, master=other)
    assert e.nodes[other].told()["term"] > term
    assert acquire(e.nodes[other], "batch", "p1", wait="30s")["yours"]


CASES = [the_status_names_it, l2_l3_roles_are_independent, l5_of_many_that_ask_at_once_one_gets_it,
         l5_release_hands_over, l6_a_minority_may_be_lost, l6_l9_without_a_majority_nobody_holds_anything,
         l7_the_value_is_the_last_that_was_written, l9_a_dead_holders_role_goes_on_after_its_lease,
         l9_who_stops_asking_loses_it_though_the_node_lives, l10_a_frozen_holder_knows_that_it_is_over,
         l10_yes_is_never_said_by_two, l11_terms_grow_over_the_restart_of_all]


def add_tests(space, engine):
    """One test a case, with the engine's name."""
    for case in CASES:
        space[f"test_{engine.name}_{case.__name__}"] = lambda case=case: case(engine())
    if engine is not Embedded:
        space[f"test_{engine.name}_two_nodes_have_a_safe_master"] = lambda: two_nodes_have_a_safe_master(engine("ab"))
