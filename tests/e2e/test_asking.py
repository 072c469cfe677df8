"""The commands that ask a running node: status, members, drain, undrain, maint, up, reload, verify."""

import json
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from admin import Admin, address_of, listening, port_of_all
from holdfast import CHECKED, HOST, UNCHECKED, Holdfast, Origin, answering, free_port, member, text_of, wait_until

KEYED = {"keys": ["header:X-Key"]}
TOKEN = "a-token-of-24-characters"


def ask(p, command, *rest, token_file=None, by_config=False):
    where = ["-c", p.conf_path] if by_config else ["--admin", text_of(address_of(p))]
    return holdfast.holdfast(command, *where, *(["--token-file", token_file] if token_file else []), *rest)


def good(p, command, *rest, **more):
    status, out, err = ask(p, command, *rest, **more)
    assert status == 0 and err == "", (status, err)
    return out


def table(text):
    """Rows of a printed table, by its heads; columns end where two blanks stand in all lines."""
    lines = text.rstrip("\n").split("\n")
    width = max(map(len, lines))
    lines = [line.ljust(width) for line in lines]
    gaps = [m.span() for m in re.finditer(r" {2,}", "".join(
        " " if all(line[i] == " " for line in lines) else "x" for i in range(width)).rstrip())]
    bounds = [0] + [end for _, end in gaps] + [width]
    cells = [[line[a:b].strip() for a, b in zip(bounds, bounds[1:])] for line in lines]
    return [dict(zip(cells[0], row)) for row in cells[1:]]


def file_with(text, mode=0o600):
    path = os.path.join(holdfast.folder(), "token")
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


# ---- status and members -------------------------------------------------------------------------


def test_status():
    p = Holdfast([Origin("a"), Origin("b"), Origin("c", probe=answering(500))], session=KEYED, health=CHECKED,
                 workers=2, top={**listening(), "node": "n1"})
    admin = Admin(p)
    p.wait_event("member_down", member="c")
    for n in range(10):
        p.once(fields=[("X-Key", f"k{n}")])
    admin.wait_total(10)
    for by_config in (False, True):
        out = good(p, "status", by_config=by_config)
        head, _, services = out.partition("\n\n")
        told = dict(line.split(None, 1) for line in head.split("\n"))
        assert told["node"] == f"n1, holdfast 0.1.0, process {p.pid}"
        assert told["clients"] == "0 connections, 2 workers" and p.conf_path in told["config"]
        row = table(services)[0]
        assert row["service"] == "shop" and row["members"] == "2 up, 1 down" and row["requests"] == "10"
        assert row["pool"] == admin.service()["pool"] and row["errors"] == "0"
        outcomes = admin.service()["requests"]["by_affinity"]
        assert all(row[name] == str(outcomes[name]) for name in ("new", "hit", "failover", "failback"))
        assert sum(outcomes.values()) == 10
    told = json.loads(good(p, "status", "--json"))
    live = admin.status()
    assert set(told) == set(live) and told["services"][0]["requests"] == live["services"][0]["requests"]


def test_members():
    services = [{"name": n, "hosts": [f"{n}.example"], "health": UNCHECKED,
                 "members": [member(Origin(i), zone="east", weight=2) for i in ids]} for n, ids in (("s1", "ab"), ("s2", "c"))]
    p = Holdfast([], services=services, top=listening())
    Admin(p).post("/members/b/maint")
    rows = table(good(p, "members"))
    assert [(r["service"], r["member"], r["state"], r["reason"]) for r in rows] == [
        ("s1", "a", "up", "none"), ("s1", "b", "maint", "maint"), ("s2", "c", "up", "none")]
    assert {r["zone"] for r in rows} == {"east"} and {r["weight"] for r in rows} == {"2"}
    assert rows[0]["origin"] == Admin(p).member("a", "s1")["origin"] and rows[0]["last check"] == "-"
    assert [r["member"] for r in table(good(p, "members", "--service", "s2"))] == ["c"]
    told = json.loads(good(p, "members", "--json"))
    assert [(m["service"], m["id"], m["state"]) for m in told] == [("s1", "a", "up"), ("s1", "b", "maint"), ("s2", "c", "up")]
    assert ask(p, "members", "--service", "s3") == (1, "", "holdfast members: --service: no such service\n")


# ---- steering -----------------------------------------------------------------------------------


def test_orders():
    p = Holdfast([Origin(i) for i in "ab"], top=listening())
    admin = Admin(p)
    for command, said, order in (("drain", "drain", "drain"), ("undrain", "up", None), ("maint", "maint", "maint"),
                                 ("up", "up", None)):
        for by_config in (False, True):
            assert good(p, command, "a", by_config=by_config) == f"a of shop: {said}, 0 requests in flight\n"
            assert admin.member("a")["order"] == order
    assert json.loads(good(p, "drain", "--json", "a")) == {"service": "shop", "member": "a", "order": "drain",
                                                           "state": "drain", "active": 0}
    p.wait_event("drain_done", member="a")
    where = text_of(admin.address)
    assert ask(p, "drain", "z") == (1, "", f"holdfast drain: {where}: 404: no such member\n")
    assert ask(p, "drain", "/../reload?x=%\n") == (1, "", f"holdfast drain: {where}: 404: no such member\n")
    good(p, "maint", "a")
    status, out, err = ask(p, "undrain", "a")
    assert status == 1 and out == "" and "409: it is in maintenance" in err
    assert not p.events("reload")


def test_orders_by_service():
    services = [{"name": n, "hosts": [f"{n}.example"], "health": UNCHECKED, "members": [member(Origin("a"))]}
                for n in ("s1", "s2")]
    p = Holdfast([], services=services, top=listening())
    status, out, err = ask(p, "drain", "a")
    assert status == 1 and "409: services s1 and s2 have such a member" in err
    assert good(p, "drain", "--service", "s2", "a") == "a of s2: drain, 0 requests in flight\n"
    assert Admin(p).member("a", "s1")["state"] == "up" and Admin(p).member("a", "s2")["state"] == "drain"


def test_reload():
    p = Holdfast([Origin("a")], top=listening())
    assert good(p, "reload") == "reloaded\n"
    assert json.loads(good(p, "reload", "--json", by_config=True)) == {"reloaded": True}
    p.wait_event("reload", count=2)
    with open(p.conf_path, "a") as f:
        f.write("workers = 9999;\n")
    status, out, err = ask(p, "reload")
    assert status == 1 and out == "" and "422" in err and "duplicate setting name" in err
    p.wait_event("reload_refused")


def test_what_a_node_says_is_shown_as_it_is():
    """Quotes of a finding stay quotes; what a terminal would obey does not reach it."""
    p = Holdfast([Origin("a")], top=listening())
    with open(p.conf_path) as f:
        text = f.read()
    with open(p.conf_path, "w") as f:
        f.write(re.sub('stop = "[^"]*"', lambda _: 'stop = "never\x1b[2J"', text))
    status, out, err = ask(p, "reload")
    assert status == 1 and out == "" and 'stop = "never' in err and err.count("\n") == 1, err
    assert "\x1b" not in err, err


# ---- who asks -----------------------------------------------------------------------------------


def test_tokens():
    path = file_with(TOKEN + "\n")
    p = Holdfast([Origin("a")], top=listening(token_file=path))
    where = text_of(address_of(p))
    assert ask(p, "status") == (
        2, "", f"holdfast status: {where}: 401: a token is wanted: Authorization: Bearer TOKEN\n")
    assert "n" in good(p, "status", token_file=path)
    assert good(p, "drain", "a", token_file=path).startswith("a of shop: drain")
    assert good(p, "up", "a", by_config=True).startswith("a of shop: up"), "the configuration names the file"
    other = file_with("another-token-of-some-length\n")
    assert ask(p, "status", token_file=other) == (2, "", f"holdfast status: {where}: 401: this is not the token\n")
    status, _, err = ask(p, "status", token_file="/nonexistent")
    assert status == 2 and err == "holdfast status: --token-file: /nonexistent: No such file or directory\n"
    status, _, err = ask(p, "status", token_file=file_with("two lines\nof text\n"))
    assert status == 2 and "not one line of printable ASCII" in err


def test_by_name():
    """A name is asked for with its Host; only known ones are let in."""
    port = port_of_all()
    p = Holdfast([Origin("a")], top=listening(("127.0.0.1", port)))
    status, out, _ = holdfast.holdfast("status", "--admin", f"localhost:{port}")
    if status == 1:  # localhost is ::1 here
        return
    assert status == 0 and "holdfast 0.1.0" in out
    p.stop()


def test_an_address_that_is_all_addresses():
    """Who listens on 0.0.0.0 is asked on 127.0.0.1."""
    port = port_of_all()
    p = Holdfast([Origin("a")], top=listening(("0.0.0.0", port), token=TOKEN))
    assert f"process {p.pid}" in good(p, "status", by_config=True)


def test_nobody_answers():
    address = (HOST, free_port())
    for command in ("status", "members", "drain", "reload"):
        rest = ["a"] if command == "drain" else []
        status, out, err = holdfast.holdfast(command, "--admin", text_of(address), *rest)
        assert (status, out) == (1, "") and err == f"holdfast {command}: {text_of(address)}: Connection refused\n"


def serve_once(answers):
    """A server that is no Holdfast: sends these bytes to one connection after the other, and closes."""
    listener = socket.socket()
    listener.bind((HOST, free_port()))
    listener.listen(8)

    def serve():
        for data in answers:
            s, _ = listener.accept()
            s.recv(65536)
            s.sendall(data)
            s.close()
    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_something_else_answers():
    heads = b"HTTP/1.1 200 OK\r\nContent-Length: "
    other = "what answers there is not Holdfast"
    cases = [(b"", "closed without an answer"), (b"SSH-2.0-x\r\n\r\n", other), (b"SSH-2.0-x\r\n", "closed without an answer"), (b"HTTP/1.1 200 OK\r\n\r\n{}", other),
             (heads + b"5\r\n\r\nhello", other), (heads + b"50\r\n\r\n{}", "closed without an answer"),
             (b"HTTP/1.1 200 O", "closed without an answer"), (heads + b"2\r\n\r\n[]", None),
             (b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}", "500: no reason was given"),
             (b'HTTP/1.1 404 X\r\nContent-Length: 28\r\n\r\n{"error":"\\u001b[31m\\u0007"}', r"404: \x1b[31m\x07")]
    listener = serve_once([data for data, _ in cases])
    where = text_of(listener.getsockname())
    for data, said in cases:
        status, out, err = holdfast.holdfast("status", "--admin", where)
        if said is None:
            assert status == 0 and "-, holdfast -" in out, "JSON of another shape is shown as it is: empty"
        else:
            assert (status, out, err) == (1, "", f"holdfast status: {where}: {said}\n"), data
    listener.close()


def test_usage():
    p = Holdfast([Origin("a")], start=False)
    for argv, said in ((["status", "x"], "takes no operands"), (["members", "x"], "add, set, weight, drain, maint, undrain, up, remove, rank, publish or readmit is wanted"),
                       (["drain"], "one member's ID is wanted"), (["up", "a", "b"], "one member's ID is wanted"),
                       (["maint", ""], "one member's ID is wanted"), (["reload", "x"], "takes no operands"),
                       (["verify", "127.0.0.1:1"], "two nodes or more are wanted"),
                       (["verify", "--samples", "0", "a:1", "b:1"], "--samples: 1 to 10000 are wanted"),
                       (["status", "--admin", "nowhere"], "HOST:PORT is wanted"),
                       (["status", "--admin", "[::1"], "HOST:PORT is wanted"),
                       (["status", "--admin", "a b:1"], "HOST:PORT is wanted"),
                       (["status", "--admin", "127.0.0.1:65537"], "the port is no number from 1 to 65535"),
                       (["status", "--admin", "localhost:0"], "the port is no number from 1 to 65535"),
                       (["verify", "127.0.0.1:x", "127.0.0.1:1"], "the port is no number from 1 to 65535"),
                       (["status", "-c", p.conf_path], "has no admin.address"),
                       (["status", "-c", p.conf_path, "--admin", "127.0.0.1:1"], "not both")):
        status, out, err = holdfast.holdfast(*argv)
        assert status == 2 and out == "" and said in err and err.count("\n") == 1, (argv, err)


# ---- verify -------------------------------------------------------------------------------------


def pair(first, second, **more):
    return [Holdfast(m, session=KEYED, top=listening(), **more) for m in (first, second)]


def verify(nodes, *rest):
    return holdfast.holdfast("verify", *rest, *[text_of(address_of(p)) for p in nodes])


def test_nodes_that_agree():
    """Addresses, order and states may differ: the ordering is of ids, weights and zones."""
    origins = [Origin(i) for i in "abc"]
    others = [Origin(i) for i in "cab"]
    nodes = pair(origins, others)
    Admin(nodes[0]).post("/members/a/maint")
    assert verify(nodes) == (0, "the same: 2 nodes\n", "")
    assert verify(nodes + [nodes[0]]) == (0, "the same: 3 nodes\n", "")
    status, out, _ = verify(nodes, "--json", "--samples", "3")
    told = json.loads(out)
    answers = told.pop("answers")
    assert status == 0 and told == {"nodes": [text_of(address_of(p)) for p in nodes], "same": True,
                                    "differences": [], "not_shown": 0}
    version = json.loads(holdfast.holdfast("version", "--json")[1])
    assert answers == [{"version": version["version"], "ordering_version": version["ordering"], "tag_version": version["tag"],
                        "epoch": 0}] * 2


def test_nodes_whose_members_differ():
    a, b, c, d = (Origin(i) for i in "abcd")
    nodes = pair([member(a, weight=2), member(b, zone="east"), c], [a, b, d])
    one, other = (text_of(address_of(p)) for p in nodes)
    status, out, err = verify(nodes, "--samples", "64")
    lines = out.rstrip("\n").split("\n")
    assert status == 1 and err == ""
    assert re.fullmatch(f"shop: pool [0-9a-f]{{16}} at {one}, [0-9a-f]{{16}} at {other}", lines[0])
    assert set(lines[1:5]) == {f"shop: member a: weight 2 at {one}, 1 at {other}",
                               f"shop: member b: zone east at {one}, - at {other}",
                               f"shop: member c is at {one}, not at {other}",
                               f"shop: member d is at {other}, not at {one}"}
    assert len(lines) > 5 and all(re.fullmatch(r"shop: key sample-\d+: rank \d is [abcd] at .*", l) for l in lines[5:])
    told = json.loads(verify(nodes, "--json")[1])
    assert not told["same"] and [d["kind"] for d in told["differences"]][:5] == ["pool"] + ["member"] * 4


def test_nodes_whose_pool_keys_differ():
    """The same members, but each digests a key in its own way."""
    origins = [Origin(i) for i in "abc"]
    key = file_with("0" * 32)
    nodes = [Holdfast(origins, session=KEYED, top=listening()),
             Holdfast(origins, session={**KEYED, "pool_key": key}, top=listening())]
    status, out, _ = verify(nodes, "--samples", "4")
    one, other = (text_of(address_of(p)) for p in nodes)
    assert status == 1 and len(out.rstrip("\n").split("\n")) == 4
    assert f"shop: key sample-0 has digest {ordering.digest('sample-0')} at {one}, " in out
    assert "their pool keys differ" in out


def test_nodes_whose_services_differ():
    def services(*names):
        return [{"name": n, "hosts": [f"{n}.example"], "health": UNCHECKED, "members": [member(("a", "127.0.0.1:1"))]}
                for n in names]
    nodes = [Holdfast([], services=services(*names), top=listening()) for names in (("s1", "s2"), ("s2", "s3"))]
    one, other = (text_of(address_of(p)) for p in nodes)
    status, out, _ = verify(nodes)
    assert status == 1 and set(out.rstrip("\n").split("\n")) == {f"s1: service s1 is at {one}, not at {other}",
                                                                 f"s3: service s3 is at {other}, not at {one}"}
    assert verify(nodes, "--service", "s2") == (0, "the same: 2 nodes\n", "")
    assert verify(nodes, "--service", "s3")[0] == 1
    assert verify(nodes, "--service", "s4") == (1, "", "holdfast verify: --service: no such service\n")


def test_verify_with_tokens():
    path = file_with(TOKEN + "\n")
    nodes = [Holdfast([Origin("a")], top=listening(token=TOKEN)) for _ in range(2)]
    assert verify(nodes)[0] == 2
    assert verify(nodes, "--token-file", path) == (0, "the same: 2 nodes\n", "")
    nodes[1].stop()
    status, out, err = verify(nodes, "--token-file", path)
    assert (status, err) == (1, "") and out == f"{text_of(address_of(nodes[1]))}: Connection refused\n"


def test_a_thousand_members():
    """Everything works at that size; how long it takes is for the bench."""
    members = [member((f"m{n}", f"127.{1 + n // 250}.{n % 250}.1:9001"), weight=1 + n % 3) for n in range(1000)]
    nodes = [Holdfast(members, session=KEYED, top=listening()) for _ in range(2)]
    assert table(good(nodes[0], "status").partition("\n\n")[2])[0]["members"] == "1000 up"
    assert len(table(good(nodes[0], "members"))) == 1000
    assert good(nodes[0], "maint", "m999") == "m999 of shop: maint, 0 requests in flight\n"
    assert table(good(nodes[0], "status").partition("\n\n")[2])[0]["members"] == "999 up, 1 maint"
    assert verify(nodes) == (0, "the same: 2 nodes\n", "")
    m = Admin(nodes[0]).metrics()
    assert m.total("holdfast_member_operational") == 999 and len(m.all("holdfast_member_state")) == 1000


if __name__ == "__main__":
    holdfast.main()
