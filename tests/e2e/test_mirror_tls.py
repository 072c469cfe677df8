"""mirror = "first-backup" of clients behind TLS and HTTP/2, and through nodes: a copy says of its client what the
request said (certificate, addresses, scheme), or the backup would refuse what the member granted."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import holdfast
import ordering
from holdfast import HOST, Client, Origin, free_port, text_of, wait_until
from http2 import SecureConnection
from test_client_cert import FIELDS, Asked
from test_mesh import Mesh
from test_mirror import ON, copies, own
from tls import Authority, TlsClient

SAME = FIELDS + ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host", "Holdfast-Session", "X-Key")


def alike(first, copy):
    for name in SAME:
        assert copy.fields.all(name) == first.fields.all(name), (name, first.fields, copy.fields)


def pair(origins, key, target):
    home, backup, _ = ordering.order("abc", ordering.digest(key))
    wait_until(lambda: copies(origins[backup], target), "the copy comes")
    first = next(r for r in own(origins[home]) if r.target == target)
    return first, copies(origins[backup], target)[0]


def test_over_tls_and_http2_with_and_without_a_certificate():
    root = Authority()
    origins = {i: Origin(i) for i in "abc"}
    p = Asked(list(origins.values()), root, ["header:X-Key"], service=ON)
    mine = root.issue("client.example", usage="clientAuth", subject="/O=Shop/CN=client")
    for n, certificate in enumerate((None, mine)):
        with TlsClient(p.address, root, certificate=certificate) as c:
            assert c.get(f"/1/{n}", fields=[("X-Key", "k1")]).status == 200
        with SecureConnection(p.address, root, certificate=certificate) as c:
            s = c.request("POST", f"/2/{n}", fields=[("x-key", "k1")], body=b"x" * 3000)
            assert s.status == 200
        for target in (f"/1/{n}", f"/2/{n}"):
            first, copy = pair(origins, "k1", target)
            alike(first, copy)
            assert copy.fields.get("X-Forwarded-Proto") == "https" and copy.body == first.body
            assert copy.fields.has("Holdfast-Client-Fingerprint") == (certificate is mine)
    assert p.is_running()


def test_a_key_that_is_the_certificate():
    root = Authority()
    origins = {i: Origin(i) for i in "abc"}
    p = Asked(list(origins.values()), root, ["client-cert:san"], service=ON)
    for n in range(4):
        mine = root.issue(f"c{n}.example", usage="clientAuth")
        assert p.ask(mine, target=f"/{n}").status == 200
        alike(*pair(origins, f"c{n}.example", f"/{n}"))


def test_through_every_node():
    """A client of node a by TLS, or of a proxy that a trusts: also where the home's node copies it, and to the backup's."""
    root = Authority()
    secure = {i: (HOST, free_port()) for i in "abc"}
    m = Mesh("abc", session={"keys": ["header:X-Key"]}, service=ON, each=lambda i, own: {
        "forwarded": {"trusted": ["127.0.0.9/32"]},
        "listeners": [{"address": own}, {"address": text_of(secure[i]), "tls": {
            "certificates": [root.issue("shop.example").conf()], "client_auth": "optional",
            "client_ca": root.file}}]})
    mine = root.issue("client.example", usage="clientAuth", subject="/O=Shop/CN=client")
    for n in range(3):
        for i in "abc":
            target = f"/{n}/{i}"
            with TlsClient(secure[i], root, certificate=mine) as c:
                assert c.get(target, fields=[("X-Key", f"k{n}")]).status == 200
            first, copy = pair(m.origins, f"k{n}", target)
            alike(first, copy)
            assert copy.fields.get("X-Forwarded-Proto") == "https" and copy.fields.has(FIELDS[0])
            with Client(m.nodes[i].address, source="127.0.0.9") as c:
                assert c.get(target + "p", fields=[("X-Key", f"k{n}"), ("X-Forwarded-For", "192.0.2.7")]).status == 200
            first, copy = pair(m.origins, f"k{n}", target + "p")
            alike(first, copy)
            assert copy.fields.get("X-Forwarded-For") == "192.0.2.7, 127.0.0.9"
            assert copy.fields.get("X-Forwarded-Proto") == "http" and not copy.fields.has(FIELDS[0])


if __name__ == "__main__":
    holdfast.main()
