"""SIGUSR2: another process takes the node's place, with its listeners, and no client notices."""

import contextlib
import json
import os
import pwd
import random
import re
import select
import shutil
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from dns import Dns
from holdfast import CHECKED, HOST, Client, Ended, Holdfast, Origin, alive, free_port, text_of, wait_until
from http2 import Connection, SecureConnection
from test_names import named
from test_notify import managed
from test_reload import KEYED, hup, key_of, write
from test_sockets import handed, listening_socket
from tls import Authority, TlsClient, make_context


class Successor:
    """A process that took over: no child of the test's. Stands where Holdfast.child stood."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None and not alive(self.pid):
            self.returncode = 0
        return self.returncode

    def send_signal(self, number):
        """To one that has just ended it does nothing, as with a child."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait(self, limit_s=60):
        wait_until(lambda: self.poll() is not None, f"process {self.pid} ends", limit_s or 60)
        return self.returncode


class Former:
    """A process whose place was taken: ends with the test at the latest."""

    def __init__(self, child):
        self.child = child

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        self.child.wait(60)
        assert self.child.returncode == 0, f"process {self.child.pid} ended with {self.child.returncode}"


def follow(p, line):
    """The Holdfast of the test is from here on the process that took over."""
    before, pid = p.child, int(re.search(r"process (\d+) \(", line["evidence"])[1])
    p.child, p.pid = Successor(pid), pid
    holdfast.track(Former(before))
    return before


def upgrade(p, number=signal.SIGUSR2):
    """Asks for one and waits until it is done; returns the process before."""
    count = len(p.events("upgraded"))
    p.signal(number)
    wait_until(lambda: len(p.events("upgraded")) > count or len(p.events("upgrade_refused")) > 0, "the upgrade's end")
    assert not p.events("upgrade_refused"), p.events("upgrade_refused")
    before = follow(p, p.events("upgraded")[-1])
    wait_until(lambda: not listens(before.pid, p.pid), "the process before has let go of its listeners")
    return before


def inodes(pid):
    """Of the sockets that a process has open."""
    found = set()
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return {int(m[1]) for m in (re.fullmatch(r"socket:\[(\d+)\]", f) for f in found) if m}


def listens(before, after):
    """Has the process before a listening socket of the one after?"""
    with open("/proc/net/tcp") as f:
        listening = {int(row.split()[9]) for row in f.readlines()[1:] if row.split()[3] == "0A"}
    return bool(inodes(before) & inodes(after) & listening)


def ended(before, limit_s=holdfast.WAIT_S):
    wait_until(lambda: before.poll() is not None, f"process {before.pid} ends", limit_s)
    assert before.returncode == 0, before.returncode


def refused(p, said):
    """Asks for one that does not come to pass; the process goes on."""
    count = len(p.events("upgrade_refused"))
    p.signal(signal.SIGUSR2)
    line = p.wait_event("upgrade_refused", count=count + 1)
    assert said in line["evidence"], line
    assert not p.events("upgraded")
    assert p.once().status == 200
    return line


def copied(members, **more):
    """One whose program is a file of its own, to be replaced."""
    program = os.path.join(holdfast.folder(), "holdfast")
    shutil.copy2(holdfast.binary(), program)
    return Holdfast(members, program=program, **more)


def script(path, text, shell="/bin/sh"):
    """Instead of what is there: as a package does it, by renaming."""
    with open(path + ".new", "w") as f:
        f.write(f"#!{shell}\n{text}\n")
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)


# Says that it is prepared, and goes when it has got the state.
IMPOSTOR = """import os, socket, sys
link = socket.socket(fileno=int(os.environ["HOLDFAST_UPGRADE"]))
while link.recv(4096) != b"sockets end":
    pass
link.send(b"prepared 9.9.9")
while link.recv(4096) != b"state end":
    pass
sys.exit(5)"""


def give(p, user):
    """All that it reads and writes is this user's."""
    who = pwd.getpwnam(user)
    os.chmod(os.path.dirname(p.where), 0o755)
    for path in [p.where] + [os.path.join(p.where, name) for name in os.listdir(p.where)]:
        os.chown(path, who.pw_uid, who.pw_gid)


def admin(p, method, path):
    host, port = p.conf["admin"]["address"].rsplit(":", 1)
    with Client((host, int(port))) as c:
        r = c.request(method, path, fields=[("Holdfast-Admin", "1")], body=b"" if method == "POST" else None)
        assert r.status == 200, (r.line, r.body)
        return json.loads(r.body)


# ---- clients that count -----------------------------------------------------------------------------


class Talker(threading.Thread):
    """Asks again and again until told to end, some requests with a rest between. Every request must be
    answered with 200 and its own mark, on whatever connection; nothing is tried twice, but streams
    of HTTP/2 that the server's GOAWAY says were not processed. `connect`: makes a connection."""

    def __init__(self, name, connect, ending, fresh=False, body=None, rest_s=0.0):
        super().__init__(daemon=True)
        self.name, self.connect, self.ending, self.fresh, self.body, self.rest_s = name, connect, ending, fresh, body, rest_s
        self.failures, self.marks, self.connections = [], [], 0
        self.connection = None
        self.start()

    def run(self):
        rest = random.Random(self.name)
        while not self.ending.is_set():
            mark = f"{self.name}-{len(self.marks)}"
            self.marks.append(mark)
            try:
                self.ask(mark)
            except Exception as e:
                self.failures.append(f"{mark}: {type(e).__name__}: {e}")
                self.leave()
            if self.rest_s:
                self.ending.wait(rest.uniform(0, self.rest_s))
        self.leave()

    def open(self):
        if self.connection is None:
            self.connection = self.connect()
            self.connections += 1
        return self.connection

    def leave(self):
        if self.connection is not None:
            self.connection.__exit__()
            self.connection = None

    def ask(self, mark):
        r = self.open().request("POST" if self.body else "GET", f"/{mark}", fields=[("X-Exchange", mark)], body=self.body)
        assert r.status == 200 and r.got.all("X-Exchange") == [mark], r.line
        if r.closes or self.fresh:
            self.leave()


class Talker2(Talker):
    """The same over HTTP/2."""

    def heed(self):
        """Reads what came meanwhile, as a client of HTTP/2 does all the time."""
        c = self.connection
        try:
            while c is not None and (c.held or select.select([c.sock], [], [], 0)[0]):
                c.next_frame()
        except Ended:
            assert c.goaways, "closed without GOAWAY"
        if c is not None and c.goaways and not self.is_notice(c):
            self.leave()

    def is_notice(self, c):
        return c.goaways[-1].last_stream == 0x7fffffff

    def ask(self, mark):
        while True:
            self.heed()
            c = self.open()
            id = c.next_stream
            try:
                s = c.request("POST" if self.body else "GET", f"/{mark}", fields=[("x-exchange", mark)], body=self.body)
            except (Ended, OSError):
                if not c.goaways or c.goaways[-1].last_stream >= id:
                    raise
                self.leave()
                continue
            assert s.status == 200 and s.got.all("X-Exchange") == [mark], s.status
            return


class Crowd:
    def __init__(self):
        self.ending = threading.Event()
        self.talkers = []

    def add(self, name, connect, kind=Talker, **more):
        self.talkers.append(kind(name, connect, self.ending, **more))

    def asked(self):
        return sum(len(t.marks) for t in self.talkers)

    def wait_more(self, count):
        goal = self.asked() + count
        wait_until(lambda: self.asked() >= goal, f"{count} more requests", 60)

    def stop(self):
        self.ending.set()
        for t in self.talkers:
            t.join(60)
            assert not t.is_alive(), f"{t.name} waits for ever"

    def failures(self):
        return [f for t in self.talkers for f in t.failures]


def crowd_of(plain, secure, authority):
    """Many connections of every kind."""
    crowd = Crowd()
    for i in range(4):
        crowd.add(f"kept{i}", lambda: Client(plain))
        crowd.add(f"rests{i}", lambda: Client(plain), rest_s=0.2)
    for i in range(2):
        crowd.add(f"posts{i}", lambda: Client(plain), body=b"x" * 3000)
        crowd.add(f"fresh{i}", lambda: Client(plain), fresh=True)
        crowd.add(f"tls{i}", lambda: TlsClient(secure, authority), rest_s=0.05)
        crowd.add(f"h2c{i}", lambda: Connection(plain), Talker2, body=b"y" * 2000)
        crowd.add(f"h2tls{i}", lambda: SecureConnection(secure, authority), Talker2, rest_s=0.05)
    crowd.add("tlsfresh", lambda: TlsClient(secure, authority), fresh=True, rest_s=0.05)
    return crowd


def everywhere(members, **more):
    """A Holdfast with a plain listener and one of TLS, its address, and who signed for it."""
    authority = Authority()
    secure = (HOST, free_port())
    plain = (HOST, free_port())
    listeners = [{"address": text_of(plain)},
                 {"address": text_of(secure), "tls": {"certificates": [authority.issue("shop.example").conf()]}}]
    p = Holdfast(members, address=plain, top={"listeners": listeners, **more.pop("top", {})}, **more)
    return p, secure, authority


# ---- it comes to pass -----------------------------------------------------------------------------


def test_another_process_serves_and_the_old_one_ends():
    p = Holdfast([Origin("a")])
    assert p.once().status == 200
    before = upgrade(p)
    assert before.pid != p.pid
    assert p.once().status == 200
    ended(before)
    line = p.events("upgraded")[0]
    assert line["reason"] == "signal" and f"from {before.pid}" in line["evidence"], line


def test_no_client_notices_upgrades_and_reloads_under_load():
    a, b = Origin("a"), Origin("b")
    p, secure, authority = everywhere([a, b], workers=2)
    crowd = crowd_of(p.address, secure, authority)
    befores = []
    for _ in range(4):
        crowd.wait_more(150)
        befores.append(upgrade(p))
        crowd.wait_more(150)
        hup(p)
    crowd.wait_more(150)
    crowd.stop()
    assert crowd.failures() == [], crowd.failures()[:5]
    for before in befores:
        ended(before)
    asked = [m for t in crowd.talkers for m in t.marks]
    got = [r.fields.get("X-Exchange") for o in (a, b) for r in o.requests]
    twice = {m for m in got if got.count(m) > 1}
    assert not twice and set(got) == set(asked), (twice, set(asked) - set(got), set(got) - set(asked))
    assert len({t.name for t in crowd.talkers if t.connections > 1}) >= 8, "connections were told to end"


def test_another_number_of_workers_takes_all_listeners_over():
    """Clients wait at each of the sockets that the process before had."""
    p = Holdfast([Origin("a")], workers=3)
    for workers in (1, 4, 2):
        p.conf["workers"] = workers
        write(p)
        ended(upgrade(p))
        for _ in range(40):
            assert p.once().status == 200


def test_a_program_that_was_replaced_is_the_next_process():
    p = copied([Origin("a")])
    marker = os.path.join(p.where, "replaced")
    script(p.program, f'echo "$*" > {marker}; exec {holdfast.binary()} "$@"')
    ended(upgrade(p))
    with open(marker) as f:
        assert f.read() == f"run -c {p.conf_path}\n"
    assert p.once().status == 200


def test_another_configuration_holds_with_the_next_process():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a])
    assert p.once().id == "a"
    p.conf["services"][0]["members"] = [holdfast.member(b)]
    other = (HOST, free_port())
    p.conf["listeners"] = [{"address": text_of(p.address)}, {"address": text_of(other)}]
    write(p)
    ended(upgrade(p))
    assert p.once().id == "b"
    with Client(other) as c:
        assert c.get().id == "b"
    p.conf["listeners"] = [{"address": text_of(other)}]
    write(p)
    ended(upgrade(p))
    assert not holdfast.is_listening(p.address), "a listener that is configured no more is closed"
    p.address = other
    assert p.once().id == "b"


def test_an_idle_connection_has_one_more_request():
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c, p.client() as untouched:
        assert not c.get("/before").closes
        before = upgrade(p)
        r = c.get("/last")
        assert r.status == 200 and r.closes and c.is_ended()
        assert alive(before.pid), "a connection without a request is waited for"
        r = untouched.get("/first")
        assert r.status == 200 and r.closes and untouched.is_ended()
    ended(before)


def test_what_is_under_way_ends_and_says_that_it_was_the_last():
    begun, released = [], threading.Event()

    def behave(connection, request):
        begun.append(request)
        assert released.wait(60)
        connection.answer(200, b"late")

    p = Holdfast([Origin("a", behave)], timeouts={"first_byte": "60s"})
    with p.client() as c:
        c.send(c.request_bytes())
        wait_until(lambda: begun, "the request arrives")
        before = upgrade(p)
        released.set()
        r = c.response()
        assert (r.status, r.body) == (200, b"late") and r.closes and c.is_ended()
    ended(before)


def test_an_answer_that_had_begun_ends_and_another_request_may_follow():
    """Its head did not say that it is the last: the client may have sent the next one."""
    half = threading.Event()

    def behave(connection, request):
        if request.target == "/long":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
            assert half.wait(60)
            connection.send(b"67890")
        else:
            connection.answer(200, b"next")

    p = Holdfast([Origin("a", behave)])
    with p.client() as c:
        c.send(c.request_bytes(target="/long"))
        head = c.head()
        assert not head.closes and c.take(5) == b"12345"
        before = upgrade(p)
        half.set()
        assert c.take(5) == b"67890"
        r = c.get("/next")
        assert (r.status, r.body) == (200, b"next") and r.closes
    ended(before)


def test_the_drain_ends_in_time():
    """A client that holds its connection does not hold the process before for ever."""
    p = Holdfast([Origin("a")], top={"upgrade": {"drain": "100ms"}})
    with p.client() as c:
        assert c.get().status == 200
        ended(upgrade(p))
        assert c.is_ended()


def test_a_handshake_that_was_begun_is_ended_and_served():
    p, secure, authority = everywhere([Origin("a")])
    with Client(secure) as c:
        before = upgrade(p)
        assert alive(before.pid)
        t = TlsClient.__new__(TlsClient)
        t.__dict__.update(c.__dict__)
        t.sock = make_context(authority).wrap_socket(c.sock, server_hostname="shop.example")
        t.host = "shop.example"
        r = t.get()
        assert r.status == 200 and r.closes
        t.close()
    ended(before)


def test_http2_is_told_to_go_and_nothing_is_lost():
    p = Holdfast([Origin("a")])
    with Connection(p.address) as c:
        assert c.get("/1").status == 200
        before = upgrade(p)
        assert c.get("/2").status == 200, "served until the last word is said"
        assert c.until_closed() == 0
    ended(before)


def test_what_comes_behind_the_last_word_is_not_processed():
    """The last word and a request cross within one read: what GOAWAY does not name was not begun."""
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address, acks=False) as c:
        c.frame(4, 1)
        assert c.get("/1").status == 200
        hup(p)
        ping = c.expect(6)
        id = c.next_stream
        held, c.send = [], lambda data: held.append(data)
        c.frame(6, 1, 0, ping.payload)
        c.open("POST", "/2")
        del c.send
        c.send(b"".join(held))
        assert c.until_closed() == 0
        assert c.goaways[-1].last_stream < id
    assert [r.target for r in a.requests] == ["/1"]


# ---- what is handed over --------------------------------------------------------------------------


def test_who_is_down_stays_down_and_its_outage_goes_on():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, health={**CHECKED, "interval": "60s"}, passive={"retry": "60s"})
    key = key_of("a", "ab")
    a.go()
    assert p.once(fields=[("X-Key", key)]).id == "b"
    p.wait_event("member_down", member="a")
    for n in range(2):
        ended(upgrade(p))
        r = p.once(f"/after{n}", fields=[("X-Key", key)])
        assert r.id == "b" and p.wait_request(target=f"/after{n}")["attempts"] == 1, "nobody tries who is down"
    assert len(p.events("member_down")) == 1


def test_an_outage_that_began_before_ends_after():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, health=CHECKED)
    a.go()
    p.wait_event("member_down", member="a")
    ended(upgrade(p))
    a.come_back()
    p.wait_event("member_up", member="a")
    summary = p.wait_event("outage_summary", count=2, member="a")
    assert "the member is up" in summary["evidence"], summary
    assert len(p.events("member_down")) == 1 and len(p.events("member_up")) == 1


def test_sessions_stay_where_they_are():
    members = [Origin(id) for id in "abc"]
    p = Holdfast(members)
    browsers = [p.browser() for _ in range(24)]
    homes = [s.get().id for s in browsers]
    for _ in range(2):
        before = upgrade(p)
        assert [s.get().id for s in browsers] == homes
        ended(before)
    assert not p.events("failover") and not p.events("rehomed")


def test_an_operator_s_order_holds():
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], top={"admin": {"address": text_of((HOST, free_port()))}})
    admin(p, "POST", "/members/a/drain")
    ended(upgrade(p))
    states = {m["id"]: m["state"] for m in admin(p, "GET", "/status")["services"][0]["members"]}
    assert states == {"a": "drain", "b": "up"}, states
    assert {p.once().id for _ in range(10)} == {"b"}
    admin(p, "POST", "/members/a/undrain")
    wait_until(lambda: "a" in {p.once().id for _ in range(10)}, "it takes sessions again")


def test_a_unix_socket_keeps_its_file():
    where = os.path.join(holdfast.folder(), "s")
    p = Holdfast([Origin("a")], address="unix:" + where, top={"listeners": [{"address": "unix:" + where}]}, workers=2)
    inode = os.stat(where).st_ino
    for _ in range(2):
        ended(upgrade(p))
        assert os.stat(where).st_ino == inode and p.once().status == 200
    p.stop()
    assert not os.path.exists(where), "the last one removes it"


def test_sockets_of_a_service_manager_go_on_also_those_that_nobody_uses_yet():
    web, other = listening_socket(), listening_socket()
    p = handed([("web", web), ("other", other)], ["fd:web"], workers=2)
    p.address = web.getsockname()[:2]
    wait_until(lambda: "listens on" in p.stderr, "it has them")
    ended(upgrade(p))
    p.conf["listeners"] = [{"address": "fd:web"}, {"address": "fd:other"}]
    write(p)
    hup(p)
    ended(upgrade(p))
    for s in (web, other):
        with Client(s.getsockname()[:2]) as c:
            assert c.get().status == 200


def test_a_service_manager_is_told_whose_process_it_is_now():
    manager, p = managed()
    wait_until(lambda: manager.count("READY=1") == 1, "ready")
    ended(upgrade(p))
    wait_until(lambda: manager.count("READY=1") == 2, "ready again")
    said = [line for text in manager.said for line in text.split("\n") if not line.startswith(("STATUS", "WATCHDOG", "MONOTONIC"))]
    assert said == ["READY=1", "RELOADING=1", f"MAINPID={p.pid}", "READY=1"], manager.said
    hup(p)
    wait_until(lambda: manager.count("READY=1") == 3, "the next process speaks")
    p.signal(signal.SIGTERM)
    wait_until(lambda: manager.count("STOPPING=1") == 1, "stopping")


def test_the_watchdog_is_fed_by_the_process_that_took_over():
    manager, p = managed(env={"WATCHDOG_USEC": "200000"})
    wait_until(lambda: manager.count("WATCHDOG=1") >= 2, "the watchdog is fed")
    ended(upgrade(p))
    fed = manager.count("WATCHDOG=1")
    wait_until(lambda: manager.count("WATCHDOG=1") >= fed + 3, "the watchdog is fed again")


def test_a_refused_upgrade_ends_for_the_service_manager_too():
    manager, p = managed()
    wait_until(lambda: manager.count("READY=1") == 1, "ready")
    with open(p.conf_path, "a") as f:
        f.write('nonsense = "1";\n')
    refused(p, "nonsense")
    wait_until(lambda: manager.count("READY=1") == 2, "the end of it")
    assert "an upgrade was refused" in manager.said[-1] and not any("MAINPID" in t for t in manager.said)


def test_ports_of_root_need_no_root_any_more():
    if os.geteuid() != 0:
        return
    address = (HOST, next(n for n in range(600, 1000) if not holdfast.is_listening((HOST, n))))
    p = copied([Origin("a")], address=address, start=False, top={"user": "nobody", "workers": 2})
    give(p, "nobody")
    p.start()
    for workers in (1, 3):
        p.conf["workers"] = workers
        write(p)
        ended(upgrade(p))
        with open(f"/proc/{p.pid}/status") as f:
            assert re.search(r"^Uid:\t(\d+)", f.read(), re.M)[1] == str(pwd.getpwnam("nobody").pw_uid)
        for _ in range(20):
            assert p.once().status == 200


# ---- it does not ----------------------------------------------------------------------------------


def test_a_configuration_that_is_wrong_is_refused_and_said():
    p = Holdfast([Origin("a")])
    with open(p.conf_path) as f:
        good = f.read()
    with open(p.conf_path, "a") as f:
        f.write('nonsense = "1";\n')
    refused(p, "nonsense")
    p.wait_said("upgrade refused, this process goes on")
    with open(p.conf_path, "w") as f:
        f.write(good)
    p.signal(signal.SIGUSR2)
    before = follow(p, p.wait_event("upgraded"))
    ended(before)


def test_a_name_that_does_not_resolve_any_more_is_known_to_this_process_alone():
    dns = Dns()
    a = Origin("a")
    dns.a("app.test", a.address[0], ttl=60)
    p = named(dns, [("a", f"app.test:{a.address[1]}")])
    assert p.once().status == 200
    dns.fail("app.test", "SERVFAIL")
    refused(p, "name app.test does not resolve")
    assert p.once().status == 200
    dns.a("app.test", a.address[0], ttl=60)
    p.signal(signal.SIGUSR2)
    ended(follow(p, p.wait_event("upgraded")))
    assert p.once().status == 200


def test_a_program_that_is_not_there():
    p = copied([Origin("a")])
    os.unlink(p.program)
    refused(p, "cannot be started: No such file")


def test_a_program_that_ends_at_once():
    p = copied([Origin("a")])
    script(p.program, "exit 3")
    refused(p, "ended with 3 before it was ready")
    script(p.program, "kill -SEGV $$")
    p.signal(signal.SIGUSR2)
    assert "by signal 11" in p.wait_event("upgrade_refused", count=2)["evidence"]
    assert p.once().status == 200


def test_a_program_that_is_never_ready():
    p = copied([Origin("a")], top={"upgrade": {"ready": "300ms"}})
    script(p.program, f"echo $$ > {p.where}/pid; exec sleep 1000")
    refused(p, "not ready within 300 ms")
    with open(f"{p.where}/pid") as f:
        pid = int(f.read())
    wait_until(lambda: not alive(pid), "it is killed")


def test_a_program_that_dies_between_prepared_and_ready():
    p = copied([Origin("a")])
    script(p.program, IMPOSTOR, shell="/usr/bin/env python3")
    refused(p, "ended with 5 before it was ready")


def test_a_reload_meanwhile_waits():
    a, b = Origin("a"), Origin("b")
    p = copied([a], top={"upgrade": {"ready": "60s"}})
    gate = os.path.join(p.where, "gate")
    os.mkfifo(gate)
    script(p.program, f"read word < {gate}; exit 3")
    p.signal(signal.SIGUSR2)
    wait_until(lambda: "another process is started" in p.stderr, "it is begun")
    p.conf["services"][0]["members"] = [holdfast.member(b)]
    write(p)
    p.signal(signal.SIGHUP)
    wait_until(lambda: "a reload waits" in p.stderr, "the reload waits")
    p.signal(signal.SIGUSR2)
    wait_until(lambda: "an upgrade is under way" in p.stderr, "another one is refused")
    assert p.once().id == "a" and not p.events("reload")
    with open(gate, "w") as f:
        f.write("go\n")
    p.wait_event("upgrade_refused")
    p.wait_event("reload")
    assert p.once().id == "b"


def test_a_stop_meanwhile_ends_both():
    p = copied([Origin("a")], top={"upgrade": {"ready": "60s"}})
    script(p.program, f"echo $$ > {p.where}/pid.new; mv {p.where}/pid.new {p.where}/pid; exec sleep 1000")
    p.signal(signal.SIGUSR2)
    wait_until(lambda: os.path.exists(f"{p.where}/pid"), "it is begun")
    with open(f"{p.where}/pid") as f:
        pid = int(f.read())
    p.stop()
    wait_until(lambda: not alive(pid), "the other one is killed")


if __name__ == "__main__":
    holdfast.main()
