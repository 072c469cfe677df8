"""The links between the nodes of a cluster: a relay of TCP and UDP that stands at the addresses which
the list of nodes names, before the sockets where they really listen, and can cut each direction of
each link. It needs no privilege, so it works in every container, where nft and namespaces need root
and a kernel that lets them. Nodes connect from their own address, so the relay knows whose link it is, and it
sends on from the same address, for a node believes nobody else.

    links = Links(hosts)                            {id: the address that it has for its own}
    links.add("a", http, real_http, datagrams, real_datagrams)
    links.start()
    links.cut([("a", "b")], HELD)                   what a says does not reach b; what b says reaches a
    links.heal([("a", "b")])

HELD: datagrams are lost; bytes of connections wait until the link is healed, and then arrive, as TCP
would send them again. A new connection is accepted by the relay and says nothing. REFUSED: as HELD for
datagrams, and connections between the two break with a reset, now and as long as it lasts.

Who races for a session asks from a port of its own, and is answered there.
"""

import asyncio
import socket
import struct
import threading

import holdfast

HELD, REFUSED = "held", "refused"
PIECE_BYTES, DATAGRAM_BYTES_MAX = 65536, 2048
GUESTS_MAX = 256


class Refused(ConnectionError):
    pass


def reset(writer):
    """Ends with a RST."""
    try:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    writer.transport.abort()


class Door:
    """One node's: where it is known, and where it listens."""

    def __init__(self, id, http, real_http, datagrams, real_datagrams):
        self.id, self.http, self.real_http, self.real_datagrams = id, http, real_http, real_datagrams
        self.server = None
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(datagrams)
        self.socket.setblocking(False)


class Links:
    def __init__(self, hosts):
        self.hosts = hosts
        self.id_of = {host: i for i, host in hosts.items()}
        self.doors = {}
        self.state = {}             # (from, to) -> HELD or REFUSED
        self.open = set()           # (frozenset of both ends, writer)
        self.guests = {}            # (node, another's port that is not the listed one) -> the socket that speaks for it there
        self.lost = self.carried = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.changed = None
        holdfast.track(self)

    def add(self, id, *addresses):
        self.doors[id] = Door(id, *addresses)

    def start(self):
        self.thread.start()
        self.do(self.begin())

    def do(self, task):
        """In the relay's thread."""
        return asyncio.run_coroutine_threadsafe(task, self.loop).result(holdfast.WAIT_S)

    async def begin(self):
        self.changed = asyncio.Event()
        for door in self.doors.values():
            self.loop.add_reader(door.socket, self.take, door)

    def stop(self):
        async def end():
            for door in self.doors.values():
                self.loop.remove_reader(door.socket)
                if door.server is not None:
                    door.server.close()
                door.socket.close()
            for guest in self.guests.values():
                self.loop.remove_reader(guest)
                guest.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        if self.thread.is_alive():
            self.do(end())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(holdfast.WAIT_S)
        self.loop.close()

    # ---- what a test does to them

    def listen(self, id):
        """The node is there: connections to it are taken."""
        async def begin():
            door = self.doors[id]
            door.server = await asyncio.start_server(lambda r, w: self.connected(door, r, w), *door.http,
                                                     backlog=256, reuse_address=True)

        self.do(begin())

    def deafen(self, id):
        """The node is gone: connections to it are refused, as its host would do."""
        async def end():
            server, self.doors[id].server = self.doors[id].server, None
            if server is not None:
                server.close()

        self.do(end())

    def cut(self, pairs, how):
        async def change():
            self.state.update({pair: how for pair in pairs})
            if how == REFUSED:
                ends = {frozenset(pair) for pair in pairs}
                for pair, writer in list(self.open):
                    if pair in ends:
                        reset(writer)
            self.notify()

        self.do(change())

    def heal(self, pairs):
        async def change():
            for pair in pairs:
                self.state.pop(pair, None)
            self.notify()

        self.do(change())

    def notify(self):
        self.changed.set()
        self.changed = asyncio.Event()

    # ---- datagrams

    def take(self, door):
        """One for `door`: goes on as from the sender's address in the list of nodes."""
        try:
            data, peer = door.socket.recvfrom(DATAGRAM_BYTES_MAX)
        except OSError:
            return
        sender = self.id_of.get(peer[0])
        if sender is None or (sender, door.id) in self.state:
            self.lost += 1
            return
        if peer != self.doors[sender].real_datagrams:
            self.take_guest(door, data, peer, sender)
            return
        self.pass_on(self.doors[sender].socket, data, door.real_datagrams)

    def take_guest(self, door, data, peer, sender):
        guest = self.guests.get((door.id, peer))
        if guest is None and len(self.guests) == GUESTS_MAX:
            oldest = self.guests.pop(next(iter(self.guests)))
            self.loop.remove_reader(oldest)
            oldest.close()
        if guest is None:
            guest = self.guests[door.id, peer] = socket.socket(type=socket.SOCK_DGRAM)
            guest.bind((self.hosts[sender], 0))
            guest.setblocking(False)
            self.loop.add_reader(guest, self.answer_guest, door, guest, peer, sender)
        self.pass_on(guest, data, door.real_datagrams)

    def answer_guest(self, door, guest, peer, sender):
        try:
            data = guest.recv(DATAGRAM_BYTES_MAX)
        except OSError:
            return
        if (door.id, sender) in self.state:
            self.lost += 1
        else:
            self.pass_on(door.socket, data, peer)

    def pass_on(self, by, data, to):
        self.carried += 1
        try:
            by.sendto(data, to)
        except OSError:
            pass  # nobody is there

    # ---- connections

    async def passage(self, pair):
        """When bytes may pass."""
        while pair in self.state:
            if self.state[pair] == REFUSED:
                raise Refused()
            await self.changed.wait()

    async def connected(self, door, reader, writer):
        sender = self.id_of.get(writer.get_extra_info("peername")[0])
        ends = frozenset((sender, door.id))
        other = None
        held = [(ends, writer)]
        self.open.add(held[0])
        try:
            if REFUSED in (self.state.get((sender, door.id)), self.state.get((door.id, sender))):
                raise Refused()
            await self.passage((sender, door.id))
            back, other = await asyncio.open_connection(*door.real_http, local_addr=(self.hosts.get(sender, holdfast.HOST), 0))
            held.append((ends, other))
            self.open.add(held[1])
            await asyncio.gather(self.carry(reader, other, (sender, door.id)),
                                 self.carry(back, writer, (door.id, sender)))
        except (OSError, asyncio.CancelledError):
            for _, end in held:
                reset(end)
        finally:
            for row in held:
                self.open.discard(row)
                row[1].close()

    async def carry(self, reader, writer, pair):
        while True:
            data = await reader.read(PIECE_BYTES)
            await self.passage(pair)
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
