"""Rows of bench.py about clusters, Holdfast alone, on 127.0.0.1:

    rest     five nodes with elections, heartbeats and leases and no request: CPU of each, and of a node alone
    hop      CPU a small request through a node whose session lives at the next one, and through a gateway
    master   the master is killed (SIGKILL): until all others name the next one, advisory and by a lease
    detect   a server is stopped (SIGSTOP) and asked by nobody: until its node holds it down

Detection and checks have their defaults (period 1 s, timeout 300 ms; interval 1 s, timeout 500 ms, fall 2); the lease is
10 s in `rest` and 3 s in `master`.
"""

import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import time

IDS = "abcde"
VOTERS = "abc"
PERIOD_MS = 1000
LEASE_MS = 3000
REST_PERCENT = 0.1   # of a core, a node
DETECTIONS = 4       # a round
HOP_RATIO = 2.0      # node and node, of a gateway: a hop adds one proxy at most
WAIT_S = 90
SETTLE_S = 12        # after the start: delays are measured, the workers rest

NODE = """{alone}workers = 1; state_dir = "{dir}/{id}";
secrets = ( {{ id = "k"; file = "{dir}/secret"; }} );
listeners = ( {{ address = "127.0.0.1:{http}"; }} );
admin = {{ address = "127.0.0.1:{admin}"; }};
log = {{ failover = "{dir}/{id}.log"; level = "warn"; }};
services = ( {{ name = "bench"; session = {{ tag = {{ cookie = "HOLDFAST"; }}; }}; health = {{ {health} }};
  timeouts = {{ connect = "1s"; first_byte = "60s"; idle = "300s"; }};
  members = ( {members} ); }} );
"""


class Node:
    """One process; what bench.py's Load wants of a subject."""

    def __init__(self, bench, env, dir, id, text):
        self.bench, self.env, self.id = bench, env, id
        self.cookie = ["-k", "HOLDFAST"]
        self.path = os.path.join(dir, f"{id}.conf")
        os.makedirs(os.path.join(dir, id), exist_ok=True)
        with open(self.path, "w") as f:
            f.write(text)
        self.process = None

    def start(self):
        log = open(self.path + ".output", "a")
        self.process = self.bench.start([f"{self.env.build}/holdfast", "run", "-c", self.path], self.bench.PROXY_CPU,
                                        stdout=log, stderr=log)

    def status(self):
        """All that it says; None: it does not answer."""
        try:
            c = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=5)
            c.request("GET", "/status")
            body = c.getresponse().read()
            c.close()
            return json.loads(body)
        except (OSError, http.client.HTTPException):
            return None

    def told(self):
        """Its part of the status about the cluster; None: it does not answer."""
        status = self.status()
        return None if status is None else status.get("cluster") or {}

    def cpu(self):
        return self.bench.cpu_seconds(self.process.pid)


def nodes(bench, env, name, ids, cluster, members, health="enabled = false;"):
    """Written, not started. `members`: of (id, origin's port, id of the node beside it)."""
    dir = os.path.join(env.dir, name)
    shutil.rmtree(dir, ignore_errors=True)
    os.makedirs(dir)
    with open(os.open(os.path.join(dir, "secret"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("0123456789abcdef" * 4)
    ports = {i: bench.free_ports(3) for i in ids}
    listed = ", ".join(f'{{ id = "{i}"; http = "127.0.0.1:{ports[i][0]}"; address = "127.0.0.1:{ports[i][1]}"; '
                       f'rank = {n}; voter = {str(i in VOTERS).lower()}; }}' for n, i in enumerate(ids))
    made = {}
    for i in ids:
        head = f'node = "{i}"; cluster = {{ name = "bench"; {cluster} nodes = ( {listed} ); }};\n' if cluster is not None else ""
        beside = [f'{{ id = "{m}"; origin = "127.0.0.1:{port}"; ' +
                  (f'node = "127.0.0.1:{ports[at][0]}"; }}' if cluster is not None else "}") for m, port, at in members]
        made[i] = Node(bench, env, dir, i, NODE.format(alone=head, dir=dir, id=i, http=ports[i][0], admin=ports[i][2], health=health,
                                                       members=", ".join(beside)))
        made[i].port, made[i].admin = ports[i][0], ports[i][2]
        made[i].start()
    return made


def until(bench, condition, what):
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            bench.fail(f"not within {WAIT_S} s: {what}")
        time.sleep(0.005)


def agreed(all_nodes, but=None):
    """The master that all name; None: they do not, or name `but`."""
    said = {(n.told() or {}).get("master") for n in all_nodes}
    one = said.pop() if len(said) == 1 else None
    return one if one != but else None


def end(bench, all_nodes):
    for n in all_nodes:
        bench.stop(n.process)


# ---- at rest -------------------------------------------------------------------------------------


def row_rest(bench, env):
    seconds = 10 if env.quick else 30
    port = env.origin_ports[0]
    cluster = nodes(bench, env, "rest", IDS, 'safety = "lease"; lease = "10s";', [(i, port, i) for i in IDS])
    alone = nodes(bench, env, "rest-alone", "z", None, [(i, port, i) for i in IDS])
    until(bench, lambda: agreed(cluster.values()), "five nodes name one master")
    time.sleep(SETTLE_S)
    measured = {**cluster, **alone}
    before = {i: n.cpu() for i, n in measured.items()}
    time.sleep(seconds)
    percent = {i: (n.cpu() - before[i]) * 100 / seconds for i, n in measured.items()}
    master = agreed(cluster.values())
    end(bench, measured.values())
    print(f"\nat rest: five nodes, elections and leases, no request; CPU over {seconds} s, per cent of a core")
    for i in IDS:
        print(f"  {'node ' + i:16}{percent[i]:14.3f}" + ("  master" if i == master else ""))
    print(f"  {'a node alone':16}{percent['z']:14.3f}", flush=True)
    return {"nodes": {i: percent[i] for i in IDS}, "master": master, "alone": percent["z"]}


# ---- a hop ---------------------------------------------------------------------------------------


class Pair:
    """The first node, and what both cost."""

    def __init__(self, first, second):
        self.port, self.cookie, self.process = first.port, first.cookie, first.process
        self.name, self.both = "mesh", (first, second)

    def cpu(self):
        return sum(n.cpu() for n in self.both)


def row_hop(bench, env):
    n = 10000 if env.quick else 30000
    port = env.origin_ports[0]
    mesh = nodes(bench, env, "hop", "ab", 'safety = "advisory";', [("m", port, "b")])
    gateway = nodes(bench, env, "hop-gateway", "g", None, [("m", port, "g")])
    gateway["g"].name = "gateway"
    until(bench, lambda: agreed(mesh.values()), "two nodes name one master")
    until(bench, lambda: gateway["g"].told() is not None, "the gateway answers")
    results = bench.interleave(env, [gateway["g"], Pair(mesh["a"], mesh["b"])], env.rounds, c=64, n=n, w=4)
    end(bench, [*mesh.values(), *gateway.values()])
    ratio = statistics.median(m["cpu"] / g["cpu"] for m, g in zip(results["mesh"], results["gateway"]))
    print(f"\na hop: small answers, 64 keep-alive connections, {n} requests a window; CPU us a request")
    rows = {}
    for name, windows in results.items():
        us = [bench.cpu_us(r) for r in windows]
        rows[name] = {"cpu_us": statistics.median(us), "min": min(us), "max": max(us)}
        print(f"  {name:16}{rows[name]['cpu_us']:14.2f}{min(us):10.2f}..{max(us):.2f}")
    print(f"  both nodes are {ratio:.2f} of a gateway", flush=True)
    return {**rows, "ratio": ratio}


# ---- the master is lost --------------------------------------------------------------------------


def lose_master(bench, cluster):
    """Milliseconds from the kill to where all others name another."""
    old = agreed(cluster.values())
    others = [n for i, n in cluster.items() if i != old]
    began = time.monotonic()
    bench.stop(cluster[old].process, signal.SIGKILL)
    until(bench, lambda: agreed(others, old), "another master")
    took = (time.monotonic() - began) * 1000
    cluster[old].start()
    until(bench, lambda: agreed(cluster.values()), "all name one master again")
    time.sleep(3 * PERIOD_MS / 1000)
    return took


def row_master(bench, env):
    rows = {}
    print(f"\nthe master is killed: ms until all others name the next; period {PERIOD_MS} ms, lease {LEASE_MS} ms")
    for safety, lease in (("advisory", 0), ("lease", LEASE_MS)):
        cluster = nodes(bench, env, f"master-{safety}", IDS, f'safety = "{safety}"; lease = "{LEASE_MS}ms";',
                        [(i, env.origin_ports[0], i) for i in IDS])
        until(bench, lambda: agreed(cluster.values()), "five nodes name one master")
        time.sleep(SETTLE_S / 2)
        took, bounds = [], []
        for _ in range(env.rounds):
            bounds.append(max(n.told()["longest_wait_ms"] for n in cluster.values()) + 2 * PERIOD_MS + lease)
            took.append(lose_master(bench, cluster))
        end(bench, cluster.values())
        share = max(t / b for t, b in zip(took, bounds))
        rows[safety] = {"median_ms": statistics.median(took), "max_ms": max(took), "bound_ms": min(bounds), "share": share}
        print(f"  {safety:16}median {statistics.median(took):6.0f}   max {max(took):6.0f}   bound {min(bounds):6.0f}"
              f"   {share:.2f} of it at most", flush=True)
    return rows


# ---- a server hangs ------------------------------------------------------------------------------


def row_detect(bench, env):
    port, = bench.free_ports(1)
    origin = bench.start([f"{env.build}/tests/bench/origin", str(port)], bench.OTHER_CPU, stdout=subprocess.DEVNULL)
    gateway = nodes(bench, env, "detect", "g", None, [("m", port, "g")], health='path = "/healthz";')

    def is_in(state):
        status = gateway["g"].status()
        return status is not None and status["services"][0]["members"][0]["state"] == state

    until(bench, lambda: is_in("up"), "the server is up")
    took = []
    for n in range(DETECTIONS * env.rounds):
        time.sleep(PERIOD_MS / 1000 * (1 + n / (DETECTIONS * env.rounds)))  # at every place between two checks
        began = time.monotonic()
        origin.send_signal(signal.SIGSTOP)
        until(bench, lambda: is_in("down"), "the server is down")
        took.append((time.monotonic() - began) * 1000)
        origin.send_signal(signal.SIGCONT)
        until(bench, lambda: is_in("up"), "the server is up again")
    end(bench, gateway.values())
    bench.stop(origin)
    row = {"median_ms": statistics.median(took), "min_ms": min(took), "max_ms": max(took)}
    print(f"\na server hangs: ms until its node holds it down, {len(took)} times")
    print(f"  {'check':16}median {row['median_ms']:6.0f}   min {row['min_ms']:6.0f}   max {row['max_ms']:6.0f}", flush=True)
    return row


def goals(rows):
    """(what, figure, goal, format) for bench.py's verdict."""
    found = []
    if "rest" in rows:
        found.append(("five nodes at rest: CPU of each, per cent of a core", max(rows["rest"]["nodes"].values()),
                      REST_PERCENT, ".3f"))
    if "hop" in rows:
        found.append(("a hop: CPU of both nodes, of a gateway's", rows["hop"]["ratio"], HOP_RATIO, ".2f"))
    for safety, row in rows.get("master", {}).items():
        found.append((f"master lost ({safety}): until all know the next, of the bound", row["share"], 1.0, ".2f"))
    return found


def rows(bench):
    """{name: function of (env, running)} for bench.py."""
    return {"rest": lambda env, _: row_rest(bench, env), "hop": lambda env, _: row_hop(bench, env),
            "master": lambda env, _: row_master(bench, env), "detect": lambda env, _: row_detect(bench, env)}
