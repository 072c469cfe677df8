"""The access log: every affinity outcome and cause, in JSON and in the combined form, read as others read it."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Holdfast, Origin, closing, libconfig, wait_until

FIELDS = ["ts", "client", "service", "method", "target", "host", "protocol", "status", "bytes", "request_bytes",
          "duration_ms", "first_byte_ms", "queue_ms", "connect_ms", "affinity", "cause", "session", "member", "primary", "attempts",
          "request_id", "point"]

# Logstash's COMBINEDAPACHELOG with its parts written out (logstash-patterns-core, ECS version 1).
GROK = re.compile(
    r'(?P<client>\S+) (?P<ident>[a-zA-Z0-9._-]+) (?P<user>\S+) '
    r'\[(?P<time>\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] '
    r'"(?:(?P<method>\w+) (?P<target>\S+)(?: HTTP/(?P<version>\d\.\d))?|(?P<raw>[^"]*))" '
    r'(?:-|(?P<status>\d{3})) (?:-|(?P<bytes>\d+)) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"')
# The usual one of Apache's documentation and of most scripts: quotes within fields are escaped.
ESCAPES = re.compile(
    r'^(\S+) (\S+) (\S+) \[([\w:/]+\s[+\-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) '
    r'"((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')
OURS = re.compile(r" (new|hit|failover|failback|pass|spill|none) ([a-z_]+) (\S+) ([0-9a-f]{8}|-) (\d+\.\d{3})$")


def logging(origins, log, **more):
    p = Holdfast(origins, start=False, **more)
    p.conf["log"].update(log)
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))
    p.start()
    return p


def combined(p, count):
    """That many lines, as both parsers and ours read them: (grok, escapes, ours)."""
    lines = wait_until(lambda: len(p.lines(p.access_path)) >= count and p.lines(p.access_path), f"{count} lines")
    assert len(lines) == count, lines
    found = [(GROK.match(line), ESCAPES.match(line), OURS.search(line)) for line in lines]
    for line, three in zip(lines, found):
        assert all(three) and three[0].end() == three[1].end() == three[2].start(), line
    return [(g.groupdict(), e.groups(), o.groups()) for g, e, o in found]


def drive(p, origins):
    """A session that is new, stays, moves and comes back; a request that is none. (home, backup)"""
    def get(c, target, tag=None):
        return c.get(target, host="shop.example", fields=[("Cookie", f"HOLDFAST={tag}")] if tag else [])

    with p.client() as c:
        r = get(c, "/first?x=1")
        tag = r.cookies()["HOLDFAST"]
        assert get(c, "/second", tag).id == r.id
        home = next(o for o in origins if o.id == r.id)
        home.go()
        moved = get(c, "/third", tag)
        assert moved.id != home.id
        tag = moved.cookies()["HOLDFAST"]
        home.come_back()
        wait_until(lambda: get(c, "/poll", tag).id == home.id, "failback")
        assert c.get("/nothing", host="other.example").status == 404
    return home.id, moved.id


def test_json_has_every_outcome():
    origins = [Origin(i) for i in "abc"]
    p = Holdfast(origins, session={"failback": "return"}, service={"hosts": ["shop.example"]}, passive={"retry": "100ms"})
    home, backup = drive(p, origins)
    p.stop()
    lines = p.requests()
    assert all(list(e) == FIELDS for e in lines)
    first, second, third = lines[:3]
    back = next(e for e in lines if e["target"] == "/poll" and e["affinity"] == "failback")
    nothing = lines[-1]
    assert [e["affinity"] for e in (first, second, third, back, nothing)] == ["new", "hit", "failover", "failback", "none"]
    assert [e["member"] for e in (first, second, third, back, nothing)] == [home, home, backup, home, None]
    assert {e["session"] for e in lines[:-1]} == {p.events("assigned")[0]["session"]} and nothing["session"] is None
    assert third["request_id"] == p.events("failover")[0]["request_id"] and third["primary"] == home
    assert third["attempts"] == 2 and first["attempts"] == 1 and nothing["attempts"] == 0
    assert {e["cause"] for e in lines[:-1]} == {"done"} and nothing["cause"] == "no_service"
    for e in lines[:-1]:
        assert 0 <= e["connect_ms"] <= e["first_byte_ms"] <= e["duration_ms"], e
        assert e["protocol"] == "HTTP/1.1" and e["status"] == 200 and e["bytes"] > 0 and e["service"] == "shop"
    assert first["connect_ms"] > 0 and second["connect_ms"] == 0, "the second took the first one's connection"
    assert nothing["connect_ms"] is nothing["first_byte_ms"] is None and nothing["status"] == 404


def test_combined_is_read_by_others():
    origins = [Origin(i) for i in "abc"]
    p = logging(origins, {"access_format": "combined"})
    with p.client() as c:
        c.get("/a?b=c", fields=[("Referer", "http://x/?y"), ("User-Agent", "Mozilla/5.0 (X11; \"Q\") \\ Gecko")])
        c.get("/b", method="POST", body=b"12345")
        c.get("/c", method="HEAD")
    with p.client() as c:
        c.send(b"NO\x01HTTP\r\n\r\n")
        assert c.response().status == 400
    first, second, third, bad = combined(p, 4)
    grok, escapes, ours = first
    assert grok["client"] == "127.0.0.1" and grok["method"] == "GET" and grok["target"] == "/a?b=c"
    assert grok["version"] == "1.1" and grok["status"] == "200" and int(grok["bytes"]) > 0
    assert grok["referer"] == "http://x/?y" and grok["agent"] == "Mozilla/5.0 (X11; \\x22Q\\x22) \\x5c Gecko"
    assert escapes[4] == "GET /a?b=c HTTP/1.1" and escapes[8] == grok["agent"]
    assert ours[:2] == ("new", "done") and ours[2] in "abc" and ours[3] != "-"
    assert second[0]["method"] == "POST" and second[0]["referer"] == second[0]["agent"] == "-"
    assert third[0]["method"] == "HEAD" and third[0]["bytes"] == "0"
    assert bad[0]["raw"] == "-" and bad[0]["status"] == "400" and bad[2] == ("none", "client_bad_request", "-", "-",
                                                                           bad[2][4])


def test_nothing_that_clients_send_leaves_its_field():
    p = logging([Origin("a")], {"access_format": "combined"})
    agents = ['" 500 0 "-" "x" hit done z 00000000 0.000', "\\", '\\"', "a\tb", "é\xff\x80", "-", "%s%n", "[]", " "]
    with p.client() as c:
        for agent in agents:
            c.get("/" + "x" * 3000, fields=[("User-Agent", agent), ("Referer", agent)])
    for agent, (grok, _, ours) in zip(agents, combined(p, len(agents))):
        assert grok["status"] == "200" and ours[:3] == ("new", "done", "a")
        assert grok["target"] == "/" + "x" * 1023, "cut to 1,024 bytes"
        want = "".join(c if " " <= c < "\x7f" and c not in '"\\' else f"\\x{ord(c):02x}" for c in agent.strip(" "))
        assert grok["agent"] == grok["referer"] == (want or "-"), agent


def test_queries_may_be_kept_out():
    for form in ("json", "combined"):
        p = logging([Origin("a")], {"access_format": form, "access_query": False},
                    session={"keys": ["query:sid"]})
        assert p.once("/x?sid=secret", fields=[("Referer", "http://y/z?sid=secret")]).json["target"] == "/x?sid=secret"
        p.stop()
        line, = p.lines(p.access_path)
        assert "secret" not in line and "/x" in line, line
        if form == "json":
            assert json.loads(line)["target"] == "/x"
        else:
            assert GROK.match(line)["target"] == "/x" and GROK.match(line)["referer"] == "http://y/z"


def test_an_answer_that_never_came():
    p = Holdfast([Origin("a", closing)])
    assert p.once("/", method="POST", body=b"x").status == 502
    e = p.wait_request(cause="member_closed")
    assert e["first_byte_ms"] is None and e["status"] == 502 and e["member"] is None and e["request_bytes"] == 1


if __name__ == "__main__":
    holdfast.main()
