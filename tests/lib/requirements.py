#!/usr/bin/env python3
"""Checks tests/requirements.md and tests/claims.md against the tree; part of `make test`.

    tests/lib/requirements.py [REQUIREMENTS [CLAIMS]]

Every entry names tests that exist and are run, or says why it does not apply yet; requirements have the
numbers 1 to 60, the other lists no gap; a test named test_must_NN_... stands under requirement NN. Claims are
the lines C1 to C15, E1 to E16, L1 to L12, M1 to M14, U1 to U13, shown by end-to-end tests; of the files that
they name, a test named test_c09_..., or test_m03_m04_..., stands under each of its lines. What is wrong is said
a line each; the last line is "N passed, N failed", an entry each.
"""

import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TESTS = os.path.join(ROOT, "tests")
FILE = os.path.join(TESTS, "requirements.md")
LISTS = {"Requirements": 60, "Classes of faults": 34, "Ways of making faults": 8}  # at least so many, the first exactly
CLAIMS_FILE = os.path.join(TESTS, "claims.md")
CLAIMS = {"C": 15, "E": 16, "L": 12, "M": 14, "U": 13}
CLAIMED = re.compile(r"test_(?:disk_|embedded_|etcd_)?((?:[celmu]\d+_)+)")
NUMBERED = re.compile(r"test_must_((?:\d\d_(?:and_)?)+)")
REASON_MIN = 15  # characters of a reason that says something

sys.path.insert(0, HERE)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def made(target):
    """What the Makefile lists."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-s", "--no-print-directory", target], cwd=ROOT, env=env, check=True,
                          capture_output=True, text=True)
    return set(done.stdout.split())


def of_engine(engine):
    """Tests that tests/lib/engine_suite.py makes for it."""
    cases = re.search(r"^CASES = \[(.*?)\]", read(os.path.join(HERE, "engine_suite.py")), re.M | re.S)[1]
    return {f"test_{engine}_{case}" for case in re.findall(r"\w+", cases)}


class Tree:
    """Tests that are there and are run."""

    def __init__(self):
        import run_all
        self.units = made("unit-names")
        self.fuzz = {f"fuzz_{n}" for n in made("fuzz-names")}
        self.memcheck = set(run_all.MEMCHECK)
        keys = re.findall(r'^CONFIG_\w+\(\w+, "([^"]+)"', read(os.path.join(ROOT, "include/tbl/config_keys.h")), re.M)
        self.words = set(re.sub(r"#.*", "", read(os.path.join(ROOT, "Makefile"))).split())
        self.words |= {part for key in keys for part in re.split(r"\[\]\.|\.|\[\]", key)}
        self.known = {}

    def tests_of(self, name):
        """Of FOLDER/FILE; None: there is no such file, or nobody runs it."""
        if name not in self.known:
            self.known[name] = self.look(name)
        return self.known[name]

    def look(self, name):
        script = os.path.join(TESTS, name + ".py")
        if name.startswith(("e2e/test_", "soak/test_", "chaos/test_")) and os.path.exists(script):
            text = read(script)
            found = set(re.findall(r"^ *def (test_\w+)\(", text, re.M))
            suite = re.search(r"^engine_suite\.add_tests\(globals\(\), (\w+)\)", text, re.M)
            return found | of_engine(suite[1].lower()) if suite else found
        if name in self.units and os.path.exists(os.path.join(TESTS, name + ".c")):
            text = read(os.path.join(TESTS, name + ".c"))
            return set(re.findall(r"cmocka_unit_test(?:_\w+)?\(\s*(\w+)", text))
        return None

    def has(self, kind, name):
        if kind == "wire":
            return name.endswith(".vtc") and os.path.exists(os.path.join(TESTS, "wire", name))
        if kind == "fuzz":
            return name in self.fuzz and bool(glob.glob(os.path.join(TESTS, "fuzz/corpus", name[5:], "*")))
        if kind == "memcheck":
            return name in self.memcheck
        tests = self.tests_of(kind)
        return tests is not None and (name in tests or (name == "*" and tests))

    def numbered(self):
        """Number to (file, test) of all tests that carry one."""
        found = {}
        scripts = [p[len(TESTS) + 1:-3] for p in glob.glob(os.path.join(TESTS, "e2e", "test_*.py"))]
        for name in [*self.units, *scripts]:
            for test in self.tests_of(name) or ():
                match = NUMBERED.match(test)
                for number in re.findall(r"\d\d", match[1]) if match else ():
                    found.setdefault(int(number), set()).add((name, test))
        return found


class Entry:
    def __init__(self, where, number, title):
        self.where, self.number, self.title = where, number, title
        self.lines = []

    def tests(self):
        """(kind, test) of all lines that name some."""
        for line in self.lines:
            kind, _, names = line.partition(": ")
            if not kind.startswith("until "):
                yield from ((kind, name.strip()) for name in names.split(","))

    def wrong(self, tree):
        """What is wrong with it."""
        if not self.lines:
            return ["it names no test and no reason"]
        problems = []
        for line in self.lines:
            waits = re.fullmatch(r"until (\S+): (.*)", line)
            if waits and len(waits[2]) < REASON_MIN:
                problems.append(f"no reason behind `{line}`")
            if waits and waits[1] in tree.words:
                problems.append(f"`{waits[1]}` is there now: it needs tests")
        for kind, name in self.tests():
            if not tree.has(kind, name):
                problems.append(f"there is no test `{kind}: {name}` that is run")
        return problems


def parse(text):
    """Title of a list to its entries."""
    lists, entries = {}, None
    text = re.sub(r"\n  +(?=\S)", " ", text)  # lines that go on
    for line in text.split("\n"):
        head = re.fullmatch(r"## (.*)", line)
        entry = re.fullmatch(r"### (\d+)\. (.+)", line)
        if head:
            entries = lists.setdefault(head[1], [])
        elif entry and entries is not None:
            entries.append(Entry(line[4:50], int(entry[1]), entry[2]))
        elif line.startswith("- ") and entries:
            entries[-1].lines.append(line[2:])
    return lists


def check(text, tree):
    """(entries that are well, what is wrong)"""
    lists = parse(text)
    problems, passed = [], 0
    for title, least in LISTS.items():
        entries = lists.get(title, [])
        numbers = [e.number for e in entries]
        count = least if title == "Requirements" else max(least, len(numbers))
        if numbers != list(range(1, count + 1)):
            problems.append(f"{title}: the numbers are not 1 to {count}: {sorted(set(range(1, count + 1)) ^ set(numbers))}")
        for entry in entries:
            wrong = entry.wrong(tree)
            passed += not wrong
            problems += [f"{title}, {entry.where}: {w}" for w in wrong]
    named = {e.number: set(e.tests()) for e in lists.get("Requirements", [])}
    for number, tests in sorted(tree.numbered().items()):
        problems += [f"{kind}: {test} is not named under {number}" for kind, test in sorted(tests - named.get(number, set()))]
    return passed, problems


# ---- claims -------------------------------------------------------------------------------------


def lines_of(test):
    """Those that its name carries: "C9"."""
    match = CLAIMED.match(test)
    return [f"{letter.upper()}{int(n)}" for letter, n in re.findall(r"([celmu])(\d+)_", match[1])] if match else []


def parse_claims(text):
    """Line to its entry, in order."""
    claims = {}
    text = re.sub(r"\n  +(?=\S)", " ", text)
    for line in text.split("\n"):
        entry = re.fullmatch(r"### (([CELMU])(\d+))\. (.+)", line)
        if entry:
            claims[entry[1]] = Entry(entry[1], int(entry[3]), entry[4])
        elif line.startswith("- ") and claims:
            list(claims.values())[-1].lines.append(line[2:])
    return claims


def check_claims(text, tree):
    """As check."""
    claims = parse_claims(text)
    wanted = [f"{letter}{n}" for letter, count in CLAIMS.items() for n in range(1, count + 1)]
    problems = [f"claims: there is no line {c}" for c in wanted if c not in claims]
    problems += [f"claims: there is no such line as {c}" for c in claims if c not in wanted]
    named = {c: set(e.tests()) for c, e in claims.items()}
    passed = 0
    for c, entry in claims.items():
        wrong = entry.wrong(tree)
        wrong += [f"{kind} is no end-to-end test" for kind, _ in named[c] if not kind.startswith("e2e/")]
        passed += not wrong
        problems += [f"claims, {c}: {w}" for w in wrong]
    for kind in sorted({kind for tests in named.values() for kind, _ in tests}):
        for test in sorted(tree.tests_of(kind) or ()):
            problems += [f"{kind}: {test} is not named under {c}" for c in lines_of(test)
                         if (kind, test) not in named.get(c, set())]
    return passed, problems


def main():
    tree = Tree()
    passed, problems = check(read(sys.argv[1] if sys.argv[1:] else FILE), tree)
    more, wrong = check_claims(read(sys.argv[2] if sys.argv[2:] else CLAIMS_FILE), tree)
    passed, problems = passed + more, problems + wrong
    for problem in problems:
        print(f"FAILED requirements: {problem}")
    print(f"{passed} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
