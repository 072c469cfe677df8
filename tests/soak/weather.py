"""What is done to Holdfast and its members in a soak, and when: a schedule, made from a seed alone.

Pure. A step waits `gap_s` after the one before it has been carried out, so that a slow machine
stretches the schedule and changes nothing of its sequence. Steps keep to rules that make the promises
of README.md hold for every request: at least WELL_MIN members are operational at any time (two may
be hit while a request is under way), a member that came back counts after READY_S.
"""

import dataclasses
import random

IDS = "abcdefg"
START = "abcde"
MEMBERS_MIN = 4
WELL_MIN = 3
READY_S = 3.0
GAP_S = 0.7         # on average
OUT_MAX_S = 6.0     # killed or stopped
BAD_FILES = ["syntax", "unknown", "empty", "value", "twice", "taken", "gone", "cut"]


@dataclasses.dataclass(frozen=True)
class Step:
    gap_s: float
    what: str              # kill revive stop cont maint up reload bad rotate drain undrain
    member: str = None
    weights: tuple = ()    # reload: (id, weight) in the sequence of the file
    moved: str = None      # reload: this member gets another address
    detail: str = None     # reload: asked for how; bad: which; rotate: which log, and by which way


class Sky:
    """The members as the schedule knows them."""

    def __init__(self, dice):
        self.dice = dice
        self.at_s = 0.0
        self.weights = {i: 1 for i in START}
        self.out = {}           # id -> (what brings it back, when)
        self.draining = set()
        self.ready_s = {i: 0.0 for i in IDS}

    def well(self):
        return [i for i in self.weights if i not in self.out and i not in self.draining and
                self.ready_s[i] <= self.at_s]

    def spare(self):
        """Members that may be taken out."""
        return self.well() if len(self.well()) > WELL_MIN else []

    # ---- steps; each None when it cannot be made now

    def hit(self, what, back):
        spare = self.spare()
        if not spare or len(self.out) >= 2:
            return None
        member = self.dice.choice(spare)
        out_s = self.dice.choice([0.0, 0.1, 1.0, self.dice.uniform(0, OUT_MAX_S)])
        self.out[member] = (back, self.at_s + out_s)
        return {"what": what, "member": member}

    def kill(self):
        return self.hit("kill", "revive")

    def stop(self):
        return self.hit("stop", "cont")

    def maint(self):
        return self.hit("maint", "up")

    def reload(self):
        change = self.dice.choice(["add", "remove", "weight", "weight", "weights", "move", "none"])
        moved = None
        others = [i for i in IDS if i not in self.weights and i not in self.out]
        # An operator's order goes with its member: it is taken back first.
        gone = self.spare() + [i for i, (back, _) in self.out.items() if i in self.weights and back != "up"]
        if change == "add" and others:
            member = self.dice.choice(others)
            self.weights[member] = self.dice.choice([1, 1, 2])
            self.ready_s[member] = self.at_s + READY_S
        elif change == "remove" and gone and len(self.weights) > MEMBERS_MIN:
            member = self.dice.choice(gone)
            del self.weights[member]
        elif change == "weight":
            self.weights[self.dice.choice(sorted(self.weights))] = self.dice.choice([1, 2, 3, 10])
        elif change == "weights":
            self.weights = {i: self.dice.choice([1, 1, 2]) for i in self.weights}
        elif change == "move" and self.spare():
            moved = self.dice.choice(self.spare())
            self.ready_s[moved] = self.at_s + READY_S
        rows = sorted(self.weights.items())
        self.dice.shuffle(rows)
        return {"what": "reload", "weights": tuple(rows), "moved": moved, "detail": self.asking()}

    def asking(self):
        return self.dice.choice(["signal", "admin"])

    def bad(self):
        return {"what": "bad", "detail": self.dice.choice(BAD_FILES)}

    def rotate(self):
        return {"what": "rotate", "detail": self.dice.choice(["access", "failover", "both"]) +
                self.dice.choice([" signal", " seen"])}

    def drain(self):
        spare = self.spare()
        if not spare or self.draining:
            return None
        member = self.dice.choice(spare)
        self.draining.add(member)
        return {"what": "drain", "member": member}

    def undrain(self):
        members = sorted(self.draining - set(self.out))
        if not members:
            return None
        member = self.dice.choice(members)
        self.draining.discard(member)
        self.ready_s[member] = self.at_s + READY_S
        return {"what": "undrain", "member": member}

    # ---- time

    def next(self, gap_s):
        """Who is due to come back by then, else something new."""
        due = min(self.out, key=lambda i: self.out[i][1], default=None)
        if due is not None and self.out[due][1] <= self.at_s + gap_s:
            what, when_s = self.out[due]
            return self.bring_back(due, what, max(0.0, when_s - self.at_s))
        self.at_s += gap_s
        makers = [self.kill] * 5 + [self.stop] * 3 + [self.reload] * 4 + [self.bad, self.rotate, self.maint] + \
                 [self.drain, self.undrain]
        while True:
            step = self.dice.choice(makers)()
            if step is not None:
                return Step(gap_s, **step)

    def bring_back(self, member, what, gap_s):
        self.at_s += gap_s
        del self.out[member]
        self.ready_s[member] = self.at_s + READY_S
        return Step(gap_s, what, member)


def schedule(seed, seconds):
    """Steps within about so many seconds."""
    sky = Sky(random.Random(f"weather {seed}"))
    steps = []
    while sky.at_s < seconds:
        steps.append(sky.next(min(sky.dice.expovariate(1 / GAP_S), 5.0)))
    return steps


def clearing(hit):
    """Steps that make everybody well, and the members those of the start; hit: member -> by which step."""
    back = {"kill": "revive", "stop": "cont", "maint": "up", "drain": "undrain"}
    steps = [Step(0.0, back[what], member) for member, what in sorted(hit.items())]
    return steps + [Step(1.0, "reload", weights=tuple((i, 1) for i in START), detail="signal")]
