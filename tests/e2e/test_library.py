"""The lease service inside an application (include/holdfast/lease.h; SEEDS 003, L1 to L3, L5, L6, L9 to L12): processes
that embed the library and nothing else of Holdfast: tests/library/leader.c, with a poll loop of its own."""

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import free_datagram_port
from holdfast import wait_until

LEADER = holdfast.built("tests/library/leader")
ARCHIVE = holdfast.built("libholdfast-lease.a")
HEADER = os.path.join(holdfast.ROOT, "include", "holdfast", "lease.h")
LEASE_MS = 1000
INVALID, BUSY, IO = 12, 13, 14  # exit statuses: 10 and the result
HOST = holdfast.HOST


def secret_file(text="0123456789abcdef" * 4):
    path = os.path.join(holdfast.folder(), "secret")
    with open(path, "w") as f:
        f.write(text)
    return path


class Leader:
    """A process. What it prints is kept: (its clock in ms, the line)."""

    def __init__(self, id, nodes, secret, state=None, lease=LEASE_MS):
        self.id, self.lines, self.state = id, [], state or holdfast.folder()
        self.argv = [LEADER, str(lease), secret, self.state, id, *nodes]
        holdfast.track(self)
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.reader = threading.Thread(target=self.read, args=(self.process,), daemon=True)
        self.reader.start()

    def read(self, process):
        for line in process.stdout:
            at, _, text = line.rstrip("\n").partition(" ")
            self.lines.append((int(at), text))

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def ask(self, command, pattern):
        """The answer: the first line from now on that matches."""
        since = len(self.lines)
        self.say(command)
        return self.wait(pattern, since)

    def find(self, pattern, since=0):
        return next(((at, m) for at, text in self.lines[since:] if (m := re.fullmatch(pattern, text))), None)

    def wait(self, pattern, since=0):
        return wait_until(lambda: self.find(pattern, since), f"{self.id} says {pattern}; it said {self.lines[-5:]}")

    def lead(self, role):
        """Asks until it holds it; (its clock, the term)."""
        since = len(self.lines)
        self.say(f"acquire {role}")
        return self.led(role, since)

    def led(self, role, since=0):
        at, m = self.wait(rf"held {role} by {self.id} term (\d+) mine", since)
        return at, int(m[1])

    def holds(self, role):
        return self.ask(f"holds {role}", rf"(yes|no) {role}.*")[1][1] == "yes"

    def votes(self):
        return self.ask("voter", r"voter (\w+) ?(.*)")[1]

    def die(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait()
        self.reader.join()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.communicate()


class Relay:
    """Between the processes: what is for `id` comes here first. `cut`: who hears and says nothing."""

    def __init__(self, real):
        self.real, self.cut, self.ends = real, set(), False
        self.owner = {address: i for i, address in real.items()}
        self.sockets, self.selector = {}, selectors.DefaultSelector()
        for i in real:
            s = socket.socket(type=socket.SOCK_DGRAM)
            s.bind((HOST, 0))
            self.sockets[i] = s
            self.selector.register(s, selectors.EVENT_READ, i)
        self.thread = threading.Thread(target=self.run, daemon=True)
        holdfast.track(self)
        self.thread.start()

    def run(self):
        while not self.ends:
            for key, _ in self.selector.select(0.05):
                data, sender = key.fileobj.recvfrom(2000)
                if self.cut.isdisjoint((key.data, self.owner.get(sender))):
                    key.fileobj.sendto(data, self.real[key.data])

    def seen_by(self, id):
        """The list of nodes as that process is told it."""
        return {i: self.real[i] if i == id else self.sockets[i].getsockname() for i in self.real}

    def stop(self):
        self.ends = True
        self.thread.join()
        for s in self.sockets.values():
            s.close()


def texts(addresses, observers=""):
    return [f"{i}={h}:{p}{',observer' if i in observers else ''}" for i, (h, p) in addresses.items()]


def processes(ids="abc", observers="", relayed=False, secret=None):
    """{id: Leader}, and the relay or None; all vote."""
    secret = secret or secret_file()
    real = {i: (HOST, free_datagram_port(HOST)) for i in ids}
    relay = Relay(real) if relayed else None
    all = {i: Leader(i, texts(relay.seen_by(i) if relay else real, observers), secret) for i in ids}
    for i, p in all.items():
        p.wait("open")
        wait_until(lambda: p.votes()[1] == ("observer" if i in observers else "votes"), f"{i} votes")
    return all, relay


def test_l3_l12_two_processes_lead_two_roles_at_once():
    """One is killed, and the other takes over; its own role it goes on leading, under the same term."""
    all, _ = processes()
    a, b, c = all.values()
    _, batch = a.lead("batch")
    _, mail = b.lead("mail")
    assert a.holds("batch") and b.holds("mail") and not a.holds("mail") and not b.holds("batch")
    for p in (a, b, c):
        wait_until(lambda: p.ask("look batch", r"look batch by (\S+) term (\d+).*")[1].groups() == ("a", str(batch)), "known")
    b.say("acquire batch")
    a.die()
    _, term = b.led("batch")
    assert term > batch
    assert b.holds("batch") and b.holds("mail")
    assert b.ask("holds mail", r"yes mail term (\d+) .*")[1][1] == str(mail)
    c.wait(rf"held batch by b term {term}")


def test_l5_of_three_that_ask_exactly_one_leads():
    all, _ = processes()
    for _ in range(3):
        for p in all.values():
            p.say("acquire batch")
        leader = wait_until(lambda: next((p for p in all.values() if p.holds("batch")), None), "one leads")
        assert [p.id for p in all.values() if p.holds("batch")] == [leader.id]
        for p in all.values():
            assert p.ask("release batch", r"release batch (\d)")[1][1] == "0"
            assert not p.holds("batch")
    terms = sorted((int(m[2]), m[1]) for at, text in all["a"].lines
                   if (m := re.fullmatch(r"held batch by (\w) term (\d+).*", text)))
    assert len({t for t, _ in terms}) == len(terms), terms


def test_l10_loss_is_told_before_anybody_else_can_win():
    """The holder is cut off, not stopped: it says "over" by itself, and only then the next one says "held"."""
    all, relay = processes(relayed=True)
    a, b, _ = all.values()
    _, first = a.lead("batch")
    b.say("acquire batch")
    since = len(b.lines)
    relay.cut = {"a"}
    at, term = b.led("batch", since)
    over, _ = a.wait(rf"over batch by a term {first} mine")
    assert over < at and term > first, (over, at)
    assert not a.holds("batch")
    relay.cut = set()
    since = len(a.lines)
    b.say("release batch")
    assert a.led("batch", since)[1] > term  # it goes on asking, and gets it again


def test_l10_a_stopped_holder_finds_it_lost():
    all, _ = processes()
    a, b, _ = all.values()
    _, first = a.lead("batch")
    a.process.send_signal(signal.SIGSTOP)
    _, term = b.lead("batch")
    assert term > first
    a.process.send_signal(signal.SIGCONT)
    assert not a.holds("batch")
    assert b.holds("batch")


def test_l6_a_minority_leads_nothing():
    all, relay = processes("abcde", relayed=True)
    _, term = all["a"].lead("batch")
    relay.cut = {"a", "b"}
    all["a"].wait(rf"over batch by a term {term} mine")
    _, second = all["c"].lead("batch")
    assert second > term
    assert not all["a"].holds("batch")


def test_a_process_that_does_not_vote_leads_as_well():
    all, _ = processes("abcd", observers="d")
    d = all["d"]
    _, first = d.lead("batch")
    d.die()
    assert all["a"].lead("batch")[1] > first


def test_l11_terms_grow_over_the_restart_of_all():
    all, _ = processes()
    terms = []
    for i in "abc":
        terms.append(all[i].lead("batch")[1])
        for p in all.values():
            p.die()
        for p in all.values():
            since = len(p.lines)
            p.start()
            p.wait("open", since)
    assert terms == sorted(set(terms)), terms


def test_who_closes_gives_its_roles_back():
    """The next one need not wait until the lease is over."""
    secret, lease = secret_file(), 6000
    nodes = texts({i: (HOST, free_datagram_port(HOST)) for i in "abc"})
    all = {i: Leader(i, nodes, secret, lease=lease) for i in "abc"}
    a, b = all["a"], all["b"]
    for p in all.values():
        p.wait("open")
    _, first = a.lead("batch")
    b.say("acquire batch")
    b.wait("acquire batch 0")
    at, _ = a.ask("holds batch", r"yes batch term \d+ left \d+")
    a.say("quit")
    assert a.process.wait() == 0
    led, term = b.led("batch")
    assert term > first and led < at + lease, (at, led)


def test_a_lost_register_stops_the_vote_until_it_is_readmitted():
    all, _ = processes()
    a, b, c = all.values()
    _, first = a.lead("batch")
    c.die()
    os.unlink(os.path.join(c.state, "register"))
    c.start()
    wait_until(lambda: c.votes()[1] == "stopped", "it knows that it lost something")
    assert "missing" in c.votes()[2]
    assert b.ask("readmit", r"readmit (\d) (.*)")[1].groups() == ("2", "this voter has lost nothing")
    wait_until(lambda: c.ask("readmit", r"readmit (\d) ?(.*)")[1][1] == "0", "the others were heard")
    wait_until(lambda: c.votes()[1] == "votes", "it votes again")
    a.die()
    assert b.lead("batch")[1] > first


def refused(nodes, secret, state=None, self="a", lease=LEASE_MS):
    r = subprocess.run([LEADER, str(lease), secret, state or holdfast.folder(), self, *nodes], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=20)
    assert r.stdout == "" and r.stderr.count("\n") == 1, r
    return r.returncode, r.stderr


def test_what_is_wrong_is_said_in_one_line():
    secret = secret_file()
    good = texts({i: (HOST, free_datagram_port(HOST)) for i in "abc"})
    for nodes, more, status, text in (
            (["a=nowhere"], {}, INVALID, "the address of node a: "),
            (["b=127.0.0.1:9"], {}, INVALID, "self is none of the nodes"),
            (["a=127.0.0.1:9", "a=127.0.0.1:10"], {}, INVALID, "a"),
            (["a b=127.0.0.1:9"], {}, INVALID, "a node wants an id"),
            (["a=127.0.0.1:9,observer"], {}, INVALID, "1 to 9 voters"),
            (good, {"lease": 10}, INVALID, "a lease has 500 ms"),
            (good, {"state": "/nowhere/at/all"}, IO, "state_dir /nowhere/at/all: open: No such file"),
            (good, {"secret": secret_file("short")}, INVALID, "a secret of 32 bytes"),
            (["a=192.0.2.1:9", *good[1:]], {}, IO, "Cannot assign requested address")):
        got, err = refused(nodes, **{"secret": secret, **more})
        assert got == status and text in err, (nodes, more, got, err)


def test_one_directory_and_one_id_are_for_one_process():
    all, _ = processes()
    nodes = all["a"].argv[5:]
    other = [f"a={HOST}:{free_datagram_port(HOST)}", *nodes[1:]]
    status, err = refused(other, all["a"].argv[2], state=all["a"].state)
    assert status == BUSY and "another process has it" in err, (status, err)
    status, err = refused(nodes, all["a"].argv[2])
    assert status == BUSY and "Address already in use" in err, (status, err)
    assert all["a"].holds("batch") is False  # it goes on


def test_roles_that_cannot_be():
    all, _ = processes()
    a = all["a"]
    for role, result in (("b/x", 2), ("x" * 65, 2), ("cluster", 2), ("x" * 64, 0)):
        assert a.ask(f"acquire {role}", rf"acquire {role} (\d)")[1][1] == str(result), role
    assert a.ask("release other", r"release other (\d)")[1][1] == "2"
    since = len(a.lines)
    for i in range(127):
        a.say(f"acquire r{i}")
    a.wait("acquire r126 0", since)
    assert a.ask("acquire more", r"acquire more (\d)")[1][1] == "5"  # 128 are asked for
    wait_until(lambda: a.holds("r126"), "the last of them is led, too")


def test_nothing_but_its_own_names_is_seen():
    """What an application names as it likes cannot meet ours; and each name of the header is there."""
    out = subprocess.run(["nm", "-g", "--defined-only", ARCHIVE], capture_output=True, text=True, check=True).stdout
    seen = {line.split()[2] for line in out.splitlines() if len(line.split()) == 3}
    with open(HEADER) as f:
        text = f.read()
    declared = set(re.findall(r"^(?:[\w ]+[ *])?(holdfast_lease_\w+)\(", re.sub(r"/\*.*?\*/", "", text, flags=re.S), re.M))
    assert seen == declared, (sorted(seen ^ declared), out)
    needed = subprocess.run(["nm", "-u", ARCHIVE], capture_output=True, text=True, check=True).stdout
    assert "event_" not in needed and "json_" not in needed and "SSL_" not in needed, needed


def test_the_header_stands_by_itself():
    """In C11 and in C++, with all warnings."""
    for compiler, standard, language in (("gcc", "-std=c11", "c"), ("g++", "-std=c++11", "c++")):
        r = subprocess.run([compiler, standard, "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                            "-I", os.path.join(holdfast.ROOT, "include"), "-"],
                           input='#include <holdfast/lease.h>\nint main() { struct holdfast_lease *l = 0; (void)l; return 0; }\n',
                           capture_output=True, text=True)
        assert r.returncode == 0, r.stderr


if __name__ == "__main__":
    holdfast.main()
