"""TLS at listeners: names, versions, tickets, client certificates, ends; see proxy/tls/ and
proxy/edge/arrival.h."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import tls
from holdfast import (HOST, Client, Ended, Holdfast, Origin, answering, folder, free_port, text_of,
                      wait_until)
from tls import Authority, TlsClient, make_context, openssl

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Secured(Holdfast):
    """Holdfast with a TLS listener for these certificates; `settings`: more keys of listeners[].tls."""

    def __init__(self, members, certificates, settings=None, listener=None, **more):
        self.admin = (HOST, free_port())
        address = more.pop("address", None) or (HOST, free_port())
        self.listener = {"address": text_of(address), **(listener or {}),
                         "tls": {"certificates": [c if isinstance(c, dict) else c.conf() for c in certificates],
                                 **(settings or {})}}
        top = {"listeners": [self.listener], "admin": {"address": text_of(self.admin)}, **more.pop("top", {})}
        super().__init__(members, address=address, top=top, **more)

    def secure(self, authority, **more):
        return TlsClient(self.address, authority, **more)

    def status(self):
        with Client(self.admin) as c:
            return c.get("/status").json

    def reload(self):
        before = self.stderr.count("reloaded")
        with open(self.conf_path, "w") as f:
            f.write("".join(f"{k} = {holdfast.libconfig(v)};\n" for k, v in self.conf.items() if v is not None))
        self.signal(signal.SIGHUP)
        wait_until(lambda: self.events("reload") or self.events("reload_refused"), "the reload")


def check(p):
    return holdfast.holdfast("check", "-c", p.conf_path)


# ---- requests -----------------------------------------------------------------------------------


def test_requests_are_answered_in_both_versions():
    root = Authority()
    a = Origin("a")
    p = Secured([a], [root.issue("shop.example")])
    for version in VERSIONS:
        with p.secure(root, version=version) as c:
            for i in range(5):
                r = c.get(f"/{i}")
                assert r.status == 200 and r.json["id"] == "a"
                assert dict(r.json["fields"])["X-Forwarded-Proto"] == "https"
            assert r.json["connection"] == 1 or version == ssl.TLSVersion.TLSv1_3


def test_a_request_costs_one_read_and_one_write():
    if shutil.which("strace") is None or holdfast.sanitizer():
        return
    root = Authority()
    p = Secured([Origin("a", answering(200, b"small"))], [root.issue("shop.example")])
    out = os.path.join(folder(), "calls")
    with p.secure(root) as c:
        c.get("/")
        tracer = subprocess.Popen(["strace", "-f", "-p", str(p.pid), "-e", "trace=read,write,recvfrom,sendto,sendmsg",
                                   "-o", out], stderr=subprocess.PIPE)
        tracer.stderr.readline()
        for i in range(20):
            c.get("/")
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
    with open(out) as f:
        calls = [line.split(None, 1)[1] for line in f if "= -1 EAGAIN" not in line]
    reads = [c for c in calls if c.startswith("read(") and '"\\27\\3\\3' in c]
    writes = [c for c in calls if c.startswith("write(") and '"\\27\\3\\3' in c]
    # The tracer cuts some lines in two where threads meet; more than one each there never are.
    assert 0 < len(reads) <= 20 and 0 < len(writes) <= 20, (len(reads), len(writes))


def test_big_bodies_go_both_ways():
    root = Authority()
    body = os.urandom(3 << 20)

    def echo(connection, request):
        got = request.read_body()
        connection.answer(200, got, framing="chunked" if request.target == "/chunked" else "length")

    p = Secured([Origin("a", echo)], [root.issue("shop.example")], service={"body_bytes_max": "64MiB"})
    for version in VERSIONS:
        with p.secure(root, version=version) as c:
            for target in ("/length", "/chunked"):
                r = c.request("POST", target, body=body)
                assert r.status == 200 and r.body == body
            pieces = [body[i:i + 70001] for i in range(0, len(body), 70001)]
            c.send(c.request_bytes("POST", "/up", fields=[("Transfer-Encoding", "chunked")]))
            for piece in pieces:
                c.send(holdfast.chunk(piece))
            c.send(b"0\r\n\r\n")
            assert c.response().body == body


def test_pipelined_requests_in_one_record_are_all_answered():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")])
    with p.secure(root) as c:
        many = b"".join(c.request_bytes(target=f"/{i}") for i in range(200))
        c.send(many)
        for i in range(200):
            assert c.response().json["target"] == f"/{i}"


def test_a_request_in_tiny_records_is_one_request():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")])
    with p.secure(root) as c:
        for byte in c.request_bytes("POST", "/x", body=b"0123456789"):
            c.send(bytes([byte]))
        r = c.response()
        assert r.json["body"] == "0123456789"


def test_a_slow_reader_gets_all():
    root = Authority()
    body = os.urandom(4 << 20)
    p = Secured([Origin("a", answering(200, body))], [root.issue("shop.example")])
    for version in VERSIONS:
        with p.secure(root, version=version, receive_bytes=4096) as c:
            c.send(c.request_bytes())
            got = []

            def slowly(piece):
                got.append(piece)
                if len(got) % 50 == 1:
                    time.sleep(0.002)
            c.response(sink=slowly)
            assert b"".join(got) == body


def test_upgrades_are_tunnels():
    root = Authority()

    def upgrade(connection, request):
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while True:
            data = connection.wire.some()
            connection.send(data[::-1])

    p = Secured([Origin("a", upgrade)], [root.issue("shop.example")])
    with p.secure(root) as c:
        r = c.request(fields=[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                              ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
        assert r.status == 101
        for i in range(30):
            data = os.urandom(1 + i * 997)
            c.send(data)
            # Pieces are turned round as they come: what comes back has the same bytes.
            assert sorted(c.take(len(data))) == sorted(data)


def test_sessions_fail_over():
    root = Authority()
    origins = [Origin("a"), Origin("b")]
    p = Secured(origins, [root.issue("shop.example")])
    with p.secure(root) as c:
        r = c.get("/")
        cookie = r.fields.get("Set-Cookie").split(";")[0]
        home = r.json["id"]
        next(o for o in origins if o.id == home).go()
        r = c.get("/", fields=[("Cookie", cookie)])
        assert r.status == 200 and r.json["id"] != home


# ---- names --------------------------------------------------------------------------------------


def subject_of(c):
    return dict(x[0] for x in c.sock.getpeercert()["subject"])["commonName"]


def test_the_server_name_selects_the_certificate():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("first.example"), root.issue("shop.example", "DNS:shop.example,DNS:www.shop.example"),
                                root.issue("*.wild.example"), root.issue("exact.wild.example")])
    for name, subject in (("shop.example", "shop.example"), ("www.shop.example", "shop.example"),
                          ("SHOP.example", "shop.example"), ("a.wild.example", "*.wild.example"),
                          ("exact.wild.example", "exact.wild.example"), ("first.example", "first.example")):
        with p.secure(root, name=name) as c:
            assert subject_of(c) == subject, name
            assert c.get("/").status == 200
    context = make_context(root, None)
    for name in ("other.example", "a.b.wild.example", "wild.example", None):
        with p.secure(root, name=name, context=context) as c:
            assert subject_of(c) == "first.example", name
            assert c.get("/").status == 200


def test_intermediates_are_sent():
    root = Authority()
    middle = Authority("middle", of=root)
    p = Secured([Origin("a")], [middle.issue("shop.example")])
    with p.secure(root) as c:
        assert c.get("/").status == 200


def test_alpn():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")])
    with p.secure(root, alpn=["h2", "http/1.1"]) as c:
        assert c.sock.selected_alpn_protocol() == "h2"
    with p.secure(root, alpn=["http/1.1"]) as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        assert c.get("/").status == 200
    with p.secure(root) as c:
        assert c.sock.selected_alpn_protocol() is None
    try:
        p.secure(root, alpn=["smtp"])
    except ssl.SSLError as e:
        assert "NO_APPLICATION_PROTOCOL" in str(e).upper().replace(" ", "_"), e
    else:
        raise AssertionError("a protocol that is not spoken here was agreed on")


# ---- versions, ciphers --------------------------------------------------------------------------


def s_client(p, *argv, input=b""):
    return openssl("s_client", "-connect", text_of(p.address), "-servername", "shop.example", *argv, input=input,
                   ok=False)


def test_only_good_versions_and_ciphers():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")])
    assert "Protocol  : TLSv1.2" in s_client(p, "-tls1_2")
    assert "TLSv1.3" in s_client(p, "-tls1_3")
    for old in ("-tls1", "-tls1_1"):
        out = s_client(p, old, "-cipher", "ALL:@SECLEVEL=0")
        assert "Cipher is (NONE)" in out or "no cipher match" in out, out
    for cipher in ("ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256",
                   "ECDHE-ECDSA-AES256-SHA", "PSK"):
        out = s_client(p, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
        assert "Cipher is (NONE)" in out or "no cipher match" in out.lower() or "Error" in out, (cipher, out)
    assert "Compression: NONE" in s_client(p, "-tls1_2")
    ended = p.status()["arrivals"]["ended"]
    assert ended["version"] >= 2 and ended["cipher"] >= 3, ended


def test_min_version():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")], {"min_version": "1.3"})
    with p.secure(root) as c:
        assert c.get("/").status == 200
    try:
        p.secure(root, version=ssl.TLSVersion.TLSv1_2)
    except (ssl.SSLError, ConnectionResetError):
        pass
    else:
        raise AssertionError("TLS 1.2 was spoken")


def test_renegotiation_is_refused():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")])
    child = subprocess.Popen(["openssl", "s_client", "-connect", text_of(p.address), "-servername", "shop.example",
                              "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    child.stdin.write(b"R\n")
    child.stdin.flush()
    out, _ = child.communicate(timeout=30)
    assert b"no renegotiation" in out.lower() or b"no_renegotiation" in out.lower(), out[-600:]
    with p.secure(root) as c:
        assert c.get("/").status == 200


# ---- tickets ------------------------------------------------------------------------------------


def resumes(address, root, session, context, name="shop.example"):
    """(whether it was resumed, the session of this one)"""
    with TlsClient(address, root, name=name, session=session, context=context) as c:
        assert c.get("/").status == 200
        return c.sock.session_reused, c.sock.session


def test_tickets_resume_and_survive_a_reload():
    root = Authority()
    for version in VERSIONS:
        p = Secured([Origin("a")], [root.issue("shop.example")])
        context = make_context(root, version=version)
        reused, session = resumes(p.address, root, None, context)
        assert not reused
        reused, session = resumes(p.address, root, session, context)
        assert reused
        p.reload()
        assert p.events("reload")
        reused, session = resumes(p.address, root, session, context)
        assert reused
        assert p.status()["arrivals"]["resumed"] == 2
        p.stop()


def test_nodes_that_share_a_secret_resume_each_others_sessions():
    root = Authority()
    certificate = root.issue("shop.example")
    secret = os.path.join(folder(), "tickets")
    with open(secret, "wb") as f:
        f.write(os.urandom(48))
    os.chmod(secret, 0o600)
    p = Secured([Origin("a")], [certificate], {"ticket_secret": secret})
    q = Secured([Origin("b")], [certificate], {"ticket_secret": secret})
    alone = Secured([Origin("c")], [certificate])
    context = make_context(root)
    _, session = resumes(p.address, root, None, context)
    assert resumes(q.address, root, session, context)[0]
    assert not resumes(alone.address, root, session, context)[0]


def test_a_ticket_is_good_for_its_own_name_and_listener_alone():
    root = Authority()
    one, two = root.issue("one.example"), root.issue("two.example")
    secret = os.path.join(folder(), "tickets")
    with open(secret, "wb") as f:
        f.write(os.urandom(48))
    os.chmod(secret, 0o600)
    p = Secured([Origin("a")], [one, two], {"ticket_secret": secret})
    strict = Secured([Origin("b")], [one, two], {"ticket_secret": secret, "client_auth": "optional",
                                                "client_ca": root.file})
    for version in VERSIONS:
        context = make_context(root, version=version)
        _, session = resumes(p.address, root, None, context, "one.example")
        assert resumes(p.address, root, session, context, "one.example")[0]
        _, session = resumes(p.address, root, None, context, "one.example")
        assert not resumes(p.address, root, session, context, "two.example")[0]
        _, session = resumes(p.address, root, None, context, "one.example")
        assert not resumes(strict.address, root, session, context, "one.example")[0]


# ---- client certificates ------------------------------------------------------------------------


def refused(p, root, **more):
    """In TLS 1.3 a client hears of it with its first read."""
    try:
        with p.secure(root, **more) as c:
            c.get("/")
    except (ssl.SSLError, Ended, ConnectionError):
        return True
    return False


def test_client_certificates():
    root, others = Authority(), Authority("others")
    p = Secured([Origin("a")], [root.issue("shop.example")], {"client_auth": "required", "client_ca": root.file})
    q = Secured([Origin("a")], [root.issue("shop.example")], {"client_auth": "optional", "client_ca": root.file})
    good = root.issue("anna", usage="clientAuth")
    bad = others.issue("eve", usage="clientAuth")
    old = root.issue("old", usage="clientAuth", days=-1)
    server = root.issue("server.example", usage="serverAuth")
    for version in VERSIONS:
        for gate in (p, q):
            with gate.secure(root, certificate=good, version=version) as c:
                assert c.get("/").status == 200
            for wrong in (bad, old, server):
                assert refused(gate, root, certificate=wrong, version=version), wrong.name
        assert refused(p, root, version=version)
        with q.secure(root, version=version) as c:
            assert c.get("/").status == 200
    assert p.status()["arrivals"]["ended"]["client_certificate"] >= 8


def test_another_host_than_the_one_of_the_handshake_is_misdirected():
    root = Authority()
    a = Origin("a")
    p = Secured([a], [root.issue("one.example"), root.issue("two.example")],
                {"client_auth": "optional", "client_ca": root.file})
    with p.secure(root, name="one.example") as c:
        assert c.get("/", host="one.example").status == 200
        assert c.get("/", host="ONE.example:443").status == 200
        r = c.get("/", host="two.example")
        assert r.status == 421 and r.fields.get("Connection") == "close"
    assert len(a.requests) == 2
    # Where nobody shows a certificate, one connection may serve all names.
    q = Secured([Origin("b")], [root.issue("one.example"), root.issue("two.example")])
    with q.secure(root, name="one.example") as c:
        assert c.get("/", host="two.example").status == 200


# ---- ends ---------------------------------------------------------------------------------------


def test_ends_say_goodbye():
    root = Authority()

    def until_close(connection, request):
        request.read_body()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        return False

    p = Secured([Origin("a", until_close)], [root.issue("shop.example")])
    with p.secure(root) as c:
        c.send(c.request_bytes(version="1.0"))
        r = c.head()
        assert c.rest() == b"all of it", r.head
    with p.secure(root) as c:
        r = c.get("/", fields=[("Connection", "close")])
        assert r.status == 200 and c.is_ended()


def test_a_broken_answer_has_no_goodbye():
    root = Authority()
    p = Secured([Origin("a", holdfast.dying_after(b"HTTP/1.1 200 OK\r\n\r\nhalf", reset=True))],
                [root.issue("shop.example")])
    with p.secure(root) as c:
        c.send(c.request_bytes(version="1.0"))
        try:
            c.head()
            c.rest()
        except Ended as e:
            assert e.reset
        else:
            raise AssertionError("half an answer ended well")


def test_a_truncated_request_is_never_forwarded_as_whole():
    root = Authority()
    a = Origin("a")
    p = Secured([a], [root.issue("shop.example")])
    c = p.secure(root)
    c.send(c.request_bytes("POST", "/", fields=[("Content-Length", "100")]) + b"x" * 10)
    raw = c.sock.detach()
    with socket.socket(fileno=raw) as s:
        s.shutdown(socket.SHUT_WR)
        s.settimeout(holdfast.WAIT_S)
        while s.recv(65536):
            pass
    assert p.wait_request(cause="client_abort")


# ---- what is no TLS -----------------------------------------------------------------------------


def test_plain_http_is_told_so():
    root = Authority()
    a = Origin("a")
    p = Secured([a], [root.issue("shop.example")])
    for method in ("GET", "POST", "PUT"):
        with p.client() as c:
            r = c.request(method, "/", body=b"x" * 1000 if method != "GET" else None)
            assert r.status == 400 and b"client_not_tls" in r.body and c.is_ended()
    assert p.wait_request(cause="client_not_tls", count=3)
    assert not a.requests
    assert p.status()["arrivals"]["ended"]["not_tls"] == 3


def test_garbage_ends_the_connection():
    root = Authority()
    a = Origin("a")
    p = Secured([a], [root.issue("shop.example")])
    for data in (b"\x16\x03\x01\xff\xff" + b"\x00" * 70000, b"SSH-2.0-x\r\n", b"\x00" * 100, os.urandom(500),
                 b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"):
        with p.client() as c:
            try:
                c.send(data)
                c.half_close()
                while True:
                    c.fill()
            except (Ended, OSError):
                pass
    with p.secure(root) as c:
        assert c.get("/").status == 200
    assert len(a.requests) == 1


def test_a_handshake_has_a_deadline():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")], listener={"handshake": "200ms"})
    with p.client() as c:
        c.send(b"\x16\x03\x01")
        assert c.is_ended()
    with p.client() as c:
        assert c.is_ended()
    wait_until(lambda: p.status()["arrivals"]["ended"]["timeout"] >= 2, "two are counted")
    assert p.status()["clients"] == 0
    # Whoever is through has all the time of the world.
    with p.secure(root) as c:
        time.sleep(0.5)
        assert c.get("/").status == 200


def test_half_handshakes_cost_no_cpu():
    root = Authority()
    p = Secured([Origin("a")], [root.issue("shop.example")])
    held = [p.client() for _ in range(50)]
    for c in held:
        c.send(b"\x16\x03\x01\x01\x00\x01\x00\x00")
    open_one = p.secure(root)
    # A part of a record behind a whole handshake.
    raw = socket.socket(fileno=os.dup(open_one.sock.fileno()))
    raw.send(b"\x17\x03\x03\x00\x50half")
    time.sleep(0.2)
    before = p.cpu_s()
    time.sleep(1)
    assert p.cpu_s() - before < 0.3
    raw.close()
    for c in held:
        c.close()


# ---- check, reload ------------------------------------------------------------------------------


def check_of(certificates, settings=None):
    p = Secured([Origin("a", start=False)], certificates, settings, start=False)
    return check(p)


def test_check_says_what_is_wrong_with_files():
    root = Authority()
    middle = Authority("middle", of=root)
    good, other = root.issue("shop.example"), root.issue("other.example")
    status, out, _ = check_of([good])
    assert status == 0, out
    where = folder()

    def copy(path, name, mode=0o600):
        to = os.path.join(where, name)
        shutil.copy(path, to)
        os.chmod(to, mode)
        return to

    def wrong(conf, *texts, settings=None):
        status, out, err = check_of([conf], settings)
        assert status != 0 and all(t in out + err for t in texts), (out, err, texts)

    wrong({"certificate": good.chain, "key": other.key}, "tls.certificates[0].key", "not the key of the certificate")
    wrong({"certificate": good.chain, "key": copy(good.key, "open.key", 0o644)}, "others can read")
    wrong({"certificate": good.chain, "key": "/nonexistent/key"}, "key", "No such file")
    wrong({"certificate": good.chain, "key": copy(good.chain, "no.key")}, "no private key")
    wrong({"certificate": good.key, "key": good.key}, "no certificate")
    wrong(root.issue("old.example", days=-1).conf(), "certificate 1 expired on")
    turned = os.path.join(where, "turned.pem")
    leaf = middle.issue("deep.example")
    with open(turned, "w") as f:
        for path in (middle.made.alone, leaf.alone):
            f.write(open(path).read())
    wrong({"certificate": turned, "key": leaf.key}, "not the issuer of certificate 1")
    wrong(good.conf(ocsp=good.key), "ocsp", "not an OCSP response")
    wrong(good.conf(), "client_ca", settings={"client_auth": "required"})
    wrong(good.conf(), "fewer than 32", settings={"ticket_secret": short(where)})
    locked = os.path.join(where, "locked.key")
    openssl("ec", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", locked)
    os.chmod(locked, 0o600)
    wrong({"certificate": good.chain, "key": locked}, "passphrase")
    status, out, err = check_of([])
    assert status != 0 and "TLS without a certificate" in out + err
    status, out, err = check_of([root.issue("soon.example", days=5)])
    assert status == 0 and "expires on" in out + err, (status, out, err)


def short(where):
    path = os.path.join(where, "short")
    with open(path, "w") as f:
        f.write("too short")
    os.chmod(path, 0o600)
    return path


def test_a_reload_takes_new_certificates_and_drops_nobody():
    root = Authority()
    first, second = root.issue("shop.example", subject="/CN=first"), None
    a = Origin("a")
    p = Secured([a], [first])
    with p.secure(root) as before:
        assert subject_of(before) == "first" and before.get("/").status == 200
        second = root.issue("shop.example", subject="/CN=second")
        assert second.chain == first.chain  # written anew
        p.reload()
        assert before.get("/").status == 200
        with p.secure(root) as after:
            assert subject_of(after) == "second" and after.get("/").status == 200
        assert before.get("/").status == 200


def test_a_reload_with_a_wrong_key_is_refused():
    root = Authority()
    first = root.issue("shop.example")
    p = Secured([Origin("a")], [first])
    shutil.copy(root.issue("other.example").key, first.key)
    p.reload()
    assert p.wait_event("reload_refused")
    with p.secure(root) as c:
        assert c.get("/").status == 200


def test_ocsp_is_stapled():
    root = Authority()
    c = root.issue("shop.example")
    where = folder()
    index = os.path.join(where, "index")
    serial = openssl("x509", "-in", c.alone, "-noout", "-serial").split("=")[1].strip()
    with open(index, "w") as f:
        f.write(f"V\t391231235959Z\t\t{serial}\tunknown\t/CN=shop.example\n")
    request, response = os.path.join(where, "req"), os.path.join(where, "resp")
    openssl("ocsp", "-issuer", root.file, "-cert", c.alone, "-reqout", request, "-no_nonce")
    openssl("ocsp", "-index", index, "-rsigner", root.file, "-rkey", root.made.key, "-CA", root.file, "-reqin",
            request, "-respout", response, "-ndays", "7")
    p = Secured([Origin("a")], [c.conf(ocsp=response), root.issue("other.example")])
    out = s_client(p, "-status")
    assert "OCSP Response Status: successful" in out, out[:500]
    out = openssl("s_client", "-connect", text_of(p.address), "-servername", "other.example", "-status", input=b"")
    assert "OCSP response: no response sent" in out


# ---- many ---------------------------------------------------------------------------------------


def test_many_handshakes_leave_nothing_behind():
    root = Authority()
    p = Secured([Origin("a", answering(200, b"ok"))], [root.issue("shop.example")])
    contexts = [make_context(root, version=v) for v in VERSIONS]
    for i in range(100):
        with p.secure(root, context=contexts[i % 2]) as c:
            assert c.get("/").status == 200
    before, fds = p.memory_bytes(), p.descriptors()

    def some(count, context):
        for i in range(count):
            with p.secure(root, context=context) as c:
                if i % 3:
                    assert c.get("/").status == 200

    threads = [threading.Thread(target=some, args=(300, contexts[i % 2])) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    wait_until(lambda: p.status()["clients"] == 0, "all are gone")
    assert p.status()["arrivals"]["handshakes"] >= 1300
    assert p.descriptors() <= fds + 12  # idle connections to the member
    if not holdfast.sanitizer():
        assert p.memory_bytes() - before < 8 << 20


if __name__ == "__main__":
    holdfast.main()
