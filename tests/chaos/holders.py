"""Processes that want a role for themselves, each through any node, while the nodes are tormented; and what
each of them believed, by the clock that all of them share: a role held from where it was told so until the
time that it was told last, whatever became of its node meanwhile."""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib")]
import holdfast
from holdfast import Client, Ended, Malformed
from verdicts import Held

ROLES = ("batch", "mail")
EACH = 2                     # processes that want one role
TTL, WAIT = "5s", "1s"
LIMIT_S = 4.0                # for an answer; a stopped node gives none
RENEW_S, REST_S, PATIENCE_S = 0.2, 0.3, 60.0


class Holders:
    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.held, self.problems = [], []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.live, args=(f"p{n}", ROLES[n % len(ROLES)],
                                                                 random.Random(f"holder {seed} {n}")), daemon=True)
                        for n in range(EACH * len(ROLES))]
        for t in self.threads:
            t.start()

    def ask(self, node, what, role, holder, **query):
        """The answer as JSON when it is yes; None: no, or none came."""
        words = "&".join(f"{k}={v}" for k, v in {"holder": holder, **query}.items())
        try:
            with Client(self.cluster.nodes[node].admin_address, timeout_s=LIMIT_S) as c:
                r = c.request("POST", f"/v1/roles/{role}/{what}?{words}", fields=[("Holdfast-Admin", "1")])
        except (OSError, Ended, Malformed):
            return None
        if r.status not in (200, 409, 503):
            self.problems.append(f"{what} of {role} by {holder} through {node}: status {r.status} {r.body}")
        return r.json if r.status == 200 and r.json.get("yours", True) else None

    def live(self, holder, role, dice):
        try:
            while not self.ending.wait(dice.uniform(0, REST_S)):
                node, asked = dice.choice(sorted(self.cluster.nodes)), time.time()
                told = self.ask(node, "acquire", role, holder, ttl=TTL, wait=WAIT)
                if told is not None:
                    self.hold(node, role, holder, told, asked, dice.choice([0.5, 3.0, PATIENCE_S]))
        except Exception as e:
            self.problems.append(f"{holder}: {type(e).__name__}: {e}")

    def hold(self, node, role, holder, told, asked, long_s):
        row = Held(role, holder, node, told["term"], time.time(), asked + told["expires_in"])
        if row.since >= row.until:
            return                       # the answer came late: it believes nothing
        self.held.append(row)
        end = row.since + long_s
        while time.time() < min(row.until, end) and not self.ending.wait(RENEW_S):
            asked = time.time()
            told = self.ask(node, "renew", role, holder, ttl=TTL)
            if told is None or told["term"] != row.term:
                return                   # what it was told before stands until then
            row.until = max(row.until, asked + told["expires_in"])
        if time.time() < row.until:
            row.until = time.time()      # it stops, and says so
            self.ask(node, "release", role, holder)

    def wait_each(self, since):
        """Every role is held by somebody anew, or still."""
        return all(any(h.role == role and h.until > since for h in self.held) for role in ROLES)

    def stop(self):
        self.ending.set()
        for t in self.threads:
            t.join(holdfast.WAIT_S)
