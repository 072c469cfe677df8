"""Driver of the end-to-end tests: origin servers that follow a script, Holdfast itself, and clients
that send exact bytes and read answers strictly.

    a = Origin("a")                         listens at once, answers with JSON of what it got
    p = Holdfast([a])                       writes a configuration, starts, waits until it listens
    r = p.client().get("/")                 one request on one connection
    assert r.json["id"] == "a"

A test is a function test_* without arguments. What it started ends with it, also when it failed:
finish() stops every Holdfast with SIGTERM, and each must exit with 0 and without a sanitizer's
report. Every process has its own address in 127.0.0.0/8, so that tests at the same time never
take each other's ports. `main()` at the end of a test file runs its tests; HOLDFAST or B in the
environment say which binary (default build/holdfast).
"""

import fnmatch
import json
import mmap
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WAIT_S = 30       # for something to happen; it takes milliseconds unless something is wrong
TEST_LIMIT_S = 120
CRLF = b"\r\n"

NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)")
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")


class Malformed(AssertionError):
    """What came is not HTTP."""


class Ended(Exception):
    """The other side closed (or reset) where more was expected."""

    def __init__(self, held=b"", reset=False):
        super().__init__(f"{'reset' if reset else 'closed'} after {held[-200:]!r}")
        self.held = held
        self.reset = reset


def binary():
    path = os.environ.get("HOLDFAST") or os.path.join(os.environ.get("B") or "build", "holdfast")
    return os.path.join(ROOT, path)


def sanitizer():
    """"address", "thread" or "": what the binary under test was built with."""
    if not hasattr(sanitizer, "kind"):
        with open(binary(), "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            sanitizer.kind = ("address" if m.find(b"__asan_init") >= 0
                              else "thread" if m.find(b"__tsan_init") >= 0 else "")
    return sanitizer.kind


def built(name):
    """A file of the build directory that only tests need, made when it is not there or too old."""
    kinds = {"address": "address,undefined", "thread": "thread", "": ""}
    build = os.environ.get("B") or "build"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-s", "--no-print-directory", f"{build}/{name}", f"B={build}", f"SAN={kinds[sanitizer()]}"],
                          cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"make {name}: {done.stdout}{done.stderr}")
    return os.path.join(ROOT, build, name)


def wait_until(condition, what, limit_s=WAIT_S):
    """The first true value of condition(); fails when there is none in time."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {limit_s} s")
        time.sleep(0.01)


# ---- addresses ----------------------------------------------------------------------------------

HOST = f"127.{64 + (os.getpid() >> 16 & 63)}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
next_port = [7000]
next_shared_port = [10000 + os.getpid() % 220 * 100]  # of [::1], which is every process's


def free_port(host=HOST):
    """Below the ephemeral range; nobody else's, for the address is this process's own, or the ports are."""
    counter = next_shared_port if host == "::1" else next_port
    while True:
        counter[0] += 1
        with socket_for((host, 0))[0] as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, counter[0]))
            except OSError:
                continue
        return counter[0]


def text_of(address):
    """(host, port) as a configuration has it; the text of another place is its own."""
    if isinstance(address, str):
        return address
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{host}:{address[1]}"


def socket_for(address):
    """(socket, what it binds or connects to): of (host, port), or "unix:PATH"."""
    if isinstance(address, str):
        return socket.socket(socket.AF_UNIX), address.removeprefix("unix:")
    return socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET), address


# ---- messages -----------------------------------------------------------------------------------


def latin(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


class Fields(list):
    """(name, value) as they came."""

    def all(self, name):
        return [v for n, v in self if n.lower() == name.lower()]

    def get(self, name, default=None):
        return next(iter(self.all(name)), default)

    def has(self, name):
        return bool(self.all(name))


def parse_fields(lines):
    fields = Fields()
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not NAME.fullmatch(name) or not VALUE.fullmatch(value):
            raise Malformed(f"field line {line!r}")
        fields.append((name.decode("ascii"), value.strip(b" \t").decode("latin-1")))
    return fields


def head_lines(head):
    lines = head[:-4].split(CRLF)
    for line in lines:
        if b"\r" in line or b"\n" in line or b"\0" in line:
            raise Malformed(f"line {line!r}")
    return lines


def field_lines(fields):
    return b"".join(latin(n) + b": " + latin(v) + CRLF for n, v in fields)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def framing_of(fields):
    """"chunked", a length, or None; refuses what a strict recipient must not take."""
    codings, lengths = fields.all("Transfer-Encoding"), fields.all("Content-Length")
    if codings and lengths:
        raise Malformed("Transfer-Encoding and Content-Length in one message")
    if codings:
        if codings != ["chunked"]:
            raise Malformed(f"Transfer-Encoding {codings}")
        return "chunked"
    if not lengths:
        return None
    if len(lengths) != 1 or not re.fullmatch(r"[0-9]+", lengths[0]):
        raise Malformed(f"Content-Length {lengths}")
    return int(lengths[0])


class Wire:
    """A socket read with a buffer. What cannot come any more raises Ended."""

    def __init__(self, sock):
        self.sock = sock
        self.held = b""

    def fill(self):
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, BrokenPipeError):
            raise Ended(self.held, reset=True) from None
        if not data:
            raise Ended(self.held)
        self.held += data

    def until(self, mark, most=1 << 20):
        at = 0
        while True:
            found = self.held.find(mark, at)
            if found >= 0:
                break
            at = max(0, len(self.held) - len(mark))
            if at > most:
                raise Malformed(f"no {mark!r} within {most} bytes")
            self.fill()
        taken, self.held = self.held[:found + len(mark)], self.held[found + len(mark):]
        return taken

    def take(self, count):
        while len(self.held) < count:
            self.fill()
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def some(self, most=1 << 18):
        if not self.held:
            self.fill()
        taken, self.held = self.held[:most], self.held[most:]
        return taken

    def rest(self):
        """Everything up to the end. An abortive end raises Ended."""
        try:
            while True:
                self.fill()
        except Ended as e:
            if e.reset:
                raise
        taken, self.held = self.held, b""
        return taken

    def line(self):
        line = self.until(CRLF)[:-2]
        if b"\r" in line or b"\n" in line:
            raise Malformed(f"line {line!r}")
        return line

    def body(self, framing, sink):
        """Hands the pieces of a body to sink; returns (trailers, sizes of its chunks)."""
        sizes = []
        if framing == "chunked":
            while True:
                size = self.line()
                if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size):
                    raise Malformed(f"chunk size {size!r}")
                if int(size, 16) == 0:
                    break
                sizes.append(int(size, 16))
                self.pass_on(sizes[-1], sink)
                if self.take(2) != CRLF:
                    raise Malformed("no CRLF behind a chunk")
            lines = []
            while True:
                line = self.line()
                if not line:
                    return parse_fields(lines), sizes
                lines.append(line)
        if framing == "close":
            sink(self.rest())
        elif framing:
            self.pass_on(framing, sink)
        return Fields(), sizes

    def pass_on(self, count, sink):
        while count > 0:
            piece = self.some(min(count, 1 << 18))
            count -= len(piece)
            sink(piece)

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def reset(self):
        """Ends with a RST."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.close()

    def is_ended(self, limit_s=WAIT_S):
        """True: the other side closes without another byte. Fails when one comes."""
        self.sock.settimeout(limit_s)
        try:
            self.fill()
        except Ended as e:
            if e.held:
                raise AssertionError(f"bytes where the end was expected: {e.held[:300]!r}") from None
            return True
        except TimeoutError:
            return False
        raise AssertionError(f"bytes where the end was expected: {self.held[:300]!r}")


# ---- what a test started ------------------------------------------------------------------------

started = []      # has stop() and problems
next_folder = [0]


def track(thing):
    started.append(thing)
    return thing


def folder():
    """A new directory that goes with the test."""
    if not getattr(folder, "root", None):
        folder.root = tempfile.mkdtemp(prefix="holdfast-e2e-")
    next_folder[0] += 1
    path = os.path.join(folder.root, str(next_folder[0]))
    os.mkdir(path)
    return path


def finish():
    """Stops all that the test started, in this order; returns what was wrong with it."""
    problems = []
    for kind in (Client, Holdfast, object):
        for thing in [s for s in started if isinstance(s, kind)]:
            started.remove(thing)
            try:
                thing.stop()
            except Exception as e:  # the others are to be stopped all the same
                problems.append(f"{type(e).__name__}: {e}")
    if getattr(folder, "root", None) and not os.environ.get("KEEP"):
        shutil.rmtree(folder.root, ignore_errors=True)
        folder.root = None
    return problems


# ---- origin servers -----------------------------------------------------------------------------


class Request:
    """What an origin got."""

    def __init__(self, connection, head):
        lines = head_lines(head)
        line = REQUEST_LINE.fullmatch(lines[0])
        if not line:
            raise Malformed(f"request line {lines[0]!r}")
        self.connection = connection
        self.head = head
        self.line = lines[0].decode("latin-1")
        self.method = line[1].decode()
        self.target = line[2].decode("latin-1")
        self.minor = int(line[3])
        self.fields = parse_fields(lines[1:])
        self.framing = framing_of(self.fields)
        self.body = None
        self.trailers = Fields()
        self.chunks = []

    def read_body(self):
        if self.body is None:
            pieces = []
            self.trailers, self.chunks = self.connection.wire.body(self.framing, pieces.append)
            self.body = b"".join(pieces)
        return self.body


class OriginConnection:
    def __init__(self, origin, sock, number):
        self.origin = origin
        self.number = number
        self.gone = False  # its origin died; a request that is still read is not worked on
        self.wire = Wire(sock)

    def send(self, data):
        self.wire.sock.sendall(data)

    def answer(self, status=200, body=b"", fields=(), reason="OK", framing="length", trailers=()):
        head = b"HTTP/1.1 %d %s\r\n" % (status, latin(reason)) + field_lines(fields)
        if framing == "length":
            self.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        elif framing == "chunked":
            data = chunk(body) if body else b""
            self.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + data + b"0\r\n" +
                      field_lines(trailers) + CRLF)
        else:
            self.send(head + CRLF + body)

    def wait_end(self):
        """Reads until the other side ends."""
        try:
            while True:
                self.wire.fill()
        except (Ended, OSError):
            pass


class Origin:
    """A server that does what `behave(connection, request)` says; None: answer_json. behave returns
    False: the connection is closed. Requests for /healthz are the checks': `probe` answers them."""

    def __init__(self, id, behave=None, probe=None, start=True, address=None):
        self.id = id
        self.behave = behave
        self.probe = probe
        self.on_accept = None       # called with each new connection; False: close it
        self.requests = []          # without the checks
        self.probes = 0
        self.accepted = 0
        self.problems = []
        self.counts = {}            # session -> requests
        self.lock = threading.Lock()
        self.connections = set()
        self.address = address or (HOST, free_port())
        self.listener = None
        track(self)
        if start:
            self.start()

    def start(self):
        s, name = socket_for(self.address)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if isinstance(name, str) and os.path.exists(name):
            os.unlink(name)
        s.bind(name)
        s.listen(1024)
        self.listener = s
        threading.Thread(target=self.accept_all, args=(s,), daemon=True).start()

    def accept_all(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if listener is not self.listener:
                sock.close()
                return
            sock.settimeout(TEST_LIMIT_S)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.accepted += 1
                connection = OriginConnection(self, sock, self.accepted)
                self.connections.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.on_accept is None or self.on_accept(connection) is not False:
                while self.serve_one(connection):
                    pass
        except (Ended, OSError):
            pass
        except Malformed as e:
            self.problems.append(f"origin {self.id} got what is not HTTP: {e}")
        except Exception:
            self.problems.append(f"origin {self.id}: {traceback.format_exc()}")
        finally:
            connection.wire.close()
            with self.lock:
                self.connections.discard(connection)

    def serve_one(self, connection):
        request = Request(connection, connection.wire.until(b"\r\n\r\n"))
        if request.target == "/healthz":
            with self.lock:
                self.probes += 1
            if self.probe is not None:
                return self.probe(connection, request) is not False
            connection.answer(200, b"ok")
            return True
        if connection.gone:
            return False
        with self.lock:
            self.requests.append(request)
        behave = self.behave or answer_json
        if behave(connection, request) is False:
            return False
        request.read_body()
        return not (request.fields.get("Connection") or "").lower() == "close"

    def count(self, session):
        with self.lock:
            self.counts[session] = self.counts.get(session, 0) + 1
            return self.counts[session]

    def go(self, reset=False):
        """Dies: nobody listens any more, and every connection is gone."""
        listener, self.listener = self.listener, None
        if listener is not None:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        with self.lock:
            connections = list(self.connections)
        for c in connections:
            c.gone = True
            try:
                if reset:
                    c.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                c.wire.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if connections:
            wait_until(lambda: not any(c in self.connections for c in connections),
                       f"the connections of origin {self.id} end")

    def come_back(self):
        wait_until(self.try_start, f"origin {self.id} listens again")

    def try_start(self):
        try:
            self.start()
            return True
        except OSError:
            return False

    def stop(self):
        self.go()
        if self.problems:
            raise AssertionError("; ".join(self.problems))


def answer_json(connection, request):
    """The id, how many requests of this session came here, and everything that was received."""
    body = request.read_body()
    session = request.fields.get("Holdfast-Session")
    told = {"id": connection.origin.id, "session": session, "count": connection.origin.count(session),
            "connection": connection.number, "method": request.method, "target": request.target,
            "minor": request.minor, "fields": request.fields, "body_bytes": len(body),
            "body": body[:1000].decode("latin-1"), "trailers": request.trailers,
            "framing": request.framing}
    content = json.dumps(told).encode()
    if request.method == "HEAD":
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
    else:
        connection.answer(200, content, [("Content-Type", "application/json")])


def answering(status=200, body=b"", fields=(), **more):
    """Always this answer."""
    def behave(connection, request):
        request.read_body()
        connection.answer(status, body, fields, **more)
    return behave


def saying(data, close=False):
    """Exactly these bytes for each request."""
    def behave(connection, request):
        request.read_body()
        connection.send(data)
        return not close
    return behave


def silent(connection, request):
    """Takes the request and never answers."""
    connection.wait_end()
    return False


def closing(connection, request):
    """Takes the request, then closes without an answer."""
    request.read_body()
    return False


def resetting(connection, request):
    """Takes the request, then resets without an answer."""
    request.read_body()
    connection.wire.reset()
    return False


def dying_after(data, reset=False):
    """These bytes, then the end."""
    def behave(connection, request):
        request.read_body()
        connection.send(data)
        if reset:
            connection.wire.reset()
        return False
    return behave


class BlackHole:
    """An address where connecting neither succeeds nor fails: its backlog is full."""

    def __init__(self, id, address=None):
        self.id = id
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.address = address or (HOST, free_port())
        self.listener.bind(self.address)
        self.listener.listen(0)
        self.fillers = []
        track(self)
        for _ in range(8):
            s = socket.socket()
            self.fillers.append(s)
            s.settimeout(0.3)
            try:
                s.connect(self.address)
            except TimeoutError:
                return
        raise AssertionError("the backlog does not fill")

    def stop(self):
        for s in self.fillers:
            s.close()
        self.listener.close()


def state_of(path):
    """The letter of a process or thread (proc(5)); "X": it is no more, as it may be while it is read."""
    try:
        with open(f"{path}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def alive(pid):
    """Is there such a process, and not only its status for whoever waits for it?"""
    return state_of(f"/proc/{pid}") not in "ZX"


class Process:
    """A child that dies with us, its output in files of its own."""

    def __init__(self, argv, where, env=None, nofile=None, cwd=None, pass_fds=()):
        self.where = where
        self.out_path = os.path.join(where, "stdout")
        self.err_path = os.path.join(where, "stderr")
        prefix = []
        if shutil.which("setpriv"):
            prefix += ["setpriv", "--pdeathsig", "KILL", "--"]
        if nofile is not None:
            prefix += ["prlimit", f"--nofile={nofile}:{nofile}", "--"]
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.child = subprocess.Popen(prefix + argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          cwd=cwd, pass_fds=pass_fds, env={**os.environ, **(env or {})})
        self.pid = self.child.pid

    def signal(self, number):
        self.child.send_signal(number)

    def wait_said(self, *texts):
        """On stderr, which a line of another log may overtake."""
        wait_until(lambda: all(text in self.stderr for text in texts), f"{texts} on stderr")

    def is_frozen(self):
        """Every thread of it stands still."""
        tasks = f"/proc/{self.pid}/task"
        return all(state_of(f"{tasks}/{task}") in "TX" for task in os.listdir(tasks))

    def freeze(self):
        """SIGSTOP is sent and has come: another core may still run it when the call is back."""
        self.signal(signal.SIGSTOP)
        wait_until(self.is_frozen, "it stands still")

    def wait(self, limit_s=WAIT_S):
        return self.child.wait(limit_s)

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    @property
    def stderr(self):
        with open(self.err_path, errors="replace") as f:
            return f.read()

    @property
    def stdout(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()


class OriginProcess(Process):
    """Origin in a process of its own, to be killed for real."""

    def __init__(self, id):
        self.id = id
        self.address = (HOST, free_port())
        track(self)
        self.begin()

    def begin(self):
        super().__init__([sys.executable, os.path.abspath(__file__), "origin", self.id, text_of(self.address)],
                         folder())
        wait_until(lambda: is_listening(self.address), f"origin {self.id} listens")

    def stop(self):
        self.kill()


def is_listening(address):
    s, name = socket_for(address)
    with s:
        s.settimeout(WAIT_S)
        return s.connect_ex(name) == 0


# ---- Holdfast -----------------------------------------------------------------------------------


def libconfig(value, indent=""):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    deeper = indent + "  "
    if isinstance(value, dict):
        rows = "".join(f"{deeper}{k} = {libconfig(v, deeper)};\n" for k, v in value.items() if v is not None)
        return "{\n" + rows + indent + "}"
    if all(isinstance(v, (str, int)) for v in value):
        return "[ " + ", ".join(libconfig(v) for v in value) + " ]"
    return "( " + ",\n    ".join(libconfig(v, deeper) for v in value) + " )"


CHECKED = {"path": "/healthz", "interval": "100ms", "timeout": "5s", "fall": 2, "rise": 2}
UNCHECKED = {"enabled": False}
LINE_FIELDS = ["ts", "event", "node", "service", "session", "primary", "reason", "evidence", "order",
               "skipped", "chosen", "rank", "attempt_ms", "hops", "epoch", "pool", "request_id"]
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
           "ThreadSanitizer:", "Assertion")


def member(m, **more):
    """A member's group of the configuration, from an origin or (id, address)."""
    id, address = (m.id, m.address) if hasattr(m, "id") else m
    return {"id": id, "origin": address if isinstance(address, str) else text_of(address), **more}


class Holdfast(Process):
    """`holdfast run` with one service "shop" of these members. Checks are off unless `health` says
    otherwise. `top` overrides keys of the configuration's top level, `service` those of the service."""

    def __init__(self, members, session=None, health=None, passive=None, timeouts=None, rates=None, service=None,
                 workers=1, top=None, services=None, nofile=None, env=None, address=None, level="info",
                 start=True, program=None, pass_fds=()):
        self.where = folder()
        self.address = address or (HOST, free_port())
        self.failover_path = os.path.join(self.where, "failover.log")
        self.access_path = os.path.join(self.where, "access.log")
        one = {"name": "shop", "session": session, "health": health or UNCHECKED, "passive": passive,
               "timeouts": timeouts, "rates": rates, **(service or {}),
               "members": [m if isinstance(m, dict) else member(m) for m in members]}
        self.conf = {"workers": workers, "state_dir": self.where, "stop": "5s",
                     "listeners": [{"address": text_of(self.address)}],
                     "log": {"failover": self.failover_path, "access": self.access_path, "level": level},
                     "services": services or [one], **(top or {})}
        self.conf_path = os.path.join(self.where, "holdfast.conf")
        self.nofile, self.env, self.pass_fds = nofile, env, pass_fds
        self.program = program or binary()
        self.expected_exit = 0
        self.child = None
        track(self)
        with open(self.conf_path, "w") as f:
            f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in self.conf.items() if v is not None))
        if start:
            self.start()

    def start(self):
        super().__init__([self.program, "run", "-c", self.conf_path], self.where, env=self.env, nofile=self.nofile,
                         pass_fds=self.pass_fds)
        wait_until(self.answers_connections, "Holdfast listens")

    def answers_connections(self):
        if self.child.poll() is not None:
            raise AssertionError(f"Holdfast ended with {self.child.returncode}:\n{self.stderr}")
        return is_listening(self.address)

    def client(self, **more):
        return Client(self.address, **more)

    def browser(self, **more):
        return Browser(self.address, **more)

    def once(self, target="/", **more):
        """One request on a connection of its own."""
        with self.client() as c:
            return c.get(target, **more)

    # ---- records

    def events(self, event=None, **fields):
        """Lines of the failover log, whole ones, that have these values."""
        found = []
        for line in self.lines(self.failover_path):
            entry = json.loads(line)
            if list(entry)[:len(LINE_FIELDS)] != LINE_FIELDS:
                raise AssertionError(f"a failover log line's fields: {line}")
            if (event is None or entry["event"] == event) and all(entry.get(k) == v for k, v in fields.items()):
                found.append(entry)
        return found

    def wait_event(self, event, count=1, limit_s=WAIT_S, **fields):
        """The count-th such line, when it comes."""
        return wait_until(lambda: self.events(event, **fields)[count - 1:],
                          f"{event} {fields or ''} in the failover log", limit_s)[0]

    def requests(self, **fields):
        """Lines of the access log that have these values."""
        entries = [json.loads(line) for line in self.lines(self.access_path)]
        return [e for e in entries if all(e.get(k) == v for k, v in fields.items())]

    def wait_request(self, count=1, **fields):
        return wait_until(lambda: self.requests(**fields)[count - 1:], f"{fields} in the access log")[0]

    def lines(self, path):
        try:
            with open(path, "rb") as f:
                text = f.read().decode("utf-8")
        except FileNotFoundError:
            return []
        return text.split("\n")[:-1]

    # ---- what the kernel knows

    def memory_bytes(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M)[1]) * 1024

    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat") as f:
            ticks = f.read().rsplit(") ", 1)[1].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # ---- the end

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def reports(self):
        """What sanitizers and assertions had to say."""
        texts = [self.stderr]
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            for path in re.findall(r"log_path=([^:]+)", os.environ.get(name, "")):
                if os.path.exists(f"{path}.{self.pid}"):
                    with open(f"{path}.{self.pid}", errors="replace") as f:
                        texts.append(f.read())
        return "\n".join(sorted({t for t in texts if any(r in t for r in REPORTS)}))

    def stop(self, number=signal.SIGTERM, limit_s=60):
        """Ends it by this signal; fails when it does not exit as it should."""
        if self.child is None:
            return
        child, status = self.child, None
        try:
            if child.poll() is None:
                child.send_signal(number)
            status = child.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"Holdfast does not end by {signal.Signals(number).name}") from None
        finally:
            self.kill()
            self.child = None
            if self in started:
                started.remove(self)
        if self.reports():
            raise AssertionError(f"a report in Holdfast:\n{self.reports()}")
        if status != self.expected_exit:
            raise AssertionError(f"Holdfast ended with {status}:\n{self.stderr}")


def holdfast(*argv, limit_s=WAIT_S, input=None, cwd=ROOT):
    """Another subcommand, to its end: (exit status, stdout, stderr)."""
    done = subprocess.run([binary(), *argv], input=input, capture_output=True, text=True, timeout=limit_s,
                          cwd=cwd)
    return done.returncode, done.stdout, done.stderr


# ---- clients ------------------------------------------------------------------------------------


class Response:
    """A final answer, the interim ones before it, and its body."""

    def __init__(self, head):
        lines = head_lines(head)
        line = STATUS_LINE.fullmatch(lines[0])
        if not line:
            raise Malformed(f"status line {lines[0]!r}")
        self.head = head
        self.line = lines[0]
        self.minor = int(line[1])
        self.status = int(line[2])
        self.reason = line[3].decode("latin-1")
        self.fields = parse_fields(lines[1:])
        self.framing = framing_of(self.fields)
        self.interim = []
        self.body = b""
        self.trailers = Fields()
        self.chunks = []

    @property
    def closes(self):
        return "close" in [o.strip().lower() for v in self.fields.all("Connection") for o in v.split(",")]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def got(self):
        """The request's fields as the origin got them."""
        return Fields((n, v) for n, v in self.json["fields"])

    @property
    def id(self):
        return self.json["id"]

    def cookies(self):
        """Name to value of what Set-Cookie sets."""
        return dict(v.split(";")[0].split("=", 1) for v in self.fields.all("Set-Cookie"))


def has_body(method, status):
    return method != "HEAD" and status >= 200 and status not in (204, 304)


class Client(Wire):
    """One connection to Holdfast."""

    def __init__(self, address, source=None, timeout_s=60, receive_bytes=None):
        s, name = socket_for(address)
        if receive_bytes is not None:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        s.settimeout(timeout_s)
        if source is not None:
            s.bind((source, 0))
        s.connect(name)
        if s.family != socket.AF_UNIX:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(s)
        self.host = "localhost" if s.family == socket.AF_UNIX else text_of(address)
        track(self)

    def stop(self):
        self.reset()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        if self in started:
            started.remove(self)

    def send(self, data):
        self.sock.sendall(data)

    def request_bytes(self, method="GET", target="/", fields=(), body=None, version="1.1", host=None):
        lines = [] if host == "" else [("Host", host or self.host)]
        lines += list(fields)
        if body is not None:
            lines.append(("Content-Length", str(len(body))))
        return (latin(method) + b" " + latin(target) + b" HTTP/" + latin(version) + CRLF +
                field_lines(lines) + CRLF + (body or b""))

    def request(self, method="GET", target="/", **more):
        self.send(self.request_bytes(method, target, **more))
        return self.response(method)

    def get(self, target="/", method="GET", **more):
        return self.request(method, target, **more)

    def head(self, method="GET"):
        """The next answer's head, final or interim."""
        r = Response(self.until(b"\r\n\r\n"))
        if r.status < 200 or r.status == 204:
            if r.fields.has("Content-Length") or r.fields.has("Transfer-Encoding"):
                raise Malformed(f"framing in an answer that has no body: {r.head!r}")
        elif not r.fields.has("Date"):
            raise Malformed(f"no Date: {r.head!r}")
        return r

    def response(self, method="GET", sink=None):
        """The next final answer, whole. sink: takes the body's pieces instead of Response.body."""
        interim = []
        while True:
            r = self.head(method)
            if r.status >= 200 or r.status == 101:
                break
            interim.append(r)
        r.interim = interim
        if has_body(method, r.status):
            pieces = []
            framing = "close" if r.framing is None else r.framing
            r.trailers, r.chunks = self.body(framing, sink or pieces.append)
            r.body = b"".join(pieces)
        return r

    def exchange(self, data, method="GET"):
        """Sends these bytes, reads one answer."""
        self.send(data)
        return self.response(method)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)


class Browser:
    """Keeps cookies and one connection, as a browser does."""

    def __init__(self, address, fields=(), source=None):
        self.address = address
        self.fields = list(fields)
        self.source = source
        self.cookies = {}
        self.connection = None

    def request(self, method="GET", target="/", fields=(), **more):
        if self.connection is None:
            self.connection = Client(self.address, source=self.source)
        lines = self.fields + list(fields)
        if self.cookies:
            lines.append(("Cookie", "; ".join(f"{n}={v}" for n, v in self.cookies.items())))
        try:
            r = self.connection.request(method, target, fields=lines, **more)
        except Exception:
            self.leave()
            raise
        self.cookies.update(r.cookies())
        if r.closes or r.minor == 0:
            self.leave()
        return r

    def get(self, target="/", **more):
        return self.request("GET", target, **more)

    def leave(self):
        if self.connection is not None:
            self.connection.__exit__()
            self.connection = None


class Outcome:
    def __init__(self, client, number, response=None, error=None):
        self.client = client
        self.number = number
        self.status = response.status if response is not None else None
        self.id = response.json["id"] if response is not None and response.status == 200 else None
        self.error = error


class Load:
    """Browsers that ask one after another, each in its thread, until stop() or `each` requests."""

    def __init__(self, proxies, clients=8, each=None, method="GET", body=None, fields=None):
        self.addresses = [p.address for p in (proxies if isinstance(proxies, list) else [proxies])]
        self.each = min(each or 5000, 5000)
        self.method, self.body, self.fields = method, body, fields
        self.outcomes = []
        self.ending = threading.Event()
        self.browsers = [Browser(self.addresses[i % len(self.addresses)],
                                 fields=fields(i) if fields else ()) for i in range(clients)]
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(clients)]
        for t in self.threads:
            t.start()

    def run(self, i):
        for n in range(self.each):
            if self.ending.is_set():
                return
            mark = f"{i}-{n}"
            try:
                r = self.browsers[i].request(self.method, f"/load/{mark}", fields=[("X-Exchange", mark)],
                                             body=self.body)
                if r.status == 200 and r.got.all("X-Exchange") != [mark]:
                    self.outcomes.append(Outcome(i, n, error=f"the answer to {r.got.all('X-Exchange')}"))
                else:
                    self.outcomes.append(Outcome(i, n, r))
            except Exception as e:
                self.outcomes.append(Outcome(i, n, error=f"{type(e).__name__}: {e}"))

    def wait_more(self, count):
        """Until `count` more requests have ended, and of each client that goes on one at least."""
        before = len(self.outcomes)

        def done():
            more = self.outcomes[before:]
            going = {i for i, t in enumerate(self.threads) if t.is_alive()}
            return not going or (len(more) >= count and going <= {o.client for o in more})

        wait_until(done, f"{count} requests end", 60)

    def join(self):
        for t in self.threads:
            t.join(TEST_LIMIT_S)
        if any(t.is_alive() for t in self.threads):
            raise AssertionError("a client of the load waits for ever")
        for b in self.browsers:
            b.leave()
        return self.outcomes

    def stop(self):
        self.ending.set()
        return self.join()

    def failures(self):
        return [(o.client, o.number, o.status, o.error) for o in self.outcomes if o.status != 200 or o.error]


def assert_refused(proxy, data, *statuses, origins=()):
    """These bytes get one answer with one of these statuses and the end, and no origin sees them."""
    seen = [len(o.requests) for o in origins]
    with proxy.client() as c:
        c.send(data)
        r = c.response("HEAD" if data.startswith(b"HEAD ") else "GET")
        assert r.status in statuses, f"{data[:200]!r} got {r.line!r}"
        assert r.closes, f"{r.head!r} to {data[:200]!r} does not say close"
        assert c.is_ended(), f"the connection goes on after {data[:200]!r}"
    assert seen == [len(o.requests) for o in origins], f"{data[:200]!r} reached an origin"
    return r


# ---- running the tests of a file ----------------------------------------------------------------


class TooLong(BaseException):
    pass


def on_alarm(_number, _frame):
    raise TooLong(f"no end after {TEST_LIMIT_S} s")


def run_one(name, test):
    """Prints how it went; True: it passed."""
    began = time.monotonic()
    running = None
    said = ""
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(TEST_LIMIT_S)
    try:
        test()
    except (Exception, TooLong):
        said = traceback.format_exc()
        running = [s for s in started if isinstance(s, Holdfast) and s.child is not None]
        for h in running:
            said += f"-- {h.conf_path}: what it said\n{h.stderr[-3000:]}"
            said += "-- failover log\n" + "\n".join(h.lines(h.failover_path)[-8:]) + "\n"
            said += "-- access log\n" + "\n".join(h.lines(h.access_path)[-8:]) + "\n"
    finally:
        signal.alarm(0)
    for problem in finish():
        said += f"afterwards: {problem}\n"
    took = f"({time.monotonic() - began:.1f} s)"
    print(f"FAILED {name} {took}\n{said}" if said else f"ok     {name} {took}", flush=True)
    return not said


def main():
    """Runs the tests of the file that was started, or those whose names match the arguments."""
    if not os.path.exists(binary()):
        print(f"FAILED: there is no {binary()}\n0 passed, 1 failed")
        sys.exit(1)
    space = sys.modules["__main__"].__dict__
    tests = [(n, f) for n, f in space.items() if n.startswith("test_") and callable(f)]
    if sys.argv[1:]:
        tests = [(n, f) for n, f in tests if any(fnmatch.fnmatch(n, f"*{a}*") for a in sys.argv[1:])]
    passed = sum(run_one(n, f) for n, f in tests)
    print(f"{passed} passed, {len(tests) - passed} failed")
    sys.stdout.flush()
    os._exit(0 if tests and passed == len(tests) else 1)  # not held up by a thread that still waits


def main_origin(id, address):
    global HOST
    HOST, port = address.rsplit(":", 1)
    origin = Origin(id, start=False)
    origin.address = (HOST, int(port))
    origin.start()
    signal.pause()


if __name__ == "__main__" and sys.argv[1:2] == ["origin"]:
    main_origin(*sys.argv[2:])
