"""The handbook (holdfast-handbook(7)): every command in it is run, in the order in which it stands there, before the demo's
sample servers; what it prints has the form that the page shows. Every key that it names is one."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import document
import holdfast
from holdfast import HOST, ROOT, Holdfast, Process, free_port, is_listening, text_of, track, wait_until

PAGE = os.path.join(ROOT, "packaging", "man", "holdfast-handbook.7")


def page():
    with open(PAGE) as f:
        return f.read()


class Sample(Process):
    """tests/demo/server.py at an address of our own."""

    def __init__(self, id, addresses, where):
        self.id, self.addresses, self.where = id, addresses, where
        self.here = os.path.join(where, f"server-{id}")
        os.makedirs(self.here)
        track(self)
        self.start()

    def start(self):
        script = f"import sys; sys.path.insert(0, {os.path.join(ROOT, 'tests', 'demo')!r}); import server; " \
                 f"server.MEMBERS = {self.addresses!r}; server.COPY_LIMIT_S = 20; server.Server({self.id!r}).serve_forever()"
        super().__init__([sys.executable, "-c", script], self.here)
        wait_until(lambda: is_listening(self.addresses[self.id]), f"{self.id} listens")

    def stop(self):
        self.kill()
        if self in holdfast.started:
            holdfast.started.remove(self)


class Walk:
    """The demo of conf/demo.conf, with addresses and files of our own."""

    def __init__(self, conf="holdfast.conf"):
        """conf: its configuration's name in the directory of the walk."""
        self.addresses = {i: (HOST, free_port()) for i in "abc"}
        there = {"a": "127.0.0.1:9001", "b": "127.0.0.1:9002", "c": "127.0.0.1:9003"}
        self.p = Holdfast([], start=False)
        where = self.p.where
        self.admin = (HOST, free_port())
        self.place = document.Place(where, {**{there[i]: text_of(a) for i, a in self.addresses.items()},
                                            "127.0.0.1:8080": text_of(self.p.address), "127.0.0.1:8081": text_of(self.admin),
                                            "build/demo/": ""})
        with open(os.path.join(ROOT, "conf", "demo.conf")) as f:
            text = self.place.here(f.read()).replace('"build/demo"', '"."').replace('interval = "500ms"', 'interval = "3s"')
        text += "limits = { connections_max = 1000; };\n"
        self.p.conf_path = os.path.join(where, conf)
        os.makedirs(os.path.dirname(self.p.conf_path), exist_ok=True)
        with open(self.p.conf_path, "w") as f:
            f.write(text)
        with open(os.path.join(where, "keys.txt"), "w") as f:
            f.writelines(f"key-{n}\n" for n in range(3000))
        self.servers = {i: Sample(i, self.addresses, where) for i in "abc"}
        Process.__init__(self.p, [self.p.program, "run", "-c", conf], where, cwd=where)
        wait_until(self.p.answers_connections, "Holdfast listens")
        self.home = self.heir = self.digest = None

    def told(self, out):
        """Who served a request, and of which session."""
        line = re.search(r"session (\w{8}): request \d+, served by (\w) \(primary (\w)", out)
        if line:
            self.heir, self.home = line[2], line[3]

    def prepare(self, command):
        """What happens between the page's commands."""
        if "tail --no-follow -n 4" in command:
            self.servers[self.home].start()
            self.p.wait_event("outage_summary", member=self.home)
        if "--log access.log" in command:
            wait_until(lambda: len(self.p.requests()) >= 6, "the access log has them all")
        session = self.p.events("assigned")
        words = {"HEX": "56b25ba9d748dddb065ed0a260ae5182", "ID": self.home or "a"}
        return re.sub(r"\b(HEX|ID)\b", lambda m: words[m[1]], command) if session or "HEX" in command else command

    def checked(self):
        """When the session's server was checked last."""
        with holdfast.Client(self.admin) as c:
            members = c.get("/status").json["services"][0]["members"]
        return {m["id"]: m["check"] and m["check"]["at"] for m in members}[self.home]

    def kill(self):
        """Right behind a check, so that it is a request that finds out, as on the page."""
        before = self.checked()
        wait_until(lambda: self.checked() != before, f"{self.home} is checked")
        self.servers[self.home].kill()
        wait_until(lambda: not is_listening(self.addresses[self.home]), f"{self.home} is gone")


def test_every_command_of_the_handbook():
    w = Walk()
    ran = []
    for block in document.page_blocks(page()):
        for command, wanted in document.steps(block):
            command = w.prepare(command)
            if "request 3" in "".join(wanted):  # once more, as the page's reader did, then the server dies
                w.told(w.place.run(command, []))
                w.kill()
            out = w.place.run(command, wanted)
            w.told(out)
            ran.append(command.split()[0:2])
            if command.startswith("curl") and len(ran) > 1:
                for _ in range(3):  # the session goes on with its backup
                    w.place.run(command, [])
    words = {c[1] for c in ran if c[0] == "holdfast"}
    assert {"tail", "explain", "what-if", "top", "doctor", "replay"} <= words, words


def test_the_count_goes_on():
    """What the page says of a failover is so: request 3 is the third, though its first server is dead."""
    w = Walk()
    first = w.place.run("curl -s -c cookies -b cookies http://127.0.0.1:8080/", [])
    w.told(first)
    w.place.run("curl -s -c cookies -b cookies http://127.0.0.1:8080/", [])
    w.kill()
    out = w.place.run("curl -s -c cookies -b cookies http://127.0.0.1:8080/", [])
    assert ": request 3, " in out and f"failover from={w.home}; reason=connect_refused" in out


def keys():
    """The last words of all keys' paths, and of their groups."""
    with open(os.path.join(ROOT, "include", "tbl", "config_keys.h")) as f:
        return {path.replace("[]", "") for path in re.findall(r'CONFIG_\w+\(\w+, "([^"]+)"', f.read())}


def test_every_key_it_names_is_one():
    text = re.sub(r"\\(.)", lambda m: "-" if m[1] == "-" else "", page())
    known = keys()
    named = set(re.findall(r"\b((?:session|health|passive|timeouts|limits|cluster|forwarded)(?:\.[a-z_]+)+)\b", text))
    assert len(named) > 10
    for name in named:
        if not any(k == name or k.endswith("." + name) or (k + ".").find("." + name + ".") >= 0 for k in known):
            raise AssertionError(f"{name} is no key")


def test_every_file_it_names_is_shipped():
    text = page().replace("\\-", "-")
    for name in re.findall(r"^((?!holdfast|nginx)[a-z-]+\.conf)\b", text, re.M):
        assert os.path.exists(os.path.join(ROOT, "conf", "examples", name)), name
    assert len(re.findall(r"^from-[a-z-]+\.conf", text, re.M)) == 3


if __name__ == "__main__":
    holdfast.main()
