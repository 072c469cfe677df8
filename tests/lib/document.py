"""Documents whose commands are run, so that they cannot rot: README.md, the guides and the handbook.

A block is indented (*.md) or stands between .EX and .EE (a manual page). Its lines that begin with "$ " are run, in the
order in which they stand, in one directory; the lines below each are what it prints. What differs from run to run is compared by
its form: numbers, timestamps, digests, ids of members (a, b, c), and how wide a column is. "..." stands for anything.

What stands between "```" without a word behind it is a configuration, whole or a part of one; pictures say "```text",
lines of logs "```json".
"""

import os
import re
import subprocess

from holdfast import ROOT, WAIT_S, binary

INDENTED = re.compile(r"^    .*\n(?:(?:\n)*^    .*\n)*", re.M)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
GUIDES = ["README.md", "conf/README.md", "proxy/cluster/README.md"]  # what operators read


def read(path):
    """Of the tree."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def documents():
    """Every *.md of the tree, by its path there."""
    found = []
    for where, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".", "build"))]
        found += [os.path.relpath(os.path.join(where, name), ROOT) for name in names if name.endswith(".md")]
    return sorted(found)


def prose(text):
    """Without what stands in blocks or between backticks."""
    text = INDENTED.sub("\n", FENCE.sub("", text))
    return re.sub(r"`[^`]*`", "", text)


def anchors(text):
    """What a link may name behind "#", as forges make it of headings."""
    found = []
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return set(found)


def links(text):
    """Targets of links that lead to no other site."""
    return [t for t in re.findall(r"\]\(([^()\s]+)\)", prose(text)) if not re.match(r"[a-z]+:", t)]


def section(text, title):
    """From "## title", or a deeper one, to the next of its depth or above."""
    depth = re.search(rf"^(##+) {re.escape(title)}$", text, re.M)[1]
    return re.search(rf"^{depth} {re.escape(title)}\n(.*?)(?=^#{{2,{len(depth)}}} |\Z)", text, re.M | re.S)[1]


def shell_blocks(text):
    """[[line]]: indented blocks."""
    return [[line[4:] for line in block.splitlines()] for block in INDENTED.findall(FENCE.sub("", text))]


def fenced(text, kind=""):
    """Configurations, or blocks of another kind."""
    return [body for word, body in FENCE.findall(text) if word == kind]


def page_blocks(text):
    """The examples of a manual page's source, as man shows them."""
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE", text, re.M | re.S)
    return [[re.sub(r"\\(.)", lambda m: {"-": "-", "e": "\\"}.get(m[1], ""), line) for line in block.splitlines()] for block in blocks]


def steps(block):
    """[(command, [line that it prints])]"""
    found = []
    for line in block:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


FORMS = [(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME"), (r"\b[0-9a-f]{8}\b|\b[0-9a-f]{16}\b|\b[0-9a-f]{32}\b", "HEX"),
         (r"\b\d+ (min|h|d) \d+ (s|min|h)\b|\b\d+(\.\d+)? (ms|s)\b", "SPAN"), (r"[+-]{2,}|(?<= )\.(?= )", "CHECKS"),
         (r"\b\d+(\.\d+)*(:\d+)?\b", "N"), (r"\b[abc]\b", "M"), (r"(?<= )-(?= |$)", "N"), (r" +", " ")]


def form(line):
    for pattern, name in FORMS:
        line = re.sub(pattern, name, line)
    return line.strip()


def matches(wanted, printed):
    """Whether these lines have the form of those."""
    wanted, printed = list(map(form, wanted)), list(map(form, printed))
    if not wanted:
        return True
    if wanted[-1] == "...":
        return printed[:len(wanted) - 1] == wanted[:-1]
    return printed == wanted


class Place:
    """A directory in which they run. `addresses`: what stands there -> what it is here; files likewise."""

    def __init__(self, where, addresses):
        self.where, self.addresses = where, addresses
        programs = os.path.join(where, "bin")
        os.makedirs(programs)
        os.symlink(binary(), os.path.join(programs, "holdfast"))
        self.env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}

    def here(self, text):
        for there, here in self.addresses.items():
            text = text.replace(there, here)
        return text.replace("build/holdfast", "holdfast")

    def run(self, command, wanted):
        if command.endswith(" &"):  # it goes on, and would hold our pipes
            subprocess.run(["sh", "-c", self.here(command)], cwd=self.where, env=self.env, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=WAIT_S, check=True)
            return ""
        done = subprocess.run(["sh", "-c", self.here(command)], cwd=self.where, env=self.env, capture_output=True, text=True,
                              timeout=WAIT_S)
        printed = done.stdout.splitlines()
        assert matches(wanted, printed), (command, list(map(form, wanted)), list(map(form, printed)), done.stderr, done.returncode)
        return done.stdout
