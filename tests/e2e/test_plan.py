"""Where a request goes: assignment, failback, what the member is told (DESIGN section 6)."""

import collections
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import CHECKED, Holdfast, Origin, member

IDS = "abcde"
KEYED = {"keys": ["header:X-Key"]}


def keyed(p, key, **more):
    return p.once(fields=[("X-Key", key)], **more)


def rank(id, key, ids=IDS):
    return ordering.order(ids, ordering.digest(key)).index(id)


def key_of(id, ids=IDS, second=None):
    """A key whose order begins with `id`, and then `second`."""
    for n in range(10000):
        found = ordering.order(ids, ordering.digest(f"k{n}"))
        if found[0] == id and second in (None, found[1]):
            return f"k{n}"
    raise AssertionError("no such key")


# ---- assignment ---------------------------------------------------------------------------------


def test_keys_go_by_the_ordering():
    p = Holdfast([Origin(i) for i in IDS], session=KEYED)
    with p.client() as c:
        for n in range(100):
            r = c.get(fields=[("X-Key", f"k{n}")])
            assert r.id == ordering.order(IDS, ordering.digest(f"k{n}"))[0]
            assert r.got.get("Holdfast-Rank") == "0"


def test_the_ordering_goes_by_weight_and_ids_not_by_place_or_address():
    weights = {"a": 1, "b": 5, "c": 2, "d": 0, "e": 3}
    first = [Origin(i) for i in IDS]
    second = [Origin(i) for i in reversed(IDS)]
    p, q = (Holdfast([member(o, weight=weights[o.id]) for o in line], session=KEYED) for line in (first, second))
    homes = collections.Counter()
    with p.client() as c, q.client() as d:
        for n in range(150):
            fields = [("X-Key", f"k{n}")]
            want = ordering.order(list(IDS), ordering.digest(f"k{n}"), weights)[0]
            assert c.get(fields=fields).id == d.get(fields=fields).id == want
            homes[want] += 1
    assert homes["d"] == 0 and homes["b"] > homes["a"]


def test_assign_ordering_for_issued_keys():
    p = Holdfast([Origin(i) for i in IDS], session={"assign": "ordering"})
    for _ in range(20):
        r = p.once()
        assert r.id == ordering.order(IDS, r.got.get("Holdfast-Session"))[0]


def test_assign_round_robin():
    p = Holdfast([Origin(i) for i in "abc"], session={"assign": "round_robin"})
    homes = [p.once().id for _ in range(12)]
    assert collections.Counter(homes) == {"a": 4, "b": 4, "c": 4}
    assert all(len(set(homes[n:n + 3])) == 3 for n in range(0, 12, 3)), homes


def test_assign_round_robin_by_weight():
    weights = {"a": 3, "b": 1, "c": 0}
    p = Holdfast([member(Origin(i), weight=weights[i]) for i in "abc"], session={"assign": "round_robin"})
    assert collections.Counter(p.once().id for _ in range(40)) == {"a": 30, "b": 10}


def test_assign_least_requests():
    """200 new sessions whose answers wait: two random choices keep the members level."""
    go_on = threading.Event()

    def behave(connection, request):
        go_on.wait(holdfast.WAIT_S)
        connection.answer(200, b"{}")

    origins = [Origin(i, behave) for i in "ab"]
    p = Holdfast(origins)
    clients = []
    for n in range(1, 201):
        c = p.client()
        clients.append(c)
        c.send(c.request_bytes())
        holdfast.wait_until(lambda: sum(len(o.requests) for o in origins) == n, "the request arrives")
    counts = [len(o.requests) for o in origins]
    go_on.set()
    for c in clients:
        assert c.response().status == 200
        c.__exit__()
    assert abs(counts[0] - counts[1]) <= 10, counts


def test_weight_0_gets_no_sessions_and_is_no_backup():
    a, b, c = Origin("a"), Origin("b"), Origin("c")
    p = Holdfast([member(a), member(b), member(c, weight=0)])
    for _ in range(20):
        assert p.once().id in "ab"
    a.go(), b.go()
    assert p.once().status == 503 and not c.requests


# ---- what the member is told --------------------------------------------------------------------


def test_a_member_is_told_whose_session_this_is():
    p = Holdfast([Origin(i) for i in IDS], session=KEYED)
    b = p.browser(fields=[("X-Key", "k1")])
    order = ordering.order(IDS, ordering.digest("k1"))
    first, second = b.get(), b.get()
    for r in (first, second):
        assert r.got.all("Holdfast-Session") == [ordering.digest("k1")]
        assert r.got.all("Holdfast-Primary") == [order[0]]
        assert r.got.all("Holdfast-Rank") == ["0"]
        assert r.got.all("Holdfast-Backups") == [",".join(order[1:3])]
        assert not r.got.has("Holdfast-Failover")
    assert not first.got.has("Holdfast-Served-Before")
    assert second.got.all("Holdfast-Served-Before") == [order[0]]


def test_a_backup_is_told_from_where_and_why():
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED)
    b = p.browser(fields=[("X-Key", "k1")])
    order = ordering.order(IDS, ordering.digest("k1"))
    assert b.get().id == order[0]
    origins[order[0]].go()
    r = b.get()
    assert r.id == order[1]
    assert r.got.all("Holdfast-Primary") == [order[0]] and r.got.all("Holdfast-Served-Before") == [order[0]]
    assert r.got.all("Holdfast-Rank") == ["1"]
    assert r.got.get("Holdfast-Backups").split(",")[0] == order[2]
    failover = r.got.get("Holdfast-Failover")
    assert failover.startswith(f"from={order[0]}; reason=") and failover.split("=")[-1] in \
        ("connect_refused", "reset", "closed_idle", "down"), failover
    event = p.wait_event("failover")
    assert (event["primary"], event["from"], event["chosen"], event["rank"]) == (order[0], order[0], order[1], 1)
    assert event["session"] == ordering.digest("k1")[:8]
    assert r.cookies().get("HOLDFAST"), "the client is told"
    again = b.get()
    assert again.id == order[1] and not again.fields.has("Set-Cookie")
    assert again.got.all("Holdfast-Served-Before") == [order[1]] and not again.got.has("Holdfast-Failover")
    p.stop()
    assert [e["affinity"] for e in p.requests()] == ["new", "failover", "hit"]


def test_two_members_and_one():
    p = Holdfast([Origin("a"), Origin("b")], session=KEYED)
    r = keyed(p, "k1")
    assert r.got.all("Holdfast-Backups") == ["b" if r.id == "a" else "a"]
    q = Holdfast([Origin("a")], session=KEYED)
    assert not keyed(q, "k1").got.has("Holdfast-Backups")


def test_what_a_client_says_in_our_name_is_removed():
    p = Holdfast([Origin("a"), Origin("b")], session=KEYED)
    names = ["Session", "Primary", "Served-Before", "Rank", "Backups", "Failover", "Hop", "Pass", "Weight", "New"]
    r = keyed(p, "k1")
    lies = p.once(fields=[("X-Key", "k1"), ("hOLDFAST-sESSION", "lie")] + [(f"Holdfast-{n}", "lie") for n in names])
    assert all(v != "lie" for n, v in lies.got if n.lower().startswith("holdfast-"))
    for name in ("Holdfast-Session", "Holdfast-Primary", "Holdfast-Rank", "Holdfast-Backups"):
        assert lies.got.all(name) == r.got.all(name)
    for name in ("Holdfast-Failover", "Holdfast-Hop", "Holdfast-Pass", "Holdfast-Weight"):
        assert not lies.got.has(name)


# ---- failover and failback ----------------------------------------------------------------------


def outage(failback):
    """A session whose primary goes and comes back: (browser, primary, ids that served it, p)."""
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session={**KEYED, "failback": failback}, health=CHECKED)
    b = p.browser(fields=[("X-Key", "k1")])
    order = ordering.order(IDS, ordering.digest("k1"))
    ids = [b.get().id]
    origins[order[0]].go()
    ids += [b.get().id, b.get().id]
    p.wait_event("member_down", member=order[0])
    ids.append(b.get().id)
    origins[order[0]].come_back()
    p.wait_event("member_up", member=order[0])
    ids += [b.get().id, b.get().id]
    assert ids[:4] == [order[0]] + [order[1]] * 3
    return p, order, ids, b


def test_failback_stay():
    p, order, ids, b = outage("stay")
    assert ids[4:] == [order[1]] * 2
    r = b.get()
    assert r.got.get("Holdfast-Primary") == order[0] and not r.got.has("Holdfast-Failover")
    p.stop()
    assert len(p.events("failover")) == 1 and not p.events("failback")


def test_failback_return():
    p, order, ids, b = outage("return")
    assert ids[4:] == [order[0]] * 2
    event = p.wait_event("failback")
    assert (event["chosen"], event["from"], event["reason"]) == (order[0], order[1], "primary_back")
    p.stop()
    assert [e["affinity"] for e in p.requests()][-2:] == ["failback", "hit"]


def test_stay_when_the_backup_goes_as_well():
    """The session lives at its backup; when that dies, the primary has it back."""
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED, health=CHECKED)
    b = p.browser(fields=[("X-Key", "k1")])
    order = ordering.order(IDS, ordering.digest("k1"))
    assert b.get().id == order[0]
    origins[order[0]].go()
    assert b.get().id == order[1]
    p.wait_event("member_down", member=order[0])
    origins[order[0]].come_back()
    p.wait_event("member_up", member=order[0])
    origins[order[1]].go()
    assert b.get().id == order[0]


def test_every_place_of_the_order_in_turn():
    """Members die one after another: the session is always at the first in order that lives."""
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED)
    order = ordering.order(IDS, ordering.digest("k1"))
    b = p.browser(fields=[("X-Key", "k1")])
    for n, id in enumerate(order):
        r = b.get()
        assert r.id == id and r.got.get("Holdfast-Rank") == str(n)
        origins[id].go()
    r = b.get()
    assert r.status == 503 and r.fields.all("Retry-After") == ["1"]


def test_a_client_that_keeps_no_tag_has_one_home():
    """Its key alone says where it lives and where it goes; each of its requests is a failover."""
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED)
    order = ordering.order(IDS, ordering.digest("k1"))
    assert keyed(p, "k1").id == order[0]
    origins[order[0]].go()
    for _ in range(3):
        r = keyed(p, "k1")
        assert r.id == order[1] and r.got.get("Holdfast-Primary") == order[0]
        assert r.got.get("Holdfast-Failover").startswith(f"from={order[0]}; ")
    origins[order[0]].come_back()
    holdfast.wait_until(lambda: keyed(p, "k1").id == order[0], "the member is tried again")


def test_nothing_lives():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], service={"retry_after": "7s"})
    browser = p.browser()
    assert browser.get().status == 200
    a.go(), b.go()
    for _ in range(3):
        r = browser.get()
        assert r.status == 503 and r.fields.all("Retry-After") == ["7"] and not r.fields.has("Set-Cookie")
    event = p.wait_event("no_live_member")
    assert event["service"] == "shop" and event["chosen"] is None
    assert p.wait_request(status=503)["cause"] == "no_live_member"
    a.come_back(), b.come_back()
    holdfast.wait_until(lambda: browser.get().status == 200, "the service is back")


def test_retry_after_0_is_left_out():
    a = Origin("a", start=False)
    p = Holdfast([a], service={"retry_after": "0s"})
    r = p.once()
    assert r.status == 503 and not r.fields.has("Retry-After")


def test_strict_uses_no_backup():
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session={**KEYED, "strict": 409}, health=CHECKED)
    home = ordering.order(IDS, ordering.digest("k1"))[0]
    b = p.browser(fields=[("X-Key", "k1")])
    assert b.get().id == home
    origins[home].go()
    p.wait_event("member_down", member=home)
    assert b.get().status == 409
    assert p.wait_request(cause="strict")["status"] == 409
    other = key_of(next(i for i in IDS if i != home))
    assert keyed(p, other).status == 200


def test_spread_by_zone():
    ids = ["a", "b", "c", "d"]
    zones = {"a": "z1", "b": "z1", "c": "z2", "d": "z2"}
    origins = {i: Origin(i) for i in ids}
    p = Holdfast([member(origins[i], zone=zones[i]) for i in ids], session={**KEYED, "spread": "zone"})
    for n in range(20):
        r = keyed(p, f"k{n}")
        session = ordering.digest(f"k{n}")
        apart = [i for i in ordering.order(ids, session, None, zones, r.id) if i != r.id]
        assert r.got.get("Holdfast-Backups").split(",") == apart[:2]
        assert zones[apart[0]] != zones[r.id]
    key = key_of("a", ids)
    backups = keyed(p, key).got.get("Holdfast-Backups").split(",")
    origins["a"].go()
    assert keyed(p, key).id == backups[0] and zones[backups[0]] == "z2"


# ---- two nodes ----------------------------------------------------------------------------------


def test_two_gateways_choose_the_same_backups():
    """The same configuration, two processes, 200 keys, one member dead, then two."""
    origins = {i: Origin(i) for i in IDS}
    p, q = (Holdfast(list(origins.values()), session=KEYED, workers=w) for w in (1, 2))
    keys = [f"user-{n}" for n in range(200)]
    orders = {k: ordering.order(IDS, ordering.digest(k)) for k in keys}
    for dead in (set(), {"b"}, {"b", "d"}):
        for id in dead:
            origins[id].go()
        with p.client() as c, q.client() as d:
            for key in keys:
                fields = [("X-Key", key)]
                want = next(i for i in orders[key] if i not in dead)
                one, two = c.get(fields=fields), d.get(fields=fields)
                assert one.id == two.id == want, (key, dead, one.id, two.id, want)
                assert one.got.all("Holdfast-Backups") == two.got.all("Holdfast-Backups")
    moved = [k for k in keys if orders[k][0] == "b"]
    assert {next(i for i in orders[k] if i != "b") for k in moved} == set("acde"), "they spread over the rest"


def explain(p, *words):
    status, out, err = holdfast.holdfast("explain", "-c", p.conf_path, *words)
    assert status == 0, err
    return out


def test_explain_says_where_a_key_goes():
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED)
    for n in range(5):
        told = holdfast.json.loads(explain(p, "--json", f"k{n}"))
        order = ordering.order(IDS, ordering.digest(f"k{n}"))
        assert [row["member"] for row in told["order"]] == order
        assert [row["rank"] for row in told["order"]] == list(range(len(IDS)))
        assert told["digest"] == ordering.digest(f"k{n}")
        assert told["primary"] == told["chosen"] == keyed(p, f"k{n}").id == order[0]
    order = ordering.order(IDS, ordering.digest("k1"))
    told = holdfast.json.loads(explain(p, "--json", "--down", ",".join(order[:2]), "k1"))
    assert told["chosen"] == order[2] and [s["member"] for s in told["skipped"]] == order[:2]
    origins[order[0]].go(), origins[order[1]].go()
    assert keyed(p, "k1").id == order[2]
    text = explain(p, "--down", order[0], "k1")
    assert f"chosen     {order[1]}" in text and f"skipped    {order[0]}: down" in text


def test_explain_a_file_of_keys():
    """What two nodes say of many keys, and what they do, is the same, byte for byte."""
    origins = {i: Origin(i) for i in IDS}
    p, q = (Holdfast(list(origins.values()), session=KEYED) for _ in range(2))
    keys = [f"user-{n}" for n in range(300)]
    path = os.path.join(holdfast.folder(), "keys")
    with open(path, "w") as f:
        f.write("".join(f"{k}\n" for k in keys))
    for down in ((), ("b",), ("b", "d")):
        words = ["--down", ",".join(down)] if down else []
        one, two = explain(p, *words, "--keys-file", path), explain(q, *words, "--keys-file", path)
        assert one == two
        for key, line in zip(keys, one.splitlines(), strict=True):
            session = ordering.digest(key)
            order = ordering.order(IDS, session)
            assert line.split("\t") == [key, session, order[0], next(i for i in order if i not in down)]
        for id in down:
            origins[id].go()
        with q.client() as c:
            for line in one.splitlines()[:60]:
                key, _, _, chosen = line.split("\t")
                assert c.get(fields=[("X-Key", key)]).id == chosen


def test_explain_says_when_nothing_lives():
    p = Holdfast([Origin("a")], session=KEYED)
    status, out, _ = holdfast.holdfast("explain", "-c", p.conf_path, "--down", "a", "k1")
    assert status == 1 and "chosen     none" in out


def test_explain_knows_what_it_does_not_know():
    p = Holdfast([Origin("a")], session=KEYED)
    for words in (["--down", "nobody", "k1"], ["--service", "none", "k1"], []):
        status, out, err = holdfast.holdfast("explain", "-c", p.conf_path, *words)
        assert status == 2 and not out and len(err.splitlines()) == 1, (words, status, out, err)


if __name__ == "__main__":
    holdfast.main()
