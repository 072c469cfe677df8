"""The policies of a service: when a session goes home, strict, zones, second chances, budgets, limits
(DESIGN sections 6 and 7)."""

import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
import tags
from holdfast import CHECKED, Holdfast, Origin, answer_json, answering, closing, member, saying, silent

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


# ---- second chance ------------------------------------------------------------------------------


PASS = [("Holdfast-Pass", "1")]


def passing(body=b"not mine\n", status=421, fields=PASS, **more):
    return answering(status, body, fields, reason="Misdirected Request", **more)


def three(session=KEYED, **more):
    """(p, the origins by id, they in the order of k1)."""
    origins = {i: Origin(i) for i in IDS}
    return Holdfast(list(origins.values()), session=session, **more), [origins[i] for i in order_of("k1")]


def ask(p, method="GET", **more):
    return p.once(method=method, fields=[("X-Key", "k1")], **more)


def test_a_pass_goes_on_to_the_next():
    for method, body in (("GET", None), ("POST", b"x" * 5000), ("PATCH", b""), ("PUT", b"y")):
        p, (home, second, _) = three()
        home.behave = passing()
        b = p.browser(fields=[("X-Key", "k1")])
        r = b.request(method, body=body)
        assert r.status == 200 and r.id == second.id and r.json["body_bytes"] == len(body or b"")
        assert r.got.get("Holdfast-Failover") == f"from={home.id}; reason=passed"
        assert not r.fields.has("Holdfast-Pass")
        assert b.request(method, body=body).id == second.id and len(home.requests) == 1, "it lives there now"
        event = p.wait_event("failover")
        assert (event["reason"], event["from"], event["chosen"]) == ("passed", home.id, second.id)
        assert event["skipped"] == [{"id": home.id, "why": "passed"}]
        assert holdfast.text_of(home.address) in event["evidence"]
        p.stop()
        assert [(e["affinity"], e["attempts"]) for e in p.requests()] == [("pass", 2), ("hit", 1)]
        holdfast.finish()


def test_a_pass_is_no_evidence():
    p, (home, second, _) = three(passive={"fall": 1})
    home.behave = passing()
    for _ in range(20):
        assert ask(p).id == second.id
    assert len(home.requests) == 20, "it is asked each time"
    home.behave = None
    assert ask(p).id == home.id
    p.stop()
    assert not p.events("member_down") and not p.events("outage_summary")


def test_passes_keep_their_connections():
    """The 421 that came whole is dropped, and the connection used again; one that did not is closed."""
    def chunked(connection, request):
        request.read_body()
        connection.answer(421, b"z" * 100, PASS, framing="chunked", trailers=[("X-T", "1")])

    for behave, method, kept in ((passing(), "GET", True), (passing(b""), "POST", True), (chunked, "GET", True),
                                 (passing(b"x" * (4 << 20)), "GET", False),
                                 (passing(fields=PASS + [("Connection", "close")]), "GET", False)):
        p, (home, second, _) = three()
        home.behave = behave
        with p.client() as c:
            for _ in range(4):
                r = c.request(method, fields=[("X-Key", "k1")], body=b"b" if method == "POST" else None)
                assert r.status == 200 and r.id == second.id
        assert home.accepted == (1 if kept else 4)
        holdfast.finish()


def test_the_rest_of_a_pass_is_not_waited_for():
    """A head, and a body that never comes; a head in pieces; interim answers before it."""
    head = b"HTTP/1.1 421 Misdirected Request\r\nHoldfast-Pass: 1\r\nContent-Length: 10\r\n\r\n"

    def stuck(connection, request):
        connection.send(head + b"12345")
        connection.wait_end()

    def in_pieces(connection, request):
        for n in range(0, len(head), 7):
            connection.send(head[n:n + 7])
            time.sleep(0.002)
        connection.wait_end()

    def after_interims(connection, request):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + head)
        connection.wait_end()

    for behave in (stuck, in_pieces, after_interims):
        p, (home, second, _) = three()
        home.behave = behave
        assert ask(p).id == second.id
        holdfast.finish()


def test_interim_answers_of_a_passed_request_are_its_own():
    """They come with the pass in one piece, and the next member lets the request wait: who is answered in
    the meantime by the same worker gets nothing of them."""
    def after_interims(connection, request):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </secret>\r\n\r\n"
                        b"HTTP/1.1 421 Misdirected Request\r\nHoldfast-Pass: 1\r\nContent-Length: 0\r\n\r\n")

    late = threading.Event()

    def slowly(connection, request):
        assert late.wait(holdfast.WAIT_S)
        connection.answer(200, b"late")

    p, (home, second, third) = three(top={"workers": 1})
    home.behave, second.behave = after_interims, slowly
    elsewhere = next(k for k in map(str, range(1000)) if order_of(k)[0] == third.id)
    with p.client() as first, p.client() as other:
        first.send(first.request_bytes(fields=[("X-Key", "k1")]))
        holdfast.wait_until(lambda: len(second.requests) == 1, "the second member is asked")
        r = other.get(fields=[("X-Key", elsewhere)])
        assert (r.status, r.id, r.interim) == (200, third.id, [])
        late.set()
        r = first.response()
        assert r.body == b"late" and [(i.status, i.fields.get("Link")) for i in r.interim] == [(103, "</secret>")]


def test_everybody_passes():
    """The client gets the last one's 421: nothing of the pass, no tag, and no session moved."""
    for others in ({}, {"service": {"attempts_max": 2}}, {"service": {"attempts_max": 1}}):
        p, origins = three(**others)
        asked = others.get("service", {"attempts_max": 3})["attempts_max"]
        for n, o in enumerate(origins):
            o.behave = passing(b"%d\n" % n)
        for method in ("GET", "POST"):
            r = ask(p, method, body=b"x" if method == "POST" else None)
            assert r.status == 421 and r.body == b"%d\n" % (asked - 1)
            assert not r.fields.has("Holdfast-Pass") and not r.fields.has("Set-Cookie")
        event = p.wait_event("failover")
        assert (event["reason"], event["from"], event["chosen"]) == ("passed", origins[asked - 1].id, None)
        assert [s["why"] for s in event["skipped"]] == ["passed"] * asked
        p.stop()
        assert [(e["affinity"], e["attempts"], e["status"], e["cause"]) for e in p.requests()] == \
            [("pass", asked, 421, "done")] * 2
        assert len(p.events("failover")) == 2
        holdfast.finish()


def test_a_pass_of_a_session_that_has_a_home():
    """Nobody holds it: its tag stays as it is."""
    p, origins = three()
    b = p.browser(fields=[("X-Key", "k1")])
    assert b.get().id == origins[0].id
    for o in origins:
        o.behave = passing()
    assert b.get().status == 421
    for o in origins:
        o.behave = None
    r = b.get()
    assert r.id == origins[0].id and r.got.get("Holdfast-Served-Before") == origins[0].id


def test_a_421_that_is_no_pass_goes_through():
    for fields in ([], [("Holdfast-Pass", "0")], [("Holdfast-Pass", "")], [("X-Holdfast-Pass", "1")]):
        p, (home, second, _) = three()
        home.behave = passing(b"go away", fields=fields)
        r = ask(p)
        assert r.status == 421 and r.body == b"go away" and not second.requests
        assert not r.fields.has("Holdfast-Pass") and r.cookies().get("HOLDFAST")
        p.stop()
        assert [e["affinity"] for e in p.requests()] == ["new"] and not p.events("failover")
        holdfast.finish()


def test_only_a_421_is_a_pass_and_the_header_reaches_nobody():
    for status in (200, 404, 503):
        p, (home, second, _) = three()
        home.behave = passing(b"mine", status=status)
        r = p.once(fields=[("X-Key", "k1"), ("Holdfast-Pass", "1")])
        assert r.status == status and r.body == b"mine" and not r.fields.has("Holdfast-Pass")
        assert not home.requests[0].fields.has("Holdfast-Pass") and not second.requests
        holdfast.finish()


def test_a_pass_with_a_body_that_is_not_held_any_more():
    p, (home, second, third) = three(service={"replay_bytes_max": "1KiB"})
    home.behave = passing()
    assert ask(p, "POST", body=b"x" * 100000).status == 421
    assert ask(p, "POST", body=b"x" * 1000).id == second.id
    assert len(second.requests) == 1 and not third.requests
    assert p.wait_request()["affinity"] == "pass"


def test_a_pass_while_the_body_is_still_coming():
    """The member passes by the head alone; the rest of the body goes to the next as it comes."""
    def early(connection, request):
        connection.answer(421, b"", PASS)
        connection.wait_end()

    p, (home, second, _) = three()
    home.behave = early
    with p.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nX-Key: k1\r\nContent-Length: 20000\r\n\r\n" + b"x" * 100)
        holdfast.wait_until(lambda: second.requests, "the next member is asked")
        c.send(b"x" * 19900)
        r = c.response("POST")
        assert r.status == 200 and r.id == second.id and r.json["body_bytes"] == 20000


def test_a_pass_of_an_upgrade_and_of_a_head():
    def switch(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n")
        connection.send(connection.wire.take(4))
        connection.wait_end()

    p, (home, second, _) = three()
    home.behave, second.behave = passing(), switch
    with p.client() as c:
        c.send(b"GET /ws HTTP/1.1\r\nHost: h\r\nX-Key: k1\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n")
        assert c.response().status == 101
        c.send(b"ping")
        assert c.take(4) == b"ping"
    second.behave = None
    home.behave = saying(b"HTTP/1.1 421 Misdirected Request\r\nHoldfast-Pass: 1\r\nContent-Length: 5\r\n\r\n")
    assert ask(p, "HEAD").status == 200


def test_a_pass_and_then_a_dead_member():
    p, (home, second, third) = three()
    home.behave = passing()
    second.go()
    r = ask(p, "POST", body=b"x")
    assert r.id == third.id
    event = p.wait_event("failover")
    assert event["skipped"] == [{"id": home.id, "why": "passed"}, {"id": second.id, "why": "connect_refused"}]
    p.stop()
    assert [e["attempts"] for e in p.requests()] == [3]


def test_strict_has_no_second_chance():
    p, (home, second, _) = three(session={**KEYED, "strict": 503})
    home.behave = passing()
    assert ask(p).status == 421 and not second.requests


# ---- the budget of repeats ----------------------------------------------------------------------


NO_BUDGET = {"retry_budget": "0%", "retry_min": 0}


def test_without_a_budget_nothing_is_done_twice():
    p, (home, second, _) = three(service=NO_BUDGET, passive={"enabled": False}, health=CHECKED,
                                 timeouts={"first_byte": "300ms"})
    for behave, status, cause in ((silent, 504, "member_first_byte"), (closing, 502, "member_closed"),
                                  (passing(), 421, "done")):
        home.behave = behave
        assert ask(p).status == status
        assert p.wait_request(status=status)["cause"] == cause
    p.wait_event("failover", count=3)
    events = p.events("failover")
    assert [(e["reason"], e["chosen"], e["from"]) for e in events] == [("retry_budget", None, home.id)] * 3
    assert [e["skipped"][0]["why"] for e in events] == ["first_byte_timeout", "reset", "passed"]
    assert not second.requests


def test_moving_off_a_dead_member_needs_no_budget():
    """Refused connections move whatever they are; so do those that wait when it is found dead."""
    p, (home, second, _) = three(service=NO_BUDGET)
    home.go()
    assert ask(p, "POST", body=b"x").id == second.id
    p.stop()
    for found in ("killed", "hung"):
        p, (home, second, _) = three(service=NO_BUDGET if found == "hung" else None,
                                     health={**CHECKED, "timeout": "1s", "interval": "1s"})
        home.behave = silent
        clients = [p.client() for _ in range(40)]
        for c in clients:
            c.send(c.request_bytes(fields=[("X-Key", "k1")]))
        holdfast.wait_until(lambda: len(home.requests) == 40, "all wait there")
        if found == "killed":
            home.go(reset=True)
        else:
            home.probe = silent
        for c in clients:
            r = c.response()
            assert r.status == 200 and r.id == second.id
        p.stop()
        assert not [e for e in p.events("failover") if e["chosen"] is None]
        holdfast.finish()


def test_the_budget_is_a_share_with_a_floor():
    """Of 8 requests that time out, as many are repeated as the floor allows; when these are answered, there
    is room for others."""
    answer = threading.Event()

    def slow(connection, request):
        while not answer.is_set():
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            answer.wait(0.1)
        answer_json(connection, request)

    p, (home, second, _) = three(service={"retry_budget": "10%", "retry_min": 2}, passive={"enabled": False},
                                 health=CHECKED, timeouts={"first_byte": "1s"})
    home.behave, second.behave = silent, slow
    clients = [p.client() for _ in range(8)]
    for c in clients:
        c.send(c.request_bytes(fields=[("X-Key", "k1")]))
    p.wait_event("failover", count=6, reason="retry_budget")
    holdfast.wait_until(lambda: len(second.requests) >= 2, "the others are repeated")
    assert len(second.requests) == 2
    answer.set()
    assert sorted(c.response().status for c in clients) == [200] * 2 + [504] * 6
    assert ask(p).id == second.id, "those two are answered: there is room again"
    p.stop()
    assert len(p.events("failover", reason="retry_budget")) == 6
    assert [e["chosen"] for e in p.events("failover", reason="first_byte_timeout")] == [second.id] * 3


def test_a_budget_of_all_bounds_nothing():
    p, (home, second, _) = three(service={"retry_budget": "100%", "retry_min": 0}, passive={"enabled": False},
                                 health=CHECKED, timeouts={"first_byte": "500ms"})
    home.behave = silent
    clients = [p.client() for _ in range(30)]
    for c in clients:
        c.send(c.request_bytes(fields=[("X-Key", "k1")]))
    assert all(c.response().id == second.id for c in clients)


if __name__ == "__main__":
    holdfast.main()
