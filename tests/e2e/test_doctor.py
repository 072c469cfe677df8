"""`holdfast doctor`: what would keep a node from being well, before it starts."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import HOST, BlackHole, Holdfast, Origin, text_of


def doctor(p, *more):
    return holdfast.holdfast("doctor", "-c", p.conf_path, *more)


def lines(out):
    """[(grade, what, text)]"""
    found = [tuple(line.split(None, 2)) for line in out.splitlines()[:-1]]
    assert all(f[0] in ("ok", "warning", "bad") for f in found), out
    return found


def asleep(members, **more):
    """A configuration whose node does not run."""
    return Holdfast(members, start=False, **more)


def test_all_is_well():
    p = asleep([Origin("a"), Origin("b")])
    status, out, err = doctor(p)
    assert (status, err) == (0, ""), (out, err)
    found = lines(out)
    assert ("ok", "listener", f"{text_of(p.address)}: free") in found
    assert [f[0] for f in found if f[1] == "member"] == ["ok", "ok"]
    assert {f[1] for f in found} >= {"configuration", "descriptors", "memory", "seccomp", "backlog", "clock", "state_dir", "listener", "member"}
    counts = out.splitlines()[-1]
    assert counts.endswith(" 0 bad") and counts.startswith(f"{sum(f[0] == 'ok' for f in found)} ok, "), counts


def test_a_member_that_does_not_answer():
    a, b = Origin("a"), Origin("b", start=False)
    p = asleep([a, b])
    status, out, _ = doctor(p)
    assert status == 1
    assert ("bad", "member", f"b of shop: {text_of(b.address)}: Connection refused") in lines(out)
    assert ("ok", "member", f"a of shop: {text_of(a.address)} answers") in lines(out)


def test_more_members_than_are_tried_at_once():
    gone = [{"id": f"g{n}", "origin": f"{HOST}:{n}"} for n in range(1, 101)]  # nobody listens on such ports here
    p = asleep([holdfast.member(Origin("a"))] + gone)
    status, out, _ = doctor(p)
    members = [f for f in lines(out) if f[1] == "member"]
    assert status == 1 and [f[0] for f in members] == ["ok"] + ["bad"] * 100
    assert members[100][2] == f"g100 of shop: {HOST}:100: Connection refused"


def test_a_member_that_hangs():
    hole = BlackHole("hole")
    holdfast.track(hole)
    p = asleep([holdfast.member(Origin("a")), {"id": "hole", "origin": text_of(hole.address)}], timeouts={"connect": "100ms"})
    status, out, _ = doctor(p)
    assert status == 1
    assert ("bad", "member", f"hole of shop: {text_of(hole.address)}: Connection timed out") in lines(out)
    assert any(f[0] == "ok" and f[2].startswith("a of shop") for f in lines(out))


def test_a_port_that_is_taken():
    a = Origin("a")
    p = Holdfast([a])
    status, out, _ = doctor(p)
    assert status == 0
    assert ("warning", "listener", f"{text_of(p.address)}: in use, by a node that runs already or by another program") in lines(out)
    assert p.once().status == 200, "it was not disturbed"


def test_a_port_that_is_not_ours():
    p = asleep([Origin("a")], address=("192.0.2.77", 80))
    status, out, _ = doctor(p)
    assert status == 1
    assert ("bad", "listener", "192.0.2.77:80: Cannot assign requested address") in lines(out)


def test_a_directory_that_is_not_there():
    p = asleep([Origin("a")], top={"state_dir": "/nowhere/at/all"})
    status, out, _ = doctor(p)
    assert status == 1
    assert any(f[:2] == ("bad", "state_dir") or f[:2] == ("bad", "configuration") for f in lines(out)), out


def test_a_configuration_that_is_wrong_is_said_line_by_line():
    p = asleep([Origin("a")], service={"attempts_max": 0})
    status, out, _ = doctor(p)
    found = lines(out)
    assert status == 1 and [f[:2] for f in found] == [("bad", "configuration")], out
    assert "services[0].attempts_max" in found[0][2] and "below 1" in found[0][2]


def test_root_is_said():
    found = lines(doctor(asleep([Origin("a")]))[1])
    expected = "warning" if os.geteuid() == 0 else "ok"
    assert [f[0] for f in found if f[1] == "rights"] == [expected]
    found = lines(doctor(asleep([Origin("a")], top={"user": "nobody"}))[1])
    assert ("ok", "rights", "nobody") in found


def test_a_user_that_is_not_there():
    status, out, _ = doctor(asleep([Origin("a")], top={"user": "no-such-user"}))
    assert status == 1 and ("bad", "rights", "user no-such-user: no such user") in lines(out), out


def test_logs_that_cannot_be_written():
    where = holdfast.folder()
    where_file = os.path.join(where, "file")
    open(where_file, "w").close()
    p = asleep([Origin("a")], top={"log": {"failover": f"{where}/none/failover.log", "access": where,
                                           "process": f"syslog:{where}/none"}})
    status, out, _ = doctor(p)
    found = [f for f in lines(out) if f[1] == "log"]
    assert status == 1 and found == [("bad", "log", f"failover: {where}/none/failover.log: No such file or directory"),
                                     ("bad", "log", f"access: {where}: Is a directory"),
                                     ("bad", "log", f"process: syslog:{where}/none: No such file or directory")], out
    p = asleep([Origin("a")], top={"log": {"failover": where_file, "access": f"{where}/new.log", "process": "stderr"}})
    status, out, _ = doctor(p)
    assert [f[0] for f in lines(out) if f[1] == "log"] == ["ok", "ok", "ok"], out
    assert not os.path.exists(f"{where}/new.log"), "nothing is made"


def test_few_descriptors():
    p = asleep([Origin("a")], top={"limits": {"connections_max": 5000000}})
    status, out, _ = doctor(p)
    assert status == 1
    assert any(f[:2] == ("bad", "descriptors") and "wants 10000000" in f[2] for f in lines(out)), out


def test_json():
    b = Origin("b", start=False)
    p = asleep([b])
    status, out, _ = doctor(p, "--json")
    told = json.loads(out)
    assert status == 1 and not told["ok"] and told["bad"] == 1
    assert told["good"] + told["warnings"] + told["bad"] == len(told["found"])
    assert {"grade": "bad", "what": "member",
            "text": f"b of shop: {text_of(b.address)}: Connection refused"} in told["found"]


def test_usage():
    assert holdfast.holdfast("doctor")[0] == 2
    status, out, _ = holdfast.holdfast("doctor", "-c", "/nowhere.conf")
    assert status == 1 and "No such file" in out


if __name__ == "__main__":
    holdfast.main()
