"""Files that may not grow (RLIMIT_FSIZE; a full disk says no in the same places): requests are served, nobody dies of
it, and a voter that cannot write its register says so and does not vote."""

import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Holdfast, Origin, wait_until
from test_readmit import three
from test_roles import acquire, ask


def limit(p, size):
    resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_logs_that_may_not_grow():
    p = Holdfast([Origin("a")])
    assert p.once("/before").status == 200
    p.wait_request(target="/before")
    limit(p, 1)
    with p.client() as c:
        for _ in range(50):
            assert c.get("/lost").status == 200
    limit(p, resource.RLIM_INFINITY)
    assert p.is_running()

    def written():
        assert p.once("/after").status == 200
        return p.requests(target="/after")

    wait_until(written, "lines are written again")


def test_a_voter_that_cannot_write_its_register():
    c = three()
    node = c.nodes["c"]
    with open(os.path.join(node.where, "register"), "rb") as f:
        before = f.read()
    limit(node, 1)
    first = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    wait_until(lambda: node.told()["voter"] == "stopped", "it cannot write down what it would have to promise")
    assert "File too large" in node.told()["voter_problem"], node.told()
    assert node.once("/").status == 200 and ask(c.nodes["a"], "renew", "batch", "p1").status == 200
    with open(os.path.join(node.where, "register"), "rb") as f:
        assert f.read() == before, "what it promised before is there"
    node.die()
    node.come_back()
    wait_until(lambda: node.told()["voter"] == "votes", "it votes again when it is started again")
    assert ask(c.nodes["a"], "release", "batch", "p1").status == 200
    c.nodes["b"].die()
    assert acquire(c.nodes["c"], "batch", "p2", wait="30s")["term"] > first["term"]


if __name__ == "__main__":
    holdfast.main()
