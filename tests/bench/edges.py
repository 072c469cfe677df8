"""Rows of bench.py about the edge: Holdfast, HAProxy and nginx, one worker each, interleaved:

    full     new connections, a whole TLS handshake and one small request each, then closed
    resumed  the same with sessions resumed by ticket
    tls      small answers over TLS, HTTP/1.1, 256 keep-alive connections, closed loop
    h2       small answers over TLS, HTTP/2: 8 connections, 32 streams each at a time
    h2-one   the same: 64 connections, one stream each at a time
    h2c      as h2, in the clear with prior knowledge
    edge     user-space instructions a request of the last four, by callgrind

All speak TLS 1.3 with X25519 and TLS_AES_128_GCM_SHA256 and show the same ECDSA certificate (P-256), which
the clients verify (load.c). HTTP/2 is asked by h2load, which has one cookie for all its connections: one
session, so one server has it all; its few handshakes are in what is measured. A window in which anything was
agreed upon otherwise, or an answer was not 200 with the server's body, ends the run.
"""

import re
import statistics
import subprocess

BODY_BYTES = 64  # of origin.c's small answer
CIPHER = "TLS_AES_128_GCM_SHA256"
WINDOW_S = 120
GOAL_OF_HAPROXY = 1.0


def certificate(bench, path):
    """Key and certificate for bench.test in one file, as all three read them."""
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-keyout", path + ".key", "-out", path + ".crt", "-days", "2", "-subj", "/CN=bench.test",
                           "-addext", "subjectAltName=DNS:bench.test"], capture_output=True, text=True)
    if made.returncode != 0:
        bench.fail("openssl makes no certificate: " + made.stderr)
    with open(bench.private(path), "w") as out:
        for part in (".crt", ".key"):
            with open(path + part) as f:
                out.write(f.read())
    return path


# ---- HTTP/1.1: load.c ----------------------------------------------------------------------------


def row_connections(bench, env, running, title, **how):
    n = 800 if env.quick else 2500
    results = bench.interleave(env, bench.plain(running, tls=True), env.rounds, port="tls", c=32, n=n, w=2,
                               T=env.pem, F=None, **how)
    for name, windows in results.items():
        for r in windows:
            if r["handshakes"] != r["requests"]:
                bench.fail(f"{name}: {r['handshakes']} handshakes for {r['requests']} requests")
    columns = [("CPU us/conn", bench.cpu_us, ".1f"), ("conn/s", lambda r: r["rps"], ".0f"),
               ("p50 us", lambda r: r["p50_us"], ".0f"), ("p99 us", lambda r: r["p99_us"], ".0f")]
    return bench.table(f"{title}: a connection, TLS handshake and one small request each, {n} a window", results, columns)


def row_full(bench, env, running):
    return row_connections(bench, env, running, "full handshakes")


def row_resumed(bench, env, running):
    return row_connections(bench, env, running, "resumed handshakes", R=None)


def row_tls(bench, env, running):
    n = 10000 if env.quick else 40000
    results = bench.interleave(env, bench.plain(running, tls=True), env.rounds, port="tls", c=bench.CONNECTIONS, n=n,
                               w=4, T=env.pem)
    return bench.table(f"TLS, HTTP/1.1: {bench.CONNECTIONS} keep-alive connections, sticky, {n} small requests a window, "
                       "closed loop", results, bench.REQUEST_COLUMNS)


# ---- HTTP/2: h2load ------------------------------------------------------------------------------


def said(bench, subject, text, pattern):
    found = re.search(pattern, text, re.M)
    if not found:
        bench.fail(f"{subject.name}: h2load does not say {pattern!r}:\n{text}")
    return found


def check(bench, subject, text, n, tls):
    """Everything was asked, and answered by the server behind, as it was to be."""
    said(bench, subject, text, rf"^requests: {n} total, {n} started, {n} done, {n} succeeded, 0 failed, 0 errored, 0 timeout")
    said(bench, subject, text, rf"^status codes: {n} 2xx, 0 3xx, 0 4xx, 0 5xx")
    said(bench, subject, text, rf" \({n * BODY_BYTES}\) data$")
    said(bench, subject, text, rf"^Application protocol: {'h2' if tls else 'h2c'}$")
    if tls:
        said(bench, subject, text, r"^TLS Protocol: TLSv1\.3$")
        said(bench, subject, text, rf"^Cipher: {CIPHER}$")
        said(bench, subject, text, r"^Server Temp Key: X25519 ")


def h2load(bench, subject, n, connections, streams, tls):
    """One window; as bench.Load's."""
    url = f"https://bench.test:{subject.tls}/" if tls else f"http://bench.test:{subject.h2c}/"
    argv = ["h2load", "-n", str(n), "-c", str(connections), "-m", str(streams), "--tls13-ciphers=" + CIPHER,
            f"--connect-to=127.0.0.1:{subject.tls if tls else subject.h2c}", "-H", "cookie: " + subject.session(), url]
    before = subject.cpu()
    client = bench.start(argv, bench.OTHER_CPU, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        text, _ = client.communicate(timeout=WINDOW_S)
    except subprocess.TimeoutExpired:
        bench.fail(f"{subject.name}: h2load is not done after {WINDOW_S} s")
    finally:
        bench.stop(client)
    cpu = subject.cpu() - before
    check(bench, subject, text, n, tls)
    rate = float(said(bench, subject, text, r"^finished in .*, ([0-9.]+) req/s").group(1))
    return {"requests": n, "cpu": cpu, "rps": rate}


# name in the table, connections, streams at a time, TLS
H2 = {"h2": ("TLS, HTTP/2", 8, 32, True), "h2-one": ("TLS, HTTP/2", 64, 1, True),
      "h2c": ("HTTP/2 in the clear", 8, 32, False)}


def row_h2load(bench, env, running, row):
    title, connections, streams, tls = H2[row]
    n = 10000 if env.quick else 40000
    results = bench.windows(bench.plain(running, tls=True), env.rounds,
                            lambda s: h2load(bench, s, n, connections, streams, tls))
    columns = [("CPU us/req", bench.cpu_us, ".2f"), ("req/s", lambda r: r["rps"], ".0f")]
    return bench.table(f"{title}: {connections} connections, {streams} streams each at a time, {n} small requests a window",
                       results, columns)


def works(bench, env):
    """{row: function of (proxy, requests)}: for counting."""
    work = {"tls": lambda s, n: bench.one_window(env, s, port="tls", c=64, n=n, w=4, T=env.pem)}
    for row, (_, connections, streams, tls) in H2.items():
        work[row] = lambda s, n, how=(connections, streams, tls): h2load(bench, s, n, *how)
    return work


def row_edge(bench, env, running):
    n = 1500 if env.quick else 3000
    work = works(bench, env)
    found = {}
    for row in work:
        print(f"\ninstructions: in user space, a request as in `{row}`, by callgrind ({n} and {2 * n} requests)")
        found[row] = bench.count_instructions(env, bench.plain(running, tls=True), n, work[row])
    return found


def rows(bench):
    """{name: function of (env, running)} for bench.py."""
    made = {"full": lambda env, running: row_full(bench, env, running),
            "resumed": lambda env, running: row_resumed(bench, env, running),
            "tls": lambda env, running: row_tls(bench, env, running)}
    for row in H2:
        made[row] = lambda env, running, row=row: row_h2load(bench, env, running, row)
    made["edge"] = lambda env, running: row_edge(bench, env, running)
    return made


def goals(rows):
    """(what, figure, goal, format) for bench.py's verdict."""
    texts = {"tls": "TLS: CPU a keep-alive request, of HAProxy's", "h2": "HTTP/2 over TLS: CPU a request, of HAProxy's",
             "h2-one": "HTTP/2 over TLS, one stream at a time: the same", "h2c": "HTTP/2 in the clear: the same"}
    return [(text, rows[row]["haproxy"]["holdfast_ratio"], GOAL_OF_HAPROXY, ".2f") for row, text in texts.items()
            if rows.get(row, {}).get("haproxy", {}).get("holdfast_ratio")]
