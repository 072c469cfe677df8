"""The control plane on real processes: ranked timers (US 6,889,338, and US 2003/0037284; SEEDS E1 to
E16, each one by name), datagrams that do not belong, who is who, hooks, and the name."""

import os
import re
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster, Node, Speaker
from holdfast import alive, libconfig, text_of, wait_until

EVENTS = ("master_elected", "master_lost", "master_back")


def changes(node):
    """[(event, from, chosen)] of mastership, in order."""
    return [(e["event"], e["from"], e["chosen"]) for e in node.events() if e["event"] in EVENTS]


def rest(c, *gone):
    return [i for i in c.ids if i not in gone]


def sent(c, kind, among=None):
    return sum(c.nodes[i].told()["sent"].get(kind, 0) for i in among or c.nodes)


def grows(node, kind, field="sent", by=3):
    first = node.told()[field].get(kind, 0)
    wait_until(lambda: node.told()[field].get(kind, 0) >= first + by, f"{kind} {field} by {node.id}")


# ---- the checklist ------------------------------------------------------------------------------


def test_e01_every_member_detects_and_elects():
    c = Cluster("abc")
    first = c.wait_master()
    for i in c.ids:
        assert c.nodes[i].told()["state"] == ("master" if i == first else "backup")
    c.nodes[first].die()
    second = c.wait_master(among=rest(c, first), after=first)
    c.nodes[second].die()
    assert c.wait_master(among=rest(c, first, second), after=second) == rest(c, first, second)[0]


def test_e02_detection_goes_on_with_periods_of_their_own():
    slow = {"period": "500ms", "timeout": "100ms", "t1": "50ms"}
    c = Cluster("abc", start="ab")
    conf = dict(c.conf, detect=slow)
    c.start("c", top={"cluster": conf})
    master = c.wait_master()
    for i in rest(c, master):
        grows(c.nodes[i], "inquiry")
        grows(c.nodes[i], "reply", "received")


def test_e03_an_inquiry_without_an_answer_decides():
    c = Cluster("abc")
    first = c.wait_master()
    c.nodes[first].freeze()
    second = c.wait_master(among=rest(c, first), after=first)
    assert sum(c.nodes[i].told()["election"]["suspected"] for i in rest(c, first)) >= 1
    assert sent(c, "suspect", rest(c, first)) >= 1
    c.nodes[first].thaw()
    assert c.wait_master() == second, "who slept follows who was elected meanwhile"
    wait_until(lambda: ("master_lost", first, None) in changes(c.nodes[first]) or
               ("master_elected", first, second) in changes(c.nodes[first]), "the sleeper says so")


def test_e04_e05_waiting_times_come_from_measured_delays():
    c = Cluster("abcde")
    c.wait_master()
    for n in c.nodes.values():
        wait_until(lambda: all(x["round_trip_ms"] for x in n.told()["nodes"] if not x["self"]),
                   "every round trip is measured")
    for n in c.nodes.values():
        told = n.told()
        slowest = max(x["round_trip_ms"] for x in told["nodes"] if not x["self"])
        # T1 and four steps of 25 ms at least (delays.h); more where more was measured.
        assert told["longest_wait_ms"] >= 50 + 3 * 25, told["longest_wait_ms"]
        assert slowest >= 1


def test_e06_members_stand_one_after_another():
    c = Cluster("abcde")
    first = c.wait_master()
    c.nodes[first].die()
    c.wait_master(among=rest(c, first), after=first)
    stood = sum(c.nodes[i].told()["election"]["stood"] for i in rest(c, first))
    assert stood >= 1
    wait_until(lambda: sum(c.nodes[i].told()["state"] == "master" for i in rest(c, first)) == 1, "one master")


def test_e07_e08_a_declare_reaches_all_and_who_waits_accepts():
    c = Cluster("abcde")
    first = c.wait_master()
    c.nodes[first].die()
    among = rest(c, first)
    second = c.wait_master(among=among, after=first)
    assert c.nodes[second].told()["sent"].get("declare", 0) >= len(c.ids) - 1
    for i in among:
        if i != second:
            wait_until(lambda i=i: c.nodes[i].told()["state"] == "backup", f"{i} accepts")
            assert c.nodes[i].told()["term"] == c.nodes[second].told()["term"]


def test_e09_e10_e11_the_best_takes_over_when_preempt_says_so():
    c = Cluster("abc", start="bc", cluster={"preempt": "300ms"})
    assert c.wait_master(master="b") == "b"
    c.start("a")
    assert c.wait_master(master="a") == "a"
    assert c.nodes["a"].told()["election"]["contested"] >= 1
    assert ("master_elected", "b", "a") in changes(c.nodes["c"]) or ("master_lost", "b", "a") in changes(c.nodes["c"])


def test_e09_without_preempt_whoever_is_master_stays():
    c = Cluster("abc", start="bc")
    assert c.wait_master(master="b") == "b"
    c.start("a")
    assert c.wait_master() == "b"
    grows(c.nodes["a"], "heartbeat", by=12)  # three periods of all others
    assert c.wait_master() == "b"


def test_e12_an_uncontested_election_costs_at_most_4n_messages():
    c = Cluster("abcde")
    first = c.wait_master()
    among = rest(c, first)
    kinds = ("suspect", "refute", "declare", "revoke")
    before = sum(sent(c, k, among) for k in kinds)
    c.nodes[first].die()
    c.wait_master(among=among, after=first)
    for i in among:
        grows(c.nodes[i], "heartbeat", by=8)  # two periods: what is to be said was said
    spent = sum(sent(c, k, among) for k in kinds) - before
    assert 4 <= spent <= 4 * len(c.ids), spent


def test_e13_the_name_shows_the_new_master_on_all_copies():
    c = Cluster("abc", start="")
    dns = {i: (c.hosts[i], holdfast.free_port(c.hosts[i])) for i in c.ids}
    for i in c.ids:
        c.start(i, top={"cluster": dict(c.conf, dns={"listen": text_of(dns[i])})})
    first = c.wait_master()
    assert {lookup(dns[i], "master.shop")[1] for i in c.ids} == {(c.hosts[first],)}
    c.nodes[first].die()
    second = c.wait_master(among=rest(c, first), after=first)
    for i in rest(c, first):
        assert lookup(dns[i], "MASTER.Shop") == (0, (c.hosts[second],))
        assert lookup(dns[i], "master.shop", 28) == (0, ())
        assert lookup(dns[i], "other.shop")[0] == 3 and lookup(dns[i], "example.com")[0] == 5
        assert c.nodes[i].once("/v1/master").json["master"]["id"] == second
    s = socket.socket(type=socket.SOCK_DGRAM)
    for junk in (b"", b"x" * 11, b"\0" * 12, b"\0" * 511, b"\xff" * 600):
        s.sendto(junk, dns[second])
    s.close()
    assert lookup(dns[second], "master.shop") == (0, (c.hosts[second],))


def test_e14_ranks_change_while_nodes_run():
    c = Cluster("abc", cluster={"preempt": "300ms"})
    assert c.wait_master(master="a") == "a"
    for entry, rank in zip(c.conf["nodes"], (2, 1, 0)):
        entry["rank"] = rank
    for n in c.nodes.values():
        n.conf["cluster"] = c.conf
        with open(n.conf_path, "w") as f:
            f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in n.conf.items() if v is not None))
        n.signal(signal.SIGHUP)
        n.wait_event("reload")
    assert c.wait_master(master="c") == "c"
    assert [x["rank"] for x in c.nodes["a"].told()["nodes"]] == [2, 1, 0]


def test_e15_a_request_to_the_master_is_answered_by_it_or_for_it():
    """Literal "all process it" is `mirror` (test_mirror.py), off by default: the master forwards."""
    c = Cluster("abc", session={"keys": ["header:X-Key"]})
    master = c.wait_master()
    answered = {c.nodes[master].once("/", fields=[("X-Key", f"k{n}")]).id for n in range(40)}
    assert answered == set(c.ids)


def test_e16_a_surplus_master_steps_down():
    c = Cluster("abc")
    first = c.wait_master()
    c.nodes[first].freeze()
    second = c.wait_master(among=rest(c, first), after=first)
    c.nodes[first].thaw()  # thinks that it is master still
    assert c.wait_master() == second
    wait_until(lambda: sum(n.told()["state"] == "master" for n in c.nodes.values()) == 1, "one master")
    states = {i: n.told()["state"] for i, n in c.nodes.items()}
    assert states[second] == "master" and states[first] == "backup", states


# ---- safety -------------------------------------------------------------------------------------


def test_with_three_voters_the_master_has_the_lease():
    c = Cluster("abc", voters="abc", cluster={"lease": "1s"})
    first = c.wait_master()
    told = c.nodes[first].told()
    assert (told["safety"], told["engine"], told["state"]) == ("lease", "embedded", "master"), told
    c.nodes[first].die()
    second = c.wait_master(among=rest(c, first), after=first)
    assert c.nodes[second].told()["term"] > told["term"]
    c.nodes[first].come_back()
    assert c.wait_master() == second


def test_with_the_lease_nobody_is_master_without_a_majority():
    c = Cluster("abc", voters="abc", cluster={"lease": "1s"})
    master = c.wait_master()
    others = rest(c, master)
    for i in others:
        c.nodes[i].die()
    wait_until(lambda: c.nodes[master].told()["master"] is None, "a master without a majority steps down")
    r = c.nodes[master].once("/v1/master")
    assert r.status == 503 and r.json["master"] is None and "majority" in r.json["reason"], r.body
    assert int(r.fields.get("Retry-After")) >= 1
    c.nodes[others[0]].come_back()
    c.wait_master(among=[master, others[0]])


def test_the_order_of_events_of_a_takeover():
    c = Cluster("abc")
    first = c.wait_master()
    c.nodes[first].die()
    second = c.wait_master(among=rest(c, first), after=first)
    for i in rest(c, first):
        c.nodes[i].wait_event("master_elected", chosen=second)
        seen = changes(c.nodes[i])
        assert seen[-2:] == [("master_lost", first, None), ("master_elected", None, second)], seen
        elected = [(e["term"], e["chosen"]) for e in c.nodes[i].events("master_elected")]
        terms = [term for term, _ in elected]
        assert terms == sorted(terms) and len(set(elected)) == len(elected), elected


def test_a_master_that_was_only_late_is_not_elected_again():
    """With the lease nobody else can be master meanwhile: who was suspected is there again, in its term."""
    c = Cluster("abc", voters="abc", cluster={"lease": "10s"})
    first = c.wait_master()
    term = c.nodes[first].told()["term"]
    c.nodes[first].freeze()
    wait_until(lambda: all(c.nodes[i].events("master_lost") for i in rest(c, first)), "it is missed")
    c.nodes[first].thaw()
    assert c.wait_master() == first
    assert c.nodes[first].told()["term"] == term
    for i in rest(c, first):
        back = c.nodes[i].wait_event("master_back", chosen=first)
        assert back["term"] == term and f"{first} is master still in term {term}" in back["evidence"], back
        assert len(c.nodes[i].events("master_elected", term=term)) == 1, changes(c.nodes[i])


def test_a_master_that_stops_hands_over():
    c = Cluster("abc")
    first = c.wait_master()
    before = c.nodes[first].told()["longest_wait_ms"]
    c.nodes[first].stop()
    del c.nodes[first]
    second = c.wait_master(after=first)
    suspected = sum(n.told()["election"]["suspected"] for n in c.nodes.values())
    assert suspected == 0 and second and before > 0, "nobody had to find out by time-outs"


def test_a_master_whose_service_is_ill_hands_over():
    c = Cluster("abc", health=holdfast.CHECKED)
    first = c.wait_master()
    c.origins[first].go()
    second = c.wait_master(after=first)
    assert second != first
    wait_until(lambda: c.nodes[first].told()["fit"] is False, "it says that it is not fit")


# ---- who speaks ---------------------------------------------------------------------------------


def dropped(node):
    return node.told()["dropped"]


def counted(node, reason, before, by=1):
    wait_until(lambda: dropped(node)[reason] >= before[reason] + by, f"dropped as {reason}")


def test_datagrams_that_do_not_belong_are_dropped_and_counted():
    c = Cluster("abc")
    master = c.wait_master()
    node = c.nodes[master]
    to, speaker = c.datagrams[master], Speaker()
    before = dropped(node)
    for junk, reason in ((b"", "truncated"), (b"x" * 71, "truncated"), (b"HFDG" + b"\0" * 2000, "truncated"),
                         (b"XXXX" + b"\0" * 100, "magic"), (Speaker.header(version=2) + b"\0" * 16, "version"),
                         (Speaker.header(cluster=7) + b"\0" * 16, "cluster")):
        held = dropped(node)
        speaker.send(junk, to)
        counted(node, reason, held)
    assert dropped(node)["mac"] == before["mac"]
    assert c.wait_master() == master


def test_captured_datagrams_are_worth_nothing():
    """A node is given another's address as its own: what it is sent is taken, changed, and played."""
    c = Cluster("abc", start="ab")
    c.wait_master()
    tap = socket.socket(type=socket.SOCK_DGRAM)
    tap.bind(c.datagrams["c"])
    tap.settimeout(holdfast.WAIT_S)
    taken = [tap.recv(2000) for _ in range(12)]
    speaker = Speaker()
    a = c.nodes["a"]
    for data, reason in ((taken[0][:-1] + bytes([taken[0][-1] ^ 1]), "mac"),
                         (taken[0][:60] + bytes([taken[0][60] ^ 1]) + taken[0][61:], "mac"),
                         (taken[0][:6] + b"\xff\xff" + taken[0][8:], "secret")):
        held = dropped(a)
        speaker.send(data, c.datagrams["a"])
        counted(a, reason, held)
    held = {i: dropped(c.nodes[i]) for i in "ab"}
    for data in taken:
        for i in "ab":
            speaker.send(data, c.datagrams[i])
    for i in "ab":  # what a node said itself, what was for c, what was let in already
        wait_until(lambda i=i: sum(dropped(c.nodes[i])[r] - held[i][r] for r in ("twin", "receiver", "old")) >= len(taken),
                   "all of it is dropped")
        assert dropped(c.nodes[i])["mac"] == held[i]["mac"] + 0
    tap.close()
    c.wait_master()


def test_an_id_that_runs_already_is_refused():
    c = Cluster("abc")
    c.wait_master()
    other = ("127.77.77.77", c.datagrams["a"][1])
    twin = Node(c, "a", start=False, top={"cluster": dict(c.conf, listen=text_of(other)), "listeners":
                [{"address": text_of((c.hosts["a"], holdfast.free_port(c.hosts["a"])))}]})
    status, _, err = holdfast.holdfast("run", "-c", twin.conf_path)
    assert status == 1 and f"node a runs already, at {text_of(c.datagrams['a'])}" in err, err
    wait_until(lambda: "another process at" in c.nodes["a"].stderr, "the first one says so, too")
    c.wait_master()


def test_one_state_dir_is_one_node():
    c = Cluster("abc")
    c.wait_master()
    twin = Node(c, "a", start=False, top={"state_dir": c.nodes["a"].where, "cluster": dict(
        c.conf, listen=text_of(("127.77.77.77", c.datagrams["a"][1]))), "listeners":
        [{"address": text_of((c.hosts["a"], holdfast.free_port(c.hosts["a"])))}]})
    status, _, err = holdfast.holdfast("run", "-c", twin.conf_path)
    assert status == 1 and "another process has it" in err, err


def test_what_needs_a_restart_is_said():
    c = Cluster("abc")
    c.wait_master()
    n = c.nodes["a"]
    n.conf["cluster"] = dict(c.conf, safety="advisory", lease="20s", listen=text_of(("127.77.77.78", 9999)))
    with open(n.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in n.conf.items() if v is not None))
    n.signal(signal.SIGHUP)
    n.wait_event("reload")
    for key in ("cluster.listen", "cluster.lease"):
        n.wait_said(f"a change of {key} needs a restart")


# ---- hooks --------------------------------------------------------------------------------------


def hook(text):
    path = os.path.join(holdfast.folder(), "hook")
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def test_hooks_are_told_as_keepalived_tells_them():
    out = os.path.join(holdfast.folder(), "out")
    path = hook(f'echo "$@" >> {out}\n')
    c = Cluster("ab", start="a", cluster={"on_master": path, "on_backup": path})
    c.wait_master()
    read = lambda: open(out).read() if os.path.exists(out) else ""
    wait_until(lambda: re.search(r"^INSTANCE shop MASTER 0 \d+$", read(), re.M), "on_master was run")
    c.start("b")
    c.wait_master()
    wait_until(lambda: re.search(r"^INSTANCE shop BACKUP 1 \d+$", read(), re.M), "on_backup was run")


def test_a_hook_that_hangs_is_ended_and_nobody_waits():
    path = hook("sleep 1000 & sleep 1000\n")
    c = Cluster("abc", cluster={"on_master": path, "hook_timeout": "200ms"})
    master = c.wait_master()
    assert c.nodes[master].once("/").status == 200
    wait_until(lambda: "took longer than 200 ms and is killed" in c.nodes[master].stderr, "the hook is ended")
    wait_until(lambda: "ended by signal 9" in c.nodes[master].stderr, "and its end is seen")


def test_a_hook_that_hangs_is_ended_though_its_node_is_gone():
    """Killed or stopped: nobody is left behind who runs for ever."""
    for end in (Node.die, Node.stop):
        out = os.path.join(holdfast.folder(), "out")
        c = Cluster("a", cluster={"on_master": hook(f'echo $$ > {out}.new; mv {out}.new {out}\nexec sleep 1000\n'), "hook_timeout": "2s"})
        wait_until(lambda out=out: os.path.exists(out), "the hook runs")
        with open(out) as f:
            pid = int(f.read())
        end(c.nodes["a"])
        wait_until(lambda pid=pid: not alive(pid), "the hook is ended")


# ---- the name -----------------------------------------------------------------------------------


def lookup(server, name, kind=1):
    """(rcode, addresses) of one question."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(holdfast.WAIT_S)
        labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        s.sendto(struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", kind, 1), server)
        data = s.recv(600)
    ident, flags, questions, answers = struct.unpack(">HHHH", data[:8])
    assert ident == 0x1234 and flags & 0x8000 and questions == 1, data
    at, found = 12 + len(labels) + 4, []
    for _ in range(answers):
        pointer, rtype, _, ttl, count = struct.unpack(">HHHIH", data[at:at + 12])
        assert pointer == 0xc00c and ttl <= 3600
        if rtype == 1:
            found.append(socket.inet_ntoa(data[at + 12:at + 12 + count]))
        at += 12 + count
    assert at == len(data), "nothing behind the answers"
    return flags & 15, tuple(found)


if __name__ == "__main__":
    holdfast.main()
