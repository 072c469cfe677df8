"""`holdfast doctor`: certificate dates, the clocks of the cluster's nodes, ports of datagrams, and findings above the bound."""

import datetime
import json
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import listening
from cluster import Cluster
from holdfast import HOST, Holdfast, Origin, answering, free_port, libconfig, text_of
from tls import Authority
from test_doctor import asleep, doctor, lines


def of(found, what):
    return [(grade, text) for grade, kind, text in found if kind == what]


def named(out, what):
    """(grade, text) of lines whose name has blanks in it."""
    return re.findall(rf"^(ok|warning|bad) +{what} +(.*)$", out, re.M)


# ---- certificates -------------------------------------------------------------------------------


def with_certificate(days):
    authority = Authority()
    c = authority.issue("shop.example", days=days)
    return c, asleep([Origin("a")], top={"listeners": [{"address": f"{HOST}:{free_port()}", "tls": {
        "certificates": [c.conf()]}}]})


def test_until_when_a_certificate_is_valid():
    c, p = with_certificate(40)
    (grade, text), = of(lines(doctor(p)[1]), "certificate")
    until, days = re.fullmatch(rf"{re.escape(c.conf()['certificate'])}: valid until (\S+)Z, (\d+) days", text).groups()
    left = datetime.datetime.fromisoformat(until) - datetime.datetime.utcnow()
    assert grade == "ok" and int(days) in (left.days, left.days + 1) and 39 <= int(days) <= 40, text


def test_a_certificate_that_ends_soon_or_is_over():
    _, p = with_certificate(3)
    status, out, _ = doctor(p)
    found = lines(out)
    assert status == 0 and not of(found, "certificate")
    assert any(grade == "warning" and "tls.certificates[0].certificate" in text for grade, text in of(found, "configuration")), out


# ---- the cluster --------------------------------------------------------------------------------


def with_nodes(**admins):
    """A configuration of node a, and others whose admin interfaces are there."""
    secret = os.path.join(holdfast.folder(), "secret")
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4)
    os.chmod(secret, 0o600)
    http = {i: text_of((HOST, free_port())) for i in ["a", *admins]}
    nodes = [{"id": i, "http": h, **({"admin": text_of(admins[i])} if admins.get(i) else {})} for i, h in http.items()]
    return asleep([Origin("m")], top={"node": "a", "secrets": [{"id": "k1", "file": secret}], "cluster": {"name": "shop", "nodes": nodes}})


def saying(seconds):
    """An admin interface whose clock is so far from ours."""
    def behave(connection, request):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        connection.answer(200, json.dumps({"time": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"}).encode())
    return Origin("admin", behave)


def test_clocks_of_real_nodes():
    c = Cluster("abc")
    a = c.nodes["a"]
    path = os.path.join(a.where, "with-admins.conf")
    with open(path, "w") as f:
        conf = {**a.conf, "cluster": {**c.conf, "nodes": [{**n, "admin": text_of(c.nodes[n["id"]].admin_address)} for n in c.conf["nodes"]]}}
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in conf.items() if v is not None))
    status, out, err = holdfast.holdfast("doctor", "-c", path)
    assert (status, err) == (0, ""), out
    found = named(out, "clock of node")
    assert [grade for grade, _ in found] == ["ok", "ok"] and [text[0] for _, text in found] == ["b", "c"]
    for _, text in found:
        assert re.fullmatch(r"[bc]: \d+ ms (ahead of|behind) ours, to within \d+ ms", text), text
    status, out, _ = doctor(a)
    assert named(out, "clock of node")[0] == ("ok", "b: not asked: cluster.nodes[1].admin does not say where")
    assert ("warning", f"{text_of(c.datagrams['a'])}: in use, by a node that runs already or by another program") in of(lines_of(out), "datagrams")


def lines_of(out):
    return [tuple(line.split(None, 2)) for line in out.splitlines()[:-1]]


def test_clocks_that_differ():
    p = with_nodes(b=saying(5).address, c=saying(-90).address, d=saying(0).address)
    status, out, _ = doctor(p)
    b, c, d = named(out, "clock of node")
    assert status == 1
    assert b[0] == "warning" and re.fullmatch(r"b: (4|5)\d{3} ms ahead of ours, to within \d+ ms", b[1]), b
    assert c[0] == "bad" and re.fullmatch(r"c: (89|90)\d{3} ms behind ours, to within \d+ ms: it refuses .* too old", c[1]), c
    assert d[0] == "ok"


def test_clocks_that_nobody_tells():
    gone = Origin("gone", start=False)
    for admin, why in ((gone.address, "Connection refused"), (Origin("x", answering(200, b"{}")).address, "it says no time"),
                       (Origin("x", answering(200, b"hello")).address, "not Holdfast"),
                       (Origin("x", answering(200, b'{"time":"yesterday"}')).address, "it says no time")):
        (grade, text), = named(doctor(with_nodes(b=admin))[1], "clock of node")
        assert grade == "warning" and text.startswith("b: not known: ") and why in text, text


# ---- ports, findings ----------------------------------------------------------------------------


def test_a_port_of_datagrams_that_is_taken():
    c = Cluster("ab", start="")
    a = c.start("a", start=False)
    assert of(lines_of(doctor(a)[1]), "datagrams") == [("ok", f"{text_of(c.datagrams['a'])}: free")]
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind(c.datagrams["a"])
        (grade, text), = of(lines_of(doctor(a)[1]), "datagrams")
        assert grade == "warning" and "in use" in text


def test_findings_above_the_bound_are_counted():
    members = [{"id": f"m{n}", "origin": "nonsense"} for n in range(250)]
    p = Holdfast([], services=[{"name": "shop", "members": members}], start=False)
    shown = json.loads(holdfast.holdfast("check", "--json", "-c", p.conf_path)[1])
    assert shown["not_shown"] > 0
    status, out, _ = doctor(p)
    found = lines(out)
    assert status == 1 and len(found) == len(shown["findings"]) + 1
    assert found[-1] == ("bad", "configuration", f"{shown['not_shown']} findings more: {len(shown['findings'])} are shown")


def test_discovered_members_are_not_tried():
    p = Holdfast([], services=[{"name": "shop", "discover": "dns://nobody.invalid:80"}], start=False)
    assert ("ok", "of shop: discovered, not tried") in of(lines(doctor(p)[1]), "member")


if __name__ == "__main__":
    holdfast.main()
