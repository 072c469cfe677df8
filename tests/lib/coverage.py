#!/usr/bin/env python3
"""Which lines the unit tests and the end-to-end tests run; what `make coverage` runs.

    tests/lib/coverage.py [unit|e2e...]      default: both; a report of what was run so far: report

Builds with gcc's --coverage into build/cov, runs the tests there, reads the counts with gcov, and
prints a table by file; build/coverage/index.html has the same with every file's lines, those that
nothing ran in colour. Fails when a test fails, after the report. Killed processes leave no counts:
what only they did is not seen here. About four minutes.
"""

import glob
import html
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = "build/cov"
OUT = os.path.join(ROOT, "build", "coverage")
LIMIT_S = 1500
OURS = ("hashring/", "proxy/", "include/")


def env():
    """Under `make coverage` a child make would take our flags and its job server for its own."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}, "B": BUILD, "COV": "1"}


def make(*words):
    subprocess.run(["make", "-s", "--no-print-directory", f"B={BUILD}", "COV=1", *words], cwd=ROOT, env=env(), check=True)


def names():
    out = subprocess.run(["make", "-s", "--no-print-directory", "unit-names"], cwd=ROOT, env=env(), check=True,
                         capture_output=True, text=True)
    return out.stdout.split()


# ---- running -------------------------------------------------------------------------------------


def run(argv, log):
    log.write(f"$ {' '.join(argv)}\n")
    log.flush()
    try:
        status = subprocess.run(argv, cwd=ROOT, env=env(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                timeout=LIMIT_S).returncode
    except subprocess.TimeoutExpired:
        status = f"no end after {LIMIT_S} s"
    if status != 0:
        print(f"coverage: {' '.join(argv)}: {status}", flush=True)
    return status == 0


def run_tests(wanted):
    """True: all passed."""
    for old in glob.glob(os.path.join(ROOT, BUILD, "**", "*.gcda"), recursive=True):
        os.remove(old)
    ok = True
    with open(os.path.join(OUT, "tests.log"), "w") as log:
        if "unit" in wanted:
            for name in names():
                ok &= run([f"{BUILD}/tests/{name}"], log)
        if "e2e" in wanted:
            ok &= run(["python3", "tests/lib/run_e2e.py"], log)
    return ok


# ---- counting ------------------------------------------------------------------------------------


class File:
    def __init__(self):
        self.lines = {}      # number -> times
        self.branches = {}   # (line, place) -> times

    def summary(self):
        hit = sum(1 for n in self.lines.values() if n > 0)
        taken = sum(1 for n in self.branches.values() if n > 0)
        return len(self.lines), hit, len(self.branches), taken


def count():
    """Path to File, from all object files that were run."""
    files = {}
    for path in sorted(glob.glob(os.path.join(ROOT, BUILD, "**", "*.gcda"), recursive=True)):
        if "/tests/" in path:
            continue
        out = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", path], cwd=ROOT, check=True,
                             capture_output=True, text=True).stdout
        for text in filter(None, out.split("\n")):
            for entry in json.loads(text)["files"]:
                if entry["file"].startswith(OURS):
                    add(files.setdefault(entry["file"], File()), entry)
    return files


def add(file, entry):
    for line in entry["lines"]:
        number = line["line_number"]
        file.lines[number] = file.lines.get(number, 0) + line["count"]
        for place, branch in enumerate(line["branches"]):
            key = (number, place)
            file.branches[key] = file.branches.get(key, 0) + branch["count"]


# ---- telling -------------------------------------------------------------------------------------


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def table(files):
    rows = [(path, *files[path].summary()) for path in sorted(files)]
    total = ("total", *(sum(r[i] for r in rows) for i in range(1, 5)))
    rooms = {}
    for row in rows:
        room = os.path.dirname(row[0])
        rooms[room] = tuple(a + b for a, b in zip(rooms.get(room, (0, 0, 0, 0)), row[1:]))
    return rows, [(room, *sums) for room, sums in sorted(rooms.items())], total


def say(rows, rooms, total):
    line = "{:34} {:>6} lines {:>6.1f} %   {:>6} branches {:>6.1f} %"

    def tell(row):
        name, lines, hit, branches, taken = row
        return line.format(name, lines, percent(hit, lines), branches, percent(taken, branches))
    text = "\n".join([tell(r) for r in rows] + [""] + [tell(r) for r in rooms] + ["", tell(total)])
    print(text)
    with open(os.path.join(OUT, "index.txt"), "w") as f:
        f.write(text + "\n")


STYLE = """<style>body{font:14px sans-serif;margin:2em}td{padding:0 1em 0 0}td+td{text-align:right}
pre{font:12px monospace}.no{background:#fbb}.part{background:#ffd}.bar{color:#888}</style>"""


def page(name, body):
    with open(os.path.join(OUT, name), "w") as f:
        f.write(f"<!doctype html><meta charset=utf-8><title>coverage: {html.escape(name)}</title>{STYLE}{body}\n")


def source_page(path, file):
    name = path.replace("/", ".") + ".html"
    part = {line for (line, _), times in file.branches.items() if times == 0}
    out = []
    with open(os.path.join(ROOT, path), errors="replace") as f:
        for number, text in enumerate(f, 1):
            times = file.lines.get(number)
            kind = "no" if times == 0 else "part" if times and number in part else ""
            shown = "" if times is None else times
            out.append(f'<span class="{kind}"><span class=bar>{number:5} {shown:>10}  </span>{html.escape(text.rstrip())}</span>')
    page(name, f"<h1>{path}</h1><pre>" + "\n".join(out) + "</pre>")
    return name


def write_pages(files, rows, rooms, total):
    def row(r, link=None):
        name = html.escape(r[0])
        name = f'<a href="{link}">{name}</a>' if link else name
        return (f"<tr><td>{name}</td><td>{r[1]}</td><td>{percent(r[2], r[1]):.1f} %</td><td>{r[3]}</td>"
                f"<td>{percent(r[4], r[3]):.1f} %</td></tr>")
    head = "<tr><td></td><td>lines</td><td>run</td><td>branches</td><td>taken</td></tr>"
    body = head + row(total) + "".join(row(r) for r in rooms) + head
    body += "".join(row(r, source_page(r[0], files[r[0]])) for r in rows)
    page("index.html", f"<h1>Coverage</h1><table>{body}</table>")


def main():
    wanted = sys.argv[1:] or ["unit", "e2e"]
    if not set(wanted) <= {"unit", "e2e", "report"}:
        print(__doc__.strip().split("\n\n")[1], file=sys.stderr)
        return 2
    os.makedirs(OUT, exist_ok=True)
    ok = True
    if "report" not in wanted:
        make("-j2", "all", "unit-bin", "faults-bin", "library-bin")
        ok = run_tests(wanted)
    files = count()
    rows, rooms, total = table(files)
    say(rows, rooms, total)
    write_pages(files, rows, rooms, total)
    print(f"\n{'' if ok else 'SOME TESTS FAILED, see build/coverage/tests.log; '}build/coverage/index.html has the lines")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
