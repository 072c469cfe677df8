"""The client's question, GET /v1/master (US 9,667,750; SEEDS M1 to M14), on real processes."""

import collections
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import holdfast as command
from holdfast import text_of, wait_until


def ask(node, query=""):
    return node.once("/v1/master" + query)


def test_m01_m02_m10_any_node_answers_from_what_it_knows():
    c = Cluster("abc")
    master = c.wait_master()
    for i, node in c.nodes.items():
        before = node.told()["election"]["searches"]
        for r in (ask(node), node.admin("/v1/master")):
            assert r.status == 200, r.body
            assert r.json["master"] == {"id": master, "url": "http://" + text_of(c.http[master]),
                                        "http": text_of(c.http[master])}, r.json
            assert r.json["by"] == i and r.json["how"] == "cached", r.json
            assert [m["id"] for m in r.json["members"]] == list(c.ids)
            assert 0 < r.json["valid_for_ms"] <= 3 * 200
        assert node.told()["election"]["searches"] == before


def test_the_answer_is_well_formed_and_the_path_is_guarded():
    c = Cluster("abc")
    c.wait_master()
    a = c.nodes["a"]
    assert a.once("/v1/master", method="HEAD").status == 200
    assert a.once("/v1/master", method="POST", body=b"x").status == 405
    assert ask(a, "?dead=nobody").status == 400
    assert ask(a, "?term=x").status == 400
    assert ask(a, "?" + "x" * 300).status == 414
    assert ask(a, "/more").json["id"], "another path is the application's"
    assert ask(a, "?term=1&follow=0&other=2").status == 200
    assert a.once("/v1/masters").json["id"]


def test_the_command_asks_in_turn():
    c = Cluster("abc")
    master = c.wait_master()
    dead = text_of((c.hosts["a"], holdfast.free_port(c.hosts["a"])))
    status, out, err = command("master", dead, text_of(c.http["b"]))
    assert status == 0 and out.startswith(f"{master} http://{text_of(c.http[master])} term "), (out, err)
    status, out, err = command("master", "--json", "--follow", text_of(c.http["b"]))
    told = json.loads(out)
    assert status == 0 and told["by"] == told["master"]["id"] == master, (out, err)
    status, out, err = command("master", dead)
    assert status == 1 and not out and dead in err, (status, out, err)
    assert command("master")[0] == 2


if __name__ == "__main__":
    holdfast.main()
