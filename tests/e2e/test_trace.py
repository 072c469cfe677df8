"""Trace context (W3C) passes unchanged; with a collector configured, spans by OTLP over HTTP tell what became of each request.

The collector is a server of the test's own, which reads the JSON strictly."""

import http.server
import json
import os
import re
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import Admin, listening
from http2 import Connection as H2Client
from holdfast import HOST, Holdfast, Origin, free_port, wait_until

KEYED = {"keys": ["header:X-Key"], "tag": {"cookie": "HF"}}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
SERVER, CLIENT = 2, 3
ID = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def no_twice(pairs):
    assert len({k for k, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


class Span:
    """One, read by the letter of opentelemetry-proto's JSON mapping."""

    def __init__(self, s, resource):
        allowed = {"traceId", "spanId", "parentSpanId", "traceState", "name", "kind", "flags", "startTimeUnixNano",
                   "endTimeUnixNano", "attributes", "status"}
        assert set(s) <= allowed, set(s) - allowed
        for key, digits in ID.items():
            assert key not in s and key == "parentSpanId" or re.fullmatch(f"[0-9a-f]{{{digits}}}", s[key]), (key, s)
            assert set(s.get(key, "1")) != {"0"}
        assert isinstance(s["kind"], int) and isinstance(s["flags"], int) and s["name"]
        self.begun, self.ended = (self.nanos(s[k]) for k in ("startTimeUnixNano", "endTimeUnixNano"))
        assert self.begun <= self.ended
        assert set(s["status"]) <= {"code"} and s["status"].get("code") in (None, 2)
        self.trace, self.id, self.parent = s["traceId"], s["spanId"], s.get("parentSpanId")
        self.kind, self.name, self.state = s["kind"], s["name"], s.get("traceState")
        self.failed = s["status"].get("code") == 2
        self.resource = resource
        self.of = attributes(s["attributes"])

    @staticmethod
    def nanos(text):
        assert isinstance(text, str) and re.fullmatch(r"\d{19}", text), text
        return int(text)


def attributes(entries):
    found = {}
    for a in entries:
        assert set(a) == {"key", "value"} and len(a["value"]) == 1 and a["key"] not in found, a
        (kind, value), = a["value"].items()
        assert kind in ("stringValue", "intValue") and isinstance(value, str), a
        found[a["key"]] = int(value) if kind == "intValue" else value
    return found


class Collector:
    def __init__(self, address=None, status=200):
        self.address = address or (HOST, free_port())
        self.spans, self.problems, self.posts, self.status = [], [], 0, status
        self.gate = threading.Event()
        self.gate.set()
        self.server = None
        holdfast.track(self)

    @property
    def endpoint(self):
        return f"http://{self.address[0]}:{self.address[1]}/v1/traces"

    def start(self):
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                collector.gate.wait(holdfast.WAIT_S)
                collector.take(self)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(self.address, Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def take(self, request):
        try:
            assert request.path == "/v1/traces" and request.headers["Content-Type"] == "application/json"
            body = request.rfile.read(int(request.headers["Content-Length"]))
            text = json.loads(body.decode("ascii"), object_pairs_hook=no_twice)
            assert set(text) == {"resourceSpans"}
            found = []
            for r in text["resourceSpans"]:
                resource = attributes(r["resource"]["attributes"])
                for scope in r["scopeSpans"]:
                    assert scope["scope"]["name"] == "holdfast"
                    found += [Span(s, resource) for s in scope["spans"]]
            if self.status == 200:
                self.spans += found
        except Exception as e:  # said by stop
            self.problems.append(repr(e))
        self.posts += 1
        try:
            request.send_response(self.status)
            request.send_header("Content-Length", "2")
            request.end_headers()
            request.wfile.write(b"{}")
        except OSError:
            pass  # nobody waits any more

    def wait(self, count):
        wait_until(lambda: len(self.spans) >= count or self.problems, f"{count} spans")
        assert not self.problems, self.problems
        assert len(self.spans) == count, [(s.kind, s.of) for s in self.spans]
        return list(self.spans)

    def end(self):
        self.server.shutdown()
        self.server.server_close()
        self.server = None

    def stop(self):
        self.gate.set()
        if self.server is not None:
            self.end()
        assert not self.problems, self.problems


def tracing(collector, one_in=0):
    return {**listening(), "node": "n1", "trace": {"endpoint": collector.endpoint, "one_in": one_in}}


def told(response, name="traceparent"):
    """What the member got."""
    return [v for n, v in response.json["fields"] if n.lower() == name]


# ---- passing on ---------------------------------------------------------------------------------


VALUES = ([SAMPLED], [f"00-{TRACE}-{PARENT}-00"], [SAMPLED, f"00-{PARENT * 2}-{PARENT}-00"], ["rubbish"], ["00-" + "0" * 32 + f"-{PARENT}-01"],
          [f"cc-{TRACE}-{PARENT}-01-what.comes-later"])


def test_trace_context_passes_unchanged():
    """By HTTP/1.1 and HTTP/2; several, invalid and later ones as they came: nothing is asked of it."""
    p = Holdfast([Origin("a")])
    for values in VALUES:
        fields = [("Traceparent", v) for v in values] + [("tracestate", "a=1 , b=2"), ("TraceState", "c=3")]
        r = p.once(fields=fields)
        assert told(r) == values and told(r, "tracestate") == ["a=1 , b=2", "c=3"], r.json
        with H2Client(p.address) as c:
            r = c.get("/", fields=[(n.lower(), v) for n, v in fields])
            assert told(r) == values and told(r, "tracestate") == ["a=1 , b=2", "c=3"], r.json


def test_who_is_not_chosen_passes_unchanged_and_leaves_no_span():
    collector = Collector().start()
    p = Holdfast([Origin("a")], top=tracing(collector))
    r = p.once(fields=[("traceparent", f"00-{TRACE}-{PARENT}-00"), ("tracestate", "a=1")])
    assert told(r) == [f"00-{TRACE}-{PARENT}-00"] and told(r, "tracestate") == ["a=1"]
    assert told(p.once()) == []
    assert told(p.once(fields=[("traceparent", "rubbish")])) == ["rubbish"]
    p.once("/last", fields=[("traceparent", SAMPLED)])
    spans = collector.wait(2)
    assert {s.of.get("url.path") for s in spans} == {"/last", None}


# ---- spans --------------------------------------------------------------------------------------


def test_a_failover_is_a_tree_of_spans():
    collector = Collector().start()
    a, b = Origin("a"), Origin("b")
    p = Holdfast([a, b], session=KEYED, top=tracing(collector), passive={"retry": "1h"})
    key = [("X-Key", "k")]
    first = p.once(fields=key)
    home, other = (a, b) if first.id == "a" else (b, a)
    tag = [("Cookie", first.fields.get("Set-Cookie").split(";")[0])]
    home.go()
    r = p.once("/cart?sid=secret", fields=key + tag + [("traceparent", SAMPLED), ("tracestate", "a=1"), ("tracestate", "b=2")])
    assert r.id == other.id
    spans = collector.wait(3)
    server, = [s for s in spans if s.kind == SERVER]
    failed, served = sorted((s for s in spans if s.kind == CLIENT), key=lambda s: s.begun)
    assert {s.trace for s in spans} == {TRACE} and len({s.id for s in spans} | {PARENT}) == 4
    assert server.parent == PARENT and failed.parent == served.parent == server.id
    assert {s.state for s in spans} == {"a=1,b=2"} and {s.name for s in spans} == {"GET"}
    assert server.begun <= failed.begun <= failed.ended <= served.begun <= served.ended <= server.ended
    # The member is a child of the attempt that reached it.
    assert told(r) == [f"00-{TRACE}-{served.id}-01"] and told(r, "tracestate") == ["a=1", "b=2"]
    logged = p.wait_request(target="/cart?sid=secret")
    expected = {"http.request.method": "GET", "http.response.status_code": 200, "url.scheme": "http", "url.path": "/cart",
                "server.address": f"{p.address[0]}:{p.address[1]}", "client.address": logged["client"].rsplit(":", 1)[0],
                "network.protocol.version": "1.1", "holdfast.affinity": "failover", "holdfast.cause": "done",
                "holdfast.session": logged["session"], "holdfast.service": "shop", "holdfast.member": other.id,
                "holdfast.primary": home.id, "holdfast.request_id": logged["request_id"]}
    assert server.of == expected, server.of
    assert not server.failed and failed.failed and not served.failed
    assert failed.of["holdfast.member"] == home.id and failed.of["holdfast.rank"] == 0
    assert failed.of["holdfast.reason"] == failed.of["error.type"] == "connect_refused"
    assert failed.of["server.address"] == holdfast.text_of(home.address) and "http.response.status_code" not in failed.of
    assert served.of["holdfast.member"] == other.id and served.of["holdfast.rank"] == 1
    assert served.of["http.response.status_code"] == 200 and served.of["http.request.resend_count"] == 1
    assert served.of["holdfast.cause"] == "done" and served.of["holdfast.affinity"] == "failover"
    assert server.resource["service.name"] == "holdfast" and server.resource["service.instance.id"] == "n1"
    # The secret of the query is in no span.
    assert not any("secret" in str(s.of) for s in spans)


def test_requests_without_a_parent_are_sampled_and_errors_are_told():
    collector = Collector().start()
    a = Origin("a", behave=holdfast.silent)
    p = Holdfast([a], top=tracing(collector, one_in=1), timeouts={"first_byte": "100ms"}, service={"hosts": ["shop.example"]})
    assert p.once(host="shop.example", method="POST", body=b"x", fields=[("traceparent", "rubbish"), ("tracestate", "a=1")]).status == 504
    assert p.once("/nowhere").status == 404
    spans = collector.wait(3)
    late, = [s for s in spans if s.of.get("holdfast.cause") == "member_first_byte" and s.kind == SERVER]
    attempt, = [s for s in spans if s.kind == CLIENT]
    nowhere, = [s for s in spans if s.of.get("url.path") == "/nowhere"]
    assert late.failed and late.of["error.type"] == "member_first_byte" and late.of["http.response.status_code"] == 504
    assert attempt.parent == late.id and attempt.trace == late.trace and attempt.failed
    assert attempt.of["error.type"] == "first_byte_timeout"
    assert nowhere.parent is None and not nowhere.failed and nowhere.of["holdfast.cause"] == "no_service"
    assert nowhere.trace != late.trace and late.parent is None and late.state is None
    # A parent that is none is not passed on, nor the state without it.
    request, = a.requests
    passed = [v for n, v in request.fields if n.lower() in ("traceparent", "tracestate")]
    assert passed == [f"00-{late.trace}-{attempt.id}-01"]


def test_over_http2():
    collector = Collector().start()
    p = Holdfast([Origin("a")], top=tracing(collector))
    with H2Client(p.address) as c:
        r = c.get("/", fields=[("traceparent", SAMPLED)])
    spans = collector.wait(2)
    server, = [s for s in spans if s.kind == SERVER]
    client, = [s for s in spans if s.kind == CLIENT]
    assert server.of["network.protocol.version"] == "2" and told(r) == [f"00-{TRACE}-{client.id}-01"]


def test_one_in_many():
    collector = Collector().start()
    p = Holdfast([Origin("a")], top=tracing(collector, one_in=4))
    with p.client() as c:
        chosen = sum(bool(told(c.get())) for _ in range(400))
    assert 40 < chosen < 180, "about a hundred"
    collector.wait(2 * chosen)


# ---- a collector that is away -------------------------------------------------------------------


def test_nothing_but_spans_is_lost_without_a_collector():
    collector = Collector()
    p = Holdfast([Origin("a")], top=tracing(collector, one_in=1))
    admin = Admin(p)
    spans = lambda result: admin.metrics().value("holdfast_spans_total", result=result)
    for n in range(3):
        assert p.once(f"/{n}").status == 200
        wait_until(lambda: spans("refused") == 2 * n + 2, "what nobody took is counted")
    assert p.stderr.count("spans are lost") == 1, "said once"
    collector.start()
    assert p.once("/seen").status == 200
    assert {s.of.get("url.path") for s in collector.wait(2)} == {"/seen", None}
    wait_until(lambda: "takes spans again" in p.stderr, "said once more")
    assert spans("sent") == 2 and spans("refused") == 6
    collector.status = 503
    assert p.once().status == 200
    wait_until(lambda: "answers 503" in p.stderr and spans("refused") == 8, "an answer that is no yes")


def test_a_collector_that_hangs_holds_nobody_up():
    """The queue has a bound: more is dropped and counted; what the process still holds goes when it ends."""
    collector = Collector().start()
    collector.gate.clear()
    p = Holdfast([Origin("a")], top=tracing(collector, one_in=1))
    admin = Admin(p)
    with p.client() as c:
        for n in range(1400):
            assert c.get(f"/{n}").status == 200
    wait_until(lambda: admin.metrics().value("holdfast_spans_total", result="dropped") > 0, "the queue is full")
    collector.gate.set()
    p.stop()
    assert len(collector.spans) > 0 and len({s.id for s in collector.spans}) == len(collector.spans)


def test_reload_turns_it_on_and_off():
    collector = Collector().start()
    p = Holdfast([Origin("a")], top=listening())
    with open(p.conf_path) as f:
        plain = f.read()
    assert told(p.once(fields=[("traceparent", SAMPLED)])) == [SAMPLED]
    for on in (True, False):
        with open(p.conf_path, "w") as f:
            f.write(plain + (f'trace = {{ endpoint = "{collector.endpoint}"; }};\n' if on else ""))
        Admin(p).post("/reload")
        r = p.once(fields=[("traceparent", SAMPLED)])
        assert (told(r) == [SAMPLED]) != on
    collector.wait(2)
    p.signal(signal.SIGUSR1)


def test_what_is_no_collector_is_refused():
    for endpoint in ("https://127.0.0.1:4318/v1/traces", "127.0.0.1:4318", "http://collector:4318/", "http://127.0.0.1/",
                     "http://127.0.0.1:4318/a b"):
        p = Holdfast([Origin("a")], top={"trace": {"endpoint": endpoint}}, start=False)
        code, out, err = holdfast.holdfast("check", "-c", p.conf_path)
        assert code != 0 and "trace.endpoint" in out + err, (endpoint, out, err)


if __name__ == "__main__":
    holdfast.main()
