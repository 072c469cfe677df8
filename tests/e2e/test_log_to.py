"""Logs to syslog (RFC 5424 in datagrams) and to the journal (its native protocol): sockets of the test's own, and
a real systemd-journald where one can be run."""

import array
import json
import os
import re
import signal
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import Admin, listening
from holdfast import HOST, Holdfast, Origin, free_port, wait_until

KEYED = {"keys": ["header:X-Key"], "tag": {"cookie": "HF"}}
RFC5424 = re.compile(r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S{1,255}) (holdfast) (\d+) (\S{1,32}) - (.*)")
DAEMON = 3


class Taker:
    """Takes datagrams at a UNIX path or a UDP address; `paused` leaves them where they are."""

    def __init__(self, address=None):
        self.where = tempfile.mkdtemp(prefix="hf-", dir="/tmp")
        self.address = address or os.path.join(self.where, "log")
        self.datagrams = []
        self.sock = None
        holdfast.track(self)
        self.start()

    def start(self):
        self.sock = socket.socket(socket.AF_INET if isinstance(self.address, tuple) else socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.address)
        threading.Thread(target=self.take_all, args=(self.sock,), daemon=True).start()

    def take_all(self, sock):
        while True:
            try:
                data, control, _, _ = sock.recvmsg(1 << 20, socket.CMSG_SPACE(4))
            except OSError:
                return
            for level, kind, value in control:
                fd = array.array("i", value)[0]
                data = os.pread(fd, 1 << 24, 0)
                os.close(fd)
            if data == b"END":
                return
            self.datagrams.append(data)

    def end(self):
        """Nobody listens any more."""
        with socket.socket(self.sock.family, socket.SOCK_DGRAM) as s:
            s.sendto(b"END", self.address)
        self.sock.shutdown(socket.SHUT_RDWR) if self.sock.family == socket.AF_UNIX else None
        self.sock.close()
        if not isinstance(self.address, tuple):
            os.unlink(self.address)

    def stop(self):
        self.sock.close()
        shutil.rmtree(self.where, ignore_errors=True)

    def messages(self):
        """(priority, msgid, message) of each, which must be RFC 5424 to the letter."""
        found = []
        for data in list(self.datagrams):
            m = RFC5424.fullmatch(data.decode("ascii"))
            assert m, data
            assert int(m[1]) < 192 and not re.search(r"[\x00-\x1f\x7f]", m[0]), data
            found.append((int(m[1]), m[6], m[7]))
        return found

    def entries(self):
        """The journal's: one dict each."""
        return [parse_entry(data) for data in list(self.datagrams)]

    def wait(self, condition, what):
        return wait_until(lambda: [e for e in (self.entries()) if condition(e)], what)[0]


def parse_entry(data):
    """systemd.io/JOURNAL_NATIVE_PROTOCOL, strictly."""
    fields, at = {}, 0
    while at < len(data):
        end = data.index(b"\n", at)
        line = data[at:end]
        if b"=" in line:
            name, _, value = line.partition(b"=")
            at = end + 1
        else:
            bytes_of = int.from_bytes(data[end + 1:end + 9], "little")
            name, value = line, data[end + 9:end + 9 + bytes_of]
            assert data[end + 9 + bytes_of:end + 10 + bytes_of] == b"\n"
            at = end + 10 + bytes_of
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]{0,63}", name), name
        assert name not in fields, name
        fields[name.decode()] = value.decode("ascii")
    return fields


def logs(**to):
    return {"log": {"level": "info", **to}}


def fail_over(p, a, b):
    first = p.once(fields=[("X-Key", "k")])
    home, other = (a, b) if first.id == "a" else (b, a)
    tag = [("Cookie", first.fields.get("Set-Cookie").split(";")[0]), ("X-Key", "k")]
    home.go()
    assert p.once("/\x7e?x=%0a", fields=tag + [("User-Agent", "x\ty")]).id == other.id
    return home, other


def test_all_three_logs_to_syslog():
    taker = Taker()
    a, b = Origin("a"), Origin("b")
    to = f"syslog:{taker.address}"
    p = Holdfast([a, b], session=KEYED, passive={"retry": "1h"},
                 top={**logs(failover=to, access=to, process=to, facility="local3"), **listening()})
    home, other = fail_over(p, a, b)
    wait_until(lambda: sum(m[1] == "access" for m in taker.messages()) == 2, "both requests are told")
    told = taker.messages()
    facility = 19 * 8
    assert {m[0] for m in told if m[1] == "access"} == {facility + 6}
    moved = [m for m in told if m[1] == "failover"]
    assert len(moved) == 1 and moved[0][0] == facility + 4
    line = json.loads(moved[0][2])
    assert line["event"] == "failover" and line["from"] == home.id and line["chosen"] == other.id
    assert any(m[1] == "assigned" and m[0] == facility + 5 for m in told)
    assert any(m[1] == "process" and m[0] == facility + 6 and "listens on" in m[2] for m in told)
    assert "listens on" not in p.stderr
    p.stop()
    wait_until(lambda: any("stopping" in m[2] for m in taker.messages()), "the end is told, too")


def test_syslog_by_udp_and_reload():
    """From a file to UDP and to another collector, by SIGHUP, without a lost line."""
    one, two = Taker((HOST, free_port())), Taker((HOST, free_port()))
    p = Holdfast([Origin("a")], top=listening())
    admin = Admin(p)
    p.once("/file")
    p.wait_request(target="/file")
    before = f'"{p.access_path}"'
    for taker, target in ((one, "/one"), (two, "/two")):
        after = f'"syslog:{taker.address[0]}:{taker.address[1]}"'
        with open(p.conf_path) as f:
            text = f.read()
        assert text.count(before) == 1
        with open(p.conf_path, "w") as f:
            f.write(text.replace(before, after))
        admin.post("/reload")
        before = after
        p.once(target)
        wait_until(lambda: any(json.loads(m[2])["target"] == target for m in taker.messages()), f"{target} is told")
    assert [json.loads(m[2])["target"] for m in one.messages()] == ["/one"]
    assert [m[0] for m in two.messages()] == [DAEMON * 8 + 6]


def test_nobody_waits_for_a_collector_that_does_not_read():
    """Its queue is full, then it is gone, then another listens: requests go on, losses are counted, the rest comes."""
    taker = Taker()
    sock = taker.sock
    sock.close()
    os.unlink(taker.address)
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    deaf.bind(taker.address)                  # nobody reads here
    p = Holdfast([Origin("a")], top={**logs(access=f"syslog:{taker.address}", failover="stdout"), **listening()})
    admin = Admin(p)
    with p.client() as c:
        for n in range(300):
            assert c.get(f"/{n}").status == 200
    admin.wait_total(300)
    assert admin.metrics().value("holdfast_log_lines_lost_total", log="access") == 0, "they wait in memory"
    deaf.close()
    os.rename(taker.address, taker.address + ".old")
    p.once("/after")
    wait_until(lambda: "No such file" in p.stderr or "refused" in p.stderr, "it is said that nobody takes lines")
    taker.start()
    wait_until(lambda: any("/after" in m[2] for m in taker.messages()), "what waited is told")
    p.wait_said("is written again")
    assert any(json.loads(line)["event"] == "assigned" for line in p.stdout.splitlines()), "stdout is a place, too"


def test_the_journal_gets_fields():
    taker = Taker()
    a, b = Origin("a"), Origin("b")
    to = f"journald:{taker.address}"
    p = Holdfast([a, b], session=KEYED, passive={"retry": "1h"},
                 top={**logs(failover=to, access=to, process=to), **listening()})
    home, other = fail_over(p, a, b)
    moved = taker.wait(lambda e: e.get("HOLDFAST_EVENT") == "failover", "the failover")
    assert moved["HOLDFAST_FROM"] == home.id and moved["HOLDFAST_CHOSEN"] == other.id and moved["PRIORITY"] == "4"
    assert moved["HOLDFAST_LOG"] == "failover" and moved["SYSLOG_IDENTIFIER"] == "holdfast"
    assert json.loads(moved["MESSAGE"])["order"] and "HOLDFAST_ORDER" not in moved and moved["HOLDFAST_SESSION"]
    down = taker.wait(lambda e: e.get("HOLDFAST_EVENT") == "member_down", "the member")
    assert down["HOLDFAST_MEMBER"] == home.id and down["SYSLOG_FACILITY"] == str(DAEMON)
    asked = taker.wait(lambda e: e.get("HOLDFAST_TARGET", "").startswith("/~"), "the request")
    assert asked["HOLDFAST_STATUS"] == "200" and asked["HOLDFAST_AFFINITY"] == "failover" and asked["PRIORITY"] == "6"
    said = taker.wait(lambda e: "listens on" in e["MESSAGE"], "the start")
    assert said["HOLDFAST_LOG"] == "process" and "HOLDFAST_EVENT" not in said
    taker.end()
    taker.start()
    p.signal(signal.SIGUSR1)
    taker.wait(lambda e: e["MESSAGE"] == "logs re-opened", "it goes on with the journal that is there now")


def test_what_is_no_place_is_refused():
    for to in ("syslog:nowhere", "journald:relative", "syslog:127.0.0.1"):
        p = Holdfast([Origin("a")], top=logs(access=to), start=False)
        code, out, err = holdfast.holdfast("check", "-c", p.conf_path)
        assert code != 0 and "log.access" in out + err, (to, out, err)
    p = Holdfast([Origin("a")], top=logs(failover="syslog:"), start=False)
    code, out, err = holdfast.holdfast("tail", "-c", p.conf_path)
    assert code != 0 and "syslog:, which is no file" in out + err, (out, err)


def test_real_journald():
    """systemd-journald in a namespace of its own, read by journalctl."""
    program = "/lib/systemd/systemd-journald"
    assert os.path.exists(program), "systemd is missing"
    where = tempfile.mkdtemp(prefix="hf-journal-", dir="/tmp")
    # Its own /run, so that it takes nobody else's place.
    child = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                              'mkdir "$0"/run && mount --bind "$0"/run /run && mkdir -p /run/systemd/journal /run/log/journal && echo $$ >"$0"/pid'
                              f" && exec {program}", where], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        try:
            wait_until(lambda: child.poll() is not None or os.path.exists(f"{where}/run/systemd/journal/socket"),
                       "journald listens", limit_s=5)
        except AssertionError:
            pass
        inside = f"{where}/run"
        if child.poll() is not None or not os.path.exists(f"{inside}/systemd/journal/socket"):
            print("real journald: cannot be run here, left out")
            return
        p = Holdfast([Origin("a")], session=KEYED, top=logs(failover=f"journald:{inside}/systemd/journal/socket"))
        assert p.once(fields=[("X-Key", "k")]).status == 200

        def read():
            done = subprocess.run(["journalctl", "--directory", f"{inside}/log/journal", "-o", "json", "HOLDFAST_EVENT=assigned"],
                                  capture_output=True, text=True, timeout=holdfast.WAIT_S)
            return [json.loads(line) for line in done.stdout.splitlines()]
        entry = wait_until(read, "journalctl shows it")[0]
        assert entry["HOLDFAST_CHOSEN"] == "a" and entry["SYSLOG_IDENTIFIER"] == "holdfast" and entry["_PID"] == str(p.pid)
        assert json.loads(entry["MESSAGE"])["event"] == "assigned" and entry["PRIORITY"] == "5"
        p.stop()
    finally:
        child.kill()
        child.wait()
        shutil.rmtree(where, ignore_errors=True)


if __name__ == "__main__":
    holdfast.main()
