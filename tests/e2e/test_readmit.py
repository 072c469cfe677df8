"""A voter that lost its register (issue 4, "Bad input"; SEEDS 003, "Lost disk"): it says so and does not vote, until
its operator re-admits it; then it votes with what the others know. Real processes, real files."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster, text_of
from holdfast import libconfig, wait_until
from test_roles import acquire, ask

LEASE = {"lease": "1s"}


def three(ids="abc", voters="abc"):
    c = Cluster(ids, voters=voters, cluster=LEASE)
    c.wait_master()
    wait_until(lambda: all(n.told()["voter"] == "votes" for i, n in c.nodes.items() if i in voters), "all vote")
    return c


def register_of(node, name="register"):
    return os.path.join(node.where, name)


def content(node, name="register"):
    with open(register_of(node, name), "rb") as f:
        return f.read()


def put(node, data):
    with open(register_of(node), "wb") as f:
        f.write(data)


def damage(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]


def restart_after(node, do):
    node.die()
    do()
    node.come_back()


def lose(node):
    """Down, its register gone, and up again."""
    restart_after(node, lambda: os.unlink(register_of(node)))
    wait_until(lambda: node.told()["voter"] == "stopped", "it knows that it lost something")


def readmit(node, id=None):
    return holdfast.holdfast("members", "--admin", text_of(node.admin_address), "readmit", id or node.id)


def readmitted(node):
    """What it says when the others were heard."""
    def takes():
        status, out, err = readmit(node)
        return (out, err) if status == 0 else None
    return wait_until(takes, f"{node.id} is re-admitted")


def takes_part(c, node, before):
    """Without it there is no majority: another voter dies, a role and the master's are granted all the same."""
    wait_until(lambda: node.told()["voter"] == "votes", "it votes again")
    assert node.told()["voter_problem"] is None
    others = [i for i in "abc" if i != node.id]
    term = max(c.nodes[i].told()["term"] for i in others)
    dead = others[0]  # the role is held there; more often than not it is master as well
    was = c.nodes[others[1]].master()
    c.nodes[dead].die()
    rest = [i for i in "abc" if i != dead]
    master = c.wait_master(among=rest, after=dead)
    assert c.nodes[master].told()["term"] > term or was == master
    got = acquire(c.nodes[rest[0]], "batch", "p2", wait="30s")
    assert got["term"] > before["term"], (before, got)


def test_a_lost_register_is_said_and_the_voter_readmitted():
    c = three()
    before = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    node = c.nodes["c"]
    lose(node)
    told = node.told()
    assert "missing" in told["voter_problem"] and "does not vote" in told["voter_problem"], told
    node.wait_said("this node does not vote: the register's file is missing")
    node.wait_said("holdfast members readmit c")
    status, out, _ = holdfast.holdfast("status", "--admin", text_of(node.admin_address))
    assert status == 0 and "voter     stopped: the register's file is missing" in out, out
    assert b"\nholdfast_cluster_votes 0\n" in node.admin("/metrics").body
    out, err = readmitted(node)
    assert out.startswith("voter c: silent for ") and err == "", (out, err)
    takes_part(c, node, before)
    assert b"\nholdfast_cluster_votes 1\n" in node.admin("/metrics").body
    node.wait_said("this node votes again")
    assert not os.path.exists(register_of(node, "register.damaged"))


def set_founded(c, founded):
    c.conf["founded"] = founded
    for node in c.nodes.values():
        node.conf["cluster"] = c.conf
        with open(node.conf_path, "w") as f:
            f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in node.conf.items() if v is not None))


def all_again(c, do=lambda node: None):
    for node in c.nodes.values():
        node.die()
    for node in c.nodes.values():
        do(node)
        node.come_back()


def test_a_founded_cluster_is_not_founded_again_when_all_lose_their_registers():
    c = three()
    before = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    set_founded(c, True)
    all_again(c)  # with their registers: as always
    c.wait_master()
    all_again(c, lambda node: os.unlink(register_of(node)))
    for node in c.nodes.values():
        wait_until(lambda node=node: "cluster.founded" in (node.told()["voter_problem"] or ""), "it says what is wrong")
        assert node.told()["voter"] == "stopped" and node.told()["master"] is None, node.told()
    status, _, err = readmit(c.nodes["a"])
    assert status == 1 and "must vote" in err, err
    all_again(c)
    for node in c.nodes.values():
        wait_until(lambda node=node: node.told()["voter"] == "stopped", "another start changes nothing")
    set_founded(c, False)  # its operator says that it is a new one
    all_again(c)
    c.wait_master()
    assert acquire(c.nodes["b"], "batch", "p2", wait="30s")["term"] <= before["term"], "terms begin anew"


def test_a_voter_of_a_founded_cluster_that_lost_its_register_alone_is_readmitted():
    c = three()
    before = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    set_founded(c, True)
    lose(c.nodes["c"])
    readmitted(c.nodes["c"])
    takes_part(c, c.nodes["c"], before)


def test_what_it_learnt_is_on_its_disk():
    """After re-admission it is a voter as any other: it keeps its promises over a crash."""
    c = three()
    terms = []
    for holder in ("p1", "p2", "p3"):
        terms.append(acquire(c.nodes["a"], "batch", holder)["term"])
        assert ask(c.nodes["a"], "release", "batch", holder).status == 200
    node = c.nodes["b"]
    lose(node)
    readmitted(node)
    wait_until(lambda: node.told()["voter"] == "votes", "it votes again")
    node.die()
    node.come_back()
    wait_until(lambda: node.told()["voter"] == "votes", "and after a crash")
    c.nodes["c"].die()
    terms.append(acquire(c.nodes["a"], "batch", "p4", wait="30s")["term"])
    assert terms == sorted(set(terms)), terms


def test_a_damaged_register_is_left_as_it_is_until_the_voter_is_readmitted():
    c = three()
    before = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    node = c.nodes["c"]
    node.die()
    bad = damage(content(node))
    put(node, bad)
    node.come_back()
    wait_until(lambda: node.told()["voter"] == "stopped", "it does not believe it")
    assert "the register is damaged" in node.told()["voter_problem"]
    node.wait_said(f"this node does not vote: {register_of(node)}: the register is damaged")
    assert content(node) == bad
    readmitted(node)
    takes_part(c, node, before)
    assert content(node, "register.damaged") == bad


def test_an_empty_file_and_a_short_one_are_damaged():
    c = three()
    node = c.nodes["b"]
    node.die()
    whole = content(node)
    for bad in (b"", whole[:-1], b"HOLDFAST REGISTER 1\n", whole + b"x"):
        put(node, bad)
        node.come_back()
        wait_until(lambda: "the register is damaged" in (node.told()["voter_problem"] or ""), f"{len(bad)} bytes")
        assert content(node) == bad
        node.die()


def test_a_majority_that_lost_its_registers_is_not_readmitted():
    """Nobody knows any more what was promised: the cluster stands still, and says why."""
    c = three()
    acquire(c.nodes["a"], "batch", "p1")
    for i in "bc":
        c.nodes[i].die()
        os.unlink(register_of(c.nodes[i]))
    for i in "bc":
        c.nodes[i].come_back()
    wait_until(lambda: all(c.nodes[i].told()["voter"] == "stopped" for i in "bc"), "both know")
    for i, others in (("b", "a, c"), ("c", "a, b")):
        refused = f"2 of the other voters ({others}) must vote"
        wait_until(lambda: "of late these do: a" in readmit(c.nodes[i])[2], "a was heard")
        status, out, err = readmit(c.nodes[i])
        assert status == 1 and out == "" and refused in err, (status, out, err)
        assert c.nodes[i].told()["voter"] == "stopped"
    assert ask(c.nodes["a"], "acquire", "mail", "p1", wait="3s").status == 409


def test_two_of_five_are_readmitted():
    c = three("abcde", "abcde")
    before = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    for i in "de":
        lose(c.nodes[i])
    for i in "de":
        readmitted(c.nodes[i])
    wait_until(lambda: all(c.nodes[i].told()["voter"] == "votes" for i in "de"), "both vote")
    for i in "ab":
        c.nodes[i].die()
    got = acquire(c.nodes["c"], "batch", "p2", wait="30s")
    assert got["term"] > before["term"], (before, got)


def test_it_is_not_re_admitted_by_mistake():
    c = three()
    a = c.nodes["a"]
    for id, text in (("a", "voter a: this voter has lost nothing"), ("b", "this is node a"), ("x", "this is node a")):
        status, out, err = readmit(a, id)
        assert status == 1 and out == "" and text in err, (id, status, out, err)
        assert a.told()["voter"] == "votes"
    status, _, err = holdfast.holdfast("members", "--admin", text_of(a.admin_address), "readmit")
    assert status == 2 and "readmit node" in err, err
    with holdfast.Client(a.admin_address) as client:
        assert client.request("POST", "/v1/voter/readmit?node=a").status == 403  # no page of elsewhere does it
        assert client.request("GET", "/v1/voter/readmit?node=a").status == 405


def test_another_nodes_register_is_not_touched():
    """A state_dir that was mixed up: c was given a's. It is whole, a may need it, and no promise is made from it."""
    c = three()
    a, node = c.nodes["a"], c.nodes["c"]
    taken = content(a)
    node.die()
    put(node, taken)
    node.come_back()
    wait_until(lambda: node.told()["voter"] == "stopped", "it does not believe it")
    assert "the register is that of node a of cluster shop" in node.told()["voter_problem"]
    status, _, err = readmit(node)
    assert status == 1 and "stopped by something else" in err and "of node a" in err, err
    assert content(node) == taken


def test_who_has_no_register_is_told_so():
    c = Cluster("ab")
    c.wait_master()
    status, _, err = readmit(c.nodes["a"])
    assert status == 1 and "no register is kept here" in err, err
    assert c.nodes["a"].told()["voter"] is None
    d = three("abcd", "abc")
    status, _, err = readmit(d.nodes["d"])
    assert status == 1 and "this node is no voter" in err, err


def test_a_crash_while_it_learns_loses_nothing():
    c = three()
    before = acquire(c.nodes["a"], "batch", "p1", ttl="60s")
    node = c.nodes["c"]
    lose(node)
    readmitted(node)
    assert node.told()["voter"] == "learning"
    status, out, _ = readmit(node)
    assert status == 0 and out.startswith("voter c: silent"), out  # once more changes nothing
    node.die()
    node.come_back()
    wait_until(lambda: node.told()["voter"] == "stopped", "it has forgotten the command, and not that it lost")
    readmitted(node)
    takes_part(c, node, before)


if __name__ == "__main__":
    holdfast.main()
