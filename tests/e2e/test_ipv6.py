"""IPv6 wherever an address may stand: nodes of a mesh and of a cluster on ::1, admin and commands, PROXY headers,
trusted senders, brackets in what members are told. test_sockets.py has listeners and members."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import holdfast
import ordering
from cluster import Cluster
from holdfast import Holdfast, Origin, free_port, text_of, wait_until
from test_mesh import KEYED, RETRY, Mesh
from test_proxy_out import Told, read_v1, read_v2

SIX = "::1"


def here():
    return SIX, free_port(SIX)


def on(members, **more):
    address = here()
    return Holdfast(members, address=address, **more)


# ---- nodes --------------------------------------------------------------------------------------


def test_a_mesh():
    m = Mesh("abc", session=KEYED, addresses=lambda n: here(), passive=RETRY)
    for n in range(8):
        for i in m.ids:
            r = m.through(i, f"k{n}", method="POST", body=b"x" * 5000)
            assert r.id == m.order(f"k{n}")[0]
            assert r.got.all("X-Forwarded-For") == [SIX] and not r.got.has("Holdfast-Hop")
    keys = m.keys_of("b", 4)
    m.origins["b"].go()
    for key in keys:
        for i in m.ids:
            assert m.through(i, key).id == m.order(key)[1], (key, i)


def test_a_hop_of_who_is_no_node_is_ignored():
    m = Mesh("ab", session=KEYED, addresses=lambda n: here())
    key = m.keys_of("a", 1)[0]
    r = m.nodes["a"].once(fields=[("X-Key", key), ("Holdfast-Hop", "v1; path=b; digest=00; primary=b; epoch=0; time=1; mac=00")])
    assert r.status == 200 and r.id == "a" and not r.got.has("Holdfast-Hop")


def test_a_cluster_elects_and_leases():
    """Datagrams, votes, the membership that nodes fetch from each other, and DNS."""
    c = Cluster("abc", voters="abc", cluster={"lease": "2s"}, host=SIX, session=KEYED)
    master = c.wait_master()
    for i in c.ids:
        told = c.nodes[i].told()
        assert told["master"] == master, told
    other = next(i for i in c.ids if i != master)
    code, out, err = holdfast.holdfast("members", "--admin", text_of(c.nodes[other].admin_address), "drain", "b")
    assert code == 0, err
    wait_until(lambda: all(n.events("epoch_adopted") for n in c.nodes.values()), "all of them have it")
    code, out, err = holdfast.holdfast("master", *(text_of(c.http[i]) for i in c.ids))
    assert code == 0 and out.split()[0] == master and f"[{SIX}]" in out, (out, err)
    c.nodes[master].die()
    rest = [i for i in c.ids if i != master]
    c.wait_master(among=rest, after=master)


# ---- who the client is --------------------------------------------------------------------------


def test_trusted_senders():
    a = Origin("a")
    for networks, trusted in (([SIX], True), (["::/64"], True), (["fe80::/10", "2001:db8::/32"], False)):
        p = on([a], session={"keys": ["ip"]}, top={"forwarded": {"trusted": networks, "write": "both"}})
        r = p.once(host="[2001:db8::5]:80", fields=[("X-Forwarded-For", "2001:db8::7"), ("X-Forwarded-Proto", "https")])
        chain = "2001:db8::7, ::1" if trusted else "::1"
        assert r.got.all("X-Forwarded-For") == [chain], r.got
        own = 'for="[::1]";proto=http;host="[2001:db8::5]:80"'
        assert r.got.all("Forwarded") == [f'for="[2001:db8::7]";proto=https, {own}' if trusted else own], r.got
        assert r.got.get("Holdfast-Session") == ordering.digest("2001:db8::7" if trusted else SIX)
        p.stop()
    p = on([a], session={"keys": ["ip"]}, top={"forwarded": {"trusted": [SIX], "read": "forwarded"}})
    for said in ('for="[2001:db8::7]"', 'for="[2001:db8::7]:4711"', 'For="[2001:DB8:0::7]";by="[::2]"'):
        r = p.once(fields=[("Forwarded", said)])
        assert r.got.get("Holdfast-Session") == ordering.digest("2001:db8::7"), said
    for said in ("for=2001:db8::7", 'for="[fe80::1%eth0]"', 'for="[2001:db8::7"'):
        r = p.once(fields=[("Forwarded", said)])
        assert r.got.get("Holdfast-Session") == ordering.digest(SIX), f"{said} is malformed"


def test_proxy_headers_to_members():
    for version, read in (("v1", read_v1), ("v2", read_v2)):
        a = Told("a", read, address=here())
        p = on([a], service={"proxy_protocol": version})
        with p.client() as c:
            assert c.get().status == 200
            assert a.headers == [(SIX, c.sock.getsockname()[1])]
        p.stop()
        four = Told("b", read)
        p = on([four], service={"proxy_protocol": version})
        with p.client() as c:
            assert c.get().status == 200 and four.headers == [(SIX, c.sock.getsockname()[1])]


def test_proxy_headers_of_a_proxy():
    a, address = Origin("a"), here()
    p = Holdfast([a], address=address, top={"listeners": [{"address": text_of(address), "proxy_protocol": ["::/127"]}]})
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24" + socket.inet_pton(socket.AF_INET6, "2001:db8::7") + \
        socket.inet_pton(socket.AF_INET6, SIX) + b"\x12\x34\0\x50"
    for header, client in ((b"PROXY TCP6 2001:db8::7 ::1 4660 80\r\n", "[2001:db8::7]:4660"), (v2, "[2001:db8::7]:4660"),
                           (b"PROXY TCP4 192.0.2.7 192.0.2.1 4660 80\r\n", "192.0.2.7:4660")):
        with p.client() as c:
            c.send(header)
            assert c.get(f"/{len(header)}").status == 200
            assert p.wait_request(target=f"/{len(header)}")["client"] == client


# ---- administration -----------------------------------------------------------------------------


def test_admin_and_commands():
    a, admin = Origin("a"), here()
    p = on([a], top={"admin": {"address": text_of(admin)}})
    for where in (("--admin", text_of(admin)), ("-c", p.conf_path)):
        for command in (["status"], ["members"], ["drain", "a"], ["undrain", "a"], ["reload"]):
            code, out, err = holdfast.holdfast(command[0], *where, *command[1:])
            assert code == 0, (command, out, err)
    with holdfast.Client(admin) as c:
        assert c.get("/metrics", host="[::1]").status == 200
        assert c.get("/metrics", host="elsewhere.example").status in (403, 421)


def test_beyond_loopback_a_token_is_wanted():
    p = on([Origin("a")], top={"admin": {"address": f"[::]:{free_port(SIX)}"}}, start=False)
    code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert code == 2 and "needs admin.token" in err


def test_zones_are_refused_by_name():
    for address in ("[fe80::1%lo]:8080", "[fe80::1]:8080", "[::1%lo]:8080"):
        p = on([Origin("a")], top={"listeners": [{"address": address}]}, start=False)
        code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
        assert code == 2 and "link-local" in err and address in err, err


if __name__ == "__main__":
    holdfast.main()
