"""A process that did not run for a while: what came meanwhile came in time."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import Admin, listening
from cluster import Cluster
from holdfast import Client, Holdfast, Origin, wait_until

IDLE_S = 1.0
ASLEEP_S = 3.0
TIMEOUT_S = 0.3
ANSWERS_S = 0.1  # well within it
PAUSES = 6


def paused(p, seconds):
    """Stopped for so long, and going on."""
    p.freeze()
    time.sleep(seconds)
    p.signal(signal.SIGCONT)


def slowly(connection, request):
    time.sleep(ANSWERS_S)
    return holdfast.answer_json(connection, request)


def slowly_well(connection, _):
    time.sleep(ANSWERS_S)
    connection.answer(200, b"ok")


def assert_never_doubted(admin, ids):
    for i in ids:
        m = admin.member(i)
        assert (m["state"], m["health"]["failed"], m["transitions"]) == ("up", 0, []), m


def test_requests_that_came_while_it_was_stopped_are_answered():
    """Their connections were idle when it was stopped, and longer than they may be when it goes on."""
    p = Holdfast([Origin("a")], timeouts={"idle": f"{IDLE_S:g}s"})
    clients = [Client(p.address) for _ in range(50)]
    for c in clients:
        assert c.get("/").status == 200
    p.freeze()
    for c in clients:
        c.send(c.request_bytes("GET", "/late"))
    time.sleep(ASLEEP_S)      # the deadlines pass
    p.signal(signal.SIGCONT)
    for c in clients:
        assert c.response().status == 200
        c.stop()


def test_checks_that_ran_while_it_was_stopped_show_nothing():
    """Nearly always a check is under way, and a pause is longer than its time-out."""
    origins = [Origin(i, probe=slowly_well) for i in "abc"]
    p = Holdfast(origins, health={"path": "/healthz", "interval": "10ms", "timeout": f"{TIMEOUT_S * 1000:g}ms", "fall": 1,
                                  "rise": 1}, top=listening())
    admin = Admin(p)
    for _ in range(PAUSES):
        before = [o.probes for o in origins]
        paused(p, 2 * TIMEOUT_S)
        wait_until(lambda before=before: all(o.probes >= n + 3 for o, n in zip(origins, before)), "checks go on")
        assert_never_doubted(admin, "abc")
    assert not p.events("member_down")
    origins[0].go()
    p.wait_event("member_down", member="a")  # who is gone is seen to be


def test_a_request_under_way_while_it_was_stopped_counts_against_nobody():
    """The member answers in time; nobody is there to hear it until the time is over."""
    origins = [Origin(i, behave=slowly) for i in "ab"]
    p = Holdfast(origins, session={"keys": ["header:X-Key"]},
                 timeouts={"first_byte": f"{TIMEOUT_S * 1000:g}ms"}, passive={"enabled": True}, top=listening())
    for n in range(PAUSES):
        with Client(p.address) as c:
            c.send(c.request_bytes("GET", "/", [("X-Key", f"k{n}")]))
            wait_until(lambda n=n: sum(len(o.requests) for o in origins) > n, "a member has it")
            paused(p, 2 * TIMEOUT_S)
            assert c.response().status == 200
    assert_never_doubted(Admin(p), "ab")


def test_a_node_that_was_stopped_hears_before_it_suspects():
    c = Cluster("abc")
    master = c.wait_master()
    sleepers = [i for i in c.ids if i != master]
    term = c.nodes[master].told()["term"]
    for _ in range(PAUSES):
        for i in sleepers:
            paused(c.nodes[i], 2 * TIMEOUT_S)
            c.nodes[i].thaw()
        assert c.wait_master() == master
    for i in sleepers:
        told = c.nodes[i].told()
        assert (told["election"]["suspected"], told["term"]) == (0, term), told
        assert not c.nodes[i].events("master_lost"), c.nodes[i].events()


if __name__ == "__main__":
    holdfast.main()
