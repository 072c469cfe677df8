"""The commands that need no running node: help, JSON, exit statuses."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import ROOT

DEMO = os.path.join(ROOT, "conf", "demo.conf")


def run(*argv, **more):
    return holdfast.holdfast(*argv, **more)


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
