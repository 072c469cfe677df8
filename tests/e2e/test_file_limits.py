"""Files that may not grow (RLIMIT_FSIZE; a full disk says no in the same places): requests are served, nobody dies of
it, and a voter that cannot write its register says so and does not vote."""

import errno
import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import Holdfast, Origin, wait_until
from test_readmit import readmit, three
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


# ---- room again ---------------------------------------------------------------------------------


class Small:
    """A file system of its own that can be filled."""

    def __init__(self):
        self.where = holdfast.folder()
        self.problems = []
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0755", "none", self.where],
                                      capture_output=True).returncode == 0
        holdfast.track(self)

    def fill(self):
        with open(os.path.join(self.where, "ballast"), "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError as e:
                assert e.errno == errno.ENOSPC, e

    def clear(self):
        os.unlink(os.path.join(self.where, "ballast"))

    def stop(self):
        if self.mounted:
            subprocess.run(["umount", self.where], check=True)


def votes_again_with_room(c, node, take, give, problem):
    a = c.nodes["a"]
    take()
    first = acquire(a, "batch", "p1", ttl="60s")
    wait_until(lambda: node.told()["voter"] == "stopped", "it cannot write down what it would have to promise")
    assert problem in node.told()["voter_problem"], node.told()
    status, _, err = readmit(node)
    assert status == 1 and "has lost nothing" in err, err
    assert ask(a, "renew", "batch", "p1").status == 200
    give()
    wait_until(lambda: node.told()["voter"] == "votes", "it votes again by itself")
    wait_until(lambda: "votes again: its disk has room" in node.stderr, "it is said")
    said = node.stderr.count("it does again when there is room")
    assert said == (problem != "File too large"), "once, unless that may not grow either"
    assert ask(a, "release", "batch", "p1").status == 200
    c.nodes["b"].die()
    second = acquire(node, "batch", "p2", wait="30s")
    assert second["term"] > first["term"], "its vote counts"
    node.die()
    node.come_back()
    wait_until(lambda: node.told()["voter"] == "votes", "what it wrote is whole")
    third = acquire(node, "batch", "p3", wait="30s")
    assert third["term"] > second["term"]


def test_a_voter_votes_again_when_files_may_grow():
    c = three()
    node = c.nodes["c"]
    votes_again_with_room(c, node, lambda: limit(node, 1), lambda: limit(node, resource.RLIM_INFINITY), "File too large")


def test_a_voter_votes_again_when_its_disk_has_room():
    """Where nobody may mount, the limit above stands for it."""
    disk = Small()
    if not disk.mounted:
        return
    c = Cluster("abc", voters="abc", cluster={"lease": "1s"}, start="ab")
    node = c.start("c", top={"state_dir": disk.where})
    wait_until(lambda: all(n.told()["voter"] == "votes" for n in c.nodes.values()), "all vote")
    c.wait_master()
    votes_again_with_room(c, node, disk.fill, disk.clear, "No space left on device")
    assert sorted(os.listdir(disk.where)).count("register.new") == 0


if __name__ == "__main__":
    holdfast.main()
