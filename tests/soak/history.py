#!/usr/bin/env python3
"""What a soak leaves behind, and whether it is what Holdfast promises. Pure: lists in, findings out.

    history.py FOLDER       checks a history that soak.py stored once more

Four witnesses that know nothing of each other: the clients (Asked), the members (Processed, which
outlive kill -9), Holdfast's two logs, and the weather, which knows what was done to whom and when
(Disturbed, Membership). The ordering is computed by tests/lib/ordering.py, not by Holdfast.

Times are seconds since 1970 of one machine. Where a member's state is asked for a request, what
happened within SLACK_S of the request makes the answer "not certain", and nothing is concluded.
"""

import bisect
import collections
import dataclasses
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import ordering

SLACK_S = 0.5      # between something happening and everybody having seen it
HEAL_S = 8.0       # a member that is well again is used again after this at the latest
DETECT_S = 4.0     # a killed member is found dead after this at the latest
REPEATABLE = {"GET", "HEAD", "PUT"}
UP, DOWN, DRAIN = "up", "down", "drain"


@dataclasses.dataclass(slots=True)
class Asked:
    """One request as its client saw it."""
    mark: str                # unique
    service: str
    method: str
    key: str = None          # X-Key; None: the session is Holdfast's
    session: str = None      # name that the client gave it
    tag: tuple = None        # (primary, last) of the tag that went along; None: none went
    whole: bool = True       # the body fits into the replay buffer
    began: float = 0.0
    ended: float = 0.0
    status: int = 0          # 0: no answer's head came
    broken: str = ""         # how it ended before it was whole; "": it was whole
    left: bool = False       # the client went away itself
    body_is: str = ""        # the answer's body is not what this mark's should be: how
    echoed: str = None       # the mark in the answer
    answer: str = None       # the answer's mark
    member: str = None       # who answered, in its own words
    primary: str = None      # what it was told
    digest: str = None
    new_tag: bool = False    # the answer sets one
    bytes: int = 0           # of the answer's body
    sent: int = 0            # of the request's body
    entry: str = None        # the node that was asked, where there are several


@dataclasses.dataclass(slots=True)
class Processed:
    """One request as a member logged it before it answered."""
    at: float
    mark: str
    method: str
    answer: str
    digest: str
    primary: str
    before: str
    rank: int
    backups: list
    failover: str
    bytes: int

    @property
    def member(self):
        return self.answer.split(".")[0]


@dataclasses.dataclass(slots=True)
class Disturbed:
    """Something was done to a member (kill, stop, maint): from before it until it is itself again."""
    member: str
    since: float
    until: float
    what: str


@dataclasses.dataclass(slots=True)
class Membership:
    """Members of the services from a reload on: asked for at `since`, told done at `settled`."""
    since: float
    settled: float
    weights: dict
    origins: dict


@dataclasses.dataclass(slots=True)
class History:
    failback: dict           # service -> "stay" or "return"
    asked: list
    processed: list
    disturbed: list
    memberships: list        # in sequence; the first is that of the start
    failover: list           # the log's lines, parsed, in sequence
    access: list
    ended: float = 0.0       # when all members were well and the load was over
    counted: dict = dataclasses.field(default_factory=dict)  # service -> requests, by Holdfast's own counters


@dataclasses.dataclass(frozen=True)
class Finding:
    kind: str
    text: str

    def __str__(self):
        return f"{self.kind}: {self.text}"


def seconds(ts):
    """Of "2026-11-21T07:49:30.447Z"."""
    import calendar
    import time
    return calendar.timegm(time.strptime(ts[:19], "%Y-%m-%dT%H:%M:%S")) + float(ts[19:-1])


# ---- who was in which state -------------------------------------------------------------------------


class States:
    """What is known of the members over time."""

    def __init__(self, history):
        self.history = history
        self.disturbed = collections.defaultdict(list)
        for d in history.disturbed:
            self.disturbed[d.member].append(d)
        self.changes = collections.defaultdict(list)  # (service, member) -> [(at, state)]
        words = {"member_down": DOWN, "member_up": UP, "drain_started": DRAIN}
        for line in history.failover:
            if line["event"] in words:
                self.changes[line["service"], line["member"]].append((seconds(line["ts"]), words[line["event"]]))
        for before, after in zip(history.memberships, history.memberships[1:]):
            self.forget(before, after)
        for rows in self.changes.values():
            rows.sort(key=lambda row: row[0])
        self.known = {}

    def forget(self, before, after):
        """Who left, or has another address, begins anew."""
        for member in set(before.origins) | set(after.origins):
            if before.origins.get(member) != after.origins.get(member):
                for service in self.history.failback:
                    self.changes[service, member] += [(after.since, UP), (after.settled, UP)]

    def is_disturbed(self, member, began, ended):
        return any(d.since - SLACK_S <= ended and began <= d.until + SLACK_S for d in self.disturbed[member])

    def said(self, service, member, began, ended):
        """The state that Holdfast said it was in all the time; None: it changed meanwhile."""
        rows = self.changes.get((service, member), [])
        first = bisect.bisect_left(rows, began - SLACK_S, key=lambda row: row[0])
        if first < len(rows) and rows[first][0] <= ended + SLACK_S:
            return None
        return rows[first - 1][1] if first > 0 else UP

    def surely_open(self, service, member, began, ended, lives_there):
        """It could serve this session, without a doubt."""
        state = self.said(service, member, began, ended)
        if self.is_disturbed(member, began, ended):
            return False
        return state == UP or state == DRAIN and lives_there

    def memberships(self, began, ended):
        return memberships_of(self.history, began, ended)


def memberships_of(history, began, ended):
    """Those that may have been in force meanwhile."""
    rows = history.memberships
    found = []
    for n, m in enumerate(rows):
        until = rows[n + 1].settled if n + 1 < len(rows) else float("inf")
        if m.since - SLACK_S <= ended and began <= until + SLACK_S:
            found.append(m)
    return found


def order_of(membership, digest):
    return ordering.order(sorted(membership.weights), digest, membership.weights)


def fingerprint(membership):
    members = tuple((i.encode(), w, b"") for i, w in sorted(membership.weights.items()))
    return f"{ordering.ring(members).fingerprint():016x}"


def home_of(asked, membership, digest, told_primary):
    """(primary, last, whether the session is new) before this request."""
    primary, last = asked.tag or (None, None)
    if primary not in membership.weights:
        primary = None
    if last not in membership.weights:
        last = None
    if primary is None:
        computed = asked.key is not None or asked.tag is not None
        primary = order_of(membership, digest)[0] if computed else told_primary
    return primary, last, asked.tag is None


def sequence(failback, primary, last, order):
    """Everybody, in the sequence in which they are asked while all are well."""
    places = [primary]
    if last is not None and last != primary:
        places = [last, primary] if failback == "stay" else [primary, last]
    return places + [m for m in order if m not in places]


def place_judged(history, states, a, membership):
    """Why this answer should not have come from who gave it; None: it is as it should be."""
    if a.member not in membership.weights:
        return f"{a.member} is no member"
    primary, last, fresh = home_of(a, membership, a.digest, a.primary)
    if a.primary != primary:
        return f"its primary is {primary}, {a.member} was told {a.primary}"
    home = last or primary
    order = order_of(membership, a.digest)
    for m in sequence(history.failback[a.service], primary, last, order):
        if m == a.member:
            break
        if states.surely_open(a.service, m, a.began, a.ended, m == home and not fresh):
            return f"{m} stood before {a.member} and was operational (lives at {home}, order {' '.join(order)})"
    state = states.said(a.service, a.member, a.began, a.ended)
    if state == DOWN:
        return f"{a.member} was down"
    # Draining members take others' sessions only when nobody else is left.
    if state == DRAIN and (fresh or a.member != home) and \
            any(states.surely_open(a.service, m, a.began, a.ended, False) for m in order):
        return f"{a.member} drains, and the session did not live there"
    return None


# ---- checks: each takes (history, states) and returns findings ------------------------------------------


def by_mark(history):
    if len({a.mark for a in history.asked}) != len(history.asked):
        raise ValueError("the clients' marks are not unique")
    return {a.mark: a for a in history.asked}


def is_answered(a):
    """By a member, with a head at least."""
    return a.status == 200 and a.answer is not None


def check_replies(history, _states):
    """A reply belongs to its request: the mark comes back, and the member knows this pair of marks."""
    found = []
    pairs = {p.answer: p for p in history.processed}
    if len(pairs) != len(history.processed):
        raise ValueError("the members' marks are not unique")
    taken = {}
    for a in history.asked:
        if a.body_is:
            found.append(Finding("reply", f"{a.mark}: body: {a.body_is}"))
        if a.status == 200 and a.answer is None:
            found.append(Finding("reply", f"{a.mark}: an answer without a member's mark"))
        if not is_answered(a):
            continue
        if a.echoed != a.mark:
            found.append(Finding("reply", f"{a.mark} got the answer to {a.echoed}"))
        if a.answer in taken:
            found.append(Finding("reply", f"{a.mark} and {taken[a.answer]} got the same answer {a.answer}"))
        taken[a.answer] = a.mark
        p = pairs.get(a.answer)
        if p is None or (p.mark, p.method) != (a.mark, a.method):
            found.append(Finding("reply", f"{a.mark}: {a.answer} was {f'{p.method} {p.mark}' if p else 'never sent'}"))
        elif p.bytes != a.sent:
            found.append(Finding("reply", f"{a.mark}: a body of {p.bytes} bytes arrived, {a.sent} were sent"))
    return found


def check_once(history, _states):
    """What is not idempotent is processed once at most; what nobody asked, never."""
    found = []
    asked = by_mark(history)
    times = collections.Counter(p.mark for p in history.processed if p.method not in REPEATABLE)
    for mark, count in times.items():
        if count > 1:
            found.append(Finding("twice", f"{mark} was processed {count} times"))
    for p in history.processed:
        if p.mark not in asked:
            found.append(Finding("twice", f"{p.member} processed {p.method} {p.mark}, which nobody asked"))
    return found


def guilty_of(history):
    """Request id -> members whose failures the failover log tells of, for requests that were not moved."""
    guilty = collections.defaultdict(set)
    for line in history.failover:
        if line["event"] == "failover" and line["chosen"] is None:
            guilty[line["request_id"]].add(line["from"])
    return guilty


def check_errors(history, states):
    """What may be repeated never fails before its answer began; the rest fails with its member only."""
    found = []
    ids = {mark_of(e): e for e in history.access}
    guilty = guilty_of(history)
    for a in history.asked:
        if a.left or a.status == 200 and not a.broken:
            continue
        said = a.broken or f"status {a.status}"
        line = ids.get(a.mark, {})
        if a.status == 200:
            to_blame = {a.member}
        elif a.method in REPEATABLE and a.whole:
            found.append(Finding("error", f"{a.method} {a.mark} may be repeated and got: {said} ({line.get('cause')})"))
            continue
        else:
            to_blame = guilty[line.get("request_id")]
        if not any(states.is_disturbed(m, a.began, a.ended) for m in to_blame):
            found.append(Finding("error", f"{a.method} {a.mark}: {said} ({line.get('cause')}), "
                                 f"but nothing was done to {', '.join(sorted(map(str, to_blame))) or 'anybody'}"))
    return found


def check_places(history, states):
    """Stickiness, failback and order at once: of those who stood before the one that answered, none
    was operational."""
    found = []
    for a in history.asked:
        if not is_answered(a):
            continue
        reasons = [place_judged(history, states, a, m) for m in states.memberships(a.began, a.ended)]
        if all(reasons):
            found.append(Finding("place", f"{a.mark} of {a.session} with {a.tag}: {'; or '.join(sorted(set(reasons)))}"))
    return found


def check_tags(history, _states):
    """The client holds a tag that says where it is at home; a session keeps its digest."""
    found = []
    digests = {}
    for a in history.asked:
        if not is_answered(a):
            continue
        if not a.new_tag and a.tag != (a.primary, a.member):
            found.append(Finding("tag", f"{a.mark}: holds {a.tag}, is at {(a.primary, a.member)}, and was told nothing"))
        if a.key is not None:
            expected = ordering.digest(a.key, a.service)
        else:
            expected = digests.setdefault(a.session, a.digest)
        if a.digest != expected:
            found.append(Finding("tag", f"{a.mark}: digest {a.digest}, not {expected}"))
    return found


def told_judged(history, states, a, p, membership):
    if p.member not in membership.weights:
        return f"{p.member} is no member"
    primary, last, fresh = home_of(a, membership, p.digest, p.primary)
    order = order_of(membership, p.digest)
    if p.primary != primary:
        return f"primary {p.primary}, not {primary}"
    if p.before != last:
        return f"served before by {p.before}, not {last}"
    if p.rank != order.index(p.member):
        return f"rank {p.rank} in {' '.join(order)}"
    row = sequence(history.failback[a.service], primary, last, order)
    rest = row[row.index(p.member) + 1:]
    named = list(p.backups)
    for m in rest:
        if not named:
            break
        if m == named[0]:
            named.pop(0)
        elif states.surely_open(a.service, m, a.began, p.at, m == (last or primary) and not fresh):
            return f"backups {','.join(p.backups)} without {m} of {' '.join(row)}"
    if named:
        return f"backups {','.join(p.backups)} do not follow {p.member} in {' '.join(row)}"
    return None


def check_told(history, states):
    """Every member was told primary, last server, its rank and the next in order, and rightly so."""
    found = []
    asked = by_mark(history)
    for p in history.processed:
        a = asked.get(p.mark)
        if a is None:
            continue
        reasons = [told_judged(history, states, a, p, m) for m in states.memberships(a.began, p.at)]
        if all(reasons):
            found.append(Finding("told", f"{p.member} for {p.mark}: {'; or '.join(sorted(set(reasons)))}"))
    return found


def mark_of(entry):
    """Targets are /SERVICE/MARK."""
    return entry["target"].rsplit("/", 1)[-1]


MOVES = {"failover", "failback"}


class Move:
    """A line of the failover log, the request that it is about, and the members that it speaks of."""

    def __init__(self, history, line, entry, asked, membership):
        self.line, self.entry, self.asked = line, entry, asked
        self.digest = asked.digest
        self.began, self.ended = asked.began, seconds(line["ts"])
        self.primary, self.last, self.fresh = home_of(asked, membership, asked.digest, line["primary"])
        self.home = self.last or self.primary
        self.order = order_of(membership, asked.digest)
        self.row = sequence(history.failback[asked.service], self.primary, self.last, self.order)

    def judged(self, states):
        for judge in (self.names, self.skips, self.steps):
            said = judge(states)
            if said:
                return said
        return None

    def names(self, _states):
        line = self.line
        expected = {"primary": self.primary, "from": self.home, "session": self.digest[:8], "chosen": self.asked.member,
                    "rank": self.order.index(line["chosen"]) if line["chosen"] in self.order else None}
        wrong = [f"{k} {line[k]}, not {v}" for k, v in expected.items() if line[k] != v]
        if line["event"] == "failback" and line["chosen"] != self.primary:
            wrong.append(f"a failback to {line['chosen']}, not to the primary")
        return ", ".join(wrong)

    def is_open(self, states, member):
        return states.surely_open(self.asked.service, member, self.began, self.ended,
                                  member == self.home and not self.fresh)

    def skips(self, states):
        """Those that stood before the first step are skipped, none was operational; behind them come the
        steps that were tried in vain."""
        steps, chosen = self.line["order"], self.line["chosen"]
        if not steps or steps[0] not in self.row:
            return f"the order {' '.join(steps)} does not begin in {' '.join(self.row)}"
        if chosen not in steps:
            return f"{chosen} is none of the steps {' '.join(steps)}"
        before = self.row[:self.row.index(steps[0])] if steps[0] != self.home else []
        skipped = [s["id"] for s in self.line["skipped"]]
        expected = before + steps[:steps.index(chosen)]
        if skipped != expected:
            return f"skipped {' '.join(skipped)}, not {' '.join(expected)} before {chosen} in {' '.join(self.row)}"
        alive = [m for m in before if self.is_open(states, m)]
        return f"{' '.join(alive)} skipped, but operational" if alive else None

    def steps(self, states):
        """The steps follow the row; those who were tried in vain had a reason; nobody well is left out."""
        steps, chosen = self.line["order"], self.line["chosen"]
        rest = self.row[self.row.index(steps[0]):]
        for m in rest:
            if steps and m == steps[0]:
                if m == chosen:
                    return None
                if not states.is_disturbed(m, self.began, self.ended):
                    return f"{m} was tried in vain, but nothing was done to it"
                steps = steps[1:]
            elif self.is_open(states, m):
                return f"{m} is left out of {' '.join(self.line['order'])} of {' '.join(self.row)}"
        return f"the steps {' '.join(self.line['order'])} do not follow {' '.join(self.row)}"


def check_moves(history, states):
    """Each failover line's chosen member is the first operational one in the order."""
    found = []
    asked, entries = by_mark(history), {e["request_id"]: e for e in history.access}
    pools = {fingerprint(m): m for m in history.memberships}
    for line in history.failover:
        if line["event"] not in MOVES or line["chosen"] is None:
            continue
        where = f"{line['event']} {line['request_id']} of {line['session']} to {line['chosen']}"
        entry = entries.get(line["request_id"])
        a = asked.get(mark_of(entry)) if entry else None
        if a is None:
            found.append(Finding("move", f"{where}: a request that is not in the access log"))
        elif line["pool"] not in pools:
            found.append(Finding("move", f"{where}: pool {line['pool']} was never configured"))
        elif is_answered(a):
            said = Move(history, line, entry, a, pools[line["pool"]]).judged(states)
            if said:
                found.append(Finding("move", f"{where} for {a.mark}: {said}"))
    return found


def check_logs(history, _states):
    """Access log, failover log and clients tell the same."""
    found = []
    entries = collections.defaultdict(list)
    for e in history.access:
        entries[mark_of(e)].append(e)
    asked = by_mark(history)
    for mark in entries.keys() - asked.keys():
        found.append(Finding("log", f"the access log has {mark!r}, which nobody asked"))
    for a in history.asked:
        lines = entries.get(a.mark, [])
        if len(lines) > 1 or not lines and not a.left:
            found.append(Finding("log", f"{a.mark} has {len(lines)} lines in the access log"))
        elif lines:
            said = line_judged(a, lines[0])
            if said:
                found.append(Finding("log", f"{a.mark}: {said}: {json.dumps(lines[0])}"))
    lines = collections.Counter(e["service"] for e in history.access)
    found += [Finding("log", f"{service}: {lines[service]} lines in the access log, {count} requests were counted")
              for service, count in history.counted.items() if lines[service] != count]
    return found + check_logs_agree(history)


def line_judged(a, e):
    """What is wrong with this line of the access log."""
    if (e["service"], e["method"]) != (a.service, a.method):
        return "another service or method"
    if a.status and e["status"] != a.status:
        return f"status {e['status']}, the client got {a.status}"
    if a.left:
        return None
    if a.answer is not None:
        if e["member"] != a.member or e["primary"] != a.primary:
            return f"member {e['member']} of {e['primary']}, the client was served by {a.member} of {a.primary}"
        if e["session"] != a.digest[:8]:
            return f"session {e['session']}, the member was told {a.digest}"
    if not a.broken and a.status == 200 and e["cause"] != "done":
        return f"cause {e['cause']} of a whole answer"
    if a.broken and a.status == 200 and e["cause"] == "done":
        return f"done, but the client got no whole answer: {a.broken}"
    return None


def check_logs_agree(history):
    """A request that the access log says was moved has its line in the failover log, and only that."""
    found = [Finding("log", f"{line['event']} at {line['ts']}: {line['reason']}") for line in history.failover
             if line["event"] in ("tag_rejected", "no_live_member")]
    lines = collections.defaultdict(list)
    suppressed = sum(line.get("suppressed", 0) for line in history.failover)
    for line in history.failover:
        if line["event"] in MOVES and line["chosen"] is not None:
            lines[line["request_id"]].append(line["event"])
    missing = []
    for e in history.access:
        expected = [e["affinity"]] if e["affinity"] in MOVES and e["member"] is not None else []
        got = lines.pop(e["request_id"], [])
        if got != expected and expected and not got:
            missing.append(e["request_id"])
        elif got != expected:
            found.append(Finding("log", f"{e['request_id']}: affinity {e['affinity']}, failover log {got}"))
    if len(missing) > suppressed:
        found.append(Finding("log", f"{len(missing)} moved requests have no line in the failover log "
                             f"({suppressed} were suppressed): {' '.join(missing[:5])}"))
    return found


def check_verdicts(history, states):
    """A member goes down only when something was done to it, is found dead when it was killed, and is
    used again when it is well."""
    found = []
    downs = collections.defaultdict(list)
    for line in history.failover:
        if line["event"] == "member_down":
            at = seconds(line["ts"])
            downs[line["service"], line["member"]].append(at)
            if not states.is_disturbed(line["member"], at - SLACK_S, at):
                found.append(Finding("verdict", f"{line['ts']} {line['member']} of {line['service']} went down "
                                     f"({line['evidence']}), but nothing was done to it"))
    for service in history.failback:
        for d in history.disturbed:
            found += verdict_of(history, states, service, d, downs[service, d.member])
    return found


def is_member_throughout(history, member, since, until):
    """With one address."""
    origins = {m.origins.get(member) for m in memberships_of(history, since, until)}
    return len(origins) == 1 and None not in origins


def verdict_of(history, states, service, d, downs):
    found = []
    if d.what == "kill" and d.until - d.since > DETECT_S and \
            is_member_throughout(history, d.member, d.since - HEAL_S, d.since + DETECT_S):
        state = states.said(service, d.member, d.since, d.since)
        if not any(d.since - HEAL_S <= at <= d.since + DETECT_S for at in downs) and state != DOWN:
            found.append(Finding("verdict", f"{d.member} of {service} was killed at {d.since:.3f} and not found dead"))
    healed = d.until + HEAL_S
    if healed > history.ended or not is_member_throughout(history, d.member, d.since, healed):
        return found
    if not states.is_disturbed(d.member, d.until + 2 * SLACK_S, healed) and \
            states.said(service, d.member, healed, healed) == DOWN:
        found.append(Finding("verdict", f"{d.member} of {service} is well since {d.until:.3f} and not used again"))
    return found


CHECKS = [check_replies, check_once, check_errors, check_places, check_tags, check_told, check_moves,
          check_logs, check_verdicts]


def check(history):
    """All findings."""
    states = States(history)
    return [f for c in CHECKS for f in c(history, states)]


# ---- how much there was to check --------------------------------------------------------------------


def coverage(history):
    """Counts that say whether the checks had something to bite on."""
    states = States(history)
    events = collections.Counter(line["event"] for line in history.failover)
    certain = sum(1 for a in history.asked if is_answered(a) and a.tag is not None and
                  states.surely_open(a.service, a.tag[1], a.began, a.ended, True))
    return {"requests": len(history.asked), "answered": sum(map(is_answered, history.asked)),
            "processed": len(history.processed), "sessions": len({a.session for a in history.asked}),
            "certain": certain, "failovers": events["failover"], "failbacks": events["failback"],
            "rehomed": events["rehomed"], "downs": events["member_down"], "ups": events["member_up"],
            "reloads": events["reload"], "refused": events["reload_refused"], "drains": events["drain_started"],
            "unmoved": sum(1 for v in guilty_of(history).values() if v)}


# ---- stored -----------------------------------------------------------------------------------------


def parse_processed(line):
    f = [None if v == "-" else v for v in line.split("\t")]
    if len(f) != 12:
        raise ValueError(f"a member's record is cut: {line!r}")
    return Processed(float(f[0]), f[1], f[2], f[3], f[4], f[5], f[6], int(f[7]) if f[7] else None,
                     f[8].split(",") if f[8] else [], f[9], int(f[10]))


def whole_lines(path):
    """Lines of a file; one that is cut is an error."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text and not text.endswith("\n"):
        raise ValueError(f"{path} ends within a line: {text[-200:]!r}")
    return text.split("\n")[:-1]


def log_files(folder, name):
    """FOLDER/NAME.1, .2, ... and last NAME: in the sequence in which they were written."""
    numbered = sorted((int(f.rsplit(".", 1)[1]), f) for f in os.listdir(folder)
                      if f.startswith(name + ".") and f.rsplit(".", 1)[1].isdigit())
    last = [name] if os.path.exists(os.path.join(folder, name)) else []
    return [os.path.join(folder, f) for f in [f for _, f in numbered] + last]


def store(folder, **lists):
    """Witnesses' lists as JSON lines, one file each."""
    for name, rows in lists.items():
        with open(os.path.join(folder, name + ".jsonl"), "w") as f:
            f.writelines(json.dumps(dataclasses.asdict(r)) + "\n" for r in rows)


def stored(folder, name, kind):
    return [kind(**json.loads(line)) for line in whole_lines(os.path.join(folder, name + ".jsonl"))]


def load(folder):
    """The history that a soak left in this folder."""
    with open(os.path.join(folder, "soak.json")) as f:
        about = json.load(f)
    asked = stored(folder, "asked", Asked)
    for a in asked:
        a.tag = tuple(a.tag) if a.tag else None
    processed = [parse_processed(line) for path in sorted(log_files(folder, "processed")) for line in whole_lines(path)]
    lines = {name: [json.loads(line) for path in log_files(folder, name) for line in whole_lines(path)]
             for name in ("failover.log", "access.log")}
    access = [e for e in lines["access.log"] if e["service"] is not None]
    return History(about["failback"], asked, processed, stored(folder, "disturbed", Disturbed),
                   stored(folder, "memberships", Membership), lines["failover.log"], access, about["ended"], about["counted"])


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    history = load(sys.argv[1])
    findings = check(history)
    for f in findings:
        print(f)
    print(f"history: {coverage(history)}, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
