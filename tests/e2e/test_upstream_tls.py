"""TLS to members and between nodes: who is believed, by which name, what a failed handshake becomes, tickets,
reload; see proxy/tls/client.h and proxy/relay/upstream.h."""

import os
import re
import signal
import socket
import ssl
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import CHECKED, HOST, Ended, Holdfast, Origin, answering, chunk, wait_until
from tls import Authority, TlsOrigin, server_context

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
NAME = "app.example"
KEYED = {"keys": ["header:X-Key"]}


class Member:
    """A root, and contexts for servers of it."""

    def __init__(self):
        self.root = Authority()

    def context(self, name=NAME, names=None, version=None, **more):
        return server_context(self.root.issue(name, names, **more), version=version)


def towards(root, **more):
    return {"enabled": True, "ca": root.file, "name": NAME, **more}


def before(members, tls, **more):
    """Holdfast before TLS members."""
    return Holdfast(members, service={"tls": tls, **more.pop("service", {})}, **more)


def key_of(id, ids="ab"):
    return next(k for k in (f"k{n}" for n in range(1000)) if ordering.order(ids, ordering.digest(k))[0] == id)


def check(p):
    return holdfast.holdfast("check", "-c", p.conf_path)


def reload(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {holdfast.libconfig(v)};\n" for k, v in p.conf.items() if v is not None))
    count = len(p.events("reload")) + len(p.events("reload_refused"))
    p.signal(signal.SIGHUP)
    wait_until(lambda: len(p.events("reload")) + len(p.events("reload_refused")) > count, "the reload")


# ---- requests -----------------------------------------------------------------------------------


def test_requests_of_all_kinds_in_both_versions():
    m = Member()
    body = os.urandom(3 << 20)

    def echo(connection, request):
        got = request.read_body()
        connection.answer(200, got, framing="chunked" if request.target == "/chunked" else "length")

    for version in VERSIONS:
        a = TlsOrigin("a", m.context(version=version), echo)
        p = before([a], towards(m.root))
        with p.client() as c:
            for target in ("/length", "/chunked"):
                for what in (b"", b"x", body):
                    r = c.request("POST", target, body=what)
                    assert r.status == 200 and r.body == what
            c.send(c.request_bytes("POST", "/up", fields=[("Transfer-Encoding", "chunked")]))
            for at in range(0, len(body), 70001):
                c.send(chunk(body[at:at + 70001]))
            c.send(b"0\r\n\r\n")
            assert c.response().body == body
        assert a.accepted == 1, "one connection, which its tickets did not end"
        assert a.names == [NAME] and a.versions == [version.name.replace("_", ".")], (a.names, a.versions)


def test_a_connection_that_rests_is_used_again():
    m = Member()
    a = TlsOrigin("a", m.context())
    p = before([a], towards(m.root))
    for n in range(20):
        r = p.once(f"/{n}", method="POST" if n % 2 else "GET", body=b"x" if n % 2 else b"")
        assert r.status == 200 and r.json["target"] == f"/{n}"
    assert a.accepted == 1, a.accepted


def test_slow_sides():
    m = Member()
    body = os.urandom(4 << 20)

    def slowly(connection, request):
        got = request.read_body()
        connection.answer(200, got)

    for version in VERSIONS:
        a = TlsOrigin("a", m.context(version=version), slowly)
        p = before([a], towards(m.root), service={"replay_bytes_max": "0"})
        with p.client() as c:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            c.send(c.request_bytes("POST", "/", body=body))
            assert c.response().body == body


def test_a_websocket():
    def upgrade(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello ")
        while True:
            connection.wire.fill()
            connection.send(connection.wire.held.upper())
            connection.wire.held = b""

    m = Member()
    p = before([TlsOrigin("a", m.context(), upgrade)], towards(m.root))
    with p.client() as c:
        c.send(c.request_bytes(fields=[("Connection", "Upgrade"), ("Upgrade", "websocket")]))
        assert c.response().status == 101
        for n in range(50):
            c.send(b"ping%02d" % n)
            wait_until(lambda: b"PING%02d" % n in c.held or c.fill(), "the echo")


def test_without_a_name_the_address_counts():
    m = Member()
    a = TlsOrigin("a", m.context("a", f"IP:{HOST}"))
    p = before([a], towards(m.root, name=None))
    assert p.once().id == "a"
    assert a.names == [None], "no server name is sent for an address"
    wrong = TlsOrigin("a", m.context("a", "IP:192.0.2.1"))
    q = before([wrong], towards(m.root, name=None))
    assert q.once().status == 503
    wait_until(lambda: q.events("no_live_member"), "it is told")
    assert q.events("no_live_member")[0]["reason"] == "tls_name", q.events("no_live_member")


def test_a_client_certificate_is_shown():
    m = Member()
    mine = m.root.issue("holdfast.example", usage="clientAuth")
    a = TlsOrigin("a", server_context(m.root.issue(NAME), m.root))
    p = before([a], towards(m.root, certificate=mine.chain, key=mine.key))
    assert p.once().id == "a"
    assert a.subjects == ["holdfast.example"]


# ---- what a failed handshake becomes ------------------------------------------------------------


def failing(bad, reason, evidence, tls=None, root=None, timeouts=None, m=None):
    """A member that cannot be spoken to, and a good one: a POST goes to the backup, and is told why."""
    m = m or Member()
    good = TlsOrigin("b", m.context())
    a = bad(m)
    p = before([a, good], tls or towards((root or m).root if root else m.root), session=KEYED, passive={"retry": "60s"},
               timeouts=timeouts)
    key = key_of("a")
    for n in range(5):
        r = p.once("/", method="POST", body=b"x" * 5000, fields=[("X-Key", key)])
        assert (r.status, r.id) == (200, "b"), (r.status, reason)
    lines = wait_until(lambda: p.events("failover"), "it is told")
    assert lines[0]["reason"] == reason and evidence in lines[0]["evidence"], lines[0]
    assert lines[0]["skipped"][0] == {"id": "a", "why": reason}, lines[0]
    down = p.wait_event("member_down", member="a")
    assert down["reason"] == reason, down
    assert not p.events("member_down", member="b") and good.accepted == 1
    assert [r.method for r in good.requests] == ["POST"] * 5
    return a, p


def test_an_unknown_authority():
    other = Authority("other")
    failing(lambda m: TlsOrigin("a", server_context(other.issue(NAME))), "tls_untrusted", "nobody trusted")


def test_an_expired_certificate():
    failing(lambda m: TlsOrigin("a", m.context(days=-1)), "tls_expired", "not valid now")


def test_another_name():
    failing(lambda m: TlsOrigin("a", m.context("other.example")), "tls_name", "another name")


def test_plain_http_at_the_port():
    a, _ = failing(lambda m: Quiet("a"), "tls_failed", "no TLS handshake")
    assert not a.requests


class Quiet(Origin):
    """Not HTTP is no problem for it; it answers before it was asked."""

    def serve(self, connection):
        try:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            connection.wait_end()
        except OSError:
            pass
        connection.wire.close()
        with self.lock:
            self.connections.discard(connection)


def test_plain_bytes_before_the_handshake_are_no_answer():
    """Plain bytes and then a true handshake: nothing of it is used."""
    class Early(TlsOrigin):
        def serve(self, connection):
            connection.wire.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            super().serve(connection)

    a, _ = failing(lambda m: Early("a", m.context()), "tls_failed", "no TLS handshake")
    assert not a.requests


def test_a_member_that_hangs_in_the_handshake():
    class Silent(Origin):
        def serve(self, connection):
            connection.wait_end()
            connection.wire.close()
            with self.lock:
                self.connections.discard(connection)

    failing(lambda m: Silent("a"), "tls_timeout", "no TLS handshake in time", timeouts={"connect": "300ms"})


def test_a_member_that_closes_in_the_handshake():
    class Closing(Origin):
        def serve(self, connection):
            connection.wire.fill()
            connection.wire.close()
            with self.lock:
                self.connections.discard(connection)

    failing(lambda m: Closing("a"), "tls_failed", "no TLS handshake")


def test_a_client_certificate_that_is_not_configured():
    """TLS 1.3 tells it only when the request is on its way: the member never read that."""
    for version in VERSIONS:
        a, _ = failing(lambda m: TlsOrigin("a", server_context(m.root.issue(NAME), m.root, version)), "tls_refused",
                       "refused by")
        assert not a.requests


def test_an_old_version():
    failing(lambda m: TlsOrigin("a", m.context(version=ssl.TLSVersion.TLSv1_2)), "tls_refused", "refused by",
            m=(m := Member()), tls=towards(m.root, min_version="1.3"))


def test_it_is_the_cause_when_nobody_is_left():
    m = Member()
    a = TlsOrigin("a", server_context(m.root.issue(NAME), m.root, ssl.TLSVersion.TLSv1_3))
    p = before([a], towards(m.root))
    assert p.once("/", method="POST", body=b"x").status == 502
    wait_until(lambda: p.requests(cause="member_tls"), "the cause")


def test_checks_go_the_same_way():
    m = Member()
    a, b = TlsOrigin("a", m.context(days=-1)), TlsOrigin("b", m.context())
    c = TlsOrigin("c", server_context(m.root.issue(NAME), m.root))
    d = Quiet("d")
    for path in ("/healthz", None):
        p = before([a, b, c, d], towards(m.root), health={**CHECKED, "path": path})
        down = p.wait_event("member_down", member="a")
        assert down["reason"] == "tls_expired" and "certificate has expired" in down["evidence"], down
        down = p.wait_event("member_down", member="d")
        assert down["reason"] == "tls_failed" and "no TLS" in down["evidence"], down
        if path is not None:
            down = p.wait_event("member_down", member="c")
            assert down["reason"] == "tls_refused" and "alert" in down["evidence"], down
        wait_until(lambda: len(b.resumed) > 5, "b is checked")
        assert not p.events("member_down", member="b")
        p.stop()
    assert any(b.resumed), "checks resume their sessions"
    p = before([a, b], towards(m.root), health=CHECKED)
    p.wait_event("member_down", member="a")
    a.use(m.context())
    p.wait_event("member_up", member="a")


# ---- tickets ------------------------------------------------------------------------------------


def test_sessions_are_resumed():
    m = Member()
    for version in VERSIONS:
        a = TlsOrigin("a", m.context(version=version), answering(200, b"x", [("Connection", "close")]))
        p = before([a], towards(m.root))
        for n in range(12):
            assert p.once().status == 200
        assert a.accepted == 12 and a.resumed == [False] + [True] * 11, (version, a.resumed)


def test_a_session_is_not_resumed_under_other_rules():
    m, other = Member(), Authority("other")
    a = TlsOrigin("a", m.context(), answering(200, b"x", [("Connection", "close")]))
    p = before([a], towards(m.root))
    assert [p.once().status for _ in range(3)] == [200] * 3
    p.conf["services"][0]["tls"]["ca"] = other.file
    reload(p)
    assert p.once().status == 503
    assert a.resumed == [False, True, True]
    wait_until(lambda: p.events("no_live_member"), "it is told")
    assert p.events("no_live_member")[0]["reason"] == "tls_untrusted"


# ---- ends ---------------------------------------------------------------------------------------


def test_an_answer_until_the_end_needs_a_goodbye():
    m = Member()

    def until_end(connection, request):
        request.read_body()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100000)
        if request.target == "/whole":
            connection.wire.sock.unwrap()
        else:
            connection.wire.sock.shutdown(socket.SHUT_RDWR)
        return False

    for version in VERSIONS:
        p = before([TlsOrigin("a", m.context(version=version), until_end)], towards(m.root))
        assert p.once("/whole").body == b"x" * 100000
        try:
            p.once("/cut")
            raise AssertionError("a truncated answer passed for a whole one")
        except Ended:
            pass
        wait_until(lambda: p.requests(cause="member_truncated"), "the cause")
        assert len(p.requests(cause="done")) == 1


def test_a_pooled_connection_that_ended_is_nobodys_failure():
    m = Member()

    def last(connection, request):
        request.read_body()
        connection.answer(200, b"x")
        return False

    a = TlsOrigin("a", m.context(), last)
    p = before([a], towards(m.root))
    for n in range(20):
        assert p.once("/", method="POST", body=b"x").status == 200
        wait_until(lambda: not a.connections, "it ended")
    assert not p.events("member_down")


# ---- reload -------------------------------------------------------------------------------------


def test_reload_reads_files_again_and_drops_nobody():
    """Another authority and another client certificate under the same names; a request under way goes on."""
    m, other = Member(), Authority("other")
    going, go_on = threading.Event(), threading.Event()

    def behave(connection, request):
        if request.target == "/slow":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789")
            going.set()
            assert go_on.wait(holdfast.WAIT_S)
            connection.send(b"0123456789")
        else:
            holdfast.answer_json(connection, request)

    both = os.path.join(m.root.where, "both.pem")
    mine = m.root.issue("one.example", usage="clientAuth")
    with open(both, "w") as f:
        f.write(open(m.root.file).read() + open(other.file).read())

    def context(root):
        c = server_context(root.issue(NAME))
        c.load_verify_locations(both)
        c.verify_mode = ssl.CERT_REQUIRED
        return c

    ca = os.path.join(m.root.where, "ca.pem")
    with open(ca, "w") as f:
        f.write(open(m.root.file).read())
    a = TlsOrigin("a", context(m.root), behave)
    p = before([a], towards(m.root, ca=ca, certificate=mine.chain, key=mine.key), health=CHECKED)
    assert p.once().id == "a" and a.subjects[-1] == "one.example"
    with p.client() as c:
        c.send(c.request_bytes(target="/slow"))
        going.wait(holdfast.WAIT_S)
        accepted = a.accepted
        reload(p)
        for n in range(5):
            assert p.once().id == "a"
        with open(ca, "w") as f:
            f.write(open(other.file).read())
        two = other.issue("two.example", usage="clientAuth")
        for path, source in ((mine.chain, two.chain), (mine.key, two.key)):
            with open(path, "w") as f:
                f.write(open(source).read())
        a.use(context(other))
        reload(p)
        for n in range(5):
            assert p.once().id == "a"
        assert "two.example" in a.subjects
        go_on.set()
        assert c.response().body == b"01234567890123456789"
        assert c.get("/").id == "a"
    assert not p.events("member_down") and a.accepted > accepted, "connections after a reload are others"


def test_between_plain_and_tls_by_reload():
    m = Member()
    plain = Origin("a")
    p = Holdfast([plain])
    with p.client() as c:
        assert c.get("/").id == "a"
        plain.go()
        secure = TlsOrigin("a", m.context(), start=False)
        secure.address = plain.address
        secure.come_back()
        p.conf["services"][0]["tls"] = towards(m.root)
        reload(p)
        assert c.get("/").id == "a" and secure.accepted == 1
        assert len(p.events("reload")) == 1


def test_what_the_operator_ordered_outlives_a_change_of_trust():
    m, other = Member(), Authority("other")
    a, b = TlsOrigin("a", m.context()), TlsOrigin("b", m.context())
    admin = (HOST, holdfast.free_port())
    p = before([a, b], towards(m.root), top={"admin": {"address": holdfast.text_of(admin)}}, health=CHECKED)
    assert holdfast.holdfast("drain", "--admin", holdfast.text_of(admin), "a")[0] == 0
    both = os.path.join(m.root.where, "both.pem")
    with open(both, "w") as f:
        f.write(open(m.root.file).read() + open(other.file).read())
    p.conf["services"][0]["tls"]["ca"] = both
    reload(p)
    assert {p.once().id for _ in range(10)} == {"b"}, "a is still draining"


# ---- check --------------------------------------------------------------------------------------


def test_without_verification_it_warns():
    m = Member()
    a = TlsOrigin("a", server_context(Authority("other").issue("whoever.example", days=-1)))
    p = before([a], {"enabled": True, "verify": False})
    assert p.once().id == "a"
    p.wait_said("services[0].tls.verify = false: certificates are not verified")
    code, out, err = check(p)
    assert code == 0 and "certificates are not verified" in out + err


def test_check_says_what_is_wrong_with_files():
    m = Member()
    mine, late = m.root.issue("mine.example", usage="clientAuth"), m.root.issue("late.example", days=-1)
    missing = os.path.join(m.root.where, "missing.pem")
    garbage = os.path.join(m.root.where, "garbage.pem")
    with open(garbage, "w") as f:
        f.write("not a certificate\n")
    for tls, key, words in (
            ({"ca": missing}, "ca", "No such file"),
            ({"ca": garbage}, "ca", "no certificate in PEM form"),
            ({"certificate": mine.chain, "key": late.key}, "key", "not the key of the certificate"),
            ({"certificate": late.chain, "key": late.key}, "certificate", "expired on"),
            ({"certificate": mine.chain}, "key", "missing"),
            ({"name": "*.example"}, "name", "one name"),
            ({"name": "192.0.2.1"}, "name", "an address")):
        p = before([("a", "127.0.0.1:9")], {"enabled": True, **tls}, start=False)
        code, out, err = check(p)
        assert code == 2 and re.search(rf"services\[0\]\.tls\.{key}\b.*{re.escape(words)}", out + err), (tls, out + err)


# ---- between nodes ------------------------------------------------------------------------------


class Nodes:
    """A mesh whose nodes speak TLS to each other, each with a certificate for its address."""

    def __init__(self, ids="abc", **more):
        self.root = Authority()
        where = holdfast.folder()
        secret = os.path.join(where, "secret")
        with open(secret, "w") as f:
            f.write("0123456789abcdef" * 4)
        os.chmod(secret, 0o600)
        self.ids = ids
        self.origins = {i: Origin(i) for i in ids}
        self.addresses = {i: (re.sub(r"^127\.\d+", f"127.{100 + n}", HOST), holdfast.free_port())
                          for n, i in enumerate(ids)}
        self.public = {i: (HOST, holdfast.free_port()) for i in ids}
        members = [holdfast.member(o, node=holdfast.text_of(self.addresses[i])) for i, o in self.origins.items()]
        self.nodes = {}
        for i in ids:
            own = self.root.issue(f"node-{i}", f"IP:{self.addresses[i][0]}", usage="serverAuth,clientAuth")
            inner = {"address": holdfast.text_of(self.addresses[i]),
                     "tls": {"certificates": [own.conf()], "client_auth": "required", "client_ca": self.root.file}}
            cluster = {"name": "mesh", "nodes": [{"id": k, "http": holdfast.text_of(v)} for k, v in self.addresses.items()],
                       "tls": {"enabled": True, "ca": self.root.file, "certificate": own.chain, "key": own.key}}
            self.nodes[i] = Holdfast(members, address=self.public[i], session=KEYED,
                                     top={"node": i, "cluster": cluster, "secrets": [{"id": "k1", "file": secret}],
                                          "listeners": [{"address": holdfast.text_of(self.public[i])}, inner]}, **more)

    def order(self, key):
        return ordering.order(self.ids, ordering.digest(key))


def test_nodes_speak_tls_to_each_other():
    m = Nodes(health=CHECKED)
    keys = [f"k{n}" for n in range(12)]
    wait_until(lambda: all(p.once(fields=[("X-Key", k)]).id == m.order(k)[0] for p in m.nodes.values() for k in keys),
               "every node holds every member for well")
    for key in keys:
        for i in m.ids:
            r = m.nodes[i].once("/", method="POST", body=b"x" * 5000, fields=[("X-Key", key)])
            assert (r.status, r.id) == (200, m.order(key)[0]), (key, i, r.status)
    m.origins["a"].go()
    for p in m.nodes.values():
        p.wait_event("member_down", member="a")
    for key in keys:
        for i in m.ids:
            r = m.nodes[i].once(fields=[("X-Key", key)])
            assert r.id == next(o for o in m.order(key) if o != "a")


def test_a_node_that_nobody_signed_is_not_asked():
    m = Nodes("ab")
    stranger = Authority("stranger").issue("node-b", f"IP:{m.addresses['b'][0]}", usage="serverAuth,clientAuth")
    b = m.nodes["b"]
    b.conf["listeners"][1]["tls"]["certificates"] = [stranger.conf()]
    reload(b)
    key = key_of("b")
    r = m.nodes["a"].once(fields=[("X-Key", key)])
    assert r.id == "a"
    line = wait_until(lambda: m.nodes["a"].events("failover"), "it is told")[0]
    assert line["reason"] == "tls_untrusted", line


def test_check_compares_with_the_own_listener():
    m = Nodes("ab")
    for on in (True, False):
        p = m.nodes["a"]
        conf = {**p.conf, "listeners": [dict(x) for x in p.conf["listeners"]], "cluster": dict(p.conf["cluster"])}
        if on:
            del conf["listeners"][1]["tls"]
        else:
            del conf["cluster"]["tls"]
        path = os.path.join(p.where, "other.conf")
        with open(path, "w") as f:
            f.write("".join(f"{k} = {holdfast.libconfig(v)};\n" for k, v in conf.items() if v is not None))
        code, out, err = holdfast.holdfast("check", "-c", path)
        assert code == 2 and re.search(r"cluster\.tls.*the listener at which other nodes ask", out + err), out + err


if __name__ == "__main__":
    holdfast.main()
