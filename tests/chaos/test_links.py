#!/usr/bin/env python3
"""The relay between nodes: what is cut does not arrive, the other direction does, and what is healed
goes on."""

import os
import select
import socket
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]
import holdfast
from cluster import free_datagram_port, host_of
from links import HELD, REFUSED, Links

LIMIT_S = 30


class Pair(unittest.TestCase):
    """Two nodes: sockets at their own addresses, known by others."""

    def setUp(self):
        self.hosts = {i: host_of(n) for n, i in enumerate("ab")}
        self.links = Links(self.hosts)
        self.fronts, self.listeners, self.datagrams, self.known = {}, {}, {}, {}
        for i, host in self.hosts.items():
            self.fronts[i], real = (host, holdfast.free_port(host)), (host, holdfast.free_port(host))
            self.listeners[i] = socket.create_server(real)
            self.listeners[i].settimeout(LIMIT_S)
            self.known[i] = (host, free_datagram_port(host))
            self.datagrams[i] = socket.socket(type=socket.SOCK_DGRAM)
            self.datagrams[i].bind((host, free_datagram_port(host)))
            self.datagrams[i].settimeout(LIMIT_S)
            self.links.add(i, self.fronts[i], real, self.known[i], self.datagrams[i].getsockname())
        self.links.start()
        self.ends = [*self.listeners.values(), *self.datagrams.values()]
        for i in self.hosts:
            self.links.listen(i)

    def tearDown(self):
        self.assertEqual(holdfast.finish(), [])
        for s in self.ends:
            s.close()

    def connection(self):
        """From a to b: (a's end, b's end)."""
        one = socket.create_connection(self.fronts["b"], LIMIT_S, source_address=(self.hosts["a"], 0))
        other, peer = self.listeners["b"].accept()
        other.settimeout(LIMIT_S)
        self.assertEqual(peer[0], self.hosts["a"], "a node believes nobody else")
        self.ends += [one, other]
        return one, other

    def says(self, one, other, text):
        one.sendall(text)
        self.assertEqual(other.recv(100), text)

    def is_quiet(self, end):
        """No byte yet. Others that were sent later, another way, have arrived: the relay had its turn."""
        self.assertEqual(select.select([end], [], [], 0.2)[0], [])

    def test_datagrams_come_from_the_known_address(self):
        self.datagrams["a"].sendto(b"one", self.known["b"])
        data, peer = self.datagrams["b"].recvfrom(100)
        self.assertEqual((data, peer), (b"one", self.known["a"]))
        self.datagrams["b"].sendto(b"two", peer)
        self.assertEqual(self.datagrams["a"].recvfrom(100), (b"two", self.known["b"]))

    def test_a_cut_loses_datagrams_one_way(self):
        self.links.cut([("a", "b")], HELD)
        self.datagrams["a"].sendto(b"lost", self.known["b"])
        self.datagrams["b"].sendto(b"there", self.known["a"])
        self.assertEqual(self.datagrams["a"].recv(100), b"there")
        self.is_quiet(self.datagrams["b"])
        self.links.heal([("a", "b")])
        self.datagrams["a"].sendto(b"again", self.known["b"])
        self.assertEqual(self.datagrams["b"].recv(100), b"again")
        self.assertEqual(self.links.lost, 1)

    def test_another_port_is_answered_there(self):
        racer = socket.socket(type=socket.SOCK_DGRAM)
        racer.bind((self.hosts["a"], 0))
        racer.settimeout(LIMIT_S)
        self.ends.append(racer)
        for text in (b"one", b"two"):
            racer.sendto(text, self.known["b"])
            data, peer = self.datagrams["b"].recvfrom(100)
            self.assertEqual(data, text)
            self.datagrams["b"].sendto(b"to " + data, peer)
            self.assertEqual(racer.recvfrom(100), (b"to " + text, self.known["b"]))
        self.links.cut([("b", "a")], HELD)
        racer.sendto(b"there", self.known["b"])
        data, peer = self.datagrams["b"].recvfrom(100)
        self.datagrams["b"].sendto(b"lost", peer)
        self.is_quiet(racer)

    def test_a_held_connection_goes_on_when_it_is_healed(self):
        one, other = self.connection()
        self.says(one, other, b"before")
        self.links.cut([("a", "b")], HELD)
        one.sendall(b"held")
        self.says(other, one, b"back")
        self.is_quiet(other)
        self.links.heal([("a", "b")])
        self.assertEqual(other.recv(100), b"held")

    def test_a_new_connection_says_nothing_while_it_is_held(self):
        self.links.cut([("a", "b"), ("b", "a")], HELD)
        one = socket.create_connection(self.fronts["b"], LIMIT_S, source_address=(self.hosts["a"], 0))
        self.ends.append(one)
        one.sendall(b"hello")
        self.is_quiet(self.listeners["b"])
        self.links.heal([("a", "b"), ("b", "a")])
        other, _ = self.listeners["b"].accept()
        self.ends.append(other)
        self.assertEqual(other.recv(100), b"hello")

    def test_refused_connections_break(self):
        one, other = self.connection()
        self.says(one, other, b"before")
        self.links.cut([("a", "b"), ("b", "a")], REFUSED)
        for end in (one, other):
            self.assertRaises(ConnectionResetError, end.recv, 100)
        late = socket.create_connection(self.fronts["b"], LIMIT_S, source_address=(self.hosts["a"], 0))
        self.ends.append(late)
        self.assertRaises(ConnectionResetError, late.recv, 100)
        self.links.heal([("a", "b"), ("b", "a")])
        self.says(*self.connection(), b"again")

    def test_ends_are_passed_on(self):
        one, other = self.connection()
        one.shutdown(socket.SHUT_WR)
        self.assertEqual(other.recv(100), b"")
        self.says(other, one, b"late")
        other.close()
        self.assertEqual(one.recv(100), b"")

    def test_who_is_gone_refuses(self):
        self.links.deafen("b")
        self.assertRaises(ConnectionRefusedError, socket.create_connection, self.fronts["b"], LIMIT_S)
        self.links.listen("b")
        self.says(*self.connection(), b"again")


if __name__ == "__main__":
    unittest.main()
