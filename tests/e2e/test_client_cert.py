"""The client's certificate as session key and as fields for members; what the access log says of TLS."""

import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import Holdfast, Origin, free_port, text_of, HOST
from tls import Authority, TlsClient

FIELDS = ("Holdfast-Client-Subject", "Holdfast-Client-San", "Holdfast-Client-Fingerprint")
FORGED = [(n, "forged") for n in FIELDS] + [(n.lower(), "forged twice") for n in FIELDS]


class Asked(Holdfast):
    """Asks clients for certificates of `root`, whatever the name."""

    def __init__(self, members, root, keys, auth="optional", **more):
        address = (HOST, free_port())
        top = {"listeners": [{"address": text_of(address), "tls": {
            "certificates": [root.issue("shop.example").conf()], "client_auth": auth, "client_ca": root.file}}],
            **more.pop("top", {})}
        super().__init__(members, address=address, session={"keys": keys}, top=top, **more)
        self.root = root

    def ask(self, certificate=None, **more):
        with TlsClient(self.address, self.root, certificate=certificate) as c:
            return c.get(**more)


def told(r):
    return {n: [v for k, v in r.json["fields"] if k.lower() == n.lower()] for n in FIELDS}


def home(key, ids="abc"):
    return ordering.order(ids, ordering.digest(key))[0]


def test_each_part_of_a_certificate_is_a_key():
    root = Authority()
    origins = [Origin(i) for i in "abc"]
    clients = [root.issue(f"client-{n}.example", usage="clientAuth", subject=f"/O=Shop, Inc/CN=client {n}")
               for n in range(6)]
    for part in ("subject", "san", "fingerprint"):
        p = Asked(origins, root, [f"client-cert:{part}"])
        for c in clients:
            key = {"subject": f"CN=client {clients.index(c)},O=Shop\\, Inc", "san": c.name,
                   "fingerprint": hashlib.sha256(c.der()).hexdigest()}[part]
            for _ in range(2):
                assert p.ask(c).id == home(key), (part, key)
        p.stop()


def test_options_and_rules_behind_it():
    root = Authority()
    p = Asked([Origin(i) for i in "abc"], root, ["client-cert:san | before:. | lower", "header:X-Key"])
    mine = root.issue("ALICE.shop.example", usage="clientAuth")
    assert p.ask(mine, fields=[("X-Key", "k")]).id == home("alice")
    assert p.ask(fields=[("X-Key", "k7")]).id == home("k7"), "without a certificate the next rule counts"


def test_members_are_told_and_clients_cannot_tell():
    root = Authority()
    p = Asked([Origin("a")], root, ["client-cert:fingerprint"])
    mine = root.issue("mine.example", names="DNS:mine.example,email:me@example.org", usage="clientAuth")
    r = p.ask(mine, fields=FORGED)
    assert told(r) == {FIELDS[0]: ["CN=mine.example"], FIELDS[1]: ["mine.example"],
                       FIELDS[2]: [hashlib.sha256(mine.der()).hexdigest()]}, told(r)
    assert told(p.ask(fields=FORGED)) == {n: [] for n in FIELDS}
    plain = Holdfast([Origin("a")])
    assert told(plain.once(fields=FORGED)) == {n: [] for n in FIELDS}


def test_nodes_tell_each_other():
    """The certificate is seen by the node that the client asks; the others believe that node alone."""
    root = Authority()
    where = holdfast.folder()
    secret = os.path.join(where, "secret")
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4)
    os.chmod(secret, 0o600)
    ids = "ab"
    inner = {i: (HOST.replace("127.", f"127.{100 + n}.", 1).rsplit(".", 1)[0], free_port()) for n, i in enumerate(ids)}
    cluster = {"name": "mesh", "nodes": [{"id": i, "http": text_of(a)} for i, a in inner.items()],
               "tls": {"enabled": True, "ca": root.file, "name": "nodes.example"}}
    members = [holdfast.member(Origin(i), node=text_of(inner[i])) for i in ids]
    nodes = {}
    for i in ids:
        own = root.issue("nodes.example", usage="serverAuth,clientAuth")
        public = (HOST, free_port())
        conf = {"certificates": [root.issue("shop.example").conf()], "client_auth": "optional", "client_ca": root.file}
        cluster_of = {**cluster, "tls": {**cluster["tls"], "certificate": own.chain, "key": own.key}}
        nodes[i] = Holdfast(members, address=public, session={"keys": ["client-cert:san"]}, top={
            "node": i, "cluster": cluster_of, "secrets": [{"id": "k1", "file": secret}],
            "listeners": [{"address": text_of(public), "tls": conf},
                          {"address": text_of(inner[i]), "tls": {"certificates": [own.conf()], "client_auth": "required",
                                                                 "client_ca": root.file}}]})
    for n in range(6):
        mine = root.issue(f"c{n}.example", usage="clientAuth")
        for i in ids:
            with TlsClient(nodes[i].address, root, certificate=mine) as c:
                r = c.get(fields=FORGED)
            assert (r.status, r.id) == (200, home(mine.name, ids)), (n, i, r.status)
            assert told(r)[FIELDS[1]] == [mine.name]
            assert dict(r.json["fields"])["X-Forwarded-Proto"] == "https"
    with TlsClient(nodes["a"].address, root) as c:
        for n in range(4):
            assert told(c.get(fields=FORGED)) == {n: [] for n in FIELDS}, "a node's own certificate is nobody's"


def test_the_access_log_says_what_was_settled():
    root = Authority()
    p = Asked([Origin("a")], root, ["ip"])
    p.ask()
    line = p.wait_request(cause="done")
    assert line["tls_version"] == "TLSv1.3" and line["tls_cipher"].startswith("TLS_AES"), line
    assert line["server_name"] == "shop.example" and line["tls_resumed"] is False
    plain = Holdfast([Origin("a")])
    plain.once()
    assert "tls_version" not in plain.wait_request(cause="done")


def test_check_refuses_other_parts():
    p = Holdfast([("a", "127.0.0.1:9")], session={"keys": ["client-cert:serial"]}, start=False)
    code, out, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert code == 2 and "client-cert:subject" in out + err


if __name__ == "__main__":
    holdfast.main()
