#!/usr/bin/env python3
"""Holdfast, HAProxy and nginx on the same work, in one interleaved run on 127.0.0.1.

    tests/bench/bench.py [--quick] [--json FILE] [--rows small,10k,rate,idle,instructions,64k,1m,...,calls,full,resumed,tls,h2,h2-one,h2c,edge,choose,pool,...]
                         [--rounds N] [--peers] [--only holdfast,haproxy,...] [--build DIR]

Three origins (origin.c) and the clients (load.c) are ours and cost little; the proxy in between has
one worker and is what is measured. Each round gives every proxy one window of the same work, one
after the other (A B C A B C ...), so that a noisy machine is noisy for all; a figure is the median
over the rounds, a ratio the median of the ratios within each round. CPU is what the kernel charged
to the proxy's threads, user and system, between the moment when all connections are open and warm and
the last answer. With two processors or more the proxy has one to itself, clients and origins another.

Rows: small         ~200 byte answers, 256 keep-alive connections, closed loop
      10k           10 KiB answers, the same
      rate          small answers at the same fixed rate for all, latency counted from when due
      idle          memory of the proxy per idle keep-alive connection, 10,000 of them
      instructions  user instructions a small request, by callgrind; --peers: of all, not only ours
      64k, 1m, 100m, 1m-chunked, with and without -up, calls   large bodies, system calls (bodies.py)
      full, resumed, tls, h2, h2-one, h2c   TLS handshakes and requests, HTTP/2 (edges.py)
      edge          user instructions of requests as in tls, h2, h2-one and h2c; --peers as above
      choose, pool, checks, commands   large pools (pools.py): Holdfast alone
      rest, hop, master, detect        clusters (clusters.py): Holdfast alone
"floor" copies bytes and parses nothing (floor.c): what the kernel alone costs.
"""

import argparse
import atexit
import ctypes
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bodies
import clusters
import edges
import pools

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROXY_CPU, OTHER_CPU = 0, 1
CONNECTIONS = 256
IDLE_CONNECTIONS = 10000
PR_SET_PDEATHSIG = 1
GIB = 1 << 30

libc = ctypes.CDLL(None)
children = []


def fail(text):
    print("bench: " + text, file=sys.stderr)
    sys.exit(1)


# ---- processes ----------------------------------------------------------------------------------


def child_setup(cpu):
    """What a child does before it runs: dies with us, many descriptors, its processor."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def pin(cpu):
    cpus = sorted(os.sched_getaffinity(0))
    return cpus[cpu] if len(cpus) > 1 and not pin.off else None


pin.off = False


def start(argv, cpu, **more):
    where = pin(cpu)
    process = subprocess.Popen(argv, preexec_fn=lambda: child_setup(where), **more)
    children.append(process)
    return process


def stop(process, sig=signal.SIGTERM, wait=20):
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process in children:
        children.remove(process)


def stop_group(process):
    """Stops what strace runs, so that strace says what it saw."""
    for pid in family(process.pid)[1:2]:
        os.kill(pid, signal.SIGTERM)
    process.wait(60)
    children.remove(process)


@atexit.register
def stop_all():
    for process in list(children):
        stop(process, wait=2)


def family(pid):
    """pid and all its descendants."""
    pids = [pid]
    for p in pids:
        for task in os.listdir(f"/proc/{p}/task"):
            with open(f"/proc/{p}/task/{task}/children") as f:
                pids += [int(c) for c in f.read().split()]
    return pids


def cpu_seconds(pid):
    """CPU time, user and system, of all threads of a process and of its descendants."""
    total = 0
    for p in family(pid):
        for task in os.listdir(f"/proc/{p}/task"):
            try:
                with open(f"/proc/{p}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
            except FileNotFoundError:
                with open(f"/proc/{p}/task/{task}/stat") as f:
                    ticks = f.read().rsplit(") ", 1)[1].split()[11:13]
                total += sum(map(int, ticks)) * 10**9 // os.sysconf("SC_CLK_TCK")
    return total / 1e9


def anonymous_bytes(pid):
    """Private memory of the process and its descendants, without mapped files."""
    total = 0
    for p in family(pid):
        with open(f"/proc/{p}/status") as f:
            total += int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) * 1024
    return total


def free_ports(count, first=[21000]):
    """Ports below the ephemeral range, so that no client connection takes them."""
    found = []
    while len(found) < count:
        first[0] += 1
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", first[0]))
            except OSError:
                continue
        found.append(first[0])
    return found


# ---- the proxies ---------------------------------------------------------------------------------


class Subject:
    """A proxy that can be started; `cookie` are the arguments that give the clients their session."""

    def __init__(self, name, command, config=None, words=None, cookie=()):
        self.name = name
        self.command = command
        self.config = config
        self.words = words or {}
        self.cookie = list(cookie)
        self.process = None
        self.port = None  # HTTP/1.1 in the clear
        self.tls = None   # TLS, HTTP/2 and HTTP/1.1
        self.h2c = None   # HTTP/2 with prior knowledge

    def launch(self, env, prefix=(), words=None, poll_s=0.05):
        """Starts it, waits until it answers 200; returns the process."""
        self.port, self.tls, self.h2c = free_ports(3)
        if self.name != "nginx":  # whose listeners in the clear speak one or the other
            self.h2c = self.port
        dirname = os.path.join(env.dir, self.name)
        shutil.rmtree(dirname, ignore_errors=True)
        os.makedirs(dirname)
        values = {"PORT": self.port, "TLS": self.tls, "H2C": self.h2c, "PEM": env.pem, "DIR": dirname, **self.words, **(words or {})}
        values.update({f"ORIGIN{i + 1}": p for i, p in enumerate(env.origin_ports)})
        path = ""
        if self.config:
            with open(os.path.join(HERE, self.config)) as f:
                text = re.sub(r"@([A-Z0-9]+)@", lambda m: str(values[m.group(1)]), f.read())
            path = os.path.join(dirname, self.config)
            with open(path, "w") as f:
                f.write(text)
        argv = [a.format(conf=path, port=self.port, dir=dirname, build=env.build) for a in self.command]
        if self.name.startswith("floor"):
            argv += map(str, env.origin_ports)
        log = open(os.path.join(dirname, "output"), "w")
        process = start(list(prefix) + argv, PROXY_CPU, stdin=subprocess.DEVNULL, stdout=log,
                        stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                with open(log.name) as f:
                    fail(f"{self.name} does not answer:\n{f.read()}")
            time.sleep(poll_s)
        self.process = process
        return process

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def answers(self):
        try:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            c.request("GET", "/")
            status = c.getresponse().status
            c.close()
            return status == 200
        except (OSError, http.client.HTTPException):
            return False


    def session(self):
        """A cookie for a session, as load.c gives or learns it."""
        how, name = self.cookie
        if how == "-K":
            return f"{name}=0123456789abcdef"
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        c.request("GET", "/")
        given = c.getresponse().getheader("Set-Cookie") or ""
        c.close()
        if not given.startswith(name + "="):
            fail(f"{self.name} sets no cookie {name}")
        return given.split(";")[0]


def subjects(build):
    return [
        Subject("holdfast", ["{build}/holdfast", "run", "-c", "{conf}"], "holdfast.conf",
                cookie=["-k", "HOLDFAST"]),
        Subject("haproxy", ["haproxy", "-db", "-f", "{conf}"], "haproxy.cfg", {"SPLICE": ""},
                cookie=["-k", "SRV"]),
        Subject("haproxy+splice", ["haproxy", "-db", "-f", "{conf}"], "haproxy.cfg",
                {"SPLICE": "option splice-request\n\toption splice-response"}, cookie=["-k", "SRV"]),
        Subject("nginx", ["nginx", "-c", "{conf}", "-e", "{dir}/nginx.error.log"], "nginx.conf",
                {"MASTER": "on"}, cookie=["-K", "APP"]),
        Subject("floor", ["{build}/tests/bench/floor", "{port}"], cookie=["-K", "APP"]),
        Subject("floor+splice", ["{build}/tests/bench/floor", "-s", "{port}"], cookie=["-K", "APP"]),
    ]


class Load:
    """load.c with its connections open and warm; one window a call."""

    def __init__(self, env, subject, port="port", **options):
        argv = [f"{env.build}/tests/bench/load", "-a", str(getattr(subject, port))] + subject.cookie
        for key, value in options.items():
            argv += ["-" + key] + ([] if value is None else [str(value)])
        self.subject = subject
        self.process = start(argv, OTHER_CPU, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            fail(f"the clients of {subject.name} could not begin")

    def window(self):
        before = self.subject.cpu()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            fail(f"the clients of {self.subject.name} died")
        result = json.loads(line)
        result["cpu"] = self.subject.cpu() - before
        if result["errors"] or not result["requests"]:
            fail(f"{self.subject.name}: {result['errors']} errors: {result['error']}")
        return result

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        children.remove(self.process)


# ---- the rows ------------------------------------------------------------------------------------


def interleave(env, running, rounds, **options):
    """One window of load.c for each proxy in turn, `rounds` times."""
    return windows(running, rounds, lambda s: one_window(env, s, **options))


def windows(running, rounds, window):
    """What `window` returns of each proxy in turn, `rounds` times. {name: [result, ...]}"""
    results = {s.name: [] for s in running}
    for n in range(rounds):
        for s in running:
            results[s.name].append(window(s))
        if sys.stderr.isatty():
            print(f"\r  round {n + 1} of {rounds} ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True)
    return results


def ratio_to(values, ours):
    """Holdfast divided by this proxy: the median over the rounds."""
    if ours is None or ours is values:
        return None
    return statistics.median(a / b for a, b in zip(ours, values))


def table(title, results, columns, ratio=0):
    """columns: (heading, function of a result, format). The ratio is made of column `ratio`."""
    print(f"\n{title}")
    print(f"  {'':16}" + "".join(f"{h:>14}" for h, _, _ in columns) + f"{'spread':>18}{'holdfast is':>14}")
    of = columns[ratio][1]
    ours = [of(r) for r in results["holdfast"]] if "holdfast" in results else None
    rows = {}
    for name, windows in results.items():
        values = [of(r) for r in windows]
        row = {h: statistics.median(f(r) for r in windows) for h, f, _ in columns}
        times = ratio_to(values, ours if name != "holdfast" else None)
        form = columns[ratio][2]
        spread = f"{format(min(values), form)}..{format(max(values), form)}"
        print(f"  {name:16}" + "".join(f"{format(row[h], form):>14}" for h, _, form in columns)
              + f"{spread:>18}" + (f"{times:13.2f}x" if times else ""))
        rows[name] = {**row, "min": min(values), "max": max(values), "holdfast_ratio": times}
    sys.stdout.flush()
    return rows


def cpu_us(r):
    return r["cpu"] / r["requests"] * 1e6


def cpu_gib(r):
    return r["cpu"] / r["bytes"] * GIB


REQUEST_COLUMNS = [("CPU us/req", cpu_us, ".2f"), ("req/s", lambda r: r["rps"], ".0f"),
                   ("p50 us", lambda r: r["p50_us"], ".0f"), ("p99 us", lambda r: r["p99_us"], ".0f")]
RATE_COLUMNS = [REQUEST_COLUMNS[3], REQUEST_COLUMNS[2], REQUEST_COLUMNS[0], REQUEST_COLUMNS[1]]
BODY_COLUMNS = [("CPU s/GiB", cpu_gib, ".3f"), ("GiB/s", lambda r: r["bytes"] / r["seconds"] / GIB, ".2f"),
                ("p99 us", lambda r: r["p99_us"], ".0f")]


def row_small(env, running):
    n = 15000 if env.quick else 50000
    results = interleave(env, plain(running), env.rounds, c=CONNECTIONS, n=n, w=4)
    return table(f"small answers: {CONNECTIONS} keep-alive connections, sticky, {n} requests a window, "
                 "closed loop", results, REQUEST_COLUMNS)


def row_10k(env, running):
    n = 8000 if env.quick else 25000
    results = interleave(env, plain(running), env.rounds, c=CONNECTIONS, n=n, w=4, p="/10k")
    return table(f"10 KiB answers: {CONNECTIONS} connections, {n} requests a window", results,
                 REQUEST_COLUMNS)


def row_rate(env, running):
    rate = env.rate
    n = rate * (1 if env.quick else 3)
    results = interleave(env, plain(running), env.rounds, c=CONNECTIONS, n=n, w=4, r=rate)
    return table(f"latency: {rate} small requests a second over {CONNECTIONS} connections, open loop",
                 results, RATE_COLUMNS)


def row_idle(env, running):
    """Growth of private memory while connections open, after a warm-up that fills the pools."""
    print(f"\nidle: {IDLE_CONNECTIONS} keep-alive connections after one request each")
    print(f"  {'':16}{'bytes/conn':>14}{'holdfast is':>14}")
    rows = {}
    for s in [s for s in plain(running) if s.name != "floor"]:
        fresh = fresh_copy(env, s)
        # As many as load.c has in flight while it opens the rest.
        warm = Load(env, fresh, c=64, n=1000)
        warm.window()
        warm.close()
        time.sleep(1)
        before = anonymous_bytes(fresh.process.pid)
        load = Load(env, fresh, c=IDLE_CONNECTIONS, n=1)
        time.sleep(1)
        grown = anonymous_bytes(fresh.process.pid) - before
        # They must all still be there, and work.
        load.window()
        load.close()
        stop(fresh.process)
        rows[s.name] = {"bytes_per_connection": grown / IDLE_CONNECTIONS}
        ours = rows.get("holdfast", {}).get("bytes_per_connection")
        theirs = rows[s.name]["bytes_per_connection"]
        times = f"{ours / theirs:13.2f}x" if ours and s.name != "holdfast" else ""
        print(f"  {s.name:16}{theirs:14.0f}{times}", flush=True)
    return rows


def row_instructions(env, running):
    n = 3000 if env.quick else 8000
    print(f"\ninstructions: in user space, a small request, by callgrind ({n} and {2 * n} requests)")
    return count_instructions(env, plain(running), n, lambda s, n: one_window(env, s, c=64, n=n, w=4))


def one_window(env, subject, **options):
    load = Load(env, subject, **options)
    result = load.window()
    load.close()
    return result


def count_instructions(env, running, n, work):
    """A request of work(proxy, n): two runs, n and 2n requests: start, end and probes fall out of the difference."""
    print(f"  {'':16}{'a request':>14}{'holdfast is':>14}")
    rows = {}
    for s in [s for s in running if s.name == "holdfast" or env.peers]:
        totals = [callgrind(env, s, lambda fresh, n=n: work(fresh, n)), callgrind(env, s, lambda fresh, n=n: work(fresh, 2 * n))]
        each = (totals[1] - totals[0]) / n
        ours = rows.get("holdfast", {}).get("instructions")
        rows[s.name] = {"instructions": each, "holdfast_ratio": ours / each if ours else None}
        print(f"  {s.name:16}{each:14.0f}" + (f"{ours / each:13.2f}x" if ours else ""), flush=True)
    return rows


def callgrind(env, subject, work):
    """Instructions of one whole run that does `work`."""
    out = os.path.join(env.dir, "callgrind.out")
    prefix = ["valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={out}"]
    fresh = fresh_copy(env, subject, prefix, {"MASTER": "off"})
    work(fresh)
    stop(fresh.process, wait=60)
    with open(out) as f:
        return int(re.search(r"^(?:totals|summary): (\d+)", f.read(), re.M).group(1))


def fresh_copy(env, s, prefix=(), words=None):
    """Another instance, for work that must begin with a fresh process."""
    copy = Subject(s.name, s.command, s.config, s.words, s.cookie)
    copy.launch(env, prefix, words)
    return copy


def plain(running, tls=False):
    return [s for s in running if "+" not in s.name and not (tls and s.name == "floor")]


def private(path):
    """For open(): a new file that nobody else reads."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    return path


ROWS = {"small": row_small, "10k": row_10k, "rate": row_rate, "idle": row_idle,
        "instructions": row_instructions, **bodies.rows(sys.modules[__name__], edges), **edges.rows(sys.modules[__name__]), **pools.rows(sys.modules[__name__]),
        **clusters.rows(sys.modules[__name__])}


def verdict(rows):
    """The goals, in one place. Each line: what, figure, goal, kept or not."""
    lines = []

    def better(row, key):
        peers = [rows[row][p][key] for p in ("haproxy", "nginx") if p in rows.get(row, {})]
        return min(peers) if peers else None

    def goal(text, value, limit, form=".2f"):
        word = "kept" if value <= limit else "MISSED"
        lines.append(f"  {text:62}{format(value, form):>8}   goal <= {format(limit, form):6} {word}")

    ours = {row: v["holdfast"] for row, v in rows.items() if "holdfast" in v}
    if "small" in ours:
        ratios = [rows["small"][p]["holdfast_ratio"] for p in ("haproxy", "nginx") if p in rows["small"]]
        if ratios:
            goal("small: CPU a request, of the better of HAProxy and nginx", max(ratios), 0.75)
    if "1m" in ours and "haproxy" in rows["1m"]:
        goal("1 MiB: CPU a GiB, of HAProxy's", rows["1m"]["haproxy"]["holdfast_ratio"], 0.6)
    if "rate" in ours and better("rate", "p99 us"):
        goal("latency: p99, of the better of HAProxy and nginx",
             ours["rate"]["p99 us"] / better("rate", "p99 us"), 1.0)
    if "idle" in ours:
        goal("idle: bytes a connection", ours["idle"]["bytes_per_connection"], 512, ".0f")
    if "instructions" in ours:
        goal("instructions a small request", ours["instructions"]["instructions"], 8000, ".0f")
    for text, value, limit, form in bodies.goals(rows) + edges.goals(rows) + pools.goals(rows) + clusters.goals(rows):
        goal(text, value, limit, form)
    if lines:
        print("\ngoals")
        print("\n".join(lines))


# ---- all of it -----------------------------------------------------------------------------------


class Env:
    pass


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="about a minute: fewer and shorter windows")
    p.add_argument("--json", metavar="FILE", help="write all figures there too")
    p.add_argument("--rows", default=",".join(ROWS), help="which rows (default: all)")
    p.add_argument("--rounds", type=int, help="windows for each proxy (default 5, quick 3)")
    p.add_argument("--rate", type=int, default=8000, help="requests a second in the row `rate`")
    p.add_argument("--only", help="which proxies (default: all that are there)")
    p.add_argument("--peers", action="store_true", help="count the peers' instructions as well")
    p.add_argument("--callgrind", action="store_true", help="count the row `pool`'s instructions as well")
    p.add_argument("--no-pin", action="store_true", help="let the kernel place all processes")
    p.add_argument("--build", default=os.environ.get("B", "build"), help="the build directory")
    a = p.parse_args()
    for row in a.rows.split(","):
        if row not in ROWS:
            p.error(f"no row {row!r}")
    return a


def main():
    a = arguments()
    env = Env()
    pin.off = a.no_pin
    env.build = os.path.join(ROOT, a.build)
    env.dir = os.path.join(env.build, "bench-run")
    env.quick, env.peers, env.rate, env.callgrind = a.quick, a.peers, a.rate, a.callgrind
    env.rounds = a.rounds or (3 if a.quick else 5)
    os.makedirs(env.dir, exist_ok=True)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE_CONNECTIONS + 2000
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, PermissionError):
            print(f"bench: only {hard} descriptors; the row `idle` may not fit", file=sys.stderr)

    running = []
    for s in subjects(env.build):
        if a.only and s.name not in a.only.split(","):
            continue
        program = s.command[0].format(build=env.build)
        if not shutil.which(program):
            print(f"bench: {s.name} is left out: no {program}", file=sys.stderr)
            continue
        running.append(s)
    if not running:
        fail("nothing to measure")

    env.pem = edges.certificate(sys.modules[__name__], os.path.join(env.dir, "bench.pem"))
    env.origin_ports = free_ports(3)
    origin = start([f"{env.build}/tests/bench/origin"] + [str(p) for p in env.origin_ports], OTHER_CPU,
                   stdout=subprocess.PIPE, text=True)
    if origin.stdout.readline() != "ready\n":
        fail("the origins do not start")
    for s in running:
        s.launch(env)

    began = time.monotonic()
    pinned = "the proxy has a processor of its own" if pin(0) is not None else "processors shared by all"
    print(f"one worker each, {env.rounds} interleaved rounds, medians; {os.cpu_count()} processors, {pinned}")
    rows = {}
    for row in a.rows.split(","):
        rows[row] = ROWS[row](env, running)
    verdict(rows)
    print(f"\n{time.monotonic() - began:.0f} s")
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"rounds": env.rounds, "quick": env.quick, "rows": rows}, f, indent=1)


if __name__ == "__main__":
    main()
