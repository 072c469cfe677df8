#!/usr/bin/env python3
"""The end-to-end tests: every tests/e2e/test_*.py, several files at once; what `make e2e` runs.

    tests/lib/run_e2e.py [FILE|NAME...]     default: all files

B (build directory) and HOLDFAST (binary) in the environment say what is tested. Each file runs as
a process of its own with a limit of its own; the tests within have theirs (tests/lib/holdfast.py).
The last line is "N passed, N failed"; exit status 1 when anything failed.
"""

import concurrent.futures
import glob
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = os.path.join(os.path.dirname(HERE), "e2e")
AT_ONCE = 4
FILE_LIMIT_S = 400


def run(path):
    """(name, output, passed, failed, seconds) of one file."""
    name = os.path.basename(path)
    began = time.monotonic()
    child = subprocess.Popen([sys.executable, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True, text=True, errors="replace")
    try:
        out, _ = child.communicate(timeout=FILE_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # its session, that we made
        out, _ = child.communicate()
        out += f"FAILED {name}: no end after {FILE_LIMIT_S} s\n"
    passed = len(re.findall(r"^ok ", out, re.M))
    failed = len(re.findall(r"^FAILED", out, re.M))
    if failed == 0 and (child.returncode != 0 or passed == 0):
        out += f"FAILED {name}: exit status {child.returncode}\n"
        failed = 1
    return name, out, passed, failed, time.monotonic() - began


def main():
    wanted = sys.argv[1:]
    paths = sorted(glob.glob(os.path.join(FILES, "test_*.py")))
    if wanted:
        paths = [p for p in paths if any(os.path.basename(w).removesuffix(".py") in p for w in wanted)]
    if not paths:
        print(f"run_e2e: no test file {' '.join(wanted)}", file=sys.stderr)
        return 2
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    passed = failed = 0
    # The longest first, so that none is waited for alone at the end.
    longest = ("test_engines", "test_readmit", "test_race", "test_library", "test_failover", "test_placement",
               "test_stream", "test_cluster", "test_operate")
    paths.sort(key=lambda p: not os.path.basename(p).startswith(longest))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, out, p, f, took in pool.map(run, paths):
            print(f"== {name} ({took:.0f} s)")
            print(re.sub(r"^\d+ passed, \d+ failed\n", "", out, flags=re.M), end="", flush=True)
            passed += p
            failed += f
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
