"""The membership by epochs: changed through any node, published by the master, held by all (DESIGN
section 10; SEEDS C and A2). Clusters of real processes."""

import json
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from cluster import Cluster
from holdfast import Origin, text_of, wait_until
from tap import TappedCluster

KEYED = {"keys": ["header:X-Key"]}


def elected(ids, **more):
    """A cluster whose first node is master: it was there before the others."""
    c = Cluster(ids, start=ids[0], **more)
    c.wait_master(master=ids[0])
    for i in ids[1:]:
        c.start(i)
    c.wait_master(master=ids[0])
    return c


def members(node, *operands, code=0):
    """`holdfast members ...` asked of this node; what it printed."""
    status, out, err = holdfast.holdfast("members", "--admin", text_of(node.admin_address), *operands)
    assert status == code, (operands, status, out, err)
    return out if code == 0 else err


def change(node, *operands):
    answer = json.loads(members(node, "--json", *operands))
    assert answer["changed"], answer
    return answer["epoch"]


def try_change(node, *operands):
    """The epoch, or None: refused, as when no majority answered in time. Whoever asks again may find it made."""
    status, out, _ = holdfast.holdfast("members", "--admin", text_of(node.admin_address), "--json", *operands)
    return json.loads(out)["epoch"] if status == 0 else None


def document(node):
    r = node.admin("/v1/membership")
    assert r.status == 200, r.body
    return r.json


def epochs(c, among=None):
    return {i: c.nodes[i].told()["epoch"] for i in among or c.nodes}


def wait_epoch(c, epoch, among=None):
    wait_until(lambda: set(epochs(c, among).values()) == {epoch}, f"epoch {epoch} on {among or c.ids}")
    for i in among or c.nodes:
        c.nodes[i].wait_event("epoch_adopted", epoch=epoch)


def pools(c, among=None):
    return {s["pool"] for i in among or c.nodes for s in c.nodes[i].status()["services"]}


def served_by(node, keys):
    with node.client() as client:
        return {key: client.get(fields=[("X-Key", key)]).id for key in keys}


def test_a_member_comes_through_any_node():
    c = elected("abc", session=KEYED)
    keys = [f"k{n}" for n in range(600)]
    before = served_by(c.nodes["a"], keys)
    d = Origin("d")
    assert members(c.nodes["c"], "add", "d", text_of(d.address)) == "published as epoch 1\n"
    wait_epoch(c, 1)
    assert len(pools(c)) == 1, "one fingerprint"
    after = served_by(c.nodes["b"], keys)
    moved = {k for k in keys if before[k] != after[k]}
    assert moved and all(after[k] == "d" for k in moved), "who need not move does not"
    assert abs(len(moved) - len(keys) / 4) < len(keys) / 10
    for i in "ac":
        assert served_by(c.nodes[i], keys) == after
    line = c.nodes["b"].wait_event("epoch_adopted")
    masters = {e["chosen"] for n in c.nodes.values() for e in n.events("master_elected")}
    assert line["chosen"] in masters and line["epoch"] == 1 and "shop +d" in line["evidence"], line
    assert [m["id"] for m in document(c.nodes["b"])["services"][0]["members"]] == ["a", "b", "c", "d"]


def test_remove_weight_drain_and_back():
    c = elected("abc", session=KEYED)
    keys = [f"k{n}" for n in range(400)]
    homes = served_by(c.nodes["a"], keys)
    assert change(c.nodes["b"], "weight", "b", "3") == 1
    wait_epoch(c, 1)
    heavier = served_by(c.nodes["c"], keys)
    assert all(heavier[k] == "b" for k in keys if heavier[k] != homes[k])
    assert change(c.nodes["a"], "weight", "b", "1") == 2
    wait_epoch(c, 2)
    assert served_by(c.nodes["a"], keys) == homes
    assert change(c.nodes["b"], "drain", "c") == 3
    wait_epoch(c, 3)
    states = {i: {m["id"]: m["state"] for m in n.status()["services"][0]["members"]} for i, n in c.nodes.items()}
    assert all(s["c"] == "drain" and s["a"] == "up" for s in states.values()), states
    assert change(c.nodes["c"], "undrain", "c") == 4
    wait_epoch(c, 4)
    assert change(c.nodes["c"], "remove", "b") == 5
    wait_epoch(c, 5)
    left = served_by(c.nodes["b"], keys)
    assert set(left.values()) == {"a", "c"}
    assert all(left[k] == homes[k] for k in keys if homes[k] != "b"), "only sessions of who left move"


def test_refusals_are_clear():
    c = elected("ab")
    b = c.nodes["b"]
    assert "no such member" in members(b, "remove", "x", code=1)
    assert "such a member already" in members(b, "add", "a", "127.0.0.1:9", code=1)
    assert "above 65535" in members(b, "weight", "a", "70000", code=1)
    assert "a whole number" in members(b, "weight", "a", "much", code=2)
    assert "member.origin" in members(b, "add", "d", "nowhere", code=1)
    assert "no such node" in members(b, "rank", "z", "1", code=1)
    assert "none of cluster.nodes" in members(b, "add", "d", "127.0.0.1:9", "node=127.0.0.1:7", code=1)
    assert "KEY=VALUE" in members(b, "set", "a", "colour=red", code=2)
    assert "is wanted" in members(b, "paint", "a", code=2)
    assert "that is a" in members(b, "publish", code=1)
    assert epochs(c) == {"a": 0, "b": 0}
    assert members(b, "weight", "a", "1") == "it is so already, in epoch 0\n"
    assert change(b, "remove", "b") == 1
    assert "the last member" in members(b, "remove", "a", code=1)
    assert "another epoch" in members(b, "--epoch", "0", "drain", "a", code=1)
    assert change(b, "--epoch", "1", "drain", "a") == 2


def test_only_who_may_change_does():
    c = elected("a")
    with holdfast.Client(c.nodes["a"].admin_address) as client:
        r = client.request("POST", "/v1/membership/set?id=a&weight=2")
        assert r.status == 403, r.line
        r = client.request("GET", "/v1/membership/set?id=a&weight=2")
        assert r.status == 405, r.line
    assert epochs(c) == {"a": 0}


def test_a_node_alone_publishes():
    """One node, no datagrams: it is the master."""
    o = Origin("a")
    address = (holdfast.HOST, holdfast.free_port())
    admin = (holdfast.HOST, holdfast.free_port())
    p = holdfast.Holdfast([o], address=address, session=KEYED,
                          top={"node": "n", "admin": {"address": text_of(admin)},
                               "cluster": {"name": "one", "nodes": [{"id": "n", "http": text_of(address)}]}})
    p.admin_address = admin
    b = Origin("b")
    assert members(p, "add", "b", text_of(b.address), "weight=2") == "published as epoch 1\n"
    wait_until(lambda: set(served_by(p, [f"k{n}" for n in range(50)]).values()) == {"a", "b"}, "both serve")
    p.stop()
    p.start()
    assert set(served_by(p, [f"k{n}" for n in range(50)]).values()) == {"a", "b"}, "it was kept"


def test_without_a_cluster_there_is_none():
    p = holdfast.Holdfast([Origin("a")], top={"admin": {"address": f"{holdfast.HOST}:{holdfast.free_port()}"}})
    host, port = p.conf["admin"]["address"].split(":")
    p.admin_address = (host, int(port))
    assert "no cluster" in members(p, "drain", "a", code=1)


def test_who_was_away_catches_up():
    """Killed, or stopped, while the membership changes: it holds the newest one before long."""
    c = elected("abc", session=KEYED)
    assert change(c.nodes["b"], "weight", "a", "2") == 1
    wait_epoch(c, 1)
    c.nodes["c"].die()
    assert change(c.nodes["b"], "weight", "a", "3") == 2
    wait_epoch(c, 2, among="ab")
    c.nodes["b"].freeze()
    assert change(c.nodes["a"], "weight", "a", "4") == 3
    c.nodes["b"].thaw()
    c.nodes["c"].come_back()
    assert document(c.nodes["c"])["epoch"] >= 1, "as it was kept"
    wait_epoch(c, 3)
    assert len(pools(c)) == 1


def test_who_is_behind_fetches_before_it_decides():
    """No datagram reaches c, so that the first it hears of the new membership is a request that another node hands it
    by that one: it decides by it, too. By its own, older one the session would be another's."""
    c = TappedCluster("abcd", voters="abd", cluster={"lease": "1s"}, session=KEYED)
    c.wait_master()
    c.tap.drop = lambda d: d.node == "c" or d.peer == c.real["c"]
    assert change(c.nodes["a"], "weight", "c", "5") == 1
    wait_epoch(c, 1, among="abd")
    assert c.nodes["c"].told()["epoch"] == 0
    before, after = ({k: ordering.order("abcd", ordering.digest(k), weights=w)[0] for k in (f"k{n}" for n in range(200))}
                     for w in (None, {"c": 5}))
    key = next(k for k in after if after[k] == "c" and before[k] == "b")
    r = c.nodes["a"].once("/", fields=[("X-Key", key)])
    assert (r.status, r.id) == (200, "c"), (r.status, r.body)
    assert [len(o.requests) for o in c.origins.values()] == [0, 0, 1, 0]
    c.nodes["c"].wait_event("epoch_adopted", epoch=1)


def test_a_damaged_file_is_said_and_fetched_anew():
    c = elected("ab", session=KEYED)
    change(c.nodes["b"], "weight", "a", "2")
    wait_epoch(c, 1)
    b = c.nodes["b"]
    path = os.path.join(b.where, "membership")
    for damage in (lambda t: t.replace(b'"weight":2', b'"weight":3'), lambda t: t[:-20], lambda t: b"",
                   lambda t: t + b"\0"):
        b.stop()
        with open(path, "rb") as f:
            text = f.read()
        with open(path, "wb") as f:
            f.write(damage(text))
        count = len(b.events("epoch_adopted"))
        b.start()
        b.wait_event("epoch_adopted", count=count + 1, epoch=1)
        b.wait_said("is not used: ", "damaged")
        with open(path, "rb") as f:
            assert f.read() == text, "kept again"


def test_a_request_waits_for_the_membership_it_was_sent_by():
    """A hop names a newer epoch than is held: that is fetched first, and the decision is by it."""
    c = elected("ab", session=KEYED)
    a, b = c.nodes["a"], c.nodes["b"]
    keys = [f"k{n}" for n in range(200)]
    b.freeze()
    assert change(a, "set", "b", "order=drain") == 1
    wait_epoch(c, 1, among="a")
    assert change(a, "set", "b", "order=none", "weight=5") == 2
    answers = {}

    def ask():
        answers.update(served_by(a, keys))

    t = threading.Thread(target=ask)
    t.start()
    b.thaw()
    t.join(60)
    assert len(answers) == len(keys)
    assert answers == served_by(b, keys)
    wait_epoch(c, 2)
    assert "b" in answers.values()


def test_a_file_read_again_keeps_the_epoch_and_says_so():
    c = elected("ab", session=KEYED)
    d = Origin("d")
    change(c.nodes["b"], "add", "d", text_of(d.address))
    wait_epoch(c, 1)
    a = c.nodes["a"]
    a.signal(signal.SIGHUP)
    a.wait_event("reload")
    a.wait_said("are not those of epoch 1, which stay")
    assert {m["id"] for m in a.status()["services"][0]["members"]} == {"a", "b", "d"}
    assert members(a, "publish") == "published as epoch 2\n"
    wait_epoch(c, 2)
    assert {m["id"] for m in c.nodes["b"].status()["services"][0]["members"]} == {"a", "b"}
    a.signal(signal.SIGHUP)
    a.wait_event("reload", count=2)
    assert a.stderr.count("which stay") == 1


def test_the_master_dies_while_it_publishes():
    """Whatever is answered, in the end all survivors hold one document, and the next change is made."""
    c = elected("abc", session=KEYED)
    said = []

    def publish():
        said.append(holdfast.holdfast("members", "--admin", text_of(c.nodes["b"].admin_address), "weight", "a", "7"))

    t = threading.Thread(target=publish)
    t.start()
    c.nodes["a"].die()
    t.join(60)
    assert said[0][0] in (0, 1), said
    c.wait_master(among="bc", after="a")
    epoch = wait_until(lambda: change(c.nodes["c"], "weight", "b", "9"), "the next change")
    wait_epoch(c, epoch, among="bc")
    documents = [document(c.nodes[i]) for i in "bc"]
    assert documents[0] == documents[1]
    weight = {m["id"]: m.get("weight", 1) for m in documents[0]["services"][0]["members"]}
    assert weight["b"] == 9
    if said[0][0] == 0:
        assert weight["a"] == 7, "what was said to be published is there"
    c.nodes["a"].come_back()
    wait_epoch(c, epoch)
    assert document(c.nodes["a"]) == documents[0]


def test_under_lease_a_change_is_written_by_a_majority():
    """Three voters: published with one of them dead, not with two; a new master knows what was written."""
    c = Cluster("abc", voters="abc", session=KEYED, cluster={"lease": "1s"})
    first = c.wait_master()
    assert all(n.told()["safety"] == "lease" for n in c.nodes.values())
    others = [i for i in c.ids if i != first]
    assert change(c.nodes[others[0]], "weight", "a", "2") == 1
    wait_epoch(c, 1)
    c.nodes[first].die()
    second = c.wait_master(among=others, after=first)
    third = others[0] if second == others[1] else others[1]
    epoch = wait_until(lambda: try_change(c.nodes[third], "weight", "a", "3"), "the next one")
    assert epoch == 2
    wait_epoch(c, 2, among=others)
    c.nodes[third].die()
    assert "publish" in members(c.nodes[second], "weight", "a", "4", code=1), "no majority"
    c.nodes[first].come_back()
    c.nodes[third].come_back()
    c.wait_master()
    epoch = wait_until(lambda: try_change(c.nodes[first], "weight", "b", "5"), "and after that")
    assert epoch >= 3
    wait_epoch(c, epoch)
    documents = [document(n) for n in c.nodes.values()]
    assert documents[0] == documents[1] == documents[2]


def test_ranks_are_published():
    c = elected("abc")
    assert change(c.nodes["b"], "rank", "c", "0") == 1
    wait_epoch(c, 1)
    assert all({x["id"]: x["rank"] for x in n.told()["nodes"]}["c"] == 0 for n in c.nodes.values())


def test_10000_keys_stay_where_they_need_not_move():
    c = elected("abcde", session=KEYED)
    keys = "\n".join(f"key{n}" for n in range(10000))
    base = ["explain", "--keys-file", "-", "-c"]

    def homes(count):
        """By the members as they stand in a node's document."""
        conf = dict(c.nodes["b"].conf)
        listed = document(c.nodes["b"])["services"][0]["members"]
        assert len(listed) == count
        service = dict(conf["services"][0], members=listed)
        path = os.path.join(c.nodes["b"].where, f"now{count}.conf")
        with open(path, "w") as f:
            f.write("".join(f"{k} = {holdfast.libconfig(v)};\n" for k, v in
                            {**conf, "services": [service]}.items() if v is not None))
        status, out, err = holdfast.holdfast(*base, path, input=keys)
        assert status == 0, err
        return dict(line.split("\t")[0::3] for line in out.splitlines())

    before = homes(5)
    f = Origin("f")
    change(c.nodes["e"], "add", "f", text_of(f.address))
    wait_epoch(c, 1)
    after = homes(6)
    assert len(before) == len(after) == 10000
    moved = [k for k in before if before[k] != after[k]]
    assert all(after[k] == "f" for k in moved)
    assert abs(len(moved) - 10000 / 6) < 200
    sample = [k for k in before][:300]
    for i in "ad":
        seen = served_by(c.nodes[i], sample)
        assert all(seen[k] == after[k] for k in sample)


def test_verify_and_status_show_the_epoch():
    c = elected("abc")
    change(c.nodes["c"], "weight", "a", "2")
    wait_epoch(c, 1)
    addresses = [text_of(n.admin_address) for n in c.nodes.values()]
    status, out, err = holdfast.holdfast("verify", *addresses)
    assert status == 0, (out, err)
    for n in c.nodes.values():
        assert n.told()["epoch"] == 1
        with holdfast.Client(n.admin_address) as client:
            assert "holdfast_epoch 1\n" in client.get("/metrics").body.decode()


if __name__ == "__main__":
    holdfast.main()
