"""`holdfast top`: in a real terminal (tmux), by keys that are sent and screens that are captured; and for scripts."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import Admin, address_of, listening
from cluster import Cluster
from holdfast import CHECKED, ROOT, WAIT_S, Holdfast, Origin, binary, member, text_of, wait_until

KEYED = {"keys": ["header:X-Key"]}
TOKEN = "a-token-of-24-characters"
QUICK = ("--interval", "100ms")


def without_leak_check(env):
    """Whose terminal goes away is stopped by its signals in the midst of the leak checker's work, and hangs in it."""
    return {**env, "ASAN_OPTIONS": f"{env.get('ASAN_OPTIONS', '')}:detect_leaks=0"}


def top(p, *more):
    return holdfast.holdfast("top", "--admin", text_of(address_of(p)), *more)


class Screen:
    """A terminal of tmux, with a shell in it that runs `holdfast top` and says how it ended."""

    def __init__(self, *argv, columns=120, lines=30, env=None):
        self.socket = os.path.join(holdfast.folder(), "tmux")
        holdfast.track(self)
        words = " ".join([*(f"{k}={v}" for k, v in (env or {}).items()), binary(), "top", *argv])
        environment = without_leak_check({k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR")})
        subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines),
                        f"stty -a > {self.socket}.before; {words}; echo ended with $?; stty -a > {self.socket}.after; cat"],
                       check=True, cwd=ROOT, env=environment, timeout=WAIT_S)

    def tmux(self, *argv):
        return subprocess.run(["tmux", "-S", self.socket, *argv], check=True, capture_output=True, text=True, timeout=WAIT_S).stdout

    def send(self, *keys):
        self.tmux("send-keys", *keys)

    def text(self, *more):
        return self.tmux("capture-pane", "-p", *more)

    def wait(self, pattern, *more):
        """The screen, once the pattern stands on it."""
        def look():
            text = self.text(*more)
            return re.search(pattern, text, re.M) and text
        try:
            return wait_until(look, pattern)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.text()}") from None

    def pid(self):
        """Of `holdfast top`, the shell's child."""
        shell = int(self.tmux("display-message", "-p", "#{pane_pid}"))
        for n in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{n}/stat") as f:
                    name, rest = re.fullmatch(r"\d+ \((.*)\) (.*)", f.read().strip(), re.S).groups()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if name == "holdfast" and int(rest.split()[1]) == shell:
                return int(n)
        raise AssertionError("no holdfast in the terminal")

    def restored(self):
        """The shell has the terminal again, as it was before."""
        wait_until(lambda: os.path.exists(f"{self.socket}.after") and os.path.getsize(f"{self.socket}.after"), "the shell goes on")
        with open(f"{self.socket}.before") as before, open(f"{self.socket}.after") as after:
            assert before.read() == after.read()
        assert self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}") == "0 1\n"

    def stop(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, timeout=WAIT_S)
        if self in holdfast.started:
            holdfast.started.remove(self)


def node(ids="abc", **more):
    return Holdfast([Origin(i) for i in ids], session=KEYED, **{"top": listening(), **more})


def live(p, *more, **how):
    return Screen("--admin", text_of(address_of(p)), *QUICK, *more, **how)


def ask(p, n=1):
    for i in range(n):
        p.once(fields=[("X-Key", f"k{i}")])


class Asking:
    """A client that asks and asks, in a thread."""

    def __init__(self, p):
        self.p, self.over, self.count = p, threading.Event(), 0
        holdfast.track(self)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            ask(self.p, 5)
            self.count += 5

    def stop(self):
        self.over.set()
        self.thread.join()
        if self in holdfast.started:
            holdfast.started.remove(self)


# ---- the view -----------------------------------------------------------------------------------


def test_members_services_and_the_node():
    p = node(workers=2, top={**listening(), "node": "n1"})
    s = live(p)
    text = s.wait(r"^>a +shop +up ")
    assert re.match(r"holdfast \S+  node n1 at \S+  up ", text)
    assert re.search(r"^2 workers, CPU .* descriptors, \d+ clients, epoch 0$", text, re.M)
    assert re.search(r"^SERVICE +MEMBERS +REQ/S +ERR/S", text, re.M) and re.search(r"^shop +3 up +0\.0 ", text, re.M)
    assert re.search(r"^ MEMBER +SERVICE +STATE +ZONE +LOAD +REQ/S", text, re.M)
    assert text.rstrip().endswith("q quit  h help  s sort: configured  p pause  Enter detail")
    a = Asking(p)
    s.wait(r"^shop +3 up +[1-9]\d*(\.\d)? ")
    text = s.wait(r"^shop +3 up +\S+ +0\.0 +0\.0 +\d+\.\d +\d+\.\d ")  # with latencies
    a.stop()
    s.wait(r"^shop +3 up +0\.0 ")
    s.send("q")
    s.wait(r"^ended with 0$")
    s.restored()


def test_rates_are_those_of_the_requests():
    p = node("a")
    a = Asking(p)
    wait_until(lambda: a.count > 20, "some were asked")
    before = Admin(p).status()
    status, out, err = top(p, "--json", "--interval", "500ms")
    after = Admin(p).status()
    a.stop()
    assert (status, err) == (0, ""), err
    told = json.loads(out)
    asked = after["services"][0]["requests"]["total"] - before["services"][0]["requests"]["total"]
    one, shop = told["members"][0], told["services"][0]
    assert 0.5 <= told["over_s"] and 0 < one["requests_per_s"] * told["over_s"] <= asked + 0.01
    assert 0 < shop["requests_per_s"] * told["over_s"] <= asked + 0.01 and shop["p99_ms"] >= shop["p50_ms"] > 0
    assert one["id"] == "a" and one["state"] == "up" and told["process"]["pid"] == p.pid
    assert before["services"][0]["requests"]["total"] <= shop["total"] <= after["services"][0]["requests"]["total"]


def test_a_failover_is_seen():
    origins = [Origin(i) for i in "abc"]
    p = Holdfast(origins, session=KEYED, health=CHECKED, top=listening())
    ask(p, 20)
    s = live(p)
    s.wait(r"^shop +3 up ")
    origins[1].go()
    ask(p, 20)
    text = s.wait(r"^ b +shop +down ")
    s.wait(r"^shop +2 up, 1 down .* [1-9]\d*$")  # failovers
    assert re.search(r"^ b .*(connect_refused|probe_failed)", text, re.M), text
    status, out, _ = top(p, "--once", "--interval", "100ms")
    moved = Admin(p).status()["services"][0]["requests"]["by_affinity"]["failover"]
    assert status == 0 and re.search(rf"^shop +2 up, 1 down .* {moved}$", out, re.M) and moved > 0
    s.send("q")
    s.wait(r"^ended with 0$")


def test_latencies_and_failovers_of_each_member():
    origins = [Origin(i) for i in "abc"]
    p = Holdfast(origins, session=KEYED, top=listening())
    ask(p, 30)
    origins[1].go()
    asking = Asking(p)
    wait_until(lambda: asking.count > 200, "many were asked")
    told = json.loads(top(p, "--json", "--interval", "300ms")[1])
    asking.stop()
    by_id = {m["id"]: m for m in told["members"]}
    for i in "ac":
        assert 0 < by_id[i]["p50_ms"] <= by_id[i]["p99_ms"], by_id[i]
    moved = Admin(p).status()["services"][0]["requests"]["by_affinity"]["failover"]
    told = json.loads(top(p, "--json", *QUICK)[1])
    assert sum(m["failovers"] for m in told["members"]) == moved > 0 and {m["id"]: m for m in told["members"]}["b"]["failovers"] == 0


def test_the_cluster_is_shown():
    c = Cluster("abc")
    c.wait_master()
    a = c.nodes["a"]
    s = Screen("--admin", text_of(a.admin_address), *QUICK)
    master = a.master()
    s.wait(rf"^cluster shop: a \((master|backup)\), master {master}, term [1-9]\d* for .*; 3 of 3 nodes heard; 0 disagreements$")
    status, out, _ = holdfast.holdfast("top", "--once", *QUICK, "-c", a.conf_path, "a")
    assert status == 0 and f"master {master}, term " in out
    s.send("q")


# ---- keys ---------------------------------------------------------------------------------------


def test_selecting_a_member_and_its_detail():
    p = node(health=CHECKED)
    Admin(p).post("/members/c/drain")
    s = live(p)
    s.wait(r"^>a ")
    s.send("Down", "j")
    s.wait(r"^>c ")
    s.send("Up")
    s.wait(r"^>b ")
    s.send("End")
    s.wait(r"^>c ")
    s.send("Enter")
    text = s.wait(r"^member c of shop$")
    assert re.search(r"^state       drain: drain, since ", text, re.M) and re.search(r"^order       drain$", text, re.M)
    assert re.search(r"up -> drain  drain$", text, re.M) and re.search(r"^checks      \d+ well, 0 failed;", text, re.M)
    s.send("Escape")
    s.wait(r"^>c ")
    s.send("Home")
    s.wait(r"^>a ")
    s.send("q")
    s.wait(r"^ended with 0$")


def test_sorting():
    p = node(health=CHECKED)
    Admin(p).post("/members/b/maint")

    def order(text):
        return "".join(re.findall(r"^[> ]([abc]) +shop ", text, re.M))
    s = live(p)
    assert order(s.wait(r"^>a ")) == "abc"
    s.send("s")
    assert order(s.wait(r"sort: state ")) == "bac"
    s.wait(r"^>a ")  # the same one is selected
    s.send("r")
    assert order(s.wait(r"sort: state reversed ")) == "cab"
    for _ in range(6):
        s.send("s")
    assert order(s.wait(r"sort: name reversed ")) == "cba"
    s.send("r", "s")
    assert order(s.wait(r"sort: configured ")) == "abc"


def test_pause_and_help():
    p = node()
    s = live(p)
    s.wait(r"^>a ")
    s.send("p")
    paused = s.wait(r"PAUSED")
    Admin(p).post("/members/a/maint")
    s.send("h")
    s.wait(r"^q, Ctrl-C +quit$")
    s.send("Escape")
    text = s.wait(r"^>a ")
    assert re.search(r"^>a +shop +up ", text, re.M), "what is shown stays"
    assert re.search(r"up \S+ ", paused)[0] == re.search(r"up \S+ ", text)[0]
    s.send("Space")
    s.wait(r"^>a +shop +maint ")
    s.send("?")
    s.wait(r"^q, Ctrl-C +quit$")


# ---- terminals ----------------------------------------------------------------------------------


def test_resizing_and_narrow_terminals():
    p = node()
    s = live(p, columns=150, lines=40)
    s.wait(r"^ MEMBER .*CHECKS")
    for columns, lines in ((70, 20), (40, 12), (25, 8), (100, 50)):
        s.tmux("resize-window", "-x", str(columns), "-y", str(lines))
        s.wait(r"^ MEMBER +STATE" if columns < 70 else r"^ MEMBER +SERVICE +STATE" if columns > 70 else r"^ MEMBER .*P99 MS$")
        # Drawn whole, for this size: the lines of another one have keys elsewhere.
        text = s.wait(r"(?s)\A(?=.*^>a +)([^\n]*\n){%d}q quit" % (lines - 1))
        assert max(map(len, text.split("\n"))) <= columns and len(text.rstrip("\n").split("\n")) <= lines
    s.tmux("resize-window", "-x", "15", "-y", "4")
    s.wait(r"^too small")
    s.tmux("resize-window", "-x", "80", "-y", "24")
    s.wait(r"^>a ")


def test_more_members_than_lines():
    p = Holdfast([member((f"m{n:03}", f"127.0.0.1:{n}")) for n in range(1, 201)], top=listening())
    s = live(p, lines=20)
    text = s.wait(r"^>m001 ")
    assert "m050" not in text
    s.send("End")
    text = s.wait(r"^>m200 ")
    assert text.rstrip().endswith("Enter detail") and "m001" not in text
    s.send("PageUp")
    s.wait(r"^>m192 ")
    s.send("Home")
    s.wait(r"^>m001 ")


def colors(text):
    return re.findall(r"\x1b\[[0-9;]*3[0-7][0-9;]*m", text)


def test_colour_and_no_color():
    p = node()
    s = live(p)
    s.wait(r"^>a ")
    assert colors(s.text("-e").replace("\x1b[39m", "").replace(";39", ""))
    for how in ({"env": {"NO_COLOR": "1"}}, {"more": ("--color", "never")}):
        s = live(p, *how.get("more", ()), env=how.get("env"))
        s.wait(r"^>a ")
        text = s.text("-e").replace("\x1b[39m", "").replace("\x1b[49m", "")
        assert not colors(text.replace("[39;49m", "")), text


# ---- a node that is away ------------------------------------------------------------------------


def test_a_node_that_goes_and_comes_back():
    p = node()
    s = live(p)
    s.wait(r"^>a ")
    p.stop()
    text = s.wait(r"^NO ANSWER for \S+ s: Connection refused$")
    assert re.search(r"^what stands below is the last that it said$", text, re.M) and re.search(r"^>a ", text, re.M)
    s.send("Down")
    s.wait(r"^>b ")  # keys work meanwhile
    p.start()
    s.wait(r"\A(?!.*NO ANSWER)(?s:.*)^>b ")
    wait_until(lambda: "NO ANSWER" not in s.text(), "it answers")
    s.send("q")
    s.wait(r"^ended with 0$")


def test_a_node_that_hangs():
    """It is said, keys work at once, and it goes on."""
    p = node()
    s = live(p)
    s.wait(r"^>a ")
    p.freeze()
    try:
        s.send("Down")
        s.wait(r"^>b ")
        s.wait(r"^NO ANSWER for .*: Connection timed out$")
        s.send("h")
        s.wait(r"^q, Ctrl-C +quit$")
        s.send("q")
        s.wait(r"^ended with 0$")
    finally:
        p.signal(signal.SIGCONT)
    s.restored()


def test_a_node_that_is_not_there_yet():
    p = node(start=False)
    s = live(p)
    text = s.wait(r"^NO ANSWER for .*: Connection refused$")
    assert re.search(r"^it is asked again$", text, re.M)
    p.start()
    s.wait(r"^>a ")


# ---- the end ------------------------------------------------------------------------------------


def test_the_terminal_is_restored_by_every_signal():
    p = node()
    for number, said in ((signal.SIGINT, r"^ended with 0$"), (signal.SIGTERM, r"^ended with 143$"), (signal.SIGHUP, r"^ended with 129$"),
                         (signal.SIGQUIT, r"^ended with 131$"), (signal.SIGSEGV, r"^ended with (139|1|134)$"), (signal.SIGABRT, r"^ended with 134$")):
        if number == signal.SIGSEGV and holdfast.sanitizer():
            continue  # it is the sanitizer's, whose report would stand for a finding
        s = live(p)
        s.wait(r"^>a ")
        os.kill(s.pid(), number)
        s.wait(said)
        s.restored()
        s.stop()


def test_ctrl_c():
    p = node()
    s = live(p)
    s.wait(r"^>a ")
    s.send("C-c")
    s.wait(r"^ended with 0$")
    s.restored()


def test_stopped_and_gone_on():
    """Ctrl-Z gives the terminal back; afterwards the view is there again."""
    p = node()
    s = live(p)
    s.wait(r"^>a ")
    pid = s.pid()
    os.kill(pid, signal.SIGTSTP)
    wait_until(lambda: s.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}") == "0 1\n", "the terminal is given back")
    os.kill(pid, signal.SIGCONT)
    s.wait(r"^>a ")
    assert s.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}") == "1 0\n"
    s.send("q")
    s.wait(r"^ended with 0$")
    s.restored()


def test_a_terminal_that_is_gone():
    """The other side of it is closed: the process ends, and does not spin."""
    p = node()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x18\x00\x50\x00\x00\x00\x00\x00")
    child = subprocess.Popen([binary(), "top", *QUICK, "--admin", text_of(address_of(p))], stdin=theirs, stdout=theirs,
                             stderr=subprocess.DEVNULL, env=without_leak_check({**os.environ, "TERM": "xterm"}))
    os.close(theirs)
    seen = b""
    while b"MEMBER" not in seen and select.select([ours], [], [], WAIT_S)[0]:
        seen += os.read(ours, 65536)
    assert b"MEMBER" in seen
    os.close(ours)
    assert child.wait(WAIT_S) in (0, -signal.SIGHUP)


# ---- what comes from outside --------------------------------------------------------------------


def test_no_control_character_passes():
    """Whoever answers there: what it says is escaped."""
    evil = "\u001b]0;x\u0007\u001b[31m\u009b2J\r\n"
    status = {"node": evil, "version": evil, "uptime_ms": 5, "process": {"pid": 1}, "workers": 1, "services": [
        {"name": evil, "requests": {"total": 1}, "members": [
            {"id": evil, "state": evil, "zone": evil, "reason": evil, "origin": evil, "check": {"seen": evil},
             "health": {"history": evil, "weight": evil}, "transitions": [{"at": evil, "from": evil, "to": evil, "reason": evil}]}]}]}

    def behave(connection, request):
        body = b"" if request.target.startswith("/metrics") else json.dumps(status).encode()
        connection.answer(200, body)
    o = Origin("evil", behave)
    status_, out, err = holdfast.holdfast("top", "--once", *QUICK, "--admin", text_of(o.address))
    assert (status_, err) == (0, "") and all(c == "\n" or " " <= c <= "~" for c in out), out
    s = Screen("--admin", text_of(o.address), *QUICK)
    text = s.wait(r"^>\\x1b\]0;x\\x07")
    s.send("Enter")
    text += s.wait(r"^member \\x1b")
    assert all(c == "\n" or " " <= c <= "~" for c in text), text
    s.send("q")
    s.wait(r"^ended with 0$")


# ---- for scripts --------------------------------------------------------------------------------


def test_once():
    p = node(top={**listening(), "node": "n1"})
    status, out, err = top(p, "--once", *QUICK)
    assert (status, err) == (0, "") and "\x1b" not in out
    assert re.search(r"^MEMBER +SERVICE +STATE .*CHECKS$", out, re.M) and re.search(r"^c +shop +up ", out, re.M)


def test_one_service():
    services = [{"name": n, "hosts": [f"{n}.example"], "health": {"enabled": False}, "members": [member(Origin(n))]} for n in ("s1", "s2")]
    p = Holdfast([], services=services, top=listening())
    told = json.loads(top(p, "--json", *QUICK, "--service", "s2")[1])
    assert [s["name"] for s in told["services"]] == ["s2"] and [m["id"] for m in told["members"]] == ["s2"]
    assert top(p, "--once", *QUICK, "--service", "s3") == (1, "", "holdfast top: --service: no such service\n")


def test_tokens_and_nodes_by_id():
    p = node(top={**listening(token=TOKEN)})
    status, out, err = top(p, "--once", *QUICK)
    assert (status, out) == (2, "") and " 401: " in err
    assert holdfast.holdfast("top", "--once", *QUICK, "-c", p.conf_path)[0] == 0


def test_nobody_answers():
    p = node(start=False)
    status, out, err = top(p, "--once", *QUICK)
    assert (status, out) == (1, "") and err.startswith("holdfast top: ") and "Connection refused" in err


def test_usage():
    p = node(start=False)
    for argv, text in ((["--interval", "5"], "--interval: "), (["--interval", "10ms"], "--interval: "), (["--color", "maybe"], "--color: "),
                       (["a", "b"], "one node at most is wanted"), (["-c", p.conf_path, "--admin", "x:1"], "one node at most is wanted"),
                       (["127.0.0.1:1"], "a terminal is wanted; without one: --once or --json")):
        status, out, err = holdfast.holdfast("top", *argv)
        assert (status, out) == (2, "") and text in err, (argv, err)


if __name__ == "__main__":
    holdfast.main()
