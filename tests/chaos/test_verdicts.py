#!/usr/bin/env python3
"""Records that must be refused, one fault each in a record that is as it should be; and schedules."""

import copy
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import storms
import verdicts
from verdicts import Agreed, Calm, Changed, Document, Held, Record, Sighting
from history import Asked, Disturbed, Processed
import ordering

IDS = "abcde"
KEYS = [f"key-{n}" for n in range(8)]
AT = 1000.0


def order(key, service="go", weights=None):
    return ordering.order(IDS, ordering.digest(key, service), weights or {i: 1 for i in IDS})


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"


def request(number, key, at, member=None, entry="a", service="go", method="POST", tag=None, status=200):
    """(what the client saw, what the server wrote)"""
    home = order(key, service)[0]
    member = member or home
    answer = f"{member}.1.{number}"
    a = Asked(f"m{number}", service, method, key=key, session=key, tag=tag, began=at, ended=at + 0.1, status=status,
              entry=entry)
    if status != 200:
        return a, None
    a.echoed, a.answer, a.member, a.primary = a.mark, answer, member, tag[0] if tag else home
    a.digest, a.new_tag = ordering.digest(key, service), tag != (a.primary, member)
    return a, Processed(at + 0.05, a.mark, method, answer, a.digest, a.primary, None, 0, [], None, 0)


def sighting(node, at, state="backup", term=1, epoch=0, master="a", incarnation=1):
    return Sighting(node, incarnation, at, at + 0.01, state, master, term, epoch)


def document(node, epoch, weight=1, drained=()):
    members = {i: [weight if i == "b" else 1, i in drained] for i in IDS}
    return Document(node, epoch, {"go": members, "back": copy.deepcopy(members)})


def good():
    """A minute without a fault: keys through all nodes, a is master, b weighs 2 from epoch 1 on."""
    pairs = [request(n, key, AT + n) for n, key in enumerate(KEYS)]
    heavy = {i: 2 if i == "b" else 1 for i in IDS}
    return Record({"go": "stay", "back": "return"}, [a for a, _ in pairs], [p for _, p in pairs], [],
                  sightings=[sighting(i, AT + n, "master" if i == "a" else "backup", epoch=int(n >= 30))
                             for n in range(60) for i in IDS],
                  documents=[document(i, e, 1 + e) for i in IDS for e in (0, 1)],
                  changed=[Changed("c", "go", ["weight", "b", "2"], AT + 29, AT + 29.5, 1)],
                  calms=[Calm(AT - 1, AT + 60)],
                  agreed=[Agreed(AT + 50, i, "go", k, order(k, weights=heavy)[0]) for k in KEYS for i in IDS],
                  lines={i: [elected(AT, i)] for i in IDS}, access={i: [] for i in IDS}, started={i: [AT - 5] for i in IDS})


def elected(at, node, chosen="a", term=1):
    return {"ts": stamp(at), "event": "master_elected", "node": node, "chosen": chosen, "term": term}


def went(at, node, member, event="member_down"):
    return {"ts": stamp(at), "event": event, "node": node, "service": "go", "member": member}


class Verdicts(unittest.TestCase):
    def refused(self, record, kind, text=""):
        found = verdicts.check(record)
        self.assertTrue(any(f.kind == kind and text in f.text for f in found), [str(f) for f in found])

    def passed(self, record):
        self.assertEqual([str(f) for f in verdicts.check(record)], [])

    def add(self, record, *more, **fields):
        a, p = request(100 + len(record.asked), *more, **fields)
        record.asked.append(a)
        if p is not None:
            record.processed.append(p)
        return a

    def test_a_good_record_passes(self):
        r = good()
        self.passed(r)
        said = verdicts.coverage(r)
        self.assertEqual((said["calm"], said["terms"], said["epochs"], said["published"]), (len(KEYS), 1, 1, 1))

    # ---- replies, and once

    def test_the_answer_to_another_request(self):
        r = good()
        r.asked[0].echoed = r.asked[1].mark
        self.refused(r, "reply", "got the answer to m1")

    def test_a_post_that_was_processed_twice(self):
        r = good()
        again = copy.copy(r.processed[0])
        again.answer = "e.1.999"
        r.processed.append(again)
        self.refused(r, "twice", "m0 was processed 2 times")

    def test_a_post_that_failed_and_was_processed_twice(self):
        r = good()
        r.calms.clear()
        r.disturbed.append(Disturbed("server a", AT, AT + 9, "kill"))
        a = self.add(r, KEYS[0], AT + 5, status=502)
        r.access["a"].append({"target": f"/go/{a.mark}", "status": 502, "cause": "member_closed"})
        _, p = request(500, KEYS[0], AT + 5)
        p.mark = a.mark
        r.processed.append(p)
        self.passed(r)
        other = copy.copy(p)
        other.answer = "e.1.501"
        r.processed.append(other)
        self.refused(r, "twice", f"{a.mark} was processed 2 times")

    def test_a_get_may_be_repeated(self):
        r = good()
        self.add(r, KEYS[0], AT + 5, method="GET")
        again = copy.copy(r.processed[-1])
        again.answer = "e.1.999"
        r.processed.append(again)
        self.passed(r)

    def test_what_nobody_asked(self):
        r = good()
        r.processed.append(copy.copy(r.processed[0]))
        r.processed[-1].answer, r.processed[-1].mark = "e.1.999", "other"
        self.refused(r, "twice", "nobody asked")

    # ---- places

    def test_a_backup_without_need(self):
        r = good()
        self.add(r, KEYS[0], AT + 9, member=order(KEYS[0])[1])
        self.refused(r, "place", "stood before")

    def test_a_backup_when_something_was_done(self):
        """To the server, its node, the entry, or a link between: and not long ago."""
        home, backup = order(KEYS[0])[:2]
        entry = next(i for i in IDS if i not in (home, backup))
        for subject in (f"server {home}", f"node {home}", f"node {entry}", f"link {entry} {home}", f"link {home} {entry}"):
            r = good()
            r.calms.clear()
            r.disturbed.append(Disturbed(subject, AT + 5, AT + 6, "kill"))
            self.add(r, KEYS[0], AT + 9, member=backup, entry=entry)
            self.passed(r)
        for subject in (f"server {backup}", f"link {backup} {entry}"):
            r = good()
            r.calms.clear()
            r.disturbed.append(Disturbed(subject, AT + 5, AT + 6, "kill"))
            self.add(r, KEYS[0], AT + 9, member=backup, entry=entry)
            self.refused(r, "place", f"{home} stood before")

    def test_when_all_have_said_that_all_is_well_there_is_no_excuse(self):
        home, backup = order(KEYS[0])[:2]
        r = good()
        r.disturbed.append(Disturbed(f"server {home}", AT - 5, AT - 3, "kill"))
        self.add(r, KEYS[0], AT + 3, member=backup)
        self.refused(r, "place", f"{home} stood before")

    def test_a_session_that_stays_and_one_that_returns(self):
        home, backup = order(KEYS[0])[:2]
        r = good()
        self.add(r, KEYS[0], AT + 9, member=backup, tag=(home, backup))
        self.passed(r)
        self.add(r, KEYS[0], AT + 10, member=home, tag=(home, backup))
        self.refused(r, "place", f"{backup} stood before {home}")
        home, backup = order(KEYS[0], "back")[:2]
        r = good()
        self.add(r, KEYS[0], AT + 9, member=home, tag=(home, backup), service="back")
        self.passed(r)
        self.add(r, KEYS[0], AT + 10, member=backup, tag=(home, backup), service="back")
        self.refused(r, "place", f"{home} stood before {backup}")

    def test_another_node_that_holds_it_for_down_is_no_excuse(self):
        home, backup = order(KEYS[0])[:2]
        entry, other = [i for i in IDS if i not in (home, backup)][:2]
        r = good()
        r.lines[other].append(went(AT + 2, other, home))
        self.add(r, KEYS[0], AT + 9, member=backup, entry=entry)
        self.refused(r, "place", "stood before")

    def test_a_drained_member_gets_no_new_session(self):
        r = good()
        home, backup = order(KEYS[0])[:2]
        r.documents = [document(i, 0, drained=home) for i in IDS]
        r.sightings = [s for s in r.sightings if s.epoch == 0]
        r.changed, r.agreed, r.asked, r.processed = [], [], [], []
        self.add(r, KEYS[0], AT + 9, member=backup)
        r.asked[-1].primary = r.processed[-1].primary = home
        self.passed(r)
        self.add(r, KEYS[0], AT + 10)
        self.refused(r, "place", "drains")

    def test_another_digest(self):
        r = good()
        r.asked[0].digest = "00" * 16
        self.refused(r, "tag", "digest")

    def test_a_move_that_the_client_is_not_told(self):
        r = good()
        r.asked[0].new_tag = False
        self.refused(r, "tag", "was told nothing")

    # ---- errors

    def test_an_error_without_a_reason(self):
        r = good()
        self.add(r, KEYS[0], AT + 9, status=503)
        self.refused(r, "error", "nothing was done to anybody")

    def failing(self, what, status, subject="node a"):
        r = good()
        r.calms.clear()
        r.disturbed.append(Disturbed(subject, AT + 8, AT + 9.05, what))
        a = self.add(r, KEYS[0], AT + 9, status=status)
        return r, a

    def test_no_answer_is_for_who_was_killed_alone(self):
        for what, subject, good_ in (("kill", "node a", True), ("stop", "node a", False), ("kill", "node b", False)):
            r, a = self.failing(what, 0, subject)
            a.broken = "Ended"
            if good_:
                self.passed(r)
            else:
                self.refused(r, "error", "no answer, and a was not killed")

    def test_a_status_that_says_nothing(self):
        r, _ = self.failing("stop", 421)
        self.refused(r, "error", "not a status")

    def test_an_error_that_the_node_does_not_know_of(self):
        r, a = self.failing("stop", 502, "server a")
        self.refused(r, "told", f"{a.mark} got 502")
        r.access["a"].append({"target": f"/go/{a.mark}", "status": 502, "cause": "done"})
        self.refused(r, "told", f"{a.mark} got 502")
        r.access["b"].append({"target": f"/go/{a.mark}", "status": 502, "cause": "member_closed"})
        self.passed(r)
        r.access["a"].clear()
        self.refused(r, "told", f"{a.mark} got 502")

    def test_a_node_that_was_killed_tells_nothing(self):
        r, a = self.failing("stop", 502, "server a")
        r.disturbed.append(Disturbed("node b", AT + 12, AT + 13, "kill"))
        self.refused(r, "told", f"{a.mark} got 502")
        r.access["a"].append({"target": f"/go/{a.mark}", "status": 502, "cause": "done"})
        self.passed(r)

    # ---- masters

    def test_two_masters_of_one_term(self):
        r = good()
        r.lines["b"].append(elected(AT + 70, "b", "b", 1))
        self.refused(r, "term", "term 1 is held by a and b")

    def test_two_masters_at_one_time(self):
        """b says so while a was and is master in one term."""
        r = good()
        r.sightings.append(sighting("b", AT + 20.5, "master", term=2, master="b"))
        self.refused(r, "masters", "b says")

    def test_two_masters_whose_sightings_overlap(self):
        r = good()
        r.sightings = [sighting("a", AT, "master", 1), sighting("b", AT + 1, "master", 2),
                       sighting("a", AT + 2, "master", 1), sighting("b", AT + 3, "master", 2)]
        r.documents, r.changed, r.agreed = [document("a", 0)], [], []
        self.refused(r, "masters", "at one time")

    def test_one_master_after_another(self):
        r = good()
        r.sightings = [sighting("a", AT, "master", 1), sighting("a", AT + 2, "master", 1),
                       sighting("b", AT + 2.5, "master", 2), sighting("a", AT + 3, "backup", 1),
                       sighting("b", AT + 4, "master", 2), sighting("a", AT + 5, "master", 3)]
        r.documents, r.changed, r.agreed = [document("a", 0)], [], []
        self.passed(r)

    def test_a_term_that_falls(self):
        r = good()
        r.lines["c"] += [elected(AT + 10, "c", "b", 3), elected(AT + 11, "c", "d", 2)]
        self.refused(r, "term", "c names a master of term 2 after one of term 3")

    # ---- epochs

    def test_two_documents_of_one_epoch(self):
        r = good()
        r.documents[-1].services["go"]["b"] = [3, False]
        self.refused(r, "epoch", "epoch 1 is")

    def test_a_change_that_was_published_and_is_lost(self):
        r = good()
        r.changed[0].operands = ["weight", "b", "5"]
        self.refused(r, "epoch", "is not in epoch 1")
        r = good()
        r.changed.append(Changed("d", "go", ["drain", "e"], AT + 40, AT + 41, 2))
        self.refused(r, "epoch", "epoch 2 was said to be published, 1 is the last")

    def test_one_epoch_for_two_changes(self):
        r = good()
        r.changed.append(Changed("d", "go", ["weight", "b", "2"], AT + 40, AT + 41, 1))
        self.refused(r, "epoch", "epoch 1 was said to 2 changes")

    def test_a_node_that_goes_back(self):
        r = good()
        r.sightings.append(sighting("d", AT + 59.5, epoch=0))
        self.refused(r, "epoch", "d goes back from 1 to 0")

    def test_members_that_come_and_go(self):
        for operands, good_ in ((["remove", "b"], False), (["add", "b"], True)):
            r = good()
            r.changed[0].operands = operands
            if good_:
                self.passed(r)
            else:
                self.refused(r, "epoch", "remove b of go is not in epoch 1")

    # ---- roles

    def holding(self, *rows):
        r = good()
        r.held = [Held("batch", holder, node, term, AT + since, AT + until) for holder, node, term, since, until in rows]
        return r

    def test_one_holder_after_another(self):
        self.passed(self.holding(("p0", "a", 1, 0, 5), ("p1", "b", 2, 5.01, 8), ("p0", "a", 3, 8.2, 9)))

    def test_two_holders_at_one_time(self):
        r = self.holding(("p0", "a", 1, 0, 5), ("p1", "b", 2, 4.9, 8))
        self.refused(r, "role", "batch is held by p0 through a (term 1)")
        r.held[1].role = "mail"
        self.passed(r)

    def test_a_holder_under_whom_others_come_and_go(self):
        self.refused(self.holding(("p0", "a", 1, 0, 9), ("p1", "b", 2, 9.5, 9.6), ("p2", "c", 3, 9.55, 9.57)), "role", "p2")
        self.refused(self.holding(("p0", "a", 1, 0, 9), ("p1", "b", 2, 1, 2), ("p2", "c", 3, 8, 9)), "role", "by p2")

    def test_a_term_that_is_granted_again(self):
        self.refused(self.holding(("p0", "a", 2, 0, 5), ("p1", "b", 2, 6, 8)), "role", "with term 2 behind term 2")

        self.refused(self.holding(("p0", "a", 2, 0, 5), ("p0", "b", 2, 6, 8)), "role", "with term 2 behind term 2")
        self.passed(self.holding(("p0", "a", 2, 0, 5), ("p0", "a", 2, 6, 8)))  # it asked again, within one grant

    # ---- agreement

    def test_nodes_that_disagree(self):
        r = good()
        r.agreed[0].member = "status 503"
        self.refused(r, "agreement", "is sent to")

    def test_nodes_that_agree_on_what_is_wrong(self):
        r = good()
        first, second = order(KEYS[0], weights={i: 2 if i == "b" else 1 for i in IDS})[:2]
        for a in r.agreed:
            if a.key == KEYS[0]:
                a.member = second
        self.refused(r, "agreement", f"to {second}, not to {first}")


class Storms(unittest.TestCase):
    def test_a_seed_is_a_schedule(self):
        self.assertEqual(storms.schedule(7, 100), storms.schedule(7, 100))
        self.assertNotEqual(storms.schedule(7, 100), storms.schedule(8, 100))

    def test_a_majority_of_processes_runs_and_nothing_is_hit_twice(self):
        for seed in range(50):
            out = set()
            for step in storms.schedule(seed, 300):
                if step.what in storms.BACK:
                    self.assertFalse(out & set(step.subjects), step)
                    out |= set(step.subjects)
                elif step.what != "change":
                    self.assertTrue(set(step.subjects) <= out, step)
                    out -= set(step.subjects)
                self.assertLessEqual(sum(s.startswith("node") for s in out), storms.NODES_OUT_MAX)
                self.assertLessEqual(sum(s.startswith("server") for s in out), storms.SERVERS_OUT_MAX)

    def test_everything_happens(self):
        steps = [s for seed in range(5) for s in storms.schedule(seed, 300)]
        self.assertEqual({s.what for s in steps}, {"kill", "start", "stop", "cont", "cut", "heal", "change"})
        self.assertEqual({s.how for s in steps if s.what == "cut"}, {"held", "refused"})
        self.assertEqual({s.operands[0] for s in steps if s.what == "change"}, {"weight", "drain", "undrain", "remove", "add"})
        self.assertEqual({len(s.subjects) for s in steps if s.what == "cut"}, {1, 2, 4, 8, 12})

    def test_clearing_ends_what_goes_on(self):
        steps = storms.clearing({("node a",): "kill", ("link a b", "link b a"): "cut"})
        self.assertEqual([(s.what, s.subjects) for s in steps],
                         [("heal", ("link a b", "link b a")), ("start", ("node a",))])


if __name__ == "__main__":
    unittest.main()
