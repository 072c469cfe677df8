"""Listeners and members that are no IPv4 addresses: UNIX sockets, sockets that the service manager hands over, IPv6."""

import grp
import os
import pwd
import signal
import socket
import stat
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import CHECKED, HOST, Client, Holdfast, Origin, binary, folder, free_port, is_listening, libconfig, text_of, wait_until

# Sockets get the numbers from 3 on in the order of HANDED="name=fd,...", as sd_listen_fds(3) has them.
LAUNCHER = """#!/usr/bin/env python3
import os, sys
pairs = [p.split("=") for p in os.environ["HANDED"].split(",") if p]
high = [os.dup2(int(fd), 100 + i) for i, (_, fd) in enumerate(pairs)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ.update(LISTEN_PID=os.environ.get("WRONG_PID") or str(os.getpid()), LISTEN_FDS=str(len(pairs)),
                  LISTEN_FDNAMES=":".join(n for n, _ in pairs))
os.execv(%r, [%r] + sys.argv[1:])
"""


def place(name="s"):
    return "unix:" + os.path.join(folder(), name)


def path_of(address):
    return address.removeprefix("unix:")


def on(address, members, listener=None, **more):
    top = {"listeners": [{"address": text_of(address), **(listener or {})}], **more.pop("top", {})}
    return Holdfast(members, address=address, top=top, **more)


def write(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def hup(p, event="reload"):
    before = len(p.events(event))
    p.signal(signal.SIGHUP)
    return p.wait_event(event, count=before + 1)


def check(p):
    return holdfast.holdfast("check", "-c", p.conf_path)


def bare(conf):
    """A configuration that is only written."""
    p = Holdfast([], services=[{"name": "shop", "members": [{"id": "a", "origin": "127.0.0.1:9"}]}], start=False, top=conf)
    return p


# ---- UNIX sockets -------------------------------------------------------------------------------


def test_clients_through_a_unix_socket():
    a = Origin("a")
    where = place()
    p = on(where, [a], workers=2, session={"keys": ["ip"]})
    for _ in range(6):
        with p.client() as c:
            r = c.get()
            assert r.status == 200 and c.get("/2", body=b"x" * 100000, method="POST").json["body_bytes"] == 100000
            assert r.got.all("X-Forwarded-For") == ["unknown"]
    assert len({r.fields.get("Holdfast-Session") for r in a.requests}) == 12, "who has no address has no key of it"
    assert p.wait_request(client="unix:", count=12)
    p.stop()
    assert not os.path.exists(path_of(where)), "the file goes with the process"


def test_large_answers_and_tunnels_through_unix_sockets():
    def behave(connection, request):
        if request.fields.has("Upgrade"):
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            connection.send(connection.wire.take(5))
            return False
        connection.answer(200, b"0123456789abcdef" * 262144)
    a = Origin("a", behave, address=place("app"))
    p = on(place(), [a])
    with p.client() as c:
        assert c.get().body == b"0123456789abcdef" * 262144
        assert c.get(fields=[("Connection", "Upgrade"), ("Upgrade", "echo")]).status == 101
        c.send(b"hello")
        assert c.take(5) == b"hello"


def test_a_slow_reader_through_a_unix_socket():
    """The kernel does not tell how much it takes: it is waited for, as a tunnel is."""
    size = 4 << 20
    p = on(place(), [Origin("a", lambda c, _: c.answer(200, b"x" * size))],
           rates={"answer_min": "1KiB", "period": "300ms"}, timeouts={"idle": "500ms", "tunnel": "4s"})
    with p.client() as c:
        c.send(c.request_bytes())
        end = time.monotonic() + 2
        while time.monotonic() < end:
            c.held += c.sock.recv(2048)
            time.sleep(0.05)
        assert len(c.response().body) == size
    with p.client() as c:
        c.send(c.request_bytes())
        wait_until(lambda: [r for r in p.requests() if r["cause"] != "done"], "it is broken off")


def test_rights_of_the_file():
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    where = place()
    p = on(where, [Origin("a")], {"mode": "0600", "owner": f"{user}:{group}"})
    assert stat.S_IMODE(os.stat(path_of(where)).st_mode) == 0o600
    if os.getuid() == 0:
        p.conf["listeners"][0].update(mode="0666", owner="nobody")
        write(p)
        hup(p)
        s = os.stat(path_of(where))
        assert stat.S_IMODE(s.st_mode) == 0o666 and s.st_uid == pwd.getpwnam("nobody").pw_uid


def test_a_file_that_was_left_behind():
    where = place()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path_of(where))
    p = on(where, [Origin("a")])
    assert p.once().status == 200
    inode = os.stat(path_of(where)).st_ino
    other = on(where, [Origin("b")], start=False)
    code, _, err = holdfast.holdfast("run", "-c", other.conf_path)
    assert code == 1 and f"listen on {where}: Address already in use" in err, err
    assert p.once().json["id"] == "a" and os.stat(path_of(where)).st_ino == inode
    p.kill()
    p.child = None
    assert os.path.exists(path_of(where)), "killed: it stays"
    q = on(where, [Origin("b")])
    assert q.once().json["id"] == "b"


def test_another_ones_file_stays():
    """Who comes later and takes the place keeps it when the earlier one ends."""
    where = place()
    p = on(where, [Origin("a")])
    os.unlink(path_of(where))
    q = on(where, [Origin("b")])
    p.stop()
    assert q.once().json["id"] == "b"
    plain = place("file")
    open(path_of(plain), "w").close()
    r = on(plain, [Origin("c")], start=False)
    code, _, err = holdfast.holdfast("run", "-c", r.conf_path)
    assert code == 2 and "there is a file that is no socket" in err and os.path.exists(path_of(plain))


def test_reloads_keep_and_change_unix_sockets():
    first, second = place("1"), place("2")
    p = on(first, [Origin("a")], workers=2)
    with Client(first) as c:
        assert c.get().status == 200
        inode = os.stat(path_of(first)).st_ino
        p.conf["listeners"].append({"address": second})
        write(p)
        hup(p)
        assert os.stat(path_of(first)).st_ino == inode and c.get().status == 200
        with Client(second) as d:
            assert d.get().status == 200
            p.conf["listeners"].pop(0)
            write(p)
            hup(p)
            assert not os.path.exists(path_of(first)) and d.get().status == 200 and c.get().status == 200
        p.conf["listeners"].append({"address": "unix:/nonexistent/dir/s"})
        write(p)
        hup(p, "reload_refused")
        assert is_listening(second)
    p.address = second


def test_members_on_unix_sockets():
    a, b = Origin("a", address=place("a")), Origin("b", address=place("b"))
    p = Holdfast([a, b], health=CHECKED, session={"keys": ["header:X-Key"]})
    key = next(k for k in (f"k{n}" for n in range(100)) if p.once(fields=[("X-Key", k)]).id == "a")
    wait_until(lambda: a.probes and b.probes, "checks come")
    with p.client() as c:
        first = c.get(fields=[("X-Key", key)]).json["connection"]
        assert c.get(fields=[("X-Key", key)]).json["connection"] == first, "its connections are kept"
    a.go()
    assert p.once(fields=[("X-Key", key)]).id == "b"
    wait_until(lambda: p.events("failover", reason="connect_refused") or p.events("member_down"), "the log says why")
    os.unlink(path_of(a.address))
    p.wait_event("member_down")
    a.come_back()
    p.wait_event("member_up")
    code, out, _ = holdfast.holdfast("explain", "-c", p.conf_path, key)
    assert code == 0 and "a" in out


def test_check_of_unix_sockets():
    p = bare({"listeners": [{"address": "unix:relative"}, {"address": "unix:/" + "x" * 107}, {"address": "unix:/nonexistent/d/s"},
                            {"address": "unix:/tmp", "mode": "888", "owner": "nobody-of-that-name"},
                            {"address": "127.0.0.1:1", "mode": "0600"}]})
    code, _, err = check(p)
    for say in ("not a path from the root", "longer than 107 bytes", "/nonexistent/d: No such file", "a file that is no socket",
                "not the rights of a file in octal", "no such user: nobody-of-that-name", "means nothing unless"):
        assert say in err, (say, err)
    assert code == 2
    where = place()
    p = bare({"listeners": [{"address": where}]})
    p.conf["services"][0]["members"][0]["origin"] = where
    write(p)
    assert "this is listeners[0]: requests would go round in a circle" in check(p)[2]


def test_who_comes_through_a_unix_socket_may_be_trusted():
    p = on(place(), [Origin("a")], top={"forwarded": {"trusted": ["unix"]}})
    assert p.once(fields=[("X-Forwarded-For", "192.0.2.7")]).got.all("X-Forwarded-For") == ["192.0.2.7, unknown"]
    assert p.wait_request(client="192.0.2.7:0")
    q = on(place(), [Origin("a")], {"proxy_protocol": ["unix"]})
    q.address = q.conf["listeners"][0]["address"]
    with q.client() as c:
        c.send(b"PROXY TCP6 2001:db8::7 ::1 56324 443\r\n")
        assert c.get().got.all("X-Forwarded-For") == ["2001:db8::7"]


# ---- handed over --------------------------------------------------------------------------------


def launcher():
    path = os.path.join(folder(), "launch")
    with open(path, "w") as f:
        f.write(LAUNCHER % (binary(), binary()))
    os.chmod(path, 0o755)
    return path


def listening_socket(host=HOST):
    s, name = holdfast.socket_for((host, free_port(host)))
    s.bind(name)
    s.listen(16)
    return s


def handed(sockets, listeners, members=None, start=True, env=None, **more):
    """Holdfast under a service manager that holds these sockets: name -> socket."""
    env = {"HANDED": ",".join(f"{n}={s.fileno()}" for n, s in sockets), **(env or {})}
    address = sockets[0][1].getsockname()
    return Holdfast(members or [Origin("a")], address=address if isinstance(address, str) else address[:2], program=launcher(), env=env,
                    pass_fds=[s.fileno() for _, s in sockets], start=start, top={"listeners": [{"address": n} for n in listeners]}, **more)


def test_sockets_that_are_handed_over():
    web, api, other = listening_socket(), listening_socket("::1"), listening_socket()
    p = handed([("web", web), ("api", api), ("other", other)], ["fd:web", "fd:api"], workers=2)
    for s in (web, api):
        for _ in range(4):
            with Client(s.getsockname()[:2]) as c:
                assert c.get().status == 200
    p.wait_said("listens on fd:web")
    p.conf["listeners"] = [{"address": "fd:web"}, {"address": "fd:other"}]
    write(p)
    with p.client() as c:
        assert c.get().status == 200
        hup(p)
        assert c.get().status == 200
    with Client(other.getsockname()) as c:
        assert c.get().status == 200
    p.conf["listeners"] = [{"address": "fd:nothing"}]
    write(p)
    assert "no socket called fd:nothing" in str(hup(p, "reload_refused")) or \
        "no socket called nothing is handed over; there are: web, api, other" in str(p.events("reload_refused"))


def test_what_waits_is_left_to_the_next_one():
    web = listening_socket()
    p = handed([("web", web)], ["fd:web"])
    assert p.once().status == 200
    p.stop()
    with Client(web.getsockname()) as c:
        c.send(c.request_bytes())
        q = handed([("web", web)], ["fd:web"])
        assert c.response().status == 200
    q.stop()


def test_what_is_not_handed_over():
    web = listening_socket()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as unbound:
        for sockets, listener, say, env in (
                ([("web", web)], "fd:api", "no socket called api is handed over; there are: web", {}),
                ([("web", web), ("web", listening_socket())], "fd:web", "several sockets are called web", {}),
                ([("udp", udp)], "fd:udp", "is no listening stream socket", {}),
                ([("web", unbound)], "fd:web", "is no listening stream socket", {}),
                ([("web", web)], "fd:web", "no socket is handed over to this process", {"WRONG_PID": "1"})):
            p = handed(sockets, [listener], start=False)
            holdfast.Process.__init__(p, [p.program, "run", "-c", p.conf_path], p.where, env={**p.env, **env}, pass_fds=p.pass_fds)
            p.expected_exit = 2
            assert p.wait() == 2 and say in p.stderr, p.stderr
    p = bare({"listeners": [{"address": "fd:web"}, {"address": "fd:"}, {"address": "fd:a b"}]})
    code, _, err = check(p)
    assert code == 2 and err.count("not the name of a socket") == 2
    p = bare({"listeners": [{"address": "fd:web"}]})
    code, out, err = check(p)
    assert code == 0 and "no socket is handed over to this check" in err and "ok:" in out


# ---- IPv6 ---------------------------------------------------------------------------------------


def test_ipv6_on_both_sides():
    a, b = Origin("a", address=("::1", free_port("::1"))), Origin("b", address=("::1", free_port("::1")))
    admin = ("::1", free_port("::1"))
    p = on(("::1", free_port("::1")), [a, b], health=CHECKED, session={"keys": ["ip"]}, top={"admin": {"address": text_of(admin)}})
    with p.client() as c:
        r = c.get(host="[2001:db8::9]:8080")
        assert r.got.all("X-Forwarded-For") == ["::1"] and r.got.all("X-Forwarded-Host") == ["[2001:db8::9]:8080"]
    assert p.wait_request()["client"].startswith("[::1]:")
    wait_until(lambda: a.probes and b.probes, "checks come")
    with Client(admin) as c:
        status = c.get("/status").json
        assert [m["origin"] for m in status["services"][0]["members"]] == [text_of(a.address), text_of(b.address)]
    code, out, err = holdfast.holdfast("members", "--admin", text_of(admin))
    assert code == 0 and text_of(a.address) in out, err
    home = a if r.id == "a" else b
    home.go()
    assert p.once().status == 200
    assert f"[::1]:{home.address[1]}" in p.wait_event("failover")["evidence"]


def test_ipv6_counts_for_limits_and_keys():
    a = Origin("a")
    p = on(("::1", free_port("::1")), [a], {"proxy_protocol": ["::1"]}, session={"keys": ["ip"]},
           top={"limits": {"connections_per_address": 1}})
    def behind(ip):
        c = p.client()
        c.send(b"PROXY TCP6 %s ::1 1000 80\r\n" % ip.encode())
        return c
    with behind("2001:db8:0:1::7") as c:
        assert c.get().got.all("X-Forwarded-For") == ["2001:db8:0:1::7"]
        with behind("2001:db8:0:1::8") as d:
            d.send(d.request_bytes())
            assert d.is_ended(), "one /64 counts as one client"
        with behind("2001:db8:0:2::7") as d:
            assert d.get().status == 200


if __name__ == "__main__":
    holdfast.main()
