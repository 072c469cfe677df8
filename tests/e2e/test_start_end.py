"""Signals at the edges of a process's life: while it starts, while it ends, while its place is taken."""

import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from dns import Dns
from holdfast import Holdfast, Origin, Process, alive, binary, wait_until
from test_upgrade import copied, script


class Slow:
    """`holdfast run` that waits for its configuration: a FIFO, given by the test when it likes."""

    def __init__(self):
        self.p = Holdfast([Origin("a")], start=False)
        with open(self.p.conf_path, "rb") as f:
            self.text = f.read()
        os.unlink(self.p.conf_path)
        os.mkfifo(self.p.conf_path)
        Process.__init__(self.p, [binary(), "run", "-c", self.p.conf_path], self.p.where)
        self.fifo = open(self.p.conf_path, "wb")  # until it is opened to be read

    def give(self):
        self.fifo.write(self.text)
        self.fifo.close()

    def give_again(self):
        with open(self.p.conf_path, "wb") as f:
            f.write(self.text)

    def listens(self):
        wait_until(self.p.answers_connections, "Holdfast listens")


def test_a_stop_while_it_starts_is_a_stop():
    """It ends by itself, with 0, as if it had been up; it is not killed."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        slow = Slow()
        slow.p.signal(number)
        slow.give()
        assert slow.p.wait() == 0, (number, slow.p.stderr)


def test_logs_that_were_rotated_while_it_starts():
    slow = Slow()
    slow.p.signal(signal.SIGUSR1)
    slow.give()
    slow.listens()
    wait_until(lambda: "logs re-opened" in slow.p.stderr, "it is done when it runs")
    assert slow.p.once().status == 200


def test_a_reload_while_it_starts_is_made_when_it_runs():
    slow = Slow()
    slow.p.signal(signal.SIGHUP)
    again = threading.Thread(target=lambda: (slow.give(), slow.listens(), slow.give_again()))
    again.start()
    slow.p.wait_event("reload")
    again.join()
    assert slow.p.once().status == 200


def test_a_stop_while_names_are_asked_for():
    """It does not wait for servers of names that do not answer, nor judges them."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        d = Dns()
        d.fail("app.test", "silent")
        p = Holdfast([{"id": "a", "origin": "app.test:80"}], start=False,
                     top={"resolver": {"servers": [d.text()], "timeout": "4s", "tries": 1}})
        Process.__init__(p, [binary(), "run", "-c", p.conf_path], p.where)
        wait_until(lambda d=d: d.asked("app.test"), "the name is asked for")
        p.signal(number)
        assert p.wait() == 0, (number, p.stderr)
        assert "does not resolve" not in p.stderr, p.stderr


def slow_successor():
    """A node whose program is replaced by one that takes its time before it becomes Holdfast; (node, told): the file
    `told` is there when it runs, and gone when it may go on."""
    p = copied([Origin("a")])
    told = os.path.join(p.where, "told")
    script(p.program, f'echo $$ > {told}; while [ -e {told} ]; do sleep 0.01; done; exec {binary()} "$@"')
    return p, told


def stopped_in_an_upgrade(number):
    p, told = slow_successor()
    p.signal(signal.SIGUSR2)
    successor = int(wait_until(lambda: os.path.exists(told) and open(told).read().strip(), "the other one is there"))
    p.signal(number)
    assert p.wait() == 0
    line = p.wait_event("upgrade_refused")
    assert "told to stop" in line["evidence"], line
    wait_until(lambda: not alive(successor), "the other one does not outlive it")
    assert not holdfast.is_listening(p.address)


def test_a_stop_ends_the_upgrade_that_is_under_way():
    stopped_in_an_upgrade(signal.SIGTERM)


def test_an_end_at_once_ends_the_upgrade_that_is_under_way():
    stopped_in_an_upgrade(signal.SIGQUIT)


def test_an_end_at_once_right_behind_an_upgrade_leaves_nobody():
    for _ in range(10):
        p = Holdfast([Origin("a")])
        p.signal(signal.SIGUSR2)
        p.signal(signal.SIGQUIT)
        assert p.wait() == 0
        assert not p.events("upgraded"), "QUIT is taken before another process can be ready"
        assert not holdfast.is_listening(p.address)


if __name__ == "__main__":
    holdfast.main()
