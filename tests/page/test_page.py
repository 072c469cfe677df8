#!/usr/bin/env python3
"""The status page as a person has it: in headless Chromium, before a running node. Driven with Playwright
(drive.js); screenshots are kept in build/page/.

    B=build tests/page/test_page.py
"""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
import holdfast
from admin import Admin, address_of, listening
from cluster import Cluster
from holdfast import CHECKED, Holdfast, Origin, text_of, wait_until

PICTURES = os.path.join(ROOT, "build/page")
MODULES = os.path.join(PICTURES, "node_modules")
KEYED = {"keys": ["header:X-Key"]}
TOKEN = "0123456789abcdef"
PHONE = {"viewport": {"width": 390, "height": 844}, "isMobile": True, "hasTouch": True}
DESK = {"viewport": {"width": 1280, "height": 900}}


def install():
    """Playwright's core from the npm registry, once; the browser is Debian's."""
    os.makedirs(PICTURES, exist_ok=True)
    shutil.copy(os.path.join(HERE, "package.json"), PICTURES)
    if not os.path.isdir(os.path.join(MODULES, "playwright-core")):
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=PICTURES, check=True, timeout=240,
                       stdin=subprocess.DEVNULL)


class Page:
    """A tab at the node's admin address."""

    def __init__(self, p, **options):
        self.url = f"http://{text_of(address_of(p))}/"
        self.child = subprocess.Popen(
            ["node", os.path.join(HERE, "drive.js"), os.path.join(MODULES, "playwright-core"), shutil.which("chromium"),
             json.dumps({**DESK, **options})], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holdfast.track(self)
        self.call("goto", self.url)

    def call(self, call, *given):
        self.child.stdin.write(json.dumps({"call": call, "with": given}) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        if "failed" in answer:
            raise AssertionError(f"{call} {given}: {answer['failed']}")
        return answer["got"]

    def text(self, selector):
        return self.call("innerText", selector)

    def shows(self, selector, text):
        wait_until(lambda: text in self.text(selector), f"{selector} shows {text}")

    def picture(self, name):
        self.call("screenshot", {"path": os.path.join(PICTURES, name + ".png"), "fullPage": True})

    def row(self, member):
        """Cells of a member's row by their headings."""
        cells = self.call("evaluate", f"[...document.querySelectorAll('#services tbody tr')]"
                          f".filter(r => r.cells[0].innerText === {json.dumps(member)})"
                          ".flatMap(r => [...r.cells].map(c => [c.dataset.label, c.innerText]))")
        return dict(cells)

    def is_quiet(self):
        """Nothing on the console, nothing asked of anybody else."""
        said = self.call("said")
        assert said == [], said
        strangers = [u for u in self.call("asked") if not u.startswith(self.url)]
        assert strangers == [], strangers

    def stop(self):
        self.child.stdin.close()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()



def shop(**more):
    a, b, c = Origin("a"), Origin("b"), Origin("c")
    return (a, b, c), Holdfast([a, b, c], session=KEYED, health=CHECKED, workers=2, top={"node": "n1", **listening(**more)})


def key_at(p, id):
    """A session key whose server is `id`."""
    return next(k for k in (f"k{n}" for n in range(1000))
                if Admin(p).json(f"/explain?service=shop&key={k}")["primary"] == id)


def test_members_sessions_and_outages_are_shown_live():
    (a, b, c), p = shop()
    page = Page(p)
    page.shows("#title", "n1")
    page.shows("#services", "shop")
    assert page.row("a")["state"] == "up" and page.row("a")["origin"] == text_of(a.address)
    key = key_at(p, "a")
    p.once(fields=[("X-Key", key)])
    page.shows("#services", "1 new")
    a.go()
    p.once(fields=[("X-Key", key)])
    wait_until(lambda: page.row("a")["state"] == "down", "a is shown as down")
    page.shows("#services", "1 failover")
    page.shows("#log", "member_down")
    page.shows("#log", "failover")
    wait_until(lambda: "down from" in page.call("getAttribute", ".timeline .track >> nth=0", "aria-label"), "the outage")
    wait_until(lambda: page.call("evaluate", "document.querySelectorAll('.bars i').length") > 3, "a history of checks")
    page.picture("members")
    page.is_quiet()


def test_the_log_is_filtered():
    (a, b, c), p = shop()
    page = Page(p)
    page.shows("#said", "live")
    a.go()
    b.go()
    for id in "ab":
        page.shows("#log", f"member_down shop {id}")
    page.call("fill", "#log-text", '"member":"a"')
    wait_until(lambda: " b " not in page.text("#log"), "only what concerns a")
    page.shows("#log", "member_down shop a")
    page.call("fill", "#log-text", "")
    page.call("selectOption", "#log-event", "member_down")
    wait_until(lambda: set(page.call("evaluate", "[...document.querySelectorAll('#log .event')].map(e => e.innerText)"))
               == {"member_down"}, "only such events")
    page.is_quiet()


def test_the_explorer_says_what_the_command_says():
    (a, b, c), p = shop()
    page = Page(p)
    page.shows("#services", "shop")
    page.call("fill", "#explain-key", "alice")
    page.call("keyboard.press", "Enter")
    expected = Admin(p).json("/explain?service=shop&key=alice")
    page.shows("#explained", expected["digest"])
    first, second = expected["order"][0]["member"], expected["order"][1]["member"]
    page.shows("#explained", f"chosen: {first}")
    page.call("check", f"[data-key='down/{first}']")
    page.shows("#explained", f"chosen: {second}")
    page.shows("#explained", "passed over: down")
    assert page.call("evaluate", "document.activeElement.dataset.key") == f"down/{first}", "the keyboard stays there"
    page.picture("explorer")
    page.call("uncheck", f"[data-key='down/{first}']")
    page.shows("#explained", f"chosen: {first}")
    page.is_quiet()


def test_a_drain_is_confirmed_and_given():
    (a, b, c), p = shop()
    page = Page(p)
    page.call("click", "[data-key='shop/b/drain']")
    page.shows("dialog", "b of shop gets no new sessions")
    page.picture("confirm")
    page.call("click", "dialog button[value=no]")
    assert page.row("b")["state"] == "up" and not p.events("drain_started")
    page.call("click", "[data-key='shop/b/drain']")
    page.call("click", "dialog button[value=yes]")
    p.wait_event("drain_started", member="b")
    wait_until(lambda: page.row("b")["state"] == "drain", "b drains")
    page.call("click", "[data-key='shop/b/undrain']")
    page.call("click", "dialog button[value=yes]")
    wait_until(lambda: page.row("b")["state"] == "up", "b is back")
    page.is_quiet()


def test_all_of_it_by_keyboard():
    (a, b, c), p = shop()
    page = Page(p)
    page.shows("#services", "shop")
    page.call("focus", "[data-key='shop/a/maint']")
    page.call("keyboard.press", "Enter")
    page.shows("dialog", "a of shop")
    assert page.call("evaluate", "document.activeElement.value") == "no", "nothing happens by a second Enter"
    page.call("keyboard.press", "Escape")
    assert page.row("a")["state"] == "up"
    page.call("focus", "[data-key='shop/a/maint']")
    page.call("keyboard.press", "Enter")
    page.call("keyboard.press", "Shift+Tab")
    page.call("keyboard.press", "Enter")
    wait_until(lambda: page.row("a")["state"] == "maint", "a is taken out")
    page.is_quiet()


def test_the_token_is_asked_for_and_kept_for_the_tab():
    (a, b, c), p = shop(token=TOKEN)
    page = Page(p)
    page.shows("main", "Token of the admin interface")
    page.picture("token")
    page.call("fill", "#token", "wrong-wrong-wrong")
    page.call("keyboard.press", "Enter")
    page.shows("main", "Token of the admin interface")
    page.call("fill", "#token", TOKEN)
    page.call("keyboard.press", "Enter")
    page.shows("#services", "shop")
    page.shows("#said", "live")
    page.call("reload")
    page.shows("#services", "shop")
    page.call("click", "[data-key='shop/b/maint']")
    page.call("click", "dialog button[value=yes]")
    wait_until(lambda: page.row("b")["state"] == "maint", "changes go with the token")


def test_a_phone_and_the_dark():
    (a, b, c), p = shop()
    page = Page(p, colorScheme="dark", **PHONE)
    page.shows("#services", "shop")
    wide = page.call("evaluate", "document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} pixels stick out"
    assert page.call("evaluate", "getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)"
    page.picture("phone-dark")
    page.is_quiet()


def test_what_comes_from_traffic_is_text():
    """A service's name is the operator's; a key, a path and evidence are anybody's."""
    (a, b, c), p = shop()
    page = Page(p)
    page.shows("#said", "live")
    nasty = '<img src=x onerror="document.title=1">'
    page.call("fill", "#explain-key", nasty)
    page.call("keyboard.press", "Enter")
    page.shows("#explained", "chosen")
    page.call("evaluate", f"fetch('/explain?service=' + encodeURIComponent({json.dumps(nasty)}) + '&key=1')")
    assert page.call("evaluate", "document.querySelectorAll('main img').length") == 0
    assert page.call("evaluate", "document.title") == "Holdfast n1"


def test_a_cluster_shows_its_nodes_and_master():
    c = Cluster("abc", voters="abc")
    master = c.wait_master()
    page = Page(c.nodes["a"])
    page.shows("#cluster", f"master: {master}")
    rows = page.call("evaluate", "[...document.querySelectorAll('#cluster tbody tr')].map(r => r.innerText)")
    assert [r.split()[0] for r in rows] == ["a", "b", "c"] and sum("master" in r for r in rows) == 1, rows
    page.shows("#cluster", "disagreements 0")
    page.picture("cluster")
    page.is_quiet()


def test_without_scripts_there_are_tables():
    (a, b, c), p = shop()
    page = Page(p, javaScriptEnabled=False)
    assert "shop" in page.text("main") and text_of(a.address) in page.text("main")
    page.picture("plain")


def test_a_node_that_goes_is_said_and_one_that_comes_back_is_shown():
    (a, b, c), p = shop()
    page = Page(p)
    page.shows("#said", "live")
    p.stop()
    wait_until(lambda: "no answer" in page.text("#said") or "stopped" in page.text("#said"), "it is said")
    p.start()
    page.shows("#said", "live")
    page.shows("#services", "shop")


if __name__ == "__main__":
    install()
    holdfast.main()
