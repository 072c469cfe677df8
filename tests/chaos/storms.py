"""What is done to a cluster in a chaos run, and when: a schedule, made from a seed alone.

Pure. A step waits `gap_s` after the one before it has been carried out, so that a slow machine
stretches the schedule and changes nothing of its sequence. Subjects are named as in the history:
"node a", "server a", "link a b" (what a says to b).
"""

import dataclasses
import random

IDS = "abcde"
SERVICES = ("go", "back", "race")
GAP_S = 0.6            # on average
OUT_MAX_S = 7.0
NODES_OUT_MAX, SERVERS_OUT_MAX, CUTS_MAX = 2, 2, 2
BACK = {"kill": "start", "stop": "cont", "cut": "heal"}


@dataclasses.dataclass(frozen=True)
class Step:
    gap_s: float
    what: str               # kill start stop cont (of subject), cut heal (of links), change
    subjects: tuple = ()
    how: str = None         # cut: held or refused
    through: str = None     # change: the node that is asked
    service: str = None     # change: of this one
    operands: tuple = ()    # change: of `holdfast members`


def link(a, b):
    return f"link {a} {b}"


class Sky:
    """The cluster as the schedule knows it."""

    def __init__(self, dice):
        self.dice = dice
        self.at_s = 0.0
        self.out = {}            # subjects -> (what brings them back, when)
        self.drained = {s: None for s in SERVICES}   # one member of each at a time
        self.removed = {s: None for s in SERVICES}   # another one, likewise

    def hit(self, what, subjects, how=None):
        if any(set(subjects) & set(row) for row in self.out):
            return None
        out_s = self.dice.choice([0.0, 0.3, 1.5, self.dice.uniform(0, OUT_MAX_S), self.dice.uniform(0, OUT_MAX_S)])
        self.out[subjects] = (BACK[what], self.at_s + out_s)
        return {"what": what, "subjects": subjects, "how": how}

    def process(self, what, kind, most):
        if sum(row[0].startswith(kind) for row in self.out) >= most:
            return None
        return self.hit(what, (f"{kind} {self.dice.choice(IDS)}",))

    def kill_node(self):
        return self.process("kill", "node", NODES_OUT_MAX)

    def stop_node(self):
        return self.process("stop", "node", NODES_OUT_MAX)

    def kill_server(self):
        return self.process("kill", "server", SERVERS_OUT_MAX)

    def stop_server(self):
        return self.process("stop", "server", SERVERS_OUT_MAX)

    def cut(self):
        """A link one way or both, a node that is deaf, mute or alone, or two against three."""
        if sum(row[0].startswith("link") for row in self.out) >= CUTS_MAX:
            return None
        ids = list(IDS)
        self.dice.shuffle(ids)
        shape = self.dice.choice(["one", "both", "deaf", "mute", "alone", "split"])
        side = ids[:1] if shape != "split" else ids[:2]
        far = ids[len(side):] if shape not in ("one", "both") else ids[1:2]
        there = [link(a, b) for a in side for b in far] if shape != "deaf" else []
        back = [link(b, a) for a in side for b in far] if shape not in ("one", "mute") else []
        return self.hit("cut", tuple(sorted(there + back)), self.dice.choice(["held", "held", "refused"]))

    def change(self):
        """A weight, a member drained or taken back, a member removed or added again."""
        through, service = self.dice.choice(IDS), self.dice.choice(SERVICES)
        there = [i for i in IDS if i not in (self.drained[service], self.removed[service])]
        kind = self.dice.choice(["weight"] * 3 + ["drain"] * 2 + ["remove"] * 2)
        if kind == "weight":
            operands = ("weight", self.dice.choice(there), str(self.dice.choice([1, 1, 2, 3])))
        elif kind == "drain":
            operands = self.turn(self.drained, service, "drain", "undrain", there)
        else:
            operands = self.turn(self.removed, service, "remove", "add", there)
        return {"what": "change", "through": through, "service": service, "operands": operands}

    def turn(self, who, service, there_word, back_word, there):
        """Somebody else, or who was, comes back."""
        if who[service]:
            operands, who[service] = (back_word, who[service]), None
        else:
            who[service] = self.dice.choice(there)
            operands = (there_word, who[service])
        return operands

    def next(self, gap_s):
        """What is due to come back by then, else something new."""
        due = min(self.out, key=lambda s: self.out[s][1], default=None)
        if due is not None and self.out[due][1] <= self.at_s + gap_s:
            what, when_s = self.out.pop(due)
            gap_s = max(0.0, when_s - self.at_s)
            self.at_s += gap_s
            return Step(gap_s, what, due)
        self.at_s += gap_s
        makers = [self.kill_node] * 3 + [self.stop_node] * 2 + [self.kill_server] * 3 + [self.stop_server] * 2 + \
                 [self.cut] * 4 + [self.change] * 3
        while True:
            step = self.dice.choice(makers)()
            if step is not None:
                return Step(gap_s, **step)


def schedule(seed, seconds):
    """Steps within about so many seconds."""
    sky = Sky(random.Random(f"chaos {seed}"))
    steps = []
    while sky.at_s < seconds:
        steps.append(sky.next(min(sky.dice.expovariate(1 / GAP_S), 4.0)))
    return steps


def clearing(out):
    """Steps that make everything well; out: {subjects: by which step}, as far as it goes on."""
    return [Step(0.0, BACK[what], subjects) for subjects, what in sorted(out.items())]
