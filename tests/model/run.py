#!/usr/bin/env python3
"""The model of the lease: sound instances must have no error, mutants must have one.

    tests/model/run.py [small|full] [NAME...]       default: full, all rows

small: what `make test` runs, half a minute. full: `make model`, some minutes and up to 4 GB.
A line a row: name, definitions, states, seconds, and what was found. Each search is bounded in
memory and time; one that hits a bound has failed. The last line is "N passed, N failed".
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "lease.pml")
MEMORY_MB = {"small": 512, "full": 4096}
LIMIT_S = {"small": 120, "full": 1500}

# name, the smaller set that it is in, definitions
SOUND = [
    ("three-ballots", "small", "T=3 TN=1 M=3 BALLOTS=3"),
    ("release", "small", "T=2 TN=1 M=2 RELEASE"),
    ("three-ballots-longer", "full", "T=4 TN=2 M=4 BALLOTS=3"),
    ("four-ballots", "full", "T=3 TN=1 M=3 RESTARTS=2"),
    ("four-ballots-longer", "full", "T=4 TN=2 M=4 RESTARTS=2"),
    ("five-ballots", "full", "T=3 TN=1 M=3 BALLOTS=5 RESTARTS=2"),
    ("chained-negotiations", "full", "T=2 TN=2 M=4 RESTARTS=2"),
    ("release-longer", "full", "T=3 TN=1 M=3 RELEASE RESTARTS=2"),
    ("longer-silence", "full", "T=3 TN=1 M=5"),
    ("acceptors-wait-longer", "full", "T=2 TA=3 TN=1 M=3"),
    # Second lines of defence: as built, safety does not rest on them.
    ("needs-no-deadline", "full", "T=3 TN=1 M=3 NO_DEADLINE"),
    ("needs-no-2TN", "full", "T=2 TN=2 M=2 RESTARTS=2"),
    ("needs-no-kept-promise", "full", "T=3 TN=1 M=3 FORGET_PROMISE"),
    # The original algorithm, where it holds: with three ballots.
    ("original", "small", "T=3 TN=1 M=3 BALLOTS=3 UNPREPARED"),
    ("original-longer", "full", "T=4 TN=2 M=4 BALLOTS=3 UNPREPARED"),
    ("original-chained", "full", "T=2 TN=2 M=4 BALLOTS=3 UNPREPARED"),
]
MUTANTS = [
    ("no-silence", "T=3 TN=1 M=0"),
    ("silence-below-T", "T=3 TN=1 M=2"),
    ("acceptors-timer-shorter", "T=3 TA=2 TN=1 M=3"),
    ("timer-starts-at-accept", "T=3 TN=2 M=4 TIMER_AT_ACCEPT"),
    ("accepts-unprepared", "T=3 TN=1 M=3 UNPREPARED"),
    ("accepts-below-its-promise", "T=3 TN=1 M=3 ACCEPT_BELOW"),
    ("promises-while-held", "T=3 TN=1 M=3 PROMISE_HELD"),
    ("tells-before-it-stops", "T=3 TN=1 M=3 RELEASE TELL_FIRST RESTARTS=0"),
    ("original-no-silence", "T=3 TN=1 M=0 BALLOTS=3 UNPREPARED"),
    ("original-silence-below-T", "T=3 TN=1 M=2 BALLOTS=3 UNPREPARED"),
    ("original-silence-below-2TN", "T=2 TN=2 M=2 BALLOTS=3 UNPREPARED"),
    ("original-no-deadline", "T=3 TN=1 M=3 BALLOTS=3 UNPREPARED NO_DEADLINE"),
    ("original-timer-shorter", "T=3 TA=2 TN=1 M=3 BALLOTS=3 UNPREPARED"),
    ("original-timer-at-accept", "T=3 TN=2 M=4 BALLOTS=3 UNPREPARED TIMER_AT_ACCEPT"),
    ("original-promises-dropped", "T=3 TN=2 M=4 BALLOTS=3 UNPREPARED FORGET_PROMISE"),
    ("original-forgotten-early", "T=3 TN=1 M=3 BALLOTS=3 UNPREPARED EARLY_FORGET RESTARTS=0"),
]


def search(size, definitions):
    """Builds and runs one verifier: (errors or None when it was not completed, states, seconds)."""
    began = time.monotonic()
    where = tempfile.mkdtemp(prefix="holdfast-model-")
    try:
        words = ["-D" + d for d in definitions.split()]
        subprocess.run(["spin", "-a", *words, MODEL], cwd=where, check=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
        subprocess.run(["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB[size]}",
                        "-o", "pan", "pan.c"], cwd=where, check=True)
        out = subprocess.run(["./pan", "-m100000", "-w22"], cwd=where, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S[size]).stdout
    except subprocess.TimeoutExpired:
        return None, 0, time.monotonic() - began
    except (OSError, subprocess.CalledProcessError) as e:
        print(f"model: {e} {getattr(e, 'stdout', None) or ''}", file=sys.stderr)
        return None, 0, time.monotonic() - began
    finally:
        shutil.rmtree(where)
    errors = re.search(r"errors: (\d+)", out)
    states = re.search(r"(\d+(?:\.\d+e\+\d+)?) states, stored", out)
    whole = errors and "out of memory" not in out and "max search depth too small" not in out
    # Any other error than the assertion (a deadlock, an overflow) is no proof of anything.
    if whole and int(errors[1]) > 0 and "assertion violated" not in out:
        whole = None
    return (int(errors[1]) if whole else None), (float(states[1]) if states else 0), time.monotonic() - began


def main():
    size = sys.argv[1] if sys.argv[1:] else "full"
    if size not in MEMORY_MB:
        print(__doc__, file=sys.stderr)
        return 2
    names = sys.argv[2:]
    rows = [(name, words, False) for name, first, words in SOUND if size == "full" or first == "small"]
    rows += [(name, words, True) for name, words in MUTANTS]
    rows = [r for r in rows if not names or r[0] in names]
    failed = 0
    for name, words, mutant in rows:
        errors, states, seconds = search(size, words)
        good = errors is not None and (errors > 0) == mutant
        failed += not good
        found = ("not completed" if errors is None else
                 "two holders, as it must be" if mutant and errors else
                 "MUTANT SURVIVES" if mutant else "TWO HOLDERS" if errors else "no error")
        print(f"{'ok    ' if good else 'FAILED'} {name:28} {words:58} {states:12,.0f} states"
              f" {seconds:6.1f} s  {found}", flush=True)
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
