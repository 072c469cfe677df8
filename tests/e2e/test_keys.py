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
from test_mesh import Mesh

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


# ---- the tag as suffix of the application's cookie ----------------------------------------------

TAG_BYTES = 68
SUFFIXED = {"tag": {"suffix": "JSESSIONID"}}


def java(connection, request):
    """Issues JSESSIONID where there is none that it knows, another at /login, the same again at /touch, and
    takes it away at /logout."""
    key = cookies_of(request).get("JSESSIONID")
    fields = [("Set-Cookie", "OTHER=1; Path=/")]
    if request.target == "/logout":
        fields.append(("Set-Cookie", "JSESSIONID=; Max-Age=0; Path=/app"))
    elif request.target == "/touch":
        fields.append(("Set-Cookie", f"JSESSIONID={key}; Path=/app; Max-Age=60"))
    elif key is None or request.target == "/login":
        connection.origin.serial = getattr(connection.origin, "serial", 0) + 1
        issued = f"{connection.origin.id}{connection.origin.serial}~x.node"
        fields.append(("Set-Cookie", f"JSESSIONID={issued}; Path=/app; HttpOnly"))
    tell(connection, request, fields)


def issued(r, name="JSESSIONID"):
    """(id, tag, attributes) of the one Set-Cookie of that name; None: there is none."""
    lines = [v for v in r.fields.all("Set-Cookie") if v.startswith(name + "=")]
    assert len(lines) <= 1, lines
    if not lines:
        return None
    value, _, attributes = lines[0].partition(";")
    id, mark, tag = value[len(name) + 1:].rpartition("~")
    assert mark and len(tag) == TAG_BYTES, f"no suffix: {lines[0]}"
    return id, tag, attributes.strip()


def seen(r):
    """The session ids that the member got."""
    return [c.strip()[11:] for v in r.got.all("Cookie") for c in v.split(";") if c.strip().startswith("JSESSIONID=")]


def test_a_suffix_on_the_applications_cookie():
    p = Holdfast(origins(java), session=SUFFIXED)
    elsewhere = 0
    for _ in range(20):
        b = p.browser()
        first = b.get()
        id, _, attributes = issued(first)
        assert attributes == "Path=/app; HttpOnly", "the attributes are the application's"
        assert [v.split("=")[0] for v in first.fields.all("Set-Cookie")] == ["OTHER", "JSESSIONID"], "in its order"
        assert first.fields.all("Cache-Control") == ['no-cache="set-cookie"']
        for _ in range(3):
            r = b.get()
            assert r.id == first.id and seen(r) == [id], "the member sees its own id, and nothing else"
            assert session_of(r) == ordering.digest(id) and r.got.get("Holdfast-Primary") == first.id
            assert issued(r) is None and not r.fields.has("Cache-Control")
        elsewhere += home(id) != first.id
    assert elsewhere > 0, "the ordering of the new ids does not happen to be where they were issued"
    p.stop()
    assert not p.events("tag_rejected")


def test_a_cookie_that_is_issued_again_has_its_suffix_again():
    """Each Set-Cookie overwrites what the client holds, with whatever the tag would have said."""
    p = Holdfast(origins(java), session=SUFFIXED)
    b = p.browser()
    first = b.get()
    for _ in range(3):
        r = b.get("/touch")
        id, _, attributes = issued(r)
        assert r.id == first.id and id == issued(first)[0] and attributes == "Path=/app; Max-Age=60"
        assert seen(r) == [id]
    r = b.get("/login")
    id = issued(r)[0]
    assert r.id == first.id and id != issued(first)[0]
    for _ in range(2):
        r = b.get()
        assert r.id == first.id and session_of(r) == ordering.digest(id) and issued(r) is None
    r = b.get("/logout")
    assert [v for v in r.fields.all("Set-Cookie") if "JSESSIONID" in v] == ["JSESSIONID=; Max-Age=0; Path=/app"]
    p.stop()
    assert not p.events("tag_rejected")


def test_a_suffix_follows_a_failover():
    members = origins(java)
    p = Holdfast(members, session={"tag": {"suffix": "JSESSIONID", "path": "/app", "same_site": "strict",
                                           "max_age": "1h"}}, health=holdfast.CHECKED)
    b = p.browser()
    first = b.get()
    id, tag, _ = issued(first)
    members[IDS.index(first.id)].go()
    moved = b.get()
    assert moved.id != first.id and seen(moved) == [id]
    assert issued(moved)[0] == id and issued(moved)[1] != tag, "the client's id with another tag"
    assert issued(moved)[2] == "Path=/app; Max-Age=3600; HttpOnly; SameSite=Strict", "attributes by configuration"
    members[IDS.index(first.id)].come_back()
    p.wait_event("member_up")
    for _ in range(3):
        r = b.get()
        assert r.id == moved.id and seen(r) == [id] and issued(r) is None, "it stays where it was served last"
        assert r.got.get("Holdfast-Primary") == first.id
    # a client whose cookie had another path holds both, the older one first
    older, newer = f"JSESSIONID={id}~{tag}", f"JSESSIONID={b.cookies['JSESSIONID']}"
    r = p.once(fields=[("Cookie", f"{older}; {newer}")])
    assert r.id == moved.id and seen(r) == [id, id] and r.got.get("Holdfast-Served-Before") == moved.id
    assert issued(r) is None
    p.stop()
    assert not p.events("tag_rejected")


def test_several_cookies_of_the_name_lose_their_suffixes():
    p = Holdfast(origins(java), session=SUFFIXED)
    one, two = p.browser(), p.browser()
    first, other = one.get(), two.get()
    values = one.cookies["JSESSIONID"], two.cookies["JSESSIONID"]
    r = p.once(fields=[("Cookie", f"JSESSIONID={values[0]}; a=b; JSESSIONID={values[1]}"),
                       ("Cookie", f"JSESSIONID=plain; JSESSIONID={values[1]}")])
    assert r.id == first.id and seen(r) == [issued(first)[0], issued(other)[0], "plain", issued(other)[0]]
    assert session_of(r) == ordering.digest(issued(first)[0])
    assert r.got.all("Cookie")[0].split("; ")[1] == "a=b"


def test_suffixes_that_must_not_steer():
    p = Holdfast(origins(java), session=SUFFIXED)
    victims = [p.browser() for _ in range(6)]
    homes = [(b.get(), *b.cookies["JSESSIONID"].rsplit("~", 1)) for b in victims]
    thief = next(k for k in map(str, range(100)) if home(k) != homes[0][0].id)
    rejected = 0

    def assert_by_key(value, key, sees, reasons):
        nonlocal rejected
        r = p.once(fields=[("Cookie", f"JSESSIONID={value}")])
        assert session_of(r) == ordering.digest(key) and r.id == home(key) and seen(r) == [sees], value
        assert not r.got.has("Holdfast-Served-Before")
        assert issued(r)[0] == sees, "it gets a tag of its own"
        if reasons:
            rejected += 1
            assert p.wait_event("tag_rejected", count=rejected)["reason"] in reasons.split()

    _, id, tag = homes[0]
    assert_by_key(f"{thief}~{tag}", thief, thief, "other_session")
    for r, other, transplant in homes[1:]:
        assert_by_key(f"{id}~{transplant}", id, id, "other_session")
    for at in (0, 1, 2, 3, 20, 40, 67):
        forged = tag[:at] + ("A" if tag[at] != "A" else "B") + tag[at + 1:]
        assert_by_key(f"{id}~{forged}", id, id, "bad_mac malformed unknown_secret")
    assert_by_key(f"{id}~{'A' * TAG_BYTES}", id, id, "malformed unknown_secret bad_mac")
    # what is no suffix is part of an id that nobody issued
    for value in (f"{id}~{tag[:-1]}", f"{id}~{tag[1:]}", f"{id}~{tag}A", f"{id}~", f"{id}~{tag[:34]}", f"{id}.{tag}"):
        assert_by_key(value, value, value, "")
    r = p.once(fields=[("Cookie", f"JSESSIONID=~{tag}")])
    assert seen(r) == [""] and session_of(r) not in (ordering.digest(id), ordering.digest(""))
    r = victims[0].get()
    assert r.id == homes[0][0].id and issued(r) is None, "and the session itself is where it was"


def test_an_old_secret_gives_a_new_suffix():
    where = holdfast.folder()
    secrets = []
    for name in ("k1", "k2"):
        path = os.path.join(where, name)
        with open(path, "wb") as f:
            f.write(os.urandom(48))
        os.chmod(path, 0o600)
        secrets.append({"id": name, "file": path})
    members = origins(java)
    p = Holdfast(members, session=SUFFIXED, top={"secrets": secrets[:1]})
    b = p.browser()
    first = b.get()
    p.stop()
    q = Holdfast(members, session=SUFFIXED, top={"secrets": secrets[::-1]})
    b.leave()
    b.address = q.address
    r = b.get()
    assert r.id == first.id and issued(r)[0] == issued(first)[0] and issued(r)[1] != issued(first)[1]
    assert issued(b.get()) is None
    q.stop()
    assert not q.events("tag_rejected")


def test_ids_in_quotes_and_ids_that_are_too_long():
    ids = {"/quoted": '"a b.c"', "/long": "x" * 4017, "/longest": "y" * (4096 - len("JSESSIONID=") - 1 - TAG_BYTES)}

    def behave(connection, request):
        fields = [] if request.fields.has("Cookie") else [("Set-Cookie", f"JSESSIONID={ids[request.target]}; Path=/")]
        tell(connection, request, fields)

    p = Holdfast(origins(behave), session=SUFFIXED)
    for target in ("/quoted", "/longest"):
        b = p.browser()
        first = b.get(target)
        assert len(b.cookies["JSESSIONID"]) == len(ids[target]) + 1 + TAG_BYTES
        r = b.get()
        assert r.id == first.id and seen(r) == [ids[target]]
        assert session_of(r) == ordering.digest(ids[target])
    b = p.browser()
    b.get("/long")
    assert b.cookies["JSESSIONID"] == ids["/long"], "browsers would throw it away with the tag"
    r = b.get()
    assert r.id == home(ids["/long"]) and issued(r) is None


# ---- the tag as suffix of the application's header: MCP -----------------------------------------

MCP = "Mcp-Session-Id"


def mcp(connection, request):
    """An MCP server: issues a session for a request without one, knows only those that it issued."""
    request.read_body()
    known = connection.origin.__dict__.setdefault("known", set())
    id = request.fields.get(MCP)
    if id is None:
        id = os.urandom(8).hex()
        known.add(id)
        return tell(connection, request, [(MCP, id)])
    if request.method == "DELETE":
        known.discard(id)
        return tell(connection, request)
    tell(connection, request, status=200 if id in known else 404)


def call(p, id=None, method="POST", **more):
    with p.client() as c:
        return c.request(method, "/mcp", fields=[(MCP, id)] if id else [], body=b"{}" if method == "POST" else None,
                         **more)


def test_a_client_that_keeps_nothing_but_its_session_id_finds_its_server():
    for keys in (None, ["header:Mcp-Session-Id"], ["bearer:sub", "header:Mcp-Session-Id", "response-header:Mcp-Session-Id"]):
        p = Holdfast(origins(mcp), session={"keys": keys, "tag": {"suffix": "header:Mcp-Session-Id"}})
        elsewhere = 0
        for _ in range(15):
            first = call(p)
            session = first.fields.get(MCP)
            id, _, tag = session.rpartition("~")
            assert len(tag) == TAG_BYTES and first.fields.all("Cache-Control") == ['no-cache="Mcp-Session-Id"']
            assert not first.fields.has("Set-Cookie")
            for _ in range(3):
                r = call(p, session)
                assert r.status == 200 and r.id == first.id and r.got.all(MCP) == [id]
                assert session_of(r) == ordering.digest(id)
                assert not r.fields.has(MCP), "nothing new"
            r = call(p, session, method="DELETE")
            assert r.id == first.id and call(p, session).status == 404
            elsewhere += home(id) != first.id
        assert elsewhere > 0
        p.stop()
        assert not p.events("tag_rejected")


def test_without_the_suffix_such_a_client_goes_where_the_ordering_says():
    """The limit: no table of sessions knows where an id was issued that comes back without a tag."""
    p = Holdfast(origins(mcp), session={"keys": ["header:Mcp-Session-Id", "response-header:Mcp-Session-Id"]})
    for _ in range(10):
        first = call(p)
        id = first.fields.get(MCP)
        r = call(p, id)
        assert r.id == home(id) and r.status == (200 if r.id == first.id else 404)
        with p.client() as c:  # one that keeps the tag as well is at home
            cookie = ("Cookie", "HOLDFAST=" + first.cookies()["HOLDFAST"])
            r = c.request("POST", "/mcp", fields=[(MCP, id), cookie], body=b"{}")
            assert r.status == 200 and r.id == first.id


def test_a_header_suffix_follows_a_failover_when_the_client_does():
    members = origins(mcp)
    p = Holdfast(members, session={"tag": {"suffix": "header:Mcp-Session-Id"}})
    first = call(p)
    session = first.fields.get(MCP)
    for m in members:
        m.__dict__.setdefault("known", set()).add(session.rpartition("~")[0])  # the state is everywhere
    members[IDS.index(first.id)].go()
    moved = call(p, session, method="GET")
    assert moved.id != first.id and moved.fields.get(MCP).rpartition("~")[0] == session.rpartition("~")[0]
    assert moved.fields.get(MCP) != session
    # one that takes the new id says where it was served; one that keeps the old one is moved each time, to the same
    r = call(p, moved.fields.get(MCP), method="GET")
    assert r.id == moved.id and not r.fields.has(MCP) and r.got.get("Holdfast-Served-Before") == moved.id
    r = call(p, session, method="GET")
    assert r.id == moved.id and r.got.get("Holdfast-Served-Before") == first.id
    p.stop()
    assert not p.events("tag_rejected")


def test_header_suffixes_that_must_not_steer():
    p = Holdfast(origins(mcp), session={"tag": {"suffix": "header:Mcp-Session-Id"}})
    (one, a), (two, b) = [(s, r) for r in (call(p), call(p)) for s in [r.fields.get(MCP).rpartition("~")]]
    r = call(p, f"{one[0]}~{two[2]}")
    assert r.id == home(one[0]) and r.got.all(MCP) == [one[0]]
    assert p.wait_event("tag_rejected")["reason"] == "other_session"
    r = call(p, f"{one[0]}~{one[2][:-1]}")
    assert r.id == home(f"{one[0]}~{one[2][:-1]}") and r.status == 404
    # several fields: each is cut, the first counts
    with p.client() as c:
        r = c.request("GET", "/mcp", fields=[(MCP, "".join(one)), (MCP, "".join(two)), (MCP, "plain")])
        assert r.id == a.id and r.got.all(MCP) == [one[0], two[0], "plain"]
        # a field that Connection takes out of the request is nobody's session
        r = c.request("GET", "/mcp", fields=[("Connection", MCP), (MCP, "".join(one)), ("X-After", "1")])
        assert not r.got.has(MCP) and r.got.has("X-After") and session_of(r) != ordering.digest(one[0])
        # nothing but a tag is no id
        r = c.request("GET", "/mcp", fields=[(MCP, "~" + one[2])])
        assert not r.got.has(MCP) and session_of(r) != ordering.digest(one[0])


def test_suffixes_go_through_every_node_of_a_mesh():
    """Whoever takes the request hands it on as it came; the node that serves it cuts and issues the suffix."""
    m = Mesh(behave=mcp, session={"tag": {"suffix": "header:Mcp-Session-Id"}})
    for entry in m.ids:
        first = call(m.nodes[entry])
        id, _, tag = first.fields.get(MCP).rpartition("~")
        assert len(tag) == TAG_BYTES and first.fields.all("Cache-Control") == ['no-cache="Mcp-Session-Id"']
        for i in m.ids:
            r = call(m.nodes[i], first.fields.get(MCP))
            assert r.status == 200 and r.id == first.id and r.got.all(MCP) == [id], (entry, i)
            assert not r.fields.has(MCP)
    for p in m.nodes.values():
        p.stop()
        assert not p.events("tag_rejected")


if __name__ == "__main__":
    holdfast.main()
