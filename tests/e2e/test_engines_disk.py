"""The engine disk: the suite that all engines pass, and what becomes of files that are lost, damaged, another's, or
hang (SEEDS 003, L8)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import engine_suite
import holdfast
from engine_suite import Disk, acquire, ask
from holdfast import wait_until
from test_faults import preload

engine_suite.add_tests(globals(), Disk)

MIB = 1024 * 1024


def says(e, text):
    wait_until(lambda: all(text in n.stderr for n in e.nodes.values()), f"every node says: {text}")


def test_a_file_that_was_emptied_does_not_count():
    """It may have held what a majority knew: with one it goes on, with two it does not, whatever is restarted."""
    e = Disk("ab")
    first = acquire(e.nodes["a"], "batch", "p1")
    os.truncate(e.files[0], 0)
    says(e, f"{e.files[0]} is empty, and others are not: it lost what it held, and does not count")
    e.nodes["b"].die()
    e.nodes["b"].come_back()
    assert ask(e.nodes["a"], "release", "batch", "p1").status == 200
    assert acquire(e.nodes["b"], "batch", "p2", wait="30s")["term"] > first["term"]
    os.truncate(e.files[1], 0)
    wait_until(lambda: ask(e.nodes["b"], "renew", "batch", "p2").status == 409, "no majority is left")
    assert ask(e.nodes["a"], "acquire", "batch", "p1", wait="3s").status == 409
    assert os.path.getsize(e.files[0]) == 0, "nobody wrote there again"


def test_a_file_that_is_not_there_is_not_made():
    """What is missing is not mounted."""
    e = Disk("ab")
    os.unlink(e.files[2])
    says(e, f"{e.files[2]}: No such file or directory")
    for node in e.nodes.values():
        node.die()
        node.come_back()
    assert acquire(e.nodes["a"], "batch", "p1", wait="30s")["yours"]
    assert not os.path.exists(e.files[2])


def test_a_damaged_block_is_no_answer_and_never_empty():
    """Both tables of the holder's block, in every file: nobody takes the role, the holder itself starts no more."""
    e = Disk("ab")
    acquire(e.nodes["a"], "batch", "p1", ttl="60s")
    e.nodes["a"].die()
    for path in e.files:
        with open(path, "r+b") as f:
            for copy in (0, 16 * 1024):
                f.seek(1 * MIB + copy + 100)
                f.write(b"damaged")
    wait_until(lambda: e.nodes["b"].stderr.count("block 1 is damaged") == 3, "b says so of each file")
    assert ask(e.nodes["b"], "acquire", "batch", "p2", wait="4s").status == 409
    e.nodes["a"].come_back()
    wait_until(lambda: "block 1 is damaged" in e.nodes["a"].stderr, "a says so")
    assert ask(e.nodes["a"], "acquire", "batch", "p1", wait="3s").status == 409


def test_a_file_of_another_cluster_is_left_alone():
    one = Disk("a")
    for node in one.nodes.values():
        node.die()
    before = [open(path, "rb").read() for path in one.files]
    conf = {"engine": "disk", "lease": "1s", "disk": {"files": one.files}, "name": "other"}
    other = engine_suite.Cluster("a", cluster=conf)
    wait_until(lambda: other.nodes["a"].stderr.count("the file of cluster shop") == 3, "it is said")
    assert ask(other.nodes["a"], "acquire", "batch", "p1", wait="3s").status == 409
    assert [open(path, "rb").read() for path in one.files] == before


def test_two_files_more_are_another_set_of_files():
    """The number of files is part of what a majority is."""
    one = Disk("a")
    one.nodes["a"].die()
    conf = {"engine": "disk", "lease": "1s", "disk": {"files": one.files[:1]}}
    other = engine_suite.Cluster("a", cluster=conf)
    wait_until(lambda: "one of 3 files, and 1 are configured" in other.nodes["a"].stderr, "it is said")
    assert ask(other.nodes["a"], "acquire", "batch", "p1", wait="3s").status == 409


def test_a_disk_that_hangs_holds_up_nothing_but_leases():
    """Every file hangs: requests go on, the holder stops by its own clock; a node that stops does not wait for ever."""
    hangs = os.path.join(holdfast.folder(), "hangs")
    e = Disk("ab", env={"LD_PRELOAD": preload(), "HANG_WRITES": hangs})
    first = acquire(e.nodes["a"], "batch", "p1", ttl="60s")
    open(hangs, "wb").close()
    wait_until(lambda: ask(e.nodes["a"], "renew", "batch", "p1").status == 409, "the holder lost it")
    says(e, f"{e.files[0]} does not answer")
    assert e.nodes["a"].once("/x").status == 200
    assert e.nodes["a"].told()["state"] != "master"
    e.nodes["a"].stop()
    os.unlink(hangs)
    assert acquire(e.nodes["b"], "batch", "p2", wait="30s")["term"] > first["term"]
    wait_until(lambda: f"{e.files[0]} answers again" in e.nodes["b"].stderr, "and it is said")


if __name__ == "__main__":
    holdfast.main()
