"""Session keys of credentials, keys that answers issue, the tag on the application's own session id, and
what caches are told (DESIGN sections 5 and 6)."""

import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import Holdfast, Origin

IDS = "abcde"


def origins(behave=None):
    return [Origin(i, behave) for i in IDS]


def session_of(r):
    return r.got.get("Holdfast-Session")


def home(key):
    return ordering.order(IDS, ordering.digest(key))[0]


def assert_key(p, key, **request):
    """The request's session is that of `key`, and it goes where the ordering says."""
    r = p.once(**request)
    assert session_of(r) == ordering.digest(key), f"{request} is not the session of {key!r}"
    assert r.id == home(key)
    return r


def assert_no_key(p, **request):
    one, two = p.once(**request), p.once(**request)
    assert session_of(one) != session_of(two), f"{request} has a key"


def cookies_of(request):
    return dict(c.strip().split("=", 1) for v in request.fields.all("Cookie") for c in v.split(";") if "=" in c)


def tell(connection, request, fields=(), status=200):
    """The answer of answer_json, with these fields as well."""
    told = {"id": connection.origin.id, "fields": request.fields}
    connection.answer(status, json.dumps(told).encode(), [("Content-Type", "application/json"), *fields])


# ---- credentials --------------------------------------------------------------------------------


def jwt(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_key_from_a_claim_of_a_bearer_token():
    p = Holdfast(origins(), session={"keys": ["bearer:sub"]})
    for n, user in enumerate(("ann", "bob", "\u00e4nn", "a" * 1000)):
        token = jwt(iss="x", exp=1700000000 + n, sub=user, nested={"sub": "other"})
        r = assert_key(p, user.encode().decode("latin-1"), fields=[("Authorization", "Bearer " + token)])
        assert r.got.all("Authorization") == ["Bearer " + token], "the credentials are the member's, unchanged"
    assert_key(p, "4711", fields=[("authorization", "bearer " + jwt(sub=4711))])
    for other in ("Bearer opaque", "Bearer a.b.c", "Bearer " + jwt(sub="ann")[:-30], "Bearer " + jwt(user="ann"),
                  "Bearer " + jwt(sub=["ann"]), "Bearer " + jwt(sub=1.5), "Bearer " + jwt(sub=""),
                  "Bearer " + jwt(sub="ann") + ".x.y", "Basic " + jwt(sub="ann"), jwt(sub="ann")):
        assert_no_key(p, fields=[("Authorization", other)])


def test_a_token_without_a_good_signature_names_a_session_all_the_same():
    """Read, not trusted: the key steers, and who may do what is the member's decision."""
    p = Holdfast(origins(), session={"keys": ["bearer:sub"]})
    head, payload, _ = jwt(sub="ann").split(".")
    for token in (f"{head}.{payload}.", f"{head}.{payload}.AAAA", jwt(sub="ann", admin=True)):
        assert_key(p, "ann", fields=[("Authorization", "Bearer " + token)])


def test_key_from_the_user_of_basic_credentials():
    p = Holdfast(origins(), session={"keys": ["basic:user | before:@ | lower"]})

    def basic(text):
        return "Basic " + base64.b64encode(text.encode()).decode()
    for text in ("ann:secret", "ann:other", "Ann:", "ANN@shop.example:a:b:c"):
        r = assert_key(p, "ann", fields=[("Authorization", basic(text))])
        assert r.got.all("Authorization") == [basic(text)]
    for other in (basic("ann"), basic(":secret"), basic("a\nb:x"), "Basic YW5uOng", "Basic", "Bearer YW5uOng=", "x"):
        assert_no_key(p, fields=[("Authorization", other)])
    p.stop()
    text = open(p.failover_path).read() + open(p.access_path).read() + p.stderr
    assert "secret" not in text and "ann" not in text


# ---- keys that stand in answers alone -----------------------------------------------------------


def test_a_key_learned_from_an_answer_is_carried_by_the_tag():
    """The application names its session in an answer's header and never sees a key in requests."""
    def behave(connection, request):
        if request.target == "/begin":
            return tell(connection, request, [("X-Sid", f"issued-by-{connection.origin.id}")])
        tell(connection, request)

    p = Holdfast(origins(behave), session={"keys": ["response-header:X-Sid"]})
    for _ in range(10):
        b = p.browser()
        first = b.get("/begin")
        assert first.fields.has("Set-Cookie")
        for _ in range(3):
            r = b.get("/go", fields=[("X-Sid", "nobody-reads-this")])
            assert r.id == first.id and session_of(r) == ordering.digest(f"issued-by-{first.id}")
            assert not r.fields.has("Set-Cookie")
        again = b.get("/begin")
        assert again.id == first.id and not again.fields.has("Set-Cookie"), "the same key is nothing new"
    p.stop()
    assert not p.events("tag_rejected") and len(p.events("rehomed", reason="key_changed")) == 10


def test_a_learned_key_survives_its_server():
    """The digest is the key's, so every node finds the same backup for it."""
    def behave(connection, request):
        fields = [("Set-Cookie", f"SID={connection.origin.id}1; Path=/")] if request.target == "/login" else []
        tell(connection, request, fields)

    members = origins(behave)
    p = Holdfast(members, session={"keys": ["response-cookie:SID"]})
    b = p.browser()
    first = b.get("/login")
    members[IDS.index(first.id)].go()
    r = b.get()
    order = [i for i in ordering.order(IDS, ordering.digest(first.id + "1")) if i != first.id]
    assert r.id == order[0] and session_of(r) == ordering.digest(first.id + "1")
    assert r.got.get("Holdfast-Primary") == first.id


def test_a_key_issued_in_a_header_comes_back_in_the_query():
    def behave(connection, request):
        fields = [] if "sid=" in request.target else [("X-Sid", f"{connection.origin.id}77")]
        tell(connection, request, fields)

    p = Holdfast(origins(behave), session={"keys": ["query:sid", "response-header:X-Sid"]})
    for _ in range(10):
        b = p.browser()
        first = b.get("/")
        r = b.get(f"/?sid={first.fields.get('X-Sid')}")
        assert r.id == first.id and session_of(r) == ordering.digest(first.fields.get("X-Sid"))
    p.stop()
    assert not p.events("tag_rejected")


# ---- what caches are told -----------------------------------------------------------------------

# What a member says in Cache-Control, and what its answer says when a cookie carries a new tag.
TOLD = [
    (None, ['no-cache="set-cookie"']),
    ("public, max-age=60", ["public, max-age=60", 'no-cache="set-cookie"']),
    ("private", ["private"]),
    ("no-store", ["no-store"]),
    ("no-cache, must-revalidate", ["no-cache, must-revalidate"]),
    ('no-cache="X-Other"', ['no-cache="X-Other, set-cookie"']),
    ('no-cache="Set-Cookie"', ['no-cache="Set-Cookie"']),
    ('max-age=60, x="open', ['no-store, max-age=60, x="open']),
]


def test_caches_are_told_of_a_tag_and_of_nothing_else():
    said = []

    def behave(connection, request):
        tell(connection, request, [("Cache-Control", said[0])] if said[0] is not None else [])

    p = Holdfast(origins(behave))
    for value, told in TOLD:
        said[:] = [value]
        b = p.browser()
        r = b.get()
        assert r.fields.has("Set-Cookie") and r.fields.all("Cache-Control") == told, (value, r.head)
        r = b.get()
        assert not r.fields.has("Set-Cookie")
        assert r.fields.all("Cache-Control") == ([] if value is None else [value]), "without a tag it is as it came"


def test_caches_are_told_of_a_tag_in_a_header():
    def behave(connection, request):
        tell(connection, request, [("Cache-Control", 'no-cache="set-cookie", max-age=60')])

    p = Holdfast(origins(), session={"tag": {"header": "X-Tag"}})
    assert p.once().fields.all("Cache-Control") == ['no-cache="X-Tag"']
    p = Holdfast(origins(behave), session={"tag": {"header": "X-Tag"}})
    assert p.once().fields.all("Cache-Control") == ['no-cache="set-cookie, X-Tag", max-age=60']


def test_attributes_of_the_cookie():
    p = Holdfast(origins(), session={"tag": {"cookie": "__Host-T", "secure": True, "same_site": "none",
                                             "partitioned": True, "max_age": "1h"}})
    line = p.once().fields.get("Set-Cookie")
    assert line.split("; ")[1:] == ["Path=/", "Max-Age=3600", "Secure", "HttpOnly", "SameSite=None", "Partitioned"]


if __name__ == "__main__":
    holdfast.main()
