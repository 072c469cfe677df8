"""The commands that need no running node: help, JSON, exit statuses."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import ordering
from holdfast import ROOT, Holdfast, Origin

DEMO = os.path.join(ROOT, "conf", "demo.conf")


def run(*argv, input=""):
    return holdfast.holdfast(*argv, input=input)


def write(name, text):
    path = os.path.join(holdfast.folder(), name)
    with open(path, "w") as f:
        f.write(text)
    return path


def commands():
    status, out, err = run("help")
    assert status == 0 and not err
    names = re.findall(r"^  holdfast (\S+) ", out, re.M)
    assert {"run", "check", "explain", "tail", "version"} <= set(names), out
    return names


def refused(*argv):
    """What it says: one line on stderr, nothing on stdout, exit status 2."""
    status, out, err = run(*argv)
    assert status == 2 and not out and len(err.splitlines()) == 1, (argv, status, out, err)
    return err


# ---- help ---------------------------------------------------------------------------------------


def test_every_command_has_help():
    for name in commands():
        texts = [run(name, "--help"), run(name, "-h"), run("help", name)]
        assert len(set(texts)) == 1, texts
        status, out, err = texts[0]
        assert status == 0 and not err and f"\nusage: holdfast {name} " in out, out
        assert f"\n  2  usage or configuration\n" in out, out


def test_every_command_refuses_unknown_options():
    for name in commands():
        assert refused(name, "--frobnicate").startswith(f"holdfast {name}: --frobnicate: unknown option")


def test_unknown_commands():
    for argv in ([], ["frobnicate"], ["help", "frobnicate"], ["help", "run", "check"]):
        assert refused(*argv).startswith("holdfast: ")
    assert run("--help") == run("-h") == run("help")


def test_help_wins_over_what_is_missing():
    status, out, _ = run("explain", "--json", "--help", "--frobnicate")
    assert status == 0 and out == run("help", "explain")[1]
    assert run("explain", "-c", DEMO, "--", "--help")[0] == 0  # a key


# ---- JSON ---------------------------------------------------------------------------------------


def test_version_in_json():
    text = run("version")[1].split()[1]
    assert json.loads(run("version", "--json")[1])["version"] == text
    assert run("--version")[1] == run("version")[1]


def test_check_in_json():
    status, out, err = run("check", "--json", "-c", DEMO)
    found = json.loads(out)
    assert status == 0 and not err
    assert found["ok"] and found["findings"] == [] and found["members"] == 3, found


def test_findings_in_json_are_those_of_the_text():
    path = write("bad.conf", """listeners = ( { address = "127.0.0.1"; } );
workerz = "caf\\xe9 \\x01";
services = ( { name = "shop"; members = ( { id = "a"; origin = "127.0.0.1:9001"; },
                                          { id = "b"; origin = "127.0.0.1:9001"; } ); } );
""")
    status, _, text = run("check", "-c", path)
    assert status == 2
    status, out, err = run("check", "-c", path, "--json")
    assert status == 2 and not err
    found = json.loads(out)
    assert not found["ok"] and found["file"] == path and found["not_shown"] == 0
    lines = []
    for f in found["findings"]:
        assert f["severity"] in ("error", "warning")
        warning = "warning: " if f["severity"] == "warning" else ""
        value = f" = {f['value']}" if f["value"] else ""
        lines.append(f"{f['file']}:{f['line']}: {warning}{f['path']}{value}: {f['reason']}")
    assert lines == text.splitlines() and len(lines) == 3, (lines, text)


def test_check_in_json_of_what_is_not_there():
    status, out, err = run("check", "--json", "-c", "/nonexistent/x.conf")
    found = json.loads(out)
    assert status == 2 and not err and not found["ok"]
    assert "No such file" in found["findings"][0]["reason"], found


def test_keys_in_json():
    keys = "alice\nbob \"x\"\n\xe9\n"
    status, out, _ = run("explain", "-c", DEMO, "--keys-file", "-", input=keys)
    assert status == 0
    status, lines, _ = run("explain", "-c", DEMO, "--keys-file", "-", "--json", input=keys)
    assert status == 0
    text = [line.split("\t")[1:] for line in out.splitlines()]
    found = [json.loads(line) for line in lines.splitlines()]
    assert [[f["digest"], f["primary"], f["chosen"]] for f in found] == text and len(text) == 3
    assert [f["key"] for f in found[:2]] == ["alice", "bob \"x\""]
    status, out, _ = run("explain", "-c", DEMO, "--keys-file", "-", "--json", "--down", "a,b,c", input="k\n")
    assert status == 1 and json.loads(out)["chosen"] is None


# ---- what-if ------------------------------------------------------------------------------------


def service(members, **more):
    """A configuration of one service. members: id to (weight, zone)."""
    lines = ",\n".join(f'{{ id = "{i}"; origin = "127.0.0.1:{9000 + n}"; weight = {w};'
                       + (f' zone = "{z}";' if z else "") + " }" for n, (i, (w, z)) in enumerate(members.items()))
    words = "".join(f"{k} = {v}; " for k, v in more.items())
    return write(f"{len(members)}.conf", f"""listeners = ( {{ address = "127.0.0.1:8080"; }} );
services = ( {{ name = "shop"; session = {{ keys = [ "cookie:SID" ]; {words}}};
  members = ( {lines} ); }} );
""")


KEYS = [f"key {n} \xe9" for n in range(3000)]
SHOP = {"a": (1, ""), "b": (2, ""), "c": (3, "z"), "d": (1, "z")}


def chosen(path, *words):
    """Who serves each key, by explain."""
    _, out, err = run("explain", "-c", path, "--keys-file", "-", "--json", *words, input="\n".join(KEYS))
    assert not err
    return [json.loads(line)["chosen"] for line in out.splitlines()]


def what_if(path, *words, status=0):
    got, out, err = run("what-if", "-c", path, "--json", *words, "-", input="\n".join(KEYS))
    assert got == status and not err, (got, err)
    return json.loads(out)


def assert_counts(found, before, after):
    """The answer's lists and counts are those of these two lists of members."""
    assert found["keys"] == len(before) == len(after)
    assert [(m["from"], m["to"]) for m in found["moves"]] == [(a, b) for a, b in zip(before, after) if a != b]
    pairs = {}
    for a, b in zip(before, after):
        if a != b:
            pairs[a, b] = pairs.get((a, b), 0) + 1
    assert {(p["from"], p["to"]): p["keys"] for p in found["pairs"]} == pairs
    assert [p["keys"] for p in found["pairs"]] == sorted(pairs.values(), reverse=True)
    for m in found["members"]:
        assert m["before"]["keys"] == before.count(m["member"]), m
        assert m["after"]["keys"] == after.count(m["member"]), m
    assert sum(m["after"]["keys"] for m in found["members"]) == found["keys"]


def assert_near(counts, keys):
    """A count is what it was expected to be, within five standard deviations."""
    want = counts["expected"] * keys
    assert abs(counts["keys"] - want) <= 5 * max(want * (1 - counts["expected"]), 1) ** 0.5, counts


def test_what_if_is_explain_twice():
    path = service(SHOP)
    for words, members in ((["--add", "e:2:z"], {**SHOP, "e": (2, "z")}),
                           (["--remove", "b"], {i: m for i, m in SHOP.items() if i != "b"}),
                           (["--weight", "a=5", "--weight=c=0"], {**SHOP, "a": (5, ""), "c": (0, "z")}),
                           (["--remove", "a,b", "--add", "x", "--add", "b:4"],
                            {"c": (3, "z"), "d": (1, "z"), "x": (1, ""), "b": (4, "")})):
        before, after = chosen(path), chosen(service(members))
        found = what_if(path, *words)
        assert_counts(found, before, after)
        assert found["moved"]["keys"] == len(found["moves"]) > 0
        assert_near(found["moved"], len(KEYS))
        for m in found["members"]:
            assert_near(m["before"], len(KEYS))
            assert_near(m["after"], len(KEYS))
        gone = [i for i in SHOP if i not in members]
        assert found["tagged"]["keys"] == sum(before.count(i) for i in gone)
        assert_near(found["tagged"], len(KEYS))


def test_what_if_members_are_down():
    for more in ({}, {"spread": '"zone"'}, {"strict": 503}):
        path = service(SHOP, **more)
        found = what_if(path, "--down", "c,a", status=1 if "strict" in more else 0)
        before, after = chosen(path), chosen(path, "--down", "c,a")
        assert_counts(found, before, after)
        assert found["tagged"] == found["moved"]
        assert_near(found["moved"], len(KEYS))
        if "spread" not in more:
            for m in found["members"]:
                assert m["member"] is None or m["member"] in "bd" or m["after"]["keys"] == 0
                if m["member"] is not None:
                    assert_near(m["after"], len(KEYS))
    assert found["pool_before"] == found["pool_after"]


def test_what_if_nobody_is_left():
    path = service(SHOP)
    for words in (["--down", "a,b,c,d"], ["--remove", "a,b,c,d"]):
        found = what_if(path, *words, status=1)
        assert {m["to"] for m in found["moves"]} == {None} and len(found["moves"]) == len(KEYS)
        assert found["moved"]["expected"] == found["tagged"]["expected"] == 1


def test_what_if_with_tags():
    """Who holds a tag moves only when his member is lost."""
    path = service(SHOP)
    found = what_if(path, "--tagged", "--add", "e:9", "--down", "b", "--weight", "a=7")
    before = chosen(path)
    assert {m["from"] for m in found["moves"]} == {"b"}
    assert found["tagged"]["keys"] == len(found["moves"]) == before.count("b") < found["moved"]["keys"]


def test_what_if_as_text():
    path = service(SHOP)
    found = what_if(path, "--add", "e")
    status, out, err = run("what-if", "-c", path, "--add", "e", "-", input="\n".join(KEYS))
    assert status == 0 and not err
    moves, summary, members, pairs = out.split("\n\n")
    moves = [line.split("\t") for line in moves.splitlines()]
    assert [tuple(m[1:]) for m in moves] == [(m["from"], m["to"]) for m in found["moves"]]
    assert moves[0][0].endswith("\\xc3\\xa9"), moves[0]
    assert f"moved     {len(moves)} of {len(KEYS)} keys:" in summary
    for m in found["members"]:
        row = f"{m['member']} +{m['before']['keys']} .* {m['after']['keys']} "
        assert re.search(f"^{row}", members, re.M), (row, members)
    assert len(pairs.splitlines()) == 1 + len(found["pairs"])
    status, out, err = run("what-if", "-c", path, "--add", "e", "--summary", "-", input="\n".join(KEYS))
    assert status == 0 and out == "\n\n".join([summary, members, pairs])


def test_what_if_refuses():
    path = service(SHOP)
    keys = write("keys", "one\n\n")
    for words, error in ((["k"], "--add, --remove, --weight or --down is wanted"),
                         (["--add", "e"], "one KEYS-FILE is wanted, - for standard input"),
                         (["--add", "e", keys, keys], "one KEYS-FILE is wanted, - for standard input"),
                         (["--add", "a", keys], "--add: service shop has a member a already"),
                         (["--down", "z", keys], "--down: service shop has no member z"),
                         (["--remove", "a", "--down", "a", keys], "--down: service shop has no member a"),
                         (["--add", "e", "/nowhere/keys"], "/nowhere/keys: No such file or directory"),
                         (["--service", "x", "--add", "e", keys], "--service: no such service")):
        assert refused("what-if", "-c", path, *words) == f"holdfast what-if: {error}\n", words
    status, _, err = run("what-if", "-c", path, "--add", "e", keys)
    assert status == 2 and err == f"holdfast what-if: {keys}:2: a key has 1 to 4096 bytes\n"


def test_what_if_takes_no_more_memory_for_more_keys():
    path = service(SHOP)
    most = []
    for count in (1000, 200000):
        keys = write("many", "".join(f"key-{n}\n" for n in range(count)))
        argv = [sys.executable, "-c", "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
                "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                holdfast.binary(), "what-if", "-c", path, "--add", "e", keys]
        most.append(int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout))
    # What a sanitizer keeps of what was freed is its own.
    assert most[1] < most[0] + (16384 if holdfast.sanitizer() else 1024), f"{most} KiB"


# ---- tag ----------------------------------------------------------------------------------------


def tag(p, value, *words):
    status, out, err = run("tag", "-c", p.conf_path, "--json", *words, "-", input=value + "\n")
    assert not err, err
    found = json.loads(out)
    assert found["valid"] == (status == 0) and status in (0, 1), (status, found)
    return found


def rejection(p, value, *words):
    found = tag(p, value, *words)
    assert not found["valid"]
    return found["reason"]


def test_tag_of_a_session_and_of_its_failover():
    origins = [Origin(i) for i in "abc"]
    p = Holdfast(origins, session={"keys": ["header:X-Key"]})
    order = ordering.order("abc", ordering.digest("k1"))
    b = p.browser(fields=[("X-Key", "k1")])
    assert b.get().id == order[0]
    found = tag(p, b.cookies["HOLDFAST"], "--key", "k1")
    claims = found["claims"]
    assert found["valid"] and found["reason"] is None and found["service"] == "shop"
    assert claims["digest"] == ordering.digest("k1") and claims["pool_matches"] and not claims["old_secret"]
    assert claims["primary"] == claims["last"] and claims["primary"]["member"] == order[0] and claims["rank"] == 0
    assert 0 <= claims["age_s"] < 600
    next(o for o in origins if o.id == order[0]).stop()
    assert b.get().id == order[1]
    claims = tag(p, b.cookies["HOLDFAST"])["claims"]
    assert claims["primary"]["member"] == order[0] and claims["last"]["member"] == order[1] and claims["rank"] == 1
    assert rejection(p, b.cookies["HOLDFAST"], "--key", "k2") == "other_session"
    text = run("tag", "-c", p.conf_path, "HOLDFAST=" + b.cookies["HOLDFAST"] + "; Path=/")
    assert text[0] == 0 and "tag        valid\n" in text[1] and f"last       {order[1]}\n" in text[1], text


def test_tags_that_do_not_verify():
    p = Holdfast([Origin("a")])
    other = Holdfast([Origin("a")])
    b = p.browser()
    b.get()
    value = b.cookies["HOLDFAST"]
    forged = value[:30] + ("A" if value[30] != "A" else "B") + value[31:]
    assert rejection(p, forged) == "bad_mac" and tag(p, forged)["claims"]["secret"] is not None
    for bad in (value[:-1], value + "A", "", "A" * 68, "\x1b[2J" * 20):
        assert rejection(p, bad) == "malformed" and tag(p, bad)["claims"] is None
    assert rejection(other, value) in ("bad_mac", "unknown_secret")
    status, out, _ = run("tag", "-c", p.conf_path, "--", forged)
    assert status == 1 and "\ntag " not in out and out.startswith("tag        rejected: bad_mac: "), out


def test_tag_of_a_member_that_left():
    p = Holdfast([Origin("a")])
    b = p.browser()
    b.get()
    value = b.cookies["HOLDFAST"]
    with open(p.conf_path) as f:
        text = f.read()
    path = write("left.conf", re.sub(r'id = "a"', 'id = "other"', text))
    status, out, _ = run("tag", "-c", path, "--json", "-", input=value)
    assert status == 0 and json.loads(out)["claims"]["primary"]["member"] is None, out


def test_tag_refuses():
    p = Holdfast([Origin("a")], start=False)
    for argv in (["x"], ["-c", p.conf_path], ["-c", p.conf_path, "x", "y"], ["-c", p.conf_path, "--service", "x", "y"],
                 ["-c", p.conf_path, "-"]):
        refused("tag", *argv)
    unreadable = service(SHOP)
    with open(unreadable, "a") as f:
        f.write('secrets = ( { id = "k1"; file = "/nowhere/secret"; } );\n')
    assert "secrets[0].file" in refused("tag", "-c", unreadable, "x")


# ---- where it goes ------------------------------------------------------------------------------


def test_output_that_cannot_be_written_is_an_error():
    if not os.path.exists("/dev/full"):
        return
    for argv in (["version"], ["help"], ["check", "-c", DEMO, "--json"], ["explain", "-c", DEMO, "k"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([holdfast.binary(), *argv], stdout=full, stderr=subprocess.PIPE, cwd=ROOT)
        assert done.returncode == 2 and b"cannot be written" in done.stderr, (argv, done)


if __name__ == "__main__":
    holdfast.main()
