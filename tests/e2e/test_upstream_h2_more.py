"""HTTP/2 to members together with what else a service may have."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cluster
import holdfast
import test_mesh
from h2_origin import H2Origin
from holdfast import wait_until
from test_upstream_h2 import KEYED, before, key_of


def test_check_refuses_connections_that_name_a_client():
    for version in ("v1", "v2"):
        p = before([H2Origin("a")], service={"proxy_protocol": version}, start=False)
        status, _, err = holdfast.holdfast("check", "-c", p.conf_path)
        assert status != 0 and f'services[0].proxy_protocol = "{version}": with protocol = "h2"' in err, err
        assert p.conf_path + ":" in err, err


def test_the_backup_gets_copies_by_http2():
    a, b = H2Origin("a"), H2Origin("b")
    p = before([a, b], session=KEYED, service={"mirror": "first-backup"})
    for n in range(5):
        with p.client() as c:
            r = c.request("POST", f"/{n}", body=b"x" * 700, fields=[("X-Key", key_of("a"))])
            assert r.status == 200 and r.json["id"] == "a"
        wait_until(lambda: [s for s in b.requests if s.target == f"/{n}"], "the copy comes")
        copy = next(s for s in b.requests if s.target == f"/{n}")
        wait_until(lambda: copy.ended, "whole")
        assert copy.method == "POST" and bytes(copy.body) == b"x" * 700
        assert copy.fields.get("holdfast-mirror") == "first-backup"
    assert len(a.requests) == 5 and len(b.requests) == 5
    p.stop()


def with_h2_members(module, make):
    """What make() makes has members of HTTP/2."""
    plain, module.Origin = module.Origin, H2Origin
    try:
        return make()
    finally:
        module.Origin = plain


def test_any_node_of_a_mesh_sends_to_the_primary_by_http2():
    m = with_h2_members(test_mesh, lambda: test_mesh.Mesh(session=KEYED, service={"protocol": "h2"}))
    for n in range(6):
        for i in m.ids:
            r = m.through(i, f"k{n}", method="POST", body=b"x" * 700)
            assert r.json["id"] == m.order(f"k{n}")[0] and r.json["body_bytes"] == 700, (n, i)
            assert "holdfast-hop" not in dict(r.json["fields"])


def test_a_race_is_won_by_a_member_of_http2_and_the_session_stays():
    c = with_h2_members(cluster, lambda: cluster.Cluster("abc", session={"assign": "race"}, service={"protocol": "h2"}))
    for i in c.ids:
        b = c.nodes[i].browser()
        won = b.get().json["id"]
        assert won in c.ids and all(b.get().json["id"] == won for _ in range(3)), i


if __name__ == "__main__":
    holdfast.main()
