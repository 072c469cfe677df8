"""`holdfast doctor`: members that can be connected to and do not answer as configured, a collector of spans that is not there."""

import http.server
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from h2_origin import H2Origin
from holdfast import HOST, BlackHole, Origin, answering, free_port, text_of
from test_doctor import asleep, doctor, lines
from test_trace import Collector
from tls import Authority, TlsOrigin, server_context


class Server:
    """A usual server of HTTP/1.1, which answers what is none with 400. context: behind TLS; then what comes without
    is answered as nginx and Apache do."""

    def __init__(self, id, context=None):
        self.id = id

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                if context is not None and self.request.recv(1, socket.MSG_PEEK) == b"\x16":
                    self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self):
                plain = context is not None and not hasattr(self.request, "cipher")
                self.send_response(400 if plain else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Threads(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # of handshakes that fail
        self.server = Threads((HOST, free_port()), Handler)
        self.address = self.server.server_address
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.problems = []
        holdfast.track(self)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def puzzled(origin):
    """An origin that is asked in ways it does not speak, as it is to be."""
    class Nowhere(list):
        def append(self, _):
            pass
    origin.problems = Nowhere()
    return origin


def certified(alpn=None):
    context = server_context(Authority().issue("app.example"))
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    return context


def member_line(m, **service):
    """(grade, text behind "a of shop: ADDRESS ", status) of a service with one member."""
    p = asleep([{"id": "a", "origin": text_of(m.address)}], service=service)
    status, out, _ = doctor(p)
    (grade, text), = [(f[0], f[2]) for f in lines(out) if f[1] == "member"]
    ahead = f"a of shop: {text_of(m.address)} "
    assert text.startswith(ahead), text
    return grade, text[len(ahead):], status


HEALTH = {"path": "/healthz"}
OFF = {"enabled": False}


def test_a_health_path_that_is_not_there():
    a = Origin("a", probe=answering(404, b""))
    assert member_line(a, health=HEALTH) == ("warning", "answers GET /healthz with status 404, and 200 to 399 are well", 0)
    assert member_line(a, health={**HEALTH, "expect_low": 404, "expect_high": 404}) == ("ok", "answers", 0)
    assert a.probes == 2, "each is asked once"


def test_a_health_path_over_http2():
    a = H2Origin("a", probe=lambda s: s.answer(503, b""))
    assert member_line(a, protocol="h2", health=HEALTH) == (
        "warning", "answers GET /healthz with status 503, and 200 to 399 are well", 0)
    assert member_line(H2Origin("a"), protocol="h2", health=HEALTH) == ("ok", "answers", 0)


def test_http1_where_http2_is_configured():
    for health in (HEALTH, OFF):
        told = member_line(Server("a"), protocol="h2", health=health)
        assert told == ("warning", "speaks HTTP/1.1, and HTTP/2 is configured", 0), told


def test_http2_where_http1_is_configured():
    for health in (HEALTH, OFF):
        told = member_line(puzzled(H2Origin("a")), health=health)
        assert told == ("warning", "speaks HTTP/2, and HTTP/1.1 is configured", 0), told


def test_tls_where_none_is_configured():
    for health in (HEALTH, OFF):
        for server in (Server("a", certified()), TlsOrigin("a", certified())):
            told = member_line(server, health=health)
            assert told == ("warning", "speaks HTTP/1.1 over TLS, and HTTP/1.1 is configured", 0), told
    told = member_line(H2Origin("a", context=certified("h2")), protocol="h2", health=HEALTH)
    assert told == ("warning", "speaks HTTP/2 over TLS, and HTTP/2 is configured", 0), told


def test_no_tls_where_it_is_configured():
    for health in (HEALTH, OFF):
        told = member_line(Server("a"), tls={"enabled": True, "verify": False}, health=health)
        assert told == ("warning", "speaks HTTP/1.1, and HTTP/1.1 over TLS is configured", 0), told


def test_tls_without_http2_where_that_is_configured():
    told = member_line(Server("a", certified()), tls={"enabled": True, "verify": False}, protocol="h2")
    assert told == ("warning", "speaks HTTP/1.1 over TLS, and HTTP/2 over TLS is configured", 0), told


def test_a_certificate_that_nobody_trusts():
    server = TlsOrigin("a", certified())
    grade, text, status = member_line(server, tls={"enabled": True, "ca": Authority().file, "name": "app.example"}, health=HEALTH)
    assert (grade, status) == ("warning", 0) and text.startswith("does not answer by HTTP/1.1 over TLS: TLS: "), text


def test_a_member_that_accepts_and_says_nothing():
    """It is bounded in time, and said only where a check would find it."""
    hole = puzzled(Origin("hole", probe=lambda connection, request: connection.wait_end()))
    grade, text, status = member_line(hole, health={**HEALTH, "timeout": "100ms"})
    assert (grade, text, status) == ("warning", "does not answer by HTTP/1.1: no answer in time", 0)


def test_without_a_health_path_only_the_protocol_counts():
    for status in (404, 500, 400):
        assert member_line(puzzled(Origin("a", answering(status, b""))), health=OFF) == ("ok", "answers", 0)


def test_many_members_at_once():
    good, bad = Origin("good"), Origin("bad", probe=answering(404, b""))
    members = [{"id": f"m{n}", "origin": text_of((bad if n % 3 == 0 else good).address)} for n in range(90)]
    status, out, _ = doctor(asleep(members, service={"health": HEALTH}))
    told = [f for f in lines(out) if f[1] == "member"]
    assert status == 0 and [f[0] for f in told] == ["warning" if n % 3 == 0 else "ok" for n in range(90)]
    assert all(f[2].startswith(f"m{n} of shop: ") for n, f in enumerate(told))


# ---- the collector ------------------------------------------------------------------------------


def trace_line(endpoint):
    status, out, _ = doctor(asleep([Origin("a")], top={"trace": {"endpoint": endpoint}}))
    (grade, text), = [(f[0], f[2]) for f in lines(out) if f[1] == "trace"]
    assert status == 0 and text.startswith(endpoint), text
    return grade, text[len(endpoint):]


def test_a_collector():
    c = Collector().start()
    assert trace_line(c.endpoint) == ("ok", " takes spans")
    assert c.posts == 1 and not c.spans


def test_a_collector_that_is_not_there():
    assert trace_line(f"http://{HOST}:{free_port()}/v1/traces") == ("warning", ": Connection refused: spans would be lost")


def test_a_collector_that_takes_no_spans():
    c = Collector(status=404).start()
    assert trace_line(c.endpoint) == ("warning", " answers 404: spans would be lost")


def test_a_collector_that_hangs():
    hole = BlackHole("hole")
    holdfast.track(hole)
    assert trace_line(f"http://{text_of(hole.address)}/v1/traces") == ("warning", ": Connection timed out: spans would be lost")


if __name__ == "__main__":
    holdfast.main()
