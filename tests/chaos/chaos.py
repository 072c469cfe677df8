#!/usr/bin/env python3
"""Chaos on real processes: five nodes with five servers, under load, while nodes and servers are killed,
stopped and revived, links are cut and healed, the membership is changed through any node (weights, members
drained, removed, added), and processes take roles and give them back; then every promise is checked by what
clients, servers, nodes and holders wrote down.

    CHAOS_S=300 CHAOS_SEED=1 tests/chaos/chaos.py       what `make chaos` runs

Ends by itself: after CHAOS_S, the time that healing takes, and that of the checks. The same seed gives
the same schedule (storms.py) and the same clients. Prints findings, then one closing line; exit status 1
on any finding. The record stays in build/chaos/, with the nodes' folders, so that

    tests/chaos/verdicts.py build/chaos

checks it once more. HOLDFAST or B in the environment say which binary.

  load, well | quiet: measured | rounds: load, storm; healed; load, well; quiet: keys agree, measured | check
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
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib"), os.path.join(os.path.dirname(HERE), "soak")]
import gauges
import history
import holdfast
import storms
import verdicts
from clients import Crowd
from history import Disturbed, Finding
from holdfast import Client, text_of, wait_until
from holders import Holders
from nodes import FAILBACK, KEYED, LinkedCluster, Roamer, Witness
from verdicts import Agreed, Calm, Changed

CLIENTS, RATE = 16, 40             # requests a second, all clients together, at most
ROUND_S, SECONDS_MIN = 60.0, 5.0
CALM_S = 3.0
WELL_S = 2.5                       # checks in vain and leases that run out are noticed within it
HEAL_LIMIT_S = 120.0
QUIET_S = 3.0                      # after which no connection is kept for later (timeouts.pool_idle)
KEYS = 40                          # that must agree, of each service, through each node
DESCRIPTORS_MORE = 8               # than before the storms: connections that are being checked just now
CHANGE_LIMIT_S = 60
SHOWN_MAX = 10
COVERED = ["answered", "calm", "certain", "moves", "agreed", "holders", "raced"]     # there must be some in every run
COVERED_LONG = ["downs", "epochs", "published", "disagreements", "lost datagrams"]
COVERED_FROM_S = 120               # a run of that length has seen all of them


class Storm:
    """Carries out a schedule and writes down what was done, and when. In the main thread: processes die
    with the thread that started them."""

    def __init__(self, run):
        self.run, self.cluster = run, run.cluster
        self.going_on = {}             # subjects -> (by which step, their Disturbed)
        self.changing = None

    def blow(self, steps, end):
        """Steps until `end`; then all is made well, whichever step was the last."""
        for step in steps:
            if time.monotonic() + step.gap_s > end:
                break
            time.sleep(step.gap_s)
            self.make(step)
        for step in storms.clearing({subjects: what for subjects, (what, _) in self.going_on.items()}):
            self.make(step)
        if self.changing is not None:
            self.changing.join(CHANGE_LIMIT_S)

    def make(self, step):
        name = step.what + (f" {step.subjects[0].split(' ')[0]}" if step.subjects else "")
        self.run.done[name] = self.run.done.get(name, 0) + 1
        self.run.tell(f"{name} {', '.join(step.subjects)} {step.how or ''}".rstrip())
        if step.what == "change":
            self.change(step)
        elif step.what in storms.BACK:
            rows = [Disturbed(s, time.time(), float("inf"), step.what) for s in step.subjects]
            self.run.disturbed += rows
            self.going_on[step.subjects] = (step.what, rows)
            getattr(self, step.what)(step)
        else:
            getattr(self, step.what)(step)
            for row in self.going_on.pop(step.subjects)[1]:
                row.until = time.time()

    def process(self, step):
        kind, id = step.subjects[0].split(" ")
        return kind, id, self.cluster.nodes[id] if kind == "node" else self.cluster.servers[id].process

    def kill(self, step):
        kind, id, process = self.process(step)
        if kind == "node":
            self.cluster.kill(id)
        else:
            process.kill()

    def start(self, step):
        kind, id, _ = self.process(step)
        if kind == "node":
            self.cluster.begin(id)
        else:
            self.cluster.servers[id].start()

    def stop(self, step):
        kind, id, process = self.process(step)
        if kind == "node":
            self.cluster.check_running(id)
            process.freeze()
        else:
            process.signal(signal.SIGSTOP)

    def cont(self, step):
        kind, _, process = self.process(step)
        if kind == "node":
            process.thaw()
        else:
            process.signal(signal.SIGCONT)

    def cut(self, step):
        self.cluster.links.cut([tuple(s.split(" ")[1:]) for s in step.subjects], step.how)

    def heal(self, step):
        self.cluster.links.heal([tuple(s.split(" ")[1:]) for s in step.subjects])

    def change(self, step):
        """By the command, beside the storm; one at a time."""
        if self.changing is None or not self.changing.is_alive():
            self.changing = threading.Thread(target=self.run.change, args=(step,), daemon=True)
            self.changing.start()


class Run:
    def __init__(self, seconds, seed):
        self.seconds, self.seed = max(seconds, SECONDS_MIN), seed
        self.began = time.monotonic()
        self.folder = os.path.join(holdfast.ROOT, os.environ.get("B") or "build", "chaos")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.diary = open(os.path.join(self.folder, "steps"), "w", buffering=1)
        self.disturbed, self.calms, self.changed, self.agreed = [], [], [], []
        self.findings, self.done = [], {}
        self.raced = 0                 # races that were won, as nodes that run say
        self.cluster = self.witness = self.crowd = self.holders = None

    def tell(self, text):
        self.diary.write(f"{time.time():.3f} {text}\n")

    def begin(self):
        self.cluster = LinkedCluster(storms.IDS, self.folder)
        self.witness = Witness(self.cluster)
        self.crowd = Crowd(CLIENTS, self.seed, self.cluster.http, list(FAILBACK), RATE, kind=Roamer)
        self.settle()
        self.holders = Holders(self.cluster, self.seed)

    def settle(self):
        """Until all nodes say that all is well, and go on saying so: what was short may be noticed late."""
        since = []

        def lasting():
            if not self.try_well():
                since.clear()
            elif not since:
                since.append(time.monotonic())
            return since and time.monotonic() > since[0] + WELL_S

        wait_until(lasting, f"all nodes say for {WELL_S} s that all is well", HEAL_LIMIT_S)
        self.tell("well")
        self.calms.append(Calm(time.time(), float("inf")))

    def try_well(self):
        try:
            return self.cluster.is_well()
        except (OSError, holdfast.Ended):
            return False

    def change(self, step):
        """By the command, to its end."""
        since, what = time.time(), f"{' '.join(step.operands)} of {step.service} through {step.through}"
        address = text_of(self.cluster.nodes[step.through].admin_address)
        try:
            status, out, err = holdfast.holdfast("members", "--admin", address, "--json", "--service", step.service,
                                                 *self.cluster.operands(step.operands), limit_s=CHANGE_LIMIT_S)
        except Exception as e:
            self.findings.append(Finding("change", f"{what}: {type(e).__name__}: {e}"))
            return
        self.tell(f"{what}: {status} {out}{err}".rstrip())
        if status not in (0, 1) or status == 1 and not err:
            self.findings.append(Finding("change", f"{what}: {status} {out}{err}"))
        told = json.loads(out) if status == 0 else {}
        self.changed.append(Changed(step.through, step.service, list(step.operands), since, time.time(),
                                    told["epoch"] if told.get("changed") else None))

    def agree(self):
        """Every node is sent the same keys, by clients that keep no tag."""
        at = time.time()
        for service in KEYED:
            for node, address in self.cluster.http.items():
                with Client(address) as c:
                    for n in range(KEYS):
                        key = f"agreed-{n}"
                        r = c.request("HEAD", f"/{service}/{key}", fields=[("X-Key", key), ("X-Mark", verdicts.AGREED)])
                        self.agreed.append(Agreed(at, node, service, key, r.fields.get("X-Member") or f"status {r.status}"))

    def descriptors(self):
        """Of each node, without pipes: those are kept for bodies to come."""
        return {i: sum(n for kind, n in gauges.descriptors(p.pid).items() if "pipe" not in kind)
                for i, p in self.cluster.nodes.items()}

    def settled_descriptors(self):
        """When connections at rest were given back."""
        least = self.descriptors()
        end = time.monotonic() + QUIET_S
        while time.monotonic() < end:
            time.sleep(0.1)
            least = {i: min(least[i], n) for i, n in self.descriptors().items()}
        return least

    @staticmethod
    def lasts(seconds):
        """Load, and nothing else."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)

    def round(self, number, seconds):
        self.crowd.start()
        self.lasts(1.0)
        self.calms[-1].until = time.time()
        Storm(self).blow(storms.schedule(f"{self.seed} {number}", seconds), time.monotonic() + seconds)
        self.tell("all is healed")
        self.settle()
        healed = time.time()
        wait_until(lambda: self.holders.wait_each(healed), "every role has a holder again", HEAL_LIMIT_S)
        self.lasts(CALM_S)
        self.crowd.stop()
        self.agree()
        self.raced = max(self.raced, self.cluster.races_won())

    def run(self):
        self.begin()
        self.crowd.start()
        self.lasts(CALM_S)
        self.crowd.stop()
        self.agree()
        before = self.settled_descriptors()
        left, number = self.seconds, 0
        while left > 0:
            number += 1
            seconds = min(left, ROUND_S) if left >= 1.5 * ROUND_S else left
            self.round(number, seconds)
            left -= seconds
        self.given_back(before)
        self.calms[-1].until = time.time()

    def given_back(self, before):
        """Nothing leaked: each node holds about as many descriptors as before the storms."""
        end = time.monotonic() + HEAL_LIMIT_S
        while True:
            now = self.descriptors()
            if all(n <= before[i] + DESCRIPTORS_MORE for i, n in now.items()):
                return
            if time.monotonic() > end:
                self.findings.append(Finding("descriptors", f"{before} before the storms, {now} after them: "
                                             f"{[gauges.descriptors(p.pid) for p in self.cluster.nodes.values()]}"))
                return
            time.sleep(0.1)

    # ---- the end

    def stop(self):
        if self.witness is not None:
            self.witness.stop()
            self.findings += [Finding("witness", p) for p in self.witness.problems]
        if self.holders is not None:
            self.holders.stop()
            self.findings += [Finding("holder", p) for p in self.holders.problems]
        if self.crowd is not None:
            self.findings += [Finding("client", p) for p in self.crowd.problems]
        if self.cluster is None:
            return
        for id, node in self.cluster.nodes.items():
            try:
                if node.child is not None and node.is_running():
                    node.stop()
            except AssertionError as e:
                self.findings.append(Finding("end", f"node {id}: {e}"))
            shutil.copytree(node.where, os.path.join(self.folder, f"node-{id}"), dirs_exist_ok=True)
        for server in self.cluster.servers.values():
            server.end()
        self.store()

    def store(self):
        asked = self.crowd.asked if self.crowd is not None else []
        history.store(self.folder, asked=asked, disturbed=self.disturbed, sightings=self.witness.sightings,
                      documents=self.witness.documents, changed=self.changed, calms=self.calms, agreed=self.agreed,
                      held=self.holders.held if self.holders is not None else [])
        with open(os.path.join(self.folder, "chaos.json"), "w") as f:
            json.dump({"seed": self.seed, "seconds": self.seconds, "failback": FAILBACK,
                       "started": self.cluster.started}, f)

    def judge(self):
        record = verdicts.load(self.folder)
        self.findings += verdicts.check(record)
        covered = {**verdicts.coverage(record), "raced": self.raced,
                   "lost datagrams": self.cluster.links.lost}
        names = COVERED + (COVERED_LONG if self.seconds >= COVERED_FROM_S else [])
        self.findings += [Finding("coverage", f"there were no {name}") for name in names if not covered[name]]
        return covered


def report(run, covered):
    """Findings, then the closing line."""
    shown = {}
    for f in run.findings:
        shown[f.kind] = shown.get(f.kind, 0) + 1
        if shown[f.kind] <= SHOWN_MAX:
            print(f"FINDING {f}")
    for kind, count in shown.items():
        if count > SHOWN_MAX:
            print(f"FINDING {kind}: {count - SHOWN_MAX} more of them")
    said = ", ".join(f"{n} {name}" for name, n in {**covered, **run.done}.items())
    verdict = f"FAILED: {len(run.findings)} findings; the record is in {run.folder}" if run.findings else "ok"
    print(f"chaos: {verdict}; CHAOS_SEED={run.seed} CHAOS_S={run.seconds:g}, {time.monotonic() - run.began:.0f} s, {said}")


def main():
    seconds = float(os.environ.get("CHAOS_S") or 300)
    seed = os.environ.get("CHAOS_SEED") or str(random.SystemRandom().randrange(1, 1000000))
    print(f"chaos: CHAOS_S={seconds:g} CHAOS_SEED={seed} {holdfast.binary()}", flush=True)
    run = Run(seconds, seed)
    covered = {}
    for part in (run.run, run.stop):
        try:
            part()
        except Exception:
            run.findings.append(Finding("chaos", traceback.format_exc()))
    try:
        covered = run.judge()
    except Exception:
        run.findings.append(Finding("chaos", traceback.format_exc()))
    run.findings += [Finding("end", p) for p in holdfast.finish()]
    report(run, covered)
    sys.stdout.flush()
    os._exit(1 if run.findings else 0)


if __name__ == "__main__":
    main()
