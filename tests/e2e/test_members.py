"""Members that come and go, as an operator sees it: slow start, weights that members say, fast
re-checks, what an outage cost, and the history of checks and states."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from admin import Admin, address_of, listening
from holdfast import CHECKED, Holdfast, Origin, closing, libconfig, text_of, wait_until

KEYED = {"keys": ["header:X-Key"]}
QUICK = {**CHECKED, "interval": "30ms"}


def order_of(key, ids="ab"):
    return ordering.order(ids, ordering.digest(key))


def key_of(id, ids="ab"):
    """A key whose home is there."""
    return next(k for k in (f"k{n}" for n in range(1000)) if order_of(k, ids)[0] == id)


def saying_weight(text, status=200):
    """A health answer with this weight; None: without the field."""
    def probe(connection, request):
        connection.answer(status, b"ok", [("Holdfast-Weight", text)] if text is not None else [])
    return probe


def rewrite(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def fresh(p, count):
    """Members that so many clients without a key or tag are sent to."""
    return [p.once().id for _ in range(count)]


def asks(p, key):
    return p.once(fields=[("X-Key", key)])


def wait_share(admin, id, share):
    wait_until(lambda: admin.member(id)["share"] == share, f"{id} has the share {share}")


def die_and_return(p, origin):
    ups = len(p.events("member_up", member=origin.id))
    downs = len(p.events("member_down", member=origin.id))
    origin.go()
    p.wait_event("member_down", count=downs + 1, member=origin.id)
    origin.come_back()
    p.wait_event("member_up", count=ups + 1, member=origin.id)


# ---- slow start ----------------------------------------------------------------------------------


def test_slow_start_gives_few_new_sessions_and_all_old_ones():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session={**KEYED, "failback": "return"}, health={**QUICK, "slow_start": "5m"}, workers=2,
                 top=listening())
    admin = Admin(p)
    homes = [p.browser() for _ in range(8)]
    at_a = [h for h in homes if h.get().id == "a"]
    key = key_of("a", "ab")
    assert admin.member("a")["share"] == 1 and admin.member("a")["health"]["slow_start_left_ms"] == 0, "not at the start"
    die_and_return(p, a)
    m = admin.member("a")
    assert m["state"] == "up" and m["share"] == 0.1 and m["weight"] == 1, m
    assert 0 < m["health"]["slow_start_left_ms"] <= 300000
    assert admin.metrics().value("holdfast_member_share", service="shop", member="a") == 0.1
    assert admin.metrics().value("holdfast_member_slow_start_seconds", service="shop", member="a") > 0
    assert admin.member("b")["share"] == 1
    went = fresh(p, 66)
    assert went.count("a") < 22, f"{went.count('a')} of 66, not about 6"
    assert all(asks(p, key).id == "a" for _ in range(5)), "the ordering knows of no slow start"
    assert all(h.get().id == "a" for h in at_a for _ in range(3)), "who lives there goes there at once"
    pool = admin.service()["pool"]
    p.signal(holdfast.signal.SIGHUP)
    p.wait_event("reload")
    assert admin.member("a")["share"] < 1 and admin.service()["pool"] == pool, "a reload does not end it"


def test_slow_start_in_turn_and_its_end():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session={"assign": "round_robin"}, health={**QUICK, "slow_start": "1s"}, top=listening())
    admin = Admin(p)
    die_and_return(p, a)
    seen = set()

    def over():
        seen.add(admin.member("a")["share"])
        return 1 in seen
    wait_until(over, "the slow start ends")
    assert seen <= {n / 10 for n in range(1, 11)} and len(seen) > 1, seen
    assert sorted(fresh(p, 40)) == ["a"] * 20 + ["b"] * 20


def test_maintenance_ends_in_a_slow_start_too():
    p = Holdfast([Origin("a"), Origin("b")], health={**QUICK, "slow_start": "5m"}, top=listening())
    admin = Admin(p)
    for order in ("drain", "undrain"):
        admin.post(f"/members/a/{order}")
    assert admin.member("a")["share"] == 1, "who drained was there all the time"
    for order in ("maint", "up"):
        admin.post(f"/members/a/{order}")
    assert admin.member("a")["share"] == 0.1
    rewritten = p.conf["services"][0]["health"]
    del rewritten["slow_start"]
    rewrite(p)
    admin.post("/reload")
    assert admin.member("a")["share"] == 1, "there is none any more"


# ---- weights that members say --------------------------------------------------------------------


def test_a_member_says_its_weight():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([holdfast.member(a, weight=4), holdfast.member(b, weight=4)], session=KEYED, health=QUICK,
                 top=listening(), level="debug")
    admin = Admin(p)
    key = key_of("a", "ab")
    for text, share in (("50%", 2), ("1", 1), ("200%", 8), ("100%", 4), ("0", 0)):
        a.probe = saying_weight(text)
        wait_share(admin, "a", share)
        assert admin.member("a")["health"]["weight"] == (text if text != "100%" else None)
        assert admin.member("a")["weight"] == 4 and admin.member("a")["state"] == "up"
        assert asks(p, key).id == "a", "the ordering is of the configuration alone"
    assert fresh(p, 20) == ["b"] * 20, "0: no new sessions"
    assert admin.metrics().value("holdfast_member_share", service="shop", member="a") == 0
    wait_until(lambda: "member a takes no new sessions (Holdfast-Weight: 0)" in p.stderr, "it is said")
    admin.post("/reload")
    assert admin.member("a")["share"] == 0 and fresh(p, 5) == ["b"] * 5, "a reload keeps it"
    b.probe = saying_weight("0%")
    wait_share(admin, "b", 0)
    assert set(fresh(p, 60)) == {"a", "b"}, "nobody wants them: somebody gets them"
    a.probe = saying_weight(None)
    wait_share(admin, "a", 4)
    wait_until(lambda: "member a takes new sessions again" in p.stderr, "that is said as well")
    assert fresh(p, 10) == ["a"] * 10
    assert not p.events("member_down") and not p.events("member_up")


def test_weights_that_are_none():
    a = Origin("a", probe=saying_weight("25%"))
    p = Holdfast([a, Origin("b")], health=QUICK, top=listening())
    admin = Admin(p)
    wait_share(admin, "a", 0.25)
    for text in ("lots", "-1", "65536", "1001%", "", "50%, 60%", "1.5"):
        before = admin.member("a")["health"]["weights_refused"]
        a.probe = saying_weight(text)
        wait_until(lambda: admin.member("a")["health"]["weights_refused"] > before + 1, f"{text} is counted")
        assert admin.member("a")["share"] == 0.25 and admin.member("a")["state"] == "up", text
    assert admin.metrics().value("holdfast_member_weights_refused_total", service="shop", member="a") >= 14
    assert p.stderr.count("Holdfast-Weight: ") == 1, "said once"
    a.probe = saying_weight("40%")
    wait_share(admin, "a", 0.4)
    a.probe = saying_weight("9\x80")
    wait_until(lambda: p.stderr.count("Holdfast-Weight: ") == 2, "said again after a good one")
    assert "\\x80" in p.stderr and "\x80" not in p.stderr
    a.probe = saying_weight("0", status=500)
    p.wait_event("member_down", member="a")
    assert admin.member("a")["health"]["weight"] == "40%", "who is ill says nothing"


# ---- fast re-check -------------------------------------------------------------------------------


def test_a_failed_request_is_followed_by_a_check():
    """Checks an hour apart: a request that fails has the member found dead, and the operator's word
    has it found well, by as many checks as rise says."""
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, passive={"fall": 1000}, top=listening(),
                 health={**CHECKED, "interval": "1h", "fast_interval": "20ms", "rise": 3})
    admin = Admin(p)
    wait_until(lambda: admin.member("a")["health"]["well"] == 1, "a's first check")
    a.behave, a.probe = closing, saying_weight(None, status=503)
    assert asks(p, key_of("a", "ab")).id == "b"
    assert p.wait_event("member_down", member="a")["reason"] == "probe_status"
    assert a.probes == 2
    a.behave = a.probe = None
    admin.post("/members/a/maint")
    admin.post("/members/a/up")
    p.wait_event("member_up", member="a")
    assert a.probes == 5 and b.probes == 1
    assert admin.member("a")["health"]["history"] == "10111"


def test_a_member_between_well_and_ill_is_not_stormed():
    """It passes its checks and fails its requests: however many fail, a check comes no sooner than
    fast_interval after the one before."""
    a, b = Origin("a", closing), Origin("b")
    began = time.monotonic()
    p = Holdfast([a, b], session=KEYED, passive={"fall": 1000}, top=listening(), workers=2,
                 health={**CHECKED, "interval": "1h", "fast_interval": "200ms"})
    wait_until(lambda: a.probes > 0, "a's first check")
    key = key_of("a", "ab")
    for _ in range(300):
        assert asks(p, key).id == "b"
    wait_until(lambda: a.probes > 1, "a check that was asked for")
    probes, took = a.probes, time.monotonic() - began
    assert probes <= 2 + took / 0.18, f"{probes} checks in {took:.2f} s"
    assert not p.events("member_down")


def test_a_row_of_failed_checks_is_fast():
    """An hour between checks, but only the first of the row waits for it."""
    a = Origin("a", probe=saying_weight(None, status=503))
    p = Holdfast([a, Origin("b")], health={**CHECKED, "interval": "1h", "fast_interval": "20ms", "rise": 3, "fall": 4},
                 top=listening())
    admin = Admin(p)
    p.wait_event("member_down", member="a")
    a.probe = None
    for word in ("maint", "up"):
        admin.post(f"/members/a/{word}")
    p.wait_event("member_up", member="a")
    a.probe = saying_weight(None, status=503)
    for word in ("drain", "undrain"):
        admin.post(f"/members/a/{word}")
    down = p.wait_event("member_down", count=2, member="a")
    assert down["reason"] == "probe_status" and "detected in" in down["evidence"]
    assert admin.member("a")["health"]["history"] == "01110000"


# ---- outages -------------------------------------------------------------------------------------


def test_an_outage_of_clients_without_tags():
    """Each session is counted once, however often it asks; a summary waits until they are back."""
    a, b, c = (Origin(i) for i in "abc")
    p = Holdfast([a, b, c], session=KEYED, passive={"retry": "300ms"}, workers=2)
    keys = [k for k in (f"k{n}" for n in range(60)) if order_of(k, "abc")[0] == "a"][:9]
    assert all(asks(p, key).id == "a" for key in keys)
    a.go()
    for _ in range(7):
        for key in keys:
            assert asks(p, key).id == order_of(key, "abc")[1]
    a.come_back()
    wait_until(lambda: all(asks(p, key).id == "a" for key in keys), "a is tried again, and all are back")
    summary = p.wait_event("outage_summary", member="a")
    assert summary["sessions_moved"] == len(keys), summary
    heirs = {m["id"]: m["count"] for m in summary["moved_to"]}
    assert heirs == {i: n for i in "bc" if (n := [order_of(k, "abc")[1] for k in keys].count(i))}
    assert summary["failbacks"] == len(keys) and summary["requests_failed"] == 0, summary
    assert summary["requests_retried"] >= 1 and summary["moved_elsewhere"] == 0
    assert not summary["ongoing"] and not summary["estimated"]
    assert list(summary)[-4:] == ["requests_retried", "failbacks", "estimated", "ongoing"]
    assert len(p.events("outage_summary")) == 1


def test_an_outage_counts_requests_that_failed_and_that_went_on():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, passive={"fall": 4, "retry": "300ms"})
    key = [("X-Key", key_of("a", "ab"))]
    a.behave = closing
    for _ in range(2):
        assert p.once(fields=key).id == "b"
        assert p.once(method="POST", fields=key, body=b"once").status == 502
    down = p.wait_event("member_down", member="a")
    a.behave = None
    wait_until(lambda: p.once(fields=key).id == "a", "a is back")
    summary = p.wait_event("outage_summary", member="a")
    assert summary["requests_failed"] == 2 and summary["requests_retried"] == 2, summary
    assert summary["sessions_moved"] == 1 and summary["reason"] == "reset" == down["reason"]
    assert summary["outage_ms"] > 0 and f"detected in {summary['detection_ms']} ms" in down["evidence"]


def test_an_outage_of_tagged_sessions_that_go_home():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session={**KEYED, "failback": "return"}, health=QUICK)
    browsers = [p.browser(fields=[("X-Key", k)]) for k in (f"k{n}" for n in range(40)) if order_of(k, "ab")[0] == "a"][:6]
    assert all(x.get().id == "a" for x in browsers)
    a.go()
    p.wait_event("member_down", member="a")
    assert all(x.get().id == "b" for x in browsers for _ in range(3))
    a.come_back()
    p.wait_event("member_up", member="a")
    assert not p.events("outage_summary"), "they are waited for"
    assert all(x.get().id == "a" for x in browsers)
    summary = p.wait_event("outage_summary", member="a")
    assert summary["sessions_moved"] == summary["failbacks"] == len(browsers)
    assert summary["moved_to"] == [{"id": "b", "count": len(browsers)}]


def test_an_outage_that_lasts_when_the_node_ends():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, passive={"retry": "1h"})
    a.go()
    for _ in range(3):
        assert asks(p, key_of("a", "ab")).id == "b"
    p.wait_event("member_down", member="a")
    p.stop()
    last = p.events()[-1]
    assert last["event"] == "outage_summary" and last["ongoing"] is True and last["member"] == "a", last
    assert last["sessions_moved"] == 1 and last["failbacks"] == 0 and last["requests_retried"] == 1


# ---- history -------------------------------------------------------------------------------------


def test_history_is_kept_over_reloads():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], health=QUICK, top=listening())
    admin = Admin(p)
    die_and_return(p, a)
    b.probe = saying_weight("70%")
    wait_share(admin, "b", 0.7)
    before = admin.member("a")
    admin.post("/reload")
    m = wait_until(lambda: (lambda m: m if m["health"]["well"] > before["health"]["well"] else None)(admin.member("a")),
                   "checks go on after the reload")
    history = m["health"]["history"]
    assert re.search("0+1{2,}$", history) and len(history) == min(64, m["health"]["well"] + m["health"]["failed"])
    assert m["health"]["failed"] == before["health"]["failed"] > 0
    states = [(t["from"], t["to"], t["reason"]) for t in m["transitions"]]
    assert states[-1] == ("down", "up", "none") and states[-2][1:] == ("down", "probe_failed"), states
    assert m["transitions"][-1]["at"] == m["since"] and len(states) == m["health"]["transitions"]
    assert admin.member("b")["share"] == 0.7, "what a member said holds"
    assert not admin.member("b")["transitions"]
    metrics = admin.metrics()
    assert metrics.value("holdfast_member_transitions_total", service="shop", member="a") == len(states)
    assert metrics.value("holdfast_member_checks_total", service="shop", member="a", result="failed") >= 1
    assert metrics.value("holdfast_member_checks_total", service="shop", member="a", result="well") >= m["health"]["well"]


def test_history_is_bounded_and_shown():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], health=QUICK, top=listening())
    admin = Admin(p)
    for _ in range(17):
        for word in ("maint", "up"):
            admin.post(f"/members/b/{word}")
    wait_until(lambda: admin.member("a")["health"]["well"] > 70, "more checks than are kept")
    m = admin.member("b")
    assert len(m["transitions"]) == 32 and m["health"]["transitions"] == 34
    assert [t["to"] for t in m["transitions"]] == ["maint", "up"] * 16
    assert admin.member("a")["health"]["history"] == "1" * 64
    page = admin.get("/").body.decode()
    assert "checks well, 0 failed" in page and "<span class=up>" + "&#9615;" * 64 + "</span>" in page
    host, port = address_of(p)
    status, out, err = holdfast.holdfast("members", "--admin", text_of((host, port)))
    rows = [line.split() for line in out.splitlines()]
    assert status == 0 and rows[0][7:9] == ["weight", "share"], (out, err)
    assert any(r[1] == "a" and "1.00" in r and "+" * 16 in r for r in rows[1:]), out


if __name__ == "__main__":
    holdfast.main()
