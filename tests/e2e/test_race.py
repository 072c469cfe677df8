"""Races for the places of new sessions (US 8,069,251; SEEDS U1 to U13): real nodes, a tap on their
datagrams, the command for clients outside, tickets and what they open."""

import base64
import collections
import json
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from cluster import Cluster
from holdfast import CHECKED, text_of, wait_until
from tap import INIT, OFFER, TappedCluster

IDS = "abc"
RACE = {"assign": "race"}
# Long enough that nothing is late because the machine is busy.
PATIENT = {"assign": "race", "race": {"limit": "2s", "spread": "10ms"}}
FORGED = 100_000
FLOOD = 1_000_000
# AddressSanitizer keeps what was freed for a while; half of the least that the flood could leave behind.
FLAT_BYTES = 8 << 20 if holdfast.sanitizer() else 1 << 20


def service(node):
    return node.status()["services"][0]


def races(node):
    return service(node)["races"]


def tickets(node):
    return service(node)["tickets"]


def silent(node):
    return node.status()["race"]["silent"]


def new_session(node, **more):
    """A client that was never there. Its answer."""
    with node.client() as c:
        return c.get(**more)


Said = collections.namedtuple("Said", "status out error")


def command(*argv):
    return Said(*holdfast.holdfast("race", *argv))


def race(cluster, *options):
    """`holdfast race` before all nodes: (exit status, what it says as JSON)."""
    said = command(*[text_of(cluster.datagrams[i]) for i in cluster.ids], "--json", *options)
    return said.status, json.loads(said.out)


def winner_of(cluster, told):
    return next(i for i in cluster.ids if text_of(cluster.datagrams[i]) == told["winner"])


def show(node, ticket, **more):
    return new_session(node, fields=[("Holdfast-Ticket", ticket)], **more)


# ---- U1 to U9: one race -------------------------------------------------------------------------


def test_u01_all_nodes_are_asked_at_once():
    """No INIT waits for anybody: all of them are on their way before one is let through."""
    c = TappedCluster(IDS, session=PATIENT)
    c.tap.hold = lambda d: d.kind == INIT
    answers = []
    t = threading.Thread(target=lambda: answers.append(new_session(c.nodes["a"])))
    t.start()
    wait_until(lambda: {d.node for d in c.tap.held} == set(IDS), "an INIT before every node")
    assert not c.tap.of(OFFER)
    c.tap.release()
    t.join(holdfast.WAIT_S)
    assert answers[0].status == 200


def watched(count):
    """What passed in `count` races: {tag: (INITs, OFFERs)}."""
    c = TappedCluster(IDS, session=PATIENT)
    for n in range(count):
        assert new_session(c.nodes[IDS[n % 3]]).status == 200
    wait_until(lambda: len(c.tap.of(OFFER)) == 3 * count, "all offers")
    return c.tap.races()


def test_u02_all_inits_of_a_race_have_one_tag_that_is_never_used_again():
    seen = watched(60)
    assert len(seen) == 60, "a tag is of one race"
    for tag, (inits, _) in seen.items():
        assert len(tag) == 16 and len(set(tag)) > 4, "random"
        assert sorted(d.node for d in inits) == list(IDS)
        assert {d.service for d in inits} == {"shop"}


def test_u03_offers_have_the_tag_that_they_answer():
    for tag, (inits, offers) in watched(12).items():
        assert sorted(d.node for d in offers) == list(IDS)
        assert all(d.tag == tag for d in inits + offers)


def test_u04_an_offer_is_a_ticket_of_its_node_and_where_to_show_it():
    for _, (inits, offers) in watched(12).items():
        assert len({d.ticket for d in offers}) == 3 and all(d.ticket[0] == 1 for d in offers)
        assert all(b"http://" in d.data for d in offers)
        assert max(len(d.data) for d in offers) <= min(len(d.data) for d in inits), "never longer"


def test_u12_the_initiation_goes_by_udp_from_one_socket():
    """The tap is a UDP socket; without it there is no race."""
    for _, (inits, _) in watched(6).items():
        assert len({d.peer for d in inits}) == 1


def test_u05_the_time_of_each_answer_is_recorded():
    c = TappedCluster(IDS, session=RACE)
    c.tap.delay_s = {"a": 0.0, "b": 0.15, "c": 0.3}
    status, told = race(c)
    assert status == 0, told
    took = {n["node"]: n["ms"] for n in told["nodes"]}
    ms = [took[text_of(c.datagrams[i])] for i in IDS]
    assert ms[0] < ms[1] < ms[2] and ms[1] >= 150 and ms[2] >= 300, ms
    assert [n["result"] for n in told["nodes"]] == ["won", "late", "late"]
    assert told["late"] == 2 and told["strangers"] == 0


def test_u06_the_first_offer_wins():
    """Offers are let through in an order of the test's choice."""
    c = TappedCluster(IDS, session=PATIENT)
    c.tap.hold = lambda d: d.kind == OFFER
    for n in range(12):
        first = IDS[n % 3]
        answers = []
        t = threading.Thread(target=lambda: answers.append(new_session(c.nodes["a"])))
        t.start()
        wait_until(lambda: len(c.tap.held) == 3, "three offers")
        c.tap.release(lambda d: d.node != first)
        t.join(holdfast.WAIT_S)
        assert answers[0].id == first, (n, answers[0].id)


def test_u07_u08_late_offers_are_counted_and_change_nothing():
    """The tag is gone with the first offer: others, the same once more, and all of them long after."""
    c = TappedCluster(IDS, session=PATIENT)
    c.tap.double = lambda d: d.kind == OFFER
    homes = collections.Counter(new_session(c.nodes["a"]).id for _ in range(10))
    wait_until(lambda: races(c.nodes["a"]).get("late") == 50, "5 late ones a race")
    for d in c.tap.of(OFFER):
        d.send()
    wait_until(lambda: races(c.nodes["a"])["late"] == 80, "replayed ones are late")
    assert races(c.nodes["a"])["won"] == 10
    opened = {i: tickets(c.nodes[i]).get("opened", 0) for i in IDS}
    assert opened == {i: homes[i] for i in IDS}, "one session a race"


def test_u09_the_session_opens_at_the_winner_with_its_ticket():
    """By the mesh hop; the member never sees the ticket, nor what a client calls one."""
    c = TappedCluster(IDS, session=PATIENT)
    for home in IDS:
        c.tap.drop = lambda d: d.kind == OFFER and d.node != home
        b = c.nodes["a"].browser()
        assert b.get().id == home
        c.tap.drop = lambda d: d.kind == OFFER
        for i in IDS:  # the session is there, and nobody races for it again
            b.address = c.nodes[i].address
            b.leave()
            assert b.get().id == home
        b.leave()
    assert all(tickets(c.nodes[i]) == {"opened": 1} for i in IDS)
    assert races(c.nodes["a"])["won"] == 3
    assert not any(r.fields.has("Holdfast-Ticket") for o in c.origins.values() for r in o.requests)


# ---- U10, U11: nothing is kept, nothing is believed -----------------------------------------------


def test_u10_a_million_inits_leave_nothing_behind():
    """A sealed INIT, as nodes send it, a million times to one node: what waits is bounded, memory is flat,
    and races go on."""
    c = TappedCluster(IDS, session=PATIENT)
    assert new_session(c.nodes["a"]).status == 200
    init = next(d.data for d in c.tap.of(INIT) if d.node == "b")
    node = c.nodes["b"]

    def heard():
        told = node.status()["race"]
        return told["offers"] + sum(told["silent"].values())

    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind((holdfast.HOST, 0))

        def send(count):
            for n in range(count):
                s.sendto(init, c.real["b"])

        send(20_000)
        wait_until(lambda: heard() > 1000, "the first are heard")
        before, heard_before = node.memory_bytes(), heard()
        send(FLOOD)
        wait_until(lambda: heard() > heard_before + FLOOD / 100 or send(20_000), "it did hear them")
    grown = node.memory_bytes() - before
    assert grown < FLAT_BYTES, f"{grown} bytes more"
    won = races(c.nodes["a"]).get("won", 0)
    assert new_session(c.nodes["a"]).status == 200
    assert races(c.nodes["a"])["won"] == won + 1


def test_u11_an_altered_ticket_or_another_source_opens_nothing():
    c = Cluster(IDS, session=RACE)
    _, told = race(c)
    home = c.nodes[winner_of(c, told)]
    text, secret = told["ticket"].split("; secret=")
    other = next(n for n in c.nodes.values() if n is not home)

    def rejected(node, ticket):
        r = show(node, ticket)
        assert r.status == 409 and not r.cookies(), r
        kind, reason = r.fields.get("Holdfast-Ticket").split("; reason=")
        assert kind == "rejected"
        return reason

    assert rejected(home, text) == "forged", "without its secret"
    assert rejected(home, f"{text}; secret={secret[:-1]}{'01'[secret[-1] == '0']}") == "forged"
    assert rejected(home, f"{text[:-4]}AAAA; secret={secret}") == "forged"
    assert rejected(home, f"{text[:-1]}; secret={secret}") == "malformed"
    assert rejected(home, "") == "malformed"
    assert rejected(other, told["ticket"]) in ("unknown_key", "forged")
    assert show(home, told["ticket"]).status == 200
    assert tickets(home)["opened"] == 1
    home.wait_event("ticket_rejected", count=5)


def test_u11_a_ticket_bound_to_an_address_is_for_that_address():
    c = Cluster(IDS, session=RACE)
    status, told = race(c, "--bind", "address")
    assert status == 0 and "secret" not in told["ticket"]
    home = c.nodes[winner_of(c, told)]
    with home.client(source="127.0.0.9") as client:
        assert client.get(fields=[("Holdfast-Ticket", told["ticket"])]).status == 409
    with home.client(source=home_of_command(c)) as client:
        assert client.get(fields=[("Holdfast-Ticket", told["ticket"])]).status == 200


def home_of_command(cluster):
    """From where a socket that is bound to nothing speaks to these nodes."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.connect(cluster.datagrams[cluster.ids[0]])
        return s.getsockname()[0]


def test_u11_100000_forged_tickets_open_no_session():
    """Good in form, and as near as can be: a good one with other bits in claims or MAC."""
    c = Cluster(IDS, session=RACE)
    _, told = race(c)
    home = c.nodes[winner_of(c, told)]
    text, secret = told["ticket"].split("; secret=")
    good = bytearray(base64.urlsafe_b64decode(text))
    batch = 500
    served = sum(len(o.requests) for o in c.origins.values())
    with home.client() as client:
        for n in range(0, FORGED, batch):
            lines = []
            for i in range(n, n + batch):
                forged = bytearray(good)
                forged[i % 48] ^= 1 + i // 48 % 255
                forged[(i * 7 + 3) % 48] ^= i // 13 % 256
                if forged == good:
                    forged[47] ^= 1
                ticket = base64.urlsafe_b64encode(bytes(forged)).decode()
                lines.append(client.request_bytes(
                    fields=[("Holdfast-Ticket", f"{ticket}; secret={secret}")]))
            client.send(b"".join(lines))
            for _ in range(batch):
                assert client.response().status == 409
    told = tickets(home)
    assert "opened" not in told and sum(told.values()) == FORGED, told
    assert sum(len(o.requests) for o in c.origins.values()) == served


# ---- U13, and who takes part ---------------------------------------------------------------------


def test_u13_there_are_two_servers_at_least():
    one = command("127.0.0.1:7946")
    assert one.status == 2 and "2 to 64 nodes" in one.error
    same = command("127.0.0.1:7946", "127.0.0.1:7946")
    assert same.status == 2 and "twice" in same.error


def test_who_is_not_fit_is_silent():
    """Draining, dead, and full members do not offer; why stands in the status."""
    c = Cluster(IDS, session={**RACE, "race": {"full": 1}}, health=CHECKED)
    assert holdfast.holdfast("drain", "--admin", text_of(c.nodes["a"].admin_address), "a")[0] == 0
    c.origins["b"].go()
    c.nodes["b"].wait_event("member_down", member="b")
    wait_until(lambda: {new_session(c.nodes["c"]).id for _ in range(5)} == {"c"}, "c alone offers")
    assert silent(c.nodes["a"])["drain"] > 0 and silent(c.nodes["b"])["stale"] > 0


def test_a_full_member_is_silent():
    hold = threading.Event()

    def behave(connection, request):
        if request.target == "/hold":
            hold.wait(holdfast.WAIT_S)
        holdfast.answer_json(connection, request)

    c = Cluster(IDS, session={**PATIENT, "race": {"limit": "2s", "full": 1}}, behave=behave)
    held = []
    threads = [threading.Thread(target=lambda: held.append(new_session(c.nodes["a"], target="/hold").id))
               for _ in range(2)]
    try:
        for n, t in enumerate(threads):
            t.start()
            wait_until(lambda: sum(m["active"] for i in IDS for m in service(c.nodes[i])["members"]
                                   if m["id"] == i) == n + 1, "one more is held")
        assert len({new_session(c.nodes["a"]).id for _ in range(6)}) == 1, "the one that has room"
        assert sum(silent(n).get("full", 0) for n in c.nodes.values()) >= 12
    finally:
        hold.set()
        for t in threads:
            t.join(holdfast.WAIT_S)
    assert len(set(held)) == 2


def test_a_delayed_node_gets_no_sessions_until_it_is_near_again():
    c = TappedCluster(IDS, session=PATIENT)
    c.tap.delay_s = {"b": 0.2}
    homes = collections.Counter(new_session(c.nodes["a"]).id for _ in range(40))
    assert homes["b"] == 0 and homes["a"] > 0 and homes["c"] > 0, homes
    c.tap.delay_s = {}
    wait_until(lambda: new_session(c.nodes["a"]).id == "b", "its share returns")


def test_the_busier_member_offers_later():
    """Half of what a is able to take is taken: the others are first, whoever asks."""
    hold = threading.Event()

    def behave(connection, request):
        if request.target == "/hold":
            hold.wait(holdfast.WAIT_S)
        holdfast.answer_json(connection, request)

    c = Cluster(IDS, session={"assign": "race", "race": {"limit": "4s", "spread": "2s", "full": 10}}, behave=behave)
    client = c.nodes["a"].browser()
    home = client.get().id
    clients = []
    try:
        for _ in range(5):
            other = c.nodes[home].client()
            clients.append(other)
            other.send(other.request_bytes(target="/hold", fields=[("Cookie", "; ".join(
                f"{k}={v}" for k, v in client.cookies.items()))]))
        wait_until(lambda: next(m["active"] for m in service(c.nodes[home])["members"] if m["id"] == home) == 5,
                   "five are held there")
        homes = collections.Counter(new_session(c.nodes[home]).id for _ in range(8))
        assert homes[home] == 0, homes
    finally:
        hold.set()


# ---- when nobody offers ---------------------------------------------------------------------------


def test_a_lost_attempt_is_followed_by_another_with_another_tag():
    c = TappedCluster(IDS, session={"assign": "race", "race": {"limit": "200ms", "spread": "1ms"}})
    seen = set()

    def first_tag_of_all(d):
        if d.kind != INIT:
            return False
        if not seen:
            seen.add(d.tag)
        return d.tag in seen

    c.tap.drop = first_tag_of_all
    r = new_session(c.nodes["a"])
    assert r.status == 200
    assert races(c.nodes["a"]) == {"won": 1, "second": 1, "late": 2} or wait_until(
        lambda: races(c.nodes["a"]) == {"won": 1, "second": 1, "late": 2}, "won by the second")
    attempts = [d.data[32] for d in c.tap.of(INIT)]
    assert sorted(attempts) == [1, 1, 1, 2, 2, 2] and len(c.tap.races()) == 2


def test_the_ordering_decides_when_nobody_offers():
    import ordering
    c = TappedCluster(IDS, session={**RACE, "keys": ["header:X-Key"]})
    c.tap.drop = lambda d: d.kind == INIT
    for n in range(6):
        key = f"k{n}"
        home = new_session(c.nodes["a"], fields=[("X-Key", key)]).id
        assert home == ordering.order(IDS, ordering.digest(key))[0]
    assert races(c.nodes["a"]) == {"second": 6, "fallback": 6}
    c.nodes["a"].wait_event("race_fallback", count=6)


def test_races_at_once_are_bounded():
    """256 a worker; who comes then goes by the ordering, and waits for nobody."""
    c = TappedCluster(IDS, session={"assign": "race", "race": {"limit": "5s"}})
    c.tap.hold = lambda d: d.kind == OFFER
    clients = [c.nodes["a"].client() for _ in range(300)]
    for client in clients:
        client.send(client.request_bytes())
    wait_until(lambda: races(c.nodes["a"]).get("crowded") == 44, "44 are too many")
    c.tap.hold = lambda d: False
    c.tap.release()
    assert [client.response().status for client in clients] == [200] * 300
    told = races(c.nodes["a"])
    assert told["won"] + told.get("fallback", 0) == 256, told


def test_a_body_that_comes_during_the_race_is_not_lost():
    c = TappedCluster(IDS, session=PATIENT)
    c.tap.hold = lambda d: d.kind == OFFER
    body = bytes(range(256)) * 2000
    client = c.nodes["a"].client()
    t = threading.Thread(target=lambda: client.send(client.request_bytes("POST", body=body)))
    t.start()
    wait_until(lambda: len(c.tap.held) == 3, "three offers")
    c.tap.hold = lambda d: False
    c.tap.release()
    r = client.response("POST")
    t.join(holdfast.WAIT_S)
    assert r.status == 200
    assert [q.body for o in c.origins.values() for q in o.requests] == [body]


def test_a_client_that_leaves_ends_its_race():
    c = TappedCluster(IDS, session=PATIENT)
    c.tap.hold = lambda d: d.kind == OFFER
    client = c.nodes["a"].client()
    client.send(client.request_bytes())
    wait_until(lambda: len(c.tap.held) == 3, "three offers")
    client.stop()
    c.tap.hold = lambda d: False
    c.tap.release()
    assert new_session(c.nodes["a"]).status == 200
    assert sum(len(o.requests) for o in c.origins.values()) in (1, 2)


def test_a_winner_that_dies_is_raced_for_again():
    """Its ticket is in hand when its node is killed: another race, another tag, one session."""
    c = TappedCluster(IDS, session=PATIENT, passive={"retry": "60s"})
    c.tap.hold = lambda d: d.kind == OFFER
    answers = []
    t = threading.Thread(target=lambda: answers.append(new_session(c.nodes["a"])))
    t.start()
    wait_until(lambda: len(c.tap.held) == 3, "three offers")
    c.nodes["b"].die()
    c.tap.hold = lambda d: False
    c.tap.release(lambda d: d.node != "b")
    t.join(holdfast.WAIT_S)
    assert answers[0].status == 200 and answers[0].id in "ac"
    told = races(c.nodes["a"])
    assert told["won"] == 2 and told["refused"] == 1, told
    assert len(c.tap.races()) == 2


def test_a_winner_that_restarted_refuses_and_is_raced_for_again():
    """Its keys are others now: 409 between the nodes, another race, and the client sees nothing."""
    c = TappedCluster(IDS, session=PATIENT)
    c.tap.hold = lambda d: d.kind == OFFER
    answers = []
    t = threading.Thread(target=lambda: answers.append(new_session(c.nodes["a"])))
    t.start()
    wait_until(lambda: len(c.tap.held) == 3, "three offers")
    c.nodes["b"].die()
    c.nodes["b"].come_back()
    c.tap.hold = lambda d: False
    c.tap.release(lambda d: d.node != "b")
    t.join(holdfast.WAIT_S)
    assert answers[0].status == 200, answers
    assert tickets(c.nodes["b"]).get("unknown_key") == 1
    assert c.nodes["b"].events("ticket_rejected")[0]["reason"] == "unknown_key"
    assert races(c.nodes["a"])["refused"] == 1
    assert sum(len(o.requests) for o in c.origins.values()) == 1


# ---- clients outside ------------------------------------------------------------------------------


def test_the_command_opens_a_session_that_stays():
    c = Cluster(IDS, session=RACE)
    status, told = race(c, "--open")
    assert status == 0 and told["opened"]["status"] == 200, told
    home = winner_of(c, told)
    cookie = told["opened"]["cookie"].split(";")[0]
    for i in IDS:
        assert new_session(c.nodes[i], fields=[("Cookie", cookie)]).id == home
    text = command(*[text_of(c.datagrams[i]) for i in IDS], "--open")
    assert text.status == 0 and "won, opens at http://" in text.out and "opened" in text.out, text


def test_a_ticket_that_is_shown_twice_opens_one_session():
    c = Cluster(IDS, session=RACE)
    _, told = race(c)
    home = winner_of(c, told)
    first, again = (show(c.nodes[home], told["ticket"]) for _ in range(2))
    sessions = {r.fields.get("Holdfast-Session") for r in c.origins[home].requests}
    assert first.id == again.id == home and len(sessions) == 1, sessions


def test_a_stale_ticket_is_refused_with_its_reason():
    c = Cluster(IDS, session={**RACE, "race": {"ticket_ttl": "100ms"}})
    _, told = race(c)
    home = c.nodes[winner_of(c, told)]
    r = wait_until(lambda: (lambda r: r if r.status == 409 else None)(show(home, told["ticket"])), "it is stale")
    assert r.fields.get("Holdfast-Ticket") == "rejected; reason=expired"


def test_exit_status_when_nobody_offers():
    c = Cluster(IDS, session=RACE)
    done = command(*[text_of(c.datagrams[i]) for i in IDS], "--service", "other", "--limit", "50")
    assert done.status == 1 and "nobody offers, in 2 attempts" in done.out, done
    assert command("--limit", "0", "127.0.0.1:1", "127.0.0.1:2").status == 2
    assert command("127.0.0.1:1", "nowhere").status == 2
    assert silent(c.nodes["a"])["service"] == 2


def test_clients_of_one_network_are_answered_at_a_bounded_rate():
    c = Cluster(IDS, session=RACE)
    tag = bytes(range(16))
    init = b"HFRC" + bytes([1, 40]) + bytes(10) + tag + bytes([1, 1]) + bytes(16) + bytes([0])
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind((holdfast.HOST, 0))
        for _ in range(2000):
            s.sendto(init.ljust(208, b"\0"), c.datagrams["a"])
        wait_until(lambda: silent(c.nodes["a"]).get("rate", 0) > 0, "some are not answered")
        s.sendto(init, c.datagrams["a"])
        wait_until(lambda: silent(c.nodes["a"]).get("short", 0) == 1, "a short one is not answered")
        s.sendto(b"HFRC" + bytes([1, 40]) + bytes([1] * 300), c.datagrams["a"])
        wait_until(lambda: silent(c.nodes["a"]).get("bad", 0) == 1, "a bad one is not answered")


# ---- admission by ticket --------------------------------------------------------------------------


def test_a_busy_node_takes_new_sessions_by_ticket_alone():
    """Above session.race.busy: 503 with Retry-After; a ticket opens; sessions that live there go on."""
    hold = threading.Event()

    def behave(connection, request):
        if request.target == "/hold":
            hold.wait(holdfast.WAIT_S)
        holdfast.answer_json(connection, request)

    c = Cluster("ab", session={"keys": ["header:X-Key"], "admission": "ticket", "assign": "ordering",
                               "race": {"full": 4, "busy": "50%"}}, behave=behave)
    import ordering
    keys = [k for k in (f"k{n}" for n in range(200)) if ordering.order("ab", ordering.digest(k))[0] == "a"]
    b = c.nodes["a"].browser(fields=[("X-Key", keys[0])])
    assert b.get().id == "a"
    tag = [("X-Key", keys[0]), ("Cookie", "; ".join(f"{k}={v}" for k, v in b.cookies.items()))]
    clients = [c.nodes["a"].client() for _ in range(2)]
    try:
        for client in clients:
            client.send(client.request_bytes(target="/hold", fields=tag))
        wait_until(lambda: next(m["active"] for m in service(c.nodes["a"])["members"] if m["id"] == "a") == 2,
                   "half of what it takes")
        for i in "ab":
            r = new_session(c.nodes[i], fields=[("X-Key", keys[1])])
            assert r.status == 503 and r.fields.get("Retry-After") == "1", (i, r)
        assert b.get().id == "a", "who lives there goes on"
        done = command(*[text_of(c.datagrams[i]) for i in "ab"], "--json", "--limit", "1000")
        told = json.loads(done.out)
        tickets_of = {n["node"]: n["result"] for n in told["nodes"]}
        assert "silent" not in tickets_of.values()
        home = winner_of(c, told)
        r = show(c.nodes[home], told["ticket"])
        assert r.status == 200 and r.id == home
    finally:
        hold.set()
    assert service(c.nodes["a"])["requests"]["by_cause"]["ticket_wanted"] >= 1


# ---- what is said of it ---------------------------------------------------------------------------


def test_races_stand_in_metrics_log_and_status():
    c = Cluster(IDS, session=RACE)
    ids = [new_session(c.nodes["a"]).id for _ in range(5)]
    while "a" not in ids:  # who asked serves: its line says how it came
        ids.append(new_session(c.nodes["a"]).id)
    text = c.nodes["a"].admin("/metrics").body.decode()
    assert 'holdfast_races_total{service="shop",outcome="won"} %d' % len(ids) in text
    opened = sum(int(line.rsplit(" ", 1)[1]) for n in c.nodes.values()
                 for line in n.admin("/metrics").body.decode().splitlines()
                 if line.startswith('holdfast_tickets_total{service="shop",result="opened"}'))
    assert opened == len(ids)
    assert f"holdfast_race_offers_total {len(ids)}\n" in text
    assert 'holdfast_race_silences_total{reason="drain"} 0' in text
    assigned = lambda: [e for n in c.nodes.values() for e in n.events("assigned")]
    lines = wait_until(lambda: len(assigned()) == len(ids) and assigned(), "a line each")
    assert sorted(e["chosen"] for e in lines) == sorted(ids)
    assert any(e["evidence"] and e["evidence"].startswith("race: the first of 3 after") for e in lines)


def test_races_begin_with_a_reload():
    c = Cluster(IDS, session={"assign": "ordering"})
    assert new_session(c.nodes["a"]).status == 200
    assert races(c.nodes["a"]) == {}
    for n in c.nodes.values():
        with open(n.conf_path) as f:
            text = f.read()
        with open(n.conf_path, "w") as f:
            f.write(text.replace('"ordering"', '"race"'))
        n.signal(signal.SIGHUP)
    wait_until(lambda: all(n.events("reload") for n in c.nodes.values()), "reloaded")
    assert new_session(c.nodes["a"]).status == 200
    assert races(c.nodes["a"])["won"] == 1


if __name__ == "__main__":
    holdfast.main()
