"""HTTP/2 for the end-to-end tests: frames as they stand in RFC 9113, so that a test can send what no
library would, and a client on top that does what one must.

    with Connection(p.address) as c:
        r = c.get("/")                      a stream of its own, to its end
        c.frame(PING, 0, 0, b"12345678")    any frame at all
        f = c.expect(PING)                  the next one of that type
"""

import base64
import struct
import sys

try:
    import hpack
except ImportError:  # a Python that is not Debian's own
    sys.path.append("/usr/lib/python3/dist-packages")
    import hpack

from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from holdfast import WAIT_S, Client, Ended, Fields
from tls import TlsClient

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
PRIORITY_UPDATE = 16
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
PRIORITIZED = 32
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)
(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8
WINDOW_BYTES = 65535


def raw(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def frame(type, flags=0, stream=0, payload=b""):
    return struct.pack("!BHBBI", len(payload) >> 16, len(payload) & 0xffff, type, flags, stream) + payload


def integer(value, bits, first):
    """RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def plain(text):
    """A string literal (RFC 7541 section 5.2)."""
    return integer(len(raw(text)), 7, 0) + raw(text)


def coded(text):
    """The same, Huffman coded."""
    code = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(raw(text))
    return integer(len(code), 7, 0x80) + code


def literal(name, value, first=0):
    """Not indexed, not Huffman coded: any bytes. first: 0x40 puts it into the table."""
    return bytes([first]) + plain(name) + plain(value)


def block(fields):
    return b"".join(literal(n, v) for n, v in fields)


def settings(values):
    return b"".join(struct.pack("!HI", k, v) for k, v in values)


class Frame:
    def __init__(self, type, flags, stream, payload):
        self.type, self.flags, self.stream, self.payload = type, flags, stream, payload

    @property
    def code(self):
        """Of RST_STREAM and GOAWAY."""
        return struct.unpack("!I", self.payload[4:8] if self.type == GOAWAY else self.payload[:4])[0]

    @property
    def last_stream(self):
        return struct.unpack("!I", self.payload[:4])[0] & 0x7fffffff

    def __repr__(self):
        return f"<frame {self.type} flags {self.flags:#x} stream {self.stream} {self.payload[:60]!r}>"


class Reset(Exception):
    def __init__(self, code):
        super().__init__(f"RST_STREAM {code}")
        self.code = code


class Stream:
    """What came for one stream."""

    def __init__(self, id):
        self.id = id
        self.interim = []
        self.fields = Fields()
        self.trailers = Fields()
        self.status = None
        self.body = b""
        self.ended = False
        self.reset = None
        self.data_frames = 0

    @property
    def json(self):
        import json
        return json.loads(self.body)

    @property
    def got(self):
        return Fields((n, v) for n, v in self.json["fields"])

    def cookies(self):
        return dict(v.split(";")[0].split("=", 1) for v in self.fields.all("set-cookie"))


class Spoken:
    """HTTP/2 over the wire of a client. begin: preface and SETTINGS are sent; updates: windows grow by
    what comes; acks: SETTINGS and PING are answered."""

    def begin(self, begin=True, values=(), updates=True, acks=True):
        self.path = "/"  # of requests that name none
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.streams = {}
        self.next_stream = 1
        self.updates, self.acks = updates, acks
        self.their = {}
        self.goaways = []
        self.seen = []
        self.windows = {0: WINDOW_BYTES}  # what may be sent
        if begin:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings(values)))

    # ---- frames

    def frame(self, type, flags=0, stream=0, payload=b""):
        self.send(frame(type, flags, stream, payload))

    def read_frame(self):
        head = self.take(9)
        high, low, type, flags, stream = struct.unpack("!BHBBI", head)
        return Frame(type, flags, stream & 0x7fffffff, self.take(high << 16 | low))

    def next_frame(self):
        """The next frame, noted and answered as a client must."""
        f = self.read_frame()
        self.seen.append(f)
        s = self.streams.get(f.stream)
        if f.type == SETTINGS and not f.flags & ACK:
            self.note_settings(f)
        elif f.type == PING and not f.flags & ACK and self.acks:
            self.frame(PING, ACK, 0, f.payload)
        elif f.type == WINDOW_UPDATE:
            grows = struct.unpack("!I", f.payload)[0]
            self.windows[f.stream] = self.windows.get(f.stream, self.initial()) + grows
        elif f.type == GOAWAY:
            self.goaways.append(f)
        elif f.type == RST_STREAM and s is not None:
            s.reset = f.code
        elif f.type == HEADERS:
            self.note_headers(s, f)
        elif f.type == DATA:
            self.note_data(s, f)
        return f

    def initial(self):
        return self.their.get(INITIAL_WINDOW_SIZE, WINDOW_BYTES)

    def note_settings(self, f):
        for at in range(0, len(f.payload), 6):
            key, value = struct.unpack("!HI", f.payload[at:at + 6])
            self.their[key] = value
        if self.acks:
            self.frame(SETTINGS, ACK)

    def note_headers(self, s, f):
        payload = f.payload
        while not f.flags & END_HEADERS:
            more = self.read_frame()
            assert more.type == CONTINUATION and more.stream == f.stream, more
            payload += more.payload
            f.flags |= more.flags & END_HEADERS
        fields = Fields((n, v) for n, v in self.decoder.decode(payload))
        for name, _ in fields:
            assert name == name.lower(), fields
            assert name not in ("connection", "transfer-encoding", "keep-alive", "upgrade"), fields
        if s is None:
            return
        if s.status is not None and s.status >= 200:
            assert f.flags & END_STREAM and not any(n.startswith(":") for n, _ in fields), fields
            s.trailers = fields
        else:
            assert fields[0][0] == ":status" and len(fields.all(":status")) == 1, fields
            s.status = int(fields[0][1])
            s.fields = Fields(fields[1:])
            if s.status < 200:
                assert s.status != 101 and not f.flags & END_STREAM
                s.interim.append((s.status, s.fields))
        s.ended |= bool(f.flags & END_STREAM)

    def note_data(self, s, f):
        if s is not None:
            assert s.status is not None and s.status >= 200 and not s.ended, f
            s.body += f.payload
            s.data_frames += 1
            s.ended |= bool(f.flags & END_STREAM)
        if self.updates and f.payload:
            more = struct.pack("!I", len(f.payload))
            self.frame(WINDOW_UPDATE, 0, 0, more)
            if s is None or not s.ended:
                self.frame(WINDOW_UPDATE, 0, f.stream, more)

    def expect(self, type, stream=None, flags=0):
        while True:
            f = self.next_frame()
            if f.type == type and stream in (None, f.stream) and f.flags & flags == flags:
                return f

    def settle(self):
        """Both sides' SETTINGS are known to both; so is all that was sent before."""
        self.frame(PING, 0, 0, b"settled!")
        while True:
            f = self.next_frame()
            if f.type == PING and f.flags & ACK and f.payload == b"settled!":
                return

    # ---- requests

    def head_fields(self, method="GET", path="/", fields=(), authority=None, scheme=None):
        return [(":method", method), (":scheme", scheme or self.scheme), (":authority", authority or self.host),
                (":path", self.path if path == "/" else path), *fields]

    def open(self, method="GET", path="/", fields=(), end=True, authority=None, head=None, more=0):
        """A request's head. head: instead of what would be sent. Returns its stream."""
        id = self.next_stream
        self.next_stream += 2
        self.streams[id] = Stream(id)
        fields = self.head_fields(method, path, fields, authority) if head is None else head
        payload = fields if isinstance(fields, bytes) else block(fields)
        pieces = [payload[i:i + 16384] for i in range(0, len(payload), 16384)] or [b""]
        data = b""
        for i, piece in enumerate(pieces):
            flags = (END_STREAM if end and i == 0 else 0) | (END_HEADERS if i == len(pieces) - 1 else 0) | more
            data += frame(HEADERS if i == 0 else CONTINUATION, flags, id, piece)
        self.send(data)
        return self.streams[id]

    def data(self, s, body, end=True):
        """All of it, as far and as soon as windows allow."""
        at = 0
        while True:
            room = min(self.windows[0], self.windows.setdefault(s.id, self.initial()), 16384)
            take = min(room, len(body) - at)
            last = at + take == len(body)
            if take > 0 or last:
                self.frame(DATA, END_STREAM if end and last else 0, s.id, body[at:at + take])
                self.windows[0] -= take
                self.windows[s.id] -= take
                at += take
            if last:
                return s
            if take == 0:
                self.next_frame()
                if s.reset is not None:
                    return s

    def trailers(self, s, fields):
        self.frame(HEADERS, END_HEADERS | END_STREAM, s.id, block(fields))

    def answer(self, s):
        """To the end of its answer."""
        while not s.ended:
            if s.reset is not None:
                raise Reset(s.reset)
            self.next_frame()
        return s

    def until_reset(self, s):
        while s.reset is None:
            self.next_frame()
        return s.reset

    def request(self, method="GET", path="/", fields=(), body=None, trailers=None, **more):
        s = self.open(method, path, fields, end=body is None and trailers is None, **more)
        if body is not None:
            self.data(s, body, end=trailers is None)
        if trailers is not None:
            self.trailers(s, trailers)
        return self.answer(s)

    def get(self, path="/", **more):
        return self.request("GET", path, **more)

    def until_closed(self):
        """To the end of the connection. The code of the last GOAWAY; None: there was none."""
        self.sock.settimeout(WAIT_S)
        try:
            while True:
                self.next_frame()
        except Ended:
            pass
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self.goaways[-1].code if self.goaways else None


class Connection(Spoken, Client):
    scheme = "http"

    def __init__(self, address, begin=True, values=(), updates=True, acks=True, **more):
        super().__init__(address, **more)
        self.begin(begin, values, updates, acks)


class SecureConnection(Spoken, TlsClient):
    scheme = "https"

    def __init__(self, address, authority, begin=True, values=(), updates=True, acks=True, **more):
        super().__init__(address, authority, alpn=["h2"], **more)
        assert self.sock.selected_alpn_protocol() == "h2"
        self.begin(begin, values, updates, acks)


def basic(user):
    return "Basic " + base64.b64encode(user.encode() + b":x").decode()
