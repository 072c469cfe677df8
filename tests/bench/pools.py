"""Rows of bench.py about large pools: what choosing costs, what a request costs, what checks cost.

    choose   the library and the plan alone (choose.c): ns an answer, with members dead
    pool     CPU a small request with 3 to 10,000 members, interleaved; instructions of it
    checks   CPU of active checks, time to start, memory
    commands every command that is asked something, at 1,000 members, against a running node where it needs one

All members are one server (origin -a) under addresses of their own in 127.0.0.0/8.
"""

import http.client
import json
import os
import resource
import signal
import statistics
import subprocess
import time

SIZES = [3, 10, 100, 1000, 10000]
FLAT = 1.10         # CPU a request at 1,000 members, of that at 3
COMMAND_MS = 50     # a command at 1,000 members
# (session rules, what the clients do): issued sessions whose clients keep the tag; keys of the
# request's own whose clients keep nothing, so that the ordering places each request anew.
SESSIONS = {"cookie": ('tag = { cookie = "HOLDFAST"; };', ["-k", "HOLDFAST"]),
            "header": ('keys = [ "header:X-Session" ]; assign = "ordering"; tag = { cookie = "HOLDFAST"; };',
                       ["-H", "X-Session"])}
CHECKS_A_SECOND = {3: 1000, 1000: 1000, 10000: 2000}  # interval: members / this


def address(n):
    """The n-th member's: 127.1.0.1, 127.1.0.2, ... without .0 and .255."""
    return f"127.{1 + n // 50800}.{n // 254 % 200}.{1 + n % 254}"


def members(count, port, weights=1):
    return ",\n".join(f'{{ id = "m{n:05}"; origin = "{address(n)}:{port}"; weight = {1 + n % weights}; }}'
                      for n in range(count))


def subject(bench, name, count, port, health, weights=1, sessions="cookie"):
    session, client = SESSIONS[sessions]
    words = {"MEMBERS": members(count, port, weights), "HEALTH": health, "ADMIN": "", "SESSION": session}
    return bench.Subject(name, ["{build}/holdfast", "run", "-c", "{conf}"], "pool.conf", words, client)


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
    print("\nchoosing: ns an answer; a plan as a request makes it: steps, backups told, rank; a new session's primary")
    print(f"  {'members':>8}{'weights':>9}{'dead':>7}{'first live':>13}{'plan, home up':>16}{'plan, home dead':>18}"
          f"{'least_requests':>16}{'round_robin':>13}")
    for r in rows:
        up, dead = ("-" if r[k] is None else f"{r[k]:.0f}" for k in ("plan_ns", "plan_dead_ns"))
        print(f"  {r['members']:8}{r['weights']:9}{r['dead']:>7}{r['first_ns']:13.0f}{up:>16}{dead:>18}"
              f"{r['least_requests_ns']:16.0f}{r['round_robin_ns']:13.0f}")
    return rows


# ---- requests ------------------------------------------------------------------------------------


def row_pool(bench, env):
    process, port = origin(bench, env)
    rows = {kind: pool_of(bench, env, port, kind) for kind in SESSIONS}
    bench.stop(process)
    return rows


def pool_of(bench, env, port, kind):
    """One window of the same work for each size in turn."""
    n = 20000 if env.quick else 50000
    running = [subject(bench, f"{count} members", count, port, "enabled = false;", sessions=kind) for count in SIZES]
    for s in running:
        s.launch(env)
    results = bench.interleave(env, running, env.rounds, c=bench.CONNECTIONS, n=n, w=4)
    base = [bench.cpu_us(r) for r in results[running[0].name]]
    print(f"\npools: CPU a small request, {bench.CONNECTIONS} sessions by {kind}, {n} requests a window; of that at 3 members")
    rows = {}
    for s in running:
        values = [bench.cpu_us(r) for r in results[s.name]]
        ratio = statistics.median(v / b for v, b in zip(values, base))
        rows[s.name] = {"cpu_us": statistics.median(values), "ratio": ratio}
        print(f"  {s.name:16}{rows[s.name]['cpu_us']:10.2f} us{min(values):10.2f}..{max(values):.2f}{ratio:12.3f}x")
        bench.stop(s.process)
    for count in (3, 1000) if env.callgrind else ():
        s = running[SIZES.index(count)]
        k = 3000 if env.quick else 8000
        totals = [bench.callgrind(env, s, k), bench.callgrind(env, s, 2 * k)]
        rows[s.name]["instructions"] = (totals[1] - totals[0]) / k
        print(f"  {s.name:16}{rows[s.name]['instructions']:10.0f} instructions in user space", flush=True)
    return rows


# ---- checks and start ----------------------------------------------------------------------------


def row_checks(bench, env):
    process, port = origin(bench, env)
    seconds = 4 if env.quick else 10
    print(f"\nchecks: GET /healthz, {seconds} s without requests; from start to the first answer; memory")
    print(f"  {'':16}{'checks/s':>10}{'CPU':>8}{'us a check':>12}{'start ms':>11}{'MiB':>8}")
    rows = {}
    for count, rate in CHECKS_A_SECOND.items():
        interval_ms = max(count * 1000 // rate, 10)
        health = f'path = "/healthz"; interval = "{interval_ms}ms"; timeout = "{interval_ms * 9 // 10}ms";'
        s = subject(bench, f"{count} members", count, port, health)
        began = time.monotonic()
        s.launch(env, poll_s=0.002)
        started_ms = (time.monotonic() - began) * 1000
        time.sleep(2 * interval_ms / 1000)
        done, before, at = accepted(process), bench.cpu_seconds(s.process.pid), time.monotonic()
        time.sleep(seconds)
        done = accepted(process) - done
        cpu, took = bench.cpu_seconds(s.process.pid) - before, time.monotonic() - at
        rows[s.name] = {"cpu": cpu / took, "checks_a_second": done / took, "check_us": cpu / done * 1e6,
                        "start_ms": started_ms, "bytes": bench.anonymous_bytes(s.process.pid)}
        print(f"  {s.name:16}{done / took:10.0f}{100 * cpu / took:7.1f}%{cpu / done * 1e6:12.1f}{started_ms:11.0f}"
              f"{rows[s.name]['bytes'] / (1 << 20):8.1f}", flush=True)
        bench.stop(s.process)
    bench.stop(process)
    return rows


def accepted(process):
    """Connections that the origin took so far."""
    process.send_signal(signal.SIGUSR1)
    return int(process.stdout.readline())


# ---- commands ------------------------------------------------------------------------------------


def commands(conf, admin, keys, tag):
    """(name, arguments, standard input) of each."""
    key_lines = "".join(f"key-{n}\n" for n in range(keys))
    return [("check", ["check", "-c", conf], ""),
            ("check --json", ["check", "-c", conf, "--json"], ""),
            ("explain", ["explain", "-c", conf, "alice"], ""),
            ("explain --json", ["explain", "-c", conf, "--json", "alice"], ""),
            (f"explain, {keys} keys", ["explain", "-c", conf, "--keys-file", "-"], key_lines),
            (f"what-if, {keys} keys", ["what-if", "-c", conf, "--add", "x:2", "--remove", "m00001", "-"], key_lines),
            ("what-if --json", ["what-if", "-c", conf, "--down", "m00001", "--json", "-"], key_lines),
            ("tag", ["tag", "-c", conf, "-"], tag),
            ("version", ["version"], ""),
            ("status", ["status", "--admin", admin], ""),
            ("status --json", ["status", "--admin", admin, "--json"], ""),
            ("members", ["members", "--admin", admin], ""),
            ("members --json", ["members", "--admin", admin, "--json"], ""),
            ("drain", ["drain", "--admin", admin, "m00002"], ""),
            ("undrain", ["undrain", "--admin", admin, "m00002"], ""),
            ("verify", ["verify", admin, admin], ""),
            ("reload", ["reload", "--admin", admin], "")]


def command_ms(argv, text, times):
    """Milliseconds from start to end of each run, and of processor time a run."""
    took = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        began = time.monotonic()
        done = subprocess.run(argv, input=text, capture_output=True, text=True)
        took.append((time.monotonic() - began) * 1000)
        if done.returncode != 0:
            raise ChildProcessError(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, cpu * 1000 / times


def row_commands(bench, env):
    process, port = origin(bench, env)
    s = subject(bench, "1000 members", 1000, port, "enabled = false;")
    admin = f"127.0.0.1:{bench.free_ports(1)[0]}"
    s.words["ADMIN"] = f'admin = {{ address = "{admin}"; }};'
    s.launch(env)
    connection = http.client.HTTPConnection("127.0.0.1", s.port, timeout=5)
    connection.request("GET", "/")
    tag = connection.getresponse().getheader("Set-Cookie").split(";")[0]
    connection.close()
    conf = os.path.join(env.dir, s.name, "pool.conf")
    times = 5 if env.quick else 15
    print(f"\ncommands: ms from start to end at 1,000 members, {times} times each; least: without the machine's other work")
    print(f"  {'':22}{'least':>9}{'median':>9}{'most':>9}{'CPU':>9}")
    rows = {}
    for name, words, text in commands(conf, admin, 100, tag):
        try:
            took, cpu = command_ms([f"{env.build}/holdfast"] + words, text, times)
        except ChildProcessError as e:
            bench.fail(f"{name}: {e}")
        rows[name] = {"ms_min": min(took), "ms": statistics.median(took), "ms_max": max(took), "cpu_ms": cpu}
        print(f"  {name:22}{min(took):9.1f}{statistics.median(took):9.1f}{max(took):9.1f}{cpu:9.1f}", flush=True)
    bench.stop(s.process)
    bench.stop(process)
    return rows


def goals(rows):
    """(what, figure, goal, format) for bench.py's verdict."""
    found = []
    for kind, sizes in rows.get("pool", {}).items():
        found.append((f"pools, sessions by {kind}: CPU a request at 1,000 members, of that at 3",
                      sizes["1000 members"]["ratio"], FLAT, ".2f"))
    if "commands" in rows:
        slowest = max(rows["commands"], key=lambda name: rows["commands"][name]["ms_min"])
        found.append((f"commands at 1,000 members, ms: {slowest}", rows["commands"][slowest]["ms_min"], COMMAND_MS, ".0f"))
    return found


def rows(bench):
    """{name: function of (env, running)} for bench.py."""
    return {"choose": lambda env, _: row_choose(bench, env),
            "pool": lambda env, _: row_pool(bench, env),
            "checks": lambda env, _: row_checks(bench, env),
            "commands": lambda env, _: row_commands(bench, env)}
