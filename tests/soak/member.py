#!/usr/bin/env python3
"""A member of the soak: a server in a process of its own, made to be killed.

    member.py ID HOST:PORT INCARNATION LOG

Every request that it has whole is written to LOG before anything else is done with it: one line, one
write(2) with O_APPEND, so that no record is lost or half there when SIGKILL comes in between:

    time  mark  method  answer  session  primary  before  rank  backups  failover  body-bytes  crc32

separated by tabs, "-" where a field did not come. X-Mark is the request's unique mark; `answer` is the
answer's, unique as well: ID.INCARNATION.NUMBER. The answer's body is one line with both, repeated.
X-Do says how it is answered:

    plain         at once            big       with about 200 KB
    wait=MS       MS later           stream    in chunks over a quarter of a second

GET /healthz is the checks', GET /checks says how many there were.
"""

import asyncio
import os
import sys
import time
import zlib

BIG_LINES = 4000
STREAM_CHUNKS, STREAM_PAUSE_S = 5, 0.05
HEAD_BYTES_MAX, BODY_BYTES_MAX = 65536, 1 << 20
TOLD = ["Holdfast-Session", "Holdfast-Primary", "Holdfast-Served-Before", "Holdfast-Rank",
        "Holdfast-Backups", "Holdfast-Failover"]


class Bad(Exception):
    pass


class Member:
    def __init__(self, id, incarnation, log):
        self.id = id
        self.incarnation = incarnation
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.answers = 0
        self.checks = 0

    def processed(self, method, fields, body):
        """Writes the record; the answer's mark."""
        self.answers += 1
        answer = f"{self.id}.{self.incarnation}.{self.answers}"
        record = [f"{time.time():.6f}", fields.get("x-mark", "-"), method, answer]
        record += [fields.get(name.lower(), "-") for name in TOLD]
        record += [str(len(body)), f"{zlib.crc32(body):08x}"]
        line = ("\t".join(record) + "\n").encode("latin-1")
        if os.write(self.log, line) != len(line):
            os._exit(3)
        return answer


def body_of(mark, answer, lines=1):
    return f"{mark} {answer}\n".encode() * lines


def head_of(member, mark, answer, told, framing):
    return (f"HTTP/1.1 200 OK\r\nX-Mark: {mark}\r\nX-Answer: {answer}\r\nX-Member: {member}\r\n"
            f"X-Primary: {told.get('holdfast-primary', '-')}\r\n"
            f"X-Session: {told.get('holdfast-session', '-')}\r\n{framing}\r\n\r\n").encode("latin-1")


async def read_head(reader):
    """(method, target, fields in lower case)"""
    lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return method, target, fields


async def read_body(reader, fields):
    if fields.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            size = int(await reader.readline(), 16)
            body += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                return body
            if len(body) > BODY_BYTES_MAX:
                raise Bad("body")
    size = int(fields.get("content-length", 0))
    if size > BODY_BYTES_MAX:
        raise Bad("body")
    return await reader.readexactly(size)


async def answer(member, writer, method, fields, body):
    number = member.processed(method, fields, body)
    mark, what = fields.get("x-mark", "-"), fields.get("x-do", "plain")
    if what.startswith("wait="):
        await asyncio.sleep(int(what[5:]) / 1000)
    if what == "stream" and method != "HEAD":
        writer.write(head_of(member.id, mark, number, fields, "Transfer-Encoding: chunked"))
        line = body_of(mark, number)
        for _ in range(STREAM_CHUNKS):
            writer.write(b"%x\r\n%s\r\n" % (len(line), line))
            await writer.drain()
            await asyncio.sleep(STREAM_PAUSE_S)
        writer.write(b"0\r\n\r\n")
    else:
        content = body_of(mark, number, BIG_LINES if what == "big" else 1)
        writer.write(head_of(member.id, mark, number, fields, f"Content-Length: {len(content)}") +
                     (b"" if method == "HEAD" else content))
    await writer.drain()


async def serve(member, reader, writer):
    try:
        while True:
            method, target, fields = await read_head(reader)
            body = await read_body(reader, fields)
            if target in ("/healthz", "/checks"):
                member.checks += target == "/healthz"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
                             b"%10d" % member.checks)
                await writer.drain()
            else:
                await answer(member, writer, method, fields, body)
            if fields.get("connection", "").lower() == "close":
                return
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def run(id, address, incarnation, log):
    member = Member(id, incarnation, log)
    host, port = address.rsplit(":", 1)
    server = await asyncio.start_server(lambda r, w: serve(member, r, w), host, int(port),
                                        limit=HEAD_BYTES_MAX, backlog=1024, reuse_address=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
