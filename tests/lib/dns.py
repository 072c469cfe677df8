"""A small DNS server for the tests: UDP and TCP, answers by a table that a test changes while it runs.

    d = Dns()
    d.a("app.test", "127.0.0.1", ttl=1)         A or AAAA, by its form; several addresses: several records
    d.srv("_http._tcp.test", (0, 1, 8080, "app.test"), ttl=1)
    d.fail("app.test", "NXDOMAIN")               or SERVFAIL, REFUSED, "silent"
    d.asked("app.test")                          how often

`forge`: a wrong answer, of another id, goes ahead of each right one. `truncate`: over UDP nothing fits.
"""

import socket
import struct
import threading

from holdfast import HOST, free_port, track

A, AAAA, SRV = 1, 28, 33
CODES = {"SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}


def encode(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.rstrip(".").split(".") if p) + b"\0"


class Dns:
    def __init__(self, forge=False, truncate=False):
        self.forge, self.truncate = forge, truncate
        self.records = {}  # (name, type) -> (ttl, [data])
        self.failures = {}
        self.count = {}
        self.tcp_count = 0
        self.lock = threading.Lock()
        while True:
            self.address = (HOST, free_port())
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.udp.bind(self.address)
                self.tcp.bind(self.address)
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(16)
        track(self)
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def text(self):
        return f"{self.address[0]}:{self.address[1]}"

    def a(self, name, *addresses, ttl=1):
        with self.lock:
            self.failures.pop(name, None)
            for kind, family in ((A, socket.AF_INET), (AAAA, socket.AF_INET6)):
                self.records[name, kind] = (ttl, [socket.inet_pton(family, x) for x in addresses if (":" in x) == (kind == AAAA)])

    def srv(self, name, *targets, ttl=1):
        with self.lock:
            self.failures.pop(name, None)
            self.records[name, SRV] = (ttl, [struct.pack("!HHH", *t[:3]) + encode(t[3]) for t in targets])

    def fail(self, name, how):
        with self.lock:
            self.failures[name] = how

    def asked(self, name):
        with self.lock:
            return self.count.get(name, 0)

    def question(self, data):
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1").lower())
            at += 1 + data[at]
        kind, = struct.unpack("!H", data[at + 1:at + 3])
        return ".".join(labels), kind, data[12:at + 5]

    def reply(self, data, udp):
        """Bytes, or None: silence."""
        name, kind, question = self.question(data)
        with self.lock:
            self.count[name] = self.count.get(name, 0) + 1
            how = self.failures.get(name)
            known = any(n == name for n, _ in self.records)
            ttl, found = self.records.get((name, kind), (1, []))
        if how == "silent":
            return None
        code = CODES[how] if how else 0 if known else CODES["NXDOMAIN"]
        if code:
            found = []
        flags = 0x8180 | code
        if udp and self.truncate:
            flags, found = flags | 0x0200, []
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(d)) + d for d in found)
        return data[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question + records

    def serve_udp(self):
        while True:
            try:
                data, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            reply = self.reply(data, True)
            if reply is None:
                continue
            if self.forge:
                _, kind, question = self.question(data)
                if kind == A:
                    bad = struct.pack("!H", struct.unpack("!H", data[:2])[0] ^ 0x5555)
                    self.udp.sendto(bad + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + question + b"\xc0\x0c" +
                                    struct.pack("!HHIH", A, 1, 60, 4) + bytes([127, 6, 6, 6]), peer)
            self.udp.sendto(reply, peer)

    def serve_tcp(self):
        while True:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_connection, args=(sock,), daemon=True).start()

    def serve_connection(self, sock):
        try:
            with sock, sock.makefile("rb") as f:
                while True:
                    head = f.read(2)
                    if len(head) < 2:
                        return
                    self.tcp_count += 1
                    reply = self.reply(f.read(struct.unpack("!H", head)[0]), False)
                    if reply is not None:
                        sock.sendall(struct.pack("!H", len(reply)) + reply)
        except OSError:
            pass

    def stop(self):
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
