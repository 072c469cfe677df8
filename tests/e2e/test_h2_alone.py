"""listeners[].http1 = false: HTTP/2 alone, in the clear, over TLS and behind a PROXY header."""

import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import HOST, Client, Ended, Holdfast, Origin, free_port, text_of
from http2 import PROTOCOL_ERROR, Connection, SecureConnection
from tls import Authority, TlsClient

PROXY = b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 80\r\n"


class Behind(Connection):
    """One that a proxy names."""

    def begin(self, *more):
        self.send(PROXY)
        super().begin(*more)


def test_http1_is_closed():
    a, root = Origin("a"), Authority()
    plain, secure, behind = [(HOST, free_port()) for _ in range(3)]
    own = root.issue("shop.example").conf()
    p = Holdfast([a], address=plain, top={"listeners": [
        {"address": text_of(plain), "http1": False},
        {"address": text_of(secure), "http1": False, "tls": {"certificates": [own]}},
        {"address": text_of(behind), "http1": False, "proxy_protocol": ["127.0.0.0/8"]}]})
    for c in (Connection(plain), SecureConnection(secure, root), Behind(behind)):
        with c:
            assert c.get("/").status == 200
    seen = len(a.requests)
    for address, first in ((plain, b""), (behind, PROXY)):
        with Connection(address, begin=False) as c:
            c.send(first + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert c.until_closed() in (None, PROTOCOL_ERROR)
    with TlsClient(secure, root) as c:  # it names no protocol
        try:
            c.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            assert c.rest() == b""
        except Ended:
            pass
    try:
        TlsClient(secure, root, alpn=["http/1.1"])
        raise AssertionError("http/1.1 was agreed upon")
    except (ssl.SSLError, ConnectionResetError):
        pass
    with Client(secure) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert c.rest().startswith(b"HTTP/1.1 400 ")
    assert len(a.requests) == seen
    with SecureConnection(secure, root) as c:
        assert c.get("/").status == 200


if __name__ == "__main__":
    holdfast.main()
