#!/usr/bin/env python3
"""The checker of the soak's history: a hand-made history in which all is well has no finding, and each kind
of violation, made in it by hand, is found as what it is."""

import copy
import dataclasses
import json
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import history
import ordering
from history import Asked, Disturbed, History, Membership, Processed, Finding

T = 1_800_000_000.0
IDS = "abcd"


def ts(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"


def key_of(order, service="go"):
    """A key whose order begins so."""
    return next(k for k in (f"k{n}" for n in range(100000))
                if ordering.order(list(IDS), ordering.digest(k, service))[:len(order)] == list(order))


class World:
    """Makes a history in which everything is as it should be, one request after another."""

    def __init__(self):
        start = Membership(0.0, 0.0, {i: 1 for i in IDS}, {i: f"127.0.0.1:{ord(i)}" for i in IDS})
        self.h = History({"go": "stay", "back": "return"}, [], [], [], [start], [], [], T + 1000)
        self.now = T

    @property
    def membership(self):
        return self.h.memberships[-1]

    def ask(self, key, member, service="go", method="GET", tag=None, after=1.0, skipped=(), event=None,
            backups=None, session=None):
        """One request that `member` answers; event: what the failover log says of it."""
        self.now += after
        digest = ordering.digest(key, service) if session is None else session
        mark = f"0-{len(self.h.asked) + 1}"
        a = Asked(mark, service, method, key if session is None else None, session or key, tag, began=self.now,
                  ended=self.now + 0.01, status=200, echoed=mark, answer=f"{member}.1.{len(self.h.processed) + 1}",
                  member=member, digest=digest, bytes=10, sent=5 if method == "POST" else 0)
        primary, last, _ = history.home_of(a, self.membership, digest, member)
        a.primary, a.new_tag = primary, tag != (primary, member)
        order = history.order_of(self.membership, digest)
        row = history.sequence(self.h.failback[service], primary, last, order)
        told = [m for m in row[row.index(member) + 1:] if m not in skipped][:2]
        self.h.asked.append(a)
        self.h.processed.append(Processed(self.now + 0.005, mark, method, a.answer, digest, primary, last,
                                          order.index(member), told if backups is None else backups, None, a.sent))
        self.log(a, {"affinity": event or "hit", "member": member, "primary": primary, "session": digest[:8]})
        if event:
            steps = [m for m in row if m not in skipped]
            skipped = list(skipped) + steps[:steps.index(member)]
            self.line(event, a.ended, service=service, session=digest[:8], primary=primary, order=steps[:3],
                      skipped=[{"id": m, "why": "down"} for m in skipped], chosen=member, rank=order.index(member),
                      pool=history.fingerprint(self.membership), request_id=f"id-{mark}", **{"from": last or primary})
        return (primary, member)

    def fail(self, key, method, status, broken="", member=None, service="go"):
        """One request that got no whole answer; member: whose fault the failover log says it is."""
        self.now += 1.0
        mark = f"0-{len(self.h.asked) + 1}"
        a = Asked(mark, service, method, key, key, began=self.now, ended=self.now + 0.01, status=status, broken=broken,
                  member=member if status == 200 else None)
        self.h.asked.append(a)
        self.log(a, {"affinity": "hit", "member": None, "primary": member, "session": None, "cause": "member_closed"})
        if status != 200:
            self.line("failover", a.ended, service=service, chosen=None, request_id=f"id-{mark}", **{"from": member})
        return a

    def log(self, a, more):
        self.h.access.append({"service": a.service, "method": a.method, "target": f"/{a.service}/{a.mark}",
                              "status": a.status, "cause": "done", "request_id": f"id-{a.mark}", **more})

    def line(self, event, at, **more):
        self.h.failover.append({"ts": ts(at), "event": event, "evidence": "traffic", "reason": "down", **more})

    def disturb(self, member, what="kill", for_s=2.0, found=True):
        """Something is done to a member, Holdfast sees it and sees it well again."""
        self.now += 2.0
        self.h.disturbed.append(Disturbed(member, self.now, self.now + for_s, what))
        for service in self.h.failback if found else ():
            self.line("member_down", self.now + 0.1, service=service, member=member)
            self.line("member_up", self.now + for_s + 0.1, service=service, member=member)
        return self.h.disturbed[-1]

    def calm(self):
        self.now += 20.0

    def reload(self, weights):
        self.now += 2.0
        self.h.memberships.append(Membership(self.now, self.now + 0.1, weights,
                                             {i: f"127.0.0.1:{ord(i)}" for i in weights}))
        self.now += 2.0


class Case(unittest.TestCase):
    def setUp(self):
        self.w = World()
        self.h = self.w.h

    def well(self):
        self.assertEqual([str(f) for f in history.check(self.h)], [])

    def found(self, kind, *words):
        """There is a finding of this kind with these words."""
        findings = history.check(self.h)
        of_kind = [f.text for f in findings if f.kind == kind and all(word in f.text for word in words)]
        self.assertTrue(of_kind, f"no {kind} with {words} in {[str(f) for f in findings]}")


class Well(Case):
    """Histories without a finding: what is excused, and why."""

    def test_nothing(self):
        self.well()

    def test_sessions_at_home(self):
        key, tag = key_of("abcd"), None
        for _ in range(5):
            tag = self.w.ask(key, "a", tag=tag)
        self.w.ask(key, "a")
        self.well()

    def test_issued_sessions_live_where_they_were_put(self):
        tag = self.w.ask("s", "c", session="00" * 16)
        self.w.ask("s", "c", tag=tag, session="00" * 16)
        self.well()

    def test_failover_stay(self):
        key = key_of("abcd")
        tag = self.w.ask(key, "a")
        self.w.disturb("a", for_s=3)
        tag = self.w.ask(key, "b", tag=tag, event="failover", after=1.5, skipped=["a"])
        self.w.calm()
        self.w.ask(key, "b", tag=tag)
        self.well()

    def test_failover_before_the_verdict(self):
        """The first request finds it dead: tried, not skipped."""
        key = key_of("abcd")
        tag = self.w.ask(key, "a")
        self.w.disturb("a", found=False)
        self.w.ask(key, "b", tag=tag, event="failover", after=0.1)
        self.well()

    def test_failback_return(self):
        key = key_of("abcd", "back")
        tag = self.w.ask(key, "a", service="back")
        self.w.disturb("a")
        tag = self.w.ask(key, "b", service="back", tag=tag, event="failover", after=0.7, skipped=["a"])
        self.w.calm()
        self.w.ask(key, "a", service="back", tag=tag, event="failback")
        self.well()

    def test_a_member_leaves(self):
        key = key_of("abcd")
        tag = self.w.ask(key, "a")
        self.w.reload({"b": 1, "c": 1, "d": 1})
        self.assertEqual(self.w.ask(key, "b", tag=tag), ("b", "b"))
        self.well()

    def test_while_a_reload_goes_on_both_are_right(self):
        key = key_of("abcd")
        tag = self.w.ask(key, "a")
        self.w.ask(key, "a", tag=tag, after=2.2)    # by the members before
        self.w.now -= 2.2
        self.w.reload({"b": 1, "c": 1, "d": 1})     # 2 s later
        self.w.ask(key, "b", tag=tag, after=-1.9)   # by those behind
        self.well()

    def test_errors_that_nobody_can_help(self):
        key = key_of("abcd")
        self.w.disturb("a")
        self.w.now -= 0.9
        self.w.fail(key, "POST", 502, member="a")
        self.h.asked[-1].began -= 0.2
        self.well()

    def test_a_client_that_left(self):
        self.w.ask(key_of("abcd"), "a")
        self.h.asked.append(Asked("0-9", "go", "GET", left=True))
        self.well()

    def test_a_draining_member_keeps_its_sessions_and_gets_no_new_ones(self):
        key = key_of("abcd")
        tag = self.w.ask(key, "a")
        self.w.line("drain_started", self.w.now + 1, service="go", member="a")
        self.w.calm()
        self.w.ask(key, "a", tag=tag)
        self.w.ask(key, "b", event="failover", skipped=["a"])
        self.well()


class Replies(Case):
    def setUp(self):
        super().setUp()
        self.w.ask("k", ordering.order(list(IDS), ordering.digest("k", "go"))[0])
        self.w.ask("k", ordering.order(list(IDS), ordering.digest("k", "go"))[0], method="POST")

    def test_the_answer_to_another_request(self):
        self.h.asked[0].echoed = "0-2"
        self.found("reply", "0-1 got the answer to 0-2")

    def test_one_answer_for_two(self):
        self.h.asked[1].answer = self.h.asked[0].answer
        self.found("reply", "got the same answer")

    def test_an_answer_that_no_member_sent(self):
        self.h.processed.pop(0)
        self.found("reply", "never sent")

    def test_an_answer_that_a_member_sent_to_somebody_else(self):
        self.h.processed[0].mark = "0-2"
        self.found("reply", "was GET 0-2")

    def test_an_answer_without_a_mark(self):
        self.h.asked[0].answer = None
        self.found("reply", "without a member's mark")

    def test_a_body_of_another_answer(self):
        self.h.asked[0].body_is = "0-2 a.1.2"
        self.found("reply", "body")

    def test_a_request_body_that_arrived_short(self):
        self.h.processed[1].bytes = 4
        self.found("reply", "4 bytes arrived")

    def test_marks_that_are_not_unique_are_no_history(self):
        self.h.asked[1].mark = "0-1"
        self.assertRaises(ValueError, history.check, self.h)


class Once(Case):
    def test_a_post_twice(self):
        key = key_of("abcd")
        self.w.ask(key, "a", method="POST")
        self.h.processed.append(dataclasses.replace(self.h.processed[0], answer="b.1.77"))
        self.found("twice", "0-1 was processed 2 times")

    def test_a_put_twice_is_no_finding(self):
        key = key_of("abcd")
        self.w.ask(key, "a", method="PUT")
        self.h.processed.append(dataclasses.replace(self.h.processed[0], answer="a.1.77"))
        self.well()

    def test_what_nobody_asked(self):
        self.h.processed.append(Processed(T, "9-9", "GET", "a.1.1", "00", "a", None, 0, [], None, 0))
        self.found("twice", "nobody asked")


class Errors(Case):
    def test_what_may_be_repeated_never_fails(self):
        self.w.disturb("a")
        self.w.now -= 0.9
        self.w.fail(key_of("abcd"), "GET", 502, member="a")
        self.found("error", "may be repeated and got: status 502")

    def test_nor_breaks(self):
        self.w.disturb("a")
        self.w.now -= 0.9
        self.w.fail(key_of("abcd"), "PUT", 0, broken="Ended", member="a")
        self.found("error", "may be repeated and got: Ended")

    def test_a_post_fails_with_its_member_only(self):
        self.w.fail(key_of("abcd"), "POST", 502, member="a")
        self.found("error", "nothing was done to a")

    def test_another_member_s_death_is_no_excuse(self):
        self.w.disturb("b")
        self.w.now -= 0.9
        self.w.fail(key_of("abcd"), "POST", 502, member="a")
        self.found("error", "nothing was done to a")

    def test_a_body_that_is_too_large_to_repeat(self):
        self.w.disturb("a")
        self.w.now -= 0.9
        self.w.fail(key_of("abcd"), "PUT", 502, member="a").whole = False
        self.well()

    def test_an_answer_is_cut_with_its_member_only(self):
        self.w.ask(key_of("abcd"), "a")
        self.h.asked[-1].broken, self.h.access[-1]["cause"] = "Ended", "member_truncated"
        self.found("error", "Ended", "nothing was done to a")
        self.h.disturbed.append(Disturbed("a", self.w.now, self.w.now, "kill"))
        self.well()


class Places(Case):
    def setUp(self):
        super().setUp()
        self.key = key_of("abcd")
        self.tag = self.w.ask(self.key, "a")

    def test_a_session_leaves_a_member_that_is_well(self):
        self.w.ask(self.key, "b", tag=self.tag, event="failover")
        self.found("place", "a stood before b and was operational")

    def test_a_session_goes_to_the_wrong_backup(self):
        self.w.disturb("a")
        self.w.ask(self.key, "c", tag=self.tag, event="failover", after=0.7, skipped=["a"])
        self.found("place", "b stood before c")

    def test_a_session_goes_back_with_stay(self):
        self.w.disturb("a")
        tag = self.w.ask(self.key, "b", tag=self.tag, event="failover", after=0.7, skipped=["a"])
        self.w.calm()
        self.w.ask(self.key, "a", tag=tag, event="failback")
        self.found("place", "b stood before a")

    def test_a_session_does_not_go_back_with_return(self):
        key = key_of("abcd", "back")
        self.w.ask(key, "b", service="back", tag=("a", "b"))
        self.found("place", "a stood before b")

    def test_another_service_s_outage_is_no_excuse(self):
        self.w.line("member_down", self.w.now, service="back", member="a")
        self.w.calm()
        self.w.ask(self.key, "b", tag=self.tag, event="failover")
        self.found("place", "a stood before b")

    def test_an_outage_that_is_over_is_no_excuse(self):
        self.w.disturb("a")
        self.w.calm()
        self.w.ask(self.key, "b", tag=self.tag, event="failover")
        self.found("place", "a stood before b")

    def test_a_member_that_is_down_serves(self):
        self.w.disturb("a", for_s=30)
        self.w.ask(self.key, "a", tag=self.tag, after=5)
        self.found("place", "a was down")

    def test_a_member_that_left_serves(self):
        self.w.reload({"b": 1, "c": 1, "d": 1})
        self.h.memberships.append(self.h.memberships[0])
        self.w.ask(self.key, "a", tag=self.tag)
        self.h.memberships.pop()
        self.found("place", "a is no member")

    def test_weights_move_no_session_that_has_a_tag(self):
        self.w.reload({"a": 1, "b": 60000, "c": 1, "d": 1})
        self.w.ask(self.key, "a", tag=self.tag)
        self.well()
        self.w.ask(self.key, "b", tag=self.tag, event="failover")
        self.found("place", "a stood before b")

    def test_weights_count_for_who_has_none(self):
        self.w.reload({"a": 1, "b": 60000, "c": 1, "d": 1})
        self.w.ask(self.key, "b")
        self.well()
        self.w.ask(self.key, "a")
        self.found("place", "b stood before a")

    def test_a_new_session_at_a_draining_member(self):
        self.w.line("drain_started", self.w.now + 1, service="go", member="a")
        self.w.calm()
        self.w.ask(self.key, "b", event="failover", skipped=["a"])
        self.well()
        self.w.ask(self.key, "b", tag=("a", "a"), event="failover", skipped=["a"])
        self.found("place", "a stood before b")

    def test_a_draining_member_gets_a_new_session(self):
        self.w.line("drain_started", self.w.now + 1, service="go", member="a")
        self.w.calm()
        self.w.ask(self.key, "a", tag=("a", "a"))
        self.w.ask("s", "b", session="00" * 16)
        self.well()
        self.w.ask(self.key, "a")
        self.found("place", "a drains")
        self.w.ask("t", "a", session="11" * 16)
        self.found("place", "of " + "11" * 16, "a drains")


class Tags(Case):
    def test_a_move_that_the_client_is_not_told(self):
        key = key_of("abcd")
        self.w.ask(key, "a", tag=("a", "a"))
        self.well()
        self.h.asked[-1].tag = ("a", "b")
        self.found("tag", "was told nothing")

    def test_a_first_answer_without_a_tag(self):
        self.w.ask(key_of("abcd"), "a")
        self.h.asked[-1].new_tag = False
        self.found("tag", "was told nothing")

    def test_a_digest_that_is_not_the_key_s(self):
        self.w.ask(key_of("abcd"), "a")
        self.h.asked[-1].digest = ordering.digest("other", "go")
        self.found("tag", "digest")

    def test_an_issued_session_changes_its_digest(self):
        tag = self.w.ask("s", "c", session="00" * 16)
        self.w.ask("s", "c", tag=tag, session="00" * 16)
        self.h.asked[-1].digest = "11" * 16
        self.found("tag", "digest " + "11" * 16)


class Told(Case):
    def setUp(self):
        super().setUp()
        self.key = key_of("abcd")
        self.w.ask(self.key, "a")
        self.p = self.h.processed[0]

    def test_another_rank(self):
        self.p.rank = 1
        self.found("told", "rank 1")

    def test_another_primary(self):
        self.p.primary = "b"
        self.found("told", "primary b, not a")

    def test_another_server_before(self):
        self.p.before = "b"
        self.found("told", "served before by b")

    def test_backups_out_of_order(self):
        self.p.backups = ["c", "b"]
        self.found("told", "backups c,b")

    def test_a_backup_left_out(self):
        self.p.backups = ["c", "d"]
        self.found("told", "without b")

    def test_a_backup_that_is_no_member(self):
        self.p.backups = ["b", "x"]
        self.found("told", "backups b,x")

    def test_a_backup_left_out_that_is_down(self):
        self.w.disturb("b")
        self.w.ask(self.key, "a", after=0.7, backups=["c", "d"])
        self.well()


class Moves(Case):
    def setUp(self):
        super().setUp()
        self.key = key_of("abcd")
        tag = self.w.ask(self.key, "a")
        self.w.disturb("a")
        self.w.ask(self.key, "b", tag=tag, event="failover", after=0.7, skipped=["a"])
        self.line = self.h.failover[-1]
        self.well()

    def test_not_the_first_of_the_order(self):
        self.line.update(order=["c", "b"], chosen="b")
        self.found("move", "skipped a, not a b c before b")

    def test_skipped_but_operational(self):
        self.line.update(order=["c"], chosen="c", rank=2,
                         skipped=[{"id": "a", "why": "down"}, {"id": "b", "why": "down"}])
        self.h.asked[-1].member = self.h.access[-1]["member"] = "c"
        self.found("move", "b skipped, but operational")

    def test_left_out_of_the_steps(self):
        self.line.update(order=["a", "c", "b"], skipped=[{"id": "a", "why": "reset"}, {"id": "c", "why": "reset"}])
        self.found("move", "b is left out")

    def test_tried_in_vain_and_not_told(self):
        self.line.update(order=["a", "b"], skipped=[])
        self.found("move", "skipped , not a before b")

    def test_tried_in_vain_without_reason(self):
        self.w.calm()
        self.w.ask(self.key, "b", tag=("a", "a"), event="failover")
        self.found("move", "a was tried in vain, but nothing was done to it")

    def test_chosen_is_no_step(self):
        self.line["order"] = ["c", "d"]
        self.found("move", "b is none of the steps")

    def test_no_order(self):
        self.line["order"] = []
        self.found("move", "does not begin")

    def test_another_rank(self):
        self.line["rank"] = 2
        self.found("move", "rank 2, not 1")

    def test_another_session(self):
        self.line["session"] = "00000000"
        self.found("move", "session 00000000")

    def test_another_place_it_came_from(self):
        self.line["from"] = "c"
        self.found("move", "from c, not a")

    def test_another_chosen_than_answered(self):
        self.line["chosen"] = "c"
        self.found("move", "chosen c, not b")

    def test_a_pool_that_never_was(self):
        self.line["pool"] = "0123456789abcdef"
        self.found("move", "never configured")

    def test_a_request_that_never_was(self):
        self.line["request_id"] = "x"
        self.found("move", "not in the access log")

    def test_a_failback_to_a_backup(self):
        self.line["event"] = self.h.access[-1]["affinity"] = "failback"
        self.found("move", "not to the primary")


class Logs(Case):
    def setUp(self):
        super().setUp()
        self.key = key_of("abcd")
        self.tag = self.w.ask(self.key, "a")
        self.entry = self.h.access[0]

    def test_a_request_that_is_not_logged(self):
        self.h.access.clear()
        self.found("log", "0-1 has 0 lines")

    def test_a_request_that_is_logged_twice(self):
        self.h.access.append(copy.copy(self.entry))
        self.found("log", "0-1 has 2 lines")

    def test_a_request_that_nobody_made(self):
        self.h.access.append({**self.entry, "target": "/go/9-9"})
        self.found("log", "'9-9', which nobody asked")

    def test_fields_that_differ(self):
        for field, value, word in (("status", 502, "status"), ("method", "PUT", "method"), ("member", "b", "member b"),
                                   ("primary", "b", "of b"), ("session", "00000000", "session"),
                                   ("cause", "client_abort", "cause"), ("service", "back", "service")):
            with self.subTest(field):
                kept, self.entry[field] = self.entry[field], value
                self.found("log", word)
                self.entry[field] = kept

    def test_done_though_the_client_got_half(self):
        self.h.asked[0].broken = "Ended"
        self.found("log", "done, but the client got no whole answer")

    def move(self):
        self.w.disturb("a")
        self.w.ask(self.key, "b", tag=self.tag, event="failover", after=0.7, skipped=["a"])

    def test_a_move_without_a_line(self):
        self.move()
        self.h.failover.pop()
        self.found("log", "1 moved requests have no line")

    def test_a_move_whose_line_was_suppressed(self):
        self.move()
        self.h.failover.pop()
        self.w.line("failover", self.w.now, chosen=None, request_id="x", suppressed=1, **{"from": "a"})
        self.well()

    def test_a_line_without_a_move(self):
        self.move()
        self.h.access[-1]["affinity"] = "hit"
        self.found("log", "affinity hit, failover log ['failover']")

    def test_two_lines_of_one_move(self):
        self.move()
        self.h.failover.append(self.h.failover[-1])
        self.found("log", "['failover', 'failover']")

    def test_counters_that_differ(self):
        self.h.counted = {"go": 1, "back": 0}
        self.well()
        self.h.counted["go"] = 2
        self.found("log", "1 lines in the access log, 2 requests were counted")

    def test_a_tag_that_was_rejected(self):
        self.w.line("tag_rejected", self.w.now)
        self.found("log", "tag_rejected")

    def test_nobody_alive(self):
        self.w.line("no_live_member", self.w.now)
        self.found("log", "no_live_member")


class Verdicts(Case):
    def test_down_for_no_reason(self):
        self.w.line("member_down", self.w.now, service="go", member="a")
        self.found("verdict", "a of go went down")

    def test_dead_and_not_found(self):
        self.w.calm()
        self.w.disturb("a", for_s=6.0, found=False)
        self.found("verdict", "a of go was killed", "not found dead")

    def test_dead_for_too_short_a_time(self):
        self.w.disturb("a", for_s=0.1, found=False)
        self.well()

    def test_well_and_not_used(self):
        d = self.w.disturb("a", for_s=1.0, found=False)
        self.w.line("member_down", d.since + 0.1, service="back", member="a")
        self.found("verdict", "a of back is well", "not used again")

    def test_well_but_hit_again(self):
        d = self.w.disturb("a", for_s=1.0, found=False)
        self.w.line("member_down", d.since + 0.1, service="back", member="a")
        self.h.disturbed.append(Disturbed("a", d.until + 3, d.until + 900, "stop"))
        self.h.ended = d.until + 800
        self.well()

    def test_who_left_need_not_come_back(self):
        d = self.w.disturb("a", for_s=1.0, found=False)
        self.w.line("member_down", d.since + 0.1, service="back", member="a")
        self.w.reload({"b": 1, "c": 1, "d": 1})
        self.well()


class Stored(Case):
    def test_what_is_stored_is_read_again(self):
        key = key_of("abcd")
        tag = self.w.ask(key, "a")
        self.w.disturb("a")
        self.w.ask(key, "b", tag=tag, event="failover", after=0.7, skipped=["a"])
        with tempfile.TemporaryDirectory() as folder:
            history.store(folder, asked=self.h.asked, disturbed=self.h.disturbed, memberships=self.h.memberships)
            files = {"soak.json": [{"failback": self.h.failback, "ended": self.h.ended, "counted": {}}],
                     "access.log.1": self.h.access[:1], "access.log": self.h.access[1:],
                     "failover.log.2": self.h.failover[1:2], "failover.log.10": self.h.failover[2:],
                     "failover.log.1": self.h.failover[:1]}
            for name, rows in files.items():
                with open(os.path.join(folder, name), "w") as f:
                    f.writelines(json.dumps(r) + "\n" for r in rows)
            with open(os.path.join(folder, "processed.1"), "w") as f:
                for p in self.h.processed:
                    f.write("\t".join([str(p.at), p.mark, p.method, p.answer, p.digest, p.primary, p.before or "-",
                                       str(p.rank), ",".join(p.backups), "-", str(p.bytes), "00000000"]) + "\n")
            self.assertEqual(history.load(folder), self.h)

    def test_a_line_that_is_cut_is_no_history(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x")
            with open(path, "w") as f:
                f.write("whole\nhal")
            self.assertRaises(ValueError, history.whole_lines, path)
        self.assertRaises(ValueError, history.parse_processed, "1.0\t0-1\tGET")

    def test_findings_say_their_kind(self):
        self.assertEqual(str(Finding("place", "x")), "place: x")


if __name__ == "__main__":
    unittest.main()
