"""A process that did not run for a while: what came meanwhile came in time."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Client, Holdfast, Origin, wait_until

IDLE_S = 1.0
ASLEEP_S = 3.0


def stopped(p):
    with open(f"/proc/{p.pid}/stat") as f:
        return f.read().rsplit(") ", 1)[1].startswith("T")


def test_requests_that_came_while_it_was_stopped_are_answered():
    """Their connections were idle when it was stopped, and longer than they may be when it goes on."""
    p = Holdfast([Origin("a")], timeouts={"idle": f"{IDLE_S:g}s"})
    clients = [Client(p.address) for _ in range(50)]
    for c in clients:
        assert c.get("/").status == 200
    p.signal(signal.SIGSTOP)
    wait_until(lambda: stopped(p), "it is stopped")
    for c in clients:
        c.send(c.request_bytes("GET", "/late"))
    time.sleep(ASLEEP_S)      # the deadlines pass
    p.signal(signal.SIGCONT)
    for c in clients:
        assert c.response().status == 200
        c.stop()


if __name__ == "__main__":
    holdfast.main()
