"""Several worker threads. Small, so that it runs under ThreadSanitizer as well:
    HOLDFAST=build/tsan/holdfast B=build/tsan python3 tests/e2e/test_workers.py"""

import collections
import itertools
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import CHECKED, Holdfast, Load, Origin, OriginProcess, answer_json

IDS = "abc"
KEYED = {"keys": ["header:X-Key"]}


def order_of(key):
    return ordering.order(IDS, ordering.digest(key))


def keys_of(id, count):
    return list(itertools.islice((f"k{n}" for n in range(10000) if order_of(f"k{n}")[0] == id), count))


def test_every_worker_answers_and_agrees():
    """40 connections, spread by the kernel over 4 workers: one key has one home at all of them."""
    p = Holdfast([Origin(i) for i in IDS], session=KEYED, workers=4)
    clients = [p.client() for _ in range(40)]
    for n in range(5):
        for c in clients:
            r = c.get(fields=[("X-Key", f"k{n}")])
            assert r.id == order_of(f"k{n}")[0]
    threads = [t for t in os.listdir(f"/proc/{p.pid}/task")]
    assert len(threads) >= 5, "four workers and the control thread"


def test_what_one_worker_saw_all_know_at_once():
    """One request meets the dead member; whichever worker serves the next ones, none of them does."""
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), session=KEYED, workers=4)
    key = keys_of("a", 1)[0]
    clients = [p.client() for _ in range(32)]
    for c in clients:
        assert c.get(fields=[("X-Key", key)]).id == "a"
    origins["a"].go()
    for n, c in enumerate(clients):
        assert c.get(f"/after/{n}", fields=[("X-Key", key)]).id == order_of(key)[1]
    p.stop()
    after = [e for e in p.requests() if e["target"].startswith("/after/")]
    attempts = {e["target"]: e["attempts"] for e in after}
    assert len(attempts) == 32
    assert attempts["/after/0"] > 1 and all(attempts[f"/after/{n}"] == 1 for n in range(1, 32)), attempts
    assert len(p.events("member_down", member="a")) == 1


def test_round_robin_is_one_for_all_workers():
    p = Holdfast([Origin(i) for i in IDS], session={"assign": "round_robin"}, workers=4)
    homes = collections.Counter(p.once().id for _ in range(60))
    assert homes == {"a": 20, "b": 20, "c": 20}


def test_load_on_all_workers():
    p = Holdfast([Origin(i) for i in IDS], workers=4, health=CHECKED)
    load = Load(p, clients=12, each=40)
    outcomes = load.join()
    assert len(outcomes) == 480 and not load.failures(), load.failures()[:5]
    for client in range(12):
        assert len({o.id for o in outcomes if o.client == client}) == 1
    p.stop()
    assert len(p.requests(cause="done")) == 480
    ids = [e["request_id"] for e in p.requests()]
    assert len(set(ids)) == 480


def test_posts_with_bodies_on_all_workers():
    p = Holdfast([Origin(i) for i in IDS], workers=2)
    load = Load(p, clients=8, each=15, method="POST", body=b"x" * 100000)
    assert len(load.join()) == 120 and not load.failures(), load.failures()[:5]


def test_members_that_come_and_go_under_load():
    origins = {i: Origin(i) for i in IDS}
    p = Holdfast(list(origins.values()), workers=3, health=CHECKED)
    load = Load(p, clients=9)
    for id in "abab":
        load.wait_more(60)
        before = len(p.events("member_up", member=id))
        origins[id].go()
        load.wait_more(60)
        p.wait_event("member_down", member=id, count=before + 1)
        origins[id].come_back()
        p.wait_event("member_up", member=id, count=before + 1)
    load.stop()
    assert not load.failures(), load.failures()[:5]


def test_kill_9_with_workers():
    members = {i: OriginProcess(i) for i in IDS}
    p = Holdfast(list(members.values()), workers=4, health=CHECKED)
    load = Load(p, clients=8)
    load.wait_more(80)
    members["b"].kill()
    load.wait_more(160)
    load.stop()
    assert not load.failures(), load.failures()[:5]
    last = {o.client: o.id for o in load.outcomes}
    assert "b" not in last.values()


def test_logs_are_opened_anew_under_load():
    p = Holdfast([Origin(i) for i in IDS], workers=3)
    load = Load(p, clients=6)
    moved = []
    for n in range(4):
        load.wait_more(40)
        for path in (p.access_path, p.failover_path):
            if os.path.exists(path):
                os.rename(path, f"{path}.{n}")
                if path == p.access_path:
                    moved.append(f"{path}.{n}")
        p.signal(signal.SIGUSR1)
    load.wait_more(40)
    load.stop()
    p.stop()
    assert not load.failures()
    lines = [line for path in moved + [p.access_path] for line in p.lines(path)]
    assert len(lines) == len(load.outcomes), "a line was lost"


def test_stop_under_load():
    """TERM: what was begun is answered; a connection that is closed instead says so or is just idle."""
    for n in range(3):
        p = Holdfast([Origin(i) for i in IDS], workers=3)
        load = Load(p, clients=6)
        load.wait_more(60)
        p.stop()
        load.stop()
        wrong = [o for o in load.outcomes if o.status not in (None, 200)]
        assert not wrong, [(o.status, o.error) for o in wrong]
        assert any(o.status == 200 for o in load.outcomes)
        holdfast.finish()


def test_stop_at_once_under_load():
    p = Holdfast([Origin(i, lambda c, q: answer_json(c, q)) for i in IDS], workers=3)
    load = Load(p, clients=6)
    load.wait_more(60)
    p.stop(signal.SIGQUIT)
    load.stop()
    assert not [o for o in load.outcomes if o.status not in (None, 200)]


def test_many_services_and_listeners():
    origins = [Origin(i) for i in IDS]
    second = (holdfast.HOST, holdfast.free_port())
    first = (holdfast.HOST, holdfast.free_port())
    services = [{"name": f"s{n}", "hosts": [f"s{n}.example"], "health": {"enabled": False}, "session": KEYED,
                 "members": [holdfast.member(o) for o in origins]} for n in range(5)]
    p = Holdfast([], services=services, workers=2, address=first,
                 top={"listeners": [{"address": holdfast.text_of(a)} for a in (first, second)]})
    for address in (first, second):
        with holdfast.Client(address) as c:
            for n in range(5):
                r = c.get(host=f"S{n}.example:80", fields=[("X-Key", "k")])
                assert r.got.get("Holdfast-Session") == ordering.digest("k", f"s{n}")
            assert c.get(host="none.example").status == 404


if __name__ == "__main__":
    holdfast.main()
