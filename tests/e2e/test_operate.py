"""What operators do: commands, signals, logs, and a machine that runs out of things."""

import glob
import os
import re
import resource
import signal
import subprocess
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import (CHECKED, ROOT, Ended, Holdfast, Load, Origin, Process, answering, binary, dying_after, sanitizer,
                      silent, wait_until)

IDLE = 10000


def run(*argv):
    return holdfast.holdfast(*argv)


def write(name, text):
    path = os.path.join(holdfast.folder(), name)
    with open(path, "w") as f:
        f.write(text)
    return path


# ---- commands -----------------------------------------------------------------------------------


# Certificates, directories, shared disks that are not here; test_examples runs them with some of their own.
NEEDING = {"discover.conf", "http2.conf", "proxy-protocol.conf", "tls.conf", "tls-to-members.conf",
           "two-nodes-shared-disk.conf", "unix-sockets.conf"}


def test_check_takes_every_file_that_we_ship():
    paths = sorted(glob.glob(os.path.join(ROOT, "conf", "**", "*.conf"), recursive=True))
    assert len(paths) >= 3
    with open(os.path.join(ROOT, "tests/e2e/test_examples.py")) as f:
        examples = f.read()
    where = holdfast.folder()
    secret = os.path.join(where, "build", "cluster-3", "secret")  # made by the demo, relative to where it runs
    os.makedirs(os.path.dirname(secret))
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4)
    os.chmod(secret, 0o600)
    for path in paths:
        status, out, err = holdfast.holdfast("check", "-c", path, cwd=where)
        name = os.path.basename(path)
        if name in NEEDING:
            assert status == 2 and all(re.search(": (No such file or directory|does not resolve)", line)
                                       for line in err.splitlines()), err
            assert f'"{name.removesuffix(".conf")}"' in examples, f"{name} is run by test_examples"
            continue
        assert status == 0, (path, err)
        assert out.startswith(f"{path}: ok: ") and len(out.splitlines()) == 1, out


def test_check_says_all_that_is_wrong_at_once():
    path = write("bad.conf", """listeners = ( { address = "127.0.0.1"; } );
workerz = 2;
services = (
  { name = "shop";
    timeouts = { connect = 5; };
    members = ( { id = "a"; origin = "127.0.0.1:9001"; },
                { id = "a"; origin = "127.0.0.1:9002"; weight = 70000; } ); } );
""")
    status, out, err = run("check", "-c", path)
    assert status == 2 and not out
    for line, what in ((1, "listeners[0].address"), (2, "workerz"), (5, "services[0].timeouts.connect"),
                       (7, "services[0].members[1].id"), (7, "services[0].members[1].weight")):
        assert any(text.startswith(f"{path}:{line}: {what}") for text in err.splitlines()), (line, what, err)


def test_check_of_what_is_no_configuration():
    for path in (write("bad.conf", "listeners = ("), write("empty.conf", ""), "/nonexistent/x.conf"):
        status, out, err = run("check", "-c", path)
        assert status == 2 and not out and err.startswith(path), err


def test_run_refuses_what_check_refuses():
    path = write("bad.conf", "listeners = ( { address = \"127.0.0.1\"; } );\n")
    refused = run("run", "-c", path)
    assert refused[0] == 2 and refused[2] == run("check", "-c", path)[2]


def test_usage():
    for argv in ([], ["frobnicate"], ["run"], ["check"], ["check", "-c"], ["run", "-x", "y"], ["version", "x"],
                 ["tail"], ["explain"]):
        status, _, err = run(*argv)
        assert status == 2 and err, argv
    status, out, _ = run("version")
    assert status == 0 and out.split()[0] == "holdfast" and len(out.splitlines()) == 1


def test_a_listener_that_is_taken():
    p = Holdfast([Origin("a")])
    status, out, err = run("run", "-c", p.conf_path)
    assert status == 1 and holdfast.text_of(p.address) in err and len(err.splitlines()) == 1, err
    assert p.once().status == 200


def test_an_address_in_use_is_said():
    """Workers share an address; two processes do not, or each would silently get half of the clients."""
    p = Holdfast([Origin("a")], workers=2)
    second = subprocess.run([binary(), "run", "-c", p.conf_path], capture_output=True, text=True, timeout=30)
    assert second.returncode == 1 and "Address already in use" in second.stderr, second
    assert p.once().status == 200


def test_nothing_that_is_started_gains_rights():
    p = Holdfast([Origin("a")])
    with open(f"/proc/{p.pid}/status") as f:
        assert "NoNewPrivs:\t1\n" in f.read()


def test_a_user_to_become():
    if os.geteuid() != 0:
        assert run("run", "-c", Holdfast([Origin("a")], top={"user": "root"}, start=False).conf_path)[0] == 1
        return
    p = Holdfast([Origin("a")], top={"user": "nobody"}, start=False)
    os.chmod(os.path.dirname(p.where), 0o755)
    os.chmod(p.where, 0o777)
    p.start()
    with open(f"/proc/{p.pid}/status") as f:
        uids = next(line for line in f if line.startswith("Uid:")).split()[1:]
    assert "0" not in uids, uids
    assert p.once().status == 200
    p.wait_event("assigned")


# ---- tail ---------------------------------------------------------------------------------------


class Tail(Process):
    def __init__(self, *words):
        super().__init__([binary(), "tail", *words], holdfast.folder(), env={"TERM": "dumb"})
        holdfast.track(self)

    def stop(self):
        self.kill()

    def wait_lines(self, count):
        return wait_until(lambda: len(self.stdout.splitlines()) >= count and self.stdout.splitlines(),
                          f"{count} lines of tail")


def test_tail_follows_over_a_rotation():
    p = Holdfast([Origin(i) for i in "abc"])
    for _ in range(3):
        p.once()
    p.wait_event("assigned", count=3)
    lines = Tail("--json", "-n", "100", p.failover_path)
    people = Tail("-c", p.conf_path)
    lines.wait_lines(3)
    people.wait_lines(3)
    os.rename(p.failover_path, p.failover_path + ".1")
    p.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(p.failover_path), "a new log")
    for _ in range(4):
        p.once()
    p.wait_event("assigned", count=4)
    passed = lines.wait_lines(7)
    with open(p.failover_path + ".1") as old, open(p.failover_path) as new:
        assert passed == (old.read() + new.read()).splitlines()
    assert all("assigned" in line for line in people.wait_lines(7))
    for t in (lines, people):
        t.signal(signal.SIGTERM)
        assert t.wait() == 0


def test_tail_filters():
    origins = {i: Origin(i) for i in "abc"}
    p = Holdfast(list(origins.values()), session={"assign": "round_robin"})
    browsers = [p.browser() for _ in range(6)]
    sessions = [b.get().got.get("Holdfast-Session")[:8] for b in browsers]
    origins["a"].go()
    for b in browsers:
        b.get()
    p.wait_event("failover", count=2)
    everything = p.lines(p.failover_path)

    def tail(*words):
        status, out, err = run("tail", "--no-follow", "-n", "1000", "--json", p.failover_path, *words)
        assert status == 0, err
        return [holdfast.json.loads(line) for line in out.splitlines()]

    assert len(tail()) == len(everything)
    assert {e["event"] for e in tail("--event", "failover")} == {"failover"}
    assert {e["event"] for e in tail("--event", "failover,member_down")} == {"failover", "member_down"}
    assert {e["session"] for e in tail("--session", sessions[1])} == {sessions[1]}
    assert tail("--service", "none") == [] and len(tail("--service", "shop")) == len(everything)
    for e in tail("--member", "a"):
        assert "a" in (e["primary"], e["chosen"], e.get("from"), e.get("member"))
    assert run("tail", "--event", "no_such_event", p.failover_path)[0] == 2


# ---- the end ------------------------------------------------------------------------------------


def slow_answer(go_on):
    def behave(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        assert go_on.wait(holdfast.WAIT_S)
        connection.send(b"world")
    return behave


def test_term_finishes_exchanges():
    go_on = threading.Event()
    a = Origin("a", slow_answer(go_on))
    p = Holdfast([a], top={"stop": "30s"})
    busy, idle = p.client(), p.client()
    busy.send(busy.request_bytes())
    assert busy.head().status == 200
    assert busy.take(5) == b"hello"
    p.signal(signal.SIGTERM)
    assert idle.is_ended()
    wait_until(lambda: not holdfast.is_listening(p.address), "nobody listens any more")
    assert p.is_running()
    go_on.set()
    assert busy.take(5) == b"world"
    assert busy.is_ended()
    assert p.wait() == 0
    p.stop()
    assert [e["cause"] for e in p.requests()] == ["done"]


def test_term_waits_no_longer_than_stop():
    a = Origin("a", silent)
    p = Holdfast([a], top={"stop": "300ms"})
    c = p.client()
    c.send(c.request_bytes())
    wait_until(lambda: a.requests, "the request arrives")
    p.signal(signal.SIGTERM)
    assert p.wait() == 0
    try:
        c.fill()
        raise AssertionError("an answer")
    except Ended:
        pass
    p.stop()
    assert [e["cause"] for e in p.requests()] == ["shutdown"]


def test_quit_does_not_wait():
    a = Origin("a", silent)
    p = Holdfast([a], top={"stop": "1h"})
    c = p.client()
    c.send(c.request_bytes())
    wait_until(lambda: a.requests, "the request arrives")
    p.signal(signal.SIGQUIT)
    assert p.wait() == 0
    p.stop()


def test_a_second_term_does_not_wait_either():
    a = Origin("a", silent)
    p = Holdfast([a], top={"stop": "1h"})
    c = p.client()
    c.send(c.request_bytes())
    wait_until(lambda: a.requests, "the request arrives")
    p.signal(signal.SIGTERM)
    wait_until(lambda: not holdfast.is_listening(p.address), "nobody listens any more")
    assert p.is_running()
    p.signal(signal.SIGTERM)
    assert p.wait() == 0
    p.stop()


def test_signals_do_not_kill_a_process_that_ends_already():
    """They come until it is gone: at some time it has taken its handlers away."""
    for _ in range(5):
        p = Holdfast([Origin("a")])
        p.once("/")
        while p.is_running():
            p.signal(signal.SIGTERM)
        assert p.wait() == 0
        p.stop()
        assert [e["cause"] for e in p.requests()] == ["done"]


# ---- logs ---------------------------------------------------------------------------------------


def test_usr1_opens_the_logs_again():
    p = Holdfast([Origin("a")])
    p.once("/before")
    p.wait_request(target="/before")
    for path in (p.access_path, p.failover_path):
        os.rename(path, path + ".1")
    p.signal(signal.SIGUSR1)
    wait_until(lambda: "re-opened" in p.stderr, "it is said")
    wait_until(lambda: os.path.exists(p.access_path) and os.path.exists(p.failover_path), "new logs")
    p.once("/after")
    p.wait_request(target="/after")
    assert [e["target"] for e in p.requests()] == ["/after"]
    assert len(p.lines(p.access_path + ".1")) == 1


def test_a_moved_log_is_opened_again_without_a_signal():
    p = Holdfast([Origin("a")])
    p.once("/before")
    p.wait_request(target="/before")
    os.rename(p.access_path, p.access_path + ".1")
    wait_until(lambda: p.once("/after").status == 200 and os.path.exists(p.access_path), "a new log")
    p.wait_request(target="/after")


def test_a_full_disk_does_not_stop_traffic():
    p = Holdfast([Origin("a")], top={"log": {"failover": "/dev/full", "access": "/dev/full", "level": "info"}})
    load = Load(p, clients=4, each=100)
    assert len(load.join()) == 400 and not load.failures(), load.failures()[:3]
    wait_until(lambda: "/dev/full" in p.stderr, "it is said")
    said = [line for line in p.stderr.splitlines() if "/dev/full" in line]
    assert 1 <= len(said) <= 2, "said once a log"


def test_a_missing_log_directory_does_not_stop_traffic():
    where = os.path.join(holdfast.folder(), "later")
    p = Holdfast([Origin("a")], top={"log": {"failover": where + "/failover.log", "access": where + "/access.log"}})
    p.failover_path, p.access_path = where + "/failover.log", where + "/access.log"
    load = Load(p, clients=4, each=50)
    assert len(load.join()) == 200 and not load.failures(), load.failures()[:3]
    wait_until(lambda: "access.log" in p.stderr and "failover.log" in p.stderr, "it is said")
    assert len([line for line in p.stderr.splitlines() if where in line]) == 2, "said once a log"
    os.mkdir(where)
    wait_until(lambda: p.once("/late").status == 200 and p.requests(target="/late"), "the log is there")


def test_logs_in_the_combined_form():
    path = os.path.join(holdfast.folder(), "access.log")
    p = Holdfast([Origin("a", answering(200, b"hello"))], top={"log": {"access": path, "access_format": "combined"}})
    p.once("/x?y=1", fields=[("Referer", "http://r/"), ("User-Agent", 'a "b"')])
    line = wait_until(lambda: p.lines(path), "a line")[0]
    assert line.startswith("127.0.0.1 - - [") and '"GET /x?y=1 HTTP/1.1" 200 5 "http://r/" "a ' in line, line
    assert " new done a " in line
    p.wait_said('"event":"assigned"')  # no log.failover: stderr


# ---- a machine that runs out of things ----------------------------------------------------------


def spin_share(p, during_s=2):
    """Of one processor, that a Holdfast with nothing to do takes."""
    before = p.cpu_s()
    time.sleep(during_s)
    return (p.cpu_s() - before) / during_s


def test_many_idle_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(IDLE, hard - 500)
    print(f"       {count} idle connections (this machine allows {hard} descriptors a process)")
    a = Origin("a", answering(200, b"hi"))
    p = Holdfast([a], workers=2)
    assert p.once().status == 200
    before = p.memory_bytes()
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    clients = []
    try:
        for _ in range(count):
            s = socket.create_connection(p.address, holdfast.WAIT_S)
            clients.append(s)
            s.sendall(request)
            assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
        each = (p.memory_bytes() - before) / count
        print(f"       {each:.0f} bytes a connection")
        assert each < (8192 if sanitizer() else 2048), each
        assert p.once().status == 200
        for s in clients[::97]:
            s.sendall(request)
            assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert spin_share(p) < 0.5
    finally:
        for s in clients:
            s.close()
    wait_until(lambda: p.descriptors() < 200, "the connections are given back")
    assert p.once().status == 200


def test_no_descriptors_left():
    """New connections wait, nothing spins, and what is closed makes room."""
    p = Holdfast([Origin("a", answering(200, b"hi"))], nofile=64)
    first = p.client()
    assert first.get().status == 200
    clients = [p.client() for _ in range(100)]
    wait_until(lambda: "new connections wait" in p.stderr, "it is said")
    assert spin_share(p) < 0.5
    assert len([line for line in p.stderr.splitlines() if "new connections wait" in line]) == 1
    assert first.get().status == 200
    for c in clients[:80]:
        c.__exit__()
    for c in clients[80:]:
        assert c.get().status == 200
    first.close()


def test_a_request_that_no_descriptor_is_left_for():
    """The client that is connected gets 503, and the member is not blamed."""
    a = Origin("a", lambda c, q: c.answer(200, b"hi", [("Connection", "close")]) or False)
    p = Holdfast([a], nofile=64)
    clients = [p.client() for _ in range(100)]
    wait_until(lambda: "new connections wait" in p.stderr and p.descriptors() == 64, "no descriptor is left")
    r = clients[0].get()
    assert r.status == 503 and p.wait_request()["cause"] == "out_of_resources"
    for c in clients[1:]:
        c.__exit__()
    wait_until(lambda: clients[0].get().status == 200, "room again")
    p.stop()
    assert not p.events("member_down")


def test_large_answers_without_a_descriptor_for_their_pipe():
    """Where splice(2) cannot have its pipe, bytes are copied."""
    body = os.urandom(3 << 20)
    p = Holdfast([Origin("a", answering(200, body))], nofile=64)
    first = p.client()
    assert first.get().body == body
    clients = [p.client() for _ in range(100)]
    wait_until(lambda: p.descriptors() == 64, "no descriptor is left")
    for _ in range(3):
        assert first.get().body == body
    for c in clients:
        c.__exit__()


def test_a_worker_a_core_is_the_default():
    p = Holdfast([Origin("a")], workers=None)
    assert p.once().status == 200
    cores = len(os.sched_getaffinity(0))
    wait_until(lambda: f", {cores} worker" in p.stderr, "it is said")


def test_half_sent_things_do_not_spin():
    """Half heads, half bodies, half answers, clients that do not read: all wait, none is polled."""
    def behave(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Le" if request.target == "/half" else
                        b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n" + b"x" * 100000)
        try:
            while request.target == "/flood":
                connection.send(b"x" * 100000)
        except OSError:
            pass
        connection.wait_end()
        return False

    p = Holdfast([Origin("a", behave)], health=CHECKED)
    parts = [b"GET / HT", b"GET / HTTP/1.1\r\nHost: h\r", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab",
             b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
             b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
             b"GET /half HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /stops HTTP/1.1\r\nHost: h\r\n\r\n",
             b"GET /flood HTTP/1.1\r\nHost: h\r\n\r\n", b""]
    for n in range(45):
        c = p.client(receive_bytes=4096)
        c.send(parts[n % len(parts)])
        if n % 9 == 6:
            c.take(1000)
        if n % 2 and parts[n % len(parts)].startswith(b"GET /"):
            c.half_close()
    time.sleep(1)
    assert spin_share(p) < 0.5
    assert p.is_running()


def test_a_member_that_dies_all_the_time_costs_no_memory():
    a = Origin("a", dying_after(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"))
    p = Holdfast([a])

    def storm():
        for _ in range(300):
            with p.client() as c:
                c.send(c.request_bytes())
                try:
                    c.response()
                    raise AssertionError("a short answer looks complete")
                except Ended:
                    pass

    storm()
    before, descriptors = p.memory_bytes(), p.descriptors()
    for _ in range(3):
        storm()
    assert p.memory_bytes() - before < (64 << 20 if sanitizer() else 4 << 20)
    wait_until(lambda: p.descriptors() <= descriptors + 3, "descriptors are given back")


if __name__ == "__main__":
    holdfast.main()
