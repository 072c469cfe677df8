"""`holdfast explain --live`: where a session goes by the present view of a running node; nodes by the ids of the cluster's
configuration; `holdfast verify` over all of them."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from admin import Admin, address_of, listening
from cluster import Cluster
from dns import Dns
from holdfast import CHECKED, Holdfast, Origin, answering, libconfig, member, text_of, wait_until

KEYED = {"keys": ["header:X-Key"]}
TOKEN = "a-token-of-24-characters"


def run(*argv):
    return holdfast.holdfast("explain", *argv)


def live(p, *rest):
    return run("--live", text_of(address_of(p)), *rest)


def good(*argv):
    status, out, err = run(*argv)
    assert (status, err) == (0, ""), (argv, status, out, err)
    return out


def rewrite(p, conf):
    path = os.path.join(holdfast.folder(), "other.conf")
    with open(path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in conf.items() if v is not None))
    return path


def key_of(p, id):
    """A key whose primary is this member."""
    for n in range(1000):
        told = json.loads(good("-c", p.conf_path, "--json", f"key-{n}"))
        if told["primary"] == id:
            return f"key-{n}"
    raise AssertionError(f"no key for {id}")


def test_what_a_node_says_is_what_it_does():
    origins = [Origin(i) for i in "abc"]
    p = Holdfast(origins, session=KEYED, health=CHECKED, top=listening())
    address = text_of(address_of(p))
    for n in range(20):
        told = json.loads(good("--live", address, "--json", f"k{n}"))
        assert p.once(fields=[("X-Key", f"k{n}")]).json["id"] == told["chosen"] and told["node"] == address
        assert told["order"][0]["member"] == told["chosen"] and told["digest"] == ordering.digest(f"k{n}")
    out = good("--live", address, "k1")
    assert out.startswith(f"node       {address}, as it sees its members now\nservice    shop\ndigest     {ordering.digest('k1')}\n")
    assert len(re.findall(r"^ +\d  [abc]", out, re.M)) == 3 and "note       of a session without a tag" in out
    assert "compared" not in out, "no configuration was told"


def test_a_member_that_is_down_is_skipped_with_its_reason():
    a, b, c = (Origin(i) for i in "abc")
    p = Holdfast([a, b, c], session=KEYED, health=CHECKED, top=listening())
    key = key_of(p, "a")
    a.go()
    p.wait_event("member_down", member="a")
    status, out, err = live(p, "-c", p.conf_path, key)
    assert (status, err) == (0, "")
    heir = json.loads(good("-c", p.conf_path, "--json", "--down", "a", key))["chosen"]
    lines = out.splitlines()
    assert re.search(r"^skipped    a: ", out, re.M) and f"chosen     {heir}: failover" in lines, out
    assert f"differs    chosen: {heir}, by the configuration a" in lines
    assert p.once(fields=[("X-Key", key)]).json["id"] == heir
    told = json.loads(good("-c", p.conf_path, "--live", text_of(address_of(p)), "--json", key))
    assert told["differences"] == [f"chosen: {heir}, by the configuration a"]
    assert [m["member"] for m in told["skipped"]] == ["a"]


def test_nobody_is_left():
    a = Origin("a")
    p = Holdfast([a], session=KEYED, top=listening())
    Admin(p).post("/members/a/maint")
    status, out, _ = live(p, "k")
    assert status == 1 and "chosen     none: no live member" in out


def test_the_same_as_the_configuration_and_not():
    p = Holdfast([Origin(i) for i in "abc"], session=KEYED, top=listening())
    out = good("--live", text_of(address_of(p)), "-c", p.conf_path, "k")
    assert out.splitlines()[-1] == "compared   the configuration says the same"
    service = dict(p.conf["services"][0])
    service["members"] = [dict(m, weight=60000) if m["id"] == "b" else m for m in service["members"]]
    other = rewrite(p, {**p.conf, "services": [service]})
    key = key_of(p, "a")
    out = good("--live", text_of(address_of(p)), "-c", other, key)
    assert re.search(r"^differs    pool: [0-9a-f]{16}, by the configuration [0-9a-f]{16}$", out, re.M), out
    assert "differs    chosen: a, by the configuration b" in out and "differs    rank 0: a, by the configuration b" in out


def test_tags_and_digests():
    p = Holdfast([Origin(i) for i in "abc"], session={**KEYED, "failback": "stay"}, top=listening())
    told = json.loads(good("--live", text_of(address_of(p)), "--json", "--primary", "c", "--last", "b", "k"))
    assert (told["primary"], told["chosen"]) == ("c", "b")
    by_digest = json.loads(good("--live", text_of(address_of(p)), "--json", "--digest", ordering.digest("k")))
    assert by_digest == json.loads(good("--live", text_of(address_of(p)), "--json", "k"))
    told = json.loads(good("--live", text_of(address_of(p)), "--json", "--down", by_digest["chosen"], "k"))
    assert told["chosen"] == by_digest["order"][1]["member"]


def test_discovered_members():
    """The configuration does not know them, and says so; the node does."""
    d = Dns()
    a, b = Origin("a"), Origin("b")
    d.a("web.test", a.address[0])
    service = {"name": "shop", "session": KEYED, "health": {"enabled": False}, "discover": f"dns://web.test:{a.address[1]}"}
    p = Holdfast([], services=[service], top={**listening(), "resolver": {"servers": [d.text()]}})
    id = text_of(a.address)
    told = json.loads(good("--live", text_of(address_of(p)), "--json", "k"))
    assert told["chosen"] == id and [m["member"] for m in told["order"]] == [id]
    status, out, err = run("-c", p.conf_path, "k")
    assert (status, out) == (2, "") and "members of service shop are discovered (dns://web.test" in err and "--live NODE" in err
    out = good("--live", text_of(address_of(p)), "-c", p.conf_path, "k")
    assert f"chosen     {id}: " in out and "compared   not: members of service shop are discovered" in out
    keys = os.path.join(holdfast.folder(), "keys")
    with open(keys, "w") as f:
        f.write("k\n")
    status, out, err = holdfast.holdfast("what-if", "-c", p.conf_path, "--add", "x", keys)
    assert (status, out) == (2, "") and "are discovered" in err


def test_nodes_by_their_ids():
    c = Cluster("abc", session=KEYED)
    conf = rewrite(c.nodes["a"], {**c.nodes["a"].conf, "cluster": {**c.conf, "nodes": [
        {**n, "admin": text_of(c.nodes[n["id"]].admin_address)} for n in c.conf["nodes"]]}})
    for id in "abc":
        told = json.loads(good("-c", conf, "--live", id, "--json", "k"))
        assert told["node"] == id and told["differences"] == []
    own = c.nodes["a"].conf_path
    assert json.loads(good("-c", own, "--live", "a", "--json", "k"))["node"] == "a", "the file's own node: admin.address"
    status, out, err = run("-c", own, "--live", "b", "k")
    assert (status, out) == (2, "") and "cluster.nodes[1].admin does not say where it is asked" in err
    assert holdfast.holdfast("verify", "-c", conf) == (0, "the same: 3 nodes\n", "")
    assert holdfast.holdfast("verify", "-c", conf, "a", "c") == (0, "the same: 2 nodes\n", "")


def test_verify_names_who_is_behind_and_who_is_silent():
    c = Cluster("abc", session=KEYED)
    c.wait_master()
    conf = rewrite(c.nodes["a"], {**c.nodes["a"].conf, "cluster": {**c.conf, "nodes": [
        {**n, "admin": text_of(c.nodes[n["id"]].admin_address)} for n in c.conf["nodes"]]}})
    c.nodes["c"].die()
    extra = Origin("d")
    status, out, err = holdfast.holdfast("members", "--admin", text_of(c.nodes["a"].admin_address), "add", "d", text_of(extra.address))
    assert status == 0, err
    wait_until(lambda: all(c.nodes[i].status()["epoch"] == 1 for i in "ab"), "both have it")
    status, out, err = holdfast.holdfast("verify", "-c", conf, "--samples", "3")
    assert (status, out, err) == (1, f"{text_of(c.nodes['c'].admin_address)}: Connection refused\n", "")
    told = json.loads(holdfast.holdfast("verify", "-c", conf, "--json")[1])
    assert told["nodes"] == ["a", "b", "c"] and [a and a["epoch"] for a in told["answers"]] == [1, 1, None]
    assert [d["kind"] for d in told["differences"]] == ["silent"] and not told["same"]
    alone = Holdfast(list(c.origins.values()), session=KEYED, top=listening())
    status, out, _ = holdfast.holdfast("verify", "-c", conf, "b", text_of(address_of(alone)))
    assert status == 1 and f"epoch 1 at b, 0 at {text_of(address_of(alone))}" in out.splitlines()
    assert "shop: member d is at b, not at " in out


def test_nobody_answers():
    p = Holdfast([Origin("a")], top=listening())
    address = text_of(address_of(p))
    p.stop()
    assert run("--live", address, "k") == (1, "", f"holdfast explain: {address}: Connection refused\n")
    status, out, err = holdfast.holdfast("verify", address, address)
    assert (status, err) == (1, "") and out == f"{address}: Connection refused\n" * 2


def test_tokens():
    p = Holdfast([Origin("a")], session=KEYED, top=listening(token=TOKEN))
    address = text_of(address_of(p))
    assert run("--live", address, "k")[0] == 2
    path = os.path.join(holdfast.folder(), "token")
    with open(path, "w") as f:
        f.write(TOKEN + "\n")
    os.chmod(path, 0o600)
    assert "chosen     a: " in good("--live", address, "--token-file", path, "k")
    assert "chosen     a: " in good("--live", address, "-c", p.conf_path, "k"), "the configuration has it"


def test_usage():
    for argv, text in ((["k"], "-c FILE or --live NODE is wanted"),
                       (["--live", "127.0.0.1:1", "--keys-file", "-"], "--live goes without"),
                       (["--live", "127.0.0.1:1", "--drain", "a", "k"], "--live goes without"),
                       (["--live", "nobody", "k"], "HOST:PORT is wanted"),
                       (["-c", os.path.join(holdfast.ROOT, "conf/demo.conf"), "--token-file", "x", "k"], "--token-file goes with --live")):
        status, out, err = run(*argv)
        assert (status, out) == (2, "") and text in err, (argv, err)


if __name__ == "__main__":
    holdfast.main()
