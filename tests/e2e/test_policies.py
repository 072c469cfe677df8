"""The policies of a service: when a session goes home, strict, zones, second chances, budgets, limits
(DESIGN sections 6 and 7)."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
import tags
from holdfast import CHECKED, Holdfast, Origin, closing, member

IDS = "abc"
KEYED = {"keys": ["header:X-Key"]}
T = 1800
QUARTER = T // 4


def order_of(key, ids=IDS):
    return ordering.order(ids, ordering.digest(key))


def explain(p, *words, status=0):
    got, out, err = holdfast.holdfast("explain", "-c", p.conf_path, "--json", *words)
    assert got == status, (got, out, err)
    return json.loads(out)


# ---- stay_until_idle ----------------------------------------------------------------------------


def until_idle(**session):
    """(p, origins, secret, order of k1)."""
    secret = tags.Secret(holdfast.folder())
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), top={"secrets": [secret.conf]},
                 session={**KEYED, "failback": "stay_until_idle", "stay_until_idle": f"{T}s", **session})
    return p, origins, secret, order_of("k1")


def with_tag(p, tag, key="k1", **more):
    return p.once(fields=[("X-Key", key), ("Cookie", f"HOLDFAST={tag}")], **more)


def test_a_session_stays_until_it_was_idle():
    p, origins, secret, (home, backup, _) = until_idle()
    session = ordering.digest("k1")
    for age in (0, QUARTER - 60, QUARTER + 60, T, T + QUARTER - 60):
        now = time.time()
        r = with_tag(p, secret.tag(session, home, backup, now - age, rank=1))
        assert r.id == backup, f"idle for {age} s at most"
        new = r.cookies().get("HOLDFAST")
        assert (new is not None) == (age > QUARTER), f"a tag {age} s old"
        if new is not None:
            told = tags.read(new)
            assert told["issued"] >= int(now) and told["last"] == tags.alias(backup)
            assert told["primary"] == tags.alias(home) and told["session"] == session
    r = with_tag(p, secret.tag(session, home, backup, time.time() - T - QUARTER, rank=1))
    assert r.id == home and r.got.get("Holdfast-Failover") == f"from={backup}; reason=idle"
    assert tags.read(r.cookies()["HOLDFAST"])["last"] == tags.alias(home)
    event = p.wait_event("failback")
    assert (event["from"], event["chosen"], event["reason"]) == (backup, home, "idle")
    p.stop()
    assert [e["affinity"] for e in p.requests()] == ["hit"] * 5 + ["failback"]
    assert len(p.events("failback")) == 1 and not p.events("tag_rejected")


def test_a_session_at_home_is_told_nothing_anew():
    """Idle or not: only a session that lives with a backup has its tag issued again and again."""
    p, _, secret, (home, _, _) = until_idle()
    for age in (0, QUARTER + 60, 10 * T):
        r = with_tag(p, secret.tag(ordering.digest("k1"), home, home, time.time() - age))
        assert r.id == home and not r.fields.has("Set-Cookie") and not r.got.has("Holdfast-Failover")


def test_an_idle_session_stays_while_its_home_is_away():
    p, origins, secret, (home, backup, _) = until_idle()
    origins[home].go()
    assert with_tag(p, secret.tag(ordering.digest("k2"), home, home, time.time()), key="k2").id != home
    r = with_tag(p, secret.tag(ordering.digest("k1"), home, backup, time.time() - 10 * T, rank=1))
    assert r.id == backup
    assert tags.read(r.cookies()["HOLDFAST"])["issued"] >= time.time() - 60, "it is not idle any more"
    origins[home].come_back()


def test_clocks_that_differ():
    """A tag from the future is new; one from far ahead is put right."""
    p, _, secret, (home, backup, _) = until_idle()
    for ahead in (60, 10 * T):
        r = with_tag(p, secret.tag(ordering.digest("k1"), home, backup, time.time() + ahead, rank=1))
        assert r.id == backup
        assert r.fields.has("Set-Cookie") == (ahead > QUARTER)
        if ahead > QUARTER:
            assert tags.read(r.cookies()["HOLDFAST"])["issued"] <= time.time() + 60


def test_stay_until_idle_with_a_tag_in_a_header():
    secret = tags.Secret(holdfast.folder())
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), top={"secrets": [secret.conf]},
                 session={"tag": {"header": "X-Tag"}, "failback": "stay_until_idle", "stay_until_idle": f"{T}s"})
    session = "00112233445566778899aabbccddeeff"
    for age, id, renewed in ((60, "b", False), (QUARTER + 60, "b", True), (T + QUARTER, "a", True)):
        r = p.once(fields=[("X-Tag", secret.tag(session, "a", "b", time.time() - age))])
        assert r.id == id and not r.got.has("X-Tag") and r.got.get("Holdfast-Session") == session
        assert r.fields.has("X-Tag") == renewed and not r.fields.has("Set-Cookie")
        if renewed:
            told = tags.read(r.fields.get("X-Tag"))
            assert told["last"] == tags.alias(id) and told["issued"] >= time.time() - 60


def test_two_nodes_agree_on_idle_sessions():
    secret = tags.Secret(holdfast.folder())
    origins = [Origin(i) for i in IDS]
    p, q = (Holdfast(origins, top={"secrets": [secret.conf]},
                     session={**KEYED, "failback": "stay_until_idle", "stay_until_idle": f"{T}s"}) for _ in range(2))
    home, backup, _ = order_of("k1")
    r = with_tag(p, secret.tag(ordering.digest("k1"), home, backup, time.time() - QUARTER - 60, rank=1))
    assert with_tag(q, r.cookies()["HOLDFAST"]).id == backup
    for n in (p, q):
        assert with_tag(n, secret.tag(ordering.digest("k1"), home, backup, time.time() - 2 * T, rank=1)).id == home


def test_explain_says_where_an_idle_session_goes():
    p, _, _, (home, backup, third) = until_idle()
    words = ["--primary", home, "--last", backup, "k1"]
    assert explain(p, *words)["chosen"] == backup
    told = explain(p, "--idle", *words)
    assert told["chosen"] == home and told["affinity"] == "failback"
    assert explain(p, "--idle", "--down", home, *words)["chosen"] == backup
    assert explain(p, "--idle", "--drain", home, *words)["chosen"] == backup
    told = explain(p, "--drain", home, "k1")
    assert told["chosen"] == backup and told["skipped"] == [{"member": home, "why": "drain"}]
    assert explain(p, "--drain", home, "--primary", home, "k1")["chosen"] == home, "it lives there"
    assert explain(p, "--drain", home, "--down", f"{backup},{third}", "k1")["chosen"] == home, "nobody else is left"
    _, text, _ = holdfast.holdfast("explain", "-c", p.conf_path, *words)
    assert f"after {T}s without a request the session goes home" in text
    status, _, err = holdfast.holdfast("explain", "-c", p.conf_path, "--drain", "nobody", "k1")
    assert status == 2 and "--drain" in err


# ---- strict -------------------------------------------------------------------------------------


def test_strict_answers_its_status_and_comes_back():
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session={**KEYED, "strict": 410}, health=CHECKED)
    home, backup, _ = order_of("k1")
    b = p.browser(fields=[("X-Key", "k1")])
    r = b.get()
    assert r.id == home and not r.got.has("Holdfast-Backups"), "there are none"
    origins[home].go()
    p.wait_event("member_down", member=home)
    for method in ("GET", "POST"):
        r = b.request(method, body=b"x" if method == "POST" else None)
        assert r.status == 410 and not r.fields.has("Set-Cookie") and not r.fields.has("Retry-After")
    event = p.wait_event("no_live_member")
    assert (event["reason"], event["chosen"]) == ("down", None)
    assert event["skipped"] == [{"id": home, "why": "down"}]
    told = explain(p, "--down", home, "k1", status=1)
    assert (told["chosen"], told["refuse_status"], told["attempts"]) == (None, 410, 0)
    assert told["skipped"] == [{"member": home, "why": "down"}]
    _, text, _ = holdfast.holdfast("explain", "-c", p.conf_path, "--down", home, "k1")
    assert "strict, answered with 410" in text
    assert explain(p, "--down", backup, "k1")["chosen"] == home
    origins[home].come_back()
    p.wait_event("member_up", member=home)
    assert b.get().id == home
    p.stop()
    assert [e["cause"] for e in p.requests()] == ["done", "strict", "strict", "done"]


def test_strict_tries_no_backup_when_an_attempt_fails():
    """Before anybody knows that the member is gone: the status all the same, never another member. What
    was sent is another matter: that the member broke it is said."""
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session={**KEYED, "strict": 409}, passive={"enabled": False})
    home = order_of("k1")[0]
    origins[home].go()
    r = p.once(fields=[("X-Key", "k1")])
    assert r.status == 409 and p.wait_request()["cause"] == "strict"
    assert p.wait_event("no_live_member")["reason"] == "connect_refused"
    assert not any(o.requests for o in origins.values())
    origins[home].behave = closing
    origins[home].come_back()
    assert p.once(fields=[("X-Key", "k1")]).status == 502
    assert p.wait_request(2)["cause"] == "member_closed"
    assert not any(o.requests for o in origins.values() if o.id != home)


# ---- zones --------------------------------------------------------------------------------------


ZONES = {"a": "east", "b": "east", "c": "east", "d": "west", "e": "west"}
ZONED = list(ZONES)


def test_spread_and_failback():
    """What was told before is what happens: through two deaths, and home again."""
    origins = {i: Origin(i) for i in ZONED}
    p = Holdfast([member(origins[i], zone=ZONES[i]) for i in ZONED], health=CHECKED,
                 session={**KEYED, "spread": "zone", "failback": "return"})
    key = next(f"k{n}" for n in range(1000) if order_of(f"k{n}", ZONED)[0] == "a")
    order = ordering.order(ZONED, ordering.digest(key), None, ZONES, "a")
    apart = [i for i in order if i != "a"]
    assert [ZONES[i] for i in apart] == ["west", "west", "east", "east"]
    b = p.browser(fields=[("X-Key", key)])
    r = b.get()
    assert r.id == "a" and r.got.get("Holdfast-Backups") == f"{apart[0]},{apart[1]}"
    assert r.got.get("Holdfast-Rank") == str(order.index("a"))
    told = explain(p, key)
    assert [row["member"] for row in told["order"]] == order
    assert {row["member"]: row["zone"] for row in told["order"]} == ZONES
    gone = ["a"]
    for here, after in ((apart[0], apart[1:3]), (apart[1], apart[2:4])):
        origins[gone[-1]].go()
        p.wait_event("member_down", member=gone[-1])
        r = b.get()
        assert r.id == here and r.got.get("Holdfast-Backups") == ",".join(after)
        assert r.got.get("Holdfast-Primary") == "a"
        assert explain(p, "--down", ",".join(gone), key)["chosen"] == here
        gone.append(here)
    origins["a"].come_back()
    p.wait_event("member_up", member="a")
    assert b.get().id == "a"
    assert p.wait_event("failback")["from"] == apart[1]


def test_spread_and_stay_until_idle():
    """Home is the primary's zone again once the session was idle."""
    secret = tags.Secret(holdfast.folder())
    origins = {i: Origin(i) for i in ZONED}
    p = Holdfast([member(origins[i], zone=ZONES[i]) for i in ZONED], top={"secrets": [secret.conf]},
                 session={**KEYED, "spread": "zone", "failback": "stay_until_idle", "stay_until_idle": "1h"})
    key = next(f"k{n}" for n in range(1000) if order_of(f"k{n}", ZONED)[0] == "a")
    apart = [i for i in ordering.order(ZONED, ordering.digest(key), None, ZONES, "a") if i != "a"]
    for age, id in ((60, apart[0]), (2 * 3600, "a")):
        tag = secret.tag(ordering.digest(key), "a", apart[0], time.time() - age)
        r = p.once(fields=[("X-Key", key), ("Cookie", f"HOLDFAST={tag}")])
        assert r.id == id
        backups = r.got.get("Holdfast-Backups").split(",")
        assert backups == (["a", apart[1]] if id != "a" else apart[:2])


if __name__ == "__main__":
    holdfast.main()
