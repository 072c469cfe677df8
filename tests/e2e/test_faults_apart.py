"""What is wrong with one listener, member or name is said by `check` with file, line and path, and at run time
touches no other."""

import os
import re
import signal
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from dns import Dns
from holdfast import (CHECKED, HOST, UNCHECKED, BlackHole, Client, Holdfast, Load, Origin, free_port, libconfig, resetting,
                      silent, text_of, wait_until)
from tls import Authority, TlsClient, TlsOrigin, openssl, server_context

NAME = "app.example"


def rewrite(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def findings(p):
    """[(line, path, the rest)] of `check`, errors alone; the value that is said stands there."""
    code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    with open(p.conf_path) as f:
        lines = f.read().split("\n")
    found = []
    for text in err.splitlines():
        m = re.fullmatch(re.escape(p.conf_path) + r":(\d+): (warning: )?([\w.\[\]]+)(?: = (.*?))?: (.*)", text)
        assert m, f"not file, line, path, reason: {text}"
        if m[2] is None:
            group = lines[int(m[1]) - 1:int(m[1]) + 6]  # what is found out beside the file has the line of its group
            assert m[4] is None or any(m[4] in line for line in group), (text, group)
            found.append((int(m[1]), m[3], m[5]))
    return code, found


# ---- said by `check` ----------------------------------------------------------------------------


def test_check_says_each_with_file_line_and_path():
    root = Authority()
    good, other, old = root.issue("shop.example"), root.issue("other.example"), root.issue("old.example", days=-1)
    garbage = os.path.join(holdfast.folder(), "garbage.pem")
    with open(garbage, "w") as f:
        f.write("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")

    def listener(certificate, key):
        return {"address": f"{HOST}:{free_port()}", "tls": {"certificates": [good.conf(), {"certificate": certificate, "key": key}]}}

    p = Holdfast([], start=False, services=[
        {"name": "two", "hosts": ["two"], "tls": {"enabled": True, "ca": garbage}, "members": [{"id": "a", "origin": "127.0.0.1:9001"}]},
        {"name": "three", "hosts": ["three"], "tls": {"enabled": True, "ca": root.file, "certificate": old.chain, "key": old.key},
         "members": [{"id": "a", "origin": "127.0.0.1:9001"}]}],
        top={"listeners": [listener(garbage, good.key), listener(old.chain, old.key), listener(good.chain, other.key)]})
    code, found = findings(p)
    assert code == 2
    wanted = {
        "listeners[0].tls.certificates[1].certificate": "certificate",
        "listeners[1].tls.certificates[1].certificate": "expired on",
        "listeners[2].tls.certificates[1].key": "not the key of the certificate",
        "services[0].tls.ca": "certificate",
        "services[1].tls.certificate": "expired on",
    }
    said = {path: reason for _, path, reason in found}
    assert set(said) == set(wanted), said
    for path, reason in wanted.items():
        assert reason in said[path], (path, said[path])


def test_check_says_which_names_do_not_resolve():
    """Once the file is well: then they are asked for."""
    d = Dns()
    d.fail("ill.test", "SERVFAIL")
    p = Holdfast([], start=False, top={"resolver": {"servers": [d.text()], "timeout": "1s", "tries": 1}}, services=[
        {"name": "one", "members": [{"id": "a", "origin": "127.0.0.1:9001"}, {"id": "b", "origin": "gone.test:80"}]},
        {"name": "two", "hosts": ["two"], "discover": "dns://ill.test:80"}])
    code, found = findings(p)
    assert code == 2 and [path for _, path, _ in found] == ["services[0].members[1].origin", "services[1].discover"], found
    assert "no such name" in found[0][2] and "does not resolve" in found[1][2], found


# ---- listeners ----------------------------------------------------------------------------------


def test_a_listeners_faults_touch_no_other():
    """Garbage, half handshakes and wrong clients at one; a reload that would break one is refused whole; a port that is
    taken leaves the others as they are."""
    root, a = Authority(), Origin("a")
    own = root.issue("shop.example")
    plain, first, second = [(HOST, free_port()) for _ in range(3)]
    renewed = root.issue("second.example")
    p = Holdfast([a], address=plain, top={"listeners": [
        {"address": text_of(plain)}, {"address": text_of(first), "handshake": "500ms", "tls": {"certificates": [own.conf()]}},
        {"address": text_of(second), "tls": {"certificates": [renewed.conf()]}}]})
    load = Load(p, clients=4)
    held = []
    for n in range(40):
        s = socket.create_connection(first)
        s.sendall([b"\x16\x03\x01", b"nonsense\r\n\r\n", b"\x16\x03\x01\x00\xff" + b"\xff" * 255, b""][n % 4])
        held.append(s)
    for _ in range(5):
        try:
            TlsClient(first, Authority("stranger"))
            raise AssertionError("a stranger's certificate was believed")
        except ssl.SSLError:
            pass
    with TlsClient(second, root, name="second.example") as c:
        assert c.get().status == 200
    with open(renewed.key, "w") as f:
        f.write("lost")
    p.signal(signal.SIGHUP)
    p.wait_event("reload_refused")
    taken = socket.socket()
    taken.bind((HOST, free_port()))
    taken.listen()
    p.conf["listeners"][2:] = [{"address": text_of(taken.getsockname())}]
    rewrite(p)
    p.signal(signal.SIGHUP)
    p.wait_event("reload_refused", count=2)
    for address, name in ((first, "shop.example"), (second, "second.example")):
        with TlsClient(address, root, name=name) as c:
            assert c.get().status == 200, "as it was"
    for s in held:
        s.close()
    load.wait_more(20)
    load.stop()
    assert not load.failures(), load.failures()[:3]


def test_a_certificate_that_expires_while_it_runs():
    """Its clients refuse it; those of other names and listeners do not notice."""
    root, a = Authority(), Origin("a")
    plain, secure = (HOST, free_port()), (HOST, free_port())
    good, brief = root.issue("shop.example"), root.issue("brief.example")
    end = time.time() + 4
    request = os.path.join(root.where, "brief.csr")
    extra = os.path.join(root.where, "brief.ext")
    with open(extra, "w") as f:
        f.write("basicConstraints=CA:FALSE\nsubjectAltName=DNS:brief.example\n")
    openssl("req", "-new", "-key", brief.key, "-subj", "/CN=brief.example", "-out", request)
    ca = os.path.join(root.where, "ca")
    os.mkdir(ca)
    open(os.path.join(ca, "index.txt"), "w").close()
    conf = os.path.join(ca, "ca.conf")
    with open(conf, "w") as f:
        f.write(f"[ca]\ndefault_ca=x\n[x]\ndatabase={ca}/index.txt\nnew_certs_dir={ca}\nrand_serial=yes\n"
                f"default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    stamp = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(end))
    openssl("ca", "-batch", "-config", conf, "-in", request, "-out", brief.alone, "-cert", root.made.alone, "-keyfile",
            root.made.key, "-extfile", extra, "-enddate", stamp, "-notext")
    os.replace(brief.alone, brief.chain)
    p = Holdfast([a], address=plain, top={"listeners": [
        {"address": text_of(plain)}, {"address": text_of(secure), "tls": {"certificates": [good.conf(), brief.conf()]}}]})
    with TlsClient(secure, root, name="brief.example") as before:
        assert before.get().status == 200

        def refused():
            try:
                with TlsClient(secure, root, name="brief.example"):
                    return False
            except ssl.SSLCertVerificationError:
                return True
        wait_until(refused, "it has expired")
        assert before.get().status == 200, "who is there stays"
    with TlsClient(secure, root) as c, Client(plain) as d:
        assert c.get().status == 200 and d.get().status == 200
    code, found = findings(p)
    assert code == 2 and [path for _, path, _ in found] == ["listeners[1].tls.certificates[1].certificate"], found


# ---- members ------------------------------------------------------------------------------------


def test_members_with_every_fault_beside_a_good_one():
    """Requests of one service find its one good member; those of another service fail nowhere and wait for nothing."""
    root = Authority()
    good = TlsOrigin("good", server_context(root.issue(NAME)))
    d = Dns()
    bad = [TlsOrigin("untrusted", server_context(Authority("stranger").issue(NAME))),
           TlsOrigin("expired", server_context(root.issue(NAME, days=-1))),
           TlsOrigin("misnamed", server_context(root.issue("other.example"))),
           Origin("plain", resetting), Origin("mute", silent)]
    for o in bad:
        o.problems = []
    gone, full = Origin("gone", start=False), BlackHole("full")
    members = [holdfast.member(o) for o in [good, *bad, gone, full]] + [{"id": "nameless", "origin": "gone.test:443"}]
    other = Origin("other")
    p = Holdfast([], services=[
        {"name": "faulty", "session": {"keys": ["header:X-Key"]}, "health": UNCHECKED, "attempts_max": 9, "retry_min": 1000,
         "timeouts": {"connect": "300ms"}, "passive": {"retry": "60s"},
         "tls": {"enabled": True, "ca": root.file, "name": NAME}, "members": members},
        {"name": "well", "hosts": ["well.example"], "health": UNCHECKED, "members": [holdfast.member(other)]}],
        top={"resolver": {"servers": [d.text()], "timeout": "500ms", "tries": 1}})
    outcomes = []
    with Client(p.address) as faulty, Client(p.address) as well:
        for n in range(30):
            r = faulty.get("/", fields=[("X-Key", f"k{n}")])
            outcomes.append((r.status, r.id if r.status == 200 else None))
            began = time.monotonic()
            assert well.get("/", host="well.example").id == "other"
            assert time.monotonic() - began < holdfast.WAIT_S
    assert outcomes == [(200, "good")] * 30, outcomes
    assert all(r["attempts"] == 1 and r["cause"] == "done" for r in p.requests(service="well"))
    down = {e["member"] for e in p.events("member_down")}
    assert "good" not in down and "other" not in down and {"gone", "nameless"} <= down, down
    for o in bad:
        o.problems.clear()


def test_a_name_that_does_not_resolve_at_the_start_touches_nobody_else():
    a, d = Origin("a"), Dns()
    d.fail("gone.test", "SERVFAIL")
    p = Holdfast([a, {"id": "b", "origin": "gone.test:80"}], health=CHECKED,
                 top={"resolver": {"servers": [d.text()], "timeout": "500ms", "tries": 1, "retry": "100ms"}})
    assert {p.once().id for _ in range(10)} == {"a"}
    p.wait_said("name gone.test does not resolve")
    b = Origin("b")
    d.a("gone.test", b.address[0])
    p.conf["services"][0]["members"][1]["origin"] = f"gone.test:{b.address[1]}"
    rewrite(p)
    p.signal(signal.SIGHUP)
    p.wait_event("reload")
    wait_until(lambda: {p.once().id for _ in range(10)} == {"a", "b"}, "when it resolves it takes its part")


if __name__ == "__main__":
    holdfast.main()
