"""RFC 9113 and RFC 7541 case by case, over TLS and in the plain (h2c), there where HTTP/1.1 is spoken as well and
where it is not: the cases of h2spec, all of them (SECTIONS), by its numbers and in its words, with its tolerance: where a stream error is due, a connection error is one as well; where a
connection error is, so is the close. Frames are built by hand (tests/lib/http2.py).

What h2spec asks by RFC 7540 and RFC 9113 took back (priorities, section 5.3) is asked only to do no harm."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
import http2
from holdfast import HOST, Ended, Holdfast, Origin, free_port, text_of
from http2 import (ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR,
                   FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PADDED, PING, PRIORITIZED, PRIORITY,
                   PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED,
                   WINDOW_UPDATE, Connection, SecureConnection, block, frame, literal, settings)
from tls import Authority

WHOLE = END_STREAM | END_HEADERS
KINDS = ("h2c", "h2c alone", "tls")
cases = []

# How many cases h2spec 2.6.0 has in each section, those for `--strict` as well.
SECTIONS = {
    "generic/1": 1, "generic/2": 5, "generic/3.1": 3, "generic/3.2": 3, "generic/3.3": 5, "generic/3.4": 1,
    "generic/3.5": 1, "generic/3.7": 1, "generic/3.8": 1, "generic/3.9": 2, "generic/3.10": 2, "generic/4": 4,
    "generic/5": 15, "http2/3.5": 2, "http2/4.1": 3, "http2/4.2": 3, "http2/4.3": 3, "http2/5.1": 13,
    "http2/5.1.1": 2, "http2/5.1.2": 1, "http2/5.3.1": 2, "http2/5.4.1": 2, "http2/5.5": 2, "http2/6.1": 3,
    "http2/6.2": 4, "http2/6.3": 2, "http2/6.4": 3, "http2/6.5": 3, "http2/6.5.2": 5, "http2/6.5.3": 2,
    "http2/6.7": 4, "http2/6.8": 1, "http2/6.9": 3, "http2/6.9.1": 3, "http2/6.9.2": 3, "http2/6.10": 6,
    "http2/7": 2, "http2/8.1": 1, "http2/8.1.2": 1, "http2/8.1.2.1": 4, "http2/8.1.2.2": 2, "http2/8.1.2.3": 7,
    "http2/8.1.2.6": 2, "http2/8.2": 1, "hpack/2.3.3": 2, "hpack/4.2": 1, "hpack/5.2": 3, "hpack/6.1": 1,
    "hpack/6.3": 1,
}


def case(number, words, begin=True, kinds=KINDS):
    """Registers a case: a function of a connection that has said hello, unless `begin` is false."""
    def register(function):
        cases.append((number, words, function, begin, kinds))
        return function
    return register


def u32(value):
    return struct.pack("!I", value)


def head(c, *more, method="GET"):
    return block(c.head_fields(method) + list(more))


def post_head(c, *more):
    return head(c, *more, method="POST")


def watch(c, id):
    return c.streams.setdefault(id, http2.Stream(id))


def connection_error(c, *codes):
    code = c.until_closed()
    assert code is None or code in codes, f"GOAWAY {code}, not {codes}"


def stream_error(c, id, *codes):
    """RST_STREAM of it, or GOAWAY, with one of the codes; or the close."""
    s = watch(c, id)
    c.sock.settimeout(10)
    try:
        while s.reset is None and not c.goaways:
            c.next_frame()
    except Ended:
        return
    code = s.reset if s.reset is not None else c.goaways[-1].code
    assert code in codes, f"{code}, not {codes}"


def answered(c, id):
    s = c.answer(watch(c, id))
    assert s.status is not None
    return s


def closed_stream(c, id=1):
    """One that both sides ended."""
    c.frame(HEADERS, WHOLE, id, head(c))
    answered(c, id)


# ---- generic ------------------------------------------------------------------------------------


@case("generic/1/1", "Sends a client connection preface")
def _(c):
    c.expect(SETTINGS)


@case("generic/2/1", "idle: Sends a PRIORITY frame")
def _(c):
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 255))
    c.settle()


@case("generic/2/2", "half closed (remote): Sends a WINDOW_UPDATE frame")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(WINDOW_UPDATE, 0, 1, u32(1))
    answered(c, 1)


@case("generic/2/3", "half closed (remote): Sends a PRIORITY frame")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 255))
    answered(c, 1)


@case("generic/2/4", "half closed (remote): Sends a RST_STREAM frame")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(RST_STREAM, 0, 1, u32(CANCEL))
    c.settle()


@case("generic/2/5", "closed: Sends a PRIORITY frame")
def _(c):
    closed_stream(c)
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 255))
    c.settle()


@case("generic/3.1/1", "Sends a DATA frame")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(DATA, END_STREAM, 1, b"test")
    answered(c, 1)


@case("generic/3.1/2", "Sends multiple DATA frames")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(DATA, 0, 1, b"test")
    c.frame(DATA, END_STREAM, 1, b"test")
    answered(c, 1)


@case("generic/3.1/3", "Sends a DATA frame with padding")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(DATA, END_STREAM | PADDED, 1, b"\x06test" + b"\0" * 6)
    assert answered(c, 1).json["body"] == "test"


@case("generic/3.2/1", "Sends a HEADERS frame")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    answered(c, 1)


@case("generic/3.2/2", "Sends a HEADERS frame with padding")
def _(c):
    c.frame(HEADERS, WHOLE | PADDED, 1, b"\x06" + head(c) + b"\0" * 6)
    answered(c, 1)


@case("generic/3.2/3", "Sends a HEADERS frame with priority")
def _(c):
    c.frame(HEADERS, WHOLE | PRIORITIZED, 1, struct.pack("!IB", 0, 255) + head(c))
    answered(c, 1)


@case("generic/3.3/1", "Sends a PRIORITY frame with priority 1")
def _(c):
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 0))
    c.settle()


@case("generic/3.3/2", "Sends a PRIORITY frame with priority 256")
def _(c):
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 255))
    c.settle()


@case("generic/3.3/3", "Sends a PRIORITY frame with stream dependency")
def _(c):
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 255))
    c.frame(PRIORITY, 0, 3, struct.pack("!IB", 1, 255))
    c.settle()


@case("generic/3.3/4", "Sends a PRIORITY frame with exclusive")
def _(c):
    c.frame(PRIORITY, 0, 3, struct.pack("!IB", 1 << 31 | 1, 255))
    c.settle()


@case("generic/3.3/5", "Sends a PRIORITY frame for an idle stream, then send a HEADER frame for a lower stream ID")
def _(c):
    c.frame(PRIORITY, 0, 5, struct.pack("!IB", 0, 255))
    c.frame(HEADERS, WHOLE, 3, head(c))
    answered(c, 3)


@case("generic/3.4/1", "Sends a RST_STREAM frame")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(RST_STREAM, 0, 1, u32(CANCEL))
    c.settle()


@case("generic/3.5/1", "Sends a SETTINGS frame")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(3, 100)]))
    c.expect(SETTINGS, flags=ACK)


@case("generic/3.7/1", "Sends a PING frame")
def _(c):
    c.frame(PING, 0, 0, b"h2spec!!")
    assert c.expect(PING, flags=ACK).payload == b"h2spec!!"


@case("generic/3.8/1", "Sends a GOAWAY frame")
def _(c):
    c.frame(GOAWAY, 0, 0, u32(0) + u32(0) + b"h2spec")
    connection_error(c, http2.NO_ERROR)


@case("generic/3.9/1", "Sends a WINDOW_UPDATE frame with stream ID 0")
def _(c):
    c.frame(WINDOW_UPDATE, 0, 0, u32(1))
    c.settle()


@case("generic/3.9/2", "Sends a WINDOW_UPDATE frame with stream ID 1")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(WINDOW_UPDATE, 0, 1, u32(1))
    answered(c, 1)


@case("generic/3.10/1", "Sends a CONTINUATION frame")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(CONTINUATION, END_HEADERS, 1, literal("x-dummy", "d" * 100))
    answered(c, 1)


@case("generic/3.10/2", "Sends multiple CONTINUATION frames")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(CONTINUATION, 0, 1, literal("x-dummy", "d" * 100))
    c.frame(CONTINUATION, END_HEADERS, 1, literal("x-dummy2", "d" * 100))
    answered(c, 1)


for number, method in (("generic/4/1", "GET"), ("generic/4/2", "HEAD"), ("generic/4/3", "POST"),
                       ("more/4/1", "OPTIONS")):
    def _(c, method=method):
        answered(c, c.open(method, "/").id)
    case(number, f"Sends a {method} request")(_)


@case("generic/4/4", "Sends a POST request with trailers")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c, ("trailer", "x-test")))
    c.frame(DATA, 0, 1, b"test")
    c.frame(HEADERS, WHOLE, 1, block([("x-test", "ok")]))
    assert answered(c, 1).json["trailers"] == [["x-test", "ok"]]


@case("generic/5/1", "Sends a indexed header field representation")
def _(c):
    c.frame(HEADERS, WHOLE, 1, b"\x82\x86\x84" + literal(":authority", c.host) + b"\x90")
    answered(c, 1)


def represented(first, indexed, coded):
    """One literal field: user-agent by its index, or a name of its own; both texts Huffman coded or neither."""
    text = http2.coded if coded else http2.plain
    name = http2.integer(58, 6 if first == 0x40 else 4, first) if indexed else bytes([first]) + text("x-test")
    return name + text("h2spec")


for i, (first, indexed, coded) in enumerate((f, n, c) for f in (0x40, 0, 0x10) for n in (True, False)
                                            for c in (False, True)):
    def _(c, first=first, indexed=indexed, coded=coded):
        c.frame(HEADERS, WHOLE, 1, head(c) + represented(first, indexed, coded))
        assert answered(c, 1).got.get("user-agent" if indexed else "x-test") == "h2spec"
    case(f"generic/5/{i + 2}", f"Sends a literal header field: {first:#x}, {'indexed' if indexed else 'new'} name, "
         f"{'' if coded else 'not '}Huffman coded")(_)


@case("generic/5/14", "Sends a dynamic table size update")
def _(c):
    c.frame(HEADERS, WHOLE, 1, b"\x21" + head(c))
    answered(c, 1)


@case("generic/5/15", "Sends multiple dynamic table size update")
def _(c):
    c.frame(HEADERS, WHOLE, 1, b"\x21\x22" + head(c))
    answered(c, 1)


# ---- starting, frames ---------------------------------------------------------------------------


@case("http2/3.5/1", "Sends client connection preface")
def _(c):
    c.settle()


@case("http2/3.5/2", "Sends invalid connection preface", begin=False, kinds=KINDS[1:])
def _(c):
    c.send(b"INVALID CONNECTION PREFACE\r\n\r\n")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/4.1/1", "Sends a frame with unknown type")
def _(c):
    c.frame(0x16 + 0x20, 0, 0, b"\0" * 8)
    c.settle()


@case("http2/4.1/2", "Sends a frame with undefined flag")
def _(c):
    c.frame(PING, 0x16, 0, b"\0" * 8)
    c.expect(PING, flags=ACK)


@case("http2/4.1/3", "Sends a frame with reserved field bit")
def _(c):
    c.send(b"\0\0\x08\x06\0\x80\0\0\0" + b"\0" * 8)
    c.expect(PING, flags=ACK)


@case("http2/4.2/1", "Sends a DATA frame with 2^14 octets in length")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(DATA, END_STREAM, 1, b"d" * 16384)
    answered(c, 1)


@case("http2/4.2/2", "Sends a large size DATA frame that exceeds the SETTINGS_MAX_FRAME_SIZE")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(DATA, END_STREAM, 1, b"d" * 16385)
    stream_error(c, 1, FRAME_SIZE_ERROR)


@case("http2/4.2/3", "Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c, ("x", "d" * 16385)))
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/4.3/1", "Sends invalid header block fragment")
def _(c):
    c.frame(HEADERS, WHOLE, 1, b"\x40\x90" + b"\xff" * 10)
    connection_error(c, COMPRESSION_ERROR)


@case("http2/4.3/2", "Sends a PRIORITY frame while sending the header blocks")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 255))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/4.3/3", "Sends a HEADERS frame to another stream while sending the header blocks")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(HEADERS, WHOLE, 3, head(c))
    connection_error(c, PROTOCOL_ERROR)


# ---- streams ------------------------------------------------------------------------------------


@case("http2/5.1/1", "idle: Sends a DATA frame")
def _(c):
    c.frame(DATA, END_STREAM, 1, b"test")
    connection_error(c, PROTOCOL_ERROR, STREAM_CLOSED)


@case("http2/5.1/2", "idle: Sends a RST_STREAM frame")
def _(c):
    c.frame(RST_STREAM, 0, 1, u32(CANCEL))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1/3", "idle: Sends a WINDOW_UPDATE frame")
def _(c):
    c.frame(WINDOW_UPDATE, 0, 1, u32(100))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1/4", "idle: Sends a CONTINUATION frame")
def _(c):
    c.frame(CONTINUATION, END_HEADERS, 1, head(c))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1/5", "half closed (remote): Sends a DATA frame")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(DATA, END_STREAM, 1, b"test")
    stream_error(c, 1, STREAM_CLOSED)


@case("http2/5.1/6", "half closed (remote): Sends a HEADERS frame")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(HEADERS, WHOLE, 1, head(c))
    stream_error(c, 1, STREAM_CLOSED)


@case("http2/5.1/7", "half closed (remote): Sends a CONTINUATION frame")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(CONTINUATION, END_HEADERS, 1, head(c))
    stream_error(c, 1, STREAM_CLOSED, PROTOCOL_ERROR)


@case("http2/5.1/8", "closed: Sends a DATA frame after sending RST_STREAM frame")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(RST_STREAM, 0, 1, u32(CANCEL))
    c.frame(DATA, END_STREAM, 1, b"test")
    tolerated(c, 1, STREAM_CLOSED)


@case("http2/5.1/9", "closed: Sends a HEADERS frame after sending RST_STREAM frame")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(RST_STREAM, 0, 1, u32(CANCEL))
    c.frame(HEADERS, WHOLE, 1, head(c))
    stream_error(c, 1, STREAM_CLOSED)


@case("http2/5.1/10", "closed: Sends a CONTINUATION frame after sending RST_STREAM frame")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(RST_STREAM, 0, 1, u32(CANCEL))
    c.frame(CONTINUATION, END_HEADERS, 1, head(c))
    stream_error(c, 1, STREAM_CLOSED, PROTOCOL_ERROR)


def tolerated(c, id, *codes):
    """An error with one of the codes, or nothing at all: the frame was on its way (RFC 9113 section 5.1)."""
    s = watch(c, id)
    try:
        c.settle()
    except Ended:
        pass
    code = s.reset if s.reset is not None else c.goaways[-1].code if c.goaways else None
    assert code is None or code in codes, code


@case("http2/5.1/11", "closed: Sends a DATA frame")
def _(c):
    closed_stream(c)
    c.frame(DATA, END_STREAM, 1, b"test")
    stream_error(c, 1, STREAM_CLOSED)


@case("http2/5.1/12", "closed: Sends a HEADERS frame")
def _(c):
    closed_stream(c)
    c.frame(HEADERS, WHOLE, 1, head(c))
    connection_error(c, STREAM_CLOSED, PROTOCOL_ERROR)


@case("http2/5.1/13", "closed: Sends a CONTINUATION frame")
def _(c):
    closed_stream(c)
    c.frame(CONTINUATION, END_HEADERS, 1, head(c))
    connection_error(c, STREAM_CLOSED, PROTOCOL_ERROR)


@case("http2/5.1.1/1", "Sends even-numbered stream identifier")
def _(c):
    c.frame(HEADERS, WHOLE, 2, head(c))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/5.1.1/2", "Sends stream identifier that is numerically smaller than previous")
def _(c):
    c.frame(HEADERS, WHOLE, 5, head(c))
    c.frame(HEADERS, WHOLE, 3, head(c))
    connection_error(c, PROTOCOL_ERROR, STREAM_CLOSED)


@case("http2/5.1.2/1", "Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded")
def _(c):
    c.settle()
    most = c.their[http2.MAX_CONCURRENT_STREAMS]
    for i in range(most + 1):
        c.frame(HEADERS, END_HEADERS, 2 * i + 1, post_head(c))
    stream_error(c, 2 * most + 1, PROTOCOL_ERROR, REFUSED_STREAM)


@case("http2/5.3.1/1", "Sends HEADERS frame that depend on itself")
def _(c):
    c.frame(HEADERS, WHOLE | PRIORITIZED, 1, struct.pack("!IB", 1, 255) + head(c))
    stream_error(c, 1, PROTOCOL_ERROR)


@case("http2/5.3.1/2", "Sends PRIORITY frame that depend on itself")
def _(c):
    c.frame(PRIORITY, 0, 3, struct.pack("!IB", 3, 255))
    stream_error(c, 3, PROTOCOL_ERROR)


@case("http2/5.4.1/1", "Sends an invalid PING frame for connection close")
def _(c):
    c.frame(PING, 0, 3, b"\0" * 8)
    c.until_closed()


@case("http2/5.4.1/2", "Sends an invalid PING frame to receive GOAWAY frame")
def _(c):
    c.frame(PING, 0, 3, b"\0" * 8)
    assert c.until_closed() == PROTOCOL_ERROR


@case("http2/5.5/1", "Sends an unknown extension frame")
def _(c):
    c.frame(0x36, 0, 0, b"\0" * 8)
    c.settle()


@case("http2/5.5/2", "Sends an unknown extension frame in the middle of a header block")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(0x36, 0, 1, b"\0" * 8)
    connection_error(c, PROTOCOL_ERROR)


# ---- frame definitions --------------------------------------------------------------------------


@case("http2/6.1/1", "Sends a DATA frame with 0x0 stream identifier")
def _(c):
    c.frame(DATA, END_STREAM, 0, b"test")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.1/2", "Sends a DATA frame on the stream that is not in \"open\" or \"half-closed (local)\" state")
def _(c):
    c.frame(HEADERS, WHOLE, 1, head(c))
    c.frame(DATA, END_STREAM, 1, b"test")
    stream_error(c, 1, STREAM_CLOSED)


@case("http2/6.1/3", "Sends a DATA frame with invalid pad length")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c, ("content-length", "4")))
    c.frame(DATA, END_STREAM | PADDED, 1, b"\x06Test")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.2/1", "Sends a HEADERS frame without the END_HEADERS flag, and a PRIORITY frame")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(PRIORITY, 0, 1, struct.pack("!IB", 0, 255))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.2/2", "Sends a HEADERS frame to another stream while sending a HEADERS frame")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(HEADERS, WHOLE, 3, head(c))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.2/3", "Sends a HEADERS frame with 0x0 stream identifier")
def _(c):
    c.frame(HEADERS, WHOLE, 0, head(c))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.2/4", "Sends a HEADERS frame with invalid pad length")
def _(c):
    payload = head(c)
    c.frame(HEADERS, WHOLE | PADDED, 1, bytes([len(payload) % 256 + 1 if len(payload) < 255 else 255]) + payload[:40])
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.3/1", "Sends a PRIORITY frame with 0x0 stream identifier")
def _(c):
    c.frame(PRIORITY, 0, 0, struct.pack("!IB", 0, 255))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.3/2", "Sends a PRIORITY frame with a length other than 5 octets")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(PRIORITY, 0, 1, b"\x80\0\0\1")
    stream_error(c, 1, FRAME_SIZE_ERROR)


@case("http2/6.4/1", "Sends a RST_STREAM frame with 0x0 stream identifier")
def _(c):
    c.frame(RST_STREAM, 0, 0, u32(CANCEL))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.4/2", "Sends a RST_STREAM frame on a idle stream")
def _(c):
    c.frame(RST_STREAM, 0, 1, u32(CANCEL))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.4/3", "Sends a RST_STREAM frame with a length other than 4 octets")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(RST_STREAM, 0, 1, b"\0\0\0")
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.5/1", "Sends a SETTINGS frame with ACK flag and payload")
def _(c):
    c.frame(SETTINGS, ACK, 0, b"\0")
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.5/2", "Sends a SETTINGS frame with a stream identifier other than 0x0")
def _(c):
    c.frame(SETTINGS, 0, 1, settings([(3, 100)]))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.5/3", "Sends a SETTINGS frame with a length other than a multiple of 6 octets")
def _(c):
    c.frame(SETTINGS, 0, 0, b"\0\3\0")
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.5.2/1", "SETTINGS_ENABLE_PUSH (0x2): Sends the value other than 0 or 1")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(2, 2)]))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.5.2/2", "SETTINGS_INITIAL_WINDOW_SIZE (0x4): Sends the value above the maximum flow control window size")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(4, 1 << 31)]))
    connection_error(c, FLOW_CONTROL_ERROR)


@case("http2/6.5.2/3", "SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value below the initial value")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(5, 16383)]))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.5.2/4", "SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value above the maximum allowed frame size")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(5, 1 << 24)]))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.5.2/5", "Sends a SETTINGS frame with unknown identifier")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(0xff, 1)]))
    c.settle()


@case("http2/6.5.3/1", "Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE")
def _(c):
    c.updates = False
    c.frame(SETTINGS, 0, 0, settings([(4, 100), (4, 1)]))
    c.expect(SETTINGS, flags=ACK)
    c.frame(HEADERS, WHOLE, 1, head(c))
    s = watch(c, 1)
    c.expect(DATA)
    assert len(s.body) == 1


@case("http2/6.5.3/2", "Sends a SETTINGS frame without ACK flag")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(1, 0)]))
    c.expect(SETTINGS, flags=ACK)


@case("http2/6.7/1", "Sends a PING frame")
def _(c):
    c.frame(PING, 0, 0, b"h2spec!!")
    assert c.expect(PING, flags=ACK).payload == b"h2spec!!"


@case("http2/6.7/2", "Sends a PING frame with ACK")
def _(c):
    c.frame(PING, ACK, 0, b"invalid!")
    c.settle()
    assert not any(f.type == PING and f.payload == b"invalid!" for f in c.seen)


@case("http2/6.7/3", "Sends a PING frame with a stream identifier field value other than 0x0")
def _(c):
    c.frame(PING, 0, 1, b"\0" * 8)
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.7/4", "Sends a PING frame with a length field value other than 8")
def _(c):
    c.frame(PING, 0, 0, b"\0" * 6)
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.8/1", "Sends a GOAWAY frame with a stream identifier other than 0x0")
def _(c):
    c.frame(GOAWAY, 0, 1, u32(0) + u32(0))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.9/1", "Sends a WINDOW_UPDATE frame with a flow control window increment of 0")
def _(c):
    c.frame(WINDOW_UPDATE, 0, 0, u32(0))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.9/2", "Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(WINDOW_UPDATE, 0, 1, u32(0))
    stream_error(c, 1, PROTOCOL_ERROR)


@case("http2/6.9/3", "Sends a WINDOW_UPDATE frame with a length other than 4 octets")
def _(c):
    c.frame(WINDOW_UPDATE, 0, 0, b"\0\0\1")
    connection_error(c, FRAME_SIZE_ERROR)


@case("http2/6.9.1/1", "Sends SETTINGS frame to set the initial window size to 1 and sends HEADERS frame")
def _(c):
    c.updates = False
    c.frame(SETTINGS, 0, 0, settings([(4, 1)]))
    c.expect(SETTINGS, flags=ACK)
    c.frame(HEADERS, WHOLE, 1, head(c))
    s = watch(c, 1)
    assert len(c.expect(DATA).payload) == 1 and len(s.body) == 1


@case("http2/6.9.1/2", "Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1")
def _(c):
    c.frame(WINDOW_UPDATE, 0, 0, u32((1 << 31) - 1))
    c.frame(WINDOW_UPDATE, 0, 0, u32((1 << 31) - 1))
    connection_error(c, FLOW_CONTROL_ERROR)


@case("http2/6.9.1/3", "The same on a stream")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(WINDOW_UPDATE, 0, 1, u32((1 << 31) - 1))
    c.frame(WINDOW_UPDATE, 0, 1, u32((1 << 31) - 1))
    stream_error(c, 1, FLOW_CONTROL_ERROR)


@case("http2/6.9.2/1", "Changes SETTINGS_INITIAL_WINDOW_SIZE after sending HEADERS frame")
def _(c):
    c.updates = False
    c.frame(SETTINGS, 0, 0, settings([(4, 0)]))
    c.expect(SETTINGS, flags=ACK)
    c.frame(HEADERS, WHOLE, 1, head(c))
    s = watch(c, 1)
    c.expect(HEADERS)
    c.frame(SETTINGS, 0, 0, settings([(4, 1)]))
    c.expect(DATA)
    assert len(s.body) == 1


@case("http2/6.9.2/2", "Sends a SETTINGS frame for window size to be negative")
def _(c):
    c.updates = False
    c.frame(SETTINGS, 0, 0, settings([(4, 3)]))
    c.expect(SETTINGS, flags=ACK)
    c.frame(HEADERS, WHOLE, 1, head(c))
    s = watch(c, 1)
    c.expect(DATA)
    assert len(s.body) == 3
    c.frame(SETTINGS, 0, 0, settings([(4, 2)]))  # now -1
    c.expect(SETTINGS, flags=ACK)
    c.frame(WINDOW_UPDATE, 0, 1, u32(2))
    c.expect(DATA)
    assert len(s.body) == 4


@case("http2/6.9.2/3", "Sends a SETTINGS_INITIAL_WINDOW_SIZE settings with an exceeded maximum window size value")
def _(c):
    c.frame(SETTINGS, 0, 0, settings([(INITIAL_WINDOW_SIZE, 1 << 31)]))
    connection_error(c, FLOW_CONTROL_ERROR)


@case("http2/6.10/1", "Sends multiple CONTINUATION frames preceded by a HEADERS frame")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(CONTINUATION, 0, 1, literal("x-a", "1"))
    c.frame(CONTINUATION, END_HEADERS, 1, literal("x-b", "2"))
    assert answered(c, 1).got.get("x-b") == "2"


@case("http2/6.10/2", "Sends a CONTINUATION frame followed by any frame other than CONTINUATION")
def _(c):
    c.frame(HEADERS, 0, 1, post_head(c))
    c.frame(CONTINUATION, 0, 1, literal("x-a", "1"))
    c.frame(DATA, END_STREAM, 1, b"test")
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10/3", "Sends a CONTINUATION frame with 0x0 stream identifier")
def _(c):
    c.frame(HEADERS, END_STREAM, 1, head(c))
    c.frame(CONTINUATION, END_HEADERS, 0, literal("x-a", "1"))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10/4", "Sends a CONTINUATION frame preceded by a HEADERS frame with END_HEADERS flag")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(CONTINUATION, END_HEADERS, 1, literal("x-a", "1"))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10/5", "Sends a CONTINUATION frame preceded by a CONTINUATION frame with END_HEADERS flag")
def _(c):
    c.frame(HEADERS, 0, 1, post_head(c))
    c.frame(CONTINUATION, END_HEADERS, 1, literal("x-a", "1"))
    c.frame(CONTINUATION, END_HEADERS, 1, literal("x-b", "2"))
    connection_error(c, PROTOCOL_ERROR)


@case("http2/6.10/6", "Sends a CONTINUATION frame preceded by a DATA frame")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(DATA, END_STREAM, 1, b"test")
    c.frame(CONTINUATION, END_HEADERS, 1, literal("x-a", "1"))
    connection_error(c, PROTOCOL_ERROR)


# ---- error codes --------------------------------------------------------------------------------


@case("http2/7/1", "Sends a GOAWAY frame with unknown error code")
def _(c):
    c.frame(GOAWAY, 0, 0, u32(0) + u32(0xff))
    c.until_closed()


@case("http2/7/2", "Sends a RST_STREAM frame with unknown error code")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(RST_STREAM, 0, 1, u32(0xff))
    c.settle()


# ---- HTTP ---------------------------------------------------------------------------------------


@case("http2/8.1/1", "Sends a second HEADERS frame without the END_STREAM flag")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(HEADERS, END_HEADERS, 1, block([("x-test", "ok")]))
    stream_error(c, 1, PROTOCOL_ERROR)


def malformed(number, words, fields):
    """A request that is a stream error: fields(c) are its own."""
    def run(c):
        c.frame(HEADERS, WHOLE, 1, block(fields(c)))
        stream_error(c, 1, PROTOCOL_ERROR)
    case(number, words)(run)


malformed("http2/8.1.2/1", "Sends a HEADERS frame that contains the header field name in uppercase letters",
          lambda c: c.head_fields() + [("X-TEST", "ok")])
malformed("http2/8.1.2.1/1", "Sends a HEADERS frame that contains a unknown pseudo-header field",
          lambda c: [(":test", "ok")] + c.head_fields())
malformed("http2/8.1.2.1/2", "Sends a HEADERS frame that contains the pseudo-header field defined for response",
          lambda c: [(":status", "200")] + c.head_fields())
malformed("http2/8.1.2.1/4", "Sends a HEADERS frame that contains a pseudo-header field that appears in a header block "
          "after a regular header field", lambda c: c.head_fields()[:3] + [("x-test", "ok")] + c.head_fields()[3:])
malformed("http2/8.1.2.2/1", "Sends a HEADERS frame that contains the connection-specific header field",
          lambda c: c.head_fields() + [("connection", "keep-alive")])
malformed("http2/8.1.2.2/2", "Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"",
          lambda c: c.head_fields() + [("trailers", "test"), ("te", "trailers, deflate")])
malformed("http2/8.1.2.3/1", "Sends a HEADERS frame with empty \":path\" pseudo-header field",
          lambda c: [(n, "" if n == ":path" else v) for n, v in c.head_fields()])
for number, name in (("2", ":method"), ("3", ":scheme"), ("4", ":path")):
    malformed("http2/8.1.2.3/" + number, f"Sends a HEADERS frame that omits \"{name}\" pseudo-header field",
              lambda c, name=name: [(n, v) for n, v in c.head_fields() if n != name])
for number, name in (("5", ":method"), ("6", ":scheme"), ("7", ":path")):
    malformed("http2/8.1.2.3/" + number, f"Sends a HEADERS frame with duplicated \"{name}\" pseudo-header field",
              lambda c, name=name: c.head_fields() + [(n, v) for n, v in c.head_fields() if n == name])
for field in ("keep-alive", "proxy-connection", "transfer-encoding", "upgrade"):
    malformed("rfc9113/8.2.2/" + field, f"Sends a HEADERS frame that contains {field}",
              lambda c, field=field: c.head_fields() + [(field, "x")])
for name, value in (("x", "a\rb"), ("x", "a\nb"), ("x", "a\0b"), ("x", " a"), ("x", "a\t"), ("a b", "x"), ("a:b", "x"),
                    ("", "x"), (":path", "/a\r\nb: c"), (":authority", "h\r\nx: y"), (":method", "GET / HTTP/1.1\r\nx:")):
    malformed(f"rfc9113/8.2.1/{name!r}={value!r}", "Sends a HEADERS frame with what is no name or no value",
              lambda c, name=name, value=value: (
                  [(n, value if n == name else v) for n, v in c.head_fields()] if name.startswith(":")
                  else c.head_fields() + [(name, value)]))


@case("http2/8.1.2.1/3", "Sends a HEADERS frame that contains a pseudo-header field as trailers")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c))
    c.frame(DATA, 0, 1, b"test")
    c.frame(HEADERS, WHOLE, 1, block([(":method", "200")]))
    stream_error(c, 1, PROTOCOL_ERROR)


@case("http2/8.1.2.6/1", "Sends a HEADERS frame with the \"content-length\" header field which does not equal the DATA frame "
      "payload length")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c, ("content-length", "1")))
    c.frame(DATA, END_STREAM, 1, b"test")
    stream_error(c, 1, PROTOCOL_ERROR)


@case("http2/8.1.2.6/2", "The same with the sum of the multiple DATA frames payload length")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c, ("content-length", "1")))
    c.frame(DATA, 0, 1, b"test")
    c.frame(DATA, END_STREAM, 1, b"test")
    stream_error(c, 1, PROTOCOL_ERROR)


@case("rfc9113/8.1.1/less", "Sends less than the content-length")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c, ("content-length", "10")))
    c.frame(DATA, END_STREAM, 1, b"test")
    stream_error(c, 1, PROTOCOL_ERROR)


@case("rfc9113/8.1.1/none", "Sends a content-length and ends with the head")
def _(c):
    c.frame(HEADERS, WHOLE, 1, post_head(c, ("content-length", "10")))
    stream_error(c, 1, PROTOCOL_ERROR)


@case("rfc9113/8.1.1/twice", "Sends two content-lengths")
def _(c):
    c.frame(HEADERS, END_HEADERS, 1, post_head(c, ("content-length", "4"), ("content-length", "4")))
    c.frame(DATA, END_STREAM, 1, b"test")
    stream_error(c, 1, PROTOCOL_ERROR)


@case("http2/8.2/1", "Sends a PUSH_PROMISE frame")
def _(c):
    c.frame(PUSH_PROMISE, END_HEADERS, 1, u32(2) + head(c))
    connection_error(c, PROTOCOL_ERROR)


# ---- HPACK --------------------------------------------------------------------------------------


def compression(number, words, tail):
    def run(c):
        c.frame(HEADERS, WHOLE, 1, head(c) + tail)
        connection_error(c, COMPRESSION_ERROR)
    case(number, words)(run)


compression("hpack/2.3.3/1", "Sends a indexed header field representation with invalid index", b"\xc6")
compression("hpack/2.3.3/2", "Sends a literal header field representation with invalid index", b"\x7f\x0f\0")
compression("hpack/4.2/1", "Sends a dynamic table size update at the end of header block", b"\x21")
compression("hpack/5.2/1", "Sends a Huffman-encoded string literal representation with padding longer than 7 bits",
            b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff")
compression("hpack/5.2/2", "Sends a Huffman-encoded string literal representation padded by zero",
            b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90")
compression("hpack/5.2/3", "Sends a Huffman-encoded string literal representation containing the EOS symbol",
            b"\x00\x85\xf2\xb2\x4a\x84\xff\x87\x49\x51\xff\xff\xff\xfa\x7f")
compression("hpack/6.1/1", "Sends a indexed header field representation with index 0", b"\x80")


@case("hpack/6.3/1", "Sends a dynamic table size update larger than the value of SETTINGS_HEADER_TABLE_SIZE")
def _(c):
    c.frame(HEADERS, WHOLE, 1, b"\x3f\xe1\x7f" + head(c))
    connection_error(c, COMPRESSION_ERROR)


# ---- running them -------------------------------------------------------------------------------


def run_section(*prefixes):
    """All cases whose numbers begin so, over TLS and in the plain."""
    a = Origin("a")
    root = Authority()
    plain, alone, secure = (HOST, free_port()), (HOST, free_port()), (HOST, free_port())
    p = Holdfast([a], address=plain, top={"listeners": [
        {"address": text_of(plain)}, {"address": text_of(alone), "http1": False},
        {"address": text_of(secure), "tls": {"certificates": [root.issue("shop.example").conf()]}}]})
    open_one = {"h2c": lambda begin: Connection(plain, begin=begin),
                "h2c alone": lambda begin: Connection(alone, begin=begin),
                "tls": lambda begin: SecureConnection(secure, root, begin=begin)}
    wrong, count = [], 0
    for number, words, function, begin, kinds in cases:
        if not number.startswith(prefixes):
            continue
        for kind in kinds:
            count += 1
            with open_one[kind](begin) as c:
                c.path = f"/{count}"
                try:
                    function(c)
                except Exception as e:
                    wrong.append(f"{number} over {kind}: {words}: {type(e).__name__}: {e}; came: {c.seen[-4:]}")
                c.reset()
            if number.startswith(("http2/8.1.2.1/1", "http2/8.1.2/", "http2/8.1.2.2", "rfc9113/8.2")):
                assert not [r for r in a.requests if r.target == c.path], f"{number}: it reached the member"
    assert count > 0 and not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong)
    with Connection(plain) as c:
        assert c.get("/after").status == 200
    assert p.is_running()


def test_preface_first():
    """Where HTTP/1.1 is spoken too, an invalid preface is a request of it, and a bad one."""
    a = Origin("a")
    p = Holdfast([a])
    with Connection(p.address, begin=False) as c:
        c.send(b"INVALID CONNECTION PREFACE\r\n\r\n")
        assert b"HTTP/1.1 400" in c.rest()
    with Connection(p.address, begin=False) as c:
        c.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        assert b"HTTP/1.1 505" in c.rest()
    with Connection(p.address, begin=False) as c:
        c.send(http2.PREFACE + frame(PING, 0, 0, b"\0" * 8))  # SETTINGS must come first
        connection_error(c, PROTOCOL_ERROR)


def test_no_case_of_h2spec_is_missing():
    all_of_them = {f"{section}/{i + 1}" for section, count in SECTIONS.items() for i in range(count)}
    assert len(all_of_them) == 147
    for kind in KINDS:
        ours = [number for number, _, _, _, kinds in cases if kind in kinds]
        assert len(ours) == len(set(ours)), "a number twice"
        missing = all_of_them - set(ours)
        assert missing == ({"http2/3.5/2"} if kind == "h2c" else set()), f"{kind}: {sorted(missing)}"


def test_generic():
    run_section("generic/", "more/")


def test_section_3_and_4():
    run_section("http2/3", "http2/4")


def test_section_5():
    run_section("http2/5")


def test_section_6():
    run_section("http2/6")


def test_section_7():
    run_section("http2/7")


def test_section_8():
    run_section("http2/8", "rfc9113/8")


def test_hpack():
    run_section("hpack/")


if __name__ == "__main__":
    holdfast.main()
