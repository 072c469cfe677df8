#!/usr/bin/env python3
"""The soak's schedules keep their rules, and what counts as growth."""

import os
import sys
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gauges
import weather
from weather import IDS, MEMBERS_MIN, START, WELL_MIN

SEEDS = range(20)
SECONDS = 300


class Schedules(unittest.TestCase):
    def test_the_same_seed_gives_the_same(self):
        self.assertEqual(weather.schedule("7", SECONDS), weather.schedule("7", SECONDS))
        self.assertNotEqual(weather.schedule("7", SECONDS), weather.schedule("8", SECONDS))

    def test_a_longer_one_begins_as_a_shorter_one(self):
        short, long = weather.schedule("7", 60), weather.schedule("7", SECONDS)
        self.assertEqual(short, long[:len(short)])
        self.assertGreater(len(long), len(short))

    def test_everything_happens(self):
        steps = [s for seed in SEEDS for s in weather.schedule(seed, SECONDS)]
        self.assertEqual({s.what for s in steps}, {"kill", "revive", "stop", "cont", "maint", "up", "reload", "bad",
                                                   "rotate", "drain", "undrain"})
        self.assertEqual({s.detail for s in steps if s.what == "bad"}, set(weather.BAD_FILES))
        self.assertTrue(any(s.moved for s in steps))

    def test_enough_members_are_well_at_any_time(self):
        for seed in SEEDS:
            at, well_from, out, draining = 0.0, {i: 0.0 for i in IDS}, set(), set()
            weights = {i: 1 for i in START}
            for step in weather.schedule(seed, SECONDS):
                at += step.gap_s
                if step.what in ("kill", "stop", "maint"):
                    self.assertNotIn(step.member, out)
                    out.add(step.member)
                elif step.what in ("revive", "cont", "up"):
                    out.remove(step.member)
                    well_from[step.member] = at
                elif step.what == "drain":
                    draining.add(step.member)
                elif step.what == "undrain":
                    draining.discard(step.member)
                elif step.what == "reload":
                    weights = dict(step.weights)
                    self.assertLessEqual(draining, set(weights))
                    self.assertGreaterEqual(len(weights), MEMBERS_MIN)
                well = [i for i in weights if i not in out | draining and well_from[i] <= at]
                self.assertGreaterEqual(len(well), WELL_MIN, (seed, step))

    def test_whoever_is_out_comes_back(self):
        """At whichever step it ends."""
        for seed in SEEDS:
            hit = {}
            for step in weather.schedule(seed, 60):
                self.take(hit, step)
                after = dict(hit)
                steps = weather.clearing(hit)
                for s in steps:
                    self.take(after, s)
                self.assertEqual(after, {})
                self.assertEqual(dict(steps[-1].weights), {i: 1 for i in START})

    def take(self, hit, step):
        if step.what in ("kill", "stop", "maint", "drain"):
            self.assertNotIn(step.member, hit)
            hit[step.member] = step.what
        elif step.what in ("revive", "cont", "up", "undrain"):
            del hit[step.member]


def quiet(**more):
    values = {"resident_mib": 20.0, "private_mib": 10.0, "descriptors": 25, "pipes": 6, "threads": 6, "wakeups": 300.0,
              "kinds": {}, "probes": {"a": 20, "x": 0}, "probes_s": 2.0}
    return types.SimpleNamespace(**{**values, **more})


class Growth(unittest.TestCase):
    def test_the_same_is_flat(self):
        self.assertEqual(gauges.growth(quiet(), quiet()), [])
        self.assertEqual(gauges.growth(quiet(), quiet(resident_mib=21.0, private_mib=9.0, wakeups=900.0, pipes=80)), [])

    def test_more_of_anything_is_told(self):
        for name, value in (("resident_mib", 24.0), ("private_mib", 14.0), ("descriptors", 26), ("threads", 7),
                            ("pipes", 88), ("wakeups", 1300.0)):
            found = gauges.growth(quiet(), quiet(**{name: value}))
            self.assertTrue(found and name.split("_")[0] in found[0], (name, found))

    def test_memory_can_be_left_out(self):
        self.assertEqual(gauges.growth(quiet(), quiet(resident_mib=99.0, private_mib=99.0), memory=False), [])

    def test_checks_that_were_not_asked_for(self):
        self.assertEqual(gauges.probe_growth(quiet(), {"a": 10.0}), [])
        self.assertIn("checks of a", gauges.probe_growth(quiet(probes={"a": 40, "x": 0}), {"a": 10.0})[0])
        self.assertIn("checks of x", gauges.probe_growth(quiet(probes={"a": 20, "x": 1}), {"a": 10.0})[0])

    def test_under_load(self):
        self.assertEqual(gauges.loaded_growth([10.0] * 50 + [11.0] * 50), [])
        self.assertEqual(gauges.loaded_growth([10.0] * 3), [])
        self.assertTrue(gauges.loaded_growth([10.0 + n / 10 for n in range(100)]))

    def test_of_a_process(self):
        pid = os.getpid()
        before, kinds = gauges.wakeups(pid), gauges.descriptors(pid)
        with open("/dev/null", "rb"):
            self.assertEqual(gauges.descriptors(pid).get("/dev/null", 0), kinds.get("/dev/null", 0) + 1)
        self.assertGreater(gauges.resident_mib(pid), 1)
        self.assertGreater(gauges.private_mib(pid), 1)
        self.assertGreaterEqual(gauges.wakeups(pid), before)


if __name__ == "__main__":
    unittest.main()
