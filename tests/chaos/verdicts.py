#!/usr/bin/env python3
"""What a chaos run leaves behind, and whether it is what Holdfast promises of a cluster. Pure: lists
in, findings out.

    verdicts.py FOLDER       checks a record that chaos.py stored once more

On top of tests/soak/history.py, whose checks of replies, of what may be processed once, of tags and of
places it uses. What is new are several nodes with views of their own: who was surely open is asked of
the node that the client spoke to, and only where for SETTLE_S nothing was done to that node, to the
server, to its node and to the links between the two; after everything was healed and all nodes said so
(Calm) there is no such excuse. Further witnesses: what each node said of itself (Sighting), the
documents that it held (Document), who changed them (Changed), and who believed to hold a role (Held).
"""

import collections
import dataclasses
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "lib"), os.path.join(os.path.dirname(HERE), "soak")]
import history
import ordering
from history import DOWN, DRAIN, SLACK_S, UP, Finding, is_answered, seconds

SETTLE_S = 12.0       # after something was done, nothing is concluded for so long
AGREED = "agreed"     # mark of what is asked for check_agreement, many times
STALE_S = 3.0         # a client may have kept a connection to a node that was killed for so long
EXPLICIT = {502, 503, 504, 508}
WORDS = {"member_down": DOWN, "member_up": UP}


@dataclasses.dataclass(slots=True)
class Sighting:
    """What a node said of itself, at an instant between these two."""
    node: str
    incarnation: int
    since: float
    until: float
    state: str              # master, backup, ...
    master: str
    term: int
    epoch: int


@dataclasses.dataclass(slots=True)
class Document:
    """A node held this as the membership of its epoch."""
    node: str
    epoch: int
    services: dict          # name -> {member: [weight, drained]}


@dataclasses.dataclass(slots=True)
class Changed:
    """`holdfast members OPERANDS` through a node; epoch None: it was not said to be published."""
    through: str
    service: str
    operands: list
    since: float
    until: float
    epoch: int


@dataclasses.dataclass(slots=True)
class Calm:
    """All was well, and all nodes had said so."""
    since: float
    until: float


@dataclasses.dataclass(slots=True)
class Agreed:
    """After healing: which member a node sent a key without a tag to."""
    at: float
    node: str
    service: str
    key: str
    member: str


@dataclasses.dataclass(slots=True)
class Held:
    """A process beside a node believed to hold a role, from its answer until the time that it was told last."""
    role: str
    holder: str
    node: str
    term: int
    since: float
    until: float


@dataclasses.dataclass(slots=True)
class Place:
    """A membership of one service, in force from somewhere after `since` until `gone`."""
    epoch: int
    since: float
    gone: float
    weights: dict
    drained: set


@dataclasses.dataclass(slots=True)
class Record:
    failback: dict                   # service -> "stay" or "return"
    asked: list
    processed: list
    disturbed: list                  # history.Disturbed; its member is a subject: "node a", "link a b"
    sightings: list = dataclasses.field(default_factory=list)
    documents: list = dataclasses.field(default_factory=list)
    changed: list = dataclasses.field(default_factory=list)
    calms: list = dataclasses.field(default_factory=list)
    agreed: list = dataclasses.field(default_factory=list)
    held: list = dataclasses.field(default_factory=list)
    lines: dict = dataclasses.field(default_factory=dict)    # node -> lines of its failover logs
    access: dict = dataclasses.field(default_factory=dict)   # node -> lines of its access logs
    started: dict = dataclasses.field(default_factory=dict)  # node -> when its processes were started


# ---- what was in force --------------------------------------------------------------------------


def first_seen(record):
    """Epoch -> when a node was first known to hold it."""
    first = {}
    for s in record.sightings:
        first[s.epoch] = min(first.get(s.epoch, s.until), s.until)
    return first


def all_have(record, epoch):
    """From when on no node is seen with an older one."""
    behind = [s.until for s in record.sightings if s.epoch < epoch]
    last = max(behind, default=0.0)
    later = [s.until for s in record.sightings if s.epoch >= epoch and s.until > last]
    return min(later, default=float("inf"))


def places_of(record):
    """Service -> its memberships in sequence."""
    first = first_seen(record)
    acknowledged = {c.epoch: c.since for c in record.changed if c.epoch is not None}
    documents = {d.epoch: d for d in record.documents}
    epochs = sorted(documents)
    found = {service: [] for service in record.failback}
    for n, epoch in enumerate(epochs):
        since = acknowledged.get(epoch, first.get(epochs[n - 1], 0.0)) if n else 0.0
        gone = all_have(record, epochs[n + 1]) if n + 1 < len(epochs) else float("inf")
        for service, members in documents[epoch].services.items():
            found[service].append(Place(epoch, since, gone, {i: w for i, (w, _) in members.items()},
                                        {i for i, (_, drained) in members.items() if drained}))
    return found


class Known:
    """What is known of everybody over time."""

    def __init__(self, record):
        self.record = record
        self.disturbed = collections.defaultdict(list)
        for d in record.disturbed:
            self.disturbed[d.member].append(d)
        self.places = places_of(record)
        self.changes = collections.defaultdict(list)   # (node, service, member) -> [(at, state)]
        for node, lines in record.lines.items():
            for line in lines:
                if line["event"] in WORDS:
                    self.changes[node, line["service"], line["member"]].append((seconds(line["ts"]), WORDS[line["event"]]))
        for (node, _, _), rows in self.changes.items():
            rows += [(at, UP) for at in record.started.get(node, [])]
            rows.sort(key=lambda row: row[0])

    def calm_since(self, began, ended):
        """The start of the calm that this happened in; None: it did not."""
        return next((c.since for c in self.record.calms if c.since <= began and ended <= c.until), None)

    def is_disturbed(self, subjects, began, ended):
        calm = self.calm_since(began, ended)
        return any(d.since - SLACK_S <= ended and began <= d.until + SETTLE_S
                   for s in subjects for d in self.disturbed[s] if calm is None or d.until > calm)

    def was_killed(self, node, began, ended):
        """Or its connections were those of a process that was."""
        return any(d.what == "kill" and d.since - SLACK_S <= ended and began <= d.until + STALE_S
                   for d in self.disturbed[f"node {node}"])

    def anything(self, began, ended):
        return self.is_disturbed(list(self.disturbed), began, ended)

    def memberships(self, service, began, ended):
        return [p for p in self.places[service] if p.since - SLACK_S <= ended and began <= p.gone + SLACK_S]


class View:
    """As history.States, by the node that a client spoke to and one membership."""

    def __init__(self, known, entry, place):
        self.known, self.entry, self.place = known, entry, place

    def said(self, service, member, began, ended):
        """The state that the entry said it was in all the time; None: it changed meanwhile."""
        if member in self.place.drained:
            return DRAIN
        state = UP
        for at, to in self.known.changes[self.entry, service, member]:
            if at < began - SLACK_S:
                state = to
            elif at <= ended + SLACK_S:
                return None
        return state

    def surely_open(self, service, member, began, ended, lives_there):
        e, m = self.entry, member
        subjects = [f"node {e}", f"node {m}", f"server {m}", f"link {e} {m}", f"link {m} {e}"]
        if self.known.is_disturbed(subjects, began, ended):
            return False
        state = self.said(service, member, began, ended)
        return state == UP or state == DRAIN and lives_there


# ---- checks: each takes (record, known) and returns findings -------------------------------------


def check_places(record, known):
    """Stickiness, failback and order: of those who stood before the one that answered none was open."""
    found = []
    for a in record.asked:
        if not is_answered(a):
            continue
        reasons = []
        for place in known.memberships(a.service, a.began, a.ended):
            said = place_said(record, known, a, place)
            if said is None:
                break
            reasons.append(f"epoch {place.epoch}: {said}")
        else:
            found.append(Finding("place", f"{a.mark} of {a.session} through {a.entry} with {a.tag}: {'; '.join(reasons)}"))
    return found


def place_said(record, known, a, place):
    """As history.place_judged; what a node says of a member that is down counts where it was sure to be well."""
    view = View(known, a.entry, place)
    said = history.place_judged(record, view, a, place)
    return None if said == f"{a.member} was down" and known.anything(a.began, a.ended) else said


def check_errors(record, known):
    """Whatever fails has an explicit error, and a reason in what was done."""
    found = []
    for a in record.asked:
        if a.left or a.status == 200 and not a.broken:
            continue
        said = a.broken or f"status {a.status}"
        where = f"{a.method} {a.mark} through {a.entry}: {said}"
        if a.status == 0 and not known.was_killed(a.entry, a.began, a.ended):
            found.append(Finding("error", f"{where}: no answer, and {a.entry} was not killed"))
        elif a.status and a.status != 200 and a.status not in EXPLICIT:
            found.append(Finding("error", f"{where}: not a status that tells of an outage"))
        elif not known.anything(a.began, a.ended):
            found.append(Finding("error", f"{where}: nothing was done to anybody"))
    return found


def check_told(record, known):
    """What a client was told to have failed stands so in the log of the node that it asked; and its cause
    in that of the node that made the answer, which may be another one."""
    found = []
    lines = collections.defaultdict(list)
    for node, entries in record.access.items():
        for e in entries:
            lines[history.mark_of(e)].append((node, e["status"], e["cause"]))
    for a in record.asked:
        if a.left or a.status in (0, 200):
            continue
        killed = {i for i in record.started if known.was_killed(i, a.ended, a.ended + SETTLE_S)}  # with what it had to write
        told = [row for row in lines[a.mark] if row[1] == a.status]
        if a.entry not in killed and not any(node == a.entry for node, _, _ in told) or \
                not killed and all(cause == "done" for _, _, cause in told):
            found.append(Finding("told", f"{a.mark} got {a.status} through {a.entry}, the access logs have {lines[a.mark]}"))
    return found


def holds_of(record):
    """(node, term, from, until): proven to be master in all of it, for the term is the same."""
    holds = []
    rows = collections.defaultdict(list)
    for s in record.sightings:
        rows[s.node, s.incarnation].append(s)
    for (node, _), seen in rows.items():
        seen.sort(key=lambda s: s.since)
        current = None
        for s in seen:
            if s.state != "master":
                current = None
            elif current is not None and current[1] == s.term:
                current[3] = s.since
            else:
                current = [node, s.term, s.until, s.since]
                holds.append(current)
    return holds


def check_masters(record, _known):
    """Never two at one time, and a term has one holder."""
    found = []
    holders = collections.defaultdict(set)
    for s in record.sightings:
        if s.state == "master":
            holders[s.term].add(s.node)
    for lines in record.lines.values():
        for line in lines:
            if line["event"] == "master_elected":
                holders[line["term"]].add(line["chosen"])
    found += [Finding("term", f"term {term} is held by {' and '.join(sorted(who))}")
              for term, who in holders.items() if len(who) > 1]
    holds = sorted(holds_of(record), key=lambda h: h[2])
    for s in record.sightings:
        for node, term, since, until in holds:
            if s.state == "master" and s.node != node and since <= s.since and s.until <= until:
                found.append(Finding("masters", f"{s.node} says at {s.since:.3f} to {s.until:.3f} that it is master in term "
                                     f"{s.term}; {node} is from {since:.3f} to {until:.3f} in term {term}"))
    for n, one in enumerate(holds):
        for other in holds[n + 1:]:
            if other[0] != one[0] and max(one[2], other[2]) < min(one[3], other[3]):
                found.append(Finding("masters", f"{one} and {other} at one time"))
    return found


def check_order_of_terms(record, _known):
    """No process of a node elects an older term after a newer one."""
    found = []
    for node, lines in record.lines.items():
        terms = [line["term"] for line in lines if line["event"] == "master_elected"]
        for before, after in zip(terms, terms[1:]):
            if after < before:
                found.append(Finding("term", f"{node} names a master of term {after} after one of term {before}"))
    return found


def check_roles(record, _known):
    """Never two holders of a role at one time; its terms grow, and each has one holder, at one node."""
    found = []
    for role in {h.role for h in record.held}:
        rows = sorted((h for h in record.held if h.role == role), key=lambda h: h.since)
        latest = None                # of those before, who holds it longest
        for one, other in zip(rows, rows[1:]):
            # Whose question was not answered in time asks again, and is told that it holds the role: one grant.
            again = other.term == one.term and (other.holder, other.node) == (one.holder, one.node)
            if other.term <= one.term and not again:
                found.append(Finding("role", f"{role} is granted to {other.holder} with term {other.term} behind term {one.term}"))
        for h in rows:
            if latest is not None and h.since < latest.until:
                found.append(Finding("role", f"{role} is held by {latest.holder} through {latest.node} (term {latest.term}) until "
                                     f"{latest.until:.3f}, and by {h.holder} through {h.node} (term {h.term}) from {h.since:.3f}"))
            latest = h if latest is None or h.until > latest.until else latest
    return found


def check_documents(record, _known):
    """An epoch is one document everywhere, and what was said to be published is in it."""
    found = []
    documents = {}
    for d in record.documents:
        one = documents.setdefault(d.epoch, d)
        if one.services != d.services:
            found.append(Finding("epoch", f"epoch {d.epoch} is {one.services} on {one.node} and {d.services} on {d.node}"))
    published = collections.Counter(c.epoch for c in record.changed if c.epoch is not None)
    found += [Finding("epoch", f"epoch {epoch} was said to {count} changes") for epoch, count in published.items() if count > 1]
    for c in record.changed:
        d = documents.get(c.epoch)
        if d is not None and not is_in(c.operands, d.services[c.service]):
            found.append(Finding("epoch", f"{' '.join(c.operands)} of {c.service} is not in epoch {c.epoch}: {d.services}"))
    last = max(documents, default=0)
    found += [Finding("epoch", f"epoch {e} was said to be published, {last} is the last") for e in published if e > last]
    return found


def is_in(operands, members):
    what, member = operands[:2]
    if what in ("add", "remove"):
        return (member in members) == (what == "add")
    weight, drained = members[member]
    return weight == int(operands[2]) if what == "weight" else bool(drained) == (what == "drain")


def check_epochs_rise(record, _known):
    """A process never goes back."""
    found = []
    newest = {}
    for s in sorted(record.sightings, key=lambda s: s.since):
        key = (s.node, s.incarnation)
        if s.epoch < newest.get(key, 0):
            found.append(Finding("epoch", f"{s.node} goes back from {newest[key]} to {s.epoch}"))
        newest[key] = max(s.epoch, newest.get(key, 0))
    return found


def check_agreement(record, known):
    """Nodes with equal views send a key to one server: that which the specification says."""
    found = []
    for a in record.agreed:
        places = known.memberships(a.service, a.at, a.at)
        expected = {next(i for i in ordering.order(sorted(p.weights), ordering.digest(a.key, a.service), p.weights)
                         if i not in p.drained) for p in places}
        if a.member not in expected:
            found.append(Finding("agreement", f"{a.node} sends {a.key} of {a.service} to {a.member}, not to {' or '.join(sorted(expected))}"))
    keys = collections.defaultdict(set)
    for a in record.agreed:
        keys[a.at, a.service, a.key].add(a.member)
    found += [Finding("agreement", f"{key} of {service} is sent to {' and '.join(sorted(members))}")
              for (_, service, key), members in keys.items() if len(members) > 1]
    return found


CHECKS = [history.check_replies, history.check_once, history.check_tags, check_places, check_errors, check_told,
          check_masters, check_order_of_terms, check_roles, check_documents, check_epochs_rise, check_agreement]


def check(record):
    """All findings."""
    known = Known(record)
    return [f for c in CHECKS for f in c(record, known)]


def coverage(record):
    """Counts that say whether the checks had something to bite on."""
    known = Known(record)
    events = collections.Counter(line["event"] for lines in record.lines.values() for line in lines)
    answered = [a for a in record.asked if is_answered(a)]
    calm = sum(known.calm_since(a.began, a.ended) is not None for a in answered)
    certain = sum(1 for a in answered if a.tag is not None and any(
        View(known, a.entry, p).surely_open(a.service, a.tag[1], a.began, a.ended, True)
        for p in known.memberships(a.service, a.began, a.ended)))
    failed = [a for a in record.asked if not a.left and (a.status != 200 or a.broken)]
    return {"requests": len(record.asked), "answered": len(answered), "calm": calm, "certain": certain,
            "failed": len(failed), "unanswered": sum(a.status == 0 for a in failed),
            "moves": events["failover"] + events["failback"], "disagreements": events["disagree"],
            "downs": events["member_down"],
            "terms": len({s.term for s in record.sightings if s.state == "master"}),
            "epochs": max((d.epoch for d in record.documents), default=0),
            "published": sum(c.epoch is not None for c in record.changed), "agreed": len(record.agreed),
            "holders": len(record.held)}


# ---- stored -----------------------------------------------------------------------------------------


LISTS = {"asked": history.Asked, "disturbed": history.Disturbed, "sightings": Sighting, "documents": Document,
         "changed": Changed, "calms": Calm, "agreed": Agreed, "held": Held}


def log_lines(folder, name):
    """JSON of all whole lines: a process that was killed may leave one that is cut, as the last of its file."""
    found = []
    for path in history.log_files(folder, name):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        found += [json.loads(line) for line in text.split("\n")[:-1]]
    return found


def load(folder):
    """The record that a run left in this folder."""
    with open(os.path.join(folder, "chaos.json")) as f:
        about = json.load(f)
    lists = {name: history.stored(folder, name, kind) for name, kind in LISTS.items()}
    for a in lists["asked"]:
        a.tag = tuple(a.tag) if a.tag else None
    processed = [history.parse_processed(line) for path in sorted(history.log_files(folder, "processed"))
                 for line in history.whole_lines(path)]
    processed = [p for p in processed if p.mark != AGREED]
    lines, access = {}, {}
    for node in about["started"]:
        where = os.path.join(folder, f"node-{node}")
        lines[node] = log_lines(where, "failover.log")
        access[node] = [e for e in log_lines(where, "access.log") if e["service"] is not None]
    return Record(about["failback"], processed=processed, lines=lines, access=access, started=about["started"], **lists)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    record = load(sys.argv[1])
    findings = check(record)
    for f in findings:
        print(f)
    print(f"verdicts: {coverage(record)}, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
