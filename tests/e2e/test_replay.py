"""`holdfast replay`: real logs follow from themselves; changed ones do not."""

import gzip
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import CHECKED, Holdfast, Origin, wait_until

KEYED = {"keys": ["header:X-Key"], "failback": "return"}


def replay(*argv, input=""):
    return holdfast.holdfast("replay", *argv, input=input)


def outage():
    """A log with sessions that were placed, moved, and came home."""
    members = [Origin(i) for i in "abc"]
    p = Holdfast(members, session=KEYED, health=CHECKED, workers=2)
    keys = [f"k{n}" for n in range(30)]
    for key in keys:
        p.once(fields=[("X-Key", key)])
    browsers = [p.browser(fields=[("X-Key", key)]) for key in keys]
    for b in browsers:
        b.get()
    members[0].go()
    p.wait_event("member_down", member="a")
    for b in browsers:
        b.get()
    members[0].start()
    p.wait_event("member_up", member="a")
    for b in browsers:
        b.get()
    p.wait_event("outage_summary", member="a")
    assert p.events("failover") and p.events("failback")
    return p


def test_a_real_outage_follows_from_itself():
    p = outage()
    status, out, err = replay(p.failover_path)
    assert (status, err) == (0, ""), (out, err)
    lines = len(p.events())
    assert out.startswith(f"ok: {lines} lines, ") and out.endswith(" decisions, 0 faults\n"), out
    with open(p.failover_path) as f:
        assert replay("-", input=f.read()) == (0, out, "")


def test_a_changed_log_does_not():
    p = outage()
    with open(p.failover_path) as f:
        lines = f.read().splitlines()
    at = next(i for i, line in enumerate(lines) if '"event":"failover"' in line)
    entry = json.loads(lines[at])
    entry["chosen"] = entry["order"][1]
    lines[at] = json.dumps(entry)
    status, out, err = replay("-", input="\n".join(lines) + "\n")
    assert status == 1 and not err
    assert out.startswith(f"standard input:{at + 1}: {entry['order'][0]} stands before {entry['chosen']}, and nothing says"), out
    status, out, err = replay("--json", "-", input="\n".join(lines) + "\n")
    told = json.loads(out)
    assert status == 1 and not told["ok"] and told["faults"][0]["line"] == at + 1 and told["lines"] == len(lines)


def test_logs_of_nodes_are_held_against_each_other():
    p = outage()
    with open(p.failover_path) as f:
        entries = [json.loads(line) for line in f]
    other = os.path.join(holdfast.folder(), "other.log")
    moved = next(e for e in entries if e["event"] == "failover" and e["rank"] is not None)
    with open(other, "w") as f:
        f.write(json.dumps({**moved, "node": "other", "rank": moved["rank"] + 1}) + "\n")
    status, out, _ = replay(p.failover_path, other)
    assert status == 1 and f"{other}:1: {moved['chosen']} has rank {moved['rank'] + 1}" in out, out


def test_what_is_no_log_is_refused_or_said():
    status, out, err = replay("/nowhere/failover.log")
    assert status == 2 and not out and err == "holdfast replay: /nowhere/failover.log: No such file or directory\n"
    assert replay()[0] == 2
    assert replay("-", input="hello\n\x1b[31mred\n") == (
        2, "", "holdfast replay: standard input: no line of it is of a failover log\n"), "nothing was checked"
    assert replay("-") == (0, "ok: 0 lines, 0 decisions, 0 faults\n", "")
    p = outage()
    with open(p.failover_path) as f:
        text = f.read()
    status, out, err = replay("-", input="hello\n" + text + "\x1b[31mred\n" + "x" * 50000)
    assert status == 0 and out.endswith(", 0 faults, 3 lines of something else\n") and not err, (out, err)


def test_what_logrotate_left_is_read_packed_as_it_is():
    p = outage()
    _, out, _ = replay(p.failover_path)
    with open(p.failover_path, "rb") as f:
        data = f.read()
    packed = os.path.join(p.where, "failover.log.1.gz")
    cut = data.index(b"\n", len(data) // 2) + 1
    with gzip.open(packed, "wb") as f:
        f.write(data[:cut])
    with open(p.failover_path, "wb") as f:
        f.write(data[cut:])
    assert replay(packed, p.failover_path) == (0, out, "")
    with open(packed, "rb") as f:
        whole = f.read()
    with open(packed, "wb") as f:
        f.write(whole[:-40])
    status, _, err = replay(packed, p.failover_path)
    assert status in (0, 1) and err == f"holdfast replay: {packed}: damaged or cut: what stands before that was read\n", err


def test_nothing_of_a_line_reaches_the_terminal_as_it_is():
    line = {"ts": "2026-01-31T12:00:01.250Z", "event": "failback", "node": "n", "primary": "a", "from": "b",
            "chosen": "x\u001b[31m", "order": [], "skipped": []}
    status, out, _ = replay("-", input=json.dumps(line) + "\n")
    assert status == 1 and "\x1b" not in out, out


if __name__ == "__main__":
    holdfast.main()
