"""What the access log says became of a session's affinity goes by where it was served, not by the plan."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import CHECKED, Holdfast, Origin, resetting


def key_of(id, ids):
    return next(k for k in (f"k{n}" for n in range(10000)) if ordering.order(ids, ordering.digest(k))[0] == id)


def test_a_failback_that_fails_is_no_failback():
    """The primary passes its checks and breaks the request: the session stays where it lives."""
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session={"keys": ["header:X-Key"], "failback": "return"}, health=CHECKED)
    browser = p.browser(fields=[("X-Key", key_of("a", "ab"))])
    a.go()
    assert browser.get("/moved").id == "b"
    p.wait_event("member_down", member="a")
    a.behave = resetting
    a.come_back()
    p.wait_event("member_up", member="a")
    assert browser.get("/stayed").id == "b" and a.requests, "the primary was asked first"
    assert p.wait_request(target="/moved")["affinity"] == "failover"
    assert p.wait_request(target="/stayed")["affinity"] == "hit"
    assert not p.events("failback")
    a.behave = None
    assert browser.get("/back").id == "a"
    assert p.wait_request(target="/back")["affinity"] == "failback"
    p.wait_event("failback", chosen="a")


if __name__ == "__main__":
    holdfast.main()
