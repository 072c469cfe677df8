"""The admin interface as those see it who look: status, metrics, page, explain; its protocol, and who
is let in. What steers is in test_steering.py."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import CHANGE, Admin, Metrics, address_of, listening, port_of_all
from holdfast import CHECKED, HOST, ROOT, UNCHECKED, Holdfast, Origin, answering, closing, free_port, text_of, wait_until

KEYED = {"keys": ["header:X-Key"]}
TOKEN = "a-token-of-24-characters"


def rows_of(table, macro):
    """The quoted columns of each row of an include/tbl."""
    with open(os.path.join(ROOT, "include", "tbl", table)) as f:
        rows = [re.findall(r'"((?:[^"\\]|\\.)*)"', line) for line in f if line.startswith(macro + "(")]
    return [[re.sub(r"\\(.)", r"\1", text) for text in row] for row in rows]


# ---- status -------------------------------------------------------------------------------------


def test_status_tells_the_node():
    p = Holdfast([Origin("a")], workers=3, top={**listening(), "node": "n1"})
    status = Admin(p).status()
    assert status["node"] == "n1" and status["version"] == "0.1.0" and status["workers"] == 3
    assert status["process"]["pid"] == p.pid and not status["stopping"]
    assert status["process"]["resident_bytes"] > 100000 and status["process"]["descriptors"] > 5
    assert status["config"]["file"] == p.conf_path
    assert status["started"] <= status["config"]["loaded"] <= status["time"]
    assert status["logs"] == {"failover_lost": 0, "access_lost": 0, "followers": 0, "followers_dropped": 0,
                              "events_lost": 0}
    clients = [p.client() for _ in range(4)]
    wait_until(lambda: Admin(p).status()["clients"] == 4, "four clients")
    for c in clients:
        c.close()
    wait_until(lambda: Admin(p).status()["clients"] == 0, "no client")


def test_status_tells_members():
    a, b = Origin("a"), Origin("b", probe=answering(500))
    p = Holdfast([holdfast.member(a, weight=3, zone="east"), b], health=CHECKED, top=listening())
    admin = Admin(p)
    p.wait_event("member_down", member="b")
    wait_until(lambda: admin.member("a")["check"], "a's first check")
    m = admin.member("a")
    assert m["origin"] == text_of(a.address) and m["weight"] == 3 and m["zone"] == "east"
    assert m["state"] == "up" and m["reason"] == "none" and m["order"] is None
    assert m["check"]["well"] and m["check"]["seen"] == f"probe {text_of(a.address)}: well"
    m = admin.member("b")
    assert m["state"] == "down" and m["reason"] == "probe_status" and m["zone"] is None
    assert not m["check"]["well"] and m["check"]["seen"].endswith("status 500")
    assert m["since"] > admin.status()["started"]
    assert admin.service()["pool"] == p.wait_event("member_down", member="b")["pool"]


def test_status_counts_requests():
    """As the access log has them."""
    a = Origin("a")
    p = Holdfast([a, Origin("b", closing)], session=KEYED, passive={"enabled": False}, top=listening())
    admin = Admin(p)
    with p.client() as c:
        for n in range(20):
            c.get(f"/{n}", fields=[("X-Key", f"k{n}")])
        c.request("POST", "/p", fields=[("X-Key", "k0")], body=b"12345")
    assert p.once("/none", host="", version="1.0").status == 200
    assert p.client().exchange(b"BAD\r\n\r\n").status == 400
    done = wait_until(lambda: len(p.requests()) == 23 and p.requests(), "all in the log")
    service = admin.service()["requests"]
    status = admin.status()
    causes = {}
    for e in done:
        if e["service"]:
            causes[e["cause"]] = causes.get(e["cause"], 0) + 1
    assert service["by_cause"] == causes and service["total"] == 22
    assert status["unrouted"]["by_cause"] == {"client_bad_request": 1}
    assert status["unrouted"]["by_status"]["4xx"] == 1
    routed = [e for e in done if e["service"]]
    assert service["by_status"]["2xx"] == sum(e["status"] == 200 for e in routed)
    assert service["bytes_in"] == 5 and service["bytes_out"] == sum(e["bytes"] for e in routed)
    assert service["retries"] == sum(e["attempts"] - 1 for e in routed) > 0
    for outcome, count in service["by_affinity"].items():
        assert count == sum(e["affinity"] == outcome for e in routed), outcome
    members = {m["id"]: m for m in admin.service()["members"]}
    assert members["a"]["attempts"] == len(a.requests) and members["a"]["failures"] == 0
    assert members["b"]["failures"] == members["b"]["attempts"] > 0
    assert members["a"]["active"] == members["b"]["active"] == 0
    assert service["mean_ms"] > 0


def test_status_counts_rejected_tags():
    p = Holdfast([Origin("a")], top=listening())
    for value in ("x", "y" * 68):
        p.once(fields=[("Cookie", f"HOLDFAST={value}")])
    assert sum(Admin(p).service()["requests"]["tags_rejected"].values()) == 2


# ---- metrics ------------------------------------------------------------------------------------


def test_metrics_are_strict_and_whole():
    """Every family of the table, none besides; members of a service that is down; a log that is off."""
    p = Holdfast([Origin("a"), Origin("b", start=False)], health=CHECKED, workers=2,
                 top={**listening(), "node": "n1"})
    p.once()
    p.wait_event("member_down", member="b")
    Admin(p).wait_total(1)
    wait_until(lambda: all(m["check"] for m in Admin(p).service()["members"]), "both were checked")
    m = Admin(p).metrics()
    families = {name: (type, help) for name, type, help in rows_of("metrics.h", "METRIC")}
    assert m.types == {n: t for n, (t, _) in families.items()}
    assert m.helps == {n: h for n, (_, h) in families.items()}
    sampled = {re.sub("_(bucket|sum|count)$", "", n) if "duration" in n else n for n, _ in m.samples}
    clustered = {n for n in families if n.startswith(("holdfast_cluster_", "holdfast_name_"))} | {"holdfast_hops_total"}
    assert sampled == set(families) - clustered, set(families) - sampled ^ clustered
    assert m.value("holdfast_info", node="n1", version="0.1.0") == 1
    assert m.value("holdfast_workers") == 2 and m.value("holdfast_uptime_seconds") > 0
    assert m.value("holdfast_member_state", service="shop", member="a") == 0
    assert m.value("holdfast_member_state", service="shop", member="b") == 3
    assert m.value("holdfast_member_operational", member="b") == 0
    assert m.value("holdfast_member_check_well", member="b") == 0
    states = [r[0] for r in rows_of("member_states.h", "MEMBER_STATE")]
    assert families["holdfast_member_state"][1] == ", ".join(f"{n} {s}" for n, s in enumerate(states)) + "."
    causes = [r[0] for r in rows_of("causes.h", "CAUSE")]
    assert [l["cause"] for l, _ in m.all("holdfast_requests_total", service="shop")] == sorted(causes, key=causes.index)


def test_metrics_agree_with_the_status():
    p = Holdfast([Origin(i) for i in "abc"], session=KEYED, top=listening())
    admin = Admin(p)
    with p.client() as c:
        for n in range(30):
            c.get(fields=[("X-Key", f"k{n}")])
    admin.wait_total(30)
    m, s = admin.metrics(), admin.service()
    assert m.value("holdfast_requests_total", service="shop", cause="done") == 30
    assert m.value("holdfast_responses_total", service="shop", **{"class": "2xx"}) == 30
    assert m.value("holdfast_requests_by_affinity_total", service="shop", affinity="new") == 30
    assert m.total("holdfast_request_duration_seconds_count", service="shop", affinity="new", cause="done") == 30
    assert m.total("holdfast_request_duration_seconds_count") == 30
    assert 0 < m.total("holdfast_request_duration_seconds_sum", service="shop") < 30
    assert m.value("holdfast_response_body_bytes_total", service="shop") == s["requests"]["bytes_out"]
    assert m.total("holdfast_member_attempts_total", service="shop") == 30
    assert m.value("holdfast_pool_info", service="shop", pool=s["pool"]) == 1


def test_counters_never_go_down():
    p = Holdfast([Origin(i) for i in "ab"], workers=2, top=listening())
    admin = Admin(p)
    before = admin.metrics()
    load = holdfast.Load(p, clients=4)
    for _ in range(10):
        load.wait_more(20)
        now = admin.metrics()
        for key, value in before.samples.items():
            family = re.sub("_(bucket|sum|count)$", "", key[0])
            if now.types.get(key[0], now.types.get(family)) in ("counter", "histogram"):
                assert now.samples[key] >= value, key
        before = now
    load.stop()
    assert not load.failures()


def test_the_reader_of_metrics_is_strict():
    """What this test's reader would not notice proves nothing."""
    good = '# HELP a_total x\n# TYPE a_total counter\na_total{l="v"} 1\n'
    assert Metrics(good).value("a_total", l="v") == 1
    for bad in (good[:-1], good + good, good.replace("a_total{", "b_total{"), good.replace("_total", ""),
                good.replace(" 1\n", " one\n"), good.replace(" 1\n", " -1\n"), good.replace('"v"', "v"),
                good.replace('"v"', '"\\v"'), good.replace('l="v"', 'l="v",l="w"'), good + 'a_total{l="v"} 2\n',
                good.replace("# TYPE a_total counter\n", "")):
        try:
            Metrics(bad)
        except AssertionError:
            continue
        raise AssertionError(f"taken: {bad!r}")


def test_hops_are_counted():
    """Two nodes, each beside its member; what the other handed over, and what only says so."""
    secret = os.path.join(holdfast.folder(), "secret")
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4)
    os.chmod(secret, 0o600)
    at = {i: (re.sub(r"^127\.\d+", f"127.{100 + n}", HOST), free_port()) for n, i in enumerate("ab")}
    members = [holdfast.member(Origin(i), node=text_of(at[i])) for i in "ab"]
    nodes = {i: Holdfast(members, session=KEYED, address=at[i],
                         top={**listening(), "node": i, "secrets": [{"id": "k1", "file": secret}],
                              "cluster": {"name": "mesh", "nodes": [{"id": j, "http": text_of(at[j])} for j in "ab"]}})
             for i in "ab"}
    for n in range(20):
        assert nodes["a"].once(fields=[("X-Key", f"k{n}")]).status == 200
    nodes["b"].once(fields=[("X-Key", "k0"), ("Holdfast-Hop", "v1; forged")])
    admin = Admin(nodes["b"])
    hops = wait_until(lambda: (lambda h: h if h["malformed"] else None)(admin.status()["hops"]), "hops are counted")
    routed = sum(admin.service()["requests"]["by_cause"].values())
    assert 0 < hops["good"] < 21 and hops["malformed"] == 1 and hops["bad_mac"] == 0 and routed >= hops["good"]
    assert admin.metrics().value("holdfast_hops_total", found="good") == hops["good"]
    assert not admin.metrics().all("holdfast_hops_total", found="none")


def test_crowded_addresses_are_counted():
    p = Holdfast([Origin("a")], top={**listening(), "limits": {"connections_per_address": 2}})

    def two():
        clients = [p.client() for _ in range(2)]
        try:
            return clients if all(c.get().status == 200 for c in clients) else None
        except (holdfast.Ended, OSError):
            for c in clients:
                c.close()
            return None

    clients = wait_until(two, "the connection that found it listening counts no more, and two are taken")
    for _ in range(3):
        p.client().is_ended()
    assert Admin(p).status()["crowded"] >= 3
    assert Admin(p).metrics().value("holdfast_client_connections_crowded_total") >= 3


# ---- page ---------------------------------------------------------------------------------------


def policy_of(answer):
    """Its Content-Security-Policy, and the nonce that is its only way in."""
    policy = answer.fields.get("Content-Security-Policy")
    nonce = re.search(r"style-src 'nonce-([\w-]{22})'", policy)[1]
    assert policy.startswith("default-src 'none';") and "frame-ancestors 'none'" in policy
    assert f"script-src 'nonce-{nonce}';" in policy and "connect-src 'self';" in policy and "unsafe" not in policy
    return policy, nonce


def test_page_stands_alone_and_is_guarded():
    p = Holdfast([Origin("a"), Origin("b", start=False)], health=CHECKED, top={**listening(), "node": "n1"})
    p.wait_event("member_down", member="b")
    r = Admin(p).get("/")
    page = r.body.decode("utf-8")
    assert r.status == 200 and r.fields.get("Content-Type") == "text/html; charset=utf-8"
    _, nonce = policy_of(r)
    assert re.findall(r'<style nonce="([\w-]+)"', page) == [nonce] == re.findall(r'<script nonce="([\w-]+)"', page)
    assert page.count("<script") == 1 and "http://" not in page and "https://" not in page
    assert " style=" not in page and not re.search(r"\son\w+=", page.split("<script")[0])
    assert "innerHTML" not in page, "what comes from traffic becomes text"
    assert re.search(r"<td>b</td>.*class=down>down</td>", page) and "Holdfast n1" in page, "also without scripts"
    assert nonce not in Admin(p).get("/").body.decode("utf-8"), "another one each time"
    assert r.fields.get("X-Frame-Options") == "DENY" and r.fields.get("X-Content-Type-Options") == "nosniff"


def test_page_asks_for_the_token_and_tells_nothing_before():
    p = Holdfast([Origin("secret-member")], top={"node": "n1", **listening(token="0123456789abcdef")})
    r = Admin(p).get("/")
    page = r.body.decode("utf-8")
    assert r.status == 401 and r.fields.get("WWW-Authenticate", "").startswith("Bearer")
    policy_of(r)
    assert "data-token=wanted" in page and "secret-member" not in page and "n1" not in page.split("<script")[0]
    wrong = Admin(p, token="fedcba9876543210").get("/")
    assert wrong.status == 401 and b"<script" not in wrong.body
    right = Admin(p, token="0123456789abcdef").get("/")
    assert right.status == 200 and b"secret-member" in right.body


def test_page_escapes_a_path():
    """A configuration's file may be called anything."""
    p = Holdfast([Origin("a")], top=listening(), start=False)
    odd = os.path.join(os.path.dirname(p.conf_path), "<b>&\"'.conf")
    os.rename(p.conf_path, odd)
    p.conf_path = odd
    p.start()
    page = Admin(p).get("/").body.decode("utf-8")
    assert "<b>" not in page and "&lt;b&gt;&amp;&quot;&#39;.conf" in page
    assert Admin(p).status()["config"]["file"] == odd


# ---- explain ------------------------------------------------------------------------------------


def test_explain_is_what_the_command_says():
    p = Holdfast([Origin(i) for i in "abcd"], session=KEYED, top=listening())
    admin = Admin(p)
    for key, coded in (("alice", "alice"), ("a b&c=%/ü", "a+b%26c%3D%25%2f%C3%BC")):
        status, out, err = holdfast.holdfast("explain", "-c", p.conf_path, "--json", key)
        assert status == 0, err
        assert admin.json(f"/explain?key={coded}") == json.loads(out)
        first = json.loads(out)["chosen"]
        status, out, _ = holdfast.holdfast("explain", "-c", p.conf_path, "--json", "--down", first, key)
        assert admin.json(f"/explain?service=shop&down={first}&key={coded}") == json.loads(out)
        digest = json.loads(out)["digest"]
        by_digest = admin.json(f"/explain?digest={digest}&primary=b&last=c")
        status, out, _ = holdfast.holdfast("explain", "-c", p.conf_path, "--json", "--primary", "b", "--last", "c",
                                           "--digest", digest)
        assert by_digest == json.loads(out)
    assert admin.get("/explain?key=alice").json["chosen"] == p.once(fields=[("X-Key", "alice")]).id


def test_explain_goes_by_who_is_up_now():
    p = Holdfast([Origin(i) for i in "ab"], session=KEYED, health=CHECKED, top=listening())
    admin = Admin(p)
    first = admin.json("/explain?key=alice")["chosen"]
    admin.post(f"/members/{first}/maint")
    e = admin.json("/explain?key=alice")
    assert e["chosen"] != first and e["skipped"] == [{"member": first, "why": "maint"}]


def test_explain_refuses():
    services = [{"name": n, "hosts": [f"{n}.example"], "health": UNCHECKED, "members": [holdfast.member(Origin("a"))]}
                for n in ("s1", "s2")]
    p = Holdfast([], services=services, top=listening())
    admin = Admin(p)
    for target, status in (("/explain?service=s1", 400), ("/explain?key=a", 400), ("/explain?service=s3&key=a", 404),
                           ("/explain?service=s1&key=a&down=z", 404), ("/explain?service=s1&key=%4", 400),
                           ("/explain?service=s1&key=%zz", 400), ("/explain?service=s1&digest=12", 400),
                           ("/explain?service=s1&key=a&digest=" + "0" * 32, 400),
                           ("/explain?service=s1&key=a&primary=z", 404), ("/explain?service=s1&key=" + "a" * 4097, 400),
                           ("/explain", 400)):
        r = admin.get(target)
        assert r.status == status and r.json["error"], (target, r.head, r.body)
    assert admin.get("/explain?service=s2&key=" + "a" * 4096).status == 200


# ---- protocol -----------------------------------------------------------------------------------


def test_routes():
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    assert admin.json("/health") == {"status": "ok"}
    for target in ("/nope", "/status/", "//status", "/members", "/members/a", "/members//drain", "/members/a/b/drain"):
        assert admin.get(target).status == 404, target
        assert admin.request("POST", target, fields=[CHANGE]).status == 404, target
    for target in ("/", "/status", "/metrics", "/events", "/explain", "/health"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
            r = admin.request(method, target, fields=[CHANGE])
            assert r.status == 405 and r.fields.get("Allow") == "GET, HEAD", (method, target, r.head)
    for target in ("/reload", "/members/a/drain", "/members/a/undrain", "/members/a/maint", "/members/a/up"):
        for method in ("GET", "HEAD", "PUT", "OPTIONS"):
            r = admin.request(method, target, fields=[CHANGE])
            assert r.status == 405 and r.fields.get("Allow") == "POST", (method, target, r.head)
            assert not [n for n, _ in r.fields if n.lower().startswith("access-control-")]
    assert admin.member("a")["order"] is None
    assert admin.get(f"http://{text_of(admin.address)}/health").status == 200


def test_head_is_get_without_a_body():
    p = Holdfast([Origin("a")], top=listening())
    with Admin(p).client() as c:
        for target in ("/health", "/status", "/metrics", "/", "/events"):
            r = c.request("HEAD", target)
            assert r.status == 200 and r.body == b"", target
            length = r.fields.get("Content-Length")
            assert (length is None) == (target == "/events"), "what has no end has no length"
        assert c.get("/health").body == b'{"status":"ok"}\n'


def test_a_connection_is_kept_and_pipelined():
    p = Holdfast([Origin("a")], top=listening())
    with Admin(p).client() as c:
        one = c.request_bytes("GET", "/health")
        c.send(one * 50 + c.request_bytes("GET", "/status"))
        for _ in range(50):
            assert c.response().json == {"status": "ok"}
        assert c.response().json["services"]
        c.send(b"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody" + one)
        assert c.response().status == 405 and c.response().status == 200
        assert c.request(fields=[("Connection", "close")], target="/health").closes
        assert c.is_ended()
    with Admin(p).client() as c:
        r = c.get("/health", version="1.0")
        assert r.status == 200 and c.is_ended()


def test_a_request_in_pieces():
    p = Holdfast([Origin("a")], top=listening())
    with Admin(p).client() as c:
        for byte in b"POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nxy":
            c.send(bytes([byte]))
        assert c.response().status == 403
    with Admin(p).client() as c:
        c.send(b"POST /reload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert c.head().status == 100
        c.send(b"xy")
        assert c.response().status == 403


def test_what_is_too_large_or_malformed():
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)

    def status(data):
        with admin.client() as c:
            c.send(data)
            r = c.response()
            assert r.closes and r.json["error"], r.head
            assert c.is_ended()
            return r.status
    host = b"Host: localhost\r\n"
    assert status(b"GET /health HTTP/1.1\r\n" + host + b"X: " + b"a" * 17000 + b"\r\n\r\n") == 431
    assert status(b"GET /health HTTP/1.1\r\n" + host + b"X: a\r\n" * 200 + b"\r\n") == 431
    assert status(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + host + b"\r\n") == 414
    assert status(b"POST /reload HTTP/1.1\r\n" + host + b"Content-Length: 4097\r\n\r\n") == 413
    assert status(b"POST /reload HTTP/1.1\r\n" + host + b"Content-Length: 99999999999999\r\n\r\n" + b"x" * 99999) == 413
    assert status(b"POST /reload HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 411
    assert status(b"GET /health HTTP/1.1\r\n\r\n") == 400
    assert status(b"GET /health HTTP/1.1\r\n" + host + host + b"\r\n") == 400
    assert status(b"GET /health HTTP/1.1\n" + host + b"\n") == 400
    assert status(b"GET /health HTTP/2.0\r\n" + host + b"\r\n") == 505
    assert status(b"nonsense\r\n\r\n") == 400
    assert admin.get("/health").status == 200


def test_many_connections_that_ask_nothing():
    """There is room for who asks: those that say nothing go first."""
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    before = p.descriptors()
    idle = [admin.client() for _ in range(200)]
    for _ in range(3):
        assert admin.get("/health").status == 200
    assert p.descriptors() - before <= 128 + 6
    ended = sum(c.is_ended(0.01) for c in idle)
    assert ended >= 200 - 128  # ADMIN_CONNECTIONS_MAX
    assert admin.get("/health").status == 200


def test_none_without_its_address():
    p = Holdfast([Origin("a")])
    assert p.once().status == 200
    q = Holdfast([Origin("a")], top=listening())
    address = address_of(q)
    assert holdfast.is_listening(address)
    q.stop()
    assert not holdfast.is_listening(address)


def test_an_address_in_use_is_said():
    p = Holdfast([Origin("a")], top=listening())
    q = Holdfast([Origin("a")], top=listening(address_of(p)), start=False)
    try:
        q.start()
    except AssertionError as e:
        assert f"admin: listen on {text_of(address_of(p))}: Address already in use" in str(e)
        q.expected_exit = 1
        return
    raise AssertionError("two admin interfaces on one address")


def test_health_says_when_it_stops():
    p = Holdfast([Origin("a", holdfast.silent)], top=listening())
    admin = Admin(p)
    with p.client() as c:
        c.send(c.request_bytes())
        wait_until(lambda: admin.member("a")["active"] == 1, "a request is under way")
        p.signal(holdfast.signal.SIGTERM)
        r = wait_until(lambda: (lambda r: r if r.status == 503 else None)(admin.get("/health")), "it says so")
        assert r.json == {"status": "stopping"} and admin.status()["stopping"]
        assert admin.request("POST", "/reload", fields=[CHANGE]).status == 503
        p.signal(holdfast.signal.SIGQUIT)
        p.wait()


# ---- who is let in ------------------------------------------------------------------------------


def test_hosts():
    """Names that somebody could point at this address get nothing, whatever they ask."""
    p = Holdfast([Origin("a")], top=listening(hosts=["Admin.Internal.Example"]))
    admin = Admin(p)
    port = admin.address[1]
    for host in ("127.0.0.1", f"127.0.0.1:{port}", "localhost", f"LocalHost:{port}", "[::1]", "[::1]:80",
                 "192.0.2.7:1", "admin.internal.example", "ADMIN.internal.EXAMPLE:8081"):
        assert admin.get("/health", host=host).status == 200, host
        assert admin.request("POST", "/members/a/up", fields=[CHANGE], host=host).status == 200, host
    for host in ("evil.example", f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example",
                 "internal.example", "x.admin.internal.example", "a", "2130706433", "0x7f.1"):
        for method, target in (("GET", "/health"), ("GET", "/status"), ("POST", "/members/a/drain"), ("GET", "/nope")):
            r = admin.request(method, target, fields=[CHANGE], host=host)
            assert r.status == 403 and "Host" in r.json["error"], (host, target, r.head)
    assert admin.get("/health", host="", version="1.0").status == 403
    assert admin.get("http://evil.example/health").status == 403
    assert admin.member("a")["order"] is None


def test_origins():
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    own = text_of(admin.address)
    for origin in (f"http://{own}", f"https://{own}"):
        assert admin.request("POST", "/members/a/up", fields=[CHANGE, ("Origin", origin)]).status == 200, origin
    for origin in ("http://evil.example", "null", "http://127.0.0.1", f"http://{own}.evil.example", own, "",
                   f"ftp://{own}", f"http://{own}/"):
        for method, target in (("GET", "/status"), ("POST", "/members/a/drain")):
            r = admin.request(method, target, fields=[CHANGE, ("Origin", origin)])
            assert r.status == 403 and "origin" in r.json["error"], (origin, target, r.head)
    r = admin.request("GET", "/health", fields=[("Origin", f"http://{own}"), ("Origin", "http://evil.example")])
    assert r.status == 403
    assert admin.member("a")["order"] is None


def test_a_form_changes_nothing():
    """What a browser sends across sites without asking: no field of its own, no bearer token."""
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    for fields in ([], [("Content-Type", "application/x-www-form-urlencoded")], [("Content-Type", "text/plain")],
                   [("Holdfast-Admin", "0")], [("Holdfast-Admin", "")], [("Holdfast-Admin", "1"), ("Holdfast-Admin", "1")],
                   [("Cookie", "Holdfast-Admin=1")], [("Authorization", "Bearer anything")]):
        for target in ("/members/a/drain", "/members/a/maint", "/reload"):
            r = admin.request("POST", target, fields=fields, body=b"Holdfast-Admin: 1")
            assert r.status == 403 and "Holdfast-Admin: 1" in r.json["error"], (fields, r.head)
    r = admin.request("OPTIONS", "/members/a/drain", fields=[
        ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "holdfast-admin")])
    assert r.status == 405 and not [n for n, _ in r.fields if n.lower().startswith("access-control-")]
    assert admin.member("a")["order"] is None and not p.events("reload")


def test_a_token_is_wanted_of_everyone():
    p = Holdfast([Origin("a")], top=listening(token=TOKEN))
    nobody, admin = Admin(p), Admin(p, TOKEN)
    for target in ("/", "/status", "/metrics", "/events", "/explain?key=a", "/health", "/nope"):
        r = nobody.get(target)
        assert r.status == 401 and r.fields.get("WWW-Authenticate") == 'Bearer realm="holdfast"', (target, r.head)
        assert TOKEN.encode() not in r.head + r.body
    assert nobody.request("POST", "/members/a/drain", fields=[CHANGE]).status == 401
    for value in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer ",
                  f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN.upper()}"):
        assert nobody.get("/health", fields=[("Authorization", value)]).status == 401, value
    twice = [("Authorization", f"Bearer {TOKEN}")] * 2
    assert nobody.get("/health", fields=twice).status == 401
    for value in (f"bearer {TOKEN}", f"BEARER   {TOKEN} "):
        assert nobody.get("/health", fields=[("Authorization", value)]).status == 200, value
    assert admin.get("/health").status == 200 and admin.member("a")["order"] is None
    assert admin.request("POST", "/members/a/drain").json["order"] == "drain", "the token is enough for a change"
    assert admin.get("/health", host="evil.example").status == 403, "and no excuse for a foreign name"


def test_a_token_from_a_file():
    path = os.path.join(holdfast.folder(), "token")
    with open(path, "w") as f:
        f.write(TOKEN + "\n")
    os.chmod(path, 0o600)
    p = Holdfast([Origin("a")], top=listening(token_file=path))
    assert Admin(p).get("/health").status == 401
    assert Admin(p, TOKEN).get("/health").status == 200
    with open(path, "w") as f:
        f.write("another-token-of-30-characters\n")
    Admin(p, TOKEN).post("/reload")
    assert Admin(p, TOKEN).get("/health").status == 401, "a reload reads it anew"
    assert Admin(p, "another-token-of-30-characters").get("/health").status == 200
    os.chmod(path, 0o644)
    r = Admin(p, "another-token-of-30-characters").request("POST", "/reload")
    assert r.status == 422 and "admin.token_file" in r.json["error"]


def test_beyond_loopback_a_token_is_a_must():
    port = port_of_all()
    p = Holdfast([Origin("a")], top=listening(("0.0.0.0", port)), start=False)
    status, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert status == 2 and "beyond loopback the admin interface needs admin.token" in err
    q = Holdfast([Origin("a")], top=listening(("0.0.0.0", port), token=TOKEN))
    with holdfast.Client((HOST, port)) as c:
        assert c.get("/health").status == 401
        assert c.get("/health", fields=[("Authorization", f"Bearer {TOKEN}")]).status == 200
    q.stop()


def test_proxied_requests_do_not_reach_it():
    """An admin address that is a member's would be open to every client."""
    address = (HOST, free_port())
    p = Holdfast([("a", address)], top=listening(address), start=False)
    status, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert status == 2 and "this is services[0].members[0]: clients would reach it" in err
    q = Holdfast([Origin("a")], top=listening(p.address), address=p.address, start=False)
    status, _, err = holdfast.holdfast("check", "-c", q.conf_path)
    assert status == 2 and "this is listeners[0]" in err


if __name__ == "__main__":
    holdfast.main()
