"""Members that speak HTTP/2: a server on the frames of http2.py, so that a test can answer, refuse and break
as no library would.

    a = H2Origin("a", behave)               behave(s): once the head of a stream is there, in a thread of its own
        s.respond(200, fields)              s.data(b"...")  s.end()  s.reset(CANCEL)
        s.read_body()                       to its end; s.trailers is there then
        s.connection.frame(GOAWAY, ...)     any frame at all
"""

import ssl
import struct
import sys
import threading

import holdfast
from holdfast import Ended, Fields, Origin
from http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
                   MAX_CONCURRENT_STREAMS, NO_ERROR, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_BYTES,
                   WINDOW_UPDATE, block, frame, hpack, settings)


class ServerStream:
    """A request, and its answer."""

    def __init__(self, connection, id, fields, ended):
        self.connection = connection
        self.origin = connection.origin
        self.id = id
        self.pseudo = dict((n, v) for n, v in fields if n.startswith(":"))
        self.fields = Fields((n, v) for n, v in fields if not n.startswith(":"))
        self.method = self.pseudo.get(":method")
        self.target = self.pseudo.get(":path")
        self.trailers = Fields()
        self.body = bytearray()
        self.ended = ended
        self.code = None   # of a RST_STREAM that came
        self.window = connection.initial
        self.updates = connection.updates

    def wait(self, what):
        """Until what() is true; Ended when the connection or the stream ends before."""
        c = self.connection
        with c.changed:
            while not what():
                if c.over or self.code is not None:
                    raise Ended(b"")
                if not c.changed.wait(holdfast.TEST_LIMIT_S):
                    raise AssertionError(f"stream {self.id}: nothing came")

    def read_body(self):
        self.wait(lambda: self.ended)
        return bytes(self.body)

    def until_reset(self):
        c = self.connection
        with c.changed:
            while self.code is None and not c.over:
                assert c.changed.wait(holdfast.TEST_LIMIT_S)
        return self.code

    def respond(self, status=200, fields=(), end=False):
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.connection.frame(HEADERS, flags, self.id, block([(":status", str(status)), *fields]))

    def data(self, body, end=False):
        c, at = self.connection, 0
        while at < len(body):
            self.wait(lambda: self.window > 0 and c.window > 0)
            with c.changed:
                take = min(self.window, c.window, 16384, len(body) - at)
                self.window -= take
                c.window -= take
            last = at + take == len(body)
            c.frame(DATA, END_STREAM if end and last else 0, self.id, body[at:at + take])
            at += take
        if end and not body:
            self.end()

    def end(self, trailers=None):
        if trailers is None:
            self.connection.frame(DATA, END_STREAM, self.id)
        else:
            self.connection.frame(HEADERS, END_HEADERS | END_STREAM, self.id, block(trailers))

    def answer(self, status=200, body=b"", fields=(), trailers=None, length=True):
        if length:
            fields = [*fields, ("content-length", str(len(body)))]
        self.respond(status, fields, end=not body and trailers is None)
        if body:
            self.data(body, end=trailers is None)
        if trailers is not None:
            self.end(trailers)

    def reset(self, code):
        self.connection.frame(RST_STREAM, 0, self.id, struct.pack("!I", code))


class ServerConnection:
    def __init__(self, origin, held):
        self.origin = origin
        self.number = held.number
        self.wire = held.wire
        self.lock = threading.Lock()
        self.changed = threading.Condition()
        self.decoder = hpack.Decoder()
        self.streams = {}
        self.window = WINDOW_BYTES
        self.initial = WINDOW_BYTES
        self.their = {}
        self.goaway = None
        self.over = False
        self.updates = True
        self.resets = 0
        self.pongs = []
        self.open_most = 0

    def send(self, data):
        with self.lock:
            self.wire.sock.sendall(data)

    def frame(self, type, flags=0, stream=0, payload=b""):
        try:
            self.send(frame(type, flags, stream, payload))
        except OSError:
            raise Ended(b"") from None

    def goodbye(self, last, code=NO_ERROR):
        self.frame(GOAWAY, 0, 0, struct.pack("!II", last, code))

    def close(self):
        self.wire.sock.shutdown(2)

    def read_frame(self):
        head = self.wire.take(9)
        high, low, type, flags, stream = struct.unpack("!BHBBI", head)
        return type, flags, stream & 0x7fffffff, self.wire.take(high << 16 | low)

    def serve(self):
        if self.wire.take(len(PREFACE)) != PREFACE:
            self.origin.problems.append("no preface")
            return
        if self.origin.greet(self) is False:
            return
        while True:
            self.on_frame(*self.read_frame())

    def on_frame(self, type, flags, id, payload):
        if type == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack("!HI", payload[at:at + 6])
                self.their[key] = value
            self.initial = self.their.get(INITIAL_WINDOW_SIZE, WINDOW_BYTES)
            self.frame(SETTINGS, ACK)
        elif type == PING and not flags & ACK:
            self.frame(PING, ACK, 0, payload)
        elif type == HEADERS:
            while not flags & END_HEADERS:
                more, flags_more, _, rest = self.read_frame()
                assert more == CONTINUATION
                payload, flags = payload + rest, flags | flags_more & END_HEADERS
            self.on_headers(id, self.decoder.decode(payload), bool(flags & END_STREAM))
        with self.changed:
            s = self.streams.get(id)
            if type == PING and flags & ACK:
                self.pongs.append(payload)
            elif type == WINDOW_UPDATE:
                grows = struct.unpack("!I", payload)[0]
                if id == 0:
                    self.window += grows
                elif s is not None:
                    s.window += grows
            elif type == RST_STREAM:
                self.resets += 1
                if s is not None:
                    s.code = struct.unpack("!I", payload)[0]
            elif type == GOAWAY:
                self.goaway = struct.unpack("!I", payload[4:8])[0]
            elif type == DATA and s is not None:
                s.body += payload
                s.ended |= bool(flags & END_STREAM)
            self.changed.notify_all()
        if type == DATA and payload and self.updates and (s is None or s.updates):
            self.grant(id, len(payload), s is not None and not s.ended)

    def grant(self, id, bytes, stream=True):
        more = struct.pack("!I", bytes)
        self.frame(WINDOW_UPDATE, 0, 0, more)
        if stream:
            self.frame(WINDOW_UPDATE, 0, id, more)

    def on_headers(self, id, fields, ended):
        fields = Fields((n, v) for n, v in fields)
        for name, _ in fields:
            assert name == name.lower() and name not in ("connection", "upgrade", "transfer-encoding", "host",
                                                         "keep-alive"), fields
        s = self.streams.get(id)
        if s is not None:
            assert ended and not any(n.startswith(":") for n, _ in fields), fields
            with self.changed:
                s.trailers, s.ended = fields, True
                self.changed.notify_all()
            return
        s = ServerStream(self, id, fields, ended)
        self.streams[id] = s
        threading.Thread(target=self.origin.run, args=(s,), daemon=True).start()


class Secured:
    """A socket behind TLS of which one thread reads while others write, which ssl.SSLSocket does not allow."""

    def __init__(self, sock, context):
        self.sock = sock
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_side=True)
        self.lock = threading.Lock()     # of tls
        self.writing = threading.Lock()  # keeps the order of what is written
        while not self.try_handshake():
            self.more()
        self.write_out()

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def try_handshake(self):
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            self.write_out()
            return False

    def write_out(self):
        self.sock.sendall(self.out.read())

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Ended(b"")
        with self.lock:
            self.into.write(data)

    def recv(self, most):
        while True:
            with self.lock:
                try:
                    return self.tls.read(most)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLZeroReturnError:
                    return b""
            self.more()

    def sendall(self, data):
        with self.writing:
            with self.lock:
                self.tls.write(data)
                data = self.out.read()
            self.sock.sendall(data)


class H2Origin(Origin):
    """behave(s): None: echo_json. values: its SETTINGS. context: TLS, with ALPN. on_greet(connection): sends
    something else instead of SETTINGS, and returns whether to go on."""

    def __init__(self, id, behave=None, probe=None, values=(), context=None, on_greet=None, **more):
        self.values = dict(values)
        self.context = context
        self.on_greet = on_greet
        self.links = []
        super().__init__(id, behave, probe, **more)

    def greet(self, connection):
        if self.on_greet is not None:
            return self.on_greet(connection)
        connection.frame(SETTINGS, 0, 0, settings(list(self.values.items())))
        return True

    def serve(self, held):
        c = None
        try:
            if self.context is not None:
                held.wire.sock = Secured(held.wire.sock, self.context)
            if self.on_accept is not None and self.on_accept(held) is False:
                return
            c = ServerConnection(self, held)
            with self.lock:
                self.links.append(c)
            c.serve()
        except (Ended, OSError):
            pass
        except Exception:
            import traceback
            self.problems.append(f"origin {self.id}: {traceback.format_exc()}")
        finally:
            held.wire.close()
            if c is not None:
                with c.changed:
                    c.over = True
                    c.changed.notify_all()
            with self.lock:
                self.connections.discard(held)

    def run(self, s):
        try:
            if s.target == "/healthz" and s.fields.get("user-agent", "").endswith("(health)"):
                with self.lock:
                    self.probes += 1
                if self.probe is not None:
                    self.probe(s)
                else:
                    s.answer(200, b"ok")
                return
            with self.lock:
                self.requests.append(s)
            (self.behave or echo_json)(s)
        except (Ended, OSError):
            pass
        except Exception:
            import traceback
            self.problems.append(f"origin {self.id}: {traceback.format_exc()}")


def echo_json(s):
    """As holdfast.answer_json: the id, how many requests of the session came, and all that was received."""
    import json
    body = s.read_body()
    session = s.fields.get("holdfast-session")
    told = {"id": s.origin.id, "session": session, "count": s.origin.count(session),
            "connection": s.connection.number, "stream": s.id, "method": s.method, "target": s.target,
            "pseudo": s.pseudo, "fields": s.fields, "body_bytes": len(body),
            "body": body[:1000].decode("latin-1"), "trailers": s.trailers}
    content = json.dumps(told).encode()
    if s.method == "HEAD":
        s.respond(200, [("content-length", str(len(content)))], end=True)
    else:
        s.answer(200, content, [("content-type", "application/json")])
