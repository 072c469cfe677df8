"""What a process holds, by the kernel's account, and whether that is flat."""

import os
import re
import statistics
import time

WINDOW_S = 1.0         # over which wakeups are counted
WINDOWS = 3
# How much more there may be at the end than after the warm-up.
LOADED_MIB_MAX = 4.0   # resident under load, medians
RESIDENT_MIB_MAX = 3.0
PRIVATE_MIB_MAX = 3.0  # written to, without load: what malloc holds, with no page of a file
DESCRIPTORS_MAX = 0    # without pipes
PIPES_MAX = 80         # kept for splice(2): a pair for every client that may have been answered so at once
THREADS_MAX = 0
WAKEUPS_TIMES_MAX = 4.0
PROBES_TIMES_MAX, PROBES_MAX = 1.3, 3


def read(path):
    with open(path) as f:
        return f.read()


def field(text, name):
    return int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1])


def resident_mib(pid):
    return field(read(f"/proc/{pid}/status"), "VmRSS") / 1024


def private_mib(pid):
    return field(read(f"/proc/{pid}/smaps_rollup"), "Private_Dirty") / 1024


def descriptors(pid):
    """Kind of descriptor -> how many."""
    kinds = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            kind = re.sub(r"\[\d+\]|\d+$", "", os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def wakeups(pid):
    """How often its threads have gone to sleep by themselves so far."""
    return sum(field(read(f"/proc/{pid}/task/{t}/status"), "voluntary_ctxt_switches")
               for t in os.listdir(f"/proc/{pid}/task"))


class Quiet:
    """A process without load, when its pools are empty: a timer that nobody stopped wakes it more often,
    a descriptor that nobody closed is still there. Wakeups are those of the quietest window, and the
    bound is wide: by the kernel's coarse clock a timer can come early, for minutes on end when the two
    are in step, and libevent then waits a millisecond more, up to three times. A timer that every reload
    leaves behind is far beyond that. probes: counts the checks that members have seen, by member."""

    def __init__(self, pid, probes):
        self.kinds = self.settle(pid)
        seen, began = probes(), time.monotonic()
        self.wakeups = min(self.window(pid) for _ in range(WINDOWS))
        self.probes = {m: n - seen[m] for m, n in probes().items()}
        self.probes_s = time.monotonic() - began
        self.resident_mib, self.private_mib = resident_mib(pid), private_mib(pid)
        self.pipes = self.kinds.get("pipe:", 0)
        self.descriptors = sum(self.kinds.values()) - self.pipes
        self.threads = len(os.listdir(f"/proc/{pid}/task"))

    def window(self, pid):
        began, before = time.monotonic(), wakeups(pid)
        time.sleep(WINDOW_S)
        return (wakeups(pid) - before) / (time.monotonic() - began)

    def settle(self, pid, limit_s=12.0):
        """The least descriptors, until there were no fewer for a while: checks open some at any time."""
        least, since = descriptors(pid), time.monotonic()
        end = since + limit_s
        while time.monotonic() < min(end, since + 2.5):
            now = descriptors(pid)
            if sum(now.values()) < sum(least.values()):
                least, since = now, time.monotonic()
            time.sleep(0.02)
        return least

    def __str__(self):
        return (f"resident {self.resident_mib:.1f} MiB, private {self.private_mib:.1f} MiB, "
                f"{self.descriptors} descriptors and {self.pipes} of pipes, {self.threads} threads, "
                f"{self.wakeups:.0f} wakeups and {sum(self.probes.values()) / self.probes_s:.0f} checks a second")


def growth(before, after, memory=True):
    """What is not flat, in words. memory: whether its amount says anything (not under sanitizers)."""
    rows = [("descriptors", DESCRIPTORS_MAX), ("pipes", PIPES_MAX), ("threads", THREADS_MAX)]
    if memory:
        rows += [("resident_mib", RESIDENT_MIB_MAX), ("private_mib", PRIVATE_MIB_MAX)]
    found = [f"{name}: {getattr(before, name):.1f} after the warm-up, {getattr(after, name):.1f} at the end"
             for name, most in rows if getattr(after, name) > getattr(before, name) + most]
    if after.wakeups > before.wakeups * WAKEUPS_TIMES_MAX:
        found.append(f"wakeups a second without load: {before.wakeups:.0f} after the warm-up, {after.wakeups:.0f} at the end")
    if any("descriptors" in f for f in found):
        found.append(f"descriptors: {before.kinds} became {after.kinds}")
    return found


def probe_growth(quiet, a_second):
    """Members that are checked more often than configured; a_second: checks of each that is one."""
    most = quiet.probes_s * PROBES_TIMES_MAX
    return [f"checks of {m}: {n} within {quiet.probes_s:.1f} s" for m, n in sorted(quiet.probes.items())
            if n > a_second.get(m, 0) * most + (PROBES_MAX if m in a_second else 0)]


def loaded_growth(samples):
    """Of resident MiB under load: the first tenth against the last."""
    share = max(3, len(samples) // 10)
    if len(samples) < 2 * share:
        return []
    first, last = statistics.median(samples[:share]), statistics.median(samples[-share:])
    if last <= first + LOADED_MIB_MAX:
        return []
    return [f"resident under load: {first:.1f} MiB at first, {last:.1f} MiB at the end"]
