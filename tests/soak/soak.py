#!/usr/bin/env python3
"""The soak: load on a node whose members are killed, stopped and revived while its configuration changes
and its logs are rotated; then every promise is checked by what clients, members and logs wrote down.

    SOAK_S=600 SOAK_SEED=1 tests/soak/soak.py       what `make soak` runs

Ends by itself: after SOAK_S (20 at least) and the time that the checks of the history take. The same
seed gives the same schedule (weather.py) and the same clients (clients.py). Prints findings, then one
closing line; exit status 1 on any finding. The history stays in build/soak/, so that

    tests/soak/history.py build/soak

checks it once more. HOLDFAST or B in the environment say which binary.

  warm-up: load, weather | quiet: measured | load, weather ... | quiet: measured, compared | stop, check
"""

import json
import os
import random
import shutil
import signal
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import admin
import gauges
import history
import holdfast
import weather
from admin import Follower
from clients import Crowd, cookie_of
from history import Disturbed, Finding, History, Membership
from holdfast import HOST, Holdfast, Process, free_port, is_listening, libconfig, text_of, wait_until

FAILBACK = {"go": "stay", "back": "return"}
CLIENTS, RATE = 40, 500           # requests a second, all clients together, at most
RATE_SANITIZED = 120
WORKERS = 3
SECONDS_MIN = 20
CHECKS_S = 5.0                    # a member and service: what HEALTH says
HEALTH = {"path": "/healthz", "interval": "200ms", "timeout": "1s", "fall": 2, "rise": 2}
TIMEOUTS = {"connect": "1s", "first_byte": "2s", "idle": "5s", "pool_idle": "1s"}
LINGER_S = 8.0                    # a member that moved answers at its old address what it was asked
SHOWN_MAX = 10                    # findings of one kind
COVERED = ["failovers", "failbacks", "rehomed", "downs", "ups", "drains", "reloads", "refused", "unmoved"]
COVERED_FROM_S = 120              # a soak of that length has seen all of them


# ---- members ----------------------------------------------------------------------------------------


class Server:
    """A member of the soak: its process now, and where its records are."""

    def __init__(self, id, folder):
        self.id, self.folder = id, folder
        self.incarnation = 0
        self.process = None
        self.address = None
        self.old = []              # (process, when to end it) at addresses that it has left

    def start(self):
        self.incarnation += 1
        self.address = self.address or (HOST, free_port())
        log = os.path.join(self.folder, f"processed.{self.number()}")
        self.process = Process([sys.executable, os.path.join(HERE, "member.py"), self.id, text_of(self.address),
                                str(self.incarnation), log], holdfast.folder())
        wait_until(lambda: self.process.child.poll() is not None or is_listening(self.address),
                   f"member {self.id} listens")
        if self.process.child.poll() is not None:
            raise AssertionError(f"member {self.id} ended: {self.process.stderr}")

    def number(self):
        return weather.IDS.index(self.id) + 1

    def move(self):
        """To another address; the old one goes on for a while."""
        self.old.append((self.process, time.monotonic() + LINGER_S))
        self.address = None
        self.start()

    def end_old(self, now=None):
        for row in list(self.old):
            if now is None or row[1] < now:
                row[0].kill()
                self.old.remove(row)

    def end(self):
        self.end_old()
        self.process.kill()


# ---- the node ---------------------------------------------------------------------------------------


class Lines:
    """Follows a log over its rotations."""

    def __init__(self, path):
        self.path = path
        self.files = [path]
        self.offsets = {path: 0}
        self.rest = {path: b""}

    def rotate(self):
        name = f"{self.path}.{len(self.files)}"
        os.rename(self.path, name)
        self.files[-1] = name
        self.offsets[name], self.rest[name] = self.offsets.pop(self.path), self.rest.pop(self.path)
        self.files.append(self.path)
        self.offsets[self.path], self.rest[self.path] = 0, b""

    def more(self):
        """The lines that came since the last call."""
        found = []
        for path in self.files[-2:]:
            try:
                with open(path, "rb") as f:
                    f.seek(self.offsets[path])
                    data = f.read()
            except FileNotFoundError:
                continue
            self.offsets[path] += len(data)
            *whole, self.rest[path] = (self.rest[path] + data).split(b"\n")
            found += [json.loads(line) for line in whole]
        return found


class Node:
    """Holdfast with two services of the same members, its logs in the soak's folder."""

    def __init__(self, folder, servers):
        self.servers = servers
        self.p = Holdfast([], services=self.services({i: 1 for i in weather.START}), workers=WORKERS,
                          top={**admin.listening(), "log": {"failover": os.path.join(folder, "failover.log"),
                                       "access": os.path.join(folder, "access.log"), "level": "info"}},
                          start=False)
        self.logs = {name: Lines(os.path.join(folder, f"{name}.log")) for name in ("failover", "access")}
        self.p.start()
        self.admin = admin.Admin(self.p)
        self.looks = 0

    def services(self, weights):
        return [{"name": name, "paths": [f"/{name}"], "session": {"keys": ["header:X-Key"], "failback": failback,
                                                                  "tag": {"cookie": cookie_of(name)}},
                 "health": HEALTH, "timeouts": TIMEOUTS, "attempts_max": 6, "retry_budget": "100%",
                 "members": [{"id": i, "origin": text_of(self.servers[i].address), "weight": w}
                             for i, w in weights.items()]} for name, failback in FAILBACK.items()]

    def write(self, conf):
        with open(self.p.conf_path, "w") as f:
            f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in conf.items() if v is not None))

    def ask_reload(self, event, by):
        """Asks for a reload, and waits for the line that says what came of it, which is to be `event`."""
        self.logs["failover"].more()
        if by == "signal":
            self.p.signal(signal.SIGHUP)
        else:
            self.admin.request("POST", "/reload", fields=[admin.CHANGE])
        line = wait_until(lambda: [e for e in self.logs["failover"].more() if e["event"].startswith("reload")], event)[0]
        if line["event"] != event:
            raise AssertionError(f"{event} was expected: {line}")

    def reload(self, weights, by):
        self.p.conf["services"] = self.services(dict(weights))
        self.write(self.p.conf)
        self.ask_reload("reload", by)

    def order(self, step):
        for service in FAILBACK:
            self.admin.post(f"/members/{step.member}/{step.what}?service={service}")

    def look(self):
        """One of what an operator looks at."""
        self.looks += 1
        which = self.looks % 6
        if which == 0:
            Follower(self.admin).wire.reset()
            return
        target = ["/status", "/metrics", "/", "/health", f"/explain?service=go&key=k{self.looks}"][which - 1]
        status = self.admin.get(target).status
        if status != 200:
            raise AssertionError(f"{target}: {status}")

    def refuse(self, how):
        """A file that must be refused."""
        path, good = self.p.conf_path, self.p.conf
        one, other = good["services"]
        if how == "gone":
            os.unlink(path)
        elif how == "empty":
            self.write({})
        elif how == "taken":
            taken = text_of(next(iter(self.servers.values())).address)
            self.write({**good, "listeners": good["listeners"] + [{"address": taken}]})
        elif how == "twice":
            self.write({**good, "services": [{**one, "members": one["members"] + one["members"][:1]}, other]})
        elif how == "unknown":
            self.write({**good, "services": [{**one, "memberz": 1}, other]})
        elif how == "value":
            self.write({**good, "services": [one, {**other, "attempts_max": 1000}]})
        elif how == "cut":
            self.write(good)
            os.truncate(path, os.path.getsize(path) * 2 // 3)
        else:
            with open(path, "w") as f:
                f.write("services = (\n")
        self.ask_reload("reload_refused", "signal")
        self.write(good)


# ---- the weather ------------------------------------------------------------------------------------


class Weather:
    """Carries out a schedule and writes down what was done, and when. In the main thread: members die
    with the thread that started them."""

    def __init__(self, soak):
        self.soak = soak
        self.hit = {}              # member -> kill, stop, maint, drain
        self.out = {}              # member -> Disturbed that goes on

    def run(self, steps, end):
        """Steps until `end`; then everybody is made well, whichever step was the last."""
        for step in steps:
            if time.monotonic() + step.gap_s > end or not self.soak.node.p.is_running():
                break
            time.sleep(step.gap_s)
            self.make(step)
        for step in weather.clearing(dict(self.hit)):
            time.sleep(step.gap_s)
            self.make(step)

    def make(self, step):
        self.soak.done[step.what] = self.soak.done.get(step.what, 0) + 1
        getattr(self, step.what)(step)
        for server in self.soak.servers.values():
            server.end_old(time.monotonic())

    def begin(self, step):
        self.hit[step.member] = step.what
        self.out[step.member] = d = Disturbed(step.member, time.time(), float("inf"), step.what)
        self.soak.disturbed.append(d)

    def end(self, step):
        del self.hit[step.member]
        self.out.pop(step.member).until = time.time()

    def kill(self, step):
        self.begin(step)
        self.soak.servers[step.member].process.kill()

    def revive(self, step):
        self.soak.servers[step.member].start()
        self.end(step)

    def stop(self, step):
        self.begin(step)
        self.soak.servers[step.member].process.signal(signal.SIGSTOP)

    def cont(self, step):
        self.soak.servers[step.member].process.signal(signal.SIGCONT)
        self.end(step)

    def maint(self, step):
        self.begin(step)
        self.soak.node.order(step)

    def up(self, step):
        self.soak.node.order(step)
        self.end(step)

    def drain(self, step):
        self.hit[step.member] = "drain"
        self.soak.node.order(step)

    def undrain(self, step):
        del self.hit[step.member]
        self.soak.node.order(step)

    def reload(self, step):
        if step.moved:
            self.soak.servers[step.moved].move()
        self.soak.swap(dict(step.weights), step.detail)

    def bad(self, step):
        self.soak.node.refuse(step.detail)

    def rotate(self, step):
        which, way = step.detail.split(" ")
        for name, lines in self.soak.node.logs.items():
            if which in (name, "both"):
                lines.more()
                if os.path.exists(lines.path) and not os.path.exists(f"{lines.path}.{len(lines.files)}"):
                    lines.rotate()
        if way == "signal":
            self.soak.node.p.signal(signal.SIGUSR1)


# ---- the soak ---------------------------------------------------------------------------------------


class Soak:
    def __init__(self, seconds, seed):
        self.seconds, self.seed = max(seconds, SECONDS_MIN), seed
        self.folder = os.path.join(holdfast.ROOT, os.environ.get("B") or "build", "soak")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.disturbed, self.memberships, self.done = [], [], {}
        self.findings = []
        self.samples = []
        self.servers = {i: Server(i, self.folder) for i in weather.IDS}
        for server in self.servers.values():
            server.start()
        self.node = Node(self.folder, self.servers)
        self.sanitized = holdfast.sanitizer()
        rate = RATE_SANITIZED if self.sanitized else RATE
        self.crowd = Crowd(CLIENTS, seed, self.node.p.address, list(FAILBACK), rate)
        self.memberships.append(self.membership({i: 1 for i in weather.START}, 0.0, 0.0))

    def membership(self, weights, since, settled):
        return Membership(since, settled, weights, {i: text_of(self.servers[i].address) for i in weights})

    def swap(self, weights, by):
        """A reload; in force from somewhere between asking and line."""
        m = self.membership(weights, time.time(), float("inf"))
        self.memberships.append(m)
        self.node.reload(weights, by)
        m.settled = time.time()

    def phase(self, name, seconds):
        """Load and weather for so long, then all are well and nobody asks."""
        self.crowd.start()
        ending = threading.Event()
        threading.Thread(target=self.sample, args=(ending,), daemon=True).start()
        Weather(self).run(weather.schedule(f"{self.seed} {name}", seconds), time.monotonic() + seconds)
        time.sleep(1.0)
        ending.set()
        self.crowd.stop()
        if not self.node.p.is_running():
            raise AssertionError(f"Holdfast ended with {self.node.p.child.returncode}:\n{self.node.p.stderr[-5000:]}")

    def sample(self, ending):
        """Memory under load, twice a second; and an operator who looks."""
        while not ending.wait(0.5) and self.node.p.is_running():
            self.samples.append(gauges.resident_mib(self.node.p.pid))
            try:
                self.node.look()
            except Exception as e:
                self.findings.append(Finding("admin", f"{type(e).__name__}: {e}"))

    def probes(self):
        """Checks that the members have seen so far, by member."""
        counts = {}
        for i, server in self.servers.items():
            with holdfast.Client(server.address) as c:
                counts[i] = int(c.get("/checks").body)
        return counts

    def measure(self):
        return gauges.Quiet(self.node.p.pid, self.probes)

    def run(self):
        began = time.monotonic()
        warm = min(60.0, self.seconds / 4)
        self.phase("warm", warm)
        before = self.measure()
        print(f"soak: after the warm-up: {before}", flush=True)
        self.samples.clear()
        self.phase("main", max(5.0, self.seconds - (time.monotonic() - began) - 15.0))
        ended = time.time()
        after = self.measure()
        print(f"soak: at the end:        {after}", flush=True)
        flat = gauges.growth(before, after, not self.sanitized)
        flat += gauges.probe_growth(after, {i: CHECKS_S * len(FAILBACK) for i in weather.START})
        if not self.sanitized:
            flat += gauges.loaded_growth(self.samples)
        self.findings += [Finding("growth", text) for text in flat]
        self.stop(ended)

    def counted(self):
        """Requests by service, as the node counts them."""
        metrics = self.node.admin.metrics()
        return {service: int(metrics.total("holdfast_requests_total", service=service)) for service in FAILBACK}

    def stop(self, ended):
        counted = self.counted()
        try:
            self.node.p.stop()
        except AssertionError as e:
            self.findings.append(Finding("end", str(e)))
        for server in self.servers.values():
            server.end()
        self.findings += [Finding("client", p) for p in self.crowd.problems]
        self.findings += [Finding("log", line) for line in self.node.p.stderr.splitlines() if " lost" in line]
        history.store(self.folder, asked=self.crowd.asked, disturbed=self.disturbed, memberships=self.memberships)
        with open(os.path.join(self.folder, "soak.json"), "w") as f:
            json.dump({"seed": self.seed, "seconds": self.seconds, "failback": FAILBACK, "ended": ended,
                       "counted": counted}, f)

    def judge(self):
        h = history.load(self.folder)
        self.findings += history.check(h)
        status, out, err = holdfast.holdfast("replay", os.path.join(self.folder, "failover.log"))
        self.findings += [Finding("replay", line) for line in (out + err).splitlines() if status != 0]
        covered = history.coverage(h)
        if self.seconds >= COVERED_FROM_S:
            self.findings += [Finding("coverage", f"there were no {name}") for name in COVERED if not covered[name]]
        return covered


def report(soak, covered, took):
    """Findings, then the closing line."""
    shown = {}
    for f in soak.findings:
        shown[f.kind] = shown.get(f.kind, 0) + 1
        if shown[f.kind] <= SHOWN_MAX:
            print(f"FINDING {f}")
    for kind, count in shown.items():
        if count > SHOWN_MAX:
            print(f"FINDING {kind}: {count - SHOWN_MAX} more of them")
    said = ", ".join(f"{n} {name}" for name, n in {**covered, **soak.done}.items())
    verdict = f"FAILED: {len(soak.findings)} findings" if soak.findings else "ok"
    print(f"soak: {verdict}; seed {soak.seed}, {took:.0f} s, {said}")


def main():
    seconds = float(os.environ.get("SOAK_S") or 600)
    seed = os.environ.get("SOAK_SEED") or str(random.SystemRandom().randrange(1, 1000000))
    print(f"soak: SOAK_S={seconds:g} SOAK_SEED={seed} {holdfast.binary()}", flush=True)
    began = time.monotonic()
    soak = Soak(seconds, seed)
    covered = {}
    try:
        soak.run()
        covered = soak.judge()
    except Exception:
        soak.findings.append(Finding("soak", traceback.format_exc()))
    soak.findings += [Finding("end", p) for p in holdfast.finish()]
    report(soak, covered, time.monotonic() - began)
    sys.stdout.flush()
    os._exit(1 if soak.findings else 0)


if __name__ == "__main__":
    main()
