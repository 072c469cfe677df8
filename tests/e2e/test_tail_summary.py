"""`holdfast tail --summary` and `--since`, of real logs."""

import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from test_replay import outage


def tail(*argv, **more):
    status, out, err = holdfast.holdfast("tail", *argv, **more)
    assert (status, err) == (0, ""), (argv, status, err)
    return out


def rows(out):
    """The table's rows, by its headings."""
    lines = out.splitlines()
    heads = [(m.start(), m.end(), m[0]) for m in re.finditer(r"\S+(?: \S+)*", lines[0])]
    assert heads[0][2] == "since" and heads[-1][2] == "back"
    return [dict(zip([h[2] for h in heads], re.split(r"  +", line.strip()))) for line in lines[1:]]


def test_an_outage_is_a_row():
    p = outage()
    summary = p.wait_event("outage_summary", member="a")
    down = p.wait_event("member_down", member="a")
    row, = rows(tail("--summary", p.failover_path))
    assert row["since"] == down["ts"] and row["member"] == "a" and row["service"] == "shop"
    assert row["moved"] == str(summary["sessions_moved"]) and row["back"] == str(summary["failbacks"])
    assert row["failed"] == str(summary["requests_failed"]) and row["retried"] == str(summary["requests_retried"])
    heirs = ", ".join(f"{h['id']} x{h['count']}" for h in summary["moved_to"])
    assert row["to"] == heirs and heirs
    assert rows(tail("--summary", "--member", "b", p.failover_path)) == []


def test_an_outage_that_goes_on_is_a_row():
    p = outage()
    with open(p.failover_path) as f:
        lines = [line for line in f if json.loads(line)["event"] not in ("member_up", "outage_summary", "failback")]
    path = os.path.join(holdfast.folder(), "failover.log")
    with open(path, "w") as f:
        f.writelines(lines)
    row, = rows(tail("--summary", path))
    assert row["out for"] == "goes on" and row["member"] == "a"
    assert row["moved"] == str(sum('"event":"failover"' in line for line in lines))


def test_since_a_time_and_since_a_while():
    p = outage()
    events = p.events()
    middle = events[len(events) // 2]["ts"]
    shown = tail("--no-follow", "--json", "--since", middle, p.failover_path).splitlines()
    assert [json.loads(line) for line in shown] == [e for e in events if e["ts"] >= middle]
    assert tail("--no-follow", "--json", "--since", "1h", p.failover_path).splitlines() == [
        json.dumps(e, separators=(",", ":")) for e in events]
    assert tail("--no-follow", "--since", "2999-01-01", p.failover_path) == ""
    assert len(tail("--no-follow", "--json", "--since", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400)),
                    p.failover_path).splitlines()) == len(events)


def test_bad_times_are_refused():
    for when in ("yesterday", "10", "2026-13", "2026-01-31 12:00", "", "2026-01-31T12:00:00.250Zx", "5 m"):
        status, out, err = holdfast.holdfast("tail", "--no-follow", "--since", when, "/dev/null")
        assert status == 2 and not out and "--since: " in err, when


def test_a_summary_is_no_json():
    assert holdfast.holdfast("tail", "--summary", "--json", "/dev/null")[0] == 2


def test_nothing_of_a_line_reaches_the_terminal_as_it_is():
    path = os.path.join(holdfast.folder(), "failover.log")
    with open(path, "w") as f:
        f.write(json.dumps({"ts": "2026-01-31T12:00:01.250Z", "event": "member_down", "node": "n\u001b[31m",
                            "service": "s", "member": "\u0007a", "reason": "down"}) + "\n")
    out = tail("--summary", path)
    assert "\x1b" not in out and "\x07" not in out and "?a" in out


if __name__ == "__main__":
    holdfast.main()
