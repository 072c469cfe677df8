#!/usr/bin/env python3
"""A sample server that keeps its sessions in memory, as servers behind Holdfast do.

    tests/demo/server.py a|b|c      listens on 127.0.0.1:9001, 9002 or 9003

It counts the requests of each session (Holdfast-Session says whose a request is) and, before it
answers, copies the count to the member that Holdfast names first in Holdfast-Backups: the one that
gets this session if this server dies. That is all an application has to do.
"""

import http.client
import http.server
import os
import sys
import threading

MEMBERS = {"a": ("127.0.0.1", 9001), "b": ("127.0.0.1", 9002), "c": ("127.0.0.1", 9003)}
COPY_LIMIT_S = 0.5

counts = {}  # session -> requests so far, here or where it lived before
lock = threading.Lock()


def count(session, at_least=None):
    """One more, or, for a copy from another member, at least so many."""
    with lock:
        counts[session] = counts.get(session, 0) + 1 if at_least is None else max(counts.get(session, 0), at_least)
        return counts[session]


def copy_to(member, session, number):
    """The backup may be gone as well: the client's answer does not depend on it."""
    try:
        connection = http.client.HTTPConnection(*MEMBERS[member], timeout=COPY_LIMIT_S)
        connection.request("PUT", f"/copy/{session}", str(number))
        connection.getresponse().read()
        connection.close()
    except (KeyError, OSError, http.client.HTTPException):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/healthz":
            self.answer("ok\n")
            return
        session = self.headers.get("Holdfast-Session", "none")
        number = count(session)
        backup = self.headers.get("Holdfast-Backups", "").split(",")[0]
        if backup:
            copy_to(backup, session, number)
        failover = self.headers.get("Holdfast-Failover")
        self.answer(f"session {session[:8]}: request {number}, served by {self.server.id} "
                    f"(primary {self.headers.get('Holdfast-Primary', 'none')}"
                    f"{', failover ' + failover if failover else ''})\n")

    def do_PUT(self):
        number = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/copy/") and number.isdigit():
            count(self.path.removeprefix("/copy/"), int(number))
        self.answer("ok\n")

    def log_message(self, form, *args):
        if self.path != "/healthz":
            super().log_message(form, *args)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, id):
        self.id = id
        super().__init__(MEMBERS[id], Handler)


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in MEMBERS:
        print("usage: tests/demo/server.py a|b|c", file=sys.stderr)
        return 2
    try:
        server = Server(sys.argv[1])
    except OSError as e:
        print(f"server {sys.argv[1]}: 127.0.0.1:{MEMBERS[sys.argv[1]][1]}: {os.strerror(e.errno)}", file=sys.stderr)
        return 1
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
