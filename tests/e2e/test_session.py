"""Whose session is a request: keys, tags, secrets (DESIGN sections 5 and 6)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import Holdfast, Origin, answer_json, answering, member

IDS = "abcde"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def origins(behave=None):
    return [Origin(i, behave) for i in IDS]


def session_of(r):
    return r.got.get("Holdfast-Session")


def assert_key(p, key, ids=IDS, **request):
    """The request's session is that of `key`, and it goes where the ordering says."""
    r = p.once(**request)
    assert session_of(r) == ordering.digest(key), f"{request} is not the session of {key!r}"
    assert r.id == ordering.order(ids, session_of(r))[0]
    return r


def assert_no_key(p, **request):
    one, two = p.once(**request), p.once(**request)
    assert session_of(one) != session_of(two), f"{request} has a key"


def test_a_session_that_holdfast_issues_stays_at_home():
    p = Holdfast(origins())
    homes = set()
    for _ in range(20):
        b = p.browser()
        first = b.get()
        assert first.fields.has("Set-Cookie")
        for n in range(2, 5):
            r = b.get()
            assert r.id == first.id and session_of(r) == session_of(first) and r.json["count"] == n
            assert not r.fields.has("Set-Cookie"), "a tag is sent only when it says something new"
        homes.add(first.id)
    assert len(homes) > 1
    p.stop()
    assert [e["affinity"] for e in p.requests()].count("new") == 20
    assert {e["affinity"] for e in p.requests()} == {"new", "hit"}
    assert len(p.events("assigned")) == 20


def test_key_from_a_cookie():
    p = Holdfast(origins(), session={"keys": ["cookie:SID"]})
    assert_key(p, "k1", fields=[("Cookie", "SID=k1")])
    assert_key(p, "k1", fields=[("Cookie", "a=b; SID=k1; c=d")])
    assert_key(p, "k2", fields=[("Cookie", "a=b"), ("Cookie", "SID=k2; SID=k3")])
    assert_key(p, '"q"', fields=[("Cookie", 'SID="q"')])
    for other in ("sid=k1", "SIDE=k1", "XSID=k1", "SID=", "a=SID=k1"):
        assert_no_key(p, fields=[("Cookie", other)])
    r = p.once(fields=[("Cookie", "a=b; SID=k1; c=d")])
    assert r.got.all("Cookie") == ["a=b; SID=k1; c=d"], "the key is the member's as well"


def test_key_from_a_header():
    p = Holdfast(origins(), session={"keys": ["header:X-Session-Id"]})
    assert_key(p, "k1", fields=[("X-Session-Id", "k1")])
    assert_key(p, "k1", fields=[("x-session-ID", "  k1 ")])
    assert_no_key(p, fields=[("X-Session-Id", "")])
    assert_no_key(p, fields=[("X-Session", "k1")])


def test_key_from_the_query():
    p = Holdfast(origins(), session={"keys": ["query:sid"]})
    assert_key(p, "k1", target="/?sid=k1")
    assert_key(p, "k1", target="/x?a=b&sid=k1&c=d")
    assert_key(p, "k%31", target="/?sid=k%31")
    for target in ("/", "/?sid=", "/?asid=k1", "/?sidx=k1", "/sid=k1", "/?a=?sid=k1"):
        assert_no_key(p, target=target)


def test_key_from_the_path():
    p = Holdfast(origins(), session={"keys": ["path:^/s/([a-z0-9]+)/"]})
    assert_key(p, "k1", target="/s/k1/x")
    assert_key(p, "k1", target="/s/k1/y?z=1")
    for target in ("/s/k1", "/s//x", "/x/s/k1/", "/?/s/k1/"):
        assert_no_key(p, target=target)


def test_key_from_the_address():
    p = Holdfast(origins(), session={"keys": ["ip"]})
    for source in ("127.1.2.3", "127.1.2.4", "127.200.0.1"):
        with p.client(source=source) as c, p.client(source=source) as d:
            r, again = c.get(), d.get()
            assert session_of(r) == session_of(again) and r.id == again.id
            assert r.id == ordering.order(IDS, session_of(r))[0]
    p.stop()
    assert len({e["session"] for e in p.requests()}) == 3


def test_options_of_a_key():
    p = Holdfast(origins(), session={"keys": ["cookie:SID | before:. | lower", "header:X-Key | after:!"]})
    assert_key(p, "abc", fields=[("Cookie", "SID=ABC.node1")])
    assert_key(p, "abc", fields=[("Cookie", "SID=abc")])
    assert_key(p, "Abc", fields=[("X-Key", "node1!Abc")])
    assert_key(p, "Abc", fields=[("X-Key", "Abc")])


def test_the_first_rule_that_matches():
    p = Holdfast(origins(), session={"keys": ["cookie:SID", "header:X-Key", "query:sid"]})
    assert_key(p, "c", fields=[("Cookie", "SID=c"), ("X-Key", "h")], target="/?sid=q")
    assert_key(p, "h", fields=[("X-Key", "h")], target="/?sid=q")
    assert_key(p, "q", target="/?sid=q")
    assert_no_key(p)


def test_a_pool_key_changes_the_ordering_secretly():
    shared = holdfast.folder()
    path = os.path.join(shared, "pool.key")
    with open(path, "w") as f:
        f.write("00112233445566778899aabbccddeeff\n")
    os.chmod(path, 0o600)
    fields = [("X-Key", "k1")]
    p = Holdfast(origins(), session={"keys": ["header:X-Key"], "pool_key": path})
    q = Holdfast(origins(), session={"keys": ["header:X-Key"], "pool_key": path})
    assert session_of(p.once(fields=fields)) == session_of(q.once(fields=fields)) != ordering.digest("k1")


def test_a_tag_in_a_header():
    p = Holdfast(origins(answering_with_tag), session={"tag": {"header": "X-Tag"}})
    first = p.once()
    tags = first.fields.all("X-Tag")
    assert len(tags) == 1 and tags[0] != "members-own" and not first.fields.has("Set-Cookie")
    for _ in range(3):
        r = p.once(fields=[("x-tag", tags[0])])
        assert r.id == first.id and session_of(r) == session_of(first)
        assert not r.got.has("X-Tag") and not r.fields.has("X-Tag")
    r = p.once(fields=[("X-Tag", "rubbish")])
    assert session_of(r) != session_of(first) and not r.got.has("X-Tag") and r.fields.has("X-Tag")
    assert p.wait_event("tag_rejected")["reason"] == "malformed"


def answering_with_tag(connection, request):
    """answer_json with a header that pretends to be a tag."""
    told = holdfast.json.dumps({"id": connection.origin.id, "fields": request.fields}).encode()
    connection.answer(200, told, [("X-Tag", "members-own")])


def test_keys_and_tags_stand_in_no_log():
    p = Holdfast(origins(), session={"keys": ["cookie:SID"]}, level="debug")
    b = p.browser()
    b.cookies["SID"] = "verysecretkey"
    b.get()
    tag = b.cookies["HOLDFAST"]
    b.cookies["SID"] = "othersecretkey"
    b.get()
    p.wait_event("tag_rejected", reason="other_session")
    p.wait_request(count=2)
    digest = ordering.digest("verysecretkey")
    text = open(p.failover_path).read() + open(p.access_path).read() + p.stderr
    for secret in ("secretkey", tag, digest, digest[:12]):
        assert secret not in text, secret
    assert digest[:8] in text


# ---- tags that must not steer -------------------------------------------------------------------


def assert_rejected(p, tag, reasons, session):
    """A request with this tag is somebody else's, gets a new tag, and is logged."""
    before = len(p.events("tag_rejected"))
    r = p.once(fields=[("Cookie", f"HOLDFAST={tag}")])
    assert r.status == 200 and session_of(r) != session and r.cookies().get("HOLDFAST") not in (None, tag)
    assert not r.got.has("Cookie") and not r.got.has("Holdfast-Served-Before")
    event = p.wait_event("tag_rejected", count=before + 1)
    assert event["reason"] in reasons.split(), (tag, event)
    return r


def test_an_altered_tag():
    p = Holdfast(origins())
    b = p.browser()
    session = session_of(b.get())
    tag = b.cookies["HOLDFAST"]
    reasons = set()
    for at in range(len(tag)):
        other = LETTERS[(LETTERS.index(tag[at]) + 1 + at % 63) % 64]
        r = p.once(fields=[("Cookie", f"HOLDFAST={tag[:at]}{other}{tag[at + 1:]}")])
        assert session_of(r) != session and r.cookies().get("HOLDFAST"), f"character {at}"
        reasons.add(p.wait_event("tag_rejected", count=at + 1)["reason"])
    assert "bad_mac" in reasons and reasons <= {"bad_mac", "malformed", "unknown_secret"}, reasons


def test_a_truncated_or_lengthened_tag():
    p = Holdfast(origins())
    b = p.browser()
    session = session_of(b.get())
    tag = b.cookies["HOLDFAST"]
    for bad in (tag[:-1], tag[:34], tag[1:], tag + "A", tag + tag, tag[:4], "A", "0" * 4000, "=" * 68, "%" * 68,
                '"' + tag + '"'):
        assert_rejected(p, bad, "malformed", session)
    r = p.once(fields=[("Cookie", f"HOLDFAST={tag}")])
    assert session_of(r) == session


def test_a_made_up_tag():
    p = Holdfast(origins())
    for letter in "AQ_9":
        r = p.once(fields=[("Cookie", "HOLDFAST=" + letter * 68)])
        assert r.status == 200 and r.cookies().get("HOLDFAST")
    assert len(wait_rejected(p, 4)) == 4


def wait_rejected(p, count):
    p.wait_event("tag_rejected", count=count)
    return p.events("tag_rejected")


def test_a_tag_of_another_session_with_a_key():
    p = Holdfast(origins(), session={"keys": ["cookie:SID"]})
    thief, victim = "thief", next(k for k in map(str, range(100)) if home(k) != home("thief"))
    b = p.browser()
    b.cookies["SID"] = victim
    b.get()
    r = p.once(fields=[("Cookie", f"SID={thief}; HOLDFAST={b.cookies['HOLDFAST']}")])
    assert r.id == home(thief) and session_of(r) == ordering.digest(thief)
    assert p.wait_event("tag_rejected")["reason"] == "other_session"
    assert r.cookies().get("HOLDFAST")


def home(key):
    return ordering.order(IDS, ordering.digest(key))[0]


def test_a_tag_of_another_service():
    a, b = Origin("a"), Origin("b")
    plain = {"health": {"enabled": False}}
    p = Holdfast([], services=[
        {"name": "one", "hosts": ["one.example"], **plain, "members": [member(a), member(b)]},
        {"name": "two", "hosts": ["two.example"], **plain, "members": [member(a), member(b)]}])
    r = p.once(host="one.example")
    tag, session = r.cookies()["HOLDFAST"], session_of(r)
    other = p.once(host="two.example", fields=[("Cookie", f"HOLDFAST={tag}")])
    assert session_of(other) != session and other.cookies().get("HOLDFAST")
    event = p.wait_event("tag_rejected")
    assert event["reason"] in ("bad_mac", "other_pool") and event["service"] == "two"
    assert session_of(p.once(host="one.example", fields=[("Cookie", f"HOLDFAST={tag}")])) == session


def test_a_tag_of_another_holdfast():
    """Each made its own secret."""
    p, q = Holdfast(origins()), Holdfast(origins())
    r = p.once()
    assert_rejected(q, r.cookies()["HOLDFAST"], "bad_mac unknown_secret", session_of(r))


# ---- secrets ------------------------------------------------------------------------------------


def secret(where, name):
    path = os.path.join(where, name)
    if not os.path.exists(path):
        with open(path, "wb") as f:
            f.write(os.urandom(48))
        os.chmod(path, 0o600)
    return {"id": name, "file": path}


def test_secrets_rotate_without_losing_a_session():
    where = holdfast.folder()
    k1, k2 = secret(where, "k1"), secret(where, "k2")
    members = origins()
    p = Holdfast(members, top={"secrets": [k1]})
    browsers = [p.browser() for _ in range(10)]
    homes = [(b.get().id, b.cookies["HOLDFAST"]) for b in browsers]
    p.stop()
    q = Holdfast(members, top={"secrets": [k2, k1]})
    for b, (id, tag) in zip(browsers, homes):
        b.leave()
        b.address = q.address
        r = b.get()
        assert r.id == id and r.cookies()["HOLDFAST"] != tag, "signed anew under the first secret"
        assert not b.get().fields.has("Set-Cookie")
    q.stop()
    assert not q.events("tag_rejected")
    r = Holdfast(members, top={"secrets": [k2]})
    for b, (id, tag) in zip(browsers, homes):
        b.leave()
        b.address = r.address
        assert b.get().id == id
    old = r.once(fields=[("Cookie", f"HOLDFAST={homes[0][1]}")])
    assert old.cookies().get("HOLDFAST")
    r.stop()
    assert [e["reason"] for e in r.events("tag_rejected")] == ["unknown_secret"]


def test_nodes_with_the_same_secrets_take_each_others_tags():
    where = holdfast.folder()
    k1 = secret(where, "k1")
    members = origins()
    p, q = (Holdfast(members, top={"secrets": [k1]}) for _ in range(2))
    for _ in range(10):
        b = p.browser()
        first = b.get()
        again = q.once(fields=[("Cookie", "HOLDFAST=" + b.cookies["HOLDFAST"])])
        assert again.id == first.id and session_of(again) == session_of(first)
        assert not again.fields.has("Set-Cookie")
    q.stop()
    assert not q.events("tag_rejected")


def test_a_secret_that_was_made_survives_a_restart():
    members = origins()
    p = Holdfast(members)
    b = p.browser()
    first = b.get()
    p.stop()
    made = [f for f in os.listdir(p.where) if "secret" in f]
    assert len(made) == 1 and os.stat(os.path.join(p.where, made[0])).st_mode & 0o777 == 0o600
    holdfast.track(p)
    p.start()
    b.leave()
    r = b.get()
    assert session_of(r) == session_of(first) and r.id == first.id and not r.fields.has("Set-Cookie")


# ---- the application's own key ------------------------------------------------------------------


def application(connection, request):
    """Issues JSESSIONID where there is none, a new one at /login, takes it away at /logout."""
    cookies = dict(c.strip().split("=", 1) for v in request.fields.all("Cookie") for c in v.split(";") if "=" in c)
    fields = [("Content-Type", "application/json")]
    if request.target == "/logout":
        fields.append(("Set-Cookie", "JSESSIONID=; Max-Age=0; Path=/"))
    elif "JSESSIONID" not in cookies or request.target == "/login":
        connection.origin.serial = getattr(connection.origin, "serial", 0) + 1
        issued = f"{connection.origin.id}{connection.origin.serial}"
        fields.append(("Set-Cookie", f"JSESSIONID={issued}; Path=/; HttpOnly"))
    told = {"id": connection.origin.id, "fields": request.fields}
    connection.answer(200, holdfast.json.dumps(told).encode(), fields)


def test_a_key_that_the_member_issues_is_followed():
    p = Holdfast(origins(application), session={"keys": ["cookie:JSESSIONID"]})
    for _ in range(10):
        b = p.browser()
        first = b.get()
        assert len([v for v in first.fields.all("Set-Cookie") if v.startswith("HOLDFAST=")]) == 1
        for _ in range(3):
            r = b.get()
            assert r.id == first.id, "the session went away from where it was made"
            assert session_of(r) == ordering.digest(b.cookies["JSESSIONID"])
            assert r.got.get("Holdfast-Primary") == first.id
            assert not r.fields.has("Set-Cookie")
    p.stop()
    assert not p.events("tag_rejected")
    assert len(p.events("rehomed", reason="key_changed")) == 10


def test_a_key_that_changes_at_login_is_followed():
    p = Holdfast(origins(application), session={"keys": ["cookie:JSESSIONID"]})
    for _ in range(5):
        b = p.browser()
        id, key = b.get().id, b.cookies["JSESSIONID"]
        tag = b.cookies["HOLDFAST"]
        assert b.get("/login").id == id
        assert b.cookies["JSESSIONID"] != key and b.cookies["HOLDFAST"] != tag
        for _ in range(2):
            r = b.get()
            assert r.id == id and session_of(r) == ordering.digest(b.cookies["JSESSIONID"])
    p.stop()
    assert not p.events("tag_rejected")
    assert len(p.events("rehomed")) == 10


def test_a_key_that_the_member_deletes_changes_nothing():
    p = Holdfast(origins(application), session={"keys": ["cookie:JSESSIONID"]})
    b = p.browser()
    id = b.get().id
    r = b.get("/logout")
    assert r.id == id and "HOLDFAST" not in r.cookies()
    p.stop()
    assert len(p.events("rehomed")) == 1, "of the first answer"


def test_a_key_that_a_header_issues_is_followed():
    def behave(connection, request):
        if request.fields.has("X-Session-Id"):
            return answer_json(connection, request)
        told = holdfast.json.dumps({"id": connection.origin.id, "fields": request.fields}).encode()
        connection.answer(200, told, [("X-Session-Id", f"issued-by-{connection.origin.id}")])

    p = Holdfast(origins(behave), session={"keys": ["header:X-Session-Id"], "tag": {"header": "X-Tag"}})
    for _ in range(10):
        first = p.once()
        key = first.fields.get("X-Session-Id")
        r = p.once(fields=[("X-Session-Id", key), ("X-Tag", first.fields.get("X-Tag"))])
        assert r.id == first.id and session_of(r) == ordering.digest(key)
    p.stop()
    assert not p.events("tag_rejected")


def test_options_apply_to_a_key_that_is_issued():
    """JSESSIONID=abc.node1: the part before the dot is the session, in both directions."""
    def behave(connection, request):
        if request.fields.has("Cookie"):
            return answer_json(connection, request)
        connection.answer(200, b"{}", [("Set-Cookie", "JSESSIONID=abc.node1; Path=/")])

    p = Holdfast(origins(behave), session={"keys": ["cookie:JSESSIONID | before:."]})
    b = p.browser()
    b.get()
    b.cookies["JSESSIONID"] = "abc.node2"
    r = b.get()
    assert session_of(r) == ordering.digest("abc") and not r.fields.has("Set-Cookie")
    p.stop()
    assert not p.events("tag_rejected")


def test_a_service_without_sessions_of_its_own_still_answers():
    p = Holdfast([Origin("a", answering(200, b"hi"))])
    for _ in range(3):
        assert p.once().body == b"hi"


if __name__ == "__main__":
    holdfast.main()
