"""Rows of bench.py about large bodies: Holdfast, HAProxy (by copying, and with splice-request and splice-response: splice-auto hardly ever does) and nginx:

    64k, 1m, 100m        answers of 64 KiB, 1 MiB, 100 MiB with a Content-Length
    1m-chunked           answers of 1 MiB in chunks
    64k-up, 1m-up, 100m-up, 1m-chunked-up   the same as bodies of requests; the answers are small
    calls                system calls of the proxy's process for one MiB of each but 100m, and for a small
                         request in the clear, over TLS, and with HTTP/2, as strace(1) counts them

8 connections (100 MiB: 2), closed loop. Every byte is counted: a window of fewer or more ends the run.
"""

import os
import re

MIB = 1 << 20
SIZES = {"64k": MIB >> 4, "1m": MIB, "100m": 100 * MIB}
WINDOW_BYTES = 1 << 30

# row: (size, chunked, upload)
BODIES = {"64k": ("64k", False, False), "1m": ("1m", False, False), "100m": ("100m", False, False),
          "1m-chunked": ("1m", True, False),
          "64k-up": ("64k", False, True), "1m-up": ("1m", False, True), "100m-up": ("100m", False, True),
          "1m-chunked-up": ("1m", True, True)}


def how(row, share=1):
    """Options of load.c for a window of WINDOW_BYTES / share; and the bytes that are to be counted."""
    size, chunked, upload = BODIES[row]
    each = SIZES[size]
    n = max(WINDOW_BYTES // share // each, 2)
    options = {"c": min(8, n) if each < 100 * MIB else 2, "n": n, "w": 2 if each < 100 * MIB else 1}
    if upload:
        options["b"] = each
        if chunked:
            options["C"] = None
    else:
        options["p"] = "/" + size + ("-chunked" if chunked else "")
    return options, n, each


def window(bench, env, subject, row, share=1):
    options, n, each = how(row, share)
    result = bench.one_window(env, subject, **options)
    over = result["bytes"] - n * each
    # The small answers of uploads are counted as well.
    if over < 0 or over > (n * 4096 if BODIES[row][2] else 0):
        bench.fail(f"{subject.name}: {result['bytes']} bytes for {n} bodies of {each}")
    return result


def row_bodies(bench, env, running, row):
    share = 2 if env.quick else 1
    size, chunked, upload = BODIES[row]
    results = bench.windows(running, env.rounds, lambda s: window(bench, env, s, row, share))
    kind = ("requests" if upload else "answers") + " with bodies of " + size.replace("k", " KiB").replace("m", " MiB")
    return bench.table(f"{kind}{', chunked' if chunked else ''}: {how(row)[0]['c']} connections", results, bench.BODY_COLUMNS)


# ---- system calls ---------------------------------------------------------------------------------


def traced(bench, env, subject, work):
    """{system call: how often} in a whole run that does `work`."""
    out = os.path.join(env.dir, "strace.out")
    fresh = bench.fresh_copy(env, subject, ["strace", "-f", "-c", "-o", out], {"MASTER": "off"})
    work(fresh)
    bench.stop_group(fresh.process)
    with open(out) as f:
        rows = re.findall(r"^ +[0-9.]+ +[0-9.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", f.read(), re.M)
    return {name: int(count) for count, name in rows if name != "total"}


def calls(bench, env, subject, work, n):
    """A unit of work(proxy, n): as count_instructions of bench.py. {system call: how often}, those that matter."""
    once, twice = (traced(bench, env, subject, lambda fresh, k=k: work(fresh, k)) for k in (n, 2 * n))
    each = {name: (count - once.get(name, 0)) / n for name, count in twice.items()}
    return {name: count for name, count in sorted(each.items(), key=lambda e: -e[1]) if count >= 0.01}


def row_calls(bench, env, running, edges):
    print("\ncalls: system calls, by strace")
    found = {}
    bodies = {row: (lambda s, n, row=row: window(bench, env, s, row, 1024 // n), 128)
              for row in BODIES if not row.startswith("100m")}
    small = {"small": (lambda s, n: bench.one_window(env, s, c=64, n=n, w=4), 2000),
             **{row: (work, 2000) for row, work in edges.works(bench, env).items()}}
    for row, (work, n) in {**small, **bodies}.items():
        print(f"  {row + (', a MiB' if row in bodies else ', a request'):16}")
        found[row] = {}
        for s in running:
            if s.name.startswith("floor") and row not in bodies and row != "small":
                continue
            each = calls(bench, env, s, work, n)
            found[row][s.name] = each
            print(f"    {s.name:16}{sum(each.values()):8.2f}  " + ", ".join(f"{c} {k:.2f}" for c, k in each.items()), flush=True)
    return found


def rows(bench, edges):
    """{name: function of (env, running)} for bench.py."""
    made = {row: lambda env, running, row=row: row_bodies(bench, env, running, row) for row in BODIES}
    made["calls"] = lambda env, running: row_calls(bench, env, running, edges)
    return made


def goals(rows):
    """(what, figure, goal, format) for bench.py's verdict: of the better HAProxy."""
    lines = []
    for row in BODIES:
        peers = [rows[row][p]["holdfast_ratio"] for p in ("haproxy", "haproxy+splice") if rows.get(row, {}).get(p)]
        peers = [p for p in peers if p]
        if peers:
            lines.append((f"{row}: CPU a GiB, of the better HAProxy's", max(peers), 1.0, ".2f"))
    return lines
