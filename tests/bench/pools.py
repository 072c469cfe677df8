"""Rows of bench.py about large pools: what choosing costs, what a request costs, what checks cost.

    choose   the library and the plan alone (choose.c): ns an answer, with members dead
    pool     CPU a small request with 3 to 10,000 members, interleaved; instructions of it
    checks   CPU of active checks, time to start, memory

All members are one server (origin -a) under addresses of their own in 127.0.0.0/8.
"""

import json
import statistics
import subprocess
import time

SIZES = [3, 10, 100, 1000, 10000]
FLAT = 1.10  # CPU a request at 1,000 members, of that at 3


def address(n):
    """The n-th member's: 127.1.0.1, 127.1.0.2, ... without .0 and .255."""
    return f"127.{1 + n // 50800}.{n // 254 % 200}.{1 + n % 254}"


def members(count, port, weights=1):
    return ",\n".join(f'{{ id = "m{n:05}"; origin = "{address(n)}:{port}"; weight = {1 + n % weights}; }}'
                      for n in range(count))


def subject(bench, name, count, port, health, weights=1):
    words = {"MEMBERS": members(count, port, weights), "HEALTH": health}
    return bench.Subject(name, ["{build}/holdfast", "run", "-c", "{conf}"], "pool.conf", words, ["-k", "HOLDFAST"])


def origin(bench, env):
    port, = bench.free_ports(1)
    process = bench.start([f"{env.build}/tests/bench/origin", "-a", str(port)], bench.OTHER_CPU,
                          stdout=subprocess.PIPE, text=True)
    if process.stdout.readline() != "ready\n":
        bench.fail("the origin does not start")
    return process, port


# ---- the library ---------------------------------------------------------------------------------


def row_choose(bench, env):
    quick = ["-q"] if env.quick else []
    out = subprocess.run([f"{env.build}/tests/bench/choose"] + quick, check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    print("\nchoosing: ns an answer; a plan as a request makes it: steps, backups told, rank")
    print(f"  {'members':>8}{'weights':>9}{'dead':>7}{'first live':>13}{'plan, home up':>16}{'plan, home dead':>18}")
    for r in rows:
        up, dead = ("-" if r[k] is None else f"{r[k]:.0f}" for k in ("plan_ns", "plan_dead_ns"))
        print(f"  {r['members']:8}{r['weights']:9}{r['dead']:>7}{r['first_ns']:13.0f}{up:>16}{dead:>18}")
    return rows


# ---- requests ------------------------------------------------------------------------------------


def row_pool(bench, env):
    """One window of the same work for each size in turn."""
    process, port = origin(bench, env)
    n = 20000 if env.quick else 50000
    running = [subject(bench, f"{count} members", count, port, "enabled = false;") for count in SIZES]
    for s in running:
        s.launch(env)
    results = bench.interleave(env, running, env.rounds, c=bench.CONNECTIONS, n=n, w=4)
    base = [bench.cpu_us(r) for r in results[running[0].name]]
    print(f"\npools: CPU a small request, {bench.CONNECTIONS} sessions, {n} requests a window; of that at 3 members")
    rows = {}
    for s in running:
        values = [bench.cpu_us(r) for r in results[s.name]]
        ratio = statistics.median(v / b for v, b in zip(values, base))
        rows[s.name] = {"cpu_us": statistics.median(values), "ratio": ratio}
        print(f"  {s.name:16}{rows[s.name]['cpu_us']:10.2f} us{min(values):10.2f}..{max(values):.2f}{ratio:12.3f}x")
        bench.stop(s.process)
    if env.callgrind:
        for count in (3, 1000):
            s = subject(bench, f"{count} members", count, port, "enabled = false;")
            k = 3000 if env.quick else 8000
            totals = [bench.callgrind(env, s, k), bench.callgrind(env, s, 2 * k)]
            rows[s.name]["instructions"] = (totals[1] - totals[0]) / k
            print(f"  {s.name:16}{rows[s.name]['instructions']:10.0f} instructions in user space", flush=True)
    bench.stop(process)
    return rows


# ---- checks and start ----------------------------------------------------------------------------


def row_checks(bench, env):
    process, port = origin(bench, env)
    seconds = 4 if env.quick else 10
    print(f"\nchecks: one of each member a second (GET /healthz), {seconds} s without requests; start; memory")
    print(f"  {'':16}{'CPU':>9}{'us a check':>12}{'start ms':>11}{'MiB':>8}")
    rows = {}
    for count in (3, 1000, 10000):
        s = subject(bench, f"{count} members", count, port, 'path = "/healthz"; interval = "1s"; timeout = "900ms";')
        began = time.monotonic()
        s.launch(env, poll_s=0.002)
        started_ms = (time.monotonic() - began) * 1000
        time.sleep(2)
        before, at = bench.cpu_seconds(s.process.pid), time.monotonic()
        time.sleep(seconds)
        share = (bench.cpu_seconds(s.process.pid) - before) / (time.monotonic() - at)
        rows[s.name] = {"cpu": share, "check_us": share / count * 1e6, "start_ms": started_ms,
                        "bytes": bench.anonymous_bytes(s.process.pid)}
        print(f"  {s.name:16}{100 * share:8.1f}%{rows[s.name]['check_us']:12.1f}{started_ms:11.0f}"
              f"{rows[s.name]['bytes'] / (1 << 20):8.1f}", flush=True)
        bench.stop(s.process)
    bench.stop(process)
    return rows


def rows(bench):
    """{name: function of (env, running)} for bench.py."""
    return {"choose": lambda env, _: row_choose(bench, env),
            "pool": lambda env, _: row_pool(bench, env),
            "checks": lambda env, _: row_checks(bench, env)}
