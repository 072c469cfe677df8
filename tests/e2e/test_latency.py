"""Histograms of how long requests took, by member, affinity and cause, compared with a load that is known."""

import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import Admin, listening
from holdfast import Holdfast, Origin, answer_json, wait_until

KEYED = {"keys": ["header:X-Key"], "tag": {"cookie": "HF"}}
FAMILY = "holdfast_request_duration_seconds"
SLOW_S = 0.3


def slowly(connection, request):
    time.sleep(SLOW_S)
    answer_json(connection, request)


def count(m, **labels):
    return m.total(FAMILY + "_count", **labels)


def below(m, bound_s, **labels):
    """Requests at or below the largest bound that is not above bound_s."""
    bounds = {labels_of["le"] for labels_of, _ in m.all(FAMILY + "_bucket", **labels)} - {"+Inf"}
    bound = max((b for b in bounds if float(b) <= bound_s), key=float)
    return m.total(FAMILY + "_bucket", le=bound, **labels)


def home_of(p, key):
    return p.once(fields=[("X-Key", key)]).id


def keys_by_home(p, count_of):
    """count_of keys for each member."""
    keys = {}
    for n in range(1000):
        keys.setdefault(home_of(p, f"k{n}"), []).append(f"k{n}")
        if len(keys) == 2 and all(len(k) >= count_of for k in keys.values()):
            return {id: k[:count_of] for id, k in keys.items()}
    raise AssertionError("no keys")


def test_a_slow_member_is_seen_in_its_own_histogram():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, top=listening(), workers=2)
    admin = Admin(p)
    keys = keys_by_home(p, 5)
    total = admin.service()["requests"]["total"]
    wait_until(lambda: admin.service()["requests"]["total"] == len(a.requests) + len(b.requests), "all are counted")
    before = admin.metrics()
    a.behave = slowly
    for id in "ab":
        for key in keys[id]:
            assert home_of(p, key) == id
    admin.wait_total(int(count(before)) + 10)
    m = admin.metrics()
    assert total <= count(before) and count(m, service="shop", cause="done") == count(m)
    for id in "ab":
        assert count(m, member=id, cause="done") - count(before, member=id) == 5
    # What sleeps for 300 ms is in no bucket below, and in the sum whole.
    assert below(m, SLOW_S, member="a") == below(before, SLOW_S, member="a")
    slept = m.total(FAMILY + "_sum", member="a") - before.total(FAMILY + "_sum", member="a")
    assert slept >= 5 * SLOW_S
    assert below(m, 60, member="a") - below(before, 60, member="a") == 5
    wait_until(lambda: len(p.requests()) == count(m), "all lines are written")
    seen = sum(r["duration_ms"] for r in p.requests()) / 1000
    assert abs(m.total(FAMILY + "_sum") - seen) < 0.001, "the access log says the same"
    mean = admin.service()["requests"]["mean_ms"]
    assert abs(mean - 1000 * m.total(FAMILY + "_sum") / count(m)) < 0.01


def test_kinds_are_told_apart_over_a_failover():
    """new, hit and failover; a request that no member answered, one that nobody is left for, one without a service."""
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, top=listening(), service={"hosts": ["shop.example"], "attempts_max": 2},
                 passive={"retry": "1h"}, timeouts={"first_byte": "200ms"})
    admin = Admin(p)

    def ask(key, **more):
        return p.once(fields=[("X-Key", key)] + more.pop("fields", []), host="shop.example", **more)
    first = ask("k")
    home, other = (a, b) if first.id == "a" else (b, a)
    tag = [("Cookie", f"HF={first.cookies['HF']}")] if isinstance(first.cookies, dict) else [
        ("Cookie", c.split(";")[0]) for c in first.fields.all("Set-Cookie")]
    assert ask("k", fields=tag).id == home.id
    home.go()
    assert ask("k", fields=tag).id == other.id
    other.behave = holdfast.silent
    assert ask("k", fields=tag, method="POST", body=b"x").status == 504
    other.go()
    assert ask("k", fields=tag).status == 503
    assert p.once().status == 404
    admin.wait_total(5)
    m = admin.metrics()
    kinds = {(l["service"], l["member"], l["affinity"], l["cause"]): v for l, v in m.all(FAMILY + "_count")}
    assert kinds.pop(("shop", home.id, "new", "done")) == 1
    assert kinds.pop(("shop", home.id, "hit", "done")) == 1
    assert kinds.pop(("shop", other.id, "failover", "done")) == 1
    late = [k for k in kinds if k[3] == "member_first_byte"]
    assert [k[1] for k in late] == [other.id] and kinds.pop(late[0]) == 1
    assert m.total(FAMILY + "_sum", cause="member_first_byte") >= 0.2
    nobody = [k for k in kinds if k[3] == "no_live_member"]
    assert len(nobody) == 1 and kinds.pop(nobody[0]) == 1
    assert kinds.pop(("-", "-", "none", "no_service")) == 1
    assert not kinds, kinds
    by_cause = {l["cause"]: v for l, v in m.all("holdfast_requests_total", service="shop") if v > 0}
    for cause, requests in by_cause.items():
        assert count(m, service="shop", cause=cause) == requests, cause


def test_histograms_outlive_reloads():
    a, b, c = Origin("a"), Origin("b"), Origin("c")
    p = Holdfast([a, b], session=KEYED, top=listening())
    admin = Admin(p)
    for n in range(20):
        home_of(p, f"k{n}")
    admin.wait_total(20)
    before = admin.metrics()
    with open(p.conf_path) as f:
        text = f.read()
    with open(p.conf_path, "w") as f:
        f.write(text.replace('id = "b"', 'weight = 2; id = "b"'))
    admin.post("/reload")
    after = admin.metrics()
    for (name, labels), value in before.samples.items():
        if name.startswith(FAMILY):
            assert after.samples[name, labels] == value, (name, labels)
    home_of(p, "k0")
    admin.wait_total(21)
    assert count(admin.metrics()) == 21
    assert c.requests == []


def test_promtool_finds_no_fault():
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing (Debian: prometheus)"
    p = Holdfast([Origin("a"), Origin("b", start=False)], session=KEYED, top=listening())
    for n in range(4):
        home_of(p, f"k{n}")
    text = Admin(p).get("/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=holdfast.WAIT_S)
    assert done.returncode == 0 and done.stderr + done.stdout == b"", done.stderr


if __name__ == "__main__":
    holdfast.main()
