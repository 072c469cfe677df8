"""The PROXY protocol towards members: see proxy/base/proxy_out.h."""

import os
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import CHECKED, Holdfast, Origin, answer_json, libconfig, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def read_v1(wire):
    words = wire.until(b"\r\n").decode().split()
    assert words[0] == "PROXY"
    return None if words[1] == "UNKNOWN" else (words[2], int(words[4]))


def read_v2(wire):
    head = wire.take(16)
    assert head[:12] == SIGNATURE and head[12] in (0x20, 0x21), head
    body = wire.take(struct.unpack("!H", head[14:])[0])
    if head[12] == 0x20 or head[13] == 0:
        return None
    family, size = (socket.AF_INET, 4) if head[13] == 0x11 else (socket.AF_INET6, 16)
    return socket.inet_ntop(family, body[:size]), struct.unpack("!H", body[2 * size:2 * size + 2])[0]


class Told(Origin):
    """Reads the header of each connection; headers: of all of them, in order."""

    def __init__(self, id, read, behave=None, **more):
        self.headers = []
        super().__init__(id, behave, **more)
        def accepted(connection):
            connection.client = read(connection.wire)
            self.headers.append(connection.client)
        self.on_accept = accepted


def telling(version, members, **more):
    return Holdfast(members, service={"proxy_protocol": version}, **more)


def test_the_client_is_told():
    for version, read in (("v1", read_v1), ("v2", read_v2)):
        a = Told("a", read)
        p = telling(version, [a], workers=2)
        for source in ("127.9.8.7", "127.9.8.8"):
            with p.client(source=source) as c:
                port = c.sock.getsockname()[1]
                for _ in range(3):
                    assert c.get().status == 200
                    assert a.headers[-1] == (source, port)
        assert len(a.headers) == 6, "a connection a request"
        holdfast.finish()


def test_no_connection_carries_another_client():
    def behave(connection, request):
        wrong = connection.client[0] != request.fields.get("X-Source")
        return answer_json(connection, request) if not wrong else connection.answer(500)
    a = Told("a", read_v2, behave)
    p = telling("v2", [a], workers=2)
    clients = [(s, p.client(source=s)) for s in ("127.1.1.1", "127.1.1.2", "127.1.1.3")]
    for n in range(30):
        source, c = clients[n % 3]
        assert c.get(fields=[("X-Source", source)], method="POST" if n % 2 else "GET", body=b"x" if n % 2 else None).status == 200


def test_checks_speak_for_themselves():
    for version, read in (("v1", read_v1), ("v2", read_v2)):
        a = Told("a", read)
        telling(version, [a], health=CHECKED)
        wait_until(lambda: a.probes >= 3, "checks are answered")
        assert set(a.headers) == {None}
        holdfast.finish()


def test_the_client_that_a_trusted_proxy_names():
    a = Told("a", read_v1)
    p = telling("v1", [a], top={"forwarded": {"trusted": ["127.0.0.0/8"]}})
    for client in ("192.0.2.7", "2001:db8::7"):
        p.once(fields=[("X-Forwarded-For", client)])
        assert a.headers[-1] == (client, 0), a.headers


def test_a_reload_turns_it_on():
    """Connections from before, which named nobody, are not used any more."""
    a = Origin("a")
    p = Holdfast([a])
    with p.client() as c:
        assert c.get().status == 200
        def accepted(connection):
            connection.client = read_v1(connection.wire)
        a.on_accept = accepted
        p.conf["services"][0]["proxy_protocol"] = "v1"
        with open(p.conf_path, "w") as f:
            f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))
        p.signal(signal.SIGHUP)
        p.wait_event("reload")
        before = a.accepted
        assert c.get().status == 200 and a.accepted == before + 1


if __name__ == "__main__":
    holdfast.main()
