#!/usr/bin/env python3
"""All tests, then again under sanitizers; what `make test` and `make san` run.

    tests/lib/run_all.py [SUITE...]        default: all, in the order of SUITES below

After the build two lanes run side by side: tests that mostly wait for what servers and clients do, and, niced, what
mostly computes. Each suite writes to build/test-logs/SUITE.log; the log of a suite that failed is shown in full, and
so is every sanitizer report, whatever the process that made it thought of it. The last line is
"N passed, N failed": the tests that the suites count themselves (cmocka, unittest, varnishtest, or a
closing line like ours), one for a suite that counts none, and one more failure for each suite that
broke without naming a failed test. Exit status 1 when anything failed.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOGS = os.path.join(ROOT, "build", "test-logs")
ASAN = ["B=build/asan", "SAN=address,undefined"]
TSAN = ["B=build/tsan", "SAN=thread"]
# The unit tests in which threads meet.
THREADED = re.compile(r"pool|sink|worker|view|verdict|access|failover|tally|events")
# Under valgrind: what becomes of bytes that nobody wrote. The gate reads all that would be sent.
MEMCHECK = {"relay/test_exchange": ["scripts_as_they_are"], "http/test_forward": [], "http/test_request": [],
            "http/test_response": [], "http/test_chunk": [], "http/test_cache": []}
SIM_SEEDS = os.environ.get("SIM_SEEDS", "200")
SOAK_SECONDS, SOAK_SEED = "20", "1"  # `make soak` is the long one
CHAOS_SECONDS, CHAOS_SEED = "8", "1"  # `make chaos` is the long one
FUZZ_SECONDS = os.environ.get("FUZZ_SECONDS", "4")
UNIT_LIMIT_S, SUITE_LIMIT_S = 180, 900


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def count(text):
    """What a suite's output says about its tests."""
    t = Tally()
    closing = re.findall(r"^(\d+) passed, (\d+) failed", text, re.M)
    if closing:
        t.passed = sum(int(p) for p, _ in closing)
        t.failed = sum(int(f) for _, f in closing)
        return t
    # cmocka
    t.passed += sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M)))
    t.failed += sum(map(int, re.findall(r"^\[  FAILED  \] (\d+) test", text, re.M)))
    t.skipped += sum(map(int, re.findall(r"^\[  SKIPPED \] (\d+) test", text, re.M)))
    # unittest
    for ran, details in re.findall(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?", text, re.M):
        numbers = dict(re.findall(r"([a-z ]+)=(\d+)", details))
        bad = int(numbers.get("failures", 0)) + int(numbers.get("errors", 0))
        skipped = int(numbers.get("skipped", 0))
        t.failed += bad
        t.skipped += skipped
        t.passed += max(0, int(ran) - bad - skipped)
    # varnishtest
    t.passed += len(re.findall(r"TEST \S+ passed", text))
    t.failed += len(re.findall(r"TEST \S+ FAILED", text))
    return t


printing = threading.Lock()


def show(path):
    with open(path, errors="replace") as f:
        sys.stdout.write(f.read())
    sys.stdout.flush()


lane = threading.local()  # .computes: of this thread


def lane_prefix():
    """Whoever waits for something goes before those who compute."""
    return ["nice", "-n", "5"] if getattr(lane, "computes", False) else []


class Run:
    """One suite: several commands, one log, one tally."""

    def __init__(self, name, sanitizer=None):
        self.name = name
        self.log = os.path.join(LOGS, name.replace(" ", "-") + ".log")
        self.tally = Tally()
        self.began = time.monotonic()
        self.sanitizer = sanitizer
        self.env = dict(os.environ)
        # Under `make test` a child make would take our flags and its job server for its own.
        for variable in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
            self.env.pop(variable, None)
        if sanitizer:
            self.reports = os.path.join(LOGS, f"{name.replace(' ', '-')}.report")
            where = f"log_path={self.reports}"
            self.env["ASAN_OPTIONS"] = f"{where}:detect_leaks=1:detect_stack_use_after_return=1"
            self.env["LSAN_OPTIONS"] = where
            self.env["UBSAN_OPTIONS"] = f"{where}:print_stacktrace=1"
            self.env["TSAN_OPTIONS"] = f"{where}:halt_on_error=0:second_deadlock_stack=1"
        open(self.log, "w").close()

    def command(self, argv, limit_s=SUITE_LIMIT_S, counts=True):
        """Runs one command, adds what it counted. True: it exited 0."""
        began = os.path.getsize(self.log)
        with open(self.log, "a") as log:
            log.write(f"$ {' '.join(argv)}\n")
            log.flush()
            try:
                status = subprocess.run([*lane_prefix(), *argv], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=subprocess.STDOUT, env=self.env, timeout=limit_s).returncode
            except subprocess.TimeoutExpired:
                status = f"no end after {limit_s} s"
            except OSError as e:
                status = str(e)
            if status != 0:
                log.write(f"-- {' '.join(argv)}: {status}\n")
        with open(self.log, errors="replace") as f:
            f.seek(began)
            t = count(f.read()) if counts else Tally()
        if status != 0 and t.failed == 0:
            t.failed = 1
        elif counts and status == 0 and t.passed + t.failed + t.skipped == 0:
            t.passed = 1
        self.tally.add(t)
        return status == 0

    def make(self, *words, counts=True, prefix=()):
        return self.command(list(prefix) + ["make", "--no-print-directory", *words], counts=counts)

    def end(self):
        if self.sanitizer:
            for report in sorted(glob.glob(self.reports + ".*")):
                self.tally.failed += 1
                with open(self.log, "a") as log, open(report, errors="replace") as f:
                    log.write(f"-- {report}\n{f.read()}")
        t = self.tally
        skipped = f", {t.skipped} skipped" if t.skipped else ""
        with printing:
            if t.failed:
                print(f"---- {self.name}: the whole log ----")
                show(self.log)
            print(f"{self.name:14} {t.passed:6} passed, {t.failed} failed{skipped}"
                  f"  ({time.monotonic() - self.began:.0f} s)", flush=True)
        return t


def unit_tests(words):
    out = subprocess.run(["make", "-s", "--no-print-directory", "unit-names", *words], cwd=ROOT,
                         stdout=subprocess.PIPE, text=True, check=True,
                         env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
    return out.stdout.split()


def units(run, words, only=re.compile(""), prefix=()):
    """Each unit test by itself, so that one that dies does not hide the others."""
    build = dict(w.split("=") for w in words).get("B", "build")
    tests = [f"{build}/tests/{name}" for name in unit_tests(words) if only.search(name)]
    if tests and run.make("-j2", *tests, *words, counts=False):
        for test in tests:
            run.command([*prefix, test], UNIT_LIMIT_S)


def suite_build():
    run = Run("build")
    run.make("-j2", "all", "unit-bin", "bench-bin", "faults-bin", "pages", counts=False)
    return run.end()


def suite_unit():
    run = Run("unit")
    units(run, [])
    return run.end()


def suite_requirements():
    """tests/requirements.md against the tree, and its checker against faults in it."""
    run = Run("requirements")
    run.command([sys.executable, "tests/lib/test_requirements.py"])
    run.command([sys.executable, "tests/lib/requirements.py"])
    return run.end()


def suite_memcheck():
    run = Run("memcheck")
    for name, words in MEMCHECK.items():
        run.command(["valgrind", "--quiet", "--error-exitcode=9", f"build/tests/{name}", *words], UNIT_LIMIT_S)
    return run.end()


def made(target):
    def suite():
        run = Run(target)
        run.make(target)
        return run.end()
    return suite


def suite_sim():
    """A few hundred seeds of every scenario; `make sim` runs 10,000."""
    run = Run("sim")
    run.make("-j2", "sim", f"SIM_SEEDS={SIM_SEEDS}")
    return run.end()


def suite_asan():
    """Builds for `asan e2e`, too: one make at a time in that directory."""
    run = Run("asan unit", sanitizer=True)
    run.make("-j2", "all", "faults-bin", *ASAN, counts=False)
    units(run, ASAN)
    total = run.end()
    run = Run("asan sim", sanitizer=True)
    if run.make("-j2", "build/asan/tests/sim/sim", *ASAN, counts=False):
        run.command(["build/asan/tests/sim/sim", "--seeds", "10"])
    total.add(run.end())
    return total


def suite_asan_e2e():
    run = Run("asan e2e", sanitizer=True)
    if run.make("-j2", "all", *ASAN, counts=False):
        run.make("e2e", *ASAN)
    return run.end()


def same_addresses():
    """TSan of gcc 12 cannot live with the address randomisation of some kernels: do without."""
    argv = ["setarch", "-R"]
    able = shutil.which("setarch") and subprocess.run([*argv, "true"], stderr=subprocess.DEVNULL).returncode == 0
    return argv if able else []


def suite_tsan():
    prefix = same_addresses()
    run = Run("tsan unit", sanitizer=True)
    units(run, TSAN, THREADED, prefix)
    total = run.end()
    run = Run("tsan workers", sanitizer=True)
    if run.make("-j2", "all", *TSAN, counts=False):
        run.env["HOLDFAST"] = os.path.join(ROOT, "build/tsan/holdfast")
        run.env["B"] = "build/tsan"
        for test in ("workers", "reload", "admin", "steering"):
            run.command([*prefix, "python3", f"tests/e2e/test_{test}.py"])
    total.add(run.end())
    return total


def suite_soak():
    """Its checker's own tests, then a short one; `make soak` is the long one."""
    run = Run("soak")
    for test in ("history", "weather"):
        run.command([sys.executable, f"tests/soak/test_{test}.py"])
    run.env.update(SOAK_S=SOAK_SECONDS, SOAK_SEED=SOAK_SEED)
    run.make("soak")
    return run.end()


def suite_chaos():
    """Its checker's and its links' own tests, then a short one; `make chaos` is the long one."""
    run = Run("chaos")
    for test in ("verdicts", "links"):
        run.command([sys.executable, f"tests/chaos/test_{test}.py"])
    run.env.update(CHAOS_S=CHAOS_SECONDS, CHAOS_SEED=CHAOS_SEED)
    run.make("chaos")
    return run.end()


def suite_model():
    run = Run("model")
    run.command(["nice", "python3", "tests/model/run.py", "small"])
    return run.end()


def suite_package():
    """What is installed and packaged, as an operator finds it."""
    run = Run("package")
    run.command([sys.executable, "tests/package/test_package.py"])
    return run.end()


def suite_page():
    """The status page in a browser."""
    run = Run("page")
    run.command([sys.executable, "tests/page/test_page.py"])
    return run.end()


def suite_fuzz():
    run = Run("fuzz")
    run.command(["tests/fuzz/run.sh", FUZZ_SECONDS])
    return run.end()


SUITES = {"build": suite_build, "requirements": suite_requirements, "unit": suite_unit,
          "memcheck": suite_memcheck, "golden": made("golden"), "sim": suite_sim, "e2e": made("e2e"),
          "wire": made("wire"), "package": suite_package, "page": suite_page, "model": suite_model,
          "soak": suite_soak, "chaos": suite_chaos, "asan": suite_asan, "asan e2e": suite_asan_e2e,
          "tsan": suite_tsan, "fuzz": suite_fuzz}
WAITING = ("e2e", "wire", "package", "page", "soak", "chaos", "asan e2e")
COMPUTING = ("unit", "memcheck", "asan", "requirements", "golden", "sim", "model", "tsan", "fuzz")
AFTER = {"asan e2e": "asan", "package": "unit", "memcheck": "unit"}  # what is built by another


class Lane(threading.Thread):
    def __init__(self, names, ended, computes):
        super().__init__()
        self.names, self.ended, self.computes = names, ended, computes
        self.total = Tally()

    def run(self):
        lane.computes = self.computes
        for name in self.names:
            if AFTER.get(name) in self.ended:
                self.ended[AFTER[name]].wait()
            try:
                self.total.add(SUITES[name]())
            except Exception as e:
                print(f"{name}: {type(e).__name__}: {e}", flush=True)
                self.total.failed += 1
            self.ended[name].set()


def main():
    wanted = sys.argv[1:] or list(SUITES)
    unknown = [w for w in wanted if w not in SUITES]
    if unknown:
        print(f"run_all: no suite {' '.join(unknown)}; there are: {' '.join(SUITES)}", file=sys.stderr)
        return 2
    os.makedirs(LOGS, exist_ok=True)
    for old in glob.glob(os.path.join(LOGS, "*")):
        if os.path.isfile(old):
            os.remove(old)
    total = Tally()
    if "build" in wanted:
        total.add(SUITES["build"]())
    ended = {name: threading.Event() for name in wanted if name != "build"}
    lanes = [Lane([n for n in names if n in wanted], ended, computes)
             for names, computes in ((WAITING, False), (COMPUTING, True))]
    for one in lanes:
        one.start()
    for one in lanes:
        one.join()
        total.add(one.total)
    if total.skipped:
        print(f"{total.skipped} skipped")
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
