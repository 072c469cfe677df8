"""The guides (README.md, conf/README.md, proxy/cluster/README.md) keep to what is there: links of all documents lead
somewhere, every configuration that they show, whole or in part, is taken by `holdfast check`, every command is one and
prints what stands below it, and so for keys, metrics, headers' names and manual pages."""

import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cluster
import document
import fragment
import holdfast
import tls
from dns import Dns
from holdfast import ROOT, text_of, wait_until
from test_handbook import Sample, Walk

README_BYTES_MAX = 30 * 1024  # a front door

# Commands of the guides that are not run here, and the tests that do.
ELSEWHERE = {"cc -Iinclude -o leader": "e2e/test_library", "cc -o leader leader.c": "package/test_package", "./leader": "e2e/test_library"}


def guides():
    return [(path, document.read(path)) for path in document.GUIDES]


# ---- links --------------------------------------------------------------------------------------


def test_every_link_of_every_document_leads_somewhere():
    documents = {path: document.read(path) for path in document.documents()}
    assert set(document.GUIDES) < set(documents)
    followed, dead = 0, []
    for path, text in documents.items():
        for link in document.links(text):
            target, _, anchor = link.partition("#")
            there = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            if not os.path.exists(os.path.join(ROOT, there)):
                dead.append((path, link))
            elif anchor and anchor not in document.anchors(document.read(there)):
                dead.append((path, link))
            followed += 1
    assert not dead, dead
    assert followed > 100


def test_every_guide_lists_its_chapters():
    for path, text in guides():
        listed = {link[1:] for link in document.links(text) if link.startswith("#")}
        titles = re.findall(r"^### (.*)$" if path == "conf/README.md" else r"^## (.*)$", text, re.M)
        unlisted = {a for t in titles for a in document.anchors(f"## {t}\n")} - listed
        assert titles and not unlisted, (path, unlisted)


def test_every_example_stands_in_a_guide():
    text = "".join(text for _, text in guides())
    for path in glob.glob(os.path.join(ROOT, "conf", "examples", "*.conf")):
        name = os.path.basename(path)
        if not name.startswith(("from-", "socketio")):  # the handbook's tables have those
            assert f"examples/{name})" in text, name


def test_every_file_that_is_named_is_there():
    for path, text in guides() + [(p, document.read(p)) for p in ("tests/README.md", "tests/bench/README.md")]:
        names = set(re.findall(r"`((?:conf|tests|proxy|include|packaging|hashring)/[\w/.-]+\w)`", text))
        for name in names:
            if not os.path.exists(os.path.join(ROOT, name)):
                raise AssertionError(f"{path} names {name}")


def test_every_manual_page_and_chapter_that_is_named_is_there():
    pages = {os.path.basename(p) for p in glob.glob(os.path.join(ROOT, "packaging", "man", "*"))}
    pages |= set(re.search(r"^for page in (.*); do$", document.read("packaging/install.sh"), re.M)[1].split())
    titles = set(re.findall(r'^\.SH "(.*)"$', document.read("packaging/man/holdfast-handbook.7"), re.M))
    named, chapters = set(), set()
    for path, text in guides():
        named |= {f"{n}.{s}" for n, s in re.findall(r"\b(holdfast[\w.-]*)\((\d)\)", text)}
        chapters |= set(re.findall(r"`holdfast-handbook\(7\)`,\s+([A-Z][A-Z ]+[A-Z])", text))
    assert len(named) >= 4 and named <= pages, named - pages
    assert chapters and chapters <= titles, chapters - titles


def test_the_front_door_is_short():
    assert len(document.read("README.md").encode()) < README_BYTES_MAX


# ---- configurations -----------------------------------------------------------------------------


def shown():
    """(where it stands, the configuration or the part of one)"""
    for path, text in guides():
        for conf in document.fenced(text):
            yield path, conf
        for conf in re.findall(r"`((?:[a-z_0-9]+ = [^`]*;\s*)+)`", document.FENCE.sub("", text)):
            yield path, conf


def test_every_configuration_is_taken():
    d = Dns()
    d.srv("_http._tcp.app.internal", (0, 1, 8080, "one.app.internal"), (0, 1, 8080, "two.app.internal"))
    for name in ("one.app.internal", "two.app.internal", "app.internal"):
        d.a(name, "127.0.0.1")
    certificate = tls.Authority().issue("shop.example")
    checked, refused = 0, []
    for path, conf in shown():
        assert fragment.level(conf) is not None, (path, conf)
        text = fragment.whole(conf)
        if "discover" in conf:
            text += f'resolver = {{ servers = [ "{d.text()}" ]; }};\n'
        where = holdfast.folder()
        name = os.path.join(where, "shown.conf")
        with open(name, "w") as f:
            f.write(fragment.place(text, where, certificate))
        status, out, err = holdfast.holdfast("check", "-c", name, cwd=where)
        if status != 0 or ": ok: " not in out:
            refused.append((path, conf, err))
        checked += 1
    assert not refused, "\n".join("\n".join(r) for r in refused)
    assert checked > 50


def test_a_fragment_that_is_wrong_is_refused():
    """What the test above rests upon."""
    certificate = tls.Authority().issue("shop.example")
    for conf in ('session = { failback = "home"; };', 'listeners = ( { address = "127.0.0.1:8080"; htpp2 = true; } );',
                 'health = { path = "healthz"; interval = "1"; };'):
        where = holdfast.folder()
        name = os.path.join(where, "wrong.conf")
        with open(name, "w") as f:
            f.write(fragment.place(fragment.whole(conf), where, certificate))
        status, _, err = holdfast.holdfast("check", "-c", name, cwd=where)
        assert status == 2 and "wrong.conf:" in err, (conf, err)
    assert fragment.level('sesion = { failback = "stay"; };') is None


# ---- words --------------------------------------------------------------------------------------


def table(name, macro):
    """The quoted texts of each row."""
    return [re.findall(r'"([^"]+)"', row) for row in re.findall(rf"^{macro}\((.*)", document.read(f"include/tbl/{name}"), re.M)]


def test_every_key_that_is_named_is_one():
    known = {re.sub(r"\[\]", "", k) for k in re.findall(r'^CONFIG_\w+\(\w+, "([^"]+)"', document.read("include/tbl/config_keys.h"), re.M)}
    inner = {".".join(parts[n:m]) for k in known for parts in [k.split(".")] for n in range(len(parts)) for m in range(n + 1, len(parts) + 1)}
    groups = "session|health|passive|timeouts|limits|rates|cluster|forwarded|log|admin|upgrade|trace|resolver|race|members|tag"
    for path, text in guides():
        named = set(re.findall(rf"`((?:{groups})(?:\[\])?(?:\.[a-z_]+(?:\[\])?)+)`", text))
        assert named
        for name in named:
            if name.replace("[]", "") not in inner and "health.history" not in name:  # a field of the status
                raise AssertionError(f"{path}: {name} is no key")


def test_every_metric_cause_reason_and_event_that_is_named_is_one():
    metrics = {row[0] for row in table("metrics.h", "METRIC")}
    words = {row[0] for name, macro in (("causes.h", "CAUSE"), ("reasons.h", "REASON"), ("events.h", "EVENT")) for row in table(name, macro)}
    for path, text in guides():
        for name in re.findall(r"`(holdfast_[a-z0-9_]+)`", text):
            if name not in metrics:
                raise AssertionError(f"{path}: {name} is no metric")
    said = set(re.findall(r"`((?:tls|client|member|master|no|race|ticket|reload|upgrade|role|tag|not|http2|stream)_[a-z0-9_]+)`",
                          "".join(text for _, text in guides())))
    others = {"ticket_secret", "client_auth", "client_ca", "tls_version", "tls_cipher", "tls_resumed",
              "race_load"}  # keys, fields of the access log, a scenario of the simulator
    assert len(said) > 15 and said - others <= words, said - others - words


def test_every_command_and_option_is_one():
    commands = {row[0] for row in table("subcommands.h", "SUBCOMMAND")} | {"help"}
    options = {row[0].split("=")[0] for row in table("subcommands.h", "OPTION")} | {"--help"}
    for path, text in guides():
        called = re.findall(r"(?:^ +\$ |`|\| )(?:build/)?holdfast ([a-z-]+)([^`\n]*)", text, re.M)
        assert called
        for command, rest in called:
            assert command in commands, (path, command)
            for option in re.findall(r"(?<= )--?[a-z][a-z-]*", rest):
                if not any(option.lstrip("-") == o.lstrip("-") for o in options | {"-c", "-n"}):
                    raise AssertionError(f"{path}: {command} has no {option}")


def test_every_make_target_that_is_named_is_one():
    makefile = document.read("Makefile")
    targets = {t for line in re.findall(r"^([a-z][a-z0-9 -]*):(?!=)", makefile, re.M) for t in line.split()}
    for path in document.documents():
        for words in re.findall(r"(?:`|^    (?:\$ )?)make ((?:[a-z0-9-]+ ?)+)", document.read(path), re.M):
            unknown = set(words.split()) - targets
            assert not unknown, (path, unknown)
    assert {"demo", "test", "deb"} <= targets


def test_every_row_of_the_figures_is_one_and_has_its_command():
    sys.path.insert(0, os.path.join(ROOT, "tests", "bench"))
    import bench
    text = document.read("tests/bench/README.md")
    commands = set(re.findall(r"--rows ([a-z0-9,-]+)", text))
    rows = {row for command in commands for row in command.split(",")}
    assert rows <= set(bench.ROWS), rows - set(bench.ROWS)
    named = set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.M))
    assert named and named <= rows, named - rows
    assert set(re.findall(r"`([a-z0-9-]+)`", re.search(r"^\| rows \|.*?\n\n", text, re.M | re.S)[0])) >= set(bench.ROWS)


# ---- commands -----------------------------------------------------------------------------------


def blocks(path, title):
    return document.shell_blocks(document.section(document.read(path), title))


def test_no_command_is_left_untried():
    """Each block with commands stands in a chapter that a test here, or of test_readme.py, runs."""
    tried = {("README.md", "Two commands"), ("README.md", "In front of your own servers"),
             ("conf/README.md", "Which servers get which sessions"), ("conf/README.md", "The admin interface"),
             ("proxy/cluster/README.md", "Who is master"), ("proxy/cluster/README.md", "The membership, changed while it runs"),
             ("proxy/cluster/README.md", "Roles: one process of many"), ("proxy/cluster/README.md", "Races: where a new session starts")}
    for path, text in guides():
        for title in re.findall(r"^#{2,3} (.*)$", text, re.M):
            if re.search(rf"^## {re.escape(title)}\n+### ", text, re.M):
                continue
            for block in document.shell_blocks(document.section(text, title)):
                for command, _ in document.steps(block):
                    if not command.startswith(tuple(ELSEWHERE)):
                        assert (path, title) in tried, (path, title, command)


def session_at(w, home):
    """A session of the jar `cookies` that lives there."""
    for _ in range(200):
        w.place.run("rm -f cookies", [])
        w.told(w.place.run("curl -s -c cookies -b cookies http://127.0.0.1:8080/", []))
        if w.home == home:
            return
    raise AssertionError(f"no session at {home}")


def test_the_demo_and_its_log():
    """README's `make demo`, and that its line of the log is like one."""
    w = Walk()
    w.place.run("true", [])
    for command, wanted in document.steps(blocks("README.md", "Two commands")[1]):
        if command.startswith("kill -9"):
            w.kill()
            continue
        out = w.place.run(command.replace("curl ", "curl -s "), wanted)
        w.told(out)
        if "request 3" in "".join(wanted):
            wait_until(lambda: w.p.events("failover"), "it is logged")
    for path in ("README.md", "conf/README.md"):
        line, *access = [json.loads(text) for text in document.fenced(document.read(path), "json")]
        assert list(line) == list(w.p.events("failover")[0]), path
        for one in access:
            moved = w.p.wait_request(affinity="failover")
            assert list(one) == list(moved)


def test_which_servers_get_which_sessions():
    w = Walk(conf="conf/demo.conf")
    for block in blocks("conf/README.md", "Which servers get which sessions"):
        for command, wanted in document.steps(block):
            w.place.run(command, wanted)


def test_the_admin_interface():
    w = Walk(conf="conf/demo.conf")
    session_at(w, "c")
    w.place.run("curl -s -c cookies -b cookies http://127.0.0.1:8080/", [])
    w.kill()
    w.place.run("curl -s -c cookies -b cookies http://127.0.0.1:8080/", [])
    wait_until(lambda: "probe" in w.place.run(f"holdfast members --admin {text_of(w.admin)}", []), "the check sees it, too")
    for block in blocks("conf/README.md", "The admin interface"):
        for command, wanted in document.steps(block):
            w.place.run(f"{command} --admin {text_of(w.admin)}", wanted)


class Nodes:
    """The three of conf/cluster-3 with a sample server beside each, at addresses of our own."""

    def __init__(self, session=None):
        where = holdfast.folder()
        hosts = {i: cluster.host_of(n) for n, i in enumerate("abc")}
        self.servers = {i: (holdfast.HOST, holdfast.free_port()) for i in "abcd"}
        self.http = {i: (hosts[i], holdfast.free_port(hosts[i])) for i in "abc"}
        addresses = {}
        for n, i in enumerate("abc", 1):
            addresses[f"127.0.0.1:900{n}"] = text_of(self.servers[i])
            addresses[f"127.0.0.1:808{n}"] = text_of(self.http[i])
            addresses[f"127.0.0.1:794{n}"] = text_of((hosts[i], cluster.free_datagram_port(hosts[i])))
            addresses[f"127.0.0.1:818{n}"] = text_of((hosts[i], holdfast.free_port(hosts[i])))
        addresses["127.0.0.1:9004"] = text_of(self.servers["d"])
        self.place = document.Place(where, addresses)
        self.addresses = addresses
        for i in "abcd":
            Sample(i, self.servers, where)
        with open(os.path.join(where, "secret"), "w") as f:
            f.write("0123456789abcdef" * 4)
        os.chmod(f.name, 0o600)
        self.nodes = {}
        for i in "abc":
            os.makedirs(os.path.join(where, i))
            text = self.place.here(document.read(f"conf/cluster-3/{i}.conf")).replace("build/cluster-3", where)
            if session:
                text = text.replace("session = { ", "session = { " + session)
            p = self.nodes[i] = holdfast.Holdfast([], address=self.http[i], start=False)
            p.conf_path = os.path.join(where, f"{i}.conf")
            with open(p.conf_path, "w") as f:
                f.write(text)
        for p in self.nodes.values():
            p.start()
        wait_until(lambda: all(self.is_ready(n) for n in (1, 2, 3)), "all know a master and see all members")

    def is_ready(self, n):
        status, out, _ = holdfast.holdfast("status", "--json", "--admin", self.addresses[f"127.0.0.1:818{n}"])
        told = json.loads(out) if status == 0 else {}
        return (told.get("cluster") or {}).get("master") and all(m["state"] == "up" for m in told["services"][0]["members"])


def test_a_cluster():
    n = Nodes()
    for title in ("Who is master", "The membership, changed while it runs", "Roles: one process of many"):
        for block in blocks("proxy/cluster/README.md", title):
            for command, wanted in document.steps(block):
                out = n.place.run(command, [])
                if command.startswith("curl"):
                    told, shown = json.loads(out), json.loads(wanted[0])
                    assert list(told) == list(shown) and told["held"] and told["expires_in"] <= 2, out
                elif "holdfast master" in command:
                    assert re.fullmatch(r"[abc] http://\S+ term \d+, .*, said [abc]\n", out), out
                else:
                    assert document.matches(wanted, out.splitlines()), (command, wanted, out)


def test_races():
    n = Nodes('assign = "race"; ')
    for block in blocks("proxy/cluster/README.md", "Races: where a new session starts"):
        for command, wanted in document.steps(block):
            for _ in range(5):  # on a machine so busy that nobody offered in time
                out = n.place.run(command, []).splitlines()
                if any(" won, " in line for line in out):
                    break
            assert len(out) == len(wanted), out
            for shown, printed in zip(wanted, out):  # who wins is not said
                assert re.fullmatch(r"opened +200  HOLDFAST=[\w-]{68};.*" if shown.startswith("opened") else
                                    r"127\.\S+ +(-|\d+\.\d+ ms) +(late|unasked|silent|won, opens at http://\S+)", printed), out
            assert sum(" won, " in line for line in out) == sum(" won, " in line for line in wanted) == 1, out


if __name__ == "__main__":
    holdfast.main()
