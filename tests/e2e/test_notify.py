"""What a service manager is told: sd_notify(3)'s protocol, on a socket of the test's own."""

import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Holdfast, Origin, is_listening, wait_until
from test_faults import preload
from test_reload import hup, reload, write


class Manager:
    """Takes the datagrams. `abstract`: at a name that is no file."""

    def __init__(self, where, abstract=False):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = "@holdfast-notify-%d" % os.getpid() if abstract else os.path.join(where, "notify")
        self.socket.bind(self.name.replace("@", "\0"))
        self.said = []

    def take(self):
        self.socket.setblocking(False)
        while True:
            try:
                self.said.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return self.said

    def count(self, word):
        return sum(word in said.split("\n") for said in self.take())


def managed(abstract=False, env=None, **more):
    """A manager, and the Holdfast that tells it."""
    manager = Manager(holdfast.folder(), abstract)
    p = Holdfast([Origin("a")], env={"NOTIFY_SOCKET": manager.name, **(env or {})}, **more)
    return manager, p


def run(p):
    """As it is, without a first connection."""
    return holdfast.Process([p.program, "run", "-c", p.conf_path], p.where, env=p.env)


def test_ready_is_said_when_clients_are_served():
    manager, p = managed(start=False)
    child = run(p)
    manager.socket.settimeout(30)
    assert manager.socket.recv(4096) == b"READY=1\nSTATUS=serves"
    assert is_listening(p.address)
    child.signal(signal.SIGTERM)


def test_a_socket_without_a_file():
    manager, p = managed(abstract=True)
    wait_until(lambda: manager.count("READY=1") == 1, "ready")


def test_a_reload_begins_and_ends():
    manager, p = managed()
    wait_until(lambda: manager.count("READY=1") == 1, "ready")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    reload(p, [Origin("b")])
    wait_until(lambda: manager.count("READY=1") == 2, "the end of the reload")
    lines = manager.said[-2].split("\n")
    assert lines[0] == "RELOADING=1", manager.said
    at = int(lines[1].removeprefix("MONOTONIC_USEC="))
    assert before <= at <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_refused_reload_ends_as_well():
    manager, p = managed()
    p.conf["services"][0]["members"] = []
    write(p)
    hup(p, "reload_refused")
    wait_until(lambda: manager.count("READY=1") == 2, "the end of the reload")
    assert "refused" in manager.said[-1], manager.said


def test_stopping_is_said():
    manager, p = managed()
    p.signal(signal.SIGTERM)
    wait_until(lambda: manager.count("STOPPING=1") == 1, "stopping")


def test_the_watchdog_is_fed_while_workers_go_round():
    manager, p = managed(env={"WATCHDOG_USEC": "200000"}, workers=3)
    wait_until(lambda: manager.count("WATCHDOG=1") >= 5, "the watchdog is fed")


def test_the_watchdog_starves_when_a_worker_hangs():
    env = {"WATCHDOG_USEC": "200000", "LD_PRELOAD": preload(), "FAULTS": "hang=100"}
    manager, p = managed(env=env, start=False)
    child = run(p)
    wait_until(lambda: manager.count("WATCHDOG=1") >= 2, "the watchdog is fed")
    client = socket.create_connection(p.address)  # whose worker hangs

    def starves():
        fed = manager.count("WATCHDOG=1")
        time.sleep(1)
        return manager.count("WATCHDOG=1") == fed

    wait_until(starves, "the watchdog starves")
    client.close()
    child.expected_exit = -signal.SIGKILL
    child.signal(signal.SIGKILL)


def test_another_process_s_watchdog_is_not_fed():
    manager, p = managed(env={"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"})
    wait_until(lambda: manager.count("READY=1") == 1, "ready")
    p.signal(signal.SIGTERM)
    wait_until(lambda: manager.count("STOPPING=1") == 1, "stopping")
    assert manager.count("WATCHDOG=1") == 0


def test_a_socket_that_is_none_is_said_and_stops_nothing():
    p = Holdfast([Origin("a")], env={"NOTIFY_SOCKET": "somewhere"})
    assert p.once().status == 200
    p.wait_said("NOTIFY_SOCKET somewhere: no address")


if __name__ == "__main__":
    holdfast.main()
