"""`holdfast what-if --log`: which sessions of real access logs a change would move; held against what happens when it is made."""

import datetime
import gzip
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import Browser, Holdfast, Origin, libconfig, member, text_of, wait_until

KEYED = {"keys": ["header:X-Key"], "tag": {"cookie": "HF"}}


def what_if(p, *argv, **more):
    return holdfast.holdfast("what-if", "-c", p.conf_path, *argv, **more)


def told(p, *argv, status=0, **more):
    got, out, err = what_if(p, "--json", *argv, **more)
    assert (got, err) == (status, ""), (got, out, err)
    return json.loads(out)


def one(p, *argv, **more):
    service, = told(p, *argv, **more)["services"]
    return service


def moves(service):
    return {m["session"]: (m["from"], m["to"]) for m in service["moves"]}


def write(name, text, mode="w"):
    path = os.path.join(holdfast.folder(), name)
    with (gzip.open(path, "wt") if name.endswith(".gz") else open(path, mode)) as f:
        f.write(text)
    return path


def logged(p, count):
    """The access log's lines, when there are so many."""
    wait_until(lambda: len(p.requests()) >= count, f"{count} requests in the access log")
    with open(p.access_path) as f:
        return f.read()


def rewritten(p, members):
    """The same configuration with other members."""
    service = {**p.conf["services"][0], "members": members}
    return write("changed.conf", "".join(f"{k} = {libconfig(v)};\n" for k, v in {**p.conf, "services": [service]}.items()
                                         if v is not None))


def chosen(path, key):
    return json.loads(holdfast.holdfast("explain", "-c", path, "--json", key)[1])["chosen"]


KEYS = [f"key-{n}" for n in range(60)]


def untagged(ids="abc", keys=KEYS):
    """A log of clients that send their key twice each, and never a tag."""
    p = Holdfast([Origin(i) for i in ids], session=KEYED)
    for key in keys * 2:
        p.once(fields=[("X-Key", key)])
    logged(p, 2 * len(keys))
    return p


def test_who_would_move_is_who_moves():
    """Clients without tags: the answer is that of a configuration in which the change was made."""
    p = untagged()
    changed = rewritten(p, p.conf["services"][0]["members"] + [{"id": "f", "origin": f"{holdfast.HOST}:1"}])
    expected = {}
    for key in KEYS:
        before, after = chosen(p.conf_path, key), chosen(changed, key)
        if before != after:
            expected[ordering.digest(key)[:8]] = (before, after)
    s = one(p, "--add", "f", "--log", p.access_path)
    assert s["sessions"] == s["untagged"] == len(KEYS)
    assert moves(s) == expected and s["moved"] == s["moved_by_key"] == len(expected) > 5
    assert all(to == "f" for _, to in expected.values())
    assert {m["member"]: m["after"] for m in s["members"]}["f"] == len(expected)
    assert sum(pair["sessions"] for pair in s["pairs"]) == len(expected)


def test_sessions_that_hold_tags_stay():
    """Whoever sends its tag is not moved by one server more; only who lived at one that leaves is, and where he then goes."""
    p = Holdfast([Origin(i) for i in "abc"], session={"tag": {"cookie": "HF"}, "assign": "round_robin"})
    browsers = [Browser(p.address) for _ in range(30)]
    homes = []
    for b in browsers:
        homes.append(b.get("/").json["id"])
        assert b.get("/").json["id"] == homes[-1]
    logged(p, 60)
    s = one(p, "--add", "f", "--log", p.access_path)
    assert s["sessions"] == 30 and s["untagged"] == s["moved"] == 0 and s["moves"] == []
    assert s["moved_by_key"] > 0
    assert {m["member"]: m["before"] for m in s["members"]} == {i: homes.count(i) for i in "abc"} | {"f": 0}
    s = one(p, "--remove", "b", "--log", p.access_path)
    assert s["moved"] == homes.count("b") == 10 and {f for f, _ in moves(s).values()} == {"b"}
    # the same sessions, moved by the real thing
    expected = moves(s)
    with open(rewritten(p, [m for m in p.conf["services"][0]["members"] if m["id"] != "b"])) as f, open(p.conf_path, "w") as to:
        to.write(f.read())
    p.signal(1)
    p.wait_event("reload")
    seen = {}
    for b, home in zip(browsers, homes):
        r = b.get("/")
        if home == "b":
            seen[r.got.all("Holdfast-Session")[0][:8]] = r.json["id"]
    assert seen == {session: to for session, (_, to) in expected.items()}


def test_where_a_session_was_served_last_counts():
    """failback = stay: after a failover it lives at its backup, and that is who may leave."""
    origins = {i: Origin(i) for i in "abc"}
    p = Holdfast(list(origins.values()), session={"tag": {"cookie": "HF"}, "failback": "stay"})
    b = Browser(p.address)
    home = b.get("/").json["id"]
    origins[home].go()
    heir = b.get("/").json["id"]
    origins[home].come_back()
    logged(p, 2)
    assert heir != home
    assert one(p, "--remove", home, "--log", p.access_path)["moved"] == 0
    s = one(p, "--down", heir, "--log", p.access_path)
    assert list(moves(s).values()) == [(heir, home)]


def test_since():
    p = untagged(keys=KEYS[:6])
    with open(p.access_path) as f:
        lines = [json.loads(line) for line in f]
    now = datetime.datetime.now(datetime.timezone.utc)
    for n, line in enumerate(lines):
        line["ts"] = (now - datetime.timedelta(minutes=90 if line["session"] == lines[0]["session"] else 10)).strftime(
            "%Y-%m-%dT%H:%M:%S.000Z")
    path = write("access.log", "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    t = told(p, "--add", "f", "--since", "1h", "--log", path)
    assert t["services"][0]["sessions"] == 5 and t["lines"]["from_before"] == 2 and t["lines"]["read"] == 12
    assert told(p, "--add", "f", "--since", "2h", "--log", path)["services"][0]["sessions"] == 6
    assert told(p, "--add", "f", "--since", "2999-01-01", "--log", path)["services"][0]["sessions"] == 0
    assert what_if(p, "--add", "f", "--since", "yesterday", "--log", path)[0] == 2


def test_several_files_packed_ones_and_standard_input():
    """The sequence of the files does not matter: the last line by its time counts."""
    p = Holdfast([Origin(i) for i in "abc"], session={"tag": {"cookie": "HF"}})
    b = Browser(p.address)
    for _ in range(3):
        b.get("/")
    for key in KEYS[:10]:
        p.once()
    lines = logged(p, 13).splitlines(keepends=True)
    whole = told(p, "--remove", "a", "--log", p.access_path)
    parts = [write("access.log", "".join(lines[9:])), write("access.log.1", "".join(lines[4:9])),
             write("access.log.2.gz", "".join(lines[:4]))]
    assert told(p, "--remove", "a", "--log", *parts) == whole
    assert told(p, "--remove", "a", *(word for path in reversed(parts) for word in ("--log", path))) == whole
    assert told(p, "--remove", "a", "--log", "-", input="".join(lines)) == whole
    assert whole["lines"]["read"] == 13 and whole["services"][0]["sessions"] == 11


def test_many_sessions():
    """Each once, however many there are; where they go is what a second implementation says."""
    p = Holdfast([Origin(i, start=False) for i in "abc"], start=False, session=KEYED)
    digests = [os.urandom(16) for _ in range(5000)]
    lines = [json.dumps({"ts": "2026-01-31T12:00:00.250Z", "service": "shop", "affinity": "new", "session": d.hex()[:8], "member": None,
                         "primary": None, "point": f"{ordering.naive.xxh3(d):016x}"}) for d in digests]
    s = one(p, "--add", "f", "--all", "--log", write("access.log", "\n".join(lines * 2)))
    assert s["sessions"] == s["untagged"] == 5000 and len(s["moves"]) == s["moved"]
    found = moves(s)
    for d in digests[:300]:
        before, after = (ordering.order(list(ids), d.hex())[0] for ids in ("abc", "abcf"))
        assert found.get(d.hex()[:8], (before, before)) == (before, after)


def test_lines_that_are_cut_or_foreign():
    p = untagged(keys=KEYS[:5])
    text = logged(p, 10)
    whole = told(p, "--add", "f", "--log", p.access_path)
    other = json.dumps({**json.loads(text.splitlines()[0]), "service": "other"})
    old = json.loads(text.splitlines()[0])
    del old["point"]
    extra = "\n".join(["", "{", "not json", text[:100], "x" * 20000, "[]", other, json.dumps(old), text.splitlines()[0][:-30]])
    path = write("access.log", text + extra)
    t = told(p, "--add", "f", "--log", path)
    assert t["services"] == whole["services"]
    assert t["lines"] == {"read": 10 + 9, "unreadable": 7, "from_before": 0, "of_other_services": 1, "without_a_point": 1,
                          "of_sessions_left_out": 0}
    status, out, _ = what_if(p, "--add", "f", "--log", path)
    assert status == 0 and out.startswith("lines     19 read, 7 unreadable, 0 from before, 1 of other services, 1 without a point\n")


def test_a_packed_file_that_is_cut():
    p = untagged(keys=KEYS[:50])
    path = write("access.log.gz", logged(p, 100))
    with open(path, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(data[:len(data) // 2])
    status, out, err = what_if(p, "--json", "--add", "f", "--log", path)
    assert status == 0 and err == f"holdfast what-if: {path}: damaged or cut: what stands before that was read\n"
    assert 0 < json.loads(out)["services"][0]["sessions"] < 50


def test_what_is_no_access_log():
    p = Holdfast([Origin("a")], start=False)
    for text in ("127.0.0.1 - - [31/Jan/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\" new done a 1a2b3c4d 1.500\n", "{}\n", "\x1b[31m\n"):
        status, out, err = what_if(p, "--add", "f", "--log", write("access.log", text))
        assert (status, out) == (2, "") and "no line is one of an access log in JSON" in err
    status, out, err = what_if(p, "--add", "f", "--log", "/nowhere/access.log")
    assert (status, out) == (2, "") and "No such file" in err
    assert told(p, "--add", "f", "--log", "/dev/null")["services"][0]["sessions"] == 0


def test_a_bounded_list():
    p = untagged(keys=[f"more-{n}" for n in range(150)])
    status, out, err = what_if(p, "--remove", "a,b", "--log", p.access_path)
    listed = re.findall(r"^[0-9a-f]{8}\t[ab]\tc$", out, re.M)
    moved = int(re.search(r"^moved     (\d+) of 150 sessions: ", out, re.M)[1])
    assert (status, err) == (0, "") and moved < 150
    if moved > 100:  # two thirds of them live at a and b
        assert len(listed) == 100 and f"{moved - 100} more; --all names them\n" in out
    assert moved > 60
    everything = what_if(p, "--remove", "a,b", "--all", "--log", p.access_path)[1]
    assert len(re.findall(r"^[0-9a-f]{8}\t[ab]\tc$", everything, re.M)) == moved and "more; --all" not in everything
    summary = what_if(p, "--remove", "a,b", "--summary", "--log", p.access_path)[1]
    assert not re.search(r"^[0-9a-f]{8}\t", summary, re.M) and f"moved     {moved} of 150 sessions" in summary


def test_by_service():
    """Without --service each to which the change can be made."""
    services = [{"name": n, "hosts": [f"{n}.example"], "session": KEYED, "health": {"enabled": False},
                 "members": [member(Origin(i)) for i in ids]} for n, ids in (("s1", "ab"), ("s2", "bc"), ("s3", "cd"))]
    p = Holdfast([], services=services)
    for n in ("s1", "s2", "s3"):
        for key in KEYS[:20] * 2:
            p.once(host=f"{n}.example", fields=[("X-Key", key)])
    logged(p, 120)
    t = told(p, "--remove", "b", "--log", p.access_path)
    assert [s["service"] for s in t["services"]] == ["s1", "s2"] and t["lines"]["of_other_services"] == 40
    assert [s["sessions"] for s in t["services"]] == [20, 20]
    assert all({f for f, _ in moves(s).values()} == {"b"} for s in t["services"])
    s, = told(p, "--remove", "b", "--service", "s2", "--log", p.access_path)["services"]
    assert s == t["services"][1]
    status, out, err = what_if(p, "--remove", "x", "--log", p.access_path)
    assert (status, out) == (2, "") and "has no member x" in err
    assert what_if(p, "--remove", "b", "--service", "s3", "--log", p.access_path)[0] == 2


def test_served_by_nobody():
    p = untagged("a", KEYS[:3])
    s = one(p, "--down", "a", "--log", p.access_path, status=1)
    assert s["moved"] == 3 and {to for _, to in moves(s).values()} == {None}


def test_no_key_stands_in_the_log():
    p = untagged(keys=KEYS[:3])
    text = logged(p, 6)
    for key in KEYS[:3]:
        assert key not in text and ordering.digest(key) not in text and ordering.digest(key)[:16] not in text
    points = {line["point"] for line in p.requests()}
    assert points == {f"{ordering.naive.xxh3(bytes.fromhex(ordering.digest(key))):016x}" for key in KEYS[:3]}


def test_usage():
    p = Holdfast([Origin("a")], start=False)
    for argv, text in ((["--add", "f", "--since", "1h", "keys"], "--since and --all go with --log"),
                       (["--add", "f", "--tagged", "--log", "x"], "--tagged: the log tells who holds a tag"),
                       (["--log", "x"], "--add, --remove, --weight or --down is wanted"),
                       (["--add", "f", "--service", "s9", "--log", "/dev/null"], "--service: no such service")):
        status, out, err = what_if(p, *argv)
        assert (status, out) == (2, "") and text in err, (argv, err)


if __name__ == "__main__":
    holdfast.main()
