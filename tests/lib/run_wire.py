#!/usr/bin/env python3
"""The wire tests: tests/wire/*.vtc by varnishtest; what `make wire` runs.

    tests/lib/run_wire.py [FILE...]     default: all

B (build directory) or HOLDFAST (binary) in the environment say what is tested. Scripts get the
macros ${gateway} (tests/wire/gateway, which starts Holdfast) and ${listen} (an address of their
own). varnishtest says "TEST file passed" for each; the last line is "N passed, N failed".
"""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TESTS)
WIRE = os.path.join(TESTS, "wire")
AT_ONCE = 3
LIMIT_S = 60
TOLD_LINES = 60


def run(numbered):
    """(file, passed, output)"""
    number, path = numbered
    # An address of its own in 127.0.0.0/8: ports of others do not matter.
    pid = os.getpid()
    listen = f"127.{128 + (pid >> 16 & 63)}.{pid >> 8 & 255}.{pid & 255}:{7000 + number}"
    argv = ["varnishtest", "-t", str(LIMIT_S), "-D", f"gateway={WIRE}/gateway", "-D", f"listen={listen}", path]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=LIMIT_S + 30)
    except subprocess.TimeoutExpired as e:
        return path, False, (e.stdout or b"").decode(errors="replace") + f"\nno end after {LIMIT_S + 30} s\n"
    return path, done.returncode == 0 and " passed (" in done.stdout, done.stdout


def digest(out):
    """Of a script that failed: what varnishtest calls a failure, then how it ended."""
    lines = out.splitlines()
    first = [line for line in lines if line.startswith("---- ")]
    return "\n".join(first + ["..."] + lines[-TOLD_LINES:])


def in_reach_of_terminals():
    """varnishtest gives each process a terminal of its own. Where /dev/pts is not mounted, as in a bare
    chroot, the run goes on in a mount namespace that has one."""
    try:
        for fd in os.openpty():
            os.close(fd)
        return
    except OSError as e:
        if os.environ.get("WIRE_TERMINALS"):
            sys.exit(f"run_wire: no terminal can be opened: {e}")
    os.environ["WIRE_TERMINALS"] = "mounted"
    mount = '{ mount --make-rprivate / 2>/dev/null || true; } && mkdir -p /dev/pts && mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts && ' \
            'mount --bind /dev/pts/ptmx /dev/ptmx && exec "$0" "$@"'
    who = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "unchanged", *who, "sh", "-c", mount, sys.executable, *sys.argv])


def main():
    in_reach_of_terminals()
    holdfast = os.environ.get("HOLDFAST") or os.path.join(os.environ.get("B") or "build", "holdfast")
    os.environ["HOLDFAST"] = os.path.join(ROOT, holdfast)
    if not shutil.which("varnishtest"):
        print("run_wire: there is no varnishtest (package varnish)", file=sys.stderr)
        return 2
    paths = [os.path.abspath(p) for p in sys.argv[1:]] or sorted(glob.glob(os.path.join(WIRE, "*.vtc")))
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for path, ok, out in pool.map(run, enumerate(paths)):
            passed += ok
            took = re.search(r"passed \(([0-9.]+)\)", out)
            name = os.path.basename(path)
            print(f"ok     {name} ({float(took[1]):.1f} s)" if ok and took else f"FAILED {name}\n{digest(out)}", flush=True)
    print(f"{passed} passed, {len(paths) - passed} failed")
    return 0 if paths and passed == len(paths) else 1


if __name__ == "__main__":
    sys.exit(main())
