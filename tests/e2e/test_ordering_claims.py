"""Deterministic backup ordering (US 8,090,829): every line of the checklist C1 to C15 by its name, on
real processes: a node beside each member, any node takes any request."""

import collections
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import holdfast
import ordering
from holdfast import Origin, wait_until
from test_mesh import KEYED, RETRY, Mesh


def dead_primary(ids="abc", **more):
    """A mesh whose node and member a are killed, and keys of a's."""
    m = Mesh(ids=ids, session=KEYED, passive=RETRY, **more)
    keys = m.keys_of("a", 12)
    m.nodes["a"].expected_exit = -signal.SIGKILL
    m.nodes["a"].kill()
    m.origins["a"].go()
    return m, keys


def first_that(m, keys, backup):
    """A key whose first backup is this one."""
    return next(k for k in keys if m.order(k)[1] == backup)


def line_of(node, key, event="failover"):
    return node.wait_event(event, session=ordering.digest(key)[:8])


def test_c01_the_request_carries_key_and_primary():
    """What goes from node to node names the session by its digest, and the primary by its id."""
    m = Mesh(down="b", session=KEYED, passive=RETRY)
    tap = Origin("tap", start=False)
    tap.address = m.addresses["b"]
    tap.start()
    key = m.keys_of("b", 1)[0]
    assert m.through("a", key).id == "tap"
    hop = tap.requests[0].fields.get("Holdfast-Hop")
    assert f"; digest={ordering.digest(key)}; primary=b; " in hop and "path=a;" in hop, hop
    assert "; epoch=0; " in hop


def test_c02_the_first_backup_finds_that_it_belongs_to_another():
    m = Mesh(session=KEYED)
    key = first_that(m, m.keys_of("a", 12), "b")
    assert m.through("b", key).id == "a"
    assert m.origins["a"].requests[0].fields.get("Holdfast-Primary") == "a"


def test_c03_it_finds_by_itself_that_the_primary_is_gone():
    m, keys = dead_primary()
    key = first_that(m, keys, "b")
    assert m.through("b", key).id == "b"
    line = line_of(m.nodes["b"], key)
    assert line["reason"] == "connect_refused" and line["evidence"] and line["hops"] in (None, 0), line


def test_c04_the_ordering_comes_from_the_key_alone():
    """All nodes, and an implementation in another language, give one order."""
    m = Mesh(ids="abcde", session=KEYED)
    for n in range(20):
        order = m.order(f"k{n}")
        for p in m.nodes.values():
            status, out, err = holdfast.holdfast("explain", "-c", p.conf_path, "--json", f"k{n}")
            assert status == 0, err
            assert [x["member"] for x in json.loads(out)["order"]] == order


def test_c05_the_first_ordered_value_is_selected():
    m, keys = dead_primary(ids="abcde")
    for key in keys[:5]:
        entry = m.order(key)[2]
        assert m.through(entry, key).id == m.order(key)[1]
    worked = {i: len(o.requests) for i, o in m.origins.items()}
    assert sum(worked.values()) == 5, worked


def test_c06_the_request_is_sent_there():
    m, keys = dead_primary()
    key = first_that(m, keys, "c")
    assert m.through("b", key).id == "c"
    assert len(m.origins["c"].requests) == 1 and not m.origins["b"].requests


def test_c07_the_second_backup_receives_it():
    m, keys = dead_primary()
    key = first_that(m, keys, "c")
    m.through("b", key, target="/seen")
    line = m.nodes["c"].wait_request(target="/seen")
    assert line["member"] == "c" and line["status"] == 200, line


def test_c08_the_second_backup_reads_the_primary_anew():
    m, keys = dead_primary()
    key = first_that(m, keys, "c")
    m.through("b", key)
    assert line_of(m.nodes["c"], key)["primary"] == "a"
    assert m.origins["c"].requests[0].fields.get("Holdfast-Primary") == "a"


def test_c09_the_second_backup_finds_the_primary_gone_itself():
    m, keys = dead_primary()
    key = first_that(m, keys, "c")
    m.through("b", key)
    line = line_of(m.nodes["c"], key)
    assert line["node"] == "c" and line["reason"] == "connect_refused", line
    assert line["evidence"], line


def test_c09_the_sender_is_not_trusted():
    """One node alone holds the primary's member down: who gets the request from it finds the member well,
    and has it served there. A receiver that believed the sender would serve it itself."""
    mesh = Mesh(session=KEYED, passive=RETRY)
    keys = mesh.keys_of("a", 12)
    key = first_that(mesh, keys, "c")
    b = mesh.nodes["b"]
    with open(b.conf_path) as f:
        text = f.read()
    with open(b.conf_path, "w") as f:  # this node's operator takes a out
        at = text.index("members = ")
        f.write(text[:at] + text[at:].replace('id = "a";', 'id = "a"; order = "maint";', 1))
    b.signal(signal.SIGHUP)
    b.wait_event("reload")
    r = mesh.through("b", key)
    assert r.id == "a", r.id
    assert not mesh.origins["c"].requests


def test_c10_it_generates_the_same_ordering():
    m, keys = dead_primary(ids="abcd")
    key = first_that(m, keys, "c")
    m.through("b", key)
    order = line_of(m.nodes["c"], key)["order"]
    assert order == m.order(key)[:len(order)] or order == m.order(key)[1:][:len(order)], order
    status, out, _ = holdfast.holdfast("explain", "-c", m.nodes["b"].conf_path, "--json", "--down", "a", key)
    assert status == 0 and [x["member"] for x in json.loads(out)["order"]] == m.order(key)


def test_c11_the_second_backup_takes_the_first_ordered_value():
    m, keys = dead_primary(ids="abcd")
    key = first_that(m, keys, "d")
    m.through("b", key)
    line = line_of(m.nodes["d"], key)
    assert line["chosen"] == "d" and line["rank"] == 1, line
    assert [i for i in line["order"] if i != "a"][0] == "d", line


def test_c12_it_processes_because_that_is_itself():
    m, keys = dead_primary(ids="abcd")
    key = first_that(m, keys, "d")
    m.through("c", key)
    assert [len(m.origins[i].requests) for i in "bcd"] == [0, 0, 1]
    assert m.origins["d"].requests[0].fields.get("Holdfast-Failover", "").startswith("from=a")


def test_c13_other_keys_have_other_orderings():
    m = Mesh(ids="abcde", down="abcde", session=KEYED)
    backups = collections.Counter(m.order(k)[1] for k in m.keys_of("a", 1500))
    assert set(backups) == set("bcde")
    assert max(backups.values()) <= 1.25 * sum(backups.values()) / 4, backups


def test_c14_each_value_of_the_ordering_is_one_member():
    m = Mesh(ids="abcde", session=KEYED)
    for n in range(20):
        status, out, _ = holdfast.holdfast("explain", "-c", m.nodes["c"].conf_path, "--json", f"v{n}")
        assert status == 0
        assert sorted(x["member"] for x in json.loads(out)["order"]) == list("abcde")


def test_c15_the_first_backup_processes_without_sending():
    m, keys = dead_primary()
    key = first_that(m, keys, "b")
    assert m.through("b", key, target="/own").id == "b"
    m.nodes["b"].wait_request(target="/own")
    assert not m.origins["c"].requests and not m.nodes["c"].requests(target="/own")


# ---- 10,000 keys at once ------------------------------------------------------------------------

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
BATCH = 50


class QuickOrigin:
    """Answers each request with its id, in a process of its own."""

    def __init__(self, id, address):
        self.process = multiprocessing.get_context("fork").Process(target=self.run, args=(id, address), daemon=True)
        self.process.start()
        holdfast.track(self)
        wait_until(lambda: holdfast.is_listening(address), "it listens")

    @staticmethod
    def run(id, address):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        listener = socket.create_server(address, backlog=128)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=QuickOrigin.serve, args=(sock, ANSWER + id.encode()), daemon=True).start()

    @staticmethod
    def serve(sock, answer):
        held = b""
        while data := sock.recv(65536):
            *heads, held = (held + data).split(b"\r\n\r\n")
            sock.sendall(answer * len(heads))

    def stop(self):
        self.process.kill()
        self.process.join()


def ask_all(address, keys, results):
    """Through one node, BATCH requests in flight: {key: who processed it}."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    sock = socket.create_connection(address, timeout=60)
    seen, held = {}, b""
    for at in range(0, len(keys), BATCH):
        batch = keys[at:at + BATCH]
        sock.sendall(b"".join(b"GET / HTTP/1.1\r\nHost: x\r\nX-Key: %s\r\n\r\n" % k.encode() for k in batch))
        for key in batch:
            while (end := held.find(b"\r\n\r\n")) < 0 or len(held) < end + 5:
                data = sock.recv(65536)
                assert data, f"closed after {held!r}"
                held += data
            head = held[:end]
            assert head.startswith(b"HTTP/1.1 200 ") and b"\r\nContent-Length: 1" in head, head
            seen[key] = held[end + 4:end + 5].decode()
            held = held[end + 5:]
    results.put(seen)


def test_10000_keys_of_a_dead_primary_through_all_survivors_at_once():
    """Five nodes, one killed with its member: one processing member a key, 100 %, the first in its order."""
    m = Mesh(ids="abcde", session=KEYED, passive=RETRY)
    keys = [k for k in (f"k{n}" for n in range(60000)) if m.order(k)[0] == "a"][:10000]
    assert len(keys) == 10000
    for i, o in m.origins.items():
        o.go()
        if i != "a":
            QuickOrigin(i, o.address)
    m.nodes["a"].expected_exit = -signal.SIGKILL
    m.nodes["a"].kill()
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    clients = [fork.Process(target=ask_all, args=(m.nodes[i].address, keys, results), daemon=True) for i in "bcde"]
    for c in clients:
        c.start()
    seen = [results.get(timeout=110) for _ in clients]
    for c in clients:
        c.join(10)
    for s in seen:
        assert all(s[k] == m.order(k)[1] for k in keys)
    spread = collections.Counter(seen[0].values())
    assert set(spread) == set("bcde") and max(spread.values()) < 1.1 * 2500, spread


if __name__ == "__main__":
    holdfast.main()
