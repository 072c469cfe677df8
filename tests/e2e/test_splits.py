"""The same bytes have the same outcome however they come over real sockets: each message of
tests/messages in one piece, cut at every byte, byte by byte, and with a second one behind it. (The same
through a worker in memory: tests/relay/test_splits.c.)"""

import glob
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Ended, Holdfast, Origin, Response, has_body

FOLDER = os.path.join(holdfast.ROOT, "tests", "messages")
SETTLE_S = 0.03       # so that first pieces are read by themselves; the outcome does not depend on it
VARYING = {"date", "set-cookie", "x-forwarded-host", "host"}


def messages(kind):
    found = []
    for path in sorted(glob.glob(os.path.join(FOLDER, kind, "*"))):
        with open(path, "rb") as f:
            found.append((os.path.basename(path), f.read()))
    assert len(found) >= 20
    return found


def fields_of(fields):
    return [(n, v) for n, v in fields if n.lower() not in VARYING and not n.lower().startswith("holdfast-")]


def everything(c, method):
    """All answers up to the end, as something that can be compared."""
    seen = []
    try:
        while True:
            r = Response(c.until(b"\r\n\r\n"))
            body, whole = [], True
            if has_body(method, r.status):
                try:
                    c.body("close" if r.framing is None else r.framing, body.append)
                except Ended:
                    whole = False
            seen.append((r.line, fields_of(r.fields), b"".join(body), whole))
            if not whole:
                break
    except Ended as e:
        seen.append(("end", e.held))
    return seen


def ways(data, step=1):
    """Lists of pieces: whole, cut at every byte (or every step-th), byte by byte."""
    yield [data]
    for cut in range(1, len(data), step):
        yield [data[:cut], data[cut:]]
    yield [data[i:i + 1] for i in range(len(data))]


def send_pieces(clients, pieces_of):
    """The n-th pieces of all, then the next ones."""
    for n in range(max(len(p) for p in pieces_of)):
        for c, pieces in zip(clients, pieces_of):
            if n < len(pieces):
                try:
                    c.send(pieces[n])
                except OSError:
                    pass  # it was refused before its end
        if n < 2:
            time.sleep(SETTLE_S)
    for c in clients:
        try:
            c.half_close()
        except OSError:
            pass


class Seen:
    """What members got, by connection of the client: the requests carry no number of their own."""

    def __init__(self):
        self.requests = {}
        self.lock = threading.Lock()

    def behave(self, connection, request):
        try:
            body = request.read_body()
            how = "whole"
        except Ended:
            body, how = request.body, "broken off"
        key = request.fields.get("X-Forwarded-For")
        with self.lock:
            self.requests.setdefault(key, []).append(
                (request.line, [f for f in fields_of(request.fields) if f[0] != "X-Forwarded-For"], body,
                 request.trailers if how == "whole" else None, how))
        if how != "whole":
            return False
        content = b"%d" % len(body)
        connection.answer(200, b"" if request.method == "HEAD" else content)


def compare(name, ways_of, outcomes):
    for pieces, outcome in zip(ways_of, outcomes):
        assert outcome == outcomes[0], (f"{name} cut into {[len(p) for p in pieces][:5]}...:\n{outcome}\n"
                                        f"-- instead of --\n{outcomes[0]}")


def requests_cut(times, step):
    seen = Seen()
    p = Holdfast([Origin("a", seen.behave)])
    for number, (name, data) in enumerate(messages("requests")):
        method = "HEAD" if data.startswith(b"HEAD") else "GET"
        ways_of = list(ways(data * times, step))
        sources = [f"127.{number + 1}.{n // 250}.{n % 250 + 1}" for n in range(len(ways_of))]
        clients = [p.client(source=s) for s in sources]
        send_pieces(clients, ways_of)
        outcomes = [everything(c, method) for c in clients]
        for c in clients:
            c.__exit__()
        compare(name, ways_of, outcomes)
        good = {s: seen.requests.get(s, []) for s in sources}
        compare(name, ways_of, [[r for r in good[s] if r[4] == "whole"] for s in sources])


def test_requests_cut_at_every_byte():
    requests_cut(times=1, step=1)


def test_two_requests_in_one_piece_cut_anywhere():
    requests_cut(times=2, step=3)


def test_answers_cut_at_every_byte():
    found = dict(messages("answers"))
    ways_of = {name: list(ways(data)) for name, data in found.items()}

    def behave(connection, request):
        _, name, n = request.target.split("/")
        for i, piece in enumerate(ways_of[name][int(n)]):
            connection.send(piece)
            if i < 2:
                time.sleep(SETTLE_S)
        return False

    p = Holdfast([Origin("a", behave)], service={"pool_max": 0}, passive={"fall": 1000}, timeouts={"idle": "20s"})
    for name in found:
        clients = [p.client() for _ in ways_of[name]]
        for n, c in enumerate(clients):
            c.send(b"POST /%s/%d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % (name.encode(), n))
        outcomes = [everything(c, "GET") for c in clients]
        for c in clients:
            c.__exit__()
        compare(name, ways_of[name], outcomes)


if __name__ == "__main__":
    holdfast.main()
