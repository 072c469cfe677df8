"""conf/examples/: each file as it is shipped, with addresses of our own, before a small application of its kind."""

import glob
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cluster
import holdfast
import ordering
import test_proxy_out_tls
import tls
from dns import Dns
from h2_origin import H2Origin
from holdfast import ROOT, Holdfast, Origin, wait_until
from http2 import Connection, SecureConnection

EXAMPLES = os.path.join(ROOT, "conf", "examples")
MEMBER = re.compile(r'\{ id = "([^"]+)"; origin = "([^"]+)";')
WEBSOCKET = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
             ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


def shipped(name):
    with open(os.path.join(EXAMPLES, name + ".conf")) as f:
        return f.read()


class App:
    """A server's memory: sessions, gone when it dies. handle(connection, request) answers."""

    accepted = None  # of each connection, before its first byte

    def __init__(self, id):
        self.id = id
        self.sessions = {}
        self.lock = threading.Lock()
        self.origin = None

    def behave(self, connection, request):
        request.read_body()
        with self.lock:
            return self.handle(connection, request)

    def answer(self, connection, status=200, fields=(), **what):
        connection.answer(status, json.dumps({"id": self.id, **what}).encode(), fields)

    def die(self):
        self.origin.go()
        self.sessions = {}

    def come_back(self):
        self.origin.come_back()


class Example(Holdfast):
    """The very file; only addresses, log files and state_dir are ours. `apps`: by member id."""

    def __init__(self, name, kind, certificates=None, context=None):
        """context: the members' TLS."""
        super().__init__([], start=False)
        text = shipped(name)
        self.apps = {}
        for id, address in MEMBER.findall(text):
            app = self.apps[id] = kind(id)
            place = f"unix:{os.path.join(self.where, id)}" if address.startswith("unix:") else None
            app.origin = (kind.origin(app) if hasattr(kind, "origin")
                          else tls.TlsOrigin(id, context, app.behave) if context
                          else Origin(id, app.behave, address=place))
            app.origin.on_accept = app.accepted
            assert text.count(f'"{address}"') == 1, address
            text = text.replace(f'"{address}"', f'"{holdfast.text_of(app.origin.address)}"')
        if re.search(r'listeners = \( \{ address = "unix:', text):
            self.address = f"unix:{os.path.join(self.where, 'listener')}"
        text, listeners = re.subn(r'(listeners = \( \{ address = )"[^"]+"', rf'\1"{holdfast.text_of(self.address)}"', text)
        assert listeners == 1 and "\nstate_dir" not in text and len(self.apps) >= 2
        text = text.replace("/var/log/holdfast", self.where).replace("/etc/holdfast/tls", str(certificates))
        with open(self.conf_path, "w") as f:
            f.write(f'state_dir = "{self.where}";\n' + text)
        self.start()

    def wait_up(self, id):
        wait_until(lambda: any(e["evidence"] for e in self.events("member_up") if f'"{id}"' in json.dumps(e)),
                   f"{id} is up again")


def upgraded(r):
    return r.status == 101


def test_every_example_has_a_test():
    names = {os.path.basename(p)[:-5] for p in glob.glob(os.path.join(EXAMPLES, "*.conf"))}
    with open(__file__) as f:
        tested = set(re.findall(r'(?:Example|shipped)\("([a-z0-9-]+)"', f.read()))
    assert names == tested, names ^ tested


class Plain(App):
    def handle(self, connection, request):
        self.answer(connection)


def test_minimal():
    p = Example("minimal", Plain)
    b = p.browser()
    home = b.get().id
    assert [b.get().id for _ in range(5)] == [home] * 5
    p.apps[home].die()
    other, = set(p.apps) - {home}
    assert [b.get().id for _ in range(3)] == [other] * 3


# ---- TLS to the servers -------------------------------------------------------------------------


def test_tls_to_members():
    root = tls.Authority("members-ca")
    shutil.copy(root.file, os.path.join(root.where, "members-ca.pem"))
    root.issue("holdfast", usage="clientAuth")
    p = Example("tls-to-members", Plain, root.where, tls.server_context(root.issue("app.internal.example"), root))
    b = p.browser()
    home = b.get().id
    assert [b.get().id for _ in range(5)] == [home] * 5
    told = p.apps[home].origin
    assert set(told.subjects) == {"holdfast"} and set(told.names) == {"app.internal.example"}, (told.subjects, told.names)
    p.apps[home].die()
    other, = set(p.apps) - {home}
    assert [b.get().id for _ in range(3)] == [other] * 3


# ---- gRPC ---------------------------------------------------------------------------------------


class Calls(App):
    """A server of gRPC: a message is answered with its server's id, a call with trailers."""

    @staticmethod
    def origin(app):
        return H2Origin(app.id, app.call)

    def call(self, s):
        body = s.read_body()
        assert s.fields.get("te") == "trailers" and s.fields.get("content-type") == "application/grpc"
        s.answer(200, self.id.encode() + body, [("content-type", "application/grpc")],
                 trailers=[("grpc-status", "0")], length=False)


def test_grpc():
    p = Example("grpc", Calls)
    fields = [("te", "trailers"), ("content-type", "application/grpc"), ("x-user-id", "u1")]

    def call():
        with Connection(p.address) as c:
            r = c.request("POST", "/chat.Chat/Say", fields, b"hello")
            assert r.status == 200 and r.body[1:] == b"hello" and r.trailers == [("grpc-status", "0")]
            return r.body[:1].decode()
    home = call()
    assert [call() for _ in range(5)] == [home] * 5
    p.apps[home].die()
    other, = set(p.apps) - {home}
    assert [call() for _ in range(3)] == [other] * 3


# ---- TLS behind a load balancer -----------------------------------------------------------------


class Told(App):
    def handle(self, connection, request):
        self.answer(connection, fields_of=dict(request.fields))


def test_tls():
    root = tls.Authority()
    for name in ("shop.example", "api.example"):
        root.issue(name)
    p = Example("tls", Told, root.where)
    for name in ("shop.example", "api.example"):
        with tls.TlsClient(p.address, root, name=name, first=b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\n") as c:
            r = c.get("/")
            assert r.json["fields_of"]["X-Forwarded-For"] == "192.0.2.7"
            assert r.json["fields_of"]["X-Forwarded-Proto"] == "https"
            assert "; Secure" in r.fields.get("Set-Cookie")


def test_http2():
    """Many requests at once on a connection are one session; it goes on when its server dies."""
    root = tls.Authority()
    root.issue("shop.example")
    p = Example("http2", Told, root.where)
    with SecureConnection(p.address, root) as c:
        first = c.get("/")
        home, tag = first.json["id"], [("cookie", "; ".join(f"{n}={v}" for n, v in first.cookies().items()))]
        answers = [c.answer(s) for s in [c.open(path=f"/{n}", fields=tag) for n in range(20)]]
        assert [r.json["id"] for r in answers] == [home] * 20
        assert all(r.json["fields_of"]["X-Forwarded-Proto"] == "https" for r in answers)
        p.apps[home].die()
        other, = set(p.apps) - {home}
        moved = c.get("/moved", fields=tag)
        assert moved.json["id"] == other and moved.cookies()
    assert p.wait_request(target="/moved")["protocol"] == "HTTP/2.0"
    with tls.TlsClient(p.address, root) as c:
        assert c.get("/plain").status == 200
    assert p.wait_request(target="/plain")["protocol"] == "HTTP/1.1"


class Proxied(Told):
    def accepted(self, connection):
        connection.told = test_proxy_out_tls.read_all(connection.wire.take)

    def handle(self, connection, request):
        client, _, _, tls_told = connection.told
        self.answer(connection, client=client, version=tls_told[test_proxy_out_tls.VERSION].decode())


def test_proxy_protocol():
    root = tls.Authority()
    root.issue("shop.example")
    p = Example("proxy-protocol", Proxied, root.where)
    with tls.TlsClient(p.address, root) as c:
        homes = set()
        for _ in range(4):
            r = c.get(fields=[("Cookie", f"HOLDFAST={cookie}") for cookie in homes and [tag]])
            tag = r.cookies().get("HOLDFAST") or tag
            homes.add(r.id)
            assert r.json["client"] == list(c.sock.getsockname()) and r.json["version"] == c.sock.version()
        assert len(homes) == 1


def test_unix_sockets():
    p = Example("unix-sockets", Told)
    with p.client() as c:
        told = c.get(fields=[("X-Forwarded-For", "192.0.2.7")]).json["fields_of"]
        assert told["X-Forwarded-For"] == "192.0.2.7, unknown", "the web server before it is trusted"
    assert os.stat(p.address.removeprefix("unix:")).st_mode & 0o777 == 0o660


def test_discover():
    d = Dns()
    p = Holdfast([], start=False)
    text = shipped("discover").replace("10.96.0.10", d.text()).replace("/var/log/holdfast", p.where)
    text = text.replace("0.0.0.0:8080", holdfast.text_of(p.address))
    apps = [Origin("a"), Origin("b")]
    for app in apps:
        d.a(f"app-{app.id}.app.internal", app.address[0])
    d.srv("_http._tcp.app.internal", *((0, 1, app.address[1], f"app-{app.id}.app.internal") for app in apps))
    with open(p.conf_path, "w") as f:
        f.write(f'state_dir = "{p.where}";\n' + text)
    p.start()
    assert {p.once().id for _ in range(20)} == {"a", "b"}
    assert f"app-a.app.internal:{apps[0].address[1]}" in p.events("assigned")[0]["order"]


def test_behind_a_proxy():
    p = Example("behind-a-proxy", Told)
    for client in ("192.0.2.7", "192.0.2.8"):
        one = {p.once(fields=[("X-Forwarded-For", f"{chain}{client}")]).id
               for chain in ("", "6.6.6.6, ", "10.0.0.9, ")}
        assert len(one) == 1, "the sessions of one client are one"
    told = p.once(host="shop", fields=[("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")]).json["fields_of"]
    assert told["X-Forwarded-For"] == "192.0.2.7, 127.0.0.1" and told["X-Forwarded-Proto"] == "https"
    assert told["Forwarded"] == "for=192.0.2.7;proto=https, for=127.0.0.1;proto=http;host=shop"


# ---- Java ---------------------------------------------------------------------------------------


class Servlets(App):
    """HttpSession: the id in a cookie or in the path, with the server's name behind it as jvmRoute."""

    def handle(self, connection, request):
        path = request.target.split("?")[0]
        asked = re.search(r";jsessionid=([^;/]+)", path)
        cookie = re.search(r"\bJSESSIONID=([^;]+)", request.fields.get("Cookie") or "")
        id = cookie[1] if cookie else asked[1] if asked else None
        fields = []
        if id not in self.sessions or path == "/login":
            fresh = f"{secrets.token_hex(8).upper()}.worker{self.id}"
            self.sessions[fresh] = self.sessions.pop(id, 0)
            id = fresh
            fields = [("Set-Cookie", f"JSESSIONID={id}; Path=/; HttpOnly")]
        self.sessions[id] += 1
        self.answer(connection, fields=fields, count=self.sessions[id], session=id)


def test_java_jsessionid():
    p = Example("java-jsessionid", Servlets)
    browsers = [p.browser() for _ in range(12)]
    homes = []
    for b in browsers:
        first = b.get("/")
        for n in range(2, 5):
            r = b.get("/cart")
            assert r.id == first.id and r.json["count"] == n, "the session's state is there"
        r = b.request("POST", "/login", body=b"who=me")
        assert r.id == first.id and r.json["count"] == 5 and r.json["session"] != first.json["session"]
        assert b.get("/cart").json["count"] == 6, "a new id at login, and the session stays"
        homes.append(first.id)
    assert len(set(homes)) > 1

    dead = p.apps[homes[0]]
    dead.die()
    moved = browsers[0].get("/cart")
    assert moved.id != dead.id and moved.json["count"] == 1
    assert browsers[0].get("/cart").json["count"] == 2
    others = [b for b, home in zip(browsers, homes) if home != dead.id]
    assert all(b.get("/").json["count"] == 7 for b in others), "nobody else is moved"
    dead.come_back()
    p.wait_up(dead.id)
    assert browsers[0].get("/cart").json["count"] == 3, "the state lives where it was served last"

    with p.client() as c, p.client() as d:  # links that carry the id, and no cookie
        link = f"/shop;jsessionid={secrets.token_hex(8)}.workerx"
        assert len({c.get(link).id, d.get(link + "?page=2").id, c.get(link).id}) == 1


# ---- Socket.IO ----------------------------------------------------------------------------------


class EngineIo(App):
    """Engine.IO version 4, as much as its clients see: sid by the server, in the body and in the cookie `io`."""

    cookies = True

    def handle(self, connection, request):
        query = dict(q.split("=") for q in request.target.partition("?")[2].split("&"))
        if "sid" not in query:
            sid = secrets.token_urlsafe(15)
            self.sessions[sid] = 1
            opened = json.dumps({"sid": sid, "upgrades": ["websocket"], "server": self.id})
            fields = [("Set-Cookie", f"io={sid}; Path=/; HttpOnly")] if self.cookies else []
            connection.answer(200, b"0" + opened.encode(), fields)
        elif query["sid"] not in self.sessions:
            connection.answer(400, b'{"code":1,"message":"Session ID unknown"}')
        elif query["transport"] == "websocket":
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" +
                            self.id.encode())
            connection.wait_end()
            return False
        else:
            connection.answer(200, b"ok" if request.method == "POST" else b"6")


def engine_session(get, query=""):
    """Handshake, a poll, a message, then a WebSocket; returns the server. get(method, target, fields) asks."""
    base = "/socket.io/?EIO=4&" + query
    r = get("GET", base + "transport=polling", [])
    opened = json.loads(r.body[1:])
    for _ in range(3):
        assert get("GET", base + "transport=polling&sid=" + opened["sid"], []).body == b"6"
        assert get("POST", base + "transport=polling&sid=" + opened["sid"], []).body == b"ok"
    r = get("GET", base + "transport=websocket&sid=" + opened["sid"], WEBSOCKET)
    assert upgraded(r), r.line
    return opened["server"]


def test_socketio_in_browsers():
    p = Example("socketio", EngineIo)
    servers = []
    for _ in range(10):
        b = p.browser()
        servers.append(engine_session(lambda method, target, fields: b.request(method, target, fields=fields)))
        assert b.connection.take(1) == servers[-1].encode()
        b.leave()
    assert len(set(servers)) > 1

    b = p.browser()  # its server dies under the WebSocket; it begins again, elsewhere
    first = engine_session(lambda method, target, fields: b.request(method, target, fields=fields))
    p.apps[first].die()
    assert b.connection.take(1) == first.encode() and b.connection.is_ended()
    b.leave()
    second = engine_session(lambda method, target, fields: b.request(method, target, fields=fields))
    assert second != first
    wait_until(lambda: [e["chosen"] for e in p.events("failover")][-1:] == [second], "the log says where it went")


def test_socketio_without_cookies():
    """Each request on a connection of its own, no cookie kept: the client's own id is the key."""
    class WithoutCookie(EngineIo):
        cookies = False

    p = Example("socketio", WithoutCookie)
    for n in range(10):
        server = engine_session(lambda method, target, fields: p.once(target, method=method, fields=fields),
                                f"client=c{n}&")
        want = ordering.order("abc", ordering.digest(f"c{n}", "chat"))
        assert server == want[0]
    p.apps[server].die()
    assert engine_session(lambda method, target, fields: p.once(target, method=method, fields=fields),
                          f"client=c{n}&") == want[1]


# ---- MCP ----------------------------------------------------------------------------------------


class Mcp(App):
    """Streamable HTTP of the Model Context Protocol, as far as sessions go."""

    def handle(self, connection, request):
        id = request.fields.get("Mcp-Session-Id")
        assert id is None or "~" not in id, f"the server sees a tag: {id}"
        call = json.loads(request.body or b"{}")
        if call.get("method") == "initialize":
            fresh = secrets.token_hex(16)
            self.sessions[fresh] = 0
            return self.answer(connection, fields=[("Mcp-Session-Id", fresh)], result={"server": self.id})
        if id not in self.sessions:
            return self.answer(connection, 404, error="session not found")
        if request.method == "DELETE":
            del self.sessions[id]
            return self.answer(connection, 200)
        self.sessions[id] += 1
        if request.method == "GET":
            return connection.answer(200, f"data: {self.id}\n\n".encode(), [("Content-Type", "text/event-stream")])
        return self.answer(connection, result={"server": self.id, "calls": self.sessions[id]})


def test_mcp():
    p = Example("mcp", Mcp)

    def ask(session, http="POST", call=None):
        r = p.once("/mcp", method=http, fields=[("Mcp-Session-Id", session)] if session else [],
                   body=json.dumps({"method": call}).encode() if call else None)
        return r, r.fields.get("Mcp-Session-Id") or session

    homes = []
    for _ in range(12):
        r, session = ask(None, call="initialize")
        home = r.json["result"]["server"]
        assert re.fullmatch(r"[0-9a-f]{32}~[\w-]{68}", session), "the tag travels behind the id"
        for n in range(1, 5):
            r, session = ask(session, call="tools/call")
            assert r.status == 200 and r.json["result"] == {"server": home, "calls": n}
        r, session = ask(session, "GET")
        assert r.body == f"data: {home}\n\n".encode()
        homes.append((home, session))
    assert len({h for h, _ in homes}) > 1

    home, session = homes[0]
    r, _ = ask(homes[1][1], "DELETE")
    assert r.status == 200 and ask(homes[1][1], call="tools/call")[0].status == 404, "it has ended"
    p.apps[home].die()
    r, session = ask(session, call="tools/call")
    assert r.status == 404 and r.json["id"] != home, "the backup has no copy: the client is to initialize"
    r, session = ask(None, call="initialize")
    server = r.json["result"]["server"]
    assert server != home and ask(session, call="tools/call")[0].json["result"] == {"server": server, "calls": 1}


# ---- prompts ------------------------------------------------------------------------------------


class Inference(App):
    """Answers anything; counts what it would have had in its cache."""

    def handle(self, connection, request):
        self.answer(connection, key=request.fields.get("X-Session-Id"))


def test_llm_prompt_cache():
    p = Example("llm-prompt-cache", Inference)
    weights = {"gpu4": 2}
    prompt = b'{"messages": "' + b"x" * 200000 + b'"}'

    def ask(fields):
        return p.once("/v1/chat/completions", method="POST", fields=fields, body=prompt).id

    orders = {}
    for n in range(20):
        order = ordering.order(sorted(p.apps), ordering.digest(f"chat-{n}", "llm"), weights)
        assert {ask([("X-Session-Id", f"chat-{n}"), ("X-User-Id", f"{m}")]) for m in range(3)} == {order[0]}
        orders[n] = order
    assert len({o[0] for o in orders.values()}) == 4
    assert ask([("X-User-Id", "u")]) == ordering.order(sorted(p.apps), ordering.digest("u", "llm"), weights)[0]
    token = "e30.eyJzdWIiOiJ0ZW5hbnQifQ.x"  # {"sub":"tenant"}
    by_claim = ordering.order(sorted(p.apps), ordering.digest("tenant", "llm"), weights)[0]
    assert ask([("Authorization", f"Bearer {token}")]) == by_claim
    sk = ordering.order(sorted(p.apps), ordering.digest("Bearer sk-1", "llm"), weights)[0]
    assert ask([("Authorization", "Bearer sk-1")]) == sk

    dead = p.apps[orders[0][0]]
    dead.die()
    for n, order in orders.items():
        assert ask([("X-Session-Id", f"chat-{n}")]) == next(i for i in order if i != dead.id)
    dead.come_back()
    p.wait_up(dead.id)
    assert ask([("X-Session-Id", "chat-0")]) == dead.id, "home as soon as home is back"


# ---- Jupyter and Shiny --------------------------------------------------------------------------


class Pages(App):
    def handle(self, connection, request):
        if request.fields.has("Upgrade"):
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            connection.wait_end()
            return False
        self.answer(connection, host=request.fields.get("Host"))


def test_jupyter_and_shiny():
    p = Example("jupyter-shiny", Pages)
    for host, service, ids, path in (("notebooks.example", "notebooks", ("n1", "n2", "n3"), "/user/%s/"),
                                     ("shiny.example", "shiny", ("r1", "r2", "r3"), "/app/%s/")):
        for name in ("ada", "grace", "edsger", "barbara"):
            want = ordering.order(ids, ordering.digest(name, service))
            for rest in ("", "api/kernels?x=1", "lab/tree/a.ipynb"):
                assert p.once(path % name + rest, host=host).id == want[0]
            socket = path % name + "websocket"
            assert upgraded(p.once(socket, host=host, fields=WEBSOCKET))
            # Not all that came: checks of these services ask for usual pages.
            assert [i for i in ids for r in p.apps[i].origin.requests if r.target == socket] == [want[0]]
        p.apps[want[0]].die()
        assert p.once(path % name, host=host).id == want[1]
        assert p.once(path % name + "more", host=host).id == want[1]
        b = p.browser()  # no name in the path: by the tag
        assert len({b.request("GET", "/hub/home", host=host).id for _ in range(5)}) == 1
    assert p.once("/", host="other.example").status == 404


# ---- migration ----------------------------------------------------------------------------------


class Counter(App):
    def handle(self, connection, request):
        assert not re.search(r"\b(SRV|srv_id)=", request.fields.get("Cookie") or ""), "the server sees the tag"
        session = request.fields.get("Holdfast-Session")
        self.sessions[session] = self.sessions.get(session, 0) + 1
        self.answer(connection, count=self.sessions[session])


def assert_sticky(p, cookie, attributes):
    """Sessions keep their servers; those of a dead one move, and stay; a cookie of before is nothing."""
    browsers = [p.browser() for _ in range(16)]
    homes = []
    for b in browsers:
        first = b.get()
        set_cookie = first.fields.get("Set-Cookie")
        assert set_cookie.startswith(cookie + "=") and set_cookie.split("; ")[1:] == attributes, set_cookie
        assert 'no-cache="set-cookie"' in first.fields.get("Cache-Control").lower()
        assert [b.get().json for _ in range(3)] == [{"id": first.id, "count": n} for n in (2, 3, 4)]
        homes.append(first.id)
    assert set(homes) == {"a", "b", "c"}
    dead = p.apps["c"]
    dead.die()
    moved = {b: b.get().id for b in browsers}
    assert all(moved[b] == home if home != "c" else moved[b] in "ab" for b, home in zip(browsers, homes))
    dead.come_back()
    p.wait_up("c")
    assert {b: b.get().id for b in browsers} == moved
    with p.client() as c:
        assert c.get(fields=[("Cookie", f"{cookie}=a")]).fields.has("Set-Cookie")
    assert p.wait_event("tag_rejected")["reason"] == "malformed"


def test_from_haproxy_cookie_insert():
    p = Example("from-haproxy-cookie-insert", Counter)
    assert_sticky(p, "SRV", ["Path=/", "HttpOnly", "SameSite=Lax"])
    quoted = "\n".join(re.findall(r"^#   haproxy\.cfg \|(.*)$", shipped("from-haproxy-cookie-insert"), re.M)) + "\n"
    assert re.findall(r"server (\w) ([\d.:]+) .* weight (\d)", quoted) == [
        (m[0], m[1], w) for m, w in zip(MEMBER.findall(shipped("from-haproxy-cookie-insert")), "112")]
    if shutil.which("haproxy"):
        path = os.path.join(p.where, "haproxy.cfg")
        with open(path, "w") as f:
            f.write(quoted)
        done = subprocess.run(["haproxy", "-c", "-f", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_from_mod_jk():
    """The tag behind the container's id, jvmRoute or not; the members are those of workers.properties."""
    p = Example("from-mod-jk", Servlets)
    browsers = [p.browser() for _ in range(12)]
    homes = []
    for b in browsers:
        first = b.get("/shop/")
        assert "~" in b.cookies["JSESSIONID"] and "~" not in first.json["session"], "the container sees its own id alone"
        assert [b.get("/shop/cart").json["count"] for _ in range(3)] == [2, 3, 4]
        homes.append(first.id)
    assert len(set(homes)) > 1 and p.once("/elsewhere").status == 404
    dead = p.apps[homes[0]]
    dead.die()
    moved = browsers[0].get("/shop/cart")
    assert moved.id != dead.id and browsers[0].get("/shop/cart").id == moved.id
    assert all(b.get("/shop/cart").json["count"] == 5 for b, home in zip(browsers, homes) if home != dead.id), "nobody else is moved"
    quoted = "\n".join(re.findall(r"^#   workers\.properties \|(.*)$", shipped("from-mod-jk"), re.M))
    assert re.findall(r"worker\.(\w)\.host=([\d.]+)", quoted) == [(i, o.rsplit(":", 1)[0]) for i, o in MEMBER.findall(shipped("from-mod-jk"))]


def test_from_nginx_sticky():
    p = Example("from-nginx-sticky", Counter)
    assert_sticky(p, "srv_id", ["Path=/", "Max-Age=3600", "HttpOnly", "SameSite=Lax"])
    quoted = "\n".join(re.findall(r"^#   nginx\.conf \|(.*)$", shipped("from-nginx-sticky"), re.M))
    assert re.findall(r"server ([\d.:]+) ", quoted) == [m[1] for m in MEMBER.findall(shipped("from-nginx-sticky"))]
    assert quoted.count("{") == quoted.count("}") == 3
    with p.client() as c:
        c.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (11 << 20))
        assert c.response().status == 413


# ---- two nodes, one master -----------------------------------------------------------------------


class Machine(Holdfast):
    """One of the two that the file is for: its name and listener are its own, places are ours."""

    def __init__(self, id, where, addresses, origins):
        super().__init__([], address=addresses[f"http-{id}"], start=False)
        self.id = id
        text = shipped("two-nodes-shared-disk")
        for n, o in enumerate((1, 2), 1):
            node = "ab"[n - 1]
            text = text.replace(f'"10.0.0.{n}:8080"', f'"{holdfast.text_of(addresses["http-" + node])}"')
            text = text.replace(f'"10.0.0.{n}:7946"', f'"{holdfast.text_of(addresses["udp-" + node])}"')
            text = text.replace(f'"127.0.0.1:900{n}"', f'"{holdfast.text_of(origins[n - 1].address)}"')
        text = text.replace('node = "a";', f'node = "{id}";').replace('"10s"', '"2s"')
        if id == "b":
            text = text.replace(f'listeners = ( {{ address = "{holdfast.text_of(addresses["http-a"])}"',
                                f'listeners = ( {{ address = "{holdfast.text_of(self.address)}"')
        for shipped_place in ("/etc/holdfast", "/mnt/shared"):
            assert shipped_place in text
            text = text.replace(shipped_place, where)
        with open(self.conf_path, "w") as f:
            f.write(f'state_dir = "{self.where}";\nlog = {{ failover = "{self.failover_path}"; }};\n' + text)

    def master(self):
        with self.client() as c:
            return (c.get("/v1/master").json["master"] or {}).get("id")


def test_two_nodes_with_a_shared_disk():
    where = holdfast.folder()
    with open(os.path.join(where, "secret.k1"), "w") as f:
        f.write("0123456789abcdef" * 4)
    os.chmod(f.name, 0o600)
    addresses = {}
    for n, i in enumerate("ab"):
        host = cluster.host_of(n)
        addresses[f"http-{i}"] = (host, holdfast.free_port(host))
        addresses[f"udp-{i}"] = (host, cluster.free_datagram_port(host))
    origins = [Origin("s1"), Origin("s2")]
    a, b = machines = [Machine(i, where, addresses, origins) for i in "ab"]
    status, out, err = holdfast.holdfast("check", "-c", a.conf_path)
    assert status == 2 and "is to be created, empty, before the first start" in out + err, (out, err)
    open(os.path.join(where, "holdfast-leases"), "wb").close()
    status, out, err = holdfast.holdfast("check", "-c", a.conf_path)
    assert status == 0, (out, err)
    for m in machines:
        m.start()
    wait_until(lambda: a.master() == b.master() is not None, "both name one master")
    first = next(m for m in machines if m.id == a.master())
    other = b if first is a else a
    first.expected_exit = -signal.SIGKILL
    first.signal(signal.SIGKILL)
    first.wait()
    wait_until(lambda: other.master() == other.id, "the other one is master")
    assert other.once("/x").status == 200
    first.expected_exit = 0
    first.start()
    wait_until(lambda: first.master() == other.id, "and stays it")


if __name__ == "__main__":
    holdfast.main()
